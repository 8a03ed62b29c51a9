/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SASL by the Cyrus library. See sasl.h. */
#include <string.h>
#include <sasl/sasl.h>
#include "sasl.h"

#define MIN_SSF 56 /* without TLS */
#define MAX_SSF 100000
#define MAX_BUFFER 100000

struct SpiceSasl {
    sasl_conn_t *conn;
    gchar *username;
    gchar *password;
    sasl_secret_t *secret;
    gboolean tls;
    gboolean asked_name, asked_password;
    gboolean done;
    sasl_callback_t callbacks[4];
};

static gboolean fail(GError **error, SpiceSasl *sasl, const gchar *what)
{
    const char *detail = sasl && sasl->conn ? sasl_errdetail(sasl->conn) : NULL;

    g_debug("SASL: %s: %s", what, detail ? detail : "no detail");
    g_set_error_literal(error, SPICE_CLIENT_ERROR,
                        sasl ? spice_sasl_refusal(sasl) : SPICE_CLIENT_ERROR_FAILED,
                        "Authentication failed");
    return FALSE;
}

static int get_name(void *context, int id, const char **result, unsigned *size)
{
    SpiceSasl *sasl = context;

    sasl->asked_name = TRUE;
    *result = sasl->username ? sasl->username : "";
    if (size)
        *size = strlen(*result);
    return SASL_OK;
}

static int get_secret(sasl_conn_t *conn, void *context, int id, sasl_secret_t **secret)
{
    SpiceSasl *sasl = context;
    const gchar *password = sasl->password ? sasl->password : "";
    gsize size = strlen(password);

    sasl->asked_password = TRUE;
    if (!sasl->secret) {
        sasl->secret = g_malloc(sizeof *sasl->secret + size);
        sasl->secret->len = size;
        memcpy(sasl->secret->data, password, size + 1);
    }
    *secret = sasl->secret;
    return SASL_OK;
}

static gboolean init_library(void)
{
    static gsize state; /* 1: works, 2: doesn't */

    if (g_once_init_enter(&state))
        g_once_init_leave(&state, sasl_client_init(NULL) == SASL_OK ? 1 : 2);
    return state == 1;
}

SpiceSasl *spice_sasl_new(const gchar *host, const gchar *local, const gchar *remote, int tls_bits,
                          const gchar *username, const gchar *password, GError **error)
{
    sasl_security_properties_t props = {
        .min_ssf = tls_bits ? 0 : MIN_SSF,
        .max_ssf = tls_bits ? 0 : MAX_SSF,
        .maxbufsize = MAX_BUFFER,
        .security_flags = tls_bits ? 0 : SASL_SEC_NOANONYMOUS | SASL_SEC_NOPLAINTEXT,
    };
    sasl_ssf_t external = tls_bits;
    SpiceSasl *sasl;

    if (!init_library()) {
        fail(error, NULL, "the library can't be initialised");
        return NULL;
    }
    sasl = g_new0(SpiceSasl, 1);
    sasl->username = g_strdup(username);
    sasl->password = g_strdup(password);
    sasl->tls = tls_bits > 0;
    sasl->callbacks[0] =
        (sasl_callback_t){SASL_CB_USER, (int (*)(void))(void (*)(void))get_name, sasl};
    sasl->callbacks[1] =
        (sasl_callback_t){SASL_CB_AUTHNAME, (int (*)(void))(void (*)(void))get_name, sasl};
    sasl->callbacks[2] =
        (sasl_callback_t){SASL_CB_PASS, (int (*)(void))(void (*)(void))get_secret, sasl};
    sasl->callbacks[3] = (sasl_callback_t){SASL_CB_LIST_END, NULL, NULL};
    if (sasl_client_new("spice", host, local, remote, sasl->callbacks, SASL_SUCCESS_DATA,
                        &sasl->conn) != SASL_OK ||
        (tls_bits && sasl_setprop(sasl->conn, SASL_SSF_EXTERNAL, &external) != SASL_OK) ||
        sasl_setprop(sasl->conn, SASL_SEC_PROPS, &props) != SASL_OK) {
        fail(error, sasl, "a context can't be made");
        spice_sasl_free(sasl);
        return NULL;
    }
    return sasl;
}

