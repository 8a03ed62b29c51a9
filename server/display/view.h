/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One client's view of a display: what it has been told of, what it still lacks, what is on its
 * way. Private to display/view*.c; everything belongs to the worker's thread.
 *
 * How it works. The drawings of all surfaces stand in one queue, in the order of the guest. Of each
 * surface the view knows the region whose pixels the client *lacks*: there it may show anything.
 * Outside of it, the client shows the state at the head of the queue. Walking over a drawing
 * (view-walk.c) is a change of these regions, and maybe a message: what paints opaquely ends a
 * lack, what copies moves it, images only add to it. At the end of a walk the lacking regions are
 * filled from the truth (view-flush.c), which holds their newest state. So nothing has to be sent
 * in the middle, and no pixel that is painted over before the end.
 *
 * The truth may be ahead of the queue (somebody asked for it): pixels that queued drawings have
 * already changed there are not taken until the queue has come so far.
 *
 * A surface that changes faster than the client takes is in *damage mode*: its drawings are not
 * queued, and whatever is rendered in the truth is lacking. docs/spec/server-display.md 26.3 */
#ifndef SERVER_DISPLAY_VIEW_H
#define SERVER_DISPLAY_VIEW_H

#include "display/boxes.h"
#include "display/scroll.h"
#include "display/views.h"
#include "server.h"

typedef struct View View;
typedef struct ViewSurface ViewSurface;
typedef struct ContentCache ContentCache;
typedef struct Backing Backing;

typedef enum ItemKind {
    ITEM_DRAW,
    ITEM_CREATE,  /* SURFACE_CREATE of a new surface */
    ITEM_DESTROY, /* the last mention of a surface */
    ITEM_PLAIN,   /* a message without fields */
} ItemKind;

/* Something in the queue. */
typedef struct Item {
    struct Item *next, *prev;                 /* in the view's queue */
    struct Item *surface_next, *surface_prev; /* drawings of one target */
    ItemKind kind;
    uint16_t type;       /* of a plain message */
    ViewSurface *target; /* draw, create, destroy */
    Drawable *drawable;  /* a reference; draw */
    uint32_t cost;       /* bytes that it may take on the wire, roughly */
} Item;

/* What one client has of one surface. In a list at the surface, and in the view's. */
struct ViewSurface {
    View *view;
    Surface *surface;      /* a reference */
    ViewSurface *next;     /* views of the same surface */
    bool created;          /* the client was told */
    bool unsupported;      /* the client can't have such a surface */
    bool dying;            /* destroyed in the guest; its ITEM_DESTROY is queued */
    bool damage;           /* damage mode */
    uint64_t ignore_until; /* damage mode: drawings up to this one have been walked over already */
    uint64_t synced; /* the client's pixels may be of any state up to this drawing, even if the
                        queue isn't there yet */
    pixman_region32_t lacks;
    pixman_region32_t initial; /* part of lacks that was never sent: before MARK */
    /* With JPEG: pixels that a lossy image has painted, those of them since the last tick of the
     * refinement, and those lacking ones that are to be sent exactly. */
    pixman_region32_t lossy, fresh, exact;
    /* What the client shows, where that is known; NULL: not kept. */
    uint32_t *shadow;
    pixman_region32_t known;
    ScrollHistory scrolled;
    GQueue backings; /* Backing: pictures in its cache that belong here, the latest first */
    uint64_t kept_pixels;
    uint32_t period_ms;
    unsigned n_in_period;
    Item *first, *last; /* queued drawings on it */
    unsigned n_readers; /* queued drawings on others that read it */
};

enum { OUT_MAX_IMAGES = 3, OUT_MAX_RECTS = 16 };

/* An image of a message that is being coded or was. */
typedef struct OutImage {
    const WireImage **slot; /* in the message: where it goes; NULL: end of the list */
    WireImage image;        /* as it is sent, unless job */
    WirePalette palette;
    EncodeJob *job;
    bool cacheable;       /* may enter the cache, or is there */
    bool from_cache;      /* was there when queued */
    bool lossy_ok;        /* by its use */
    EncodeSource *source; /* to code it after all, if it has left the cache since; owned */
} OutImage;

