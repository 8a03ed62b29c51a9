/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest-agent protocol: messages at random and by hand, cutting and putting together, hostile
 * streams. */
#include "agent/agent.h"
#include "agent/random.h"

#include "../wire/guard.h"
#include "property.h"
#include "tap.h"

static const WireMessageInfo *infos;
static size_t n_infos;
static WireRandom source;
static Guard guard;

static bool holds(uint32_t type, uint32_t session, const uint8_t *data, size_t size, bool *valid)
{
    const char *broken = agent_property(type, session, guard_copy(&guard, data, size), size, valid);

    if (broken)
        printf("# type %u, session %u: %s\n", type, session, broken);
    return !broken;
}

static void test_random(void)
{
    static const uint32_t values[] = {0xffffffff, 0x80000000, 0x40000001,
                                      0x10000000, 0x0fffffff, 0xffff};
    WireBuffer data = {0};
    bool valid;

    tap_case("random messages survive, whole, cut and changed");
    for (size_t i = 0; i < n_infos; i++) {
        for (uint32_t round = 0; round < 80; round++) {
            uint32_t session = round % 4, type = infos[i].type;

            wire_arena_reset(source.arena);
            wire_buffer_reset(&data);
            if (!CHECK(
                    agent_write(type, session, agent_random_message(&source, i, session), &data)) ||
                !CHECK(holds(type, session, data.data, data.size, &valid) && valid))
                return;
            for (size_t size = 0; size < data.size; size++)
                if (!CHECK(holds(type, session, data.data, size, &valid)))
                    return;
            for (size_t at = 0; at + 4 <= data.size; at++) {
                uint8_t before[4];

                memcpy(before, data.data + at, 4);
                for (size_t k = 0; k < sizeof values / sizeof values[0]; k++) {
                    memcpy(data.data + at, &values[k], 4);
                    if (!CHECK(holds(type, session, data.data, data.size, &valid)))
                        return;
                }
                memcpy(data.data + at, before, 4);
            }
        }
    }
    wire_buffer_clear(&data);
}

