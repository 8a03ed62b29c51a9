/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random good drawings of every type, by public calls only: so the same program runs on the
 * deployed library and on ours, and prints what is in the surface's memory after each of them.
 * usage: qxl-pixels [SEED [DRAWINGS]] */
#include <stdlib.h>
#include <string.h>

#include "glib-core.h"
#include "server/guest.h"

enum { SIZE = 96 };

static Guest *guest;
static GRand *rand_;

static int between(int low, int high) /* both included */
{
    return g_rand_int_range(rand_, low, high + 1);
}

static uint64_t at(const void *memory)
{
    return guest_address(guest, memory);
}

static uint32_t color(void)
{
    return g_rand_int(rand_) & 0xffffff;
}

static QXLRect box(int max)
{
    int w = between(1, max), h = between(1, max), x = between(0, SIZE - w),
        y = between(0, SIZE - h);

    return guest_rect(x, y, x + w, y + h);
}

static QXLImage *image(int width, int height)
{
    static const struct {
        uint8_t format, bits;
    } formats[] = {
        {SPICE_BITMAP_FMT_32BIT, 32},  {SPICE_BITMAP_FMT_RGBA, 32}, {SPICE_BITMAP_FMT_24BIT, 24},
        {SPICE_BITMAP_FMT_16BIT, 16},  {SPICE_BITMAP_FMT_8BIT, 8},  {SPICE_BITMAP_FMT_4BIT_BE, 4},
        {SPICE_BITMAP_FMT_1BIT_BE, 1},
    };
    int f = between(0, G_N_ELEMENTS(formats) - 1);
    size_t stride = (width * formats[f].bits + 31) / 32 * 4 + 4 * between(0, 2);
    uint8_t *pixels = g_malloc(stride * height);
    QXLImage *made;

    for (size_t i = 0; i < stride * height; i++)
        pixels[i] = g_rand_int(rand_);
    /* Colours are premultiplied. */
    if (formats[f].format == SPICE_BITMAP_FMT_RGBA) {
        for (size_t i = 0; i + 3 < stride * height; i += 4)
            for (int k = 0; k < 3; k++)
                pixels[i + k] = pixels[i + k] * pixels[i + 3] / 255;
    }
    made = guest_bitmap(guest, formats[f].format, width, height, stride, pixels,
                        between(0, 1) ? 0 : between(5, 3000));
    g_free(pixels);
    if (between(0, 2) == 0)
        made->bitmap.flags &= ~QXL_BITMAP_TOP_DOWN;
    if (formats[f].bits <= 8) {
        QXLPalette *palette = guest_alloc(guest, sizeof *palette + 4 * 256);

        palette->num_ents = 1 << formats[f].bits;
        for (int i = 0; i < palette->num_ents; i++)
            palette->ents[i] = color();
        made->bitmap.palette = at(palette);
    }
    return made;
}

static void set_mask(QXLQMask *mask)
{
    uint8_t bits[SIZE * 12];

    if (between(0, 2))
        return;
    for (size_t i = 0; i < sizeof bits; i++)
        bits[i] = g_rand_int(rand_);
    mask->flags = between(0, 1);
    mask->pos = (QXLPoint){between(0, 8), between(0, 8)};
    mask->bitmap =
        at(guest_bitmap(guest, between(0, 1) ? SPICE_BITMAP_FMT_1BIT_BE : SPICE_BITMAP_FMT_1BIT_LE,
                        SIZE, SIZE, 12, bits, between(0, 1) * 100));
}

static void set_brush(QXLBrush *brush, bool pattern)
{
    brush->type = SPICE_BRUSH_TYPE_SOLID;
    if (!pattern || between(0, 2)) {
        brush->u.color = color();
        return;
    }
    brush->type = SPICE_BRUSH_TYPE_PATTERN;
    brush->u.pattern.pat = at(image(between(1, 20), between(1, 20)));
    brush->u.pattern.pos = (QXLPoint){between(0, 20), between(0, 20)};
}

static uint16_t rop(void)
{
    static const uint16_t ops[] = {8, 8, 8, 0x10, 0x20, 0x40, 0x80, 0x100, 0x200};

    return ops[between(0, G_N_ELEMENTS(ops) - 1)] | (between(0, 2) ? 0 : between(0, 7)) |
           (between(0, 3) ? 0 : SPICE_ROPD_INVERS_RES);
}

/* An image with a part that fits the box, scaled now and then. */
static uint64_t source(const QXLDrawable *d, QXLRect *area, bool scaled)
{
    int w = d->bbox.right - d->bbox.left, h = d->bbox.bottom - d->bbox.top;
    int x = between(0, 5), y = between(0, 5);

    if (scaled && between(0, 3) == 0) {
        w = between(1, 40);
        h = between(1, 40);
    }
    *area = guest_rect(x, y, x + w, y + h);
    return at(image(x + w + between(0, 5), y + h + between(0, 5)));
}

