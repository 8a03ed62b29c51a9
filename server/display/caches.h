/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The server's models of what a client keeps: pixmap caches and GLZ dictionaries, shared by the
 * client's display channels (which run on different workers: these have locks), and the palette
 * cache of one channel. The client mirrors them blindly, so they are exact.
 * docs/spec/server-display.md 14 */
#ifndef SERVER_DISPLAY_CACHES_H
#define SERVER_DISPLAY_CACHES_H

#include <stdbool.h>
#include <stdint.h>

#include "codec/glz.h"
#include "wire/wire.h"

typedef struct DisplayShared DisplayShared; /* of one client */
DisplayShared *display_shared_new(void);
void display_shared_free(DisplayShared *shared);

typedef struct PixmapCache PixmapCache;
typedef struct GlzShared GlzShared; /* a dictionary with the lock that orders its images */

/* The cache or dictionary of that id, made by the first INIT that names it; one reference each; it
 * ends with the last one.
 * Sizes as in INIT, unchecked: clamped here. NULL: switched off (zero or negative), or no memory.
 */
PixmapCache *pixmap_cache_get(DisplayShared *shared, uint8_t id, int64_t pixels);
void pixmap_cache_unref(PixmapCache *cache);
/* Channels that hold it now. More than one: what one of them does may have to wait for another. */
unsigned pixmap_cache_users(const PixmapCache *cache);
GlzShared *glz_shared_get(DisplayShared *shared, uint8_t id, int32_t window_pixels);
void glz_shared_unref(GlzShared *glz);

/* One message of a channel: what its images do with the cache. They are looked up or added under
 * the serial that the message would have if nothing were evicted for it; when something was (the
 * announcement takes a serial of its own), pixmap_cache_renumber() corrects that. */
typedef enum PixmapHit { PIXMAP_MISS, PIXMAP_HIT, PIXMAP_HIT_LOSSY } PixmapHit;
PixmapHit pixmap_cache_use(PixmapCache *cache, uint8_t channel_id, uint64_t image_id,
                           uint64_t serial);

enum { PIXMAP_MAX_WAITS = 16 };
typedef struct PixmapEvictions {
    unsigned n_ids, capacity; /* ids: g_free */
    uint64_t *ids;
    unsigned n_waits; /* other channels' messages that must come first */
    WireWaitForChannel waits[PIXMAP_MAX_WAITS];
} PixmapEvictions;
/* Enter an image (width * height pixels) that is sent with the message 'serial'; what leaves for it
 * is appended to *out and must be announced before that message, as must waits (which may come
 * without ids). True: set CACHE_ME; or, after PIXMAP_HIT_LOSSY, CACHE_REPLACE_ME: the exact image
 * takes the lossy one's place. False: it isn't cached (another channel has entered it meanwhile,
 * there is no room, or it is lossy and the cache is shared), evictions count all the same. */
bool pixmap_cache_add(PixmapCache *cache, uint8_t channel_id, uint64_t image_id, uint64_t pixels,
                      bool lossy, uint64_t serial, PixmapEvictions *out);
void pixmap_evictions_clear(PixmapEvictions *evictions);
/* The message whose images were looked up and added under 'from' has the serial 'to'. */
void pixmap_cache_renumber(PixmapCache *cache, uint8_t channel_id, uint64_t from, uint64_t to);
/* Pixels and images that are in it now. */
void pixmap_cache_state(PixmapCache *cache, uint64_t *pixels, unsigned *n);

/* Palettes: 128 in a channel. True: the client has it. Else it was entered, and *evicted is the one
 * that left (0: none). */
typedef struct PaletteCache PaletteCache;
PaletteCache *palette_cache_new(void);
void palette_cache_free(PaletteCache *cache);
bool palette_cache_use(PaletteCache *cache, uint64_t unique, uint64_t *evicted);
void palette_cache_reset(PaletteCache *cache);

#endif
