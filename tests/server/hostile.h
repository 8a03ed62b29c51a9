/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest that means harm: commands that are good but for one thing, and what is expected after
 * each of them: the process lives, the command is back, the next good one works. */
#ifndef TESTS_SERVER_HOSTILE_H
#define TESTS_SERVER_HOSTILE_H

#include "server/guest.h"

extern Guest *guest;

/* Surfaces that are there: 0 (primary, 128x128 xRGB), 1 (64x64 ARGB), 2 (64x64 555), 3 (64x64 A8).
 */
void hostile_begin(void);
/* Checks that everything came back; returns what main() returns. */
int hostile_end(void);
/* Cases and checks: counted in one place (hostile.c, by tap.h). */
void hostile_case(const char *name);
bool hostile_check(bool ok, const char *what, const char *file, int line);
#ifndef TESTS_TAP_H
#define CHECK(condition) hostile_check((condition), #condition, __FILE__, __LINE__)
#endif
/* What the views were told meanwhile; g_free(). */
char *hostile_sent_and_done(void (*send)(void));
/* A case: it has no effect, and was given back. */
void hostile_rejected(const char *name, void (*send)(void));
/* A case of n drawings: each of them is carried out, whatever comes of it. */
void hostile_drawn(const char *name, void (*send)(void), unsigned n);

extern uint32_t hostile_pixels[64 * 64];
QXLRect hostile_box(void); /* 32x32 */
QXLImage *hostile_image32(void);
QXLImage *hostile_surface_image(uint32_t id);
QXLImage *hostile_mask_image(void);
uint64_t hostile_at(const void *memory);
/* The last bytes of the memory: too few for anything. */
uint64_t hostile_last_bytes(size_t n);
QXLDrawable *hostile_opaque(const QXLImage *image);
QXLDrawable *hostile_fill(void);
void hostile_draw_copy(const QXLImage *image);
/* A good drawing of that type. */
QXLDrawable *hostile_good(int type);

/* Every address that can be wrong: beyond the slot, in no slot, in no group, of another generation.
 */
enum { HOSTILE_ADDRESSES = 9 };
extern const uint64_t hostile_addresses[HOSTILE_ADDRESSES];
#define FOR_BAD_ADDRESSES(place)                                                    \
    for (size_t i_ = 0; i_ < HOSTILE_ADDRESSES + 3; i_++)                           \
        if (((place) = i_ < HOSTILE_ADDRESSES                                       \
                           ? hostile_addresses[i_]                                  \
                           : hostile_last_bytes(1 + 2 * (i_ - HOSTILE_ADDRESSES))), \
            true)

#endif
