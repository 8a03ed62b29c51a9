/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Surfaces and monitors as a device makes them: created, drawn on, asked for, destroyed, loaded.
 * docs/spec/server-display.md 7, 9, 16, 18; server-api.md 11 */
#include "server/worker-session.h"

static void updates(void)
{
    QXLRect rects[3], area = guest_rect(-5, -5, 1000, 1000), bad = guest_rect(5, 5, 5, 1);
    GuestCall call;

    tap_case("update_area: dirty rectangles, surplus merged, cleared when asked, bad surfaces");
    begin();
    guest_create_primary(guest, 64, 64, false);
    run_vm();
    spice_qxl_update_area(&guest->instance, 0, &area, rects, 3, 1);
    for (int i = 0; i < 5; i++)
        guest_fill(guest, 0, guest_rect(10 * i, 10 * i, 10 * i + 5, 10 * i + 5), 9);
    spice_qxl_update_area(&guest->instance, 0, &area, rects, 3, 0);
    CHECK(rects[0].left == 0 && rects[0].top == 0 && rects[0].right == 5 && rects[0].bottom == 5);
    CHECK(rects[1].left == 10 && rects[1].bottom == 15);
    CHECK(rects[2].left == 20 && rects[2].top == 20 && rects[2].right == 45 &&
          rects[2].bottom == 45);
    spice_qxl_update_area(&guest->instance, 0, &bad, NULL, 0, 1);
    memset(rects, 0xff, sizeof rects);
    spice_qxl_update_area(&guest->instance, 0, &area, rects, 3, 0);
    CHECK(rects[0].right == 0 && rects[2].bottom == 0);
    spice_qxl_update_area(&guest->instance, 77, &area, rects, 3, 0);
    CHECK(rects[0].right == 0);
    spice_qxl_update_area(&guest->instance, 0, NULL, NULL, 3, 0);

    guest_clear_calls(guest); /* first: the drawing may be back at once */
    guest_fill(guest, 0, guest_rect(1, 2, 3, 4), 5);
    spice_qxl_update_area_async(&guest->instance, 0, &area, 1, 4711);
    spice_qxl_update_area_async(&guest->instance, 0, &area, 1, 4712);
    spice_qxl_update_area_async(&guest->instance, 1023, &area, 1, 4713);
    WAIT_FOR(guest_count(guest, GUEST_ASYNC_COMPLETE, NULL) == 3);
    pthread_mutex_lock(&guest->lock);
    CHECK(guest->calls->len == 7); /* release, and three pairs */
    CHECK(g_array_index(guest->calls, GuestCall, 0).kind == GUEST_RELEASE);
    call = g_array_index(guest->calls, GuestCall, 1);
    CHECK(call.kind == GUEST_UPDATE_COMPLETE && call.n == 1 && call.first.left == 1 &&
          call.first.bottom == 4);
    call = g_array_index(guest->calls, GuestCall, 2);
    CHECK(call.kind == GUEST_ASYNC_COMPLETE && call.value == 4711);
    call = g_array_index(guest->calls, GuestCall, 5);
    CHECK(call.kind == GUEST_UPDATE_COMPLETE && call.value == 1023 && call.n == 0);
    pthread_mutex_unlock(&guest->lock);
    end();
}

