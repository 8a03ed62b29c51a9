/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Alice, who has a password for every mechanism that asks. */
#include "sasl-user.h"

#include <string.h>

const char *sasl_user_password = "wonder";

static int give_name(void *context, int id, const char **result, unsigned *size)
{
    *result = "alice";
    if (size)
        *size = 5;
    return SASL_OK;
}

static int give_secret(sasl_conn_t *conn, void *context, int id, sasl_secret_t **secret)
{
    static union {
        sasl_secret_t secret;
        char space[sizeof(sasl_secret_t) + 32];
    } kept;

    kept.secret.len = strlen(sasl_user_password);
    memcpy(kept.secret.data, sasl_user_password, kept.secret.len + 1);
    *secret = &kept.secret;
    return SASL_OK;
}

/* The library has one type for callbacks of all kinds. */
const sasl_callback_t sasl_user[] = {
    {SASL_CB_USER, (int (*)(void))(void (*)(void))give_name, NULL},
    {SASL_CB_AUTHNAME, (int (*)(void))(void (*)(void))give_name, NULL},
    {SASL_CB_PASS, (int (*)(void))(void (*)(void))give_secret, NULL},
    {SASL_CB_LIST_END, NULL, NULL},
};
