/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzz target: the bytes of a display channel, into a renderer with small limits. The first byte
 * chooses how: 1 errors are skipped, 2 the long message header, 4 the server knows reports and GL.
 */
#include <stdint.h>
#include <stdlib.h>

#include "display/player.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every look at the clock is a frame later, so that video is shown without waiting. */
static int64_t next_now(void *ctx)
{
    static int64_t now;

    return now += 10000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RendererSharedLimits limits = {
        .cache_pixels = 1 << 16, .glz_pixels = 1 << 16, .image_pixels = 1 << 18};
    RendererShared *shared;
    RendererConfig config;
    Player player;
    uint32_t width, height;

    if (size < 1)
        return 0;
    shared = renderer_shared_new(&limits);
    renderer_config_init(&config);
    config.policy = data[0] & 1 ? RENDERER_SKIP_ERRORS : RENDERER_CLOSE_ON_ERROR;
    config.stream_reports = config.gl = (data[0] & 4) != 0;
    config.own_thread = false;
    config.gstreamer = false;
    config.surface_bytes = config.primary_bytes = 1 << 20;
    config.now = next_now;
    player_init(&player, shared, &config, 0, !(data[0] & 2), NULL);
    for (size_t at = 1; at < size; at += 4096) {
        player_feed(&player, data + at, MIN(size - at, 4096));
        renderer_run(player.renderer);
    }
    free(player_picture(&player, &width, &height));
    renderer_reset(player.renderer, NULL);
    player_feed(&player, data + 1, MIN(size - 1, 256));
    renderer_run(player.renderer);
    player_clear(&player);
    renderer_shared_unref(shared);
    return 0;
}
