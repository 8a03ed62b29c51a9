/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The channel engine as tests want it (any room, any window, no socket), and the world around it.
 */
#include "display-world.h"

#include <stdarg.h>
#include <string.h>

#include <spice/qxl_dev.h>

#include "channel/out-body-private.h"
#include "display/caches.h"
#include "wire/header.h"

/* ---- The engine's functions ---- */

struct Client {
    int refs;
    DisplayShared *shared;
    RendererShared *renderer_shared;
    bool slow;
};

struct ChannelEngine {
    Peer *peer;
};

Channel *channel_new(struct RedsState *server, const ChannelClass *class, uint8_t id, Loop *loop,
                     void *owner)
{
    Channel *channel = g_new0(Channel, 1);

    channel->class = class;
    channel->server = server;
    channel->id = id;
    channel->loop = loop;
    channel->owner = owner;
    server->channels = g_list_prepend(server->channels, channel);

    return channel;
}

static void connection_end(ChannelClient *cc)
{
    Peer *peer = cc->engine->peer;

    peer->cc = NULL;
    cc->channel->clients = g_list_remove(cc->channel->clients, cc);
    cc->channel->class->disconnected(cc);
    wire_caps_clear(&cc->channel_caps, 0);
    g_free(cc->engine);
    g_free(cc);
}

void channel_free(Channel *channel)
{
    while (channel->clients)
        connection_end(channel->clients->data);
    channel->server->channels = g_list_remove(channel->server->channels, channel);
    g_free(channel);
}

size_t channel_client_room(const ChannelClient *cc)
{
    const Peer *peer = cc->engine->peer;

    return peer->closed || peer->window == 0 ? 0 : peer->room;
}

void channel_client_want(ChannelClient *cc)
{
    cc->engine->peer->wants = true;
}

static void count_image(Peer *peer, const WireImage *image)
{
    if (!image)
        return;
    if (image->type == SPICE_IMAGE_TYPE_FROM_CACHE ||
        image->type == SPICE_IMAGE_TYPE_FROM_CACHE_LOSSLESS)
        peer->n_from_cache++;
    else
        peer->pixels += (uint64_t)image->width * image->height;
    peer->n_lossy +=
        image->type == SPICE_IMAGE_TYPE_JPEG || image->type == SPICE_IMAGE_TYPE_JPEG_ALPHA;
}

static void deliver(Peer *peer, uint16_t type, const uint8_t *data, size_t size)
{
    RendererInput input = {.type = type, .number = ++peer->serial, .fd = -1};

    peer->bytes += size + 6;
    peer->messages++;
    peer->room -= MIN(peer->room, size + 6);
    if (peer->window > 0)
        peer->window--;
    g_array_append_val(peer->types, type);
    if (type == SPICE_MSG_DISPLAY_DRAW_COPY) {
        WireArena arena;
        WireError error;

        wire_arena_init(&arena, 1 << 20);
        const WireMsgDisplayDrawCopy *copy =
            wire_parse(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, type, data, size, &arena, &error);
        if (copy)
            count_image(peer, copy->src_image);
        wire_arena_clear(&arena);
    }
    if (peer->mute)
        return;
    if (type == SPICE_MSG_LIST) {
        WireSubMessage subs[WIRE_SUB_MESSAGES_MAX];
        unsigned n;
        WireError error;

        if (!wire_sub_list_read(data, size, 0, subs, &n, &error)) {
            peer->fatal = g_strdup(error.text);
            return;
        }
        for (unsigned i = 0; i < n; i++) {
            RendererInput sub = {.type = subs[i].type,
                                 .number = input.number,
                                 .sub_message = true,
                                 .fd = -1,
                                 .body = g_bytes_new(subs[i].body.data, subs[i].body.size)};

            renderer_push(peer->renderer, &sub);
        }
    }
    input.body = g_bytes_new(data, size);
    renderer_push(peer->renderer, &input);
    renderer_run(peer->renderer);
}

bool channel_client_send(ChannelClient *cc, uint16_t type, const void *message)
{
    WireBuffer buffer = {0};
    bool ok = wire_write(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, type, message, &buffer);

    if (ok)
        deliver(cc->engine->peer, type, buffer.data, buffer.size);
    wire_buffer_clear(&buffer);

    return ok;
}

/* What the engine makes of a body. */
static void flatten(const OutBody *body, WireBuffer *out)
{
    size_t from = 0;

    for (unsigned i = 0; i < body->gather.n_pieces; i++) {
        const struct WireGatherPiece *piece = &body->gather.pieces[i];

        wire_buffer_append(out, body->bytes.data + from, piece->at - from);
        from = piece->at;
        wire_buffer_append(out, piece->bytes.data, piece->bytes.size);
    }
    wire_buffer_append(out, body->bytes.data + from, body->bytes.size - from);
}

