/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SpiceMainChannel: start of a session, mouse mode, channel list, migration messages. Spec:
 * client-glib.md 6 and 19. */
#include <string.h>
#include "main-private.h"
#include "session-migrate.h"

/**
 * SECTION:channel-main
 * @short_description: session-wide matters
 * @title: SpiceMainChannel
 *
 * The first channel of a session. It tells mouse mode and the state of the guest's agent, and by it
 * the application sets the guest's monitors.
 */

#define DEFAULT_MAX_CLIPBOARD (100 * 1024 * 1024)
#define MAX_LISTED 4096 /* channels of a list that are looked at */

enum {
    PROP_0,
    PROP_MOUSE_MODE,
    PROP_AGENT_CONNECTED,
    PROP_AGENT_CAPS_0,
    PROP_DISABLE_WALLPAPER,
    PROP_DISABLE_FONT_SMOOTH,
    PROP_DISABLE_ANIMATION,
    PROP_COLOR_DEPTH,
    PROP_DISABLE_DISPLAY_POSITION,
    PROP_DISABLE_DISPLAY_ALIGN,
    PROP_MAX_CLIPBOARD,
};

static guint mouse_update_signal, migration_started_signal;
guint spice_main_agent_update_signal;

G_DEFINE_TYPE_WITH_PRIVATE(SpiceMainChannel, spice_main_channel, SPICE_TYPE_CHANNEL)

/* --- mouse mode --- */

static void set_mouse_mode(SpiceMainChannel *channel, guint supported, guint current)
{
    SpiceMainChannelPrivate *c = channel->priv;

    if (c->mouse_mode != (gint)current) {
        c->mouse_mode = current;
        g_signal_emit(channel, mouse_update_signal, 0);
        g_object_notify(G_OBJECT(channel), "mouse-mode");
    }
    if (c->wanted_mouse_mode != (gint)current && (c->wanted_mouse_mode & supported))
        spice_main_channel_request_mouse_mode(channel, c->wanted_mouse_mode);
}

/**
 * spice_main_channel_request_mouse_mode:
 * @channel: a #SpiceMainChannel
 * @mode: SPICE_MOUSE_MODE_CLIENT or SPICE_MOUSE_MODE_SERVER
 *
 * Ask for a mouse mode. The wish is repeated whenever the server says that it is possible.
 *
 * Since: 0.35
 */
void spice_main_channel_request_mouse_mode(SpiceMainChannel *channel, int mode)
{
    WireMsgcMainMouseModeRequest request = {.mode = mode};

    g_return_if_fail(SPICE_IS_MAIN_CHANNEL(channel));
    if (spice_channel_is_read_only(SPICE_CHANNEL(channel)))
        return;
    channel->priv->wanted_mouse_mode = mode;
    if (spice_channel_is_ready(SPICE_CHANNEL(channel)))
        spice_channel_send(SPICE_CHANNEL(channel), SPICE_MSGC_MAIN_MOUSE_MODE_REQUEST, &request);
}

/* --- messages --- */

static void handle_init(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    SpiceMainChannel *self = SPICE_MAIN_CHANNEL(channel);
    SpiceMainChannelPrivate *c = self->priv;
    SpiceSession *session = spice_channel_get_session(channel);
    const WireMsgMainInit *init = message;

    if (c->initialized || !session) {
        g_warning("%s: a second INIT is ignored", spice_channel_get_label(channel));
        return;
    }
    c->initialized = TRUE;
    c->display_count = init->display_channels_hint;
    spice_session_set_connection_id(session, init->session_id);
    set_mouse_mode(self, init->supported_mouse_modes, init->current_mouse_mode);
    spice_session_set_mm_time(session, init->multi_media_time);
    spice_session_set_cache_defaults(session, init->ram_hint);
    c->tokens = init->agent_tokens;
    if (init->agent_connected)
        spice_main_agent_came(self, init->agent_tokens);
    /* Any of these signals may have ended the session. */
    if (!spice_channel_is_ready(channel) || !spice_channel_get_session(channel))
        return;
    if (!spice_session_init_after_migration(session))
        spice_channel_send_reply(channel, SPICE_MSGC_MAIN_ATTACH_CHANNELS, NULL);
}

