/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walking over a view's queue: what each drawing does to the regions that the client lacks, and
 * whether it is sent. */
#include "display/view.h"

enum {
    WALK_NS = 4 * 1000 * 1000,  /* the worker has other things to do, too */
    LAG_NS = 100 * 1000 * 1000, /* that something waits for room: the link is slow, or the client */
    REST_NS = 3 * 1000 * 1000,  /* since something was sent: who waits, waits for this */
    FEW_ITEMS = 6,              /* that are worth a system call of their own */
    MAX_CUT = 8,      /* walks that may end early before what is lacking is sent all the same */
    SMALL = 1024,     /* pixels: an opaque drawing of that size is left to the image around it */
    SOURCE_SLACK = 4, /* a source that is lacking is sent when it isn't that much larger than what
                         is drawn */
};

/* The client is told of a surface that is there already. */
static void view_introduce(ViewSurface *vs)
{
    const Surface *surface = vs->surface;
    pixman_box32_t all = {0, 0, (int)surface->width, (int)surface->height};

    view_send_create(vs, surface->id == 0);
    vs->created = true;
    view_lack_box(vs, &all);
}

/* Does this copy pixels one to one from a surface, with nothing else to it? *dx, *dy: from source
 * to target; *source: where from. */
static bool view_is_move(const View *view, const Drawable *drawable, ViewSurface **source, int *dx,
                         int *dy)
{
    const DrawableMessage *message = &drawable->message;
    const WireRect *box = &message->base.box;

    if (drawable->message_type == SPICE_MSG_DISPLAY_COPY_BITS) {
        *source = view_find(view, drawable->target);
        *dx = box->left - message->copy_bits.src_pos.x;
        *dy = box->top - message->copy_bits.src_pos.y;
        return true;
    }
    if (drawable->message_type != SPICE_MSG_DISPLAY_DRAW_COPY || drawable->n_reads != 1 ||
        !message->copy.src_image || message->copy.src_image->type != SPICE_IMAGE_TYPE_SURFACE ||
        message->copy.rop_descriptor != SPICE_ROPD_OP_PUT || message->copy.mask.image)
        return false;

    const WireRect *area = &message->copy.src_area;

    if (area->right - area->left != box->right - box->left ||
        area->bottom - area->top != box->bottom - box->top ||
        drawable->reads[0].surface->id != message->copy.src_image->u.surface.surface_id)
        return false;
    *source = view_find(view, drawable->reads[0].surface);
    *dx = box->left - area->left;
    *dy = box->top - area->top;

    return true;
}

/* May the client's pixels of that surface be of another time than this drawing? */
static bool view_is_stale(const ViewSurface *vs, const Drawable *drawable)
{
    if (vs->damage)
        return drawable->state != DRAWABLE_PENDING || vs->surface->pending.length > 0;
    return drawable->state != DRAWABLE_PENDING && drawable->serial < vs->synced;
}

/* Can it read what it needs at the client? Missing pixels are sent when that is worth it. */
static bool view_has_sources(View *view, Drawable *drawable)
{
    for (unsigned i = 0; i < drawable->n_reads; i++) {
        ViewSurface *source = view_record(view, drawable->reads[i].surface);
        pixman_region32_t area;
        bool missing;

        if (source->unsupported || view_is_stale(source, drawable) ||
            (!source->created && !source->surface->alive))
            return false;
        if (!source->created)
            view_introduce(source);
        region_from_box(&area, &drawable->reads[i].area);
        /* Lossy pixels are as good as none. */
        if (pixman_region32_not_empty(&source->lossy) &&
            pixman_region32_contains_rectangle(&source->lossy, pixman_region32_extents(&area)) !=
                PIXMAN_REGION_OUT) {
            pixman_region32_fini(&area);
            return false;
        }
        pixman_region32_intersect(&area, &area, &source->lacks);
        missing = pixman_region32_not_empty(&area);
        if (missing && source->surface != drawable->target &&
            region_area(&area) / SOURCE_SLACK <= region_area(&drawable->region)) {
            view_flush(source, &area, true);
            pixman_region32_intersect(&area, &area, &source->lacks);
            missing = pixman_region32_not_empty(&area);
        }
        pixman_region32_fini(&area);
        if (missing)
            return false;
    }

    return true;
}

