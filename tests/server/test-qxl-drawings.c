/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hostile parts of drawings: brushes, masks, areas, clips, paths, texts.
 * docs/spec/server-display.md 4.3 to 4.7, 5.1. Built twice: without clients, and with some (25.1).
 */
#include <string.h>

#include "server/fake-rooms.h"
#include "server/hostile.h"

/* ---- brushes, masks, areas ---- */

static void bad_brushes(void)
{
    uint64_t bad;

    for (uint32_t type = 3; type < 300; type = type * 3 + 1) {
        QXLDrawable *d = hostile_fill();

        d->u.fill.brush.type = type;
        guest_draw(guest, d);
    }
    FOR_BAD_ADDRESSES(bad)
    {
        QXLDrawable *d = hostile_fill();

        d->u.fill.brush.type = SPICE_BRUSH_TYPE_PATTERN;
        d->u.fill.brush.u.pattern.pat = bad;
        guest_draw(guest, d);
        d = hostile_good(QXL_DRAW_TEXT);
        d->u.text.back_brush.type = SPICE_BRUSH_TYPE_PATTERN;
        d->u.text.back_brush.u.pattern.pat = bad;
        guest_draw(guest, d);
    }
    QXLDrawable *d = hostile_fill();
    d->u.fill.brush.type = SPICE_BRUSH_TYPE_PATTERN;
    guest_draw(guest, d);
}

static void bad_masks(void)
{
    static const uint8_t formats[] = {3, 4, 5, 6, 7, 8, 9, 10, 0, 11, 255};

    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
        QXLDrawable *d = hostile_fill();

        d->u.fill.mask.bitmap = hostile_at(guest_bitmap(guest, formats[i], 8, 8, 32, NULL, 0));
        guest_draw(guest, d);
        d = guest_drawable(guest, QXL_DRAW_INVERS, 0, hostile_box());
        d->u.invers.mask.bitmap = hostile_at(guest_bitmap(guest, formats[i], 8, 8, 32, NULL, 0));
        guest_draw(guest, d);
    }
    QXLImage *image = hostile_mask_image();
    image->descriptor.type = SPICE_IMAGE_TYPE_QUIC;
    QXLDrawable *d = hostile_fill();
    d->u.fill.mask.bitmap = hostile_at(image);
    guest_draw(guest, d);
    d = hostile_fill();
    d->u.fill.mask.bitmap = hostile_at(hostile_surface_image(77));
    guest_draw(guest, d);
    d = hostile_fill();
    d->u.fill.mask.bitmap = hostile_at(hostile_surface_image(0));
    guest_draw(guest, d);
    d = hostile_fill();
    image = hostile_mask_image();
    image->bitmap.data = 3;
    d->u.fill.mask.bitmap = hostile_at(image);
    guest_draw(guest, d);
}

static void unreadable_masks(void)
{
    uint64_t bad;

    FOR_BAD_ADDRESSES(bad)
    {
        QXLDrawable *d = hostile_fill();

        d->u.fill.mask.bitmap = bad;
        d->u.fill.mask.flags = 0xff;
        d->u.fill.mask.pos = (QXLPoint){INT32_MIN, INT32_MAX};
        guest_draw(guest, d);
    }
    QXLDrawable *d = hostile_fill();
    d->u.fill.mask.bitmap = hostile_at(hostile_mask_image());
    d->u.fill.mask.pos = (QXLPoint){INT32_MIN, INT32_MAX};
    guest_draw(guest, d);
}

static void no_source(void)
{
    static const int types[] = {QXL_DRAW_OPAQUE,      QXL_DRAW_ROP3,      QXL_DRAW_ALPHA_BLEND,
                                QXL_DRAW_TRANSPARENT, QXL_DRAW_COMPOSITE, QXL_DRAW_COPY,
                                QXL_DRAW_BLEND};

    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        QXLDrawable *d = hostile_good(types[i]);

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
        d->self_bitmap_area = hostile_box();
        guest_draw(guest, d);
    }
}

