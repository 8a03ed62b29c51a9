/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public interface as programs see it: types, properties, signals, grab sequences, symbols. */
#include <string.h>
#include <stdlib.h>

#include "fixture.h"

/* docs/spec/client-gtk.md 1.2 */
static void test_types(void)
{
    GTypeQuery query;

    g_type_query(SPICE_TYPE_DISPLAY, &query);
    g_assert_cmpstr(query.type_name, ==, "SpiceDisplay");
    g_assert_cmpuint(query.instance_size, ==, 64);
    g_assert_cmpuint(query.class_size, ==, 1056);
    g_assert_true(g_type_parent(SPICE_TYPE_DISPLAY) == GTK_TYPE_EVENT_BOX);
    g_assert_false(G_TYPE_IS_ABSTRACT(SPICE_TYPE_DISPLAY));
    g_assert_true(G_TYPE_IS_DERIVABLE(SPICE_TYPE_DISPLAY));
    g_type_query(SPICE_TYPE_GTK_SESSION, &query);
    g_assert_cmpuint(query.instance_size, ==, 32);
    g_assert_cmpuint(query.class_size, ==, 136);
    g_assert_true(G_TYPE_IS_BOXED(SPICE_TYPE_GRAB_SEQUENCE));

    GEnumClass *events = g_type_class_ref(SPICE_TYPE_DISPLAY_KEY_EVENT);

    g_assert_cmpuint(events->n_values, ==, 3);
    g_assert_cmpint(g_enum_get_value_by_nick(events, "press")->value, ==, 1);
    g_assert_cmpint(g_enum_get_value_by_nick(events, "release")->value, ==, 2);
    g_assert_cmpint(g_enum_get_value_by_nick(events, "click")->value, ==, 3);
    g_type_class_unref(events);
}

/* docs/spec/client-gtk.md 1.3: owner type, name, "r", "rw", "rwc" (construct) or "rwo" (construct
 * only), type, default */
static const struct {
    const char *owner, *name, *access, *type, *value;
} properties[] = {
    {"SpiceDisplay", "session", "rwo", "SpiceSession", NULL},
    {"SpiceDisplay", "channel-id", "rwo", "gint", "0"},
    {"SpiceDisplay", "monitor-id", "rwc", "gint", "0"},
    {"SpiceDisplay", "grab-keyboard", "rwc", "gboolean", "TRUE"},
    {"SpiceDisplay", "grab-mouse", "rwc", "gboolean", "TRUE"},
    {"SpiceDisplay", "resize-guest", "rwc", "gboolean", "FALSE"},
    {"SpiceDisplay", "scaling", "rwc", "gboolean", "TRUE"},
    {"SpiceDisplay", "only-downscale", "rwc", "gboolean", "FALSE"},
    {"SpiceDisplay", "zoom-level", "rwc", "gint", "100"},
    {"SpiceDisplay", "disable-inputs", "rwc", "gboolean", "FALSE"},
    {"SpiceDisplay", "keypress-delay", "rwc", "guint", "100"},
    {"SpiceDisplay", "ready", "r", "gboolean", "FALSE"},
    {"SpiceGtkSession", "session", "rwo", "SpiceSession", NULL},
    {"SpiceGtkSession", "auto-clipboard", "rwc", "gboolean", "TRUE"},
    {"SpiceGtkSession", "auto-usbredir", "rwc", "gboolean", "FALSE"},
    {"SpiceGtkSession", "sync-modifiers", "rwc", "gboolean", "TRUE"},
    {"SpiceGtkSession", "pointer-grabbed", "r", "gboolean", "FALSE"},
};

