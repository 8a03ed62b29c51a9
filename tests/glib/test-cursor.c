/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pointer shapes: pixels of the recorded ones, hostile sizes, and what the cursor channel emits.
 * Spec: client-glib.md 10, wire.md 13. */
#include <string.h>
#include <json-glib/json-glib.h>
#include "fake-server.h"
#include "recorder.h"
#include "spice-glib/cursor-decode.h"

static GByteArray *from_hex(const gchar *hex)
{
    GByteArray *bytes = g_byte_array_new();

    for (; hex[0] && hex[1]; hex += 2) {
        guint8 byte = g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1]);

        g_byte_array_append(bytes, &byte, 1);
    }
    return bytes;
}

static void check_vector(JsonObject *cursor, guint *checked)
{
    guint type = json_object_get_int_member(cursor, "cursor_type");
    guint width = json_object_get_int_member(cursor, "width"),
          height = json_object_get_int_member(cursor, "height");
    g_autoptr(GByteArray) data = from_hex(json_object_get_string_member(cursor, "data_hex"));
    JsonNode *expected = json_object_get_member(cursor, "client_rgba_hex");
    g_autofree guint8 *pixels = spice_cursor_decode(type, width, height, data->data, data->len);

    g_assert_nonnull(pixels);
    if (!json_node_is_null(expected)) {
        g_autoptr(GByteArray) rgba = from_hex(json_node_get_string(expected));

        g_assert_cmpmem(pixels, width * height * 4, rgba->data, rgba->len);
        (*checked)++;
    }
    /* Every shorter one is refused, or holds all that is needed; none reads beyond its end. */
    for (gsize size = 0; size < data->len; size++) {
        g_autofree guint8 *copy = g_memdup2(data->data, size);
        g_autofree guint8 *shorter = spice_cursor_decode(type, width, height, copy, size);

        g_assert_true(shorter == NULL || memcmp(shorter, pixels, width * height * 4) == 0);
    }
}

static void test_vectors(void)
{
    g_autofree gchar *path =
        g_build_filename(g_getenv("G_TEST_SRCDIR"), "wire", "index.json", NULL);
    g_autoptr(JsonParser) parser = json_parser_new();
    JsonArray *vectors;
    guint checked = 0;

    g_assert_true(json_parser_load_from_file(parser, path, NULL));
    vectors =
        json_object_get_array_member(json_node_get_object(json_parser_get_root(parser)), "vectors");
    for (guint i = 0; i < json_array_get_length(vectors); i++) {
        JsonObject *vector = json_array_get_object_element(vectors, i);

        if (g_str_equal(json_object_get_string_member(vector, "id"), "cursor-decode")) {
            JsonArray *cursors = json_object_get_array_member(vector, "cursors");

            for (guint k = 0; k < json_array_get_length(cursors); k++)
                check_vector(json_array_get_object_element(cursors, k), &checked);
        }
    }
    g_assert_cmpuint(checked, >=, 5);
}

/* CVE-2021-4206: width times height of a cursor. */
static void test_cve_2021_4206_cursor_sizes(void)
{
    static const guint sides[] = {0, 1, 2, 1023, 1024, 1025, 32767, 65535};
    static const guint8 data[64];

    for (guint type = 0; type < 9; type++)
        for (gsize w = 0; w < G_N_ELEMENTS(sides); w++)
            for (gsize h = 0; h < G_N_ELEMENTS(sides); h++) {
                g_autofree guint8 *pixels =
                    spice_cursor_decode(type, sides[w], sides[h], data, sizeof data);

                g_assert_true(!pixels || (sides[w] * sides[h] <= 16 && type <= 6));
            }
}

/* --- the channel --- */

static WireCursor alpha_cursor(guint64 unique, guint16 flags, const guint8 *pixels)
{
    return (WireCursor){.flags = flags,
                        .unique = unique,
                        .type = SPICE_CURSOR_TYPE_ALPHA,
                        .width = 2,
                        .height = 1,
                        .hot_spot_x = 7,
                        .hot_spot_y = 0,
                        .data = {pixels, pixels ? 8 : 0}};
}

