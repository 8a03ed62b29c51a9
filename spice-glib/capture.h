/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hook for programs of this project that record a session (spice-cli capture,
 * docs/capture-format.md). Not installed and not exported: a SpiceCapture is put on the session as
 * object data under SPICE_CAPTURE_KEY, and stays the program's. */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#define SPICE_CAPTURE_KEY "spice-capture-1"

typedef struct SpiceCaptureCaps {
    guint n_words;
    const guint32 *words;
} SpiceCaptureCaps;

/* A whole message, as it stands behind its header. */
typedef struct SpiceCaptureMessage {
    guint64 serial;
    guint32 sub_list; /* offset of the list of sub-messages, 0: none */
    guint16 type;
    const guint8 *body;
    gsize size;
} SpiceCaptureMessage;

/* Called in the main context. type and id are the channel's. */
typedef struct SpiceCapture {
    /* The channel is ready. caps: common and own words of the server, then of the client. */
    void (*opened)(gpointer data, gint type, gint id, gboolean mini,
                   const SpiceCaptureCaps caps[4]);
    void (*message)(gpointer data, gint type, gint id, gboolean from_server,
                    const SpiceCaptureMessage *message);
    void (*closed)(gpointer data, gint type, gint id);
    gpointer data;
} SpiceCapture;

/* The hook of a session, or NULL. */
static inline const SpiceCapture *spice_capture_get(gpointer session)
{
    return session ? g_object_get_data(G_OBJECT(session), SPICE_CAPTURE_KEY) : NULL;
}

G_END_DECLS
