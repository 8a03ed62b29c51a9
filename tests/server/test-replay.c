/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recordings of QXL commands, read and played: what is read is written again, what is hostile ends.
 * docs/spec/server-display.md 22, 25.8. Arguments: the folder of recordings, and a long one that is
 * packed by xz. */
#include <dlfcn.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <spice.h>
#include <string.h>
#include <unistd.h>

#include "server/record-device.h"
#include "server/record-files.h"

enum { LONG_COMMANDS = 900 };

static const char *recordings, *packed;
static QXLInstance device;

/* ---- helpers ------------------------------------------------------------------------------ */

static char *recording(const char *name)
{
    return g_strdup_printf("%s/%s.qxl", recordings, name);
}

/* Counters and times of event lines as 0. */
static void without_times(GString *text)
{
    GString *out = g_string_sized_new(text->len);

    for (gsize i = 0; i < text->len;) {
        unsigned what, type;
        int used = 0;

        if (text->len - i > 7 && memcmp(text->str + i, "\nevent ", 7) == 0 &&
            sscanf(text->str + i, "\nevent %*u %u %u %*u%n", &what, &type, &used) == 2 && used) {
            g_string_append_printf(out, "\nevent 0 %u %u 0", what, type);
            i += used;
        } else {
            g_string_append_c(out, text->str[i++]);
        }
    }
    g_string_assign(text, "");
    g_string_append_len(text, out->str, out->len);
    g_string_free(out, TRUE);
}

static SpiceReplay *replay_of(const char *name, int n_surfaces)
{
    g_autofree char *path = recording(name);
    FILE *file = fopen(path, "r");

    g_assert_nonnull(file);
    if (record_device_calls)
        g_string_truncate(record_device_calls, 0);
    return spice_replay_new(file, n_surfaces);
}

/* ---- read, write, read --------------------------------------------------------------------- */

static void same_again(const char *name)
{
    g_autofree char *path = recording(name), *copy = temporary();
    FILE *file = fopen(path, "r");

    g_assert_cmpint(copy_recording(file, copy, G_MAXINT, true), >, 0);
    fclose(file);
    GString *before = read_file(path), *after = read_file(copy);

    without_times(before);
    without_times(after);
    g_assert_cmpmem(before->str, before->len, after->str, after->len);
    g_string_free(before, TRUE);
    g_string_free(after, TRUE);
    g_unlink(copy);
}

static void every_command_is_written_as_it_was_read(void)
{
    same_again("every-command");
}

static void every_event_is_written_as_it_was_read(void)
{
    same_again("every-event");
}

static void a_recorded_session_is_written_as_it_was_read(void)
{
    g_autofree char *copy = temporary();
    g_autofree char *command = g_strdup_printf("xz -dc '%s' 2>/dev/null", packed);
    FILE *file = popen(command, "r");

    g_assert_cmpint(copy_recording(file, copy, LONG_COMMANDS, true), ==, LONG_COMMANDS);
    pclose(file);
    GString *after = read_file(copy), *before = g_string_sized_new(after->len);

    file = popen(command, "r");
    /* counters and times may be longer in it */
    g_string_set_size(before, after->len + 65536);
    before->len = fread(before->str, 1, before->len, file);
    pclose(file);
    without_times(before);
    without_times(after);
    g_assert_cmpuint(before->len, >=, after->len);
    g_assert_cmpmem(before->str, after->len, after->str, after->len);
    g_string_free(before, TRUE);
    g_string_free(after, TRUE);
    g_unlink(copy);
}

/* The deployed library's reader makes the same commands of what we write: they are written again.
 * Events are left out, because it would make calls to its own server, and messages, which it
 * doesn't end with a NUL. */
static void the_deployed_reader_reads_what_we_write(void)
{
    SpiceReplay *(*stock_new)(FILE *, int);
    QXLCommandExt *(*stock_next)(SpiceReplay *, QXLInstance *);
    g_autofree char *path = temporary(), *again = temporary();
    g_autofree char *unpack = g_strdup_printf("cat '%s/every-command.qxl'", recordings);
    g_autofree char *unpack_long = g_strdup_printf("xz -dc '%s' 2>/dev/null", packed);
    const char *const sources[] = {unpack, unpack_long};
    void *library = dlopen("/usr/lib/x86_64-linux-gnu/libspice-server.so.1", RTLD_NOW | RTLD_LOCAL);

    if (!library) {
        g_test_skip("the deployed library is not installed");
        return;
    }
    *(void **)&stock_new = dlsym(library, "spice_replay_new");
    *(void **)&stock_next = dlsym(library, "spice_replay_next_cmd");
    for (guint i = 0; i < G_N_ELEMENTS(sources); i++) {
        FILE *file = popen(sources[i], "r");
        int n = copy_recording(file, path, 500, false);

        pclose(file);
        SpiceReplay *replay = stock_new(fopen(path, "r"), 1024);
        Recorder *recorder = recorder_new(again, NULL, NULL);
        QXLCommandExt *command;

        g_assert_nonnull(replay);
        while ((command = stock_next(replay, &device))) {
            recorder_command(recorder, &whole_memory, command);
            n--;
        }
        g_assert_cmpint(n, ==, i == 0 ? 2 : 0); /* the messages */
        recorder_free(recorder);
        GString *ours = read_file(path), *theirs = read_file(again);

        without_times(ours);
        without_times(theirs);
        g_assert_cmpmem(ours->str, ours->len, theirs->str, theirs->len);
        g_string_free(ours, TRUE);
        g_string_free(theirs, TRUE);
    }
    g_unlink(path);
    g_unlink(again);
}

