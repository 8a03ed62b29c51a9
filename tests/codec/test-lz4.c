/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* LZ4 images: round trips, conversions in place, blocks of any size, rows that don't add up. */
#include "codec/lz4.h"
#include "pictures.h"
#include "tap.h"

#include <lz4.h>
#include <spice/enums.h>

static const CodecFormat formats[] = {CODEC_FORMAT_RGB16, CODEC_FORMAT_RGB24, CODEC_FORMAT_RGB32,
                                      CODEC_FORMAT_RGBA};

static uint32_t as_32(CodecFormat from, CodecFormat to, const uint8_t *p)
{
    uint32_t high = to == CODEC_FORMAT_RGBA ? 0xff000000 : 0, v = p[0] | p[1] << 8;

    if (from == CODEC_FORMAT_RGB16) {
        uint32_t r = v >> 10 & 31, g = v >> 5 & 31, b = v & 31;
        return high | (r * 8 + r / 4) << 16 | (g * 8 + g / 4) << 8 | (b * 8 + b / 4);
    }
    v |= p[2] << 16;
    if (from == CODEC_FORMAT_RGB24)
        return v | high;
    v |= (uint32_t)p[3] << 24;
    return from == CODEC_FORMAT_RGBA ? v : v | high;
}

static void test_round_trips(void)
{
    Random random = {1};

    for (int i = 0; i < 200; i++) {
        CodecFormat format = formats[i % 4], to = i % 3 ? CODEC_FORMAT_RGB32 : CODEC_FORMAT_RGBA;
        uint32_t width = 1 + random_below(&random, 60), height = 1 + random_below(&random, 40);
        size_t row, size, capacity = 64 + width * height * 5;
        codec_row_size(format, width, &row);
        size_t stride = (row + 3) / 4 * 4 + 4 * random_below(&random, 3);
        uint8_t *source =
            picture_new(&random, (PictureKind)(i % N_PICTURES), format, width, height, stride);
        uint8_t *out = malloc(capacity), *same = malloc(row * height),
                *wide = malloc((width * 4 + 12) * height);
        CodecInfo info;

        tap_case("lz4: decode(encode(x)) = x, to its own format and to 32 bits, upright and upside "
                 "down");
        CHECK(lz4_image_encode(format, i % 2, width, height, source, stride, i % 5 == 0 ? 9 : 0,
                               out, capacity, &size) == CODEC_OK);
        uint8_t *data = exact_copy(out, size);
        CHECK(lz4_image_read_header(data, size, width, height, &info) == CODEC_OK);
        CHECK(info.format == format && info.top_down == (i % 2));
        CHECK(lz4_image_decode(data, size, width, height, format, same, row) == CODEC_OK);
        for (int layout = 0; layout < 3; layout++) {
            ptrdiff_t pitch = layout == 2   ? width * 4 + 12
                              : layout == 1 ? -(ptrdiff_t)width * 4
                                            : (ptrdiff_t)width * 4;
            uint8_t *first = pitch < 0 ? wide + width * 4 * (height - 1) : wide;
            bool right = true;

            memset(wide, 0x5a, (width * 4 + 12) * height);
            CHECK(lz4_image_decode(data, size, width, height, to, first, pitch) == CODEC_OK);
            for (uint32_t y = 0; y < height; y++) {
                const uint8_t *in = source + y * stride, *got = first + (ptrdiff_t)y * pitch;

                right &= memcmp(in, same + y * row, row) == 0;
                for (uint32_t x = 0; x < width; x++) {
                    uint32_t v;
                    memcpy(&v, got + 4 * x, 4);
                    right &= v == as_32(format, to == format ? CODEC_FORMAT_NONE : to,
                                        in + x * codec_format_bits(format) / 8);
                }
                for (int k = 0; layout == 2 && k < 12; k++)
                    right &= got[width * 4 + k] == 0x5a;
            }
            CHECK(right);
        }
        for (size_t small = 0; small < size; small += 1 + size / 20) {
            uint8_t *exact = malloc(small ? small : 1);
            size_t unused;

            CHECK(lz4_image_encode(format, true, width, height, source, stride, 0, exact,
                                   i % 5 == 0 ? 0 : small, &unused) == CODEC_NO_SPACE);
            free(exact);
        }
        for (size_t cut = 0; cut < size; cut++) {
            uint8_t *part = exact_copy(data, cut);
            CHECK(lz4_image_decode(part, cut, width, height, format, same, row) != CODEC_OK);
            free(part);
        }
        free(data);
        free(wide);
        free(same);
        free(out);
        free(source);
    }
}

/* A stream of blocks with any content; each is a linked LZ4 block of its own. */
static size_t add_block(uint8_t *out, size_t at, LZ4_stream_t *stream, const uint8_t *raw, size_t n)
{
    int got = LZ4_compress_fast_continue(stream, (const char *)raw, (char *)out + at + 4, n,
                                         LZ4_compressBound(n), 1);

    for (int i = 0; i < 4; i++)
        out[at + i] = (uint32_t)got >> (24 - 8 * i);
    return at + 4 + got;
}

