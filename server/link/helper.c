/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The helper thread. See helper.h. Guarded by pthread's lock, which the thread sanitizer knows. */
#include <pthread.h>
#include <signal.h>

#include "link/helper.h"

#include "log.h"

typedef struct Job Job;
struct Job {
    Job *next;
    void (*work)(void *data), (*done)(void *data);
    void *data;
};

typedef struct JobList {
    Job *first, **last;
} JobList;

struct Helper {
    Loop *loop;
    pthread_t thread;
    bool running; /* the thread exists; main thread only */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    /* guarded by the lock */
    unsigned refs; /* the owner, and each post that is under way */
    bool stop, post_pending;
    JobList waiting, finished;
};

static void list_init(JobList *list)
{
    list->first = NULL;
    list->last = &list->first;
}

static void list_add(JobList *list, Job *job)
{
    job->next = NULL;
    *list->last = job;
    list->last = &job->next;
}

static Job *list_take(JobList *list)
{
    Job *job = list->first;

    if (job) {
        list->first = job->next;
        if (!list->first)
            list->last = &list->first;
    }
    return job;
}

static Job *list_remove(JobList *list, const void *data)
{
    Job **at = &list->first, *job;

    while (*at && (*at)->data != data)
        at = &(*at)->next;
    job = *at;
    if (job) {
        *at = job->next;
        if (!*at)
            list->last = at;
    }
    return job;
}

/* With the lock held, which is released. */
static void drop_reference(Helper *helper)
{
    bool last = --helper->refs == 0;

    pthread_mutex_unlock(&helper->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&helper->lock);
    pthread_cond_destroy(&helper->wake);
    g_free(helper);
}

static void call_done(Helper *helper)
{
    Job *job;

    pthread_mutex_lock(&helper->lock);
    while ((job = list_take(&helper->finished))) {
        pthread_mutex_unlock(&helper->lock);
        job->done(job->data);
        g_free(job);
        pthread_mutex_lock(&helper->lock);
    }
    pthread_mutex_unlock(&helper->lock);
}

static void posted(void *data)
{
    Helper *helper = data;

    pthread_mutex_lock(&helper->lock);
    helper->post_pending = false;
    pthread_mutex_unlock(&helper->lock);
    call_done(helper);
    pthread_mutex_lock(&helper->lock);
    drop_reference(helper);
}

static void *helper_thread(void *data)
{
    Helper *helper = data;

    pthread_mutex_lock(&helper->lock);
    while (!helper->stop) {
        Job *job = list_take(&helper->waiting);
        bool post;

        if (!job) {
            pthread_cond_wait(&helper->wake, &helper->lock);
            continue;
        }
        pthread_mutex_unlock(&helper->lock);
        job->work(job->data);
        pthread_mutex_lock(&helper->lock);
        list_add(&helper->finished, job);
        post = !helper->post_pending && !helper->stop;
        if (post) {
            helper->post_pending = true;
            helper->refs++;
            pthread_mutex_unlock(&helper->lock);
            loop_post(helper->loop, posted, helper);
            pthread_mutex_lock(&helper->lock);
        }
    }
    pthread_mutex_unlock(&helper->lock);
    return NULL;
}

Helper *helper_new(Loop *loop)
{
    Helper *helper = g_new0(Helper, 1);

    helper->loop = loop;
    helper->refs = 1;
    list_init(&helper->waiting);
    list_init(&helper->finished);
    pthread_mutex_init(&helper->lock, NULL);
    pthread_cond_init(&helper->wake, NULL);
    return helper;
}

static bool start_thread(Helper *helper)
{
    sigset_t all, before;
    int error;

    if (helper->running)
        return true;
    /* The application's signals are for its own threads. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&helper->thread, NULL, helper_thread, helper);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        log_warning("a thread for authentication can't be started: %s", g_strerror(error));
        return false;
    }
    pthread_setname_np(helper->thread, "SPICE link");
    helper->running = true;
    return true;
}

bool helper_run(Helper *helper, void (*work)(void *data), void (*done)(void *data), void *data)
{
    Job *job;

    if (!start_thread(helper))
        return false;
    job = g_new(Job, 1);
    job->work = work;
    job->done = done;
    job->data = data;
    pthread_mutex_lock(&helper->lock);
    list_add(&helper->waiting, job);
    pthread_cond_signal(&helper->wake);
    pthread_mutex_unlock(&helper->lock);
    return true;
}

bool helper_cancel(Helper *helper, const void *data)
{
    Job *job;

    pthread_mutex_lock(&helper->lock);
    job = list_remove(&helper->waiting, data);
    pthread_mutex_unlock(&helper->lock);
    g_free(job);
    return job != NULL;
}

void helper_free(Helper *helper)
{
    Job *job;

    pthread_mutex_lock(&helper->lock);
    helper->stop = true;
    pthread_cond_signal(&helper->wake);
    pthread_mutex_unlock(&helper->lock);
    if (helper->running)
        pthread_join(helper->thread, NULL);
    call_done(helper);
    while ((job = list_take(&helper->waiting))) { /* nobody else is there any more */
        job->done(job->data);
        g_free(job);
    }
    pthread_mutex_lock(&helper->lock);
    drop_reference(helper);
}
