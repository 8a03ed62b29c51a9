/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The GLZ codec: dictionary to window over many images, images out of order, the window's bounds,
 * damaged streams. */
#include "codec/glz-private.h"
#include "codec/lz.h"
#include "codec/zlib-glz.h"
#include "pictures.h"
#include "tap.h"

static const CodecFormat formats[] = {CODEC_FORMAT_RGB16, CODEC_FORMAT_RGB24, CODEC_FORMAT_RGB32,
                                      CODEC_FORMAT_RGBA};

/* An image on its way. */
typedef struct Sent {
    CodecFormat format;
    uint32_t width, height;
    uint8_t *pixels; /* tight rows in coded order */
    uint8_t *data;   /* the stream, in memory of its own size */
    size_t size;
    uint64_t id;
} Sent;

static void sent_clear(Sent *sent)
{
    free(sent->pixels);
    free(sent->data);
}

/* Encode a picture that resembles an earlier one, so that there is something to refer to. */
static CodecResult send_picture(Random *random, GlzDictionary *dictionary, CodecFormat format,
                                PictureKind kind, uint32_t width, uint32_t height, Sent *sent)
{
    Random repeated = {random_below(random, 4)};
    size_t row, bound = lz_encode_bound(format, width, height) + 5;
    uint8_t *out = malloc(bound);

    codec_row_size(format, width, &row);
    *sent = (Sent){.format = format, .width = width, .height = height};
    sent->pixels = picture_new(&repeated, kind, format, width, height, row);
    for (int i = random_below(random, 10); i--;)
        sent->pixels[random_below(random, row * height)] ^= 1 + random_below(random, 100);
    CodecResult result = glz_encode(dictionary, format, random_below(random, 2), width, height,
                                    sent->pixels, row, out, bound, &sent->size, &sent->id);
    if (result == CODEC_OK)
        sent->data = exact_copy(out, sent->size);
    free(out);
    return result;
}

static bool arrived_intact(const Sent *sent, const GlzImage *image)
{
    const CodecInfo *info = glz_image_info(image);
    const uint32_t *got = glz_image_pixels(image);
    size_t n = (size_t)sent->width * sent->height;

    if (glz_image_id(image) != sent->id || info->format != sent->format ||
        info->width != sent->width || info->height != sent->height)
        return false;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = sent->pixels + i * codec_format_bits(sent->format) / 8;
        uint32_t v = p[0] | p[1] << 8;

        if (sent->format == CODEC_FORMAT_RGB16) {
            uint32_t r = v >> 10 & 31, g = v >> 5 & 31, b = v & 31;
            v = (r * 8 + r / 4) << 16 | (g * 8 + g / 4) << 8 | (b * 8 + b / 4);
        } else {
            v |= p[2] << 16;
            if (sent->format == CODEC_FORMAT_RGBA)
                v |= (uint32_t)p[3] << 24;
        }
        if (v != got[i])
            return false;
    }
    return true;
}

static int locks_held, locks_taken;

static void count_lock(void *ctx)
{
    *(int *)ctx += 1;
    locks_taken++;
}

static void count_unlock(void *ctx)
{
    *(int *)ctx -= 1;
}

static const GlzLock counting = {count_lock, count_unlock, &locks_held};

