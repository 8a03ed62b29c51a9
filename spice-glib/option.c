/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Command line options for sessions. Spec: client-glib.md 17.1. */
#include <stdlib.h>
#include <glib/gi18n-lib.h>
#include "spice-client.h"

/**
 * SECTION:spice-option
 * @short_description: command line options
 * @title: Options
 *
 * An option group that applications add to theirs, and a function that applies what was given to a
 * session.
 */

#define TEXT_DOMAIN "spice-gtk"

/* What was given on the command line, for all sessions of the process. */
static struct {
    gchar **secure_channels;
    gchar **disable_effects;
    gchar *ca_file;
    gchar *host_subject;
    gboolean disable_audio, disable_usbredir;
    gboolean smartcard;
    gchar **smartcard_certificates;
    gchar *smartcard_db;
    gint cache_size, glz_window_size;
    gchar *shared_dir;
    gint preferred_compression;
} given;

static gboolean debug_on(const gchar *name, const gchar *value, gpointer data, GError **error)
{
    spice_util_set_debug(TRUE);
    return TRUE;
}

static gboolean show_version(const gchar *name, const gchar *value, gpointer data, GError **error)
{
    g_print("spice-gtk %s\n", spice_util_get_version_string());
    exit(EXIT_SUCCESS);
}

static gboolean ignore_depth(const gchar *name, const gchar *value, gpointer data, GError **error)
{
    g_warning("%s has no effect any more", name);
    return TRUE;
}

static gboolean parse_secure_channels(const gchar *name, const gchar *value, gpointer data,
                                      GError **error)
{
    g_auto(GStrv) names = g_strsplit(value, ",", -1);

    for (gchar **n = names; *n; n++) {
        if (!g_str_equal(*n, "all") && spice_channel_string_to_type(*n) == -1) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                        _("invalid channel name (%s), valid names: all, main, display, inputs, "
                          "cursor, playback, record, "
                          "tunnel, smartcard, usbredir, port, webdav"),
                        *n);
            return FALSE;
        }
    }
    g_strfreev(given.secure_channels);
    given.secure_channels = g_steal_pointer(&names);
    return TRUE;
}

static gboolean parse_effects(const gchar *name, const gchar *value, gpointer data, GError **error)
{
    static const gchar *const known[] = {"wallpaper", "font-smooth", "animation", "all", NULL};
    g_auto(GStrv) names = g_strsplit(value, ",", -1);

    for (gchar **n = names; *n; n++) {
        if (!g_strv_contains(known, *n)) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                        _("invalid effect name (%s), must be 'wallpaper', 'font-smooth', "
                          "'animation' or 'all'"),
                        *n);
            return FALSE;
        }
    }
    g_strfreev(given.disable_effects);
    given.disable_effects = g_steal_pointer(&names);
    return TRUE;
}

static gboolean parse_certificates(const gchar *name, const gchar *value, gpointer data,
                                   GError **error)
{
    g_strfreev(given.smartcard_certificates);
    given.smartcard_certificates = g_strsplit(value, ",", -1);
    return TRUE;
}

static gboolean parse_compression(const gchar *name, const gchar *value, gpointer data,
                                  GError **error)
{
    static const struct {
        const gchar *name;
        gint value;
    } known[] = {{"auto-glz", SPICE_IMAGE_COMPRESSION_AUTO_GLZ},
                 {"auto-lz", SPICE_IMAGE_COMPRESSION_AUTO_LZ},
                 {"quic", SPICE_IMAGE_COMPRESSION_QUIC},
                 {"glz", SPICE_IMAGE_COMPRESSION_GLZ},
                 {"lz", SPICE_IMAGE_COMPRESSION_LZ},
                 {"lz4", SPICE_IMAGE_COMPRESSION_LZ4},
                 {"off", SPICE_IMAGE_COMPRESSION_OFF}};

    for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
        if (g_str_equal(value, known[i].name)) {
            given.preferred_compression = known[i].value;
            return TRUE;
        }
    }
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                _("Image compression algorithm %s not supported"), value);
    return FALSE;
}

/**
 * spice_get_option_group:
 *
 * Get the options for SPICE sessions, for g_option_context_add_group(). What is given on the
 * command line is kept for the process; spice_set_session_option() applies it to a session.
 *
 * Returns: (transfer full): a new option group
 */
