/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SpiceCursorChannel: shapes of the guest's pointer and their cache. Spec: client-glib.md 10,
 * wire.md 13. */
#include <string.h>
#include "channel-private.h"
#include "cursor-decode.h"
#include "wire/wire.h"

/**
 * SECTION:channel-cursor
 * @short_description: the guest's mouse pointer
 * @title: SpiceCursorChannel
 *
 * The guest's pointer is not part of the picture: its shapes come by this channel, and in server
 * mouse mode its place too.
 */

#define CACHE_MAX_SHAPES 4096
#define CACHE_MAX_BYTES (64 * 1024 * 1024)

struct _SpiceCursorChannelPrivate {
    SpiceCursorShape *shape; /* the last one, or NULL */
    GHashTable *cache;       /* guint64 -> SpiceCursorShape */
    gsize cache_bytes;
};

enum { PROP_0, PROP_CURSOR, N_PROPS };
enum { CURSOR_SET, CURSOR_MOVE, CURSOR_HIDE, CURSOR_RESET, N_SIGNALS };

static guint signals[N_SIGNALS];

static gpointer shape_copy(gpointer boxed)
{
    const SpiceCursorShape *shape = boxed;
    SpiceCursorShape *copy = g_new(SpiceCursorShape, 1);

    *copy = *shape;
    copy->data = g_memdup2(shape->data, (gsize)shape->width * shape->height * 4);
    return copy;
}

static void shape_free(gpointer boxed)
{
    SpiceCursorShape *shape = boxed;

    g_free(shape->data);
    g_free(shape);
}

G_DEFINE_BOXED_TYPE(SpiceCursorShape, spice_cursor_shape, shape_copy, shape_free)
G_DEFINE_TYPE_WITH_PRIVATE(SpiceCursorChannel, spice_cursor_channel, SPICE_TYPE_CHANNEL)

/* --- shapes --- */

static gsize shape_bytes(const SpiceCursorShape *shape)
{
    return sizeof *shape + (shape->data ? (gsize)shape->width * shape->height * 4 : 0);
}

static void forget(SpiceCursorChannelPrivate *c, guint64 id)
{
    SpiceCursorShape *shape = g_hash_table_lookup(c->cache, &id);

    if (shape) {
        c->cache_bytes -= shape_bytes(shape);
        g_hash_table_remove(c->cache, &id);
    }
}

static void forget_all(SpiceCursorChannelPrivate *c)
{
    g_hash_table_remove_all(c->cache);
    c->cache_bytes = 0;
}

/* Beyond the bounds nothing is kept: a server that keeps to its 256 shapes never gets there. */
static void remember(SpiceCursorChannelPrivate *c, guint64 id, SpiceCursorShape *shape)
{
    forget(c, id);
    if (g_hash_table_size(c->cache) >= CACHE_MAX_SHAPES ||
        c->cache_bytes + shape_bytes(shape) > CACHE_MAX_BYTES)
        return;
    c->cache_bytes += shape_bytes(shape);
    g_hash_table_insert(c->cache, g_memdup2(&id, sizeof id), shape_copy(shape));
}

static SpiceCursorShape *read_shape(SpiceCursorChannel *channel, const WireCursor *cursor)
{
    SpiceCursorShape *shape = g_new0(SpiceCursorShape, 1);

    shape->type = cursor->type;
    shape->width = cursor->width;
    shape->height = cursor->height;
    shape->hot_spot_x = MIN(cursor->hot_spot_x, cursor->width);
    shape->hot_spot_y = MIN(cursor->hot_spot_y, cursor->height);
    shape->data = spice_cursor_decode(cursor->type, cursor->width, cursor->height,
                                      cursor->data.data, cursor->data.size);
    if (!shape->data)
        g_debug("%s: a pointer of type %u, %ux%u with %" G_GSIZE_FORMAT " bytes can't be shown",
                spice_channel_get_label(SPICE_CHANNEL(channel)), cursor->type, cursor->width,
                cursor->height, cursor->data.size);
    return shape;
}

