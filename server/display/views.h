/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The display channel of a device and its clients' views: for each client what it shows, what it
 * lacks, and what goes out next. The worker tells what happens; nothing here ever makes it wait.
 * docs/spec/server-display.md 10 to 16, 26 */
#ifndef SERVER_DISPLAY_VIEWS_H
#define SERVER_DISPLAY_VIEWS_H

#include "channel/channel.h"
#include "display/encode.h"
#include "display/truth.h"

typedef struct Views Views;

/* Main thread; registers the channel. The rest is the worker's thread. clients_changed: clients
 * came or went (11.3). */
typedef struct ViewsConfig {
    struct RedsState *server;
    Loop *loop;
    uint8_t channel_id;
    EncodePool *pool;
    void (*clients_changed)(void *context);
    void *context;
} ViewsConfig;
Views *views_new(const ViewsConfig *config);
void views_free(Views *views); /* main thread, while the worker's loop still runs */
void views_set_truth(Views *views, Truth *truth);

/* ---- What happens (worker's thread) ---- */
void views_surface_created(Views *views, Surface *surface);
void views_surface_destroyed(
    Views *views, Surface *surface);    /* before truth_destroy_surface() lets its pixels go */
void views_primary_ready(Views *views); /* MARK: content is valid */
/* A drawing has been added to the truth. */
void views_drawable(Views *views, Drawable *drawable);
void views_dropped(Views *views, Drawable *drawable);  /* TruthObserver */
void views_rendered(Views *views, Drawable *drawable); /* TruthObserver */
/* The ring is empty: what came since the last call belongs together. */
void views_batch_end(Views *views);
void views_monitors_config(Views *views, const WireMsgDisplayMonitorsConfig *config);
/* The same for clients that come later: the driver tells those that are there soon (7.3). */
void views_set_monitors(Views *views, const WireMsgDisplayMonitorsConfig *config);
void views_reset(Views *views); /* destroy_surfaces: after all surfaces have gone */
/* The setting was changed: for clients that come later (12.2). */
void views_set_compression(Views *views, SpiceImageCompression compression);
/* Stop (18.1): hand what has room to the sockets, for at most that time. What a stop must have done
 * when it returns is to leave the guest's memory alone, and that is so before this call: everything
 * is rendered, and what is queued are bytes of ours. Nothing that the client has to have received
 * by then is lost: clients stay connected while the machine stands, the rest follows as they take
 * it, and who follows a migration by SWITCH_HOST connects anew and draws from the beginning. So
 * nobody waits for a socket that is full (10.6 allows 2 s for it, and asks for none). Seamless
 * migration will need no wait here either: MIGRATE is queued behind what is under way. */
void views_drain(Views *views, uint32_t max_ms);

/* ---- Questions ---- */
/* Capabilities of the guest's clients: false without clients. caps: QXL_CLIENT capability bytes as
 * in 11.3. */
bool views_guest_caps(Views *views, uint8_t caps[58]);
unsigned views_n_clients(const Views *views);
/* Bytes that views keep queued, roughly: bounded for each client, however it stalls. */
size_t views_memory(const Views *views);

#endif