static void handle_channels_list(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    const WireMsgMainChannelsList *list = message;
    guint n = MIN(list->n_channels, MAX_LISTED);
    g_autofree guint8 *pairs = g_malloc(2 * n);

    for (guint i = 0; i < n; i++) {
        pairs[2 * i] = list->channels[i].type;
        pairs[2 * i + 1] = list->channels[i].id;
    }
    if (spice_channel_get_session(channel))
        spice_session_create_channels(spice_channel_get_session(channel), pairs, n);
}

static void handle_mouse_mode(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    const WireMsgMainMouseMode *mode = message;

    set_mouse_mode(SPICE_MAIN_CHANNEL(channel), mode->supported_modes, mode->current_mode);
}

static void handle_mm_time(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    if (spice_channel_get_session(channel))
        spice_session_set_mm_time(spice_channel_get_session(channel),
                                  ((const WireMsgMainMultiMediaTime *)message)->time);
}

static void handle_agent_connected(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    SpiceMainChannel *self = SPICE_MAIN_CHANNEL(channel);

    spice_main_agent_came(self, (guint32)MIN(self->priv->tokens, G_MAXUINT32));
}

static void handle_agent_connected_tokens(SpiceChannel *channel, const void *message,
                                          const SpiceMsgIn *in)
{
    spice_main_agent_came(SPICE_MAIN_CHANNEL(channel),
                          ((const WireMsgMainAgentConnectedTokens *)message)->num_tokens);
}

static void handle_agent_disconnected(SpiceChannel *channel, const void *message,
                                      const SpiceMsgIn *in)
{
    spice_main_agent_gone(SPICE_MAIN_CHANNEL(channel));
}

static void handle_agent_data(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    spice_main_agent_data(SPICE_MAIN_CHANNEL(channel),
                          ((const WireMsgMainAgentData *)message)->data);
}

static void handle_agent_token(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    spice_main_agent_add_tokens(SPICE_MAIN_CHANNEL(channel),
                                ((const WireMsgMainAgentToken *)message)->num_tokens);
}

static void handle_name(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    const WireMsgMainName *name = message;

    if (spice_channel_get_session(channel))
        spice_session_set_name(spice_channel_get_session(channel), name->name.data,
                               name->name.size);
}

static void handle_uuid(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    if (spice_channel_get_session(channel))
        spice_session_set_uuid(spice_channel_get_session(channel),
                               ((const WireMsgMainUuid *)message)->uuid);
}

static void handle_migrate_begin(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    const WireMsgMainMigrateBegin *begin = message;

    if (spice_channel_get_session(channel))
        spice_session_begin_migration(spice_channel_get_session(channel), &begin->dst_info, FALSE,
                                      0);
}

static void handle_migrate_begin_seamless(SpiceChannel *channel, const void *message,
                                          const SpiceMsgIn *in)
{
    const WireMsgMainMigrateBeginSeamless *begin = message;

    if (spice_channel_get_session(channel))
        spice_session_begin_migration(spice_channel_get_session(channel), &begin->dst_info, TRUE,
                                      begin->src_mig_version);
}

static void handle_migrate_cancel(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    if (spice_channel_get_session(channel))
        spice_session_abort_migration(spice_channel_get_session(channel));
}

static void handle_migrate_end(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    if (spice_channel_get_session(channel))
        spice_session_end_migration(spice_channel_get_session(channel));
}

static void handle_switch_host(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    if (spice_channel_get_session(channel))
        spice_session_switch_host(spice_channel_get_session(channel),
                                  &((const WireMsgMainMigrateSwitchHost *)message)->dst_info);
}

static void handle_seamless_answer(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    if (spice_channel_get_session(channel))
        spice_session_seamless_answer(spice_channel_get_session(channel),
                                      in->type == SPICE_MSG_MAIN_MIGRATE_DST_SEAMLESS_ACK);
}

static void channel_reset(SpiceChannel *channel, gboolean migrating)
{
    SpiceMainChannel *self = SPICE_MAIN_CHANNEL(channel);

    self->priv->initialized = FALSE;
    spice_main_agent_reset(self);
}

