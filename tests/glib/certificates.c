/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Certificates for tests. See certificates.h. */
#include <glib/gstdio.h>
#include "certificates.h"

static gchar *folder;

const gchar *certificates_path(const gchar *name)
{
    g_autofree gchar *path = g_build_filename(folder, name, NULL);

    return g_intern_string(path);
}

void certificates_openssl(const gchar *arguments)
{
    g_autofree gchar *line = g_strconcat("openssl ", arguments, NULL);
    g_autofree gchar *messages = NULL;
    g_auto(GStrv) argv = NULL;
    g_autoptr(GError) error = NULL;
    gint status;

    g_assert_true(g_shell_parse_argv(line, NULL, &argv, &error));
    g_spawn_sync(folder, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL,
                 NULL, &messages, &status, &error);
    g_assert_no_error(error);
    if (!g_spawn_check_wait_status(status, NULL))
        g_error("%s: %s", line, messages);
}

void certificates_init(void)
{
    folder = g_dir_make_tmp("spice-test-XXXXXX", NULL);
    g_assert_nonnull(folder);
    certificates_openssl(
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=test-ca -days 30");
    certificates_openssl("req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other-ca.pem "
                         "-subj /CN=other-ca -days 30");
    certificates_openssl("genrsa -out key.pem 2048");
    certificates_openssl("rsa -in key.pem -pubout -outform DER -out pub.der");
}

const gchar *certificates_make(const gchar *name, const gchar *subject, const gchar *extension)
{
    g_autofree gchar *config =
        g_strdup_printf("[e]\nbasicConstraints=CA:FALSE\n%s\n", extension ? extension : "");
    g_autofree gchar *request = g_strdup_printf(
        "req -new -utf8 -key key.pem -out %s.csr -subj \"%s\" -config empty.cnf", name, subject);
    g_autofree gchar *sign = g_strdup_printf(
        "x509 -req -in %s.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out %s "
        "-extfile ext.cnf -extensions e",
        name, name);

    g_assert_true(g_file_set_contents(certificates_path("ext.cnf"), config, -1, NULL));
    g_assert_true(g_file_set_contents(certificates_path("empty.cnf"),
                                      "[req]\ndistinguished_name=d\n[d]\n", -1, NULL));
    certificates_openssl(request);
    certificates_openssl(sign);
    return certificates_path(name);
}

GByteArray *certificates_read(const gchar *path)
{
    gchar *data;
    gsize size;

    g_assert_true(g_file_get_contents(path, &data, &size, NULL));
    return g_byte_array_new_take((guint8 *)data, size);
}

GByteArray *certificates_pubkey(void)
{
    return certificates_read(certificates_path("pub.der"));
}

void certificates_clean(void)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    const gchar *name;

    while ((name = g_dir_read_name(dir)))
        g_unlink(certificates_path(name));
    g_dir_close(dir);
    g_rmdir(folder);
    g_clear_pointer(&folder, g_free);
}
