/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Migration of a session to another server: what the main channel and the session call. Spec:
 * client-glib.md 19, wire.md 11. */
#pragma once

#include "spice-client.h"
#include "wire/wire.h"

G_BEGIN_DECLS

/* MIGRATE_BEGIN and MIGRATE_BEGIN_SEAMLESS: connect a copy of the session to the target. */
void spice_session_begin_migration(SpiceSession *session, const WireMigrationDstInfo *target,
                                   gboolean seamless, guint32 source_version);
/* The target's answer to MIGRATE_DST_DO_SEAMLESS, on the main channel of the copy. */
void spice_session_seamless_answer(SpiceSession *copy, gboolean accepted);
/* MIGRATE_END on the source: go over to the prepared connections. */
void spice_session_end_migration(SpiceSession *session);
/* MIGRATE_CANCEL, or anything that ends a migration early. Nothing when there is none. */
void spice_session_abort_migration(SpiceSession *session);
/* MIGRATE_SWITCH_HOST: drop everything and connect anew. */
void spice_session_switch_host(SpiceSession *session, const WireMigrationDstInfo *target);
/* MAIN_INIT has come on a connection that a semi-seamless migration prepared: move the other
 * channels. TRUE: it was so, and no ATTACH_CHANNELS is to be sent. */
gboolean spice_session_init_after_migration(SpiceSession *session);

G_END_DECLS
