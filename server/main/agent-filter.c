/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verdicts on agent messages. */
#include "main/agent-filter.h"

#include "wire/internal.h"

static bool is_clipboard(uint32_t type)
{
    return type == VD_AGENT_CLIPBOARD || type == VD_AGENT_CLIPBOARD_GRAB ||
           type == VD_AGENT_CLIPBOARD_REQUEST || type == VD_AGENT_CLIPBOARD_RELEASE;
}

static bool is_file_transfer(uint32_t type)
{
    return type == VD_AGENT_FILE_XFER_START || type == VD_AGENT_FILE_XFER_STATUS ||
           type == VD_AGENT_FILE_XFER_DATA;
}

static AgentVerdict judge(const AgentRules *rules, uint32_t type)
{
    if (!rules->deliver || (!rules->copy_paste && is_clipboard(type)) ||
        (!rules->file_transfer && is_file_transfer(type)))
        return AGENT_DROP;
    return rules->take_monitors && type == VD_AGENT_MONITORS_CONFIG ? AGENT_TAKE : AGENT_PASS;
}

AgentVerdict agent_filter(AgentFilter *filter, const AgentRules *rules, WireBytes piece)
{
    size_t size = piece.size;

    filter->begins = !filter->left;
    if (filter->begins) {
        if (size < AGENT_HEADER_SIZE || wire_get_u32(piece.data) != VD_AGENT_PROTOCOL)
            return AGENT_BAD;
        filter->type = wire_get_u32(piece.data + 4);
        filter->size = filter->left = wire_get_u32(piece.data + 16);
        filter->verdict = judge(rules, filter->type);
        size -= AGENT_HEADER_SIZE;
    }
    if (size > filter->left) {
        filter->left = 0;
        return AGENT_BAD;
    }
    filter->left -= (uint32_t)size;
    return filter->verdict;
}

void agent_filter_drop(AgentFilter *filter)
{
    filter->verdict = AGENT_DROP;
}

void agent_filter_reset(AgentFilter *filter)
{
    *filter = (AgentFilter){0};
}

static void set_bit(uint32_t *word, unsigned bit, bool on)
{
    *word = on ? *word | 1u << bit : *word & ~(1u << bit);
}

bool agent_filter_announcement(uint8_t *piece, size_t size, const AgentRules *rules)
{
    const size_t at = AGENT_HEADER_SIZE + 4; /* behind 'request' */
    uint32_t announced = size < AGENT_HEADER_SIZE ? 0 : wire_get_u32(piece + 16);

    /* All that we know is in the first word. */
    if (size < at + 4 || announced < 8)
        return false;
    uint32_t word = wire_get_u32(piece + at);
    if (!rules->copy_paste) {
        set_bit(&word, VD_AGENT_CAP_CLIPBOARD, false);
        set_bit(&word, VD_AGENT_CAP_CLIPBOARD_BY_DEMAND, false);
        set_bit(&word, VD_AGENT_CAP_CLIPBOARD_SELECTION, false);
    }
    if (!rules->file_transfer)
        set_bit(&word, VD_AGENT_CAP_FILE_XFER_DISABLED, true);
    wire_put_u32(piece + at, word);
    return word >> VD_AGENT_CAP_GRAPHICS_DEVICE_INFO & 1;
}
