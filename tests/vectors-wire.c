/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs the vectors of a folder like tests/vectors/wire: recorded connections from the first byte of
 * the link stage on, refused link messages, a ticket, cursors. Prints a line for each failure and
 * "N passed, M failed". */
#include "wire/recorded.h"

#include "agent/agent.h"
#include "wire/header.h"
#include "wire/link.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <stdio.h>
#include <string.h>

static unsigned passed, failed;
static unsigned messages, agent_messages;

static bool check(bool good, const char *vector, const char *what)
{
    passed += good;
    failed += !good;
    if (!good)
        printf("%s: failed: %s\n", vector, what);
    return good;
}

static gint64 number(JsonObject *object, const char *name)
{
    return json_object_get_int_member_with_default(object, name, 0);
}

/* ---- Link stage
 * ------------------------------------------------------------------------------------------------------
 */

typedef struct Link {
    WireLinkMess mess;
    WireLinkReply reply;
    size_t client_end, server_end; /* where the link messages end in their streams */
} Link;

/* Header and body of both sides, held against the same written again. */
static bool run_link(const uint8_t *client, size_t client_size, const uint8_t *server,
                     size_t server_size, Link *link)
{
    WireLinkHeader header;
    WireBuffer out = {0};
    WireError error;
    bool good = false;

    if (client_size < WIRE_LINK_HEADER_SIZE || server_size < WIRE_LINK_HEADER_SIZE)
        return false;
    wire_link_header_read(client, &header);
    link->client_end = WIRE_LINK_HEADER_SIZE + header.size;
    if (wire_link_header_check(&header, WIRE_TO_SERVER, &error) != SPICE_LINK_ERR_OK ||
        link->client_end > client_size ||
        wire_link_mess_parse(client + WIRE_LINK_HEADER_SIZE, header.size, &link->mess, &error) !=
            SPICE_LINK_ERR_OK)
        return false;
    wire_link_mess_write(&link->mess, &out);
    if (out.size != link->client_end || memcmp(out.data, client, out.size))
        goto end;
    wire_link_header_read(server, &header);
    link->server_end = WIRE_LINK_HEADER_SIZE + header.size;
    if (wire_link_header_check(&header, WIRE_TO_CLIENT, &error) != SPICE_LINK_ERR_OK ||
        link->server_end > server_size ||
        !wire_link_reply_parse(server + WIRE_LINK_HEADER_SIZE, header.size, &link->reply, &error))
        goto end;
    wire_buffer_reset(&out);
    wire_link_reply_write(&link->reply, &out);
    good = out.size == link->server_end && !memcmp(out.data, server, out.size);
end:
    wire_buffer_clear(&out);
    return good;
}

/* ---- Agent
 * -----------------------------------------------------------------------------------------------------------
 */

/* One direction of agent messages. All recorded peers have announced selections and serials of
 * grabs. */
static void run_agent_bytes(const char *vector, AgentAssembler *assembler, const uint8_t *data,
                            size_t size)
{
    const uint32_t session = AGENT_WITH_SELECTION | AGENT_WITH_GRAB_SERIAL;
    WireBytes input = {data, size};
    AgentMessage message;
    WireError error;
    AgentFeed fed;

    while ((fed = agent_assembler_feed(assembler, &input, &message, &error)) ==
           AGENT_FEED_MESSAGE) {
        WireArena arena;
        WireBuffer out = {0};

        agent_messages++;
        if (!agent_message_info(message.type)) {
            /* Scripted clients send a type 99, to see that it passes. */
            check(message.type == 99, vector, "known agent message");
            continue;
        }
        wire_arena_init(&arena, 1 << 20);
        const void *parsed = agent_parse(message.type, session, message.data.data,
                                         message.data.size, &arena, &error);
        if (!check(parsed && agent_write(message.type, session, parsed, &out), vector,
                   "agent message"))
            printf("  %s, %u bytes of type %u\n", error.text, message.size, message.type);
        /* A RELEASE of one byte instead of four becomes one of four (agent.md 13). */
        else if (!check((out.size == message.data.size &&
                         (!out.size || !memcmp(out.data, message.data.data, out.size))) ||
                            (message.type == VD_AGENT_CLIPBOARD_RELEASE && message.size == 1),
                        vector, "agent message written again"))
            printf("  type %u, %u bytes\n", message.type, message.size);
        wire_buffer_clear(&out);
        wire_arena_clear(&arena);
    }
    check(fed == AGENT_FEED_MORE && !input.size, vector, "agent stream");
}

