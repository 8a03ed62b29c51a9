/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host of libspice-server without a virtual machine: a made-up desktop that moves by itself,
 * takes keys and pointer, and has an agent that gives the clipboard back. Public interface only;
 * qxl-device.c has the graphics device, glib-core.c the main loop that the library asks for. */
#include <spice/vd_agent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "glib-core.h"
#include "qxl-device.h"

enum { WIDTH = 1024, HEIGHT = 768, SCREEN = 0, WALLPAPER = 1, WINDOW = 2 }; /* surfaces */
enum { WINDOW_WIDTH = 304, WINDOW_HEIGHT = 180, PICTURE_WIDTH = 256, PICTURE_HEIGHT = 192 };
enum { TERMINAL_X = 24, TERMINAL_Y = 56, COLUMNS = 80, LINES = 24 };
enum { CURSOR_SIZE = 24, MAX_CLIPBOARD = 1 << 20 };

static char *address = "127.0.0.1", *compression = "auto-glz";
static int port = 5900, fps = 30, limit;
static gboolean deterministic, wait_for_client;
static const GOptionEntry options[] = {
    {"addr", 'a', 0, G_OPTION_ARG_STRING, &address, "address to listen on", "ADDRESS"},
    {"port", 'p', 0, G_OPTION_ARG_INT, &port, "TCP port", "PORT"},
    {"compression", 'c', 0, G_OPTION_ARG_STRING, &compression, "off, auto-glz, lz4, ...", "NAME"},
    {"fps", 'f', 0, G_OPTION_ARG_INT, &fps, "frames per second, 0: without pauses", "N"},
    {"commands", 'n', 0, G_OPTION_ARG_INT, &limit, "end after N drawings and the last client", "N"},
    {"wait", 'w', 0, G_OPTION_ARG_NONE, &wait_for_client, "start when a client is there", NULL},
    {"deterministic", 'd', 0, G_OPTION_ARG_NONE, &deterministic, "show no clock", NULL},
    {NULL}};

static GMainLoop *loop;
static int displays;   /* display channels of clients */
static double drawing; /* processor time of what a guest would do */

/* ---- the desktop ----------------------------------------------------------------------------- */

static GString *typed; /* what stands in the terminal's last line */

static void text_line(int surface, int x, int y, int columns, uint32_t background, const char *text)
{
    g_autofree char *visible = g_strndup(text, columns);

    device_fill(surface, x, y, columns * CELL_WIDTH, CELL_HEIGHT, background);
    device_text(surface, x, y, 0xe0f0e0, visible);
}

static void show_typed(void)
{
    g_autofree char *prompt = g_strdup_printf("$ %s_", typed->str);

    text_line(SCREEN, TERMINAL_X, TERMINAL_Y + (LINES - 1) * CELL_HEIGHT, COLUMNS, 0x303840,
              prompt);
}

static void terminal_print(const char *line)
{
    const int last = TERMINAL_Y + (LINES - 2) * CELL_HEIGHT;

    device_move(SCREEN, TERMINAL_X, TERMINAL_Y, COLUMNS * CELL_WIDTH, last - TERMINAL_Y, TERMINAL_X,
                TERMINAL_Y + CELL_HEIGHT);
    text_line(SCREEN, TERMINAL_X, last, COLUMNS, 0x101820, line);
}

/* There and back again between 0 and `most`. */
static int swing(int at, int most)
{
    return abs(at % (2 * most) - most);
}

static void drag_window(int frame)
{
    static int x, y;
    g_autofree char *title = g_strdup_printf("  A window, dragged from %d, %d", x, y);

    device_copy(SCREEN, x, y, WINDOW_WIDTH, WINDOW_HEIGHT, WALLPAPER, x, y);
    x = swing(frame * 5, WIDTH - WINDOW_WIDTH);
    y = 460 + swing(frame * 2, HEIGHT - 460 - WINDOW_HEIGHT);
    text_line(WINDOW, 0, 0, WINDOW_WIDTH / CELL_WIDTH, 0x3060c0, title);
    device_fill(WINDOW, 8 + frame % 280, 30, 12, 140, frame * 0x030507 & 0xffffff);
    device_copy(SCREEN, x, y, WINDOW_WIDTH, WINDOW_HEIGHT, WINDOW, 0, 0);
}

static void show_picture(int frame)
{
    static uint32_t pixels[PICTURE_WIDTH * PICTURE_HEIGHT];
    const int centre_x = swing(frame * 3, PICTURE_WIDTH), centre_y = swing(frame, PICTURE_HEIGHT);

    for (int i = 0; i < PICTURE_WIDTH * PICTURE_HEIGHT; i++) {
        int x = i % PICTURE_WIDTH - centre_x, y = i / PICTURE_WIDTH - centre_y;

        pixels[i] = ((x * x + y * y) / 64 & 255) << 16 | (x & 255) << 8 | (y & 255);
    }
    device_image(SCREEN, 700, TERMINAL_Y, PICTURE_WIDTH, PICTURE_HEIGHT, pixels);
}

