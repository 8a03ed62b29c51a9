/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stroke command: paths to polylines (section 13.1 and 13.3 of docs/spec/canvas.md), and their
 * pixels to the target. */
#include <stdlib.h>
#include <string.h>

#include "canvas/draw.h"
#include "canvas/stroke.h"
#include "overflow.h"

/* ---- pixels ---- */

/* Where and how pixels are painted. */
typedef struct Painter {
    CanvasDraw *draw;
    const CanvasPixels *target;
    CanvasRopTerms terms;
    const CanvasPixels *tile; /* NULL: a colour */
    int64_t tile_left, tile_top;
    uint32_t keep, flip; /* with a colour: the operation as in CanvasRopTerms */
    uint8_t *collected;  /* careful dashes: pixels are noted here, and painted once at the end */
    size_t collected_stride;
} Painter;

static uint32_t tile_pixel(const Painter *painter, int32_t x, int32_t y)
{
    const CanvasPixels *tile = painter->tile;
    size_t column = canvas_modulo(x - painter->tile_left, tile->width);
    const uint8_t *row = canvas_row(tile, canvas_modulo(y - painter->tile_top, tile->height));

    switch (PIXMAN_FORMAT_BPP(tile->format)) {
    case 32:
        return ((const uint32_t *)row)[column];
    case 16:
        return ((const uint16_t *)row)[column];
    case 8:
        return row[column];
    default:
        return -(uint32_t)(row[column >> 3] >> (column & 7) & 1);
    }
}

static inline void paint_pixel(const Painter *painter, int32_t x, int32_t y)
{
    uint32_t keep = painter->keep, flip = painter->flip;
    uint8_t *row = canvas_row(painter->target, y);

    if (!canvas_area_has(&painter->draw->area, x, y))
        return;
    if (painter->tile) {
        uint32_t s = tile_pixel(painter, x, y);

        keep = (painter->terms.keep_s & s) ^ painter->terms.keep_0;
        flip = (painter->terms.flip_s & s) ^ painter->terms.flip_0;
    }
    switch (PIXMAN_FORMAT_BPP(painter->target->format)) {
    case 32:
        ((uint32_t *)row)[x] = (((uint32_t *)row)[x] & keep) ^ flip;
        break;
    case 16:
        ((uint16_t *)row)[x] = (((uint16_t *)row)[x] & keep) ^ flip;
        break;
    case 8:
        row[x] = (row[x] & keep) ^ flip;
        break;
    default: {
        uint8_t bit = 1u << (x & 7), set = keep & 1 ? bit : 0, invert = flip & 1 ? bit : 0;

        row[x >> 3] = (row[x >> 3] & ~bit) | (((row[x >> 3] & set) ^ invert) & bit);
        break;
    }
    }
}

static void paint_span(void *ctx, int32_t x, int32_t y, int32_t n)
{
    const Painter *painter = ctx;
    const CanvasArea *area = &painter->draw->area;

    if (painter->collected) {
        uint8_t *row =
            painter->collected + (size_t)(y - area->extents.y1) * painter->collected_stride;

        for (int32_t i = x - area->extents.x1; n > 0; i++, n--)
            row[i >> 3] |= 1u << (i & 7);
        return;
    }
    for (; n > 0; n--)
        paint_pixel(painter, x++, y);
}

static void paint_line(void *ctx, int32_t x, int32_t y, int32_t step_x, int32_t step_y,
                       bool x_major, int64_t error, int64_t add, int64_t subtract, int64_t n)
{
    const Painter *painter = ctx;
    const CanvasPixels *target = painter->target;

    if (!painter->tile && !painter->draw->area.bits && PIXMAN_FORMAT_BPP(target->format) == 32) {
        /* The usual case: a colour on a 32-bit surface, one rectangle. */
        uint32_t *pixel = (uint32_t *)canvas_row(target, y) + x;
        ptrdiff_t down = step_y * (target->stride / 4), major = x_major ? step_x : down,
                  minor = x_major ? down : step_x;

        for (;;) {
            *pixel = (*pixel & painter->keep) ^ painter->flip;
            if (--n == 0)
                return;
            pixel += major;
            error += add;
            if (error >= subtract) {
                error -= subtract;
                pixel += minor;
            }
        }
    }
    for (;;) {
        paint_pixel(painter, x, y);
        if (--n == 0)
            return;
        error += add;
        if (x_major)
            x += step_x;
        else
            y += step_y;
        if (error >= subtract) {
            error -= subtract;
            if (x_major)
                y += step_y;
            else
                x += step_x;
        }
    }
}

