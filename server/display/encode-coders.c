/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From pixels to the image of a message, by each of the coders.  docs/spec/server-display.md 12.3,
 * 12.6 */
#include <pthread.h>
#include <string.h>

#include "encode-private.h"
#include "codec/lz4.h"
#include "codec/quic.h"
#include "codec/zlib-glz.h"

#define JPEG_QUALITY 85
#define ZLIB_LEVEL 3
#define ZLIB_MIN_BYTES 100

/* Packed palette images up to this size are coded without the tables of the match search, which
 * would have to come into the processor's cache for each of them. */
#define SMALL_PACKED 4096

/* What a thread may keep between images. */
#define KEPT_BUFFER ((size_t)2 << 20)

/* ---- Memory of a thread ---- */

static pthread_key_t state_key;
static pthread_once_t state_once = PTHREAD_ONCE_INIT;

static void state_free(void *data)
{
    CoderState *state = data;

    lz_encoder_free(state->lz);
    g_free(state->buffer);
    g_free(state);
}

static void make_key(void)
{
    pthread_key_create(&state_key, state_free);
}

CoderState *coder_state(void)
{
    pthread_once(&state_once, make_key);

    CoderState *state = pthread_getspecific(state_key);

    if (!state && (state = g_try_new0(CoderState, 1))) {
        state->lz = lz_encoder_new();
        pthread_setspecific(state_key, state);
    }
    return state;
}

uint8_t *coder_buffer(CoderState *state, size_t size)
{
    if (state->size < size) {
        g_free(state->buffer);
        state->buffer = g_try_malloc(size);
        state->size = state->buffer ? size : 0;
    }
    return state->buffer;
}

void coder_state_trim(CoderState *state)
{
    if (state->size <= KEPT_BUFFER)
        return;
    g_clear_pointer(&state->buffer, g_free);
    state->size = 0;
}

/* ---- The source ---- */

static CodecFormat codec_format(uint8_t format)
{
    static const CodecFormat formats[] = {
        [SPICE_BITMAP_FMT_1BIT_LE] = CODEC_FORMAT_PLT1_LE,
        [SPICE_BITMAP_FMT_1BIT_BE] = CODEC_FORMAT_PLT1_BE,
        [SPICE_BITMAP_FMT_4BIT_LE] = CODEC_FORMAT_PLT4_LE,
        [SPICE_BITMAP_FMT_4BIT_BE] = CODEC_FORMAT_PLT4_BE,
        [SPICE_BITMAP_FMT_8BIT] = CODEC_FORMAT_PLT8,
        [SPICE_BITMAP_FMT_16BIT] = CODEC_FORMAT_RGB16,
        [SPICE_BITMAP_FMT_24BIT] = CODEC_FORMAT_RGB24,
        [SPICE_BITMAP_FMT_32BIT] = CODEC_FORMAT_RGB32,
        [SPICE_BITMAP_FMT_RGBA] = CODEC_FORMAT_RGBA,
        [SPICE_BITMAP_FMT_8BIT_A] = CODEC_FORMAT_A8,
    };

    return format < G_N_ELEMENTS(formats) ? formats[format] : CODEC_FORMAT_NONE;
}

static bool is_palette_format(uint8_t format)
{
    return format <= SPICE_BITMAP_FMT_8BIT;
}

typedef struct Rows {
    CodecFormat format;
    const uint8_t *first; /* as stored */
    ptrdiff_t stride;
    const uint8_t *top; /* top to bottom */
    ptrdiff_t down;
    size_t packed, raw; /* bytes of a row, of all */
} Rows;

static Rows rows_of(const EncodeSource *source)
{
    Rows rows = {
        .format = codec_format(source->format),
        .first = source->pixels->data + source->offset,
        .stride = source->stride,
        .packed = bitmap_row_size(source->format, source->width),
    };

    rows.raw = rows.packed * source->height;
    rows.top = source->top_down ? rows.first : rows.first + (source->height - 1) * rows.stride;
    rows.down = source->top_down ? rows.stride : -rows.stride;
    return rows;
}

