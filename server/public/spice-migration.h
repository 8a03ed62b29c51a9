/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine moves to another host, and its clients with it.  docs/spec/server-api.md 19 */
#ifndef SPICE_MIGRATION_H_
#define SPICE_MIGRATION_H_

#if !defined(SPICE_H_INSIDE) && !defined(SPICE_SERVER_INTERNAL)
#error "Only spice.h can be included directly."
#endif

#include "spice-core.h"

SPICE_BEGIN_DECLS

#define SPICE_INTERFACE_MIGRATION "migration"
#define SPICE_INTERFACE_MIGRATION_MAJOR 1
#define SPICE_INTERFACE_MIGRATION_MINOR 1
typedef struct SpiceMigrateInterface SpiceMigrateInterface;
typedef struct SpiceMigrateInstance SpiceMigrateInstance;
typedef struct SpiceMigrateState SpiceMigrateState;

/* One; can't be removed. */
struct SpiceMigrateInterface {
    SpiceBaseInterface base;
    /* The client has connected to the other host, or there is nothing to wait for: once in each
     * spice_server_migrate_connect() that finds this interface, also when that returns -1. */
    void (*migrate_connect_complete)(SpiceMigrateInstance *sin);
    /* The clients have gone, or nobody has to be waited for: once after each
     * spice_server_migrate_end(), except after (s, 0) while a client is connected. May be NULL. */
    void (*migrate_end_complete)(SpiceMigrateInstance *sin);
};

struct SpiceMigrateInstance {
    SpiceBaseInstance base;
    SpiceMigrateState *st;
};

/* The old way, for programs without a migration interface: keep where the machine goes (-1: no
 * destination), and later send the clients there (0). */
int spice_server_migrate_info(SpiceServer *s, const char *dest, int port, int secure_port,
                              const char *cert_subject) SPICE_GNUC_DEPRECATED;
int spice_server_migrate_switch(SpiceServer *s) SPICE_GNUC_DEPRECATED;

/* Where the machine is about to go: host name or address, and a port that isn't negative, plain or
 * TLS. cert_subject may be NULL. A second call replaces the first. -1: no migration interface, no
 * host, no port. This version does not let clients connect there ahead of the machine:
 * migrate_connect_complete() comes inside the call. */
int spice_server_migrate_connect(SpiceServer *s, const char *dest, int port, int secure_port,
                                 const char *cert_subject);
/* The machine's memory begins to move. -1: there is no destination, or nobody to send there. */
int spice_server_migrate_start(SpiceServer *s);
/* It has moved (not 0): clients are told to connect to the destination; migrate_end_complete()
 * comes when they have left, after 10 s at the latest, when the rest is disconnected. -1: clients
 * are there and no destination is known; they are disconnected. Or it stays (0): the destination is
 * forgotten. */
int spice_server_migrate_end(SpiceServer *s, int completed);

/* Hand over channels with their state, so that the client sees no interruption. Default: off. Kept,
 * without effect in this version: clients connect anew. */
void spice_server_set_seamless_migration(SpiceServer *s, int enable);

SPICE_END_DECLS

#endif /* SPICE_MIGRATION_H_ */
