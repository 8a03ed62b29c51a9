/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The GLZ decoder: header and token passes of docs/spec/lz.md 4.1 and 4.2, into an image of the
 * window. */
#include "codec/glz-private.h"
#include "codec/lz.h"
#include "codec/lz-private.h"

/* Images that a decode holds on to: another thread may drop them from the window meanwhile. */
#define HELD 32

typedef struct Source {
    GlzWindow *window;
    uint64_t generation;
    const GlzInfo *info;
    GlzImage *held[HELD]; /* by the low bits of the id */
    uint64_t missing;
} Source;

CodecResult glz_read_header(const uint8_t *data, size_t size, GlzInfo *info)
{
    if (size < GLZ_HEADER_SIZE)
        return CODEC_TRUNCATED;
    if (lz_read_be32(data) != LZ_MAGIC || lz_read_be32(data + 4) != LZ_VERSION)
        return CODEC_BAD_HEADER;

    uint32_t type = data[8] & 15;
    uint32_t width = lz_read_be32(data + 9), height = lz_read_be32(data + 13);
    uint64_t id = (uint64_t)lz_read_be32(data + 21) << 32 | lz_read_be32(data + 25);
    uint32_t head_distance = lz_read_be32(data + 29);
    size_t row;

    if (type < LZ_TYPE_RGB16 || type > LZ_TYPE_RGBA || !width || !height || head_distance > id)
        return CODEC_BAD_HEADER;

    CodecFormat format = lz_format_of_type(type);
    if (!codec_row_size(format, width, &row))
        return CODEC_TOO_LARGE;
    if (lz_read_be32(data + 17) != row)
        return CODEC_BAD_HEADER;

    uint64_t units = (uint64_t)width * height;
    if (units > LZ_MAX_PIXELS || units > SIZE_MAX / 8)
        return CODEC_TOO_LARGE;
    if ((type == LZ_TYPE_RGBA ? 2 * units : units) >
        (uint64_t)LZ_MAX_EXPANSION * (size - GLZ_HEADER_SIZE))
        return CODEC_TRUNCATED;

    info->image.width = width;
    info->image.height = height;
    info->image.format = format;
    info->image.top_down = (data[8] & 0xf0) != 0;
    info->image.header_size = GLZ_HEADER_SIZE;
    info->id = id;
    info->base = id - head_distance;
    return CODEC_OK;
}

/* The image m before the current one, held until the decode ends or its place is needed. */
static CodecResult find_source(Source *source, size_t m, const GlzImage **image)
{
    const GlzInfo *info = source->info;

    if (m > info->id - info->base)
        return CODEC_BAD_DATA;

    uint64_t id = info->id - m;
    GlzImage **held = &source->held[id % HELD];
    if (!*held || (*held)->info.id != id) {
        GlzImage *found;
        CodecResult result = glz_window_lookup(source->window, source->generation, id, &found);
        if (result != CODEC_OK) {
            source->missing = id;
            return result;
        }
        glz_image_unref(*held);
        *held = found;
    }
    *image = *held;
    return (*image)->info.image.format == info->image.format ? CODEC_OK : CODEC_BAD_DATA;
}

/* n units of another image; never overlapping. room as for lz_copy_units(), left_there: units in
 * the source from `from`. */
ALWAYS_INLINE void copy_foreign(LzUnit unit, uint32_t *to, const uint32_t *from, size_t n,
                                size_t room, size_t left_there)
{
    if (unit == LZ_ALPHA_TO_32) {
        for (size_t i = 0; i < n; i++)
            to[i] = (to[i] & 0xffffff) | (from[i] & 0xff000000);
    } else if (unit == LZ_BGR_TO_32) {
        /* The source may be RGBA: its colour alone counts, as alpha comes in its own pass. But that
         * pass writes every alpha byte, so here it may be copied along. */
        if (n <= 8 && room >= 8 && left_there >= 8) {
            lz_copy16((uint8_t *)to, (const uint8_t *)from);
            lz_copy16((uint8_t *)(to + 4), (const uint8_t *)(from + 4));
        } else {
            memcpy(to, from, n * 4);
        }
    } else {
        memcpy(to, from, n * 4);
    }
}

