/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A worker with a synthetic guest, and notes for rooms around it: its beginning, its end, and what
 * is expected meanwhile. Counts by tap.h, so it is part of a test's own file. */
#ifndef TESTS_SERVER_WORKER_SESSION_H
#define TESTS_SERVER_WORKER_SESSION_H

#include <string.h>

#include "server/fake-rooms.h"
#include "server/guest.h"
#include "tap.h"
#include "worker/worker-private.h"

#define PUMP_LIMIT 5000

static struct RedsState *server;
static Guest *guest;

static inline void begin(void)
{
    server = fake_server_new();
    guest = guest_new(32 << 20);
    g_free(fake_views_take_log());
    CHECK(worker_add(server, &guest->instance));
    guest_add_memslot(guest);
}

static inline void run_vm(void)
{
    worker_start(worker_of(&guest->instance));
}

static inline void stop_vm(void)
{
    worker_stop(worker_of(&guest->instance));
}

static inline void end(void)
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

static inline bool views_said(const char *what)
{
    g_autofree char *log = fake_views_take_log();

    if (strcmp(log, what) == 0)
        return true;
    printf("# the views were told: %s\n", log);
    return false;
}

#endif
