/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A GStreamer pipeline around whatever decoder is installed: appsrc, decodebin, videoconvert,
 * appsink. */
#include "display/video-gst.h"

#include <pthread.h>

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include <spice/enums.h>

/* Frames carry their token as time stamp, in steps that no decoder rounds together. */
#define TOKEN_STEP (33 * GST_MSECOND)
/* Pictures that wait in the sink; the decoder pauses beyond. */
#define SINK_PICTURES 4
/* Frames inside the decoder. More than this isn't delay but a decoder that doesn't keep up or has
 * got stuck. */
#define MAX_INSIDE 150
/* GST_PLAY_FLAG_VIDEO of playbin, whose header isn't public */
#define PLAY_FLAG_VIDEO 1

typedef struct CodecCaps {
    int codec;
    const char *decoder_caps; /* what a decoder must take */
    const char *source_caps;  /* what the server sends */
} CodecCaps;

static const CodecCaps codec_caps[] = {
    {SPICE_VIDEO_CODEC_TYPE_MJPEG, "image/jpeg", "image/jpeg"},
    {SPICE_VIDEO_CODEC_TYPE_VP8, "video/x-vp8", "video/x-vp8"},
    {SPICE_VIDEO_CODEC_TYPE_H264, "video/x-h264", "video/x-h264,stream-format=byte-stream"},
    {SPICE_VIDEO_CODEC_TYPE_VP9, "video/x-vp9", "video/x-vp9"},
    {SPICE_VIDEO_CODEC_TYPE_H265, "video/x-h265", "video/x-h265,stream-format=byte-stream"},
};

struct VideoGst {
    VideoGstConfig config;
    GstElement *pipeline;
    GstAppSrc *source; /* NULL in a playbin until it has started */
    GstAppSink *sink;
    GstCaps *caps;
    pthread_mutex_t lock; /* source, waiting, failed */
    GQueue waiting;       /* buffers that came before the playbin had a source */
    bool failed, owner_shows;
    uint64_t pushed, pulled;
};

/* ---- What is installed
 * -------------------------------------------------------------------------------------------- */

static uint32_t installed_codecs;

static void find_codecs(void)
{
    GList *all;

    if (!gst_init_check(NULL, NULL, NULL))
        return;
    all = gst_element_factory_list_get_elements(GST_ELEMENT_FACTORY_TYPE_DECODER |
                                                    GST_ELEMENT_FACTORY_TYPE_MEDIA_VIDEO |
                                                    GST_ELEMENT_FACTORY_TYPE_MEDIA_IMAGE,
                                                GST_RANK_NONE);
    for (unsigned int i = 0; i < G_N_ELEMENTS(codec_caps); i++) {
        GstCaps *caps = gst_caps_from_string(codec_caps[i].decoder_caps);
        GList *able = gst_element_factory_list_filter(all, caps, GST_PAD_SINK, FALSE);

        if (able)
            installed_codecs |= 1u << codec_caps[i].codec;
        gst_plugin_feature_list_free(able);
        gst_caps_unref(caps);
    }
    gst_plugin_feature_list_free(all);
}

void video_gst_register_types(void)
{
    g_type_ensure(GST_TYPE_PIPELINE);
}

uint32_t video_gst_codecs(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, find_codecs);
    return installed_codecs;
}

/* ---- The pipeline
 * --------------------------------------------------------------------------------------------------
 */

static void set_failed(VideoGst *video)
{
    pthread_mutex_lock(&video->lock);
    video->failed = true;
    pthread_mutex_unlock(&video->lock);
    video->config.ready(video->config.ctx);
}

static GstFlowReturn on_sample(GstAppSink *sink, gpointer data)
{
    VideoGst *video = data;

    video->config.ready(video->config.ctx);
    return GST_FLOW_OK;
}

/* Errors are wanted from whichever thread has them; there may be no main loop that looks at the
 * bus. */
static GstBusSyncReply on_bus(GstBus *bus, GstMessage *message, gpointer data)
{
    VideoGst *video = data;

    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
        set_failed(video);
    /* A pipeline that the application shows is watched by it, too. */
    return video->config.owner_may_show ? GST_BUS_PASS : GST_BUS_DROP;
}

static void on_message(GstBus *bus, GstMessage *message, gpointer data)
{
    set_failed(data);
}

static void setup_source(VideoGst *video, GstElement *source)
{
    g_object_set(source, "caps", video->caps, "is-live", TRUE, "format", GST_FORMAT_TIME,
                 "max-bytes", (guint64)0, "block", FALSE, NULL);
}