/* Bytes from agent.md. */
static void test_by_hand(void)
{
    const uint32_t both = AGENT_WITH_SELECTION | AGENT_WITH_GRAB_SERIAL;
    const uint32_t types[] = {VD_AGENT_CLIPBOARD_UTF8_TEXT, VD_AGENT_CLIPBOARD_IMAGE_PNG};
    const AgentClipboardGrab grab = {.n_types = 2, .types = types};
    WireBuffer out = {0};
    WireArena arena;

    tap_case("prefixes by what was announced");
    wire_arena_init(&arena, 1 << 20);
    CHECK(agent_write(VD_AGENT_CLIPBOARD_GRAB, both, &grab, &out) && out.size == 16 &&
          !memcmp(out.data, "\0\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0", 16));
    wire_buffer_reset(&out);
    CHECK(agent_write(VD_AGENT_CLIPBOARD_GRAB, AGENT_WITH_SELECTION, &grab, &out) &&
          out.size == 12);
    wire_buffer_reset(&out);
    CHECK(agent_write(VD_AGENT_CLIPBOARD_GRAB, 0, &grab, &out) && out.size == 8);
    wire_buffer_reset(&out);
    const AgentClipboardRequest request = {.selection = 1, .type = VD_AGENT_CLIPBOARD_UTF8_TEXT};
    CHECK(agent_write_message(VD_AGENT_CLIPBOARD_REQUEST, both, &request, &out) && out.size == 28);
    CHECK(!memcmp(out.data, "\1\0\0\0\10\0\0\0\0\0\0\0\0\0\0\0\10\0\0\0\1\0\0\0\1\0\0\0", 28));
    const AgentClipboardRelease *release =
        agent_parse(VD_AGENT_CLIPBOARD_RELEASE, both, (const uint8_t *)"\2", 1, &arena, NULL);
    CHECK(release && release->selection == 2);
    CHECK(!agent_parse(VD_AGENT_CLIPBOARD_RELEASE, both, (const uint8_t *)"", 0, &arena, NULL));
    CHECK(agent_parse(VD_AGENT_CLIPBOARD_RELEASE, 0, (const uint8_t *)"", 0, &arena, NULL));

    tap_case("monitors with and without physical sizes");
    const AgentMonConfig monitors[] = {{1080, 1920, 32, 0, 0}, {0, 0, 32, -1, 0}};
    const AgentMonitorMm sizes[] = {{300, 500}, {0, 0}};
    AgentMonitorsConfig config = {
        .flags = VD_AGENT_CONFIG_MONITORS_FLAG_USE_POS, .n_monitors = 2, .monitors = monitors};
    wire_buffer_reset(&out);
    CHECK(agent_write(VD_AGENT_MONITORS_CONFIG, both, &config, &out) && out.size == 48);
    CHECK(!memcmp(out.data, "\2\0\0\0\1\0\0\0\70\4\0\0\200\7\0\0", 16));
    config.flags |= VD_AGENT_CONFIG_MONITORS_FLAG_PHYSICAL_SIZE;
    wire_buffer_reset(&out);
    CHECK(!agent_write(VD_AGENT_MONITORS_CONFIG, both, &config, &out)); /* sizes missing */
    wire_buffer_reset(&out);
    config.n_physical_sizes = 2;
    config.physical_sizes = sizes;
    CHECK(agent_write(VD_AGENT_MONITORS_CONFIG, both, &config, &out) && out.size == 56);
    const AgentMonitorsConfig *back =
        agent_parse(VD_AGENT_MONITORS_CONFIG, 0, out.data, out.size, &arena, NULL);
    CHECK(back && back->n_physical_sizes == 2 && back->physical_sizes[0].width == 500 &&
          back->monitors[1].x == -1);
    CHECK(!agent_parse(VD_AGENT_MONITORS_CONFIG, 0, out.data, out.size - 1, &arena, NULL));

    tap_case("capabilities and the session");
    const AgentAnnounceCapabilities *announce =
        agent_parse(VD_AGENT_ANNOUNCE_CAPABILITIES, 0, (const uint8_t *)"\0\0\0\0\347\215\3\0", 8,
                    &arena, NULL);
    WireCaps agent, client = {1, {0x35077}}, old = {1, {0x7}};
    if (CHECK(announce && !announce->request && announce->n_caps == 1)) {
        agent_caps_read(announce, &agent);
        CHECK(wire_caps_has(&agent, VD_AGENT_CAP_SPARSE_MONITORS_CONFIG) &&
              !wire_caps_has(&agent, VD_AGENT_CAP_DISPLAY_CONFIG));
        CHECK(agent_session(&client, &agent) == both && agent_session(&client, &old) == 0);
    }

    tap_case("details of file states");
    AgentFileXferStatus status = {.result = VD_AGENT_FILE_XFER_STATUS_NOT_ENOUGH_SPACE,
                                  .details = {(const uint8_t *)"\0\260\204\157\17\0\0\0", 8}};
    uint64_t space;
    uint32_t code;
    uint8_t kind;
    CHECK(agent_file_status_space(&status, &space) && space == UINT64_C(0xf6f84b000));
    CHECK(!agent_file_status_error(&status, &kind, &code));
    status.details.size = 7;
    CHECK(!agent_file_status_space(&status, &space));
    status.result = VD_AGENT_FILE_XFER_STATUS_ERROR;
    CHECK(agent_file_status_error(&status, &kind, &code) && kind == 0 && code == 0x0f6f84b0);
    status.details.size = 4;
    CHECK(!agent_file_status_error(&status, &kind, &code));
    wire_arena_clear(&arena);
    wire_buffer_clear(&out);
}

/* Messages of the sizes 0, 1, ... in one stream. */
static void make_stream(WireBuffer *stream, const uint32_t *sizes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        agent_write_header(100 + (uint32_t)i, sizes[i], stream);
        for (uint32_t k = 0; k < sizes[i]; k++)
            wire_buffer_append(stream, &(uint8_t){(uint8_t)(k * 7 + i)}, 1);
    }
}

