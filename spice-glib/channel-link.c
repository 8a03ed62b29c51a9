/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From an open stream to a channel that is READY: TLS, link messages, ticket or SASL, link result.
 * Spec: client-glib.md 4.4 to 4.6, wire.md 4 to 6. */
#include <string.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include "channel-state.h"
#include "tls.h"

static StepResult stop(SpiceChannel *channel, SpiceChannelEvent event, GError *error)
{
    spice_channel_end(channel, event, error);
    return STEP_STOP;
}

static StepResult stop_text(SpiceChannel *channel, SpiceChannelEvent event, SpiceClientError code,
                            const gchar *format, ...) G_GNUC_PRINTF(4, 5);

static StepResult stop_text(SpiceChannel *channel, SpiceChannelEvent event, SpiceClientError code,
                            const gchar *format, ...)
{
    va_list args;
    GError *error;

    va_start(args, format);
    error = g_error_new_valist(SPICE_CLIENT_ERROR, code, format, args);
    va_end(args);
    return stop(channel, event, error);
}

#define link_failed(channel, ...) \
    stop_text(channel, SPICE_CHANNEL_ERROR_LINK, SPICE_CLIENT_ERROR_FAILED, __VA_ARGS__)

void spice_channel_link_ended(SpiceChannel *channel, GError *error)
{
    struct ChannelFields *f = &channel->priv->f;

    if (f->conn->in_sasl) {
        /* Deployed servers refuse credentials by closing. */
        SpiceClientError code = f->conn->sasl ? spice_sasl_refusal(f->conn->sasl)
                                              : SPICE_CLIENT_ERROR_AUTH_NEEDS_PASSWORD;

        g_clear_error(&error);
        stop_text(channel, SPICE_CHANNEL_ERROR_AUTH, code, "Authentication failed");
        return;
    }
    if (error)
        g_prefix_error(&error, "The connection was lost while it was set up: ");
    else
        g_set_error_literal(&error, SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_FAILED,
                            "The server closed the connection while it was set up. Is this its "
                            "SPICE port (and not the "
                            "one for TLS), and does it have this channel?");
    stop(channel, SPICE_CHANNEL_ERROR_LINK, error);
}

/* --- the end: READY --- */

static StepResult step_result(SpiceChannel *channel, SpiceConnection *conn)
{
    struct ChannelFields *f = &channel->priv->f;
    const guint8 *bytes = spice_connection_take(conn, WIRE_LINK_RESULT_SIZE);
    guint32 result;

    if (!bytes)
        return STEP_MORE;
    result = wire_link_word_read(bytes);
    if (result != SPICE_LINK_ERR_OK) {
        g_debug("%s: link result %u (%s)", channel->priv->name, result,
                wire_link_error_text(result));
        return stop_text(channel, SPICE_CHANNEL_ERROR_AUTH, SPICE_CLIENT_ERROR_AUTH_NEEDS_PASSWORD,
                         "Authentication failed: wrong password?");
    }
    conn->mini = wire_caps_has(&f->common_caps, SPICE_COMMON_CAP_MINI_HEADER) &&
                 wire_caps_has(&conn->reply.common_caps, SPICE_COMMON_CAP_MINI_HEADER);
    conn->step = spice_channel_step_message;
    f->in_link = FALSE;
    f->state = CHANNEL_READY;
    spice_channel_capture_opened(channel, conn);
    spice_channel_emit_event(channel, SPICE_CHANNEL_OPENED, NULL);
    if (f->conn != conn || f->state != CHANNEL_READY || f->end_idle)
        return STEP_STOP;
    if (f->session && spice_session_channel_opened(f->session, channel))
        return f->conn == conn ? STEP_DONE : STEP_STOP;
    if (SPICE_CHANNEL_GET_CLASS(channel)->channel_up)
        SPICE_CHANNEL_GET_CLASS(channel)->channel_up(channel);
    return STEP_DONE;
}

/* --- ticket --- */

/* RSAES-OAEP of the password with its NUL. */
static gboolean make_ticket(const guint8 *pub_key, const gchar *password,
                            guint8 ticket[WIRE_TICKET_SIZE])
{
    const guint8 *der = pub_key;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &der, WIRE_PUBKEY_SIZE);
    EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    size_t size = WIRE_TICKET_SIZE;
    gboolean ok =
        ctx && EVP_PKEY_encrypt_init(ctx) > 0 &&
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
        EVP_PKEY_encrypt(ctx, ticket, &size, (const guint8 *)password, strlen(password) + 1) > 0 &&
        size == WIRE_TICKET_SIZE;

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok;
}

