/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The WebSocket layer of a stream (RFC 6455 frames, server side): the payload of data frames is the
 * byte stream. docs/spec/server-api.md 8.3, docs/spec/wire.md 17 */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "net/layers.h"

enum {
    OP_CONTINUATION = 0,
    OP_TEXT = 1,
    OP_BINARY = 2,
    OP_CLOSE = 8,
    OP_PING = 9,
    OP_PONG = 10,
    FIN = 0x80,
    RSV = 0x70,
    MASKED = 0x80,
    CONTROL_MAX = 125,
    HEADER_MAX = 14,
    INPUT_MAX = 4096,
    FRAME_MAX = 128 * 1024, /* payload of a frame that we send: what we may have to keep of it */
    VIEWS_MAX = 64,
};

typedef struct WebSocketLayer {
    StreamLayer layer;
    /* Received */
    uint8_t *input; /* from below, not looked at yet */
    size_t input_at, n_input;
    uint8_t header[HEADER_MAX];
    unsigned n_header;
    bool in_frame;     /* the header is complete, 'left' bytes of payload follow */
    bool message_open; /* the last data frame had no FIN: continuations follow */
    bool masked, ended, broken;
    uint8_t opcode, mask[4];
    unsigned mask_at;
    uint64_t left;
    uint8_t control[CONTROL_MAX]; /* payload of a ping */
    unsigned n_control;
    /* To send */
    uint8_t *out; /* what is left of a frame that has begun */
    size_t out_at, n_out;
    uint8_t pong[2 + CONTROL_MAX]; /* the answer to the latest ping, between frames */
    unsigned n_pong;
    bool close_due;
} WebSocketLayer;

static ssize_t broken(WebSocketLayer *ws)
{
    ws->broken = true;
    errno = EPROTO;
    return -1;
}

/* ---- Sending ---- */

static void keep(WebSocketLayer *ws, const void *data, size_t size)
{
    g_free(ws->out);
    ws->out = g_memdup2(data, size);
    ws->out_at = 0;
    ws->n_out = size;
}

/* 1: nothing waits, a data frame may begin. */
static int ws_flush(StreamLayer *layer)
{
    WebSocketLayer *ws = (WebSocketLayer *)layer;

    for (;;) {
        while (ws->out_at < ws->n_out) {
            struct iovec part = {ws->out + ws->out_at, ws->n_out - ws->out_at};
            ssize_t n = layer_writev(layer->below, &part, 1);

            if (n < 0)
                return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
            ws->out_at += (size_t)n;
        }
        g_clear_pointer(&ws->out, g_free);
        ws->out_at = ws->n_out = 0;
        if (ws->n_pong) {
            keep(ws, ws->pong, ws->n_pong);
            ws->n_pong = 0;
        } else if (ws->close_due) {
            keep(ws, (const uint8_t[2]){FIN | OP_CLOSE, 0}, 2);
            ws->close_due = false;
        } else {
            return 1;
        }
    }
}

static size_t write_header(uint8_t *header, size_t size)
{
    size_t bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;

    header[0] = FIN | OP_BINARY;
    header[1] = bytes == 0 ? (uint8_t)size : bytes == 2 ? 126 : 127;
    for (size_t i = 0; i < bytes; i++)
        header[2 + i] = (uint8_t)((uint64_t)size >> 8 * (bytes - 1 - i));
    return 2 + bytes;
}

/* One frame of the next bytes. 1: out; 0: taken, but something of it waits; -1 with errno: not
 * begun. */
static int send_frame(WebSocketLayer *ws, PartsCursor *cursor, size_t *size)
{
    struct iovec views[1 + VIEWS_MAX];
    PartsCursor before = *cursor;
    uint8_t header[HEADER_MAX];
    int n = 1 + parts_take(cursor, FRAME_MAX, views + 1, VIEWS_MAX, size);
    size_t whole;
    ssize_t written;

    views[0].iov_base = header;
    views[0].iov_len = write_header(header, *size);
    whole = views[0].iov_len + *size;
    written = layer_writev(ws->layer.below, views, n);
    if (written < 0) {
        *cursor = before;
        return -1;
    }
    if ((size_t)written < whole) {
        PartsCursor rest = {views, n, 0};

        g_free(ws->out);
        ws->out = g_malloc(whole);
        ws->n_out = parts_copy(&rest, ws->out, whole);
        ws->out_at = (size_t)written;
        return 0;
    }
    return 1;
}