static void bad_self_bitmaps(void)
{
    static const int32_t areas[][4] = {
        {0, 0, 0, 0},      {50, 50, 40, 60}, {INT32_MAX, 0, INT32_MIN, 10},
        {128, 0, 160, 32}, {-32, -32, 0, 0}, {INT32_MIN, INT32_MIN, INT32_MIN + 1, INT32_MAX}};

    for (size_t i = 0; i < G_N_ELEMENTS(areas); i++) {
        QXLDrawable *d = hostile_opaque(NULL);

        d->self_bitmap = 1;
        d->self_bitmap_area = guest_rect(areas[i][0], areas[i][1], areas[i][2], areas[i][3]);
        guest_draw(guest, d);
        d = hostile_good(QXL_DRAW_COMPOSITE);
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
        QXLDrawable *d = hostile_good(types[i]);

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
            QXLDrawable *d = hostile_good(types[t]);
            QXLRect area = guest_rect(areas[i][0], areas[i][1], areas[i][2], areas[i][3]);

            if (types[t] == QXL_DRAW_ALPHA_BLEND)
                d->u.alpha_blend.src_area = area;
            else
                d->u.opaque.src_area = area;
            guest_draw(guest, d);
        }
    }
    QXLDrawable *d = guest_copy(guest, 0, guest_rect(0, 0, 65, 65), hostile_surface_image(1));
    d->surfaces_dest[0] = 1;
    guest_draw(guest, d);
}

static void bad_scale_modes(void)
{
    for (int mode = 2; mode < 256; mode += 100) {
        QXLDrawable *d = hostile_good(QXL_DRAW_COPY);

        d->u.copy.scale_mode = mode;
        d->u.copy.src_area = guest_rect(0, 0, 16, 16);
        guest_draw(guest, d);
        d = hostile_good(QXL_DRAW_OPAQUE);
        d->u.opaque.scale_mode = mode;
        guest_draw(guest, d);
        d = hostile_good(QXL_DRAW_ROP3);
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
        QXLDrawable *d = hostile_good(QXL_DRAW_COMPOSITE);

        d->u.composite.flags = operators[i];
        guest_draw(guest, d);
    }
    for (uint32_t filter = 5; filter < 8; filter++) {
        QXLDrawable *d = hostile_good(QXL_DRAW_COMPOSITE);

        d->u.composite.flags |= filter << 8;
        guest_draw(guest, d);
        d = hostile_good(QXL_DRAW_COMPOSITE);
        d->u.composite.flags |= filter << 11;
        guest_draw(guest, d);
    }
    FOR_BAD_ADDRESSES(bad)
    {
        QXLDrawable *d = hostile_good(QXL_DRAW_COMPOSITE);

        d->u.composite.mask = bad;
        guest_draw(guest, d);
    }
}

static void odd_composites(void)
{
    uint64_t bad;

    /* HAS bits without what they announce. */
    QXLDrawable *d = hostile_good(QXL_DRAW_COMPOSITE);
    d->u.composite.flags |= UINT32_C(0xfff) << 18 | 3 << 8;
    guest_draw(guest, d);
    FOR_BAD_ADDRESSES(bad)
    {
        d = hostile_good(QXL_DRAW_COMPOSITE);
        d->u.composite.src_transform = d->u.composite.mask_transform = bad;
        guest_draw(guest, d);
    }
    for (uint32_t i = 0; i < 40; i++) {
        QXLTransform *transform = guest_alloc(guest, sizeof *transform);

        transform->t00 = i * 0x10000007u;
        transform->t11 = i % 3 ? 0x80000000u >> i % 32 : 0;
        transform->t12 = 0x7fffffff * (i % 5);
        d = hostile_good(QXL_DRAW_COMPOSITE);
        d->u.composite.flags = i % 14 | (i % 5) << 8 | (i % 4) << 14;
        d->u.composite.src_transform = hostile_at(transform);
        d->u.composite.src_origin = (QXLPoint16){-32768, 32767};
        guest_draw(guest, d);
    }
}

/* The bit of a mask without its address. */
static void no_mask(void)
{
    QXLDrawable *d = hostile_good(QXL_DRAW_COMPOSITE);

    d->u.composite.flags |= SPICE_COMPOSITE_HAS_MASK;
    d->u.composite.mask = 0;
    guest_draw(guest, d);
}

/* ---- clips ---- */

static QXLDrawable *clipped(uint32_t announced, uint32_t given, const QXLRect *rects)
{
    QXLDrawable *d = hostile_fill();
    QXLClipRects *clip = guest_inline_chunks(guest, 4, rects, given * sizeof *rects, 24);

    clip->num_rects = announced;
    d->clip.type = SPICE_CLIP_TYPE_RECTS;
    d->clip.data = hostile_at(clip);
    return d;
}

