/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The display channel of a device: its clients, and what happens to all of their views.
 * docs/spec/server-display.md 10 to 12, 16, 18 */
#include "display/view.h"

#include <string.h>

#include <spice/qxl_dev.h>

enum {
    ACK_WINDOW = 20,
    QUEUE_LIMIT = 512 << 20, /* bytes; a display queues little, but a picture may be large */
    MAX_HEADS = 64,
    INIT_MS = 30 * 1000, /* a client that says nothing is closed then (display.md 7.3) */
};

/* ---- Clients ---- */

/* The time for a picture has come; before INIT: the time for that is over. */
static void view_frame_tick(void *data)
{
    View *view = data;

    if (view->ready)
        view_want(view);
    else
        channel_client_close(&view->base, "no INIT on a display channel for %d s", INIT_MS / 1000);
}

static void view_connected(ChannelClient *cc)
{
    View *view = (View *)cc;
    Views *views = cc->channel->owner;
    const Options *options = &views->config.server->options;
    bool slow = client_is_low_bandwidth(cc->client);

    view->views = views;
    view->composite = wire_caps_has(&cc->channel_caps, SPICE_DISPLAY_CAP_COMPOSITE);
    view->a8 = wire_caps_has(&cc->channel_caps, SPICE_DISPLAY_CAP_A8_SURFACE);
    view->monitors = wire_caps_has(&cc->channel_caps, SPICE_DISPLAY_CAP_MONITORS_CONFIG);
    view->surfaces = g_ptr_array_new();
    view->frame_timer = loop_timer_new(views->config.loop, view_frame_tick, view);
    if (view->frame_timer)
        loop_timer_start(view->frame_timer, INIT_MS);
    view->policy = (EncodePolicy){
        .compression = views->compression,
        .lz4 = wire_caps_has(&cc->channel_caps, SPICE_DISPLAY_CAP_LZ4_COMPRESSION),
        .jpeg = options->jpeg == SPICE_WAN_COMPRESSION_ALWAYS ||
                (options->jpeg == SPICE_WAN_COMPRESSION_AUTO && slow),
        .zlib_glz = options->zlib_glz == SPICE_WAN_COMPRESSION_ALWAYS ||
                    (options->zlib_glz == SPICE_WAN_COMPRESSION_AUTO && slow),
        .local = stream_is_unix(cc->stream),
    };
}

static void view_disconnected(ChannelClient *cc)
{
    View *view = (View *)cc;
    Views *views = view->views;

    if (!views)
        return;

    bool was_ready = view->ready;

    view->ready = false;
    views->views = g_list_remove(views->views, view);
    view_end(view);
    if (was_ready && views->config.clients_changed)
        views->config.clients_changed(views->config.context);
}

/* 11.1: what a new client gets. Nothing was sent before, nobody waited for it. */
static void view_init(View *view, const WireMsgcDisplayInit *init)
{
    Views *views = view->views;
    DisplayShared *shared = client_display_shared(view->base.client);

    view->pixmaps = pixmap_cache_get(shared, init->pixmap_cache_id, init->pixmap_cache_size);
    view->glz = glz_shared_get(shared, init->glz_dictionary_id, init->glz_dictionary_window_size);
    view->policy.glz = view->glz;
    view->palettes = palette_cache_new();
    if (view->pixmaps)
        view->content = content_cache_new();
    if (view->frame_timer)
        loop_timer_cancel(view->frame_timer);
    if (view->policy.jpeg)
        view->refine_timer = loop_timer_new(views->config.loop, view_refine_tick, view);
    view->position = views->serial;
    view->ready = true;
    views->views = g_list_append(views->views, view);

    if (views->primary) {
        ViewSurface *vs = view_record(view, views->primary);
        pixman_box32_t all = {0, 0, (int)views->primary->width, (int)views->primary->height};

        view_queue_plain(view, ITEM_PLAIN, NULL, SPICE_MSG_DISPLAY_INVAL_ALL_PALETTES);
        view_queue_plain(view, ITEM_CREATE, vs, 0);
        /* The newest state until it has the first picture. */
        vs->damage = true;
        view_lack_box(vs, &all);
        pixman_region32_copy(&vs->initial, &vs->lacks);
        view->need_monitors = true;
        view->need_mark = true;
    }
    if (views->config.clients_changed)
        views->config.clients_changed(views->config.context);
}

