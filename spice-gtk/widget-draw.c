/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SpiceDisplay: the picture. The primary's pixels are read where they are and scaled once, by
 * cairo, when GTK draws; only what was damaged is drawn. A scaled copy would pay only for exposures
 * without damage, which are rare. */
#include "config.h"

#include <math.h>

#include "widget-priv.h"

/* Larger surfaces than cairo can hold are refused rather than shown in part. */
#define MAX_SURFACE 32767

void spice_display_get_layout(SpiceDisplay *display, Layout *layout)
{
    SpiceDisplayPrivate *d = display->priv;
    GtkWidget *widget = GTK_WIDGET(display);
    gboolean allocated = gtk_widget_get_realized(widget);

    layout_compute(layout, d->area.width, d->area.height,
                   allocated ? gtk_widget_get_allocated_width(widget) : 0,
                   allocated ? gtk_widget_get_allocated_height(widget) : 0,
                   gtk_widget_get_scale_factor(widget), d->scaling, d->only_downscale);
}

static gboolean is_16_bit(const SpiceDisplayPrimary *primary)
{
    return primary->format == SPICE_SURFACE_FMT_16_555 ||
           primary->format == SPICE_SURFACE_FMT_16_565;
}

static gint bytes_per_pixel(const SpiceDisplayPrimary *primary)
{
    return is_16_bit(primary) ? 2 : 4;
}

static gboolean is_valid(const SpiceDisplayPrimary *primary)
{
    switch ((gint)primary->format) {
    case SPICE_SURFACE_FMT_32_xRGB:
    case SPICE_SURFACE_FMT_32_ARGB:
    case SPICE_SURFACE_FMT_16_555:
    case SPICE_SURFACE_FMT_16_565:
        break;
    default:
        return FALSE;
    }
    return primary->data != NULL && primary->width > 0 && primary->height > 0 &&
           primary->width <= MAX_SURFACE && primary->height <= MAX_SURFACE &&
           primary->stride >= primary->width * bytes_per_pixel(primary);
}

/* ---- 16-bit surfaces
 * -------------------------------------------------------------------------------------- */

/* A channel of 5 or 6 bits becomes 8 by repeating its upper bits, so that full stays full. */
static guint32 expand_555(guint16 pixel)
{
    guint32 r = pixel >> 10 & 31, g = pixel >> 5 & 31, b = pixel & 31;

    return (r << 3 | r >> 2) << 16 | (g << 3 | g >> 2) << 8 | (b << 3 | b >> 2);
}

static guint32 expand_565(guint16 pixel)
{
    guint32 r = pixel >> 11 & 31, g = pixel >> 5 & 63, b = pixel & 31;

    return (r << 3 | r >> 2) << 16 | (g << 2 | g >> 4) << 8 | (b << 3 | b >> 2);
}

static void convert_rect(SpiceDisplayPrivate *d, const cairo_rectangle_int_t *rect)
{
    guint8 *to = cairo_image_surface_get_data(d->picture);
    int to_stride = cairo_image_surface_get_stride(d->picture);
    gboolean is_555 = d->primary.format == SPICE_SURFACE_FMT_16_555;

    for (int y = rect->y; y < rect->y + rect->height; y++) {
        const guint16 *source =
            (const guint16 *)(d->primary.data + (gsize)(d->area.y + y) * d->primary.stride) +
            d->area.x;
        guint32 *target = (guint32 *)(to + (gsize)y * to_stride);

        for (int x = rect->x; x < rect->x + rect->width; x++)
            target[x] = is_555 ? expand_555(source[x]) : expand_565(source[x]);
    }
}

/* Convert what has changed since the last frame. */
static void convert_damage(SpiceDisplayPrivate *d)
{
    if (d->picture == NULL)
        return;
    cairo_surface_flush(d->picture);
    if (d->unconverted != NULL && !cairo_region_is_empty(d->unconverted)) {
        for (int i = 0; i < cairo_region_num_rectangles(d->unconverted); i++) {
            cairo_rectangle_int_t rect;

            cairo_region_get_rectangle(d->unconverted, i, &rect);
            convert_rect(d, &rect);
        }
        cairo_region_destroy(d->unconverted);
        d->unconverted = cairo_region_create();
    }
    /* The channel writes into the pixels behind cairo's back. */
    cairo_surface_mark_dirty(d->picture);
}

