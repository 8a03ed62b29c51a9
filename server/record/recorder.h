/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The writer of recordings: everything that QXL devices are told goes into a file, from which
 * spice_replay_*() and deployed tools play it again (docs/spec/server-display.md 22).
 *
 * One recorder serves all devices and workers of a server; every function may be called from any
 * thread, and does nothing when the recorder is NULL. Recording never fails towards the caller:
 * what can't be read completely from the guest is not recorded, and when the file can't be written
 * any more the recording ends with one log line. */
#ifndef SERVER_RECORD_RECORDER_H
#define SERVER_RECORD_RECORDER_H

#include <glib.h>
#include <stdint.h>
#include <spice/qxl_dev.h>

typedef struct Recorder Recorder;
struct QXLDevSurfaceCreate;

/* Calls by the numbers that they have in the file. */
typedef enum {
    RECORD_UPDATE_AREA = 1,
    RECORD_WAKEUP = 2,
    RECORD_OOM = 3,
    RECORD_START = 8,
    RECORD_STOP = 9,
    RECORD_SET_COMPRESSION = 13,
    RECORD_SET_STREAMING_VIDEO = 14,
    RECORD_SET_MOUSE_MODE = 15,
    RECORD_ADD_MEMSLOT = 16,
    RECORD_DEL_MEMSLOT = 17,
    RECORD_RESET_MEMSLOTS = 18,
    RECORD_DESTROY_SURFACES = 19,
    RECORD_CREATE_PRIMARY = 20,
    RECORD_DESTROY_PRIMARY = 21,
    RECORD_RESET_CURSOR = 22,
    RECORD_RESET_IMAGE_CACHE = 23,
    RECORD_DESTROY_SURFACE_WAIT = 24,
    RECORD_LOADVM_COMMANDS = 25,
    RECORD_UPDATE_AREA_ASYNC = 26,
    RECORD_ADD_MEMSLOT_ASYNC = 27,
    RECORD_DESTROY_SURFACES_ASYNC = 28,
    RECORD_CREATE_PRIMARY_ASYNC = 29,
    RECORD_DESTROY_PRIMARY_ASYNC = 30,
    RECORD_DESTROY_SURFACE_WAIT_ASYNC = 31,
    RECORD_FLUSH_SURFACES_ASYNC = 32,
    RECORD_MONITORS_CONFIG_ASYNC = 35,
    RECORD_DRIVER_UNLOAD = 36,
    RECORD_GL_SCANOUT = 37,
    RECORD_GL_DRAW_ASYNC = 38,
    RECORD_SET_VIDEO_CODECS = 39,
    RECORD_CLOSE = 40,
} RecordEvent;

/* The guest's memory: map() gives the host address of `size` bytes at a guest address of a slot
 * group, valid until the recorder's function returns, or NULL when they are not all in one slot.
 * The guest may write there meanwhile. */
typedef struct {
    const void *(*map)(void *context, QXLPHYSICAL address, uint32_t group, size_t size);
    void *context;
} RecorderMemory;

/* Create or truncate a file. filter: a command line with shell-like quotes (no shell runs it) that
 * is started with the recording as its standard input and the file as its standard output; or
 * NULL. Errors: of the file, of the command line, of starting it. */
Recorder *recorder_new(const char *path, const char *filter, GError **error);

/* By SPICE_WORKER_RECORD_FILENAME and SPICE_WORKER_RECORD_FILTER. NULL when the first isn't set, or
 * with a log line when it doesn't work. */
Recorder *recorder_new_from_environment(void);

/* Write what is buffered and close the file, or the filter's input. No other call may be running.
 */
void recorder_free(Recorder *recorder);

/* A call without a body. */
void recorder_event(Recorder *recorder, RecordEvent event);

/* RECORD_CREATE_PRIMARY or its async form, before it is executed. data: |stride| * height bytes of
 * the surface's memory from the lowest address; NULL when the creation is rejected (it is then left
 * out, because readers can't tell). */
void recorder_primary(Recorder *recorder, RecordEvent event,
                      const struct QXLDevSurfaceCreate *create, const uint8_t *data);

/* A command taken from a ring, before its validation. */
void recorder_command(Recorder *recorder, const RecorderMemory *memory,
                      const QXLCommandExt *command);

#endif
