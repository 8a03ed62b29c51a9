/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guest memory: slots and their limits (CVE-2019-3813), and a guest that rewrites its commands
 * while they are read (CVE-2015-3247, CVE-2021-4207, CVE-2010-0430). The memory lies between pages
 * that can't be touched, so that every byte outside is noticed. */
#include <string.h>

#include "server/fake-rooms.h"
#include "server/guest.h"
#include "tap.h"
#include "worker/memslot.h"

static uint64_t random_state = 88172645463325252u;

static uint64_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void limits(void)
{
    static uint8_t memory[256];
    const uint64_t start = (uintptr_t)memory, end = start + 200;
    MemSlots slots;
    uint64_t size;

    tap_case("cve_2019_3813: slots: group, id, generation, first and last byte, wrap-around");
    CHECK(memslots_init(&slots, 2, 8, 8, 8));
    CHECK(!memslots_map(&slots, 1, (uint64_t)3 << 56, 1));
    CHECK(memslots_add(&slots, 1, 3, &(MemSlot){start, end, start - 0x1000, 5}));
    CHECK(!memslots_add(&slots, 2, 3, &(MemSlot){0}));
    CHECK(!memslots_add(&slots, 1, 8, &(MemSlot){0}));
    CHECK(!memslots_add(&slots, UINT32_MAX, UINT32_MAX, &(MemSlot){0}));
    const uint64_t base = (uint64_t)3 << 56 | (uint64_t)5 << 48 | 0x1000;
    CHECK(memslots_map(&slots, 1, base, 200) == memory);
    CHECK(memslots_map(&slots, 1, base + 199, 1) == memory + 199);
    CHECK(!memslots_map(&slots, 1, base, 201));
    CHECK(!memslots_map(&slots, 1, base, 0));
    CHECK(!memslots_map(&slots, 1, base, UINT64_MAX));
    CHECK(!memslots_map(&slots, 1, base + 200, 1));
    CHECK(!memslots_map(&slots, 1, base - 1, 1));
    CHECK(!memslots_map(&slots, 0, base, 1));
    CHECK(!memslots_map(&slots, 2, base, 1));
    CHECK(!memslots_map(&slots, 1, base + ((uint64_t)1 << 48), 1));
    CHECK(!memslots_map(&slots, 1, base + ((uint64_t)1 << 56), 1));
    CHECK(!memslots_map(&slots, 1, base + ((uint64_t)5 << 56), 1));
    CHECK(memslots_map_rest(&slots, 1, base + 190, 100, &size) == memory + 190 && size == 10);
    CHECK(memslots_map_rest(&slots, 1, base, 100, &size) == memory && size == 100);
    CHECK(!memslots_map_rest(&slots, 1, base + 200, 100, &size));
    /* Removed: generation and offset stay, nothing is in it. Reset: generation 0. */
    CHECK(memslots_remove(&slots, 1, 3) && !memslots_remove(&slots, 1, 8));
    CHECK(!memslots_map(&slots, 1, base, 1));
    CHECK(memslots_add(&slots, 1, 3, &(MemSlot){start, end, start - 0x1000, 0}));
    CHECK(memslots_map(&slots, 1, base & ~((uint64_t)5 << 48), 1));
    memslots_reset(&slots);
    CHECK(!memslots_map(&slots, 1, base & ~((uint64_t)5 << 48), 1));
    /* All of memory: addresses are ours, but nothing is at 0 and nothing wraps. */
    CHECK(memslots_add(&slots, 0, 0, &(MemSlot){0, UINT64_MAX, 0, 0}));
    CHECK(memslots_map(&slots, 0, start, 10) == memory);
    CHECK(!memslots_map(&slots, 0, 0, 10));
    CHECK(!memslots_map(&slots, 0, ((uint64_t)1 << 48) - 1, UINT64_MAX - 5));
    CHECK(memslots_add(&slots, 0, 1, &(MemSlot){UINT64_MAX - 9, UINT64_MAX, UINT64_MAX - 9, 0}));
    CHECK(!memslots_map(&slots, 0, (uint64_t)1 << 56, 10));
    CHECK(memslots_map(&slots, 0, (uint64_t)1 << 56, 9) == (uint8_t *)(UINTPTR_MAX - 9));
    memslots_clear(&slots);
    /* Without bits for id and generation. */
    CHECK(memslots_init(&slots, 1, 1, 0, 0));
    CHECK(memslots_add(&slots, 0, 0, &(MemSlot){start, end, 0, 0}));
    CHECK(memslots_map(&slots, 0, start + 1, 1) == memory + 1);
    CHECK(!memslots_map(&slots, 0, UINT64_MAX, 1));
    memslots_clear(&slots);
    CHECK(!memslots_init(&slots, 1, 1, 32, 32));
    CHECK(!memslots_init(&slots, UINT32_MAX, UINT32_MAX, 8, 8));
    CHECK(memslots_init(&slots, 0, 0, 8, 8));
    CHECK(!memslots_map(&slots, 0, 0, 1));
    memslots_clear(&slots);
}

