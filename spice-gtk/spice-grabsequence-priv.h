/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of a SpiceGrabSequence, for the widget. */
#ifndef SPICE_GRAB_SEQUENCE_PRIV_H
#define SPICE_GRAB_SEQUENCE_PRIV_H

#include "spice-grabsequence.h"

struct _SpiceGrabSequence {
    guint n_keysyms;
    guint *keysyms; /* NULL when there are none */
};

#endif
