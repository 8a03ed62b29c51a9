/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The renderer's life: queue, thread, order of work, events. */
#include "display/renderer-private.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "display/video-gst.h"

/* What a queued message costs beside its body. */
#define MESSAGE_COST sizeof(QueuedMessage)
/* The thread reads ahead of its drawing while less than this is queued, so that images can be
 * decoded beside it. */
#define FEED_AHEAD (512u << 10)
/* A trickle of messages is read at most so often: each wake-up costs more than a small message, and
 * nobody is told sooner. More than this at a time is no trickle, but a server that waits for
 * acknowledgements or a picture that should come. */
#define NAP_US 7000
#define REST_NAP_US 1000 /* the rest of a message is on its way */
#define TRICKLE_MESSAGES 20
#define TRICKLE_BYTES (256u << 10)
/* More rectangles than this aren't worth a repaint each. */
#define MAX_DAMAGE_RECTS 16
#define MAX_SURFACE_BYTES (UINT64_C(2) << 30)
#define MAX_PRIMARY_BYTES (UINT64_C(512) << 20)

/* ---- Helpers for the other files
 * ----------------------------------------------------------------------------------- */

int64_t renderer_now(Renderer *renderer)
{
    return renderer->config.now ? renderer->config.now(renderer->config.ctx)
                                : g_get_monotonic_time();
}

void renderer_emit(Renderer *renderer, const RendererEvent *event)
{
    renderer->config.event(renderer->config.ctx, event);
}

static void emit_text(Renderer *renderer, RendererEventType type, const char *format, va_list args)
{
    char *text = g_strdup_vprintf(format, args);

    renderer_emit(renderer, &(RendererEvent){type, {.text = text}});
    g_free(text);
}

void renderer_log(Renderer *renderer, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    emit_text(renderer, RENDERER_LOG, format, args);
    va_end(args);
}

static void fail(Renderer *renderer, const char *format, va_list args)
{
    if (renderer->failed)
        return;
    renderer->failed = true;
    renderer_flush(renderer);
    emit_text(renderer, RENDERER_FATAL, format, args);
}

void renderer_fail(Renderer *renderer, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fail(renderer, format, args);
    va_end(args);
}

void renderer_broken(Renderer *renderer, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (renderer->config.policy == RENDERER_SKIP_ERRORS)
        emit_text(renderer, RENDERER_LOG, format, args);
    else
        fail(renderer, format, args);
    va_end(args);
}

static void flush_damage(Renderer *renderer)
{
    RendererPrimary *primary = renderer->primary;
    RendererRect rects[MAX_DAMAGE_RECTS];
    const pixman_box32_t *boxes;
    int n;

    renderer->damage_since = 0;
    if (!pixman_region32_not_empty(&renderer->damage))
        return;
    if (primary)
        pixman_region32_intersect_rect(&renderer->damage, &renderer->damage, 0, 0, primary->width,
                                       primary->height);
    boxes = pixman_region32_rectangles(&renderer->damage, &n);
    if (n > MAX_DAMAGE_RECTS) {
        boxes = pixman_region32_extents(&renderer->damage);
        n = 1;
    }
    for (int i = 0; i < n; i++)
        rects[i] = (RendererRect){boxes[i].x1, boxes[i].y1, boxes[i].x2 - boxes[i].x1,
                                  boxes[i].y2 - boxes[i].y1};
    if (primary && n > 0)
        renderer_emit(renderer,
                      &(RendererEvent){RENDERER_DAMAGE, {.damage = {rects, (unsigned int)n}}});
    pixman_region32_clear(&renderer->damage);
}

void renderer_flush(Renderer *renderer)
{
    flush_damage(renderer);
    renderer->last_flush = renderer_now(renderer);
    if (renderer->handled != renderer->handled_told) {
        renderer->handled_told = renderer->handled;
        renderer_emit(renderer, &(RendererEvent){RENDERER_HANDLED, {.number = renderer->handled}});
    }
}

void renderer_send(Renderer *renderer, uint16_t type, const void *message)
{
    WireBuffer buffer = {0};

    if (wire_write(SPICE_CHANNEL_DISPLAY, WIRE_TO_SERVER, type, message, &buffer)) {
        GBytes *body = g_bytes_new(buffer.data, buffer.size);

        renderer_emit(renderer, &(RendererEvent){RENDERER_SEND, {.message = {type, body}}});
        g_bytes_unref(body);
    }
    wire_buffer_clear(&buffer);
}

