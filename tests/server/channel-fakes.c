/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a client has of the display, for tests without one. */
#include "display/caches.h"

#include <stdlib.h>

DisplayShared *display_shared_new(void)
{
    return malloc(1);
}

void display_shared_free(DisplayShared *shared)
{
    free(shared);
}