/* What becomes of the target's regions when pixels are copied to 'painted' from (dx, dy) before.
 * 'lost' is what then is lacking of it. */
static void view_move_regions(ViewSurface *vs, const ViewSurface *source,
                              const pixman_region32_t *painted, int dx, int dy,
                              const pixman_region32_t *lost)
{
    pixman_region32_t lossy;

    pixman_region32_init(&lossy);
    pixman_region32_copy(&lossy, (pixman_region32_t *)(uintptr_t)&source->lossy);
    pixman_region32_translate(&lossy, dx, dy);
    pixman_region32_intersect(&lossy, &lossy, (pixman_region32_t *)(uintptr_t)painted);
    view_has(vs, painted);
    if (pixman_region32_not_empty(&lossy))
        view_mark_lossy(vs, &lossy);
    view_lack(vs, lost);
    pixman_region32_fini(&lossy);
}

/* What of the copied pixels the source lacks, where they arrive. */
static void view_move_lost(const ViewSurface *source, const pixman_region32_t *painted, int dx,
                           int dy, pixman_region32_t *lost)
{
    pixman_region32_copy(lost, (pixman_region32_t *)(uintptr_t)&source->lacks);
    pixman_region32_translate(lost, dx, dy);
    pixman_region32_intersect(lost, lost, (pixman_region32_t *)(uintptr_t)painted);
}

/* Send what copies, and move with the pixels what is lacking. */
static bool view_walk_move(View *view, ViewSurface *vs, Drawable *drawable)
{
    ViewSurface *source;
    int dx, dy;
    pixman_region32_t painted, lost;
    uint64_t n_painted, n_lost;
    bool done = true;

    if (!view_is_move(view, drawable, &source, &dx, &dy) || !source || !source->created ||
        (source != vs && view_is_stale(source, drawable)))
        return false;

    pixman_region32_init(&painted);
    pixman_region32_init(&lost);
    /* What would come from outside of the source stays as it is. */
    pixman_region32_intersect_rect(&painted, &drawable->region, dx, dy, source->surface->width,
                                   source->surface->height);
    view_move_lost(source, &painted, dx, dy, &lost);
    n_painted = region_area(&painted);
    n_lost = region_area(&lost);
    if (source != vs && n_lost * 2 > n_painted) {
        done = false; /* most of the source isn't there: general rules */
    } else if (n_lost < n_painted) {
        view_send_drawable(view, drawable);
        if (source == vs)
            view_shadow_move(vs, &painted, dx, dy);
        else
            view_shadow_forget(vs, &painted);
        view_move_regions(vs, source, &painted, dx, dy, &lost);
    } else { /* nothing of it would be right */
        view_lack(vs, &painted);
    }
    pixman_region32_fini(&painted);
    pixman_region32_fini(&lost);

    return done;
}

/* An image of which the truth has found that most is old pixels at another place. */
static bool view_walk_moved(ViewSurface *vs, const Drawable *drawable)
{
    pixman_region32_t painted, lost;
    int dx = drawable->moved_dx, dy = drawable->moved_dy;
    bool worth_it;

    region_from_box(&painted, &drawable->moved_to);
    pixman_region32_init(&lost);
    view_move_lost(vs, &painted, dx, dy, &lost);
    worth_it = region_area(&lost) * 2 < region_area(&painted);
    if (worth_it) {
        view_send_move(vs, &drawable->moved_to, dx, dy);
        view_shadow_move(vs, &painted, dx, dy);
        view_move_regions(vs, vs, &painted, dx, dy, &lost);
        view_lack(vs, &drawable->rest);
    }
    pixman_region32_fini(&painted);
    pixman_region32_fini(&lost);

    return worth_it;
}

/* Does the region lie inside of what is lacking? */
static bool view_lacks_all(ViewSurface *vs, const pixman_region32_t *region)
{
    const pixman_region32_t *r = region;
    pixman_region32_t rest;
    bool all;

    if (!pixman_region32_not_empty(&vs->lacks))
        return false;

    pixman_region32_init(&rest);
    pixman_region32_subtract(&rest, (pixman_region32_t *)(uintptr_t)r, &vs->lacks);
    all = !pixman_region32_not_empty(&rest);
    pixman_region32_fini(&rest);

    return all;
}

