/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a channel class (main, display, inputs, cursor, ...) builds on: how it gets messages and
 * sends them.
 *
 * The base class does the connection, link stage, authentication, framing (mini and full headers,
 * sub-message lists), serials, the ack window, PING, SET_ACK, NOTIFY, DISCONNECTING,
 * WAIT_FOR_CHANNELS and the migration steps. A class does its own messages, in one of two ways:
 *
 *  - handlers: a table of message types and functions. Bodies arrive parsed by the wire room; the
 * message lives until the handler returns. A malformed body ends the channel with an error that
 * names the message.
 *  - raw: whole bodies, unparsed, as GBytes that the class owns from then on. For classes that
 * parse in another thread.
 *
 * Everything here is called in the main context only, except where it says otherwise. Vfuncs of
 * SpiceChannelClass that a class may fill in (chain up is not needed):
 *
 *  - channel_up(channel): the channel is READY and OPENED has been emitted: send the start
 * messages. Also runs when a semi-seamless migration has moved the channel to its new server.
 *  - channel_reset(channel, migrating): the connection is gone (capabilities are empty, queued
 * messages dropped): forget what belongs to it and emit the signals that tell so. Runs before
 * CLOSED and before the error event; also when the channel was never ready. migrating: a new
 * connection takes over at once.
 *
 * Spec: client-glib.md sections 2.1, 4, 5, 8; wire.md sections 8 and 9. */
#pragma once

#include "spice-client.h"

G_BEGIN_DECLS

/* A received message. Handlers get it beside the parsed message. */
struct _SpiceMsgIn {
    guint16 type;
    guint64 serial; /* of the message, or of the container for a sub-message */
    const guint8 *body;
    gsize size;
    const void *parsed; /* WireMsg..., by type; valid until the handler returns */
};

typedef void (*SpiceMessageHandler)(SpiceChannel *channel, const void *message,
                                    const SpiceMsgIn *in);

typedef struct SpiceHandler {
    guint16 type;
    SpiceMessageHandler function;
} SpiceHandler;

/* One whole message for a raw class, which owns body and fd from then on. */
typedef struct SpiceRawMessage {
    guint16 type;
    gboolean sub_message; /* belongs to the container that follows it with the same serial */
    guint64 serial;
    GBytes *body;
    gint fd; /* file descriptor that came with the message, or -1 */
} SpiceRawMessage;

typedef struct SpiceRawClass {
    /* Take a message. body and fd are the callee's. Common messages (types below 100) never come
     * here. */
    void (*message)(SpiceChannel *channel, SpiceRawMessage *message);
    /* The highest serial such that this and all earlier messages have taken effect: what
     * WAIT_FOR_CHANNELS of other channels waits for. Call spice_channel_serial_handled() whenever
     * it has grown. NULL: handled when taken. */
    guint64 (*handled_serial)(SpiceChannel *channel);
    /* Whether this message is followed by one byte that carries a file descriptor (Unix sockets
     * only). NULL: never. */
    gboolean (*carries_fd)(SpiceChannel *channel, guint16 type, const guint8 *body, gsize size);
    /* A message type of the class whose body is a WAIT_FOR_CHANNELS list: the base waits for the
     * list before it hands the message over (display INVAL_ALL_PIXMAPS). 0: none. */
    guint16 wait_type;
    /* Reading on a thread of the class. NULL: the main context reads. */
    const struct SpiceBesideClass *beside;
} SpiceRawClass;

/* For a raw class that reads on its own thread while the main context has nothing to do with the
 * connection. */
typedef struct SpiceBesideClass {
    /* Messages of this type (101 and above, never with sub-messages) may be taken there. They bring
     * no descriptor and aren't SpiceRawClass.wait_type. */
    gboolean (*takes)(guint16 type);
    /* SpiceRawClass.message, called on that thread from spice_reader_step(). It must not pause the
     * channel. */
    void (*message)(SpiceChannel *channel, SpiceRawMessage *message);
    /* In the main context: there may be something to read. The thread is to call
     * spice_reader_step(). */
    void (*wake)(SpiceChannel *channel);
} SpiceBesideClass;

