/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* spice_server_set_*(): what they check, keep, and cause at once.  docs/spec/server-api.md 7 */
#include "options.h"

#include <openssl/crypto.h>
#include <string.h>

#include "channel/clients.h"
#include "worker/worker.h"

/* Texts longer than this are cut, as they always were. */
#define MAX_TEXT 255
#define MAX_PASSWORD 60

static void replace_text(char **text, const char *value)
{
    g_free(*text);
    *text = value ? g_strndup(value, MAX_TEXT) : NULL;
}

static void replace_secret(char **text, const char *value)
{
    if (*text)
        OPENSSL_cleanse(*text, strlen(*text));
    g_free(*text);
    *text = g_strdup(value);
}

void options_init(Options *options)
{
    *options = (Options){
        .port = -1,
        .address = g_strdup(""),
        .listen_fd = -1,
        .tls.port = -1,
        .ticketing = true,
        .ticket_expiry = G_MAXINT64,
        .default_security = SPICE_CHANNEL_SECURITY_NONE | SPICE_CHANNEL_SECURITY_SSL,
        .image_compression = SPICE_IMAGE_COMPRESSION_AUTO_GLZ,
        .jpeg = SPICE_WAN_COMPRESSION_AUTO,
        .zlib_glz = SPICE_WAN_COMPRESSION_AUTO,
        .streaming = SPICE_STREAM_VIDEO_FILTER,
        .playback_compression = true,
        .agent_mouse = true,
        .agent_copypaste = true,
        .agent_file_xfer = true,
        .n_renderers = 0,
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(options->channel_security); i++)
        options->channel_security[i] = -1;
}

void options_clear(Options *options)
{
    replace_secret(&options->ticket, NULL);
    replace_secret(&options->tls.key_password, NULL);
    g_free(options->address);
    g_free(options->tls.ca_file);
    g_free(options->tls.cert_file);
    g_free(options->tls.key_file);
    g_free(options->tls.dh_file);
    g_free(options->tls.ciphers);
    g_free(options->sasl_appname);
    g_free(options->video_codecs);
    g_free(options->name);
    memset(options, 0, sizeof(*options));
}

/* ---- Listening (7.1, 7.2) ---- */

int spice_server_set_port(SpiceServer *s, int port)
{
    REQUIRE(s, -1);
    if (port < 0 || port > 65535)
        return -1;
    s->options.port = port;
    return 0;
}

void spice_server_set_addr(SpiceServer *s, const char *addr, int flags)
{
    REQUIRE(s, );
    replace_text(&s->options.address, addr ? addr : "");
    if (flags == SPICE_ADDR_FLAG_IPV4_ONLY || flags == SPICE_ADDR_FLAG_IPV6_ONLY ||
        flags == SPICE_ADDR_FLAG_UNIX_ONLY)
        s->options.family = flags;
    else if (flags != 0)
        log_warning("unknown address flag: 0x%x", flags);
}

int spice_server_set_listen_socket_fd(SpiceServer *s, int listen_fd)
{
    REQUIRE(s, -1);
    s->options.listen_fd = listen_fd;
    return 0;
}

int spice_server_set_tls(SpiceServer *s, int port, const char *ca_cert_file, const char *certs_file,
                         const char *private_key_file, const char *key_passwd,
                         const char *dh_key_file, const char *ciphersuite)
{
    REQUIRE(s, -1);
    if (port <= 0 || port > 65535 || !ca_cert_file || !certs_file || !private_key_file)
        return -1;
    s->options.tls.port = port;
    replace_text(&s->options.tls.ca_file, ca_cert_file);
    replace_text(&s->options.tls.cert_file, certs_file);
    replace_text(&s->options.tls.key_file, private_key_file);
    replace_secret(&s->options.tls.key_password, key_passwd);
    replace_text(&s->options.tls.dh_file, dh_key_file);
    replace_text(&s->options.tls.ciphers, ciphersuite);
    return 0;
}

int spice_server_set_exit_on_disconnect(SpiceServer *s, int flag)
{
    REQUIRE(s, -1);
    s->options.exit_on_disconnect = flag != 0;
    return 0;
}

/* ---- Authentication (7.3) ---- */

