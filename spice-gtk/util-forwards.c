/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The helpers that the widget library exports beside the glib library: whichever of the two a
 * program finds first must act on the same state, so these only pass on to the glib library
 * (docs/spec/client-gtk.md 1.1). */
#include "config.h"

#include <dlfcn.h>
#include <spice-client.h>

/* In the glib library itself, not in whatever the loader finds first: that may be this file. */
static gpointer glib_symbol(const char *name)
{
    static gsize handle;

    if (g_once_init_enter(&handle)) {
        void *library = dlopen("libspice-client-glib-2.0.so.8", RTLD_LAZY | RTLD_NOLOAD);

        /* The widget library is linked with it, so it is there in every program. */
        if (library == NULL)
            g_error("the spice-client-glib library is not loaded: %s", dlerror());
        g_once_init_leave(&handle, (gsize)library);
    }
    return dlsym((void *)handle, name);
}

void spice_util_set_debug(gboolean enabled)
{
    void (*set_debug)(gboolean) = glib_symbol("spice_util_set_debug");

    set_debug(enabled);
}

gboolean spice_util_get_debug(void)
{
    gboolean (*get_debug)(void) = glib_symbol("spice_util_get_debug");

    return get_debug();
}

const gchar *spice_util_get_version_string(void)
{
    const gchar *(*get_version_string)(void) = glib_symbol("spice_util_get_version_string");

    return get_version_string();
}

gulong spice_g_signal_connect_object(gpointer instance, const gchar *detailed_signal,
                                     GCallback c_handler, gpointer gobject,
                                     GConnectFlags connect_flags)
{
    gulong (*connect)(gpointer, const gchar *, GCallback, gpointer, GConnectFlags) =
        glib_symbol("spice_g_signal_connect_object");

    return connect(instance, detailed_signal, c_handler, gobject, connect_flags);
}

gchar *spice_uuid_to_string(const guint8 uuid[16])
{
    gchar *(*to_string)(const guint8 *) = glib_symbol("spice_uuid_to_string");

    return to_string(uuid);
}
