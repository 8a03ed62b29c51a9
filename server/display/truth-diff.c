/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Painting an image where it differs from what the surface shows already, and finding out where
 * that is. docs/spec/server-display.md 26.3 */
#include "display/truth-private.h"

#include <string.h>

#include <spice/enums.h>

#include "canvas/kernel.h"
#include "canvas/pixels.h"

#ifdef CANVAS_HAVE_AVX2
#include <immintrin.h>
#endif

/* Rows are compared in pieces that end where x is a multiple of CELL_WIDTH; changes are collected
 * in cells of that width and CELL_HEIGHT rows, each with the smallest box around them. */
enum { CELL_WIDTH = 64, CELL_HEIGHT = 16, MAX_BOXES = 64 };

typedef struct Cell {
    uint16_t x1, x2, y1, y2; /* on the surface; x2 == 0: nothing changed */
} Cell;

/* ---- where the pixels come from ---- */

/* Bytes in pieces of memory that may change meanwhile. */
typedef struct Pieces {
    const struct iovec *pieces;
    unsigned n, at; /* the piece of the last read */
    size_t start;   /* its offset */
} Pieces;

/* size bytes from offset, which are there: in place when they lie together and aligned, else copied
 * to room. */
static const uint8_t *pieces_read(Pieces *in, size_t offset, size_t size, unsigned alignment,
                                  uint8_t *room)
{
    const uint8_t *first;
    size_t done = 0;

    while (offset < in->start)
        in->start -= in->pieces[--in->at].iov_len;
    while (offset - in->start >= in->pieces[in->at].iov_len)
        in->start += in->pieces[in->at++].iov_len;
    first = (const uint8_t *)in->pieces[in->at].iov_base + (offset - in->start);
    if (in->pieces[in->at].iov_len - (offset - in->start) >= size &&
        (uintptr_t)first % alignment == 0)
        return first;
    for (;;) {
        size_t skip = offset + done - in->start, left = in->pieces[in->at].iov_len - skip,
               part = MIN(left, size - done);

        memcpy(room + done, (const uint8_t *)in->pieces[in->at].iov_base + skip, part);
        done += part;
        if (done == size)
            return room;
        in->start += in->pieces[in->at++].iov_len;
    }
}

typedef struct Source {
    const WireBitmap *bitmap;
    int64_t dx, dy; /* surface (x, y) is pixel (x + dx, y + dy) */
    struct iovec whole;
    Pieces pieces;
    unsigned in_size; /* bytes of a pixel there */
    pixman_format_code_t native, working;
    bool raw;                  /* the bytes are the surface's */
    uint32_t set;              /* bits that are set in each 32-bit pixel */
    uint8_t *gather;           /* room for a row as it comes */
    uint8_t *native_row, *row; /* and for one unpacked, and in the surface's format */
    uint8_t *spare;            /* and one more, of the surface's pixels */
} Source;

