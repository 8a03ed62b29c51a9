/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A scriptable SPICE server for tests: each connection runs a script in a thread of its own, with
 * blocking reads and writes. Built on common/wire; the tested library runs in the main thread. */
#pragma once

#include <gio/gio.h>
#include "wire/header.h"
#include "wire/link.h"

G_BEGIN_DECLS

typedef struct FakeServer FakeServer;
typedef struct FakeConn FakeConn;
typedef void (*FakeScript)(FakeConn *conn, gpointer data);

/* A client's connection, for its script only. */
struct FakeConn {
    FakeServer *server;
    guint number; /* of the connections of this server, from 1 */
    GSocketConnection *stream;
    void *ssl; /* SSL, on a TLS port */
    WireLinkMess link;
    gchar password[128]; /* of the ticket */
    gboolean mini;
    guint64 serial;
};

typedef struct FakeMessage {
    guint16 type;
    guint64 serial;
    guint32 size;
    guint8 *body;
} FakeMessage;

/* On a free port of the loopback address. */
FakeServer *fake_server_new(FakeScript script, gpointer data);
/* Speak TLS on a further port, from now on. PEM files. */
guint16 fake_server_add_tls(FakeServer *server, const gchar *cert, const gchar *key);
/* No newer TLS than this (TLS1_2_VERSION, ...) on that port. */
void fake_server_limit_tls(FakeServer *server, gint version);
/* Listen on a Unix socket too. */
void fake_server_add_unix(FakeServer *server, const gchar *path);
guint16 fake_server_port(FakeServer *server);
/* Stop it: close all connections and wait for their scripts. */
void fake_server_free(FakeServer *server);
/* Close the connections that there are. */
void fake_server_drop_all(FakeServer *server);
/* Connections that were accepted so far. */
guint fake_server_count(FakeServer *server);

/* FALSE at the end of the stream. */
gboolean fake_read(FakeConn *conn, void *buffer, gsize size);
gboolean fake_write(FakeConn *conn, const void *buffer, gsize size);
/* Read the client's link message. */
gboolean fake_read_link(FakeConn *conn);
/* A good reply with our key and these capabilities (bits of the first word). */
gboolean fake_write_reply(FakeConn *conn, guint32 common, guint32 channel);
gboolean fake_write_reply_error(FakeConn *conn, guint32 error);
/* Bytes of a whole good greeting (header, reply with key); free them. */
GByteArray *fake_reply_bytes(guint32 common, guint32 channel);
/* Mechanism word and ticket. */
gboolean fake_read_ticket(FakeConn *conn);
gboolean fake_write_result(FakeConn *conn, guint32 result);
/* All of it with result 0. */
gboolean fake_link(FakeConn *conn, guint32 channel_caps);

gboolean fake_send(FakeConn *conn, guint16 type, const void *message);
gboolean fake_send_body(FakeConn *conn, guint16 type, const void *body, gsize size);
/* Full header with a list of sub-messages. */
gboolean fake_send_with_list(FakeConn *conn, guint16 type, const void *body, gsize size,
                             guint32 sub_list);
/* The next message, to be freed by fake_message_clear(). */
gboolean fake_receive(FakeConn *conn, FakeMessage *message);
void fake_message_clear(FakeMessage *message);
/* Skip messages until one of this type. */
gboolean fake_receive_type(FakeConn *conn, guint16 type, FakeMessage *message);
/* Read until the client closes. */
void fake_drain(FakeConn *conn);

/* INIT, NAME and UUID of a main channel; agent: with an agent and 10 tokens. */
void fake_send_main_start(FakeConn *conn, gboolean agent);
/* The usual script: main with the channels cursor:0 and inputs:0. */
void fake_standard(FakeConn *conn, gpointer data);

G_END_DECLS
