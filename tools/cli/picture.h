/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest's picture as spice-cli looks at it: pixels in 8-bit RGB, whatever the surface's format
 * is. */
#ifndef TOOLS_CLI_PICTURE_H
#define TOOLS_CLI_PICTURE_H

#include <glib.h>

typedef struct Picture {
    guint width, height;
    guint8 *rgb; /* width * height * 3 bytes, row by row from the top */
} Picture;

/* From the rows of a surface: format is a SPICE_SURFACE_FMT code. NULL for a format without colours
 * or an empty area. */
Picture *picture_from_surface(int format, guint width, guint height, gsize stride,
                              const guint8 *data);

/* A part of it, cut to what is there; NULL when nothing is. */
Picture *picture_crop(const Picture *picture, int x, int y, int width, int height);

void picture_free(Picture *picture);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Picture, picture_free)

/* Text screens, blank screens and empty desktops: one colour fills three quarters or more. */
gboolean picture_is_plain(const Picture *picture);

/* PNG for paths that end so, else PPM (P6). "-" is standard output (PNG). */
gboolean picture_save(const Picture *picture, const char *path, GError **error);

#endif