/* ---- playing ------------------------------------------------------------------------------ */

static void white_space_may_be_of_any_kind(void)
{
    static const char *const names[] = {"one-line", "crlf", "small", "compressed"};

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        SpiceReplay *replay = replay_of(names[i], 8);
        QXLCommandExt *command = spice_replay_next_cmd(replay, &device);

        g_assert_nonnull(command);
        g_assert_cmpuint(command->cmd.type, ==, QXL_CMD_DRAW);
        g_assert_cmpuint(command->group_id, ==, 0);
        g_assert_cmpuint(command->flags, ==, 0);
        spice_replay_free(replay);
    }
}

static uint8_t first_bytes[2];

static void note_primary(const QXLDevSurfaceCreate *create)
{
    memcpy(first_bytes, (uint8_t *)(uintptr_t)create->mem + 1, 2);
}

static void events_are_executed(void)
{
    SpiceReplay *replay;
    QXLCommandExt *command;

    record_device_created = note_primary;
    replay = replay_of("every-event", 8);
    while ((command = spice_replay_next_cmd(replay, &device)))
        spice_replay_free_cmd(replay, command);
    record_device_created = NULL;
    g_assert_cmpstr(record_device_calls->str, ==,
                    "destroy-all;create 64x48;destroy;create 64x48;destroy-all;");
    g_assert_cmpmem(first_bytes, 2, "\x07\x0e", 2);
    spice_replay_free(replay);
}

static void a_second_primary_replaces_the_first(void)
{
    g_autofree char *path = temporary();
    static const char text[] = "SPICE_REPLAY 1\n"
                               "event 0 1 20 0\n1 1 4 32\n0 1 0 0\nbinary 0 data 4:abcd\n"
                               "event 1 1 30 0\n"
                               "event 2 1 29 0\n2 1 8 32\n0 1 0 0\nbinary 0 data 8:abcdefgh\n";

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    FILE *file = fopen(path, "r");
    SpiceReplay *replay = spice_replay_new(file, 8);

    if (record_device_calls)
        g_string_truncate(record_device_calls, 0);
    g_test_expect_message("Spice", G_LOG_LEVEL_WARNING, "*while there is one*");
    g_assert_null(spice_replay_next_cmd(replay, &device));
    g_test_assert_expected_messages();
    g_assert_cmpstr(record_device_calls->str, ==, "create 1x1;destroy;create 2x1;");
    spice_replay_free(replay);
    g_unlink(path);
}

static void a_rejected_primary_has_no_body(void)
{
    SpiceReplay *replay = replay_of("rejected-primary", 8);
    QXLCommandExt *command = spice_replay_next_cmd(replay, &device);

    g_assert_nonnull(command);
    g_assert_cmpuint(command->cmd.type, ==, QXL_CMD_UPDATE);
    g_assert_null(spice_replay_next_cmd(replay, &device));
    g_assert_true(!record_device_calls || !record_device_calls->len);
    spice_replay_free(replay);
}

static void every_command_names_itself_for_its_release(void)
{
    SpiceReplay *replay = replay_of("every-command", 8);
    QXLCommandExt *command;
    guint types = 0, drawings = 0, messages = 0;

    while ((command = spice_replay_next_cmd(replay, &device))) {
        QXLReleaseInfo *info = (QXLReleaseInfo *)(uintptr_t)command->cmd.data;

        g_assert_cmphex(info->id, ==, (uintptr_t)command);
        types |= 1u << command->cmd.type;
        if (command->cmd.type == QXL_CMD_DRAW)
            drawings |= 1u << ((QXLDrawable *)info)->type;
        if (command->cmd.type == QXL_CMD_MESSAGE)
            g_assert_cmpstr((char *)((QXLMessage *)info)->data, ==,
                            messages++ ? "" : "hello from the guest");
    }
    g_assert_cmphex(types, ==, 0x3e);
    g_assert_cmphex(drawings, ==, 0x7fff);
    g_assert_cmpuint(messages, ==, 2);
    spice_replay_free(replay); /* frees all of them */
}

