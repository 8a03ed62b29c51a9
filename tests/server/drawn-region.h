/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a drawing paints, as tests say it. */
#ifndef TESTS_SERVER_DRAWN_REGION_H
#define TESTS_SERVER_DRAWN_REGION_H

#include "display/drawable.h"

/* Sets the drawing's region from its message: the box and the clip, inside a surface of that
 * size. Rectangles that are empty or turned round count as nothing. */
void drawn_region(Drawable *drawable, uint32_t width, uint32_t height);

#endif
