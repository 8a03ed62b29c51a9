/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The LZ codec: what is encoded decodes to the same in every layout, damaged streams are refused,
 * capacity is kept. */
#include "codec/lz.h"
#include "pictures.h"
#include "tap.h"

static const CodecFormat formats[] = {
    CODEC_FORMAT_A8,      CODEC_FORMAT_RGB16,   CODEC_FORMAT_RGB24,   CODEC_FORMAT_RGB32,
    CODEC_FORMAT_RGBA,    CODEC_FORMAT_PLT1_LE, CODEC_FORMAT_PLT1_BE, CODEC_FORMAT_PLT4_LE,
    CODEC_FORMAT_PLT4_BE, CODEC_FORMAT_PLT8,
};
#define N_FORMATS (sizeof formats / sizeof *formats)

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static void put_be32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = v >> (24 - 8 * i);
}

/* A header for hand-made tokens. */
static size_t make_header(uint8_t *out, uint32_t type, uint32_t width, uint32_t height,
                          uint32_t stride)
{
    static const uint32_t magic[] = {0x20205a4c, 0x00010001};
    uint32_t fields[] = {magic[0], magic[1], type, width, height, stride, 1};

    for (int i = 0; i < 7; i++)
        put_be32(out + 4 * i, fields[i]);
    return LZ_HEADER_SIZE;
}

/* Decode whatever it is, into memory of exactly the right size. */
static CodecResult decode_any(const uint8_t *data, size_t size)
{
    static const uint32_t palette[16] = {1, 2, 3};
    CodecInfo info;
    CodecResult result = lz_read_header(data, size, &info);
    size_t row;

    if (result != CODEC_OK) {
        result = lz_read_alpha_header(data, size, &info);
        if (result != CODEC_OK)
            return result;
        uint8_t *plane = malloc((size_t)info.width * info.height);
        result = lz_decode_alpha(data, size, CODEC_FORMAT_A8, plane, info.width);
        free(plane);
        return result;
    }
    CodecFormat to = info.format == CODEC_FORMAT_A8 ? CODEC_FORMAT_A8 : CODEC_FORMAT_RGBA;
    codec_row_size(to, info.width, &row);
    uint8_t *pixels = malloc(row * info.height);
    result = lz_decode(data, size, palette, 16, to, pixels, row);
    free(pixels);
    return result;
}

static void round_trip(Random *random, LzEncoder *encoder, CodecFormat format, PictureKind kind,
                       uint32_t width, uint32_t height)
{
    size_t row, size, bound = lz_encode_bound(format, width, height);
    codec_row_size(format, width, &row);
    size_t stride = (row + 3) / 4 * 4 + 4 * random_below(random, 3),
           back_stride = (row + 3) / 4 * 4 + 4;
    uint8_t *source = picture_new(random, kind, format, width, height, stride);
    uint8_t *out = malloc(bound), *tight = malloc(row * height),
            *padded = malloc(back_stride * height);
    bool top_down = random_below(random, 2);
    CodecInfo info;

    CHECK(lz_encode(encoder, format, top_down, width, height, source, stride, out, bound, &size) ==
          CODEC_OK);
    uint8_t *data = exact_copy(out, size);
    CHECK(lz_read_header(data, size, &info) == CODEC_OK);
    CHECK(info.width == width && info.height == height && info.format == format &&
          info.top_down == top_down);
    CHECK(info.header_size == LZ_HEADER_SIZE && be32(data + 20) == row);

    /* As coded without gaps; and upside down with padded rows, whose padding stays. */
    memset(padded, 0x5a, back_stride * height);
    CHECK(lz_decode(data, size, NULL, 0, format, tight, row) == CODEC_OK);
    CHECK(lz_decode(data, size, NULL, 0, format, padded + back_stride * (height - 1),
                    -(ptrdiff_t)back_stride) == CODEC_OK);
    bool same = true, clean = true;
    for (uint32_t y = 0; y < height; y++) {
        const uint8_t *upside_down = padded + back_stride * (height - 1 - y);

        same &= same_pixels(format, source + y * stride, tight + y * row, width);
        same &= same_pixels(format, source + y * stride, upside_down, width);
        for (size_t i = row; i < back_stride; i++)
            clean &= upside_down[i] == 0x5a;
    }
    CHECK(same);
    CHECK(clean);

    /* Any capacity below the stream's own size is refused, without a byte written behind it. */
    uint8_t *small = malloc(size);
    for (size_t capacity = 0; capacity < size; capacity += 1 + size / 50) {
        uint8_t *exact = malloc(capacity ? capacity : 1);
        size_t unused;

        CHECK(lz_encode(encoder, format, top_down, width, height, source, stride, exact, capacity,
                        &unused) == CODEC_NO_SPACE);
        free(exact);
    }
    CHECK(lz_encode(NULL, format, top_down, width, height, source, stride, small, size, &size) ==
          CODEC_OK);
    free(small);
    free(data);
    free(padded);
    free(tight);
    free(out);
    free(source);
}