static void show_cursor(int number)
{
    uint32_t pixels[CURSOR_SIZE * CURSOR_SIZE] = {0};

    for (int y = 0; y < CURSOR_SIZE; y++) /* a triangle, or a frame */
        for (int x = 0; x < CURSOR_SIZE; x++)
            if (number % 2 ? x + y < CURSOR_SIZE : x % 22 < 2 || y % 22 < 2)
                pixels[y * CURSOR_SIZE + x] = 0xffffb030;
    device_cursor(WIDTH / 2, HEIGHT / 2, CURSOR_SIZE, pixels);
}

static void first_frame(void)
{
    device_new_surface(WALLPAPER, WIDTH, HEIGHT);
    for (int y = 0; y < HEIGHT; y += 8)
        device_fill(WALLPAPER, 0, y, WIDTH, 8, 0x103050 + y / 8 * 0x010101);
    device_text(WALLPAPER, 40, 600, 0xffffff, "demo-host: everything here is made of commands");
    device_copy(SCREEN, 0, 0, WIDTH, HEIGHT, WALLPAPER, 0, 0);
    device_new_surface(WINDOW, WINDOW_WIDTH, WINDOW_HEIGHT);
    device_fill(WINDOW, 0, 0, WINDOW_WIDTH, WINDOW_HEIGHT, 0xe0e0e0);
    device_fill(SCREEN, TERMINAL_X, TERMINAL_Y, COLUMNS * CELL_WIDTH, LINES * CELL_HEIGHT,
                0x101820);
    show_typed();
}

static void next_frame(void)
{
    static int frame, told;
    const int waiting = device_wake(), done = limit && device_drawn() >= limit;
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *clock = g_date_time_format(now, deterministic ? "no clock" : "%H:%M:%S");
    g_autofree char *line = g_strdup_printf("[%6d] cc -O2 -c part-%d.c", frame, frame * 7 % 100);

    if (done && waiting == 0 && !told++)
        printf("%d drawings, drawn in %.4f s\n", device_drawn(), drawing);
    if (told && displays <= 0)
        g_main_loop_quit(loop);
    if (waiting > 32 || done || (wait_for_client && displays <= 0))
        return; /* e.g. because the server lags behind */
    if (frame == 0)
        first_frame();
    if (frame % 4 == 0)
        terminal_print(line);
    if (frame % 2 == 0)
        show_picture(frame);
    if (frame % 16 == 0)
        text_line(SCREEN, WIDTH - 88, 8, 10, 0x304060, clock);
    if (frame % 64 == 0)
        show_cursor(frame / 64);
    drag_window(frame++);
    device_wake();
}

static gboolean tick(gpointer data)
{
    struct timespec begin, end;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    next_frame();
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    drawing += end.tv_sec - begin.tv_sec + (end.tv_nsec - begin.tv_nsec) / 1e9;
    return G_SOURCE_CONTINUE;
}

/* ---- keyboard and pointer -------------------------------------------------------------------- */

/* Scan codes of set 1; what is typed appears in the terminal. */
static void push_scancode(SpiceKbdInstance *keyboard, uint8_t code)
{
    static const char keys[] = "  1234567890-=  qwertyuiop[]  asdfghjkl;'` \\zxcvbnm,./ *";
    enum { BACKSPACE = 0x0e, ENTER = 0x1c, SPACE = 0x39 };

    if (code == ENTER) {
        terminal_print(typed->str);
        g_string_truncate(typed, 0);
    } else if (code == BACKSPACE && typed->len) {
        g_string_truncate(typed, typed->len - 1);
    } else if (typed->len < COLUMNS - 3 &&
               (code == SPACE || (code < sizeof keys - 1 && keys[code] > ' '))) {
        g_string_append_c(typed, code == SPACE ? ' ' : keys[code]);
    }
    show_typed();
    device_wake();
}

static uint8_t get_leds(SpiceKbdInstance *keyboard)
{
    return 0;
}

static int pointer_x, pointer_y;

/* The panel tells where it is; with a button it paints. */
static void point(int x, int y, uint32_t buttons)
{
    g_autofree char *state = g_strdup_printf("pointer %d, %d buttons %x", x, y, buttons);

    pointer_x = CLAMP(x, 0, WIDTH - 4);
    pointer_y = CLAMP(y, 0, HEIGHT - 4);
    text_line(SCREEN, 8, 8, 40, 0x304060, state);
    if (buttons)
        device_fill(SCREEN, pointer_x, pointer_y, 4, 4, 0xff4040);
    device_wake();
}

