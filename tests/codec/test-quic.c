/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Properties of the QUIC codec: round trips of every shape, both paths alike, limits, damaged
 * streams. */
#include <stdlib.h>
#include <string.h>

#include "codec/quic-model.h"
#include "tap.h"

static uint32_t seed = 12345;

static uint32_t random_below(uint32_t limit)
{
    seed = seed * 1664525 + 1013904223;
    return (uint64_t)seed * limit >> 32;
}

static const CodecFormat formats[] = {CODEC_FORMAT_GRAY, CODEC_FORMAT_RGB16, CODEC_FORMAT_RGB24,
                                      CODEC_FORMAT_RGB32, CODEC_FORMAT_RGBA};
enum { N_FORMATS = sizeof formats / sizeof formats[0], N_CONTENTS = 8 };

static size_t pixel_size(CodecFormat format)
{
    return codec_format_bits(format) / 8;
}

/* A packed picture. The contents reach different parts of the codec: escapes, all codes, runs of
 * every length, double run codes, stale contexts. */
static uint8_t *make_picture(CodecFormat format, uint32_t width, uint32_t height, unsigned contents)
{
    size_t bytes = pixel_size(format);
    uint8_t *pixels = malloc(bytes * width * height), palette[8][4];

    if (!pixels)
        abort();
    for (unsigned i = 0; i < 32; i++)
        palette[i / 4][i % 4] = random_below(256);
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            uint8_t *pixel = pixels + bytes * ((size_t)y * width + x);

            for (size_t i = 0; i < bytes; i++) {
                switch (contents) {
                case 0: /* noise */
                    pixel[i] = random_below(256);
                    break;
                case 1: /* flat */
                    pixel[i] = palette[0][i];
                    break;
                case 2: /* ramps with grain */
                    pixel[i] = x * (i + 1) + y * 3 + random_below(4);
                    break;
                case 3: /* blocks */
                    pixel[i] = palette[(x / 17 + y / 5 * 3) & 7][i];
                    break;
                case 4: /* sparse spikes */
                    pixel[i] = random_below(40) ? palette[1][i] : random_below(256);
                    break;
                case 5: /* lines of text, seen from afar */
                    pixel[i] = y % 12 < 8 && (x * 7 ^ y * 13) % 11 < 4 && x % 9 < 6 ? 20 : 240;
                    break;
                case 6: /* stripes */
                    pixel[i] = palette[x & 1][i];
                    break;
                default: /* smooth above, noise below */
                    pixel[i] = y < height / 2 ? (x + y) / 4 : random_below(256);
                }
            }
        }
    }
    return pixels;
}

/* What decoding is to give: X bytes and bit 15 are not coded. */
static void normalize(uint8_t *pixels, CodecFormat format, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (format == CODEC_FORMAT_RGB32)
            pixels[i * 4 + 3] = 0;
        if (format == CODEC_FORMAT_RGB16)
            pixels[i * 2 + 1] &= 0x7f;
    }
}

static uint8_t *encode(CodecFormat format, uint32_t width, uint32_t height, const uint8_t *pixels,
                       size_t *size)
{
    size_t bound = quic_encode_bound(format, width, height);
    uint8_t *out = malloc(bound), *exact;

    if (!out ||
        !CHECK(quic_encode(format, width, height, pixels, (ptrdiff_t)width * pixel_size(format),
                           out, bound, size) == CODEC_OK))
        abort();
    exact = malloc(*size); /* exactly: an overread meets the sanitizer */
    if (!exact)
        abort();
    memcpy(exact, out, *size);
    free(out);
    return exact;
}

/* Both paths must say the same; gives the result, with the pixels in `pixels` (packed). */
static CodecResult decode_both(const uint8_t *stream, size_t size, CodecFormat to, size_t bytes,
                               uint32_t width, uint8_t *pixels)
{
    uint8_t *other = malloc(bytes);
    ptrdiff_t stride = width * pixel_size(to);
    CodecResult result = quic_decode_path(QUIC_PATH_BEST, stream, size, to, 0, pixels, stride);

    if (!other)
        abort();
    CHECK(quic_decode_path(QUIC_PATH_PORTABLE, stream, size, to, 0, other, stride) == result);
    CHECK(result != CODEC_OK || memcmp(pixels, other, bytes) == 0);
    free(other);
    return result;
}