static bool view_message(ChannelClient *cc, uint16_t type, const void *message, WireBytes body)
{
    View *view = (View *)cc;

    (void)body;
    switch (type) {
    case SPICE_MSGC_DISPLAY_INIT:
        if (view->ready) {
            channel_client_close(cc, "a second INIT on a display channel");
            return false;
        }
        view_init(view, message);
        return true;

    case SPICE_MSGC_DISPLAY_PREFERRED_COMPRESSION: {
        const WireMsgcDisplayPreferredCompression *preferred = message;

        switch (preferred->image_compression) {
        case SPICE_IMAGE_COMPRESSION_OFF:
        case SPICE_IMAGE_COMPRESSION_AUTO_GLZ:
        case SPICE_IMAGE_COMPRESSION_AUTO_LZ:
        case SPICE_IMAGE_COMPRESSION_QUIC:
        case SPICE_IMAGE_COMPRESSION_GLZ:
        case SPICE_IMAGE_COMPRESSION_LZ:
        case SPICE_IMAGE_COMPRESSION_LZ4:
            view->policy.compression = preferred->image_compression;
            break;
        default: /* unknown: the setting stays */
            break;
        }
        return true;
    }

    case SPICE_MSGC_DISPLAY_STREAM_REPORT: {
        const WireMsgcDisplayStreamReport *report = message;

        if (report->stream_id >= 50) {
            channel_client_close(cc, "a report on stream %u, of at most 50", report->stream_id);
            return false;
        }
        return true; /* there are no streams: it speaks of one that has ended */
    }

    case SPICE_MSGC_DISPLAY_PREFERRED_VIDEO_CODEC_TYPE:
        return true; /* the order of codecs has no effect without streams */

    case SPICE_MSGC_DISPLAY_GL_DRAW_DONE:
        channel_client_close(cc, "GL_DRAW_DONE without GL_DRAW");
        return false;

    default:
        channel_client_close(cc, "message %u is not one of a display channel", type);
        return false;
    }
}

static void views_capabilities(Channel *channel, WireCaps *caps)
{
    (void)channel;
    wire_caps_set(caps, SPICE_DISPLAY_CAP_MONITORS_CONFIG);
    wire_caps_set(caps, SPICE_DISPLAY_CAP_STREAM_REPORT);
    wire_caps_set(caps, SPICE_DISPLAY_CAP_PREF_COMPRESSION);
    wire_caps_set(caps, SPICE_DISPLAY_CAP_PREF_VIDEO_CODEC_TYPE);
}

static const ChannelClass display_class = {
    .type = SPICE_CHANNEL_DISPLAY,
    .client_size = sizeof(View),
    .ack_window = ACK_WINDOW,
    .queue_limit = QUEUE_LIMIT,
    .watch_latency = true,
    .connected = view_connected,
    .message = view_message,
    .fill = view_fill,
    .disconnected = view_disconnected,
    .capabilities = views_capabilities,
};

/* ---- The object ---- */

Views *views_new(const ViewsConfig *config)
{
    Views *views = g_new0(Views, 1);

    views->config = *config;
    views->compression = config->server->options.image_compression;
    /* A client's cache is shared by its displays, whose drivers may number alike. */
    views->id_mix = config->channel_id * UINT64_C(0x9e3779b97f4a7c15);
    views->channel =
        channel_new(config->server, &display_class, config->channel_id, config->loop, views);
    if (!views->channel) {
        g_free(views);
        return NULL;
    }

    return views;
}

void views_free(Views *views)
{
    if (!views)
        return;

    channel_free(views->channel);
    g_list_free(views->views);
    g_free(views->heads);
    g_free(views);
}

void views_set_truth(Views *views, Truth *truth)
{
    views->truth = truth;
}

/* ---- What happens ---- */

void views_surface_created(Views *views, Surface *surface)
{
    if (surface->id == 0) {
        views->primary = surface;
        views->primary_ready = false;
    }
    for (GList *l = views->views; l; l = l->next) {
        View *view = l->data;

        /* Contents are sent when somebody needs them; the primary's at once. */
        if (surface->id != 0 && surface->keeps_data)
            continue;

        ViewSurface *vs = view_record(view, surface);

        if (!vs->unsupported)
            view_queue_plain(view, ITEM_CREATE, vs, 0);
    }
}

void views_surface_destroyed(Views *views, Surface *surface)
{
    if (views->primary == surface) {
        views->primary = NULL;
        views->primary_ready = false;
    }
    for (GList *l = views->views; l; l = l->next) {
        View *view = l->data;

        view_surface_destroyed(view, surface);
        if (surface->id == 0)
            view->need_mark = false;
    }
}

