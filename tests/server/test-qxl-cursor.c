/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cursor channel: what clients are told of the guest's pointer, which shapes are let through,
 * and when the guest gets its commands back. docs/spec/server-display.md 4.9, 6.1, 17; wire.md 13
 */
#include <string.h>

#include "server/fake-rooms.h"
#include "server/guest.h"
#include "tap.h"

static struct RedsState *server;
static Guest *guest;

static void begin(void)
{
    server = fake_server_new();
    guest = guest_new(48 << 20);
    worker_add(server, &guest->instance);
    guest_add_memslot(guest);
    fake_cursor_set_room(65536);
    g_free(fake_cursor_take_log());
    worker_start(worker_of(&guest->instance));
}

static void end(void)
{
    worker_remove(worker_of(&guest->instance));
    CHECK(guest_n_out(guest) == 0 && guest->n_bad_releases == 0);
    fake_server_free(server);
    guest_free(guest);
}

/* All that was posted to the worker has been done, and what came of it. */
static bool said(const char *what)
{
    QXLRect area = {0};
    spice_qxl_update_area(&guest->instance, 0, &area, NULL, 0, 0);
    /* Posts run between two of them. */
    for (int i = 0; i < 3; i++)
        spice_qxl_reset_image_cache(&guest->instance);
    g_autofree char *log = fake_cursor_take_log();

    if (strcmp(log, what) == 0)
        return true;
    printf("# clients were told: %s\n", log);
    return false;
}

static QXLCursor *shape(uint64_t unique, uint16_t type, uint16_t width, uint16_t height,
                        size_t size)
{
    QXLCursor *cursor = guest_inline_chunks(guest, offsetof(QXLCursor, chunk), NULL, size, 1000);

    cursor->header = (QXLCursorHeader){unique, type, width, height, 1, 1};
    cursor->data_size = size;
    return cursor;
}

static void set(const QXLCursor *cursor, int16_t x, int16_t y, bool visible)
{
    QXLCursorCmd *command = guest_alloc(guest, sizeof *command);

    command->type = QXL_CURSOR_SET;
    command->u.set.position = (QXLPoint16){x, y};
    command->u.set.visible = visible;
    command->u.set.shape = guest_address(guest, cursor);
    guest_push_cursor(guest, QXL_CMD_CURSOR, guest_address(guest, command));
}

static void simple(uint8_t type, int16_t x, int16_t y)
{
    QXLCursorCmd *command = guest_alloc(guest, sizeof *command);

    command->type = type;
    command->u.position = (QXLPoint16){x, y};
    guest_push_cursor(guest, QXL_CMD_CURSOR, guest_address(guest, command));
}

static void life(void)
{
    int32_t x, y;

    tap_case("set, move, hide, trail; the current shape's command is held");
    begin();
    CHECK(fake_cursor_class()->ack_window == 20 && !fake_cursor_class()->watch_latency);
    guest_create_primary(guest, 64, 64, false);
    fake_cursor_connect();
    CHECK(said("init 0,0 1 none;"));
    set(shape(7, SPICE_CURSOR_TYPE_ALPHA, 16, 16, 1024), 3, 4, true);
    CHECK(said("set 3,4 1 16x16/0 1024 bytes cache;"));
    CHECK(guest_n_out(guest) == 1);
    simple(QXL_CURSOR_MOVE, 10, 11);
    CHECK(said("move 10,11;"));
    CHECK(server_get_pointer(server, 0, &x, &y) && x == 10 && y == 11);
    CHECK(guest_n_out(guest) == 1);
    simple(QXL_CURSOR_HIDE, 0, 0);
    CHECK(said("hide;"));
    simple(QXL_CURSOR_TRAIL, 5, 6);
    CHECK(said("trail 5;"));
    set(shape(8, SPICE_CURSOR_TYPE_MONO, 9, 2, 8), 0, 0, true);
    CHECK(said("set 0,0 1 9x2/1 8 bytes cache;"));
    CHECK(guest_n_out(guest) == 1); /* the newer one */
    set(shape(7, SPICE_CURSOR_TYPE_ALPHA, 16, 16, 1024), 0, 0, true);
    CHECK(said("set 0,0 1 16x16/0 0 bytes cached;"));
    set(shape(0, SPICE_CURSOR_TYPE_ALPHA, 1, 1, 4), 0, 0, true);
    CHECK(said("set 0,0 1 1x1/0 4 bytes;"));
    /* A name for another shape: the old one is forgotten. */
    set(shape(7, SPICE_CURSOR_TYPE_ALPHA, 17, 16, 1088), 0, 0, false);
    CHECK(said("forget 7;set 0,0 0 17x16/0 1088 bytes cache;"));

    worker_set_mouse_mode(worker_of(&guest->instance), SPICE_MOUSE_MODE_CLIENT);
    simple(QXL_CURSOR_MOVE, 20, 20); /* was hidden: tells that it is there again */
    CHECK(said("move 20,20;"));
    simple(QXL_CURSOR_MOVE, 21, 21);
    CHECK(said(""));
    CHECK(server_get_pointer(server, 0, &x, &y) && x != 21); /* the client knows better */
    worker_set_mouse_mode(worker_of(&guest->instance), SPICE_MOUSE_MODE_SERVER);
    simple(QXL_CURSOR_MOVE, 22, 22);
    CHECK(said("move 22,22;"));
    fake_cursor_connect();
    CHECK(said("init 22,22 1 17x16/0 1088 bytes cache;"));
    spice_qxl_reset_cursor(&guest->instance);
    CHECK(guest_n_out(guest) == 0);
    CHECK(said("forget all;reset;forget all;reset;"));
    end();
}

