/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* spice-cli type, key, move and click: a person's hands. */
#include "config.h"
#include "cli.h"
#include "shared/keys.h"
#include "shared/number.h"

#include <stdlib.h>
#include <string.h>

static gboolean connect_inputs(Cli *cli)
{
    cli->want_inputs = TRUE;
    return cli_connect(cli);
}

static void flushed(GObject *channel, GAsyncResult *result, gpointer data)
{
    spice_channel_flush_finish(SPICE_CHANNEL(channel), result, NULL);
    *(gboolean *)data = TRUE;
}

/* Everything is on its way when this returns. The server drops what it hasn't read when the
 * main channel ends, so it also gets a moment to read. */
static gboolean finish_inputs(Cli *cli)
{
    gboolean done = FALSE;
    spice_channel_flush_async(SPICE_CHANNEL(cli->inputs), NULL, flushed, &done);
    /* The callback writes to our frame: it has to come, whatever else happened. */
    while (!done)
        g_main_context_iteration(NULL, TRUE);
    return cli_sleep(cli, 0.2);
}

static gboolean pause_between(Cli *cli)
{
    return cli_sleep(cli, cli->options.delay / 1000.0);
}

static gboolean press_chord(Cli *cli, const guint *codes, guint n)
{
    for (guint i = 0; i < n; i++)
        spice_inputs_channel_key_press(cli->inputs, codes[i]);
    /* Held for a moment: guests that poll the keyboard would miss a stroke without length. */
    gboolean ok = pause_between(cli);
    for (guint i = n; i > 0; i--)
        spice_inputs_channel_key_release(cli->inputs, codes[i - 1]);
    return ok && pause_between(cli);
}

static char *text_to_type(Cli *cli, int n_args, char **args)
{
    if (!cli->options.file)
        return g_strjoinv(" ", args);
    g_autoptr(GError) error = NULL;
    char *text = NULL;
    const char *path = strcmp(cli->options.file, "-") ? cli->options.file : "/dev/stdin";
    if (!g_file_get_contents(path, &text, NULL, &error))
        cli_fail(cli, FAILURE_USAGE, "The text can't be read", "%s", error->message);
    return text;
}

gboolean cli_type(Cli *cli, int n_args, char **args)
{
    if (!n_args == !cli->options.file) {
        cli_fail(cli, FAILURE_USAGE, "Nothing to type", "give a text or --file FILE, one of them");
        return FALSE;
    }
    g_autofree char *text = text_to_type(cli, n_args, args);
    if (!text)
        return FALSE;
    if (!g_utf8_validate(text, -1, NULL)) {
        cli_fail(cli, FAILURE_USAGE, "This can't be typed", "the text isn't UTF-8");
        return FALSE;
    }
    /* All or nothing: half a command line in a guest is worse than none. */
    guint code;
    gboolean shift;
    for (const char *at = text; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        if (!key_for_character(c, &code, &shift)) {
            cli_fail(cli, FAILURE_USAGE, "This can't be typed",
                     "a US keyboard has no key for U+%04X '%.*s'", c,
                     (int)(g_utf8_next_char(at) - at), at);
            return FALSE;
        }
    }
    if (!connect_inputs(cli))
        return FALSE;
    for (const char *at = text; *at; at = g_utf8_next_char(at)) {
        key_for_character(g_utf8_get_char(at), &code, &shift);
        guint chord[2] = {KEY_LEFT_SHIFT, code};
        if (!press_chord(cli, shift ? chord : chord + 1, shift ? 2 : 1))
            return FALSE;
    }
    return finish_inputs(cli);
}

gboolean cli_key(Cli *cli, int n_args, char **args)
{
    if (!n_args) {
        cli_fail(cli, FAILURE_USAGE, "No key named", "for example: ctrl+alt+del, F1, Return");
        return FALSE;
    }
    g_autoptr(GPtrArray) chords = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
    for (int i = 0; i < n_args; i++) {
        g_autofree char *bad = NULL;
        GArray *chord = key_parse_chord(args[i], &bad);
        if (!chord) {
            cli_fail(cli, FAILURE_USAGE, "Unknown key", "\"%s\" in \"%s\"", bad, args[i]);
            return FALSE;
        }
        g_ptr_array_add(chords, chord);
    }
    if (!connect_inputs(cli))
        return FALSE;
    for (guint i = 0; i < chords->len; i++) {
        GArray *chord = chords->pdata[i];
        if (!press_chord(cli, (const guint *)chord->data, chord->len))
            return FALSE;
    }
    return finish_inputs(cli);
}

