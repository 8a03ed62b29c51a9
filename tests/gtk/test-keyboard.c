/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys from a real X server through the widget to a real SPICE server. */
#include <gdk/gdkx.h>
#include <string.h>

#include "fixture.h"
#include "vectors.h"
#pragma GCC diagnostic ignored "-Wunused-const-variable"
#include "vector-tables.h"

static gchar *bytes_to_text(const Bytes *bytes)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < bytes->n; i++)
        g_string_append_printf(text, "%02x ", bytes->bytes[i]);
    return g_strchomp(g_string_free(text, FALSE));
}

/* Focus without the pointer: no grab. */
static void start(Fixture *f, gboolean over_tcp)
{
    fixture_start(f, 640, 480, 640, 480, over_tcp);
    fixture_focus(f);
    g_object_set(f->display, "keypress-delay", 0, NULL);
}

static void no_grab_keys(Fixture *f)
{
    SpiceGrabSequence *none = spice_grab_sequence_new(0, NULL);

    spice_display_set_grab_keys(f->display, none);
    spice_grab_sequence_free(none);
}

/* Every keycode that an X server has, pressed and released, gives the bytes that the deployed
 * widget gave; only Print is better (docs/spec/client-gtk.md 6.3). */
static void test_every_key(void)
{
    Fixture f;
    guint sent = 0;

    start(&f, FALSE);
    no_grab_keys(&f);
    for (guint i = 0; i < G_N_ELEMENTS(evdev_vectors); i++) {
        const KeyVector *v = &evdev_vectors[i];
        g_autofree gchar *press = bytes_to_text(&v->press), *release = bytes_to_text(&v->release);
        gboolean is_print = v->x_keycode == 107;

        key(&f, v->x_keycode, TRUE);
        if (v->press.n)
            expect_keys(&f, is_print ? "e0 37" : press);
        key(&f, v->x_keycode, FALSE);
        if (v->press.n)
            expect_keys(&f, is_print ? "e0 b7" : release);
        else
            expect_no_input(&f);
        sent += v->press.n > 0;
    }
    g_assert_cmpuint(sent, ==, 236);

    /* with Alt, Print is SysRq */
    key(&f, keycode_of("Alt_L"), TRUE);
    key(&f, 107, TRUE);
    key(&f, 107, FALSE);
    key(&f, keycode_of("Alt_L"), FALSE);
    expect_keys(&f, "38 54 d4 b8");
    /* with Control, Pause is Break */
    key(&f, keycode_of("Control_L"), TRUE);
    key(&f, keycode_of("Pause"), TRUE);
    key(&f, keycode_of("Pause"), FALSE);
    key(&f, keycode_of("Control_L"), FALSE);
    expect_keys(&f, "1d e0 46 e0 c6 9d");
    /* a key comes up as it went down, though its keysym has changed in between */
    key(&f, keycode_of("Pause"), TRUE);
    key(&f, keycode_of("Control_L"), TRUE);
    key(&f, keycode_of("Pause"), FALSE);
    key(&f, keycode_of("Control_L"), FALSE);
    expect_keys(&f, "e1 1d 45 1d e1 9d c5 9d");
    fixture_stop(&f);
}

/* What the deployed widget does wrong, by docs/spec/client-gtk.md 6.9. */
static const struct {
    const char *keys, *bytes;
} corrected[] = {
    {"Print", "e0 37 e0 b7"},
    {"Pause", "e1 1d 45 e1 9d c5"},
    {"ISO_Level3_Shift", "e0 38 e0 b8"},
    {"less", "56 d6"},
    {"F13", "5d dd"},
    {"F24", "6f ef"},
};

static void send_names(Fixture *f, const char *names, SpiceDisplayKeyEvent kind)
{
    g_auto(GStrv) parts = g_strsplit(names, " ", -1);
    guint keyvals[8], n = 0;

    for (; parts[n]; n++) {
        keyvals[n] = gdk_keyval_from_name(parts[n]);
        g_assert_cmphex(keyvals[n], !=, GDK_KEY_VoidSymbol);
    }
    spice_display_send_keys(f->display, keyvals, n, kind);
}