/* ---- the picture
 * ------------------------------------------------------------------------------------------ */

static void drop_picture(SpiceDisplayPrivate *d)
{
    if (d->picture != NULL)
        cairo_surface_finish(d->picture); /* its pixels may go before the last reference does */
    g_clear_pointer(&d->picture, cairo_surface_destroy);
    g_clear_pointer(&d->unconverted, cairo_region_destroy);
}

void spice_display_clear_pictures(SpiceDisplay *display)
{
    drop_picture(display->priv);
    g_clear_pointer(&display->priv->last_picture, cairo_surface_destroy);
}

/* Keep a copy of what was shown: a mode switch then doesn't flash black. */
static void keep_last_picture(SpiceDisplayPrivate *d)
{
    if (!d->ready || d->picture == NULL)
        return;
    convert_damage(d);
    g_clear_pointer(&d->last_picture, cairo_surface_destroy);
    d->last_picture = cairo_image_surface_create(CAIRO_FORMAT_RGB24, d->area.width, d->area.height);

    cairo_t *cr = cairo_create(d->last_picture);

    cairo_set_source_surface(cr, d->picture, 0, 0);
    cairo_paint(cr);
    cairo_destroy(cr);
}

/* Another primary, or none (NULL). The old one's pixels are still there. */
void spice_display_set_primary(SpiceDisplay *display, const SpiceDisplayPrimary *primary)
{
    SpiceDisplayPrivate *d = display->priv;

    keep_last_picture(d);
    drop_picture(d);
    if (primary != NULL && !is_valid(primary)) {
        g_warning("a surface of %dx%d, format %d, stride %d can't be shown", primary->width,
                  primary->height, (gint)primary->format, primary->stride);
        primary = NULL;
    }
    d->primary = primary ? *primary : (SpiceDisplayPrimary){.data = NULL};
}

/* Fit the picture to the area. */
void spice_display_make_picture(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;
    LayoutRect surface = {0, 0, d->primary.width, d->primary.height};
    LayoutRect shown = layout_intersect(surface, d->area);

    drop_picture(d);
    /* Every pixel read later lies in the surface: the area comes from the guest. */
    if (d->primary.data == NULL || shown.width == 0 || shown.width != d->area.width ||
        shown.height != d->area.height)
        return;
    if (is_16_bit(&d->primary)) {
        cairo_rectangle_int_t all = {0, 0, shown.width, shown.height};

        d->picture = cairo_image_surface_create(CAIRO_FORMAT_RGB24, shown.width, shown.height);
        d->unconverted = cairo_region_create_rectangle(&all);
    } else {
        d->picture = cairo_image_surface_create_for_data(
            d->primary.data + (gsize)shown.y * d->primary.stride + (gsize)shown.x * 4,
            CAIRO_FORMAT_RGB24, shown.width, shown.height, d->primary.stride);
    }
    if (cairo_surface_status(d->picture) != CAIRO_STATUS_SUCCESS) {
        g_warning("the picture can't be shown: %s",
                  cairo_status_to_string(cairo_surface_status(d->picture)));
        drop_picture(d);
    }
}

/* ---- damage
 * -----------------------------------------------------------------------------------------------
 */

/* Redraw what shows a rectangle of the surface. */
void spice_display_invalidate(SpiceDisplay *display, gint x, gint y, gint width, gint height)
{
    SpiceDisplayPrivate *d = display->priv;
    LayoutRect changed = layout_intersect((LayoutRect){x, y, width, height}, d->area);
    Layout layout;

    if (changed.width == 0)
        return;
    changed.x -= d->area.x;
    changed.y -= d->area.y;
    if (d->unconverted != NULL) {
        cairo_rectangle_int_t rect = {changed.x, changed.y, changed.width, changed.height};

        cairo_region_union_rectangle(d->unconverted, &rect);
    }
    spice_display_get_layout(display, &layout);
    changed = layout_damage(&layout, changed);
    gtk_widget_queue_draw_area(GTK_WIDGET(display), changed.x, changed.y, changed.width,
                               changed.height);
}

