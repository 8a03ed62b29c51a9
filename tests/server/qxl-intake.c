/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hostile commands: every row of docs/spec/server-display.md 5.1 and every hole of QXL in
 * docs/spec/dangers.md. After each one the process lives, the command is back, and the next good
 * command works. Built twice: without clients, and with some (25.1). */
#include <string.h>

#include "codec/quic.h"
#include "server/fake-rooms.h"
#include "server/guest.h"
#include "tap.h"

static struct RedsState *server;
static Guest *guest;

/* Surfaces that are there: 0 (primary, 128x128 xRGB), 1 (64x64 ARGB), 2 (64x64 555), 3 (64x64 A8).
 */
static void begin(void)
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

static void end(void)
{
    worker_remove(worker_of(&guest->instance));
    CHECK(guest_n_out(guest) == 0 && guest->n_bad_releases == 0);
    CHECK(rooms_bad_messages == 0 && (rooms_have_logs || rooms_messages > 100));
    fake_server_free(server);
    guest_free(guest);
}

static char *sent_and_done(void (*send)(void))
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
static void rejected(const char *name, void (*send)(void))
{
    g_autofree char *log = NULL;

    tap_case(name);
    log = sent_and_done(send);
    if (!CHECK(!strstr(log, "draw") && !strstr(log, "create") && !strstr(log, "destroy")))
        printf("# %s\n", log);
}

/* It counts as a drawing, whatever comes of it. */
static void drawn(const char *name, void (*send)(void))
{
    g_autofree char *log = NULL;

    tap_case(name);
    log = sent_and_done(send);
    CHECK(!rooms_have_logs || strstr(log, "draw"));
}

/* ---- pieces ---- */

static uint32_t pixels[64 * 64];

static QXLRect box(void)
{
    return guest_rect(10, 10, 42, 42);
}

static QXLImage *image32(void)
{
    return guest_bitmap(guest, SPICE_BITMAP_FMT_32BIT, 32, 32, 128, pixels, 0);
}

static QXLImage *surface_image(uint32_t id)
{
    QXLImage *image = guest_alloc(guest, sizeof *image);

    image->descriptor.type = SPICE_IMAGE_TYPE_SURFACE;
    image->surface_image.surface_id = id;
    return image;
}

static QXLImage *mask_image(void)
{
    return guest_bitmap(guest, SPICE_BITMAP_FMT_1BIT_BE, 32, 32, 4, NULL, 0);
}

static uint64_t at(const void *memory)
{
    return guest_address(guest, memory);
}

/* Every address that can be wrong: beyond the slot, in no slot, in no group, of another generation.
 */
