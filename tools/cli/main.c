/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* spice-cli: a SPICE client for scripts. */
#include "config.h"
#include "cli.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

typedef struct Command {
    const char *name, *arguments, *summary;
    gboolean (*run)(Cli *cli, int n_args, char **args);
    int max_args; /* -1: any number */
} Command;

static const Command commands[] = {
    {"screenshot", "URI [FILE.png]", "save the guest's picture once it is at rest", cli_screenshot,
     1},
    {"type", "URI TEXT", "type a text on a US keyboard (or --file FILE)", cli_type, -1},
    {"key", "URI KEYS...", "press keys: ctrl+alt+del, F1, Return", cli_key, -1},
    {"click", "URI X Y", "click there (--button, --clicks)", cli_click, 2},
    {"move", "URI X Y", "move the pointer there (--relative: by that)", cli_move, 2},
    {"capture", "URI FILE", "record the channels (--seconds, or until Ctrl-C)", cli_capture, 1},
    {"replay", "FILE", "play a recording into the renderer (--png, --speed)", NULL, 0},
    {"info", "URI", "tell what the server offers (--json)", cli_info, 0},
};

static char *summary(void)
{
    GString *text = g_string_new("Commands:\n");
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
        g_autofree char *usage = g_strdup_printf("%s %s", commands[i].name, commands[i].arguments);
        g_string_append_printf(text, "  %-32s %s\n", usage, commands[i].summary);
    }
    g_string_append(text, "\nURI is spice://host:port, spice+tls://host:port, spice+unix:///path, "
                          "or the name of a .vv file.");
    return g_string_free(text, FALSE);
}

static const char exit_statuses[] =
    "The password comes from --password-file, $SPICE_PASSWORD, the .vv file or the URI, in this "
    "order.\n"
    "Exit status: 0 done; 1 failed; 2 wrong usage; 3 no connection; 4 certificate not trusted;\n"
    "5 password refused; 6 not a SPICE server; 7 connection lost; 8 not in time.";

static int report(const Failure *failure)
{
    fprintf(stderr, "spice-cli: %s%s%s\n", failure->title, failure->reason ? ": " : "",
            failure->reason ? failure->reason : "");
    if (failure->advice)
        fprintf(stderr, "%s\n", failure->advice);
    return failure->kind;
}

static int usage_error(const char *message)
{
    fprintf(stderr, "spice-cli: %s\nspice-cli --help tells how it is used.\n", message);
    return FAILURE_USAGE;
}

static gboolean check_ranges(const CliOptions *o, const char **message)
{
    if (!(o->timeout > 0 && o->timeout <= 1e6))
        *message = "--timeout is a positive number of seconds";
    else if (!(o->wait >= 0 && o->wait <= 1e6))
        *message = "--wait is a number of seconds, 0 or more";
    else if (o->display < 0 || o->display > 255)
        *message = "--display is a number from 0 to 255";
    else if (o->delay < 0 || o->delay > 60000)
        *message = "--delay is a number of milliseconds up to 60000";
    else if (!(o->seconds >= 0 && o->seconds <= 1e9) || !(o->speed >= 0 && o->speed <= 1e6))
        *message = "--seconds and --speed are numbers, 0 or more";
    else if (o->clicks < 1 || o->clicks > 100)
        *message = "--clicks is a number from 1 to 100";
    else
        return TRUE;
    return FALSE;
}

/* GOption leaves a "--" where it stands behind other arguments. */
static int drop_separator(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--") == 0) {
            memmove(argv + i, argv + i + 1, (size_t)(argc - i) * sizeof *argv);
            return argc - 1;
        }
    return argc;
}

