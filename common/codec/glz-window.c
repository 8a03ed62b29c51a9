/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client's window of GLZ images: which are there, which is the lowest missing one, and when
 * they may go (docs/spec/lz.md 4.3, rules C1 to C5). */
#include "codec/glz-private.h"

#include <stdlib.h>
#include <string.h>

/* What an image costs beside its pixels, so that a flood of tiny images is bounded too. */
#define IMAGE_OVERHEAD 192

typedef struct Entry {
    uint64_t id;
    GlzImage *image;
} Entry;

struct GlzWindow {
    GlzLock lock;
    GlzMemory *memory;
    uint64_t max_pixels;
    uint64_t generation; /* counts resets */
    uint64_t gap;        /* the lowest id that has not come yet */
    Entry *entries;      /* capacity of them; n from first on, in the order of their ids */
    size_t first, n, capacity;
    uint64_t pixels; /* sum over the entries */
};

static void window_lock(GlzWindow *window)
{
    if (window->lock.lock)
        window->lock.lock(window->lock.ctx);
}

static void window_unlock(GlzWindow *window)
{
    if (window->lock.unlock)
        window->lock.unlock(window->lock.ctx);
}

GlzImage *glz_window_new_image(GlzWindow *window, const GlzInfo *info)
{
    size_t units = (size_t)info->image.width * info->image.height;
    GlzImage *image;

    window_lock(window);
    image = glz_memory_image(window->memory, units);
    window_unlock(window);
    if (image) {
        atomic_init(&image->refs, 1);
        image->info = *info;
        image->n_units = units;
    }
    return image;
}

GlzImage *glz_image_ref(GlzImage *image)
{
    atomic_fetch_add_explicit(&image->refs, 1, memory_order_relaxed);
    return image;
}

void glz_image_unref(GlzImage *image)
{
    if (image && atomic_fetch_sub_explicit(&image->refs, 1, memory_order_acq_rel) == 1)
        glz_image_release(image);
}

uint64_t glz_image_id(const GlzImage *image)
{
    return image->info.id;
}

const CodecInfo *glz_image_info(const GlzImage *image)
{
    return &image->info.image;
}

const uint32_t *glz_image_pixels(const GlzImage *image)
{
    return image->pixels;
}

GlzWindow *glz_window_new(size_t max_bytes, const GlzLock *lock)
{
    GlzWindow *window = calloc(1, sizeof *window);

    if (!window)
        return NULL;
    window->memory = glz_memory_new(max_bytes);
    if (!window->memory) {
        free(window);
        return NULL;
    }
    window->max_pixels = max_bytes / 4;
    if (lock)
        window->lock = *lock;
    return window;
}

void glz_window_reset(GlzWindow *window)
{
    window_lock(window);

    Entry *entries = window->entries;
    size_t first = window->first, n = window->n;

    window->entries = NULL;
    window->first = window->n = window->capacity = 0;
    window->pixels = 0;
    window->gap = 0;
    window->generation++;
    window_unlock(window);

    for (size_t i = 0; i < n; i++)
        glz_image_unref(entries[first + i].image);
    free(entries);
}

void glz_window_free(GlzWindow *window)
{
    if (!window)
        return;
    for (size_t i = 0; i < window->n; i++)
        glz_image_unref(window->entries[window->first + i].image);
    free(window->entries);
    glz_memory_free(window->memory);
    free(window);
}

/* Index (from first on) of the first entry whose id is not below id. Ids are nearly always dense,
 * so the place is guessed before it is searched. */
