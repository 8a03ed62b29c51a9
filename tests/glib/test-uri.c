/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The URI grammar of sessions, proxy addresses, property rules. Spec: client-glib.md 3.1 to 3.3. */
#include <glib/gstdio.h>
#include "spice-client.h"

typedef struct UriCase {
    const gchar *uri, *host, *port, *tls_port, *username, *password, *unix_path;
} UriCase;

static void check(SpiceSession *session, const gchar *property, const gchar *expected,
                  const gchar *uri)
{
    g_autofree gchar *value = NULL;

    g_object_get(session, property, &value, NULL);
    if (g_strcmp0(value, expected) != 0)
        g_error("%s: %s is \"%s\", expected \"%s\"", uri, property, value ? value : "(null)",
                expected ? expected : "(null)");
}

static void test_accepted(void)
{
    static const UriCase cases[] = {
        {"spice://h:5900", "h", "5900", NULL, NULL, NULL, NULL},
        {"spice://h?port=1&tls-port=2", "h", "1", "2", NULL, NULL, NULL},
        {"spice://h;port=1;tls-port=2", "h", "1", "2", NULL, NULL, NULL},
        {"spice://h:1?tls-port=2", "h", "1", "2", NULL, NULL, NULL},
        {"spice+tls://h:5", "h", NULL, "5", NULL, NULL, NULL},
        {"spice+tls://h:5?port=7", "h", NULL, "5", NULL, NULL, NULL},
        {"spice://u%40x@h:1", "h", "1", NULL, "u@x", NULL, NULL},
        {"spice://u:p@h:1", "h", "1", NULL, "u:p", NULL, NULL},
        {"spice://[::1]?port=7", "[::1]", "7", NULL, NULL, NULL, NULL},
        {"spice://[::1]:7", "[::1]", "7", NULL, NULL, NULL, NULL},
        {"spice://h%2ex:1", "h.x", "1", NULL, NULL, NULL, NULL},
        {"spice://:1", "", "1", NULL, NULL, NULL, NULL},
        {"spice://h:1/path?tls-port=9", "h", "1", "9", NULL, NULL, NULL},
        {"spice://h:1?password=abc%20d", "h", "1", NULL, NULL, "abc d", NULL},
        {"spice://h:1?tls-port=", "h", "1", NULL, NULL, NULL, NULL},
        {"spice://h:1?tls-port", "h", "1", NULL, NULL, NULL, NULL},
        {"spice+unix:///tmp/s", NULL, NULL, NULL, NULL, NULL, "/tmp/s"},
        {"spice+unix:///tmp/s?port=1", NULL, NULL, NULL, NULL, NULL, "/tmp/s?port=1"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const UriCase *c = &cases[i];
        SpiceSession *session = spice_session_new();

        /* Everything that was there must go. */
        g_object_set(session, "host", "old", "port", "98", "tls-port", "99", "username", "old",
                     "password", "old", NULL);
        g_object_set(session, "uri", c->uri, NULL);
        check(session, "host", c->host, c->uri);
        check(session, "port", c->port, c->uri);
        check(session, "tls-port", c->tls_port, c->uri);
        check(session, "username", c->username, c->uri);
        check(session, "password", c->password, c->uri);
        check(session, "unix-path", c->unix_path, c->uri);
        g_object_unref(session);
    }
}

static void test_refused(void)
{
    static const gchar *const uris[] = {"spice://h",
                                        "spice+tls://h",
                                        "http://h:1",
                                        "h:1",
                                        "SPICE://h:1",
                                        "spice://[::1",
                                        "spice://h:1?port=2",
                                        "spice://h:1?foo=bar",
                                        "",
                                        "spice://",
                                        "spice://[::1]x:1",
                                        "spice://h%zz:1",
                                        "spice://h:1?password=%q",
                                        "spice://h:1?aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=1",
                                        "spice://h:1?port&tls-port=2"};

    for (gsize i = 0; i < G_N_ELEMENTS(uris); i++) {
        SpiceSession *session = spice_session_new();

        g_object_set(session, "host", "old", "port", "98", "username", "me", NULL);
        g_object_set(session, "uri", uris[i], NULL);
        check(session, "host", "old", uris[i]);
        check(session, "port", "98", uris[i]);
        check(session, "username", "me", uris[i]);
        g_object_unref(session);
    }
}

static void test_formatted(void)
{
    static const gchar *const pairs[][2] = {
        {"spice://h:5900", "spice://h:5900"},
        {"spice://h;port=1;tls-port=2", "spice://h?port=1&tls-port=2"},
        {"spice+tls://h:5", "spice+tls://h:5"},
        {"spice+unix:///tmp/s", "spice+unix:///tmp/s"},
        {"spice://u@h:1?password=x", "spice://h:1"},
    };
    SpiceSession *session = spice_session_new();
    g_autofree gchar *none = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_object_set(session, "uri", pairs[i][0], NULL);
        check(session, "uri", pairs[i][1], pairs[i][0]);
    }
    g_object_set(session, "port", NULL, "tls-port", NULL, NULL);
    g_object_get(session, "uri", &none, NULL);
    g_assert_null(none);
    g_object_unref(session);
}

