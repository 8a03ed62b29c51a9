/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The models of a client's caches, against clients that do blindly what they are told: an image
 * that is said to be there is there, and never more than was announced. docs/spec/server-display.md
 * 14 */
#include <glib.h>
#include <pthread.h>
#include <string.h>

#include <spice/enums.h>

#include "display/caches.h"
#include "tap.h"

static uint32_t seed = 3;

static uint32_t random_number(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

/* ---- A client with several display channels, each with its queue of messages ---- */

enum { CHANNELS = 3, MAX_MESSAGES = 4000, MAX_IDS = 64 };

typedef enum StepKind { STEP_WAIT, STEP_DROP, STEP_ADD, STEP_REPLACE, STEP_USE } StepKind;

/* What one message does, in order. Plain uses need the image; lossless ones need it exact. */
typedef struct Step {
    StepKind kind;
    uint64_t id;
    bool lossy, exact;
    WireWaitForChannel wait;
} Step;

typedef struct Message {
    uint64_t serial;
    unsigned n;
    Step *steps;
} Message;

typedef struct Wire {
    GQueue messages; /* on their way */
    uint64_t sent, handled;
} Wire;

typedef struct Model {
    Wire wires[CHANNELS];
    GHashTable *images; /* id -> count << 1 | lossy */
    uint64_t sizes[MAX_IDS];
    uint64_t pixels, most; /* at the client */
} Model;

static void put(Wire *wire, uint64_t serial, const Step *steps, unsigned n)
{
    Message *message = g_new(Message, 1);

    *message = (Message){serial, n, g_memdup2(steps, n * sizeof(*steps))};
    g_queue_push_tail(&wire->messages, message);
    CHECK(serial == wire->sent + 1);
    wire->sent = serial;
}

static guint count_of(Model *model, uint64_t id)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(model->images, GUINT_TO_POINTER(id + 1)));
}

static void set_count(Model *model, uint64_t id, guint count)
{
    if (count >> 1)
        g_hash_table_insert(model->images, GUINT_TO_POINTER(id + 1), GUINT_TO_POINTER(count));
    else
        g_hash_table_remove(model->images, GUINT_TO_POINTER(id + 1));
}

/* One step of a message; false: it has to wait. */
static bool do_step(Model *model, const Step *step)
{
    guint count = count_of(model, step->id);

    switch (step->kind) {
    case STEP_WAIT:
        return model->wires[step->wait.channel_id].handled >= step->wait.message_serial;
    case STEP_DROP:
        if (CHECK(count >> 1)) {
            set_count(model, step->id, count - 2);
            if (count >> 1 == 1)
                model->pixels -= model->sizes[step->id];
        }
        return true;
    case STEP_ADD:
        if (!(count >> 1))
            model->pixels += model->sizes[step->id];
        set_count(model, step->id, ((count >> 1) + 1) << 1 | step->lossy);
        return true;
    case STEP_REPLACE:
        if (!(count >> 1))
            model->pixels += model->sizes[step->id];
        set_count(model, step->id, MAX(count & ~1u, 2));
        return true;
    default:
        return count >> 1 && (!step->exact || !(count & 1));
    }
}

/* The client goes on for a while, on any channels. False: none can. */
static bool client_moves(Model *model, bool all)
{
    bool moved = false, again;

    do {
        unsigned first = random_number();

        again = false;
        for (unsigned i = 0; i < CHANNELS; i++) {
            unsigned c = (i + first % CHANNELS) % CHANNELS;
            Message *message = g_queue_peek_head(&model->wires[c].messages);

            if (!message || (!all && random_number() % 3 == 0))
                continue;
            while (message->n && do_step(model, &message->steps[0])) {
                memmove(message->steps, message->steps + 1, --message->n * sizeof(Step));
                moved = true;
            }
            if (message->n)
                continue;
            model->wires[c].handled = message->serial;
            moved = again = true;
            g_queue_pop_head(&model->wires[c].messages);
            g_free(message->steps);
            g_free(message);
        }
    } while (all && again);
    model->most = MAX(model->most, model->pixels);
    return moved;
}

