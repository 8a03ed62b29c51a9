/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What clients of a display see: always the reference's picture in the end, whatever they take and
 * when, by messages that a strict client accepts.  docs/spec/server-display.md 11, 13, 14, 25 */
#include "tap.h"

#include <string.h>

#include "clock.h"
#include "display-world.h"

enum {
    ALL_CAPS = 1U << SPICE_DISPLAY_CAP_MONITORS_CONFIG | 1U << SPICE_DISPLAY_CAP_COMPOSITE |
               1U << SPICE_DISPLAY_CAP_A8_SURFACE | 1U << SPICE_DISPLAY_CAP_LZ4_COMPRESSION,
};
static const PeerConfig usual = {
    .caps = ALL_CAPS, .cache_pixels = 1 << 20, .window_pixels = 1 << 20};

/* Until every client is exact, but not for ever. */
static void rest(World *world)
{
    for (int i = 0; i < 500; i++) {
        bool right = true;

        world_give_all(world);
        for (GList *l = world->peers; l; l = l->next)
            right &= !((Peer *)l->data)->messages || peer_differs(l->data, 0) == 0;
        if (right)
            break;
        clock_forward_ms(20); /* timers of frames and of what is at rest */
        g_usleep(500);        /* images that are being coded */
    }
}

static void check_right(World *world, int tolerance)
{
    world_give_all(world);
    CHECK(world_truth_is_right(world));
    rest(world);
    for (GList *l = world->peers; l; l = l->next) {
        Peer *peer = l->data;

        if (peer->cc && peer->messages > 0)
            CHECK(peer_is_right(peer, tolerance));
        if (peer->cc && !wire_caps_has(&peer->cc->channel_caps, SPICE_DISPLAY_CAP_COMPOSITE))
            CHECK(peer_count(peer, SPICE_MSG_DISPLAY_DRAW_COMPOSITE) == 0);
    }
}

/* ---- Attaching ---- */

static void test_attach(void)
{
    World *world = world_new(1, 0);
    static const uint16_t first[] = {SPICE_MSG_DISPLAY_INVAL_ALL_PALETTES,
                                     SPICE_MSG_DISPLAY_SURFACE_CREATE, SPICE_MSG_DISPLAY_DRAW_COPY,
                                     SPICE_MSG_DISPLAY_MONITORS_CONFIG, SPICE_MSG_DISPLAY_MARK};
    PeerConfig silent = usual;
    Peer *peer;
    uint32_t *pixels = world_pixels(world, 200, 150, 1);

    tap_case("a client gets the picture, then MARK, in the order of 11.1");
    world_primary(world, 200, 150);
    world_put(world, 0, 0, 0, 200, 150, pixels, 0, true);
    peer = world_connect(world, &usual);
    check_right(world, 0);
    CHECK(peer->types->len == G_N_ELEMENTS(first) &&
          memcmp(peer->types->data, first, sizeof(first)) == 0);
    CHECK(peer->marked && peer->n_marks == 1 && peer->n_monitors == 1);
    CHECK(peer->cc->channel->class->ack_window == 20 && peer->cc->channel->class->watch_latency);
    CHECK(world->clients_changed == 1 && views_n_clients(world->views) == 1);

    tap_case("nothing is sent before INIT, and nobody waits for it");
    silent.no_init = true;
    peer = world_connect(world, &silent);
    world_fill(world, 0, (pixman_box32_t){5, 5, 20, 20}, 0x123456, SPICE_ROPD_OP_PUT);
    check_right(world, 0);
    CHECK(peer->messages == 0 && views_n_clients(world->views) == 1);
    WireMsgcDisplayPreferredCompression lz = {SPICE_IMAGE_COMPRESSION_LZ};
    CHECK(peer_message(peer, SPICE_MSGC_DISPLAY_PREFERRED_COMPRESSION, &lz));
    peer_init(peer, 1000, 1000);
    check_right(world, 0);
    CHECK(peer->marked);

    tap_case("a client that says no INIT is closed after 30 s, another isn't");
    silent.no_init = true;
    Peer *mute = world_connect(world, &silent);
    clock_forward_ms(29900);
    world_run(world);
    CHECK(!mute->closed && !peer->closed);
    clock_forward_ms(200);
    world_run(world);
    CHECK(mute->closed && strstr(mute->reason->str, "no INIT") && !peer->closed);
    peer_disconnect(mute);
    check_right(world, 0);

    tap_case("a second INIT ends that client only");
    peer_init(peer, 1000, 1000);
    CHECK(peer->closed && peer->reason->len > 0);
    peer_disconnect(peer);
    check_right(world, 0);
    CHECK(views_n_clients(world->views) == 1);

    tap_case("without a primary only INIT's answer is awaited");
    world_destroy(world, 0);
    check_right(world, 0);
    peer = world_connect(world, &usual);
    check_right(world, 0);
    CHECK(peer->messages == 0);
    world_primary(world, 64, 64);
    check_right(world, 0);
    CHECK(peer->marked);

    tap_case("a client without the capability gets no MONITORS_CONFIG");
    PeerConfig bare = usual;

    bare.caps = 0;
    peer = world_connect(world, &bare);
    check_right(world, 0);
    CHECK(peer->n_monitors == 0 && peer->marked);

    g_free(pixels);
    world_free(world);
}