static void other_surfaces(void)
{
    QXLRect rects[2], area = guest_rect(0, 0, 64, 64);
    QXLUpdateCmd *update;

    tap_case("wrong_surface_in_updates: an update is of the surface that it names");
    begin();
    guest_create_primary(guest, 64, 64, false);
    run_vm();
    QXLSurfaceCmd *create = guest_surface(guest, 5, SPICE_SURFACE_FMT_32_xRGB, 4, 4, 16);
    uint32_t *pixels = (uint32_t *)(guest->memory + guest->used - 64);
    CHECK(create->u.surface_create.data == guest_address(guest, pixels));
    guest_push(guest, QXL_CMD_SURFACE, guest_address(guest, create));
    guest_fill(guest, 5, guest_rect(0, 0, 4, 4), 0x222222);
    guest_fill(guest, 0, guest_rect(0, 0, 64, 64), 0x111111);
    spice_qxl_update_area(&guest->instance, 5, &area, rects, 2, 1);
    CHECK(rects[0].right == 4 && rects[0].bottom == 4 && rects[1].right == 0);
    CHECK((pixels[0] & 0xffffff) == 0x222222 && (pixels[15] & 0xffffff) == 0x222222);
    spice_qxl_update_area(&guest->instance, 0, &area, rects, 2, 1);
    CHECK(rects[0].right == 64 && rects[0].bottom == 64 && rects[1].right == 0);
    CHECK(guest_pixel(guest, 0, 0) == 0x111111 && (pixels[0] & 0xffffff) == 0x222222);
    update = guest_alloc(guest, sizeof *update);
    update->area = guest_rect(0, 0, 4, 4);
    update->surface_id = 5;
    update->update_id = 9;
    guest_fill(guest, 5, guest_rect(0, 0, 4, 4), 0x333333);
    guest_push(guest, QXL_CMD_UPDATE, guest_address(guest, update));
    WAIT_FOR(guest_count(guest, GUEST_NOTIFY, NULL) == 1);
    CHECK((pixels[0] & 0xffffff) == 0x333333 && guest_pixel(guest, 0, 0) == 0x111111);
    spice_qxl_destroy_surfaces(&guest->instance);
    end();
}

static void cut_moves(void)
{
    QXLDrawable *move;

    tap_case("a copy of bits from outside of the surface: cut alike for clients and for us");
    begin();
    guest_create_primary(guest, 64, 64, false);
    run_vm();
    guest_fill(guest, 0, guest_rect(0, 0, 64, 64), 0x010101);
    guest_fill(guest, 0, guest_rect(0, 0, 10, 10), 0x0a0a0a);
    guest_fill(guest, 0, guest_rect(20, 20, 40, 40), 0x555555);
    move = guest_drawable(guest, QXL_COPY_BITS, 0, guest_rect(20, 20, 40, 40));
    move->u.copy_bits.src_pos = (QXLPoint){-5, -6};
    guest_draw(guest, move);
    guest_sync(guest);
    CHECK(guest_pixel(guest, 24, 25) == 0x555555 && guest_pixel(guest, 25, 25) == 0x555555);
    CHECK(guest_pixel(guest, 24, 26) == 0x555555 && guest_pixel(guest, 25, 26) == 0x0a0a0a);
    CHECK(guest_pixel(guest, 34, 35) == 0x0a0a0a && guest_pixel(guest, 35, 35) == 0x010101);
    CHECK(guest_pixel(guest, 39, 39) == 0x010101 && guest_pixel(guest, 40, 40) == 0x010101);
    CHECK(views_said("create 0;monitors 1/1 64x64+0+0;mark;draw 302;draw 302;draw 302;draw 104;"));
    CHECK(fake_views_box.left == 25 && fake_views_box.top == 26 && fake_views_box.right == 40 &&
          fake_views_box.bottom == 40);
    move = guest_drawable(guest, QXL_COPY_BITS, 0, guest_rect(20, 20, 40, 40));
    move->u.copy_bits.src_pos = (QXLPoint){60, 61};
    guest_draw(guest, move);
    guest_sync(guest);
    CHECK(views_said("draw 104;"));
    CHECK(fake_views_box.left == 20 && fake_views_box.top == 20 && fake_views_box.right == 24 &&
          fake_views_box.bottom == 23);
    move = guest_drawable(guest, QXL_COPY_BITS, 0, guest_rect(20, 20, 40, 40));
    move->u.copy_bits.src_pos = (QXLPoint){INT32_MIN, 0};
    guest_draw(guest, move);
    move = guest_drawable(guest, QXL_COPY_BITS, 0, guest_rect(20, 20, 40, 40));
    move->u.copy_bits.src_pos = (QXLPoint){64, INT32_MAX};
    guest_draw(guest, move);
    guest_sync(guest);
    CHECK(views_said("") && guest_n_out(guest) == 0);
    end();
}

