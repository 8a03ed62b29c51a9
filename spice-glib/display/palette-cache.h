/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The palettes that one display channel keeps for the server (docs/spec/display.md 9). */
#ifndef DISPLAY_PALETTE_CACHE_H
#define DISPLAY_PALETTE_CACHE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* The server keeps 128 and is one or two ahead of its own evictions. */
#define PALETTE_CACHE_MAX 256

/* An index has at most eight bits, so entries beyond these are never used. */
#define PALETTE_MAX_ENTRIES 256

typedef struct Palette {
    uint64_t unique;
    uint32_t n_entries;
    uint32_t entries[];
} Palette;

/* Owned by a renderer, touched by its thread only. */
typedef struct PaletteCache {
    GHashTable *palettes;
} PaletteCache;

void palette_cache_init(PaletteCache *cache);
void palette_cache_delete(PaletteCache *cache);
void palette_cache_clear(PaletteCache *cache);

/* Copies the entries; replaces a palette of the same name. False when the cache is full. */
bool palette_cache_put(PaletteCache *cache, uint64_t unique, const uint32_t *entries, uint32_t n);
/* Valid until the palette is removed or replaced. */
const Palette *palette_cache_get(const PaletteCache *cache, uint64_t unique);
void palette_cache_remove(PaletteCache *cache, uint64_t unique);

#endif