static void round_trip(CodecFormat format, uint32_t width, uint32_t height, unsigned contents)
{
    size_t row = width * pixel_size(format), bytes = row * height, size, other_size = 0;
    uint8_t *pixels = make_picture(format, width, height, contents), *decoded = malloc(bytes), *out;
    uint8_t *stream = encode(format, width, height, pixels, &size);
    CodecInfo info;

    if (!decoded)
        abort();
    /* The exact capacity suffices, any smaller one doesn't, and the portable path writes the same
     * bytes. */
    out = malloc(size);
    if (!out)
        abort();
    CHECK(quic_encode_path(QUIC_PATH_PORTABLE, format, width, height, pixels, row, out, size,
                           &other_size) == CODEC_OK);
    CHECK(other_size == size && memcmp(out, stream, size) == 0);
    free(out);
    for (size_t less = 1; less <= 12; less += 3) {
        size_t untouched = 77;

        out = malloc(size - less);
        if (!out)
            abort();
        CHECK(quic_encode(format, width, height, pixels, row, out, size - less, &untouched) ==
              CODEC_NO_SPACE);
        CHECK(untouched == 77);
        free(out);
    }

    CHECK(quic_read_header(stream, size, &info) == CODEC_OK);
    CHECK(info.width == width && info.height == height && info.format == format &&
          info.header_size == 20);
    CHECK(decode_both(stream, size, format, bytes, width, decoded) == CODEC_OK);
    normalize(pixels, format, (size_t)width * height);
    CHECK(memcmp(pixels, decoded, bytes) == 0);
    free(pixels);
    free(decoded);
    free(stream);
}

static void test_round_trips(void)
{
    tap_case("decode(encode(x)) = x for random sizes, formats and contents");
    for (unsigned i = 0; i < 600; i++)
        round_trip(formats[i % N_FORMATS], 1 + random_below(i % 7 ? 90 : 400), 1 + random_below(40),
                   random_below(N_CONTENTS));
    tap_case("pictures of one pixel, of one column, of a few columns");
    for (unsigned i = 0; i < N_FORMATS; i++)
        for (uint32_t width = 1; width <= 10; width++)
            for (unsigned contents = 0; contents < N_CONTENTS; contents++)
                round_trip(formats[i], width, 1 + random_below(70), contents);
    tap_case("pictures tall enough and wide enough for every level and every run state");
    for (unsigned i = 0; i < N_FORMATS; i++)
        for (unsigned contents = 0; contents < N_CONTENTS; contents++) {
            round_trip(formats[i], 1 + random_below(2), 20000, contents);
            round_trip(formats[i], 20000 + random_below(80000), 1 + random_below(3), contents);
            round_trip(formats[i], 150 + random_below(200), 120, contents);
        }
}

