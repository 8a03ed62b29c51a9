/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Window, widget, host, and input by the X server's test extension. */
#include <gdk/gdkx.h>
#include <X11/extensions/XTest.h>
#include <string.h>

#include "fixture.h"

#define LEFT 40
#define TOP 30

static Display *xdisplay(void)
{
    return gdk_x11_get_default_xdisplay();
}

void settle(void)
{
    XSync(xdisplay(), False);
    for (gint i = 0; i < 3; i++) {
        while (g_main_context_iteration(NULL, FALSE))
            ;
        XSync(xdisplay(), False);
    }
}

static void find_place(Fixture *f)
{
    gint factor = gtk_widget_get_scale_factor(GTK_WIDGET(f->display));

    gdk_window_get_origin(gtk_widget_get_window(GTK_WIDGET(f->display)), &f->x, &f->y);
    f->x *= factor;
    f->y *= factor;
}

void fixture_resize(Fixture *f, gint width, gint height)
{
    /* Tests choose their sizes; the widget's own wish, made anew for each mode, is a test of its
     * own. */
    gtk_widget_set_size_request(GTK_WIDGET(f->display), 1, 1);
    gtk_window_resize(GTK_WINDOW(f->window), width, height);
    wait_until(gtk_widget_get_allocated_width(GTK_WIDGET(f->display)) == width &&
               gtk_widget_get_allocated_height(GTK_WIDGET(f->display)) == height &&
               gdk_window_get_width(gtk_widget_get_window(f->window)) == width);
    settle();
    /* the window manager has moved it, too */
    wait_until((find_place(f), f->x == LEFT * gtk_widget_get_scale_factor(f->window) &&
                                   f->y == TOP * gtk_widget_get_scale_factor(f->window)));
}

void fixture_focus(Fixture *f)
{
    gtk_widget_grab_focus(GTK_WIDGET(f->display));
    gtk_window_present_with_time(GTK_WINDOW(f->window),
                                 gdk_x11_get_server_time(gtk_widget_get_window(f->window)));
    wait_until(gtk_window_has_toplevel_focus(GTK_WINDOW(f->window)));
    settle();
}

static gboolean is_ready(SpiceDisplay *display)
{
    gboolean ready;

    g_object_get(display, "ready", &ready, NULL);
    return ready;
}

static gboolean knows_mouse_mode(Fixture *f)
{
    GList *channels = spice_session_get_channels(f->session);
    gint mode = 0;

    for (GList *l = channels; l; l = l->next)
        if (SPICE_IS_MAIN_CHANNEL(l->data))
            g_object_get(l->data, "mouse-mode", &mode, NULL);
    g_list_free(channels);
    return mode != 0;
}

/* The server library warns when a client goes while something is on its way. */
static gboolean is_our_own(const gchar *domain, GLogLevelFlags level, const gchar *message,
                           gpointer data)
{
    return g_strcmp0(domain, "Spice") != 0;
}

static void drop_message(const gchar *domain, GLogLevelFlags level, const gchar *message,
                         gpointer data)
{
}

void fixture_start(Fixture *f, guint guest_width, guint guest_height, gint width, gint height,
                   gboolean over_tcp)
{
    memset(f, 0, sizeof *f);
    f->log = g_string_new(NULL);
    g_test_log_set_fatal_handler(is_our_own, NULL);
    g_log_set_handler("Spice", G_LOG_LEVEL_MASK | G_LOG_FLAG_FATAL | G_LOG_FLAG_RECURSION,
                      drop_message, NULL);
    f->host = host_new(guest_width, guest_height);
    f->session = host_new_session(f->host);
    g_object_set(spice_gtk_session_get(f->session), "sync-modifiers", FALSE, NULL);
    f->display = spice_display_new(f->session, 0);
    f->window = gtk_window_new(GTK_WINDOW_TOPLEVEL);
    gtk_window_set_decorated(GTK_WINDOW(f->window), FALSE);
    gtk_container_add(GTK_CONTAINER(f->window), GTK_WIDGET(f->display));
    gtk_window_set_geometry_hints(GTK_WINDOW(f->window), NULL,
                                  &(GdkGeometry){.min_width = 1, .min_height = 1},
                                  GDK_HINT_MIN_SIZE);
    gtk_widget_show_all(f->window);
    gtk_window_move(GTK_WINDOW(f->window), LEFT, TOP);
    host_connect(f->host, f->session, over_tcp);
    wait_until(is_ready(f->display) && host_inputs_open(f->host) && knows_mouse_mode(f));
    fixture_resize(f, width, height);
    XTestFakeMotionEvent(xdisplay(), -1, 2, 2, CurrentTime);
    settle();
    g_free(host_take_keys(f->host));
    g_free(host_take_pointer(f->host));
}

