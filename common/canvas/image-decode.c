/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images of every wire type to CanvasImage, by the codecs (section 5.2 of docs/spec/canvas.md). */
#include <string.h>

#include <spice/enums.h>

#include "canvas/image-private.h"
#include "codec/jpeg.h"
#include "codec/lz.h"
#include "codec/lz4.h"
#include "codec/quic.h"
#include "codec/zlib-glz.h"

#define DEFAULT_MAX_PIXELS (UINT64_C(1) << 28)

bool canvas_image_is_for_cache(const WireImage *image)
{
    return image->flags & (SPICE_IMAGE_FLAGS_CACHE_ME | SPICE_IMAGE_FLAGS_CACHE_REPLACE_ME);
}

void canvas_set_high_bits(const CanvasPixels *pixels)
{
    for (int32_t y = 0; y < pixels->height; y++) {
        uint32_t *row = (uint32_t *)canvas_row(pixels, y);

        for (int32_t x = 0; x < pixels->width; x++)
            row[x] |= 0xff000000u;
    }
}

bool canvas_image_palette(const WireImage *image, CanvasPaletteRef *ref)
{
    uint8_t flags;

    memset(ref, 0, sizeof *ref);
    if (image->type == SPICE_IMAGE_TYPE_BITMAP) {
        flags = image->u.bitmap.flags;
        ref->id = image->u.bitmap.palette_id;
        ref->palette = image->u.bitmap.palette;
    } else if (image->type == SPICE_IMAGE_TYPE_LZ_PLT) {
        flags = image->u.lz_palette.flags;
        ref->id = image->u.lz_palette.palette_id;
        ref->palette = image->u.lz_palette.palette;
    } else {
        return false;
    }
    ref->from_cache = flags & SPICE_BITMAP_FLAGS_PAL_FROM_CACHE;
    if (ref->from_cache) {
        ref->palette = NULL;
        return true;
    }
    ref->id = ref->palette ? ref->palette->unique : 0;
    ref->cache_me = ref->palette && flags & SPICE_BITMAP_FLAGS_PAL_CACHE_ME;
    return ref->palette != NULL;
}

bool canvas_image_entries(const WireImage *image, const CanvasDecode *how, const uint32_t **entries,
                          uint32_t *n, CanvasResult *result)
{
    static const uint32_t black;
    CanvasPaletteRef ref;

    if (!canvas_image_palette(image, &ref)) {
        *result = CANVAS_BAD_IMAGE;
        return false;
    }
    if (ref.from_cache && !how->have_palette) {
        *result = CANVAS_NO_PALETTE;
        return false;
    }
    *entries = ref.from_cache ? how->palette : ref.palette->entries;
    *n = ref.from_cache ? how->n_palette : ref.palette->n_entries;
    if (*n == 0)
        *entries = &black;
    return true;
}

static CanvasResult result_of(CodecResult result)
{
    switch (result) {
    case CODEC_OK:
        return CANVAS_OK;
    case CODEC_TOO_LARGE:
        return CANVAS_TOO_LARGE;
    case CODEC_MISSING:
        return CANVAS_MISSING;
    case CODEC_NO_MEMORY:
        return CANVAS_NO_MEMORY;
    default:
        return CANVAS_BAD_IMAGE;
    }
}

/* One image on its way through a codec. */
typedef struct Decoding {
    const WireImage *image;
    const CanvasDecode *how;
    CodecInfo info;
    CanvasPixels pixels;
    uint8_t *first; /* of the coded rows, and the way to the next one */
    ptrdiff_t step;
    CanvasImage *made;
} Decoding;

/* What the header says must be what the descriptor says (16.1). */
static CanvasResult check_header(const Decoding *decoding, CodecResult read)
{
    const WireImage *image = decoding->image;

    if (read != CODEC_OK)
        return result_of(read);
    if (decoding->info.width != image->width || decoding->info.height != image->height)
        return CANVAS_BAD_IMAGE;
    return (uint64_t)image->width * image->height > decoding->how->max_pixels ? CANVAS_TOO_LARGE
                                                                              : CANVAS_OK;
}

