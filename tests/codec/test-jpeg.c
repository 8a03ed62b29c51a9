/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JPEG, JPEG_ALPHA and MJPEG frames: round trips, every kind of JPEG that may come, and that no
 * picture ends the process. */
#include "codec/jpeg.h"
#include "pictures.h"
#include "tap.h"

#include <math.h>
#include <stdio.h>
#include <jpeglib.h>

enum { W = 93, H = 70 };

/* Soft colours, as JPEG likes them. */
static uint8_t *soft_picture(CodecFormat format, size_t stride)
{
    uint8_t *pixels = malloc(stride * H);

    memset(pixels, 0xcc, stride * H);
    for (int y = 0; y < H; y++) {
        for (int x = 0; x < W; x++) {
            uint8_t c[4] = {60 + x, 40 + 2 * y, 200 - x, 3 * x + y};
            uint8_t *p = pixels + y * stride + x * codec_format_bits(format) / 8;

            if (format == CODEC_FORMAT_RGB16) {
                uint16_t v = (c[2] >> 3) << 10 | (c[1] >> 3) << 5 | c[0] >> 3;
                memcpy(p, &v, 2);
            } else {
                memcpy(p, c, format == CODEC_FORMAT_RGB24 ? 3 : 4);
            }
        }
    }
    return pixels;
}

static double error_of(CodecFormat format, const uint8_t *source, size_t stride, const uint8_t *got,
                       size_t got_stride)
{
    double sum = 0;

    for (int y = 0; y < H; y++) {
        for (int x = 0; x < W; x++) {
            const uint8_t *p = source + y * stride + x * codec_format_bits(format) / 8,
                          *q = got + y * got_stride + 4 * x;
            uint8_t c[3] = {p[0], p[1], 0};

            if (format == CODEC_FORMAT_RGB16) {
                uint16_t v;
                memcpy(&v, p, 2);
                c[0] = (v & 31) * 255 / 31, c[1] = (v >> 5 & 31) * 255 / 31,
                c[2] = (v >> 10 & 31) * 255 / 31;
            } else {
                c[2] = p[2];
            }
            for (int i = 0; i < 3; i++)
                sum += (c[i] - q[i]) * (c[i] - q[i]);
        }
    }
    return sqrt(sum / (W * H * 3));
}

static void test_round_trips(void)
{
    static const CodecFormat formats[] = {CODEC_FORMAT_RGB16, CODEC_FORMAT_RGB24,
                                          CODEC_FORMAT_RGB32, CODEC_FORMAT_RGBA};
    size_t plain_size = 0;

    for (int i = 0; i < 24; i++) {
        CodecFormat format = formats[i % 4], to = i % 2 ? CODEC_FORMAT_RGB32 : CODEC_FORMAT_RGBA;
        JpegOptions options = {
            .quality = 90, .subsampling = (JpegSubsampling)(i / 4 % 3), .optimize = i >= 12};
        size_t stride = W * 4 + 12, size = 0, pitch = W * 4 + 8;
        uint8_t *source = soft_picture(format, stride), *out = malloc(W * H * 4),
                *got = malloc(pitch * H);
        CodecInfo info;

        tap_case("jpeg: all formats, samplings and both kinds of tables");
        memset(got, 0x5a, pitch * H);
        CHECK(jpeg_image_encode(format, W, H, source, stride, &options, out, W * H * 4, &size) ==
              CODEC_OK);
        uint8_t *data = exact_copy(out, size);
        CHECK(jpeg_image_read_header(data, size, &info) == CODEC_OK);
        CHECK(info.width == W && info.height == H && info.top_down &&
              info.format == CODEC_FORMAT_RGB32);
        CHECK(jpeg_image_decode(data, size, to, got + pitch * (H - 1), -(ptrdiff_t)pitch) ==
              CODEC_OK);
        CHECK(jpeg_image_decode(data, size, to, got, pitch) == CODEC_OK);
        CHECK(error_of(format, source, stride, got, pitch) < 4);
        bool right = true;
        for (int y = 0; y < H; y++) {
            for (int x = 0; x < W; x++)
                right &= got[y * pitch + 4 * x + 3] == (to == CODEC_FORMAT_RGBA ? 255 : 0);
            for (int k = 0; k < 8; k++)
                right &= got[y * pitch + W * 4 + k] == 0x5a;
        }
        CHECK(right);
        CHECK(jpeg_image_decode(data, size, CODEC_FORMAT_RGB16, got, pitch) == CODEC_BAD_DATA);
        if (i == 2)
            plain_size = size;
        if (i == 14)
            CHECK(size < plain_size);
        for (size_t capacity = 0; capacity < size; capacity += 1 + size / 30) {
            uint8_t *exact = malloc(capacity ? capacity : 1);
            size_t unused;

            CHECK(jpeg_image_encode(format, W, H, source, stride, &options, exact, capacity,
                                    &unused) == CODEC_NO_SPACE);
            free(exact);
        }
        free(data);
        free(got);
        free(out);
        free(source);
    }
}

