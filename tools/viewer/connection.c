/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Follows the channels of a session and keeps a SpiceDisplay for each monitor. Order of calls as in
 * client-gtk.md 13.2. */
#include "config.h"
#include "connection.h"

#include <string.h>

struct ViewerConnection {
    SpiceSession *session;
    ViewerConnectionEvents events;
    gpointer owner;
    SpiceMainChannel *main;
    GPtrArray *displays;
    char *name;
    gboolean open, asking_proxy;
    gboolean tried_password; /* a refusal now means a wrong one, not a missing one */
};

static void display_free(ViewerDisplay *display)
{
    display->connection->events.display_gone(display->connection->owner, display);
    g_signal_handlers_disconnect_by_data(display->widget, display);
    gtk_widget_destroy(GTK_WIDGET(display->widget));
    g_object_unref(display->widget);
    g_object_unref(display->channel);
    g_free(display);
}

static void ready_changed(SpiceDisplay *widget, GParamSpec *spec, ViewerDisplay *display)
{
    g_object_get(widget, "ready", &display->ready, NULL);
    display->connection->events.display_changed(display->connection->owner, display);
}

static ViewerDisplay *find_display(ViewerConnection *self, SpiceChannel *channel, int monitor)
{
    for (guint i = 0; i < self->displays->len; i++) {
        ViewerDisplay *display = self->displays->pdata[i];
        if (display->channel == channel && display->monitor_id == monitor)
            return display;
    }
    return NULL;
}

static ViewerDisplay *add_display(ViewerConnection *self, SpiceChannel *channel, int channel_id,
                                  int monitor)
{
    ViewerDisplay *display = g_new0(ViewerDisplay, 1);
    display->connection = self;
    display->channel = g_object_ref(channel);
    display->channel_id = channel_id;
    display->monitor_id = monitor;
    display->number = channel_id ? channel_id : monitor;
    display->widget =
        g_object_ref_sink(spice_display_new_with_monitor(self->session, channel_id, monitor));
    g_object_set(display->widget, "grab-keyboard", TRUE, "grab-mouse", TRUE, "resize-guest", FALSE,
                 "scaling", TRUE, NULL);
    g_signal_connect(display->widget, "notify::ready", G_CALLBACK(ready_changed), display);
    g_ptr_array_add(self->displays, display);
    return display;
}

static void monitors_changed(SpiceChannel *channel, GParamSpec *spec, ViewerConnection *self)
{
    g_autoptr(GArray) monitors = NULL;
    int channel_id;
    g_object_get(channel, "monitors", &monitors, "channel-id", &channel_id, NULL);

    for (guint i = 0; i < self->displays->len; i++) {
        ViewerDisplay *display = self->displays->pdata[i];
        if (display->channel == channel)
            display->width = display->height = 0;
    }
    for (guint i = 0; monitors && i < monitors->len; i++) {
        const SpiceDisplayMonitorConfig *m = &g_array_index(monitors, SpiceDisplayMonitorConfig, i);
        /* Several monitors on a channel above 0 can't be told apart in messages to the guest. */
        if (!m->width || !m->height || m->id > 255 || (channel_id && m->id))
            continue;
        ViewerDisplay *display = find_display(self, channel, (int)m->id);
        if (!display)
            display = add_display(self, channel, channel_id, (int)m->id);
        display->x = (int)m->x;
        display->y = (int)m->y;
        display->width = (int)MIN(m->width, G_MAXINT16);
        display->height = (int)MIN(m->height, G_MAXINT16);
    }
    /* The owner may end the connection in a call: then the array is gone. */
    g_autoptr(GPtrArray) displays = g_ptr_array_ref(self->displays);
    for (guint i = 0; i < displays->len; i++) {
        ViewerDisplay *display = displays->pdata[i];
        if (display->channel == channel)
            self->events.display_changed(self->owner, display);
    }
}

