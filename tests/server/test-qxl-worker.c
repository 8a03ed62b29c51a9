/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The worker as a device sees it: rings, calls that wait and calls that don't, surfaces, releases.
 * docs/spec/server-display.md 3, 6, 7, 9, 16, 18; server-api.md 11 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "server/fake-rooms.h"
#include "server/guest.h"
#include "tap.h"
#include "worker/worker-private.h"

#define PUMP_LIMIT 5000

static struct RedsState *server;
static Guest *guest;

static void begin(void)
{
    server = fake_server_new();
    guest = guest_new(32 << 20);
    g_free(fake_views_take_log());
    CHECK(worker_add(server, &guest->instance));
    guest_add_memslot(guest);
}

static void run_vm(void)
{
    worker_start(worker_of(&guest->instance));
}

static void stop_vm(void)
{
    worker_stop(worker_of(&guest->instance));
}

static void end(void)
{
    worker_remove(worker_of(&guest->instance));
    CHECK(guest_n_out(guest) == 0);
    CHECK(guest->n_bad_releases == 0);
    CHECK(guest->n_taken == guest->n_released);
    fake_server_run(server);
    fake_server_free(server);
    guest_free(guest);
}

/* Waits until something holds that the worker brings about by itself. */
#define WAIT_FOR(condition)                            \
    do {                                               \
        int waited_ = 0;                               \
        while (!(condition) && waited_++ < PUMP_LIMIT) \
            g_usleep(1000);                            \
        CHECK(condition);                              \
    } while (0)

static bool views_said(const char *what)
{
    g_autofree char *log = fake_views_take_log();

    if (strcmp(log, what) == 0)
        return true;
    printf("# the views were told: %s\n", log);
    return false;
}

static void first_picture(void)
{
    tap_case("a fill reaches the primary's memory");
    begin();
    guest_create_primary(guest, 64, 48, false);
    CHECK(views_said("create 0;monitors 1/1 64x48+0+0;mark;"));
    memset(guest->primary, 0, 64 * 48 * 4);
    guest_fill(guest, 0, guest_rect(8, 8, 16, 16), 0x112233);
    guest_sync(guest);
    CHECK(guest_taken(guest) == 0); /* not running yet */
    run_vm();
    guest_sync(guest);
    CHECK(guest_taken(guest) == 1 && guest_released(guest) == 1);
    CHECK(guest_pixel(guest, 8, 8) == 0x112233 && guest_pixel(guest, 15, 15) == 0x112233);
    CHECK(guest_pixel(guest, 7, 8) == 0 && guest_pixel(guest, 16, 15) == 0);
    CHECK(views_said("draw 302;"));
    end();
}

static void wakes_up(void)
{
    tap_case("a ring is read when the device says so, and when it was told to wake us");
    begin();
    guest_create_primary(guest, 64, 64, true);
    run_vm();
    WAIT_FOR(guest_is_armed(guest));
    unsigned int polls = guest_polls(guest);
    g_usleep(30000);
    CHECK(guest_polls(guest) == polls); /* asleep */
    for (int i = 0; i < 50; i++) {
        guest_fill(guest, 0, guest_rect(i, 0, i + 1, 64), i + 1);
        if (i % 10 == 0)
            g_usleep(5000);
    }
    WAIT_FOR(guest_taken(guest) == 50);
    guest_sync(guest);
    CHECK(guest_pixel(guest, 0, 0) == 1 && guest_pixel(guest, 49, 63) == 50);
    /* A device that never arms: polled less and less, but commands still come through. */
    pthread_mutex_lock(&guest->lock);
    guest->never_armed = true;
    pthread_mutex_unlock(&guest->lock);
    spice_qxl_wakeup(&guest->instance);
    g_usleep(300000);
    pthread_mutex_lock(&guest->lock);
    polls = guest->n_polls;
    guest->armed_display = false; /* no wake-up: it has to look by itself */
    pthread_mutex_unlock(&guest->lock);
    g_usleep(320000);
    pthread_mutex_lock(&guest->lock);
    CHECK(guest->n_polls - polls < 200);
    pthread_mutex_unlock(&guest->lock);
    guest_fill(guest, 0, guest_rect(0, 0, 64, 64), 7);
    WAIT_FOR(guest_taken(guest) == 51);
    end();
}