int spice_server_set_noauth(SpiceServer *s)
{
    REQUIRE(s, -1);
    replace_secret(&s->options.ticket, NULL);
    s->options.ticketing = false;
    return 0;
}

int spice_server_set_ticket(SpiceServer *s, const char *passwd, int lifetime, int fail_if_connected,
                            int disconnect_if_connected)
{
    REQUIRE(s, -1);

    bool connected = s->clients && clients_has_main(s);

    /* Everything that can fail comes first: a call that fails changes nothing. */
    if (connected && fail_if_connected)
        return -1;
    if (passwd && strlen(passwd) > MAX_PASSWORD) {
        log_warning("the password is longer than %d bytes", MAX_PASSWORD);
        return -1;
    }
    /* Who came in without a password doesn't stay when there is one. */
    if (connected && (disconnect_if_connected || !s->options.ticketing))
        clients_disconnect_all(s, "the password was set");

    s->options.ticketing = true;
    replace_secret(&s->options.ticket, passwd);
    if (!passwd)
        s->options.ticket_expiry = 0;
    else if (lifetime == 0)
        s->options.ticket_expiry = G_MAXINT64;
    else
        s->options.ticket_expiry = g_get_monotonic_time() / G_USEC_PER_SEC + lifetime;
    return 0;
}

int spice_server_set_sasl(SpiceServer *s, int enabled)
{
    REQUIRE(s, -1);
    s->options.sasl = enabled != 0;
    return 0;
}

int spice_server_set_sasl_appname(SpiceServer *s, const char *appname)
{
    REQUIRE(s, -1);
    replace_text(&s->options.sasl_appname, appname);
    return 0;
}

int spice_server_set_channel_security(SpiceServer *s, const char *channel, int security)
{
    static const struct {
        const char *name;
        uint8_t type;
    } names[] = {
        {"main", SPICE_CHANNEL_MAIN},         {"display", SPICE_CHANNEL_DISPLAY},
        {"inputs", SPICE_CHANNEL_INPUTS},     {"cursor", SPICE_CHANNEL_CURSOR},
        {"playback", SPICE_CHANNEL_PLAYBACK}, {"record", SPICE_CHANNEL_RECORD},
        {"tunnel", SPICE_CHANNEL_TUNNEL},     {"smartcard", SPICE_CHANNEL_SMARTCARD},
        {"usbredir", SPICE_CHANNEL_USBREDIR}, {"port", SPICE_CHANNEL_PORT},
        {"webdav", SPICE_CHANNEL_WEBDAV},
    };

    REQUIRE(s, -1);
    if (!channel) {
        s->options.default_security = security;
        return 0;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(channel, names[i].name) == 0) {
            s->options.channel_security[names[i].type] = security;
            return 0;
        }
    }
    return -1;
}

/* ---- Images, video, sound (7.4) ---- */

int options_compression_level(const Options *options)
{
    return options->streaming == SPICE_STREAM_VIDEO_OFF &&
           options->image_compression == SPICE_IMAGE_COMPRESSION_QUIC;
}

static void tell_compression_level(SpiceServer *s)
{
    for (GList *l = s->workers; l; l = l->next) {
        QXLInstance *qxl = worker_instance(l->data);
        const QXLInterface *interface = (const QXLInterface *)qxl->base.sif;

        if (interface->set_compression_level)
            interface->set_compression_level(qxl, options_compression_level(&s->options));
    }
}

int spice_server_set_image_compression(SpiceServer *s, SpiceImageCompression comp)
{
    REQUIRE(s, -1);
    if (comp <= SPICE_IMAGE_COMPRESSION_INVALID || comp > SPICE_IMAGE_COMPRESSION_LZ4) {
        log_warning("unknown image compression %d", (int)comp);
        return 0;
    }
    s->options.image_compression = comp;
    for (GList *l = s->workers; l; l = l->next)
        worker_set_image_compression(l->data, comp);
    tell_compression_level(s);
    return 0;
}

SpiceImageCompression spice_server_get_image_compression(SpiceServer *s)
{
    REQUIRE(s, SPICE_IMAGE_COMPRESSION_INVALID);
    return s->options.image_compression;
}

