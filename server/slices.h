/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory of structures that come and go by the thousand, drawing by drawing: GLib's slices. Under a
 * sanitizer each is a block of its own, so that it sees who uses one that is gone. */
#ifndef SERVER_SLICES_H
#define SERVER_SLICES_H

#include <glib.h>

#include "sanitized.h"

#if SANITIZED_ADDRESS
#define slice_new0(type) g_new0(type, 1)
#define slice_free(type, slice) g_free(slice)
#else
#define slice_new0(type) g_slice_new0(type)
#define slice_free(type, slice) g_slice_free(type, slice)
#endif

#endif
