/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A view's messages: built when they are decided on, handed to the channel in order, each when its
 * images are coded. The caches are asked twice: when a message is decided on (is the image there?),
 * and when it gets its serial. docs/spec/server-display.md 10.2, 12, 14 */
#include "display/view.h"

#include <string.h>

#include "slices.h"

enum {
    MAX_OUT = 64,      /* messages that wait for their images */
    RAW_BYTES = 54,    /* images that aren't worth a coder */
    MIN_CONTENT = 256, /* pixels: what is remembered by content */
    MAX_CONTENT = 1 << 19,
};

bool view_may_send(const View *view)
{
    return view->n_out < MAX_OUT && channel_client_room(&view->base) > view->out_cost;
}

/* ---- Images ---- */

static void out_image_clear(OutImage *image)
{
    if (image->job)
        encode_job_free(image->job);
    if (image->source) {
        blob_unref(image->source->pixels);
        g_free(image->source);
    }
}

static void out_free(Out *out)
{
    for (unsigned i = 0; i < out->n_images; i++)
        out_image_clear(&out->images[i]);
    drawable_unref(out->drawable);
    blob_unref(out->pixels);
    g_free(out->owned);
    slice_free(Out, out);
}

static void view_coded(void *data)
{
    View *view = data;

    view_want(view);
}

static void view_code(View *view, OutImage *image, const EncodeSource *source)
{
    image->job = encode_submit(view->views->config.pool, &view->policy, source,
                               view->views->config.loop, view_coded, view);
}

/* The bytes of a bitmap as a source for the coders; pixels gets a reference. */
static bool view_bitmap_source(const Out *out, const WireImage *image, EncodeSource *source)
{
    const WireBitmap *bitmap = &image->u.bitmap;
    const Drawable *drawable = out->drawable;
    size_t size = (size_t)bitmap->stride * bitmap->y;

    memset(source, 0, sizeof(*source));
    if (size == 0 || bitmap->data.size < size)
        return false;
    for (unsigned i = 0; i < drawable->n_blobs && drawable->blobs[i]; i++) {
        Blob *blob = drawable->blobs[i];

        if (bitmap->data.data >= blob->data && bitmap->data.data < blob->data + blob->size &&
            (size_t)(blob->data + blob->size - bitmap->data.data) >= size) {
            source->pixels = blob_ref(blob);
            source->offset = (size_t)(bitmap->data.data - blob->data);
            break;
        }
    }
    if (!source->pixels) {
        source->pixels = blob_new(size);
        if (!source->pixels)
            return false;
        memcpy(source->pixels->data, bitmap->data.data, size);
    }
    source->id = image->id;
    source->flags = image->flags & SPICE_IMAGE_FLAGS_HIGH_BITS_SET;
    source->format = bitmap->format;
    source->top_down = bitmap->flags & SPICE_BITMAP_FLAGS_TOP_DOWN;
    source->width = bitmap->x;
    source->height = bitmap->y;
    source->stride = bitmap->stride;
    source->palette = bitmap->palette;

    return true;
}

/* Is it in the client's cache already? */
static void view_look_up(View *view, OutImage *image)
{
    PixmapHit hit;

    if (!image->cacheable)
        return;

    hit = pixmap_cache_use(view->pixmaps, view->views->config.channel_id, image->image.id,
                           channel_client_next_serial(&view->base));
    image->from_cache = hit == PIXMAP_HIT || (hit == PIXMAP_HIT_LOSSY && image->lossy_ok);
}

/* Begin to code it, unless the client has it. */
static void view_prepare_image(View *view, OutImage *image, const EncodeSource *source)
{
    view_look_up(view, image);
    if (image->from_cache) { /* in case it leaves the cache before the message does */
        image->source = g_memdup2(source, sizeof(*source));
        blob_ref(image->source->pixels);
        image->source->glz_allowed = false;
    } else {
        EncodeSource coded = *source;

        /* With several channels a cached image must not depend on the dictionary's order: either
         * may make a client's channel wait for another (lz.md 4.5). */
        if (image->cacheable && pixmap_cache_users(view->pixmaps) > 1)
            coded.glz_allowed = false;
        view_code(view, image, &coded);
    }
}

/* As far as is known when the message is queued. */
static bool out_image_may_be_lossy(const View *view, const OutImage *image)
{
    return view->policy.jpeg && image->lossy_ok &&
           (!image->job || !encode_job_is_done(image->job) || encode_job_is_lossy(image->job));
}