static void test_verify_bits(void)
{
    SpiceSession *session = spice_session_new();
    g_autoptr(GByteArray) key = g_byte_array_new();
    guint verify;

    g_object_get(session, "verify", &verify, NULL);
    g_assert_cmpuint(verify, ==, SPICE_SESSION_VERIFY_HOSTNAME);
    g_object_set(session, "pubkey", key, "cert-subject", "CN=x", NULL);
    g_object_get(session, "verify", &verify, NULL);
    g_assert_cmpuint(verify, ==,
                     SPICE_SESSION_VERIFY_HOSTNAME | SPICE_SESSION_VERIFY_PUBKEY |
                         SPICE_SESSION_VERIFY_SUBJECT);
    g_object_set(session, "pubkey", NULL, "cert-subject", NULL, NULL);
    g_object_get(session, "verify", &verify, NULL);
    g_assert_cmpuint(verify, ==, SPICE_SESSION_VERIFY_HOSTNAME);
    g_object_unref(session);
}

static void test_proxy(void)
{
    static const gchar *const pairs[][2] = {
        {"http://p:8080", "http://p:8080"},
        {"p:8080", "http://p:8080"},
        {"127.0.0.1:8080", "http://127.0.0.1:8080"},
        {"HTTPS://p", "https://p:3129"},
        {"p//", "http://p:3128"},
        {"[::1]:8080", "http://[::1]:8080"},
        {"http://u:w@p:1", "http://u:w@p:1"},
        {"http://u@p:1", "http://u@p:1"},
    };
    static const gchar *const bad[] = {"ftp://p:1", "[::1", "[::1]x",    "p:", "p:0",
                                       "p:65536",   "p:1x", "http://:1", "a b"};
    SpiceSession *session = spice_session_new();

    check(session, "proxy", NULL, "none");
    for (gsize i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_object_set(session, "proxy", pairs[i][0], NULL);
        check(session, "proxy", pairs[i][1], pairs[i][0]);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_object_set(session, "proxy", bad[i], NULL);
        check(session, "proxy", "http://u@p:1", bad[i]);
    }
    spice_uri_set_password(spice_session_get_proxy_uri(session), "w");
    check(session, "proxy", "http://u:w@p:1", "password set");
    g_object_set(session, "proxy", "", NULL);
    check(session, "proxy", NULL, "empty");
    g_setenv("SPICE_PROXY", "http://env:9", TRUE);
    g_object_set(session, "proxy", NULL, NULL);
    check(session, "proxy", "http://env:9", "from the environment");
    g_unsetenv("SPICE_PROXY");
    g_object_unref(session);
}

