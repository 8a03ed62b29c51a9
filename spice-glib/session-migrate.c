/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Migration, the client's part. See session-migrate.h.
 *
 * A copy of the session connects to the target; each of its channels stops right after OPENED and
 * keeps the prepared connection for the source's channel of the same type and number. Moving a
 * channel exchanges the connections of the two, so that it can be undone as long as the copy lives.
 */
#include <string.h>
#include "channel-state.h"
#include "session-state.h"
#include "session-migrate.h"

#define PREPARE_TIMEOUT 20000 /* milliseconds; servers wait 10 s for the answer */

typedef struct SpiceMigration {
    SpiceSession *source; /* not owned: owns this */
    SpiceSession *copy;
    gboolean seamless;
    guint32 source_version;
    gboolean accepted; /* the target takes part in a seamless migration */
    gboolean prepared; /* the source's server has been told so */
    gboolean ending;   /* semi-seamless: main has moved, INIT is awaited */
    guint timeout;
    guint abort_idle;
} SpiceMigration;

static SpiceChannel *main_of(SpiceSession *session)
{
    return spice_session_find_channel(session, SPICE_CHANNEL_MAIN, 0);
}

static void set_state(SpiceSession *session, SpiceSessionMigration state)
{
    if (session->priv->migration_state == state)
        return;
    session->priv->migration_state = state;
    g_object_notify(G_OBJECT(session), "migration-state");
}

static void swap_text(gchar **a, gchar **b)
{
    gchar *t = *a;

    *a = *b;
    *b = t;
}

static void exchange_addresses(SpiceMigration *m)
{
    SessionAddress *a = &m->source->priv->address, *b = &m->copy->priv->address;

    swap_text(&a->host, &b->host);
    swap_text(&a->port, &b->port);
    swap_text(&a->tls_port, &b->tls_port);
    swap_text(&a->unix_path, &b->unix_path);
}

/* --- connections --- */

static void attach(SpiceChannel *channel, SpiceConnection *conn)
{
    struct ChannelFields *f = &channel->priv->f;

    f->conn = NULL;
    g_clear_object(&f->socket);
    if (conn && conn->transport)
        spice_channel_adopt_connection(channel, conn);
    else if (conn)
        spice_connection_unref(conn);
}

/* Each gets the other's connection. with_traffic: what is queued, and the serials, stay with the
 * channel. */
static void exchange(SpiceChannel *channel, SpiceChannel *other, gboolean with_traffic)
{
    SpiceConnection *a = channel->priv->f.conn, *b = other->priv->f.conn;

    if (a)
        spice_reader_stop(a);
    if (b)
        spice_reader_stop(b);
    if (a && a->transport) {
        spice_transport_watch_read(a->transport, FALSE);
        spice_transport_watch_write(a->transport, FALSE);
    }
    if (with_traffic && a && b) {
        GQueue queue = b->queue, replies = b->replies;

        b->queue = a->queue;
        b->replies = a->replies;
        a->queue = queue;
        a->replies = replies;
        b->in_serial = a->in_serial;
        b->out_serial = a->out_serial;
        b->handled_serial = a->handled_serial;
        b->raw_serial = a->raw_serial;
    }
    attach(channel, b);
    attach(other, a);
}

static SpiceChannel *twin(SpiceMigration *m, SpiceChannel *channel)
{
    return spice_session_find_channel(m->copy, spice_channel_get_channel_type(channel),
                                      spice_channel_get_channel_id(channel));
}

/* --- the end --- */

static void finish(SpiceSession *session)
{
    SpiceMigration *m = g_steal_pointer(&session->priv->migration);

    spice_source_remove(&m->timeout);
    spice_source_remove(&m->abort_idle);
    g_signal_handlers_disconnect_by_data(m->copy, m);
    m->copy->priv->part_of = NULL;
    for (GList *l = m->copy->priv->channels; l; l = l->next)
        g_signal_handlers_disconnect_by_data(l->data, m);
    spice_session_disconnect(m->copy);
    g_object_unref(m->copy);
    g_free(m);
    set_state(session, SPICE_SESSION_MIGRATION_NONE);
}

