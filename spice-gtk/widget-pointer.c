/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SpiceDisplay: buttons, wheel, positions in client mouse mode, motion and the pointer grab in
 * server mode (docs/spec/client-gtk.md 7). */
#include "config.h"

#include <math.h>

#include "spice-gtk-session-priv.h"
#include "widget-priv.h"

/* A wheel that rests this long starts a new click. */
#define SCROLL_PAUSE_MS 500

static const struct {
    guint gdk;
    GdkModifierType state; /* 0: GDK's state has no bit for it */
    gint button, mask;
} buttons[] = {
    {1, GDK_BUTTON1_MASK, SPICE_MOUSE_BUTTON_LEFT, SPICE_MOUSE_BUTTON_MASK_LEFT},
    {2, GDK_BUTTON2_MASK, SPICE_MOUSE_BUTTON_MIDDLE, SPICE_MOUSE_BUTTON_MASK_MIDDLE},
    {3, GDK_BUTTON3_MASK, SPICE_MOUSE_BUTTON_RIGHT, SPICE_MOUSE_BUTTON_MASK_RIGHT},
    {8, 0, SPICE_MOUSE_BUTTON_SIDE, SPICE_MOUSE_BUTTON_MASK_SIDE},
    {9, 0, SPICE_MOUSE_BUTTON_EXTRA, SPICE_MOUSE_BUTTON_MASK_EXTRA},
};

static GdkSeat *get_seat(SpiceDisplay *display)
{
    return gdk_display_get_default_seat(gtk_widget_get_display(GTK_WIDGET(display)));
}

/* ---- buttons
 * ---------------------------------------------------------------------------------------------- */

static void release_button(SpiceDisplay *display, guint i)
{
    SpiceDisplayPrivate *d = display->priv;

    d->buttons &= ~buttons[i].mask;
    if (d->inputs != NULL && d->inputs_open)
        spice_inputs_channel_button_release(d->inputs, buttons[i].button, d->buttons);
}

/* The guest must not keep a button whose release it would never see. */
void spice_display_release_buttons(SpiceDisplay *display)
{
    for (guint i = 0; i < G_N_ELEMENTS(buttons); i++)
        if (display->priv->buttons & buttons[i].mask)
            release_button(display, i);
}

/* A release that went elsewhere (to a dialog, to another program's grab) shows in the next event.
 */
static void release_lost_buttons(SpiceDisplay *display, guint state)
{
    for (guint i = 0; i < G_N_ELEMENTS(buttons); i++)
        if (buttons[i].state && display->priv->buttons & buttons[i].mask &&
            !(state & buttons[i].state))
            release_button(display, i);
}

/* ---- client mode: positions
 * ------------------------------------------------------------------------------- */

static void send_position(SpiceDisplay *display, gint x, gint y, gint id)
{
    SpiceDisplayPrivate *d = display->priv;

    d->sent_x = x;
    d->sent_y = y;
    d->sent_id = id;
    spice_inputs_channel_position(d->inputs, x, y, id, d->buttons);
}

/* While a button is held, this widget gets all motion: the display of the same session that the
 * pointer is over now. */
static SpiceDisplay *find_display(SpiceDisplay *display, gdouble x_root, gdouble y_root, gdouble *x,
                                  gdouble *y)
{
    GtkWidget *toplevel = gtk_widget_get_toplevel(GTK_WIDGET(display));
    gboolean one_window = wayland_is_display(gtk_widget_get_display(GTK_WIDGET(display)));

    if (display->priv->gtk_session == NULL)
        return NULL;
    for (GList *l = spice_gtk_session_get_displays(display->priv->gtk_session); l; l = l->next) {
        SpiceDisplay *other = SPICE_DISPLAY(l->data);
        gint origin_x, origin_y;

        if (other == display || !other->priv->ready || !gtk_widget_get_mapped(l->data))
            continue;
        /* Wayland doesn't tell where windows are. */
        if (one_window && gtk_widget_get_toplevel(l->data) != toplevel)
            continue;
        gdk_window_get_origin(gtk_widget_get_window(l->data), &origin_x, &origin_y);
        *x = x_root - origin_x;
        *y = y_root - origin_y;
        if (*x >= 0 && *x < gtk_widget_get_allocated_width(l->data) && *y >= 0 &&
            *y < gtk_widget_get_allocated_height(l->data))
            return other;
    }
    return NULL;
}

/* The pointer is at a place of this widget; dragging: even outside the picture the guest must
 * follow. */