static StepResult send_ticket(SpiceChannel *channel, SpiceConnection *conn, gboolean with_mechanism)
{
    struct ChannelFields *f = &channel->priv->f;
    const gchar *password = spice_session_get_password(f->session);
    guint8 bytes[WIRE_AUTH_MECHANISM_SIZE + WIRE_TICKET_SIZE];
    const guint8 *modulus;

    if (!password)
        password = "";
    if (strlen(password) > SPICE_MAX_PASSWORD_LENGTH)
        return stop_text(channel, SPICE_CHANNEL_ERROR_AUTH, SPICE_CLIENT_ERROR_AUTH_NEEDS_PASSWORD,
                         "Authentication failed: password is too long");
    wire_link_word_write(bytes, SPICE_COMMON_CAP_AUTH_SPICE);
    if (!wire_pubkey_read(conn->reply.pub_key, &modulus) ||
        !make_ticket(conn->reply.pub_key, password, bytes + WIRE_AUTH_MECHANISM_SIZE))
        return link_failed(channel, "The server's key for passwords is not a usable RSA key");
    if (with_mechanism)
        spice_channel_write_bytes(channel, bytes, sizeof bytes);
    else
        spice_channel_write_bytes(channel, bytes + WIRE_AUTH_MECHANISM_SIZE, WIRE_TICKET_SIZE);
    conn->step = step_result;
    return STEP_DONE;
}

/* --- SASL --- */

static StepResult step_sasl_answer_size(SpiceChannel *channel, SpiceConnection *conn);

static StepResult sasl_failed(SpiceChannel *channel, SpiceConnection *conn, GError *error)
{
    if (!error)
        g_set_error_literal(&error, SPICE_CLIENT_ERROR, spice_sasl_refusal(conn->sasl),
                            "Authentication failed");
    return stop(channel, SPICE_CHANNEL_ERROR_AUTH, error);
}

/* "ip;port", as the SASL library wants it. NULL for Unix sockets. */
static gchar *address_text(GSocketAddress *address)
{
    g_autofree gchar *ip = NULL;

    if (!G_IS_INET_SOCKET_ADDRESS(address))
        return NULL;
    ip =
        g_inet_address_to_string(g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(address)));
    return g_strdup_printf("%s;%u", ip,
                           g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(address)));
}

/* Data with its NUL counted; size 0 means that there is none. */
static void sasl_send(SpiceChannel *channel, const gchar *data, guint size)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    guint8 word[4];

    wire_link_word_write(word, data ? size + 1 : 0);
    g_byte_array_append(bytes, word, sizeof word);
    if (data) {
        g_byte_array_append(bytes, (const guint8 *)data, size);
        g_byte_array_append(bytes, (const guint8 *)"", 1);
    }
    spice_channel_write_bytes(channel, bytes->data, bytes->len);
}

static StepResult step_sasl_result(SpiceChannel *channel, SpiceConnection *conn)
{
    const guint8 *bytes = spice_connection_take(conn, 4);
    SpiceSecurityLayer layer;
    GError *error = NULL;

    if (!bytes)
        return STEP_MORE;
    if (wire_link_word_read(bytes) != 0 || !spice_sasl_check_strength(conn->sasl, &error))
        return sasl_failed(channel, conn, error);
    conn->in_sasl = FALSE;
    if (spice_sasl_get_layer(conn->sasl, &layer)) {
        conn->sasl = NULL;
        spice_transport_add_layer(conn->transport, &layer, conn->in + conn->in_start,
                                  conn->in_end - conn->in_start);
        conn->in_start = conn->in_end = 0;
    }
    conn->step = step_result;
    return STEP_DONE;
}

static StepResult step_sasl_answer(SpiceChannel *channel, SpiceConnection *conn)
{
    /* the data and one byte: whether the server is done */
    const guint8 *bytes = spice_connection_take(conn, conn->need + 1);
    const gchar *out = NULL;
    guint out_size = 0;
    gboolean done, complete;
    GError *error = NULL;

    if (!bytes)
        return STEP_MORE;
    complete = bytes[conn->need] != 0;
    done = spice_sasl_is_done(conn->sasl);
    if (!done) {
        g_autofree gchar *in =
            conn->need > 0 ? g_strndup((const gchar *)bytes, conn->need - 1) : NULL;

        if (in)
            memcpy(in, bytes, conn->need - 1); /* the data may hold NUL bytes */
        if (!spice_sasl_step(conn->sasl, in, in ? conn->need - 1 : 0, &out, &out_size, &done,
                             &error))
            return sasl_failed(channel, conn, error);
    }
    if (complete) {
        if (!done)
            return sasl_failed(channel, conn, NULL);
        conn->step = step_sasl_result;
    } else {
        sasl_send(channel, out, out_size);
        conn->step = step_sasl_answer_size;
    }
    return STEP_DONE;
}