/* What went over the guest's port: chunks of whole pieces. */
static void run_agent_port(const char *vector, JsonObject *file, const char *folder,
                           uint32_t max_chunk)
{
    GBytes *bytes = recorded_load_checked(folder, file);
    AgentAssembler ports[3];
    gsize left;

    if (!check(bytes != NULL, vector, "files"))
        return;
    for (int i = 0; i < 3; i++)
        agent_assembler_init(&ports[i], 1 << 20, true);
    const uint8_t *data = g_bytes_get_data(bytes, &left);
    while (left >= AGENT_CHUNK_HEADER_SIZE) {
        uint32_t port = wire_link_word_read(data), size = wire_link_word_read(data + 4);

        if (!check((port == VDP_CLIENT_PORT || port == VDP_SERVER_PORT) && size <= max_chunk &&
                       size <= left - AGENT_CHUNK_HEADER_SIZE,
                   vector, "chunk"))
            break;
        data += AGENT_CHUNK_HEADER_SIZE;
        run_agent_bytes(vector, &ports[port], data, size);
        data += size;
        left -= AGENT_CHUNK_HEADER_SIZE + size;
    }
    check(!left, vector, "whole chunks");
    for (int i = 0; i < 3; i++)
        agent_assembler_clear(&ports[i]);
    g_bytes_unref(bytes);
}

/* ---- Messages
 * --------------------------------------------------------------------------------------------------------
 */

/* A body that a scripted peer sent to be refused: PORT_EVENT with a byte too much. Servers close
 * the channel for it (wire.md 15), which is above the layout; here it's a message with surplus
 * bytes. */
static bool has_surplus(const char *vector, const WireMessageInfo *info, size_t size)
{
    return !strcmp(vector, "vmc-lz4") && info && !strcmp(info->name, "SPICE_MSGC_PORT_EVENT") &&
           size == 2;
}

static void run_messages(const char *vector, const char *label, uint8_t channel, WireDirection dir,
                         bool mini, const uint8_t *data, size_t size, size_t at,
                         JsonArray *expected)
{
    g_autofree char *what = g_strdup_printf(
        "%s, %s", label, dir == WIRE_TO_CLIENT ? "from the server" : "from the client");
    guint n = json_array_get_length(expected);
    AgentAssembler agent;

    agent_assembler_init(&agent, 1 << 20, false);
    for (guint i = 0; i < n; i++) {
        JsonObject *message = json_array_get_object_element(expected, i);
        WireHeader header;
        size_t written = 0;

        if (!check(at == (size_t)number(message, "offset") && size - at >= wire_header_size(mini),
                   vector, what))
            break;
        wire_header_read(mini, data + at, &header);
        at += wire_header_size(mini);
        if (!check(header.type == number(message, "type") &&
                       header.size == number(message, "size") &&
                       header.serial == (guint64)number(message, "serial") &&
                       header.sub_list == number(message, "sub_list") && header.size <= size - at,
                   vector, what))
            break;
        const WireMessageInfo *info = wire_message_info(channel, dir, header.type);
        const uint8_t *body = data + at;
        at += header.size;
        messages++;
        check(info && !strcmp(info->name, json_object_get_string_member(message, "name")), vector,
              what);
        check(info && header.size >= info->min_size, vector, what);
        if (!check(recorded_same(channel, dir, header.type, body, header.size, &written), vector,
                   what))
            printf("  message %u at %zu\n", i, at - header.size);
        check(written == header.size || header.sub_list > written ||
                  has_surplus(vector, info, header.size),
              vector, what);
        if (channel == SPICE_CHANNEL_MAIN &&
            header.type ==
                (dir == WIRE_TO_CLIENT ? SPICE_MSG_MAIN_AGENT_DATA : SPICE_MSGC_MAIN_AGENT_DATA))
            run_agent_bytes(vector, &agent, body, header.size);
        if (header.sub_list || (header.type == SPICE_MSG_LIST && dir == WIRE_TO_CLIENT))
            check(recorded_subs_same(channel, dir, body, header.size, header.sub_list), vector,
                  what);
    }
    check(at == size, vector, what);
    agent_assembler_clear(&agent);
}