static void test_sequences(void)
{
    Random random = {1};

    for (int round = 0; round < 6; round++) {
        uint32_t window_pixels = round < 3 ? 3000 : 40000;
        GlzDictionary *dictionary = glz_dictionary_new(window_pixels, 0);
        GlzWindow *window = glz_window_new((size_t)window_pixels * 4, &counting);

        tap_case("glz: a long sequence of all formats, window and dictionary in step");
        for (int i = 0; i < 150; i++) {
            GlzImage *image = NULL;
            GlzWindowState state;
            GlzInfo info;
            Sent sent;

            if (!CHECK(send_picture(&random, dictionary,
                                    formats[round % 2 ? 2 : random_below(&random, 4)],
                                    (PictureKind)random_below(&random, N_PICTURES),
                                    1 + random_below(&random, 50), 1 + random_below(&random, 40),
                                    &sent) == CODEC_OK))
                break;
            CHECK(glz_read_header(sent.data, sent.size, &info) == CODEC_OK &&
                  info.id == (uint64_t)i);
            if (round == 5 && sent.size > 100) {
                size_t wrapped;
                uint8_t *zlib = malloc(sent.size);

                if (zlib_glz_encode(sent.data, sent.size, 3, zlib, sent.size, &wrapped) ==
                    CODEC_OK) {
                    uint8_t *exact = exact_copy(zlib, wrapped);
                    CHECK(zlib_glz_decode(window, exact, wrapped, sent.size, sent.width,
                                          sent.height, &image, NULL) == CODEC_OK);
                    free(exact);
                }
                free(zlib);
            }
            if (!image)
                CHECK(glz_decode(window, sent.data, sent.size, &image, NULL) == CODEC_OK);
            CHECK(image && arrived_intact(&sent, image));
            glz_window_state(window, &state);
            CHECK(state.gap == (uint64_t)i + 1 && state.lowest == info.base &&
                  state.highest == (uint64_t)i);
            CHECK(state.pixel_bytes == (size_t)glz_dictionary_pixels(dictionary) * 4);
            CHECK(state.pixel_bytes <= (size_t)window_pixels * 4);
            CHECK(glz_window_has(window, i) && !glz_window_has(window, i + 1) &&
                  glz_window_passed(window, i));
            /* The same again is refused: the number is used up. */
            CHECK(glz_decode(window, sent.data, sent.size, NULL, NULL) == CODEC_BAD_DATA);
            glz_image_unref(image);
            sent_clear(&sent);
        }
        CHECK(locks_held == 0 && locks_taken > 0);
        glz_window_free(window);
        glz_dictionary_free(dictionary);
    }
}

static void test_references_pay(void)
{
    Random random = {2};
    GlzDictionary *dictionary = glz_dictionary_new(100000, 0);
    size_t row = 200 * 4, bound = lz_encode_bound(CODEC_FORMAT_RGB32, 200, 100) + 5, first, second;
    uint8_t *noise = picture_new(&random, PICTURE_NOISE, CODEC_FORMAT_RGB32, 200, 100, row),
            *out = malloc(bound);

    tap_case("glz: an image seen before costs next to nothing");
    CHECK(glz_encode(dictionary, CODEC_FORMAT_RGB32, true, 200, 100, noise, row, out, bound, &first,
                     NULL) == CODEC_OK);
    CHECK(glz_encode(dictionary, CODEC_FORMAT_RGB32, true, 200, 100, noise, row, out, bound,
                     &second, NULL) == CODEC_OK);
    CHECK(first > 200 * 100 * 3 && second < 200);
    free(out);
    free(noise);
    glz_dictionary_free(dictionary);
}

/* Images spread over channels; each channel keeps its order, and stops at a missing image. */
static void out_of_order_arrival(void)
{
    enum { N = 120, CHANNELS = 4 };
    Random random = {3};

    tap_case("glz: images out of order over four channels");
    for (int round = 0; round < 10; round++) {
        GlzDictionary *dictionary = glz_dictionary_new(20000, 0);
        GlzWindow *window = glz_window_new(20000 * 4, NULL);
        Sent sent[N];
        int channel_of[N], next[CHANNELS] = {0}, done = 0, waits = 0;
        GlzWindowState state;

        for (int i = 0; i < N; i++) {
            CHECK(send_picture(&random, dictionary, CODEC_FORMAT_RGB32, PICTURE_TEXT,
                               1 + random_below(&random, 30), 1 + random_below(&random, 30),
                               &sent[i]) == CODEC_OK);
            channel_of[i] = random_below(&random, CHANNELS);
        }
        for (int idle = 0; done < N && idle < 1000; idle++) {
            int channel = random_below(&random, CHANNELS), i = next[channel];
            uint64_t missing = UINT64_MAX;
            GlzImage *image = NULL;

            while (i < N && channel_of[i] != channel)
                i++;
            next[channel] = i;
            if (i == N)
                continue;
            CodecResult result = glz_decode(window, sent[i].data, sent[i].size, &image, &missing);
            if (result == CODEC_MISSING) {
                CHECK(missing < (uint64_t)i && !glz_window_passed(window, missing));
                waits++;
                continue;
            }
            if (!CHECK(result == CODEC_OK && arrived_intact(&sent[i], image)))
                break;
            glz_image_unref(image);
            next[channel] = i + 1;
            done++;
            idle = 0;
        }
        CHECK(done == N);
        CHECK(waits > 0);
        glz_window_state(window, &state);
        CHECK(state.gap == N && state.highest == N - 1 && state.pixel_bytes <= 20000 * 4);
        for (int i = 0; i < N; i++)
            sent_clear(&sent[i]);
        glz_window_free(window);
        glz_dictionary_free(dictionary);
    }
}

