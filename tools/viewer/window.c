/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The viewer's window: its parts, its pages, its keys, its title. */
#include "config.h"
#include "key-menu.h"
#include "pages.h"
#include "settings.h"
#include "window-private.h"

#define TOAST_MS 4000

static void connect_chosen(const char *address, gpointer data)
{
    viewer_app_connect(((ViewerWindow *)data)->app, address);
}

static void status_cancelled(gpointer data)
{
    viewer_app_disconnect(((ViewerWindow *)data)->app);
}

static void failure_chosen(FailureChoice choice, gpointer data)
{
    ViewerWindow *self = data;
    if (choice == FAILURE_RECONNECT)
        viewer_app_reconnect(self->app);
    else if (choice == FAILURE_CONNECT_ELSEWHERE)
        viewer_app_disconnect(self->app);
    else
        viewer_app_quit(self->app);
}

static gboolean hide_toast(gpointer data)
{
    ViewerWindow *self = data;
    self->toast_timer = 0;
    gtk_revealer_set_reveal_child(GTK_REVEALER(self->toast), FALSE);
    return G_SOURCE_REMOVE;
}

void viewer_window_toast(ViewerWindow *self, const char *text)
{
    gtk_label_set_text(GTK_LABEL(self->toast_label), text);
    gtk_revealer_set_reveal_child(GTK_REVEALER(self->toast), TRUE);
    if (self->toast_timer)
        g_source_remove(self->toast_timer);
    self->toast_timer = g_timeout_add(TOAST_MS, hide_toast, self);
}

static GtkWidget *toast_new(ViewerWindow *self)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 0);
    self->toast_label = gtk_label_new(NULL);
    gtk_label_set_ellipsize(GTK_LABEL(self->toast_label), PANGO_ELLIPSIZE_MIDDLE);
    gtk_box_pack_start(GTK_BOX(box), self->toast_label, TRUE, TRUE, 0);
    gtk_style_context_add_class(gtk_widget_get_style_context(box), "viewer-toast");
    GtkWidget *revealer = gtk_revealer_new();
    gtk_revealer_set_transition_type(GTK_REVEALER(revealer),
                                     GTK_REVEALER_TRANSITION_TYPE_CROSSFADE);
    gtk_container_add(GTK_CONTAINER(revealer), box);
    gtk_widget_set_halign(revealer, GTK_ALIGN_CENTER);
    gtk_widget_set_valign(revealer, GTK_ALIGN_END);
    gtk_widget_set_margin_bottom(revealer, 24);
    return revealer;
}

static GtkWidget *icon_button(const char *icon, const char *tip, const char *action)
{
    GtkWidget *button = gtk_button_new_from_icon_name(icon, GTK_ICON_SIZE_BUTTON);
    gtk_widget_set_tooltip_text(button, tip);
    gtk_actionable_set_action_name(GTK_ACTIONABLE(button), action);
    gtk_widget_set_can_focus(button, FALSE);
    return button;
}

/* Labels of our own: a header bar that has a title makes it the window's, and then the hint is
 * nowhere in it. */
static GtkWidget *title_new(ViewerWindow *self)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
    self->title = gtk_label_new(NULL);
    self->subtitle = gtk_label_new(NULL);
    gtk_style_context_add_class(gtk_widget_get_style_context(self->title), "title");
    gtk_style_context_add_class(gtk_widget_get_style_context(self->subtitle), "subtitle");
    gtk_label_set_ellipsize(GTK_LABEL(self->title), PANGO_ELLIPSIZE_END);
    gtk_label_set_ellipsize(GTK_LABEL(self->subtitle), PANGO_ELLIPSIZE_END);
    gtk_widget_set_valign(box, GTK_ALIGN_CENTER);
    gtk_box_pack_start(GTK_BOX(box), self->title, FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(box), self->subtitle, FALSE, FALSE, 0);
    return box;
}