/* Fields that the index tells about the connection. */
static void run_connection(const char *vector, JsonObject *connection, const char *folder)
{
    const char *label = json_object_get_string_member(connection, "label");
    JsonObject *decoded = json_object_has_member(connection, "decoded")
                              ? json_object_get_object_member(connection, "decoded")
                              : NULL;
    GBytes *c2s = recorded_load_checked(
        folder, json_object_get_object_member(connection, "client_to_server"));
    GBytes *s2c = recorded_load_checked(
        folder, json_object_get_object_member(connection, "server_to_client"));
    gsize client_size = 0, server_size = 0;
    Link link;

    if (!check(c2s && s2c, vector, "files"))
        goto end;
    const uint8_t *client = g_bytes_get_data(c2s, &client_size),
                  *server = g_bytes_get_data(s2c, &server_size);
    if (!decoded ||
        !check(run_link(client, client_size, server, server_size, &link), vector, "link stage"))
        goto end;
    check(link.mess.channel_type == number(decoded, "channel_type") &&
              link.mess.channel_id == number(decoded, "channel_id") &&
              link.mess.connection_id == (guint64)number(decoded, "connection_id"),
          vector, "link message");
    check(link.reply.error == (guint64)number(decoded, "link_error"), vector, "link error");
    if (link.reply.error != SPICE_LINK_ERR_OK) {
        check(client_size == link.client_end && server_size == link.server_end, vector,
              "nothing after a refusal");
        goto end;
    }
    const uint8_t *modulus;
    check(wire_pubkey_read(link.reply.pub_key, &modulus), vector, "public key");
    check(wire_auth_choose(&link.mess.common_caps, &link.reply.common_caps) == WIRE_AUTH_TICKET,
          vector, "authentication");
    bool mini = wire_caps_has(&link.mess.common_caps, SPICE_COMMON_CAP_MINI_HEADER) &&
                wire_caps_has(&link.reply.common_caps, SPICE_COMMON_CAP_MINI_HEADER);
    check(mini == json_object_get_boolean_member(decoded, "mini_header"), vector, "header form");
    check(wire_link_word_read(client + link.client_end) == number(decoded, "auth_mechanism"),
          vector, "mechanism");
    size_t ticket = link.client_end + WIRE_AUTH_MECHANISM_SIZE;
    check(ticket == (size_t)number(decoded, "ticket_offset"), vector, "place of the ticket");
    check(wire_link_word_read(server + link.server_end) == number(decoded, "link_result"), vector,
          "link result");
    run_messages(vector, label, link.mess.channel_type, WIRE_TO_SERVER, mini, client, client_size,
                 ticket + WIRE_TICKET_SIZE,
                 json_object_get_array_member(decoded, "client_messages"));
    run_messages(vector, label, link.mess.channel_type, WIRE_TO_CLIENT, mini, server, server_size,
                 link.server_end + WIRE_LINK_RESULT_SIZE,
                 json_object_get_array_member(decoded, "server_messages"));
end:
    g_clear_pointer(&c2s, g_bytes_unref);
    g_clear_pointer(&s2c, g_bytes_unref);
}

/* ---- SASL and WebSocket: their own framing around the link stage
 * ----------------------------------------------------- */

/* A length and so many bytes. */
static bool skip_string(const uint8_t *data, size_t size, size_t *at, uint32_t expected)
{
    if (size - *at < 4 || wire_link_word_read(data + *at) != expected || size - *at - 4 < expected)
        return false;
    *at += 4 + expected;
    return true;
}

