/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams: decoders, frames waiting for their time, clipping, reports. */
#include "display/streams.h"

#include <stdlib.h>

#include "codec/jpeg.h"
#include "display/jitter.h"
#include "display/renderer-private.h"
#include "display/stream-report.h"
#include "display/video-gst.h"

/* Frames of the built-in decoder that wait for their time; at 60 per second more than the longest
 * delay. */
#define MAX_WAITING 32
/* With sound a frame may have to wait for it, but not longer than this. */
#define MAX_SOUND_DELAY_MS 2000
/* Late frames in a row that call for more sound latency (client-glib.md 9.4). */
#define LATE_ROW 5
/* Broken frames in a row after which the server should stop sending them. */
#define BROKEN_ROW 10
/* A frame this large is no video. */
#define MAX_FRAME_SIDE 16384

typedef struct Frame {
    struct Frame *next;
    uint64_t token;
    int64_t due;
    GBytes *body; /* NULL when it has gone to a decoder of its own */
    WireBytes data;
    bool sized;
    WireRect dest;        /* if sized */
    VideoPicture picture; /* decoded by GStreamer */
} Frame;

typedef enum StreamState {
    STREAM_RUNNING,
    STREAM_ASKING,      /* the owner decides who shows it */
    STREAM_OWNER_SHOWS, /* frames go in, and nothing comes out here */
    STREAM_BROKEN,      /* the server knows; frames are dropped */
} StreamState;

struct Stream {
    uint32_t id, surface_id;
    StreamState state;
    bool top_down, announced;
    WireRect dest;
    bool clipped;
    pixman_region32_t clip;
    JitterBuffer jitter;
    StreamReport report;
    uint32_t last_mm, late_row, broken_row;
    uint64_t n_frames;
    Frame *first, **end;
    unsigned int n_waiting;

    JpegStream *jpeg;
    uint8_t *pixels; /* of the built-in decoder, kept from frame to frame */
    size_t pixels_size;
    VideoGst *gst;
};

void streams_init(Streams *streams)
{
    *streams = (Streams){.next_due = INT64_MAX};
}

static Stream *find(Renderer *renderer, uint32_t id)
{
    return id < SPICE_MAX_NUM_STREAMS ? renderer->streams.streams[id] : NULL;
}

static void free_frame(Frame *frame)
{
    video_gst_release(&frame->picture);
    if (frame->body)
        g_bytes_unref(frame->body);
    g_free(frame);
}

static Frame *pop_frame(Stream *stream)
{
    Frame *frame = stream->first;

    stream->first = frame->next;
    if (!stream->first)
        stream->end = &stream->first;
    stream->n_waiting--;
    return frame;
}

static void drop_frames(Stream *stream)
{
    while (stream->first)
        free_frame(pop_frame(stream));
}

static void free_decoder(Stream *stream)
{
    if (stream->gst)
        video_gst_free(stream->gst);
    stream->gst = NULL;
    jpeg_stream_free(stream->jpeg);
    stream->jpeg = NULL;
    free(stream->pixels);
    stream->pixels = NULL;
    stream->pixels_size = 0;
}

static void say_cannot(Renderer *renderer, uint32_t id)
{
    WireMsgcDisplayStreamReport report;

    if (!renderer->config.stream_reports)
        return;
    stream_report_cannot(id, &report);
    renderer_send(renderer, SPICE_MSGC_DISPLAY_STREAM_REPORT, &report);
}

/* The stream can't be shown here; the server will send images instead. */
static void give_up(Renderer *renderer, Stream *stream, const char *why)
{
    renderer_log(renderer, "video stream %u can't be shown: %s", stream->id, why);
    drop_frames(stream);
    free_decoder(stream);
    stream->state = STREAM_BROKEN;
    stream->report.active = false;
    say_cannot(renderer, stream->id);
}

static void end_stream(Renderer *renderer, Stream *stream)
{
    if (stream->announced)
        renderer_emit(renderer,
                      &(RendererEvent){RENDERER_STREAM_END, {.stream = {stream->id, NULL}}});
    renderer->streams.streams[stream->id] = NULL;
    if (--renderer->streams.n == 0)
        renderer->streams.next_due = INT64_MAX;
    drop_frames(stream);
    free_decoder(stream);
    pixman_region32_fini(&stream->clip);
    g_free(stream);
}