static void mouse_motion(SpiceMouseInstance *mouse, int dx, int dy, int dz, uint32_t buttons)
{
    point(pointer_x + dx, pointer_y + dy, buttons);
    device_move_cursor(pointer_x, pointer_y); /* clients don't move it in this mode */
}

static void mouse_buttons(SpiceMouseInstance *mouse, uint32_t buttons)
{
    point(pointer_x, pointer_y, buttons);
}

static void tablet_size(SpiceTabletInstance *tablet, int width, int height)
{
}

static void tablet_position(SpiceTabletInstance *tablet, int x, int y, uint32_t buttons)
{
    point(x, y, buttons);
}

static void tablet_wheel(SpiceTabletInstance *tablet, int motion, uint32_t buttons)
{
    point(pointer_x, pointer_y + 8 * motion, buttons);
}

static void tablet_buttons(SpiceTabletInstance *tablet, uint32_t buttons)
{
    point(pointer_x, pointer_y, buttons);
}

static const SpiceKbdInterface keyboard_interface = {
    {SPICE_INTERFACE_KEYBOARD, "keyboard", SPICE_INTERFACE_KEYBOARD_MAJOR,
     SPICE_INTERFACE_KEYBOARD_MINOR},
    .push_scan_freg = push_scancode,
    .get_leds = get_leds,
};
static const SpiceMouseInterface mouse_interface = {
    {SPICE_INTERFACE_MOUSE, "mouse", SPICE_INTERFACE_MOUSE_MAJOR, SPICE_INTERFACE_MOUSE_MINOR},
    .motion = mouse_motion,
    .buttons = mouse_buttons,
};
static const SpiceTabletInterface tablet_interface = {
    {SPICE_INTERFACE_TABLET, "tablet", SPICE_INTERFACE_TABLET_MAJOR, SPICE_INTERFACE_TABLET_MINOR},
    .set_logical_size = tablet_size,
    .position = tablet_position,
    .wheel = tablet_wheel,
    .buttons = tablet_buttons,
};

/* ---- the agent: takes the clipboard that a client offers, and offers it back ----------------- */

static GByteArray *chunks, *message, *to_client, *clipboard;

static void agent_send(uint32_t type, const void *data, uint32_t size)
{
    VDIChunkHeader chunk = {.port = VDP_CLIENT_PORT, .size = sizeof(VDAgentMessage) + size};
    VDAgentMessage head = {.protocol = VD_AGENT_PROTOCOL, .type = type, .size = size};

    if (to_client->len > 4 * MAX_CLIPBOARD)
        return; /* the client asks for more than it reads */
    g_byte_array_append(to_client, (uint8_t *)&chunk, sizeof chunk);
    g_byte_array_append(to_client, (uint8_t *)&head, sizeof head);
    g_byte_array_append(to_client, data, size);
}

static void agent_message(uint32_t type, const uint8_t *data, uint32_t size)
{
    static const uint32_t text = VD_AGENT_CLIPBOARD_UTF8_TEXT;
    static const uint32_t announcement[] = {0, 1 << VD_AGENT_CAP_CLIPBOARD_BY_DEMAND};

    if (type == VD_AGENT_ANNOUNCE_CAPABILITIES) {
        agent_send(type, announcement, sizeof announcement);
    } else if (type == VD_AGENT_CLIPBOARD_GRAB) {
        agent_send(VD_AGENT_CLIPBOARD_REQUEST, &text, sizeof text);
    } else if (type == VD_AGENT_CLIPBOARD_REQUEST) {
        agent_send(VD_AGENT_CLIPBOARD, clipboard->data, clipboard->len);
    } else if (type == VD_AGENT_CLIPBOARD) { /* its type, then the text */
        g_byte_array_set_size(clipboard, 0);
        g_byte_array_append(clipboard, data, size);
        terminal_print("the agent got the clipboard, and offers it back");
        agent_send(VD_AGENT_CLIPBOARD_GRAB, &text, sizeof text);
    }
}

