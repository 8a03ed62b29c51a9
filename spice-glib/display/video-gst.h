/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decoding of video streams by GStreamer: frames of one codec in, BGRX pictures out. */
#ifndef DISPLAY_VIDEO_GST_H
#define DISPLAY_VIDEO_GST_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Register the types that the display channel's class names, before a thread runs gst_init(). In a
 * class initialiser GLib's lock on classes is held; a thread that registers the same type at that
 * moment holds the type and waits for that lock, and neither would ever go on. Not to be called
 * from a class initialiser. */
void video_gst_register_types(void);

/* Bit 1 << SPICE_VIDEO_CODEC_TYPE_* for each codec that a decoder is installed for. Initialises
 * GStreamer once. */
uint32_t video_gst_codecs(void);

/* One decoder. Used by one thread, but for ready(), which GStreamer's threads call. */
typedef struct VideoGst VideoGst;

typedef struct VideoGstConfig {
    int codec;           /* SPICE_VIDEO_CODEC_TYPE_* */
    bool owner_may_show; /* build a pipeline (playbin) that the application can give a sink of its
                            own */
    void (*ready)(void *ctx); /* a picture can be pulled, or the decoder has failed */
    void *ctx;
} VideoGstConfig;

/* NULL with *error (to be freed) when there is no decoder. Nothing runs before video_gst_start().
 */
VideoGst *video_gst_new(const VideoGstConfig *config, char **error);
/* ready() isn't called after this. */
void video_gst_free(VideoGst *video);
/* The GstPipeline, borrowed. */
void *video_gst_pipeline(VideoGst *video);
/* owner_shows: the application has given the pipeline a sink; no pictures come out here. */
bool video_gst_start(VideoGst *video, bool owner_shows);

/* Decode one frame; it stays in body's memory. delay_us: how long from now until it should be seen
 * (only where the application shows it). False: the decoder has failed, or is hopelessly behind. */
bool video_gst_push(VideoGst *video, uint64_t token, int64_t delay_us, GBytes *body,
                    const uint8_t *data, size_t size);

typedef struct VideoPicture {
    uint64_t token; /* of the frame it was made from */
    const uint8_t *pixels;
    ptrdiff_t stride;
    uint32_t width, height;
    void *sample; /* NULL: no picture */
} VideoPicture;

/* The next decoded picture, if there is one. It holds memory of the decoder until
 * video_gst_release(). */
bool video_gst_pull(VideoGst *video, VideoPicture *picture);
void video_gst_release(VideoPicture *picture);
/* The pipeline has reported an error. */
bool video_gst_failed(VideoGst *video);

#endif
