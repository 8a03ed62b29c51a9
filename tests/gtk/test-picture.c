/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest's picture in the widget: pixels, damage, modes, monitors, readiness, sizes. */
#include <fcntl.h>
#include <gdk/gdkx.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"

static gboolean is_ready(SpiceDisplay *display)
{
    gboolean ready;

    g_object_get(display, "ready", &ready, NULL);
    return ready;
}

static guint32 pixbuf_pixel(GdkPixbuf *pixbuf, gint x, gint y)
{
    const guint8 *p = gdk_pixbuf_get_pixels(pixbuf) + y * gdk_pixbuf_get_rowstride(pixbuf) +
                      x * gdk_pixbuf_get_n_channels(pixbuf);

    return p[0] << 16 | p[1] << 8 | p[2];
}

/* What the guest shows at a place; no colour at all between two modes. */
static guint32 guest_pixel(Fixture *f, gint x, gint y)
{
    g_autoptr(GdkPixbuf) pixbuf =
        is_ready(f->display) ? spice_display_get_pixbuf(f->display) : NULL;

    if (pixbuf == NULL || x >= gdk_pixbuf_get_width(pixbuf) || y >= gdk_pixbuf_get_height(pixbuf))
        return G_MAXUINT32;
    return pixbuf_pixel(pixbuf, x, y);
}

/* What the X server shows of the widget. */
static GdkPixbuf *screenshot(Fixture *f)
{
    GtkWidget *widget = GTK_WIDGET(f->display);

    return gdk_pixbuf_get_from_window(gtk_widget_get_window(widget), 0, 0,
                                      gtk_widget_get_allocated_width(widget),
                                      gtk_widget_get_allocated_height(widget));
}

/* The frame clock has drawn all damage. */
static void wait_for_frame(Fixture *f)
{
    GdkFrameClock *clock = gtk_widget_get_frame_clock(f->window);
    gint64 before;

    settle();
    before = gdk_frame_clock_get_frame_counter(clock);

    gdk_frame_clock_request_phase(clock, GDK_FRAME_CLOCK_PHASE_PAINT);
    wait_until(gdk_frame_clock_get_frame_counter(clock) >= before + 2 ||
               (gdk_frame_clock_request_phase(clock, GDK_FRAME_CLOCK_PHASE_PAINT), FALSE));
    settle();
}

/* Unscaled, every pixel on the screen is the guest's; so is the pixbuf, and a drawing elsewhere. */
static void test_pixels(void)
{
    Fixture f;
    cairo_surface_t *surface;
    cairo_t *cr;

    fixture_start(&f, 640, 480, 640, 480, FALSE);
    wait_for_frame(&f);

    g_autoptr(GdkPixbuf) pixbuf = spice_display_get_pixbuf(f.display);
    g_autoptr(GdkPixbuf) screen = screenshot(&f);

    g_assert_cmpint(gdk_pixbuf_get_width(pixbuf), ==, 640);
    g_assert_cmpint(gdk_pixbuf_get_height(pixbuf), ==, 480);
    g_assert_cmpint(gdk_pixbuf_get_n_channels(pixbuf), ==, 3);
    surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 640, 480);
    cr = cairo_create(surface);
    gtk_widget_draw(GTK_WIDGET(f.display), cr);
    cairo_surface_flush(surface);

    const guint32 *drawn = (const guint32 *)cairo_image_surface_get_data(surface);

    for (gint y = 0; y < 480; y++) {
        for (gint x = 0; x < 640; x++) {
            g_assert_cmphex(pixbuf_pixel(pixbuf, x, y), ==, host_pixel(x, y));
            g_assert_cmphex(pixbuf_pixel(screen, x, y), ==, host_pixel(x, y));
            g_assert_cmphex(drawn[y * 640 + x] & 0xffffff, ==, host_pixel(x, y));
        }
    }
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    fixture_stop(&f);
}

/* Twice as large, each guest pixel is a sharp square; around the picture is black. */
static void test_sharp(void)
{
    Fixture f;

    fixture_start(&f, 320, 240, 840, 480, FALSE);
    wait_for_frame(&f);

    g_autoptr(GdkPixbuf) screen = screenshot(&f);

    for (gint y = 0; y < 480; y++) {
        for (gint x = 0; x < 840; x++) {
            gboolean inside = x >= 100 && x < 740;

            g_assert_cmphex(pixbuf_pixel(screen, x, y), ==,
                            inside ? host_pixel((x - 100) / 2, y / 2) : 0);
        }
    }
    fixture_stop(&f);
}

/* Many small changes at awkward scales, drawn by damage alone, leave what one drawing of everything
 * gives. */