bool channel_client_send_body(ChannelClient *cc, uint16_t type, OutBody *body,
                              const WireSubMessage *subs, unsigned n_subs)
{
    Peer *peer = cc->engine->peer;
    WireBuffer buffer = {0};

    if (n_subs == 1 && cc->mini_header) {
        deliver(peer, subs[0].type, subs[0].body.data, subs[0].body.size);
    } else if (n_subs > 0 && cc->mini_header) {
        wire_list_write(subs, n_subs, &buffer);
        deliver(peer, SPICE_MSG_LIST, buffer.data, buffer.size);
        wire_buffer_reset(&buffer);
    } else {
        for (unsigned i = 0; i < n_subs && !peer->mute; i++) {
            RendererInput sub = {.type = subs[i].type,
                                 .number = peer->serial + 1,
                                 .sub_message = true,
                                 .fd = -1,
                                 .body = g_bytes_new(subs[i].body.data, subs[i].body.size)};

            renderer_push(peer->renderer, &sub);
        }
    }
    flatten(body, &buffer);
    out_body_free(body);
    deliver(peer, type, buffer.data, buffer.size);
    wire_buffer_clear(&buffer);

    return true;
}

uint64_t channel_client_next_serial(const ChannelClient *cc)
{
    return cc->engine->peer->serial + 1;
}

void channel_client_close(ChannelClient *cc, const char *format, ...)
{
    Peer *peer = cc->engine->peer;
    va_list args;

    peer->closed = true;
    va_start(args, format);
    g_string_vprintf(peer->reason, format ? format : "", args);
    va_end(args);
}

bool channel_client_is_closing(const ChannelClient *cc)
{
    return cc->engine->peer->closed;
}

bool client_is_low_bandwidth(const Client *client)
{
    return client->slow;
}

DisplayShared *client_display_shared(Client *client)
{
    return client->shared;
}

bool stream_is_unix(const Stream *stream)
{
    (void)stream;
    return false;
}

/* ---- Clients ---- */

static void on_event(void *ctx, const RendererEvent *event)
{
    Peer *peer = ctx;

    switch (event->type) {
    case RENDERER_PRIMARY_CREATED:
        g_clear_pointer(&peer->primary, renderer_primary_unref);
        peer->primary = renderer_primary_ref(event->u.primary);
        break;
    case RENDERER_PRIMARY_DESTROYED:
        g_clear_pointer(&peer->primary, renderer_primary_unref);
        break;
    case RENDERER_MARK:
        peer->marked = event->u.on;
        peer->n_marks += event->u.on;
        if (event->u.on && peer->primary) {
            const uint32_t *pixels = (const uint32_t *)(const void *)peer->primary->data;

            peer->black_at_mark = pixels[0] == 0;
        }
        break;
    case RENDERER_MONITORS:
        peer->n_monitors++;
        break;
    case RENDERER_FATAL:
        if (!peer->fatal)
            peer->fatal = g_strdup(event->u.text);
        break;
    default:
        break;
    }
}

Peer *world_connect(World *world, const PeerConfig *config)
{
    Peer *peer = g_new0(Peer, 1);
    Channel *channel = world->server.channels->data;
    ChannelClient *cc = g_malloc0(channel->class->client_size);
    RendererConfig renderer_config;

    peer->world = world;
    peer->reason = g_string_new(NULL);
    peer->types = g_array_new(false, false, sizeof(uint16_t));
    if (config->client) {
        peer->client = config->client;
        peer->client->refs++;
    } else {
        RendererSharedLimits limits;

        peer->client = g_new0(Client, 1);
        peer->client->refs = 1;
        peer->client->shared = display_shared_new();
        renderer_shared_limits_init(&limits);
        limits.cache_pixels = (uint64_t)MAX(config->cache_pixels, 1);
        limits.glz_pixels = (uint64_t)MAX(config->window_pixels, 1);
        limits.threads = 0;
        peer->client->renderer_shared = renderer_shared_new(&limits);
    }
    renderer_config_init(&renderer_config);
    renderer_config.own_thread = false;
    renderer_config.channel_id = channel->id;
    renderer_config.event = on_event;
    renderer_config.ctx = peer;
    renderer_config.policy = RENDERER_CLOSE_ON_ERROR;
    peer->renderer = renderer_new(peer->client->renderer_shared, &renderer_config);
    renderer_owner_release(peer->renderer);

    cc->channel = channel;
    cc->client = peer->client;
    cc->mini_header = !config->full_header;
    cc->engine = g_new0(struct ChannelEngine, 1);
    cc->engine->peer = peer;
    for (unsigned i = 0; i < 32; i++)
        if (config->caps & 1U << i)
            wire_caps_set(&cc->channel_caps, i);
    peer->cc = cc;
    channel->clients = g_list_append(channel->clients, cc);
    world->peers = g_list_append(world->peers, peer);
    channel->class->connected(cc);
    if (!config->no_init)
        peer_init(peer, config->cache_pixels, config->window_pixels);

    return peer;
}