static CanvasResult make(Decoding *decoding, CodecFormat format, bool lossy)
{
    static const struct {
        CodecFormat codec;
        pixman_format_code_t pixman;
    } formats[] = {{CODEC_FORMAT_A8, PIXMAN_a8},
                   {CODEC_FORMAT_RGB16, PIXMAN_x1r5g5b5},
                   {CODEC_FORMAT_RGB32, PIXMAN_x8r8g8b8},
                   {CODEC_FORMAT_RGBA, PIXMAN_a8r8g8b8}};
    pixman_format_code_t code = 0;

    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i].codec == format)
            code = formats[i].pixman;
    if (!code)
        return CANVAS_BAD_IMAGE;
    decoding->made = canvas_image_new(code, decoding->info.width, decoding->info.height, lossy,
                                      &decoding->pixels);
    if (!decoding->made)
        return CANVAS_NO_MEMORY;
    decoding->step = decoding->info.top_down ? decoding->pixels.stride : -decoding->pixels.stride;
    decoding->first =
        canvas_row(&decoding->pixels, decoding->info.top_down ? 0 : decoding->pixels.height - 1);
    return CANVAS_OK;
}

/* Section 5.2: 16-bit pictures become 32-bit ones for 32-bit surfaces, unless they are to keep
 * their format. */
static CodecFormat wanted_format(const Decoding *decoding)
{
    bool wide_surface = (decoding->how->surface_format & 0x3f) == 32;

    switch (decoding->info.format) {
    case CODEC_FORMAT_RGB16:
        return decoding->how->use == CANVAS_USE_TARGET && wide_surface &&
                       !canvas_image_is_for_cache(decoding->image)
                   ? CODEC_FORMAT_RGB32
                   : CODEC_FORMAT_RGB16;
    case CODEC_FORMAT_RGB24:
        return CODEC_FORMAT_RGB32;
    default:
        return decoding->info.format;
    }
}

static CanvasResult decode_quic(Decoding *decoding)
{
    const WireBytes *data = &decoding->image->u.compressed;
    CodecFormat format;
    CanvasResult result =
        check_header(decoding, quic_read_header(data->data, data->size, &decoding->info));

    if (result != CANVAS_OK)
        return result;
    format = wanted_format(decoding);
    result = make(decoding, format, false);
    if (result != CANVAS_OK)
        return result;
    return result_of(quic_decode(data->data, data->size, format, decoding->first, decoding->step));
}

static CanvasResult decode_lz(Decoding *decoding)
{
    const WireBytes *data = &decoding->image->u.compressed;
    CodecFormat format;
    CanvasResult result =
        check_header(decoding, lz_read_header(data->data, data->size, &decoding->info));

    if (result != CANVAS_OK)
        return result;
    format = wanted_format(decoding);
    result = make(decoding, format, false);
    if (result != CANVAS_OK)
        return result;
    return result_of(
        lz_decode(data->data, data->size, NULL, 0, format, decoding->first, decoding->step));
}

static bool is_palette_format(CodecFormat format)
{
    return format >= CODEC_FORMAT_PLT1_LE && format <= CODEC_FORMAT_PLT8;
}

static inline uint32_t expand_555(uint32_t v)
{
    uint32_t r = v >> 10 & 31, g = v >> 5 & 31, b = v & 31;

    return (r << 3 | r >> 2) << 16 | (g << 3 | g >> 2) << 8 | (b << 3 | b >> 2);
}

