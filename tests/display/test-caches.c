/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of the renderer without threads: image cache, palettes, jitter buffer, stream reports.
 */
#include <string.h>

#include "display/image-cache.h"
#include "display/jitter.h"
#include "display/palette-cache.h"
#include "display/stream-report.h"
#include "tap.h"

static CanvasImage *new_image(uint32_t width, uint32_t height)
{
    CanvasPixels pixels;
    CanvasImage *image = canvas_image_new(PIXMAN_x8r8g8b8, width, height, false, &pixels);

    memset(pixels.data, 0, (size_t)pixels.stride * height);
    return image;
}

static bool has(ImageCache *cache, uint64_t id, bool lossless, const CanvasImage *expected)
{
    CanvasImage *image = image_cache_get(cache, id, lossless);
    bool same = image == expected;

    canvas_image_unref(image);
    return same;
}

static void test_image_cache(void)
{
    CanvasImage *a = new_image(10, 10), *b = new_image(20, 10), *big = new_image(100, 100);
    ImageCache cache;

    image_cache_init(&cache, 1000);

    tap_case("an image is counted for each CACHE_ME and goes with the last INVAL_LIST");
    CHECK(image_cache_add(&cache, 7, a, false, false));
    CHECK(image_cache_add(&cache, 7, b, false, false));
    CHECK(image_cache_size(&cache) == 1 && cache.pixels == 200);
    CHECK(has(&cache, 7, true, b));
    image_cache_invalidate(&cache, 7);
    CHECK(has(&cache, 7, true, b));
    image_cache_invalidate(&cache, 7);
    CHECK(has(&cache, 7, false, NULL) && cache.pixels == 0);
    image_cache_invalidate(&cache, 7);
    image_cache_invalidate(&cache, 12345);
    CHECK(image_cache_size(&cache) == 0);

    tap_case("lossy entries serve FROM_CACHE only, until CACHE_REPLACE_ME");
    CHECK(image_cache_add(&cache, 1, a, true, false));
    CHECK(has(&cache, 1, false, a) && has(&cache, 1, true, NULL));
    CHECK(image_cache_add(&cache, 1, b, false, true));
    CHECK(has(&cache, 1, true, b));
    image_cache_invalidate(&cache, 1);
    CHECK(has(&cache, 1, false, NULL)); /* the count was kept, not raised */

    tap_case("adding again replaces picture and mark");
    CHECK(image_cache_add(&cache, 2, a, false, false));
    CHECK(image_cache_add(&cache, 2, b, true, false));
    CHECK(has(&cache, 2, true, NULL) && has(&cache, 2, false, b));
    image_cache_clear(&cache);

    tap_case("CACHE_REPLACE_ME of an absent id adds a lossless entry that counts one");
    CHECK(image_cache_add(&cache, 3, a, true, true));
    CHECK(has(&cache, 3, true, a));
    image_cache_invalidate(&cache, 3);
    CHECK(image_cache_size(&cache) == 0);

    tap_case("the cache never holds more pixels than its limit");
    CHECK(!image_cache_add(&cache, 4, big, false, false));
    CHECK(image_cache_add(&cache, 4, b, false, false));
    CHECK(image_cache_add(&cache, 5, b, false, false));
    CHECK(image_cache_add(&cache, 6, b, false, false));
    CHECK(image_cache_add(&cache, 7, b, false, false));
    CHECK(image_cache_add(&cache, 8, b, false, false));
    CHECK(!image_cache_add(&cache, 9, a, false, false));
    CHECK(image_cache_add(&cache, 8, a, false, false)); /* smaller than what it replaces */
    CHECK(image_cache_add(&cache, 9, a, false, false));
    CHECK(cache.pixels == 1000 && image_cache_bytes(&cache) >= 4000);

    image_cache_free(&cache);
    canvas_image_unref(a);
    canvas_image_unref(b);
    canvas_image_unref(big);
}

static void test_palettes(void)
{
    static const uint32_t entries[300] = {1, 2, 3};
    PaletteCache cache;

    palette_cache_init(&cache);
    tap_case("palettes are replaced, removed, cleared, and limited in number and size");
    CHECK(palette_cache_put(&cache, 5, entries, 2));
    CHECK(palette_cache_get(&cache, 5)->n_entries == 2);
    CHECK(palette_cache_put(&cache, 5, entries + 1, 300));
    CHECK(palette_cache_get(&cache, 5)->n_entries == PALETTE_MAX_ENTRIES &&
          palette_cache_get(&cache, 5)->entries[0] == 2);
    palette_cache_remove(&cache, 5);
    palette_cache_remove(&cache, 6);
    CHECK(!palette_cache_get(&cache, 5));
    for (uint64_t i = 0; i < PALETTE_CACHE_MAX; i++)
        CHECK(palette_cache_put(&cache, i, entries, 1));
    CHECK(!palette_cache_put(&cache, 999, entries, 1));
    CHECK(palette_cache_put(&cache, 0, entries, 0));
    palette_cache_clear(&cache);
    CHECK(!palette_cache_get(&cache, 0));
    palette_cache_delete(&cache);
}

