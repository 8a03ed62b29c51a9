/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The private state of a channel and of its connection; included by the base channel's files and
 * session-migrate.c only.
 *
 * A SpiceConnection is one connection to a server, from the open stream to the last byte. It is
 * reference-counted, because a handler may drop the connection whose message it works on; and it is
 * an object apart from the channel, because a migration moves it from one channel to another. It
 * belongs to the main context, which may lend its input side (channel-reader.c); its output side is
 * then guarded by the lock of the reader. */
#pragma once

#include "channel-private.h"
#include "session-private.h"
#include "transport.h"
#include "sasl.h"
#include "wire/header.h"
#include "wire/link.h"

G_BEGIN_DECLS

typedef enum ChannelState {
    CHANNEL_UNCONNECTED,
    CHANNEL_CONNECTING,   /* from connect() to the link result */
    CHANNEL_RECONNECTING, /* the server asked for TLS: about to connect again */
    CHANNEL_READY,
    CHANNEL_SWITCHING,           /* main, between two hosts */
    CHANNEL_MIGRATING,           /* frozen: waits to be moved, or to take a moved connection over */
    CHANNEL_MIGRATION_HANDSHAKE, /* main of a migration copy: asks for a seamless migration */
} ChannelState;

typedef enum StepResult {
    STEP_DONE, /* go on */
    STEP_MORE, /* more bytes are needed */
    STEP_STOP, /* this connection is over, or blocked */
} StepResult;

typedef struct SpiceConnection SpiceConnection;
typedef StepResult (*ConnectionStep)(SpiceChannel *channel, SpiceConnection *conn);

typedef struct OutMessage {
    guint16 type;
    gsize size;
    guint8 body[];
} OutMessage;

#define MAX_WAITS 255

typedef struct ChannelWait {
    guint8 type, id;
    guint64 serial;
} ChannelWait;

/* A peer that asks and doesn't read the answers is not read either. */
#define SPICE_MAX_REPLIES 4096

struct SpiceConnection {
    gint refs;
    SpiceTransport *transport; /* NULL: closed */
    gboolean pumping;          /* a handler of this connection's message is on the stack */
    ConnectionStep step;

    /* input: what was read and not consumed; a body that does not fit is collected apart */
    guint8 *in;
    gsize in_start, in_end;
    WireHeader header;
    gboolean have_header;
    guint8 *body; /* large body */
    gsize body_have, body_capacity;

    /* the message that is being handled, part by part: sub-messages, then itself */
    gboolean in_body; /* header holds the header of the message that comes */
    gboolean want_fd; /* one byte with a file descriptor comes before the next header */
    gboolean dispatching;
    const guint8 *message;
    GBytes *message_bytes; /* raw classes, and large bodies */
    gint message_fd;
    WireSubMessage subs[WIRE_SUB_MESSAGES_MAX];
    guint n_subs, next_sub;
    gboolean waited;       /* the wait of the part at next_sub is over */
    gboolean said_goodbye; /* DISCONNECTING came, with this reason */
    guint32 goodbye;

    /* link stage */
    gsize need; /* bytes of the part that comes next, where it says its size itself */
    WireLinkHeader link_header;
    WireLinkReply reply; /* the server's capabilities stay here */
    SpiceSasl *sasl;
    gboolean in_sasl; /* the exchange is going on */

    /* messages */
    gboolean mini;
    guint64 in_serial, out_serial;
    guint64 handled_serial; /* of the last message that was handled, or handed to the class */
    guint64 raw_serial;     /* of the last message that was handed to a raw class */
    guint32 ack_window, ack_count;
    GError *held_error; /* met by the reader, for the main context to tell */
    gboolean held_end;
    GQueue replies, queue; /* OutMessage */
    GByteArray *wire;      /* framed, not yet written */
    gsize wire_offset;
    gboolean write_failed;
    gboolean choked; /* nothing is read until the peer takes our replies */
};

struct ChannelFields {
    SpiceSession *session; /* NULL after channel-destroy */
    GWeakRef owner;        /* the session still, to tell it of the end */
    gint type, id;
    ChannelState state;
    SpiceConnection *conn;
    GSocket *socket;
    GCancellable *cancellable; /* of what runs before there is a connection */
    gint fd;                   /* from the application, or -1 */
    gboolean tls;              /* this attempt uses TLS */
    gboolean in_link;          /* the link message is out, the result isn't in */
    gulong total_read;

    guint connect_idle, pump_idle, flush_idle;
    /* the end of a connection, told in an idle */
    guint end_idle;
    gboolean end_local; /* the reset is still to be done */
    gboolean end_was_ready;
    SpiceChannelEvent end_event;
    GError *end_error;
    GError *error; /* readable while its event is emitted */
    gboolean connect_again;

    gboolean paused;
    gboolean ignore_messages; /* SPICE_DISABLE_CHANNELS names the type */
    ChannelWait *waits;
    guint n_waits;
    gboolean in_list;
    GList *flushes;      /* GTask */
    SpiceReader *reader; /* of a class that reads on its own thread */
    WireArena arena;
    WireCaps common_caps, caps; /* that we announce */
};

struct _SpiceChannelPrivate {
    union {
        struct ChannelFields f;
        /* The deployed GTK library reads the name at this offset when it debugs
         * (client-glib.md 1.2). */
        guint8 reserved[480];
    };
    gchar name[16];
};
G_STATIC_ASSERT(sizeof(struct ChannelFields) <= 480);
G_STATIC_ASSERT(G_STRUCT_OFFSET(struct _SpiceChannelPrivate, name) == 480);

