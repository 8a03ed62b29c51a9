/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A GtkBin with a natural size of its own; its child gets the whole of its place, whatever the
 * child would ask for. */
#include "config.h"
#include "frame.h"

/* Below this a desktop can't be used, and the window's own buttons no longer fit. */
#define MINIMUM_WIDTH 320
#define MINIMUM_HEIGHT 200

struct _ViewerFrame {
    GtkBin parent;
    int width, height;
    gboolean shrinks;
};

G_DEFINE_TYPE(ViewerFrame, viewer_frame, GTK_TYPE_BIN)

static void get_width(GtkWidget *widget, int *minimum, int *natural)
{
    ViewerFrame *self = VIEWER_FRAME(widget);
    GtkWidget *child = gtk_bin_get_child(GTK_BIN(widget));
    int ignored;
    /* GTK wants every child asked before it is given a place. */
    if (child)
        gtk_widget_get_preferred_width(child, &ignored, NULL);
    *natural = self->width;
    *minimum = self->shrinks ? MIN(MINIMUM_WIDTH, self->width) : self->width;
}

static void get_height(GtkWidget *widget, int *minimum, int *natural)
{
    ViewerFrame *self = VIEWER_FRAME(widget);
    GtkWidget *child = gtk_bin_get_child(GTK_BIN(widget));
    int ignored;
    if (child)
        gtk_widget_get_preferred_height(child, &ignored, NULL);
    *natural = self->height;
    *minimum = self->shrinks ? MIN(MINIMUM_HEIGHT, self->height) : self->height;
}

static void size_allocate(GtkWidget *widget, GtkAllocation *allocation)
{
    GtkWidget *child = gtk_bin_get_child(GTK_BIN(widget));
    gtk_widget_set_allocation(widget, allocation);
    if (child && gtk_widget_get_visible(child))
        gtk_widget_size_allocate(child, allocation);
}

static void viewer_frame_class_init(ViewerFrameClass *klass)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);
    widget_class->get_preferred_width = get_width;
    widget_class->get_preferred_height = get_height;
    widget_class->size_allocate = size_allocate;
}

static void viewer_frame_init(ViewerFrame *self)
{
    self->width = 800;
    self->height = 600;
    self->shrinks = TRUE;
}

GtkWidget *viewer_frame_new(void)
{
    return g_object_new(VIEWER_TYPE_FRAME, "visible", TRUE, NULL);
}

void viewer_frame_set_natural(ViewerFrame *self, int width, int height)
{
    if (self->width == width && self->height == height)
        return;
    self->width = MAX(width, 1);
    self->height = MAX(height, 1);
    gtk_widget_queue_resize(GTK_WIDGET(self));
}

void viewer_frame_set_shrinks(ViewerFrame *self, gboolean shrinks)
{
    self->shrinks = shrinks;
    gtk_widget_queue_resize(GTK_WIDGET(self));
}