/* --- the object --- */

static gint max_clipboard(SpiceMainChannel *channel)
{
    const gchar *text = g_getenv("SPICE_MAX_CLIPBOARD");

    return text ? (gint)CLAMP(g_ascii_strtoll(text, NULL, 10), -1, G_MAXINT)
                : channel->priv->max_clipboard;
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    SpiceMainChannelPrivate *c = SPICE_MAIN_CHANNEL(object)->priv;

    switch (id) {
    case PROP_MOUSE_MODE:
        g_value_set_int(value, c->mouse_mode);
        break;
    case PROP_AGENT_CONNECTED:
        g_value_set_boolean(value, c->agent_connected);
        break;
    case PROP_AGENT_CAPS_0:
        g_value_set_int(value, (gint)c->agent_caps.words[0]);
        break;
    case PROP_DISABLE_WALLPAPER:
        g_value_set_boolean(value, c->disable_wallpaper);
        break;
    case PROP_DISABLE_FONT_SMOOTH:
        g_value_set_boolean(value, c->disable_font_smooth);
        break;
    case PROP_DISABLE_ANIMATION:
        g_value_set_boolean(value, c->disable_animation);
        break;
    case PROP_COLOR_DEPTH:
        g_value_set_uint(value, 0);
        break;
    case PROP_DISABLE_DISPLAY_POSITION:
        g_value_set_boolean(value, c->disable_display_position);
        break;
    case PROP_DISABLE_DISPLAY_ALIGN:
        g_value_set_boolean(value, c->disable_display_align);
        break;
    case PROP_MAX_CLIPBOARD:
        g_value_set_int(value, max_clipboard(SPICE_MAIN_CHANNEL(object)));
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
    SpiceMainChannelPrivate *c = SPICE_MAIN_CHANNEL(object)->priv;

    switch (id) {
    case PROP_DISABLE_WALLPAPER:
        c->disable_wallpaper = g_value_get_boolean(value);
        break;
    case PROP_DISABLE_FONT_SMOOTH:
        c->disable_font_smooth = g_value_get_boolean(value);
        break;
    case PROP_DISABLE_ANIMATION:
        c->disable_animation = g_value_get_boolean(value);
        break;
    case PROP_COLOR_DEPTH:
        break;
    case PROP_DISABLE_DISPLAY_POSITION:
        c->disable_display_position = g_value_get_boolean(value);
        break;
    case PROP_DISABLE_DISPLAY_ALIGN:
        c->disable_display_align = g_value_get_boolean(value);
        break;
    case PROP_MAX_CLIPBOARD:
        if (c->max_clipboard != g_value_get_int(value)) {
            c->max_clipboard = g_value_get_int(value);
            spice_main_agent_send_max_clipboard(SPICE_MAIN_CHANNEL(object));
        }
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void take_effects(SpiceMainChannel *self, const gchar *const *effects)
{
    SpiceMainChannelPrivate *c = self->priv;
    gboolean all = effects && g_strv_contains(effects, "all");

    if (!effects)
        return;
    c->disable_wallpaper |= all || g_strv_contains(effects, "wallpaper");
    c->disable_font_smooth |= all || g_strv_contains(effects, "font-smooth");
    c->disable_animation |= all || g_strv_contains(effects, "animation");
}

static void constructed(GObject *object)
{
    SpiceChannel *channel = SPICE_CHANNEL(object);

    if (spice_channel_get_session(channel))
        take_effects(SPICE_MAIN_CHANNEL(object),
                     spice_session_get_disable_effects(spice_channel_get_session(channel)));
    for (guint cap = SPICE_MAIN_CAP_SEMI_SEAMLESS_MIGRATE; cap <= SPICE_MAIN_CAP_SEAMLESS_MIGRATE;
         cap++)
        spice_channel_set_local_capability(channel, cap, TRUE);
    /* Emits channel-new: everything is in place by now. */
    G_OBJECT_CLASS(spice_main_channel_parent_class)->constructed(object);
}

static void dispose(GObject *object)
{
    spice_main_monitors_clear(SPICE_MAIN_CHANNEL(object));
    G_OBJECT_CLASS(spice_main_channel_parent_class)->dispose(object);
}

static void finalize(GObject *object)
{
    spice_main_agent_clear(SPICE_MAIN_CHANNEL(object));
    G_OBJECT_CLASS(spice_main_channel_parent_class)->finalize(object);
}

static void spice_main_channel_init(SpiceMainChannel *self)
{
    self->priv = spice_main_channel_get_instance_private(self);
    self->priv->wanted_mouse_mode = SPICE_MOUSE_MODE_CLIENT;
    spice_main_agent_init(self);
}

static void install_properties(GObjectClass *klass)
{
    const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
    const GParamFlags construct = G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS;

    /**
     * SpiceMainChannel:mouse-mode:
     *
     * The mouse mode: SPICE_MOUSE_MODE_SERVER, _CLIENT, or 0 before the server has told it.
     */
    g_object_class_install_property(
        klass, PROP_MOUSE_MODE,
        g_param_spec_int("mouse-mode", "Mouse mode", "Mouse mode", 0, G_MAXINT, 0, readable));
    /**
     * SpiceMainChannel:agent-connected:
     *
     * Whether the guest's agent is there.
     */
    g_object_class_install_property(klass, PROP_AGENT_CONNECTED,
                                    g_param_spec_boolean("agent-connected", "Agent connected",
                                                         "Whether the agent is connected", FALSE,
                                                         readable));
    /**
     * SpiceMainChannel:agent-caps-0:
     *
     * The first 32 capabilities of the agent, the last one's if there is none now.
     */
    g_object_class_install_property(klass, PROP_AGENT_CAPS_0,
                                    g_param_spec_int("agent-caps-0", "Agent caps 0",
                                                     "Agent capability bits 0 -> 31", 0, G_MAXINT,
                                                     0, readable));
    /**
     * SpiceMainChannel:disable-wallpaper:
     *
     * Whether the guest is asked to show no wallpaper. Sent when an agent comes.
     */
    g_object_class_install_property(
        klass, PROP_DISABLE_WALLPAPER,
        g_param_spec_boolean("disable-wallpaper", "Disable guest wallpaper",
                             "Disable guest wallpaper", FALSE, construct));
    /**
     * SpiceMainChannel:disable-font-smooth:
     *
     * Whether the guest is asked not to smooth fonts.
     */
    g_object_class_install_property(
        klass, PROP_DISABLE_FONT_SMOOTH,
        g_param_spec_boolean("disable-font-smooth", "Disable guest font smooth",
                             "Disable guest font smoothing", FALSE, construct));
    /**
     * SpiceMainChannel:disable-animation:
     *
     * Whether the guest is asked for a desktop without animations.
     */
    g_object_class_install_property(
        klass, PROP_DISABLE_ANIMATION,
        g_param_spec_boolean("disable-animation", "Disable guest animations",
                             "Disable guest animations", FALSE, construct));
    /**
     * SpiceMainChannel:color-depth:
     *
     * Without effect.
     *
     * Deprecated: 0.37: it has no effect
     */
    g_object_class_install_property(klass, PROP_COLOR_DEPTH,
                                    g_param_spec_uint("color-depth", "Color depth", "Color depth",
                                                      0, 32, 0, construct | G_PARAM_DEPRECATED));
    /**
     * SpiceMainChannel:disable-display-position:
     *
     * Whether the places of monitors are not sent to the guest.
     */
    g_object_class_install_property(
        klass, PROP_DISABLE_DISPLAY_POSITION,
        g_param_spec_boolean("disable-display-position", "Disable display position",
                             "Disable using display position when setting monitor config", TRUE,
                             construct));
    /**
     * SpiceMainChannel:disable-display-align:
     *
     * Whether monitors keep the places that the application gave, instead of standing left to right
     * without gaps.
     *
     * Since: 0.13
     */
    g_object_class_install_property(
        klass, PROP_DISABLE_DISPLAY_ALIGN,
        g_param_spec_boolean("disable-display-align", "Disable display align",
                             "Disable display position alignment", FALSE, construct));
    /**
     * SpiceMainChannel:max-clipboard:
     *
     * The largest clipboard content that the guest's agent sends, in bytes; -1 for any.
     *
     * Since: 0.22
     */
    g_object_class_install_property(klass, PROP_MAX_CLIPBOARD,
                                    g_param_spec_int("max-clipboard", "max clipboard",
                                                     "Maximum clipboard data size", -1, G_MAXINT,
                                                     DEFAULT_MAX_CLIPBOARD, construct));
}

static void spice_main_channel_class_init(SpiceMainChannelClass *klass)
{
    static const SpiceHandler handlers[] = {
        {SPICE_MSG_MAIN_INIT, handle_init},
        {SPICE_MSG_MAIN_CHANNELS_LIST, handle_channels_list},
        {SPICE_MSG_MAIN_MOUSE_MODE, handle_mouse_mode},
        {SPICE_MSG_MAIN_MULTI_MEDIA_TIME, handle_mm_time},
        {SPICE_MSG_MAIN_AGENT_CONNECTED, handle_agent_connected},
        {SPICE_MSG_MAIN_AGENT_CONNECTED_TOKENS, handle_agent_connected_tokens},
        {SPICE_MSG_MAIN_AGENT_DISCONNECTED, handle_agent_disconnected},
        {SPICE_MSG_MAIN_AGENT_DATA, handle_agent_data},
        {SPICE_MSG_MAIN_AGENT_TOKEN, handle_agent_token},
        {SPICE_MSG_MAIN_NAME, handle_name},
        {SPICE_MSG_MAIN_UUID, handle_uuid},
        {SPICE_MSG_MAIN_MIGRATE_BEGIN, handle_migrate_begin},
        {SPICE_MSG_MAIN_MIGRATE_BEGIN_SEAMLESS, handle_migrate_begin_seamless},
        {SPICE_MSG_MAIN_MIGRATE_CANCEL, handle_migrate_cancel},
        {SPICE_MSG_MAIN_MIGRATE_END, handle_migrate_end},
        {SPICE_MSG_MAIN_MIGRATE_SWITCH_HOST, handle_switch_host},
        {SPICE_MSG_MAIN_MIGRATE_DST_SEAMLESS_ACK, handle_seamless_answer},
        {SPICE_MSG_MAIN_MIGRATE_DST_SEAMLESS_NACK, handle_seamless_answer},
    };
    GObjectClass *object_class = G_OBJECT_CLASS(klass);
    SpiceChannelClass *channel_class = SPICE_CHANNEL_CLASS(klass);

    object_class->constructed = constructed;
    object_class->dispose = dispose;
    object_class->finalize = finalize;
    object_class->get_property = get_property;
    object_class->set_property = set_property;
    channel_class->channel_reset = channel_reset;
    spice_channel_class_set_handlers(channel_class, handlers, G_N_ELEMENTS(handlers), 0);
    install_properties(object_class);

    /**
     * SpiceMainChannel::main-mouse-update:
     * @channel: the channel
     *
     * The mouse mode has changed; the notification of #SpiceMainChannel:mouse-mode follows.
     */
    mouse_update_signal = g_signal_new(
        "main-mouse-update", SPICE_TYPE_MAIN_CHANNEL, G_SIGNAL_RUN_FIRST,
        G_STRUCT_OFFSET(SpiceMainChannelClass, mouse_update), NULL, NULL, NULL, G_TYPE_NONE, 0);
    /**
     * SpiceMainChannel::main-agent-update:
     * @channel: the channel
     *
     * The agent came, went, or told its capabilities. Emitted at every end of a connection too.
     */
    spice_main_agent_update_signal = g_signal_new(
        "main-agent-update", SPICE_TYPE_MAIN_CHANNEL, G_SIGNAL_RUN_FIRST,
        G_STRUCT_OFFSET(SpiceMainChannelClass, agent_update), NULL, NULL, NULL, G_TYPE_NONE, 0);
    /**
     * SpiceMainChannel::migration-started:
     * @channel: the channel
     * @session: the temporary session that connects to the other host
     *
     * The machine is going to move to another host.
     */
    migration_started_signal =
        g_signal_new("migration-started", SPICE_TYPE_MAIN_CHANNEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                     NULL, G_TYPE_NONE, 1, G_TYPE_OBJECT);
}
