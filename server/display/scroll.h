/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is a new picture mostly pixels of the old one at another place? Text that was scrolled, a window
 * that was moved: one offset, found from a few samples, much cheaper than coding the area.
 * docs/spec/server-display.md 26.3 */
#ifndef SERVER_DISPLAY_SCROLL_H
#define SERVER_DISPLAY_SCROLL_H

#include <pixman.h>

#include "canvas/image.h"

/* The new picture: rows of pixels in the format of the old one. row() gives that of surface row y,
 * from column box.x1 to box.x2; valid until the next call. */
typedef struct ScrollSource {
    const uint8_t *(*row)(void *context, int32_t y);
    void *context;
} ScrollSource;

/* Pixels of 'to' came from 'to' less (dx, dy); both rectangles lie inside the old picture. */
typedef struct ScrollMove {
    pixman_box32_t to;
    int32_t dx, dy;
} ScrollMove;

/* Smaller areas are not looked at. */
enum { SCROLL_MIN_SIDE = 32, SCROLL_MIN_PIXELS = 8192 };

/* One vertical, horizontal or free offset (the last only with anywhere: it takes longer) by which
 * most of what differs between the old picture and the new one inside the box, which lies in the
 * old one, comes from the old. By samples: the caller has to compare what is left, and gets the
 * exact result that way. Formats of 2 and 4 bytes per pixel. */
bool scroll_find(const CanvasPixels *old, const pixman_box32_t *box, const ScrollSource *picture,
                 bool anywhere, ScrollMove *move);

/* Is the same move right once more, for the same box? By a few rows. */
bool scroll_goes_on(const CanvasPixels *old, const pixman_box32_t *box, const ScrollSource *picture,
                    const ScrollMove *move);

/* What was found on one surface lately; zeroed at first. Where nothing moves (a video) it is looked
 * only now and then. */
enum { SCROLL_PLACES = 8 };
typedef struct ScrollHistory {
    ScrollMove last;       /* what was found last */
    pixman_box32_t box;    /* and where it was looked for */
    unsigned in_vain;      /* looks in vain since then */
    unsigned free_in_vain; /* searches in all directions since one of them found something */
    unsigned before, place_before; /* the same, and at its place, before the last find */
    unsigned n,
        oldest; /* places, of which the one that comes next is the oldest when all are used */
    struct {
        pixman_box32_t box; /* roughly */
        unsigned in_vain;
    } places[SCROLL_PLACES];
} ScrollHistory;

/* scroll_find() with a memory. */
bool scroll_look(ScrollHistory *history, const CanvasPixels *old, const pixman_box32_t *box,
                 const ScrollSource *picture, ScrollMove *move);
/* What was found there just now was of no use: it counts as nothing found. */
void scroll_was_in_vain(ScrollHistory *history, const pixman_box32_t *box);

#endif