static void move_absolute(SpiceDisplay *display, gdouble widget_x, gdouble widget_y, gdouble x_root,
                          gdouble y_root)
{
    SpiceDisplayPrivate *d = display->priv;
    gboolean was_inside = d->pointer_in_image;
    gint id = spice_display_get_display_id(display);
    Layout layout;
    gint x, y;

    spice_display_get_layout(display, &layout);
    if (layout.area_width == 0)
        return;
    d->pointer_in_image = layout_to_guest(&layout, widget_x, widget_y, &x, &y);
    if (!d->pointer_in_image) {
        gdouble other_x, other_y;
        SpiceDisplay *other =
            d->buttons ? find_display(display, x_root, y_root, &other_x, &other_y) : NULL;

        if (other != NULL) {
            spice_display_get_layout(other, &layout);
            layout_to_guest(&layout, other_x, other_y, &x, &y);
            id = spice_display_get_display_id(other);
        } else if (!was_inside && !d->buttons) {
            return;
        }
        /* Leaving, or dragging outside: the guest's pointer goes to the edge, not short of it. */
        layout_clamp(&layout, &x, &y);
    }
    send_position(display, x, y, id);
}

/* ---- server mode: motion
 * ---------------------------------------------------------------------------------- */

/* Whole pixels go out, the rest waits: slow movements add up. */
static void move_relative(SpiceDisplay *display, gdouble dx, gdouble dy)
{
    SpiceDisplayPrivate *d = display->priv;

    d->carry_x += dx;
    d->carry_y += dy;

    gdouble whole_x = trunc(d->carry_x), whole_y = trunc(d->carry_y);

    if (whole_x == 0 && whole_y == 0)
        return;
    d->carry_x -= whole_x;
    d->carry_y -= whole_y;
    if (spice_display_inputs_enabled(display))
        spice_inputs_channel_motion(d->inputs, (gint)whole_x, (gint)whole_y, d->buttons);
}

static void wayland_motion(gpointer data, gdouble dx, gdouble dy)
{
    move_relative(data, dx, dy);
}

/* Where the grabbed pointer goes back to, in the middle of what the monitor shows of the widget,
 * and how far from there it may go. Root window, logical pixels. */
static void get_warp_target(SpiceDisplay *display, gint *x, gint *y, gint *room_x, gint *room_y)
{
    GtkWidget *widget = GTK_WIDGET(display);
    GdkWindow *window = gtk_widget_get_window(widget);
    GdkMonitor *monitor = gdk_display_get_monitor_at_window(gtk_widget_get_display(widget), window);
    GdkRectangle place, screen;

    gdk_window_get_origin(window, &place.x, &place.y);
    place.width = gdk_window_get_width(window);
    place.height = gdk_window_get_height(window);
    if (monitor != NULL) {
        gdk_monitor_get_geometry(monitor, &screen);
        gdk_rectangle_intersect(&place, &screen, &place);
    } else {
        screen = place;
    }
    *x = place.x + place.width / 2;
    *y = place.y + place.height / 2;
    *room_x = MIN(*x - screen.x, screen.x + screen.width - 1 - *x) / 2;
    *room_y = MIN(*y - screen.y, screen.y + screen.height - 1 - *y) / 2;
}

/* Events made before a warp still come after it; they lie near the old place, the others near the
 * new one. */
static gboolean is_after_warp(const SpiceDisplayPrivate *d, gdouble x, gdouble y)
{
    gdouble from_last = hypot(x - d->last_x, y - d->last_y);
    gdouble from_warp = hypot(x - d->warp_x, y - d->warp_y);

    return d->warped && from_warp < from_last;
}

static void move_grabbed(SpiceDisplay *display, gdouble x, gdouble y, GdkDevice *device)
{
    SpiceDisplayPrivate *d = display->priv;
    gint factor = gtk_widget_get_scale_factor(GTK_WIDGET(display));
    gint warp_x, warp_y, room_x, room_y;

    if (d->wayland_pointer != NULL) /* this movement was reported there */
        return;
    if (is_after_warp(d, x, y)) {
        d->last_x = d->warp_x;
        d->last_y = d->warp_y;
        d->warped = FALSE;
    }
    if (d->have_last)
        move_relative(display, (x - d->last_x) * factor, (y - d->last_y) * factor);
    d->have_last = TRUE;
    d->last_x = x;
    d->last_y = y;
    if (d->warped)
        return;

    get_warp_target(display, &warp_x, &warp_y, &room_x, &room_y);
    if (fabs(x - warp_x) <= room_x && fabs(y - warp_y) <= room_y)
        return;
    d->warped = TRUE;
    d->warp_x = warp_x;
    d->warp_y = warp_y;
    gdk_device_warp(device, gtk_widget_get_screen(GTK_WIDGET(display)), warp_x, warp_y);
}

