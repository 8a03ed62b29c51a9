/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pointer shapes of the wire to pixels. See cursor-decode.h. */
#include <spice/enums.h>
#include "cursor-decode.h"

#define WHITE 0x00ffffff

typedef struct Shape {
    guint width, height;
    gsize n; /* pixels */
    const guint8 *data;
    gsize size;
} Shape;

static gboolean bit(const guint8 *bits, gsize index)
{
    return bits[index / 8] >> (7 - index % 8) & 1;
}

static guint32 read32(const guint8 *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (guint32)p[3] << 24;
}

static void put(guint8 *out, gsize index, guint32 rgb, guint8 alpha)
{
    out[4 * index] = rgb >> 16;
    out[4 * index + 1] = rgb >> 8;
    out[4 * index + 2] = rgb;
    out[4 * index + 3] = alpha;
}

/* Where the pointer would invert what is under it, a checkered grey is drawn. */
static void put_masked(guint8 *out, const Shape *s, gsize index, guint32 rgb, gboolean masked)
{
    guint x = index % s->width, y = index / s->width;

    if (!masked)
        put(out, index, rgb, 0xff);
    else if ((rgb & WHITE) != WHITE)
        put(out, index, rgb, 0);
    else if ((x ^ y) & 1)
        put(out, index, 0x303030, 0xc0);
    else
        put(out, index, 0x505050, 0x30);
}

/* --- types --- */

static gboolean decode_alpha(const Shape *s, guint8 *out)
{
    if (s->size < s->n * 4)
        return FALSE;
    for (gsize i = 0; i < s->n; i++)
        put(out, i, read32(s->data + 4 * i), s->data[4 * i + 3]);
    return TRUE;
}

/* An inverting pixel among the eight around one that is not on the edge. */
static gboolean touches_inverting(const Shape *s, const guint8 *xor_mask, gsize stride, guint x,
                                  guint y)
{
    for (gint dy = -1; dy <= 1; dy++)
        for (gint dx = -1; dx <= 1; dx++)
            if ((dx || dy) && bit(xor_mask + (y + dy) * stride, x + dx))
                return TRUE;
    return FALSE;
}

static gboolean decode_mono(const Shape *s, guint8 *out)
{
    gsize stride = (s->width + 7) / 8, plane = stride * s->height;
    const guint8 *and_mask = s->data, *xor_mask = s->data + plane;
    gboolean only_inverts = TRUE;

    if (s->size < plane * 2)
        return FALSE;
    for (gsize i = 0; i < plane; i++)
        only_inverts = only_inverts && and_mask[i] == 0xff;
    for (guint y = 0; y < s->height; y++) {
        for (guint x = 0; x < s->width; x++) {
            gboolean a = bit(and_mask + y * stride, x), b = bit(xor_mask + y * stride, x);
            gboolean inner = x > 0 && y > 0 && x + 1 < s->width && y + 1 < s->height;
            gsize index = (gsize)y * s->width + x;

            if (b)
                put(out, index, WHITE, 0xff);
            else if (!a || (only_inverts && inner && touches_inverting(s, xor_mask, stride, x, y)))
                put(out, index, 0, 0xff);
            else
                put(out, index, 0, 0);
        }
    }
    return TRUE;
}

static gboolean decode_color32(const Shape *s, guint8 *out)
{
    const guint8 *mask = s->data + s->n * 4;

    if (s->size < s->n * 4 + (s->n + 7) / 8)
        return FALSE;
    for (gsize i = 0; i < s->n; i++) {
        guint32 pixel = read32(s->data + 4 * i);

        put_masked(out, s, i, pixel, bit(mask, i));
        /* The fourth byte of a masked pixel is its alpha, unless it inverts. */
        if (bit(mask, i) && pixel != WHITE)
            put(out, i, pixel, pixel >> 24);
    }
    return TRUE;
}

static gboolean decode_color24(const Shape *s, guint8 *out)
{
    const guint8 *mask = s->data + s->n * 3;

    if (s->size < s->n * 3 + (s->n + 7) / 8)
        return FALSE;
    for (gsize i = 0; i < s->n; i++) {
        const guint8 *p = s->data + 3 * i;

        put_masked(out, s, i, p[0] | p[1] << 8 | p[2] << 16, bit(mask, i));
    }
    return TRUE;
}

static gboolean decode_color16(const Shape *s, guint8 *out)
{
    const guint8 *mask = s->data + s->n * 2;

    if (s->size < s->n * 2 + (s->n + 7) / 8)
        return FALSE;
    for (gsize i = 0; i < s->n; i++) {
        guint pixel = s->data[2 * i] | s->data[2 * i + 1] << 8;
        guint32 rgb = (pixel >> 10 & 31) << 19 | (pixel >> 5 & 31) << 11 | (pixel & 31) << 3;

        /* White is recognised before the bits are expanded: 0x1f becomes 0xf8. */
        put_masked(out, s, i, bit(mask, i) && (pixel & 0x7fff) == 0x7fff ? WHITE : rgb,
                   bit(mask, i));
    }
    return TRUE;
}

static gboolean decode_color8(const Shape *s, guint8 *out)
{
    const guint8 *palette = s->data + s->n, *mask = palette + 256 * 4;

    if (s->size < s->n + 256 * 4 + (s->n + 7) / 8)
        return FALSE;
    for (gsize i = 0; i < s->n; i++)
        put_masked(out, s, i, read32(palette + 4 * s->data[i]), bit(mask, i));
    return TRUE;
}

static gboolean decode_color4(const Shape *s, guint8 *out)
{
    gsize pixels = (gsize)(s->width + 1) / 2 * s->height;
    const guint8 *palette = s->data + pixels, *mask = palette + 16 * 4;

    if (s->size < pixels + 16 * 4 + (s->n + 7) / 8)
        return FALSE;
    for (gsize i = 0; i < s->n; i++) {
        guint index = i % 2 ? s->data[i / 2] & 15 : s->data[i / 2] >> 4;

        put_masked(out, s, i, read32(palette + 4 * index), bit(mask, i));
    }
    return TRUE;
}

guint8 *spice_cursor_decode(guint type, guint width, guint height, const guint8 *data, gsize size)
{
    static gboolean (*const decoders[])(const Shape *, guint8 *) = {
        [SPICE_CURSOR_TYPE_ALPHA] = decode_alpha,     [SPICE_CURSOR_TYPE_MONO] = decode_mono,
        [SPICE_CURSOR_TYPE_COLOR4] = decode_color4,   [SPICE_CURSOR_TYPE_COLOR8] = decode_color8,
        [SPICE_CURSOR_TYPE_COLOR16] = decode_color16, [SPICE_CURSOR_TYPE_COLOR24] = decode_color24,
        [SPICE_CURSOR_TYPE_COLOR32] = decode_color32,
    };
    Shape shape = {width, height, (gsize)width * height, data, size};
    guint8 *out;

    if (type >= G_N_ELEMENTS(decoders) || width < 1 || height < 1 || width > CURSOR_MAX_SIDE ||
        height > CURSOR_MAX_SIDE)
        return NULL;
    out = g_malloc(shape.n * 4);
    if (!decoders[type](&shape, out))
        g_clear_pointer(&out, g_free);
    return out;
}