/* Show a shape; FALSE: there is none to show. */
static gboolean set_shape(SpiceCursorChannel *channel, const WireCursor *cursor)
{
    SpiceCursorChannelPrivate *c = channel->priv;
    SpiceCursorShape *shape;

    if (cursor->flags & SPICE_CURSOR_FLAGS_NONE)
        return FALSE;
    if (cursor->flags & SPICE_CURSOR_FLAGS_FROM_CACHE) {
        const SpiceCursorShape *cached = g_hash_table_lookup(c->cache, &cursor->unique);

        if (cached) {
            shape = shape_copy((gpointer)cached);
        } else {
            /* Better the default pointer than the last one, or none at all. */
            shape = g_new0(SpiceCursorShape, 1);
            shape->type = cursor->type;
        }
    } else {
        shape = read_shape(channel, cursor);
        if (cursor->flags & SPICE_CURSOR_FLAGS_CACHE_ME)
            remember(c, cursor->unique, shape);
    }
    g_clear_pointer(&c->shape, shape_free);
    c->shape = shape;
    g_object_notify(G_OBJECT(channel), "cursor");
    /* A handler may have caused another shape to be set. */
    if (c->shape == shape)
        g_signal_emit(channel, signals[CURSOR_SET], 0, shape->width, shape->height,
                      shape->hot_spot_x, shape->hot_spot_y, shape->data);
    return TRUE;
}

/* --- messages --- */

static void handle_init(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    SpiceCursorChannel *self = SPICE_CURSOR_CHANNEL(channel);
    const WireMsgCursorInit *init = message;

    forget_all(self->priv);
    if (!set_shape(self, &init->cursor) || !init->visible)
        g_signal_emit(channel, signals[CURSOR_HIDE], 0);
}

static void handle_set(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    const WireMsgCursorSet *set = message;

    if (!set_shape(SPICE_CURSOR_CHANNEL(channel), &set->cursor))
        g_signal_emit(channel, signals[CURSOR_HIDE], 0);
}

static void handle_move(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    const WireMsgCursorMove *move = message;

    g_signal_emit(channel, signals[CURSOR_MOVE], 0, move->position.x, move->position.y);
}

static void handle_hide(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    g_signal_emit(channel, signals[CURSOR_HIDE], 0);
}

static void handle_reset(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    forget_all(SPICE_CURSOR_CHANNEL(channel)->priv);
    g_signal_emit(channel, signals[CURSOR_RESET], 0);
}

static void handle_trail(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    g_debug("%s: pointer trails are not shown", spice_channel_get_label(channel));
}

static void handle_inval_one(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    const WireMsgCursorInvalOne *inval = message;

    forget(SPICE_CURSOR_CHANNEL(channel)->priv, inval->id);
}

static void handle_inval_all(SpiceChannel *channel, const void *message, const SpiceMsgIn *in)
{
    forget_all(SPICE_CURSOR_CHANNEL(channel)->priv);
}

static void channel_reset(SpiceChannel *channel, gboolean migrating)
{
    forget_all(SPICE_CURSOR_CHANNEL(channel)->priv);
}

/* --- the object --- */

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    if (id == PROP_CURSOR)
        g_value_set_static_boxed(value, SPICE_CURSOR_CHANNEL(object)->priv->shape);
    else
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static void finalize(GObject *object)
{
    SpiceCursorChannelPrivate *c = SPICE_CURSOR_CHANNEL(object)->priv;

    g_clear_pointer(&c->shape, shape_free);
    g_hash_table_unref(c->cache);
    G_OBJECT_CLASS(spice_cursor_channel_parent_class)->finalize(object);
}

static void spice_cursor_channel_init(SpiceCursorChannel *self)
{
    self->priv = spice_cursor_channel_get_instance_private(self);
    self->priv->cache = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, shape_free);
}

