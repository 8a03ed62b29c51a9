/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two ends of the agent's proxy. */
#include "agent-session.h"

#include <string.h>

#include "wire/internal.h"

/* ---- A guest port ---- */

static int port_write(SpiceCharDeviceInstance *sin, const uint8_t *buf, int len)
{
    Port *port = (Port *)sin;
    int n = port->write_room < 0 || port->write_room > len ? len : port->write_room;

    if (port->write_at_most && n > port->write_at_most)
        n = port->write_at_most;
    if (port->wake_in_write)
        spice_server_char_device_wakeup(sin);
    if (port->remove_in_write) {
        port->remove_in_write = false;
        REQUIRE_THAT(char_device_detach(sin));
    }
    g_byte_array_append(port->to_guest, buf, (guint)n); /* the bytes must be there still */
    if (port->write_room > 0)
        port->write_room -= n;
    return n;
}

static int port_read(SpiceCharDeviceInstance *sin, uint8_t *buf, int len)
{
    Port *port = (Port *)sin;
    size_t n = MIN((size_t)len, port->to_server->len - port->taken);

    port->reads++;
    if (port->remove_in_read) {
        port->remove_in_read = false;
        REQUIRE_THAT(char_device_detach(sin));
        return 0;
    }
    if (port->read_at_most && n > port->read_at_most)
        n = port->read_at_most;
    if (n)
        memcpy(buf, port->to_server->data + port->taken, n);
    port->taken += n;
    return (int)n;
}

static void port_state(SpiceCharDeviceInstance *sin, int connected)
{
    ((Port *)sin)->state = connected;
    ((Port *)sin)->states++;
}

static const SpiceCharDeviceInterface port_interface = {
    .base = {.type = SPICE_INTERFACE_CHAR_DEVICE, .major_version = 1, .minor_version = 3},
    .state = port_state,
    .write = port_write,
    .read = port_read,
    .flags = SPICE_CHAR_DEVICE_NOTIFY_WRITABLE,
};
const SpiceCharDeviceInterface polled_interface = {
    .base = {.type = SPICE_INTERFACE_CHAR_DEVICE, .major_version = 1, .minor_version = 2},
    .state = port_state,
    .write = port_write,
    .read = port_read,
    .flags = SPICE_CHAR_DEVICE_NOTIFY_WRITABLE, /* not there before minor version 3 */
};

Port *port_new(const char *subtype)
{
    Port *port = g_new0(Port, 1);

    port->base.base.sif = &port_interface.base;
    port->base.subtype = subtype;
    port->to_server = g_byte_array_new();
    port->to_guest = g_byte_array_new();
    port->write_room = -1;
    port->state = -1;
    return port;
}

void port_free(Port *port)
{
    g_byte_array_unref(port->to_server);
    g_byte_array_unref(port->to_guest);
    g_free(port);
}

void wake(Port *port)
{
    spice_server_char_device_wakeup(&port->base);
}

void guest_bytes(Port *port, const void *bytes, size_t size)
{
    g_byte_array_append(port->to_server, bytes, (guint)size);
}

void guest_chunk(Port *port, uint32_t number, const void *bytes, size_t size)
{
    uint8_t header[8];

    wire_put_u32(header, number);
    wire_put_u32(header + 4, (uint32_t)size);
    guest_bytes(port, header, 8);
    guest_bytes(port, bytes, size);
}

/* A message of that many bytes, whose data count up. */
GByteArray *make_message(uint32_t type, uint32_t size)
{
    GByteArray *bytes = g_byte_array_new();

    g_byte_array_set_size(bytes, 20 + size);
    memset(bytes->data, 0, 20);
    wire_put_u32(bytes->data, 1);
    wire_put_u32(bytes->data + 4, type);
    wire_put_u32(bytes->data + 16, size);
    for (uint32_t i = 0; i < size; i++)
        bytes->data[20 + i] = (uint8_t)(i * 7 + (i >> 8));
    return bytes;
}

void guest_message(Port *port, uint32_t type, uint32_t size)
{
    GByteArray *bytes = make_message(type, size);

    guest_chunk(port, 1, bytes->data, bytes->len);
    g_byte_array_unref(bytes);
}

/* ---- A session ---- */

Peer *link_client(struct RedsState *server)
{
    WireCaps caps = {0};

    wire_caps_set(&caps, SPICE_MAIN_CAP_AGENT_CONNECTED_TOKENS);
    Peer *peer = peer_link(server, SPICE_CHANNEL_MAIN, 0, 0, true, &caps, PEER_UNIX);
    peer_run(server);
    return peer;
}

void start(Session *s, uint32_t tokens)
{
    peer_send(s->peer, SPICE_MSGC_MAIN_AGENT_START,
              &(WireMsgcMainAgentStart){.num_tokens = tokens});
    peer_run(s->server);
}

Session open_session(bool started)
{
    Session s = {.server = peer_server_new()};

    s.server->main = main_channel_new(s.server);
    s.server->agent = agent_new(s.server);
    s.port = port_new("vdagent");
    REQUIRE_THAT(char_device_attach(s.server, &s.port->base));
    REQUIRE_THAT(s.port->state == 1 && s.port->base.st);
    s.peer = link_client(s.server);
    const WireMsgMainInit *init = peer_expect(s.peer, SPICE_MSG_MAIN_INIT);
    REQUIRE_THAT(init && init->agent_connected == 1 && init->agent_tokens == 10);
    if (started)
        start(&s, UINT32_MAX);
    return s;
}

void close_session(Session *s)
{
    char_devices_detach_all(s->server);
    clients_disconnect_all(s->server, NULL);
    peer_run(s->server);
    agent_free(s->server->agent);
    main_channel_free(s->server->main);
    g_list_free(s->server->workers);
    peer_free(s->peer);
    peer_server_free(s->server);
    port_free(s->port);
}

bool is_closed(Session *s)
{
    peer_run(s->server);
    peer_receive(s->peer);
    return s->peer->closed;
}

void client_bytes(Session *s, const void *data, size_t size)
{
    peer_send(s->peer, SPICE_MSGC_MAIN_AGENT_DATA, &(WireMsgcMainAgentData){.data = {data, size}});
}

void client_message(Session *s, uint32_t type, uint32_t size)
{
    GByteArray *bytes = make_message(type, size);
    WireBytes rest = {bytes->data, bytes->len};

    while (rest.size) {
        WireBytes piece = agent_next_piece(&rest);

        client_bytes(s, piece.data, piece.size);
    }
    peer_run(s->server);
    g_byte_array_unref(bytes);
}

/* The guest's side has exactly these bytes, and they are taken. */
bool guest_has(Port *port, uint32_t number, const uint8_t *data, size_t size)
{
    bool same = port->to_guest->len >= size + 8 && wire_get_u32(port->to_guest->data) == number &&
                wire_get_u32(port->to_guest->data + 4) == size &&
                !memcmp(port->to_guest->data + 8, data, size);

    if (same)
        g_byte_array_remove_range(port->to_guest, 0, (guint)size + 8);
    return same;
}

bool guest_has_message(Port *port, uint32_t type, uint32_t size)
{
    GByteArray *bytes = make_message(type, size);
    bool same = guest_has(port, 1, bytes->data, bytes->len);

    g_byte_array_unref(bytes);
    return same;
}