/* ---- the pointer grab
 * ------------------------------------------------------------------------------------- */

static gboolean may_grab_mouse(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;
    gboolean inhibited = TRUE;

    if (d->session != NULL)
        g_object_get(d->session, "inhibit-keyboard-grab", &inhibited, NULL);
    return spice_display_grabs_allowed() && !d->disable_inputs && d->inputs != NULL &&
           d->grab_mouse && d->mouse_mode == MOUSE_MODE_SERVER && !inhibited;
}

static gboolean grab_pointer(SpiceDisplay *display)
{
    GdkDisplay *gdk_display = gtk_widget_get_display(GTK_WIDGET(display));
    g_autoptr(GdkCursor) blank = gdk_cursor_new_for_display(
        gdk_display, g_getenv("SPICE_DEBUG_CURSOR") ? GDK_CROSSHAIR : GDK_BLANK_CURSOR);
    GdkGrabStatus status =
        gdk_seat_grab(get_seat(display), gtk_widget_get_window(GTK_WIDGET(display)),
                      GDK_SEAT_CAPABILITY_ALL_POINTING, FALSE, blank, NULL, NULL, NULL);

    if (status != GDK_GRAB_SUCCESS)
        g_warning("the pointer can't be grabbed (status %d)", status);
    return status == GDK_GRAB_SUCCESS;
}

void spice_display_try_mouse_grab(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;
    GtkWidget *widget = GTK_WIDGET(display);

    if (d->mouse_grabbed || !may_grab_mouse(display) || !d->has_pointer || !d->has_keyboard_focus ||
        !gtk_widget_get_mapped(widget) || !gdk_window_is_viewable(gtk_widget_get_window(widget)))
        return;
    spice_display_try_keyboard_grab(display);
    if (!gtk_widget_get_mapped(widget) || !grab_pointer(display))
        return;
    d->mouse_grabbed = TRUE;
    d->have_last = d->warped = FALSE;
    d->carry_x = d->carry_y = 0;
    /* Compressed motion would lose what happened before a warp in the same frame. */
    gdk_window_set_event_compression(gtk_widget_get_window(widget), FALSE);
    d->wayland_pointer = wayland_pointer_new(widget, wayland_motion, display);
    d->acceleration = x11_acceleration_disable(gtk_widget_get_display(widget));
    spice_display_update_cursor(display);
    spice_display_emit_mouse_grab(display, TRUE);
    if (d->gtk_session != NULL)
        spice_gtk_session_set_pointer_grabbed(d->gtk_session, TRUE);
    spice_display_queue_cursor(display);
}

/* Put the pointer where the guest's cursor was seen, so that it doesn't jump. */
static void warp_to_guest_cursor(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;
    GdkWindow *window = gtk_widget_get_window(GTK_WIDGET(display));
    gint x = d->cursor_x - d->area.x, y = d->cursor_y - d->area.y, root_x, root_y;
    gdouble widget_x, widget_y;
    Layout layout;

    if (d->cursor_x < 0 || d->cursor_y < 0 || window == NULL)
        return;
    spice_display_get_layout(display, &layout);
    layout_clamp(&layout, &x, &y);
    layout_from_guest(&layout, x, y, &widget_x, &widget_y);
    gdk_window_get_root_coords(window, (gint)widget_x, (gint)widget_y, &root_x, &root_y);
    gdk_device_warp(gdk_seat_get_pointer(get_seat(display)),
                    gtk_widget_get_screen(GTK_WIDGET(display)), root_x, root_y);
}

static void set_pointer_inside(SpiceDisplay *display, gboolean inside)
{
    SpiceDisplayPrivate *d = display->priv;

    if (d->has_pointer == inside)
        return;
    d->has_pointer = inside;
    if (d->gtk_session != NULL)
        spice_gtk_session_pointer_inside(d->gtk_session, inside);
}

void spice_display_pointer_gone(SpiceDisplay *display)
{
    set_pointer_inside(display, FALSE);
}

/* While grabbed, leaving the widget was not to be seen. */
static void check_pointer_inside(SpiceDisplay *display)
{
    GtkWidget *widget = GTK_WIDGET(display);
    GdkWindow *window = gtk_widget_get_window(widget);
    gint x, y;

    if (window == NULL)
        return;
    gdk_window_get_device_position(window, gdk_seat_get_pointer(get_seat(display)), &x, &y, NULL);
    if (x < 0 || y < 0 || x >= gtk_widget_get_allocated_width(widget) ||
        y >= gtk_widget_get_allocated_height(widget)) {
        set_pointer_inside(display, FALSE);
        spice_display_drop_keyboard_grab(display);
    }
}