static void property(void)
{
    static uint8_t memory[4096];
    const uint64_t start = (uintptr_t)memory;
    unsigned int inside = 0;
    MemSlots slots;

    tap_case("cve_2015_5261: whatever is asked for, what comes back lies in the slot");
    CHECK(memslots_init(&slots, 2, 8, 8, 8));
    for (int i = 0; i < 200000; i++) {
        uint64_t a = random_bits() % 4097, b = random_bits() % 4097, delta = random_bits();
        uint32_t group = random_bits() % 3, id = random_bits() % 9, generation = random_bits() % 2;
        uint64_t address, size, rest;
        const uint8_t *at;

        if (i % 8 == 0)
            memslots_add(&slots, group, id,
                         &(MemSlot){start + MIN(a, b), start + MAX(a, b),
                                    i % 16 ? start - 0x10000 : delta, generation});
        address = (uint64_t)id << 56 | (uint64_t)generation << 48 |
                  ((i % 3 ? 0x10000 + random_bits() % 4200 : random_bits()) & 0xffffffffffff);
        size = i % 5 ? random_bits() % 600 : random_bits();
        at = memslots_map(&slots, group, address, size);
        if (group == 2 || id == 8) {
            CHECK(!at);
            continue;
        }
        const MemSlot *slot = &slots.slots[group * 8 + id];
        if (at) {
            inside++;
            CHECK((uintptr_t)at >= slot->start && (uintptr_t)at + size <= slot->end && size > 0);
        }
        at = memslots_map_rest(&slots, group, address, size, &rest);
        if (at)
            CHECK((uintptr_t)at >= slot->start && (uintptr_t)at + rest <= slot->end && rest > 0 &&
                  rest <= size);
    }
    CHECK(inside > 100);
    memslots_clear(&slots);
}

/* ---- a guest that changes its mind ---- */

static struct RedsState *server;
static Guest *guest;
static struct {
    pthread_t thread;
    int runs, stop; /* atomic */
    uint8_t *from, *to;
    /* What is read to know how much to read: counts, sizes, types. */
    struct {
        uint8_t *at;
        size_t size;
    } hot[64];
    unsigned n_hot;
} writer;

/* What a guest does isn't seen by a sanitizer. */
#define BY_THE_GUEST __attribute__((no_sanitize("thread")))

static void make_hot(void *at, size_t size)
{
    g_assert(writer.n_hot < G_N_ELEMENTS(writer.hot));
    writer.hot[writer.n_hot].at = at;
    writer.hot[writer.n_hot++].size = size;
}

BY_THE_GUEST static void write_byte(uint8_t *at, uint8_t value)
{
    __atomic_store_n(at, value, __ATOMIC_RELAXED);
}

BY_THE_GUEST static void restore(const uint8_t *good, size_t from, size_t n)
{
    for (size_t i = from; i < from + n; i++)
        write_byte(writer.from + i, good[i]);
}

static uint64_t next_state(uint64_t state)
{
    return state * 6364136223846793005u + 1442695040888963407u;
}

/* As long as it takes to read something twice. */
static void hold(uint64_t state)
{
    for (unsigned i = state >> 40 & 255; i > 0; i--)
        __asm__ volatile("" ::: "memory");
}

/* One of the fields that matter, again and again: other bytes, the right ones. */
BY_THE_GUEST static uint64_t flip_hot(const uint8_t *good, uint64_t state)
{
    unsigned hot = (state >> 33) % writer.n_hot;
    uint8_t *at = writer.hot[hot].at;
    size_t n = writer.hot[hot].size;

    for (int k = 0; k < 64; k++) {
        state = next_state(state);
        for (size_t i = 0; i < n; i++) /* in one byte, or in all */
            if (state >> 20 & 1 || i == (state >> 22) % n)
                write_byte(at + i, (uint8_t)(state >> 24));
        hold(state);
        restore(good, at - writer.from, n);
        hold(state << 8);
    }
    return state;
}

