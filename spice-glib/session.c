/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SpiceSession: settings of a session as properties. Spec: client-glib.md 3.1. */
#include <string.h>
#include "display/renderer.h"
#include "session-state.h"

/**
 * SECTION:spice-session
 * @short_description: a session with a remote machine
 * @title: SpiceSession
 *
 * A session knows how to reach a machine and owns the channels to it. An application sets address
 * and credentials, connects handlers to #SpiceSession::channel-new and calls
 * spice_session_connect(). It connects each channel that it wants by spice_channel_connect() in
 * that handler. Before it drops the session it calls spice_session_disconnect(): while channels
 * exist, session and channels keep one another alive.
 */

enum {
    PROP_0,
    PROP_HOST,
    PROP_PORT,
    PROP_TLS_PORT,
    PROP_PASSWORD,
    PROP_CA_FILE,
    PROP_CIPHERS,
    PROP_PROTOCOL,
    PROP_URI,
    PROP_CLIENT_SOCKETS,
    PROP_PUBKEY,
    PROP_CERT_SUBJECT,
    PROP_VERIFY,
    PROP_MIGRATION_STATE,
    PROP_ENABLE_AUDIO,
    PROP_ENABLE_SMARTCARD,
    PROP_SMARTCARD_CERTIFICATES,
    PROP_SMARTCARD_DB,
    PROP_ENABLE_USBREDIR,
    PROP_INHIBIT_KEYBOARD_GRAB,
    PROP_DISABLE_EFFECTS,
    PROP_COLOR_DEPTH,
    PROP_READ_ONLY,
    PROP_CACHE_SIZE,
    PROP_GLZ_WINDOW_SIZE,
    PROP_UUID,
    PROP_NAME,
    PROP_CA,
    PROP_PROXY,
    PROP_SECURE_CHANNELS,
    PROP_SHARED_DIR,
    PROP_SHARE_DIR_RO,
    PROP_USERNAME,
    PROP_UNIX_PATH,
    PROP_PREF_COMPRESSION,
    PROP_GL_SCANOUT,
};

guint spice_session_signals[SESSION_N_SIGNALS];

G_DEFINE_TYPE_WITH_PRIVATE(SpiceSession, spice_session, G_TYPE_OBJECT)

/* The enumeration of #SpiceSession:preferred-compression; its get-type function is not public. */
static GType image_compress_get_type(void)
{
    static gsize type;

    if (g_once_init_enter(&type)) {
        static const GEnumValue values[] = {
            {SPICE_IMAGE_COMPRESSION_INVALID, "SPICE_IMAGE_COMPRESSION_INVALID", "invalid"},
            {SPICE_IMAGE_COMPRESSION_OFF, "SPICE_IMAGE_COMPRESSION_OFF", "off"},
            {SPICE_IMAGE_COMPRESSION_AUTO_GLZ, "SPICE_IMAGE_COMPRESSION_AUTO_GLZ", "auto-glz"},
            {SPICE_IMAGE_COMPRESSION_AUTO_LZ, "SPICE_IMAGE_COMPRESSION_AUTO_LZ", "auto-lz"},
            {SPICE_IMAGE_COMPRESSION_QUIC, "SPICE_IMAGE_COMPRESSION_QUIC", "quic"},
            {SPICE_IMAGE_COMPRESSION_GLZ, "SPICE_IMAGE_COMPRESSION_GLZ", "glz"},
            {SPICE_IMAGE_COMPRESSION_LZ, "SPICE_IMAGE_COMPRESSION_LZ", "lz"},
            {SPICE_IMAGE_COMPRESSION_LZ4, "SPICE_IMAGE_COMPRESSION_LZ4", "lz4"},
            {0, NULL, NULL}};

        g_once_init_leave(&type, g_enum_register_static("SpiceImageCompress", values));
    }
    return type;
}

