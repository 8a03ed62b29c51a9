/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the menus, buttons and hotkeys of a window do. */
#include "config.h"
#include "key-menu.h"
#include "screenshot.h"
#include "settings.h"
#include "window-private.h"

#define ACTION(name) static void name(GSimpleAction *action, GVariant *parameter, gpointer data)

static void screenshot_done(const char *path, const char *error, gpointer data)
{
    ViewerWindow *self = data;
    g_autofree char *name = path ? g_path_get_basename(path) : NULL;
    g_autofree char *text = error ? g_strdup_printf("The screenshot wasn't saved: %s", error)
                                  : g_strdup_printf("Saved %s", name);
    viewer_window_toast(self, text);
}

ACTION(screenshot)
{
    ViewerWindow *self = data;
    GdkPixbuf *picture = viewer_window_picture(self);
    g_autofree char *title = viewer_app_title(self->app, self->number);
    if (picture)
        screenshot_save(GTK_WINDOW(self->window), picture, title, screenshot_done, self);
}

ACTION(copy_screenshot)
{
    ViewerWindow *self = data;
    g_autoptr(GdkPixbuf) picture = viewer_window_picture(self);
    if (!picture)
        return;
    gtk_clipboard_set_image(gtk_widget_get_clipboard(self->window, GDK_SELECTION_CLIPBOARD),
                            picture);
    viewer_window_toast(self, "The picture is on the clipboard");
}

ACTION(fullscreen)
{
    ViewerWindow *self = data;
    viewer_app_set_fullscreen(self->app, !self->fullscreen);
}

ACTION(zoom_in)
{
    viewer_window_step_zoom(data, 1);
}

ACTION(zoom_out)
{
    viewer_window_step_zoom(data, -1);
}

ACTION(zoom_reset)
{
    viewer_window_set_zoom(data, 100);
}

ACTION(scaling)
{
    ViewerWindow *self = data;
    viewer_window_set_scaling(self, !self->scaling);
    g_simple_action_set_state(action, g_variant_new_boolean(self->scaling));
}

ACTION(auto_resize)
{
    ViewerWindow *self = data;
    gboolean on = !viewer_app_get_auto_resize(self->app);
    viewer_app_set_auto_resize(self->app, on);
    g_simple_action_set_state(action, g_variant_new_boolean(on));
}

ACTION(share_clipboard)
{
    ViewerWindow *self = data;
    g_autoptr(GVariant) state = g_action_get_state(G_ACTION(action));
    gboolean on = !g_variant_get_boolean(state);
    ViewerConnection *connection = viewer_app_connection(self->app);
    settings_set_boolean("share-clipboard", on);
    if (connection)
        g_object_set(spice_gtk_session_get(viewer_connection_session(connection)), "auto-clipboard",
                     on, NULL);
    g_simple_action_set_state(action, g_variant_new_boolean(on));
}

/* Gives keyboard and pointer back to the local desktop. */
ACTION(release)
{
    ViewerWindow *self = data;
    if (!self->display)
        return;
    spice_display_keyboard_ungrab(self->display->widget);
    spice_display_mouse_ungrab(self->display->widget);
}

ACTION(send_key)
{
    ViewerWindow *self = data;
    g_autoptr(GArray) keys = key_menu_parse(g_variant_get_string(parameter, NULL));
    if (!self->display || !keys->len)
        return;
    spice_display_send_keys(self->display->widget, (const guint *)keys->data, (int)keys->len,
                            SPICE_DISPLAY_KEY_EVENT_CLICK);
    gtk_widget_grab_focus(GTK_WIDGET(self->display->widget));
}

ACTION(disconnect)
{
    viewer_app_disconnect(((ViewerWindow *)data)->app);
}

ACTION(close_window)
{
    gtk_window_close(GTK_WINDOW(((ViewerWindow *)data)->window));
}

static GtkWidget *detail_row(GtkGrid *grid, int row, const char *name, const char *value)
{
    GtkWidget *left = gtk_label_new(name), *right = gtk_label_new(value);
    gtk_style_context_add_class(gtk_widget_get_style_context(left), "dim-label");
    gtk_label_set_xalign(GTK_LABEL(left), 1);
    gtk_label_set_xalign(GTK_LABEL(right), 0);
    gtk_label_set_selectable(GTK_LABEL(right), TRUE);
    gtk_widget_set_can_focus(right, FALSE);
    gtk_grid_attach(grid, left, 0, row, 1, 1);
    gtk_grid_attach(grid, right, 1, row, 1, 1);
    return right;
}