static void test_send_keys(void)
{
    Fixture f;

    start(&f, FALSE);
    for (guint i = 0; i < G_N_ELEMENTS(send_vectors); i++) {
        g_autofree gchar *bytes = bytes_to_text(&send_vectors[i].bytes);
        const char *expected = bytes;

        for (guint c = 0; c < G_N_ELEMENTS(corrected); c++)
            if (!strcmp(corrected[c].keys, send_vectors[i].keys))
                expected = corrected[c].bytes;
        if (*expected) {
            send_names(&f, send_vectors[i].keys, SPICE_DISPLAY_KEY_EVENT_CLICK);
            expect_keys(&f, expected);
            continue;
        }
        for (guint twice = 0; twice < 2; twice++)
            g_test_expect_message("GSpice", G_LOG_LEVEL_WARNING, "no key for keysym*");
        send_names(&f, send_vectors[i].keys, SPICE_DISPLAY_KEY_EVENT_CLICK);
        g_test_assert_expected_messages();
        expect_no_input(&f);
    }
    send_names(&f, "Control_L a", SPICE_DISPLAY_KEY_EVENT_PRESS);
    expect_keys(&f, "1d 1e");
    send_names(&f, "Control_L a", SPICE_DISPLAY_KEY_EVENT_RELEASE);
    expect_keys(&f, "9e 9d");
    send_names(&f, "Alt_L Print", SPICE_DISPLAY_KEY_EVENT_CLICK);
    expect_keys(&f, "38 54 d4 b8");

    /* a click lets go a key that the user holds: state is shared */
    key(&f, keycode_of("a"), TRUE);
    send_names(&f, "a", SPICE_DISPLAY_KEY_EVENT_CLICK);
    key(&f, keycode_of("a"), FALSE);
    expect_keys(&f, "1e 1e 9e");

    spice_display_send_keys(f.display, NULL, 0, SPICE_DISPLAY_KEY_EVENT_CLICK);
    expect_no_input(&f);
    fixture_stop(&f);
}

/* docs/spec/client-gtk.md 6.5 with a delay that never runs out by itself, so that no clock matters.
 */
static void test_delay(void)
{
    Fixture f;
    guint delay = 0;

    fixture_start(&f, 640, 480, 640, 480, TRUE);
    fixture_focus(&f);
    g_object_get(f.display, "keypress-delay", &delay, NULL);
    g_assert_cmpuint(delay, ==, 100); /* TCP */
    g_object_set(f.display, "keypress-delay", 1000000, NULL);

    key(&f, keycode_of("a"), TRUE);
    g_assert_cmpstr(host_peek_keys(f.host), ==, "");
    key(&f, keycode_of("a"), FALSE);
    expect_keys(&f, "1e 9e");

    key(&f, keycode_of("a"), TRUE);
    key(&f, keycode_of("s"), TRUE);
    expect_keys(&f, "1e");
    key(&f, keycode_of("a"), FALSE);
    expect_keys(&f, "1f 9e");
    key(&f, keycode_of("s"), FALSE);
    expect_keys(&f, "9f");

    key(&f, keycode_of("Shift_L"), TRUE); /* a modifier never waits */
    expect_keys(&f, "2a");
    key(&f, keycode_of("Shift_L"), FALSE);
    expect_keys(&f, "aa");
    fixture_stop(&f);
}

static void test_delay_flush(void)
{
    Fixture f;

    fixture_start(&f, 640, 480, 640, 480, FALSE);
    host_set_tablet(f.host, TRUE);
    fixture_focus(&f);
    g_object_set(f.display, "keypress-delay", 1000000, NULL);
    move_to(&f, 50, 60);
    key(&f, keycode_of("a"), TRUE);
    g_assert_cmpstr(host_peek_keys(f.host), ==, "");
    button(&f, 1, TRUE);
    expect_keys(&f, "1e");
    button(&f, 1, FALSE);
    key(&f, keycode_of("a"), FALSE);
    expect_keys(&f, "9e");

    /* and by time */
    g_object_set(f.display, "keypress-delay", 1, NULL);
    key(&f, keycode_of("a"), TRUE);
    expect_keys(&f, "1e");
    key(&f, keycode_of("a"), FALSE);
    expect_keys(&f, "9e");
    fixture_stop(&f);
}

/* A Unix socket has no jitter. */
static void test_delay_unix(void)
{
    Fixture f;
    guint delay = 1;

    fixture_start(&f, 640, 480, 640, 480, FALSE);
    g_object_get(f.display, "keypress-delay", &delay, NULL);
    g_assert_cmpuint(delay, ==, 0);
    fixture_stop(&f);
}

/* Another window takes the focus while keys are down; with it back, held modifiers are pressed
 * again. */