static void set_proxy(SpiceSession *self, const gchar *text)
{
    SpiceSessionPrivate *s = self->priv;
    g_autoptr(GError) error = NULL;
    SpiceURI *proxy;

    if (!text)
        text = g_getenv("SPICE_PROXY");
    if (!text || !*text) {
        g_clear_object(&s->proxy);
        return;
    }
    proxy = spice_uri_new();
    if (spice_uri_parse(proxy, text, &error)) {
        g_clear_object(&s->proxy);
        s->proxy = proxy;
    } else {
        g_warning("the SPICE proxy stays as it was: %s", error->message);
        g_object_unref(proxy);
    }
}

static void set_uri(SpiceSession *self, const gchar *text)
{
    g_autoptr(GError) error = NULL;

    if (!text || !session_address_parse(&self->priv->address, text, &error))
        g_warning("not a SPICE URI: %s", error ? error->message : "it is empty");
}

static void set_string(gchar **field, const GValue *value)
{
    g_free(*field);
    *field = g_value_dup_string(value);
}

static void set_strings(gchar ***field, const GValue *value)
{
    g_strfreev(*field);
    *field = g_value_dup_boxed(value);
}

static void set_bytes(GByteArray **field, const GValue *value)
{
    g_clear_pointer(field, g_byte_array_unref);
    *field = g_value_dup_boxed(value);
}

