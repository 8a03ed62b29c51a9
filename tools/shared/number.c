/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole numbers in what a person or a file says. */
#include "config.h"
#include "number.h"

gboolean number_parse(const char *text, gint64 low, gint64 high, gint64 *value)
{
    char *end;

    if (!text || !g_ascii_isdigit(text[*text == '-']))
        return FALSE;
    /* What doesn't fit in 64 bits comes back as the outermost number. */
    gint64 number = g_ascii_strtoll(text, &end, 10);
    if (*end || number < low || number > high)
        return FALSE;
    *value = number;
    return TRUE;
}
