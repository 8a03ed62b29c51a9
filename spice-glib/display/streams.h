/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Video streams of a display channel (docs/spec/display.md 13, client-glib.md 9): frames in, shown
 * when their time has come. */
#ifndef DISPLAY_STREAMS_H
#define DISPLAY_STREAMS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include <spice/protocol.h>

#include "display/renderer.h"
#include "wire/wire.h"

typedef struct Stream Stream;

/* Owned by a renderer, touched by its thread only. */
typedef struct Streams {
    Stream *streams[SPICE_MAX_NUM_STREAMS];
    unsigned int n;
    uint64_t told_unknown;  /* bit per id: the server knows that we don't know this stream */
    bool told_out_of_range; /* the same for ids that no stream can have */
    int64_t next_due;       /* INT64_MAX: no frame waits for its time */
} Streams;

void streams_init(Streams *streams);

void streams_create(Renderer *renderer, const WireMsgDisplayStreamCreate *message);
/* dest: of a sized frame, else NULL. data lies in body. */
void streams_data(Renderer *renderer, uint32_t id, uint32_t mm_time, const WireRect *dest,
                  WireBytes data, GBytes *body);
void streams_clip(Renderer *renderer, uint32_t id, const WireClip *clip);
void streams_activate_report(Renderer *renderer, const WireMsgDisplayStreamActivateReport *message);
void streams_destroy(Renderer *renderer, uint32_t id);
void streams_destroy_all(Renderer *renderer);
/* The surface ends, and with it the streams that play on it. */
void streams_surface_gone(Renderer *renderer, uint32_t surface_id);
/* The owner has said whether it shows this pipeline by itself. */
void streams_answer(Renderer *renderer, uint32_t id, void *pipeline, bool shown);

/* Take what decoders have finished and show what is due. */
void streams_run(Renderer *renderer);
/* Frames that came and are neither shown nor dropped. */
unsigned int streams_frames_left(const Renderer *renderer);

#endif
