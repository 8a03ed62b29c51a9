/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of the canvas room against their definitions: raster operations, blending, sampling,
 * lines, D, conversions. */
#include <stdlib.h>
#include <string.h>

#include <spice/enums.h>

#include "canvas/blend.h"
#include "canvas/rop.h"
#include "canvas/sample.h"
#include "canvas/scene.h"
#include "canvas/source.h"
#include "canvas/stroke.h"
#include "tap.h"

static uint32_t binary(CanvasRop rop, uint32_t s, uint32_t d)
{
    switch (rop) {
    case CANVAS_ROP_CLEAR:
        return 0;
    case CANVAS_ROP_AND:
        return s & d;
    case CANVAS_ROP_AND_REV:
        return s & ~d;
    case CANVAS_ROP_COPY:
        return s;
    case CANVAS_ROP_AND_INV:
        return ~s & d;
    case CANVAS_ROP_NOOP:
        return d;
    case CANVAS_ROP_XOR:
        return s ^ d;
    case CANVAS_ROP_OR:
        return s | d;
    case CANVAS_ROP_NOR:
        return ~(s | d);
    case CANVAS_ROP_EQUIV:
        return ~(s ^ d);
    case CANVAS_ROP_INVERT:
        return ~d;
    case CANVAS_ROP_OR_REV:
        return s | ~d;
    case CANVAS_ROP_COPY_INV:
        return ~s;
    case CANVAS_ROP_OR_INV:
        return ~s | d;
    case CANVAS_ROP_NAND:
        return ~(s & d);
    default:
        return UINT32_MAX;
    }
}

static void test_binary_operations(void)
{
    const uint32_t s = 0xcccc5aa5, d = 0xaaaa33cc;

    tap_case("sixteen operations by row, by pixel and by terms");
    for (int rop = 0; rop < 16; rop++) {
        uint32_t expected = binary(rop, s, d);
        uint32_t row[37], source[37];
        CanvasRopTerms terms = canvas_rop_terms(rop);
        uint32_t keep = (terms.keep_s & s) ^ terms.keep_0, flip = (terms.flip_s & s) ^ terms.flip_0;

        for (int i = 0; i < 37; i++) {
            row[i] = d;
            source[i] = s;
        }
        canvas_rop_row(rop, (uint8_t *)(row + 1), (uint8_t *)(source + 2), 35 * 4);
        CHECK(row[0] == d && row[36] == d && row[1] == expected && row[35] == expected);
        CHECK(((d & keep) ^ flip) == expected);
        for (unsigned int size = 1; size <= 4; size *= 2) {
            uint32_t mask = size == 4 ? UINT32_MAX : (1u << 8 * size) - 1;

            for (int i = 0; i < 37; i++)
                row[i] = size == 4 ? d : size == 2 ? (d & mask) * 0x10001 : (d & mask) * 0x1010101;
            canvas_rop_solid(keep, flip, size, (uint8_t *)row, 37);
            CHECK((row[0] & mask) == (expected & mask));
        }
    }
}

static void test_descriptors(void)
{
    tap_case("every descriptor against section 4.2");
    for (unsigned int value = 0; value < 65536; value++) {
        const uint16_t s_flags[] = {SPICE_ROPD_INVERS_BRUSH, SPICE_ROPD_INVERS_SRC,
                                    SPICE_ROPD_INVERS_BRUSH};
        const uint16_t d_flags[] = {SPICE_ROPD_INVERS_DEST, SPICE_ROPD_INVERS_DEST,
                                    SPICE_ROPD_INVERS_SRC};

        for (int i = 0; i < 3; i++) {
            const uint32_t s = 0xcc, d = 0xaa;
            uint32_t s2 = value & s_flags[i] ? ~s : s, d2 = value & d_flags[i] ? ~d : d;
            uint32_t expected, invert = value & SPICE_ROPD_INVERS_RES ? UINT32_MAX : 0;

            if (value & SPICE_ROPD_OP_PUT)
                expected = s2 ^ invert;
            else if (value & SPICE_ROPD_OP_OR)
                expected = (s2 | d2) ^ invert;
            else if (value & SPICE_ROPD_OP_AND)
                expected = (s2 & d2) ^ invert;
            else if (value & SPICE_ROPD_OP_XOR)
                expected = (s2 ^ d2) ^ invert;
            else if (value & SPICE_ROPD_OP_BLACKNESS)
                expected = 0;
            else if (value & SPICE_ROPD_OP_WHITENESS)
                expected = UINT32_MAX;
            else if (value & SPICE_ROPD_OP_INVERS)
                expected = ~d;
            else
                expected = s;
            if ((binary(canvas_rop_reduce(value, s_flags[i], d_flags[i]), s, d) & 0xff) !=
                (expected & 0xff)) {
                CHECK(!"reduction");
                return;
            }
        }
    }
    CHECK(true);
}

