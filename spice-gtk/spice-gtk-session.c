/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SpiceGtkSession: one per SpiceSession, it keeps the lock keys of guest and client equal and knows
 * which of the session's displays has the keyboard and the pointer (docs/spec/client-gtk.md 10). */
#include "config.h"

#include <gtk/gtk.h>
#include <spice-client.h>

#include "spice-gtk-session-priv.h"

#define SESSION_KEY "spice-gtk-session"

/* A guest that sets its lock lights back this often in a row uses the key for something else (a
 * layout switch): correcting it further would disturb it. */
#define MAX_CORRECTIONS 2

typedef struct {
    SpiceSession *session; /* weak */
    GList *displays;       /* of GtkWidget, not referenced */
    guint keyboard_focus, pointer_inside;
    guint corrections;
    gboolean auto_clipboard, auto_usbredir, sync_modifiers, pointer_grabbed;
} SpiceGtkSessionPrivate;

struct _SpiceGtkSession {
    GObject parent;
    SpiceGtkSessionPrivate *priv;
};

struct _SpiceGtkSessionClass {
    GObjectClass parent_class;
};

G_DEFINE_TYPE_WITH_PRIVATE(SpiceGtkSession, spice_gtk_session, G_TYPE_OBJECT)

enum {
    PROP_0,
    PROP_SESSION,
    PROP_AUTO_CLIPBOARD,
    PROP_AUTO_USBREDIR,
    PROP_SYNC_MODIFIERS,
    PROP_POINTER_GRABBED,
};

/* ---- lock keys
 * ------------------------------------------------------------------------------------------- */

static guint client_locks(void)
{
    GdkDisplay *display = gdk_display_get_default();
    guint locks = 0;

    if (display == NULL)
        return 0;

    GdkKeymap *keymap = gdk_keymap_get_for_display(display);

    if (gdk_keymap_get_caps_lock_state(keymap))
        locks |= SPICE_INPUTS_CAPS_LOCK;
    if (gdk_keymap_get_num_lock_state(keymap))
        locks |= SPICE_INPUTS_NUM_LOCK;
    if (gdk_keymap_get_scroll_lock_state(keymap))
        locks |= SPICE_INPUTS_SCROLL_LOCK;
    return locks;
}

static void inputs_modifiers(SpiceChannel *channel, SpiceGtkSession *self)
{
    SpiceGtkSessionPrivate *priv = self->priv;
    gint guest = 0;
    guint client = client_locks();

    if (!priv->sync_modifiers)
        return;
    g_object_get(channel, "key-modifiers", &guest, NULL);
    if ((guint)guest == client) {
        priv->corrections = 0;
        return;
    }
    if (priv->corrections >= MAX_CORRECTIONS) {
        SPICE_DEBUG("the guest keeps its lock keys at 0x%x, ours are 0x%x: left alone", guest,
                    client);
        return;
    }
    priv->corrections++;
    spice_inputs_channel_set_key_locks(SPICE_INPUTS_CHANNEL(channel), client);
}

void spice_gtk_session_sync_locks(SpiceGtkSession *self)
{
    SpiceGtkSessionPrivate *priv = self->priv;
    guint locks;

    priv->corrections = 0;
    if (!priv->sync_modifiers || priv->session == NULL)
        return;
    locks = client_locks();

    GList *channels = spice_session_get_channels(priv->session);

    for (GList *l = channels; l != NULL; l = l->next)
        if (SPICE_IS_INPUTS_CHANNEL(l->data))
            spice_inputs_channel_set_key_locks(l->data, locks);
    g_list_free(channels);
}

/* While a display has the focus, the lock key itself travels to the guest. */
static void keymap_state_changed(GdkKeymap *keymap, SpiceGtkSession *self)
{
    self->priv->corrections = 0;
    if (self->priv->keyboard_focus == 0)
        spice_gtk_session_sync_locks(self);
}

static void channel_new(SpiceSession *session, SpiceChannel *channel, SpiceGtkSession *self)
{
    if (!SPICE_IS_INPUTS_CHANNEL(channel))
        return;
    spice_g_signal_connect_object(channel, "inputs-modifiers", G_CALLBACK(inputs_modifiers), self,
                                  G_CONNECT_AFTER);
    if (self->priv->sync_modifiers)
        spice_inputs_channel_set_key_locks(SPICE_INPUTS_CHANNEL(channel), client_locks());
}

