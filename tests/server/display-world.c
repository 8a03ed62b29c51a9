/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The world around a truth and its views: what there is, its surfaces, and its course. */
#include "display-world.h"

#include <string.h>

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
    if (world->n_resources > 0)
        g_error("%u resources of the guest weren't released", world->n_resources);
    /* As a server ends: posts of jobs that nobody wants any more use the pool's lock once more. */
    loop_free(world->loop);
    encode_pool_free(world->server.pool);
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

/* ---- Its course ---- */

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