/* An image of a guest's command. */
static void view_add_image(View *view, Out *out, const WireImage **slot, bool lossy_ok, bool mask)
{
    const WireImage *guest = *slot;
    EncodeSource source;
    OutImage *image;
    bool wants_cache;

    if (!guest || out->n_images == OUT_MAX_IMAGES)
        return;

    image = &out->images[out->n_images++];
    image->slot = slot;
    image->image = *guest;
    image->lossy_ok = lossy_ok;
    if (guest->type == SPICE_IMAGE_TYPE_SURFACE) {
        image->image.flags = 0;
        return;
    }

    wants_cache = guest->flags & SPICE_IMAGE_FLAGS_CACHE_ME;
    image->image.flags = guest->flags & SPICE_IMAGE_FLAGS_HIGH_BITS_SET;
    image->image.id = guest->id ^ view->views->id_mix;
    image->cacheable = wants_cache && view->pixmaps && guest->width > 0 && guest->height > 0;
    if (guest->type == SPICE_IMAGE_TYPE_BITMAP) {
        image->image.u.bitmap.flags = guest->u.bitmap.flags & SPICE_BITMAP_FLAGS_TOP_DOWN;
        if (image->image.u.bitmap.palette) {
            image->palette = *image->image.u.bitmap.palette;
            image->image.u.bitmap.palette = &image->palette;
        }
    }
    if (guest->type == SPICE_IMAGE_TYPE_BITMAP && !mask &&
        (uint64_t)guest->u.bitmap.stride * guest->u.bitmap.y >= RAW_BYTES &&
        view_bitmap_source(out, &image->image, &source)) {
        source.lossy_allowed = lossy_ok;
        source.few_colors_allowed = out->drawable->target->format == SPICE_SURFACE_FMT_32_xRGB;
        source.glz_allowed = true;
        view_prepare_image(view, image, &source);
        blob_unref(source.pixels);
    } else {
        view_look_up(view, image);
    }
}

static void view_add_brush(View *view, Out *out, WireBrush *brush)
{
    if (brush->type == SPICE_BRUSH_TYPE_PATTERN)
        view_add_image(view, out, &brush->u.pattern.image, false, false);
}

/* The slots are in the message's order of references. */
static void view_add_images(View *view, Out *out, bool lossy_ok)
{
    DrawableMessage *m = &out->message.draw;

    switch (out->type) {
    case SPICE_MSG_DISPLAY_DRAW_FILL:
        view_add_brush(view, out, &m->fill.brush);
        view_add_image(view, out, &m->fill.mask.image, false, true);
        break;
    case SPICE_MSG_DISPLAY_DRAW_OPAQUE:
        view_add_image(view, out, &m->opaque.src_image,
                       lossy_ok && !view_rop_is_logical(m->opaque.rop_descriptor), false);
        view_add_brush(view, out, &m->opaque.brush);
        view_add_image(view, out, &m->opaque.mask.image, false, true);
        break;
    case SPICE_MSG_DISPLAY_DRAW_COPY:
        view_add_image(view, out, &m->copy.src_image, !view_rop_is_logical(m->copy.rop_descriptor),
                       false);
        view_add_image(view, out, &m->copy.mask.image, false, true);
        break;
    case SPICE_MSG_DISPLAY_DRAW_BLEND:
        view_add_image(view, out, &m->blend.src_image, false, false);
        view_add_image(view, out, &m->blend.mask.image, false, true);
        break;
    case SPICE_MSG_DISPLAY_DRAW_BLACKNESS:
    case SPICE_MSG_DISPLAY_DRAW_WHITENESS:
    case SPICE_MSG_DISPLAY_DRAW_INVERS:
        view_add_image(view, out, &m->blackness.mask.image, false, true);
        break;
    case SPICE_MSG_DISPLAY_DRAW_ROP3:
        view_add_image(view, out, &m->rop3.src_image, false, false);
        view_add_brush(view, out, &m->rop3.brush);
        view_add_image(view, out, &m->rop3.mask.image, false, true);
        break;
    case SPICE_MSG_DISPLAY_DRAW_STROKE:
        view_add_brush(view, out, &m->stroke.brush);
        break;
    case SPICE_MSG_DISPLAY_DRAW_TEXT:
        view_add_brush(view, out, &m->text.fore_brush);
        view_add_brush(view, out, &m->text.back_brush);
        break;
    case SPICE_MSG_DISPLAY_DRAW_TRANSPARENT:
        view_add_image(view, out, &m->transparent.src_image, false, false);
        break;
    case SPICE_MSG_DISPLAY_DRAW_ALPHA_BLEND:
        view_add_image(view, out, &m->alpha_blend.src_image, lossy_ok, false);
        break;
    case SPICE_MSG_DISPLAY_DRAW_COMPOSITE:
        view_add_image(view, out, &m->composite.src_image, false, false);
        if (m->composite.flags & SPICE_COMPOSITE_HAS_MASK)
            view_add_image(view, out, &m->composite.mask_image, false, false);
        break;
    default:
        break;
    }
}