static const uint64_t bad_addresses[] = {
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
static uint64_t last_bytes(size_t n)
{
    return at(guest->memory + guest->size - n);
}

#define FOR_BAD_ADDRESSES(place)                                                      \
    for (size_t i_ = 0; i_ < G_N_ELEMENTS(bad_addresses) + 3; i_++)                   \
        if (((place) = i_ < G_N_ELEMENTS(bad_addresses)                               \
                           ? bad_addresses[i_]                                        \
                           : last_bytes(1 + 2 * (i_ - G_N_ELEMENTS(bad_addresses)))), \
            true)

static QXLDrawable *opaque(const QXLImage *image)
{
    QXLDrawable *d = guest_drawable(guest, QXL_DRAW_OPAQUE, 0, box());

    d->u.opaque.src_bitmap = image ? at(image) : 0;
    d->u.opaque.src_area = guest_rect(0, 0, 32, 32);
    d->u.opaque.brush.type = SPICE_BRUSH_TYPE_SOLID;
    d->u.opaque.rop_descriptor = SPICE_ROPD_OP_PUT;
    return d;
}

static QXLDrawable *fill(void)
{
    QXLDrawable *d = guest_drawable(guest, QXL_DRAW_FILL, 0, box());

    d->u.fill.brush.type = SPICE_BRUSH_TYPE_SOLID;
    d->u.fill.rop_descriptor = SPICE_ROPD_OP_PUT;
    return d;
}

static void draw_copy(const QXLImage *image)
{
    guest_draw(guest, guest_copy(guest, 0, box(), image));
}

/* A good one of every type: what the hostile ones are made from. */
static QXLDrawable *good(int type)
{
    QXLDrawable *d = guest_drawable(guest, type, 0, box());

    switch (type) {
    case QXL_DRAW_FILL:
        return fill();
    case QXL_DRAW_OPAQUE:
        return opaque(image32());
    case QXL_DRAW_COPY:
    case QXL_DRAW_BLEND:
        d = guest_copy(guest, 0, box(), image32());
        d->type = type;
        return d;
    case QXL_COPY_BITS:
        d->u.copy_bits.src_pos = (QXLPoint){20, 30};
        break;
    case QXL_DRAW_ROP3:
        d->u.rop3.src_bitmap = at(image32());
        d->u.rop3.src_area = guest_rect(0, 0, 32, 32);
        d->u.rop3.brush.type = SPICE_BRUSH_TYPE_SOLID;
        d->u.rop3.rop3 = 0x5a;
        break;
    case QXL_DRAW_STROKE: {
        struct {
            QXLPathSeg head;
            QXLPointFix points[2];
        } segment = {{SPICE_PATH_BEGIN | SPICE_PATH_END, 2}, {{0, 0}, {600, 600}}};

        d->u.stroke.path = at(guest_inline_chunks(guest, 4, &segment, sizeof segment, 5));
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
        d->u.text.str = at(string);
        d->u.text.fore_brush.type = SPICE_BRUSH_TYPE_SOLID;
        d->u.text.fore_mode = SPICE_ROPD_OP_PUT;
        break;
    }
    case QXL_DRAW_TRANSPARENT:
        d->u.transparent.src_bitmap = at(image32());
        d->u.transparent.src_area = guest_rect(0, 0, 32, 32);
        break;
    case QXL_DRAW_ALPHA_BLEND:
        d->u.alpha_blend.alpha = 128;
        d->u.alpha_blend.src_bitmap = at(image32());
        d->u.alpha_blend.src_area = guest_rect(0, 0, 32, 32);
        break;
    case QXL_DRAW_COMPOSITE:
        d->u.composite.flags = 3;
        d->u.composite.src = at(image32());
        break;
    default:
        break;
    }
    return d;
}

static void send_good(void)
{
    for (int type = QXL_DRAW_FILL; type <= QXL_DRAW_COMPOSITE; type++)
        guest_draw(guest, good(type));
}

/* ---- commands ---- */

static void every_good_type(void)
{
    g_autofree char *log = NULL;

    tap_case("every type of drawing is taken");
    log = sent_and_done(send_good);
    for (int type = SPICE_MSG_DISPLAY_DRAW_FILL; type <= SPICE_MSG_DISPLAY_DRAW_COMPOSITE; type++) {
        g_autofree char *what = g_strdup_printf("draw %d;", type);

        if (type >= SPICE_MSG_DISPLAY_SURFACE_CREATE && type <= 317)
            continue;
        if (!CHECK(!rooms_have_logs || strstr(log, what)))
            printf("# type %d\n", type);
    }
    CHECK(!rooms_have_logs || strstr(log, "draw 104;"));
}

static void unknown_commands(void)
{
    static const uint32_t types[] = {QXL_CMD_NOP, QXL_CMD_CURSOR, 6, 7, 0x7fffffff, UINT32_MAX};

    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        guest_push(guest, types[i], at(fill()));
}

static void unknown_in_cursor_ring(void)
{
    for (uint32_t type = 0; type < 8; type++)
        guest_push_cursor(guest, type == QXL_CMD_CURSOR ? 99 : type, at(fill()));
}

static void unknown_types(void)
{
    for (int type = 0; type < 256; type++) {
        QXLDrawable *d = fill();

        if (type >= QXL_DRAW_FILL && type <= QXL_DRAW_COMPOSITE)
            continue;
        d->type = type;
        d->effect = QXL_EFFECT_OPAQUE;
        guest_draw(guest, d);
    }
}

/* Nothing can be given back of a command that isn't there. */
static void commands_outside(void)
{
    unsigned int out;
    uint64_t address;

    tap_case(
        "cve_2010_0428, cve_2010_0429: commands at any address; a slot or group that is one too "
        "high (cve_2019_3813)");
    guest_sync(guest);
    out = guest_n_out(guest);
    unsigned int released = guest_released(guest);
    for (uint32_t type = 0; type < 7; type++) {
        FOR_BAD_ADDRESSES(address)
        {
            if (address == last_bytes(5))
                continue;
            guest_push(guest, type, address);
            guest_push_cursor(guest, type, address);
        }
        for (uint32_t group = 0; group < 4; group++) {
            QXLCommandExt command = {{at(fill()), type, 0}, group == 1 ? 4 : group, 0};

            guest_push_ext(guest, &command);
        }
        guest_push_ext(guest, &(QXLCommandExt){{at(fill()), type, 0}, UINT32_MAX, 0});
    }
    guest_sync(guest);
    CHECK(guest_released(guest) == released && guest->n_bad_releases == 0);
    guest_fill(guest, 0, guest_rect(0, 0, 128, 128), 0x777);
    guest_sync(guest);
    CHECK(guest_pixel(guest, 127, 127) == 0x777);
    pthread_mutex_lock(&guest->lock);
    CHECK(g_hash_table_size(guest->out) > out);
    g_hash_table_remove_all(guest->out);
    pthread_mutex_unlock(&guest->lock);
    /* The surfaces' commands are still out. */
    guest_destroy_surface(guest, 1);
    guest_destroy_surface(guest, 2);
    guest_destroy_surface(guest, 3);
    guest_sync(guest);
    CHECK(guest->n_bad_releases == 3);
    guest->n_bad_releases = 0;
}

/* The header is there, the rest isn't. */
static void cut_commands(void)
{
    for (uint32_t type = 1; type < 6; type++) {
        for (size_t n = 8; n < 17; n += 4) {
            memset(guest->memory + guest->size - n, 1, n);
            guest_push(guest, type, last_bytes(n));
            guest_sync(guest); /* they lie over one another */
        }
    }
    guest_push_cursor(guest, QXL_CMD_CURSOR, last_bytes(9));
}

static void targets(void)
{
    static const uint32_t ids[] = {4,     5,          1023,       1024,      1025,
                                   65536, 0x7fffffff, 0x80000000, UINT32_MAX};

    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
        QXLUpdateCmd *update = guest_alloc(guest, sizeof *update);
        QXLDrawable *d = fill();

        d->surface_id = ids[i];
        guest_draw(guest, d);
        for (int k = 0; k < 3; k++) {
            d = fill();
            d->surfaces_dest[k] = ids[i] == UINT32_MAX ? -2 : (int32_t)ids[i];
            guest_draw(guest, d);
        }
        update->area = box();
        update->surface_id = ids[i];
        guest_push(guest, QXL_CMD_UPDATE, at(update));
        draw_copy(surface_image(ids[i]));
        d = fill();
        d->u.fill.brush.type = SPICE_BRUSH_TYPE_PATTERN;
        d->u.fill.brush.u.pattern.pat = at(surface_image(ids[i]));
        guest_draw(guest, d);
    }
}

static void boxes(void)
{
    static const int32_t values[] = {INT32_MIN, -1, 128, 129, INT32_MAX};

    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        for (int side = 0; side < 4; side++) {
            QXLDrawable *d = fill();
            int32_t sides[] = {10, 10, 42, 42};

            if (side >= 2 && values[i] == 128)
                continue;
            sides[side] = values[i];
            d->bbox = guest_rect(sides[0], sides[1], sides[2], sides[3]);
            guest_draw(guest, d);
        }
    }
    for (int side = 0; side < 2; side++) {
        QXLDrawable *d = fill();

        d->bbox = side ? guest_rect(50, 10, 50, 20) : guest_rect(50, 10, 40, 20);
        guest_draw(guest, d);
    }
}

/* ---- chunks and bitmaps ---- */

static void bad_chunks(void)
{
    uint64_t bad;

    FOR_BAD_ADDRESSES(bad)
    {
        QXLImage *image = image32();
        uint8_t *link = guest_inline_chunks(guest, 0, pixels, 2048, 0);

        image->bitmap.data = bad;
        draw_copy(image);
        image = image32();
        ((QXLDataChunk *)link)->next_chunk = bad;
        image->bitmap.data = at(link);
        draw_copy(image);
        image = image32();
        image->bitmap.flags |= QXL_BITMAP_DIRECT;
        image->bitmap.data = bad;
        draw_copy(image);
    }
}