static void fields_arrive_where_guests_put_them(void)
{
    SpiceReplay *replay = replay_of("every-command", 8);
    QXLCommandExt *command;
    bool split = false, stroke = false, cursor = false;

    while ((command = spice_replay_next_cmd(replay, &device))) {
        QXLDrawable *draw = (QXLDrawable *)(uintptr_t)command->cmd.data;

        if (command->cmd.type == QXL_CMD_CURSOR && ((QXLCursorCmd *)draw)->type == QXL_CURSOR_SET) {
            QXLCursorCmd *set = (QXLCursorCmd *)draw;
            QXLCursor *shape = (QXLCursor *)(uintptr_t)set->u.set.shape;

            g_assert_cmpint(set->u.set.position.x, ==, -1);
            g_assert_cmpuint(shape->header.unique, ==, G_MAXUINT64);
            g_assert_cmpuint(shape->header.hot_spot_y, ==, 65535);
            g_assert_cmpuint(shape->chunk.data_size, ==, 10);
            g_assert_cmpuint(((QXLDataChunk *)(uintptr_t)shape->chunk.next_chunk)->data_size, ==,
                             6);
            cursor = true;
        }
        if (command->cmd.type != QXL_CMD_DRAW)
            continue;
        g_assert_cmpuint(draw->mm_time, ==, (uint32_t)-5);
        if (draw->type == QXL_DRAW_STROKE && draw->u.stroke.attr.flags) {
            g_assert_cmpuint(draw->u.stroke.attr.style_nseg, ==, 3);
            g_assert_cmphex(draw->u.stroke.attr.style, !=, 0);
            stroke = true;
        }
        if (draw->type != QXL_DRAW_COPY || split)
            continue;
        QXLImage *image = (QXLImage *)(uintptr_t)draw->u.copy.src_bitmap;
        QXLDataChunk *chunk = (QXLDataChunk *)(uintptr_t)image->bitmap.data;

        g_assert_cmpuint(image->descriptor.id, ==, (uint64_t)14 << 32 | 2);
        g_assert_cmpuint(chunk->data_size, ==, 10);
        chunk = (QXLDataChunk *)(uintptr_t)chunk->next_chunk;
        g_assert_cmpuint(chunk->data_size, ==, 0);
        chunk = (QXLDataChunk *)(uintptr_t)chunk->next_chunk;
        g_assert_cmpuint(chunk->data_size, ==, 22);
        g_assert_cmpuint(chunk->data[21], ==, 21);
        g_assert_cmphex(chunk->next_chunk, ==, 0);
        split = true;
    }
    g_assert_true(split && stroke && cursor);
    spice_replay_free(replay);
}

/* ---- surface numbers ---------------------------------------------------------------------- */

static uint32_t number_of(const QXLCommandExt *command)
{
    return ((QXLSurfaceCmd *)(uintptr_t)command->cmd.data)->surface_id;
}

static gpointer free_later(gpointer data)
{
    gpointer *both = data;

    g_usleep(30000);
    spice_replay_free_cmd(both[0], both[1]);
    return NULL;
}

static void surfaces_get_the_lowest_free_number(void)
{
    SpiceReplay *replay = replay_of("surfaces-reused", 3);
    QXLCommandExt *commands[6];
    static const uint32_t numbers[6] = {1, 1, 2, 2, 1, 1};

    for (int i = 0; i < 4; i++) {
        commands[i] = spice_replay_next_cmd(replay, &device);
        g_assert_cmpuint(number_of(commands[i]), ==, numbers[i]);
    }
    /* Numbers 1 and 2 are still in use: the next one waits for a release in another thread. */
    gpointer both[2] = {replay, commands[1]};
    GThread *thread = g_thread_new("free", free_later, both);

    for (int i = 4; i < 6; i++) {
        commands[i] = spice_replay_next_cmd(replay, &device);
        g_assert_cmpuint(number_of(commands[i]), ==, numbers[i]);
    }
    g_thread_join(thread);
    spice_replay_free(replay);
}

static void too_many_surfaces_end_it(void)
{
    SpiceReplay *replay = replay_of("surfaces-many", 8);
    int n = 0;

    g_test_expect_message("Spice", G_LOG_LEVEL_WARNING, "*more surfaces*");
    while (spice_replay_next_cmd(replay, &device))
        n++;
    g_test_assert_expected_messages();
    g_assert_cmpint(n, ==, 7);
    g_assert_null(spice_replay_next_cmd(replay, &device));
    spice_replay_free(replay);
}