void spice_sasl_free(SpiceSasl *sasl)
{
    if (!sasl)
        return;
    if (sasl->conn)
        sasl_dispose(&sasl->conn);
    if (sasl->secret) {
        memset(sasl->secret->data, 0, sasl->secret->len);
        g_free(sasl->secret);
    }
    g_free(sasl->username);
    g_free(sasl->password);
    g_free(sasl);
}

gboolean spice_sasl_start(SpiceSasl *sasl, const gchar *mechanisms, const gchar **name,
                          const gchar **out, guint *out_size, GError **error)
{
    int result = sasl_client_start(sasl->conn, mechanisms, NULL, out, out_size, name);

    if (result != SASL_OK && result != SASL_CONTINUE)
        return fail(error, sasl, "no mechanism of the server's list can be used");
    if (*out_size > SPICE_SASL_MAX_EXCHANGE)
        return fail(error, sasl, "the initial response is too long");
    sasl->done = result == SASL_OK;
    return TRUE;
}

gboolean spice_sasl_step(SpiceSasl *sasl, const gchar *in, guint in_size, const gchar **out,
                         guint *out_size, gboolean *done, GError **error)
{
    int result = sasl_client_step(sasl->conn, in, in_size, NULL, out, out_size);

    if (result != SASL_OK && result != SASL_CONTINUE)
        return fail(error, sasl, "the mechanism does not accept the server's answer");
    if (*out_size > SPICE_SASL_MAX_EXCHANGE)
        return fail(error, sasl, "the response is too long");
    sasl->done = *done = result == SASL_OK;
    return TRUE;
}

gboolean spice_sasl_is_done(SpiceSasl *sasl)
{
    return sasl->done;
}

gboolean spice_sasl_check_strength(SpiceSasl *sasl, GError **error)
{
    const void *value = NULL;

    if (sasl->tls)
        return TRUE;
    if (sasl_getprop(sasl->conn, SASL_SSF, &value) != SASL_OK ||
        *(const sasl_ssf_t *)value < MIN_SSF)
        return fail(error, sasl, "the negotiated security layer is too weak");
    return TRUE;
}

static gboolean encode(gpointer self, const guint8 *in, gsize size, const guint8 **out,
                       gsize *out_size)
{
    SpiceSasl *sasl = self;
    const char *data = NULL;
    unsigned n = 0;

    if (sasl_encode(sasl->conn, (const char *)in, size, &data, &n) != SASL_OK)
        return FALSE;
    *out = (const guint8 *)data;
    *out_size = n;
    return TRUE;
}

static gboolean decode(gpointer self, const guint8 *in, gsize size, const guint8 **out,
                       gsize *out_size)
{
    SpiceSasl *sasl = self;
    const char *data = NULL;
    unsigned n = 0;

    if (sasl_decode(sasl->conn, (const char *)in, size, &data, &n) != SASL_OK)
        return FALSE;
    *out = (const guint8 *)data;
    *out_size = n;
    return TRUE;
}

static void free_layer(gpointer self)
{
    spice_sasl_free(self);
}

gboolean spice_sasl_get_layer(SpiceSasl *sasl, SpiceSecurityLayer *layer)
{
    const void *value = NULL;
    guint max = 0;

    if (sasl_getprop(sasl->conn, SASL_SSF, &value) != SASL_OK || *(const sasl_ssf_t *)value == 0)
        return FALSE;
    if (sasl_getprop(sasl->conn, SASL_MAXOUTBUF, &value) == SASL_OK)
        max = *(const unsigned *)value;
    *layer = (SpiceSecurityLayer){encode, decode, free_layer, sasl,
                                  max > 0 ? MIN(max, MAX_BUFFER) : 4096};
    return TRUE;
}

SpiceClientError spice_sasl_refusal(SpiceSasl *sasl)
{
    if (sasl->asked_name && sasl->asked_password)
        return SPICE_CLIENT_ERROR_AUTH_NEEDS_PASSWORD_AND_USERNAME;
    return sasl->asked_name ? SPICE_CLIENT_ERROR_AUTH_NEEDS_USERNAME
                            : SPICE_CLIENT_ERROR_AUTH_NEEDS_PASSWORD;
}
