/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The LZ decoder: header and token passes of docs/spec/lz.md section 3. */
#include "codec/lz.h"
#include "codec/lz-private.h"

#include <stdlib.h>
#include <sys/mman.h>

/* Pages that the kernel takes at once, if asked to. */
#define LARGE_PAGE (UINT32_C(1) << 21)

static const CodecFormat formats[] = {
    [LZ_TYPE_PLT1_LE] = CODEC_FORMAT_PLT1_LE, [LZ_TYPE_PLT1_BE] = CODEC_FORMAT_PLT1_BE,
    [LZ_TYPE_PLT4_LE] = CODEC_FORMAT_PLT4_LE, [LZ_TYPE_PLT4_BE] = CODEC_FORMAT_PLT4_BE,
    [LZ_TYPE_PLT8] = CODEC_FORMAT_PLT8,       [LZ_TYPE_RGB16] = CODEC_FORMAT_RGB16,
    [LZ_TYPE_RGB24] = CODEC_FORMAT_RGB24,     [LZ_TYPE_RGB32] = CODEC_FORMAT_RGB32,
    [LZ_TYPE_RGBA] = CODEC_FORMAT_RGBA,       [LZ_TYPE_XXXA] = CODEC_FORMAT_A8,
    [LZ_TYPE_A8] = CODEC_FORMAT_A8,
};

CodecFormat lz_format_of_type(uint32_t type)
{
    return type < sizeof formats / sizeof *formats ? formats[type] : CODEC_FORMAT_NONE;
}

uint32_t lz_type_of_format(CodecFormat format)
{
    if (format == CODEC_FORMAT_A8)
        return LZ_TYPE_A8;
    for (uint32_t type = LZ_TYPE_PLT1_LE; type <= LZ_TYPE_RGBA; type++)
        if (formats[type] == format)
            return type;
    return 0;
}

void *lz_alloc_pixels(size_t size)
{
    if (size < LARGE_PAGE)
        return malloc(size);

    void *memory = NULL;
    if (posix_memalign(&memory, LARGE_PAGE, size) != 0)
        return NULL;
    /* Only whole large pages: the rest of the last one isn't ours alone. Refusal does no harm. */
    madvise(memory, size & ~(size_t)(LARGE_PAGE - 1), MADV_HUGEPAGE);
    return memory;
}

static CodecResult read_header(const uint8_t *data, size_t size, bool alpha, CodecInfo *info)
{
    if (size < LZ_HEADER_SIZE)
        return CODEC_TRUNCATED;
    if (lz_read_be32(data) != LZ_MAGIC || lz_read_be32(data + 4) != LZ_VERSION)
        return CODEC_BAD_HEADER;

    uint32_t type = lz_read_be32(data + 8);
    uint32_t width = lz_read_be32(data + 12), height = lz_read_be32(data + 16);
    uint32_t stride = lz_read_be32(data + 20);
    CodecFormat format = lz_format_of_type(type);

    if (format == CODEC_FORMAT_NONE || (type == LZ_TYPE_XXXA) != alpha || !width || !height)
        return CODEC_BAD_HEADER;

    /* The alpha plane of JPEG_ALPHA announces the row of the 32-bit source. */
    size_t row;
    if (!codec_row_size(alpha ? CODEC_FORMAT_RGBA : format, width, &row))
        return CODEC_TOO_LARGE;
    if (stride != row)
        return CODEC_BAD_HEADER;

    uint64_t pixels = (uint64_t)width * height;
    if (pixels > LZ_MAX_PIXELS || (uint64_t)stride * height > LZ_MAX_BYTES)
        return CODEC_TOO_LARGE;

    uint64_t units = type <= LZ_TYPE_PLT8 ? (uint64_t)stride * height : pixels;
    if (type == LZ_TYPE_RGBA)
        units *= 2;
    if (units > (uint64_t)LZ_MAX_EXPANSION * (size - LZ_HEADER_SIZE))
        return CODEC_TRUNCATED;

    info->width = width;
    info->height = height;
    info->format = format;
    info->top_down = lz_read_be32(data + 24) != 0;
    info->header_size = LZ_HEADER_SIZE;
    return CODEC_OK;
}