bool peer_message(Peer *peer, uint16_t type, const void *message)
{
    return peer->cc->channel->class->message(peer->cc, type, message, (WireBytes){NULL, 0});
}

void peer_init(Peer *peer, int64_t cache_pixels, int32_t window_pixels)
{
    WireMsgcDisplayInit init = {1, cache_pixels, 1, window_pixels};

    peer_message(peer, SPICE_MSGC_DISPLAY_INIT, &init);
}

void peer_disconnect(Peer *peer)
{
    World *world = peer->world;

    if (peer->cc)
        connection_end(peer->cc);
    renderer_free(peer->renderer);
    g_clear_pointer(&peer->primary, renderer_primary_unref);
    if (--peer->client->refs == 0) {
        renderer_shared_unref(peer->client->renderer_shared);
        display_shared_free(peer->client->shared);
        g_free(peer->client);
    }
    g_string_free(peer->reason, true);
    g_array_unref(peer->types);
    g_free(peer->fatal);
    world->peers = g_list_remove(world->peers, peer);
    g_free(peer);
}

void peer_give(Peer *peer, size_t room, uint32_t window)
{
    peer->room = room;
    peer->window = window;
    peer->wants = true;
}

void world_run(World *world)
{
    views_batch_end(world->views); /* the ring is empty */
    bool moved = true;

    for (int round = 0; moved && round < 10000; round++) {
        moved = false;
        for (GList *l = world->peers; l; l = l->next) {
            Peer *peer = l->data;

            if (!peer->cc || !peer->wants || channel_client_room(peer->cc) == 0)
                continue;

            uint64_t before = peer->serial;

            peer->wants = false;
            peer->cc->channel->class->fill(peer->cc);
            if (peer->serial != before)
                peer->wants = true;
            moved = true;
        }
        /* One may have waited for another display. */
        for (GList *l = world->peers; l; l = l->next)
            renderer_run(((Peer *)l->data)->renderer);
        loop_run_once(world->loop, 0);
    }
}

void world_give_all(World *world)
{
    for (int i = 0; i < 20; i++) {
        for (GList *l = world->peers; l; l = l->next)
            peer_give(l->data, 64 << 20, 10000);
        world_run(world);
    }
}

unsigned peer_count(const Peer *peer, uint16_t type)
{
    unsigned n = 0;

    for (unsigned i = 0; i < peer->types->len; i++)
        n += g_array_index(peer->types, uint16_t, i) == type;

    return n;
}

/* ---- Surfaces ---- */

static void world_dropped(void *context, Drawable *drawable)
{
    World *world = context;

    views_dropped(world->views, drawable);
}

static void world_rendered(void *context, Drawable *drawable)
{
    World *world = context;

    views_rendered(world->views, drawable);
}

static void clients_changed(void *context)
{
    World *world = context;

    world->clients_changed++;
}

World *world_new(uint32_t seed, uint8_t channel_id)
{
    static const TruthObserver observer = {world_dropped, world_rendered};
    World *world = g_new0(World, 1);
    ViewsConfig config = {.server = &world->server,
                          .channel_id = channel_id,
                          .clients_changed = clients_changed,
                          .context = world};

    world->rand = g_rand_new_with_seed(seed);
    world->loop = loop_new_poll();
    world->server.loop = world->loop;
    world->server.options.image_compression = SPICE_IMAGE_COMPRESSION_AUTO_GLZ;
    world->server.options.jpeg = SPICE_WAN_COMPRESSION_NEVER;
    world->server.options.zlib_glz = SPICE_WAN_COMPRESSION_NEVER;
    world->server.pool = encode_pool_new();
    config.loop = world->loop;
    config.pool = world->server.pool;
    world->views = views_new(&config);
    world->truth = truth_new(WORLD_SURFACES, &observer, world);
    views_set_truth(world->views, world->truth);
    world->hoard = g_ptr_array_new_with_free_func(g_free);

    return world;
}

void world_free(World *world)
{
    for (uint32_t i = 0; i < WORLD_SURFACES; i++)
        if (world->surfaces[i].surface)
            world_destroy(world, i);
    while (world->peers)
        peer_disconnect(world->peers->data);
    truth_free(world->truth);
    views_free(world->views);
    encode_pool_free(world->server.pool);
    loop_free(world->loop);
    g_ptr_array_unref(world->hoard);
    g_rand_free(world->rand);
    g_free(world);
}

