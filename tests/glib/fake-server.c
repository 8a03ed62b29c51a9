/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A scriptable SPICE server for tests. See fake-server.h. */
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <gio/gunixsocketaddress.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include "fake-server.h"

#define SPICE_INPUTS_NUM_LOCK_BIT 2

struct FakeServer {
    GSocketListener *listener;
    GCancellable *cancellable;
    GThread *accept_thread;
    guint16 port;
    FakeScript script;
    gpointer data;
    SSL_CTX *tls;
    GObject *tls_source;

    pthread_mutex_t lock;
    GList *threads;
    GList *sockets; /* of running scripts */
    guint count;
};

typedef struct Job {
    FakeServer *server;
    GSocketConnection *stream;
    gboolean tls;
    guint number;
} Job;

/* The descriptor below a GSocket never blocks. */
static gboolean accept_tls(SSL *ssl, GSocket *socket)
{
    for (;;) {
        int n = SSL_accept(ssl);

        if (n == 1)
            return TRUE;
        if (SSL_get_error(ssl, n) != SSL_ERROR_WANT_READ ||
            !g_socket_condition_wait(socket, G_IO_IN, NULL, NULL))
            return FALSE;
    }
}

static gpointer run_script(gpointer data)
{
    Job *job = data;
    FakeServer *server = job->server;
    GSocket *socket = g_socket_connection_get_socket(job->stream);
    FakeConn conn = {.server = server, .number = job->number, .stream = job->stream};

    if (job->tls) {
        SSL *ssl = SSL_new(server->tls);

        SSL_set_fd(ssl, g_socket_get_fd(socket));
        if (accept_tls(ssl, socket)) {
            conn.ssl = ssl;
            server->script(&conn, server->data);
        }
        if (conn.ssl)
            SSL_shutdown(ssl);
        SSL_free(ssl);
    } else {
        server->script(&conn, server->data);
    }
    pthread_mutex_lock(&server->lock);
    server->sockets = g_list_remove(server->sockets, socket);
    pthread_mutex_unlock(&server->lock);
    /* g_object_unref() does not close while another thread looks at it; the peer shall see the end
     * now. */
    g_io_stream_close(G_IO_STREAM(job->stream), NULL, NULL);
    g_object_unref(job->stream);
    g_free(job);
    return NULL;
}

static gpointer accept_loop(gpointer data)
{
    FakeServer *server = data;

    for (;;) {
        GObject *source = NULL;
        GSocketConnection *stream =
            g_socket_listener_accept(server->listener, &source, server->cancellable, NULL);
        GSocket *socket;
        Job *job;

        if (!stream)
            return NULL;
        socket = g_socket_connection_get_socket(stream);
        g_socket_set_blocking(socket, TRUE);
        job = g_new0(Job, 1);
        job->server = server;
        job->stream = stream;
        job->tls = source && source == server->tls_source;
        pthread_mutex_lock(&server->lock);
        job->number = ++server->count;
        server->sockets = g_list_prepend(server->sockets, socket);
        server->threads =
            g_list_prepend(server->threads, g_thread_new("fake-script", run_script, job));
        pthread_mutex_unlock(&server->lock);
    }
}

FakeServer *fake_server_new(FakeScript script, gpointer data)
{
    FakeServer *server = g_new0(FakeServer, 1);
    g_autoptr(GInetAddress) loopback = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
    g_autoptr(GSocketAddress) any = g_inet_socket_address_new(loopback, 0);
    g_autoptr(GSocketAddress) actual = NULL;

    pthread_mutex_init(&server->lock, NULL);
    server->script = script;
    server->data = data;
    server->cancellable = g_cancellable_new();
    server->listener = g_socket_listener_new();
    g_assert_true(g_socket_listener_add_address(server->listener, any, G_SOCKET_TYPE_STREAM,
                                                G_SOCKET_PROTOCOL_TCP, NULL, &actual, NULL));
    server->port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(actual));
    server->accept_thread = g_thread_new("fake-accept", accept_loop, server);
    return server;
}

/* The accept call that is waiting does not know new addresses: start it anew. */
static void restart_accept(FakeServer *server)
{
    g_cancellable_cancel(server->cancellable);
    g_thread_join(server->accept_thread);
    g_object_unref(server->cancellable);
    server->cancellable = g_cancellable_new();
}

