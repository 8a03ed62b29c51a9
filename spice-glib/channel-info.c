/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Channel types by name, capabilities, and what a channel class asks of its base. Spec:
 * client-glib.md 4.1 and 4.4. */
#include <string.h>
#include "channel-state.h"

static const struct {
    gint type;
    const gchar *name;
    GType (*get_type)(void);
} types[] = {
    {SPICE_CHANNEL_MAIN, "main", spice_main_channel_get_type},
    {SPICE_CHANNEL_DISPLAY, "display", spice_display_channel_get_type},
    {SPICE_CHANNEL_INPUTS, "inputs", spice_inputs_channel_get_type},
    {SPICE_CHANNEL_CURSOR, "cursor", spice_cursor_channel_get_type},
    {SPICE_CHANNEL_PLAYBACK, "playback", NULL},
    {SPICE_CHANNEL_RECORD, "record", NULL},
    {SPICE_CHANNEL_TUNNEL, "tunnel", NULL},
    {SPICE_CHANNEL_SMARTCARD, "smartcard", NULL},
    {SPICE_CHANNEL_USBREDIR, "usbredir", NULL},
    {SPICE_CHANNEL_PORT, "port", NULL},
    {SPICE_CHANNEL_WEBDAV, "webdav", NULL},
};

/**
 * spice_channel_type_to_string:
 * @type: a channel type
 *
 * Returns: its name, "unknown" for other numbers
 *
 * Since: 0.20
 */
const gchar *spice_channel_type_to_string(gint type)
{
    for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
        if (types[i].type == type)
            return types[i].name;
    return "unknown";
}

/**
 * spice_channel_string_to_type:
 * @str: the name of a channel type
 *
 * Returns: the type, -1 for other names
 *
 * Since: 0.21
 */
gint spice_channel_string_to_type(const gchar *str)
{
    g_return_val_if_fail(str != NULL, -1);
    for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
        if (g_str_equal(types[i].name, str))
            return types[i].type;
    return -1;
}

GType spice_channel_type_to_gtype(gint type)
{
    for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
        if (types[i].type == type && types[i].get_type)
            return types[i].get_type();
    return G_TYPE_INVALID;
}

/* The server's answer to the link message, while there is a connection that has it. */
static const WireLinkReply *reply_of(SpiceChannel *channel)
{
    return channel->priv->f.conn ? &channel->priv->f.conn->reply : NULL;
}

/**
 * spice_channel_test_capability:
 * @channel: a #SpiceChannel
 * @cap: number of a capability of this channel type
 *
 * Returns: whether the server announced it; %FALSE while not connected
 */
gboolean spice_channel_test_capability(SpiceChannel *channel, guint32 cap)
{
    g_return_val_if_fail(SPICE_IS_CHANNEL(channel), FALSE);
    return reply_of(channel) && wire_caps_has(&reply_of(channel)->channel_caps, cap);
}

/**
 * spice_channel_test_common_capability:
 * @channel: a #SpiceChannel
 * @cap: number of a capability that every channel may have
 *
 * Returns: whether the server announced it; %FALSE while not connected
 */
gboolean spice_channel_test_common_capability(SpiceChannel *channel, guint32 cap)
{
    g_return_val_if_fail(SPICE_IS_CHANNEL(channel), FALSE);
    return reply_of(channel) && wire_caps_has(&reply_of(channel)->common_caps, cap);
}

void spice_channel_set_local_capability(SpiceChannel *channel, guint32 cap, gboolean on)
{
    if (on)
        wire_caps_set(&channel->priv->f.caps, cap);
    else
        wire_caps_clear(&channel->priv->f.caps, cap);
}

/**
 * spice_channel_set_capability:
 * @channel: a #SpiceChannel
 * @cap: number of a capability of this channel type
 *
 * Announce a capability to the server, from the next connection on.
 *
 * Deprecated: 0.13: channels announce what they can by themselves
 */
void spice_channel_set_capability(SpiceChannel *channel, guint32 cap)
{
    g_return_if_fail(SPICE_IS_CHANNEL(channel));
    spice_channel_set_local_capability(channel, cap, TRUE);
}

static SpiceChannelClassPrivate *own_class_private(SpiceChannelClass *klass)
{
    /* A class structure starts as a copy of its parent's: never write into that one's table. */
    klass->priv = g_new0(SpiceChannelClassPrivate, 1);
    return klass->priv;
}

void spice_channel_class_set_handlers(SpiceChannelClass *klass, const SpiceHandler *handlers,
                                      guint n_handlers, gsize max_body)
{
    SpiceChannelClassPrivate *priv = own_class_private(klass);

    priv->handlers = handlers;
    priv->n_handlers = n_handlers;
    priv->max_body = max_body;
}

void spice_channel_class_set_raw(SpiceChannelClass *klass, const SpiceRawClass *raw, gsize max_body)
{
    SpiceChannelClassPrivate *priv = own_class_private(klass);

    priv->raw = raw;
    priv->max_body = max_body;
}

SpiceSession *spice_channel_get_session(SpiceChannel *channel)
{
    return channel->priv->f.session;
}

gint spice_channel_get_channel_type(SpiceChannel *channel)
{
    return channel->priv->f.type;
}

gint spice_channel_get_channel_id(SpiceChannel *channel)
{
    return channel->priv->f.id;
}

const gchar *spice_channel_get_label(SpiceChannel *channel)
{
    return channel->priv->name;
}

gboolean spice_channel_is_ready(SpiceChannel *channel)
{
    const struct ChannelFields *f = &channel->priv->f;

    return f->state == CHANNEL_READY && f->conn && !f->end_idle;
}

gboolean spice_channel_is_read_only(SpiceChannel *channel)
{
    return channel->priv->f.session && spice_session_get_read_only(channel->priv->f.session);
}

gboolean spice_channel_is_unix_socket(SpiceChannel *channel)
{
    const struct ChannelFields *f = &channel->priv->f;

    return f->conn && f->conn->transport && spice_transport_is_unix(f->conn->transport);
}
