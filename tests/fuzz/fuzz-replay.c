/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recordings of QXL commands: any bytes are read, and what was read is written and read again. */
#include <glib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/tokens.h"
#include "server/record-device.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const void *whole_memory(void *context, QXLPHYSICAL address, uint32_t group, size_t size)
{
    return (const void *)(uintptr_t)address;
}

static uint32_t same_surface(void *context, uint32_t recorded)
{
    return recorded;
}

static GLogWriterOutput quiet(GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
    return G_LOG_WRITER_HANDLED;
}

static void expect(int condition)
{
    if (!condition)
        abort();
}

/* What was read can be written, and what was written can be read: the same again. */
static void write_and_read(const QXLCommandExt *command)
{
    static const RecorderMemory memory = {.map = whole_memory};
    Record first, again, second;

    record_writer(&first, &memory, 0);
    record_command(&first, command->cmd.type, command->cmd.data, false);
    expect(record_ok(&first));
    FILE *file = fmemopen(first.out, first.out_size, "r");

    record_reader(&again, file);
    again.map_surface = same_surface;
    QXLPHYSICAL made = record_command(&again, command->cmd.type, 0, false);

    expect(record_ok(&again));
    record_writer(&second, &memory, 0);
    record_command(&second, command->cmd.type, made, false);
    expect(record_ok(&second) && second.out_size == first.out_size &&
           memcmp(first.out, second.out, first.out_size) == 0);
    record_free_blocks(again.blocks);
    fclose(file);
    g_free(first.out);
    g_free(second.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static QXLInstance instance;
    static int is_quiet;
    QXLCommandExt *command;

    if (!is_quiet++)
        g_log_set_writer_func(quiet, NULL, NULL);
    if (!size)
        return 0;
    FILE *file = fmemopen((void *)data, size, "r");
    SpiceReplay *replay = spice_replay_new(file, 8);

    if (!replay) {
        fclose(file);
        return 0;
    }
    for (int i = 0; (command = spice_replay_next_cmd(replay, &instance)); i++) {
        if (command->cmd.data)
            write_and_read(command);
        /* Some stay with the player; those whose release is waited for must not. */
        if (i % 3 || command->cmd.type == QXL_CMD_SURFACE)
            spice_replay_free_cmd(replay, command);
    }
    expect(!spice_replay_next_cmd(replay, &instance));
    spice_replay_free(replay);
    if (record_device_calls)
        g_string_truncate(record_device_calls, 0);
    return 0;
}