static void test_assembling(void)
{
    static const uint32_t sizes[] = {0, 1, 19, 20, 21, 2028, 2029, 5012, 0, 70000, 3};
    enum { N = sizeof sizes / sizeof sizes[0], LIMIT = 60000 };
    static const size_t cuts[] = {1, 2, 3, 19, 20, 21, 2048, 1 << 20};
    WireBuffer stream = {0};
    WireError error;

    tap_case("messages are put together however they are cut");
    make_stream(&stream, sizes, N);
    for (size_t c = 0; c < sizeof cuts / sizeof cuts[0]; c++) {
        AgentAssembler assembler;
        AgentMessage message;
        size_t n = 0;

        agent_assembler_init(&assembler, LIMIT, false);
        for (size_t at = 0; at < stream.size; at += cuts[c]) {
            WireBytes input = {stream.data + at,
                               stream.size - at < cuts[c] ? stream.size - at : cuts[c]};
            AgentFeed fed;

            while ((fed = agent_assembler_feed(&assembler, &input, &message, &error)) ==
                   AGENT_FEED_MESSAGE) {
                if (!CHECK(n < N && message.type == 100 + n && message.size == sizes[n]))
                    return;
                CHECK(message.dropped == (sizes[n] > LIMIT) &&
                      message.data.size == (message.dropped ? 0 : sizes[n]));
                for (uint32_t k = 0; k < message.data.size; k++)
                    if (message.data.data[k] != (uint8_t)(k * 7 + n))
                        CHECK(!"the message's bytes");
                n++;
            }
            CHECK(fed == AGENT_FEED_MORE && !input.size);
        }
        CHECK(n == N && !agent_assembler_is_inside(&assembler));
        agent_assembler_clear(&assembler);
    }
    wire_buffer_clear(&stream);
}

static void test_pieces(void)
{
    static const uint32_t sizes[] = {5012};
    WireBuffer stream = {0};

    tap_case("messages are cut into pieces that a server takes");
    make_stream(&stream, sizes, 1);
    WireBytes rest = {stream.data, stream.size}, piece;
    size_t expected[] = {2048, 2048, 936}, n = 0;
    AgentAssembler assembler;
    AgentMessage message;
    agent_assembler_init(&assembler, 1 << 20, true);
    while ((piece = agent_next_piece(&rest)).size) {
        CHECK(n < 3 && piece.size == expected[n++]);
        AgentFeed fed = agent_assembler_feed(&assembler, &piece, &message, NULL);
        CHECK(fed == (n == 3 ? AGENT_FEED_MESSAGE : AGENT_FEED_MORE));
        CHECK(agent_assembler_is_inside(&assembler) == (n < 3));
    }
    CHECK(n == 3 && message.size == 5012);
    agent_assembler_clear(&assembler);
    wire_buffer_clear(&stream);
}

static void test_strict(void)
{
    static const uint32_t sizes[] = {4, 0};
    WireBuffer stream = {0};
    AgentAssembler assembler;
    AgentMessage message;
    WireError error;

    tap_case("a server refuses split headers, surplus bytes and other protocols");
    make_stream(&stream, sizes, 2);
    agent_assembler_init(&assembler, 1 << 20, true);
    WireBytes input = {stream.data, 19};
    CHECK(agent_assembler_feed(&assembler, &input, &message, &error) == AGENT_FEED_BAD &&
          error.text[0]);
    input = (WireBytes){stream.data, 24};
    CHECK(agent_assembler_feed(&assembler, &input, &message, &error) == AGENT_FEED_BAD);
    agent_assembler_reset(&assembler);
    CHECK(agent_assembler_feed(&assembler, &input, &message, &error) == AGENT_FEED_MESSAGE);
    input = (WireBytes){stream.data, stream.size};
    CHECK(agent_assembler_feed(&assembler, &input, &message, &error) == AGENT_FEED_BAD);
    agent_assembler_clear(&assembler);
    agent_assembler_init(&assembler, 1 << 20, false);
    stream.data[0] = 2;
    input = (WireBytes){stream.data, stream.size};
    CHECK(agent_assembler_feed(&assembler, &input, &message, &error) == AGENT_FEED_BAD);
    CHECK(!strcmp(error.text, "agent protocol 2"));
    agent_assembler_clear(&assembler);
    wire_buffer_clear(&stream);
}