static void bad_clips(void)
{
    QXLRect rects[4] = {hostile_box(), hostile_box(), hostile_box(), hostile_box()};
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
        QXLDrawable *d = hostile_good(QXL_DRAW_STROKE);

        d->u.stroke.path = hostile_at(guest_inline_chunks(guest, 4, &segment, sizeof segment, 0));
        guest_draw(guest, d);
    }
    FOR_BAD_ADDRESSES(bad)
    {
        QXLDrawable *d = hostile_good(QXL_DRAW_STROKE);

        d->u.stroke.path = bad;
        guest_draw(guest, d);
        d = hostile_good(QXL_DRAW_STROKE);
        d->u.stroke.attr.flags = SPICE_LINE_FLAGS_STYLED;
        d->u.stroke.attr.style_nseg = 2;
        d->u.stroke.attr.style = bad;
        guest_draw(guest, d);
    }
    QXLDrawable *d = hostile_good(QXL_DRAW_STROKE);
    d->u.stroke.path = 0;
    guest_draw(guest, d);
    d = hostile_good(QXL_DRAW_STROKE);
    d->u.stroke.attr.flags = SPICE_LINE_FLAGS_STYLED;
    d->u.stroke.attr.style_nseg = 4;
    guest_draw(guest, d);
}

static void odd_paths(void)
{
    static const int32_t styles[][4] = {{16, 0, 0, 0},
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
        QXLDrawable *d = hostile_good(QXL_DRAW_STROKE);
        int32_t *style = guest_alloc(guest, sizeof styles[i]);

        memcpy(style, styles[i], sizeof styles[i]);
        d->u.stroke.attr.flags = 0xff;
        d->u.stroke.attr.style_nseg = 4;
        d->u.stroke.attr.style = hostile_at(style);
        d->u.stroke.path = hostile_at(guest_inline_chunks(guest, 4, &segment, sizeof segment, 0));
        guest_draw(guest, d);
        d = hostile_good(QXL_DRAW_STROKE);
        d->u.stroke.attr.flags = SPICE_LINE_FLAGS_STYLED;
        guest_draw(guest, d);
    }
    /* Empty ones, and a header with nothing behind it. */
    QXLDrawable *d = hostile_good(QXL_DRAW_STROKE);
    d->u.stroke.path = hostile_at(guest_inline_chunks(guest, 4, NULL, 0, 0));
    guest_draw(guest, d);
    d = hostile_good(QXL_DRAW_STROKE);
    d->u.stroke.path = hostile_at(guest_inline_chunks(guest, 4, "\0\0\0\0\xff\xff\xff\xff", 8, 0));
    guest_draw(guest, d);
    d = hostile_good(QXL_DRAW_STROKE);
    d->u.stroke.path = hostile_at(guest_inline_chunks(guest, 4, NULL, 800, 0));
    guest_draw(guest, d);
}

static void bad_texts(void)
{
    uint64_t bad;

    FOR_BAD_ADDRESSES(bad)
    {
        QXLDrawable *d = hostile_good(QXL_DRAW_TEXT);

        d->u.text.str = bad;
        guest_draw(guest, d);
    }
#define TEXT(change)                                                                              \
    do {                                                                                          \
        QXLDrawable *d_ = hostile_good(QXL_DRAW_TEXT);                                            \
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
        QXLDrawable *d = hostile_good(QXL_DRAW_TEXT);

        string->data_size = sizeof glyph;
        string->length = 1;
        string->flags = SPICE_STRING_FLAGS_RASTER_A1;
        d->u.text.str = hostile_at(string);
        guest_draw(guest, d);
    }
}

