/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A small host for libspice-server: plays a recording of QXL commands into it, through the public
 * interface only.
 *
 * It stands in for a hypervisor in benchmarks: no guest runs, so the processor time is that of
 * server and client. It prints one line for each step on standard output ("port 5930", "ready",
 * "fed 8674 commands", "end ..."), starts the main part of the recording when a display client is
 * there, and ends when its standard input is closed.
 *
 * A thread of its own parses the recording and frees what was released; its processor time is left
 * out of the server's. The parser is ours whatever the server library is; replay-host-deployed is
 * the same program with that of the deployed library. */
#include <fcntl.h>
#include <glib.h>
#include <glib-unix.h>
#include <spice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "glib-core.h"

enum { QUEUE_LENGTH = 256, N_SURFACES = 1024, BATCH_INTERVAL_MS = 5, MARK_SIZE = 16 };

static char *compression_name = "auto-glz";
static int port;
static int prefeed;                    /* commands played before any client is waited for */
static int commands_per_second = 2000; /* 0: as fast as the server takes them */
static int limit;                      /* stop after so many commands; 0: all */
static int idle_marks, mark_interval = 0, update_interval;
static int mark_x = 1008, mark_y; /* where the recorded desktop hardly ever draws */
static gboolean streaming, mark_at_end;

static const GOptionEntry options[] = {
    {"compression", 'c', 0, G_OPTION_ARG_STRING, &compression_name,
     "off, auto-glz, auto-lz, quic, glz, lz or lz4", "NAME"},
    {"port", 'p', 0, G_OPTION_ARG_INT, &port, "TCP port on 127.0.0.1", "PORT"},
    {"prefeed", 0, 0, G_OPTION_ARG_INT, &prefeed, "commands to play before a client connects", "N"},
    {"rate", 'r', 0, G_OPTION_ARG_INT, &commands_per_second, "commands per second, 0: no pause",
     "N"},
    {"limit", 'l', 0, G_OPTION_ARG_INT, &limit, "stop after N commands", "N"},
    {"streaming", 0, 0, G_OPTION_ARG_NONE, &streaming, "regions may be sent as video", NULL},
    {"idle-marks", 0, 0, G_OPTION_ARG_INT, &idle_marks,
     "before the main part: N marks, with nothing else going on", "N"},
    {"marks", 'm', 0, G_OPTION_ARG_INT, &mark_interval, "draw a mark every so many ms", "MS"},
    {"mark-at-end", 0, 0, G_OPTION_ARG_NONE, &mark_at_end, "draw a mark behind the last command",
     NULL},
    {"update-area", 'u', 0, G_OPTION_ARG_INT, &update_interval,
     "ask for the rendered screen every so many ms, as screenshots do", "MS"},
    {NULL}};

static SpiceServer *server;
static GMainLoop *loop;

/* The ring between the player thread and the server's worker. */
static GMutex ring_lock;
static GCond ring_changed;
static GQueue ring = G_QUEUE_INIT;
static GQueue released = G_QUEUE_INIT; /* for the player to free */
static int credit;                     /* commands that the pace allows now */
static gboolean paced;                 /* the client is there: credit counts */
static gboolean wants_notification, player_waits, erase_wanted;
static gint64 next_mark;
static int n_fed, n_marks, marks_wanted; /* marks_wanted: to be drawn at once */
static SpiceReplay *replay;
static clockid_t player_clock;
static GString *mark_log; /* "mark N MICROSECONDS" of each mark that was handed out */

static void say(const char *format, ...) G_GNUC_PRINTF(1, 2);
static void say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

/* ---- figures ------------------------------------------------------------------------------ */

static double cpu_at_ready, player_at_ready, cpu_after_poll, longest_work;
static gint64 poll_ended, longest_stall;
static gboolean measuring;