void spice_display_drop_mouse_grab(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;
    GtkWidget *widget = GTK_WIDGET(display);

    if (!d->mouse_grabbed)
        return;
    d->mouse_grabbed = FALSE;
    spice_display_release_buttons(display);
    g_clear_pointer(&d->wayland_pointer, wayland_pointer_free);

    GdkSeat *seat = get_seat(display);

    if (!x11_ungrab_device(gdk_seat_get_pointer(seat))) {
        gdk_seat_ungrab(seat);
        if (d->keyboard_grabbed)
            gdk_seat_grab(seat, gtk_widget_get_window(widget), GDK_SEAT_CAPABILITY_KEYBOARD, FALSE,
                          NULL, NULL, NULL, NULL);
    }
    g_clear_pointer(&d->acceleration, x11_acceleration_restore);
    if (gtk_widget_get_realized(widget)) {
        gdk_window_set_event_compression(gtk_widget_get_window(widget), TRUE);
        warp_to_guest_cursor(display);
    }
    spice_display_queue_cursor(display);
    spice_display_update_cursor(display);
    spice_display_emit_mouse_grab(display, FALSE);
    if (d->gtk_session != NULL)
        spice_gtk_session_set_pointer_grabbed(d->gtk_session, FALSE);
    check_pointer_inside(display);
}

void spice_display_update_mouse_grab(SpiceDisplay *display)
{
    if (!may_grab_mouse(display))
        spice_display_drop_mouse_grab(display);
}

void spice_display_set_mouse_mode(SpiceDisplay *display, gint mode)
{
    SpiceDisplayPrivate *d = display->priv;

    if (d->mouse_mode == mode)
        return;
    d->mouse_mode = mode;
    d->sent_id = -1;
    if (mode != MOUSE_MODE_SERVER)
        spice_display_drop_mouse_grab(display);
    else if (d->buttons)
        spice_display_try_mouse_grab(display);
    d->cursor_scale = 0;
    spice_display_update_cursor(display);
}

/* ---- events
 * -----------------------------------------------------------------------------------------------
 */

static gboolean motion_notify_event(GtkWidget *widget, GdkEventMotion *event)
{
    SpiceDisplay *display = SPICE_DISPLAY(widget);
    SpiceDisplayPrivate *d = display->priv;
    g_autoptr(SpiceDisplay) keep = g_object_ref(display);

    grab_match_cancel(&d->grab_match);
    if (d->released_by_sequence) {
        d->released_by_sequence = FALSE;
        spice_display_release_keys(display);
        spice_display_try_keyboard_grab(display);
    }
    if (!spice_display_inputs_enabled(display))
        return GDK_EVENT_STOP;
    release_lost_buttons(display, event->state);
    if (d->mouse_mode == MOUSE_MODE_CLIENT)
        move_absolute(display, event->x, event->y, event->x_root, event->y_root);
    else if (d->mouse_grabbed)
        move_grabbed(display, event->x_root, event->y_root,
                     gdk_event_get_device((GdkEvent *)event));
    return GDK_EVENT_STOP;
}

static void button_press(SpiceDisplay *display, const GdkEventButton *event, guint i)
{
    SpiceDisplayPrivate *d = display->priv;

    if (d->mouse_mode == MOUSE_MODE_SERVER && !d->mouse_grabbed) {
        spice_display_try_mouse_grab(display);
        return;
    }
    if (d->mouse_mode == MOUSE_MODE_CLIENT) {
        Layout layout;
        gint x, y;

        spice_display_get_layout(display, &layout);
        if (!layout_to_guest(&layout, event->x, event->y, &x, &y))
            return;
        /* A click without motion before it: after a touch, or on a window that came under the
         * pointer. */
        if (d->sent_x != x || d->sent_y != y || d->sent_id != spice_display_get_display_id(display))
            move_absolute(display, event->x, event->y, event->x_root, event->y_root);
    }
    d->buttons |= buttons[i].mask;
    spice_inputs_channel_button_press(d->inputs, buttons[i].button, d->buttons);
}

static void button_release(SpiceDisplay *display, const GdkEventButton *event, guint i)
{
    SpiceDisplayPrivate *d = display->priv;

    /* A press outside the picture was not the guest's; one that took the grab has always had its
     * release sent. */
    if (!(d->buttons & buttons[i].mask) && d->mouse_mode != MOUSE_MODE_SERVER)
        return;
    release_button(display, i);
}