void world_create(World *world, uint32_t id, uint32_t format, uint32_t width, uint32_t height,
                  bool keep_data)
{
    CanvasResult result;
    size_t size = canvas_surface_bytes(format, width, height);
    int32_t stride = (int32_t)(size / height);

    world->surfaces[id].memory = g_malloc(size);
    for (size_t i = 0; i < size; i++)
        world->surfaces[id].memory[i] = (uint8_t)g_rand_int(world->rand);
    world->surfaces[id].reference = canvas_surface_new(format, width, height, size, &result);
    if (keep_data)
        memcpy(world->surfaces[id].reference->pixels.data, world->surfaces[id].memory, size);
    world->surfaces[id].surface =
        truth_create_surface(world->truth, id, format, width, height, stride,
                             world->surfaces[id].memory, keep_data, NULL);
    views_surface_created(world->views, world->surfaces[id].surface);
    if (id == 0) {
        world->width = width;
        world->height = height;
    }
}

void world_destroy(World *world, uint32_t id)
{
    views_surface_destroyed(world->views, world->surfaces[id].surface);
    truth_destroy_surface(world->truth, world->surfaces[id].surface, NULL);
    world->surfaces[id].surface = NULL;
    canvas_surface_free(world->surfaces[id].reference);
    world->surfaces[id].reference = NULL;
    /* What reads it after its end is found. */
    g_clear_pointer(&world->surfaces[id].memory, g_free);
}

void world_primary(World *world, uint32_t width, uint32_t height)
{
    WireHead head = {.width = width, .height = height};
    WireMsgDisplayMonitorsConfig monitors = {1, 1, &head};

    if (world->surfaces[0].surface)
        world_destroy(world, 0);
    world_create(world, 0, SPICE_SURFACE_FMT_32_xRGB, width, height, g_rand_boolean(world->rand));
    views_monitors_config(world->views, &monitors);
    views_primary_ready(world->views);
}

bool world_truth_is_right(World *world)
{
    bool right = true;

    truth_render_all(world->truth);
    for (uint32_t i = 0; i < WORLD_SURFACES; i++) {
        const CanvasSurface *reference = world->surfaces[i].reference;

        if (!reference)
            continue;

        const uint8_t *a = world->surfaces[i].memory, *b = reference->pixels.data;
        size_t stride = (size_t)reference->pixels.stride;
        bool before = right;

        for (int32_t y = 0; y < reference->pixels.height; y++)
            if (i != 0) {
                right &= memcmp(a + (size_t)y * stride, b + (size_t)y * stride, stride) == 0;
            } else {
                for (int32_t x = 0; x < reference->pixels.width; x++) {
                    uint32_t p, q;

                    memcpy(&p, a + (size_t)y * stride + (size_t)x * 4, 4);
                    memcpy(&q, b + (size_t)y * stride + (size_t)x * 4, 4);
                    right &= ((p ^ q) & 0xffffff) == 0;
                }
            }
        if (before && !right)
            g_printerr("# surface %u of the truth is wrong\n", i);
    }

    return right;
}

unsigned peer_differs(Peer *peer, int tolerance)
{
    const CanvasSurface *reference = peer->world->surfaces[0].reference;
    unsigned wrong = 0;

    if (!reference)
        return peer->primary != NULL;
    if (!peer->primary || peer->primary->width != (uint32_t)reference->pixels.width ||
        peer->primary->height != (uint32_t)reference->pixels.height)
        return UINT_MAX;

    for (int32_t y = 0; y < reference->pixels.height; y++)
        for (int32_t x = 0; x < reference->pixels.width; x++) {
            const uint8_t *a =
                reference->pixels.data + (ptrdiff_t)y * reference->pixels.stride + x * 4;
            const uint8_t *b =
                peer->primary->data + (size_t)y * peer->primary->stride + (size_t)x * 4;
            bool same = true;

            for (int i = 0; i < 3; i++)
                same &= ABS(a[i] - b[i]) <= tolerance;
            wrong += !same;
        }

    return wrong;
}

bool peer_is_right(Peer *peer, int tolerance)
{
    unsigned wrong;

    if (peer->fatal || peer->closed) {
        g_printerr("# client: %s\n", peer->fatal ? peer->fatal : peer->reason->str);
        return false;
    }
    wrong = peer_differs(peer, tolerance);
    if (wrong)
        g_printerr("# %u pixels differ\n", wrong);

    return wrong == 0;
}

uint64_t peer_cached_pixels(Peer *peer)
{
    RendererSharedStats stats;

    renderer_shared_get_stats(peer->client->renderer_shared, &stats);

    return stats.cache_pixels;
}

/* ---- Drawings ---- */

typedef struct Resource {
    GuestResource base;
    World *world;
    void *memory;
} Resource;

static void resource_release(GuestResource *base)
{
    Resource *resource = (Resource *)base;

    resource->world->n_resources--;
    g_free(resource->memory); /* who looks at it later is found */
    g_free(resource);
}

