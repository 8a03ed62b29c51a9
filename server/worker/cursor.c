/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cursor channel. */
#include "worker/cursor.h"

#include <spice/enums.h>
#include <string.h>

#include "display/drawable.h"
#include "worker/cursor-shape.h"

enum { CACHE_SIZE = 256 };

/* What a client is to be told, in this order. */
enum {
    TELL_RESET = 1, /* INVAL_ALL, RESET */
    TELL_INIT = 2,
    TELL_SET = 4,
    TELL_HIDE = 8,
    TELL_MOVE = 16,
    TELL_TRAIL = 32,
};

struct Cursor {
    Channel *channel;
    /* The pointer as the guest has it. */
    CursorShape *shape;      /* NULL: none */
    GuestResource *resource; /* of its command: devices want it back only when it is replaced */
    int16_t x, y;
    bool visible;
    bool shape_visible; /* visible, as the command with the shape said */
    uint16_t trail_length, trail_frequency;
    uint32_t mouse_mode;
    bool has_primary;
};

typedef struct CursorEntry {
    uint64_t unique; /* 0: free */
    uint64_t used;   /* when: counts up */
    uint32_t hash;
} CursorEntry;

typedef struct CursorClient {
    ChannelClient base;
    unsigned int tell;
    bool initialised; /* it got INIT, and no RESET after it */
    uint64_t clock;
    CursorEntry cache[CACHE_SIZE];
} CursorClient;

/* ---- one client ---- */

static bool say(CursorClient *client, uint16_t type, const void *message)
{
    return channel_client_send(&client->base, type, message);
}

/* The entry for a shape, and whether the client has exactly that one. What has to leave the
 * client's cache for it is told before. */
static bool use_cache(CursorClient *client, const CursorShape *shape)
{
    CursorEntry *place = client->cache;

    for (size_t i = 0; i < CACHE_SIZE; i++) {
        if (client->cache[i].unique == shape->wire.unique) {
            place = &client->cache[i];
            break;
        }
        if (client->cache[i].used < place->used)
            place = &client->cache[i];
    }
    place->used = ++client->clock;
    if (place->unique == shape->wire.unique && place->hash == shape->hash)
        return true;
    if (place->unique)
        say(client, SPICE_MSG_CURSOR_INVAL_ONE, &(WireMsgCursorInvalOne){place->unique});
    place->unique = shape->wire.unique;
    place->hash = shape->hash;
    return false;
}

static WireCursor wire_shape(const Cursor *cursor, CursorClient *client)
{
    WireCursor wire;

    if (!cursor->shape)
        return (WireCursor){.flags = SPICE_CURSOR_FLAGS_NONE};
    wire = cursor->shape->wire;
    if (wire.unique == 0)
        return wire;
    if (use_cache(client, cursor->shape)) {
        wire.flags = SPICE_CURSOR_FLAGS_FROM_CACHE;
        wire.data = (WireBytes){NULL, 0};
    } else {
        wire.flags = SPICE_CURSOR_FLAGS_CACHE_ME;
    }
    return wire;
}

static void send_init(const Cursor *cursor, CursorClient *client)
{
    WireMsgCursorInit init = {
        .position = {cursor->x, cursor->y},
        .trail_length = cursor->trail_length,
        .trail_frequency = cursor->trail_frequency,
        .visible = cursor->visible,
    };

    /* INIT empties the client's cache before it takes the shape. */
    memset(client->cache, 0, sizeof client->cache);
    init.cursor = wire_shape(cursor, client);
    say(client, SPICE_MSG_CURSOR_INIT, &init);
    client->initialised = true;
}

static void send_set(const Cursor *cursor, CursorClient *client)
{
    WireMsgCursorSet set = {.position = {cursor->x, cursor->y}, .visible = cursor->shape_visible};

    set.cursor = wire_shape(cursor, client);
    say(client, SPICE_MSG_CURSOR_SET, &set);
}

static void fill(ChannelClient *cc)
{
    CursorClient *client = (CursorClient *)cc;
    const Cursor *cursor = cc->channel->owner;
    unsigned int tell = client->tell;

    if (tell == 0 || channel_client_room(cc) == 0)
        return;
    client->tell = 0;
    if (tell & TELL_RESET) {
        memset(client->cache, 0, sizeof client->cache);
        say(client, SPICE_MSG_CURSOR_INVAL_ALL, NULL);
        say(client, SPICE_MSG_CURSOR_RESET, NULL);
        client->initialised = false;
    }
    if (tell & TELL_INIT)
        send_init(cursor, client);
    if (tell & TELL_SET)
        send_set(cursor, client);
    if (tell & TELL_HIDE)
        say(client, SPICE_MSG_CURSOR_HIDE, NULL);
    if (tell & TELL_MOVE)
        say(client, SPICE_MSG_CURSOR_MOVE, &(WireMsgCursorMove){{cursor->x, cursor->y}});
    if (tell & TELL_TRAIL)
        say(client, SPICE_MSG_CURSOR_TRAIL,
            &(WireMsgCursorTrail){cursor->trail_length, cursor->trail_frequency});
}

static void connected(ChannelClient *cc)
{
    CursorClient *client = (CursorClient *)cc;

    client->tell = TELL_INIT;
    channel_client_want(cc);
}

static bool message(ChannelClient *cc, uint16_t type, const void *parsed, WireBytes body)
{
    channel_client_close(cc, "message %u on the cursor channel", type);
    return false;
}

static void disconnected(ChannelClient *cc)
{
}