/* Any bytes. */
BY_THE_GUEST static uint64_t flip_any(const uint8_t *good, uint64_t state)
{
    size_t any[64];

    for (unsigned i = 0; i < G_N_ELEMENTS(any); i++) {
        state = next_state(state);
        any[i] = (state >> 33) % (writer.to - writer.from);
        write_byte(writer.from + any[i], (uint8_t)(state >> 20));
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(any); i++)
        restore(good, any[i], 1);
    return state;
}

BY_THE_GUEST static void *rewrite_guest(void *data)
{
    uint8_t *good = g_memdup2(writer.from, writer.to - writer.from);
    uint64_t state = 1;

    while (!__atomic_load_n(&writer.stop, __ATOMIC_RELAXED)) {
        state = flip_any(good, next_state(state));
        if (writer.n_hot)
            state = flip_hot(good, state);
        __atomic_store_n(&writer.runs, 1, __ATOMIC_RELEASE);
    }
    g_free(good);
    return NULL;
}

static void start_writer(void *from, void *to)
{
    writer.from = from;
    writer.to = to;
    writer.runs = writer.stop = 0;
    pthread_create(&writer.thread, NULL, rewrite_guest, NULL);
    while (!__atomic_load_n(&writer.runs, __ATOMIC_ACQUIRE))
        g_usleep(10);
}

static void stop_writer(void)
{
    __atomic_store_n(&writer.stop, 1, __ATOMIC_RELAXED);
    pthread_join(writer.thread, NULL);
    writer.n_hot = 0;
}

static void begin(void)
{
    server = fake_server_new();
    guest = guest_new(16 << 20);
    worker_add(server, &guest->instance);
    guest_add_memslot(guest);
    guest_create_primary(guest, 256, 256, false);
    worker_start(worker_of(&guest->instance));
    guest_sync(guest);
}

/* Whatever came back, at whatever address: it was out once, and the next command works. */
static void end(unsigned int taken)
{
    CHECK(guest_taken(guest) == taken && guest_released(guest) == taken);
    guest_fill(guest, 0, guest_rect(0, 0, 256, 256), 0x123456);
    guest_sync(guest);
    CHECK(guest_pixel(guest, 255, 255) == 0x123456);
    worker_remove(worker_of(&guest->instance));
    fake_server_free(server);
    guest_free(guest);
}

static void double_fetch(void)
{
    unsigned int n = 0;

    tap_case("cve_2010_0430, double_fetch_2015: drawings, images, clips, texts that change while "
             "they are read");
    begin();
    for (int round = 0; round < 60; round++) {
        QXLRect rects[8] = {0}, area = guest_rect(0, 0, 200, 200);
        QXLDrawable *drawables[8];
        QXLImage *image;
        uint8_t *string;
        void *start;

        guest_forget(guest);
        start = guest_alloc(guest, 16);
        for (int i = 0; i < 8; i++)
            rects[i] = guest_rect(i * 20, i, i * 20 + 10, 150);
        for (int i = 0; i < 8; i++) {
            switch (i % 4) {
            case 0: { /* large, borrowed, in many chunks */
                image = guest_bitmap(guest, SPICE_BITMAP_FMT_32BIT, 200, 200, 800, NULL, 4000);
                drawables[i] = guest_copy(guest, 0, area, image);
                make_hot(&image->bitmap.y, sizeof image->bitmap.y);
                make_hot(&image->bitmap.stride, sizeof image->bitmap.stride);
                make_hot(&image->bitmap.format, sizeof image->bitmap.format);
                make_hot(guest->memory + guest->used - 4096, 4);
                break;
            }
            case 1: /* with a palette, copied */
                image = guest_bitmap(guest, SPICE_BITMAP_FMT_8BIT, 200, 200, 200, NULL, 1000);
                QXLPalette *palette = guest_alloc(guest, sizeof *palette + 1024);
                palette->num_ents = 256;
                image->bitmap.palette = guest_address(guest, palette);
                make_hot(&palette->num_ents, sizeof palette->num_ents);
                drawables[i] = guest_copy(guest, 0, area, image);
                break;
            case 2: { /* clipped */
                QXLClipRects *clip = guest_inline_chunks(guest, 4, rects, sizeof rects, 32);

                clip->num_rects = 8;
                make_hot(&clip->num_rects, sizeof clip->num_rects);
                make_hot(&clip->chunk.data_size, sizeof clip->chunk.data_size);
                drawables[i] = guest_drawable(guest, QXL_DRAW_FILL, 0, area);
                drawables[i]->u.fill.brush.type = SPICE_BRUSH_TYPE_SOLID;
                drawables[i]->u.fill.rop_descriptor = SPICE_ROPD_OP_PUT;
                drawables[i]->clip.type = SPICE_CLIP_TYPE_RECTS;
                drawables[i]->clip.data = guest_address(guest, clip);
                break;
            }
            default: { /* text */
                uint8_t glyph[sizeof(QXLRasterGlyph) + 32] = {0};
                const QXLRasterGlyph head = {{5, 5}, {0, 0}, 16, 16};

                memcpy(glyph, &head, sizeof head);

                string = guest_inline_chunks(guest, 8, glyph, sizeof glyph, 10);
                ((QXLString *)string)->data_size = sizeof glyph;
                ((QXLString *)string)->length = 1;
                ((QXLString *)string)->flags = SPICE_STRING_FLAGS_RASTER_A1;
                make_hot(&((QXLString *)string)->data_size, 4);
                make_hot(&((QXLString *)string)->length, 2);
                make_hot(&((QXLString *)string)->flags, 2);
                drawables[i] = guest_drawable(guest, QXL_DRAW_TEXT, 0, area);
                drawables[i]->u.text.str = guest_address(guest, string);
                drawables[i]->u.text.fore_brush.type = SPICE_BRUSH_TYPE_SOLID;
                drawables[i]->u.text.fore_mode = SPICE_ROPD_OP_PUT;
            }
            }
        }
        start_writer(start, guest->memory + guest->used);
        for (int k = 0; k < 12; k++) {
            /* The account has each command once. */
            for (int i = 0; i < 8; i++, n++)
                guest_draw(guest, drawables[i]);
            guest_sync(guest);
        }
        stop_writer();
        spice_qxl_flush_surfaces_async(&guest->instance, round);
        guest_sync(guest);
    }
    end(n);
}