/* A source of numbers that is the same everywhere. */
static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void test_jitter(void)
{
    JitterBuffer jitter = {0};
    int64_t now = 5000000, due;
    uint32_t mm, random = 1;

    tap_case("frames of a steady line are shown at once");
    mm = 1000;
    for (int i = 0; i < 200; i++, mm += 33, now += 33000)
        CHECK(jitter_arrival(&jitter, mm, now) == now);
    CHECK(jitter_delay(&jitter) == 0);

    tap_case("with jitter the delay covers it, and frames come out evenly");
    {
        int64_t start = now, last = 0, longest = 0;
        unsigned int uneven = 0;

        for (int i = 0; i < 300; i++, mm += 33) {
            int64_t sent = start + (int64_t)i * 33000;
            int64_t arrival = sent + next_random(&random) % 20000;

            due = jitter_arrival(&jitter, mm, arrival);
            CHECK(due >= arrival);
            if (i > 100) {
                if (due - last < 28000 || due - last > 38000)
                    uneven++;
                longest = MAX(longest, due - sent);
            }
            last = due;
        }
        now = last + 33000;
        CHECK(jitter_delay(&jitter) >= 15000 && jitter_delay(&jitter) <= 20000);
        CHECK(longest <= 25000); /* never a fixed long delay */
        CHECK(uneven < 30);
    }

    tap_case("the delay shrinks again, slowly");
    {
        int64_t before = jitter_delay(&jitter), step = 0;

        for (int i = 0; i < 400; i++, mm += 33, now += 33000) {
            int64_t old = jitter_delay(&jitter);

            jitter_arrival(&jitter, mm, now);
            step = MAX(step, old - jitter_delay(&jitter));
        }
        CHECK(jitter_delay(&jitter) < before / 4);
        CHECK(step <= 1000);
    }

    tap_case("the delay is bounded, whatever the line does");
    for (int i = 0; i < 200; i++, mm += 33, now += 33000)
        jitter_arrival(&jitter, mm, now + (i % 2) * 3000000);
    CHECK(jitter_delay(&jitter) <= JITTER_MAX_US);

    tap_case("a clock that was set back, or far ahead, starts anew");
    due = jitter_arrival(&jitter, mm - 100000, now += 33000);
    CHECK(due == now);
    due = jitter_arrival(&jitter, mm + 4000000, now += 33000);
    CHECK(due == now);

    tap_case("the wrap of the clock after 49 days is no jump");
    jitter_reset(&jitter);
    mm = UINT32_MAX - 500;
    for (int i = 0; i < 40; i++, mm += 33, now += 33000) {
        if (mm != 0)
            CHECK(jitter_arrival(&jitter, mm, now) == now);
    }

    tap_case("frames without a time are shown at once");
    CHECK(jitter_arrival(&jitter, 0, now) == now);

    tap_case("a slow drift of the two clocks doesn't make it late for ever");
    jitter_reset(&jitter);
    mm = 1;
    for (int i = 0; i < 3000; i++, mm += 33, now += 33020) /* 0.06 % */
        jitter_arrival(&jitter, mm, now);
    CHECK(jitter_delay(&jitter) < 12000);
}

static void test_reports(void)
{
    WireMsgcDisplayStreamReport message;
    StreamReport report = {0};

    tap_case("a report at the end of the window");
    CHECK(!stream_report_frame(&report, 1, 1, 0, &message)); /* not asked for */
    stream_report_activate(&report, 77, 3, 1000);
    CHECK(!stream_report_frame(&report, 100, 50, 0, &message));
    CHECK(!stream_report_frame(&report, 133, -5, 33000, &message));
    CHECK(stream_report_frame(&report, 166, 40, 66000, &message));
    CHECK(message.unique_id == 77 && message.start_frame_mm_time == 100 &&
          message.end_frame_mm_time == 166 && message.num_frames == 3 && message.num_drops == 1 &&
          message.last_frame_delay == 40);

    tap_case("a report after the time limit, and after three late frames in a row");
    stream_report_activate(&report, 78, 100, 1000);
    CHECK(!stream_report_frame(&report, 200, 1, 1000000, &message));
    CHECK(stream_report_frame(&report, 233, 1, 2000000, &message) && message.num_frames == 2);
    CHECK(!stream_report_frame(&report, 266, -1, 2033000, &message));
    CHECK(!stream_report_frame(&report, 300, -1, 2066000, &message));
    CHECK(stream_report_frame(&report, 333, -2, 2100000, &message));
    CHECK(message.num_drops == 3 && message.last_frame_delay == -2 &&
          message.start_frame_mm_time == 266);

    tap_case("a window of no frames and no time reports each frame");
    stream_report_activate(&report, 79, 0, 0);
    CHECK(stream_report_frame(&report, 1, 0, 0, &message));
    CHECK(stream_report_frame(&report, 2, 0, 0, &message));

    tap_case("the special report");
    stream_report_cannot(9, &message);
    CHECK(message.stream_id == 9 && message.num_frames == 0 && message.num_drops == UINT32_MAX &&
          message.unique_id == 0);
}

int main(void)
{
    test_image_cache();
    test_palettes();
    test_jitter();
    test_reports();
    return tap_done();
}