static void test_focus(void)
{
    Fixture f;
    GtkWidget *other = gtk_window_new(GTK_WINDOW_TOPLEVEL);

    start(&f, FALSE);
    gtk_window_move(GTK_WINDOW(other), 900, 700);
    gtk_widget_show_all(other);
    wait_until(gtk_window_has_toplevel_focus(GTK_WINDOW(other)));
    fixture_focus(&f);
    key(&f, keycode_of("Shift_L"), TRUE);
    key(&f, keycode_of("a"), TRUE);
    expect_keys(&f, "2a 1e");
    gtk_window_present_with_time(GTK_WINDOW(other),
                                 gdk_x11_get_server_time(gtk_widget_get_window(other)));
    wait_until(gtk_window_has_toplevel_focus(GTK_WINDOW(other)));
    expect_keys(&f, "9e aa");
    key(&f, keycode_of("a"), FALSE);
    fixture_focus(&f);
    key(&f, keycode_of("b"), TRUE);
    expect_keys(&f, "2a 30");
    key(&f, keycode_of("b"), FALSE);
    key(&f, keycode_of("Shift_L"), FALSE);
    expect_keys(&f, "b0 aa");
    key(&f, keycode_of("b"), TRUE);
    key(&f, keycode_of("b"), FALSE);
    expect_keys(&f, "30 b0");

    /* a modal dialog inside the program */
    key(&f, keycode_of("c"), TRUE);
    gtk_grab_add(other);
    expect_keys(&f, "2e ae");
    gtk_grab_remove(other);
    key(&f, keycode_of("c"), FALSE);
    expect_no_input(&f);
    gtk_widget_destroy(other);
    fixture_stop(&f);
}

/* docs/spec/client-gtk.md 6.7: the trace in server mode, and the keyboard alone in client mode */
static void test_grab_sequence(void)
{
    Fixture f;

    start(&f, FALSE);
    fixture_watch(&f);
    move_to(&f, 100, 100);
    wait_until(strstr(f.log->str, "keyboard-grab 1 "));
    g_string_truncate(f.log, 0);

    key(&f, keycode_of("Control_L"), TRUE);
    key(&f, keycode_of("Alt_L"), TRUE);
    key(&f, keycode_of("Alt_L"), FALSE);
    key(&f, keycode_of("Control_L"), FALSE);
    expect_keys(&f, "1d 38 b8 9d");
    g_assert_cmpstr(f.log->str, ==,
                    "grab-keys-pressed mouse-grab 1 pointer-grabbed 1 keyboard-grab 0 ");
    g_string_truncate(f.log, 0);

    key(&f, keycode_of("Control_L"), TRUE);
    key(&f, keycode_of("Alt_L"), TRUE);
    key(&f, keycode_of("Delete"), TRUE); /* cancels what follows the release */
    key(&f, keycode_of("Delete"), FALSE);
    key(&f, keycode_of("Alt_L"), FALSE);
    key(&f, keycode_of("Control_L"), FALSE);
    expect_keys(&f, "1d 38 e0 53 e0 d3 b8 9d");
    g_assert_cmpstr(f.log->str, ==, "grab-keys-pressed mouse-grab 0 pointer-grabbed 0 ");
    g_string_truncate(f.log, 0);

    /* moving takes the keyboard again */
    move_by(&f, 3, 3);
    wait_until(!strcmp(f.log->str, "keyboard-grab 1 "));
    g_string_truncate(f.log, 0);

    no_grab_keys(&f);
    key(&f, keycode_of("Control_L"), TRUE);
    key(&f, keycode_of("Alt_L"), TRUE);
    key(&f, keycode_of("Alt_L"), FALSE);
    key(&f, keycode_of("Control_L"), FALSE);
    expect_keys(&f, "1d 38 b8 9d");
    g_assert_cmpstr(f.log->str, ==, "");
    fixture_stop(&f);
}

