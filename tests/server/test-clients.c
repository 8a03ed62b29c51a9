/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clients and their channels: who belongs together, who goes when, inside of callbacks too, on the
 * main thread and on a worker's. */
#include "channel-session.h"

#include <pthread.h>

#include "channel/client-private.h"
#include "tap.h"

/* ---- Closing ---- */

static Session *current;

static bool close_from_message(ChannelClient *cc)
{
    channel_client_close(cc, "as the test wants");
    CHECK(!channel_client_send(cc, SPICE_MSG_INPUTS_MOUSE_MOTION_ACK, NULL));
    return true;
}

static bool disconnect_from_message(ChannelClient *cc)
{
    clients_disconnect_all(current->server, "as the test wants");
    CHECK(n_disconnected == 0); /* we are inside of it */
    return true;
}

static bool free_from_message(ChannelClient *cc)
{
    channel_free(current->channel);
    current->channel = NULL;
    CHECK(n_disconnected == 1);
    return true;
}

static bool refuse_message(ChannelClient *cc)
{
    return false;
}

static void test_closing(void)
{
    bool (*const functions[])(ChannelClient *) = {close_from_message, disconnect_from_message,
                                                  free_from_message, refuse_message};

    for (unsigned i = 0; i < G_N_ELEMENTS(functions); i++) {
        Session s = open_session(&inputs_class, true, PEER_UNIX);

        current = &s;
        on_message = functions[i];
        for (int k = 0; k < 3; k++)
            peer_send(s.peer, SPICE_MSGC_INPUTS_KEY_DOWN, &(WireMsgcInputsKeyDown){.code = 1});
        peer_run(s.server);
        CHECK(n_messages == 1 && n_disconnected == 1);
        peer_receive(s.peer);
        CHECK(s.peer->closed);
        peer_receive(s.main_peer);
        CHECK(s.main_peer->closed == (functions[i] == disconnect_from_message));
        close_session(&s);
        CHECK(n_disconnected == 1);
    }
}

/* The ring walk of a broadcast while clients go away. */
static void cve_2013_4130_client_leaves_in_broadcast(void)
{
    struct RedsState *server = peer_server_new();
    Channel *main_channel, *inputs;
    Peer *peers[4], *inputs_peers[4];

    server->options.allow_multiple_clients = true;
    main_channel = channel_new(server, &main_class, 0, server->loop, NULL);
    inputs = channel_new(server, &inputs_class, 0, server->loop, NULL);
    n_connected = n_disconnected = 0;
    on_message = NULL;
    for (int i = 0; i < 4; i++) {
        peers[i] = peer_link(server, SPICE_CHANNEL_MAIN, 0, 0, true, NULL, PEER_UNIX);
        ChannelClient *cc = g_list_last(main_channel->clients)->data;
        inputs_peers[i] = peer_link(server, SPICE_CHANNEL_INPUTS, 0,
                                    client_connection_id(cc->client), true, NULL, PEER_UNIX);
    }
    CHECK(g_list_length(inputs->clients) == 4 && clients_count(server) == 4);
    for (int i = 0; i < 4; i++) {
        /* Writing fails in the middle of the walk, for one that has gone. */
        peer_free(inputs_peers[i]);
        for (GList *l = inputs->clients; l; l = l->next)
            send_leds(l->data, 1);
        CHECK(g_list_length(inputs->clients) == (guint)(4 - i));
        peer_run(server);
        CHECK(g_list_length(inputs->clients) == (guint)(3 - i));
    }
    CHECK(clients_count(server) == 4);
    peer_free(peers[1]);
    peer_run(server);
    CHECK(clients_count(server) == 3);
    channel_free(inputs);
    channel_free(main_channel);
    peer_run(server);
    CHECK(clients_count(server) == 0);
    peer_free(peers[0]);
    peer_free(peers[2]);
    peer_free(peers[3]);
    peer_server_free(server);
}

/* ---- Clients ---- */

static int events[64][3];
static unsigned n_events;

static void channel_event(int event, SpiceChannelEventInfo *info)
{
    if (n_events < G_N_ELEMENTS(events)) {
        events[n_events][0] = event;
        events[n_events][1] = info->connection_id;
        events[n_events++][2] = info->type;
    }
}

