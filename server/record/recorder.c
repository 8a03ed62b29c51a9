/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The writer of recordings: file or filter, event lines, one lock. */
#include "record/recorder.h"
#include "record/tokens.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <pthread.h>
#include <signal.h>
#include <spice.h>
#include <time.h>
#include <unistd.h>

struct Recorder {
    pthread_mutex_t lock;
    FILE *file; /* NULL after an error */
    uint64_t counter;
};

/* ---- writing ------------------------------------------------------------------------------ */

/* A filter that ends leaves a pipe without a reader: that must not end the host as a signal. */
static void block_sigpipe(sigset_t *before, bool *was_pending)
{
    sigset_t pipe_only, pending;

    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigpending(&pending);
    *was_pending = sigismember(&pending, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, before);
}

static void unblock_sigpipe(const sigset_t *before, bool was_pending)
{
    const struct timespec at_once = {0};
    sigset_t pipe_only;
    int error = errno;

    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    while (!was_pending && sigtimedwait(&pipe_only, NULL, &at_once) < 0 && errno == EINTR)
        ;
    pthread_sigmask(SIG_SETMASK, before, NULL);
    errno = error;
}

/* Close the file, or the filter's input. False when not everything could be written. */
static bool close_file(Recorder *recorder)
{
    sigset_t before;
    bool was_pending, ok;

    block_sigpipe(&before, &was_pending);
    ok = fclose(recorder->file) == 0;
    recorder->file = NULL;
    unblock_sigpipe(&before, was_pending);
    return ok;
}

static void write_out(Recorder *recorder, const Record *record)
{
    sigset_t before;
    bool was_pending;

    block_sigpipe(&before, &was_pending);
    bool ok = fwrite(record->out, 1, record->out_size, recorder->file) == record->out_size;

    unblock_sigpipe(&before, was_pending);
    if (!ok) {
        log_warning("the recording of QXL commands ends: %s", g_strerror(errno));
        close_file(recorder);
    }
}

/* Write an item: its event line, and its body if it has one. */
static void write_item(Recorder *recorder, uint32_t what, uint32_t type, const Record *body)
{
    struct timespec now;
    Record line;

    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t time = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;

    record_writer(&line, NULL, 0);
    pthread_mutex_lock(&recorder->lock);
    if (recorder->file && record_item(&line, &recorder->counter, &what, &type, &time)) {
        recorder->counter++;
        write_out(recorder, &line);
        if (body && body->out_size && recorder->file)
            write_out(recorder, body);
    }
    pthread_mutex_unlock(&recorder->lock);
    g_free(line.out);
}

/* ---- what is recorded --------------------------------------------------------------------- */

void recorder_event(Recorder *recorder, RecordEvent event)
{
    if (recorder)
        write_item(recorder, RECORD_IS_EVENT, event, NULL);
}

void recorder_primary(Recorder *recorder, RecordEvent event,
                      const struct QXLDevSurfaceCreate *create, const uint8_t *data)
{
    Record body;
    QXLDevSurfaceCreate copy;

    if (!recorder || !data)
        return;
    copy = *create;
    record_writer(&body, NULL, 0);
    record_primary(&body, &copy, &data);
    if (record_ok(&body))
        write_item(recorder, RECORD_IS_EVENT, event, &body);
    g_free(body.out);
}

void recorder_command(Recorder *recorder, const RecorderMemory *memory,
                      const QXLCommandExt *command)
{
    Record body;

    if (!recorder)
        return;
    record_writer(&body, memory, command->group_id);
    body.colours_15_bit = command->flags & QXL_COMMAND_FLAG_COMPAT_16BPP;
    record_command(&body, command->cmd.type, command->cmd.data,
                   command->flags & QXL_COMMAND_FLAG_COMPAT);
    if (record_ok(&body))
        write_item(recorder, RECORD_IS_COMMAND, command->cmd.type, &body);
    g_free(body.out);
}

/* ---- opening ------------------------------------------------------------------------------ */

/* Start the filter that writes to this descriptor; returns the one that feeds it, or -1. */
static int start_filter(const char *command_line, int to, GError **error)
{
    g_auto(GStrv) argv = NULL;
    int feed = -1;

    if (!g_shell_parse_argv(command_line, NULL, &argv, error))
        return -1;
    if (!g_spawn_async_with_pipes_and_fds(
            NULL, (const gchar *const *)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_CLOEXEC_PIPES,
            NULL, NULL, -1, to, -1, NULL, NULL, 0, NULL, &feed, NULL, NULL, error))
        return -1;
    return feed;
}

static void set_file_error(GError **error, const char *path)
{
    int number = errno;

    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(number), "%s: %s", path,
                g_strerror(number));
}

Recorder *recorder_new(const char *path, const char *filter, GError **error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

    if (fd < 0) {
        set_file_error(error, path);
        return NULL;
    }
    if (filter) {
        int feed = start_filter(filter, fd, error);

        close(fd);
        if (feed < 0)
            return NULL;
        fd = feed;
    }
    FILE *file = fdopen(fd, "w");

    if (!file) {
        set_file_error(error, path);
        close(fd);
        return NULL;
    }
    Recorder *recorder = g_new0(Recorder, 1);
    Record header;

    pthread_mutex_init(&recorder->lock, NULL);
    recorder->file = file;
    record_writer(&header, NULL, 0);
    record_file_header(&header);
    write_out(recorder, &header);
    g_free(header.out);
    return recorder;
}

Recorder *recorder_new_from_environment(void)
{
    const char *path = g_getenv("SPICE_WORKER_RECORD_FILENAME");
    g_autoptr(GError) error = NULL;
    Recorder *recorder;

    if (!path)
        return NULL;
    recorder = recorder_new(path, g_getenv("SPICE_WORKER_RECORD_FILTER"), &error);
    if (!recorder)
        log_warning("no recording of QXL commands: %s", error->message);
    return recorder;
}

void recorder_free(Recorder *recorder)
{
    if (!recorder)
        return;
    if (recorder->file && !close_file(recorder))
        log_warning("the recording of QXL commands is not complete: %s", g_strerror(errno));
    pthread_mutex_destroy(&recorder->lock);
    g_free(recorder);
}