static void run_sasl(const char *vector, JsonObject *connection, const char *folder)
{
    static const uint32_t from_server[] = {12, 150}, from_client[] = {10, 0, 257};
    GBytes *c2s = recorded_load_checked(
        folder, json_object_get_object_member(connection, "client_to_server"));
    GBytes *s2c = recorded_load_checked(
        folder, json_object_get_object_member(connection, "server_to_client"));
    gsize client_size, server_size;
    Link link;

    if (!check(c2s && s2c, vector, "files"))
        return;
    const uint8_t *client = g_bytes_get_data(c2s, &client_size),
                  *server = g_bytes_get_data(s2c, &server_size);
    if (check(run_link(client, client_size, server, server_size, &link), vector, "link stage")) {
        const uint8_t zero[WIRE_PUBKEY_SIZE] = {0};
        size_t at = link.server_end;

        check(wire_auth_choose(&link.mess.common_caps, &link.reply.common_caps) == WIRE_AUTH_SASL,
              vector, "choice");
        check(!memcmp(link.reply.pub_key, zero, sizeof zero), vector, "no key with SASL");
        for (size_t i = 0; i < 2; i++)
            check(skip_string(server, server_size, &at, from_server[i]), vector,
                  "strings from the server");
        check(server[at++] == 0, vector, "not complete after the challenge");
        check(skip_string(server, server_size, &at, 41) && server[at++] == 1, vector,
              "complete after the proof");
        check(wire_link_word_read(server + at) == 0, vector, "authenticated");
        at = link.client_end;
        check(wire_link_word_read(client + at) == SPICE_COMMON_CAP_AUTH_SASL, vector, "mechanism");
        at += 4;
        for (size_t i = 0; i < 3; i++)
            check(skip_string(client, client_size, &at, from_client[i]), vector,
                  "strings from the client");
    }
    g_bytes_unref(c2s);
    g_bytes_unref(s2c);
}

/* The payload of data frames of a stream that begins with HTTP. */
static GByteArray *websocket_payload(GBytes *stream, uint8_t *last_opcode)
{
    gsize size;
    const uint8_t *data = g_bytes_get_data(stream, &size);
    const uint8_t *body = memmem(data, size, "\r\n\r\n", 4);
    GByteArray *payload = g_byte_array_new();

    for (size_t at = body ? (size_t)(body - data) + 4 : size; at + 2 <= size;) {
        uint8_t opcode = data[at] & 15;
        bool masked = data[at + 1] & 0x80;
        size_t length = data[at + 1] & 0x7f;

        at += 2;
        if (length == 126 && at + 2 <= size) {
            length = (size_t)data[at] << 8 | data[at + 1];
            at += 2;
        }
        const uint8_t *mask = data + at;
        at += masked ? 4 : 0;
        if (at > size || length > size - at)
            break;
        for (size_t i = 0; i < length && opcode < 8; i++) {
            uint8_t byte = data[at + i] ^ (masked ? mask[i % 4] : 0);

            g_byte_array_append(payload, &byte, 1);
        }
        *last_opcode = opcode;
        at += length;
    }
    return payload;
}

static void run_websocket(const char *vector, JsonObject *connection, const char *folder)
{
    GBytes *c2s = recorded_load_checked(
        folder, json_object_get_object_member(connection, "client_to_server"));
    GBytes *s2c = recorded_load_checked(
        folder, json_object_get_object_member(connection, "server_to_client"));
    uint8_t last = 0;
    Link link;

    if (!check(c2s && s2c, vector, "files"))
        return;
    GByteArray *client = websocket_payload(c2s, &last), *server = websocket_payload(s2c, &last);
    check(last == 8, vector, "closing frame");
    check(run_link(client->data, client->len, server->data, server->len, &link), vector,
          "link stage in frames");
    check(link.mess.channel_type == SPICE_CHANNEL_MAIN && link.reply.error == SPICE_LINK_ERR_OK,
          vector, "link");
    g_byte_array_unref(client);
    g_byte_array_unref(server);
    g_bytes_unref(c2s);
    g_bytes_unref(s2c);
}

/* ---- The other kinds
 * -------------------------------------------------------------------------------------------------
 */

/* A server's answer to a link message up to the choice of the channel. Empty: closed without
 * answer, or accepted. */
