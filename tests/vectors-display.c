/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a folder of display vectors (docs/spec/display.md 18) through the renderer: vectors-display
 * DIR [NAME...] */
#include <string.h>

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <png.h>

#include <spice/enums.h>
#include <spice/protocol.h>

#include "display/player.h"

#define MAX_CHANNELS 8
/* How long a channel may take before it counts as waiting for another one. */
#define PATIENCE_MS 10000
/* The same where it is expected to wait: it has nothing else to do. */
#define STUCK_MS 150
/* Video: from the last byte to the last frame. */
#define VIDEO_MS 5000

typedef struct Channel {
    Player player;
    PlayerLog log;
    JsonObject *json;
    GByteArray *bytes;
    uint64_t *fd_bytes;
    unsigned int id;
} Channel;

typedef struct Run {
    const char *dir, *name;
    GString *why; /* empty: passed */
    RendererShared *shared;
    unsigned int n_channels;
    Channel channels[MAX_CHANNELS];
    bool no_decoder; /* the session's video can't be decoded on this machine */
} Run;

static unsigned int n_passed, n_failed;

static void wrong(Run *run, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void wrong(Run *run, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (run->why->len > 0)
        g_string_append(run->why, "; ");
    g_string_append_vprintf(run->why, format, args);
    va_end(args);
}

static void count(Run *run)
{
    if (run->why->len == 0) {
        n_passed++;
    } else {
        n_failed++;
        g_print("FAILED %s: %s\n", run->name, run->why->str);
    }
    g_string_free(run->why, TRUE);
}

/* ---- Files
 * ---------------------------------------------------------------------------------------------------------
 */

static GByteArray *read_gz(const char *dir, const char *file)
{
    char *path = g_build_filename(dir, file, NULL);
    GFile *gfile = g_file_new_for_path(path);
    GInputStream *raw = G_INPUT_STREAM(g_file_read(gfile, NULL, NULL));
    GByteArray *bytes = NULL;

    if (raw) {
        GConverter *gunzip = G_CONVERTER(g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP));
        GInputStream *stream = g_converter_input_stream_new(raw, gunzip);
        static uint8_t chunk[65536];
        gssize n;

        bytes = g_byte_array_new();
        while ((n = g_input_stream_read(stream, chunk, sizeof chunk, NULL, NULL)) > 0)
            g_byte_array_append(bytes, chunk, (guint)n);
        if (n < 0)
            g_clear_pointer(&bytes, g_byte_array_unref);
        g_object_unref(stream);
        g_object_unref(gunzip);
        g_object_unref(raw);
    }
    g_object_unref(gfile);
    g_free(path);
    return bytes;
}

static JsonNode *read_json(const char *dir, const char *file)
{
    char *path = g_build_filename(dir, file, NULL);
    JsonParser *parser = json_parser_new();
    JsonNode *root = NULL;
    GError *error = NULL;

    if (json_parser_load_from_file(parser, path, &error))
        root = json_node_ref(json_parser_get_root(parser));
    else
        g_printerr("%s: %s\n", path, error->message);
    g_clear_error(&error);
    g_object_unref(parser);
    g_free(path);
    return root;
}

/* 3 bytes per pixel. */
static uint8_t *read_png(const char *dir, const char *file, uint32_t *width, uint32_t *height)
{
    char *path = g_build_filename(dir, file, NULL);
    png_image image = {.version = PNG_IMAGE_VERSION};
    uint8_t *pixels = NULL;

    if (png_image_begin_read_from_file(&image, path)) {
        image.format = PNG_FORMAT_RGB;
        pixels = g_malloc(PNG_IMAGE_SIZE(image));
        if (!png_image_finish_read(&image, NULL, pixels, 0, NULL))
            g_clear_pointer(&pixels, g_free);
        *width = image.width;
        *height = image.height;
    }
    png_image_free(&image);
    g_free(path);
    return pixels;
}

static const char *member_string(JsonObject *object, const char *name)
{
    return json_object_has_member(object, name) ? json_object_get_string_member(object, name)
                                                : NULL;
}

/* ---- Pictures
 * -------------------------------------------------------------------------------------------------------
 */