static void double_fetch_others(void)
{
    unsigned int n = 0;

    tap_case("cve_2015_3247, cve_2021_4207: monitors, cursors, surfaces, messages that change");
    begin();
    for (int round = 0; round < 60; round++) {
        guest_forget(guest);
        uint8_t *start = guest_alloc(guest, 16);
        struct {
            QXLMonitorsConfig config;
            QXLHead heads[64];
        } *config = guest_alloc(guest, sizeof *config);
        QXLCursor *shape =
            guest_inline_chunks(guest, offsetof(QXLCursor, chunk), NULL, 64 * 64 * 4, 500);
        QXLCursorCmd *cursor = guest_alloc(guest, sizeof *cursor);
        QXLMessage *message = guest_alloc(guest, sizeof *message + 100);
        QXLSurfaceCmd *create = guest_surface(guest, 1, SPICE_SURFACE_FMT_32_xRGB, 16, 16, 64);
        QXLSurfaceCmd *destroy = guest_alloc(guest, sizeof *destroy);

        config->config.count = config->config.max_allowed = 64;
        shape->header = (QXLCursorHeader){1, SPICE_CURSOR_TYPE_ALPHA, 64, 64, 1, 1};
        shape->data_size = 64 * 64 * 4;
        cursor->u.set.shape = guest_address(guest, shape);
        destroy->surface_id = 1;
        destroy->type = QXL_SURFACE_CMD_DESTROY;
        make_hot(&config->config.count, sizeof config->config.count);
        make_hot(&config->config.max_allowed, sizeof config->config.max_allowed);
        make_hot(&shape->header.width, sizeof shape->header.width);
        make_hot(&shape->header.type, sizeof shape->header.type);
        make_hot(&shape->data_size, sizeof shape->data_size);
        make_hot(&shape->chunk.data_size, sizeof shape->chunk.data_size);
        make_hot(&create->u.surface_create.height, sizeof create->u.surface_create.height);
        make_hot(&create->u.surface_create.stride, sizeof create->u.surface_create.stride);
        start_writer(start, guest->memory + guest->used);
        for (int k = 0; k < 24; k++) {
            spice_qxl_monitors_config_async(&guest->instance, guest_address(guest, config),
                                            GUEST_GROUP, k);
            guest_push_cursor(guest, QXL_CMD_CURSOR, guest_address(guest, cursor));
            guest_push(guest, QXL_CMD_MESSAGE, guest_address(guest, message));
            guest_push(guest, QXL_CMD_SURFACE, guest_address(guest, create));
            guest_push(guest, QXL_CMD_SURFACE, guest_address(guest, destroy));
            n += 4;
            guest_sync(guest);
        }
        stop_writer();
        spice_qxl_destroy_surfaces(&guest->instance);
        guest_create_primary(guest, 256, 256, false);
    }
    end(n);
}

int main(void)
{
    limits();
    property();
    double_fetch();
    double_fetch_others();
    return tap_done();
}
