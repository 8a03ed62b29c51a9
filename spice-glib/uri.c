/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SpiceURI: parse and write proxy addresses. Spec: client-glib.md 3.3. */
#include "spice-client.h"
#include "uri-private.h"

/**
 * SECTION:spice-uri
 * @short_description: proxy addresses
 * @title: SpiceURI
 *
 * A proxy address, taken apart. Applications get it by spice_session_get_proxy_uri() and may set
 * user and password on it.
 */

struct _SpiceURI {
    GObject parent_instance;
    gchar *scheme;
    gchar *user;
    gchar *password;
    gchar *hostname;
    guint port;
};

struct _SpiceURIClass {
    GObjectClass parent_class;
};

enum { PROP_0, PROP_SCHEME, PROP_USER, PROP_PASSWORD, PROP_HOSTNAME, PROP_PORT, N_PROPS };

static GParamSpec *props[N_PROPS];

G_DEFINE_TYPE(SpiceURI, spice_uri, G_TYPE_OBJECT)

SpiceURI *spice_uri_new(void)
{
    return g_object_new(SPICE_TYPE_URI, NULL);
}

/* The setters notify always, as the deployed ones do. */
static void set_string(SpiceURI *self, gchar **field, const gchar *value, guint prop)
{
    gchar *copy = g_strdup(value);

    g_free(*field);
    *field = copy;
    g_object_notify_by_pspec(G_OBJECT(self), props[prop]);
}

static void reset(SpiceURI *self)
{
    g_clear_pointer(&self->scheme, g_free);
    g_clear_pointer(&self->user, g_free);
    g_clear_pointer(&self->password, g_free);
    g_clear_pointer(&self->hostname, g_free);
    self->port = 0;
}

static gboolean fail(GError **error, const gchar *format, const gchar *detail)
{
    g_autofree gchar *text = detail ? g_strdup_printf(format, detail) : g_strdup(format);

    g_set_error_literal(error, SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_FAILED, text);
    return FALSE;
}
#define fail_plain(error, text) fail(error, text, NULL)

static gboolean parse_port(const gchar *text, guint *port, GError **error)
{
    guint64 value = 0;

    if (!*text)
        return fail_plain(error, "Missing uri port");
    for (const gchar *p = text; *p; p++) {
        if (!g_ascii_isdigit(*p))
            return fail(error, "Invalid uri port: %s", text);
        value = MIN(value * 10 + (*p - '0'), G_MAXUINT16 + 1);
    }
    if (value == 0 || value > G_MAXUINT16)
        return fail_plain(error, "Port out of range");
    *port = value;
    return TRUE;
}

/* Fields change only when the whole text is valid. */
gboolean spice_uri_parse(SpiceURI *self, const gchar *text, GError **error)
{
    g_autofree gchar *scheme = NULL, *user = NULL, *password = NULL, *hostname = NULL, *rest = NULL;
    guint port;
    const gchar *separator;
    gchar *address, *at;

    g_return_val_if_fail(self != NULL, FALSE);
    g_return_val_if_fail(text != NULL, FALSE);

    separator = strstr(text, "://");
    if (separator) {
        scheme = g_ascii_strdown(text, separator - text);
        rest = g_strdup(separator + 3);
    } else {
        scheme = g_strdup("http");
        rest = g_strdup(text);
    }
    if (g_str_equal(scheme, "http"))
        port = 3128;
    else if (g_str_equal(scheme, "https"))
        port = 3129;
    else
        return fail(error, "Invalid uri scheme for proxy: %s", scheme);

    for (gsize n = strlen(rest); n > 0 && rest[n - 1] == '/'; n--)
        rest[n - 1] = '\0';

    address = rest;
    at = strrchr(rest, '@');
    if (at) {
        gchar *colon;

        *at = '\0';
        address = at + 1;
        colon = strchr(rest, ':');
        if (colon) {
            *colon = '\0';
            password = g_strdup(colon + 1);
        }
        user = g_strdup(rest);
    }

    if (*address == '[') {
        gchar *end = strchr(address, ']');

        if (!end)
            return fail_plain(error, "Missing ']' in ipv6 uri");
        hostname = g_strndup(address + 1, end - address - 1);
        if (end[1] == ':') {
            if (!parse_port(end + 2, &port, error))
                return FALSE;
        } else if (end[1]) {
            return fail_plain(error, "Invalid uri address");
        }
    } else {
        gchar *colon = strchr(address, ':');

        if (colon) {
            if (!parse_port(colon + 1, &port, error))
                return FALSE;
            *colon = '\0';
        }
        hostname = g_strdup(address);
    }
    if (!*hostname || strpbrk(hostname, "/?# "))
        return fail_plain(error, "Invalid hostname in uri address");

    g_object_freeze_notify(G_OBJECT(self));
    spice_uri_set_scheme(self, scheme);
    spice_uri_set_user(self, user);
    spice_uri_set_password(self, password);
    spice_uri_set_hostname(self, hostname);
    spice_uri_set_port(self, port);
    g_object_thaw_notify(G_OBJECT(self));
    return TRUE;
}