static void compare_picture(Run *run, Channel *channel, JsonObject *expected)
{
    const char *png = member_string(expected, "png"), *sha = member_string(expected, "rgb_sha256");
    int tolerance = (int)json_object_get_int_member_with_default(expected, "max_abs_diff", 0);
    uint32_t width = 0, height = 0, png_width = 0, png_height = 0;
    uint8_t *got = player_picture(&channel->player, &width, &height);
    uint8_t *want = png ? read_png(run->dir, png, &png_width, &png_height) : NULL;
    size_t n = (size_t)width * height;

    if (!got) {
        wrong(run, "channel %u has no picture", channel->id);
    } else {
        /* 4 bytes per pixel to 3 */
        for (size_t i = 0; i < n; i++)
            memmove(got + 3 * i, got + 4 * i, 3);
        if (sha && tolerance == 0) {
            char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, got, 3 * n);

            if (strcmp(sum, sha) != 0)
                wrong(run, "channel %u: picture %ux%u has another checksum", channel->id, width,
                      height);
            g_free(sum);
        }
        if (png && !want) {
            wrong(run, "%s can't be read", png);
        } else if (want && (png_width != width || png_height != height)) {
            wrong(run, "picture is %ux%u, not %ux%u", width, height, png_width, png_height);
        } else if (want) {
            size_t n_off = 0, first = 0;
            int most = 0;

            for (size_t i = 0; i < 3 * n; i++) {
                int off = ABS((int)got[i] - (int)want[i]);

                if (off > tolerance && n_off++ == 0)
                    first = i / 3;
                most = MAX(most, off);
            }
            if (n_off > 0)
                wrong(run, "channel %u: %zu components differ, first at (%zu,%zu), by up to %d",
                      channel->id, n_off, first % width, first / width, most);
        }
    }
    g_free(want);
    g_free(got);
}

/* ---- A session
 * ------------------------------------------------------------------------------------------------------
 */

static bool has_cap(JsonObject *object, const char *member, const char *cap)
{
    JsonArray *array;

    if (!json_object_has_member(object, member) ||
        !JSON_NODE_HOLDS_ARRAY(json_object_get_member(object, member)))
        return false;
    array = json_object_get_array_member(object, member);
    for (guint i = 0; i < json_array_get_length(array); i++) {
        if (strcmp(json_array_get_string_element(array, i), cap) == 0)
            return true;
    }
    return false;
}

static Channel *find_channel(Run *run, unsigned int id)
{
    for (unsigned int i = 0; i < run->n_channels; i++) {
        if (run->channels[i].id == id)
            return &run->channels[i];
    }
    return NULL;
}

static void feed(Run *run, Channel *channel, size_t start, size_t end)
{
    if (start > end || end > channel->bytes->len)
        wrong(run, "piece %zu to %zu is outside of the stream", start, end);
    else
        player_feed(&channel->player, channel->bytes->data + start, end - start);
}

static bool load_bytes(Run *run, Channel *channel, JsonObject *json)
{
    const char *file = json_object_get_string_member(json, "file");

    if (channel->bytes)
        g_byte_array_unref(channel->bytes);
    channel->json = json;
    channel->bytes = read_gz(run->dir, file);
    if (!channel->bytes)
        wrong(run, "%s can't be read", file);
    return channel->bytes != NULL;
}

static void open_channel(Run *run, JsonObject *vector, JsonObject *json)
{
    JsonObject *client = json_object_get_object_member(vector, "client");
    Channel *channel = &run->channels[run->n_channels++];
    RendererConfig config;

    *channel = (Channel){.id = (unsigned int)json_object_get_int_member(json, "channel_id")};
    player_log_init(&channel->log);
    renderer_config_init(&config);
    config.stream_reports = has_cap(json, "server_display_caps", "STREAM_REPORT");
    config.gl = has_cap(client, "display_caps", "GL_SCANOUT");
    config.media_time = player_media_time;
    /* Recorded from a client that goes on after a message that doesn't parse. */
    if (strstr(run->name, "bad_message_skipped"))
        config.policy = RENDERER_SKIP_ERRORS;
    player_init(&channel->player, run->shared, &config, channel->id,
                strcmp(json_object_get_string_member(vector, "header"), "mini") == 0,
                &channel->log);
    if (json_object_has_member(json, "fd_byte_offsets")) {
        JsonArray *array = json_object_get_array_member(json, "fd_byte_offsets");

        channel->player.n_fd_bytes = json_array_get_length(array);
        channel->fd_bytes = g_new0(uint64_t, channel->player.n_fd_bytes);
        for (guint i = 0; i < channel->player.n_fd_bytes; i++)
            channel->fd_bytes[i] = (uint64_t)json_array_get_int_element(array, i);
        channel->player.fd_bytes = channel->fd_bytes;
    }
    player_log_add(&channel->log, "MONITORS max=1 n=0");
    load_bytes(run, channel, json);
}

