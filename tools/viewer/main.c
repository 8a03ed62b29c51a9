/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* spice-viewer: the command line. Follows client-gtk.md 15.1. */
#include "config.h"
#include "app.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

static gboolean read_choice(const char *option, const char *value, const char *yes, const char *no,
                            gboolean *result)
{
    if (!value)
        return TRUE;
    if (strcmp(value, yes) && strcmp(value, no)) {
        fprintf(stderr, "spice-viewer: %s is %s or %s, not %s\n", option, yes, no, value);
        return FALSE;
    }
    *result = strcmp(value, yes) == 0;
    return TRUE;
}

int main(int argc, char **argv)
{
    ViewerOptions options = {.zoom = 100, .auto_resize = TRUE};
    g_autofree char *auto_resize = NULL, *kiosk_quit = NULL, *cursor = NULL;
    g_auto(GStrv) targets = NULL;
    gboolean version = FALSE, verbose = FALSE, debug = FALSE;
    const GOptionEntry entries[] = {
        {"title", 't', 0, G_OPTION_ARG_STRING, &options.title, "Title of the window", "TITLE"},
        {"full-screen", 'f', 0, G_OPTION_ARG_NONE, &options.fullscreen, "Start in full screen",
         NULL},
        {"zoom", 'z', 0, G_OPTION_ARG_INT, &options.zoom, "Zoom of the window, 10 to 400 percent",
         "PCT"},
        {"auto-resize", 0, 0, G_OPTION_ARG_STRING, &auto_resize,
         "Let the guest's desktop follow the window: always or never", "WHEN"},
        {"hotkeys", 'H', 0, G_OPTION_ARG_STRING, &options.hotkeys,
         "Hotkeys, as toggle-fullscreen=f11,release-cursor=shift+f12; all others are off", "SPEC"},
        {"keymap", 'K', 0, G_OPTION_ARG_STRING, &options.keymap,
         "Keys that reach the guest as others, as Super_L=Alt_L,Menu=Control_R+c", "SPEC"},
        {"kiosk", 'k', 0, G_OPTION_ARG_NONE, &options.kiosk,
         "Nothing but the guest, in full screen", NULL},
        {"kiosk-quit", 0, 0, G_OPTION_ARG_STRING, &kiosk_quit,
         "In kiosk mode quit: never or on-disconnect", "WHEN"},
        {"cursor", 0, 0, G_OPTION_ARG_STRING, &cursor,
         "Pointer: auto (the guest's) or local (always this desktop's own)", "WHICH"},
        {"version", 'V', 0, G_OPTION_ARG_NONE, &version, "Print the version", NULL},
        {"verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose, "Tell what is going on", NULL},
        {"debug", 0, 0, G_OPTION_ARG_NONE, &debug, "Tell everything that is going on", NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &targets, NULL,
         "[URI | FILE.vv | -]"},
        {NULL},
    };
    setlocale(LC_ALL, "");
    g_set_prgname("spice-viewer");
    g_set_application_name("Spice Viewer");
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;
    g_option_context_set_summary(
        context, "Shows a machine's screen and lets you use it, over the SPICE protocol.\n"
                 "Without an address it asks for one; - reads a .vv file from standard input.");
    g_option_context_set_description(
        context, "URI: spice://host:port, spice+tls://host:port, spice+unix:///path,\n"
                 "     spice://host?port=PORT&tls-port=PORT");
    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_add_group(context, spice_get_option_group());
    g_option_context_add_group(context, gtk_get_option_group(FALSE));
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        fprintf(stderr, "spice-viewer: %s\n", error->message);
        return 1;
    }
    if (version) {
        printf("spice-viewer %s\n", PACKAGE_VERSION);
        return 0;
    }
    if (targets && targets[0] && targets[1]) {
        fprintf(stderr, "spice-viewer: can't handle multiple URIs\n");
        return 1;
    }
    if (!read_choice("--auto-resize", auto_resize, "always", "never", &options.auto_resize) ||
        !read_choice("--kiosk-quit", kiosk_quit, "on-disconnect", "never", &options.kiosk_quit) ||
        !read_choice("--cursor", cursor, "local", "auto", &options.local_cursor))
        return 1;
    if (options.zoom < 10 || options.zoom > 400) {
        fprintf(stderr, "spice-viewer: zoom is 10 to 400, so 100 is used\n");
        options.zoom = 100;
    }
    if (verbose)
        g_setenv("G_MESSAGES_DEBUG", "all", FALSE);
    if (debug)
        spice_util_set_debug(TRUE);
    if (!gtk_init_check(NULL, NULL)) {
        fprintf(stderr, "spice-viewer: there is no display to open a window on\n");
        return 1;
    }
    ViewerApp *app = viewer_app_new(&options);
    int status = viewer_app_run(app, targets ? targets[0] : NULL);
    viewer_app_free(app);
    g_free(options.title);
    g_free(options.hotkeys);
    g_free(options.keymap);
    return status;
}
