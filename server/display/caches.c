/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a client keeps: images and palettes, as the server accounts for them; and the registry of
 * what a client's display channels share.  docs/spec/server-display.md 14.1, 14.2, 14.4 */
#include "caches.h"

#include <glib.h>
#include <pthread.h>
#include <spice/enums.h>
#include <string.h>

#include "glz-shared.h"

/* A guest may cache images of one pixel each: the account is bounded in numbers, too. */
#define MAX_IMAGES (1u << 17)

/* No client keeps more: 4 GiB of pixels. */
#define MAX_PIXELS (INT64_C(1) << 30)

/* ---- Shared by a client's channels ---- */

struct DisplayShared {
    pthread_mutex_t lock;
    int refs; /* of itself, and one for each member of the lists */
    GList *pixmaps, *glz;
};

static void shared_unref_unlock(DisplayShared *shared)
{
    bool last = --shared->refs == 0;

    pthread_mutex_unlock(&shared->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&shared->lock);
    g_free(shared);
}

DisplayShared *display_shared_new(void)
{
    DisplayShared *shared = g_new0(DisplayShared, 1);

    pthread_mutex_init(&shared->lock, NULL);
    shared->refs = 1;
    return shared;
}

void display_shared_free(DisplayShared *shared)
{
    if (!shared)
        return;
    pthread_mutex_lock(&shared->lock);
    shared_unref_unlock(shared);
}

/* ---- Images ---- */

typedef struct Use {
    uint8_t channel_id;
    uint64_t serial;
} Use;

typedef struct Pixmap {
    struct Pixmap *newer, *older;
    uint64_t id, pixels;
    bool lossy;
    unsigned n_uses;
    Use *uses; /* the last one on each channel */
} Pixmap;

/* The message of a channel that is being put together: what it uses. */
typedef struct Message {
    uint8_t channel_id;
    uint64_t serial;
    GArray *ids; /* uint64_t */
} Message;

struct PixmapCache {
    DisplayShared *shared;
    uint8_t id;
    int refs; /* guarded by shared->lock */
    pthread_mutex_t lock;
    uint64_t size, used; /* pixels */
    GHashTable *table;   /* &Pixmap.id -> Pixmap */
    Pixmap *newest, *oldest;
    GArray *messages; /* Message, one for each channel */
};

PixmapCache *pixmap_cache_get(DisplayShared *shared, uint8_t id, int64_t pixels)
{
    PixmapCache *cache = NULL;

    pthread_mutex_lock(&shared->lock);
    for (GList *l = shared->pixmaps; l; l = l->next) {
        if (((PixmapCache *)l->data)->id == id)
            cache = l->data;
    }
    if (cache) {
        cache->refs++;
    } else if (pixels > 0) {
        cache = g_new0(PixmapCache, 1);
        cache->shared = shared;
        cache->id = id;
        cache->refs = 1;
        cache->size = MIN(pixels, MAX_PIXELS);
        cache->table = g_hash_table_new(g_int64_hash, g_int64_equal);
        cache->messages = g_array_new(FALSE, FALSE, sizeof(Message));
        pthread_mutex_init(&cache->lock, NULL);
        shared->pixmaps = g_list_prepend(shared->pixmaps, cache);
        shared->refs++;
    }
    pthread_mutex_unlock(&shared->lock);
    return cache;
}

static void unlink_pixmap(PixmapCache *cache, Pixmap *pixmap)
{
    *(pixmap->newer ? &pixmap->newer->older : &cache->newest) = pixmap->older;
    *(pixmap->older ? &pixmap->older->newer : &cache->oldest) = pixmap->newer;
}

static void link_newest(PixmapCache *cache, Pixmap *pixmap)
{
    pixmap->newer = NULL;
    pixmap->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = pixmap;
    cache->newest = pixmap;
}

static void remove_pixmap(PixmapCache *cache, Pixmap *pixmap)
{
    unlink_pixmap(cache, pixmap);
    g_hash_table_remove(cache->table, &pixmap->id);
    cache->used -= pixmap->pixels;
    g_free(pixmap->uses);
    g_free(pixmap);
}

unsigned pixmap_cache_users(const PixmapCache *cache)
{
    unsigned users;

    pthread_mutex_lock(&cache->shared->lock);
    users = (unsigned)cache->refs;
    pthread_mutex_unlock(&cache->shared->lock);
    return users;
}

void pixmap_cache_unref(PixmapCache *cache)
{
    if (!cache)
        return;

    DisplayShared *shared = cache->shared;

    pthread_mutex_lock(&shared->lock);
    if (--cache->refs) {
        pthread_mutex_unlock(&shared->lock);
        return;
    }
    shared->pixmaps = g_list_remove(shared->pixmaps, cache);
    shared_unref_unlock(shared);
    while (cache->newest)
        remove_pixmap(cache, cache->newest);
    for (unsigned i = 0; i < cache->messages->len; i++)
        g_array_free(g_array_index(cache->messages, Message, i).ids, TRUE);
    g_array_free(cache->messages, TRUE);
    g_hash_table_destroy(cache->table);
    pthread_mutex_destroy(&cache->lock);
    g_free(cache);
}

