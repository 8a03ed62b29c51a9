/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mouse from a real X server through the widget to a real SPICE server, and the cursor back. */
#include <gdk/gdkx.h>
#include <X11/extensions/XTest.h>
#include <X11/extensions/Xfixes.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "vectors.h"
#pragma GCC diagnostic ignored "-Wunused-const-variable"
#include "vector-tables.h"

static void start(Fixture *f, gboolean tablet, guint guest_width, guint guest_height, gint width,
                  gint height)
{
    gint mode = 0;
    GList *channels;

    fixture_start(f, guest_width, guest_height, width, height, FALSE);
    fixture_focus(f);
    if (!tablet)
        return;
    host_set_tablet(f->host, TRUE);
    channels = spice_session_get_channels(f->session);
    for (GList *l = channels; l; l = l->next)
        if (SPICE_IS_MAIN_CHANNEL(l->data))
            wait_until((g_object_get(l->data, "mouse-mode", &mode, NULL), mode == 2));
    g_list_free(channels);
    settle(); /* the signal comes after the property */
}

/* Every position of the vectors that this scale factor can reach, by a real pointer. Those outside
 * the picture send nothing, but the edge when the pointer has just left it. */
static void test_positions(void)
{
    gint factor = gtk_widget_get_scale_factor(gtk_label_new(NULL));
    guint n = 0;

    if (factor < 1)
        factor = 1;
    for (guint i = 0; i < G_N_ELEMENTS(mapping_vectors); i++) {
        const MappingVector *v = &mapping_vectors[i];
        Fixture f;

        if (v->factor != factor)
            continue;
        start(&f, TRUE, v->guest_width, v->guest_height, v->width, v->height);
        g_object_set(f.display, "scaling", v->scaling, "only-downscale", v->only_downscale, NULL);
        fixture_resize(&f, v->width, v->height);
        for (guint p = 0; p < v->n_points; p++) {
            const PointVector *point = &v->points[p];
            g_autofree gchar *got = NULL;
            gint x, y;

            if (point->guest_x < 0)
                continue;
            move_to(&f, (gint)(point->widget_x * factor), (gint)(point->widget_y * factor));
            wait_until(strchr(host_peek_pointer(f.host), ' '));
            settle();
            got = host_take_pointer(f.host);
            g_assert_cmpint(sscanf(got, "p%d,%d", &x, &y), ==, 2);
            g_assert_cmpint(x, ==, point->guest_x);
            g_assert_true(y == point->guest_y || y == point->guest_y + 1);
            n++;
            /* away, so that the next one is a movement */
            move_to(&f, factor * (v->width / 2) + 3, factor * (v->height / 2) + 3);
            wait_until(strchr(host_peek_pointer(f.host), ' '));
            settle();
            g_free(host_take_pointer(f.host));
        }
        fixture_stop(&f);
    }
    g_test_message("%u positions at factor %d", n, factor);
    g_assert_cmpuint(n, >, 50);
}

static void test_letterbox(void)
{
    Fixture f;

    /* 640x480 in 840x480: borders of 100 to the left and right */
    start(&f, TRUE, 640, 480, 840, 480);
    move_to(&f, 120, 50);
    expect_pointer(&f, "p20,50");
    move_to(&f, 60, 52); /* leaving: the edge */
    expect_pointer(&f, "p0,52");
    move_to(&f, 50, 60);
    button(&f, 1, TRUE); /* not the guest's */
    button(&f, 1, FALSE);
    expect_no_input(&f);

    /* a drag goes on outside, and ends there */
    move_to(&f, 110, 100);
    expect_pointer(&f, "p10,100");
    button(&f, 1, TRUE);
    expect_pointer(&f, "b1");
    move_to(&f, 30, 110);
    expect_pointer(&f, "p0,110");
    move_to(&f, -15, 120); /* outside the window */
    expect_pointer(&f, "p0,120");
    button(&f, 1, FALSE);
    expect_pointer(&f, "b0");
    /* A fast exit: the last motion was inside. */
    move_to(&f, 400, 300);
    expect_pointer(&f, "p300,300");
    XTestFakeMotionEvent(gdk_x11_get_default_xdisplay(), -1, f.x + 300, f.y + 700, CurrentTime);
    settle();
    expect_pointer(&f, "p200,479");
    fixture_stop(&f);
}

