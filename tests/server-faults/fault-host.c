/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host whose picture stands still, for tests that mistreat the server's connections: a screen,
 * keyboard, mouse, tablet and an agent that takes everything and answers with an announcement. It
 * lives until its standard input ends. Usage: fault-host PORT TLS-PORT FOLDER-OF-CERTIFICATES
 * PASSWORD; prints "ready". */
#include <glib-unix.h>
#include <spice/vd_agent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "glib-core.h"
#include "qxl-device.h"

enum { WIDTH = 320, HEIGHT = 240, PICTURE = 96 };

static GMainLoop *loop;
static GByteArray *to_client;

/* ---- keyboard, mouse, tablet
 * ------------------------------------------------------------------------------------- */

static void push_key(SpiceKbdInstance *keyboard, uint8_t byte)
{
}

static uint8_t get_leds(SpiceKbdInstance *keyboard)
{
    return 0;
}

static void mouse_motion(SpiceMouseInstance *mouse, int dx, int dy, int dz, uint32_t buttons)
{
}

static void mouse_buttons(SpiceMouseInstance *mouse, uint32_t buttons)
{
}

static void tablet_size(SpiceTabletInstance *tablet, int width, int height)
{
}

static void tablet_position(SpiceTabletInstance *tablet, int x, int y, uint32_t buttons)
{
}

static void tablet_wheel(SpiceTabletInstance *tablet, int wheel, uint32_t buttons)
{
}

static void tablet_buttons(SpiceTabletInstance *tablet, uint32_t buttons)
{
}

static const SpiceKbdInterface keyboard_interface = {
    .base = {SPICE_INTERFACE_KEYBOARD, "keyboard", SPICE_INTERFACE_KEYBOARD_MAJOR,
             SPICE_INTERFACE_KEYBOARD_MINOR},
    .push_scan_freg = push_key,
    .get_leds = get_leds,
};
static const SpiceMouseInterface mouse_interface = {
    .base = {SPICE_INTERFACE_MOUSE, "mouse", SPICE_INTERFACE_MOUSE_MAJOR,
             SPICE_INTERFACE_MOUSE_MINOR},
    .motion = mouse_motion,
    .buttons = mouse_buttons,
};
static const SpiceTabletInterface tablet_interface = {
    .base = {SPICE_INTERFACE_TABLET, "tablet", SPICE_INTERFACE_TABLET_MAJOR,
             SPICE_INTERFACE_TABLET_MINOR},
    .set_logical_size = tablet_size,
    .position = tablet_position,
    .wheel = tablet_wheel,
    .buttons = tablet_buttons,
};

/* ---- the agent
 * ---------------------------------------------------------------------------------------------------
 */

static void agent_state(SpiceCharDeviceInstance *agent, int connected)
{
}

/* Whatever comes is taken; each time a client is there anew (it announces first), the agent
 * announces too. */
static int agent_write(SpiceCharDeviceInstance *agent, const uint8_t *bytes, int size)
{
    static const struct {
        VDIChunkHeader chunk;
        VDAgentMessage message;
        uint32_t request, capabilities; /* without a gap: the headers are packed */
    } announcement = {
        {VDP_CLIENT_PORT, sizeof(VDAgentMessage) + 8},
        {VD_AGENT_PROTOCOL, VD_AGENT_ANNOUNCE_CAPABILITIES, 0, 8},
        0,
        1 << VD_AGENT_CAP_CLIPBOARD_BY_DEMAND | 1 << VD_AGENT_CAP_MONITORS_CONFIG,
    };

    if (to_client->len < 4096)
        g_byte_array_append(to_client, (const uint8_t *)&announcement, sizeof announcement);
    return size;
}

static int agent_read(SpiceCharDeviceInstance *agent, uint8_t *bytes, int size)
{
    int n = MIN((guint)size, to_client->len);

    if (n > 0)
        memcpy(bytes, to_client->data, n);
    g_byte_array_remove_range(to_client, 0, n);
    return n;
}

