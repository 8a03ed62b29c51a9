/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* spice-cli replay: plays the display channels of a capture into the renderer. */
#include "config.h"
#include "capture-file.h"
#include "cli.h"
#include "display/renderer.h"
#include "picture.h"
#include "wire/wire.h"

#include <spice/enums.h>
#include <spice/protocol.h>
#include <stdio.h>
#include <string.h>

/* How long a channel may be at a message before it counts as waiting for what isn't in the file. */
#define PATIENCE_MS 10000

typedef struct Replay Replay;

typedef struct ReplayDisplay {
    Replay *replay;
    guint8 id;
    Renderer *renderer;
    RendererConfig config;
    GMutex lock; /* the rest: written by the renderer's thread */
    GCond room;
    RendererPrimary *primary;
    guint64 damaged;
    char *fatal;
    gboolean full;
} ReplayDisplay;

typedef struct ReplayPeer {
    guint8 type, id;
    RendererPeer *peer;
} ReplayPeer;

struct Replay {
    Cli *cli;
    RendererShared *shared;
    GPtrArray *displays; /* of ReplayDisplay */
    GArray *peers;       /* of ReplayPeer */
    guint64 messages, bytes, time;
    gint64 start;
};

static void on_event(void *ctx, const RendererEvent *event)
{
    ReplayDisplay *display = ctx;
    g_mutex_lock(&display->lock);
    switch (event->type) {
    case RENDERER_PRIMARY_CREATED:
        renderer_primary_unref(display->primary);
        display->primary = renderer_primary_ref(event->u.primary);
        break;
    case RENDERER_PRIMARY_DESTROYED:
        g_clear_pointer(&display->primary, renderer_primary_unref);
        break;
    case RENDERER_DAMAGE:
        for (guint i = 0; i < event->u.damage.n_rects; i++)
            display->damaged +=
                (guint64)event->u.damage.rects[i].width * (guint64)event->u.damage.rects[i].height;
        break;
    case RENDERER_FATAL:
        if (!display->fatal)
            display->fatal = g_strdup(event->u.text);
        g_cond_broadcast(&display->room);
        break;
    default:
        break;
    }
    g_mutex_unlock(&display->lock);
}

static void on_room(void *ctx)
{
    ReplayDisplay *display = ctx;
    g_mutex_lock(&display->lock);
    display->full = FALSE;
    g_cond_broadcast(&display->room);
    g_mutex_unlock(&display->lock);
}

static ReplayDisplay *find_display(Replay *replay, guint8 id)
{
    for (guint i = 0; i < replay->displays->len; i++) {
        ReplayDisplay *display = replay->displays->pdata[i];
        if (display->id == id)
            return display;
    }
    return NULL;
}

static gboolean has_bit(const CaptureRecord *record, CaptureCaps list, guint bit)
{
    return bit / 32 < record->n_words[list] && record->words[list][bit / 32] >> (bit % 32) & 1;
}

static void display_opened(Replay *replay, const CaptureRecord *record)
{
    ReplayDisplay *display = find_display(replay, record->channel_id);
    gboolean reports = has_bit(record, CAPTURE_SERVER_CHANNEL, SPICE_DISPLAY_CAP_STREAM_REPORT);
    if (display) {
        RendererConnection connection = {.stream_reports = reports};
        renderer_reset(display->renderer, &connection);
        return;
    }
    display = g_new0(ReplayDisplay, 1);
    display->replay = replay;
    display->id = record->channel_id;
    g_mutex_init(&display->lock);
    g_cond_init(&display->room);
    renderer_config_init(&display->config);
    display->config.channel_id = record->channel_id;
    display->config.stream_reports = reports;
    display->config.event = on_event;
    display->config.queue_room = on_room;
    display->config.ctx = display;
    display->renderer = renderer_new(replay->shared, &display->config);
    /* Nobody looks before the end: the picture is the renderer's. */
    renderer_owner_release(display->renderer);
    g_ptr_array_add(replay->displays, display);
}

static void display_free(ReplayDisplay *display)
{
    renderer_free(display->renderer);
    renderer_primary_unref(display->primary);
    g_free(display->fatal);
    g_mutex_clear(&display->lock);
    g_cond_clear(&display->room);
    g_free(display);
}

/* Other channels are there for WAIT_FOR_CHANNELS only: what they have got is done at once. */
static void peer_message(Replay *replay, const CaptureRecord *record)
{
    for (guint i = 0; i < replay->peers->len; i++) {
        ReplayPeer *peer = &g_array_index(replay->peers, ReplayPeer, i);
        if (peer->type == record->channel_type && peer->id == record->channel_id) {
            renderer_peer_handled(peer->peer, record->serial);
            return;
        }
    }
    ReplayPeer peer = {
        record->channel_type, record->channel_id,
        renderer_shared_join(replay->shared, record->channel_type, record->channel_id)};
    renderer_peer_handled(peer.peer, record->serial);
    g_array_append_val(replay->peers, peer);
}

