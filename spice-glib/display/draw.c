/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Draw messages: their images from caches, from decoders, or from work done ahead, then the canvas.
 */
#include "display/renderer-private.h"

/* Images smaller than this are decoded faster than a thread wakes up. */
#define AHEAD_MIN_PIXELS (128 * 128)
/* The codecs of the LZ family decode a hundred times as fast as the others. */
#define AHEAD_MIN_PIXELS_LZ (512 * 512)
/* Bodies smaller than this hold no image that is worth it (a flat picture compresses to about
 * 1/1000). */
#define AHEAD_MIN_BODY 512
/* How far to look. */
#define AHEAD_MESSAGES 32
/* Decoding more than this is too long to keep the owner from its picture. */
#define LONG_PIXELS (128 * 128)

typedef struct Loaded {
    const WireImage *wire;
    CanvasUse use;
    CanvasImage *image;
} Loaded;

typedef struct DrawContext {
    Renderer *renderer;
    unsigned int n_loaded, next;
    Loaded loaded[CANVAS_MAX_IMAGES];
} DrawContext;

static CanvasSurface *env_surface(void *ctx, uint32_t id)
{
    DrawContext *draw = ctx;
    Surface *surface = renderer_surface(draw->renderer, id);

    return surface ? surface->canvas : NULL;
}

/* Everything was loaded before: the canvas asks in the same order. */
static CanvasImage *env_image(void *ctx, const WireImage *image, CanvasUse use,
                              uint32_t surface_format)
{
    DrawContext *draw = ctx;

    while (draw->next < draw->n_loaded) {
        Loaded *loaded = &draw->loaded[draw->next++];
        CanvasImage *result = loaded->image;

        if (loaded->wire != image || loaded->use != use)
            continue;
        loaded->image = NULL;
        return result;
    }
    return NULL;
}

static void hopeless(Renderer *renderer, WaitResult result, const char *what, uint64_t id)
{
    if (result == WAIT_HOPELESS)
        renderer_broken(
            renderer, "The server draws with %s %#" G_GINT64_MODIFIER "x, which it has never sent",
            what, id);
}

static CanvasImage *load_cached(Renderer *renderer, const WireImage *wire)
{
    bool lossless = wire->type == SPICE_IMAGE_TYPE_FROM_CACHE_LOSSLESS;
    CanvasImage *image = shared_peek_image(renderer->shared, wire->id, lossless);
    WaitResult result;

    if (image)
        return image;
    renderer_rest(renderer);
    renderer_flush(renderer);
    result = shared_get_image(renderer->peer, wire->id, lossless, &image);
    hopeless(renderer, result, "cached image", wire->id);
    return image;
}

static bool is_glz(const WireImage *wire)
{
    return wire->type == SPICE_IMAGE_TYPE_GLZ_RGB || wire->type == SPICE_IMAGE_TYPE_ZLIB_GLZ_RGB;
}

static CanvasImage *decode_glz(Renderer *renderer, const WireImage *wire, CanvasDecode *how,
                               CanvasResult *code)
{
    uint64_t missing = 0;
    CanvasImage *image;

    how->glz = shared_glz_window(renderer->shared);
    how->missing = &missing;
    while (!(image = canvas_image_decode(wire, how, code)) && *code == CANVAS_MISSING) {
        WaitResult result;

        renderer_rest(renderer);
        renderer_flush(renderer);
        result = shared_wait_for_glz(renderer->peer, missing);
        if (result != WAIT_DONE) {
            hopeless(renderer, result, "GLZ image", missing);
            return NULL;
        }
    }
    if (image)
        shared_glz_added(renderer->shared);
    return image;
}

/* The palette side effects of an image, and what its decoder needs of them. False: it can't be
 * drawn. */
static bool prepare_palette(Renderer *renderer, const WireImage *wire, CanvasDecode *how)
{
    CanvasPaletteRef ref;

    if (!canvas_image_palette(wire, &ref))
        return true;
    if (ref.from_cache) {
        const Palette *palette = palette_cache_get(&renderer->palettes, ref.id);

        if (!palette) {
            renderer_broken(renderer,
                            "The server uses palette %#" G_GINT64_MODIFIER
                            "x, which it has never sent",
                            ref.id);
            return false;
        }
        how->palette = palette->entries;
        how->n_palette = palette->n_entries;
        how->have_palette = true;
    } else if (ref.cache_me && ref.palette && ref.palette->unique != 0 &&
               !palette_cache_put(&renderer->palettes, ref.palette->unique, ref.palette->entries,
                                  ref.palette->n_entries)) {
        renderer_broken(renderer, "The server wants more than %d palettes to be kept",
                        PALETTE_CACHE_MAX);
    }
    return true;
}

