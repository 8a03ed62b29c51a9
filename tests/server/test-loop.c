/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Both kinds of loop: watches, timers, removal inside callbacks, posts from many threads, wake-ups;
 * and the log's limits. */
#define SPICE_SERVER_INTERNAL
#include "public/spice.h"

#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"
#include "support/glib-core.h"
#include "tap.h"

static SpiceCoreInterface core; /* GLib's */
static bool on_core;

static Loop *new_loop(void)
{
    return on_core ? loop_new_core(&core) : loop_new_poll();
}

/* One turn: waits for something to happen. */
static void turn(Loop *loop)
{
    if (on_core)
        g_main_context_iteration(NULL, TRUE);
    else
        loop_run_once(loop, -1);
}

/* What is ready now. */
static void drain(Loop *loop)
{
    for (int i = 0; i < 20; i++) {
        if (on_core)
            g_main_context_iteration(NULL, FALSE);
        else
            loop_run_once(loop, 0);
    }
}

typedef struct State {
    Loop *loop;
    LoopWatch *watch, *other;
    LoopTimer *timer, *second;
    int fd[2];
    int calls, other_calls, events;
    GString *order;
} State;

static void state_init(State *state)
{
    memset(state, 0, sizeof(*state));
    state->loop = new_loop();
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, state->fd) == 0);
    state->order = g_string_new(NULL);
}

static void state_clear(State *state)
{
    loop_watch_remove(state->watch);
    loop_watch_remove(state->other);
    loop_timer_free(state->timer);
    loop_timer_free(state->second);
    loop_free(state->loop);
    close(state->fd[0]);
    if (state->fd[1] >= 0)
        close(state->fd[1]);
    g_string_free(state->order, TRUE);
    CHECK(glib_core_watches() == 0 && glib_core_timers() == 0);
}

static void on_event(int fd, int events, void *data)
{
    State *state = data;
    char c;

    state->calls++;
    state->events |= events;
    if (events & LOOP_READ)
        CHECK(read(fd, &c, 1) >= 0);
}

static void on_other(int fd, int events, void *data)
{
    State *state = data;

    state->other_calls++;
    /* Remove both, oneself included: neither is called any more. */
    loop_watch_remove(state->watch);
    loop_watch_remove(state->other);
    state->watch = state->other = NULL;
    if (state->fd[1] < 0) {
        /* The number is used again at once: the new watch isn't told the old one's events. */
        int again = dup(fd);

        close(again);
    }
}

static void test_watches(void)
{
    State state;

    state_init(&state);
    tap_case(on_core ? "core: watch" : "poll: watch");
    state.watch = loop_watch_add(state.loop, state.fd[0], LOOP_READ, on_event, &state);
    drain(state.loop);
    CHECK(state.calls == 0);
    CHECK(write(state.fd[1], "ab", 2) == 2);
    while (state.calls < 2)
        turn(state.loop);
    CHECK(state.events == LOOP_READ);
    drain(state.loop);
    CHECK(state.calls == 2);

    loop_watch_update(state.watch, LOOP_READ | LOOP_WRITE);
    state.events = 0;
    turn(state.loop);
    CHECK(state.events == LOOP_WRITE);

    loop_watch_update(state.watch, 0);
    state.calls = 0;
    CHECK(write(state.fd[1], "c", 1) == 1);
    drain(state.loop);
    CHECK(state.calls == 0);

    /* A hang-up is no news for who waits for nothing, and a READ for who reads. */
    close(state.fd[1]);
    state.fd[1] = -1;
    drain(state.loop);
    CHECK(state.calls == 0);
    loop_watch_update(state.watch, LOOP_READ);
    state.events = 0;
    while (state.calls < 2)
        turn(state.loop);
    CHECK(state.events == LOOP_READ);
    state_clear(&state);

    tap_case(on_core ? "core: removal in a callback" : "poll: removal in a callback");
    state_init(&state);
    state.other = loop_watch_add(state.loop, state.fd[0], LOOP_READ, on_other, &state);
    state.watch = loop_watch_add(state.loop, state.fd[0], LOOP_READ | LOOP_WRITE, on_event, &state);
    loop_watch_update(state.watch, LOOP_READ);
    CHECK(write(state.fd[1], "x", 1) == 1);
    turn(state.loop);
    drain(state.loop);
    CHECK(state.other_calls == 1 && state.calls == 0);
    state_clear(&state);
}

