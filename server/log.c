/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits for log lines that a peer can cause again and again. */
#include "log.h"

#include <pthread.h>

#define WINDOW_US (10 * G_TIME_SPAN_SECOND)

/* One lock for all limits: it is taken only where a line may be logged. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

bool log_limit_pass(LogLimit *limit, guint burst, guint *dropped)
{
    gint64 now = g_get_monotonic_time();
    bool pass = true;

    *dropped = 0;
    pthread_mutex_lock(&lock);
    if (limit->n == 0 || now - limit->window_start >= WINDOW_US) {
        limit->window_start = now;
        limit->n = 0;
    }
    if (limit->n < burst) {
        limit->n++;
        *dropped = limit->dropped;
        limit->dropped = 0;
    } else {
        limit->dropped++;
        pass = false;
    }
    pthread_mutex_unlock(&lock);
    return pass;
}