static CanvasResult decode_lz_palette(Decoding *decoding)
{
    const WireBytes *data = &decoding->image->u.lz_palette.data;
    uint32_t surface_format = decoding->how->surface_format, n, colors[256];
    const uint32_t *entries;
    CanvasResult result;

    if (surface_format != SPICE_SURFACE_FMT_32_xRGB &&
        surface_format != SPICE_SURFACE_FMT_32_ARGB && surface_format != SPICE_SURFACE_FMT_16_555)
        return CANVAS_BAD_IMAGE;
    if (!canvas_image_entries(decoding->image, decoding->how, &entries, &n, &result))
        return result;
    result = check_header(decoding, lz_read_header(data->data, data->size, &decoding->info));
    if (result == CANVAS_OK && !is_palette_format(decoding->info.format))
        result = CANVAS_BAD_IMAGE;
    if (result == CANVAS_OK)
        result = make(decoding, CODEC_FORMAT_RGB32, false);
    if (result != CANVAS_OK)
        return result;
    n = n < 256 ? n : 256;
    for (uint32_t i = 0; i < n; i++)
        colors[i] =
            surface_format == SPICE_SURFACE_FMT_16_555 ? expand_555(entries[i]) : entries[i];
    return result_of(lz_decode(data->data, data->size, colors, n, CODEC_FORMAT_RGB32,
                               decoding->first, decoding->step));
}

static CanvasResult decode_glz(Decoding *decoding)
{
    const WireImage *image = decoding->image;
    const CanvasDecode *how = decoding->how;
    const WireBytes *data =
        image->type == SPICE_IMAGE_TYPE_GLZ_RGB ? &image->u.compressed : &image->u.zlib_glz.data;
    bool copy = image->flags & SPICE_IMAGE_FLAGS_HIGH_BITS_SET;
    GlzImage *glz = NULL;
    CodecResult decoded;
    CanvasResult result;

    if (!how->glz)
        return CANVAS_BAD_IMAGE;
    if ((uint64_t)image->width * image->height > how->max_pixels)
        return CANVAS_TOO_LARGE;
    if (image->type == SPICE_IMAGE_TYPE_GLZ_RGB)
        decoded = glz_decode(how->glz, data->data, data->size, &glz, how->missing);
    else
        decoded = zlib_glz_decode(how->glz, data->data, data->size, image->u.zlib_glz.inflated_size,
                                  image->width, image->height, &glz, how->missing);
    if (decoded != CODEC_OK)
        return result_of(decoded);
    decoding->info = *glz_image_info(glz);
    result = check_header(decoding, CODEC_OK);
    copy = copy && decoding->info.format != CODEC_FORMAT_RGBA;
    if (result == CANVAS_OK && copy) {
        /* The window's pixels can't be changed. */
        result = make(decoding, CODEC_FORMAT_RGB32, false);
        for (uint32_t y = 0; result == CANVAS_OK && y < image->height; y++)
            memcpy(decoding->first + (ptrdiff_t)y * decoding->step,
                   glz_image_pixels(glz) + (size_t)y * image->width, (size_t)image->width * 4);
    } else if (result == CANVAS_OK) {
        decoding->made = canvas_image_new_for_glz(glz);
        result = decoding->made ? CANVAS_OK : CANVAS_NO_MEMORY;
    }
    glz_image_unref(glz);
    return result;
}

static CanvasResult decode_jpeg(Decoding *decoding)
{
    const WireBytes *data = &decoding->image->u.compressed;
    CanvasResult result =
        check_header(decoding, jpeg_image_read_header(data->data, data->size, &decoding->info));

    if (result == CANVAS_OK)
        result = make(decoding, CODEC_FORMAT_RGB32, true);
    if (result != CANVAS_OK)
        return result;
    return result_of(jpeg_image_decode(data->data, data->size, CODEC_FORMAT_RGB32, decoding->first,
                                       decoding->step));
}

