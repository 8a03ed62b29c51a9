/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding moved pixels: anchors of the new picture are looked for in the old one and vote for an
 * offset; a grid of sampled cells then tells for which rectangle it is right. */
#include "display/scroll.h"

#include <glib.h>
#include <string.h>

#include "canvas/pixels.h"

enum {
    ANCHOR_BYTES = 64, /* compared as a whole; begins with the key */
    MAX_COLUMNS = 8,
    PER_COLUMN = 8,
    MAX_ANCHORS = MAX_COLUMNS * PER_COLUMN,
    PROBES = 47, /* rows in which anchors are looked for; prime, as is the smaller number */
    FEW_PROBES = 31,
    MAX_HITS = 24, /* of one anchor: more make it a pattern, which says nothing */
    MIN_VOTES = 5,
    CELL_WIDTH = 32,
    CELL_HEIGHT = 16,
    CELL_ROWS = 3,   /* sampled in each */
    REACH = 192,     /* how far outside of the box a moved window may come from */
    NEAR = 48,       /* where it mostly comes from */
    FEW_ROWS = 8,    /* that tell whether a move goes on */
    COLUMN_STEP = 5, /* rows from one sample of a column to the next */
    SLACK = 20,      /* percent of a row or column that may be wrong at the edge */
    FILTER_BITS = 1 << 15,
    MAX_PLACES = 1 << 24, /* that are looked at for any offset */
    MAX_LOOKS = 1 << 19,  /* and compared: a picture made to be slow ends there */
};

typedef struct Anchor {
    uint8_t bytes[ANCHOR_BYTES];
    uint64_t key;
    int32_t x, y;
    unsigned hits;
} Anchor;

typedef struct Vote {
    int32_t dx, dy;
    unsigned n; /* 0: free */
} Vote;
enum { N_VOTES = 512 };

typedef struct Finder {
    const CanvasPixels *old;
    pixman_box32_t box;
    const ScrollSource *picture;
    unsigned size; /* bytes of a pixel */
    Anchor anchors[MAX_ANCHORS];
    unsigned n_anchors;
    Vote votes[N_VOTES];
    unsigned n_votes;
} Finder;

static const uint8_t *old_at(const Finder *finder, int32_t x, int32_t y)
{
    return canvas_row(finder->old, y) + (size_t)x * finder->size;
}

static uint64_t load(const uint8_t *bytes)
{
    uint64_t value;

    memcpy(&value, bytes, sizeof value);
    return value;
}

/* ---- anchors ---- */

/* Enough change from one pixel pair to the next that it isn't found everywhere. */
static bool is_textured(const uint8_t *bytes)
{
    unsigned changes = 0;

    for (unsigned i = 8; i < ANCHOR_BYTES; i += 8)
        changes += load(bytes + i) != load(bytes + i - 8);
    return changes >= 3;
}

static void add_anchor(Finder *finder, const uint8_t *bytes, int32_t x, int32_t y)
{
    Anchor *anchor = &finder->anchors[finder->n_anchors];

    for (unsigned i = 0; i < finder->n_anchors; i++)
        if (memcmp(finder->anchors[i].bytes, bytes, ANCHOR_BYTES) == 0)
            return;
    memcpy(anchor->bytes, bytes, ANCHOR_BYTES);
    anchor->key = load(bytes);
    anchor->x = x;
    anchor->y = y;
    anchor->hits = 0;
    finder->n_anchors++;
}

/* Anchors where the picture has changed, in rows spread over the box and a few columns. False: too
 * little has. */