static void test_messages(void)
{
    World *world = world_new(2, 0);
    Peer *peer;
    WireMsgcDisplayStreamReport report = {.stream_id = 49};
    WireMsgcDisplayPreferredCompression unknown = {99};
    WireMsgcDisplayPreferredVideoCodecType codecs = {0, NULL};

    world_primary(world, 64, 64);

    tap_case("reports and preferences without effect are taken");
    peer = world_connect(world, &usual);
    CHECK(peer_message(peer, SPICE_MSGC_DISPLAY_STREAM_REPORT, &report));
    CHECK(peer_message(peer, SPICE_MSGC_DISPLAY_PREFERRED_COMPRESSION, &unknown));
    CHECK(peer_message(peer, SPICE_MSGC_DISPLAY_PREFERRED_VIDEO_CODEC_TYPE, &codecs));
    CHECK(!peer->closed);

    tap_case("a report on stream 50 ends the client");
    report.stream_id = 50;
    CHECK(!peer_message(peer, SPICE_MSGC_DISPLAY_STREAM_REPORT, &report) && peer->closed);
    peer_disconnect(peer);

    tap_case("an unexpected GL_DRAW_DONE ends the client");
    peer = world_connect(world, &usual);
    CHECK(!peer_message(peer, SPICE_MSGC_DISPLAY_GL_DRAW_DONE, &report) && peer->closed);
    world_free(world);
}

static void test_guest_caps(void)
{
    World *world = world_new(3, 0);
    uint8_t caps[58];
    PeerConfig config = usual;

    tap_case("the guest hears of capabilities that all clients have");
    CHECK(!views_guest_caps(world->views, caps) && caps[0] == 0);
    Peer *all = world_connect(world, &usual);
    CHECK(views_guest_caps(world->views, caps) && caps[0] == 0x0e);
    config.caps = 1U << SPICE_DISPLAY_CAP_COMPOSITE;
    Peer *some = world_connect(world, &config);
    CHECK(views_guest_caps(world->views, caps) && caps[0] == 0x04);
    peer_disconnect(all);
    peer_disconnect(some);
    CHECK(!views_guest_caps(world->views, caps) && caps[0] == 0);
    CHECK(world->clients_changed == 4);
    world_free(world);
}

/* ---- What is sent, and what isn't ---- */

static void test_traffic(void)
{
    World *world = world_new(4, 0);
    uint32_t *pixels = world_pixels(world, 100, 100, 2);
    Peer *peer;
    uint64_t before;

    world_primary(world, 640, 480);
    peer = world_connect(world, &usual);
    check_right(world, 0);

    tap_case("a lone drawing leaves at once");
    before = peer->messages;
    world_fill(world, 0, (pixman_box32_t){10, 10, 20, 20}, 0xff00ff, SPICE_ROPD_OP_PUT);
    world_run(world);
    CHECK(peer->messages == before + 1 && peer_is_right(peer, 0));

    tap_case("an image that changes nothing isn't sent");
    world_put(world, 0, 100, 100, 100, 100, pixels, 0, true);
    check_right(world, 0);
    before = peer->messages;
    world_put(world, 0, 100, 100, 100, 100, pixels, 0, true);
    check_right(world, 0);
    CHECK(peer->messages == before);

    tap_case("of an image only what changed is sent");
    pixels[50 * 100 + 50] ^= 0xff;
    before = peer->bytes;
    world_put(world, 0, 100, 100, 100, 100, pixels, 0, false);
    check_right(world, 0);
    CHECK(peer->bytes - before > 0 && peer->bytes - before <= 100);

    /* A walk that takes long is cut, and pixels are sent in between. */
    clock_stop(true);
    tap_case("a client that has no room gets the newest state only");
    peer_give(peer, 0, 100);
    before = peer->pixels;
    for (int i = 0; i < 50; i++) {
        uint32_t *frame = world_pixels(world, 100, 100, 2);

        world_put(world, 0, 100, 100, 100, 100, frame, 0, i % 2);
        truth_render_all(world->truth); /* somebody looks: nothing can vanish */
        g_free(frame);
    }
    check_right(world, 0);
    CHECK(peer->pixels - before <= 12000);

    tap_case("a scrolling client that is behind gets no more than the window");
    peer_give(peer, 0, 100);
    before = peer->pixels;
    for (int i = 0; i < 40; i++) {
        uint32_t *line = world_pixels(world, 200, 10, 0);

        world_copy_bits(world, 0, (pixman_box32_t){300, 100, 500, 290}, 300, 110);
        world_put(world, 0, 300, 290, 200, 10, line, 0, false);
        g_free(line);
    }
    check_right(world, 0);
    CHECK(peer->pixels - before <= 200 * 200 + 1000);
    clock_stop(false);

    tap_case("text that a compositor scrolls line by line goes as COPY_BITS");
    uint32_t *text = world_pixels(world, 300, 640, 2);

    peer_give(peer, 64 << 20, 10000);
    for (int i = 0; i < 200; i += 10)
        world_put(world, 0, 20, 50 + i, 300, 10, text + i * 300, 0, false);
    check_right(world, 0);
    before = peer->pixels;
    for (int i = 10; i < 110; i += 10) {
        for (int y = 0; y < 200; y += 10)
            world_put(world, 0, 20, 50 + y, 300, 10, text + (i + y) * 300, 0, false);
        check_right(world, 0);
    }
    CHECK(peer_count(peer, SPICE_MSG_DISPLAY_COPY_BITS) >= 8);
    CHECK(peer->pixels - before < 300 * 200 * 3);
    g_free(text);

    tap_case("what was changed and changed back isn't sent");
    before = peer->messages;
    world_put(world, 0, 100, 100, 100, 100, pixels, 0, false);
    check_right(world, 0);
    peer_give(peer, 0, 0);
    before = peer->messages;
    world_fill(world, 0, (pixman_box32_t){100, 100, 180, 180}, 0x1234, SPICE_ROPD_OP_PUT);
    truth_render_all(world->truth);
    world_put(world, 0, 100, 100, 100, 100, pixels, 0, false);
    truth_render_all(world->truth);
    check_right(world, 0);
    CHECK(peer->messages - before <= 2);

    g_free(pixels);
    world_free(world);
}

