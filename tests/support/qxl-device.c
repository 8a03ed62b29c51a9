/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Builds QXL commands in the process's own memory, and hands them to the server's worker. */
#include "qxl-device.h"

#include <cairo.h>
#include <pthread.h>
#include <string.h>

static QXLInstance qxl;

/* Of QXLCommandExt: the worker's thread takes them. The lock is pthread's and not a GAsyncQueue's,
 * as the thread sanitizer has to see it. */
typedef struct Ring {
    pthread_mutex_t lock;
    GQueue commands;
} Ring;

static Ring drawings = {PTHREAD_MUTEX_INITIALIZER, G_QUEUE_INIT};
static Ring cursors = {PTHREAD_MUTEX_INITIALIZER, G_QUEUE_INIT};
static int drawn;

static void put(Ring *ring, uint32_t type, void *data)
{
    QXLCommandExt command = {.cmd = {.type = type, .data = (uintptr_t)data}};

    drawn += ring == &drawings;
    pthread_mutex_lock(&ring->lock);
    g_queue_push_tail(&ring->commands, g_memdup2(&command, sizeof command));
    pthread_mutex_unlock(&ring->lock);
}

/* A drawing, with room behind it for what it points to: one block, freed when it is released. */
static QXLDrawable *new_drawing(int surface, int type, int x, int y, int w, int h, size_t room)
{
    QXLDrawable *drawing = g_malloc0(sizeof *drawing + room);

    drawing->surface_id = surface;
    drawing->type = type;
    drawing->effect = type == QXL_DRAW_TEXT ? QXL_EFFECT_BLEND : QXL_EFFECT_OPAQUE;
    drawing->bbox = (QXLRect){.left = x, .top = y, .right = x + w, .bottom = y + h};
    memset(drawing->surfaces_dest, -1, sizeof drawing->surfaces_dest); /* reads no other surface */
    return drawing;
}

void device_fill(int surface, int x, int y, int w, int h, uint32_t colour)
{
    QXLDrawable *drawing = new_drawing(surface, QXL_DRAW_FILL, x, y, w, h, 0);

    drawing->u.fill.brush.type = SPICE_BRUSH_TYPE_SOLID;
    drawing->u.fill.brush.u.color = colour;
    drawing->u.fill.rop_descriptor = SPICE_ROPD_OP_PUT;
    put(&drawings, QXL_CMD_DRAW, drawing);
}

void device_move(int surface, int x, int y, int w, int h, int from_x, int from_y)
{
    QXLDrawable *drawing = new_drawing(surface, QXL_COPY_BITS, x, y, w, h, 0);

    drawing->u.copy_bits.src_pos = (QXLPoint){.x = from_x, .y = from_y};
    put(&drawings, QXL_CMD_DRAW, drawing);
}

/* A copy; its image is yet to be filled in. */
static QXLDrawable *new_copy(int surface, int x, int y, int w, int h, int from_x, int from_y,
                             int type, size_t room)
{
    QXLDrawable *drawing = new_drawing(surface, QXL_DRAW_COPY, x, y, w, h, sizeof(QXLImage) + room);
    QXLImage *image = (QXLImage *)(drawing + 1);
    static uint32_t unique;

    unique++;
    QXL_SET_IMAGE_ID(image, QXL_IMAGE_GROUP_DEVICE, unique);
    image->descriptor.type = type;
    image->descriptor.width = w;
    image->descriptor.height = h;
    drawing->u.copy.src_bitmap = (uintptr_t)image;
    drawing->u.copy.src_area =
        (QXLRect){.left = from_x, .top = from_y, .right = from_x + w, .bottom = from_y + h};
    drawing->u.copy.rop_descriptor = SPICE_ROPD_OP_PUT;
    return drawing;
}

void device_image(int surface, int x, int y, int w, int h, const uint32_t *pixels)
{
    size_t size = (size_t)w * h * 4;
    QXLDrawable *drawing = new_copy(surface, x, y, w, h, 0, 0, SPICE_IMAGE_TYPE_BITMAP, size);
    QXLImage *image = (QXLImage *)(drawing + 1);

    image->bitmap = (QXLBitmap){.format = SPICE_BITMAP_FMT_32BIT,
                                .flags = QXL_BITMAP_DIRECT | QXL_BITMAP_TOP_DOWN,
                                .x = w,
                                .y = h,
                                .stride = w * 4,
                                .data = (uintptr_t)(image + 1)};
    memcpy(image + 1, pixels, size);
    put(&drawings, QXL_CMD_DRAW, drawing);
}

