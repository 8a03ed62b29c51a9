/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The grammar of SPICE URIs. Spec: client-glib.md 3.2. */
#include <string.h>
#include "session-state.h"

#define MAX_KEY 31
#define MAX_VALUE 127

void session_address_clear(SessionAddress *address)
{
    g_free(address->unix_path);
    g_free(address->host);
    g_free(address->port);
    g_free(address->tls_port);
    g_free(address->username);
    g_free(address->password);
    memset(address, 0, sizeof *address);
}

static gboolean fail(GError **error, const gchar *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean fail(GError **error, const gchar *format, ...)
{
    va_list args;

    va_start(args, format);
    g_propagate_error(
        error, g_error_new_valist(SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_FAILED, format, args));
    va_end(args);
    return FALSE;
}

static gboolean decode(gchar **field, const gchar *text, gsize size, const gchar *what,
                       GError **error)
{
    *field = g_uri_unescape_segment(text, text + size, NULL);
    return *field ? TRUE : fail(error, "the %s is not properly percent-encoded", what);
}

static gboolean set_parameter(SessionAddress *address, gboolean tls, const gchar *key,
                              const gchar *value, GError **error)
{
    gchar **field;

    if (g_str_equal(key, "port"))
        field = &address->port;
    else if (g_str_equal(key, "tls-port"))
        field = &address->tls_port;
    else if (g_str_equal(key, "password"))
        field = &address->password;
    else
        return fail(error, "unknown key \"%s\"; known are port, tls-port and password", key);

    if (tls && field != &address->password) {
        g_warning("spice+tls URI: ignoring \"%s\": the TLS port is the one after the host", key);
        return TRUE;
    }
    if (*field)
        return fail(error, "%s is given twice", key);
    if (field == &address->password) {
        g_warning("a password in a URI may be visible in process listings");
        return decode(field, value, strlen(value), "password", error);
    }
    *field = g_strdup(value);
    return TRUE;
}

static gboolean parse_parameters(SessionAddress *address, gboolean tls, const gchar *text,
                                 GError **error)
{
    while (*text) {
        gsize size = strcspn(text, ";&");
        const gchar *equals = memchr(text, '=', size);
        gboolean last = text[size] == '\0';

        if (!equals) {
            if (size > 0 && !last)
                return fail(error, "\"%.*s\" has no value", (int)MIN(size, MAX_KEY), text);
        } else if (equals + 1 < text + size) {
            g_autofree gchar *key = g_strndup(text, equals - text);
            g_autofree gchar *value = g_strndup(equals + 1, text + size - equals - 1);

            if (strlen(key) > MAX_KEY || strlen(value) > MAX_VALUE)
                return fail(error, "a key or value is too long");
            if (!set_parameter(address, tls, key, value, error))
                return FALSE;
        }
        text += size + !last;
    }
    return TRUE;
}

static gboolean parse_network(SessionAddress *address, gboolean tls, const gchar *text,
                              GError **error)
{
    gsize size = strcspn(text, "/?;");
    const gchar *at = memchr(text, '@', size);
    const gchar *end;

    if (at) {
        if (!decode(&address->username, text, at - text, "user name", error))
            return FALSE;
        text = at + 1;
    }
    if (*text == '[') {
        const gchar *bracket = strchr(text, ']');

        if (!bracket)
            return fail(error, "missing ] after an IPv6 address");
        end = bracket + 1;
        if (*end && !strchr(":/?;", *end))
            return fail(error, "unexpected text after ]");
        address->host = g_strndup(text, end - text);
    } else {
        end = text + strcspn(text, ":/?;");
        if (!decode(&address->host, text, end - text, "host name", error))
            return FALSE;
    }
    if (*end == ':') {
        gsize digits = strcspn(++end, "/?;");

        if (digits > 0)
            *(tls ? &address->tls_port : &address->port) = g_strndup(end, digits);
        end += digits;
    }
    if (*end == '/') {
        gsize junk = strcspn(end, "?;");

        if (junk > 1)
            g_warning("SPICE URI: ignoring the path \"%.*s\"", (int)junk, end);
        end += junk;
    }
    if (*end && !parse_parameters(address, tls, end + 1, error))
        return FALSE;
    if (!address->port && !address->tls_port)
        return fail(error, "it has neither port nor tls-port");
    return TRUE;
}

gboolean session_address_parse(SessionAddress *address, const gchar *uri, GError **error)
{
    SessionAddress parsed = {0};
    const gchar *rest;
    gboolean tls;

    if (g_str_has_prefix(uri, "spice+unix://")) {
        parsed.unix_path = g_strdup(uri + strlen("spice+unix://"));
    } else {
        tls = g_str_has_prefix(uri, "spice+tls://");
        if (tls)
            rest = uri + strlen("spice+tls://");
        else if (g_str_has_prefix(uri, "spice://"))
            rest = uri + strlen("spice://");
        else
            return fail(error, "it begins with none of spice://, spice+tls:// and spice+unix://");
        if (!parse_network(&parsed, tls, rest, error)) {
            session_address_clear(&parsed);
            return FALSE;
        }
    }
    session_address_clear(address);
    *address = parsed;
    return TRUE;
}

gchar *session_address_format(const SessionAddress *address)
{
    if (address->unix_path)
        return g_strconcat("spice+unix://", address->unix_path, NULL);
    if (!address->host)
        return NULL;
    if (address->port && address->tls_port)
        return g_strdup_printf("spice://%s?port=%s&tls-port=%s", address->host, address->port,
                               address->tls_port);
    if (address->tls_port)
        return g_strdup_printf("spice+tls://%s:%s", address->host, address->tls_port);
    if (address->port)
        return g_strdup_printf("spice://%s:%s", address->host, address->port);
    return NULL;
}
