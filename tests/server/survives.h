/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A call in a process of its own, so that a crash is one failed check. */
#ifndef TESTS_SERVER_SURVIVES_H
#define TESTS_SERVER_SURVIVES_H

#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

/* Does it return, within 20 s? */
static bool survives(void (*call)(void))
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        alarm(20);
        call();
        _exit(0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

#endif
