/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public interface as an application uses and misuses it: options, interfaces, order of calls,
 * lifetime. Through the shared library only. docs/spec/server-api.md 4, 5, 7, 23 */
#include <spice.h>

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <spice/protocol.h>
#include <unistd.h>

#include "server/still-devices.h"
#include "server/survives.h"
#include "support/glib-core.h"
#include "tap.h"

static SpiceCoreInterface core; /* GLib's */

/* ---- What is logged ---- */

static GString *logged;
static unsigned n_warnings;

static GLogWriterOutput write_log(GLogLevelFlags level, const GLogField *fields, gsize n,
                                  gpointer data)
{
    static GMutex lock;

    g_mutex_lock(&lock);
    for (gsize i = 0; i < n; i++) {
        if (strcmp(fields[i].key, "MESSAGE") == 0)
            g_string_append_printf(logged, "%s\n", (const char *)fields[i].value);
    }
    n_warnings += (level & (G_LOG_LEVEL_WARNING | G_LOG_LEVEL_CRITICAL)) != 0;
    g_mutex_unlock(&lock);
    return G_LOG_WRITER_HANDLED;
}

/* Was this logged since the last question? */
static bool was_logged(const char *text)
{
    bool found = strstr(logged->str, text);

    g_string_truncate(logged, 0);
    n_warnings = 0;
    return found;
}

/* ---- Tests ---- */

static SpiceServer *new_server(void)
{
    SpiceServer *server = spice_server_new();

    CHECK(server && spice_server_init(server, &core) == 0);
    return server;
}

static void check_nothing_left(void)
{
    CHECK(glib_core_watches() == 0 && glib_core_timers() == 0);
}

/* Items 1 and 2 of the check list. */
static SpiceTimer *dummy_timer(SpiceTimerFunc func, void *opaque)
{
    static int timer;

    return (SpiceTimer *)&timer;
}

static SpiceWatch *dummy_watch(int fd, int mask, SpiceWatchFunc func, void *opaque)
{
    static int watch;

    return mask ? (SpiceWatch *)&watch : NULL;
}

static void dummy_start(SpiceTimer *timer, uint32_t ms)
{
}

static void dummy_free_timer(SpiceTimer *timer)
{
}

static void dummy_mask(SpiceWatch *watch, int mask)
{
}

static void dummy_free_watch(SpiceWatch *watch)
{
}

static SpiceWatch *refuse_watch(int fd, int mask, SpiceWatchFunc func, void *opaque)
{
    return NULL;
}

static SpiceTimer *refuse_timer(SpiceTimerFunc func, void *opaque)
{
    return NULL;
}

static void test_life(void)
{
    SpiceCoreInterface dummy = {{NULL, NULL, 1, 3}, dummy_timer,      dummy_start,
                                dummy_free_timer,   dummy_free_timer, dummy_watch,
                                dummy_mask,         dummy_free_watch, NULL};
    SpiceCoreInterface zero = {.base.major_version = 0}, poor;
    SpiceServer *server;

    tap_case("from new to destroy, in every state");
    spice_server_destroy(spice_server_new());
    server = spice_server_new();
    CHECK(spice_server_init(server, &dummy) == 0);
    spice_server_destroy(server);

    server = spice_server_new();
    CHECK(spice_server_init(server, &zero) == -1);
    CHECK(was_logged("bad core interface"));
    CHECK(spice_server_init(server, NULL) == -1);
    CHECK(was_logged("bad core interface"));
    CHECK(spice_server_set_port(server, 1234) == 0);
    spice_server_destroy(server);

    /* What the application refuses. Then with what it has, again. */
    server = spice_server_new();
    poor = core;
    poor.watch_add = refuse_watch;
    CHECK(spice_server_init(server, &poor) == -1);
    check_nothing_left();
    poor = core;
    poor.timer_add = refuse_timer;
    CHECK(spice_server_init(server, &poor) == -1);
    check_nothing_left();
    CHECK(spice_server_init(server, &core) == 0);
    CHECK(spice_server_init(server, &core) == -1);
    spice_server_destroy(server);
    check_nothing_left();

    /* A listener that isn't to be had. */
    server = spice_server_new();
    spice_server_set_addr(server, "/no/such/folder/socket", SPICE_ADDR_FLAG_UNIX_ONLY);
    CHECK(spice_server_init(server, &core) == -1);
    check_nothing_left();
    spice_server_destroy(server);
    server = spice_server_new();
    CHECK(spice_server_set_tls(server, 1, "/nope", "/nope", "/nope", NULL, NULL, NULL) == 0);
    CHECK(spice_server_init(server, &core) == -1);
    check_nothing_left();
    spice_server_destroy(server);
    was_logged("");

    /* Before init there are no devices. */
    server = spice_server_new();
    SpiceKbdInstance keyboard = {{&still_keyboard.base}, NULL};
    CHECK(spice_server_add_interface(server, &keyboard.base) == -1);
    spice_server_vm_start(server);
    spice_server_vm_stop(server);
    CHECK(spice_server_is_server_mouse(server) == 0);
    CHECK(spice_server_get_num_clients(server) == 0);
    CHECK(spice_server_add_client(server, 0, 0) == -1);
    CHECK(spice_server_migrate_start(server) == -1);
    spice_server_destroy(server);
}

