/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SASL by Cyrus, from the link stage to bytes inside the security layer. */
#include <string.h>

#include "link-server.h"
#include "link/link-sasl.h"
#include "net/stream.h"
#include "sasl-user.h"
#include "tap.h"

enum { COMMON_SASL = 0x0d };

static bool send_sized(LinkPeer *peer, const void *data, size_t size)
{
    uint8_t word[4];

    wire_link_word_write(word, (uint32_t)size);
    return link_peer_send(peer, word, 4) && link_peer_send(peer, data, size);
}

/* Data of one step: with a NUL behind, or none at all. */
static bool send_step(LinkPeer *peer, const char *data, unsigned size)
{
    g_autofree char *copy = g_malloc0(size + 1);

    if (!data)
        return send_sized(peer, "", 0);
    memcpy(copy, data, size);
    return send_sized(peer, copy, size + 1);
}

static bool read_sized(LinkPeer *peer, GByteArray *into)
{
    uint8_t word[4];

    if (link_peer_receive(peer, word, 4, 5000) != 4 || wire_link_word_read(word) > 100000)
        return false;
    g_byte_array_set_size(into, wire_link_word_read(word));
    return link_peer_receive(peer, into->data, into->len, 5000) == into->len;
}

/* Link to main with a mechanism; conn: ours, complete. -1: closed; else SASL's own result. list:
 * the mechanisms. */
static int authenticate(LinkPeer *peer, const char *mechanism, sasl_conn_t **conn, char **list)
{
    sasl_security_properties_t properties = {
        .min_ssf = peer->ssl ? 0 : 56, .max_ssf = peer->ssl ? 0 : 100000, .maxbufsize = 100000};
    g_autoptr(GByteArray) data = g_byte_array_new();
    WireLinkReply reply;
    const char *out, *chosen;
    unsigned size;
    uint8_t complete, result[4];
    int state;

    *conn = NULL;
    if (!link_peer_hello(peer, 0, SPICE_CHANNEL_MAIN, 0, COMMON_SASL, &reply) || reply.error ||
        !link_peer_send(peer, "\2\0\0\0", 4) || !read_sized(peer, data))
        return -2;
    if (list)
        *list = g_strndup((char *)data->data, data->len);
    if (sasl_client_new("spice", "vm", NULL, NULL, sasl_user, SASL_SUCCESS_DATA, conn) != SASL_OK)
        return -3;
    sasl_setprop(*conn, SASL_SEC_PROPS, &properties);
    state = sasl_client_start(*conn, mechanism, NULL, &out, &size, &chosen);
    if ((state != SASL_OK && state != SASL_CONTINUE) || !send_sized(peer, chosen, strlen(chosen)) ||
        !send_step(peer, out, size))
        return -4;
    for (;;) {
        if (!read_sized(peer, data) || link_peer_receive(peer, &complete, 1, 5000) != 1)
            return -1;
        if (state == SASL_CONTINUE && (data->len || !complete))
            state = sasl_client_step(*conn, data->len ? (char *)data->data : NULL,
                                     data->len ? data->len - 1 : 0, NULL, &out, &size);
        if (state != SASL_OK && state != SASL_CONTINUE)
            return -5;
        if (complete)
            break;
        if (!send_step(peer, out, size))
            return -6;
    }
    return link_peer_receive(peer, result, 4, 5000) == 4 ? (int)wire_link_word_read(result) : -7;
}

static void test_layer(const char *mechanism)
{
    LinkPeer peer = link_peer_new(false);
    sasl_conn_t *conn;
    g_autofree char *list = NULL;
    uint8_t packet[4096], bytes[100];
    const char *out;
    unsigned size;

    tap_case(mechanism);
    CHECK(authenticate(&peer, mechanism, &conn, &list) == 0);
    CHECK(list && g_str_has_prefix(list, ",") && g_str_has_suffix(list, ","));
    CHECK(list && strstr(list, ",DIGEST-MD5,"));
    CHECK(list && !strstr(list, ",PLAIN,") && !strstr(list, ",ANONYMOUS,"));
    /* The link result is the first packet: 4 bytes of text, 16 of DIGEST-MD5's. */
    CHECK(link_peer_receive(&peer, packet, 24, 15000) == 24);
    CHECK(!memcmp(packet, "\0\0\0\24", 4));
    CHECK(sasl_decode(conn, (char *)packet, 24, &out, &size) == SASL_OK && size == 4);
    CHECK(size == 4 && wire_link_word_read((const uint8_t *)out) == SPICE_LINK_ERR_OK);
    if (CHECK(NET_WAIT(link_attached->len == 1, 15000))) {
        Stream *stream = g_array_index(link_attached, Attached, 0).stream;
        struct iovec part = {"from the server", 15};

        CHECK(sasl_encode(conn, "from the client", 15, &out, &size) == SASL_OK);
        CHECK(link_peer_send(&peer, out, size));
        net_core_run(5);
        CHECK(stream_read(stream, bytes, sizeof bytes) == 15 &&
              !memcmp(bytes, "from the client", 15));
        CHECK(stream_writev(stream, &part, 1) == 15 && stream_flush(stream) == 1);
        size_t n = link_peer_receive(&peer, packet, 35, 15000);
        CHECK(sasl_decode(conn, (char *)packet, (unsigned)n, &out, &size) == SASL_OK);
        CHECK(size == 15 && !memcmp(out, "from the server", 15));
    }
    sasl_dispose(&conn);
    link_peer_close(&peer);
}