static bool source_init(Source *source, Truth *truth, const Drawable *drawable)
{
    const WireMsgDisplayDrawCopy *copy = &drawable->message.copy;
    const WireRect *box = &copy->base.box, *area = &copy->src_area;
    const WireImage *image = copy->src_image;
    const CanvasPixels *target = &drawable->target->canvas->pixels;
    const pixman_box32_t *extents = pixman_region32_extents((pixman_region32_t *)&drawable->region);
    size_t bytes = 0, width = extents->x2 - extents->x1;
    const WireBitmap *bitmap;

    memset(source, 0, sizeof *source);
    if (drawable->message_type != SPICE_MSG_DISPLAY_DRAW_COPY || !image ||
        image->type != SPICE_IMAGE_TYPE_BITMAP || target->format == PIXMAN_a1 ||
        (int64_t)area->right - area->left != (int64_t)box->right - box->left ||
        (int64_t)area->bottom - area->top != (int64_t)box->bottom - box->top)
        return false;
    source->bitmap = bitmap = &image->u.bitmap;
    switch (bitmap->format) {
    case SPICE_BITMAP_FMT_16BIT:
        source->native = PIXMAN_x1r5g5b5;
        source->in_size = 2;
        break;
    case SPICE_BITMAP_FMT_24BIT:
    case SPICE_BITMAP_FMT_32BIT:
        source->native = PIXMAN_x8r8g8b8;
        source->in_size = bitmap->format == SPICE_BITMAP_FMT_24BIT ? 3 : 4;
        if (image->flags & SPICE_IMAGE_FLAGS_HIGH_BITS_SET)
            source->set = 0xff000000u;
        break;
    case SPICE_BITMAP_FMT_RGBA:
        source->native = PIXMAN_a8r8g8b8;
        source->in_size = 4;
        break;
    case SPICE_BITMAP_FMT_8BIT_A:
        source->native = PIXMAN_a8;
        source->in_size = 1;
        break;
    default:
        return false;
    }
    source->working = canvas_working_format(drawable->target->format, source->native);
    source->raw = source->working == source->native && source->in_size != 3 && !source->set;
    source->dx = (int64_t)area->left - box->left;
    source->dy = (int64_t)area->top - box->top;
    if (extents->x1 + source->dx < 0 || extents->x2 + source->dx > bitmap->x ||
        extents->y1 + source->dy < 0 || extents->y2 + source->dy > bitmap->y ||
        (uint64_t)bitmap->x * source->in_size > bitmap->stride)
        return false;
    if (drawable->n_borrowed) {
        source->pieces = (Pieces){drawable->borrowed, drawable->n_borrowed, 0, 0};
    } else {
        source->whole = (struct iovec){(void *)bitmap->data.data, bitmap->data.size};
        source->pieces = (Pieces){&source->whole, 1, 0, 0};
    }
    for (unsigned i = 0; i < source->pieces.n; i++)
        bytes += source->pieces.pieces[i].iov_len;
    if ((uint64_t)bitmap->stride * bitmap->y > bytes)
        return false;
    source->gather = truth_scratch(truth, width * 16);
    if (!source->gather)
        return false;
    source->native_row = source->gather + width * 4;
    source->row = source->gather + width * 8;
    source->spare = source->gather + width * 12;
    return true;
}

/* n pixels for the surface from (x, y), in its format. */
static const uint8_t *source_row(Source *source, int32_t x, int32_t y, size_t n)
{
    const WireBitmap *bitmap = source->bitmap;
    int64_t row = y + source->dy;
    const uint8_t *bytes;

    if (!(bitmap->flags & SPICE_BITMAP_FLAGS_TOP_DOWN))
        row = bitmap->y - 1 - row;
    bytes = pieces_read(
        &source->pieces, (size_t)row * bitmap->stride + (size_t)(x + source->dx) * source->in_size,
        n * source->in_size, source->in_size == 3 ? 1 : source->in_size, source->gather);
    if (source->raw)
        return bytes;
    if (source->in_size == 3) {
        uint32_t *wide = (uint32_t *)source->native_row;

        for (size_t i = 0; i < n; i++)
            wide[i] = (bytes[3 * i] | bytes[3 * i + 1] << 8 | bytes[3 * i + 2] << 16) | source->set;
        bytes = source->native_row;
    } else if (source->set) {
        const uint32_t *from = (const uint32_t *)bytes;
        uint32_t *wide = (uint32_t *)source->native_row;

        for (size_t i = 0; i < n; i++)
            wide[i] = from[i] | source->set;
        bytes = source->native_row;
    }
    if (source->working != source->native) {
        CanvasPixels from = {(uint8_t *)bytes, 0, n, 1, source->native},
                     to = {source->row, 0, n, 1, source->working};

        canvas_convert(&from, &to);
        bytes = source->row;
    }
    return bytes;
}

/* ---- comparing ---- */

#ifdef CANVAS_HAVE_AVX2
__attribute__((target("avx2"))) static size_t equal_bytes_avx2(const uint8_t *a, const uint8_t *b,
                                                               size_t bytes)
{
    size_t i = 0;

    for (; i + 128 <= bytes; i += 128) {
        __m256i all = _mm256_setzero_si256();

        for (int j = 0; j < 4; j++)
            all = _mm256_or_si256(
                all, _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(a + i + 32 * j)),
                                      _mm256_loadu_si256((const __m256i *)(b + i + 32 * j))));
        if (!_mm256_testz_si256(all, all))
            break;
    }
    return i;
}
#endif

