/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JPEG, JPEG_ALPHA and MJPEG frames (docs/spec/lz.md sections 8 to 10) on the scanline interface of
 * libjpeg-turbo. */
#include "codec/jpeg.h"
#include "codec/lz-private.h"

#include <setjmp.h>
#include <stdlib.h>
#include <stdio.h>
#include <jpeglib.h>
#include <jerror.h>

/* Rows handed to the library at once. */
#define ROWS 16

/* A block of 8x8 pixels costs at least one bit, so a payload of n bytes never describes more pixels
 * than this times n. */
#define MAX_PIXELS_PER_BYTE 512

/* Progressive pictures: every scan may touch every pixel, however few bytes it has. */
#define MIN_SCANS 32
#define MAX_SCAN_PIXELS (UINT64_C(1) << 31)

/* The library's error manager with a way back. */
typedef struct Errors {
    struct jpeg_error_mgr base; /* first: the library hands this one around */
    jmp_buf back;
    CodecResult result; /* why we came back */
} Errors;

typedef struct Decoder {
    struct jpeg_decompress_struct jpeg; /* first: callbacks get its address */
    Errors errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    bool dry; /* the library asked for more than there is */
    unsigned max_scans;
    uint64_t pixels;
} Decoder;

typedef struct Encoder {
    struct jpeg_compress_struct jpeg;
    Errors errors;
    struct jpeg_destination_mgr destination;
} Encoder;

static _Noreturn void leave(j_common_ptr jpeg, CodecResult result)
{
    Errors *errors = (Errors *)jpeg->err;

    errors->result = result;
    longjmp(errors->back, 1);
}

static void on_error(j_common_ptr jpeg)
{
    leave(jpeg, jpeg->err->msg_code == JERR_OUT_OF_MEMORY ? CODEC_NO_MEMORY : CODEC_BAD_DATA);
}

/* Warnings: what damages the picture ends it, oddities that other decoders tolerate are tolerated.
 */
static void on_message(j_common_ptr jpeg, int level)
{
    if (level >= 0)
        return;
    switch (jpeg->err->msg_code) {
    case JWRN_HIT_MARKER: /* the coded data of a scan ends too early */
        leave(jpeg, CODEC_TRUNCATED);
    case JWRN_HUFF_BAD_CODE:
        leave(jpeg, CODEC_BAD_DATA);
    default:
        break;
    }
}

static void on_output(j_common_ptr jpeg)
{
    (void)jpeg;
}

static void errors_init(Errors *errors, j_common_ptr jpeg)
{
    jpeg->err = jpeg_std_error(&errors->base);
    errors->base.error_exit = on_error;
    errors->base.emit_message = on_message;
    errors->base.output_message = on_output;
}

static void source_init(j_decompress_ptr jpeg)
{
    (void)jpeg;
}

/* All input was there from the start. Huffman decoding looks ahead, so asking for more isn't yet an
 * error: an end marker is made up, and real loss shows as JWRN_HIT_MARKER. */
static boolean source_fill(j_decompress_ptr jpeg)
{
    static const JOCTET end[] = {0xff, JPEG_EOI};
    Decoder *decoder = (Decoder *)jpeg;

    decoder->dry = true;
    jpeg->src->next_input_byte = end;
    jpeg->src->bytes_in_buffer = sizeof end;
    return TRUE;
}

static void source_skip(j_decompress_ptr jpeg, long n)
{
    if (n <= 0)
        return;
    if ((size_t)n > jpeg->src->bytes_in_buffer) {
        source_fill(jpeg);
    } else {
        jpeg->src->next_input_byte += n;
        jpeg->src->bytes_in_buffer -= n;
    }
}

static void on_progress(j_common_ptr jpeg)
{
    Decoder *decoder = (Decoder *)jpeg;

    if (decoder->jpeg.input_scan_number > (int)decoder->max_scans)
        leave(jpeg, CODEC_BAD_DATA);
}

/* False when there is no memory. */
static bool decoder_init(Decoder *decoder)
{
    memset(decoder, 0, sizeof *decoder);
    errors_init(&decoder->errors, (j_common_ptr)&decoder->jpeg);
    if (setjmp(decoder->errors.back)) {
        jpeg_destroy_decompress(&decoder->jpeg);
        return false;
    }
    jpeg_create_decompress(&decoder->jpeg);
    decoder->source.init_source = source_init;
    decoder->source.fill_input_buffer = source_fill;
    decoder->source.skip_input_data = source_skip;
    decoder->source.resync_to_restart = jpeg_resync_to_restart;
    decoder->source.term_source = source_init;
    decoder->jpeg.src = &decoder->source;
    decoder->progress.progress_monitor = on_progress;
    decoder->jpeg.progress = &decoder->progress;
    return true;
}