/* The most that the views hold while so many drawings come that the client doesn't take. */
static size_t stalled(World *world, uint32_t id, const uint32_t *image, int n)
{
    size_t most = 0;

    for (int i = 0; i < n; i++) {
        int x = i % 500, y = i / 500 % 300;

        if (image)
            world_put(world, id, x, y, 100, 100, image, 0, false);
        else
            world_fill(world, id, (pixman_box32_t){x, y, x + 20, y + 20}, (uint32_t)i * 977,
                       i % 2 ? SPICE_ROPD_OP_PUT : SPICE_ROPD_OP_AND);
        if (i % 50 == 0)
            truth_render_all(world->truth); /* somebody looks: nothing can vanish */
        most = MAX(most, views_memory(world->views));
    }

    return most;
}

static void test_stalled(void)
{
    World *world = world_new(7, 0);
    uint32_t *image = world_pixels(world, 100, 100, 2);
    Peer *peer;
    uint64_t before;
    unsigned n_fills;
    size_t one;

    world_primary(world, 640, 480);
    peer = world_connect(world, &usual);
    check_right(world, 0);

    tap_case("a stalled client doesn't grow: many drawings");
    peer_give(peer, 0, 0);
    one = stalled(world, 0, NULL, 1);
    CHECK(one > 0);
    CHECK(stalled(world, 0, NULL, 1000) >= 900 * one);
    CHECK(stalled(world, 0, NULL, 10000) <= 2001 * one);
    CHECK(views_memory(world->views) < 100 * one);

    tap_case("it gets the newest state only, and drawings again when it has that");
    before = peer->pixels;
    n_fills = peer_count(peer, SPICE_MSG_DISPLAY_DRAW_FILL);
    check_right(world, 0);
    CHECK(peer->pixels - before <= 640 * 480);
    CHECK(peer_count(peer, SPICE_MSG_DISPLAY_DRAW_FILL) - n_fills < 100);
    n_fills = peer_count(peer, SPICE_MSG_DISPLAY_DRAW_FILL);
    world_fill(world, 0, (pixman_box32_t){10, 10, 200, 200}, 0xff00ff, SPICE_ROPD_OP_XOR);
    check_right(world, 0);
    CHECK(peer_count(peer, SPICE_MSG_DISPLAY_DRAW_FILL) == n_fills + 1);

    tap_case("a stalled client doesn't grow: large drawings");
    peer_give(peer, 0, 0);
    CHECK(stalled(world, 0, image, 3000) <= 2001 * one);
    /* With alpha it isn't a picture of what is there afterwards. */
    world_create(world, 1, SPICE_SURFACE_FMT_32_ARGB, 640, 480, false);
    CHECK(stalled(world, 1, image, 500) > 4 << 20);
    CHECK(stalled(world, 1, image, 1000) < 9 << 20);
    before = peer->pixels;
    check_right(world, 0);
    CHECK(peer->pixels - before <= 640 * 480);

    g_free(image);
    world_free(world);
}