/* ---- Handing over ---- */

/* Where the palette of an image as it is sent lies; NULL: it has none. */
static const WirePalette **image_palette(WireImage *image, uint8_t **flags, uint64_t **id)
{
    if (image->type == SPICE_IMAGE_TYPE_BITMAP && image->u.bitmap.palette) {
        *flags = &image->u.bitmap.flags;
        *id = &image->u.bitmap.palette_id;
        return &image->u.bitmap.palette;
    }
    if (image->type == SPICE_IMAGE_TYPE_LZ_PLT && image->u.lz_palette.palette) {
        *flags = &image->u.lz_palette.flags;
        *id = &image->u.lz_palette.palette_id;
        return &image->u.lz_palette.palette;
    }

    return NULL;
}

/* A palette that leaves the client's cache is announced ahead: it isn't used by this message. */
static void view_use_palette(View *view, WireImage *image)
{
    uint8_t *flags;
    uint64_t *id, evicted = 0;
    const WirePalette **palette = image_palette(image, &flags, &id);

    if (!palette || (*palette)->unique == 0)
        return;

    if (palette_cache_use(view->palettes, (*palette)->unique, &evicted)) {
        uint64_t unique = (*palette)->unique;

        *flags |= SPICE_BITMAP_FLAGS_PAL_FROM_CACHE;
        *palette = NULL;
        *id = unique;
    } else {
        *flags |= SPICE_BITMAP_FLAGS_PAL_CACHE_ME;
    }
    if (evicted) {
        WireMsgDisplayInvalPalette inval = {evicted};

        channel_client_send(&view->base, SPICE_MSG_DISPLAY_INVAL_PALETTE, &inval);
    }
}

/* Is there an image of the dictionary, or one that may become one, in this message or behind it? */
static bool view_glz_behind(const Out *out)
{
    for (; out; out = out->next)
        for (unsigned i = 0; i < out->n_images; i++)
            if (out->images[i].job && (!encode_job_is_done(out->images[i].job) ||
                                       encode_job_must_be_sent(out->images[i].job)))
                return true;
    return false;
}

/* What one image is on the wire, in the message of that serial. */
static void view_finish_image(View *view, const Out *out, OutImage *image, WireImage *wire,
                              uint64_t serial, PixmapEvictions *evictions)
{
    uint8_t channel = view->views->config.channel_id;
    PixmapHit hit = PIXMAP_MISS;
    bool can_enter = false;

    if (image->cacheable) {
        /* What orders channels by the cache must not meet what orders them by the dictionary: while
         * others share the cache, images don't enter it beside GLZ images (display.md 10). */
        can_enter = pixmap_cache_users(view->pixmaps) <= 1 || !view_glz_behind(out);
        if (image->from_cache || can_enter)
            hit = pixmap_cache_use(view->pixmaps, channel, image->image.id, serial);
        if (hit == PIXMAP_HIT_LOSSY && !image->lossy_ok) {
            /* stays: it is sent again below */
        } else if (hit != PIXMAP_MISS && !(image->job && encode_job_must_be_sent(image->job))) {
            *wire = image->image;
            wire->type = view->policy.jpeg && hit == PIXMAP_HIT
                             ? SPICE_IMAGE_TYPE_FROM_CACHE_LOSSLESS
                             : SPICE_IMAGE_TYPE_FROM_CACHE;
            return;
        }
        if (image->source && !image->job) /* it left the cache since */
            view_code(view, image, image->source);
    }

    *wire = image->image;
    if (image->job) {
        const WireImage *coded = encode_job_image(image->job);

        if (coded) {
            *wire = *coded;
            wire->id = image->image.id;
            wire->flags |= image->image.flags;
        }
    }
    view_use_palette(view, wire);
    if (image->cacheable && can_enter && (hit == PIXMAP_MISS || hit == PIXMAP_HIT_LOSSY)) {
        bool lossy = image->job && encode_job_is_lossy(image->job);

        if (hit == PIXMAP_HIT_LOSSY && lossy)
            return; /* nothing would be gained */
        if (pixmap_cache_add(view->pixmaps, channel, wire->id, (uint64_t)wire->width * wire->height,
                             lossy, serial, evictions)) {
            wire->flags |= hit == PIXMAP_HIT_LOSSY ? SPICE_IMAGE_FLAGS_CACHE_REPLACE_ME
                                                   : SPICE_IMAGE_FLAGS_CACHE_ME;
        }
    }
}