guint16 fake_server_add_tls(FakeServer *server, const gchar *cert, const gchar *key)
{
    g_autoptr(GInetAddress) loopback = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
    g_autoptr(GSocketAddress) any = g_inet_socket_address_new(loopback, 0);
    g_autoptr(GSocketAddress) actual = NULL;

    server->tls = SSL_CTX_new(TLS_server_method());
    g_assert_cmpint(SSL_CTX_use_certificate_chain_file(server->tls, cert), ==, 1);
    g_assert_cmpint(SSL_CTX_use_PrivateKey_file(server->tls, key, SSL_FILETYPE_PEM), ==, 1);
    server->tls_source = g_object_new(G_TYPE_OBJECT, NULL);
    restart_accept(server);
    g_assert_true(g_socket_listener_add_address(server->listener, any, G_SOCKET_TYPE_STREAM,
                                                G_SOCKET_PROTOCOL_TCP, server->tls_source, &actual,
                                                NULL));
    server->accept_thread = g_thread_new("fake-accept", accept_loop, server);
    return g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(actual));
}

void fake_server_limit_tls(FakeServer *server, gint version)
{
    g_assert_cmpint(SSL_CTX_set_max_proto_version(server->tls, version), ==, 1);
}

void fake_server_add_unix(FakeServer *server, const gchar *path)
{
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);

    restart_accept(server);
    g_assert_true(g_socket_listener_add_address(server->listener, address, G_SOCKET_TYPE_STREAM,
                                                G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, NULL));
    server->accept_thread = g_thread_new("fake-accept", accept_loop, server);
}

guint16 fake_server_port(FakeServer *server)
{
    return server->port;
}

guint fake_server_count(FakeServer *server)
{
    guint count;

    pthread_mutex_lock(&server->lock);
    count = server->count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

void fake_server_drop_all(FakeServer *server)
{
    pthread_mutex_lock(&server->lock);
    for (GList *l = server->sockets; l; l = l->next)
        shutdown(g_socket_get_fd(l->data), SHUT_RDWR);
    pthread_mutex_unlock(&server->lock);
}

void fake_server_free(FakeServer *server)
{
    g_cancellable_cancel(server->cancellable);
    g_thread_join(server->accept_thread);
    fake_server_drop_all(server);
    for (GList *l = server->threads; l; l = l->next)
        g_thread_join(l->data);
    g_list_free(server->threads);
    g_socket_listener_close(server->listener);
    g_object_unref(server->listener);
    g_object_unref(server->cancellable);
    g_clear_object(&server->tls_source);
    SSL_CTX_free(server->tls);
    pthread_mutex_destroy(&server->lock);
    g_free(server);
}

/* --- bytes --- */

gboolean fake_read(FakeConn *conn, void *buffer, gsize size)
{
    gsize n = 0;

    if (!conn->ssl)
        return g_input_stream_read_all(g_io_stream_get_input_stream(G_IO_STREAM(conn->stream)),
                                       buffer, size, &n, NULL, NULL) &&
               n == size;
    while (n < size) {
        int got = SSL_read(conn->ssl, (char *)buffer + n, (int)(size - n));

        if (got <= 0) {
            if (SSL_get_error(conn->ssl, got) == SSL_ERROR_WANT_READ &&
                g_socket_condition_wait(g_socket_connection_get_socket(conn->stream), G_IO_IN, NULL,
                                        NULL))
                continue;
            return FALSE;
        }
        n += got;
    }
    return TRUE;
}

gboolean fake_write(FakeConn *conn, const void *buffer, gsize size)
{
    gsize n = 0;

    if (!conn->ssl)
        return g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(conn->stream)),
                                         buffer, size, &n, NULL, NULL);
    while (n < size) {
        int put = SSL_write(conn->ssl, (const char *)buffer + n, (int)(size - n));

        if (put <= 0) {
            if (SSL_get_error(conn->ssl, put) == SSL_ERROR_WANT_WRITE &&
                g_socket_condition_wait(g_socket_connection_get_socket(conn->stream), G_IO_OUT,
                                        NULL, NULL))
                continue;
            return FALSE;
        }
        n += put;
    }
    return TRUE;
}

/* --- link stage --- */

/* One key for the whole process: making one takes a while. */
static EVP_PKEY *ticket_key(void)
{
    static gsize key;

    if (g_once_init_enter(&key))
        g_once_init_leave(&key, (gsize)EVP_RSA_gen(1024));
    return (EVP_PKEY *)key;
}