static void test_ternary(void)
{
    tap_case("all 256 ternary codes");
    for (int code = 0; code < 256; code++) {
        uint8_t row[40], pattern[40], source[40];

        memset(row, 0xaa, sizeof row);
        memset(source, 0xcc, sizeof source);
        memset(pattern, 0xf0, sizeof pattern);
        canvas_rop3_row(code, row, pattern, source, 39);
        /* With these operands bit i of the result is bit i of the code. */
        CHECK(row[0] == code && row[38] == code && row[39] == 0xaa);
    }
}

static void test_over(void)
{
    int wrong = 0;

    tap_case("OVER against section 8.4");
    for (uint32_t a = 0; a < 256; a++)
        for (uint32_t b = 0; b < 256; b++)
            for (uint32_t s_a = 0; s_a < 256; s_a += 15)
                for (uint32_t m = 5; m < 256; m += 50) {
                    uint32_t s = s_a << 24 | a * 0x010101, d = b * 0x01010101, expected = 0,
                             m_a = canvas_mul(s_a, m);
                    uint32_t row[5] = {d, d, d, d, d};
                    const uint32_t sources[5] = {s, s, s, s, s};

                    for (int shift = 0; shift < 32; shift += 8) {
                        uint32_t sum = canvas_mul(s >> shift & 255, m) +
                                       canvas_mul(d >> shift & 255, 255 - m_a);

                        expected |= (sum > 255 ? 255 : sum) << shift;
                    }
                    canvas_over_row(row, sources, m, UINT32_MAX, 5);
                    wrong += row[0] != expected || row[3] != expected || row[4] != expected;
                }
    CHECK(wrong == 0);
}

static void test_bits(void)
{
    uint8_t bits[40], out[40], bytes[320];
    uint32_t state = 1;
    int wrong = 0;

    tap_case("bits: shift, unpack, pack");
    for (int i = 0; i < 40; i++)
        bits[i] = (state = state * 1103515245 + 12345) >> 16;
    for (size_t x = 0; x < 30; x++)
        for (size_t n = 0; n < 200; n++) {
            uint8_t *exact = malloc((n + 7) / 8 + 1), *packed = calloc(1, 40);

            canvas_shift_bits(bits, (x + n + 7) / 8, x, n, exact);
            memcpy(out, exact, (n + 7) / 8);
            canvas_unpack_bits(bits, x, n, bytes);
            canvas_pack_bits(packed, x, n, bytes);
            for (size_t i = 0; i < n; i++) {
                unsigned int expected = bits[(x + i) >> 3] >> ((x + i) & 7) & 1;

                wrong += (out[i >> 3] >> (i & 7) & 1) != expected;
                wrong += bytes[i] != expected;
                wrong += (packed[(x + i) >> 3] >> ((x + i) & 7) & 1) != expected;
            }
            if (n & 7)
                wrong += out[n >> 3] >> (n & 7) != 0;
            free(exact);
            free(packed);
        }
    CHECK(wrong == 0);
}

static uint32_t texel(const CanvasPixels *image, int64_t column, int64_t row)
{
    uint32_t argb;

    if (column < 0 || row < 0 || column >= image->width || row >= image->height)
        return 0;
    canvas_fetch(image, column, row, 1, &argb);
    return argb;
}

/* The formulas of 8.2 and 8.3, pixel by pixel. */
static uint32_t sample_by_formula(const CanvasPixels *image, int64_t u, int64_t v, bool interpolate)
{
    uint32_t result = 0;

    if (!interpolate)
        return texel(image, (u - 1) >> 16, (v - 1) >> 16);
    u -= 32768;
    v -= 32768;
    int64_t c = u >> 16, r = v >> 16, p = ((u >> 9) & 127) * 2, q = ((v >> 9) & 127) * 2;
    uint32_t four[4] = {texel(image, c, r), texel(image, c + 1, r), texel(image, c, r + 1),
                        texel(image, c + 1, r + 1)};

    for (int shift = 0; shift < 32; shift += 8) {
        uint64_t sum = (four[0] >> shift & 255) * (256 - p) * (256 - q) +
                       (four[1] >> shift & 255) * p * (256 - q) +
                       (four[2] >> shift & 255) * (256 - p) * q + (four[3] >> shift & 255) * p * q;

        result |= (uint32_t)(sum >> 16) << shift;
    }
    return result;
}

