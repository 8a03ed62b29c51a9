/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The synthetic guest. */
#include "server/guest.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What the guest sees at the beginning of its memory. */
#define GUEST_BASE 0x100000

static Guest *of(QXLInstance *instance)
{
    return (Guest *)instance;
}

static void note(Guest *guest, GuestCall call)
{
    g_array_append_val(guest->calls, call);
}

/* ---- callbacks ---- */

static void attached_worker(QXLInstance *instance)
{
}

static void set_compression_level(QXLInstance *instance, int level)
{
}

static void get_init_info(QXLInstance *instance, QXLDevInitInfo *info)
{
    *info = of(instance)->info;
}

static int take(Guest *guest, GQueue *ring, QXLCommandExt *command)
{
    QXLCommandExt *first;
    void (*on_take)(Guest *);

    pthread_mutex_lock(&guest->lock);
    guest->n_polls++;
    first = g_queue_pop_head(ring);
    on_take = guest->on_take;
    if (first) {
        uint64_t host = (first->cmd.data & ~(UINT64_MAX << 48)) - GUEST_BASE +
                        (uint64_t)(uintptr_t)guest->memory;

        *command = *first;
        g_free(first);
        guest->n_taken++;
        g_hash_table_add(guest->out, (void *)(uintptr_t)host);
    }
    pthread_mutex_unlock(&guest->lock);
    if (first && on_take)
        on_take(guest);
    return first != NULL;
}

static int get_command(QXLInstance *instance, struct QXLCommandExt *command)
{
    return take(of(instance), &of(instance)->display_ring, command);
}

static int get_cursor_command(QXLInstance *instance, struct QXLCommandExt *command)
{
    return take(of(instance), &of(instance)->cursor_ring, command);
}

static int ask(Guest *guest, GQueue *ring, bool *armed)
{
    pthread_mutex_lock(&guest->lock);
    *armed = ring->length == 0 && !guest->never_armed;
    int result = *armed;
    pthread_mutex_unlock(&guest->lock);
    return result;
}

static int req_cmd_notification(QXLInstance *instance)
{
    return ask(of(instance), &of(instance)->display_ring, &of(instance)->armed_display);
}

static int req_cursor_notification(QXLInstance *instance)
{
    return ask(of(instance), &of(instance)->cursor_ring, &of(instance)->armed_cursor);
}

static void release_resource(QXLInstance *instance, struct QXLReleaseInfoExt info)
{
    Guest *guest = of(instance);
    uint8_t *at = (uint8_t *)info.info;

    pthread_mutex_lock(&guest->lock);
    guest->n_released++;
    if (!g_hash_table_remove(guest->out, at) || info.group_id != GUEST_GROUP ||
        at < guest->memory || at + sizeof(QXLReleaseInfo) > guest->memory + guest->size)
        guest->n_bad_releases++;
    else
        info.info->next = 0xdeadbeef; /* as a device does */
    note(guest, (GuestCall){GUEST_RELEASE, (uintptr_t)at, info.group_id, {0}});
    pthread_mutex_unlock(&guest->lock);
}

static void notify_update(QXLInstance *instance, uint32_t update_id)
{
    pthread_mutex_lock(&of(instance)->lock);
    note(of(instance), (GuestCall){GUEST_NOTIFY, update_id, 0, {0}});
    pthread_mutex_unlock(&of(instance)->lock);
}

static int flush_resources(QXLInstance *instance)
{
    pthread_mutex_lock(&of(instance)->lock);
    int result = of(instance)->flush_result;
    of(instance)->n_flushes++;
    pthread_mutex_unlock(&of(instance)->lock);
    return result;
}

static void async_complete(QXLInstance *instance, uint64_t cookie)
{
    pthread_mutex_lock(&of(instance)->lock);
    note(of(instance), (GuestCall){GUEST_ASYNC_COMPLETE, cookie, 0, {0}});
    pthread_mutex_unlock(&of(instance)->lock);
}

static void update_area_complete(QXLInstance *instance, uint32_t surface_id, struct QXLRect *rects,
                                 uint32_t n)
{
    GuestCall call = {GUEST_UPDATE_COMPLETE, surface_id, n, {0}};

    if (n > 0)
        call.first = rects[0];
    pthread_mutex_lock(&of(instance)->lock);
    note(of(instance), call);
    pthread_mutex_unlock(&of(instance)->lock);
}

static void set_client_capabilities(QXLInstance *instance, uint8_t present, uint8_t caps[58])
{
    pthread_mutex_lock(&of(instance)->lock);
    note(of(instance), (GuestCall){GUEST_CAPS, present, caps[0], {0}});
    pthread_mutex_unlock(&of(instance)->lock);
}

