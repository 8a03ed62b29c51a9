/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Agent messages: the frame around generated code, and the header. */
#include "agent/agent.h"
#include "wire/internal.h"

#include <inttypes.h>
#include <stdio.h>

uint32_t agent_session(const WireCaps *own, const WireCaps *peer)
{
    uint32_t session = 0;

    if (wire_caps_has(own, VD_AGENT_CAP_CLIPBOARD_SELECTION) &&
        wire_caps_has(peer, VD_AGENT_CAP_CLIPBOARD_SELECTION))
        session |= AGENT_WITH_SELECTION;
    if (wire_caps_has(own, VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL) &&
        wire_caps_has(peer, VD_AGENT_CAP_CLIPBOARD_GRAB_SERIAL))
        session |= AGENT_WITH_GRAB_SERIAL;
    return session;
}

void agent_caps_read(const AgentAnnounceCapabilities *announce, WireCaps *caps)
{
    memset(caps, 0, sizeof *caps);
    caps->n_words = announce->n_caps < WIRE_CAP_WORDS ? announce->n_caps : WIRE_CAP_WORDS;
    for (uint32_t i = 0; i < caps->n_words; i++)
        caps->words[i] = announce->caps[i];
}

const void *agent_parse(uint32_t type, uint32_t session, const uint8_t *data, size_t size,
                        WireArena *arena, WireError *error)
{
    const uint8_t padded[4] = {size ? data[0] : 0};

    /* Deployed agents send one byte of four in one case (agent.md 13). Nothing of the message
     * points into its bytes. */
    if (type == VD_AGENT_CLIPBOARD_RELEASE && size > 0 && size < sizeof padded) {
        data = padded;
        size = sizeof padded;
    }
    return wire_parse_by(agent_message_info(type), session, data, size, arena, error);
}

bool agent_write(uint32_t type, uint32_t session, const void *message, WireBuffer *out)
{
    return wire_write_by(agent_message_info(type), session, message, out);
}

bool agent_write_header(uint32_t type, uint32_t size, WireBuffer *out)
{
    uint8_t *p = wire_buffer_add(out, AGENT_HEADER_SIZE);

    if (!p)
        return false;
    wire_put_u32(p, VD_AGENT_PROTOCOL);
    wire_put_u32(p + 4, type);
    wire_put_u64(p + 8, 0);
    wire_put_u32(p + 16, size);
    return true;
}

bool agent_write_message(uint32_t type, uint32_t session, const void *message, WireBuffer *out)
{
    size_t start = out->size;

    if (!agent_write_header(type, 0, out) || !agent_write(type, session, message, out))
        return false;
    /* wire_write_by() made sure that the size fits. */
    wire_put_u32(out->data + start + 16, (uint32_t)(out->size - start - AGENT_HEADER_SIZE));
    return true;
}

void agent_dump(uint32_t type, uint32_t session, const void *message, WireSink *sink)
{
    const WireMessageInfo *info = agent_message_info(type);

    if (info)
        wire_dump_by(info, session, message, sink);
    else
        wire_dump_unsigned(sink, 0, "unknown agent message", type, NULL);
}

bool agent_file_status_space(const AgentFileXferStatus *status, uint64_t *free_bytes)
{
    if (status->result != VD_AGENT_FILE_XFER_STATUS_NOT_ENOUGH_SPACE || status->details.size < 8)
        return false;
    *free_bytes = wire_get_u64(status->details.data);
    return true;
}

bool agent_file_status_error(const AgentFileXferStatus *status, uint8_t *error_type,
                             uint32_t *error_code)
{
    if (status->result != VD_AGENT_FILE_XFER_STATUS_ERROR || status->details.size < 5)
        return false;
    *error_type = status->details.data[0];
    *error_code = wire_get_u32(status->details.data + 1);
    return true;
}