void views_primary_ready(Views *views)
{
    views->primary_ready = true;
    for (GList *l = views->views; l; l = l->next) {
        View *view = l->data;

        view->need_mark = true;
        view_want(view);
    }
}

void views_drawable(Views *views, Drawable *drawable)
{
    views->batch_open = true;
    views->serial = drawable->serial;
    for (GList *l = views->views; l; l = l->next)
        view_queue_draw(l->data, drawable);
}

void views_dropped(Views *views, Drawable *drawable)
{
    (void)drawable;
    for (GList *l = views->views; l; l = l->next) {
        View *view = l->data;

        if (++view->n_dropped > 64 && view->n_dropped > view->n_items / 2)
            view_sweep(view);
    }
}

void views_rendered(Views *views, Drawable *drawable)
{
    (void)views;
    for (ViewSurface *vs = drawable->target->views; vs; vs = vs->next)
        if (vs->damage && drawable->serial > vs->ignore_until) {
            view_lack(vs, &drawable->changed);
            view_want(vs->view);
        }
}

void views_batch_end(Views *views)
{
    views->batch_open = false;
    for (GList *l = views->views; l; l = l->next) {
        View *view = l->data;

        if (view->first)
            view_want(view);
    }
}

void views_set_monitors(Views *views, const WireMsgDisplayMonitorsConfig *config)
{
    unsigned n = MIN(config->n_heads, MAX_HEADS);

    g_free(views->heads);
    views->heads = g_memdup2(config->heads, n * sizeof(WireHead));
    views->monitors = (WireMsgDisplayMonitorsConfig){config->max_allowed, n, views->heads};
    views->has_monitors = true;
}

void views_monitors_config(Views *views, const WireMsgDisplayMonitorsConfig *config)
{
    views_set_monitors(views, config);
    for (GList *l = views->views; l; l = l->next) {
        View *view = l->data;

        view->need_monitors = true;
        view_want(view);
    }
}

void views_reset(Views *views)
{
    for (GList *l = views->views; l; l = l->next) {
        View *view = l->data;
        const Item *item = view->last;

        /* A guest may do it over and over: one that the client hasn't got yet is enough. */
        while (item &&
               (item->kind != ITEM_PLAIN || item->type != SPICE_MSG_DISPLAY_STREAM_DESTROY_ALL))
            item = item->prev;
        if (item)
            continue;
        view_queue_plain(view, ITEM_PLAIN, NULL, SPICE_MSG_DISPLAY_INVAL_ALL_PALETTES);
        view_queue_plain(view, ITEM_PLAIN, NULL, SPICE_MSG_DISPLAY_STREAM_DESTROY_ALL);
    }
}

void views_set_compression(Views *views, SpiceImageCompression compression)
{
    views->compression = compression; /* for clients that come later (12.2) */
}

/* Everything that is queued is rendered already (18.1): nothing here refers to guest memory. What
 * has room goes out; the rest follows while the machine stands. */
void views_drain(Views *views, uint32_t max_ms)
{
    uint64_t until = loop_now_ns() + (uint64_t)max_ms * 1000000;

    views->batch_open = false;
    views->stopped = true;
    for (GList *l = views->views; l; l = l->next) {
        View *view = l->data;

        do
            view_fill(&view->base);
        while (view->first && view_may_send(view) && loop_now_ns() < until);
        view_want(view);
    }
    views->stopped = false;
}

/* ---- Questions ---- */

bool views_guest_caps(Views *views, uint8_t caps[58])
{
    static const unsigned told[] = {SPICE_DISPLAY_CAP_SIZED_STREAM,
                                    SPICE_DISPLAY_CAP_MONITORS_CONFIG, SPICE_DISPLAY_CAP_COMPOSITE,
                                    SPICE_DISPLAY_CAP_A8_SURFACE};

    memset(caps, 0, 58);
    if (!views->views)
        return false;

    for (unsigned i = 0; i < G_N_ELEMENTS(told); i++) {
        bool all = true;

        for (GList *l = views->views; l; l = l->next) {
            View *view = l->data;

            all &= wire_caps_has(&view->base.channel_caps, told[i]);
        }
        if (all)
            caps[told[i] / 8] |= (uint8_t)(1U << told[i] % 8);
    }

    return true;
}

unsigned views_n_clients(const Views *views)
{
    return g_list_length(views->views);
}

size_t views_memory(const Views *views)
{
    size_t sum = 0;

    for (GList *l = views->views; l; l = l->next) {
        const View *view = l->data;

        sum += view->queue_cost + view->out_cost * 4;
    }

    return sum;
}
