/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Output of a connection: a queue of bytes and references that one writev takes many messages
 * from, bounded by the acknowledgement window, and refilled when there is room.
 * docs/spec/server-api.md 9, docs/spec/server-display.md 10.4 */
#include "channel/engine.h"
#include "channel/out-body-private.h"

#include <errno.h>
#include <string.h>

enum {
    SEGMENT_FULL = 16 * 1024, /* small messages share a segment up to here */
    SEGMENT_KEPT = 64 * 1024, /* larger buffers aren't kept for reuse */
    SPARES = 4,
    PARTS = 64,       /* of one writev */
    PUMP_ROUNDS = 16, /* per wake-up: others have their turn */
    QUEUE_DEFAULT = 16 * 1024 * 1024,
};

/* ---- Segments ---- */

static void free_segment(ChannelEngine *engine, Segment *segment)
{
    if (segment->blob) {
        blob_unref(segment->blob);
        segment->blob = NULL;
    }
    if (engine->n_spare < SPARES && segment->own.capacity <= SEGMENT_KEPT) {
        wire_buffer_reset(&segment->own);
        segment->next = engine->spare;
        engine->spare = segment;
        engine->n_spare++;
        return;
    }
    wire_buffer_clear(&segment->own);
    g_free(segment);
}

static Segment *add_segment(ChannelEngine *engine)
{
    Segment *segment = engine->spare;

    if (segment) {
        engine->spare = segment->next;
        engine->n_spare--;
    } else {
        segment = g_new0(Segment, 1);
    }
    segment->next = NULL;
    segment->size = 0;
    if (engine->last)
        engine->last->next = segment;
    else
        engine->first = segment;
    engine->last = segment;
    return segment;
}

static inline WireBytes segment_bytes(const Segment *segment)
{
    return segment->blob ? (WireBytes){segment->data, segment->size}
                         : (WireBytes){segment->own.data, segment->own.size};
}

/* Where small things are written to. */
static WireBuffer *tail(ChannelEngine *engine)
{
    Segment *last = engine->last;

    if (!last || last->blob || last->own.size >= SEGMENT_FULL)
        last = add_segment(engine);
    return &last->own;
}

static void add_reference(ChannelEngine *engine, Blob *blob, WireBytes bytes)
{
    Segment *segment = add_segment(engine);

    segment->blob = blob;
    segment->data = bytes.data;
    segment->size = bytes.size;
}

void engine_out_clear(ChannelEngine *engine)
{
    while (engine->first) {
        Segment *segment = engine->first;

        engine->first = segment->next;
        free_segment(engine, segment);
    }
    engine->last = NULL;
    while (engine->spare) {
        Segment *segment = engine->spare;

        engine->spare = segment->next;
        wire_buffer_clear(&segment->own);
        g_free(segment);
    }
    engine->n_spare = 0;
    engine->queued = engine->first_sent = 0;
    g_free(engine->ends);
    engine->ends = NULL;
    engine->n_ends = engine->ends_capacity = 0;
}

/* ---- Queueing ---- */

/* For the window: remember where the message ends. */
static void remember_end(ChannelEngine *engine)
{
    if (engine->n_ends == engine->ends_capacity) {
        size_t capacity = engine->ends_capacity ? engine->ends_capacity * 2 : 64;
        uint64_t *ends = g_new(uint64_t, capacity);

        for (size_t i = 0; i < engine->n_ends; i++)
            ends[i] = engine->ends[(engine->ends_first + i) % engine->ends_capacity];
        g_free(engine->ends);
        engine->ends = ends;
        engine->ends_first = 0;
        engine->ends_capacity = capacity;
    }
    engine->ends[(engine->ends_first + engine->n_ends++) % engine->ends_capacity] =
        engine->position;
}

/* A message of that many bytes, header included, is in the segments. False: too much. */
static bool finish_message(ChannelEngine *engine, size_t size)
{
    ChannelClient *cc = engine->cc;
    uint32_t limit = cc->channel->class->queue_limit;

    engine->position += size;
    engine->queued += size;
    engine->serial++;
    if (engine->window)
        remember_end(engine);
    if (engine->queued > (limit ? limit : QUEUE_DEFAULT)) {
        channel_client_close(cc, "it does not take its messages: %zu bytes are waiting",
                             engine->queued);
        return false;
    }
    return true;
}

static void out_of_memory(ChannelEngine *engine, uint16_t type)
{
    channel_client_close(engine->cc, "a message of type %u can't be written", type);
}

/* The queue has something: write it, or have it written. */
static void kick(ChannelEngine *engine)
{
    if (engine->dispatch)
        return; /* the end of the callback does it */
    if (engine->loop == engine->cc->channel->server->loop && !engine->cc->channel->class->fill)
        engine_pump(engine);
    else
        engine_post_pump(engine);
}

