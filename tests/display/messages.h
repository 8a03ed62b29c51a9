/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages for tests of the renderer, written by the wire room and pushed into a player. */
#ifndef TESTS_DISPLAY_MESSAGES_H
#define TESTS_DISPLAY_MESSAGES_H

#include <spice/enums.h>

#include "display/player.h"
#include "wire/wire.h"

void send_message(Player *player, uint16_t type, const void *message);
void send_surface(Player *player, uint32_t id, uint32_t width, uint32_t height, uint32_t format,
                  uint32_t flags);
void send_primary(Player *player, uint32_t width, uint32_t height);
void send_surface_destroy(Player *player, uint32_t id);
/* The whole surface in one colour. */
void send_fill(Player *player, uint32_t surface, uint32_t width, uint32_t height, uint32_t colour);
/* An image, drawn at the top left. */
void send_copy(Player *player, uint32_t surface, const WireImage *image);
/* A bitmap of one colour, with a buffer that belongs to the caller (width * height words). */
WireImage bitmap_image(uint64_t id, uint8_t flags, uint32_t *buffer, uint32_t width,
                       uint32_t height, uint32_t colour);
WireImage cached_image(uint64_t id, bool lossless);
void send_wait(Player *player, uint8_t channel_type, uint8_t channel_id, uint64_t number);
void send_stream(Player *player, uint32_t id, uint32_t surface, uint8_t codec, WireRect dest);
void send_frame(Player *player, uint32_t id, uint32_t mm_time, const void *data, size_t size);
/* A JPEG of one colour; g_free() it. */
uint8_t *jpeg_frame(uint32_t width, uint32_t height, uint32_t colour, size_t *size);
/* First pixel of the picture as 0xRRGGBB; UINT32_MAX when there is none. */
uint32_t first_pixel(Player *player);

#endif