static ssize_t ws_writev(StreamLayer *layer, const struct iovec *parts, int n)
{
    WebSocketLayer *ws = (WebSocketLayer *)layer;
    PartsCursor cursor = {parts, n, 0};
    size_t taken = 0;

    if (ws->broken || ws->ended) {
        errno = EPIPE; /* after a close frame nothing may be sent */
        return -1;
    }
    while (taken < LAYER_WRITE_MAX) {
        int result = ws_flush(layer);
        size_t size;

        if (result < 0)
            return -1;
        if (result == 0)
            break;
        if (parts_size(&cursor, 1) == 0)
            return (ssize_t)taken;
        if (send_frame(ws, &cursor, &size) < 0) {
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                return -1;
            break;
        }
        taken += size;
    }
    if (taken)
        return (ssize_t)taken;
    errno = EAGAIN;
    return -1;
}

static bool ws_has_pending_output(const StreamLayer *layer)
{
    const WebSocketLayer *ws = (const WebSocketLayer *)layer;

    return ws->out_at < ws->n_out || ws->n_pong || ws->close_due;
}

/* ---- Receiving ---- */

static unsigned header_size(const WebSocketLayer *ws)
{
    unsigned length = ws->header[1] & 0x7f;

    if (ws->n_header < 2)
        return 2;
    return 2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + (ws->header[1] & MASKED ? 4 : 0);
}

/* The header is there. False: it breaks the rules. */
static bool begin_frame(WebSocketLayer *ws)
{
    const uint8_t *next = ws->header + 2;
    bool fin = ws->header[0] & FIN;
    unsigned bytes;

    ws->opcode = ws->header[0] & 0x0f;
    ws->masked = ws->header[1] & MASKED;
    ws->left = ws->header[1] & 0x7f;
    bytes = ws->left == 126 ? 2 : ws->left == 127 ? 8 : 0;
    if (bytes)
        ws->left = 0;
    for (unsigned i = 0; i < bytes; i++)
        ws->left = ws->left << 8 | *next++;
    if (ws->masked)
        memcpy(ws->mask, next, 4);
    ws->mask_at = 0;
    ws->n_control = 0;
    ws->n_header = 0;
    ws->in_frame = true;
    if (ws->header[0] & RSV || ws->left >> 63)
        return false;
    switch (ws->opcode) {
    case OP_CONTINUATION:
        if (!ws->message_open)
            return false;
        ws->message_open = !fin;
        return true;
    case OP_TEXT:
    case OP_BINARY:
        if (ws->message_open)
            return false;
        ws->message_open = !fin;
        return true;
    case OP_CLOSE:
    case OP_PING:
    case OP_PONG:
        return fin && ws->left <= CONTROL_MAX;
    default:
        return false;
    }
}

static void unmask(WebSocketLayer *ws, uint8_t *data, size_t size)
{
    if (!ws->masked)
        return;
    for (size_t i = 0; i < size; i++)
        data[i] ^= ws->mask[(ws->mask_at + i) & 3];
    ws->mask_at = (ws->mask_at + size) & 3;
}

/* A control frame is complete. */
static void control_frame(WebSocketLayer *ws)
{
    if (ws->opcode == OP_PING) {
        ws->pong[0] = FIN | OP_PONG;
        ws->pong[1] = (uint8_t)ws->n_control;
        memcpy(ws->pong + 2, ws->control, ws->n_control);
        ws->n_pong = 2 + ws->n_control;
    } else if (ws->opcode == OP_CLOSE) {
        ws->close_due = ws->ended = true;
        ws->n_pong = 0;
    }
}

