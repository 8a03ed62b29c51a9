/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The deployed server library on the test's main loop. */
#include <pthread.h>
#include <spice.h>
#include <spice/macros.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "glib-core.h"
#include "host.h"

#define SCANOUT_COOKIE 2
#define MAX_WIDTH 2048
#define MAX_HEIGHT 1536

struct Host {
    SpiceCoreInterface core;
    SpiceServer *server;
    QXLInstance qxl;
    SpiceKbdInstance keyboard;
    SpiceMouseInstance mouse;
    SpiceTabletInstance tablet;
    gboolean has_tablet, inputs_open;
    guint8 leds;
    int port;
    /* Of QXLCommandExt: the worker thread takes them. The lock is pthread's, as the thread
     * sanitizer doesn't see GLib's. */
    GQueue commands, cursor_commands;
    pthread_mutex_t commands_lock;
    guint8 *pixels;
    guint width, height;
    gint updates_done, scanouts_done; /* counted by the worker thread */
    guint scanouts_asked;
    gboolean drawing;
    GString *keys, *pointer;
    uint32_t buttons;
};

/* The library's callbacks have no argument for it. */
static Host *the_host;

gboolean host_tick(gpointer data)
{
    return G_SOURCE_CONTINUE;
}

/* ---- input devices
 * ---------------------------------------------------------------------------------------- */

static void push_scancode(SpiceKbdInstance *instance, uint8_t byte)
{
    g_string_append_printf(the_host->keys, "%02x ", byte);
}

static uint8_t get_leds(SpiceKbdInstance *instance)
{
    return the_host->leds;
}

/* The state of the buttons comes with every event of the pointer. */
static void note_buttons(uint32_t buttons)
{
    if (buttons != the_host->buttons)
        g_string_append_printf(the_host->pointer, "b%x ", buttons);
    the_host->buttons = buttons;
}

static void note_wheel(int motion, uint32_t buttons)
{
    if (motion)
        g_string_append_printf(the_host->pointer, "w%d ", motion);
    note_buttons(buttons);
}

static void mouse_motion(SpiceMouseInstance *instance, int dx, int dy, int dz, uint32_t buttons)
{
    note_wheel(dz, buttons);
    if (dx || dy)
        g_string_append_printf(the_host->pointer, "m%d,%d ", dx, dy);
}

static void mouse_buttons(SpiceMouseInstance *instance, uint32_t buttons)
{
    note_buttons(buttons);
}

static void tablet_size(SpiceTabletInstance *instance, int width, int height)
{
}

static void tablet_position(SpiceTabletInstance *instance, int x, int y, uint32_t buttons)
{
    note_buttons(buttons);
    g_string_append_printf(the_host->pointer, "p%d,%d ", x, y);
}

static void tablet_wheel(SpiceTabletInstance *instance, int motion, uint32_t buttons)
{
    note_wheel(motion, buttons);
}

static void tablet_buttons(SpiceTabletInstance *instance, uint32_t buttons)
{
    note_buttons(buttons);
}

static const SpiceKbdInterface keyboard_interface = {
    .base = {SPICE_INTERFACE_KEYBOARD, "test", SPICE_INTERFACE_KEYBOARD_MAJOR,
             SPICE_INTERFACE_KEYBOARD_MINOR},
    .push_scan_freg = push_scancode,
    .get_leds = get_leds,
};

static const SpiceMouseInterface mouse_interface = {
    .base = {SPICE_INTERFACE_MOUSE, "test", SPICE_INTERFACE_MOUSE_MAJOR,
             SPICE_INTERFACE_MOUSE_MINOR},
    .motion = mouse_motion,
    .buttons = mouse_buttons,
};

static const SpiceTabletInterface tablet_interface = {
    .base = {SPICE_INTERFACE_TABLET, "test", SPICE_INTERFACE_TABLET_MAJOR,
             SPICE_INTERFACE_TABLET_MINOR},
    .set_logical_size = tablet_size,
    .position = tablet_position,
    .wheel = tablet_wheel,
    .buttons = tablet_buttons,
};

/* ---- graphics device
 * -------------------------------------------------------------------------------------- */

static void attached_worker(QXLInstance *instance)
{
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
    info->n_surfaces = 16;
}

static int take_command(GQueue *queue, QXLCommandExt *command)
{
    QXLCommandExt *next;

    pthread_mutex_lock(&the_host->commands_lock);
    next = g_queue_pop_head(queue);
    pthread_mutex_unlock(&the_host->commands_lock);
    if (next == NULL)
        return 0;
    *command = *next;
    g_free(next);
    return 1;
}