static void test_alpha(void)
{
    JpegOptions options = {.quality = 85};
    size_t stride = W * 4, jpeg_size, size;
    uint8_t *source = soft_picture(CODEC_FORMAT_RGBA, stride), *out = malloc(W * H * 5),
            *got = malloc(stride * H);

    for (int top_down = 0; top_down < 2; top_down++) {
        CodecInfo info;
        bool same = true;

        tap_case(top_down ? "jpeg-alpha: top-down" : "jpeg-alpha: bottom-up");
        CHECK(jpeg_alpha_encode(NULL, top_down, W, H, source, stride, &options, out, W * H * 5,
                                &jpeg_size, &size) == CODEC_OK);
        uint8_t *data = exact_copy(out, size);
        CHECK(jpeg_alpha_read_header(data, size, jpeg_size, !top_down, &info) == CODEC_BAD_HEADER);
        CHECK(jpeg_alpha_read_header(data, size, jpeg_size, top_down, &info) == CODEC_OK);
        CHECK(info.format == CODEC_FORMAT_RGBA && info.top_down);
        CHECK(jpeg_alpha_decode(data, size, jpeg_size, top_down, got, stride) == CODEC_OK);
        for (int i = 3; i < W * H * 4; i += 4)
            same &= got[i] == source[i];
        CHECK(same);
        CHECK(error_of(CODEC_FORMAT_RGBA, source, stride, got, stride) < 4);
        for (size_t cut = 0; cut < size; cut++) {
            uint8_t *part = exact_copy(data, cut);
            CHECK(jpeg_alpha_decode(part, cut, jpeg_size, top_down, got, stride) != CODEC_OK);
            free(part);
        }
        for (uint32_t other = 0; other <= size; other++)
            if (other != jpeg_size)
                CHECK(jpeg_alpha_decode(data, size, other, top_down, got, stride) != CODEC_OK);
        CHECK(jpeg_alpha_decode(data, size, UINT32_MAX, top_down, got, stride) != CODEC_OK);
        CHECK(jpeg_alpha_encode(NULL, top_down, W, H, source, stride, &options, out, size - 1,
                                &jpeg_size, &size) == CODEC_NO_SPACE);
        free(data);
    }
    free(got);
    free(out);
    free(source);
}