/* The sub-messages that announce what has left the cache. */
static unsigned view_write_evictions(const PixmapEvictions *evictions, WireSubMessage *subs,
                                     WireBuffer *buffers)
{
    unsigned n = 0;

    if (evictions->n_waits > 0) {
        WireMsgWaitForChannels wait = {evictions->n_waits, evictions->waits};

        wire_write(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, SPICE_MSG_WAIT_FOR_CHANNELS, &wait,
                   &buffers[n]);
        subs[n].type = SPICE_MSG_WAIT_FOR_CHANNELS;
        subs[n].body = (WireBytes){buffers[n].data, buffers[n].size};
        n++;
    }
    if (evictions->n_ids > 0) {
        WireResourceId *ids = g_new0(WireResourceId, evictions->n_ids);
        WireMsgDisplayInvalList inval = {evictions->n_ids, ids};

        for (unsigned i = 0; i < evictions->n_ids; i++) {
            ids[i].type = SPICE_RES_TYPE_PIXMAP;
            ids[i].id = evictions->ids[i];
        }
        wire_write(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, SPICE_MSG_DISPLAY_INVAL_LIST, &inval,
                   &buffers[n]);
        subs[n].type = SPICE_MSG_DISPLAY_INVAL_LIST;
        subs[n].body = (WireBytes){buffers[n].data, buffers[n].size};
        n++;
        g_free(ids);
    }

    return n;
}

/* One message leaves, with all its images at hand. */
static void view_hand_over(View *view, Out *out)
{
    WireImage wires[OUT_MAX_IMAGES];
    Blob *blobs[4] = {NULL};
    unsigned n_blobs = 0, n_subs = 0;
    PixmapEvictions evictions = {0};
    WireSubMessage subs[2];
    WireBuffer buffers[2] = {{0}};
    uint64_t serial;
    OutBody *body;

    serial = channel_client_next_serial(&view->base);
    for (unsigned i = 0; i < out->n_images; i++) {
        OutImage *image = &out->images[i];

        view_finish_image(view, out, image, &wires[i], serial, &evictions);
        *image->slot = &wires[i];
        if (image->job) {
            if (encode_job_blob(image->job) && n_blobs < G_N_ELEMENTS(blobs))
                blobs[n_blobs++] = encode_job_blob(image->job);
        }
    }
    if (out->pixels)
        blobs[n_blobs++] = out->pixels;
    for (unsigned i = 0; out->drawable && i < out->drawable->n_blobs; i++)
        if (out->drawable->blobs[i] && n_blobs < G_N_ELEMENTS(blobs))
            blobs[n_blobs++] = out->drawable->blobs[i];

    if (evictions.n_ids > 0 || evictions.n_waits > 0)
        n_subs = view_write_evictions(&evictions, subs, buffers);
    /* Palettes that left, and a list of sub-messages, took serials of their own. */
    uint64_t last =
        channel_client_next_serial(&view->base) + (n_subs > 0 && view->base.mini_header ? 1 : 0);
    if (last != serial && view->pixmaps)
        pixmap_cache_renumber(view->pixmaps, view->views->config.channel_id, serial, last);

    body = out_body_new(SPICE_CHANNEL_DISPLAY, out->type, &out->message, blobs, n_blobs);
    if (body)
        channel_client_send_body(&view->base, out->type, body, subs, n_subs);
    else
        channel_client_close(&view->base, "a message of type %u can't be written", out->type);

    wire_buffer_clear(&buffers[0]);
    wire_buffer_clear(&buffers[1]);
    pixmap_evictions_clear(&evictions);
}

static bool out_is_coded(const Out *out)
{
    for (unsigned i = 0; i < out->n_images; i++)
        if (out->images[i].job && !encode_job_is_done(out->images[i].job))
            return false;
    return true;
}