/* NULL: none yet. */
static Use *find_use(const Pixmap *pixmap, uint8_t channel_id)
{
    for (unsigned i = 0; i < pixmap->n_uses; i++) {
        if (pixmap->uses[i].channel_id == channel_id)
            return &pixmap->uses[i];
    }
    return NULL;
}

static bool used_by(const Pixmap *pixmap, uint8_t channel_id, uint64_t serial)
{
    const Use *use = find_use(pixmap, channel_id);

    return use && use->serial == serial;
}

static Message *message_of(PixmapCache *cache, uint8_t channel_id)
{
    for (unsigned i = 0; i < cache->messages->len; i++) {
        Message *message = &g_array_index(cache->messages, Message, i);

        if (message->channel_id == channel_id)
            return message;
    }

    Message message = {channel_id, 0, g_array_new(FALSE, FALSE, sizeof(uint64_t))};

    g_array_append_val(cache->messages, message);
    return &g_array_index(cache->messages, Message, cache->messages->len - 1);
}

static void note_use(PixmapCache *cache, Pixmap *pixmap, uint8_t channel_id, uint64_t serial)
{
    Use *use = find_use(pixmap, channel_id);

    if (!use) {
        pixmap->uses = g_renew(Use, pixmap->uses, pixmap->n_uses + 1);
        use = &pixmap->uses[pixmap->n_uses++];
        use->channel_id = channel_id;
    }
    use->serial = serial;

    Message *message = message_of(cache, channel_id);

    if (message->serial != serial) {
        message->serial = serial;
        g_array_set_size(message->ids, 0);
    }
    g_array_append_val(message->ids, pixmap->id);
}

static void touch(PixmapCache *cache, Pixmap *pixmap, uint8_t channel_id, uint64_t serial)
{
    unlink_pixmap(cache, pixmap);
    link_newest(cache, pixmap);
    note_use(cache, pixmap, channel_id, serial);
}

PixmapHit pixmap_cache_use(PixmapCache *cache, uint8_t channel_id, uint64_t image_id,
                           uint64_t serial)
{
    PixmapHit hit = PIXMAP_MISS;

    pthread_mutex_lock(&cache->lock);
    Pixmap *pixmap = g_hash_table_lookup(cache->table, &image_id);

    if (pixmap) {
        touch(cache, pixmap, channel_id, serial);
        hit = pixmap->lossy ? PIXMAP_HIT_LOSSY : PIXMAP_HIT;
    }
    pthread_mutex_unlock(&cache->lock);
    return hit;
}

/* Whoever uses it on another channel must be done with it first. False: more channels than a list
 * may name. */
static bool note_waits(PixmapEvictions *out, const Pixmap *pixmap, uint8_t channel_id)
{
    unsigned n_new = 0;

    for (int pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < pixmap->n_uses; i++) {
            const Use *use = &pixmap->uses[i];
            WireWaitForChannel *wait = NULL;

            if (use->channel_id == channel_id)
                continue;
            for (unsigned k = 0; k < out->n_waits; k++) {
                if (out->waits[k].channel_id == use->channel_id)
                    wait = &out->waits[k];
            }
            if (pass == 0) {
                n_new += !wait;
                continue;
            }
            if (!wait) {
                wait = &out->waits[out->n_waits++];
                *wait = (WireWaitForChannel){SPICE_CHANNEL_DISPLAY, use->channel_id, 0};
            }
            wait->message_serial = MAX(wait->message_serial, use->serial);
        }
        if (out->n_waits + n_new > PIXMAP_MAX_WAITS && pass == 0)
            return false;
    }
    return true;
}

/* Drop the oldest for so many pixels of one image more. False: it can't be done. */
static bool make_room(PixmapCache *cache, uint8_t channel_id, uint64_t pixels, uint64_t serial,
                      PixmapEvictions *out)
{
    if (pixels > cache->size)
        return false;
    while (cache->size - cache->used < pixels || g_hash_table_size(cache->table) >= MAX_IMAGES) {
        Pixmap *oldest = cache->oldest;

        /* Its own images must be there when the message is drawn; and a list of ids has an end. */
        if (!oldest || out->n_ids == UINT16_MAX || used_by(oldest, channel_id, serial) ||
            !note_waits(out, oldest, channel_id))
            return false;
        if (out->n_ids == out->capacity) {
            out->capacity = out->capacity ? out->capacity * 2 : 16;
            out->ids = g_renew(uint64_t, out->ids, out->capacity);
        }
        out->ids[out->n_ids++] = oldest->id;
        remove_pixmap(cache, oldest);
    }
    return true;
}

