/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SpiceDisplay: keys from GDK to the guest, focus, the grab sequence and the keyboard grab
 * (docs/spec/client-gtk.md 6). */
#include "config.h"

#include "spice-gtk-session-priv.h"
#include "widget-priv.h"

#ifdef GDK_WINDOWING_BROADWAY
#include <gdk/gdkbroadway.h>
#endif

/* Ungrabbing gives the focus back a little later, if we still have it. */
#define FOCUS_CHECK_MS 200

#define CODE_PRINT 0x137
#define CODE_SYSRQ 0x054
#define CODE_ALT_L 0x038

/* ---- what goes out
 * ---------------------------------------------------------------------------------------- */

static void send_press(void *ctx, guint code)
{
    SpiceDisplayPrivate *d = SPICE_DISPLAY(ctx)->priv;

    if (d->inputs != NULL && d->inputs_open)
        spice_inputs_channel_key_press(d->inputs, code);
}

static void send_release(void *ctx, guint code)
{
    SpiceDisplayPrivate *d = SPICE_DISPLAY(ctx)->priv;

    if (d->inputs != NULL && d->inputs_open)
        spice_inputs_channel_key_release(d->inputs, code);
}

static void send_click(void *ctx, guint code)
{
    SpiceDisplayPrivate *d = SPICE_DISPLAY(ctx)->priv;

    if (d->inputs != NULL && d->inputs_open)
        spice_inputs_channel_key_press_and_release(d->inputs, code);
}

static gboolean delay_over(gpointer data)
{
    SpiceDisplay *display = data;

    display->priv->key_timer = 0;
    key_state_flush(&display->priv->keys);
    return G_SOURCE_REMOVE;
}

static void start_timer(void *ctx, guint ms)
{
    SpiceDisplayPrivate *d = SPICE_DISPLAY(ctx)->priv;

    g_clear_handle_id(&d->key_timer, g_source_remove);
    d->key_timer = g_timeout_add(ms, delay_over, ctx);
}

static void stop_timer(void *ctx)
{
    g_clear_handle_id(&SPICE_DISPLAY(ctx)->priv->key_timer, g_source_remove);
}

static const KeySink key_sink = {send_press, send_release, send_click, start_timer, stop_timer};

void spice_display_keyboard_init(SpiceDisplay *display)
{
    key_state_init(&display->priv->keys, &key_sink, display);
}

void spice_display_choose_keycodes(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;
    GdkDisplay *gdk_display = gtk_widget_get_display(GTK_WIDGET(display));

    d->keycodes_chosen = TRUE;
    if (x11_get_keycode_table(gdk_display, &d->keycodes))
        return;
    d->keycodes = KEYCODES_EVDEV; /* Wayland's keycodes are evdev's + 8, like those of X */
#ifdef GDK_WINDOWING_BROADWAY
    if (GDK_IS_BROADWAY_DISPLAY(gdk_display))
        d->keycodes = KEYCODES_KEYSYM;
#endif
}

static guint to_scancode(SpiceDisplay *display, guint hardware_keycode, guint keysym)
{
    if (!display->priv->keycodes_chosen)
        spice_display_choose_keycodes(display);
    return keycodes_to_scancode(display->priv->keycodes, hardware_keycode, keysym);
}

void spice_display_release_keys(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;

    key_state_release_all(&d->keys);
    for (guint i = 0; i < N_HELD_MODIFIERS; i++)
        d->held_modifiers[i] = 0;
}

/* ---- modifiers held while the focus came
 * ------------------------------------------------------------------ */

static const struct {
    GdkModifierType mask;
    guint16 left, right;
} held_kinds[N_HELD_MODIFIERS] = {
    {GDK_SHIFT_MASK, 0x02a, 0x036},
    {GDK_CONTROL_MASK, 0x01d, 0x11d},
    {GDK_MOD1_MASK, 0x038, 0x138},
};

/* The guest lost them when the focus went. The window system doesn't repeat modifiers, but tells
 * with the next key that they are still down. */
