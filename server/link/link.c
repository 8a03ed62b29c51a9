/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The link stage of one connection: TLS handshake, WebSocket upgrade, link message, and the way
 * into a channel. Asynchronous reads, one after the other. docs/spec/server-api.md 8.2, 8.3 */
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/socket.h>

#include "channel/clients.h"
#include "link/link-private.h"
#include "link/upgrade.h"

enum {
    BUFFER_FIRST = 512,
    BUFFER_FREE = UPGRADE_REQUEST_MAX, /* beyond it a buffer counts as large */
    DRAIN_MAX = 64 * 1024,
};

/* ---- Life ---- */

static void wipe_buffer(Link *link)
{
    if (link->buffer)
        OPENSSL_cleanse(link->buffer, link->capacity);
    g_clear_pointer(&link->buffer, g_free);
}

static void free_link(Link *link)
{
    stream_close(link->stream);
    link->admission->memory -= link->charged;
    link_key_unref(link->key);
    link_sasl_free(link->sasl);
    wire_buffer_clear(&link->out);
    wipe_buffer(link); /* a mechanism's message may be a password */
    g_free(link);
}

void link_drop(Link *link, const char *reason)
{
    if (link->gone)
        return;
    if (reason)
        link_log(link, reason);
    link->gone = true;
    loop_watch_remove(link->watch);
    link->watch = NULL;
    admission_remove_link(link->admission, &link->node);
    if (link->busy && helper_cancel(link->busy, link))
        link->busy = NULL;
    if (!link->busy && !link->running)
        free_link(link);
}

void link_drop_for(Link *link, const char *what, const char *why)
{
    g_autofree char *reason = g_strdup_printf("%s: %s", what, why);

    link_drop(link, reason);
}

void link_log(Link *link, const char *reason)
{
    log_limited(&link->admission->log_peers, "%s: %s", stream_peer_name(link->stream), reason);
}

int64_t link_due(const Link *link)
{
    return link->wake_at ? MIN(link->wake_at, link->deadline) : link->deadline;
}

void link_timeout(Link *link, int64_t now)
{
    if (now >= link->deadline) {
        link_drop(link, "the connection was not authenticated in time");
        return;
    }
    link->wake_at = 0;
    link_go_on(link);
}

void link_sleep(Link *link, int ms)
{
    link->wake_at = admission_now_ms() + ms;
    link->waiting = true;
    admission_arm(link->admission);
}

/* ---- Bytes ---- */

