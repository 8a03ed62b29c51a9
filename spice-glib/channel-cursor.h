/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SpiceCursorChannel: the shape of the guest's mouse pointer. */
#ifndef SPICE_CLIENT_CURSOR_CHANNEL_H
#define SPICE_CLIENT_CURSOR_CHANNEL_H

#if !defined(__SPICE_CLIENT_H_INSIDE__) && !defined(SPICE_COMPILATION)
#warning "Only <spice-client.h> can be included directly"
#endif

#include "spice-client.h"

G_BEGIN_DECLS

#define SPICE_TYPE_CURSOR_CHANNEL (spice_cursor_channel_get_type())
#define SPICE_CURSOR_CHANNEL(obj) \
    (G_TYPE_CHECK_INSTANCE_CAST((obj), SPICE_TYPE_CURSOR_CHANNEL, SpiceCursorChannel))
#define SPICE_CURSOR_CHANNEL_CLASS(klass) \
    (G_TYPE_CHECK_CLASS_CAST((klass), SPICE_TYPE_CURSOR_CHANNEL, SpiceCursorChannelClass))
#define SPICE_IS_CURSOR_CHANNEL(obj) (G_TYPE_CHECK_INSTANCE_TYPE((obj), SPICE_TYPE_CURSOR_CHANNEL))
#define SPICE_IS_CURSOR_CHANNEL_CLASS(klass) \
    (G_TYPE_CHECK_CLASS_TYPE((klass), SPICE_TYPE_CURSOR_CHANNEL))
#define SPICE_CURSOR_CHANNEL_GET_CLASS(obj) \
    (G_TYPE_INSTANCE_GET_CLASS((obj), SPICE_TYPE_CURSOR_CHANNEL, SpiceCursorChannelClass))

typedef struct _SpiceCursorChannel SpiceCursorChannel;
typedef struct _SpiceCursorChannelClass SpiceCursorChannelClass;
typedef struct _SpiceCursorChannelPrivate SpiceCursorChannelPrivate;

#define SPICE_TYPE_CURSOR_SHAPE (spice_cursor_shape_get_type())

/**
 * SpiceCursorShape:
 * @type: the #SpiceCursorType in which the guest sent the shape
 * @width: width in pixels
 * @height: height in pixels
 * @hot_spot_x: column of the point that the pointer points with
 * @hot_spot_y: row of that point
 * @data: width * height pixels, four bytes each in the order red, green, blue, alpha; %NULL
 *  when the shape could not be shown and the default pointer should be
 *
 * A shape of the guest's mouse pointer.
 */
typedef struct _SpiceCursorShape SpiceCursorShape;
struct _SpiceCursorShape {
    SpiceCursorType type;
    guint16 width;
    guint16 height;
    guint16 hot_spot_x;
    guint16 hot_spot_y;
    gpointer data;
};

/**
 * SpiceCursorChannel:
 *
 * The cursor channel. The struct is opaque.
 */
struct _SpiceCursorChannel {
    SpiceChannel parent;

    /*< private >*/
    SpiceCursorChannelPrivate *priv;
};

/**
 * SpiceCursorChannelClass:
 * @parent_class: the parent class
 * @cursor_set: class handler of #SpiceCursorChannel::cursor-set
 * @cursor_move: class handler of #SpiceCursorChannel::cursor-move
 * @cursor_hide: class handler of #SpiceCursorChannel::cursor-hide
 * @cursor_reset: class handler of #SpiceCursorChannel::cursor-reset
 *
 * The class of #SpiceCursorChannel.
 */
struct _SpiceCursorChannelClass {
    SpiceChannelClass parent_class;

    void (*cursor_set)(SpiceCursorChannel *channel, gint width, gint height, gint hot_x, gint hot_y,
                       gpointer rgba);
    void (*cursor_move)(SpiceCursorChannel *channel, gint x, gint y);
    void (*cursor_hide)(SpiceCursorChannel *channel);
    void (*cursor_reset)(SpiceCursorChannel *channel);

    /*< private >*/
};

GType spice_cursor_channel_get_type(void);

GType spice_cursor_shape_get_type(void) G_GNUC_CONST;

G_END_DECLS

#endif