static StepResult step_sasl_answer_size(SpiceChannel *channel, SpiceConnection *conn)
{
    const guint8 *bytes = spice_connection_take(conn, 4);

    if (!bytes)
        return STEP_MORE;
    conn->need = wire_link_word_read(bytes);
    if (conn->need > SPICE_SASL_MAX_EXCHANGE)
        return sasl_failed(channel, conn, NULL);
    conn->step = step_sasl_answer;
    return STEP_DONE;
}

static StepResult step_sasl_mechanisms(SpiceChannel *channel, SpiceConnection *conn)
{
    const guint8 *bytes = spice_connection_take(conn, conn->need);
    g_autofree gchar *list = NULL;
    const gchar *name = NULL, *out = NULL;
    guint out_size = 0;
    GError *error = NULL;
    guint8 word[4];

    if (!bytes)
        return STEP_MORE;
    list = g_strndup((const gchar *)bytes, conn->need);
    if (!spice_sasl_start(conn->sasl, list, &name, &out, &out_size, &error))
        return sasl_failed(channel, conn, error);
    g_debug("%s: SASL mechanism %s", channel->priv->name, name);
    wire_link_word_write(word, strlen(name));
    spice_channel_write_bytes(channel, word, sizeof word);
    spice_channel_write_bytes(channel, (const guint8 *)name, strlen(name));
    sasl_send(channel, out, out_size);
    conn->step = step_sasl_answer_size;
    return STEP_DONE;
}

static StepResult step_sasl_mechanisms_size(SpiceChannel *channel, SpiceConnection *conn)
{
    const guint8 *bytes = spice_connection_take(conn, 4);

    if (!bytes)
        return STEP_MORE;
    conn->need = wire_link_word_read(bytes);
    if (conn->need > SPICE_SASL_MAX_MECHANISMS)
        return sasl_failed(channel, conn, NULL);
    conn->step = step_sasl_mechanisms;
    return STEP_DONE;
}

static StepResult start_sasl(SpiceChannel *channel, SpiceConnection *conn)
{
    SpiceSession *session = channel->priv->f.session;
    GSocket *socket = spice_transport_get_socket(conn->transport);
    g_autoptr(GSocketAddress) local = g_socket_get_local_address(socket, NULL);
    g_autoptr(GSocketAddress) remote = g_socket_get_remote_address(socket, NULL);
    g_autofree gchar *local_text = address_text(local);
    g_autofree gchar *remote_text = address_text(remote);
    guint8 word[WIRE_AUTH_MECHANISM_SIZE];
    GError *error = NULL;

    conn->sasl = spice_sasl_new(spice_session_get_host(session), local_text, remote_text,
                                spice_transport_get_tls_bits(conn->transport),
                                spice_session_get_username(session),
                                spice_session_get_password(session), &error);
    if (!conn->sasl)
        return stop(channel, SPICE_CHANNEL_ERROR_AUTH, error);
    conn->in_sasl = TRUE;
    wire_link_word_write(word, SPICE_COMMON_CAP_AUTH_SASL);
    spice_channel_write_bytes(channel, word, sizeof word);
    conn->step = step_sasl_mechanisms_size;
    return STEP_DONE;
}

/* --- link messages --- */

static StepResult authenticate(SpiceChannel *channel, SpiceConnection *conn)
{
    /* Our word does not announce AUTH_SPICE, yet the ticket is used when the server offers it
     * (wire.md 4.4). */
    WireCaps ours = channel->priv->f.common_caps;

    wire_caps_set(&ours, SPICE_COMMON_CAP_AUTH_SPICE);
    switch (wire_auth_choose(&ours, &conn->reply.common_caps)) {
    case WIRE_AUTH_TICKET_ONLY:
        return send_ticket(channel, conn, FALSE);
    case WIRE_AUTH_TICKET:
        return send_ticket(channel, conn, TRUE);
    case WIRE_AUTH_SASL:
        return start_sasl(channel, conn);
    default:
        return link_failed(channel,
                           "The server offers no way to authenticate that this client knows");
    }
}