CodecResult lz_read_header(const uint8_t *data, size_t size, CodecInfo *info)
{
    return read_header(data, size, false, info);
}

CodecResult lz_read_alpha_header(const uint8_t *data, size_t size, CodecInfo *info)
{
    return read_header(data, size, true, info);
}

/* Where a pass writes. Rows that follow one another without a gap are one long row. */
typedef struct Rows {
    uint8_t *row;     /* the current one */
    ptrdiff_t stride; /* bytes */
    size_t width;     /* units */
    size_t x;         /* next unit in the row, always below width while units are left */
    size_t before;    /* units in the rows before this one */
} Rows;

static void rows_advance(Rows *rows, size_t n)
{
    rows->x += n;
    if (rows->x == rows->width) {
        rows->x = 0;
        rows->row += rows->stride;
        rows->before += rows->width;
    }
}

/* A literal run that reaches the end of the row. */
ALWAYS_INLINE void put_across_rows(LzUnit unit, Rows *rows, const uint8_t *in, size_t n,
                                   const uint32_t *table)
{
    while (n) {
        size_t part = rows->width - rows->x;

        if (part > n)
            part = n;
        lz_put_literals(unit, rows->row + rows->x * lz_unit_out(unit), in, part, table);
        in += part * lz_unit_in(unit);
        n -= part;
        rows_advance(rows, part);
    }
}

/* A match whose source or target isn't inside the current row. */
static void copy_across_rows(LzUnit unit, Rows *rows, size_t distance, size_t n)
{
    size_t s = lz_unit_out(unit);

    while (n) {
        size_t part = rows->width - rows->x;

        if (part > n)
            part = n;
        if (distance <= rows->x) {
            lz_copy_units(unit, rows->row + rows->x * s, distance, part, part);
        } else {
            size_t up = (distance - rows->x + rows->width - 1) / rows->width; /* rows above */
            size_t from_x = rows->x + up * rows->width - distance;
            const uint8_t *from = rows->row - (ptrdiff_t)up * rows->stride + from_x * s;
            uint8_t *to = rows->row + rows->x * s;

            if (part > rows->width - from_x)
                part = rows->width - from_x;
            if (unit == LZ_ALPHA_TO_32) {
                for (size_t i = 0; i < part; i++)
                    to[4 * i + 3] = from[4 * i + 3];
            } else {
                memcpy(to, from, part * s);
            }
        }
        n -= part;
        rows_advance(rows, part);
    }
}

/* One token sequence for `left` units; *in moves behind it. */
ALWAYS_INLINE CodecResult decode_pass(LzUnit unit, const uint8_t **in, const uint8_t *end,
                                      Rows rows, size_t left, const uint32_t *table)
{
    const uint8_t *p = *in;
    const size_t out = lz_unit_out(unit);

    while (left) {
        if (UNLIKELY(p == end))
            return CODEC_TRUNCATED;
        unsigned c = *p++;

        if (c < 32) {
            size_t n = c + 1, len = n * lz_unit_in(unit);

            if (UNLIKELY(n > left))
                return CODEC_BAD_DATA;
            if (UNLIKELY((size_t)(end - p) < len))
                return CODEC_TRUNCATED;
            if (LIKELY(n < rows.width - rows.x)) {
                lz_put_literals(unit, rows.row + rows.x * out, p, n, table);
                rows.x += n;
            } else {
                put_across_rows(unit, &rows, p, n, table);
            }
            p += len;
            left -= n;
            continue;
        }

        size_t n = c >> 5, distance = (c & 31) << 8;

        if (n == 7) {
            unsigned e;
            do {
                if (UNLIKELY(p == end))
                    return CODEC_TRUNCATED;
                e = *p++;
                n += e;
                if (UNLIKELY(n >
                             left)) /* here, so that no number of extensions overflows the sum */
                    return CODEC_BAD_DATA;
            } while (e == 255);
        }
        if (UNLIKELY(p == end))
            return CODEC_TRUNCATED;
        distance += *p++;
        if (UNLIKELY(distance == 8191)) {
            if (end - p < 2)
                return CODEC_TRUNCATED;
            distance += p[0] << 8 | p[1];
            p += 2;
        }
        distance++;
        n += lz_unit_bias(unit);
        if (UNLIKELY(n > left || distance > rows.before + rows.x))
            return CODEC_BAD_DATA;
        if (LIKELY(distance <= rows.x && n < rows.width - rows.x)) {
            lz_copy_units(unit, rows.row + rows.x * out, distance, n, rows.width - rows.x);
            rows.x += n;
        } else {
            copy_across_rows(unit, &rows, distance, n);
        }
        left -= n;
    }
    *in = p;
    return CODEC_OK;
}

