/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* spice-cli: what its commands share. A command gets a Cli with the parsed options, does its work
 * and gives an exit status. */
#ifndef TOOLS_CLI_H
#define TOOLS_CLI_H

#include <spice-client.h>
#include "shared/failure.h"

typedef struct CliOptions {
    char *password_file, *ca_file, *host_subject, *proxy, *username, *compression;
    double timeout; /* seconds in all for connecting and waiting */
    double
        wait; /* seconds without a change that make a picture count as at rest; 0: take the first */
    gboolean graphics;    /* wait past text screens and empty ones */
    int display, monitor; /* which picture; monitor -1: the whole surface */
    gboolean json;
    gboolean relative;
    int button, clicks;
    int delay; /* milliseconds between keys */
    char *file;
    double seconds; /* capture, replay: how long; 0: to the end */
    char *png;
    double speed; /* replay: 1 as recorded, 0 as fast as it goes */
} CliOptions;

typedef struct Cli {
    CliOptions options;
    SpiceSession *session;
    SpiceMainChannel *main;     /* borrowed, like all channels here; NULL until it is known */
    SpiceInputsChannel *inputs; /* only when wanted */
    SpiceDisplayChannel *display;
    gboolean want_display, want_inputs, want_cursor;
    gboolean main_open, listed, inputs_open, display_open; /* listed: the channel list has come */
    gint64 deadline;                                       /* monotonic, microseconds */
    Failure *failure; /* of the connection, once there is one */
} Cli;

/* Apply target (URI or .vv file) and options to a new session; FALSE with cli->failure set when
 * they make no sense. */
gboolean cli_open(Cli *cli, const char *target);

/* Connect and wait until the wanted channels are there. */
gboolean cli_connect(Cli *cli);

/* Run the main loop until done() says so; FALSE with cli->failure set when the connection fails or
 * time runs out. */
gboolean cli_wait(Cli *cli, gboolean (*done)(Cli *cli, gpointer data), gpointer data,
                  const char *what);

/* Run the main loop for some time; FALSE when the connection fails meanwhile. */
gboolean cli_sleep(Cli *cli, double seconds);

/* End the connection in good order. */
void cli_close(Cli *cli);

void cli_fail(Cli *cli, FailureKind kind, const char *title, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* The commands: args are what follows the target. They print their own results; failures are left
 * in cli->failure. */
gboolean cli_screenshot(Cli *cli, int n_args, char **args);
gboolean cli_capture(Cli *cli, int n_args, char **args);
gboolean cli_info(Cli *cli, int n_args, char **args);
gboolean cli_type(Cli *cli, int n_args, char **args);
gboolean cli_key(Cli *cli, int n_args, char **args);
gboolean cli_move(Cli *cli, int n_args, char **args);
gboolean cli_click(Cli *cli, int n_args, char **args);

/* The one command without a server: path is a capture. */
gboolean cli_replay(Cli *cli, const char *path);

#endif