/* A message that waits for its turn: the coding of its images, or room. */
typedef struct Out {
    struct Out *next;
    uint16_t type;
    Drawable *drawable; /* whose memory the message refers to; NULL: none */
    union {
        DrawableMessage draw;
        WireMsgDisplaySurfaceCreate create;
        WireMsgDisplaySurfaceDestroy destroy;
        WireMsgDisplayMonitorsConfig monitors;
    } message;
    void *owned;  /* memory of its own that the message refers to */
    Blob *pixels; /* likewise */
    OutImage images[OUT_MAX_IMAGES];
    unsigned n_images;
    bool glz;            /* has a job that must be sent in order */
    uint32_t cost;       /* bytes, roughly, until it is coded */
    ViewSurface *paints; /* an image of the truth: whose lossy region it changes ... */
    pixman_box32_t box;  /* ... and where */
} Out;

struct View {
    ChannelClient base;
    Views *views;
    bool ready; /* INIT came */
    bool asked; /* channel_client_want() was called and fill() hasn't come */

    /* Of the client. */
    bool composite, a8, monitors, lz4;
    EncodePolicy policy;
    PixmapCache *pixmaps;
    GlzShared *glz;
    PaletteCache *palettes;

    GPtrArray *surfaces; /* ViewSurface: all that it has records of */
    Item *first, *last;
    unsigned n_items, n_dropped;
    size_t queue_cost;
    uint64_t position; /* the newest drawing that was walked over */
    bool need_monitors, need_mark;
    unsigned n_cut;               /* walks in a row that ended for lack of time */
    uint64_t full_ns;             /* since when something waits for room; 0: nothing does */
    bool lags;                    /* it once waited so long that the link must be slow */
    uint64_t filled_ns;           /* when the last began */
    bool rested;                  /* nothing had been sent for a while; nothing has since */
    uint64_t painted_ns, painted; /* pixels of the truth that were sent since that time */
    LoopTimer *frame_timer;

    Out *out_first, *out_last;
    unsigned n_out, n_coding;
    size_t out_cost;
    LoopTimer *refine_timer; /* NULL: without JPEG */
    bool refining;           /* lossy pixels are due to be replaced */
    ContentCache *content;
};

struct Views {
    ViewsConfig config;
    Channel *channel;
    Truth *truth;
    SpiceImageCompression compression;
    GList *views; /* View with INIT */
    Surface *primary;
    bool primary_ready;
    bool has_monitors;
    WireMsgDisplayMonitorsConfig monitors;
    WireHead *heads;
    uint64_t serial; /* of the newest drawing */
    uint64_t id_mix; /* of the guest's image ids on this display */
    bool batch_open; /* drawings are still coming */
    bool stopped;    /* in views_drain(): large areas don't wait for a frame */
};

/* ---- view.c: records and the queue ---- */
void view_start(View *view); /* INIT came */
void view_end(View *view);
ViewSurface *view_find(const View *view, const Surface *surface); /* NULL: no record */
ViewSurface *view_record(View *view, Surface *surface); /* makes one: unknown to the client */
void view_forget(ViewSurface *vs);                      /* frees the record */
void view_want(View *view);

void view_queue_draw(View *view, Drawable *drawable);
void view_queue_plain(View *view, ItemKind kind, ViewSurface *vs, uint16_t type);
void view_unlink(View *view, Item *item); /* takes it out and frees it */
void view_sweep(View *view);              /* takes out drawings that were dropped */
/* Take the queued drawings of a surface out; it is in damage mode from now on. */
void view_to_damage(ViewSurface *vs);
void view_limit_queue(View *view);
void view_surface_destroyed(View *view, Surface *surface);

/* Region helpers: lacks stays a region of bounded size by growing. */
void view_lack(ViewSurface *vs, const pixman_region32_t *region);
void view_lack_box(ViewSurface *vs, const pixman_box32_t *box);
void view_has(ViewSurface *vs, const pixman_region32_t *region);
void region_bound(pixman_region32_t *region, int n); /* with more rectangles: its extents */
void region_from_box(pixman_region32_t *region, const pixman_box32_t *box);

/* ---- view-lossy.c ---- */
/* Does it work with the old pixels bit by bit? */
bool view_rop_is_logical(uint16_t rop);
/* A lossy image has painted there. */
void view_mark_lossy(ViewSurface *vs, const pixman_region32_t *region);
/* Does the drawing work with pixels, of its target or others, that have to be exact and may not be?
 */
bool view_needs_exact(const ViewSurface *vs, const Drawable *drawable);
/* The client has caught up: send a part of what is lossy and has been at rest. True: there is more.
 */