/* ---- Results ---- */

static bool keep_bytes(EncodeJob *job, uint8_t type, const uint8_t *data, size_t size)
{
    job->blob = blob_new(size);
    if (!job->blob)
        return false;
    memcpy(job->blob->data, data, size);
    job->image.type = type;
    job->image.u.compressed = (WireBytes){job->blob->data, size};
    return true;
}

static bool run_quic(EncodeJob *job, CoderState *state, const Rows *rows)
{
    size_t size;
    uint8_t *out = coder_buffer(state, rows->raw);

    return out &&
           quic_encode(rows->format, job->source.width, job->source.height, rows->top, rows->down,
                       out, rows->raw, &size) == CODEC_OK &&
           keep_bytes(job, SPICE_IMAGE_TYPE_QUIC, out, size);
}

static bool run_lz(EncodeJob *job, CoderState *state, const Rows *rows)
{
    const EncodeSource *source = &job->source;
    size_t size;
    uint8_t *out;

    if (is_palette_format(source->format) && job->palette.n_entries == 0)
        return false;
    out = coder_buffer(state, rows->raw);
    if (!out)
        return false;
    if (is_palette_format(source->format) && rows->raw <= SMALL_PACKED &&
        rows->stride == (ptrdiff_t)rows->packed) {
        if (lz_encode_rows(rows->format, source->top_down, source->width, source->height,
                           rows->first, out, rows->raw, &size) != CODEC_OK)
            return false;
    } else if (lz_encode(state->lz, rows->format, source->top_down, source->width, source->height,
                         rows->first, rows->stride, out, rows->raw, &size) != CODEC_OK)
        return false;
    if (!is_palette_format(source->format))
        return keep_bytes(job, SPICE_IMAGE_TYPE_LZ_RGB, out, size);
    if (!keep_bytes(job, SPICE_IMAGE_TYPE_LZ_PLT, out, size))
        return false;
    job->image.u.lz_palette = (WireLzPalette){
        .flags = source->top_down ? SPICE_BITMAP_FLAGS_TOP_DOWN : 0,
        .palette = &job->palette,
        .data = {job->blob->data, size},
    };
    return true;
}

static bool run_lz4(EncodeJob *job, CoderState *state, const Rows *rows)
{
    size_t size;
    uint8_t *out = coder_buffer(state, rows->raw);

    return out &&
           lz4_image_encode(rows->format, job->source.top_down, job->source.width,
                            job->source.height, rows->first, rows->stride, 0, out, rows->raw,
                            &size) == CODEC_OK &&
           keep_bytes(job, SPICE_IMAGE_TYPE_LZ4, out, size);
}

static bool run_jpeg(EncodeJob *job, CoderState *state, const Rows *rows)
{
    static const JpegOptions options = {JPEG_QUALITY, JPEG_SUBSAMPLING_420, false};
    const EncodeSource *source = &job->source;
    size_t size, jpeg_size;
    uint8_t *out = coder_buffer(state, rows->raw);

    if (!out)
        return false;
    if (source->format == SPICE_BITMAP_FMT_RGBA) {
        if (jpeg_alpha_encode(state->lz, true, source->width, source->height, rows->top, rows->down,
                              &options, out, rows->raw, &jpeg_size, &size) != CODEC_OK ||
            !keep_bytes(job, SPICE_IMAGE_TYPE_JPEG_ALPHA, out, size))
            return false;
        job->image.u.jpeg_alpha = (WireJpegAlpha){
            .flags = SPICE_JPEG_ALPHA_FLAGS_TOP_DOWN,
            .jpeg_size = jpeg_size,
            .data = {job->blob->data, size},
        };
    } else if (jpeg_image_encode(rows->format, source->width, source->height, rows->top, rows->down,
                                 &options, out, rows->raw, &size) != CODEC_OK ||
               !keep_bytes(job, SPICE_IMAGE_TYPE_JPEG, out, size)) {
        return false;
    }
    job->lossy = true;
    return true;
}