static void test_buttons(void)
{
    static const struct {
        guint number;
        const char *press;
    } buttons[] = {{1, "b1"}, {2, "b4"}, {3, "b2"}, {8, "b40"}, {9, "b80"}};
    Fixture f;

    start(&f, TRUE, 640, 480, 640, 480);
    move_to(&f, 200, 100);
    expect_pointer(&f, "p200,100");
    for (guint i = 0; i < G_N_ELEMENTS(buttons); i++) {
        button(&f, buttons[i].number, TRUE);
        expect_pointer(&f, buttons[i].press);
        button(&f, buttons[i].number, FALSE);
        expect_pointer(&f, "b0");
    }
    /* several at once; side buttons stay down while the pointer moves */
    button(&f, 8, TRUE);
    button(&f, 1, TRUE);
    expect_pointer(&f, "b40 b41");
    move_to(&f, 210, 110);
    expect_pointer(&f, "p210,110");
    button(&f, 3, TRUE);
    button(&f, 8, FALSE);
    expect_pointer(&f, "b43 b3");
    g_object_set(f.display, "disable-inputs", TRUE, NULL);
    expect_pointer(&f, "b2 b0");
    button(&f, 1, FALSE);
    button(&f, 3, FALSE);
    g_object_set(f.display, "disable-inputs", FALSE, NULL);
    expect_no_input(&f);

    /* wheel: buttons 4 and 5; 6 and 7 are horizontal, which the protocol has not */
    for (guint number = 4; number <= 7; number++) {
        button(&f, number, TRUE);
        button(&f, number, FALSE);
    }
    expect_pointer(&f, "w-1 w1");
    fixture_stop(&f);
}

static void scroll(Fixture *f, gdouble delta, guint32 time)
{
    GdkEvent *event = gdk_event_new(GDK_SCROLL);
    GdkWindow *window = gtk_widget_get_window(GTK_WIDGET(f->display));

    event->scroll.window = g_object_ref(window);
    event->scroll.direction = GDK_SCROLL_SMOOTH;
    event->scroll.delta_y = delta;
    event->scroll.time = time;
    gdk_event_set_device(event, gdk_seat_get_pointer(gdk_display_get_default_seat(
                                    gtk_widget_get_display(f->window))));
    gtk_main_do_event(event);
    gdk_event_free(event);
}

static void test_smooth_scroll(void)
{
    Fixture f;

    start(&f, TRUE, 640, 480, 640, 480);
    move_to(&f, 200, 100);
    expect_pointer(&f, "p200,100");
    for (guint i = 0; i < 6; i++)
        scroll(&f, 0.4, 1000 + i);
    expect_pointer(&f, "w1 w1");
    scroll(&f, -0.4, 1010); /* another direction starts anew */
    scroll(&f, -0.4, 1020);
    scroll(&f, -0.4, 1030);
    expect_pointer(&f, "w-1");
    scroll(&f, -0.7, 5000); /* so does a pause */
    expect_no_input(&f);
    scroll(&f, -0.4, 5001);
    expect_pointer(&f, "w-1");
    scroll(&f, 2.5, 9000);
    expect_pointer(&f, "w1 w1");
    scroll(&f, 1e300, 90000); /* no endless loop */
    wait_until(strlen(host_peek_pointer(f.host)) >= 300);
    fixture_stop(&f);
}

/* The sum of all motion that has arrived. */
static void sum_motion(Fixture *f, gint *x, gint *y)
{
    g_autofree gchar *log = host_take_pointer(f->host);
    g_auto(GStrv) parts = g_strsplit(log, " ", -1);

    for (guint i = 0; parts[i]; i++) {
        gint dx, dy;

        if (sscanf(parts[i], "m%d,%d", &dx, &dy) == 2) {
            *x += dx;
            *y += dy;
        }
    }
}