static bool choose_anchors(Finder *finder)
{
    int32_t width = finder->box.x2 - finder->box.x1, height = finder->box.y2 - finder->box.y1;
    int32_t pixels = ANCHOR_BYTES / finder->size;
    int32_t columns = CLAMP(width / (2 * pixels), 1, MAX_COLUMNS);
    int32_t probes = height >= PROBES ? PROBES : FEW_PROBES, changed = 0;
    unsigned taken[MAX_COLUMNS] = {0};

    for (int32_t i = 0; i < probes; i++) {
        /* Not from the top to the bottom: what is at one end may be new. */
        int32_t probe = i * 18 % probes;
        int32_t y = finder->box.y1 + (int32_t)(((int64_t)2 * probe + 1) * height / (2 * probes));
        const uint8_t *row = finder->picture->row(finder->picture->context, y);
        const uint8_t *before = old_at(finder, finder->box.x1, y);

        if (memcmp(row, before, (size_t)width * finder->size) == 0)
            continue;
        changed++;
        for (int32_t column = 0; column < columns; column++) {
            int32_t left = column * width / columns, right = (column + 1) * width / columns;

            if (taken[column] >= PER_COLUMN)
                continue;
            /* One of the first few places in the column's part of the row that will do. */
            for (int32_t x = left, tries = 0; x + pixels <= right && tries < 8;
                 x += pixels / 2, tries++) {
                const uint8_t *bytes = row + (size_t)x * finder->size;

                if (is_textured(bytes) &&
                    memcmp(bytes, before + (size_t)x * finder->size, ANCHOR_BYTES) != 0) {
                    unsigned n = finder->n_anchors;

                    add_anchor(finder, bytes, finder->box.x1 + x, y);
                    taken[column] += finder->n_anchors - n;
                    break;
                }
            }
        }
        if (i == 15 && changed < 4)
            return false;
    }
    return changed * 4 >= probes && finder->n_anchors >= MIN_VOTES;
}

/* ---- votes ---- */

static void vote(Finder *finder, Anchor *anchor, int32_t x, int32_t y)
{
    int32_t dx = anchor->x - x, dy = anchor->y - y;
    unsigned at = ((uint32_t)dx * 31 + (uint32_t)dy * 8191) % N_VOTES;

    if (dx == 0 && dy == 0)
        return;
    anchor->hits++;
    if (finder->n_votes >= N_VOTES * 3 / 4)
        return;
    while (finder->votes[at].n && (finder->votes[at].dx != dx || finder->votes[at].dy != dy))
        at = (at + 1) % N_VOTES;
    if (!finder->votes[at].n)
        finder->n_votes++;
    finder->votes[at].dx = dx;
    finder->votes[at].dy = dy;
    finder->votes[at].n++;
}

/* step: one row in so many was searched. */
static bool elect(Finder *finder, int32_t step, int32_t *dx, int32_t *dy)
{
    const Vote *best = &finder->votes[0];
    unsigned patterns = 0;

    for (unsigned i = 1; i < N_VOTES; i++)
        if (finder->votes[i].n > best->n)
            best = &finder->votes[i];
    for (unsigned i = 0; i < finder->n_anchors; i++)
        patterns += finder->anchors[i].hits >= MAX_HITS;
    *dx = best->dx;
    *dy = best->dy;
    return best->n >= MIN_VOTES && best->n * 5 * step >= (finder->n_anchors - patterns) * 2;
}

static void clear_votes(Finder *finder)
{
    memset(finder->votes, 0, sizeof finder->votes);
    finder->n_votes = 0;
    for (unsigned i = 0; i < finder->n_anchors; i++)
        finder->anchors[i].hits = 0;
}

/* The same column, anywhere in the height of the box above, in, or below it. */
static void search_columns(Finder *finder)
{
    int32_t height = finder->box.y2 - finder->box.y1;
    int32_t top = MAX(0, finder->box.y1 - height),
            bottom = MIN(finder->old->height, finder->box.y2 + height);

    for (unsigned i = 0; i < finder->n_anchors; i++) {
        Anchor *anchor = &finder->anchors[i];

        for (int32_t y = top; y < bottom && anchor->hits < MAX_HITS; y++) {
            const uint8_t *bytes = old_at(finder, anchor->x, y);

            if (load(bytes) == anchor->key && memcmp(bytes, anchor->bytes, ANCHOR_BYTES) == 0)
                vote(finder, anchor, anchor->x, y);
        }
    }
}

