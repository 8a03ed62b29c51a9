/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of the LZ family's vector runner share: access to the set's files, messages, and
 * counted sizes. */
#ifndef TESTS_CODEC_LZ_VECTORS_H
#define TESTS_CODEC_LZ_VECTORS_H

#include <json-glib/json-glib.h>

#define PAD 24 /* bytes behind each row, which no decoder may touch */
#define PAD_BYTE 0xa5

/* Read the set's files from its folder; returns the vectors, which live until vectors_close(). Ends
 * the process if they can't be read. */
JsonArray *vectors_open(const char *folder);
void vectors_close(void);

/* A member of an object, or 0 or "". */
gint64 number(JsonObject *object, const char *name);
const char *text(JsonObject *object, const char *name);
/* Tell that a vector failed, and why. */
gboolean fail(const char *name, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* A stream in memory of exactly its size, so that a sanitizer sees every read beyond its end. */
guint8 *load_stream(JsonObject *stream, gsize *size);
/* Expected pixels, inflated and compared with their checksum. */
guint8 *load_expect(JsonObject *expect, gsize *size);
/* The palette of a vector, in memory of its own; NULL: it has none. */
guint32 *load_palette(JsonObject *vector, guint *n);
/* Sizes of ours and of the deployed streams, by kind; printed in the end. */
void count_ratio(const char *kind, gsize ours, gsize deployed);
void print_ratios(void);

/* The vectors of these kinds. */
gboolean run_jpeg(JsonObject *vector, gboolean with_alpha);
gboolean run_bad_jpeg_alpha(JsonObject *vector);
gboolean run_mjpeg(JsonObject *vector);
gboolean run_wire(JsonObject *vector);

#endif
