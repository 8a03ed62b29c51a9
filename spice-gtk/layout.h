/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the guest's picture lies in the widget: the one transform that painting, damage, pointer
 * and cursor use (docs/spec/client-gtk.md 3). Free of GTK. */
#ifndef SPICE_GTK_LAYOUT_H
#define SPICE_GTK_LAYOUT_H

#include <glib.h>

/* A rectangle in guest, device or logical pixels, as each use says. */
typedef struct {
    int x, y, width, height;
} LayoutRect;

/* A plain value. "Device pixels" are logical pixels times the scale factor of the window. */
typedef struct {
    int area_width,
        area_height;  /* shown part of the guest's surface, guest pixels; 0: nothing to show */
    int factor;       /* scale factor of the window, at least 1 */
    double scale;     /* device pixels per guest pixel */
    LayoutRect image; /* the picture in the widget, device pixels; may be larger than the widget */
    int origin_x,
        origin_y; /* where painting starts, device pixels: image.x, .y on a whole logical pixel */
} Layout;

/* Place an area in a widget of the given logical size; width or height 0: not allocated yet. */
void layout_compute(Layout *layout, int area_width, int area_height, int width, int height,
                    int factor, gboolean scaling, gboolean only_downscale);

/* A logical position in the widget -> guest pixel relative to the area. FALSE: outside the picture;
 * then *x, *y are outside the area too. */
gboolean layout_to_guest(const Layout *layout, double widget_x, double widget_y, int *x, int *y);

/* The nearest pixel of the area. */
void layout_clamp(const Layout *layout, int *x, int *y);

/* The upper left corner of a guest pixel (relative to the area) as a logical position in the
 * widget. */
void layout_from_guest(const Layout *layout, double x, double y, double *widget_x,
                       double *widget_y);

/* What must be redrawn, in logical pixels, when guest pixels (relative to the area) have changed.
 * An empty rectangle comes out for an empty one. */
LayoutRect layout_damage(const Layout *layout, LayoutRect guest);

/* The common part of two rectangles, computed without overflow; width and height 0 when there is
 * none. */
LayoutRect layout_intersect(LayoutRect a, LayoutRect b);

/* One monitor of a channel, as its server described it. */
typedef struct {
    guint id, surface_id, x, y, width, height;
} LayoutMonitor;

typedef enum {
    LAYOUT_AREA_FOUND,   /* *area is set */
    LAYOUT_AREA_EMPTY,   /* the monitor is outside the surface: *area is empty */
    LAYOUT_AREA_MISSING, /* no such monitor; *area is the whole surface */
} LayoutAreaResult;

/* The part of a surface that a monitor shows; monitor_id -1: all of it
 * (docs/spec/client-gtk.md 2.3). */
LayoutAreaResult layout_select_area(const LayoutMonitor *monitors, guint n_monitors, int monitor_id,
                                    int surface_width, int surface_height, gboolean gl,
                                    LayoutRect *area);

#endif
