/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Views and channels made of notes. */
#include "server/fake-rooms.h"

#include <pthread.h>
#include <spice/enums.h>
#include <spice/protocol.h>

#include "display/views.h"
#include "main/agent.h"
#include "main/inputs.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static GString *views_log, *cursor_log;
static unsigned n_clients;
static uint8_t client_caps;
int fake_mouse_updates;
const bool rooms_have_logs = true;
unsigned rooms_bad_messages, rooms_messages, rooms_drawings[400];

static void G_GNUC_PRINTF(2, 3) say(GString **log, const char *format, ...)
{
    va_list arguments;

    pthread_mutex_lock(&lock);
    if (!*log)
        *log = g_string_new(NULL);
    va_start(arguments, format);
    g_string_append_vprintf(*log, format, arguments);
    va_end(arguments);
    pthread_mutex_unlock(&lock);
}

static char *take_log(GString **log)
{
    char *text;

    pthread_mutex_lock(&lock);
    text = *log ? g_string_free(*log, FALSE) : g_strdup("");
    *log = NULL;
    pthread_mutex_unlock(&lock);
    return text;
}

char *fake_views_take_log(void)
{
    return take_log(&views_log);
}

char *fake_cursor_take_log(void)
{
    return take_log(&cursor_log);
}

/* ---- server ---- */

struct RedsState *fake_server_new(void)
{
    struct RedsState *server = g_new0(struct RedsState, 1);

    server->loop = loop_new_poll();
    server->inputs = (Inputs *)server;
    return server;
}

void fake_server_free(struct RedsState *server)
{
    loop_free(server->loop);
    g_free(server);
}

void rooms_connect(struct RedsState *server)
{
}

void fake_server_run(struct RedsState *server)
{
    loop_run_once(server->loop, 0);
}

void server_update_mouse_mode(struct RedsState *server)
{
    __atomic_add_fetch(&fake_mouse_updates, 1, __ATOMIC_RELAXED);
}

uint32_t inputs_mouse_mode(const Inputs *inputs)
{
    return SPICE_MOUSE_MODE_SERVER;
}

void agent_devices_changed(Agent *agent)
{
}

/* ---- views ---- */

struct Views {
    ViewsConfig config;
};
static Views *the_views;

Views *views_new(const ViewsConfig *config)
{
    the_views = g_new0(Views, 1);
    the_views->config = *config;
    return the_views;
}

void views_free(Views *views)
{
    the_views = NULL;
    g_free(views);
}

void views_set_truth(Views *views, Truth *truth)
{
}

void views_surface_created(Views *views, Surface *surface)
{
    say(&views_log, "create %u;", surface->id);
}

void views_surface_destroyed(Views *views, Surface *surface)
{
    say(&views_log, "destroy %u;", surface->id);
}

void views_primary_ready(Views *views)
{
    say(&views_log, "mark;");
}

WireRect fake_views_box;

void views_drawable(Views *views, Drawable *drawable)
{
    fake_views_box = drawable->message.base.box;
    say(&views_log, "draw %u%s;", drawable->message_type, drawable->n_borrowed ? " borrowed" : "");
}

void views_dropped(Views *views, Drawable *drawable)
{
}

void views_rendered(Views *views, Drawable *drawable)
{
}

void views_batch_end(Views *views)
{
}

void views_monitors_config(Views *views, const WireMsgDisplayMonitorsConfig *config)
{
    say(&views_log, "monitors %u/%u", config->n_heads, config->max_allowed);
    for (uint32_t i = 0; i < config->n_heads; i++)
        say(&views_log, " %ux%u+%u+%u", config->heads[i].width, config->heads[i].height,
            config->heads[i].x, config->heads[i].y);
    say(&views_log, ";");
}

void views_set_monitors(Views *views, const WireMsgDisplayMonitorsConfig *config)
{
    say(&views_log, "quietly %u/%u;", config->n_heads, config->max_allowed);
}

void views_reset(Views *views)
{
    say(&views_log, "reset;");
}

void views_set_compression(Views *views, SpiceImageCompression compression)
{
    say(&views_log, "compression %d;", compression);
}

void views_drain(Views *views, uint32_t max_ms)
{
    say(&views_log, "drain;");
}

bool views_guest_caps(Views *views, uint8_t caps[58])
{
    bool present;

    pthread_mutex_lock(&lock);
    present = n_clients > 0;
    caps[0] = client_caps;
    pthread_mutex_unlock(&lock);
    return present;
}

unsigned views_n_clients(const Views *views)
{
    return n_clients;
}

size_t views_memory(const Views *views)
{
    return 0;
}

