/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Character devices: calls into the application that may call back, also to remove the device;
 * bytes that wait until the device takes them. docs/spec/server-api.md 13 */
#include "main/char-device-private.h"

#include <string.h>

#include "main/agent-private.h"

enum {
    RETRY_MS = 100,    /* for devices that don't tell when they can be written to */
    REPEATS = 64,      /* of one call because of wake-ups that came meanwhile */
    DEVICES_MAX = 256, /* of one kind: channel ids */
};

typedef struct Entry {
    size_t size;
    CharOrigin origin;
    uint8_t data[];
} Entry;

struct SpiceCharDeviceState {
    gint refs; /* the instance's, and what is on the stack */
    struct RedsState *server;
    SpiceCharDeviceInstance *instance; /* NULL: detached */
    const SpiceCharDeviceInterface *interface;
    const CharDeviceUser *user;
    void *user_data;
    bool started;
    bool reading, read_again, writing, write_again;
    GQueue queue;   /* Entry, the oldest first */
    GQueue doomed;  /* dropped while the application's write() may read it */
    size_t written; /* of the first */
    LoopTimer *retry;
    bool opened; /* of a port: what its side has told */
    LogLimit log;
};

/* ---- Life ---- */

static CharDevice *device_ref(CharDevice *device)
{
    device->refs++;
    return device;
}

static void device_unref(CharDevice *device)
{
    if (--device->refs)
        return;
    char_device_drop_all(device);
    loop_timer_free(device->retry);
    g_free(device);
}

static void on_retry(void *data)
{
    char_device_flush(data);
}

static const char *const subtypes[] = {"vdagent", "smartcard", "usbredir", "port"};

static unsigned count_of_kind(struct RedsState *server, const char *subtype)
{
    unsigned n = 0;

    for (GList *l = server->char_devices; l; l = l->next)
        n += !strcmp(((SpiceCharDeviceInstance *)l->data)->subtype, subtype);
    return n;
}

static bool may_attach(struct RedsState *server, const SpiceCharDeviceInstance *instance)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(subtypes); i++) {
        if (!instance->subtype || strcmp(instance->subtype, subtypes[i]))
            continue;
        if (!strcmp(instance->subtype, "port") && !instance->portname) {
            log_warning("a port without a name");
            return false;
        }
        if (count_of_kind(server, instance->subtype) >=
            (strcmp(instance->subtype, "smartcard") ? DEVICES_MAX : 1)) {
            log_warning("no more devices of kind \"%s\" can be attached", instance->subtype);
            return false;
        }
        return true;
    }
    log_warning("a device of unknown kind \"%.32s\"",
                instance->subtype ? instance->subtype : "(none)");
    return false;
}

bool char_device_attach(struct RedsState *server, SpiceCharDeviceInstance *instance)
{
    if (!may_attach(server, instance))
        return false;
    if (g_list_find(server->char_devices, instance)) {
        log_warning("this device is attached already");
        return false;
    }
    CharDevice *device = g_new0(CharDevice, 1);
    device->refs = 1;
    device->server = server;
    device->instance = instance;
    device->interface = (const SpiceCharDeviceInterface *)instance->base.sif;
    device->started = !server->char_devices_stopped;
    g_queue_init(&device->queue);
    g_queue_init(&device->doomed);
    device->retry = loop_timer_new(server->loop, on_retry, device);
    if (!device->retry) {
        log_warning("the loop takes no more timers");
        device_unref(device);
        return false;
    }
    SpiceCharDeviceState *before = instance->st; /* it may hold anything */
    instance->st = device;
    server->char_devices = g_list_prepend(server->char_devices, instance);
    if (!strcmp(instance->subtype, "vdagent") && !agent_attach(server->agent, device)) {
        log_warning("vdagent already attached");
        server->char_devices = g_list_remove(server->char_devices, instance);
        instance->st = before;
        device_unref(device);
        return false;
    }
    return true; /* also if it was removed from a callback in the meantime */
}

bool char_device_detach(SpiceCharDeviceInstance *instance)
{
    CharDevice *device = instance->st;

    if (!device)
        return false;
    device->server->char_devices = g_list_remove(device->server->char_devices, instance);
    device_ref(device);
    if (device->user)
        device->user->detach(device->user_data, device);
    device->user = NULL;
    loop_timer_cancel(device->retry);
    instance->st = NULL;
    device->instance = NULL;
    device_unref(device);
    device_unref(device);
    return true;
}

void char_devices_detach_all(struct RedsState *server)
{
    while (server->char_devices)
        char_device_detach(server->char_devices->data);
}

/* ---- With the machine ---- */

void char_devices_start(struct RedsState *server)
{
    GList *all = g_list_copy(server->char_devices);

    server->char_devices_stopped = false;
    for (GList *l = all; l; l = l->next) {
        SpiceCharDeviceInstance *instance = l->data;

        if (!g_list_find(server->char_devices, instance))
            continue; /* a callback has removed it */
        instance->st->started = true;
        spice_server_char_device_wakeup(instance);
    }
    g_list_free(all);
}

void char_devices_stop(struct RedsState *server)
{
    server->char_devices_stopped = true;
    for (GList *l = server->char_devices; l; l = l->next) {
        CharDevice *device = ((SpiceCharDeviceInstance *)l->data)->st;

        device->started = false;
        loop_timer_cancel(device->retry);
    }
}

/* ---- Reading ---- */

