/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recognises a grab sequence in a stream of keys: first all of it pressed, then all of it released.
 */
#include "config.h"

#include <string.h>

#include "grab-match.h"

void grab_match_set(GrabMatch *match, const guint *keysyms, guint n_keysyms)
{
    grab_match_clear(match);
    if (n_keysyms == 0)
        return;
    match->n_keysyms = n_keysyms;
    match->keysyms = g_new(guint, n_keysyms);
    memcpy(match->keysyms, keysyms, n_keysyms * sizeof *keysyms);
    match->seen = g_new0(gboolean, n_keysyms);
}

void grab_match_clear(GrabMatch *match)
{
    g_free(match->keysyms);
    g_free(match->seen);
    memset(match, 0, sizeof *match);
}

static void forget_seen(GrabMatch *match)
{
    if (match->seen)
        memset(match->seen, 0, match->n_keysyms * sizeof *match->seen);
}

void grab_match_cancel(GrabMatch *match)
{
    if (match->releasing) {
        match->releasing = FALSE;
        forget_seen(match);
    }
}

/* Mark a key as seen in this phase; TRUE when it was the last one. */
static gboolean see(GrabMatch *match, guint keysym)
{
    gboolean all = match->n_keysyms > 0, found = FALSE;

    for (guint i = 0; i < match->n_keysyms; i++) {
        if (match->keysyms[i] == keysym)
            match->seen[i] = found = TRUE;
        all = all && match->seen[i];
    }
    return all && found;
}

/* The window system repeats the last key of a sequence while it is held: that is no new key. */
static gboolean is_held(const GrabMatch *match, guint keysym)
{
    for (guint i = 0; i < match->n_keysyms; i++)
        if (match->keysyms[i] == keysym)
            return !match->seen[i];
    return FALSE;
}

GrabMatchResult grab_match_key(GrabMatch *match, guint keysym, gboolean press)
{
    if (match->releasing) {
        if (!press) {
            if (!see(match, keysym))
                return GRAB_MATCH_NONE;
            forget_seen(match);
            match->releasing = FALSE;
            return GRAB_MATCH_COMPLETED;
        }
        if (is_held(match, keysym))
            return GRAB_MATCH_NONE;
        grab_match_cancel(match);
    }

    if (!press) {
        forget_seen(match);
        return GRAB_MATCH_NONE;
    }
    if (!see(match, keysym))
        return GRAB_MATCH_NONE;
    forget_seen(match);
    match->releasing = TRUE;
    return GRAB_MATCH_PRESSED;
}