static CanvasResult decode_jpeg_alpha(Decoding *decoding)
{
    const WireJpegAlpha *part = &decoding->image->u.jpeg_alpha;
    bool top_down = part->flags & SPICE_JPEG_ALPHA_FLAGS_TOP_DOWN;
    CanvasResult result =
        check_header(decoding, jpeg_alpha_read_header(part->data.data, part->data.size,
                                                      part->jpeg_size, top_down, &decoding->info));

    if (result == CANVAS_OK)
        result = make(decoding, CODEC_FORMAT_RGBA, true);
    if (result != CANVAS_OK)
        return result;
    return result_of(jpeg_alpha_decode(part->data.data, part->data.size, part->jpeg_size, top_down,
                                       decoding->first, decoding->step));
}

static CanvasResult decode_lz4(Decoding *decoding)
{
    const WireImage *image = decoding->image;
    const WireBytes *data = &image->u.compressed;
    CodecFormat format;
    CanvasResult result;

    if (image->width == 0 || image->height == 0)
        return CANVAS_BAD_IMAGE;
    result = check_header(decoding, lz4_image_read_header(data->data, data->size, image->width,
                                                          image->height, &decoding->info));
    if (result != CANVAS_OK)
        return result;
    format =
        decoding->info.format == CODEC_FORMAT_RGB24 ? CODEC_FORMAT_RGB32 : decoding->info.format;
    result = make(decoding, format, false);
    if (result != CANVAS_OK)
        return result;
    return result_of(lz4_image_decode(data->data, data->size, image->width, image->height, format,
                                      decoding->first, decoding->step));
}

static CanvasResult decode_compressed(Decoding *decoding)
{
    switch (decoding->image->type) {
    case SPICE_IMAGE_TYPE_QUIC:
        return decode_quic(decoding);
    case SPICE_IMAGE_TYPE_LZ_RGB:
        return decode_lz(decoding);
    case SPICE_IMAGE_TYPE_LZ_PLT:
        return decode_lz_palette(decoding);
    case SPICE_IMAGE_TYPE_GLZ_RGB:
    case SPICE_IMAGE_TYPE_ZLIB_GLZ_RGB:
        return decode_glz(decoding);
    case SPICE_IMAGE_TYPE_JPEG:
        return decode_jpeg(decoding);
    case SPICE_IMAGE_TYPE_JPEG_ALPHA:
        return decode_jpeg_alpha(decoding);
    case SPICE_IMAGE_TYPE_LZ4:
        return decode_lz4(decoding);
    default:
        return CANVAS_BAD_IMAGE;
    }
}

CanvasImage *canvas_image_decode(const WireImage *image, const CanvasDecode *how,
                                 CanvasResult *result)
{
    CanvasDecode limited = *how;
    Decoding decoding = {.image = image, .how = &limited};
    CanvasResult ignored;
    bool high_bits = image->flags & SPICE_IMAGE_FLAGS_HIGH_BITS_SET;

    if (!result)
        result = &ignored;
    if (!limited.max_pixels)
        limited.max_pixels = DEFAULT_MAX_PIXELS;
    if (image->type == SPICE_IMAGE_TYPE_BITMAP)
        return canvas_image_from_bitmap(image, &limited, result);
    /* GLZ images must pass through their window whatever they are for. */
    *result = how->use == CANVAS_USE_MASK && image->type != SPICE_IMAGE_TYPE_GLZ_RGB &&
                      image->type != SPICE_IMAGE_TYPE_ZLIB_GLZ_RGB
                  ? CANVAS_BAD_IMAGE
                  : decode_compressed(&decoding);
    if (*result == CANVAS_OK && how->use == CANVAS_USE_MASK)
        *result = CANVAS_BAD_IMAGE;
    if (*result != CANVAS_OK) {
        canvas_image_unref(decoding.made);
        return NULL;
    }
    /* LZ4's 24-bit pictures count as another format (5.2); GLZ pictures used in place have no
     * pixels here to write. */
    if (high_bits && decoding.pixels.data && decoding.pixels.format == PIXMAN_x8r8g8b8 &&
        !(image->type == SPICE_IMAGE_TYPE_LZ4 && decoding.info.format == CODEC_FORMAT_RGB24))
        canvas_set_high_bits(&decoding.pixels);
    return decoding.made;
}