/* One function for each way to write units, so that the compiler sees its constants. */
static CodecResult run_pass(LzUnit unit, const uint8_t **in, const uint8_t *end, uint8_t *pixels,
                            ptrdiff_t stride, size_t width, size_t height, const uint32_t *table)
{
    Rows rows = {.row = pixels, .stride = stride, .width = width};
    size_t units = width * height;

    if (stride == (ptrdiff_t)(width * lz_unit_out(unit)))
        rows.width = units;

    switch (unit) {
    case LZ_BGR_TO_32:
        return decode_pass(LZ_BGR_TO_32, in, end, rows, units, NULL);
    case LZ_BGR_TO_24:
        return decode_pass(LZ_BGR_TO_24, in, end, rows, units, NULL);
    case LZ_555_TO_16:
        return decode_pass(LZ_555_TO_16, in, end, rows, units, NULL);
    case LZ_555_TO_32:
        return decode_pass(LZ_555_TO_32, in, end, rows, units, NULL);
    case LZ_BYTE_TO_8:
        return decode_pass(LZ_BYTE_TO_8, in, end, rows, units, NULL);
    case LZ_BYTE_TO_32:
        return decode_pass(LZ_BYTE_TO_32, in, end, rows, units, table);
    case LZ_ALPHA_TO_32:
        return decode_pass(LZ_ALPHA_TO_32, in, end, rows, units, NULL);
    }
    return CODEC_BAD_DATA;
}

/* Packed rows of 1 or 4 bits to 32-bit pixels. */
static void expand_packed(CodecFormat format, const uint8_t *packed, size_t packed_row,
                          uint32_t width, uint32_t height, const uint32_t *table, uint8_t *pixels,
                          ptrdiff_t stride)
{
    for (uint32_t y = 0; y < height; y++, packed += packed_row, pixels += stride) {
        uint32_t *out = (uint32_t *)pixels;

        switch (format) {
        case CODEC_FORMAT_PLT1_LE:
            for (uint32_t x = 0; x < width; x++)
                out[x] = table[packed[x >> 3] >> (x & 7) & 1];
            break;
        case CODEC_FORMAT_PLT1_BE:
            for (uint32_t x = 0; x < width; x++)
                out[x] = table[packed[x >> 3] >> (~x & 7) & 1];
            break;
        case CODEC_FORMAT_PLT4_LE:
            for (uint32_t x = 0; x < width; x++)
                out[x] = table[packed[x >> 1] >> (x & 1) * 4 & 15];
            break;
        default:
            for (uint32_t x = 0; x < width; x++)
                out[x] = table[packed[x >> 1] >> (~x & 1) * 4 & 15];
            break;
        }
    }
}

static CodecResult decode_palette(const CodecInfo *info, const uint8_t **in, const uint8_t *end,
                                  const uint32_t *palette, uint32_t n_palette, uint8_t *pixels,
                                  ptrdiff_t stride)
{
    uint32_t table[256];
    bool wraps = info->format == CODEC_FORMAT_PLT4_LE || info->format == CODEC_FORMAT_PLT4_BE;

    if (!palette || !n_palette)
        return CODEC_BAD_DATA;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t index = wraps ? i % n_palette : i;
        table[i] = index < n_palette ? palette[index] & 0xffffff : 0;
    }
    if (info->format == CODEC_FORMAT_PLT8)
        return run_pass(LZ_BYTE_TO_32, in, end, pixels, stride, info->width, info->height, table);

    /* Units hold several pixels here and may end beyond a row's last one: decode them packed, an
     * eighth or less of the result, then expand. */
    size_t row;
    if (!codec_row_size(info->format, info->width, &row))
        return CODEC_TOO_LARGE;
    uint8_t *packed = malloc(row * info->height);
    if (!packed)
        return CODEC_NO_MEMORY;
    CodecResult result = run_pass(LZ_BYTE_TO_8, in, end, packed, row, row, info->height, NULL);
    if (result == CODEC_OK)
        expand_packed(info->format, packed, row, info->width, info->height, table, pixels, stride);
    free(packed);
    return result;
}