static void add_header(ViewerWindow *self)
{
    self->header = gtk_header_bar_new();
    gtk_header_bar_set_show_close_button(GTK_HEADER_BAR(self->header), TRUE);
    gtk_header_bar_set_custom_title(GTK_HEADER_BAR(self->header), title_new(self));
    GtkWidget *menu = gtk_menu_button_new();
    g_autoptr(GMenuModel) model = viewer_window_menu(self);
    gtk_button_set_image(GTK_BUTTON(menu),
                         gtk_image_new_from_icon_name("open-menu-symbolic", GTK_ICON_SIZE_BUTTON));
    gtk_menu_button_set_menu_model(GTK_MENU_BUTTON(menu), model);
    gtk_widget_set_tooltip_text(menu, "Menu");
    gtk_widget_set_can_focus(menu, FALSE);
    gtk_header_bar_pack_end(GTK_HEADER_BAR(self->header), menu);
    gtk_header_bar_pack_end(
        GTK_HEADER_BAR(self->header),
        icon_button("view-fullscreen-symbolic", "Full screen", "win.fullscreen"));
    self->keys = gtk_menu_button_new();
    g_autoptr(GMenuModel) key_model = key_menu_new(viewer_app_hotkeys(self->app));
    gtk_button_set_image(
        GTK_BUTTON(self->keys),
        gtk_image_new_from_icon_name("input-keyboard-symbolic", GTK_ICON_SIZE_BUTTON));
    gtk_menu_button_set_menu_model(GTK_MENU_BUTTON(self->keys), key_model);
    gtk_widget_set_tooltip_text(self->keys, "Send keys");
    gtk_widget_set_can_focus(self->keys, FALSE);
    gtk_header_bar_pack_start(GTK_HEADER_BAR(self->header), self->keys);
    gtk_header_bar_pack_start(
        GTK_HEADER_BAR(self->header),
        icon_button("camera-photo-symbolic", "Save a screenshot", "win.screenshot"));
    gtk_window_set_titlebar(GTK_WINDOW(self->window), self->header);
}

/* Keys go to the guest before GTK's own shortcuts see them, hotkeys before the guest. */
static gboolean key_event(GtkWidget *window, GdkEventKey *event, ViewerWindow *self)
{
    gboolean press = event->type == GDK_KEY_PRESS;
    GtkWidget *focus = gtk_window_get_focus(GTK_WINDOW(window));
    gboolean to_guest = self->display && focus == GTK_WIDGET(self->display->widget);
    const Hotkeys *hotkeys = viewer_app_hotkeys(self->app);

    if (press && !viewer_app_options(self->app)->kiosk) {
        HotkeyAction action = hotkeys_match(hotkeys, event);
        /* The guest's keyboard stays the guest's, unless the user has named the hotkeys; but there
         * is always a way out. */
        gboolean acts = !to_guest || hotkeys->given || !self->keyboard_grabbed ||
                        action == HOTKEY_RELEASE_CURSOR;
        if (action != HOTKEY_NONE && acts &&
            (self->display || action == HOTKEY_TOGGLE_FULLSCREEN)) {
            viewer_window_run_hotkey(self, action);
            return TRUE;
        }
    }
    if (!to_guest)
        return FALSE;
    const GArray *mapped = key_map_lookup(viewer_app_key_map(self->app), event->keyval);
    if (mapped) {
        if (mapped->len)
            spice_display_send_keys(
                self->display->widget, (const guint *)mapped->data, (int)mapped->len,
                press ? SPICE_DISPLAY_KEY_EVENT_PRESS : SPICE_DISPLAY_KEY_EVENT_RELEASE);
        return TRUE;
    }
    gtk_window_propagate_key_event(GTK_WINDOW(window), event);
    return TRUE;
}

static gboolean confirm_close(ViewerWindow *self)
{
    if (!viewer_app_has_pictures(self->app) || !settings_get_boolean("ask-quit", TRUE))
        return TRUE;
    GtkWidget *dialog =
        gtk_message_dialog_new(GTK_WINDOW(self->window), GTK_DIALOG_MODAL, GTK_MESSAGE_QUESTION,
                               GTK_BUTTONS_NONE, "Do you want to close the session?");
    gtk_message_dialog_format_secondary_text(GTK_MESSAGE_DIALOG(dialog),
                                             "The virtual machine goes on running.");
    gtk_dialog_add_buttons(GTK_DIALOG(dialog), "_Cancel", GTK_RESPONSE_CANCEL, "C_lose",
                           GTK_RESPONSE_OK, NULL);
    gtk_dialog_set_default_response(GTK_DIALOG(dialog), GTK_RESPONSE_OK);
    GtkWidget *never = gtk_check_button_new_with_mnemonic("_Do not ask me again");
    gtk_widget_set_halign(never, GTK_ALIGN_CENTER);
    gtk_widget_show(never);
    gtk_container_add(
        GTK_CONTAINER(gtk_message_dialog_get_message_area(GTK_MESSAGE_DIALOG(dialog))), never);
    gboolean ok = gtk_dialog_run(GTK_DIALOG(dialog)) == GTK_RESPONSE_OK;
    if (ok && gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(never)))
        settings_set_boolean("ask-quit", FALSE);
    gtk_widget_destroy(dialog);
    return ok;
}