static void test_options(void)
{
    SpiceServer *server = spice_server_new();
    char password[62];
    int ports[] = {-1, 65536, G_MININT, G_MAXINT};
    static const char *const channels[] = {"main",     "display", "inputs", "cursor",
                                           "playback", "record",  "tunnel", "smartcard",
                                           "usbredir", "port",    "webdav", NULL};

    tap_case("options: values and results");
    for (unsigned i = 0; i < G_N_ELEMENTS(ports); i++)
        CHECK(spice_server_set_port(server, ports[i]) == -1);
    CHECK(spice_server_set_port(server, 0) == 0 && spice_server_set_port(server, 65535) == 0);
    CHECK(spice_server_set_tls(server, 0, "a", "b", "c", NULL, NULL, NULL) == -1);
    CHECK(spice_server_set_tls(server, 65536, "a", "b", "c", NULL, NULL, NULL) == -1);
    CHECK(spice_server_set_tls(server, 1, NULL, "b", "c", NULL, NULL, NULL) == -1);
    CHECK(spice_server_set_tls(server, 1, "a", NULL, "c", NULL, NULL, NULL) == -1);
    CHECK(spice_server_set_tls(server, 1, "a", "b", NULL, NULL, NULL, NULL) == -1);
    was_logged("");
    spice_server_set_addr(server, NULL, 0);
    spice_server_set_addr(server, "x", 4);
    CHECK(n_warnings == 0);
    spice_server_set_addr(server, "x", 3);
    CHECK(n_warnings == 1);
    CHECK(spice_server_set_listen_socket_fd(server, -7) == 0);

    CHECK(spice_server_set_noauth(server) == 0);
    memset(password, 'p', 61);
    password[61] = 0;
    CHECK(spice_server_set_ticket(server, password, 0, 0, 0) == -1);
    password[60] = 0;
    CHECK(spice_server_set_ticket(server, password, 0, 1, 1) == 0);
    CHECK(spice_server_set_ticket(server, "", G_MAXINT, 0, 0) == 0);
    CHECK(spice_server_set_ticket(server, "x", G_MININT, 0, 0) == 0);
    CHECK(spice_server_set_ticket(server, NULL, 1, 0, 0) == 0);
    CHECK(spice_server_set_sasl(server, 1) == 0 && spice_server_set_sasl(server, 0) == 0);
    CHECK(spice_server_set_sasl_appname(server, "qemu") == 0);
    CHECK(spice_server_set_sasl_appname(server, NULL) == 0);
    for (unsigned i = 0; channels[i]; i++)
        CHECK(spice_server_set_channel_security(server, channels[i], 1 + i % 3) == 0);
    CHECK(spice_server_set_channel_security(server, NULL, 3) == 0);
    CHECK(spice_server_set_channel_security(server, "", 3) == -1);
    CHECK(spice_server_set_channel_security(server, "default", 3) == -1);
    CHECK(spice_server_set_channel_security(server, "Main", 3) == -1);

    CHECK(spice_server_get_image_compression(server) == SPICE_IMAGE_COMPRESSION_AUTO_GLZ);
    for (int i = 1; i <= 7; i++) {
        CHECK(spice_server_set_image_compression(server, i) == 0);
        CHECK(spice_server_get_image_compression(server) == (SpiceImageCompression)i);
    }
    CHECK(spice_server_set_image_compression(server, 0) == 0);
    CHECK(spice_server_set_image_compression(server, 8) == 0);
    CHECK(spice_server_set_image_compression(server, 99) == 0);
    CHECK(spice_server_get_image_compression(server) == SPICE_IMAGE_COMPRESSION_LZ4);
    for (int i = 0; i < 5; i++) {
        CHECK(spice_server_set_jpeg_compression(server, i) == (i == 0 ? -1 : 0));
        CHECK(spice_server_set_zlib_glz_compression(server, i) == (i == 0 ? -1 : 0));
        CHECK(spice_server_set_streaming_video(server, i) == (i >= 1 && i <= 3 ? 0 : -1));
        CHECK(spice_server_set_playback_compression(server, i) == 0);
        CHECK(spice_server_set_agent_mouse(server, i) == 0);
        CHECK(spice_server_set_agent_copypaste(server, i) == 0);
        CHECK(spice_server_set_agent_file_xfer(server, i) == 0);
        CHECK(spice_server_set_exit_on_disconnect(server, 0) == 0);
    }
    spice_server_set_name(server, "a machine");
    spice_server_set_name(server, NULL);
    spice_server_set_uuid(server, (const uint8_t *)"0123456789abcdef");
    spice_server_set_seamless_migration(server, 1);
    CHECK(spice_get_current_compat_version() == SPICE_COMPAT_VERSION_0_6);
    CHECK(spice_server_set_compat_version(server, SPICE_COMPAT_VERSION_0_6) == 0);
    CHECK(spice_server_set_compat_version(server, SPICE_COMPAT_VERSION_0_4) == -1);
    CHECK(spice_server_add_renderer(server, "gl") == -1);
    CHECK(spice_server_add_renderer(server, "sw") == 0);
    CHECK(spice_server_add_renderer(server, "sw") == 0);
    CHECK(spice_server_add_renderer(server, "sw") == -1);
    CHECK(spice_server_get_sock_info(server, NULL, NULL) == -1);
    CHECK(spice_server_get_peer_info(server, NULL, NULL) == -1);
    CHECK(spice_server_get_best_playback_rate(NULL) == 48000);
    CHECK(spice_server_get_best_record_rate(NULL) == 48000);
    spice_server_destroy(server);
}