static void test_refusals(void)
{
    sasl_conn_t *conn;
    LinkPeer peer = link_peer_new(false);

    tap_case("a wrong password: closed without a word");
    sasl_user_password = "wrong";
    CHECK(authenticate(&peer, "DIGEST-MD5", &conn, NULL) == -1 && peer.ended);
    CHECK(link_attached->len == 0);
    sasl_dispose(&conn);
    link_peer_close(&peer);
    sasl_user_password = "wonder";

    tap_case("data that aren't the mechanism's: closed");
    {
        static const char nonsense[] = "username=\"alice\",nonce=\"\",,,=";
        g_autoptr(GByteArray) data = g_byte_array_new();
        WireLinkReply reply;

        peer = link_peer_new(false);
        CHECK(link_peer_hello(&peer, 0, SPICE_CHANNEL_MAIN, 0, COMMON_SASL, &reply));
        CHECK(link_peer_send(&peer, "\2\0\0\0", 4) && read_sized(&peer, data));
        CHECK(send_sized(&peer, "DIGEST-MD5", 10) && send_sized(&peer, "", 0));
        CHECK(read_sized(&peer, data) && data->len > 10);
        CHECK(send_sized(&peer, nonsense, sizeof nonsense));
        uint8_t rest[10];
        CHECK(link_peer_receive(&peer, rest, sizeof rest, 15000) <= 1 && peer.ended);
        link_peer_close(&peer);
    }
}

static void test_tls(void)
{
    Options *options = &link_server.options;
    sasl_conn_t *conn;
    g_autofree char *list = NULL;
    LinkPeer peer;
    uint8_t result[5];

    tap_case("PLAIN inside TLS: no layer");
    options->tls.ca_file = net_files()->ca;
    options->tls.cert_file = net_files()->cert;
    options->tls.key_file = net_files()->key;
    options->address = (char *)"127.0.0.1";
    options->tls.port = 22000;
    while (!link_server_open())
        options->tls.port++;
    peer = link_peer_new_tls(false);
    CHECK(authenticate(&peer, "PLAIN", &conn, &list) == 0);
    CHECK(list && strstr(list, ",PLAIN,"));
    CHECK(link_peer_receive(&peer, result, 4, 15000) == 4);
    CHECK(wire_link_word_read(result) == SPICE_LINK_ERR_OK);
    CHECK(NET_WAIT(link_attached->len == 1, 15000));
    sasl_dispose(&conn);
    link_peer_close(&peer);
}

static void *step_in_thread(void *data)
{
    const void *out;
    size_t size;

    return GINT_TO_POINTER(link_sasl_step(data, "PLAIN", "\0alice\0wonder", 13, &out, &size));
}

/* The main thread drops links while a mechanism of another one waits for its directory. */
static void test_hanging(void)
{
    LinkSasl *hanging = link_sasl_new("127.0.0.1;1", "127.0.0.1;2", 128);
    LinkSasl *other = link_sasl_new("127.0.0.1;1", "127.0.0.1;3", 128);
    GThread *thread;

    tap_case("a context goes while a mechanism hangs: nobody waits");
    CHECK(link_sasl_begin(hanging, "spice-test") && link_sasl_begin(other, "spice-test"));
    net_sasl_hold();
    thread = g_thread_new("step", step_in_thread, hanging);
    net_sasl_await_held();
    link_sasl_free(other);
    CHECK(net_sasl_let_go());
    CHECK(GPOINTER_TO_INT(g_thread_join(thread)) == LINK_SASL_COMPLETE);
    link_sasl_free(hanging);
}

int main(void)
{
    net_core();
    net_sasl_init();
    sasl_client_init(sasl_user);
    link_server_defaults();
    link_server.options.sasl = true;
    link_server_open();
    test_layer("DIGEST-MD5");
    tap_case("ends");
    CHECK(link_server_close() && link_server_open());
    test_refusals();
    test_hanging();
    CHECK(link_server_close());
    test_tls();
    CHECK(link_server_close());
    g_array_unref(link_attached);
    return tap_done();
}
