/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pointer shapes of the wire to pixels. Spec: wire.md 13.1, client-glib.md 10.2. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define CURSOR_MAX_SIDE 1024 /* pixels */

/* width * height pixels, bytes R, G, B, A, to be freed by g_free(). NULL: unknown type, bad size,
 * or too few bytes. */
guint8 *spice_cursor_decode(guint type, guint width, guint height, const guint8 *data, gsize size);

G_END_DECLS