/* FALSE when the channel has failed. */
static gboolean display_message(Replay *replay, CaptureRecord *record)
{
    ReplayDisplay *display = find_display(replay, record->channel_id);
    if (!display) {
        /* A capture may have begun without OPEN, when the channel was there before. */
        CaptureRecord open = {.channel_id = record->channel_id};
        display_opened(replay, &open);
        display = find_display(replay, record->channel_id);
    }
    RendererInput input = {
        .type = record->type,
        .number = record->serial,
        .body = g_bytes_ref(record->body),
        .sub_list = record->sub_list,
        .for_owner = record->type < SPICE_MSG_BASE_LAST &&
                     record->type != SPICE_MSG_WAIT_FOR_CHANNELS && record->type != SPICE_MSG_LIST,
        .fd = -1,
    };
    g_mutex_lock(&display->lock);
    display->full = TRUE;
    g_mutex_unlock(&display->lock);
    gboolean room = renderer_push(display->renderer, &input);
    /* Bounded, because it may wait for a message of another channel that comes later in the file.
     */
    gint64 end = g_get_monotonic_time() + PATIENCE_MS * 1000LL;
    g_mutex_lock(&display->lock);
    while (!room && display->full && !display->fatal &&
           g_cond_wait_until(&display->room, &display->lock, end)) {
    }
    gboolean ok = !display->fatal;
    if (!ok)
        cli_fail(replay->cli, FAILURE_OTHER, "The recording isn't valid", "display %d: %s",
                 display->id, display->fatal);
    g_mutex_unlock(&display->lock);
    return ok;
}

/* The client's INIT tells how large cache and window were. */
static void read_init(RendererSharedLimits *limits, const CaptureRecord *record)
{
    WireArena arena;
    WireError error;
    gsize size;
    const guint8 *body = g_bytes_get_data(record->body, &size);
    wire_arena_init(&arena, 4096);
    const WireMsgcDisplayInit *init =
        wire_parse(SPICE_CHANNEL_DISPLAY, WIRE_TO_SERVER, record->type, body, size, &arena, &error);
    if (init && init->pixmap_cache_size > 0 && init->glz_dictionary_window_size > 0) {
        limits->cache_pixels = (guint64)init->pixmap_cache_size;
        limits->glz_pixels = (guint64)init->glz_dictionary_window_size;
    }
    wire_arena_clear(&arena);
}

/* Sizes have to be known before the first renderer is made, so the file is looked through first. */
static void find_sizes(const char *path, RendererSharedLimits *limits)
{
    FILE *file = capture_open(path, NULL);
    CaptureRecord record;
    while (file && capture_read(file, &record, NULL) == CAPTURE_RECORD) {
        gboolean found = record.kind == CAPTURE_TO_SERVER &&
                         record.channel_type == SPICE_CHANNEL_DISPLAY &&
                         record.type == SPICE_MSGC_DISPLAY_INIT;
        if (found)
            read_init(limits, &record);
        capture_record_clear(&record);
        if (found)
            break;
    }
    if (file)
        fclose(file);
}

static void keep_time(Replay *replay, guint64 time)
{
    double speed = replay->cli->options.speed;
    if (speed <= 0)
        return;
    gint64 due = replay->start + (gint64)((double)MIN(time, G_MAXINT64 / 4) / speed);
    gint64 now = g_get_monotonic_time();
    if (due > now)
        g_usleep((gulong)(due - now));
}

static gboolean play_record(Replay *replay, CaptureRecord *record)
{
    gboolean is_display = record->channel_type == SPICE_CHANNEL_DISPLAY;
    replay->time = record->time;
    switch (record->kind) {
    case CAPTURE_OPEN:
        if (is_display)
            display_opened(replay, record);
        return TRUE;
    case CAPTURE_FROM_SERVER:
        keep_time(replay, record->time);
        replay->messages++;
        replay->bytes += g_bytes_get_size(record->body);
        if (is_display)
            return display_message(replay, record);
        peer_message(replay, record);
        return TRUE;
    case CAPTURE_INFO:
    case CAPTURE_TO_SERVER:
    case CAPTURE_CLOSE:
        break;
    }
    return TRUE;
}