/* ---- painting
 * --------------------------------------------------------------------------------------------- */

/* Nearest pixels where that is exact, so that text stays sharp; else a filter. */
static cairo_filter_t choose_filter(double scale_x, double scale_y)
{
    gboolean whole =
        scale_x >= 1 && scale_y >= 1 && scale_x == floor(scale_x) && scale_y == floor(scale_y);

    return whole ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_GOOD;
}

/* Paint a picture into the place that the layout has for it. */
static void paint_picture(cairo_t *cr, const Layout *layout, cairo_surface_t *picture)
{
    int width = cairo_image_surface_get_width(picture);
    int height = cairo_image_surface_get_height(picture);
    double scale_x = (double)layout->image.width / width;
    double scale_y = (double)layout->image.height / height;
    double factor = layout->factor;

    cairo_save(cr);
    cairo_translate(cr, layout->origin_x / factor, layout->origin_y / factor);
    cairo_rectangle(cr, 0, 0, layout->image.width / factor, layout->image.height / factor);
    cairo_clip(cr);
    cairo_scale(cr, scale_x / factor, scale_y / factor);
    cairo_set_source_surface(cr, picture, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cr), choose_filter(scale_x, scale_y));
    /* The filter must not mix black into the edges. */
    cairo_pattern_set_extend(cairo_get_source(cr), CAIRO_EXTEND_PAD);
    cairo_set_operator(cr, CAIRO_OPERATOR_SOURCE);
    cairo_paint(cr);
    cairo_restore(cr);
}

gboolean spice_display_draw(GtkWidget *draw_area, cairo_t *cr, SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;
    Layout layout;

    cairo_set_source_rgb(cr, 0, 0, 0);
    cairo_paint(cr);
    spice_display_get_layout(display, &layout);
    if (d->ready && d->marked && d->picture != NULL) {
        g_clear_pointer(&d->last_picture, cairo_surface_destroy);
        convert_damage(d);
        paint_picture(cr, &layout, d->picture);
        spice_display_paint_cursor(display, &layout, cr);
    } else if (d->last_picture != NULL) {
        layout_compute(&layout, cairo_image_surface_get_width(d->last_picture),
                       cairo_image_surface_get_height(d->last_picture),
                       gtk_widget_get_allocated_width(draw_area),
                       gtk_widget_get_allocated_height(draw_area),
                       gtk_widget_get_scale_factor(draw_area), d->scaling, d->only_downscale);
        paint_picture(cr, &layout, d->last_picture);
    }
    return GDK_EVENT_PROPAGATE;
}

/**
 * spice_display_get_pixbuf:
 * @display: the widget
 *
 * The guest's picture as it is: not scaled, without cursor.
 *
 * Returns: (transfer full): a new pixbuf of the shown area, three channels; %NULL (with a critical
 * message) when there is no picture
 */
GdkPixbuf *spice_display_get_pixbuf(SpiceDisplay *display)
{
    g_return_val_if_fail(SPICE_IS_DISPLAY(display), NULL);

    SpiceDisplayPrivate *d = display->priv;

    g_return_val_if_fail(d->display != NULL, NULL);
    g_return_val_if_fail(d->picture != NULL, NULL);

    convert_damage(d);

    GdkPixbuf *pixbuf = gdk_pixbuf_new(GDK_COLORSPACE_RGB, FALSE, 8, d->area.width, d->area.height);

    if (pixbuf == NULL) /* no memory for it */
        return NULL;

    const guint8 *source = cairo_image_surface_get_data(d->picture);
    guint8 *target = gdk_pixbuf_get_pixels(pixbuf);
    int source_stride = cairo_image_surface_get_stride(d->picture);
    int target_stride = gdk_pixbuf_get_rowstride(pixbuf);

    for (int y = 0; y < d->area.height; y++) {
        const guint32 *from = (const guint32 *)(source + (gsize)y * source_stride);
        guint8 *to = target + (gsize)y * target_stride;

        for (int x = 0; x < d->area.width; x++, to += 3) {
            to[0] = from[x] >> 16;
            to[1] = from[x] >> 8;
            to[2] = from[x];
        }
    }
    return pixbuf;
}