static void test_utilities(void)
{
    static const guint8 uuid[16] = {0,    0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                    0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    g_autofree gchar *text = spice_uuid_to_string(uuid);

    g_assert_cmpstr(text, ==, "00112233-4455-6677-8899-aabbccddeeff");
    g_assert_cmpstr(spice_util_get_version_string(), ==, "0.42");
    g_assert_cmpstr(spice_channel_type_to_string(SPICE_CHANNEL_USBREDIR), ==, "usbredir");
    g_assert_cmpstr(spice_channel_type_to_string(77), ==, "unknown");
    g_assert_cmpint(spice_channel_string_to_type("webdav"), ==, SPICE_CHANNEL_WEBDAV);
    g_assert_cmpint(spice_channel_string_to_type("all"), ==, -1);
}

static gboolean parse_options(const gchar *arguments, GError **error)
{
    GOptionContext *context = g_option_context_new(NULL);
    g_auto(GStrv) argv = NULL;
    g_autofree gchar *line = g_strconcat("test ", arguments, NULL);
    gboolean ok;

    g_option_context_add_group(context, spice_get_option_group());
    argv = g_strsplit(line, " ", -1);
    ok = g_option_context_parse_strv(context, &argv, error);
    g_option_context_free(context);
    return ok;
}

static void test_options(void)
{
    static const gchar *const bad[][2] = {
        {"--spice-secure-channels=main,nonsense",
         "invalid channel name (nonsense), valid names: all, *"},
        {"--spice-disable-effects=x",
         "invalid effect name (x), must be 'wallpaper', 'font-smooth', 'animation' or 'all'"},
        {"--spice-preferred-compression=zip", "Image compression algorithm zip not supported"},
    };
    SpiceSession *session;
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) secure = NULL, effects = NULL;
    g_autofree gchar *subject = NULL, *ca = NULL;
    gboolean audio, usb;
    gint cache, compression;
    g_autofree gchar *home = g_dir_make_tmp("spice-test-XXXXXX", NULL);
    g_autofree gchar *spicec = g_build_filename(home, ".spicec", NULL);
    g_autofree gchar *truststore = g_build_filename(spicec, "spice_truststore.pem", NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) refused = NULL;

        g_assert_false(parse_options(bad[i][0], &refused));
        g_assert_error(refused, G_OPTION_ERROR, G_OPTION_ERROR_FAILED);
        g_assert_true(g_pattern_match_simple(bad[i][1], refused->message));
    }
    g_setenv("HOME", home, TRUE);
    g_assert_cmpint(g_mkdir_with_parents(spicec, 0700), ==, 0);
    g_assert_true(g_file_set_contents(truststore, "", 0, NULL));
    session = spice_session_new();
    parse_options("--spice-secure-channels=main,inputs --spice-disable-effects=wallpaper "
                  "--spice-host-subject=CN=a "
                  "--spice-disable-audio --spice-cache-size=4096 --spice-preferred-compression=lz4",
                  &error);
    g_assert_no_error(error);
    spice_set_session_option(session);
    g_object_get(session, "secure-channels", &secure, "disable-effects", &effects, "cert-subject",
                 &subject, "enable-audio", &audio, "enable-usbredir", &usb, "cache-size", &cache,
                 "preferred-compression", &compression, "ca-file", &ca, NULL);
    g_assert_cmpstr(secure[1], ==, "inputs");
    g_assert_cmpstr(effects[0], ==, "wallpaper");
    g_assert_cmpstr(subject, ==, "CN=a");
    g_assert_cmpstr(ca, ==, truststore);
    g_assert_false(audio);
    g_assert_true(usb);
    g_assert_cmpint(cache, ==, 4096);
    g_assert_cmpint(compression, ==, SPICE_IMAGE_COMPRESSION_LZ4);
    g_object_unref(session);
    g_remove(truststore);
    g_rmdir(spicec);
    g_rmdir(home);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_FATAL_MASK);
    g_test_add_func("/uri/accepted", test_accepted);
    g_test_add_func("/uri/refused", test_refused);
    g_test_add_func("/uri/formatted", test_formatted);
    g_test_add_func("/session/verify-bits", test_verify_bits);
    g_test_add_func("/session/proxy", test_proxy);
    g_test_add_func("/utilities", test_utilities);
    g_test_add_func("/options", test_options);
    return g_test_run();
}