static size_t equal_bytes_plain(const uint8_t *a, const uint8_t *b, size_t bytes)
{
    size_t i = 0;

    for (; i + 64 <= bytes; i += 64) {
        uint64_t all = 0, p, q;

        for (int j = 0; j < 64; j += 8) {
            memcpy(&p, a + i + j, 8);
            memcpy(&q, b + i + j, 8);
            all |= p ^ q;
        }
        if (all)
            break;
    }
    return i;
}

/* So many bytes at the beginning are equal, maybe some more. */
static size_t equal_bytes(const uint8_t *a, const uint8_t *b, size_t bytes)
{
#ifdef CANVAS_HAVE_AVX2
    if (__builtin_cpu_supports("avx2"))
        return equal_bytes_avx2(a, b, bytes);
#endif
    return equal_bytes_plain(a, b, bytes);
}

/* The bits in which two rows differ, put together for each position in a 32-bit word. */
CANVAS_KERNEL static uint32_t differing(const uint8_t *a, const uint8_t *b, size_t bytes)
{
    uint32_t all = 0;
    size_t words = bytes / 4;

    for (size_t i = 0; i < words; i++) {
        uint32_t p, q;

        memcpy(&p, a + 4 * i, 4);
        memcpy(&q, b + 4 * i, 4);
        all |= p ^ q;
    }
    for (size_t i = words * 4; i < bytes; i++)
        all |= (uint32_t)(a[i] ^ b[i]);
    return all;
}

static uint32_t load_pixel(const uint8_t *bytes, unsigned size)
{
    uint16_t half;
    uint32_t whole;

    if (size == 4) {
        memcpy(&whole, bytes, 4);
        return whole;
    }
    if (size == 1)
        return *bytes;
    memcpy(&half, bytes, 2);
    return half;
}

static bool pixel_differs(const uint8_t *a, const uint8_t *b, unsigned size, uint32_t mask)
{
    return (load_pixel(a, size) ^ load_pixel(b, size)) & mask;
}

static bool words_differ(const uint8_t *a, const uint8_t *b, uint32_t mask)
{
    uint64_t p, q;

    memcpy(&p, a, 8);
    memcpy(&q, b, 8);
    return (p ^ q) & ((uint64_t)mask << 32 | mask);
}

/* The first and the last pixel that differ, of n of which at least one does. */
static void find_ends(const uint8_t *a, const uint8_t *b, int32_t n, unsigned size, uint32_t mask,
                      int32_t *first, int32_t *last)
{
    int32_t in_word = 8 / (int32_t)size, i = 0, end = n;

    while (i + in_word <= n && !words_differ(a + i * size, b + i * size, mask))
        i += in_word;
    while (i < n - 1 && !pixel_differs(a + i * size, b + i * size, size, mask))
        i++;
    while (end - in_word > i &&
           !words_differ(a + (end - in_word) * size, b + (end - in_word) * size, mask))
        end -= in_word;
    while (end - 1 > i && !pixel_differs(a + (end - 1) * size, b + (end - 1) * size, size, mask))
        end--;
    *first = i;
    *last = end - 1;
}

typedef struct Diff {
    unsigned size; /* bytes of a pixel */
    uint32_t mask; /* bits that count */
    Cell *cells;
    int32_t left, top; /* of the first cell */
    size_t n_across, n_down;
} Diff;

static void note_change(Diff *diff, int32_t y, int32_t x1, int32_t x2)
{
    Cell *cell = &diff->cells[(size_t)((y - diff->top) / CELL_HEIGHT) * diff->n_across +
                              (x1 - diff->left) / CELL_WIDTH];

    if (cell->x2 == 0) {
        *cell = (Cell){x1, x2, y, y + 1};
        return;
    }
    cell->x1 = MIN(cell->x1, x1);
    cell->x2 = MAX(cell->x2, x2);
    cell->y1 = MIN(cell->y1, y);
    cell->y2 = MAX(cell->y2, y + 1);
}

/* Make the pixels from (x1, y), which clients show as 'was', what they are in the other row. What
 * is equal comes from 'was': the guest may write to the other one meanwhile, or it is memory of the
 * surface itself. */