/* ---- what the displays share
 * ------------------------------------------------------------------------------ */

void spice_gtk_session_add_display(SpiceGtkSession *self, GtkWidget *display)
{
    self->priv->displays = g_list_append(self->priv->displays, display);
}

void spice_gtk_session_remove_display(SpiceGtkSession *self, GtkWidget *display)
{
    self->priv->displays = g_list_remove(self->priv->displays, display);
}

GList *spice_gtk_session_get_displays(SpiceGtkSession *self)
{
    return self->priv->displays;
}

static void count(guint *counter, gboolean more)
{
    if (more)
        ++*counter;
    else if (*counter > 0)
        --*counter;
}

void spice_gtk_session_keyboard_focus(SpiceGtkSession *self, gboolean gained)
{
    count(&self->priv->keyboard_focus, gained);
}

void spice_gtk_session_pointer_inside(SpiceGtkSession *self, gboolean entered)
{
    count(&self->priv->pointer_inside, entered);
}

gboolean spice_gtk_session_has_keyboard_focus(SpiceGtkSession *self)
{
    return self->priv->keyboard_focus > 0;
}

gboolean spice_gtk_session_has_pointer(SpiceGtkSession *self)
{
    return self->priv->pointer_inside > 0;
}

void spice_gtk_session_set_pointer_grabbed(SpiceGtkSession *self, gboolean grabbed)
{
    self->priv->pointer_grabbed = grabbed;
    g_object_notify(G_OBJECT(self), "pointer-grabbed");
}

gboolean spice_gtk_session_get_pointer_grabbed(SpiceGtkSession *self)
{
    return self->priv->pointer_grabbed;
}

/* ---- the object
 * ------------------------------------------------------------------------------------------- */

static void spice_gtk_session_constructed(GObject *object)
{
    SpiceGtkSession *self = SPICE_GTK_SESSION(object);
    GdkDisplay *display = gdk_display_get_default();

    G_OBJECT_CLASS(spice_gtk_session_parent_class)->constructed(object);

    if (self->priv->session == NULL) {
        g_critical("a SpiceGtkSession needs a SpiceSession: use spice_gtk_session_get()");
        return;
    }
    spice_g_signal_connect_object(self->priv->session, "channel-new", G_CALLBACK(channel_new), self,
                                  0);

    GList *channels = spice_session_get_channels(self->priv->session);

    for (GList *l = channels; l != NULL; l = l->next)
        channel_new(self->priv->session, l->data, self);
    g_list_free(channels);

    if (display != NULL)
        spice_g_signal_connect_object(gdk_keymap_get_for_display(display), "state-changed",
                                      G_CALLBACK(keymap_state_changed), self, 0);
}

static void spice_gtk_session_finalize(GObject *object)
{
    SpiceGtkSession *self = SPICE_GTK_SESSION(object);

    g_clear_weak_pointer(&self->priv->session);
    g_list_free(self->priv->displays);
    G_OBJECT_CLASS(spice_gtk_session_parent_class)->finalize(object);
}

