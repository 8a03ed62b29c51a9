/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one header that programs include to use the GTK 3 widget library. */
#ifndef SPICE_CLIENT_GTK_H
#define SPICE_CLIENT_GTK_H

#include "spice-client.h"

#define __SPICE_CLIENT_GTK_H_INSIDE__

#include "spice-grabsequence.h"
#include "spice-gtk-session.h"
#include "spice-widget-enums.h"
#include "spice-widget.h"

#undef __SPICE_CLIENT_GTK_H_INSIDE__

#endif