static void many_surfaces(void)
{
    tap_case("surfaces: created, destroyed, ids used again, released in order");
    begin();
    guest_create_primary(guest, 64, 64, false);
    run_vm();
    guest_create_surface(guest, 5, SPICE_SURFACE_FMT_32_ARGB, 32, 32);
    guest_fill(guest, 5, guest_rect(0, 0, 32, 32), 0x80112233);
    QXLImage *image = guest_alloc(guest, sizeof *image);
    image->descriptor.type = SPICE_IMAGE_TYPE_SURFACE;
    image->surface_image.surface_id = 5;
    QXLDrawable *copy = guest_copy(guest, 0, guest_rect(1, 1, 33, 33), image);
    copy->surfaces_dest[1] = 5;
    copy->surfaces_rects[1] = guest_rect(0, 0, 32, 32);
    guest_draw(guest, copy);
    guest_destroy_surface(guest, 5);
    guest_create_surface(guest, 5, SPICE_SURFACE_FMT_32_ARGB, 16, 16);
    guest_fill(guest, 5, guest_rect(0, 0, 16, 16), 0x445566);
    guest_sync(guest);
    CHECK((guest_pixel(guest, 32, 32) & 0xffffff) == 0x112233);
    CHECK(guest_pixel(guest, 33, 33) == 0);
    CHECK(guest_n_out(guest) == 1); /* the second creation: what draws is copied */
    QXLSurfaceCmd *made = guest_surface(guest, 6, SPICE_SURFACE_FMT_32_xRGB, 16, 16, 64);
    QXLSurfaceCmd *gone = guest_alloc(guest, sizeof *gone);
    gone->surface_id = 6;
    gone->type = QXL_SURFACE_CMD_DESTROY;
    guest_clear_calls(guest);
    guest_push(guest, QXL_CMD_SURFACE, guest_address(guest, made));
    guest_push(guest, QXL_CMD_SURFACE, guest_address(guest, gone));
    guest_sync(guest);
    pthread_mutex_lock(&guest->lock);
    if (CHECK(guest->calls->len == 2)) {
        const GuestCall *calls = (const GuestCall *)guest->calls->data;

        CHECK(calls[0].kind == GUEST_RELEASE && calls[0].value == (uintptr_t)made);
        CHECK(calls[1].kind == GUEST_RELEASE && calls[1].value == (uintptr_t)gone);
    }
    pthread_mutex_unlock(&guest->lock);
    spice_qxl_destroy_surface_wait(&guest->instance, 5);
    CHECK(guest_n_out(guest) == 1); /* it is alive still */
    spice_qxl_destroy_surface_wait(&guest->instance, 999);
    spice_qxl_destroy_surface_async(&guest->instance, 5, 1);
    spice_qxl_flush_surfaces_async(&guest->instance, 2);
    spice_qxl_destroy_surfaces_async(&guest->instance, 3);
    WAIT_FOR(guest_count(guest, GUEST_ASYNC_COMPLETE, NULL) == 3);
    CHECK(guest_n_out(guest) == 0);
    g_free(fake_views_take_log());
    spice_qxl_destroy_surfaces(&guest->instance);
    CHECK(views_said("reset;"));
    end();
}

