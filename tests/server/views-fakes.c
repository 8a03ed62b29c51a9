/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "display/encode.h"
#include <glib.h>
EncodePool *encode_pool_new(void){return NULL;}
void encode_pool_free(EncodePool *p){(void)p;}
EncodeJob *encode_submit(EncodePool *pool, const EncodePolicy *policy, const EncodeSource *source, Loop *loop, LoopFunc done, void *data){(void)pool;(void)policy;(void)source;(void)loop;(void)done;(void)data;return NULL;}
bool encode_job_is_done(const EncodeJob *job){(void)job;return true;}
const WireImage *encode_job_image(EncodeJob *job){(void)job;return NULL;}
Blob *encode_job_blob(EncodeJob *job){(void)job;return NULL;}
bool encode_job_is_lossy(const EncodeJob *job){(void)job;return false;}
bool encode_job_must_be_sent(const EncodeJob *job){(void)job;return false;}
void encode_job_free(EncodeJob *job){(void)job;}
EncodeContent encode_classify(const EncodeSource *source, uint32_t *c){ const uint8_t *p=source->pixels->data+source->offset; uint32_t f; if(source->format!=SPICE_BITMAP_FMT_32BIT) return ENCODE_OTHER; __builtin_memcpy(&f,p,4); for(size_t i=0;i<(size_t)source->width*source->height;i++){uint32_t v;__builtin_memcpy(&v,p+i*4,4); if(v!=f) return ENCODE_OTHER;} *c=f; return ENCODE_FLAT;}
DisplayShared *display_shared_new(void){return NULL;}
void display_shared_free(DisplayShared*s){(void)s;}
PixmapCache *pixmap_cache_get(DisplayShared *shared, uint8_t id, int64_t pixels){(void)shared;(void)id;(void)pixels;return NULL;}
void pixmap_cache_unref(PixmapCache*c){(void)c;}
unsigned pixmap_cache_users(const PixmapCache*c){(void)c;return 1;}
GlzShared *glz_shared_get(DisplayShared *s, uint8_t id, int32_t w){(void)s;(void)id;(void)w;return NULL;}
void glz_shared_unref(GlzShared*g){(void)g;}
PixmapHit pixmap_cache_use(PixmapCache *c, uint8_t ch, uint64_t id, uint64_t s){(void)c;(void)ch;(void)id;(void)s;return PIXMAP_MISS;}
bool pixmap_cache_add(PixmapCache *cache, uint8_t channel_id, uint64_t image_id, uint64_t pixels, bool lossy, uint64_t serial, PixmapEvictions *out){(void)cache;(void)channel_id;(void)image_id;(void)pixels;(void)lossy;(void)serial;(void)out;return false;}
void pixmap_evictions_clear(PixmapEvictions *e){(void)e;}
PaletteCache *palette_cache_new(void){return NULL;}
void palette_cache_free(PaletteCache*c){(void)c;}
bool palette_cache_use(PaletteCache *c, uint64_t u, uint64_t *e){(void)c;(void)u;*e=0;return false;}
void palette_cache_reset(PaletteCache*c){(void)c;}