GOptionGroup *spice_get_option_group(void)
{
    const GOptionEntry entries[] = {
        {"spice-secure-channels", 0, 0, G_OPTION_ARG_CALLBACK, parse_secure_channels,
         N_("Force the specified channels to be secured"), "<main,display,inputs,...,all>"},
        {"spice-disable-effects", 0, 0, G_OPTION_ARG_CALLBACK, parse_effects,
         N_("Disable guest display effects"), "<wallpaper,font-smooth,animation,all>"},
        {"spice-color-depth", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_CALLBACK, ignore_depth,
         N_("Guest display color depth (deprecated)"), "<16,32>"},
        {"spice-ca-file", 0, 0, G_OPTION_ARG_FILENAME, &given.ca_file,
         N_("Truststore file for secure connections"), N_("<file>")},
        {"spice-host-subject", 0, 0, G_OPTION_ARG_STRING, &given.host_subject,
         N_("Subject of the host certificate (field=value pairs separated by commas)"),
         N_("<host-subject>")},
        {"spice-disable-audio", 0, 0, G_OPTION_ARG_NONE, &given.disable_audio,
         N_("Disable audio support"), NULL},
        {"spice-smartcard", 0, 0, G_OPTION_ARG_NONE, &given.smartcard,
         N_("Enable smartcard support"), NULL},
        {"spice-smartcard-certificates", 0, 0, G_OPTION_ARG_CALLBACK, parse_certificates,
         N_("Certificates to use for software smartcards (field=values separated by commas)"),
         N_("<certificates>")},
        {"spice-smartcard-db", 0, 0, G_OPTION_ARG_STRING, &given.smartcard_db,
         N_("Path to the local certificate database to use for software smartcard certificates"),
         N_("<certificate-db>")},
        {"spice-disable-usbredir", 0, 0, G_OPTION_ARG_NONE, &given.disable_usbredir,
         N_("Disable USB redirection support"), NULL},
        {"spice-cache-size", 0, 0, G_OPTION_ARG_INT, &given.cache_size, N_("Image cache size"),
         N_("<bytes>")},
        {"spice-glz-window-size", 0, 0, G_OPTION_ARG_INT, &given.glz_window_size,
         N_("Glz compression history size"), N_("<bytes>")},
        {"spice-shared-dir", 0, 0, G_OPTION_ARG_FILENAME, &given.shared_dir, N_("Shared directory"),
         N_("<dir>")},
        {"spice-preferred-compression", 0, 0, G_OPTION_ARG_CALLBACK, parse_compression,
         N_("Preferred image compression algorithm"), "<auto-glz,auto-lz,quic,glz,lz,lz4,off>"},
        {"spice-debug", 0, G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, debug_on,
         N_("Enable Spice-GTK debugging"), NULL},
        {"spice-gtk-version", 0, G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, show_version,
         N_("Display Spice-GTK version information"), NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    GOptionGroup *group =
        g_option_group_new("spice", _("Spice Options:"), _("Show Spice Options"), NULL, NULL);

    g_option_group_set_translation_domain(group, TEXT_DOMAIN);
    g_option_group_add_entries(group, entries);
    return group;
}

/* The truststore of older clients. */
static gchar *default_truststore(void)
{
    const gchar *home = g_getenv("HOME");
    g_autofree gchar *path =
        g_build_filename(home ? home : g_get_home_dir(), ".spicec", "spice_truststore.pem", NULL);

    return g_file_test(path, G_FILE_TEST_IS_REGULAR) ? g_steal_pointer(&path) : NULL;
}

/**
 * spice_set_session_option:
 * @session: a #SpiceSession
 *
 * Apply the command line options to a session. What was not given stays as it is.
 */
void spice_set_session_option(SpiceSession *session)
{
    g_return_if_fail(SPICE_IS_SESSION(session));

    if (given.ca_file) {
        g_object_set(session, "ca-file", given.ca_file, NULL);
    } else {
        g_autofree gchar *truststore = default_truststore();

        if (truststore)
            g_object_set(session, "ca-file", truststore, NULL);
    }
    if (given.disable_effects)
        g_object_set(session, "disable-effects", given.disable_effects, NULL);
    if (given.secure_channels)
        g_object_set(session, "secure-channels", given.secure_channels, NULL);
    if (given.host_subject)
        g_object_set(session, "cert-subject", given.host_subject, NULL);
    if (given.smartcard) {
        g_object_set(session, "enable-smartcard", TRUE, NULL);
        if (given.smartcard_certificates)
            g_object_set(session, "smartcard-certificates", given.smartcard_certificates, NULL);
        if (given.smartcard_db)
            g_object_set(session, "smartcard-db", given.smartcard_db, NULL);
    }
    if (given.disable_audio)
        g_object_set(session, "enable-audio", FALSE, NULL);
    if (given.disable_usbredir)
        g_object_set(session, "enable-usbredir", FALSE, NULL);
    if (given.cache_size > 0)
        g_object_set(session, "cache-size", given.cache_size, NULL);
    if (given.glz_window_size > 0)
        g_object_set(session, "glz-window-size", given.glz_window_size, NULL);
    if (given.shared_dir)
        g_object_set(session, "shared-dir", given.shared_dir, NULL);
    if (given.preferred_compression != SPICE_IMAGE_COMPRESSION_INVALID)
        g_object_set(session, "preferred-compression", given.preferred_compression, NULL);
}
