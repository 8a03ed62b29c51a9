/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams: the socket, the stack of layers above it, and the channel events of a connection. */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/layers.h"
#include "server.h"

struct Stream {
    StreamLayer socket; /* the bottom layer */
    StreamLayer *top;
    struct RedsState *server;
    int fd;
    bool encrypted, local;
    bool told; /* CONNECTED was given */
    /* What the application sees: the same structure in all events of the connection. */
    SpiceChannelEventInfo info;
    char peer_name[INET6_ADDRSTRLEN + 16];
};

/* ---- Parts ---- */

size_t parts_copy(PartsCursor *cursor, void *data, size_t size)
{
    uint8_t *to = data;
    size_t copied = 0;

    while (copied < size && cursor->n > 0) {
        size_t left = cursor->parts->iov_len - cursor->offset;
        size_t bytes = MIN(left, size - copied);

        if (bytes)
            memcpy(to + copied, (const uint8_t *)cursor->parts->iov_base + cursor->offset, bytes);
        copied += bytes;
        cursor->offset += bytes;
        if (bytes == left) {
            cursor->parts++;
            cursor->n--;
            cursor->offset = 0;
        }
    }
    return copied;
}

size_t parts_size(const PartsCursor *cursor, size_t limit)
{
    size_t total = 0;

    for (int i = 0; i < cursor->n && total < limit; i++)
        total += cursor->parts[i].iov_len - (i == 0 ? cursor->offset : 0);
    return MIN(total, limit);
}

int parts_take(PartsCursor *cursor, size_t size, struct iovec *views, int max, size_t *bytes)
{
    int n = 0;

    *bytes = 0;
    while (*bytes < size && cursor->n > 0 && n < max) {
        size_t left = cursor->parts->iov_len - cursor->offset;
        size_t taken = MIN(left, size - *bytes);

        if (taken) {
            views[n].iov_base = (uint8_t *)cursor->parts->iov_base + cursor->offset;
            views[n].iov_len = taken;
            n++;
        }
        *bytes += taken;
        cursor->offset += taken;
        if (taken == left) {
            cursor->parts++;
            cursor->n--;
            cursor->offset = 0;
        }
    }
    return n;
}

/* ---- The socket ---- */

static Stream *stream_of_socket(StreamLayer *layer)
{
    return (Stream *)((char *)layer - offsetof(Stream, socket));
}

static ssize_t socket_read(StreamLayer *layer, void *data, size_t size)
{
    ssize_t n;

    do
        n = recv(stream_of_socket(layer)->fd, data, size, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n;
}

static ssize_t socket_writev(StreamLayer *layer, const struct iovec *parts, int n)
{
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = MIN(n, IOV_MAX)};
    ssize_t written;

    do
        written = sendmsg(stream_of_socket(layer)->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (written < 0 && errno == EINTR);
    return written;
}

static int socket_flush(StreamLayer *layer)
{
    return 1;
}

static bool socket_holds_nothing(const StreamLayer *layer)
{
    return false;
}

static const StreamLayerClass socket_class = {
    .read = socket_read,
    .writev = socket_writev,
    .flush = socket_flush,
    .has_pending_output = socket_holds_nothing,
    .has_buffered_input = socket_holds_nothing,
};

/* ---- Addresses ---- */

static const void *ip_address(const struct sockaddr_storage *address, int *family, uint16_t *port)
{
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)address;

        *family = AF_INET;
        *port = ntohs(in->sin_port);
        return &in->sin_addr;
    }
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)address;

        *port = ntohs(in6->sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
            *family = AF_INET;
            return in6->sin6_addr.s6_addr + 12;
        }
        *family = AF_INET6;
        return &in6->sin6_addr;
    }
    return NULL;
}

static void sasl_address(const struct sockaddr_storage *address, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "localhost";
    int family;
    uint16_t port = 0;
    const void *ip = ip_address(address, &family, &port);

    if (ip)
        inet_ntop(family, ip, host, sizeof host);
    g_snprintf(text, size, "%s;%u", host, port);
}

void stream_sasl_addresses(const Stream *stream, char *local, char *peer, size_t size)
{
    sasl_address(&stream->info.laddr_ext, local, size);
    sasl_address(&stream->info.paddr_ext, peer, size);
}

uint64_t stream_peer_key(const Stream *stream)
{
    int family;
    uint16_t port;
    const void *ip = ip_address(&stream->info.paddr_ext, &family, &port);
    uint64_t key = 0;

    if (!ip)
        return 1;
    /* Whoever has an IPv6 address has 2^64 of them. */
    memcpy(&key, ip, family == AF_INET ? 4 : 8);
    return key ^ (family == AF_INET ? G_GUINT64_CONSTANT(0xffff000000000000) : 0);
}

