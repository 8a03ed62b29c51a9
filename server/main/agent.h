/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The proxy between the guest's agent and a client. Main thread, or any that holds the host's lock.
 * Options (copy and paste, files, mouse) are read from the server when they matter.
 * docs/spec/server-api.md 14 */
#ifndef SERVER_MAIN_AGENT_H
#define SERVER_MAIN_AGENT_H

#include "agent/agent.h"
#include "server.h"

Agent *agent_new(struct RedsState *server);
void agent_free(Agent *agent); /* after the devices. NULL is fine */

bool agent_is_attached(const Agent *agent);
/* Where the pointer is, for an agent that is attached: buttons are VD_AGENT_*BUTTON_MASK. While the
 * guest doesn't read, pure movement is merged. */
void agent_mouse_state(Agent *agent, const AgentMouseState *state);
/* What spice_qxl_set_device_info() told has changed: VD_AGENT_GRAPHICS_DEVICE_INFO. */
void agent_devices_changed(Agent *agent);

#endif
