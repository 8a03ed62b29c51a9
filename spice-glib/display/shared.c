/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The shared state of a session's display channels: one lock, one condition that all waits use. */
#include "display/shared.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <spice/enums.h>

#include "codec/glz.h"
#include "display/image-cache.h"

/* A wait that takes longer is worth a line in the log. */
#define LONG_WAIT_S 5

#define DEFAULT_CACHE_PIXELS 20971520
#define DEFAULT_GLZ_PIXELS (12u * 1024 * 1024 / 4)
#define DEFAULT_IMAGE_PIXELS (UINT64_C(1) << 26)
#define MAX_THREADS 4

struct RendererPeer {
    RendererShared *shared;
    RendererPeer *next;
    uint8_t channel_type, channel_id;
    bool is_renderer;
    uint64_t handled; /* atomic */
    bool cancelled;
    bool waiting;        /* for something another peer must bring */
    uint64_t waiting_at; /* generation at which the condition was last found false */
    WaitLog log;
};

struct RendererShared {
    gint refs;
    RendererSharedLimits limits;
    DecodePool *pool;
    pthread_mutex_t glz_lock; /* inside the window; the innermost lock */
    GlzWindow *glz;           /* NULL when there was no memory: GLZ images are refused */

    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    uint64_t generation; /* counts changes that may end a wait */
    int n_waiting;       /* atomic */
    ImageCache cache;
    RendererPeer *peers;
};

void renderer_shared_limits_init(RendererSharedLimits *limits)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    *limits = (RendererSharedLimits){
        .cache_pixels = DEFAULT_CACHE_PIXELS,
        .glz_pixels = DEFAULT_GLZ_PIXELS,
        .threads = (unsigned int)CLAMP(cores, 1, MAX_THREADS),
        .image_pixels = DEFAULT_IMAGE_PIXELS,
    };
}

static void lock_glz(void *ctx)
{
    pthread_mutex_lock(ctx);
}

static void unlock_glz(void *ctx)
{
    pthread_mutex_unlock(ctx);
}

RendererShared *renderer_shared_new(const RendererSharedLimits *limits)
{
    RendererShared *shared = g_new0(RendererShared, 1);
    pthread_condattr_t attr;

    shared->refs = 1;
    shared->limits = *limits;
    pthread_mutex_init(&shared->lock, NULL);
    pthread_mutex_init(&shared->glz_lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&shared->changed, &attr);
    pthread_condattr_destroy(&attr);
    image_cache_init(&shared->cache,
                     limits->cache_pixels > UINT64_MAX / 2 ? UINT64_MAX : limits->cache_pixels * 2);
    shared->glz = glz_window_new(MIN(limits->glz_pixels, GLZ_MAX_WINDOW) * 4,
                                 &(GlzLock){lock_glz, unlock_glz, &shared->glz_lock});
    if (limits->threads > 0)
        shared->pool = decode_pool_new(limits->threads);
    return shared;
}

RendererShared *renderer_shared_ref(RendererShared *shared)
{
    g_atomic_int_inc(&shared->refs);
    return shared;
}

void renderer_shared_unref(RendererShared *shared)
{
    if (!shared || !g_atomic_int_dec_and_test(&shared->refs))
        return;
    if (shared->pool)
        decode_pool_free(shared->pool);
    image_cache_free(&shared->cache);
    if (shared->glz)
        glz_window_free(shared->glz);
    pthread_cond_destroy(&shared->changed);
    pthread_mutex_destroy(&shared->glz_lock);
    pthread_mutex_destroy(&shared->lock);
    g_free(shared);
}

/* Something happened that a wait may have been for. Under the lock. */
static void change(RendererShared *shared)
{
    shared->generation++;
    if (__atomic_load_n(&shared->n_waiting, __ATOMIC_SEQ_CST) > 0)
        pthread_cond_broadcast(&shared->changed);
}

void renderer_shared_get_stats(RendererShared *shared, RendererSharedStats *stats)
{
    pthread_mutex_lock(&shared->lock);
    stats->cache_entries = image_cache_size(&shared->cache);
    stats->cache_pixels = shared->cache.pixels;
    stats->cache_bytes = image_cache_bytes(&shared->cache);
    pthread_mutex_unlock(&shared->lock);
}

