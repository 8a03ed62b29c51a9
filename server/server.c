/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The server object's life.  docs/spec/server-api.md 4.4, 5, 7.1 */
#include "server.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "channel/clients.h"
#include "display/encode.h"
#include "link/admission.h"
#include "main/agent.h"
#include "main/char-device.h"
#include "main/inputs.h"
#include "main/main-channel.h"
#include "migration.h"
#include "options.h"
#include "record/recorder.h"
#include "sound.h"
#include "worker/worker.h"

SpiceServer *spice_server_new(void)
{
    SpiceServer *s = g_new0(SpiceServer, 1);

    options_init(&s->options);
    s->recorder = recorder_new_from_environment();
    return s;
}

static bool core_is_usable(const SpiceCoreInterface *core)
{
    return core && core->base.major_version == SPICE_INTERFACE_CORE_MAJOR && core->timer_add &&
           core->timer_start && core->timer_cancel && core->timer_remove && core->watch_add &&
           core->watch_update_mask && core->watch_remove;
}

/* Everything that init makes, and destroy and a failed init unmake. The order is that of use: what
 * is freed first may still call what is freed later. */
static void shut_down(SpiceServer *s)
{
    s->vm_running = false;
    if (s->clients)
        clients_disconnect_all(s, NULL);
    while (s->workers) {
        GList *first = s->workers;

        worker_remove(first->data);
        /* Whatever a worker does, this ends. */
        if (s->workers == first)
            s->workers = g_list_delete_link(first, first);
    }
    char_devices_detach_all(s);
    sound_remove_all(s);
    g_clear_pointer(&s->migration_state, migration_free);
    g_clear_pointer(&s->inputs, inputs_free);
    g_clear_pointer(&s->agent, agent_free);
    g_clear_pointer(&s->main, main_channel_free);
    g_clear_pointer(&s->admission, admission_free);
    g_clear_pointer(&s->clients, clients_free);
    g_clear_pointer(&s->pool, encode_pool_free);
    /* Events that are waiting are delivered now, none afterwards. */
    g_clear_pointer(&s->loop, loop_free);
    s->core = NULL;
}

static bool start_up(SpiceServer *s)
{
    s->loop = loop_new_core(s->core);
    if (!s->loop)
        return false;
    s->pool = encode_pool_new();
    s->clients = clients_new(s);
    s->main = main_channel_new(s);
    s->agent = agent_new(s);
    s->inputs = inputs_new(s);
    s->migration_state = migration_new(s);
    if (!s->pool || !s->clients || !s->main || !s->agent || !s->inputs || !s->migration_state)
        return false;
    /* Listening comes last: whoever connects finds everything there. */
    s->admission = admission_new(s);
    return s->admission != NULL;
}

int spice_server_init(SpiceServer *s, SpiceCoreInterface *core)
{
    REQUIRE(s && !s->core, -1);
    if (!core_is_usable(core)) {
        log_warning("bad core interface");
        return -1;
    }
    /* Hosts call exit() while workers use TLS: OpenSSL must not clean up below them then. */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
    if (g_getenv("SPICE_DEBUG_ALLOW_MC")) {
        log_warning("several simultaneous clients are allowed (SPICE_DEBUG_ALLOW_MC)");
        s->options.allow_multiple_clients = true;
        s->options.seamless_migration = false;
    }
    if (!s->options.video_codecs)
        s->options.video_codecs = g_strdup(VIDEO_CODECS_DEFAULT);
    s->core = core;
    if (!start_up(s)) {
        shut_down(s);
        return -1;
    }
    return 0;
}

void spice_server_destroy(SpiceServer *s)
{
    if (!s)
        return;
    s->destroying = true;
    shut_down(s);
    g_clear_pointer(&s->recorder, recorder_free);
    options_clear(&s->options);
    g_free(s);
}

int spice_server_add_client(SpiceServer *s, int socket, int skip_auth)
{
    REQUIRE(s && s->admission && socket >= 0, -1);
    return admission_add_client(s->admission, socket, false, skip_auth != 0);
}

int spice_server_add_ssl_client(SpiceServer *s, int socket, int skip_auth)
{
    REQUIRE(s && s->admission && socket >= 0, -1);
    return admission_add_client(s->admission, socket, true, skip_auth != 0);
}

void spice_server_vm_start(SpiceServer *s)
{
    REQUIRE(s, );
    s->vm_running = s->vm_started = true;
    if (!s->core)
        return;
    clients_machine_runs(s);
    char_devices_start(s);
    for (GList *l = s->workers; l; l = l->next)
        worker_start(l->data);
}

void spice_server_vm_stop(SpiceServer *s)
{
    REQUIRE(s, );
    s->vm_running = false;
    if (!s->core)
        return;
    char_devices_stop(s);
    for (GList *l = s->workers; l; l = l->next)
        worker_stop(l->data);
}

int spice_server_is_server_mouse(SpiceServer *s)
{
    REQUIRE(s, 0);
    return s->inputs && inputs_mouse_mode(s->inputs) == SPICE_MOUSE_MODE_SERVER;
}

int spice_server_get_num_clients(SpiceServer *s)
{
    return s && s->clients ? clients_count(s) : 0;
}

void server_client_gone(struct RedsState *server)
{
    if (server->destroying || !server->core)
        return;
    if (server->options.exit_on_disconnect) {
        log_info("a client has disconnected: exit, as spice_server_set_exit_on_disconnect() asks");
        exit(0);
    }
    migration_client_gone(server->migration_state);
}
