/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* X11: the keyboard's keycode table, pointer acceleration, ungrabbing one device. */
#include "config.h"

#include <gdk/gdk.h>
#include <spice-client.h>
#ifdef GDK_WINDOWING_X11
#include <gdk/gdkx.h>
#include <X11/XKBlib.h>
#endif

#include "pointer-x11.h"

struct X11Acceleration {
    GdkDisplay *display;
    int numerator, denominator, threshold;
};

#ifdef GDK_WINDOWING_X11

static gchar *get_keycodes_name(GdkDisplay *display)
{
    Display *xdisplay = gdk_x11_display_get_xdisplay(display);
    XkbDescPtr keyboard = XkbAllocKeyboard();
    gchar *name = NULL;

    if (keyboard == NULL)
        return NULL;
    keyboard->dpy = xdisplay;
    gdk_x11_display_error_trap_push(display);
    if (XkbGetNames(xdisplay, XkbKeycodesNameMask, keyboard) == Success && keyboard->names &&
        keyboard->names->keycodes != None) {
        char *atom = XGetAtomName(xdisplay, keyboard->names->keycodes);

        name = g_strdup(atom);
        XFree(atom);
    }
    gdk_x11_display_error_trap_pop_ignored(display);
    XkbFreeKeyboard(keyboard, XkbAllComponentsMask, True);
    return name;
}

gboolean x11_get_keycode_table(GdkDisplay *display, KeycodeTable *table)
{
    int opcode, event, error;

    if (!GDK_IS_X11_DISPLAY(display))
        return FALSE;

    Display *xdisplay = gdk_x11_display_get_xdisplay(display);
    g_autofree gchar *name = get_keycodes_name(display);
    gboolean apple = XQueryExtension(xdisplay, "Apple-WM", &opcode, &event, &error) ||
                     XQueryExtension(xdisplay, "Apple-DRI", &opcode, &event, &error);

    *table = keycodes_choose_x11(ServerVendor(xdisplay), apple, name,
                                 XKeysymToKeycode(xdisplay, XK_Page_Up));
    if (*table == KEYCODES_NONE)
        g_warning("unknown keycodes \"%s\" of the X server \"%s\": keys can't be sent",
                  name ? name : "", ServerVendor(xdisplay));
    return TRUE;
}

X11Acceleration *x11_acceleration_disable(GdkDisplay *display)
{
    if (!GDK_IS_X11_DISPLAY(display))
        return NULL;

    X11Acceleration *saved = g_new0(X11Acceleration, 1);
    Display *xdisplay = gdk_x11_display_get_xdisplay(display);

    saved->display = g_object_ref(display);
    XGetPointerControl(xdisplay, &saved->numerator, &saved->denominator, &saved->threshold);
    XChangePointerControl(xdisplay, True, True, -1, -1, -1);
    return saved;
}

void x11_acceleration_restore(X11Acceleration *saved)
{
    if (saved == NULL)
        return;
    if (!gdk_display_is_closed(saved->display)) {
        Display *xdisplay = gdk_x11_display_get_xdisplay(saved->display);

        XChangePointerControl(xdisplay, True, True, saved->numerator, saved->denominator,
                              saved->threshold);
        XFlush(xdisplay);
    }
    g_object_unref(saved->display);
    g_free(saved);
}

gboolean x11_ungrab_device(GdkDevice *device)
{
    if (!GDK_IS_X11_DISPLAY(gdk_device_get_display(device)))
        return FALSE;
    G_GNUC_BEGIN_IGNORE_DEPRECATIONS
    gdk_device_ungrab(device, GDK_CURRENT_TIME);
    G_GNUC_END_IGNORE_DEPRECATIONS
    return TRUE;
}

#else

gboolean x11_get_keycode_table(GdkDisplay *display, KeycodeTable *table)
{
    return FALSE;
}

X11Acceleration *x11_acceleration_disable(GdkDisplay *display)
{
    return NULL;
}

void x11_acceleration_restore(X11Acceleration *saved)
{
}

gboolean x11_ungrab_device(GdkDevice *device)
{
    return FALSE;
}

#endif