/* A header that announces 4 GiB makes nobody allocate them. */
static void cve_2016_9577_agent_message_sizes(void)
{
    AgentMessage message;

    tap_case("cve_2016_9577_agent_message_sizes");
    for (uint64_t size = 1; size <= UINT32_MAX; size = size * 2 + 1) {
        WireBuffer header = {0};
        AgentAssembler assembler;
        uint8_t some[64] = {0};

        agent_write_header(VD_AGENT_CLIPBOARD, (uint32_t)size, &header);
        for (int limited = 0; limited < 2; limited++) {
            WireBytes input = {header.data, header.size},
                      more = {some, size > 64 ? 64 : (size_t)size};

            agent_assembler_init(&assembler, limited ? 1000 : UINT32_MAX, false);
            CHECK(agent_assembler_feed(&assembler, &input, &message, NULL) == AGENT_FEED_MORE);
            AgentFeed fed = agent_assembler_feed(&assembler, &more, &message, NULL);
            CHECK(fed == (size <= 64 ? AGENT_FEED_MESSAGE : AGENT_FEED_MORE));
            CHECK(assembler.data.capacity <= 128);
            agent_assembler_clear(&assembler);
        }
        wire_buffer_clear(&header);
    }
}

/* Configurations of monitors that are cut, too long, or cut into chunks. */
static void cve_2017_7506_monitors_configurations(void)
{
    uint8_t data[8 + 3 * 24] = {3, 0, 0, 0, VD_AGENT_CONFIG_MONITORS_FLAG_PHYSICAL_SIZE};
    bool valid;

    tap_case("cve_2017_7506_monitors_configurations");
    for (size_t size = 0; size <= sizeof data; size++)
        CHECK(holds(VD_AGENT_MONITORS_CONFIG, 0, data, size, &valid) &&
              valid == (size == sizeof data));
    data[4] = 0;
    for (size_t size = 0; size <= sizeof data; size++)
        CHECK(holds(VD_AGENT_MONITORS_CONFIG, 0, data, size, &valid) && valid == (size >= 8 + 60));
    for (uint64_t wide = 4; wide <= UINT32_MAX; wide = wide * 2 + 1) {
        uint32_t count = (uint32_t)wide;

        memcpy(data, &count, 4);
        CHECK(holds(VD_AGENT_MONITORS_CONFIG, 0, data, sizeof data, &valid) && !valid);
    }
}

static void test_chunk(void)
{
    WireBuffer out = {0};

    tap_case("a piece as a chunk of the guest's port");
    CHECK(agent_write_chunk(VDP_SERVER_PORT, (WireBytes){(const uint8_t *)"0123", 4}, &out) &&
          agent_write_chunk(VDP_CLIENT_PORT, (WireBytes){0}, &out));
    CHECK(out.size == 20 && !memcmp(out.data,
                                    "\2\0\0\0\4\0\0\0"
                                    "0123"
                                    "\1\0\0\0\0\0\0\0",
                                    20));
    wire_buffer_clear(&out);
}

int main(void)
{
    WireArena arena;

    wire_arena_init(&arena, 1 << 20);
    source = (WireRandom){.state = UINT64_C(0xdeadbeefcafe), .arena = &arena};
    infos = agent_message_infos(&n_infos);
    guard = guard_new(1 << 16);
    test_random();
    test_by_hand();
    test_assembling();
    test_pieces();
    test_strict();
    cve_2016_9577_agent_message_sizes();
    cve_2017_7506_monitors_configurations();
    test_chunk();
    guard_free(&guard);
    wire_arena_clear(&arena);
    return tap_done();
}
