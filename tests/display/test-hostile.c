/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages of a server that means harm: they end the channel with words or are ignored, and memory
 * stays in bounds. Tests that carry the name of a row of docs/spec/dangers.md stand for it on the
 * display channel of a client. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "display/messages.h"
#include "tap.h"

static RendererShared *shared;
static Player player;

static void start_with(uint64_t surface_bytes)
{
    RendererSharedLimits limits;
    RendererConfig config;

    renderer_shared_limits_init(&limits);
    limits.cache_pixels = 1000;
    limits.threads = 0;
    shared = renderer_shared_new(&limits);
    renderer_config_init(&config);
    config.own_thread = false;
    config.gstreamer = false;
    if (surface_bytes > 0)
        config.surface_bytes = surface_bytes;
    player_init(&player, shared, &config, 0, true, NULL);
    send_primary(&player, 16, 16);
    renderer_run(player.renderer);
}

static void start(void)
{
    start_with(0);
}

static bool run(void)
{
    renderer_run(player.renderer);
    return !player_failed(&player);
}

static void stop(void)
{
    player_clear(&player);
    renderer_shared_unref(shared);
}

/* A body of 32-bit words. */
static void send_words(uint16_t type, const uint32_t *words, size_t n)
{
    player_message(&player, type, words, n * 4);
}

static long resident_kib(void)
{
    long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file) {
        if (fscanf(file, "%ld %ld", &total, &resident) != 2)
            resident = 0;
        fclose(file);
    }
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* ---- Surfaces
 * --------------------------------------------------------------------------------------------------------
 */

static void test_surfaces(void)
{
    static const struct {
        uint32_t width, height, format, flags;
    } bad[] = {
        {65535, 65535, SPICE_SURFACE_FMT_32_xRGB, 1},
        {65536, 65536, SPICE_SURFACE_FMT_32_xRGB, 1},
        {UINT32_MAX, 1, SPICE_SURFACE_FMT_32_xRGB, 1},
        {1u << 31, 1u << 31, SPICE_SURFACE_FMT_32_xRGB, 0},
        {0, 10, SPICE_SURFACE_FMT_32_xRGB, 1},
        {10, 0, SPICE_SURFACE_FMT_32_xRGB, 0},
        {65535, 65535, SPICE_SURFACE_FMT_32_ARGB, 0},
        {10, 10, 0, 0},
        {10, 10, 33, 1},
        {10, 10, UINT32_MAX, 0},
    };
    long before = resident_kib();

    tap_case("cve_2014_3615: surfaces of impossible or huge size are refused without memory");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        start_with(1 << 20);
        send_surface(&player, 1, bad[i].width, bad[i].height, bad[i].format, bad[i].flags);
        CHECK(!run());
        CHECK(player.fatal && strlen(player.fatal) > 20);
        stop();
    }
    CHECK(resident_kib() - before < 64 * 1024);

    tap_case("cve_2016_2150: the screen's size doesn't overflow in 32 bits");
    start();
    send_surface(&player, 0, 32768, 32769, SPICE_SURFACE_FMT_32_xRGB, SPICE_SURFACE_FLAGS_PRIMARY);
    CHECK(!run() && player.primary && player.primary->width == 16); /* the old screen stays */
    stop();

    tap_case("the sum of off-screen surfaces is bounded, whatever becomes of single ones");
    start_with(100 * 1024);
    for (uint32_t i = 0; i < 1000; i++) { /* replaced, destroyed: no leak in the account */
        send_surface(&player, 5, 100, 100, SPICE_SURFACE_FMT_32_ARGB, 0);
        send_surface(&player, 5, 150, 100, SPICE_SURFACE_FMT_32_ARGB, 0);
        send_surface(&player, 6, 50, 10, SPICE_SURFACE_FMT_16_565, 0);
        send_surface_destroy(&player, 6);
    }
    CHECK(run());
    send_surface(&player, 7, 100, 100, SPICE_SURFACE_FMT_32_ARGB, 0);
    send_surface(&player, 8, 100, 100, SPICE_SURFACE_FMT_32_ARGB, 0);
    CHECK(!run());
    stop();

    tap_case("cve_2015_5260: surface ids out of range are names that don't exist, never an index");
    start();
    for (uint32_t shift = 0; shift < 32; shift++) {
        send_fill(&player, 1u << shift, 4, 4, 1);
        send_fill(&player, UINT32_MAX << shift, 4, 4, 1);
        send_surface_destroy(&player, 1u << shift);
    }
    send_surface(&player, UINT32_MAX, 4, 4, SPICE_SURFACE_FMT_32_xRGB, 0);
    send_fill(&player, UINT32_MAX, 4, 4, 1);
    CHECK(run() && player.n_damages == 0);
    stop();

    tap_case("an off-screen surface can't take the screen's id, and the screen can take its");
    start();
    send_surface(&player, 0, 4, 4, SPICE_SURFACE_FMT_32_ARGB, 0);
    CHECK(run() && player.primary);
    send_surface(&player, 3, 4, 4, SPICE_SURFACE_FMT_32_ARGB, 0);
    send_surface(&player, 3, 8, 8, SPICE_SURFACE_FMT_32_xRGB, SPICE_SURFACE_FLAGS_PRIMARY);
    send_fill(&player, 3, 8, 8, 0x123456);
    CHECK(run() && player.primary && player.primary->surface_id == 3 &&
          first_pixel(&player) == 0x123456);
    send_surface_destroy(&player, 3);
    send_surface_destroy(&player, 3);
    CHECK(run() && !player.primary);
    stop();
}