static void spice_cursor_channel_class_init(SpiceCursorChannelClass *klass)
{
    static const SpiceHandler handlers[] = {
        {SPICE_MSG_CURSOR_INIT, handle_init},
        {SPICE_MSG_CURSOR_RESET, handle_reset},
        {SPICE_MSG_CURSOR_SET, handle_set},
        {SPICE_MSG_CURSOR_MOVE, handle_move},
        {SPICE_MSG_CURSOR_HIDE, handle_hide},
        {SPICE_MSG_CURSOR_TRAIL, handle_trail},
        {SPICE_MSG_CURSOR_INVAL_ONE, handle_inval_one},
        {SPICE_MSG_CURSOR_INVAL_ALL, handle_inval_all},
    };
    GObjectClass *object_class = G_OBJECT_CLASS(klass);
    SpiceChannelClass *channel_class = SPICE_CHANNEL_CLASS(klass);

    object_class->get_property = get_property;
    object_class->finalize = finalize;
    channel_class->channel_reset = channel_reset;
    spice_channel_class_set_handlers(channel_class, handlers, G_N_ELEMENTS(handlers), 0);

    /**
     * SpiceCursorChannel:cursor:
     *
     * The last shape, %NULL before the first one. It is kept while the pointer is hidden.
     *
     * Since: 0.34
     */
    g_object_class_install_property(object_class, PROP_CURSOR,
                                    g_param_spec_boxed("cursor", "Last cursor shape",
                                                       "Last cursor shape received from the server",
                                                       SPICE_TYPE_CURSOR_SHAPE,
                                                       G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
    /**
     * SpiceCursorChannel::cursor-set:
     * @channel: the channel
     * @width: width in pixels
     * @height: height in pixels
     * @hot_x: column of the point that the pointer points with
     * @hot_y: row of that point
     * @rgba: (nullable): the pixels, as in #SpiceCursorShape
     *
     * The pointer has a new shape.
     *
     * Deprecated: 0.34: use the notification of #SpiceCursorChannel:cursor
     */
    signals[CURSOR_SET] = g_signal_new(
        "cursor-set", SPICE_TYPE_CURSOR_CHANNEL, G_SIGNAL_RUN_FIRST | G_SIGNAL_DEPRECATED,
        G_STRUCT_OFFSET(SpiceCursorChannelClass, cursor_set), NULL, NULL, NULL, G_TYPE_NONE, 5,
        G_TYPE_INT, G_TYPE_INT, G_TYPE_INT, G_TYPE_INT, G_TYPE_POINTER);
    /**
     * SpiceCursorChannel::cursor-move:
     * @channel: the channel
     * @x: column
     * @y: row
     *
     * The guest moved the pointer. Has a meaning in server mouse mode only.
     */
    signals[CURSOR_MOVE] =
        g_signal_new("cursor-move", SPICE_TYPE_CURSOR_CHANNEL, G_SIGNAL_RUN_FIRST,
                     G_STRUCT_OFFSET(SpiceCursorChannelClass, cursor_move), NULL, NULL, NULL,
                     G_TYPE_NONE, 2, G_TYPE_INT, G_TYPE_INT);
    /**
     * SpiceCursorChannel::cursor-hide:
     * @channel: the channel
     *
     * The pointer is not to be shown.
     */
    signals[CURSOR_HIDE] = g_signal_new(
        "cursor-hide", SPICE_TYPE_CURSOR_CHANNEL, G_SIGNAL_RUN_FIRST,
        G_STRUCT_OFFSET(SpiceCursorChannelClass, cursor_hide), NULL, NULL, NULL, G_TYPE_NONE, 0);
    /**
     * SpiceCursorChannel::cursor-reset:
     * @channel: the channel
     *
     * The guest's pointer starts anew.
     */
    signals[CURSOR_RESET] = g_signal_new(
        "cursor-reset", SPICE_TYPE_CURSOR_CHANNEL, G_SIGNAL_RUN_FIRST,
        G_STRUCT_OFFSET(SpiceCursorChannelClass, cursor_reset), NULL, NULL, NULL, G_TYPE_NONE, 0);
}