/* How many of n drawings' images are still held when the truth shows them. */
static int held_of(World *world, const uint32_t *image, unsigned n, bool for_cache)
{
    uint64_t gone = world_blobs_gone();

    for (unsigned i = 0; i < n; i++) {
        world_put(world, 0, (int)i % 500, 0, 100, 100, image, for_cache ? i + 1 : 0, false);
        truth_render_all(world->truth);
    }
    return (int)n - (int)(world_blobs_gone() - gone);
}

static void test_stalled_pixels(void)
{
    World *world = world_new(8, 0);
    uint32_t *image = world_pixels(world, 100, 100, 2);
    Peer *peer;

    world_primary(world, 640, 480);
    peer = world_connect(world, &usual);
    check_right(world, 0);

    tap_case("images that are painted already aren't held for a stalled client");
    peer_give(peer, 0, 0);
    CHECK(held_of(world, image, 500, false) == 0);
    check_right(world, 0);

    tap_case("those for its cache are, up to a limit");
    peer_give(peer, 0, 0);
    CHECK(held_of(world, image, 100, true) == 100);
    CHECK(held_of(world, image, 2000, true) < 700);
    check_right(world, 0);

    g_free(image);
    world_free(world);
}

/* A surface that is copied to another, and the end of both. */
static void short_lived(World *world)
{
    const pixman_box32_t all = {0, 0, 16, 16};
    const WireImage image = {
        .type = SPICE_IMAGE_TYPE_SURFACE, .width = 16, .height = 16, .u.surface.surface_id = 1};
    DrawableMessage message = {
        .copy = {.base = {.surface_id = 2, .box = {0, 0, 16, 16}},
                 .src_image = &image,
                 .src_area = {0, 0, 16, 16},
                 .rop_descriptor = SPICE_ROPD_OP_PUT,
                 .scale_mode = SPICE_IMAGE_SCALE_MODE_NEAREST},
    };
    Drawable *drawable = drawable_new();

    world_create(world, 1, SPICE_SURFACE_FMT_32_xRGB, 16, 16, false);
    world_create(world, 2, SPICE_SURFACE_FMT_32_xRGB, 16, 16, false);
    drawable->serial = ++world->serial;
    drawable->n_reads = 1;
    drawable->reads[0].surface = surface_ref(world->surfaces[1].surface);
    drawable->reads[0].area = all;
    world_draw(world, SPICE_MSG_DISPLAY_DRAW_COPY, &message, QXL_EFFECT_OPAQUE, drawable);
    world_destroy(world, 1);
    world_destroy(world, 2);
}

static void test_short_lives(void)
{
    World *world = world_new(7, 0);
    Peer *peer;

    tap_case("surfaces that come and go, and resets, don't make a stalled client grow");
    world_primary(world, 320, 200);
    peer = world_connect(world, &usual);
    check_right(world, 0);
    peer_give(peer, 0, 0);
    for (int i = 0; i < 5000; i++) {
        short_lived(world);
        views_reset(world->views);
        views_reset(world->views);
    }
    CHECK(views_memory(world->views) < 200 << 10);
    check_right(world, 0);
    world_free(world);
}

static void test_primary_change(void)
{
    World *world = world_new(5, 0);
    Peer *peer;
    unsigned marks;

    world_primary(world, 320, 200);
    peer = world_connect(world, &usual);
    check_right(world, 0);

    tap_case("a new primary: destroyed, created, MARK, in one burst");
    marks = peer->n_marks;
    world_primary(world, 400, 300);
    world_fill(world, 0, (pixman_box32_t){0, 0, 400, 300}, 0x336699, SPICE_ROPD_OP_PUT);
    world_run(world);
    CHECK(peer->n_marks == marks + 1);
    check_right(world, 0);

    tap_case("many in a row while the client stands still");
    peer_give(peer, 0, 0);
    for (int i = 0; i < 10; i++) {
        world_primary(world, 100 + (uint32_t)i, 100);
        for (int k = 0; k < 50; k++)
            world_random(world);
    }
    check_right(world, 0);
    CHECK(peer->marked);

    tap_case("a reset");
    for (uint32_t i = 0; i < WORLD_SURFACES; i++)
        if (world->surfaces[i].surface)
            world_destroy(world, i);
    views_reset(world->views);
    check_right(world, 0);
    CHECK(peer_count(peer, SPICE_MSG_DISPLAY_STREAM_DESTROY_ALL) == 1);
    CHECK(g_array_index(peer->types, uint16_t, peer->types->len - 2) ==
          SPICE_MSG_DISPLAY_INVAL_ALL_PALETTES);
    CHECK(g_array_index(peer->types, uint16_t, peer->types->len - 1) ==
          SPICE_MSG_DISPLAY_STREAM_DESTROY_ALL);
    world_primary(world, 100, 100);
    check_right(world, 0);
    world_free(world);
}

