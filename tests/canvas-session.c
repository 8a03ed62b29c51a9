/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A display channel without a network, for tests. */
#include <stdlib.h>
#include <string.h>

#include <spice/enums.h>

#include "canvas-session.h"

static int slot_of(const Session *session, uint32_t id)
{
    for (int i = 0; i < SESSION_MAX_SURFACES; i++)
        if (session->surfaces[i] && session->ids[i] == id)
            return i;
    return -1;
}

CanvasSurface *session_surface(Session *session, uint32_t id)
{
    int slot = slot_of(session, id);

    return slot < 0 ? NULL : session->surfaces[slot];
}

static CanvasSurface *find_surface(void *ctx, uint32_t id)
{
    return session_surface(ctx, id);
}

static int image_slot(const Session *session, uint64_t id)
{
    for (int i = 0; i < SESSION_MAX_ENTRIES; i++)
        if (session->images[i].image && session->images[i].id == id)
            return i;
    return -1;
}

static void keep_image(Session *session, uint64_t id, CanvasImage *image)
{
    int slot = image_slot(session, id);

    for (int i = 0; slot < 0 && i < SESSION_MAX_ENTRIES; i++)
        if (!session->images[i].image)
            slot = i;
    if (slot < 0)
        return;
    canvas_image_unref(session->images[slot].image);
    session->images[slot].id = id;
    session->images[slot].image = canvas_image_ref(image);
}

static int palette_slot(const Session *session, uint64_t id)
{
    for (int i = 0; i < SESSION_MAX_ENTRIES; i++)
        if (session->palettes[i].entries && session->palettes[i].id == id)
            return i;
    return -1;
}

static void keep_palette(Session *session, const WirePalette *palette)
{
    int slot = palette_slot(session, palette->unique);
    size_t bytes = palette->n_entries * sizeof(uint32_t);

    for (int i = 0; slot < 0 && i < SESSION_MAX_ENTRIES; i++)
        if (!session->palettes[i].entries)
            slot = i;
    if (slot < 0)
        return;
    free(session->palettes[slot].entries);
    session->palettes[slot].id = palette->unique;
    session->palettes[slot].n = palette->n_entries;
    session->palettes[slot].entries = malloc(bytes ? bytes : 1);
    if (bytes)
        memcpy(session->palettes[slot].entries, palette->entries, bytes);
}

static CanvasImage *find_image(void *ctx, const WireImage *image, CanvasUse use,
                               uint32_t surface_format)
{
    Session *session = ctx;
    CanvasDecode how = {.use = use,
                        .surface_format = surface_format,
                        .glz = session->glz,
                        .max_pixels = session->max_pixels};
    CanvasPaletteRef palette;
    CanvasImage *made;
    int slot;

    if (image->type == SPICE_IMAGE_TYPE_FROM_CACHE ||
        image->type == SPICE_IMAGE_TYPE_FROM_CACHE_LOSSLESS) {
        slot = image_slot(session, image->id);
        if (slot < 0 || (image->type == SPICE_IMAGE_TYPE_FROM_CACHE_LOSSLESS &&
                         canvas_image_is_lossy(session->images[slot].image)))
            return NULL;
        return canvas_image_ref(session->images[slot].image);
    }
    if (canvas_image_palette(image, &palette)) {
        if (palette.from_cache) {
            slot = palette_slot(session, palette.id);
            how.have_palette = slot >= 0;
            how.palette = slot >= 0 ? session->palettes[slot].entries : NULL;
            how.n_palette = slot >= 0 ? session->palettes[slot].n : 0;
        } else if (palette.cache_me) {
            keep_palette(session, palette.palette);
        }
    }
    made = canvas_image_decode(image, &how, NULL);
    if (made && image->flags & (SPICE_IMAGE_FLAGS_CACHE_ME | SPICE_IMAGE_FLAGS_CACHE_REPLACE_ME))
        keep_image(session, image->id, made);
    return made;
}