/* A stream of one flat image by hand: header, one literal, one run. */
static size_t flat_image(uint8_t *out, uint64_t id, uint32_t head_distance, uint32_t width,
                         uint32_t height)
{
    uint32_t fields[] = {0x20205a4c, 0x00010001};
    uint32_t rest[] = {width, height, width * 4, id >> 32, id, head_distance};
    uint32_t left = width * height - 1;
    size_t n = 9;

    for (int i = 0; i < 8; i++)
        out[i] = fields[i / 4] >> (24 - i % 4 * 8);
    out[8] = 8 | 16;
    for (int i = 0; i < 24; i++)
        out[n++] = rest[i / 4] >> (24 - i % 4 * 8);
    memcpy(out + n, "\0\1\2\3", 4);
    n += 4;
    if (left >= 7) {
        out[n++] = 7 << 5;
        for (left -= 7; left >= 255; left -= 255)
            out[n++] = 255;
        out[n++] = left;
        out[n++] = 0;
        out[n++] = 0;
    } else if (left) {
        out[n++] = left << 5;
        out[n++] = 0;
        out[n++] = 0;
    }
    return n;
}

static void glz_window_memory_bound(void)
{
    uint8_t data[4096];
    GlzWindow *window = glz_window_new(1000 * 4, NULL);
    GlzWindowState state;
    uint64_t missing = 0, id;
    int waited = 0;

    tap_case("glz: window memory bound: images larger than the window are refused");
    CHECK(glz_decode(window, data, flat_image(data, 0, 0, 40, 26), NULL, NULL) == CODEC_TOO_LARGE);
    CHECK(glz_decode(window, data, flat_image(data, 0, 0, 40, 25), NULL, NULL) == CODEC_OK);

    tap_case("glz: window memory bound: a base that keeps too much is refused");
    CHECK(glz_decode(window, data, flat_image(data, 1, 1, 1, 1), NULL, NULL) == CODEC_TOO_LARGE);
    CHECK(glz_decode(window, data, flat_image(data, 1, 0, 1, 1), NULL, NULL) == CODEC_OK);
    glz_window_state(window, &state);
    CHECK(state.n_images == 1 && state.lowest == 1);

    tap_case("glz: window memory bound: with a gap, later images wait for it instead of piling up");
    for (id = 3; id < 100; id++) {
        CodecResult result =
            glz_decode(window, data, flat_image(data, id, 0, 20, 20), NULL, &missing);

        if (result == CODEC_MISSING) {
            CHECK(missing == 2);
            waited++;
        } else {
            CHECK(result == CODEC_OK);
        }
    }
    glz_window_state(window, &state);
    CHECK(waited > 80 && state.pixel_bytes <= 2 * 1000 * 4 && state.gap == 2);
    CHECK(glz_decode(window, data, flat_image(data, 2, 0, 20, 20), NULL, NULL) == CODEC_OK);
    glz_window_state(window, &state);
    CHECK(state.gap > 3 && state.n_images == 1);

    tap_case("glz: window memory bound: a flood of tiny images");
    glz_window_reset(window);
    for (id = 1; id < 20000; id++)
        if (glz_decode(window, data, flat_image(data, id, 0, 1, 1), NULL, &missing) != CODEC_OK)
            break;
    glz_window_state(window, &state);
    CHECK(id < 2000 && missing == 0 && state.n_images < 2000);
    glz_window_free(window);
}

static void window_reset_at_reconnect(void)
{
    uint8_t data[4096];
    GlzWindow *window = glz_window_new(1000 * 4, NULL);
    GlzWindowState state;
    GlzImage *kept = NULL;

    tap_case("glz: after a reset ids begin at 0 again, and images are dropped again");
    for (uint64_t id = 0; id < 50; id++)
        CHECK(glz_decode(window, data, flat_image(data, id, id ? 1 : 0, 10, 10), NULL, NULL) ==
              CODEC_OK);
    kept = glz_window_get(window, 49);
    CHECK(kept && !glz_window_get(window, 40));
    glz_window_reset(window);
    glz_window_state(window, &state);
    CHECK(state.n_images == 0 && state.gap == 0 && state.pixel_bytes == 0);
    for (uint64_t id = 0; id < 20; id++)
        CHECK(glz_decode(window, data, flat_image(data, id, id ? 1 : 0, 10, 10), NULL, NULL) ==
              CODEC_OK);
    glz_window_state(window, &state);
    CHECK(state.n_images == 2);
    CHECK(glz_image_pixels(kept)[99] == 0x030201); /* still alive */
    glz_window_free(window);
    CHECK(glz_image_pixels(kept)[0] == 0x030201);
    glz_image_unref(kept);
}