int spice_server_set_jpeg_compression(SpiceServer *s, spice_wan_compression_t comp)
{
    REQUIRE(s, -1);
    if (comp == SPICE_WAN_COMPRESSION_INVALID) {
        log_warning("invalid value for JPEG compression");
        return -1;
    }
    s->options.jpeg = comp;
    return 0;
}

int spice_server_set_zlib_glz_compression(SpiceServer *s, spice_wan_compression_t comp)
{
    REQUIRE(s, -1);
    if (comp == SPICE_WAN_COMPRESSION_INVALID) {
        log_warning("invalid value for zlib-GLZ compression");
        return -1;
    }
    s->options.zlib_glz = comp;
    return 0;
}

int spice_server_set_streaming_video(SpiceServer *s, int value)
{
    REQUIRE(s, -1);
    if (value < SPICE_STREAM_VIDEO_OFF || value > SPICE_STREAM_VIDEO_FILTER)
        return -1;
    s->options.streaming = value;
    tell_compression_level(s);
    return 0;
}

int spice_server_set_video_codecs(SpiceServer *s, const char *video_codecs)
{
    REQUIRE(s, -1);

    char *list = video_codecs ? video_codecs_parse(video_codecs) : NULL;

    if (!list) {
        log_warning("Failed to set video codecs, input string: '%.255s'",
                    video_codecs ? video_codecs : "NULL");
        return -1;
    }
    g_free(s->options.video_codecs);
    s->options.video_codecs = list;
    return 0;
}

const char *spice_server_get_video_codecs(SpiceServer *s)
{
    REQUIRE(s, NULL);
    return g_strdup(s->options.video_codecs ? s->options.video_codecs : "");
}

void spice_server_free_video_codecs(SpiceServer *s, const char *video_codecs)
{
    g_free((char *)video_codecs);
}

int spice_server_set_playback_compression(SpiceServer *s, int enable)
{
    REQUIRE(s, -1);
    s->options.playback_compression = enable != 0;
    return 0;
}

/* ---- Agent, identity (7.5) ---- */

int spice_server_set_agent_mouse(SpiceServer *s, int enable)
{
    REQUIRE(s, -1);
    s->options.agent_mouse = enable != 0;
    if (s->inputs)
        server_update_mouse_mode(s);
    return 0;
}

int spice_server_set_agent_copypaste(SpiceServer *s, int enable)
{
    REQUIRE(s, -1);
    s->options.agent_copypaste = enable != 0;
    return 0;
}

int spice_server_set_agent_file_xfer(SpiceServer *s, int enable)
{
    REQUIRE(s, -1);
    s->options.agent_file_xfer = enable != 0;
    return 0;
}

void spice_server_set_name(SpiceServer *s, const char *name)
{
    REQUIRE(s, );
    g_free(s->options.name);
    s->options.name = g_strdup(name);
}

void spice_server_set_uuid(SpiceServer *s, const uint8_t uuid[16])
{
    REQUIRE(s && uuid, );
    memcpy(s->options.uuid, uuid, sizeof(s->options.uuid));
    s->options.has_uuid = true;
}

void spice_server_set_seamless_migration(SpiceServer *s, int enable)
{
    REQUIRE(s, );
    s->options.seamless_migration = enable && !s->options.allow_multiple_clients;
}

/* ---- Kept for old programs ---- */

spice_compat_version_t spice_get_current_compat_version(void)
{
    return SPICE_COMPAT_VERSION_CURRENT;
}

int spice_server_set_compat_version(SpiceServer *s, spice_compat_version_t version)
{
    return version == SPICE_COMPAT_VERSION_CURRENT ? 0 : -1;
}

int spice_server_add_renderer(SpiceServer *s, const char *name)
{
    REQUIRE(s && name, -1);
    if (strcmp(name, "sw") != 0 || s->options.n_renderers == 2)
        return -1;
    s->options.n_renderers++;
    return 0;
}

int spice_server_get_sock_info(SpiceServer *s, struct sockaddr *sa, socklen_t *salen)
{
    return -1;
}

int spice_server_get_peer_info(SpiceServer *s, struct sockaddr *sa, socklen_t *salen)
{
    return -1;
}