static void check_codecs(SpiceServer *server, const char *text, int result, const char *list,
                         const char *warning)
{
    const char *now;

    was_logged("");
    CHECK(spice_server_set_video_codecs(server, text) == result);
    if (!CHECK(was_logged(warning)))
        printf("# \"%s\" without \"%s\"\n", text, warning);
    now = spice_server_get_video_codecs(server);
    if (!CHECK(strcmp(now, list) == 0))
        printf("# \"%s\" gives \"%s\"\n", text, now);
    spice_server_free_video_codecs(server, now);
}

static void test_codecs(void)
{
    static const char all[] =
        "spice:mjpeg;gstreamer:mjpeg;gstreamer:h264;gstreamer:vp8;gstreamer:vp9";
    SpiceServer *server = spice_server_new();
    const char *list;

    tap_case("lists of video codecs");
    check_codecs(server, "", -1, "", "Failed to set video codecs, input string: ''");
    check_codecs(server, ";", -1, "", "Failed to set video codecs, input string: ';'");
    check_codecs(server, NULL, -1, "", "Failed to set video codecs");
    check_codecs(server, "spice:mjpeg", 0, "spice:mjpeg", "");
    check_codecs(server, "spice:mjpeg;;;gstreamer:vp8;", 0, "spice:mjpeg;gstreamer:vp8", "");
    check_codecs(server, "spice", -1, "spice:mjpeg;gstreamer:vp8", "invalid encoder:codec value");
    check_codecs(server, "spice:", -1, "spice:mjpeg;gstreamer:vp8", "invalid encoder:codec value");
    check_codecs(server, ":mjpeg", -1, "spice:mjpeg;gstreamer:vp8", "invalid encoder:codec value");
    check_codecs(server, "foo:mjpeg", -1, "spice:mjpeg;gstreamer:vp8", "unknown video encoder foo");
    check_codecs(server, "spice:foo", -1, "spice:mjpeg;gstreamer:vp8", "unknown video codec foo");
    check_codecs(server, " spice:mjpeg", -1, "spice:mjpeg;gstreamer:vp8", "invalid encoder:codec");
    check_codecs(server, "spice:mjpeg;foo:bar;gstreamer:h264", 0, "spice:mjpeg;gstreamer:h264",
                 "unknown video encoder foo");
    check_codecs(server, "auto;spice:mjpeg", 0, "spice:mjpeg", "invalid encoder:codec value");
    check_codecs(server, "spice:mjpeg:x", -1, "spice:mjpeg", "invalid encoder:codec value");
    check_codecs(server, "spice:h264", 0, "spice:h264", "");
    check_codecs(server, "Spice:mjpeg", -1, "spice:h264", "unknown video encoder Spice");
    check_codecs(server, "spice:mjp*g;gstreamer:vp9", 0, "gstreamer:vp9", "invalid encoder:codec");
    check_codecs(server, "auto", 0, all, "");
    CHECK(spice_server_set_video_codecs(server, "spice:vp8") == 0);
    CHECK(spice_server_init(server, &core) == 0);
    list = spice_server_get_video_codecs(server);
    CHECK(strcmp(list, "spice:vp8") == 0); /* init leaves what was set */
    spice_server_free_video_codecs(server, list);
    spice_server_destroy(server);

    server = new_server();
    list = spice_server_get_video_codecs(server);
    CHECK(strcmp(list, all) == 0);
    spice_server_free_video_codecs(server, list);
    spice_server_destroy(server);
}