static void primaries(void)
{
    QXLDevSurfaceCreate create = {0};
    Worker *worker;
    WorkerPrimary primary;

    tap_case("the primary: made, replaced, refused, destroyed; the mouse rule hears of it");
    begin();
    worker = worker_of(&guest->instance);
    primary = worker_primary(worker);
    CHECK(!primary.active && !primary.mouse_allowed);
    int updates_before = fake_mouse_updates;
    guest_create_primary(guest, 64, 48, true);
    primary = worker_primary(worker);
    CHECK(primary.active && primary.mouse_allowed && primary.width == 64 && primary.height == 48);
    fake_server_run(server);
    CHECK(fake_mouse_updates == updates_before + 1);
    guest_create_primary(guest, 32, 32, false);
    CHECK(views_said("create 0;monitors 1/1 64x48+0+0;mark;destroy 0;create 0;monitors 1/1 "
                     "32x32+0+0;mark;"));
    run_vm();
    guest_fill(guest, 0, guest_rect(0, 0, 32, 32), 3);
    spice_qxl_destroy_primary_surface(&guest->instance, 0);
    CHECK(guest_taken(guest) == 1 && guest_released(guest) == 1);
    CHECK(views_said("draw 302;destroy 0;"));
    primary = worker_primary(worker);
    CHECK(!primary.active && primary.mouse_allowed && primary.width == 0);
    fake_server_run(server);
    CHECK(fake_mouse_updates == updates_before + 3);
    spice_qxl_destroy_primary_surface(&guest->instance, 0);
    spice_qxl_destroy_primary_surface(&guest->instance, 3);
    /* Nothing of this can be: but the device thinks that it has one. */
    spice_qxl_create_primary_surface(&guest->instance, 0, NULL);
    create.width = 100;
    create.height = 100;
    create.stride = 400;
    create.format = 12;
    create.mouse_mode = 1;
    spice_qxl_create_primary_surface(&guest->instance, 0, &create);
    create.format = SPICE_SURFACE_FMT_32_xRGB;
    create.mem = 1234;
    spice_qxl_create_primary_surface(&guest->instance, 0, &create);
    spice_qxl_create_primary_surface(&guest->instance, 1, &create);
    spice_qxl_create_primary_surface_async(&guest->instance, 0, &create, 17);
    spice_qxl_create_primary_surface_async(&guest->instance, 0, NULL, 18);
    spice_qxl_destroy_primary_surface_async(&guest->instance, 0, 19);
    WAIT_FOR(guest_count(guest, GUEST_ASYNC_COMPLETE, NULL) == 3);
    CHECK(views_said(""));
    end();
}

static void monitors(void)
{
    struct {
        QXLMonitorsConfig config;
        QXLHead heads[80];
    } * config;
    uint64_t cookie = 0;
    GuestCall call;
    uint64_t address;

    tap_case("monitors: checked, cut to the surface, limited by the device's displays");
    begin();
    guest_create_primary(guest, 640, 480, false);
    g_free(fake_views_take_log());
    config = guest_alloc(guest, sizeof *config);
    address = guest_address(guest, config);
    config->config.count = 3;
    config->config.max_allowed = 4;
    config->heads[0] = (QXLHead){.width = 320, .height = 480};
    config->heads[1] = (QXLHead){.id = 1, .width = 1000, .height = 240, .x = 320};
    config->heads[2] = (QXLHead){.id = 2, .width = 10, .height = 10, .x = 640};
#define CONFIGURE(where, group)                                                            \
    do {                                                                                   \
        spice_qxl_monitors_config_async(&guest->instance, where, group, ++cookie);         \
        WAIT_FOR(guest_count(guest, GUEST_ASYNC_COMPLETE, &call) && call.value == cookie); \
    } while (0)
    CONFIGURE(address, GUEST_GROUP);
    CHECK(views_said("monitors 2/4 320x480+0+0 320x240+320+0;"));
    config->heads[1].surface_id = 1;
    CONFIGURE(address, GUEST_GROUP);
    CHECK(views_said("monitors 1/4 320x480+0+0;"));
    config->heads[1].surface_id = 0;
    config->heads[1].width = 0;
    CONFIGURE(address, GUEST_GROUP);
    CHECK(views_said("monitors 1/4 320x480+0+0;"));
    config->heads[0].height = 0;
    CONFIGURE(address, GUEST_GROUP);
    CHECK(views_said("monitors 0/4;"));
    config->heads[0].height = 480;
    config->heads[1].width = 1000;
    spice_qxl_set_device_info(&guest->instance, "pci/0000/02.0", 0, 0);
    CONFIGURE(address, GUEST_GROUP);
    CHECK(views_said("monitors 2/4 320x480+0+0 320x240+320+0;"));
    spice_qxl_set_device_info(&guest->instance, "pci/0000/02.0", 3, 1);
    CONFIGURE(address, GUEST_GROUP);
    CHECK(views_said("monitors 1/1 320x480+0+0;"));
    spice_qxl_set_device_info(&guest->instance, "pci/0000/02.0", 3, 17);
    spice_qxl_set_device_info(&guest->instance, NULL, 3, 1);
    CHECK(strcmp(worker_device_address(worker_of(&guest->instance)), "pci/0000/02.0") == 0);
    uint32_t first;
    CHECK(worker_device_displays(worker_of(&guest->instance), &first) == 1 && first == 3);
    spice_qxl_set_max_monitors(&guest->instance, 0);
    CONFIGURE(address, GUEST_GROUP);
    CHECK(views_said("monitors 1/1 320x480+0+0;"));
    spice_qxl_set_max_monitors(&guest->instance, 1000);
    config->config.count = config->config.max_allowed = 80;
    for (int i = 0; i < 80; i++)
        config->heads[i] = (QXLHead){.id = i, .width = 1, .height = 1};
    CONFIGURE(address, GUEST_GROUP);
    g_autofree char *log = fake_views_take_log();
    CHECK(g_str_has_prefix(log, "monitors 64/80 "));
    config->config.count = 0;
    CONFIGURE(address, GUEST_GROUP);
    config->config.count = 5;
    config->config.max_allowed = 4;
    CONFIGURE(address, GUEST_GROUP);
    config->config.max_allowed = 0;
    CONFIGURE(address, GUEST_GROUP);
    CONFIGURE(address, 0);
    CONFIGURE(address, 77);
    CONFIGURE(0, GUEST_GROUP);
    CONFIGURE(guest_address(guest, guest->memory + guest->size - 31), GUEST_GROUP);
    CHECK(views_said(""));
    /* The driver does it now: a new primary says nothing, until it is unloaded. */
    guest_create_primary(guest, 64, 64, false);
    CHECK(views_said("destroy 0;create 0;quietly 1/80;mark;"));
    spice_qxl_driver_unload(&guest->instance);
    guest_create_primary(guest, 64, 64, false);
    CHECK(views_said("destroy 0;create 0;monitors 1/80 64x64+0+0;mark;"));
    end();
}

