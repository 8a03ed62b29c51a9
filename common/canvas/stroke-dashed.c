/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dashed lines: small polygons of width 1 and the joins between them (section 13.5 of
 * docs/spec/canvas.md). The order of the operations on doubles is part of the agreement between
 * client and server. */
#include <math.h>
#include <string.h>

#include "canvas/stroke.h"

/* Steps of the dash pattern that are replayed one by one on the way to the visible part of a
 * segment. Beyond them (64k dashes off the surface) the corner is computed in one go, to bound the
 * time. */
#define MAX_REPLAYED_STEPS 65536

bool canvas_dashes_init(CanvasDashes *dashes, const int32_t *style, uint32_t n, bool start_with_gap)
{
    memset(dashes, 0, sizeof *dashes);
    if (n == 0 || n > 255 || !style)
        return false;
    dashes->n = n;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t from = start_with_gap ? (i + 1) % n : i;

        dashes->lengths[i] = ((int64_t)style[from] + 7) >> 4;
        dashes->period += dashes->lengths[i];
    }
    if (dashes->period == 0)
        return false;
    dashes->start = start_with_gap && n > 1 ? 1 : 0;
    while (dashes->lengths[dashes->start] == 0)
        dashes->start = (dashes->start + 1) % n;
    return true;
}

/* ---- polygons ---- */

typedef struct Corner {
    double x, y;
} Corner;

typedef struct Edge {
    int64_t vx, vy;
    double k;
} Edge;

static int64_t ceil_div(int64_t a, int64_t b)
{
    int64_t q = a / b;

    return a % b != 0 && (a % b > 0) == (b > 0) ? q + 1 : q;
}

#define MAX_EDGES 4

/* An edge made ready: in force on rows from .. to - 1, relative to the reference point. */
typedef struct ActiveEdge {
    int64_t from, to, vx, vy, k;
    bool right;
} ActiveEdge;

/* Paint the polygon with these corners in turn; edge i leads from corner i to corner i + 1. */
static void fill_polygon(const CanvasPen *pen, const Corner *corners, const Edge *edges, int n,
                         CanvasPoint reference)
{
    ActiveEdge active[MAX_EDGES];
    double area = 0;
    int n_active = 0;
    int64_t first = INT64_MAX, last = INT64_MIN;

    for (int i = 0; i < n; i++) {
        const Corner *a = &corners[i], *b = &corners[(i + 1) % n];

        area += a->x * b->y - b->x * a->y;
    }
    for (int i = 0; i < n; i++) {
        const Corner *a = &corners[i], *b = &corners[(i + 1) % n];
        ActiveEdge *edge = &active[n_active];
        bool downwards = a->y <= b->y;

        if (edges[i].vy == 0)
            continue;
        edge->from = (int64_t)ceil(downwards ? a->y : b->y);
        edge->to = (int64_t)ceil(downwards ? b->y : a->y);
        if (edge->from >= edge->to)
            continue;
        edge->vx = edges[i].vy < 0 ? -edges[i].vx : edges[i].vx;
        edge->vy = edges[i].vy < 0 ? -edges[i].vy : edges[i].vy;
        edge->k = (int64_t)ceil(edges[i].vy < 0 ? -edges[i].k : edges[i].k);
        /* Rows grow downwards: in the turn that gives a positive area, downward edges are on the
         * right. */
        edge->right = downwards == (area > 0);
        first = edge->from < first ? edge->from : first;
        last = edge->to > last ? edge->to : last;
        n_active++;
    }
    first = first > pen->bounds.y1 - reference.y ? first : pen->bounds.y1 - reference.y;
    last = last < pen->bounds.y2 - reference.y ? last : pen->bounds.y2 - reference.y;
    for (int64_t y = first; y < last; y++) {
        int64_t left = 0, right = 0;
        bool have_left = false, have_right = false;

        for (int i = 0; i < n_active; i++) {
            if (y < active[i].from || y >= active[i].to)
                continue;
            int64_t x = ceil_div(active[i].k + y * active[i].vx, active[i].vy);

            if (active[i].right) {
                right = x;
                have_right = true;
            } else {
                left = x;
                have_left = true;
            }
        }
        if (!have_left || !have_right)
            continue;
        left += reference.x;
        right += reference.x;
        left = left > pen->bounds.x1 ? left : pen->bounds.x1;
        right = right < pen->bounds.x2 ? right : pen->bounds.x2;
        if (left < right)
            pen->span(pen->ctx, left, y + reference.y, right - left);
    }
}

/* ---- segments ---- */

typedef struct DashState {
    const CanvasDashes *dashes;
    unsigned int index;
    int64_t left; /* of entry index */
} DashState;

static bool is_on(const DashState *state)
{
    return state->index % 2 == 0;
}

/* On at the end of a segment: in the middle of a dash, or exactly between two entries of which the
 * one before is one. */