static bool queue(ChannelEngine *engine, uint16_t type, const void *message)
{
    WireBuffer *out = tail(engine);
    size_t start = out->size;

    if (!wire_write_message(engine->cc->mini_header, engine->serial + 1,
                            engine->cc->channel->class->type, WIRE_TO_CLIENT, type, message, out)) {
        out->size = start;
        out->failed = false;
        out_of_memory(engine, type);
        return false;
    }
    return finish_message(engine, out->size - start);
}

bool channel_client_send(ChannelClient *cc, uint16_t type, const void *message)
{
    ChannelEngine *engine = cc->engine;

    if (engine->closing || !queue(engine, type, message))
        return false;
    engine_probe_flow(engine);
    kick(engine);
    return true;
}

static bool put_header(ChannelEngine *engine, uint16_t type, size_t size, uint32_t sub_list)
{
    bool mini = engine->cc->mini_header;
    uint8_t *p = size <= UINT32_MAX ? wire_buffer_add(tail(engine), wire_header_size(mini)) : NULL;
    WireHeader header = {
        .serial = engine->serial + 1, .type = type, .size = (uint32_t)size, .sub_list = sub_list};

    if (!p)
        return false;
    wire_header_write(mini, &header, p);
    return true;
}

/* With mini headers, what comes before is a message of its own. */
static bool queue_subs(ChannelEngine *engine, const WireSubMessage *subs, unsigned n_subs)
{
    size_t header_size = wire_header_size(true);
    WireBuffer *out;

    if (n_subs == 1) {
        if (!put_header(engine, subs[0].type, subs[0].body.size, 0) ||
            !wire_buffer_append(tail(engine), subs[0].body.data, subs[0].body.size))
            return false;
        return finish_message(engine, header_size + subs[0].body.size);
    }
    out = tail(engine);
    size_t start = out->size;
    uint8_t *p = wire_buffer_add(out, header_size);
    if (!p || !wire_list_write(subs, n_subs, out))
        return false;
    WireHeader header = {.type = SPICE_MSG_LIST,
                         .size = (uint32_t)(out->size - start - header_size)};
    wire_header_write(true, &header, out->data + start);
    return finish_message(engine, out->size - start);
}

/* The body's own bytes: copied if few, else their memory becomes a segment. */
static bool put_own(ChannelEngine *engine, OutBody *body, size_t from, size_t to)
{
    if (from == to)
        return true;
    if (!from && to == body->bytes.size && to >= SEGMENT_FULL) {
        Segment *segment = add_segment(engine);

        wire_buffer_clear(&segment->own);
        segment->own = body->bytes;
        segment->own.gather = NULL;
        body->bytes = (WireBuffer){0};
        return true;
    }
    return wire_buffer_append(tail(engine), body->bytes.data + from, to - from);
}

static bool queue_body(ChannelEngine *engine, uint16_t type, OutBody *body,
                       const WireSubMessage *subs, unsigned n_subs)
{
    bool mini = engine->cc->mini_header;
    uint32_t sub_list = 0;
    size_t from = 0;

    if (n_subs && mini && !queue_subs(engine, subs, n_subs))
        return false;
    if (n_subs && !mini && !wire_sub_list_append(subs, n_subs, 0, &body->bytes, &sub_list))
        return false;
    size_t size = out_body_size(body), end = body->bytes.size;
    if (!put_header(engine, type, size, sub_list))
        return false;
    for (unsigned i = 0; i < body->gather.n_pieces; i++) {
        const struct WireGatherPiece *piece = &body->gather.pieces[i];

        if (!put_own(engine, body, from, piece->at))
            return false;
        from = piece->at;
        add_reference(engine, body->blobs[i], piece->bytes);
        body->blobs[i] = NULL; /* taken over */
    }
    /* body->bytes is empty when they were taken whole. */
    if (!put_own(engine, body, from, end))
        return false;
    return finish_message(engine, wire_header_size(mini) + size);
}

bool channel_client_send_body(ChannelClient *cc, uint16_t type, OutBody *body,
                              const WireSubMessage *subs, unsigned n_subs)
{
    ChannelEngine *engine = cc->engine;
    bool done = false;

    if (!engine->closing && body) {
        done = queue_body(engine, type, body, subs, n_subs);
        if (!done)
            out_of_memory(engine, type); /* the queue may hold a part: nothing more is sent */
    }
    out_body_free(body);
    if (!done)
        return false;
    engine_probe_flow(engine);
    kick(engine);
    return true;
}

uint64_t channel_client_next_serial(const ChannelClient *cc)
{
    return cc->engine->serial + 1;
}

/* ---- Window ---- */

/* Messages that may be sent before the next ACK. */
static uint32_t window_left(const ChannelEngine *engine)
{
    uint64_t most = (uint64_t)engine->window * 2 + 1;

    return most > engine->unacked ? (uint32_t)(most - engine->unacked) : 0;
}

/* How far the window lets us write. */
static uint64_t sendable(const ChannelEngine *engine)
{
    if (!engine->window)
        return engine->position;
    uint32_t left = window_left(engine);
    if (!left || !engine->n_ends)
        return engine->sent;
    size_t last = (left < engine->n_ends ? left : engine->n_ends) - 1;
    return engine->ends[(engine->ends_first + last) % engine->ends_capacity];
}

