/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The GLZ dictionary of a client, with the queue that puts its images in order: an image gets its
 * number when it is coded, and a channel sends its images in the order of their numbers. So jobs
 * are coded one after the other, in the order in which they were submitted. Private to the coder
 * and the caches. */
#ifndef SERVER_DISPLAY_GLZ_SHARED_H
#define SERVER_DISPLAY_GLZ_SHARED_H

#include <pthread.h>

#include "display/caches.h"

typedef struct EncodeJob EncodeJob;

struct GlzShared {
    DisplayShared *shared;
    uint8_t id;
    int refs;                  /* guarded by shared's lock */
    GlzDictionary *dictionary; /* whoever is busy uses it */
    uint32_t window;           /* pixels */
    pthread_mutex_t lock;      /* of the rest */
    bool busy;                 /* a thread codes with the dictionary, or is about to */
    EncodeJob *first, *last;   /* waiting */
};

GlzShared *glz_shared_new(int32_t window_pixels); /* NULL: no memory */
void glz_shared_destroy(GlzShared *glz);
GlzShared *glz_shared_ref(GlzShared *glz);

#endif