static void test_output(void)
{
    tap_case("streams are decoded to RGB32 as the format tells, with the X byte of choice");
    for (unsigned i = 0; i < N_FORMATS; i++) {
        CodecFormat format = formats[i];
        uint32_t width = 61, height = 17;
        size_t size, count = (size_t)width * height;
        uint8_t *pixels = make_picture(format, width, height, 2), *as32 = malloc(count * 4);
        uint8_t *stream = encode(format, width, height, pixels, &size);
        bool can = format == CODEC_FORMAT_RGB16 || format == CODEC_FORMAT_RGB24 ||
                   format == CODEC_FORMAT_RGB32;

        if (!as32)
            abort();
        for (unsigned x = 0; x < 2; x++) {
            CHECK(quic_decode_x(stream, size, CODEC_FORMAT_RGB32, x ? 255 : 0, as32, width * 4) ==
                  (can ? CODEC_OK : CODEC_BAD_DATA));
            for (size_t p = 0; can && p < count; p++) {
                uint8_t *got = as32 + p * 4, want[4] = {0, 0, 0, x ? 255 : 0};

                if (format == CODEC_FORMAT_RGB16) {
                    unsigned packed = pixels[p * 2] | pixels[p * 2 + 1] << 8;

                    for (unsigned c = 0; c < 3; c++) {
                        unsigned value = packed >> 5 * c & 31;

                        want[c] = 8 * value + (value >> 2);
                    }
                } else {
                    memcpy(want, pixels + p * pixel_size(format), 3);
                }
                if (!CHECK(memcmp(got, want, 4) == 0))
                    break;
            }
        }
        free(pixels);
        free(as32);
        free(stream);
    }

    tap_case("any stride: padding stays untouched, bottom-up works, too small a stride is refused");
    for (unsigned i = 0; i < N_FORMATS; i++) {
        CodecFormat format = formats[i];
        uint32_t width = 37, height = 11;
        size_t size, row = width * pixel_size(format), stride = row + 7;
        uint8_t *pixels = make_picture(format, width, height, 3), *padded = malloc(stride * height);
        uint8_t *stream = encode(format, width, height, pixels, &size),
                *last = padded + stride * (height - 1);
        size_t flipped_size = 0;
        uint8_t *flipped = malloc(size);

        if (!padded || !flipped)
            abort();
        memset(padded, 0x5a, stride * height);
        CHECK(quic_decode(stream, size, format, last, -(ptrdiff_t)stride) == CODEC_OK);
        normalize(pixels, format, (size_t)width * height);
        for (uint32_t y = 0; y < height; y++) {
            CHECK(memcmp(last - stride * y, pixels + row * y, row) == 0);
            for (size_t p = row; p < stride; p++)
                CHECK(last[p - stride * y] == 0x5a);
        }
        CHECK(quic_encode(format, width, height, last, -(ptrdiff_t)stride, flipped, size,
                          &flipped_size) == CODEC_OK);
        CHECK(flipped_size == size && memcmp(flipped, stream, size) == 0);
        CHECK(quic_decode(stream, size, format, padded, row - 1) == CODEC_NO_SPACE);
        CHECK(quic_decode(stream, size, format, padded, PTRDIFF_MAX) == CODEC_TOO_LARGE);
        CHECK(quic_encode(format, width, height, pixels, row - 1, flipped, size, &flipped_size) ==
              CODEC_NO_SPACE);
        CHECK(quic_encode(format, width, height, pixels, PTRDIFF_MIN, flipped, size,
                          &flipped_size) == CODEC_TOO_LARGE);
        free(pixels);
        free(padded);
        free(flipped);
        free(stream);
    }

    tap_case("what can't be encoded is refused");
    uint8_t byte[64] = {0}, out[64];
    size_t size;

    CHECK(quic_encode(CODEC_FORMAT_PLT8, 1, 1, byte, 1, out, sizeof out, &size) ==
          CODEC_BAD_HEADER);
    CHECK(quic_encode(CODEC_FORMAT_GRAY, 0, 1, byte, 1, out, sizeof out, &size) ==
          CODEC_BAD_HEADER);
    CHECK(quic_encode(CODEC_FORMAT_GRAY, 1, 0, byte, 1, out, sizeof out, &size) ==
          CODEC_BAD_HEADER);
    CHECK(quic_encode(CODEC_FORMAT_GRAY, 1 << 15, 1 << 14, byte, 1 << 15, out, sizeof out, &size) ==
          CODEC_TOO_LARGE);
    CHECK(quic_encode_bound(CODEC_FORMAT_GRAY, 1 << 15, 1 << 14) == 0);
    CHECK(quic_encode_bound(CODEC_FORMAT_A8, 1, 1) == 0);
    for (size_t capacity = 0; capacity < 28; capacity++)
        CHECK(quic_encode(CODEC_FORMAT_GRAY, 1, 1, byte, 1, out, capacity, &size) ==
              CODEC_NO_SPACE);
    CHECK(quic_encode(CODEC_FORMAT_GRAY, 1, 1, byte, 1, out, 28, &size) == CODEC_OK && size == 28);
}

static void test_truncation(void)
{
    tap_case("a stream cut at any byte is refused, unless only the extra word is missing");
    for (unsigned i = 0; i < N_FORMATS * 4; i++) {
        CodecFormat format = formats[i % N_FORMATS];
        uint32_t width = 23, height = 14;
        size_t size, bytes = width * height * pixel_size(format);
        uint8_t *pixels = make_picture(format, width, height, i / N_FORMATS),
                *decoded = malloc(bytes);
        uint8_t *stream = encode(format, width, height, pixels, &size);

        normalize(pixels, format, (size_t)width * height);
        for (size_t cut = 0; decoded && cut < size; cut++) {
            uint8_t *part = malloc(cut ? cut : 1);
            CodecResult result;

            if (!part)
                abort();
            memcpy(part, stream, cut);
            result = decode_both(part, cut, format, bytes, width, decoded);
            CHECK(cut < size - 4 ? result != CODEC_OK
                                 : result == CODEC_OK && !memcmp(decoded, pixels, bytes));
            free(part);
        }
        free(pixels);
        free(decoded);
        free(stream);
    }
}

