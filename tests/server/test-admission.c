/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Admission's listeners and limits: what binds, time, connections, memory, descriptors, guesses of
 * passwords, and where keys are made. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "link-server.h"
#include "link/guard.h"
#include "link/helper.h"
#include "tap.h"

static void close_server(void)
{
    CHECK(link_server_close());
}

/* A free port, and the server on it. */
static int open_on_port(const char *address, int family)
{
    link_server.options.address = (char *)address;
    link_server.options.family = family;
    for (int port = 20000 + getpid() % 20000, tries = 0; tries < 100; tries++, port++) {
        link_server.options.port = port;
        if (link_server_open())
            return port;
    }
    return -1;
}

static LinkPeer dial(const char *ip, int port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    bool six = inet_pton(AF_INET, ip, &in.sin_addr) != 1;
    LinkPeer peer = {socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};

    if (six)
        inet_pton(AF_INET6, ip, &in6.sin6_addr);
    if (connect(peer.fd, six ? (void *)&in6 : (void *)&in, six ? sizeof in6 : sizeof in) != 0)
        link_peer_close(&peer);
    else
        fcntl(peer.fd, F_SETFL, O_NONBLOCK);
    return peer;
}

static LinkPeer dial_unix(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    LinkPeer peer = {socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));

    g_strlcpy(name.sun_path, path, sizeof name.sun_path);
    if (path[0] == '@')
        name.sun_path[0] = 0;
    if (connect(peer.fd, (struct sockaddr *)&name, size) != 0)
        link_peer_close(&peer);
    else
        fcntl(peer.fd, F_SETFL, O_NONBLOCK);
    return peer;
}

/* 23.6: junk, and the magic comes back; then a link. */
static bool works(LinkPeer (*again)(void))
{
    LinkPeer peer = again();
    char magic[4];
    bool ok = peer.fd >= 0 && link_peer_send(&peer, "junk", 4) &&
              link_peer_receive(&peer, magic, 4, 15000) == 4 && memcmp(magic, "REDQ", 4) == 0;

    link_peer_close(&peer);
    peer = again();
    ok = ok && link_peer_link(&peer, 0, SPICE_CHANNEL_MAIN, 0, "") == SPICE_LINK_ERR_OK;
    link_peer_close(&peer);
    return ok;
}

static int port;
static char *path;

static LinkPeer dial_v4(void)
{
    return dial("127.0.0.1", port);
}

static LinkPeer dial_v6(void)
{
    return dial("::1", port);
}

static LinkPeer dial_path(void)
{
    return dial_unix(path);
}

static void test_tcp(void)
{
    LinkPeer peer;

    tap_case("7.1: TCP on all addresses");
    link_server_defaults();
    port = open_on_port("", 0);
    CHECK(port > 0 && works(dial_v4));
    peer = dial_v6();
    if (peer.fd >= 0) /* where the machine has IPv6 */
        CHECK(works(dial_v6));
    link_peer_close(&peer);
    /* closing early */
    for (int i = 0; i < 20; i++) {
        peer = dial_v4();
        link_peer_close(&peer);
    }
    net_core_run(10);

    tap_case("7.1: a port that is taken: init fails, nothing stays open");
    {
        struct RedsState first = link_server;
        Admission *admission = link_admission;

        link_server.options.port = port;
        CHECK(!link_server_open());
        link_server = first;
        link_admission = admission;
    }
    close_server();
    CHECK(dial_v4().fd < 0); /* refused */

    tap_case("7.1: one address, one family");
    link_server_defaults();
    port = open_on_port("127.0.0.1", SPICE_ADDR_FLAG_IPV4_ONLY);
    CHECK(port > 0 && works(dial_v4));
    CHECK(dial_v6().fd < 0);
    close_server();
    link_server_defaults();
    link_server.options.port = 1;
    link_server.options.address = (char *)"192.0.2.1"; /* nobody's */
    CHECK(!link_server_open());
    link_server.options.address = (char *)"no such host.";
    CHECK(!link_server_open());
    CHECK(net_core_watches() == 0 && net_core_timers() == 0);

    tap_case("7.1: an ephemeral port, and no listener at all");
    link_server_defaults();
    link_server.options.port = 0;
    CHECK(link_server_open());
    close_server();
    link_server_defaults();
    CHECK(link_server_open());
    close_server();
}