/* The proxy's own refusal comes as a failed connect. */
static gboolean is_proxy_refusal(const GError *error)
{
    return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_PROXY_NEED_AUTH) ||
           g_error_matches(error, G_IO_ERROR, G_IO_ERROR_PROXY_AUTH_FAILED);
}

static void main_event(SpiceChannel *channel, SpiceChannelEvent event, ViewerConnection *self)
{
    const GError *error = spice_channel_get_error(channel);
    g_autoptr(Failure) failure = NULL;

    switch (event) {
    case SPICE_CHANNEL_OPENED:
        self->open = TRUE;
        self->events.opened(self->owner);
        return;
    case SPICE_CHANNEL_NONE:
    case SPICE_CHANNEL_SWITCHING:
        return;
    case SPICE_CHANNEL_ERROR_AUTH: {
        gboolean user_name =
            g_error_matches(error, SPICE_CLIENT_ERROR,
                            SPICE_CLIENT_ERROR_AUTH_NEEDS_PASSWORD_AND_USERNAME) ||
            g_error_matches(error, SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_AUTH_NEEDS_USERNAME);
        g_autofree char *password = NULL;
        g_object_get(self->session, "password", &password, NULL);
        self->asking_proxy = FALSE;
        const char *why = error ? error->message : "Authentication failed";
        self->events.need_password(self->owner, user_name, FALSE,
                                   self->tried_password || password ? why : NULL);
        return;
    }
    case SPICE_CHANNEL_ERROR_CONNECT:
        if (is_proxy_refusal(error)) {
            self->asking_proxy = TRUE;
            self->events.need_password(self->owner, TRUE, TRUE,
                                       self->tried_password ? error->message : NULL);
            return;
        }
        break;
    case SPICE_CHANNEL_CLOSED:
    case SPICE_CHANNEL_ERROR_TLS:
    case SPICE_CHANNEL_ERROR_LINK:
    case SPICE_CHANNEL_ERROR_IO:
        break;
    }
    failure = failure_from_event(event, error, self->session);
    self->events.ended(self->owner, failure);
}

static void agent_changed(SpiceMainChannel *main, gpointer spec, ViewerConnection *self)
{
    self->events.agent_changed(self->owner);
}

/* A channel other than main that fails takes a part of the machine away: tell which. */
static void other_event(SpiceChannel *channel, SpiceChannelEvent event, ViewerConnection *self)
{
    if (event == SPICE_CHANNEL_OPENED || event == SPICE_CHANNEL_CLOSED ||
        event == SPICE_CHANNEL_SWITCHING || event == SPICE_CHANNEL_NONE)
        return;
    const GError *error = spice_channel_get_error(channel);
    int type, id;
    g_object_get(channel, "channel-type", &type, "channel-id", &id, NULL);
    g_autoptr(Failure) failure = failure_from_event(event, error, self->session);
    g_autofree char *title =
        g_strdup_printf("The %s channel %d failed", spice_channel_type_to_string(type), id);
    g_free(failure->title);
    failure->title = g_steal_pointer(&title);
    self->events.ended(self->owner, failure);
}

static void channel_new(SpiceSession *session, SpiceChannel *channel, ViewerConnection *self)
{
    if (SPICE_IS_MAIN_CHANNEL(channel)) {
        self->main = SPICE_MAIN_CHANNEL(channel);
        g_signal_connect(channel, "channel-event", G_CALLBACK(main_event), self);
        g_signal_connect(channel, "notify::agent-connected", G_CALLBACK(agent_changed), self);
        g_object_set(channel, "disable-display-position", FALSE, "disable-display-align", TRUE,
                     NULL);
    } else if (SPICE_IS_DISPLAY_CHANNEL(channel)) {
        g_signal_connect(channel, "channel-event", G_CALLBACK(other_event), self);
        g_signal_connect(channel, "notify::monitors", G_CALLBACK(monitors_changed), self);
        spice_channel_connect(channel);
    } else if (SPICE_IS_INPUTS_CHANNEL(channel) || SPICE_IS_CURSOR_CHANNEL(channel)) {
        g_signal_connect(channel, "channel-event", G_CALLBACK(other_event), self);
        spice_channel_connect(channel);
    }
}