void device_copy(int surface, int x, int y, int w, int h, int from, int from_x, int from_y)
{
    QXLDrawable *drawing =
        new_copy(surface, x, y, w, h, from_x, from_y, SPICE_IMAGE_TYPE_SURFACE, 0);

    ((QXLImage *)(drawing + 1))->surface_image.surface_id = from;
    drawing->surfaces_dest[0] = from; /* the server renders it before this drawing */
    drawing->surfaces_rects[0] = drawing->u.copy.src_area;
    put(&drawings, QXL_CMD_DRAW, drawing);
}

/* ASCII in the form that QXL_DRAW_TEXT wants: a coverage of 4 bits a pixel, bottom row first. */
static uint8_t glyphs[128][CELL_HEIGHT][CELL_WIDTH / 2];

static void make_glyphs(void)
{
    cairo_surface_t *cell = cairo_image_surface_create(CAIRO_FORMAT_A8, CELL_WIDTH, CELL_HEIGHT);
    cairo_t *cairo = cairo_create(cell);

    cairo_select_font_face(cairo, "monospace", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, 13);
    for (char text[2] = " "; *text < 127; ++*text) {
        uint8_t *pixels = cairo_image_surface_get_data(cell); /* rows have no padding */

        memset(pixels, 0, CELL_WIDTH * CELL_HEIGHT);
        cairo_surface_mark_dirty(cell);
        cairo_move_to(cairo, 0, 12);
        cairo_show_text(cairo, text);
        cairo_surface_flush(cell);
        for (int i = 0; i < CELL_WIDTH * CELL_HEIGHT; i++)
            glyphs[(int)*text][CELL_HEIGHT - 1 - i / CELL_WIDTH][i % CELL_WIDTH / 2] |=
                pixels[i] >> 4 << (i % 2 ? 0 : 4);
    }
    cairo_destroy(cairo);
    cairo_surface_destroy(cell);
}

void device_text(int surface, int x, int y, uint32_t colour, const char *text)
{
    const size_t glyph_size = sizeof(QXLRasterGlyph) + sizeof glyphs[0];
    size_t n = strlen(text);

    if (n == 0)
        return;
    QXLDrawable *drawing = new_drawing(surface, QXL_DRAW_TEXT, x, y, n * CELL_WIDTH, CELL_HEIGHT,
                                       sizeof(QXLString) + n * glyph_size);
    QXLString *string = (QXLString *)(drawing + 1);

    string->length = n;
    string->flags = SPICE_STRING_FLAGS_RASTER_A4;
    string->data_size = string->chunk.data_size = n * glyph_size;
    for (size_t i = 0; i < n; i++) {
        QXLRasterGlyph *glyph = (QXLRasterGlyph *)(string->chunk.data + i * glyph_size);

        *glyph = (QXLRasterGlyph){.render_pos = {.x = x + i * CELL_WIDTH, .y = y},
                                  .width = CELL_WIDTH,
                                  .height = CELL_HEIGHT};
        memcpy(glyph->data, glyphs[text[i] & 127], sizeof glyphs[0]);
    }
    drawing->u.text.str = (uintptr_t)string;
    drawing->u.text.fore_brush.type = SPICE_BRUSH_TYPE_SOLID;
    drawing->u.text.fore_brush.u.color = colour;
    drawing->u.text.fore_mode = SPICE_ROPD_OP_PUT;
    put(&drawings, QXL_CMD_DRAW, drawing);
}

/* Of a surface; stays until the process ends, as there is no destroy. */
static void *new_pixels(int width, int height)
{
    static GSList *kept;

    kept = g_slist_prepend(kept, g_malloc0((size_t)width * height * 4));
    return kept->data;
}

void device_new_surface(int surface, int w, int h)
{
    QXLSurfaceCmd *create = g_new0(QXLSurfaceCmd, 1);

    create->surface_id = surface;
    create->type = QXL_SURFACE_CMD_CREATE;
    create->u.surface_create = (QXLSurface){.format = SPICE_SURFACE_FMT_32_xRGB,
                                            .width = w,
                                            .height = h,
                                            .stride = w * 4,
                                            .data = (uintptr_t)new_pixels(w, h)};
    put(&drawings, QXL_CMD_SURFACE, create);
}