static void on_source(GstElement *playbin, GstElement *source, gpointer data)
{
    VideoGst *video = data;
    GstBuffer *buffer;

    setup_source(video, source);
    pthread_mutex_lock(&video->lock);
    gst_clear_object(&video->source);
    video->source = GST_APP_SRC(gst_object_ref(source));
    while ((buffer = g_queue_pop_head(&video->waiting)))
        gst_app_src_push_buffer(video->source, buffer);
    pthread_mutex_unlock(&video->lock);
}

static void on_decoded_pad(GstElement *decodebin, GstPad *pad, gpointer data)
{
    GstElement *convert = data;
    GstPad *sink = gst_element_get_static_pad(convert, "sink");

    if (!gst_pad_is_linked(sink))
        gst_pad_link(pad, sink);
    gst_object_unref(sink);
}

static bool make_sink(VideoGst *video)
{
    GstAppSinkCallbacks callbacks = {.new_sample = on_sample};
    GstElement *sink = gst_element_factory_make("appsink", NULL);
    GstCaps *caps;

    if (!sink)
        return false;
    caps = gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "BGRx", NULL);
    g_object_set(sink, "caps", caps, "sync", FALSE, "qos", FALSE, "drop", FALSE, "max-buffers",
                 SINK_PICTURES, "enable-last-sample", FALSE, NULL);
    gst_caps_unref(caps);
    video->sink = GST_APP_SINK(gst_object_ref_sink(sink));
    gst_app_sink_set_callbacks(video->sink, &callbacks, video, NULL);
    return true;
}

static bool make_plain(VideoGst *video)
{
    GstElement *source = gst_element_factory_make("appsrc", NULL);
    GstElement *decode = gst_element_factory_make("decodebin", NULL);
    GstElement *convert = gst_element_factory_make("videoconvert", NULL);

    video->pipeline = gst_object_ref_sink(gst_pipeline_new(NULL));
    if (!source || !decode || !convert || !make_sink(video)) {
        gst_clear_object(&source);
        gst_clear_object(&decode);
        gst_clear_object(&convert);
        return false;
    }
    setup_source(video, source);
    video->source = GST_APP_SRC(gst_object_ref(source));
    gst_bin_add_many(GST_BIN(video->pipeline), source, decode, convert, GST_ELEMENT(video->sink),
                     NULL);
    g_signal_connect(decode, "pad-added", G_CALLBACK(on_decoded_pad), convert);
    return gst_element_link(source, decode) && gst_element_link(convert, GST_ELEMENT(video->sink));
}

static bool make_playbin(VideoGst *video)
{
    GstElement *playbin = gst_element_factory_make("playbin", NULL);

    if (!playbin)
        return false;
    video->pipeline = gst_object_ref_sink(playbin);
    g_object_set(playbin, "uri", "appsrc://", "flags", PLAY_FLAG_VIDEO, NULL);
    g_signal_connect(playbin, "source-setup", G_CALLBACK(on_source), video);
    return true;
}

VideoGst *video_gst_new(const VideoGstConfig *config, char **error)
{
    const CodecCaps *codec = NULL;
    VideoGst *video;

    for (unsigned int i = 0; i < G_N_ELEMENTS(codec_caps); i++) {
        if (codec_caps[i].codec == config->codec)
            codec = &codec_caps[i];
    }
    if (!codec || !(video_gst_codecs() & 1u << config->codec)) {
        *error =
            g_strdup_printf("no GStreamer decoder is installed for video codec %d", config->codec);
        return NULL;
    }
    video = g_new0(VideoGst, 1);
    video->config = *config;
    video->caps = gst_caps_from_string(codec->source_caps);
    pthread_mutex_init(&video->lock, NULL);
    g_queue_init(&video->waiting);
    if (!(config->owner_may_show ? make_playbin(video) : make_plain(video))) {
        video_gst_free(video);
        *error = g_strdup("GStreamer lacks the elements to decode video (plugins base and good)");
        return NULL;
    }
    return video;
}

void video_gst_free(VideoGst *video)
{
    GstBuffer *buffer;

    if (video->pipeline) {
        GstBus *bus;

        gst_element_set_state(video->pipeline, GST_STATE_NULL);
        bus = gst_element_get_bus(video->pipeline);
        if (bus) {
            gst_bus_set_sync_handler(bus, NULL, NULL, NULL);
            g_signal_handlers_disconnect_by_data(bus, video);
            gst_object_unref(bus);
        }
        g_signal_handlers_disconnect_by_data(video->pipeline, video);
    }
    gst_clear_object(&video->source);
    gst_clear_object(&video->sink);
    gst_clear_object(&video->pipeline);
    while ((buffer = g_queue_pop_head(&video->waiting)))
        gst_buffer_unref(buffer);
    gst_caps_unref(video->caps);
    pthread_mutex_destroy(&video->lock);
    g_free(video);
}

