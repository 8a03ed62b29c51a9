/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The transform between guest pixels, device pixels and logical pixels. */
#include "config.h"

#include <math.h>
#include <string.h>

#include "layout.h"

void layout_compute(Layout *layout, int area_width, int area_height, int width, int height,
                    int factor, gboolean scaling, gboolean only_downscale)
{
    memset(layout, 0, sizeof *layout);
    layout->factor = MAX(factor, 1);
    layout->scale = 1;
    if (area_width <= 0 || area_height <= 0)
        return;
    layout->area_width = area_width;
    layout->area_height = area_height;

    double room_x = width > 0 ? (double)width * layout->factor : area_width;
    double room_y = height > 0 ? (double)height * layout->factor : area_height;

    if (scaling) {
        layout->scale = MIN(room_x / area_width, room_y / area_height);
        if (only_downscale)
            layout->scale = MIN(layout->scale, 1);
    }

    LayoutRect *image = &layout->image;

    image->width = (int)floor(area_width * layout->scale + 0.5);
    image->height = (int)floor(area_height * layout->scale + 0.5);
    image->width = MAX(image->width, 1);
    image->height = MAX(image->height, 1);
    image->x = MAX(0, (int)((room_x - image->width) / 2));
    image->y = MAX(0, (int)((room_y - image->height) / 2));
    layout->origin_x = image->x / layout->factor * layout->factor;
    layout->origin_y = image->y / layout->factor * layout->factor;
}

/* Along one axis: the last device pixel of the picture is the last guest pixel, so that screen
 * edges can be reached. */
static double to_guest_axis(double device, int area, int image)
{
    const double rounding =
        1e-6; /* logical positions are fractions: a pixel's own corner is in it */

    if (image <= 1 || area <= 1)
        return floor(device * area / MAX(image, 1) + rounding);
    return floor(device * (area - 1) / (image - 1) + rounding);
}

gboolean layout_to_guest(const Layout *layout, double widget_x, double widget_y, int *x, int *y)
{
    const int far = 1 << 24; /* beyond every surface, and safe to compute with */

    if (layout->area_width == 0) {
        *x = *y = -1;
        return FALSE;
    }

    double gx = to_guest_axis(widget_x * layout->factor - layout->origin_x, layout->area_width,
                              layout->image.width);
    double gy = to_guest_axis(widget_y * layout->factor - layout->origin_y, layout->area_height,
                              layout->image.height);

    *x = (int)CLAMP(gx, -far, far);
    *y = (int)CLAMP(gy, -far, far);
    return *x >= 0 && *x < layout->area_width && *y >= 0 && *y < layout->area_height;
}

void layout_clamp(const Layout *layout, int *x, int *y)
{
    *x = CLAMP(*x, 0, MAX(layout->area_width - 1, 0));
    *y = CLAMP(*y, 0, MAX(layout->area_height - 1, 0));
}

void layout_from_guest(const Layout *layout, double x, double y, double *widget_x, double *widget_y)
{
    double scale_x = layout->scale, scale_y = layout->scale;

    if (layout->area_width > 0) {
        scale_x = (double)layout->image.width / layout->area_width;
        scale_y = (double)layout->image.height / layout->area_height;
    }
    *widget_x = (layout->origin_x + x * scale_x) / layout->factor;
    *widget_y = (layout->origin_y + y * scale_y) / layout->factor;
}

LayoutRect layout_damage(const Layout *layout, LayoutRect guest)
{
    LayoutRect none = {0, 0, 0, 0};
    LayoutRect area = {0, 0, layout->area_width, layout->area_height};

    guest = layout_intersect(guest, area);
    if (guest.width == 0)
        return none;

    double x0, y0, x1, y1;
    /* A scaling filter looks at the neighbours: one guest pixel around when it enlarges, and the
     * width of its kernel, some device pixels, in any case. */
    gboolean scaled =
        layout->image.width != layout->area_width || layout->image.height != layout->area_height;
    int around = scaled ? 1 : 0;
    double margin = scaled ? 2.0 / layout->factor : 0;

    layout_from_guest(layout, guest.x - around, guest.y - around, &x0, &y0);
    layout_from_guest(layout, guest.x + guest.width + around, guest.y + guest.height + around, &x1,
                      &y1);

    LayoutRect damage = {(int)floor(x0 - margin), (int)floor(y0 - margin), 0, 0};

    damage.width = (int)ceil(x1 + margin) - damage.x;
    damage.height = (int)ceil(y1 + margin) - damage.y;
    return damage;
}

LayoutRect layout_intersect(LayoutRect a, LayoutRect b)
{
    LayoutRect both = {MAX(a.x, b.x), MAX(a.y, b.y), 0, 0};
    gint64 right = MIN((gint64)a.x + a.width, (gint64)b.x + b.width);
    gint64 bottom = MIN((gint64)a.y + a.height, (gint64)b.y + b.height);

    if (right > both.x && bottom > both.y) {
        both.width = (int)(right - both.x);
        both.height = (int)(bottom - both.y);
    }
    return both;
}

LayoutAreaResult layout_select_area(const LayoutMonitor *monitors, guint n_monitors, int monitor_id,
                                    int surface_width, int surface_height, gboolean gl,
                                    LayoutRect *area)
{
    const LayoutMonitor *monitor = NULL;

    *area = (LayoutRect){0, 0, surface_width, surface_height};
    if (monitor_id < 0)
        return surface_width > 0 && surface_height > 0 ? LAYOUT_AREA_FOUND : LAYOUT_AREA_EMPTY;

    for (guint i = 0; i < n_monitors && !monitor; i++)
        if (monitors[i].id == (guint)monitor_id)
            monitor = &monitors[i];
    if (!monitor)
        return LAYOUT_AREA_MISSING;

    if (monitor->surface_id == 0) {
        /* Numbers are the guest's: anything beyond an int is outside every surface. */
        LayoutRect wanted = {(int)MIN(monitor->x, G_MAXINT), (int)MIN(monitor->y, G_MAXINT),
                             (int)MIN(monitor->width, G_MAXINT),
                             (int)MIN(monitor->height, G_MAXINT)};

        /* Some drivers place their only monitor somewhere on a large virtual desktop. */
        if (n_monitors == 1 && !gl)
            wanted.x = wanted.y = 0;
        *area = layout_intersect(*area, wanted);
    }
    return area->width > 0 && area->height > 0 ? LAYOUT_AREA_FOUND : LAYOUT_AREA_EMPTY;
}