static void set_clip(QXLDrawable *d)
{
    QXLRect rects[6];
    QXLClipRects *clip;
    int n = between(1, 6);

    if (between(0, 2))
        return;
    for (int i = 0; i < n; i++)
        rects[i] = box(60);
    clip = guest_inline_chunks(guest, 4, rects, n * sizeof *rects, 20);
    clip->num_rects = n;
    d->clip.type = SPICE_CLIP_TYPE_RECTS;
    d->clip.data = at(clip);
}

static void set_path(QXLStroke *stroke)
{
    struct {
        QXLPathSeg head;
        QXLPointFix points[5];
    } segment = {{SPICE_PATH_BEGIN | SPICE_PATH_END, between(2, 5)}, {{0}}};
    int32_t *style;

    for (unsigned i = 0; i < segment.head.count; i++)
        segment.points[i] = (QXLPointFix){16 * between(0, SIZE), 16 * between(0, SIZE)};
    stroke->path = at(guest_inline_chunks(
        guest, 4, &segment, sizeof segment.head + segment.head.count * sizeof(QXLPointFix), 7));
    if (between(0, 2) == 0) {
        style = guest_alloc(guest, 16);
        for (int i = 0; i < 2; i++)
            style[i] = 16 * between(1, 9);
        stroke->attr.flags = SPICE_LINE_FLAGS_STYLED;
        stroke->attr.style_nseg = 2;
        stroke->attr.style = at(style);
    }
}

static uint64_t string(const QXLDrawable *d)
{
    int bits = between(0, 1) ? 1 : 4, n = between(1, 5);
    uint8_t data[5 * (sizeof(QXLRasterGlyph) + 128)];
    QXLString *made;
    size_t size = 0;

    for (int i = 0; i < n; i++) {
        QXLRasterGlyph head = {{d->bbox.left + 10 * i, d->bbox.top + 8}, {0, -6}};

        head.width = between(1, 12);
        head.height = between(1, 12);
        memcpy(data + size, &head, sizeof head);
        size += sizeof head;
        for (int k = (head.width * bits + 7) / 8 * head.height; k > 0; k--)
            data[size++] = g_rand_int(rand_);
    }
    made = guest_inline_chunks(guest, 8, data, size, between(3, 500));
    made->data_size = size;
    made->length = n;
    made->flags = bits == 1 ? SPICE_STRING_FLAGS_RASTER_A1 : SPICE_STRING_FLAGS_RASTER_A4;
    return at(made);
}

static uint8_t ternary(void)
{
    for (;;) {
        uint8_t code = g_rand_int(rand_);

        if (code >> 4 != (code & 15) && (code >> 2 & 0x33) != (code & 0x33) &&
            (code >> 1 & 0x55) != (code & 0x55))
            return code;
    }
}

