/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The application's side of a migration, and the oldest way for clients to follow: they are told
 * where the machine went and connect there anew.  docs/spec/server-api.md 19.1, 19.7 */
#ifndef SERVER_MIGRATION_H
#define SERVER_MIGRATION_H

#include "server.h"

typedef struct Migration Migration;

Migration *migration_new(SpiceServer *server); /* NULL: the host refuses a timer */
void migration_free(Migration *migration);     /* NULL is fine; the instance's st is cleared */
/* False: there is one already. */
bool migration_attach(SpiceServer *server, SpiceMigrateInstance *instance);
void migration_client_gone(Migration *migration);

#endif
