/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a client was sent, by content: pixels that come again have the same image id, so that they
 * can be taken from its cache. The first of a kind is only remembered; who comes twice is cached.
 * docs/spec/server-display.md 26.3 */
#include "display/view.h"

#include <stdatomic.h>
#include <string.h>

enum { MAX_ENTRIES = 4096 };

/* 128 bits: nobody meets two contents with the same by chance, and who doesn't know the secrets
 * can't on purpose. */
typedef struct ContentKey {
    uint64_t a, b;
} ContentKey;

typedef struct ContentEntry {
    ContentKey key;
    uint64_t id;
    GList link; /* in 'used' */
} ContentEntry;

struct ContentCache {
    GHashTable *table; /* &ContentEntry.key */
    GQueue used;       /* the latest first */
    ContentKey seed;
    uint64_t secrets[2]; /* what makes a lane forget all before: nobody may know it */
};

/* Images made by the server: unique in the process, as a client's cache is shared by displays. The
 * lower half, too, and it is not the group QXL_IMAGE_GROUP_RED: spice-html5 looks into its cache by
 * that half alone, and would take all of a group for one image. An odd factor brings none twice,
 * and this one keeps away from guests' small numbers. */
uint64_t new_image_id(void)
{
    static atomic_uint_fast32_t count;
    uint32_t number = (uint32_t)atomic_fetch_add(&count, 1) + 1;

    return (uint64_t)number << 32 | (number * UINT32_C(0x9e3779b1));
}

static unsigned key_hash(const void *key)
{
    return (unsigned)((const ContentKey *)key)->a;
}

static gboolean key_equal(const void *x, const void *y)
{
    const ContentKey *a = x, *b = y;

    return a->a == b->a && a->b == b->b;
}

static uint64_t random_word(void)
{
    return (uint64_t)g_random_int() << 32 | g_random_int();
}

ContentCache *content_cache_new(void)
{
    ContentCache *cache = g_new0(ContentCache, 1);

    cache->table = g_hash_table_new(key_hash, key_equal);
    cache->seed.a = random_word();
    cache->seed.b = random_word();
    cache->secrets[0] = random_word();
    cache->secrets[1] = random_word();

    return cache;
}

void content_cache_free(ContentCache *cache)
{
    if (!cache)
        return;

    g_hash_table_destroy(cache->table);
    while (cache->used.head) {
        ContentEntry *entry = cache->used.head->data;

        g_queue_unlink(&cache->used, &entry->link);
        g_free(entry);
    }
    g_free(cache);
}

static inline uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Two independent lanes over words of eight bytes. */
static ContentKey content_key(const ContentCache *cache, const EncodeSource *source)
{
    const uint8_t *p = source->pixels->data + source->offset;
    size_t size = (size_t)source->stride * source->height;
    uint64_t a = cache->seed.a ^ ((uint64_t)source->width << 32 | source->height);
    uint64_t b = cache->seed.b ^ ((uint64_t)source->format << 8 | source->flags);
    uint64_t x, y;

    for (; size >= 16; p += 16, size -= 16) {
        memcpy(&x, p, 8);
        memcpy(&y, p + 8, 8);
        a = mix(a ^ x, y ^ cache->secrets[0]);
        b = mix(b ^ y, x ^ cache->secrets[1]);
    }
    x = y = 0;
    memcpy(&x, p, MIN(size, 8));
    if (size > 8)
        memcpy(&y, p + 8, size - 8);
    a = mix(a ^ x, y ^ cache->secrets[1]);
    b = mix(b ^ y ^ size, x ^ cache->secrets[0]);

    return (ContentKey){a, b};
}

uint64_t content_cache_id(ContentCache *cache, const EncodeSource *source, bool *seen)
{
    ContentKey key = content_key(cache, source);
    ContentEntry *entry = g_hash_table_lookup(cache->table, &key);

    *seen = entry != NULL;
    if (entry) {
        g_queue_unlink(&cache->used, &entry->link);
    } else {
        if (cache->used.length >= MAX_ENTRIES) {
            entry = cache->used.tail->data;
            g_queue_unlink(&cache->used, &entry->link);
            g_hash_table_remove(cache->table, &entry->key);
        } else {
            entry = g_new0(ContentEntry, 1);
        }
        entry->key = key;
        entry->id = new_image_id();
        entry->link.data = entry;
        g_hash_table_insert(cache->table, &entry->key, entry);
    }
    g_queue_push_head_link(&cache->used, &entry->link);

    return entry->id;
}