static gboolean close_asked(GtkWidget *window, GdkEvent *event, ViewerWindow *self)
{
    if (viewer_app_options(self->app)->kiosk || self->closing)
        return TRUE;
    self->closing = TRUE; /* a second click while the question is open */
    gboolean last = !self->display || self->number == 1;
    ViewerApp *app = self->app;
    if (last && !confirm_close(self)) {
        self->closing = FALSE;
        return TRUE;
    }
    self->closing = FALSE;
    if (last)
        viewer_app_quit(app);
    else
        viewer_app_window_closed(app, self->display);
    return TRUE;
}

static gboolean state_changed(GtkWidget *window, GdkEventWindowState *event, ViewerWindow *self)
{
    gboolean fullscreen = (event->new_window_state & GDK_WINDOW_STATE_FULLSCREEN) != 0;
    if (fullscreen != self->fullscreen) {
        self->fullscreen = fullscreen;
        viewer_window_update_actions(self);
        viewer_window_show_bar(self, fullscreen ? 2000 : 0);
    }
    return FALSE;
}

ViewerWindow *viewer_window_new(ViewerApp *app, int number)
{
    ViewerWindow *self = g_new0(ViewerWindow, 1);
    self->app = app;
    self->number = number;
    self->zoom = viewer_app_options(app)->zoom;
    self->scaling = TRUE;
    self->window = gtk_application_window_new(viewer_app_gtk(app));
    gtk_window_set_default_size(GTK_WINDOW(self->window), 800, 600);
    gtk_window_set_icon_name(GTK_WINDOW(self->window), "spice-viewer");
    viewer_window_add_actions(self);
    add_header(self);

    GtkWidget *overlay = gtk_overlay_new();
    self->stack = gtk_stack_new();
    self->connect_page = connect_page_new(connect_chosen, self);
    self->status_page =
        status_page_new(viewer_app_options(app)->kiosk ? NULL : status_cancelled, self);
    self->failure_page = failure_page_new(failure_chosen, self);
    failure_page_set_choices(self->failure_page, !viewer_app_options(app)->kiosk);
    self->frame = viewer_frame_new();
    self->scroll = gtk_scrolled_window_new(NULL, NULL);
    gtk_scrolled_window_set_propagate_natural_width(GTK_SCROLLED_WINDOW(self->scroll), TRUE);
    gtk_scrolled_window_set_propagate_natural_height(GTK_SCROLLED_WINDOW(self->scroll), TRUE);
    gtk_container_add(GTK_CONTAINER(self->scroll), self->frame);
    gtk_style_context_add_class(gtk_widget_get_style_context(self->scroll), "viewer-guest");
    gtk_widget_show_all(self->scroll);
    gtk_stack_add_named(GTK_STACK(self->stack), self->connect_page, "connect");
    gtk_stack_add_named(GTK_STACK(self->stack), self->status_page, "status");
    gtk_stack_add_named(GTK_STACK(self->stack), self->failure_page, "failure");
    gtk_stack_add_named(GTK_STACK(self->stack), self->scroll, "guest");
    /* The window has the size of what it shows, not of the largest page. */
    gtk_stack_set_hhomogeneous(GTK_STACK(self->stack), FALSE);
    gtk_stack_set_vhomogeneous(GTK_STACK(self->stack), FALSE);
    gtk_container_add(GTK_CONTAINER(overlay), self->stack);
    self->toast = toast_new(self);
    gtk_overlay_add_overlay(GTK_OVERLAY(overlay), self->toast);
    gtk_overlay_set_overlay_pass_through(GTK_OVERLAY(overlay), self->toast, TRUE);
    viewer_window_add_bar(self, GTK_OVERLAY(overlay));
    gtk_container_add(GTK_CONTAINER(self->window), overlay);

    g_signal_connect(self->window, "key-press-event", G_CALLBACK(key_event), self);
    g_signal_connect(self->window, "key-release-event", G_CALLBACK(key_event), self);
    g_signal_connect(self->window, "delete-event", G_CALLBACK(close_asked), self);
    g_signal_connect(self->window, "window-state-event", G_CALLBACK(state_changed), self);
    g_signal_connect_after(self->frame, "size-allocate", G_CALLBACK(viewer_window_frame_allocated),
                           self);
    gtk_widget_show(self->stack);
    gtk_widget_show_all(self->toast);
    gtk_widget_show(overlay);
    gtk_widget_show_all(self->header);
    viewer_window_update_actions(self);
    viewer_window_update_title(self);
    return self;
}

