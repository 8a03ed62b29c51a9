/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of SpiceDisplay, shared by its files: widget-*.c and spice-widget.c. Main thread only.
 */
#ifndef SPICE_WIDGET_PRIV_H
#define SPICE_WIDGET_PRIV_H

#include <gtk/gtk.h>
#include <spice-client.h>

#include "spice-widget.h"
#include "grab-match.h"
#include "key-state.h"
#include "keycodes.h"
#include "layout.h"
#include "pointer-wayland.h"
#include "pointer-x11.h"

/* Mouse modes as SpiceMainChannel tells them; 0 while it doesn't know yet. */
#define MOUSE_MODE_SERVER 1
#define MOUSE_MODE_CLIENT 2

/* Modifiers that are pressed again after the focus came back with them held. */
#define N_HELD_MODIFIERS 3

typedef struct {
    SpiceSession *session; /* referenced until dispose */
    SpiceGtkSession *gtk_session;
    /* Channels: borrowed, forgotten at channel-destroy. */
    SpiceMainChannel *main;
    SpiceDisplayChannel *display;
    SpiceCursorChannel *cursor;
    SpiceInputsChannel *inputs;
    gboolean inputs_open; /* keys and motion reach the server */

    /* Inner widgets, owned by the container. */
    GtkWidget *stack, *draw_area, *label;

    /* Properties. */
    gint channel_id, monitor_id, zoom_level;
    gboolean grab_keyboard, grab_mouse, resize_guest, scaling, only_downscale, disable_inputs;
    guint keypress_delay;

    /* Picture. */
    SpiceDisplayPrimary primary; /* data NULL: none */
    LayoutRect area;             /* shown part of the surface, guest pixels */
    cairo_surface_t
        *picture; /* the area: around the primary's own pixels, or converted from 16 bits */
    cairo_region_t *unconverted;   /* damage of a 16-bit picture, relative to the area */
    cairo_surface_t *last_picture; /* copy of the area before a mode switch, shown until the next
                                      one is marked */
    gboolean area_known, marked, ready, gl;

    /* What the guest was told. */
    gboolean enabled_told, enabled; /* the last update_display_enabled, if any */
    guint disable_timer;

    /* Keyboard. */
    KeycodeTable keycodes;
    gboolean keycodes_chosen;
    KeyState keys;
    guint key_timer;
    guint16 code_of_key[256];                 /* by hardware keycode: what its press sent; 0: up */
    guint16 held_modifiers[N_HELD_MODIFIERS]; /* codes pressed for modifiers held at focus-in; 0:
                                                 none */
    gboolean check_modifiers;                 /* the focus has just come back */
    SpiceGrabSequence *grab_sequence;
    GrabMatch grab_match;
    gboolean has_keyboard_focus, keyboard_grabbed, released_by_sequence;
    guint focus_timer;

    /* Pointer. */
    gint mouse_mode;
    gboolean has_pointer, mouse_grabbed;
    gint buttons;                 /* SPICE_MOUSE_BUTTON_MASK_*: what the guest believes */
    gboolean pointer_in_image;    /* the last motion was inside */
    gint sent_x, sent_y, sent_id; /* the last position sent; id -1: none */
    gboolean have_last, warped;
    gdouble last_x, last_y;   /* grabbed: last position, root window, logical pixels */
    gdouble warp_x, warp_y;   /* where the pointer was put, if warped */
    gdouble carry_x, carry_y; /* motion not sent yet, less than a pixel */
    gdouble scroll;           /* wheel turn not sent yet */
    guint32 scroll_time;
    WaylandPointer *wayland_pointer;
    X11Acceleration *acceleration;

    /* Cursor. */
    cairo_surface_t *cursor_shape; /* ARGB32, guest pixels */
    gint cursor_hot_x, cursor_hot_y;
    gint cursor_x, cursor_y; /* guest position, surface coordinates; -1: unknown */
    gboolean cursor_hidden, cursor_default;
    gdouble cursor_scale; /* the window's cursor is made for this, 0: rebuild */
} SpiceDisplayPrivate;

