/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The renderer's threads: turns at the picture, waits between displays, resets, queue, video. */
#include <pthread.h>
#include <string.h>

#include "display/messages.h"
#include "tap.h"

#define LONG_MS 20000
#define STUCK_MS 60

#define RED 0xff0000
#define GREEN 0x00ff00

static RendererShared *new_shared(void)
{
    RendererSharedLimits limits;

    renderer_shared_limits_init(&limits);
    return renderer_shared_new(&limits);
}

static void new_player(Player *player, RendererShared *shared, unsigned int id)
{
    RendererConfig config;

    renderer_config_init(&config);
    config.gstreamer = false;
    config.stream_reports = true;
    player_init(player, shared, &config, id, true, NULL);
}

static bool drained(Player *player)
{
    return renderer_drain(player->renderer, true, LONG_MS);
}

static bool stuck(Player *player)
{
    return !renderer_drain(player->renderer, true, STUCK_MS) && !player_failed(player);
}

/* ---- The picture
 * ----------------------------------------------------------------------------------------------------
 */

static bool is_even(const RendererPrimary *primary)
{
    const uint32_t *pixels = (const uint32_t *)primary->data;

    for (size_t i = 1; i < (size_t)primary->width * primary->height; i++) {
        if (pixels[i] != pixels[0])
            return false;
    }
    return true;
}

static void test_turns(void)
{
    RendererShared *shared = new_shared();
    bool even = true, still = true;
    Player player;

    tap_case("the owner never sees half of an operation, and nothing changes while it looks");
    new_player(&player, shared, 0);
    send_primary(&player, 400, 300);
    drained(&player);
    for (int i = 0; i < 400; i++)
        send_fill(&player, 0, 400, 300, i % 2 ? RED : GREEN);
    for (int i = 0; i < 60; i++) {
        uint32_t before;

        renderer_owner_acquire(player.renderer);
        renderer_owner_acquire(player.renderer); /* nested main loops */
        before = *(uint32_t *)player.primary->data;
        even &= is_even(player.primary);
        renderer_owner_release(player.renderer);
        g_usleep(100);
        even &= is_even(player.primary);
        still &= before == *(uint32_t *)player.primary->data;
        renderer_owner_release(player.renderer);
    }
    CHECK(even);
    CHECK(still);
    CHECK(drained(&player) && first_pixel(&player) == RED);

    tap_case("an owner that hardly ever sleeps doesn't stop the pictures");
    for (int i = 0; i < 50; i++)
        send_fill(&player, 0, 400, 300, i % 2 ? RED : GREEN);
    renderer_owner_acquire(player.renderer);
    for (int i = 0; i < 2000; i++) {
        bool done = renderer_drain(player.renderer, false, 0);

        renderer_owner_release(player.renderer);
        renderer_owner_acquire(player.renderer);
        if (done)
            break;
        g_usleep(500);
    }
    CHECK(renderer_drain(player.renderer, false, 0));
    renderer_owner_release(player.renderer);

    tap_case("a renderer can be reset and freed while the owner has the picture");
    renderer_owner_acquire(player.renderer);
    for (int i = 0; i < 50; i++)
        send_fill(&player, 0, 400, 300, GREEN);
    renderer_reset(player.renderer, NULL);
    for (int i = 0; i < 50; i++)
        send_fill(&player, 0, 400, 300, GREEN);
    player_clear(&player);
    CHECK(true);
    renderer_shared_unref(shared);
}

static void test_resets(void)
{
    RendererShared *shared = new_shared();
    Player player;

    tap_case("a reset may follow a reset at once");
    new_player(&player, shared, 0);
    for (int i = 0; i < 500; i++) {
        send_primary(&player, 40, 30);
        renderer_reset(player.renderer, NULL);
        renderer_reset(player.renderer, NULL);
    }
    CHECK(drained(&player));
    player_clear(&player);
    renderer_shared_unref(shared);
}

static void test_damage(void)
{
    RendererShared *shared = new_shared();
    Player player;

    tap_case("damage is told together and within the screen");
    new_player(&player, shared, 0);
    send_primary(&player, 64, 64);
    renderer_owner_acquire(player.renderer); /* so that all wait for the first one */
    for (int i = 0; i < 1000; i++)
        send_fill(&player, 0, 1000, 1000, RED);
    renderer_owner_release(player.renderer);
    CHECK(drained(&player));
    CHECK(player.n_damages > 0 && player.n_damages < 100);
    CHECK(player.damaged == (uint64_t)player.n_damages * 64 * 64);
    CHECK(player.handled == player.number);
    player_clear(&player);
    renderer_shared_unref(shared);
}

