/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Character devices: calls inside of callbacks, devices that have to be polled, a machine that
 * stands, and what can be attached. */
#include "agent-session.h"

#include <string.h>

#include "clock.h"
#include "tap.h"

static void test_recursion(void)
{
    Session s = open_session(true);

    /* A wake-up inside of write(), also while it takes nothing. */
    s.port->wake_in_write = true;
    s.port->write_at_most = 3;
    guest_message(s.port, 99, 10);
    client_message(&s, 99, 100);
    CHECK(guest_has_message(s.port, 99, 100));
    CHECK(peer_expect(s.peer, SPICE_MSG_MAIN_AGENT_DATA));
    s.port->write_room = 0;
    client_message(&s, 99, 100);
    CHECK(!s.port->to_guest->len);
    s.port->wake_in_write = false;
    s.port->write_room = -1;
    wake(s.port);
    CHECK(guest_has_message(s.port, 99, 100));
    /* The device is removed inside of read(), as Xspice does, and of write(). */
    s.port->remove_in_read = true;
    wake(s.port);
    CHECK(!agent_is_attached(s.server->agent) && !s.port->base.st && s.port->state == 0);
    CHECK(char_device_attach(s.server, &s.port->base));
    start(&s, 100);
    s.port->write_at_most = 0;
    s.port->remove_in_write = true;
    client_message(&s, 99, 100);
    CHECK(!agent_is_attached(s.server->agent) && !s.port->base.st);
    CHECK(!is_closed(&s));
    CHECK(char_device_attach(s.server, &s.port->base));
    s.port->wake_in_write = true; /* the guest breaks the rules inside of write() */
    start(&s, 100);
    g_byte_array_set_size(s.port->to_guest, 0);
    guest_chunk(s.port, 7, "x", 1);
    client_message(&s, 99, 100);
    CHECK(!agent_is_attached(s.server->agent) && !is_closed(&s));
    close_session(&s);
}

static void test_polled(void)
{
    Session s = open_session(true);

    char_device_detach(&s.port->base);
    s.port->base.base.sif = &polled_interface.base;
    char_device_attach(s.server, &s.port->base);
    start(&s, 100);
    s.port->write_room = 0;
    client_message(&s, 99, 100);
    s.port->write_room = -1; /* it doesn't tell */
    CHECK(!s.port->to_guest->len);
    clock_forward_ms(100);
    peer_run(s.server);
    CHECK(guest_has_message(s.port, 99, 100));
    close_session(&s);
}

static void test_stopped(void)
{
    Session s = open_session(true);

    char_devices_stop(s.server);
    guest_message(s.port, 99, 10);
    wake(s.port);
    client_message(&s, 99, 100);
    CHECK(!s.port->taken && !s.port->to_guest->len);
    /* One that is attached while the machine stands waits, too. */
    char_device_detach(&s.port->base);
    char_device_attach(s.server, &s.port->base);
    wake(s.port);
    CHECK(!s.port->taken);
    start(&s, 100);
    char_devices_start(s.server);
    peer_run(s.server);
    CHECK(s.port->taken == s.port->to_server->len);
    CHECK(peer_count(s.peer, SPICE_MSG_MAIN_AGENT_DATA) == 1);
    close_session(&s);
}

static void test_kinds(void)
{
    Session s = open_session(true);
    static const char *const kinds[] = {"usbredir", "port", "smartcard"};
    Port *ports[3];
    const char **subtypes = spice_server_char_device_recognized_subtypes();

    CHECK(!strcmp(subtypes[0], "vdagent") && !strcmp(subtypes[1], "smartcard") &&
          !strcmp(subtypes[2], "usbredir") && !subtypes[3]);
    for (int i = 0; i < 3; i++) {
        ports[i] = port_new(kinds[i]);
        ports[i]->base.portname = i == 1 ? "org.example.port" : NULL;
        CHECK(char_device_attach(s.server, &ports[i]->base) && ports[i]->base.st);
        CHECK(!char_device_attach(s.server, &ports[i]->base)); /* twice the same */
        guest_bytes(ports[i], "data", 4);
        wake(ports[i]);
        spice_server_port_event(&ports[i]->base, SPICE_PORT_EVENT_OPENED);
        CHECK(!ports[i]->taken && ports[i]->states == 0); /* no client, nobody reads */
    }
    Port *more = port_new("smartcard");
    CHECK(!char_device_attach(s.server, &more->base) && !more->base.st);
    more->base.subtype = "port"; /* without a name */
    CHECK(!char_device_attach(s.server, &more->base));
    more->base.subtype = "unheard of";
    CHECK(!char_device_attach(s.server, &more->base));
    more->base.subtype = NULL;
    CHECK(!char_device_attach(s.server, &more->base));
    wake(more);
    spice_server_port_event(&more->base, 0);
    spice_server_char_device_wakeup(NULL);
    spice_server_port_event(NULL, 0);
    CHECK(char_device_detach(&ports[0]->base) && !ports[0]->base.st);
    char_devices_detach_all(s.server);
    for (int i = 0; i < 3; i++) {
        CHECK(!ports[i]->base.st);
        port_free(ports[i]);
    }
    port_free(more);
    close_session(&s);
}

int main(void)
{
    tap_case("use_after_free_2019: calls inside of callbacks");
    test_recursion();
    tap_case("a device that doesn't tell when it can be written to");
    test_polled();
    tap_case("a machine that stands");
    test_stopped();
    tap_case("kinds of devices");
    test_kinds();
    return tap_done();
}
