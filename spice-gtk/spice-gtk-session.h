/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public part of SpiceGtkSession: what one session shares between its display widgets. */
#ifndef SPICE_CLIENT_GTK_SESSION_H
#define SPICE_CLIENT_GTK_SESSION_H

#if !defined(__SPICE_CLIENT_GTK_H_INSIDE__) && !defined(SPICE_COMPILATION)
#warning "Only <spice-client-gtk.h> can be included directly"
#endif

#include "spice-client.h"

G_BEGIN_DECLS

#define SPICE_TYPE_GTK_SESSION (spice_gtk_session_get_type())
#define SPICE_GTK_SESSION(obj) \
    (G_TYPE_CHECK_INSTANCE_CAST((obj), SPICE_TYPE_GTK_SESSION, SpiceGtkSession))
#define SPICE_GTK_SESSION_CLASS(klass) \
    (G_TYPE_CHECK_CLASS_CAST((klass), SPICE_TYPE_GTK_SESSION, SpiceGtkSessionClass))
#define SPICE_IS_GTK_SESSION(obj) (G_TYPE_CHECK_INSTANCE_TYPE((obj), SPICE_TYPE_GTK_SESSION))
#define SPICE_IS_GTK_SESSION_CLASS(klass) (G_TYPE_CHECK_CLASS_TYPE((klass), SPICE_TYPE_GTK_SESSION))
#define SPICE_GTK_SESSION_GET_CLASS(obj) \
    (G_TYPE_INSTANCE_GET_CLASS((obj), SPICE_TYPE_GTK_SESSION, SpiceGtkSessionClass))

/**
 * SpiceGtkSession:
 *
 * The GTK side of one #SpiceSession. Opaque.
 */
typedef struct _SpiceGtkSession SpiceGtkSession;

/**
 * SpiceGtkSessionClass:
 *
 * The class of #SpiceGtkSession. Opaque.
 */
typedef struct _SpiceGtkSessionClass SpiceGtkSessionClass;

GType spice_gtk_session_get_type(void);

SpiceGtkSession *spice_gtk_session_get(SpiceSession *session);

G_END_DECLS

#endif
