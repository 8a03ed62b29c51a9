/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SpiceDisplay: its channels, which part of the surface it shows, when it is ready, and what size
 * it asks of the guest (docs/spec/client-gtk.md 2, 3.2, 5). */
#include "config.h"

#include "widget-priv.h"

/* A guest that switches modes is not ready for a moment. Only one that stays so has lost its
 * screen: telling it at once would make the main channel send an unchanged configuration after
 * every switch. */
#define DISABLE_DELAY_MS 300

#define NO_GL_TEXT "spice-gtk: The remote requires EGL support."

/* What a minimum size of the picture says nothing about: it adapts. */
#define ADAPTING_WIDTH 640
#define ADAPTING_HEIGHT 480

gint spice_display_get_display_id(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;

    if (d->channel_id != 0)
        return d->channel_id;
    return MAX(d->monitor_id, 0);
}

/* ---- sizes
 * ------------------------------------------------------------------------------------------------
 */

void spice_display_update_size_request(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;
    gint factor = gtk_widget_get_scale_factor(GTK_WIDGET(display));
    gint width = d->area.width, height = d->area.height;

    if (d->resize_guest || d->scaling) {
        width = ADAPTING_WIDTH;
        height = ADAPTING_HEIGHT;
    }
    gtk_widget_set_size_request(GTK_WIDGET(display), width / factor, height / factor);
}

/* Physical size of the part of the monitor that the widget covers. */
static void update_guest_size_mm(SpiceDisplay *display, gdouble zoom)
{
    GtkWidget *widget = GTK_WIDGET(display);
    GdkMonitor *monitor;
    GdkRectangle geometry;

    if (!gtk_widget_get_realized(widget))
        return;
    monitor = gdk_display_get_monitor_at_window(gtk_widget_get_display(widget),
                                                gtk_widget_get_window(widget));
    if (monitor == NULL)
        return;
    gdk_monitor_get_geometry(monitor, &geometry);
    if (geometry.width <= 0 || geometry.height <= 0)
        return;

    gdouble width_mm = (gdouble)gdk_monitor_get_width_mm(monitor) *
                       gtk_widget_get_allocated_width(widget) / geometry.width;
    gdouble height_mm = (gdouble)gdk_monitor_get_height_mm(monitor) *
                        gtk_widget_get_allocated_height(widget) / geometry.height;

    spice_main_channel_update_display_mm(display->priv->main, spice_display_get_display_id(display),
                                         (int)(width_mm / zoom), (int)(height_mm / zoom), TRUE);
}

/* Ask the guest for a screen of the widget's size. The main channel leaves out what it has already
 * asked for. */
void spice_display_update_guest_size(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;
    GtkWidget *widget = GTK_WIDGET(display);
    gint factor = gtk_widget_get_scale_factor(widget);
    gdouble zoom = d->scaling ? d->zoom_level / 100.0 : 1;
    GtkAllocation allocation;

    if (!d->resize_guest || d->main == NULL || !gtk_widget_get_realized(widget))
        return;
    gtk_widget_get_allocation(widget, &allocation);
    if (allocation.width <= 1 || allocation.height <= 1) /* not laid out yet */
        return;
    update_guest_size_mm(display, zoom);
    spice_main_channel_update_display(d->main, spice_display_get_display_id(display), d->area.x,
                                      d->area.y, (int)(allocation.width * factor / zoom),
                                      (int)(allocation.height * factor / zoom), TRUE);
}

/* ---- readiness
 * -------------------------------------------------------------------------------------------- */

static gboolean shows_label(SpiceDisplayPrivate *d)
{
    return d->stack != NULL && gtk_stack_get_visible_child(GTK_STACK(d->stack)) == d->label;
}