static void diff_row(Diff *diff, int32_t y, int32_t x1, int32_t x2, uint8_t *pixels,
                     const uint8_t *was, const uint8_t *row)
{
    unsigned size = diff->size;

    for (int32_t x = x1, end; x < x2; x = end) {
        size_t bytes, skip = equal_bytes(was, row, (size_t)(x2 - x) * size) / size * size;
        uint32_t bits;
        int32_t first, last;

        if (pixels != was)
            memcpy(pixels, was, skip);
        x += skip / size;
        pixels += skip;
        was += skip;
        row += skip;
        if (x == x2)
            break;
        end = MIN((x / CELL_WIDTH + 1) * CELL_WIDTH, x2);
        bytes = (size_t)(end - x) * size;
        if (pixel_differs(was, row, size, diff->mask) &&
            pixel_differs(was + bytes - size, row + bytes - size, size, diff->mask)) {
            note_change(diff, y, x, end);
            memmove(pixels, row, bytes);
        } else if ((bits = differing(was, row, bytes))) {
            if (bits & diff->mask) {
                find_ends(was, row, end - x, size, diff->mask, &first, &last);
                note_change(diff, y, x + first, x + last + 1);
            }
            memmove(pixels, row, bytes);
        } else if (pixels != was) {
            memcpy(pixels, was, bytes);
        }
        pixels += bytes;
        was += bytes;
        row += bytes;
    }
}

/* ---- what changed, as a few rectangles ---- */

typedef struct Boxes {
    pixman_box32_t boxes[MAX_BOXES];
    unsigned n, above; /* those of the row of cells above begin here */
} Boxes;

/* False: too many. */
static bool boxes_add(Boxes *boxes, unsigned this_row, pixman_box32_t box)
{
    for (unsigned i = boxes->above; i < this_row; i++) {
        pixman_box32_t *above = &boxes->boxes[i];

        if (above->x1 == box.x1 && above->x2 == box.x2 && above->y2 == box.y1) {
            /* Moved to the end, where the next row will look for it. */
            box.y1 = above->y1;
            *above = (pixman_box32_t){0, 0, 0, 0};
            break;
        }
    }
    if (boxes->n == MAX_BOXES) {
        unsigned kept = 0;

        for (unsigned i = 0; i < boxes->n; i++)
            if (boxes->boxes[i].x2 > boxes->boxes[i].x1)
                boxes->boxes[kept++] = boxes->boxes[i];
        if (kept == boxes->n)
            return false;
        /* The rows that are still looked at have moved too: give up their merging. */
        boxes->n = kept;
        boxes->above = kept;
    }
    boxes->boxes[boxes->n++] = box;
    return true;
}

/* Runs of changed cells; those with at most 'gap' unchanged ones between them are one run. */
static bool collect_boxes(const Diff *diff, size_t gap, Boxes *boxes)
{
    boxes->n = boxes->above = 0;
    for (size_t down = 0; down < diff->n_down; down++) {
        const Cell *row = diff->cells + down * diff->n_across;
        unsigned this_row = boxes->n;

        for (size_t i = 0; i < diff->n_across;) {
            pixman_box32_t box;
            size_t last = i;

            if (row[i].x2 == 0) {
                i++;
                continue;
            }
            box = (pixman_box32_t){row[i].x1, row[i].y1, row[i].x2, row[i].y2};
            for (i++; i < diff->n_across && i - last <= gap + 1; i++) {
                if (row[i].x2 == 0)
                    continue;
                last = i;
                box.x2 = row[i].x2;
                box.y1 = MIN(box.y1, row[i].y1);
                box.y2 = MAX(box.y2, row[i].y2);
            }
            if (!boxes_add(boxes, MIN(this_row, boxes->n), box))
                return false;
        }
        boxes->above = MIN(this_row, boxes->n);
    }
    return true;
}