static void test_round_trips(void)
{
    Random random = {1};
    LzEncoder *encoder = lz_encoder_new();

    for (size_t f = 0; f < N_FORMATS; f++) {
        tap_case("lz: decode(encode(x)) = x");
        for (int i = 0; i < 60; i++)
            round_trip(&random, i % 3 ? encoder : NULL, formats[f], (PictureKind)(i % N_PICTURES),
                       1 + random_below(&random, i < 30 ? 20 : 90),
                       1 + random_below(&random, i < 30 ? 12 : 60));
    }
    tap_case("lz: a picture longer than the largest distance");
    round_trip(&random, encoder, CODEC_FORMAT_RGB32, PICTURE_MIX, 700, 230);
    round_trip(&random, encoder, CODEC_FORMAT_PLT8, PICTURE_TEXT, 701, 230);
    lz_encoder_free(encoder);
}

/* Rows only: smaller than the plain rows where rows repeat, and decodes to the same. */
static void test_rows(void)
{
    static const CodecFormat palette_formats[] = {CODEC_FORMAT_PLT1_LE, CODEC_FORMAT_PLT1_BE,
                                                  CODEC_FORMAT_PLT4_LE, CODEC_FORMAT_PLT4_BE,
                                                  CODEC_FORMAT_PLT8};
    Random random = {9};
    size_t size, least = 0;

    tap_case("lz: repeats of the last byte and the row above only");
    for (int i = 0; i < 400; i++) {
        CodecFormat format = palette_formats[i % 5];
        uint32_t width = 1 + random_below(&random, 90), height = 1 + random_below(&random, 40);
        size_t row, bound = lz_encode_bound(format, width, height);

        codec_row_size(format, width, &row);
        uint8_t *source =
            picture_new(&random, (PictureKind)(i / 5 % N_PICTURES), format, width, height, row);
        uint8_t *out = malloc(bound), *back = malloc(row * height);

        CHECK(lz_encode_rows(format, i & 1, width, height, source, out, bound, &size) == CODEC_OK);
        uint8_t *data = exact_copy(out, size);

        CHECK(lz_decode(data, size, NULL, 0, format, back, row) == CODEC_OK);
        for (uint32_t y = 0; y < height; y++)
            CHECK(same_pixels(format, source + y * row, back + y * row, width));
        for (size_t capacity = 0; capacity < size; capacity += 1 + size / 20) {
            uint8_t *exact = malloc(capacity ? capacity : 1);
            size_t unused;

            CHECK(lz_encode_rows(format, true, width, height, source, exact, capacity, &unused) ==
                  CODEC_NO_SPACE);
            free(exact);
        }
        /* Blank rows are one token. */
        memset(source, 0xff, row * height);
        CHECK(lz_encode_rows(format, true, width, height, source, out, bound, &least) == CODEC_OK);
        CHECK(row * height > 32000 || least <= LZ_HEADER_SIZE + 8 + row * height / 255);
        free(data);
        free(back);
        free(out);
        free(source);
    }
    CHECK(lz_encode_rows(CODEC_FORMAT_RGB32, true, 1, 1, NULL, NULL, 0, &size) == CODEC_BAD_DATA);
    CHECK(lz_encode_rows(CODEC_FORMAT_A8, true, 1, 1, NULL, NULL, 0, &size) == CODEC_BAD_DATA);
    CHECK(lz_encode_rows(CODEC_FORMAT_PLT8, true, 0, 1, NULL, NULL, 0, &size) == CODEC_BAD_HEADER);
    CHECK(lz_encode_rows(CODEC_FORMAT_PLT8, true, 1 << 20, 1 << 20, NULL, NULL, 0, &size) ==
          CODEC_TOO_LARGE);
}

