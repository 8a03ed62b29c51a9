/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The account of one stream that the server asked for (docs/spec/display.md 13.5). */
#ifndef DISPLAY_STREAM_REPORT_H
#define DISPLAY_STREAM_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/wire.h"

/* Pure state; times in microseconds of one monotonic clock. */
typedef struct StreamReport {
    bool active;
    uint32_t unique_id, max_frames, timeout_ms;
    uint32_t n_frames, n_drops, drop_run;
    uint32_t first_mm, last_mm;
    int32_t margin;
    int64_t since;
} StreamReport;

void stream_report_activate(StreamReport *report, uint32_t unique_id, uint32_t max_frames,
                            uint32_t timeout_ms);

/* A frame came, margin milliseconds before its time (negative: late). True: the window is complete,
 * *message is to be sent (all but stream_id and audio_delay is filled in) and a new window has
 * begun. */
bool stream_report_frame(StreamReport *report, uint32_t mm_time, int32_t margin, int64_t now,
                         WireMsgcDisplayStreamReport *message);

/* "This stream can't be shown here." */
void stream_report_cannot(uint32_t stream_id, WireMsgcDisplayStreamReport *message);

#endif