/* What ends deployed clients, or is drawn in another way by them: they get pixels instead. */
static void unsafe_for_clients(void)
{
    static const int codes[] = {0x00, 0x05, 0x5a, 0xcc, 0xf0, 0xff};
    struct {
        QXLPathSeg head;
        QXLPointFix points[3];
    } curve = {{SPICE_PATH_BEGIN | SPICE_PATH_BEZIER, 3}, {{0, 0}, {600, 600}, {600, 600}}};
    QXLDrawable *d;

    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++) {
        d = hostile_good(QXL_DRAW_ROP3);
        d->u.rop3.rop3 = codes[i];
        guest_draw(guest, d);
    }
    d = hostile_good(QXL_DRAW_STROKE);
    d->u.stroke.path = hostile_at(guest_inline_chunks(guest, 4, &curve, sizeof curve, 0));
    guest_draw(guest, d);
    curve.head = (QXLPathSeg){SPICE_PATH_BEGIN, 3};
    curve.points[2].x = 1 << 30;
    d = hostile_good(QXL_DRAW_STROKE);
    d->u.stroke.path = hostile_at(guest_inline_chunks(guest, 4, &curve, sizeof curve, 0));
    guest_draw(guest, d);
    /* From the surface to itself, overlapping. */
    d = guest_copy(guest, 0, hostile_box(), hostile_surface_image(0));
    d->u.copy.scale_mode = 1;
    d->u.copy.src_area = guest_rect(15, 15, 47, 47);
    guest_draw(guest, d);
}

static void safe_for_clients(void)
{
    QXLDrawable *d = hostile_good(QXL_DRAW_ROP3);

    d->u.rop3.rop3 = 0xe8;
    guest_draw(guest, d);
    guest_draw(guest, hostile_good(QXL_DRAW_STROKE));
}

static unsigned int drawings_sent(void)
{
    return rooms_drawings[SPICE_MSG_DISPLAY_DRAW_ROP3] +
           rooms_drawings[SPICE_MSG_DISPLAY_DRAW_STROKE];
}

/* The string's glyphs are there, but none of them; and a line of dashes without length. */
static void nothing(void)
{
    QXLDrawable *d = hostile_good(QXL_DRAW_TEXT);
    QXLString *string = guest_inline_chunks(guest, 8, NULL, 0, 0);

    string->flags = SPICE_STRING_FLAGS_RASTER_A1;
    d->u.text.str = hostile_at(string);
    d->u.text.back_area = hostile_box();
    guest_draw(guest, d);
    d = hostile_good(QXL_DRAW_STROKE);
    d->u.stroke.attr.flags = SPICE_LINE_FLAGS_STYLED;
    d->u.stroke.attr.style_nseg = 4;
    d->u.stroke.attr.style = hostile_at(guest_alloc(guest, 16));
    guest_draw(guest, d);
}

int main(void)
{
    hostile_begin();
    unsigned int sent = drawings_sent();
    hostile_drawn("what deployed clients stumble over is shown as pixels", unsafe_for_clients, 9);
    CHECK(drawings_sent() == sent);
    hostile_drawn("and what they don't as it is", safe_for_clients, 2);
    CHECK(rooms_have_logs || drawings_sent() > sent);
    hostile_rejected("texts and lines of nothing", nothing);
    hostile_rejected("brushes", bad_brushes);
    hostile_rejected("masks that aren't bits", bad_masks);
    hostile_drawn("masks that can't be read are none", unreadable_masks, 13);
    hostile_rejected("drawings without their image", no_source);
    hostile_rejected("self bitmaps outside of the surface", bad_self_bitmaps);
    hostile_drawn("self bitmaps larger than the surface", huge_self_bitmap, 5);
    hostile_rejected("source areas", bad_source_areas);
    hostile_rejected("scale modes", bad_scale_modes);
    hostile_rejected("composite: operators, filters, masks", bad_composites);
    hostile_drawn("composite: bits without substance, transforms of all kinds", odd_composites, 53);
    sent = rooms_drawings[SPICE_MSG_DISPLAY_DRAW_COMPOSITE];
    hostile_drawn("composite: a mask that is announced and isn't there", no_mask, 1);
    CHECK(rooms_have_logs || rooms_drawings[SPICE_MSG_DISPLAY_DRAW_COMPOSITE] > sent);
    hostile_rejected("clips", bad_clips);
    hostile_rejected("clips of nothing", empty_clips);
    hostile_drawn("a clip of 60000 lines that cross", clip_bomb, 1);
    hostile_rejected("paths and styles", bad_paths);
    hostile_drawn("paths: empty, endless, with styles that go nowhere", odd_paths, 12);
    hostile_rejected("texts", bad_texts);
    hostile_rejected("glyph_size_overflow_2015: glyphs larger than their text", bad_glyphs);
    return hostile_end();
}
