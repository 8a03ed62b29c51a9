/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The surfaces of a display channel (docs/spec/display.md 11): the primary, whose pixels the owner
 * shares, and the others. */
#include "display/renderer-private.h"

#include <stdlib.h>

RendererPrimary *renderer_primary_ref(RendererPrimary *primary)
{
    g_atomic_int_inc(&primary->refs);
    return primary;
}

void renderer_primary_unref(RendererPrimary *primary)
{
    if (!primary || !g_atomic_int_dec_and_test(&primary->refs))
        return;
    free(primary->data);
    g_free(primary);
}

void surface_free(void *data)
{
    Surface *surface = data;

    canvas_surface_free(surface->canvas);
    g_free(surface);
}

Surface *renderer_surface(Renderer *renderer, uint32_t id)
{
    return g_hash_table_lookup(renderer->surfaces, &id);
}

bool renderer_is_primary(const Renderer *renderer, const Surface *surface)
{
    return renderer->primary && surface->canvas->pixels.data == renderer->primary->data;
}

static void insert(Renderer *renderer, uint32_t id, CanvasSurface *canvas, uint64_t bytes)
{
    Surface *surface = g_new(Surface, 1);

    surface->id = id;
    surface->canvas = canvas;
    surface->bytes = bytes;
    renderer->surface_bytes += bytes;
    g_hash_table_replace(renderer->surfaces, &surface->id, surface);
}

static void remove_surface(Renderer *renderer, Surface *surface)
{
    uint32_t id = surface->id;

    streams_surface_gone(renderer, id);
    renderer->surface_bytes -= surface->bytes;
    g_hash_table_remove(renderer->surfaces, &id);
}

/* The picture goes away; the owner keeps its reference until it has said so. */
static void remove_primary(Renderer *renderer)
{
    RendererPrimary *primary = renderer->primary;
    Surface *surface = renderer_surface(renderer, primary->surface_id);

    renderer_rest(renderer);
    renderer_flush(renderer);
    remove_surface(renderer, surface);
    renderer->primary = NULL;
    renderer_emit(renderer, &(RendererEvent){RENDERER_PRIMARY_DESTROYED, {.primary = primary}});
    renderer_primary_unref(primary);
}

static void create_primary(Renderer *renderer, uint32_t id, uint32_t format, uint32_t width,
                           uint32_t height, bool streaming)
{
    RendererPrimary *primary = renderer->primary;
    Surface *other = renderer_surface(renderer, id);
    CanvasSurface *canvas;
    CanvasResult result;
    uint64_t bytes = (uint64_t)width * height * 4;
    uint8_t *data;

    if (primary && primary->width == width && primary->height == height &&
        primary->format == format && primary->surface_id == id) {
        /* The old picture stays: after a reconnection or a migration it must not flicker. */
        primary->streaming = streaming;
        return;
    }
    if (canvas_surface_bytes(format, width, height) == 0 ||
        bytes > renderer->config.primary_bytes) {
        renderer_broken(
            renderer,
            "The server wants a screen of %u x %u pixels in format %u, which is not possible",
            width, height, format);
        return;
    }
    if (primary)
        remove_primary(renderer);
    else if (other)
        remove_surface(renderer, other);
    /* calloc: a picture that is never drawn costs no memory */
    data = calloc(1, bytes);
    canvas =
        data ? canvas_surface_new_for_data(format, width, height, data, (size_t)width * 4, &result)
             : NULL;
    if (!canvas) {
        free(data);
        renderer_fail(renderer, "There is not enough memory for a screen of %u x %u pixels", width,
                      height);
        return;
    }
    primary = g_new(RendererPrimary, 1);
    *primary = (RendererPrimary){
        .surface_id = id,
        .format = format,
        .width = width,
        .height = height,
        .stride = width * 4,
        .streaming = streaming,
        .data = data,
        .refs = 1,
    };
    renderer->primary = primary;
    insert(renderer, id, canvas, 0);
    renderer_emit(renderer, &(RendererEvent){RENDERER_PRIMARY_CREATED, {.primary = primary}});
}

static void create_other(Renderer *renderer, uint32_t id, uint32_t format, uint32_t width,
                         uint32_t height)
{
    Surface *old = renderer_surface(renderer, id);
    uint64_t bytes = canvas_surface_bytes(format, width, height);
    uint64_t used = renderer->surface_bytes - (old ? old->bytes : 0);
    CanvasSurface *canvas;
    CanvasResult result;

    if (bytes == 0) {
        renderer_broken(
            renderer,
            "DISPLAY_SURFACE_CREATE: surface %u of %u x %u pixels in format %u is not possible", id,
            width, height, format);
        return;
    }
    if (old && renderer_is_primary(renderer, old)) {
        renderer_log(renderer, "surface %u is the screen and can't become another surface", id);
        return;
    }
    if (bytes > renderer->config.surface_bytes || used > renderer->config.surface_bytes - bytes) {
        renderer_broken(renderer,
                        "DISPLAY_SURFACE_CREATE: the surfaces need more memory than is allowed");
        return;
    }
    if (old)
        remove_surface(renderer, old);
    canvas = canvas_surface_new(format, width, height, bytes, &result);
    if (!canvas) {
        renderer_fail(renderer, "DISPLAY_SURFACE_CREATE: %s", canvas_result_text(result));
        return;
    }
    insert(renderer, id, canvas, bytes);
}

void renderer_surface_create(Renderer *renderer, const WireMsgDisplaySurfaceCreate *message)
{
    if (message->flags & SPICE_SURFACE_FLAGS_PRIMARY)
        create_primary(renderer, message->surface_id, message->format, message->width,
                       message->height, (message->flags & SPICE_SURFACE_FLAGS_STREAMING_MODE) != 0);
    else
        create_other(renderer, message->surface_id, message->format, message->width,
                     message->height);
}

void renderer_mode(Renderer *renderer, const WireMsgDisplayMode *message)
{
    create_primary(renderer, 0, canvas_mode_format(message->bits), message->x_res, message->y_res,
                   false);
}

void renderer_surface_destroy(Renderer *renderer, uint32_t id)
{
    Surface *surface = renderer_surface(renderer, id);

    if (!surface)
        return;
    if (renderer_is_primary(renderer, surface))
        remove_primary(renderer);
    else
        remove_surface(renderer, surface);
}

void renderer_clear_primary(Renderer *renderer)
{
    RendererPrimary *primary = renderer->primary;
    Surface *surface;

    if (!primary)
        return;
    surface = renderer_surface(renderer, primary->surface_id);
    if (!renderer_paint(renderer, surface))
        return;
    canvas_surface_clear(surface->canvas);
    pixman_region32_union_rect(&renderer->damage, &renderer->damage, 0, 0, primary->width,
                               primary->height);
}

void renderer_drop_surfaces(Renderer *renderer, bool primary_too)
{
    GHashTableIter iter;
    void *value;

    g_hash_table_iter_init(&iter, renderer->surfaces);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Surface *surface = value;

        if (primary_too || !renderer_is_primary(renderer, surface)) {
            renderer->surface_bytes -= surface->bytes;
            g_hash_table_iter_remove(&iter);
        }
    }
    if (primary_too && renderer->primary) {
        renderer_primary_unref(renderer->primary);
        renderer->primary = NULL;
    }
}
