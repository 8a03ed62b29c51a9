/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Turns channel events and their errors into a title, a reason and advice. */
#include "config.h"
#include "failure.h"

Failure *failure_new(FailureKind kind, const char *title, const char *reason, const char *advice)
{
    Failure *failure = g_new0(Failure, 1);
    failure->kind = kind;
    failure->title = g_strdup(title);
    failure->reason = g_strdup(reason);
    failure->advice = g_strdup(advice);
    return failure;
}

Failure *failure_copy(const Failure *failure)
{
    return failure_new(failure->kind, failure->title, failure->reason, failure->advice);
}

void failure_free(Failure *failure)
{
    if (!failure)
        return;
    g_free(failure->title);
    g_free(failure->reason);
    g_free(failure->advice);
    g_free(failure);
}

char *session_address(SpiceSession *session)
{
    g_autofree char *host = NULL, *port = NULL, *tls_port = NULL, *path = NULL;
    g_object_get(session, "host", &host, "port", &port, "tls-port", &tls_port, "unix-path", &path,
                 NULL);
    if (path)
        return g_strdup(path);
    const char *shown = port && *port ? port : tls_port;
    if (!shown || !*shown)
        return g_strdup(host && *host ? host : "localhost");
    return g_strdup_printf("%s:%s", host && *host ? host : "localhost", shown);
}

static Failure *connect_failure(const GError *error, SpiceSession *session)
{
    g_autofree char *address = session_address(session);
    g_autofree char *port = NULL, *tls_port = NULL, *path = NULL;
    g_object_get(session, "port", &port, "tls-port", &tls_port, "unix-path", &path, NULL);
    g_autofree char *title = g_strdup_printf("No connection to %s", address);
    const char *reason = error ? error->message : NULL;
    const char *advice = "Check the address and that the network is up.";

    if (!error && !tls_port && !path) {
        reason = "The server insists on an encrypted connection, and no TLS port is known.";
        advice = "Give its TLS port: spice+tls://host:port, or spice://host?port=…&tls-port=…";
    } else if (!error) {
        reason = "The server refused the connection over this socket.";
        advice = "It may insist on an encrypted connection: use its TLS port.";
    } else if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED)) {
        advice =
            "Nothing listens there. Is the virtual machine running, and is this its SPICE port?";
    } else if (error->domain == G_RESOLVER_ERROR) {
        advice = "The name of the host isn't known. Check how it is spelled.";
    } else if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)) {
        advice = "The host doesn't answer. It may be off, or a firewall is in between.";
    } else if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)) {
        advice = "There is no such socket. Is the virtual machine running?";
    } else if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED)) {
        advice = "You aren't allowed to open that socket. Its owner or group may be another.";
    } else if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_PROXY_NEED_AUTH) ||
               g_error_matches(error, G_IO_ERROR, G_IO_ERROR_PROXY_AUTH_FAILED)) {
        advice = "The proxy asks for a user name and a password.";
    } else if (path) {
        advice = "Is this the SPICE socket of a running virtual machine?";
    }
    return failure_new(FAILURE_CONNECT, title, reason, advice);
}

Failure *failure_from_event(SpiceChannelEvent event, const GError *error, SpiceSession *session)
{
    g_autofree char *address = session_address(session);
    const char *reason = error ? error->message : NULL;

    switch (event) {
    case SPICE_CHANNEL_ERROR_CONNECT:
        return connect_failure(error, session);
    case SPICE_CHANNEL_ERROR_TLS: {
        g_autofree char *title = g_strdup_printf("%s can't be trusted", address);
        return failure_new(
            FAILURE_TLS, title,
            reason ? reason
                   : "The encrypted connection was refused: the server's certificate didn't pass "
                     "the check.",
            "Give the certificate authority that signed it (CA file) and, if the host name differs "
            "from "
            "the certificate's, its subject. Don't go on if you didn't expect this.");
    }
    case SPICE_CHANNEL_ERROR_AUTH:
        return failure_new(
            FAILURE_AUTH, "The server doesn't accept this password",
            reason ? reason : "Authentication failed.",
            "Check the password. One-time passwords expire after a minute or two: ask "
            "for a new one.");
    case SPICE_CHANNEL_ERROR_LINK: {
        g_autofree char *title = g_strdup_printf("%s doesn't speak SPICE as expected", address);
        return failure_new(FAILURE_LINK, title,
                           reason ? reason
                                  : "The answer wasn't that of a SPICE server of a known version.",
                           "Check the port: it may belong to another service, or be the TLS port "
                           "(spice+tls://…).");
    }
    case SPICE_CHANNEL_ERROR_IO:
        return failure_new(FAILURE_LOST, "The connection broke", reason,
                           "The network or the server failed. Try to connect again.");
    case SPICE_CHANNEL_CLOSED:
        return failure_new(FAILURE_LOST, "The connection has ended", reason,
                           "The virtual machine was shut down, or another viewer took over.");
    case SPICE_CHANNEL_NONE:
    case SPICE_CHANNEL_OPENED:
    case SPICE_CHANNEL_SWITCHING:
        break;
    }
    return failure_new(FAILURE_OTHER, "The connection failed", reason, NULL);
}