bool renderer_paint(Renderer *renderer, const Surface *surface)
{
    if (!renderer->config.own_thread || !renderer_is_primary(renderer, surface))
        return true;
    return handover_paint(&renderer->handover);
}

void renderer_rest(Renderer *renderer)
{
    handover_rest(&renderer->handover);
}

/* Under the lock: whatever the thread waits for, it looks for work. */
static void wake_thread(Renderer *renderer)
{
    pthread_cond_broadcast(&renderer->wake);
    if (renderer->polling) {
        renderer->polling = false; /* once is enough */
        eventfd_write(renderer->wake_fd, 1);
    }
}

void renderer_wake(Renderer *renderer)
{
    pthread_mutex_lock(&renderer->lock);
    renderer->feed_wanted = true;
    wake_thread(renderer);
    pthread_mutex_unlock(&renderer->lock);
}

void renderer_video_ready(Renderer *renderer)
{
    pthread_mutex_lock(&renderer->lock);
    renderer->video_ready = true;
    wake_thread(renderer);
    pthread_mutex_unlock(&renderer->lock);
}

static void log_wait(void *ctx, const char *text)
{
    renderer_log(ctx, "%s", text);
}

/* ---- Messages
 * ------------------------------------------------------------------------------------------------------
 */

static void list_append(MessageList *list, QueuedMessage *message)
{
    message->next = NULL;
    if (list->last)
        list->last->next = message;
    else
        list->first = message;
    list->last = message;
}

static void close_fd(RendererInput *input)
{
    if (input->fd >= 0)
        close(input->fd);
    input->fd = -1;
}

static uint64_t message_cost(const QueuedMessage *message)
{
    return g_bytes_get_size(message->input.body) + MESSAGE_COST;
}

/* Done with a message: its memory goes, and the feeder may have to be told that there is room. */
static void finish_message(Renderer *renderer, QueuedMessage *message)
{
    bool room = false;

    renderer->n_since_woke++;
    renderer->bytes_since_woke += message_cost(message);
    renderer_drop_ahead(renderer, message);
    close_fd(&message->input);
    pthread_mutex_lock(&renderer->lock);
    renderer->queue_bytes -= message_cost(message);
    if (renderer->full && renderer->queue_bytes <= renderer->config.queue_bytes / 2) {
        renderer->full = false;
        room = true;
    }
    pthread_mutex_unlock(&renderer->lock);
    g_bytes_unref(message->input.body);
    g_free(message);
    if (room && renderer->config.queue_room)
        renderer->config.queue_room(renderer->config.ctx);
}

/* Under the lock. */
static void absorb(Renderer *renderer)
{
    MessageList *inbox = &renderer->inbox;

    if (!inbox->first)
        return;
    if (!renderer->next_look)
        renderer->next_look = inbox->first;
    if (renderer->pending.last)
        renderer->pending.last->next = inbox->first;
    else
        renderer->pending.first = inbox->first;
    renderer->pending.last = inbox->last;
    inbox->first = inbox->last = NULL;
}

static QueuedMessage *pop(Renderer *renderer)
{
    QueuedMessage *message = renderer->pending.first;

    if (!message)
        return NULL;
    renderer->pending.first = message->next;
    if (!message->next)
        renderer->pending.last = NULL;
    if (renderer->next_look == message)
        renderer->next_look = message->next;
    return message;
}

static void work_on(Renderer *renderer, QueuedMessage *message)
{
    bool counts = !message->input.sub_message;
    uint64_t number = message->input.number;
    int64_t now;

    if (!renderer->failed) {
        renderer_look_ahead(renderer);
        renderer_execute(renderer, message);
    }
    finish_message(renderer, message);
    if (renderer->failed)
        return;
    if (counts) {
        renderer->handled = number;
        renderer_peer_handled(renderer->peer, number);
    }
    if (pixman_region32_not_empty(&renderer->damage)) {
        now = renderer_now(renderer);
        if (renderer->damage_since == 0)
            renderer->damage_since = now;
        if (now - renderer->damage_since >= renderer->config.damage_delay_us &&
            now - renderer->last_flush >= renderer->config.damage_delay_us)
            renderer_flush(renderer);
    }
}

