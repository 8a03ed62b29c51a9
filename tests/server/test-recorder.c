/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The recorder: what is written of a guest that is hostile, old, or changes its memory, from
 * several threads, into files and filters. docs/spec/server-display.md 22, 25.8 */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "record/tokens.h"
#include "server/record-files.h"

/* ---- a guest ------------------------------------------------------------------------------- */

/* A guest with 64 KiB at address 0x1000, in group 1. */
enum { GUEST_START = 0x1000, GUEST_SIZE = 65536 };
static uint8_t guest[GUEST_SIZE];

static const void *guest_map(void *context, QXLPHYSICAL address, uint32_t group, size_t size)
{
    if (group != 1 || address < GUEST_START || size > GUEST_SIZE ||
        address - GUEST_START > GUEST_SIZE - size)
        return NULL;
    return guest + (address - GUEST_START);
}

static const RecorderMemory guest_memory = {.map = guest_map};

static void *at(QXLPHYSICAL address)
{
    return guest + (address - GUEST_START);
}

/* A copy of a 4x2 bitmap in two chunks, with a mask: addresses 0x2000 to 0x3000. */
static QXLDrawable *guest_copy(void)
{
    QXLDrawable *draw = at(0x2000);
    QXLImage *image = at(0x2100);
    QXLDataChunk *chunk = at(0x2200);

    memset(guest, 0, sizeof guest);
    draw->type = QXL_DRAW_COPY;
    draw->u.copy.src_bitmap = 0x2100;
    image->bitmap = (QXLBitmap){.format = 8, .x = 4, .y = 2, .stride = 16, .data = 0x2200};
    chunk->data_size = 20;
    chunk->next_chunk = 0x2300;
    chunk = at(0x2300);
    chunk->data_size = 12;
    memset(chunk->data, 'x', 12);
    return draw;
}

static GString *record_of(const QXLCommandExt *command)
{
    g_autofree char *path = temporary();
    Recorder *recorder = recorder_new(path, NULL, NULL);

    recorder_command(recorder, &guest_memory, command);
    recorder_free(recorder);
    GString *text = read_file(path);

    g_unlink(path);
    return text;
}

static bool is_recorded(uint32_t type, uint32_t flags)
{
    QXLCommandExt command = {.cmd = {.type = type, .data = 0x2000}, .group_id = 1, .flags = flags};
    GString *text = record_of(&command);
    bool any = text->len > strlen("SPICE_REPLAY 1\n");

    g_string_free(text, TRUE);
    return any;
}

static void what_cannot_be_read_is_not_recorded(void)
{
    QXLDrawable *draw = guest_copy();
    QXLDataChunk *chunk = at(0x2300);

    g_assert_true(is_recorded(QXL_CMD_DRAW, 0));
    chunk->next_chunk = 0x2200; /* a circle */
    g_assert_false(is_recorded(QXL_CMD_DRAW, 0));
    ((QXLDataChunk *)at(0x2200))->data_size = chunk->data_size = 0; /* of empty chunks */
    g_assert_false(is_recorded(QXL_CMD_DRAW, 0));
    guest_copy();
    chunk->data_size = GUEST_SIZE; /* behind the end */
    g_assert_false(is_recorded(QXL_CMD_DRAW, 0));
    guest_copy();
    draw->u.copy.mask.bitmap = ~(QXLPHYSICAL)0;
    g_assert_false(is_recorded(QXL_CMD_DRAW, 0));
    guest_copy();
    ((QXLImage *)at(0x2100))->descriptor.type = 7;
    g_assert_false(is_recorded(QXL_CMD_DRAW, 0));
    guest_copy();
    ((QXLImage *)at(0x2100))->bitmap.flags = QXL_BITMAP_DIRECT; /* 2 GiB */
    ((QXLImage *)at(0x2100))->bitmap.stride = 0x40000000;
    g_assert_false(is_recorded(QXL_CMD_DRAW, 0));
    guest_copy()->type = 15;
    g_assert_false(is_recorded(QXL_CMD_DRAW, 0));
    guest_copy()->type = QXL_DRAW_STROKE; /* path 0 */
    g_assert_false(is_recorded(QXL_CMD_DRAW, 0));
    memset(guest, 'm', sizeof guest); /* a message without end */
    g_assert_false(is_recorded(QXL_CMD_MESSAGE, 0));
    guest[GUEST_SIZE - 1] = 0;
    g_assert_true(is_recorded(QXL_CMD_MESSAGE, 0));
    g_assert_false(is_recorded(QXL_CMD_NOP, 0));
    g_assert_false(is_recorded(99, 0));
}

