/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The user of the tests' SASL database (net_sasl_init()), as a client of SASL is asked for her. */
#ifndef TESTS_SERVER_SASL_USER_H
#define TESTS_SERVER_SASL_USER_H

#include <sasl/sasl.h>

/* What she answers for her password; "wonder" is the right one. */
extern const char *sasl_user_password;
/* For sasl_client_init() and sasl_client_new(). */
extern const sasl_callback_t sasl_user[];

#endif