static void set_clip(Stream *stream, const WireClip *clip)
{
    pixman_box32_t *boxes;

    pixman_region32_fini(&stream->clip);
    pixman_region32_init(&stream->clip);
    stream->clipped = clip->type == SPICE_CLIP_TYPE_RECTS;
    if (!stream->clipped || clip->n_rects == 0)
        return;
    boxes = g_try_new(pixman_box32_t, clip->n_rects);
    if (!boxes)
        return;
    for (uint32_t i = 0; i < clip->n_rects; i++) {
        const WireRect *rect = &clip->rects[i];

        boxes[i] = (pixman_box32_t){rect->left, rect->top, rect->right, rect->bottom};
    }
    pixman_region32_fini(&stream->clip);
    if (!pixman_region32_init_rects(&stream->clip, boxes,
                                    (int)MIN(clip->n_rects, (uint32_t)INT32_MAX)))
        pixman_region32_init(&stream->clip);
    g_free(boxes);
}

/* ---- Begin and end
 * --------------------------------------------------------------------------------------------------
 */

static void on_video_ready(void *ctx)
{
    renderer_video_ready(ctx);
}

/* Whether this stream is the whole picture, which the owner may want to present directly. */
static bool owner_may_show(Renderer *renderer, const Stream *stream)
{
    return renderer->config.video_overlay && renderer->primary && renderer->primary->streaming &&
           renderer->primary->surface_id == stream->surface_id;
}

static void start_gst(Renderer *renderer, Stream *stream, int codec)
{
    VideoGstConfig config = {
        .codec = codec,
        .owner_may_show = owner_may_show(renderer, stream),
        .ready = on_video_ready,
        .ctx = renderer,
    };
    char *error = NULL;

    stream->gst = video_gst_new(&config, &error);
    if (!stream->gst) {
        give_up(renderer, stream, error);
        g_free(error);
        return;
    }
    if (config.owner_may_show) {
        stream->state = STREAM_ASKING;
        stream->announced = true;
        renderer_emit(renderer,
                      &(RendererEvent){RENDERER_STREAM_BEGIN,
                                       {.stream = {stream->id, video_gst_pipeline(stream->gst)}}});
    } else if (!video_gst_start(stream->gst, false)) {
        give_up(renderer, stream, "the GStreamer decoder doesn't start");
    }
}

void streams_create(Renderer *renderer, const WireMsgDisplayStreamCreate *message)
{
    Stream *stream;

    if (message->id >= SPICE_MAX_NUM_STREAMS) {
        renderer_log(renderer, "video stream %u ignored: the number is too high", message->id);
        return;
    }
    if (find(renderer, message->id)) {
        renderer_log(renderer, "video stream %u ignored: it exists already", message->id);
        return;
    }
    if (!renderer_surface(renderer, message->surface_id)) {
        renderer_log(renderer, "video stream %u ignored: there is no surface %u", message->id,
                     message->surface_id);
        return;
    }
    stream = g_new0(Stream, 1);
    stream->id = message->id;
    stream->surface_id = message->surface_id;
    stream->top_down = (message->flags & SPICE_STREAM_FLAGS_TOP_DOWN) != 0;
    stream->dest = message->dest;
    stream->end = &stream->first;
    pixman_region32_init(&stream->clip);
    set_clip(stream, &message->clip);
    renderer->streams.streams[stream->id] = stream;
    renderer->streams.n++;
    renderer->streams.told_unknown &= ~(UINT64_C(1) << stream->id);

    if (message->codec_type == SPICE_VIDEO_CODEC_TYPE_MJPEG) {
        stream->jpeg = jpeg_stream_new();
        if (!stream->jpeg) {
            give_up(renderer, stream, "out of memory");
        } else if (owner_may_show(renderer, stream)) {
            stream->announced = true;
            renderer_emit(renderer,
                          &(RendererEvent){RENDERER_STREAM_BEGIN, {.stream = {stream->id, NULL}}});
        }
    } else if (renderer->config.gstreamer) {
        start_gst(renderer, stream, message->codec_type);
    } else {
        give_up(renderer, stream, "its codec isn't supported");
    }
}

void streams_answer(Renderer *renderer, uint32_t id, void *pipeline, bool shown)
{
    Stream *stream = find(renderer, id);

    if (!stream || stream->state != STREAM_ASKING || video_gst_pipeline(stream->gst) != pipeline)
        return;
    stream->state = shown ? STREAM_OWNER_SHOWS : STREAM_RUNNING;
    if (!video_gst_start(stream->gst, shown))
        give_up(renderer, stream, "the GStreamer decoder doesn't start");
    if (shown)
        drop_frames(stream);
}

void streams_clip(Renderer *renderer, uint32_t id, const WireClip *clip)
{
    Stream *stream = find(renderer, id);

    if (stream)
        set_clip(stream, clip);
}

void streams_activate_report(Renderer *renderer, const WireMsgDisplayStreamActivateReport *message)
{
    Stream *stream = find(renderer, message->stream_id);

    if (stream && stream->state != STREAM_BROKEN && renderer->config.stream_reports)
        stream_report_activate(&stream->report, message->unique_id, message->max_window_size,
                               message->timeout_ms);
}

