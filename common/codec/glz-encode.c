/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The GLZ encoder: the search of lz-search.h over an image and the dictionary's earlier ones
 * (docs/spec/lz.md 4.2, 4.5). */
#include "codec/glz-dictionary.h"

typedef struct Context {
    const GlzDictionary *dictionary;
    CodecFormat format;
    bool alpha;
} Context;

static bool resolve(void *ctx, uint32_t position, LzSource *source)
{
    const Context *context = ctx;
    const GlzEntry *entry = glz_dictionary_find(context->dictionary, position);

    if (!entry || entry->format != context->format)
        return false;
    source->units = context->alpha ? entry->alpha : entry->colour;
    source->first = entry->first;
    source->n = entry->n;
    source->id = entry->id;
    return true;
}

static bool run_pass(GlzDictionary *dictionary, const GlzEntry *entry, bool alpha, LzOut *out)
{
    Context context = {dictionary, entry->format, alpha};
    LzPass pass = {
        .units = alpha ? entry->alpha : entry->colour,
        .n = entry->n,
        .width = entry->width,
        .first = entry->first,
        .tables = alpha ? &dictionary->alpha : &dictionary->colour,
        .out = *out,
        .resolve = resolve,
        .ctx = &context,
        .id = entry->id,
        .guess = glz_dictionary_guess(dictionary, entry),
    };
    bool fits = alpha                                 ? lz_run_pass(1, true, &pass)
                : entry->format == CODEC_FORMAT_RGB16 ? lz_run_pass(2, true, &pass)
                                                      : lz_run_pass(4, true, &pass);

    *out = pass.out;
    return fits;
}

CodecResult glz_encode(GlzDictionary *dictionary, CodecFormat format, bool top_down, uint32_t width,
                       uint32_t height, const uint8_t *pixels, ptrdiff_t stride, uint8_t *out,
                       size_t capacity, size_t *size, uint64_t *id)
{
    size_t row;

    if (!glz_dictionary_accepts(dictionary, format, width, height) ||
        !codec_row_size(format, width, &row))
        return CODEC_TOO_LARGE;
    if (capacity < GLZ_HEADER_SIZE)
        return CODEC_NO_SPACE;
    if (format == CODEC_FORMAT_RGBA && !glz_dictionary_need_alpha(dictionary))
        return CODEC_NO_MEMORY;
    glz_dictionary_make_room(dictionary, width * height);

    GlzEntry *entry = glz_entry_new(dictionary, format, width, height, pixels, stride);
    if (!entry)
        return CODEC_NO_MEMORY;

    lz_write_be32(out, LZ_MAGIC);
    lz_write_be32(out + 4, LZ_VERSION);
    out[8] = lz_type_of_format(format) | (unsigned)top_down << 4;
    lz_write_be32(out + 9, width);
    lz_write_be32(out + 13, height);
    lz_write_be32(out + 17, row);
    lz_write_be32(out + 21, entry->id >> 32);
    lz_write_be32(out + 25, entry->id);
    lz_write_be32(out + 29, entry->id - glz_dictionary_base(dictionary));

    LzOut to = {out + GLZ_HEADER_SIZE, out + capacity};
    if (!run_pass(dictionary, entry, false, &to) ||
        (entry->alpha && !run_pass(dictionary, entry, true, &to))) {
        glz_entry_free(entry);
        return CODEC_NO_SPACE;
    }
    *size = to.p - out;
    if (id)
        *id = entry->id;
    glz_dictionary_add(dictionary, entry);
    return CODEC_OK;
}