void device_cursor(int x, int y, int size, const uint32_t *pixels)
{
    QXLCursorCmd *set = g_malloc0(sizeof *set + sizeof(QXLCursor) + size * size * 4);
    QXLCursor *shape = (QXLCursor *)(set + 1);
    static uint64_t unique;

    set->type = QXL_CURSOR_SET;
    set->u.set.position = (QXLPoint16){.x = x, .y = y};
    set->u.set.visible = 1;
    set->u.set.shape = (uintptr_t)shape;
    shape->header.unique = ++unique;
    shape->header.type = SPICE_CURSOR_TYPE_ALPHA;
    shape->header.width = shape->header.height = size;
    shape->data_size = shape->chunk.data_size = size * size * 4;
    memcpy(shape->chunk.data, pixels, size * size * 4);
    put(&cursors, QXL_CMD_CURSOR, set);
}

void device_move_cursor(int x, int y)
{
    QXLCursorCmd *move = g_new0(QXLCursorCmd, 1);

    move->type = QXL_CURSOR_MOVE;
    move->u.position = (QXLPoint16){.x = x, .y = y};
    put(&cursors, QXL_CMD_CURSOR, move);
}

int device_drawn(void)
{
    return drawn;
}

static int length(Ring *ring)
{
    int n;

    pthread_mutex_lock(&ring->lock);
    n = g_queue_get_length(&ring->commands);
    pthread_mutex_unlock(&ring->lock);
    return n;
}

int device_wake(void)
{
    const int waiting = length(&drawings);

    if (waiting > 0 || length(&cursors) > 0)
        spice_qxl_wakeup(&qxl);
    return waiting;
}

/* ---- what the server calls; all but the first from its worker's thread
 * ------------------------- */

static void attached_worker(QXLInstance *instance)
{
    QXLDevMemSlot all_memory = {.virt_end = ~(uintptr_t)0};

    spice_qxl_add_memslot(instance, &all_memory);
}

static void set_compression_level(QXLInstance *instance, int level)
{
}

static void set_client_capabilities(QXLInstance *instance, uint8_t present, uint8_t *capabilities)
{
}

static void get_init_info(QXLInstance *instance, QXLDevInitInfo *info)
{
    *info = (QXLDevInitInfo){.num_memslots_groups = 1,
                             .num_memslots = 1,
                             .memslot_gen_bits = 1,
                             .memslot_id_bits = 1,
                             .n_surfaces = 16};
}

static int take(Ring *ring, QXLCommandExt *command)
{
    g_autofree QXLCommandExt *next = NULL;

    pthread_mutex_lock(&ring->lock);
    next = g_queue_pop_head(&ring->commands);
    pthread_mutex_unlock(&ring->lock);
    if (!next)
        return 0;
    *command = *next;
    return 1;
}

static int get_command(QXLInstance *instance, QXLCommandExt *command)
{
    return take(&drawings, command);
}

static int get_cursor_command(QXLInstance *instance, QXLCommandExt *command)
{
    return take(&cursors, command);
}

static int req_notification(QXLInstance *instance)
{
    return 1; /* device_wake() follows whatever is put into the rings */
}

static void release_resource(QXLInstance *instance, QXLReleaseInfoExt release)
{
    g_free(release.info);
}

static const QXLInterface interface = {
    .base = {SPICE_INTERFACE_QXL, "QXL", SPICE_INTERFACE_QXL_MAJOR, SPICE_INTERFACE_QXL_MINOR},
    .attached_worker = attached_worker,
    .set_compression_level = set_compression_level,
    .get_init_info = get_init_info,
    .get_command = get_command,
    .req_cmd_notification = req_notification,
    .release_resource = release_resource,
    .get_cursor_command = get_cursor_command,
    .req_cursor_notification = req_notification,
    .set_client_capabilities = set_client_capabilities,
};

void device_add(SpiceServer *server, int width, int height)
{
    QXLDevSurfaceCreate primary = {.width = width,
                                   .height = height,
                                   .stride = width * 4,
                                   .format = SPICE_SURFACE_FMT_32_xRGB,
                                   .mouse_mode = 1};

    make_glyphs();
    qxl.base.sif = &interface.base;
    spice_server_add_interface(server, &qxl.base);
    primary.mem = (uintptr_t)new_pixels(width, height);
    spice_qxl_create_primary_surface(&qxl, 0, &primary);
}