static void test_alpha(void)
{
    Random random = {2};

    tap_case("lz: alpha planes");
    for (int i = 0; i < 40; i++) {
        uint32_t width = 1 + random_below(&random, 40), height = 1 + random_below(&random, 30);
        size_t size, bound = lz_encode_bound(CODEC_FORMAT_RGBA, width, height),
                     stride = width * 4 + 8;
        uint8_t *source = picture_new(&random, (PictureKind)(i % N_PICTURES), CODEC_FORMAT_RGBA,
                                      width, height, stride);
        uint8_t *out = malloc(bound), *plane = malloc((size_t)width * height),
                *pixels = malloc(stride * height);
        CodecInfo info;

        CHECK(lz_encode_alpha(NULL, i % 2, width, height, source, stride, out, bound, &size) ==
              CODEC_OK);
        CHECK(lz_read_header(out, size, &info) == CODEC_BAD_HEADER); /* not an image of its own */
        CHECK(lz_read_alpha_header(out, size, &info) == CODEC_OK);
        CHECK(info.format == CODEC_FORMAT_A8 && info.top_down == (i % 2));
        CHECK(lz_decode_alpha(out, size, CODEC_FORMAT_A8, plane, width) == CODEC_OK);
        memset(pixels, 0x11, stride * height);
        CHECK(lz_decode_alpha(out, size, CODEC_FORMAT_RGBA, pixels, stride) == CODEC_OK);
        CHECK(lz_decode_alpha(out, size, CODEC_FORMAT_RGB32, pixels, stride) == CODEC_BAD_DATA);
        bool same = true;
        for (size_t y = 0; y < height; y++) {
            for (size_t x = 0; x < width; x++) {
                same &= plane[y * width + x] == source[y * stride + 4 * x + 3];
                same &= pixels[y * stride + 4 * x + 3] == source[y * stride + 4 * x + 3];
                same &=
                    pixels[y * stride + 4 * x] == 0x11 && pixels[y * stride + 4 * x + 2] == 0x11;
            }
        }
        CHECK(same);
        free(pixels);
        free(plane);
        free(out);
        free(source);
    }
}

static void test_palettes(void)
{
    /* Eight pixels 0..7 as 8-bit literals, and as nibbles. */
    uint8_t plt8[64], plt4[64], plt1[64];
    size_t n8 = make_header(plt8, 5, 8, 1, 8), n4 = make_header(plt4, 4, 8, 1, 4),
           n1 = make_header(plt1, 1, 3, 1, 1);
    static const uint32_t palette[] = {0xff000001, 0xff000002, 0xff000003};
    uint32_t pixels[8];

    plt8[n8++] = 7;
    for (int i = 0; i < 8; i++)
        plt8[n8++] = i;
    plt4[n4++] = 3;
    for (int i = 0; i < 4; i++)
        plt4[n4++] = (2 * i) << 4 | (2 * i + 1);
    plt1[n1++] = 0;
    plt1[n1++] = 0xfa; /* pixels 0, 1, 0; the other bits are padding */

    tap_case("lz: 8-bit index without entry reads as 0");
    CHECK(lz_decode(plt8, n8, palette, 3, CODEC_FORMAT_RGB32, (uint8_t *)pixels, 32) == CODEC_OK);
    CHECK(pixels[0] == 1 && pixels[2] == 3 && pixels[3] == 0 && pixels[7] == 0);
    tap_case("lz: 4-bit index wraps around");
    CHECK(lz_decode(plt4, n4, palette, 3, CODEC_FORMAT_RGB32, (uint8_t *)pixels, 32) == CODEC_OK);
    CHECK(pixels[0] == 1 && pixels[2] == 3 && pixels[3] == 1 && pixels[7] == 2);
    tap_case("lz: 1-bit index without entry reads as 0, padding bits are dropped");
    CHECK(lz_decode(plt1, n1, palette, 1, CODEC_FORMAT_RGBA, (uint8_t *)pixels, 32) == CODEC_OK);
    CHECK(pixels[0] == 0xff000001 && pixels[1] == 0xff000000 && pixels[2] == 0xff000001);
    tap_case("lz: no palette entries at all");
    CHECK(lz_decode(plt8, n8, palette, 0, CODEC_FORMAT_RGB32, (uint8_t *)pixels, 32) ==
          CODEC_BAD_DATA);
    CHECK(lz_decode(plt4, n4, NULL, 3, CODEC_FORMAT_RGB32, (uint8_t *)pixels, 32) ==
          CODEC_BAD_DATA);
}

