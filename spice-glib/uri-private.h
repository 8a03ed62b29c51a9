/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of SpiceURI that only the library uses. */
#pragma once

#include "spice-client.h"

G_BEGIN_DECLS

SpiceURI *spice_uri_new(void);
/* Take a proxy address apart. Nothing changes when it isn't valid. */
gboolean spice_uri_parse(SpiceURI *self, const gchar *text, GError **error);

G_END_DECLS