static void press_held_modifiers(SpiceDisplay *display, const GdkEventKey *event)
{
    SpiceDisplayPrivate *d = display->priv;

    for (guint i = 0; i < N_HELD_MODIFIERS; i++) {
        if (!(event->state & held_kinds[i].mask) ||
            key_state_is_down(&d->keys, held_kinds[i].left) ||
            key_state_is_down(&d->keys, held_kinds[i].right))
            continue;
        d->held_modifiers[i] = held_kinds[i].left;
        key_state_press(&d->keys, held_kinds[i].left, 0);
    }
}

/* Either key of a kind may be the one that is held: its release, or a state without it, ends it. */
static void release_held_modifiers(SpiceDisplay *display, const GdkEventKey *event, guint code)
{
    SpiceDisplayPrivate *d = display->priv;

    for (guint i = 0; i < N_HELD_MODIFIERS; i++) {
        gboolean released = event->type == GDK_KEY_RELEASE &&
                            (code == held_kinds[i].left || code == held_kinds[i].right);

        if (d->held_modifiers[i] == 0 || (!released && event->state & held_kinds[i].mask))
            continue;
        key_state_release(&d->keys, d->held_modifiers[i]);
        d->held_modifiers[i] = 0;
    }
}

/* ---- key events
 * ------------------------------------------------------------------------------------------- */

static void match_grab_sequence(SpiceDisplay *display, const GdkEventKey *event)
{
    SpiceDisplayPrivate *d = display->priv;

    switch (grab_match_key(&d->grab_match, event->keyval, event->type == GDK_KEY_PRESS)) {
    case GRAB_MATCH_PRESSED:
        spice_display_emit_grab_keys_pressed(display);
        if (d->mouse_mode != MOUSE_MODE_SERVER)
            break;
        if (d->mouse_grabbed)
            spice_display_drop_mouse_grab(display);
        else
            spice_display_try_mouse_grab(display);
        break;
    case GRAB_MATCH_COMPLETED:
        spice_display_release_keys(display);
        d->released_by_sequence = !d->released_by_sequence;
        if (d->released_by_sequence)
            spice_display_drop_keyboard_grab(display);
        else
            spice_display_try_keyboard_grab(display);
        break;
    case GRAB_MATCH_NONE:
        break;
    }
}

static guint get_event_scancode(SpiceDisplay *display, const GdkEventKey *event)
{
    guint code = to_scancode(display, event->hardware_keycode, event->keyval);

    if (event->keyval == GDK_KEY_Pause)
        return KEY_CODE_PAUSE;
    /* The table has the code of Alt+Print, which some guests don't take for Print. */
    if (code == CODE_SYSRQ && event->keyval == GDK_KEY_Print && !(event->state & GDK_MOD1_MASK))
        return CODE_PRINT;
    return code;
}

static void send_key_event(SpiceDisplay *display, const GdkEventKey *event)
{
    SpiceDisplayPrivate *d = display->priv;
    gboolean press = event->type == GDK_KEY_PRESS;
    guint16 *pressed_as = event->hardware_keycode < G_N_ELEMENTS(d->code_of_key)
                              ? &d->code_of_key[event->hardware_keycode]
                              : NULL;
    guint code = get_event_scancode(display, event);

    /* A key comes up as what it went down as, whatever modifiers changed in between. */
    if (pressed_as != NULL) {
        if (*pressed_as != 0 && key_state_is_down(&d->keys, *pressed_as))
            code = *pressed_as;
        *pressed_as = press ? code : 0;
    }
    if (code == 0) {
        SPICE_DEBUG("keycode %u (keysym 0x%x) has no scancode", event->hardware_keycode,
                    event->keyval);
        return;
    }

    release_held_modifiers(display, event, code);
    if (!press) {
        key_state_release(&d->keys, code);
        return;
    }
    if (d->check_modifiers) {
        d->check_modifiers = FALSE;
        press_held_modifiers(display, event);
    }
    key_state_press(&d->keys, code,
                    event->is_modifier || code == KEY_CODE_PAUSE ? 0 : d->keypress_delay);
}

static gboolean key_event(GtkWidget *widget, GdkEventKey *event)
{
    SpiceDisplay *display = SPICE_DISPLAY(widget);
    g_autoptr(SpiceDisplay) keep = g_object_ref(display);

    match_grab_sequence(display, event);
    if (spice_display_inputs_enabled(display))
        send_key_event(display, event);
    return GDK_EVENT_STOP;
}