/* ---- Waits
 * ----------------------------------------------------------------------------------------------------------
 */

static void test_cache_wait(void)
{
    RendererShared *shared = new_shared();
    uint32_t buffer[16];
    WireImage cached = cached_image(1, false), lossless = cached_image(1, true);
    WireImage image = bitmap_image(1, SPICE_IMAGE_FLAGS_CACHE_ME, buffer, 4, 4, RED);
    Player a, b;

    tap_case("an image that another display brings is waited for");
    new_player(&a, shared, 0);
    new_player(&b, shared, 1);
    send_primary(&a, 4, 4);
    send_copy(&a, 0, &cached);
    CHECK(stuck(&a));
    send_copy(&b, 99, &image); /* on no surface at all: the cache gets it all the same */
    CHECK(drained(&a) && first_pixel(&a) == RED);
    send_copy(&a, 0, &lossless);
    CHECK(drained(&a));
    player_clear(&a);
    player_clear(&b);

    tap_case("with one display an image that isn't there ends the channel with an error");
    new_player(&a, shared, 0);
    cached.id = 2;
    send_primary(&a, 4, 4);
    send_copy(&a, 0, &cached);
    CHECK(!drained(&a) && player_failed(&a) && strstr(a.fatal, "0x2"));
    send_fill(&a, 0, 4, 4, GREEN);
    CHECK(!drained(&a) && first_pixel(&a) == 0); /* nothing more is drawn */
    player_clear(&a);

    tap_case("displays that all wait for each other's images all end");
    new_player(&a, shared, 0);
    new_player(&b, shared, 1);
    send_copy(&a, 0, &cached);
    CHECK(stuck(&a));
    send_copy(&b, 0, &cached);
    CHECK(!drained(&b) || !drained(&a));
    CHECK(player_failed(&a) || player_failed(&b));
    {
        Player *first = player_failed(&a) ? &a : &b, *second = player_failed(&a) ? &b : &a;

        player_clear(first); /* its channel closes, and the other one is alone */
        CHECK(!drained(second) && player_failed(second));
        player_clear(second);
    }
    renderer_shared_unref(shared);
}

static void test_closing_ends_waits(void)
{
    RendererShared *shared = new_shared();
    WireImage cached = cached_image(77, false);
    Player a, b;

    tap_case("a wait ends when the other display closes");
    new_player(&a, shared, 0);
    new_player(&b, shared, 1);
    send_copy(&a, 0, &cached);
    CHECK(stuck(&a));
    player_clear(&b);
    CHECK(!drained(&a) && player_failed(&a));
    player_clear(&a);

    tap_case("a wait ends with a reset, and the channel starts anew");
    new_player(&a, shared, 0);
    new_player(&b, shared, 1);
    send_primary(&a, 4, 4);
    send_fill(&a, 0, 4, 4, GREEN);
    send_copy(&a, 0, &cached);
    CHECK(stuck(&a));
    renderer_reset(a.renderer, NULL);
    CHECK(drained(&a) && !player_failed(&a));
    CHECK(first_pixel(&a) == GREEN); /* the picture stays */
    a.number = 0;
    send_primary(&a, 4, 4);
    CHECK(drained(&a) && first_pixel(&a) == GREEN); /* and isn't blanked by the same screen */
    CHECK(a.handled == 1);

    tap_case("a renderer that waits can be freed");
    send_copy(&a, 0, &cached);
    CHECK(stuck(&a));
    player_clear(&a);
    player_clear(&b);
    renderer_shared_unref(shared);
}

