/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recordings as files: made, read, counted in, and copied by the reader and the recorder. */
#ifndef TESTS_SERVER_RECORD_FILES_H
#define TESTS_SERVER_RECORD_FILES_H

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

#include "record/recorder.h"

/* The name of a new, empty file; g_free(), and remove the file. */
char *temporary(void);
GString *read_file(const char *path);
/* How often it occurs. */
guint count(const GString *text, const char *what);

/* All of the process's memory, addressed by pointers. */
extern const RecorderMemory whole_memory;
/* Read items and write them again; at most `most` commands. Returns how many there were. Not
 * everything: events and messages are left out. */
int copy_recording(FILE *from, const char *to, int most, bool everything);

/* A handler for warnings that are expected, however many. */
void silent(const char *domain, GLogLevelFlags level, const char *message, gpointer data);

#endif