static void cursor_script(FakeConn *conn, gpointer data)
{
    static const guint8 pixels[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const WireChannelId channels[] = {{SPICE_CHANNEL_CURSOR, 0}};
    WireMsgMainChannelsList list = {.n_channels = 1, .channels = channels};
    WireMsgCursorInit init = {.visible = 1,
                              .cursor = alpha_cursor(5, SPICE_CURSOR_FLAGS_CACHE_ME, pixels)};
    WireMsgCursorSet cached = {.visible = 1,
                               .cursor = alpha_cursor(5, SPICE_CURSOR_FLAGS_FROM_CACHE, NULL)};
    WireMsgCursorSet missing = {.visible = 1,
                                .cursor = alpha_cursor(6, SPICE_CURSOR_FLAGS_FROM_CACHE, NULL)};
    WireMsgCursorSet none = {.visible = 1, .cursor = {.flags = SPICE_CURSOR_FLAGS_NONE}};
    WireMsgCursorMove move = {.position = {3, 4}};
    WireMsgCursorInvalOne inval = {.id = 5};
    FakeMessage message;

    if (!fake_link(conn, 0))
        return;
    if (conn->link.channel_type == SPICE_CHANNEL_MAIN) {
        fake_send_main_start(conn, FALSE);
        if (fake_receive_type(conn, SPICE_MSGC_MAIN_ATTACH_CHANNELS, &message))
            fake_message_clear(&message);
        fake_send(conn, SPICE_MSG_MAIN_CHANNELS_LIST, &list);
    } else {
        fake_send(conn, SPICE_MSG_CURSOR_INIT, &init);
        fake_send(conn, SPICE_MSG_CURSOR_SET, &cached);
        fake_send(conn, SPICE_MSG_CURSOR_SET, &none);
        fake_send(conn, SPICE_MSG_CURSOR_MOVE, &move);
        fake_send(conn, SPICE_MSG_CURSOR_INVAL_ONE, &inval);
        fake_send(conn, SPICE_MSG_CURSOR_SET, &cached);
        fake_send(conn, SPICE_MSG_CURSOR_SET, &missing);
        fake_send(conn, SPICE_MSG_CURSOR_RESET, NULL);
    }
    fake_drain(conn);
}

static void on_set(SpiceCursorChannel *channel, gint width, gint height, gint x, gint y,
                   const guint8 *rgba, Recorder *r)
{
    g_autoptr(GObject) alive = g_object_ref(G_OBJECT(channel));
    SpiceCursorShape *shape;

    g_object_get(channel, "cursor", &shape, NULL);
    g_assert_nonnull(shape);
    g_assert_cmpint(shape->width, ==, width);
    if (rgba) {
        static const guint8 expected[8] = {3, 2, 1, 4, 7, 6, 5, 8};

        g_assert_cmpmem(rgba, 8, expected, 8);
        g_assert_cmpmem(shape->data, 8, expected, 8);
    }
    recorder_note(r, "cursor-set %dx%d hot %d,%d %s", width, height, x, y,
                  rgba ? "pixels" : "default");
    g_boxed_free(SPICE_TYPE_CURSOR_SHAPE, shape);
}

static void on_move(SpiceCursorChannel *channel, gint x, gint y, Recorder *r)
{
    recorder_note(r, "cursor-move %d,%d", x, y);
}

static void on_new(SpiceSession *session, SpiceChannel *channel, Recorder *r)
{
    if (!SPICE_IS_CURSOR_CHANNEL(channel))
        return;
    g_signal_connect(channel, "cursor-set", G_CALLBACK(on_set), r);
    g_signal_connect(channel, "cursor-move", G_CALLBACK(on_move), r);
}

static void test_channel(void)
{
    FakeServer *server = fake_server_new(cursor_script, NULL);
    Recorder *r = recorder_new(fake_server_port(server), 0);
    const gchar *start;

    g_signal_connect(r->session, "channel-new", G_CALLBACK(on_new), r);
    g_assert_true(spice_session_connect(r->session));
    recorder_wait(r, "cursor-reset");
    start = strstr(r->lines->str, "cursor:0 OPENED");
    g_assert_nonnull(start);
    g_assert_cmpstr(start, ==,
                    "cursor:0 OPENED\n"
                    "cursor:0 notify::cursor\n"
                    "cursor-set 2x1 hot 2,0 pixels\n"
                    "cursor:0 notify::cursor\n"
                    "cursor-set 2x1 hot 2,0 pixels\n"
                    "cursor:0 cursor-hide\n"
                    "cursor-move 3,4\n"
                    "cursor:0 notify::cursor\n"
                    "cursor-set 0x0 hot 0,0 default\n"
                    "cursor:0 notify::cursor\n"
                    "cursor-set 0x0 hot 0,0 default\n"
                    "cursor:0 cursor-reset\n");
    recorder_free(r);
    fake_server_free(server);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_log_set_always_fatal(G_LOG_FATAL_MASK);
    g_test_add_func("/cursor/vectors", test_vectors);
    g_test_add_func("/cursor/cve_2021_4206_cursor_sizes", test_cve_2021_4206_cursor_sizes);
    g_test_add_func("/cursor/channel", test_channel);
    return g_test_run();
}
