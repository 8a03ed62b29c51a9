/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pixels that a client has from lossy images: what may be done with them, and their replacement by
 * exact ones when they are at rest. docs/spec/server-display.md 13, 26.5 */
#include "display/view.h"

enum {
    MAX_LOSSY_RECTS = 400,
    REST_MS = 250,
    AT_ONCE = 1 << 16, /* pixels that are refined in one go: what is new must not wait long */
};

void view_mark_lossy(ViewSurface *vs, const pixman_region32_t *region)
{
    pixman_region32_t *r = (pixman_region32_t *)(uintptr_t)region;
    bool first = !pixman_region32_not_empty(&vs->lossy);

    pixman_region32_union(&vs->lossy, &vs->lossy, r);
    pixman_region32_union(&vs->fresh, &vs->fresh, r);
    region_bound(&vs->lossy, MAX_LOSSY_RECTS); /* more than is true is never wrong */
    region_bound(&vs->fresh, MAX_LOSSY_RECTS);
    if (first && vs->view->refine_timer)
        loop_timer_start(vs->view->refine_timer, REST_MS);
}

bool view_rop_is_logical(uint16_t rop)
{
    return rop & (SPICE_ROPD_OP_OR | SPICE_ROPD_OP_AND | SPICE_ROPD_OP_XOR);
}

bool view_needs_exact(const ViewSurface *vs, const Drawable *drawable)
{
    const DrawableMessage *message = &drawable->message;
    bool needs;
    pixman_region32_t both;

    if (!pixman_region32_not_empty((pixman_region32_t *)(uintptr_t)&vs->lossy))
        return false;

    switch (drawable->message_type) {
    case SPICE_MSG_DISPLAY_DRAW_FILL:
        needs = view_rop_is_logical(message->fill.rop_descriptor);
        break;
    case SPICE_MSG_DISPLAY_DRAW_STROKE:
        needs = view_rop_is_logical(message->stroke.fore_mode);
        break;
    case SPICE_MSG_DISPLAY_DRAW_TEXT:
        needs = view_rop_is_logical(message->text.fore_mode);
        break;
    case SPICE_MSG_DISPLAY_DRAW_COPY:
        needs = view_rop_is_logical(message->copy.rop_descriptor);
        break;
    case SPICE_MSG_DISPLAY_DRAW_OPAQUE:
        needs = view_rop_is_logical(message->opaque.rop_descriptor);
        break;
    case SPICE_MSG_DISPLAY_DRAW_BLEND:
    case SPICE_MSG_DISPLAY_DRAW_ROP3:
    case SPICE_MSG_DISPLAY_DRAW_COMPOSITE:
        needs = true;
        break;
    default: /* pixels that were lossy stay so */
        needs = false;
        break;
    }
    if (!needs)
        return false;

    pixman_region32_init(&both);
    pixman_region32_intersect(&both, (pixman_region32_t *)(uintptr_t)&drawable->region,
                              (pixman_region32_t *)(uintptr_t)&vs->lossy);
    needs = pixman_region32_not_empty(&both);
    pixman_region32_fini(&both);

    return needs;
}

/* Whatever was painted before the last tick, and not since, is due. */
void view_refine_tick(void *data)
{
    View *view = data;
    bool lossy = false;

    for (unsigned i = 0; i < view->surfaces->len; i++) {
        ViewSurface *vs = g_ptr_array_index(view->surfaces, i);

        if (!pixman_region32_not_empty(&vs->lossy)) {
            pixman_region32_clear(&vs->fresh);
            continue;
        }
        lossy = true;
        pixman_region32_subtract(&vs->exact, &vs->lossy, &vs->fresh);
        pixman_region32_clear(&vs->fresh);
        if (pixman_region32_not_empty(&vs->exact))
            view->refining = true;
    }
    if (lossy)
        loop_timer_start(view->refine_timer, REST_MS);
    if (view->refining)
        view_want(view);
}

bool view_refine(View *view)
{
    bool more = false;

    for (unsigned i = 0; i < view->surfaces->len && view_may_send(view); i++) {
        ViewSurface *vs = g_ptr_array_index(view->surfaces, i);
        pixman_region32_t part;
        pixman_box32_t box;

        if (!pixman_region32_not_empty(&vs->exact) || pixman_region32_not_empty(&vs->lacks) ||
            !vs->surface->alive)
            continue;
        box = view_nearest(vs, &vs->exact, AT_ONCE);
        region_from_box(&part, &box);
        view_lack(vs, &part);
        pixman_region32_fini(&part);
        view_flush(vs, NULL, false);
        more |= pixman_region32_not_empty(&vs->exact);
    }

    return more;
}