static size_t lower_bound(const GlzWindow *window, uint64_t id)
{
    if (!window->n)
        return 0;

    const Entry *entries = window->entries + window->first;
    size_t low = 0, high = window->n;

    if (id <= entries[0].id)
        return 0;
    if (id > entries[high - 1].id)
        return high;
    uint64_t guess = id - entries[0].id;
    if (guess < high && entries[guess].id == id)
        return guess;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (entries[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static GlzImage *find(const GlzWindow *window, uint64_t id)
{
    size_t at = lower_bound(window, id);

    if (at == window->n || window->entries[window->first + at].id != id)
        return NULL;
    return window->entries[window->first + at].image;
}

bool glz_window_has(GlzWindow *window, uint64_t id)
{
    window_lock(window);
    bool has = find(window, id) != NULL;
    window_unlock(window);
    return has;
}

bool glz_window_passed(GlzWindow *window, uint64_t id)
{
    window_lock(window);
    bool passed = id < window->gap || find(window, id) != NULL;
    window_unlock(window);
    return passed;
}

GlzImage *glz_window_get(GlzWindow *window, uint64_t id)
{
    window_lock(window);
    GlzImage *image = find(window, id);
    if (image)
        glz_image_ref(image);
    window_unlock(window);
    return image;
}

void glz_window_state(GlzWindow *window, GlzWindowState *state)
{
    window_lock(window);
    memset(state, 0, sizeof *state);
    state->gap = window->gap;
    state->n_images = window->n;
    state->pixel_bytes = window->pixels * 4;
    if (window->n) {
        state->lowest = window->entries[window->first].id;
        state->highest = window->entries[window->first + window->n - 1].id;
    }
    window_unlock(window);
}

CodecResult glz_window_lookup(GlzWindow *window, uint64_t generation, uint64_t id, GlzImage **image)
{
    CodecResult result = CODEC_OK;

    window_lock(window);
    *image = window->generation == generation ? find(window, id) : NULL;
    if (*image)
        glz_image_ref(*image);
    else
        result =
            window->generation != generation || id < window->gap ? CODEC_BAD_DATA : CODEC_MISSING;
    window_unlock(window);
    return result;
}

/* Pixels of the images from base to id, with those of the new one, id itself (rule G4). */
static uint64_t pixels_between(const GlzWindow *window, const GlzInfo *info, uint64_t own,
                               uint64_t enough)
{
    uint64_t sum = window->pixels + own;

    if (!window->n)
        return sum;

    const Entry *entries = window->entries + window->first;
    /* Take off what lies outside, from both ends, only as far as needed. */
    for (size_t i = 0; i < window->n && entries[i].id < info->base && sum > enough; i++)
        sum -= entries[i].image->n_units;
    for (size_t i = window->n; i-- > 0 && entries[i].id > info->id && sum > enough;)
        sum -= entries[i].image->n_units;
    return sum;
}

CodecResult glz_window_admit(GlzWindow *window, const GlzInfo *info, uint64_t *generation,
                             uint64_t *missing)
{
    uint64_t own = (uint64_t)info->image.width * info->image.height;
    CodecResult result = CODEC_OK;

    window_lock(window);
    *generation = window->generation;
    if (info->id < window->gap || find(window, info->id)) {
        result = CODEC_BAD_DATA; /* it came before */
    } else if (pixels_between(window, info, own, window->max_pixels) > window->max_pixels) {
        result = CODEC_TOO_LARGE;
    } else {
        uint64_t weight = (window->pixels + own) * 4 + (uint64_t)(window->n + 1) * IMAGE_OVERHEAD;
        /* The smallest image that a server compresses has 14 pixels: honest windows stay below four
         * and a half times their pixels. */
        uint64_t tiny = window->max_pixels * 4 * 5 + (1 << 16);

        if (info->id != window->gap) {
            if (window->pixels + own > 2 * window->max_pixels || weight > 2 * tiny) {
                *missing = window->gap;
                result = CODEC_MISSING;
            }
        } else if (weight > 3 * tiny) {
            result = CODEC_TOO_LARGE;
        }
    }
    window_unlock(window);
    return result;
}

/* Room for one more entry, with the front of the array given back first. */
static bool make_room(GlzWindow *window)
{
    if (window->first + window->n < window->capacity)
        return true;
    if (window->first > window->capacity / 2) {
        memmove(window->entries, window->entries + window->first,
                window->n * sizeof *window->entries);
        window->first = 0;
        return true;
    }
    size_t capacity = window->capacity ? window->capacity * 2 : 64;
    Entry *entries = malloc(capacity * sizeof *entries);
    if (!entries)
        return false;
    if (window->n)
        memcpy(entries, window->entries + window->first, window->n * sizeof *entries);
    free(window->entries);
    window->entries = entries;
    window->first = 0;
    window->capacity = capacity;
    return true;
}

/* Rule C3: the base of the image right below the gap says what may go. Images are handed out one by
 * one so that they can be freed without the lock. */
static GlzImage *take_one_unused(GlzWindow *window, uint64_t base)
{
    if (!window->n || window->entries[window->first].id >= base)
        return NULL;
    GlzImage *image = window->entries[window->first].image;
    window->first++;
    window->n--;
    window->pixels -= image->n_units;
    return image;
}

CodecResult glz_window_insert(GlzWindow *window, uint64_t generation, GlzImage *image)
{
    uint64_t id = image->info.id, base = 0;
    CodecResult result = CODEC_OK;

    window_lock(window);

    size_t at = lower_bound(window, id);
    if (window->generation != generation || id < window->gap ||
        (at < window->n && window->entries[window->first + at].id == id)) {
        result = CODEC_BAD_DATA;
    } else if (!make_room(window)) {
        result = CODEC_NO_MEMORY;
    } else {
        Entry *entries = window->entries + window->first;

        memmove(entries + at + 1, entries + at, (window->n - at) * sizeof *entries);
        entries[at] = (Entry){id, glz_image_ref(image)};
        window->n++;
        window->pixels += image->n_units;
        if (id == window->gap) {
            while (at < window->n && entries[at].id == window->gap) {
                base = entries[at].image->info.base;
                window->gap++;
                at++;
            }
        }
    }

    GlzImage *unused = take_one_unused(window, base);
    window_unlock(window);
    while (unused) {
        glz_image_unref(unused);
        window_lock(window);
        unused = window->generation == generation ? take_one_unused(window, base) : NULL;
        window_unlock(window);
    }
    return result;
}