static void test_damage(void)
{
    tap_case("every flipped bit: both paths agree, nothing is written outside");
    for (unsigned i = 0; i < N_FORMATS * 3; i++) {
        CodecFormat format = formats[i % N_FORMATS];
        uint32_t width = 19, height = 9;
        size_t size, bytes = width * height * 4;
        uint8_t *pixels = make_picture(format, width, height, 3 + i / N_FORMATS),
                *decoded = malloc(bytes);
        uint8_t *stream = encode(format, width, height, pixels, &size);

        for (size_t bit = 160; decoded && bit < size * 8; bit++) {
            stream[bit / 8] ^= 1 << bit % 8;
            decode_both(stream, size, format, width * height * pixel_size(format), width, decoded);
            stream[bit / 8] ^= 1 << bit % 8;
        }
        free(pixels);
        free(decoded);
        free(stream);
    }
    tap_case("random bytes behind a valid header: both paths agree");
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t stream[700], decoded[64 * 8 * 4];
        uint32_t width = 1 + random_below(64), height = 1 + random_below(8);
        unsigned density = random_below(4);

        for (size_t at = 0; at < sizeof stream; at++) {
            stream[at] = random_below(256);
            for (unsigned d = 0; d < density; d++)
                stream[at] &= random_below(256);
        }
        quic_store32(stream, QUIC_MAGIC);
        quic_store32(stream + 4, 0);
        quic_store32(stream + 8, 1 + i % N_FORMATS);
        quic_store32(stream + 12, width);
        quic_store32(stream + 16, height);
        decode_both(stream, sizeof stream, formats[i % N_FORMATS],
                    width * height * pixel_size(formats[i % N_FORMATS]), width, decoded);
    }
}

static void put_header(uint8_t *stream, uint32_t type, uint32_t width, uint32_t height)
{
    quic_store32(stream, QUIC_MAGIC);
    quic_store32(stream + 4, 0);
    quic_store32(stream + 8, type);
    quic_store32(stream + 12, width);
    quic_store32(stream + 16, height);
}

static void set_bit(uint8_t *stream, size_t bit)
{
    stream[bit / 32 * 4 + 3 - bit % 32 / 8] |= 0x80 >> bit % 8;
}

static bool get_bit(const uint8_t *stream, size_t bit)
{
    return stream[bit / 32 * 4 + 3 - bit % 32 / 8] & 0x80 >> bit % 8;
}

