/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counting frames for STREAM_REPORT. */
#include "display/stream-report.h"

#include <string.h>

/* So many late frames in a row can't wait for the end of the window. */
#define MAX_DROP_RUN 3

void stream_report_activate(StreamReport *report, uint32_t unique_id, uint32_t max_frames,
                            uint32_t timeout_ms)
{
    *report = (StreamReport){
        .active = true, .unique_id = unique_id, .max_frames = max_frames, .timeout_ms = timeout_ms};
}

bool stream_report_frame(StreamReport *report, uint32_t mm_time, int32_t margin, int64_t now,
                         WireMsgcDisplayStreamReport *message)
{
    if (!report->active)
        return false;
    if (report->n_frames++ == 0) {
        report->first_mm = mm_time;
        report->since = now;
    }
    report->last_mm = mm_time;
    report->margin = margin;
    if (margin < 0) {
        report->n_drops++;
        report->drop_run++;
    } else {
        report->drop_run = 0;
    }
    if (report->n_frames < report->max_frames &&
        now - report->since < (int64_t)report->timeout_ms * 1000 && report->drop_run < MAX_DROP_RUN)
        return false;

    memset(message, 0, sizeof *message);
    message->unique_id = report->unique_id;
    message->start_frame_mm_time = report->first_mm;
    message->end_frame_mm_time = report->last_mm;
    message->num_frames = report->n_frames;
    message->num_drops = report->n_drops;
    message->last_frame_delay = margin;
    report->n_frames = report->n_drops = report->drop_run = 0;
    return true;
}

void stream_report_cannot(uint32_t stream_id, WireMsgcDisplayStreamReport *message)
{
    memset(message, 0, sizeof *message);
    message->stream_id = stream_id;
    message->num_drops = UINT32_MAX;
}
