/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images, palettes, brushes and masks of drawing commands. docs/spec/server-display.md 4.2 to 4.5
 */
#include <string.h>

#include <spice/enums.h>

#include "codec/quic.h"
#include "worker/intake-private.h"

/* What one command may make us copy. Larger images are for put drawings, which borrow. */
#define MAX_COPIED ((size_t)256 << 20)

/* Bits of a pixel by format. */
static const uint8_t format_bits[] = {
    [SPICE_BITMAP_FMT_1BIT_LE] = 1, [SPICE_BITMAP_FMT_1BIT_BE] = 1, [SPICE_BITMAP_FMT_4BIT_LE] = 4,
    [SPICE_BITMAP_FMT_4BIT_BE] = 4, [SPICE_BITMAP_FMT_8BIT] = 8,    [SPICE_BITMAP_FMT_16BIT] = 16,
    [SPICE_BITMAP_FMT_24BIT] = 24,  [SPICE_BITMAP_FMT_32BIT] = 32,  [SPICE_BITMAP_FMT_RGBA] = 32,
    [SPICE_BITMAP_FMT_8BIT_A] = 8,
};

static bool is_palette_format(uint8_t format)
{
    return format <= SPICE_BITMAP_FMT_8BIT;
}

static uint32_t widen_15(uint32_t color)
{
    uint32_t red = color >> 10 & 31, green = color >> 5 & 31, blue = color & 31;

    return (red << 3 | red >> 2) << 16 | (green << 3 | green >> 2) << 8 | (blue << 3 | blue >> 2);
}

void *intake_alloc(IntakeDraw *draw, size_t size)
{
    void *memory = wire_arena_alloc(&draw->drawable->arena, size);

    if (!memory)
        guest_problem(&draw->reader, "a command that needs too much memory");
    return memory;
}

/* Entries for every value that a pixel can have: clients look them up without checks. */
static const WirePalette *read_palette(IntakeDraw *draw, uint64_t address, unsigned int bits)
{
    uint32_t n = 1u << bits, have;
    QXLPalette head;
    WirePalette *palette;
    uint32_t *entries;

    if (!guest_read(&draw->reader, address, &head, sizeof head, "a palette isn't in a memory slot"))
        return NULL;
    have = MIN(head.num_ents, n);
    palette = intake_alloc(draw, sizeof *palette);
    entries = intake_alloc(draw, n * sizeof *entries);
    if (!palette || !entries)
        return NULL;
    /* The announced size has to be there, also what isn't used of it. */
    if (head.num_ents && !memslots_map(draw->reader.slots, draw->reader.group,
                                       address + sizeof head, head.num_ents * sizeof *entries)) {
        guest_problem(&draw->reader, "a palette isn't in a memory slot");
        return NULL;
    }
    memset(entries, 0, n * sizeof *entries);
    if (have && !guest_read(&draw->reader, address + sizeof head, entries, have * sizeof *entries,
                            "a palette isn't in a memory slot"))
        return NULL;
    if (draw->widen) {
        for (uint32_t i = 0; i < have; i++)
            entries[i] = widen_15(entries[i]);
    }
    *palette = (WirePalette){.unique = head.unique, .n_entries = n, .entries = entries};
    return palette;
}

/* Bytes of an image in memory of their own, which the drawing holds. */
static bool copy_data(IntakeDraw *draw, const GuestChunks *chunks, WireBytes *bytes)
{
    Drawable *drawable = draw->drawable;
    Blob *blob;

    if (chunks->size > MAX_COPIED || drawable->n_blobs >= G_N_ELEMENTS(drawable->blobs))
        return guest_problem(&draw->reader, "an image that is too large");
    blob = blob_new(chunks->size);
    if (!blob)
        return guest_problem(&draw->reader, "no memory for an image");
    drawable->blobs[drawable->n_blobs++] = blob;
    guest_chunks_copy(chunks, blob->data, chunks->size);
    *bytes = (WireBytes){blob->data, chunks->size};
    return true;
}

static bool borrow_data(IntakeDraw *draw, const GuestChunks *chunks)
{
    Drawable *drawable = draw->drawable;
    struct iovec *parts = intake_alloc(draw, chunks->n * sizeof *parts);

    if (!parts)
        return false;
    memcpy(parts, chunks->parts, chunks->n * sizeof *parts);
    drawable->borrowed = parts;
    drawable->n_borrowed = chunks->n;
    return true;
}

static bool is_exact(uint32_t surface_format, uint8_t format)
{
    switch (surface_format) {
    case SPICE_SURFACE_FMT_32_xRGB:
    case SPICE_SURFACE_FMT_32_ARGB:
        return format >= SPICE_BITMAP_FMT_16BIT && format <= SPICE_BITMAP_FMT_RGBA;
    case SPICE_SURFACE_FMT_16_555:
    case SPICE_SURFACE_FMT_16_565:
        return format == SPICE_BITMAP_FMT_16BIT;
    case SPICE_SURFACE_FMT_8_A:
        return format == SPICE_BITMAP_FMT_8BIT_A;
    default:
        return false;
    }
}

