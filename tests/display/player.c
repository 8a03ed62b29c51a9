/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Framing for a bare renderer, and a record of its events. */
#include "display/player.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <spice/enums.h>

#include "wire/header.h"

void player_log_init(PlayerLog *log)
{
    pthread_mutex_init(&log->lock, NULL);
    log->events = g_ptr_array_new_with_free_func(g_free);
}

void player_log_clear(PlayerLog *log)
{
    g_ptr_array_free(log->events, TRUE);
    pthread_mutex_destroy(&log->lock);
}

void player_log_add(PlayerLog *log, const char *format, ...)
{
    va_list args;

    if (!log)
        return;
    va_start(args, format);
    pthread_mutex_lock(&log->lock);
    g_ptr_array_add(log->events, g_strdup_vprintf(format, args));
    pthread_mutex_unlock(&log->lock);
    va_end(args);
}

static void log_monitors(Player *player, const RendererEvent *event)
{
    GString *text = g_string_new(NULL);

    g_string_printf(text, "MONITORS max=%u n=%u", event->u.monitors.max_monitors,
                    event->u.monitors.n_monitors);
    for (unsigned int i = 0; i < event->u.monitors.n_monitors; i++) {
        const RendererMonitor *monitor = &event->u.monitors.monitors[i];

        g_string_append_printf(text, " [%u s%u %ux%u+%u+%u]", monitor->id, monitor->surface_id,
                               monitor->width, monitor->height, monitor->x, monitor->y);
    }
    player_log_add(player->log, "%s", text->str);
    g_string_free(text, TRUE);
}

static void send_record(Player *player, uint16_t type, GBytes *body)
{
    PlayerSent sent = {type, g_bytes_ref(body)};

    g_array_append_val(player->sent, sent);
}

static void on_event(void *ctx, const RendererEvent *event)
{
    Player *player = ctx;

    pthread_mutex_lock(&player->lock);
    switch (event->type) {
    case RENDERER_PRIMARY_CREATED:
        player->primary = renderer_primary_ref(event->u.primary);
        player_log_add(player->log, "PRIMARY %u fmt=%u %ux%u stride=%u", player->channel_id,
                       player->primary->format, player->primary->width, player->primary->height,
                       player->primary->stride);
        break;
    case RENDERER_PRIMARY_DESTROYED:
        renderer_primary_unref(player->primary);
        player->primary = NULL;
        player_log_add(player->log, "PDESTROY");
        break;
    case RENDERER_DAMAGE:
        player->n_damages++;
        for (unsigned int i = 0; i < event->u.damage.n_rects; i++)
            player->damaged += (uint64_t)event->u.damage.rects[i].width *
                               (uint64_t)event->u.damage.rects[i].height;
        break;
    case RENDERER_MARK:
        player_log_add(player->log, "MARK %d", event->u.on);
        break;
    case RENDERER_MONITORS:
        log_monitors(player, event);
        break;
    case RENDERER_SEND:
        send_record(player, event->u.message.type, event->u.message.body);
        break;
    case RENDERER_HANDLED:
        player->handled = event->u.number;
        break;
    case RENDERER_MESSAGE:
        if (event->u.message.type == SPICE_MSG_PING)
            player->n_pongs++;
        break;
    case RENDERER_GL_SCANOUT:
        player->n_scanouts++;
        if (event->u.gl.fd >= 0)
            close(event->u.gl.fd);
        break;
    case RENDERER_GL_DRAW: {
        GBytes *empty = g_bytes_new(NULL, 0);

        player->n_gl_draws++;
        send_record(player, SPICE_MSGC_DISPLAY_GL_DRAW_DONE, empty);
        g_bytes_unref(empty);
        break;
    }
    case RENDERER_LOG:
        player->n_logs++;
        g_free(player->last_log);
        player->last_log = g_strdup(event->u.text);
        break;
    case RENDERER_FATAL:
        g_free(player->fatal);
        player->fatal = g_strdup(event->u.text);
        break;
    default:
        break;
    }
    pthread_mutex_unlock(&player->lock);
}

void player_init(Player *player, RendererShared *shared, RendererConfig *config,
                 unsigned int channel_id, bool mini, PlayerLog *log)
{
    *player = (Player){.log = log, .channel_id = channel_id, .mini = mini};
    pthread_mutex_init(&player->lock, NULL);
    player->buffer = g_byte_array_new();
    player->sent = g_array_new(FALSE, FALSE, sizeof(PlayerSent));
    config->channel_id = (uint8_t)channel_id;
    config->event = on_event;
    config->ctx = player;
    player->renderer = renderer_new(shared, config);
    renderer_owner_release(player->renderer);
}

void player_clear(Player *player)
{
    renderer_free(player->renderer);
    renderer_primary_unref(player->primary);
    g_byte_array_free(player->buffer, TRUE);
    for (unsigned int i = 0; i < player->sent->len; i++)
        g_bytes_unref(g_array_index(player->sent, PlayerSent, i).body);
    g_array_free(player->sent, TRUE);
    g_free(player->fatal);
    g_free(player->last_log);
    pthread_mutex_destroy(&player->lock);
}