static void test_unix(void)
{
    g_autofree char *folder = g_dir_make_tmp("spice-unix-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(folder, "socket", NULL);
    g_autofree char *abstract = g_strdup_printf("@spice-test-%d", getpid());

    tap_case("7.1: a local socket, also where an old one lies");
    path = file;
    for (int i = 0; i < 2; i++) {
        link_server_defaults();
        link_server.options.family = SPICE_ADDR_FLAG_UNIX_ONLY;
        link_server.options.address = file;
        CHECK(link_server_open());
        CHECK(works(dial_path));
        close_server();
    }
    g_unlink(file);
    g_rmdir(folder);

    tap_case("7.1: an abstract name");
    path = abstract;
    link_server.options.address = abstract;
    CHECK(link_server_open());
    CHECK(works(dial_path));
    close_server();

    tap_case("7.1: a path that can't be, and none");
    link_server.options.address = (char *)"/no/such/folder/socket";
    CHECK(!link_server_open());
    link_server.options.address = (char *)"";
    CHECK(!link_server_open());
    link_server.options.address = NULL;
    CHECK(!link_server_open());
}

static void test_given(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    tap_case("7.1: a listening socket that was given is used beside another, and never closed");
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 10) == 0);
    getsockname(fd, (struct sockaddr *)&address, &size);
    link_server_defaults();
    link_server.options.listen_fd = fd;
    port = open_on_port("127.0.0.1", 0);
    CHECK(works(dial_v4));
    port = ntohs(address.sin_port);
    CHECK(works(dial_v4));
    close_server();
    CHECK(fcntl(fd, F_GETFD) >= 0);
    close(fd);
    link_server_defaults();
    link_server.options.listen_fd = 1 << 20; /* there is no such */
    CHECK(!link_server_open());
}

static void test_tls_files(void)
{
    tap_case("7.2: TLS files that can't be used: init fails, also when the plain port is open");
    link_server_defaults();
    link_server.options.port = 0;
    link_server.options.address = (char *)"127.0.0.1";
    for (link_server.options.tls.port = 21000 + getpid() % 20000;; link_server.options.tls.port++) {
        LinkPeer peer = dial("127.0.0.1", link_server.options.tls.port);

        if (peer.fd < 0)
            break;
        link_peer_close(&peer);
    }
    link_server.options.tls.ca_file = net_files()->ca;
    link_server.options.tls.cert_file = net_files()->cert;
    link_server.options.tls.key_file = (char *)"/does/not/exist";
    CHECK(!link_server_open());
    CHECK(net_core_watches() == 0 && net_core_timers() == 0);
    link_server.options.tls.key_file = net_files()->locked_key;
    CHECK(!link_server_open());
    link_server.options.tls.key_password = (char *)"secret";
    CHECK(link_server_open());
    close_server();
}

/* ---- Limits ---- */

static void limit(unsigned deadline_ms, unsigned links, size_t memory)
{
    AdmissionLimits limits = ADMISSION_LIMITS;

    limits.deadline_ms = deadline_ms;
    limits.links = links;
    limits.memory = memory;
    limits.accept_pause_ms = 20;
    admission_set_limits(link_admission, &limits);
}

static void test_deadline(void)
{
    LinkPeer peers[8];
    uint8_t bytes[200], byte;
    WireLinkReply reply;

    tap_case("24: a link that isn't authenticated in time is closed, wherever it stands");
    link_server_defaults();
    CHECK(link_server_open());
    limit(3000, 100, 1 << 20);
    for (unsigned i = 0; i < 8; i++)
        peers[i] = link_peer_new(false);
    link_peer_send(&peers[1], "RE", 2);
    link_peer_send(&peers[2], "GET / HTTP/1.1\r\nHost: h", 23);
    size_t size = link_message(bytes, 0, SPICE_CHANNEL_MAIN, 0, LINK_COMMON);
    link_peer_send(&peers[3], bytes, size - 1);
    CHECK(link_peer_hello(&peers[4], 0, SPICE_CHANNEL_MAIN, 0, LINK_COMMON, &reply));
    CHECK(link_peer_hello(&peers[5], 0, SPICE_CHANNEL_MAIN, 0, LINK_COMMON, &reply));
    link_peer_send(&peers[5], "\1\0\0\0abc", 7);
    CHECK(link_peer_link(&peers[6], 0, SPICE_CHANNEL_MAIN, 0, "") == SPICE_LINK_ERR_OK);
    for (unsigned i = 0; i < 8; i++) {
        if (i == 6) {
            CHECK(link_peer_receive(&peers[i], &byte, 1, 100) == 0 && !peers[i].ended);
        } else {
            /* a peer that goes on slowly gains nothing */
            CHECK(link_peer_sees_end(&peers[i]));
        }
        link_peer_close(&peers[i]);
    }
    CHECK(admission_links(link_admission) == 0);
    close_server();
}

