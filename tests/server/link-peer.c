/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client of the link stage. See link-peer.h. */
#include "link-peer.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- The client ---- */

LinkPeer link_peer_over(int fd)
{
    LinkPeer peer = {fd};

    fcntl(fd, F_SETFL, O_NONBLOCK);
    return peer;
}

bool link_peer_start_tls(LinkPeer *peer)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    gint64 end = g_get_monotonic_time() + 15 * G_USEC_PER_SEC;
    int result;

    peer->ssl = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_fd(peer->ssl, peer->fd);
    while ((result = SSL_connect(peer->ssl)) != 1) {
        int error = SSL_get_error(peer->ssl, result);

        if ((error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) ||
            g_get_monotonic_time() > end)
            break;
        net_core_run(2);
    }
    ERR_clear_error();
    return result == 1;
}

void link_peer_close(LinkPeer *peer)
{
    SSL_free(peer->ssl);
    peer->ssl = NULL;
    if (peer->fd >= 0)
        close(peer->fd);
    peer->fd = -1;
}

bool link_peer_send(LinkPeer *peer, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    gint64 end = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;

    while (size && g_get_monotonic_time() < end) {
        ssize_t n;

        if (peer->ssl) {
            n = SSL_write(peer->ssl, bytes, (int)size);
            ERR_clear_error();
        } else {
            n = send(peer->fd, bytes, size, MSG_NOSIGNAL);
            if (n < 0 && errno != EAGAIN)
                return false;
        }
        if (n > 0) {
            bytes += n;
            size -= (size_t)n;
        } else {
            net_core_run(2);
        }
    }
    return size == 0;
}

size_t link_peer_receive(LinkPeer *peer, void *data, size_t size, int ms)
{
    gint64 end = g_get_monotonic_time() + (gint64)ms * 1000;
    uint8_t *bytes = data;
    size_t done = 0;

    while (done < size && !peer->ended && g_get_monotonic_time() < end) {
        ssize_t n;

        if (peer->ssl) {
            int error;

            n = SSL_read(peer->ssl, bytes + done, (int)(size - done));
            error = SSL_get_error(peer->ssl, (int)n);
            peer->ended = n <= 0 && error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE;
            ERR_clear_error();
        } else {
            n = recv(peer->fd, bytes + done, size - done, MSG_DONTWAIT);
            peer->ended = n == 0 || (n < 0 && errno != EAGAIN);
        }
        if (n > 0)
            done += (size_t)n;
        else if (!peer->ended)
            net_core_run(2);
    }
    return done;
}

bool link_peer_sees_end(LinkPeer *peer)
{
    uint8_t byte;

    return link_peer_receive(peer, &byte, 1, 15000) == 0 && peer->ended;
}

size_t link_message(uint8_t *out, uint32_t connection_id, uint8_t type, uint8_t id,
                    uint32_t common_caps)
{
    WireLinkMess mess = {.connection_id = connection_id, .channel_type = type, .channel_id = id};
    WireBuffer buffer = {0};
    size_t size;

    mess.common_caps.n_words = 1;
    mess.common_caps.words[0] = common_caps;
    wire_link_mess_write(&mess, &buffer);
    size = buffer.size;
    memcpy(out, buffer.data, size);
    wire_buffer_clear(&buffer);
    return size;
}

static bool read_reply(LinkPeer *peer, WireLinkReply *reply)
{
    uint8_t bytes[WIRE_LINK_HEADER_SIZE + WIRE_LINK_REPLY_MAX];
    WireLinkHeader header;
    WireError error;

    if (link_peer_receive(peer, bytes, WIRE_LINK_HEADER_SIZE, 15000) != WIRE_LINK_HEADER_SIZE)
        return false;
    wire_link_header_read(bytes, &header);
    return wire_link_header_check(&header, WIRE_TO_CLIENT, &error) == SPICE_LINK_ERR_OK &&
           header.minor_version == 2 &&
           link_peer_receive(peer, bytes, header.size, 15000) == header.size &&
           wire_link_reply_parse(bytes, header.size, reply, &error);
}

bool link_peer_hello(LinkPeer *peer, uint32_t connection_id, uint8_t type, uint8_t id,
                     uint32_t common_caps, WireLinkReply *reply)
{
    uint8_t message[200];

    return link_peer_send(peer, message,
                          link_message(message, connection_id, type, id, common_caps)) &&
           read_reply(peer, reply);
}

bool link_ticket(const uint8_t *pub_key, const void *text, size_t size, uint8_t *ticket)
{
    const uint8_t *next = pub_key;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &next, WIRE_PUBKEY_SIZE);
    EVP_PKEY_CTX *context = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    size_t out = WIRE_TICKET_SIZE;
    bool ok = context && EVP_PKEY_encrypt_init(context) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
              EVP_PKEY_encrypt(context, ticket, &out, text, size) == 1 && out == WIRE_TICKET_SIZE;

    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok;
}

int link_peer_login(LinkPeer *peer, const uint8_t *pub_key, const void *text, size_t size)
{
    uint8_t bytes[4 + WIRE_TICKET_SIZE], result[4];

    wire_link_word_write(bytes, SPICE_COMMON_CAP_AUTH_SPICE);
    if (!link_ticket(pub_key, text, size, bytes + 4) ||
        !link_peer_send(peer, bytes, sizeof bytes) ||
        link_peer_receive(peer, result, sizeof result, 15000) != sizeof result)
        return -1;
    return (int)wire_link_word_read(result);
}

int link_peer_link(LinkPeer *peer, uint32_t connection_id, uint8_t type, uint8_t id,
                   const char *password)
{
    WireLinkReply reply;

    if (!link_peer_hello(peer, connection_id, type, id, LINK_COMMON, &reply) || reply.error)
        return -1;
    return link_peer_login(peer, reply.pub_key, password, strlen(password) + 1);
}

bool link_peer_gets_error(LinkPeer *peer, uint32_t error)
{
    uint8_t bytes[16 + 178 + 1], expected[16 + 178] = "REDQ";

    expected[4] = 2;
    expected[8] = 2;
    expected[12] = 178;
    wire_link_word_write(expected + 16, error);
    return link_peer_receive(peer, bytes, sizeof bytes, 15000) == sizeof expected && peer->ended &&
           memcmp(bytes, expected, sizeof expected) == 0;
}