/* The same row, anywhere in it. */
static void search_rows(Finder *finder)
{
    int32_t last = finder->old->width - ANCHOR_BYTES / (int32_t)finder->size;

    for (unsigned i = 0; i < finder->n_anchors; i++) {
        Anchor *anchor = &finder->anchors[i];
        const uint8_t *bytes = old_at(finder, 0, anchor->y);

        for (int32_t x = 0; x <= last && anchor->hits < MAX_HITS; x++, bytes += finder->size)
            if (load(bytes) == anchor->key && memcmp(bytes, anchor->bytes, ANCHOR_BYTES) == 0)
                vote(finder, anchor, x, anchor->y);
    }
}

static uint64_t load_two(const uint8_t *bytes)
{
    uint64_t second = load(bytes + 8);

    return load(bytes) ^ (second << 21 | second >> 43);
}

/* Of all bytes: text on paper begins with paper, and goes on with it. */
static unsigned filter_bit(const uint8_t *bytes)
{
    uint64_t mixed =
        load_two(bytes) * 0x9e3779b97f4a7c15u ^ load_two(bytes + 16) * 0xc2b2ae3d27d4eb4fu ^
        load_two(bytes + 32) * 0x165667b19e3779f9u ^ load_two(bytes + 48) * 0xd6e8feb86659fd93u;

    return (uint32_t)(mixed >> 48) % FILTER_BITS;
}

/* Any offset: each place around the box is looked at, with a filter in front. */
static void search_anywhere(Finder *finder, int32_t step, int32_t reach)
{
    uint8_t filter[FILTER_BITS / 8] = {0};
    int32_t last = finder->old->width - ANCHOR_BYTES / (int32_t)finder->size;
    int32_t left = MAX(0, finder->box.x1 - reach), right = MIN(last + 1, finder->box.x2 + reach);
    int32_t top = MAX(0, finder->box.y1 - reach),
            bottom = MIN(finder->old->height, finder->box.y2 + reach);
    unsigned looks = 0;

    if ((int64_t)(right - left) * (bottom - top) > MAX_PLACES)
        return;
    for (unsigned i = 0; i < finder->n_anchors; i++) {
        unsigned bit = filter_bit(finder->anchors[i].bytes);

        filter[bit >> 3] |= 1u << (bit & 7);
    }
    for (int32_t y = top; y < bottom && looks < MAX_LOOKS; y += step) {
        const uint8_t *bytes = old_at(finder, left, y);

        for (int32_t x = left; x < right; x++, bytes += finder->size) {
            unsigned bit = filter_bit(bytes);

            if (!(filter[bit >> 3] >> (bit & 7) & 1))
                continue;
            uint64_t key = load(bytes);

            looks += finder->n_anchors / 8 + 1;
            for (unsigned i = 0; i < finder->n_anchors; i++) {
                Anchor *anchor = &finder->anchors[i];

                if (anchor->key == key && anchor->hits < MAX_HITS &&
                    memcmp(bytes, anchor->bytes, ANCHOR_BYTES) == 0)
                    vote(finder, anchor, x, y);
            }
        }
    }
}

/* ---- for which rectangle ---- */

/* Unlike this in the old picture, is it like that of the offset? */
enum { CHANGED = 1, MATCHES = 2 };

typedef struct Grid {
    uint8_t *cells;
    int32_t across, down;
} Grid;

/* Cells that lie whole in the box and whose source lies in the old picture. */
static void sample_grid(const Finder *finder, int32_t dx, int32_t dy, Grid *grid)
{
    for (int32_t row = 0; row < grid->down; row++) {
        uint8_t *cells = grid->cells + (size_t)row * grid->across;

        memset(cells, MATCHES, grid->across);
        for (int32_t i = 0; i < CELL_ROWS; i++) {
            int32_t y = finder->box.y1 + row * CELL_HEIGHT + 2 + i * 5, from = y - dy;
            const uint8_t *bytes = finder->picture->row(finder->picture->context, y);
            const uint8_t *before = old_at(finder, finder->box.x1, y);
            bool inside = from >= 0 && from < finder->old->height;

            for (int32_t column = 0; column < grid->across; column++) {
                int32_t x = column * CELL_WIDTH, source = finder->box.x1 + x - dx;
                size_t offset = (size_t)x * finder->size, n = CELL_WIDTH * finder->size;

                if (memcmp(bytes + offset, before + offset, n) != 0)
                    cells[column] |= CHANGED;
                if (!inside || source < 0 || source + CELL_WIDTH > finder->old->width ||
                    memcmp(bytes + offset, old_at(finder, source, from), n) != 0)
                    cells[column] &= ~MATCHES;
            }
        }
    }
}

