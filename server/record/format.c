/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bodies of commands and events in a recording; tokens and memory are in tokens.c. */
#include "record/format.h"
#include "record/tokens.h"

#include <glib.h>
#include <spice.h>
#include <string.h>

/* Links of a chunk list that are followed, and the longest message: limits of the device. */
enum { MAX_CHUNKS = 2097151, MAX_MESSAGE = 100000 };
enum { TRANSFORM_SIZE = 24 };

/* A number of 1, 2 or 4 bytes, or of 8: `field` is written, or set to what was read. */
#define FIELD(record, key, field) \
    ((field) = (__typeof__(field))record_number((record), (key), (int64_t)(field), sizeof(field)))
#define FIELD64(record, key, field) ((field) = record_number64((record), (key), (field)))

static void rect(Record *record, const char *name, QXLRect *area)
{
    int32_t numbers[4] = {area->top, area->left, area->bottom, area->right};

    record_numbers(record, "rect", name, numbers, 4);
    *area =
        (QXLRect){.top = numbers[0], .left = numbers[1], .bottom = numbers[2], .right = numbers[3]};
}

static QXLPoint point(Record *record, QXLPoint at)
{
    int32_t numbers[2] = {at.x, at.y};

    record_numbers(record, "point", NULL, numbers, 2);
    return (QXLPoint){.x = numbers[0], .y = numbers[1]};
}

static QXLPoint16 point16(Record *record, const char *key, QXLPoint16 at)
{
    int32_t numbers[2] = {at.x, at.y};

    record_numbers(record, key, NULL, numbers, 2);
    if (numbers[0] != (int16_t)numbers[0] || numbers[1] != (int16_t)numbers[1])
        record_fail(record, "a coordinate is out of range");
    return (QXLPoint16){.x = (int16_t)numbers[0], .y = (int16_t)numbers[1]};
}

/* Copy a structure out of the guest, once. */
static bool fetch(Record *record, void *copy, QXLPHYSICAL address, size_t size)
{
    const void *there;

    memset(copy, 0, size);
    if (!record_ok(record))
        return false;
    there = record->memory->map(record->memory->context, address, record->group, size);
    if (!there) {
        record_fail(record, "an address is outside of the guest's memory");
        return false;
    }
    memcpy(copy, there, size);
    return true;
}

static uint32_t widen_15_bit(uint32_t colour)
{
    uint32_t wide = 0;

    for (int shift = 0; shift < 15; shift += 5) {
        uint32_t part = colour >> shift & 31;

        wide |= (part << 3 | part >> 2) << (shift / 5 * 8);
    }
    return wide;
}

/* ---- chunks ------------------------------------------------------------------------------- */

typedef struct {
    QXLPHYSICAL data;
    uint32_t size;
} Chunk;

static void write_chunks(Record *record, const char *name, QXLPHYSICAL address)
{
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(Chunk));
    uint64_t total = 0;
    QXLDataChunk header;

    do {
        if (!fetch(record, &header, address, sizeof header))
            return;
        Chunk chunk = {.data = address + sizeof header, .size = header.data_size};

        g_array_append_val(list, chunk);
        total += chunk.size;
        address = header.next_chunk;
        if (list->len > MAX_CHUNKS || total > RECORD_MEMORY_LIMIT) {
            record_fail(record, "a chunk list is too long");
            return;
        }
    } while (address);
    record_print(record, "data_chunks %u %u\n", list->len - 1, (uint32_t)total);
    for (guint i = 0; i < list->len; i++) {
        const Chunk *chunk = &g_array_index(list, Chunk, i);

        record_write_binary(record, name, chunk->data, chunk->size);
    }
}

/* A new chunk list, whose first chunk is behind `prefix` zero bytes: the structure it belongs to.
 */
static uint8_t *read_chunks(Record *record, const char *name, size_t prefix, size_t at_least)
{
    uint32_t more = record_read_number(record, "data_chunks");
    uint8_t *first = NULL, *previous = NULL;

    record_read_number(record, NULL); /* the total */
    if (more >= MAX_CHUNKS)
        record_fail(record, "a chunk list is too long");
    for (uint64_t i = 0; i <= more && record_ok(record); i++) {
        size_t before = i ? 0 : prefix, size = 0;
        uint8_t *block = record_read_binary(record, name, before + sizeof(QXLDataChunk),
                                            i ? 0 : at_least, &size);

        if (!block)
            return NULL;
        QXLDataChunk *chunk = (QXLDataChunk *)(block + before);

        chunk->data_size = (uint32_t)size;
        chunk->prev_chunk = (uintptr_t)previous;
        if (previous)
            ((QXLDataChunk *)previous)->next_chunk = (uintptr_t)chunk;
        else
            first = block;
        previous = (uint8_t *)chunk;
    }
    return record_ok(record) ? first : NULL;
}