gboolean fake_read_link(FakeConn *conn)
{
    guint8 bytes[WIRE_LINK_MESS_MAX];
    WireLinkHeader header;

    if (!fake_read(conn, bytes, WIRE_LINK_HEADER_SIZE))
        return FALSE;
    wire_link_header_read(bytes, &header);
    g_assert_cmpint(wire_link_header_check(&header, WIRE_TO_SERVER, NULL), ==, SPICE_LINK_ERR_OK);
    if (!fake_read(conn, bytes, header.size))
        return FALSE;
    g_assert_cmpint(wire_link_mess_parse(bytes, header.size, &conn->link, NULL), ==,
                    SPICE_LINK_ERR_OK);
    return TRUE;
}

GByteArray *fake_reply_bytes(guint32 common, guint32 channel)
{
    WireLinkReply reply = {.common_caps = {1, {common}}, .channel_caps = {1, {channel}}};
    guint8 *der = reply.pub_key;
    WireBuffer out = {0};
    GByteArray *bytes = g_byte_array_new();

    g_assert_cmpint(i2d_PUBKEY(ticket_key(), &der), ==, WIRE_PUBKEY_SIZE);
    g_assert_true(wire_link_reply_write(&reply, &out));
    g_byte_array_append(bytes, out.data, out.size);
    wire_buffer_clear(&out);
    return bytes;
}

gboolean fake_write_reply(FakeConn *conn, guint32 common, guint32 channel)
{
    g_autoptr(GByteArray) bytes = fake_reply_bytes(common, channel);

    conn->mini = (common & 1u << SPICE_COMMON_CAP_MINI_HEADER) &&
                 wire_caps_has(&conn->link.common_caps, SPICE_COMMON_CAP_MINI_HEADER);
    return fake_write(conn, bytes->data, bytes->len);
}

gboolean fake_write_reply_error(FakeConn *conn, guint32 error)
{
    WireLinkReply reply = {.error = error};
    WireBuffer out = {0};
    gboolean ok;

    g_assert_true(wire_link_reply_write(&reply, &out));
    ok = fake_write(conn, out.data, out.size);
    wire_buffer_clear(&out);
    return ok;
}

gboolean fake_read_ticket(FakeConn *conn)
{
    guint8 bytes[WIRE_AUTH_MECHANISM_SIZE + WIRE_TICKET_SIZE];
    EVP_PKEY_CTX *ctx;
    size_t size = sizeof conn->password;

    if (!fake_read(conn, bytes, sizeof bytes))
        return FALSE;
    g_assert_cmpint(wire_link_word_read(bytes), ==, SPICE_COMMON_CAP_AUTH_SPICE);
    ctx = EVP_PKEY_CTX_new(ticket_key(), NULL);
    g_assert_cmpint(EVP_PKEY_decrypt_init(ctx), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), ==, 1);
    g_assert_cmpint(EVP_PKEY_decrypt(ctx, (guint8 *)conn->password, &size,
                                     bytes + WIRE_AUTH_MECHANISM_SIZE, WIRE_TICKET_SIZE),
                    ==, 1);
    EVP_PKEY_CTX_free(ctx);
    g_assert_cmpint(conn->password[size - 1], ==, 0);
    return TRUE;
}

gboolean fake_write_result(FakeConn *conn, guint32 result)
{
    guint8 bytes[WIRE_LINK_RESULT_SIZE];

    wire_link_word_write(bytes, result);
    return fake_write(conn, bytes, sizeof bytes);
}

gboolean fake_link(FakeConn *conn, guint32 channel_caps)
{
    return fake_read_link(conn) && fake_write_reply(conn, 0x0b, channel_caps) &&
           fake_read_ticket(conn) && fake_write_result(conn, SPICE_LINK_ERR_OK);
}

/* --- messages --- */

gboolean fake_send_with_list(FakeConn *conn, guint16 type, const void *body, gsize size,
                             guint32 sub_list)
{
    WireHeader header = {
        .serial = ++conn->serial, .type = type, .size = size, .sub_list = sub_list};
    g_autofree guint8 *bytes = g_malloc(WIRE_FULL_HEADER_SIZE + size);
    gsize header_size = wire_header_size(conn->mini);

    wire_header_write(conn->mini, &header, bytes);
    if (size > 0)
        memcpy(bytes + header_size, body, size);
    return fake_write(conn, bytes, header_size + size);
}

