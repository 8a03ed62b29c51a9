/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The link stage. */
#include "wire/link.h"
#include "wire/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static void __attribute__((format(printf, 2, 3)))
set_error(WireError *error, const char *format, ...)
{
    va_list args;

    if (!error)
        return;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
}

/* ---- Capabilities
 * ----------------------------------------------------------------------------------------------------
 */

bool wire_caps_has(const WireCaps *caps, unsigned capability)
{
    return capability / 32 < caps->n_words && capability / 32 < WIRE_CAP_WORDS &&
           (caps->words[capability / 32] >> capability % 32 & 1);
}

void wire_caps_set(WireCaps *caps, unsigned capability)
{
    if (capability / 32 >= WIRE_CAP_WORDS)
        return;
    while (caps->n_words <= capability / 32)
        caps->words[caps->n_words++] = 0;
    caps->words[capability / 32] |= UINT32_C(1) << capability % 32;
}

void wire_caps_clear(WireCaps *caps, unsigned capability)
{
    if (wire_caps_has(caps, capability))
        caps->words[capability / 32] &= ~(UINT32_C(1) << capability % 32);
}

/* n words at p; what is beyond the set has no meaning here and is left out. */
static void read_caps(WireCaps *caps, const uint8_t *p, uint32_t n)
{
    memset(caps, 0, sizeof *caps);
    caps->n_words = n < WIRE_CAP_WORDS ? n : WIRE_CAP_WORDS;
    for (uint32_t i = 0; i < caps->n_words; i++)
        caps->words[i] = wire_get_u32(p + 4 * i);
}

static uint8_t *write_caps(const WireCaps *caps, uint8_t *p)
{
    for (uint32_t i = 0; i < caps->n_words; i++, p += 4)
        wire_put_u32(p, caps->words[i]);
    return p;
}

/* The part that both directions share: counts and offset of the words, 12 bytes at 'counts'. */
static bool parse_caps(const uint8_t *bytes, size_t size, size_t fixed, WireCaps *common,
                       WireCaps *channel, WireError *error)
{
    const uint8_t *counts = bytes + fixed - 12;
    uint32_t n_common = wire_get_u32(counts), n_channel = wire_get_u32(counts + 4);
    uint32_t offset = wire_get_u32(counts + 8);

    if (n_common > WIRE_LINK_CAP_WORDS_MAX || n_channel > WIRE_LINK_CAP_WORDS_MAX) {
        set_error(error,
                  "%" PRIu32 " and %" PRIu32 " capability words announced, at most %d allowed",
                  n_common, n_channel, WIRE_LINK_CAP_WORDS_MAX);
        return false;
    }
    if (n_common + n_channel == 0)
        offset = (uint32_t)fixed; /* nothing is there: the offset means nothing */
    if (offset < fixed || (uint64_t)offset + 4 * ((uint64_t)n_common + n_channel) > size) {
        set_error(error, "%" PRIu32 " capability words at %" PRIu32 " of %zu bytes",
                  n_common + n_channel, offset, size);
        return false;
    }
    read_caps(common, bytes + offset, n_common);
    read_caps(channel, bytes + offset + 4 * (size_t)n_common, n_channel);
    return true;
}

/* ---- Header
 * ----------------------------------------------------------------------------------------------------------
 */

void wire_link_header_read(const uint8_t *bytes, WireLinkHeader *header)
{
    header->magic = wire_get_u32(bytes);
    header->major_version = wire_get_u32(bytes + 4);
    header->minor_version = wire_get_u32(bytes + 8);
    header->size = wire_get_u32(bytes + 12);
}

static void write_header(uint8_t *bytes, size_t size)
{
    memcpy(bytes, "REDQ", 4);
    wire_put_u32(bytes + 4, SPICE_VERSION_MAJOR);
    wire_put_u32(bytes + 8, SPICE_VERSION_MINOR);
    wire_put_u32(bytes + 12, (uint32_t)size);
}