static void test_channel_wait(void)
{
    RendererShared *shared = new_shared();
    RendererPeer *cursor;
    Player a, b;

    new_player(&a, shared, 0);
    new_player(&b, shared, 1);

    tap_case("WAIT_FOR_CHANNELS waits for the message to be handled");
    send_wait(&a, SPICE_CHANNEL_DISPLAY, 1, 2);
    CHECK(stuck(&a));
    send_primary(&b, 4, 4);
    CHECK(stuck(&a));
    send_fill(&b, 0, 4, 4, RED);
    CHECK(drained(&a));

    tap_case("waits for oneself, for unknown channels and for the past are over at once");
    send_wait(&a, SPICE_CHANNEL_DISPLAY, 0, 1000);
    send_wait(&a, SPICE_CHANNEL_DISPLAY, 9, 1000);
    send_wait(&a, SPICE_CHANNEL_MAIN, 0, 1000);
    send_wait(&a, SPICE_CHANNEL_DISPLAY, 1, 0);
    CHECK(drained(&a));

    tap_case("other channels can be waited for, too, until they leave");
    cursor = renderer_shared_join(shared, SPICE_CHANNEL_CURSOR, 0);
    send_wait(&a, SPICE_CHANNEL_CURSOR, 0, 5);
    renderer_peer_handled(cursor, 5);
    CHECK(drained(&a));
    send_wait(&a, SPICE_CHANNEL_CURSOR, 0, UINT64_MAX);
    CHECK(stuck(&a));
    renderer_peer_leave(cursor);
    CHECK(drained(&a));

    tap_case("of displays that wait for each other one goes on, the other when that one closes");
    send_wait(&a, SPICE_CHANNEL_DISPLAY, 1, 1000);
    CHECK(stuck(&a));
    send_wait(&b, SPICE_CHANNEL_DISPLAY, 0, 1000);
    {
        Player *first, *second;

        renderer_drain(a.renderer, false, STUCK_MS * 5);
        first = renderer_drain(b.renderer, false, STUCK_MS * 5) ? &b : &a;
        second = first == &a ? &b : &a;
        CHECK(drained(first) && first->n_logs > 0);
        CHECK(stuck(second));
        player_clear(first);
        CHECK(drained(second));
        player_clear(second);
    }
    renderer_shared_unref(shared);
}

/* The example of lz.md 4.7: image 0, and image 1 that refers to it. */
static const uint8_t glz_first[] = {
    0x20, 0x20, 0x5A, 0x4C, 0, 1, 0, 1, 0x18, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0,    0, 0x10, 0,
    0,    0,    0,    0,    0, 0, 0, 0, 0,    0, 0, 1, 1, 2, 3, 4, 5, 6, 0x41, 0, 0,
};
static const uint8_t glz_second[] = {
    0x20, 0x20, 0x5A, 0x4C, 0, 1, 0, 1, 0x18, 0, 0, 0, 6, 0, 0, 0,    1, 0, 0, 0,    0x18, 0,
    0,    0,    0,    0,    0, 0, 1, 0, 0,    0, 1, 0, 7, 8, 9, 0x80, 0, 1, 0, 0x0A, 0x0B, 0x0C,
};

static WireImage glz_image(const uint8_t *data, size_t size, uint32_t width)
{
    return (WireImage){.type = SPICE_IMAGE_TYPE_GLZ_RGB,
                       .width = width,
                       .height = 1,
                       .u.compressed = {data, size}};
}

static void test_glz_wait(void)
{
    RendererShared *shared = new_shared();
    WireImage first = glz_image(glz_first, sizeof glz_first, 4),
              second = glz_image(glz_second, sizeof glz_second, 6);
    uint8_t far[sizeof glz_second];
    WireImage beyond = glz_image(far, sizeof far, 6);
    Player a, b;

    tap_case("a GLZ image that another display brings is waited for");
    new_player(&a, shared, 0);
    new_player(&b, shared, 1);
    send_primary(&a, 6, 1);
    send_copy(&a, 0, &second);
    CHECK(stuck(&a));
    send_copy(&b, 5, &first); /* drawn nowhere, decoded all the same */
    CHECK(drained(&a) && first_pixel(&a) == 0x090807);
    player_clear(&a);
    player_clear(&b);
    renderer_shared_unref(shared);

    tap_case("a GLZ image that refers to one that never came ends the only channel");
    shared = new_shared();
    new_player(&a, shared, 0);
    send_primary(&a, 6, 1);
    send_copy(&a, 0, &second);
    CHECK(!drained(&a) && player_failed(&a) && strstr(a.fatal, "GLZ"));
    player_clear(&a);
    renderer_shared_unref(shared);

    tap_case("a GLZ image that refers beyond the window is refused");
    memcpy(far, glz_second, sizeof far);
    far[29] = far[30] = far[31] = far[32] = 0xff; /* head distance above the id */
    shared = new_shared();
    new_player(&a, shared, 0);
    send_primary(&a, 6, 1);
    send_copy(&a, 0, &beyond);
    CHECK(!drained(&a) && player_failed(&a));
    player_clear(&a);
    renderer_shared_unref(shared);
}

/* ---- Queue
 * ------------------------------------------------------------------------------------------------------------
 */