/* Set bits in the highest byte of every pixel. */
static void set_high_byte(const CodecInfo *info, uint32_t keep, uint32_t set, uint8_t *pixels,
                          ptrdiff_t stride)
{
    for (uint32_t y = 0; y < info->height; y++, pixels += stride) {
        uint32_t *row = (uint32_t *)pixels;

        for (uint32_t x = 0; x < info->width; x++)
            row[x] = (row[x] & keep) | set;
    }
}

CodecResult lz_decode(const uint8_t *data, size_t size, const uint32_t *palette, uint32_t n_palette,
                      CodecFormat to, uint8_t *pixels, ptrdiff_t stride)
{
    CodecInfo info;
    CodecResult result = lz_read_header(data, size, &info);

    if (result != CODEC_OK)
        return result;

    const uint8_t *in = data + LZ_HEADER_SIZE, *end = data + size;
    bool to32 = to == CODEC_FORMAT_RGB32 || to == CODEC_FORMAT_RGBA;
    uint32_t w = info.width, h = info.height;
    size_t row;

    switch (info.format) {
    case CODEC_FORMAT_A8:
        result = to == CODEC_FORMAT_A8
                     ? run_pass(LZ_BYTE_TO_8, &in, end, pixels, stride, w, h, NULL)
                     : CODEC_BAD_DATA;
        break;
    case CODEC_FORMAT_RGB16:
        if (!to32 && to != CODEC_FORMAT_RGB16)
            return CODEC_BAD_DATA;
        result = run_pass(to32 ? LZ_555_TO_32 : LZ_555_TO_16, &in, end, pixels, stride, w, h, NULL);
        break;
    case CODEC_FORMAT_RGB24:
    case CODEC_FORMAT_RGB32:
        if (!to32 && to != info.format)
            return CODEC_BAD_DATA;
        result = run_pass(to32 ? LZ_BGR_TO_32 : LZ_BGR_TO_24, &in, end, pixels, stride, w, h, NULL);
        break;
    case CODEC_FORMAT_RGBA:
        if (!to32)
            return CODEC_BAD_DATA;
        result = run_pass(LZ_BGR_TO_32, &in, end, pixels, stride, w, h, NULL);
        if (result == CODEC_OK)
            result = run_pass(LZ_ALPHA_TO_32, &in, end, pixels, stride, w, h, NULL);
        break;
    default:
        if (to32)
            result = decode_palette(&info, &in, end, palette, n_palette, pixels, stride);
        else if (to == info.format && codec_row_size(to, w, &row))
            result = run_pass(LZ_BYTE_TO_8, &in, end, pixels, stride, row, h, NULL);
        else
            result = CODEC_BAD_DATA;
    }
    if (result == CODEC_OK && in != end)
        result = CODEC_BAD_DATA;
    if (result == CODEC_OK && to32 && to != info.format) {
        if (to == CODEC_FORMAT_RGBA)
            set_high_byte(&info, 0xffffff, 0xff000000, pixels, stride);
        else if (info.format == CODEC_FORMAT_RGBA)
            set_high_byte(&info, 0xffffff, 0, pixels, stride);
    }
    return result;
}

CodecResult lz_decode_alpha(const uint8_t *data, size_t size, CodecFormat to, uint8_t *pixels,
                            ptrdiff_t stride)
{
    CodecInfo info;
    CodecResult result = lz_read_alpha_header(data, size, &info);
    const uint8_t *in = data + LZ_HEADER_SIZE, *end = data + size;

    if (result != CODEC_OK)
        return result;
    if (to != CODEC_FORMAT_A8 && to != CODEC_FORMAT_RGBA)
        return CODEC_BAD_DATA;
    result = run_pass(to == CODEC_FORMAT_A8 ? LZ_BYTE_TO_8 : LZ_ALPHA_TO_32, &in, end, pixels,
                      stride, info.width, info.height, NULL);
    return result == CODEC_OK && in != end ? CODEC_BAD_DATA : result;
}