/* Off-screen surfaces that a client hasn't heard of when they go. */
static void test_unknown_surfaces(void)
{
    World *world = world_new(9, 0);
    Peer *peer;

    tap_case("a client isn't told of the end of what it was never told of");
    world_primary(world, 100, 100);
    peer = world_connect(world, &usual);
    check_right(world, 0);
    /* There before somebody needs it. */
    world_create(world, 1, SPICE_SURFACE_FMT_32_xRGB, 20, 20, true);
    check_right(world, 0);
    world_destroy(world, 1);
    check_right(world, 0);
    /* There before the client. */
    world_create(world, 2, SPICE_SURFACE_FMT_32_xRGB, 20, 20, false);
    Peer *later = world_connect(world, &usual);
    check_right(world, 0);
    world_destroy(world, 2);
    check_right(world, 0);
    /* Gone before the client could be told. */
    peer_give(peer, 0, 0);
    peer_give(later, 0, 0);
    world_create(world, 3, SPICE_SURFACE_FMT_32_xRGB, 20, 20, false);
    world_destroy(world, 3);
    check_right(world, 0);
    CHECK(peer_count(peer, SPICE_MSG_DISPLAY_SURFACE_CREATE) == 2); /* the primary, and 2 */
    CHECK(peer_count(peer, SPICE_MSG_DISPLAY_SURFACE_DESTROY) == 1);
    CHECK(peer_count(later, SPICE_MSG_DISPLAY_SURFACE_CREATE) == 1);
    CHECK(peer_count(later, SPICE_MSG_DISPLAY_SURFACE_DESTROY) == 0);

    tap_case("a client that can't have a surface of alpha isn't told of it");
    PeerConfig config = usual;
    config.caps &= ~(1U << SPICE_DISPLAY_CAP_A8_SURFACE);
    Peer *without = world_connect(world, &config);
    check_right(world, 0);
    world_create(world, 4, SPICE_SURFACE_FMT_8_A, 20, 20, false);
    world_fill(world, 4, (pixman_box32_t){2, 2, 9, 9}, 0x80, SPICE_ROPD_OP_PUT);
    check_right(world, 0);
    world_destroy(world, 4);
    check_right(world, 0);
    CHECK(peer_count(without, SPICE_MSG_DISPLAY_SURFACE_CREATE) == 1); /* the primary */
    CHECK(peer_count(without, SPICE_MSG_DISPLAY_SURFACE_DESTROY) == 0);
    CHECK(peer_count(peer, SPICE_MSG_DISPLAY_SURFACE_CREATE) == 3);
    CHECK(peer_count(peer, SPICE_MSG_DISPLAY_SURFACE_DESTROY) == 2);
    world_free(world);
}

/* A window over a photo, opened and closed again. */
static void test_uncovered(void)
{
    enum { WIDTH = 400, HEIGHT = 300 };
    World *world = world_new(6, 0);
    uint32_t *photo = world_pixels(world, WIDTH, HEIGHT, 1);
    uint32_t *window = world_pixels(world, 200, 100, 0);
    uint32_t *below = g_new(uint32_t, 200 * 100);
    Peer *peer;
    uint64_t before;

    tap_case("an uncovered part of a photo comes from the client's cache");
    world_primary(world, WIDTH, HEIGHT);
    world_put(world, 0, 0, 0, WIDTH, HEIGHT, photo, 0, true);
    peer = world_connect(world, &usual);
    check_right(world, 0);
    for (int y = 0; y < 100; y++)
        memcpy(below + y * 200, photo + (y + 50) * WIDTH + 70, 200 * 4);
    for (int i = 0; i < 5; i++) {
        world_put(world, 0, 70, 50, 200, 100, window, 0, false);
        check_right(world, 0);
        before = peer->pixels;
        world_put(world, 0, 70, 50, 200, 100, below, 0, false);
        check_right(world, 0);
        CHECK(peer->pixels - before < 2000);
    }
    CHECK(peer->n_from_cache >= 5);
    g_free(photo);
    g_free(window);
    g_free(below);
    world_free(world);
}