typedef struct Room {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    unsigned int calls;
} Room;

static Room room = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};

static void on_room(void *ctx)
{
    pthread_mutex_lock(&room.lock);
    room.calls++;
    pthread_cond_broadcast(&room.cond);
    pthread_mutex_unlock(&room.lock);
}

static void test_queue(void)
{
    RendererShared *shared = new_shared();
    RendererConfig config;
    RendererInput input = {.type = SPICE_MSG_DISPLAY_INVAL_ALL_PALETTES, .fd = -1};
    unsigned int n = 0;
    bool told;
    Player player;

    tap_case("a full queue stops its feeder until it is half empty");
    renderer_config_init(&config);
    config.queue_bytes = 10000;
    config.queue_room = on_room;
    player_init(&player, shared, &config, 0, true, NULL);
    send_primary(&player, 4, 4);
    drained(&player);
    renderer_owner_acquire(player.renderer);
    send_fill(&player, 0, 4, 4, RED); /* waits for the picture, and all behind it */
    do {
        input.number = ++player.number;
        input.body = g_bytes_new_static("", 0);
        n++;
    } while (renderer_push(player.renderer, &input) && n < 10000);
    CHECK(n < 10000 / 16 && !renderer_has_room(player.renderer));
    CHECK(room.calls == 0);
    renderer_owner_release(player.renderer);
    drained(&player);
    pthread_mutex_lock(&room.lock);
    told = room.calls == 1;
    pthread_mutex_unlock(&room.lock);
    CHECK(told && renderer_has_room(player.renderer));

    tap_case("messages for the owner come back in their turn");
    renderer_owner_acquire(player.renderer);
    send_fill(&player, 0, 4, 4, GREEN);
    player_message(&player, SPICE_MSG_PING, "123456789012", 12);
    CHECK(!renderer_drain(player.renderer, false, STUCK_MS));
    pthread_mutex_lock(&player.lock);
    told = player.n_pongs == 0;
    pthread_mutex_unlock(&player.lock);
    CHECK(told);
    renderer_owner_release(player.renderer);
    CHECK(drained(&player) && player.n_pongs == 1 && player.handled == player.number);

    tap_case("a sub-message isn't counted");
    input.number = player.number + 1;
    input.body = g_bytes_new_static("", 0);
    input.sub_message = true;
    renderer_push(player.renderer, &input);
    CHECK(drained(&player) && player.handled == player.number);
    player_clear(&player);
    renderer_shared_unref(shared);
}

/* ---- Video
 * -------------------------------------------------------------------------------------------------------------
 */

