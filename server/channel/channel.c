/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Channels and their connections: from the main thread to the channel's loop and back, and the end
 * of a connection. docs/spec/server-api.md 5.4, 9
 *
 * A connection lives on its channel's loop. The main thread knows it as a ClientLink; the stream is
 * opened and closed there. To end a connection of another loop, the main thread posts and waits
 * until that loop has let go: a worker never waits for the main thread, so that can't deadlock. */
#include "channel/client-private.h"
#include "server.h"

#include <stdarg.h>
#include <time.h>

enum {
    ARENA_MAX = 4 * 1024 * 1024, /* of one parsed message */
    CLOSE_WAIT_S = 5,            /* for a worker, when the connection may also go later */
};

/* Does it live on the main thread? */
static bool is_main(const Channel *channel)
{
    return channel->loop == channel->server->loop;
}

/* ---- Reference counts ---- */

static Channel *channel_ref(Channel *channel)
{
    g_atomic_int_inc(&channel->refs);
    return channel;
}

static void channel_unref(Channel *channel)
{
    if (channel && g_atomic_int_dec_and_test(&channel->refs))
        g_free(channel);
}

ClientLink *client_link_ref(ClientLink *link)
{
    g_atomic_int_inc(&link->refs);
    return link;
}

void client_link_unref(ClientLink *link)
{
    if (!g_atomic_int_dec_and_test(&link->refs))
        return;
    channel_unref(link->channel);
    client_unref(link->client);
    pthread_mutex_destroy(&link->lock);
    pthread_cond_destroy(&link->gone_cond);
    g_free(link);
}

static void engine_ref(ChannelEngine *engine)
{
    engine->refs++;
}

static void engine_unref(ChannelEngine *engine)
{
    if (--engine->refs)
        return;
    ClientLink *link = engine->link;
    engine_out_clear(engine);
    engine_in_clear(engine);
    g_free(engine->cc);
    g_free(engine);
    client_link_unref(link);
}

/* ---- The end of a connection (the channel's loop) ---- */

static void gone_on_main(void *data)
{
    ClientLink *link = data;

    client_link_gone(link);
    client_link_unref(link);
}

/* Let go of the stream and of everything. tell: the main thread doesn't know yet. */
static void finish(ChannelEngine *engine, bool tell)
{
    ChannelClient *cc = engine->cc;
    ClientLink *link = engine->link;
    Channel *channel = cc->channel;

    if (engine->finished)
        return;
    engine->closing = engine->finished = true;
    loop_watch_remove(engine->watch);
    engine->watch = NULL;
    engine_pings_stop(engine);
    channel->clients = g_list_remove(channel->clients, cc);
    if (engine->connected && channel->class->disconnected)
        channel->class->disconnected(cc);
    client_link_ref(link);
    pthread_mutex_lock(&link->lock);
    link->engine = NULL;
    link->gone = true;
    pthread_cond_broadcast(&link->gone_cond);
    pthread_mutex_unlock(&link->lock);
    if (tell && is_main(channel))
        client_link_gone(link);
    else if (tell)
        loop_post(channel->server->loop, gone_on_main, client_link_ref(link));
    client_link_unref(link);
    engine_unref(engine); /* the list's */
}

static void finish_posted(void *data)
{
    ChannelEngine *engine = data;

    if (!engine->dispatch)
        finish(engine, true);
    engine_unref(engine);
}

static void close_later(ChannelEngine *engine)
{
    if (engine->dispatch || engine->close_posted || engine->finished)
        return; /* inside a callback: when it returns */
    engine->close_posted = true;
    engine_ref(engine);
    loop_post(engine->loop, finish_posted, engine);
}

void channel_client_close(ChannelClient *cc, const char *format, ...)
{
    ChannelEngine *engine = cc->engine;

    if (engine->closing)
        return;
    engine->closing = true;
    if (format) {
        va_list args;

        va_start(args, format);
        char *text = g_strdup_vprintf(format, args);
        va_end(args);
        log_warning("%s: channel %s:%u is closed: %s", stream_peer_name(cc->stream),
                    wire_channel_name(cc->channel->class->type), cc->channel->id, text);
        g_free(text);
    }
    close_later(engine);
}