typedef struct SpiceReader SpiceReader;

typedef enum SpiceReaderState {
    SPICE_READER_OFF,       /* the main context has the connection: wait for wake() */
    SPICE_READER_WAIT,      /* nothing is there: wait until the file descriptor is readable, or for
                               wake() */
    SPICE_READER_WAIT_REST, /* the same, in the middle of a message */
    SPICE_READER_AGAIN,     /* there may be more */
} SpiceReaderState;

/* Ask for reading on the class's thread, in channel_up(). The reader lives as long as the channel.
 */
SpiceReader *spice_channel_get_reader(SpiceChannel *channel);
/* On the class's thread: read once, without blocking, and hand over what has come. Sets *fd with
 * SPICE_READER_WAIT. */
SpiceReaderState spice_reader_step(SpiceReader *reader, int *fd);
/* In the main context. After this the reader doesn't touch the connection, and doesn't call the
 * class, until it is woken again. */
void spice_channel_take_back(SpiceChannel *channel);

/* In class_init. The tables must live as long as the class. max_body: largest body accepted, bytes.
 */
void spice_channel_class_set_handlers(SpiceChannelClass *klass, const SpiceHandler *handlers,
                                      guint n_handlers, gsize max_body);
void spice_channel_class_set_raw(SpiceChannelClass *klass, const SpiceRawClass *raw,
                                 gsize max_body);

/* Announce a channel capability in the link message; call in constructed() or later, before the
 * connect. */
void spice_channel_set_local_capability(SpiceChannel *channel, guint32 cap, gboolean on);

/* The object, its numbers and its state. */
SpiceSession *spice_channel_get_session(SpiceChannel *channel); /* NULL after channel-destroy */
gint spice_channel_get_channel_type(SpiceChannel *channel);
gint spice_channel_get_channel_id(SpiceChannel *channel);
const gchar *spice_channel_get_label(SpiceChannel *channel); /* "display-2:0", for log messages */
gboolean
spice_channel_is_ready(SpiceChannel *channel); /* messages can be sent and are not dropped */
gboolean spice_channel_is_read_only(SpiceChannel *channel);
gboolean spice_channel_is_unix_socket(SpiceChannel *channel);

/* Send a message: the WireMsgc... structure of the channel's type (NULL for an empty message), or a
 * ready body. The message is copied and goes out, in order, in this turn of the main loop. FALSE
 * (with a warning) when the channel is not connected, or the session is read-only and the message
 * not allowed. Main context only: a renderer thread hands what it wants to send to the main context
 * first. */
gboolean spice_channel_send(SpiceChannel *channel, guint16 type, const void *message);
gboolean spice_channel_send_body(SpiceChannel *channel, guint16 type, const guint8 *body,
                                 gsize size);
/* The same, ahead of what is queued already: for replies. */
gboolean spice_channel_send_reply(SpiceChannel *channel, guint16 type, const void *message);

/* Backpressure: while paused nothing is read from the socket and no message is handed over (at most
 * the rest of the read buffer is kept). Not counted; a pause ends with resume or with the
 * connection. */
void spice_channel_pause(SpiceChannel *channel);
void spice_channel_resume(SpiceChannel *channel);

/* The last serial that has taken effect (asks SpiceRawClass.handled_serial), and the call that
 * tells waiters of a change. */
guint64 spice_channel_get_handled_serial(SpiceChannel *channel);
void spice_channel_serial_handled(SpiceChannel *channel);
/* Whether any channel waits for another: if not, news of handled messages can wait too. Any thread.
 */
gboolean spice_channel_is_any_waiting(void);

/* End the connection because of what the peer sent: ERROR_IO with this text, then CLOSED. Safe in
 * handlers. */
void spice_channel_fail(SpiceChannel *channel, const gchar *format, ...) G_GNUC_PRINTF(2, 3);

G_END_DECLS