/* 1: all is out; 0: wait; -1. */
static int flush(Link *link)
{
    while (link->out_at < link->out.size) {
        struct iovec part = {link->out.data + link->out_at, link->out.size - link->out_at};
        ssize_t n = stream_writev(link->stream, &part, 1);

        if (n < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
        link->out_at += (size_t)n;
    }
    wire_buffer_reset(&link->out);
    link->out_at = 0;
    return stream_has_pending_output(link->stream) ? stream_flush(link->stream) : 1;
}

/* Room for more input: what a peer announces is not allocated before it comes. */
static bool grow(Link *link)
{
    size_t capacity = MIN(link->need, MAX(BUFFER_FIRST, link->capacity * 2));
    size_t charge = capacity > BUFFER_FREE ? capacity : 0;
    Admission *admission = link->admission;
    uint8_t *buffer;

    if (admission->memory - link->charged + charge > admission->limits.memory)
        return false;
    buffer = g_try_malloc(capacity);
    if (!buffer)
        return false;
    if (link->have)
        memcpy(buffer, link->buffer, link->have);
    wipe_buffer(link);
    admission->memory += charge - link->charged;
    link->charged = charge;
    link->buffer = buffer;
    link->capacity = capacity;
    return true;
}

/* 1: something came; 0: wait; -1: the link was dropped. */
static int read_more(Link *link)
{
    ssize_t n;

    if (link->have == link->capacity && !grow(link)) {
        link_drop(link, "connections that are not authenticated take too much memory");
        return -1;
    }
    n = stream_read(link->stream, link->buffer + link->have,
                    MIN(link->capacity, link->need) - link->have);
    if (n > 0) {
        link->have += (size_t)n;
        return 1;
    }
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    if (n < 0)
        link_drop(link, g_strerror(errno));
    else
        link_drop(link, NULL);
    return -1;
}

/* Returns the events to wait for. */
static int run(Link *link)
{
    while (!link->gone && !link->waiting) {
        int flushed = flush(link), got = 1;

        if (flushed < 0) {
            link_drop(link, NULL);
            return 0;
        }
        if (flushed == 0)
            return LOOP_WRITE;
        if (link->have < link->need) {
            got = read_more(link);
            if (got < 0)
                return 0;
            if (got == 0)
                return stream_wanted_events(link->stream);
        }
        if (link->any || link->have == link->need)
            link->next(link);
    }
    return 0;
}

static void link_run(Link *link)
{
    int events;

    link->running = true;
    events = run(link);
    link->running = false;
    if (link->gone && !link->busy)
        free_link(link);
    else if (!link->gone)
        loop_watch_update(link->watch, events);
}

void link_go_on(Link *link)
{
    link->waiting = link->waiting_key = false;
    if (!link->running)
        link_run(link);
}

void link_expect(Link *link, size_t size, LinkFunc next)
{
    link->have = 0;
    link->need = size;
    link->any = false;
    link->next = next;
}

void link_then(Link *link, LinkFunc next)
{
    link->need = link->have;
    link->any = false;
    link->next = next;
}

void link_queue(Link *link, const void *data, size_t size)
{
    wire_buffer_append(&link->out, data, size);
}

void link_queue_word(Link *link, uint32_t word)
{
    uint8_t bytes[4];

    wire_link_word_write(bytes, word);
    link_queue(link, bytes, sizeof bytes);
}

/* Input that nobody has read would make close() a reset, which can overtake our last words. */
static void close_now(Link *link)
{
    uint8_t trash[4096];

    for (size_t total = 0; total < DRAIN_MAX; total += sizeof trash)
        if (recv(stream_fd(link->stream), trash, sizeof trash, MSG_DONTWAIT) <= 0)
            break;
    link_drop(link, NULL);
}

void link_end(Link *link)
{
    link_then(link, close_now);
}

void link_refuse(Link *link, SpiceLinkErr error, const char *reason)
{
    WireLinkReply reply = {.error = error};

    link_log(link, reason);
    wire_link_reply_write(&reply, &link->out);
    link_end(link);
}

/* ---- The helper ---- */

static void job_work(void *data)
{
    Link *link = data;

    link->job_work(link);
}

static void job_done(void *data)
{
    Link *link = data;

    link->busy = NULL;
    if (link->gone) {
        free_link(link);
    } else {
        link->running = true; /* done() may drop it */
        link->job_done(link);
        link->running = false;
        if (link->gone)
            free_link(link);
        else if (!link->waiting)
            link_run(link);
    }
}

void link_work(Link *link, Helper *helper, LinkFunc work, LinkFunc done)
{
    link->job_work = work;
    link->job_done = done;
    link->waiting = true;
    if (link->watch)
        loop_watch_update(link->watch, 0);
    link->busy = helper; /* first: the helper's thread may have it at once */
    if (!helper_run(helper, job_work, job_done, link)) {
        link->busy = NULL;
        link_drop(link, NULL);
    }
}

/* ---- TLS ---- */

static void got_magic(Link *link);

static void handshake_work(Link *link)
{
    link->tls_step = stream_tls_handshake(link->stream, link->error, sizeof link->error);
}

static void handshake_done(Link *link)
{
    switch (link->tls_step) {
    case TLS_STEP_DONE:
        link->waiting = link->handshaking = false;
        link_expect(link, sizeof(uint32_t), got_magic);
        break;
    case TLS_STEP_WANTS_READ:
        loop_watch_update(link->watch, LOOP_READ);
        break;
    case TLS_STEP_WANTS_WRITE:
        loop_watch_update(link->watch, LOOP_WRITE);
        break;
    case TLS_STEP_FAILED:
        link_drop_for(link, "the TLS handshake has failed", link->error);
        break;
    }
}

static void ready(int fd, int events, void *data)
{
    Link *link = data;

    if (link->gone || link->busy)
        return;
    if (link->handshaking)
        link_work(link, link->admission->helper, handshake_work, handshake_done);
    else if (!link->waiting)
        link_run(link);
}

bool link_start(Admission *admission, Stream *stream, bool tls, bool skip_auth)
{
    Link *link;

    if (tls && !stream_start_tls(stream, admission->tls))
        return false;
    link = g_new0(Link, 1);
    link->watch =
        loop_watch_add(admission->server->loop, stream_fd(stream), LOOP_READ, ready, link);
    if (!link->watch) {
        log_warning("the main loop takes no watch for a connection");
        g_free(link);
        return false;
    }
    link->admission = admission;
    link->stream = stream;
    link->skip_auth = skip_auth;
    link->handshaking = link->waiting = tls;
    link->tls_step = TLS_STEP_FAILED;
    link->deadline = admission_now_ms() + admission->limits.deadline_ms;
    link_expect(link, sizeof(uint32_t), got_magic);
    admission_add_link(admission, link, &link->node);
    return true;
}

/* ---- WebSocket ---- */

static void start_websocket(Link *link)
{
    stream_start_websocket(link->stream, link->buffer + link->request_size,
                           link->have - link->request_size);
    link->websocket = true;
    link_expect(link, sizeof(uint32_t), got_magic);
}

static void got_request(Link *link)
{
    char answer[UPGRADE_ANSWER_MAX];

    switch (upgrade_parse((const char *)link->buffer, link->have, &link->request_size, answer)) {
    case UPGRADE_INCOMPLETE:
        return;
    case UPGRADE_ACCEPTED:
        link_queue(link, answer, strlen(answer));
        link_then(link, start_websocket);
        return;
    case UPGRADE_REFUSED:
        link_log(link, "a WebSocket request is refused");
        link_queue(link, answer, strlen(answer));
        link_end(link);
        return;
    }
}

/* ---- The link message ---- */

static bool is_allowed(Link *link)
{
    const Options *options = &link->admission->server->options;
    unsigned type = link->mess.channel_type;
    int own = type < G_N_ELEMENTS(options->channel_security) ? options->channel_security[type] : -1;
    unsigned security = own == -1 ? options->default_security : (unsigned)own;

    return security & (stream_is_encrypted(link->stream) ? SPICE_CHANNEL_SECURITY_SSL
                                                         : SPICE_CHANNEL_SECURITY_NONE);
}

static void got_mess(Link *link)
{
    WireError error;
    SpiceLinkErr result = wire_link_mess_parse(link->buffer, link->have, &link->mess, &error);

    if (result != SPICE_LINK_ERR_OK) {
        link_refuse(link, result, error.text);
    } else if (!is_allowed(link)) {
        if (stream_is_encrypted(link->stream))
            link_refuse(link, SPICE_LINK_ERR_NEED_UNSECURED, "the channel takes no TLS");
        else
            link_refuse(link, SPICE_LINK_ERR_NEED_SECURED, "the channel needs TLS");
    } else if (link->mess.channel_type != SPICE_CHANNEL_MAIN &&
               !clients_find_channel(link->admission->server, link->mess.channel_type,
                                     link->mess.channel_id)) {
        link_drop(link, "there is no such channel");
    } else {
        link_authenticate(link);
    }
}

static void got_header(Link *link)
{
    WireLinkHeader header;
    SpiceLinkErr result;
    WireError error;

    memcpy(link->header + 4, link->buffer, link->have);
    wire_link_header_read(link->header, &header);
    result = wire_link_header_check(&header, WIRE_TO_SERVER, &error);
    if (result == SPICE_LINK_ERR_OK)
        link_expect(link, header.size, got_mess);
    else if (wire_link_header_wants_answer(&header))
        link_refuse(link, result, error.text);
    else
        link_drop(link, error.text);
}

static void got_magic(Link *link)
{
    memcpy(link->header, link->buffer, 4);
    if (memcmp(link->header, "REDQ", 4) == 0) {
        link_expect(link, WIRE_LINK_HEADER_SIZE - 4, got_header);
    } else if (memcmp(link->header, "GET ", 4) == 0 && !link->websocket) {
        link->need = UPGRADE_REQUEST_MAX;
        link->any = true;
        link->next = got_request;
    } else {
        link_refuse(link, SPICE_LINK_ERR_INVALID_MAGIC, "the peer doesn't speak this protocol");
    }
}

/* ---- The way in ---- */

static void attach(Link *link)
{
    struct RedsState *server = link->admission->server;
    WireLinkMess mess = link->mess;
    Stream *stream = link->stream;
    uint32_t id = link->connection_id;

    /* The application may do anything in these calls: the link is no more. */
    link->stream = NULL;
    link_drop(link, NULL);
    /* Usually nobody: another newcomer, while our result waited for the socket. */
    if (mess.channel_type == SPICE_CHANNEL_MAIN && !server->options.allow_multiple_clients &&
        clients_count(server) > 0)
        clients_disconnect_all(server, "a new client has come");
    stream_tell_initialized(stream, id, mess.channel_type, mess.channel_id);
    clients_attach(server, &mess, id, stream);
}

void link_accept(Link *link)
{
    struct RedsState *server = link->admission->server;
    SpiceLinkErr result = clients_check(server, &link->mess);

    if (result != SPICE_LINK_ERR_OK) {
        link_log(link, wire_link_error_text(result));
        link_queue_word(link, result);
        link_end(link);
        return;
    }
    link->connection_id = link->mess.connection_id;
    if (link->mess.channel_type == SPICE_CHANNEL_MAIN)
        link->connection_id = clients_new_connection_id(server, &link->mess);
    link_queue_word(link, SPICE_LINK_ERR_OK);
    link_then(link, attach);
}