/* ---- The order of work
 * --------------------------------------------------------------------------------------------- */

static void do_reset(Renderer *renderer)
{
    QueuedMessage *message;

    pthread_mutex_lock(&renderer->lock);
    absorb(renderer);
    renderer->n_answers = 0;
    pthread_mutex_unlock(&renderer->lock);
    while ((message = pop(renderer)))
        finish_message(renderer, message);
    streams_destroy_all(renderer);
    streams_init(&renderer->streams);
    renderer_drop_surfaces(renderer, false);
    palette_cache_clear(&renderer->palettes);
    renderer->failed = false;
    renderer->fed = RENDERER_FEED_OFF;
    renderer->handled = renderer->handled_told = 0;
    flush_damage(renderer);
    renderer_rest(renderer);
}

/* One piece of work. False: there is nothing to do now. */
static bool work(Renderer *renderer)
{
    QueuedMessage *message;
    bool video;

    pthread_mutex_lock(&renderer->lock);
    absorb(renderer);
    video = renderer->video_ready;
    renderer->video_ready = false;
    for (unsigned int i = 0; i < renderer->n_answers; i++) {
        /* The stream may be gone; it isn't touched under this lock by anybody else. */
        uint32_t id = renderer->answers[i].id;
        void *pipeline = renderer->answers[i].pipeline;
        bool shown = renderer->answers[i].shown;

        pthread_mutex_unlock(&renderer->lock);
        streams_answer(renderer, id, pipeline, shown);
        pthread_mutex_lock(&renderer->lock);
    }
    renderer->n_answers = 0;
    pthread_mutex_unlock(&renderer->lock);

    if (renderer->streams.n > 0 && !renderer->failed &&
        (video || renderer_now(renderer) >= renderer->streams.next_due))
        streams_run(renderer);
    message = pop(renderer);
    if (message)
        work_on(renderer, message);
    return message != NULL;
}

static bool frame_is_due(Renderer *renderer)
{
    return renderer->streams.n > 0 && !renderer->failed &&
           renderer_now(renderer) >= renderer->streams.next_due;
}

static bool has_work(const Renderer *renderer)
{
    return renderer->inbox.first || renderer->stop || renderer->reset_wanted ||
           renderer->video_ready || renderer->n_answers > 0 || renderer->feed_wanted;
}

/* Is there anything that the owner doesn't know? */
static bool has_news(Renderer *renderer)
{
    return renderer->handled != renderer->handled_told ||
           pixman_region32_not_empty(&renderer->damage);
}

/* Under the lock: sleep until there is work, or until then (INT64_MAX: whenever). */
static void sleep_on_condition(Renderer *renderer, int64_t until)
{
    if (until == INT64_MAX) {
        while (!has_work(renderer))
            pthread_cond_wait(&renderer->wake, &renderer->lock);
    } else {
        int64_t left = CLAMP(until - renderer_now(renderer), 0, 60 * G_USEC_PER_SEC);
        struct timespec end;

        clock_gettime(CLOCK_MONOTONIC, &end);
        end.tv_sec += left / G_USEC_PER_SEC;
        end.tv_nsec += left % G_USEC_PER_SEC * 1000;
        if (end.tv_nsec >= 1000000000) {
            end.tv_nsec -= 1000000000;
            end.tv_sec++;
        }
        while (!has_work(renderer) &&
               pthread_cond_timedwait(&renderer->wake, &renderer->lock, &end) != ETIMEDOUT)
            ;
    }
}

