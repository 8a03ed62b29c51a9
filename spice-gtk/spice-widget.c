/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SpiceDisplay: the widget's class, properties, signals and public functions. Its work is in
 * widget-*.c. */
#include "config.h"

#include <stdlib.h>

#include "spice-gtk-session-priv.h"
#include "spice-grabsequence-priv.h"
#include "widget-priv.h"

#define DEFAULT_KEYPRESS_DELAY 100

G_DEFINE_TYPE_WITH_PRIVATE(SpiceDisplay, spice_display, GTK_TYPE_EVENT_BOX)

enum {
    PROP_0,
    PROP_SESSION,
    PROP_CHANNEL_ID,
    PROP_MONITOR_ID,
    PROP_GRAB_KEYBOARD,
    PROP_GRAB_MOUSE,
    PROP_RESIZE_GUEST,
    PROP_SCALING,
    PROP_ONLY_DOWNSCALE,
    PROP_ZOOM_LEVEL,
    PROP_DISABLE_INPUTS,
    PROP_KEYPRESS_DELAY,
    PROP_READY,
};

enum { SIGNAL_MOUSE_GRAB, SIGNAL_KEYBOARD_GRAB, SIGNAL_GRAB_KEYS_PRESSED, N_SIGNALS };

static guint signals[N_SIGNALS];

gboolean spice_display_inputs_enabled(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;

    return d->inputs != NULL && d->inputs_open && !d->disable_inputs;
}

gboolean spice_display_grabs_allowed(void)
{
    return g_getenv("SPICE_NOGRAB") == NULL;
}

void spice_display_emit_keyboard_grab(SpiceDisplay *display, gboolean grabbed)
{
    g_signal_emit(display, signals[SIGNAL_KEYBOARD_GRAB], 0, (gint)grabbed);
}

void spice_display_emit_mouse_grab(SpiceDisplay *display, gboolean grabbed)
{
    g_signal_emit(display, signals[SIGNAL_MOUSE_GRAB], 0, (gint)grabbed);
}

void spice_display_emit_grab_keys_pressed(SpiceDisplay *display)
{
    g_signal_emit(display, signals[SIGNAL_GRAB_KEYS_PRESSED], 0);
}

/* The environment wins over programs: it is for people who debug them. */
void spice_display_set_keypress_delay(SpiceDisplay *display, guint delay)
{
    const gchar *forced = g_getenv("SPICE_KEYPRESS_DELAY");

    display->priv->keypress_delay = forced ? (guint)strtoul(forced, NULL, 10) : delay;
    g_object_notify(G_OBJECT(display), "keypress-delay");
}

/* ---- properties
 * ------------------------------------------------------------------------------------------- */

