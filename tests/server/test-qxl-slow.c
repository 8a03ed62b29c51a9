/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clients that don't take what is sent to them: the device is not held up, its memory comes back,
 * and ours stays bounded. docs/spec/server-display.md 10.6, 25.6 */
#include <malloc.h>
#include <string.h>

#include "server/fake-rooms.h"
#include "server/guest.h"
#include "tap.h"

enum { WIDTH = 1024, HEIGHT = 768, ROUNDS = 60 };

static struct RedsState *server;
static Guest *guest;

/* A screen of work: pictures, fills, copies, off-screen surfaces that come and go. */
static void draw_round(int round)
{
    static uint32_t pixels[256 * 256];

    guest_forget(guest);
    for (size_t i = 0; i < G_N_ELEMENTS(pixels); i++)
        pixels[i] = (uint32_t)(i * 2654435761u + round * 40503u);
    guest_create_surface(guest, 1 + round % 3, SPICE_SURFACE_FMT_32_xRGB, 64, 64);
    for (int i = 0; i < 12; i++) {
        int x = i % 4 * 256, y = i / 4 * 256;
        QXLImage *image = guest_bitmap(guest, SPICE_BITMAP_FMT_32BIT, 256, 256, 1024, pixels, 4096);
        QXLDrawable *move =
            guest_drawable(guest, QXL_COPY_BITS, 0, guest_rect(x, y, x + 100, y + 100));

        guest_draw(guest, guest_copy(guest, 0, guest_rect(x, y, x + 256, y + 256), image));
        move->u.copy_bits.src_pos = (QXLPoint){x + 20, y + 30};
        guest_draw(guest, move);
        for (int k = 0; k < 40; k++)
            guest_fill(guest, 0, guest_rect(x + k, y + k, x + k + 3, y + k + 3), k * round);
        guest_fill(guest, 1 + round % 3, guest_rect(i, i, 64, 64), i);
    }
    guest_destroy_surface(guest, 1 + round % 3);
}

static gint64 longest;

static void sync_and_measure(void)
{
    gint64 start = g_get_monotonic_time();

    guest_sync(guest);
    longest = MAX(longest, g_get_monotonic_time() - start);
}

static void stalled(void)
{
    size_t before = 0;

    tap_case("clients that read nothing hold nobody up");
    server = fake_server_new();
    guest = guest_new(32 << 20);
    CHECK(worker_add(server, &guest->instance));
    guest_add_memslot(guest);
    guest_create_primary(guest, WIDTH, HEIGHT, false);
    worker_start(worker_of(&guest->instance));
    rooms_connect(server);
    for (int round = 0; round < ROUNDS; round++) {
        draw_round(round);
        sync_and_measure();
        /* Nothing waits any more, so nothing of the guest is needed. */
        CHECK(guest_n_out(guest) == 0);
        if (round == ROUNDS / 3)
            before = mallinfo2().uordblks + mallinfo2().hblkhd;
    }
    printf("# the longest update_area took %" G_GINT64_FORMAT " us\n", longest);
    /* A third of it went by without growing like the first one: no queue of what isn't sent. */
    size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
    if (!CHECK(after < before + (64 << 20)))
        printf("# %zu MiB, then %zu MiB\n", before >> 20, after >> 20);
    spice_qxl_destroy_surface_wait(&guest->instance, 0);
    spice_qxl_flush_surfaces_async(&guest->instance, 1);
    worker_stop(worker_of(&guest->instance));
    CHECK(guest_n_out(guest) == 0);
    worker_start(worker_of(&guest->instance));
    draw_round(1);
    spice_qxl_destroy_primary_surface(&guest->instance, 0);
    CHECK(guest_n_out(guest) == 0);
    guest_create_primary(guest, WIDTH, HEIGHT, true);
    draw_round(2);
    spice_qxl_destroy_surfaces(&guest->instance);
    CHECK(guest_n_out(guest) == 0);
    guest_create_primary(guest, WIDTH, HEIGHT, true);
    draw_round(3);
    guest_sync(guest);

    tap_case("when they read again, what comes is right");
    for (int i = 0; i < 200; i++)
        fake_server_run(server);
    CHECK(rooms_bad_messages == 0 && rooms_messages > 10);
    draw_round(4);
    guest_sync(guest);
    for (int i = 0; i < 20; i++)
        fake_server_run(server);
    CHECK(rooms_bad_messages == 0);

    tap_case("removed while clients are there");
    draw_round(5);
    worker_remove(worker_of(&guest->instance));
    CHECK(guest->n_taken == guest->n_released && guest->n_bad_releases == 0);
    fake_server_free(server);
    guest_free(guest);
}

int main(void)
{
    stalled();
    return tap_done();
}