static void forget_display(ViewerWindow *self)
{
    if (!self->display)
        return;
    GtkWidget *widget = GTK_WIDGET(self->display->widget);
    g_signal_handlers_disconnect_by_data(widget, self);
    if (gtk_widget_get_parent(widget) == self->frame)
        gtk_container_remove(GTK_CONTAINER(self->frame), widget);
    self->display = NULL;
    self->keyboard_grabbed = self->mouse_grabbed = FALSE;
}

void viewer_window_free(ViewerWindow *self)
{
    forget_display(self);
    guint *timers[] = {&self->bar_timer, &self->toast_timer, &self->resize_timer, &self->fit_idle};
    for (guint i = 0; i < G_N_ELEMENTS(timers); i++)
        if (*timers[i])
            g_source_remove(*timers[i]);
    g_signal_handlers_disconnect_by_data(self->window, self);
    g_signal_handlers_disconnect_by_data(self->frame, self);
    gtk_widget_destroy(self->window);
    g_free(self);
}

GtkWindow *viewer_window_gtk(ViewerWindow *self)
{
    return GTK_WINDOW(self->window);
}

ViewerDisplay *viewer_window_display(ViewerWindow *self)
{
    return self->display;
}

static void keyboard_grab(SpiceDisplay *widget, int grabbed, ViewerWindow *self)
{
    self->keyboard_grabbed = grabbed;
    viewer_window_update_title(self);
}

/* --cursor=local: the widget has just put the guest's cursor on its window; take this desktop's own
 * again. */
static void use_local_cursor(GtkWidget *widget)
{
    GdkWindow *window = gtk_widget_get_window(widget);
    if (window)
        gdk_window_set_cursor(window, NULL);
}

static void keep_local_cursor(ViewerDisplay *display)
{
    static const char *const changes[] = {"notify::cursor", "cursor-hide", "cursor-reset"};
    g_autoptr(GList) channels =
        spice_session_get_channels(viewer_connection_session(display->connection));
    for (GList *l = channels; l; l = l->next) {
        int id;
        g_object_get(l->data, "channel-id", &id, NULL);
        if (!SPICE_IS_CURSOR_CHANNEL(l->data) || id != display->channel_id)
            continue;
        for (guint i = 0; i < G_N_ELEMENTS(changes); i++)
            g_signal_connect_object(l->data, changes[i], G_CALLBACK(use_local_cursor),
                                    display->widget, G_CONNECT_AFTER | G_CONNECT_SWAPPED);
    }
}

static void mouse_grab(SpiceDisplay *widget, int grabbed, ViewerWindow *self)
{
    self->mouse_grabbed = grabbed;
    viewer_window_update_title(self);
}

void viewer_window_set_display(ViewerWindow *self, ViewerDisplay *display)
{
    if (display != self->display) {
        forget_display(self);
        self->display = display;
        self->guest_width = self->guest_height = 0;
    }
    if (display) {
        GtkWidget *widget = GTK_WIDGET(display->widget);
        if (!gtk_widget_get_parent(widget)) {
            const Hotkeys *hotkeys = viewer_app_hotkeys(self->app);
            g_signal_connect(widget, "keyboard-grab", G_CALLBACK(keyboard_grab), self);
            g_signal_connect(widget, "mouse-grab", G_CALLBACK(mouse_grab), self);
            g_object_set(widget, "scaling", self->scaling, NULL);
            /* With a hotkey of the user's own for it, Ctrl+Alt belongs to the guest. */
            if (hotkeys->given && hotkeys->keys[HOTKEY_RELEASE_CURSOR].keyval) {
                SpiceGrabSequence *none = spice_grab_sequence_new(0, NULL);
                spice_display_set_grab_keys(display->widget, none);
                spice_grab_sequence_free(none);
            }
            if (viewer_app_options(self->app)->local_cursor)
                keep_local_cursor(display);
            gtk_container_add(GTK_CONTAINER(self->frame), widget);
            gtk_widget_show(widget);
        }
        gtk_stack_set_visible_child_name(GTK_STACK(self->stack), "guest");
        if (display->width != self->guest_width || display->height != self->guest_height)
            viewer_window_fit(self);
        if (!gtk_widget_has_focus(widget))
            gtk_widget_grab_focus(widget);
    }
    viewer_window_update_actions(self);
    viewer_window_update_title(self);
}

