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
    /* The client has connected to the other host, or there is nothing to wait for: once after each
     * spice_server_migrate_connect() that returned 0. */
    void (*migrate_connect_complete)(SpiceMigrateInstance *sin);
    /* The client's state is handed over: once after spice_server_migrate_end(). May be NULL. */
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

/* Let the client connect to dest (host name or address, a port that isn't negative, plain or TLS)
 * ahead of the machine. cert_subject may be NULL. 0: migrate_connect_complete() will come, also
 * when the client fails or there is none. -1: no migration interface, no port, one under way. */
int spice_server_migrate_connect(SpiceServer *s, const char *dest, int port, int secure_port,
                                 const char *cert_subject);
/* The machine's memory begins to move. */
int spice_server_migrate_start(SpiceServer *s);
/* It has moved (not 0), or stays. Then migrate_end_complete() comes, as soon as the clients are
 * done. */
int spice_server_migrate_end(SpiceServer *s, int completed);

/* Hand over channels with their state, so that the client sees no interruption. Default: off. */
void spice_server_set_seamless_migration(SpiceServer *s, int enable);

SPICE_END_DECLS

#endif /* SPICE_MIGRATION_H_ */
