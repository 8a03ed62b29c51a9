/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The transform between guest, device and logical pixels, against pointer-mapping.json and by
 * properties. */
#include <glib.h>
#include <math.h>

#include "vectors.h"
#pragma GCC diagnostic ignored "-Wunused-const-variable"
#include "vector-tables.h"

static void compute(Layout *layout, const MappingVector *v)
{
    layout_compute(layout, v->guest_width, v->guest_height, v->width, v->height, v->factor,
                   v->scaling, v->only_downscale);
}

/* Positions that the deployed widget sent. Its y axis uses the factor of the x axis, so that the
 * last rows may be out of reach (docs/spec/client-gtk.md 3.3); ours uses its own, which may give
 * the next row. */
static void test_pointer_vectors(void)
{
    guint n = 0, next_rows = 0;

    for (guint i = 0; i < G_N_ELEMENTS(mapping_vectors); i++) {
        const MappingVector *v = &mapping_vectors[i];
        Layout layout;

        compute(&layout, v);
        g_assert_cmpint(layout.image.x, ==, v->image.x);
        g_assert_cmpint(layout.image.y, ==, v->image.y);
        g_assert_cmpint(layout.image.width, ==, v->image.width);
        g_assert_cmpint(layout.image.height, ==, v->image.height);
        for (guint p = 0; p < v->n_points; p++, n++) {
            const PointVector *point = &v->points[p];
            int x, y;
            gboolean inside = layout_to_guest(&layout, point->widget_x, point->widget_y, &x, &y);

            g_assert_cmpint(inside, ==, point->guest_x >= 0);
            if (!inside)
                continue;
            g_assert_cmpint(x, ==, point->guest_x);
            if (y == point->guest_y + 1)
                next_rows++;
            else
                g_assert_cmpint(y, ==, point->guest_y);
        }
    }
    g_test_message("%u positions, %u of them a row further", n, next_rows);
    g_assert_cmpuint(n, ==, 555);
    g_assert_cmpuint(next_rows, <, n / 20);
}

/* The corners of the picture are the corners of the guest's screen, at every size. */
static void test_corners(void)
{
    for (int width = 40; width < 1300; width += 77) {
        for (int height = 40; height < 1000; height += 61) {
            for (int factor = 1; factor <= 3; factor++) {
                Layout layout;
                int x, y;
                double left, top, right, bottom;

                layout_compute(&layout, 1024, 768, width, height, factor, TRUE, FALSE);
                left = (double)layout.origin_x / factor;
                top = (double)layout.origin_y / factor;
                right = left + (double)(layout.image.width - 1) / factor;
                bottom = top + (double)(layout.image.height - 1) / factor;
                g_assert_true(layout_to_guest(&layout, left, top, &x, &y));
                g_assert_cmpint(x, ==, 0);
                g_assert_cmpint(y, ==, 0);
                g_assert_true(layout_to_guest(&layout, right, bottom, &x, &y));
                g_assert_cmpint(x, ==, 1023);
                g_assert_cmpint(y, ==, 767);
                g_assert_false(layout_to_guest(&layout, left - 1, top, &x, &y));
                layout_clamp(&layout, &x, &y);
                g_assert_cmpint(x, ==, 0);
            }
        }
    }
}

/* A guest pixel's place in the widget leads back to it. */
static void test_round_trip(void)
{
    Layout layout;

    layout_compute(&layout, 640, 480, 1700, 1275, 1, TRUE, FALSE);
    for (int gx = 0; gx < 640; gx++) {
        double wx, wy;
        int x, y;

        layout_from_guest(&layout, gx + 0.5, 240.5, &wx, &wy);
        g_assert_true(layout_to_guest(&layout, wx, wy, &x, &y));
        g_assert_cmpint(ABS(x - gx), <=, 1);
        g_assert_cmpint(ABS(y - 240), <=, 1);
    }
}

