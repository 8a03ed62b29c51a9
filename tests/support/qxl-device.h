/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A QXL device without a guest: each function puts a command into a ring, which the server takes.
 * Surface 0 is the screen, others are made by device_new_surface(). One device in a process. */
#ifndef TESTS_SUPPORT_QXL_DEVICE_H
#define TESTS_SUPPORT_QXL_DEVICE_H

#include <glib.h>
#include <spice.h>

enum { CELL_WIDTH = 8, CELL_HEIGHT = 16 }; /* of a character */

void device_add(SpiceServer *server, int width, int height);
void device_new_surface(int surface, int w, int h);
void device_fill(int surface, int x, int y, int w, int h, uint32_t colour);
void device_image(int surface, int x, int y, int w, int h, const uint32_t *pixels);
void device_text(int surface, int x, int y, uint32_t colour, const char *text);
/* From another surface, and from another place of the same surface. */
void device_copy(int surface, int x, int y, int w, int h, int from, int from_x, int from_y);
void device_move(int surface, int x, int y, int w, int h, int from_x, int from_y);
void device_cursor(int x, int y, int size, const uint32_t *pixels); /* ARGB */
void device_move_cursor(int x, int y);

/* Tell the server that there are commands, if there are; returns how many drawings it has yet to
 * take. */
int device_wake(void);
int device_drawn(void); /* drawings that were put into the ring so far */

#endif