static void circular_chunks(void)
{
    for (int size = 0; size < 3; size++) {
        QXLImage *image = image32();
        QXLDataChunk *chunk = guest_alloc(guest, sizeof *chunk + 16), *other;

        chunk->data_size = size == 2 ? 8 : size;
        other = guest_alloc(guest, sizeof *other);
        chunk->next_chunk = at(size == 2 ? other : chunk);
        other->next_chunk = at(chunk);
        image->bitmap.data = at(chunk);
        draw_copy(image);
        QXLDrawable *d = good(QXL_DRAW_STROKE);
        d->u.stroke.path = at(chunk) - 4;
        guest_draw(guest, d);
    }
}

static void huge_chunks(void)
{
    /* Eight pages of one's own memory, again and again: 16 MiB each time. */
    QXLImage *image = image32();
    QXLDataChunk *first = guest_alloc(guest, sizeof *first + (16 << 20)), *chunk = first;

    for (int i = 0; i < 200; i++) {
        chunk->data_size = i == 0 ? 16 << 20 : 0x7ffffff;
        QXLDataChunk *next = (QXLDataChunk *)((uint8_t *)first + 32 * (i + 1));
        chunk->data_size = 15 << 20;
        chunk->next_chunk = at(next);
        chunk = next;
    }
    chunk->data_size = 1;
    image->bitmap.data = at(first);
    draw_copy(image);
    image = image32();
    QXLDataChunk *big = guest_alloc(guest, sizeof *big);
    big->data_size = UINT32_MAX;
    image->bitmap.data = at(big);
    draw_copy(image);
    big = guest_alloc(guest, sizeof *big);
    big->data_size = 0x80000000;
    image = image32();
    image->bitmap.data = at(big);
    draw_copy(image);
}

static void bad_bitmaps(void)
{
#define BITMAP(change)                    \
    do {                                  \
        QXLImage *image_ = image32();     \
        QXLBitmap *b = &image_->bitmap;   \
        change;                           \
        draw_copy(image_);                \
        QXLDrawable *d_ = opaque(image_); \
        guest_draw(guest, d_);            \
    } while (0)
    BITMAP(b->x = 0);
    BITMAP(b->y = 0);
    BITMAP(b->x = 33);
    BITMAP(b->x = 0x40000000);
    BITMAP(b->x = UINT32_MAX);
    BITMAP(b->y = 33);
    BITMAP(b->y = 31);
    BITMAP(b->y = UINT32_MAX);
    BITMAP(b->y = 0x2000001); /* * 128 = 2^32 + 128 */
    BITMAP(b->stride = 0);
    BITMAP(b->stride = 127);
    BITMAP(b->stride = UINT32_MAX);
    BITMAP(b->stride = 0x80000000; b->y = 2);
    BITMAP(b->format = 0);
    BITMAP(b->format = 0; b->palette = at(guest_alloc(guest, 2000)));
    for (int format = 11; format < 256; format += 7)
        BITMAP(b->format = format);
    for (int format = 1; format <= 5; format++)
        BITMAP(b->format = format; b->stride = 128);
    BITMAP(b->format = SPICE_BITMAP_FMT_1BIT_LE; b->palette = at(guest_alloc(guest, 2000)));
    BITMAP(b->format = SPICE_BITMAP_FMT_4BIT_LE; b->palette = at(guest_alloc(guest, 2000)));
    uint64_t bad;
    FOR_BAD_ADDRESSES(bad)
    BITMAP(b->format = SPICE_BITMAP_FMT_8BIT; b->palette = bad);
    /* A palette whose end isn't there. */
    QXLPalette *palette = (QXLPalette *)(guest->memory + guest->size - sizeof *palette - 4);
    palette->num_ents = 2;
    BITMAP(b->format = SPICE_BITMAP_FMT_8BIT; b->palette = at(palette));
    palette->num_ents = 65535;
    BITMAP(b->format = SPICE_BITMAP_FMT_8BIT; b->palette = at(palette));
}

static void bad_images(void)
{
    uint64_t bad;

    FOR_BAD_ADDRESSES(bad)
    {
        QXLDrawable *d = guest_copy(guest, 0, box(), image32());

        d->u.copy.src_bitmap = bad;
        guest_draw(guest, d);
        d = opaque(NULL);
        d->u.opaque.src_bitmap = bad;
        guest_draw(guest, d);
    }
    for (int type = 0; type < 256; type++) {
        QXLImage *image = image32();

        if (type == SPICE_IMAGE_TYPE_BITMAP)
            continue;
        image->descriptor.type = type;
        if (type == SPICE_IMAGE_TYPE_SURFACE)
            image->surface_image.surface_id = 12345;
        draw_copy(image);
    }
    /* 47 bytes of it are there. */
    QXLDrawable *d = guest_copy(guest, 0, box(), image32());
    d->u.copy.src_bitmap = last_bytes(47);
    guest_draw(guest, d);
}

static void split_lines(void)
{
    /* 7 bytes in each chunk: lines and pixels are cut. */
    static const uint8_t formats[] = {SPICE_BITMAP_FMT_16BIT, SPICE_BITMAP_FMT_24BIT,
                                      SPICE_BITMAP_FMT_32BIT, SPICE_BITMAP_FMT_RGBA,
                                      SPICE_BITMAP_FMT_8BIT_A};

    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        draw_copy(guest_bitmap(guest, formats[i], 32, 32, 128, pixels, 7));
}

static void odd_descriptors(void)
{
    static const uint32_t sizes[][2] = {
        {0, 0}, {65536, 65536}, {0x80000000, 2}, {UINT32_MAX, UINT32_MAX}, {1, 0}};

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        QXLImage *image = image32();

        image->descriptor.flags = 0xff;
        image->descriptor.width = sizes[i][0];
        image->descriptor.height = sizes[i][1];
        draw_copy(image);
    }
}

static void quic_image(const void *data, size_t size, uint32_t announced, uint32_t width,
                       uint32_t height)
{
    QXLImage *image =
        guest_inline_chunks(guest, offsetof(QXLImage, quic.data), data, size, size > 3 ? 3 : 0);

    image->descriptor.type = SPICE_IMAGE_TYPE_QUIC;
    image->descriptor.width = width;
    image->descriptor.height = height;
    image->quic.data_size = announced;
    draw_copy(image);
    QXLDrawable *d = good(QXL_DRAW_ALPHA_BLEND);
    d->u.alpha_blend.src_bitmap = at(image);
    guest_draw(guest, d);
}