/* The four causes that the records name, one test each. */
static void test_cve_2020_14355(void)
{
    CodecInfo info;
    uint8_t stream[4096] = {0}, pixels[4096 * 4];

    tap_case("cve_2020_14355_size_overflow");
    static const uint32_t sizes[][2] = {
        {65536, 65536},    {0x80000000, 2},    {2, 0x80000000},         {0xffffffff, 0xffffffff},
        {0x10001, 0xffff}, {1 << 15, 1 << 14}, {0x7fffffff, 0x7fffffff}};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (uint32_t type = 1; type <= 5; type++) {
            CodecResult result;

            put_header(stream, type, sizes[i][0], sizes[i][1]);
            result = quic_read_header(stream, sizeof stream, &info);
            CHECK(result == CODEC_TOO_LARGE || result == CODEC_BAD_HEADER);
            CHECK(quic_decode(stream, sizeof stream, formats[type - 1], pixels, 0) == result);
        }
    /* Small enough as a number, but not for the bytes that are there. */
    put_header(stream, 4, 20000, 20000);
    CHECK(quic_read_header(stream, sizeof stream, &info) == CODEC_TRUNCATED);

    tap_case("cve_2020_14355_run_past_line");
    for (unsigned group = 0; group < 2; group++) {
        CodecFormat format = group ? CODEC_FORMAT_RGB32 : CODEC_FORMAT_GRAY;
        size_t size, first, bits;
        uint8_t *flat = make_picture(format, 40, 2, 1), *good = encode(format, 40, 2, flat, &size);
        uint8_t *bad = malloc(size + 4096);
        uint8_t *two = malloc(40 * 2 * 4);

        if (!bad || !two)
            abort();
        /* In a flat picture of two rows the run code of 37 pixels is the last thing: 12 ones for
         * 28, then 0 and the rest 9 in 4 bits. One more bit of the rest makes it a run of more
         * than 37. */
        memset(bad, 0, size + 4096);
        memcpy(bad, good, size);
        bits = size * 8 - 32;
        while (bits && !get_bit(good, bits - 1))
            bits--;
        first = bits; /* behind the rest's last one-bit: 37 = 28 + 9, 9 = 1001 */
        set_bit(bad, first - 2);
        CHECK(quic_decode(bad, size, format, two, 40 * pixel_size(format)) == CODEC_BAD_DATA);
        /* Ones without end, from the run code on. */
        for (size_t bit = first - 17; bit < (size + 4096) * 8; bit++)
            set_bit(bad, bit);
        CHECK(decode_both(bad, size + 4096, format, 80 * pixel_size(format), 40, two) ==
              CODEC_BAD_DATA);
        free(flat);
        free(good);
        free(bad);
        free(two);
    }

    tap_case("cve_2020_14355_bucket_past_table");
    for (unsigned i = 0; i < N_FORMATS; i++) {
        CodecFormat format = formats[i];
        unsigned bits = format == CODEC_FORMAT_RGB16 ? 5 : 8, zeros = 26 - bits,
                 extra = bits == 8 ? 8 : 4;
        uint32_t width = 128;
        size_t size, bytes = pixel_size(format), at = 160, spiky_size;
        uint8_t *flat = calloc(width, bytes), *plain, *spiky, *decoded = malloc(width * bytes);

        if (!flat || !decoded)
            abort();
        /* After 64 black pixels every channel is at k = 0. A residual code of exactly `zeros` in
         * the first channel is then the escape of all zero bits: where the two streams part, it
         * starts. */
        plain = encode(format, width, 1, flat, &size);
        if (bits == 8)
            flat[64 * bytes + (bytes > 1 ? 2 : 0)] = zeros / 2;
        else
            flat[64 * bytes + 1] = (31 - zeros / 2) << 2; /* 21 is odd: minus eleven */
        spiky = encode(format, width, 1, flat, &spiky_size);
        while (at < size * 8 && get_bit(plain, at) == get_bit(spiky, at))
            at++;
        for (unsigned z = 0; z < zeros + extra; z++)
            CHECK(!get_bit(spiky, at + z));
        CHECK(decode_both(spiky, spiky_size, format, width * bytes, width, decoded) == CODEC_OK);
        for (unsigned z = 0; z < extra; z++)
            set_bit(spiky, at + zeros + z);
        CHECK(decode_both(spiky, spiky_size, format, width * bytes, width, decoded) ==
              CODEC_BAD_DATA);
        free(flat);
        free(plain);
        free(spiky);
        free(decoded);
    }

    tap_case("cve_2020_14355_empty_input");
    uint8_t *nothing = malloc(1);

    CHECK(quic_read_header(nothing, 0, &info) == CODEC_TRUNCATED);
    CHECK(quic_decode(nothing, 0, CODEC_FORMAT_RGB32, pixels, 4) == CODEC_TRUNCATED);
    CHECK(quic_read_header(NULL, 0, &info) == CODEC_TRUNCATED);
    free(nothing);
    memset(stream, 0, sizeof stream);
    for (uint32_t type = 1; type <= 5; type++)
        for (size_t size = 0; size <= 20; size++) {
            uint8_t *exact = malloc(size ? size : 1);

            put_header(stream, type, 1, 1);
            if (!exact)
                abort();
            memcpy(exact, stream, size);
            CHECK(quic_decode(exact, size, formats[type - 1], pixels, 4) == CODEC_TRUNCATED);
            free(exact);
        }
}

int main(void)
{
    test_round_trips();
    test_output();
    test_truncation();
    test_damage();
    test_cve_2020_14355();
    return tap_done();
}
