/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hostile commands, surfaces, images and slots: rows of docs/spec/server-display.md 5.1 and the
 * holes of QXL in docs/spec/dangers.md. Built twice: without clients, and with some (25.1). */
#include <string.h>

#include "codec/quic.h"
#include "server/fake-rooms.h"
#include "server/hostile.h"
#include "worker/worker-private.h"

static void send_good(void)
{
    for (int type = QXL_DRAW_FILL; type <= QXL_DRAW_COMPOSITE; type++)
        guest_draw(guest, hostile_good(type));
}
/* ---- commands ---- */

static void every_good_type(void)
{
    g_autofree char *log = NULL;

    hostile_case("every type of drawing is taken");
    log = hostile_sent_and_done(send_good);
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
        guest_push(guest, types[i], hostile_at(hostile_fill()));
}

static void unknown_in_cursor_ring(void)
{
    for (uint32_t type = 0; type < 8; type++)
        guest_push_cursor(guest, type == QXL_CMD_CURSOR ? 99 : type, hostile_at(hostile_fill()));
}

static void unknown_types(void)
{
    for (int type = 0; type < 256; type++) {
        QXLDrawable *d = hostile_fill();

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

    hostile_case(
        "cve_2010_0428, cve_2010_0429: commands at any address; a slot or group that is one too "
        "high (cve_2019_3813)");
    guest_sync(guest);
    out = guest_n_out(guest);
    unsigned int released = guest_released(guest);
    for (uint32_t type = 0; type < 7; type++) {
        FOR_BAD_ADDRESSES(address)
        {
            if (address == hostile_last_bytes(5))
                continue;
            guest_push(guest, type, address);
            guest_push_cursor(guest, type, address);
        }
        for (uint32_t group = 0; group < 4; group++) {
            QXLCommandExt command = {
                {hostile_at(hostile_fill()), type, 0}, group == 1 ? 4 : group, 0};

            guest_push_ext(guest, &command);
        }
        guest_push_ext(guest,
                       &(QXLCommandExt){{hostile_at(hostile_fill()), type, 0}, UINT32_MAX, 0});
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
            guest_push(guest, type, hostile_last_bytes(n));
            guest_sync(guest); /* they lie over one another */
        }
    }
    guest_push_cursor(guest, QXL_CMD_CURSOR, hostile_last_bytes(9));
}

static void targets(void)
{
    static const uint32_t ids[] = {4,     5,          1023,       1024,      1025,
                                   65536, 0x7fffffff, 0x80000000, UINT32_MAX};

    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
        QXLUpdateCmd *update = guest_alloc(guest, sizeof *update);
        QXLDrawable *d = hostile_fill();

        d->surface_id = ids[i];
        guest_draw(guest, d);
        for (int k = 0; k < 3; k++) {
            d = hostile_fill();
            d->surfaces_dest[k] = ids[i] == UINT32_MAX ? -2 : (int32_t)ids[i];
            guest_draw(guest, d);
        }
        update->area = hostile_box();
        update->surface_id = ids[i];
        guest_push(guest, QXL_CMD_UPDATE, hostile_at(update));
        hostile_draw_copy(hostile_surface_image(ids[i]));
        d = hostile_fill();
        d->u.fill.brush.type = SPICE_BRUSH_TYPE_PATTERN;
        d->u.fill.brush.u.pattern.pat = hostile_at(hostile_surface_image(ids[i]));
        guest_draw(guest, d);
    }
}

static void boxes(void)
{
    static const int32_t values[] = {INT32_MIN, -1, 128, 129, INT32_MAX};

    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        for (int side = 0; side < 4; side++) {
            QXLDrawable *d = hostile_fill();
            int32_t sides[] = {10, 10, 42, 42};

            if (side >= 2 && values[i] == 128)
                continue;
            sides[side] = values[i];
            d->bbox = guest_rect(sides[0], sides[1], sides[2], sides[3]);
            guest_draw(guest, d);
        }
    }
    for (int side = 0; side < 2; side++) {
        QXLDrawable *d = hostile_fill();

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
        QXLImage *image = hostile_image32();
        uint8_t *link = guest_inline_chunks(guest, 0, hostile_pixels, 2048, 0);

        image->bitmap.data = bad;
        hostile_draw_copy(image);
        image = hostile_image32();
        ((QXLDataChunk *)link)->next_chunk = bad;
        image->bitmap.data = hostile_at(link);
        hostile_draw_copy(image);
        image = hostile_image32();
        image->bitmap.flags |= QXL_BITMAP_DIRECT;
        image->bitmap.data = bad;
        hostile_draw_copy(image);
    }
}