size_t char_device_read(CharDevice *device, void *data, size_t size)
{
    if (!device->instance || !device->started || !device->user || !size)
        return 0;
    if (size > G_MAXINT)
        size = G_MAXINT;
    int n = device->interface->read(device->instance, data, (int)size);
    if (n > 0 && (size_t)n > size) {
        log_limited(&device->log, "a device told that it has read %d bytes into %zu", n, size);
        n = 0;
    }
    /* Detached in its own callback: what it gave then counts no more. */
    return n < 0 || !device->instance || !device->user ? 0 : (size_t)n;
}

static void read_device(CharDevice *device)
{
    if (device->reading) {
        device->read_again = true;
        return;
    }
    device_ref(device);
    device->reading = true;
    for (int i = 0; i < REPEATS; i++) {
        device->read_again = false;
        if (device->instance && device->started && device->user)
            device->user->readable(device->user_data);
        if (!device->read_again)
            break;
    }
    device->reading = false;
    device_unref(device);
}

void char_device_resume(CharDevice *device)
{
    read_device(device);
}

/* ---- Writing ---- */

void char_device_queue(CharDevice *device, const void *data, size_t size, CharOrigin origin)
{
    Entry *entry = g_malloc(sizeof *entry + size);

    entry->size = size;
    entry->origin = origin;
    memcpy(entry->data, data, size);
    g_queue_push_tail(&device->queue, entry);
}

/* Give the device what it takes of the first entry. False: it takes no more now. */
static bool write_some(CharDevice *device)
{
    Entry *entry = g_queue_peek_head(&device->queue);
    size_t left = entry->size - device->written;

    int n = device->interface->write(device->instance, entry->data + device->written, (int)left);
    /* The callback may have removed the device, and with it its queue. */
    if (!device->instance || g_queue_peek_head(&device->queue) != entry)
        return false;
    if (n > 0 && (size_t)n > left) {
        log_limited(&device->log, "a device told that it has taken %d of %zu bytes", n, left);
        n = (int)left;
    }
    if (n <= 0)
        return false;
    device->written += (size_t)n;
    if (device->written < entry->size)
        return true;
    CharOrigin origin = entry->origin;
    g_queue_pop_head(&device->queue);
    device->written = 0;
    g_free(entry);
    if (device->user)
        device->user->written(device->user_data, origin);
    return true;
}

static bool may_write(const CharDevice *device)
{
    return device->instance && device->started && device->queue.length > 0;
}

static bool tells_writable(const CharDevice *device)
{
    return device->interface->base.minor_version >= 3 &&
           (device->interface->flags & SPICE_CHAR_DEVICE_NOTIFY_WRITABLE);
}

void char_device_flush(CharDevice *device)
{
    if (device->writing) {
        device->write_again = true;
        return;
    }
    if (!may_write(device))
        return;
    device_ref(device);
    device->writing = true;
    int i = 0;
    do {
        device->write_again = false;
        while (may_write(device) && write_some(device))
            ;
    } while (device->write_again && may_write(device) && ++i < REPEATS);
    device->writing = false;
    g_queue_clear_full(&device->doomed, g_free);
    if (may_write(device) && (!tells_writable(device) || i == REPEATS))
        loop_timer_start(device->retry, RETRY_MS);
    device_unref(device);
}

bool char_device_last_is(const CharDevice *device, CharOrigin origin)
{
    const Entry *last = g_queue_peek_tail((GQueue *)&device->queue);

    return last && last->origin == origin && (device->queue.length > 1 || !device->written);
}

void char_device_drop_client(CharDevice *device)
{
    GList *l = device->queue.head;

    /* The first one may be on its way, also while the device's write() runs, which reads it. */
    if (l && (device->written || device->writing)) {
        Entry *entry = l->data;

        if (entry->origin == CHAR_FROM_CLIENT)
            entry->origin = CHAR_ORPHAN; /* nobody gets a token back for it */
        l = l->next;
    }
    while (l) {
        GList *next = l->next;
        Entry *entry = l->data;

        if (entry->origin == CHAR_FROM_CLIENT) {
            g_queue_delete_link(&device->queue, l);
            g_free(entry);
        }
        l = next;
    }
}

void char_device_drop_all(CharDevice *device)
{
    if (device->writing) {
        while (device->queue.length)
            g_queue_push_tail(&device->doomed, g_queue_pop_head(&device->queue));
    } else {
        g_queue_clear_full(&device->queue, g_free);
    }
    device->written = 0;
}

/* ---- Its user ---- */

void char_device_set_user(CharDevice *device, const CharDeviceUser *user, void *data)
{
    device->user = user;
    device->user_data = data;
}

void char_device_tell_state(CharDevice *device, bool connected)
{
    if (device->instance && device->interface->state)
        device->interface->state(device->instance, connected);
}

/* ---- Public functions ---- */

void spice_server_char_device_wakeup(SpiceCharDeviceInstance *sin)
{
    if (!sin || !sin->st) {
        log_warning("a device that isn't attached was woken up");
        return;
    }
    CharDevice *device = device_ref(sin->st);
    char_device_flush(device);
    read_device(device);
    device_unref(device);
}

const char **spice_server_char_device_recognized_subtypes(void)
{
    /* Ports are attached by their names, and not named here: applications make other devices of
     * them. */
    static const char *recognized[] = {"vdagent", "smartcard", "usbredir", NULL};

    return recognized;
}

void spice_server_port_event(SpiceCharDeviceInstance *sin, uint8_t event)
{
    if (!sin || !sin->st) {
        log_warning("an event of a port that isn't attached");
        return;
    }
    if (event == SPICE_PORT_EVENT_OPENED)
        sin->st->opened = true;
    else if (event == SPICE_PORT_EVENT_CLOSED)
        sin->st->opened = false;
}