/* ---- polylines ---- */

typedef struct Polyline {
    CanvasPoint *points;
    size_t n, capacity;
    bool failed;
} Polyline;

static void append(Polyline *line, CanvasPoint point)
{
    if (line->n == line->capacity) {
        size_t capacity = line->capacity ? line->capacity * 2 : 64, bytes;
        CanvasPoint *points =
            size_mul(capacity, sizeof *points, &bytes) ? realloc(line->points, bytes) : NULL;

        if (!points) {
            line->failed = true;
            return;
        }
        line->points = points;
        line->capacity = capacity;
    }
    line->points[line->n++] = point;
}

static CanvasPoint rounded(const CanvasPoint *fixed)
{
    return (CanvasPoint){(fixed->x + 7) >> 4, (fixed->y + 7) >> 4};
}

static CanvasPoint widen(const WirePoint *point)
{
    return (CanvasPoint){point->x, point->y};
}

typedef struct StrokeJob {
    CanvasPen pen;
    Painter painter;
    CanvasDashes dashes;
    bool dashed, careful_rop;
    Polyline line;
    size_t curve_points; /* points that Bezier curves may still add */
} StrokeJob;

/* Paint what was collected, each pixel once, and forget it. */
static void paint_collected(StrokeJob *job)
{
    const pixman_box32_t *bounds = &job->pen.bounds;
    Painter *painter = &job->painter;
    uint8_t *collected = painter->collected;

    painter->collected = NULL;
    for (int32_t y = bounds->y1; y < bounds->y2; y++) {
        uint8_t *row = collected + (size_t)(y - bounds->y1) * painter->collected_stride;

        for (size_t i = 0; i < painter->collected_stride; i++) {
            if (!row[i])
                continue;
            for (unsigned int bit = 0; bit < 8; bit++)
                if (row[i] >> bit & 1)
                    paint_pixel(painter, bounds->x1 + (int32_t)(i * 8 + bit), y);
            row[i] = 0;
        }
    }
    painter->collected = collected;
}

static void draw_polyline(StrokeJob *job)
{
    Polyline *line = &job->line;
    bool careful = job->careful_rop && line->n >= 3;
    uint8_t *collected = job->painter.collected;

    if (line->n >= 2 && !line->failed) {
        if (!job->dashed) {
            canvas_stroke_solid(&job->pen, line->points, line->n);
        } else if (careful) {
            canvas_stroke_dashed(&job->pen, &job->dashes, line->points, line->n, true);
            paint_collected(job);
        } else {
            job->painter.collected = NULL;
            canvas_stroke_dashed(&job->pen, &job->dashes, line->points, line->n, false);
            job->painter.collected = collected;
        }
    }
    line->n = 0;
}

/* ---- curves ---- */

/* Beyond this depth the halves of any curve are points. */
#define MAX_DEPTH 32
/* Points that the curves of one command may become; a curve over the whole range of coordinates
 * makes some 2^16, one on a screen less than a hundred. After that they are drawn as lines, to
 * bound time and memory. */
#define MAX_CURVE_POINTS (1u << 20)

/* Differences of coordinates have 34 bits, so their products need more than 64. */
typedef __int128 Wide;

static Wide dot(CanvasPoint u, CanvasPoint w)
{
    return ((Wide)u.x * w.x + (Wide)u.y * w.y) >> 4;
}

static CanvasPoint minus(CanvasPoint a, CanvasPoint b)
{
    return (CanvasPoint){a.x - b.x, a.y - b.y};
}

static CanvasPoint middle(CanvasPoint a, CanvasPoint b)
{
    return (CanvasPoint){(a.x + b.x) / 2, (a.y + b.y) / 2};
}