static gboolean button_event(GtkWidget *widget, GdkEventButton *event)
{
    SpiceDisplay *display = SPICE_DISPLAY(widget);
    g_autoptr(SpiceDisplay) keep = g_object_ref(display);

    if (event->type != GDK_BUTTON_PRESS && event->type != GDK_BUTTON_RELEASE)
        return GDK_EVENT_STOP; /* the second press of a double click has come as a press, too */
    gtk_widget_grab_focus(widget);
    if (!spice_display_inputs_enabled(display))
        return GDK_EVENT_STOP;
    /* A key that was pressed before must not arrive after. */
    key_state_flush(&display->priv->keys);
    for (guint i = 0; i < G_N_ELEMENTS(buttons); i++) {
        if (buttons[i].gdk != event->button)
            continue;
        if (event->type == GDK_BUTTON_PRESS)
            button_press(display, event, i);
        else
            button_release(display, event, i);
        break;
    }
    return GDK_EVENT_STOP;
}

static void wheel_click(SpiceDisplay *display, gint button)
{
    SpiceDisplayPrivate *d = display->priv;

    spice_inputs_channel_button_press(d->inputs, button, d->buttons);
    spice_inputs_channel_button_release(d->inputs, button, d->buttons);
}

/* Touchpads and fine wheels turn by fractions of a click. */
static void scroll_smoothly(SpiceDisplay *display, gdouble delta, guint32 time)
{
    SpiceDisplayPrivate *d = display->priv;

    if (time - d->scroll_time > SCROLL_PAUSE_MS || delta * d->scroll < 0)
        d->scroll = 0;
    d->scroll_time = time;
    d->scroll += delta;
    for (; d->scroll >= 1; d->scroll -= 1)
        wheel_click(display, SPICE_MOUSE_BUTTON_DOWN);
    for (; d->scroll <= -1; d->scroll += 1)
        wheel_click(display, SPICE_MOUSE_BUTTON_UP);
}

static gboolean scroll_event(GtkWidget *widget, GdkEventScroll *event)
{
    SpiceDisplay *display = SPICE_DISPLAY(widget);
    g_autoptr(SpiceDisplay) keep = g_object_ref(display);
    gdouble dx, dy;

    gtk_widget_grab_focus(widget);
    if (!spice_display_inputs_enabled(display))
        return GDK_EVENT_STOP;
    key_state_flush(&display->priv->keys);
    if (event->direction == GDK_SCROLL_UP)
        wheel_click(display, SPICE_MOUSE_BUTTON_UP);
    else if (event->direction == GDK_SCROLL_DOWN)
        wheel_click(display, SPICE_MOUSE_BUTTON_DOWN);
    else if (gdk_event_get_scroll_deltas((GdkEvent *)event, &dx, &dy))
        scroll_smoothly(display, CLAMP(dy, -100, 100), event->time);
    return GDK_EVENT_STOP;
}

static gboolean enter_notify_event(GtkWidget *widget, GdkEventCrossing *event)
{
    SpiceDisplay *display = SPICE_DISPLAY(widget);
    g_autoptr(SpiceDisplay) keep = g_object_ref(display);

    if (event->detail == GDK_NOTIFY_INFERIOR) /* from one window of this widget into another */
        return GDK_EVENT_STOP;
    set_pointer_inside(display, TRUE);
    spice_display_try_keyboard_grab(display);
    return GDK_EVENT_STOP;
}

static gboolean leave_notify_event(GtkWidget *widget, GdkEventCrossing *event)
{
    SpiceDisplay *display = SPICE_DISPLAY(widget);
    SpiceDisplayPrivate *d = display->priv;
    g_autoptr(SpiceDisplay) keep = g_object_ref(display);

    if (d->mouse_grabbed || event->detail == GDK_NOTIFY_INFERIOR)
        return GDK_EVENT_STOP;
    /* A fast pointer's last motion was somewhere inside. */
    if (d->mouse_mode == MOUSE_MODE_CLIENT && d->pointer_in_image && d->buttons == 0 &&
        event->mode == GDK_CROSSING_NORMAL && spice_display_inputs_enabled(display))
        move_absolute(display, event->x, event->y, event->x_root, event->y_root);
    d->pointer_in_image = FALSE;
    set_pointer_inside(display, FALSE);
    spice_display_drop_keyboard_grab(display);
    return GDK_EVENT_STOP;
}

void spice_display_pointer_class_init(GtkWidgetClass *klass)
{
    klass->motion_notify_event = motion_notify_event;
    klass->button_press_event = button_event;
    klass->button_release_event = button_event;
    klass->scroll_event = scroll_event;
    klass->enter_notify_event = enter_notify_event;
    klass->leave_notify_event = leave_notify_event;
}