struct _SpiceDisplay {
    GtkEventBox parent;
    SpiceDisplayPrivate *priv;
};

struct _SpiceDisplayClass {
    GtkEventBoxClass parent_class;
    gpointer reserved[2]; /* the class is as large as in the deployed library */
};

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SpiceDisplay, g_object_unref)

/* spice-widget.c */
gboolean spice_display_inputs_enabled(SpiceDisplay *display);
/* SPICE_NOGRAB: nothing is ever grabbed. */
gboolean spice_display_grabs_allowed(void);
void spice_display_set_keypress_delay(SpiceDisplay *display, guint delay);
void spice_display_emit_keyboard_grab(SpiceDisplay *display, gboolean grabbed);
void spice_display_emit_mouse_grab(SpiceDisplay *display, gboolean grabbed);
void spice_display_emit_grab_keys_pressed(SpiceDisplay *display);

/* widget-channels.c: channels, the shown area, readiness, sizes asked of the guest */
void spice_display_attach_channels(SpiceDisplay *display);
void spice_display_detach_channels(SpiceDisplay *display);
void spice_display_update_area(SpiceDisplay *display);
void spice_display_update_ready(SpiceDisplay *display);
void spice_display_update_size_request(SpiceDisplay *display);
void spice_display_update_guest_size(SpiceDisplay *display);
gint spice_display_get_display_id(SpiceDisplay *display);

/* widget-draw.c */
void spice_display_get_layout(SpiceDisplay *display, Layout *layout);
gboolean spice_display_draw(GtkWidget *draw_area, cairo_t *cr, SpiceDisplay *display);
void spice_display_set_primary(SpiceDisplay *display, const SpiceDisplayPrimary *primary);
void spice_display_make_picture(SpiceDisplay *display);
void spice_display_clear_pictures(SpiceDisplay *display);
void spice_display_invalidate(SpiceDisplay *display, gint x, gint y, gint width, gint height);

/* widget-keyboard.c */
void spice_display_keyboard_init(SpiceDisplay *display);
void spice_display_keyboard_class_init(GtkWidgetClass *klass);
void spice_display_choose_keycodes(SpiceDisplay *display);
void spice_display_release_keys(SpiceDisplay *display);
void spice_display_lose_focus(SpiceDisplay *display);
void spice_display_try_keyboard_grab(SpiceDisplay *display);
void spice_display_drop_keyboard_grab(SpiceDisplay *display);
void spice_display_update_keyboard_grab(SpiceDisplay *display);
void spice_display_send_keyval(SpiceDisplay *display, guint keyval, gboolean press);

/* widget-pointer.c */
void spice_display_pointer_class_init(GtkWidgetClass *klass);
void spice_display_try_mouse_grab(SpiceDisplay *display);
void spice_display_drop_mouse_grab(SpiceDisplay *display);
void spice_display_update_mouse_grab(SpiceDisplay *display);
void spice_display_set_mouse_mode(SpiceDisplay *display, gint mode);
void spice_display_release_buttons(SpiceDisplay *display);
void spice_display_pointer_gone(SpiceDisplay *display);

/* widget-cursor.c */
void spice_display_cursor_changed(SpiceDisplay *display);
void spice_display_cursor_hide(SpiceDisplay *display);
void spice_display_cursor_move(SpiceDisplay *display, gint x, gint y);
void spice_display_cursor_reset(SpiceDisplay *display);
void spice_display_cursor_clear(SpiceDisplay *display);
/* Make the window's cursor fit the shape, the scale and the mouse mode. */
void spice_display_update_cursor(SpiceDisplay *display);
/* Where the guest's cursor is painted now, logical pixels; FALSE: nowhere. */
gboolean spice_display_get_cursor_rect(SpiceDisplay *display, const Layout *layout,
                                       LayoutRect *rect);
void spice_display_paint_cursor(SpiceDisplay *display, const Layout *layout, cairo_t *cr);
void spice_display_queue_cursor(SpiceDisplay *display);

#endif
