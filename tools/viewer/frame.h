/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The container around a guest's picture: asks for the guest's size times the zoom, and lets the
 * window be smaller. */
#ifndef VIEWER_FRAME_H
#define VIEWER_FRAME_H

#include <gtk/gtk.h>

#define VIEWER_TYPE_FRAME (viewer_frame_get_type())
G_DECLARE_FINAL_TYPE(ViewerFrame, viewer_frame, VIEWER, FRAME, GtkBin)

GtkWidget *viewer_frame_new(void);

/* Natural size in logical pixels: what the window gets when nobody has resized it. */
void viewer_frame_set_natural(ViewerFrame *frame, int width, int height);

/* Whether less than the natural size will do (the picture is scaled) or not (the window scrolls).
 */
void viewer_frame_set_shrinks(ViewerFrame *frame, gboolean shrinks);

#endif