/* ---- Counts and lists
 * ---------------------------------------------------------------------------------------------------
 */

static void test_lists(void)
{
    static const uint16_t types[] = {
        SPICE_MSG_DISPLAY_INVAL_LIST,      SPICE_MSG_DISPLAY_INVAL_ALL_PIXMAPS,
        SPICE_MSG_DISPLAY_MONITORS_CONFIG, SPICE_MSG_DISPLAY_STREAM_CLIP,
        SPICE_MSG_DISPLAY_DRAW_FILL,       SPICE_MSG_DISPLAY_DRAW_STROKE,
        SPICE_MSG_DISPLAY_DRAW_TEXT,       SPICE_MSG_LIST,
        SPICE_MSG_WAIT_FOR_CHANNELS};
    uint8_t ones[400];
    uint32_t clip[32] = {0, 0, 0, 16, 16, 0xffffff01, 0xff};

    tap_case("cve_2017_12194: counts near their maximum in all lists");
    memset(ones, 0xff, sizeof ones);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        for (size_t size = 1; size < sizeof ones; size += 7) {
            start();
            player_message(&player, types[i], ones, size);
            run();
            CHECK(player.n_damages == 0);
            stop();
        }
    }
    start();
    send_words(SPICE_MSG_DISPLAY_DRAW_FILL, clip, 32);
    CHECK(!run());
    stop();

    tap_case("cve_2015_3247: monitors are counted once and bounded");
    {
        WireHead heads[300];
        WireMsgDisplayMonitorsConfig config = {
            .max_allowed = UINT16_MAX, .n_heads = 300, .heads = heads};

        memset(heads, 0xff, sizeof heads);
        start();
        send_message(&player, SPICE_MSG_DISPLAY_MONITORS_CONFIG, &config);
        config.max_allowed = 0;
        send_message(&player, SPICE_MSG_DISPLAY_MONITORS_CONFIG, &config);
        CHECK(run());
        stop();
    }

    tap_case("lists inside of lists, and lists that point outside");
    {
        static const uint8_t nested[] = {1, 0, 6, 0, 0, 0, 8, 0, 6, 0, 0, 0, 1, 0, 6, 0, 0, 0};
        static const uint8_t outside[] = {1, 0, 0xff, 0xff, 0xff, 0xff};
        static const uint8_t many[] = {0xff, 0xff, 6, 0, 0, 0};

        start();
        player_message(&player, SPICE_MSG_LIST, nested, sizeof nested);
        CHECK(!run());
        stop();
        start();
        player_message(&player, SPICE_MSG_LIST, outside, sizeof outside);
        CHECK(!run());
        stop();
        start();
        player_message(&player, SPICE_MSG_LIST, many, sizeof many);
        CHECK(!run());
        stop();
    }
}