/**
 * spice_uri_get_scheme:
 * @uri: a #SpiceURI
 *
 * Returns: (nullable): "http", "https" or %NULL
 *
 * Since: 0.24
 */
const gchar *spice_uri_get_scheme(SpiceURI *uri)
{
    g_return_val_if_fail(SPICE_IS_URI(uri), NULL);
    return uri->scheme;
}

/**
 * spice_uri_set_scheme:
 * @uri: a #SpiceURI
 * @scheme: the scheme
 *
 * Set the scheme.
 *
 * Since: 0.24
 */
void spice_uri_set_scheme(SpiceURI *uri, const gchar *scheme)
{
    g_return_if_fail(SPICE_IS_URI(uri));
    set_string(uri, &uri->scheme, scheme, PROP_SCHEME);
}

/**
 * spice_uri_get_hostname:
 * @uri: a #SpiceURI
 *
 * Returns: (nullable): the host name, an IPv6 address without brackets
 *
 * Since: 0.24
 */
const gchar *spice_uri_get_hostname(SpiceURI *uri)
{
    g_return_val_if_fail(SPICE_IS_URI(uri), NULL);
    return uri->hostname;
}

/**
 * spice_uri_set_hostname:
 * @uri: a #SpiceURI
 * @hostname: the host name
 *
 * Set the host name.
 *
 * Since: 0.24
 */
void spice_uri_set_hostname(SpiceURI *uri, const gchar *hostname)
{
    g_return_if_fail(SPICE_IS_URI(uri));
    set_string(uri, &uri->hostname, hostname, PROP_HOSTNAME);
}

/**
 * spice_uri_get_port:
 * @uri: a #SpiceURI
 *
 * Returns: the port number
 *
 * Since: 0.24
 */
guint spice_uri_get_port(SpiceURI *uri)
{
    g_return_val_if_fail(SPICE_IS_URI(uri), 0);
    return uri->port;
}

/**
 * spice_uri_set_port:
 * @uri: a #SpiceURI
 * @port: the port number
 *
 * Set the port number.
 *
 * Since: 0.24
 */
void spice_uri_set_port(SpiceURI *uri, guint port)
{
    g_return_if_fail(SPICE_IS_URI(uri));
    uri->port = port;
    g_object_notify_by_pspec(G_OBJECT(uri), props[PROP_PORT]);
}

/**
 * spice_uri_get_user:
 * @uri: a #SpiceURI
 *
 * Returns: (nullable): the user name
 *
 * Since: 0.24
 */
const gchar *spice_uri_get_user(SpiceURI *uri)
{
    g_return_val_if_fail(SPICE_IS_URI(uri), NULL);
    return uri->user;
}

/**
 * spice_uri_set_user:
 * @uri: a #SpiceURI
 * @user: (nullable): the user name
 *
 * Set the user name.
 *
 * Since: 0.24
 */
void spice_uri_set_user(SpiceURI *uri, const gchar *user)
{
    g_return_if_fail(SPICE_IS_URI(uri));
    set_string(uri, &uri->user, user, PROP_USER);
}

/**
 * spice_uri_get_password:
 * @uri: a #SpiceURI
 *
 * Returns: (nullable): the password
 *
 * Since: 0.24
 */