/* The image of a drawing that the guest wants to be cached, with all its bytes at hand. */
static bool view_is_cacheable(const View *view, const Drawable *drawable)
{
    const WireImage *image = drawable->message.copy.src_image;

    return view->pixmaps && image && (image->flags & SPICE_IMAGE_FLAGS_CACHE_ME) &&
           image->type == SPICE_IMAGE_TYPE_BITMAP && drawable->n_borrowed == 0 &&
           image->u.bitmap.data.size > 0;
}

static bool view_paint_drawable(View *view, ViewSurface *vs, Drawable *drawable)
{
    view_shadow_forget(vs, &drawable->region);

    return view_send_drawable(view, drawable);
}

/* Somebody who has been waiting gets what is there already: the letter that was typed, not after
 * all that changes because of it. */
static void view_before_work(View *view, uint64_t pixels)
{
    if (pixels <= VIEW_LONG_WORK && !(view->rested && view->n_items > FEW_ITEMS))
        return;
    view_send_now(view);
    view->rested = false;
}

static void view_walk_drawable(View *view, ViewSurface *vs, Drawable *drawable)
{
    bool lossy = false;

    if (!vs->created) {
        if (vs->dying)
            return;
        view_introduce(vs);
    }

    if (drawable->put && !view_is_cacheable(view, drawable)) {
        if (drawable->state == DRAWABLE_PENDING) {
            view_before_work(view, region_area(&drawable->region));
            truth_render(view->views->truth, drawable);
        }
        if (!drawable->moved || !view_walk_moved(vs, drawable))
            view_lack(vs, &drawable->changed);
        return;
    }

    if (drawable->image_only ||
        (drawable->message_type == SPICE_MSG_DISPLAY_DRAW_COMPOSITE && !view->composite)) {
        view_lack(vs, &drawable->region);
        return;
    }
    if (view_walk_move(view, vs, drawable))
        return;
    if (!view_has_sources(view, drawable)) {
        view_lack(vs, &drawable->region);
        return;
    }

    /* From here on it reads nothing else than the pixels that it writes: those that are lacking
     * stay so, all others become right. */
    if (drawable->reads_target) {
        if (view_needs_exact(vs, drawable))
            view_lack(vs, &drawable->region);
        else if (!view_lacks_all(vs, &drawable->region))
            lossy = view_paint_drawable(view, vs, drawable);
    } else if (region_area(&drawable->region) > SMALL || !view_lacks_all(vs, &drawable->region)) {
        lossy = view_paint_drawable(view, vs, drawable);
        view_has(vs, &drawable->region);
    }
    if (lossy)
        view_mark_lossy(vs, &drawable->region);
}

static void view_walk_item(View *view, Item *item)
{
    ViewSurface *vs = item->target;

    switch (item->kind) {
    case ITEM_DRAW:
        view->position = item->drawable->serial;
        if (item->drawable->state != DRAWABLE_DROPPED) {
            Drawable *drawable = drawable_ref(item->drawable);

            /* Out of the queue first: its pixels in the truth are of the present from now on. */
            view_unlink(view, item);
            drawable->sent = true;
            view_walk_drawable(view, vs, drawable);
            drawable_unref(drawable);
            return;
        }
        break;
    case ITEM_CREATE:
        if (!vs->created) {
            view_send_create(vs, vs->surface->id == 0);
            vs->created = true;
            if (vs->surface->keeps_data) {
                pixman_box32_t all = {0, 0, (int)vs->surface->width, (int)vs->surface->height};

                view_lack_box(vs, &all);
            }
            if (vs->surface->id == 0)
                pixman_region32_copy(&vs->initial, &vs->lacks);
        }
        break;
    case ITEM_DESTROY:
        if (vs->created)
            view_send_destroy(vs);
        view_unlink(view, item);
        view_forget(vs);
        return;
    case ITEM_PLAIN:
        view_send_plain(view, item->type);
        break;
    }
    view_unlink(view, item);
}