static CanvasSurface *reference_surface(void *ctx, uint32_t id)
{
    World *world = ctx;

    return id < WORLD_SURFACES ? world->surfaces[id].reference : NULL;
}

static CanvasImage *reference_image(void *ctx, const WireImage *image, CanvasUse use,
                                    uint32_t surface_format)
{
    CanvasDecode how = {.use = use, .surface_format = surface_format};
    WireImage plain = *image;

    (void)ctx;
    plain.flags &= SPICE_IMAGE_FLAGS_HIGH_BITS_SET;

    return canvas_image_decode(&plain, &how, NULL);
}

static Drawable *new_drawable(World *world)
{
    Drawable *drawable = drawable_new();
    Resource *resource = g_new0(Resource, 1);

    resource->base.refs = 1;
    resource->base.release = resource_release;
    resource->world = world;
    world->n_resources++;
    drawable->resource = &resource->base;
    drawable->serial = ++world->serial;

    return drawable;
}

/* Takes drawable over; NULL: a new one. */
void world_draw(World *world, uint16_t type, const DrawableMessage *message, uint8_t effect,
                Drawable *drawable)
{
    CanvasEnv env = {reference_surface, reference_image, world};
    Surface *target = world->surfaces[message->base.surface_id].surface;
    pixman_box32_t box = {message->base.box.left, message->base.box.top, message->base.box.right,
                          message->base.box.bottom};

    if (!drawable)
        drawable = new_drawable(world);
    drawable->message_type = type;
    drawable->message = *message;
    drawable->effect = effect;
    drawable->target = surface_ref(target);
    pixman_region32_union_rect(&drawable->region, &drawable->region, box.x1, box.y1,
                               (unsigned)(box.x2 - box.x1), (unsigned)(box.y2 - box.y1));
    if (message->base.clip.type == SPICE_CLIP_TYPE_RECTS) {
        pixman_region32_t clip;

        pixman_region32_init(&clip);
        for (unsigned i = 0; i < message->base.clip.n_rects; i++) {
            const WireRect *r = &message->base.clip.rects[i];

            pixman_region32_union_rect(&clip, &clip, r->left, r->top,
                                       (unsigned)(r->right - r->left),
                                       (unsigned)(r->bottom - r->top));
        }
        pixman_region32_intersect(&drawable->region, &drawable->region, &clip);
        pixman_region32_fini(&clip);
    }
    pixman_region32_intersect_rect(&drawable->region, &drawable->region, 0, 0, target->width,
                                   target->height);
    if (drawable->n_borrowed) {
        WireImage whole = *message->copy.src_image;
        DrawableMessage full = *message;

        whole.u.bitmap.data =
            (WireBytes){drawable->borrowed[0].iov_base, drawable->borrowed[0].iov_len};
        full.copy.src_image = &whole;
        canvas_draw(&env, type, &full, NULL);
    } else {
        canvas_draw(&env, type, message, NULL);
    }
    if (truth_add(world->truth, drawable_ref(drawable)))
        views_drawable(world->views, drawable);
    drawable_unref(drawable);
}

static void set_base(WireDisplayBase *base, uint32_t id, const pixman_box32_t *box)
{
    base->surface_id = id;
    base->box = (WireRect){box->y1, box->x1, box->y2, box->x2};
}

void world_fill(World *world, uint32_t id, pixman_box32_t box, uint32_t color, uint16_t rop)
{
    DrawableMessage message = {0};
    Drawable *drawable = new_drawable(world);

    set_base(&message.base, id, &box);
    message.fill.brush.type = SPICE_BRUSH_TYPE_SOLID;
    message.fill.brush.u.color = color;
    message.fill.rop_descriptor = rop;
    drawable->reads_target = rop != SPICE_ROPD_OP_PUT;
    world_draw(world, SPICE_MSG_DISPLAY_DRAW_FILL, &message,
               rop == SPICE_ROPD_OP_PUT   ? QXL_EFFECT_OPAQUE
               : rop == SPICE_ROPD_OP_XOR ? QXL_EFFECT_REVERT_ON_DUP
                                          : QXL_EFFECT_BLEND,
               drawable);
}

uint32_t *world_pixels(World *world, uint32_t width, uint32_t height, int kind)
{
    uint32_t *pixels = g_new(uint32_t, (gsize)width * height);
    uint32_t base = g_rand_int(world->rand) & 0xffffff;

    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++) {
            uint32_t pixel;

            switch (kind) {
            case 0: /* text-like */
                pixel = (x * 7 + y * 13 + base) % 11 < 3 ? 0 : 0xffffff;
                break;
            case 1: /* smooth */
                pixel = (((x + base) & 255) << 16) | ((y * 2 & 255) << 8) | ((x + y) & 255);
                break;
            case 2: /* noise */
                pixel = g_rand_int(world->rand) & 0xffffff;
                break;
            default: /* one colour */
                pixel = base;
                break;
            }
            pixels[(size_t)y * width + x] = pixel;
        }

    return pixels;
}