static void test_conversions(void)
{
    static const uint8_t red16[] = {0x80 | 0x1f << 2,
                                    0x21}; /* high byte, low byte: bit 15, r = 31, g = 1, b = 1 */
    uint8_t data[64];
    uint32_t pixel[2];
    uint16_t pixel16[2];
    size_t n = make_header(data, 6, 1, 1, 2);

    data[n++] = 0;
    data[n++] = red16[0];
    data[n++] = red16[1];
    tap_case("lz: RGB16 stays or is expanded");
    CHECK(lz_decode(data, n, NULL, 0, CODEC_FORMAT_RGB16, (uint8_t *)pixel16, 2) == CODEC_OK);
    CHECK((pixel16[0] & 0x7fff) == (0x1f << 10 | 0x21));
    CHECK(lz_decode(data, n, NULL, 0, CODEC_FORMAT_RGB32, (uint8_t *)pixel, 4) == CODEC_OK);
    CHECK(pixel[0] == 0x00ff0808);
    CHECK(lz_decode(data, n, NULL, 0, CODEC_FORMAT_RGBA, (uint8_t *)pixel, 4) == CODEC_OK);
    CHECK(pixel[0] == 0xffff0808);
    CHECK(lz_decode(data, n, NULL, 0, CODEC_FORMAT_RGB24, (uint8_t *)pixel, 4) == CODEC_BAD_DATA);

    tap_case("lz: RGBA without its alpha");
    n = make_header(data, 9, 1, 1, 4);
    memcpy(data + n, "\0\1\2\3\0\x80", 6);
    n += 6;
    CHECK(lz_decode(data, n, NULL, 0, CODEC_FORMAT_RGBA, (uint8_t *)pixel, 4) == CODEC_OK &&
          pixel[0] == 0x80030201);
    CHECK(lz_decode(data, n, NULL, 0, CODEC_FORMAT_RGB32, (uint8_t *)pixel, 4) == CODEC_OK &&
          pixel[0] == 0x00030201);
    CHECK(lz_decode(data, n, NULL, 0, CODEC_FORMAT_A8, (uint8_t *)pixel, 4) == CODEC_BAD_DATA);
}

static void test_truncation(void)
{
    Random random = {3};

    tap_case("lz: cut at every byte");
    for (size_t f = 0; f < N_FORMATS; f++) {
        uint32_t width = 19, height = 11;
        size_t size, bound = lz_encode_bound(formats[f], width, height), row;
        codec_row_size(formats[f], width, &row);
        size_t stride = (row + 3) / 4 * 4;
        uint8_t *source = picture_new(&random, PICTURE_MIX, formats[f], width, height, stride);
        uint8_t *out = malloc(bound + 1);

        CHECK(lz_encode(NULL, formats[f], true, width, height, source, stride, out, bound, &size) ==
              CODEC_OK);
        for (size_t cut = 0; cut < size; cut++) {
            uint8_t *data = exact_copy(out, cut);
            CHECK(decode_any(data, cut) != CODEC_OK);
            free(data);
        }
        CHECK(decode_any(out, size) == CODEC_OK);
        out[size] = 0;
        CHECK(decode_any(out, size + 1) == CODEC_BAD_DATA); /* nothing may be left over */
        free(out);
        free(source);
    }
}

static void test_mutations(void)
{
    Random random = {4};
    int refused = 0;

    tap_case("lz: damaged streams do no damage");
    for (int i = 0; i < 3000; i++) {
        CodecFormat format = formats[i % N_FORMATS];
        uint32_t width = 1 + random_below(&random, 30), height = 1 + random_below(&random, 20);
        size_t size, bound = lz_encode_bound(format, width, height), row;
        codec_row_size(format, width, &row);
        size_t stride = (row + 3) / 4 * 4;
        uint8_t *source = picture_new(&random, PICTURE_MIX, format, width, height, stride),
                *out = malloc(bound);

        lz_encode(NULL, format, true, width, height, source, stride, out, bound, &size);
        for (uint32_t k = 1 + random_below(&random, 4); k--;)
            out[i % 2 ? random_below(&random, size)
                      : LZ_HEADER_SIZE + random_below(&random, size - LZ_HEADER_SIZE)] =
                random_next(&random);
        uint8_t *data = exact_copy(out, size);
        refused += decode_any(data, size) != CODEC_OK;
        free(data);
        free(out);
        free(source);
    }
    CHECK(refused > 500);
}

