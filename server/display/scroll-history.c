/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where it pays to look for moved pixels: searching in vain costs more than finding them. */
#include "display/boxes.h"
#include "display/scroll.h"

enum {
    GRAIN = 64,         /* pixels by which places may differ and still be the same */
    PATIENCE = 8,       /* looks in vain at one place, then every eighth time */
    ALL_PATIENCE = 64,  /* the same for a surface as a whole */
    SHORT_PATIENCE = 4, /* for the search in all directions, then every 32nd time */
    NOW_AND_THEN = 8,
    SELDOM = 32,
};

static pixman_box32_t rounded(const pixman_box32_t *box)
{
    return (pixman_box32_t){box->x1 / GRAIN, box->y1 / GRAIN, (box->x2 + GRAIN - 1) / GRAIN,
                            (box->y2 + GRAIN - 1) / GRAIN};
}

static bool same_box(const pixman_box32_t *a, const pixman_box32_t *b)
{
    return a->x1 == b->x1 && a->y1 == b->y1 && a->x2 == b->x2 && a->y2 == b->y2;
}

/* Has most of the place been looked at lately? What changes for the first time is new: a window has
 * opened. What is dragged or panned changes again and again. */
static bool changed_lately(const ScrollHistory *history, const pixman_box32_t *box)
{
    pixman_box32_t place = rounded(box);

    for (unsigned i = 0; i < history->n; i++) {
        const pixman_box32_t *other = &history->places[i].box;
        pixman_box32_t both = {MAX(place.x1, other->x1), MAX(place.y1, other->y1),
                               MIN(place.x2, other->x2), MIN(place.y2, other->y2)};

        if (box_area(&both) * 2 >= MAX(box_area(&place), box_area(other)))
            return true;
    }
    return false;
}

static unsigned *counter(ScrollHistory *history, const pixman_box32_t *box)
{
    pixman_box32_t place = rounded(box);
    unsigned at;

    for (unsigned i = 0; i < history->n; i++) {
        if (same_box(&history->places[i].box, &place))
            return &history->places[i].in_vain;
    }
    if (history->n < SCROLL_PLACES) {
        at = history->n++;
    } else {
        at = history->oldest;
        history->oldest = (history->oldest + 1) % SCROLL_PLACES;
    }
    history->places[at].box = place;
    history->places[at].in_vain = 0;
    return &history->places[at].in_vain;
}

/* What went there mostly comes back: somebody reads on and looks back, or drags to and fro. */
static bool turned_back(const ScrollHistory *history, const CanvasPixels *old,
                        const pixman_box32_t *box, const ScrollSource *picture, ScrollMove *move)
{
    static const int8_t signs[3][2] = {{-1, -1}, {-1, 1}, {1, -1}};
    const ScrollMove *last = &history->last;
    const pixman_box32_t from = {last->to.x1 - last->dx, last->to.y1 - last->dy,
                                 last->to.x2 - last->dx, last->to.y2 - last->dy};
    const pixman_box32_t all = box_join(&from, &last->to);

    for (int i = 0; i < (last->dx && last->dy ? 3 : 1); i++) {
        int32_t dx = last->dx * signs[i][0], dy = last->dy * signs[i][1];

        /* What was moved lies where it may be moved to, but only the box is known to have changed.
         */
        move->to = (pixman_box32_t){
            MAX(MAX(all.x1, all.x1 + dx), box->x1), MAX(MAX(all.y1, all.y1 + dy), box->y1),
            MIN(MIN(all.x2, all.x2 + dx), box->x2), MIN(MIN(all.y2, all.y2 + dy), box->y2)};
        move->dx = dx;
        move->dy = dy;
        if (!box_is_empty(&move->to) && scroll_goes_on(old, box, picture, move))
            return true;
    }
    *move = *last;
    return false;
}

bool scroll_look(ScrollHistory *history, const CanvasPixels *old, const pixman_box32_t *box,
                 const ScrollSource *picture, ScrollMove *move)
{
    bool again = changed_lately(history, box);
    unsigned *in_vain = counter(history, box);
    bool tired = (*in_vain >= PATIENCE && *in_vain % NOW_AND_THEN != 0) ||
                 (history->in_vain >= ALL_PATIENCE && history->in_vain % NOW_AND_THEN != 0);
    bool anywhere = again && (*in_vain < SHORT_PATIENCE || *in_vain % SELDOM == 0) &&
                    (history->free_in_vain < PATIENCE || history->in_vain % NOW_AND_THEN == 0);

    *move = history->last;
    if (tired ||
        !((same_box(box, &history->box) && (scroll_goes_on(old, box, picture, move) ||
                                            turned_back(history, old, box, picture, move))) ||
          scroll_find(old, box, picture, anywhere, move))) {
        history->free_in_vain += !tired && anywhere;
        ++*in_vain;
        history->in_vain++;
        return false;
    }
    if (move->dx && move->dy)
        history->free_in_vain = 0;
    history->place_before = *in_vain;
    history->before = history->in_vain;
    *in_vain = history->in_vain = 0;
    history->last = *move;
    history->box = *box;
    return true;
}

void scroll_was_in_vain(ScrollHistory *history, const pixman_box32_t *box)
{
    *counter(history, box) = history->place_before + 1;
    history->in_vain = history->before + 1;
}
