/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The link stage: what goes over a connection before its messages (docs/spec/wire.md 4 and 5). Pure
 * functions on bytes, for client and server. Nothing here allocates in proportion to what a peer
 * says: sizes are bounded before authentication. */
#ifndef WIRE_LINK_H
#define WIRE_LINK_H

#include "wire/wire.h"

enum {
    WIRE_LINK_HEADER_SIZE = 16,
    WIRE_LINK_MESS_SIZE = 18,         /* without capability words */
    WIRE_LINK_MESS_MAX = 4096,        /* with them; a server refuses more */
    WIRE_LINK_REPLY_SIZE = 178,       /* without capability words */
    WIRE_LINK_REPLY_MAX = 178 + 8192, /* with them; a client refuses more */
    WIRE_LINK_CAP_WORDS_MAX = 1024,   /* of each kind */
    WIRE_CAP_WORDS = 32,              /* that are kept: 1024 capabilities */
    WIRE_PUBKEY_SIZE = 162,           /* RSA key as SubjectPublicKeyInfo in DER */
    WIRE_PUBKEY_MODULUS = 128,
    WIRE_TICKET_SIZE = 128,       /* encrypted password with its NUL, without any length in front */
    WIRE_PASSWORD_MAX = 60,       /* bytes without NUL */
    WIRE_AUTH_MECHANISM_SIZE = 4, /* bytes of the mechanism word */
    WIRE_LINK_RESULT_SIZE = 4,    /* bytes of the link result word */
};

/* A set of capabilities, by number. Numbers that were never said are absent. */
typedef struct WireCaps {
    uint32_t n_words; /* that were said, or are to be sent; at most WIRE_CAP_WORDS */
    uint32_t words[WIRE_CAP_WORDS];
} WireCaps;

bool wire_caps_has(const WireCaps *caps, unsigned capability);
/* Numbers from 1024 on are ignored. */
void wire_caps_set(WireCaps *caps, unsigned capability);
void wire_caps_clear(WireCaps *caps, unsigned capability);

typedef struct WireLinkHeader {
    uint32_t magic, major_version, minor_version;
    uint32_t size; /* bytes that follow */
} WireLinkHeader;

/* Read 16 bytes; wire_link_header_check() judges them. */
void wire_link_header_read(const uint8_t *bytes, WireLinkHeader *header);
/* Checks 1 to 3 of wire.md 4.5, for the header of a link message (WIRE_TO_SERVER) or of a reply
 * (WIRE_TO_CLIENT). SPICE_LINK_ERR_OK, _INVALID_MAGIC, _VERSION_MISMATCH or _INVALID_DATA: the
 * answer that a server gives before it closes. error may be NULL. */
SpiceLinkErr wire_link_header_check(const WireLinkHeader *header, WireDirection dir,
                                    WireError *error);
/* A major version of 0 with the right magic gets no answer. */
bool wire_link_header_wants_answer(const WireLinkHeader *header);

/* The client's part, without header. */
typedef struct WireLinkMess {
    uint32_t connection_id; /* 0: a new session */
    uint8_t channel_type, channel_id;
    WireCaps common_caps, channel_caps;
} WireLinkMess;

/* size: as in the header; so many bytes are there. SPICE_LINK_ERR_OK or _INVALID_DATA. */
SpiceLinkErr wire_link_mess_parse(const uint8_t *bytes, size_t size, WireLinkMess *mess,
                                  WireError *error);
/* Header, message and words. */
bool wire_link_mess_write(const WireLinkMess *mess, WireBuffer *out);

/* The server's part, without header. */
typedef struct WireLinkReply {
    uint32_t error;                    /* SpiceLinkErr; when it isn't OK the rest is zero */
    uint8_t pub_key[WIRE_PUBKEY_SIZE]; /* zero when SASL is meant */
    WireCaps common_caps, channel_caps;
} WireLinkReply;

/* size: as in the header; so many bytes are there. False: not a valid reply. A reply that tells an
 * error is valid. */
bool wire_link_reply_parse(const uint8_t *bytes, size_t size, WireLinkReply *reply,
                           WireError *error);
/* Header, reply and words. With an error: 16 + 178 bytes, all zero but for the error. */
bool wire_link_reply_write(const WireLinkReply *reply, WireBuffer *out);

/* How the client has to go on after the reply. */
typedef enum WireAuth {
    WIRE_AUTH_TICKET_ONLY, /* send the ticket, no mechanism word before it */
    WIRE_AUTH_TICKET,      /* mechanism word SPICE_COMMON_CAP_AUTH_SPICE, then the ticket */
    WIRE_AUTH_SASL,        /* mechanism word SPICE_COMMON_CAP_AUTH_SASL, then SASL */
    WIRE_AUTH_IMPOSSIBLE,  /* the server offers nothing that the client has */
} WireAuth;

/* The choice of wire.md 4.6, from the common capabilities of both sides: SASL if both have it, else
 * the ticket. */
WireAuth wire_auth_choose(const WireCaps *client, const WireCaps *server);

/* Mechanism and link result are single words. */
uint32_t wire_link_word_read(const uint8_t *bytes);
void wire_link_word_write(uint8_t *bytes, uint32_t word);

/* Whether 162 bytes are a key as deployed servers send it: RSA, 1024 bits, exponent 65537. *modulus
 * (128 bytes, the highest first) points into them. */
bool wire_pubkey_read(const uint8_t *pub_key, const uint8_t **modulus);
void wire_pubkey_write(uint8_t *pub_key, const uint8_t *modulus);

/* An error of a reply, or a link result, in words for a user. Never NULL. */
const char *wire_link_error_text(uint32_t error);

#endif