/* The same, or until the source of messages is readable. */
static void sleep_on_source(Renderer *renderer, int64_t until)
{
    struct pollfd fds[2] = {{.fd = renderer->feed_fd, .events = POLLIN},
                            {.fd = renderer->wake_fd, .events = POLLIN}};
    int64_t longest = renderer->fed == RENDERER_FEED_WAIT_REST ? REST_NAP_US : NAP_US;
    int64_t now = renderer_now(renderer), nap = renderer->last_woke + longest - now;
    bool trickle =
        renderer->n_since_woke < TRICKLE_MESSAGES && renderer->bytes_since_woke < TRICKLE_BYTES;
    int timeout = -1;

    renderer->polling = true;
    if (nap > 0 && nap <= longest && trickle) {
        pthread_mutex_unlock(&renderer->lock);
        poll(fds + 1, 1, (int)(MIN(nap, MAX(0, until - now)) + 999) / 1000);
        pthread_mutex_lock(&renderer->lock);
        if (!renderer->polling || fds[1].revents)
            until = 0;
        fds[1].revents = 0;
    }
    if (until != INT64_MAX)
        timeout = (int)CLAMP((until - renderer_now(renderer) + 999) / 1000, 0, 60 * 1000);
    pthread_mutex_unlock(&renderer->lock);
    poll(fds, 2, timeout);
    if (fds[1].revents) {
        eventfd_t count;

        eventfd_read(renderer->wake_fd, &count);
    }
    pthread_mutex_lock(&renderer->lock);
    renderer->polling = false;
    renderer->last_woke = renderer_now(renderer);
    renderer->n_since_woke = 0;
    renderer->bytes_since_woke = 0;
}

static void sleep_until_work(Renderer *renderer, int64_t until)
{
    renderer->sleeping = true;
    if (renderer->fed >= RENDERER_FEED_WAIT && !renderer->failed)
        sleep_on_source(renderer, until);
    else
        sleep_on_condition(renderer, until);
    renderer->sleeping = renderer->idle = false;
}

/* On the renderer's thread, without the lock. */
static void feed(Renderer *renderer)
{
    if (renderer->config.feed && !renderer->failed)
        renderer->fed = renderer->config.feed(renderer->config.ctx, &renderer->feed_fd);
    else
        renderer->fed = RENDERER_FEED_OFF;
}

/* Nothing is left to draw. The owner is told what has been drawn at once, or, when it was told just
 * now, a little later together with what may still come. */
static void rest(Renderer *renderer)
{
    int64_t until =
        renderer->streams.n > 0 && !renderer->failed ? renderer->streams.next_due : INT64_MAX;
    bool news;

    renderer_rest(renderer);
    feed(renderer);
    if (renderer->fed == RENDERER_FEED_AGAIN)
        return;
    if (has_news(renderer) &&
        renderer_now(renderer) - renderer->last_flush >= renderer->config.damage_delay_us)
        renderer_flush(renderer);
    news = has_news(renderer);
    if (news)
        until = MIN(until, renderer->last_flush + renderer->config.damage_delay_us);
    pthread_mutex_lock(&renderer->lock);
    if (!has_work(renderer) && !frame_is_due(renderer)) {
        if (!news) {
            renderer->idle = true;
            renderer->failed_seen = renderer->failed;
            renderer->frames_left = streams_frames_left(renderer);
            pthread_cond_broadcast(&renderer->done);
        }
        sleep_until_work(renderer, until);
    }
    pthread_mutex_unlock(&renderer->lock);
}

static void *run_thread(void *data)
{
    Renderer *renderer = data;
    bool ahead;

    pthread_mutex_lock(&renderer->lock);
    while (!renderer->stop) {
        if (renderer->reset_wanted) {
            pthread_mutex_unlock(&renderer->lock);
            do_reset(renderer);
            pthread_mutex_lock(&renderer->lock);
            renderer->reset_wanted = false;
            pthread_cond_broadcast(&renderer->done);
            /* The caller of the reset has to be through before anything new is done. It may be
             * through and reset again before this thread has noticed. */
            while (renderer->held && !renderer->reset_wanted && !renderer->stop)
                pthread_cond_wait(&renderer->wake, &renderer->lock);
            continue;
        }
        ahead = renderer->fed == RENDERER_FEED_AGAIN && renderer->queue_bytes < FEED_AHEAD;
        renderer->feed_wanted = false;
        pthread_mutex_unlock(&renderer->lock);
        if (ahead)
            feed(renderer);
        if (!work(renderer))
            rest(renderer);
        pthread_mutex_lock(&renderer->lock);
    }
    pthread_mutex_unlock(&renderer->lock);
    renderer_rest(renderer);
    return NULL;
}

int64_t renderer_run(Renderer *renderer)
{
    while (work(renderer) || frame_is_due(renderer))
        ;
    renderer_flush(renderer);
    if (renderer->streams.n == 0 || renderer->failed || renderer->streams.next_due == INT64_MAX)
        return -1;
    return MAX(0, renderer->streams.next_due - renderer_now(renderer));
}