/* What it brings to have the cell moved; less than nothing where what stands still would be
 * disturbed. */
static int32_t gain(uint8_t cell)
{
    static const int8_t gains[] = {-3, 0, 0, 2};

    return gains[cell & 3];
}

/* The part of the sums with the largest total. */
static void best_range(const int32_t *sums, int32_t n, int32_t *from, int32_t *to)
{
    int64_t best = 0, sum = 0;
    int32_t start = 0;

    *from = *to = 0;
    for (int32_t i = 0; i < n; i++) {
        if (sum <= 0) {
            sum = 0;
            start = i;
        }
        sum += sums[i];
        if (sum > best) {
            best = sum;
            *from = start;
            *to = i + 1;
        }
    }
}

/* In cells. False: the offset explains too little. */
static bool fit_rectangle(const Grid *grid, pixman_box32_t *fit)
{
    int32_t *sums = g_new(int32_t, MAX(grid->across, grid->down));
    unsigned changed = 0, explained = 0, disturbed = 0;

    *fit = (pixman_box32_t){0, 0, grid->across, grid->down};
    for (int turn = 0; turn < 2; turn++) {
        for (int32_t row = 0; row < grid->down; row++) {
            sums[row] = 0;
            for (int32_t column = fit->x1; column < fit->x2; column++)
                sums[row] += gain(grid->cells[(size_t)row * grid->across + column]);
        }
        best_range(sums, grid->down, &fit->y1, &fit->y2);
        for (int32_t column = 0; column < grid->across; column++) {
            sums[column] = 0;
            for (int32_t row = fit->y1; row < fit->y2; row++)
                sums[column] += gain(grid->cells[(size_t)row * grid->across + column]);
        }
        best_range(sums, grid->across, &fit->x1, &fit->x2);
    }
    g_free(sums);
    for (int32_t row = 0; row < grid->down; row++)
        for (int32_t column = 0; column < grid->across; column++) {
            uint8_t cell = grid->cells[(size_t)row * grid->across + column];

            changed += cell & CHANGED;
            if (row < fit->y1 || row >= fit->y2 || column < fit->x1 || column >= fit->x2)
                continue;
            explained += cell == (CHANGED | MATCHES);
            disturbed += cell == 0;
        }
    return explained > 0 && explained * 5 >= changed * 3 && disturbed * 4 <= explained;
}

/* How many samples of a row or a column of the rectangle don't fit, in percent. The row that
 * follows an edge outside of it may be asked for, too. */
static int32_t row_misfit(const Finder *finder, const ScrollMove *move, int32_t y)
{
    const uint8_t *row = finder->picture->row(finder->picture->context, y);
    int32_t n = 0, wrong = 0;

    for (int32_t x = move->to.x1; x < move->to.x2; x += 8) {
        size_t bytes = (size_t)MIN(8, move->to.x2 - x) * finder->size;

        n++;
        wrong += memcmp(row + (size_t)(x - finder->box.x1) * finder->size,
                        old_at(finder, x - move->dx, y - move->dy), bytes) != 0;
    }
    return wrong * 100 / n;
}

static bool pixel_differs(const uint8_t *a, const uint8_t *b, unsigned size)
{
    return size == 4 ? memcmp(a, b, 4) != 0 : memcmp(a, b, 2) != 0;
}

/* The same for the columns from x1 on, 'percent' has room for them: a row is fetched once for all.
 */
