/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys that are down and the one delayed press: the table of docs/spec/client-gtk.md 6.5 in code.
 */
#include "config.h"

#include <string.h>

#include "key-state.h"

void key_state_init(KeyState *state, const KeySink *sink, void *ctx)
{
    memset(state, 0, sizeof *state);
    state->sink = sink;
    state->ctx = ctx;
}

gboolean key_state_is_down(const KeyState *state, guint code)
{
    return code < KEY_STATE_CODES && (state->down[code / 8] >> (code % 8)) & 1;
}

static void mark(KeyState *state, guint code, gboolean down)
{
    if (down)
        state->down[code / 8] |= 1u << (code % 8);
    else
        state->down[code / 8] &= ~(1u << (code % 8));
}

void key_state_flush(KeyState *state)
{
    guint code = state->pending;

    if (code == 0)
        return;
    state->pending = 0;
    state->sink->stop_timer(state->ctx);
    state->sink->press(state->ctx, code);
}

void key_state_press(KeyState *state, guint code, guint delay)
{
    if (code == 0 || code >= KEY_STATE_CODES)
        return;

    gboolean repeated = key_state_is_down(state, code);

    key_state_flush(state);
    mark(state, code, TRUE);
    if (delay > 0 && !repeated) {
        state->pending = code;
        state->sink->start_timer(state->ctx, delay);
        return;
    }
    state->sink->press(state->ctx, code);
    if (code == KEY_CODE_PAUSE)
        state->sink->press(state->ctx, KEY_CODE_PAUSE_SECOND);
}

void key_state_release(KeyState *state, guint code)
{
    if (!key_state_is_down(state, code))
        return;
    mark(state, code, FALSE);
    if (state->pending == code) {
        state->pending = 0;
        state->sink->stop_timer(state->ctx);
        state->sink->click(state->ctx, code);
        return;
    }
    key_state_flush(state);
    state->sink->release(state->ctx, code);
    if (code == KEY_CODE_PAUSE)
        state->sink->release(state->ctx, KEY_CODE_PAUSE_SECOND);
}

void key_state_release_all(KeyState *state)
{
    for (guint code = 1; code < KEY_STATE_CODES; code++)
        key_state_release(state, code);
}

void key_state_reset(KeyState *state)
{
    if (state->pending != 0)
        state->sink->stop_timer(state->ctx);
    state->pending = 0;
    memset(state->down, 0, sizeof state->down);
}
