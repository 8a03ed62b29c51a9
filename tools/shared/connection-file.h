/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connection files (.vv): what management programs hand to a viewer. Follows
 * docs/spec/client-gtk.md 15.2. */
#ifndef TOOLS_CONNECTION_FILE_H
#define TOOLS_CONNECTION_FILE_H

#include <spice-client.h>

/* What a file says; NULL, 0 or -1 where it says nothing. */
typedef struct ConnectionFile {
    char *host, *unix_path;
    int port, tls_port; /* 0: none */
    char *username, *password, *title, *ciphers, *ca, *host_subject, *proxy, *usb_filter;
    char **secure_channels, **disable_channels, **disable_effects;
    int enable_smartcard, enable_usbredir, enable_usb_autoshare, fullscreen; /* -1: not given */
    int color_depth;                                                         /* 0, 16 or 32 */
    char *hotkeys; /* in the grammar of --hotkeys; "" when the file names none: a file always turns
                      the defaults off */
    gboolean delete_this_file;
} ConnectionFile;

#define CONNECTION_FILE_ERROR (connection_file_error_quark())
GQuark connection_file_error_quark(void);
typedef enum ConnectionFileError {
    CONNECTION_FILE_ERROR_INVALID, /* not a connection file, or a value out of range */
    CONNECTION_FILE_ERROR_TYPE,    /* for another protocol than SPICE */
    CONNECTION_FILE_ERROR_VERSION, /* asks for a newer viewer */
} ConnectionFileError;

ConnectionFile *connection_file_parse(const char *data, gsize size, GError **error);

/* From a path, or standard input when path is "-". A file that asks for it is deleted, unless
 * $VIRT_VIEWER_KEEP_FILE is set. */
ConnectionFile *connection_file_load(const char *path, GError **error);

/* Does this argument of a command line name a connection file (and not a URI)? */
gboolean connection_file_is_named(const char *argument);

/* Put everything that concerns the session into it. */
void connection_file_apply(const ConnectionFile *file, SpiceSession *session);

void connection_file_free(ConnectionFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ConnectionFile, connection_file_free)

/* Order of two version texts: dot-separated numbers, then the part after '-'. A part that isn't a
 * number makes them equal. */
int version_compare(const char *a, const char *b);

#endif
