/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A small host for libspice-server: plays a recording of QXL commands into it, through the public
 * interface only.
 *
 * It stands in for a hypervisor in benchmarks: no guest runs, so the processor time is that of
 * server and client. It prints one line for each step on standard output ("port 5930", "ready",
 * "fed 8674 commands", "end"), starts the main part of the recording when a display client is
 * there, and ends when its standard input is closed. */
#include <fcntl.h>
#include <glib.h>
#include <glib-unix.h>
#include <spice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "glib-core.h"

enum { QUEUE_LENGTH = 512, N_SURFACES = 1024, BATCH_INTERVAL_MS = 5 };

static char *compression_name = "auto-glz";
static char *recording;
static int port;
static int prefeed;                    /* commands played before any client is waited for */
static int commands_per_second = 2000; /* 0: as fast as the server takes them */
static int limit;                      /* stop after so many commands; 0: all */
static gboolean no_streaming;

static const GOptionEntry options[] = {
    {"compression", 'c', 0, G_OPTION_ARG_STRING, &compression_name,
     "off, auto-glz, auto-lz, quic, glz, lz or lz4", "NAME"},
    {"port", 'p', 0, G_OPTION_ARG_INT, &port, "TCP port on 127.0.0.1", "PORT"},
    {"prefeed", 0, 0, G_OPTION_ARG_INT, &prefeed, "commands to play before a client connects", "N"},
    {"rate", 'r', 0, G_OPTION_ARG_INT, &commands_per_second, "commands per second, 0: no pause",
     "N"},
    {"limit", 'l', 0, G_OPTION_ARG_INT, &limit, "stop after N commands", "N"},
    {"no-streaming", 0, 0, G_OPTION_ARG_NONE, &no_streaming, "never send regions as video", NULL},
    {NULL}};

static SpiceServer *server;
static GMainLoop *loop;

/* The ring between the player thread and the server's worker. */
static GMutex ring_lock;
static GCond ring_changed;
static GQueue ring = G_QUEUE_INIT;
static int credit;     /* commands that the pace allows now; guarded by ring_lock */
static gboolean paced; /* the client is there: credit counts */
static gboolean wants_notification;
static int n_fed;
static SpiceReplay *replay;

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

static gboolean begin_pace(gpointer data);

static void channel_event(int event, SpiceChannelEventInfo *info)
{
    if (event == SPICE_CHANNEL_EVENT_INITIALIZED && info->type == SPICE_CHANNEL_DISPLAY)
        g_timeout_add(300, begin_pace, NULL);
}

/* ---- the device
 * ------------------------------------------------------------------------------------------- */

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

static int get_command(QXLInstance *instance, QXLCommandExt *command)
{
    g_mutex_lock(&ring_lock);
    QXLCommandExt *next = NULL;

    if (!paced || credit > 0) {
        next = g_queue_pop_head(&ring);
        if (next && paced)
            credit--;
    }
    if (next) {
        *command = *next;
        n_fed++;
        g_cond_broadcast(&ring_changed);
    }
    g_mutex_unlock(&ring_lock);
    return next != NULL;
}

static int req_cmd_notification(QXLInstance *instance)
{
    g_mutex_lock(&ring_lock);
    gboolean ready = !g_queue_is_empty(&ring) && (!paced || credit > 0);

    wants_notification = !ready;
    g_mutex_unlock(&ring_lock);
    return !ready;
}

static void release_resource(QXLInstance *instance, QXLReleaseInfoExt release)
{
    if (release.info && release.info->id)
        spice_replay_free_cmd(replay, (QXLCommandExt *)(uintptr_t)release.info->id);
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

/* ---- playing
 * ---------------------------------------------------------------------------------------------- */

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

static gboolean begin_pace(gpointer data)
{
    static gboolean begun;

    if (begun)
        return G_SOURCE_REMOVE;
    begun = TRUE;
    g_mutex_lock(&ring_lock);
    credit = commands_per_second > 0 ? 0 : G_MAXINT;
    g_mutex_unlock(&ring_lock);
    g_timeout_add(BATCH_INTERVAL_MS, next_batch, NULL);
    return G_SOURCE_REMOVE;
}

static gboolean say_ready(gpointer data)
{
    say("ready");
    return G_SOURCE_REMOVE;
}

static gpointer play(gpointer data)
{
    for (int n = 0;; n++) {
        if (n == prefeed) {
            g_mutex_lock(&ring_lock);
            while (!g_queue_is_empty(&ring))
                g_cond_wait(&ring_changed, &ring_lock);
            paced = TRUE;
            g_mutex_unlock(&ring_lock);
            g_timeout_add(200, say_ready, NULL);
        }
        if (limit && n >= limit)
            break;
        QXLCommandExt *command = spice_replay_next_cmd(replay, &qxl);

        if (!command)
            break;
        if (command->cmd.type == QXL_CMD_CURSOR || command->cmd.type == QXL_CMD_MESSAGE) {
            /* The cursor ring is not played: pointer shapes are no part of what is compared. */
            spice_replay_free_cmd(replay, command);
            continue;
        }
        g_mutex_lock(&ring_lock);
        while (g_queue_get_length(&ring) >= QUEUE_LENGTH)
            g_cond_wait(&ring_changed, &ring_lock);
        g_queue_push_tail(&ring, command);
        g_mutex_unlock(&ring_lock);
        wake_worker();
    }
    g_mutex_lock(&ring_lock);
    while (!g_queue_is_empty(&ring))
        g_cond_wait(&ring_changed, &ring_lock);
    g_mutex_unlock(&ring_lock);
    g_idle_add(end_of_recording, NULL);
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

    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || argc != 2 || !port) {
        g_printerr("%s\n", error ? error->message : "needs --port and a recording");
        return 2;
    }
    recording = argv[1];
    FILE *file = fopen(recording, "r");

    if (!file || !(replay = spice_replay_new(file, N_SURFACES))) {
        g_printerr("%s is no recording of QXL commands\n", recording);
        return 2;
    }
    SpiceCoreInterface core = glib_core(channel_event);

    loop = g_main_loop_new(NULL, FALSE);
    server = spice_server_new();
    spice_server_set_noauth(server);
    spice_server_set_addr(server, "127.0.0.1", SPICE_ADDR_FLAG_IPV4_ONLY);
    spice_server_set_port(server, port);
    spice_server_set_image_compression(server, compression_by_name(compression_name));
    spice_server_set_streaming_video(server, no_streaming ? SPICE_STREAM_VIDEO_OFF
                                                          : SPICE_STREAM_VIDEO_FILTER);
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
    g_thread_unref(g_thread_new("player", play, NULL));
    g_main_loop_run(loop);

    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    say("end cpu %.3f", usage.ru_utime.tv_sec + usage.ru_utime.tv_usec / 1e6 +
                            usage.ru_stime.tv_sec + usage.ru_stime.tv_usec / 1e6);
    _exit(0); /* the player may still wait in the library */
}
