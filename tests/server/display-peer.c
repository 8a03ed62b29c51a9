/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clients of a display: a strict renderer executes what comes, and its picture is compared. */
#include "display-world-private.h"

#include "display/caches.h"
#include "wire/header.h"

/* ---- Messages ---- */

static void count_image(Peer *peer, const WireImage *image)
{
    bool from_cache;

    if (!image)
        return;
    from_cache = image->type == SPICE_IMAGE_TYPE_FROM_CACHE ||
                 image->type == SPICE_IMAGE_TYPE_FROM_CACHE_LOSSLESS;
    if (from_cache)
        peer->n_from_cache++;
    else
        peer->pixels += (uint64_t)image->width * image->height;
    /* The guest of these tests numbers in the upper half, in one group. */
    if ((uint32_t)image->id != QXL_IMAGE_GROUP_DEVICE) {
        void *half = GUINT_TO_POINTER((uint32_t)image->id);

        if (from_cache && GPOINTER_TO_SIZE(g_hash_table_lookup(peer->by_half, half)) != image->id)
            peer->n_mistaken++;
        if (image->flags & SPICE_IMAGE_FLAGS_CACHE_ME)
            g_hash_table_insert(peer->by_half, half, GSIZE_TO_POINTER(image->id));
    }
    peer->n_lossy +=
        image->type == SPICE_IMAGE_TYPE_JPEG || image->type == SPICE_IMAGE_TYPE_JPEG_ALPHA;
}

void peer_deliver_subs(Peer *peer, uint64_t serial, const WireSubMessage *subs, unsigned n)
{
    for (unsigned i = 0; i < n && !peer->mute; i++) {
        RendererInput sub = {.type = subs[i].type,
                             .number = serial,
                             .sub_message = true,
                             .fd = -1,
                             .body = g_bytes_new(subs[i].body.data, subs[i].body.size)};

        renderer_push(peer->renderer, &sub);
    }
}

void peer_deliver(Peer *peer, uint16_t type, const uint8_t *data, size_t size)
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
        if (copy) {
            const WireRect *rect = &copy->base.box;
            pixman_box32_t box = {rect->left, rect->top, rect->right, rect->bottom};

            g_array_append_val(peer->boxes, box);
            count_image(peer, copy->src_image);
        }
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
        peer_deliver_subs(peer, input.number, subs, n);
    }
    input.body = g_bytes_new(data, size);
    renderer_push(peer->renderer, &input);
    renderer_run(peer->renderer);
}

/* ---- Connections ---- */

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
    peer->by_half = g_hash_table_new(NULL, NULL);
    peer->types = g_array_new(false, false, sizeof(uint16_t));
    peer->boxes = g_array_new(false, false, sizeof(pixman_box32_t));
    if (config->client) {
        peer->client = config->client;
        peer->client->refs++;
    } else {
        RendererSharedLimits limits;

        peer->client = g_new0(Client, 1);
        peer->client->refs = 1;
        peer->client->slow = config->slow;
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
        engine_disconnect(peer->cc);
    renderer_free(peer->renderer);
    g_clear_pointer(&peer->primary, renderer_primary_unref);
    if (--peer->client->refs == 0) {
        renderer_shared_unref(peer->client->renderer_shared);
        display_shared_free(peer->client->shared);
        g_free(peer->client);
    }
    g_string_free(peer->reason, true);
    g_array_unref(peer->types);
    g_array_unref(peer->boxes);
    g_hash_table_unref(peer->by_half);
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

unsigned peer_count(const Peer *peer, uint16_t type)
{
    unsigned n = 0;

    for (unsigned i = 0; i < peer->types->len; i++)
        n += g_array_index(peer->types, uint16_t, i) == type;

    return n;
}

/* ---- What it shows ---- */

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
