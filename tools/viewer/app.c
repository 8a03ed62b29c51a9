/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Brings connection and windows together: which display is shown where, what happens when the
 * connection ends. */
#include "config.h"
#include "app.h"
#include "auth-dialog.h"
#include "recent.h"
#include "settings.h"
#include "shared/connection-file.h"
#include "window.h"

#include <spice-client-gtk.h>
#include <string.h>

/* A guest that changes its mode takes the display away for a moment: that is no reason to close a
 * window. */
#define GONE_DELAY_MS 1500

struct ViewerApp {
    GtkApplication *gtk;
    const ViewerOptions *options;
    Hotkeys hotkeys;
    KeyMap *key_map;
    ViewerConnection *connection;
    ConnectionFile *file;  /* the one that the connection came from; NULL for a URI */
    char *target;          /* for Reconnect */
    char *address, *error; /* of the connect page */
    GPtrArray *windows;    /* of ViewerWindow; the first one stays as long as the program */
    GtkWidget *auth_dialog;
    guint gone_timer;
    gboolean fullscreen, auto_resize, was_open;
    int status;
};

static ViewerWindow *first_window(ViewerApp *self)
{
    return self->windows->pdata[0];
}

static ViewerWindow *window_of(ViewerApp *self, ViewerDisplay *display)
{
    for (guint i = 0; i < self->windows->len; i++)
        if (viewer_window_display(self->windows->pdata[i]) == display)
            return self->windows->pdata[i];
    return NULL;
}

static void update_titles(ViewerApp *self)
{
    for (guint i = 0; i < self->windows->len; i++)
        viewer_window_update_title(self->windows->pdata[i]);
}

/* The monitor of this desk for the n-th window in full screen; -1 for the one where it is. */
static int monitor_for(ViewerApp *self, guint n)
{
    int n_monitors = gdk_display_get_n_monitors(gdk_display_get_default());
    g_autofree char *uuid = self->connection ? viewer_connection_uuid(self->connection) : NULL;
    g_autoptr(GArray) mapping = settings_get_monitor_mapping(uuid, n_monitors);
    if (mapping)
        return n < mapping->len ? g_array_index(mapping, int, n) : -1;
    return self->windows->len > 1 && (int)n < n_monitors ? (int)n : -1;
}

void viewer_app_set_fullscreen(ViewerApp *self, gboolean fullscreen)
{
    self->fullscreen = fullscreen;
    for (guint i = 0; i < self->windows->len; i++)
        viewer_window_set_fullscreen(self->windows->pdata[i], fullscreen, monitor_for(self, i));
}

static ViewerWindow *add_window(ViewerApp *self)
{
    ViewerWindow *window = viewer_window_new(self, (int)self->windows->len + 1);
    g_ptr_array_add(self->windows, window);
    if (self->fullscreen)
        viewer_window_set_fullscreen(window, TRUE, monitor_for(self, self->windows->len - 1));
    return window;
}

static gboolean remove_gone(gpointer data)
{
    ViewerApp *self = data;
    self->gone_timer = 0;
    gboolean shown = FALSE;
    for (guint i = self->windows->len; i > 0; i--) {
        ViewerDisplay *display = viewer_window_display(self->windows->pdata[i - 1]);
        if (display && display->ready && display->width) {
            shown = TRUE;
        } else if (i > 1) {
            g_ptr_array_remove_index(self->windows, i - 1);
        }
    }
    ViewerDisplay *first = viewer_window_display(first_window(self));
    if (first && !(first->ready && first->width)) {
        viewer_window_set_display(first_window(self), NULL);
        if (!shown)
            viewer_window_show_status(first_window(self), "Waiting for display 1…",
                                      "The guest shows nothing at the moment");
    }
    update_titles(self);
    return G_SOURCE_REMOVE;
}

static void display_changed(gpointer owner, ViewerDisplay *display)
{
    ViewerApp *self = owner;
    ViewerWindow *window = window_of(self, display);
    SpiceMainChannel *main = viewer_connection_main(self->connection);
    if (!display->ready || !display->width) {
        if (window && !self->gone_timer)
            self->gone_timer = g_timeout_add(GONE_DELAY_MS, remove_gone, self);
        return;
    }
    if (!window) {
        window = viewer_window_display(first_window(self)) ? add_window(self) : first_window(self);
        if (main)
            spice_main_channel_update_display_enabled(main, display->number, TRUE, FALSE);
    }
    viewer_window_set_display(window, display);
    gtk_window_present(viewer_window_gtk(window));
    update_titles(self);
}

