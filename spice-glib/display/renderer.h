/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The renderer of one display channel: message bodies in, a live primary picture and events out. A
 * plain C object without GObject, sockets or a main loop, so channels, tests, replay players and
 * benchmarks drive the same code.
 *
 * Threads. renderer_push() and the setters may be called from any thread. A renderer draws on a
 * thread of its own (or, when made without one, inside renderer_run()); events are delivered on
 * that thread. The primary's pixels are shared by hand-over: the renderer writes them only while
 * the owner (the thread that shows the picture) has given them away with renderer_owner_release(),
 * and never in the middle of a drawing operation while the owner has them. So there is one copy of
 * the picture, none is ever copied, and the owner never sees half of an operation. */
#ifndef DISPLAY_RENDERER_H
#define DISPLAY_RENDERER_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- What the display channels of one session share
 * ------------------------------------------------------------ */

/* Image cache, GLZ window, decode pool, and how far each channel has come (docs/spec/display.md 8
 * to 10). Reference counted, thread-safe. */
typedef struct RendererShared RendererShared;

typedef struct RendererSharedLimits {
    uint64_t cache_pixels; /* the announced pixmap cache; twice as much is accepted before a channel
                              is refused */
    uint64_t glz_pixels;   /* the announced GLZ window */
    unsigned int
        threads; /* decode threads beside the renderers; 0: all decoding is done by the renderers */
    uint64_t image_pixels; /* limit on the size of one decoded image */
} RendererSharedLimits;

/* The announced defaults, min(cores, 4) threads, and 2^26 pixels per image. */
void renderer_shared_limits_init(RendererSharedLimits *limits);
RendererShared *renderer_shared_new(const RendererSharedLimits *limits);
RendererShared *renderer_shared_ref(RendererShared *shared);
void renderer_shared_unref(RendererShared *shared); /* NULL is fine */

typedef struct RendererSharedStats {
    uint64_t cache_entries, cache_pixels, cache_bytes;
} RendererSharedStats;
void renderer_shared_get_stats(RendererShared *shared, RendererSharedStats *stats);

/* Progress of a channel that isn't drawn by a renderer but may be named by WAIT_FOR_CHANNELS. */
typedef struct RendererPeer RendererPeer;
RendererPeer *renderer_shared_join(RendererShared *shared, uint8_t channel_type,
                                   uint8_t channel_id);
void renderer_peer_handled(RendererPeer *peer, uint64_t number);
/* The channel has ended: waits that name it are over. Frees peer. */
void renderer_peer_leave(RendererPeer *peer);

/* ---- Messages
 * ---------------------------------------------------------------------------------------------------
 */

typedef struct RendererInput {
    uint16_t type;
    uint64_t number; /* of the message on its channel (display.md 1.1); a sub-message has its
                        container's */
    GBytes *body; /* a reference that goes to the renderer; never copied, video decoders included */
    uint32_t sub_list; /* offset in the body of the list of sub-messages (18-byte header), else 0 */
    bool sub_message;  /* executed before its container, doesn't count as a message */
    bool for_owner; /* not executed: comes back as RENDERER_MESSAGE when all before it were carried
                       out */
    int fd;         /* descriptor that came with it, owned by the renderer from then on; -1: none */
} RendererInput;

/* ---- Events
 * -----------------------------------------------------------------------------------------------------
 */

/* The primary's pixels as the owner sees them. Reference counted: they stay valid until the owner
 * lets go of the event's reference, which it does after announcing the end of the primary. */
typedef struct RendererPrimary {
    uint32_t surface_id;
    uint32_t format; /* SPICE_SURFACE_FMT_* */
    uint32_t width, height;
    uint32_t stride; /* bytes, width * 4 for every format */
    bool streaming;  /* SPICE_SURFACE_FLAGS_STREAMING_MODE */
    uint8_t *data;
    gint refs;
} RendererPrimary;
RendererPrimary *renderer_primary_ref(RendererPrimary *primary);
void renderer_primary_unref(RendererPrimary *primary); /* NULL is fine */

typedef struct RendererRect {
    int32_t x, y, width, height;
} RendererRect;