static void tell_enabled(SpiceDisplay *display, gboolean enabled)
{
    SpiceDisplayPrivate *d = display->priv;

    if (d->main == NULL || (d->enabled_told && d->enabled == enabled))
        return;
    d->enabled_told = TRUE;
    d->enabled = enabled;
    spice_main_channel_update_display_enabled(d->main, spice_display_get_display_id(display),
                                              enabled, TRUE);
}

static gboolean disable_timeout(gpointer data)
{
    SpiceDisplay *display = data;

    display->priv->disable_timer = 0;
    if (display->priv->resize_guest && !display->priv->ready)
        tell_enabled(display, FALSE);
    return G_SOURCE_REMOVE;
}

void spice_display_update_ready(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;
    gboolean ready = shows_label(d) || (d->area_known && (d->gl || d->marked));

    if (d->resize_guest && d->main != NULL) {
        if (ready) {
            g_clear_handle_id(&d->disable_timer, g_source_remove);
            tell_enabled(display, TRUE);
        } else if (d->disable_timer == 0) {
            d->disable_timer = g_timeout_add(DISABLE_DELAY_MS, disable_timeout, display);
        }
    }
    if (ready == d->ready)
        return;
    d->ready = ready;
    if (ready)
        spice_display_update_cursor(display);
    gtk_widget_queue_draw(GTK_WIDGET(display));
    g_object_notify(G_OBJECT(display), "ready");
}

/* ---- the shown area
 * --------------------------------------------------------------------------------------- */

static void set_area(SpiceDisplay *display, const LayoutRect *area)
{
    SpiceDisplayPrivate *d = display->priv;
    gboolean resized = d->area.width != area->width || d->area.height != area->height;

    d->area = *area;
    spice_display_make_picture(display);
    d->cursor_scale = 0;
    if (resized)
        spice_display_update_size_request(display);
    spice_display_update_guest_size(display);
    gtk_widget_queue_draw(GTK_WIDGET(display));
}

static LayoutMonitor *get_monitors(SpiceDisplayChannel *channel, guint *n)
{
    GArray *array = NULL;
    LayoutMonitor *monitors;

    g_object_get(channel, "monitors", &array, NULL);
    *n = array ? array->len : 0;
    monitors = g_new0(LayoutMonitor, *n + 1);
    for (guint i = 0; i < *n; i++) {
        const SpiceDisplayMonitorConfig *config =
            &g_array_index(array, SpiceDisplayMonitorConfig, i);

        monitors[i] = (LayoutMonitor){config->id, config->surface_id, config->x,
                                      config->y,  config->width,      config->height};
    }
    g_clear_pointer(&array, g_array_unref);
    return monitors;
}

/* The surface, the monitors or monitor-id changed. */
void spice_display_update_area(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;
    g_autofree LayoutMonitor *monitors = NULL;
    LayoutRect area;
    guint n_monitors;

    if (d->display == NULL)
        return;
    monitors = get_monitors(d->display, &n_monitors);

    switch (layout_select_area(monitors, n_monitors, d->monitor_id, d->primary.width,
                               d->primary.height, FALSE, &area)) {
    case LAYOUT_AREA_FOUND:
        d->area_known = TRUE;
        break;
    case LAYOUT_AREA_EMPTY:
        d->area_known = FALSE;
        break;
    case LAYOUT_AREA_MISSING:
        d->area_known = FALSE;
        /* A server that knows of monitors will tell about this one; until then the old area stays.
         */
        if (spice_channel_test_capability(SPICE_CHANNEL(d->display),
                                          SPICE_DISPLAY_CAP_MONITORS_CONFIG)) {
            spice_display_make_picture(display);
            spice_display_update_ready(display);
            return;
        }
        d->area_known = area.width > 0;
        break;
    }
    set_area(display, &area);
    spice_display_update_ready(display);
}

/* ---- display channel
 * -------------------------------------------------------------------------------------- */