static Blob *blob_of(const void *data, size_t size)
{
    Blob *blob = blob_new(size);

    memcpy(blob->data, data, size);

    return blob;
}

void world_put(World *world, uint32_t id, int x, int y, uint32_t width, uint32_t height,
               const uint32_t *pixels, uint64_t cache_id, bool borrowed)
{
    DrawableMessage message = {0};
    Drawable *drawable = new_drawable(world);
    pixman_box32_t box = {x, y, x + (int)width, y + (int)height};
    WireImage *image = wire_arena_alloc(&drawable->arena, sizeof(*image));
    size_t size = (size_t)width * height * 4;
    bool exact = world->surfaces[id].surface->format == SPICE_SURFACE_FMT_32_xRGB;

    borrowed &= exact;
    memset(image, 0, sizeof(*image));
    set_base(&message.base, id, &box);
    image->id = cache_id ? cache_id : (++world->cache_ids << 32 | QXL_IMAGE_GROUP_DEVICE);
    image->flags = cache_id ? SPICE_IMAGE_FLAGS_CACHE_ME : 0;
    image->type = SPICE_IMAGE_TYPE_BITMAP;
    image->width = width;
    image->height = height;
    image->u.bitmap.format = SPICE_BITMAP_FMT_32BIT;
    image->u.bitmap.flags = SPICE_BITMAP_FLAGS_TOP_DOWN;
    image->u.bitmap.x = width;
    image->u.bitmap.y = height;
    image->u.bitmap.stride = width * 4;
    if (borrowed) {
        Resource *resource = (Resource *)drawable->resource;
        struct iovec *parts = wire_arena_alloc(&drawable->arena, sizeof(*parts));

        resource->memory = g_memdup2(pixels, size);
        parts->iov_base = resource->memory;
        parts->iov_len = size;
        drawable->borrowed = parts;
        drawable->n_borrowed = 1;
    } else {
        drawable->blobs[0] = blob_of(pixels, size);
        drawable->n_blobs = 1;
        image->u.bitmap.data = (WireBytes){drawable->blobs[0]->data, size};
    }
    message.copy.src_image = image;
    message.copy.src_area = (WireRect){0, 0, (int)height, (int)width};
    message.copy.rop_descriptor = SPICE_ROPD_OP_PUT;
    drawable->put = exact;
    world_draw(world, SPICE_MSG_DISPLAY_DRAW_COPY, &message, QXL_EFFECT_OPAQUE, drawable);
}

void world_copy_bits(World *world, uint32_t id, pixman_box32_t box, int src_x, int src_y)
{
    DrawableMessage message = {0};
    Drawable *drawable = new_drawable(world);

    set_base(&message.base, id, &box);
    message.copy_bits.src_pos = (WirePoint){src_x, src_y};
    drawable->reads_target = true;
    world_draw(world, SPICE_MSG_DISPLAY_COPY_BITS, &message, QXL_EFFECT_OPAQUE, drawable);
}

/* ---- Random drawings ---- */

static int number(World *world, int from, int to)
{
    return to > from ? g_rand_int_range(world->rand, from, to) : from;
}

static pixman_box32_t random_box(World *world, const Surface *surface, int most)
{
    int w = number(world, 1, MIN(most, (int)surface->width) + 1);
    int h = number(world, 1, MIN(most, (int)surface->height) + 1);
    int x = number(world, 0, (int)surface->width - w + 1);
    int y = number(world, 0, (int)surface->height - h + 1);

    return (pixman_box32_t){x, y, x + w, y + h};
}

static uint32_t random_surface(World *world)
{
    for (int i = 0; i < 20; i++) {
        uint32_t id = (uint32_t)number(world, 0, number(world, 0, 3) ? 1 : WORLD_SURFACES);

        if (world->surfaces[id].surface)
            return id;
    }

    return 0;
}