static void expect_pong(Run *run, Channel *channel, bool answered)
{
    Player *player = &channel->player;
    unsigned int n;

    renderer_drain(player->renderer, false, answered ? PATIENCE_MS : STUCK_MS);
    pthread_mutex_lock(&player->lock);
    n = player->n_pongs;
    pthread_mutex_unlock(&player->lock);
    if (answered && n != player->n_pings)
        wrong(run, "channel %u answered %u of %u PINGs%s%s", channel->id, n, player->n_pings,
              player->fatal ? ": " : "", player->fatal ? player->fatal : "");
    if (!answered && n == player->n_pings)
        wrong(run, "channel %u doesn't wait", channel->id);
}

static void run_steps(Run *run, JsonArray *steps)
{
    for (guint i = 0; i < json_array_get_length(steps); i++) {
        JsonObject *step = json_array_get_object_element(steps, i);
        bool last = i + 1 == json_array_get_length(steps);

        if (json_object_has_member(step, "feed")) {
            JsonArray *piece = json_object_get_array_member(step, "feed");
            Channel *channel =
                find_channel(run, (unsigned int)json_array_get_int_element(piece, 0));

            feed(run, channel, (size_t)json_array_get_int_element(piece, 1),
                 (size_t)json_array_get_int_element(piece, 2));
            if (!last)
                renderer_drain(channel->player.renderer, false, STUCK_MS);
        }
        if (json_object_has_member(step, "expect_pong")) {
            JsonArray *expect = json_object_get_array_member(step, "expect_pong");
            Channel *channel =
                find_channel(run, (unsigned int)json_array_get_int_element(expect, 0));

            expect_pong(run, channel, json_array_get_boolean_element(expect, 1));
            if (json_object_has_member(step, "also_releases")) {
                for (unsigned int other = 0; other < run->n_channels; other++)
                    expect_pong(run, &run->channels[other], true);
            }
        }
    }
}

static void run_checkpoint(Run *run, Channel *channel, size_t *fed)
{
    JsonObject *checkpoint;

    if (!json_object_has_member(channel->json, "checkpoint"))
        return;
    checkpoint = json_object_get_object_member(channel->json, "checkpoint");
    *fed = (size_t)json_object_get_int_member(checkpoint, "after_bytes");
    feed(run, channel, 0, *fed);
    renderer_drain(channel->player.renderer, true, VIDEO_MS);
    if (!run->no_decoder)
        compare_picture(run, channel, checkpoint);
}

static void feed_all(Run *run, JsonObject *vector)
{
    if (json_object_has_member(vector, "feed_order")) {
        JsonArray *order = json_object_get_array_member(vector, "feed_order");

        for (guint i = 0; i < json_array_get_length(order); i++) {
            JsonArray *piece = json_array_get_array_element(order, i);

            feed(run, find_channel(run, (unsigned int)json_array_get_int_element(piece, 0)),
                 (size_t)json_array_get_int_element(piece, 1),
                 (size_t)json_array_get_int_element(piece, 2));
        }
        return;
    }
    for (unsigned int i = 0; i < run->n_channels; i++) {
        size_t fed = 0;

        run_checkpoint(run, &run->channels[i], &fed);
        feed(run, &run->channels[i], fed, run->channels[i].bytes->len);
    }
}

static void check_sent(Run *run, Channel *channel, JsonArray *expected)
{
    GArray *sent = channel->player.sent;
    guint next = 0;

    /* In this order; reports about streams may stand between them. */
    for (guint i = 0; i < json_array_get_length(expected); i++) {
        JsonObject *message = json_array_get_object_element(expected, i);
        int type = (int)json_object_get_int_member(message, "type");
        const char *hex = json_object_get_string_member(message, "body");
        bool found = false;

        for (; next < sent->len && !found; next++) {
            PlayerSent *one = &g_array_index(sent, PlayerSent, next);
            GString *text = g_string_new(NULL);
            gsize size;
            const uint8_t *data = g_bytes_get_data(one->body, &size);

            for (gsize at = 0; at < size; at++)
                g_string_append_printf(text, "%02x", data[at]);
            found = one->type == type && strcmp(text->str, hex) == 0;
            g_string_free(text, TRUE);
        }
        if (!found)
            wrong(run, "channel %u didn't send message %d %s", channel->id, type, hex);
    }
}

/* Is want[0..n) an interleaving of what is left of the players' lines? Between channels there is no
 * order. */
static bool interleaves(JsonArray *want, guint at, Run *run, guint *used)
{
    if (at == json_array_get_length(want)) {
        for (unsigned int i = 0; i < run->n_channels; i++) {
            if (used[i] < run->channels[i].log.events->len)
                return false;
        }
        return true;
    }
    for (unsigned int i = 0; i < run->n_channels; i++) {
        GPtrArray *events = run->channels[i].log.events;

        if (used[i] >= events->len || strcmp(g_ptr_array_index(events, used[i]),
                                             json_array_get_string_element(want, at)) != 0)
            continue;
        used[i]++;
        if (interleaves(want, at + 1, run, used))
            return true;
        used[i]--;
    }
    return false;
}

