/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an unauthenticated peer may send to a server, whatever it is: nothing breaks, and nothing of
 * the connection is left. FUZZ_WHAT: 1: the link stage from its first byte; 2: an upgrade request,
 * and WebSocket frames; 3: a SASL exchange. The first byte holds options, the second one the size
 * of the pieces. Keys, SASL library, helper's thread and clients are replaced, so that a run
 * depends on the input only. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel/clients.h"
#include "link/admission.h"
#include "link/helper.h"
#include "link/keys.h"
#include "link/upgrade.h"
#include "net/stream-setup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool condition)
{
    if (!condition)
        abort();
}

/* ---- What is replaced ---- */

struct Helper {
    Loop *loop;
};

Helper *helper_new(Loop *loop)
{
    Helper *helper = g_new0(Helper, 1);

    helper->loop = loop;
    return helper;
}

typedef struct Job {
    void (*done)(void *data);
    void *data;
} Job;

static unsigned jobs;

static void run_done(void *data)
{
    Job *job = data;

    jobs--;
    job->done(job->data);
    g_free(job);
}

bool helper_run(Helper *helper, void (*work)(void *data), void (*done)(void *data), void *data)
{
    Job *job = g_new(Job, 1);

    *job = (Job){done, data};
    jobs++;
    work(data);
    loop_post(helper->loop, run_done, job);
    return true;
}

/* All work is done at once. */
bool helper_cancel(Helper *helper, const void *data)
{
    return false;
}

void helper_free(Helper *helper)
{
    while (jobs)
        loop_run_once(helper->loop, 0);
    g_free(helper);
}

struct LinkKey {
    int unused;
};
static LinkKey only_key;
static const uint8_t public_part[WIRE_PUBKEY_SIZE] = {0x30};

LinkKey *link_key_ref(LinkKey *key)
{
    return key;
}

void link_key_unref(LinkKey *key)
{
}

const uint8_t *link_key_public(const LinkKey *key)
{
    return public_part;
}

/* The first byte is the size. */
int link_key_decrypt(LinkKey *key, const uint8_t *ticket, uint8_t *plain)
{
    if (ticket[0] >= WIRE_TICKET_SIZE)
        return -1;
    memcpy(plain, ticket + 1, ticket[0]);
    return ticket[0];
}

KeyStore *key_store_new(Helper *helper, void (*ready)(void *data), void *data)
{
    return NULL;
}

void key_store_free(KeyStore *store)
{
}

void key_store_set_lifetime(KeyStore *store, unsigned ms)
{
}

LinkKey *key_store_get(KeyStore *store)
{
    return &only_key;
}

static const ChannelClass main_class = {.type = SPICE_CHANNEL_MAIN},
                          inputs_class = {.type = SPICE_CHANNEL_INPUTS};
static Channel channels[] = {{.class = &main_class}, {.class = &inputs_class}};
static unsigned attached;

Channel *clients_find_channel(struct RedsState *server, uint8_t type, uint8_t id)
{
    return type == SPICE_CHANNEL_MAIN     ? &channels[0]
           : type == SPICE_CHANNEL_INPUTS ? &channels[1]
                                          : NULL;
}

SpiceLinkErr clients_check(struct RedsState *server, const WireLinkMess *mess)
{
    return mess->connection_id == 7 ? SPICE_LINK_ERR_BAD_CONNECTION_ID : SPICE_LINK_ERR_OK;
}

uint32_t clients_new_connection_id(struct RedsState *server, const WireLinkMess *mess)
{
    return 1;
}

unsigned clients_count(struct RedsState *server)
{
    return 0;
}

void clients_disconnect_all(struct RedsState *server, const char *reason)
{
}

static void read_all(Stream *stream)
{
    uint8_t bytes[1000];

    for (int i = 0; i < 1000 && stream_read(stream, bytes, 1 + i % sizeof bytes) > 0; i++)
        ;
}

void clients_attach(struct RedsState *server, const WireLinkMess *mess, uint32_t connection_id,
                    Stream *stream)
{
    struct iovec part = {"welcome", 7};

    demand(mess->common_caps.n_words <= WIRE_CAP_WORDS);
    attached++;
    read_all(stream);
    stream_writev(stream, &part, 1);
    stream_close(stream);
}

/* ---- The events of each connection: the same structure ---- */

static SpiceChannelEventInfo *event_info;
static int last_event;