static int get_command(QXLInstance *instance, QXLCommandExt *command)
{
    return take_command(&the_host->commands, command);
}

static int get_cursor_command(QXLInstance *instance, QXLCommandExt *command)
{
    return take_command(&the_host->cursor_commands, command);
}

/* Each command is followed by a wakeup. */
static int req_notification(QXLInstance *instance)
{
    return 1;
}

static int req_cursor_notification(QXLInstance *instance)
{
    return 1;
}

static void release_resource(QXLInstance *instance, QXLReleaseInfoExt release)
{
    g_free(release.info);
}

static void notify_update(QXLInstance *instance, uint32_t id)
{
}

static int flush_resources(QXLInstance *instance)
{
    return 0;
}

static void async_complete(QXLInstance *instance, uint64_t cookie)
{
    g_atomic_int_inc(cookie == SCANOUT_COOKIE ? &the_host->scanouts_done : &the_host->updates_done);
}

static void update_area_complete(QXLInstance *instance, uint32_t surface, QXLRect *rects,
                                 uint32_t n_rects)
{
}

static void set_client_capabilities(QXLInstance *instance, uint8_t present, uint8_t *caps)
{
}

static int client_monitors_config(QXLInstance *instance, VDAgentMonitorsConfig *config)
{
    return 1;
}

static const QXLInterface qxl_interface = {
    .base = {SPICE_INTERFACE_QXL, "test", SPICE_INTERFACE_QXL_MAJOR, SPICE_INTERFACE_QXL_MINOR},
    .attached_worker = attached_worker,
    .set_compression_level = set_compression_level,
    .get_init_info = get_init_info,
    .get_command = get_command,
    .req_cmd_notification = req_notification,
    .release_resource = release_resource,
    .get_cursor_command = get_cursor_command,
    .req_cursor_notification = req_cursor_notification,
    .notify_update = notify_update,
    .flush_resources = flush_resources,
    .async_complete = async_complete,
    .update_area_complete = update_area_complete,
    .set_client_capabilities = set_client_capabilities,
    .client_monitors_config = client_monitors_config,
};

guint32 host_pixel(guint x, guint y)
{
    return (x * 7 & 255) << 16 | (y * 5 & 255) << 8 | ((x ^ y) & 255);
}

static void create_primary(Host *host, guint width, guint height, guint bits)
{
    QXLDevSurfaceCreate create = {0};

    host->width = width;
    host->height = height;
    for (guint y = 0; y < height; y++) {
        for (guint x = 0; x < width; x++) {
            guint32 pixel = host_pixel(x, y);

            if (bits == 32)
                ((guint32 *)host->pixels)[y * width + x] = pixel;
            else
                ((guint16 *)host->pixels)[y * width + x] =
                    (pixel >> 19 & 31) << 10 | (pixel >> 11 & 31) << 5 | (pixel >> 3 & 31);
        }
    }
    create.width = width;
    create.height = height;
    create.stride = (int)(width * bits / 8);
    create.format = bits == 32 ? SPICE_SURFACE_FMT_32_xRGB : SPICE_SURFACE_FMT_16_555;
    create.flags = QXL_SURF_FLAG_KEEP_DATA; /* or the server would start with black */
    create.mouse_mode = 1;
    create.mem = (uintptr_t)host->pixels;
    spice_qxl_create_primary_surface(&host->qxl, 0, &create);
}

void host_set_mode(Host *host, guint width, guint height, guint bits)
{
    spice_qxl_destroy_primary_surface(&host->qxl, 0);
    create_primary(host, width, height, bits);
}

static void push(Host *host, GQueue *queue, uint32_t type, gpointer data)
{
    QXLCommandExt *command = g_new0(QXLCommandExt, 1);

    command->cmd.type = type;
    command->cmd.data = (uintptr_t)data;
    pthread_mutex_lock(&host->commands_lock);
    g_queue_push_tail(queue, command);
    pthread_mutex_unlock(&host->commands_lock);
    spice_qxl_wakeup(&host->qxl);
}

