/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bar that slides in at the top edge in full screen. Follows client-gtk.md 15.7. */
#include "config.h"
#include "key-menu.h"
#include "window-private.h"

#define HIDE_DELAY_MS 1000

static gboolean hide_bar(gpointer data)
{
    ViewerWindow *self = data;
    self->bar_timer = 0;
    gtk_revealer_set_reveal_child(GTK_REVEALER(self->bar), FALSE);
    return G_SOURCE_REMOVE;
}

/* For so long, unless the pointer comes; 0: away with it. */
void viewer_window_show_bar(ViewerWindow *self, guint milliseconds)
{
    gboolean usable = self->fullscreen && !viewer_app_options(self->app)->kiosk;
    if (self->bar_timer)
        g_source_remove(self->bar_timer);
    self->bar_timer = 0;
    gtk_widget_set_visible(self->bar_edge, usable);
    gtk_widget_set_visible(self->bar, usable);
    gtk_revealer_set_reveal_child(GTK_REVEALER(self->bar), usable && milliseconds);
    if (usable && milliseconds)
        self->bar_timer = g_timeout_add(milliseconds, hide_bar, self);
}

static gboolean edge_entered(GtkWidget *edge, GdkEvent *event, ViewerWindow *self)
{
    if (self->bar_timer)
        g_source_remove(self->bar_timer);
    self->bar_timer = 0;
    gtk_revealer_set_reveal_child(GTK_REVEALER(self->bar), TRUE);
    return FALSE;
}

static gboolean bar_left(GtkWidget *bar, GdkEventCrossing *event, ViewerWindow *self)
{
    if (event->detail != GDK_NOTIFY_INFERIOR && !self->bar_timer)
        self->bar_timer = g_timeout_add(HIDE_DELAY_MS, hide_bar, self);
    return FALSE;
}

static GtkWidget *bar_button(const char *icon, const char *tip, const char *action)
{
    GtkWidget *button = gtk_button_new_from_icon_name(icon, GTK_ICON_SIZE_BUTTON);
    gtk_button_set_relief(GTK_BUTTON(button), GTK_RELIEF_NONE);
    gtk_widget_set_tooltip_text(button, tip);
    gtk_actionable_set_action_name(GTK_ACTIONABLE(button), action);
    gtk_widget_set_can_focus(button, FALSE);
    return button;
}

static GtkWidget *bar_menu(const char *icon, const char *tip, GMenuModel *model)
{
    GtkWidget *button = gtk_menu_button_new();
    gtk_button_set_image(GTK_BUTTON(button),
                         gtk_image_new_from_icon_name(icon, GTK_ICON_SIZE_BUTTON));
    gtk_button_set_relief(GTK_BUTTON(button), GTK_RELIEF_NONE);
    gtk_menu_button_set_menu_model(GTK_MENU_BUTTON(button), model);
    gtk_widget_set_tooltip_text(button, tip);
    gtk_widget_set_can_focus(button, FALSE);
    return button;
}

void viewer_window_add_bar(ViewerWindow *self, GtkOverlay *overlay)
{
    /* A thin strip along the whole edge calls the bar, which itself covers only the middle. */
    self->bar_edge = gtk_event_box_new();
    gtk_event_box_set_visible_window(GTK_EVENT_BOX(self->bar_edge), FALSE);
    gtk_event_box_set_above_child(GTK_EVENT_BOX(self->bar_edge), TRUE);
    gtk_widget_set_size_request(self->bar_edge, -1, 2);
    gtk_widget_set_valign(self->bar_edge, GTK_ALIGN_START);
    gtk_widget_add_events(self->bar_edge, GDK_ENTER_NOTIFY_MASK | GDK_LEAVE_NOTIFY_MASK);
    g_signal_connect(self->bar_edge, "enter-notify-event", G_CALLBACK(edge_entered), self);
    g_signal_connect(self->bar_edge, "leave-notify-event", G_CALLBACK(bar_left), self);

    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 4);
    gtk_style_context_add_class(gtk_widget_get_style_context(box), "viewer-bar");
    g_autoptr(GMenuModel) keys = key_menu_new(viewer_app_hotkeys(self->app));
    g_autoptr(GMenuModel) menu = viewer_window_menu(self);
    self->bar_title = gtk_label_new(NULL);
    gtk_label_set_ellipsize(GTK_LABEL(self->bar_title), PANGO_ELLIPSIZE_END);
    gtk_label_set_width_chars(GTK_LABEL(self->bar_title), 24);
    gtk_widget_set_margin_start(self->bar_title, 12);
    gtk_widget_set_margin_end(self->bar_title, 12);
    gtk_box_pack_start(GTK_BOX(box), bar_menu("input-keyboard-symbolic", "Send keys", keys), FALSE,
                       FALSE, 0);
    gtk_box_pack_start(GTK_BOX(box),
                       bar_button("camera-photo-symbolic", "Save a screenshot", "win.screenshot"),
                       FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(box), self->bar_title, TRUE, TRUE, 0);
    gtk_box_pack_start(GTK_BOX(box), bar_menu("open-menu-symbolic", "Menu", menu), FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(box),
                       bar_button("view-restore-symbolic", "Leave full screen", "win.fullscreen"),
                       FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(box), bar_button("window-close-symbolic", "Close", "win.close"),
                       FALSE, FALSE, 0);

    GtkWidget *events = gtk_event_box_new();
    gtk_widget_add_events(events, GDK_ENTER_NOTIFY_MASK | GDK_LEAVE_NOTIFY_MASK);
    g_signal_connect(events, "enter-notify-event", G_CALLBACK(edge_entered), self);
    g_signal_connect(events, "leave-notify-event", G_CALLBACK(bar_left), self);
    gtk_container_add(GTK_CONTAINER(events), box);
    self->bar = gtk_revealer_new();
    gtk_container_add(GTK_CONTAINER(self->bar), events);
    gtk_widget_set_halign(self->bar, GTK_ALIGN_CENTER);
    gtk_widget_set_valign(self->bar, GTK_ALIGN_START);
    gtk_widget_show_all(self->bar);
    gtk_overlay_add_overlay(overlay, self->bar);
    /* On top, because a hidden bar still is a pixel in the middle of the edge. */
    gtk_overlay_add_overlay(overlay, self->bar_edge);
    gtk_widget_hide(self->bar);
    gtk_widget_hide(self->bar_edge);
}