static void quic_garbage(void)
{
    uint8_t stream[8192];
    size_t size;

    quic_image("", 1, 0, 32, 32);
    quic_image("garbage, garbage, garbage", 25, 25, 32, 32);
    memset(pixels, 0x55, sizeof pixels);
    CHECK(quic_encode(CODEC_FORMAT_RGB32, 32, 32, (uint8_t *)pixels, 128, stream, sizeof stream,
                      &size) == CODEC_OK);
    quic_image(stream, size, size + 1, 32, 32);
    quic_image(stream, size, size, 33, 32);
    quic_image(stream, size, size, 32, 0);
    quic_image(stream, 4, 4, 32, 32);
    quic_image(stream, size, 0xffffffff, 32, 32);
}

static void quic_cut(void)
{
    uint8_t stream[8192];
    size_t size;

    for (size_t i = 0; i < G_N_ELEMENTS(pixels); i++)
        pixels[i] = i * 2654435761u;
    CHECK(quic_encode(CODEC_FORMAT_RGB32, 32, 32, (uint8_t *)pixels, 128, stream, sizeof stream,
                      &size) == CODEC_OK);
    quic_image(stream, size / 2, size / 2, 32, 32);
    memset(stream + 40, 0xff, size - 40);
    quic_image(stream, size, size, 32, 32);
}

/* ---- surfaces as images ---- */

static void undeclared_sources(void)
{
    draw_copy(surface_image(1));
    QXLDrawable *d = good(QXL_DRAW_ALPHA_BLEND);
    d->u.alpha_blend.src_bitmap = at(surface_image(1));
    guest_draw(guest, d);
    d = good(QXL_DRAW_COMPOSITE);
    d->u.composite.mask = at(surface_image(1));
    guest_draw(guest, d);
    d = fill();
    d->u.fill.brush.type = SPICE_BRUSH_TYPE_PATTERN;
    d->u.fill.brush.u.pattern.pat = at(surface_image(1));
    guest_draw(guest, d);
    /* Declared, but of another depth: renderers can't. */
    d = guest_copy(guest, 0, box(), surface_image(2));
    d->surfaces_dest[0] = 2;
    guest_draw(guest, d);
    d = good(QXL_DRAW_TRANSPARENT);
    d->u.transparent.src_bitmap = at(surface_image(3));
    d->surfaces_dest[2] = 3;
    guest_draw(guest, d);
}

static void declared_sources(void)
{
    QXLDrawable *d = guest_copy(guest, 0, box(), surface_image(1));

    d->surfaces_dest[0] = 1;
    d->surfaces_rects[0] = guest_rect(INT32_MIN, 5, INT32_MAX, 3);
    guest_draw(guest, d);
    d = guest_copy(guest, 0, box(), surface_image(0));
    guest_draw(guest, d);
    d = good(QXL_DRAW_COMPOSITE);
    d->u.composite.src = at(surface_image(1));
    d->u.composite.mask = at(surface_image(3));
    d->surfaces_dest[0] = 1;
    d->surfaces_dest[1] = 3;
    d->surfaces_dest[2] = 2;
    guest_draw(guest, d);
    d = good(QXL_DRAW_ALPHA_BLEND);
    d->u.alpha_blend.src_bitmap = at(surface_image(2));
    d->surfaces_dest[1] = 2;
    guest_draw(guest, d);
    for (int type = QXL_DRAW_FILL; type <= QXL_DRAW_COMPOSITE; type++) {
        d = good(type);
        for (int i = 0; i < 3; i++) {
            d->surfaces_dest[i] = i + 1;
            d->surfaces_rects[i] = guest_rect(-i, INT32_MIN, 1000 * i, INT32_MAX);
        }
        guest_draw(guest, d);
    }
}

/* ---- brushes, masks, areas ---- */

static void bad_brushes(void)
{
    uint64_t bad;

    for (uint32_t type = 3; type < 300; type = type * 3 + 1) {
        QXLDrawable *d = fill();

        d->u.fill.brush.type = type;
        guest_draw(guest, d);
    }
    FOR_BAD_ADDRESSES(bad)
    {
        QXLDrawable *d = fill();

        d->u.fill.brush.type = SPICE_BRUSH_TYPE_PATTERN;
        d->u.fill.brush.u.pattern.pat = bad;
        guest_draw(guest, d);
        d = good(QXL_DRAW_TEXT);
        d->u.text.back_brush.type = SPICE_BRUSH_TYPE_PATTERN;
        d->u.text.back_brush.u.pattern.pat = bad;
        guest_draw(guest, d);
    }
    QXLDrawable *d = fill();
    d->u.fill.brush.type = SPICE_BRUSH_TYPE_PATTERN;
    guest_draw(guest, d);
}

static void bad_masks(void)
{
    static const uint8_t formats[] = {3, 4, 5, 6, 7, 8, 9, 10, 0, 11, 255};

    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
        QXLDrawable *d = fill();

        d->u.fill.mask.bitmap = at(guest_bitmap(guest, formats[i], 8, 8, 32, NULL, 0));
        guest_draw(guest, d);
        d = guest_drawable(guest, QXL_DRAW_INVERS, 0, box());
        d->u.invers.mask.bitmap = at(guest_bitmap(guest, formats[i], 8, 8, 32, NULL, 0));
        guest_draw(guest, d);
    }
    QXLImage *image = mask_image();
    image->descriptor.type = SPICE_IMAGE_TYPE_QUIC;
    QXLDrawable *d = fill();
    d->u.fill.mask.bitmap = at(image);
    guest_draw(guest, d);
    d = fill();
    d->u.fill.mask.bitmap = at(surface_image(77));
    guest_draw(guest, d);
    d = fill();
    d->u.fill.mask.bitmap = at(surface_image(0));
    guest_draw(guest, d);
    d = fill();
    image = mask_image();
    image->bitmap.data = 3;
    d->u.fill.mask.bitmap = at(image);
    guest_draw(guest, d);
}

