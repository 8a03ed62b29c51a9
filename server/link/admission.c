/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listeners, accepting, and the limits of links that are not authenticated yet. See admission.h. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link/link.h"
#include "link/listen.h"
#include "net/stream-setup.h"
#include "net/tls-context.h"

enum { ACCEPTS_MAX = 16 }; /* in one call of the loop */

int64_t admission_now_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

/* ---- Time ---- */

static int64_t next_due(const Admission *admission)
{
    int64_t due = 0;

    for (GList *node = admission->links.head; node; node = node->next) {
        int64_t at = link_due(node->data);

        due = due ? MIN(due, at) : at;
    }
    return due;
}

void admission_arm(Admission *admission)
{
    int64_t due = next_due(admission);

    if (due == admission->timer_due || admission->closing)
        return;
    admission->timer_due = due;
    if (due)
        loop_timer_start(admission->timer, (uint32_t)MAX(due - admission_now_ms(), 0));
    else
        loop_timer_cancel(admission->timer);
}

static void time_is_up(void *data)
{
    Admission *admission = data;
    int64_t now = admission_now_ms();
    bool again;

    admission->timer_due = 0;
    /* A link may take itself, or others with it, off the list. */
    do {
        again = false;
        for (GList *node = admission->links.head; node && !again; node = node->next)
            if (link_due(node->data) <= now) {
                link_timeout(node->data, now);
                again = true;
            }
    } while (again);
    admission_arm(admission);
}

void admission_add_link(Admission *admission, Link *link, GList *node)
{
    node->data = link;
    g_queue_push_tail_link(&admission->links, node);
    while (admission->links.length > MAX(admission->limits.links, 1)) {
        log_limited(&admission->log_full,
                    "more than %u connections are not authenticated: the oldest is closed",
                    admission->limits.links);
        link_drop(admission->links.head->data, NULL);
    }
    admission_arm(admission);
}

void admission_remove_link(Admission *admission, GList *node)
{
    g_queue_unlink(&admission->links, node);
    admission_arm(admission);
}

static void keys_ready(void *data)
{
    Admission *admission = data;
    GList *links = g_list_copy(admission->links.head);

    for (GList *node = links; node; node = node->next)
        if (g_queue_find(&admission->links, node->data))
            link_key_ready(node->data);
    g_list_free(links);
}

/* ---- Accepting ---- */

static void watch_listeners(Admission *admission, bool on)
{
    for (unsigned i = 0; i < admission->n_listeners; i++)
        loop_watch_update(admission->listeners[i].watch, on ? LOOP_READ : 0);
}

static void accept_again(void *data)
{
    watch_listeners(data, true);
}

/* No descriptor for the next connection: the listeners would be readable for ever. */
static void pause_accepting(Admission *admission)
{
    log_limited(&admission->log_full, "a connection can't be accepted: %s", g_strerror(errno));
    watch_listeners(admission, false);
    loop_timer_start(admission->accept_timer, admission->limits.accept_pause_ms);
    if (admission->links.head)
        link_drop(admission->links.head->data, NULL);
}

static void accept_clients(int listening_fd, int events, void *data)
{
    Listener *listener = data;
    Admission *admission = listener->admission;

    for (int i = 0; i < ACCEPTS_MAX; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        Stream *stream;

        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO)
                continue;
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                pause_accepting(admission);
            return;
        }
        if (!listen_prepare(fd)) {
            close(fd);
            continue;
        }
        stream = stream_new(admission->server, fd);
        stream_tell_connected(stream);
        if (!link_start(admission, stream, listener->tls, false))
            stream_close(stream);
    }
}

static bool add_listener(Admission *admission, int fd, bool tls, bool owned)
{
    Listener *listener = &admission->listeners[admission->n_listeners];

    if (fd < 0)
        return false;
    *listener = (Listener){admission, fd, tls, owned, NULL};
    listener->watch =
        loop_watch_add(admission->server->loop, fd, LOOP_READ, accept_clients, listener);
    if (!listener->watch) {
        log_warning("the main loop takes no watch for a listening socket");
        if (owned)
            close(fd);
        return false;
    }
    admission->n_listeners++;
    return true;
}

static int family_of(const Options *options)
{
    return options->family == SPICE_ADDR_FLAG_IPV4_ONLY   ? AF_INET
           : options->family == SPICE_ADDR_FLAG_IPV6_ONLY ? AF_INET6
                                                          : AF_UNSPEC;
}

