/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GLZ images (docs/spec/lz.md section 4): LZ with references into earlier images of the connection.
 * The client's half is GlzWindow and glz_decode(), the server's half GlzDictionary and
 * glz_encode(). */
#ifndef CODEC_GLZ_H
#define CODEC_GLZ_H

#include "codec/codec.h"

/* Bytes of a GLZ header. */
#define GLZ_HEADER_SIZE 33

/* The largest window that may be announced, in pixels. */
#define GLZ_MAX_WINDOW (UINT32_C(1) << 25)

/* ---- Decoder ---- */

typedef struct GlzInfo {
    CodecInfo image; /* format is RGB16, RGB24, RGB32 or RGBA */
    uint64_t id;     /* number in the dictionary */
    uint64_t base;   /* the oldest image that this one and all later ones may use */
} GlzInfo;

/* Read and check the header of a whole payload. The caller compares width and height with the
 * image's descriptor. */
CodecResult glz_read_header(const uint8_t *data, size_t size, GlzInfo *info);

/* A decoded image: 32-bit pixels in memory of its own, immutable, reference-counted. Any thread may
 * hold, read and drop references; the pixels live until the last one is gone, in or out of the
 * window. So a drawing may use them in place. */
typedef struct GlzImage GlzImage;

GlzImage *glz_image_ref(GlzImage *image);
void glz_image_unref(GlzImage *image); /* NULL is fine */
uint64_t glz_image_id(const GlzImage *image);
/* Size, the stream's own format and row order. */
const CodecInfo *glz_image_info(const GlzImage *image);
/* The pixels in coded order, rows of width * 4 bytes without padding (16-byte aligned): x8r8g8b8
 * with x = 0, also from RGB16; a8r8g8b8 from RGBA. The first row is the top one if info->top_down,
 * else the bottom one. */
const uint32_t *glz_image_pixels(const GlzImage *image);

/* The images that later ones may refer to: one window for each session, shared by its display
 * channels.
 *
 * Threads: any number of threads may call glz_decode() and the queries on one window at the same
 * time when lock and unlock are given. They are called around short sections, never while decoding
 * and never nested; a plain mutex will do. Without them (NULL) the caller lets one thread at a time
 * in. Nothing here ever waits for an image.
 *
 * Memory: of images that no later image may use any more (rule C3) only those stay that somebody
 * holds a reference to, each with some neighbours: at most max_bytes of these in all. The window
 * keeps at most max_bytes of pixels behind the lowest missing image (rule G4: a stream that needs
 * more is refused), and at most as much again of images that came before a missing one; then later
 * images have to wait for that one as if they referred to it, which cannot deadlock as it depends
 * on none of them. */
typedef struct GlzWindow GlzWindow;

typedef struct GlzLock {
    void (*lock)(void *ctx);
    void (*unlock)(void *ctx);
    void *ctx;
} GlzLock;

/* max_bytes: 4 times the pixels announced in DISPLAY_INIT. lock is copied. NULL when there is no
 * memory. */
GlzWindow *glz_window_new(size_t max_bytes, const GlzLock *lock);
/* No thread may be inside any more. */
void glz_window_free(GlzWindow *window);
/* Forget everything and start again at id 0: on a new connection and on non-seamless migration
 * (rule C5). A decode that is under way in another thread ends with CODEC_BAD_DATA. */
void glz_window_reset(GlzWindow *window);
/* Is this image there? */
bool glz_window_has(GlzWindow *window, uint64_t id);
/* Need a waiter for this image wait no longer: it is there, or it was dropped and will not come
 * back. */
bool glz_window_passed(GlzWindow *window, uint64_t id);
/* A new reference to an image in the window, or NULL. */
GlzImage *glz_window_get(GlzWindow *window, uint64_t id);

typedef struct GlzWindowState {
    uint64_t gap;       /* the lowest id that has not come yet */
    uint64_t lowest;    /* the lowest id in the window; with highest only if n_images > 0 */
    uint64_t highest;   /* the highest */
    size_t n_images;    /* images in the window */
    size_t pixel_bytes; /* bytes of their pixels */
} GlzWindowState;

void glz_window_state(GlzWindow *window, GlzWindowState *state);

/* Decode an image and put it in the window. Must be called for each GLZ image in the order in which
 * its channel brings them, whatever becomes of the drawing (rule C1).
 *
 * CODEC_OK: *image is a new reference for the caller.
 * CODEC_MISSING: *missing is the id of an image that has to come first, on another channel. Nothing
 * has changed; call again once glz_window_passed(*missing). Other channels must go on meanwhile.
 * All else: the stream is broken; a later image that refers to it would wait forever, so close the
 * channel. image and missing may be NULL. */
CodecResult glz_decode(GlzWindow *window, const uint8_t *data, size_t size, GlzImage **image,
                       uint64_t *missing);

/* ---- Encoder ---- */

/* The server's half: the images of one client's dictionary that may still be referred to.
 *
 * Images are copied into memory of the dictionary's own (4 bytes per pixel, 2 for RGB16, 5 for
 * RGBA), so the caller may release its pixels as soon as glz_encode() returns. The oldest images
 * leave when the window would hold more pixels than announced. No locks inside: one thread at a
 * time; the caller's lock is the one that also orders the messages (lz.md 4.5). */
typedef struct GlzDictionary GlzDictionary;

/* window_pixels: as announced by the client, clamped here to GLZ_MAX_WINDOW; 0 or a negative value
 * lets no image in. next_id: 0 for a fresh dictionary, the continued count after seamless
 * migration. NULL when there is no memory. */
GlzDictionary *glz_dictionary_new(int64_t window_pixels, uint64_t next_id);
void glz_dictionary_free(GlzDictionary *dictionary);
/* The id that the next image will get (for the migration data). */
uint64_t glz_dictionary_next_id(const GlzDictionary *dictionary);
/* The window in pixels. */
uint32_t glz_dictionary_window(const GlzDictionary *dictionary);
/* Pixels of the images that are in it now. */
uint32_t glz_dictionary_pixels(const GlzDictionary *dictionary);
/* Can an image of this size be encoded with the dictionary at all (rule: fewer pixels than the
 * window)? */
bool glz_dictionary_accepts(const GlzDictionary *dictionary, CodecFormat format, uint32_t width,
                            uint32_t height);

/* Encode an image and enter it. format is RGB16, RGB24, RGB32 or RGBA. Rows as for lz_encode().
 *
 * An image that was encoded has an id and MUST be sent, once, in the order of the ids of its
 * channel (rule G1). CODEC_NO_SPACE: more than capacity bytes needed; the dictionary is as before
 * and the id is still free: send the image in another form. With lz_encode_bound() + 5 bytes this
 * never happens. CODEC_TOO_LARGE: not accepted. *id may be NULL. */
CodecResult glz_encode(GlzDictionary *dictionary, CodecFormat format, bool top_down, uint32_t width,
                       uint32_t height, const uint8_t *pixels, ptrdiff_t stride, uint8_t *out,
                       size_t capacity, size_t *size, uint64_t *id);

#endif