void spice_session_abort_migration(SpiceSession *session)
{
    SpiceMigration *m = session->priv->migration;
    SpiceChannel *main_channel = main_of(session);

    if (!m)
        return;
    for (GList *l = session->priv->channels; l && m->prepared; l = l->next) {
        SpiceChannel *channel = l->data, *other = twin(m, channel);

        /* Moved already: back to the source. */
        if (other && other->priv->f.state == CHANNEL_READY) {
            exchange(channel, other, TRUE);
            other->priv->f.state = CHANNEL_MIGRATING;
        }
        if (channel->priv->f.state == CHANNEL_MIGRATING) {
            channel->priv->f.state = CHANNEL_READY;
            spice_channel_schedule_pump(channel);
        }
    }
    if (m->prepared)
        exchange_addresses(m);
    if (main_channel)
        spice_channel_resume(main_channel);
    finish(session);
}

/* --- preparation --- */

static void prepare_failed(SpiceMigration *m)
{
    SpiceSession *session = m->source;
    SpiceChannel *main_channel = main_of(session);
    gboolean tell = !m->prepared;

    g_object_ref(session);
    spice_session_abort_migration(session);
    if (tell && main_channel && spice_channel_is_ready(main_channel))
        spice_channel_send(main_channel, SPICE_MSGC_MAIN_MIGRATE_CONNECT_ERROR, NULL);
    g_object_unref(session);
}

static gboolean prepare_timeout(gpointer data)
{
    SpiceMigration *m = data;

    m->timeout = 0;
    g_warning("the migration target does not answer");
    prepare_failed(m);
    return G_SOURCE_REMOVE;
}

static gboolean abort_idle(gpointer data)
{
    SpiceMigration *m = data;

    m->abort_idle = 0;
    prepare_failed(m);
    return G_SOURCE_REMOVE;
}

static void copy_channel_event(SpiceChannel *channel, SpiceChannelEvent event, SpiceMigration *m)
{
    const GError *error = spice_channel_get_error(channel);

    if (event == SPICE_CHANNEL_OPENED || m->abort_idle)
        return;
    g_warning("%s: the connection to the migration target failed: %s",
              spice_channel_get_label(channel), error ? error->message : "no reason is known");
    /* Not from inside the emission of a channel that the abort destroys. */
    m->abort_idle = spice_idle_add(abort_idle, m);
}

static gboolean all_linked(SpiceMigration *m)
{
    for (GList *l = m->copy->priv->channels; l; l = l->next) {
        ChannelState state = SPICE_CHANNEL(l->data)->priv->f.state;

        if (state != CHANNEL_MIGRATING && state != CHANNEL_MIGRATION_HANDSHAKE)
            return FALSE;
    }
    return TRUE;
}

static void prepared(SpiceMigration *m)
{
    SpiceChannel *main_channel = main_of(m->source);

    spice_source_remove(&m->timeout);
    m->prepared = TRUE;
    exchange_addresses(m);
    if (!main_channel)
        return;
    spice_channel_send(main_channel,
                       m->accepted ? SPICE_MSGC_MAIN_MIGRATE_CONNECTED_SEAMLESS
                                   : SPICE_MSGC_MAIN_MIGRATE_CONNECTED,
                       NULL);
    spice_channel_resume(main_channel);
    set_state(m->source, SPICE_SESSION_MIGRATION_MIGRATING);
}

void spice_session_seamless_answer(SpiceSession *copy, gboolean accepted)
{
    SpiceMigration *m = copy->priv->part_of;
    SpiceChannel *main_channel = main_of(copy);

    if (!m || !main_channel || main_channel->priv->f.state != CHANNEL_MIGRATION_HANDSHAKE) {
        g_warning("an answer about seamless migration that nobody asked for");
        return;
    }
    main_channel->priv->f.state = CHANNEL_MIGRATING;
    m->accepted = accepted;
    prepared(m);
}

