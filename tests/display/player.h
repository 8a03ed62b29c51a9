/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plays the bytes of a display channel into a renderer, as the channel would, and keeps what the
 * renderer says. */
#ifndef TESTS_DISPLAY_PLAYER_H
#define TESTS_DISPLAY_PLAYER_H

#include <glib.h>
#include <pthread.h>
#include <stdbool.h>

#include "display/renderer.h"

/* Text lines of one player. */
typedef struct PlayerLog {
    pthread_mutex_t lock;
    GPtrArray *events; /* mark and surface events, in the words of the vectors */
} PlayerLog;

void player_log_init(PlayerLog *log);
void player_log_clear(PlayerLog *log);
void player_log_add(PlayerLog *log, const char *format, ...) G_GNUC_PRINTF(2, 3);

typedef struct PlayerSent {
    uint16_t type;
    GBytes *body;
} PlayerSent;

typedef struct Player {
    Renderer *renderer;
    PlayerLog *log;
    unsigned int channel_id;
    bool mini;
    GByteArray *buffer;       /* bytes that aren't a whole message yet */
    uint64_t number;          /* of the last message */
    uint64_t position;        /* bytes of the channel fed so far */
    const uint64_t *fd_bytes; /* positions of bytes that carry a descriptor */
    unsigned int n_fd_bytes;
    int gl_in_buffer;

    pthread_mutex_t lock; /* the rest: written by the renderer's thread */
    unsigned int n_pings, n_pongs, n_scanouts, n_gl_draws, n_logs, n_damages;
    uint64_t handled;
    uint32_t first_mm_time; /* of the first video frame, 0: none yet */
    int64_t first_mm_at;    /* when it is due, monotonic microseconds */
    char *fatal;            /* the text of RENDERER_FATAL */
    char *last_log;
    GArray *sent; /* PlayerSent */
    RendererPrimary *primary;
    uint64_t damaged; /* pixels */
} Player;

/* Completes config with the player's callbacks. log may be NULL. */
void player_init(Player *player, RendererShared *shared, RendererConfig *config,
                 unsigned int channel_id, bool mini, PlayerLog *log);
void player_clear(Player *player);
/* For config.media_time: the clock of the deployed client, which made the vectors' pictures. Frames
 * are shown in their own rhythm, but so late that drawings that were sent after them are there
 * already. */
void player_media_time(void *ctx, RendererMediaTime *time);
/* Bytes as they come from the socket. */
void player_feed(Player *player, const uint8_t *data, size_t size);
/* One message without framing. */
void player_message(Player *player, uint16_t type, const void *body, size_t size);
/* A copy of the primary, 4 bytes per pixel R, G, B, 255; NULL when there is none. Takes the picture
 * meanwhile. */
uint8_t *player_picture(Player *player, uint32_t *width, uint32_t *height);
bool player_failed(Player *player);

#endif