static void check_version(SpiceServer *server, SpiceBaseInstance *instance)
{
    const SpiceBaseInterface *good = instance->sif;
    SpiceBaseInterface other = *good;

    instance->sif = &other;
    other.major_version++;
    CHECK(spice_server_add_interface(server, instance) == -1);
    other.major_version -= 2;
    CHECK(spice_server_add_interface(server, instance) == -1);
    other = *good;
    other.minor_version++;
    CHECK(spice_server_add_interface(server, instance) == -1);
    instance->sif = good;
}

static void test_interfaces(void)
{
    SpiceServer *server = new_server();
    void *garbage = &garbage;
    SpiceKbdInstance keyboard = {{&still_keyboard.base}, garbage}, keyboard2 = keyboard;
    SpiceMouseInstance mouse = {{&still_mouse.base}, garbage}, mouse2 = mouse;
    SpiceTabletInstance tablet = {{&still_tablet.base}, garbage}, tablet2 = tablet;
    SpicePlaybackInstance playback = {{&playback_interface.base}, garbage};
    SpiceRecordInstance record = {{&record_interface.base}, garbage};
    SpiceMigrateInstance migration = {{&migrate_interface.base}, garbage}, migration2 = migration;
    SpiceCharDeviceInstance agent = {{&device_interface.base}, "vdagent", NULL, NULL};
    SpiceCharDeviceInstance agent2 = agent, usb = agent, unknown = agent;
    SpiceBaseInterface odd = {"thermometer", "unknown", 9, 9};
    SpiceBaseInstance nothing = {&odd};
    const char **subtypes = spice_server_char_device_recognized_subtypes();

    tap_case("interfaces: versions, singletons, removal");
    CHECK(spice_server_add_interface(server, &nothing) == 0);
    CHECK(spice_server_remove_interface(&nothing) == -1);
    odd.type = NULL;
    CHECK(spice_server_add_interface(server, &nothing) == 0);
    nothing.sif = NULL;
    CHECK(spice_server_add_interface(server, &nothing) == -1);
    CHECK(spice_server_remove_interface(&nothing) == -1);
    CHECK(spice_server_add_interface(server, NULL) == -1);

    check_version(server, &keyboard.base);
    check_version(server, &mouse.base);
    check_version(server, &tablet.base);
    check_version(server, &playback.base);
    check_version(server, &record.base);
    check_version(server, &migration.base);
    check_version(server, &agent.base);

    CHECK(spice_server_add_interface(server, &keyboard.base) == 0 && keyboard.st);
    CHECK(spice_server_add_interface(server, &keyboard2.base) == -1);
    CHECK(spice_server_add_interface(server, &mouse.base) == 0 && mouse.st);
    CHECK(spice_server_add_interface(server, &mouse2.base) == -1);
    CHECK(spice_server_remove_interface(&keyboard.base) == -1);
    CHECK(spice_server_remove_interface(&mouse.base) == -1);
    CHECK(spice_server_kbd_leds(&keyboard, 7) == 0);
    CHECK(spice_server_add_interface(server, &migration.base) == 0 && migration.st);
    CHECK(spice_server_add_interface(server, &migration2.base) == -1);
    CHECK(spice_server_remove_interface(&migration.base) == -1);
    for (int i = 0; i < 3; i++) {
        CHECK(spice_server_add_interface(server, &tablet.base) == 0 && tablet.st);
        CHECK(spice_server_add_interface(server, &tablet2.base) == -1);
        CHECK(spice_server_remove_interface(&tablet.base) == 0 && !tablet.st);
        CHECK(spice_server_remove_interface(&tablet.base) == -1);
    }
    CHECK(spice_server_add_interface(server, &tablet.base) == 0); /* stays until destroy */

    /* Character devices: 0 whatever becomes of them. */
    was_logged("");
    CHECK(spice_server_add_interface(server, &agent.base) == 0 && agent.st);
    CHECK(n_warnings == 0);
    CHECK(spice_server_add_interface(server, &agent2.base) == 0 && !agent2.st);
    CHECK(was_logged("vdagent already attached"));
    CHECK(spice_server_remove_interface(&agent2.base) == -1);
    spice_server_char_device_wakeup(&agent);
    spice_server_char_device_wakeup(&agent2);
    CHECK(spice_server_remove_interface(&agent.base) == 0 && !agent.st);
    CHECK(spice_server_remove_interface(&agent.base) == -1);
    spice_server_char_device_wakeup(&agent);
    unknown.subtype = "toaster";
    was_logged("");
    CHECK(spice_server_add_interface(server, &unknown.base) == 0 && !unknown.st);
    CHECK(n_warnings == 1);
    unknown.subtype = NULL;
    CHECK(spice_server_add_interface(server, &unknown.base) == 0 && !unknown.st);
    usb.subtype = "usbredir";
    for (int i = 0; i < 2; i++) {
        CHECK(spice_server_add_interface(server, &usb.base) == 0);
        spice_server_char_device_wakeup(&usb);
        CHECK(spice_server_remove_interface(&usb.base) == 0);
    }
    usb.subtype = "port";
    usb.portname = "org.example.0";
    CHECK(spice_server_add_interface(server, &usb.base) == 0);
    spice_server_port_event(&usb, SPICE_PORT_EVENT_OPENED);
    CHECK(spice_server_remove_interface(&usb.base) == 0);
    CHECK(strcmp(subtypes[0], "vdagent") == 0 && subtypes[1]);

    CHECK(spice_server_add_interface(server, &playback.base) == 0 && playback.st);
    CHECK(spice_server_add_interface(server, &playback.base) == 0);
    CHECK(spice_server_remove_interface(&playback.base) == 0 && !playback.st);
    CHECK(spice_server_remove_interface(&playback.base) == -1);
    CHECK(spice_server_add_interface(server, &playback.base) == 0);
    CHECK(spice_server_add_interface(server, &record.base) == 0 && record.st);
    spice_server_destroy(server);
    CHECK(!playback.st && !record.st && !tablet.st && !keyboard.st && !mouse.st && !migration.st);
    check_nothing_left();
}