static double clock_seconds(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The main loop's poll(): between two of them, nobody else is served. The processor time of the
 * longest such piece tells whether the library worked, or waited (or the machine was busy). */
static gint timed_poll(GPollFD *fds, guint n, gint timeout)
{
    if (measuring && poll_ended) {
        longest_stall = MAX(longest_stall, g_get_monotonic_time() - poll_ended);
        longest_work = MAX(longest_work, clock_seconds(CLOCK_THREAD_CPUTIME_ID) - cpu_after_poll);
    }
    gint result = g_poll(fds, n, timeout);

    poll_ended = g_get_monotonic_time();
    cpu_after_poll = clock_seconds(CLOCK_THREAD_CPUTIME_ID);
    return result;
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

static gboolean begin_pace(gpointer data);

static void channel_event(int event, SpiceChannelEventInfo *info)
{
    if (event == SPICE_CHANNEL_EVENT_INITIALIZED && info->type == SPICE_CHANNEL_DISPLAY)
        g_timeout_add(300, begin_pace, NULL);
}

/* ---- the device --------------------------------------------------------------------------- */

static QXLInstance qxl;

static void attached_worker(QXLInstance *instance)
{
    static QXLDevMemSlot whole_memory = {.virt_end = ~(uintptr_t)0};

    spice_qxl_add_memslot(instance, &whole_memory);
}

static void set_compression_level(QXLInstance *instance, int level)
{
}

static void get_init_info(QXLInstance *instance, QXLDevInitInfo *info)
{
    memset(info, 0, sizeof *info);
    info->num_memslots = 1;
    info->num_memslots_groups = 1;
    info->memslot_id_bits = 1;
    info->memslot_gen_bits = 1;
    info->n_surfaces = N_SURFACES;
    info->qxl_ram_size = 64 * 1024 * 1024;
}

static void make_square(QXLCommandExt *command, uint32_t colour)
{
    QXLDrawable *drawable =
        g_new0(QXLDrawable, 1); /* release_info.id is 0: not from the recording */

    drawable->type = QXL_DRAW_FILL;
    drawable->effect = QXL_EFFECT_OPAQUE;
    drawable->bbox = (QXLRect){
        .left = mark_x, .top = mark_y, .right = mark_x + MARK_SIZE, .bottom = mark_y + MARK_SIZE};
    memset(drawable->surfaces_dest, -1, sizeof drawable->surfaces_dest);
    drawable->u.fill.brush.type = SPICE_BRUSH_TYPE_SOLID;
    drawable->u.fill.brush.u.color = colour;
    drawable->u.fill.rop_descriptor = SPICE_ROPD_OP_PUT;
    *command = (QXLCommandExt){.cmd = {.type = QXL_CMD_DRAW, .data = (uintptr_t)drawable}};
}

/* A square of a colour that tells its number; a client that sees it knows what has arrived. */
static void make_mark(QXLCommandExt *command)
{
    make_square(command, 0xa50000 | (uint32_t)++n_marks);
    g_string_append_printf(mark_log, "mark %d %" G_GINT64_FORMAT "\n", n_marks,
                           g_get_monotonic_time());
}

static gboolean mark_is_due(void)
{
    if (marks_wanted > 0) {
        marks_wanted--;
        return TRUE;
    }
    if (next_mark == 0 || g_get_monotonic_time() < next_mark)
        return FALSE;
    next_mark = g_get_monotonic_time() + mark_interval * 1000;
    return TRUE;
}

static int get_command(QXLInstance *instance, QXLCommandExt *command)
{
    g_mutex_lock(&ring_lock);
    QXLCommandExt *next = NULL;
    gboolean mark = mark_is_due(), erase = !mark && erase_wanted;

    if (mark)
        make_mark(command);
    else if (erase) /* so that the last picture doesn't depend on when marks came */
        make_square(command, 0);
    else if (!paced || credit > 0)
        next = g_queue_pop_head(&ring);
    if (next) {
        if (paced)
            credit--;
        *command = *next;
        n_fed++;
        if (player_waits && g_queue_get_length(&ring) < QUEUE_LENGTH / 2) {
            player_waits = FALSE;
            g_cond_signal(&ring_changed);
        }
    }
    if (erase)
        erase_wanted = FALSE;
    g_mutex_unlock(&ring_lock);
    return mark || erase || next;
}

static int req_cmd_notification(QXLInstance *instance)
{
    g_mutex_lock(&ring_lock);
    gboolean ready =
        marks_wanted || erase_wanted || (!g_queue_is_empty(&ring) && (!paced || credit > 0));

    wants_notification = !ready;
    g_mutex_unlock(&ring_lock);
    return !ready;
}

static void release_resource(QXLInstance *instance, QXLReleaseInfoExt release)
{
    if (!release.info)
        return;
    if (!release.info->id) {
        g_free(release.info);
        return;
    }
    g_mutex_lock(&ring_lock);
    g_queue_push_tail(&released, (gpointer)(uintptr_t)release.info->id);
    g_mutex_unlock(&ring_lock);
}

static int no_cursor_command(QXLInstance *instance, QXLCommandExt *command)
{
    return 0;
}

static int yes(QXLInstance *instance)
{
    return 1;
}

static int no(QXLInstance *instance)
{
    return 0;
}

static void notify_update(QXLInstance *instance, uint32_t id)
{
}

static void async_complete(QXLInstance *instance, uint64_t cookie)
{
}

static void update_area_complete(QXLInstance *instance, uint32_t surface, QXLRect *rects,
                                 uint32_t n)
{
}

static void set_client_capabilities(QXLInstance *instance, uint8_t present,
                                    uint8_t caps[SPICE_CAPABILITIES_SIZE])
{
}

static QXLInterface qxl_interface = {
    .base = {SPICE_INTERFACE_QXL, "replay device", SPICE_INTERFACE_QXL_MAJOR,
             SPICE_INTERFACE_QXL_MINOR},
    .attached_worker = attached_worker,
    .set_compression_level = set_compression_level,
    .get_init_info = get_init_info,
    .get_command = get_command,
    .req_cmd_notification = req_cmd_notification,
    .release_resource = release_resource,
    .get_cursor_command = no_cursor_command,
    .req_cursor_notification = yes,
    .notify_update = notify_update,
    .flush_resources = no,
    .async_complete = async_complete,
    .update_area_complete = update_area_complete,
    .set_client_capabilities = set_client_capabilities,
};

/* ---- playing ------------------------------------------------------------------------------ */

static void wake_worker(void)
{
    gboolean wake;

    g_mutex_lock(&ring_lock);
    wake = wants_notification;
    wants_notification = FALSE;
    g_mutex_unlock(&ring_lock);
    if (wake)
        spice_qxl_wakeup(&qxl);
}

static gboolean end_of_recording(gpointer data)
{
    g_mutex_lock(&ring_lock);
    next_mark = 0;
    erase_wanted = n_marks && !mark_at_end;
    g_mutex_unlock(&ring_lock);
    spice_qxl_wakeup(&qxl);
    say("fed %d commands", n_fed);
    return G_SOURCE_REMOVE;
}

/* Add to the credit what the pace allows until the next batch, and wake the worker whether or not
 * it asked: it doesn't ask again after a full pipe has drained, and hypervisors wake it with every
 * refresh. */
static gboolean next_batch(gpointer data)
{
    static double fraction;

    if (commands_per_second > 0) {
        fraction += commands_per_second * BATCH_INTERVAL_MS / 1000.0;
        g_mutex_lock(&ring_lock);
        credit += (int)fraction;
        g_mutex_unlock(&ring_lock);
        fraction -= (int)fraction;
    }
    spice_qxl_wakeup(&qxl);
    return G_SOURCE_CONTINUE;
}

/* The deployed library can miss a wakeup that comes while it handles another one. */
static gboolean refresh(gpointer data)
{
    spice_qxl_wakeup(&qxl);
    return G_SOURCE_CONTINUE;
}

static gboolean update_screen(gpointer data)
{
    QXLRect area = {.left = 0, .top = 0, .right = 640, .bottom = 400}, dirty[20];

    spice_qxl_update_area(&qxl, 0, &area, dirty, G_N_ELEMENTS(dirty), 1);
    return G_SOURCE_CONTINUE;
}

static gboolean begin_main_part(gpointer data)
{
    g_mutex_lock(&ring_lock);
    credit = commands_per_second > 0 ? 0 : G_MAXINT;
    if (mark_interval)
        next_mark = g_get_monotonic_time() + mark_interval * 1000;
    g_string_append_printf(mark_log, "begin %" G_GINT64_FORMAT "\n", g_get_monotonic_time());
    g_mutex_unlock(&ring_lock);
    g_timeout_add(BATCH_INTERVAL_MS, next_batch, NULL);
    if (update_interval)
        g_timeout_add(update_interval, update_screen, NULL);
    return G_SOURCE_REMOVE;
}

static gboolean next_idle_mark(gpointer data)
{
    if (idle_marks-- <= 0) {
        begin_main_part(NULL);
        return G_SOURCE_REMOVE;
    }
    g_mutex_lock(&ring_lock);
    marks_wanted++;
    g_mutex_unlock(&ring_lock);
    spice_qxl_wakeup(&qxl);
    return G_SOURCE_CONTINUE;
}

static gboolean begin_pace(gpointer data)
{
    static gboolean begun;

    if (begun)
        return G_SOURCE_REMOVE;
    begun = TRUE;
    if (idle_marks || mark_at_end) { /* the first picture is through by then */
        say("begin");
        g_timeout_add(idle_marks ? 31 : 2500, idle_marks ? next_idle_mark : begin_main_part, NULL);
    } else {
        begin_main_part(NULL);
    }
    return G_SOURCE_REMOVE;
}

static gboolean say_ready(gpointer data)
{
    cpu_at_ready = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
    player_at_ready = clock_seconds(player_clock);
    measuring = TRUE;
    say("ready");
    return G_SOURCE_REMOVE;
}

/* Wait until at most so many commands are in the ring. */
static void wait_for_room(guint most)
{
    g_mutex_lock(&ring_lock);
    while (g_queue_get_length(&ring) > most) {
        player_waits = TRUE;
        g_cond_wait(&ring_changed, &ring_lock);
    }
    g_mutex_unlock(&ring_lock);
}

static void free_released(void)
{
    QXLCommandExt *command;

    do {
        g_mutex_lock(&ring_lock);
        command = g_queue_pop_head(&released);
        g_mutex_unlock(&ring_lock);
        if (command) /* the deployed library aborts at NULL */
            spice_replay_free_cmd(replay, command);
    } while (command);
}

static gpointer play(gpointer data)
{
    pthread_getcpuclockid(pthread_self(), &player_clock);
    for (int n = 0;; n++) {
        if (n == prefeed) {
            wait_for_room(0);
            g_mutex_lock(&ring_lock);
            paced = TRUE;
            g_mutex_unlock(&ring_lock);
            g_timeout_add(200, say_ready, NULL);
        }
        if (limit && n >= limit)
            break;
        free_released();
        QXLCommandExt *command = spice_replay_next_cmd(replay, &qxl);

        if (!command)
            break;
        if (command->cmd.type == QXL_CMD_CURSOR || command->cmd.type == QXL_CMD_MESSAGE) {
            /* The cursor ring is not played: pointer shapes are no part of what is compared. */
            spice_replay_free_cmd(replay, command);
            continue;
        }
        wait_for_room(QUEUE_LENGTH - 1);
        g_mutex_lock(&ring_lock);
        g_queue_push_tail(&ring, command);
        g_mutex_unlock(&ring_lock);
        wake_worker();
    }
    wait_for_room(0);
    if (mark_at_end) {
        g_mutex_lock(&ring_lock);
        marks_wanted++;
        g_mutex_unlock(&ring_lock);
        spice_qxl_wakeup(&qxl);
    }
    g_idle_add(end_of_recording, NULL);
    for (;;) { /* what is still to be released */
        free_released();
        g_usleep(20000);
    }
    return NULL;
}

static gboolean input_closed(gint fd, GIOCondition condition, gpointer data)
{
    char bytes[64];

    if (read(fd, bytes, sizeof bytes) > 0)
        return G_SOURCE_CONTINUE;
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

static SpiceImageCompression compression_by_name(const char *name)
{
    static const char *const names[] = {"invalid", "off", "auto-glz", "auto-lz",
                                        "quic",    "glz", "lz",       "lz4"};

    for (guint i = 1; i < G_N_ELEMENTS(names); i++)
        if (strcmp(names[i], name) == 0)
            return i;
    g_printerr("unknown compression %s\n", name);
    exit(2);
}

int main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context =
        g_option_context_new("RECORDING - play QXL commands into libspice-server");
    g_autoptr(GError) error = NULL;
    SpiceCoreInterface core = glib_core(channel_event);

    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || argc != 2 || !port) {
        g_printerr("%s\n", error ? error->message : "needs --port and a recording");
        return 2;
    }
    FILE *file = fopen(argv[1], "r");

    if (!file || !(replay = spice_replay_new(file, N_SURFACES))) {
        g_printerr("%s is no recording of QXL commands\n", argv[1]);
        return 2;
    }
    mark_log = g_string_new(NULL);
    loop = g_main_loop_new(NULL, FALSE);
    g_main_context_set_poll_func(NULL, timed_poll);
    server = spice_server_new();
    spice_server_set_noauth(server);
    spice_server_set_addr(server, "127.0.0.1", SPICE_ADDR_FLAG_IPV4_ONLY);
    spice_server_set_port(server, port);
    spice_server_set_image_compression(server, compression_by_name(compression_name));
    spice_server_set_streaming_video(server, streaming ? SPICE_STREAM_VIDEO_FILTER
                                                       : SPICE_STREAM_VIDEO_OFF);
    if (spice_server_init(server, &core) != 0) {
        g_printerr("cannot listen on port %d\n", port);
        return 1;
    }
    qxl.base.sif = &qxl_interface.base;
    qxl.id = 0;
    spice_server_add_interface(server, &qxl.base);
    spice_server_vm_start(server);
    say("port %d", port);
    g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP, input_closed, NULL);
    g_timeout_add(30, refresh, NULL);
    g_thread_unref(g_thread_new("player", play, NULL));
    g_main_loop_run(loop);

    double player = clock_seconds(player_clock) - player_at_ready;
    double all = clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_at_ready;

    fputs(mark_log->str, stdout);
    say("end cpu %.4f player %.4f stall_ms %.2f work_ms %.2f peak_kb %ld", all - player, player,
        (double)longest_stall / 1000.0, longest_work * 1000, peak_kb());
    _exit(0); /* the player may still wait in the library */
}
