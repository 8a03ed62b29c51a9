/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A test program in plain C: CHECK() counts, tap_case() names, tap_done() closes with the plan and
 * the exit status. For rooms without GLib; programs with GLib use GTest. */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <stdbool.h>
#include <stdio.h>

static int tap_number, tap_failed_cases;
static bool tap_case_ok = true, tap_case_open;
static char tap_case_name[200];

static inline void tap_close_case(void)
{
    if (!tap_case_open)
        return;
    printf("%sok %d - %s\n", tap_case_ok ? "" : "not ", ++tap_number, tap_case_name);
    tap_failed_cases += !tap_case_ok;
    tap_case_open = false;
}

/* Start a named case: everything checked until the next one belongs to it. The name is copied: it
 * is printed when the case is over, and may stand in a buffer of the caller's. */
static inline void tap_case(const char *name)
{
    tap_close_case();
    snprintf(tap_case_name, sizeof tap_case_name, "%s", name);
    tap_case_open = tap_case_ok = true;
}

static inline bool tap_check(bool ok, const char *what, const char *file, int line)
{
    if (!ok) {
        printf("# %s:%d: failed: %s\n", file, line, what);
        tap_case_ok = false;
    }
    return ok;
}

/* Check a condition; the case goes on after a failure. Yields the condition. */
#define CHECK(condition) tap_check((condition), #condition, __FILE__, __LINE__)

static inline int tap_done(void)
{
    tap_close_case();
    printf("1..%d\n", tap_number);
    return tap_failed_cases ? 1 : 0;
}

#endif
