/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every public function with NULL where it wants an object: a line in the log, no more. The order
 * of the calls doesn't matter: each has a process of its own, so that a crash is one failed check.
 * docs/spec/server-api.md 24 */
#include <spice.h>

#include <glib.h>
#include <stdio.h>
#include <unistd.h>

#include "server/survives.h"
#include "tap.h"

static SpiceCoreInterface core;

static GLogWriterOutput drop_log(GLogLevelFlags level, const GLogField *fields, gsize n,
                                 gpointer data)
{
    return G_LOG_WRITER_HANDLED;
}

#define NULL_CALL(number, expression) \
    static void null_##number(void)   \
    {                                 \
        expression;                   \
    }
#define NULL_CALLS(X)                                                    \
    X(1, spice_server_destroy(NULL))                                     \
    X(2, spice_server_init(NULL, &core))                                 \
    X(3, spice_server_set_port(NULL, 1))                                 \
    X(4, spice_server_set_addr(NULL, "x", 0))                            \
    X(5, spice_server_set_noauth(NULL))                                  \
    X(6, spice_server_set_ticket(NULL, "x", 0, 0, 0))                    \
    X(7, spice_server_set_tls(NULL, 1, "a", "b", "c", NULL, NULL, NULL)) \
    X(8, spice_server_set_channel_security(NULL, "main", 1))             \
    X(9, spice_server_set_image_compression(NULL, 1))                    \
    X(10, spice_server_get_image_compression(NULL))                      \
    X(11, spice_server_set_jpeg_compression(NULL, 1))                    \
    X(12, spice_server_set_zlib_glz_compression(NULL, 1))                \
    X(13, spice_server_set_playback_compression(NULL, 1))                \
    X(14, spice_server_set_streaming_video(NULL, 1))                     \
    X(15, spice_server_set_agent_mouse(NULL, 1))                         \
    X(16, spice_server_add_interface(NULL, NULL))                        \
    X(17, spice_server_remove_interface(NULL))                           \
    X(18, spice_server_set_compat_version(NULL, 1))                      \
    X(19, spice_server_set_agent_copypaste(NULL, 1))                     \
    X(20, spice_server_set_sasl(NULL, 1))                                \
    X(21, spice_server_set_sasl_appname(NULL, NULL))                     \
    X(22, spice_server_add_client(NULL, 0, 0))                           \
    X(23, spice_server_add_ssl_client(NULL, 0, 0))                       \
    X(24, spice_server_set_name(NULL, NULL))                             \
    X(25, spice_server_set_uuid(NULL, NULL))                             \
    X(26, spice_server_is_server_mouse(NULL))                            \
    X(27, spice_server_vm_start(NULL))                                   \
    X(28, spice_server_vm_stop(NULL))                                    \
    X(29, spice_server_set_seamless_migration(NULL, 1))                  \
    X(30, spice_server_set_exit_on_disconnect(NULL, 1))                  \
    X(31, spice_server_set_agent_file_xfer(NULL, 1))                     \
    X(32, spice_server_set_video_codecs(NULL, "auto"))                   \
    X(33, spice_server_get_video_codecs(NULL))                           \
    X(34, spice_server_free_video_codecs(NULL, NULL))                    \
    X(35, spice_server_kbd_leds(NULL, 0))                                \
    X(36, spice_server_char_device_wakeup(NULL))                         \
    X(37, spice_server_port_event(NULL, 0))                              \
    X(38, spice_server_playback_start(NULL))                             \
    X(39, spice_server_playback_stop(NULL))                              \
    X(40, spice_server_playback_get_buffer(NULL, NULL, NULL))            \
    X(41, spice_server_playback_put_samples(NULL, NULL))                 \
    X(42, spice_server_playback_set_volume(NULL, 2, NULL))               \
    X(43, spice_server_playback_set_mute(NULL, 1))                       \
    X(44, spice_server_record_start(NULL))                               \
    X(45, spice_server_record_stop(NULL))                                \
    X(46, spice_server_record_get_samples(NULL, NULL, 0))                \
    X(47, spice_server_record_set_volume(NULL, 2, NULL))                 \
    X(48, spice_server_record_set_mute(NULL, 1))                         \
    X(49, spice_server_set_playback_rate(NULL, 44100))                   \
    X(50, spice_server_set_record_rate(NULL, 44100))                     \
    X(51, spice_server_migrate_connect(NULL, NULL, 0, 0, NULL))          \
    X(52, spice_server_migrate_start(NULL))                              \
    X(53, spice_server_migrate_end(NULL, 1))                             \
    X(54, spice_server_migrate_info(NULL, NULL, 0, 0, NULL))             \
    X(55, spice_server_migrate_switch(NULL))                             \
    X(56, spice_replay_new(NULL, 1))                                     \
    X(57, spice_replay_next_cmd(NULL, NULL))                             \
    X(58, spice_replay_free_cmd(NULL, NULL))                             \
    X(59, spice_replay_free(NULL))                                       \
    X(60, spice_qxl_wakeup(NULL))                                        \
    X(61, spice_qxl_oom(NULL))                                           \
    X(62, spice_qxl_start(NULL))                                         \
    X(63, spice_qxl_stop(NULL))                                          \
    X(64, spice_qxl_update_area(NULL, 0, NULL, NULL, 0, 0))              \
    X(65, spice_qxl_add_memslot(NULL, NULL))                             \
    X(66, spice_qxl_del_memslot(NULL, 0, 0))                             \
    X(67, spice_qxl_reset_memslots(NULL))                                \
    X(68, spice_qxl_destroy_surfaces(NULL))                              \
    X(69, spice_qxl_destroy_primary_surface(NULL, 0))                    \
    X(70, spice_qxl_create_primary_surface(NULL, 0, NULL))               \
    X(71, spice_qxl_reset_image_cache(NULL))                             \
    X(72, spice_qxl_reset_cursor(NULL))                                  \
    X(73, spice_qxl_destroy_surface_wait(NULL, 0))                       \
    X(74, spice_qxl_loadvm_commands(NULL, NULL, 1))                      \
    X(75, spice_qxl_update_area_async(NULL, 0, NULL, 0, 0))              \
    X(76, spice_qxl_add_memslot_async(NULL, NULL, 0))                    \
    X(77, spice_qxl_destroy_surfaces_async(NULL, 0))                     \
    X(78, spice_qxl_destroy_primary_surface_async(NULL, 0, 0))           \
    X(79, spice_qxl_create_primary_surface_async(NULL, 0, NULL, 0))      \
    X(80, spice_qxl_destroy_surface_async(NULL, 0, 0))                   \
    X(81, spice_qxl_flush_surfaces_async(NULL, 0))                       \
    X(82, spice_qxl_monitors_config_async(NULL, 0, 0, 0))                \
    X(83, spice_qxl_driver_unload(NULL))                                 \
    X(84, spice_qxl_set_max_monitors(NULL, 0))                           \
    X(85, spice_qxl_gl_scanout(NULL, -1, 1, 1, 4, 0, 0))                 \
    X(86, spice_qxl_gl_draw_async(NULL, 0, 0, 1, 1, 0))                  \
    X(87, spice_qxl_set_device_info(NULL, NULL, 0, 0))                   \
    X(88, spice_server_add_renderer(NULL, NULL))                         \
    X(89, spice_server_get_num_clients(NULL))                            \
    X(90, spice_server_get_sock_info(NULL, NULL, NULL))                  \
    X(91, spice_server_get_peer_info(NULL, NULL, NULL))                  \
    X(92, spice_server_set_listen_socket_fd(NULL, 1))                    \
    X(93, spice_server_get_best_playback_rate(NULL))                     \
    X(94, spice_server_get_best_record_rate(NULL))

NULL_CALLS(NULL_CALL)

static void test_null(void)
{
    static const struct {
        const char *text;
        void (*call)(void);
    } calls[] = {
#define NULL_ROW(number, expression) {#expression, null_##number},
        NULL_CALLS(NULL_ROW)};

    tap_case("NULL instead of objects");
    for (unsigned i = 0; i < G_N_ELEMENTS(calls); i++) {
        if (!CHECK(survives(calls[i].call)))
            printf("# %s\n", calls[i].text);
    }
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    g_log_set_writer_func(drop_log, NULL, NULL);
    test_null();
    return tap_done();
}