bool intake_image_is_exact(const IntakeDraw *draw, const WireImage *image)
{
    return image->type == SPICE_IMAGE_TYPE_BITMAP &&
           is_exact(draw->target->format, image->u.bitmap.format);
}

/* Formats that no renderer takes as colours there: deployed clients end their process over them. */
static bool is_usable(const IntakeDraw *draw, uint8_t format, IntakeRole role)
{
    if (role == INTAKE_MASK)
        return format == SPICE_BITMAP_FMT_1BIT_LE || format == SPICE_BITMAP_FMT_1BIT_BE;
    if (!is_palette_format(format))
        return true;
    if (format == SPICE_BITMAP_FMT_1BIT_LE || format == SPICE_BITMAP_FMT_4BIT_LE)
        return false;
    return draw->target->format == SPICE_SURFACE_FMT_32_xRGB ||
           draw->target->format == SPICE_SURFACE_FMT_32_ARGB ||
           draw->target->format == SPICE_SURFACE_FMT_16_555;
}

static bool read_bitmap(IntakeDraw *draw, const QXLImage *guest, IntakeRole role, bool borrow,
                        WireImage *image)
{
    const QXLBitmap *bitmap = &guest->bitmap;
    WireBitmap *wire = &image->u.bitmap;
    uint64_t size = (uint64_t)bitmap->stride * bitmap->y;
    GuestChunks chunks;
    unsigned int bits;
    bool ok;

    if (bitmap->format == 0 || bitmap->format >= G_N_ELEMENTS(format_bits))
        return guest_problem(&draw->reader, "a bitmap of unknown format");
    if (!is_usable(draw, bitmap->format, role))
        return guest_problem(&draw->reader, "a bitmap of a format that can't be used there");
    bits = format_bits[bitmap->format];
    if (bitmap->x == 0 || bitmap->y == 0)
        return guest_problem(&draw->reader, "an empty bitmap");
    if (bitmap->stride < ((uint64_t)bitmap->x * bits + 7) / 8)
        return guest_problem(&draw->reader, "a bitmap whose rows are longer than its stride");
    if (size > 0x7fffffff)
        return guest_problem(&draw->reader, "a bitmap of more than 2 GiB");
    *wire = (WireBitmap){.format = bitmap->format,
                         .flags = bitmap->flags & QXL_BITMAP_TOP_DOWN,
                         .x = bitmap->x,
                         .y = bitmap->y,
                         .stride = bitmap->stride};
    if (is_palette_format(bitmap->format) && role != INTAKE_MASK) {
        if (bitmap->palette == 0)
            return guest_problem(&draw->reader, "a bitmap without its palette");
        wire->palette = read_palette(draw, bitmap->palette, bits);
        if (!wire->palette)
            return false;
    }
    ok = bitmap->flags & QXL_BITMAP_DIRECT
             ? guest_chunks_direct(&draw->reader, bitmap->data, size, &chunks)
             : guest_chunks_read(&draw->reader, bitmap->data, size, &chunks);
    if (ok && chunks.size != size)
        ok = guest_problem(&draw->reader, "a bitmap with more or less data than its rows have");
    if (ok) {
        ok = borrow && size > INTAKE_COPIED_PIXELS && is_exact(draw->target->format, bitmap->format)
                 ? borrow_data(draw, &chunks)
                 : copy_data(draw, &chunks, &wire->data);
    }
    guest_chunks_clear(&chunks);
    if (!ok)
        return false;
    /* The descriptor's size is what caches count; a bitmap's own is what it takes. */
    image->width = bitmap->x;
    image->height = bitmap->y;
    return true;
}

static bool read_quic(IntakeDraw *draw, uint64_t address, const QXLImage *guest, IntakeRole role,
                      WireImage *image)
{
    GuestChunks chunks;
    CodecInfo info;
    bool ok;

    if (role == INTAKE_MASK)
        return guest_problem(&draw->reader, "a mask that isn't a bitmap");
    ok = guest_chunks_read(&draw->reader, address + offsetof(QXLImage, quic.data),
                           guest->quic.data_size, &chunks);
    if (ok && chunks.size != guest->quic.data_size)
        ok = guest_problem(&draw->reader, "a QUIC image with more or less data than announced");
    ok = ok && copy_data(draw, &chunks, &image->u.compressed);
    guest_chunks_clear(&chunks);
    if (!ok)
        return false;
    if (quic_read_header(image->u.compressed.data, image->u.compressed.size, &info) != CODEC_OK ||
        info.width != image->width || info.height != image->height)
        return guest_problem(&draw->reader, "a QUIC image with a bad header");
    return true;
}

static unsigned int depth(uint32_t surface_format)
{
    switch (surface_format) {
    case SPICE_SURFACE_FMT_1_A:
        return 1;
    case SPICE_SURFACE_FMT_8_A:
        return 8;
    case SPICE_SURFACE_FMT_16_555:
    case SPICE_SURFACE_FMT_16_565:
        return 16;
    default:
        return 32;
    }
}