static void spice_display_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    SpiceDisplayPrivate *d = SPICE_DISPLAY(object)->priv;

    switch (id) {
    case PROP_SESSION:
        g_value_set_object(value, d->session);
        break;
    case PROP_CHANNEL_ID:
        g_value_set_int(value, d->channel_id);
        break;
    case PROP_MONITOR_ID:
        g_value_set_int(value, d->monitor_id);
        break;
    case PROP_GRAB_KEYBOARD:
        g_value_set_boolean(value, d->grab_keyboard);
        break;
    case PROP_GRAB_MOUSE:
        g_value_set_boolean(value, d->grab_mouse);
        break;
    case PROP_RESIZE_GUEST:
        g_value_set_boolean(value, d->resize_guest);
        break;
    case PROP_SCALING:
        g_value_set_boolean(value, d->scaling);
        break;
    case PROP_ONLY_DOWNSCALE:
        g_value_set_boolean(value, d->only_downscale);
        break;
    case PROP_ZOOM_LEVEL:
        g_value_set_int(value, d->zoom_level);
        break;
    case PROP_DISABLE_INPUTS:
        g_value_set_boolean(value, d->disable_inputs);
        break;
    case PROP_KEYPRESS_DELAY:
        g_value_set_uint(value, d->keypress_delay);
        break;
    case PROP_READY:
        g_value_set_boolean(value, d->ready);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

/* Anything that moves the picture or changes what is asked of the guest. */
static void geometry_changed(SpiceDisplay *display)
{
    spice_display_update_size_request(display);
    spice_display_update_guest_size(display);
    spice_display_update_cursor(display);
    gtk_widget_queue_draw(GTK_WIDGET(display));
}

static void spice_display_set_property(GObject *object, guint id, const GValue *value,
                                       GParamSpec *pspec)
{
    SpiceDisplay *display = SPICE_DISPLAY(object);
    SpiceDisplayPrivate *d = display->priv;

    switch (id) {
    case PROP_SESSION:
        d->session = g_value_dup_object(value);
        break;
    case PROP_CHANNEL_ID:
        d->channel_id = g_value_get_int(value);
        break;
    case PROP_MONITOR_ID:
        d->monitor_id = g_value_get_int(value);
        if (d->channel_id > 0 && d->monitor_id > 0)
            g_critical("a monitor (%d) can't be chosen on display channel %d: its guest names "
                       "monitors by channel",
                       d->monitor_id, d->channel_id);
        spice_display_update_area(display);
        break;
    case PROP_GRAB_KEYBOARD:
        d->grab_keyboard = g_value_get_boolean(value);
        spice_display_update_keyboard_grab(display);
        break;
    case PROP_GRAB_MOUSE:
        d->grab_mouse = g_value_get_boolean(value);
        spice_display_update_mouse_grab(display);
        break;
    case PROP_RESIZE_GUEST:
        d->resize_guest = g_value_get_boolean(value);
        spice_display_update_ready(display);
        geometry_changed(display);
        break;
    case PROP_SCALING:
        d->scaling = g_value_get_boolean(value);
        geometry_changed(display);
        break;
    case PROP_ONLY_DOWNSCALE:
        d->only_downscale = g_value_get_boolean(value);
        geometry_changed(display);
        break;
    case PROP_ZOOM_LEVEL:
        d->zoom_level = g_value_get_int(value);
        geometry_changed(display);
        break;
    case PROP_DISABLE_INPUTS:
        if (g_value_get_boolean(value) && !d->disable_inputs) {
            spice_display_release_keys(display);
            spice_display_release_buttons(display);
        }
        d->disable_inputs = g_value_get_boolean(value);
        gtk_widget_set_can_focus(GTK_WIDGET(display), !d->disable_inputs);
        spice_display_update_keyboard_grab(display);
        spice_display_update_mouse_grab(display);
        break;
    case PROP_KEYPRESS_DELAY:
        spice_display_set_keypress_delay(display, g_value_get_uint(value));
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

/* ---- life
 * -------------------------------------------------------------------------------------------------
 */

static void inhibit_changed(SpiceSession *session, GParamSpec *pspec, SpiceDisplay *display)
{
    spice_display_update_keyboard_grab(display);
    spice_display_update_mouse_grab(display);
}

static void spice_display_constructed(GObject *object)
{
    SpiceDisplay *display = SPICE_DISPLAY(object);
    SpiceDisplayPrivate *d = display->priv;

    G_OBJECT_CLASS(spice_display_parent_class)->constructed(object);

    if (d->session == NULL) {
        g_critical("a SpiceDisplay needs a SpiceSession: it will stay empty");
        return;
    }
    d->gtk_session = spice_gtk_session_get(d->session);
    spice_gtk_session_add_display(d->gtk_session, GTK_WIDGET(display));
    spice_g_signal_connect_object(d->session, "notify::inhibit-keyboard-grab",
                                  G_CALLBACK(inhibit_changed), display, 0);
    spice_display_attach_channels(display);
}

static void spice_display_dispose(GObject *object)
{
    SpiceDisplay *display = SPICE_DISPLAY(object);
    SpiceDisplayPrivate *d = display->priv;

    spice_display_drop_mouse_grab(display);
    spice_display_drop_keyboard_grab(display);
    spice_display_lose_focus(display);
    spice_display_pointer_gone(display);
    spice_display_detach_channels(display);
    g_clear_handle_id(&d->key_timer, g_source_remove);
    g_clear_handle_id(&d->disable_timer, g_source_remove);
    g_clear_handle_id(&d->focus_timer, g_source_remove);
    if (d->gtk_session != NULL)
        spice_gtk_session_remove_display(d->gtk_session, GTK_WIDGET(display));
    d->gtk_session = NULL;
    if (d->session != NULL)
        g_signal_handlers_disconnect_by_data(d->session, display);
    g_clear_object(&d->session);
    spice_display_clear_pictures(display);
    spice_display_cursor_clear(display);

    G_OBJECT_CLASS(spice_display_parent_class)->dispose(object);
    /* The container has let go of its children. */
    d->stack = d->draw_area = d->label = NULL;
}

static void spice_display_finalize(GObject *object)
{
    SpiceDisplayPrivate *d = SPICE_DISPLAY(object)->priv;

    spice_grab_sequence_free(d->grab_sequence);
    grab_match_clear(&d->grab_match);
    G_OBJECT_CLASS(spice_display_parent_class)->finalize(object);
}

/* ---- widget
 * -----------------------------------------------------------------------------------------------
 */

static void spice_display_realize(GtkWidget *widget)
{
    SpiceDisplay *display = SPICE_DISPLAY(widget);

    GTK_WIDGET_CLASS(spice_display_parent_class)->realize(widget);
    spice_display_choose_keycodes(display);
    display->priv->cursor_scale = 0;
    spice_display_update_cursor(display);
    spice_display_update_size_request(display);
    spice_display_update_guest_size(display);
}

static void spice_display_unrealize(GtkWidget *widget)
{
    SpiceDisplay *display = SPICE_DISPLAY(widget);

    spice_display_drop_mouse_grab(display);
    spice_display_drop_keyboard_grab(display);
    spice_display_pointer_gone(display);
    GTK_WIDGET_CLASS(spice_display_parent_class)->unrealize(widget);
}

static void spice_display_unmap(GtkWidget *widget)
{
    SpiceDisplay *display = SPICE_DISPLAY(widget);

    spice_display_drop_mouse_grab(display);
    spice_display_drop_keyboard_grab(display);
    GTK_WIDGET_CLASS(spice_display_parent_class)->unmap(widget);
}

static void spice_display_size_allocate(GtkWidget *widget, GtkAllocation *allocation)
{
    GTK_WIDGET_CLASS(spice_display_parent_class)->size_allocate(widget, allocation);
    spice_display_update_guest_size(SPICE_DISPLAY(widget));
    spice_display_update_cursor(SPICE_DISPLAY(widget));
}

static void scale_factor_changed(SpiceDisplay *display)
{
    display->priv->cursor_scale = 0;
    geometry_changed(display);
}

static void spice_display_class_init(SpiceDisplayClass *klass)
{
    GObjectClass *object_class = G_OBJECT_CLASS(klass);
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);
    const GParamFlags construct = G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS;
    const GParamFlags construct_only =
        G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

    object_class->constructed = spice_display_constructed;
    object_class->dispose = spice_display_dispose;
    object_class->finalize = spice_display_finalize;
    object_class->get_property = spice_display_get_property;
    object_class->set_property = spice_display_set_property;
    widget_class->realize = spice_display_realize;
    widget_class->unrealize = spice_display_unrealize;
    widget_class->unmap = spice_display_unmap;
    widget_class->size_allocate = spice_display_size_allocate;
    spice_display_keyboard_class_init(widget_class);
    spice_display_pointer_class_init(widget_class);

    /**
     * SpiceDisplay:session:
     *
     * The session whose guest is shown; referenced until the widget is destroyed.
     */
    g_object_class_install_property(object_class, PROP_SESSION,
                                    g_param_spec_object("session", "Session",
                                                        "The session whose guest is shown",
                                                        SPICE_TYPE_SESSION, construct_only));
    /**
     * SpiceDisplay:channel-id:
     *
     * Number of the display channel that is shown.
     */
    g_object_class_install_property(object_class, PROP_CHANNEL_ID,
                                    g_param_spec_int("channel-id", "Channel",
                                                     "Number of the display channel", 0, 255, 0,
                                                     construct_only));
    /**
     * SpiceDisplay:monitor-id:
     *
     * Number of the monitor of the channel that is shown; -1 shows the channel's whole surface.
     *
     * Since: 0.13
     */
    g_object_class_install_property(object_class, PROP_MONITOR_ID,
                                    g_param_spec_int("monitor-id", "Monitor",
                                                     "Number of the monitor of the channel", -1,
                                                     G_MAXINT, 0, construct));
    /**
     * SpiceDisplay:grab-keyboard:
     *
     * Whether the widget grabs the keyboard while it has the focus and the pointer is over it.
     */
    g_object_class_install_property(object_class, PROP_GRAB_KEYBOARD,
                                    g_param_spec_boolean("grab-keyboard", "Grab the keyboard",
                                                         "Whether the keyboard is grabbed", TRUE,
                                                         construct));
    /**
     * SpiceDisplay:grab-mouse:
     *
     * Whether a click grabs the pointer in server mouse mode.
     */
    g_object_class_install_property(object_class, PROP_GRAB_MOUSE,
                                    g_param_spec_boolean("grab-mouse", "Grab the mouse",
                                                         "Whether the mouse is grabbed", TRUE,
                                                         construct));
    /**
     * SpiceDisplay:resize-guest:
     *
     * Whether the guest is asked to make its screen as large as the widget (docs/spec/client-gtk.md
     * 5).
     */
    g_object_class_install_property(object_class, PROP_RESIZE_GUEST,
                                    g_param_spec_boolean("resize-guest", "Resize the guest",
                                                         "Whether the guest follows the widget's "
                                                         "size",
                                                         FALSE, construct));
    /**
     * SpiceDisplay:scaling:
     *
     * Whether the picture is scaled to the widget's size; its aspect ratio is kept.
     */
    g_object_class_install_property(
        object_class, PROP_SCALING,
        g_param_spec_boolean("scaling", "Scale", "Whether the picture is scaled", TRUE, construct));
    /**
     * SpiceDisplay:only-downscale:
     *
     * Whether scaling never enlarges the picture.
     *
     * Since: 0.14
     */
    g_object_class_install_property(object_class, PROP_ONLY_DOWNSCALE,
                                    g_param_spec_boolean("only-downscale", "Only scale down",
                                                         "Whether scaling never enlarges", FALSE,
                                                         construct));
    /**
     * SpiceDisplay:zoom-level:
     *
     * Zoom in percent: with #SpiceDisplay:scaling and #SpiceDisplay:resize-guest, the guest is
     * asked for the widget's size divided by it.
     *
     * Since: 0.10
     */
    g_object_class_install_property(
        object_class, PROP_ZOOM_LEVEL,
        g_param_spec_int("zoom-level", "Zoom", "Zoom in percent", 10, 400, 100, construct));
    /**
     * SpiceDisplay:disable-inputs:
     *
     * Whether keyboard and mouse are kept from the guest.
     *
     * Since: 0.8
     */
    g_object_class_install_property(object_class, PROP_DISABLE_INPUTS,
                                    g_param_spec_boolean("disable-inputs", "Disable inputs",
                                                         "Whether keyboard and mouse are disabled",
                                                         FALSE, construct));
    /**
     * SpiceDisplay:keypress-delay:
     *
     * How long, in milliseconds, the press of a key is held back so that press and release of a
     * short stroke travel together. It becomes 100 when the inputs channel opens over TCP and 0
     * over a Unix socket (docs/spec/client-gtk.md 6.5).
     *
     * Since: 0.13
     */
    g_object_class_install_property(object_class, PROP_KEYPRESS_DELAY,
                                    g_param_spec_uint("keypress-delay", "Key press delay",
                                                      "Delay of key presses in ms", 0, G_MAXUINT,
                                                      DEFAULT_KEYPRESS_DELAY, construct));
    /**
     * SpiceDisplay:ready:
     *
     * Whether there is something to show: the guest has drawn its screen and the monitor exists.
     *
     * Since: 0.13
     */
    g_object_class_install_property(
        object_class, PROP_READY,
        g_param_spec_boolean("ready", "Ready", "Whether there is something to show", FALSE,
                             G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

    /**
     * SpiceDisplay::mouse-grab:
     * @display: the widget
     * @status: 1 when the pointer was grabbed, 0 when it was released
     *
     * The pointer grab changed.
     */
    signals[SIGNAL_MOUSE_GRAB] =
        g_signal_new("mouse-grab", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_FIRST, 0, NULL, NULL,
                     NULL, G_TYPE_NONE, 1, G_TYPE_INT);
    /**
     * SpiceDisplay::keyboard-grab:
     * @display: the widget
     * @status: 1 when the keyboard was grabbed, 0 when it was released
     *
     * The keyboard grab changed. Programs turn their accelerators off while it lasts.
     */
    signals[SIGNAL_KEYBOARD_GRAB] =
        g_signal_new("keyboard-grab", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_FIRST, 0, NULL, NULL,
                     NULL, G_TYPE_NONE, 1, G_TYPE_INT);
    /**
     * SpiceDisplay::grab-keys-pressed:
     * @display: the widget
     *
     * All keys of the grab sequence are down.
     */
    signals[SIGNAL_GRAB_KEYS_PRESSED] =
        g_signal_new("grab-keys-pressed", G_TYPE_FROM_CLASS(klass), G_SIGNAL_RUN_FIRST, 0, NULL,
                     NULL, NULL, G_TYPE_NONE, 0);
}

static void spice_display_init(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv = spice_display_get_instance_private(display);
    GtkWidget *widget = GTK_WIDGET(display);

    d->stack = gtk_stack_new();
    d->draw_area = gtk_drawing_area_new();
    d->label = gtk_label_new(NULL);
    gtk_label_set_selectable(GTK_LABEL(d->label), TRUE);
    gtk_label_set_line_wrap(GTK_LABEL(d->label), TRUE);
    gtk_stack_add_named(GTK_STACK(d->stack), d->draw_area, "draw-area");
    gtk_stack_add_named(GTK_STACK(d->stack), d->label, "label");
    gtk_container_add(GTK_CONTAINER(display), d->stack);
    gtk_widget_show_all(d->stack);
    gtk_stack_set_visible_child(GTK_STACK(d->stack), d->draw_area);
    g_signal_connect(d->draw_area, "draw", G_CALLBACK(spice_display_draw), display);
    g_signal_connect(display, "notify::scale-factor", G_CALLBACK(scale_factor_changed), NULL);

    gtk_widget_set_can_focus(widget, TRUE);
    gtk_event_box_set_above_child(GTK_EVENT_BOX(display), TRUE);
    gtk_widget_add_events(widget, GDK_POINTER_MOTION_MASK | GDK_BUTTON_PRESS_MASK |
                                      GDK_BUTTON_RELEASE_MASK | GDK_BUTTON_MOTION_MASK |
                                      GDK_ENTER_NOTIFY_MASK | GDK_LEAVE_NOTIFY_MASK |
                                      GDK_KEY_PRESS_MASK | GDK_KEY_RELEASE_MASK | GDK_SCROLL_MASK |
                                      GDK_SMOOTH_SCROLL_MASK);

    d->cursor_x = d->cursor_y = -1;
    d->sent_id = -1;
    spice_display_keyboard_init(display);
    spice_display_set_grab_keys(display, NULL);
}

/* ---- public functions
 * ------------------------------------------------------------------------------------- */

/**
 * spice_display_new:
 * @session: a session
 * @channel_id: number of the display channel to show
 *
 * Creates a widget that shows monitor 0 of a display channel. The channel need not exist yet. The
 * widget connects the display, cursor and inputs channels it uses.
 *
 * Returns: (transfer none): a new widget with a floating reference
 */
SpiceDisplay *spice_display_new(SpiceSession *session, int channel_id)
{
    return g_object_new(SPICE_TYPE_DISPLAY, "session", session, "channel-id", channel_id, NULL);
}

/**
 * spice_display_new_with_monitor:
 * @session: a session
 * @channel_id: number of the display channel to show
 * @monitor_id: number of the monitor within the channel; -1 for the whole surface
 *
 * Creates a widget that shows one monitor of a display channel. A monitor that does not exist
 * leaves the widget not #SpiceDisplay:ready.
 *
 * Returns: (transfer none): a new widget with a floating reference
 *
 * Since: 0.13
 */
SpiceDisplay *spice_display_new_with_monitor(SpiceSession *session, gint channel_id,
                                             gint monitor_id)
{
    return g_object_new(SPICE_TYPE_DISPLAY, "session", session, "channel-id", channel_id,
                        "monitor-id", monitor_id, NULL);
}

/**
 * spice_display_keyboard_ungrab:
 * @display: the widget
 *
 * Releases the keyboard until the pointer enters or the widget gets the focus again.
 *
 * Since: 0.40
 */
void spice_display_keyboard_ungrab(SpiceDisplay *display)
{
    g_return_if_fail(SPICE_IS_DISPLAY(display));

    spice_display_drop_keyboard_grab(display);
}

/**
 * spice_display_mouse_ungrab:
 * @display: the widget
 *
 * Releases the pointer if it is grabbed.
 */
void spice_display_mouse_ungrab(SpiceDisplay *display)
{
    g_return_if_fail(SPICE_IS_DISPLAY(display));

    spice_display_drop_mouse_grab(display);
}

/**
 * spice_display_set_grab_keys:
 * @display: the widget
 * @seq: keys; copied. %NULL sets the default, Control_L+Alt_L.
 *
 * Sets the keys that, pressed together, take or release the grabs (docs/spec/client-gtk.md 6.7). A
 * sequence without keys turns this off.
 */
void spice_display_set_grab_keys(SpiceDisplay *display, SpiceGrabSequence *seq)
{
    g_return_if_fail(SPICE_IS_DISPLAY(display));

    SpiceDisplayPrivate *d = display->priv;
    SpiceGrabSequence *copy = seq ? spice_grab_sequence_copy(seq)
                                  : spice_grab_sequence_new_from_string("Control_L+Alt_L");

    spice_grab_sequence_free(d->grab_sequence);
    d->grab_sequence = copy;
    grab_match_set(&d->grab_match, copy->keysyms, copy->n_keysyms);
}

/**
 * spice_display_get_grab_keys:
 * @display: the widget
 *
 * The keys that take and release the grabs.
 *
 * Returns: (transfer none): the widget's own sequence, valid until another one is set
 */
SpiceGrabSequence *spice_display_get_grab_keys(SpiceDisplay *display)
{
    g_return_val_if_fail(SPICE_IS_DISPLAY(display), NULL);

    return display->priv->grab_sequence;
}

/**
 * spice_display_send_keys:
 * @display: the widget
 * @keyvals: (array length=nkeyvals): GDK key values
 * @nkeyvals: number of keys
 * @kind: whether the keys go down, up, or down and up again
 *
 * Sends keys to the guest: presses in the order given, releases in the opposite one, without delay.
 * Keys that a PC keyboard always has (modifiers, function keys ...) are sent as such; others by
 * their place in the client's layout. A key that has none is left out with a warning
 * (docs/spec/client-gtk.md 6.9).
 */
void spice_display_send_keys(SpiceDisplay *display, const guint *keyvals, int nkeyvals,
                             SpiceDisplayKeyEvent kind)
{
    g_return_if_fail(SPICE_IS_DISPLAY(display));
    g_return_if_fail(keyvals != NULL || nkeyvals <= 0);

    if (kind & SPICE_DISPLAY_KEY_EVENT_PRESS)
        for (int i = 0; i < nkeyvals; i++)
            spice_display_send_keyval(display, keyvals[i], TRUE);
    if (kind & SPICE_DISPLAY_KEY_EVENT_RELEASE)
        for (int i = nkeyvals; i-- > 0;)
            spice_display_send_keyval(display, keyvals[i], FALSE);
}