/* What BITMAP images can't be is a matter of one draw; streams that don't decode leave other
 * channels waiting. */
static void complain(Renderer *renderer, uint16_t type, const WireImage *wire, CanvasResult code)
{
    const WireMessageInfo *info = wire_message_info(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, type);

    if (wire->type == SPICE_IMAGE_TYPE_BITMAP && code != CANVAS_NO_MEMORY &&
        code != CANVAS_TOO_LARGE)
        renderer_log(renderer, "%s: bitmap of format %u ignored: %s", info->title,
                     wire->u.bitmap.format, canvas_result_text(code));
    else
        renderer_broken(renderer, "%s: image of type %u, %u x %u pixels: %s", info->title,
                        wire->type, wire->width, wire->height, canvas_result_text(code));
}

static uint64_t wire_pixels(const WireImage *wire)
{
    return wire->type == SPICE_IMAGE_TYPE_BITMAP ? (uint64_t)wire->u.bitmap.x * wire->u.bitmap.y
                                                 : (uint64_t)wire->width * wire->height;
}

static DecodeJob *find_job(Ahead *ahead, const WireImage *wire, CanvasUse use,
                           uint32_t surface_format)
{
    for (unsigned int i = 0; ahead && i < ahead->n_jobs; i++) {
        DecodeJob *job = &ahead->jobs[i];

        if (job->submitted && job->image == wire && job->how.use == use &&
            job->how.surface_format == surface_format)
            return job;
    }
    return NULL;
}

static CanvasImage *finish_job(Renderer *renderer, DecodeJob *job, CanvasResult *code)
{
    job->submitted = false;
    return decode_pool_finish(shared_pool(renderer->shared), job, code);
}

/* The picture of one operand with all side effects on caches. NULL: this draw is void. */
static CanvasImage *load(Renderer *renderer, uint16_t type, const WireImage *wire, CanvasUse use,
                         uint32_t surface_format, Ahead *ahead)
{
    CanvasDecode how = {.use = use,
                        .surface_format = surface_format,
                        .max_pixels = shared_image_pixels(renderer->shared)};
    CanvasResult code = CANVAS_OK;
    CanvasImage *image;
    DecodeJob *job;
    bool cache_me = (wire->flags & SPICE_IMAGE_FLAGS_CACHE_ME) != 0;
    bool replace = (wire->flags & SPICE_IMAGE_FLAGS_CACHE_REPLACE_ME) != 0;

    if (wire->type == SPICE_IMAGE_TYPE_FROM_CACHE ||
        wire->type == SPICE_IMAGE_TYPE_FROM_CACHE_LOSSLESS)
        return load_cached(renderer, wire);
    if (!prepare_palette(renderer, wire, &how))
        return NULL;
    if (wire_pixels(wire) > LONG_PIXELS)
        renderer_rest(renderer);
    if (is_glz(wire))
        image = decode_glz(renderer, wire, &how, &code);
    else if ((job = find_job(ahead, wire, use, surface_format)))
        image = finish_job(renderer, job, &code);
    else
        image = canvas_image_decode(wire, &how, &code);
    if (!image) {
        if (code != CANVAS_OK && code != CANVAS_MISSING)
            complain(renderer, type, wire, code);
        return NULL;
    }
    if ((cache_me || replace) && !shared_add_image(renderer->shared, wire->id, image,
                                                   canvas_image_is_lossy(image), replace)) {
        renderer_broken(renderer, "The server keeps more images in the cache than was agreed");
        canvas_image_unref(image);
        return NULL;
    }
    return image;
}

void renderer_draw(Renderer *renderer, uint16_t type, const void *message, Ahead *ahead)
{
    DrawContext draw = {.renderer = renderer};
    CanvasEnv env = {.surface = env_surface, .image = env_image, .ctx = &draw};
    CanvasOperands operands;
    Surface *target;
    CanvasResult result;
    uint32_t format;
    bool is_void = false, shown;

    if (!canvas_list_images(type, message, &operands))
        return;
    target = renderer_surface(renderer, operands.surface_id);
    format = target ? target->canvas->format : SPICE_SURFACE_FMT_32_xRGB;
    for (unsigned int i = 0; i < operands.n_images && !renderer->failed; i++) {
        const WireImage *wire = operands.images[i].image;
        Loaded *loaded = &draw.loaded[draw.n_loaded];

        if (wire->type == SPICE_IMAGE_TYPE_SURFACE)
            continue;
        *loaded = (Loaded){wire, operands.images[i].use, NULL};
        loaded->image = load(renderer, type, wire, loaded->use, format, ahead);
        if (loaded->image)
            draw.n_loaded++;
        else
            is_void = true;
    }
    if (!is_void && !renderer->failed && target && renderer_paint(renderer, target)) {
        shown = renderer_is_primary(renderer, target);
        result = canvas_draw(&env, type, message, shown ? &renderer->damage : NULL);
        if (result == CANVAS_NO_MEMORY)
            renderer_fail(renderer, "There is not enough memory to draw");
        else if (result != CANVAS_OK)
            renderer_log(renderer, "%s ignored: %s",
                         wire_message_info(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, type)->title,
                         canvas_result_text(result));
    }
    for (unsigned int i = 0; i < draw.n_loaded; i++)
        canvas_image_unref(draw.loaded[i].image);
}