static void circular_chunks(void)
{
    for (int size = 0; size < 3; size++) {
        QXLImage *image = hostile_image32();
        QXLDataChunk *chunk = guest_alloc(guest, sizeof *chunk + 16), *other;

        chunk->data_size = size == 2 ? 8 : size;
        other = guest_alloc(guest, sizeof *other);
        chunk->next_chunk = hostile_at(size == 2 ? other : chunk);
        other->next_chunk = hostile_at(chunk);
        image->bitmap.data = hostile_at(chunk);
        hostile_draw_copy(image);
        QXLDrawable *d = hostile_good(QXL_DRAW_STROKE);
        d->u.stroke.path = hostile_at(chunk) - 4;
        guest_draw(guest, d);
    }
}

static void huge_chunks(void)
{
    /* Eight pages of one's own memory, again and again: 16 MiB each time. */
    QXLImage *image = hostile_image32();
    QXLDataChunk *first = guest_alloc(guest, sizeof *first + (16 << 20)), *chunk = first;

    for (int i = 0; i < 200; i++) {
        chunk->data_size = i == 0 ? 16 << 20 : 0x7ffffff;
        QXLDataChunk *next = (QXLDataChunk *)((uint8_t *)first + 32 * (i + 1));
        chunk->data_size = 15 << 20;
        chunk->next_chunk = hostile_at(next);
        chunk = next;
    }
    chunk->data_size = 1;
    image->bitmap.data = hostile_at(first);
    hostile_draw_copy(image);
    image = hostile_image32();
    QXLDataChunk *big = guest_alloc(guest, sizeof *big);
    big->data_size = UINT32_MAX;
    image->bitmap.data = hostile_at(big);
    hostile_draw_copy(image);
    big = guest_alloc(guest, sizeof *big);
    big->data_size = 0x80000000;
    image = hostile_image32();
    image->bitmap.data = hostile_at(big);
    hostile_draw_copy(image);
}

static void bad_bitmaps(void)
{
#define BITMAP(change)                            \
    do {                                          \
        QXLImage *image_ = hostile_image32();     \
        QXLBitmap *b = &image_->bitmap;           \
        change;                                   \
        hostile_draw_copy(image_);                \
        QXLDrawable *d_ = hostile_opaque(image_); \
        guest_draw(guest, d_);                    \
    } while (0)
    BITMAP(b->x = 0);
    BITMAP(b->y = 0);
    BITMAP(b->x = 33);
    BITMAP(b->x = 0x40000000);
    BITMAP(b->x = UINT32_MAX);
    BITMAP(b->y = 33);
    BITMAP(b->y = 31);
    BITMAP(b->y = UINT32_MAX);
    BITMAP(b->y = 0x2000020); /* * 128 = 2^32 + 4096, and 4096 bytes are there */
    BITMAP(b->stride = 0);
    BITMAP(b->stride = 127);
    BITMAP(b->stride = UINT32_MAX);
    BITMAP(b->stride = 0x80000000; b->y = 2);
    BITMAP(b->format = 0);
    BITMAP(b->format = 0; b->palette = hostile_at(guest_alloc(guest, 2000)));
    for (int format = 11; format < 256; format += 7)
        BITMAP(b->format = format);
    for (int format = 1; format <= 5; format++)
        BITMAP(b->format = format; b->stride = 128);
    BITMAP(b->format = SPICE_BITMAP_FMT_1BIT_LE; b->palette = hostile_at(guest_alloc(guest, 2000)));
    BITMAP(b->format = SPICE_BITMAP_FMT_4BIT_LE; b->palette = hostile_at(guest_alloc(guest, 2000)));
    uint64_t bad;
    FOR_BAD_ADDRESSES(bad)
    BITMAP(b->format = SPICE_BITMAP_FMT_8BIT; b->palette = bad);
    /* A palette whose end isn't there. */
    QXLPalette *palette = (QXLPalette *)(guest->memory + guest->size - sizeof *palette - 4);
    palette->num_ents = 2;
    BITMAP(b->format = SPICE_BITMAP_FMT_8BIT; b->palette = hostile_at(palette));
    palette->num_ents = 65535;
    BITMAP(b->format = SPICE_BITMAP_FMT_8BIT; b->palette = hostile_at(palette));
    /* All that is used of it is there. */
    palette = (QXLPalette *)(guest->memory + guest->size - sizeof *palette - 256 * 4);
    palette->num_ents = 257;
    BITMAP(b->format = SPICE_BITMAP_FMT_8BIT; b->palette = hostile_at(palette));
}