void fixture_stop(Fixture *f)
{
    gtk_widget_destroy(f->window);
    spice_session_disconnect(f->session);
    settle();
    g_object_add_weak_pointer(G_OBJECT(f->session), (gpointer *)&f->session);
    g_object_unref(f->session);
    wait_until(f->session == NULL); /* nobody keeps it */
    settle();
    host_free(f->host);
    g_string_free(f->log, TRUE);
}

static void log_grab(SpiceDisplay *display, gint status, const char *name)
{
    Fixture *f = g_object_get_data(G_OBJECT(display), "fixture");

    g_string_append_printf(f->log, "%s %d ", name, status);
}

static void mouse_grab(SpiceDisplay *display, gint status)
{
    log_grab(display, status, "mouse-grab");
}

static void keyboard_grab(SpiceDisplay *display, gint status)
{
    log_grab(display, status, "keyboard-grab");
}

static void grab_keys_pressed(SpiceDisplay *display, Fixture *f)
{
    g_string_append(f->log, "grab-keys-pressed ");
}

static void pointer_grabbed(GObject *session, GParamSpec *pspec, Fixture *f)
{
    gboolean grabbed;

    g_object_get(session, "pointer-grabbed", &grabbed, NULL);
    g_string_append_printf(f->log, "pointer-grabbed %d ", grabbed);
}

void fixture_watch(Fixture *f)
{
    g_object_set_data(G_OBJECT(f->display), "fixture", f);
    g_signal_connect(f->display, "mouse-grab", G_CALLBACK(mouse_grab), NULL);
    g_signal_connect(f->display, "keyboard-grab", G_CALLBACK(keyboard_grab), NULL);
    g_signal_connect(f->display, "grab-keys-pressed", G_CALLBACK(grab_keys_pressed), f);
    g_signal_connect(spice_gtk_session_get(f->session), "notify::pointer-grabbed",
                     G_CALLBACK(pointer_grabbed), f);
}

void move_to(Fixture *f, gint x, gint y)
{
    XTestFakeMotionEvent(xdisplay(), -1, f->x + x, f->y + y, CurrentTime);
    settle();
}

void move_by(Fixture *f, gint dx, gint dy)
{
    XTestFakeRelativeMotionEvent(xdisplay(), dx, dy, CurrentTime);
    settle();
}

void button(Fixture *f, guint number, gboolean press)
{
    XTestFakeButtonEvent(xdisplay(), number, press, CurrentTime);
    settle();
}

void key(Fixture *f, guint keycode, gboolean press)
{
    XTestFakeKeyEvent(xdisplay(), keycode, press, CurrentTime);
    settle();
}

guint keycode_of(const char *keysym)
{
    guint keycode = XKeysymToKeycode(xdisplay(), XStringToKeysym(keysym));

    g_assert_cmpuint(keycode, !=, 0);
    return keycode;
}

void expect_text(Fixture *f, const gchar *(*peek)(Host *), gchar *(*take)(Host *), const char *text,
                 const char *where)
{
    gint64 end = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;
    guint tick = g_timeout_add(20, host_tick, NULL);
    g_autofree gchar *got = NULL;

    while (strlen(peek(f->host)) < strlen(text) && g_get_monotonic_time() < end)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(tick);
    settle();
    got = take(f->host);
    if (strcmp(got, text))
        g_error("%s: \"%s\" arrived, not \"%s\"", where, got, text);
}

/* A key that is sent after it has arrived: so has everything before. */
void expect_no_input(Fixture *f)
{
    static const guint tab = GDK_KEY_KP_Subtract;

    spice_display_send_keys(f->display, &tab, 1, SPICE_DISPLAY_KEY_EVENT_CLICK);
    expect_keys(f, "4a ca");
    expect_pointer(f, "");
}
