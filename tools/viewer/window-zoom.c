/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes of a window: fitted to the guest times the zoom, or the guest fitted to it. Follows
 * client-gtk.md 15.6. */
#include "config.h"
#include "window-private.h"

#define ZOOM_MIN 10
#define ZOOM_MAX 400
#define RESIZE_DELAY_MS 300

/* Logical size of the guest's picture at the window's zoom. */
static void picture_size(ViewerWindow *self, int *width, int *height)
{
    int scale = gtk_widget_get_scale_factor(self->window);
    *width = MAX(1, self->guest_width * self->zoom / 100 / scale);
    *height = MAX(1, self->guest_height * self->zoom / 100 / scale);
}

static gboolean is_held(ViewerWindow *self)
{
    GdkWindow *window = gtk_widget_get_window(self->window);
    return self->fullscreen || gtk_window_is_maximized(GTK_WINDOW(self->window)) ||
           (window && gdk_window_get_state(window) & GDK_WINDOW_STATE_TILED);
}

/* The largest content that fits on the monitor, the shape of the picture kept. */
static void limit_to_monitor(ViewerWindow *self, int *width, int *height)
{
    GdkDisplay *display = gtk_widget_get_display(self->window);
    GdkWindow *window = gtk_widget_get_window(self->window);
    GdkMonitor *monitor = window ? gdk_display_get_monitor_at_window(display, window)
                                 : gdk_display_get_monitor(display, 0);
    GdkRectangle area;
    if (!monitor)
        return;
    gdk_monitor_get_workarea(monitor, &area);
    int header;
    gtk_widget_get_preferred_height(self->header, NULL, &header);
    double room_x = area.width, room_y = area.height - header;
    double scale = MIN(1, MIN(room_x / *width, room_y / *height));
    if (self->scaling && scale > 0) {
        *width = (int)(*width * scale);
        *height = (int)(*height * scale);
    } else {
        *width = MIN(*width, (int)room_x);
        *height = MIN(*height, (int)room_y);
    }
}

static gboolean fit_now(gpointer data)
{
    ViewerWindow *self = data;
    self->fit_idle = 0;
    if (!self->display || is_held(self))
        return G_SOURCE_REMOVE;
    int width, height;
    picture_size(self, &width, &height);
    limit_to_monitor(self, &width, &height);
    self->fitted_width = width;
    self->fitted_height = height;
    gtk_window_resize(GTK_WINDOW(self->window), width, height);
    return G_SOURCE_REMOVE;
}

void viewer_window_fit(ViewerWindow *self)
{
    if (!self->display || !self->display->width)
        return;
    gboolean first = !self->guest_width;
    /* A guest that did what was asked of it is shown in the window as the user made it. */
    int wanted_width, wanted_height;
    gboolean as_asked = !first && viewer_window_wanted_size(self, &wanted_width, &wanted_height) &&
                        ABS(wanted_width - self->display->width) < 8 &&
                        ABS(wanted_height - self->display->height) < 8;
    self->guest_width = self->display->width;
    self->guest_height = self->display->height;
    int width, height;
    picture_size(self, &width, &height);
    viewer_frame_set_natural(VIEWER_FRAME(self->frame), width, height);
    if (!as_asked && !self->fit_idle)
        self->fit_idle = g_idle_add(fit_now, self);
}

void viewer_window_set_zoom(ViewerWindow *self, int percent)
{
    self->zoom = CLAMP(percent, ZOOM_MIN, ZOOM_MAX);
    if (!self->display)
        return;
    int width, height;
    picture_size(self, &width, &height);
    viewer_frame_set_natural(VIEWER_FRAME(self->frame), width, height);
    if (!self->fit_idle)
        self->fit_idle = g_idle_add(fit_now, self);
    g_autofree char *text = g_strdup_printf("%d %%", self->zoom);
    viewer_window_toast(self, text);
    if (is_held(self))
        viewer_app_sizes_changed(self->app);
}

void viewer_window_step_zoom(ViewerWindow *self, int steps)
{
    if (!self->guest_width)
        return;
    /* From what is seen, which may be between two steps. */
    int scale = gtk_widget_get_scale_factor(self->window);
    double x = 100.0 * gtk_widget_get_allocated_width(self->frame) * scale / self->guest_width;
    double y = 100.0 * gtk_widget_get_allocated_height(self->frame) * scale / self->guest_height;
    int seen = self->scaling && !is_held(self) ? (int)(MIN(x, y) + 0.5) : self->zoom;
    int next = steps > 0 ? (seen / 10 + steps) * 10 : ((seen + 9) / 10 + steps) * 10;
    viewer_window_set_zoom(self, next);
}

void viewer_window_set_scaling(ViewerWindow *self, gboolean scaling)
{
    self->scaling = scaling;
    viewer_frame_set_shrinks(VIEWER_FRAME(self->frame), scaling);
    if (self->display)
        g_object_set(self->display->widget, "scaling", scaling, NULL);
    if (!scaling)
        viewer_window_set_zoom(self, 100);
}

gboolean viewer_window_wanted_size(ViewerWindow *self, int *width, int *height)
{
    if (!self->display || !gtk_widget_get_realized(self->frame))
        return FALSE;
    int scale = gtk_widget_get_scale_factor(self->window);
    *width = gtk_widget_get_allocated_width(self->scroll) * scale * 100 / self->zoom;
    *height = gtk_widget_get_allocated_height(self->scroll) * scale * 100 / self->zoom;
    return *width > 0 && *height > 0;
}

static gboolean sizes_settled(gpointer data)
{
    ViewerWindow *self = data;
    self->resize_timer = 0;
    viewer_app_sizes_changed(self->app);
    return G_SOURCE_REMOVE;
}

void viewer_window_frame_allocated(GtkWidget *frame, GdkRectangle *allocation, ViewerWindow *self)
{
    if (!self->display || !gtk_widget_get_mapped(frame) || !self->guest_width)
        return;
    if (ABS(allocation->width - self->fitted_width) <= 1 &&
        ABS(allocation->height - self->fitted_height) <= 1)
        return;
    /* The user's doing: once the size has settled the guest is asked to take it. */
    if (self->resize_timer)
        g_source_remove(self->resize_timer);
    self->resize_timer = g_timeout_add(RESIZE_DELAY_MS, sizes_settled, self);
}