static QXLDrawable *drawing(void)
{
    int type = between(QXL_DRAW_FILL, QXL_DRAW_COMPOSITE);
    QXLDrawable *d = guest_drawable(guest, type, 0, box(60));

    /* A promise that holds whenever it is made here. */
    if (type == QXL_DRAW_BLACKNESS || type == QXL_DRAW_WHITENESS)
        d->effect = QXL_EFFECT_OPAQUE;
    if (type != QXL_DRAW_STROKE)
        set_clip(d);
    switch (type) {
    case QXL_DRAW_FILL:
        set_brush(&d->u.fill.brush, true);
        d->u.fill.rop_descriptor = rop();
        set_mask(&d->u.fill.mask);
        if (d->u.fill.rop_descriptor == SPICE_ROPD_OP_PUT && !d->u.fill.mask.bitmap)
            d->effect = QXL_EFFECT_OPAQUE;
        break;
    case QXL_DRAW_OPAQUE:
        d->u.opaque.src_bitmap = source(d, &d->u.opaque.src_area, true);
        d->u.opaque.scale_mode = between(0, 1);
        set_brush(&d->u.opaque.brush, true);
        d->u.opaque.rop_descriptor = rop();
        set_mask(&d->u.opaque.mask);
        break;
    case QXL_DRAW_COPY:
    case QXL_DRAW_BLEND:
        d->u.copy.src_bitmap = source(d, &d->u.copy.src_area, true);
        d->u.copy.scale_mode = between(0, 1);
        d->u.copy.rop_descriptor = rop();
        set_mask(&d->u.copy.mask);
        if (d->u.copy.rop_descriptor == SPICE_ROPD_OP_PUT && !d->u.copy.mask.bitmap)
            d->effect = QXL_EFFECT_OPAQUE;
        break;
    case QXL_COPY_BITS:
        d->u.copy_bits.src_pos = (QXLPoint){between(0, SIZE - (d->bbox.right - d->bbox.left)),
                                            between(0, SIZE - (d->bbox.bottom - d->bbox.top))};
        break;
    case QXL_DRAW_BLACKNESS:
    case QXL_DRAW_WHITENESS:
    case QXL_DRAW_INVERS:
        set_mask(&d->u.invers.mask);
        if (d->u.invers.mask.bitmap)
            d->effect = QXL_EFFECT_BLEND;
        break;
    case QXL_DRAW_ROP3:
        d->u.rop3.src_bitmap = source(d, &d->u.rop3.src_area, true);
        d->u.rop3.scale_mode = between(0, 1);
        set_brush(&d->u.rop3.brush, true);
        /* Beyond it, the deployed library reads beside the pattern. */
        if (d->u.rop3.brush.type == SPICE_BRUSH_TYPE_PATTERN) {
            d->u.rop3.brush.u.pattern.pos.x = between(0, d->bbox.left);
            d->u.rop3.brush.u.pattern.pos.y = between(0, d->bbox.top);
        }
        d->u.rop3.rop3 = ternary();
        set_mask(&d->u.rop3.mask);
        break;
    case QXL_DRAW_STROKE:
        d->bbox = guest_rect(0, 0, SIZE, SIZE);
        set_path(&d->u.stroke);
        set_brush(&d->u.stroke.brush, false);
        d->u.stroke.fore_mode = SPICE_ROPD_OP_PUT;
        break;
    case QXL_DRAW_TEXT:
        d->u.text.str = string(d);
        set_brush(&d->u.text.fore_brush, false);
        if (between(0, 1)) {
            d->u.text.back_area = d->bbox;
            set_brush(&d->u.text.back_brush, false);
        }
        d->u.text.fore_mode = SPICE_ROPD_OP_PUT;
        break;
    case QXL_DRAW_TRANSPARENT:
        d->u.transparent.src_bitmap = source(d, &d->u.transparent.src_area, false);
        d->u.transparent.src_color = d->u.transparent.true_color = color();
        break;
    case QXL_DRAW_ALPHA_BLEND:
        d->u.alpha_blend.src_bitmap = source(d, &d->u.alpha_blend.src_area, false);
        d->u.alpha_blend.alpha = between(0, 255);
        break;
    default:
        d->u.composite.src = source(d, &(QXLRect){0}, false);
        d->u.composite.flags = between(0, 13) | 3 << 8;
        d->u.composite.src_origin = (QXLPoint16){between(0, 5), between(0, 5)};
    }
    return d;
}

/* The same as a command of the first generation. */
static QXLCompatDrawable *compat(const QXLDrawable *d)
{
    QXLCompatDrawable *old = guest_alloc(guest, sizeof *old);

    old->effect = d->effect;
    old->type = d->type;
    old->bbox = d->bbox;
    old->clip = d->clip;
    if (d->type == QXL_DRAW_ALPHA_BLEND) {
        old->u.alpha_blend.alpha = d->u.alpha_blend.alpha;
        old->u.alpha_blend.src_bitmap = d->u.alpha_blend.src_bitmap;
        old->u.alpha_blend.src_area = d->u.alpha_blend.src_area;
    } else {
        memcpy(&old->u, &d->u, sizeof old->u);
    }
    return old;
}

static uint32_t checksum(void)
{
    uint32_t sum = 2166136261u;

    for (int y = 0; y < SIZE; y++)
        for (int x = 0; x < SIZE; x++)
            sum = (sum ^ (guest_pixel(guest, x, y) & 0xffffff)) * 16777619u;
    return sum;
}

int main(int argc, char **argv)
{
    SpiceServer *server = spice_server_new();
    SpiceCoreInterface core = glib_core(NULL);
    int n = argc > 2 ? atoi(argv[2]) : 300;

    rand_ = g_rand_new_with_seed(argc > 1 ? atoi(argv[1]) : 1);
    if (spice_server_init(server, &core))
        return 2;
    guest = guest_new(16 << 20);
    if (spice_server_add_interface(server, &guest->instance.base))
        return 2;
    guest_add_memslot(guest);
    guest_create_primary(guest, SIZE, SIZE, argc > 1 && atoi(argv[1]) % 2);
    spice_server_vm_start(server);
    for (int i = 0; i < n; i++) {
        QXLDrawable *d = drawing();

        if (d->type != QXL_DRAW_COMPOSITE && between(0, 4) == 0)
            guest_push_ext(
                guest, &(QXLCommandExt){{at(compat(d)), QXL_CMD_DRAW, 0},
                                        GUEST_GROUP,
                                        QXL_COMMAND_FLAG_COMPAT |
                                            (between(0, 1) ? QXL_COMMAND_FLAG_COMPAT_16BPP : 0)});
        else
            guest_draw(guest, d);
        /* Some wait together: what is hidden, or merged, must not matter. */
        if (between(0, 2))
            continue;
        guest_sync(guest);
        printf("%d type %d %08x\n", i, d->type, checksum());
        guest_forget(guest);
    }
    guest_sync(guest);
    printf("%08x\n", checksum());
    spice_server_vm_stop(server);
    printf("%u commands, %u given back\n", guest_taken(guest), guest_released(guest));
    return 0;
}