static bool is_on_at_end(const DashState *state)
{
    bool consumed = state->dashes->lengths[state->index] - state->left != 0;

    return !is_on(state) != consumed;
}

static void next_entry(DashState *state)
{
    state->index = state->index + 1 == state->dashes->n ? 0 : state->index + 1;
    state->left = state->dashes->lengths[state->index];
}

typedef struct Segment {
    CanvasPoint from, to;
    int64_t dx, dy;
    double ex, ey, k; /* half width across, and 0.5 * length */
    double length;
} Segment;

static void segment_init(Segment *segment, CanvasPoint from, CanvasPoint to)
{
    double r;

    segment->from = from;
    segment->to = to;
    segment->dx = to.x - from.x;
    segment->dy = to.y - from.y;
    if (segment->dy == 0) {
        segment->length = fabs((double)segment->dx);
        segment->ex = segment->dx < 0 ? -0.5 : 0.5;
        segment->ey = 0;
    } else if (segment->dx == 0) {
        segment->length = fabs((double)segment->dy);
        segment->ex = 0;
        segment->ey = segment->dy < 0 ? -0.5 : 0.5;
    } else {
        segment->length = hypot((double)segment->dx, (double)segment->dy);
        r = 0.5 / segment->length;
        segment->ex = r * segment->dx;
        segment->ey = r * segment->dy;
    }
    segment->k = 0.5 * segment->length;
}

/* The part of the segment, as distances from its start, outside of which nothing can touch the
 * bounds. False: all of it. */
static bool visible_part(const CanvasPen *pen, const Segment *segment, double *from, double *to)
{
    const pixman_box32_t *bounds = &pen->bounds;
    double low = 0, high = 1;
    const double margin = 4;
    const double start[2] = {segment->from.x, segment->from.y},
                 delta[2] = {segment->dx, segment->dy};
    const double least[2] = {bounds->x1 - margin, bounds->y1 - margin},
                 most[2] = {bounds->x2 + margin, bounds->y2 + margin};

    for (int axis = 0; axis < 2; axis++) {
        if (delta[axis] == 0) {
            if (start[axis] < least[axis] || start[axis] > most[axis])
                return false;
            continue;
        }
        double a = (least[axis] - start[axis]) / delta[axis],
               b = (most[axis] - start[axis]) / delta[axis];
        double near = a < b ? a : b, far = a < b ? b : a;

        low = low > near ? low : near;
        high = high < far ? high : far;
    }
    if (low > high)
        return false;
    *from = low * segment->length - margin;
    *to = high * segment->length + margin;
    return true;
}

/* Take whole periods out of a walk of at least `distance`: remaining is a multiple of its own last
 * bit, so is the difference, and this is exact. The first entry is left complete before and after.
 * Returns the periods. */
static int64_t skip_periods(const DashState *state, double distance)
{
    double periods = floor(distance / state->dashes->period);

    return periods > 0 ? (int64_t)periods : 0;
}

static void draw_segment(const CanvasPen *pen, const Segment *segment, DashState *state)
{
    const int64_t dx = segment->dx, dy = segment->dy;
    const double ex = segment->ex, ey = segment->ey;
    Corner a = {ey, -ex}, z = {-ey, ex}, a_end = a, z_end = z;
    double k_start = 0, k_end = 0, remaining = segment->length, from = 0, to = 0, walked = 0;
    bool visible = visible_part(pen, segment, &from, &to);
    int64_t steps = 0;

    while (remaining > state->left) {
        if (!visible || walked > to) {
            /* Nothing more to see: only the state counts. */
            int64_t periods = skip_periods(state, remaining - state->left - state->dashes->period);

            visible = false;
            if (periods > 0) {
                remaining -= (double)(periods * state->dashes->period);
                continue;
            }
        } else if (steps == MAX_REPLAYED_STEPS && walked < from) {
            int64_t periods = skip_periods(state, from - walked - state->dashes->period);
            double way = (double)(periods * state->dashes->period);

            if (periods > 0 && remaining - way > state->left) {
                double sx = way * (dx / segment->length), sy = way * (dy / segment->length);

                a_end.x += sx;
                a_end.y += sy;
                z_end.x += sx;
                z_end.y += sy;
                a = a_end;
                z = z_end;
                k_start = -(a_end.x * dx + a_end.y * dy);
                walked += way;
                remaining -= way;
                steps = 0;
                continue;
            }
        }
        if (visible) {
            double sx = (state->left * dx) / segment->length,
                   sy = (state->left * dy) / segment->length;

            a_end.x += sx;
            a_end.y += sy;
            z_end.x += sx;
            z_end.y += sy;
            k_end = a_end.x * dx + a_end.y * dy;
            if (is_on(state) && walked + state->left >= from) {
                const Corner corners[] = {a, a_end, z_end, z};
                const Edge edges[] = {{dx, dy, segment->k},
                                      {-dy, dx, k_end},
                                      {-dx, -dy, segment->k},
                                      {dy, -dx, k_start}};

                fill_polygon(pen, corners, edges, 4, segment->from);
            }
            a = a_end;
            z = z_end;
            k_start = -k_end;
        }
        walked += state->left;
        remaining -= state->left;
        steps++;
        next_entry(state);
    }
    if (is_on(state) && visible) {
        a.x -= dx;
        a.y -= dy;
        z.x -= dx;
        z.y -= dy;
        k_start += (double)(dx * dx + dy * dy);

        const Corner corners[] = {a, {ey, -ex}, {-ey, ex}, z};
        const Edge edges[] = {
            {dx, dy, segment->k}, {-dy, dx, 0}, {-dx, -dy, segment->k}, {dy, -dx, k_start}};

        fill_polygon(pen, corners, edges, 4, segment->to);
    }
    state->left = (int64_t)(state->left - remaining);
    if (state->left == 0)
        next_entry(state);
}

