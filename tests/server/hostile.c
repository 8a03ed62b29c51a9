/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest that means harm, and what is expected after each thing that it does. */
#include "tap.h"

#include <string.h>

#include "server/fake-rooms.h"
#include "server/hostile.h"

static struct RedsState *server;
Guest *guest;

/* Surfaces that are there: 0 (primary, 128x128 xRGB), 1 (64x64 ARGB), 2 (64x64 555), 3 (64x64 A8).
 */
void hostile_begin(void)
{
    server = fake_server_new();
    guest = guest_new(48 << 20);
    worker_add(server, &guest->instance);
    guest_add_memslot(guest);
    guest_create_primary(guest, 128, 128, false);
    worker_start(worker_of(&guest->instance));
    rooms_connect(server);
    guest_create_surface(guest, 1, SPICE_SURFACE_FMT_32_ARGB, 64, 64);
    guest_create_surface(guest, 2, SPICE_SURFACE_FMT_16_555, 64, 64);
    guest_create_surface(guest, 3, SPICE_SURFACE_FMT_8_A, 64, 64);
    guest_sync(guest);
    g_free(fake_views_take_log());
}

int hostile_end(void)
{
    worker_remove(worker_of(&guest->instance));
    CHECK(guest_n_out(guest) == 0 && guest->n_bad_releases == 0);
    CHECK(rooms_bad_messages == 0 && (rooms_have_logs || rooms_messages > 100));
    fake_server_free(server);
    guest_free(guest);
    return tap_done();
}

void hostile_case(const char *name)
{
    tap_case(name);
}

bool hostile_check(bool ok, const char *what, const char *file, int line)
{
    return tap_check(ok, what, file, line);
}

char *hostile_sent_and_done(void (*send)(void))
{
    unsigned int out, used = guest->used;

    guest_sync(guest);
    g_free(fake_views_take_log());
    out = guest_n_out(guest);
    send();
    guest_sync(guest);
    fake_server_run(server);
    char *log = fake_views_take_log();
    CHECK(guest_n_out(guest) == out);
    /* The next ones work. */
    static uint32_t color;
    guest_fill(guest, 0, guest_rect(0, 0, 128, 128), ++color);
    guest_sync(guest);
    fake_server_run(server);
    CHECK(guest_pixel(guest, 127, 127) == color);
    CHECK(rooms_bad_messages == 0);
    g_free(fake_views_take_log());
    guest->used = used;
    return log;
}

/* It has no effect, and was given back. */
void hostile_rejected(const char *name, void (*send)(void))
{
    g_autofree char *log = NULL;

    tap_case(name);
    log = hostile_sent_and_done(send);
    if (!CHECK(!strstr(log, "draw") && !strstr(log, "create") && !strstr(log, "destroy")))
        printf("# %s\n", log);
}

/* Each of them counts as a drawing, whatever comes of it. */
void hostile_drawn(const char *name, void (*send)(void), unsigned n)
{
    g_autofree char *log = NULL;
    unsigned drawn = 0;

    tap_case(name);
    log = hostile_sent_and_done(send);
    for (const char *at = log; (at = strstr(at, "draw")); at++)
        drawn++;
    if (!CHECK(!rooms_have_logs || drawn == n))
        printf("# %u of %u were drawn\n", drawn, n);
}

/* ---- pieces ---- */

uint32_t hostile_pixels[64 * 64];

QXLRect hostile_box(void)
{
    return guest_rect(10, 10, 42, 42);
}

QXLImage *hostile_image32(void)
{
    return guest_bitmap(guest, SPICE_BITMAP_FMT_32BIT, 32, 32, 128, hostile_pixels, 0);
}

QXLImage *hostile_surface_image(uint32_t id)
{
    QXLImage *image = guest_alloc(guest, sizeof *image);

    image->descriptor.type = SPICE_IMAGE_TYPE_SURFACE;
    image->surface_image.surface_id = id;
    return image;
}

QXLImage *hostile_mask_image(void)
{
    return guest_bitmap(guest, SPICE_BITMAP_FMT_1BIT_BE, 32, 32, 4, NULL, 0);
}

uint64_t hostile_at(const void *memory)
{
    return guest_address(guest, memory);
}

/* Every address that can be wrong: beyond the slot, in no slot, in no group, of another generation.
 */
const uint64_t hostile_addresses[HOSTILE_ADDRESSES] = {
    1,
    UINT64_MAX,
    (uint64_t)1 << 56,                                /* below the memory */
    (uint64_t)1 << 56 | (uint64_t)1 << 40,            /* above */
    (uint64_t)2 << 56 | 0x100000,                     /* an empty slot */
    (uint64_t)8 << 56 | 0x100000,                     /* no slot */
    (uint64_t)255 << 56 | 0x100000,                   /* no slot */
    (uint64_t)1 << 56 | (uint64_t)1 << 48 | 0x100000, /* generation 1 */
    ((uint64_t)1 << 56) - 1,
};