static void grab_mouse(Fixture *f)
{
    move_to(f, 200, 150);
    fixture_focus(f);
    button(f, 1, TRUE);
    button(f, 1, FALSE);
    wait_until(strstr(f->log->str, "mouse-grab 1 pointer-grabbed 1 "));
    settle();
    g_free(host_take_pointer(f->host));
    move_by(f, 1, 0); /* the first movement is the reference */
    settle();
    g_free(host_take_pointer(f->host));
    g_string_truncate(f->log, 0);
}

/* Long ways in every direction, over the pointer's warps: not a pixel is lost, whatever the
 * picture's scale. */
static void test_motion(void)
{
    static const struct {
        gint dx, dy, times;
    } ways[] = {{2, 1, 300}, {-2, -1, 300}, {7, -3, 200}, {-31, 17, 80}, {0, 1, 50}, {150, 90, 30}};
    Fixture f;

    start(&f, FALSE, 640, 480, 320, 240);
    fixture_watch(&f);
    move_to(&f, 100, 100);
    expect_no_input(&f); /* not grabbed */
    grab_mouse(&f);
    for (guint i = 0; i < G_N_ELEMENTS(ways); i++) {
        gint x = 0, y = 0;

        for (gint n = 0; n < ways[i].times; n++)
            move_by(&f, ways[i].dx, ways[i].dy);
        /* a click comes after all motion */
        button(&f, 3, TRUE);
        button(&f, 3, FALSE);
        wait_until(strstr(host_peek_pointer(f.host), "b2 b0 "));
        sum_motion(&f, &x, &y);
        g_assert_cmpint(x, ==, ways[i].dx * ways[i].times);
        g_assert_cmpint(y, ==, ways[i].dy * ways[i].times);
    }
    fixture_stop(&f);
}

static void on_cursor_move(SpiceChannel *channel, gint x, gint y, gboolean *moved)
{
    *moved = x == 321 && y == 123;
}

static void test_grab(void)
{
    gboolean moved = FALSE;
    GList *channels;
    Fixture f;

    start(&f, FALSE, 640, 480, 640, 480);
    fixture_watch(&f);
    move_to(&f, 100, 100);
    wait_until(!strcmp(f.log->str, "keyboard-grab 1 "));
    button(&f, 1, TRUE); /* takes the grab, and is not sent */
    wait_until(!strcmp(f.log->str, "keyboard-grab 1 mouse-grab 1 pointer-grabbed 1 "));
    button(&f, 1, FALSE);
    button(&f, 3, TRUE);
    button(&f, 3, FALSE);
    expect_pointer(&f, "b2 b0");

    /* the pointer goes back to the guest's cursor */
    channels = spice_session_get_channels(f.session);
    for (GList *l = channels; l; l = l->next)
        if (SPICE_IS_CURSOR_CHANNEL(l->data))
            g_signal_connect_after(l->data, "cursor-move", G_CALLBACK(on_cursor_move), &moved);
    g_list_free(channels);
    host_set_cursor(f.host, 16, 2, 3, 0xff00ff00);
    host_move_cursor(f.host, 321, 123);
    g_string_truncate(f.log, 0);
    wait_until(moved);
    expect_no_input(&f);
    spice_display_mouse_ungrab(f.display);
    g_assert_cmpstr(f.log->str, ==, "mouse-grab 0 pointer-grabbed 0 ");
    spice_display_mouse_ungrab(f.display);
    g_assert_cmpstr(f.log->str, ==, "mouse-grab 0 pointer-grabbed 0 ");

    gint x, y;

    gdk_window_get_device_position(
        gtk_widget_get_window(GTK_WIDGET(f.display)),
        gdk_seat_get_pointer(gdk_display_get_default_seat(gtk_widget_get_display(f.window))), &x,
        &y, NULL);
    g_assert_cmpint(x, ==, 321);
    g_assert_cmpint(y, ==, 123);
    channels = spice_session_get_channels(f.session);
    for (GList *l = channels; l; l = l->next)
        g_signal_handlers_disconnect_by_data(l->data, &moved);
    g_list_free(channels);

    /* a tablet appears: client mode, no grab */
    button(&f, 1, TRUE);
    button(&f, 1, FALSE);
    wait_until(strstr(f.log->str, "pointer-grabbed 1 "));
    host_set_tablet(f.host, TRUE);
    wait_until(strstr(f.log->str, "pointer-grabbed 1 mouse-grab 0 pointer-grabbed 0 "));
    /* and goes while a button is held: grabbed at once */
    settle();
    g_free(host_take_pointer(f.host));
    g_string_truncate(f.log, 0);
    move_to(&f, 50, 50);
    expect_pointer(&f, "p50,50");
    button(&f, 1, TRUE);
    expect_pointer(&f, "b1");
    host_set_tablet(f.host, FALSE);
    wait_until(strstr(f.log->str, "mouse-grab 1 pointer-grabbed 1 "));
    button(&f, 1, FALSE);

    /* everything else that ends it */
    g_object_set(f.display, "grab-mouse", FALSE, NULL);
    wait_until(strstr(f.log->str, "mouse-grab 0 pointer-grabbed 0 "));
    g_object_set(f.display, "grab-mouse", TRUE, NULL);
    g_string_truncate(f.log, 0);
    button(&f, 1, TRUE);
    button(&f, 1, FALSE);
    wait_until(strstr(f.log->str, "mouse-grab 1 pointer-grabbed 1 "));
    gtk_widget_hide(f.window);
    wait_until(strstr(f.log->str, "mouse-grab 0 pointer-grabbed 0 "));
    fixture_stop(&f);
}