static void columns_misfit(const Finder *finder, const ScrollMove *move, int32_t x1, int32_t x2,
                           uint8_t *percent)
{
    uint16_t wrong[CELL_WIDTH] = {0};
    int32_t n = 0;

    if (x1 == x2)
        return;
    for (int32_t y = move->to.y1; y < move->to.y2; y += COLUMN_STEP, n++) {
        const uint8_t *row = finder->picture->row(finder->picture->context, y) +
                             (size_t)(x1 - finder->box.x1) * finder->size;
        const uint8_t *old = old_at(finder, x1 - move->dx, y - move->dy);

        for (int32_t x = 0; x < x2 - x1; x++)
            wrong[x] += pixel_differs(row + (size_t)x * finder->size,
                                      old + (size_t)x * finder->size, finder->size);
    }
    for (int32_t x = 0; x < x2 - x1; x++)
        percent[x] = (uint8_t)(wrong[x] * 100 / n);
}

/* Take away what doesn't fit at the edges, at most a cell at each. */
static void trim_edges(const Finder *finder, ScrollMove *move)
{
    pixman_box32_t *to = &move->to;
    int32_t reach = MIN(to->x2 - to->x1, CELL_WIDTH), first = to->x1, last = to->x2 - reach;
    uint8_t from_left[CELL_WIDTH], from_right[CELL_WIDTH];

    columns_misfit(finder, move, first, first + reach, from_left);
    columns_misfit(finder, move, last, last + reach, from_right);
    while (to->x1 < first + reach && to->x2 - to->x1 > 2 && from_left[to->x1 - first] > SLACK)
        to->x1++;
    while (to->x2 > last && to->x2 - to->x1 > 2 && from_right[to->x2 - 1 - last] > SLACK)
        to->x2--;
    for (int i = 0; i < CELL_HEIGHT && to->y2 - to->y1 > 2; i++, to->y1++)
        if (row_misfit(finder, move, to->y1) <= SLACK)
            break;
    for (int i = 0; i < CELL_HEIGHT && to->y2 - to->y1 > 2; i++, to->y2--)
        if (row_misfit(finder, move, to->y2 - 1) <= SLACK)
            break;
}

/* Add what fits beyond them. */
static void grow_edges(const Finder *finder, ScrollMove *move)
{
    pixman_box32_t *to = &move->to;
    int32_t top = MAX(MAX(finder->box.y1, move->dy), to->y1 - CELL_HEIGHT),
            bottom = MIN(MIN(finder->box.y2, finder->old->height + move->dy), to->y2 + CELL_HEIGHT),
            left = MAX(MAX(finder->box.x1, move->dx), to->x1 - CELL_WIDTH),
            right = MIN(MIN(finder->box.x2, finder->old->width + move->dx), to->x2 + CELL_WIDTH),
            first = to->x1, last = to->x2;
    uint8_t from_left[CELL_WIDTH], from_right[CELL_WIDTH];

    while (to->y1 > top && row_misfit(finder, move, to->y1 - 1) == 0)
        to->y1--;
    while (to->y2 < bottom && row_misfit(finder, move, to->y2) == 0)
        to->y2++;
    columns_misfit(finder, move, left, first, from_left);
    columns_misfit(finder, move, last, right, from_right);
    while (to->x1 > left && from_left[to->x1 - 1 - left] == 0)
        to->x1--;
    while (to->x2 < right && from_right[to->x2 - last] == 0)
        to->x2++;
}

static bool fit(const Finder *finder, int32_t dx, int32_t dy, ScrollMove *move)
{
    Grid grid = {.across = (finder->box.x2 - finder->box.x1) / CELL_WIDTH,
                 .down = (finder->box.y2 - finder->box.y1) / CELL_HEIGHT};
    pixman_box32_t cells;
    bool found;

    grid.cells = g_try_malloc((size_t)grid.across * grid.down);
    if (!grid.cells)
        return false;
    sample_grid(finder, dx, dy, &grid);
    found = fit_rectangle(&grid, &cells);
    g_free(grid.cells);
    if (!found)
        return false;
    move->dx = dx;
    move->dy = dy;
    move->to = (pixman_box32_t){
        finder->box.x1 + cells.x1 * CELL_WIDTH, finder->box.y1 + cells.y1 * CELL_HEIGHT,
        finder->box.x1 + cells.x2 * CELL_WIDTH, finder->box.y1 + cells.y2 * CELL_HEIGHT};
    /* Cells without a match may reach beyond. */
    move->to.x1 = MAX(move->to.x1, dx);
    move->to.y1 = MAX(move->to.y1, dy);
    move->to.x2 = MIN(move->to.x2, finder->old->width + dx);
    move->to.y2 = MIN(move->to.y2, finder->old->height + dy);
    if (move->to.x1 >= move->to.x2 || move->to.y1 >= move->to.y2)
        return false;
    /* The edges of the grid's cells aren't those of what has moved. */
    trim_edges(finder, move);
    grow_edges(finder, move);
    return true;
}

