/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session driven step by step: connect, wait for something, end. */
#include "config.h"
#include "cli.h"
#include "shared/connection-file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void cli_fail(Cli *cli, FailureKind kind, const char *title, const char *format, ...)
{
    /* The first failure is the cause, later ones follow from it. */
    if (cli->failure)
        return;
    g_autofree char *reason = NULL;
    if (format) {
        va_list args;
        va_start(args, format);
        reason = g_strdup_vprintf(format, args);
        va_end(args);
    }
    cli->failure = failure_new(kind, title, reason, NULL);
}

static void main_event(SpiceChannel *channel, SpiceChannelEvent event, gpointer data)
{
    Cli *cli = data;
    switch (event) {
    case SPICE_CHANNEL_OPENED:
        cli->main_open = TRUE;
        break;
    case SPICE_CHANNEL_SWITCHING:
    case SPICE_CHANNEL_NONE:
        break;
    case SPICE_CHANNEL_CLOSED:
    case SPICE_CHANNEL_ERROR_CONNECT:
    case SPICE_CHANNEL_ERROR_TLS:
    case SPICE_CHANNEL_ERROR_LINK:
    case SPICE_CHANNEL_ERROR_AUTH:
    case SPICE_CHANNEL_ERROR_IO:
        if (!cli->failure)
            cli->failure =
                failure_from_event(event, spice_channel_get_error(channel), cli->session);
        break;
    }
}

/* A channel that one of our commands needs. Its failure is the command's failure. */
static void other_event(SpiceChannel *channel, SpiceChannelEvent event, gpointer data)
{
    Cli *cli = data;
    if (event == SPICE_CHANNEL_OPENED) {
        if (SPICE_IS_INPUTS_CHANNEL(channel))
            cli->inputs_open = TRUE;
        if ((gpointer)channel == (gpointer)cli->display)
            cli->display_open = TRUE;
        return;
    }
    if (event == SPICE_CHANNEL_NONE || event == SPICE_CHANNEL_SWITCHING || cli->failure)
        return;
    int type, id;
    g_object_get(channel, "channel-type", &type, "channel-id", &id, NULL);
    const GError *error = spice_channel_get_error(channel);
    if (event == SPICE_CHANNEL_CLOSED)
        cli_fail(cli, FAILURE_LOST, "The connection has ended", "channel %s %d was closed%s%s",
                 spice_channel_type_to_string(type), id, error ? ": " : "",
                 error ? error->message : "");
    else
        cli->failure = failure_from_event(event, error, cli->session);
}

static void channel_new(SpiceSession *session, SpiceChannel *channel, gpointer data)
{
    Cli *cli = data;
    int id;
    g_object_get(channel, "channel-id", &id, NULL);
    if (SPICE_IS_MAIN_CHANNEL(channel)) {
        cli->main = SPICE_MAIN_CHANNEL(channel);
        g_signal_connect(channel, "channel-event", G_CALLBACK(main_event), cli);
        return;
    }
    cli->listed = TRUE;
    gboolean wanted = FALSE;
    if (SPICE_IS_DISPLAY_CHANNEL(channel) && id == cli->options.display) {
        cli->display = SPICE_DISPLAY_CHANNEL(channel);
        wanted = cli->want_display;
    } else if (SPICE_IS_INPUTS_CHANNEL(channel) && !cli->inputs) {
        cli->inputs = SPICE_INPUTS_CHANNEL(channel);
        wanted = cli->want_inputs;
    } else if (SPICE_IS_CURSOR_CHANNEL(channel) && id == cli->options.display) {
        wanted = cli->want_cursor;
    }
    if (wanted) {
        g_signal_connect(channel, "channel-event", G_CALLBACK(other_event), cli);
        spice_channel_connect(channel);
    }
}

/* One line of a file, without its end. */
static gboolean read_password(Cli *cli, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    char line[512];
    if (!file || !fgets(line, sizeof line, file)) {
        cli_fail(cli, FAILURE_USAGE, "The password can't be read", "%s: %s", path,
                 file ? "the file is empty" : g_strerror(errno));
        if (file && file != stdin)
            fclose(file);
        return FALSE;
    }
    if (file != stdin)
        fclose(file);
    line[strcspn(line, "\r\n")] = 0;
    g_object_set(cli->session, "password", line, NULL);
    explicit_bzero(line, sizeof line);
    return TRUE;
}

static gboolean apply_target(Cli *cli, const char *target)
{
    if (connection_file_is_named(target)) {
        g_autoptr(GError) error = NULL;
        g_autoptr(ConnectionFile) file = connection_file_load(target, &error);
        if (!file) {
            cli_fail(cli, FAILURE_USAGE, "The connection file can't be used", "%s: %s", target,
                     error->message);
            return FALSE;
        }
        connection_file_apply(file, cli->session);
        return TRUE;
    }
    /* A URI that isn't understood leaves the session as it was. */
    g_object_set(cli->session, "host", NULL, NULL);
    g_object_set(cli->session, "uri", target, NULL);
    g_autofree char *host = NULL, *path = NULL;
    g_object_get(cli->session, "host", &host, "unix-path", &path, NULL);
    if (!host && !path) {
        cli_fail(cli, FAILURE_USAGE, "The address isn't understood",
                 "%s: expected spice://host:port, spice+tls://host:port, spice+unix:///path or a "
                 ".vv file",
                 target);
        return FALSE;
    }
    return TRUE;
}