static void test_sound(void)
{
    SpiceServer *server = new_server();
    SpicePlaybackInstance playback = {{&playback_interface.base}, NULL};
    SpiceRecordInstance record = {{&record_interface.base}, NULL};
    uint32_t *samples = (uint32_t *)&samples, n = 7, buffer[16];
    uint16_t volume[255] = {1, 2, 3};

    tap_case("sound without a client, in any order");
    spice_server_add_interface(server, &playback.base);
    spice_server_add_interface(server, &record.base);
    CHECK(spice_server_get_best_playback_rate(&playback) == 48000);
    CHECK(spice_server_get_best_record_rate(&record) == 48000);
    spice_server_set_playback_rate(&playback, 44100);
    spice_server_set_record_rate(&record, 12345);
    for (int i = 0; i < 2; i++) {
        spice_server_playback_get_buffer(&playback, &samples, &n);
        CHECK(!samples && n == 0);
        spice_server_playback_put_samples(&playback, buffer);
        spice_server_playback_stop(&playback);
        spice_server_playback_start(&playback);
        spice_server_playback_start(&playback);
        samples = buffer;
        n = 7;
        CHECK(spice_server_record_get_samples(&record, buffer, 16) == 0);
        spice_server_record_start(&record);
        spice_server_record_start(&record);
        CHECK(spice_server_record_get_samples(&record, buffer, 16) == 0);
        spice_server_record_stop(&record);
    }
    spice_server_playback_set_volume(&playback, 255, volume);
    spice_server_playback_set_volume(&playback, 0, NULL);
    spice_server_playback_set_mute(&playback, 1);
    spice_server_record_set_volume(&record, 2, volume);
    spice_server_record_set_mute(&record, 0);
    CHECK(spice_server_remove_interface(&playback.base) == 0);
    /* After its removal nothing happens. */
    spice_server_playback_start(&playback);
    spice_server_playback_get_buffer(&playback, &samples, &n);
    CHECK(!samples && n == 0);
    spice_server_destroy(server);
}