static void display_gone(gpointer owner, ViewerDisplay *display)
{
    ViewerApp *self = owner;
    ViewerWindow *window = window_of(self, display);
    if (!window)
        return;
    viewer_window_set_display(window, NULL);
    if (window != first_window(self))
        g_ptr_array_remove(self->windows, window);
}

static void opened(gpointer owner)
{
    ViewerApp *self = owner;
    self->was_open = TRUE;
    viewer_window_show_status(first_window(self), "Connected to graphic server",
                              "Waiting for display 1…");
}

static void named(gpointer owner)
{
    ViewerApp *self = owner;
    g_autofree char *uri = NULL;
    /* A file's connection is a one-time matter: its password has expired when it would be used
     * again. */
    if (!self->file) {
        g_object_get(viewer_connection_session(self->connection), "uri", &uri, NULL);
        recent_connections_add(uri, viewer_connection_name(self->connection));
    }
    update_titles(self);
}

static void agent_changed(gpointer owner)
{
    viewer_app_sizes_changed(owner);
}

static void end_connection(ViewerApp *self)
{
    if (self->gone_timer) {
        g_source_remove(self->gone_timer);
        self->gone_timer = 0;
    }
    if (self->auth_dialog)
        gtk_widget_destroy(self->auth_dialog);
    self->auth_dialog = NULL;
    g_clear_pointer(&self->connection, viewer_connection_free);
    self->was_open = FALSE;
    while (self->windows->len > 1)
        g_ptr_array_remove_index(self->windows, self->windows->len - 1);
}

static void ended(gpointer owner, const Failure *failure)
{
    ViewerApp *self = owner;
    g_autoptr(Failure) copy = failure_copy(failure);
    g_autoptr(GdkPixbuf) picture = viewer_window_picture(first_window(self));
    end_connection(self);
    if (self->options->kiosk && self->options->kiosk_quit) {
        g_application_quit(G_APPLICATION(self->gtk));
        return;
    }
    viewer_window_show_failure(first_window(self), copy, picture);
}

static void password_given(const char *user_name, const char *password, gpointer data)
{
    ViewerApp *self = data;
    self->auth_dialog = NULL;
    if (!self->connection)
        return;
    if (password) {
        viewer_connection_authenticate(self->connection, user_name, password);
    } else if (self->options->kiosk) {
        viewer_app_reconnect(self);
    } else {
        /* Cancelled: no error, back to where another server can be chosen. */
        viewer_app_disconnect(self);
    }
}

static void need_password(gpointer owner, gboolean user_name_too, gboolean for_proxy,
                          const char *error)
{
    ViewerApp *self = owner;
    g_autofree char *address = viewer_app_address(self);
    g_autofree char *user_name = NULL;
    g_object_get(viewer_connection_session(self->connection), "username", &user_name, NULL);
    if (self->auth_dialog)
        gtk_widget_destroy(self->auth_dialog);
    self->auth_dialog =
        auth_dialog_show(viewer_window_gtk(first_window(self)), for_proxy ? "proxy" : "SPICE",
                         address, user_name_too, user_name, error, password_given, self);
}

static const ViewerConnectionEvents events = {
    .opened = opened,
    .named = named,
    .display_changed = display_changed,
    .display_gone = display_gone,
    .need_password = need_password,
    .agent_changed = agent_changed,
    .ended = ended,
};

/* The session for what the user has named; NULL and the reason when it can't be understood. */
static SpiceSession *session_for(ViewerApp *self, const char *target, char **error)
{
    SpiceSession *session = spice_session_new();
    spice_set_session_option(session);
    g_object_set(spice_gtk_session_get(session), "auto-clipboard",
                 settings_get_boolean("share-clipboard", TRUE), NULL);
    if (self->file) {
        connection_file_apply(self->file, session);
        return session;
    }
    g_object_set(session, "host", NULL, NULL);
    g_object_set(session, "uri", target, NULL);
    g_autofree char *host = NULL, *path = NULL;
    g_object_get(session, "host", &host, "unix-path", &path, NULL);
    if (!host && !path) {
        *error = g_strdup_printf("“%s” isn't a SPICE address. It looks like spice://host:port, "
                                 "spice+tls://host:port or spice+unix:///path.",
                                 target);
        g_clear_object(&session);
    }
    return session;
}