static gboolean prefer_compression(Cli *cli)
{
    GParamSpec *spec =
        g_object_class_find_property(G_OBJECT_GET_CLASS(cli->session), "preferred-compression");
    GEnumValue *value =
        g_enum_get_value_by_nick(G_PARAM_SPEC_ENUM(spec)->enum_class, cli->options.compression);
    if (!value || value->value == SPICE_IMAGE_COMPRESSION_INVALID) {
        cli_fail(cli, FAILURE_USAGE, "Unknown compression",
                 "%s: expected off, auto-glz, auto-lz, quic, glz, lz or lz4",
                 cli->options.compression);
        return FALSE;
    }
    g_object_set(cli->session, "preferred-compression", value->value, NULL);
    return TRUE;
}

gboolean cli_open(Cli *cli, const char *target)
{
    const CliOptions *options = &cli->options;
    cli->session = g_object_new(SPICE_TYPE_SESSION, "enable-audio", FALSE, "enable-usbredir", FALSE,
                                "gl-scanout", FALSE, NULL);
    g_signal_connect(cli->session, "channel-new", G_CALLBACK(channel_new), cli);
    if (!apply_target(cli, target))
        return FALSE;

    const char *password = g_getenv("SPICE_PASSWORD");
    if (options->password_file) {
        if (!read_password(cli, options->password_file))
            return FALSE;
    } else if (password) {
        g_object_set(cli->session, "password", password, NULL);
    }
    if (options->username)
        g_object_set(cli->session, "username", options->username, NULL);
    if (options->ca_file)
        g_object_set(cli->session, "ca-file", options->ca_file, NULL);
    if (options->host_subject)
        g_object_set(cli->session, "cert-subject", options->host_subject, NULL);
    if (options->proxy)
        g_object_set(cli->session, "proxy", options->proxy, NULL);
    return !options->compression || prefer_compression(cli);
}

static gboolean wake(gpointer data)
{
    return G_SOURCE_CONTINUE;
}

gboolean cli_wait(Cli *cli, gboolean (*done)(Cli *cli, gpointer data), gpointer data,
                  const char *what)
{
    /* The timer only makes the loop look at the clock; everything else wakes it by itself. */
    guint timer = g_timeout_add(50, wake, NULL);
    gboolean reached = FALSE;
    while (!cli->failure && !(reached = done(cli, data))) {
        if (g_get_monotonic_time() >= cli->deadline) {
            cli_fail(cli, FAILURE_TIMEOUT, "Nothing came in time", "waited %g s for %s",
                     cli->options.timeout, what);
            break;
        }
        g_main_context_iteration(NULL, TRUE);
    }
    g_source_remove(timer);
    return reached;
}

static gboolean until(Cli *cli, gpointer data)
{
    return g_get_monotonic_time() >= *(gint64 *)data;
}

gboolean cli_sleep(Cli *cli, double seconds)
{
    gint64 end = g_get_monotonic_time() + (gint64)(seconds * G_USEC_PER_SEC);
    gint64 deadline = cli->deadline;
    cli->deadline = G_MAXINT64;
    gboolean ok = cli_wait(cli, until, &end, "the end of a pause");
    cli->deadline = deadline;
    return ok;
}

static gboolean is_connected(Cli *cli, gpointer data)
{
    return cli->main_open && cli->listed && (!cli->want_inputs || cli->inputs_open) &&
           (!cli->want_display || cli->display_open);
}

gboolean cli_connect(Cli *cli)
{
    cli->deadline = g_get_monotonic_time() + (gint64)(cli->options.timeout * G_USEC_PER_SEC);
    spice_session_connect(cli->session);
    const char *what = cli->want_display  ? "the display channel"
                       : cli->want_inputs ? "the inputs channel"
                                          : "the list of channels";
    return cli_wait(cli, is_connected, NULL, what);
}

static void disconnected(SpiceSession *session, gpointer data)
{
    *(gboolean *)data = TRUE;
}

static gboolean flag(Cli *cli, gpointer data)
{
    return *(gboolean *)data;
}

void cli_close(Cli *cli)
{
    if (!cli->session)
        return;
    /* Nothing that happens from here on is a failure of the command. */
    g_autoptr(GList) channels = spice_session_get_channels(cli->session);
    for (GList *l = channels; l; l = l->next)
        g_signal_handlers_disconnect_by_data(l->data, cli);
    g_signal_handlers_disconnect_by_data(cli->session, cli);
    if (cli->main) {
        Failure *failure = g_steal_pointer(&cli->failure);
        gboolean ended = FALSE;
        g_signal_connect(cli->session, "disconnected", G_CALLBACK(disconnected), &ended);
        spice_session_disconnect(cli->session);
        cli->deadline = g_get_monotonic_time() + 2 * G_USEC_PER_SEC;
        cli_wait(cli, flag, &ended, "the end of the connection");
        g_signal_handlers_disconnect_by_data(cli->session, &ended);
        g_clear_pointer(&cli->failure, failure_free);
        cli->failure = failure;
    }
    g_clear_object(&cli->session);
}
