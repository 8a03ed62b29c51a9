/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random surfaces and draw messages for the tests of the canvas room. Everything follows from the
 * seed. */
#ifndef TESTS_CANVAS_SCENE_H
#define TESTS_CANVAS_SCENE_H

#include "canvas-session.h"
#include "canvas/message.h"

#define SCENE_WIDTH 44
#define SCENE_HEIGHT 31
/* Surfaces 0 to 5 are targets, one of each format; 6 to 11 are sources, in the same order. */
#define SCENE_TARGETS 6
extern const uint32_t scene_formats[SCENE_TARGETS];

typedef struct Scene {
    Session session;
    uint64_t seed;
    WireArena arena; /* of the messages made */
    bool hostile;    /* coordinates from the whole range of 32 bits, broken images and references */
    bool no_self;    /* never a surface as its own source */
} Scene;

typedef CanvasMessage SceneMessage;

/* Surfaces of width x height with random pixels, the same for the same seed. */
void scene_init(Scene *scene, uint64_t seed, uint32_t width, uint32_t height);
void scene_clear(Scene *scene);

/* The next random number below n. */
uint32_t scene_random(Scene *scene, uint32_t n);

#define SCENE_TYPES 14
extern const uint16_t scene_types[SCENE_TYPES];
/* A random message of a type for a target; lives until the next scene_forget(). */
void scene_make(Scene *scene, uint16_t type, uint32_t target, SceneMessage *message);
void scene_forget(Scene *scene);
/* The same drawing at another place: box, clip, patterns, strings and paths moved by (dx, dy). */
void scene_move(Scene *scene, uint16_t type, SceneMessage *message, int32_t dx, int32_t dy);

/* A random bitmap in a format; width, height at least 1. */
WireImage *scene_bitmap(Scene *scene, uint8_t format, uint32_t width, uint32_t height);

/* Row y of a surface. */
uint8_t *scene_row(const CanvasSurface *surface, int32_t y);
/* Is the pixel at (x, y) of one surface that at (x2, y2) of the other, in all bits? */
bool scene_same_pixel(const CanvasSurface *a, int32_t x, int32_t y, const CanvasSurface *b,
                      int32_t x2, int32_t y2);
uint32_t scene_pixel(const CanvasSurface *surface, int32_t x, int32_t y);
void scene_copy_pixels(const CanvasSurface *from, CanvasSurface *to);

#endif
