/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of admission share. See net-support.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <sasl/sasl.h>
#include <sasl/saslplug.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net-support.h"

/* ---- The loop ---- */

struct SpiceTimer {
    SpiceTimerFunc func;
    void *opaque;
    gint64 due; /* 0: disarmed */
    bool removed;
};

struct SpiceWatch {
    int fd, mask;
    SpiceWatchFunc func;
    void *opaque;
    bool removed;
};

static GPtrArray *timers, *watches;
static unsigned calls;
GArray *net_events;

static SpiceTimer *timer_add(SpiceTimerFunc func, void *opaque)
{
    SpiceTimer *timer = g_new0(SpiceTimer, 1);

    timer->func = func;
    timer->opaque = opaque;
    g_ptr_array_add(timers, timer);
    return timer;
}

static void timer_start(SpiceTimer *timer, uint32_t ms)
{
    timer->due = g_get_monotonic_time() + (gint64)ms * 1000;
}

static void timer_cancel(SpiceTimer *timer)
{
    timer->due = 0;
}

static void timer_remove(SpiceTimer *timer)
{
    timer->removed = true;
}

static SpiceWatch *watch_add(int fd, int mask, SpiceWatchFunc func, void *opaque)
{
    SpiceWatch *watch = g_new0(SpiceWatch, 1);

    g_assert_cmpint(mask, !=, 0);
    watch->fd = fd;
    watch->mask = mask;
    watch->func = func;
    watch->opaque = opaque;
    g_ptr_array_add(watches, watch);
    return watch;
}

static void watch_update_mask(SpiceWatch *watch, int mask)
{
    watch->mask = mask;
}

static void watch_remove(SpiceWatch *watch)
{
    watch->removed = true;
}

static void channel_event(int event, SpiceChannelEventInfo *info)
{
    NetEvent entry = {event, info, *info};

    g_array_append_val(net_events, entry);
}

static SpiceCoreInterface core = {
    .base = {.type = "core", .description = "test", .major_version = 1, .minor_version = 3},
    .timer_add = timer_add,
    .timer_start = timer_start,
    .timer_cancel = timer_cancel,
    .timer_remove = timer_remove,
    .watch_add = watch_add,
    .watch_update_mask = watch_update_mask,
    .watch_remove = watch_remove,
    .channel_event = channel_event,
};

SpiceCoreInterface *net_core(void)
{
    if (!timers) {
        timers = g_ptr_array_new();
        watches = g_ptr_array_new();
        net_events = g_array_new(FALSE, FALSE, sizeof(NetEvent));
    }
    return &core;
}

unsigned net_events_of(int event)
{
    unsigned n = 0;

    for (unsigned i = 0; i < net_events->len; i++)
        n += g_array_index(net_events, NetEvent, i).event == event;
    return n;
}

static void sweep(void)
{
    for (unsigned i = 0; i < timers->len;) {
        SpiceTimer *timer = timers->pdata[i];

        if (timer->removed) {
            g_ptr_array_remove_index(timers, i);
            g_free(timer);
        } else {
            i++;
        }
    }
    for (unsigned i = 0; i < watches->len;) {
        SpiceWatch *watch = watches->pdata[i];

        if (watch->removed) {
            g_ptr_array_remove_index(watches, i);
            g_free(watch);
        } else {
            i++;
        }
    }
}

void net_core_run(int ms)
{
    g_autofree struct pollfd *fds = NULL;
    gint64 now;
    unsigned n;

    sweep();
    now = g_get_monotonic_time();
    n = watches->len;
    fds = g_new0(struct pollfd, n);
    for (unsigned i = 0; i < n; i++) {
        SpiceWatch *watch = watches->pdata[i];

        fds[i].fd = watch->mask ? watch->fd : -1;
        fds[i].events = (watch->mask & SPICE_WATCH_EVENT_READ ? POLLIN : 0) |
                        (watch->mask & SPICE_WATCH_EVENT_WRITE ? POLLOUT : 0);
    }
    for (unsigned i = 0; i < timers->len; i++) {
        SpiceTimer *timer = timers->pdata[i];

        if (timer->due)
            ms = (int)CLAMP((timer->due - now + 999) / 1000, 0, ms);
    }
    poll(fds, n, ms);
    now = g_get_monotonic_time();
    for (unsigned i = 0; i < timers->len; i++) {
        SpiceTimer *timer = timers->pdata[i];

        if (!timer->removed && timer->due && timer->due <= now) {
            timer->due = 0;
            timer->func(timer->opaque);
            calls++;
        }
    }
    for (unsigned i = 0; i < n; i++) {
        SpiceWatch *watch = watches->pdata[i];
        int events = (fds[i].revents & (POLLIN | POLLHUP | POLLERR) ? SPICE_WATCH_EVENT_READ : 0) |
                     (fds[i].revents & POLLOUT ? SPICE_WATCH_EVENT_WRITE : 0);

        if (fds[i].fd >= 0 && events && !watch->removed) {
            watch->func(watch->fd, events, watch->opaque);
            calls++;
        }
    }
    sweep();
}