const gchar *spice_uri_get_password(SpiceURI *uri)
{
    g_return_val_if_fail(SPICE_IS_URI(uri), NULL);
    return uri->password;
}

/**
 * spice_uri_set_password:
 * @uri: a #SpiceURI
 * @password: (nullable): the password
 *
 * Set the password.
 *
 * Since: 0.24
 */
void spice_uri_set_password(SpiceURI *uri, const gchar *password)
{
    g_return_if_fail(SPICE_IS_URI(uri));
    set_string(uri, &uri->password, password, PROP_PASSWORD);
}

/**
 * spice_uri_to_string:
 * @uri: a #SpiceURI
 *
 * Write the address as text: scheme, user and password if any, host name and port.
 *
 * Returns: (transfer full) (nullable): a new string, %NULL without scheme or host name
 *
 * Since: 0.24
 */
gchar *spice_uri_to_string(SpiceURI *uri)
{
    GString *text;

    g_return_val_if_fail(SPICE_IS_URI(uri), NULL);
    if (!uri->scheme || !uri->hostname)
        return NULL;
    text = g_string_new(NULL);
    g_string_printf(text, "%s://", uri->scheme);
    if (uri->user || uri->password) {
        g_string_append(text, uri->user ? uri->user : "");
        if (uri->password)
            g_string_append_printf(text, ":%s", uri->password);
        g_string_append_c(text, '@');
    }
    if (strchr(uri->hostname, ':'))
        g_string_append_printf(text, "[%s]:%u", uri->hostname, uri->port);
    else
        g_string_append_printf(text, "%s:%u", uri->hostname, uri->port);
    return g_string_free(text, FALSE);
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    SpiceURI *self = SPICE_URI(object);

    switch (id) {
    case PROP_SCHEME:
        g_value_set_string(value, self->scheme);
        break;
    case PROP_USER:
        g_value_set_string(value, self->user);
        break;
    case PROP_PASSWORD:
        g_value_set_string(value, self->password);
        break;
    case PROP_HOSTNAME:
        g_value_set_string(value, self->hostname);
        break;
    case PROP_PORT:
        g_value_set_uint(value, self->port);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
    SpiceURI *self = SPICE_URI(object);

    switch (id) {
    case PROP_SCHEME:
        spice_uri_set_scheme(self, g_value_get_string(value));
        break;
    case PROP_USER:
        spice_uri_set_user(self, g_value_get_string(value));
        break;
    case PROP_PASSWORD:
        spice_uri_set_password(self, g_value_get_string(value));
        break;
    case PROP_HOSTNAME:
        spice_uri_set_hostname(self, g_value_get_string(value));
        break;
    case PROP_PORT:
        spice_uri_set_port(self, g_value_get_uint(value));
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void finalize(GObject *object)
{
    reset(SPICE_URI(object));
    G_OBJECT_CLASS(spice_uri_parent_class)->finalize(object);
}

static void spice_uri_init(SpiceURI *self)
{
}

static void spice_uri_class_init(SpiceURIClass *klass)
{
    GObjectClass *object_class = G_OBJECT_CLASS(klass);
    const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

    object_class->get_property = get_property;
    object_class->set_property = set_property;
    object_class->finalize = finalize;

    /**
     * SpiceURI:scheme:
     *
     * "http" or "https".
     */
    props[PROP_SCHEME] = g_param_spec_string("scheme", "scheme", "scheme", NULL, flags);
    /**
     * SpiceURI:user:
     *
     * The user name at the proxy.
     */
    props[PROP_USER] = g_param_spec_string("user", "user", "user", NULL, flags);
    /**
     * SpiceURI:password:
     *
     * The password at the proxy.
     */
    props[PROP_PASSWORD] = g_param_spec_string("password", "password", "password", NULL, flags);
    /**
     * SpiceURI:hostname:
     *
     * The proxy's host name, an IPv6 address without brackets.
     */
    props[PROP_HOSTNAME] = g_param_spec_string("hostname", "hostname", "hostname", NULL, flags);
    /**
     * SpiceURI:port:
     *
     * The proxy's port.
     */
    props[PROP_PORT] = g_param_spec_uint("port", "port", "port", 0, G_MAXUINT, 0, flags);
    g_object_class_install_properties(object_class, N_PROPS, props);
}