static void fill_addresses(Stream *stream)
{
    SpiceChannelEventInfo *info = &stream->info;
    char ip_text[INET6_ADDRSTRLEN];
    int family;
    uint16_t port;
    const void *ip;

    info->llen_ext = sizeof info->laddr_ext;
    if (getsockname(stream->fd, (struct sockaddr *)&info->laddr_ext, &info->llen_ext) != 0) {
        memset(&info->laddr_ext, 0, sizeof info->laddr_ext);
        info->llen_ext = 0;
    }
    info->paddr_ext.ss_family = AF_UNSPEC;
    info->plen_ext = sizeof info->paddr_ext;
    if (getpeername(stream->fd, (struct sockaddr *)&info->paddr_ext, &info->plen_ext) != 0) {
        memset(&info->paddr_ext, 0, sizeof info->paddr_ext);
        info->plen_ext = 0;
    }
    info->llen_ext = MIN(info->llen_ext, sizeof info->laddr_ext);
    info->plen_ext = MIN(info->plen_ext, sizeof info->paddr_ext);
    G_GNUC_BEGIN_IGNORE_DEPRECATIONS
    memcpy(&info->laddr, &info->laddr_ext, sizeof info->laddr);
    memcpy(&info->paddr, &info->paddr_ext, sizeof info->paddr);
    info->llen = MIN(info->llen_ext, sizeof info->laddr);
    info->plen = MIN(info->plen_ext, sizeof info->paddr);
    G_GNUC_END_IGNORE_DEPRECATIONS

    stream->local = info->laddr_ext.ss_family == AF_UNIX;
    ip = ip_address(&info->paddr_ext, &family, &port);
    if (ip && inet_ntop(family, ip, ip_text, sizeof ip_text))
        g_snprintf(stream->peer_name, sizeof stream->peer_name,
                   family == AF_INET6 ? "[%s]:%u" : "%s:%u", ip_text, port);
    else
        g_strlcpy(stream->peer_name, "a local socket", sizeof stream->peer_name);
}

/* ---- Channel events ---- */

static void tell(Stream *stream, int event)
{
    SpiceCoreInterface *core = stream->server->core;

    if (core && core->base.minor_version >= 3 && core->channel_event)
        core->channel_event(event, &stream->info);
}

void stream_tell_connected(Stream *stream)
{
    stream->told = true;
    tell(stream, SPICE_CHANNEL_EVENT_CONNECTED);
}

void stream_tell_initialized(Stream *stream, uint32_t connection_id, uint8_t type, uint8_t id)
{
    stream->info.connection_id = (int)connection_id;
    stream->info.type = type;
    stream->info.id = id;
    if (stream->encrypted)
        stream->info.flags |= SPICE_CHANNEL_EVENT_FLAG_TLS;
    tell(stream, SPICE_CHANNEL_EVENT_INITIALIZED);
}

/* ---- Life ---- */

Stream *stream_new(struct RedsState *server, int fd)
{
    Stream *stream = g_new0(Stream, 1);

    stream->socket.class = &socket_class;
    stream->top = &stream->socket;
    stream->server = server;
    stream->fd = fd;
    stream->info.flags = SPICE_CHANNEL_EVENT_FLAG_ADDR_EXT;
    fill_addresses(stream);
    return stream;
}

int stream_release(Stream *stream)
{
    int fd = stream->fd;

    for (StreamLayer *layer = stream->top, *below; layer != &stream->socket; layer = below) {
        below = layer->below;
        layer->class->free(layer);
    }
    stream->top = &stream->socket;
    if (stream->told)
        tell(stream, SPICE_CHANNEL_EVENT_DISCONNECTED);
    g_free(stream);
    return fd;
}

void stream_close(Stream *stream)
{
    if (!stream)
        return;
    for (StreamLayer *layer = stream->top, *below; layer != &stream->socket; layer = below) {
        below = layer->below;
        layer->class->free(layer); /* may still say goodbye to the peer */
        stream->top = below;
    }
    close(stream->fd);
    stream_release(stream);
}

void stream_push(Stream *stream, StreamLayer *layer)
{
    layer->below = stream->top;
    stream->top = layer;
}

StreamLayer *stream_top(Stream *stream)
{
    return stream->top;
}

void stream_mark_encrypted(Stream *stream)
{
    stream->encrypted = true;
}

/* ---- Bytes ---- */

ssize_t stream_read(Stream *stream, void *data, size_t size)
{
    return size ? layer_read(stream->top, data, size) : 0;
}

ssize_t stream_writev(Stream *stream, const struct iovec *parts, int n)
{
    while (n > 0 && parts->iov_len == 0) {
        parts++;
        n--;
    }
    return n > 0 ? layer_writev(stream->top, parts, n) : 0;
}

int stream_flush(Stream *stream)
{
    for (StreamLayer *layer = stream->top; layer; layer = layer->below) {
        int result = layer->class->flush(layer);

        if (result != 1)
            return result;
    }
    return 1;
}

bool stream_has_pending_output(const Stream *stream)
{
    for (const StreamLayer *layer = stream->top; layer; layer = layer->below)
        if (layer->class->has_pending_output(layer))
            return true;
    return false;
}

bool layer_has_buffered_input(const StreamLayer *layer)
{
    for (; layer; layer = layer->below)
        if (layer->class->has_buffered_input(layer))
            return true;
    return false;
}

bool stream_has_buffered_input(const Stream *stream)
{
    return layer_has_buffered_input(stream->top);
}

int stream_wanted_events(const Stream *stream)
{
    for (const StreamLayer *layer = stream->top; layer; layer = layer->below)
        if (layer->class->read_needs_write && layer->class->read_needs_write(layer))
            return LOOP_WRITE;
    return LOOP_READ;
}

/* ---- What it is ---- */

int stream_fd(const Stream *stream)
{
    return stream->fd;
}

bool stream_is_encrypted(const Stream *stream)
{
    return stream->encrypted;
}

bool stream_is_unix(const Stream *stream)
{
    return stream->local;
}

size_t stream_unsent(const Stream *stream)
{
    int bytes = 0;

    return ioctl(stream->fd, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? (size_t)bytes : 0;
}

const char *stream_peer_name(const Stream *stream)
{
    return stream->peer_name;
}