/* ---- Images
 * --------------------------------------------------------------------------------------------------------------
 */

static void test_images(void)
{
    uint32_t buffer[1024];
    long before = resident_kib();

    tap_case("cve_2018_10893: headers that announce huge pictures cost no memory");
    {
        static const uint8_t types[] = {SPICE_IMAGE_TYPE_QUIC, SPICE_IMAGE_TYPE_LZ_RGB,
                                        SPICE_IMAGE_TYPE_GLZ_RGB, SPICE_IMAGE_TYPE_JPEG,
                                        SPICE_IMAGE_TYPE_LZ4};
        static const uint32_t sides[] = {0,       1,          0x7fff,     0xffff,
                                         0x10000, 0x7fffffff, 0x80000000, 0xffffffff};
        uint8_t data[64];

        for (size_t t = 0; t < sizeof types; t++) {
            for (size_t w = 0; w < 8; w++) {
                for (size_t h = 0; h < 8; h++) {
                    WireImage image = {.type = types[t],
                                       .width = sides[w],
                                       .height = sides[h],
                                       .u.compressed = {data, sizeof data}};

                    memset(data, 0, sizeof data);
                    /* an LZ header of that size */
                    memcpy(data, "\x20\x20\x5A\x4C\x00\x01\x00\x01\x00\x00\x00\x08", 12);
                    for (int i = 0; i < 4; i++) {
                        data[12 + i] = (uint8_t)(sides[w] >> (24 - 8 * i));
                        data[16 + i] = (uint8_t)(sides[h] >> (24 - 8 * i));
                    }
                    start();
                    send_copy(&player, 0, &image);
                    CHECK(!run());
                    CHECK(player.n_damages == 0);
                    stop();
                }
            }
        }
    }
    CHECK(resident_kib() - before < 64 * 1024);

    tap_case("the cache holds no more than twice what was announced");
    start();
    for (uint32_t id = 0; id < 20; id++) {
        WireImage image = bitmap_image(id, SPICE_IMAGE_FLAGS_CACHE_ME, buffer, 10, 10, id);
        RendererSharedStats stats;

        send_copy(&player, 0, &image);
        CHECK(run());
        renderer_shared_get_stats(shared, &stats);
        CHECK(stats.cache_entries == id + 1 && stats.cache_pixels == (id + 1) * 100);
    }
    {
        WireImage image = bitmap_image(99, SPICE_IMAGE_FLAGS_CACHE_ME, buffer, 10, 10, 0);

        send_copy(&player, 0, &image);
        CHECK(!run());
    }
    stop();

    tap_case("palettes that were never sent, and too many palettes");
    {
        WireImage image = bitmap_image(0, 0, buffer, 8, 1, 0);
        uint32_t entries[2] = {1, 2};
        WirePalette palette = {.n_entries = 2, .entries = entries};

        image.u.bitmap.format = SPICE_BITMAP_FMT_1BIT_BE;
        image.u.bitmap.stride = 1;
        image.u.bitmap.data.size = 1;
        image.u.bitmap.flags = SPICE_BITMAP_FLAGS_PAL_FROM_CACHE;
        image.u.bitmap.palette_id = 42;
        start();
        send_copy(&player, 0, &image);
        CHECK(!run() && strstr(player.fatal, "palette"));
        stop();

        start();
        image.u.bitmap.flags = SPICE_BITMAP_FLAGS_PAL_CACHE_ME;
        image.u.bitmap.palette = &palette;
        for (palette.unique = 1; palette.unique <= 256; palette.unique++)
            send_copy(&player, 0, &image);
        CHECK(run());
        send_copy(&player, 0, &image);
        CHECK(!run());
        stop();
    }

    tap_case("a raw picture that ends before its rows do");
    {
        WireImage image = bitmap_image(0, 0, buffer, 8, 8, 0);
        WireBuffer out = {0};
        WireMsgDisplayDrawCopy message = {.base = {.box = {0, 0, 8, 8}},
                                          .src_image = &image,
                                          .src_area = {0, 0, 8, 8},
                                          .rop_descriptor = SPICE_ROPD_OP_PUT};

        CHECK(wire_write(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, SPICE_MSG_DISPLAY_DRAW_COPY,
                         &message, &out));
        for (size_t cut = 1; cut < out.size; cut += 13) {
            start();
            player_message(&player, SPICE_MSG_DISPLAY_DRAW_COPY, out.data, out.size - cut);
            CHECK(!run());
            stop();
        }
        wire_buffer_clear(&out);
    }
}