/* A copy, blend or the like from a surface, which may be the target. */
static void random_surface_copy(World *world)
{
    uint32_t from = (uint32_t)number(world, 0, WORLD_SURFACES), to = random_surface(world);
    Surface *source = world->surfaces[from].surface;
    Surface *target = world->surfaces[to].surface;
    DrawableMessage message = {0};
    Drawable *drawable;
    WireImage *image;
    pixman_box32_t area, box;

    /* A copy between surfaces of different depths paints nothing. */
    if (!source || (source->format == SPICE_SURFACE_FMT_16_555) !=
                       (target->format == SPICE_SURFACE_FMT_16_555))
        return;

    area = random_box(world, source, 150);
    box = random_box(world, target, 150);
    if (number(world, 0, 4)) { /* not scaled */
        int w = MIN(area.x2 - area.x1, (int)target->width),
            h = MIN(area.y2 - area.y1, (int)target->height);

        area.x2 = area.x1 + w;
        area.y2 = area.y1 + h;
        box.x1 = number(world, 0, (int)target->width - w + 1);
        box.y1 = number(world, 0, (int)target->height - h + 1);
        box.x2 = box.x1 + w;
        box.y2 = box.y1 + h;
    }
    drawable = new_drawable(world);
    image = wire_arena_alloc(&drawable->arena, sizeof(*image));
    memset(image, 0, sizeof(*image));
    image->type = SPICE_IMAGE_TYPE_SURFACE;
    image->width = source->width;
    image->height = source->height;
    image->u.surface.surface_id = from;
    set_base(&message.base, to, &box);
    message.copy.src_image = image;
    message.copy.src_area = (WireRect){area.y1, area.x1, area.y2, area.x2};
    message.copy.rop_descriptor = number(world, 0, 3) ? SPICE_ROPD_OP_PUT : SPICE_ROPD_OP_XOR;
    message.copy.scale_mode = SPICE_IMAGE_SCALE_MODE_NEAREST;
    drawable->reads_target = message.copy.rop_descriptor != SPICE_ROPD_OP_PUT || from == to;
    drawable->n_reads = 1;
    drawable->reads[0].surface = surface_ref(source);
    drawable->reads[0].area = area;
    world_draw(world, SPICE_MSG_DISPLAY_DRAW_COPY, &message,
               drawable->reads_target ? QXL_EFFECT_BLEND : QXL_EFFECT_OPAQUE, drawable);
}

static void random_put(World *world)
{
    uint32_t id = random_surface(world);
    pixman_box32_t box =
        random_box(world, world->surfaces[id].surface, number(world, 0, 4) ? 40 : 300);
    uint32_t w = (uint32_t)(box.x2 - box.x1), h = (uint32_t)(box.y2 - box.y1);
    uint32_t *pixels = world_pixels(world, w, h, number(world, 0, 4));

    world_put(world, id, box.x1, box.y1, w, h, pixels, 0, number(world, 0, 2));
    g_free(pixels);
}

/* One of a few images that the guest wants to be cached. */
static void random_cached(World *world)
{
    enum { SIDE = 24, KINDS = 40 };
    unsigned i = (unsigned)number(world, 0, KINDS);
    uint32_t id = random_surface(world);
    pixman_box32_t box = random_box(world, world->surfaces[id].surface, 1);

    while (world->hoard->len <= i)
        g_ptr_array_add(world->hoard, world_pixels(world, SIDE, SIDE, number(world, 0, 3)));
    if (world->surfaces[id].surface->width < SIDE || world->surfaces[id].surface->height < SIDE)
        return;
    box.x1 = MIN(box.x1, (int)world->surfaces[id].surface->width - SIDE);
    box.y1 = MIN(box.y1, (int)world->surfaces[id].surface->height - SIDE);
    world_put(world, id, box.x1, box.y1, SIDE, SIDE, g_ptr_array_index(world->hoard, i),
              (uint64_t)(i + 1) << 32 | QXL_IMAGE_GROUP_DRIVER, false);
}

