/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The decode threads and their queue. */
#include "display/decode-pool.h"

#include <glib.h>

#define MAX_THREADS 4

struct DecodePool {
    pthread_mutex_t lock;
    pthread_cond_t work; /* a job was queued, or the end has come */
    pthread_cond_t done; /* a job was finished */
    DecodeJob *first, *last;
    unsigned int n_threads, n_started, n_idle;
    bool end;
    pthread_t threads[MAX_THREADS];
};

static void unlink_job(DecodePool *pool, DecodeJob *job)
{
    if (job->previous)
        job->previous->next = job->next;
    else
        pool->first = job->next;
    if (job->next)
        job->next->previous = job->previous;
    else
        pool->last = job->previous;
    job->next = job->previous = NULL;
}

static void *run_thread(void *data)
{
    DecodePool *pool = data;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        DecodeJob *job = pool->first;
        CanvasImage *result;
        CanvasResult code;

        if (!job) {
            if (pool->end)
                break;
            pool->n_idle++;
            pthread_cond_wait(&pool->work, &pool->lock);
            pool->n_idle--;
            continue;
        }
        unlink_job(pool, job);
        job->state = DECODE_RUNNING;
        pthread_mutex_unlock(&pool->lock);
        result = canvas_image_decode(job->image, &job->how, &code);
        pthread_mutex_lock(&pool->lock);
        job->result = result;
        job->code = code;
        job->state = DECODE_DONE;
        pthread_cond_broadcast(&pool->done);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

DecodePool *decode_pool_new(unsigned int n_threads)
{
    DecodePool *pool = g_new0(DecodePool, 1);

    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    pool->n_threads = MIN(n_threads, MAX_THREADS);
    return pool;
}

void decode_pool_free(DecodePool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->end = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned int i = 0; i < pool->n_started; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    g_free(pool);
}

bool decode_pool_submit(DecodePool *pool, DecodeJob *job)
{
    bool queued = false;

    pthread_mutex_lock(&pool->lock);
    if (pool->n_idle == 0 && pool->n_started < pool->n_threads &&
        pthread_create(&pool->threads[pool->n_started], NULL, run_thread, pool) == 0)
        pool->n_started++;
    if (pool->n_started > 0) {
        job->state = DECODE_QUEUED;
        job->next = NULL;
        job->previous = pool->last;
        if (pool->last)
            pool->last->next = job;
        else
            pool->first = job;
        pool->last = job;
        pthread_cond_signal(&pool->work);
        queued = true;
    }
    pthread_mutex_unlock(&pool->lock);
    return queued;
}

CanvasImage *decode_pool_finish(DecodePool *pool, DecodeJob *job, CanvasResult *code)
{
    CanvasImage *result;

    pthread_mutex_lock(&pool->lock);
    if (job->state == DECODE_QUEUED) {
        unlink_job(pool, job);
        job->state = DECODE_IDLE;
        pthread_mutex_unlock(&pool->lock);
        return canvas_image_decode(job->image, &job->how, code);
    }
    while (job->state == DECODE_RUNNING)
        pthread_cond_wait(&pool->done, &pool->lock);
    result = job->result;
    *code = job->code;
    job->result = NULL;
    job->state = DECODE_IDLE;
    pthread_mutex_unlock(&pool->lock);
    return result;
}

void decode_pool_cancel(DecodePool *pool, DecodeJob *job)
{
    pthread_mutex_lock(&pool->lock);
    if (job->state == DECODE_QUEUED)
        unlink_job(pool, job);
    while (job->state == DECODE_RUNNING)
        pthread_cond_wait(&pool->done, &pool->lock);
    canvas_image_unref(job->result);
    job->result = NULL;
    job->state = DECODE_IDLE;
    pthread_mutex_unlock(&pool->lock);
}
