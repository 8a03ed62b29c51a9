/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SpiceDisplay: the guest's cursor, as the window's cursor in client mouse mode, painted in server
 * mode (docs/spec/client-gtk.md 8). */
#include "config.h"

#include <math.h>
#include <string.h>

#include "spice-gtk-session-priv.h"
#include "widget-priv.h"

/* A cursor is never shown smaller than this share of its size, or nobody would find it. */
#define MIN_SCALE 0.5

/* Guests send at most a few hundred pixels; what is larger is an attack on the window system. */
#define MAX_SHAPE 1024
#define MAX_CURSOR 512

/* ---- the shape
 * -------------------------------------------------------------------------------------------- */

static guint8 premultiply(guint value, guint alpha)
{
    return (value * alpha + 127) / 255;
}

static cairo_surface_t *shape_to_surface(const SpiceCursorShape *shape)
{
    const guint8 *source = shape->data;
    cairo_surface_t *surface;

    if (source == NULL || shape->width == 0 || shape->height == 0 || shape->width > MAX_SHAPE ||
        shape->height > MAX_SHAPE)
        return NULL;
    surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, shape->width, shape->height);
    if (cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS) {
        cairo_surface_destroy(surface);
        return NULL;
    }

    guint8 *rows = cairo_image_surface_get_data(surface);
    int stride = cairo_image_surface_get_stride(surface);

    for (guint y = 0; y < shape->height; y++) {
        guint32 *target = (guint32 *)(rows + (gsize)y * stride);

        for (guint x = 0; x < shape->width; x++, source += 4) {
            guint alpha = source[3];

            target[x] = alpha << 24 | (guint)premultiply(source[0], alpha) << 16 |
                        (guint)premultiply(source[1], alpha) << 8 | premultiply(source[2], alpha);
        }
    }
    cairo_surface_mark_dirty(surface);
    return surface;
}

void spice_display_cursor_changed(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;
    SpiceCursorShape *shape = NULL;

    if (d->cursor == NULL)
        return;
    g_object_get(d->cursor, "cursor", &shape, NULL);
    if (shape == NULL)
        return;
    spice_display_queue_cursor(display);
    g_clear_pointer(&d->cursor_shape, cairo_surface_destroy);
    d->cursor_shape = shape_to_surface(shape);
    d->cursor_hot_x = MIN(shape->hot_spot_x, shape->width);
    d->cursor_hot_y = MIN(shape->hot_spot_y, shape->height);
    g_boxed_free(SPICE_TYPE_CURSOR_SHAPE, shape);
    d->cursor_default = FALSE;
    /* In server mode a hidden cursor stays so until it moves. */
    if (d->mouse_mode != MOUSE_MODE_SERVER)
        d->cursor_hidden = FALSE;
    d->cursor_scale = 0;
    spice_display_update_cursor(display);
    spice_display_queue_cursor(display);
}

void spice_display_cursor_hide(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;

    spice_display_queue_cursor(display);
    d->cursor_hidden = TRUE;
    d->cursor_scale = 0;
    spice_display_update_cursor(display);
}

void spice_display_cursor_move(SpiceDisplay *display, gint x, gint y)
{
    SpiceDisplayPrivate *d = display->priv;

    spice_display_queue_cursor(display);
    d->cursor_x = x;
    d->cursor_y = y;
    if (d->cursor_hidden) {
        d->cursor_hidden = FALSE;
        d->cursor_scale = 0;
        spice_display_update_cursor(display);
    }
    spice_display_queue_cursor(display);
}

void spice_display_cursor_reset(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;

    spice_display_queue_cursor(display);
    d->cursor_default = TRUE;
    d->cursor_scale = 0;
    spice_display_update_cursor(display);
}

/* The channel is gone, and with it what it said. */
void spice_display_cursor_clear(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;

    g_clear_pointer(&d->cursor_shape, cairo_surface_destroy);
    d->cursor_x = d->cursor_y = -1;
    d->cursor_hidden = d->cursor_default = FALSE;
    d->cursor_scale = 0;
}

/* ---- the window's cursor
 * ---------------------------------------------------------------------------------- */

static GdkCursor *make_blank(GdkDisplay *gdk_display)
{
    return gdk_cursor_new_for_display(
        gdk_display, g_getenv("SPICE_DEBUG_CURSOR") ? GDK_CROSSHAIR : GDK_BLANK_CURSOR);
}