bool view_refine(View *view);
void view_refine_tick(void *view);

/* ---- view-shadow.c ---- */
/* May it have a shadow? Who has none compares nothing, and draws nothing from the client's cache.
 */
bool view_shadow_fits(const ViewSurface *vs);
/* The client was sent this area as it is in the truth. */
void view_shadow_paint(ViewSurface *vs, const pixman_box32_t *box);
/* It was sent something else that paints there. */
void view_shadow_forget(ViewSurface *vs, const pixman_region32_t *region);
/* It was sent a copy of its own pixels to 'painted', from (dx, dy) before. */
void view_shadow_move(ViewSurface *vs, const pixman_region32_t *painted, int dx, int dy);
/* The truth of the box is of the present: send what has only moved, and take from 'lacks' what the
 * client shows already. */
void view_shadow_refine(ViewSurface *vs, const pixman_box32_t *box);

/* ---- view-backing.c ---- */
/* An image of the truth is on its way: is it to be kept, here and in the client's cache? */
bool view_backing_keep(ViewSurface *vs, const pixman_box32_t *box, const EncodeSource *source);
/* The truth of the box is of the present: draw from the client's cache what of it is there. */
void view_backing_restore(ViewSurface *vs, const pixman_box32_t *box);
void view_backing_clear(ViewSurface *vs);

/* ---- view-content.c ---- */
/* What was sent before, by content. */
ContentCache *content_cache_new(void);
void content_cache_free(ContentCache *cache); /* NULL is fine */
/* The id of an image with these pixels; *seen: it isn't the first of its kind. */
uint64_t content_cache_id(ContentCache *cache, const EncodeSource *source, bool *seen);
uint64_t new_image_id(void);

/* ---- view-walk.c ---- */
/* ChannelClass.fill */
void view_fill(ChannelClient *cc);

/* Nobody sees more pictures in a second than one in this time. */
enum { FRAME_NS = 16 * 1000 * 1000 };
/* Go on when that time is over. */
void view_wait_for_frame(View *view, uint64_t since_ns, uint64_t now_ns);

/* ---- view-flush.c ---- */
/* Send what is lacking of the surface (in 'area'; NULL: all), as far as the truth can tell it now
 * and there is room (always: regardless of room). */
void view_flush(ViewSurface *vs, const pixman_region32_t *area, bool always);
/* Rectangles that cover the region with few pixels more; where it is given they keep out of
 * 'avoid'. Returns their number. */
unsigned view_rects(const pixman_region32_t *region, const pixman_region32_t *avoid,
                    pixman_box32_t *boxes, unsigned max);
/* Of a region that isn't empty: what lies nearest to the pointer, a rectangle of about so many
 * pixels at most. */
pixman_box32_t view_nearest(const ViewSurface *vs, const pixman_region32_t *region,
                            uint64_t pixels);

/* ---- view-send.c ---- */
/* Queue messages: they leave in this order, each when its images are coded. */
bool view_send_drawable(View *view, Drawable *drawable); /* lossy? */
bool view_may_send(const View *view);                    /* is there room for more? */
void view_send_plain(View *view, uint16_t type);
void view_send_create(ViewSurface *vs, bool primary);
void view_send_destroy(ViewSurface *vs);
void view_send_monitors(View *view);
/* An area of a surface as it is in the truth. False: no memory. *lossy: it may not be exact. */
bool view_send_pixels(ViewSurface *vs, const pixman_box32_t *box, bool lossy_ok, bool *lossy);
/* A part of a picture, which belongs at 'whole', from the client's cache. False: it isn't there. */
bool view_send_cached(ViewSurface *vs, const pixman_box32_t *part, const pixman_box32_t *whole,
                      const EncodeSource *picture);
void view_send_move(ViewSurface *vs, const pixman_box32_t *box, int dx, int dy);
void view_send_fill(ViewSurface *vs, const pixman_box32_t *box, uint32_t color);
/* Hand over to the channel what is coded, in order, as long as there is room. */
void view_pump(View *view);
/* Before work that takes a while: what is ready needn't wait for it. Only in fill(). */
void view_send_now(View *view);
/* Pixels that take a while to be compared, or copied. */
enum { VIEW_LONG_WORK = 1 << 16 };
void view_drop_out(View *view);

#endif
