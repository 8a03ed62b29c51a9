/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of what viewer and command line share: connection files, keys, the words of failures. */
#include "config.h"
#include "shared/connection-file.h"
#include "shared/failure.h"
#include "shared/keys.h"
#include "shared/number.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

static ConnectionFile *parse(const char *text, GError **error)
{
    return connection_file_parse(text, strlen(text), error);
}

static void check_refused(const char *text, int code, const char *words)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ConnectionFile) file = parse(text, &error);
    g_assert_null(file);
    g_assert_error(error, CONNECTION_FILE_ERROR, code);
    g_assert_nonnull(strstr(error->message, words));
}

static void file_all_keys(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ConnectionFile) file = parse(
        "# from a management program\n[virt-viewer]\ntype=spice\nhost=example.org\nport=5900\n"
        "tls-port=5901\nusername=me\npassword=a\\sb\ntitle=My %d machine\n"
        "ca=-----BEGIN\\nX\\n-----END\nhost-subject=O=x,CN=y\ntls-ciphers=DEFAULT\n"
        "proxy=http://p:3128\nfullscreen=1\nenable-smartcard=0\nenable-usbredir=1\n"
        "enable-usb-autoshare=1\nusb-filter=-1,-1,-1,-1,0\nsecure-channels=main;inputs\n"
        "disable-channels=cursor;playback\ndisable-effects=wallpaper\ncolor-depth=32\n"
        "toggle-fullscreen=shift+f11\nrelease-cursor=shift+f12\nsecure-attention=ctrl+alt+end\n"
        "delete-this-file=1\nversion=11.0\nunknown=1\n[ovirt]\nhost=x\n",
        &error);
    g_assert_no_error(error);
    g_assert_cmpstr(file->host, ==, "example.org");
    g_assert_cmpint(file->port, ==, 5900);
    g_assert_cmpint(file->tls_port, ==, 5901);
    g_assert_cmpstr(file->username, ==, "me");
    g_assert_cmpstr(file->password, ==, "a b");
    g_assert_cmpstr(file->title, ==, "My %d machine");
    g_assert_cmpstr(file->ca, ==, "-----BEGIN\nX\n-----END");
    g_assert_cmpstr(file->host_subject, ==, "O=x,CN=y");
    g_assert_cmpstr(file->proxy, ==, "http://p:3128");
    g_assert_cmpint(file->fullscreen, ==, 1);
    g_assert_cmpint(file->enable_smartcard, ==, 0);
    g_assert_cmpint(file->enable_usbredir, ==, 1);
    g_assert_cmpint(file->enable_usb_autoshare, ==, 1);
    g_assert_cmpint(file->color_depth, ==, 32);
    g_assert_cmpuint(g_strv_length(file->secure_channels), ==, 2);
    g_assert_cmpstr(file->secure_channels[1], ==, "inputs");
    g_assert_cmpstr(file->disable_channels[0], ==, "cursor");
    g_assert_cmpstr(file->hotkeys, ==,
                    "toggle-fullscreen=shift+f11,release-cursor=shift+f12,"
                    "secure-attention=ctrl+alt+end");
    g_assert_true(file->delete_this_file);
}

static void file_least(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ConnectionFile) file = parse("[virt-viewer]\ntype=spice\nunix-path=/run/x\n", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(file->unix_path, ==, "/run/x");
    g_assert_cmpstr(file->hotkeys, ==, "");
    g_assert_cmpint(file->fullscreen, ==, -1);
    g_assert_cmpint(file->enable_usbredir, ==, -1);
    g_assert_null(file->password);
    g_assert_false(file->delete_this_file);
}

static void file_refused(void)
{
    const int invalid = CONNECTION_FILE_ERROR_INVALID;
    check_refused("", invalid, "Invalid file");
    check_refused("nonsense", invalid, "Invalid file");
    check_refused("[other]\ntype=spice\n", invalid, "Invalid file");
    check_refused("[virt-viewer]\nhost=x\nport=1\n", invalid, "type");
    check_refused("[virt-viewer]\ntype=spice\nhost=x\n", invalid, "host and port");
    check_refused("[virt-viewer]\ntype=spice\nhost=x\nport=99999\n", invalid, "port");
    check_refused("[virt-viewer]\ntype=spice\nhost=x\nport=0\n", invalid, "port");
    check_refused("[virt-viewer]\ntype=spice\nhost=x\nport=12a\n", invalid, "port");
    check_refused("[virt-viewer]\ntype=spice\nhost=x\nport=1\nfullscreen=yes\n", invalid,
                  "fullscreen");
    check_refused("[virt-viewer]\ntype=vnc\nhost=x\nport=1\n", CONNECTION_FILE_ERROR_TYPE, "vnc");
    check_refused("[virt-viewer]\ntype=spice\nhost=x\nport=1\nversion=12.1\n"
                  "newer-version-url=http://new.example\n",
                  CONNECTION_FILE_ERROR_VERSION, "http://new.example");
}