static void unreadable_masks(void)
{
    uint64_t bad;

    FOR_BAD_ADDRESSES(bad)
    {
        QXLDrawable *d = fill();

        d->u.fill.mask.bitmap = bad;
        d->u.fill.mask.flags = 0xff;
        d->u.fill.mask.pos = (QXLPoint){INT32_MIN, INT32_MAX};
        guest_draw(guest, d);
    }
    QXLDrawable *d = fill();
    d->u.fill.mask.bitmap = at(mask_image());
    d->u.fill.mask.pos = (QXLPoint){INT32_MIN, INT32_MAX};
    guest_draw(guest, d);
}

static void no_source(void)
{
    static const int types[] = {QXL_DRAW_OPAQUE,      QXL_DRAW_ROP3,      QXL_DRAW_ALPHA_BLEND,
                                QXL_DRAW_TRANSPARENT, QXL_DRAW_COMPOSITE, QXL_DRAW_COPY,
                                QXL_DRAW_BLEND};

    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        QXLDrawable *d = good(types[i]);

        switch (types[i]) {
        case QXL_DRAW_ALPHA_BLEND:
            d->u.alpha_blend.src_bitmap = 0;
            break;
        case QXL_DRAW_COMPOSITE:
            d->u.composite.src = 0;
            break;
        default:
            d->u.opaque.src_bitmap = 0;
        }
        /* The mistake of some drivers: no source even so. */
        d->self_bitmap = types[i] == QXL_DRAW_COPY || types[i] == QXL_DRAW_BLEND;
        d->self_bitmap_area = box();
        guest_draw(guest, d);
    }
}

static void bad_self_bitmaps(void)
{
    static const int32_t areas[][4] = {
        {0, 0, 0, 0},      {50, 50, 40, 60}, {INT32_MAX, 0, INT32_MIN, 10},
        {128, 0, 160, 32}, {-32, -32, 0, 0}, {INT32_MIN, INT32_MIN, INT32_MIN + 1, INT32_MAX}};

    for (size_t i = 0; i < G_N_ELEMENTS(areas); i++) {
        QXLDrawable *d = opaque(NULL);

        d->self_bitmap = 1;
        d->self_bitmap_area = guest_rect(areas[i][0], areas[i][1], areas[i][2], areas[i][3]);
        guest_draw(guest, d);
        d = good(QXL_DRAW_COMPOSITE);
        d->u.composite.src = 0;
        d->self_bitmap = 255;
        d->self_bitmap_area = guest_rect(areas[i][0], areas[i][1], areas[i][2], areas[i][3]);
        guest_draw(guest, d);
    }
}

static void huge_self_bitmap(void)
{
    static const int types[] = {QXL_DRAW_OPAQUE, QXL_DRAW_ROP3, QXL_DRAW_ALPHA_BLEND,
                                QXL_DRAW_TRANSPARENT, QXL_DRAW_COMPOSITE};

    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        QXLDrawable *d = good(types[i]);

        if (types[i] == QXL_DRAW_ALPHA_BLEND)
            d->u.alpha_blend.src_bitmap = 0;
        else if (types[i] == QXL_DRAW_COMPOSITE)
            d->u.composite.src = 0;
        else
            d->u.opaque.src_bitmap = 0;
        d->self_bitmap = 1;
        d->self_bitmap_area = guest_rect(INT32_MIN, INT32_MIN, INT32_MAX, INT32_MAX);
        guest_draw(guest, d);
    }
}

static void bad_source_areas(void)
{
    static const int32_t areas[][4] = {{0, 0, 0, 32},        {0, 0, 32, 0},  {-1, 0, 31, 32},
                                       {0, -1, 32, 31},      {0, 0, 33, 32}, {0, 0, 32, 33},
                                       {31, 0, 1, 32},       {0, 31, 32, 1}, {INT32_MIN, 0, 32, 32},
                                       {0, 0, INT32_MAX, 32}};
    static const int types[] = {QXL_DRAW_COPY, QXL_DRAW_BLEND,       QXL_DRAW_OPAQUE,
                                QXL_DRAW_ROP3, QXL_DRAW_TRANSPARENT, QXL_DRAW_ALPHA_BLEND};

    for (size_t t = 0; t < G_N_ELEMENTS(types); t++) {
        for (size_t i = 0; i < G_N_ELEMENTS(areas); i++) {
            QXLDrawable *d = good(types[t]);
            QXLRect area = guest_rect(areas[i][0], areas[i][1], areas[i][2], areas[i][3]);

            if (types[t] == QXL_DRAW_ALPHA_BLEND)
                d->u.alpha_blend.src_area = area;
            else
                d->u.opaque.src_area = area;
            guest_draw(guest, d);
        }
    }
    QXLDrawable *d = guest_copy(guest, 0, guest_rect(0, 0, 65, 65), surface_image(1));
    d->surfaces_dest[0] = 1;
    guest_draw(guest, d);
}

static void bad_scale_modes(void)
{
    for (int mode = 2; mode < 256; mode += 100) {
        QXLDrawable *d = good(QXL_DRAW_COPY);

        d->u.copy.scale_mode = mode;
        d->u.copy.src_area = guest_rect(0, 0, 16, 16);
        guest_draw(guest, d);
        d = good(QXL_DRAW_OPAQUE);
        d->u.opaque.scale_mode = mode;
        guest_draw(guest, d);
        d = good(QXL_DRAW_ROP3);
        d->u.rop3.scale_mode = mode;
        guest_draw(guest, d);
    }
}

/* ---- composite ---- */

static void bad_composites(void)
{
    static const uint32_t operators[] = {0x0e, 0x0f, 0x1c, 0x2c, 0x3f, 0x40, 0x80, 0xff};
    uint64_t bad;

    for (size_t i = 0; i < G_N_ELEMENTS(operators); i++) {
        QXLDrawable *d = good(QXL_DRAW_COMPOSITE);

        d->u.composite.flags = operators[i];
        guest_draw(guest, d);
    }
    for (uint32_t filter = 5; filter < 8; filter++) {
        QXLDrawable *d = good(QXL_DRAW_COMPOSITE);

        d->u.composite.flags |= filter << 8;
        guest_draw(guest, d);
        d = good(QXL_DRAW_COMPOSITE);
        d->u.composite.flags |= filter << 11;
        guest_draw(guest, d);
    }
    FOR_BAD_ADDRESSES(bad)
    {
        QXLDrawable *d = good(QXL_DRAW_COMPOSITE);

        d->u.composite.mask = bad;
        guest_draw(guest, d);
    }
}