static void check_damage(gint width, gint height, gboolean scaling)
{
    Fixture f;
    GRand *rand = g_rand_new_with_seed(width * 31 + height);
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    cairo_t *cr = cairo_create(surface);
    guint differing = 0;

    fixture_start(&f, 640, 480, width, height, FALSE);
    g_object_set(f.display, "scaling", scaling, NULL);
    gtk_widget_set_size_request(GTK_WIDGET(f.display), 1, 1);
    wait_for_frame(&f);
    for (guint i = 0; i < 60; i++) {
        gint x = g_rand_int_range(rand, 0, 620), y = g_rand_int_range(rand, 0, 460);
        guint32 color = g_rand_int(rand) & 0xffffff;

        host_fill(f.host, x, y, g_rand_int_range(rand, 1, 20), g_rand_int_range(rand, 1, 20),
                  color);
        wait_until(guest_pixel(&f, x, y) == color);
        if (i % 3 == 0)
            wait_for_frame(&f);
    }
    wait_for_frame(&f);
    gtk_widget_draw(GTK_WIDGET(f.display), cr);
    cairo_surface_flush(surface);

    const guint32 *drawn = (const guint32 *)cairo_image_surface_get_data(surface);
    gint stride = cairo_image_surface_get_stride(surface) / 4;
    g_autoptr(GdkPixbuf) screen = screenshot(&f);

    for (gint y = 0; y < height; y++) {
        for (gint x = 0; x < width; x++) {
            guint32 a = pixbuf_pixel(screen, x, y), b = drawn[y * stride + x];

            for (guint shift = 0; shift < 24; shift += 8)
                if (ABS((gint)(a >> shift & 255) - (gint)(b >> shift & 255)) > 2) {
                    differing++;
                    break;
                }
        }
    }
    g_assert_cmpuint(differing, ==, 0);
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    g_rand_free(rand);
    fixture_stop(&f);
}

static void test_damage(void)
{
    check_damage(640, 480, TRUE);
    check_damage(801, 601, TRUE);
    check_damage(1000, 333, TRUE);
    check_damage(211, 170, TRUE);
    check_damage(900, 700, FALSE);
    check_damage(500, 400, FALSE);
}

/* 5 bits a channel: the upper ones repeat. */
static guint32 expand(guint32 pixel)
{
    pixel &= 0xf8f8f8;
    return pixel | (pixel >> 5 & 0x070707);
}

/* Other sizes and depths while the widget shows; a mode switch isn't seen as a loss. */
static void test_modes(void)
{
    Fixture f;

    fixture_start(&f, 640, 480, 640, 480, FALSE);
    host_set_mode(f.host, 800, 600, 32);
    wait_until(guest_pixel(&f, 799, 599) == host_pixel(799, 599));

    host_set_mode(f.host, 320, 200, 16);
    wait_until(guest_pixel(&f, 319, 199) == expand(host_pixel(319, 199)) &&
               guest_pixel(&f, 320, 0) == G_MAXUINT32);

    g_autoptr(GdkPixbuf) pixbuf = spice_display_get_pixbuf(f.display);

    for (gint y = 0; y < 200; y++)
        for (gint x = 0; x < 320; x++)
            g_assert_cmphex(pixbuf_pixel(pixbuf, x, y), ==, expand(host_pixel(x, y)));
    host_fill(f.host, 10, 10, 5, 5, 0x7c00); /* red, in the surface's own format */
    wait_until(guest_pixel(&f, 12, 12) == 0xff0000);
    g_assert_cmphex(guest_pixel(&f, 15, 12), !=, 0xff0000);
    fixture_stop(&f);
}