static void primaries(void)
{
    tap_case("after a reset clients hear of nothing before a primary is there");
    begin();
    fake_cursor_connect();
    CHECK(said("init 0,0 1 none;"));
    guest_create_primary(guest, 64, 64, false);
    CHECK(said("forget all;reset;init 0,0 1 none;"));
    spice_qxl_destroy_primary_surface(&guest->instance, 0);
    CHECK(said("forget all;reset;"));
    set(shape(7, SPICE_CURSOR_TYPE_ALPHA, 16, 16, 1024), 3, 4, true);
    simple(QXL_CURSOR_HIDE, 0, 0);
    CHECK(said(""));
    guest_create_primary(guest, 64, 64, false);
    CHECK(said("init 3,4 0 16x16/0 1024 bytes cache;"));
    guest->used = 1 << 20;
    spice_qxl_reset_cursor(&guest->instance);
    CHECK(said("forget all;reset;"));
    /* Deployed clients would not look at a SET now. */
    set(shape(7, SPICE_CURSOR_TYPE_ALPHA, 16, 16, 1024), 5, 5, true);
    CHECK(said("init 5,5 1 16x16/0 1024 bytes cache;"));
    end();
}

static void slow_client(void)
{
    tap_case("a client without room is told the newest state only");
    begin();
    guest_create_primary(guest, 64, 64, false);
    fake_cursor_connect();
    CHECK(said("init 0,0 1 none;"));
    fake_cursor_set_room(0);
    QXLCursor *cursor = shape(9, SPICE_CURSOR_TYPE_ALPHA, 16, 16, 1024);
    for (int i = 0; i < 1000; i++) {
        set(cursor, i, i, true);
        simple(QXL_CURSOR_MOVE, i, 2 * i);
        simple(QXL_CURSOR_TRAIL, i, 2 * i);
    }
    simple(QXL_CURSOR_HIDE, 0, 0);
    CHECK(said(""));
    CHECK(guest_n_out(guest) == 1);
    fake_cursor_set_room(65536);
    CHECK(said("set 999,1998 1 16x16/0 1024 bytes cache;hide;trail 999;"));
    fake_cursor_set_room(0);
    spice_qxl_reset_cursor(&guest->instance);
    set(cursor, 5, 5, true);
    CHECK(said(""));
    fake_cursor_set_room(65536);
    CHECK(said("forget all;reset;init 5,5 1 16x16/0 1024 bytes cache;"));
    end();
}