void host_fill(Host *host, gint x, gint y, guint width, guint height, guint32 color)
{
    QXLDrawable *drawable = g_new0(QXLDrawable, 1);

    drawable->release_info.id = (uintptr_t)drawable;
    drawable->bbox = (QXLRect){.left = x, .top = y, .right = x + width, .bottom = y + height};
    drawable->clip.type = SPICE_CLIP_TYPE_NONE;
    drawable->effect = QXL_EFFECT_OPAQUE;
    for (guint i = 0; i < 3; i++)
        drawable->surfaces_dest[i] = -1;
    drawable->type = QXL_DRAW_FILL;
    drawable->u.fill.brush.type = SPICE_BRUSH_TYPE_SOLID;
    drawable->u.fill.brush.u.color = color;
    drawable->u.fill.rop_descriptor = SPICE_ROPD_OP_PUT;
    push(host, &host->commands, QXL_CMD_DRAW, drawable);
}

static QXLCursorCmd *new_cursor_command(guint8 type, gsize data_size)
{
    QXLCursorCmd *command = g_malloc0(sizeof *command + sizeof(QXLCursor) + data_size);

    command->release_info.id = (uintptr_t)command;
    command->type = type;
    return command;
}

void host_set_cursor(Host *host, guint size, guint hot_x, guint hot_y, guint32 color)
{
    static uint64_t unique = 1;
    gsize data_size = (gsize)size * size * 4;
    QXLCursorCmd *command = new_cursor_command(QXL_CURSOR_SET, data_size);
    QXLCursor *cursor = (QXLCursor *)(command + 1);

    command->u.set.visible = 1;
    command->u.set.shape = (uintptr_t)cursor;
    cursor->header = (QXLCursorHeader){.unique = unique++,
                                       .type = SPICE_CURSOR_TYPE_ALPHA,
                                       .width = size,
                                       .height = size,
                                       .hot_spot_x = hot_x,
                                       .hot_spot_y = hot_y};
    cursor->data_size = (uint32_t)data_size;
    cursor->chunk.data_size = (uint32_t)data_size;
    for (gsize i = 0; i < data_size; i += 4)
        memcpy(cursor->chunk.data + i, &color, 4);
    push(host, &host->cursor_commands, QXL_CMD_CURSOR, command);
}

void host_move_cursor(Host *host, gint x, gint y)
{
    QXLCursorCmd *command = new_cursor_command(QXL_CURSOR_MOVE, 0);

    command->u.position = (QXLPoint16){.x = x, .y = y};
    push(host, &host->cursor_commands, QXL_CMD_CURSOR, command);
}

void host_hide_cursor(Host *host)
{
    push(host, &host->cursor_commands, QXL_CMD_CURSOR, new_cursor_command(QXL_CURSOR_HIDE, 0));
}

void host_set_monitors(Host *host, const HostMonitor *monitors, guint n)
{
    QXLMonitorsConfig *config = g_malloc0(sizeof *config + n * sizeof(QXLHead));
    gint before = g_atomic_int_get(&host->updates_done);

    config->count = config->max_allowed = n;
    for (guint i = 0; i < n; i++)
        config->heads[i] = (QXLHead){.id = monitors[i].id,
                                     .width = monitors[i].width,
                                     .height = monitors[i].height,
                                     .x = monitors[i].x,
                                     .y = monitors[i].y};
    spice_qxl_monitors_config_async(&host->qxl, (uintptr_t)config, 0, 1);
    wait_until(g_atomic_int_get(&host->updates_done) != before);
    g_free(config);
}

void host_scanout(Host *host, guint width, guint height)
{
    int fd = memfd_create("scanout", MFD_CLOEXEC); /* no graphics memory, but a descriptor */

    g_assert_cmpint(ftruncate(fd, width * height * 4), ==, 0);
    spice_qxl_gl_scanout(&host->qxl, fd, width, height, width * 4, 0x34325258 /* XR24 */, 0);
    host->drawing = FALSE;
    g_atomic_int_set(&host->scanouts_done, 0);
}

guint host_draw_scanout(Host *host)
{
    guint done = g_atomic_int_get(&host->scanouts_done);

    if (host->drawing && done == host->scanouts_asked)
        host->drawing = FALSE;
    if (!host->drawing) {
        host->drawing = TRUE;
        host->scanouts_asked = done + 1;
        spice_qxl_gl_draw_async(&host->qxl, 0, 0, 10, 10, SCANOUT_COOKIE);
    }
    return done;
}

void host_set_tablet(Host *host, gboolean present)
{
    if (host->has_tablet == present)
        return;
    host->has_tablet = present;
    if (present) {
        host->tablet.base.sif = &tablet_interface.base;
        spice_server_add_interface(host->server, &host->tablet.base);
    } else {
        spice_server_remove_interface(&host->tablet.base);
    }
}