bool channel_client_is_closing(const ChannelClient *cc)
{
    return cc->engine->closing;
}

void engine_enter(ChannelEngine *engine)
{
    engine_ref(engine);
    engine->dispatch++;
}

void engine_leave(ChannelEngine *engine)
{
    if (!--engine->dispatch && engine->closing)
        finish(engine, true);
    engine_unref(engine);
}

/* ---- Events ---- */

static void on_events(int fd, int events, void *data)
{
    ChannelEngine *engine = data;

    (void)fd;
    (void)events; /* TLS may want to write in order to read, and the other way round */
    if (engine->closing)
        return;
    engine_enter(engine);
    engine_read(engine);
    engine_pump(engine);
    engine_leave(engine);
}

static void pump_posted(void *data)
{
    ChannelEngine *engine = data;

    engine->pump_posted = false;
    if (!engine->closing) {
        engine_enter(engine);
        if (stream_has_buffered_input(engine->cc->stream))
            engine_read(engine);
        engine_pump(engine);
        engine_leave(engine);
    }
    engine_unref(engine);
}

void engine_post_pump(ChannelEngine *engine)
{
    if (engine->pump_posted || engine->closing)
        return;
    engine->pump_posted = true;
    engine_ref(engine);
    loop_post(engine->loop, pump_posted, engine);
}

void engine_update_watch(ChannelEngine *engine)
{
    if (!engine->watch || engine->closing)
        return;
    int events = stream_wanted_events(engine->cc->stream);
    if (engine_writes_blocked(engine))
        events |= LOOP_WRITE;
    if (events != engine->watched) {
        engine->watched = events;
        loop_watch_update(engine->watch, events);
    }
}

/* ---- The beginning (the channel's loop) ---- */

static void let_go_unattached(ClientLink *link)
{
    pthread_mutex_lock(&link->lock);
    link->gone = true;
    pthread_cond_broadcast(&link->gone_cond);
    pthread_mutex_unlock(&link->lock);
}

static ChannelEngine *engine_new(ClientLink *link)
{
    Channel *channel = link->channel;
    ChannelEngine *engine = g_new0(ChannelEngine, 1);
    ChannelClient *cc = g_malloc0(channel->class->client_size);

    cc->channel = channel;
    cc->client = link->client;
    cc->stream = link->stream;
    cc->common_caps = link->common_caps;
    cc->channel_caps = link->channel_caps;
    cc->mini_header = wire_caps_has(&link->common_caps, SPICE_COMMON_CAP_MINI_HEADER);
    cc->engine = engine;
    engine->cc = cc;
    engine->link = client_link_ref(link);
    engine->loop = channel->loop;
    engine->refs = 1; /* the channel's list */
    engine->wants_fill = true;
    wire_arena_init(&engine->arena, ARENA_MAX);
    return engine;
}

static void begin(ChannelEngine *engine)
{
    ChannelClient *cc = engine->cc;
    const ChannelClass *class = cc->channel->class;

    if (!engine_pings_start(engine)) {
        channel_client_close(cc, "the loop takes no more timers");
        return;
    }
    if (class->ack_window)
        engine_set_ack(engine, client_is_low_bandwidth(cc->client) ? class->ack_window * 2
                                                                   : class->ack_window);
    engine->connected = true;
    if (class->connected)
        class->connected(cc);
}

static void attach(ClientLink *link)
{
    Channel *channel = link->channel;
    ChannelEngine *engine = engine_new(link);
    ChannelClient *cc = engine->cc;

    pthread_mutex_lock(&link->lock);
    link->engine = engine;
    pthread_mutex_unlock(&link->lock);
    channel->clients = g_list_append(channel->clients, cc);
    engine_enter(engine);
    engine->watched = stream_wanted_events(cc->stream);
    engine->watch =
        loop_watch_add(channel->loop, stream_fd(cc->stream), engine->watched, on_events, engine);
    if (!engine->watch)
        channel_client_close(cc, "the loop takes no more connections");
    else if (!link->parked)
        begin(engine);
    if (!engine->closing && stream_has_buffered_input(cc->stream))
        engine_read(engine); /* it came with the end of the link stage */
    engine_pump(engine);
    engine_leave(engine);
}