void fake_views_set_clients(unsigned n, uint8_t caps)
{
    pthread_mutex_lock(&lock);
    n_clients = n;
    client_caps = caps;
    pthread_mutex_unlock(&lock);
}

static void announce(void *data)
{
    Views *views = data;

    views->config.clients_changed(views->config.context);
}

void fake_views_announce(void)
{
    loop_post(the_views->config.loop, announce, the_views);
}

/* ---- channels: there is one, the cursor's ---- */

static Channel *the_channel;
static size_t room = 65536;

Channel *channel_new(struct RedsState *server, const ChannelClass *class, uint8_t id, Loop *loop,
                     void *owner)
{
    Channel *channel = g_new0(Channel, 1);

    channel->class = class;
    channel->server = server;
    channel->loop = loop;
    channel->id = id;
    channel->owner = owner;
    the_channel = channel;
    return channel;
}

void channel_free(Channel *channel)
{
    g_list_free_full(channel->clients, g_free);
    g_free(channel);
    the_channel = NULL;
}

const ChannelClass *fake_cursor_class(void)
{
    return the_channel->class;
}

static void connect_client(void *data)
{
    Channel *channel = data;
    ChannelClient *cc = g_malloc0(channel->class->client_size);

    cc->channel = channel;
    channel->clients = g_list_append(channel->clients, cc);
    channel->class->connected(cc);
}

void fake_cursor_connect(void)
{
    loop_post(the_channel->loop, connect_client, the_channel);
}

static void fill(void *data)
{
    ChannelClient *cc = data;

    cc->channel->class->fill(cc);
}

void fake_cursor_set_room(size_t bytes)
{
    __atomic_store_n(&room, bytes, __ATOMIC_RELAXED);
    for (GList *link = the_channel->clients; bytes && link; link = link->next)
        loop_post(the_channel->loop, fill, link->data);
}

void channel_client_want(ChannelClient *cc)
{
    loop_post(cc->channel->loop, fill, cc);
}

void channel_client_flush(ChannelClient *cc)
{
}

size_t channel_client_room(const ChannelClient *cc)
{
    return __atomic_load_n(&room, __ATOMIC_RELAXED);
}

uint16_t fake_cursor_hot_spot[2];

static void say_cursor(const WireCursor *cursor)
{
    fake_cursor_hot_spot[0] = cursor->hot_spot_x;
    fake_cursor_hot_spot[1] = cursor->hot_spot_y;
    if (cursor->flags & SPICE_CURSOR_FLAGS_NONE)
        say(&cursor_log, " none");
    else
        say(&cursor_log, " %ux%u/%u %zu bytes%s%s", cursor->width, cursor->height, cursor->type,
            cursor->data.size, cursor->flags & SPICE_CURSOR_FLAGS_CACHE_ME ? " cache" : "",
            cursor->flags & SPICE_CURSOR_FLAGS_FROM_CACHE ? " cached" : "");
}

bool channel_client_send(ChannelClient *cc, uint16_t type, const void *message)
{
    WireBuffer body = {0};
    bool ok = wire_write(SPICE_CHANNEL_CURSOR, WIRE_TO_CLIENT, type, message, &body);

    wire_buffer_clear(&body);
    if (!ok)
        say(&cursor_log, "unwritable ");
    switch (type) {
    case SPICE_MSG_CURSOR_INIT: {
        const WireMsgCursorInit *init = message;

        say(&cursor_log, "init %d,%d %u", init->position.x, init->position.y, init->visible);
        say_cursor(&init->cursor);
        break;
    }
    case SPICE_MSG_CURSOR_SET: {
        const WireMsgCursorSet *set = message;

        say(&cursor_log, "set %d,%d %u", set->position.x, set->position.y, set->visible);
        say_cursor(&set->cursor);
        break;
    }
    case SPICE_MSG_CURSOR_MOVE: {
        const WireMsgCursorMove *move = message;

        say(&cursor_log, "move %d,%d", move->position.x, move->position.y);
        break;
    }
    case SPICE_MSG_CURSOR_INVAL_ONE:
        say(&cursor_log, "forget %" G_GUINT64_FORMAT, ((const WireMsgCursorInvalOne *)message)->id);
        break;
    case SPICE_MSG_CURSOR_TRAIL:
        say(&cursor_log, "trail %u", ((const WireMsgCursorTrail *)message)->length);
        break;
    default:
        say(&cursor_log, "%s",
            type == SPICE_MSG_CURSOR_HIDE        ? "hide"
            : type == SPICE_MSG_CURSOR_RESET     ? "reset"
            : type == SPICE_MSG_CURSOR_INVAL_ALL ? "forget all"
                                                 : "?");
    }
    say(&cursor_log, ";");
    return true;
}

void channel_client_close(ChannelClient *cc, const char *format, ...)
{
}