static bool is_flat(const CanvasPoint *p)
{
    CanvasPoint a = minus(p[1], p[0]), b = minus(p[3], p[0]), c = minus(p[2], p[3]),
                e = minus(p[0], p[3]);
    Wide bb = dot(b, b), ab = dot(a, b), ce = dot(c, e);

    return (dot(a, a) * bb - ab * ab) >> 3 < bb && (dot(c, c) * bb - ce * ce) >> 3 < bb;
}

/* True when no line between points of the curve can show a pixel. */
static bool is_outside(const StrokeJob *job, const CanvasPoint *p)
{
    const pixman_box32_t *bounds = &job->pen.bounds;
    CanvasBox hull = {p[0].x, p[0].y, p[0].x, p[0].y};

    for (int i = 1; i < 4; i++) {
        hull.x1 = p[i].x < hull.x1 ? p[i].x : hull.x1;
        hull.y1 = p[i].y < hull.y1 ? p[i].y : hull.y1;
        hull.x2 = p[i].x > hull.x2 ? p[i].x : hull.x2;
        hull.y2 = p[i].y > hull.y2 ? p[i].y : hull.y2;
    }
    return hull.x2 / 16 + 2 < bounds->x1 || hull.x1 / 16 - 2 > bounds->x2 ||
           hull.y2 / 16 + 2 < bounds->y1 || hull.y1 / 16 - 2 > bounds->y2;
}

static void flatten(StrokeJob *job, const CanvasPoint *p, int depth)
{
    bool point = p[0].x == p[1].x && p[0].x == p[2].x && p[0].x == p[3].x && p[0].y == p[1].y &&
                 p[0].y == p[2].y && p[0].y == p[3].y;

    /* A solid curve that isn't in sight needs only its end; dashes go on counting there. */
    if (point || depth == 0 || job->curve_points == 0 || job->line.failed || is_flat(p) ||
        (!job->dashed && is_outside(job, p))) {
        append(&job->line, rounded(&p[3]));
        job->curve_points -= job->curve_points > 0;
        return;
    }

    CanvasPoint p01 = middle(p[0], p[1]), p12 = middle(p[1], p[2]), p23 = middle(p[2], p[3]);
    CanvasPoint p012 = middle(p01, p12), p123 = middle(p12, p23), centre = middle(p012, p123);
    const CanvasPoint left[] = {p[0], p01, p012, centre}, right[] = {centre, p123, p23, p[3]};

    flatten(job, left, depth - 1);
    flatten(job, right, depth - 1);
}

/* ---- the path ---- */

/* Section 13.1. Segments that 16.1 calls invalid are left out. */
static void add_segment(StrokeJob *job, const WirePathSegment *segment)
{
    Polyline *line = &job->line;
    const WirePoint *points = segment->points;
    uint32_t n = segment->n_points;
    bool begin = segment->flags & SPICE_PATH_BEGIN;

    if (begin && n == 0)
        return;
    if (segment->flags & SPICE_PATH_BEZIER &&
        ((n - begin) % 3 != 0 || (!begin && n > 0 && line->n == 0)))
        return;
    if (begin) {
        CanvasPoint first = widen(points);

        draw_polyline(job);
        append(line, rounded(&first));
        points++;
        n--;
    }
    if (segment->flags & SPICE_PATH_BEZIER) {
        for (uint32_t i = 0; i < n && !line->failed; i += 3) {
            const CanvasPoint *last = &line->points[line->n - 1];
            const CanvasPoint curve[] = {{last->x * 16, last->y * 16},
                                         widen(&points[i]),
                                         widen(&points[i + 1]),
                                         widen(&points[i + 2])};

            flatten(job, curve, MAX_DEPTH);
        }
    } else {
        for (uint32_t i = 0; i < n; i++) {
            CanvasPoint point = widen(&points[i]);

            append(line, rounded(&point));
        }
    }
    if (segment->flags & SPICE_PATH_END) {
        if (segment->flags & SPICE_PATH_CLOSE && line->n > 0)
            append(line, line->points[0]);
        draw_polyline(job);
    }
}