static void loads(void)
{
    QXLCommandExt commands[4];
    uint32_t *pixels;

    tap_case("loading of a migrated machine: surfaces keep their contents");
    begin();
    guest_create_primary(guest, 64, 64, false);
    QXLSurfaceCmd *surface = guest_surface(guest, 9, SPICE_SURFACE_FMT_32_xRGB, 4, 4, 16);
    pixels = (uint32_t *)(guest->memory + guest->used - 64);
    CHECK(surface->u.surface_create.data == guest_address(guest, pixels));
    pixels[5] = 0xabcdef;
    QXLCursorCmd *cursor = guest_alloc(guest, sizeof *cursor);
    cursor->type = QXL_CURSOR_HIDE;
    commands[0] =
        (QXLCommandExt){{guest_address(guest, surface), QXL_CMD_SURFACE, 0}, GUEST_GROUP, 0};
    commands[1] =
        (QXLCommandExt){{guest_address(guest, cursor), QXL_CMD_CURSOR, 0}, GUEST_GROUP, 0};
    commands[2] = (QXLCommandExt){{guest_address(guest, cursor), QXL_CMD_DRAW, 0}, GUEST_GROUP, 0};
    commands[3] = (QXLCommandExt){{12, QXL_CMD_SURFACE, 0}, GUEST_GROUP, 0};
    pthread_mutex_lock(&guest->lock);
    g_hash_table_add(guest->out, surface);
    g_hash_table_add(guest->out, cursor);
    guest->n_taken += 2;
    pthread_mutex_unlock(&guest->lock);
    spice_qxl_loadvm_commands(&guest->instance, commands, 4);
    spice_qxl_loadvm_commands(&guest->instance, NULL, 4);
    CHECK(guest_released(guest) == 1 && pixels[5] == 0xabcdef);
    spice_qxl_destroy_surfaces(&guest->instance);
    CHECK(guest_released(guest) == 2);
    end();
}

int main(void)
{
    updates();
    other_surfaces();
    cut_moves();
    many_surfaces();
    primaries();
    monitors();
    loads();
    return tap_done();
}
