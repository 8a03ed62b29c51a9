/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The server's side of a SASL exchange. See link-sasl.h. */
#include <pthread.h>
#include <sasl/sasl.h>
#include <string.h>

#include "link/link-sasl.h"

#include "log.h"

/* Cyrus has data of the whole process without locks of its own; helpers of several servers take
 * turns. */
static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;
static bool library_ready; /* guarded by it */
/* Contexts to be disposed of: the main thread doesn't wait for a mechanism that has the library. */
static pthread_mutex_t left_lock = PTHREAD_MUTEX_INITIALIZER;
static GSList *left; /* guarded by left_lock, which is never held for long */

struct LinkSasl {
    sasl_conn_t *conn;
    char *local, *peer;
    unsigned tls_bits;
    const char *mechanisms;
    char error[160];
};

static GSList *take_left(void)
{
    GSList *taken;

    pthread_mutex_lock(&left_lock);
    taken = g_steal_pointer(&left);
    pthread_mutex_unlock(&left_lock);
    return taken;
}

/* With the lock of the library held. */
static void dispose_left(void)
{
    for (GSList *taken = take_left(); taken; taken = g_slist_delete_link(taken, taken)) {
        sasl_conn_t *conn = taken->data;

        sasl_dispose(&conn);
    }
}

static bool any_left(void)
{
    bool any;

    pthread_mutex_lock(&left_lock);
    any = left != NULL;
    pthread_mutex_unlock(&left_lock);
    return any;
}

/* If somebody else is in the library, it is theirs to do when they leave. */
static void try_dispose(void)
{
    while (any_left() && pthread_mutex_trylock(&library_lock) == 0) {
        dispose_left();
        pthread_mutex_unlock(&library_lock);
    }
}

static void leave_library(void)
{
    pthread_mutex_unlock(&library_lock);
    try_dispose();
}

static void leave_context(sasl_conn_t *conn)
{
    pthread_mutex_lock(&left_lock);
    left = g_slist_prepend(left, conn);
    pthread_mutex_unlock(&left_lock);
    try_dispose();
}

bool link_sasl_library_init(const char *application)
{
    int result = SASL_OK;

    pthread_mutex_lock(&library_lock);
    if (!library_ready) {
        result = sasl_server_init(NULL, application && application[0] ? application : "spice");
        library_ready = result == SASL_OK;
    }
    leave_library();
    if (result != SASL_OK)
        log_warning("SASL can't be used: %s", sasl_errstring(result, NULL, NULL));
    return result == SASL_OK;
}

LinkSasl *link_sasl_new(const char *local, const char *peer, unsigned tls_bits)
{
    LinkSasl *sasl = g_new0(LinkSasl, 1);

    sasl->local = g_strdup(local);
    sasl->peer = g_strdup(peer);
    sasl->tls_bits = tls_bits;
    return sasl;
}

void link_sasl_free(LinkSasl *sasl)
{
    if (!sasl)
        return;
    if (sasl->conn)
        leave_context(sasl->conn);
    g_free(sasl->local);
    g_free(sasl->peer);
    g_free(sasl);
}

static void set_error(LinkSasl *sasl, int result)
{
    g_strlcpy(sasl->error, sasl->conn ? sasl_errdetail(sasl->conn) : sasl_errstring(result, 0, 0),
              sizeof sasl->error);
}

static int make_context(LinkSasl *sasl)
{
    sasl_security_properties_t properties = {.maxbufsize = 8192, .max_ssf = 100000};
    sasl_ssf_t external = sasl->tls_bits;
    int result = sasl_server_new("spice", NULL, NULL, sasl->local, sasl->peer, NULL,
                                 SASL_SUCCESS_DATA, &sasl->conn);

    if (result != SASL_OK)
        return result;
    if (sasl->tls_bits) {
        properties.max_ssf = 0;
        result = sasl_setprop(sasl->conn, SASL_SSF_EXTERNAL, &external);
    } else {
        properties.min_ssf = SASL_MIN_STRENGTH;
        properties.security_flags = SASL_SEC_NOANONYMOUS | SASL_SEC_NOPLAINTEXT;
    }
    if (result == SASL_OK)
        result = sasl_setprop(sasl->conn, SASL_SEC_PROPS, &properties);
    if (result == SASL_OK)
        result = sasl_listmech(sasl->conn, NULL, ",", ",", ",", &sasl->mechanisms, NULL, NULL);
    return result;
}

const char *link_sasl_begin(LinkSasl *sasl, const char *application)
{
    int result;

    if (!link_sasl_library_init(application))
        return NULL;
    pthread_mutex_lock(&library_lock);
    result = make_context(sasl);
    if (result != SASL_OK) {
        set_error(sasl, result);
        sasl->mechanisms = NULL;
    }
    leave_library();
    return sasl->mechanisms;
}

bool link_sasl_offers(const LinkSasl *sasl, const uint8_t *name, size_t size)
{
    const char *list = sasl->mechanisms;

    if (size == 0 || memchr(name, ',', size) || memchr(name, 0, size))
        return false;
    while (list && *list) {
        const char *item = list + 1, *end = strchr(item, ',');

        if (!end)
            return false;
        if ((size_t)(end - item) == size && memcmp(item, name, size) == 0)
            return true;
        list = end;
    }
    return false;
}

LinkSaslStep link_sasl_step(LinkSasl *sasl, const char *mechanism, const void *data, size_t size,
                            const void **out, size_t *out_size)
{
    const char *answer = NULL;
    unsigned answer_size = 0;
    int result;

    pthread_mutex_lock(&library_lock);
    if (mechanism)
        result =
            sasl_server_start(sasl->conn, mechanism, data, (unsigned)size, &answer, &answer_size);
    else
        result = sasl_server_step(sasl->conn, data, (unsigned)size, &answer, &answer_size);
    if (result != SASL_OK && result != SASL_CONTINUE)
        set_error(sasl, result);
    leave_library();
    *out = answer;
    *out_size = answer ? answer_size : 0;
    if (*out_size > SASL_DATA_MAX) {
        g_strlcpy(sasl->error, "the mechanism's answer is too long", sizeof sasl->error);
        return LINK_SASL_FAILED;
    }
    return result == SASL_OK         ? LINK_SASL_COMPLETE
           : result == SASL_CONTINUE ? LINK_SASL_CONTINUE
                                     : LINK_SASL_FAILED;
}

static unsigned strength(const LinkSasl *sasl)
{
    const void *value = NULL;

    if (sasl_getprop(sasl->conn, SASL_SSF, &value) != SASL_OK || !value)
        return 0;
    return *(const sasl_ssf_t *)value;
}

bool link_sasl_is_strong(const LinkSasl *sasl)
{
    return sasl->tls_bits || strength(sasl) >= SASL_MIN_STRENGTH;
}

struct sasl_conn *link_sasl_take_layer(LinkSasl *sasl)
{
    struct sasl_conn *conn = sasl->conn;

    if (strength(sasl) == 0)
        return NULL;
    sasl->conn = NULL;
    sasl->mechanisms = NULL;
    return conn;
}

const char *link_sasl_error(const LinkSasl *sasl)
{
    return sasl->error;
}
