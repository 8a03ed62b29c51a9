/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RSA keys for tickets: made ahead on the helper's thread, shared by the links of about a minute.
 * docs/spec/wire.md 5, docs/spec/server-api.md 24 */
#ifndef SERVER_LINK_KEYS_H
#define SERVER_LINK_KEYS_H

#include "link/helper.h"
#include "wire/link.h"

/* A key pair. Counted references; main thread. */
typedef struct LinkKey LinkKey;
LinkKey *link_key_ref(LinkKey *key);
void link_key_unref(LinkKey *key); /* NULL is fine */
/* WIRE_PUBKEY_SIZE bytes. */
const uint8_t *link_key_public(const LinkKey *key);
/* WIRE_TICKET_SIZE bytes to at most WIRE_TICKET_SIZE bytes of plain text; -1: not encrypted for
 * this key. */
int link_key_decrypt(LinkKey *key, const uint8_t *ticket, uint8_t *plain);

enum { KEY_LIFETIME_MS = 60000 };

typedef struct KeyStore KeyStore;
/* Begins to make the first key. ready(data): a key has become available while somebody had found
 * none; also when none can be made. */
KeyStore *key_store_new(Helper *helper, void (*ready)(void *data), void *data);
/* After the helper was freed. */
void key_store_free(KeyStore *store);
/* How long a key is given to new links; KEY_LIFETIME_MS at first. An idle server makes no keys. */
void key_store_set_lifetime(KeyStore *store, unsigned ms);
/* The present key, borrowed; NULL: not yet, ready() will come. */
LinkKey *key_store_get(KeyStore *store);

#endif
