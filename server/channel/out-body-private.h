/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an OutBody holds; for the engine. */
#ifndef SERVER_CHANNEL_OUT_BODY_PRIVATE_H
#define SERVER_CHANNEL_OUT_BODY_PRIVATE_H

#include <glib.h>

#include "channel/out-body.h"

enum { OUT_BODY_BLOBS = 4 };

struct OutBody {
    WireBuffer bytes; /* its gather is the one below */
    WireGather gather;
    Blob *blobs[WIRE_GATHER_PIECES]; /* a reference for each piece */
};

#endif