/* Pages have a size of their own that fits them; windows that the user made keep theirs. */
static void show_page(ViewerWindow *self, const char *name)
{
    gtk_stack_set_visible_child_name(GTK_STACK(self->stack), name);
    viewer_window_update_actions(self);
    viewer_window_update_title(self);
    if (!gtk_widget_get_visible(self->window))
        gtk_window_present(GTK_WINDOW(self->window));
}

void viewer_window_show_connect(ViewerWindow *self, const char *address, const char *error)
{
    connect_page_refresh(self->connect_page, address, error);
    show_page(self, "connect");
    connect_page_refresh(self->connect_page, address, error);
}

void viewer_window_show_status(ViewerWindow *self, const char *title, const char *detail)
{
    status_page_set(self->status_page, title, detail);
    show_page(self, "status");
}

void viewer_window_show_failure(ViewerWindow *self, const Failure *failure, GdkPixbuf *last_frame)
{
    failure_page_set(self->failure_page, failure, last_frame);
    show_page(self, "failure");
}

/* Which keys give pointer and keyboard back, for people. */
static char *release_keys(ViewerWindow *self)
{
    const Hotkeys *hotkeys = viewer_app_hotkeys(self->app);
    if (hotkeys->given && hotkeys->keys[HOTKEY_RELEASE_CURSOR].keyval)
        return hotkey_label(&hotkeys->keys[HOTKEY_RELEASE_CURSOR]);
    SpiceGrabSequence *sequence = spice_display_get_grab_keys(self->display->widget);
    g_autofree char *text = sequence ? spice_grab_sequence_as_string(sequence) : NULL;
    if (!text || !*text)
        return NULL;
    /* "Control_L+Alt_L" is a name for programs. */
    GString *words = g_string_new(text);
    g_string_replace(words, "Control_L", "Ctrl", 0);
    g_string_replace(words, "Alt_L", "Alt", 0);
    g_string_replace(words, "Shift_L", "Shift", 0);
    return g_string_free(words, FALSE);
}

void viewer_window_update_title(ViewerWindow *self)
{
    g_autofree char *name = viewer_app_title(self->app, self->number);
    g_autofree char *address = viewer_app_address(self->app);
    g_autofree char *hint = NULL;
    if (self->display && (self->mouse_grabbed || self->keyboard_grabbed)) {
        g_autofree char *keys = release_keys(self);
        if (keys)
            hint = g_strdup_printf("Press %s to release %s", keys,
                                   self->mouse_grabbed ? "pointer" : "keyboard");
    }
    g_autofree char *title =
        g_strdup_printf("%s%s%s%s%sSpice Viewer", hint ? "(" : "", hint ? hint : "",
                        hint ? ") " : "", name ? name : "", name ? " - " : "");
    gtk_window_set_title(GTK_WINDOW(self->window), title);
    gtk_label_set_text(GTK_LABEL(self->title), name ? name : "Spice Viewer");
    const char *below = hint ? hint : address && g_strcmp0(name, address) != 0 ? address : NULL;
    gtk_label_set_text(GTK_LABEL(self->subtitle), below ? below : "");
    gtk_widget_set_visible(self->subtitle, below != NULL);
    gtk_label_set_text(GTK_LABEL(self->bar_title), hint ? hint : name ? name : "Spice Viewer");
}

void viewer_window_set_fullscreen(ViewerWindow *self, gboolean fullscreen, int monitor)
{
    GtkWindow *window = GTK_WINDOW(self->window);
    if (!fullscreen)
        gtk_window_unfullscreen(window);
    else if (monitor >= 0)
        gtk_window_fullscreen_on_monitor(window, gtk_widget_get_screen(self->window), monitor);
    else
        gtk_window_fullscreen(window);
}

GdkPixbuf *viewer_window_picture(ViewerWindow *self)
{
    return self->display && self->display->ready ? spice_display_get_pixbuf(self->display->widget)
                                                 : NULL;
}