static void first_fires(void *data)
{
    State *state = data;

    g_string_append_c(state->order, '1');
    if (state->order->len == 1)
        loop_timer_start(state->timer, 1); /* itself, again */
    else {
        loop_timer_free(state->timer); /* itself, for ever */
        state->timer = NULL;
    }
}

static void second_fires(void *data)
{
    State *state = data;

    g_string_append_c(state->order, '2');
    if (state->timer)
        loop_timer_cancel(state->timer);
}

static void test_timers(void)
{
    State state;

    tap_case(on_core ? "core: timers" : "poll: timers");
    state_init(&state);
    state.timer = loop_timer_new(state.loop, first_fires, &state);
    state.second = loop_timer_new(state.loop, second_fires, &state);
    drain(state.loop);
    CHECK(state.order->len == 0); /* not armed */
    loop_timer_start(state.timer, 0);
    while (state.timer)
        turn(state.loop);
    CHECK(strcmp(state.order->str, "11") == 0);

    /* One-shot, and a new deadline replaces the old one. */
    g_string_truncate(state.order, 0);
    state.timer = loop_timer_new(state.loop, first_fires, &state);
    loop_timer_start(state.timer, 3600 * 1000);
    loop_timer_start(state.second, 3600 * 1000);
    loop_timer_start(state.second, 1);
    turn(state.loop);
    while (state.order->len == 0)
        turn(state.loop);
    drain(state.loop);
    CHECK(strcmp(state.order->str, "2") == 0);

    /* Cancelled by the one that is due before it, though both are due. */
    g_string_truncate(state.order, 0);
    loop_timer_start(state.second, 1);
    loop_timer_start(state.timer, 2);
    uint64_t start = loop_now_ns();

    while (loop_now_ns() - start < 4000000)
        usleep(500);
    turn(state.loop);
    drain(state.loop);
    CHECK(strcmp(state.order->str, "2") == 0 || (on_core && state.order->str[0] == '2'));
    loop_timer_cancel(state.timer);
    loop_timer_cancel(state.timer);
    state_clear(&state);
}

enum { THREADS = 6, POSTS = 2000 };

typedef struct Poster {
    Loop *loop;
    pthread_t thread;
    int next, wrong;
    struct Post {
        struct Poster *poster;
        int number;
    } posts[POSTS];
} Poster;

static int posts_run;

static void posted(void *data)
{
    struct Post *post = data;

    if (post->number != post->poster->next++)
        post->poster->wrong++;
    posts_run++;
}

static void *post_all(void *data)
{
    Poster *poster = data;

    for (int i = 0; i < POSTS; i++) {
        poster->posts[i] = (struct Post){poster, i};
        loop_post(poster->loop, posted, &poster->posts[i]);
    }
    return NULL;
}

static void post_again(void *data)
{
    State *state = data;

    if (++state->calls < 3)
        loop_post(state->loop, post_again, state);
}

static void test_posts(void)
{
    State state;
    Poster *posters = g_new0(Poster, THREADS);

    tap_case(on_core ? "core: posts from many threads, in order"
                     : "poll: posts from many threads, in order");
    state_init(&state);
    posts_run = 0;
    for (int i = 0; i < THREADS; i++) {
        posters[i].loop = state.loop;
        CHECK(pthread_create(&posters[i].thread, NULL, post_all, &posters[i]) == 0);
    }
    while (posts_run < THREADS * POSTS)
        turn(state.loop);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(posters[i].thread, NULL);
        CHECK(posters[i].wrong == 0 && posters[i].next == POSTS);
    }
    g_free(posters);

    /* Posts of posts run, also those that are there when the loop ends. */
    loop_post(state.loop, post_again, &state);
    turn(state.loop);
    CHECK(state.calls == 1);
    loop_free(state.loop);
    CHECK(state.calls == 3);
    state.loop = new_loop();
    state_clear(&state);
}