static void the_first_generations_drawables_become_todays(void)
{
    QXLCompatDrawable *old = at(0x2000);
    QXLCommandExt command = {.cmd = {.type = QXL_CMD_DRAW, .data = 0x2000},
                             .group_id = 1,
                             .flags = QXL_COMMAND_FLAG_COMPAT | QXL_COMMAND_FLAG_COMPAT_16BPP};

    memset(guest, 0, sizeof guest);
    old->type = QXL_COPY_BITS;
    old->bbox = (QXLRect){.top = 10, .left = 20, .bottom = 30, .right = 60};
    old->u.copy_bits.src_pos = (QXLPoint){.x = 3, .y = 4};
    GString *text = record_of(&command);

    g_assert_nonnull(strstr(text->str, "surface_id 0\nsurfaces_dest 0\n"
                                       "rect surfaces_rects 4 3 24 43\nsurfaces_dest -1\n"));
    g_assert_nonnull(strstr(text->str, "type 4\npoint 3 4\n"));
    g_string_free(text, TRUE);

    memset(guest, 0, sizeof guest);
    old->type = QXL_DRAW_FILL;
    old->bitmap_offset = 1;
    old->u.fill.brush.type = SPICE_BRUSH_TYPE_SOLID;
    old->u.fill.brush.u.color = 0x7c1f; /* 31, 0, 31 */
    text = record_of(&command);
    g_assert_nonnull(strstr(text->str, "self_bitmap 1\n"));
    g_assert_nonnull(strstr(text->str, "type 1\ntype 1\nu.color 16711935\nrop_descriptor 0\n"));
    g_string_free(text, TRUE);

    QXLImage *image = at(0x2100);

    memset(guest, 0, sizeof guest);
    old->type = QXL_DRAW_ALPHA_BLEND;
    old->u.alpha_blend.alpha = 77;
    old->u.alpha_blend.src_bitmap = 0x2100;
    old->u.alpha_blend.src_area.right = 5;
    image->descriptor.type = SPICE_IMAGE_TYPE_SURFACE;
    text = record_of(&command);
    g_assert_nonnull(strstr(text->str, "type 13\nalpha_flags 0\nalpha 77\nimage 1\n"));
    g_assert_nonnull(strstr(text->str, "rect src_area 0 0 0 5\n"));
    g_string_free(text, TRUE);
}

/* CVE-2021-4207, CVE-2015-3247 and others of their kind: what is read twice differs. */
static gint stop;

static gpointer rewrite_guest(gpointer data)
{
    volatile QXLDataChunk *chunk = at(0x2200);
    volatile QXLImage *image = at(0x2100);
    volatile QXLDrawable *draw = at(0x2000);

    for (guint i = 0; !g_atomic_int_get(&stop); i++) {
        chunk->data_size = i % 3 ? 20 : 0x7fffffff;
        chunk->next_chunk = i % 5 ? 0x2300 : 0x2200;
        image->descriptor.type = i % 7 ? 0 : 1;
        image->bitmap.flags = i % 11 ? 0 : QXL_BITMAP_DIRECT;
        draw->type = i % 13 ? QXL_DRAW_COPY : QXL_DRAW_FILL;
    }
    return NULL;
}

static void double_fetch_of_a_changing_guest_gives_whole_commands(void)
{
    g_autofree char *path = temporary();
    Recorder *recorder = recorder_new(path, NULL, NULL);
    QXLCommandExt command = {.cmd = {.type = QXL_CMD_DRAW, .data = 0x2000}, .group_id = 1};

    guest_copy();
    g_atomic_int_set(&stop, 0);
    GThread *thread = g_thread_new("guest", rewrite_guest, NULL);

    for (int i = 0; i < 3000; i++)
        recorder_command(recorder, &guest_memory, &command);
    g_atomic_int_set(&stop, 1);
    g_thread_join(thread);
    recorder_event(recorder, RECORD_CLOSE);
    recorder_free(recorder);
    GString *text = read_file(path);
    FILE *file = fopen(path, "r");
    g_autofree char *copy = temporary();

    g_assert_cmpint(copy_recording(file, copy, G_MAXINT, true), ==,
                    (int)count(text, "\ndrawable\n"));
    fclose(file);
    g_string_free(text, TRUE);
    g_unlink(copy);
    g_unlink(path);
}

