/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The worker as a device sees it: rings, calls that wait and calls that don't, pressure, clients.
 * docs/spec/server-display.md 3, 6, 18; server-api.md 11 */
#include <fcntl.h>
#include <unistd.h>

#include "server/worker-session.h"

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
    oom();
    holds_little();
    capabilities();
    gl();
    threads();
    strangers();
    return tap_done();
}