static void test_properties(void)
{
    g_type_ensure(SPICE_TYPE_DISPLAY);
    g_type_ensure(SPICE_TYPE_GTK_SESSION);
    for (guint i = 0; i < G_N_ELEMENTS(properties); i++) {
        GObjectClass *klass = g_type_class_ref(g_type_from_name(properties[i].owner));
        GParamSpec *pspec = g_object_class_find_property(klass, properties[i].name);
        g_autoptr(GString) access = g_string_new(NULL);

        g_assert_nonnull(pspec);
        if (pspec->flags & G_PARAM_READABLE)
            g_string_append_c(access, 'r');
        if (pspec->flags & G_PARAM_WRITABLE)
            g_string_append_c(access, 'w');
        if (pspec->flags & G_PARAM_CONSTRUCT)
            g_string_append_c(access, 'c');
        if (pspec->flags & G_PARAM_CONSTRUCT_ONLY)
            g_string_append_c(access, 'o');
        g_assert_cmpstr(access->str, ==, properties[i].access);
        g_assert_cmpstr(g_type_name(pspec->value_type), ==, properties[i].type);
        if (properties[i].value) {
            g_autofree gchar *text = g_strdup_value_contents(g_param_spec_get_default_value(pspec));

            g_assert_cmpstr(text, ==, properties[i].value);
        }
        g_type_class_unref(klass);
    }

    GObjectClass *klass = g_type_class_ref(SPICE_TYPE_DISPLAY);
    GParamSpecInt *zoom = G_PARAM_SPEC_INT(g_object_class_find_property(klass, "zoom-level"));
    GParamSpecInt *channel = G_PARAM_SPEC_INT(g_object_class_find_property(klass, "channel-id"));
    GParamSpecInt *monitor = G_PARAM_SPEC_INT(g_object_class_find_property(klass, "monitor-id"));

    g_assert_cmpint(zoom->minimum, ==, 10);
    g_assert_cmpint(zoom->maximum, ==, 400);
    g_assert_cmpint(channel->maximum, ==, 255);
    g_assert_cmpint(monitor->minimum, ==, -1);
    g_assert_cmpint(monitor->maximum, ==, G_MAXINT);
    g_type_class_unref(klass);
}

static void test_signals(void)
{
    static const struct {
        const char *name;
        guint n_params;
    } signals[] = {{"mouse-grab", 1}, {"keyboard-grab", 1}, {"grab-keys-pressed", 0}};
    gpointer klass = g_type_class_ref(SPICE_TYPE_DISPLAY);

    for (guint i = 0; i < G_N_ELEMENTS(signals); i++) {
        GSignalQuery query;

        g_signal_query(g_signal_lookup(signals[i].name, SPICE_TYPE_DISPLAY), &query);
        g_assert_cmpuint(query.signal_flags, ==, G_SIGNAL_RUN_FIRST);
        g_assert_cmpuint(query.n_params, ==, signals[i].n_params);
        g_assert_true(query.return_type == G_TYPE_NONE);
    }
    g_type_class_unref(klass);
}

static void count_notify(GObject *object, GParamSpec *pspec, guint *n)
{
    ++*n;
}

