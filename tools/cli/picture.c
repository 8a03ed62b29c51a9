/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Converts surfaces to RGB, judges and saves them. */
#include "config.h"
#include "picture.h"

#include <errno.h>
#include <gio/gio.h>
#include <png.h>
#include <spice/enums.h>
#include <stdio.h>
#include <string.h>

static guint8 widen5(guint value)
{
    return (guint8)(value << 3 | value >> 2);
}

static guint8 widen6(guint value)
{
    return (guint8)(value << 2 | value >> 4);
}

static void convert_row(int format, const guint8 *from, guint8 *to, guint width)
{
    for (guint x = 0; x < width; x++, to += 3) {
        guint16 pixel;
        switch (format) {
        case SPICE_SURFACE_FMT_32_xRGB:
        case SPICE_SURFACE_FMT_32_ARGB:
            to[0] = from[4 * x + 2];
            to[1] = from[4 * x + 1];
            to[2] = from[4 * x];
            break;
        case SPICE_SURFACE_FMT_16_555:
            memcpy(&pixel, from + 2 * x, 2);
            to[0] = widen5(pixel >> 10 & 31);
            to[1] = widen5(pixel >> 5 & 31);
            to[2] = widen5(pixel & 31);
            break;
        case SPICE_SURFACE_FMT_16_565:
            memcpy(&pixel, from + 2 * x, 2);
            to[0] = widen5(pixel >> 11);
            to[1] = widen6(pixel >> 5 & 63);
            to[2] = widen5(pixel & 31);
            break;
        }
    }
}

static Picture *picture_new(guint width, guint height)
{
    guint8 *rgb = g_try_malloc_n(height, (gsize)width * 3);
    if (!rgb)
        return NULL;
    Picture *picture = g_new0(Picture, 1);
    picture->width = width;
    picture->height = height;
    picture->rgb = rgb;
    return picture;
}

Picture *picture_from_surface(int format, guint width, guint height, gsize stride,
                              const guint8 *data)
{
    gboolean known = format == SPICE_SURFACE_FMT_32_xRGB || format == SPICE_SURFACE_FMT_32_ARGB ||
                     format == SPICE_SURFACE_FMT_16_555 || format == SPICE_SURFACE_FMT_16_565;
    if (!known || !width || !height || !data)
        return NULL;
    Picture *picture = picture_new(width, height);
    for (guint y = 0; picture && y < height; y++)
        convert_row(format, data + y * stride, picture->rgb + (gsize)y * width * 3, width);
    return picture;
}

Picture *picture_crop(const Picture *picture, int x, int y, int width, int height)
{
    gint64 left = CLAMP((gint64)x, 0, picture->width);
    gint64 top = CLAMP((gint64)y, 0, picture->height);
    gint64 right = CLAMP((gint64)x + width, left, picture->width);
    gint64 bottom = CLAMP((gint64)y + height, top, picture->height);
    if (left == right || top == bottom)
        return NULL;
    Picture *part = picture_new((guint)(right - left), (guint)(bottom - top));
    for (gint64 row = 0; part && row < bottom - top; row++)
        memcpy(part->rgb + row * part->width * 3,
               picture->rgb + ((top + row) * picture->width + left) * 3, (gsize)part->width * 3);
    return part;
}

void picture_free(Picture *picture)
{
    if (!picture)
        return;
    g_free(picture->rgb);
    g_free(picture);
}

gboolean picture_is_plain(const Picture *picture)
{
    gsize pixels = (gsize)picture->width * picture->height, votes = 0, count = 0;
    const guint8 *candidate = picture->rgb;
    /* A colour that fills more than half outvotes all others together. */
    for (gsize i = 0; i < pixels; i++) {
        const guint8 *pixel = picture->rgb + 3 * i;
        if (!votes)
            candidate = pixel;
        if (memcmp(pixel, candidate, 3) == 0)
            votes++;
        else
            votes--;
    }
    for (gsize i = 0; i < pixels; i++)
        count += memcmp(picture->rgb + 3 * i, candidate, 3) == 0;
    return count >= pixels - pixels / 4;
}

static gboolean write_png(const Picture *picture, FILE *file, char message[64])
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = picture->width,
                       .height = picture->height,
                       .format = PNG_FORMAT_RGB};
    gboolean ok = png_image_write_to_stdio(&image, file, 0, picture->rgb, 0, NULL);
    g_strlcpy(message, image.message, 64);
    png_image_free(&image);
    return ok;
}

gboolean picture_save(const Picture *picture, const char *path, GError **error)
{
    char message[64] = "";
    gboolean to_stdout = strcmp(path, "-") == 0;
    g_autofree char *lower = g_ascii_strdown(path, -1);
    FILE *file = to_stdout ? stdout : fopen(path, "wb");
    gboolean ok = file != NULL;

    if (ok && g_str_has_suffix(lower, ".ppm")) {
        gsize size = (gsize)picture->width * picture->height * 3;
        ok = fprintf(file, "P6\n%u %u\n255\n", picture->width, picture->height) > 0 &&
             fwrite(picture->rgb, 1, size, file) == size;
    } else if (ok) {
        ok = write_png(picture, file, message);
    }
    int saved = errno;
    if (file && (to_stdout ? fflush(file) : fclose(file)) != 0 && ok) {
        saved = errno;
        ok = FALSE;
    }
    if (!ok)
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(saved), "%s: %s", path,
                    *message ? message : g_strerror(saved));
    return ok;
}