static bool empty(const Model *model)
{
    for (unsigned c = 0; c < CHANNELS; c++) {
        if (model->wires[c].messages.head)
            return false;
    }
    return true;
}

/* The server: a message with up to three images, as a view does it. */
static void server_sends(Model *model, PixmapCache *cache, unsigned channels)
{
    unsigned c = random_number() % channels, n = 0, n_before = 0;
    Wire *wire = &model->wires[c];
    uint64_t serial = wire->sent + 1;
    PixmapEvictions evictions = {0};
    Step steps[8], before[2 * MAX_IDS];

    for (unsigned i = 1 + random_number() % 3; i > 0; i--) {
        uint64_t id = random_number() % MAX_IDS;
        bool exact = random_number() % 2, jpeg = !exact && random_number() % 2;
        PixmapHit hit = pixmap_cache_use(cache, c, id, serial);

        if (hit == PIXMAP_HIT || (hit == PIXMAP_HIT_LOSSY && !exact)) {
            steps[n++] = (Step){STEP_USE, id, .exact = hit == PIXMAP_HIT};
            continue;
        }
        if (pixmap_cache_add(cache, c, id, model->sizes[id], jpeg, serial, &evictions))
            steps[n++] = (Step){hit == PIXMAP_HIT_LOSSY ? STEP_REPLACE : STEP_ADD, id, jpeg};
    }
    if (evictions.n_ids || evictions.n_waits) {
        for (unsigned i = 0; i < evictions.n_waits; i++) {
            CHECK(evictions.waits[i].channel_type == SPICE_CHANNEL_DISPLAY &&
                  evictions.waits[i].channel_id != c);
            before[n_before++] = (Step){STEP_WAIT, .wait = evictions.waits[i]};
        }
        for (unsigned i = 0; i < evictions.n_ids; i++)
            before[n_before++] = (Step){STEP_DROP, evictions.ids[i]};
        put(wire, serial, before, n_before);
        pixmap_cache_renumber(cache, c, serial, serial + 1);
        serial++;
    }
    put(wire, serial, steps, n);
    pixmap_evictions_clear(&evictions);
}

static void run_model(uint64_t size, unsigned channels)
{
    DisplayShared *shared = display_shared_new();
    PixmapCache *cache = NULL;
    Model model = {.images = g_hash_table_new(NULL, NULL)};
    uint64_t pixels;
    unsigned n;

    for (unsigned c = 0; c < channels; c++)
        cache = pixmap_cache_get(shared, 1, size);
    for (unsigned i = 0; i < MAX_IDS; i++)
        model.sizes[i] = 1 + random_number() % 400;
    for (unsigned i = 0; i < MAX_MESSAGES; i++) {
        server_sends(&model, cache, channels);
        pixmap_cache_state(cache, &pixels, &n);
        CHECK(pixels <= size && n <= MAX_IDS);
        if (random_number() % 2)
            client_moves(&model, false);
        if (channels == 1) {
            client_moves(&model, true);
            CHECK(empty(&model) && model.pixels == pixels && pixels <= size);
        }
    }
    /* Nothing is waited for that doesn't come. */
    while (!empty(&model) && CHECK(client_moves(&model, true)))
        ;
    CHECK(model.pixels == pixels);
    CHECK(g_hash_table_size(model.images) == n);
    if (channels == 1)
        CHECK(model.most <= size);
    for (unsigned c = 0; c < CHANNELS; c++)
        CHECK(g_queue_is_empty(&model.wires[c].messages));
    g_hash_table_destroy(model.images);
    for (unsigned c = 0; c < channels; c++)
        pixmap_cache_unref(cache);
    display_shared_free(shared);
}

