/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server/record-files.h"

#include <glib/gstdio.h>
#include <spice.h>
#include <string.h>
#include <unistd.h>

#include "record/tokens.h"

char *temporary(void)
{
    char *path = g_build_filename(g_get_tmp_dir(), "record-XXXXXX", NULL);
    int fd = g_mkstemp(path);

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    return path;
}

GString *read_file(const char *path)
{
    g_autofree char *contents = NULL;
    gsize size;

    g_assert_true(g_file_get_contents(path, &contents, &size, NULL));
    return g_string_new_len(contents, size);
}

guint count(const GString *text, const char *what)
{
    guint n = 0;

    for (const char *at = text->str;
         (at = memmem(at, text->str + text->len - at, what, strlen(what))); at++)
        n++;
    return n;
}

static const void *host_memory(void *context, QXLPHYSICAL address, uint32_t group, size_t size)
{
    return (const void *)(uintptr_t)address;
}

const RecorderMemory whole_memory = {.map = host_memory};

static uint32_t same_surface(void *context, uint32_t recorded)
{
    return recorded;
}

int copy_recording(FILE *from, const char *to, int most, bool everything)
{
    g_autoptr(GError) error = NULL;
    Recorder *recorder = recorder_new(to, NULL, &error);
    Record record;
    uint64_t counter, time;
    uint32_t what, type;
    int n = 0;

    g_assert_no_error(error);
    record_reader(&record, from);
    record.map_surface = same_surface;
    record_file_header(&record);
    while (n < most && record_item(&record, &counter, &what, &type, &time)) {
        record.budget = record.unbacked_limit = RECORD_MEMORY_LIMIT;
        record.unbacked = 0;
        if (what == RECORD_IS_COMMAND) {
            QXLCommandExt command = {.cmd.type = type};

            command.cmd.data = record_command(&record, type, 0, false);
            if (record_ok(&record) && (everything || type != QXL_CMD_MESSAGE))
                recorder_command(recorder, &whole_memory, &command);
            n++;
        } else if (type == RECORD_CREATE_PRIMARY || type == RECORD_CREATE_PRIMARY_ASYNC) {
            QXLDevSurfaceCreate create;
            const uint8_t *data;

            record_primary(&record, &create, &data);
            if (everything)
                recorder_primary(recorder, type, &create, data);
        } else if (everything) {
            recorder_event(recorder, type);
        }
        record_free_blocks(g_steal_pointer(&record.blocks));
    }
    g_assert_cmpstr(record.error, ==, NULL);
    recorder_free(recorder);
    return n;
}

void silent(const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
}