static CodecResult decoder_begin(Decoder *decoder, const uint8_t *data, size_t size,
                                 CodecInfo *info)
{
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;

    decoder->dry = false;
    if (setjmp(decoder->errors.back)) {
        jpeg_abort_decompress(jpeg);
        if (decoder->dry)
            return CODEC_TRUNCATED;
        return decoder->errors.result == CODEC_NO_MEMORY ? CODEC_NO_MEMORY : CODEC_BAD_HEADER;
    }
    jpeg_abort_decompress(jpeg);
    decoder->source.next_input_byte = data;
    decoder->source.bytes_in_buffer = size;
    decoder->max_scans = MIN_SCANS;
    if (size == 0)
        return CODEC_TRUNCATED;
    if (jpeg_read_header(jpeg, TRUE) != JPEG_HEADER_OK)
        leave((j_common_ptr)jpeg, CODEC_BAD_HEADER);
    if ((jpeg->num_components != 1 && jpeg->num_components != 3) || jpeg->data_precision != 8 ||
        jpeg->arith_code)
        leave((j_common_ptr)jpeg, CODEC_BAD_HEADER);

    decoder->pixels = (uint64_t)jpeg->image_width * jpeg->image_height;
    if (jpeg->image_width > JPEG_IMAGE_MAX_SIDE || jpeg->image_height > JPEG_IMAGE_MAX_SIDE ||
        decoder->pixels > JPEG_IMAGE_MAX_PIXELS) {
        jpeg_abort_decompress(jpeg);
        return CODEC_TOO_LARGE;
    }
    if (decoder->pixels > (uint64_t)MAX_PIXELS_PER_BYTE * size) {
        jpeg_abort_decompress(jpeg);
        return CODEC_TRUNCATED;
    }
    if (MAX_SCAN_PIXELS / decoder->pixels > MIN_SCANS)
        decoder->max_scans =
            MAX_SCAN_PIXELS / decoder->pixels < 1000 ? MAX_SCAN_PIXELS / decoder->pixels : 1000;

    info->width = jpeg->image_width;
    info->height = jpeg->image_height;
    info->format = CODEC_FORMAT_RGB32;
    info->top_down = true;
    info->header_size = size - decoder->source.bytes_in_buffer;
    return CODEC_OK;
}

/* After a successful decoder_begin(). */
static CodecResult decoder_run(Decoder *decoder, bool fast, CodecFormat to, uint8_t *pixels,
                               ptrdiff_t stride)
{
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;

    if (setjmp(decoder->errors.back)) {
        jpeg_abort_decompress(jpeg);
        return decoder->errors.result;
    }
    if (to != CODEC_FORMAT_RGB32 && to != CODEC_FORMAT_RGBA)
        leave((j_common_ptr)jpeg, CODEC_BAD_DATA);
    jpeg->out_color_space = to == CODEC_FORMAT_RGBA ? JCS_EXT_BGRA : JCS_EXT_BGRX;
    jpeg->dct_method = fast ? JDCT_IFAST : JDCT_ISLOW;
    jpeg->do_fancy_upsampling = !fast;
    jpeg_start_decompress(jpeg);
    /* Of a picture in several scans all are read by now; if the last ones are missing, what is
     * there is only blurred. */
    if (decoder->dry && jpeg_has_multiple_scans(jpeg))
        leave((j_common_ptr)jpeg, CODEC_TRUNCATED);

    uint32_t width = jpeg->output_width;
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW rows[ROWS];
        JDIMENSION first = jpeg->output_scanline, n = jpeg->output_height - first;

        if (n > ROWS)
            n = ROWS;
        for (JDIMENSION i = 0; i < n; i++)
            rows[i] = pixels + (ptrdiff_t)(first + i) * stride;
        n = jpeg_read_scanlines(jpeg, rows, n);
        /* The library leaves X at will. While the row is in the cache: */
        for (JDIMENSION i = 0; to == CODEC_FORMAT_RGB32 && i < n; i++) {
            uint32_t *row = (uint32_t *)rows[i];

            for (uint32_t x = 0; x < width; x++)
                row[x] &= 0xffffff;
        }
    }
    /* What may follow the last row (an end marker) is of no interest. */
    jpeg_abort_decompress(jpeg);
    return CODEC_OK;
}

