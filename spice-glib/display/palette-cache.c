/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Palettes by their 64-bit name. */
#include "display/palette-cache.h"

#include <string.h>

void palette_cache_init(PaletteCache *cache)
{
    cache->palettes = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
}

void palette_cache_delete(PaletteCache *cache)
{
    g_hash_table_destroy(cache->palettes);
    cache->palettes = NULL;
}

void palette_cache_clear(PaletteCache *cache)
{
    g_hash_table_remove_all(cache->palettes);
}

bool palette_cache_put(PaletteCache *cache, uint64_t unique, const uint32_t *entries, uint32_t n)
{
    Palette *palette;

    if (g_hash_table_size(cache->palettes) >= PALETTE_CACHE_MAX &&
        !g_hash_table_contains(cache->palettes, &unique))
        return false;
    n = MIN(n, PALETTE_MAX_ENTRIES);
    palette = g_malloc(sizeof *palette + n * sizeof palette->entries[0]);
    palette->unique = unique;
    palette->n_entries = n;
    if (n > 0)
        memcpy(palette->entries, entries, n * sizeof palette->entries[0]);
    /* replace, not insert: the key lives in the value */
    g_hash_table_replace(cache->palettes, &palette->unique, palette);
    return true;
}

const Palette *palette_cache_get(const PaletteCache *cache, uint64_t unique)
{
    return g_hash_table_lookup(cache->palettes, &unique);
}

void palette_cache_remove(PaletteCache *cache, uint64_t unique)
{
    g_hash_table_remove(cache->palettes, &unique);
}
