/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A certificate authority for tests, made by the openssl program in a temporary folder. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Once per process; the folder goes at the end of the tests by certificates_clean(). */
void certificates_init(void);
void certificates_clean(void);
/* Path of a file in the folder; interned. Files: ca.pem, other-ca.pem (signed nothing), key.pem (of
 * all servers). */
const gchar *certificates_path(const gchar *name);
/* A certificate for the server key, signed by ca.pem; subject as "/C=IL/CN=x", extension as
 * "subjectAltName=DNS:x" or NULL. The file's path, interned. */
const gchar *certificates_make(const gchar *name, const gchar *subject, const gchar *extension);
/* Run the openssl program with these arguments in the folder. */
void certificates_openssl(const gchar *arguments);
/* The server key's public part as DER. */
GByteArray *certificates_pubkey(void);
GByteArray *certificates_read(const gchar *path);

G_END_DECLS