gboolean spice_session_channel_opened(SpiceSession *session, SpiceChannel *channel)
{
    SpiceMigration *m = session->priv->part_of;
    SpiceChannel *main_channel;

    if (!session->priv->for_migration)
        return FALSE;
    channel->priv->f.state = CHANNEL_MIGRATING;
    if (!m)
        return TRUE;
    main_channel = main_of(session);
    if (channel == main_channel) {
        /* The target accepts the other channels once it knows this one. */
        for (GList *l = m->source->priv->channels; l; l = l->next) {
            SpiceChannel *source = l->data;
            gint type = spice_channel_get_channel_type(source),
                 id = spice_channel_get_channel_id(source);
            SpiceChannel *created;

            if (type == SPICE_CHANNEL_MAIN || source->priv->f.state != CHANNEL_READY)
                continue;
            created = spice_channel_new(session, type, id);
            if (created) {
                g_signal_connect(created, "channel-event", G_CALLBACK(copy_channel_event), m);
                spice_channel_connect(created);
            }
        }
    }
    if (!all_linked(m))
        return TRUE;
    if (m->seamless &&
        spice_channel_test_capability(main_channel, SPICE_MAIN_CAP_SEAMLESS_MIGRATE)) {
        WireMsgcMainMigrateDstDoSeamless ask = {.src_version = m->source_version};

        main_channel->priv->f.state = CHANNEL_MIGRATION_HANDSHAKE;
        spice_channel_send(main_channel, SPICE_MSGC_MAIN_MIGRATE_DST_DO_SEAMLESS, &ask);
        spice_channel_schedule_pump(main_channel);
    } else {
        prepared(m);
    }
    return TRUE;
}

/* Text with its NUL. NULL: not terminated, or empty. */
static gchar *read_text(const WireBytes *bytes)
{
    if (bytes->size < 2 || !memchr(bytes->data, 0, bytes->size) || bytes->data[0] == 0)
        return NULL;
    return g_strdup((const gchar *)bytes->data);
}

static gchar *port_text(guint16 port)
{
    return port ? g_strdup_printf("%u", port) : NULL;
}

static gboolean set_target(SpiceSession *session, const WireMigrationDstInfo *target)
{
    SpiceSessionPrivate *s = session->priv;
    const gchar *override = g_getenv("SPICE_MIG_HOST");
    g_autofree gchar *host = override ? g_strdup(override) : read_text(&target->host);
    g_autofree gchar *subject = read_text(&target->cert_subject);
    g_autofree gchar *port = port_text(target->port);
    g_autofree gchar *tls_port = port_text(target->sport);

    if (!host || (!port && !tls_port)) {
        g_warning("the server names no usable migration target");
        return FALSE;
    }
    g_free(s->address.unix_path);
    s->address.unix_path = NULL;
    swap_text(&s->address.host, &host);
    swap_text(&s->address.port, &port);
    swap_text(&s->address.tls_port, &tls_port);
    if (subject) {
        swap_text(&s->cert_subject, &subject);
        s->verify = SPICE_SESSION_VERIFY_SUBJECT;
    }
    return TRUE;
}

static SpiceSession *copy_session(SpiceSession *session)
{
    static const gchar *const names[] = {"host",
                                         "unix-path",
                                         "tls-port",
                                         "username",
                                         "password",
                                         "ca-file",
                                         "ca",
                                         "ciphers",
                                         "cert-subject",
                                         "pubkey",
                                         "verify",
                                         "protocol",
                                         "smartcard-certificates",
                                         "smartcard-db",
                                         "enable-audio",
                                         "enable-smartcard",
                                         "enable-usbredir",
                                         "read-only",
                                         "gl-scanout",
                                         "secure-channels"};
    SpiceSession *copy = spice_session_new();

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        GValue value = G_VALUE_INIT;

        g_object_get_property(G_OBJECT(session), names[i], &value);
        g_object_set_property(G_OBJECT(copy), names[i], &value);
        g_value_unset(&value);
    }
    g_set_object(&copy->priv->proxy, session->priv->proxy);
    copy->priv->verify = session->priv->verify;
    copy->priv->connection_id = session->priv->connection_id;
    copy->priv->for_migration = TRUE;
    copy->priv->migration_state = SPICE_SESSION_MIGRATION_CONNECTING;
    return copy;
}

