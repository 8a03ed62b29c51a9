/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is measured on a connection: round trips on an idle one, how far the client has got on a
 * busy one, and the main channel's network test. docs/spec/server-api.md 9, docs/spec/wire.md 9.2
 *
 * The kernel's buffers, and those of whatever stands between, hold more than is good for a picture
 * that changes. So between the data of a display go PINGs; each PONG tells that all before it has
 * arrived. That bounds what is under way to what the link carries in its round trip and 40 ms. */
#include "channel/engine.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

enum {
    IDLE_MS = 100,
    PERIOD_MS = 300 * 1000,
    PERIOD_WATCHED_MS = 15 * 1000,
    SILENT_MS = 5000, /* a client that doesn't answer: go by the socket alone */
    FLIGHT_LEAST = 64 * 1024,
    FLIGHT_MOST = 4 * 1024 * 1024,
    FLIGHT_LOCAL = 256 * 1024,
    PROBE_LEAST = 32 * 1024,
    AHEAD_MS = 40,
    KERNEL_AHEAD = 128 * 1024, /* unsent bytes that the socket takes */
    NET_TEST_SIZE = 256000,
};

static uint8_t net_test_zeros[NET_TEST_SIZE];

static bool add_ping(ChannelEngine *engine, PingKind kind, uint32_t id, uint64_t timestamp,
                     WireBytes padding)
{
    WireMsgPing message = {.id = id, .timestamp = timestamp, .padding = padding};
    size_t size = wire_header_size(engine->cc->mini_header) + 12 + padding.size;

    if (engine->n_pings == PINGS_MAX || engine->closing)
        return false;
    engine->pings[engine->n_pings++] =
        (Ping){.id = id, .kind = kind, .position = engine->position + size};
    engine->probed =
        engine->position + size; /* not before: sending looks for a probe that is due */
    return channel_client_send(engine->cc, SPICE_MSG_PING, &message);
}

static void forget_ping(ChannelEngine *engine, unsigned i)
{
    memmove(&engine->pings[i], &engine->pings[i + 1],
            (engine->n_pings - i - 1) * sizeof engine->pings[0]);
    engine->n_pings--;
}

void engine_pings_sent(ChannelEngine *engine)
{
    uint64_t now = 0;

    for (unsigned i = 0; i < engine->n_pings; i++) {
        Ping *ping = &engine->pings[i];

        if (ping->sent_ns || ping->position > engine->sent)
            continue;
        if (!now)
            now = loop_now_ns();
        ping->sent_ns = now;
        ping->confirmed = engine->confirmed;
    }
}

/* ---- Flow ---- */

static bool measures_flow(const ChannelEngine *engine)
{
    return engine->flow && !engine->no_pings && !engine->silent;
}

size_t engine_in_flight(const ChannelEngine *engine)
{
    if (!measures_flow(engine))
        return engine->queued;
    return (size_t)(engine->position - engine->confirmed);
}

size_t engine_flight_limit(const ChannelEngine *engine)
{
    if (!measures_flow(engine))
        return FLIGHT_LOCAL;
    double limit = (double)engine->rate * (engine->rtt_us / 1e6 + AHEAD_MS / 1e3);
    return limit < FLIGHT_LEAST ? FLIGHT_LEAST : limit > FLIGHT_MOST ? FLIGHT_MOST : (size_t)limit;
}

static void send_probe(ChannelEngine *engine)
{
    bool first = !engine->n_pings;

    add_ping(engine, PING_FLOW, engine->next_ping_id++, loop_now_ns(), (WireBytes){0});
    if (first && engine->timer)
        loop_timer_start(engine->timer, SILENT_MS);
}

void engine_probe_flow(ChannelEngine *engine)
{
    if (!measures_flow(engine) || engine->closing)
        return;
    size_t interval = engine_flight_limit(engine) / 4;
    if (interval < PROBE_LEAST)
        interval = PROBE_LEAST;
    if (engine->position - engine->probed >= interval)
        send_probe(engine);
}

void engine_pings_limited(ChannelEngine *engine)
{
    bool asked = false;

    for (unsigned i = 0; i < engine->n_pings; i++) {
        engine->pings[i].limited = true;
        asked |= engine->pings[i].position > engine->confirmed;
    }
    /* Nothing else would tell when there is room again. */
    if (!asked && measures_flow(engine) && !engine->blocked &&
        engine_in_flight(engine) >= engine_flight_limit(engine))
        send_probe(engine);
}

/* ---- Answers ---- */

static void measure_rate(ChannelEngine *engine, const Ping *ping, uint64_t took_ns)
{
    uint64_t bytes = engine->confirmed - ping->confirmed;
    uint64_t rate = (uint64_t)((double)bytes * 1e9 / (double)(took_ns ? took_ns : 1));

    if (rate > engine->rate)
        engine->rate = rate;
    else if (ping->limited)
        engine->rate -= (engine->rate - rate) / 4;
}

static void net_test_pong(ChannelEngine *engine, unsigned i, uint64_t took_ns)
{
    uint64_t *rtt = engine->net_test_rtt_us;

    rtt[i] = took_ns / 1000;
    if (++engine->net_test_pongs < 3 || !engine->net_test_done)
        return;
    uint64_t latency = rtt[0] < rtt[1] ? rtt[0] : rtt[1];
    uint64_t bits = rtt[2] > latency ? NET_TEST_SIZE * UINT64_C(8) * 1000000 / (rtt[2] - latency)
                                     : 0; /* nonsense: not used */
    engine->net_test_done(engine->cc, latency, bits);
    engine->net_test_done = NULL;
}