void *video_gst_pipeline(VideoGst *video)
{
    return video->pipeline;
}

bool video_gst_start(VideoGst *video, bool owner_shows)
{
    GstBus *bus = gst_element_get_bus(video->pipeline);

    video->owner_shows = owner_shows;
    if (owner_shows) {
        /* The widget has the bus' sync handler for its window. */
        gst_bus_enable_sync_message_emission(bus);
        g_signal_connect(bus, "sync-message::error", G_CALLBACK(on_message), video);
    } else {
        gst_bus_set_sync_handler(bus, on_bus, video, NULL);
        if (video->config.owner_may_show) {
            if (!make_sink(video)) {
                gst_object_unref(bus);
                return false;
            }
            g_object_set(video->pipeline, "video-sink", video->sink, NULL);
        }
    }
    gst_object_unref(bus);
    return gst_element_set_state(video->pipeline, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE;
}

/* ---- Frames
 * ---------------------------------------------------------------------------------------------------------
 */

static GstClockTime running_time(VideoGst *video)
{
    GstClock *clock = gst_element_get_clock(video->pipeline);
    GstClockTime time = 0;

    if (clock) {
        time = gst_clock_get_time(clock) - gst_element_get_base_time(video->pipeline);
        gst_object_unref(clock);
    }
    return time;
}

bool video_gst_push(VideoGst *video, uint64_t token, int64_t delay_us, GBytes *body,
                    const uint8_t *data, size_t size)
{
    GstBuffer *buffer;
    GstFlowReturn flow = GST_FLOW_OK;

    if (video_gst_failed(video) ||
        (!video->owner_shows && video->pushed - video->pulled > MAX_INSIDE))
        return false;
    buffer = gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, (gpointer)data, size, 0, size,
                                         g_bytes_ref(body), (GDestroyNotify)g_bytes_unref);
    GST_BUFFER_PTS(buffer) =
        video->owner_shows ? running_time(video) + (GstClockTime)MAX(delay_us, 0) * GST_USECOND
                           : token * TOKEN_STEP;
    GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
    video->pushed++;
    pthread_mutex_lock(&video->lock);
    if (video->source)
        flow = gst_app_src_push_buffer(video->source, buffer);
    else
        g_queue_push_tail(&video->waiting, buffer);
    pthread_mutex_unlock(&video->lock);
    return flow == GST_FLOW_OK;
}

bool video_gst_pull(VideoGst *video, VideoPicture *picture)
{
    GstSample *sample = video->sink ? gst_app_sink_try_pull_sample(video->sink, 0) : NULL;
    GstVideoFrame *frame;
    GstVideoInfo info;
    GstBuffer *buffer;

    if (!sample)
        return false;
    video->pulled++;
    buffer = gst_sample_get_buffer(sample);
    frame = g_new(GstVideoFrame, 1);
    if (!buffer || !gst_video_info_from_caps(&info, gst_sample_get_caps(sample)) ||
        !gst_video_frame_map(frame, &info, buffer, GST_MAP_READ)) {
        g_free(frame);
        gst_sample_unref(sample);
        return false;
    }
    picture->token = GST_BUFFER_PTS_IS_VALID(buffer)
                         ? (GST_BUFFER_PTS(buffer) + TOKEN_STEP / 2) / TOKEN_STEP
                         : 0;
    picture->pixels = GST_VIDEO_FRAME_PLANE_DATA(frame, 0);
    picture->stride = GST_VIDEO_FRAME_PLANE_STRIDE(frame, 0);
    picture->width = (uint32_t)GST_VIDEO_FRAME_WIDTH(frame);
    picture->height = (uint32_t)GST_VIDEO_FRAME_HEIGHT(frame);
    picture->sample = frame;
    /* the frame holds the buffer */
    gst_sample_unref(sample);
    return true;
}

void video_gst_release(VideoPicture *picture)
{
    GstVideoFrame *frame = picture->sample;

    if (!frame)
        return;
    gst_video_frame_unmap(frame);
    g_free(frame);
    picture->sample = NULL;
}

bool video_gst_failed(VideoGst *video)
{
    bool failed;

    pthread_mutex_lock(&video->lock);
    failed = video->failed;
    pthread_mutex_unlock(&video->lock);
    return failed;
}
