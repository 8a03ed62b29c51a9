/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: a sequence of GLZ streams for one window, each behind a 16-bit little-endian length. Those
 * that have to wait are tried again at the end. The window must keep to its bound. */
#include "codec/glz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WINDOW_PIXELS 20000
#define MAX_IMAGES 64

static CodecResult decode(GlzWindow *window, const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);
    GlzImage *image = NULL;
    uint64_t missing = 0;
    GlzWindowState state;

    memcpy(exact, data, size);
    CodecResult result = glz_decode(window, exact, size, &image, &missing);
    if (result == CODEC_OK && !glz_window_has(window, glz_image_id(image)) &&
        !glz_window_passed(window, glz_image_id(image)))
        abort();
    if (result == CODEC_MISSING && glz_window_passed(window, missing))
        abort();
    glz_image_unref(image);
    glz_window_state(window, &state);
    if (state.pixel_bytes > 3 * WINDOW_PIXELS * 4)
        abort();
    free(exact);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GlzWindow *window = glz_window_new(WINDOW_PIXELS * 4, NULL);
    const uint8_t *waiting[MAX_IMAGES];
    size_t sizes[MAX_IMAGES];
    int n_waiting = 0, n = 0;

    while (size >= 2 && n++ < MAX_IMAGES) {
        size_t part = data[0] | data[1] << 8;

        data += 2;
        size -= 2;
        if (part > size)
            part = size;
        if (decode(window, data, part) == CODEC_MISSING) {
            waiting[n_waiting] = data;
            sizes[n_waiting++] = part;
        }
        data += part;
        size -= part;
    }
    for (int i = 0; i < n_waiting; i++)
        decode(window, waiting[i], sizes[i]);
    glz_window_reset(window);
    if (n_waiting)
        decode(window, waiting[0], sizes[0]);
    glz_window_free(window);
    return 0;
}