static void test_flood(void)
{
    enum { PEERS = 400 };
    static LinkPeer peers[PEERS];
    LinkPeer late;
    uint8_t bytes[200];
    unsigned calls;

    tap_case("24, cve_2016_9578: a flood of connections: bounded, the oldest go, a client still "
             "gets in");
    link_server_defaults();
    port = open_on_port("127.0.0.1", 0);
    limit(60000, 50, 1 << 20);
    for (unsigned i = 0; i < PEERS; i++) {
        peers[i] = dial_v4();
        CHECK(peers[i].fd >= 0);
        if (i % 3 == 1)
            link_peer_send(&peers[i], bytes,
                           link_message(bytes, 0, SPICE_CHANNEL_MAIN, 0, LINK_COMMON));
        else if (i % 3 == 2)
            link_peer_send(&peers[i], "GET / HTTP/1.1\r\n", 16);
        if (i % 16 == 0)
            net_core_run(0);
        CHECK(admission_links(link_admission) <= 50);
    }
    late = dial_v4();
    CHECK(link_peer_link(&late, 0, SPICE_CHANNEL_MAIN, 0, "") == SPICE_LINK_ERR_OK);
    link_peer_close(&late);
    CHECK(NET_WAIT(net_events_of(SPICE_CHANNEL_EVENT_CONNECTED) == PEERS + 1, 15000));
    CHECK(admission_links(link_admission) <= 50);
    CHECK(net_events_of(SPICE_CHANNEL_EVENT_DISCONNECTED) >= PEERS - 50);
    calls = net_core_calls();
    for (int i = 0; i < 20; i++)
        net_core_run(5);
    CHECK(net_core_calls() - calls < 20); /* nothing spins */
    for (unsigned i = 0; i < PEERS; i++)
        link_peer_close(&peers[i]);
    CHECK(NET_WAIT(admission_links(link_admission) == 0, 15000));
    close_server();
}

static void test_descriptors(void)
{
    struct rlimit before, few;
    LinkPeer peers[6];
    unsigned calls;
    int highest = open("/dev/null", O_RDONLY | O_CLOEXEC);

    tap_case("24: out of descriptors: accepting pauses instead of spinning, and goes on");
    link_server_defaults();
    port = open_on_port("127.0.0.1", 0);
    limit(60000, 100, 1 << 20);
    net_core_run(1);
    close(highest);
    for (unsigned i = 0; i < G_N_ELEMENTS(peers); i++)
        peers[i] = dial_v4();
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    few.rlim_cur = (rlim_t)peers[G_N_ELEMENTS(peers) - 1].fd + 1;
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    calls = net_core_calls();
    for (int i = 0; i < 20; i++)
        net_core_run(10);
    CHECK(net_events_of(SPICE_CHANNEL_EVENT_CONNECTED) == 0);
    CHECK(net_core_calls() - calls < 60);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(NET_WAIT(net_events_of(SPICE_CHANNEL_EVENT_CONNECTED) == G_N_ELEMENTS(peers), 15000));
    CHECK(link_peer_link(&peers[5], 0, SPICE_CHANNEL_MAIN, 0, "") == SPICE_LINK_ERR_OK);
    for (unsigned i = 0; i < G_N_ELEMENTS(peers); i++)
        link_peer_close(&peers[i]);
    close_server();
}

/* ---- Keys ---- */

static unsigned keys_made, keys_made_here; /* atomic; on the application's thread */
static pthread_t application;

/* Called instead of OpenSSL's own, which does the work. */
int EVP_PKEY_keygen(EVP_PKEY_CTX *context, EVP_PKEY **pair)
{
    int (*make)(EVP_PKEY_CTX *, EVP_PKEY **);

    *(void **)&make = dlsym(RTLD_NEXT, "EVP_PKEY_keygen");
    g_atomic_int_inc(&keys_made);
    if (pthread_equal(pthread_self(), application))
        g_atomic_int_inc(&keys_made_here);
    return make(context, pair);
}

