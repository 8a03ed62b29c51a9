/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Wayland: relative-pointer and pointer-constraints protocols on GDK's connection. */
#include "config.h"

#include <string.h>
#include <gtk/gtk.h>
#include <spice-client.h>

#include "pointer-wayland.h"

#ifdef GDK_WINDOWING_WAYLAND

#include <gdk/gdkwayland.h>
#include "pointer-constraints-client-protocol.h"
#include "relative-pointer-client-protocol.h"

#define GLOBALS_KEY "spice-wayland-globals"

/* What the compositor offers; one per GdkDisplay, kept as long as it. */
typedef struct {
    struct wl_registry *registry;
    struct zwp_relative_pointer_manager_v1 *relative;
    struct zwp_pointer_constraints_v1 *constraints;
} Globals;

struct WaylandPointer {
    WaylandMotion motion;
    gpointer data;
    struct zwp_relative_pointer_v1 *relative;
    struct zwp_locked_pointer_v1 *locked;
};

static void global_added(void *data, struct wl_registry *registry, uint32_t name,
                         const char *interface, uint32_t version)
{
    Globals *globals = data;

    if (!strcmp(interface, zwp_relative_pointer_manager_v1_interface.name) && !globals->relative)
        globals->relative =
            wl_registry_bind(registry, name, &zwp_relative_pointer_manager_v1_interface, 1);
    else if (!strcmp(interface, zwp_pointer_constraints_v1_interface.name) && !globals->constraints)
        globals->constraints =
            wl_registry_bind(registry, name, &zwp_pointer_constraints_v1_interface, 1);
}

static void global_removed(void *data, struct wl_registry *registry, uint32_t name)
{
    /* Both are singletons of the compositor: they don't go while it lives. */
}

static const struct wl_registry_listener registry_listener = {global_added, global_removed};

static void globals_free(gpointer data)
{
    Globals *globals = data;

    if (globals->relative)
        zwp_relative_pointer_manager_v1_destroy(globals->relative);
    if (globals->constraints)
        zwp_pointer_constraints_v1_destroy(globals->constraints);
    if (globals->registry)
        wl_registry_destroy(globals->registry);
    g_free(globals);
}

/* Ask on a queue of our own: GDK's events must not be dispatched from inside an event handler. */
static Globals *get_globals(GdkDisplay *display)
{
    Globals *globals = g_object_get_data(G_OBJECT(display), GLOBALS_KEY);

    if (globals)
        return globals;
    globals = g_new0(Globals, 1);
    g_object_set_data_full(G_OBJECT(display), GLOBALS_KEY, globals, globals_free);

    struct wl_display *wl_display = gdk_wayland_display_get_wl_display(display);
    struct wl_event_queue *queue = wl_display_create_queue(wl_display);
    struct wl_display *wrapper = wl_proxy_create_wrapper(wl_display);

    wl_proxy_set_queue((struct wl_proxy *)wrapper, queue);
    globals->registry = wl_display_get_registry(wrapper);
    wl_proxy_wrapper_destroy(wrapper);
    wl_registry_add_listener(globals->registry, &registry_listener, globals);
    wl_display_roundtrip_queue(wl_display, queue);

    /* What is made from these gets its events with GDK's own. */
    wl_proxy_set_queue((struct wl_proxy *)globals->registry, NULL);
    if (globals->relative)
        wl_proxy_set_queue((struct wl_proxy *)globals->relative, NULL);
    if (globals->constraints)
        wl_proxy_set_queue((struct wl_proxy *)globals->constraints, NULL);
    wl_event_queue_destroy(queue);
    return globals;
}

static void relative_motion(void *data, struct zwp_relative_pointer_v1 *relative,
                            uint32_t time_high, uint32_t time_low, wl_fixed_t dx, wl_fixed_t dy,
                            wl_fixed_t dx_unaccelerated, wl_fixed_t dy_unaccelerated)
{
    WaylandPointer *pointer = data;

    pointer->motion(pointer->data, wl_fixed_to_double(dx_unaccelerated),
                    wl_fixed_to_double(dy_unaccelerated));
}

static const struct zwp_relative_pointer_v1_listener relative_listener = {relative_motion};

gboolean wayland_is_display(GdkDisplay *display)
{
    return GDK_IS_WAYLAND_DISPLAY(display);
}

WaylandPointer *wayland_pointer_new(GtkWidget *widget, WaylandMotion motion, gpointer data)
{
    GdkDisplay *display = gtk_widget_get_display(widget);

    if (!GDK_IS_WAYLAND_DISPLAY(display))
        return NULL;

    Globals *globals = get_globals(display);
    GdkWindow *window = gdk_window_get_toplevel(gtk_widget_get_window(widget));
    GdkDevice *device = gdk_seat_get_pointer(gdk_display_get_default_seat(display));
    struct wl_pointer *wl_pointer = device ? gdk_wayland_device_get_wl_pointer(device) : NULL;
    struct wl_surface *wl_surface = gdk_wayland_window_get_wl_surface(window);

    if (globals->relative == NULL || globals->constraints == NULL || wl_pointer == NULL ||
        wl_surface == NULL) {
        g_warning("the compositor can't lock the pointer: the guest's mouse may stop at the edges");
        return NULL;
    }

    WaylandPointer *pointer = g_new0(WaylandPointer, 1);

    pointer->motion = motion;
    pointer->data = data;
    pointer->relative =
        zwp_relative_pointer_manager_v1_get_relative_pointer(globals->relative, wl_pointer);
    zwp_relative_pointer_v1_add_listener(pointer->relative, &relative_listener, pointer);
    /* Persistent: after the compositor took the lock away it comes back with the focus. */
    pointer->locked =
        zwp_pointer_constraints_v1_lock_pointer(globals->constraints, wl_surface, wl_pointer, NULL,
                                                ZWP_POINTER_CONSTRAINTS_V1_LIFETIME_PERSISTENT);
    return pointer;
}

void wayland_pointer_free(WaylandPointer *pointer)
{
    if (pointer == NULL)
        return;
    zwp_locked_pointer_v1_destroy(pointer->locked);
    zwp_relative_pointer_v1_destroy(pointer->relative);
    g_free(pointer);
}

#else

gboolean wayland_is_display(GdkDisplay *display)
{
    return FALSE;
}

WaylandPointer *wayland_pointer_new(GtkWidget *widget, WaylandMotion motion, gpointer data)
{
    return NULL;
}

void wayland_pointer_free(WaylandPointer *pointer)
{
}

#endif
