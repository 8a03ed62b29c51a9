/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages of one channel in one direction, chosen by FUZZ_CHANNEL and FUZZ_DIRECTION: two bytes of
 * type, then a body. What must hold is in tests/wire/property.h. */
#include "../wire/property.h"

#include "wire/header.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(WireProperty *property, uint16_t type, const uint8_t *body, size_t size)
{
    bool valid;

    if (wire_property_holds(property, FUZZ_CHANNEL, FUZZ_DIRECTION, type, body, size, &valid))
        return;
    fprintf(stderr, "type %u: %s\n", type, property->broken);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static WireProperty property;
    WireSubMessage subs[WIRE_SUB_MESSAGES_MAX];
    unsigned n;
    WireError error;

    if (!property.first.limit)
        wire_property_init(&property);
    if (size < 2)
        return 0;
    uint16_t type = (uint16_t)(data[0] | data[1] << 8);
    data += 2;
    size -= 2;
    check(&property, type, data, size);
    /* As a list of messages, at a place that the input tells too. */
    if (type == SPICE_MSG_LIST &&
        wire_sub_list_read(data, size, size > 40 ? data[40] : 0, subs, &n, &error))
        for (unsigned i = 0; i < n; i++)
            check(&property, subs[i].type, subs[i].body.data, subs[i].body.size);
    return 0;
}