gboolean fake_send_body(FakeConn *conn, guint16 type, const void *body, gsize size)
{
    return fake_send_with_list(conn, type, body, size, 0);
}

gboolean fake_send(FakeConn *conn, guint16 type, const void *message)
{
    WireBuffer body = {0};
    gboolean ok;

    g_assert_true(wire_write(conn->link.channel_type, WIRE_TO_CLIENT, type, message, &body));
    ok = fake_send_body(conn, type, body.data, body.size);
    wire_buffer_clear(&body);
    return ok;
}

gboolean fake_receive(FakeConn *conn, FakeMessage *message)
{
    guint8 bytes[WIRE_FULL_HEADER_SIZE];
    WireHeader header;

    if (!fake_read(conn, bytes, wire_header_size(conn->mini)))
        return FALSE;
    wire_header_read(conn->mini, bytes, &header);
    g_assert_cmpint(header.size, <, 1024 * 1024);
    *message = (FakeMessage){header.type, header.serial, header.size, g_malloc(header.size)};
    if (header.size > 0 && !fake_read(conn, message->body, header.size)) {
        fake_message_clear(message);
        return FALSE;
    }
    return TRUE;
}

void fake_message_clear(FakeMessage *message)
{
    g_clear_pointer(&message->body, g_free);
}

gboolean fake_receive_type(FakeConn *conn, guint16 type, FakeMessage *message)
{
    while (fake_receive(conn, message)) {
        if (message->type == type)
            return TRUE;
        fake_message_clear(message);
    }
    return FALSE;
}

void fake_drain(FakeConn *conn)
{
    guint8 byte;

    while (fake_read(conn, &byte, 1))
        continue;
}

void fake_send_main_start(FakeConn *conn, gboolean agent)
{
    static const guint8 uuid[16] = {0,    0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                    0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    WireMsgMainInit init = {.session_id = 0x1234,
                            .display_channels_hint = 1,
                            .supported_mouse_modes = 3,
                            .current_mouse_mode = 1,
                            .agent_connected = agent,
                            .agent_tokens = 10,
                            .multi_media_time = 1000000,
                            .ram_hint = 64 * 1024 * 1024};
    WireMsgMainName name = {.name = {(const guint8 *)"wire-vm", 8}};
    WireMsgMainUuid uuid_message;

    memcpy(uuid_message.uuid, uuid, sizeof uuid);
    fake_send(conn, SPICE_MSG_MAIN_INIT, &init);
    fake_send(conn, SPICE_MSG_MAIN_NAME, &name);
    fake_send(conn, SPICE_MSG_MAIN_UUID, &uuid_message);
}

static void send_cursor_start(FakeConn *conn)
{
    WireMsgCursorInit init = {.visible = 1, .cursor = {.flags = SPICE_CURSOR_FLAGS_NONE}};

    fake_send(conn, SPICE_MSG_CURSOR_INIT, &init);
}

void fake_standard(FakeConn *conn, gpointer data)
{
    static const WireChannelId channels[] = {{SPICE_CHANNEL_CURSOR, 0}, {SPICE_CHANNEL_INPUTS, 0}};
    WireMsgMainChannelsList list = {.n_channels = G_N_ELEMENTS(channels), .channels = channels};
    WireMsgInputsInit inputs = {.modifiers = SPICE_INPUTS_NUM_LOCK_BIT};
    FakeMessage message;

    if (!fake_link(conn, 1))
        return;
    switch (conn->link.channel_type) {
    case SPICE_CHANNEL_MAIN:
        fake_send_main_start(conn, FALSE);
        if (fake_receive_type(conn, SPICE_MSGC_MAIN_ATTACH_CHANNELS, &message)) {
            fake_message_clear(&message);
            fake_send(conn, SPICE_MSG_MAIN_CHANNELS_LIST, &list);
        }
        break;
    case SPICE_CHANNEL_CURSOR:
        send_cursor_start(conn);
        break;
    case SPICE_CHANNEL_INPUTS:
        fake_send(conn, SPICE_MSG_INPUTS_INIT, &inputs);
        break;
    default:
        break;
    }
    fake_drain(conn);
}
