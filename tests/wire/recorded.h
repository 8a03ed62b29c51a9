/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recorded byte streams: loading, and the walk over the messages of one direction. */
#ifndef TESTS_WIRE_RECORDED_H
#define TESTS_WIRE_RECORDED_H

#include "wire/header.h"

#include <glib.h>
#include <json-glib/json-glib.h>

/* A file, unpacked when it's gzip. NULL: can't be read. */
GBytes *recorded_load(const char *folder, const char *file);
/* The same, by a vector's {"file", "bytes", "sha256"}; both are compared. NULL: not as it says. */
GBytes *recorded_load_checked(const char *folder, JsonObject *file);
/* A JSON file; exits when there is none. */
JsonParser *recorded_index(const char *folder, const char *file);
/* Hexadecimal text. */
GBytes *recorded_hex(const char *text);

/* Parse one body and write it again; the bytes must be the same, apart from what stands behind
 * them: *written bytes were compared. False, and a line of why on stdout. */
bool recorded_same(uint8_t channel, WireDirection dir, uint16_t type, const uint8_t *body,
                   size_t size, size_t *written);
/* The messages inside of a message, in the same way. list: from the header, or 0 for
 * SPICE_MSG_LIST. */
bool recorded_subs_same(uint8_t channel, WireDirection dir, const uint8_t *body, size_t size,
                        uint32_t list);

#endif