static void test_details(void)
{
    DisplayShared *shared = display_shared_new();
    PixmapCache *cache = pixmap_cache_get(shared, 0, 100), *other;
    PixmapEvictions out = {0};
    uint64_t pixels;
    unsigned n;

    tap_case("sharing, sizes, limits");
    /* The first INIT counts; switched off; other ids. */
    other = pixmap_cache_get(shared, 0, 7);
    CHECK(other == cache);
    pixmap_cache_unref(other);
    CHECK(pixmap_cache_get(shared, 1, 0) == NULL);
    CHECK(pixmap_cache_get(shared, 1, -5) == NULL);
    CHECK(pixmap_cache_get(shared, 1, INT64_MIN) == NULL);
    other = pixmap_cache_get(shared, 1, INT64_MAX);
    CHECK(other && other != cache);

    /* Larger than the cache: nothing is evicted for it. */
    CHECK(pixmap_cache_add(cache, 0, 1, 60, false, 1, &out));
    CHECK(!pixmap_cache_add(cache, 0, 2, 101, false, 2, &out) && out.n_ids == 0);
    CHECK(!pixmap_cache_add(cache, 0, 2, UINT64_MAX, false, 2, &out) && out.n_ids == 0);
    CHECK(!pixmap_cache_add(cache, 0, 2, 0, false, 2, &out));
    /* What the same message uses stays. */
    CHECK(pixmap_cache_use(cache, 0, 1, 3) == PIXMAP_HIT);
    CHECK(!pixmap_cache_add(cache, 0, 2, 50, false, 3, &out) && out.n_ids == 0);
    CHECK(pixmap_cache_add(cache, 0, 2, 50, true, 4, &out) && out.n_ids == 1 && out.ids[0] == 1);
    CHECK(out.n_waits == 0);
    pixmap_evictions_clear(&out);
    /* Lossy, then exact, on another channel that waits for the lossy one. */
    CHECK(pixmap_cache_use(cache, 1, 2, 9) == PIXMAP_HIT_LOSSY);
    CHECK(pixmap_cache_add(cache, 1, 2, 50, false, 9, &out));
    CHECK(out.n_ids == 0 && out.n_waits == 1 && out.waits[0].channel_id == 0 &&
          out.waits[0].message_serial == 4);
    pixmap_evictions_clear(&out);
    /* Shared: nothing lossy. */
    CHECK(pixmap_cache_get(shared, 0, 9) == cache);
    CHECK(!pixmap_cache_add(cache, 0, 77, 1, true, 5, &out));
    pixmap_cache_unref(cache);
    CHECK(pixmap_cache_use(cache, 0, 2, 5) == PIXMAP_HIT);
    CHECK(!pixmap_cache_add(cache, 0, 2, 50, false, 5, &out));
    CHECK(pixmap_cache_add(cache, 0, 3, 60, false, 6, &out) && out.n_waits == 1 &&
          out.waits[0].channel_id == 1 && out.waits[0].message_serial == 9);
    pixmap_evictions_clear(&out);

    /* More channels than a list can name: it stays. */
    for (unsigned c = 0; c < 255; c++)
        pixmap_cache_use(cache, c, 3, 7);
    CHECK(!pixmap_cache_add(cache, 255, 4, 60, false, 8, &out) && out.n_ids == 0);
    pixmap_cache_state(cache, &pixels, &n);
    CHECK(pixels == 60 && n == 1);

    /* Images of one pixel: the account has an end. */
    unsigned evicted = 0;

    for (uint64_t id = 0; id < 200000; id++) {
        CHECK(pixmap_cache_add(other, 0, id, 1, false, id, &out));
        evicted += out.n_ids;
        pixmap_evictions_clear(&out);
    }
    pixmap_cache_state(other, &pixels, &n);
    CHECK(n == 1 << 17 && pixels == n && evicted == 200000 - n);
    /* Nor does one message name more than a list can hold. */
    CHECK(!pixmap_cache_add(other, 0, 1 << 20, 1 << 30, false, 1 << 20, &out));
    CHECK(out.n_ids == UINT16_MAX);
    pixmap_evictions_clear(&out);

    /* A new one after the last reference. */
    pixmap_cache_unref(cache);
    cache = pixmap_cache_get(shared, 0, 55);
    CHECK(pixmap_cache_use(cache, 0, 3, 1) == PIXMAP_MISS);
    display_shared_free(shared); /* before its members */
    pixmap_cache_unref(cache);
    pixmap_cache_unref(other);
    pixmap_cache_unref(NULL);
}

