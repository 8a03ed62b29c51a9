/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole numbers in what a person or a file says. */
#ifndef TOOLS_NUMBER_H
#define TOOLS_NUMBER_H

#include <glib.h>

/* A decimal number from low to high and nothing else: no blanks, no '+'. FALSE, and value as it
 * was, for any other text or NULL. Not g_ascii_string_to_signed(): that also fails when errno is
 * set by what another thread makes it wait for. */
gboolean number_parse(const char *text, gint64 low, gint64 high, gint64 *value);

#endif