/* ---- keys from programs
 * ----------------------------------------------------------------------------------- */

/* The key that gives a keysym in the client's layout, preferably without modifiers. */
static guint keyval_to_scancode(SpiceDisplay *display, guint keyval)
{
    GdkKeymap *keymap = gdk_keymap_get_for_display(gtk_widget_get_display(GTK_WIDGET(display)));
    g_autofree GdkKeymapKey *entries = NULL;
    gint n = 0, chosen = 0;
    guint code = keycodes_fixed_scancode(keyval);

    if (code != 0)
        return code;
    if (!gdk_keymap_get_entries_for_keyval(keymap, keyval, &entries, &n) || n == 0)
        return 0;
    for (gint i = 0; i < n; i++) {
        if (entries[i].level == 0) {
            chosen = i;
            break;
        }
    }
    return to_scancode(display, entries[chosen].keycode, keyval);
}

void spice_display_send_keyval(SpiceDisplay *display, guint keyval, gboolean press)
{
    SpiceDisplayPrivate *d = display->priv;
    guint code = keyval_to_scancode(display, keyval);

    if (code == 0) {
        g_warning("no key for keysym 0x%x (%s)", keyval, gdk_keyval_name(keyval));
        return;
    }
    if (!spice_display_inputs_enabled(display))
        return;
    /* Alt makes the key SysRq. */
    if (code == CODE_PRINT && key_state_is_down(&d->keys, CODE_ALT_L))
        code = CODE_SYSRQ;
    if (press)
        key_state_press(&d->keys, code, 0);
    else if (code == CODE_PRINT && !key_state_is_down(&d->keys, CODE_PRINT))
        key_state_release(&d->keys, CODE_SYSRQ);
    else
        key_state_release(&d->keys, code);
}

/* ---- the keyboard grab
 * ------------------------------------------------------------------------------------ */

static gboolean is_inhibited(SpiceDisplayPrivate *d)
{
    gboolean inhibited = TRUE;

    if (d->session != NULL)
        g_object_get(d->session, "inhibit-keyboard-grab", &inhibited, NULL);
    return inhibited;
}

static gboolean may_grab_keyboard(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;

    return spice_display_grabs_allowed() && !d->disable_inputs && d->grab_keyboard &&
           d->gtk_session != NULL && !is_inhibited(d);
}

void spice_display_try_keyboard_grab(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;
    GtkWidget *widget = GTK_WIDGET(display);

    if (d->keyboard_grabbed || d->released_by_sequence || !may_grab_keyboard(display) ||
        !gtk_widget_get_mapped(widget) || !spice_gtk_session_has_keyboard_focus(d->gtk_session) ||
        !spice_gtk_session_has_pointer(d->gtk_session))
        return;

    GdkWindow *window = gtk_widget_get_window(widget);

    if (window == NULL || !gdk_window_is_viewable(window))
        return;

    GdkSeat *seat = gdk_display_get_default_seat(gtk_widget_get_display(widget));
    GdkGrabStatus status =
        gdk_seat_grab(seat, window, GDK_SEAT_CAPABILITY_KEYBOARD, FALSE, NULL, NULL, NULL, NULL);

    if (status != GDK_GRAB_SUCCESS) {
        g_warning("the keyboard can't be grabbed (status %d)", status);
        return;
    }
    d->keyboard_grabbed = TRUE;
    spice_display_emit_keyboard_grab(display, TRUE);
}

static gboolean check_focus(gpointer data)
{
    SpiceDisplay *display = data;
    GtkWidget *toplevel = gtk_widget_get_toplevel(GTK_WIDGET(display));

    display->priv->focus_timer = 0;
    if (display->priv->keyboard_grabbed)
        return G_SOURCE_REMOVE;
    if (!GTK_IS_WINDOW(toplevel) || !gtk_window_has_toplevel_focus(GTK_WINDOW(toplevel)) ||
        !gtk_widget_has_focus(GTK_WIDGET(display)))
        spice_display_lose_focus(display);
    return G_SOURCE_REMOVE;
}

/* The grab is over, whoever ended it. */
static void keyboard_grab_ended(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;

    d->keyboard_grabbed = FALSE;
    /* While grabbed, the loss of the focus was not to be seen. */
    g_clear_handle_id(&d->focus_timer, g_source_remove);
    if (d->has_keyboard_focus)
        d->focus_timer = g_timeout_add(FOCUS_CHECK_MS, check_focus, display);
    spice_display_emit_keyboard_grab(display, FALSE);
}

