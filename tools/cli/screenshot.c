/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* spice-cli screenshot: waits until the guest's picture is at rest and saves it. */
#include "config.h"
#include "cli.h"
#include "picture.h"

#include <stdio.h>

typedef struct Watch {
    gboolean dirty, marked;
    char *checksum;   /* of the last picture looked at */
    gint64 changed;   /* when it was last another one */
    Picture *picture; /* the last one */
    gboolean plain;   /* it is a text screen, or empty */
} Watch;

static void invalidated(SpiceDisplayChannel *display, int x, int y, int width, int height,
                        gpointer data)
{
    ((Watch *)data)->dirty = TRUE;
}

static void created(SpiceDisplayChannel *display, int format, int width, int height, int stride,
                    int shmid, gpointer pixels, gpointer data)
{
    ((Watch *)data)->dirty = TRUE;
}

static void marked(SpiceDisplayChannel *display, int mark, gpointer data)
{
    ((Watch *)data)->dirty = TRUE;
}

/* The part of a surface that a monitor shows; the whole when there is no such monitor in the list.
 */
static Picture *crop_to_monitor(Cli *cli, Picture *whole)
{
    g_autoptr(GArray) monitors = NULL;
    g_object_get(cli->display, "monitors", &monitors, NULL);
    for (guint i = 0; monitors && i < monitors->len; i++) {
        const SpiceDisplayMonitorConfig *monitor =
            &g_array_index(monitors, SpiceDisplayMonitorConfig, i);
        if ((int)monitor->id != cli->options.monitor)
            continue;
        Picture *part =
            picture_crop(whole, monitor->x, monitor->y, monitor->width, monitor->height);
        picture_free(whole);
        return part;
    }
    picture_free(whole);
    return NULL;
}

static void look(Cli *cli, Watch *watch)
{
    SpiceDisplayPrimary primary;
    if (!spice_display_channel_get_primary(SPICE_CHANNEL(cli->display), 0, &primary) ||
        !primary.marked || !primary.data)
        return;
    Picture *picture = picture_from_surface(primary.format, primary.width, primary.height,
                                            primary.stride, primary.data);
    if (picture && cli->options.monitor >= 0)
        picture = crop_to_monitor(cli, picture);
    if (!picture)
        return;
    g_autofree char *checksum = g_compute_checksum_for_data(
        G_CHECKSUM_SHA1, picture->rgb, (gsize)picture->width * picture->height * 3);
    if (!watch->picture || watch->picture->width != picture->width ||
        g_strcmp0(checksum, watch->checksum) != 0) {
        watch->changed = g_get_monotonic_time();
        watch->plain = picture_is_plain(picture);
    }
    g_free(watch->checksum);
    watch->checksum = g_steal_pointer(&checksum);
    picture_free(watch->picture);
    watch->picture = picture;
}

static gboolean at_rest(Cli *cli, gpointer data)
{
    Watch *watch = data;
    /* Looking costs a pass over all pixels: not more often than a person could tell apart. */
    static gint64 next;
    gint64 now = g_get_monotonic_time();
    if (watch->dirty && now >= next) {
        watch->dirty = FALSE;
        look(cli, watch);
        now = g_get_monotonic_time();
        next = now + 40 * 1000;
    }
    return watch->picture && !watch->dirty && !(cli->options.graphics && watch->plain) &&
           now - watch->changed >= (gint64)(cli->options.wait * G_USEC_PER_SEC);
}

gboolean cli_screenshot(Cli *cli, int n_args, char **args)
{
    const char *path = n_args ? args[0] : "screenshot.png";
    Watch watch = {.dirty = TRUE};
    cli->want_display = TRUE;
    if (!cli_connect(cli))
        return FALSE;
    g_signal_connect(cli->display, "display-invalidate", G_CALLBACK(invalidated), &watch);
    g_signal_connect(cli->display, "display-primary-create", G_CALLBACK(created), &watch);
    g_signal_connect(cli->display, "display-mark", G_CALLBACK(marked), &watch);
    gboolean ok = cli_wait(cli, at_rest, &watch,
                           cli->options.graphics
                               ? "a picture at rest that is more than text or an empty screen"
                               : "a picture at rest");
    g_signal_handlers_disconnect_by_data(cli->display, &watch);

    /* A picture that never came to rest is better than none: it is saved, and the exit status
     * tells. */
    if (watch.picture) {
        g_autoptr(GError) error = NULL;
        if (!picture_save(watch.picture, path, &error)) {
            g_clear_pointer(&cli->failure, failure_free);
            cli_fail(cli, FAILURE_OTHER, "The picture can't be saved", "%s", error->message);
            ok = FALSE;
        } else {
            fprintf(stderr, "%s: %u x %u%s\n", path, watch.picture->width, watch.picture->height,
                    ok ? "" : " (the last picture, not at rest)");
        }
    }
    picture_free(watch.picture);
    g_free(watch.checksum);
    return ok;
}