static void post_until_event(void *data)
{
    State *state = data;

    if (!state->calls)
        loop_post(state->loop, post_until_event, state);
}

/* Whoever posts again and again keeps no socket waiting. */
static void test_posts_and_sockets(void)
{
    State state;

    tap_case(on_core ? "core: sockets beside posts without end"
                     : "poll: sockets beside posts without end");
    state_init(&state);
    state.watch = loop_watch_add(state.loop, state.fd[0], LOOP_READ, on_event, &state);
    CHECK(write(state.fd[1], "x", 1) == 1);
    loop_post(state.loop, post_until_event, &state);
    for (int i = 0; i < 10 && !state.calls; i++)
        turn(state.loop);
    CHECK(state.calls == 1 && state.events == LOOP_READ);
    state.calls = 1; /* the last post ends it */
    drain(state.loop);
    state_clear(&state);
}

static void free_loop(void *data)
{
    State *state = data;

    state->calls++;
    loop_free(state->loop);
}

static void count(void *data)
{
    ((State *)data)->other_calls++;
}

static void test_free_inside(void)
{
    State state;

    tap_case(on_core ? "core: freed inside a callback" : "poll: freed inside a callback");
    state_init(&state);
    loop_post(state.loop, free_loop, &state);
    loop_post(state.loop, count, &state);
    turn(state.loop);
    CHECK(state.calls == 1 && state.other_calls == 1);
    state.loop = new_loop();
    state_clear(&state);
}

static void *wake_later(void *data)
{
    State *state = data;

    for (int i = 0; i < 100; i++)
        loop_wake(state->loop);
    return NULL;
}

static void test_wake(void)
{
    State state;
    pthread_t thread;

    tap_case("poll: wake-ups");
    state_init(&state);
    loop_wake(state.loop); /* before the wait */
    loop_run_once(state.loop, -1);
    CHECK(pthread_create(&thread, NULL, wake_later, &state) == 0);
    loop_run_once(state.loop, -1);
    pthread_join(thread, NULL);
    /* Many wake-ups are few turns: the wait is quiet again. */
    drain(state.loop);
    uint64_t before = loop_now_ns();

    loop_run_once(state.loop, 2);
    CHECK(loop_now_ns() - before >= 1900000);
    state_clear(&state);
}

static SpiceWatch *no_watch(int fd, int mask, SpiceWatchFunc func, void *opaque)
{
    return NULL;
}

static SpiceTimer *no_timer(SpiceTimerFunc func, void *opaque)
{
    return NULL;
}

static void test_refused(void)
{
    SpiceCoreInterface poor = core;
    State state;

    tap_case("core: what the application refuses");
    poor.watch_add = no_watch;
    CHECK(loop_new_core(&poor) == NULL);
    state_init(&state);
    loop_free(state.loop);
    poor = core;
    poor.timer_add = no_timer;
    state.loop = loop_new_core(&poor);
    CHECK(state.loop != NULL);
    CHECK(loop_timer_new(state.loop, first_fires, &state) == NULL);
    poor.watch_add = no_watch;
    CHECK(loop_watch_add(state.loop, state.fd[0], LOOP_READ, on_event, &state) == NULL);
    state_clear(&state);
}

static void test_log(void)
{
    LogLimit limit = {0};
    guint dropped, passed = 0;

    tap_case("log limits");
    for (int i = 0; i < 100; i++) {
        passed += log_limit_pass(&limit, 20, &dropped);
        CHECK(dropped == 0);
    }
    CHECK(passed == 20 && limit.dropped == 80);
    limit.window_start -= 11 * G_TIME_SPAN_SECOND;
    CHECK(log_limit_pass(&limit, 20, &dropped) && dropped == 80);
    CHECK(log_limit_pass(&limit, 20, &dropped) && dropped == 0);
}

int main(void)
{
    core = glib_core(NULL);
    for (int i = 0; i < 2; i++) {
        on_core = i;
        test_watches();
        test_timers();
        test_posts();
        test_posts_and_sockets();
        test_free_inside();
    }
    on_core = false;
    test_wake();
    on_core = true;
    test_refused();
    test_log();
    return tap_done();
}
