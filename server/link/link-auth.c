/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Authentication of a link: the reply with the key, the mechanism, the ticket, SASL.
 * docs/spec/server-api.md 7.3, 8.2, 8.4, docs/spec/wire.md 4.6, 5, 6 */
#include <openssl/crypto.h>
#include <string.h>

#include "channel/clients.h"
#include "link/link-private.h"

static const Options *options_of(Link *link)
{
    return &link->admission->server->options;
}

/* An application that has authenticated the peer itself gets the ticket's protocol in any case. */
static bool wants_sasl(Link *link)
{
    return options_of(link)->sasl && !link->skip_auth;
}

/* ---- Passwords are looked at in their turn ---- */

/* Go on with next, now or later. */
static void in_turn(Link *link, LinkFunc next, void (*refused)(Link *link))
{
    int wait =
        guard_wait(&link->admission->guard, stream_peer_key(link->stream), admission_now_ms());

    if (wait < 0) {
        link_log(link, "too many wrong passwords: not looked at");
        refused(link);
        return;
    }
    link_then(link, next);
    if (wait > 0)
        link_sleep(link, wait);
}

static void count_failure(Link *link)
{
    guard_failed(&link->admission->guard, stream_peer_key(link->stream), admission_now_ms());
}

/* ---- Ticket ---- */

static void deny(Link *link)
{
    link_queue_word(link, SPICE_LINK_ERR_PERMISSION_DENIED);
    link_end(link);
}

/* Plain text, up to its first NUL, against the password; in constant time. */
static bool same_password(const uint8_t *plain, int size, const char *password)
{
    uint8_t theirs[WIRE_TICKET_SIZE] = {0}, ours[WIRE_TICKET_SIZE] = {0};
    size_t length = strlen(password);
    uint8_t inside = 0xff;

    if (size > WIRE_PASSWORD_MAX + 1 || length == 0 || length > WIRE_PASSWORD_MAX)
        return false;
    memcpy(ours, password, length);
    for (int i = 0; i < size; i++) {
        inside &= plain[i] ? 0xff : 0;
        theirs[i] = plain[i] & inside;
    }
    length = CRYPTO_memcmp(theirs, ours, sizeof ours);
    OPENSSL_cleanse(theirs, sizeof theirs);
    OPENSSL_cleanse(ours, sizeof ours);
    return length == 0;
}

static void check_ticket(Link *link)
{
    const Options *options = options_of(link);
    uint8_t plain[WIRE_TICKET_SIZE] = {0};
    int size = link_key_decrypt(link->key, link->buffer, plain);
    bool right = size >= 0;

    if (options->ticketing && !link->skip_auth)
        right = same_password(plain, size, options->ticket ? options->ticket : "") && right &&
                g_get_monotonic_time() / G_USEC_PER_SEC <= options->ticket_expiry;
    OPENSSL_cleanse(plain, sizeof plain);
    if (right) {
        link_accept(link);
    } else {
        count_failure(link);
        link_log(link, "the password is wrong or has expired");
        deny(link);
    }
}

static void got_ticket(Link *link)
{
    if (options_of(link)->ticketing && !link->skip_auth)
        in_turn(link, check_ticket, deny);
    else
        check_ticket(link);
}

/* ---- SASL ---- */

static void sasl_begin_work(Link *link)
{
    link->sasl_list = link_sasl_begin(link->sasl, link->admission->sasl_application);
}

static void got_data_size(Link *link);

static void got_name(Link *link)
{
    if (!link_sasl_offers(link->sasl, link->buffer, link->have)) {
        link_refuse(link, SPICE_LINK_ERR_INVALID_DATA, "a SASL mechanism that wasn't offered");
        return;
    }
    memcpy(link->mechanism, link->buffer, link->have);
    link->mechanism[link->have] = 0;
    link_expect(link, 4, got_data_size);
}

static void got_name_size(Link *link)
{
    uint32_t size = wire_link_word_read(link->buffer);

    if (size == 0 || size > SASL_NAME_MAX)
        link_drop(link, "the name of a SASL mechanism has a wrong size");
    else
        link_expect(link, size, got_name);
}

static void sasl_begin_done(Link *link)
{
    link->waiting = false;
    if (!link->sasl_list) {
        link_drop_for(link, "SASL can't be started", link_sasl_error(link->sasl));
        return;
    }
    link_queue_word(link, (uint32_t)strlen(link->sasl_list));
    link_queue(link, link->sasl_list, strlen(link->sasl_list));
    link_expect(link, 4, got_name_size);
}

static void sasl_begin(Link *link)
{
    char local[80], peer[80];

    stream_sasl_addresses(link->stream, local, peer, sizeof local);
    link->sasl = link_sasl_new(local, peer, stream_tls_bits(link->stream));
    link_work(link, link->admission->sasl_helper, sasl_begin_work, sasl_begin_done);
}

static void sasl_finished(Link *link)
{
    struct sasl_conn *layer = link_sasl_take_layer(link->sasl);

    if (layer)
        stream_start_sasl(link->stream, layer);
    link_accept(link);
}