/* What the server writes are chunks with pieces of messages; both may be cut anywhere. */
static int agent_write(SpiceCharDeviceInstance *agent, const uint8_t *data, int size)
{
    VDIChunkHeader chunk;
    VDAgentMessage head;

    g_byte_array_append(chunks, data, size);
    while (chunks->len >= sizeof chunk) {
        memcpy(&chunk, chunks->data, sizeof chunk);
        if (chunks->len - sizeof chunk < chunk.size)
            break;
        if (chunk.port != VDP_CLIENT_PORT) /* from the server: the client is gone */
            g_byte_array_set_size(message, 0);
        else if (message->len < MAX_CLIPBOARD)
            g_byte_array_append(message, chunks->data + sizeof chunk, chunk.size);
        g_byte_array_remove_range(chunks, 0, sizeof chunk + chunk.size);
        if (message->len < sizeof head)
            continue;
        memcpy(&head, message->data, sizeof head);
        if (message->len - sizeof head >= head.size) {
            agent_message(head.type, message->data + sizeof head, head.size);
            g_byte_array_set_size(message, 0);
        }
    }
    if (to_client->len)
        spice_server_char_device_wakeup(agent);
    return size;
}

static int agent_read(SpiceCharDeviceInstance *agent, uint8_t *data, int size)
{
    guint n = MIN((guint)size, to_client->len);

    memcpy(data, to_client->data, n);
    g_byte_array_remove_range(to_client, 0, n);
    return (int)n;
}

static void agent_state(SpiceCharDeviceInstance *agent, int connected)
{
}

static const SpiceCharDeviceInterface agent_interface = {
    {SPICE_INTERFACE_CHAR_DEVICE, "agent", SPICE_INTERFACE_CHAR_DEVICE_MAJOR,
     SPICE_INTERFACE_CHAR_DEVICE_MINOR},
    .state = agent_state,
    .write = agent_write,
    .read = agent_read,
};

/* ---- the host -------------------------------------------------------------------------------- */

static void channel_event(int event, SpiceChannelEventInfo *info)
{
    if (info->type == SPICE_CHANNEL_DISPLAY && event != SPICE_CHANNEL_EVENT_CONNECTED)
        displays += event == SPICE_CHANNEL_EVENT_INITIALIZED ? 1 : -1;
}

static void set_options(SpiceServer *server)
{
    static const char *const names[] = {"off", "auto-glz", "auto-lz", "quic",
                                        "glz", "lz",       "lz4",     NULL};
    /* Not by the command line, which everybody on the machine may read. */
    const char *password = getenv("SPICE_PASSWORD");
    int number = 0;

    while (names[number] && strcmp(names[number], compression) != 0)
        number++;
    if (!names[number])
        g_printerr("%s is no compression\n", compression), exit(2);
    spice_server_set_image_compression(server, SPICE_IMAGE_COMPRESSION_OFF + number);
    spice_server_set_streaming_video(server, SPICE_STREAM_VIDEO_OFF);
    spice_server_set_addr(server, address, 0);
    spice_server_set_port(server, port);
    if (!password)
        spice_server_set_noauth(server);
    else if (spice_server_set_ticket(server, password, 0, FALSE, FALSE) != 0)
        g_printerr("the password is too long\n"), exit(1);
    spice_server_set_agent_mouse(server, FALSE); /* the tablet gets the pointer */
    spice_server_set_name(server, "demo-host");
}

int main(int argc, char **argv)
{
    static SpiceKbdInstance keyboard = {.base.sif = &keyboard_interface.base};
    static SpiceMouseInstance mouse = {.base.sif = &mouse_interface.base};
    static SpiceTabletInstance tablet = {.base.sif = &tablet_interface.base};
    static SpiceCharDeviceInstance agent = {.base.sif = &agent_interface.base, "vdagent"};
    SpiceBaseInstance *devices[] = {&keyboard.base, &mouse.base, &tablet.base, &agent.base};
    g_autoptr(GOptionContext) context = g_option_context_new("- a made-up desktop by SPICE");
    g_autoptr(GError) error = NULL;
    SpiceCoreInterface core = glib_core(channel_event);
    SpiceServer *server = spice_server_new();

    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error))
        return g_printerr("%s\n", error->message), 2;
    setlinebuf(stdout);
    chunks = g_byte_array_new(), message = g_byte_array_new();
    to_client = g_byte_array_sized_new(1), clipboard = g_byte_array_new();
    typed = g_string_new(NULL);
    loop = g_main_loop_new(NULL, FALSE);
    set_options(server);
    if (spice_server_init(server, &core) != 0)
        return g_printerr("cannot listen on %s, port %d\n", address, port), 1;
    device_add(server, WIDTH, HEIGHT);
    for (guint i = 0; i < G_N_ELEMENTS(devices); i++)
        spice_server_add_interface(server, devices[i]);
    spice_server_vm_start(server);
    printf("listening on %s, port %d\n", address, port);
    g_timeout_add(fps > 0 ? 1000 / fps : 1, tick, NULL);
    g_main_loop_run(loop);
    spice_server_destroy(server);
    return 0;
}
