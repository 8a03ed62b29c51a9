/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host for tests that mistreat the server's connections: a screen, keyboard, mouse, tablet and an
 * agent that takes everything and answers with an announcement. It lives until its standard input
 * ends. Usage: fault-host PORT TLS-PORT FOLDER-OF-CERTIFICATES PASSWORD [FLAW:KEY]; prints "ready".
 * Its picture changes by commands only; each line on standard input is answered with one line:
 *
 *   paint COLOUR  a corner of the picture and the pointer get that colour: "painted"
 *   burst N       N pictures of noise, at the place of the first one, then that one: "drawn"
 *   typed BYTES   "yes" if these are the last bytes that the keyboard got, else "no"
 *   memory        bytes of memory in use
 *
 * A host with a flaw does harm when the keyboard gets that byte: a test of the tests. */
#include <glib.h>
#include <malloc.h>
#include <spice/vd_agent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "glib-core.h"
#include "qxl-device.h"
#include "still-inputs.h"

enum { WIDTH = 320, HEIGHT = 240, PICTURE = 96 };

static GMainLoop *loop;
static GByteArray *to_client;

/* ---- flaws ---- */

enum { DESCRIPTORS = 256, LOST = 8 << 20, LOST_SOME = 100 * 1024 };

static const char *flaw = "";
static int flaw_key = -1;
static gboolean still; /* nothing is drawn any more */

/* The first socket that listens, or that has a peer. */
static int find_socket(int listens)
{
    for (int fd = 3; fd < DESCRIPTORS; fd++) {
        struct sockaddr_storage peer;
        socklen_t size = sizeof listens, peer_size = sizeof peer;
        int is = 0;

        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is, &size) == 0 && is == listens &&
            (listens || getpeername(fd, (struct sockaddr *)&peer, &peer_size) == 0))
            return fd;
    }
    return -1;
}

static void set_flaw(char *words)
{
    char *key = strchr(words, ':');

    if (!key)
        return;
    *key = '\0';
    flaw = words;
    flaw_key = (int)strtol(key + 1, NULL, 0);
}

static void do_harm(void)
{
    static void *lost;

    if (strcmp(flaw, "die") == 0)
        _exit(3);
    else if (strcmp(flaw, "hang") == 0)
        pause();
    else if (strcmp(flaw, "keep-memory") == 0)
        memset(lost = g_malloc(LOST), 1, LOST);
    else if (strcmp(flaw, "keep-some-memory") == 0)
        memset(lost = g_malloc(LOST_SOME), 1, LOST_SOME);
    else if (strcmp(flaw, "keep-descriptor") == 0)
        dup(STDIN_FILENO);
    else if (strcmp(flaw, "be-deaf") == 0)
        shutdown(find_socket(1), SHUT_RD);
    else if (strcmp(flaw, "cut-another") == 0)
        shutdown(find_socket(0), SHUT_RDWR);
    else if (strcmp(flaw, "stop-drawing") == 0)
        still = TRUE;
}

/* ---- keyboard
 * ------------------------------------------------------------------------------------- */

static char typed[65]; /* the last 32 bytes in hexadecimal */

static void push_key(SpiceKbdInstance *keyboard, uint8_t byte)
{
    char *last = typed + sizeof typed - 3;

    memmove(typed, typed + 2, sizeof typed - 2);
    g_snprintf(last, 3, "%02x", byte);
    if (byte == flaw_key)
        do_harm();
}

/* ---- the agent
 * ---------------------------------------------------------------------------------------------------
 */

static SpiceCharDeviceInstance agent;

static void agent_state(SpiceCharDeviceInstance *instance, int connected)
{
}

static gboolean wake_agent(void *data)
{
    spice_server_char_device_wakeup(&agent);
    return G_SOURCE_REMOVE;
}

/* Whatever comes is taken, and answered with an announcement. */
static int agent_write(SpiceCharDeviceInstance *instance, const uint8_t *bytes, int size)
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
    g_idle_add(wake_agent, NULL); /* not from in here */
    return size;
}

static int agent_read(SpiceCharDeviceInstance *instance, uint8_t *bytes, int size)
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

/* ---- the picture
 * -------------------------------------------------------------------------------------------------
 */