/* Chunks that stand alone: the list's own address goes in and comes out. */
static QXLPHYSICAL chunks(Record *record, const char *name, QXLPHYSICAL address)
{
    if (!record->writing)
        return (uintptr_t)read_chunks(record, name, 0, 0);
    write_chunks(record, name, address);
    return address;
}

/* ---- parts of drawables ------------------------------------------------------------------- */

static QXLPHYSICAL palette(Record *record, QXLPHYSICAL address)
{
    uint32_t present = address != 0;
    QXLPalette head = {0};
    QXLPalette *made = NULL;

    FIELD(record, "has_palette", present);
    if (!present)
        return 0;
    if (record->writing)
        fetch(record, &head, address, sizeof head);
    FIELD(record, "qp.num_ents", head.num_ents);
    FIELD64(record, "unique", head.unique);
    if (!record->writing) {
        made = record_new_block(record, sizeof head + head.num_ents * sizeof(uint32_t));
        if (!made)
            return 0;
        *made = head;
    }
    for (uint32_t i = 0; i < head.num_ents && record_ok(record); i++) {
        uint32_t colour = 0;

        if (record->writing)
            fetch(record, &colour, address + sizeof head + i * sizeof colour, sizeof colour);
        if (record->colours_15_bit)
            colour = widen_15_bit(colour);
        FIELD(record, "ents", colour);
        if (made)
            made->ents[i] = colour;
    }
    return record->writing ? address : (uintptr_t)made;
}

static void bitmap(Record *record, QXLBitmap *bits)
{
    size_t size;

    FIELD(record, "bitmap.format", bits->format);
    FIELD(record, "bitmap.flags", bits->flags);
    FIELD(record, "bitmap.x", bits->x);
    FIELD(record, "bitmap.y", bits->y);
    FIELD(record, "bitmap.stride", bits->stride);
    bits->palette = palette(record, bits->palette);
    if (!(bits->flags & QXL_BITMAP_DIRECT)) {
        bits->data = chunks(record, "bitmap.data", bits->data);
        return;
    }
    size = (size_t)bits->stride * bits->y;
    bits->data = record_binary(record, "image_data_flat", bits->data, size);
}

static QXLPHYSICAL image(Record *record, QXLPHYSICAL address)
{
    const size_t quic_head = offsetof(QXLImage, quic.data);
    uint32_t present = address != 0;
    QXLImage head = {0};
    QXLImage *made = NULL;

    FIELD(record, "image", present);
    if (!present || !record_ok(record))
        return 0;
    if (record->writing)
        fetch(record, &head.descriptor, address, sizeof head.descriptor);
    FIELD64(record, "descriptor.id", head.descriptor.id);
    FIELD(record, "descriptor.type", head.descriptor.type);
    FIELD(record, "descriptor.flags", head.descriptor.flags);
    FIELD(record, "descriptor.width", head.descriptor.width);
    FIELD(record, "descriptor.height", head.descriptor.height);
    switch (head.descriptor.type) {
    case SPICE_IMAGE_TYPE_BITMAP:
        if (record->writing)
            fetch(record, &head.bitmap, address + offsetof(QXLImage, bitmap), sizeof head.bitmap);
        bitmap(record, &head.bitmap);
        break;
    case SPICE_IMAGE_TYPE_SURFACE:
        if (record->writing)
            fetch(record, &head.surface_image, address + offsetof(QXLImage, surface_image),
                  sizeof head.surface_image);
        FIELD(record, "surface_image.surface_id", head.surface_image.surface_id);
        if (!record->writing)
            head.surface_image.surface_id =
                record->map_surface(record->map_context, head.surface_image.surface_id);
        break;
    case SPICE_IMAGE_TYPE_QUIC:
        if (record->writing)
            fetch(record, &head.quic, address + offsetof(QXLImage, quic), sizeof head.quic);
        FIELD(record, "quic.data_size", head.quic.data_size);
        if (record->writing)
            write_chunks(record, "quic.data", address + quic_head);
        else /* servers look at a whole QXLImage, whatever its type */
            made = (QXLImage *)read_chunks(record, "quic.data", quic_head, sizeof head);
        if (made)
            memcpy(made, &head, quic_head);
        return record->writing ? address : (uintptr_t)made;
    default:
        record_fail(record, "an image has an unknown type");
    }
    if (record->writing)
        return address;
    made = record_new_block(record, sizeof head);
    if (made)
        *made = head;
    return (uintptr_t)made;
}

