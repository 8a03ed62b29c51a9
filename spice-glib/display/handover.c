/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The turns of the owner and the painter of a picture. */
#include "display/handover.h"

#include <glib.h>

/* The painter's patience with a busy owner, and what it gets then. */
#define PATIENCE_US 2000
#define SLICE_US 2000

void handover_init(Handover *handover)
{
    *handover = (Handover){.owner_depth = 1};
    pthread_mutex_init(&handover->lock, NULL);
    pthread_cond_init(&handover->owner_cond, NULL);
    pthread_cond_init(&handover->painter_cond, NULL);
}

void handover_clear(Handover *handover)
{
    pthread_cond_destroy(&handover->painter_cond);
    pthread_cond_destroy(&handover->owner_cond);
    pthread_mutex_destroy(&handover->lock);
}

void handover_owner_acquire(Handover *handover)
{
    pthread_mutex_lock(&handover->lock);
    if (handover->owner_depth++ == 0 && (handover->painter_has || handover->painter_first)) {
        __atomic_store_n(&handover->owner_wants, 1, __ATOMIC_RELAXED);
        while (handover->painter_has || handover->painter_first)
            pthread_cond_wait(&handover->owner_cond, &handover->lock);
        __atomic_store_n(&handover->owner_wants, 0, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&handover->lock);
}

void handover_owner_release(Handover *handover)
{
    pthread_mutex_lock(&handover->lock);
    if (handover->owner_depth > 0 && --handover->owner_depth == 0 && handover->painter_wants) {
        /* Reserving the next turn costs the owner a thread switch, so it is done only in need. */
        handover->painter_first = g_get_monotonic_time() - handover->wanted_since >= PATIENCE_US;
        pthread_cond_signal(&handover->painter_cond);
    }
    pthread_mutex_unlock(&handover->lock);
}

bool handover_paint(Handover *handover)
{
    bool granted;

    if (handover->painter_has) {
        if (!__atomic_load_n(&handover->owner_wants, __ATOMIC_RELAXED) ||
            (handover->slice_end != 0 && g_get_monotonic_time() < handover->slice_end))
            return true;
        handover_rest(handover);
    }
    pthread_mutex_lock(&handover->lock);
    if (handover->owner_depth > 0 && !handover->cancelled) {
        handover->painter_wants = true;
        handover->wanted_since = g_get_monotonic_time();
        while (handover->owner_depth > 0 && !handover->cancelled && !handover->painter_first)
            pthread_cond_wait(&handover->painter_cond, &handover->lock);
        handover->painter_wants = false;
    }
    granted = !handover->cancelled;
    handover->slice_end = 0;
    if (granted) {
        handover->painter_has = true;
        if (handover->painter_first)
            handover->slice_end = g_get_monotonic_time() + SLICE_US;
    }
    if (handover->painter_first) {
        handover->painter_first = false;
        if (!granted)
            pthread_cond_signal(&handover->owner_cond);
    }
    pthread_mutex_unlock(&handover->lock);
    return granted;
}

void handover_rest(Handover *handover)
{
    if (!handover->painter_has)
        return;
    pthread_mutex_lock(&handover->lock);
    handover->painter_has = false;
    pthread_cond_signal(&handover->owner_cond);
    pthread_mutex_unlock(&handover->lock);
}

void handover_cancel(Handover *handover, bool cancelled)
{
    pthread_mutex_lock(&handover->lock);
    handover->cancelled = cancelled;
    pthread_cond_signal(&handover->painter_cond);
    pthread_mutex_unlock(&handover->lock);
}