/* The dictionary is this thread's. */
static bool run_glz(EncodeJob *job, CoderState *state, const Rows *rows)
{
    const EncodeSource *source = &job->source;
    GlzDictionary *dictionary = job->glz->dictionary;
    size_t size, zlib_size;
    uint8_t *out;

    if (!glz_dictionary_accepts(dictionary, rows->format, source->width, source->height))
        return false;

    /* The result's memory comes first: an image that has its number must be sent. */
    Blob *blob = blob_new(rows->raw);

    if (!blob)
        return false;
    if (glz_encode(dictionary, rows->format, source->top_down, source->width, source->height,
                   rows->first, rows->stride, blob->data, rows->raw, &size, NULL) != CODEC_OK) {
        blob_unref(blob);
        return false;
    }
    job->image.type = SPICE_IMAGE_TYPE_GLZ_RGB;
    if (job->policy.zlib_glz && size >= ZLIB_MIN_BYTES && (out = coder_buffer(state, size)) &&
        zlib_glz_encode(blob->data, size, ZLIB_LEVEL, out, size - 1, &zlib_size) == CODEC_OK) {
        memcpy(blob->data, out, zlib_size);
        job->image.type = SPICE_IMAGE_TYPE_ZLIB_GLZ_RGB;
        job->image.u.zlib_glz = (WireZlibGlz){size, {blob->data, zlib_size}};
        size = zlib_size;
    } else {
        job->image.u.compressed = (WireBytes){blob->data, size};
    }
    /* It was made for the raw size. */
    uint8_t *less = g_try_realloc(blob->data, size);

    if (less) {
        blob->data = less;
        blob->size = size;
        if (job->image.type == SPICE_IMAGE_TYPE_GLZ_RGB)
            job->image.u.compressed.data = less;
        else
            job->image.u.zlib_glz.data.data = less;
    }
    job->blob = blob;
    return true;
}

static bool run_raw(EncodeJob *job, const Rows *rows)
{
    const EncodeSource *source = &job->source;
    const uint8_t *data = rows->first;

    if (rows->stride == (ptrdiff_t)rows->packed) {
        job->blob = blob_ref(source->pixels);
    } else {
        job->blob = blob_new(rows->raw);
        if (!job->blob)
            return false;
        for (uint32_t y = 0; y < source->height; y++)
            memcpy(job->blob->data + y * rows->packed, rows->first + y * rows->stride,
                   rows->packed);
        data = job->blob->data;
    }
    job->image.type = SPICE_IMAGE_TYPE_BITMAP;
    job->image.u.bitmap = (WireBitmap){
        .format = source->format,
        .flags = source->top_down ? SPICE_BITMAP_FLAGS_TOP_DOWN : 0,
        .x = source->width,
        .y = source->height,
        .stride = rows->packed,
        .palette =
            is_palette_format(source->format) && job->palette.n_entries ? &job->palette : NULL,
        .data = {data, rows->raw},
    };
    return true;
}

void encode_run(EncodeJob *job, CoderState *state)
{
    const EncodeSource *source = &job->source;
    Rows rows = rows_of(source);
    bool done = false;

    job->image = (WireImage){
        .id = source->id,
        .flags = source->flags,
        .width = source->width,
        .height = source->height,
    };
    if (state && job->coder == CODER_JPEG && !(done = run_jpeg(job, state, &rows)))
        job->coder = CODER_QUIC;
    if (state && job->coder == CODER_GLZ && !(done = run_glz(job, state, &rows)))
        job->coder = CODER_LZ;
    if (!done && state) {
        if (job->coder == CODER_QUIC)
            done = run_quic(job, state, &rows);
        else if (job->coder == CODER_LZ)
            done = run_lz(job, state, &rows);
        else if (job->coder == CODER_LZ4)
            done = run_lz4(job, state, &rows);
    }
    if (!done) {
        job->coder = CODER_RAW;
        run_raw(job, &rows);
    }
    if (state)
        coder_state_trim(state);
}
