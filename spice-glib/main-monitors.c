/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The monitors that the application wants the guest to have. Spec: client-glib.md 6.4, agent.md 7.
 */
#include <stdlib.h>
#include "main-private.h"

/* The first change goes out at once, later ones at most so often, the last one always: agents apply
 * the newest. */
#define INTERVAL 250 /* milliseconds */
#define DEPTH 32

void spice_main_monitors_clear(SpiceMainChannel *channel)
{
    spice_source_remove(&channel->priv->monitors_timer);
}

static gboolean has_size(const MainMonitor *monitor)
{
    return monitor->width > 0 && monitor->height > 0;
}

typedef struct Place {
    guint index;
    gint64 distance; /* from the origin, squared */
} Place;

static int compare_places(const void *a, const void *b)
{
    const Place *p = a, *q = b;

    if (p->distance != q->distance)
        return p->distance < q->distance ? -1 : 1;
    return p->index < q->index ? -1 : p->index > q->index;
}

/* Left to right without gaps, in the order of their distance from the origin. */
static void align(AgentMonConfig *monitors, guint n)
{
    Place places[MAIN_MONITORS];
    gint64 x = 0;

    for (guint i = 0; i < n; i++)
        places[i] = (Place){i, (gint64)monitors[i].x * monitors[i].x +
                                   (gint64)monitors[i].y * monitors[i].y};
    qsort(places, n, sizeof places[0], compare_places);
    for (guint i = 0; i < n; i++) {
        AgentMonConfig *monitor = &monitors[places[i].index];

        if (monitor->width == 0)
            continue;
        monitor->x = (gint)MIN(x, G_MAXINT);
        monitor->y = 0;
        x += monitor->width;
    }
}

static void send_config(SpiceMainChannel *channel)
{
    SpiceMainChannelPrivate *c = channel->priv;
    gboolean sparse =
        spice_main_channel_agent_test_capability(channel, VD_AGENT_CAP_SPARSE_MONITORS_CONFIG);
    AgentMonConfig monitors[MAIN_MONITORS] = {{0}};
    AgentMonitorMm sizes[MAIN_MONITORS] = {{0}};
    AgentMonitorsConfig config = {.monitors = monitors, .physical_sizes = sizes};
    gboolean know_sizes = FALSE;

    for (guint i = 0; i < MAIN_MONITORS; i++) {
        const MainMonitor *monitor = &c->monitors[i];

        if (monitor->state == MONITOR_ENABLED) {
            guint n = config.n_monitors;

            monitors[n] = (AgentMonConfig){.height = monitor->height,
                                           .width = monitor->width,
                                           .depth = DEPTH,
                                           .x = monitor->x,
                                           .y = monitor->y};
            sizes[n] = (AgentMonitorMm){.height = MIN(monitor->height_mm, G_MAXUINT16),
                                        .width = MIN(monitor->width_mm, G_MAXUINT16)};
            know_sizes = know_sizes || monitor->height_mm > 0 || monitor->width_mm > 0;
        }
        if (sparse || monitor->state == MONITOR_ENABLED)
            config.n_monitors++;
    }
    if (!c->disable_display_align)
        align(monitors, config.n_monitors);
    if (!c->disable_display_position || !c->disable_display_align)
        config.flags |= VD_AGENT_CONFIG_MONITORS_FLAG_USE_POS;
    /* The Linux agent drops messages with physical sizes: they are sent only when there are some
     * (agent.md 7). */
    if (know_sizes) {
        config.flags |= VD_AGENT_CONFIG_MONITORS_FLAG_PHYSICAL_SIZE;
        config.n_physical_sizes = config.n_monitors;
    }
    c->monitors_sent = g_get_monotonic_time();
    spice_main_agent_send(channel, VD_AGENT_MONITORS_CONFIG, &config);
}

static gboolean worth_sending(SpiceMainChannel *channel)
{
    SpiceMainChannelPrivate *c = channel->priv;
    gboolean any = FALSE;

    if (!c->agent_connected)
        return FALSE;
    for (guint i = 0; i < MAIN_MONITORS; i++)
        any = any || has_size(&c->monitors[i]);
    if (!any)
        return FALSE;
    if (spice_main_channel_agent_test_capability(channel, VD_AGENT_CAP_SPARSE_MONITORS_CONFIG))
        return TRUE;
    /* Without sparse messages the position in the list says which monitor is meant. */
    for (guint i = 0; i < MIN(c->display_count, MAIN_MONITORS); i++)
        if (c->monitors[i].state == MONITOR_UNDEFINED)
            return FALSE;
    return TRUE;
}

