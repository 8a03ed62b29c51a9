/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Surfaces: sizes, memory and the formats of section 2.1 of docs/spec/canvas.md. */
#include <stdlib.h>
#include <string.h>

#include <spice/enums.h>

#include "canvas/canvas.h"
#include "canvas/pixels.h"
#include "overflow.h"

#define MAX_SIDE 65535

const char *canvas_result_text(CanvasResult result)
{
    switch (result) {
    case CANVAS_OK:
        return "no error";
    case CANVAS_NO_SURFACE:
        return "the surface doesn't exist";
    case CANVAS_BAD_MESSAGE:
        return "the command holds an invalid value";
    case CANVAS_BAD_IMAGE:
        return "an image can't be decoded or used here";
    case CANVAS_TOO_LARGE:
        return "an image or surface is larger than the limit";
    case CANVAS_NO_PALETTE:
        return "a palette isn't in the cache";
    case CANVAS_MISSING:
        return "an image refers to one that hasn't arrived";
    case CANVAS_NO_MEMORY:
        return "out of memory";
    }
    return "unknown result";
}

size_t canvas_surface_bytes(uint32_t format, uint32_t width, uint32_t height)
{
    pixman_format_code_t code = canvas_surface_pixman_format(format);
    size_t stride, bytes;

    if (!code || width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE)
        return 0;
    stride = ((size_t)width * PIXMAN_FORMAT_BPP(code) + 31) / 32 * 4;
    return size_mul(stride, height, &bytes) ? bytes : 0;
}

static CanvasSurface *wrap(uint32_t format, uint32_t width, uint32_t height, void *data,
                           ptrdiff_t stride, bool owns)
{
    CanvasSurface *surface = malloc(sizeof *surface);

    if (!surface)
        return NULL;
    surface->pixels =
        (CanvasPixels){data, stride, width, height, canvas_surface_pixman_format(format)};
    surface->format = format;
    surface->owns_data = owns;
    return surface;
}

CanvasSurface *canvas_surface_new(uint32_t format, uint32_t width, uint32_t height,
                                  size_t max_bytes, CanvasResult *result)
{
    size_t bytes = canvas_surface_bytes(format, width, height);
    CanvasSurface *surface;
    void *data;

    *result = bytes == 0 ? CANVAS_BAD_MESSAGE : bytes > max_bytes ? CANVAS_TOO_LARGE : CANVAS_OK;
    if (*result != CANVAS_OK)
        return NULL;
    data = calloc(1, bytes);
    surface = data ? wrap(format, width, height, data, bytes / height, true) : NULL;
    if (!surface) {
        free(data);
        *result = CANVAS_NO_MEMORY;
    }
    return surface;
}

CanvasSurface *canvas_surface_new_for_data(uint32_t format, uint32_t width, uint32_t height,
                                           void *data, ptrdiff_t stride, CanvasResult *result)
{
    size_t bytes = canvas_surface_bytes(format, width, height);
    size_t length = stride < 0 ? -(size_t)stride : (size_t)stride;
    CanvasSurface *surface = NULL;

    *result = bytes == 0 || length % 4 != 0 || length > INT32_MAX || length < bytes / height ||
                      (uintptr_t)data % 4 != 0
                  ? CANVAS_BAD_MESSAGE
                  : CANVAS_OK;
    if (*result == CANVAS_OK) {
        surface = wrap(format, width, height, data, stride, false);
        *result = surface ? CANVAS_OK : CANVAS_NO_MEMORY;
    }
    return surface;
}

void canvas_surface_free(CanvasSurface *surface)
{
    if (!surface)
        return;
    if (surface->owns_data)
        free(surface->pixels.data);
    free(surface);
}

uint32_t canvas_mode_format(uint32_t bits)
{
    return bits == 32 ? SPICE_SURFACE_FMT_32_xRGB : SPICE_SURFACE_FMT_16_555;
}

void canvas_surface_clear(CanvasSurface *surface)
{
    size_t row_bytes =
        ((size_t)surface->pixels.width * PIXMAN_FORMAT_BPP(surface->pixels.format) + 7) / 8;

    for (int32_t y = 0; y < surface->pixels.height; y++)
        memset(canvas_row(&surface->pixels, y), 0, row_bytes);
}
