/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Jobs and the pool of threads that runs them. Small images are coded in the call; GLZ images one
 * after the other for each dictionary; everything else in any order.
 * docs/spec/server-display.md 26.3 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "encode-private.h"

/* Up to this many bytes of pixels are coded in the call: that costs about as much as the way to
 * another thread, and well below a millisecond. */
#define INLINE_BYTES (128 * 1024)

#define MAX_THREADS 8

/* Something for a thread to do: one job, or all that wait for a dictionary. */
typedef struct Work {
    EncodeJob *job;
    GlzShared *glz;
} Work;

struct EncodePool {
    pthread_mutex_t lock;
    pthread_cond_t work_there, job_done;
    GQueue work;
    bool quit;
    unsigned n_threads, n_idle, max_threads;
    pthread_t threads[MAX_THREADS];
};

/* ---- Jobs ---- */

static void job_unref(EncodeJob *job)
{
    EncodePool *pool = job->pool;
    bool last;

    pthread_mutex_lock(&pool->lock);
    last = --job->refs == 0;
    pthread_mutex_unlock(&pool->lock);
    if (!last)
        return;
    blob_unref(job->source.pixels);
    blob_unref(job->blob);
    glz_shared_unref(job->glz);
    g_free(job);
}

/* On the loop. */
static void tell_owner(void *data)
{
    EncodeJob *job = data;

    if (!job->freed)
        job->done(job->data);
    job_unref(job);
}

/* A thread of the pool runs a job that was taken from a queue. Its reference is taken over. */
static void run_job(EncodePool *pool, EncodeJob *job)
{
    bool wanted;

    pthread_mutex_lock(&pool->lock);
    wanted = !job->freed;
    job->state = JOB_RUNNING;
    pthread_mutex_unlock(&pool->lock);

    if (wanted)
        encode_run(job, coder_state());

    pthread_mutex_lock(&pool->lock);
    job->state = JOB_DONE;
    /* Inside the lock: once its owner has freed the job, nobody touches the loop any more. */
    if (!job->freed && job->done) {
        job->refs++;
        loop_post(job->loop, tell_owner, job);
    }
    pthread_cond_broadcast(&pool->job_done);
    pthread_mutex_unlock(&pool->lock);
    job_unref(job);
}

/* All jobs of a dictionary, until there is none. */
static void run_glz(EncodePool *pool, GlzShared *glz)
{
    for (;;) {
        pthread_mutex_lock(&glz->lock);
        EncodeJob *job = glz->first;

        if (!job) {
            glz->busy = false;
            pthread_mutex_unlock(&glz->lock);
            break;
        }
        glz->first = job->next;
        if (!glz->first)
            glz->last = NULL;
        pthread_mutex_unlock(&glz->lock);
        run_job(pool, job);
    }
    glz_shared_unref(glz);
}

/* ---- The pool ---- */

static void *run_thread(void *data)
{
    EncodePool *pool = data;

    pthread_setname_np(pthread_self(), "SPICE Encode");
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        Work *work = g_queue_pop_head(&pool->work);

        if (!work) {
            if (pool->quit)
                break;
            pool->n_idle++;
            pthread_cond_wait(&pool->work_there, &pool->lock);
            pool->n_idle--;
            continue;
        }
        pthread_mutex_unlock(&pool->lock);
        if (work->job)
            run_job(pool, work->job);
        else
            run_glz(pool, work->glz);
        g_free(work);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* One more thread, with the lock. Signals are the application's. */
static void start_thread(EncodePool *pool)
{
    sigset_t all, old;

    sigfillset(&all);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGSEGV);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    if (pthread_create(&pool->threads[pool->n_threads], NULL, run_thread, pool) == 0)
        pool->n_threads++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* False: there is no thread to do it. */
static bool add_work(EncodePool *pool, EncodeJob *job, GlzShared *glz)
{
    bool added;

    pthread_mutex_lock(&pool->lock);
    if (pool->n_idle == 0 && pool->n_threads < pool->max_threads)
        start_thread(pool);
    added = pool->n_threads > 0;
    if (added) {
        Work *work = g_new(Work, 1);

        *work = (Work){job, glz};
        g_queue_push_tail(&pool->work, work);
        pthread_cond_signal(&pool->work_there);
    }
    pthread_mutex_unlock(&pool->lock);
    return added;
}

EncodePool *encode_pool_new(void)
{
    EncodePool *pool = g_new0(EncodePool, 1);
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work_there, NULL);
    pthread_cond_init(&pool->job_done, NULL);
    g_queue_init(&pool->work);
    /* The worker has a core of its own. */
    pool->max_threads = CLAMP(n - 1, 1, MAX_THREADS);
    return pool;
}

void encode_pool_free(EncodePool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->quit = true;
    pthread_cond_broadcast(&pool->work_there);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->n_threads; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->work_there);
    pthread_cond_destroy(&pool->job_done);
    g_free(pool);
}

/* ---- Dictionaries ---- */

GlzShared *glz_shared_new(int32_t window_pixels)
{
    GlzDictionary *dictionary = glz_dictionary_new(window_pixels, 0);

    if (!dictionary)
        return NULL;

    GlzShared *glz = g_new0(GlzShared, 1);

    glz->dictionary = dictionary;
    glz->window = glz_dictionary_window(dictionary);
    pthread_mutex_init(&glz->lock, NULL);
    return glz;
}