static void test_small_first(void)
{
    World *world = world_new(9, 0);
    uint32_t *pixels = world_pixels(world, 300, 300, 2);
    Peer *peer;
    uint64_t before;

    tap_case("what is ready doesn't wait for a large picture");
    world_primary(world, 320, 320);
    peer = world_connect(world, &usual);
    check_right(world, 0);
    before = peer->messages;
    world_fill(world, 0, (pixman_box32_t){301, 1, 310, 9}, 0x123456, SPICE_ROPD_OP_XOR);
    world_put(world, 0, 0, 0, 300, 300, pixels, 0, true);
    check_right(world, 0);
    CHECK(peer->flushed >= before + 1 && peer->messages > before + 1);
    before = peer->flushed;
    world_fill(world, 0, (pixman_box32_t){301, 1, 310, 9}, 0x123456, SPICE_ROPD_OP_XOR);
    world_put(world, 0, 0, 300, 10, 10, pixels, 0, true);
    check_right(world, 0);
    CHECK(peer->flushed == before);
    tap_case("nor for many small ones, after a pause");
    clock_stop(true);
    world_fill(world, 0, (pixman_box32_t){301, 1, 310, 9}, 0x123456, SPICE_ROPD_OP_XOR);
    check_right(world, 0);
    for (int pause = 0; pause <= 10; pause += 10) {
        clock_forward_ms(pause);
        before = peer->messages;
        world_fill(world, 0, (pixman_box32_t){301, 1, 310, 9}, 0x123456, SPICE_ROPD_OP_XOR);
        for (int i = 0; i < 8; i++)
            world_put(world, 0, 20 * i, 300, 10, 10, pixels + i + 1, 0, true);
        check_right(world, 0);
        CHECK((peer->flushed > before) == (pause > 0));
    }
    clock_stop(false);
    g_free(pixels);
    world_free(world);
}

static uint64_t distance(const pixman_box32_t *box, int x, int y)
{
    int64_t dx = MAX(MAX(box->x1 - x, x - (box->x2 - 1)), 0),
            dy = MAX(MAX(box->y1 - y, y - (box->y2 - 1)), 0);

    return (uint64_t)(dx * dx + dy * dy);
}

/* What was sent since the n-th image is the nearest to the pointer first. */
static bool nearest_first(const Peer *peer, unsigned n, int x, int y)
{
    const pixman_box32_t *boxes = (const pixman_box32_t *)peer->boxes->data;

    for (unsigned i = n + 1; i < peer->boxes->len; i++)
        if (distance(&boxes[i - 1], x, y) > distance(&boxes[i], x, y))
            return false;
    return peer->boxes->len > n + 2;
}

/* Four pictures that nobody has seen yet, at the corners; what is sent for them. */
static unsigned four_corners(World *world, const Peer *peer, uint32_t width)
{
    uint32_t *pixels = world_pixels(world, width, 4 * 200, 2);
    unsigned before = peer->boxes->len;

    clock_forward_ms(20);
    for (int k = 0; k < 4; k++)
        world_put(world, 0, k % 2 * 700, k / 2 * 700, width, 200, pixels + k * 200 * width, 0,
                  true);
    check_right(world, 0);
    g_free(pixels);
    return before;
}

static void test_pointer_first(void)
{
    static const struct {
        int x, y;
    } places[] = {{150, 150}, {850, 150}, {150, 850}, {500, 820}};
    World *world = world_new(9, 3);
    uint32_t *pixels = world_pixels(world, 900, 900, 2);
    Peer *peer;
    unsigned before;

    tap_case("what lies near the pointer is sent first");
    world_primary(world, 1000, 1000);
    peer = world_connect(world, &usual);
    check_right(world, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(places); i++) {
        server_set_pointer(&world->server, 3, places[i].x, places[i].y);
        before = four_corners(world, peer, 200);
        CHECK(nearest_first(peer, before, places[i].x, places[i].y));
    }
    tap_case("also of one large picture");
    server_set_pointer(&world->server, 3, 400, 500);
    clock_forward_ms(20);
    before = peer->boxes->len;
    world_put(world, 0, 0, 0, 900, 900, pixels, 0, true);
    check_right(world, 0);
    CHECK(nearest_first(peer, before, 400, 500));
    tap_case("the pointer of another display says nothing");
    server_set_pointer(&world->server, 2, 999, 999);
    before = four_corners(world, peer, 190);
    CHECK(!nearest_first(peer, before, 999, 999));
    g_free(pixels);
    world_free(world);
}

/* Pixels that are sent to a client which shows 'now', when 'other' and 'now' come while it has no
 * room. */
static uint64_t there_and_back(World *world, Peer *peer, const uint32_t *now, const uint32_t *other)
{
    uint64_t before;

    world_put(world, 0, 0, 0, 300, 300, now, 0, true);
    check_right(world, 0);
    before = peer->pixels;
    peer_give(peer, 0, 0);
    world_put(world, 0, 0, 0, 300, 300, other, 0, true);
    truth_render_all(world->truth); /* the device asks for it */
    world_put(world, 0, 0, 0, 300, 300, now, 0, true);
    truth_render_all(world->truth);
    check_right(world, 0);
    clock_forward_ms(40); /* what waits for the next frame */
    check_right(world, 0);
    return peer->pixels - before;
}