static void brush(Record *record, QXLBrush *fill)
{
    FIELD(record, "type", fill->type);
    if (fill->type == SPICE_BRUSH_TYPE_SOLID) {
        if (record->colours_15_bit)
            fill->u.color = widen_15_bit(fill->u.color);
        FIELD(record, "u.color", fill->u.color);
    } else if (fill->type == SPICE_BRUSH_TYPE_PATTERN) {
        fill->u.pattern.pat = image(record, fill->u.pattern.pat);
        fill->u.pattern.pos = point(record, fill->u.pattern.pos);
    }
}

static void mask(Record *record, QXLQMask *of)
{
    FIELD(record, "flags", of->flags);
    of->pos = point(record, of->pos);
    of->bitmap = image(record, of->bitmap);
}

/* A structure that is a few numbers in front of an inline chunk list. */
static QXLPHYSICAL chunks_behind(Record *record, const char *name, QXLPHYSICAL address,
                                 const void *head, size_t head_size)
{
    if (record->writing) {
        write_chunks(record, name, address + head_size);
        return address;
    }
    uint8_t *made = read_chunks(record, name, head_size, 0);

    if (made)
        memcpy(made, head, head_size);
    return (uintptr_t)made;
}

static void clip(Record *record, QXLClip *of)
{
    FIELD(record, "type", of->type);
    if (of->type != SPICE_CLIP_TYPE_RECTS)
        return;
    QXLClipRects head = {0};

    if (record->writing)
        fetch(record, &head.num_rects, of->data, sizeof head.num_rects);
    FIELD(record, "num_rects", head.num_rects);
    of->data = chunks_behind(record, "clip_rects", of->data, &head, offsetof(QXLClipRects, chunk));
}

static QXLPHYSICAL path(Record *record, QXLPHYSICAL address)
{
    QXLPath head = {0}; /* its data_size is not recorded, and nobody reads it */

    return chunks_behind(record, "path", address, &head, offsetof(QXLPath, chunk));
}

static QXLPHYSICAL string(Record *record, QXLPHYSICAL address)
{
    QXLString head = {0};

    if (record->writing)
        fetch(record, &head, address, offsetof(QXLString, chunk));
    FIELD(record, "data_size", head.data_size);
    FIELD(record, "length", head.length);
    FIELD(record, "flags", head.flags);
    return chunks_behind(record, "string", address, &head, offsetof(QXLString, chunk));
}

static QXLPHYSICAL transform(Record *record, const char *key, QXLPHYSICAL address)
{
    uint32_t present = address != 0;

    FIELD(record, key, present);
    return present ? record_binary(record, "transform", address, TRANSFORM_SIZE) : 0;
}

static void composite(Record *record, QXLComposite *of)
{
    uint32_t has_mask;

    FIELD(record, "flags", of->flags);
    of->src = image(record, of->src);
    of->src_transform = transform(record, "src_transform", of->src_transform);
    has_mask = of->mask != 0;
    FIELD(record, "mask", has_mask);
    of->mask = has_mask ? image(record, of->mask) : 0;
    of->mask_transform = transform(record, "mask_transform", of->mask_transform);
    of->src_origin = point16(record, "src_origin", of->src_origin);
    of->mask_origin = point16(record, "mask_origin", of->mask_origin);
}

static void stroke(Record *record, QXLStroke *of)
{
    of->path = path(record, of->path);
    FIELD(record, "attr.flags", of->attr.flags);
    if (of->attr.flags & SPICE_LINE_FLAGS_STYLED) {
        FIELD(record, "attr.style_nseg", of->attr.style_nseg);
        of->attr.style =
            record_binary(record, "style", of->attr.style, of->attr.style_nseg * sizeof(QXLFIXED));
    }
    brush(record, &of->brush);
    FIELD(record, "fore_mode", of->fore_mode);
    FIELD(record, "back_mode", of->back_mode);
}