void spice_session_begin_migration(SpiceSession *session, const WireMigrationDstInfo *target,
                                   gboolean seamless, guint32 source_version)
{
    SpiceChannel *main_channel = main_of(session), *created;
    SpiceMigration *m;
    SpiceSession *copy;

    if (session->priv->migration)
        spice_session_abort_migration(session);
    copy = copy_session(session);
    if (session->priv->client_sockets || !set_target(copy, target)) {
        g_object_unref(copy);
        spice_channel_send(main_channel, SPICE_MSGC_MAIN_MIGRATE_CONNECT_ERROR, NULL);
        return;
    }
    if (copy->priv->verify != SPICE_SESSION_VERIFY_SUBJECT || target->cert_subject.size < 2)
        copy->priv->verify = SPICE_SESSION_VERIFY_HOSTNAME;
    m = g_new0(SpiceMigration, 1);
    m->source = session;
    m->copy = copy;
    m->seamless = seamless;
    m->source_version = source_version;
    m->timeout = spice_timeout_add(PREPARE_TIMEOUT, prepare_timeout, m);
    session->priv->migration = m;
    copy->priv->part_of = m;
    spice_channel_pause(main_channel);
    g_signal_emit_by_name(main_channel, "migration-started", copy);
    if (session->priv->migration != m)
        return;
    created = spice_channel_new(copy, SPICE_CHANNEL_MAIN, 0);
    g_signal_connect(created, "channel-event", G_CALLBACK(copy_channel_event), m);
    spice_channel_connect(created);
}

/* --- moving --- */

static gboolean everything_moved(SpiceMigration *m)
{
    for (GList *l = m->copy->priv->channels; l; l = l->next)
        if (SPICE_CHANNEL(l->data)->priv->f.state == CHANNEL_MIGRATING)
            return FALSE;
    return TRUE;
}

/* The channel goes over to its twin's connection. */
static gboolean move(SpiceMigration *m, SpiceChannel *channel, gboolean with_traffic)
{
    SpiceChannel *other = twin(m, channel);

    if (!other || other->priv->f.state != CHANNEL_MIGRATING || !other->priv->f.conn)
        return FALSE;
    exchange(channel, other, with_traffic);
    other->priv->f.state = CHANNEL_READY; /* says that it was moved; it has the old connection */
    channel->priv->f.state = CHANNEL_READY;
    return TRUE;
}

static void seamless_move(SpiceChannel *channel, const guint8 *data, gsize size)
{
    struct ChannelFields *f = &channel->priv->f;
    SpiceSession *session = f->session;
    SpiceMigration *m = session->priv->migration;

    if (!move(m, channel, TRUE)) {
        spice_channel_fail(
            channel, "The machine has moved, but this channel is not connected to its new server");
        return;
    }
    if (data) {
        /* Ahead of everything that is queued. */
        OutMessage *out = g_malloc(sizeof *out + size);

        out->type = SPICE_MSGC_MIGRATE_DATA;
        out->size = size;
        memcpy(out->body, data, size);
        g_queue_push_head(&f->conn->replies, out);
    }
    spice_channel_schedule_flush(channel);
    spice_channel_schedule_pump(channel);
    if (everything_moved(m))
        finish(session);
}

void spice_channel_handle_migrate(SpiceChannel *channel, guint32 flags)
{
    struct ChannelFields *f = &channel->priv->f;
    SpiceMigration *m = f->session ? f->session->priv->migration : NULL;

    if (!m || !m->prepared || !m->accepted) {
        spice_channel_fail(channel, "The server moves this channel, but no migration was prepared");
        return;
    }
    if (flags & SPICE_MIGRATE_NEED_FLUSH) {
        spice_channel_send(channel, SPICE_MSGC_MIGRATE_FLUSH_MARK, NULL);
        spice_channel_flush_now(channel);
    }
    /* With data, the next message is MIGRATE_DATA, and the move is done then. */
    if (!(flags & SPICE_MIGRATE_NEED_DATA_TRANSFER))
        seamless_move(channel, NULL, 0);
}

void spice_channel_handle_migrate_data(SpiceChannel *channel, const guint8 *data, gsize size)
{
    struct ChannelFields *f = &channel->priv->f;
    SpiceMigration *m = f->session ? f->session->priv->migration : NULL;

    if (!m || !m->prepared || !m->accepted) {
        spice_channel_fail(channel,
                           "The server sent migration data, but no migration was prepared");
        return;
    }
    seamless_move(channel, data, size);
}