/* What the path can reach, miters included. */
static CanvasBox path_box(const WirePath *path)
{
    CanvasBox box = {INT32_MAX, INT32_MAX, INT32_MIN, INT32_MIN};

    for (uint32_t i = 0; i < path->n_segments; i++) {
        const WirePathSegment *segment = &path->segments[i];

        for (uint32_t j = 0; j < segment->n_points; j++) {
            int64_t x = segment->points[j].x, y = segment->points[j].y;

            box.x1 = x < box.x1 ? x : box.x1;
            box.y1 = y < box.y1 ? y : box.y1;
            box.x2 = x > box.x2 ? x : box.x2;
            box.y2 = y > box.y2 ? y : box.y2;
        }
    }
    return (CanvasBox){(box.x1 >> 4) - 8, (box.y1 >> 4) - 8, (box.x2 >> 4) + 9, (box.y2 >> 4) + 9};
}

/* The operations that give another result when a pixel is painted twice (13.5). */
static bool needs_care(CanvasRop rop)
{
    return rop == CANVAS_ROP_AND_REV || rop == CANVAS_ROP_XOR ||
           (rop >= CANVAS_ROP_NOR && rop <= CANVAS_ROP_OR_REV) || rop == CANVAS_ROP_NAND;
}

static CanvasResult prepare_brush(CanvasDraw *draw, const WireBrush *brush, Painter *painter)
{
    CanvasResult result;

    if (brush->type != SPICE_BRUSH_TYPE_PATTERN) {
        uint32_t color = brush->type == SPICE_BRUSH_TYPE_SOLID ? brush->u.color : 0;

        /* Of a colour for 1-bit surfaces only bit 0 counts. */
        if (canvas_target(draw)->format == PIXMAN_a1)
            color = -(color & 1);
        painter->keep = (painter->terms.keep_s & color) ^ painter->terms.keep_0;
        painter->flip = (painter->terms.flip_s & color) ^ painter->terms.flip_0;
        return CANVAS_OK;
    }
    result = canvas_operand_resolve(draw, &draw->brush);
    if (result != CANVAS_OK)
        return result;
    if (!canvas_same_depth(draw, &draw->brush.pixels))
        return CANVAS_BAD_MESSAGE;
    painter->tile = &draw->brush.pixels;
    painter->tile_left = brush->u.pattern.pos.x;
    painter->tile_top = brush->u.pattern.pos.y;
    return CANVAS_OK;
}

CanvasResult canvas_draw_stroke(CanvasDraw *draw, const WireMsgDisplayDrawStroke *message)
{
    CanvasRop rop =
        canvas_rop_reduce(message->fore_mode, SPICE_ROPD_INVERS_BRUSH, SPICE_ROPD_INVERS_DEST);
    StrokeJob job = {.dashed = message->attr.flags & SPICE_LINE_FLAGS_STYLED,
                     .curve_points = MAX_CURVE_POINTS};
    CanvasResult result;
    CanvasBox reach;

    if (!message->path)
        return CANVAS_BAD_MESSAGE;
    if (job.dashed && !canvas_dashes_init(&job.dashes, message->attr.style, message->attr.n_style,
                                          message->attr.flags & SPICE_LINE_FLAGS_START_WITH_GAP))
        return CANVAS_BAD_MESSAGE;
    reach = path_box(message->path);
    canvas_area_restrict(&draw->area, &reach);
    if (canvas_area_is_empty(&draw->area))
        return CANVAS_OK;
    job.painter =
        (Painter){.draw = draw, .target = canvas_target(draw), .terms = canvas_rop_terms(rop)};
    result = prepare_brush(draw, &message->brush, &job.painter);
    if (result == CANVAS_OK)
        result = canvas_area_flatten(&draw->area);
    if (result != CANVAS_OK)
        return result;
    job.pen = (CanvasPen){draw->area.extents, paint_span, paint_line, &job.painter};
    job.careful_rop = needs_care(rop);
    if (job.dashed && job.careful_rop) {
        job.painter.collected_stride =
            ((size_t)(draw->area.extents.x2 - draw->area.extents.x1) + 7) / 8;
        job.painter.collected =
            calloc(draw->area.extents.y2 - draw->area.extents.y1, job.painter.collected_stride);
        if (!job.painter.collected)
            return CANVAS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < message->path->n_segments && !job.line.failed; i++)
        add_segment(&job, &message->path->segments[i]);
    draw_polyline(&job);
    result = job.line.failed ? CANVAS_NO_MEMORY : CANVAS_OK;
    free(job.line.points);
    free(job.painter.collected);
    return result;
}
