/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: format, width, then pixels. They go through LZ, through GLZ three times (whole, its second
 * half, whole) and through LZ4, and have to come back. */
#include "codec/glz.h"
#include "codec/lz.h"
#include "codec/lz4.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* Equal but for X and bit 15. */
static bool same(CodecFormat format, const uint8_t *a, const uint8_t *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t mask = format == CODEC_FORMAT_RGB32 && i % 4 == 3 ? 0
                       : format == CODEC_FORMAT_RGB16 && i % 2    ? 0x7f
                                                                  : 0xff;

        if ((a[i] ^ b[i]) & mask)
            return false;
    }
    return true;
}

static void through_glz(GlzDictionary *dictionary, GlzWindow *window, CodecFormat format,
                        uint32_t width, uint32_t height, const uint8_t *pixels, size_t row,
                        uint8_t *out, size_t capacity)
{
    size_t size;
    uint64_t id;
    GlzImage *image;

    if (!glz_dictionary_accepts(dictionary, format, width, height))
        return;
    must(glz_encode(dictionary, format, true, width, height, pixels, row, out, capacity, &size,
                    &id) == CODEC_OK);
    must(glz_decode(window, out, size, &image, NULL) == CODEC_OK);
    must(glz_image_id(image) == id);
    const uint8_t *got = (const uint8_t *)glz_image_pixels(image);
    for (size_t i = 0; i < (size_t)width * height; i++, got += 4) {
        const uint8_t *p = pixels + i * codec_format_bits(format) / 8;

        if (format == CODEC_FORMAT_RGB16)
            must((got[0] >> 3 | got[1] >> 3 << 5 | got[2] >> 3 << 10) ==
                 ((p[0] | p[1] << 8) & 0x7fff));
        else
            must(memcmp(p, got, format == CODEC_FORMAT_RGBA ? 4 : 3) == 0);
    }
    glz_image_unref(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const CodecFormat formats[] = {
        CODEC_FORMAT_RGB16, CODEC_FORMAT_RGB24,   CODEC_FORMAT_RGB32,   CODEC_FORMAT_RGBA,
        CODEC_FORMAT_A8,    CODEC_FORMAT_PLT1_LE, CODEC_FORMAT_PLT4_BE, CODEC_FORMAT_PLT8};
    size_t row, got;

    if (size < 3)
        return 0;
    CodecFormat format = formats[data[0] % 8];
    uint32_t width = data[1] + 1;
    codec_row_size(format, width, &row);
    uint32_t height = (size - 2) / row;
    if (height == 0 || height > 4096)
        return 0;

    size_t bytes = row * height,
           capacity = lz_encode_bound(format, width, height) + 64 + bytes / 64;
    uint8_t *pixels = malloc(bytes), *back = malloc(bytes), *out = malloc(capacity);
    memcpy(pixels, data + 2, bytes);
    must(lz_encode(NULL, format, true, width, height, pixels, row, out,
                   lz_encode_bound(format, width, height), &got) == CODEC_OK);
    must(lz_decode(out, got, NULL, 0, format, back, row) == CODEC_OK);
    must(same(format, pixels, back, bytes));
    if (data[0] % 8 < 4) {
        GlzDictionary *dictionary = glz_dictionary_new(20000, 0);
        GlzWindow *window = glz_window_new(20000 * 4, NULL);

        through_glz(dictionary, window, format, width, height, pixels, row, out, capacity);
        through_glz(dictionary, window, format, width, height - height / 2,
                    pixels + height / 2 * row, row, out, capacity);
        through_glz(dictionary, window, format, width, height, pixels, row, out, capacity);
        glz_window_free(window);
        glz_dictionary_free(dictionary);
        must(lz4_image_encode(format, true, width, height, pixels, row, 0, out, capacity, &got) ==
             CODEC_OK);
        must(lz4_image_decode(out, got, width, height, format, back, row) == CODEC_OK);
        must(memcmp(pixels, back, bytes) == 0);
    }
    free(out);
    free(back);
    free(pixels);
    return 0;
}