static void check_cursor(Fixture *f, guint width, guint height, guint hot_x, guint hot_y)
{
    Display *xdisplay = gdk_x11_get_default_xdisplay();
    gint64 end = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;

    for (;;) {
        settle();

        XFixesCursorImage *image = XFixesGetCursorImage(xdisplay);
        gboolean same = image->width == width && image->height == height && image->xhot == hot_x &&
                        image->yhot == hot_y;
        g_autofree gchar *got =
            g_strdup_printf("%ux%u+%u+%u", image->width, image->height, image->xhot, image->yhot);

        XFree(image);
        if (same)
            return;
        if (g_get_monotonic_time() > end)
            g_error("cursor %s, expected %ux%u+%u+%u", got, width, height, hot_x, hot_y);
        g_usleep(1000);
    }
}

/* docs/spec/client-gtk.md 8.1 */
static void test_cursor(void)
{
    gint factor = gtk_widget_get_scale_factor(gtk_label_new(NULL));
    Fixture f;

    start(&f, TRUE, 640, 480, 640 / factor, 480 / factor);
    move_to(&f, 200, 100);
    check_cursor(&f, 1, 1, 1, 1); /* no shape yet: the blank cursor of GDK */
    host_set_cursor(f.host, 20, 5, 7, 0xff0000ff);
    check_cursor(&f, 20, 20, factor == 1 ? 5 : 4, factor == 1 ? 7 : 6);
    if (factor == 1) {
        fixture_resize(&f, 512, 384); /* 0.8 */
        check_cursor(&f, 16, 16, 4, 5);
        fixture_resize(&f, 960, 720); /* 1.5 */
        check_cursor(&f, 30, 30, 7, 10);
        fixture_resize(&f, 160, 120); /* never less than half */
        move_to(&f, 50, 50);
        check_cursor(&f, 10, 10, 2, 3);
        fixture_resize(&f, 640, 480);
        move_to(&f, 200, 100);
    }
    host_hide_cursor(f.host);
    check_cursor(&f, 1, 1, 1, 1);
    host_set_cursor(f.host, 32, 0, 31, 0xff0000ff);
    check_cursor(&f, 32, 32, 0, factor == 1 ? 31 : 30);
    fixture_stop(&f);
}

/* In server mode the guest's cursor is in the picture, while grabbed. */
static void test_painted_cursor(void)
{
    Fixture f;
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 960, 720);
    const guint32 *pixels = (const guint32 *)cairo_image_surface_get_data(surface);
    cairo_t *cr = cairo_create(surface);

    start(&f, FALSE, 640, 480, 960, 720);
    fixture_watch(&f);
    host_fill(f.host, 0, 0, 640, 480, 0x204060);
    host_set_cursor(f.host, 16, 2, 3, 0xffff8000);
    host_move_cursor(f.host, 102, 203);