CodecResult jpeg_image_read_header(const uint8_t *data, size_t size, CodecInfo *info)
{
    Decoder decoder;

    if (!decoder_init(&decoder))
        return CODEC_NO_MEMORY;
    CodecResult result = decoder_begin(&decoder, data, size, info);
    jpeg_destroy_decompress(&decoder.jpeg);
    return result;
}

CodecResult jpeg_image_decode(const uint8_t *data, size_t size, CodecFormat to, uint8_t *pixels,
                              ptrdiff_t stride)
{
    Decoder decoder;
    CodecInfo info;

    if (!decoder_init(&decoder))
        return CODEC_NO_MEMORY;
    CodecResult result = decoder_begin(&decoder, data, size, &info);
    if (result == CODEC_OK)
        result = decoder_run(&decoder, false, to, pixels, stride);
    jpeg_destroy_decompress(&decoder.jpeg);
    return result;
}

static void destination_init(j_compress_ptr jpeg)
{
    (void)jpeg;
}

static boolean destination_full(j_compress_ptr jpeg)
{
    leave((j_common_ptr)jpeg, CODEC_NO_SPACE);
}

/* The rows as the library takes them: RGB16 is expanded to 32 bits. */
static void feed_rows(struct jpeg_compress_struct *jpeg, CodecFormat format, const uint8_t *pixels,
                      ptrdiff_t stride)
{
    JSAMPARRAY expanded = NULL; /* lives in the library's pool, so that an error frees it */

    if (format == CODEC_FORMAT_RGB16)
        expanded =
            jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE, jpeg->image_width * 4, ROWS);
    while (jpeg->next_scanline < jpeg->image_height) {
        JSAMPROW rows[ROWS];
        JDIMENSION first = jpeg->next_scanline, n = jpeg->image_height - first;

        if (n > ROWS)
            n = ROWS;
        for (JDIMENSION i = 0; i < n; i++) {
            const uint8_t *row = pixels + (ptrdiff_t)(first + i) * stride;

            if (format == CODEC_FORMAT_RGB16) {
                uint32_t *out = (uint32_t *)expanded[i];
                const uint16_t *in = (const uint16_t *)row;

                for (JDIMENSION x = 0; x < jpeg->image_width; x++)
                    out[x] = lz_expand_555(in[x]);
                row = (const uint8_t *)out;
            }
            rows[i] = (JSAMPROW)row;
        }
        jpeg_write_scanlines(jpeg, rows, n);
    }
}

CodecResult jpeg_image_encode(CodecFormat format, uint32_t width, uint32_t height,
                              const uint8_t *pixels, ptrdiff_t stride, const JpegOptions *options,
                              uint8_t *out, size_t capacity, size_t *size)
{
    Encoder encoder;
    struct jpeg_compress_struct *jpeg = &encoder.jpeg;

    if (format != CODEC_FORMAT_RGB16 && format != CODEC_FORMAT_RGB24 &&
        format != CODEC_FORMAT_RGB32 && format != CODEC_FORMAT_RGBA)
        return CODEC_BAD_DATA;
    if (options->quality < 1 || options->quality > 100)
        return CODEC_BAD_DATA;
    if (!width || !height)
        return CODEC_BAD_HEADER;
    if (width > JPEG_IMAGE_MAX_SIDE || height > JPEG_IMAGE_MAX_SIDE)
        return CODEC_TOO_LARGE;

    memset(&encoder, 0, sizeof encoder);
    errors_init(&encoder.errors, (j_common_ptr)jpeg);
    if (setjmp(encoder.errors.back)) {
        jpeg_destroy_compress(jpeg);
        return encoder.errors.result;
    }
    jpeg_create_compress(jpeg);
    encoder.destination.init_destination = destination_init;
    encoder.destination.empty_output_buffer = destination_full;
    encoder.destination.term_destination = destination_init;
    encoder.destination.next_output_byte = out;
    encoder.destination.free_in_buffer = capacity;
    jpeg->dest = &encoder.destination;
    if (capacity == 0)
        leave((j_common_ptr)jpeg, CODEC_NO_SPACE);

    jpeg->image_width = width;
    jpeg->image_height = height;
    jpeg->input_components = format == CODEC_FORMAT_RGB24 ? 3 : 4;
    jpeg->in_color_space = format == CODEC_FORMAT_RGB24 ? JCS_EXT_BGR : JCS_EXT_BGRX;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, options->quality, TRUE);
    jpeg->comp_info[0].h_samp_factor = options->subsampling == JPEG_SUBSAMPLING_444 ? 1 : 2;
    jpeg->comp_info[0].v_samp_factor = options->subsampling == JPEG_SUBSAMPLING_420 ? 2 : 1;
    jpeg->optimize_coding = options->optimize;
    jpeg_start_compress(jpeg, TRUE);
    feed_rows(jpeg, format, pixels, stride);
    jpeg_finish_compress(jpeg);
    *size = capacity - encoder.destination.free_in_buffer;
    jpeg_destroy_compress(jpeg);
    return CODEC_OK;
}