static RendererPeer *join(RendererShared *shared, uint8_t type, uint8_t id, const WaitLog *log)
{
    RendererPeer *peer = g_new0(RendererPeer, 1);

    peer->shared = renderer_shared_ref(shared);
    peer->channel_type = type;
    peer->channel_id = id;
    if (log) {
        peer->is_renderer = true;
        peer->log = *log;
    }
    pthread_mutex_lock(&shared->lock);
    peer->next = shared->peers;
    shared->peers = peer;
    change(shared);
    pthread_mutex_unlock(&shared->lock);
    return peer;
}

RendererPeer *renderer_shared_join(RendererShared *shared, uint8_t channel_type, uint8_t channel_id)
{
    return join(shared, channel_type, channel_id, NULL);
}

RendererPeer *shared_join_renderer(RendererShared *shared, uint8_t channel_id, const WaitLog *log)
{
    return join(shared, SPICE_CHANNEL_DISPLAY, channel_id, log);
}

void renderer_peer_handled(RendererPeer *peer, uint64_t number)
{
    RendererShared *shared = peer->shared;

    /* Without anybody waiting this is one store. A waiter counts itself before it looks, so that
     * either it sees the number or it is seen here. */
    __atomic_store_n(&peer->handled, number, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&shared->n_waiting, __ATOMIC_SEQ_CST) > 0) {
        pthread_mutex_lock(&shared->lock);
        change(shared);
        pthread_mutex_unlock(&shared->lock);
    }
}

void renderer_peer_leave(RendererPeer *peer)
{
    RendererShared *shared = peer->shared;

    pthread_mutex_lock(&shared->lock);
    for (RendererPeer **link = &shared->peers; *link; link = &(*link)->next) {
        if (*link == peer) {
            *link = peer->next;
            break;
        }
    }
    change(shared);
    pthread_mutex_unlock(&shared->lock);
    g_free(peer);
    renderer_shared_unref(shared);
}

void shared_peer_cancel(RendererPeer *peer, bool cancelled)
{
    pthread_mutex_lock(&peer->shared->lock);
    peer->cancelled = cancelled;
    change(peer->shared);
    pthread_mutex_unlock(&peer->shared->lock);
}

/* True when no other channel can bring what peer waits for: each has looked at the present state
 * and waits. */
static bool is_hopeless(const RendererPeer *peer)
{
    for (const RendererPeer *other = peer->shared->peers; other; other = other->next) {
        if (other != peer && other->is_renderer &&
            !(other->waiting && other->waiting_at == peer->shared->generation))
            return false;
    }
    return true;
}

typedef bool (*Condition)(RendererPeer *peer, void *data);

/* Under the lock, which is given up while waiting. */
static WaitResult wait_until(RendererPeer *peer, Condition condition, void *data, const char *what)
{
    RendererShared *shared = peer->shared;
    WaitResult result = WAIT_DONE;
    struct timespec end;
    bool logged = false;

    if (peer->cancelled)
        return WAIT_CANCELLED;
    if (condition(peer, data))
        return WAIT_DONE;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += LONG_WAIT_S;
    __atomic_add_fetch(&shared->n_waiting, 1, __ATOMIC_SEQ_CST);
    peer->waiting = true;
    while (!condition(peer, data)) {
        bool was_known = peer->waiting_at == shared->generation;

        peer->waiting_at = shared->generation;
        if (peer->cancelled) {
            result = WAIT_CANCELLED;
            break;
        }
        if (is_hopeless(peer)) {
            result = WAIT_HOPELESS;
            break;
        }
        /* Others may have waited for this one to say that it waits, too. */
        if (!was_known)
            pthread_cond_broadcast(&shared->changed);
        if (logged) {
            pthread_cond_wait(&shared->changed, &shared->lock);
        } else if (pthread_cond_timedwait(&shared->changed, &shared->lock, &end) == ETIMEDOUT) {
            logged = true;
            pthread_mutex_unlock(&shared->lock);
            peer->log.log(peer->log.ctx, what);
            pthread_mutex_lock(&shared->lock);
        }
    }
    peer->waiting = false;
    __atomic_sub_fetch(&shared->n_waiting, 1, __ATOMIC_SEQ_CST);
    return result;
}