/* The shape as large as the guest's picture is shown. */
static GdkCursor *make_scaled(SpiceDisplay *display, gdouble scale)
{
    SpiceDisplayPrivate *d = display->priv;
    int width = cairo_image_surface_get_width(d->cursor_shape);
    int height = cairo_image_surface_get_height(d->cursor_shape);
    int factor = gtk_widget_get_scale_factor(GTK_WIDGET(display));

    scale = MIN(scale, (gdouble)MAX_CURSOR / MAX(width, height));

    int scaled_width = MAX((int)floor(width * scale), 1);
    int scaled_height = MAX((int)floor(height * scale), 1);
    /* The window system wants whole logical pixels: at least that many, the rest stays transparent.
     */
    int padded_width = (scaled_width + factor - 1) / factor * factor;
    int padded_height = (scaled_height + factor - 1) / factor * factor;
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_ARGB32, padded_width, padded_height);
    cairo_t *cr = cairo_create(surface);

    cairo_rectangle(cr, 0, 0, scaled_width, scaled_height);
    cairo_clip(cr);
    cairo_scale(cr, (gdouble)scaled_width / width, (gdouble)scaled_height / height);
    cairo_set_source_surface(cr, d->cursor_shape, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cr),
                             scale == 1 ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_BILINEAR);
    cairo_paint(cr);
    cairo_destroy(cr);
    cairo_surface_set_device_scale(surface, factor, factor);

    /* On X11 and Wayland GDK multiplies the hot spot by the factor again. */
    int hot_x = (int)floor(d->cursor_hot_x * scale) / factor;
    int hot_y = (int)floor(d->cursor_hot_y * scale) / factor;
    GdkCursor *cursor = gdk_cursor_new_from_surface(gtk_widget_get_display(GTK_WIDGET(display)),
                                                    surface, MIN(hot_x, padded_width / factor - 1),
                                                    MIN(hot_y, padded_height / factor - 1));

    cairo_surface_destroy(surface);
    return cursor;
}

void spice_display_update_cursor(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;
    GdkWindow *window = gtk_widget_get_window(GTK_WIDGET(display));
    GdkDisplay *gdk_display = gtk_widget_get_display(GTK_WIDGET(display));
    g_autoptr(GdkCursor) cursor = NULL;
    Layout layout;

    if (window == NULL || !d->ready)
        return;
    if (d->mouse_mode == MOUSE_MODE_SERVER) {
        /* Grabbed, the guest's own is painted. */
        cursor = d->mouse_grabbed ? make_blank(gdk_display) : NULL;
        d->cursor_scale = 0;
    } else if (d->cursor_default) {
        d->cursor_scale = 0;
    } else {
        spice_display_get_layout(display, &layout);

        gdouble scale = MAX(layout.scale, MIN_SCALE);

        if (scale == d->cursor_scale)
            return;
        d->cursor_scale = scale;
        cursor = d->cursor_hidden || d->cursor_shape == NULL ? make_blank(gdk_display)
                                                             : make_scaled(display, scale);
    }
    gdk_window_set_cursor(window, cursor);
}

/* ---- the painted cursor
 * ----------------------------------------------------------------------------------- */

static gboolean is_painted(SpiceDisplayPrivate *d)
{
    return d->mouse_mode == MOUSE_MODE_SERVER && d->cursor_shape != NULL && !d->cursor_hidden &&
           !d->cursor_default && d->cursor_x >= 0 && d->cursor_y >= 0 && d->gtk_session != NULL &&
           spice_gtk_session_get_pointer_grabbed(d->gtk_session);
}

/* In guest pixels, relative to the area. */
static LayoutRect get_cursor_place(SpiceDisplayPrivate *d)
{
    return (LayoutRect){d->cursor_x - d->cursor_hot_x - d->area.x,
                        d->cursor_y - d->cursor_hot_y - d->area.y,
                        cairo_image_surface_get_width(d->cursor_shape),
                        cairo_image_surface_get_height(d->cursor_shape)};
}

gboolean spice_display_get_cursor_rect(SpiceDisplay *display, const Layout *layout,
                                       LayoutRect *rect)
{
    SpiceDisplayPrivate *d = display->priv;

    if (!is_painted(d))
        return FALSE;
    *rect = layout_damage(layout, get_cursor_place(d));
    return rect->width > 0;
}

/* Redraw where the cursor is now; called before and after it changes. */
void spice_display_queue_cursor(SpiceDisplay *display)
{
    Layout layout;
    LayoutRect rect;

    if (!is_painted(display->priv))
        return;
    spice_display_get_layout(display, &layout);
    if (spice_display_get_cursor_rect(display, &layout, &rect))
        gtk_widget_queue_draw_area(GTK_WIDGET(display), rect.x, rect.y, rect.width, rect.height);
}

void spice_display_paint_cursor(SpiceDisplay *display, const Layout *layout, cairo_t *cr)
{
    SpiceDisplayPrivate *d = display->priv;
    double factor = layout->factor;

    if (!is_painted(d) || layout->area_width == 0)
        return;

    LayoutRect place = get_cursor_place(d);
    double x, y;

    cairo_save(cr);
    cairo_rectangle(cr, layout->origin_x / factor, layout->origin_y / factor,
                    layout->image.width / factor, layout->image.height / factor);
    cairo_clip(cr);
    layout_from_guest(layout, place.x, place.y, &x, &y);
    cairo_translate(cr, x, y);
    cairo_scale(cr, (double)layout->image.width / layout->area_width / factor,
                (double)layout->image.height / layout->area_height / factor);
    cairo_set_source_surface(cr, d->cursor_shape, 0, 0);
    cairo_paint(cr);
    cairo_restore(cr);
}