/* Setters notify every time, and are safe without window and channels. */
static void test_setters(void)
{
    SpiceSession *session = spice_session_new();
    SpiceDisplay *display = spice_display_new_with_monitor(session, 0, 2);
    SpiceGtkSession *gtk_session = spice_gtk_session_get(session);
    guint n = 0;
    gint id = 0;
    gpointer same = NULL;

    g_assert_true(gtk_session == spice_gtk_session_get(session));
    g_object_get(gtk_session, "session", &same, NULL);
    g_assert_true(same == session);
    g_object_unref(same);

    g_assert_true(g_object_is_floating(display));
    g_object_ref_sink(display);
    g_object_get(display, "monitor-id", &id, NULL);
    g_assert_cmpint(id, ==, 2);
    g_signal_connect(display, "notify", G_CALLBACK(count_notify), &n);
    for (guint twice = 0; twice < 2; twice++)
        g_object_set(display, "grab-keyboard", TRUE, "grab-mouse", TRUE, "resize-guest", TRUE,
                     "scaling", FALSE, "only-downscale", TRUE, "zoom-level", 400, "disable-inputs",
                     TRUE, "keypress-delay", 7, "monitor-id", 1, NULL);
    g_assert_cmpuint(n, >=, 18);
    spice_display_keyboard_ungrab(display);
    spice_display_mouse_ungrab(display);
    gtk_widget_destroy(GTK_WIDGET(display));
    g_object_set(display, "scaling", TRUE, "resize-guest", TRUE, "monitor-id", 0, NULL);
    spice_display_keyboard_ungrab(display);
    g_object_unref(display);

    n = 0;
    g_signal_connect(gtk_session, "notify", G_CALLBACK(count_notify), &n);
    for (guint twice = 0; twice < 2; twice++)
        g_object_set(gtk_session, "auto-clipboard", FALSE, "auto-usbredir", TRUE, "sync-modifiers",
                     FALSE, NULL);
    g_assert_cmpuint(n, ==, 6);

    /* lives as long as the session, and does not keep it */
    g_object_add_weak_pointer(G_OBJECT(gtk_session), (gpointer *)&gtk_session);
    g_object_unref(session);
    g_assert_null(gtk_session);
}

/* docs/spec/client-gtk.md 12 */
static void check_sequence(const char *text, const char *back)
{
    SpiceGrabSequence *sequence = spice_grab_sequence_new_from_string(text);
    SpiceGrabSequence *copy = spice_grab_sequence_copy(sequence);
    g_autofree gchar *one = spice_grab_sequence_as_string(sequence);
    g_autofree gchar *two = spice_grab_sequence_as_string(copy);

    g_assert_cmpstr(one, ==, back);
    g_assert_cmpstr(two, ==, back);
    spice_grab_sequence_free(sequence);
    g_boxed_free(SPICE_TYPE_GRAB_SEQUENCE, copy);
}

static void test_sequences(void)
{
    guint keysyms[] = {GDK_KEY_Shift_L, GDK_KEY_F12, 0x12345678};
    SpiceSession *session = spice_session_new();
    SpiceDisplay *display = g_object_ref_sink(spice_display_new(session, 0));
    SpiceGrabSequence *sequence;
    gchar *text;

    check_sequence("Control_L+Alt_L", "Control_L+Alt_L");
    check_sequence("a", "a");
    check_sequence("", "");
    check_sequence("control_l", "0xffffff");
    check_sequence("a+b+c+d+e", "a+b+c+d+e");
    check_sequence("a+b+c+d+e+f", "a+b+c+d+0xffffff");
    check_sequence("+", "0xffffff+0xffffff");

    sequence = spice_grab_sequence_new(3, keysyms);
    keysyms[0] = 0;
    text = spice_grab_sequence_as_string(sequence);
    g_assert_true(g_str_has_prefix(text, "Shift_L+F12+0x"));
    g_free(text);
    spice_display_set_grab_keys(display, sequence);
    spice_grab_sequence_free(sequence);
    text = spice_grab_sequence_as_string(spice_display_get_grab_keys(display));
    g_assert_true(g_str_has_prefix(text, "Shift_L+F12+0x"));
    g_free(text);

    sequence = spice_grab_sequence_new(0, NULL);
    spice_display_set_grab_keys(display, sequence);
    spice_grab_sequence_free(sequence);
    text = spice_grab_sequence_as_string(spice_display_get_grab_keys(display));
    g_assert_cmpstr(text, ==, "");
    g_free(text);
    spice_display_set_grab_keys(display, NULL);
    text = spice_grab_sequence_as_string(spice_display_get_grab_keys(display));
    g_assert_cmpstr(text, ==, "Control_L+Alt_L");
    g_free(text);
    gtk_widget_destroy(GTK_WIDGET(display));
    g_object_unref(display);
    g_object_unref(session);
}

