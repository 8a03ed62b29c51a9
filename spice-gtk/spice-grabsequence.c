/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SpiceGrabSequence: a set of keysyms with a text form like "Control_L+Alt_L". */
#include "config.h"

#include <gdk/gdk.h>

#include "spice-grabsequence-priv.h"

/* More parts than this stay together in the last one, which then names no key
 * (docs/spec/client-gtk.md 12). */
#define MAX_PARTS 5

G_DEFINE_BOXED_TYPE(SpiceGrabSequence, spice_grab_sequence, spice_grab_sequence_copy,
                    spice_grab_sequence_free)

/**
 * spice_grab_sequence_new:
 * @nkeysyms: number of keys
 * @keysyms: (array length=nkeysyms): GDK key values; copied. May be %NULL when there are none.
 *
 * Creates a sequence of the given keys. A sequence without keys never matches: with it, a widget
 * leaves all grabbing to the program. See docs/spec/client-gtk.md 12.
 *
 * Returns: (transfer full): a new sequence
 */
SpiceGrabSequence *spice_grab_sequence_new(guint nkeysyms, guint *keysyms)
{
    g_return_val_if_fail(nkeysyms == 0 || keysyms != NULL, NULL);

    SpiceGrabSequence *sequence = g_new0(SpiceGrabSequence, 1);
    sequence->n_keysyms = nkeysyms;
    if (nkeysyms > 0)
        sequence->keysyms = g_memdup2(keysyms, (gsize)nkeysyms * sizeof *keysyms);
    return sequence;
}

/**
 * spice_grab_sequence_new_from_string:
 * @str: key names joined by "+", as in "Control_L+Alt_L"; at most five
 *
 * Creates a sequence from the names that GDK gives to keys, without their `GDK_KEY_` (case
 * matters). A name that GDK does not know stands for a key that is never pressed.
 *
 * Returns: (transfer full): a new sequence
 */
SpiceGrabSequence *spice_grab_sequence_new_from_string(const gchar *str)
{
    g_return_val_if_fail(str != NULL, NULL);

    g_auto(GStrv) names = g_strsplit(str, "+", MAX_PARTS);
    SpiceGrabSequence *sequence = g_new0(SpiceGrabSequence, 1);

    sequence->n_keysyms = g_strv_length(names);
    if (sequence->n_keysyms > 0)
        sequence->keysyms = g_new(guint, sequence->n_keysyms);
    for (guint i = 0; i < sequence->n_keysyms; i++)
        sequence->keysyms[i] = gdk_keyval_from_name(names[i]);
    return sequence;
}

/**
 * spice_grab_sequence_copy:
 * @sequence: a sequence
 *
 * Copies a sequence with its keys.
 *
 * Returns: (transfer full): the copy
 */
SpiceGrabSequence *spice_grab_sequence_copy(SpiceGrabSequence *sequence)
{
    g_return_val_if_fail(sequence != NULL, NULL);

    return spice_grab_sequence_new(sequence->n_keysyms, sequence->keysyms);
}

/**
 * spice_grab_sequence_free:
 * @sequence: a sequence; nothing happens for %NULL
 *
 * Frees a sequence.
 */
void spice_grab_sequence_free(SpiceGrabSequence *sequence)
{
    if (sequence == NULL)
        return;
    g_free(sequence->keysyms);
    g_free(sequence);
}

/**
 * spice_grab_sequence_as_string:
 * @sequence: a sequence
 *
 * The names of the keys, joined by "+"; empty for a sequence without keys.
 *
 * Returns: (transfer full): a new string
 */
gchar *spice_grab_sequence_as_string(SpiceGrabSequence *sequence)
{
    g_return_val_if_fail(sequence != NULL, NULL);

    GString *text = g_string_new(NULL);

    for (guint i = 0; i < sequence->n_keysyms; i++) {
        const gchar *name = gdk_keyval_name(sequence->keysyms[i]);

        if (i > 0)
            g_string_append_c(text, '+');
        if (name != NULL)
            g_string_append(text, name);
        else
            g_string_append_printf(text, "0x%x", sequence->keysyms[i]);
    }
    return g_string_free(text, FALSE);
}