bool pixmap_cache_add(PixmapCache *cache, uint8_t channel_id, uint64_t image_id, uint64_t pixels,
                      bool lossy, uint64_t serial, PixmapEvictions *out)
{
    bool added = false;

    if (lossy) {
        /* A client lets the image that comes last decide what is lossy. Between channels that may
         * be one which the server has evicted long ago: then an exact image would be waited for
         * that never comes. So lossy ones are for a channel that is alone. */
        if (pixmap_cache_users(cache) > 1)
            return false;
    }
    pthread_mutex_lock(&cache->lock);
    Pixmap *pixmap = g_hash_table_lookup(cache->table, &image_id);

    if (pixmap) {
        /* The lossy one must have come before it is replaced: the last that comes counts. */
        if (pixmap->lossy && !lossy && note_waits(out, pixmap, channel_id)) {
            pixmap->lossy = false;
            touch(cache, pixmap, channel_id, serial);
            added = true;
        }
    } else if (pixels > 0 && make_room(cache, channel_id, pixels, serial, out)) {
        pixmap = g_new0(Pixmap, 1);
        pixmap->id = image_id;
        pixmap->pixels = pixels;
        pixmap->lossy = lossy;
        g_hash_table_insert(cache->table, &pixmap->id, pixmap);
        link_newest(cache, pixmap);
        cache->used += pixels;
        note_use(cache, pixmap, channel_id, serial);
        added = true;
    }
    pthread_mutex_unlock(&cache->lock);
    return added;
}

void pixmap_cache_renumber(PixmapCache *cache, uint8_t channel_id, uint64_t from, uint64_t to)
{
    pthread_mutex_lock(&cache->lock);
    Message *message = message_of(cache, channel_id);

    if (message->serial == from) {
        for (unsigned i = 0; i < message->ids->len; i++) {
            Pixmap *pixmap =
                g_hash_table_lookup(cache->table, &g_array_index(message->ids, uint64_t, i));
            Use *use = pixmap ? find_use(pixmap, channel_id) : NULL;

            if (use && use->serial == from)
                use->serial = to;
        }
        message->serial = to;
    }
    pthread_mutex_unlock(&cache->lock);
}

void pixmap_cache_state(PixmapCache *cache, uint64_t *pixels, unsigned *n)
{
    pthread_mutex_lock(&cache->lock);
    *pixels = cache->used;
    *n = g_hash_table_size(cache->table);
    pthread_mutex_unlock(&cache->lock);
}

void pixmap_evictions_clear(PixmapEvictions *evictions)
{
    g_free(evictions->ids);
    memset(evictions, 0, sizeof(*evictions));
}

/* ---- GLZ dictionaries: the registry; what they do is in encode-glz.c ---- */

GlzShared *glz_shared_get(DisplayShared *shared, uint8_t id, int32_t window_pixels)
{
    GlzShared *glz = NULL;

    pthread_mutex_lock(&shared->lock);
    for (GList *l = shared->glz; l; l = l->next) {
        if (((GlzShared *)l->data)->id == id)
            glz = l->data;
    }
    if (glz) {
        glz->refs++;
    } else if (window_pixels > 0 && (glz = glz_shared_new(window_pixels))) {
        glz->shared = shared;
        glz->id = id;
        glz->refs = 1;
        shared->glz = g_list_prepend(shared->glz, glz);
        shared->refs++;
    }
    pthread_mutex_unlock(&shared->lock);
    return glz;
}

GlzShared *glz_shared_ref(GlzShared *glz)
{
    pthread_mutex_lock(&glz->shared->lock);
    glz->refs++;
    pthread_mutex_unlock(&glz->shared->lock);
    return glz;
}

void glz_shared_unref(GlzShared *glz)
{
    if (!glz)
        return;

    DisplayShared *shared = glz->shared;

    pthread_mutex_lock(&shared->lock);
    if (--glz->refs) {
        pthread_mutex_unlock(&shared->lock);
        return;
    }
    shared->glz = g_list_remove(shared->glz, glz);
    shared_unref_unlock(shared);
    glz_shared_destroy(glz);
}

/* ---- Palettes ---- */

#define MAX_PALETTES 128

struct PaletteCache {
    unsigned n;
    uint64_t ids[MAX_PALETTES]; /* the most recently used first */
};

PaletteCache *palette_cache_new(void)
{
    return g_new0(PaletteCache, 1);
}

void palette_cache_free(PaletteCache *cache)
{
    g_free(cache);
}

bool palette_cache_use(PaletteCache *cache, uint64_t unique, uint64_t *evicted)
{
    unsigned i = 0;
    bool hit;

    *evicted = 0;
    while (i < cache->n && cache->ids[i] != unique)
        i++;
    hit = i < cache->n;
    if (!hit && cache->n == MAX_PALETTES)
        *evicted = cache->ids[--i];
    else if (!hit)
        cache->n++;
    memmove(&cache->ids[1], &cache->ids[0], i * sizeof(cache->ids[0]));
    cache->ids[0] = unique;
    return hit;
}

void palette_cache_reset(PaletteCache *cache)
{
    cache->n = 0;
}