static GtkWidget *info_dialog(ViewerWindow *self, const char *title, GtkWidget **grid)
{
    GtkWidget *dialog = gtk_dialog_new_with_buttons(
        title, GTK_WINDOW(self->window), GTK_DIALOG_MODAL | GTK_DIALOG_USE_HEADER_BAR, NULL, NULL);
    *grid = gtk_grid_new();
    gtk_grid_set_row_spacing(GTK_GRID(*grid), 10);
    gtk_grid_set_column_spacing(GTK_GRID(*grid), 18);
    gtk_container_set_border_width(GTK_CONTAINER(*grid), 24);
    gtk_container_add(GTK_CONTAINER(gtk_dialog_get_content_area(GTK_DIALOG(dialog))), *grid);
    gtk_window_set_resizable(GTK_WINDOW(dialog), FALSE);
    g_signal_connect(dialog, "response", G_CALLBACK(gtk_widget_destroy), NULL);
    return dialog;
}

/* Whether all of the session is encrypted, part of it, or nothing. */
static const char *encryption(ViewerConnection *connection)
{
    SpiceSession *session = viewer_connection_session(connection);
    g_autofree char *port = NULL, *tls_port = NULL, *path = NULL;
    g_object_get(session, "port", &port, "tls-port", &tls_port, "unix-path", &path, NULL);
    if (path)
        return "local socket";
    if (!tls_port)
        return "not encrypted";
    return port ? "encrypted as far as the server asks for it" : "encrypted (TLS)";
}

ACTION(details)
{
    ViewerWindow *self = data;
    ViewerConnection *connection = viewer_app_connection(self->app);
    if (!connection)
        return;
    GtkWidget *grid;
    GtkWidget *dialog = info_dialog(self, "Guest details", &grid);
    g_autofree char *uuid = viewer_connection_uuid(connection);
    g_autofree char *address = viewer_app_address(self->app);
    const char *name = viewer_connection_name(connection);
    int row = 0, mode = 0;
    gboolean agent = FALSE;
    SpiceMainChannel *main = viewer_connection_main(connection);
    if (main)
        g_object_get(main, "mouse-mode", &mode, "agent-connected", &agent, NULL);
    detail_row(GTK_GRID(grid), row++, "Name", name ? name : "unknown");
    detail_row(GTK_GRID(grid), row++, "UUID", uuid ? uuid : "none");
    detail_row(GTK_GRID(grid), row++, "Address", address);
    detail_row(GTK_GRID(grid), row++, "Connection", encryption(connection));
    detail_row(GTK_GRID(grid), row++, "Pointer",
               mode == SPICE_MOUSE_MODE_CLIENT ? "follows this desktop's" : "captured by a click");
    detail_row(GTK_GRID(grid), row++, "Guest agent", agent ? "connected" : "not connected");
    if (self->display) {
        g_autofree char *size =
            g_strdup_printf("%d x %d", self->display->width, self->display->height);
        detail_row(GTK_GRID(grid), row++, "Resolution", size);
    }
    gtk_widget_show_all(dialog);
}

ACTION(shortcuts)
{
    ViewerWindow *self = data;
    const Hotkeys *hotkeys = viewer_app_hotkeys(self->app);
    GtkWidget *grid;
    GtkWidget *dialog = info_dialog(self, "Keyboard shortcuts", &grid);
    int row = 0;
    for (int i = 0; i < HOTKEY_N_ACTIONS; i++) {
        g_autofree char *keys = hotkey_label(&hotkeys->keys[i]);
        if (keys && i < HOTKEY_USB_DEVICE_RESET)
            detail_row(GTK_GRID(grid), row++, hotkey_action_label((HotkeyAction)i), keys);
    }
    GtkWidget *note = gtk_label_new(
        hotkeys->given
            ? "They always act."
            : "While the guest has the keyboard they go to the guest. Ctrl+Alt takes it back.");
    gtk_style_context_add_class(gtk_widget_get_style_context(note), "dim-label");
    gtk_grid_attach(GTK_GRID(grid), note, 0, row, 2, 1);
    gtk_widget_show_all(dialog);
}

ACTION(about)
{
    ViewerWindow *self = data;
    gtk_show_about_dialog(GTK_WINDOW(self->window), "program-name", "Spice Viewer", "version",
                          PACKAGE_VERSION, "logo-icon-name", "spice-viewer", "comments",
                          "Use a remote machine as if it stood on the desk", "license-type",
                          GTK_LICENSE_LGPL_2_1, NULL);
}

static const GActionEntry entries[] = {
    {"screenshot", screenshot},
    {"copy-screenshot", copy_screenshot},
    {"fullscreen", fullscreen},
    {"zoom-in", zoom_in},
    {"zoom-out", zoom_out},
    {"zoom-reset", zoom_reset},
    {"scaling", scaling, NULL, "true"},
    {"auto-resize", auto_resize, NULL, "true"},
    {"share-clipboard", share_clipboard, NULL, "true"},
    {"release", release},
    {"send-key", send_key, "s"},
    {"disconnect", disconnect},
    {"details", details},
    {"shortcuts", shortcuts},
    {"about", about},
    {"close", close_window},
};

