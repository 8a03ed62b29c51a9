/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The common half of the loops: posts from other threads, and the way to each kind. */
#include "loop-private.h"

#include <errno.h>
#include <glib.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool loop_base_init(Loop *loop, const LoopClass *class)
{
    loop->class = class;
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->wake_fd < 0)
        return false;
    pthread_mutex_init(&loop->lock, NULL);
    loop->first = NULL;
    loop->last = &loop->first;
    return true;
}

void loop_base_clear(Loop *loop)
{
    close(loop->wake_fd);
    pthread_mutex_destroy(&loop->lock);
}

void loop_wake(Loop *loop)
{
    /* Only the first of several wake-ups costs a system call. Whoever finds the flag set may rely
     * on it: the loop clears it before it looks at anything. */
    if (__atomic_exchange_n(&loop->wake_set, 1, __ATOMIC_ACQ_REL))
        return;

    uint64_t one = 1;
    ssize_t n;

    do {
        n = write(loop->wake_fd, &one, sizeof(one));
    } while (n < 0 && errno == EINTR);
}

void loop_post(Loop *loop, LoopFunc func, void *data)
{
    LoopPost *post = g_new(LoopPost, 1);

    *post = (LoopPost){NULL, func, data};
    /* The wake-up is inside the lock, so that a post which the loop has seen doesn't touch the loop
     * any more: its function may have led to the loop's end. */
    pthread_mutex_lock(&loop->lock);
    *loop->last = post;
    loop->last = &post->next;
    /* Asked inside the lock: a thread that makes the loop its own looks for posts afterwards. */
    if (!loop->class->is_current || !loop->class->is_current(loop))
        loop_wake(loop);
    pthread_mutex_unlock(&loop->lock);
}

static LoopPost *take_posts(Loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    LoopPost *list = loop->first;

    loop->first = NULL;
    loop->last = &loop->first;
    pthread_mutex_unlock(&loop->lock);
    return list;
}

static void run_posts(LoopPost *list)
{
    while (list) {
        LoopPost *post = list;

        list = post->next;
        post->func(post->data);
        g_free(post);
    }
}

bool loop_base_has_posts(Loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    bool any = loop->first != NULL;
    pthread_mutex_unlock(&loop->lock);
    return any;
}

void loop_base_run_posts(Loop *loop)
{
    /* What these post themselves comes in the next turn: sockets and timers are not starved. */
    run_posts(take_posts(loop));
}

void loop_base_woken(Loop *loop)
{
    uint64_t count;
    ssize_t n;

    /* Read first, then clear the flag: the other way round a wake-up in between would be read away.
     */
    do {
        n = read(loop->wake_fd, &count, sizeof(count));
    } while (n < 0 && errno == EINTR);
    __atomic_exchange_n(&loop->wake_set, 0, __ATOMIC_ACQ_REL);
    loop_base_run_posts(loop);
}

void loop_enter(Loop *loop)
{
    loop->in_dispatch++;
}

void loop_leave(Loop *loop)
{
    if (--loop->in_dispatch == 0 && loop->freed)
        loop->class->free(loop);
}

void loop_free(Loop *loop)
{
    LoopPost *list;

    if (!loop || loop->freed)
        return;
    while ((list = take_posts(loop)))
        run_posts(list);
    loop->freed = true;
    if (loop->class->shut)
        loop->class->shut(loop);
    if (!loop->in_dispatch)
        loop->class->free(loop);
}

LoopWatch *loop_watch_add(Loop *loop, int fd, int events, LoopWatchFunc func, void *data)
{
    return loop->class->watch_add(loop, fd, events, func, data);
}

void loop_watch_update(LoopWatch *watch, int events)
{
    watch->loop->class->watch_update(watch, events);
}

void loop_watch_remove(LoopWatch *watch)
{
    if (watch)
        watch->loop->class->watch_remove(watch);
}

LoopTimer *loop_timer_new(Loop *loop, LoopFunc func, void *data)
{
    return loop->class->timer_new(loop, func, data);
}

void loop_timer_start(LoopTimer *timer, uint32_t ms)
{
    timer->loop->class->timer_start(timer, ms);
}

void loop_timer_cancel(LoopTimer *timer)
{
    timer->loop->class->timer_cancel(timer);
}

void loop_timer_free(LoopTimer *timer)
{
    if (timer)
        timer->loop->class->timer_free(timer);
}