/* A JPEG of a kind that our encoder doesn't write. */
static uint8_t *other_jpeg(int components, bool progressive, int restart, bool arithmetic,
                           size_t *size)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *out = NULL;
    unsigned long n = 0;

    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &out, &n);
    jpeg.image_width = W;
    jpeg.image_height = H;
    jpeg.input_components = components;
    jpeg.in_color_space = components == 1 ? JCS_GRAYSCALE : components == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    if (progressive)
        jpeg_simple_progression(&jpeg);
    jpeg.restart_interval = restart;
    jpeg.arith_code = arithmetic;
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < H; y++) {
        uint8_t row[W * 4];
        JSAMPROW rows[] = {row};

        for (int i = 0; i < W * components; i++)
            row[i] = 50 + i / components + y;
        jpeg_write_scanlines(&jpeg, rows, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    uint8_t *data = exact_copy(out, n);
    free(out);
    *size = n;
    return data;
}

static void test_other_kinds(void)
{
    uint8_t *pixels = malloc(W * H * 4);
    CodecInfo info;
    size_t size;

    tap_case("jpeg: grey, progressive, restart intervals");
    for (int i = 0; i < 8; i++) {
        uint8_t *data = other_jpeg(i & 1 ? 1 : 3, i & 2, i & 4 ? 5 : 0, false, &size);

        CHECK(jpeg_image_read_header(data, size, &info) == CODEC_OK && info.width == W &&
              info.height == H);
        CHECK(jpeg_image_decode(data, size, CODEC_FORMAT_RGB32, pixels, W * 4) == CODEC_OK);
        bool right = true;
        for (int k = 0; k < W * H * 4; k++)
            right &=
                k % 4 == 3 ? pixels[k] == 0 : abs(pixels[k] - (50 + k / 4 % W + k / 4 / W)) <= 6;
        CHECK(right);
        for (size_t cut = 0; cut < size - 2;
             cut += i & 2 ? 3 : 1) { /* the last two bytes are the end marker */
            uint8_t *part = exact_copy(data, cut);
            CHECK(jpeg_image_decode(part, cut, CODEC_FORMAT_RGB32, pixels, W * 4) != CODEC_OK);
            free(part);
        }
        free(data);
    }
    tap_case("jpeg: four components and arithmetic coding are refused");
    uint8_t *data = other_jpeg(4, false, 0, false, &size);
    CHECK(jpeg_image_read_header(data, size, &info) == CODEC_BAD_HEADER);
    free(data);
    data = other_jpeg(3, false, 0, true, &size);
    CHECK(jpeg_image_read_header(data, size, &info) == CODEC_BAD_HEADER);
    free(data);
    free(pixels);
}

/* Where the marker's segment begins. */
static size_t find_marker(const uint8_t *data, size_t size, uint8_t marker)
{
    for (size_t at = 2; at + 4 <= size; at += 2 + (data[at + 2] << 8 | data[at + 3]))
        if (data[at + 1] == marker)
            return at;
    return size;
}

static void test_bombs(void)
{
    uint8_t *pixels = malloc(W * H * 4);
    size_t size;
    uint8_t *data = other_jpeg(3, true, 0, false, &size);
    CodecInfo info;

    tap_case("jpeg: a small payload that claims a huge picture");
    uint8_t *huge = exact_copy(data, size);
    size_t sof = find_marker(huge, size, 0xc2);
    CHECK(sof < size);
    memcpy(huge + sof + 5, "\x3f\xff\x3f\xff", 4);
    CHECK(jpeg_image_read_header(huge, size, &info) == CODEC_TRUNCATED);
    memcpy(huge + sof + 5, "\xff\xdc\xff\xdc", 4);
    CHECK(jpeg_image_read_header(huge, size, &info) == CODEC_TOO_LARGE);
    memcpy(huge + sof + 5, "\xff\xff\xff\xff", 4);
    CHECK(jpeg_image_read_header(huge, size, &info) != CODEC_OK);
    memcpy(huge + sof + 5, "\0\0\0\0", 4);
    CHECK(jpeg_image_read_header(huge, size, &info) != CODEC_OK);
    free(huge);

    tap_case("jpeg: thousands of scans");
    size_t sos = find_marker(data, size, 0xda), next = sos + 2;
    while (!(data[next] == 0xff && data[next + 1] != 0))
        next++;
    size_t scan = next - sos, n = sos + 3000 * scan + (size - next);
    uint8_t *many = malloc(n);
    memcpy(many, data, sos);
    for (int i = 0; i < 3000; i++)
        memcpy(many + sos + i * scan, data + sos, scan);
    memcpy(many + sos + 3000 * scan, data + next, size - next);
    CHECK(jpeg_image_decode(many, n, CODEC_FORMAT_RGB32, pixels, W * 4) == CODEC_BAD_DATA);
    free(many);
    free(data);
    free(pixels);
}

static void a_corrupt_jpeg_exits_the_process(void)
{
    Random random = {1};
    uint8_t *pixels = malloc(W * H * 4);
    int refused = 0, shown = 0;

    tap_case(__func__);
    for (int i = 0; i < 3000; i++) {
        size_t size;
        uint8_t *data = other_jpeg(i & 1 ? 1 : 3, i & 2, i & 4 ? 5 : 0, false, &size);
        CodecInfo info;

        for (uint32_t k = 1 + random_below(&random, 5); k--;)
            data[random_below(&random, i % 3 || size < 600 ? size : 600)] = random_next(&random);
        if (jpeg_image_read_header(data, size, &info) != CODEC_OK || info.width != W ||
            info.height != H ||
            jpeg_image_decode(data, size, CODEC_FORMAT_RGB32, pixels, W * 4) != CODEC_OK)
            refused++;
        else
            shown++;
        free(data);
    }
    CHECK(refused > 500 && shown > 100);
    CHECK(jpeg_image_decode(pixels, 0, CODEC_FORMAT_RGB32, pixels, W * 4) == CODEC_TRUNCATED);
    free(pixels);
}

static void test_encoder_limits(void)
{
    JpegOptions options = {.quality = 85}, none = {.quality = 0}, more = {.quality = 101};
    uint8_t *row = calloc(JPEG_IMAGE_MAX_SIDE + 1, 4), out[4096];
    size_t size;

    tap_case("jpeg: what the encoder refuses");
    CHECK(jpeg_image_encode(CODEC_FORMAT_RGB32, JPEG_IMAGE_MAX_SIDE + 1, 1, row, 0, &options, out,
                            4096, &size) == CODEC_TOO_LARGE);
    CHECK(jpeg_image_encode(CODEC_FORMAT_RGB32, 0, 1, row, 0, &options, out, 4096, &size) ==
          CODEC_BAD_HEADER);
    CHECK(jpeg_image_encode(CODEC_FORMAT_A8, 1, 1, row, 0, &options, out, 4096, &size) ==
          CODEC_BAD_DATA);
    CHECK(jpeg_image_encode(CODEC_FORMAT_RGB32, 1, 1, row, 0, &none, out, 4096, &size) ==
          CODEC_BAD_DATA);
    CHECK(jpeg_image_encode(CODEC_FORMAT_RGB32, 1, 1, row, 0, &more, out, 4096, &size) ==
          CODEC_BAD_DATA);
    free(row);
}

/* The same frame without its Huffman tables. */
static uint8_t *without_tables(const uint8_t *data, size_t size, size_t *left)
{
    uint8_t *out = malloc(size);
    size_t n = 2;

    memcpy(out, data, 2);
    for (size_t at = 2; at < size;) {
        size_t part = data[at + 1] == 0xda ? size - at : 2 + (data[at + 2] << 8 | data[at + 3]);

        if (data[at + 1] != 0xc4) {
            memcpy(out + n, data + at, part);
            n += part;
        }
        at += part;
    }
    *left = n;
    return out;
}

static void test_stream(void)
{
    JpegOptions plain = {.quality = 80}, own = {.quality = 80, .optimize = true};
    size_t stride = W * 4, size, short_size;
    uint8_t *source = soft_picture(CODEC_FORMAT_RGB32, stride), *out = malloc(W * H * 4),
            *got = malloc(stride * H);
    CodecInfo info;

    tap_case(
        "mjpeg: a frame without Huffman tables at the start of a stream takes the standard ones");
    CHECK(jpeg_image_encode(CODEC_FORMAT_RGB32, W, H, source, stride, &plain, out, W * H * 4,
                            &size) == CODEC_OK);
    uint8_t *bare = without_tables(out, size, &short_size);
    JpegStream *stream = jpeg_stream_new();
    CHECK(short_size < size);
    CHECK(jpeg_stream_begin(stream, bare, short_size, &info) == CODEC_OK && info.width == W);
    CHECK(jpeg_stream_decode(stream, CODEC_FORMAT_RGB32, got, stride) == CODEC_OK);
    CHECK(error_of(CODEC_FORMAT_RGB32, source, stride, got, stride) < 5);

    tap_case("mjpeg: a bad frame is skipped, the next one is shown");
    CHECK(jpeg_stream_decode(stream, CODEC_FORMAT_RGB32, got, stride) ==
          CODEC_BAD_DATA); /* none was begun */
    CHECK(jpeg_stream_begin(stream, bare, 100, &info) == CODEC_TRUNCATED);
    CHECK(jpeg_stream_begin(stream, bare, short_size / 2, &info) == CODEC_OK);
    CHECK(jpeg_stream_decode(stream, CODEC_FORMAT_RGB32, got, stride) == CODEC_TRUNCATED);
    CHECK(jpeg_stream_begin(stream, (const uint8_t *)"no JPEG", 7, &info) == CODEC_BAD_HEADER);
    CHECK(jpeg_stream_begin(stream, bare, short_size, &info) == CODEC_OK);
    CHECK(jpeg_stream_begin(stream, bare, short_size, &info) ==
          CODEC_OK); /* the first one was not wanted after all */
    CHECK(jpeg_stream_decode(stream, CODEC_FORMAT_RGBA, got, stride) == CODEC_OK);
    CHECK(error_of(CODEC_FORMAT_RGB32, source, stride, got, stride) < 5);
    jpeg_stream_free(stream);

    tap_case("mjpeg: tables of one frame serve the following ones");
    stream = jpeg_stream_new();
    CHECK(jpeg_image_encode(CODEC_FORMAT_RGB32, W, H, source, stride, &own, out, W * H * 4,
                            &size) == CODEC_OK);
    uint8_t *own_bare = without_tables(out, size, &short_size);
    CHECK(jpeg_stream_begin(stream, out, size, &info) == CODEC_OK);
    CHECK(jpeg_stream_decode(stream, CODEC_FORMAT_RGB32, got, stride) == CODEC_OK);
    memset(got, 0, stride * H);
    CHECK(jpeg_stream_begin(stream, own_bare, short_size, &info) == CODEC_OK);
    CHECK(jpeg_stream_decode(stream, CODEC_FORMAT_RGB32, got, stride) == CODEC_OK);
    CHECK(error_of(CODEC_FORMAT_RGB32, source, stride, got, stride) < 5);
    jpeg_stream_free(stream);
    free(own_bare);
    free(bare);
    free(got);
    free(out);
    free(source);
}

int main(void)
{
    test_round_trips();
    test_alpha();
    test_other_kinds();
    test_bombs();
    a_corrupt_jpeg_exits_the_process();
    test_encoder_limits();
    test_stream();
    return tap_done();
}
