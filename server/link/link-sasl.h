/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The server's side of a SASL exchange by Cyrus. Its steps may take long (a mechanism may ask a
 * directory server), so they are made to run on the helper's thread: one function is called at a
 * time, never two. docs/spec/server-api.md 8.4, docs/spec/wire.md 6 */
#ifndef SERVER_LINK_LINK_SASL_H
#define SERVER_LINK_LINK_SASL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sasl_conn;

enum {
    SASL_NAME_MAX = 100,
    SASL_DATA_MAX = 1024 * 1024, /* of one message, either way */
    SASL_MIN_STRENGTH = 56,      /* bits, on a connection without TLS */
};

/* Once per process; again is fine. application: NULL: "spice". False: one log line. Any thread. */
bool link_sasl_library_init(const char *application);

typedef struct LinkSasl LinkSasl;

/* Addresses as "ip;port". tls_bits: 0 without TLS. Nothing happens yet. */
LinkSasl *link_sasl_new(const char *local, const char *peer, unsigned tls_bits);
void link_sasl_free(LinkSasl *sasl); /* NULL is fine; never waits */

/* Makes the context and the list of mechanisms, ",A,B,"; NULL: failed, see the error. Valid as long
 * as the object. */
const char *link_sasl_begin(LinkSasl *sasl, const char *application);
/* Is this one of the list, whole? */
bool link_sasl_offers(const LinkSasl *sasl, const uint8_t *name, size_t size);

typedef enum LinkSaslStep {
    LINK_SASL_CONTINUE,
    LINK_SASL_COMPLETE,
    LINK_SASL_FAILED,
} LinkSaslStep;
/* The first step has the mechanism's name, later ones NULL. data: NULL: none. *out: valid until the
 * next call; *out_size 0: none. */
LinkSaslStep link_sasl_step(LinkSasl *sasl, const char *mechanism, const void *data, size_t size,
                            const void **out, size_t *out_size);
/* After completion: is the security layer as strong as the connection needs? */
bool link_sasl_is_strong(const LinkSasl *sasl);
/* The context, when it has negotiated a security layer: it now belongs to the caller. NULL: none.
 */
struct sasl_conn *link_sasl_take_layer(LinkSasl *sasl);
/* In words, for the log; valid until the next call. */
const char *link_sasl_error(const LinkSasl *sasl);

#endif
