/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages of the display channel carried out, one after the other. */
#include "display/renderer-private.h"

#include "wire/header.h"

#define MAX_MONITORS 256

static void execute_body(Renderer *renderer, uint16_t type, WireBytes body, GBytes *owner,
                         Ahead *ahead, int *fd);

/* ---- Waits
 * -------------------------------------------------------------------------------------------------------
 */

static void wait_for_channels(Renderer *renderer, const WireWaitForChannel *list, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        WaitResult result;

        renderer_rest(renderer);
        renderer_flush(renderer);
        result = shared_wait_for_channel(renderer->peer, list[i].channel_type, list[i].channel_id,
                                         list[i].message_serial);
        if (result == WAIT_CANCELLED)
            return;
        if (result == WAIT_HOPELESS)
            renderer_log(renderer,
                         "all displays wait for each other: this one goes on without message "
                         "%" G_GINT64_MODIFIER "u of channel %u:%u",
                         list[i].message_serial, list[i].channel_type, list[i].channel_id);
    }
}

/* ---- Caches
 * ------------------------------------------------------------------------------------------------------
 */

static void invalidate_list(Renderer *renderer, const WireMsgDisplayInvalList *message)
{
    for (uint32_t i = 0; i < message->n_resources; i++) {
        if (message->resources[i].type == SPICE_RES_TYPE_PIXMAP)
            shared_invalidate_image(renderer->shared, message->resources[i].id);
    }
}

/* ---- The screen
 * ----------------------------------------------------------------------------------------------------
 */

static void mark(Renderer *renderer)
{
    if (!renderer->primary)
        return;
    renderer_flush(renderer);
    renderer_emit(renderer, &(RendererEvent){RENDERER_MARK, {.on = true}});
}

static void reset(Renderer *renderer)
{
    palette_cache_clear(&renderer->palettes);
    renderer_clear_primary(renderer);
    renderer_flush(renderer);
    renderer_emit(renderer, &(RendererEvent){RENDERER_MARK, {.on = false}});
}

static void monitors(Renderer *renderer, const WireMsgDisplayMonitorsConfig *message)
{
    unsigned int max = CLAMP(message->max_allowed, 1, MAX_MONITORS);
    unsigned int n = MIN(message->n_heads, max);
    RendererMonitor list[MAX_MONITORS];

    if (n == 0)
        return;
    for (unsigned int i = 0; i < n; i++) {
        const WireHead *head = &message->heads[i];

        list[i] = (RendererMonitor){head->monitor_id, head->surface_id, head->width,
                                    head->height,     head->x,          head->y};
    }
    renderer_emit(renderer, &(RendererEvent){RENDERER_MONITORS, {.monitors = {list, n, max}}});
}

/* ---- GL
 * ------------------------------------------------------------------------------------------------------------
 */

static void gl_scanout(Renderer *renderer, const WireMsgDisplayGlScanoutUnix *message, int *fd)
{
    RendererEvent event = {
        .type = RENDERER_GL_SCANOUT,
        .u.gl = {message->width, message->height, message->stride, message->drm_fourcc_format,
                 message->flags, *fd},
    };

    if (!renderer->config.gl) {
        renderer_log(renderer,
                     "DISPLAY_GL_SCANOUT_UNIX ignored: this connection can't pass buffers");
        return;
    }
    *fd = -1;
    renderer_flush(renderer);
    renderer_emit(renderer, &event);
}

static void gl_draw(Renderer *renderer, const WireMsgDisplayGlDraw *message)
{
    RendererRect rect = {(int32_t)message->x, (int32_t)message->y, (int32_t)message->w,
                         (int32_t)message->h};

    if (!renderer->config.gl) {
        renderer_log(renderer, "DISPLAY_GL_DRAW ignored: there is no GL scanout");
        return;
    }
    renderer_flush(renderer);
    renderer_emit(renderer, &(RendererEvent){RENDERER_GL_DRAW, {.damage = {&rect, 1}}});
}

/* ---- Dispatch
 * --------------------------------------------------------------------------------------------------------
 */