void streams_destroy(Renderer *renderer, uint32_t id)
{
    Stream *stream = find(renderer, id);

    if (stream)
        end_stream(renderer, stream);
}

void streams_destroy_all(Renderer *renderer)
{
    for (uint32_t id = 0; id < SPICE_MAX_NUM_STREAMS; id++)
        streams_destroy(renderer, id);
}

void streams_surface_gone(Renderer *renderer, uint32_t surface_id)
{
    for (uint32_t id = 0; renderer->streams.n > 0 && id < SPICE_MAX_NUM_STREAMS; id++) {
        Stream *stream = renderer->streams.streams[id];

        if (stream && stream->surface_id == surface_id)
            end_stream(renderer, stream);
    }
}

/* ---- Frames come
 * ----------------------------------------------------------------------------------------------------
 */

static void unknown_stream(Renderer *renderer, uint32_t id)
{
    Streams *streams = &renderer->streams;

    if (id < SPICE_MAX_NUM_STREAMS) {
        if (streams->told_unknown & UINT64_C(1) << id)
            return;
        streams->told_unknown |= UINT64_C(1) << id;
    } else {
        if (streams->told_out_of_range)
            return;
        streams->told_out_of_range = true;
    }
    say_cannot(renderer, id);
}

static void account(Renderer *renderer, Stream *stream, uint32_t mm_time, int32_t margin,
                    int64_t now, uint32_t audio_delay)
{
    WireMsgcDisplayStreamReport report;

    if (stream_report_frame(&stream->report, mm_time, margin, now, &report)) {
        report.stream_id = stream->id;
        report.audio_delay = audio_delay;
        renderer_send(renderer, SPICE_MSGC_DISPLAY_STREAM_REPORT, &report);
    }
    stream->late_row = margin < 0 ? stream->late_row + 1 : 0;
    if (stream->late_row == LATE_ROW) {
        stream->late_row = 0;
        renderer_emit(renderer, &(RendererEvent){.type = RENDERER_LATE_VIDEO});
    }
}

static int64_t when_due(Renderer *renderer, Stream *stream, uint32_t mm_time, int64_t now)
{
    RendererMediaTime time = {.audio_delay = UINT32_MAX};
    int64_t due = jitter_arrival(&stream->jitter, mm_time, now);
    int32_t margin;

    if (renderer->config.media_time)
        renderer->config.media_time(renderer->config.ctx, &time);
    if (mm_time == 0)
        margin = 100;
    else
        margin = time.valid ? (int32_t)(mm_time - time.mm_time) : 0;
    account(renderer, stream, mm_time, margin, now, time.audio ? time.audio_delay : UINT32_MAX);
    if (time.audio && time.valid && mm_time != 0)
        due = now + (int64_t)CLAMP(margin, 0, MAX_SOUND_DELAY_MS) * 1000;
    return due;
}

static void append(Stream *stream, Frame *frame)
{
    frame->next = NULL;
    *stream->end = frame;
    stream->end = &frame->next;
    stream->n_waiting++;
}

void streams_data(Renderer *renderer, uint32_t id, uint32_t mm_time, const WireRect *dest,
                  WireBytes data, GBytes *body)
{
    Stream *stream = find(renderer, id);
    int64_t now = renderer_now(renderer);
    Frame *frame;

    if (!stream) {
        unknown_stream(renderer, id);
        return;
    }
    if (stream->state == STREAM_BROKEN || data.size == 0)
        return;
    /* A server that sets its clock back starts anew: what waits would wait for ever. */
    if (mm_time != 0 && (int32_t)(mm_time - stream->last_mm) < 0 && stream->n_frames > 0 &&
        !stream->gst)
        drop_frames(stream);
    stream->last_mm = mm_time;

    frame = g_new0(Frame, 1);
    frame->token = ++stream->n_frames;
    frame->due = when_due(renderer, stream, mm_time, now);
    if (dest) {
        frame->sized = true;
        frame->dest = *dest;
    }
    if (stream->gst) {
        if (!video_gst_push(stream->gst, frame->token, frame->due - now, body, data.data,
                            data.size)) {
            free_frame(frame);
            give_up(renderer, stream, "the decoder has failed");
            return;
        }
        if (stream->state == STREAM_OWNER_SHOWS) {
            free_frame(frame);
            return;
        }
    } else {
        frame->body = g_bytes_ref(body);
        frame->data = data;
        if (stream->n_waiting >= MAX_WAITING)
            free_frame(pop_frame(stream));
        renderer->streams.next_due = MIN(renderer->streams.next_due, frame->due);
    }
    append(stream, frame);
}

/* ---- Frames are shown
 * -----------------------------------------------------------------------------------------------
 */