static void an_unknown_surface_is_the_primary(void)
{
    SpiceReplay *replay = replay_of("surface-unknown", 8);

    g_test_expect_message("Spice", G_LOG_LEVEL_WARNING, "*uses surface 77*");
    QXLCommandExt *command = spice_replay_next_cmd(replay, &device);

    g_test_assert_expected_messages();
    g_assert_cmpuint(((QXLDrawable *)(uintptr_t)command->cmd.data)->surface_id, ==, 0);
    /* but it is not destroyed in its place */
    g_test_expect_message("Spice", G_LOG_LEVEL_WARNING, "*destroys surface 77*");
    command = spice_replay_next_cmd(replay, &device);
    g_test_assert_expected_messages();
    g_assert_cmpuint(command->cmd.type, ==, QXL_CMD_UPDATE);
    spice_replay_free(replay);
}

/* ---- hostile recordings ------------------------------------------------------------------- */

static void damage_ends_it_for_ever(void)
{
    static const struct {
        const char *name;
        int commands;
    } rows[] = {{"huge-surface", 0}, {"surface-bomb", 4},    {"huge-claim", 0},
                {"huge-packed", 0},  {"huge-chunks", 0},     {"palette-short", 0},
                {"flat-size", 0},    {"unknown-drawable", 1}};

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        SpiceReplay *replay = replay_of(rows[i].name, 8);
        int n = 0;

        g_test_expect_message("Spice", G_LOG_LEVEL_WARNING, "the recording is damaged: *");
        while (spice_replay_next_cmd(replay, &device))
            n++;
        g_test_assert_expected_messages();
        g_assert_cmpint(n, ==, rows[i].commands);
        g_assert_null(spice_replay_next_cmd(replay, &device));
        spice_replay_free(replay);
    }
}

static void an_unknown_command_has_no_data(void)
{
    SpiceReplay *replay = replay_of("unknown-command", 8);
    QXLCommandExt *command = spice_replay_next_cmd(replay, &device);

    g_assert_cmpuint(command->cmd.type, ==, 77);
    g_assert_cmphex(command->cmd.data, ==, 0);
    spice_replay_free_cmd(replay, command);
    command = spice_replay_next_cmd(replay, &device);
    g_assert_cmpuint(command->cmd.type, ==, QXL_CMD_UPDATE);
    spice_replay_free(replay);
}

static void what_is_no_recording_is_refused(void)
{
    static const char *const names[] = {"wrong-version", "empty"};

    g_assert_null(spice_replay_new(NULL, 8));
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = recording(names[i]);
        FILE *file = fopen(path, "r");

        g_assert_null(spice_replay_new(file, 8));
        fclose(file);
    }
}

static void a_file_cut_anywhere_gives_what_is_complete(void)
{
    g_autofree char *path = recording("every-command");
    GString *whole = read_file(path);
    GLogLevelFlags fatal = g_log_set_always_fatal(G_LOG_FATAL_MASK);
    guint handler = g_log_set_handler("Spice", G_LOG_LEVEL_WARNING, silent, NULL);
    int before = 0;

    for (gsize size = 15; size < whole->len; size += size < 3000 ? 1 : 7) {
        SpiceReplay *replay = spice_replay_new(fmemopen(whole->str, size, "r"), 8);
        QXLCommandExt *command;
        int n = 0;

        while ((command = spice_replay_next_cmd(replay, &device))) {
            spice_replay_free_cmd(replay, command);
            n++;
        }
        g_assert_cmpint(n, >=, before);
        g_assert_cmpint(n, <=, before + 1);
        before = n;
        spice_replay_free(replay);
    }
    g_assert_cmpint(before, >=, 33);
    g_log_remove_handler("Spice", handler);
    g_log_set_always_fatal(fatal);
    g_string_free(whole, TRUE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 3);
    recordings = argv[1];
    packed = argv[2];
#define TEST(name) g_test_add_func("/replay/" #name, name)
    TEST(every_command_is_written_as_it_was_read);
    TEST(every_event_is_written_as_it_was_read);
    TEST(a_recorded_session_is_written_as_it_was_read);
    TEST(the_deployed_reader_reads_what_we_write);
    TEST(white_space_may_be_of_any_kind);
    TEST(events_are_executed);
    TEST(a_second_primary_replaces_the_first);
    TEST(a_rejected_primary_has_no_body);
    TEST(every_command_names_itself_for_its_release);
    TEST(fields_arrive_where_guests_put_them);
    TEST(surfaces_get_the_lowest_free_number);
    TEST(too_many_surfaces_end_it);
    TEST(an_unknown_surface_is_the_primary);
    TEST(damage_ends_it_for_ever);
    TEST(an_unknown_command_has_no_data);
    TEST(what_is_no_recording_is_refused);
    TEST(a_file_cut_anywhere_gives_what_is_complete);
    return g_test_run();
}