void glz_shared_destroy(GlzShared *glz)
{
    glz_dictionary_free(glz->dictionary);
    pthread_mutex_destroy(&glz->lock);
    g_free(glz);
}

/* The dictionary is free and nobody waits for it: it is the caller's until glz_release(). */
static bool glz_try_take(GlzShared *glz)
{
    bool taken;

    pthread_mutex_lock(&glz->lock);
    taken = !glz->busy;
    if (taken)
        glz->busy = true;
    pthread_mutex_unlock(&glz->lock);
    return taken;
}

/* With what has come meanwhile, the pool goes on. */
static void glz_release(EncodePool *pool, GlzShared *glz)
{
    bool waiting;

    pthread_mutex_lock(&glz->lock);
    waiting = glz->first != NULL;
    if (!waiting)
        glz->busy = false;
    pthread_mutex_unlock(&glz->lock);
    if (waiting && !add_work(pool, NULL, glz_shared_ref(glz)))
        run_glz(pool, glz);
}

static void glz_enqueue(EncodePool *pool, GlzShared *glz, EncodeJob *job)
{
    bool idle;

    pthread_mutex_lock(&glz->lock);
    *(glz->last ? &glz->last->next : &glz->first) = job;
    glz->last = job;
    idle = !glz->busy;
    glz->busy = true;
    pthread_mutex_unlock(&glz->lock);
    if (idle && !add_work(pool, NULL, glz_shared_ref(glz)))
        run_glz(pool, glz);
}

/* ---- Calls ---- */

/* Are all rows inside the pixels? */
static bool source_is_sound(const EncodeSource *source)
{
    size_t row = bitmap_row_size(source->format, source->width);
    size_t last, end;

    return row && source->height && source->pixels && source->stride >= row &&
           !__builtin_mul_overflow((size_t)source->stride, source->height - 1, &last) &&
           !__builtin_add_overflow(last, row, &end) &&
           !__builtin_add_overflow(end, source->offset, &end) && end <= source->pixels->size;
}

static EncodeJob *job_new(EncodePool *pool, const EncodePolicy *policy, const EncodeSource *source)
{
    size_t n = source->palette ? MIN(source->palette->n_entries, 256) : 0;
    EncodeJob *job = g_try_malloc(sizeof(EncodeJob) + n * sizeof(uint32_t));

    if (!job)
        return NULL;
    memset(job, 0, sizeof(*job));
    job->pool = pool;
    job->policy = *policy;
    job->source = *source;
    blob_ref(job->source.pixels);
    job->refs = 1;
    if (n) {
        uint32_t *entries = (uint32_t *)(job + 1);

        memcpy(entries, source->palette->entries, n * sizeof(uint32_t));
        job->palette = (WirePalette){source->palette->unique, n, entries};
    }
    job->source.palette = NULL;
    return job;
}

EncodeJob *encode_submit(EncodePool *pool, const EncodePolicy *policy, const EncodeSource *source,
                         Loop *loop, LoopFunc done, void *data)
{
    EncodeJob *job = source_is_sound(source) ? job_new(pool, policy, source) : NULL;
    bool small;

    if (!job)
        return NULL;
    job->loop = loop;
    job->done = done;
    job->data = data;
    job->coder = encode_may_palettize(policy) && encode_use_few_colors(job)
                     ? CODER_LZ
                     : encode_choose(policy, source);
    source = &job->source;
    if (job->coder == CODER_GLZ)
        job->glz = glz_shared_ref(policy->glz);

    small = job->coder == CODER_RAW ||
            bitmap_row_size(source->format, source->width) * source->height <= INLINE_BYTES;
    if (small && (!job->glz || glz_try_take(job->glz))) {
        encode_run(job, coder_state());
        job->state = JOB_DONE;
        if (job->glz)
            glz_release(pool, job->glz);
        return job;
    }
    job->refs++;
    if (job->glz)
        glz_enqueue(pool, job->glz, job);
    else if (!add_work(pool, job, NULL))
        run_job(pool, job);
    return job;
}

bool encode_job_is_done(const EncodeJob *job)
{
    EncodePool *pool = job->pool;
    bool done;

    pthread_mutex_lock(&pool->lock);
    done = job->state == JOB_DONE;
    pthread_mutex_unlock(&pool->lock);
    return done;
}

static void wait_for(EncodeJob *job)
{
    EncodePool *pool = job->pool;

    pthread_mutex_lock(&pool->lock);
    while (job->state != JOB_DONE)
        pthread_cond_wait(&pool->job_done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

const WireImage *encode_job_image(EncodeJob *job)
{
    wait_for(job);
    return job->blob ? &job->image : NULL;
}

Blob *encode_job_blob(EncodeJob *job)
{
    wait_for(job);
    return job->blob;
}

bool encode_job_is_lossy(const EncodeJob *job)
{
    return encode_job_is_done(job) && job->lossy;
}

bool encode_job_must_be_sent(const EncodeJob *job)
{
    return encode_job_is_done(job) && (job->image.type == SPICE_IMAGE_TYPE_GLZ_RGB ||
                                       job->image.type == SPICE_IMAGE_TYPE_ZLIB_GLZ_RGB);
}

void encode_job_free(EncodeJob *job)
{
    if (!job)
        return;
    pthread_mutex_lock(&job->pool->lock);
    job->freed = true;
    pthread_mutex_unlock(&job->pool->lock);
    job_unref(job);
}
