/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cached images by id, with the count that makes additions and evictions of different channels
 * commute. */
#include "display/image-cache.h"

typedef struct CacheEntry {
    uint64_t id;
    CanvasImage *image;
    uint64_t pixels;
    uint32_t count;
    bool lossy;
} CacheEntry;

static uint64_t count_pixels(const CanvasImage *image)
{
    const CanvasPixels *pixels = canvas_image_pixels(image);

    return (uint64_t)pixels->width * (uint64_t)pixels->height;
}

static void entry_free(void *data)
{
    CacheEntry *entry = data;

    canvas_image_unref(entry->image);
    g_free(entry);
}

void image_cache_init(ImageCache *cache, uint64_t max_pixels)
{
    cache->entries = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, entry_free);
    cache->pixels = 0;
    cache->max_pixels = max_pixels;
}

void image_cache_clear(ImageCache *cache)
{
    g_hash_table_remove_all(cache->entries);
    cache->pixels = 0;
}

void image_cache_free(ImageCache *cache)
{
    g_hash_table_destroy(cache->entries);
    cache->entries = NULL;
}

bool image_cache_add(ImageCache *cache, uint64_t id, CanvasImage *image, bool lossy, bool replace)
{
    CacheEntry *entry = g_hash_table_lookup(cache->entries, &id);
    uint64_t pixels = count_pixels(image);
    uint64_t others = cache->pixels - (entry ? entry->pixels : 0);

    if (pixels > cache->max_pixels || others > cache->max_pixels - pixels)
        return false;
    if (entry) {
        canvas_image_unref(entry->image);
        if (!replace && entry->count < UINT32_MAX)
            entry->count++;
    } else {
        entry = g_new(CacheEntry, 1);
        entry->id = id;
        entry->count = 1;
        g_hash_table_insert(cache->entries, &entry->id, entry);
    }
    entry->image = canvas_image_ref(image);
    entry->lossy = lossy && !replace;
    entry->pixels = pixels;
    cache->pixels = others + pixels;
    return true;
}

CanvasImage *image_cache_get(ImageCache *cache, uint64_t id, bool lossless)
{
    CacheEntry *entry = g_hash_table_lookup(cache->entries, &id);

    return entry && !(lossless && entry->lossy) ? canvas_image_ref(entry->image) : NULL;
}

void image_cache_invalidate(ImageCache *cache, uint64_t id)
{
    CacheEntry *entry = g_hash_table_lookup(cache->entries, &id);

    if (!entry || --entry->count > 0)
        return;
    cache->pixels -= entry->pixels;
    g_hash_table_remove(cache->entries, &id);
}

unsigned int image_cache_size(const ImageCache *cache)
{
    return g_hash_table_size(cache->entries);
}

uint64_t image_cache_bytes(const ImageCache *cache)
{
    GHashTableIter iter;
    void *value;
    uint64_t bytes = 0;

    g_hash_table_iter_init(&iter, cache->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        bytes += canvas_image_bytes(((CacheEntry *)value)->image);
    return bytes;
}