static void check_events(Run *run, JsonArray *expected)
{
    guint used[MAX_CHANNELS] = {0};
    GString *got;

    if (interleaves(expected, 0, run, used))
        return;
    got = g_string_new(NULL);
    for (unsigned int i = 0; i < run->n_channels; i++) {
        for (guint at = 0; at < run->channels[i].log.events->len; at++)
            g_string_append_printf(
                got, " %u: %s |", run->channels[i].id,
                (const char *)g_ptr_array_index(run->channels[i].log.events, at));
    }
    wrong(run, "other events:%s", got->str);
    g_string_free(got, TRUE);
}

/* Everything was carried out, and the pictures are right. */
static void check_end(Run *run, JsonObject *vector)
{
    JsonObject *client = json_object_get_object_member(vector, "client");
    bool steps = json_object_has_member(vector, "steps");

    for (unsigned int i = 0; i < run->n_channels; i++) {
        Channel *channel = &run->channels[i];
        Player *player = &channel->player;

        /* The steps of a vector may leave it waiting. */
        if (!renderer_drain(player->renderer, true, steps ? STUCK_MS : PATIENCE_MS) && !steps)
            wrong(run, "channel %u stopped: %s", channel->id,
                  player->fatal ? player->fatal : "it waits for another one");
        pthread_mutex_lock(&player->lock);
        if (!steps && player->handled != player->number)
            wrong(run,
                  "channel %u carried out %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " messages",
                  channel->id, player->handled, player->number);
        if (json_object_has_member(channel->json, "client_must_send"))
            check_sent(run, channel,
                       json_object_get_array_member(channel->json, "client_must_send"));
        if (player->n_fd_bytes > 0) {
            check_sent(run, channel, json_object_get_array_member(client, "sent"));
            if (player->n_scanouts != player->n_fd_bytes)
                wrong(run, "%u GL scanouts instead of %u", player->n_scanouts, player->n_fd_bytes);
        }
        pthread_mutex_unlock(&player->lock);
        if (json_object_has_member(channel->json, "expected"))
            compare_picture(run, channel, json_object_get_object_member(channel->json, "expected"));
    }
    if (json_object_has_member(vector, "client_events"))
        check_events(run, json_object_get_array_member(vector, "client_events"));
}

/* The second half of a migration: the same renderers go on with the stream of another server, whose
 * numbering begins with that of MIGRATE_DATA, the last message of the first. */
static void continue_channel(Run *run, JsonObject *json)
{
    Channel *channel =
        find_channel(run, (unsigned int)json_object_get_int_member(json, "channel_id"));

    if (!channel) {
        wrong(run, "the destination has a channel that the source hasn't");
        return;
    }
    renderer_drain(channel->player.renderer, false, PATIENCE_MS);
    channel->player.number--;
    if (load_bytes(run, channel, json))
        feed(run, channel, 0, channel->bytes->len);
}

static void run_vector(const char *dir, JsonObject *vector)
{
    Run run = {.dir = dir,
               .name = json_object_get_string_member(vector, "name"),
               .why = g_string_new(NULL)};
    JsonArray *channels = json_object_get_array_member(vector, "channels");
    JsonObject *client = json_object_get_object_member(vector, "client");
    RendererSharedLimits limits;
    bool fed = false;

    renderer_shared_limits_init(&limits);
    if (json_object_has_member(client, "init")) {
        JsonObject *init = json_object_get_object_member(client, "init");

        limits.cache_pixels = (uint64_t)json_object_get_int_member(init, "pixmap_cache_size");
        limits.glz_pixels =
            (uint64_t)json_object_get_int_member(init, "glz_dictionary_window_size");
    }
    run.shared = renderer_shared_new(&limits);
    for (int codec = SPICE_VIDEO_CODEC_TYPE_VP8; codec <= SPICE_VIDEO_CODEC_TYPE_H265; codec++) {
        static const char *const names[] = {NULL, NULL, "_vp8", "_h264", "_vp9", "_h265"};

        if (strstr(run.name, names[codec]) && !(renderer_video_codecs(true) & 1u << codec)) {
            g_print("# %s: no decoder is installed, its video isn't compared\n", run.name);
            run.no_decoder = true;
        }
    }

    for (guint i = 0; i < json_array_get_length(channels) && run.why->len == 0; i++) {
        JsonObject *json = json_array_get_object_element(channels, i);
        const char *phase = member_string(json, "phase");

        if (phase && strcmp(phase, "destination") == 0) {
            if (!fed)
                feed_all(&run, vector);
            fed = true;
            continue_channel(&run, json);
        } else if (run.n_channels < MAX_CHANNELS) {
            open_channel(&run, vector, json);
        }
    }
    if (run.why->len == 0 && !fed) {
        if (json_object_has_member(vector, "steps"))
            run_steps(&run, json_object_get_array_member(vector, "steps"));
        else
            feed_all(&run, vector);
    }
    if (run.why->len == 0)
        check_end(&run, vector);
    for (unsigned int i = 0; i < run.n_channels; i++) {
        player_clear(&run.channels[i].player);
        player_log_clear(&run.channels[i].log);
        if (run.channels[i].bytes)
            g_byte_array_unref(run.channels[i].bytes);
        g_free(run.channels[i].fd_bytes);
    }
    renderer_shared_unref(run.shared);
    count(&run);
}

