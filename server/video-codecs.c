/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text of the list of video codecs.  docs/spec/server-api.md 7.4 */
#include "options.h"

#include <string.h>

static const char *const encoders[] = {"spice", "gstreamer", NULL};
static const char *const codecs[] = {"mjpeg", "vp8", "h264", "vp9", NULL};

static bool is_name(const char *text)
{
    for (const char *p = text; *p; p++) {
        if (!g_ascii_isalnum(*p) && *p != '_')
            return false;
    }
    return *text != '\0';
}

/* One item, checked; it is taken apart in place. */
static bool item_is_valid(const char *item)
{
    g_auto(GStrv) names = g_strsplit(item, ":", 3);

    if (g_strv_length(names) != 2 || !is_name(names[0]) || !is_name(names[1])) {
        log_warning("spice: invalid encoder:codec value at %.64s", item);
        return false;
    }
    if (!g_strv_contains(encoders, names[0])) {
        log_warning("spice: unknown video encoder %.64s", names[0]);
        return false;
    }
    if (!g_strv_contains(codecs, names[1])) {
        log_warning("spice: unknown video codec %.64s", names[1]);
        return false;
    }
    return true;
}

char *video_codecs_parse(const char *text)
{
    if (strcmp(text, "auto") == 0)
        return g_strdup(VIDEO_CODECS_DEFAULT);

    g_auto(GStrv) items = g_strsplit(text, ";", -1);
    GString *list = g_string_new(NULL);

    for (unsigned i = 0; items[i]; i++) {
        if (items[i][0] && item_is_valid(items[i]))
            g_string_append_printf(list, "%s%s", list->len ? ";" : "", items[i]);
    }
    return g_string_free(list, list->len == 0);
}