/* ---- Public
 * ----------------------------------------------------------------------------------------------------------
 */

void renderer_config_init(RendererConfig *config)
{
    uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

    *config = (RendererConfig){
        .policy = RENDERER_CLOSE_ON_ERROR,
        .own_thread = true,
        .gstreamer = true,
        .queue_bytes = 4 << 20,
        .ahead_bytes = 8 << 20,
        .surface_bytes = MIN(MAX_SURFACE_BYTES, memory / 4),
        .primary_bytes = MAX_PRIMARY_BYTES,
        .damage_delay_us = 15000,
    };
}

Renderer *renderer_new(RendererShared *shared, const RendererConfig *config)
{
    Renderer *renderer = g_new0(Renderer, 1);
    pthread_condattr_t attr;

    renderer->config = *config;
    renderer->wake_fd = config->feed ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
    renderer->shared = renderer_shared_ref(shared);
    handover_init(&renderer->handover);
    pthread_mutex_init(&renderer->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&renderer->wake, &attr);
    pthread_cond_init(&renderer->done, &attr);
    pthread_condattr_destroy(&attr);
    wire_arena_init(&renderer->arena, RENDERER_ARENA_LIMIT);
    renderer->surfaces = g_hash_table_new_full(g_int_hash, g_int_equal, NULL, surface_free);
    palette_cache_init(&renderer->palettes);
    streams_init(&renderer->streams);
    pixman_region32_init(&renderer->damage);
    renderer->peer =
        shared_join_renderer(shared, config->channel_id, &(WaitLog){log_wait, renderer});
    if ((config->feed && renderer->wake_fd < 0) ||
        (config->own_thread &&
         pthread_create(&renderer->thread, NULL, run_thread, renderer) != 0)) {
        renderer->config.own_thread = false;
        renderer_free(renderer);
        return NULL;
    }
    return renderer;
}

static void ignore_event(void *ctx, const RendererEvent *event)
{
    if (event->type == RENDERER_GL_SCANOUT && event->u.gl.fd >= 0)
        close(event->u.gl.fd);
}

void renderer_free(Renderer *renderer)
{
    QueuedMessage *message;

    if (!renderer)
        return;
    shared_peer_cancel(renderer->peer, true);
    handover_cancel(&renderer->handover, true);
    if (renderer->config.own_thread) {
        pthread_mutex_lock(&renderer->lock);
        renderer->stop = true;
        wake_thread(renderer);
        pthread_mutex_unlock(&renderer->lock);
        pthread_join(renderer->thread, NULL);
    }
    renderer->config.event = ignore_event;
    renderer->config.queue_room = NULL;
    absorb(renderer);
    while ((message = pop(renderer)))
        finish_message(renderer, message);
    streams_destroy_all(renderer);
    renderer_drop_surfaces(renderer, true);
    while (renderer->free_ahead) {
        Ahead *ahead = renderer->free_ahead;

        renderer->free_ahead = ahead->next_free;
        wire_arena_clear(&ahead->arena);
        g_free(ahead);
    }
    renderer_peer_leave(renderer->peer);
    wire_arena_clear(&renderer->arena);
    g_hash_table_destroy(renderer->surfaces);
    palette_cache_delete(&renderer->palettes);
    pixman_region32_fini(&renderer->damage);
    pthread_cond_destroy(&renderer->done);
    pthread_cond_destroy(&renderer->wake);
    pthread_mutex_destroy(&renderer->lock);
    handover_clear(&renderer->handover);
    if (renderer->wake_fd >= 0)
        close(renderer->wake_fd);
    renderer_shared_unref(renderer->shared);
    g_free(renderer);
}

bool renderer_push(Renderer *renderer, const RendererInput *input)
{
    QueuedMessage *message = g_new0(QueuedMessage, 1);
    bool room;

    message->input = *input;
    pthread_mutex_lock(&renderer->lock);
    list_append(&renderer->inbox, message);
    renderer->queue_bytes += message_cost(message);
    if (renderer->queue_bytes >= renderer->config.queue_bytes)
        renderer->full = true;
    room = !renderer->full;
    renderer->idle = false;
    if (renderer->sleeping)
        wake_thread(renderer);
    pthread_mutex_unlock(&renderer->lock);
    return room;
}