static gboolean timer(gpointer data)
{
    SpiceMainChannel *channel = data;

    channel->priv->monitors_timer = 0;
    if (worth_sending(channel))
        send_config(channel);
    return G_SOURCE_REMOVE;
}

void spice_main_monitors_schedule(SpiceMainChannel *channel, gboolean now)
{
    SpiceMainChannelPrivate *c = channel->priv;
    gint64 since = (g_get_monotonic_time() - c->monitors_sent) / 1000;
    guint delay = now || c->monitors_sent == 0 || since >= INTERVAL ? 0 : INTERVAL - since;

    if (c->monitors_timer && !now)
        return;
    spice_source_remove(&c->monitors_timer);
    c->monitors_timer = spice_timeout_add(delay, timer, channel);
}

/**
 * spice_main_channel_update_display:
 * @channel: a #SpiceMainChannel
 * @id: number of the monitor, 0 to 15
 * @x: left edge, pixels
 * @y: top edge, pixels
 * @width: width, pixels
 * @height: height, pixels
 * @update: whether the guest is told
 *
 * Set place and size of a monitor. With @update the guest is told soon; changes in quick succession
 * are joined.
 *
 * Since: 0.35
 */
void spice_main_channel_update_display(SpiceMainChannel *channel, int id, int x, int y, int width,
                                       int height, gboolean update)
{
    MainMonitor *monitor;

    g_return_if_fail(SPICE_IS_MAIN_CHANNEL(channel));
    g_return_if_fail(id >= 0 && id < MAIN_MONITORS);
    g_return_if_fail(x >= 0 && y >= 0 && width >= 0 && height >= 0);
    monitor = &channel->priv->monitors[id];
    if (monitor->x == x && monitor->y == y && monitor->width == width && monitor->height == height)
        return;
    monitor->x = x;
    monitor->y = y;
    monitor->width = width;
    monitor->height = height;
    if (update)
        spice_main_monitors_schedule(channel, FALSE);
}

/**
 * spice_main_channel_update_display_mm:
 * @channel: a #SpiceMainChannel
 * @id: number of the monitor, 0 to 15
 * @width_mm: width in millimetres
 * @height_mm: height in millimetres
 * @update: whether the guest is told
 *
 * Set the physical size of a monitor.
 *
 * Since: 0.37
 */
void spice_main_channel_update_display_mm(SpiceMainChannel *channel, int id, int width_mm,
                                          int height_mm, gboolean update)
{
    MainMonitor *monitor;

    g_return_if_fail(SPICE_IS_MAIN_CHANNEL(channel));
    g_return_if_fail(id >= 0 && id < MAIN_MONITORS);
    g_return_if_fail(width_mm >= 0 && height_mm >= 0);
    monitor = &channel->priv->monitors[id];
    if (monitor->width_mm == width_mm && monitor->height_mm == height_mm)
        return;
    monitor->width_mm = width_mm;
    monitor->height_mm = height_mm;
    if (update)
        spice_main_monitors_schedule(channel, FALSE);
}

/**
 * spice_main_channel_update_display_enabled:
 * @channel: a #SpiceMainChannel
 * @id: number of the monitor, or -1 for all
 * @enabled: whether the guest shall have it
 * @update: whether the guest is told
 *
 * Turn a monitor on or off.
 *
 * Since: 0.35
 */
void spice_main_channel_update_display_enabled(SpiceMainChannel *channel, int id, gboolean enabled,
                                               gboolean update)
{
    MonitorState state = enabled ? MONITOR_ENABLED : MONITOR_DISABLED;

    g_return_if_fail(SPICE_IS_MAIN_CHANNEL(channel));
    g_return_if_fail(id >= -1 && id < MAIN_MONITORS);
    if (id == -1) {
        for (guint i = 0; i < MAIN_MONITORS; i++)
            channel->priv->monitors[i].state = state;
    } else {
        if (channel->priv->monitors[id].state == state)
            return;
        channel->priv->monitors[id].state = state;
    }
    if (update)
        spice_main_monitors_schedule(channel, FALSE);
}

/**
 * spice_main_channel_send_monitor_config:
 * @channel: a #SpiceMainChannel
 *
 * Tell the guest about its monitors now.
 *
 * Returns: %FALSE without an agent
 *
 * Since: 0.35
 */
gboolean spice_main_channel_send_monitor_config(SpiceMainChannel *channel)
{
    g_return_val_if_fail(SPICE_IS_MAIN_CHANNEL(channel), FALSE);
    g_return_val_if_fail(channel->priv->agent_connected, FALSE);
    spice_source_remove(&channel->priv->monitors_timer);
    send_config(channel);
    return TRUE;
}