typedef struct RendererMonitor {
    uint32_t id, surface_id, width, height, x, y;
} RendererMonitor;

typedef enum RendererEventType {
    RENDERER_PRIMARY_CREATED,   /* primary: a black picture; take a reference to keep it */
    RENDERER_PRIMARY_DESTROYED, /* primary: as given at creation */
    RENDERER_DAMAGE,       /* rects: what changed since the last event of this kind, clipped to the
                              primary */
    RENDERER_MARK,         /* on */
    RENDERER_MONITORS,     /* monitors, max_monitors */
    RENDERER_SEND,         /* message: type and body that the channel must send to the server */
    RENDERER_HANDLED,      /* number: all messages up to this one have been carried out */
    RENDERER_MESSAGE,      /* message: one that was pushed with for_owner, in its turn */
    RENDERER_STREAM_BEGIN, /* stream: a video stream of a streaming-mode surface was made (with
                            * video_overlay); a pipeline wants renderer_stream_answer(). It lives
                            * until RENDERER_STREAM_END: take a reference to keep it */
    RENDERER_STREAM_END,   /* stream */
    RENDERER_LATE_VIDEO,   /* five frames in a row were late (client-glib.md 9.4) */
    RENDERER_GL_SCANOUT,   /* gl */
    RENDERER_GL_DRAW,      /* rects[0] */
    RENDERER_LOG,          /* text: something odd that was survived */
    RENDERER_FATAL, /* text: the channel must be closed with this error; nothing more will be drawn
                     */
} RendererEventType;

typedef struct RendererEvent {
    RendererEventType type;
    union {
        RendererPrimary *primary;
        struct {
            const RendererRect *rects;
            unsigned int n_rects;
        } damage;
        bool on;
        struct {
            const RendererMonitor *monitors;
            unsigned int n_monitors, max_monitors;
        } monitors;
        struct {
            uint16_t type;
            GBytes *body; /* take a reference to keep it */
        } message;
        uint64_t number;
        struct {
            uint32_t id;
            void *pipeline; /* GstPipeline, or NULL for the built-in decoder */
        } stream;
        struct {
            uint32_t width, height, stride, fourcc, flags;
            int fd; /* the receiver's from now on; -1: no scanout */
        } gl;
        const char *text;
    } u;
} RendererEvent;

/* ---- The renderer
 * -----------------------------------------------------------------------------------------------
 */

typedef struct Renderer Renderer;

typedef enum RendererPolicy {
    RENDERER_CLOSE_ON_ERROR, /* a message or image that is broken ends the channel with
                                RENDERER_FATAL */
    RENDERER_SKIP_ERRORS,    /* it is dropped and logged, as deployed clients do */
} RendererPolicy;

typedef struct RendererMediaTime {
    bool valid;       /* mm_time is known */
    uint32_t mm_time; /* now, milliseconds */
    bool audio; /* sound is playing: video is shown by this clock; else after a buffer that fits its
                   jitter */
    uint32_t audio_delay; /* of the playback channel in ms; UINT32_MAX: no sound */
} RendererMediaTime;

typedef enum RendererFeed {
    RENDERER_FEED_OFF,       /* nothing will come before renderer_wake() */
    RENDERER_FEED_AGAIN,     /* there may be more */
    RENDERER_FEED_WAIT,      /* nothing is there: wait for the file descriptor or renderer_wake() */
    RENDERER_FEED_WAIT_REST, /* the same, in the middle of a message */
} RendererFeed;