static void bad_images(void)
{
    uint64_t bad;

    FOR_BAD_ADDRESSES(bad)
    {
        QXLDrawable *d = guest_copy(guest, 0, hostile_box(), hostile_image32());

        d->u.copy.src_bitmap = bad;
        guest_draw(guest, d);
        d = hostile_opaque(NULL);
        d->u.opaque.src_bitmap = bad;
        guest_draw(guest, d);
    }
    for (int type = 0; type < 256; type++) {
        QXLImage *image = hostile_image32();

        if (type == SPICE_IMAGE_TYPE_BITMAP)
            continue;
        image->descriptor.type = type;
        if (type == SPICE_IMAGE_TYPE_SURFACE)
            image->surface_image.surface_id = 12345;
        hostile_draw_copy(image);
    }
    /* 47 bytes of it are there. */
    QXLDrawable *d = guest_copy(guest, 0, hostile_box(), hostile_image32());
    d->u.copy.src_bitmap = hostile_last_bytes(47);
    guest_draw(guest, d);
}

static void split_lines(void)
{
    /* 7 bytes in each chunk: lines and hostile_pixels are cut. */
    static const uint8_t formats[] = {SPICE_BITMAP_FMT_16BIT, SPICE_BITMAP_FMT_24BIT,
                                      SPICE_BITMAP_FMT_32BIT, SPICE_BITMAP_FMT_RGBA,
                                      SPICE_BITMAP_FMT_8BIT_A};

    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        hostile_draw_copy(guest_bitmap(guest, formats[i], 32, 32, 128, hostile_pixels, 7));
}

/* They are skipped, wherever they stand. */
static void empty_chunks(void)
{
    QXLImage *image = hostile_image32();
    QXLDataChunk *chunk = NULL;
    uint64_t next = 0;

    for (int i = 8; i-- > 0; next = hostile_at(chunk)) {
        chunk = guest_alloc(guest, sizeof *chunk + 1024);
        chunk->data_size = i % 2 ? 1024 : 0;
        chunk->next_chunk = next;
    }
    image->bitmap.data = next;
    hostile_draw_copy(image);
}

static void odd_descriptors(void)
{
    static const uint32_t sizes[][2] = {
        {0, 0}, {65536, 65536}, {0x80000000, 2}, {UINT32_MAX, UINT32_MAX}, {1, 0}};

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        QXLImage *image = hostile_image32();

        image->descriptor.flags = 0xff;
        image->descriptor.width = sizes[i][0];
        image->descriptor.height = sizes[i][1];
        hostile_draw_copy(image);
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
    hostile_draw_copy(image);
    QXLDrawable *d = hostile_good(QXL_DRAW_ALPHA_BLEND);
    d->u.alpha_blend.src_bitmap = hostile_at(image);
    guest_draw(guest, d);
}

static void quic_garbage(void)
{
    uint8_t stream[8192];
    size_t size;

    quic_image("", 1, 0, 32, 32);
    quic_image("garbage, garbage, garbage", 25, 25, 32, 32);
    memset(hostile_pixels, 0x55, sizeof hostile_pixels);
    CHECK(quic_encode(CODEC_FORMAT_RGB32, 32, 32, (uint8_t *)hostile_pixels, 128, stream,
                      sizeof stream, &size) == CODEC_OK);
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

    for (size_t i = 0; i < G_N_ELEMENTS(hostile_pixels); i++)
        hostile_pixels[i] = i * 2654435761u;
    CHECK(quic_encode(CODEC_FORMAT_RGB32, 32, 32, (uint8_t *)hostile_pixels, 128, stream,
                      sizeof stream, &size) == CODEC_OK);
    quic_image(stream, size / 2, size / 2, 32, 32);
    memset(stream + 40, 0xff, size - 40);
    quic_image(stream, size, size, 32, 32);
}

/* ---- surfaces as images ---- */