static void show_page(SpiceDisplay *display, gboolean label)
{
    SpiceDisplayPrivate *d = display->priv;

    if (d->stack == NULL)
        return;
    gtk_stack_set_visible_child(GTK_STACK(d->stack), label ? d->label : d->draw_area);
    spice_display_update_ready(display);
}

static void primary_create(SpiceChannel *channel, gint format, gint width, gint height, gint stride,
                           gint shmid, gpointer data, SpiceDisplay *display)
{
    g_autoptr(SpiceDisplay) keep = g_object_ref(display);
    SpiceDisplayPrimary primary = {
        .format = format,
        .width = width,
        .height = height,
        .stride = stride,
        .shmid = shmid,
        .data = data,
    };

    spice_display_set_primary(display, &primary);
    spice_display_update_area(display);
}

static void primary_destroy(SpiceChannel *channel, SpiceDisplay *display)
{
    g_autoptr(SpiceDisplay) keep = g_object_ref(display);

    spice_display_set_primary(display, NULL);
    display->priv->area_known = FALSE;
    spice_display_update_ready(display);
}

static void display_invalidate(SpiceChannel *channel, gint x, gint y, gint width, gint height,
                               SpiceDisplay *display)
{
    if (shows_label(display->priv)) {
        g_autoptr(SpiceDisplay) keep = g_object_ref(display);

        show_page(display, FALSE);
    }
    spice_display_invalidate(display, x, y, width, height);
}

static void display_mark(SpiceChannel *channel, gint mark, SpiceDisplay *display)
{
    g_autoptr(SpiceDisplay) keep = g_object_ref(display);

    display->priv->marked = mark != 0;
    spice_display_update_ready(display);
    gtk_widget_queue_draw(GTK_WIDGET(display));
}

static void monitors_changed(SpiceChannel *channel, GParamSpec *pspec, SpiceDisplay *display)
{
    g_autoptr(SpiceDisplay) keep = g_object_ref(display);

    spice_display_update_area(display);
}

/* Scanouts are pictures in graphics memory, and this library draws without it: say so instead of
 * showing nothing. */
static void gl_scanout_changed(SpiceDisplayChannel *channel, GParamSpec *pspec,
                               SpiceDisplay *display)
{
    const SpiceGlScanout *scanout = spice_display_channel_get_gl_scanout(channel);
    g_autoptr(SpiceDisplay) keep = g_object_ref(display);

    if (scanout == NULL || scanout->fd < 0 || display->priv->label == NULL)
        return;
    gtk_label_set_text(GTK_LABEL(display->priv->label), NO_GL_TEXT);
    show_page(display, TRUE);
}

/* Every frame is acknowledged once, or the guest's screen would freeze. */
static void gl_draw(SpiceDisplayChannel *channel, guint x, guint y, guint width, guint height,
                    SpiceDisplay *display)
{
    spice_display_channel_gl_draw_done(channel);
}

static void attach_display(SpiceDisplay *display, SpiceDisplayChannel *channel)
{
    SpiceDisplayPrivate *d = display->priv;
    SpiceDisplayPrimary primary;

    d->display = channel;
    spice_g_signal_connect_object(channel, "display-primary-create", G_CALLBACK(primary_create),
                                  display, 0);
    spice_g_signal_connect_object(channel, "display-primary-destroy", G_CALLBACK(primary_destroy),
                                  display, 0);
    spice_g_signal_connect_object(channel, "display-invalidate", G_CALLBACK(display_invalidate),
                                  display, 0);
    spice_g_signal_connect_object(channel, "display-mark", G_CALLBACK(display_mark), display,
                                  G_CONNECT_AFTER);
    spice_g_signal_connect_object(channel, "notify::monitors", G_CALLBACK(monitors_changed),
                                  display, G_CONNECT_AFTER);
    spice_g_signal_connect_object(channel, "notify::gl-scanout", G_CALLBACK(gl_scanout_changed),
                                  display, G_CONNECT_AFTER);
    spice_g_signal_connect_object(channel, "gl-draw", G_CALLBACK(gl_draw), display,
                                  G_CONNECT_AFTER);

    if (spice_display_channel_get_primary(SPICE_CHANNEL(channel), 0, &primary)) {
        spice_display_set_primary(display, &primary);
        d->marked = primary.marked;
    }
    spice_display_update_area(display);
    gl_scanout_changed(channel, NULL, display);
}

