/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The server's dictionary of GLZ images: ids, the window in pixels, copies of the pixels
 * (docs/spec/lz.md 4.3 and 4.5). */
#include "codec/glz-dictionary.h"

#include <stdlib.h>

#define PAGE_BITS 8
#define PAGE (1u << PAGE_BITS)
/* Tiny images would make the window long in images though short in pixels. */
#define MAX_IMAGES 16384

static uint32_t pages_of(uint32_t n)
{
    return (n + PAGE - 1) >> PAGE_BITS;
}

static bool tables_init(LzTables *tables, unsigned bits)
{
    tables->bits = bits;
    tables->shorts = calloc((size_t)1 << bits, sizeof *tables->shorts);
    tables->middles = calloc((size_t)1 << bits, sizeof *tables->middles);
    tables->longs = calloc((size_t)1 << bits, sizeof *tables->longs);
    return tables->shorts && tables->middles && tables->longs;
}

static void tables_clear(LzTables *tables)
{
    free(tables->shorts);
    free(tables->middles);
    free(tables->longs);
    *tables = (LzTables){0};
}

GlzDictionary *glz_dictionary_new(int64_t window_pixels, uint64_t next_id)
{
    GlzDictionary *dictionary = calloc(1, sizeof *dictionary);

    if (!dictionary)
        return NULL;
    if (window_pixels < 0)
        window_pixels = 0;
    dictionary->window = window_pixels < GLZ_MAX_WINDOW ? window_pixels : GLZ_MAX_WINDOW;
    dictionary->next_id = next_id;

    /* Every image begins a page of its own. */
    uint32_t pages = 1;
    while (pages < pages_of(dictionary->window) + MAX_IMAGES)
        pages *= 2;
    dictionary->page_mask = pages - 1;
    dictionary->ring_size = MAX_IMAGES;
    dictionary->pages = calloc(pages, sizeof *dictionary->pages);
    dictionary->ring = calloc(dictionary->ring_size, sizeof *dictionary->ring);
    if (!tables_init(&dictionary->colour, GLZ_TABLE_BITS) || !dictionary->pages ||
        !dictionary->ring) {
        glz_dictionary_free(dictionary);
        return NULL;
    }
    return dictionary;
}

void glz_entry_free(GlzEntry *entry)
{
    if (entry)
        free(entry->colour); /* alpha lies in the same memory */
    free(entry);
}

void glz_dictionary_free(GlzDictionary *dictionary)
{
    if (!dictionary)
        return;
    for (size_t i = 0; i < dictionary->n; i++)
        glz_entry_free(dictionary->ring[(dictionary->oldest + i) % dictionary->ring_size]);
    free(dictionary->ring);
    free(dictionary->pages);
    tables_clear(&dictionary->colour);
    tables_clear(&dictionary->alpha);
    free(dictionary);
}

uint64_t glz_dictionary_next_id(const GlzDictionary *dictionary)
{
    return dictionary->next_id;
}

uint32_t glz_dictionary_window(const GlzDictionary *dictionary)
{
    return dictionary->window;
}

uint32_t glz_dictionary_pixels(const GlzDictionary *dictionary)
{
    return dictionary->pixels;
}

bool glz_dictionary_accepts(const GlzDictionary *dictionary, CodecFormat format, uint32_t width,
                            uint32_t height)
{
    bool known = format == CODEC_FORMAT_RGB16 || format == CODEC_FORMAT_RGB24 ||
                 format == CODEC_FORMAT_RGB32 || format == CODEC_FORMAT_RGBA;

    return known && width && height && (uint64_t)width * height < dictionary->window;
}

bool glz_dictionary_need_alpha(GlzDictionary *dictionary)
{
    if (dictionary->alpha.shorts)
        return true;
    if (tables_init(&dictionary->alpha, GLZ_ALPHA_TABLE_BITS))
        return true;
    tables_clear(&dictionary->alpha);
    return false;
}

static void drop_oldest(GlzDictionary *dictionary)
{
    GlzEntry *entry = dictionary->ring[dictionary->oldest];

    for (uint32_t i = 0; i < pages_of(entry->n); i++)
        dictionary->pages[((entry->first >> PAGE_BITS) + i) & dictionary->page_mask] = NULL;
    dictionary->pixels -= entry->n;
    dictionary->oldest = (dictionary->oldest + 1) % dictionary->ring_size;
    dictionary->n--;
    glz_entry_free(entry);
}

void glz_dictionary_make_room(GlzDictionary *dictionary, uint32_t n)
{
    while (dictionary->n &&
           (n > dictionary->window - dictionary->pixels || dictionary->n == dictionary->ring_size))
        drop_oldest(dictionary);
}

uint64_t glz_dictionary_base(const GlzDictionary *dictionary)
{
    return dictionary->n ? dictionary->ring[dictionary->oldest]->id : dictionary->next_id;
}

GlzEntry *glz_entry_new(const GlzDictionary *dictionary, CodecFormat format, uint32_t width,
                        uint32_t height, const uint8_t *pixels, ptrdiff_t stride)
{
    GlzEntry *entry = calloc(1, sizeof *entry);
    size_t n = (size_t)width * height, s = format == CODEC_FORMAT_RGB16 ? 2 : 4;
    bool with_alpha = format == CODEC_FORMAT_RGBA;

    if (!entry)
        return NULL;
    entry->colour = lz_alloc_pixels(n * (s + with_alpha));
    if (!entry->colour) {
        free(entry);
        return NULL;
    }
    entry->alpha = with_alpha ? entry->colour + n * s : NULL;
    entry->id = dictionary->next_id;
    entry->first = dictionary->next_position;
    entry->n = n;
    entry->width = width;
    entry->height = height;
    entry->format = format;
    for (uint32_t y = 0; y < height; y++, pixels += stride) {
        uint8_t *to = entry->colour + (size_t)y * width * s;

        if (format == CODEC_FORMAT_RGB24) {
            for (uint32_t x = 0; x < width; x++) {
                uint32_t v = pixels[3 * x] | (uint32_t)pixels[3 * x + 1] << 8 |
                             (uint32_t)pixels[3 * x + 2] << 16;
                memcpy(to + 4 * (size_t)x, &v, 4);
            }
        } else {
            memcpy(to, pixels, width * s);
        }
        if (with_alpha) {
            to = entry->alpha + (size_t)y * width;
            for (uint32_t x = 0; x < width; x++)
                to[x] = pixels[4 * (size_t)x + 3];
        }
    }
    return entry;
}

void glz_dictionary_add(GlzDictionary *dictionary, GlzEntry *entry)
{
    uint32_t pages = pages_of(entry->n);

    for (uint32_t i = 0; i < pages; i++)
        dictionary->pages[((entry->first >> PAGE_BITS) + i) & dictionary->page_mask] = entry;
    dictionary->ring[(dictionary->oldest + dictionary->n) % dictionary->ring_size] = entry;
    dictionary->n++;
    dictionary->pixels += entry->n;
    dictionary->next_id++;
    dictionary->next_position +=
        pages << PAGE_BITS; /* wraps around: positions are only compared by difference */
}

uint32_t glz_dictionary_guess(const GlzDictionary *dictionary, const GlzEntry *entry)
{
    for (size_t back = 1; back <= 8 && back <= dictionary->n; back++) {
        const GlzEntry *other =
            dictionary->ring[(dictionary->oldest + dictionary->n - back) % dictionary->ring_size];

        if (other->format == entry->format && other->width == entry->width &&
            other->height == entry->height)
            return entry->first - other->first;
    }
    return 0;
}
