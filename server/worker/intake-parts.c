/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clips, paths, line styles and strings of drawing commands. docs/spec/server-display.md 4.6, 4.7
 */
#include <stdlib.h>
#include <string.h>

#include <spice/enums.h>

#include "worker/intake-private.h"

#define MAX_CLIP_RECTS 65536u
/* Data that are work in proportion, or more: what guests send is some KiB. */
#define MAX_PATH_BYTES ((size_t)1 << 20)
#define MAX_STRING_BYTES ((size_t)16 << 20)
/* Rectangles that a region may have; the sum over rectangles of the bands that each one spans is an
 * upper bound of it, and of the work to make it. */
#define MAX_REGION_RECTS 65536u

static int compare_numbers(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    return x < y ? -1 : x > y;
}

static uint32_t place_of(const int32_t *edges, uint32_t n, int32_t edge)
{
    uint32_t low = 0;

    while (n > 1) {
        uint32_t half = n / 2;

        if (edges[low + half] <= edge)
            low += half;
        n -= half;
    }
    return low;
}

/* Can pixman make a region of them in reasonable time and memory? */
static bool is_simple(const pixman_box32_t *boxes, uint32_t n)
{
    uint32_t n_edges = 0;
    uint64_t bands = 0;
    int32_t *edges;

    if (n <= 256)
        return true;
    edges = g_try_new(int32_t, (gsize)n * 2);
    if (!edges)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        edges[2 * i] = boxes[i].y1;
        edges[2 * i + 1] = boxes[i].y2;
    }
    qsort(edges, (size_t)n * 2, sizeof *edges, compare_numbers);
    for (uint32_t i = 0; i < n * 2; i++) {
        if (n_edges == 0 || edges[n_edges - 1] != edges[i])
            edges[n_edges++] = edges[i];
    }
    for (uint32_t i = 0; i < n; i++)
        bands += place_of(edges, n_edges, boxes[i].y2) - place_of(edges, n_edges, boxes[i].y1);
    g_free(edges);
    return bands <= MAX_REGION_RECTS;
}

/* region := the rectangles, which lie in the box. What would be too many rectangles becomes their
 * extents, and the drawing promises nothing about them any more. */
static bool set_region(IntakeDraw *draw, const pixman_box32_t *boxes, uint32_t n)
{
    Drawable *drawable = draw->drawable;

    pixman_region32_fini(&drawable->region);
    if (is_simple(boxes, n)) {
        if (pixman_region32_init_rects(&drawable->region, boxes, n))
            return true;
        pixman_region32_init(&drawable->region);
        return guest_problem(&draw->reader, "no memory for a clip");
    }
    pixman_box32_t extents = boxes[0];
    for (uint32_t i = 1; i < n; i++) {
        extents.x1 = MIN(extents.x1, boxes[i].x1);
        extents.y1 = MIN(extents.y1, boxes[i].y1);
        extents.x2 = MAX(extents.x2, boxes[i].x2);
        extents.y2 = MAX(extents.y2, boxes[i].y2);
    }
    pixman_region32_init_with_extents(&drawable->region, &extents);
    drawable->effect = QXL_EFFECT_BLEND;
    drawable->reads_target = true;
    return true;
}

static bool clip_to_rects(IntakeDraw *draw, const GuestChunks *chunks, WireClip *clip)
{
    uint32_t n = chunks->size / sizeof(QXLRect), n_boxes = 0;
    const QXLRect *rects;
    pixman_box32_t *boxes;
    WireRect *kept;
    bool ok;

    rects = (const QXLRect *)guest_chunks_gather(&draw->reader, chunks,
                                                 MAX_CLIP_RECTS * sizeof(QXLRect));
    if (!rects)
        return false;
    kept = intake_alloc(draw, (n + 1) * sizeof *kept);
    boxes = g_try_new(pixman_box32_t, n + 1);
    if (!kept || !boxes) {
        g_free(boxes);
        return guest_problem(&draw->reader, "no memory for a clip");
    }
    for (uint32_t i = 0; i < n; i++) {
        pixman_box32_t box = intake_box(&rects[i]);

        box = intake_intersect(&box, &draw->box);
        if (intake_box_is_empty(&box))
            continue;
        kept[n_boxes] =
            (WireRect){.left = box.x1, .top = box.y1, .right = box.x2, .bottom = box.y2};
        boxes[n_boxes++] = box;
    }
    *clip = (WireClip){.type = SPICE_CLIP_TYPE_RECTS, .n_rects = n_boxes, .rects = kept};
    ok = n_boxes == 0 || set_region(draw, boxes, n_boxes);
    g_free(boxes);
    return ok;
}