static void test_second_client(void)
{
    SpiceCoreInterface core = {.base.minor_version = 3, .channel_event = channel_event};
    Session s = open_session(&inputs_class, true, PEER_UNIX);
    uint32_t id = client_connection_id(s.cc->client);

    s.server->core = &core;
    n_events = 0;
    Peer *again = peer_link(s.server, SPICE_CHANNEL_MAIN, 0, 0, true, NULL, PEER_UNIX);
    CHECK(n_events == 4 && events[0][0] == 3 && events[1][0] == 3 && events[2][0] == 1);
    s.server->core = NULL;
    peer_receive(s.peer);
    peer_receive(s.main_peer);
    CHECK(s.peer->closed && s.main_peer->closed);
    CHECK(clients_count(s.server) == 1);
    uint32_t id2 = client_connection_id(((ChannelClient *)s.main->clients->data)->client);
    CHECK(id && id2 && id != id2);
    /* Unknown sessions; sessions that are over; main with an id, which nobody can bring from
     * another host any more. */
    s.server->vm_started = true;
    CHECK(!peer_link(s.server, SPICE_CHANNEL_INPUTS, 0, id, true, NULL, PEER_UNIX));
    CHECK(!peer_link(s.server, SPICE_CHANNEL_INPUTS, 0, 0, true, NULL, PEER_UNIX));
    CHECK(!peer_link(s.server, SPICE_CHANNEL_MAIN, 0, id2, true, NULL, PEER_UNIX));
    CHECK(!peer_link(s.server, SPICE_CHANNEL_MAIN, 0, 12345, true, NULL, PEER_UNIX));
    WireLinkMess mess = {.connection_id = id2, .channel_type = SPICE_CHANNEL_DISPLAY};
    CHECK(clients_check(s.server, &mess) == SPICE_LINK_ERR_CHANNEL_NOT_AVAILABLE);
    mess.connection_id++;
    CHECK(clients_check(s.server, &mess) == SPICE_LINK_ERR_BAD_CONNECTION_ID);
    /* Twice the same channel: the first one stays. */
    Peer *first = peer_link(s.server, SPICE_CHANNEL_INPUTS, 0, id2, true, NULL, PEER_UNIX);
    Peer *second = peer_link(s.server, SPICE_CHANNEL_INPUTS, 0, id2, true, NULL, PEER_UNIX);
    peer_run(s.server);
    peer_receive(first);
    peer_receive(second);
    CHECK(!first->closed && second->closed);
    CHECK(g_list_length(s.channel->clients) == 1);
    /* Once it has gone, it may be linked again. */
    peer_free(first);
    peer_run(s.server);
    first = peer_link(s.server, SPICE_CHANNEL_INPUTS, 0, id2, true, NULL, PEER_UNIX);
    CHECK(first && g_list_length(s.channel->clients) == 1);
    /* All its channels go at once. */
    ChannelClient *cc = s.channel->clients->data;
    clients_disconnect(cc->client, "as the test wants");
    CHECK(clients_count(s.server) == 0 && !s.channel->clients && !s.main->clients);
    peer_free(first);
    peer_free(second);
    peer_free(again);
    close_session(&s);
}

static void test_events(void)
{
    SpiceCoreInterface core = {.base.minor_version = 3, .channel_event = channel_event};
    struct RedsState *server = peer_server_new();

    server->core = &core;
    n_events = 0;
    Channel *main_channel = channel_new(server, &main_class, 0, server->loop, NULL);
    Channel *inputs = channel_new(server, &inputs_class, 0, server->loop, NULL);
    Peer *a = peer_link(server, SPICE_CHANNEL_MAIN, 0, 0, true, NULL, PEER_UNIX);
    uint32_t id = client_connection_id(((ChannelClient *)main_channel->clients->data)->client);
    Peer *b = peer_link(server, SPICE_CHANNEL_INPUTS, 0, id, true, NULL, PEER_UNIX);
    Peer *c = peer_link(server, SPICE_CHANNEL_MAIN, 0, 0, true, NULL, PEER_UNIX);
    /* CONNECTED and INITIALIZED twice, DISCONNECTED twice, then the new client. */
    static const int expected[] = {1, 2, 1, 2, 3, 3, 1, 2};
    CHECK(n_events == G_N_ELEMENTS(expected));
    for (unsigned i = 0; i < n_events && i < G_N_ELEMENTS(expected); i++)
        CHECK(events[i][0] == expected[i]);
    channel_free(inputs);
    channel_free(main_channel);
    CHECK(n_events == 9 && events[8][0] == 3);
    peer_free(a);
    peer_free(b);
    peer_free(c);
    peer_server_free(server);
}

/* ---- A connection that ends as it begins ---- */

static unsigned n_linked;

static void count_linked(struct RedsState *server, Client *client, Channel *channel, bool encrypted)
{
    n_linked++;
}

static void close_at_once(ChannelClient *cc)
{
    channel_client_close(cc, "as the test wants");
}