static bool dozes(void)
{
    return __atomic_load_n(&worker_of(&guest->instance)->dozing, __ATOMIC_ACQUIRE);
}

/* A device that wakes for each command, again and again, doesn't get a turn for each. */
static void wakes_from_a_doze(void)
{
    unsigned int n = 0, n_dozes = 0;

    tap_case("many wake-ups: the worker dozes, and loses none that comes meanwhile");
    begin();
    guest_create_primary(guest, 64, 64, true);
    run_vm();
    for (int round = 0; round < 50 && n < 50000; round++) {
        bool dozed = false;

        while (!(dozed = dozes()) && n < 50000) {
            guest_fill(guest, 0, guest_rect(0, 0, 64, 64), ++n);
            spice_qxl_wakeup(&guest->instance);
            g_usleep(20);
        }
        n_dozes += dozed;
        /* Only the wake-up tells of this one: the ring isn't looked at by itself. */
        QXLCursorCmd *hide = guest_alloc(guest, sizeof *hide);
        hide->type = QXL_CURSOR_HIDE;
        guest_push_cursor(guest, QXL_CMD_CURSOR, guest_address(guest, hide));
        n++;
        WAIT_FOR(guest_taken(guest) == n);
    }
    CHECK(n_dozes >= 25);
    /* Then it sleeps, and is woken as ever. */
    WAIT_FOR(guest_is_armed(guest) && !dozes());
    guest_fill(guest, 0, guest_rect(0, 0, 64, 64), 0x123456);
    WAIT_FOR(guest_taken(guest) == n + 1);
    guest_sync(guest);
    CHECK(guest_pixel(guest, 0, 0) == 0x123456);
    end();
}

static void stops(void)
{
    tap_case("stopped: nothing is taken, everything is in memory, calls still answer");
    begin();
    guest_create_primary(guest, 64, 64, false);
    run_vm();
    guest_fill(guest, 0, guest_rect(0, 0, 64, 64), 0x0a0b0c);
    WAIT_FOR(guest_taken(guest) == 1);
    stop_vm();
    CHECK(guest_pixel(guest, 63, 63) == 0x0a0b0c);
    guest_fill(guest, 0, guest_rect(0, 0, 64, 64), 1);
    spice_qxl_wakeup(&guest->instance);
    spice_qxl_oom(&guest->instance);
    guest_sync(guest);
    guest_sync(guest);
    CHECK(guest_taken(guest) == 1 && guest_pixel(guest, 0, 0) == 0x0a0b0c);
    stop_vm();
    run_vm();
    guest_sync(guest);
    CHECK(guest_taken(guest) == 2 && guest_pixel(guest, 0, 0) == 1);
    end();
}

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

static void oom(void)
{
    static uint32_t pixels[256 * 256];

    tap_case("out of memory: what only waits for rendering is released");
    begin();
    guest_create_primary(guest, 1024, 1024, false);
    run_vm();
    for (int i = 0; i < 8; i++) {
        QXLImage *image = guest_bitmap(guest, SPICE_BITMAP_FMT_32BIT, 256, 256, 1024, pixels, 0);

        guest_draw(guest, guest_copy(guest, 0,
                                     guest_rect(i % 4 * 256, i / 4 * 256, i % 4 * 256 + 256,
                                                i / 4 * 256 + 256),
                                     image));
    }
    WAIT_FOR(guest_taken(guest) == 8);
    CHECK(guest_released(guest) == 0); /* large: borrowed */
    CHECK(views_said("create 0;monitors 1/1 1024x1024+0+0;mark;draw 304 borrowed;draw 304 "
                     "borrowed;draw 304 borrowed;draw 304 borrowed;draw 304 borrowed;draw 304 "
                     "borrowed;draw 304 borrowed;draw 304 borrowed;"));
    spice_qxl_oom(&guest->instance);
    WAIT_FOR(guest_released(guest) == 8);
    WAIT_FOR(guest_flushes(guest) == 2);
    pthread_mutex_lock(&guest->lock);
    guest->flush_result = 1;
    pthread_mutex_unlock(&guest->lock);
    spice_qxl_oom(&guest->instance);
    WAIT_FOR(guest_flushes(guest) == 3);
    end();
}

