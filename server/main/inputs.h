/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keyboard, mouse, tablet, and the mouse mode. Main thread, or any that holds the host's lock.
 * docs/spec/server-api.md 12; spice_server_kbd_leds() is here too. */
#ifndef SERVER_MAIN_INPUTS_H
#define SERVER_MAIN_INPUTS_H

#include "server.h"

Inputs *inputs_new(struct RedsState *server);
void inputs_free(Inputs *inputs); /* detaches the instances: st is NULL then. NULL is fine */

/* Attach: st is set. False: there is one already. */
bool inputs_add_keyboard(Inputs *inputs, SpiceKbdInstance *keyboard);
bool inputs_add_mouse(Inputs *inputs, SpiceMouseInstance *mouse);
bool inputs_add_tablet(Inputs *inputs, SpiceTabletInstance *tablet);
/* st is cleared, the mouse mode seen to. False: it isn't attached (st is NULL). */
bool inputs_remove_tablet(SpiceTabletInstance *tablet);

/* A client asks for a mode (MOUSE_MODE_REQUEST, any value): the rule of 12.2 decides. */
void inputs_request_mouse_mode(Inputs *inputs, uint32_t mode);
uint32_t inputs_mouse_mode(const Inputs *inputs); /* SPICE_MOUSE_MODE_* */

#endif