static void apply_file_options(ViewerApp *self)
{
    /* A file turns all default hotkeys off and names its own. */
    hotkeys_init_from_text(&self->hotkeys, self->file->hotkeys);
    if (self->file->fullscreen == 1)
        self->fullscreen = TRUE;
}

static void show_connect_page(ViewerApp *self, const char *address, const char *error)
{
    viewer_window_show_connect(first_window(self), address, error);
}

/* self->target and self->file are set. */
static void start(ViewerApp *self)
{
    g_autofree char *error = NULL;
    SpiceSession *session = session_for(self, self->target, &error);
    if (!session) {
        show_connect_page(self, self->target, error);
        return;
    }
    self->connection = viewer_connection_new(session, &events, self);
    g_object_unref(session);
    g_autofree char *address = viewer_app_address(self);
    viewer_window_show_status(first_window(self), "Connecting to graphic server", address);
    if (self->fullscreen || self->options->kiosk)
        viewer_app_set_fullscreen(self, TRUE);
    viewer_connection_start(self->connection);
}

void viewer_app_connect(ViewerApp *self, const char *target)
{
    /* The caller's text may be one that ends with the connection. */
    g_autofree char *copy = g_strdup(target);
    end_connection(self);
    g_clear_pointer(&self->file, connection_file_free);
    g_free(self->target);
    self->target = g_steal_pointer(&copy);
    if (connection_file_is_named(self->target)) {
        g_autoptr(GError) error = NULL;
        self->file = connection_file_load(self->target, &error);
        if (!self->file) {
            show_connect_page(self, strcmp(self->target, "-") ? self->target : NULL,
                              error->message);
            return;
        }
        apply_file_options(self);
    }
    start(self);
}

void viewer_app_reconnect(ViewerApp *self)
{
    end_connection(self);
    start(self);
}

void viewer_app_disconnect(ViewerApp *self)
{
    end_connection(self);
    show_connect_page(self, self->file ? NULL : self->target, NULL);
}

void viewer_app_quit(ViewerApp *self)
{
    end_connection(self);
    g_application_quit(G_APPLICATION(self->gtk));
}

void viewer_app_window_closed(ViewerApp *self, ViewerDisplay *display)
{
    ViewerWindow *window = window_of(self, display);
    SpiceMainChannel *main = self->connection ? viewer_connection_main(self->connection) : NULL;
    if (main)
        spice_main_channel_update_display_enabled(main, display->number, FALSE, TRUE);
    if (window && window != first_window(self))
        g_ptr_array_remove(self->windows, window);
}

static gint by_position(gconstpointer a, gconstpointer b)
{
    const ViewerDisplay *x = viewer_window_display(*(ViewerWindow **)a);
    const ViewerDisplay *y = viewer_window_display(*(ViewerWindow **)b);
    if (x->x != y->x)
        return x->x - y->x;
    return x->y != y->y ? x->y - y->y : x->number - y->number;
}

void viewer_app_sizes_changed(ViewerApp *self)
{
    SpiceMainChannel *main = self->connection ? viewer_connection_main(self->connection) : NULL;
    gboolean agent = FALSE;
    if (main)
        g_object_get(main, "agent-connected", &agent, NULL);
    if (!self->auto_resize || !agent)
        return;
    g_autoptr(GPtrArray) shown = g_ptr_array_new();
    for (guint i = 0; i < self->windows->len; i++)
        if (viewer_window_display(self->windows->pdata[i]))
            g_ptr_array_add(shown, self->windows->pdata[i]);
    g_ptr_array_sort(shown, by_position);
    /* Side by side, from the left, in the order in which the guest has them. */
    int x = 0;
    for (guint i = 0; i < shown->len; i++) {
        ViewerDisplay *display = viewer_window_display(shown->pdata[i]);
        int width, height;
        if (!viewer_window_wanted_size(shown->pdata[i], &width, &height))
            continue;
        spice_main_channel_update_display(main, display->number, x, 0, width, height, TRUE);
        x += width;
    }
}

