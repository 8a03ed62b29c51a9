/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tap.h itself: the name of a case is printed when the case is over, from a copy. */
#include <string.h>

#include "tap.h"

int main(void)
{
    char name[] = "a name in a buffer that is used again";

    tap_case(name);
    memset(name, '\n', sizeof name - 1);
    CHECK(!strcmp(tap_case_name, "a name in a buffer that is used again"));
    return tap_done();
}