static void channel_destroy(SpiceSession *session, SpiceChannel *channel, ViewerConnection *self)
{
    g_signal_handlers_disconnect_by_data(channel, self);
    if ((gpointer)channel == (gpointer)self->main)
        self->main = NULL;
    for (guint i = self->displays->len; i > 0; i--) {
        ViewerDisplay *display = self->displays->pdata[i - 1];
        if (display->channel == channel)
            g_ptr_array_remove_index(self->displays, i - 1);
    }
}

static void name_changed(SpiceSession *session, GParamSpec *spec, ViewerConnection *self)
{
    char *name = NULL;
    g_object_get(session, "name", &name, NULL);
    if (name && *name) {
        g_free(self->name);
        self->name = name;
    } else {
        g_free(name);
    }
    self->events.named(self->owner);
}

ViewerConnection *viewer_connection_new(SpiceSession *session, const ViewerConnectionEvents *events,
                                        gpointer owner)
{
    ViewerConnection *self = g_new0(ViewerConnection, 1);
    self->session = g_object_ref(session);
    self->events = *events;
    self->owner = owner;
    self->displays = g_ptr_array_new_with_free_func((GDestroyNotify)display_free);
    g_signal_connect(session, "channel-new", G_CALLBACK(channel_new), self);
    g_signal_connect(session, "channel-destroy", G_CALLBACK(channel_destroy), self);
    g_signal_connect(session, "notify::name", G_CALLBACK(name_changed), self);
    g_signal_connect(session, "notify::uuid", G_CALLBACK(name_changed), self);
    return self;
}

void viewer_connection_start(ViewerConnection *self)
{
    spice_session_connect(self->session);
}

void viewer_connection_authenticate(ViewerConnection *self, const char *user_name,
                                    const char *password)
{
    self->tried_password = TRUE;
    if (self->asking_proxy) {
        SpiceURI *proxy = spice_session_get_proxy_uri(self->session);
        if (proxy) {
            spice_uri_set_user(proxy, user_name);
            spice_uri_set_password(proxy, password);
        }
    } else {
        if (user_name)
            g_object_set(self->session, "username", user_name, NULL);
        g_object_set(self->session, "password", password, NULL);
    }
    spice_session_connect(self->session);
}

void viewer_connection_free(ViewerConnection *self)
{
    if (!self)
        return;
    g_autoptr(GList) channels = spice_session_get_channels(self->session);
    for (GList *l = channels; l; l = l->next)
        g_signal_handlers_disconnect_by_data(l->data, self);
    g_signal_handlers_disconnect_by_data(self->session, self);
    g_ptr_array_set_size(self->displays, 0);
    g_ptr_array_unref(self->displays);
    /* It keeps itself alive until the channels have ended. */
    spice_session_disconnect(self->session);
    g_object_unref(self->session);
    g_free(self->name);
    g_free(self);
}

SpiceSession *viewer_connection_session(ViewerConnection *self)
{
    return self->session;
}

SpiceMainChannel *viewer_connection_main(ViewerConnection *self)
{
    return self->main;
}

GPtrArray *viewer_connection_displays(ViewerConnection *self)
{
    return self->displays;
}

gboolean viewer_connection_is_open(ViewerConnection *self)
{
    return self->open;
}

const char *viewer_connection_name(ViewerConnection *self)
{
    return self->name;
}

char *viewer_connection_uuid(ViewerConnection *self)
{
    static const guint8 none[16];
    gpointer uuid = NULL;
    g_object_get(self->session, "uuid", &uuid, NULL);
    return uuid && memcmp(uuid, none, sizeof none) ? spice_uuid_to_string(uuid) : NULL;
}