static void test_degenerate(void)
{
    Layout layout;
    LayoutRect damage;
    int x, y;

    layout_compute(&layout, 0, 0, 100, 100, 1, TRUE, FALSE);
    g_assert_false(layout_to_guest(&layout, 5, 5, &x, &y));
    damage = layout_damage(&layout, (LayoutRect){0, 0, 10, 10});
    g_assert_cmpint(damage.width, ==, 0);

    layout_compute(&layout, 1, 1, 100, 50, 1, TRUE, FALSE);
    g_assert_true(layout_to_guest(&layout, 30, 20, &x, &y));
    g_assert_cmpint(x, ==, 0);
    g_assert_cmpint(y, ==, 0);

    layout_compute(&layout, 30000, 1, 100, 50, 1, TRUE, FALSE);
    g_assert_cmpint(layout.image.height, ==, 1);
    g_assert_false(layout_to_guest(&layout, 1e300, -1e300, &x, &y));
    g_assert_false(layout_to_guest(&layout, (double)NAN, 0, &x, &y));

    damage = layout_intersect((LayoutRect){G_MAXINT - 1, 0, G_MAXINT, 10},
                              (LayoutRect){0, 0, G_MAXINT, G_MAXINT});
    g_assert_cmpint(damage.width, ==, 1);
    damage = layout_intersect((LayoutRect){G_MININT, G_MININT, G_MAXINT, G_MAXINT},
                              (LayoutRect){0, 0, 10, 10});
    g_assert_cmpint(damage.width, ==, 0);
}

/* docs/spec/client-gtk.md 2.3, and what a hostile guest may write into its list. */
static void test_areas(void)
{
    const LayoutMonitor one = {0, 0, 200, 100, 640, 480};
    const LayoutMonitor two[] = {{0, 0, 0, 0, 800, 600}, {1, 0, 800, 0, 640, 480}};
    const LayoutMonitor elsewhere = {0, 7, 0, 0, 10, 10};
    const LayoutMonitor huge[] = {{0, 0, 0, 0, 0, 0}, {1, 0, G_MAXUINT, 0x80000000u, G_MAXUINT, 5}};
    LayoutRect area;

    g_assert_cmpint(layout_select_area(&one, 1, -1, 1024, 768, FALSE, &area), ==,
                    LAYOUT_AREA_FOUND);
    g_assert_cmpint(area.width, ==, 1024);

    g_assert_cmpint(layout_select_area(&one, 1, 0, 1024, 768, FALSE, &area), ==, LAYOUT_AREA_FOUND);
    g_assert_cmpint(area.x, ==, 0);
    g_assert_cmpint(area.width, ==, 640);
    g_assert_cmpint(layout_select_area(&one, 1, 0, 1024, 768, TRUE, &area), ==, LAYOUT_AREA_FOUND);
    g_assert_cmpint(area.x, ==, 200);

    g_assert_cmpint(layout_select_area(two, 2, 1, 1200, 600, FALSE, &area), ==, LAYOUT_AREA_FOUND);
    g_assert_cmpint(area.x, ==, 800);
    g_assert_cmpint(area.width, ==, 400);
    g_assert_cmpint(area.height, ==, 480);
    g_assert_cmpint(layout_select_area(two, 2, 1, 800, 600, FALSE, &area), ==, LAYOUT_AREA_EMPTY);
    g_assert_cmpint(layout_select_area(two, 2, 5, 800, 600, FALSE, &area), ==, LAYOUT_AREA_MISSING);
    g_assert_cmpint(area.width, ==, 800);
    g_assert_cmpint(layout_select_area(NULL, 0, 0, 0, 0, FALSE, &area), ==, LAYOUT_AREA_MISSING);

    g_assert_cmpint(layout_select_area(&elsewhere, 1, 0, 800, 600, FALSE, &area), ==,
                    LAYOUT_AREA_FOUND);
    g_assert_cmpint(area.width, ==, 800);

    g_assert_cmpint(layout_select_area(huge, 2, 0, 800, 600, FALSE, &area), ==, LAYOUT_AREA_EMPTY);
    g_assert_cmpint(layout_select_area(huge, 2, 1, 800, 600, FALSE, &area), ==, LAYOUT_AREA_EMPTY);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/layout/pointer-vectors", test_pointer_vectors);
    g_test_add_func("/layout/corners", test_corners);
    g_test_add_func("/layout/round-trip", test_round_trip);
    g_test_add_func("/layout/degenerate", test_degenerate);
    g_test_add_func("/layout/areas", test_areas);
    return g_test_run();
}