static int run(Cli *cli, int argc, char **argv)
{
    const Command *command = NULL;
    for (guint i = 0; argc > 1 && i < G_N_ELEMENTS(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            command = &commands[i];
    if (argc < 2)
        return usage_error("no command given");
    if (!command)
        return usage_error("there is no such command");
    const char *message;
    if (!check_ranges(&cli->options, &message))
        return usage_error(message);
    if (argc < 3)
        return usage_error(command->run ? "no URI given" : "no file given");
    if (command->max_args >= 0 && argc - 3 > command->max_args)
        return usage_error("too many arguments");

    gboolean ok = !command->run ? cli_replay(cli, argv[2])
                                : cli_open(cli, argv[2]) && command->run(cli, argc - 3, argv + 3);
    int status = 0;
    if (!ok)
        status = cli->failure ? report(cli->failure) : FAILURE_OTHER;
    cli_close(cli);
    return status;
}

int main(int argc, char **argv)
{
    Cli cli = {.options = {
                   .timeout = 30, .wait = 1, .monitor = -1, .button = 1, .clicks = 1, .delay = 40}};
    CliOptions *o = &cli.options;
    gboolean version = FALSE;
    const GOptionEntry entries[] = {
        {"password-file", 'p', 0, G_OPTION_ARG_FILENAME, &o->password_file,
         "First line of FILE is the password; - reads standard input", "FILE"},
        {"username", 'u', 0, G_OPTION_ARG_STRING, &o->username,
         "User name, where the server wants one", "NAME"},
        {"ca-file", 0, 0, G_OPTION_ARG_FILENAME, &o->ca_file,
         "Certificate authorities to trust (PEM)", "FILE"},
        {"host-subject", 0, 0, G_OPTION_ARG_STRING, &o->host_subject,
         "Subject of the server's certificate, instead of its host name", "SUBJECT"},
        {"proxy", 0, 0, G_OPTION_ARG_STRING, &o->proxy, "HTTP proxy to go through", "URL"},
        {"compression", 'c', 0, G_OPTION_ARG_STRING, &o->compression,
         "Ask the server for off, auto-glz, auto-lz, quic, glz, lz or lz4", "NAME"},
        {"timeout", 't', 0, G_OPTION_ARG_DOUBLE, &o->timeout, "Give up after so long (30)",
         "SECONDS"},
        {"display", 'd', 0, G_OPTION_ARG_INT, &o->display, "Display channel (0)", "N"},
        {"monitor", 'm', 0, G_OPTION_ARG_INT, &o->monitor, "screenshot: one monitor of the display",
         "N"},
        {"wait", 'w', 0, G_OPTION_ARG_DOUBLE, &o->wait,
         "screenshot: at rest means no change for so long (1); 0 takes the first picture",
         "SECONDS"},
        {"graphics", 'g', 0, G_OPTION_ARG_NONE, &o->graphics,
         "screenshot: wait for more than a text screen or an empty one", NULL},
        {"json", 'j', 0, G_OPTION_ARG_NONE, &o->json, "info: machine-readable", NULL},
        {"file", 'f', 0, G_OPTION_ARG_FILENAME, &o->file,
         "type: the text is in FILE (- standard input)", "FILE"},
        {"delay", 0, 0, G_OPTION_ARG_INT, &o->delay, "Pause between key strokes (40)", "MS"},
        {"button", 'b', 0, G_OPTION_ARG_INT, &o->button,
         "click: 1 left, 2 middle, 3 right, 4 wheel up, 5 wheel down", "N"},
        {"clicks", 'n', 0, G_OPTION_ARG_INT, &o->clicks, "click: how often", "N"},
        {"relative", 'r', 0, G_OPTION_ARG_NONE, &o->relative,
         "move, click: X Y are a way from here, not a place", NULL},
        {"seconds", 's', 0, G_OPTION_ARG_DOUBLE, &o->seconds, "capture, replay: so much of it",
         "SECONDS"},
        {"png", 0, 0, G_OPTION_ARG_FILENAME, &o->png, "replay: save the last picture", "FILE"},
        {"speed", 0, 0, G_OPTION_ARG_DOUBLE, &o->speed,
         "replay: 1 as recorded, 2 twice as fast, 0 as fast as it goes (0)", "FACTOR"},
        {"version", 'V', 0, G_OPTION_ARG_NONE, &version, "Print the version", NULL},
        {NULL},
    };
    setlocale(LC_ALL, "");
    g_set_prgname("spice-cli");
    g_autoptr(GOptionContext) context = g_option_context_new("COMMAND URI [ARGUMENTS]");
    g_autofree char *commands_text = summary();
    g_autoptr(GError) error = NULL;
    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_summary(context, commands_text);
    g_option_context_set_description(context, exit_statuses);
    if (!g_option_context_parse(context, &argc, &argv, &error))
        return usage_error(error->message);
    if (version) {
        printf("spice-cli %s\n", PACKAGE_VERSION);
        return 0;
    }
    int status = run(&cli, drop_separator(argc, argv), argv);
    g_clear_pointer(&cli.failure, failure_free);
    char *const texts[] = {o->password_file, o->ca_file,     o->host_subject, o->proxy,
                           o->username,      o->compression, o->file,         o->png};
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    return status;
}