static void paint(uint32_t colour)
{
    uint32_t pointer[16 * 16];

    for (int i = 0; i < 16 * 16; i++)
        pointer[i] = i % 16 < i / 16 ? 0xff000000 | colour : 0;
    device_fill(0, WIDTH - 16, HEIGHT - 16, 16, 16, colour);
    device_cursor(5, 5, 16, pointer);
    device_wake();
}

/* The first one is half smooth and half noise. */
static void draw_picture(int number)
{
    static uint32_t pixels[PICTURE * PICTURE];
    uint32_t noise = 1 + number;

    for (int i = 0; i < PICTURE * PICTURE; i++) {
        noise = noise * 1103515245 + 12345;
        pixels[i] =
            number == 0 && i < PICTURE * PICTURE / 2 ? (i % PICTURE) * 0x020103 : noise >> 8;
    }
    device_image(0, 20, 20, PICTURE, PICTURE, pixels);
    device_wake();
}

static void draw(void)
{
    device_fill(0, 0, 0, WIDTH, HEIGHT, 0x305070);
    draw_picture(0);
    device_text(0, 20, 150, 0xffffff, "The picture is still the right one");
    device_new_surface(1, 64, 64);
    device_fill(1, 0, 0, 64, 64, 0x702010);
    device_copy(0, 200, 30, 64, 64, 1, 0, 0);
    paint(0xffffff);
}

/* ---- commands
 * ----------------------------------------------------------------------------------------------------
 */

/* Of the address sanitizer, if this program has it: malloc's own numbers are empty then. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t memory_in_use(void)
{
    struct mallinfo2 info = mallinfo2();

    if (__sanitizer_get_current_allocated_bytes)
        return __sanitizer_get_current_allocated_bytes();
    return info.uordblks + info.hblkhd;
}

static void obey(const char *line)
{
    if (g_str_has_prefix(line, "paint ")) {
        if (!still)
            paint(strtoul(line + 6, NULL, 16));
        printf("painted\n");
    } else if (g_str_has_prefix(line, "burst ")) {
        for (int i = atoi(line + 6); i >= 0; i--)
            draw_picture(i);
        printf("drawn\n");
    } else if (g_str_has_prefix(line, "typed ")) {
        printf("%s\n", g_str_has_suffix(typed, line + 6) ? "yes" : "no");
    } else if (g_str_equal(line, "memory")) {
        printf("%zu\n", memory_in_use());
    } else {
        printf("unknown\n");
    }
    fflush(stdout);
}

static gboolean command(GIOChannel *input, GIOCondition condition, void *data)
{
    g_autofree char *line = NULL;
    gsize end;

    if (g_io_channel_read_line(input, &line, NULL, &end, NULL) != G_IO_STATUS_NORMAL) {
        g_main_loop_quit(loop);
        return G_SOURCE_REMOVE;
    }
    line[end] = '\0';
    obey(line);
    return G_SOURCE_CONTINUE;
}

/* ---- the host
 * ----------------------------------------------------------------------------------------------------
 */

int main(int argc, char **argv)
{
    SpiceKbdInterface keyboard_interface = still_keyboard;
    SpiceKbdInstance keyboard = {.base.sif = &keyboard_interface.base};
    SpiceMouseInstance mouse = {.base.sif = &still_mouse.base};
    SpiceTabletInstance tablet = {.base.sif = &still_tablet.base};
    SpiceBaseInstance *devices[] = {&keyboard.base, &mouse.base, &tablet.base, &agent.base};
    SpiceCoreInterface core = glib_core(NULL);
    SpiceServer *server = spice_server_new();
    GIOChannel *input = g_io_channel_unix_new(STDIN_FILENO);

    if (argc < 5 || argc > 6) {
        fprintf(stderr, "usage: fault-host PORT TLS-PORT FOLDER PASSWORD [FLAW:KEY]\n");
        return 2;
    }
    if (argc == 6)
        set_flaw(argv[5]);
    keyboard_interface.push_scan_freg = push_key;
    memset(typed, '0', sizeof typed - 1);
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
    g_io_add_watch(input, G_IO_IN | G_IO_HUP, command, NULL);
    printf("ready\n");
    fflush(stdout);
    g_main_loop_run(loop);
    spice_server_destroy(server);
    g_main_loop_unref(loop);
    g_io_channel_unref(input);
    g_byte_array_unref(to_client);
    return 0;
}