/* Images that are held keep more than themselves, but not without end. */
static void test_held_images(void)
{
    enum { N = 500, SIDE = 128, BYTES = SIDE * SIDE * 4 };
    static uint8_t data[4096];
    static GlzImage *held[N];
    GlzWindow *window = glz_window_new(16 << 20, NULL);
    unsigned in_slabs = 0, alone = 0;

    tap_case("glz: images that stay referred to outside of the window");
    for (uint64_t id = 0; id < N; id++) {
        size_t size = flat_image(data, id, id ? 1 : 0, SIDE, SIDE);

        CHECK(glz_decode(window, data, size, &held[id], NULL) == CODEC_OK);
        in_slabs += held[id]->slab != NULL;
        alone += held[id]->slab == NULL;
    }
#if GLZ_SLABS
    CHECK(in_slabs > 200 && (size_t)in_slabs * BYTES < 16 << 20);
#endif
    CHECK(alone > 200);
    /* When they are let go there are slabs again. */
    for (uint64_t id = 0; id < N; id++) {
        CHECK(held[id]->info.id == id && glz_image_pixels(held[id])[SIDE * SIDE - 1] == 0x030201);
        if (id + 1 < N)
            glz_image_unref(held[id]);
    }
    for (uint64_t id = N; id < N + 2; id++)
        CHECK(glz_decode(window, data, flat_image(data, id, 1, SIDE, SIDE), NULL, NULL) ==
              CODEC_OK);
    GlzImage *last = glz_window_get(window, N + 1);
#if GLZ_SLABS
    CHECK(last && last->slab);
#endif
    glz_window_free(window);
    CHECK(glz_image_pixels(last)[7] == 0x030201 && glz_image_pixels(held[N - 1])[7] == 0x030201);
    glz_image_unref(last);
    glz_image_unref(held[N - 1]);
}

static void test_dropping_needs_no_gap(void)
{
    uint8_t data[4096];
    GlzWindow *window = glz_window_new(1000 * 4, NULL);

    tap_case("glz: a later image's base drops nothing while one in between is missing (rule C3)");
    CHECK(glz_decode(window, data, flat_image(data, 0, 0, 5, 5), NULL, NULL) == CODEC_OK);
    CHECK(glz_decode(window, data, flat_image(data, 2, 0, 5, 5), NULL, NULL) == CODEC_OK);
    CHECK(glz_window_has(window, 0)); /* 1 may still want it */
    CHECK(glz_decode(window, data, flat_image(data, 1, 1, 5, 5), NULL, NULL) == CODEC_OK);
    CHECK(!glz_window_has(window, 0) && !glz_window_has(window, 1) && glz_window_has(window, 2));
    CHECK(glz_window_passed(window, 0));
    glz_window_free(window);
}

