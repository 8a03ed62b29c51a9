/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What compiled applications know of the types: sizes, signal flags, names. Spec:
 * client-glib.md 1.2 to 1.4. */
#include <string.h>
#include "spice-client.h"

typedef struct TypeCase {
    GType (*get_type)(void);
    const gchar *parent;
    guint instance, klass;
} TypeCase;

static void test_sizes(void)
{
    static const TypeCase cases[] = {
        {spice_session_get_type, "GObject", 32, 232},
        {spice_channel_get_type, "GObject", 32, 288},
        {spice_main_channel_get_type, "SpiceChannel", 40, 304},
        {spice_display_channel_get_type, "SpiceChannel", 40, 320},
        {spice_cursor_channel_get_type, "SpiceChannel", 40, 320},
        {spice_inputs_channel_get_type, "SpiceChannel", 40, 296},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        GTypeQuery query;

        g_type_query(cases[i].get_type(), &query);
        g_assert_cmpstr(g_type_name(g_type_parent(query.type)), ==, cases[i].parent);
        if (sizeof(void *) == 8) {
            g_assert_cmpuint(query.instance_size, ==, cases[i].instance);
            g_assert_cmpuint(query.class_size, ==, cases[i].klass);
        }
    }
    g_assert_cmpuint(sizeof(SpiceDisplayPrimary), ==, 40);
    g_assert_cmpuint(sizeof(SpiceDisplayMonitorConfig), ==, 24);
    g_assert_cmpuint(sizeof(SpiceGlScanout), ==, 24);
    g_assert_cmpuint(sizeof(SpiceCursorShape), ==, 24);
}

static void test_signals(void)
{
    static const struct {
        GType (*get_type)(void);
        const gchar *name;
        GSignalFlags flags;
    } cases[] = {
        {spice_session_get_type, "channel-new", G_SIGNAL_RUN_FIRST},
        {spice_session_get_type, "channel-destroy", G_SIGNAL_RUN_FIRST},
        {spice_session_get_type, "disconnected", G_SIGNAL_RUN_FIRST},
        {spice_session_get_type, "mm-time-reset", G_SIGNAL_RUN_FIRST},
        {spice_channel_get_type, "channel-event", G_SIGNAL_RUN_FIRST},
        {spice_channel_get_type, "open-fd", G_SIGNAL_RUN_FIRST},
        {spice_main_channel_get_type, "main-mouse-update", G_SIGNAL_RUN_FIRST},
        {spice_main_channel_get_type, "main-agent-update", G_SIGNAL_RUN_FIRST},
        {spice_main_channel_get_type, "migration-started", G_SIGNAL_RUN_LAST},
        {spice_inputs_channel_get_type, "inputs-modifiers", G_SIGNAL_RUN_FIRST},
        {spice_cursor_channel_get_type, "cursor-set", G_SIGNAL_RUN_FIRST | G_SIGNAL_DEPRECATED},
        {spice_cursor_channel_get_type, "cursor-move", G_SIGNAL_RUN_FIRST},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        GSignalQuery query;

        g_type_class_unref(g_type_class_ref(cases[i].get_type()));
        g_signal_query(g_signal_lookup(cases[i].name, cases[i].get_type()), &query);
        g_assert_cmpstr(query.signal_name, ==, cases[i].name);
        g_assert_cmpuint(query.signal_flags, ==, cases[i].flags);
    }
}

static void test_names(void)
{
    SpiceSession *session = spice_session_new();
    GParamSpec *pspec =
        g_object_class_find_property(G_OBJECT_GET_CLASS(session), "preferred-compression");
    GEnumClass *values = g_type_class_ref(pspec->value_type);

    g_assert_cmpstr(g_type_name(pspec->value_type), ==, "SpiceImageCompress");
    g_assert_cmpstr(g_enum_get_value(values, 7)->value_nick, ==, "lz4");
    g_assert_cmpstr(g_enum_get_value(values, 2)->value_name, ==,
                    "SPICE_IMAGE_COMPRESSION_AUTO_GLZ");
    g_assert_cmpstr(g_quark_to_string(SPICE_CLIENT_ERROR), ==, "spice-client-error-quark");
    g_type_class_unref(values);
    g_object_unref(session);
}

/* The deployed GTK library prints the text at this place of an inputs channel when it debugs. */
static void test_channel_name(void)
{
    SpiceSession *session = spice_session_new();
    SpiceChannel *channel = spice_channel_new(session, SPICE_CHANNEL_INPUTS, 0);

    g_assert_cmpstr((const gchar *)channel->priv + 480, ==, "inputs-3:0");
    spice_session_disconnect(session);
    g_object_unref(session);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
}

/* Types that this version does not make, and those that never are. */
static void test_channel_new(void)
{
    static const gint types[] = {0, 5, 6, 7, 8, 9, 10, 11, 12, -1, 99};
    SpiceSession *session = spice_session_new();
    GList *channels;

    for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
        g_assert_null(spice_channel_new(session, types[i], 0));
    g_assert_nonnull(spice_channel_new(session, SPICE_CHANNEL_CURSOR, 0));
    g_assert_nonnull(spice_channel_new(session, SPICE_CHANNEL_CURSOR, 1));
    g_assert_true(spice_session_has_channel_type(session, SPICE_CHANNEL_CURSOR));
    g_assert_false(spice_session_has_channel_type(session, SPICE_CHANNEL_MAIN));
    channels = spice_session_get_channels(session);
    g_assert_cmpuint(g_list_length(channels), ==, 2);
    {
        gint id;

        g_object_get(channels->data, "channel-id", &id, NULL);
        g_assert_cmpint(id, ==, 1); /* newest first */
    }
    spice_channel_destroy(channels->data);
    g_list_free(channels);
    channels = spice_session_get_channels(session);
    g_assert_cmpuint(g_list_length(channels), ==, 1);
    g_list_free(channels);
    spice_session_disconnect(session);
    g_object_unref(session);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/abi/sizes", test_sizes);
    g_test_add_func("/abi/signals", test_signals);
    g_test_add_func("/abi/names", test_names);
    g_test_add_func("/abi/channel-name", test_channel_name);
    g_test_add_func("/abi/channel-new", test_channel_new);
    return g_test_run();
}
