/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A clock for what stands on a loop of server/ (loop_now_ns()), which a test can put forward: what
 * is due after minutes comes in the next turn of a poll loop. */
#ifndef TESTS_SERVER_CLOCK_H
#define TESTS_SERVER_CLOCK_H

#include "loop.h"

/* From any thread. Otherwise it goes like every clock. */
void clock_forward_ms(uint64_t ms);
/* It stands still, but for clock_forward_ms(): what is done in one piece unless it takes long, is.
 */
void clock_stop(bool stop);

#endif