/* The union of a drawable, by its type. */
static void drawing(Record *record, QXLDrawable *of)
{
    switch (of->type) {
    case QXL_DRAW_NOP:
        break;
    case QXL_DRAW_FILL:
        brush(record, &of->u.fill.brush);
        FIELD(record, "rop_descriptor", of->u.fill.rop_descriptor);
        mask(record, &of->u.fill.mask);
        break;
    case QXL_DRAW_OPAQUE:
        of->u.opaque.src_bitmap = image(record, of->u.opaque.src_bitmap);
        rect(record, "src_area", &of->u.opaque.src_area);
        brush(record, &of->u.opaque.brush);
        FIELD(record, "rop_descriptor", of->u.opaque.rop_descriptor);
        FIELD(record, "scale_mode", of->u.opaque.scale_mode);
        mask(record, &of->u.opaque.mask);
        break;
    case QXL_DRAW_COPY:
    case QXL_DRAW_BLEND:
        of->u.copy.src_bitmap = image(record, of->u.copy.src_bitmap);
        rect(record, "src_area", &of->u.copy.src_area);
        FIELD(record, "rop_descriptor", of->u.copy.rop_descriptor);
        FIELD(record, "scale_mode", of->u.copy.scale_mode);
        mask(record, &of->u.copy.mask);
        break;
    case QXL_COPY_BITS:
        of->u.copy_bits.src_pos = point(record, of->u.copy_bits.src_pos);
        break;
    case QXL_DRAW_BLACKNESS:
    case QXL_DRAW_WHITENESS:
    case QXL_DRAW_INVERS:
        mask(record, &of->u.blackness.mask);
        break;
    case QXL_DRAW_ROP3:
        of->u.rop3.src_bitmap = image(record, of->u.rop3.src_bitmap);
        rect(record, "src_area", &of->u.rop3.src_area);
        brush(record, &of->u.rop3.brush);
        FIELD(record, "rop3", of->u.rop3.rop3);
        FIELD(record, "scale_mode", of->u.rop3.scale_mode);
        mask(record, &of->u.rop3.mask);
        break;
    case QXL_DRAW_STROKE:
        stroke(record, &of->u.stroke);
        break;
    case QXL_DRAW_TEXT:
        of->u.text.str = string(record, of->u.text.str);
        rect(record, "back_area", &of->u.text.back_area);
        brush(record, &of->u.text.fore_brush);
        brush(record, &of->u.text.back_brush);
        FIELD(record, "fore_mode", of->u.text.fore_mode);
        FIELD(record, "back_mode", of->u.text.back_mode);
        break;
    case QXL_DRAW_TRANSPARENT:
        of->u.transparent.src_bitmap = image(record, of->u.transparent.src_bitmap);
        rect(record, "src_area", &of->u.transparent.src_area);
        FIELD(record, "src_color", of->u.transparent.src_color);
        FIELD(record, "true_color", of->u.transparent.true_color);
        break;
    case QXL_DRAW_ALPHA_BLEND:
        FIELD(record, "alpha_flags", of->u.alpha_blend.alpha_flags);
        FIELD(record, "alpha", of->u.alpha_blend.alpha);
        of->u.alpha_blend.src_bitmap = image(record, of->u.alpha_blend.src_bitmap);
        rect(record, "src_area", &of->u.alpha_blend.src_area);
        break;
    case QXL_DRAW_COMPOSITE:
        composite(record, &of->u.composite);
        break;
    default:
        record_fail(record, "a drawable has an unknown type");
    }
}

/* ---- commands ----------------------------------------------------------------------------- */

/* The first generation's drawable in today's layout (docs/spec/server-display.md 4.10). */
static QXLDrawable from_compat(const QXLCompatDrawable *old)
{
    QXLDrawable made = {
        .effect = old->effect,
        .type = old->type,
        .self_bitmap = old->bitmap_offset != 0,
        .self_bitmap_area = old->bitmap_area,
        .bbox = old->bbox,
        .clip = old->clip,
        .mm_time = old->mm_time,
        .surfaces_dest = {-1, -1, -1},
    };

    G_STATIC_ASSERT(sizeof old->u <= sizeof made.u);
    if (old->type == QXL_DRAW_ALPHA_BLEND) {
        made.u.alpha_blend.alpha = old->u.alpha_blend.alpha;
        made.u.alpha_blend.src_bitmap = old->u.alpha_blend.src_bitmap;
        made.u.alpha_blend.src_area = old->u.alpha_blend.src_area;
        return made;
    }
    memcpy(&made.u, &old->u, sizeof old->u);
    if (old->type == QXL_COPY_BITS) {
        QXLPoint from = old->u.copy_bits.src_pos;
        /* unsigned: a guest's numbers may be anything */
        uint32_t width = (uint32_t)old->bbox.right - (uint32_t)old->bbox.left;
        uint32_t height = (uint32_t)old->bbox.bottom - (uint32_t)old->bbox.top;

        made.surfaces_dest[0] = 0;
        made.surfaces_rects[0] = (QXLRect){.top = from.y,
                                           .left = from.x,
                                           .bottom = (int32_t)((uint32_t)from.y + height),
                                           .right = (int32_t)((uint32_t)from.x + width)};
    }
    return made;
}

