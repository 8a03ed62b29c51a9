/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads .vv connection files and applies them to a session. */
#include "config.h"
#include "connection-file.h"
#include "number.h"

#include <errno.h>
#include <gio/gio.h>
#include <gio/gunixinputstream.h>
#include <glib/gstdio.h>
#include <string.h>

#define GROUP "virt-viewer"

/* Real files are a few kilobytes, with a long certificate chain some tens. */
#define SIZE_LIMIT (1024 * 1024)

/* Files name the viewer version they need; this one does what remote-viewer 11.0 does. */
#define COMPATIBLE_VERSION "11.0"

G_DEFINE_QUARK(connection - file - error - quark, connection_file_error)

static const char *const hotkey_names[] = {
    "toggle-fullscreen", "release-cursor",   "zoom-in",          "zoom-out",         "zoom-reset",
    "secure-attention",  "usb-device-reset", "smartcard-insert", "smartcard-remove",
};

/* The next number of a version text; FALSE when there is none. */
static gboolean version_part(const char **text, guint64 *value)
{
    char *end;
    if (!g_ascii_isdigit(**text))
        return FALSE;
    *value = g_ascii_strtoull(*text, &end, 10);
    *text = end;
    return TRUE;
}

int version_compare(const char *a, const char *b)
{
    for (;;) {
        guint64 x, y;
        if (!version_part(&a, &x) || !version_part(&b, &y))
            return 0;
        if (x != y)
            return x < y ? -1 : 1;
        /* "1.0" is older than "1.0-2" and than "1.0.1". */
        if (*a == 0 || *b == 0)
            return (*a != 0) - (*b != 0);
        if (*a != *b)
            return *a == '-' ? -1 : *b == '-' ? 1 : 0;
        if (*a != '.' && *a != '-')
            return 0;
        a++;
        b++;
    }
}

static char *take_string(GKeyFile *keys, const char *key)
{
    char *value = g_key_file_get_string(keys, GROUP, key, NULL);
    if (value && !*value)
        g_clear_pointer(&value, g_free);
    return value;
}

static char **take_list(GKeyFile *keys, const char *key)
{
    return g_key_file_get_string_list(keys, GROUP, key, NULL, NULL);
}

/* An integer key: fallback when absent, an error when it isn't a number in the range. */
static gboolean take_int(GKeyFile *keys, const char *key, int low, int high, int *value,
                         GError **error)
{
    if (!g_key_file_has_key(keys, GROUP, key, NULL))
        return TRUE;
    g_autofree char *text = g_key_file_get_string(keys, GROUP, key, NULL);
    gint64 number;
    if (!text || !number_parse(g_strstrip(text), low, high, &number)) {
        g_set_error(error, CONNECTION_FILE_ERROR, CONNECTION_FILE_ERROR_INVALID,
                    "Invalid file: %s has to be a number from %d to %d", key, low, high);
        return FALSE;
    }
    *value = (int)number;
    return TRUE;
}

static gboolean check_version(GKeyFile *keys, GError **error)
{
    g_autofree char *wanted = take_string(keys, "version");
    g_auto(GStrv) wanted_here = take_list(keys, "versions");
    g_autofree char *id = g_get_os_info(G_OS_INFO_KEY_ID);
    for (char **entry = wanted_here; entry && *entry; entry++) {
        g_auto(GStrv) pair = g_strsplit(*entry, ":", 2);
        if (id && g_strcmp0(pair[0], id) == 0 && pair[1]) {
            g_free(wanted);
            wanted = g_strdup(pair[1]);
        }
    }
    if (!wanted || version_compare(COMPATIBLE_VERSION, wanted) >= 0)
        return TRUE;
    g_autofree char *url = take_string(keys, "newer-version-url");
    g_set_error(
        error, CONNECTION_FILE_ERROR, CONNECTION_FILE_ERROR_VERSION,
        "The file asks for a viewer of version %s or newer; this one is compatible with %s.%s%s",
        wanted, COMPATIBLE_VERSION, url ? " A newer one may be at " : "", url ? url : "");
    return FALSE;
}

static char *collect_hotkeys(GKeyFile *keys)
{
    GString *spec = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(hotkey_names); i++) {
        g_autofree char *value = take_string(keys, hotkey_names[i]);
        if (value)
            g_string_append_printf(spec, "%s%s=%s", spec->len ? "," : "", hotkey_names[i], value);
    }
    return g_string_free(spec, FALSE);
}