bool renderer_has_room(Renderer *renderer)
{
    bool room;

    pthread_mutex_lock(&renderer->lock);
    room = !renderer->full;
    pthread_mutex_unlock(&renderer->lock);
    return room;
}

static struct timespec in_ms(unsigned int ms)
{
    struct timespec end;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += ms / 1000;
    end.tv_nsec += ms % 1000 * 1000000L;
    if (end.tv_nsec >= 1000000000) {
        end.tv_nsec -= 1000000000;
        end.tv_sec++;
    }
    return end;
}

bool renderer_drain(Renderer *renderer, bool frames, unsigned int timeout_ms)
{
    int64_t end = g_get_monotonic_time() + (int64_t)timeout_ms * 1000;
    bool drained = false;

    if (!renderer->config.own_thread) {
        renderer_run(renderer);
        return !renderer->failed;
    }
    pthread_mutex_lock(&renderer->lock);
    for (;;) {
        struct timespec soon = in_ms(10);

        if (renderer->idle && !has_work(renderer) && (!frames || renderer->frames_left == 0)) {
            drained = !renderer->failed_seen;
            break;
        }
        if (g_get_monotonic_time() > end)
            break;
        pthread_cond_timedwait(&renderer->done, &renderer->lock, &soon);
    }
    pthread_mutex_unlock(&renderer->lock);
    return drained;
}

void renderer_reset(Renderer *renderer, const RendererConnection *connection)
{
    RendererShared *shared = connection ? connection->shared : NULL;

    shared_peer_cancel(renderer->peer, true);
    handover_cancel(&renderer->handover, true);
    pthread_mutex_lock(&renderer->lock);
    if (renderer->config.own_thread) {
        renderer->reset_wanted = true;
        renderer->held = true;
        wake_thread(renderer);
        while (renderer->reset_wanted)
            pthread_cond_wait(&renderer->done, &renderer->lock);
    }
    pthread_mutex_unlock(&renderer->lock);
    if (!renderer->config.own_thread)
        do_reset(renderer);

    /* The thread rests now: what it owns may be exchanged. */
    if (connection) {
        renderer->config.stream_reports = connection->stream_reports;
        renderer->config.gl = connection->gl;
    }
    if (shared && shared != renderer->shared) {
        RendererShared *old = renderer->shared;

        renderer_peer_leave(renderer->peer);
        renderer->shared = renderer_shared_ref(shared);
        renderer->peer = shared_join_renderer(shared, renderer->config.channel_id,
                                              &(WaitLog){log_wait, renderer});
        renderer_shared_unref(old);
    } else {
        renderer_peer_handled(renderer->peer, 0);
        shared_peer_cancel(renderer->peer, false);
    }
    handover_cancel(&renderer->handover, false);
    pthread_mutex_lock(&renderer->lock);
    renderer->held = false;
    wake_thread(renderer);
    pthread_mutex_unlock(&renderer->lock);
}

void renderer_owner_acquire(Renderer *renderer)
{
    handover_owner_acquire(&renderer->handover);
}

void renderer_owner_release(Renderer *renderer)
{
    handover_owner_release(&renderer->handover);
}

void renderer_stream_answer(Renderer *renderer, uint32_t stream_id, void *pipeline, bool shown)
{
    pthread_mutex_lock(&renderer->lock);
    if (renderer->n_answers < SPICE_MAX_NUM_STREAMS) {
        renderer->answers[renderer->n_answers].id = stream_id;
        renderer->answers[renderer->n_answers].pipeline = pipeline;
        renderer->answers[renderer->n_answers].shown = shown;
        renderer->n_answers++;
        wake_thread(renderer);
    }
    pthread_mutex_unlock(&renderer->lock);
}

uint32_t renderer_video_codecs(bool gstreamer)
{
    return 1u << SPICE_VIDEO_CODEC_TYPE_MJPEG | (gstreamer ? video_gst_codecs() : 0);
}

static void *prepare_video(void *data)
{
    video_gst_codecs();
    return NULL;
}

void renderer_prepare_video(void)
{
    pthread_t thread;

    video_gst_register_types();
    if (pthread_create(&thread, NULL, prepare_video, NULL) == 0)
        pthread_detach(thread);
}