static void test_migration(void)
{
    SpiceServer *server = new_server();
    SpiceMigrateInstance migration = {{&migrate_interface.base}, NULL};

    tap_case("migration without a client");
    CHECK(spice_server_migrate_connect(server, "host", 1, 2, NULL) == -1);
    CHECK(spice_server_migrate_end(server, 1) == -1);
    CHECK(spice_server_migrate_start(server) == -1);
    CHECK(spice_server_migrate_info(server, NULL, 1, 2, NULL) == -1);
    CHECK(spice_server_migrate_info(server, "host", -1, -1, NULL) == -1);
    CHECK(spice_server_migrate_info(server, "host", 1, -1, "subject") == 0);
    CHECK(spice_server_migrate_switch(server) == 0 && spice_server_migrate_switch(server) == 0);
    CHECK(spice_server_migrate_start(server) == -1);

    CHECK(spice_server_add_interface(server, &migration.base) == 0);
    CHECK(spice_server_migrate_info(server, "host", 1, 2, NULL) == -1);
    CHECK(spice_server_migrate_end(server, 0) == 0 && end_complete == 1);
    CHECK(spice_server_migrate_end(server, 1) == 0 && end_complete == 2);
    CHECK(spice_server_migrate_connect(server, NULL, 1, 1, NULL) == -1 && connect_complete == 1);
    CHECK(spice_server_migrate_connect(server, "h", -1, -1, NULL) == -1 && connect_complete == 2);
    CHECK(spice_server_migrate_connect(server, "h", 1, -1, NULL) == 0 && connect_complete == 3);
    CHECK(spice_server_migrate_connect(server, "h", 1, -1, "s") == 0 && connect_complete == 4);
    CHECK(spice_server_migrate_start(server) == -1);
    CHECK(spice_server_migrate_end(server, 1) == 0 && end_complete == 3);
    CHECK(connect_complete == 4);
    spice_server_destroy(server);
    CHECK(end_complete == 3);
    check_nothing_left();
}