static void show(Renderer *renderer, Stream *stream, const Frame *frame, const uint8_t *pixels,
                 ptrdiff_t stride, uint32_t width, uint32_t height)
{
    CanvasFrame picture = {pixels, stride, width, height, stream->top_down};
    Surface *surface = renderer_surface(renderer, stream->surface_id);

    if (!surface || !renderer_paint(renderer, surface))
        return;
    canvas_draw_frame(surface->canvas, &picture, frame->sized ? &frame->dest : &stream->dest,
                      stream->clipped ? &stream->clip : NULL,
                      renderer_is_primary(renderer, surface) ? &renderer->damage : NULL);
}

/* The built-in decoder. False: the frame is broken. */
static bool decode_and_show(Renderer *renderer, Stream *stream, const Frame *frame)
{
    CodecInfo info;
    size_t size;

    if (jpeg_stream_begin(stream->jpeg, frame->data.data, frame->data.size, &info) != CODEC_OK ||
        info.width > MAX_FRAME_SIDE || info.height > MAX_FRAME_SIDE ||
        (uint64_t)info.width * info.height > shared_image_pixels(renderer->shared))
        return false;
    size = (size_t)info.width * info.height * 4;
    if (size > stream->pixels_size) {
        free(stream->pixels);
        stream->pixels = malloc(size);
        stream->pixels_size = stream->pixels ? size : 0;
        if (!stream->pixels)
            return false;
    }
    renderer_rest(renderer);
    if (jpeg_stream_decode(stream->jpeg, CODEC_FORMAT_RGB32, stream->pixels,
                           (ptrdiff_t)info.width * 4) != CODEC_OK)
        return false;
    show(renderer, stream, frame, stream->pixels, (ptrdiff_t)info.width * 4, info.width,
         info.height);
    return true;
}

/* Give each decoded picture to the frame it was made from. */
static void collect_pictures(Stream *stream)
{
    VideoPicture picture = {0};

    while (video_gst_pull(stream->gst, &picture)) {
        Frame *frame = stream->first;

        /* What the decoder has left out won't come any more. */
        while (frame && frame->token < picture.token && !frame->picture.sample &&
               frame == stream->first) {
            free_frame(pop_frame(stream));
            frame = stream->first;
        }
        while (frame && (frame->picture.sample || frame->token < picture.token))
            frame = frame->next;
        if (frame && picture.width <= MAX_FRAME_SIDE && picture.height <= MAX_FRAME_SIDE)
            frame->picture = picture;
        else
            video_gst_release(&picture);
    }
}

static bool can_be_shown(const Stream *stream, const Frame *frame, int64_t now)
{
    return frame->due <= now && (!stream->gst || frame->picture.sample);
}

static void run_stream(Renderer *renderer, Stream *stream, int64_t now)
{
    Frame *newest = NULL;

    if (stream->gst) {
        if (video_gst_failed(stream->gst)) {
            give_up(renderer, stream, "the decoder has failed");
            return;
        }
        if (stream->state != STREAM_RUNNING)
            return;
        collect_pictures(stream);
    }
    for (Frame *frame = stream->first; frame; frame = frame->next) {
        if (can_be_shown(stream, frame, now))
            newest = frame;
    }
    if (newest) {
        /* The older ones are late: the newest is what should be seen now. */
        while (stream->first != newest)
            free_frame(pop_frame(stream));
        pop_frame(stream);
        if (stream->gst) {
            show(renderer, stream, newest, newest->picture.pixels, newest->picture.stride,
                 newest->picture.width, newest->picture.height);
        } else if (decode_and_show(renderer, stream, newest)) {
            stream->broken_row = 0;
        } else if (++stream->broken_row == BROKEN_ROW) {
            free_frame(newest);
            give_up(renderer, stream, "its frames are broken");
            return;
        }
        free_frame(newest);
    }
    for (const Frame *frame = stream->first; frame; frame = frame->next) {
        if (!stream->gst || frame->picture.sample)
            renderer->streams.next_due = MIN(renderer->streams.next_due, frame->due);
    }
}

void streams_run(Renderer *renderer)
{
    Streams *streams = &renderer->streams;
    int64_t now = renderer_now(renderer);

    streams->next_due = INT64_MAX;
    for (uint32_t id = 0; streams->n > 0 && id < SPICE_MAX_NUM_STREAMS; id++) {
        if (streams->streams[id])
            run_stream(renderer, streams->streams[id], now);
    }
}

unsigned int streams_frames_left(const Renderer *renderer)
{
    unsigned int n = 0;

    for (uint32_t id = 0; renderer->streams.n > 0 && id < SPICE_MAX_NUM_STREAMS; id++) {
        if (renderer->streams.streams[id])
            n += renderer->streams.streams[id]->n_waiting;
    }
    return n;
}