/* The last bytes of the memory: too few for anything. */
uint64_t hostile_last_bytes(size_t n)
{
    return hostile_at(guest->memory + guest->size - n);
}

QXLDrawable *hostile_opaque(const QXLImage *image)
{
    QXLDrawable *d = guest_drawable(guest, QXL_DRAW_OPAQUE, 0, hostile_box());

    d->u.opaque.src_bitmap = image ? hostile_at(image) : 0;
    d->u.opaque.src_area = guest_rect(0, 0, 32, 32);
    d->u.opaque.brush.type = SPICE_BRUSH_TYPE_SOLID;
    d->u.opaque.rop_descriptor = SPICE_ROPD_OP_PUT;
    return d;
}

QXLDrawable *hostile_fill(void)
{
    QXLDrawable *d = guest_drawable(guest, QXL_DRAW_FILL, 0, hostile_box());

    d->u.fill.brush.type = SPICE_BRUSH_TYPE_SOLID;
    d->u.fill.rop_descriptor = SPICE_ROPD_OP_PUT;
    return d;
}

void hostile_draw_copy(const QXLImage *image)
{
    guest_draw(guest, guest_copy(guest, 0, hostile_box(), image));
}

/* A good one of every type: what the hostile ones are made from. */
QXLDrawable *hostile_good(int type)
{
    QXLDrawable *d = guest_drawable(guest, type, 0, hostile_box());

    switch (type) {
    case QXL_DRAW_FILL:
        return hostile_fill();
    case QXL_DRAW_OPAQUE:
        return hostile_opaque(hostile_image32());
    case QXL_DRAW_COPY:
    case QXL_DRAW_BLEND:
        d = guest_copy(guest, 0, hostile_box(), hostile_image32());
        d->type = type;
        return d;
    case QXL_COPY_BITS:
        d->u.copy_bits.src_pos = (QXLPoint){20, 30};
        break;
    case QXL_DRAW_ROP3:
        d->u.rop3.src_bitmap = hostile_at(hostile_image32());
        d->u.rop3.src_area = guest_rect(0, 0, 32, 32);
        d->u.rop3.brush.type = SPICE_BRUSH_TYPE_SOLID;
        d->u.rop3.rop3 = 0x5a;
        break;
    case QXL_DRAW_STROKE: {
        struct {
            QXLPathSeg head;
            QXLPointFix points[2];
        } segment = {{SPICE_PATH_BEGIN | SPICE_PATH_END, 2}, {{0, 0}, {600, 600}}};

        d->u.stroke.path = hostile_at(guest_inline_chunks(guest, 4, &segment, sizeof segment, 5));
        d->u.stroke.brush.type = SPICE_BRUSH_TYPE_SOLID;
        d->u.stroke.fore_mode = SPICE_ROPD_OP_PUT;
        break;
    }
    case QXL_DRAW_TEXT: {
        struct {
            QXLRasterGlyph head;
            uint8_t rows[8];
        } __attribute__((packed))
        glyph = {{{12, 12}, {0, 0}, 8, 8, {}}, {255, 1, 2, 3, 4, 5, 6, 7}};
        uint8_t *string = guest_inline_chunks(guest, 8, &glyph, sizeof glyph, 3);

        ((QXLString *)string)->data_size = sizeof glyph;
        ((QXLString *)string)->length = 1;
        ((QXLString *)string)->flags = SPICE_STRING_FLAGS_RASTER_A1;
        d->u.text.str = hostile_at(string);
        d->u.text.fore_brush.type = SPICE_BRUSH_TYPE_SOLID;
        d->u.text.fore_mode = SPICE_ROPD_OP_PUT;
        break;
    }
    case QXL_DRAW_TRANSPARENT:
        d->u.transparent.src_bitmap = hostile_at(hostile_image32());
        d->u.transparent.src_area = guest_rect(0, 0, 32, 32);
        break;
    case QXL_DRAW_ALPHA_BLEND:
        d->u.alpha_blend.alpha = 128;
        d->u.alpha_blend.src_bitmap = hostile_at(hostile_image32());
        d->u.alpha_blend.src_area = guest_rect(0, 0, 32, 32);
        break;
    case QXL_DRAW_COMPOSITE:
        d->u.composite.flags = 3;
        d->u.composite.src = hostile_at(hostile_image32());
        break;
    default:
        break;
    }
    return d;
}