/* ---- the other channels
 * ----------------------------------------------------------------------------------- */

static void mouse_mode_changed(SpiceChannel *channel, SpiceDisplay *display)
{
    g_autoptr(SpiceDisplay) keep = g_object_ref(display);
    gint mode = 0;

    g_object_get(channel, "mouse-mode", &mode, NULL);
    spice_display_set_mouse_mode(display, mode);
}

static void attach_main(SpiceDisplay *display, SpiceMainChannel *channel)
{
    display->priv->main = channel;
    display->priv->enabled_told = FALSE;
    spice_g_signal_connect_object(channel, "main-mouse-update", G_CALLBACK(mouse_mode_changed),
                                  display, 0);
    mouse_mode_changed(SPICE_CHANNEL(channel), display);
    spice_display_update_ready(display);
    spice_display_update_guest_size(display);
}

static void cursor_shape_changed(SpiceChannel *channel, GParamSpec *pspec, SpiceDisplay *display)
{
    spice_display_cursor_changed(display);
}

static void cursor_hide(SpiceChannel *channel, SpiceDisplay *display)
{
    spice_display_cursor_hide(display);
}

static void cursor_move(SpiceChannel *channel, gint x, gint y, SpiceDisplay *display)
{
    spice_display_cursor_move(display, x, y);
}

static void cursor_reset(SpiceChannel *channel, SpiceDisplay *display)
{
    spice_display_cursor_reset(display);
}

static void attach_cursor(SpiceDisplay *display, SpiceCursorChannel *channel)
{
    display->priv->cursor = channel;
    spice_g_signal_connect_object(channel, "notify::cursor", G_CALLBACK(cursor_shape_changed),
                                  display, 0);
    spice_g_signal_connect_object(channel, "cursor-move", G_CALLBACK(cursor_move), display, 0);
    spice_g_signal_connect_object(channel, "cursor-hide", G_CALLBACK(cursor_hide), display, 0);
    spice_g_signal_connect_object(channel, "cursor-reset", G_CALLBACK(cursor_reset), display, 0);
    spice_display_cursor_changed(display);
}

/* What was down at the other end is not down any more. */
static void forget_inputs(SpiceDisplay *display)
{
    key_state_reset(&display->priv->keys);
    display->priv->buttons = 0;
    display->priv->sent_id = -1;
}

/* Over a network, jitter between press and release makes the guest repeat keys; a local socket has
 * none. */
static void inputs_event(SpiceChannel *channel, SpiceChannelEvent event, SpiceDisplay *display)
{
    g_autoptr(GSocket) socket = NULL;
    g_autoptr(SpiceDisplay) keep = g_object_ref(display);

    display->priv->inputs_open = event == SPICE_CHANNEL_OPENED;
    if (!display->priv->inputs_open) {
        forget_inputs(display);
        return;
    }
    g_object_get(channel, "socket", &socket, NULL);
    if (socket == NULL)
        return;
    spice_display_set_keypress_delay(display,
                                     g_socket_get_family(socket) == G_SOCKET_FAMILY_UNIX ? 0 : 100);
}

static void attach_inputs(SpiceDisplay *display, SpiceInputsChannel *channel)
{
    g_autoptr(GSocket) socket = NULL;

    display->priv->inputs = channel;
    g_object_get(channel, "socket", &socket, NULL);
    display->priv->inputs_open = socket != NULL;
    spice_g_signal_connect_object(channel, "channel-event", G_CALLBACK(inputs_event), display, 0);
}