static StepResult step_reply(SpiceChannel *channel, SpiceConnection *conn)
{
    const guint8 *bytes = spice_connection_take(conn, conn->link_header.size);
    WireError error;

    if (!bytes)
        return STEP_MORE;
    if (!wire_link_reply_parse(bytes, conn->link_header.size, &conn->reply, &error))
        return link_failed(channel, "The server's greeting is damaged: %s", error.text);
    switch (conn->reply.error) {
    case SPICE_LINK_ERR_OK:
        return authenticate(channel, conn);
    case SPICE_LINK_ERR_NEED_SECURED:
        spice_channel_restart_with_tls(channel);
        return STEP_STOP;
    default:
        return link_failed(channel, "The server refused the connection: %s",
                           wire_link_error_text(conn->reply.error));
    }
}

static StepResult step_reply_header(SpiceChannel *channel, SpiceConnection *conn)
{
    const guint8 *bytes = spice_connection_take(conn, WIRE_LINK_HEADER_SIZE);
    WireError error;

    if (!bytes)
        return STEP_MORE;
    wire_link_header_read(bytes, &conn->link_header);
    switch (wire_link_header_check(&conn->link_header, WIRE_TO_CLIENT, &error)) {
    case SPICE_LINK_ERR_OK:
        conn->step = step_reply;
        return STEP_DONE;
    case SPICE_LINK_ERR_INVALID_MAGIC:
        return link_failed(channel, "This is not a SPICE server: check host and port");
    case SPICE_LINK_ERR_VERSION_MISMATCH:
        return link_failed(
            channel,
            "The server speaks version %u of the SPICE protocol, this client speaks version %u",
            conn->link_header.major_version, SPICE_VERSION_MAJOR);
    default:
        return link_failed(channel, "The server's greeting is damaged: %s", error.text);
    }
}

static StepResult send_link_message(SpiceChannel *channel, SpiceConnection *conn)
{
    struct ChannelFields *f = &channel->priv->f;
    WireLinkMess mess = {.channel_type = f->type,
                         .channel_id = f->id,
                         .common_caps = f->common_caps,
                         .channel_caps = f->caps};
    WireBuffer out = {0};

    if (f->type != SPICE_CHANNEL_MAIN || spice_session_is_for_migration(f->session))
        mess.connection_id = spice_session_get_connection_id(f->session);
    wire_link_mess_write(&mess, &out);
    if (!out.failed)
        spice_channel_write_bytes(channel, out.data, out.size);
    wire_buffer_clear(&out);
    f->in_link = TRUE;
    conn->step = step_reply_header;
    return STEP_DONE;
}

/* --- TLS --- */

static void tls_settings(SpiceChannel *channel, SpiceTlsSettings *settings)
{
    SpiceSession *session = channel->priv->f.session;

    *settings = (SpiceTlsSettings){
        .host = spice_session_get_host(session),
        .ca_file = spice_session_get_ca_file(session),
        .ca = spice_session_get_ca(session),
        .ciphers = spice_session_get_ciphers(session),
        .verify = spice_session_get_verify(session),
        .pubkey = spice_session_get_pubkey(session),
        .subject = spice_session_get_cert_subject(session),
    };
}

static StepResult step_tls(SpiceChannel *channel, SpiceConnection *conn)
{
    SpiceTlsSettings settings;
    GError *error = NULL;

    if (!spice_transport_handshake(conn->transport, &error)) {
        if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
            g_error_free(error);
            spice_transport_watch_read(conn->transport, TRUE);
            return STEP_STOP;
        }
        stop_text(channel, SPICE_CHANNEL_ERROR_TLS, SPICE_CLIENT_ERROR_FAILED,
                  "The connection could not be encrypted: %s", error->message);
        g_error_free(error);
        return STEP_STOP;
    }
    tls_settings(channel, &settings);
    if (!spice_tls_verify(spice_transport_get_ssl(conn->transport), &settings, &error))
        return stop(channel, SPICE_CHANNEL_ERROR_TLS, error);
    return send_link_message(channel, conn);
}

void spice_channel_link_start(SpiceChannel *channel)
{
    struct ChannelFields *f = &channel->priv->f;
    SpiceConnection *conn = f->conn;

    if (f->tls && !spice_transport_is_unix(conn->transport) &&
        !spice_session_get_client_provided_sockets(f->session)) {
        SpiceTlsSettings settings;
        GError *error = NULL;
        SSL *ssl;

        tls_settings(channel, &settings);
        ssl = spice_tls_new(&settings, &error);
        if (!ssl) {
            stop(channel, SPICE_CHANNEL_ERROR_TLS, error);
            return;
        }
        spice_transport_start_tls(conn->transport, ssl);
        conn->step = step_tls;
    } else {
        send_link_message(channel, conn);
    }
    spice_channel_pump(channel);
}