gboolean viewer_app_get_auto_resize(ViewerApp *self)
{
    return self->auto_resize;
}

void viewer_app_set_auto_resize(ViewerApp *self, gboolean on)
{
    self->auto_resize = on;
    viewer_app_sizes_changed(self);
}

GtkApplication *viewer_app_gtk(ViewerApp *self)
{
    return self->gtk;
}

const ViewerOptions *viewer_app_options(ViewerApp *self)
{
    return self->options;
}

const Hotkeys *viewer_app_hotkeys(ViewerApp *self)
{
    return &self->hotkeys;
}

const KeyMap *viewer_app_key_map(ViewerApp *self)
{
    return self->key_map;
}

ViewerConnection *viewer_app_connection(ViewerApp *self)
{
    return self->connection;
}

gboolean viewer_app_has_pictures(ViewerApp *self)
{
    return self->connection && viewer_window_display(first_window(self));
}

char *viewer_app_address(ViewerApp *self)
{
    return self->connection ? session_address(viewer_connection_session(self->connection)) : NULL;
}

char *viewer_app_title(ViewerApp *self, int number)
{
    if (!self->connection)
        return NULL;
    const char *title = self->file && self->file->title ? self->file->title : self->options->title;
    g_autofree char *address = viewer_app_address(self);
    if (!title)
        title = viewer_connection_name(self->connection);
    if (!title)
        title = address;
    const char *place = strstr(title, "%d");
    if (place)
        return g_strdup_printf("%.*s%d%s", (int)(place - title), title, number, place + 2);
    return self->windows->len > 1 ? g_strdup_printf("%s (%d)", title, number) : g_strdup(title);
}

static void load_looks(void)
{
    g_autoptr(GtkCssProvider) css = gtk_css_provider_new();
    gtk_css_provider_load_from_resource(css, "/org/spice/viewer/style.css");
    gtk_style_context_add_provider_for_screen(gdk_screen_get_default(), GTK_STYLE_PROVIDER(css),
                                              GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
    gtk_icon_theme_add_resource_path(gtk_icon_theme_get_default(), "/org/spice/viewer/icons");
    gtk_window_set_default_icon_name("spice-viewer");
}

static void activate(GApplication *application, gpointer data)
{
    ViewerApp *self = data;
    if (self->windows->len) {
        gtk_window_present(viewer_window_gtk(first_window(self)));
        return;
    }
    load_looks();
    add_window(self);
    if (self->target) {
        g_autofree char *target = g_strdup(self->target);
        viewer_app_connect(self, target);
    } else {
        show_connect_page(self, NULL, NULL);
    }
}

ViewerApp *viewer_app_new(const ViewerOptions *options)
{
    ViewerApp *self = g_new0(ViewerApp, 1);
    self->options = options;
    self->fullscreen = options->fullscreen || options->kiosk;
    self->auto_resize = options->auto_resize;
    self->windows = g_ptr_array_new_with_free_func((GDestroyNotify)viewer_window_free);
    if (options->hotkeys)
        hotkeys_init_from_text(&self->hotkeys, options->hotkeys);
    else
        hotkeys_init_default(&self->hotkeys);
    if (options->keymap)
        self->key_map = key_map_parse(options->keymap);
    /* Each call is a viewer of its own: two machines, two programs. */
    self->gtk = gtk_application_new("org.spice.Viewer", G_APPLICATION_NON_UNIQUE);
    g_signal_connect(self->gtk, "activate", G_CALLBACK(activate), self);
    return self;
}

int viewer_app_run(ViewerApp *self, const char *target)
{
    self->target = g_strdup(target);
    int status = g_application_run(G_APPLICATION(self->gtk), 0, NULL);
    end_connection(self);
    return status ? status : self->status;
}

void viewer_app_free(ViewerApp *self)
{
    end_connection(self);
    g_ptr_array_unref(self->windows);
    /* Channels end in the main loop; give them the turns that they need to say goodbye. */
    while (g_main_context_iteration(NULL, FALSE)) {
    }
    g_clear_pointer(&self->file, connection_file_free);
    g_clear_pointer(&self->key_map, key_map_free);
    g_object_unref(self->gtk);
    g_free(self->target);
    g_free(self);
}
