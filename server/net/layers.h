/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to net/: a stream is a stack of layers, the socket at the bottom. Each layer keeps the
 * promises of stream.h for its own bytes, and uses the one below it by the same functions. */
#ifndef SERVER_NET_LAYERS_H
#define SERVER_NET_LAYERS_H

#include "net/stream-setup.h"

typedef struct StreamLayer StreamLayer;

typedef struct StreamLayerClass {
    ssize_t (*read)(StreamLayer *layer, void *data, size_t size);
    ssize_t (*writev)(StreamLayer *layer, const struct iovec *parts, int n);
    /* Only what waits in this layer; the stream flushes layer by layer, the upper ones first. */
    int (*flush)(StreamLayer *layer);
    bool (*has_pending_output)(const StreamLayer *layer);
    bool (*has_buffered_input)(const StreamLayer *layer);
    bool (*read_needs_write)(const StreamLayer *layer); /* NULL: never */
    void (*free)(StreamLayer *layer);
} StreamLayerClass;

struct StreamLayer {
    const StreamLayerClass *class;
    StreamLayer *below; /* NULL: the socket */
};

/* A layer is put on top; the stream owns it. */
void stream_push(Stream *stream, StreamLayer *layer);
StreamLayer *stream_top(Stream *stream);
void stream_mark_encrypted(Stream *stream);

static inline ssize_t layer_read(StreamLayer *layer, void *data, size_t size)
{
    return layer->class->read(layer, data, size);
}

static inline ssize_t layer_writev(StreamLayer *layer, const struct iovec *parts, int n)
{
    return layer->class->writev(layer, parts, n);
}

/* Input in this layer or below it. */
bool layer_has_buffered_input(const StreamLayer *layer);

enum {
    LAYER_WRITE_MAX = 256 * 1024, /* that an encoding layer takes in one call, so that a large
                                     write doesn't hold up the loop */
    LAYER_READS_MAX = 16,         /* reads below that may yield no byte, in one call */
};

/* Where a writer stands in its parts. */
typedef struct PartsCursor {
    const struct iovec *parts;
    int n;
    size_t offset; /* in the first part */
} PartsCursor;

/* Copy up to size bytes and move on; returns how many there were. */
size_t parts_copy(PartsCursor *cursor, void *data, size_t size);
/* Bytes of all parts, at most 'limit'. */
size_t parts_size(const PartsCursor *cursor, size_t limit);
/* The next bytes, up to size, as at most max views; moves on; *bytes: what they hold. */
int parts_take(PartsCursor *cursor, size_t size, struct iovec *views, int max, size_t *bytes);

#endif