static void undeclared_sources(void)
{
    hostile_draw_copy(hostile_surface_image(1));
    QXLDrawable *d = hostile_good(QXL_DRAW_ALPHA_BLEND);
    d->u.alpha_blend.src_bitmap = hostile_at(hostile_surface_image(1));
    guest_draw(guest, d);
    d = hostile_good(QXL_DRAW_COMPOSITE);
    d->u.composite.mask = hostile_at(hostile_surface_image(1));
    guest_draw(guest, d);
    d = hostile_fill();
    d->u.fill.brush.type = SPICE_BRUSH_TYPE_PATTERN;
    d->u.fill.brush.u.pattern.pat = hostile_at(hostile_surface_image(1));
    guest_draw(guest, d);
    /* Declared, but of another depth: renderers can't. */
    d = guest_copy(guest, 0, hostile_box(), hostile_surface_image(2));
    d->surfaces_dest[0] = 2;
    guest_draw(guest, d);
    d = hostile_good(QXL_DRAW_TRANSPARENT);
    d->u.transparent.src_bitmap = hostile_at(hostile_surface_image(3));
    d->surfaces_dest[2] = 3;
    guest_draw(guest, d);
}

static void declared_sources(void)
{
    QXLDrawable *d = guest_copy(guest, 0, hostile_box(), hostile_surface_image(1));

    d->surfaces_dest[0] = 1;
    d->surfaces_rects[0] = guest_rect(INT32_MIN, 5, INT32_MAX, 3);
    guest_draw(guest, d);
    d = guest_copy(guest, 0, hostile_box(), hostile_surface_image(0));
    guest_draw(guest, d);
    d = hostile_good(QXL_DRAW_COMPOSITE);
    d->u.composite.src = hostile_at(hostile_surface_image(1));
    d->u.composite.mask = hostile_at(hostile_surface_image(3));
    d->surfaces_dest[0] = 1;
    d->surfaces_dest[1] = 3;
    d->surfaces_dest[2] = 2;
    guest_draw(guest, d);
    d = hostile_good(QXL_DRAW_ALPHA_BLEND);
    d->u.alpha_blend.src_bitmap = hostile_at(hostile_surface_image(2));
    d->surfaces_dest[1] = 2;
    guest_draw(guest, d);
    for (int type = QXL_DRAW_FILL; type <= QXL_DRAW_COMPOSITE; type++) {
        d = hostile_good(type);
        for (int i = 0; i < 3; i++) {
            d->surfaces_dest[i] = i + 1;
            d->surfaces_rects[i] = guest_rect(-i, INT32_MIN, 1000 * i, INT32_MAX);
        }
        guest_draw(guest, d);
    }
}

/* Of 16 bits that no image can say, unknown to clients until somebody needs it. */
static void surface_565(void)
{
    QXLSurfaceCmd *create = guest_surface(guest, 30, SPICE_SURFACE_FMT_16_565, 64, 64, 128);
    QXLDrawable *d = hostile_good(QXL_DRAW_ALPHA_BLEND);

    create->flags = QXL_SURF_FLAG_KEEP_DATA;
    guest_push(guest, QXL_CMD_SURFACE, hostile_at(create));
    d->u.alpha_blend.src_bitmap = hostile_at(hostile_surface_image(30));
    d->surfaces_dest[1] = 30;
    guest_draw(guest, d);
    guest_sync(guest);
    for (int i = 0; i < 5; i++) /* clients take it */
        fake_server_run(worker_of(&guest->instance)->server);
    guest_destroy_surface(guest, 30);
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
        guest_push(guest, QXL_CMD_UPDATE, hostile_at(update));
    }
    QXLUpdateCmd *nowhere = guest_alloc(guest, sizeof *nowhere);
    nowhere->area = hostile_box();
    nowhere->surface_id = 77;
    guest_push(guest, QXL_CMD_UPDATE, hostile_at(nowhere));
    guest_sync(guest);
    CHECK(guest_count(guest, GUEST_NOTIFY, &call) == 4 && call.value == 103);
}

static void messages(void)
{
    QXLMessage *message = guest_alloc(guest, sizeof *message + 200);

    strcpy((char *)message->data, "hello \033[31m %s%n\xff");
    guest_push(guest, QXL_CMD_MESSAGE, hostile_at(message));
    /* Without an end: in the slot, and within 100 000 bytes. */
    memset(guest->memory + guest->size - 200, 'x', 200);
    guest_push(guest, QXL_CMD_MESSAGE, hostile_last_bytes(200));
    guest_push(guest, QXL_CMD_MESSAGE, hostile_last_bytes(8));
    message = guest_alloc(guest, 120000);
    memset(message, 'y', 119999);
    guest_push(guest, QXL_CMD_MESSAGE, hostile_at(message));
}