/* ---- Malformed messages
 * --------------------------------------------------------------------------------------------- */

static GByteArray *from_hex(const char *hex)
{
    GByteArray *bytes = g_byte_array_new();

    for (; hex[0] && hex[1]; hex += 2) {
        uint8_t byte = (uint8_t)(g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1]));

        g_byte_array_append(bytes, &byte, 1);
    }
    return bytes;
}

/* One bad message after a picture: it must end the channel, and must not have drawn. */
static void run_malformed(JsonObject *json, guint index)
{
    static const uint8_t surface[20] = {
        [4] = 160, [8] = 120, [12] = SPICE_SURFACE_FMT_32_xRGB, [16] = SPICE_SURFACE_FLAGS_PRIMARY};
    uint16_t type = (uint16_t)json_object_get_int_member(json, "type");
    bool rejected = strcmp(json_object_get_string_member(json, "deployed_client"), "rejected") == 0;
    char *name = g_strdup_printf("malformed %u (type %u, %s)", index, type,
                                 json_object_get_string_member(json, "why"));
    GByteArray *body = from_hex(json_object_get_string_member(json, "body"));
    Run run = {.name = name, .why = g_string_new(NULL)};
    RendererSharedLimits limits;
    RendererConfig config;
    Player player;

    renderer_shared_limits_init(&limits);
    limits.threads = 0;
    run.shared = renderer_shared_new(&limits);
    renderer_config_init(&config);
    config.own_thread = false;
    config.gstreamer = false;
    player_init(&player, run.shared, &config, 0, true, NULL);
    player_message(&player, SPICE_MSG_DISPLAY_SURFACE_CREATE, surface, sizeof surface);
    renderer_run(player.renderer);
    player_message(&player, type, body->data, body->len);
    renderer_run(player.renderer);
    if (rejected && !player.fatal)
        wrong(&run, "accepted");
    if (rejected && player.n_damages > 0)
        wrong(&run, "drawn");
    player_clear(&player);
    renderer_shared_unref(run.shared);
    g_byte_array_unref(body);
    count(&run);
    g_free(name);
}

int main(int argc, char **argv)
{
    JsonNode *index, *malformed = NULL;
    JsonObject *object;
    JsonArray *vectors;

    if (argc < 2) {
        g_printerr("usage: %s DIR [NAME...]\n", argv[0]);
        return 2;
    }
    index = read_json(argv[1], "index.json");
    if (!index)
        return 2;
    object = json_node_get_object(index);
    vectors = json_object_get_array_member(object, "vectors");
    for (guint i = 0; i < json_array_get_length(vectors); i++) {
        JsonObject *vector = json_array_get_object_element(vectors, i);
        bool wanted = argc == 2;

        for (int arg = 2; arg < argc; arg++)
            wanted |= strcmp(argv[arg], json_object_get_string_member(vector, "name")) == 0;
        if (wanted)
            run_vector(argv[1], vector);
    }
    if (argc == 2 && json_object_has_member(object, "malformed")) {
        JsonObject *entry = json_object_get_object_member(object, "malformed");

        malformed = read_json(argv[1], json_object_get_string_member(entry, "file"));
        if (!malformed)
            n_failed++;
    }
    if (malformed) {
        JsonArray *cases = json_node_get_array(malformed);

        for (guint i = 0; i < json_array_get_length(cases); i++)
            run_malformed(json_array_get_object_element(cases, i), i);
        json_node_unref(malformed);
    }
    json_node_unref(index);
    g_print("%u passed, %u failed\n", n_passed, n_failed);
    return n_failed > 0 ? 1 : 0;
}
