/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The application's side of a migration. Clients are not asked to connect to the other host ahead
 * of time: each is told at the end to go there (SWITCH_HOST), as a client is whose connection there
 * has failed.  docs/spec/server-api.md 19.1, 19.7 */
#include "migration.h"

#include <string.h>

#include "channel/clients.h"
#include "main/main-channel.h"
#include "options.h"

/* So long may clients take to leave. */
#define WAIT_MS 10000

struct SpiceMigrateState {
    SpiceServer *server;
};

typedef struct Destination {
    char *host, *subject;
    int port, secure_port; /* -1: none */
} Destination;

struct Migration {
    SpiceServer *server;
    LoopTimer *timer;
    Destination destination;
    bool has_destination;
    bool expected;    /* migrate_connect() came, migrate_end() not yet */
    unsigned waiting; /* clients that were told to go and are still here */
};

static void forget_destination(Migration *migration)
{
    g_clear_pointer(&migration->destination.host, g_free);
    g_clear_pointer(&migration->destination.subject, g_free);
    migration->has_destination = false;
}

static bool set_destination(Migration *migration, const char *host, int port, int secure_port,
                            const char *subject)
{
    if (!host || (port < 0 && secure_port < 0) || port > 65535 || secure_port > 65535)
        return false;
    forget_destination(migration);
    migration->destination = (Destination){
        .host = g_strdup(host),
        .subject = g_strdup(subject),
        .port = port < 0 ? -1 : port,
        .secure_port = secure_port < 0 ? -1 : secure_port,
    };
    migration->has_destination = true;
    return true;
}

static bool send_switch_host(Migration *migration)
{
    const Destination *to = &migration->destination;
    /* On the wire 0 stands for "no such port", and texts carry their NUL. */
    WireMsgMainMigrateSwitchHost message = {
        .dst_info = {
            .port = to->port < 0 ? 0 : to->port,
            .sport = to->secure_port < 0 ? 0 : to->secure_port,
            .host = {(const uint8_t *)to->host, strlen(to->host) + 1},
        }};

    if (to->subject)
        message.dst_info.cert_subject =
            (WireBytes){(const uint8_t *)to->subject, strlen(to->subject) + 1};
    return main_channel_send_all(migration->server->main, SPICE_MSG_MAIN_MIGRATE_SWITCH_HOST,
                                 &message);
}

static void connect_complete(SpiceMigrateInstance *instance)
{
    const SpiceMigrateInterface *interface = (const SpiceMigrateInterface *)instance->base.sif;

    if (interface->migrate_connect_complete)
        interface->migrate_connect_complete(instance);
}

static void end_complete(Migration *migration)
{
    SpiceMigrateInstance *instance = migration->server->migration;

    loop_timer_cancel(migration->timer);
    migration->waiting = 0;
    if (!instance)
        return;

    const SpiceMigrateInterface *interface = (const SpiceMigrateInterface *)instance->base.sif;

    if (interface->migrate_end_complete)
        interface->migrate_end_complete(instance);
}

static void too_late(void *data)
{
    Migration *migration = data;

    log_warning("%u clients did not leave for the new host in time", migration->waiting);
    /* Their ends are not waited for any more. */
    migration->waiting = 0;
    clients_disconnect_all(migration->server, "the machine has moved");
    end_complete(migration);
}

Migration *migration_new(SpiceServer *server)
{
    Migration *migration = g_new0(Migration, 1);

    migration->server = server;
    migration->timer = loop_timer_new(server->loop, too_late, migration);
    if (!migration->timer) {
        g_free(migration);
        return NULL;
    }
    return migration;
}

void migration_free(Migration *migration)
{
    if (!migration)
        return;
    if (migration->server->migration)
        g_clear_pointer(&migration->server->migration->st, g_free);
    migration->server->migration = NULL;
    forget_destination(migration);
    loop_timer_free(migration->timer);
    g_free(migration);
}

bool migration_attach(SpiceServer *server, SpiceMigrateInstance *instance)
{
    if (server->migration)
        return false;
    instance->st = g_new0(SpiceMigrateState, 1);
    instance->st->server = server;
    server->migration = instance;
    return true;
}

void migration_client_gone(Migration *migration)
{
    if (migration->waiting && --migration->waiting == 0)
        end_complete(migration);
}

/* ---- Calls ---- */

int spice_server_migrate_connect(SpiceServer *s, const char *dest, int port, int secure_port,
                                 const char *cert_subject)
{
    REQUIRE(s && s->migration_state && s->migration, -1);

    Migration *migration = s->migration_state;

    /* A second call without an end between them cancels the first. */
    migration->expected = false;
    if (!set_destination(migration, dest, port, secure_port, cert_subject)) {
        connect_complete(s->migration);
        return -1;
    }
    if (clients_count(s))
        migration->expected = true;
    else
        forget_destination(migration); /* nobody to tell */
    connect_complete(s->migration);
    return 0;
}

int spice_server_migrate_info(SpiceServer *s, const char *dest, int port, int secure_port,
                              const char *cert_subject)
{
    REQUIRE(s && s->migration_state && !s->migration, -1);
    return set_destination(s->migration_state, dest, port, secure_port, cert_subject) ? 0 : -1;
}

int spice_server_migrate_start(SpiceServer *s)
{
    REQUIRE(s && s->migration_state, -1);
    return s->migration_state->has_destination ? 0 : -1;
}

int spice_server_migrate_end(SpiceServer *s, int completed)
{
    REQUIRE(s && s->migration_state && s->migration, -1);

    Migration *migration = s->migration_state;
    bool expected = migration->expected;
    unsigned clients = clients_count(s);
    int result = 0;

    migration->expected = false;
    if (!clients) {
        end_complete(migration);
    } else if (completed && !expected) {
        log_warning("the migration has ended without spice_server_migrate_connect()");
        clients_disconnect_all(s, "the machine has moved");
        end_complete(migration);
        result = -1;
    } else if (completed) {
        migration->waiting = clients;
        send_switch_host(migration);
        loop_timer_start(migration->timer, WAIT_MS);
    }
    forget_destination(migration);
    return result;
}

int spice_server_migrate_switch(SpiceServer *s)
{
    REQUIRE(s && s->migration_state, 0);
    if (s->migration_state->has_destination)
        send_switch_host(s->migration_state);
    forget_destination(s->migration_state);
    return 0;
}
