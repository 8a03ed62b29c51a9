/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The HTTP request that turns a connection into a WebSocket. Pure functions on bytes.
 * docs/spec/server-api.md 8.3, docs/spec/wire.md 17 */
#ifndef SERVER_LINK_UPGRADE_H
#define SERVER_LINK_UPGRADE_H

#include <stddef.h>

enum {
    UPGRADE_REQUEST_MAX = 8192, /* bytes with the empty line */
    UPGRADE_ANSWER_MAX = 512,
};

typedef enum UpgradeResult {
    UPGRADE_INCOMPLETE, /* no empty line yet */
    UPGRADE_ACCEPTED,   /* answer: what to send; *used: bytes of the request, the rest are frames */
    UPGRADE_REFUSED,    /* answer: what to send before closing */
} UpgradeResult;

/* size: at most UPGRADE_REQUEST_MAX; a full buffer without an empty line is refused. The answer is
 * a text of UPGRADE_ANSWER_MAX bytes at most, with its NUL. */
UpgradeResult upgrade_parse(const char *request, size_t size, size_t *used, char *answer);

#endif
