/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The queue of a device's calls: in their order, those that wait and those that don't.
 * docs/spec/server-api.md 6.2 */
#include "worker/worker-private.h"

void worker_queue_init(WorkerQueue *queue)
{
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->done, NULL);
}

void worker_queue_clear(WorkerQueue *queue)
{
    while (queue->first) {
        WorkerRequest *request = queue->first;

        queue->first = request->next;
        g_free(request);
    }
    pthread_cond_destroy(&queue->done);
    pthread_mutex_destroy(&queue->lock);
}

static void append(WorkerQueue *queue, WorkerRequest *request)
{
    request->next = NULL;
    if (queue->last)
        queue->last->next = request;
    else
        queue->first = request;
    queue->last = request;
    __atomic_add_fetch(&queue->n, 1, __ATOMIC_RELEASE);
}

void worker_request_sync(Worker *worker, WorkerRequest *request)
{
    WorkerQueue *queue = &worker->queue;

    if (pthread_equal(pthread_self(), worker->thread)) {
        log_warning("display %d: a call that waits for the worker came from one of its callbacks; "
                    "ignored",
                    worker->qxl->id);
        return;
    }
    request->is_sync = true;
    request->done = false;
    pthread_mutex_lock(&queue->lock);
    append(queue, request);
    pthread_mutex_unlock(&queue->lock);
    loop_wake(worker->loop);
    pthread_mutex_lock(&queue->lock);
    while (!request->done)
        pthread_cond_wait(&queue->done, &queue->lock);
    pthread_mutex_unlock(&queue->lock);
}

void worker_request_async(Worker *worker, const WorkerRequest *request)
{
    WorkerRequest *copy = g_new(WorkerRequest, 1);

    *copy = *request;
    copy->is_sync = false;
    pthread_mutex_lock(&worker->queue.lock);
    append(&worker->queue, copy);
    pthread_mutex_unlock(&worker->queue.lock);
    loop_wake(worker->loop);
}

static WorkerRequest *take(WorkerQueue *queue)
{
    WorkerRequest *request;

    pthread_mutex_lock(&queue->lock);
    request = queue->first;
    if (request) {
        queue->first = request->next;
        if (!queue->first)
            queue->last = NULL;
        __atomic_sub_fetch(&queue->n, 1, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&queue->lock);
    return request;
}

static void finish(Worker *worker, WorkerRequest *request)
{
    if (request->has_cookie && worker->interface->async_complete)
        worker->interface->async_complete(worker->qxl, request->cookie);
    if (!request->is_sync) {
        g_free(request);
        return;
    }
    pthread_mutex_lock(&worker->queue.lock);
    request->done = true;
    pthread_cond_broadcast(&worker->queue.done);
    pthread_mutex_unlock(&worker->queue.lock);
}

void worker_run_requests(Worker *worker)
{
    WorkerRequest *request;

    /* Those that are there now: who calls again and again doesn't keep us from sockets. */
    for (int left = __atomic_load_n(&worker->queue.n, __ATOMIC_ACQUIRE);
         left > 0 && !worker->quit && (request = take(&worker->queue)); left--) {
        if (request->record)
            recorder_event(worker->server->recorder, request->record);
        request->run(worker, request);
        finish(worker, request);
    }
}