/* The helpers that both libraries export are one: what one sets, the other knows. */
static void test_helpers(void)
{
    const guint8 uuid[16] = {0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0,
                             0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08};
    g_autofree gchar *text = spice_uuid_to_string(uuid);
    g_autofree gchar *domains = g_strdup(g_getenv("G_MESSAGES_DEBUG"));
    gboolean before = spice_util_get_debug();

    g_assert_cmpstr(text, ==, "12345678-9abc-def0-0102-030405060708");
    g_assert_nonnull(spice_util_get_version_string());
    spice_util_set_debug(TRUE);
    g_assert_true(spice_util_get_debug());
    spice_util_set_debug(before);
    g_assert_cmpint(spice_util_get_debug(), ==, before);
    /* What it has put there would write messages of the following tests between the lines of TAP.
     */
    if (domains)
        g_setenv("G_MESSAGES_DEBUG", domains, TRUE);
    else
        g_unsetenv("G_MESSAGES_DEBUG");
}

/* SPICE_NOGRAB and SPICE_KEYPRESS_DELAY */
static void test_environment(void)
{
    Fixture f;
    guint delay = 0;

    g_setenv("SPICE_NOGRAB", "1", TRUE);
    g_setenv("SPICE_KEYPRESS_DELAY", "42", TRUE);
    fixture_start(&f, 640, 480, 640, 480, FALSE);
    fixture_watch(&f);
    fixture_focus(&f);
    g_object_set(f.display, "keypress-delay", 7, NULL);
    g_object_get(f.display, "keypress-delay", &delay, NULL);
    g_assert_cmpuint(delay, ==, 42);
    move_to(&f, 100, 100);
    button(&f, 1, TRUE);
    button(&f, 1, FALSE);
    move_by(&f, 5, 5);
    expect_no_input(&f);
    g_assert_cmpstr(f.log->str, ==, "");
    g_unsetenv("SPICE_NOGRAB");
    g_unsetenv("SPICE_KEYPRESS_DELAY");
    fixture_stop(&f);
}

/* The server goes, the same session comes back: the widget shows and sends again. */
static void test_reconnect(void)
{
    Fixture f;
    gboolean ready;

    fixture_start(&f, 640, 480, 640, 480, FALSE);
    fixture_focus(&f);
    key(&f, keycode_of("a"), TRUE);
    expect_keys(&f, "1e");
    spice_session_disconnect(f.session);
    wait_until((g_object_get(f.display, "ready", &ready, NULL), !ready));
    key(&f, keycode_of("a"), FALSE);
    g_free(host_take_keys(f.host)); /* the server lets keys go */
    host_connect(f.host, f.session, FALSE);
    wait_until((g_object_get(f.display, "ready", &ready, NULL), ready));
    wait_until(host_inputs_open(f.host));
    settle();
    g_free(host_take_keys(f.host));
    expect_no_input(&f);
    fixture_stop(&f);
}

/* Without a session there is nothing to show, and no crash. */
static void test_no_session(void)
{
    g_test_expect_message("GSpice", G_LOG_LEVEL_CRITICAL, "a SpiceDisplay needs*");

    GtkWidget *widget = g_object_ref_sink(g_object_new(SPICE_TYPE_DISPLAY, NULL));

    g_test_assert_expected_messages();
    gtk_widget_destroy(widget);
    g_object_unref(widget);
}

int main(int argc, char **argv)
{
    gtk_init(&argc, &argv);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/api/types", test_types);
    g_test_add_func("/api/properties", test_properties);
    g_test_add_func("/api/signals", test_signals);
    g_test_add_func("/api/setters", test_setters);
    g_test_add_func("/api/sequences", test_sequences);
    g_test_add_func("/api/helpers", test_helpers);
    g_test_add_func("/api/environment", test_environment);
    g_test_add_func("/api/reconnect", test_reconnect);
    g_test_add_func("/api/no-session", test_no_session);
    return g_test_run();
}