static void attach_posted(void *data)
{
    ClientLink *link = data;

    pthread_mutex_lock(&link->lock);
    bool closing = link->closing;
    pthread_mutex_unlock(&link->lock);
    if (closing) {
        let_go_unattached(link);
        loop_post(link->channel->server->loop, gone_on_main, client_link_ref(link));
    } else {
        attach(link);
    }
    client_link_unref(link);
}

ClientLink *channel_attach(Channel *channel, Client *client, Stream *stream,
                           const WireCaps *common_caps, const WireCaps *channel_caps)
{
    ClientLink *link = g_new0(ClientLink, 1);

    link->refs = 1;
    link->client = client_ref(client);
    link->channel = channel_ref(channel);
    link->stream = stream;
    link->common_caps = *common_caps;
    link->channel_caps = *channel_caps;
    pthread_mutex_init(&link->lock, NULL);
    pthread_cond_init(&link->gone_cond, NULL);
    channel->links = g_list_append(channel->links, link);
    link->parked = client->parked;
    client_link_attached(link);
    /* A parked main channel is there, to hear when it is time; the others begin then. */
    if (link->parked && channel->class->type != SPICE_CHANNEL_MAIN)
        return link;
    if (is_main(channel))
        attach(link);
    else
        loop_post(channel->loop, attach_posted, client_link_ref(link));
    return link;
}

void client_link_unpark(ClientLink *link)
{
    link->parked = false;
    if (link->channel->class->type == SPICE_CHANNEL_MAIN) {
        begin(link->engine);
        engine_post_pump(link->engine);
    } else {
        loop_post(link->channel->loop, attach_posted, client_link_ref(link));
    }
}

/* ---- Closing from the main thread ---- */

static void close_posted(void *data)
{
    ClientLink *link = data;
    ChannelEngine *engine = link->engine; /* this loop is the only one that sets it */

    if (engine) {
        engine->closing = true;
        if (!engine->dispatch)
            finish(engine, true);
    }
    client_link_unref(link);
}

static void close_here(ClientLink *link, bool force)
{
    ChannelEngine *engine = link->engine;

    if (!engine)
        return;
    engine->closing = true;
    if (!engine->dispatch || force)
        finish(engine, false);
}

static void close_there(ClientLink *link, bool force)
{
    struct timespec until;

    loop_post(link->channel->loop, close_posted, client_link_ref(link));
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CLOSE_WAIT_S;
    pthread_mutex_lock(&link->lock);
    while (!link->gone) {
        if (force)
            pthread_cond_wait(&link->gone_cond, &link->lock);
        else if (pthread_cond_timedwait(&link->gone_cond, &link->lock, &until))
            break;
    }
    pthread_mutex_unlock(&link->lock);
}

void client_link_close(ClientLink *link, bool force)
{
    client_link_ref(link);
    pthread_mutex_lock(&link->lock);
    link->closing = true;
    pthread_mutex_unlock(&link->lock);
    if (link->parked && !link->engine)
        let_go_unattached(link); /* nobody else knows of it */
    else if (is_main(link->channel))
        close_here(link, force);
    else
        close_there(link, force);
    pthread_mutex_lock(&link->lock);
    bool gone = link->gone;
    pthread_mutex_unlock(&link->lock);
    if (gone)
        client_link_gone(link);
    client_link_unref(link);
}

/* ---- Channels (main thread) ---- */

Channel *channel_new(struct RedsState *server, const ChannelClass *class, uint8_t id, Loop *loop,
                     void *owner)
{
    Channel *channel = g_new0(Channel, 1);

    channel->class = class;
    channel->server = server;
    channel->loop = loop;
    channel->id = id;
    channel->owner = owner;
    channel->refs = 1;
    server->channels = g_list_prepend(server->channels, channel);
    clients_channel_added(server, channel);
    return channel;
}

void channel_free(Channel *channel)
{
    if (!channel)
        return;
    channel->server->channels = g_list_remove(channel->server->channels, channel);
    while (channel->links) {
        ClientLink *link = channel->links->data;

        client_link_close(link, true);
        /* client_link_gone() took it out of the list; a link that couldn't go would be a loop. */
        if (channel->links && channel->links->data == link)
            channel->links = g_list_delete_link(channel->links, channel->links);
    }
    channel_unref(channel);
}