static uint32_t surface_number(Record *record, uint32_t id)
{
    return record->writing ? id : record->map_surface(record->map_context, id);
}

static void drawable(Record *record, QXLDrawable *of)
{
    record_word(record, "drawable");
    rect(record, "bbox", &of->bbox);
    clip(record, &of->clip);
    FIELD(record, "effect", of->effect);
    FIELD(record, "mm_time", of->mm_time);
    FIELD(record, "self_bitmap", of->self_bitmap);
    rect(record, "self_bitmap_area", &of->self_bitmap_area);
    FIELD(record, "surface_id", of->surface_id);
    of->surface_id = surface_number(record, of->surface_id);
    for (int i = 0; i < 3; i++) {
        FIELD(record, "surfaces_dest", of->surfaces_dest[i]);
        if (of->surfaces_dest[i] != -1)
            of->surfaces_dest[i] = (int32_t)surface_number(record, of->surfaces_dest[i]);
        rect(record, "surfaces_rects", &of->surfaces_rects[i]);
    }
    FIELD(record, "type", of->type);
    if (record_ok(record))
        drawing(record, of);
}

static void update(Record *record, QXLUpdateCmd *of)
{
    record_word(record, "update");
    rect(record, "area", &of->area);
    FIELD(record, "update_id", of->update_id);
    FIELD(record, "surface_id", of->surface_id);
    of->surface_id = surface_number(record, of->surface_id);
}

static QXLPHYSICAL cursor_shape(Record *record, QXLPHYSICAL address)
{
    QXLCursor head = {0};

    if (record->writing)
        fetch(record, &head, address, offsetof(QXLCursor, chunk));
    FIELD64(record, "header.unique", head.header.unique);
    FIELD(record, "header.type", head.header.type);
    FIELD(record, "header.width", head.header.width);
    FIELD(record, "header.height", head.header.height);
    FIELD(record, "header.hot_spot_x", head.header.hot_spot_x);
    FIELD(record, "header.hot_spot_y", head.header.hot_spot_y);
    FIELD(record, "data_size", head.data_size);
    return chunks_behind(record, "cursor", address, &head, offsetof(QXLCursor, chunk));
}

static void cursor(Record *record, QXLCursorCmd *of)
{
    record_word(record, "cursor_cmd");
    FIELD(record, "type", of->type);
    switch (of->type) {
    case QXL_CURSOR_SET:
        of->u.set.position = point16(record, "point16", of->u.set.position);
        FIELD(record, "u.set.visible", of->u.set.visible);
        of->u.set.shape = cursor_shape(record, of->u.set.shape);
        break;
    case QXL_CURSOR_MOVE:
        of->u.position = point16(record, "point16", of->u.position);
        break;
    case QXL_CURSOR_TRAIL:
        FIELD(record, "u.trail.length", of->u.trail.length);
        FIELD(record, "u.trail.frequency", of->u.trail.frequency);
        break;
    case QXL_CURSOR_HIDE:
        break;
    default:
        record_fail(record, "a cursor command has an unknown type");
    }
}

/* Bytes of a surface; an error and 0 when they are more than a device may have. */
static size_t surface_size(Record *record, int32_t stride, uint32_t height)
{
    uint64_t size = (uint64_t)(stride < 0 ? -(int64_t)stride : stride) * height;

    if (size > INT32_MAX) {
        record_fail(record, "a surface is too large");
        return 0;
    }
    return size;
}

static void surface(Record *record, QXLSurfaceCmd *of)
{
    QXLSurface *create = &of->u.surface_create;

    record_word(record, "surface_cmd");
    FIELD(record, "surface_id", of->surface_id);
    FIELD(record, "type", of->type);
    FIELD(record, "flags", of->flags);
    if (of->type != QXL_SURFACE_CMD_CREATE || !record_ok(record))
        return;
    FIELD(record, "u.surface_create.format", create->format);
    FIELD(record, "u.surface_create.width", create->width);
    FIELD(record, "u.surface_create.height", create->height);
    FIELD(record, "u.surface_create.stride", create->stride);
    size_t size = surface_size(record, create->stride, create->height);

    if (of->flags & QXL_SURF_FLAG_KEEP_DATA)
        create->data = record_binary(record, "data", create->data, size);
    else if (!record->writing)
        create->data = (uintptr_t)record_new_block(record, size);
}