/* Damage mode ends when the client has caught up; off-screen surfaces are sent when they are read,
 * and don't wait for that. */
static void view_leave_damage(View *view)
{
    for (unsigned i = 0; i < view->surfaces->len; i++) {
        ViewSurface *vs = g_ptr_array_index(view->surfaces, i);

        if (!vs->damage || vs->dying || !vs->surface->alive)
            continue;
        if (vs->surface->pending.length > 0)
            truth_render_surface(view->views->truth, vs->surface);
        if (vs->surface->id == 0 && pixman_region32_not_empty(&vs->lacks))
            continue;
        vs->damage = false;
        vs->synced = view->views->serial;
    }
}

static void view_announce(View *view, const ViewSurface *primary)
{
    if (!primary || !primary->created || primary->dying ||
        pixman_region32_not_empty((pixman_region32_t *)(uintptr_t)&primary->initial))
        return;

    if (view->need_monitors && view->views->has_monitors) {
        if (view->monitors)
            view_send_monitors(view);
        view->need_monitors = false;
    }
    if (view->need_mark && view->views->primary_ready) {
        view_send_plain(view, SPICE_MSG_DISPLAY_MARK);
        view->need_mark = false;
    }
}

void view_wait_for_frame(View *view, uint64_t since_ns, uint64_t now_ns)
{
    uint64_t left = since_ns + FRAME_NS > now_ns ? since_ns + FRAME_NS - now_ns : 0;

    loop_timer_start(view->frame_timer, (uint32_t)(left / 1000000) + 1);
}

/* There is room now: how long did it take? */
static void view_end_wait(View *view, uint64_t now)
{
    view->lags |= view->full_ns && now > view->full_ns + LAG_NS;
    view->full_ns = 0;
}

static void view_begin_wait(View *view, const ViewSurface *primary, uint64_t now)
{
    if ((view->first ||
         (primary && pixman_region32_not_empty((pixman_region32_t *)(uintptr_t)&primary->lacks))) &&
        !view_may_send(view))
        view->full_ns = now;
}

void view_fill(ChannelClient *cc)
{
    View *view = (View *)cc;
    uint64_t now = loop_now_ns();
    ViewSurface *primary;
    size_t room;
    bool more = false;

    view->asked = false;
    if (!view->ready || !view->views->truth)
        return;

    view_end_wait(view, now);
    view_pump(view);
    /* In the middle of a burst, what was drawn is not the end of it: what comes may cover it. */
    if (view->views->batch_open && view->n_cut == 0 && now - view->filled_ns < FRAME_NS &&
        view->frame_timer) {
        view_wait_for_frame(view, view->filled_ns, now);
        return;
    }
    if (view->n_cut == 0) {
        view->rested = now - view->filled_ns > REST_NS;
        view->filled_ns = now;
    }
    primary = view->views->primary ? view_find(view, view->views->primary) : NULL;
    room = channel_client_room(cc) / 2;
    while (view->first && view_may_send(view)) {
        /* What is walked over must not use up all room when there are pixels to be sent. */
        if (primary && pixman_region32_not_empty(&primary->lacks) && channel_client_room(cc) < room)
            break;
        view_walk_item(view, view->first);
        if (loop_now_ns() > now + WALK_NS) {
            more = view->first != NULL;
            break;
        }
    }
    if (!view->first)
        view->position = view->views->serial;
    view->n_cut = more ? view->n_cut + 1 : 0;
    if (more && view->n_cut < MAX_CUT && view_may_send(view)) {
        view_want(view);
        return;
    }

    /* A walk may have ended the old one. */
    primary = view->views->primary ? view_find(view, view->views->primary) : NULL;
    if (primary && primary->created)
        view_flush(primary, NULL, false);
    if (view->refining && !view->first && !view_refine(view))
        view->refining = false;
    view_leave_damage(view);
    view_announce(view, primary);
    view_begin_wait(view, primary, now);
    view_pump(view);
    if (more) {
        view->n_cut = 0;
        if (view_may_send(view))
            view_want(view);
    }
}
