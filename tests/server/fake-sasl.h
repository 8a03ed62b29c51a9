/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A SASL library for tests of the exchange around it: linked in place of link/link-sasl.c. Offered:
 * ECHO, and a mechanism whose name has 100 characters. The client's data tell what happens: its
 * first byte 'c' (go on), 'd' (done), 'w' (done, but weak) or else (failed); what follows is the
 * answer. */
#ifndef TESTS_SERVER_FAKE_SASL_H
#define TESTS_SERVER_FAKE_SASL_H

#include <stdbool.h>

#define FAKE_SASL_LONG_NAME                              \
    "NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN" \
    "NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN"
#define FAKE_SASL_LIST ",ECHO," FAKE_SASL_LONG_NAME ","

/* Text of what came last: mechanism name or "-", and the size of the data, "none" for NULL. */
extern char fake_sasl_last[200];
extern bool fake_sasl_refuses; /* no context can be made */

#endif