static int client_monitors_config(QXLInstance *instance, VDAgentMonitorsConfig *config)
{
    return 1;
}

/* ---- life ---- */

Guest *guest_new(size_t bytes)
{
    size_t page = sysconf(_SC_PAGESIZE);
    Guest *guest = g_new0(Guest, 1);

    guest->size = (bytes + page - 1) / page * page;
    guest->mapping_size = guest->size + 2 * page;
    guest->mapping = mmap(NULL, guest->mapping_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert(guest->mapping != MAP_FAILED);
    guest->memory = guest->mapping + page;
    g_assert(mprotect(guest->memory, guest->size, PROT_READ | PROT_WRITE) == 0);
    pthread_mutex_init(&guest->lock, NULL);
    g_queue_init(&guest->display_ring);
    g_queue_init(&guest->cursor_ring);
    guest->out = g_hash_table_new(NULL, NULL);
    guest->calls = g_array_new(FALSE, FALSE, sizeof(GuestCall));
    guest->info = (QXLDevInitInfo){
        .num_memslots_groups = 2,
        .num_memslots = 8,
        .memslot_gen_bits = 8,
        .memslot_id_bits = 8,
        .qxl_ram_size = guest->size,
        .n_surfaces = 1024,
    };
    guest->interface = (QXLInterface){
        .base = {.type = SPICE_INTERFACE_QXL,
                 .description = "synthetic guest",
                 .major_version = SPICE_INTERFACE_QXL_MAJOR,
                 .minor_version = SPICE_INTERFACE_QXL_MINOR},
        .attached_worker = attached_worker,
        .set_compression_level = set_compression_level,
        .get_init_info = get_init_info,
        .get_command = get_command,
        .req_cmd_notification = req_cmd_notification,
        .release_resource = release_resource,
        .get_cursor_command = get_cursor_command,
        .req_cursor_notification = req_cursor_notification,
        .notify_update = notify_update,
        .flush_resources = flush_resources,
        .async_complete = async_complete,
        .update_area_complete = update_area_complete,
        .set_client_capabilities = set_client_capabilities,
        .client_monitors_config = client_monitors_config,
    };
    guest->instance.base.sif = &guest->interface.base;
    return guest;
}

void guest_free(Guest *guest)
{
    g_queue_clear_full(&guest->display_ring, g_free);
    g_queue_clear_full(&guest->cursor_ring, g_free);
    g_hash_table_destroy(guest->out);
    g_array_free(guest->calls, TRUE);
    pthread_mutex_destroy(&guest->lock);
    munmap(guest->mapping, guest->mapping_size);
    g_free(guest);
}

void guest_add_memslot(Guest *guest)
{
    QXLDevMemSlot slot = {
        .slot_group_id = GUEST_GROUP,
        .slot_id = GUEST_SLOT,
        .virt_start = (uintptr_t)guest->memory,
        .virt_end = (uintptr_t)guest->memory + guest->size,
        .addr_delta = (uint64_t)(uintptr_t)guest->memory - GUEST_BASE,
    };

    spice_qxl_add_memslot(&guest->instance, &slot);
}

void *guest_alloc_aligned(Guest *guest, size_t size, size_t alignment)
{
    size_t start = (guest->used + alignment - 1) / alignment * alignment;
    void *memory = guest->memory + start;

    if (start + size > guest->size)
        g_error("the guest's memory is full");
    guest->used = start + size;
    return memset(memory, 0, size);
}

void *guest_alloc(Guest *guest, size_t size)
{
    return guest_alloc_aligned(guest, size, 16);
}

uint64_t guest_address(const Guest *guest, const void *memory)
{
    return (uint64_t)GUEST_SLOT << 56 |
           (uint64_t)((const uint8_t *)memory - guest->memory + GUEST_BASE);
}

void guest_forget(Guest *guest)
{
    guest->used = guest->primary
                      ? guest->primary - guest->memory + (size_t)ABS(guest->stride) * guest->height
                      : 0;
}

void guest_create_primary(Guest *guest, uint32_t width, uint32_t height, bool negative)
{
    QXLDevSurfaceCreate create = {
        .width = width,
        .height = height,
        .stride = negative ? -(int32_t)width * 4 : (int32_t)width * 4,
        .format = SPICE_SURFACE_FMT_32_xRGB,
        .mouse_mode = 1,
        .group_id = GUEST_GROUP,
    };

    guest->used = 0;
    guest->primary = guest_alloc_aligned(guest, (size_t)width * 4 * height, 4096);
    guest->width = width;
    guest->height = height;
    guest->stride = create.stride;
    create.mem = guest_address(guest, guest->primary);
    spice_qxl_create_primary_surface(&guest->instance, 0, &create);
}

uint32_t guest_pixel(const Guest *guest, uint32_t x, uint32_t y)
{
    const uint8_t *line_0 = guest->stride < 0
                                ? guest->primary - (int64_t)guest->stride * (guest->height - 1)
                                : guest->primary;
    uint32_t pixel;

    memcpy(&pixel, line_0 + (int64_t)guest->stride * y + 4 * x, 4);
    return pixel;
}

void guest_sync(Guest *guest)
{
    QXLRect all = guest_rect(0, 0, guest->width, guest->height), rects[4];

    spice_qxl_update_area(&guest->instance, 0, &all, rects, G_N_ELEMENTS(rects), 0);
}

static void push(Guest *guest, GQueue *ring, const QXLCommandExt *command, bool *armed)
{
    QXLCommandExt *copy = g_new(QXLCommandExt, 1);
    bool wake;

    *copy = *command;
    pthread_mutex_lock(&guest->lock);
    g_queue_push_tail(ring, copy);
    wake = *armed;
    *armed = false;
    pthread_mutex_unlock(&guest->lock);
    if (wake)
        spice_qxl_wakeup(&guest->instance);
}

void guest_push_ext(Guest *guest, const QXLCommandExt *command)
{
    push(guest, &guest->display_ring, command, &guest->armed_display);
}

void guest_push(Guest *guest, uint32_t type, uint64_t address)
{
    guest_push_ext(guest, &(QXLCommandExt){{address, type, 0}, GUEST_GROUP, 0});
}

void guest_push_cursor(Guest *guest, uint32_t type, uint64_t address)
{
    push(guest, &guest->cursor_ring, &(QXLCommandExt){{address, type, 0}, GUEST_GROUP, 0},
         &guest->armed_cursor);
}

/* ---- builders ---- */

QXLRect guest_rect(int32_t left, int32_t top, int32_t right, int32_t bottom)
{
    return (QXLRect){.left = left, .top = top, .right = right, .bottom = bottom};
}

QXLDrawable *guest_drawable(Guest *guest, uint8_t type, uint32_t surface, QXLRect box)
{
    QXLDrawable *drawable = guest_alloc(guest, sizeof *drawable);

    drawable->surface_id = surface;
    drawable->effect = QXL_EFFECT_BLEND;
    drawable->type = type;
    drawable->bbox = box;
    for (int i = 0; i < 3; i++)
        drawable->surfaces_dest[i] = -1;
    return drawable;
}

void guest_draw(Guest *guest, const QXLDrawable *drawable)
{
    guest_push(guest, QXL_CMD_DRAW, guest_address(guest, drawable));
}

void *guest_inline_chunks(Guest *guest, size_t head, const void *data, size_t size, size_t piece)
{
    const uint8_t *from = data;
    size_t n = piece == 0 || piece > size ? size : piece;
    uint8_t *start = guest_alloc(guest, head + sizeof(QXLDataChunk) + n);
    QXLDataChunk *chunk = (QXLDataChunk *)(start + head);

    for (;;) {
        chunk->data_size = n;
        if (from) {
            memcpy(chunk->data, from, n);
            from += n;
        }
        size -= n;
        if (size == 0)
            return start;
        n = n > size ? size : n;
        QXLDataChunk *next = guest_alloc(guest, sizeof *next + n);
        chunk->next_chunk = guest_address(guest, next);
        next->prev_chunk = guest_address(guest, chunk);
        chunk = next;
    }
}

uint64_t guest_chunks(Guest *guest, const void *data, size_t size, size_t piece)
{
    return guest_address(guest, guest_inline_chunks(guest, 0, data, size, piece));
}

QXLImage *guest_bitmap(Guest *guest, uint8_t format, uint32_t width, uint32_t height,
                       uint32_t stride, const void *pixels, size_t piece)
{
    static uint32_t unique;
    QXLImage *image = guest_alloc(guest, sizeof *image);

    QXL_SET_IMAGE_ID(image, QXL_IMAGE_GROUP_DRIVER, ++unique);
    image->descriptor.type = SPICE_IMAGE_TYPE_BITMAP;
    image->descriptor.width = width;
    image->descriptor.height = height;
    image->bitmap.format = format;
    image->bitmap.flags = QXL_BITMAP_TOP_DOWN;
    image->bitmap.x = width;
    image->bitmap.y = height;
    image->bitmap.stride = stride;
    image->bitmap.data = guest_chunks(guest, pixels, (size_t)stride * height, piece);
    return image;
}

void guest_fill(Guest *guest, uint32_t surface, QXLRect box, uint32_t color)
{
    QXLDrawable *fill = guest_drawable(guest, QXL_DRAW_FILL, surface, box);

    fill->effect = QXL_EFFECT_OPAQUE;
    fill->u.fill.brush.type = SPICE_BRUSH_TYPE_SOLID;
    fill->u.fill.brush.u.color = color;
    fill->u.fill.rop_descriptor = SPICE_ROPD_OP_PUT;
    guest_draw(guest, fill);
}

QXLDrawable *guest_copy(Guest *guest, uint32_t surface, QXLRect box, const QXLImage *image)
{
    QXLDrawable *copy = guest_drawable(guest, QXL_DRAW_COPY, surface, box);

    copy->effect = QXL_EFFECT_OPAQUE;
    copy->u.copy.src_bitmap = guest_address(guest, image);
    copy->u.copy.src_area = guest_rect(0, 0, box.right - box.left, box.bottom - box.top);
    copy->u.copy.rop_descriptor = SPICE_ROPD_OP_PUT;
    return copy;
}

QXLSurfaceCmd *guest_surface(Guest *guest, uint32_t id, uint32_t format, uint32_t width,
                             uint32_t height, int32_t stride)
{
    QXLSurfaceCmd *command = guest_alloc(guest, sizeof *command);

    command->surface_id = id;
    command->type = QXL_SURFACE_CMD_CREATE;
    command->u.surface_create.format = format;
    command->u.surface_create.width = width;
    command->u.surface_create.height = height;
    command->u.surface_create.stride = stride;
    command->u.surface_create.data =
        guest_address(guest, guest_alloc_aligned(guest, (size_t)ABS(stride) * height, 4096));
    return command;
}

void guest_create_surface(Guest *guest, uint32_t id, uint32_t format, uint32_t width,
                          uint32_t height)
{
    QXLSurfaceCmd *command = guest_surface(guest, id, format, width, height, width * 4);

    guest_push(guest, QXL_CMD_SURFACE, guest_address(guest, command));
}

void guest_destroy_surface(Guest *guest, uint32_t id)
{
    QXLSurfaceCmd *command = guest_alloc(guest, sizeof *command);

    command->surface_id = id;
    command->type = QXL_SURFACE_CMD_DESTROY;
    guest_push(guest, QXL_CMD_SURFACE, guest_address(guest, command));
}

/* ---- accounts ---- */

static unsigned int locked(Guest *guest, const unsigned int *value)
{
    unsigned int result;

    pthread_mutex_lock(&guest->lock);
    result = *value;
    pthread_mutex_unlock(&guest->lock);
    return result;
}

unsigned int guest_taken(Guest *guest)
{
    return locked(guest, &guest->n_taken);
}

unsigned int guest_released(Guest *guest)
{
    return locked(guest, &guest->n_released);
}

unsigned int guest_polls(Guest *guest)
{
    return locked(guest, &guest->n_polls);
}

unsigned int guest_flushes(Guest *guest)
{
    return locked(guest, &guest->n_flushes);
}

bool guest_is_armed(Guest *guest)
{
    bool armed;

    pthread_mutex_lock(&guest->lock);
    armed = guest->armed_display && guest->armed_cursor;
    pthread_mutex_unlock(&guest->lock);
    return armed;
}

unsigned int guest_n_out(Guest *guest)
{
    unsigned int n;

    pthread_mutex_lock(&guest->lock);
    n = g_hash_table_size(guest->out);
    pthread_mutex_unlock(&guest->lock);
    return n;
}

unsigned int guest_count(Guest *guest, int kind, GuestCall *last)
{
    unsigned int n = 0;

    pthread_mutex_lock(&guest->lock);
    for (guint i = 0; i < guest->calls->len; i++) {
        const GuestCall *call = &g_array_index(guest->calls, GuestCall, i);

        if ((int)call->kind != kind)
            continue;
        n++;
        if (last)
            *last = *call;
    }
    pthread_mutex_unlock(&guest->lock);
    return n;
}

void guest_clear_calls(Guest *guest)
{
    pthread_mutex_lock(&guest->lock);
    g_array_set_size(guest->calls, 0);
    pthread_mutex_unlock(&guest->lock);
}
