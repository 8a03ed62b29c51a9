/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library's log: GLib's, domain "Spice". One line for what a peer or caller did wrong; what can
 * be repeated at will goes through a limit. */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#undef G_LOG_DOMAIN
#define G_LOG_DOMAIN "Spice"
#include <glib.h>
#include <stdbool.h>

#define log_debug(...) g_debug(__VA_ARGS__)
#define log_info(...) g_info(__VA_ARGS__)
#define log_warning(...) g_warning(__VA_ARGS__)

/* At most 'burst' lines in 10 s of one kind; the next line that passes tells how many were left
 * out. One static LogLimit for each place, or one in each object. Any thread. */
typedef struct LogLimit {
    gint64 window_start;
    guint n, dropped;
} LogLimit;
bool log_limit_pass(LogLimit *limit, guint burst, guint *dropped);
#define log_limited(limit, ...)                                              \
    do {                                                                     \
        guint log_dropped_;                                                  \
        if (log_limit_pass((limit), 20, &log_dropped_)) {                    \
            if (log_dropped_)                                                \
                g_warning("(%u such messages were left out)", log_dropped_); \
            g_warning(__VA_ARGS__);                                          \
        }                                                                    \
    } while (0)

#endif