static bool read_surface(IntakeDraw *draw, const QXLImage *guest, IntakeRole role, WireImage *image)
{
    uint32_t id = guest->surface_image.surface_id;
    Surface *surface = truth_surface(draw->truth, id);
    bool declared = surface == draw->target;

    if (role == INTAKE_MASK)
        return guest_problem(&draw->reader, "a mask that isn't a bitmap");
    if (!surface)
        return guest_problem(&draw->reader, "an image of a surface that doesn't exist");
    for (unsigned int i = 0; i < draw->n_declared; i++)
        declared = declared || draw->declared[i].surface == surface;
    if (!declared)
        return guest_problem(&draw->reader, "an image of a surface that wasn't declared");
    if (role != INTAKE_BLENDED && depth(surface->format) != depth(draw->target->format))
        return guest_problem(&draw->reader, "an image of a surface with another depth");
    image->u.surface.surface_id = id;
    image->flags = 0;
    image->width = surface->width;
    image->height = surface->height;
    return true;
}

WireImage *intake_image(IntakeDraw *draw, uint64_t address, IntakeRole role, bool borrow)
{
    QXLImage guest;
    WireImage *image;
    uint64_t pixels;
    bool ok;

    if (!guest_read(&draw->reader, address, &guest, sizeof guest,
                    "an image isn't in a memory slot"))
        return NULL;
    image = intake_alloc(draw, sizeof *image);
    if (!image)
        return NULL;
    *image = (WireImage){
        .id = guest.descriptor.id,
        .type = guest.descriptor.type,
        .flags =
            guest.descriptor.flags & (SPICE_IMAGE_FLAGS_CACHE_ME | SPICE_IMAGE_FLAGS_HIGH_BITS_SET),
        .width = guest.descriptor.width,
        .height = guest.descriptor.height,
    };
    switch (image->type) {
    case SPICE_IMAGE_TYPE_BITMAP:
        ok = read_bitmap(draw, &guest, role, borrow, image);
        break;
    case SPICE_IMAGE_TYPE_QUIC:
        ok = read_quic(draw, address, &guest, role, image);
        break;
    case SPICE_IMAGE_TYPE_SURFACE:
        ok = read_surface(draw, &guest, role, image);
        break;
    default:
        ok = guest_problem(&draw->reader, "an image of unknown type");
    }
    if (!ok)
        return NULL;
    pixels = (uint64_t)image->width * image->height;
    if (pixels == 0 || pixels >= (uint64_t)1 << 31)
        image->flags &= ~SPICE_IMAGE_FLAGS_CACHE_ME;
    return image;
}

void intake_image_size(const WireImage *image, uint32_t *width, uint32_t *height)
{
    *width = image->width;
    *height = image->height;
}

bool intake_brush(IntakeDraw *draw, const QXLBrush *guest, WireBrush *brush)
{
    *brush = (WireBrush){.type = guest->type};
    switch (guest->type) {
    case SPICE_BRUSH_TYPE_NONE:
        return true;
    case SPICE_BRUSH_TYPE_SOLID:
        brush->u.color = draw->widen ? widen_15(guest->u.color) : guest->u.color;
        return true;
    case SPICE_BRUSH_TYPE_PATTERN:
        brush->u.pattern.pos = (WirePoint){guest->u.pattern.pos.x, guest->u.pattern.pos.y};
        brush->u.pattern.image = intake_image(draw, guest->u.pattern.pat, INTAKE_BRUSH, false);
        if (!brush->u.pattern.image)
            return false;
        draw->drawable->image_only |=
            !intake_is_near(guest->u.pattern.pos.x, guest->u.pattern.pos.y);
        if (brush->u.pattern.image->type == SPICE_IMAGE_TYPE_SURFACE) {
            Surface *surface =
                truth_surface(draw->truth, brush->u.pattern.image->u.surface.surface_id);
            pixman_box32_t all = intake_surface_box(surface);

            return intake_reads(draw, surface, &all);
        }
        return true;
    default:
        return guest_problem(&draw->reader, "a brush of unknown type");
    }
}

bool intake_mask(IntakeDraw *draw, const QXLQMask *guest, WireQMask *mask)
{
    *mask = (WireQMask){0};
    if (guest->bitmap == 0 ||
        !memslots_map(draw->reader.slots, draw->reader.group, guest->bitmap, sizeof(QXLImage)))
        return true;
    mask->image = intake_image(draw, guest->bitmap, INTAKE_MASK, false);
    if (!mask->image)
        return false;
    mask->flags = guest->flags & SPICE_MASK_FLAGS_INVERS;
    mask->pos = (WirePoint){guest->pos.x, guest->pos.y};
    draw->drawable->image_only |= !intake_is_near(guest->pos.x, guest->pos.y);
    return true;
}
