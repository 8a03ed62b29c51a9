/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A synthetic guest: a QXL device and its driver in one. It has memory between two pages that can't
 * be touched, builds commands in it, hands them out by its rings, and keeps account of what comes
 * back. The builders are for the test's thread, the callbacks come from the worker's. */
#ifndef TESTS_SERVER_GUEST_H
#define TESTS_SERVER_GUEST_H

#include <glib.h>
#include <pthread.h>
#include <spice.h>
#include <spice/enums.h>
#include <spice/qxl_dev.h>
#include <stdbool.h>

enum { GUEST_GROUP = 1, GUEST_SLOT = 1 };

typedef struct GuestCall {
    enum {
        GUEST_ASYNC_COMPLETE,
        GUEST_UPDATE_COMPLETE,
        GUEST_NOTIFY,
        GUEST_CAPS,
        GUEST_RELEASE
    } kind;
    uint64_t value; /* cookie, surface, update id, client present, address of the command */
    uint32_t n;     /* rectangles, first byte of the capabilities, group */
    QXLRect first;
} GuestCall;

typedef struct Guest {
    QXLInstance instance; /* first: callbacks find the guest by it */
    QXLInterface interface;
    QXLDevInitInfo info; /* change it before the instance is attached */
    uint8_t *memory, *mapping;
    size_t size, used, mapping_size;
    uint8_t *primary; /* its lowest byte; NULL: none */
    uint32_t width, height;
    int32_t stride;

    pthread_mutex_t lock;
    GQueue display_ring, cursor_ring; /* QXLCommandExt */
    GHashTable *out;                  /* host address of release info: taken, not released */
    GArray *calls;                    /* GuestCall, in order */
    unsigned int n_taken, n_released, n_bad_releases, n_flushes, n_polls;
    bool armed_display, armed_cursor;
    int flush_result;
    bool never_armed;                     /* says at each request that there is something */
    void (*on_take)(struct Guest *guest); /* called with each command that is taken, unlocked */
} Guest;

/* bytes: of its memory, rounded up to pages. */
Guest *guest_new(size_t bytes);
void guest_free(Guest *guest);
/* The slot of its memory, by spice_qxl_add_memslot(). */
void guest_add_memslot(Guest *guest);

/* Memory, zeroed, aligned to 'alignment'; never given back before guest_forget(). */
void *guest_alloc_aligned(Guest *guest, size_t size, size_t alignment);
void *guest_alloc(Guest *guest, size_t size);
uint64_t guest_address(const Guest *guest, const void *memory);
/* Everything that was allocated but for the primary surface is free again: all commands are back.
 */
void guest_forget(Guest *guest);

/* 32 bits, xRGB; negative: a stride of -4 * width. Pixel (x, y) is guest_pixel(). */
void guest_create_primary(Guest *guest, uint32_t width, uint32_t height, bool negative);
uint32_t guest_pixel(const Guest *guest, uint32_t x, uint32_t y);
/* Everything that is in the rings has been carried out, and is in the primary's memory. */
void guest_sync(Guest *guest);

void guest_push(Guest *guest, uint32_t type, uint64_t address);
void guest_push_ext(Guest *guest, const QXLCommandExt *command);
void guest_push_cursor(Guest *guest, uint32_t type, uint64_t address);

/* ---- builders ---- */
QXLRect guest_rect(int32_t left, int32_t top, int32_t right, int32_t bottom);
QXLDrawable *guest_drawable(Guest *guest, uint8_t type, uint32_t surface, QXLRect box);
void guest_draw(Guest *guest, const QXLDrawable *drawable);
/* A chunk list of 'size' bytes in pieces of 'piece' (0: one): the first header is there. data NULL:
 * zeros. */
uint64_t guest_chunks(Guest *guest, const void *data, size_t size, size_t piece);
/* The same behind 'head' bytes that come before the first header: an inline list. */
void *guest_inline_chunks(Guest *guest, size_t head, const void *data, size_t size, size_t piece);
QXLImage *guest_bitmap(Guest *guest, uint8_t format, uint32_t width, uint32_t height,
                       uint32_t stride, const void *pixels, size_t piece);
void guest_fill(Guest *guest, uint32_t surface, QXLRect box, uint32_t color);
QXLDrawable *guest_copy(Guest *guest, uint32_t surface, QXLRect box, const QXLImage *image);
QXLSurfaceCmd *guest_surface(Guest *guest, uint32_t id, uint32_t format, uint32_t width,
                             uint32_t height, int32_t stride);
void guest_create_surface(Guest *guest, uint32_t id, uint32_t format, uint32_t width,
                          uint32_t height);
void guest_destroy_surface(Guest *guest, uint32_t id);

/* ---- accounts ---- */
unsigned int guest_taken(Guest *guest);
unsigned int guest_released(Guest *guest);
unsigned int guest_n_out(Guest *guest);
unsigned int guest_polls(Guest *guest);   /* looks at its rings */
unsigned int guest_flushes(Guest *guest); /* calls of flush_resources() */
bool guest_is_armed(Guest *guest);        /* both rings: it was asked to wake us */
/* Calls of that kind so far; *last is the newest of them. */
unsigned int guest_count(Guest *guest, int kind, GuestCall *last);
void guest_clear_calls(Guest *guest);

#endif