/* The text of a guest's message, which has no length: up to the NUL. */
static void write_message(Record *record, QXLPHYSICAL address)
{
    g_autofree char *text = g_malloc(MAX_MESSAGE);
    size_t size = 0;

    while (record_ok(record) && size < MAX_MESSAGE) {
        if (!fetch(record, text + size, address + offsetof(QXLMessage, data) + size, 1))
            return;
        if (text[size] == 0) {
            record_print(record, "binary 0 message %zu:", size);
            record_append(record, text, size);
            record_append(record, "\n", 1);
            return;
        }
        size++;
    }
    record_fail(record, "a message doesn't end");
}

static QXLPHYSICAL read_message(Record *record)
{
    size_t size;
    uint8_t *made = record_read_binary(record, "message", offsetof(QXLMessage, data), 0, &size);

    if (size >= MAX_MESSAGE)
        record_fail(record, "a message is too long");
    return (uintptr_t)made; /* the zero byte at the end is the text's NUL */
}

QXLPHYSICAL record_command(Record *record, uint32_t type, QXLPHYSICAL address, bool compat)
{
    union {
        QXLDrawable drawable;
        QXLUpdateCmd update;
        QXLCursorCmd cursor;
        QXLSurfaceCmd surface;
    } copy = {0};
    size_t size = 0;

    switch (type) {
    case QXL_CMD_DRAW:
        size = sizeof copy.drawable;
        if (record->writing && compat) {
            QXLCompatDrawable old;

            if (fetch(record, &old, address, sizeof old))
                copy.drawable = from_compat(&old);
        } else if (record->writing) {
            fetch(record, &copy.drawable, address, size);
        }
        drawable(record, &copy.drawable);
        break;
    case QXL_CMD_UPDATE:
        size = sizeof copy.update;
        if (record->writing)
            fetch(record, &copy.update, address, size);
        update(record, &copy.update);
        break;
    case QXL_CMD_CURSOR:
        size = sizeof copy.cursor;
        if (record->writing)
            fetch(record, &copy.cursor, address, size);
        cursor(record, &copy.cursor);
        break;
    case QXL_CMD_SURFACE:
        size = sizeof copy.surface;
        if (record->writing)
            fetch(record, &copy.surface, address, size);
        surface(record, &copy.surface);
        break;
    case QXL_CMD_MESSAGE:
        if (record->writing) {
            write_message(record, address);
            return address;
        }
        return read_message(record);
    default:
        if (record->writing)
            record_fail(record, "a command has an unknown type");
        return 0;
    }
    if (record->writing)
        return address;
    void *made = record_new_block(record, size);

    if (made)
        memcpy(made, &copy, size);
    return (uintptr_t)made;
}

void record_primary(Record *record, QXLDevSurfaceCreate *create, const uint8_t **data)
{
    /* two lines of four numbers */
    int32_t shape[4] = {(int32_t)create->width, (int32_t)create->height, create->stride,
                        (int32_t)create->format};
    int32_t rest[4] = {(int32_t)create->position, (int32_t)create->mouse_mode,
                       (int32_t)create->flags, (int32_t)create->type};
    size_t size, got = 0;

    if (!record->writing && record_next_is(record, "event")) {
        *data = NULL;
        return;
    }
    record_numbers(record, NULL, NULL, shape, 4);
    record_numbers(record, NULL, NULL, rest, 4);
    *create = (QXLDevSurfaceCreate){.width = (uint32_t)shape[0],
                                    .height = (uint32_t)shape[1],
                                    .stride = shape[2],
                                    .format = (uint32_t)shape[3],
                                    .position = (uint32_t)rest[0],
                                    .mouse_mode = (uint32_t)rest[1],
                                    .flags = (uint32_t)rest[2],
                                    .type = (uint32_t)rest[3]};
    size = surface_size(record, create->stride, create->height);
    if (record->writing) {
        record_print(record, "binary 0 data %zu:", size);
        record_append(record, *data, size);
        record_append(record, "\n", 1);
        return;
    }
    *data = record_read_binary(record, "data", 0, 0, &got);
    if (record_ok(record) && got == 0)
        *data = NULL; /* another way to say that it was rejected */
    else if (got != size)
        record_fail(record, "the primary surface's data have the wrong size");
}