void net_core_forward(unsigned ms)
{
    for (unsigned i = 0; i < timers->len; i++) {
        SpiceTimer *timer = timers->pdata[i];

        if (timer->due)
            timer->due = MAX(timer->due - (gint64)ms * 1000, 1);
    }
}

unsigned net_core_watches(void)
{
    sweep();
    return watches->len;
}

unsigned net_core_timers(void)
{
    sweep();
    return timers->len;
}

unsigned net_core_calls(void)
{
    return calls;
}

/* ---- Certificates ---- */

static NetFiles files;
static char *folder;

static void remove_files(void)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);

        g_unlink(path);
    }
    if (dir)
        g_dir_close(dir);
    g_rmdir(folder);
    g_free(folder);
    g_free(files.ca);
    g_free(files.cert);
    g_free(files.key);
    g_free(files.locked_key);
    g_free(files.dh);
}

static char *in_folder(const char *name)
{
    if (!folder) {
        folder = g_dir_make_tmp("spice-net-XXXXXX", NULL);
        g_assert_nonnull(folder);
        atexit(remove_files);
    }
    return g_build_filename(folder, name, NULL);
}

static EVP_PKEY *new_key(void)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);
    EVP_PKEY *key = NULL;

    g_assert_true(EVP_PKEY_keygen_init(context) == 1 &&
                  EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048) == 1 &&
                  EVP_PKEY_keygen(context, &key) == 1);
    EVP_PKEY_CTX_free(context);
    return key;
}

static X509 *new_certificate(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);

    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), issuer ? 2 : 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : subject);
    X509_set_pubkey(certificate, key);
    if (!issuer) {
        X509_EXTENSION *ca =
            X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");

        X509_add_ext(certificate, ca, -1);
        X509_EXTENSION_free(ca);
    }
    g_assert_true(X509_sign(certificate, issuer ? issuer_key : key, EVP_sha256()) > 0);
    return certificate;
}

const NetFiles *net_files(void)
{
    EVP_PKEY *ca_key, *key;
    EVP_PKEY_CTX *dh_context;
    EVP_PKEY *dh = NULL;
    X509 *ca, *certificate;
    FILE *file;

    if (files.ca)
        return &files;
    files.ca = in_folder("ca.pem");
    files.cert = in_folder("cert.pem");
    files.key = in_folder("key.pem");
    files.locked_key = in_folder("locked.pem");
    files.dh = in_folder("dh.pem");
    ca_key = new_key();
    key = new_key();
    ca = new_certificate("test-ca", ca_key, NULL, NULL);
    certificate = new_certificate("test-server", key, ca, ca_key);
    file = fopen(files.ca, "w");
    PEM_write_X509(file, ca);
    fclose(file);
    file = fopen(files.cert, "w");
    PEM_write_X509(file, certificate);
    fclose(file);
    file = fopen(files.key, "w");
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
    file = fopen(files.locked_key, "w");
    PEM_write_PrivateKey(file, key, EVP_aes_128_cbc(), (const unsigned char *)"secret", 6, NULL,
                         NULL);
    fclose(file);
    /* A named group: nothing has to be searched. */
    dh_context = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
    g_assert_true(EVP_PKEY_paramgen_init(dh_context) == 1 &&
                  EVP_PKEY_CTX_set_dh_nid(dh_context, NID_ffdhe2048) == 1 &&
                  EVP_PKEY_paramgen(dh_context, &dh) == 1);
    file = fopen(files.dh, "w");
    {
        BIO *bio = BIO_new_fp(file, BIO_CLOSE);

        PEM_write_bio_Parameters(bio, dh);
        BIO_free(bio);
    }
    EVP_PKEY_CTX_free(dh_context);
    EVP_PKEY_free(dh);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
    X509_free(ca);
    X509_free(certificate);
    return &files;
}

/* ---- SASL ---- */