SpiceLinkErr wire_link_header_check(const WireLinkHeader *header, WireDirection dir,
                                    WireError *error)
{
    uint32_t least = dir == WIRE_TO_SERVER ? WIRE_LINK_MESS_SIZE : WIRE_LINK_REPLY_SIZE;
    uint32_t most = dir == WIRE_TO_SERVER ? WIRE_LINK_MESS_MAX : WIRE_LINK_REPLY_MAX;

    if (header->magic != wire_get_u32((const uint8_t *)"REDQ")) {
        set_error(error, "the peer doesn't speak SPICE");
        return SPICE_LINK_ERR_INVALID_MAGIC;
    }
    if (header->major_version != SPICE_VERSION_MAJOR) {
        set_error(error, "the peer speaks version %" PRIu32 ".%" PRIu32 " of the protocol, not %d",
                  header->major_version, header->minor_version, SPICE_VERSION_MAJOR);
        return SPICE_LINK_ERR_VERSION_MISMATCH;
    }
    if (header->size < least || header->size > most) {
        set_error(error, "a link message of %" PRIu32 " bytes", header->size);
        return SPICE_LINK_ERR_INVALID_DATA;
    }
    return SPICE_LINK_ERR_OK;
}

bool wire_link_header_wants_answer(const WireLinkHeader *header)
{
    return header->major_version != 0 || header->magic != wire_get_u32((const uint8_t *)"REDQ");
}

/* ---- Link message and reply
 * ------------------------------------------------------------------------------------------ */

SpiceLinkErr wire_link_mess_parse(const uint8_t *bytes, size_t size, WireLinkMess *mess,
                                  WireError *error)
{
    memset(mess, 0, sizeof *mess);
    if (size < WIRE_LINK_MESS_SIZE || size > WIRE_LINK_MESS_MAX) {
        set_error(error, "a link message of %zu bytes", size);
        return SPICE_LINK_ERR_INVALID_DATA;
    }
    mess->connection_id = wire_get_u32(bytes);
    mess->channel_type = bytes[4];
    mess->channel_id = bytes[5];
    return parse_caps(bytes, size, WIRE_LINK_MESS_SIZE, &mess->common_caps, &mess->channel_caps,
                      error)
               ? SPICE_LINK_ERR_OK
               : SPICE_LINK_ERR_INVALID_DATA;
}

/* Room for header, fixed part and words; the counts are filled in. *fixed_part: behind the header.
 */
static bool write_frame(WireBuffer *out, size_t fixed, const WireCaps *common,
                        const WireCaps *channel, uint8_t **fixed_part)
{
    if (common->n_words > WIRE_CAP_WORDS || channel->n_words > WIRE_CAP_WORDS) {
        out->failed = true;
        return false;
    }
    size_t size = fixed + 4 * ((size_t)common->n_words + channel->n_words);
    uint8_t *p = wire_buffer_add(out, WIRE_LINK_HEADER_SIZE + size);

    if (!p)
        return false;
    write_header(p, size);
    p += WIRE_LINK_HEADER_SIZE;
    wire_put_u32(p + fixed - 12, common->n_words);
    wire_put_u32(p + fixed - 8, channel->n_words);
    wire_put_u32(p + fixed - 4, (uint32_t)fixed);
    write_caps(channel, write_caps(common, p + fixed));
    *fixed_part = p;
    return true;
}

bool wire_link_mess_write(const WireLinkMess *mess, WireBuffer *out)
{
    uint8_t *p;

    if (!write_frame(out, WIRE_LINK_MESS_SIZE, &mess->common_caps, &mess->channel_caps, &p))
        return false;
    wire_put_u32(p, mess->connection_id);
    p[4] = mess->channel_type;
    p[5] = mess->channel_id;
    return true;
}

bool wire_link_reply_parse(const uint8_t *bytes, size_t size, WireLinkReply *reply,
                           WireError *error)
{
    memset(reply, 0, sizeof *reply);
    if (size < WIRE_LINK_REPLY_SIZE || size > WIRE_LINK_REPLY_MAX) {
        set_error(error, "a link reply of %zu bytes", size);
        return false;
    }
    reply->error = wire_get_u32(bytes);
    memcpy(reply->pub_key, bytes + 4, WIRE_PUBKEY_SIZE);
    return parse_caps(bytes, size, WIRE_LINK_REPLY_SIZE, &reply->common_caps, &reply->channel_caps,
                      error);
}

