/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the GLZ encoder knows of the dictionary. Private to the room. */
#ifndef CODEC_GLZ_DICTIONARY_H
#define CODEC_GLZ_DICTIONARY_H

#include "codec/glz.h"
#include "codec/lz-search.h"

#define GLZ_TABLE_BITS 16
#define GLZ_ALPHA_TABLE_BITS 13

/* An image that later ones may refer to: a copy of its units in stream order. */
typedef struct GlzEntry {
    uint64_t id;
    uint32_t first; /* virtual position of unit 0 */
    uint32_t n;     /* units */
    uint32_t width, height;
    CodecFormat format;
    uint8_t *colour; /* 4 bytes each, 2 for RGB16 */
    uint8_t *alpha;  /* RGBA: 1 byte each, else NULL */
} GlzEntry;

struct GlzDictionary {
    uint32_t window; /* pixels */
    uint32_t pixels; /* of the entries */
    uint64_t next_id;
    uint32_t next_position;
    GlzEntry **ring; /* entries from `oldest` on, n of them, in the order of their ids */
    size_t oldest, n, ring_size;
    GlzEntry **pages; /* which entry holds the page of a virtual position; NULL: none */
    uint32_t page_mask;
    LzTables colour, alpha; /* the alpha tables are made when first needed */
};

/* Drop the oldest images until one of n more pixels fits. */
void glz_dictionary_make_room(GlzDictionary *dictionary, uint32_t n);
/* A new entry with a copy of the pixels, not yet entered: it has its id and position. NULL when
 * there is no memory. */
GlzEntry *glz_entry_new(const GlzDictionary *dictionary, CodecFormat format, uint32_t width,
                        uint32_t height, const uint8_t *pixels, ptrdiff_t stride);
void glz_entry_free(GlzEntry *entry);
/* Enter it: its id is taken now. */
void glz_dictionary_add(GlzDictionary *dictionary, GlzEntry *entry);
/* The oldest id that the next image may refer to. */
uint64_t glz_dictionary_base(const GlzDictionary *dictionary);
/* Distance in positions to the newest entry of the same format and size; 0 if there is none. */
uint32_t glz_dictionary_guess(const GlzDictionary *dictionary, const GlzEntry *entry);
/* The tables for RGBA's second pass. False when there is no memory. */
bool glz_dictionary_need_alpha(GlzDictionary *dictionary);

/* Which entry holds this position, if any. */
ALWAYS_INLINE const GlzEntry *glz_dictionary_find(const GlzDictionary *dictionary,
                                                  uint32_t position)
{
    const GlzEntry *entry = dictionary->pages[position >> 8 & dictionary->page_mask];

    return entry && position - entry->first < entry->n ? entry : NULL;
}

#endif
