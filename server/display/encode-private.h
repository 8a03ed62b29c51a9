/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of the image coder: choice (encode-choose.c), coders (encode-coders.c), pool and jobs
 * (encode.c). */
#ifndef SERVER_DISPLAY_ENCODE_PRIVATE_H
#define SERVER_DISPLAY_ENCODE_PRIVATE_H

#include <glib.h>
#include <spice/enums.h>

#include "codec/jpeg.h"
#include "codec/lz.h"
#include "display/encode.h"
#include "display/glz-shared.h"

typedef enum Coder {
    CODER_RAW,
    CODER_LZ,
    CODER_GLZ,
    CODER_LZ4,
    CODER_QUIC,
    CODER_JPEG,
} Coder;

/* What a thread keeps for its coding. */
typedef struct CoderState {
    LzEncoder *lz; /* NULL: none could be made; a temporary one is */
    uint8_t *buffer;
    size_t size;
} CoderState;

/* Of the calling thread; freed when it ends. NULL: no memory. */
CoderState *coder_state(void);
/* At least that many bytes; what is in them is lost with the next call. NULL: no memory. */
uint8_t *coder_buffer(CoderState *state, size_t size);
/* After a large image: give the memory back. */
void coder_state_trim(CoderState *state);

typedef enum JobState { JOB_WAITING, JOB_RUNNING, JOB_DONE } JobState;

struct EncodeJob {
    EncodePool *pool;
    EncodePolicy policy;
    EncodeSource source; /* holds a reference to pixels */
    Coder coder;         /* chosen; afterwards what came out of it */
    GlzShared *glz;      /* a reference; while it may become a GLZ image */

    /* The result. */
    WireImage image;
    WirePalette palette; /* entries: of this structure's allocation, or of few_colors */
    uint32_t few_colors[16];
    Blob *blob; /* NULL: there was no memory */
    bool lossy;

    /* Guarded by the pool's lock. */
    int refs;
    JobState state;
    bool freed; /* by its owner */

    EncodeJob *next; /* in the dictionary's queue */
    Loop *loop;
    LoopFunc done;
    void *data;
};

/* Bits of a pixel and packed bytes of a row of a bitmap format; 0: unknown format. */
unsigned bitmap_bits(uint8_t format);
size_t bitmap_row_size(uint8_t format, uint32_t width);

/* Would the choice among coders of text and graphics be free? Then few colours are looked for
 * first. */
bool encode_may_palettize(const EncodePolicy *policy);

/* By preference and content. Doesn't touch the dictionary. */
Coder encode_choose(const EncodePolicy *policy, const EncodeSource *source);

/* If the image has at most 16 colours: the job's source is a palette image from now on. */
bool encode_use_few_colors(EncodeJob *job);

/* Code with the job's coder, or what is next best, at last raw. Fills the result. */
void encode_run(EncodeJob *job, CoderState *state);

#endif