static void test_sampling(void)
{
    Scene scene;
    int wrong = 0;

    tap_case("sampling against 8.2 and 8.3, all formats");
    scene_init(&scene, 5, SCENE_WIDTH, SCENE_HEIGHT);
    for (int round = 0; round < 300; round++) {
        const CanvasPixels *image =
            &session_surface(&scene.session, scene_random(&scene, 6))->pixels;
        int64_t sx = (int64_t)scene_random(&scene, 60) - 10, sw = 1 + scene_random(&scene, 90);
        int64_t sy = (int64_t)scene_random(&scene, 60) - 10, sh = 1 + scene_random(&scene, 90);
        int64_t dw = 1 + scene_random(&scene, 200), dh = 1 + scene_random(&scene, 200);
        bool interpolate = round & 1;
        int32_t left = (int32_t)scene_random(&scene, 50) - 20,
                top = (int32_t)scene_random(&scene, 50) - 20;
        pixman_box32_t extents = {left + scene_random(&scene, dw), top, left + dw, top + dh};
        CanvasAxis across, down;
        CanvasSampler sampler;
        uint32_t argb[256];

        CHECK(canvas_axis_scale(&across, sx, sx + sw, dw) &&
              canvas_axis_scale(&down, sy, sy + sh, dh));
        CHECK(canvas_sampler_init(&sampler, image, across, down, interpolate, left, top,
                                  &extents) == CANVAS_OK);
        for (int32_t y = extents.y1; y < extents.y2; y++) {
            canvas_sample(&sampler, extents.x1, y, extents.x2 - extents.x1, argb);
            for (int32_t x = extents.x1; x < extents.x2; x++) {
                int64_t kx = sw * 65536 / dw, ky = sh * 65536 / dh;
                int64_t u = sx * 65536 + (x - left) * kx + ((kx + 1) >> 1);
                int64_t v = sy * 65536 + (y - top) * ky + ((ky + 1) >> 1);

                wrong += argb[x - extents.x1] != sample_by_formula(image, u, v, interpolate);
            }
        }
        canvas_sampler_clear(&sampler);
    }
    CHECK(wrong == 0);
    CHECK(!canvas_axis_scale(&(CanvasAxis){0}, 5, 5, 10));
    CHECK(!canvas_axis_scale(&(CanvasAxis){0}, 5, 4, 10));
    CHECK(!canvas_axis_scale(&(CanvasAxis){0}, 4, 5, 0));
    CHECK(!canvas_axis_scale_rop3(&(CanvasAxis){0}, 4, 5, -3));
    scene_clear(&scene);
}

/* ---- lines ---- */

enum { BOARD = 64 };

typedef struct Board {
    uint8_t count[BOARD][BOARD];
} Board;

static void board_span(void *ctx, int32_t x, int32_t y, int32_t n)
{
    Board *board = ctx;

    for (; n > 0; n--)
        board->count[y][x++]++;
}

static void board_line(void *ctx, int32_t x, int32_t y, int32_t step_x, int32_t step_y,
                       bool x_major, int64_t error, int64_t add, int64_t subtract, int64_t n)
{
    Board *board = ctx;

    while (n-- > 0) {
        if (x < 0 || y < 0 || x >= BOARD || y >= BOARD) {
            CHECK(!"line left its bounds");
            return;
        }
        board->count[y][x]++;
        error += add;
        x += x_major ? step_x : 0;
        y += x_major ? 0 : step_y;
        if (error >= subtract) {
            error -= subtract;
            x += x_major ? 0 : step_x;
            y += x_major ? step_y : 0;
        }
    }
}