static void set_changed(const Diff *diff, pixman_region32_t *changed)
{
    Boxes boxes;
    unsigned n = 0;

    if (!collect_boxes(diff, 0, &boxes) && !collect_boxes(diff, 3, &boxes) &&
        !collect_boxes(diff, diff->n_across, &boxes)) {
        /* More than MAX_BOXES unlike rows of cells: one box around them. */
        pixman_box32_t *all = &boxes.boxes[0];

        *all = (pixman_box32_t){INT32_MAX, INT32_MAX, 0, 0};
        for (size_t i = 0; i < diff->n_across * diff->n_down; i++) {
            const Cell *cell = &diff->cells[i];

            if (cell->x2 == 0)
                continue;
            all->x1 = MIN(all->x1, cell->x1);
            all->y1 = MIN(all->y1, cell->y1);
            all->x2 = MAX(all->x2, cell->x2);
            all->y2 = MAX(all->y2, cell->y2);
        }
        boxes.n = 1;
    }
    for (unsigned i = 0; i < boxes.n; i++)
        if (boxes.boxes[i].x2 > boxes.boxes[i].x1)
            boxes.boxes[n++] = boxes.boxes[i];
    pixman_region32_fini(changed);
    if (!pixman_region32_init_rects(changed, boxes.boxes, n))
        pixman_region32_init(changed);
}

/* ---- moving ---- */

typedef struct Picture {
    Source *source;
    int32_t x1, x2;
} Picture;

static const uint8_t *picture_row(void *context, int32_t y)
{
    const Picture *picture = context;

    return source_row(picture->source, picture->x1, y, picture->x2 - picture->x1);
}

/* Does it explain most of the picture that pixels of the target were moved? By samples: all is
 * compared with what was moved. */
static bool find_move(const Drawable *drawable, Source *source, const pixman_box32_t *area,
                      ScrollMove *move)
{
    const CanvasPixels *target = &drawable->target->canvas->pixels;
    Picture picture = {source, area->x1, area->x2};
    const ScrollSource rows = {picture_row, &picture};
    const pixman_box32_t *to = &move->to;
    pixman_box32_t from;

    if (drawable->target->truth->unwatched)
        return false;
    if (!scroll_look(&tree_of(drawable->target)->scrolled, target, area, &rows, move))
        return false;
    from = (pixman_box32_t){to->x1 - move->dx, to->y1 - move->dy, to->x2 - move->dx,
                            to->y2 - move->dy};
    return truth_is_settled(drawable, &from);
}

/* Where a move is looked for: in the largest rectangle, when it is most of the area. Rows are read
 * here and there: not of pixels in a million pieces. NULL: nowhere. */
static const pixman_box32_t *where_to_look(const Source *source, const pixman_box32_t *boxes, int n)
{
    const pixman_box32_t *best = NULL;
    int64_t most = 0, all = 0;

    if (source->pieces.n > 256)
        return NULL;
    for (int i = 0; i < n; i++) {
        int64_t pixels =
            (int64_t)(boxes[i].x2 - boxes[i].x1) * (int64_t)(boxes[i].y2 - boxes[i].y1);

        all += pixels;
        if (pixels > most) {
            most = pixels;
            best = &boxes[i];
        }
    }
    return most * 2 >= all && most >= SCROLL_MIN_PIXELS ? best : NULL;
}

/* ---- painting ---- */

typedef struct Painting {
    const CanvasPixels *target;
    Diff diff;
    Source source;
    const ScrollMove *move; /* what clients show is this, done; NULL: what the target shows */
} Painting;

/* What clients show in the row where the move has filled it. */
static const uint8_t *moved_row(Painting *painting, int32_t y)
{
    const ScrollMove *move = painting->move;
    unsigned size = painting->diff.size;
    const uint8_t *row =
        canvas_row(painting->target, y - move->dy) + (size_t)(move->to.x1 - move->dx) * size;

    /* Otherwise it isn't painted over before this row is finished. */
    return move->dy == 0
               ? memcpy(painting->source.spare, row, (size_t)(move->to.x2 - move->to.x1) * size)
               : row;
}

/* Part of a row: 'row' are the picture's pixels from column x1; 'moved' those of the move's
 * rectangle, NULL: it has none in this row. */
