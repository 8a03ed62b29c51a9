/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Public helpers, and the main context and its sources. Spec: client-glib.md 2.1 and 17.2. */
#include "spice-client.h"
#include "session-private.h"

/**
 * SECTION:spice-util
 * @short_description: helpers
 * @title: Utilities
 *
 * Debug messages, version and small conversions.
 */

/* It takes the name for a subtraction. */
/* clang-format off */
G_DEFINE_QUARK(spice-client-error-quark, spice_client_error)
/* clang-format on */

static gint debug_state = -1; /* unknown yet; atomic */

static void announce_debug(void)
{
    const gchar *domains = g_getenv("G_MESSAGES_DEBUG");

    if (!domains || !*domains) {
        g_setenv("G_MESSAGES_DEBUG", G_LOG_DOMAIN, TRUE);
    } else if (!g_str_equal(domains, "all") && !strstr(domains, G_LOG_DOMAIN)) {
        g_autofree gchar *joined = g_strconcat(domains, " " G_LOG_DOMAIN, NULL);
        g_setenv("G_MESSAGES_DEBUG", joined, TRUE);
    }
}

/**
 * spice_util_set_debug:
 * @enabled: whether debug messages are written
 *
 * Turn the library's debug messages on or off. They are on from the start when the environment
 * variable `SPICE_DEBUG` is set.
 */
void spice_util_set_debug(gboolean enabled)
{
    if (enabled)
        announce_debug();
    g_atomic_int_set(&debug_state, enabled ? 1 : 0);
}

/**
 * spice_util_get_debug:
 *
 * Returns: whether debug messages are on
 */
gboolean spice_util_get_debug(void)
{
    gint state = g_atomic_int_get(&debug_state);

    if (G_UNLIKELY(state < 0)) {
        spice_util_set_debug(g_getenv("SPICE_DEBUG") != NULL);
        state = g_atomic_int_get(&debug_state);
    }
    return state > 0;
}

/**
 * spice_util_get_version_string:
 *
 * Returns: the version of the interface, "0.42"
 */
const gchar *spice_util_get_version_string(void)
{
    return G_STRINGIFY(0) "." G_STRINGIFY(42);
}

/**
 * spice_uuid_to_string:
 * @uuid: (array fixed-size=16): 16 bytes
 *
 * Write a UUID in the usual form: lower-case digits in groups of 8-4-4-4-12.
 *
 * Returns: (transfer full): a new string
 *
 * Since: 0.22
 */
gchar *spice_uuid_to_string(const guint8 uuid[16])
{
    GString *text = g_string_sized_new(36);

    for (guint i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            g_string_append_c(text, '-');
        g_string_append_printf(text, "%02x", uuid[i]);
    }
    return g_string_free(text, FALSE);
}

/**
 * spice_g_signal_connect_object: (skip)
 * @instance: object that emits
 * @detailed_signal: signal name
 * @c_handler: handler
 * @gobject: object that the handler works for
 * @connect_flags: %G_CONNECT_AFTER, %G_CONNECT_SWAPPED or both
 *
 * Connect a handler that goes when either object dies.
 *
 * Returns: the handler id
 */
gulong spice_g_signal_connect_object(gpointer instance, const gchar *detailed_signal,
                                     GCallback c_handler, gpointer gobject,
                                     GConnectFlags connect_flags)
{
    g_return_val_if_fail(G_TYPE_CHECK_INSTANCE(instance), 0);
    g_return_val_if_fail(detailed_signal != NULL, 0);
    g_return_val_if_fail(c_handler != NULL, 0);
    g_return_val_if_fail(G_IS_OBJECT(gobject), 0);
    g_return_val_if_fail((connect_flags & ~(G_CONNECT_AFTER | G_CONNECT_SWAPPED)) == 0, 0);

    return g_signal_connect_object(instance, detailed_signal, c_handler, gobject, connect_flags);
}

static GMainContext *main_context;

/**
 * spice_util_set_main_context:
 * @context: (nullable): the context, or %NULL for the default one
 *
 * Choose the main context that all sources of the library belong to, and so the thread in which its
 * functions may be called. To be called before the first session is made. An addition to the
 * deployed library, for applications that run it in a thread of its own.
 */
void spice_util_set_main_context(GMainContext *context)
{
    if (context)
        g_main_context_ref(context);
    if (main_context)
        g_main_context_unref(main_context);
    main_context = context;
}

GMainContext *spice_main_context(void)
{
    return main_context;
}

static guint attach(GSource *source, GSourceFunc function, gpointer data, GDestroyNotify destroy)
{
    guint id;

    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, function, data, destroy);
    id = g_source_attach(source, main_context);
    g_source_unref(source);
    return id;
}

guint spice_idle_add_full(GSourceFunc function, gpointer data, GDestroyNotify destroy)
{
    return attach(g_idle_source_new(), function, data, destroy);
}

guint spice_idle_add(GSourceFunc function, gpointer data)
{
    return spice_idle_add_full(function, data, NULL);
}

guint spice_timeout_add(guint milliseconds, GSourceFunc function, gpointer data)
{
    return attach(g_timeout_source_new(milliseconds), function, data, NULL);
}

void spice_source_remove(guint *id)
{
    if (*id) {
        GSource *source = g_main_context_find_source_by_id(main_context, *id);

        if (source)
            g_source_destroy(source);
        *id = 0;
    }
}