static void answer(const uint8_t *data, size_t size, WireBuffer *out, bool *accepted)
{
    WireLinkHeader header;
    WireLinkMess mess;
    WireLinkReply reply = {0};
    WireError error;

    *accepted = false;
    wire_link_header_read(data, &header);
    reply.error = wire_link_header_check(&header, WIRE_TO_SERVER, &error);
    if (reply.error == SPICE_LINK_ERR_OK)
        reply.error =
            header.size <= size - WIRE_LINK_HEADER_SIZE
                ? wire_link_mess_parse(data + WIRE_LINK_HEADER_SIZE, header.size, &mess, &error)
                : SPICE_LINK_ERR_INVALID_DATA;
    if (reply.error == SPICE_LINK_ERR_OK)
        *accepted = true;
    else if (wire_link_header_wants_answer(&header))
        wire_link_reply_write(&reply, out);
}

static void run_link_errors(const char *vector, JsonArray *cases)
{
    for (guint i = 0; i < json_array_get_length(cases); i++) {
        JsonObject *one = json_array_get_object_element(cases, i);
        const char *name = json_object_get_string_member(one, "name");
        GBytes *request = recorded_hex(json_object_get_string_member(one, "request_hex"));
        GBytes *response = recorded_hex(json_object_get_string_member(one, "response_hex"));
        gsize request_size, response_size;
        const uint8_t *data = g_bytes_get_data(request, &request_size);
        const uint8_t *expected = g_bytes_get_data(response, &response_size);
        WireBuffer out = {0};
        bool accepted;

        answer(data, request_size, &out, &accepted);
        if (g_str_has_prefix(name, "unknown channel"))
            /* The layout is good; which channels there are is known above. */
            check(accepted, vector, name);
        else if (!json_object_get_boolean_member(one, "closed_by_server"))
            check(accepted, vector, name);
        else
            check(!accepted && out.size == response_size &&
                      (!out.size || !memcmp(out.data, expected, out.size)),
                  vector, name);
        wire_buffer_clear(&out);
        g_bytes_unref(request);
        g_bytes_unref(response);
    }
}

static void run_ticket(const char *vector, JsonObject *object, const char *folder)
{
    GBytes *pem =
        recorded_load_checked(folder, json_object_get_object_member(object, "private_key_pem"));
    GBytes *der =
        recorded_load_checked(folder, json_object_get_object_member(object, "public_key_der"));
    GBytes *ticket = recorded_load_checked(folder, json_object_get_object_member(object, "ticket"));
    GBytes *plain = recorded_hex(json_object_get_string_member(object, "plaintext_hex"));
    GBytes *request = recorded_hex(json_object_get_string_member(object, "link_message_hex"));
    GBytes *reply_body = recorded_hex(json_object_get_string_member(object, "link_reply_body_hex"));
    WireLinkMess mess;
    WireLinkReply reply;
    WireError error;
    gsize size, plain_size;

    if (!check(pem && der && ticket, vector, "files"))
        return;
    const uint8_t *data = g_bytes_get_data(request, &size);
    check(wire_link_mess_parse(data + 16, size - 16, &mess, &error) == SPICE_LINK_ERR_OK, vector,
          "link message");
    data = g_bytes_get_data(reply_body, &size);
    check(wire_link_reply_parse(data, size, &reply, &error), vector, "link reply");
    const uint8_t *modulus, *key = g_bytes_get_data(der, &size);
    uint8_t built[WIRE_PUBKEY_SIZE];
    check(size == WIRE_PUBKEY_SIZE && !memcmp(key, reply.pub_key, size), vector, "public key");
    check(wire_pubkey_read(key, &modulus), vector, "layout of the key");
    wire_pubkey_write(built, modulus);
    check(!memcmp(built, key, sizeof built), vector, "key from its modulus");

    /* What the key's owner finds in the ticket. */
    data = g_bytes_get_data(pem, &size);
    BIO *bio = BIO_new_mem_buf(data, (int)size);
    EVP_PKEY *private_key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(private_key, NULL);
    uint8_t found[WIRE_TICKET_SIZE];
    size_t found_size = sizeof found;
    data = g_bytes_get_data(ticket, &size);
    check(size == WIRE_TICKET_SIZE, vector, "size of the ticket");
    check(EVP_PKEY_decrypt_init(context) > 0 &&
              EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
              EVP_PKEY_decrypt(context, found, &found_size, data, size) > 0,
          vector, "decryption");
    data = g_bytes_get_data(plain, &plain_size);
    check(found_size == plain_size && !memcmp(found, data, found_size), vector, "password");
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(private_key);
    BIO_free(bio);
    g_bytes_unref(pem);
    g_bytes_unref(der);
    g_bytes_unref(ticket);
    g_bytes_unref(plain);
    g_bytes_unref(request);
    g_bytes_unref(reply_body);
}

