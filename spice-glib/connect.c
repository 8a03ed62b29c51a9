/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening streams. See connect.h. Spec: client-glib.md 3.3 and 4.3. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <gio/gunixsocketaddress.h>
#include "connect.h"
#include "session-private.h"
#include "tls.h"

#define CONNECT_TIMEOUT 10 /* seconds, each address */
#define KEEPALIVE_IDLE 30  /* seconds */
#define KEEPALIVE_INTERVAL 15
#define KEEPALIVE_COUNT 3

typedef struct Attempt {
    gchar *host;
    guint16 port;
    SpiceURI *proxy;
} Attempt;

static void attempt_free(gpointer data)
{
    Attempt *attempt = data;

    g_free(attempt->host);
    g_clear_object(&attempt->proxy);
    g_free(attempt);
}

static void connected(GObject *client, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    GError *error = NULL;
    GSocketConnection *connection =
        g_socket_client_connect_finish(G_SOCKET_CLIENT(client), result, &error);

    if (connection)
        g_task_return_pointer(task, connection, g_object_unref);
    else
        g_task_return_error(task, error);
}

static void connect_to(GTask *task, GSocketConnectable *address, gboolean by_proxy)
{
    g_autoptr(GSocketClient) client = g_socket_client_new();

    /* The session's own proxy is an address of its own kind; the system's proxies are not asked. */
    g_socket_client_set_enable_proxy(client, by_proxy);
    g_socket_client_set_timeout(client, CONNECT_TIMEOUT);
    g_socket_client_connect_async(client, address, g_task_get_cancellable(task), connected,
                                  g_object_ref(task));
}

static void proxy_resolved(GObject *resolver, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    Attempt *attempt = g_task_get_task_data(task);
    GError *error = NULL;
    GList *addresses = g_resolver_lookup_by_name_finish(G_RESOLVER(resolver), result, &error);
    g_autoptr(GSocketAddress) address = NULL;

    if (!addresses) {
        g_prefix_error(&error, "SPICE proxy: ");
        g_task_return_error(task, error);
        return;
    }
    address = g_proxy_address_new(addresses->data, spice_uri_get_port(attempt->proxy),
                                  spice_uri_get_scheme(attempt->proxy), attempt->host,
                                  attempt->port, spice_uri_get_user(attempt->proxy),
                                  spice_uri_get_password(attempt->proxy));
    g_resolver_free_addresses(addresses);
    connect_to(task, G_SOCKET_CONNECTABLE(address), TRUE);
}

void spice_connect_async(const SpiceConnectTarget *target, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer data)
{
    GMainContext *context = spice_main_context();
    g_autoptr(GTask) task = NULL;

    /* Callbacks come in the library's context, whatever context the caller's thread has pushed. */
    g_main_context_push_thread_default(context);
    task = g_task_new(NULL, cancellable, callback, data);
    g_task_set_source_tag(task, spice_connect_async);
    if (target->unix_path) {
        g_autoptr(GSocketAddress) address = g_unix_socket_address_new(target->unix_path);

        connect_to(task, G_SOCKET_CONNECTABLE(address), FALSE);
    } else {
        Attempt *attempt = g_new0(Attempt, 1);

        attempt->host = spice_tls_bare_host(target->host);
        attempt->port = target->port;
        g_task_set_task_data(task, attempt, attempt_free);
        if (target->proxy) {
            g_autoptr(GResolver) resolver = g_resolver_get_default();

            attempt->proxy = g_object_ref(target->proxy);
            g_resolver_lookup_by_name_async(resolver, spice_uri_get_hostname(attempt->proxy),
                                            cancellable, proxy_resolved, g_object_ref(task));
        } else {
            g_autoptr(GSocketConnectable) address =
                g_network_address_new(attempt->host, attempt->port);

            connect_to(task, address, FALSE);
        }
    }
    g_main_context_pop_thread_default(context);
}

GSocketConnection *spice_connect_finish(GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

GSocketConnection *spice_connect_wrap_fd(int fd, GError **error)
{
    g_autoptr(GSocket) socket = g_socket_new_from_fd(fd, error);

    if (!socket) {
        close(fd);
        return NULL;
    }
    g_socket_set_blocking(socket, FALSE);
    return g_socket_connection_factory_create_connection(socket);
}

static void set_option(GSocket *socket, gint level, gint option, gint value)
{
    g_autoptr(GError) error = NULL;

    if (!g_socket_set_option(socket, level, option, value, &error) &&
        !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED))
        g_warning("socket option %d: %s", option, error->message);
}

void spice_connect_tune(GSocket *socket)
{
    GSocketFamily family = g_socket_get_family(socket);

    g_socket_set_timeout(socket, 0);
    g_socket_set_keepalive(socket, TRUE);
    if (family != G_SOCKET_FAMILY_IPV4 && family != G_SOCKET_FAMILY_IPV6)
        return;
    set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE);
    set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL);
    set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT);
    set_option(socket, IPPROTO_TCP, TCP_NODELAY, TRUE);
}