typedef struct RendererConfig {
    uint8_t channel_id;
    RendererPolicy policy;
    bool own_thread;              /* else the caller runs it with renderer_run() */
    bool stream_reports;          /* the server understands STREAM_REPORT */
    bool gl;                      /* GL messages may come: a UNIX socket and our capability */
    bool gstreamer;               /* use GStreamer for codecs other than MJPEG */
    bool video_overlay;           /* RENDERER_STREAM_BEGIN will be answered */
    uint64_t queue_bytes;         /* a queue longer than this asks its feeder to stop */
    uint64_t ahead_bytes;         /* decoded pixels of messages whose turn hasn't come */
    uint64_t surface_bytes;       /* sum of off-screen surfaces */
    uint64_t primary_bytes;       /* the screen, at 4 bytes per pixel */
    unsigned int damage_delay_us; /* least time between two reports of damage, and longest time that
                                     one is put off */
    void (*event)(void *ctx, const RendererEvent *event);
    void (*queue_room)(void *ctx); /* called on the renderer's thread once a full queue is half
                                      empty; NULL allowed */
    /* The session's media clock, called on the renderer's thread. NULL: there is none. */
    void (*media_time)(void *ctx, RendererMediaTime *time);
    int64_t (*now)(void *ctx); /* microseconds; NULL: the monotonic clock */
    void *ctx;
    /* Own thread only: called there when it has nothing else to do, and when the queue is short
     * though the last call said RENDERER_FEED_AGAIN. It may renderer_push(). *fd: with
     * RENDERER_FEED_WAIT, what has to be readable before the next call makes sense. NULL: all
     * messages come from other threads. */
    RendererFeed (*feed)(void *ctx, int *fd);
} RendererConfig;

/* Defaults: own thread, strict, GStreamer, 4 MiB of queue, 8 MiB ahead, a quarter of memory but at
 * most 2 GiB of off-screen surfaces, news for the owner at most every 15 ms (a frame). */
void renderer_config_init(RendererConfig *config);

Renderer *renderer_new(RendererShared *shared, const RendererConfig *config);
/* Ends all waits, stops and joins the thread, frees everything. No event comes after it returns.
 * Not to be called from an event callback. The owner need not hold the primary. */
void renderer_free(Renderer *renderer);

/* Append a message. False: the queue is now full, push no more until queue_room() was called (it
 * was taken all the same). */
bool renderer_push(Renderer *renderer, const RendererInput *input);
/* config.feed has something again. From any thread. */
void renderer_wake(Renderer *renderer);
/* True when the queue is not full. */
bool renderer_has_room(Renderer *renderer);

/* Without an own thread: carry out what is queued and show the frames that are due. Returns
 * microseconds until the next frame is due, or -1. */
int64_t renderer_run(Renderer *renderer);

/* Wait until everything queued was carried out, with frames also until no video frame is still to
 * be shown, or the channel has failed, or timeout_ms are over. Returns whether everything was
 * carried out. */
bool renderer_drain(Renderer *renderer, bool frames, unsigned int timeout_ms);

/* What belongs to one connection. */
typedef struct RendererConnection {
    RendererShared *shared; /* NULL: as before; a fresh one means empty caches */
    bool stream_reports;    /* the server understands STREAM_REPORT */
    bool gl;                /* GL messages may come: a UNIX socket and our capability */
} RendererConnection;

/* The connection ended (or moves to another host without its state), or a new one begins: drop
 * queue, off-screen surfaces, palettes and streams, end all waits; the primary and its picture
 * stay. The next message starts anew. Waits for the renderer's thread to leave what it does, but
 * not for events to be consumed. connection: NULL leaves things as they are. */
void renderer_reset(Renderer *renderer, const RendererConnection *connection);

/* ---- The owner's side of the picture
 * ---------------------------------------------------------------------------- */

/* Take the pixels of the primary: blocks for as long as one drawing operation takes, at most.
 * Counted. The owner holds them from the start. */
void renderer_owner_acquire(Renderer *renderer);
/* Let the renderer draw. Cheap when it has nothing to draw. */
void renderer_owner_release(Renderer *renderer);

/* ---- Video
 * --------------------------------------------------------------------------------------------------------
 */

/* The answer to RENDERER_STREAM_BEGIN with a pipeline: shown says that the owner has given it a
 * sink of its own. No frame of that stream is decoded before the answer. */
void renderer_stream_answer(Renderer *renderer, uint32_t stream_id, void *pipeline, bool shown);

/* Which SPICE_VIDEO_CODEC_TYPE_* can be decoded here: bit 1 << type. Initialises GStreamer and asks
 * its registry, once per process. */
uint32_t renderer_video_codecs(bool gstreamer);
/* Begin to find that out in a thread, so that the answer is there when it is needed. */
void renderer_prepare_video(void);

#endif