static void execute_parsed(Renderer *renderer, uint16_t type, const void *message, GBytes *owner,
                           Ahead *ahead, int *fd)
{
    switch (type) {
    case SPICE_MSG_WAIT_FOR_CHANNELS: {
        const WireMsgWaitForChannels *wait = message;

        wait_for_channels(renderer, wait->wait_list, wait->n_wait_list);
        break;
    }
    case SPICE_MSG_DISPLAY_MODE:
        renderer_mode(renderer, message);
        break;
    case SPICE_MSG_DISPLAY_MARK:
        mark(renderer);
        break;
    case SPICE_MSG_DISPLAY_RESET:
        reset(renderer);
        break;
    case SPICE_MSG_DISPLAY_INVAL_LIST:
        invalidate_list(renderer, message);
        break;
    case SPICE_MSG_DISPLAY_INVAL_ALL_PIXMAPS: {
        const WireMsgDisplayInvalAllPixmaps *wait = message;

        wait_for_channels(renderer, wait->wait_list, wait->n_wait_list);
        shared_clear_images(renderer->shared);
        break;
    }
    case SPICE_MSG_DISPLAY_INVAL_PALETTE:
        palette_cache_remove(&renderer->palettes,
                             ((const WireMsgDisplayInvalPalette *)message)->id);
        break;
    case SPICE_MSG_DISPLAY_INVAL_ALL_PALETTES:
        palette_cache_clear(&renderer->palettes);
        break;
    case SPICE_MSG_DISPLAY_SURFACE_CREATE:
        renderer_surface_create(renderer, message);
        break;
    case SPICE_MSG_DISPLAY_SURFACE_DESTROY:
        renderer_surface_destroy(renderer,
                                 ((const WireMsgDisplaySurfaceDestroy *)message)->surface_id);
        break;
    case SPICE_MSG_DISPLAY_MONITORS_CONFIG:
        monitors(renderer, message);
        break;
    case SPICE_MSG_DISPLAY_STREAM_CREATE:
        streams_create(renderer, message);
        break;
    case SPICE_MSG_DISPLAY_STREAM_DATA: {
        const WireMsgDisplayStreamData *frame = message;

        streams_data(renderer, frame->id, frame->multi_media_time, NULL, frame->data, owner);
        break;
    }
    case SPICE_MSG_DISPLAY_STREAM_DATA_SIZED: {
        const WireMsgDisplayStreamDataSized *frame = message;

        streams_data(renderer, frame->id, frame->multi_media_time, &frame->dest, frame->data,
                     owner);
        break;
    }
    case SPICE_MSG_DISPLAY_STREAM_CLIP: {
        const WireMsgDisplayStreamClip *clip = message;

        streams_clip(renderer, clip->id, &clip->clip);
        break;
    }
    case SPICE_MSG_DISPLAY_STREAM_DESTROY:
        streams_destroy(renderer, ((const WireMsgDisplayStreamDestroy *)message)->id);
        break;
    case SPICE_MSG_DISPLAY_STREAM_DESTROY_ALL:
        streams_destroy_all(renderer);
        break;
    case SPICE_MSG_DISPLAY_STREAM_ACTIVATE_REPORT:
        streams_activate_report(renderer, message);
        break;
    case SPICE_MSG_DISPLAY_GL_SCANOUT_UNIX:
        gl_scanout(renderer, message, fd);
        break;
    case SPICE_MSG_DISPLAY_GL_DRAW:
        gl_draw(renderer, message);
        break;
    default:
        if (canvas_is_draw(type))
            renderer_draw(renderer, type, message, ahead);
        break;
    }
}

/* The messages that this one brings along, to be carried out before it. */
static void execute_list(Renderer *renderer, WireBytes body, uint32_t offset, GBytes *owner)
{
    WireSubMessage subs[WIRE_SUB_MESSAGES_MAX];
    WireError error;
    unsigned int n;

    if (!wire_sub_list_read(body.data, body.size, offset, subs, &n, &error)) {
        renderer_broken(renderer, "The server sent a broken list of messages: %s", error.text);
        return;
    }
    for (unsigned int i = 0; i < n && !renderer->failed; i++) {
        int fd = -1;

        execute_body(renderer, subs[i].type, subs[i].body, owner, NULL, &fd);
    }
}

static void execute_body(Renderer *renderer, uint16_t type, WireBytes body, GBytes *owner,
                         Ahead *ahead, int *fd)
{
    const void *message;
    WireError error;

    if (type == SPICE_MSG_LIST) {
        execute_list(renderer, body, 0, owner);
        return;
    }
    if (!wire_message_info(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, type)) {
        /* Future messages must do no harm. */
        renderer_log(renderer, "message of unknown type %u ignored", type);
        return;
    }
    if (ahead) {
        message = ahead->message;
        error = ahead->error;
    } else {
        wire_arena_reset(&renderer->arena);
        message = wire_parse(SPICE_CHANNEL_DISPLAY, WIRE_TO_CLIENT, type, body.data, body.size,
                             &renderer->arena, &error);
    }
    if (!message) {
        renderer_broken(renderer, "The server sent a broken message: %s", error.text);
        return;
    }
    execute_parsed(renderer, type, message, owner, ahead, fd);
}

void renderer_execute(Renderer *renderer, QueuedMessage *message)
{
    RendererInput *input = &message->input;
    WireBytes body;

    if (input->for_owner) {
        RendererEvent event = {RENDERER_MESSAGE, {.message = {input->type, input->body}}};

        renderer_flush(renderer);
        renderer_emit(renderer, &event);
        return;
    }
    body.data = g_bytes_get_data(input->body, &body.size);
    if (input->sub_list != 0)
        execute_list(renderer, body, input->sub_list, input->body);
    if (!renderer->failed)
        execute_body(renderer, input->type, body, input->body, message->ahead, &input->fd);
}
