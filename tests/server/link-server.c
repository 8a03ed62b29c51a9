/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A server that only writes down who came. See link-server.h. */
#include "link-server.h"

#include <string.h>
#include <unistd.h>

#include "channel/clients.h"
#include "net/stream.h"

struct RedsState link_server;
Admission *link_admission;
GArray *link_attached;
SpiceLinkErr link_check_result;
bool link_new_id_called;

static void main_capabilities(Channel *channel, WireCaps *caps)
{
    for (unsigned i = 0; i < 4; i++)
        wire_caps_set(caps, i);
}

static void inputs_capabilities(Channel *channel, WireCaps *caps)
{
    wire_caps_set(caps, SPICE_INPUTS_CAP_KEY_SCANCODE);
}

static const ChannelClass main_class = {.type = SPICE_CHANNEL_MAIN,
                                        .capabilities = main_capabilities},
                          inputs_class = {.type = SPICE_CHANNEL_INPUTS,
                                          .capabilities = inputs_capabilities},
                          cursor_class = {.type = SPICE_CHANNEL_CURSOR},
                          usb_class = {.type = SPICE_CHANNEL_USBREDIR};
static Channel channels[] = {{.class = &main_class},
                             {.class = &inputs_class},
                             {.class = &cursor_class},
                             {.class = &usb_class},
                             {.class = &usb_class, .id = 1}};

Channel *clients_find_channel(struct RedsState *server, uint8_t type, uint8_t id)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(channels); i++)
        if (channels[i].class->type == type && channels[i].id == id)
            return &channels[i];
    return NULL;
}

SpiceLinkErr clients_check(struct RedsState *server, const WireLinkMess *mess)
{
    if (link_check_result != SPICE_LINK_ERR_OK)
        return link_check_result;
    if (mess->channel_type != SPICE_CHANNEL_MAIN && mess->connection_id != 0x1001)
        return SPICE_LINK_ERR_BAD_CONNECTION_ID;
    return SPICE_LINK_ERR_OK;
}

uint32_t clients_new_connection_id(struct RedsState *server, const WireLinkMess *mess)
{
    link_new_id_called = true;
    return 0x80001002;
}

unsigned clients_count(struct RedsState *server)
{
    return 0;
}

void clients_disconnect_all(struct RedsState *server, const char *reason)
{
}

void clients_attach(struct RedsState *server, const WireLinkMess *mess, uint32_t connection_id,
                    Stream *stream)
{
    Attached attached = {*mess, connection_id, stream};

    g_array_append_val(link_attached, attached);
}

void link_server_defaults(void)
{
    Options *options = &link_server.options;

    memset(&link_server, 0, sizeof link_server);
    g_array_set_size(net_events, 0);
    options->port = -1;
    options->listen_fd = -1;
    options->tls.port = -1;
    options->ticket_expiry = G_MAXINT64;
    options->default_security = SPICE_CHANNEL_SECURITY_NONE | SPICE_CHANNEL_SECURITY_SSL;
    for (unsigned i = 0; i < G_N_ELEMENTS(options->channel_security); i++)
        options->channel_security[i] = -1;
    options->sasl_appname = (char *)"spice-test";
    link_check_result = SPICE_LINK_ERR_OK;
    link_new_id_called = false;
}

bool link_server_open(void)
{
    link_server.core = net_core();
    link_server.loop = loop_new_core(link_server.core);
    if (!link_attached)
        link_attached = g_array_new(FALSE, FALSE, sizeof(Attached));
    link_admission = link_server.admission = admission_new(&link_server);
    if (link_admission)
        return true;
    loop_free(link_server.loop);
    link_server.loop = NULL;
    return false;
}

bool link_server_close(void)
{
    for (unsigned i = 0; i < link_attached->len; i++)
        stream_close(g_array_index(link_attached, Attached, i).stream);
    g_array_set_size(link_attached, 0);
    admission_free(link_admission);
    loop_free(link_server.loop);
    link_admission = link_server.admission = NULL;
    return net_core_watches() == 0 && net_core_timers() == 0 &&
           net_events_of(SPICE_CHANNEL_EVENT_CONNECTED) ==
               net_events_of(SPICE_CHANNEL_EVENT_DISCONNECTED);
}

static LinkPeer peer_new(bool tls, bool skip_auth)
{
    LinkPeer peer;
    int fds[2];

    net_tcp_pair(fds);
    peer = link_peer_over(fds[1]);
    if (admission_add_client(link_admission, fds[0], tls, skip_auth) != 0) {
        close(fds[0]);
        link_peer_close(&peer);
    }
    return peer;
}

LinkPeer link_peer_new(bool skip_auth)
{
    return peer_new(false, skip_auth);
}

LinkPeer link_peer_new_tls(bool skip_auth)
{
    LinkPeer peer = peer_new(true, skip_auth);

    if (peer.fd >= 0)
        link_peer_start_tls(&peer);
    return peer;
}