#define shown(x, y)                                                            \
    (gtk_widget_draw(GTK_WIDGET(f.display), cr), cairo_surface_flush(surface), \
     pixels[(y)*960 + (x)] & 0xffffff)
    wait_until(shown(152, 302) == 0x204060);
    grab_mouse(&f);
    wait_until(shown(152, 302) == 0xff8000);
    /* 16 guest pixels at 1.5: from 150,300 to 174,324 */
    g_assert_cmphex(shown(172, 322), ==, 0xff8000);
    g_assert_cmphex(shown(148, 302), ==, 0x204060);
    g_assert_cmphex(shown(176, 326), ==, 0x204060);
    host_move_cursor(f.host, 200, 203);
    wait_until(shown(152, 302) == 0x204060);
    host_hide_cursor(f.host);
    wait_until(shown(300, 302) == 0x204060);
    host_move_cursor(f.host, 102, 203);
    wait_until(shown(152, 302) == 0xff8000);
    spice_display_mouse_ungrab(f.display);
    g_assert_cmphex(shown(152, 302), ==, 0x204060);
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    fixture_stop(&f);
}

/* A drag from one display of the session over another one: positions are that one's. */
static void test_drag_across(void)
{
    const HostMonitor monitors[] = {{0, 0, 0, 320, 480}, {1, 320, 0, 320, 480}};
    Fixture f;
    GtkWidget *other_window = gtk_window_new(GTK_WINDOW_TOPLEVEL);
    SpiceDisplay *other;

    start(&f, TRUE, 640, 480, 640, 480);
    other = spice_display_new_with_monitor(f.session, 0, 1);
    gtk_window_set_decorated(GTK_WINDOW(other_window), FALSE);
    gtk_container_add(GTK_CONTAINER(other_window), GTK_WIDGET(other));
    gtk_window_set_default_size(GTK_WINDOW(other_window), 640, 480);
    gtk_widget_show_all(other_window);
    gtk_window_move(GTK_WINDOW(other_window), 700, 30);
    host_set_monitors(f.host, monitors, 2);
    gint x = 0, y = 0;

    wait_until(gtk_widget_get_allocated_width(GTK_WIDGET(other)) == 640 &&
               (gdk_window_get_origin(gtk_widget_get_window(GTK_WIDGET(other)), &x, &y), x == 700));
    for (gboolean ready = FALSE; !ready; g_object_get(other, "ready", &ready, NULL))
        g_main_context_iteration(NULL, TRUE);
    fixture_focus(&f);
    /* Both pictures are 320x480 in the middle of 640x480. */
    move_to(&f, 160 + 100, 100);
    expect_pointer(&f, "p100,100");
    button(&f, 1, TRUE);
    expect_pointer(&f, "b1");

    /* Positions are relative to the monitor, and the server's tablet has no word for which. */
    move_to(&f, x - f.x + 160 + 50, y - f.y + 60);
    expect_pointer(&f, "p50,60");
    button(&f, 1, FALSE);
    expect_pointer(&f, "b0");
    gtk_widget_destroy(other_window);
    fixture_stop(&f);
}

int main(int argc, char **argv)
{
    gtk_init(&argc, &argv);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pointer/positions", test_positions);
    g_test_add_func("/pointer/cursor", test_cursor);
    if (g_getenv("GDK_SCALE") == NULL) {
        g_test_add_func("/pointer/letterbox", test_letterbox);
        g_test_add_func("/pointer/buttons", test_buttons);
        g_test_add_func("/pointer/smooth-scroll", test_smooth_scroll);
        g_test_add_func("/pointer/motion", test_motion);
        g_test_add_func("/pointer/grab", test_grab);
        g_test_add_func("/pointer/painted-cursor", test_painted_cursor);
        g_test_add_func("/pointer/drag-across", test_drag_across);
    }
    return g_test_run();
}