void host_set_leds(Host *host, guint leds)
{
    host->leds = leds;
    spice_server_kbd_leds(&host->keyboard, leds);
}

/* ---- life
 * -------------------------------------------------------------------------------------------------
 */

Host *host_new(guint width, guint height)
{
    Host *host = g_new0(Host, 1);
    QXLDevMemSlot slot = {.virt_start = 0, .virt_end = ~(uintptr_t)0};

    the_host = host;
    pthread_mutex_init(&host->commands_lock, NULL);
    host->keys = g_string_new(NULL);
    host->pointer = g_string_new(NULL);
    host->pixels = g_malloc0(MAX_WIDTH * MAX_HEIGHT * 4);
    host->server = spice_server_new();
    spice_server_set_noauth(host->server);
    spice_server_set_addr(host->server, "127.0.0.1", 0);
    host->port = 20000 + getpid() % 20000;
    spice_server_set_port(host->server, host->port);
    host->core = glib_core(NULL);
    g_assert_cmpint(spice_server_init(host->server, &host->core), ==, 0);
    host->keyboard.base.sif = &keyboard_interface.base;
    spice_server_add_interface(host->server, &host->keyboard.base);
    host->mouse.base.sif = &mouse_interface.base;
    spice_server_add_interface(host->server, &host->mouse.base);
    host->qxl.base.sif = &qxl_interface.base;
    spice_server_add_interface(host->server, &host->qxl.base);
    spice_qxl_add_memslot(&host->qxl, &slot);
    spice_server_vm_start(host->server);
    create_primary(host, width, height, 32);
    return host;
}

void host_free(Host *host)
{
    host_set_tablet(host, FALSE);
    spice_qxl_destroy_primary_surface(&host->qxl, 0);
    spice_server_destroy(host->server);
    g_queue_clear(&host->commands);
    g_queue_clear(&host->cursor_commands);
    pthread_mutex_destroy(&host->commands_lock);
    g_string_free(host->keys, TRUE);
    g_string_free(host->pointer, TRUE);
    g_free(host->pixels);
    g_free(host);
    the_host = NULL;
}

static int new_connection(Host *host)
{
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
    g_assert_cmpint(spice_server_add_client(host->server, fds[0], TRUE), ==, 0);
    return fds[1];
}

static void open_fd(SpiceChannel *channel, gint with_tls, Host *host)
{
    spice_channel_open_fd(channel, new_connection(host));
}

static void inputs_event(SpiceChannel *channel, SpiceChannelEvent event, Host *host)
{
    host->inputs_open = event == SPICE_CHANNEL_OPENED;
}

gboolean host_inputs_open(Host *host)
{
    return host->inputs_open;
}

static void channel_new(SpiceSession *session, SpiceChannel *channel, Host *host)
{
    if (SPICE_IS_INPUTS_CHANNEL(channel))
        g_signal_connect_after(channel, "channel-event", G_CALLBACK(inputs_event), host);
    g_signal_connect(channel, "open-fd", G_CALLBACK(open_fd), host);
}

SpiceSession *host_new_session(Host *host)
{
    SpiceSession *session = spice_session_new();

    g_object_set(session, "enable-audio", FALSE, "enable-usbredir", FALSE, "enable-smartcard",
                 FALSE, NULL);
    g_signal_connect(session, "channel-new", G_CALLBACK(channel_new), host);
    return session;
}

void host_connect(Host *host, SpiceSession *session, gboolean over_tcp)
{
    if (over_tcp) {
        g_autofree gchar *port = g_strdup_printf("%d", host->port);

        g_object_set(session, "host", "127.0.0.1", "port", port, NULL);
        g_assert_true(spice_session_connect(session));
    } else {
        g_assert_true(spice_session_open_fd(session, new_connection(host)));
    }
}

/* ---- what has arrived
 * ------------------------------------------------------------------------------------- */

static gchar *take(GString *log)
{
    gchar *text = g_strdup(log->str);

    g_string_truncate(log, 0);
    return g_strchomp(text);
}

gchar *host_take_keys(Host *host)
{
    return take(host->keys);
}

gchar *host_take_pointer(Host *host)
{
    return take(host->pointer);
}

const gchar *host_peek_keys(Host *host)
{
    return host->keys->str;
}

const gchar *host_peek_pointer(Host *host)
{
    return host->pointer->str;
}