static void test_dictionary(void)
{
    Random random = {5};
    Sent sent;
    size_t size;
    uint64_t id;
    uint8_t pixels[400] = {1}, out[600];

    tap_case("glz: dictionary limits");
    GlzDictionary *dictionary = glz_dictionary_new(-5, 0);
    CHECK(glz_dictionary_window(dictionary) == 0 &&
          !glz_dictionary_accepts(dictionary, CODEC_FORMAT_RGB32, 1, 1));
    CHECK(glz_encode(dictionary, CODEC_FORMAT_RGB32, true, 1, 1, pixels, 4, out, 600, &size, &id) ==
          CODEC_TOO_LARGE);
    glz_dictionary_free(dictionary);
    dictionary = glz_dictionary_new(INT64_MAX, 7);
    CHECK(glz_dictionary_window(dictionary) == GLZ_MAX_WINDOW &&
          glz_dictionary_next_id(dictionary) == 7);
    CHECK(!glz_dictionary_accepts(dictionary, CODEC_FORMAT_A8, 1, 1));
    CHECK(!glz_dictionary_accepts(dictionary, CODEC_FORMAT_RGB32, 1 << 13, 1 << 12));
    CHECK(glz_encode(dictionary, CODEC_FORMAT_RGB32, true, 10, 10, pixels, 40, out, 20, &size,
                     &id) == CODEC_NO_SPACE);
    CHECK(glz_encode(dictionary, CODEC_FORMAT_RGB32, true, 10, 10, pixels, 40, out, 36, &size,
                     &id) == CODEC_NO_SPACE);
    CHECK(glz_dictionary_next_id(dictionary) == 7 && glz_dictionary_pixels(dictionary) == 0);

    tap_case("glz: ids continue after migration, the first image has no base before it");
    CHECK(glz_encode(dictionary, CODEC_FORMAT_RGB32, true, 10, 10, pixels, 40, out, 600, &size,
                     &id) == CODEC_OK);
    CHECK(id == 7 && !memcmp(out + 21, "\0\0\0\0\0\0\0\7\0\0\0\0", 12));
    glz_dictionary_free(dictionary);

    tap_case("glz: more images than a dictionary holds at once");
    dictionary = glz_dictionary_new(GLZ_MAX_WINDOW, 0);
    GlzWindow *window = glz_window_new((size_t)GLZ_MAX_WINDOW * 4, NULL);
    for (int i = 0; i < 40000; i++) {
        CHECK(send_picture(&random, dictionary, CODEC_FORMAT_RGB32, PICTURE_TEXT, 4, 4, &sent) ==
              CODEC_OK);
        CHECK(glz_decode(window, sent.data, sent.size, NULL, NULL) == CODEC_OK);
        sent_clear(&sent);
    }
    GlzWindowState state;
    glz_window_state(window, &state);
    CHECK(state.gap == 40000 && state.n_images < 20000);
    glz_window_free(window);
    glz_dictionary_free(dictionary);
}

static void test_damage(void)
{
    Random random = {6};
    int refused = 0;

    tap_case("glz: cut at every byte, and damaged at random");
    for (int round = 0; round < 60; round++) {
        GlzDictionary *dictionary = glz_dictionary_new(5000, 0);
        GlzWindow *window = glz_window_new(5000 * 4, NULL);
        CodecFormat format = formats[round % 4];
        Sent sent;

        for (int i = 0; i < 6; i++) {
            CHECK(send_picture(&random, dictionary, format, PICTURE_MIX,
                               1 + random_below(&random, 30), 1 + random_below(&random, 20),
                               &sent) == CODEC_OK);
            for (size_t cut = 0; cut < sent.size; cut += i == 5 ? 1 : 7) {
                uint8_t *data = exact_copy(sent.data, cut);
                CHECK(glz_decode(window, data, cut, NULL, NULL) != CODEC_OK);
                free(data);
            }
            for (int k = 0; k < 30; k++) {
                uint8_t *data = exact_copy(sent.data, sent.size);
                /* Without a change of the id: what is accepted would take the next one's place. */
                size_t at = GLZ_HEADER_SIZE + random_below(&random, sent.size - GLZ_HEADER_SIZE);
                GlzWindow *other = glz_window_new(5000 * 4, NULL);

                data[at] ^= 1 + random_below(&random, 255);
                refused += glz_decode(other, data, sent.size, NULL, NULL) != CODEC_OK;
                glz_window_free(other);
                free(data);
            }
            CHECK(glz_decode(window, sent.data, sent.size, NULL, NULL) == CODEC_OK);
            sent_clear(&sent);
        }
        glz_window_free(window);
        glz_dictionary_free(dictionary);
    }
    CHECK(refused > 1000);

    tap_case("glz: inflated sizes that can't be");
    CHECK(zlib_glz_check(10, 32, 4, 4) == CODEC_TRUNCATED);
    CHECK(zlib_glz_check(10, 20000, 1000, 1000) == CODEC_TOO_LARGE);
    CHECK(zlib_glz_check(1000, 33 + 16 + 64 + 1, 1, 1) == CODEC_TOO_LARGE);
    CHECK(zlib_glz_check(1000, 100, 4, 4) == CODEC_OK);
}

int main(void)
{
    test_sequences();
    test_references_pay();
    out_of_order_arrival();
    glz_window_memory_bound();
    window_reset_at_reconnect();
    test_held_images();
    test_dropping_needs_no_gap();
    test_dictionary();
    test_damage();
    return tap_done();
}
