/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A display channel without a network, for tests: surfaces, caches and the GLZ window around
 * canvas_draw(). One thread. */
#ifndef TESTS_CANVAS_SESSION_H
#define TESTS_CANVAS_SESSION_H

#include "canvas/canvas.h"
#include "codec/glz.h"
#include "wire/wire.h"

#define SESSION_MAX_SURFACES 16
#define SESSION_MAX_ENTRIES 256

typedef struct Session {
    CanvasSurface *surfaces[SESSION_MAX_SURFACES];
    uint32_t ids[SESSION_MAX_SURFACES];
    struct {
        uint64_t id;
        CanvasImage *image;
    } images[SESSION_MAX_ENTRIES];
    struct {
        uint64_t id;
        uint32_t *entries, n;
    } palettes[SESSION_MAX_ENTRIES];
    GlzWindow *glz;
    WireArena arena;
    CanvasEnv env;
    size_t max_surface_bytes;
    uint64_t max_pixels;
    pixman_region32_t damage; /* of the last command */
} Session;

void session_init(Session *session);
void session_clear(Session *session);
CanvasSurface *session_surface(Session *session, uint32_t id); /* NULL: none */
CanvasResult session_create(Session *session, uint32_t id, uint32_t format, uint32_t width,
                            uint32_t height);
/* A draw message that is parsed already. */
CanvasResult session_draw(Session *session, uint16_t type, const void *message);
/* A message body: draw commands, SURFACE_CREATE, SURFACE_DESTROY, MODE, RESET, INVAL_LIST,
 * INVAL_PALETTE. False: it can't be parsed, or isn't one of these. *result tells how it went. */
bool session_apply(Session *session, uint16_t type, const uint8_t *body, size_t size,
                   CanvasResult *result);

#endif
