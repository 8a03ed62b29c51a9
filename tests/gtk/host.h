/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A machine without a machine: the deployed SPICE server library in the test's own process and main
 * loop, with a graphics device that draws on demand, and a keyboard, mouse and tablet that write
 * down what arrives. */
#ifndef TESTS_GTK_HOST_H
#define TESTS_GTK_HOST_H

#include <glib.h>
#include <spice-client.h>

typedef struct Host Host;

/* One monitor of the graphics device. */
typedef struct {
    guint id, x, y, width, height;
} HostMonitor;

/* Start a server with a primary surface of this size; every pixel is host_pixel() of its place. */
Host *host_new(guint width, guint height);
void host_free(Host *host);
guint32 host_pixel(guint x, guint y);

/* A session that is to be connected with host_connect(): in between, programs make their widgets.
 */
SpiceSession *host_new_session(Host *host);
/* Connect it. over_tcp: by a loopback port; else by socket pairs, as programs of virtual machine
 * managers do. */
void host_connect(Host *host, SpiceSession *session, gboolean over_tcp);

/* Keys and motion of the session reach the server. */
gboolean host_inputs_open(Host *host);

/* The next mode: another size, 32 or 16 bits a pixel. */
void host_set_mode(Host *host, guint width, guint height, guint bits);
void host_set_monitors(Host *host, const HostMonitor *monitors, guint n);
void host_fill(Host *host, gint x, gint y, guint width, guint height, guint32 color);
/* A square cursor of one colour (ARGB). */
void host_set_cursor(Host *host, guint size, guint hot_x, guint hot_y, guint32 color);
void host_move_cursor(Host *host, gint x, gint y);
void host_hide_cursor(Host *host);
/* Show graphics memory instead of the surface, and draw it: the number of drawings that were
 * acknowledged. */
void host_scanout(Host *host, guint width, guint height);
guint host_draw_scanout(Host *host);
/* With a tablet the guest follows absolute positions (client mouse mode), without it motion. */
void host_set_tablet(Host *host, gboolean present);
/* The guest's keyboard lights. */
void host_set_leds(Host *host, guint leds);

/* What has arrived, and forget it: "1e 9e " for the keyboard, "p10,20 " positions, "m-3,4 " motion,
 * "w-1 " wheel, "b1 " a change of the buttons for the pointer. */
gchar *host_take_keys(Host *host);
gchar *host_take_pointer(Host *host);
const gchar *host_peek_keys(Host *host);
const gchar *host_peek_pointer(Host *host);

/* Run the main loop until a condition holds; fails the test after some seconds. */
#define wait_until(condition)                                               \
    do {                                                                    \
        gint64 wait_end = g_get_monotonic_time() + 15 * G_TIME_SPAN_SECOND; \
        guint wait_tick = g_timeout_add(20, host_tick, NULL);               \
        while (!(condition) && g_get_monotonic_time() < wait_end)           \
            g_main_context_iteration(NULL, TRUE);                           \
        g_source_remove(wait_tick);                                         \
        g_assert_true(condition);                                           \
    } while (0)

gboolean host_tick(gpointer data);

#endif
