/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options' defaults, and the list of video codecs.  docs/spec/server-api.md 7 */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include "server.h"

void options_init(Options *options);
void options_clear(Options *options); /* the password is wiped */

/* The list as it is kept: pairs joined by ';'. NULL: nothing in the text is valid; what is not, is
 * logged. */
char *video_codecs_parse(const char *text);
#define VIDEO_CODECS_DEFAULT \
    "spice:mjpeg;gstreamer:mjpeg;gstreamer:h264;gstreamer:vp8;gstreamer:vp9"

/* Level for QXLInterface.set_compression_level(). */
int options_compression_level(const Options *options);

/* A wrong call of the application: NULL where an object is needed. */
#define REQUIRE(condition, result)                                 \
    do {                                                           \
        if (!(condition)) {                                        \
            log_warning("%s: %s is false", G_STRFUNC, #condition); \
            return result;                                         \
        }                                                          \
    } while (0)

#endif