static void test_shadow(void)
{
    World *world = world_new(10, 0);
    uint32_t *now = world_pixels(world, 300, 300, 1), *other = world_pixels(world, 300, 300, 2);
    Peer *peer;

    tap_case("what a client shows is kept where it saves work: with a coder");
    world_primary(world, 320, 320);
    peer = world_connect(world, &usual);
    check_right(world, 0);
    CHECK(there_and_back(world, peer, now, other) == 0);
    peer_disconnect(peer);

    tap_case("without one when it lags");
    views_set_compression(world->views, SPICE_IMAGE_COMPRESSION_OFF);
    peer = world_connect(world, &usual);
    check_right(world, 0);
    CHECK(there_and_back(world, peer, other, now) >= 300 * 300);
    peer_give(peer, 1000, 1000);
    world_put(world, 0, 0, 0, 300, 300, now, 0, true);
    world_fill(world, 0, (pixman_box32_t){301, 1, 310, 9}, 0x123456, SPICE_ROPD_OP_XOR);
    world_run(world);
    peer_give(peer, 0, 0);
    world_put(world, 0, 0, 0, 300, 300, other, 0, true);
    world_run(world);
    clock_forward_ms(150);
    check_right(world, 0);
    CHECK(there_and_back(world, peer, other, now) == 0);
    g_free(now);
    g_free(other);
    world_free(world);
}

/* Pictures that come again are taken from the cache, also by a client that knows only half of an
 * id. */
static void test_ids(void)
{
    enum { SIZE = 40, PICTURES = 5 };
    World *world = world_new(12, 0);
    uint32_t *pictures[PICTURES];
    Peer *peer;

    tap_case("pictures that come again are told apart by the lower half of their ids");
    world_primary(world, 200, 100);
    peer = world_connect(world, &usual);
    check_right(world, 0);
    for (int i = 0; i < PICTURES; i++)
        pictures[i] = world_pixels(world, SIZE, SIZE, 2);
    for (int round = 0; round < 4; round++)
        for (int i = 0; i < PICTURES; i++) {
            world_put(world, 0, 50, 30, SIZE, SIZE, pictures[i], 0, true);
            check_right(world, 0);
        }
    CHECK(peer->n_from_cache >= PICTURES);
    CHECK(g_hash_table_size(peer->by_half) >= PICTURES);
    CHECK(peer->n_mistaken == 0);
    for (int i = 0; i < PICTURES; i++)
        g_free(pictures[i]);
    world_free(world);
}

/* With SPICE_WAN_COMPRESSION_AUTO. */
static void test_slow(void)
{
    World *world = world_new(8, 0);
    uint32_t *photo = world_pixels(world, 300, 200, 1);
    const pixman_box32_t *boxes;
    PeerConfig config = usual;
    Peer *fast, *slow;
    unsigned before;

    tap_case("a slow client gets JPEG, and is exact at rest; another gets none");
    world->server.options.jpeg = SPICE_WAN_COMPRESSION_AUTO;
    world_primary(world, 400, 300);
    fast = world_connect(world, &config);
    config.slow = true;
    slow = world_connect(world, &config);
    check_right(world, 0);
    world_put(world, 0, 20, 30, 300, 200, photo, 0, false);
    check_right(world, 0);
    CHECK(slow->n_lossy > 0 && fast->n_lossy == 0);
    g_free(photo);
    tap_case("what lies near the pointer is made exact first");
    photo = world_pixels(world, 390, 290, 1);
    server_set_pointer(&world->server, 0, 300, 250);
    before = slow->boxes->len;
    world_put(world, 0, 0, 0, 390, 290, photo, 0, true);
    check_right(world, 0);
    boxes = (const pixman_box32_t *)slow->boxes->data + before;
    CHECK(slow->boxes->len > before + 2 && distance(&boxes[1], 300, 250) == 0 && boxes[1].y1 > 0);
    g_free(photo);
    world_free(world);
}

/* ---- Random ---- */