/* An image with alpha, or scaled, or through a clip. */
static void random_image(World *world)
{
    uint32_t id = random_surface(world);
    pixman_box32_t box = random_box(world, world->surfaces[id].surface, 100);
    uint32_t w = (uint32_t)number(world, 1, 60), h = (uint32_t)number(world, 1, 60);
    uint32_t *pixels = world_pixels(world, w, h, number(world, 0, 4));
    Drawable *drawable = new_drawable(world);
    WireImage *image = wire_arena_alloc(&drawable->arena, sizeof(*image));
    DrawableMessage message = {0};
    uint16_t type = SPICE_MSG_DISPLAY_DRAW_COPY;
    WireRect area = {0, 0, (int)h, (int)w};
    size_t size = (size_t)w * h * 4;

    memset(image, 0, sizeof(*image));
    image->id = ++world->cache_ids << 32 | QXL_IMAGE_GROUP_DEVICE;
    image->type = SPICE_IMAGE_TYPE_BITMAP;
    image->width = w;
    image->height = h;
    image->u.bitmap = (WireBitmap){.format = SPICE_BITMAP_FMT_32BIT,
                                   .flags = number(world, 0, 2) ? SPICE_BITMAP_FLAGS_TOP_DOWN : 0,
                                   .x = w,
                                   .y = h,
                                   .stride = w * 4};
    drawable->blobs[0] = blob_of(pixels, size);
    drawable->n_blobs = 1;
    image->u.bitmap.data = (WireBytes){drawable->blobs[0]->data, size};
    g_free(pixels);
    set_base(&message.base, id, &box);
    switch (number(world, 0, 4)) {
    case 0:
        type = SPICE_MSG_DISPLAY_DRAW_ALPHA_BLEND;
        image->u.bitmap.format = SPICE_BITMAP_FMT_RGBA;
        message.alpha_blend.src_image = image;
        message.alpha_blend.alpha = (uint8_t)number(world, 0, 256);
        message.alpha_blend.src_area = area;
        drawable->reads_target = true;
        break;
    case 1:
        type = SPICE_MSG_DISPLAY_DRAW_TRANSPARENT;
        message.transparent.src_image = image;
        message.transparent.src_area = area;
        message.transparent.src_color = 0xffffff;
        message.transparent.true_color = 0xffffff;
        drawable->reads_target = true;
        break;
    case 2:
        type = SPICE_MSG_DISPLAY_DRAW_COMPOSITE;
        image->u.bitmap.format = SPICE_BITMAP_FMT_RGBA;
        message.composite.flags = 3; /* OVER */
        message.composite.src_image = image;
        drawable->reads_target = true;
        break;
    default:
        message.copy.src_image = image;
        message.copy.src_area = area;
        message.copy.rop_descriptor = number(world, 0, 2) ? SPICE_ROPD_OP_PUT : SPICE_ROPD_OP_AND;
        message.copy.scale_mode = SPICE_IMAGE_SCALE_MODE_NEAREST;
        drawable->reads_target = message.copy.rop_descriptor != SPICE_ROPD_OP_PUT;
        break;
    }
    if (number(world, 0, 3) == 0) {
        WireRect *rects = wire_arena_alloc(&drawable->arena, 3 * sizeof(*rects));

        for (int i = 0; i < 3; i++) {
            pixman_box32_t part = random_box(world, world->surfaces[id].surface, 100);

            rects[i] = (WireRect){part.y1, part.x1, part.y2, part.x2};
        }
        message.base.clip = (WireClip){SPICE_CLIP_TYPE_RECTS, 3, rects};
    }
    world_draw(world, type, &message, drawable->reads_target ? QXL_EFFECT_BLEND : QXL_EFFECT_OPAQUE,
               drawable);
}

static void random_surface_change(World *world)
{
    static const uint32_t formats[] = {SPICE_SURFACE_FMT_32_xRGB, SPICE_SURFACE_FMT_32_ARGB,
                                       SPICE_SURFACE_FMT_16_555};
    uint32_t id = (uint32_t)number(world, 1, WORLD_SURFACES);

    if (world->surfaces[id].surface)
        world_destroy(world, id);
    else
        world_create(world, id, formats[number(world, 0, 3)], (uint32_t)number(world, 10, 200),
                     (uint32_t)number(world, 10, 200), number(world, 0, 3) == 0);
}

void world_random(World *world)
{
    uint32_t id = random_surface(world);
    Surface *surface = world->surfaces[id].surface;
    pixman_box32_t box;

    if (!surface)
        return;

    switch (number(world, 0, 16)) {
    case 0:
    case 1:
    case 2:
        box = random_box(world, surface, number(world, 0, 5) ? 60 : 400);
        world_fill(world, id, box, g_rand_int(world->rand) & 0xffffff, SPICE_ROPD_OP_PUT);
        break;
    case 3:
        box = random_box(world, surface, 80);
        world_fill(world, id, box, 0xffffff, SPICE_ROPD_OP_XOR);
        if (number(world, 0, 2)) /* and away again */
            world_fill(world, id, box, 0xffffff, SPICE_ROPD_OP_XOR);
        break;
    case 4:
    case 5: {
        pixman_box32_t area = random_box(world, surface, 200);
        int w = area.x2 - area.x1, h = area.y2 - area.y1;

        box.x1 = number(world, 0, 2) ? area.x1 : number(world, 0, (int)surface->width - w + 1);
        box.y1 = number(world, 0, (int)surface->height - h + 1);
        box.x2 = box.x1 + w;
        box.y2 = box.y1 + h;
        if (box.x1 != area.x1 || box.y1 != area.y1)
            world_copy_bits(world, id, box, area.x1, area.y1);
        break;
    }
    case 6:
    case 7:
    case 8:
        random_put(world);
        break;
    case 9:
        random_cached(world);
        break;
    case 10:
    case 11:
        random_surface_copy(world);
        break;
    case 12:
    case 13:
        random_image(world);
        break;
    case 14:
        if (number(world, 0, 3) == 0)
            random_surface_change(world);
        break;
    default: /* somebody looks */
        box = random_box(world, surface, 100);
        truth_render_area(world->truth, surface, &box);
        break;
    }
}