bool intake_clip(IntakeDraw *draw, const QXLClip *guest, WireClip *clip)
{
    QXLClipRects head;
    GuestChunks chunks;
    bool ok;

    *clip = (WireClip){.type = SPICE_CLIP_TYPE_NONE};
    if (guest->type == SPICE_CLIP_TYPE_NONE) {
        pixman_region32_fini(&draw->drawable->region);
        pixman_region32_init_with_extents(&draw->drawable->region, &draw->box);
        return true;
    }
    if (guest->type != SPICE_CLIP_TYPE_RECTS)
        return guest_problem(&draw->reader, "a clip of unknown type");
    if (!guest_read(&draw->reader, guest->data, &head, sizeof head,
                    "a clip isn't in a memory slot"))
        return false;
    if (head.num_rects > MAX_CLIP_RECTS)
        return guest_problem(&draw->reader, "a clip of too many rectangles");
    ok = guest_chunks_read(&draw->reader, guest->data + offsetof(QXLClipRects, chunk),
                           head.num_rects * sizeof(QXLRect), &chunks);
    if (ok && chunks.size != head.num_rects * sizeof(QXLRect))
        ok = guest_problem(&draw->reader, "a clip with more or less rectangles than announced");
    ok = ok && clip_to_rects(draw, &chunks, clip);
    guest_chunks_clear(&chunks);
    return ok;
}

/* ---- paths ---- */

bool intake_nothing(IntakeDraw *draw)
{
    draw->nothing = true;
    return false;
}

/* Would a deployed client draw this segment, and draw it right? */
static bool is_ordinary(const WirePathSegment *segment)
{
    if (segment->n_points == 0 || segment->flags & SPICE_PATH_BEZIER)
        return false;
    for (uint32_t i = 0; i < segment->n_points; i++) {
        if (!intake_is_near(segment->points[i].x, segment->points[i].y))
            return false;
    }
    return true;
}

/* Count the segments, and write them down when there is a place for them. */
static bool walk_path(IntakeDraw *draw, const uint8_t *data, size_t size, WirePathSegment *segments,
                      uint32_t *n)
{
    *n = 0;
    while (size > sizeof(QXLPathSeg)) {
        QXLPathSeg head;
        size_t points;

        memcpy(&head, data, sizeof head);
        data += sizeof head;
        size -= sizeof head;
        if (head.count > size / sizeof(QXLPointFix))
            return guest_problem(&draw->reader, "a path segment with more points than data");
        points = head.count * sizeof(QXLPointFix);
        if (segments) {
            WirePoint *place = intake_alloc(draw, points + 1);

            if (!place)
                return false;
            for (uint32_t i = 0; i < head.count; i++) {
                QXLPointFix point;

                memcpy(&point, data + i * sizeof point, sizeof point);
                place[i] = (WirePoint){point.x, point.y};
            }
            segments[*n] = (WirePathSegment){head.flags, head.count, place};
            draw->drawable->image_only |= !is_ordinary(&segments[*n]);
        }
        ++*n;
        data += points;
        size -= points;
    }
    return true;
}

const WirePath *intake_path(IntakeDraw *draw, uint64_t address)
{
    const uint8_t *data = NULL;
    WirePathSegment *segments;
    WirePath *path;
    GuestChunks chunks;
    size_t size;
    uint32_t n;

    if (guest_chunks_read(&draw->reader, address + offsetof(QXLPath, chunk), MAX_PATH_BYTES,
                          &chunks))
        data = guest_chunks_gather(&draw->reader, &chunks, MAX_PATH_BYTES);
    size = chunks.size;
    guest_chunks_clear(&chunks);
    if (!data || !walk_path(draw, data, size, NULL, &n))
        return NULL;
    path = intake_alloc(draw, sizeof *path);
    segments = intake_alloc(draw, (n + 1) * sizeof *segments);
    if (!path || !segments || !walk_path(draw, data, size, segments, &n))
        return NULL;
    *path = (WirePath){.n_segments = n, .segments = segments};
    return path;
}