void session_init(Session *session)
{
    memset(session, 0, sizeof *session);
    wire_arena_init(&session->arena, 64 << 20);
    session->glz = glz_window_new(64 << 20, NULL);
    session->env = (CanvasEnv){find_surface, find_image, session};
    session->max_surface_bytes = 256 << 20;
    pixman_region32_init(&session->damage);
}

static void forget_palettes(Session *session)
{
    for (int i = 0; i < SESSION_MAX_ENTRIES; i++) {
        free(session->palettes[i].entries);
        session->palettes[i].entries = NULL;
    }
}

void session_clear(Session *session)
{
    for (int i = 0; i < SESSION_MAX_SURFACES; i++)
        canvas_surface_free(session->surfaces[i]);
    for (int i = 0; i < SESSION_MAX_ENTRIES; i++)
        canvas_image_unref(session->images[i].image);
    forget_palettes(session);
    glz_window_free(session->glz);
    wire_arena_clear(&session->arena);
    pixman_region32_fini(&session->damage);
}

CanvasResult session_create(Session *session, uint32_t id, uint32_t format, uint32_t width,
                            uint32_t height)
{
    CanvasResult result;
    CanvasSurface *surface =
        canvas_surface_new(format, width, height, session->max_surface_bytes, &result);
    int slot = slot_of(session, id);

    for (int i = 0; slot < 0 && i < SESSION_MAX_SURFACES; i++)
        if (!session->surfaces[i])
            slot = i;
    if (!surface || slot < 0) {
        canvas_surface_free(surface);
        return surface ? CANVAS_TOO_LARGE : result;
    }
    canvas_surface_free(session->surfaces[slot]);
    session->surfaces[slot] = surface;
    session->ids[slot] = id;
    return CANVAS_OK;
}

CanvasResult session_draw(Session *session, uint16_t type, const void *message)
{
    pixman_region32_clear(&session->damage);
    return canvas_draw(&session->env, type, message, &session->damage);
}

bool session_apply(Session *session, uint16_t type, const uint8_t *body, size_t size,
                   CanvasResult *result)
{
    const void *message;

    *result = CANVAS_OK;
    wire_arena_reset(&session->arena);
    message =
        wire_parse(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, type, body, size, &session->arena, NULL);
    if (!message)
        return false;
    if (canvas_is_draw(type)) {
        *result = session_draw(session, type, message);
        return true;
    }
    switch (type) {
    case SPICE_MSG_DISPLAY_SURFACE_CREATE: {
        const WireMsgDisplaySurfaceCreate *create = message;

        *result = session_create(session, create->surface_id, create->format, create->width,
                                 create->height);
        return true;
    }
    case SPICE_MSG_DISPLAY_SURFACE_DESTROY: {
        int slot = slot_of(session, ((const WireMsgDisplaySurfaceDestroy *)message)->surface_id);

        if (slot >= 0) {
            canvas_surface_free(session->surfaces[slot]);
            session->surfaces[slot] = NULL;
        }
        return true;
    }
    case SPICE_MSG_DISPLAY_MODE: {
        const WireMsgDisplayMode *mode = message;

        *result =
            session_create(session, 0, canvas_mode_format(mode->bits), mode->x_res, mode->y_res);
        return true;
    }
    case SPICE_MSG_DISPLAY_RESET:
        if (session_surface(session, 0))
            canvas_surface_clear(session_surface(session, 0));
        forget_palettes(session);
        return true;
    case SPICE_MSG_DISPLAY_INVAL_PALETTE: {
        int slot = palette_slot(session, ((const WireMsgDisplayInvalPalette *)message)->id);

        if (slot >= 0) {
            free(session->palettes[slot].entries);
            session->palettes[slot].entries = NULL;
        }
        return true;
    }
    case SPICE_MSG_DISPLAY_INVAL_LIST: {
        const WireMsgDisplayInvalList *list = message;

        for (uint32_t i = 0; i < list->n_resources; i++) {
            int slot = image_slot(session, list->resources[i].id);

            if (slot >= 0) {
                canvas_image_unref(session->images[slot].image);
                session->images[slot].image = NULL;
            }
        }
        return true;
    }
    default:
        return false;
    }
}