static void test_qxl(void)
{
    SpiceServer *server = new_server();
    Device first = device_with_id(0), second = device_with_id(1), again = device_with_id(0),
           negative = device_with_id(-1);
    uint8_t *pixels = g_malloc(64 * 48 * 4);
    QXLDevSurfaceCreate surface = {.width = 64,
                                   .height = 48,
                                   .stride = -64 * 4,
                                   .format = SPICE_SURFACE_FMT_32_xRGB,
                                   .mouse_mode = 1,
                                   .mem = (uintptr_t)pixels};
    QXLRect area = {0, 0, 48, 64}, dirty[4];
    int polls;

    tap_case("QXL devices");
    first.qxl.st = (QXLState *)&first; /* whatever is there before */
    CHECK(spice_server_set_image_compression(server, SPICE_IMAGE_COMPRESSION_QUIC) == 0);
    CHECK(spice_server_set_streaming_video(server, SPICE_STREAM_VIDEO_OFF) == 0);
    check_version(server, &first.qxl.base);
    CHECK(spice_server_add_interface(server, &first.qxl.base) == 0 && first.qxl.st);
    CHECK(first.attached == 1 && first.level == 1);
    CHECK(spice_server_add_interface(server, &again.qxl.base) == -1);
    CHECK(spice_server_add_interface(server, &negative.qxl.base) == -1);
    CHECK(spice_server_add_interface(server, &second.qxl.base) == 0);
    CHECK(spice_server_set_image_compression(server, SPICE_IMAGE_COMPRESSION_LZ) == 0);
    CHECK(first.level == 0 && second.level == 0);

    /* Nothing is polled before the start. */
    spice_qxl_create_primary_surface(&first.qxl, 0, &surface);
    spice_qxl_wakeup(&first.qxl);
    spice_qxl_update_area(&first.qxl, 0, &area, dirty, 4, 1);
    CHECK(g_atomic_int_get(&first.n_polls) == 0 && g_atomic_int_get(&first.n_capabilities) == 0);
    spice_server_vm_start(server);
    spice_server_vm_start(server);
    spice_qxl_update_area(&first.qxl, 0, &area, dirty, 4, 1);
    CHECK(g_atomic_int_get(&first.n_polls) > 0 && g_atomic_int_get(&first.n_capabilities) == 1);
    spice_server_vm_stop(server);
    polls = g_atomic_int_get(&first.n_polls);
    spice_server_vm_stop(server);
    spice_qxl_wakeup(&first.qxl);
    spice_qxl_oom(&first.qxl);
    spice_qxl_reset_cursor(&first.qxl);
    spice_qxl_reset_image_cache(&first.qxl);
    spice_qxl_update_area(&first.qxl, 0, &area, dirty, 4, 1);
    CHECK(g_atomic_int_get(&first.n_polls) == polls);

    /* Calls with a cookie end, whatever they are about. */
    for (int i = 0; i < 9; i++) {
        int cookie = 100 + i;

        switch (i) {
        case 0:
            spice_qxl_update_area_async(&first.qxl, 7, &area, 1, cookie);
            break;
        case 1:
            spice_qxl_add_memslot_async(&first.qxl, &(QXLDevMemSlot){.slot_group_id = 99}, cookie);
            break;
        case 2:
            spice_qxl_destroy_surface_async(&first.qxl, 12345, cookie);
            break;
        case 3:
            spice_qxl_flush_surfaces_async(&first.qxl, cookie);
            break;
        case 4:
            spice_qxl_monitors_config_async(&first.qxl, 0xffffffff, 5, cookie);
            break;
        case 5:
            spice_qxl_destroy_primary_surface_async(&first.qxl, 0, cookie);
            break;
        case 6:
            spice_qxl_create_primary_surface_async(&first.qxl, 0, &surface, cookie);
            break;
        case 7:
            spice_qxl_destroy_surfaces_async(&first.qxl, cookie);
            break;
        case 8:
            spice_qxl_gl_draw_async(&first.qxl, 0, 0, 1, 1, cookie);
            break;
        }
        /* In the order of the calls: the next waiting one comes after it. */
        spice_qxl_reset_cursor(&first.qxl);
        CHECK(g_atomic_int_get(&first.completed) == cookie);
    }
    spice_qxl_gl_scanout(&first.qxl, open("/dev/null", O_RDONLY), 64, 48, 256, 0, 0);
    spice_qxl_gl_scanout(&first.qxl, -1, 0, 0, 0, 0, 0);
    spice_qxl_set_max_monitors(&first.qxl, 0);
    spice_qxl_set_device_info(&first.qxl, "pci/0000/02.0", 0, 4);
    char *text = g_strnfill(400, 'x');
    spice_qxl_set_device_info(&first.qxl, text, 0, 400);
    spice_qxl_set_device_info(&first.qxl, NULL, 0, 1);
    g_free(text);
    spice_qxl_driver_unload(&first.qxl);
    spice_qxl_del_memslot(&first.qxl, 77, 77);
    spice_qxl_destroy_surface_wait(&first.qxl, 5);
    spice_qxl_reset_memslots(&first.qxl);

    CHECK(spice_server_remove_interface(&first.qxl.base) == 0 && !first.qxl.st);
    CHECK(spice_server_remove_interface(&first.qxl.base) == -1);
    CHECK(spice_server_remove_interface(&again.qxl.base) == -1);
    spice_qxl_wakeup(&first.qxl); /* of nobody */
    CHECK(spice_server_add_interface(server, &again.qxl.base) == 0);
    spice_server_destroy(server); /* with two workers */
    CHECK(!again.qxl.st && !second.qxl.st);
    check_nothing_left();
    g_free(pixels);
}