/* It may go at once when nothing stands before it. */
static void view_queue_out(View *view, Out *out)
{
    if (!view->out_first && out_is_coded(out)) {
        if (!channel_client_is_closing(&view->base))
            view_hand_over(view, out);
        out_free(out);
        return;
    }

    if (view->out_last)
        view->out_last->next = out;
    else
        view->out_first = out;
    view->out_last = out;
    view->n_out++;
    view->out_cost += out->cost;
}

void view_pump(View *view)
{
    while (view->out_first && out_is_coded(view->out_first) &&
           !channel_client_is_closing(&view->base)) {
        Out *out = view->out_first;

        view_hand_over(view, out);
        view->out_first = out->next;
        if (!view->out_first)
            view->out_last = NULL;
        view->n_out--;
        view->out_cost -= out->cost;
        out_free(out);
    }
}

void view_send_now(View *view)
{
    view_pump(view);
    channel_client_flush(&view->base);
}

void view_drop_out(View *view)
{
    while (view->out_first) {
        Out *out = view->out_first;

        view->out_first = out->next;
        out_free(out);
    }
    view->out_last = NULL;
    view->n_out = 0;
    view->out_cost = 0;
}

/* ---- Messages ---- */

static Out *out_new(uint16_t type)
{
    Out *out = slice_new0(Out);

    out->type = type;

    return out;
}

bool view_send_drawable(View *view, Drawable *drawable)
{
    Out *out = out_new(drawable->message_type);
    bool lossy = false;

    out->drawable = drawable_ref(drawable);
    out->message.draw = drawable->message;
    view_add_images(view, out, drawable->target->id == 0);
    for (unsigned i = 0; i < drawable->n_blobs; i++)
        out->cost += drawable->blobs[i] ? (uint32_t)MIN(drawable->blobs[i]->size / 4, 1 << 20) : 0;
    for (unsigned i = 0; i < out->n_images; i++)
        lossy |= out_image_may_be_lossy(view, &out->images[i]);
    view_queue_out(view, out);

    return lossy;
}

void view_send_plain(View *view, uint16_t type)
{
    if (type == SPICE_MSG_DISPLAY_INVAL_ALL_PALETTES)
        palette_cache_reset(view->palettes);
    view_queue_out(view, out_new(type));
}

void view_send_create(ViewSurface *vs, bool primary)
{
    Out *out = out_new(SPICE_MSG_DISPLAY_SURFACE_CREATE);

    out->message.create = (WireMsgDisplaySurfaceCreate){
        .surface_id = vs->surface->id,
        .width = vs->surface->width,
        .height = vs->surface->height,
        .format = vs->surface->format,
        .flags = primary ? SPICE_SURFACE_FLAGS_PRIMARY : 0,
    };
    view_queue_out(vs->view, out);
}

void view_send_destroy(ViewSurface *vs)
{
    Out *out = out_new(SPICE_MSG_DISPLAY_SURFACE_DESTROY);

    out->message.destroy.surface_id = vs->surface->id;
    view_queue_out(vs->view, out);
}

void view_send_monitors(View *view)
{
    Out *out = out_new(SPICE_MSG_DISPLAY_MONITORS_CONFIG);
    const Views *views = view->views;

    /* The list may change before the message leaves: it has a copy behind itself. */
    out->message.monitors = views->monitors;
    out->owned = g_memdup2(views->heads, views->monitors.n_heads * sizeof(WireHead));
    out->message.monitors.heads = out->owned;
    view_queue_out(view, out);
}

static void view_set_base(WireDisplayBase *base, const ViewSurface *vs, const pixman_box32_t *box)
{
    base->surface_id = vs->surface->id;
    base->box = (WireRect){box->y1, box->x1, box->y2, box->x2};
    base->clip.type = SPICE_CLIP_TYPE_NONE;
}

void view_send_fill(ViewSurface *vs, const pixman_box32_t *box, uint32_t color)
{
    Out *out = out_new(SPICE_MSG_DISPLAY_DRAW_FILL);
    WireMsgDisplayDrawFill *fill = &out->message.draw.fill;

    view_set_base(&fill->base, vs, box);
    fill->brush.type = SPICE_BRUSH_TYPE_SOLID;
    fill->brush.u.color = color;
    fill->rop_descriptor = SPICE_ROPD_OP_PUT;
    view_queue_out(vs->view, out);
}

void view_send_move(ViewSurface *vs, const pixman_box32_t *box, int dx, int dy)
{
    Out *out = out_new(SPICE_MSG_DISPLAY_COPY_BITS);

    view_set_base(&out->message.draw.base, vs, box);
    out->message.draw.copy_bits.src_pos = (WirePoint){box->x1 - dx, box->y1 - dy};
    view_queue_out(vs->view, out);
}

