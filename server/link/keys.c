/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RSA keys for tickets. See keys.h. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "link/keys.h"

#include "log.h"

enum { KEY_BITS = 1024 };

struct LinkKey {
    unsigned refs;
    EVP_PKEY *pair;
    uint8_t public[WIRE_PUBKEY_SIZE];
    gint64 made; /* monotonic, us */
};

struct KeyStore {
    Helper *helper;
    LinkKey *current, *made; /* made: by the helper, handed over in done() */
    bool making, wanted;
    unsigned lifetime_ms;
    void (*ready)(void *data);
    void *data;
};

LinkKey *link_key_ref(LinkKey *key)
{
    key->refs++;
    return key;
}

void link_key_unref(LinkKey *key)
{
    if (!key || --key->refs > 0)
        return;
    EVP_PKEY_free(key->pair);
    g_free(key);
}

const uint8_t *link_key_public(const LinkKey *key)
{
    return key->public;
}

int link_key_decrypt(LinkKey *key, const uint8_t *ticket, uint8_t *plain)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key->pair, NULL);
    size_t size = WIRE_TICKET_SIZE;
    int result = -1;

    /* OAEP's defaults are what clients use: SHA-1 for both, no label. */
    if (context && EVP_PKEY_decrypt_init(context) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
        EVP_PKEY_decrypt(context, plain, &size, ticket, WIRE_TICKET_SIZE) == 1)
        result = (int)size;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return result;
}

static LinkKey *make_key(void)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);
    EVP_PKEY *pair = NULL;
    const uint8_t *modulus;
    LinkKey *key = g_new0(LinkKey, 1);
    uint8_t *der = NULL;
    int size = 0;

    if (context && EVP_PKEY_keygen_init(context) == 1 &&
        EVP_PKEY_CTX_set_rsa_keygen_bits(context, KEY_BITS) == 1 &&
        EVP_PKEY_keygen(context, &pair) == 1)
        size = i2d_PUBKEY(pair, &der);
    EVP_PKEY_CTX_free(context);
    key->refs = 1;
    key->pair = pair;
    key->made = g_get_monotonic_time();
    if (size == WIRE_PUBKEY_SIZE)
        memcpy(key->public, der, WIRE_PUBKEY_SIZE);
    OPENSSL_free(der);
    ERR_clear_error();
    if (wire_pubkey_read(key->public, &modulus))
        return key;
    EVP_PKEY_free(pair);
    g_free(key);
    return NULL;
}

static void work(void *data)
{
    KeyStore *store = data;

    store->made = make_key();
}

static void done(void *data)
{
    KeyStore *store = data;

    store->making = false;
    if (store->made) {
        link_key_unref(store->current);
        store->current = store->made;
        store->made = NULL;
    }
    if (store->wanted) {
        store->wanted = false;
        store->ready(store->data);
    }
}

static void begin(KeyStore *store)
{
    if (!store->making)
        store->making = helper_run(store->helper, work, done, store);
}

KeyStore *key_store_new(Helper *helper, void (*ready)(void *data), void *data)
{
    KeyStore *store = g_new0(KeyStore, 1);

    store->helper = helper;
    store->ready = ready;
    store->data = data;
    store->lifetime_ms = KEY_LIFETIME_MS;
    begin(store);
    return store;
}

void key_store_free(KeyStore *store)
{
    link_key_unref(store->current);
    link_key_unref(store->made);
    g_free(store);
}

void key_store_set_lifetime(KeyStore *store, unsigned ms)
{
    store->lifetime_ms = ms;
}

LinkKey *key_store_get(KeyStore *store)
{
    LinkKey *key = store->current;

    if (!key || g_get_monotonic_time() - key->made > (gint64)store->lifetime_ms * 1000)
        begin(store);
    if (!key)
        store->wanted = true;
    return key;
}
