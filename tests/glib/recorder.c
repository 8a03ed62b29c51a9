/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records emissions. See recorder.h. */
#include <string.h>
#include "recorder.h"

/* Seconds: longer is a hang. Whole stacks of each allocation take their time. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PATIENCE 150
#else
#define PATIENCE 20
#endif

static const gchar *name_of(gpointer object, gchar buffer[32])
{
    gint type, id;

    if (!SPICE_IS_CHANNEL(object))
        return "session";
    g_object_get(object, "channel-type", &type, "channel-id", &id, NULL);
    g_snprintf(buffer, 32, "%s:%d", spice_channel_type_to_string(type), id);
    return buffer;
}

void recorder_note(Recorder *r, const gchar *format, ...)
{
    va_list args;

    va_start(args, format);
    g_string_append_vprintf(r->lines, format, args);
    va_end(args);
    g_string_append_c(r->lines, '\n');
}

static void on_event(SpiceChannel *channel, SpiceChannelEvent event, Recorder *r)
{
    static const struct {
        gint event;
        const gchar *name;
    } names[] = {
        {SPICE_CHANNEL_OPENED, "OPENED"},         {SPICE_CHANNEL_SWITCHING, "SWITCHING"},
        {SPICE_CHANNEL_CLOSED, "CLOSED"},         {SPICE_CHANNEL_ERROR_CONNECT, "ERROR_CONNECT"},
        {SPICE_CHANNEL_ERROR_TLS, "ERROR_TLS"},   {SPICE_CHANNEL_ERROR_LINK, "ERROR_LINK"},
        {SPICE_CHANNEL_ERROR_AUTH, "ERROR_AUTH"}, {SPICE_CHANNEL_ERROR_IO, "ERROR_IO"}};
    const GError *error = spice_channel_get_error(channel);
    gchar buffer[32];
    GSocket *socket = NULL;

    g_object_get(channel, "socket", &socket, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        if (names[i].event == (gint)event)
            recorder_note(r, "%s %s%s", name_of(channel, buffer), names[i].name,
                          socket && event != SPICE_CHANNEL_OPENED ? " with socket" : "");
    g_clear_object(&socket);
    if (error) {
        r->error_domain = error->domain;
        r->error_code = error->code;
        g_free(r->error_text);
        r->error_text = g_strdup(error->message);
    }
    if (r->on_event)
        r->on_event(r, channel, event);
}

static void on_plain(gpointer object, const gchar *signal)
{
    Recorder *r = g_object_get_data(object, "recorder");
    gchar buffer[32];

    recorder_note(r, "%s %s", name_of(object, buffer), signal);
}

static void on_notify(GObject *object, GParamSpec *pspec, Recorder *r)
{
    gchar buffer[32];

    if (G_IS_PARAM_SPEC_INT(pspec) || G_IS_PARAM_SPEC_BOOLEAN(pspec) ||
        G_IS_PARAM_SPEC_ENUM(pspec)) {
        GValue value = G_VALUE_INIT;
        g_autofree gchar *text = NULL;

        g_object_get_property(object, pspec->name, &value);
        if (G_IS_PARAM_SPEC_ENUM(pspec))
            text = g_strdup_printf("%d", g_value_get_enum(&value));
        else
            text = g_strdup_value_contents(&value);
        recorder_note(r, "%s notify::%s %s", name_of(object, buffer), pspec->name, text);
        g_value_unset(&value);
    } else {
        recorder_note(r, "%s notify::%s", name_of(object, buffer), pspec->name);
    }
}

static void watch_plain_signals(gpointer object, Recorder *r)
{
    g_object_set_data(object, "recorder", r);
    for (GType type = G_OBJECT_TYPE(object); type != G_TYPE_OBJECT; type = g_type_parent(type)) {
        guint n;
        g_autofree guint *ids = g_signal_list_ids(type, &n);

        for (guint i = 0; i < n; i++) {
            GSignalQuery query;

            g_signal_query(ids[i], &query);
            if (query.n_params == 0 && query.return_type == G_TYPE_NONE)
                g_signal_connect(object, query.signal_name, G_CALLBACK(on_plain),
                                 (gpointer)query.signal_name);
        }
    }
    g_signal_connect(object, "notify", G_CALLBACK(on_notify), r);
}

static void on_open_fd(SpiceChannel *channel, gint with_tls, Recorder *r)
{
    gchar buffer[32];

    recorder_note(r, "%s open-fd %d", name_of(channel, buffer), with_tls);
}

static void on_new(SpiceSession *session, SpiceChannel *channel, Recorder *r)
{
    gchar buffer[32];
    gint type;

    recorder_note(r, "channel-new %s", name_of(channel, buffer));
    g_signal_connect(channel, "channel-event", G_CALLBACK(on_event), r);
    g_signal_connect(channel, "open-fd", G_CALLBACK(on_open_fd), r);
    watch_plain_signals(channel, r);
    g_object_get(channel, "channel-type", &type, NULL);
    if (type != SPICE_CHANNEL_MAIN && r->connect_channels)
        spice_channel_connect(channel);
}

static void on_destroy(SpiceSession *session, SpiceChannel *channel, Recorder *r)
{
    gchar buffer[32];

    recorder_note(r, "channel-destroy %s", name_of(channel, buffer));
}

Recorder *recorder_new(guint16 port, guint16 tls_port)
{
    Recorder *r = g_new0(Recorder, 1);
    g_autofree gchar *port_text = port ? g_strdup_printf("%u", port) : NULL;
    g_autofree gchar *tls_text = tls_port ? g_strdup_printf("%u", tls_port) : NULL;

    r->lines = g_string_new(NULL);
    r->connect_channels = TRUE;
    r->session = spice_session_new();
    g_object_set(r->session, "host", "127.0.0.1", "port", port_text, "tls-port", tls_text, NULL);
    g_signal_connect(r->session, "channel-new", G_CALLBACK(on_new), r);
    g_signal_connect(r->session, "channel-destroy", G_CALLBACK(on_destroy), r);
    watch_plain_signals(r->session, r);
    return r;
}

typedef struct Wait {
    Recorder *recorder;
    const gchar *text;
    guint n;
} Wait;

static gboolean alarm_rang(gpointer data)
{
    *(gboolean *)data = TRUE;
    return G_SOURCE_REMOVE;
}

static gboolean tick(gpointer data)
{
    return G_SOURCE_CONTINUE;
}

void run_while(gboolean (*busy)(gpointer data), gpointer data)
{
    gboolean late = FALSE;
    guint ticker = g_timeout_add(5, tick, NULL); /* what changes in another thread wakes nobody */
    guint alarm = g_timeout_add_seconds(PATIENCE, alarm_rang, &late);

    while (busy(data) && !late)
        g_main_context_iteration(NULL, TRUE);
    g_assert_false(late);
    g_source_remove(alarm);
    g_source_remove(ticker);
}