static void test_short_lives(void)
{
    static const ClientsWatcher watcher = {.channel_linked = count_linked};
    ChannelClass short_main = main_class, short_inputs = inputs_class;
    struct RedsState *server = peer_server_new();

    short_main.connected = short_inputs.connected = close_at_once;
    short_inputs.disconnected = NULL;
    clients_set_watcher(server, &watcher);
    Channel *inputs = channel_new(server, &short_inputs, 0, server->loop, NULL);
    Channel *main_channel = channel_new(server, &main_class, 0, server->loop, NULL);
    Peer *a = peer_link(server, SPICE_CHANNEL_MAIN, 0, 0, true, NULL, PEER_UNIX);
    uint32_t id = client_connection_id(((ChannelClient *)main_channel->clients->data)->client);
    CHECK(n_linked == 1);
    Peer *b = peer_link(server, SPICE_CHANNEL_INPUTS, 0, id, true, NULL, PEER_UNIX);
    CHECK(n_linked == 1 && !inputs->clients && clients_count(server) == 1);
    channel_free(main_channel);

    main_channel = channel_new(server, &short_main, 0, server->loop, NULL);
    Peer *c = peer_link(server, SPICE_CHANNEL_MAIN, 0, 0, true, NULL, PEER_UNIX);
    CHECK(n_linked == 1 && !main_channel->clients && clients_count(server) == 0);
    clients_set_watcher(server, NULL);
    channel_free(inputs);
    channel_free(main_channel);
    peer_free(a);
    peer_free(b);
    peer_free(c);
    peer_server_free(server);
}

/* ---- A channel on another thread's loop ---- */

static Loop *worker_loop;
static gint worker_stop, worker_busy;

static void *run_worker(void *data)
{
    while (!g_atomic_int_get(&worker_stop)) {
        loop_run_once(worker_loop, 20);
        if (g_atomic_int_get(&worker_busy)) /* in a request */
            g_usleep(2000);
    }
    return NULL;
}

static void test_worker(void)
{
    struct RedsState *server = peer_server_new();
    pthread_t thread;

    worker_loop = loop_new_poll();
    worker_stop = 0;
    fill_bytes = 1000;
    n_fill_messages = 3000; /* the worker's thread counts them */
    pthread_create(&thread, NULL, run_worker, NULL);
    Channel *main_channel = channel_new(server, &main_class, 0, server->loop, NULL);
    Channel *display = channel_new(server, &display_class, 0, worker_loop, NULL);
    for (int i = 0; i < 60; i++) {
        g_atomic_int_set(&worker_busy, i % 2);
        Peer *main_peer = peer_link(server, SPICE_CHANNEL_MAIN, 0, 0, true, NULL, PEER_UNIX);
        uint32_t id = client_connection_id(((ChannelClient *)main_channel->clients->data)->client);
        Peer *peer = peer_link(server, SPICE_CHANNEL_DISPLAY, 0, id, true, NULL,
                               i % 3 ? PEER_UNIX : PEER_TCP);
        if (i % 4 == 1)
            peer_run_ms(server, 5);
        if (i % 4 == 2)
            peer_send_raw(peer, 9, 1, "x", 1); /* it is closed by the worker */
        if (i % 4 == 3)
            clients_disconnect_all(server, NULL);
        if (i % 8 >= 4)
            peer_run_ms(server, 5);
        peer_free(peer);
        peer_free(main_peer);
    }
    channel_free(display);
    CHECK(n_connected == n_disconnected);
    display = channel_new(server, &display_class, 0, worker_loop, NULL);
    Peer *main_peer = peer_link(server, SPICE_CHANNEL_MAIN, 0, 0, true, NULL, PEER_UNIX);
    uint32_t id = client_connection_id(((ChannelClient *)main_channel->clients->data)->client);
    Peer *peer = peer_link(server, SPICE_CHANNEL_DISPLAY, 0, id, true, NULL, PEER_UNIX);
    clients_disconnect_all(server, NULL);
    CHECK(clients_count(server) == 0);
    peer_receive(peer);
    CHECK(peer->closed);
    channel_free(display);
    channel_free(main_channel);
    g_atomic_int_set(&worker_stop, 1);
    loop_wake(worker_loop);
    pthread_join(thread, NULL);
    peer_free(main_peer);
    peer_free(peer);
    peer_server_free(server);
    loop_free(worker_loop);
}

int main(void)
{
    tap_case("use_after_free_2019: closing inside callbacks");
    test_closing();
    tap_case("cve_2013_4130_client_leaves_in_broadcast");
    cve_2013_4130_client_leaves_in_broadcast();
    tap_case("duplicate_channel_connect, and a second client");
    test_second_client();
    tap_case("order of channel events");
    test_events();
    tap_case("connections that end as they begin");
    test_short_lives();
    tap_case("a channel on a worker's loop");
    test_worker();
    return tap_done();
}