static void channel_new(SpiceSession *session, SpiceChannel *channel, SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;
    gint id = 0;

    g_object_get(channel, "channel-id", &id, NULL);
    if (SPICE_IS_MAIN_CHANNEL(channel)) {
        attach_main(display, SPICE_MAIN_CHANNEL(channel));
        return;
    }
    if (SPICE_IS_DISPLAY_CHANNEL(channel) && id == d->channel_id)
        attach_display(display, SPICE_DISPLAY_CHANNEL(channel));
    else if (SPICE_IS_CURSOR_CHANNEL(channel) && id == d->channel_id)
        attach_cursor(display, SPICE_CURSOR_CHANNEL(channel));
    else if (SPICE_IS_INPUTS_CHANNEL(channel))
        attach_inputs(display, SPICE_INPUTS_CHANNEL(channel));
    else
        return;
    /* Programs rely on it: they never connect these channels themselves. */
    spice_channel_connect(channel);
}

static void detach(SpiceDisplay *display, SpiceChannel *channel)
{
    SpiceDisplayPrivate *d = display->priv;

    g_signal_handlers_disconnect_by_data(channel, display);
    if (channel == (gpointer)d->main) {
        d->main = NULL;
        g_clear_handle_id(&d->disable_timer, g_source_remove);
        spice_display_set_mouse_mode(display, 0);
    } else if (channel == (gpointer)d->display) {
        d->display = NULL;
        d->primary = (SpiceDisplayPrimary){.data = NULL};
        d->area_known = d->marked = FALSE;
        d->area = (LayoutRect){0, 0, 0, 0};
        spice_display_clear_pictures(display);
        if (d->stack != NULL)
            gtk_stack_set_visible_child(GTK_STACK(d->stack), d->draw_area);
        spice_display_update_ready(display);
        gtk_widget_queue_draw(GTK_WIDGET(display));
    } else if (channel == (gpointer)d->cursor) {
        d->cursor = NULL;
        spice_display_cursor_clear(display);
    } else if (channel == (gpointer)d->inputs) {
        forget_inputs(display);
        d->inputs = NULL;
        d->inputs_open = FALSE;
    }
}

static void channel_destroy(SpiceSession *session, SpiceChannel *channel, SpiceDisplay *display)
{
    g_autoptr(SpiceDisplay) keep = g_object_ref(display);
    SpiceDisplayPrivate *d = display->priv;

    if (channel == (gpointer)d->main || channel == (gpointer)d->display ||
        channel == (gpointer)d->cursor || channel == (gpointer)d->inputs)
        detach(display, channel);
}

void spice_display_attach_channels(SpiceDisplay *display)
{
    SpiceSession *session = display->priv->session;
    GList *channels = spice_session_get_channels(session);

    spice_g_signal_connect_object(session, "channel-new", G_CALLBACK(channel_new), display, 0);
    spice_g_signal_connect_object(session, "channel-destroy", G_CALLBACK(channel_destroy), display,
                                  0);
    /* The main channel first: the others need to know the mouse mode. */
    for (GList *l = channels; l != NULL; l = l->next)
        if (SPICE_IS_MAIN_CHANNEL(l->data))
            channel_new(session, l->data, display);
    for (GList *l = channels; l != NULL; l = l->next)
        if (!SPICE_IS_MAIN_CHANNEL(l->data))
            channel_new(session, l->data, display);
    g_list_free(channels);
}

void spice_display_detach_channels(SpiceDisplay *display)
{
    SpiceDisplayPrivate *d = display->priv;

    if (d->inputs != NULL)
        detach(display, SPICE_CHANNEL(d->inputs));
    if (d->cursor != NULL)
        detach(display, SPICE_CHANNEL(d->cursor));
    if (d->display != NULL)
        detach(display, SPICE_CHANNEL(d->display));
    if (d->main != NULL)
        detach(display, SPICE_CHANNEL(d->main));
}