static void odd_composites(void)
{
    uint64_t bad;

    /* HAS bits without what they announce. */
    QXLDrawable *d = good(QXL_DRAW_COMPOSITE);
    d->u.composite.flags |= UINT32_C(0xfff) << 18 | 3 << 8;
    guest_draw(guest, d);
    FOR_BAD_ADDRESSES(bad)
    {
        d = good(QXL_DRAW_COMPOSITE);
        d->u.composite.src_transform = d->u.composite.mask_transform = bad;
        guest_draw(guest, d);
    }
    for (uint32_t i = 0; i < 40; i++) {
        QXLTransform *transform = guest_alloc(guest, sizeof *transform);

        transform->t00 = i * 0x10000007u;
        transform->t11 = i % 3 ? 0x80000000u >> i % 32 : 0;
        transform->t12 = 0x7fffffff * (i % 5);
        d = good(QXL_DRAW_COMPOSITE);
        d->u.composite.flags = i % 14 | (i % 5) << 8 | (i % 4) << 14;
        d->u.composite.src_transform = at(transform);
        d->u.composite.src_origin = (QXLPoint16){-32768, 32767};
        guest_draw(guest, d);
    }
}

/* ---- clips ---- */

static QXLDrawable *clipped(uint32_t announced, uint32_t given, const QXLRect *rects)
{
    QXLDrawable *d = fill();
    QXLClipRects *clip = guest_inline_chunks(guest, 4, rects, given * sizeof *rects, 24);

    clip->num_rects = announced;
    d->clip.type = SPICE_CLIP_TYPE_RECTS;
    d->clip.data = at(clip);
    return d;
}

static void bad_clips(void)
{
    QXLRect rects[4] = {box(), box(), box(), box()};
    uint64_t bad;

    guest_draw(guest, clipped(3, 4, rects));
    guest_draw(guest, clipped(5, 4, rects));
    guest_draw(guest, clipped(0x10000001, 1, rects));
    guest_draw(guest, clipped(0xffffffff, 4, rects));
    guest_draw(guest, clipped(0x10000, 1, rects));
    for (uint32_t type = 2; type < 1000; type *= 5) {
        QXLDrawable *d = clipped(4, 4, rects);

        d->clip.type = type;
        guest_draw(guest, d);
    }
    FOR_BAD_ADDRESSES(bad)
    {
        QXLDrawable *d = clipped(4, 4, rects);

        d->clip.data = bad;
        guest_draw(guest, d);
    }
}

static void empty_clips(void)
{
    QXLRect rects[3] = {guest_rect(50, 50, 40, 60), guest_rect(INT32_MAX, 0, INT32_MIN, 9),
                        guest_rect(0, 0, 10, 128)};

    guest_draw(guest, clipped(3, 3, rects));
    guest_draw(guest, clipped(0, 0, rects));
}

/* A grid of lines: as many pieces as possible. */
static void clip_bomb(void)
{
    const uint32_t n = 60000;
    QXLRect *rects = g_new(QXLRect, n);

    for (uint32_t i = 0; i < n; i++)
        rects[i] = i % 2 ? guest_rect(10 + i / 2 % 32, 10, 11 + i / 2 % 32, 42 - i % 7)
                         : guest_rect(10, 10 + i / 2 % 32, 42 - i % 5, 11 + i / 2 % 32);
    QXLDrawable *d = clipped(n, n, rects);
    d->effect = QXL_EFFECT_OPAQUE;
    guest_draw(guest, d);
    g_free(rects);
}

/* ---- paths and texts ---- */

static void bad_paths(void)
{
    uint64_t bad;
    uint32_t counts[] = {3, 0x20000001, 0x40000000, UINT32_MAX};

    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
        struct {
            QXLPathSeg head;
            QXLPointFix points[2];
        } segment = {{SPICE_PATH_BEGIN, counts[i]}, {{0, 0}, {600, 600}}};
        QXLDrawable *d = good(QXL_DRAW_STROKE);

        d->u.stroke.path = at(guest_inline_chunks(guest, 4, &segment, sizeof segment, 0));
        guest_draw(guest, d);
    }
    FOR_BAD_ADDRESSES(bad)
    {
        QXLDrawable *d = good(QXL_DRAW_STROKE);

        d->u.stroke.path = bad;
        guest_draw(guest, d);
        d = good(QXL_DRAW_STROKE);
        d->u.stroke.attr.flags = SPICE_LINE_FLAGS_STYLED;
        d->u.stroke.attr.style_nseg = 2;
        d->u.stroke.attr.style = bad;
        guest_draw(guest, d);
    }
    QXLDrawable *d = good(QXL_DRAW_STROKE);
    d->u.stroke.path = 0;
    guest_draw(guest, d);
    d = good(QXL_DRAW_STROKE);
    d->u.stroke.attr.flags = SPICE_LINE_FLAGS_STYLED;
    d->u.stroke.attr.style_nseg = 4;
    guest_draw(guest, d);
}

static void odd_paths(void)
{
    static const int32_t styles[][4] = {{0, 0, 0, 0},
                                        {-16, 16, -16, 16},
                                        {1, 0, 1, 0},
                                        {INT32_MAX, INT32_MAX, 1, 1},
                                        {INT32_MIN, 0, 0, 0}};
    struct {
        QXLPathSeg head;
        QXLPointFix points[3];
    } segment = {{SPICE_PATH_BEGIN | SPICE_PATH_BEZIER, 3},
                 {{INT32_MIN, INT32_MAX}, {INT32_MAX, INT32_MIN}, {0, 5000}}};

    for (size_t i = 0; i < G_N_ELEMENTS(styles); i++) {
        QXLDrawable *d = good(QXL_DRAW_STROKE);
        int32_t *style = guest_alloc(guest, sizeof styles[i]);

        memcpy(style, styles[i], sizeof styles[i]);
        d->u.stroke.attr.flags = 0xff;
        d->u.stroke.attr.style_nseg = 4;
        d->u.stroke.attr.style = at(style);
        d->u.stroke.path = at(guest_inline_chunks(guest, 4, &segment, sizeof segment, 0));
        guest_draw(guest, d);
        d = good(QXL_DRAW_STROKE);
        d->u.stroke.attr.flags = SPICE_LINE_FLAGS_STYLED;
        guest_draw(guest, d);
    }
    /* Empty ones, and a header with nothing behind it. */
    QXLDrawable *d = good(QXL_DRAW_STROKE);
    d->u.stroke.path = at(guest_inline_chunks(guest, 4, NULL, 0, 0));
    guest_draw(guest, d);
    d = good(QXL_DRAW_STROKE);
    d->u.stroke.path = at(guest_inline_chunks(guest, 4, "\0\0\0\0\xff\xff\xff\xff", 8, 0));
    guest_draw(guest, d);
    d = good(QXL_DRAW_STROKE);
    d->u.stroke.path = at(guest_inline_chunks(guest, 4, NULL, 800, 0));
    guest_draw(guest, d);
}

