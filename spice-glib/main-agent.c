/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest agent behind the main channel: coming and going, capabilities, credit for messages.
 * Spec: client-glib.md 6.3, agent.md 1 to 5, wire.md 10.4. */
#include "main-private.h"

#define IN_LIMIT (64 * 1024) /* bytes of a message that is read here; longer ones are skipped */
#define ARENA_LIMIT (1024 * 1024)
#define UNLIMITED 0xffffffffu

/* What this client understands of the agent. Clipboard, files and volume announce themselves where
 * they are. */
static const guint own_caps[] = {VD_AGENT_CAP_MOUSE_STATE, VD_AGENT_CAP_MONITORS_CONFIG,
                                 VD_AGENT_CAP_REPLY, VD_AGENT_CAP_DISPLAY_CONFIG,
                                 VD_AGENT_CAP_MONITORS_CONFIG_POSITION};

void spice_main_agent_init(SpiceMainChannel *channel)
{
    SpiceMainChannelPrivate *c = channel->priv;

    g_queue_init(&c->agent_pieces);
    agent_assembler_init(&c->agent_in, IN_LIMIT, FALSE);
    wire_arena_init(&c->agent_arena, ARENA_LIMIT);
}

void spice_main_agent_clear(SpiceMainChannel *channel)
{
    SpiceMainChannelPrivate *c = channel->priv;

    g_queue_clear_full(&c->agent_pieces, (GDestroyNotify)g_bytes_unref);
    agent_assembler_clear(&c->agent_in);
    wire_arena_clear(&c->agent_arena);
}

/* --- sending --- */

static void flush_pieces(SpiceMainChannel *channel)
{
    SpiceMainChannelPrivate *c = channel->priv;
    GBytes *piece;

    if (!spice_channel_is_ready(SPICE_CHANNEL(channel)))
        return;
    while (c->tokens > 0 && (piece = g_queue_pop_head(&c->agent_pieces))) {
        WireMsgcMainAgentData message = {0};

        message.data.data = g_bytes_get_data(piece, &message.data.size);
        /* Ahead of the queue, where the agent's greeting belongs before ATTACH_CHANNELS. */
        spice_channel_send_reply(SPICE_CHANNEL(channel), SPICE_MSGC_MAIN_AGENT_DATA, &message);
        g_bytes_unref(piece);
        c->tokens--;
    }
}

void spice_main_agent_send(SpiceMainChannel *channel, guint32 type, const void *message)
{
    SpiceMainChannelPrivate *c = channel->priv;
    WireBuffer buffer = {0};
    WireBytes rest, piece;

    if (spice_channel_is_read_only(SPICE_CHANNEL(channel)))
        return;
    if (agent_write_message(type, 0, message, &buffer) && !buffer.failed) {
        rest = (WireBytes){buffer.data, buffer.size};
        while ((piece = agent_next_piece(&rest)).size > 0)
            g_queue_push_tail(&c->agent_pieces, g_bytes_new(piece.data, piece.size));
        flush_pieces(channel);
    } else {
        g_critical("agent message %u can't be written", type);
    }
    wire_buffer_clear(&buffer);
}

void spice_main_agent_add_tokens(SpiceMainChannel *channel, guint32 tokens)
{
    channel->priv->tokens += tokens;
    flush_pieces(channel);
}

static void announce(SpiceMainChannel *channel, gboolean request)
{
    guint32 word = 0;
    AgentAnnounceCapabilities message = {.request = request, .n_caps = 1, .caps = &word};

    for (gsize i = 0; i < G_N_ELEMENTS(own_caps); i++)
        word |= 1u << own_caps[i];
    spice_main_agent_send(channel, VD_AGENT_ANNOUNCE_CAPABILITIES, &message);
}

static void send_display_config(SpiceMainChannel *channel)
{
    SpiceMainChannelPrivate *c = channel->priv;
    AgentDisplayConfig config = {0};

    if (c->display_config_sent ||
        !spice_main_channel_agent_test_capability(channel, VD_AGENT_CAP_DISPLAY_CONFIG))
        return;
    if (c->disable_wallpaper)
        config.flags |= VD_AGENT_DISPLAY_CONFIG_FLAG_DISABLE_WALLPAPER;
    if (c->disable_font_smooth)
        config.flags |= VD_AGENT_DISPLAY_CONFIG_FLAG_DISABLE_FONT_SMOOTH;
    if (c->disable_animation)
        config.flags |= VD_AGENT_DISPLAY_CONFIG_FLAG_DISABLE_ANIMATION;
    spice_main_agent_send(channel, VD_AGENT_DISPLAY_CONFIG, &config);
    c->display_config_sent = TRUE;
}

void spice_main_agent_send_max_clipboard(SpiceMainChannel *channel)
{
    AgentMaxClipboard message = {.max = channel->priv->max_clipboard};

    if (channel->priv->agent_connected &&
        spice_main_channel_agent_test_capability(channel, VD_AGENT_CAP_MAX_CLIPBOARD))
        spice_main_agent_send(channel, VD_AGENT_MAX_CLIPBOARD, &message);
}