/* ---- joins ---- */

static void draw_join(const CanvasPen *pen, const Segment *starting, const Segment *ending,
                      bool careful)
{
    double px = starting->dx, py = starting->dy, qx = -(double)ending->dx, qy = -(double)ending->dy;
    /* The integer directions; 2^28 at most, so that all of this is exact. */
    int64_t ipx = starting->dx, ipy = starting->dy, iqx = -ending->dx, iqy = -ending->dy;
    Corner ap = {starting->ey, -starting->ex}, aq = {-ending->ey, ending->ex};
    int64_t den = -ipx * iqy + iqx * ipy, sw;
    double kp = starting->k, kq = ending->k, mx, my;

    if (!careful && (ipx > 0 || (ipx == 0 && ipy > 0) || iqx > 0 || (iqx == 0 && iqy > 0)))
        return;
    if (den == 0)
        return;
    sw = den > 0 ? 1 : -1;
    if (den > 0) {
        ap = (Corner){-ap.x, -ap.y};
        px = -px;
        py = -py;
        ipx = -ipx;
        ipy = -ipy;
    } else {
        aq = (Corner){-aq.x, -aq.y};
        qx = -qx;
        qy = -qy;
        iqx = -iqx;
        iqy = -iqy;
    }
    my = (py * (aq.x * qy - aq.y * qx) - qy * (ap.x * py - ap.y * px)) / (double)den;
    mx = ipy != 0 ? ap.x + (my - ap.y) * px / py : aq.x + (my - aq.y) * qx / qy;

    const Corner zero = {0, 0};

    if (4 * (mx * mx + my * my) > 108.856472512142) {
        double wx = ap.x - aq.x, wy = ap.y - aq.y,
               scale = fabs(wx) > fabs(wy) ? fabs(wx) : fabs(wy);
        int64_t bx = (int64_t)(wx * 65536 / scale), by = (int64_t)(wy * 65536 / scale);
        double k = ((ap.x + aq.x) * by - (ap.y + aq.y) * bx) / 2.0;
        const Corner corners[] = {aq, zero, ap};
        const Edge edges[] = {{-iqy, iqx, 0}, {ipy, -ipx, 0}, {bx, by, k}};

        fill_polygon(pen, corners, edges, 3, starting->from);
    } else {
        const Corner corners[] = {aq, zero, ap, {mx, my}};
        const Edge edges[] = {{-iqy, iqx, 0},
                              {ipy, -ipx, 0},
                              {sw * ipx, sw * ipy, sw * kp},
                              {sw * iqx, sw * iqy, sw * kq}};

        fill_polygon(pen, corners, edges, 4, starting->from);
    }
}

void canvas_stroke_dashed(const CanvasPen *pen, const CanvasDashes *dashes,
                          const CanvasPoint *points, size_t n, bool careful)
{
    DashState state = {dashes, dashes->start, dashes->lengths[dashes->start]};
    Segment first = {0}, last = {0}, segment;
    bool first_on = false, last_on = false;
    size_t drawn = 0;

    for (size_t i = 1; i < n; i++) {
        bool start_on = is_on(&state);

        if (points[i - 1].x == points[i].x && points[i - 1].y == points[i].y)
            continue;
        segment_init(&segment, points[i - 1], points[i]);
        draw_segment(pen, &segment, &state);
        if (drawn > 0 && start_on && last_on)
            draw_join(pen, &segment, &last, careful);
        if (drawn == 0) {
            first = segment;
            first_on = start_on;
        }
        last = segment;
        last_on = is_on_at_end(&state);
        drawn++;
    }
    if (drawn > 0 && points[0].x == points[n - 1].x && points[0].y == points[n - 1].y && last_on &&
        first_on)
        draw_join(pen, &first, &last, careful);
}