static const SpiceCharDeviceInterface agent_interface = {
    .base = {SPICE_INTERFACE_CHAR_DEVICE, "agent", SPICE_INTERFACE_CHAR_DEVICE_MAJOR,
             SPICE_INTERFACE_CHAR_DEVICE_MINOR},
    .state = agent_state,
    .write = agent_write,
    .read = agent_read,
};
static SpiceCharDeviceInstance agent = {.base.sif = &agent_interface.base, "vdagent"};

static gboolean wake_agent(void *data)
{
    if (to_client->len)
        spice_server_char_device_wakeup(&agent);
    return G_SOURCE_CONTINUE;
}

/* ---- the host
 * ----------------------------------------------------------------------------------------------------
 */

static gboolean stdin_ended(int fd, GIOCondition condition, void *data)
{
    char bytes[64];

    if (read(fd, bytes, sizeof bytes) > 0)
        return G_SOURCE_CONTINUE;
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

static void draw(void)
{
    static uint32_t pixels[PICTURE * PICTURE], arrow[16 * 16];
    uint32_t noise = 1;

    device_fill(0, 0, 0, WIDTH, HEIGHT, 0x305070);
    for (int i = 0; i < PICTURE * PICTURE; i++) {
        noise = noise * 1103515245 + 12345;
        pixels[i] = i < PICTURE * PICTURE / 2 ? (i % PICTURE) * 0x020103 : noise >> 8;
    }
    device_image(0, 20, 20, PICTURE, PICTURE, pixels);
    device_text(0, 20, 150, 0xffffff, "The picture is still the right one");
    device_new_surface(1, 64, 64);
    device_fill(1, 0, 0, 64, 64, 0x702010);
    device_copy(0, 200, 30, 64, 64, 1, 0, 0);
    for (int i = 0; i < 16 * 16; i++)
        arrow[i] = i % 16 < i / 16 ? 0xffffffff : 0;
    device_cursor(5, 5, 16, arrow);
    device_wake();
}

int main(int argc, char **argv)
{
    static SpiceKbdInstance keyboard = {.base.sif = &keyboard_interface.base};
    static SpiceMouseInstance mouse = {.base.sif = &mouse_interface.base};
    static SpiceTabletInstance tablet = {.base.sif = &tablet_interface.base};
    SpiceBaseInstance *devices[] = {&keyboard.base, &mouse.base, &tablet.base, &agent.base};
    SpiceCoreInterface core = glib_core(NULL);
    SpiceServer *server = spice_server_new();

    if (argc != 5) {
        fprintf(stderr, "usage: fault-host PORT TLS-PORT FOLDER PASSWORD\n");
        return 2;
    }
    to_client = g_byte_array_new();
    loop = g_main_loop_new(NULL, FALSE);
    spice_server_set_addr(server, "127.0.0.1", 0);
    spice_server_set_port(server, atoi(argv[1]));

    g_autofree char *ca = g_build_filename(argv[3], "ca-cert.pem", NULL);
    g_autofree char *certificate = g_build_filename(argv[3], "server-cert.pem", NULL);
    g_autofree char *key = g_build_filename(argv[3], "server-key.pem", NULL);

    if (spice_server_set_tls(server, atoi(argv[2]), ca, certificate, key, NULL, NULL, NULL) != 0 ||
        spice_server_set_ticket(server, argv[4], 0, FALSE, FALSE) != 0 ||
        spice_server_init(server, &core) != 0) {
        fprintf(stderr, "fault-host: cannot listen\n");
        return 1;
    }
    device_add(server, WIDTH, HEIGHT);
    for (guint i = 0; i < G_N_ELEMENTS(devices); i++)
        spice_server_add_interface(server, devices[i]);
    spice_server_vm_start(server);
    draw();
    g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP, stdin_ended, NULL);
    g_timeout_add(20, wake_agent, NULL);
    printf("ready\n");
    fflush(stdout);
    g_main_loop_run(loop);
    spice_server_destroy(server);
    g_main_loop_unref(loop);
    g_byte_array_unref(to_client);
    return 0;
}