static void file_too_large(void)
{
    gsize size = 2 * 1024 * 1024;
    g_autofree char *text = g_malloc(size);
    memset(text, '#', size);
    g_autoptr(GError) error = NULL;
    g_autoptr(ConnectionFile) file = connection_file_parse(text, size, &error);
    g_assert_null(file);
    g_assert_error(error, CONNECTION_FILE_ERROR, CONNECTION_FILE_ERROR_INVALID);
}

static void file_with_nul(void)
{
    static const char text[] = "[virt-viewer]\ntype=spice\nhost=x\0y\nport=1\n";
    g_autoptr(GError) error = NULL;
    g_autoptr(ConnectionFile) file = connection_file_parse(text, sizeof text - 1, &error);
    g_assert_null(file);
    g_assert_error(error, CONNECTION_FILE_ERROR, CONNECTION_FILE_ERROR_INVALID);
}

static char *write_file(const char *extra)
{
    g_autoptr(GError) error = NULL;
    char *path = NULL;
    int fd = g_file_open_tmp("test-XXXXXX.vv", &path, &error);
    g_assert_no_error(error);
    g_close(fd, NULL);
    g_autofree char *text = g_strdup_printf("[virt-viewer]\ntype=spice\nhost=h\nport=1\n%s", extra);
    g_file_set_contents(path, text, -1, &error);
    g_assert_no_error(error);
    return path;
}

static void file_is_deleted_when_it_asks(void)
{
    g_autofree char *kept = write_file("");
    g_autofree char *gone = write_file("delete-this-file=1\n");
    g_autoptr(ConnectionFile) a = connection_file_load(kept, NULL);
    g_autoptr(ConnectionFile) b = connection_file_load(gone, NULL);
    g_assert_nonnull(a);
    g_assert_nonnull(b);
    g_assert_true(g_file_test(kept, G_FILE_TEST_EXISTS));
    g_assert_false(g_file_test(gone, G_FILE_TEST_EXISTS));
    g_unlink(kept);

    g_autofree char *held = write_file("delete-this-file=1\n");
    g_setenv("VIRT_VIEWER_KEEP_FILE", "1", TRUE);
    g_autoptr(ConnectionFile) c = connection_file_load(held, NULL);
    g_unsetenv("VIRT_VIEWER_KEEP_FILE");
    g_assert_nonnull(c);
    g_assert_true(g_file_test(held, G_FILE_TEST_EXISTS));
    g_unlink(held);
}