CodecResult jpeg_alpha_read_header(const uint8_t *data, size_t size, uint32_t jpeg_size,
                                   bool flag_top_down, CodecInfo *info)
{
    CodecInfo alpha;

    if (jpeg_size > size || size - jpeg_size < LZ_HEADER_SIZE)
        return CODEC_TRUNCATED;
    CodecResult result = lz_read_alpha_header(data + jpeg_size, size - jpeg_size, &alpha);
    if (result == CODEC_OK)
        result = jpeg_image_read_header(data, jpeg_size, info);
    if (result != CODEC_OK)
        return result;
    if (alpha.width != info->width || alpha.height != info->height ||
        alpha.top_down != flag_top_down)
        return CODEC_BAD_HEADER;
    info->format = CODEC_FORMAT_RGBA;
    return CODEC_OK;
}

CodecResult jpeg_alpha_decode(const uint8_t *data, size_t size, uint32_t jpeg_size,
                              bool flag_top_down, uint8_t *pixels, ptrdiff_t stride)
{
    CodecInfo info;
    CodecResult result = jpeg_alpha_read_header(data, size, jpeg_size, flag_top_down, &info);

    if (result == CODEC_OK)
        result = jpeg_image_decode(data, jpeg_size, CODEC_FORMAT_RGBA, pixels, stride);
    if (result != CODEC_OK)
        return result;
    /* Colour is upright, alpha comes in the order of the source. */
    if (!flag_top_down) {
        pixels += (ptrdiff_t)(info.height - 1) * stride;
        stride = -stride;
    }
    return lz_decode_alpha(data + jpeg_size, size - jpeg_size, CODEC_FORMAT_RGBA, pixels, stride);
}

CodecResult jpeg_alpha_encode(LzEncoder *encoder, bool top_down, uint32_t width, uint32_t height,
                              const uint8_t *pixels, ptrdiff_t stride, const JpegOptions *options,
                              uint8_t *out, size_t capacity, size_t *jpeg_size, size_t *size)
{
    size_t colour, alpha;
    CodecResult result = jpeg_image_encode(CODEC_FORMAT_RGBA, width, height, pixels, stride,
                                           options, out, capacity, &colour);

    if (result != CODEC_OK)
        return result;
    if (!top_down) {
        pixels += (ptrdiff_t)(height - 1) * stride;
        stride = -stride;
    }
    result = lz_encode_alpha(encoder, top_down, width, height, pixels, stride, out + colour,
                             capacity - colour, &alpha);
    if (result == CODEC_OK) {
        *jpeg_size = colour;
        *size = colour + alpha;
    }
    return result;
}

struct JpegStream {
    Decoder decoder;
    bool begun;
};

JpegStream *jpeg_stream_new(void)
{
    JpegStream *stream = malloc(sizeof *stream);

    if (stream && !decoder_init(&stream->decoder)) {
        free(stream);
        return NULL;
    }
    if (stream)
        stream->begun = false;
    return stream;
}

void jpeg_stream_free(JpegStream *stream)
{
    if (!stream)
        return;
    jpeg_destroy_decompress(&stream->decoder.jpeg);
    free(stream);
}

CodecResult jpeg_stream_begin(JpegStream *stream, const uint8_t *data, size_t size, CodecInfo *info)
{
    CodecResult result = decoder_begin(&stream->decoder, data, size, info);

    stream->begun = result == CODEC_OK;
    return result;
}

CodecResult jpeg_stream_decode(JpegStream *stream, CodecFormat to, uint8_t *pixels,
                               ptrdiff_t stride)
{
    if (!stream->begun)
        return CODEC_BAD_DATA;
    stream->begun = false;
    return decoder_run(&stream->decoder, true, to, pixels, stride);
}