static void bad_texts(void)
{
    uint64_t bad;

    FOR_BAD_ADDRESSES(bad)
    {
        QXLDrawable *d = good(QXL_DRAW_TEXT);

        d->u.text.str = bad;
        guest_draw(guest, d);
    }
#define TEXT(change)                                                                              \
    do {                                                                                          \
        QXLDrawable *d_ = good(QXL_DRAW_TEXT);                                                    \
        QXLString *s = (QXLString *)(guest->memory + (d_->u.text.str & 0xffffffffff) - 0x100000); \
        QXLRasterGlyph *g = (QXLRasterGlyph *)s->chunk.data;                                      \
        (void)g;                                                                                  \
        change;                                                                                   \
        guest_draw(guest, d_);                                                                    \
    } while (0)
    TEXT(s->flags = 0);
    TEXT(s->flags = SPICE_STRING_FLAGS_RASTER_TOP_DOWN);
    TEXT(s->length = 0);
    TEXT(s->length = 2);
    TEXT(s->length = 65535);
    TEXT(s->data_size++);
    TEXT(s->data_size = 0);
    TEXT(s->data_size = UINT32_MAX);
    TEXT(s->flags = SPICE_STRING_FLAGS_RASTER_A4);
    TEXT(s->flags = SPICE_STRING_FLAGS_RASTER_A8);
}

static void bad_glyphs(void)
{
    static const uint16_t sizes[][2] = {{65535, 65535}, {8, 9},     {9, 8},
                                        {0, 0},         {1, 65535}, {65535, 0}};

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        struct {
            QXLRasterGlyph head;
            uint8_t rows[8];
        } __attribute__((packed))
        glyph = {{{INT32_MIN, INT32_MAX}, {INT32_MAX, 0}, sizes[i][0], sizes[i][1], {}}, {0}};
        QXLString *string = guest_inline_chunks(guest, 8, &glyph, sizeof glyph, 0);
        QXLDrawable *d = good(QXL_DRAW_TEXT);

        string->data_size = sizeof glyph;
        string->length = 1;
        string->flags = SPICE_STRING_FLAGS_RASTER_A1;
        d->u.text.str = at(string);
        guest_draw(guest, d);
    }
}

/* ---- other commands ---- */

static void updates(void)
{
    static const int32_t areas[][4] = {{0, 0, 0, 0},
                                       {10, 10, 5, 5},
                                       {-10, -10, -1, -1},
                                       {INT32_MIN, INT32_MIN, INT32_MAX, INT32_MAX}};
    GuestCall call;

    guest_clear_calls(guest);
    for (uint32_t i = 0; i < G_N_ELEMENTS(areas); i++) {
        QXLUpdateCmd *update = guest_alloc(guest, sizeof *update);

        update->area = guest_rect(areas[i][0], areas[i][1], areas[i][2], areas[i][3]);
        update->update_id = 100 + i;
        guest_push(guest, QXL_CMD_UPDATE, at(update));
    }
    guest_sync(guest);
    CHECK(guest_count(guest, GUEST_NOTIFY, &call) == 4 && call.value == 103);
}

static void messages(void)
{
    QXLMessage *message = guest_alloc(guest, sizeof *message + 200);

    strcpy((char *)message->data, "hello \033[31m %s%n\xff");
    guest_push(guest, QXL_CMD_MESSAGE, at(message));
    /* Without an end: in the slot, and within 100 000 bytes. */
    memset(guest->memory + guest->size - 200, 'x', 200);
    guest_push(guest, QXL_CMD_MESSAGE, last_bytes(200));
    guest_push(guest, QXL_CMD_MESSAGE, last_bytes(8));
    message = guest_alloc(guest, 120000);
    memset(message, 'y', 119999);
    guest_push(guest, QXL_CMD_MESSAGE, at(message));
}

static void send_surface(QXLSurfaceCmd *command)
{
    guest_push(guest, QXL_CMD_SURFACE, at(command));
}

static void bad_surfaces(void)
{
#define SURFACE(change)                                                                     \
    do {                                                                                    \
        QXLSurfaceCmd *s = guest_surface(guest, 20, SPICE_SURFACE_FMT_32_xRGB, 16, 16, 64); \
        QXLSurface *c = &s->u.surface_create;                                               \
        (void)c;                                                                            \
        change;                                                                             \
        send_surface(s);                                                                    \
    } while (0)
    SURFACE(s->surface_id = 0);
    SURFACE(s->surface_id = 1);
    SURFACE(s->surface_id = 1024);
    SURFACE(s->surface_id = UINT32_MAX);
    SURFACE(s->type = 2);
    SURFACE(s->type = 255);
    SURFACE(s->type = QXL_SURFACE_CMD_DESTROY);
    SURFACE(s->type = QXL_SURFACE_CMD_DESTROY; s->surface_id = 0);
    SURFACE(s->type = QXL_SURFACE_CMD_DESTROY; s->surface_id = 5000);
    SURFACE(c->format = 0);
    SURFACE(c->format = 2);
    SURFACE(c->format = 24);
    SURFACE(c->format = UINT32_MAX);
    SURFACE(c->width = 0);
    SURFACE(c->height = 0);
    SURFACE(c->width = 17);
    SURFACE(c->width = 65536; c->stride = 262144; c->height = 1);
    SURFACE(c->width = UINT32_MAX);
    SURFACE(c->width = 0x40000001);
    SURFACE(c->height = 0x4000001);
    SURFACE(c->height = UINT32_MAX);
    SURFACE(c->stride = 0);
    SURFACE(c->stride = 63);
    SURFACE(c->stride = 66);
    SURFACE(c->stride = -60);
    SURFACE(c->stride = -66);
    SURFACE(c->stride = INT32_MIN);
    SURFACE(c->stride = INT32_MAX);
    SURFACE(c->stride = 0x7ffffffc; c->height = 2);
    SURFACE(c->data += 2);
    SURFACE(c->data = last_bytes(1023));
    uint64_t bad;
    FOR_BAD_ADDRESSES(bad)
    SURFACE(c->data = bad);
}