void spice_display_drop_keyboard_grab(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;

    if (!d->keyboard_grabbed)
        return;

    GtkWidget *widget = GTK_WIDGET(display);
    GdkSeat *seat = gdk_display_get_default_seat(gtk_widget_get_display(widget));

    if (!x11_ungrab_device(gdk_seat_get_keyboard(seat))) {
        gdk_seat_ungrab(seat);
        if (d->mouse_grabbed)
            gdk_seat_grab(seat, gtk_widget_get_window(widget), GDK_SEAT_CAPABILITY_ALL_POINTING,
                          TRUE, NULL, NULL, NULL, NULL);
    }
    keyboard_grab_ended(display);
}

/* Something that the grab depends on has changed. */
void spice_display_update_keyboard_grab(SpiceDisplay *display)
{
    if (may_grab_keyboard(display))
        spice_display_try_keyboard_grab(display);
    else
        spice_display_drop_keyboard_grab(display);
}

static gboolean grab_broken_event(GtkWidget *widget, GdkEventGrabBroken *event)
{
    SpiceDisplay *display = SPICE_DISPLAY(widget);
    g_autoptr(SpiceDisplay) keep = g_object_ref(display);

    /* One of our grabs has replaced the implicit one of a button. */
    if (event->grab_window != NULL && event->grab_window == gtk_widget_get_window(widget))
        return GDK_EVENT_PROPAGATE;
    if (event->keyboard) {
        spice_display_release_keys(display);
        if (display->priv->keyboard_grabbed)
            keyboard_grab_ended(display);
    }
    /* The end of a button's implicit grab says nothing about ours. */
    if (!event->implicit)
        spice_display_drop_mouse_grab(display);
    return GDK_EVENT_PROPAGATE;
}

/* A modal dialog takes the events: releases will not arrive. */
static void grab_notify(GtkWidget *widget, gboolean was_grabbed)
{
    if (!was_grabbed) {
        spice_display_release_keys(SPICE_DISPLAY(widget));
        spice_display_release_buttons(SPICE_DISPLAY(widget));
    }
}

/* ---- focus
 * ------------------------------------------------------------------------------------------------
 */

static gboolean focus_in_event(GtkWidget *widget, GdkEventFocus *event)
{
    SpiceDisplay *display = SPICE_DISPLAY(widget);
    SpiceDisplayPrivate *d = display->priv;
    g_autoptr(SpiceDisplay) keep = g_object_ref(display);

    g_clear_handle_id(&d->focus_timer, g_source_remove);
    if (d->has_keyboard_focus || d->gtk_session == NULL)
        return GDK_EVENT_STOP;
    spice_display_release_keys(display);
    d->check_modifiers = TRUE;
    if (!d->disable_inputs)
        spice_gtk_session_sync_locks(d->gtk_session);
    d->has_keyboard_focus = TRUE;
    spice_gtk_session_keyboard_focus(d->gtk_session, TRUE);
    spice_display_try_keyboard_grab(display);
    return GDK_EVENT_STOP;
}

void spice_display_lose_focus(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;

    if (!d->has_keyboard_focus)
        return;
    spice_display_release_keys(display);
    d->has_keyboard_focus = FALSE;
    if (d->gtk_session != NULL)
        spice_gtk_session_keyboard_focus(d->gtk_session, FALSE);
}

static gboolean focus_out_event(GtkWidget *widget, GdkEventFocus *event)
{
    SpiceDisplay *display = SPICE_DISPLAY(widget);

    /* Taking the grab itself looks like losing the focus. */
    if (!display->priv->keyboard_grabbed)
        spice_display_lose_focus(display);
    return GDK_EVENT_STOP;
}

void spice_display_keyboard_class_init(GtkWidgetClass *klass)
{
    klass->key_press_event = key_event;
    klass->key_release_event = key_event;
    klass->focus_in_event = focus_in_event;
    klass->focus_out_event = focus_out_event;
    klass->grab_broken_event = grab_broken_event;
    klass->grab_notify = grab_notify;
}