static void holds_little(void)
{
    static uint32_t pixels[256 * 256];
    unsigned int most = 0;

    tap_case("without anybody who wants it, borrowed memory stays bounded");
    begin();
    guest_create_primary(guest, 4, 1024, false);
    guest_forget(guest);
    QXLSurfaceCmd *big = guest_surface(guest, 1, SPICE_SURFACE_FMT_32_xRGB, 2048, 2048, 8192);
    guest_push(guest, QXL_CMD_SURFACE, guest_address(guest, big));
    run_vm();
    QXLImage *image = guest_bitmap(guest, SPICE_BITMAP_FMT_32BIT, 256, 256, 1024, pixels, 0);
    for (int i = 0; i < 64 * 4; i++) {
        int32_t x = i % 8 * 256, y = i / 8 % 8 * 256;
        QXLDrawable *copy = guest_copy(guest, 1, guest_rect(x, y, x + 256, y + 256), image);

        copy->effect = QXL_EFFECT_BLEND;
        copy->u.copy.rop_descriptor = SPICE_ROPD_OP_PUT;
        guest_draw(guest, copy);
    }
    WAIT_FOR(guest_taken(guest) == 257);
    spice_qxl_reset_image_cache(&guest->instance); /* the last one is done, not only taken */
    most = guest_n_out(guest);
    CHECK(most <= 65 && most > 1);
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

static void capabilities(void)
{
    GuestCall call;

    tap_case("the guest hears of clients: when it starts, and when something changed");
    fake_views_set_clients(1, 0x0f);
    begin();
    fake_views_announce();
    guest_create_primary(guest, 8, 8, false);
    guest_sync(guest);
    guest_sync(guest); /* the post has run: it comes before one of them */
    CHECK(guest_count(guest, GUEST_CAPS, NULL) == 0);
    fake_views_set_clients(0, 0x0f);
    run_vm();
    guest_sync(guest);
    CHECK(guest_count(guest, GUEST_CAPS, &call) == 1 && call.value == 0 && call.n == 0);
    fake_views_set_clients(1, 0x0f);
    fake_views_announce();
    WAIT_FOR(guest_count(guest, GUEST_CAPS, &call) == 2);
    CHECK(call.value == 1 && call.n == 0x0f);
    fake_views_announce();
    fake_views_announce();
    guest_sync(guest);
    CHECK(guest_count(guest, GUEST_CAPS, &call) == 2);
    fake_views_set_clients(0, 0x0f);
    fake_views_announce();
    WAIT_FOR(guest_count(guest, GUEST_CAPS, &call) == 3);
    CHECK(call.value == 0 && call.n == 0);
    stop_vm();
    run_vm();
    WAIT_FOR(guest_count(guest, GUEST_CAPS, &call) == 4);
    end();

    tap_case("a device of an older interface isn't told");
    begin();
    guest->interface.base.minor_version = 1;
    guest_create_primary(guest, 8, 8, false);
    run_vm();
    guest_sync(guest);
    CHECK(guest_count(guest, GUEST_CAPS, NULL) == 0);
    CHECK(!worker_client_monitors_config(worker_of(&guest->instance), NULL));
    guest->interface.base.minor_version = 3;
    CHECK(worker_client_monitors_config(worker_of(&guest->instance), NULL));
    end();

    tap_case("a device without the optional callbacks");
    begin();
    guest->interface.set_client_capabilities = NULL;
    guest->interface.client_monitors_config = NULL;
    guest->interface.update_area_complete = NULL;
    guest->interface.notify_update = NULL;
    guest->interface.flush_resources = NULL;
    guest_create_primary(guest, 8, 8, false);
    run_vm();
    QXLUpdateCmd *update = guest_alloc(guest, sizeof *update);
    update->area = guest_rect(0, 0, 8, 8);
    guest_push(guest, QXL_CMD_UPDATE, guest_address(guest, update));
    spice_qxl_oom(&guest->instance);
    QXLRect area = guest_rect(0, 0, 8, 8);
    spice_qxl_update_area_async(&guest->instance, 0, &area, 0, 1);
    WAIT_FOR(guest_count(guest, GUEST_ASYNC_COMPLETE, NULL) == 1);
    CHECK(!worker_client_monitors_config(worker_of(&guest->instance), NULL));
    end();
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void gl(void)
{
    int fds[3];
    GuestCall call;
    WorkerPrimary primary;

    tap_case("GL without a client: descriptors are taken over and closed, draws complete at once");
    begin();
    for (int i = 0; i < 3; i++)
        fds[i] = open("/dev/null", O_RDONLY);
    spice_qxl_gl_draw_async(&guest->instance, 0, 0, 10, 10, 5);
    CHECK(guest_count(guest, GUEST_ASYNC_COMPLETE, &call) == 1 && call.value == 5);
    spice_qxl_gl_scanout(&guest->instance, fds[0], 800, 600, 3200, 0x34325258, 1);
    primary = worker_primary(worker_of(&guest->instance));
    CHECK(primary.active && primary.mouse_allowed && primary.width == 800);
    spice_qxl_gl_draw_async(&guest->instance, 0, 0, 10, 10, 6);
    CHECK(guest_count(guest, GUEST_ASYNC_COMPLETE, &call) == 2 && call.value == 6);
    CHECK(is_open(fds[0]));
    spice_qxl_gl_scanout(&guest->instance, fds[1], 1024, 768, 4096, 0x34325258, 0);
    CHECK(!is_open(fds[0]) && is_open(fds[1]));
    spice_qxl_gl_scanout(&guest->instance, -1, 0, 0, 0, 0, 0);
    CHECK(!is_open(fds[1]));
    primary = worker_primary(worker_of(&guest->instance));
    CHECK(!primary.active);
    spice_qxl_gl_scanout(&guest->instance, fds[2], 8, 8, 32, 0x34325258, 0);
    end();
    CHECK(!is_open(fds[2]));
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

static void *hammer(void *data)
{
    for (int i = 0; i < 2000; i++)
        spice_qxl_wakeup(&guest->instance);
    return NULL;
}

static void threads(void)
{
    pthread_t other;

    tap_case("wake-ups from another thread, while calls wait");
    begin();
    guest_create_primary(guest, 64, 64, false);
    run_vm();
    pthread_create(&other, NULL, hammer, NULL);
    for (int i = 0; i < 100; i++) {
        guest_fill(guest, 0, guest_rect(0, 0, 64, 64), i);
        guest_sync(guest);
        CHECK(guest_pixel(guest, 5, 5) == (uint32_t)i);
    }
    pthread_join(other, NULL);
    end();
}

static void call_from_callback(Guest *g)
{
    spice_qxl_reset_image_cache(&g->instance);
    spice_qxl_wakeup(&g->instance);
}

static void strangers(void)
{
    QXLInstance stranger = {.st = (QXLState *)(uintptr_t)0x1234};
    QXLRect area = {0}, rects[2];
    QXLDevMemSlot slot = {.slot_group_id = 99};
    Guest *second;

    tap_case("calls for instances that aren't there, wrong ids, and calls out of callbacks");
    spice_qxl_wakeup(NULL);
    spice_qxl_oom(&stranger);
    spice_qxl_update_area(&stranger, 0, &area, rects, 2, 1);
    spice_qxl_start(NULL);
    spice_qxl_stop(&stranger);
    spice_qxl_gl_draw_async(NULL, 0, 0, 0, 0, 0);
    spice_qxl_set_max_monitors(NULL, 4);
    spice_qxl_set_device_info(&stranger, "x", 0, 1);
    int fd = open("/dev/null", O_RDONLY);
    spice_qxl_gl_scanout(&stranger, fd, 1, 1, 4, 0, 0);
    CHECK(!is_open(fd));
    CHECK(worker_of(NULL) == NULL && worker_of(&stranger) == NULL);
    begin();
    second = guest_new(4096);
    CHECK(!worker_add(server, &second->instance)); /* the same id */
    second->instance.id = -1;
    CHECK(!worker_add(server, &second->instance));
    second->instance.id = 256;
    CHECK(!worker_add(server, &second->instance));
    second->instance.id = 3;
    second->info.memslot_id_bits = 60;
    CHECK(!worker_add(server, &second->instance));
    second->info.memslot_id_bits = 0;
    second->info.memslot_gen_bits = 0;
    CHECK(worker_add(server, &second->instance));
    worker_remove(worker_of(&second->instance));
    CHECK(second->instance.st == NULL);
    guest_free(second);
    spice_qxl_add_memslot(&guest->instance, NULL);
    spice_qxl_add_memslot(&guest->instance, &slot);
    slot.slot_group_id = 1;
    slot.slot_id = 8;
    spice_qxl_add_memslot(&guest->instance, &slot);
    slot.slot_id = 2;
    slot.virt_start = 100;
    spice_qxl_add_memslot(&guest->instance, &slot);
    spice_qxl_add_memslot_async(&guest->instance, &slot, 1);
    spice_qxl_add_memslot_async(&guest->instance, NULL, 2);
    spice_qxl_del_memslot(&guest->instance, 0, 1);
    spice_qxl_del_memslot(&guest->instance, 77, 1);
    spice_qxl_del_memslot(&guest->instance, 1, 77);
    WAIT_FOR(guest_count(guest, GUEST_ASYNC_COMPLETE, NULL) == 2);
    guest_create_primary(guest, 64, 64, false);
    run_vm();
    pthread_mutex_lock(&guest->lock);
    guest->on_take = call_from_callback;
    pthread_mutex_unlock(&guest->lock);
    guest_fill(guest, 0, guest_rect(0, 0, 64, 64), 5);
    guest_sync(guest);
    CHECK(guest_pixel(guest, 0, 0) == 5);
    /* Slots that go: commands behind them can't be given back, everything else lives. */
    spice_qxl_reset_memslots(&guest->instance);
    guest_fill(guest, 0, guest_rect(0, 0, 64, 64), 6);
    guest_sync(guest);
    CHECK(guest_pixel(guest, 0, 0) == 5 && guest_n_out(guest) == 1);
    guest_add_memslot(guest);
    guest_fill(guest, 0, guest_rect(0, 0, 64, 64), 7);
    guest_sync(guest);
    CHECK(guest_pixel(guest, 0, 0) == 7);
    pthread_mutex_lock(&guest->lock);
    g_hash_table_remove_all(guest->out);
    guest->n_taken--;
    pthread_mutex_unlock(&guest->lock);
    end();
}

int main(void)
{
    first_picture();
    wakes_up();
    wakes_from_a_doze();
    stops();
    updates();
    other_surfaces();
    cut_moves();
    oom();
    holds_little();
    many_surfaces();
    primaries();
    monitors();
    capabilities();
    gl();
    loads();
    threads();
    strangers();
    return tap_done();
}
