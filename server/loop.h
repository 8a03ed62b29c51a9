/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Event loops: the host application's, through its core interface, and a worker's own. Channels run
 * on either, by this one interface. A loop belongs to one thread (the application's main thread, or
 * the worker); all functions but loop_post() are called there only. Removing a watch or timer, also
 * from inside its own callback, means that no callback comes any more. */
#ifndef SERVER_LOOP_H
#define SERVER_LOOP_H

#include <stdbool.h>
#include <stdint.h>

typedef struct SpiceCoreInterface SpiceCoreInterface;

typedef struct Loop Loop;
typedef struct LoopWatch LoopWatch;
typedef struct LoopTimer LoopTimer;

enum { LOOP_READ = 1, LOOP_WRITE = 2 }; /* the values of SPICE_WATCH_EVENT_* */

typedef void (*LoopWatchFunc)(int fd, int events, void *data);
typedef void (*LoopFunc)(void *data);

/* The application's loop. core is kept. NULL: the interface refused a watch or timer. */
Loop *loop_new_core(SpiceCoreInterface *core);
/* A loop of our own (poll); NULL: out of descriptors. */
Loop *loop_new_poll(void);
/* Watches and timers are gone already; posts that have not run are run. */
void loop_free(Loop *loop);

/* NULL: refused. events: at least one; errors and hang-ups come as LOOP_READ. */
LoopWatch *loop_watch_add(Loop *loop, int fd, int events, LoopWatchFunc func, void *data);
void loop_watch_update(LoopWatch *watch, int events); /* 0 is allowed here */
void loop_watch_remove(LoopWatch *watch);             /* NULL is fine */

/* One-shot timers; starting again replaces the deadline. NULL: refused. */
LoopTimer *loop_timer_new(Loop *loop, LoopFunc func, void *data);
void loop_timer_start(LoopTimer *timer, uint32_t ms);
void loop_timer_cancel(LoopTimer *timer);
void loop_timer_free(LoopTimer *timer); /* NULL is fine */

/* From any thread, never waiting: func(data) runs on the loop's thread later, in the order of the
 * posts. Costs one wake-up for many posts, and none from the thread of a poll loop itself. */
void loop_post(Loop *loop, LoopFunc func, void *data);

/* Poll loop only: wait for at most timeout_ms (-1: for ever) and run what is due. */
void loop_run_once(Loop *loop, int timeout_ms);
/* Poll loop only, from any thread: end a wait now. Cheap when one is pending already. */
void loop_wake(Loop *loop);

/* Monotonic time. */
uint64_t loop_now_ns(void);
uint32_t loop_now_ms(void);

#endif