static void sasl_step_work(Link *link)
{
    /* The last byte that was sent is a NUL that isn't meant. */
    link->sasl_step = link_sasl_step(
        link->sasl, link->sasl_started ? NULL : link->mechanism, link->have ? link->buffer : NULL,
        link->have ? link->have - 1 : 0, &link->sasl_out, &link->sasl_out_size);
}

static void sasl_step_done(Link *link)
{
    static const char refusal[] = "Authentication failed";
    bool complete = link->sasl_step == LINK_SASL_COMPLETE;

    link->waiting = false;
    link->sasl_started = true;
    if (link->sasl_step == LINK_SASL_FAILED) {
        count_failure(link);
        link_drop_for(link, "SASL authentication has failed", link_sasl_error(link->sasl));
        return;
    }
    if (link->sasl_out_size) {
        link_queue_word(link, (uint32_t)link->sasl_out_size + 1);
        link_queue(link, link->sasl_out, link->sasl_out_size);
        link_queue(link, "", 1);
    } else {
        link_queue_word(link, 0);
    }
    link_queue(link, complete ? "\1" : "\0", 1);
    if (!complete) {
        link_expect(link, 4, got_data_size);
    } else if (link_sasl_is_strong(link->sasl)) {
        link_queue_word(link, 0);
        link_then(link, sasl_finished);
    } else {
        link_queue_word(link, 1);
        link_queue_word(link, sizeof refusal);
        link_queue(link, refusal, sizeof refusal);
        link_log(link, "the SASL mechanism's security layer is too weak");
        link_end(link);
    }
}

static void sasl_step(Link *link)
{
    link_work(link, link->admission->sasl_helper, sasl_step_work, sasl_step_done);
}

static void drop_silently(Link *link)
{
    link_drop(link, NULL);
}

static void got_data(Link *link)
{
    if (link->sasl_started)
        sasl_step(link);
    else
        in_turn(link, sasl_step, drop_silently);
}

static void got_data_size(Link *link)
{
    uint32_t size = wire_link_word_read(link->buffer);

    if (size <= SASL_DATA_MAX) {
        link_expect(link, size, got_data);
    } else if (link->sasl_started) {
        link_drop(link, "a SASL response is too long");
    } else {
        link_refuse(link, SPICE_LINK_ERR_INVALID_DATA, "a SASL response is too long");
    }
}

/* ---- The reply ---- */

static void got_mechanism(Link *link)
{
    uint32_t mechanism = wire_link_word_read(link->buffer);

    if (mechanism == SPICE_COMMON_CAP_AUTH_SASL && wants_sasl(link))
        sasl_begin(link);
    else if (mechanism == SPICE_COMMON_CAP_AUTH_SPICE && !wants_sasl(link) && link->key)
        link_expect(link, WIRE_TICKET_SIZE, got_ticket);
    else
        link_refuse(link, SPICE_LINK_ERR_INVALID_DATA, "an authentication that isn't offered");
}

static void reply(Link *link)
{
    WireLinkReply message = {.error = SPICE_LINK_ERR_OK};
    Channel *channel = clients_find_channel(link->admission->server, link->mess.channel_type,
                                            link->mess.channel_id);

    wire_caps_set(&message.common_caps, SPICE_COMMON_CAP_PROTOCOL_AUTH_SELECTION);
    wire_caps_set(&message.common_caps, SPICE_COMMON_CAP_MINI_HEADER);
    wire_caps_set(&message.common_caps,
                  wants_sasl(link) ? SPICE_COMMON_CAP_AUTH_SASL : SPICE_COMMON_CAP_AUTH_SPICE);
    if (channel && channel->class->capabilities)
        channel->class->capabilities(channel, &message.channel_caps);
    if (link->key)
        memcpy(message.pub_key, link_key_public(link->key), sizeof message.pub_key);
    wire_link_reply_write(&message, &link->out);

    if (wire_caps_has(&link->mess.common_caps, SPICE_COMMON_CAP_PROTOCOL_AUTH_SELECTION))
        link_expect(link, WIRE_AUTH_MECHANISM_SIZE, got_mechanism);
    else if (wants_sasl(link) || !link->key)
        link_refuse(link, SPICE_LINK_ERR_VERSION_MISMATCH, "SASL is asked for, and not spoken");
    else
        link_expect(link, WIRE_TICKET_SIZE, got_ticket);
}

void link_authenticate(Link *link)
{
    if (!wants_sasl(link) || !wire_caps_has(&link->mess.common_caps, SPICE_COMMON_CAP_AUTH_SASL)) {
        LinkKey *key = key_store_get(link->admission->keys);

        if (!key) {
            link->waiting = link->waiting_key = true;
            return;
        }
        link->key = link_key_ref(key);
    }
    reply(link);
}

static void key_came(Link *link)
{
    if (key_store_get(link->admission->keys))
        link_authenticate(link);
    else
        link_drop(link, "no key can be made");
}

void link_key_ready(Link *link)
{
    if (!link->waiting_key)
        return;
    link_then(link, key_came);
    link_go_on(link);
}