void spice_session_end_migration(SpiceSession *session)
{
    SpiceMigration *m = session->priv->migration;
    SpiceChannel *main_channel = main_of(session);
    g_autoptr(GList) channels = NULL;

    if (!m || !m->prepared || m->ending) {
        g_warning("the server ends a migration that was not prepared");
        return;
    }
    m->ending = TRUE;
    session->priv->cache_generation++;
    channels =
        g_list_copy_deep(session->priv->channels, (GCopyFunc)(void (*)(void))g_object_ref, NULL);
    for (GList *l = channels; l; l = l->next) {
        SpiceChannel *channel = l->data;

        if (channel->priv->f.state == CHANNEL_READY) {
            channel->priv->f.state = CHANNEL_MIGRATING;
            spice_channel_reset(channel, TRUE);
        }
    }
    if (session->priv->migration == m) {
        if (move(m, main_channel, FALSE)) {
            spice_channel_send(main_channel, SPICE_MSGC_MAIN_MIGRATE_END, NULL);
            spice_channel_schedule_pump(main_channel);
        } else {
            spice_channel_fail(main_channel,
                               "The machine has moved, but its new server cannot be reached");
        }
    }
    for (GList *l = channels; l; l = l->next)
        g_object_unref(l->data);
}

static void finish_moves(SpiceSession *session, SpiceMigration *m, GList *channels)
{
    GList *moved = NULL;

    for (GList *l = channels; l; l = l->next) {
        SpiceChannel *channel = l->data;

        if (channel->priv->f.state != CHANNEL_MIGRATING)
            continue;
        if (move(m, channel, FALSE))
            moved = g_list_append(moved, channel);
        else
            spice_channel_end(
                channel, SPICE_CHANNEL_NONE,
                g_error_new_literal(
                    SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_FAILED,
                    "The machine has moved, and its new server does not have this channel"));
    }
    finish(session);
    for (GList *l = moved; l; l = l->next) {
        SpiceChannel *channel = l->data;

        if (channel->priv->f.state == CHANNEL_READY && SPICE_CHANNEL_GET_CLASS(channel)->channel_up)
            SPICE_CHANNEL_GET_CLASS(channel)->channel_up(channel);
        spice_channel_schedule_pump(channel);
    }
    g_list_free(moved);
}

gboolean spice_session_init_after_migration(SpiceSession *session)
{
    SpiceMigration *m = session->priv->migration;
    g_autoptr(GList) channels = NULL;

    if (!m || !m->ending)
        return FALSE;
    channels =
        g_list_copy_deep(session->priv->channels, (GCopyFunc)(void (*)(void))g_object_ref, NULL);
    finish_moves(session, m, channels);
    for (GList *l = channels; l; l = l->next)
        g_object_unref(l->data);
    return TRUE;
}

/* --- switch host --- */

static gboolean reconnect_idle(gpointer data)
{
    SpiceSession *session = data;
    SpiceChannel *main_channel = main_of(session);

    if (main_channel)
        spice_channel_connect(main_channel);
    return G_SOURCE_REMOVE;
}

void spice_session_switch_host(SpiceSession *session, const WireMigrationDstInfo *target)
{
    SpiceSessionPrivate *s = session->priv;
    SpiceChannel *main_channel = main_of(session);
    g_autoptr(GList) channels = NULL;

    spice_session_abort_migration(session);
    if (!set_target(session, target)) {
        spice_channel_fail(main_channel,
                           "The machine has moved, but the server did not say where to");
        return;
    }
    set_state(session, SPICE_SESSION_MIGRATION_SWITCHING);
    main_channel->priv->f.state = CHANNEL_SWITCHING;
    spice_channel_emit_event(main_channel, SPICE_CHANNEL_SWITCHING, NULL);
    channels = g_list_copy_deep(s->channels, (GCopyFunc)(void (*)(void))g_object_ref, NULL);
    for (GList *l = channels; l; l = l->next) {
        if (l->data != main_channel)
            spice_session_drop_channel(session, l->data);
        g_object_unref(l->data);
    }
    s->epoch++;
    s->cache_generation++;
    s->connection_id = 0;
    s->mm_known = FALSE;
    if (main_channel->priv->f.state == CHANNEL_SWITCHING && !main_channel->priv->f.end_idle) {
        /* No event tells of this end: SWITCHING did. */
        main_channel->priv->f.state = CHANNEL_UNCONNECTED;
        spice_channel_reset(main_channel, FALSE);
        spice_idle_add_full(reconnect_idle, g_object_ref(session), g_object_unref);
    }
    set_state(session, SPICE_SESSION_MIGRATION_NONE);
}