static void set_verify_bit(SpiceSession *self, guint bit, gboolean on)
{
    self->priv->verify = on ? self->priv->verify | bit : self->priv->verify & ~bit;
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
    SpiceSession *self = SPICE_SESSION(object);
    SpiceSessionPrivate *s = self->priv;

    switch (id) {
    case PROP_HOST:
        set_string(&s->address.host, value);
        break;
    case PROP_PORT:
        set_string(&s->address.port, value);
        break;
    case PROP_TLS_PORT:
        set_string(&s->address.tls_port, value);
        break;
    case PROP_USERNAME:
        set_string(&s->address.username, value);
        break;
    case PROP_PASSWORD:
        set_string(&s->address.password, value);
        break;
    case PROP_UNIX_PATH:
        set_string(&s->address.unix_path, value);
        break;
    case PROP_CA_FILE:
        set_string(&s->ca_file, value);
        break;
    case PROP_CA:
        set_bytes(&s->ca, value);
        break;
    case PROP_CIPHERS:
        set_string(&s->ciphers, value);
        break;
    case PROP_PROTOCOL:
        s->protocol = g_value_get_int(value);
        break;
    case PROP_URI:
        set_uri(self, g_value_get_string(value));
        break;
    case PROP_CLIENT_SOCKETS:
        s->client_sockets = g_value_get_boolean(value);
        break;
    case PROP_PUBKEY:
        set_bytes(&s->pubkey, value);
        set_verify_bit(self, SPICE_SESSION_VERIFY_PUBKEY, s->pubkey != NULL);
        break;
    case PROP_CERT_SUBJECT:
        set_string(&s->cert_subject, value);
        set_verify_bit(self, SPICE_SESSION_VERIFY_SUBJECT, s->cert_subject != NULL);
        break;
    case PROP_VERIFY:
        s->verify = g_value_get_flags(value);
        break;
    case PROP_ENABLE_AUDIO:
        s->enable_audio = g_value_get_boolean(value);
        break;
    case PROP_ENABLE_SMARTCARD:
        s->enable_smartcard = g_value_get_boolean(value);
        break;
    case PROP_SMARTCARD_CERTIFICATES:
        set_strings(&s->smartcard_certificates, value);
        break;
    case PROP_SMARTCARD_DB:
        set_string(&s->smartcard_db, value);
        break;
    case PROP_ENABLE_USBREDIR:
        s->enable_usbredir = g_value_get_boolean(value);
        break;
    case PROP_INHIBIT_KEYBOARD_GRAB:
        s->inhibit_keyboard_grab = g_value_get_boolean(value);
        break;
    case PROP_DISABLE_EFFECTS:
        set_strings(&s->disable_effects, value);
        break;
    case PROP_COLOR_DEPTH:
        break;
    case PROP_READ_ONLY:
        s->read_only = g_value_get_boolean(value);
        break;
    case PROP_CACHE_SIZE:
        s->cache_size = g_value_get_int(value);
        break;
    case PROP_GLZ_WINDOW_SIZE:
        s->glz_window_size = g_value_get_int(value);
        break;
    case PROP_PROXY:
        set_proxy(self, g_value_get_string(value));
        break;
    case PROP_SECURE_CHANNELS:
        set_strings(&s->secure_channels, value);
        break;
    case PROP_SHARED_DIR:
        set_string(&s->shared_dir, value);
        break;
    case PROP_SHARE_DIR_RO:
        s->share_dir_ro = g_value_get_boolean(value);
        break;
    case PROP_PREF_COMPRESSION:
        s->preferred_compression = g_value_get_enum(value);
        break;
    case PROP_GL_SCANOUT:
        s->gl_scanout = g_value_get_boolean(value);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    SpiceSessionPrivate *s = SPICE_SESSION(object)->priv;

    switch (id) {
    case PROP_HOST:
        g_value_set_string(value, s->address.host);
        break;
    case PROP_PORT:
        g_value_set_string(value, s->address.port);
        break;
    case PROP_TLS_PORT:
        g_value_set_string(value, s->address.tls_port);
        break;
    case PROP_USERNAME:
        g_value_set_string(value, s->address.username);
        break;
    case PROP_PASSWORD:
        g_value_set_string(value, s->address.password);
        break;
    case PROP_UNIX_PATH:
        g_value_set_string(value, s->address.unix_path);
        break;
    case PROP_CA_FILE:
        g_value_set_string(value, s->ca_file);
        break;
    case PROP_CA:
        g_value_set_boxed(value, s->ca);
        break;
    case PROP_CIPHERS:
        g_value_set_string(value, s->ciphers);
        break;
    case PROP_PROTOCOL:
        g_value_set_int(value, s->protocol);
        break;
    case PROP_URI:
        g_value_take_string(value, session_address_format(&s->address));
        break;
    case PROP_CLIENT_SOCKETS:
        g_value_set_boolean(value, s->client_sockets);
        break;
    case PROP_PUBKEY:
        g_value_set_boxed(value, s->pubkey);
        break;
    case PROP_CERT_SUBJECT:
        g_value_set_string(value, s->cert_subject);
        break;
    case PROP_VERIFY:
        g_value_set_flags(value, s->verify);
        break;
    case PROP_MIGRATION_STATE:
        g_value_set_enum(value, s->migration_state);
        break;
    case PROP_ENABLE_AUDIO:
        g_value_set_boolean(value, s->enable_audio);
        break;
    case PROP_ENABLE_SMARTCARD:
        g_value_set_boolean(value, s->enable_smartcard);
        break;
    case PROP_SMARTCARD_CERTIFICATES:
        g_value_set_boxed(value, s->smartcard_certificates);
        break;
    case PROP_SMARTCARD_DB:
        g_value_set_string(value, s->smartcard_db);
        break;
    case PROP_ENABLE_USBREDIR:
        g_value_set_boolean(value, s->enable_usbredir);
        break;
    case PROP_INHIBIT_KEYBOARD_GRAB:
        g_value_set_boolean(value, s->inhibit_keyboard_grab);
        break;
    case PROP_DISABLE_EFFECTS:
        g_value_set_boxed(value, s->disable_effects);
        break;
    case PROP_COLOR_DEPTH:
        g_value_set_int(value, 0);
        break;
    case PROP_READ_ONLY:
        g_value_set_boolean(value, s->read_only);
        break;
    case PROP_CACHE_SIZE:
        g_value_set_int(value, s->cache_size);
        break;
    case PROP_GLZ_WINDOW_SIZE:
        g_value_set_int(value, s->glz_window_size);
        break;
    case PROP_UUID:
        g_value_set_pointer(value, s->uuid);
        break;
    case PROP_NAME:
        g_value_set_string(value, s->name);
        break;
    case PROP_PROXY:
        g_value_take_string(value, s->proxy ? spice_uri_to_string(s->proxy) : NULL);
        break;
    case PROP_SECURE_CHANNELS:
        g_value_set_boxed(value, s->secure_channels);
        break;
    case PROP_SHARED_DIR:
        g_value_set_string(value, s->shared_dir);
        break;
    case PROP_SHARE_DIR_RO:
        g_value_set_boolean(value, s->share_dir_ro);
        break;
    case PROP_PREF_COMPRESSION:
        g_value_set_enum(value, s->preferred_compression);
        break;
    case PROP_GL_SCANOUT:
        g_value_set_boolean(value, s->gl_scanout);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void spice_session_init(SpiceSession *self)
{
    SpiceSessionPrivate *s = self->priv = spice_session_get_instance_private(self);

    s->to_create = g_array_new(FALSE, FALSE, 2);
    set_proxy(self, NULL);
    /* Takes a while, and has to be known when the first display is created. */
    renderer_prepare_video();
}

static void constructed(GObject *object)
{
    SpiceSessionPrivate *s = SPICE_SESSION(object)->priv;

    if (!s->shared_dir)
        s->shared_dir = g_strdup(g_get_user_special_dir(G_USER_DIRECTORY_PUBLIC_SHARE));
    G_OBJECT_CLASS(spice_session_parent_class)->constructed(object);
}

static void dispose(GObject *object)
{
    spice_session_stop_work(SPICE_SESSION(object));
    G_OBJECT_CLASS(spice_session_parent_class)->dispose(object);
}

static void finalize(GObject *object)
{
    SpiceSessionPrivate *s = SPICE_SESSION(object)->priv;

    session_address_clear(&s->address);
    g_free(s->ca_file);
    g_clear_pointer(&s->ca, g_byte_array_unref);
    g_free(s->ciphers);
    g_free(s->cert_subject);
    g_clear_pointer(&s->pubkey, g_byte_array_unref);
    g_clear_object(&s->proxy);
    g_strfreev(s->secure_channels);
    g_strfreev(s->smartcard_certificates);
    g_free(s->smartcard_db);
    g_strfreev(s->disable_effects);
    g_free(s->shared_dir);
    g_free(s->name);
    g_array_unref(s->to_create);
    G_OBJECT_CLASS(spice_session_parent_class)->finalize(object);
}

static void spice_session_class_init(SpiceSessionClass *klass)
{
    GObjectClass *object_class = G_OBJECT_CLASS(klass);

    object_class->constructed = constructed;
    object_class->dispose = dispose;
    object_class->finalize = finalize;
    object_class->get_property = get_property;
    object_class->set_property = set_property;

    /**
     * SpiceSession:host:
     *
     * The host to connect to: a name, an IPv4 address, or an IPv6 address with or without brackets.
     * Read when a channel connects.
     */
    g_object_class_install_property(
        object_class, PROP_HOST,
        g_param_spec_string("host", "Host", "Remote host", "localhost",
                            G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:port:
     *
     * The port for connections without encryption, decimal.
     */
    g_object_class_install_property(
        object_class, PROP_PORT,
        g_param_spec_string("port", "Port", "Remote port (plaintext)", NULL,
                            G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:tls-port:
     *
     * The port for encrypted connections, decimal.
     */
    g_object_class_install_property(
        object_class, PROP_TLS_PORT,
        g_param_spec_string("tls-port", "TLS port", "Remote port (encrypted)", NULL,
                            G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:password:
     *
     * The password, at most 60 bytes without SASL. Read when a channel authenticates.
     */
    g_object_class_install_property(
        object_class, PROP_PASSWORD,
        g_param_spec_string("password", "Password", "", NULL,
                            G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:ca-file:
     *
     * PEM file with certificates that sign servers. With neither this nor #SpiceSession:ca the
     * trust store of the system is used.
     */
    g_object_class_install_property(
        object_class, PROP_CA_FILE,
        g_param_spec_string("ca-file", "CA file", "File holding the CA certificates", NULL,
                            G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:ciphers:
     *
     * An OpenSSL cipher list.
     */
    g_object_class_install_property(
        object_class, PROP_CIPHERS,
        g_param_spec_string("ciphers", "Ciphers", "SSL cipher list", NULL,
                            G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:protocol:
     *
     * The major version of the protocol; only 2 works.
     */
    g_object_class_install_property(
        object_class, PROP_PROTOCOL,
        g_param_spec_int("protocol", "Protocol", "Spice protocol major version", 1, 2, 2,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:uri:
     *
     * Address and credentials in one text: `spice://host:port`, `spice+tls://host:port`,
     * `spice://host?port=P&tls-port=T`, `spice+unix://path`. Setting it replaces all of unix-path,
     * host, port, tls-port, username and password, or nothing if it is not valid. User name and
     * password do not appear when it is read.
     */
    g_object_class_install_property(
        object_class, PROP_URI,
        g_param_spec_string("uri", "URI", "Spice connection URI", NULL,
                            G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:client-sockets:
     *
     * Whether the application provides the sockets, see #SpiceChannel::open-fd.
     */
    g_object_class_install_property(
        object_class, PROP_CLIENT_SOCKETS,
        g_param_spec_boolean("client-sockets", "Client sockets",
                             "Sockets are provided by the client", FALSE,
                             G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:pubkey:
     *
     * The server's public key (DER SubjectPublicKeyInfo). Setting it also sets
     * %SPICE_SESSION_VERIFY_PUBKEY in #SpiceSession:verify.
     */
    g_object_class_install_property(object_class, PROP_PUBKEY,
                                    g_param_spec_boxed("pubkey", "Pub Key", "Public key to check",
                                                       G_TYPE_BYTE_ARRAY,
                                                       G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:cert-subject:
     *
     * The subject that the server's certificate must have: `key=value` pairs with commas between.
     * Setting it also sets %SPICE_SESSION_VERIFY_SUBJECT in #SpiceSession:verify.
     */
    g_object_class_install_property(
        object_class, PROP_CERT_SUBJECT,
        g_param_spec_string("cert-subject", "Cert Subject", "Certificate subject to check", NULL,
                            G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:verify:
     *
     * How the server's certificate is checked. A subject, if asked for, replaces the check of the
     * host name.
     */
    g_object_class_install_property(
        object_class, PROP_VERIFY,
        g_param_spec_flags("verify", "Verify", "Certificate verification parameters",
                           SPICE_TYPE_SESSION_VERIFY, SPICE_SESSION_VERIFY_HOSTNAME,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:migration-state:
     *
     * Where the session stands in a migration of its machine.
     */
    g_object_class_install_property(
        object_class, PROP_MIGRATION_STATE,
        g_param_spec_enum("migration-state", "Migration state", "Migration state",
                          SPICE_TYPE_SESSION_MIGRATION, SPICE_SESSION_MIGRATION_NONE,
                          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:enable-audio:
     *
     * Whether sound channels are created.
     *
     * Since: 0.8
     */
    g_object_class_install_property(
        object_class, PROP_ENABLE_AUDIO,
        g_param_spec_boolean("enable-audio", "Enable audio channels", "Enable audio channels", TRUE,
                             G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:enable-smartcard:
     *
     * Whether the smartcard channel is created.
     *
     * Since: 0.7
     */
    g_object_class_install_property(
        object_class, PROP_ENABLE_SMARTCARD,
        g_param_spec_boolean("enable-smartcard", "Enable smartcard event forwarding",
                             "Forward smartcard events to the SPICE server", FALSE,
                             G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:smartcard-certificates:
     *
     * Three certificate names for a software smartcard.
     *
     * Since: 0.7
     */
    g_object_class_install_property(
        object_class, PROP_SMARTCARD_CERTIFICATES,
        g_param_spec_boxed("smartcard-certificates", "Smartcard certificates",
                           "Smartcard certificates for software-based smartcards", G_TYPE_STRV,
                           G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:smartcard-db:
     *
     * The NSS database with these certificates.
     *
     * Since: 0.7
     */
    g_object_class_install_property(
        object_class, PROP_SMARTCARD_DB,
        g_param_spec_string("smartcard-db", "Smartcard certificate database",
                            "Path to the database for smartcard certificates", NULL,
                            G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:enable-usbredir:
     *
     * Whether USB channels are created.
     *
     * Since: 0.8
     */
    g_object_class_install_property(
        object_class, PROP_ENABLE_USBREDIR,
        g_param_spec_boolean("enable-usbredir", "Enable USB device redirection",
                             "Forward USB devices to the SPICE server", TRUE,
                             G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:inhibit-keyboard-grab:
     *
     * While %TRUE widgets must not grab the keyboard.
     */
    g_object_class_install_property(
        object_class, PROP_INHIBIT_KEYBOARD_GRAB,
        g_param_spec_boolean("inhibit-keyboard-grab", "Inhibit Keyboard Grab",
                             "Request that SpiceDisplays don't grab the keyboard", FALSE,
                             G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:disable-effects:
     *
     * Desktop effects that the guest is asked to turn off: wallpaper, font-smooth, animation, all.
     *
     * Since: 0.7
     */
    g_object_class_install_property(object_class, PROP_DISABLE_EFFECTS,
                                    g_param_spec_boxed("disable-effects", "Disable effects",
                                                       "Comma-separated effects to disable",
                                                       G_TYPE_STRV,
                                                       G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:color-depth:
     *
     * Without effect.
     *
     * Deprecated: 0.37: it has no effect
     *
     * Since: 0.7
     */
    g_object_class_install_property(
        object_class, PROP_COLOR_DEPTH,
        g_param_spec_int("color-depth", "Color depth", "Display channel color depth", 0, 32, 0,
                         G_PARAM_READWRITE | G_PARAM_DEPRECATED | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:read-only:
     *
     * While %TRUE nothing that changes the guest is sent.
     *
     * Since: 0.8
     */
    g_object_class_install_property(
        object_class, PROP_READ_ONLY,
        g_param_spec_boolean("read-only", "Read-only", "Whether this connection is read-only mode",
                             FALSE,
                             G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:cache-size:
     *
     * Size of the image cache in bytes; 0 is replaced by a default when the server greets.
     *
     * Since: 0.9
     */
    g_object_class_install_property(object_class, PROP_CACHE_SIZE,
                                    g_param_spec_int("cache-size", "Cache size",
                                                     "Images cache size (bytes)", 0, G_MAXINT, 0,
                                                     G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:glz-window-size:
     *
     * Size of the GLZ dictionary in bytes; 0 is replaced by a default when the server greets.
     *
     * Since: 0.9
     */
    g_object_class_install_property(object_class, PROP_GLZ_WINDOW_SIZE,
                                    g_param_spec_int("glz-window-size", "Glz window size",
                                                     "Glz window size (bytes)", 0, 134217728, 0,
                                                     G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:uuid:
     *
     * Points to the 16 bytes of the machine's UUID, zero while it is not known; valid as long as
     * the session.
     *
     * Since: 0.11
     */
    g_object_class_install_property(
        object_class, PROP_UUID,
        g_param_spec_pointer("uuid", "UUID", "Spice server uuid",
                             G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:name:
     *
     * The name of the machine.
     *
     * Since: 0.11
     */
    g_object_class_install_property(object_class, PROP_NAME,
                                    g_param_spec_string("name", "Name", "Spice server name", NULL,
                                                        G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:ca:
     *
     * PEM text with certificates and revocation lists, in addition to #SpiceSession:ca-file.
     *
     * Since: 0.15
     */
    g_object_class_install_property(object_class, PROP_CA,
                                    g_param_spec_boxed("ca", "CA", "The CA certificates data",
                                                       G_TYPE_BYTE_ARRAY,
                                                       G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:proxy:
     *
     * The HTTP proxy, `[http://][user[:password]@]host[:port]`. %NULL: what the environment
     * variable `SPICE_PROXY` says. Empty: none.
     *
     * Since: 0.17
     */
    g_object_class_install_property(
        object_class, PROP_PROXY,
        g_param_spec_string("proxy", "Proxy", "The proxy server", NULL,
                            G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:secure-channels:
     *
     * Names of the channel types that use TLS from the first attempt, or "all".
     *
     * Since: 0.20
     */
    g_object_class_install_property(
        object_class, PROP_SECURE_CHANNELS,
        g_param_spec_boxed("secure-channels", "Secure channels", "Array of channel type to secure",
                           G_TYPE_STRV, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:shared-dir:
     *
     * The folder that is shared with the guest.
     *
     * Since: 0.24
     */
    g_object_class_install_property(
        object_class, PROP_SHARED_DIR,
        g_param_spec_string("shared-dir", "Shared directory", "Shared directory", NULL,
                            G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:share-dir-ro:
     *
     * Whether the guest may only read the shared folder.
     *
     * Since: 0.28
     */
    g_object_class_install_property(
        object_class, PROP_SHARE_DIR_RO,
        g_param_spec_boolean("share-dir-ro", "Share directory read-only",
                             "Share directory read-only", FALSE,
                             G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:username:
     *
     * The user name for SASL.
     */
    g_object_class_install_property(
        object_class, PROP_USERNAME,
        g_param_spec_string("username", "Username", "Username used for SASL connections", NULL,
                            G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:unix-path:
     *
     * Path of a Unix socket; wins over host and port.
     *
     * Since: 0.28
     */
    g_object_class_install_property(
        object_class, PROP_UNIX_PATH,
        g_param_spec_string("unix-path", "Unix path", "Unix path", NULL,
                            G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:preferred-compression: (skip)
     *
     * The image compression that display channels ask the server for.
     *
     * Since: 0.29
     */
    g_object_class_install_property(
        object_class, PROP_PREF_COMPRESSION,
        g_param_spec_enum("preferred-compression", "Preferred image compression algorithm",
                          "Preferred image compression algorithm", image_compress_get_type(),
                          SPICE_IMAGE_COMPRESSION_INVALID,
                          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceSession:gl-scanout:
     *
     * Whether display channels accept pictures in buffers of the graphics card.
     *
     * Since: 0.36
     */
    g_object_class_install_property(
        object_class, PROP_GL_SCANOUT,
        g_param_spec_boolean("gl-scanout", "Enable GL scanout support", "Enable GL scanout support",
                             g_getenv("SPICE_DISABLE_GL_SCANOUT") == NULL,
                             G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS));

    /**
     * SpiceSession::channel-new:
     * @session: the session
     * @channel: the new channel
     *
     * A channel was created; type, id and session are set. Applications call
     * spice_channel_connect() here for the channels that they want. Emitted for the main channel
     * inside spice_session_connect().
     */
    spice_session_signals[SESSION_CHANNEL_NEW] =
        g_signal_new("channel-new", SPICE_TYPE_SESSION, G_SIGNAL_RUN_FIRST,
                     G_STRUCT_OFFSET(SpiceSessionClass, channel_new), NULL, NULL, NULL, G_TYPE_NONE,
                     1, SPICE_TYPE_CHANNEL);
    /**
     * SpiceSession::channel-destroy:
     * @session: the session
     * @channel: the channel that goes
     *
     * A channel leaves the session. Afterwards its #SpiceChannel:spice-session is %NULL.
     */
    spice_session_signals[SESSION_CHANNEL_DESTROY] =
        g_signal_new("channel-destroy", SPICE_TYPE_SESSION, G_SIGNAL_RUN_FIRST,
                     G_STRUCT_OFFSET(SpiceSessionClass, channel_destroy), NULL, NULL, NULL,
                     G_TYPE_NONE, 1, SPICE_TYPE_CHANNEL);
    /**
     * SpiceSession::disconnected:
     * @session: the session
     *
     * The last channel is gone, after spice_session_disconnect().
     *
     * Since: 0.35
     */
    spice_session_signals[SESSION_DISCONNECTED] =
        g_signal_new("disconnected", SPICE_TYPE_SESSION, G_SIGNAL_RUN_FIRST, 0, NULL, NULL, NULL,
                     G_TYPE_NONE, 0);
    /**
     * SpiceSession::mm-time-reset:
     * @session: the session
     *
     * The media clock jumped.
     */
    spice_session_signals[SESSION_MM_TIME_RESET] =
        g_signal_new("mm-time-reset", SPICE_TYPE_SESSION, G_SIGNAL_RUN_FIRST, 0, NULL, NULL, NULL,
                     G_TYPE_NONE, 0);
}