static void send_surface(QXLSurfaceCmd *command)
{
    guest_push(guest, QXL_CMD_SURFACE, hostile_at(command));
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
    SURFACE(c->format = SPICE_SURFACE_FMT_1_A);
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
    SURFACE(c->data = hostile_last_bytes(1023));
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

    hostile_case("cve_2016_2150: parameters of the primary surface");
    guest_sync(guest);
    for (size_t i = 0; i < G_N_ELEMENTS(creates); i++) {
        QXLDevSurfaceCreate create = {
            .width = creates[i].width,
            .height = creates[i].height,
            .stride = creates[i].stride,
            .format = creates[i].format,
            .mem = hostile_at(guest_alloc(guest, 64)),
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
                d = hostile_good(1 + n % 14);
                memcpy(guest->memory + guest->size - n, d, n);
                guest_push(guest, QXL_CMD_DRAW, hostile_last_bytes(n));
                guest_sync(guest);
            }
        }
        image = hostile_image32();
        image->bitmap.flags |= QXL_BITMAP_DIRECT;
        image->bitmap.data = hostile_last_bytes(MIN(n, 4095));
        hostile_draw_copy(image);
        if (n < 48) {
            d = guest_copy(guest, 0, hostile_box(), hostile_image32());
            memcpy(guest->memory + guest->size - n, image, n);
            d->u.copy.src_bitmap = hostile_last_bytes(n);
            guest_draw(guest, d);
            guest_sync(guest);
        }
        if (n < 20) {
            memset(guest->memory + guest->size - n, 0, n);
            image = hostile_image32();
            image->bitmap.data = hostile_last_bytes(n);
            hostile_draw_copy(image);
        }
    }
}

static void whole_slot(void)
{
    /* The last byte is usable. */
    QXLImage *image = hostile_image32();

    image->bitmap.flags |= QXL_BITMAP_DIRECT;
    image->bitmap.data = hostile_last_bytes(4096);
    hostile_draw_copy(image);
}

int main(void)
{
    hostile_begin();
    every_good_type();
    hostile_rejected("unknown commands in the display ring", unknown_commands);
    hostile_rejected("unknown commands in the cursor ring", unknown_in_cursor_ring);
    hostile_rejected("unknown types of drawings, NOP with effect OPAQUE too", unknown_types);
    hostile_rejected("commands that are cut off by the slot's end", cut_commands);
    hostile_rejected("cve_2015_5260: ids of surfaces that don't exist, in every command", targets);
    hostile_rejected("boxes outside of the surface, inverted, empty", boxes);
    hostile_rejected("qxl_unpack_chunks_2025: chunk lists: bad links", bad_chunks);
    hostile_rejected("unbounded_guest_data_2015: chunk lists: circular", circular_chunks);
    hostile_rejected("unbounded_guest_data_2015: chunk lists: too long, beyond 2 GiB", huge_chunks);
    hostile_rejected("bitmap_consistent_2015: bitmaps: size, stride, format, palette, data",
                     bad_bitmaps);
    hostile_rejected("images: address and type", bad_images);
    hostile_drawn("chunks that end inside a line, and inside a pixel", split_lines, 5);
    hostile_drawn("chunks without data between others", empty_chunks, 1);
    hostile_drawn("descriptors whose size is nonsense", odd_descriptors, 5);
    hostile_rejected("QUIC: headers that are wrong", quic_garbage);
    hostile_drawn("cve_2020_14355: QUIC whose data end early or are garbage", quic_cut, 4);
    hostile_rejected("images of surfaces that weren't declared, or don't fit", undeclared_sources);
    hostile_drawn("images of surfaces, with areas out of this world", declared_sources, 18);
    unsigned created = rooms_drawings[SPICE_MSG_DISPLAY_SURFACE_CREATE];
    hostile_drawn("a surface of 16 bits 565 that clients have to be told of", surface_565, 1);
    CHECK(rooms_have_logs || rooms_drawings[SPICE_MSG_DISPLAY_SURFACE_CREATE] > created);
    hostile_rejected("updates of empty, negative and endless areas", updates);
    hostile_rejected("messages: without an end, with control characters", messages);
    hostile_rejected("cve_2015_5261: surfaces: size, stride, format, address, number",
                     bad_surfaces);
    hostile_rejected("cve_2014_3615: surfaces larger than the memory", cve_2014_3615);
    hostile_rejected("cve_2022_4144, cve_2010_0431: structures over the slot's end", cve_2022_4144);
    hostile_drawn("the slot's last byte", whole_slot, 1);
    cve_2016_2150();
    commands_outside();
    return hostile_end();
}