bool scroll_goes_on(const CanvasPixels *old, const pixman_box32_t *box, const ScrollSource *picture,
                    const ScrollMove *move)
{
    unsigned size = canvas_unpacked_size(old->format), same = 0, changed = 0;
    const pixman_box32_t *to = &move->to;
    /* The edges that were found may be wrong, by less than a cell. */
    int32_t margin = MIN(CELL_WIDTH, (to->x2 - to->x1) / 4), x = to->x1 + margin,
            stripe = (to->y2 - to->y1) / FEW_ROWS;
    size_t bytes = (size_t)(to->x2 - margin - x) * size;

    if ((!move->dx && !move->dy) || to->x1 < box->x1 || to->y1 < box->y1 || to->x2 > box->x2 ||
        to->y2 > box->y2 || stripe < 1 || to->x1 - move->dx < 0 || to->y1 - move->dy < 0 ||
        to->x2 - move->dx > old->width || to->y2 - move->dy > old->height)
        return false;
    for (int i = 0; i < FEW_ROWS; i++) {
        /* Not as evenly as lines of text and what is between them. */
        int32_t y = to->y1 + i * stripe + (stripe / 2 + 37 * i) % stripe;
        const uint8_t *row = picture->row(picture->context, y) + (size_t)(x - box->x1) * size;

        same +=
            memcmp(row, canvas_row(old, y - move->dy) + (size_t)(x - move->dx) * size, bytes) == 0;
        changed += memcmp(row, canvas_row(old, y) + (size_t)x * size, bytes) != 0;
    }
    return same * 4 >= FEW_ROWS * 3 && changed * 4 >= FEW_ROWS;
}

bool scroll_find(const CanvasPixels *old, const pixman_box32_t *box, const ScrollSource *picture,
                 bool anywhere, ScrollMove *move)
{
    int32_t width = box->x2 - box->x1, height = box->y2 - box->y1, dx = 0, dy = 0;
    unsigned size = canvas_unpacked_size(old->format);
    Finder *finder;
    bool found = false;

    if ((size != 2 && size != 4) || width < SCROLL_MIN_SIDE || height < SCROLL_MIN_SIDE ||
        (int64_t)width * height < SCROLL_MIN_PIXELS || box->x1 < 0 || box->y1 < 0 ||
        box->x2 > old->width || box->y2 > old->height)
        return false;
    finder = g_new0(Finder, 1);
    finder->old = old;
    finder->box = *box;
    finder->picture = picture;
    finder->size = size;
    /* What scrolls or is dragged mostly goes on as before. */
    if ((move->dx || move->dy) && fit(finder, move->dx, move->dy, move)) {
        found = true;
    } else if (choose_anchors(finder)) {
        /* Of a large area not every row is needed. */
        int32_t step = CLAMP(height / 96, 1, 6);

        search_columns(finder);
        found = elect(finder, 1, &dx, &dy) && fit(finder, dx, dy, move);
        if (!found) {
            clear_votes(finder);
            search_rows(finder);
            found = elect(finder, 1, &dx, &dy) && fit(finder, dx, dy, move);
        }
        for (int32_t reach = NEAR; !found && anywhere && reach <= REACH; reach += REACH - NEAR) {
            clear_votes(finder);
            search_anywhere(finder, step, reach);
            found = elect(finder, step, &dx, &dy) && fit(finder, dx, dy, move);
        }
    }
    g_free(finder);
    return found;
}