static void cve_2018_10893_sizes_overflow_in_lz_decode(void)
{
    static const uint32_t sizes[] = {0,          1,          0x7fff,     0x8000,
                                     0xffff,     0x10000,    0x20000000, 0x40000000,
                                     0x7fffffff, 0x80000000, 0xffffffff};
    static const uint32_t bits[] = {0, 1, 1, 4, 4, 8, 16, 24, 32, 32, 32, 8};
    uint8_t data[64];

    tap_case(__func__);
    for (uint32_t type = 0; type < 14; type++) {
        for (size_t w = 0; w < 11; w++) {
            for (size_t h = 0; h < 11; h++) {
                uint64_t row = ((uint64_t)sizes[w] * (type == 10  ? 32
                                                      : type < 12 ? bits[type]
                                                                  : 8) +
                                7) /
                               8;
                /* The true row size, that in 32 bits, and wrong ones. */
                uint32_t strides[] = {(uint32_t)row,      0, 1, 0xffffffff, (uint32_t)row + 4,
                                      (uint32_t)(row - 1)};

                for (int s = 0; s < 6; s++) {
                    size_t n = make_header(data, type, sizes[w], sizes[h], strides[s]);
                    CodecInfo info;

                    memset(data + n, 0xff, sizeof data - n);
                    /* Only what is consistent and what 36 bytes can describe may pass. */
                    CodecResult result = lz_read_header(data, sizeof data, &info);
                    if (result != CODEC_OK)
                        result = lz_read_alpha_header(data, sizeof data, &info);
                    CHECK(result != CODEC_OK ||
                          (strides[s] == row && row * sizes[h] <= 36 * 255 * 4 &&
                           info.width == sizes[w] && row > 0));
                    /* The decoder checks for itself: no memory is given to it at all. */
                    CHECK(lz_decode(data, sizeof data, NULL, 0, CODEC_FORMAT_RGBA, NULL, 0) !=
                          CODEC_OK);
                }
            }
        }
    }
}

static void test_limits(void)
{
    uint8_t out[64], pixel[4] = {0};
    size_t size;

    tap_case("lz: what the encoder refuses");
    CHECK(lz_encode(NULL, CODEC_FORMAT_RGB32, true, 0, 1, pixel, 4, out, 64, &size) ==
          CODEC_BAD_HEADER);
    CHECK(lz_encode(NULL, CODEC_FORMAT_GRAY, true, 1, 1, pixel, 4, out, 64, &size) ==
          CODEC_BAD_DATA);
    CHECK(lz_encode(NULL, CODEC_FORMAT_RGB32, true, 1 << 20, 1 << 20, pixel, 4, out, 64, &size) ==
          CODEC_TOO_LARGE);
    CHECK(lz_encode(NULL, CODEC_FORMAT_RGB32, true, 1, 1, pixel, 4, out, 27, &size) ==
          CODEC_NO_SPACE);
    CHECK(lz_encode_bound(CODEC_FORMAT_GRAY, 1, 1) == 0 &&
          lz_encode_bound(CODEC_FORMAT_RGB32, 0, 1) == 0);
    CHECK(lz_encode_bound(CODEC_FORMAT_RGB32, 1 << 16, 1 << 16) == 0);

    tap_case("lz: a length chain longer than 32 bits can count");
    size_t chain = 17 << 20;
    uint8_t *data = malloc(chain + 64);
    size_t n = make_header(data, 1, 1024, 1024, 128);
    data[n++] = 0;
    data[n++] = 0;
    data[n++] = 0xe0;
    memset(data + n, 255, chain);
    CHECK(decode_any(data, n + chain) == CODEC_BAD_DATA);
    free(data);
}

int main(void)
{
    test_round_trips();
    test_rows();
    test_alpha();
    test_palettes();
    test_conversions();
    test_truncation();
    test_mutations();
    cve_2018_10893_sizes_overflow_in_lz_decode();
    test_limits();
    return tap_done();
}
