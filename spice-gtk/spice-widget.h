/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public part of SpiceDisplay, the widget that shows one monitor of a guest. */
#ifndef SPICE_CLIENT_WIDGET_H
#define SPICE_CLIENT_WIDGET_H

#if !defined(__SPICE_CLIENT_GTK_H_INSIDE__) && !defined(SPICE_COMPILATION)
#warning "Only <spice-client-gtk.h> can be included directly"
#endif

#include "spice-client.h"

#include <gtk/gtk.h>
#include "spice-grabsequence.h"
#include "spice-widget-enums.h"
#include "spice-util.h"
#include "spice-gtk-session.h"

G_BEGIN_DECLS

#define SPICE_TYPE_DISPLAY (spice_display_get_type())
#define SPICE_DISPLAY(obj) (G_TYPE_CHECK_INSTANCE_CAST((obj), SPICE_TYPE_DISPLAY, SpiceDisplay))
#define SPICE_DISPLAY_CLASS(klass) \
    (G_TYPE_CHECK_CLASS_CAST((klass), SPICE_TYPE_DISPLAY, SpiceDisplayClass))
#define SPICE_IS_DISPLAY(obj) (G_TYPE_CHECK_INSTANCE_TYPE((obj), SPICE_TYPE_DISPLAY))
#define SPICE_IS_DISPLAY_CLASS(klass) (G_TYPE_CHECK_CLASS_TYPE((klass), SPICE_TYPE_DISPLAY))
#define SPICE_DISPLAY_GET_CLASS(obj) \
    (G_TYPE_INSTANCE_GET_CLASS((obj), SPICE_TYPE_DISPLAY, SpiceDisplayClass))

/**
 * SpiceDisplay:
 *
 * The widget that shows a guest's screen. Opaque.
 */
typedef struct _SpiceDisplay SpiceDisplay;

/**
 * SpiceDisplayClass:
 *
 * The class of #SpiceDisplay. Opaque.
 */
typedef struct _SpiceDisplayClass SpiceDisplayClass;

/**
 * SpiceDisplayKeyEvent:
 * @SPICE_DISPLAY_KEY_EVENT_PRESS: the keys go down
 * @SPICE_DISPLAY_KEY_EVENT_RELEASE: the keys go up
 * @SPICE_DISPLAY_KEY_EVENT_CLICK: the keys go down and up again
 *
 * What spice_display_send_keys() does with its keys.
 */
typedef enum {
    SPICE_DISPLAY_KEY_EVENT_PRESS = 1,
    SPICE_DISPLAY_KEY_EVENT_RELEASE = 2,
    SPICE_DISPLAY_KEY_EVENT_CLICK = 3,
} SpiceDisplayKeyEvent;

GType spice_display_get_type(void);

SpiceDisplay *spice_display_new(SpiceSession *session, int channel_id);
SpiceDisplay *spice_display_new_with_monitor(SpiceSession *session, gint channel_id,
                                             gint monitor_id);

void spice_display_keyboard_ungrab(SpiceDisplay *display);
void spice_display_mouse_ungrab(SpiceDisplay *display);
void spice_display_set_grab_keys(SpiceDisplay *display, SpiceGrabSequence *seq);
SpiceGrabSequence *spice_display_get_grab_keys(SpiceDisplay *display);
void spice_display_send_keys(SpiceDisplay *display, const guint *keyvals, int nkeyvals,
                             SpiceDisplayKeyEvent kind);
GdkPixbuf *spice_display_get_pixbuf(SpiceDisplay *display);

G_END_DECLS

#endif
