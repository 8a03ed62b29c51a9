/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the sanitizers have to know of libraries that weren't built with them. */

#define HOOK __attribute__((visibility("default"))) const char *
HOOK __asan_default_options(void);
HOOK __lsan_default_suppressions(void);
HOOK __tsan_default_suppressions(void);

/* Whole stacks, so that the suppression below can tell the library's constructor from us. */
const char *__asan_default_options(void)
{
    return "fast_unwind_on_malloc=0";
}

/* GLib leaves its first table of quarks behind when GStreamer's plugins need a larger one. */
const char *__lsan_default_suppressions(void)
{
    return "leak:call_init\n";
}

/* GLib and GStreamer count references and pass messages by means that the sanitizer doesn't see. As
 * in tests/tsan.supp, for a program that is run without it. */
const char *__tsan_default_suppressions(void)
{
    return "called_from_lib:libglib-2.0.so\n"
           "called_from_lib:libgobject-2.0.so\n"
           "called_from_lib:libgstreamer-1.0.so\n"
           "called_from_lib:libgstbase-1.0.so\n"
           "called_from_lib:libgstapp-1.0.so\n"
           "called_from_lib:libgstvideo-1.0.so\n"
           "mutex:libgst\n"
           "race:on_sample\n"
           "race:video_gst_free\n"
           "race:on_bus\n";
}