static void test_random(uint32_t seed, bool jpeg)
{
    World *world = world_new(seed, 0);
    GRand *rand = g_rand_new_with_seed(seed + 1000);
    static const uint8_t settings[] = {
        SPICE_IMAGE_COMPRESSION_OFF,     SPICE_IMAGE_COMPRESSION_AUTO_GLZ,
        SPICE_IMAGE_COMPRESSION_AUTO_LZ, SPICE_IMAGE_COMPRESSION_QUIC,
        SPICE_IMAGE_COMPRESSION_GLZ,     SPICE_IMAGE_COMPRESSION_LZ,
        SPICE_IMAGE_COMPRESSION_LZ4,
    };
    bool right = true;

    if (jpeg)
        world->server.options.jpeg = SPICE_WAN_COMPRESSION_ALWAYS;
    world_primary(world, 300, 220);
    for (int i = 0; i < 1200; i++) {
        world_random(world);
        if (g_rand_int_range(rand, 0, 60) == 0 && g_list_length(world->peers) < WORLD_CLIENTS) {
            PeerConfig config = usual;

            config.full_header = g_rand_boolean(rand);
            if (g_rand_boolean(rand))
                config.cache_pixels = 3000;
            if (g_rand_int_range(rand, 0, 3) == 0)
                config.window_pixels = 20000;
            if (g_rand_int_range(rand, 0, 3) == 0)
                config.caps = 0;
            views_set_compression(world->views,
                                  settings[g_rand_int_range(rand, 0, G_N_ELEMENTS(settings))]);
            world_connect(world, &config);
        }
        if (g_rand_int_range(rand, 0, 10) == 0)
            for (GList *l = world->peers; l; l = l->next) {
                static const size_t rooms[] = {0, 0, 500, 10000, 100000, 10 << 20};

                peer_give(l->data, rooms[g_rand_int_range(rand, 0, G_N_ELEMENTS(rooms))],
                          (uint32_t)g_rand_int_range(rand, 0, 60));
            }
        if (g_rand_int_range(rand, 0, 4) == 0)
            world_run(world);
        if (g_rand_int_range(rand, 0, 150) == 0 && world->peers)
            peer_disconnect(g_list_nth_data(
                world->peers, (guint)g_rand_int_range(rand, 0, (gint)g_list_length(world->peers))));
        if (g_rand_int_range(rand, 0, 400) == 0)
            world_primary(world, (uint32_t)g_rand_int_range(rand, 50, 400),
                          (uint32_t)g_rand_int_range(rand, 50, 300));
        if (g_rand_int_range(rand, 0, 300) == 0) {
            rest(world);
            for (GList *l = world->peers; l && !jpeg; l = l->next)
                right &= peer_is_right(l->data, 0);
            if (!right) {
                world_truth_is_right(world);
                g_printerr("# seed %u, step %d\n", seed, i);
                break;
            }
        }
    }
    CHECK(right);
    check_right(world, 0);
    if (!tap_case_ok)
        g_printerr("# seed %u\n", seed);
    g_rand_free(rand);
    world_free(world);
}

/* Two displays of one client: one image cache, one dictionary. */
static void test_two_displays(uint32_t seed, bool jpeg)
{
    World *worlds[2] = {world_new(seed, 0), world_new(seed + 500, 1)};
    PeerConfig config = usual;
    Peer *peers[2] = {NULL, NULL};
    GRand *rand = g_rand_new_with_seed(seed);

    config.cache_pixels = 10000;
    config.window_pixels = 50000;
    for (int i = 0; i < 2; i++) {
        if (jpeg)
            worlds[i]->server.options.jpeg = SPICE_WAN_COMPRESSION_ALWAYS;
        world_primary(worlds[i], 200, 150);
        peers[i] = world_connect(worlds[i], &config);
        config.client = peers[0]->client;
    }
    for (int i = 0; i < 3000; i++) {
        int k = g_rand_int_range(rand, 0, 2);

        world_random(worlds[k]);
        if (g_rand_int_range(rand, 0, 8) == 0)
            peer_give(peers[k], g_rand_boolean(rand) ? 0 : 20000,
                      (uint32_t)g_rand_int_range(rand, 0, 30));
        if (g_rand_int_range(rand, 0, 3) == 0)
            world_run(worlds[k]);
    }
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 2; k++)
            world_give_all(worlds[k]);
    for (int k = 0; k < 2; k++) {
        check_right(worlds[k], 0);
        CHECK(peer_cached_pixels(peers[k]) <= 10000);
        CHECK(peers[k]->n_from_cache > 0 && peer_count(peers[k], SPICE_MSG_LIST) > 0);
        CHECK((peers[k]->n_lossy > 0) == jpeg);
    }
    if (!tap_case_ok)
        g_printerr("# seed %u\n", seed);
    world_free(worlds[1]);
    world_free(worlds[0]);
    g_rand_free(rand);
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 12;
    unsigned from = argc > 2 ? (unsigned)atoi(argv[2]) : 0;

    if (argc <= 2) {
        test_attach();
        test_messages();
        test_guest_caps();
        test_traffic();
        test_stalled();
        test_stalled_pixels();
        test_primary_change();
        test_short_lives();
        test_unknown_surfaces();
        test_uncovered();
        test_small_first();
        test_pointer_first();
        test_shadow();
        test_ids();
        test_slow();
    }
    tap_case("random commands, rooms, clients: exact");
    for (unsigned i = from; i < from + rounds; i++)
        test_random(i, false);
    tap_case("random commands, rooms, clients, JPEG: exact when at rest");
    for (unsigned i = from; i < from + rounds / 4 + 1; i++)
        test_random(i, true);
    tap_case("two displays of one client with a small cache");
    for (unsigned i = from; i < from + rounds / 2 + 1; i++)
        test_two_displays(i, i % 3 == 0);

    return tap_done();
}
