/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ready-made display messages. */
#include "display/messages.h"

#include <stdlib.h>

#include "codec/jpeg.h"

void send_message(Player *player, uint16_t type, const void *message)
{
    WireBuffer buffer = {0};

    if (!wire_write(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, type, message, &buffer))
        abort();
    player_message(player, type, buffer.data, buffer.size);
    wire_buffer_clear(&buffer);
}

void send_surface(Player *player, uint32_t id, uint32_t width, uint32_t height, uint32_t format,
                  uint32_t flags)
{
    WireMsgDisplaySurfaceCreate message = {id, width, height, format, flags};

    send_message(player, SPICE_MSG_DISPLAY_SURFACE_CREATE, &message);
}

void send_primary(Player *player, uint32_t width, uint32_t height)
{
    send_surface(player, 0, width, height, SPICE_SURFACE_FMT_32_xRGB, SPICE_SURFACE_FLAGS_PRIMARY);
}

void send_surface_destroy(Player *player, uint32_t id)
{
    WireMsgDisplaySurfaceDestroy message = {id};

    send_message(player, SPICE_MSG_DISPLAY_SURFACE_DESTROY, &message);
}

void send_fill(Player *player, uint32_t surface, uint32_t width, uint32_t height, uint32_t colour)
{
    WireMsgDisplayDrawFill message = {
        .base = {.surface_id = surface, .box = {0, 0, (int32_t)height, (int32_t)width}},
        .brush = {.type = SPICE_BRUSH_TYPE_SOLID, .u.color = colour},
        .rop_descriptor = SPICE_ROPD_OP_PUT,
    };

    send_message(player, SPICE_MSG_DISPLAY_DRAW_FILL, &message);
}

void send_copy(Player *player, uint32_t surface, const WireImage *image)
{
    WireRect area = {0, 0, (int32_t)image->height, (int32_t)image->width};
    WireMsgDisplayDrawCopy message = {
        .base = {.surface_id = surface, .box = area},
        .src_image = image,
        .src_area = area,
        .rop_descriptor = SPICE_ROPD_OP_PUT,
    };

    send_message(player, SPICE_MSG_DISPLAY_DRAW_COPY, &message);
}

WireImage bitmap_image(uint64_t id, uint8_t flags, uint32_t *buffer, uint32_t width,
                       uint32_t height, uint32_t colour)
{
    WireImage image = {.id = id,
                       .type = SPICE_IMAGE_TYPE_BITMAP,
                       .flags = flags,
                       .width = width,
                       .height = height};

    for (uint32_t i = 0; i < width * height; i++)
        buffer[i] = colour;
    image.u.bitmap = (WireBitmap){
        .format = SPICE_BITMAP_FMT_32BIT,
        .flags = SPICE_BITMAP_FLAGS_TOP_DOWN,
        .x = width,
        .y = height,
        .stride = width * 4,
        .data = {(const uint8_t *)buffer, (size_t)width * height * 4},
    };
    return image;
}

WireImage cached_image(uint64_t id, bool lossless)
{
    return (WireImage){.id = id,
                       .type = lossless ? SPICE_IMAGE_TYPE_FROM_CACHE_LOSSLESS
                                        : SPICE_IMAGE_TYPE_FROM_CACHE,
                       .width = 4,
                       .height = 4};
}

void send_wait(Player *player, uint8_t channel_type, uint8_t channel_id, uint64_t number)
{
    WireWaitForChannel entry = {channel_type, channel_id, number};
    WireMsgWaitForChannels message = {.n_wait_list = 1, .wait_list = &entry};

    send_message(player, SPICE_MSG_WAIT_FOR_CHANNELS, &message);
}

void send_stream(Player *player, uint32_t id, uint32_t surface, uint8_t codec, WireRect dest)
{
    WireMsgDisplayStreamCreate message = {
        .surface_id = surface,
        .id = id,
        .flags = SPICE_STREAM_FLAGS_TOP_DOWN,
        .codec_type = codec,
        .dest = dest,
    };

    send_message(player, SPICE_MSG_DISPLAY_STREAM_CREATE, &message);
}

void send_frame(Player *player, uint32_t id, uint32_t mm_time, const void *data, size_t size)
{
    WireMsgDisplayStreamData message = {
        .id = id, .multi_media_time = mm_time, .data = {data, size}};

    send_message(player, SPICE_MSG_DISPLAY_STREAM_DATA, &message);
}

uint8_t *jpeg_frame(uint32_t width, uint32_t height, uint32_t colour, size_t *size)
{
    JpegOptions options = {.quality = 90, .subsampling = JPEG_SUBSAMPLING_444};
    size_t capacity = (size_t)width * height * 4 + 4096;
    uint32_t *pixels = g_new(uint32_t, (size_t)width * height);
    uint8_t *out = g_malloc(capacity);

    for (uint32_t i = 0; i < width * height; i++)
        pixels[i] = colour;
    if (jpeg_image_encode(CODEC_FORMAT_RGB32, width, height, (const uint8_t *)pixels,
                          (ptrdiff_t)width * 4, &options, out, capacity, size) != CODEC_OK)
        abort();
    g_free(pixels);
    return out;
}

uint32_t first_pixel(Player *player)
{
    uint32_t width, height, value = UINT32_MAX;
    uint8_t *pixels = player_picture(player, &width, &height);

    if (pixels)
        value = (uint32_t)pixels[0] << 16 | (uint32_t)pixels[1] << 8 | pixels[2];
    g_free(pixels);
    return value;
}