static void count_sent(ChannelEngine *engine)
{
    while (engine->n_ends && engine->ends[engine->ends_first] <= engine->sent) {
        engine->ends_first = (engine->ends_first + 1) % engine->ends_capacity;
        engine->n_ends--;
        engine->unacked++;
    }
}

void engine_ack(ChannelEngine *engine)
{
    if (!engine->acks_count)
        return;
    engine->unacked -= engine->window < engine->unacked ? engine->window : engine->unacked;
    engine->wants_fill = true;
}

void engine_set_ack(ChannelEngine *engine, uint32_t window)
{
    WireMsgSetAck message = {.generation = ++engine->generation, .window = window};

    engine->window = window;
    channel_client_send(engine->cc, SPICE_MSG_SET_ACK, &message);
}

size_t channel_client_room(const ChannelClient *cc)
{
    const ChannelEngine *engine = cc->engine;

    if (engine->closing || engine->blocked ||
        (engine->window && window_left(engine) <= engine->n_ends))
        return 0;
    size_t flight = engine_in_flight(engine), limit = engine_flight_limit(engine);
    return limit > flight ? limit - flight : 0;
}

void channel_client_want(ChannelClient *cc)
{
    ChannelEngine *engine = cc->engine;

    engine->wants_fill = true;
    if (!engine->dispatch && !engine->closing)
        engine_post_pump(engine);
}

/* ---- Writing ---- */

static void advance(ChannelEngine *engine, size_t n)
{
    engine->sent += n;
    engine->queued -= n;
    n += engine->first_sent;
    while (engine->first) {
        Segment *segment = engine->first;
        size_t size = segment_bytes(segment).size;

        if (n < size)
            break;
        n -= size;
        engine->first = segment->next;
        if (!engine->first)
            engine->last = NULL;
        free_segment(engine, segment);
    }
    engine->first_sent = n;
    count_sent(engine);
    engine_pings_sent(engine);
}

static int gather(const ChannelEngine *engine, uint64_t left, struct iovec *parts)
{
    size_t skip = engine->first_sent;
    int n = 0;

    for (const Segment *s = engine->first; s && n < PARTS && left; s = s->next, skip = 0) {
        WireBytes bytes = segment_bytes(s);

        if (bytes.size == skip)
            continue;
        size_t size = bytes.size - skip < left ? bytes.size - skip : (size_t)left;
        parts[n].iov_base = (void *)(bytes.data + skip);
        parts[n++].iov_len = size;
        left -= size;
    }
    return n;
}

static void broken(ChannelEngine *engine)
{
    if (errno == EPIPE || errno == ECONNRESET)
        channel_client_close(engine->cc, NULL);
    else
        channel_client_close(engine->cc, "writing: %s", g_strerror(errno));
}

/* Write until the queue or the window is used up, or the socket is full (blocked). */
static void write_queue(ChannelEngine *engine)
{
    Stream *stream = engine->cc->stream;
    struct iovec parts[PARTS];

    engine->blocked = false;
    while (!engine->closing) {
        if (stream_has_pending_output(stream)) {
            int result = stream_flush(stream);

            if (result < 0) {
                broken(engine);
                return;
            }
            if (!result) {
                engine->blocked = true;
                return;
            }
        }
        uint64_t left = sendable(engine) - engine->sent;
        if (!left)
            return;
        ssize_t n = stream_writev(stream, parts, gather(engine, left, parts));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            engine->blocked = true;
            return;
        }
        if (n < 0) {
            broken(engine);
            return;
        }
        engine->last_activity_ns = loop_now_ns();
        engine->wants_fill = true;
        advance(engine, (size_t)n);
    }
}

void channel_client_flush(ChannelClient *cc)
{
    if (!cc->engine->closing)
        write_queue(cc->engine);
}

bool engine_writes_blocked(const ChannelEngine *engine)
{
    return engine->blocked;
}

void engine_pump(ChannelEngine *engine)
{
    ChannelClient *cc = engine->cc;
    const ChannelClass *class = cc->channel->class;

    for (int round = 0; !engine->closing; round++) {
        write_queue(engine);
        if (!class->fill || !engine->wants_fill || engine->in_fill || engine->closing ||
            engine->queued)
            break;
        if (!channel_client_room(cc)) {
            engine_pings_limited(engine);
            if (engine->queued)
                continue; /* a ping, so that we hear of room */
            break;
        }
        if (round == PUMP_ROUNDS) {
            engine_post_pump(engine);
            break;
        }
        uint64_t before = engine->position;
        engine->wants_fill = false;
        engine->in_fill = true;
        engine->dispatch++;
        class->fill(cc);
        engine->dispatch--;
        engine->in_fill = false;
        if (engine->position == before) {
            if (engine->wants_fill) /* it had no time: later */
                engine_post_pump(engine);
            break;
        }
    }
    engine_update_watch(engine);
}