static void test_clients(void)
{
    SpiceServer *server = new_server();
    int pair[2], pipes[2];
    char byte;

    tap_case("sockets that are handed over");
    CHECK(spice_server_add_client(server, -1, 0) == -1);
    CHECK(spice_server_add_client(server, 1 << 20, 0) == -1);
    /* Not a socket: still the caller's. */
    CHECK(pipe(pipes) == 0);
    CHECK(spice_server_add_client(server, pipes[0], 0) == -1);
    CHECK(fcntl(pipes[0], F_GETFD) >= 0);
    close(pipes[0]);
    close(pipes[1]);
    /* No TLS was set up. */
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK(spice_server_add_ssl_client(server, pair[0], 0) == -1);
    CHECK(fcntl(pair[0], F_GETFD) >= 0);
    /* Taken over: bytes that are no link end it. */
    CHECK(spice_server_add_client(server, pair[0], 1) == 0);
    CHECK(write(pair[1], "nonsense nonsense nonsense", 26) == 26);
    fcntl(pair[1], F_SETFL, O_NONBLOCK);
    for (;;) {
        ssize_t n = read(pair[1], &byte, 1);

        if (n == 0 || (n < 0 && errno != EAGAIN))
            break;
        g_main_context_iteration(NULL, n < 0);
    }
    CHECK(spice_server_get_num_clients(server) == 0);
    close(pair[1]);
    /* One that is open when the server ends. */
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK(spice_server_add_client(server, pair[0], 1) == 0);
    spice_server_destroy(server);
    CHECK(read(pair[1], &byte, 1) <= 0);
    close(pair[1]);
    check_nothing_left();
}

static void test_two_servers(void)
{
    SpiceServer *servers[2];
    Device devices[2] = {device_with_id(0), device_with_id(0)};
    SpiceKbdInstance keyboards[2] = {{{&still_keyboard.base}, NULL},
                                     {{&still_keyboard.base}, NULL}};

    tap_case("two servers in one process");
    for (int i = 0; i < 2; i++) {
        servers[i] = spice_server_new();
        CHECK(spice_server_set_port(servers[i], 0) == 0);
        CHECK(spice_server_init(servers[i], &core) == 0);
        CHECK(spice_server_add_interface(servers[i], &keyboards[i].base) == 0);
        CHECK(spice_server_add_interface(servers[i], &devices[i].qxl.base) == 0);
        spice_server_vm_start(servers[i]);
    }
    CHECK(spice_server_set_playback_compression(servers[0], 0) == 0);
    CHECK(spice_server_set_image_compression(servers[0], SPICE_IMAGE_COMPRESSION_OFF) == 0);
    CHECK(spice_server_get_image_compression(servers[1]) == SPICE_IMAGE_COMPRESSION_AUTO_GLZ);
    spice_server_destroy(servers[0]);
    spice_qxl_reset_cursor(&devices[1].qxl);
    CHECK(spice_server_is_server_mouse(servers[1]) == 1);
    spice_server_destroy(servers[1]);
    check_nothing_left();
}

/* The process ends while workers run, as QEMU's does. */
static void run_and_exit(void)
{
    Device devices[2] = {device_with_id(0), device_with_id(1)};
    SpiceServer *server = new_server();

    for (int i = 0; i < 2; i++)
        spice_server_add_interface(server, &devices[i].qxl.base);
    spice_server_vm_start(server);
    spice_qxl_reset_cursor(&devices[0].qxl);
    spice_qxl_wakeup(&devices[1].qxl);
    fclose(stdout);
    exit(0);
}

/* A program of its own: the thread sanitizer knows no threads in forked processes. */
static void run_again(void)
{
    execl("/proc/self/exe", "test-server-api", "run-and-exit", NULL);
    _exit(1);
}

static void test_exit(void)
{
    tap_case("exit() while workers run");
    fflush(stdout);
    for (int i = 0; i < 10; i++)
        CHECK(survives(run_again));
}

int main(int argc, char **argv)
{
    core = glib_core(NULL);
    if (argc > 1) {
        run_and_exit();
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    logged = g_string_new(NULL);
    g_log_set_writer_func(write_log, NULL, NULL);
    test_exit();
    test_life();
    test_options();
    test_codecs();
    test_interfaces();
    test_sound();
    test_migration();
    test_qxl();
    test_clients();
    test_two_servers();
    g_string_free(logged, TRUE);
    return tap_done();
}
