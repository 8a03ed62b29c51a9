/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The wire vectors: whole captured messages with a compressed image in them. */
#include "codec/glz.h"
#include "codec/jpeg.h"
#include "codec/lz-vectors.h"
#include "codec/lz.h"
#include "codec/lz4.h"
#include "codec/zlib-glz.h"
#include "wire/wire.h"

#include <spice/enums.h>
#include <string.h>

/* The payload of a compressed image, wherever its type keeps it. */
static WireBytes image_payload(const WireImage *image)
{
    switch (image->type) {
    case SPICE_IMAGE_TYPE_LZ_PLT:
        return image->u.lz_palette.data;
    case SPICE_IMAGE_TYPE_ZLIB_GLZ_RGB:
        return image->u.zlib_glz.data;
    case SPICE_IMAGE_TYPE_JPEG_ALPHA:
        return image->u.jpeg_alpha.data;
    default:
        return image->u.compressed;
    }
}

/* The header of the stream agrees with the Image structure, and what needs no other image decodes.
 */
static CodecResult decode_wire_image(const WireImage *image, CodecInfo *info)
{
    WireBytes data = image_payload(image);
    g_autofree guint8 *pixels = g_malloc((gsize)image->width * image->height * 4);
    gsize stride = (gsize)image->width * 4;
    gboolean flag = FALSE;
    CodecResult result;

    switch (image->type) {
    case SPICE_IMAGE_TYPE_LZ_PLT:
    case SPICE_IMAGE_TYPE_LZ_RGB:
        result = lz_read_header(data.data, data.size, info);
        if (result == CODEC_OK && image->type == SPICE_IMAGE_TYPE_LZ_PLT)
            result = lz_decode(data.data, data.size, image->u.lz_palette.palette->entries,
                               image->u.lz_palette.palette->n_entries, CODEC_FORMAT_RGB32, pixels,
                               stride);
        else if (result == CODEC_OK)
            result = lz_decode(data.data, data.size, NULL, 0, info->format, pixels, stride);
        return result;
    case SPICE_IMAGE_TYPE_LZ4:
        result = lz4_image_read_header(data.data, data.size, image->width, image->height, info);
        return result != CODEC_OK
                   ? result
                   : lz4_image_decode(data.data, data.size, image->width, image->height,
                                      CODEC_FORMAT_RGBA, pixels, stride);
    case SPICE_IMAGE_TYPE_JPEG:
        result = jpeg_image_read_header(data.data, data.size, info);
        return result != CODEC_OK
                   ? result
                   : jpeg_image_decode(data.data, data.size, CODEC_FORMAT_RGB32, pixels, stride);
    case SPICE_IMAGE_TYPE_JPEG_ALPHA:
        flag = image->u.jpeg_alpha.flags & SPICE_JPEG_ALPHA_FLAGS_TOP_DOWN;
        result =
            jpeg_alpha_read_header(data.data, data.size, image->u.jpeg_alpha.jpeg_size, flag, info);
        return result != CODEC_OK
                   ? result
                   : jpeg_alpha_decode(data.data, data.size, image->u.jpeg_alpha.jpeg_size, flag,
                                       pixels, stride);
    default: {
        GlzInfo glz = {0};
        g_autofree guint8 *inflated = NULL;

        if (image->type == SPICE_IMAGE_TYPE_ZLIB_GLZ_RGB) {
            inflated = g_malloc(image->u.zlib_glz.inflated_size);
            result = zlib_glz_check(data.size, image->u.zlib_glz.inflated_size, image->width,
                                    image->height);
            if (result == CODEC_OK)
                result = zlib_glz_inflate(data.data, data.size, inflated,
                                          image->u.zlib_glz.inflated_size);
            if (result != CODEC_OK)
                return result;
            data = (WireBytes){inflated, image->u.zlib_glz.inflated_size};
        }
        result = glz_read_header(data.data, data.size, &glz);
        *info = glz.image;
        return result;
    }
    }
}

gboolean run_wire(JsonObject *vector)
{
    const char *name = text(vector, "name");
    gsize size;
    g_autofree guint8 *body = load_stream(json_object_get_object_member(vector, "stream"), &size);
    guint16 type = number(vector, "message");
    const WireImage *image;
    WireArena arena;
    WireError error;
    CodecInfo info;
    guint n_palette;
    g_autofree guint32 *palette = load_palette(vector, &n_palette);

    wire_arena_init(&arena, 1 << 20);
    const void *message =
        wire_parse(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, type, body, size, &arena, &error);
    if (!message)
        return fail(name, "%s", error.text);
    if (type == SPICE_MSG_DISPLAY_DRAW_ALPHA_BLEND)
        image = ((const WireMsgDisplayDrawAlphaBlend *)message)->src_image;
    else
        image = ((const WireMsgDisplayDrawCopy *)message)->src_image;

    gboolean ok = TRUE;
    WireBytes data = image_payload(image);
    g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, data.data, data.size);
    CodecResult result = decode_wire_image(image, &info);
    if (image->type != number(vector, "image_type") ||
        image->flags != number(vector, "image_flags") || image->width != number(vector, "width") ||
        image->height != number(vector, "height"))
        ok = fail(name, "the Image structure differs");
    else if (data.data - body != number(vector, "payload_offset") ||
             data.size != (gsize)number(vector, "payload_size") ||
             !g_str_equal(sum, text(vector, "payload_sha256")))
        ok = fail(name, "the payload differs");
    else if (image->type == SPICE_IMAGE_TYPE_ZLIB_GLZ_RGB &&
             image->u.zlib_glz.inflated_size != number(vector, "glz_data_size"))
        ok = fail(name, "the inflated size differs");
    else if (image->type == SPICE_IMAGE_TYPE_JPEG_ALPHA &&
             (image->u.jpeg_alpha.flags != number(vector, "flags") ||
              image->u.jpeg_alpha.jpeg_size != number(vector, "jpeg_size")))
        ok = fail(name, "the size of the colour part differs");
    else if (image->type == SPICE_IMAGE_TYPE_LZ_PLT &&
             (image->u.lz_palette.flags != number(vector, "bitmap_flags") ||
              image->u.lz_palette.palette->unique != (guint64)number(vector, "palette_unique") ||
              image->u.lz_palette.palette->n_entries != n_palette))
        ok = fail(name, "the palette differs");
    else if (result != CODEC_OK)
        ok = fail(name, "%s", codec_result_text(result));
    else if (info.width != image->width || info.height != image->height)
        ok = fail(name, "the stream is %ux%u", info.width, info.height);
    for (guint i = 0; ok && i < n_palette; i++)
        if ((image->u.lz_palette.palette->entries[i] & 0xffffff) != (palette[i] & 0xffffff))
            ok = fail(name, "palette entry %u differs", i);
    wire_arena_clear(&arena);
    return ok;
}