static void channel_event(int event, SpiceChannelEventInfo *info)
{
    demand(event == SPICE_CHANNEL_EVENT_CONNECTED ? last_event == 0
                                                  : info == event_info && event > last_event);
    event_info = info;
    last_event = event;
}

static SpiceCoreInterface core = {.base = {"core", "fuzz", 1, 3}, .channel_event = channel_event};
static struct RedsState server;

static void quiet(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer data)
{
}

/* Send all in pieces, with the server running between. */
static void feed(int fd, const uint8_t *data, size_t size, size_t piece, void (*run)(void *),
                 void *what)
{
    uint8_t trash[8192];

    while (size) {
        size_t n = piece ? MIN(piece, size) : size;
        ssize_t sent = send(fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);

        run(what);
        while (recv(fd, trash, sizeof trash, MSG_DONTWAIT) > 0)
            ;
        if (sent < 0)
            break;
        data += sent;
        size -= (size_t)sent;
    }
}

#if FUZZ_WHAT == 2

static void read_stream(void *data)
{
    read_all(data);
    stream_flush(data);
}

static int run_input(const uint8_t *data, size_t size, uint8_t options, size_t piece)
{
    int fds[2];
    Stream *stream;
    size_t first;

    if (options & 1) {
        char answer[UPGRADE_ANSWER_MAX];
        size_t used = 0;
        UpgradeResult result;
        char *copy = g_memdup2(data, size); /* of exactly this size */

        memset(answer, 'x', sizeof answer);
        result = upgrade_parse(copy, MIN(size, UPGRADE_REQUEST_MAX), &used, answer);
        demand(result == UPGRADE_INCOMPLETE || memchr(answer, 0, sizeof answer));
        demand(result != UPGRADE_ACCEPTED || (used >= 4 && used <= size));
        g_free(copy);
        return 0;
    }
    demand(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    stream = stream_new(&server, fds[0]);
    stream_tell_connected(stream);
    first = options & 2 ? MIN(size, piece) : 0;
    stream_start_websocket(stream, data, first);
    read_stream(stream);
    if (options & 4) {
        uint8_t *bytes = g_malloc0(300000);
        struct iovec part = {bytes, 300000};

        stream_writev(stream, &part, 1);
        g_free(bytes);
    }
    feed(fds[1], data + first, size - first, piece, read_stream, stream);
    close(fds[1]);
    read_stream(stream);
    stream_close(stream);
    return 0;
}

#else

static void run_loop(void *data)
{
    for (int i = 0; i < 3; i++)
        loop_run_once(server.loop, 0);
}

static int run_input(const uint8_t *data, size_t size, uint8_t options, size_t piece)
{
#if FUZZ_WHAT == 3
    static const uint8_t hello[] = "REDQ\2\0\0\0\2\0\0\0\26\0\0\0"
                                   "\0\0\0\0\1\0\1\0\0\0\0\0\0\0\22\0\0\0\15\0\0\0\2\0\0";
    bool sasl = true;
#else
    bool sasl = options & 4;
#endif
    int fds[2];

    server.options = (Options){.port = -1,
                               .listen_fd = -1,
                               .tls.port = -1,
                               .ticketing = options & 2,
                               .ticket = (char *)"secret",
                               .ticket_expiry = G_MAXINT64,
                               .sasl = sasl,
                               .default_security = options & 8 ? 2 : 3};
    memset(server.options.channel_security, 0xff, sizeof server.options.channel_security);
    server.admission = admission_new(&server);
    demand(server.admission);
    demand(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    demand(admission_add_client(server.admission, fds[0], false, options & 1) == 0);
#if FUZZ_WHAT == 3
    feed(fds[1], hello, sizeof hello, 0, run_loop, NULL);
#endif
    feed(fds[1], data, size, piece, run_loop, NULL);
    close(fds[1]);
    for (int i = 0; i < 20 && admission_links(server.admission); i++)
        run_loop(NULL);
    demand(admission_links(server.admission) == 0);
    admission_free(server.admission);
    return 0;
}

#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!server.loop) {
        g_log_set_default_handler(quiet, NULL);
        server.core = &core;
        server.loop = loop_new_poll();
    }
    if (size < 2)
        return 0;
    last_event = 0;
    run_input(data + 2, size - 2, data[0], data[1]);
    demand(last_event == 0 || last_event == SPICE_CHANNEL_EVENT_DISCONNECTED);
    return 0;
}
