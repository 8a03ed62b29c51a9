/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* spice-cli capture: stores what goes over the channels of a session. */
#include "config.h"
#include "capture-file.h"
#include "cli.h"
#include "spice-glib/capture.h"

#include <glib-unix.h>

typedef struct Capture {
    Cli *cli;
    FILE *file;
    gint64 start;
    guint64 messages, bytes;
    gboolean stop;
} Capture;

static CaptureRecord record_now(Capture *capture, CaptureKind kind, gint type, gint id)
{
    return (CaptureRecord){.kind = kind,
                           .channel_type = (guint8)type,
                           .channel_id = (guint8)id,
                           .time = (guint64)(g_get_monotonic_time() - capture->start)};
}

static void copy_words(CaptureRecord *record, CaptureCaps list, const SpiceCaptureCaps *caps)
{
    record->n_words[list] = MIN(caps->n_words, CAPTURE_WORDS_MAX);
    for (guint i = 0; i < record->n_words[list]; i++)
        record->words[list][i] = caps->words[i];
}

static void channel_opened(gpointer data, gint type, gint id, gboolean mini,
                           const SpiceCaptureCaps caps[4])
{
    Capture *capture = data;
    CaptureRecord record = record_now(capture, CAPTURE_OPEN, type, id);
    record.flags = mini ? 1 : 0;
    for (int i = 0; i < CAPTURE_N_CAPS; i++)
        copy_words(&record, (CaptureCaps)i, &caps[i]);
    capture_write(capture->file, &record);
}

static void channel_message(gpointer data, gint type, gint id, gboolean from_server,
                            const SpiceCaptureMessage *message)
{
    Capture *capture = data;
    CaptureRecord record =
        record_now(capture, from_server ? CAPTURE_FROM_SERVER : CAPTURE_TO_SERVER, type, id);
    record.serial = message->serial;
    record.sub_list = message->sub_list;
    record.type = message->type;
    record.body = g_bytes_new_static(message->body, message->size);
    capture_write(capture->file, &record);
    capture_record_clear(&record);
    capture->messages++;
    capture->bytes += message->size;
}

static void channel_closed(gpointer data, gint type, gint id)
{
    Capture *capture = data;
    CaptureRecord record = record_now(capture, CAPTURE_CLOSE, type, id);
    capture_write(capture->file, &record);
}

static void write_info(Capture *capture)
{
    g_autofree char *name = NULL, *uri = NULL;
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *date = g_date_time_format_iso8601(now);
    g_object_get(capture->cli->session, "name", &name, "uri", &uri, NULL);
    g_autofree char *text =
        g_strdup_printf("program=spice-cli %s\ndate=%s\nuri=%s\nname=%s\n", PACKAGE_VERSION, date,
                        uri ? uri : "", name ? name : "");
    CaptureRecord record = record_now(capture, CAPTURE_INFO, 0, 0);
    record.body = g_bytes_new_static(text, strlen(text));
    capture_write(capture->file, &record);
    capture_record_clear(&record);
}

static gboolean interrupted(gpointer data)
{
    ((Capture *)data)->stop = TRUE;
    return G_SOURCE_CONTINUE;
}

static gboolean over(Cli *cli, gpointer data)
{
    const Capture *capture = data;
    gint64 elapsed = g_get_monotonic_time() - capture->start;
    return capture->stop ||
           (cli->options.seconds > 0 && elapsed >= (gint64)(cli->options.seconds * G_USEC_PER_SEC));
}

gboolean cli_capture(Cli *cli, int n_args, char **args)
{
    if (n_args != 1) {
        cli_fail(cli, FAILURE_USAGE, "No file named", "capture URI FILE");
        return FALSE;
    }
    g_autoptr(GError) error = NULL;
    Capture capture = {.cli = cli, .file = capture_create(args[0], &error)};
    if (!capture.file) {
        cli_fail(cli, FAILURE_OTHER, "The capture can't be written", "%s", error->message);
        return FALSE;
    }
    SpiceCapture hook = {.opened = channel_opened,
                         .message = channel_message,
                         .closed = channel_closed,
                         .data = &capture};
    g_object_set_data(G_OBJECT(cli->session), SPICE_CAPTURE_KEY, &hook);
    cli->want_display = cli->want_inputs = cli->want_cursor = TRUE;
    capture.start = g_get_monotonic_time();
    gboolean ok = cli_connect(cli);
    if (ok) {
        guint sources[] = {g_unix_signal_add(SIGINT, interrupted, &capture),
                           g_unix_signal_add(SIGTERM, interrupted, &capture)};
        cli->deadline = G_MAXINT64;
        write_info(&capture);
        cli_wait(cli, over, &capture, "the end of the capture");
        for (guint i = 0; i < G_N_ELEMENTS(sources); i++)
            g_source_remove(sources[i]);
        /* A server that goes away ends a capture as well as Ctrl-C does. */
        if (cli->failure && cli->failure->kind == FAILURE_LOST && capture.messages)
            g_clear_pointer(&cli->failure, failure_free);
        ok = !cli->failure;
    }
    g_object_set_data(G_OBJECT(cli->session), SPICE_CAPTURE_KEY, NULL);
    if (!capture_finish(capture.file, args[0], &error)) {
        cli_fail(cli, FAILURE_OTHER, "The capture can't be written", "%s", error->message);
        ok = FALSE;
    }
    if (ok)
        fprintf(stderr, "%s: %" G_GUINT64_FORMAT " messages, %" G_GUINT64_FORMAT " bytes\n",
                args[0], capture.messages, capture.bytes);
    return ok;
}
