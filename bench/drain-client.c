/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client that does nothing but drain a session: what a benchmark of the client library runs.
 *
 * It uses the public interface only and is linked to the deployed library, so the same binary runs
 * on the deployed library and, by LD_LIBRARY_PATH, on ours. It prints a line of figures when told
 * to end (a line on standard input, after which it waits for the traffic to stop): cpu S main S
 * first MS peak_kb N read BYTES invalidates N hash HEX cpu and main count from the moment of
 * connecting; hash is that of the primary surface at the end. With the place of the marks that
 * replay-host draws it tells when it saw each of them ("seen N MICROSECONDS"). */
#include <glib-unix.h>
#include <spice-client.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { QUIET_MS = 400 };

static GMainLoop *loop;
static SpiceChannel *display;
static gint64 connected_at, first_picture_at;
static double cpu_at_start, main_at_start;
static guint invalidates;
static guint64 last_read;
static gint64 quiet_since;
static int mark_x = -1, mark_y; /* where replay-host draws its marks; -1: nowhere */
static guint32 last_mark;
static GString *mark_log; /* "seen N MICROSECONDS" */

static double clock_seconds(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static long peak_kb(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long kb = 0;

    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %ld", &kb) == 1)
            break;
    if (file)
        fclose(file);
    return kb;
}

static void report(void)
{
    double cpu = clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_at_start;
    double main_thread = clock_seconds(CLOCK_THREAD_CPUTIME_ID) - main_at_start;
    long peak = peak_kb();
    SpiceDisplayPrimary primary;
    guint64 read_bytes = 0;
    g_autofree char *hash = NULL;

    if (display)
        g_object_get(display, "total-read-bytes", &read_bytes, NULL);
    if (display && spice_display_channel_get_primary(display, 0, &primary) && primary.data) {
        g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

        for (int y = 0; y < primary.height; y++)
            for (int x = 0; x < primary.width; x++)
                g_checksum_update(sum, primary.data + (gsize)y * primary.stride + x * 4, 3);
        hash = g_strndup(g_checksum_get_string(sum), 16);
    }
    printf("cpu %.4f main %.4f first %.1f peak_kb %ld read %" G_GUINT64_FORMAT
           " invalidates %u hash %s\n",
           cpu, main_thread, first_picture_at ? (first_picture_at - connected_at) / 1000.0 : -1.0,
           peak, read_bytes, invalidates, hash ? hash : "none");
    fflush(stdout);
}

static gboolean look_for_quiet(gpointer data)
{
    guint64 now_read = 0;

    if (display)
        g_object_get(display, "total-read-bytes", &now_read, NULL);
    if (now_read != last_read) {
        last_read = now_read;
        quiet_since = g_get_monotonic_time();
    } else if (g_get_monotonic_time() - quiet_since > QUIET_MS * 1000) {
        g_main_loop_quit(loop);
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

static gboolean told_to_end(gint fd, GIOCondition condition, gpointer data)
{
    char bytes[64];

    if (read(fd, bytes, sizeof bytes) <= 0)
        g_main_loop_quit(loop);
    quiet_since = g_get_monotonic_time();
    g_timeout_add(50, look_for_quiet, NULL);
    return G_SOURCE_REMOVE;
}

static void look_for_mark(void)
{
    SpiceDisplayPrimary primary;
    guint32 pixel;

    if (!spice_display_channel_get_primary(display, 0, &primary) || !primary.data ||
        mark_x >= primary.width || mark_y >= primary.height)
        return;
    memcpy(&pixel, primary.data + (gsize)mark_y * primary.stride + mark_x * 4, 4);
    pixel &= 0xffffff;
    if (pixel >> 16 == 0xa5 && pixel != last_mark)
        g_string_append_printf(mark_log, "seen %u %" G_GINT64_FORMAT "\n", pixel & 0xffff,
                               g_get_monotonic_time());
    last_mark = pixel;
}

static void invalidated(SpiceChannel *channel, int x, int y, int width, int height, gpointer data)
{
    if (!first_picture_at)
        first_picture_at = g_get_monotonic_time();
    invalidates++;
    if (mark_x >= x && mark_x < x + width && mark_y >= y && mark_y < y + height)
        look_for_mark();
}

static void main_event(SpiceChannel *channel, SpiceChannelEvent event, gpointer data)
{
    if (event == SPICE_CHANNEL_OPENED)
        return;
    const GError *error = spice_channel_get_error(channel);

    fprintf(stderr, "channel event %d: %s\n", event, error ? error->message : "no error text");
    g_main_loop_quit(loop);
}

static void channel_new(SpiceSession *session, SpiceChannel *channel, gpointer data)
{
    if (SPICE_IS_MAIN_CHANNEL(channel))
        g_signal_connect(channel, "channel-event", G_CALLBACK(main_event), NULL);
    if (SPICE_IS_DISPLAY_CHANNEL(channel)) {
        display = g_object_ref(channel);
        g_signal_connect(channel, "channel-event", G_CALLBACK(main_event), NULL);
        g_signal_connect(channel, "display-invalidate", G_CALLBACK(invalidated), NULL);
        spice_channel_connect(channel);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 4) {
        fprintf(stderr, "usage: drain-client URI [MARK_X MARK_Y]\n");
        return 2;
    }
    if (argc == 4) {
        mark_x = atoi(argv[2]);
        mark_y = atoi(argv[3]);
    }
    mark_log = g_string_new(NULL);
    loop = g_main_loop_new(NULL, FALSE);
    SpiceSession *session = spice_session_new();

    g_object_set(session, "uri", argv[1], "enable-audio", FALSE, "enable-usbredir", FALSE, NULL);
    g_signal_connect(session, "channel-new", G_CALLBACK(channel_new), NULL);
    g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP, told_to_end, NULL);
    cpu_at_start = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
    main_at_start = clock_seconds(CLOCK_THREAD_CPUTIME_ID);
    connected_at = g_get_monotonic_time();
    spice_session_connect(session);
    g_main_loop_run(loop);
    fputs(mark_log->str, stdout);
    report();
    return 0;
}
