/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tells the session's SpiceCapture, if there is one, what a channel does. */
#include "capture.h"
#include "channel-state.h"

static const SpiceCapture *hook(SpiceChannel *channel)
{
    return spice_capture_get(channel->priv->f.session);
}

static SpiceCaptureCaps words_of(const WireCaps *caps)
{
    return (SpiceCaptureCaps){.n_words = caps->n_words, .words = caps->words};
}

void spice_channel_capture_opened(SpiceChannel *channel, SpiceConnection *conn)
{
    struct ChannelFields *f = &channel->priv->f;
    const SpiceCapture *capture = hook(channel);

    if (capture) {
        SpiceCaptureCaps caps[4] = {words_of(&conn->reply.common_caps),
                                    words_of(&conn->reply.channel_caps), words_of(&f->common_caps),
                                    words_of(&f->caps)};

        capture->opened(capture->data, f->type, f->id, conn->mini, caps);
    }
}

void spice_channel_capture_message(SpiceChannel *channel, gboolean from_server,
                                   const WireHeader *header, const guint8 *body)
{
    struct ChannelFields *f = &channel->priv->f;
    const SpiceCapture *capture = hook(channel);

    if (capture) {
        SpiceCaptureMessage message = {.serial = header->serial,
                                       .sub_list = header->sub_list,
                                       .type = header->type,
                                       .body = body,
                                       .size = header->size};

        capture->message(capture->data, f->type, f->id, from_server, &message);
    }
}

void spice_channel_capture_closed(SpiceChannel *channel)
{
    struct ChannelFields *f = &channel->priv->f;
    const SpiceCapture *capture = hook(channel);

    if (capture)
        capture->closed(capture->data, f->type, f->id);
}