static void test_keys_elsewhere(void)
{
    LinkPeer peer;

    tap_case("8.5: keys are made on another thread than the application's");
    application = pthread_self();
    link_server_defaults();
    CHECK(link_server_open());
    peer = link_peer_new(false);
    CHECK(link_peer_link(&peer, 0, SPICE_CHANNEL_MAIN, 0, "") == SPICE_LINK_ERR_OK);
    CHECK(g_atomic_int_get(&keys_made) > 0 && g_atomic_int_get(&keys_made_here) == 0);
    link_peer_close(&peer);
    close_server();
}

static void test_keys(void)
{
    AdmissionLimits limits = ADMISSION_LIMITS;
    LinkPeer old, peer;
    WireLinkReply first, reply;

    tap_case("24: keys: one for all links of a while, then another; an old one still opens");
    link_server_defaults();
    CHECK(link_server_open());
    old = link_peer_new(false);
    CHECK(link_peer_hello(&old, 0, SPICE_CHANNEL_MAIN, 0, LINK_COMMON, &first));
    for (int i = 0; i < 3; i++) {
        peer = link_peer_new(false);
        CHECK(link_peer_hello(&peer, 0, SPICE_CHANNEL_MAIN, 0, LINK_COMMON, &reply));
        CHECK(!memcmp(reply.pub_key, first.pub_key, sizeof reply.pub_key));
        link_peer_close(&peer);
    }
    limits.key_lifetime_ms = 1;
    admission_set_limits(link_admission, &limits);
    for (int i = 0; i < 200 && !memcmp(reply.pub_key, first.pub_key, sizeof reply.pub_key); i++) {
        g_usleep(2000);
        peer = link_peer_new(false);
        CHECK(link_peer_hello(&peer, 0, SPICE_CHANNEL_MAIN, 0, LINK_COMMON, &reply));
        if (memcmp(reply.pub_key, first.pub_key, sizeof reply.pub_key))
            CHECK(link_peer_login(&peer, reply.pub_key, "", 1) == SPICE_LINK_ERR_OK);
        link_peer_close(&peer);
    }
    CHECK(memcmp(reply.pub_key, first.pub_key, sizeof reply.pub_key));
    CHECK(link_peer_login(&old, reply.pub_key, "", 1) == SPICE_LINK_ERR_PERMISSION_DENIED);
    link_peer_close(&old);
    close_server();

    link_server_defaults();
    CHECK(link_server_open());
    old = link_peer_new(false);
    CHECK(link_peer_hello(&old, 0, SPICE_CHANNEL_MAIN, 0, LINK_COMMON, &first));
    admission_set_limits(link_admission, &limits);
    g_usleep(2000);
    for (int i = 0; i < 3; i++) {
        peer = link_peer_new(false);
        CHECK(link_peer_hello(&peer, 0, SPICE_CHANNEL_MAIN, 0, LINK_COMMON, &reply));
        link_peer_close(&peer);
        for (int k = 0; k < 20; k++)
            net_core_run(5);
    }
    CHECK(memcmp(reply.pub_key, first.pub_key, sizeof reply.pub_key));
    CHECK(link_peer_login(&old, first.pub_key, "", 1) == SPICE_LINK_ERR_OK);
    link_peer_close(&old);
    close_server();
}

/* ---- Guesses ---- */