static void paint_part(Painting *painting, int32_t y, int32_t x1, int32_t x2, const uint8_t *moved,
                       const uint8_t *row)
{
    unsigned size = painting->diff.size;
    uint8_t *pixels = canvas_row(painting->target, y) + (size_t)x1 * size;
    int32_t before = 0, inside = 0;

    if (moved && x1 < painting->move->to.x2 && x2 > painting->move->to.x1) {
        /* All of it is here: it has been looked for in one rectangle. */
        before = painting->move->to.x1 - x1;
        inside = painting->move->to.x2 - painting->move->to.x1;
        diff_row(&painting->diff, y, x1 + before, x1 + before + inside, pixels + before * size,
                 moved, row + before * size);
    }
    diff_row(&painting->diff, y, x1, x1 + before, pixels, pixels, row);
    pixels += (before + inside) * size;
    row += (before + inside) * size;
    diff_row(&painting->diff, y, x1 + before + inside, x2, pixels, pixels, row);
}

/* Rectangles beside each other, row by row, also where there are many: the pieces are walked
 * through once. */
static void paint_band(Painting *painting, const pixman_box32_t *boxes, int n, bool upwards)
{
    int32_t left = boxes[0].x1, right = boxes[n - 1].x2, height = boxes[0].y2 - boxes[0].y1;

    for (int32_t i = 0; i < height; i++) {
        int32_t y = upwards ? boxes[0].y2 - 1 - i : boxes[0].y1 + i;
        const uint8_t *row = source_row(&painting->source, left, y, right - left);
        const ScrollMove *move = painting->move;
        const uint8_t *moved =
            move && y >= move->to.y1 && y < move->to.y2 ? moved_row(painting, y) : NULL;

        for (int k = 0; k < n; k++)
            paint_part(painting, y, boxes[k].x1, boxes[k].x2, moved,
                       row + (size_t)(boxes[k].x1 - left) * painting->diff.size);
    }
}

/* In the order in which nothing is painted over before it has been moved. */
static void paint_boxes(Painting *painting, const pixman_box32_t *boxes, int n)
{
    bool upwards = painting->move && painting->move->dy > 0;

    for (int start = 0, end = n; start < end;) {
        int from = start, to = end;

        if (upwards) {
            for (from = end - 1; from > start && boxes[from - 1].y1 == boxes[end - 1].y1;)
                from--;
            end = from;
        } else {
            for (to = start + 1; to < end && boxes[to].y1 == boxes[start].y1;)
                to++;
            start = to;
        }
        paint_band(painting, boxes + from, to - from, upwards);
    }
}

bool truth_put(Truth *truth, const Drawable *drawable, const pixman_region32_t *area,
               bool ignore_top, PutResult *result)
{
    const CanvasPixels *target = &drawable->target->canvas->pixels;
    pixman_box32_t *extents = pixman_region32_extents((pixman_region32_t *)area);
    int n;
    pixman_box32_t *boxes = pixman_region32_rectangles((pixman_region32_t *)area, &n);
    Painting painting = {.target = target,
                         .diff = {.size = canvas_unpacked_size(target->format),
                                  .mask = ignore_top ? 0x00ffffffu : 0xffffffffu}};
    Diff *diff = &painting.diff;
    const pixman_box32_t *look;

    result->moved = false;
    pixman_region32_clear(&result->changed);
    if (!source_init(&painting.source, truth, drawable))
        return false;
    if (n == 0)
        return true;
    diff->left = extents->x1 / CELL_WIDTH * CELL_WIDTH;
    diff->top = extents->y1 / CELL_HEIGHT * CELL_HEIGHT;
    diff->n_across = (extents->x2 - diff->left + CELL_WIDTH - 1) / CELL_WIDTH;
    diff->n_down = (extents->y2 - diff->top + CELL_HEIGHT - 1) / CELL_HEIGHT;
    diff->cells = g_try_new0(Cell, diff->n_across * diff->n_down);
    if (!diff->cells)
        return false;
    look = where_to_look(&painting.source, boxes, n);
    if (look)
        result->moved = find_move(drawable, &painting.source, look, &result->move);
    if (result->moved)
        painting.move = &result->move;
    paint_boxes(&painting, boxes, n);
    set_changed(diff, &result->changed);
    g_free(diff->cells);
    if (n > 1 && n <= TRUTH_MAX_DIRTY)
        pixman_region32_intersect(&result->changed, &result->changed, (pixman_region32_t *)area);
    region_limit(&result->changed, TRUTH_MAX_DIRTY);
    return true;
}