static void spice_gtk_session_get_property(GObject *object, guint id, GValue *value,
                                           GParamSpec *pspec)
{
    SpiceGtkSessionPrivate *priv = SPICE_GTK_SESSION(object)->priv;

    switch (id) {
    case PROP_SESSION:
        g_value_set_object(value, priv->session);
        break;
    case PROP_AUTO_CLIPBOARD:
        g_value_set_boolean(value, priv->auto_clipboard);
        break;
    case PROP_AUTO_USBREDIR:
        g_value_set_boolean(value, priv->auto_usbredir);
        break;
    case PROP_SYNC_MODIFIERS:
        g_value_set_boolean(value, priv->sync_modifiers);
        break;
    case PROP_POINTER_GRABBED:
        g_value_set_boolean(value, priv->pointer_grabbed);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void spice_gtk_session_set_property(GObject *object, guint id, const GValue *value,
                                           GParamSpec *pspec)
{
    SpiceGtkSessionPrivate *priv = SPICE_GTK_SESSION(object)->priv;

    switch (id) {
    case PROP_SESSION:
        g_set_weak_pointer(&priv->session, g_value_get_object(value));
        break;
    case PROP_AUTO_CLIPBOARD:
        priv->auto_clipboard = g_value_get_boolean(value);
        break;
    case PROP_AUTO_USBREDIR:
        priv->auto_usbredir = g_value_get_boolean(value);
        break;
    case PROP_SYNC_MODIFIERS:
        priv->sync_modifiers = g_value_get_boolean(value);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void spice_gtk_session_class_init(SpiceGtkSessionClass *klass)
{
    GObjectClass *object_class = G_OBJECT_CLASS(klass);

    object_class->constructed = spice_gtk_session_constructed;
    object_class->finalize = spice_gtk_session_finalize;
    object_class->get_property = spice_gtk_session_get_property;
    object_class->set_property = spice_gtk_session_set_property;

    /**
     * SpiceGtkSession:session:
     *
     * The session that this object belongs to; not referenced.
     *
     * Since: 0.8
     */
    g_object_class_install_property(
        object_class, PROP_SESSION,
        g_param_spec_object("session", "Session", "The session this object belongs to",
                            SPICE_TYPE_SESSION,
                            G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS));

    /**
     * SpiceGtkSession:auto-clipboard:
     *
     * Whether the program wants the clipboards of guest and client to be shared. They can be shared
     * only while a guest agent is connected.
     *
     * Since: 0.8
     */
    g_object_class_install_property(
        object_class, PROP_AUTO_CLIPBOARD,
        g_param_spec_boolean("auto-clipboard", "Share the clipboard",
                             "Whether clipboards are shared automatically", TRUE,
                             G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS));

    /**
     * SpiceGtkSession:auto-usbredir:
     *
     * Whether the program wants USB devices that are plugged in while a display has the keyboard
     * focus to go to the guest. Devices can be redirected only by a session with a USB device
     * manager.
     *
     * Since: 0.8
     */
    g_object_class_install_property(
        object_class, PROP_AUTO_USBREDIR,
        g_param_spec_boolean("auto-usbredir", "Redirect USB devices",
                             "Whether newly plugged in USB devices are redirected automatically",
                             FALSE,
                             G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS));

    /**
     * SpiceGtkSession:sync-modifiers:
     *
     * Whether the guest's Caps, Num and Scroll Lock follow the client's
     * (docs/spec/client-gtk.md 10.2).
     *
     * Since: 0.32
     */
    g_object_class_install_property(
        object_class, PROP_SYNC_MODIFIERS,
        g_param_spec_boolean("sync-modifiers", "Synchronise lock keys",
                             "Whether the guest's lock keys follow the client's", TRUE,
                             G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS));

    /**
     * SpiceGtkSession:pointer-grabbed:
     *
     * Whether a display of the session has grabbed the pointer; notified at each grab and release.
     *
     * Since: 0.27
     */
    g_object_class_install_property(
        object_class, PROP_POINTER_GRABBED,
        g_param_spec_boolean("pointer-grabbed", "Pointer grabbed",
                             "Whether a display has grabbed the pointer", FALSE,
                             G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void spice_gtk_session_init(SpiceGtkSession *self)
{
    self->priv = spice_gtk_session_get_instance_private(self);
}

/**
 * spice_gtk_session_get:
 * @session: a session
 *
 * The #SpiceGtkSession of a session. The first call creates it (a default #GdkDisplay must exist by
 * then); it lives as long as the session does.
 *
 * Returns: (transfer none): the session's #SpiceGtkSession, owned by the session
 *
 * Since: 0.8
 */
SpiceGtkSession *spice_gtk_session_get(SpiceSession *session)
{
    static GMutex mutex;
    SpiceGtkSession *self;

    g_return_val_if_fail(SPICE_IS_SESSION(session), NULL);

    g_mutex_lock(&mutex);
    self = g_object_get_data(G_OBJECT(session), SESSION_KEY);
    if (self == NULL) {
        self = g_object_new(SPICE_TYPE_GTK_SESSION, "session", session, NULL);
        g_object_set_data_full(G_OBJECT(session), SESSION_KEY, self, g_object_unref);
    }
    g_mutex_unlock(&mutex);
    return self;
}