struct _SpiceChannelClassPrivate {
    const SpiceHandler *handlers;
    guint n_handlers;
    const SpiceRawClass *raw;
    gsize max_body; /* 0: what the wire room says */
};

enum { CHANNEL_EVENT, CHANNEL_OPEN_FD, CHANNEL_N_SIGNALS };
extern guint spice_channel_signals[CHANNEL_N_SIGNALS];

/* --- channel-info.c --- */
GType spice_channel_type_to_gtype(gint type); /* G_TYPE_INVALID: not made by this library */

/* --- channel.c --- */
/* Begin to connect, or to connect again with TLS. */
void spice_channel_start(SpiceChannel *channel);
/* End the connection now and tell the application in an idle. event NONE: nothing beside CLOSED.
 * Takes error. */
void spice_channel_end(SpiceChannel *channel, SpiceChannelEvent event, GError *error);
/* Drop connection, queues, waits, flushes; run the class's reset. */
void spice_channel_reset(SpiceChannel *channel, gboolean migrating);
void spice_channel_emit_event(SpiceChannel *channel, SpiceChannelEvent event, const GError *error);
/* Detach from the session and stop; for the session. */
void spice_channel_detach(SpiceChannel *channel);
/* The server wants TLS on this channel. */
void spice_channel_restart_with_tls(SpiceChannel *channel);

/* --- channel-io.c --- */
SpiceConnection *spice_connection_new(SpiceTransport *transport);
SpiceConnection *spice_connection_ref(SpiceConnection *conn);
void spice_connection_unref(SpiceConnection *conn);
void spice_connection_close(SpiceConnection *conn);
void spice_channel_adopt_connection(SpiceChannel *channel, SpiceConnection *conn);
void spice_channel_pump(SpiceChannel *channel);
void spice_channel_schedule_pump(SpiceChannel *channel);
void spice_channel_flush_now(SpiceChannel *channel);
void spice_channel_schedule_flush(SpiceChannel *channel);
/* The next n bytes, consumed; NULL: not there yet. Valid until the next read. */
const guint8 *spice_connection_take(SpiceConnection *conn, gsize n);
/* Where bytes that are read go, and how many; NULL: out of memory. Then tell how many came. */
guint8 *spice_connection_room(SpiceConnection *conn, gsize *room);
void spice_connection_filled(SpiceConnection *conn, gsize n);
/* The link stage writes its bytes directly. */
void spice_channel_write_bytes(SpiceChannel *channel, const guint8 *bytes, gsize size);
void spice_channel_complete_flushes(SpiceChannel *channel, gboolean done);
gboolean spice_channel_is_blocked(SpiceChannel *channel);
typedef enum FillResult {
    FILL_READ,
    FILL_ALL, /* the same, and the socket had no more */
    FILL_DRY,
    FILL_OVER,
} FillResult;
/* Read once on the reader's thread, under its lock. The end of the stream and errors are kept for
 * the main context. */
FillResult spice_connection_fill_beside(SpiceChannel *channel, SpiceConnection *conn);
/* Write what is queued, under the lock. FALSE: the socket takes no more for now. */
gboolean spice_connection_flush(SpiceChannel *channel, SpiceConnection *conn);

/* --- channel-link.c --- */
/* There is a stream: TLS if this attempt uses it, then the link stage. */
void spice_channel_link_start(SpiceChannel *channel);
/* The stream ended before the link stage was over. Takes error, which may be NULL. */
void spice_channel_link_ended(SpiceChannel *channel, GError *error);

/* --- channel-reader.c --- */
void spice_reader_free(SpiceReader *reader); /* NULL is fine */
/* Guard what reader and main context both use of a connection. Nothing to do for channels without a
 * reader. */
void spice_channel_lock(SpiceChannel *channel);
void spice_channel_unlock(SpiceChannel *channel);
/* Let the reader have the input. FALSE: the main context has to go on itself. */
gboolean spice_channel_lend(SpiceChannel *channel, SpiceConnection *conn);

/* --- channel-messages.c --- */
StepResult spice_channel_step_message(SpiceChannel *channel, SpiceConnection *conn);
/* The same on the reader's thread, under its lock. STEP_STOP: the next message is for the main
 * context; it is untouched. */
StepResult spice_channel_step_beside(SpiceChannel *channel, SpiceConnection *conn);
/* Whether the input stands where the reader can go on. */
gboolean spice_connection_can_step_beside(SpiceChannel *channel, SpiceConnection *conn);
const SpiceRawClass *spice_channel_get_raw_class(SpiceChannel *channel);
/* Drop the message in hand. */
void spice_connection_clear_message(SpiceConnection *conn);
/* End the wait if it is satisfied, or can never be. */
void spice_channel_check_waits(SpiceChannel *channel);
void spice_channel_clear_waits(SpiceChannel *channel);
gboolean spice_channel_queue(SpiceChannel *channel, guint16 type, const guint8 *body, gsize size,
                             gboolean reply);

/* --- capture.c: what a program that records the session gets to see (capture.h) --- */
void spice_channel_capture_opened(SpiceChannel *channel, SpiceConnection *conn);
void spice_channel_capture_message(SpiceChannel *channel, gboolean from_server,
                                   const WireHeader *header, const guint8 *body);
void spice_channel_capture_closed(SpiceChannel *channel);

/* --- session-migrate.c --- */
void spice_channel_handle_migrate(SpiceChannel *channel, guint32 flags);
void spice_channel_handle_migrate_data(SpiceChannel *channel, const guint8 *data, gsize size);

G_END_DECLS