static int64_t floor_div(__int128 a, __int128 b)
{
    __int128 q = a / b;

    return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

/* 13.4 by its formula, for the columns or rows of the board only. */
static void line_by_formula(Board *board, CanvasPoint a, CanvasPoint b)
{
    int64_t dx = b.x - a.x, dy = b.y - a.y, width = llabs(dx), height = llabs(dy);
    int64_t sx = dx < 0 ? -1 : 1, sy = dy < 0 ? -1 : 1;
    bool x_major = width > height;
    int64_t n = x_major ? width : height, slope = x_major ? height : width,
            t = (x_major ? dx : dy) < 0;

    for (int64_t k = 0; k < BOARD; k++) {
        int64_t i = x_major ? (k - a.x) * sx : (k - a.y) * sy;

        if (i < 0 || i >= n)
            continue;
        int64_t step = floor_div((__int128)2 * i * slope + n - t, (__int128)2 * n);
        int64_t x = x_major ? k : a.x + sx * step, y = x_major ? a.y + sy * step : k;

        if (x >= 0 && y >= 0 && x < BOARD && y < BOARD)
            board->count[y][x]++;
    }
}

static void test_lines(void)
{
    Scene scene;
    int wrong = 0, drawn = 0;

    tap_case("solid lines against 13.4, near and far");
    scene_init(&scene, 9, 1, 1);
    for (int round = 0; round < 20000; round++) {
        Board board = {0}, expected = {0};
        CanvasPen pen = {{0, 0, BOARD, BOARD}, board_span, board_line, &board};
        CanvasPoint points[2];
        int64_t range = (int64_t[]){40, 100, 5000, 1 << 20, 1 << 28}[round % 5];

        for (int i = 0; i < 2; i++) {
            points[i].x = 32 + (int64_t)scene_random(&scene, 2 * range) - range;
            points[i].y = 32 + (int64_t)scene_random(&scene, 2 * range) - range;
        }
        /* Long lines have to pass by to be seen. */
        if (range > 100 && round & 1) {
            points[1].x = 64 - points[0].x + (int64_t)scene_random(&scene, 9) - 4;
            points[1].y = 64 - points[0].y + (int64_t)scene_random(&scene, 9) - 4;
        }
        canvas_stroke_solid(&pen, points, 2);
        line_by_formula(&expected, points[0], points[1]);
        wrong += memcmp(&board, &expected, sizeof board) != 0;
        drawn += memcmp(&board, &(Board){0}, sizeof board) != 0;
    }
    CHECK(wrong == 0);
    CHECK(drawn > 8000);
    scene_clear(&scene);
}

/* Both ways, each pixel once: 1:0 dashes of a pattern and its complement make the whole line. */
static void test_dashes_tile_a_line(void)
{
    static const int32_t dash[] = {5 * 16, 3 * 16};
    Scene scene;
    int wrong = 0;

    tap_case("dashes and gaps together are the line, each pixel once");
    scene_init(&scene, 10, 1, 1);
    for (int round = 0; round < 3000; round++) {
        Board board = {0}, whole = {0};
        CanvasPen pen = {{0, 0, BOARD, BOARD}, board_span, board_line, &board};
        CanvasPen whole_pen = {{0, 0, BOARD, BOARD}, board_span, board_line, &whole};
        CanvasDashes with_dash, with_gap, always;
        static const int32_t full[] = {255 * 16};
        CanvasPoint points[2];

        for (int i = 0; i < 2; i++)
            points[i] = (CanvasPoint){scene_random(&scene, BOARD), scene_random(&scene, BOARD)};
        CHECK(canvas_dashes_init(&with_dash, dash, 2, false));
        with_gap = with_dash;
        /* The same lengths with the roles exchanged. */
        with_gap.n = 4;
        memcpy(with_gap.lengths, (uint8_t[]){0, 5, 3, 0}, 4);
        with_gap.start = 1;
        CHECK(canvas_dashes_init(&always, full, 1, false));
        canvas_stroke_dashed(&pen, &with_dash, points, 2, false);
        canvas_stroke_dashed(&pen, &with_gap, points, 2, false);
        canvas_stroke_dashed(&whole_pen, &always, points, 2, false);
        wrong += memcmp(&board, &whole, sizeof board) != 0;
    }
    CHECK(wrong == 0);
    CHECK(!canvas_dashes_init(&(CanvasDashes){0}, (int32_t[]){0, 0, 8}, 3, false));
    CHECK(!canvas_dashes_init(&(CanvasDashes){0}, NULL, 0, false));
    scene_clear(&scene);
}

/* Far from the surface the dash walk is shortened: the picture must be that of the full walk. */
static void test_far_dashes(void)
{
    static const int32_t dash[] = {3 * 16, 4 * 16, 2 * 16, 5 * 16};
    Board near_board = {0}, far_board = {0};
    CanvasPen near_pen = {{0, 0, BOARD, BOARD}, board_span, board_line, &near_board};
    CanvasPen far_pen = {{0, 0, BOARD, BOARD}, board_span, board_line, &far_board};
    CanvasDashes dashes;
    /* Horizontal: every sum is exact, so a start 6 * 10^6 periods away is the start at -14. */
    const CanvasPoint near_line[] = {{-14, 20},        {200, 20},        {200, 40},
                                     {-200000013, 40}, {-200000013, 50}, {90, 50}};
    CanvasPoint far_line[6];

    tap_case("dashes of a line that begins 84 million pixels away");
    memcpy(far_line, near_line, sizeof far_line);
    far_line[0].x -= 84000000;
    CHECK(canvas_dashes_init(&dashes, dash, 4, false) && dashes.period == 14);
    canvas_stroke_dashed(&near_pen, &dashes, near_line, 6, true);
    canvas_stroke_dashed(&far_pen, &dashes, far_line, 6, true);
    CHECK(memcmp(&near_board, &far_board, sizeof near_board) == 0);
    CHECK(memcmp(&near_board, &(Board){0}, sizeof near_board) != 0);
}

int main(void)
{
    test_binary_operations();
    test_descriptors();
    test_ternary();
    test_over();
    test_bits();
    test_sampling();
    test_lines();
    test_dashes_tile_a_line();
    test_far_dashes();
    return tap_done();
}