static gboolean read_numbers(ConnectionFile *file, GKeyFile *keys, GError **error)
{
    int delete_this_file = 0;
    if (!take_int(keys, "port", 1, 65535, &file->port, error) ||
        !take_int(keys, "tls-port", 1, 65535, &file->tls_port, error) ||
        !take_int(keys, "fullscreen", 0, 1, &file->fullscreen, error) ||
        !take_int(keys, "enable-smartcard", 0, 1, &file->enable_smartcard, error) ||
        !take_int(keys, "enable-usbredir", 0, 1, &file->enable_usbredir, error) ||
        !take_int(keys, "enable-usb-autoshare", 0, 1, &file->enable_usb_autoshare, error) ||
        !take_int(keys, "color-depth", 0, 32, &file->color_depth, error) ||
        !take_int(keys, "delete-this-file", 0, 1, &delete_this_file, error))
        return FALSE;
    file->delete_this_file = delete_this_file;
    return TRUE;
}

ConnectionFile *connection_file_parse(const char *data, gsize size, GError **error)
{
    g_autoptr(GKeyFile) keys = g_key_file_new();
    g_autoptr(ConnectionFile) file = g_new0(ConnectionFile, 1);
    g_autoptr(GError) inner = NULL;

    if (size > SIZE_LIMIT || memchr(data, 0, size) ||
        !g_key_file_load_from_data(keys, data, size, G_KEY_FILE_NONE, &inner) ||
        !g_key_file_has_group(keys, GROUP)) {
        g_set_error(error, CONNECTION_FILE_ERROR, CONNECTION_FILE_ERROR_INVALID, "Invalid file: %s",
                    size > SIZE_LIMIT ? "too large for a connection file"
                    : inner           ? inner->message
                                      : "there is no group [" GROUP "]");
        return NULL;
    }
    g_autofree char *type = take_string(keys, "type");
    if (!type) {
        g_set_error_literal(error, CONNECTION_FILE_ERROR, CONNECTION_FILE_ERROR_INVALID,
                            "Invalid file: the key type is missing");
        return NULL;
    }
    if (g_ascii_strcasecmp(type, "spice") != 0) {
        g_set_error(error, CONNECTION_FILE_ERROR, CONNECTION_FILE_ERROR_TYPE,
                    "The file is for a connection of type %s; this viewer speaks SPICE", type);
        return NULL;
    }
    if (!check_version(keys, error))
        return NULL;

    file->fullscreen = file->enable_smartcard = -1;
    file->enable_usbredir = file->enable_usb_autoshare = -1;
    if (!read_numbers(file, keys, error))
        return NULL;
    file->host = take_string(keys, "host");
    file->unix_path = take_string(keys, "unix-path");
    file->username = take_string(keys, "username");
    file->password = take_string(keys, "password");
    file->title = take_string(keys, "title");
    file->ciphers = take_string(keys, "tls-ciphers");
    file->ca = take_string(keys, "ca");
    file->host_subject = take_string(keys, "host-subject");
    file->proxy = take_string(keys, "proxy");
    file->usb_filter = take_string(keys, "usb-filter");
    file->secure_channels = take_list(keys, "secure-channels");
    file->disable_channels = take_list(keys, "disable-channels");
    file->disable_effects = take_list(keys, "disable-effects");
    file->hotkeys = collect_hotkeys(keys);
    if (!file->unix_path && !(file->host && (file->port || file->tls_port))) {
        g_set_error_literal(error, CONNECTION_FILE_ERROR, CONNECTION_FILE_ERROR_INVALID,
                            "Invalid file: it names neither host and port nor a unix-path");
        return NULL;
    }
    return g_steal_pointer(&file);
}