static const ChannelClass cursor_class = {
    .type = SPICE_CHANNEL_CURSOR,
    .client_size = sizeof(CursorClient),
    .ack_window = 20,
    .queue_limit = 16 << 20,
    .connected = connected,
    .message = message,
    .fill = fill,
    .disconnected = disconnected,
};

/* ---- all clients ---- */

/* What a change means for what a client was to be told already. */
static void tell_client(const Cursor *cursor, CursorClient *client, unsigned int news)
{
    const unsigned int state = TELL_SET | TELL_HIDE | TELL_MOVE | TELL_TRAIL;
    bool will_be_initialised =
        client->tell & TELL_INIT || (client->initialised && !(client->tell & TELL_RESET));

    if (news & TELL_RESET) {
        client->tell = TELL_RESET;
    } else if (news & TELL_INIT) {
        /* Deployed clients ignore an INIT without a RESET between it and the one before. */
        client->tell = (client->tell & (TELL_RESET | TELL_INIT)) | TELL_INIT;
        if (client->initialised)
            client->tell |= TELL_RESET;
    } else if (client->tell & TELL_INIT) {
        /* It takes everything with it. */
    } else if (!will_be_initialised) {
        /* After RESET only INIT is understood, and it belongs to a primary surface. */
        if (cursor->has_primary)
            client->tell |= TELL_INIT;
    } else {
        if (news & TELL_SET)
            client->tell &= ~(TELL_HIDE | TELL_MOVE);
        else if (news & TELL_MOVE)
            client->tell &= ~TELL_HIDE;
        else if (news & TELL_HIDE)
            client->tell &= ~TELL_MOVE;
        /* A shape on its way takes the position with it, but shows as it likes. */
        client->tell |= news & state;
        if (client->tell & TELL_SET && cursor->visible == cursor->shape_visible)
            client->tell &= ~TELL_MOVE;
    }
    if (client->tell)
        channel_client_want(&client->base);
}

static void tell(Cursor *cursor, unsigned int news)
{
    for (GList *link = cursor->channel->clients; link; link = link->next)
        tell_client(cursor, link->data, news);
}

static void forget_shape(Cursor *cursor)
{
    g_free(cursor->shape);
    cursor->shape = NULL;
    guest_resource_unref(cursor->resource);
    cursor->resource = NULL;
}

/* A client that moves the pointer itself tells where it is, and earlier. */
static void place(Cursor *cursor, const QXLPoint16 *position)
{
    cursor->x = position->x;
    cursor->y = position->y;
    if (cursor->mouse_mode == SPICE_MOUSE_MODE_SERVER)
        server_set_pointer(cursor->channel->server, cursor->channel->id, cursor->x, cursor->y);
}

static bool set_shape(Cursor *cursor, GuestReader *reader, const QXLCursorCmd *guest,
                      GuestResource *resource)
{
    CursorShape *shape = cursor_shape_read(reader, guest->u.set.shape);

    if (!shape)
        return false;
    forget_shape(cursor);
    cursor->shape = shape;
    cursor->resource = guest_resource_ref(resource);
    place(cursor, &guest->u.set.position);
    cursor->visible = cursor->shape_visible = guest->u.set.visible;
    tell(cursor, TELL_SET);
    return true;
}

bool cursor_command(Cursor *cursor, GuestReader *reader, uint64_t address, GuestResource *resource)
{
    QXLCursorCmd guest;
    bool was_visible = cursor->visible;

    if (!guest_read(reader, address, &guest, sizeof guest,
                    "a cursor command isn't in a memory slot"))
        return false;
    switch (guest.type) {
    case QXL_CURSOR_SET:
        return set_shape(cursor, reader, &guest, resource);
    case QXL_CURSOR_MOVE:
        place(cursor, &guest.u.position);
        cursor->visible = true;
        if (cursor->mouse_mode == SPICE_MOUSE_MODE_SERVER || !was_visible)
            tell(cursor, TELL_MOVE);
        return true;
    case QXL_CURSOR_HIDE:
        cursor->visible = false;
        tell(cursor, TELL_HIDE);
        return true;
    case QXL_CURSOR_TRAIL:
        cursor->trail_length = guest.u.trail.length;
        cursor->trail_frequency = guest.u.trail.frequency;
        tell(cursor, TELL_TRAIL);
        return true;
    default:
        return guest_problem(reader, "a cursor command of unknown type");
    }
}

void cursor_set_mouse_mode(Cursor *cursor, uint32_t mode)
{
    cursor->mouse_mode = mode;
}

void cursor_reset(Cursor *cursor)
{
    forget_shape(cursor);
    cursor->x = cursor->y = 0;
    cursor->visible = cursor->shape_visible = true;
    cursor->trail_length = cursor->trail_frequency = 0;
    tell(cursor, TELL_RESET);
}

void cursor_primary_created(Cursor *cursor)
{
    cursor->has_primary = true;
    tell(cursor, TELL_INIT);
}

void cursor_primary_destroyed(Cursor *cursor)
{
    cursor->has_primary = false;
    cursor_reset(cursor);
}

Cursor *cursor_new(struct RedsState *server, Loop *loop, uint8_t id, uint32_t mouse_mode)
{
    Cursor *cursor = g_new0(Cursor, 1);

    cursor->visible = cursor->shape_visible = true;
    cursor->mouse_mode = mouse_mode;
    cursor->channel = channel_new(server, &cursor_class, id, loop, cursor);
    if (!cursor->channel) {
        g_free(cursor);
        return NULL;
    }
    return cursor;
}

void cursor_free(Cursor *cursor)
{
    if (!cursor)
        return;
    channel_free(cursor->channel);
    forget_shape(cursor);
    g_free(cursor);
}
