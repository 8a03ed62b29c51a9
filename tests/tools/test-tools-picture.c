/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of spice-cli's pictures: formats, cropping, the text screen test, files. */
#include "config.h"
#include "../../tools/cli/picture.h"

#include <glib/gstdio.h>
#include <png.h>
#include <spice/enums.h>
#include <string.h>

static void formats(void)
{
    const guint8 rgb32[] = {3, 2, 1, 0, 6, 5, 4, 255};
    g_autoptr(Picture) a = picture_from_surface(SPICE_SURFACE_FMT_32_xRGB, 2, 1, 8, rgb32);
    const guint8 expected32[] = {1, 2, 3, 4, 5, 6};
    g_assert_cmpmem(a->rgb, 6, expected32, 6);

    const guint16 rgb16[] = {0x7fff, 0x7c00, 0x03e0, 0x001f, 0x8421};
    g_autoptr(Picture) b =
        picture_from_surface(SPICE_SURFACE_FMT_16_555, 5, 1, 10, (const guint8 *)rgb16);
    const guint8 expected16[] = {255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255, 8, 8, 8};
    g_assert_cmpmem(b->rgb, 15, expected16, 15);

    const guint16 rgb565[] = {0xffff, 0x07e0};
    g_autoptr(Picture) c =
        picture_from_surface(SPICE_SURFACE_FMT_16_565, 2, 1, 4, (const guint8 *)rgb565);
    const guint8 expected565[] = {255, 255, 255, 0, 255, 0};
    g_assert_cmpmem(c->rgb, 6, expected565, 6);

    g_assert_null(picture_from_surface(SPICE_SURFACE_FMT_8_A, 1, 1, 4, rgb32));
    g_assert_null(picture_from_surface(SPICE_SURFACE_FMT_32_xRGB, 0, 1, 4, rgb32));
    g_assert_null(picture_from_surface(SPICE_SURFACE_FMT_32_xRGB, 1, 1, 4, NULL));
}

static Picture *gradient(guint width, guint height)
{
    g_autofree guint8 *data = g_malloc(width * height * 4);
    for (guint i = 0; i < width * height; i++)
        memset(data + 4 * i, (int)i, 4);
    return picture_from_surface(SPICE_SURFACE_FMT_32_xRGB, width, height, width * 4, data);
}

static void cropping(void)
{
    g_autoptr(Picture) whole = gradient(4, 4);
    g_autoptr(Picture) part = picture_crop(whole, 1, 2, 2, 2);
    g_assert_cmpuint(part->width, ==, 2);
    g_assert_cmpuint(part->height, ==, 2);
    g_assert_cmpuint(part->rgb[0], ==, 9);
    g_assert_cmpuint(part->rgb[9], ==, 14);
    g_autoptr(Picture) cut = picture_crop(whole, 3, 3, G_MAXINT, G_MAXINT);
    g_assert_cmpuint(cut->width, ==, 1);
    g_assert_cmpuint(cut->rgb[0], ==, 15);
    g_autoptr(Picture) before = picture_crop(whole, -2, -2, 3, 3);
    g_assert_cmpuint(before->width, ==, 1);
    g_assert_null(picture_crop(whole, 4, 0, 1, 1));
    g_assert_null(picture_crop(whole, 0, 0, -5, 1));
    g_assert_null(picture_crop(whole, G_MININT, G_MININT, 1, 1));
}

/* count pixels of a hundred in colours of their own, the rest alike. */
static gboolean is_plain(guint count, guint8 background)
{
    guint8 data[100 * 4];
    memset(data, background, sizeof data);
    for (guint i = 0; i < count; i++)
        data[4 * (i * 37 % 100)] = (guint8)(background + 1 + i);
    g_autoptr(Picture) picture = picture_from_surface(SPICE_SURFACE_FMT_32_xRGB, 10, 10, 40, data);
    return picture_is_plain(picture);
}

static void plain_pictures(void)
{
    g_assert_true(is_plain(0, 0));
    g_assert_true(is_plain(20, 0));
    g_assert_true(is_plain(25, 0xaa));
    g_assert_false(is_plain(26, 0xaa));
    g_assert_false(is_plain(60, 0));
    g_assert_false(is_plain(100, 0));
}

static void files(void)
{
    g_autoptr(Picture) picture = gradient(7, 5);
    g_autofree char *folder = g_dir_make_tmp("picture-XXXXXX", NULL);
    g_autofree char *png = g_build_filename(folder, "a.png", NULL);
    g_autofree char *ppm = g_build_filename(folder, "a.ppm", NULL);
    g_autofree char *nowhere = g_build_filename(folder, "no", "a.png", NULL);
    g_autoptr(GError) error = NULL;
    g_assert_true(picture_save(picture, png, &error));
    g_assert_true(picture_save(picture, ppm, &error));
    g_assert_no_error(error);
    g_assert_false(picture_save(picture, nowhere, &error));
    g_assert_nonnull(error);

    png_image image = {.version = PNG_IMAGE_VERSION};
    guint8 rgb[7 * 5 * 3];
    g_assert_true(png_image_begin_read_from_file(&image, png));
    g_assert_cmpuint(image.width, ==, 7);
    g_assert_cmpuint(image.height, ==, 5);
    image.format = PNG_FORMAT_RGB;
    g_assert_true(png_image_finish_read(&image, NULL, rgb, 0, NULL));
    g_assert_cmpmem(rgb, sizeof rgb, picture->rgb, sizeof rgb);

    g_autofree char *text = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(ppm, &text, &size, NULL));
    const char header[] = "P6\n7 5\n255\n";
    g_assert_cmpuint(size, ==, strlen(header) + sizeof rgb);
    g_assert_cmpmem(text, strlen(header), header, strlen(header));
    g_assert_cmpmem(text + strlen(header), sizeof rgb, picture->rgb, sizeof rgb);
    g_unlink(png);
    g_unlink(ppm);
    g_rmdir(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/picture/formats", formats);
    g_test_add_func("/picture/crop", cropping);
    g_test_add_func("/picture/plain", plain_pictures);
    g_test_add_func("/picture/files", files);
    return g_test_run();
}