static void test_keyboard_grab(void)
{
    Fixture f;

    start(&f, FALSE);
    fixture_watch(&f);
    move_to(&f, 100, 100);
    wait_until(!strcmp(f.log->str, "keyboard-grab 1 "));
    move_to(&f, -20, -20);
    wait_until(!strcmp(f.log->str, "keyboard-grab 1 keyboard-grab 0 "));
    g_string_truncate(f.log, 0);
    move_to(&f, 100, 100);
    spice_display_keyboard_ungrab(f.display);
    spice_display_keyboard_ungrab(f.display);
    g_object_set(f.display, "grab-keyboard", TRUE, NULL);
    g_object_set(f.display, "grab-keyboard", FALSE, NULL);
    g_object_set(f.display, "grab-keyboard", TRUE, NULL);
    g_object_set(f.session, "inhibit-keyboard-grab", TRUE, NULL);
    g_object_set(f.session, "inhibit-keyboard-grab", FALSE, NULL);
    g_object_set(f.display, "disable-inputs", TRUE, NULL);
    g_assert_cmpstr(f.log->str, ==,
                    "keyboard-grab 1 keyboard-grab 0 keyboard-grab 1 keyboard-grab 0 "
                    "keyboard-grab 1 keyboard-grab 0 keyboard-grab 1 keyboard-grab 0 ");
    g_string_truncate(f.log, 0);
    key(&f, keycode_of("a"), TRUE);
    key(&f, keycode_of("a"), FALSE);
    key(&f, keycode_of("Pause"), TRUE);
    key(&f, keycode_of("Pause"), FALSE);
    g_object_set(f.display, "disable-inputs", FALSE, NULL);
    expect_no_input(&f);

    /* keys that are down when the inputs are disabled come up */
    fixture_focus(&f);
    key(&f, keycode_of("a"), TRUE);
    expect_keys(&f, "1e");
    g_object_set(f.display, "disable-inputs", TRUE, NULL);
    expect_keys(&f, "9e");
    key(&f, keycode_of("a"), FALSE);
    g_object_set(f.display, "disable-inputs", FALSE, NULL);
    expect_no_input(&f);
    fixture_stop(&f);
}

/* Turn a lock key of the X server off. */
static void unlock(Fixture *f, gboolean locked, const char *keysym)
{
    if (!locked)
        return;
    key(f, keycode_of(keysym), TRUE);
    key(f, keycode_of(keysym), FALSE);
}

/* docs/spec/client-gtk.md 10.2 */
static void test_lock_keys(void)
{
    GdkKeymap *keymap = gdk_keymap_get_for_display(gdk_display_get_default());
    Fixture f;

    start(&f, FALSE);
    unlock(&f, gdk_keymap_get_caps_lock_state(keymap), "Caps_Lock");
    unlock(&f, gdk_keymap_get_num_lock_state(keymap), "Num_Lock");
    unlock(&f, gdk_keymap_get_scroll_lock_state(keymap), "Scroll_Lock");
    wait_until(!gdk_keymap_get_caps_lock_state(keymap) && !gdk_keymap_get_num_lock_state(keymap) &&
               !gdk_keymap_get_scroll_lock_state(keymap));
    send_names(&f, "KP_Add", SPICE_DISPLAY_KEY_EVENT_CLICK);
    wait_until(strstr(host_peek_keys(f.host), "4e ce"));
    g_free(host_take_keys(f.host));
    g_object_set(spice_gtk_session_get(f.session), "sync-modifiers", TRUE, NULL);

    /* the guest turns Caps Lock on by itself: the key is tapped back, but not for ever */
    host_set_leds(f.host, 4);
    expect_keys(&f, "3a ba");
    host_set_leds(f.host, 6); /* a second time without effect */
    wait_until(strstr(host_peek_keys(f.host), "45 c5"));
    settle();
    g_free(host_take_keys(f.host));
    host_set_leds(f.host, 4); /* now it is left alone */
    expect_no_input(&f);
    host_set_leds(f.host, 0); /* in agreement: begin anew */
    host_set_leds(f.host, 4);
    expect_keys(&f, "3a ba");
    g_object_set(spice_gtk_session_get(f.session), "sync-modifiers", FALSE, NULL);
    host_set_leds(f.host, 0);
    host_set_leds(f.host, 4);
    expect_no_input(&f);
    host_set_leds(f.host, 0);
    fixture_stop(&f);
}

int main(int argc, char **argv)
{
    gtk_init(&argc, &argv);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keyboard/every-key", test_every_key);
    g_test_add_func("/keyboard/send-keys", test_send_keys);
    g_test_add_func("/keyboard/delay", test_delay);
    g_test_add_func("/keyboard/delay-flush", test_delay_flush);
    g_test_add_func("/keyboard/delay-unix", test_delay_unix);
    g_test_add_func("/keyboard/focus", test_focus);
    g_test_add_func("/keyboard/grab-sequence", test_grab_sequence);
    g_test_add_func("/keyboard/keyboard-grab", test_keyboard_grab);
    g_test_add_func("/keyboard/lock-keys", test_lock_keys);
    return g_test_run();
}