ConnectionFile *connection_file_load(const char *path, GError **error)
{
    gboolean is_stdin = g_strcmp0(path, "-") == 0;
    g_autoptr(GInputStream) stream = NULL;
    if (is_stdin) {
        stream = g_unix_input_stream_new(0, FALSE);
    } else {
        g_autoptr(GFile) source = g_file_new_for_commandline_arg(path);
        stream = G_INPUT_STREAM(g_file_read(source, NULL, error));
        if (!stream)
            return NULL;
    }
    /* One byte above the limit is enough to know that it is too large. */
    g_autofree char *data = g_malloc(SIZE_LIMIT + 1);
    gsize size;
    if (!g_input_stream_read_all(stream, data, SIZE_LIMIT + 1, &size, NULL, error))
        return NULL;
    ConnectionFile *file = connection_file_parse(data, size, error);
    if (file && file->delete_this_file && !is_stdin && !g_getenv("VIRT_VIEWER_KEEP_FILE") &&
        g_unlink(path) != 0)
        g_message("Can't delete %s: %s", path, g_strerror(errno));
    return file;
}

gboolean connection_file_is_named(const char *argument)
{
    if (g_strcmp0(argument, "-") == 0 || g_str_has_suffix(argument, ".vv") ||
        g_str_has_prefix(argument, "file:"))
        return TRUE;
    return !strstr(argument, "://") && g_file_test(argument, G_FILE_TEST_IS_REGULAR);
}

static void set_port(SpiceSession *session, const char *property, int port)
{
    g_autofree char *text = port ? g_strdup_printf("%d", port) : NULL;
    g_object_set(session, property, text, NULL);
}

/* Channels that have a switch of their own aren't even opened; the rest open and stay silent. */
static void disable_channels(char **names, SpiceSession *session)
{
    GString *silent = g_string_new(NULL);
    for (char **name = names; *name; name++) {
        if (!strcmp(*name, "playback") || !strcmp(*name, "record"))
            g_object_set(session, "enable-audio", FALSE, NULL);
        else if (!strcmp(*name, "usbredir"))
            g_object_set(session, "enable-usbredir", FALSE, NULL);
        else if (!strcmp(*name, "smartcard"))
            g_object_set(session, "enable-smartcard", FALSE, NULL);
        else if (!strcmp(*name, "inputs"))
            g_object_set(session, "read-only", TRUE, NULL);
        else
            g_string_append_printf(silent, "%s ", *name);
    }
    if (silent->len)
        g_setenv("SPICE_DISABLE_CHANNELS", silent->str, TRUE);
    g_string_free(silent, TRUE);
}

void connection_file_apply(const ConnectionFile *file, SpiceSession *session)
{
    if (file->unix_path) {
        g_object_set(session, "unix-path", file->unix_path, NULL);
    } else {
        g_object_set(session, "host", file->host, NULL);
        set_port(session, "port", file->port);
        set_port(session, "tls-port", file->tls_port);
    }
    if (file->username)
        g_object_set(session, "username", file->username, NULL);
    if (file->password)
        g_object_set(session, "password", file->password, NULL);
    if (file->ciphers)
        g_object_set(session, "ciphers", file->ciphers, NULL);
    if (file->ca) {
        /* With the trailing NUL, as other viewers hand it over. */
        g_autoptr(GByteArray) ca = g_byte_array_new();
        g_byte_array_append(ca, (const guint8 *)file->ca, strlen(file->ca) + 1);
        g_object_set(session, "ca", ca, "ca-file", NULL, NULL);
    }
    if (file->host_subject)
        g_object_set(session, "cert-subject", file->host_subject, NULL);
    if (file->proxy)
        g_object_set(session, "proxy", file->proxy, NULL);
    if (file->enable_smartcard >= 0)
        g_object_set(session, "enable-smartcard", file->enable_smartcard, NULL);
    if (file->enable_usbredir >= 0)
        g_object_set(session, "enable-usbredir", file->enable_usbredir, NULL);
    if (file->disable_effects)
        g_object_set(session, "disable-effects", file->disable_effects, NULL);
    if (file->secure_channels)
        g_object_set(session, "secure-channels", file->secure_channels, NULL);
    if (file->disable_channels)
        disable_channels(file->disable_channels, session);
}

void connection_file_free(ConnectionFile *file)
{
    if (!file)
        return;
    char *const texts[] = {file->host,         file->unix_path, file->username, file->title,
                           file->ciphers,      file->ca,        file->proxy,    file->usb_filter,
                           file->host_subject, file->hotkeys};
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    if (file->password) {
        /* No copy of a password stays behind in freed memory. */
        explicit_bzero(file->password, strlen(file->password));
        g_free(file->password);
    }
    g_strfreev(file->secure_channels);
    g_strfreev(file->disable_channels);
    g_strfreev(file->disable_effects);
    g_free(file);
}