/* --- coming and going --- */

static void set_connected(SpiceMainChannel *channel, gboolean connected)
{
    SpiceMainChannelPrivate *c = channel->priv;

    c->agent_caps_known = FALSE;
    c->display_config_sent = FALSE;
    agent_assembler_reset(&c->agent_in);
    if (c->agent_connected != connected) {
        c->agent_connected = connected;
        g_object_notify(G_OBJECT(channel), "agent-connected");
    }
    g_signal_emit(channel, spice_main_agent_update_signal, 0);
}

void spice_main_agent_came(SpiceMainChannel *channel, guint32 tokens)
{
    WireMsgcMainAgentStart start = {.num_tokens = UNLIMITED};

    channel->priv->tokens = tokens;
    set_connected(channel, TRUE);
    if (!channel->priv->agent_connected || !spice_channel_is_ready(SPICE_CHANNEL(channel)) ||
        spice_channel_is_read_only(SPICE_CHANNEL(channel)))
        return;
    spice_channel_send_reply(SPICE_CHANNEL(channel), SPICE_MSGC_MAIN_AGENT_START, &start);
    announce(channel, TRUE);
}

void spice_main_agent_gone(SpiceMainChannel *channel)
{
    set_connected(channel, FALSE);
}

void spice_main_agent_reset(SpiceMainChannel *channel)
{
    channel->priv->tokens = 0;
    g_queue_clear_full(&channel->priv->agent_pieces, (GDestroyNotify)g_bytes_unref);
    set_connected(channel, FALSE);
}

/* --- receiving --- */

static void handle_announcement(SpiceMainChannel *channel, const AgentAnnounceCapabilities *message)
{
    SpiceMainChannelPrivate *c = channel->priv;

    agent_caps_read(message, &c->agent_caps);
    c->agent_caps_known = TRUE;
    g_signal_emit(channel, spice_main_agent_update_signal, 0);
    if (!c->agent_connected)
        return;
    spice_main_monitors_schedule(channel, TRUE);
    if (message->request)
        announce(channel, FALSE);
    send_display_config(channel);
    spice_main_agent_send_max_clipboard(channel);
}

static void handle_message(SpiceMainChannel *channel, const AgentMessage *message)
{
    SpiceMainChannelPrivate *c = channel->priv;
    const gchar *label = spice_channel_get_label(SPICE_CHANNEL(channel));
    const void *parsed;
    WireError error;

    if (message->type != VD_AGENT_ANNOUNCE_CAPABILITIES && message->type != VD_AGENT_REPLY) {
        g_debug("%s: agent message %u of %u bytes is not used", label, message->type,
                message->size);
        return;
    }
    if (message->dropped) {
        g_warning("%s: the agent's message %u of %u bytes is too long", label, message->type,
                  message->size);
        return;
    }
    wire_arena_reset(&c->agent_arena);
    parsed = agent_parse(message->type, 0, message->data.data, message->data.size, &c->agent_arena,
                         &error);
    if (!parsed) {
        g_warning("%s: the agent sent a malformed message: %s", label, error.text);
    } else if (message->type == VD_AGENT_ANNOUNCE_CAPABILITIES) {
        handle_announcement(channel, parsed);
    } else {
        const AgentReply *reply = parsed;

        g_debug("%s: the agent answers message %u: %s", label, reply->type,
                reply->error == VD_AGENT_SUCCESS ? "done" : "failed");
    }
}

void spice_main_agent_data(SpiceMainChannel *channel, WireBytes data)
{
    SpiceMainChannelPrivate *c = channel->priv;
    const gchar *label = spice_channel_get_label(SPICE_CHANNEL(channel));

    if (!c->agent_connected)
        g_warning("%s: agent data without an agent", label);
    for (;;) {
        AgentMessage message;
        WireError error;

        switch (agent_assembler_feed(&c->agent_in, &data, &message, &error)) {
        case AGENT_FEED_MESSAGE:
            handle_message(channel, &message);
            if (!spice_channel_is_ready(SPICE_CHANNEL(channel)))
                return;
            break;
        case AGENT_FEED_BAD:
            /* The agent is the guest's: what it does wrong does not end the session. */
            g_warning("%s: the agent's messages can't be read: %s", label, error.text);
            return;
        default:
            return;
        }
    }
}

/**
 * spice_main_channel_agent_test_capability:
 * @channel: a #SpiceMainChannel
 * @cap: a capability, VD_AGENT_CAP_MONITORS_CONFIG and so on
 *
 * Returns: whether the agent that is there now has announced it
 *
 * Since: 0.35
 */
gboolean spice_main_channel_agent_test_capability(SpiceMainChannel *channel, guint32 cap)
{
    g_return_val_if_fail(SPICE_IS_MAIN_CHANNEL(channel), FALSE);
    return channel->priv->agent_caps_known && wire_caps_has(&channel->priv->agent_caps, cap);
}
