/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Solid lines: section 13.4 of docs/spec/canvas.md, exact for every coordinate. */
#include "canvas/stroke.h"

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;

    return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

/* A line along its longer axis: pixel i is at major = start + i * sign, minor = other + minor_sign
 * * ((2 * i * slope + length - tie) / (2 * length)). */
typedef struct Run {
    int64_t length, slope, tie;
} Run;

static int64_t minor_steps(const Run *run, int64_t i)
{
    return (2 * i * run->slope + run->length - run->tie) / (2 * run->length);
}

/* The first i whose minor_steps reach m, which is at least 1. slope isn't 0. */
static int64_t first_with(const Run *run, int64_t m)
{
    int64_t needed = 2 * m * run->length - run->length + run->tie;

    return -floor_div(-needed, 2 * run->slope);
}

/* Limit [*from, *to) to the i for which start + sign * i is in [low, high). */
static void limit(int64_t start, int64_t sign, int64_t low, int64_t high, int64_t *from,
                  int64_t *to)
{
    int64_t first = sign > 0 ? low - start : start - (high - 1),
            end = sign > 0 ? high - start : start - low + 1;

    *from = first > *from ? first : *from;
    *to = end < *to ? end : *to;
}

static void draw_line(const CanvasPen *pen, CanvasPoint a, CanvasPoint b)
{
    int64_t dx = b.x - a.x, dy = b.y - a.y;
    int64_t width = dx < 0 ? -dx : dx, height = dy < 0 ? -dy : dy;
    int64_t step_x = dx < 0 ? -1 : 1, step_y = dy < 0 ? -1 : 1;
    bool x_major = width > height;
    Run run = {x_major ? width : height, x_major ? height : width, (x_major ? dx : dy) < 0};
    int64_t from = 0, to = run.length, low = 0, high = run.length;

    if (run.length == 0)
        return;
    limit(x_major ? a.x : a.y, x_major ? step_x : step_y, x_major ? pen->bounds.x1 : pen->bounds.y1,
          x_major ? pen->bounds.x2 : pen->bounds.y2, &from, &to);
    /* The steps across that stay inside, as a range of steps first. */
    high = run.slope + 1;
    limit(x_major ? a.y : a.x, x_major ? step_y : step_x, x_major ? pen->bounds.y1 : pen->bounds.x1,
          x_major ? pen->bounds.y2 : pen->bounds.x2, &low, &high);
    if (from >= to || low >= high)
        return;
    if (run.slope > 0) {
        int64_t first = low > 0 ? first_with(&run, low) : 0, end = first_with(&run, high);

        from = first > from ? first : from;
        to = end < to ? end : to;
    }
    if (from >= to)
        return;

    int64_t steps = minor_steps(&run, from);
    int64_t error = 2 * from * run.slope + run.length - run.tie - steps * 2 * run.length;

    pen->line(pen->ctx, x_major ? a.x + from * step_x : a.x + steps * step_x,
              x_major ? a.y + steps * step_y : a.y + from * step_y, step_x, step_y, x_major, error,
              2 * run.slope, 2 * run.length, to - from);
}

void canvas_stroke_solid(const CanvasPen *pen, const CanvasPoint *points, size_t n)
{
    for (size_t i = 1; i < n; i++)
        draw_line(pen, points[i - 1], points[i]);
}