/* More input from below into the buffer; like read(). */
static ssize_t fill(WebSocketLayer *ws)
{
    ssize_t n = layer_read(ws->layer.below, ws->input, INPUT_MAX);

    ws->input_at = 0;
    ws->n_input = n > 0 ? (size_t)n : 0;
    return n;
}

static size_t take_input(WebSocketLayer *ws, void *data, uint64_t size)
{
    size_t n = ws->n_input - ws->input_at;

    n = size < n ? (size_t)size : n;
    memcpy(data, ws->input + ws->input_at, n);
    ws->input_at += n;
    return n;
}

static bool is_data(const WebSocketLayer *ws)
{
    return ws->opcode < OP_CLOSE;
}

static ssize_t read_payload(WebSocketLayer *ws, void *data, size_t size)
{
    uint64_t most = MIN((uint64_t)size, ws->left);
    ssize_t n;

    if (ws->input_at < ws->n_input)
        n = (ssize_t)take_input(ws, data, most);
    else
        n = layer_read(ws->layer.below, data, (size_t)most);
    if (n <= 0)
        return n;
    unmask(ws, data, (size_t)n);
    ws->left -= (uint64_t)n;
    ws->in_frame = ws->left > 0;
    return n;
}

static ssize_t ws_read_frames(WebSocketLayer *ws, void *data, size_t size)
{
    for (int fills = 0; !ws->ended;) {
        if (ws->in_frame && is_data(ws) && ws->left)
            return read_payload(ws, data, size);
        if (ws->in_frame) {
            /* a control frame, or an empty one */
            size_t n = take_input(ws, ws->control + ws->n_control, ws->left);

            unmask(ws, ws->control + ws->n_control, n);
            ws->n_control += (unsigned)n;
            ws->left -= n;
            if (ws->left == 0) {
                ws->in_frame = false;
                control_frame(ws);
                continue;
            }
        } else {
            unsigned need = header_size(ws);

            ws->n_header +=
                (unsigned)take_input(ws, ws->header + ws->n_header, need - ws->n_header);
            if (ws->n_header >= 2 && ws->n_header == header_size(ws)) {
                if (!begin_frame(ws))
                    return broken(ws);
                continue;
            }
        }
        if (ws->input_at == ws->n_input) {
            ssize_t n;

            if (fills++ >= LAYER_READS_MAX && !layer_has_buffered_input(ws->layer.below)) {
                errno = EAGAIN;
                return -1;
            }
            n = fill(ws);
            if (n <= 0)
                return n;
        }
    }
    return 0;
}

static ssize_t ws_read(StreamLayer *layer, void *data, size_t size)
{
    WebSocketLayer *ws = (WebSocketLayer *)layer;
    ssize_t n;
    int saved;

    if (ws->broken)
        return broken(ws);
    n = ws_read_frames(ws, data, size);
    saved = errno;
    /* The answers to control frames go out now if they can; otherwise they are pending output. */
    if ((ws->n_pong || ws->close_due) && ws_flush(layer) < 0)
        return -1;
    errno = saved;
    return n;
}

static bool ws_has_buffered_input(const StreamLayer *layer)
{
    const WebSocketLayer *ws = (const WebSocketLayer *)layer;

    return !ws->broken && ws->input_at < ws->n_input;
}

static void ws_free(StreamLayer *layer)
{
    WebSocketLayer *ws = (WebSocketLayer *)layer;

    g_free(ws->input);
    g_free(ws->out);
    g_free(ws);
}

static const StreamLayerClass ws_class = {
    .read = ws_read,
    .writev = ws_writev,
    .flush = ws_flush,
    .has_pending_output = ws_has_pending_output,
    .has_buffered_input = ws_has_buffered_input,
    .free = ws_free,
};

void stream_start_websocket(Stream *stream, const void *data, size_t size)
{
    WebSocketLayer *ws = g_new0(WebSocketLayer, 1);

    ws->layer.class = &ws_class;
    ws->input = g_malloc(MAX(size, INPUT_MAX));
    if (size)
        memcpy(ws->input, data, size);
    ws->n_input = size;
    stream_push(stream, &ws->layer);
}