static void test_video(void)
{
    RendererShared *shared = new_shared();
    size_t red_size, green_size;
    uint8_t *red = jpeg_frame(32, 16, RED, &red_size),
            *green = jpeg_frame(16, 16, GREEN, &green_size);
    WireRect dest = {0, 0, 8, 8}, none = {4, 4, 4, 4};
    WireMsgDisplayStreamDataSized sized = {
        .id = 2, .multi_media_time = 60, .dest = {0, 0, 8, 8}, .data = {green, green_size}};
    uint32_t pixel;
    Player player;

    new_player(&player, shared, 0);
    send_primary(&player, 8, 8);

    tap_case("frames are decoded, scaled and shown");
    send_stream(&player, 2, 0, SPICE_VIDEO_CODEC_TYPE_MJPEG, dest);
    send_frame(&player, 2, 10, red, red_size);
    CHECK(drained(&player));
    pixel = first_pixel(&player);
    CHECK((pixel >> 16) > 0xf0 && (pixel & 0xff) < 0x10);
    send_message(&player, SPICE_MSG_DISPLAY_STREAM_DATA_SIZED, &sized);
    CHECK(drained(&player));
    CHECK((first_pixel(&player) >> 8 & 0xff) > 0xf0);

    tap_case("stream_with_zero_size_division: sizes of 0 anywhere draw nothing");
    sized.width = sized.height = 0;
    sized.dest = none;
    send_message(&player, SPICE_MSG_DISPLAY_STREAM_DATA_SIZED, &sized);
    sized.dest = (WireRect){8, 8, 0, 0};
    send_message(&player, SPICE_MSG_DISPLAY_STREAM_DATA_SIZED, &sized);
    sized.dest = (WireRect){INT32_MIN, INT32_MIN, INT32_MAX, INT32_MAX};
    send_message(&player, SPICE_MSG_DISPLAY_STREAM_DATA_SIZED, &sized);
    send_stream(&player, 3, 0, SPICE_VIDEO_CODEC_TYPE_MJPEG, none);
    send_frame(&player, 3, 10, red, red_size);
    send_frame(&player, 3, 11, red, 0);
    CHECK(drained(&player) && !player_failed(&player));

    tap_case("a broken frame is skipped; after ten of them the server is told");
    player.sent->len = 0;
    for (int i = 0; i < 12; i++) {
        send_frame(&player, 2, 100 + (uint32_t)i, red, red_size / 3);
        drained(&player);
    }
    CHECK(player.sent->len == 1 &&
          g_array_index(player.sent, PlayerSent, 0).type == SPICE_MSGC_DISPLAY_STREAM_REPORT);
    CHECK(!player_failed(&player));

    tap_case("a stream ends with its surface, frames that wait included");
    send_surface(&player, 7, 8, 8, SPICE_SURFACE_FMT_32_xRGB, 0);
    send_stream(&player, 5, 7, SPICE_VIDEO_CODEC_TYPE_MJPEG, dest);
    send_frame(&player, 5, 10, red, red_size);
    send_frame(&player, 5, 50, red, red_size);
    send_surface_destroy(&player, 7);
    send_frame(&player, 5, 90, red, red_size);
    send_surface(&player, 7, 8, 8, SPICE_SURFACE_FMT_32_xRGB, 0);
    send_frame(&player, 5, 95, red, red_size);
    CHECK(drained(&player) && !player_failed(&player));

    tap_case("streams that can't be are refused, with one report for each unknown stream");
    player.sent->len = 0;
    send_stream(&player, 64, 0, SPICE_VIDEO_CODEC_TYPE_MJPEG, dest);
    send_stream(&player, UINT32_MAX, 0, SPICE_VIDEO_CODEC_TYPE_MJPEG, dest);
    send_stream(&player, 8, 1234, SPICE_VIDEO_CODEC_TYPE_MJPEG, dest);
    send_stream(&player, 3, 0, SPICE_VIDEO_CODEC_TYPE_MJPEG, dest); /* exists */
    send_frame(&player, 8, 1, red, red_size);
    send_frame(&player, 8, 2, red, red_size);
    send_frame(&player, 64, 1, red, red_size);
    send_frame(&player, UINT32_MAX, 1, red, red_size);
    CHECK(drained(&player) && player.sent->len == 2);
    send_stream(&player, 9, 0, 200, dest); /* no such codec */
    CHECK(drained(&player) && player.sent->len == 3);

    player_clear(&player);
    renderer_shared_unref(shared);
    g_free(red);
    g_free(green);
}

/* ---- Decoding ahead
 * -----------------------------------------------------------------------------------------------------
 */

static void test_ahead(void)
{
    RendererShared *shared = new_shared();
    size_t size;
    uint8_t *data = jpeg_frame(256, 256, RED, &size), *last = jpeg_frame(256, 256, GREEN, &size);
    size_t red_size;
    WireImage image = {.type = SPICE_IMAGE_TYPE_JPEG, .width = 256, .height = 256};
    Player player;

    g_free(data);
    data = jpeg_frame(256, 256, RED, &red_size);
    new_player(&player, shared, 0);
    send_primary(&player, 256, 256);
    drained(&player);

    tap_case("images that were decoded ahead are drawn in order");
    renderer_owner_acquire(player.renderer);
    send_fill(&player, 0, 256, 256, 1);
    for (int i = 0; i < 60; i++) {
        image.u.compressed = i % 2 ? (WireBytes){last, size} : (WireBytes){data, red_size};
        send_copy(&player, 0, &image);
    }
    renderer_owner_release(player.renderer);
    CHECK(drained(&player));
    CHECK((first_pixel(&player) >> 8 & 0xff) > 0xf0);

    tap_case("a reset forgets what was decoded ahead");
    renderer_owner_acquire(player.renderer);
    for (int i = 0; i < 60; i++)
        send_copy(&player, 0, &image);
    renderer_reset(player.renderer, NULL);
    renderer_owner_release(player.renderer);
    CHECK(drained(&player));

    player_clear(&player);
    renderer_shared_unref(shared);
    g_free(data);
    g_free(last);
}

int main(void)
{
    test_turns();
    test_resets();
    test_damage();
    test_cache_wait();
    test_closing_ends_waits();
    test_channel_wait();
    test_glz_wait();
    test_queue();
    test_video();
    test_ahead();
    return tap_done();
}