static gpointer record_some(gpointer data)
{
    QXLCommandExt command = {.cmd = {.type = QXL_CMD_DRAW, .data = 0x2000}, .group_id = 1};

    for (int i = 0; i < 200; i++) {
        recorder_command(data, &guest_memory, &command);
        recorder_event(data, RECORD_WAKEUP);
    }
    return NULL;
}

static void threads_share_a_recorder(void)
{
    g_autofree char *path = temporary(), *copy = temporary();
    Recorder *recorder = recorder_new(path, NULL, NULL);
    GThread *threads[3];

    guest_copy();
    for (int i = 0; i < 3; i++)
        threads[i] = g_thread_new("worker", record_some, recorder);
    for (int i = 0; i < 3; i++)
        g_thread_join(threads[i]);
    recorder_free(recorder);
    FILE *file = fopen(path, "r");

    g_assert_cmpint(copy_recording(file, copy, G_MAXINT, true), ==, 600);
    fclose(file);
    GString *text = read_file(path);

    g_assert_cmpuint(count(text, "\nevent 1199 "), ==, 1);
    g_assert_cmpuint(count(text, "\nevent 1200 "), ==, 0);
    g_string_free(text, TRUE);
    g_unlink(path);
    g_unlink(copy);
}

/* ---- files and filters -------------------------------------------------------------------- */

static void wait_for_text(const char *path, const char *text)
{
    for (int i = 0; i < 500; i++) {
        GString *now = read_file(path);
        bool there = strstr(now->str, text) != NULL;

        g_string_free(now, TRUE);
        if (there)
            return;
        g_usleep(10000);
    }
    g_assert_not_reached();
}

static void a_filter_gets_the_recording_without_a_shell(void)
{
    g_autofree char *path = temporary();

    g_setenv("SPICE_WORKER_RECORD_FILENAME", path, TRUE);
    g_setenv("SPICE_WORKER_RECORD_FILTER", "sed 's/event/$(EVENT) ;/'", TRUE);
    Recorder *recorder = recorder_new_from_environment();

    g_assert_nonnull(recorder);
    recorder_event(recorder, RECORD_START);
    recorder_free(recorder);
    wait_for_text(path, "SPICE_REPLAY 1\n$(EVENT) ; 0 1 8 ");
    g_unsetenv("SPICE_WORKER_RECORD_FILENAME");
    g_unsetenv("SPICE_WORKER_RECORD_FILTER");
    g_assert_null(recorder_new_from_environment());
    g_unlink(path);
}

static void a_filter_that_ends_ends_the_recording_only(void)
{
    g_autofree char *path = temporary();
    Recorder *recorder = recorder_new(path, "true", NULL);
    GLogLevelFlags fatal = g_log_set_always_fatal(G_LOG_FATAL_MASK);
    guint handler = g_log_set_handler("Spice", G_LOG_LEVEL_WARNING, silent, NULL);

    guest_copy();
    g_usleep(100000);
    for (int i = 0; i < 20; i++)
        record_some(recorder);
    recorder_free(recorder);
    g_log_remove_handler("Spice", handler);
    g_log_set_always_fatal(fatal);
    g_unlink(path);
}

static void what_cannot_be_opened_is_told(void)
{
    g_autofree char *path = temporary();
    GError *error = NULL;

    g_assert_null(recorder_new("/nowhere/file", NULL, &error));
    g_assert_nonnull(error);
    g_clear_error(&error);
    g_assert_null(recorder_new(path, "sed 'unclosed", &error));
    g_assert_nonnull(error);
    g_clear_error(&error);
    g_assert_null(recorder_new(path, "/nowhere/program", &error));
    g_assert_nonnull(error);
    g_clear_error(&error);
    g_unlink(path);
    recorder_event(NULL, RECORD_START); /* off: nothing happens */
    recorder_free(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(name) g_test_add_func("/recorder/" #name, name)
    TEST(a_filter_gets_the_recording_without_a_shell); /* sets the environment: before any thread */
    TEST(what_cannot_be_read_is_not_recorded);
    TEST(the_first_generations_drawables_become_todays);
    TEST(double_fetch_of_a_changing_guest_gives_whole_commands);
    TEST(threads_share_a_recorder);
    TEST(a_filter_that_ends_ends_the_recording_only);
    TEST(what_cannot_be_opened_is_told);
    return g_test_run();
}