typedef struct ImageWait {
    uint64_t id;
    bool lossless;
    CanvasImage *image;
} ImageWait;

static bool have_image(RendererPeer *peer, void *data)
{
    ImageWait *wait = data;

    wait->image = image_cache_get(&peer->shared->cache, wait->id, wait->lossless);
    return wait->image != NULL;
}

WaitResult shared_get_image(RendererPeer *peer, uint64_t id, bool lossless, CanvasImage **image)
{
    ImageWait wait = {id, lossless, NULL};
    WaitResult result;
    char what[96];

    g_snprintf(what, sizeof what,
               "waiting for cached image %#" G_GINT64_MODIFIER "x of another display", id);
    pthread_mutex_lock(&peer->shared->lock);
    result = wait_until(peer, have_image, &wait, what);
    pthread_mutex_unlock(&peer->shared->lock);
    *image = wait.image;
    return result;
}

CanvasImage *shared_peek_image(RendererShared *shared, uint64_t id, bool lossless)
{
    CanvasImage *image;

    pthread_mutex_lock(&shared->lock);
    image = image_cache_get(&shared->cache, id, lossless);
    pthread_mutex_unlock(&shared->lock);
    return image;
}

bool shared_add_image(RendererShared *shared, uint64_t id, CanvasImage *image, bool lossy,
                      bool replace)
{
    bool added;

    pthread_mutex_lock(&shared->lock);
    added = image_cache_add(&shared->cache, id, image, lossy, replace);
    if (added)
        change(shared);
    pthread_mutex_unlock(&shared->lock);
    return added;
}

void shared_invalidate_image(RendererShared *shared, uint64_t id)
{
    pthread_mutex_lock(&shared->lock);
    image_cache_invalidate(&shared->cache, id);
    pthread_mutex_unlock(&shared->lock);
}

void shared_clear_images(RendererShared *shared)
{
    pthread_mutex_lock(&shared->lock);
    image_cache_clear(&shared->cache);
    pthread_mutex_unlock(&shared->lock);
}

typedef struct ChannelWait {
    uint8_t type, id;
    uint64_t number;
} ChannelWait;

static bool has_handled(RendererPeer *peer, void *data)
{
    const ChannelWait *wait = data;

    for (RendererPeer *other = peer->shared->peers; other; other = other->next) {
        if (other != peer && other->channel_type == wait->type && other->channel_id == wait->id)
            return __atomic_load_n(&other->handled, __ATOMIC_SEQ_CST) >= wait->number;
    }
    return true; /* unknown, ended, or itself */
}

WaitResult shared_wait_for_channel(RendererPeer *peer, uint8_t channel_type, uint8_t channel_id,
                                   uint64_t number)
{
    ChannelWait wait = {channel_type, channel_id, number};
    WaitResult result;
    char what[96];

    g_snprintf(what, sizeof what,
               "waiting for channel %u:%u to come to message %" G_GINT64_MODIFIER "u", channel_type,
               channel_id, number);
    pthread_mutex_lock(&peer->shared->lock);
    result = wait_until(peer, has_handled, &wait, what);
    pthread_mutex_unlock(&peer->shared->lock);
    return result;
}

GlzWindow *shared_glz_window(RendererShared *shared)
{
    return shared->glz;
}

void shared_glz_added(RendererShared *shared)
{
    pthread_mutex_lock(&shared->lock);
    change(shared);
    pthread_mutex_unlock(&shared->lock);
}

static bool glz_has_passed(RendererPeer *peer, void *data)
{
    return glz_window_passed(peer->shared->glz, *(const uint64_t *)data);
}

WaitResult shared_wait_for_glz(RendererPeer *peer, uint64_t missing)
{
    WaitResult result;
    char what[96];

    g_snprintf(what, sizeof what,
               "waiting for GLZ image %" G_GINT64_MODIFIER "u of another display", missing);
    pthread_mutex_lock(&peer->shared->lock);
    result = wait_until(peer, glz_has_passed, &missing, what);
    pthread_mutex_unlock(&peer->shared->lock);
    return result;
}

DecodePool *shared_pool(RendererShared *shared)
{
    return shared->pool;
}

uint64_t shared_image_pixels(RendererShared *shared)
{
    return shared->limits.image_pixels;
}