static void cve_2014_3615(void)
{
    /* A surface that is larger than the memory: nothing of ours is ever read for it. */
    SURFACE(c->width = c->height = 8192; c->stride = 32768);
    SURFACE(c->width = c->height = 8192; c->stride = -32768);
    SURFACE(c->stride = 65536; c->height = guest->size / 65536 + 1);
}

/* ---- primaries and slots ---- */

static void cve_2016_2150(void)
{
    static const struct {
        uint32_t width, height;
        int32_t stride;
        uint32_t format;
    } creates[] = {
        {0, 10, 0, 32},
        {10, 0, 40, 32},
        {10, 10, 39, 32},
        {10, 10, -39, 32},
        {10, 10, INT32_MIN, 32},
        {0x40000000, 4, 0, 32},
        {65535, 65535, 262140, 32},
        {10, 0x10000000, 40, 32},
        {10, 10, 40, 33},
        {10, 10, 42, 32},
        {8192, 8192, -32768, 32},
    };

    tap_case("cve_2016_2150: parameters of the primary surface");
    guest_sync(guest);
    for (size_t i = 0; i < G_N_ELEMENTS(creates); i++) {
        QXLDevSurfaceCreate create = {
            .width = creates[i].width,
            .height = creates[i].height,
            .stride = creates[i].stride,
            .format = creates[i].format,
            .mem = at(guest_alloc(guest, 64)),
            .group_id = GUEST_GROUP,
        };

        spice_qxl_create_primary_surface(&guest->instance, 0, &create);
    }
    g_autofree char *log = fake_views_take_log();
    CHECK(!strstr(log, "create"));
    guest_fill(guest, 0, guest_rect(0, 0, 128, 128), 0x1234);
    guest_sync(guest);
    CHECK(guest_pixel(guest, 64, 64) == 0x1234);
}

static void cve_2022_4144(void)
{
    /* Every structure so close to the slot's end that it begins inside and ends outside. */
    for (size_t n = 1; n < 220; n++) {
        QXLImage *image;
        QXLDrawable *d;

        if (n >= 8) {
            /* What is there is a good drawing, cut off. */
            memset(guest->memory + guest->size - n, 0, n);
            if (n < sizeof *d) {
                d = good(1 + n % 14);
                memcpy(guest->memory + guest->size - n, d, n);
                guest_push(guest, QXL_CMD_DRAW, last_bytes(n));
                guest_sync(guest);
            }
        }
        image = image32();
        image->bitmap.flags |= QXL_BITMAP_DIRECT;
        image->bitmap.data = last_bytes(MIN(n, 4095));
        draw_copy(image);
        if (n < 48) {
            d = guest_copy(guest, 0, box(), image32());
            memcpy(guest->memory + guest->size - n, image, n);
            d->u.copy.src_bitmap = last_bytes(n);
            guest_draw(guest, d);
            guest_sync(guest);
        }
        if (n < 20) {
            memset(guest->memory + guest->size - n, 0, n);
            image = image32();
            image->bitmap.data = last_bytes(n);
            draw_copy(image);
        }
    }
}

static void whole_slot(void)
{
    /* The last byte is usable. */
    QXLImage *image = image32();

    image->bitmap.flags |= QXL_BITMAP_DIRECT;
    image->bitmap.data = last_bytes(4096);
    draw_copy(image);
}

int main(void)
{
    begin();
    every_good_type();
    rejected("unknown commands in the display ring", unknown_commands);
    rejected("unknown commands in the cursor ring", unknown_in_cursor_ring);
    rejected("unknown types of drawings, NOP with effect OPAQUE too", unknown_types);
    rejected("commands that are cut off by the slot's end", cut_commands);
    rejected("cve_2015_5260: ids of surfaces that don't exist, in every command", targets);
    rejected("boxes outside of the surface, inverted, empty", boxes);
    rejected("chunk lists: bad links", bad_chunks);
    rejected("chunk lists: circular", circular_chunks);
    rejected("chunk lists: too long, beyond 2 GiB", huge_chunks);
    rejected("bitmaps: size, stride, format, palette, data", bad_bitmaps);
    rejected("images: address and type", bad_images);
    drawn("chunks that end inside a line, and inside a pixel", split_lines);
    drawn("descriptors whose size is nonsense", odd_descriptors);
    rejected("QUIC: headers that are wrong", quic_garbage);
    drawn("cve_2020_14355: QUIC whose data end early or are garbage", quic_cut);
    rejected("images of surfaces that weren't declared, or don't fit", undeclared_sources);
    drawn("images of surfaces, with areas out of this world", declared_sources);
    rejected("brushes", bad_brushes);
    rejected("masks that aren't bits", bad_masks);
    drawn("masks that can't be read are none", unreadable_masks);
    rejected("drawings without their image", no_source);
    rejected("self bitmaps outside of the surface", bad_self_bitmaps);
    drawn("self bitmaps larger than the surface", huge_self_bitmap);
    rejected("source areas", bad_source_areas);
    rejected("scale modes", bad_scale_modes);
    rejected("composite: operators, filters, masks", bad_composites);
    drawn("composite: bits without substance, transforms of all kinds", odd_composites);
    rejected("clips", bad_clips);
    rejected("clips of nothing", empty_clips);
    drawn("a clip of 60000 lines that cross", clip_bomb);
    rejected("paths and styles", bad_paths);
    drawn("paths: empty, endless, with styles that go nowhere", odd_paths);
    rejected("texts", bad_texts);
    rejected("glyphs larger than their text", bad_glyphs);
    rejected("updates of empty, negative and endless areas", updates);
    rejected("messages: without an end, with control characters", messages);
    rejected("cve_2015_5261: surfaces: size, stride, format, address, number", bad_surfaces);
    rejected("cve_2014_3615: surfaces larger than the memory", cve_2014_3615);
    rejected("cve_2022_4144, cve_2010_0431: structures over the slot's end", cve_2022_4144);
    drawn("the slot's last byte", whole_slot);
    cve_2016_2150();
    commands_outside();
    end();
    return tap_done();
}