static int open_listener(const Options *options, int port)
{
    if (options->family == SPICE_ADDR_FLAG_UNIX_ONLY)
        return listen_unix(options->address);
    return listen_tcp(options->address, port, family_of(options));
}

static bool open_tls(Admission *admission, const Options *options)
{
    TlsFiles files = {options->tls.ca_file,      options->tls.cert_file, options->tls.key_file,
                      options->tls.key_password, options->tls.dh_file,   options->tls.ciphers};

    if (!add_listener(admission, open_listener(options, options->tls.port), true, true))
        return false;
    admission->tls = tls_context_new(&files);
    return admission->tls != NULL;
}

static bool open_all(Admission *admission)
{
    const Options *options = &admission->server->options;

    if ((options->port != -1 || options->family == SPICE_ADDR_FLAG_UNIX_ONLY) &&
        !add_listener(admission, open_listener(options, options->port), false, true))
        return false;
    if (options->tls.port > 0 && !open_tls(admission, options))
        return false;
    if (options->listen_fd != -1) {
        int flags = fcntl(options->listen_fd, F_GETFL);

        if (flags < 0 || fcntl(options->listen_fd, F_SETFL, flags | O_NONBLOCK) != 0) {
            log_warning("the listening socket that was given can't be used: %s", g_strerror(errno));
            return false;
        }
        if (!add_listener(admission, options->listen_fd, false, false))
            return false;
    }
    return !options->sasl || link_sasl_library_init(options->sasl_appname);
}

Admission *admission_new(struct RedsState *server)
{
    Admission *admission = g_new0(Admission, 1);

    admission->server = server;
    admission->limits = ADMISSION_LIMITS;
    admission->sasl_application = g_strdup(server->options.sasl_appname);
    g_queue_init(&admission->links);
    admission->helper = helper_new(server->loop);
    admission->sasl_helper = helper_new(server->loop);
    admission->keys = key_store_new(admission->helper, keys_ready, admission);
    admission->timer = loop_timer_new(server->loop, time_is_up, admission);
    admission->accept_timer = loop_timer_new(server->loop, accept_again, admission);
    if (admission->timer && admission->accept_timer && open_all(admission))
        return admission;
    admission_free(admission);
    return NULL;
}

void admission_free(Admission *admission)
{
    if (!admission)
        return;
    admission->closing = true;
    for (unsigned i = 0; i < admission->n_listeners; i++) {
        loop_watch_remove(admission->listeners[i].watch);
        if (admission->listeners[i].owned)
            close(admission->listeners[i].fd);
    }
    while (admission->links.head)
        link_drop(admission->links.head->data, NULL);
    helper_free(admission->helper); /* links that it worked for go with this */
    helper_free(admission->sasl_helper);
    key_store_free(admission->keys);
    loop_timer_free(admission->timer);
    loop_timer_free(admission->accept_timer);
    SSL_CTX_free(admission->tls);
    g_free(admission->sasl_application);
    g_free(admission);
}

void admission_set_limits(Admission *admission, const AdmissionLimits *limits)
{
    admission->limits = *limits;
    key_store_set_lifetime(admission->keys, limits->key_lifetime_ms);
}

unsigned admission_links(const Admission *admission)
{
    return admission->links.length;
}

/* A peer that has gone, or that does not begin with a TLS handshake. */
static bool tls_is_hopeless(int fd)
{
    uint8_t first;
    ssize_t n = recv(fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);

    if (n < 0)
        return errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR;
    return n == 0 || first != SSL3_RT_HANDSHAKE;
}

int admission_add_client(Admission *admission, int fd, bool tls, bool skip_auth)
{
    Stream *stream;

    if (tls && !admission->tls) {
        log_warning("a TLS client can't be added: TLS isn't configured");
        return -1;
    }
    if (!listen_prepare(fd))
        return -1;
    if (tls && tls_is_hopeless(fd)) {
        log_warning("a TLS client can't be added: its handshake fails");
        return -1;
    }
    stream = stream_new(admission->server, fd);
    stream_tell_connected(stream);
    if (link_start(admission, stream, tls, skip_auth))
        return 0;
    stream_release(stream);
    return -1;
}