/* docs/spec/client-gtk.md 2.3: four widgets on one channel, one for a monitor that comes later */
static void test_monitors(void)
{
    const HostMonitor two[] = {{0, 0, 0, 300, 480}, {1, 300, 100, 340, 300}};
    const HostMonitor one[] = {{0, 100, 100, 200, 200}};
    const HostMonitor huge[] = {{0, 0, 0, 640, 480}, {1, 0xffffffff, 0x80000000, 5000, 5000}};
    Fixture f;
    SpiceDisplay *displays[4];

    fixture_start(&f, 640, 480, 640, 480, FALSE);
    for (gint i = 0; i < 4; i++) {
        displays[i] = spice_display_new_with_monitor(f.session, 0, i - 1);
        g_object_ref_sink(displays[i]);
    }
    g_assert_true(is_ready(displays[0])); /* -1: all of the surface */
    g_assert_true(is_ready(displays[1]));
    g_assert_false(is_ready(displays[2]));

    host_set_monitors(f.host, two, 2);
    wait_until(is_ready(displays[2]));
    g_assert_false(is_ready(displays[3]));

    g_autoptr(GdkPixbuf) all = spice_display_get_pixbuf(displays[0]);
    g_autoptr(GdkPixbuf) left = spice_display_get_pixbuf(displays[1]);
    g_autoptr(GdkPixbuf) right = spice_display_get_pixbuf(displays[2]);

    g_assert_cmpint(gdk_pixbuf_get_width(all), ==, 640);
    g_assert_cmpint(gdk_pixbuf_get_width(left), ==, 300);
    g_assert_cmpint(gdk_pixbuf_get_width(right), ==, 340);
    g_assert_cmpint(gdk_pixbuf_get_height(right), ==, 300);
    for (gint y = 0; y < 300; y++)
        for (gint x = 0; x < 340; x++)
            g_assert_cmphex(pixbuf_pixel(right, x, y), ==, host_pixel(300 + x, 100 + y));
    g_object_set(displays[3], "monitor-id", 1, NULL);
    g_assert_true(is_ready(displays[3]));
    g_object_set(displays[3], "monitor-id", 2, NULL);
    g_assert_false(is_ready(displays[3]));

    /* one monitor: its place doesn't count */
    host_set_monitors(f.host, one, 1);
    wait_until(!is_ready(displays[2]));

    g_autoptr(GdkPixbuf) single = spice_display_get_pixbuf(displays[1]);

    g_assert_cmpint(gdk_pixbuf_get_width(single), ==, 200);
    g_assert_cmphex(pixbuf_pixel(single, 0, 0), ==, host_pixel(0, 0));

    host_set_monitors(f.host, huge, 2);
    wait_until(guest_pixel(&f, 639, 479) == host_pixel(639, 479));
    g_assert_false(is_ready(displays[2]));
    for (gint i = 0; i < 4; i++) {
        gtk_widget_destroy(GTK_WIDGET(displays[i]));
        g_object_unref(displays[i]);
    }
    fixture_stop(&f);
}

static void check_request(Fixture *f, gint width, gint height)
{
    gint w, h;

    gtk_widget_get_size_request(GTK_WIDGET(f->display), &w, &h);
    g_assert_cmpint(w, ==, width);
    g_assert_cmpint(h, ==, height);
}

static void test_size_request(void)
{
    gint factor = gtk_widget_get_scale_factor(gtk_label_new(NULL));
    Fixture f;

    fixture_start(&f, 800, 600, 640, 480, FALSE);
    g_object_set(f.display, "scaling", FALSE, NULL);
    check_request(&f, 800 / factor, 600 / factor);
    g_object_set(f.display, "scaling", TRUE, NULL);
    check_request(&f, 640 / factor, 480 / factor);
    fixture_stop(&f);
}

/* What the widget asks the main channel for; these stand before the library's own functions.
 * Without an agent in the guest they would send nothing. */
static GString *asked;

#pragma GCC visibility push(default)
void spice_main_channel_update_display(SpiceMainChannel *channel, int id, int x, int y, int width,
                                       int height, gboolean update)
{
    g_assert_true(SPICE_IS_MAIN_CHANNEL(channel) && update);
    if (asked)
        g_string_append_printf(asked, "%d:%dx%d+%d+%d ", id, width, height, x, y);
}

void spice_main_channel_update_display_mm(SpiceMainChannel *channel, int id, int width_mm,
                                          int height_mm, gboolean update)
{
    g_assert_true(SPICE_IS_MAIN_CHANNEL(channel) && update);
    if (asked)
        g_string_append_printf(asked, "%d:%dmmx%dmm ", id, width_mm, height_mm);
}

void spice_main_channel_update_display_enabled(SpiceMainChannel *channel, int id, gboolean enabled,
                                               gboolean update)
{
    g_assert_true(SPICE_IS_MAIN_CHANNEL(channel) && update);
    if (asked)
        g_string_append_printf(asked, "%d:%s ", id, enabled ? "on" : "off");
}
#pragma GCC visibility pop

