/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The link stage: a byte that chooses the direction, then a header and what follows it. What can be
 * read can be written, and is read the same again. */
#include "wire/link.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool condition)
{
    if (!condition)
        abort();
}

static void mess(const uint8_t *data, size_t size)
{
    WireLinkMess first, second;
    WireBuffer out = {0};
    WireError error;

    if (wire_link_mess_parse(data, size, &first, &error) != SPICE_LINK_ERR_OK)
        return;
    demand(wire_link_mess_write(&first, &out));
    demand(wire_link_mess_parse(out.data + WIRE_LINK_HEADER_SIZE, out.size - WIRE_LINK_HEADER_SIZE,
                                &second, &error) == SPICE_LINK_ERR_OK);
    demand(!memcmp(&first, &second, sizeof first));
    for (unsigned i = 0; i < 2000; i += 7)
        demand(wire_caps_has(&first.channel_caps, i) == wire_caps_has(&second.channel_caps, i));
    wire_buffer_clear(&out);
}

static void reply(const uint8_t *data, size_t size)
{
    WireLinkReply first, second;
    WireBuffer out = {0};
    WireError error;
    const uint8_t *modulus;
    uint8_t key[WIRE_PUBKEY_SIZE];

    if (!wire_link_reply_parse(data, size, &first, &error))
        return;
    demand(wire_link_error_text(first.error)[0]);
    if (wire_pubkey_read(first.pub_key, &modulus)) {
        wire_pubkey_write(key, modulus);
        demand(!memcmp(key, first.pub_key, sizeof key));
    }
    demand(wire_link_reply_write(&first, &out));
    demand(wire_link_reply_parse(out.data + WIRE_LINK_HEADER_SIZE, out.size - WIRE_LINK_HEADER_SIZE,
                                 &second, &error));
    demand(first.error == second.error && (first.error || !memcmp(&first, &second, sizeof first)));
    demand(wire_auth_choose(&first.common_caps, &first.common_caps) ==
               wire_auth_choose(&second.common_caps, &second.common_caps) ||
           first.error);
    wire_buffer_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    WireLinkHeader header;
    WireError error;

    if (size < 1 + WIRE_LINK_HEADER_SIZE)
        return 0;
    WireDirection dir = data[0] & 1 ? WIRE_TO_SERVER : WIRE_TO_CLIENT;
    wire_link_header_read(data + 1, &header);
    SpiceLinkErr result = wire_link_header_check(&header, dir, &error);
    demand(result == SPICE_LINK_ERR_OK || error.text[0]);
    data += 1 + WIRE_LINK_HEADER_SIZE;
    size -= 1 + WIRE_LINK_HEADER_SIZE;
    /* Bodies are tried whatever the header says: they have checks of their own. */
    if (dir == WIRE_TO_SERVER)
        mess(data, size);
    else
        reply(data, size);
    return 0;
}