static void file_missing(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(connection_file_load("/nonexistent/x.vv", &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

static void file_applied(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ConnectionFile) file =
        parse("[virt-viewer]\ntype=spice\nhost=example.org\nport=5900\ntls-port=5901\n"
              "password=secret\nca=PEM\nhost-subject=CN=y\nsecure-channels=main\n"
              "enable-usbredir=0\ndisable-channels=playback;inputs\n",
              &error);
    g_assert_no_error(error);
    SpiceSession *session = g_object_new(SPICE_TYPE_SESSION, NULL);
    connection_file_apply(file, session);
    g_autofree char *host = NULL, *port = NULL, *tls_port = NULL, *password = NULL, *subject = NULL;
    g_autoptr(GByteArray) ca = NULL;
    g_auto(GStrv) secure = NULL;
    gboolean usb, audio, read_only;
    g_object_get(session, "host", &host, "port", &port, "tls-port", &tls_port, "password",
                 &password, "cert-subject", &subject, "ca", &ca, "secure-channels", &secure,
                 "enable-usbredir", &usb, "enable-audio", &audio, "read-only", &read_only, NULL);
    g_assert_cmpstr(host, ==, "example.org");
    g_assert_cmpstr(port, ==, "5900");
    g_assert_cmpstr(tls_port, ==, "5901");
    g_assert_cmpstr(password, ==, "secret");
    g_assert_cmpstr(subject, ==, "CN=y");
    g_assert_cmpstr(secure[0], ==, "main");
    /* With the NUL behind it, as remote-viewer does. */
    g_assert_cmpmem(ca->data, ca->len, "PEM", 4);
    g_assert_false(usb);
    g_assert_false(audio);
    g_assert_true(read_only);
    g_autofree char *address = session_address(session);
    g_assert_cmpstr(address, ==, "example.org:5900");
    g_object_unref(session);
}

static void versions(void)
{
    g_assert_cmpint(version_compare("11.0", "11.0"), ==, 0);
    g_assert_cmpint(version_compare("11.0", "2.9"), >, 0);
    g_assert_cmpint(version_compare("11.0", "11.0.1"), <, 0);
    g_assert_cmpint(version_compare("11.0", "11.1"), <, 0);
    g_assert_cmpint(version_compare("11.0", "11.0-2"), <, 0);
    g_assert_cmpint(version_compare("2.0-10", "2.0-9"), >, 0);
    g_assert_cmpint(version_compare("11.0", "beta"), ==, 0);
    g_assert_cmpint(version_compare("11.0", "11.x"), ==, 0);
}

static void arguments(void)
{
    g_assert_true(connection_file_is_named("-"));
    g_assert_true(connection_file_is_named("a.vv"));
    g_assert_true(connection_file_is_named("file:///a"));
    g_assert_false(connection_file_is_named("spice://h:1"));
    g_assert_false(connection_file_is_named("nothing-like-this"));
}

/* Our names press the keys that the deployed widget presses for the same keysyms. */
static void key_names_follow_the_vectors(void)
{
    g_autofree char *path =
        g_build_filename(g_getenv("VECTORS"), "keys", "send-keys-us.json", NULL);
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    /* "Name":["1d","9d"] or "Name":["e0","1d","e0","9d"], in the object "single". */
    char *single = strstr(text, "\"single\"");
    char *end = strstr(single, "},");
    g_assert_nonnull(end);
    *end = 0;
    g_autoptr(GRegex) entry = g_regex_new(
        "\"([A-Za-z0-9_]+)\":\\[\"(e0)?(?:\",\")?([0-9a-f]{2})\",\"(?:e0\",\")?[0-9a-f]{2}\"\\]", 0,
        0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    guint compared = 0;
    g_regex_match(entry, single, 0, &match);
    for (; g_match_info_matches(match); g_match_info_next(match, NULL)) {
        g_autofree char *name = g_match_info_fetch(match, 1);
        g_autofree char *prefix = g_match_info_fetch(match, 2);
        g_autofree char *code = g_match_info_fetch(match, 3);
        guint ours = key_by_name(name);
        guint theirs = (guint)g_ascii_strtoull(code, NULL, 16) + (*prefix ? 0x100 : 0);
        /* The widget goes through the local keymap, which has quirks of its own for these. */
        if (!ours || g_str_equal(name, "Pause") || g_str_equal(name, "Break") ||
            g_str_equal(name, "Print"))
            continue;
        if (ours != theirs)
            g_test_message("%s: %x, not %x", name, ours, theirs);
        g_assert_cmphex(ours, ==, theirs);
        compared++;
    }
    g_assert_cmpuint(compared, >=, 70);
}

static void characters(void)
{
    static const struct {
        gunichar character;
        guint scancode;
        gboolean shift;
    } expected[] = {
        {'a', 0x1e, FALSE}, {'Z', 0x2c, TRUE},   {'1', 0x02, FALSE},  {'!', 0x02, TRUE},
        {'0', 0x0b, FALSE}, {'=', 0x0d, FALSE},  {'+', 0x0d, TRUE},   {'[', 0x1a, FALSE},
        {'}', 0x1b, TRUE},  {'`', 0x29, FALSE},  {'~', 0x29, TRUE},   {'\\', 0x2b, FALSE},
        {'|', 0x2b, TRUE},  {'/', 0x35, FALSE},  {'?', 0x35, TRUE},   {'"', 0x28, TRUE},
        {' ', 0x39, FALSE}, {'\n', 0x1c, FALSE}, {'\t', 0x0f, FALSE},
    };
    guint code;
    gboolean shift;
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        g_assert_true(key_for_character(expected[i].character, &code, &shift));
        g_assert_cmphex(code, ==, expected[i].scancode);
        g_assert_cmpint(shift, ==, expected[i].shift);
    }
    /* Every printable ASCII character has a key, nothing else has. */
    guint found = 0;
    for (gunichar c = 0x20; c < 0x7f; c++)
        found += key_for_character(c, &code, &shift);
    g_assert_cmpuint(found, ==, 95);
    g_assert_false(key_for_character(0, &code, &shift));
    g_assert_false(key_for_character(0xe9, &code, &shift));
    g_assert_false(key_for_character(0x1f600, &code, &shift));
}

static void check_chord(const char *text, guint n, guint a, guint b, guint c)
{
    g_autofree char *bad = NULL;
    g_autoptr(GArray) chord = key_parse_chord(text, &bad);
    const guint expected[] = {a, b, c};
    g_assert_nonnull(chord);
    g_assert_cmpmem(chord->data, chord->len * sizeof(guint), expected, n * sizeof(guint));
}

static void chords(void)
{
    check_chord("ctrl+alt+del", 3, 0x1d, 0x38, 0x153);
    check_chord("Control_L+Alt_L+F1", 3, 0x1d, 0x38, 0x3b);
    check_chord("Return", 1, 0x1c, 0, 0);
    check_chord("a", 1, 0x1e, 0, 0);
    check_chord("+", 1, 0x0d, 0, 0);
    check_chord("ctrl++", 2, 0x1d, 0x0d, 0);
    check_chord("PAGE_UP", 1, 0x149, 0, 0);
    static const char *const wrong[] = {"", "nokey", "ctrl+", "+a", "ctrl+nokey+a", "é"};
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *bad = NULL;
        g_assert_null(key_parse_chord(wrong[i], &bad));
        g_assert_nonnull(bad);
    }
}

static void check_failure(SpiceChannelEvent event, GQuark domain, int code, FailureKind kind,
                          const char *title, const char *advice)
{
    SpiceSession *session = g_object_new(SPICE_TYPE_SESSION, "host", "h.example", "port", "5900",
                                         "tls-port", "5901", NULL);
    g_autoptr(GError) error = domain ? g_error_new_literal(domain, code, "the reason") : NULL;
    g_autoptr(Failure) failure = failure_from_event(event, error, session);
    g_assert_cmpint(failure->kind, ==, kind);
    g_assert_nonnull(strstr(failure->title, title));
    g_assert_nonnull(strstr(failure->advice, advice));
    if (error)
        g_assert_nonnull(strstr(failure->reason, "the reason"));
    g_object_unref(session);
}

static void failures(void)
{
    check_failure(SPICE_CHANNEL_ERROR_CONNECT, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED,
                  FAILURE_CONNECT, "h.example:5900", "Nothing listens");
    check_failure(SPICE_CHANNEL_ERROR_CONNECT, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND,
                  FAILURE_CONNECT, "h.example", "spelled");
    check_failure(SPICE_CHANNEL_ERROR_CONNECT, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, FAILURE_CONNECT,
                  "h.example", "firewall");
    check_failure(SPICE_CHANNEL_ERROR_TLS, 0, 0, FAILURE_TLS, "trusted", "certificate authority");
    check_failure(SPICE_CHANNEL_ERROR_TLS, SPICE_CLIENT_ERROR, 0, FAILURE_TLS, "trusted",
                  "certificate authority");
    check_failure(SPICE_CHANNEL_ERROR_AUTH, SPICE_CLIENT_ERROR,
                  SPICE_CLIENT_ERROR_AUTH_NEEDS_PASSWORD, FAILURE_AUTH, "password", "expire");
    check_failure(SPICE_CHANNEL_ERROR_LINK, 0, 0, FAILURE_LINK, "SPICE", "port");
    check_failure(SPICE_CHANNEL_CLOSED, 0, 0, FAILURE_LOST, "ended", "another viewer");
    check_failure(SPICE_CHANNEL_ERROR_IO, SPICE_CLIENT_ERROR, 0, FAILURE_LOST, "broke", "again");
}

static void numbers(void)
{
    const char *const wrong[] = {"",
                                 "-",
                                 "+1",
                                 " 1",
                                 "1 ",
                                 "1x",
                                 "0x1",
                                 "8",
                                 "-4",
                                 "99999999999999999999",
                                 "-99999999999999999999",
                                 NULL};
    gint64 value = 77;

    for (const char *const *text = wrong; *text; text++)
        g_assert_false(number_parse(*text, -3, 7, &value));
    g_assert_false(number_parse(NULL, -3, 7, &value));
    g_assert_cmpint(value, ==, 77);
    /* An old errno says nothing about this number. */
    errno = ERANGE;
    g_assert_true(number_parse("-3", -3, 7, &value));
    g_assert_cmpint(value, ==, -3);
    g_assert_true(number_parse("007", -3, 7, &value));
    g_assert_cmpint(value, ==, 7);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/connection-file/all-keys", file_all_keys);
    g_test_add_func("/connection-file/least", file_least);
    g_test_add_func("/connection-file/refused", file_refused);
    g_test_add_func("/connection-file/too-large", file_too_large);
    g_test_add_func("/connection-file/nul", file_with_nul);
    g_test_add_func("/connection-file/deleted", file_is_deleted_when_it_asks);
    g_test_add_func("/connection-file/missing", file_missing);
    g_test_add_func("/connection-file/applied", file_applied);
    g_test_add_func("/connection-file/versions", versions);
    g_test_add_func("/connection-file/arguments", arguments);
    g_test_add_func("/keys/names", key_names_follow_the_vectors);
    g_test_add_func("/keys/characters", characters);
    g_test_add_func("/keys/chords", chords);
    g_test_add_func("/number/parse", numbers);
    g_test_add_func("/failure/words", failures);
    return g_test_run();
}
