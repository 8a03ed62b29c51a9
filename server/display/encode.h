/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images on their way to a client: the choice of a coder by content, link and preference; coding on
 * a pool of threads beside the worker; results in order. GLZ is the only coder whose images depend
 * on each other.  docs/spec/server-display.md 12, 14 */
#ifndef SERVER_DISPLAY_ENCODE_H
#define SERVER_DISPLAY_ENCODE_H

#include "canvas/image.h"
#include "channel/out-body.h"
#include "display/caches.h"
#include "loop.h"
#include "wire/wire.h"

typedef struct EncodePool EncodePool; /* one for each server; any thread */
EncodePool *encode_pool_new(void);
void encode_pool_free(EncodePool *pool); /* all jobs are done or cancelled */

/* What one client wants and can take; a view keeps it up to date. */
typedef struct EncodePolicy {
    SpiceImageCompression compression; /* the client's preference, or the server's setting */
    bool lz4;                          /* the client has the capability */
    bool jpeg; /* lossy coding is allowed on this link (ALWAYS, or AUTO on a slow one) */
    bool zlib_glz;
    bool local;     /* a Unix socket: raw is cheapest */
    GlzShared *glz; /* NULL: the client has no window */
} EncodePolicy;

/* An image to be coded: pixels of its own (nobody changes them any more). */
typedef struct EncodeSource {
    uint64_t id;    /* of the image's descriptor */
    uint8_t flags;  /* SPICE_IMAGE_FLAGS_HIGH_BITS_SET or 0 */
    uint8_t format; /* SPICE_BITMAP_FMT_* */
    bool top_down;
    uint32_t width, height, stride;
    Blob *pixels;               /* a reference is taken */
    size_t offset;              /* of the first row in pixels */
    const WirePalette *palette; /* copied; palette formats */
    bool lossy_allowed;         /* by its use (12.3) */
    bool few_colors_allowed;    /* may become a palette image: only for 32-bit xRGB surfaces */
    bool glz_allowed;           /* false for whole surfaces, and when the order can't be kept */
} EncodeSource;

typedef struct EncodeJob EncodeJob;

/* Choose and code. NULL: the source's rows lie outside its pixels, or no memory. Small images are
 * coded in the call: done() isn't called then, and encode_job_is_done() is true at once. Else
 * done(data) is posted to the loop. With GLZ the order of submission is the order of ids: messages
 * of one channel must be queued in it. */
EncodeJob *encode_submit(EncodePool *pool, const EncodePolicy *policy, const EncodeSource *source,
                         Loop *loop, LoopFunc done, void *data);
bool encode_job_is_done(const EncodeJob *job);
/* The coded image for a message: valid while the job is. Its cache flags are not set. The blob is
 * what its bytes lie in. Waits if it isn't done. NULL: there was no
 * memory. */
const WireImage *encode_job_image(EncodeJob *job);
Blob *encode_job_blob(EncodeJob *job);
bool encode_job_is_lossy(const EncodeJob *job);
/* A job whose image has a GLZ id must be sent (G1): until it is, only the whole connection may be
 * dropped. */
bool encode_job_must_be_sent(const EncodeJob *job);
/* Not wanted any more, or used. A running one is finished and thrown away. */
void encode_job_free(EncodeJob *job);

/* Is every pixel the same? *color: as in memory, without the fourth byte of 32-bit pixels. */
bool encode_is_flat(const EncodeSource *source, uint32_t *color);
/* What the content looks like, by 12.4. */
typedef enum EncodeContent { ENCODE_FLAT, ENCODE_TEXT, ENCODE_SMOOTH, ENCODE_OTHER } EncodeContent;
EncodeContent encode_classify(const EncodeSource *source, uint32_t *flat_color);

#endif