/* docs/spec/client-gtk.md 5 */
static void test_resize_guest(void)
{
    Fixture f;
    gint factor = gtk_widget_get_scale_factor(gtk_label_new(NULL));
    SpiceSession *session = spice_session_new();
    GtkWidget *early;

    /* before there is anything: nothing to complain about */
    early = g_object_new(SPICE_TYPE_DISPLAY, "session", session, "resize-guest", TRUE, NULL);
    g_object_ref_sink(early);
    gtk_widget_destroy(early);
    g_object_unref(early);
    g_object_unref(session);

    fixture_start(&f, 640, 480, 800, 600, FALSE);
    asked = g_string_new(NULL);
    fixture_resize(&f, 700, 500);
    g_assert_cmpstr(asked->str, ==, ""); /* not wanted yet */
    g_object_set(f.display, "resize-guest", TRUE, NULL);
    gtk_widget_set_size_request(GTK_WIDGET(f.display), 1, 1);
    g_assert_true(g_str_has_prefix(asked->str, "0:on 0:"));
    g_string_truncate(asked, 0);
    fixture_resize(&f, 500, 400);
    g_assert_nonnull(strstr(asked->str, factor == 1 ? "0:500x400+0+0 " : "0:1000x800+0+0 "));
    g_string_truncate(asked, 0);

    /* a mode switch says nothing: what was asked is remembered */
    host_set_mode(f.host, 1024, 768, 32);
    wait_until(guest_pixel(&f, 1023, 767) == host_pixel(1023, 767));
    g_assert_null(strstr(asked->str, "o"));
    gtk_widget_set_size_request(GTK_WIDGET(f.display), 1, 1);
    settle();
    g_string_truncate(asked, 0);

    g_object_set(f.display, "zoom-level", 200, NULL);
    g_assert_nonnull(strstr(asked->str, factor == 1 ? "0:250x200+0+0 " : "0:500x400+0+0 "));
    g_string_truncate(asked, 0);
    g_object_set(f.display, "scaling", FALSE, NULL); /* zoom counts only with it */
    g_assert_nonnull(strstr(asked->str, factor == 1 ? "0:500x400+0+0 " : "0:1000x800+0+0 "));
    g_string_truncate(asked, 0);

    /* a monitor that is gone for good is switched off */
    g_object_set(f.display, "monitor-id", 3, NULL);
    wait_until(strstr(asked->str, "3:off "));
    g_object_set(f.display, "monitor-id", 0, NULL);
    wait_until(strstr(asked->str, "0:on "));

    g_object_set(f.display, "resize-guest", FALSE, NULL);
    g_string_truncate(asked, 0);
    gtk_widget_set_size_request(GTK_WIDGET(f.display), 1, 1);
    fixture_resize(&f, 600, 450);
    g_assert_cmpstr(asked->str, ==, "");
    g_string_free(asked, TRUE);
    asked = NULL;
    fixture_stop(&f);
}

/* Nothing that a program does inside a signal of the widget breaks it. */
static void destroy_inside(SpiceDisplay *display)
{
    gtk_widget_destroy(GTK_WIDGET(display));
}

static void test_destroy_inside(void)
{
    Fixture f;
    SpiceDisplay *display;

    fixture_start(&f, 640, 480, 640, 480, FALSE);
    /* ready -> not ready */
    display = g_object_ref_sink(spice_display_new(f.session, 0));
    g_assert_true(is_ready(display));
    g_signal_connect(display, "notify::ready", G_CALLBACK(destroy_inside), NULL);
    g_object_set(display, "monitor-id", 7, NULL);
    g_object_unref(display);

    display = g_object_ref_sink(spice_display_new(f.session, 0));
    g_signal_connect(display, "notify::ready", G_CALLBACK(destroy_inside), NULL);
    host_set_mode(f.host, 320, 200, 32);
    for (gint i = 0; i < 20; i++)
        settle();
    wait_until(guest_pixel(&f, 319, 199) == host_pixel(319, 199));
    g_object_unref(display);

    /* keyboard-grab, inside an enter event */
    fixture_focus(&f);
    g_signal_connect(f.display, "keyboard-grab", G_CALLBACK(destroy_inside), NULL);
    g_object_add_weak_pointer(G_OBJECT(f.display), (gpointer *)&f.display);
    move_to(&f, 100, 100);
    wait_until(f.display == NULL);
    fixture_stop(&f);
}

/* A scanout in graphics memory, which can't be shown: every frame is acknowledged, a word instead
 * of a picture, and back to the picture. */
static void test_scanout(void)
{
    Fixture f;

    fixture_start(&f, 640, 480, 640, 480, FALSE);
    host_scanout(f.host, 320, 200);
    for (guint i = 1; i <= 5; i++)
        wait_until(host_draw_scanout(f.host) == i);
    g_assert_true(is_ready(f.display));
    host_fill(f.host, 5, 5, 10, 10, 0x00ff00);
    wait_until(guest_pixel(&f, 7, 7) == 0x00ff00);
    fixture_stop(&f);
}

int main(int argc, char **argv)
{
    gtk_init(&argc, &argv);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/picture/size-request", test_size_request);
    g_test_add_func("/picture/resize-guest", test_resize_guest);
    if (g_getenv("GDK_SCALE") == NULL) {
        g_test_add_func("/picture/pixels", test_pixels);
        g_test_add_func("/picture/sharp", test_sharp);
        g_test_add_func("/picture/damage", test_damage);
        g_test_add_func("/picture/modes", test_modes);
        g_test_add_func("/picture/monitors", test_monitors);
        g_test_add_func("/picture/destroy-inside", test_destroy_inside);
        g_test_add_func("/picture/scanout", test_scanout);
    }
    return g_test_run();
}