/* A cursor's data as a message and back. */
static void run_cursors(const char *vector, JsonArray *cursors)
{
    for (guint i = 0; i < json_array_get_length(cursors); i++) {
        JsonObject *one = json_array_get_object_element(cursors, i);
        GBytes *data = recorded_hex(json_object_get_string_member(one, "data_hex"));
        WireMsgCursorSet set = {.visible = 1,
                                .cursor = {.type = (uint8_t)number(one, "cursor_type"),
                                           .width = (uint16_t)number(one, "width"),
                                           .height = (uint16_t)number(one, "height"),
                                           .unique = (uint64_t)number(one, "unique")}};
        WireBuffer out = {0};
        WireArena arena;
        WireError error;
        size_t size;

        wire_arena_init(&arena, 1 << 16);
        set.cursor.data.data = g_bytes_get_data(data, &size);
        set.cursor.data.size = size;
        check(wire_write(SPICE_CHANNEL_CURSOR, WIRE_TO_CLIENT, SPICE_MSG_CURSOR_SET, &set, &out),
              vector, "written");
        const WireMsgCursorSet *back =
            wire_parse(SPICE_CHANNEL_CURSOR, WIRE_TO_CLIENT, SPICE_MSG_CURSOR_SET, out.data,
                       out.size, &arena, &error);
        check(back && out.size == 7 + 17 + size && back->cursor.unique == set.cursor.unique &&
                  back->cursor.data.size == size &&
                  !memcmp(back->cursor.data.data, set.cursor.data.data, size),
              vector, "read back");
        wire_arena_clear(&arena);
        wire_buffer_clear(&out);
        g_bytes_unref(data);
    }
}

static void run_vector(JsonObject *vector, const char *folder)
{
    const char *id = json_object_get_string_member(vector, "id"),
               *kind = json_object_get_string_member(vector, "kind");

    if (!strcmp(kind, "trace")) {
        JsonArray *connections = json_object_get_array_member(vector, "connections");

        for (guint i = 0; i < json_array_get_length(connections); i++) {
            JsonObject *connection = json_array_get_object_element(connections, i);

            if (json_object_has_member(connection, "decoded"))
                run_connection(id, connection, folder);
            else if (!strcmp(id, "websocket"))
                run_websocket(id, connection, folder);
            else
                run_sasl(id, connection, folder);
        }
    } else if (!strcmp(kind, "ticket")) {
        run_ticket(id, vector, folder);
    } else if (!strcmp(kind, "cursor")) {
        run_cursors(id, json_object_get_array_member(vector, "cursors"));
    } else if (!strcmp(kind, "request-response")) {
        run_link_errors(id, json_object_get_array_member(vector, "cases"));
    } else if (!strcmp(kind, "agent-port")) {
        /* Agents send chunks of any size. */
        run_agent_port(id, json_object_get_object_member(vector, "agent_to_server"), folder,
                       UINT32_MAX);
        run_agent_port(id, json_object_get_object_member(vector, "server_to_agent"), folder,
                       AGENT_PIECE_MAX);
    } else {
        check(false, id, "unknown kind of vector");
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "vectors-wire FOLDER\n");
        return 2;
    }
    JsonParser *index = recorded_index(argv[1], "index.json");
    JsonArray *vectors =
        json_object_get_array_member(json_node_get_object(json_parser_get_root(index)), "vectors");
    for (guint i = 0; i < json_array_get_length(vectors); i++)
        run_vector(json_array_get_object_element(vectors, i), argv[1]);
    g_object_unref(index);
    printf("%u messages, %u agent messages\n", messages, agent_messages);
    printf("%u passed, %u failed\n", passed, failed);
    return failed || !passed;
}