bool wire_link_reply_write(const WireLinkReply *reply, WireBuffer *out)
{
    uint8_t *p;

    if (reply->error != SPICE_LINK_ERR_OK) {
        p = wire_buffer_add(out, WIRE_LINK_HEADER_SIZE + WIRE_LINK_REPLY_SIZE);
        if (!p)
            return false;
        memset(p, 0, WIRE_LINK_HEADER_SIZE + WIRE_LINK_REPLY_SIZE);
        write_header(p, WIRE_LINK_REPLY_SIZE);
        wire_put_u32(p + WIRE_LINK_HEADER_SIZE, reply->error);
        return true;
    }
    if (!write_frame(out, WIRE_LINK_REPLY_SIZE, &reply->common_caps, &reply->channel_caps, &p))
        return false;
    wire_put_u32(p, reply->error);
    memcpy(p + 4, reply->pub_key, WIRE_PUBKEY_SIZE);
    return true;
}

/* ---- Authentication
 * --------------------------------------------------------------------------------------------------
 */

WireAuth wire_auth_choose(const WireCaps *client, const WireCaps *server)
{
    if (!wire_caps_has(client, SPICE_COMMON_CAP_PROTOCOL_AUTH_SELECTION) ||
        !wire_caps_has(server, SPICE_COMMON_CAP_PROTOCOL_AUTH_SELECTION))
        return WIRE_AUTH_TICKET_ONLY;
    if (wire_caps_has(client, SPICE_COMMON_CAP_AUTH_SASL) &&
        wire_caps_has(server, SPICE_COMMON_CAP_AUTH_SASL))
        return WIRE_AUTH_SASL;
    /* Deployed clients use the ticket without having announced it: the server's word alone decides.
     */
    return wire_caps_has(server, SPICE_COMMON_CAP_AUTH_SPICE) ? WIRE_AUTH_TICKET
                                                              : WIRE_AUTH_IMPOSSIBLE;
}

uint32_t wire_link_word_read(const uint8_t *bytes)
{
    return wire_get_u32(bytes);
}

void wire_link_word_write(uint8_t *bytes, uint32_t word)
{
    wire_put_u32(bytes, word);
}

static const uint8_t key_head[] = {0x30, 0x81, 0x9f, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48,
                                   0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03, 0x81,
                                   0x8d, 0x00, 0x30, 0x81, 0x89, 0x02, 0x81, 0x81, 0x00};
static const uint8_t key_tail[] = {0x02, 0x03, 0x01, 0x00, 0x01};
_Static_assert(sizeof key_head + WIRE_PUBKEY_MODULUS + sizeof key_tail == WIRE_PUBKEY_SIZE,
               "layout of the key");

bool wire_pubkey_read(const uint8_t *pub_key, const uint8_t **modulus)
{
    *modulus = pub_key + sizeof key_head;
    return !memcmp(pub_key, key_head, sizeof key_head) &&
           !memcmp(*modulus + WIRE_PUBKEY_MODULUS, key_tail, sizeof key_tail) && **modulus & 0x80;
}

void wire_pubkey_write(uint8_t *pub_key, const uint8_t *modulus)
{
    memcpy(pub_key, key_head, sizeof key_head);
    memcpy(pub_key + sizeof key_head, modulus, WIRE_PUBKEY_MODULUS);
    memcpy(pub_key + sizeof key_head + WIRE_PUBKEY_MODULUS, key_tail, sizeof key_tail);
}

/* ---- Errors in words
 * -------------------------------------------------------------------------------------------------
 */

static const char *const link_errors[] = {
    [SPICE_LINK_ERR_OK] = "no error",
    [SPICE_LINK_ERR_ERROR] = "the server refused the connection",
    [SPICE_LINK_ERR_INVALID_MAGIC] = "the server didn't see a SPICE client",
    [SPICE_LINK_ERR_INVALID_DATA] = "the server didn't understand the connection request",
    [SPICE_LINK_ERR_VERSION_MISMATCH] = "the server speaks another version of the protocol",
    [SPICE_LINK_ERR_NEED_SECURED] = "the server wants an encrypted connection",
    [SPICE_LINK_ERR_NEED_UNSECURED] = "the server wants a connection without encryption",
    [SPICE_LINK_ERR_PERMISSION_DENIED] = "the password is wrong, expired or not set",
    [SPICE_LINK_ERR_BAD_CONNECTION_ID] = "the server doesn't know this session",
    [SPICE_LINK_ERR_CHANNEL_NOT_AVAILABLE] = "the server doesn't have this channel",
};

const char *wire_link_error_text(uint32_t error)
{
    return error < sizeof link_errors / sizeof link_errors[0] ? link_errors[error]
                                                              : "the server told an unknown error";
}