static gboolean parse_number(Cli *cli, const char *text, int *value)
{
    gint64 number;
    if (!number_parse(text, -65535, 65535, &number)) {
        cli_fail(cli, FAILURE_USAGE, "Not a position", "\"%s\" isn't a number of pixels", text);
        return FALSE;
    }
    *value = (int)number;
    return TRUE;
}

static gboolean has_client_mode(Cli *cli, gpointer data)
{
    int mode;
    g_object_get(cli->main, "mouse-mode", &mode, NULL);
    return mode == SPICE_MOUSE_MODE_CLIENT;
}

/* Absolute positions need a guest with a tablet or an agent; the server changes the mode when
 * asked. */
static gboolean ask_for_client_mode(Cli *cli)
{
    spice_main_channel_request_mouse_mode(cli->main, SPICE_MOUSE_MODE_CLIENT);
    gint64 deadline = cli->deadline;
    cli->deadline = MIN(deadline, g_get_monotonic_time() + 3 * G_USEC_PER_SEC);
    gboolean ok = cli_wait(cli, has_client_mode, NULL, "the client mouse mode");
    cli->deadline = deadline;
    if (!ok && cli->failure && cli->failure->kind == FAILURE_TIMEOUT) {
        g_clear_pointer(&cli->failure, failure_free);
        cli_fail(cli, FAILURE_OTHER, "The guest takes no absolute positions",
                 "it has neither a tablet nor an agent: use --relative, or give it a usb-tablet");
    }
    return ok;
}

/* Put the pointer to the place that two arguments name. */
static gboolean place_pointer(Cli *cli, int n_args, char **args, int buttons)
{
    int x, y;
    if (n_args != 2) {
        cli_fail(cli, FAILURE_USAGE, "No position", "two numbers of pixels: X Y");
        return FALSE;
    }
    if (!parse_number(cli, args[0], &x) || !parse_number(cli, args[1], &y))
        return FALSE;
    if (!cli->options.relative && (x < 0 || y < 0)) {
        cli_fail(cli, FAILURE_USAGE, "Not a position", "only --relative goes below 0");
        return FALSE;
    }
    if (!connect_inputs(cli) || (!cli->options.relative && !ask_for_client_mode(cli)))
        return FALSE;
    if (cli->options.relative)
        spice_inputs_channel_motion(cli->inputs, x, y, buttons);
    else
        spice_inputs_channel_position(cli->inputs, x, y, cli->options.display, buttons);
    return TRUE;
}

gboolean cli_move(Cli *cli, int n_args, char **args)
{
    return place_pointer(cli, n_args, args, 0) && finish_inputs(cli);
}

gboolean cli_click(Cli *cli, int n_args, char **args)
{
    static const int masks[] = {
        [SPICE_MOUSE_BUTTON_LEFT] = SPICE_MOUSE_BUTTON_MASK_LEFT,
        [SPICE_MOUSE_BUTTON_MIDDLE] = SPICE_MOUSE_BUTTON_MASK_MIDDLE,
        [SPICE_MOUSE_BUTTON_RIGHT] = SPICE_MOUSE_BUTTON_MASK_RIGHT,
        [SPICE_MOUSE_BUTTON_UP] = 0,
        [SPICE_MOUSE_BUTTON_DOWN] = 0,
    };
    int button = cli->options.button;
    if (button < SPICE_MOUSE_BUTTON_LEFT || button > SPICE_MOUSE_BUTTON_DOWN) {
        cli_fail(cli, FAILURE_USAGE, "No such button",
                 "1 left, 2 middle, 3 right, 4 wheel up, 5 wheel down");
        return FALSE;
    }
    if (!place_pointer(cli, n_args, args, 0) || !pause_between(cli))
        return FALSE;
    for (int i = 0; i < cli->options.clicks; i++) {
        spice_inputs_channel_button_press(cli->inputs, button, masks[button]);
        gboolean ok = pause_between(cli);
        spice_inputs_channel_button_release(cli->inputs, button, 0);
        if (!ok || !pause_between(cli))
            return FALSE;
    }
    return finish_inputs(cli);
}