static void test_guard(void)
{
    Guard guard = {0};

    tap_case("24: failed passwords: five are free, then one check in 250 ms, then none");
    for (int i = 0; i < GUARD_FREE_FAILURES; i++) {
        CHECK(guard_wait(&guard, 7, 1000) == 0);
        guard_failed(&guard, 7, 1000);
    }
    CHECK(guard_wait(&guard, 7, 1000) == 0);
    guard_failed(&guard, 7, 1000);
    CHECK(guard_wait(&guard, 7, 1000) == GUARD_SPACING_MS);
    CHECK(guard_wait(&guard, 7, 1000) == 2 * GUARD_SPACING_MS);
    CHECK(guard_wait(&guard, 8, 1000) == 0); /* somebody else */
    int n = 0;
    while (guard_wait(&guard, 7, 1000) >= 0 && n < 1000)
        n++;
    CHECK(n == GUARD_WAIT_MAX_MS / GUARD_SPACING_MS - 2);
    CHECK(guard_wait(&guard, 7, 1000 + GUARD_WINDOW_MS) == 0);
    /* many peers: the table is bounded, the newest are known */
    for (uint64_t key = 100; key < 1000; key++)
        for (int i = 0; i < 7; i++)
            guard_failed(&guard, key, 40000 + (int64_t)key);
    CHECK(guard_wait(&guard, 999, 41001) > 0);
    CHECK(guard_wait(&guard, 100, 41001) == 0);

    tap_case("24: failed tickets: the next ones wait, also the right one, which is taken");
    link_server_defaults();
    link_server.options.ticketing = true;
    link_server.options.ticket = (char *)"s3cret";
    CHECK(link_server_open());
    gint64 start = g_get_monotonic_time();
    for (int i = 0; i < 6; i++) {
        LinkPeer peer = link_peer_new(false);

        CHECK(link_peer_link(&peer, 0, SPICE_CHANNEL_MAIN, 0, "guess") ==
              SPICE_LINK_ERR_PERMISSION_DENIED);
        link_peer_close(&peer);
    }
    start = g_get_monotonic_time();
    LinkPeer peer = link_peer_new(false);
    CHECK(link_peer_link(&peer, 0, SPICE_CHANNEL_MAIN, 0, "s3cret") == SPICE_LINK_ERR_OK);
    CHECK(g_get_monotonic_time() - start >= 200 * 1000);
    link_peer_close(&peer);
    /* one that goes while it waits */
    peer = link_peer_new(false);
    WireLinkReply reply;
    uint8_t bytes[4 + WIRE_TICKET_SIZE] = {1};
    CHECK(link_peer_hello(&peer, 0, SPICE_CHANNEL_MAIN, 0, LINK_COMMON, &reply));
    CHECK(link_ticket(reply.pub_key, "x", 2, bytes + 4));
    CHECK(link_peer_send(&peer, bytes, sizeof bytes));
    net_core_run(2);
    link_peer_close(&peer);
    CHECK(NET_WAIT(admission_links(link_admission) == 0, 15000));
    close_server();
}

/* ---- The helper ---- */

static unsigned worked, finished;

static void work(void *data)
{
    g_atomic_int_inc(&worked);
    g_usleep(GPOINTER_TO_UINT(data));
}

static void finish(void *data)
{
    finished++;
}

static void test_helper(void)
{
    Loop *loop;
    Helper *helper;

    tap_case("the helper: in order; what is left is handed back when it goes");
    loop = loop_new_core(net_core());
    helper = helper_new(loop);
    for (int i = 0; i < 100; i++)
        CHECK(helper_run(helper, work, finish, NULL));
    CHECK(NET_WAIT(finished == 100, 15000));
    for (int i = 0; i < 100; i++)
        CHECK(helper_run(helper, work, finish, GUINT_TO_POINTER(1000)));
    g_usleep(5000);
    helper_free(helper);
    CHECK(finished == 200 && worked < 200);
    for (int i = 0; i < 5; i++)
        net_core_run(1); /* posts of it are harmless */
    helper = helper_new(loop);
    helper_free(helper);

    tap_case("the helper: a job that has not begun can be taken back, wherever it waits");
    worked = finished = 0;
    helper = helper_new(loop);
    CHECK(helper_run(helper, work, finish, GUINT_TO_POINTER(100000)));
    while (g_atomic_int_get(&worked) == 0)
        g_usleep(100);
    for (unsigned i = 1; i <= 4; i++)
        CHECK(helper_run(helper, work, finish, GUINT_TO_POINTER(i)));
    CHECK(helper_cancel(helper, GUINT_TO_POINTER(4)) && helper_cancel(helper, GUINT_TO_POINTER(1)));
    CHECK(helper_cancel(helper, GUINT_TO_POINTER(3)));
    CHECK(!helper_cancel(helper, GUINT_TO_POINTER(3)));
    CHECK(!helper_cancel(helper, GUINT_TO_POINTER(100000)));
    CHECK(helper_run(helper, work, finish, GUINT_TO_POINTER(5)));
    CHECK(NET_WAIT(finished == 3, 15000));
    helper_free(helper);
    CHECK(worked == 3 && finished == 3);
    loop_free(loop);
    CHECK(net_core_watches() == 0);
}

int main(void)
{
    net_core();
    test_tcp();
    test_unix();
    test_given();
    test_tls_files();
    test_deadline();
    test_flood();
    test_descriptors();
    test_keys_elsewhere();
    test_keys();
    test_guard();
    test_helper();
    g_array_unref(link_attached);
    return tap_done();
}
