/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cursor shapes of the guest: type, size and data must fit, because clients trust them.
 * docs/spec/server-display.md 4.9, docs/spec/wire.md 13.1 */
#include "worker/cursor-shape.h"

#include <glib.h>
#include <spice/enums.h>
#include <spice/qxl_dev.h>
#include <string.h>

#define MAX_SIDE 1024
/* Of data; more than the largest shape needs is no shape. */
#define MAX_BYTES (16u << 20)

/* Bytes that a shape must have, and that it can have: rows of its mask may be padded or not. */
static bool shape_size(const QXLCursorHeader *head, size_t *least, size_t *most)
{
    size_t width = head->width, height = head->height, pixels = width * height;
    size_t padded = (width + 7) / 8 * height, packed = (pixels + 7) / 8, colors;

    switch (head->type) {
    case SPICE_CURSOR_TYPE_ALPHA:
        *least = *most = 4 * pixels;
        return true;
    case SPICE_CURSOR_TYPE_MONO:
        *least = *most = 2 * padded;
        return true;
    case SPICE_CURSOR_TYPE_COLOR4:
        *least = (pixels + 1) / 2 + 64 + packed;
        *most = (width + 1) / 2 * height + 64 + padded;
        return true;
    case SPICE_CURSOR_TYPE_COLOR8:
        colors = pixels + 1024;
        break;
    case SPICE_CURSOR_TYPE_COLOR16:
        colors = 2 * pixels;
        break;
    case SPICE_CURSOR_TYPE_COLOR24:
        colors = 3 * pixels;
        break;
    case SPICE_CURSOR_TYPE_COLOR32:
        colors = 4 * pixels;
        break;
    default:
        return false;
    }
    *least = colors + packed;
    *most = colors + padded;
    return true;
}

static uint32_t hash_of(const QXLCursorHeader *head, const uint8_t *data, size_t size)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < sizeof *head; i++)
        hash = (hash ^ ((const uint8_t *)head)[i]) * 16777619u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ data[i]) * 16777619u;
    return hash;
}

static CursorShape *copy_shape(GuestReader *reader, const QXLCursorHeader *head, uint64_t address,
                               uint32_t announced, size_t least, size_t most)
{
    CursorShape *shape = NULL;
    GuestChunks chunks;
    size_t size;

    if (!guest_chunks_read(reader, address, MAX_BYTES, &chunks))
        goto out;
    size = MIN(MIN(announced, chunks.size), most);
    if (size < least) {
        guest_problem(reader, "a cursor with less data than its size needs");
        goto out;
    }
    shape = g_try_malloc(sizeof *shape + size);
    if (!shape) {
        guest_problem(reader, "no memory for a cursor");
        goto out;
    }
    guest_chunks_copy(&chunks, shape->data, size);
    shape->wire = (WireCursor){
        .unique = head->unique,
        .type = head->type,
        .width = head->width,
        .height = head->height,
        .hot_spot_x = MIN(head->hot_spot_x, head->width - 1),
        .hot_spot_y = MIN(head->hot_spot_y, head->height - 1),
        .data = {shape->data, size},
    };
    shape->hash = hash_of(head, shape->data, size);
out:
    guest_chunks_clear(&chunks);
    return shape;
}

CursorShape *cursor_shape_read(GuestReader *reader, uint64_t address)
{
    size_t least, most;
    QXLCursor guest;

    if (!guest_read(reader, address, &guest, sizeof guest, "a cursor isn't in a memory slot"))
        return NULL;
    if (guest.header.width == 0 || guest.header.height == 0 || guest.header.width > MAX_SIDE ||
        guest.header.height > MAX_SIDE)
        guest_problem(reader, "a cursor of impossible size");
    else if (!shape_size(&guest.header, &least, &most))
        guest_problem(reader, "a cursor of unknown type");
    else
        return copy_shape(reader, &guest.header, address + offsetof(QXLCursor, chunk),
                          guest.data_size, least, most);
    return NULL;
}