/* What makes sense only with a picture, and with a connection. */
static const char *const with_display[] = {"screenshot", "copy-screenshot", "zoom-in", "zoom-out",
                                           "zoom-reset", "scaling",         "release", "send-key"};
static const char *const with_connection[] = {"disconnect", "details"};

static GSimpleAction *lookup(ViewerWindow *self, const char *name)
{
    return G_SIMPLE_ACTION(g_action_map_lookup_action(G_ACTION_MAP(self->window), name));
}

void viewer_window_add_actions(ViewerWindow *self)
{
    g_action_map_add_action_entries(G_ACTION_MAP(self->window), entries, G_N_ELEMENTS(entries),
                                    self);
    g_simple_action_set_state(lookup(self, "auto-resize"),
                              g_variant_new_boolean(viewer_app_get_auto_resize(self->app)));
    g_simple_action_set_state(lookup(self, "share-clipboard"),
                              g_variant_new_boolean(settings_get_boolean("share-clipboard", TRUE)));
}

void viewer_window_update_actions(ViewerWindow *self)
{
    gboolean picture = self->display != NULL;
    ViewerConnection *connection = viewer_app_connection(self->app);
    gtk_widget_set_sensitive(self->keys, picture);
    for (guint i = 0; i < G_N_ELEMENTS(with_display); i++)
        g_simple_action_set_enabled(lookup(self, with_display[i]), picture);
    for (guint i = 0; i < G_N_ELEMENTS(with_connection); i++)
        g_simple_action_set_enabled(lookup(self, with_connection[i]), connection != NULL);
}

void viewer_window_run_hotkey(ViewerWindow *self, HotkeyAction hotkey)
{
    static const char *const names[HOTKEY_N_ACTIONS] = {
        [HOTKEY_TOGGLE_FULLSCREEN] = "fullscreen",
        [HOTKEY_RELEASE_CURSOR] = "release",
        [HOTKEY_ZOOM_IN] = "zoom-in",
        [HOTKEY_ZOOM_OUT] = "zoom-out",
        [HOTKEY_ZOOM_RESET] = "zoom-reset",
        [HOTKEY_SECURE_ATTENTION] = "send-key",
    };
    if (!names[hotkey])
        return;
    GVariant *keys =
        hotkey == HOTKEY_SECURE_ATTENTION ? g_variant_new_string("Control_L+Alt_L+Delete") : NULL;
    g_action_group_activate_action(G_ACTION_GROUP(self->window), names[hotkey], keys);
}

static void append(GMenu *menu, const char *label, const char *action, const Hotkey *hotkey)
{
    /* Menus in popovers don't show accelerators of their own. */
    g_autofree char *keys = hotkey ? hotkey_label(hotkey) : NULL;
    g_autofree char *text = keys ? g_strdup_printf("%s (%s)", label, keys) : g_strdup(label);
    g_menu_append(menu, text, action);
}

static void append_section(GMenu *menu, GMenu *section)
{
    g_menu_append_section(menu, NULL, G_MENU_MODEL(section));
    g_object_unref(section);
}

GMenuModel *viewer_window_menu(ViewerWindow *self)
{
    const Hotkey *keys = viewer_app_hotkeys(self->app)->keys;
    GMenu *menu = g_menu_new(), *section = g_menu_new();
    append(section, "_Full screen", "win.fullscreen", &keys[HOTKEY_TOGGLE_FULLSCREEN]);
    append(section, "Zoom _in", "win.zoom-in", &keys[HOTKEY_ZOOM_IN]);
    append(section, "Zoom _out", "win.zoom-out", &keys[HOTKEY_ZOOM_OUT]);
    append(section, "_Normal size", "win.zoom-reset", &keys[HOTKEY_ZOOM_RESET]);
    append_section(menu, section);

    section = g_menu_new();
    append(section, "_Scale the picture to the window", "win.scaling", NULL);
    append(section, "_Resize the guest with the window", "win.auto-resize", NULL);
    append(section, "Share the _clipboard", "win.share-clipboard", NULL);
    append_section(menu, section);

    section = g_menu_new();
    append(section, "Save a screens_hot…", "win.screenshot", NULL);
    append(section, "Co_py the picture", "win.copy-screenshot", NULL);
    append(section, "Release _pointer and keyboard", "win.release", &keys[HOTKEY_RELEASE_CURSOR]);
    append_section(menu, section);

    section = g_menu_new();
    append(section, "Guest _details", "win.details", NULL);
    append(section, "_Keyboard shortcuts", "win.shortcuts", NULL);
    append(section, "_About", "win.about", NULL);
    append(section, "D_isconnect", "win.disconnect", NULL);
    append_section(menu, section);
    return G_MENU_MODEL(menu);
}