static gboolean play(Replay *replay, FILE *file)
{
    double seconds = replay->cli->options.seconds;
    guint64 limit = seconds > 0 ? (guint64)(seconds * G_USEC_PER_SEC) : G_MAXUINT64;
    gboolean ok = TRUE;
    while (ok) {
        CaptureRecord record;
        g_autoptr(GError) error = NULL;
        CaptureResult result = capture_read(file, &record, &error);
        if (result == CAPTURE_CUT)
            fprintf(stderr, "the file ends within a record: played up to there\n");
        if (result == CAPTURE_END || result == CAPTURE_CUT)
            break;
        if (result == CAPTURE_BAD) {
            cli_fail(replay->cli, FAILURE_OTHER, "The file is damaged", "%s", error->message);
            return FALSE;
        }
        gboolean over = record.time > limit;
        ok = over || play_record(replay, &record);
        capture_record_clear(&record);
        if (over)
            break;
    }
    return ok;
}

/* Everything that was pushed is drawn; FALSE when a channel has failed or waits for what never
 * comes. */
static gboolean finish_displays(Replay *replay)
{
    for (guint i = 0; i < replay->displays->len; i++) {
        ReplayDisplay *display = replay->displays->pdata[i];
        gboolean drained = renderer_drain(display->renderer, TRUE, PATIENCE_MS);
        g_mutex_lock(&display->lock);
        if (display->fatal)
            cli_fail(replay->cli, FAILURE_OTHER, "The recording isn't valid", "display %d: %s",
                     display->id, display->fatal);
        else if (!drained)
            cli_fail(replay->cli, FAILURE_OTHER, "The recording isn't complete",
                     "display %d waits for what isn't in the file", display->id);
        g_mutex_unlock(&display->lock);
    }
    return !replay->cli->failure;
}

static gboolean save_picture(Replay *replay)
{
    Cli *cli = replay->cli;
    ReplayDisplay *display = find_display(replay, (guint8)cli->options.display);
    g_autoptr(Picture) picture = NULL;
    g_autoptr(GError) error = NULL;
    if (display) {
        renderer_owner_acquire(display->renderer);
        g_mutex_lock(&display->lock);
        const RendererPrimary *primary = display->primary;
        if (primary)
            picture = picture_from_surface((int)primary->format, primary->width, primary->height,
                                           primary->stride, primary->data);
        g_mutex_unlock(&display->lock);
        renderer_owner_release(display->renderer);
    }
    if (!picture)
        cli_fail(cli, FAILURE_OTHER, "There is no picture", "display %d shows nothing at the end",
                 cli->options.display);
    else if (!picture_save(picture, cli->options.png, &error))
        cli_fail(cli, FAILURE_OTHER, "The picture can't be saved", "%s", error->message);
    return !cli->failure;
}

gboolean cli_replay(Cli *cli, const char *path)
{
    g_autoptr(GError) error = NULL;
    FILE *file = capture_open(path, &error);
    if (!file) {
        cli_fail(cli, FAILURE_USAGE, "The capture can't be read", "%s", error->message);
        return FALSE;
    }
    RendererSharedLimits limits;
    renderer_shared_limits_init(&limits);
    find_sizes(path, &limits);
    Replay replay = {
        .cli = cli,
        .shared = renderer_shared_new(&limits),
        .displays = g_ptr_array_new_with_free_func((GDestroyNotify)display_free),
        .peers = g_array_new(FALSE, FALSE, sizeof(ReplayPeer)),
        .start = g_get_monotonic_time(),
    };
    gboolean ok = play(&replay, file) && finish_displays(&replay) &&
                  (!cli->options.png || save_picture(&replay));
    double took = (double)(g_get_monotonic_time() - replay.start) / G_USEC_PER_SEC;
    guint64 pixels = 0;
    for (guint i = 0; i < replay.displays->len; i++) {
        ReplayDisplay *display = replay.displays->pdata[i];
        g_mutex_lock(&display->lock);
        pixels += display->damaged;
        g_mutex_unlock(&display->lock);
    }
    printf("%" G_GUINT64_FORMAT " messages, %" G_GUINT64_FORMAT " bytes, %" G_GUINT64_FORMAT
           " pixels changed, %.3f s recorded, %.3f s played\n",
           replay.messages, replay.bytes, pixels, (double)replay.time / G_USEC_PER_SEC, took);
    fclose(file);
    for (guint i = 0; i < replay.peers->len; i++)
        renderer_peer_leave(g_array_index(replay.peers, ReplayPeer, i).peer);
    g_array_unref(replay.peers);
    g_ptr_array_unref(replay.displays);
    renderer_shared_unref(replay.shared);
    return ok;
}