/* ---- The rest
 * -------------------------------------------------------------------------------------------------------------
 */

static void test_rest(void)
{
    static const uint32_t scanout[5] = {64, 64, 256, 0x34325258, 0};
    static const uint32_t rect[4] = {0, 0, 64, 64};
    RendererInput input = {.type = SPICE_MSG_DISPLAY_GL_SCANOUT_UNIX, .number = 2};
    long before;

    tap_case("GL messages where there can't be any: ignored, and a descriptor is closed");
    start();
    input.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    input.body = g_bytes_new_static(scanout, sizeof scanout);
    {
        int fd = input.fd;

        renderer_push(player.renderer, &input);
        send_words(SPICE_MSG_DISPLAY_GL_DRAW, rect, 4);
        CHECK(run() && player.n_scanouts == 0 && player.n_gl_draws == 0);
        CHECK(fcntl(fd, F_GETFD) == -1);
    }
    stop();

    tap_case("a descriptor that comes with another message is closed");
    start();
    input.type = SPICE_MSG_DISPLAY_MARK;
    input.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    input.body = g_bytes_new_static("", 0);
    {
        int fd = input.fd;

        renderer_push(player.renderer, &input);
        CHECK(run() && fcntl(fd, F_GETFD) == -1);
    }
    stop();

    tap_case("messages of unknown types are skipped");
    start();
    for (uint16_t type = 322; type < 600; type++)
        player_message(&player, type, rect, sizeof rect);
    player_message(&player, UINT16_MAX, rect, sizeof rect);
    player_message(&player, 200, rect, sizeof rect);
    CHECK(run() && player.n_logs > 0);
    stop();

    tap_case("an error names the message, and nothing after it is drawn");
    start();
    player_message(&player, SPICE_MSG_DISPLAY_DRAW_FILL, rect, 7);
    send_fill(&player, 0, 16, 16, 0xffffff);
    CHECK(!run() && strstr(player.fatal, "DRAW_FILL"));
    CHECK(first_pixel(&player) == 0 && player.n_damages == 0);
    stop();

    tap_case("a long session leaves no memory behind");
    start();
    before = resident_kib();
    for (int i = 0; i < 3000; i++) {
        send_surface(&player, 1, 256, 256, SPICE_SURFACE_FMT_32_ARGB, 0);
        send_fill(&player, 1, 256, 256, (uint32_t)i);
        send_surface(&player, 0, 16 + (uint32_t)i % 2, 16, SPICE_SURFACE_FMT_32_xRGB,
                     SPICE_SURFACE_FLAGS_PRIMARY);
        send_fill(&player, 0, 16, 16, (uint32_t)i);
        CHECK(run());
    }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    CHECK(resident_kib() - before < 16 * 1024);
#else
    (void)before;
#endif
    stop();
}

int main(void)
{
    test_surfaces();
    test_lists();
    test_images();
    test_rest();
    return tap_done();
}