static void test_glz(void)
{
    DisplayShared *shared = display_shared_new();
    GlzShared *a = glz_shared_get(shared, 1, 1000), *b = glz_shared_get(shared, 1, 5);

    tap_case("dictionaries");
    CHECK(a && a == b);
    CHECK(glz_shared_get(shared, 2, 0) == NULL);
    CHECK(glz_shared_get(shared, 2, INT32_MIN) == NULL);
    glz_shared_unref(b);
    b = glz_shared_get(shared, 2, INT32_MAX);
    CHECK(b && b != a);
    glz_shared_unref(a);
    glz_shared_unref(b);
    glz_shared_unref(NULL);
    display_shared_free(shared);
    display_shared_free(NULL);
}

static void test_palettes(void)
{
    PaletteCache *cache = palette_cache_new();
    GHashTable *client = g_hash_table_new(NULL, NULL);
    uint64_t evicted, hits = 0;

    tap_case("palettes");
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t id = 1 + random_number() % (i % 2 ? 150 : 10);
        bool hit = palette_cache_use(cache, id, &evicted);

        hits += hit;
        CHECK(hit == g_hash_table_contains(client, GUINT_TO_POINTER(id)));
        g_hash_table_add(client, GUINT_TO_POINTER(id));
        CHECK(g_hash_table_size(client) <= 129);
        if (evicted) {
            CHECK(!hit && evicted != id && g_hash_table_remove(client, GUINT_TO_POINTER(evicted)));
        }
        CHECK(g_hash_table_size(client) <= 128);
        if (i == 15000) {
            palette_cache_reset(cache);
            g_hash_table_remove_all(client);
        }
    }
    CHECK(hits > 10000);
    g_hash_table_destroy(client);
    palette_cache_free(cache);
}

/* ---- Threads ---- */

typedef struct Worker {
    DisplayShared *shared;
    uint8_t channel;
} Worker;

static void *use_caches(void *data)
{
    Worker *worker = data;
    PixmapCache *cache = NULL;
    uint32_t state = worker->channel * 77 + 1;
    uint64_t serial = 0;

    for (unsigned i = 0; i < 20000; i++) {
        PixmapEvictions out = {0};

        if (i % 1000 == 0) {
            pixmap_cache_unref(cache);
            cache = pixmap_cache_get(worker->shared, 0, 5000);
        }
        state = state * 1664525 + 1013904223;
        serial++;
        if (pixmap_cache_use(cache, worker->channel, state >> 16 & 63, serial) == PIXMAP_MISS)
            pixmap_cache_add(cache, worker->channel, state >> 16 & 63, 500, false, serial, &out);
        if (out.n_ids || out.n_waits)
            pixmap_cache_renumber(cache, worker->channel, serial, serial + 1);
        serial++;
        pixmap_evictions_clear(&out);
    }
    pixmap_cache_unref(cache);
    return NULL;
}

static void test_threads(void)
{
    DisplayShared *shared = display_shared_new();
    Worker workers[3];
    pthread_t threads[3];

    tap_case("channels on several threads");
    for (unsigned i = 0; i < 3; i++) {
        workers[i] = (Worker){shared, i};
        CHECK(pthread_create(&threads[i], NULL, use_caches, &workers[i]) == 0);
    }
    for (unsigned i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    display_shared_free(shared);
}

int main(void)
{
    tap_case("random clients, one channel");
    for (unsigned i = 0; i < 6; i++)
        run_model(500 + i * 900, 1);
    tap_case("random clients, several channels");
    for (unsigned i = 0; i < 12; i++)
        run_model(500 + i * 900, 2 + i % 2);
    test_details();
    test_glz();
    test_palettes();
    test_threads();
    return tap_done();
}