static void lz4_row_overflow_2018(void)
{
    enum { W = 5, H = 6, ROW = W * 3 };
    Random random = {2};
    uint8_t raw[4096], out[8192];

    /* Rows of 24 bits whose length isn't a multiple of 4: the deployed client once wrote beyond the
     * last one. */
    tap_case(__func__);
    for (size_t i = 0; i < sizeof raw; i++)
        raw[i] = random_below(&random, 3);
    for (int blocks = 1; blocks < 40; blocks++) {
        for (size_t total = 0; total <= 2 * H * ROW; total++) {
            LZ4_stream_t stream;
            size_t at = 2, done = 0;

            LZ4_initStream(&stream, sizeof stream);
            out[0] = 1;
            out[1] = SPICE_BITMAP_FMT_24BIT;
            while (done < total) { /* pieces that keep to no row */
                size_t n = total / blocks + 1;
                if (n > total - done)
                    n = total - done;
                at = add_block(out, at, &stream, raw + done, n);
                done += n;
            }
            uint8_t *data = exact_copy(out, at), *exact = malloc(H * ROW);
            CodecResult result = lz4_image_decode(data, at, W, H, CODEC_FORMAT_RGB24, exact, ROW);
            if (total == H * ROW)
                CHECK(result == CODEC_OK && memcmp(exact, raw, H * ROW) == 0);
            else
                CHECK(result != CODEC_OK);
            free(exact);
            free(data);
        }
    }

    tap_case("lz4: sizes that don't fit in arithmetic");
    CodecInfo info;
    memset(out, 0xff, sizeof out);
    out[1] = SPICE_BITMAP_FMT_32BIT;
    CHECK(lz4_image_read_header(out, sizeof out, 0, 1, &info) == CODEC_BAD_HEADER);
    CHECK(lz4_image_read_header(out, sizeof out, UINT32_MAX, UINT32_MAX, &info) == CODEC_TOO_LARGE);
    CHECK(lz4_image_read_header(out, sizeof out, 0x40000000, 4, &info) == CODEC_TOO_LARGE);
    CHECK(lz4_image_read_header(out, 10, 1000, 1000, &info) == CODEC_TRUNCATED);
    CHECK(lz4_image_decode(out, sizeof out, 8, 8, CODEC_FORMAT_RGB32, raw, 32) == CODEC_TRUNCATED);
}

static void test_a8(void)
{
    LZ4_stream_t stream;
    uint8_t raw[] = {1, 2, 3, 4, 5, 6}, out[64] = {0, SPICE_BITMAP_FMT_8BIT_A}, got[6];
    size_t size, n;

    LZ4_initStream(&stream, sizeof stream);
    n = add_block(out, 2, &stream, raw, 6);
    tap_case("lz4: alpha-only images are read though never written");
    CHECK(lz4_image_decode(out, n, 3, 2, CODEC_FORMAT_A8, got, 3) == CODEC_OK &&
          memcmp(got, raw, 6) == 0);
    CHECK(lz4_image_decode(out, n, 3, 2, CODEC_FORMAT_RGB32, got, 3) == CODEC_BAD_DATA);
    CHECK(lz4_image_encode(CODEC_FORMAT_A8, true, 3, 2, raw, 3, 0, out, 64, &size) ==
          CODEC_BAD_DATA);
    CHECK(lz4_image_encode(CODEC_FORMAT_RGB24, true, 0, 2, raw, 3, 0, out, 64, &size) ==
          CODEC_BAD_HEADER);
}

static void test_mutations(void)
{
    Random random = {3};
    int refused = 0;

    tap_case("lz4: damaged streams do no damage");
    for (int i = 0; i < 3000; i++) {
        CodecFormat format = formats[i % 4];
        uint32_t width = 1 + random_below(&random, 30), height = 1 + random_below(&random, 20);
        size_t row, size, capacity = 64 + width * height * 5;
        codec_row_size(format, width, &row);
        uint8_t *source = picture_new(&random, PICTURE_MIX, format, width, height, row),
                *out = malloc(capacity);
        uint8_t *pixels = malloc(width * height * 4);

        CHECK(lz4_image_encode(format, true, width, height, source, row, 0, out, capacity, &size) ==
              CODEC_OK);
        for (uint32_t k = 1 + random_below(&random, 4); k--;)
            out[random_below(&random, size)] = random_next(&random);
        uint8_t *data = exact_copy(out, size);
        refused += lz4_image_decode(data, size, width, height, CODEC_FORMAT_RGBA, pixels,
                                    width * 4) != CODEC_OK;
        free(data);
        free(pixels);
        free(out);
        free(source);
    }
    CHECK(refused > 500);
}

int main(void)
{
    test_round_trips();
    lz4_row_overflow_2018();
    test_a8();
    test_mutations();
    return tap_done();
}