/* pthread's, as the thread sanitizer doesn't see GLib's. */
static pthread_mutex_t hold_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t hold_change = PTHREAD_COND_INITIALIZER;
static bool hold, held;

void net_sasl_hold(void)
{
    pthread_mutex_lock(&hold_lock);
    hold = true;
    pthread_mutex_unlock(&hold_lock);
}

void net_sasl_await_held(void)
{
    pthread_mutex_lock(&hold_lock);
    while (!held)
        pthread_cond_wait(&hold_change, &hold_lock);
    pthread_mutex_unlock(&hold_lock);
}

bool net_sasl_let_go(void)
{
    bool was_held;

    pthread_mutex_lock(&hold_lock);
    was_held = held;
    hold = false;
    pthread_cond_signal(&hold_change);
    pthread_mutex_unlock(&hold_lock);
    return was_held;
}

static void wait_if_held(void)
{
    struct timespec end;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 5;
    pthread_mutex_lock(&hold_lock);
    if (hold) {
        held = true;
        pthread_cond_signal(&hold_change);
        while (hold && pthread_cond_timedwait(&hold_change, &hold_lock, &end) == 0)
            ;
        held = false;
    }
    pthread_mutex_unlock(&hold_lock);
}

static int lookup(void *context, sasl_server_params_t *params, unsigned flags, const char *user,
                  unsigned size)
{
    const struct propval *wanted = params->utils->prop_get(params->propctx);

    wait_if_held();
    if (size < 5 || memcmp(user, "alice", 5) != 0 || (size > 5 && user[5] != '@'))
        return SASL_NOUSER;
    for (; wanted && wanted->name; wanted++)
        if (strcmp(wanted->name[0] == '*' ? wanted->name + 1 : wanted->name,
                   SASL_AUX_PASSWORD_PROP) == 0)
            params->utils->prop_set(params->propctx, wanted->name, "wonder", 6);
    return SASL_OK;
}

static sasl_auxprop_plug_t database = {.auxprop_lookup = lookup, .name = (char *)"testdb"};

static int database_init(const sasl_utils_t *utils, int max, int *version,
                         sasl_auxprop_plug_t **plug, const char *name)
{
    *version = SASL_AUXPROP_PLUG_VERSION;
    *plug = &database;
    return SASL_OK;
}

void net_sasl_init(void)
{
    g_autofree char *path = in_folder("spice-test.conf");

    g_assert_true(g_file_set_contents(path,
                                      "pwcheck_method: auxprop\nauxprop_plugin: testdb\n"
                                      "mech_list: DIGEST-MD5 SCRAM-SHA-256 PLAIN ANONYMOUS\n",
                                      -1, NULL));
    g_setenv("SASL_CONF_PATH", folder, TRUE);
    g_assert_cmpint(sasl_server_init(NULL, "spice-test"), ==, SASL_OK);
    g_assert_cmpint(sasl_auxprop_add_plugin("testdb", database_init), ==, SASL_OK);
}

/* ---- Sockets ---- */

void net_pair(int fds[2])
{
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
}

void net_tcp_pair(int fds[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(listener, (struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_cmpint(listen(listener, 1), ==, 0);
    g_assert_cmpint(getsockname(listener, (struct sockaddr *)&address, &size), ==, 0);
    g_assert_cmpint(connect(fds[1], (struct sockaddr *)&address, sizeof address), ==, 0);
    fds[0] = accept(listener, NULL, NULL);
    g_assert_cmpint(fds[0], >=, 0);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    close(listener);
}

bool net_send(int fd, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    while (size) {
        ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);

        if (n < 0)
            return false;
        bytes += n;
        size -= (size_t)n;
    }
    return true;
}

size_t net_receive(int fd, void *data, size_t size, int ms, bool *ended)
{
    gint64 end = g_get_monotonic_time() + (gint64)ms * 1000;
    uint8_t *bytes = data;
    size_t done = 0;

    if (ended)
        *ended = false;
    while (g_get_monotonic_time() < end) {
        /* With a full buffer one more look tells whether the end is there. */
        uint8_t spare;
        bool full = done == size;
        ssize_t n = recv(fd, full ? &spare : bytes + done, full ? 1 : size - done,
                         MSG_DONTWAIT | (full ? MSG_PEEK : 0));

        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            if (ended)
                *ended = true;
            return done;
        }
        if (full && (n > 0 || !ended))
            return done;
        if (n > 0)
            done += (size_t)n;
        else
            net_core_run(2);
    }
    return done;
}
