/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SpiceChannel: one connection to the server; base class of all channels. */
#ifndef SPICE_CLIENT_CHANNEL_H
#define SPICE_CLIENT_CHANNEL_H

#if !defined(__SPICE_CLIENT_H_INSIDE__) && !defined(SPICE_COMPILATION)
#warning "Only <spice-client.h> can be included directly"
#endif

#include <gio/gio.h>

#include "spice-types.h"
#include "spice-glib-enums.h"
#include "spice-util.h"

G_BEGIN_DECLS

#define SPICE_TYPE_CHANNEL (spice_channel_get_type())
#define SPICE_CHANNEL(obj) (G_TYPE_CHECK_INSTANCE_CAST((obj), SPICE_TYPE_CHANNEL, SpiceChannel))
#define SPICE_CHANNEL_CLASS(klass) \
    (G_TYPE_CHECK_CLASS_CAST((klass), SPICE_TYPE_CHANNEL, SpiceChannelClass))
#define SPICE_IS_CHANNEL(obj) (G_TYPE_CHECK_INSTANCE_TYPE((obj), SPICE_TYPE_CHANNEL))
#define SPICE_IS_CHANNEL_CLASS(klass) (G_TYPE_CHECK_CLASS_TYPE((klass), SPICE_TYPE_CHANNEL))
#define SPICE_CHANNEL_GET_CLASS(obj) \
    (G_TYPE_INSTANCE_GET_CLASS((obj), SPICE_TYPE_CHANNEL, SpiceChannelClass))

typedef struct _SpiceMsgIn SpiceMsgIn;
typedef struct _SpiceMsgOut SpiceMsgOut;

/**
 * SpiceChannelEvent:
 * @SPICE_CHANNEL_NONE: no event
 * @SPICE_CHANNEL_OPENED: the server accepted the connection; messages flow
 * @SPICE_CHANNEL_SWITCHING: the main channel leaves this host and connects to another
 * @SPICE_CHANNEL_CLOSED: a connection that was open has ended
 * @SPICE_CHANNEL_ERROR_CONNECT: the server could not be reached
 * @SPICE_CHANNEL_ERROR_TLS: the connection could not be encrypted, or the certificate was refused
 * @SPICE_CHANNEL_ERROR_LINK: the peer did not agree on the protocol
 * @SPICE_CHANNEL_ERROR_AUTH: the peer refused the credentials
 * @SPICE_CHANNEL_ERROR_IO: an open connection failed
 *
 * What #SpiceChannel::channel-event tells.
 */
typedef enum {
    SPICE_CHANNEL_NONE = 0,
    SPICE_CHANNEL_OPENED = 10,
    SPICE_CHANNEL_SWITCHING,
    SPICE_CHANNEL_CLOSED,
    SPICE_CHANNEL_ERROR_CONNECT = 20,
    SPICE_CHANNEL_ERROR_TLS,
    SPICE_CHANNEL_ERROR_LINK,
    SPICE_CHANNEL_ERROR_AUTH,
    SPICE_CHANNEL_ERROR_IO,
} SpiceChannelEvent;

/**
 * SpiceChannel:
 *
 * One connection to the server. The struct is opaque.
 */
struct _SpiceChannel {
    GObject parent;
    SpiceChannelPrivate *priv;
    /* No further fields: applications know this size. */
};

typedef struct _SpiceChannelClassPrivate SpiceChannelClassPrivate;

/**
 * SpiceChannelClass:
 * @parent_class: the parent class
 * @channel_event: class handler of #SpiceChannel::channel-event
 * @open_fd: class handler of #SpiceChannel::open-fd
 *
 * The class of #SpiceChannel.
 */
struct _SpiceChannelClass {
    GObjectClass parent_class;

    /*< public >*/
    void (*channel_event)(SpiceChannel *channel, SpiceChannelEvent event);
    void (*open_fd)(SpiceChannel *channel, int with_tls);

    /*< private >*/
    void (*handle_msg)(SpiceChannel *channel, SpiceMsgIn *msg);
    void (*channel_up)(SpiceChannel *channel);
    void (*iterate_write)(SpiceChannel *channel);
    void (*iterate_read)(SpiceChannel *channel);

    /*< private >*/
    gpointer deprecated;
    void (*channel_reset)(SpiceChannel *channel, gboolean migrating);
    gpointer deprecated2;

    /*< private >*/
    void (*channel_send_migration_handshake)(SpiceChannel *channel);

    SpiceChannelClassPrivate *priv;
    gpointer _spice_reserved[8];
};

GType spice_channel_get_type(void);

typedef void (*spice_msg_handler)(SpiceChannel *channel, SpiceMsgIn *in);

SpiceChannel *spice_channel_new(SpiceSession *s, int type, int id);
gboolean spice_channel_connect(SpiceChannel *channel);
gboolean spice_channel_open_fd(SpiceChannel *channel, int fd);
void spice_channel_disconnect(SpiceChannel *channel, SpiceChannelEvent reason);
gboolean spice_channel_test_capability(SpiceChannel *channel, guint32 cap);
gboolean spice_channel_test_common_capability(SpiceChannel *channel, guint32 cap);
void spice_channel_flush_async(SpiceChannel *channel, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
gboolean spice_channel_flush_finish(SpiceChannel *channel, GAsyncResult *result, GError **error);
#ifndef SPICE_DISABLE_DEPRECATED
G_DEPRECATED
void spice_channel_set_capability(SpiceChannel *channel, guint32 cap);
G_DEPRECATED
void spice_channel_destroy(SpiceChannel *channel);
#endif

const gchar *spice_channel_type_to_string(gint type);
gint spice_channel_string_to_type(const gchar *str);

const GError *spice_channel_get_error(SpiceChannel *channel);

G_END_DECLS

#endif