/* ---- Ahead
 * ------------------------------------------------------------------------------------------------------
 */

static Ahead *new_ahead(Renderer *renderer)
{
    Ahead *ahead = renderer->free_ahead;

    if (ahead) {
        renderer->free_ahead = ahead->next_free;
    } else {
        ahead = g_new0(Ahead, 1);
        wire_arena_init(&ahead->arena, RENDERER_ARENA_LIMIT);
    }
    ahead->bytes = 0;
    ahead->n_jobs = 0;
    return ahead;
}

/* Worth a thread's while, and independent of what comes before it. */
static bool can_decode_ahead(Renderer *renderer, const WireImage *wire)
{
    CanvasPaletteRef ref;
    uint64_t least;

    switch (wire->type) {
    case SPICE_IMAGE_TYPE_QUIC:
    case SPICE_IMAGE_TYPE_JPEG:
    case SPICE_IMAGE_TYPE_JPEG_ALPHA:
        least = AHEAD_MIN_PIXELS;
        break;
    case SPICE_IMAGE_TYPE_LZ_PLT:
    case SPICE_IMAGE_TYPE_LZ_RGB:
    case SPICE_IMAGE_TYPE_LZ4:
        least = AHEAD_MIN_PIXELS_LZ;
        break;
    default:
        return false;
    }
    if (canvas_image_palette(wire, &ref) && ref.from_cache)
        return false;
    return wire_pixels(wire) >= least && wire_pixels(wire) <= shared_image_pixels(renderer->shared);
}

static void submit(Renderer *renderer, Ahead *ahead, uint16_t type)
{
    CanvasOperands operands;
    Surface *target;

    if (!canvas_list_images(type, ahead->message, &operands))
        return;
    target = renderer_surface(renderer, operands.surface_id);
    if (!target)
        return;
    for (unsigned int i = 0; i < operands.n_images; i++) {
        const WireImage *wire = operands.images[i].image;
        DecodeJob *job = &ahead->jobs[ahead->n_jobs];

        if (!can_decode_ahead(renderer, wire))
            continue;
        *job = (DecodeJob){
            .image = wire,
            .how = {.use = operands.images[i].use,
                    .surface_format = target->canvas->format,
                    .max_pixels = shared_image_pixels(renderer->shared)},
        };
        if (!decode_pool_submit(shared_pool(renderer->shared), job))
            continue;
        job->submitted = true;
        ahead->n_jobs++;
        ahead->bytes += wire_pixels(wire) * 4;
    }
    renderer->ahead_bytes += ahead->bytes;
}

void renderer_look_ahead(Renderer *renderer)
{
    unsigned int n = 0;

    if (!shared_pool(renderer->shared))
        return;
    for (; renderer->next_look && n < AHEAD_MESSAGES;
         renderer->next_look = renderer->next_look->next, n++) {
        QueuedMessage *message = renderer->next_look;
        Ahead *ahead;
        size_t size;
        const uint8_t *body;

        if (renderer->ahead_bytes >= renderer->config.ahead_bytes)
            return;
        body = g_bytes_get_data(message->input.body, &size);
        if (message->input.for_owner || size < AHEAD_MIN_BODY ||
            !canvas_is_draw(message->input.type))
            continue;
        ahead = new_ahead(renderer);
        ahead->message = wire_parse(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, message->input.type,
                                    body, size, &ahead->arena, &ahead->error);
        message->ahead = ahead;
        if (ahead->message)
            submit(renderer, ahead, message->input.type);
    }
}

void renderer_drop_ahead(Renderer *renderer, QueuedMessage *message)
{
    Ahead *ahead = message->ahead;

    if (!ahead)
        return;
    for (unsigned int i = 0; i < ahead->n_jobs; i++) {
        if (ahead->jobs[i].submitted)
            decode_pool_cancel(shared_pool(renderer->shared), &ahead->jobs[i]);
    }
    renderer->ahead_bytes -= ahead->bytes;
    wire_arena_reset(&ahead->arena);
    ahead->next_free = renderer->free_ahead;
    renderer->free_ahead = ahead;
    message->ahead = NULL;
}