void run_pending(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        continue;
}

static gboolean not_yet(gpointer data)
{
    return !*(gboolean *)data;
}

void run_for(guint milliseconds)
{
    gboolean rang = FALSE;

    g_timeout_add(milliseconds, alarm_rang, &rang);
    run_while(not_yet, &rang);
}

guint recorder_count(Recorder *r, const gchar *text)
{
    guint n = 0;

    for (const gchar *p = r->lines->str; (p = strstr(p, text)); p++)
        n++;
    return n;
}

static gboolean too_few(gpointer data)
{
    Wait *wait = data;

    return recorder_count(wait->recorder, wait->text) < wait->n;
}

void recorder_wait_count(Recorder *r, const gchar *text, guint n)
{
    Wait wait = {r, text, n};

    run_while(too_few, &wait);
}

void recorder_wait(Recorder *r, const gchar *text)
{
    recorder_wait_count(r, text, 1);
}

SpiceChannel *recorder_channel(Recorder *r, gint type)
{
    g_autoptr(GList) channels = spice_session_get_channels(r->session);

    for (GList *l = channels; l; l = l->next) {
        gint t;

        g_object_get(l->data, "channel-type", &t, NULL);
        if (t == type)
            return l->data;
    }
    return NULL;
}

void recorder_free(Recorder *r)
{
    gpointer weak = r->session;

    g_string_append(r->lines, "-- end\n");
    spice_session_disconnect(r->session);
    recorder_wait(r, "-- end\n");
    {
        Wait wait = {r, "session disconnected", recorder_count(r, "session disconnected") + 1};

        run_while(too_few, &wait);
    }
    g_signal_handlers_disconnect_by_data(r->session, r);
    g_object_add_weak_pointer(G_OBJECT(r->session), &weak);
    g_object_unref(r->session);
    run_pending();
    g_assert_null(weak);
    g_string_free(r->lines, TRUE);
    g_free(r->error_text);
    g_free(r);
}