/* One token sequence over the whole image. */
ALWAYS_INLINE CodecResult decode_pass(LzUnit unit, const uint8_t **in, const uint8_t *end,
                                      Source *source, uint32_t *pixels, size_t units)
{
    const uint8_t *p = *in;
    size_t at = 0;

    while (at < units) {
        if (UNLIKELY(p == end))
            return CODEC_TRUNCATED;
        unsigned c = *p++;

        if (c < 32) {
            size_t n = c + 1, len = n * lz_unit_in(unit);

            if (UNLIKELY(n > units - at))
                return CODEC_BAD_DATA;
            if (UNLIKELY((size_t)(end - p) < len))
                return CODEC_TRUNCATED;
            lz_put_literals(unit, (uint8_t *)(pixels + at), p, n, NULL);
            p += len;
            at += n;
            continue;
        }

        size_t n = c >> 5, offset = c & 15, m;

        if (n == 7) {
            unsigned e;
            do {
                if (UNLIKELY(p == end))
                    return CODEC_TRUNCATED;
                e = *p++;
                n += e;
                if (UNLIKELY(n >
                             units -
                                 at)) /* here, so that no number of extensions overflows the sum */
                    return CODEC_BAD_DATA;
            } while (e == 255);
        }
        if (UNLIKELY(end - p < 2))
            return CODEC_TRUNCATED;
        offset += (size_t)*p++ << 4;

        unsigned d2 = *p++, more = d2 >> 6;
        bool far = c & 16, longer = far && d2 & 32;
        if (UNLIKELY((size_t)(end - p) < more + longer))
            return CODEC_TRUNCATED;
        if (!far) {
            m = d2 & 63;
            for (unsigned i = 0; i < more; i++)
                m += (size_t)*p++ << (6 + 8 * i);
        } else {
            offset += (size_t)(d2 & 31) << 12;
            m = 0;
            for (unsigned i = 0; i < more; i++)
                m += (size_t)*p++ << (8 * i);
            if (longer)
                offset += (size_t)*p++ << 17;
        }
        n += lz_unit_bias(unit);
        if (UNLIKELY(n > units - at))
            return CODEC_BAD_DATA;
        if (m == 0) {
            if (UNLIKELY(offset >= at))
                return CODEC_BAD_DATA;
            lz_copy_units(unit, (uint8_t *)(pixels + at), offset + 1, n, units - at);
        } else {
            const GlzImage *other;
            CodecResult result = find_source(source, m, &other);

            if (UNLIKELY(result != CODEC_OK))
                return result;
            if (UNLIKELY(offset > other->n_units || n > other->n_units - offset))
                return CODEC_BAD_DATA;
            copy_foreign(unit, pixels + at, other->pixels + offset, n, units - at,
                         other->n_units - offset);
        }
        at += n;
    }
    *in = p;
    return CODEC_OK;
}

static CodecResult decode_pixels(const uint8_t *in, const uint8_t *end, Source *source,
                                 GlzImage *image)
{
    CodecResult result;

    if (image->info.image.format == CODEC_FORMAT_RGB16)
        result = decode_pass(LZ_555_TO_32, &in, end, source, image->pixels, image->n_units);
    else
        result = decode_pass(LZ_BGR_TO_32, &in, end, source, image->pixels, image->n_units);
    if (result == CODEC_OK && image->info.image.format == CODEC_FORMAT_RGBA)
        result = decode_pass(LZ_ALPHA_TO_32, &in, end, source, image->pixels, image->n_units);
    return result == CODEC_OK && in != end ? CODEC_BAD_DATA : result;
}

CodecResult glz_decode(GlzWindow *window, const uint8_t *data, size_t size, GlzImage **image,
                       uint64_t *missing)
{
    GlzInfo info;
    Source source = {.window = window, .info = &info};
    CodecResult result = glz_read_header(data, size, &info);

    if (result == CODEC_OK)
        result = glz_window_admit(window, &info, &source.generation, &source.missing);
    if (result == CODEC_OK) {
        GlzImage *decoded = glz_window_new_image(window, &info);

        if (decoded)
            result = decode_pixels(data + GLZ_HEADER_SIZE, data + size, &source, decoded);
        else
            result = CODEC_NO_MEMORY;
        for (int i = 0; i < HELD; i++)
            glz_image_unref(source.held[i]);
        if (result == CODEC_OK)
            result = glz_window_insert(window, source.generation, decoded);
        if (result == CODEC_OK && image)
            *image = decoded;
        else
            glz_image_unref(decoded);
    }
    if (result == CODEC_MISSING && missing)
        *missing = source.missing;
    return result;
}