/* May pixels of that size and place be remembered by the client? */
static bool view_caches_content(const View *view, const ViewSurface *vs, const EncodeSource *source)
{
    uint64_t pixels = (uint64_t)source->width * source->height;

    return view->content && pixels >= MIN_CONTENT && pixels <= MAX_CONTENT &&
           !pixman_region32_not_empty((pixman_region32_t *)(uintptr_t)&vs->initial);
}

/* DRAW_COPY of a picture, all of it, to the box. */
static Out *view_new_copy(ViewSurface *vs, const pixman_box32_t *box, const EncodeSource *source)
{
    Out *out = out_new(SPICE_MSG_DISPLAY_DRAW_COPY);
    WireMsgDisplayDrawCopy *copy = &out->message.draw.copy;
    OutImage *image = &out->images[out->n_images++];

    view_set_base(&copy->base, vs, box);
    copy->src_area = (WireRect){0, 0, (int)source->height, (int)source->width};
    copy->rop_descriptor = SPICE_ROPD_OP_PUT;
    image->slot = &copy->src_image;
    image->image = (WireImage){
        .id = source->id,
        .type = SPICE_IMAGE_TYPE_BITMAP,
        .flags = source->flags,
        .width = source->width,
        .height = source->height,
        .u.bitmap = {.format = source->format,
                     .flags = SPICE_BITMAP_FLAGS_TOP_DOWN,
                     .x = source->width,
                     .y = source->height,
                     .stride = source->stride,
                     .data = {source->pixels->data, (size_t)source->stride * source->height}},
    };

    return out;
}

bool view_send_cached(ViewSurface *vs, const pixman_box32_t *part, const pixman_box32_t *whole,
                      const EncodeSource *picture)
{
    Out *out = view_new_copy(vs, part, picture);
    OutImage *image = &out->images[0];

    out->message.draw.copy.src_area = (WireRect){part->y1 - whole->y1, part->x1 - whole->x1,
                                                 part->y2 - whole->y1, part->x2 - whole->x1};
    image->cacheable = true;
    view_look_up(vs->view, image);
    if (!image->from_cache) {
        out_free(out);
        return false;
    }
    out->pixels = blob_ref(picture->pixels);
    image->source = g_memdup2(picture, sizeof(*picture));
    blob_ref(image->source->pixels);
    view_queue_out(vs->view, out);

    return true;
}

bool view_send_pixels(ViewSurface *vs, const pixman_box32_t *box, bool lossy_ok, bool *lossy)
{
    View *view = vs->view;
    EncodeSource source = {0};
    uint8_t format, flags;
    uint32_t stride, color;
    bool xrgb = vs->surface->format == SPICE_SURFACE_FMT_32_xRGB, seen = false;
    Out *out;
    OutImage *image;

    *lossy = false;
    source.pixels = truth_copy_pixels(vs->surface, box, &format, &flags, &stride);
    if (!source.pixels)
        return false;

    source.flags = flags;
    source.format = format;
    source.top_down = true;
    source.width = (uint32_t)(box->x2 - box->x1);
    source.height = (uint32_t)(box->y2 - box->y1);
    source.stride = stride;
    source.lossy_allowed = lossy_ok && vs->surface->id == 0;
    source.glz_allowed = !pixman_region32_not_empty(&vs->initial);
    source.few_colors_allowed = xrgb && format == SPICE_BITMAP_FMT_32BIT;
    if (xrgb && vs->surface->id == 0 && encode_is_flat(&source, &color)) {
        view_send_fill(vs, box, color);
        blob_unref(source.pixels);
        return true;
    }
    source.id = view_caches_content(view, vs, &source)
                    ? content_cache_id(view->content, &source, &seen)
                    : new_image_id();

    if (!seen && !view->policy.jpeg)
        seen = view_backing_keep(vs, box, &source);

    out = view_new_copy(vs, box, &source);
    image = &out->images[0];
    image->lossy_ok = source.lossy_allowed;
    image->cacheable = seen;
    out->pixels = source.pixels;
    out->cost = (uint32_t)MIN((size_t)stride * source.height / 4, UINT32_MAX);
    view_prepare_image(view, image, &source);
    *lossy = out_image_may_be_lossy(view, image);
    view_queue_out(view, out);

    return true;
}
