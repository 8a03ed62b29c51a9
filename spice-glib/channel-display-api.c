/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public functions of SpiceDisplayChannel, and SpiceGlScanout. Spec: client-glib.md 8. */
#include "config.h"

#include <unistd.h>

#include "spice-client.h"
#include "channel-display-private.h"

/* ---- GL scanout, a boxed type
 * ---------------------------------------------------------------------------------------- */

static SpiceGlScanout *gl_scanout_copy(const SpiceGlScanout *scanout)
{
    SpiceGlScanout *copy = g_memdup2(scanout, sizeof *scanout);

    if (copy->fd >= 0)
        copy->fd = dup(scanout->fd);
    return copy;
}

/**
 * spice_gl_scanout_free: (skip)
 * @scanout: a #SpiceGlScanout
 *
 * Close the file descriptor of a copy and free it.
 *
 * Since: 0.31
 */
void spice_gl_scanout_free(SpiceGlScanout *scanout)
{
    g_return_if_fail(scanout != NULL);

    if (scanout->fd >= 0)
        close(scanout->fd);
    g_free(scanout);
}

G_DEFINE_BOXED_TYPE(SpiceGlScanout, spice_gl_scanout, gl_scanout_copy, spice_gl_scanout_free)

/* ---- Public functions
 * -------------------------------------------------------------------------------------------------------
 */

/**
 * spice_display_channel_get_primary:
 * @channel: (type SpiceDisplayChannel): a #SpiceDisplayChannel
 * @surface_id: 0, or the surface that an entry of #SpiceDisplayChannel:monitors names
 * @primary: where to tell about it
 *
 * Describe the screen. The data is the live picture: it changes between dispatches of the main
 * context, and is valid until #SpiceDisplayChannel::display-primary-destroy. Spec:
 * client-glib.md 8.2.
 *
 * Returns: %TRUE if there is such a screen
 *
 * Since: 0.35
 */
gboolean spice_display_channel_get_primary(SpiceChannel *channel, guint32 surface_id,
                                           SpiceDisplayPrimary *primary)
{
    SpiceDisplayChannelPrivate *priv;

    g_return_val_if_fail(SPICE_IS_DISPLAY_CHANNEL(channel), FALSE);
    g_return_val_if_fail(primary != NULL, FALSE);

    priv = SPICE_DISPLAY_CHANNEL(channel)->priv;
    if (!priv->primary || priv->primary->surface_id != surface_id)
        return FALSE;
    *primary = (SpiceDisplayPrimary){
        .format = priv->primary->format,
        .width = (gint)priv->primary->width,
        .height = (gint)priv->primary->height,
        .stride = (gint)priv->primary->stride,
        .shmid = -1,
        .data = priv->primary->data,
        .marked = priv->marked,
    };
    return TRUE;
}

/**
 * spice_display_channel_change_preferred_compression:
 * @channel: (type SpiceDisplayChannel): a #SpiceDisplayChannel
 * @compression: a #SpiceImageCompression
 *
 * Ask the server to compress images this way from now on. Nothing happens when the server can't be
 * asked. Spec: client-glib.md 8.6.
 *
 * Since: 0.35
 */
void spice_display_channel_change_preferred_compression(SpiceChannel *channel, gint compression)
{
    WireMsgcDisplayPreferredCompression message = {.image_compression = (guint8)compression};

    g_return_if_fail(SPICE_IS_DISPLAY_CHANNEL(channel));
    g_return_if_fail(compression > SPICE_IMAGE_COMPRESSION_INVALID &&
                     compression < SPICE_IMAGE_COMPRESSION_ENUM_END);

    if (spice_channel_test_capability(channel, SPICE_DISPLAY_CAP_PREF_COMPRESSION))
        spice_channel_send(channel, SPICE_MSGC_DISPLAY_PREFERRED_COMPRESSION, &message);
}

/**
 * spice_display_channel_change_preferred_video_codec_types:
 * @channel: (type SpiceDisplayChannel): a #SpiceDisplayChannel
 * @codecs: (array length=ncodecs): #SpiceVideoCodecType values, the most wanted one first
 * @ncodecs: how many
 * @err: return location for an error, or %NULL
 *
 * Ask the server to prefer these video codecs, in this order. Spec: client-glib.md 8.6.
 *
 * Returns: %TRUE if the server was asked; %FALSE with @err set to %SPICE_CLIENT_ERROR_FAILED when
 * it doesn't understand that, or for a value that is no codec
 *
 * Since: 0.38
 */
gboolean spice_display_channel_change_preferred_video_codec_types(SpiceChannel *channel,
                                                                  const gint *codecs, gsize ncodecs,
                                                                  GError **err)
{
    WireMsgcDisplayPreferredVideoCodecType message = {0};
    guint8 list[G_MAXUINT8];

    g_return_val_if_fail(SPICE_IS_DISPLAY_CHANNEL(channel), FALSE);
    g_return_val_if_fail(codecs != NULL && ncodecs > 0 && ncodecs <= G_N_ELEMENTS(list), FALSE);

    if (!spice_channel_test_capability(channel, SPICE_DISPLAY_CAP_PREF_VIDEO_CODEC_TYPE)) {
        g_set_error_literal(
            err, SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_FAILED,
            "Channel does not have capability to change the preferred video codec type");
        return FALSE;
    }
    for (gsize i = 0; i < ncodecs; i++) {
        if (codecs[i] < SPICE_VIDEO_CODEC_TYPE_MJPEG ||
            codecs[i] >= SPICE_VIDEO_CODEC_TYPE_ENUM_END) {
            g_set_error(err, SPICE_CLIENT_ERROR, SPICE_CLIENT_ERROR_FAILED,
                        "Invalid codec-type found (%d): it should be between %d and %d", codecs[i],
                        SPICE_VIDEO_CODEC_TYPE_MJPEG, SPICE_VIDEO_CODEC_TYPE_ENUM_END - 1);
            return FALSE;
        }
        list[i] = (guint8)codecs[i];
    }
    message.n_codecs = (guint32)ncodecs;
    message.codecs = list;
    spice_channel_send(channel, SPICE_MSGC_DISPLAY_PREFERRED_VIDEO_CODEC_TYPE, &message);
    return TRUE;
}

