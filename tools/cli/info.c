/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* spice-cli info: what a server offers, for people or as JSON. */
#include "config.h"
#include "cli.h"

#include <stdio.h>

/* A text as a JSON string. */
static char *json_string(const char *text)
{
    GString *out = g_string_new("\"");
    for (const char *at = text ? text : ""; *at; at++) {
        guchar c = (guchar)*at;
        if (c == '"' || c == '\\')
            g_string_append_printf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            g_string_append_printf(out, "\\u%04x", c);
        else
            g_string_append_c(out, c);
    }
    g_string_append_c(out, '"');
    return g_string_free(out, FALSE);
}

static gboolean has_primary(Cli *cli, gpointer data)
{
    SpiceDisplayPrimary primary;
    return spice_display_channel_get_primary(SPICE_CHANNEL(cli->display), 0, &primary);
}

/* The monitors of our display, "[]" when it has none; and its size. */
static char *monitors_json(Cli *cli, gboolean json)
{
    GString *out = g_string_new(NULL);
    g_autoptr(GArray) monitors = NULL;
    g_object_get(cli->display, "monitors", &monitors, NULL);
    for (guint i = 0; monitors && i < monitors->len; i++) {
        const SpiceDisplayMonitorConfig *m = &g_array_index(monitors, SpiceDisplayMonitorConfig, i);
        g_string_append_printf(
            out,
            json ? "%s{\"id\": %u, \"x\": %u, \"y\": %u, \"width\": %u, \"height\": %u}"
                 : "%smonitor %u at %u,%u: %u x %u",
            i ? ", " : "", m->id, m->x, m->y, m->width, m->height);
    }
    return g_string_free(out, FALSE);
}

static gint by_type(gconstpointer a, gconstpointer b)
{
    int ta, tb, ia, ib;
    g_object_get((gpointer)a, "channel-type", &ta, "channel-id", &ia, NULL);
    g_object_get((gpointer)b, "channel-type", &tb, "channel-id", &ib, NULL);
    return ta != tb ? ta - tb : ia - ib;
}

static char *channels_text(Cli *cli, gboolean json)
{
    GString *out = g_string_new(NULL);
    g_autoptr(GList) channels = g_list_sort(spice_session_get_channels(cli->session), by_type);
    for (GList *l = channels; l; l = l->next) {
        int type, id;
        g_object_get(l->data, "channel-type", &type, "channel-id", &id, NULL);
        g_string_append_printf(out, json ? "%s{\"type\": \"%s\", \"id\": %d}" : "%s%s %d",
                               l == channels ? "" : ", ", spice_channel_type_to_string(type), id);
    }
    return g_string_free(out, FALSE);
}

gboolean cli_info(Cli *cli, int n_args, char **args)
{
    cli->want_display = TRUE;
    if (!cli_connect(cli) || !cli_wait(cli, has_primary, NULL, "the display's surface"))
        return FALSE;
    /* Name, identifier and the rest of the list come in the messages right behind. */
    if (!cli_sleep(cli, 0.3))
        return FALSE;

    g_autofree char *name = NULL, *uri = NULL;
    gpointer uuid = NULL;
    int mode = 0, version = 0;
    gboolean agent = FALSE;
    guint width, height;
    g_object_get(cli->session, "name", &name, "uuid", &uuid, "uri", &uri, "protocol", &version,
                 NULL);
    g_object_get(cli->main, "mouse-mode", &mode, "agent-connected", &agent, NULL);
    g_object_get(cli->display, "width", &width, "height", &height, NULL);
    g_autofree char *uuid_text = uuid ? spice_uuid_to_string(uuid) : g_strdup("");
    g_autofree char *monitors = monitors_json(cli, cli->options.json);
    g_autofree char *channels = channels_text(cli, cli->options.json);
    const char *mode_text = mode == SPICE_MOUSE_MODE_CLIENT ? "client" : "server";

    if (cli->options.json) {
        g_autofree char *json_name = json_string(name), *json_uri = json_string(uri);
        printf("{\"uri\": %s, \"name\": %s, \"uuid\": \"%s\", \"protocol\": %d, "
               "\"mouse_mode\": \"%s\", \"agent_connected\": %s, "
               "\"display\": {\"id\": %d, \"width\": %u, \"height\": %u, \"monitors\": [%s]}, "
               "\"channels\": [%s]}\n",
               json_uri, json_name, uuid_text, version, mode_text, agent ? "true" : "false",
               cli->options.display, width, height, monitors, channels);
    } else {
        printf("address     %s\nname        %s\nuuid        %s\nmouse mode  %s\nguest agent %s\n"
               "display %d   %u x %u (%s)\nchannels    %s\n",
               uri, name ? name : "", uuid_text, mode_text, agent ? "connected" : "not connected",
               cli->options.display, width, height, monitors, channels);
    }
    return TRUE;
}
