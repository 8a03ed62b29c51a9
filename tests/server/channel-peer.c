/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The other end of a server's channels. */
#include "channel-peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/stream-setup.h"

static unsigned log_lines;

static GLogWriterOutput count_line(GLogLevelFlags level, const GLogField *fields, gsize n,
                                   gpointer data)
{
    (void)fields;
    (void)n;
    (void)data;
    if (level & (G_LOG_LEVEL_WARNING | G_LOG_LEVEL_CRITICAL))
        __atomic_add_fetch(&log_lines, 1, __ATOMIC_RELAXED);
    return G_LOG_WRITER_HANDLED;
}

unsigned peer_log_lines(void)
{
    return __atomic_load_n(&log_lines, __ATOMIC_RELAXED);
}

struct RedsState *peer_server_new(void)
{
    static bool quiet;

    if (!quiet)
        g_log_set_writer_func(count_line, NULL, NULL);
    quiet = true;
    struct RedsState *server = g_new0(struct RedsState, 1);
    server->options.agent_mouse = server->options.agent_copypaste =
        server->options.agent_file_xfer = true;
    server->loop = loop_new_poll();
    loop_run_once(server->loop, 0); /* this thread's */
    server->clients = clients_new(server);
    return server;
}

void peer_server_free(struct RedsState *server)
{
    clients_free(server->clients);
    server->clients = NULL;
    peer_run(server);
    loop_free(server->loop);
    g_free(server->options.name);
    g_free(server);
}

static void connect_pair(PeerSocket kind, int pair[2])
{
    if (kind == PEER_UNIX) {
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
            g_error("socketpair");
        return;
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (bind(listener, (void *)&address, size) || listen(listener, 1) ||
        getsockname(listener, (void *)&address, &size))
        g_error("listen");
    pair[1] = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(pair[1], (void *)&address, size) || (pair[0] = accept(listener, NULL, NULL)) < 0)
        g_error("connect");
    setsockopt(pair[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(pair[1], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    close(listener);
}

Peer *peer_link(struct RedsState *server, uint8_t type, uint8_t id, uint32_t connection_id,
                bool mini, const WireCaps *caps, PeerSocket kind)
{
    WireLinkMess mess = {.connection_id = connection_id, .channel_type = type, .channel_id = id};
    int pair[2];

    if (mini)
        wire_caps_set(&mess.common_caps, SPICE_COMMON_CAP_MINI_HEADER);
    if (caps)
        mess.channel_caps = *caps;
    if (clients_check(server, &mess) != SPICE_LINK_ERR_OK)
        return NULL;
    if (type == SPICE_CHANNEL_MAIN)
        connection_id = clients_new_connection_id(server, &mess);
    connect_pair(kind, pair);
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    fcntl(pair[1], F_SETFL, O_NONBLOCK);
    Stream *stream = stream_new(server, pair[0]);
    stream_tell_connected(stream);
    stream_tell_initialized(stream, connection_id, type, id);
    Peer *peer = g_new0(Peer, 1);
    peer->server = server;
    peer->fd = pair[1];
    peer->mini = mini;
    peer->type = type;
    peer->in = g_byte_array_new();
    wire_arena_init(&peer->arena, 1 << 24);
    clients_attach(server, &mess, connection_id, stream);
    return peer;
}

void peer_free(Peer *peer)
{
    if (!peer)
        return;
    close(peer->fd);
    g_byte_array_unref(peer->in);
    wire_arena_clear(&peer->arena);
    g_free(peer);
}

static void turn_over(void *data)
{
    *(bool *)data = true;
}

void peer_run(struct RedsState *server)
{
    /* A post is run behind those before it, and sockets are looked at in each turn. */
    for (int i = 0; i < 24; i++) {
        bool done = false;

        loop_post(server->loop, turn_over, &done);
        while (!done)
            loop_run_once(server->loop, 0);
    }
}

void peer_run_ms(struct RedsState *server, unsigned ms)
{
    uint64_t end = loop_now_ns() + ms * UINT64_C(1000000);

    while (loop_now_ns() < end)
        loop_run_once(server->loop, 1);
}

void peer_send_bytes(Peer *peer, const void *bytes, size_t size)
{
    const uint8_t *p = bytes;

    while (size) {
        ssize_t n = send(peer->fd, p, size, MSG_NOSIGNAL);

        if (n > 0) {
            p += n;
            size -= (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            loop_run_once(peer->server->loop, 0);
        } else {
            return; /* closed: the receiver will see */
        }
    }
}

void peer_send_raw(Peer *peer, uint16_t type, uint32_t announced, const void *body, size_t size)
{
    WireHeader header = {.serial = 1, .type = type, .size = announced};
    uint8_t bytes[WIRE_FULL_HEADER_SIZE];

    wire_header_write(peer->mini, &header, bytes);
    peer_send_bytes(peer, bytes, wire_header_size(peer->mini));
    peer_send_bytes(peer, body, size);
}

void peer_send(Peer *peer, uint16_t type, const void *message)
{
    WireBuffer out = {0};

    if (!wire_write_message(peer->mini, 1, peer->type, WIRE_TO_SERVER, type, message, &out))
        g_error("message %u can't be written", type);
    peer_send_bytes(peer, out.data, out.size);
    wire_buffer_clear(&out);
}

void peer_receive(Peer *peer)
{
    uint8_t bytes[65536];

    for (;;) {
        ssize_t n = recv(peer->fd, bytes, sizeof bytes, 0);

        if (n > 0) {
            g_byte_array_append(peer->in, bytes, (guint)n);
            continue;
        }
        if (!n || (errno != EAGAIN && errno != EINTR))
            peer->closed = true;
        return;
    }
}

uint16_t peer_next(Peer *peer)
{
    size_t header_size = wire_header_size(peer->mini);

    peer_receive(peer);
    if (peer->in->len - peer->handled < header_size)
        return 0;
    const uint8_t *at = peer->in->data + peer->handled;
    wire_header_read(peer->mini, at, &peer->header);
    if (peer->in->len - peer->handled - header_size < peer->header.size)
        return 0;
    peer->body = (WireBytes){at + header_size, peer->header.size};
    peer->handled += header_size + peer->header.size;
    peer->serial++;
    return peer->header.type;
}

const void *peer_expect(Peer *peer, uint16_t type)
{
    uint16_t came;

    do
        came = peer_next(peer);
    while (came == SPICE_MSG_PING && type != SPICE_MSG_PING);
    if (came != type) {
        printf("# message %u came instead of %u\n", came, type);
        return NULL;
    }
    wire_arena_reset(&peer->arena);
    return wire_parse(peer->type, WIRE_TO_CLIENT, type, peer->body.data, peer->body.size,
                      &peer->arena, NULL);
}

unsigned peer_count(Peer *peer, uint16_t type)
{
    unsigned n = 0;
    uint16_t came;

    while ((came = peer_next(peer)))
        n += came == type;
    return n;
}