bool intake_line(IntakeDraw *draw, const QXLLineAttr *guest, WireLineAttr *attr)
{
    int32_t *style;
    size_t size = guest->style_nseg * sizeof *style;

    *attr = (WireLineAttr){.flags = guest->flags &
                                    (SPICE_LINE_FLAGS_STYLED | SPICE_LINE_FLAGS_START_WITH_GAP)};
    if (!(attr->flags & SPICE_LINE_FLAGS_STYLED))
        return true;
    if (size == 0) {
        attr->flags = 0;
        return true;
    }
    style = intake_alloc(draw, size);
    if (!style || !guest_read(&draw->reader, guest->style, style, size,
                              "a line style isn't in a memory slot"))
        return false;
    attr->n_style = guest->style_nseg;
    attr->style = style;
    /* Dashes of no length at all are no line. */
    bool any = false;
    for (uint32_t i = 0; i < attr->n_style; i++) {
        any |= style[i] > 0;
        draw->drawable->image_only |= style[i] <= 0;
    }
    return any || intake_nothing(draw);
}

/* ---- strings ---- */

static bool read_glyphs(IntakeDraw *draw, const uint8_t *data, size_t size, unsigned int bits,
                        WireGlyph *glyphs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        QXLRasterGlyph head;
        uint64_t bytes;

        if (size < sizeof head)
            return guest_problem(&draw->reader, "a string with fewer glyphs than announced");
        memcpy(&head, data, sizeof head);
        data += sizeof head;
        size -= sizeof head;
        bytes = ((uint64_t)head.width * bits + 7) / 8 * head.height;
        if (bytes > size)
            return guest_problem(&draw->reader, "a glyph larger than its string");
        glyphs[i] = (WireGlyph){.render_pos = {head.render_pos.x, head.render_pos.y},
                                .glyph_origin = {head.glyph_origin.x, head.glyph_origin.y},
                                .width = head.width,
                                .height = head.height,
                                .data = {data, bytes}};
        draw->drawable->image_only |=
            !intake_is_near((int64_t)head.render_pos.x + head.glyph_origin.x,
                            (int64_t)head.render_pos.y + head.glyph_origin.y);
        data += bytes;
        size -= bytes;
    }
    return size == 0 || guest_problem(&draw->reader, "a string with more data than glyphs");
}

const WireString *intake_string(IntakeDraw *draw, uint64_t address)
{
    const uint8_t *data = NULL;
    WireString *string;
    WireGlyph *glyphs;
    GuestChunks chunks;
    QXLString head;
    unsigned int bits;
    size_t size;

    if (!guest_read(&draw->reader, address, &head, sizeof head, "a string isn't in a memory slot"))
        return NULL;
    bits = head.flags & SPICE_STRING_FLAGS_RASTER_A1   ? 1
           : head.flags & SPICE_STRING_FLAGS_RASTER_A4 ? 4
           : head.flags & SPICE_STRING_FLAGS_RASTER_A8 ? 8
                                                       : 0;
    if (bits == 0) {
        guest_problem(&draw->reader, "a string whose glyphs have no depth");
        return NULL;
    }
    if (guest_chunks_read(&draw->reader, address + offsetof(QXLString, chunk), head.data_size,
                          &chunks)) {
        if (chunks.size != head.data_size)
            guest_problem(&draw->reader, "a string with more or less data than announced");
        else
            data = guest_chunks_gather(&draw->reader, &chunks, MAX_STRING_BYTES);
    }
    size = chunks.size;
    guest_chunks_clear(&chunks);
    if (!data)
        return NULL;
    string = intake_alloc(draw, sizeof *string);
    glyphs = intake_alloc(draw, (head.length + 1) * sizeof *glyphs);
    if (!string || !glyphs || !read_glyphs(draw, data, size, bits, glyphs, head.length))
        return NULL;
    if (head.length == 0) {
        intake_nothing(draw);
        return NULL;
    }
    draw->drawable->image_only |= bits == 8;
    *string = (WireString){
        .flags = head.flags & (SPICE_STRING_FLAGS_RASTER_A1 | SPICE_STRING_FLAGS_RASTER_A4 |
                               SPICE_STRING_FLAGS_RASTER_A8 | SPICE_STRING_FLAGS_RASTER_TOP_DOWN),
        .n_glyphs = head.length,
        .glyphs = glyphs};
    return string;
}