#define VIDEO_DELAY_US 300000

void player_media_time(void *ctx, RendererMediaTime *time)
{
    Player *player = ctx;
    int64_t now = g_get_monotonic_time();

    pthread_mutex_lock(&player->lock);
    time->valid = time->audio = player->first_mm_time != 0;
    time->mm_time = player->first_mm_time + (uint32_t)((now - player->first_mm_at) / 1000);
    pthread_mutex_unlock(&player->lock);
}

/* STREAM_DATA(_SIZED) begins with the stream's id and the time. */
static void note_time(Player *player, const uint8_t *body, size_t size)
{
    pthread_mutex_lock(&player->lock);
    if (player->first_mm_time == 0 && size >= 8) {
        player->first_mm_time =
            body[4] | (uint32_t)body[5] << 8 | (uint32_t)body[6] << 16 | (uint32_t)body[7] << 24;
        player->first_mm_at = g_get_monotonic_time() + VIDEO_DELAY_US;
    }
    pthread_mutex_unlock(&player->lock);
}

static void push(Player *player, uint16_t type, uint32_t sub_list, const void *body, size_t size,
                 int fd)
{
    RendererInput input = {
        .type = type,
        .number = ++player->number,
        .body = g_bytes_new(body, size),
        .sub_list = sub_list,
        .for_owner = type < SPICE_MSG_BASE_LAST && type != SPICE_MSG_WAIT_FOR_CHANNELS &&
                     type != SPICE_MSG_LIST,
        .fd = fd,
    };

    if (type == SPICE_MSG_PING)
        player->n_pings++;
    if (type == SPICE_MSG_DISPLAY_STREAM_DATA || type == SPICE_MSG_DISPLAY_STREAM_DATA_SIZED)
        note_time(player, body, size);
    renderer_push(player->renderer, &input);
}

void player_message(Player *player, uint16_t type, const void *body, size_t size)
{
    push(player, type, 0, body, size, -1);
}

static bool is_fd_byte(const Player *player, uint64_t position)
{
    for (unsigned int i = 0; i < player->n_fd_bytes; i++) {
        if (player->fd_bytes[i] == position)
            return true;
    }
    return false;
}

void player_feed(Player *player, const uint8_t *data, size_t size)
{
    size_t header_size = wire_header_size(player->mini);

    g_byte_array_append(player->buffer, data, (guint)size);
    player->position += size;
    while (player->buffer->len >= header_size) {
        uint64_t start = player->position - player->buffer->len;
        size_t used;
        WireHeader header;
        int fd = -1;

        wire_header_read(player->mini, player->buffer->data, &header);
        used = header_size + header.size;
        if (player->buffer->len < used)
            return;
        if (is_fd_byte(player, start + used)) {
            if (player->buffer->len < used + 1)
                return;
            fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
            used++;
        }
        push(player, header.type, header.sub_list, player->buffer->data + header_size, header.size,
             fd);
        g_byte_array_remove_range(player->buffer, 0, (guint)used);
    }
}

uint8_t *player_picture(Player *player, uint32_t *width, uint32_t *height)
{
    RendererPrimary *primary;
    uint8_t *pixels;

    renderer_owner_acquire(player->renderer);
    pthread_mutex_lock(&player->lock);
    primary = player->primary ? renderer_primary_ref(player->primary) : NULL;
    pthread_mutex_unlock(&player->lock);
    if (!primary) {
        renderer_owner_release(player->renderer);
        return NULL;
    }
    *width = primary->width;
    *height = primary->height;
    pixels = g_malloc((size_t)*width * *height * 4);
    for (uint32_t y = 0; y < *height; y++) {
        const uint8_t *row = primary->data + (size_t)y * primary->stride;
        uint8_t *out = pixels + (size_t)y * *width * 4;

        for (uint32_t x = 0; x < *width; x++, out += 4) {
            if (primary->format == SPICE_SURFACE_FMT_16_555) {
                unsigned int value = row[2 * x] | row[2 * x + 1] << 8;

                for (int i = 0; i < 3; i++) {
                    unsigned int five = value >> (10 - 5 * i) & 31;

                    out[i] = (uint8_t)(five << 3 | five >> 2);
                }
            } else {
                out[0] = row[4 * x + 2];
                out[1] = row[4 * x + 1];
                out[2] = row[4 * x];
            }
            out[3] = 255;
        }
    }
    renderer_owner_release(player->renderer);
    renderer_primary_unref(primary);
    return pixels;
}

bool player_failed(Player *player)
{
    bool failed;

    pthread_mutex_lock(&player->lock);
    failed = player->fatal != NULL;
    pthread_mutex_unlock(&player->lock);
    return failed;
}