/**
 * spice_display_channel_change_preferred_video_codec_type:
 * @channel: (type SpiceDisplayChannel): a #SpiceDisplayChannel
 * @codec_type: a #SpiceVideoCodecType
 *
 * Ask the server to prefer one video codec.
 *
 * Since: 0.35
 * Deprecated: 0.38: use spice_display_channel_change_preferred_video_codec_types() instead.
 */
void spice_display_channel_change_preferred_video_codec_type(SpiceChannel *channel, gint codec_type)
{
    GError *error = NULL;

    g_return_if_fail(SPICE_IS_DISPLAY_CHANNEL(channel));
    g_return_if_fail(codec_type >= SPICE_VIDEO_CODEC_TYPE_MJPEG &&
                     codec_type < SPICE_VIDEO_CODEC_TYPE_ENUM_END);

    if (!spice_display_channel_change_preferred_video_codec_types(channel, &codec_type, 1,
                                                                  &error)) {
        g_debug("%s: %s", spice_channel_get_label(channel), error->message);
        g_error_free(error);
    }
}

/**
 * spice_display_channel_get_gl_scanout:
 * @channel: a #SpiceDisplayChannel
 *
 * The guest's picture in a buffer of the graphics card. It belongs to the channel. Spec:
 * client-glib.md 8.5.
 *
 * Returns: (nullable): the current GL scanout, or %NULL if there is none
 *
 * Since: 0.35
 */
const SpiceGlScanout *spice_display_channel_get_gl_scanout(SpiceDisplayChannel *channel)
{
    g_return_val_if_fail(SPICE_IS_DISPLAY_CHANNEL(channel), NULL);

    return channel->priv->scanout.fd >= 0 ? &channel->priv->scanout : NULL;
}

/**
 * spice_display_channel_gl_draw_done:
 * @channel: a #SpiceDisplayChannel
 *
 * The application has read the area that #SpiceDisplayChannel::gl-draw told it of: to be called
 * once for each such signal, otherwise the guest's screen freezes. Calls without one are ignored.
 * Spec: client-glib.md 8.5.
 *
 * Since: 0.35
 */
void spice_display_channel_gl_draw_done(SpiceDisplayChannel *channel)
{
    g_return_if_fail(SPICE_IS_DISPLAY_CHANNEL(channel));

    if (channel->priv->draws_pending == 0)
        return;
    if (spice_channel_is_ready(SPICE_CHANNEL(channel)))
        spice_channel_send(SPICE_CHANNEL(channel), SPICE_MSGC_DISPLAY_GL_DRAW_DONE, NULL);
    if (--channel->priv->draws_pending == 0)
        g_object_notify(G_OBJECT(channel), "draw-done-pending");
}

/**
 * spice_display_change_preferred_compression: (method)
 * @channel: (type SpiceDisplayChannel): a #SpiceDisplayChannel
 * @compression: a #SpiceImageCompression
 *
 * Since: 0.31
 * Deprecated: 0.35: use spice_display_channel_change_preferred_compression() instead.
 */
void spice_display_change_preferred_compression(SpiceChannel *channel, gint compression)
{
    spice_display_channel_change_preferred_compression(channel, compression);
}

/**
 * spice_display_change_preferred_video_codec_type: (method)
 * @channel: (type SpiceDisplayChannel): a #SpiceDisplayChannel
 * @codec_type: a #SpiceVideoCodecType
 *
 * Since: 0.34
 * Deprecated: 0.35: use spice_display_channel_change_preferred_video_codec_types() instead.
 */
void spice_display_change_preferred_video_codec_type(SpiceChannel *channel, gint codec_type)
{
    G_GNUC_BEGIN_IGNORE_DEPRECATIONS
    spice_display_channel_change_preferred_video_codec_type(channel, codec_type);
    G_GNUC_END_IGNORE_DEPRECATIONS
}

/**
 * spice_display_get_gl_scanout:
 * @channel: a #SpiceDisplayChannel
 *
 * Returns: (nullable): the current GL scanout, or %NULL if there is none
 *
 * Since: 0.31
 * Deprecated: 0.35: use spice_display_channel_get_gl_scanout() instead.
 */
const SpiceGlScanout *spice_display_get_gl_scanout(SpiceDisplayChannel *channel)
{
    return spice_display_channel_get_gl_scanout(channel);
}

/**
 * spice_display_get_primary: (method)
 * @channel: (type SpiceDisplayChannel): a #SpiceDisplayChannel
 * @surface_id: a surface id
 * @primary: where to tell about it
 *
 * Returns: %TRUE if there is such a screen
 *
 * Deprecated: 0.35: use spice_display_channel_get_primary() instead.
 */
gboolean spice_display_get_primary(SpiceChannel *channel, guint32 surface_id,
                                   SpiceDisplayPrimary *primary)
{
    return spice_display_channel_get_primary(channel, surface_id, primary);
}

/**
 * spice_display_gl_draw_done:
 * @channel: a #SpiceDisplayChannel
 *
 * Since: 0.31
 * Deprecated: 0.35: use spice_display_channel_gl_draw_done() instead.
 */
void spice_display_gl_draw_done(SpiceDisplayChannel *channel)
{
    spice_display_channel_gl_draw_done(channel);
}
