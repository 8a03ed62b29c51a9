/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The types of the tables that vectors.py writes. */
#ifndef TESTS_GTK_VECTORS_H
#define TESTS_GTK_VECTORS_H

#include <glib.h>
#include "keycodes.h"
#include "layout.h"

typedef struct {
    guint n;
    guint8 bytes[16];
} Bytes;

typedef struct {
    KeycodeTable table;
    guint key, code;
} TableVector;

typedef struct {
    guint x_keycode, code;
    Bytes press, release;
} KeyVector;

typedef struct {
    const char *keys; /* keysym names, joined by spaces */
    Bytes bytes;
} SendVector;

typedef struct {
    double widget_x, widget_y;
    int guest_x, guest_y; /* -1: nothing was sent */
} PointVector;

typedef struct {
    int guest_width, guest_height, width, height, factor, scaling, only_downscale;
    LayoutRect image;
    guint n_points;
    const PointVector *points;
} MappingVector;

#endif