void engine_pong(ChannelEngine *engine, const WireMsgcPong *pong)
{
    uint64_t now = loop_now_ns();
    unsigned i = 0;

    while (i < engine->n_pings && (engine->pings[i].id != pong->id || !engine->pings[i].sent_ns))
        i++;
    if (i == engine->n_pings) {
        log_limited(&engine->log, "channel %s: an answer to no ping",
                    wire_channel_name(engine->cc->channel->class->type));
        return;
    }
    Ping ping = engine->pings[i];
    uint64_t took = now - ping.sent_ns;
    forget_ping(engine, i);
    engine->pongs++;
    engine->silent = false;
    if (ping.position > engine->confirmed)
        engine->confirmed = ping.position;
    if (ping.kind == PING_NET_TEST) {
        net_test_pong(engine, ping.id - 1, took);
        return;
    }
    if (ping.kind == PING_WARM_UP)
        return;
    uint32_t us = took / 1000 < 1 ? 1 : took / 1000 > UINT32_MAX ? UINT32_MAX : took / 1000;
    if (!engine->rtt_us || us < engine->rtt_us)
        engine->rtt_us = us;
    engine->next_probe_ns =
        now + UINT64_C(1000000) *
                  (engine->cc->channel->class->watch_latency ? PERIOD_WATCHED_MS : PERIOD_MS);
    if (ping.kind == PING_FLOW) {
        measure_rate(engine, &ping, took);
        engine->wants_fill = true;
    }
}

/* ---- The timer ---- */

static bool is_silent(const ChannelEngine *engine, uint64_t now)
{
    return engine->n_pings && engine->pings[0].sent_ns &&
           now - engine->pings[0].sent_ns > SILENT_MS * UINT64_C(1000000) &&
           !stream_unsent(engine->cc->stream);
}

static void on_timer(void *data)
{
    ChannelEngine *engine = data;
    uint64_t now = loop_now_ns(), idle = IDLE_MS * UINT64_C(1000000);

    if (engine->closing)
        return;
    engine_enter(engine);
    if (engine->n_pings) {
        /* Not repeated while unanswered. A client that doesn't answer gets its data all the same.
         */
        if (engine->flow && !engine->silent && is_silent(engine, now))
            engine->silent = engine->wants_fill = true;
        loop_timer_start(engine->timer, SILENT_MS);
    } else if (now < engine->next_probe_ns) {
        uint64_t ms = (engine->next_probe_ns - now) / 1000000 + 1;

        loop_timer_start(engine->timer, (uint32_t)ms);
    } else if (now - engine->last_activity_ns < idle || engine->queued ||
               stream_unsent(engine->cc->stream)) {
        loop_timer_start(engine->timer, IDLE_MS);
    } else {
        uint32_t id = engine->next_ping_id;

        engine->next_ping_id += 2;
        if (add_ping(engine, PING_WARM_UP, id, now, (WireBytes){0}))
            add_ping(engine, PING_LATENCY, id + 1, now, (WireBytes){0});
        loop_timer_start(engine->timer, SILENT_MS);
    }
    engine_pump(engine);
    engine_leave(engine);
}

bool engine_pings_start(ChannelEngine *engine)
{
    Stream *stream = engine->cc->stream;
    int ahead = KERNEL_AHEAD;

    engine->no_pings = stream_is_unix(stream);
    engine->flow = engine->cc->channel->class->type == SPICE_CHANNEL_DISPLAY &&
                   engine->cc->channel->class->fill;
    engine->last_activity_ns = loop_now_ns();
    if (engine->no_pings)
        return true;
    /* Ids that nobody guesses tell answers from inventions. */
    engine->next_ping_id = g_random_int() | 0x10;
    if (engine->flow &&
        setsockopt(stream_fd(stream), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &ahead, sizeof ahead) < 0)
        log_debug("TCP_NOTSENT_LOWAT is not to be had");
    engine->timer = loop_timer_new(engine->loop, on_timer, engine);
    if (!engine->timer)
        return false;
    loop_timer_start(engine->timer, IDLE_MS);
    return true;
}

void engine_pings_stop(ChannelEngine *engine)
{
    loop_timer_free(engine->timer);
    engine->timer = NULL;
}

/* ---- For the main channel ---- */

void channel_client_net_test(ChannelClient *cc, void (*done)(ChannelClient *cc, uint64_t latency_us,
                                                             uint64_t bits_per_second))
{
    ChannelEngine *engine = cc->engine;

    if (engine->no_pings)
        return;
    engine->net_test_done = done;
    for (uint32_t id = 1; id <= 3; id++)
        add_ping(engine, PING_NET_TEST, id, loop_now_ns() / 1000,
                 (WireBytes){net_test_zeros, id == 3 ? NET_TEST_SIZE : 0});
}

void channel_client_activity(const ChannelClient *cc, ChannelActivity *activity)
{
    const ChannelEngine *engine = cc->engine;

    activity->blocked = engine->queued > 0 || stream_has_pending_output(cc->stream);
    activity->pong_due = engine->n_pings > 0;
    activity->bytes_in = engine->received;
    activity->bytes_out = engine->sent;
    activity->pongs = engine->pongs;
}