static void caches(void)
{
    tap_case("256 shapes in a client's cache, the least recently used leaves");
    begin();
    guest_create_primary(guest, 64, 64, false);
    fake_cursor_connect();
    CHECK(said("init 0,0 1 none;"));
    for (int i = 1; i <= 256; i++) {
        set(shape(i, SPICE_CURSOR_TYPE_ALPHA, 1, 1, 4), 0, 0, true);
        CHECK(said("set 0,0 1 1x1/0 4 bytes cache;"));
    }
    set(shape(1, SPICE_CURSOR_TYPE_ALPHA, 1, 1, 4), 0, 0, true);
    CHECK(said("set 0,0 1 1x1/0 0 bytes cached;"));
    set(shape(1000, SPICE_CURSOR_TYPE_ALPHA, 1, 1, 4), 0, 0, true);
    CHECK(said("forget 2;set 0,0 1 1x1/0 4 bytes cache;"));
    set(shape(256, SPICE_CURSOR_TYPE_ALPHA, 1, 1, 4), 0, 0, true);
    CHECK(said("set 0,0 1 1x1/0 0 bytes cached;"));
    end();
}

static void hostile(void)
{
    static const struct {
        uint16_t type, width, height;
        size_t size;
        bool good;
    } shapes[] = {
        /* What each type needs, and one byte less. */
        {0, 9, 4, 144, true},
        {0, 9, 4, 143, false},
        {1, 9, 4, 16, true},
        {1, 9, 4, 15, false},
        {2, 9, 4, 87, true},
        {2, 9, 4, 86, false},
        {3, 9, 4, 1065, true},
        {3, 9, 4, 1064, false},
        {4, 9, 4, 77, true},
        {4, 9, 4, 76, false},
        {5, 9, 4, 113, true},
        {5, 9, 4, 112, false},
        {6, 9, 4, 149, true},
        {6, 9, 4, 148, false},
        {7, 9, 4, 5000, false},
        {65535, 9, 4, 5000, false},
        /* CVE-2021-4206 */
        {0, 0, 0, 0, false},
        {0, 0, 5, 64, false},
        {0, 1, 0, 64, false},
        {0, 1, 1, 4, true},
        {0, 65535, 65535, 64, false},
        {0, 32768, 32768, 64, false},
        {0, 1025, 1, 8200, false},
        {0, 1024, 1024, 4 << 20, true},
        {0, 256, 256, 64, false},
    };
    static const uint64_t bad[] = {0, 1, UINT64_MAX, (uint64_t)1 << 56, (uint64_t)9 << 56};

    tap_case("cve_2021_4206: shapes whose size, type and data don't fit are not let through");
    begin();
    guest_create_primary(guest, 64, 64, false);
    fake_cursor_connect();
    CHECK(said("init 0,0 1 none;"));
    for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++) {
        set(shape(0, shapes[i].type, shapes[i].width, shapes[i].height, shapes[i].size), 0, 0,
            true);
        g_autofree char *expected =
            shapes[i].good ? g_strdup_printf("set 0,0 1 %ux%u/%u %zu bytes;", shapes[i].width,
                                             shapes[i].height, shapes[i].type, shapes[i].size)
                           : g_strdup("");
        if (!CHECK(said(expected)))
            printf("# shape %zu\n", i);
    }
    CHECK(guest_n_out(guest) == 1);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        QXLCursor *cursor = shape(1, 0, 4, 4, 64);
        QXLCursorCmd *command = guest_alloc(guest, sizeof *command);

        cursor->chunk.data_size = 32;
        cursor->chunk.next_chunk = bad[i];
        set(cursor, 0, 0, true);
        command->u.set.shape = bad[i];
        guest_push_cursor(guest, QXL_CMD_CURSOR, guest_address(guest, command));
    }
    QXLCursor *cursor = shape(1, 0, 4, 4, 64);
    cursor->data_size = 63;
    set(cursor, 0, 0, true);
    cursor = shape(1, 0, 4, 4, 64);
    cursor->chunk.data_size = UINT32_MAX;
    set(cursor, 0, 0, true);
    for (int type = 4; type < 256; type++)
        simple(type, 1, 1);
    CHECK(said(""));
    CHECK(guest_n_out(guest) == 1);
    /* A hot spot outside is moved to the edge; more data than needed are left. */
    cursor = shape(1, 0, 4, 4, 500);
    cursor->header.hot_spot_x = cursor->header.hot_spot_y = 65535;
    set(cursor, -32768, 32767, true);
    CHECK(said("set -32768,32767 1 4x4/0 64 bytes cache;"));
    CHECK(fake_cursor_hot_spot[0] == 3 && fake_cursor_hot_spot[1] == 3);
    end();
}

int main(void)
{
    life();
    primaries();
    slow_client();
    caches();
    hostile();
    return tap_done();
}
