/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of the main channel: the channel itself (channel-main.c), the guest agent
 * (main-agent.c), and the guest's monitors (main-monitors.c). Spec: client-glib.md 6. */
#pragma once

#include "channel-private.h"
#include "session-private.h"
#include "agent/agent.h"

G_BEGIN_DECLS

#define MAIN_MONITORS 16

typedef enum MonitorState { MONITOR_UNDEFINED, MONITOR_DISABLED, MONITOR_ENABLED } MonitorState;

typedef struct MainMonitor {
    MonitorState state;
    gint x, y, width, height;
    gint width_mm, height_mm;
} MainMonitor;

struct _SpiceMainChannelPrivate {
    gboolean initialized; /* INIT has come on this connection */
    gint mouse_mode, wanted_mouse_mode;
    guint display_count;

    gboolean agent_connected;
    gboolean agent_caps_known; /* of the agent that is there now */
    WireCaps agent_caps;
    gboolean display_config_sent;
    guint64 tokens;      /* AGENT_DATA messages that may be sent; the sum of what servers say can't
                            overflow */
    GQueue agent_pieces; /* GBytes, each the body of one AGENT_DATA */
    AgentAssembler agent_in;
    WireArena agent_arena;

    MainMonitor monitors[MAIN_MONITORS];
    guint monitors_timer;
    gint64 monitors_sent; /* monotonic time of the last message, 0: never */

    gboolean disable_wallpaper, disable_font_smooth, disable_animation;
    gboolean disable_display_position, disable_display_align;
    gint max_clipboard;
};

extern guint spice_main_agent_update_signal;

/* --- main-agent.c --- */
void spice_main_agent_init(SpiceMainChannel *channel);
void spice_main_agent_clear(SpiceMainChannel *channel);
/* The agent came, with so many tokens; or went. Emits the signals. */
void spice_main_agent_came(SpiceMainChannel *channel, guint32 tokens);
void spice_main_agent_gone(SpiceMainChannel *channel);
/* The connection is gone: drop everything, emit main-agent-update. */
void spice_main_agent_reset(SpiceMainChannel *channel);
void spice_main_agent_data(SpiceMainChannel *channel, WireBytes data);
void spice_main_agent_add_tokens(SpiceMainChannel *channel, guint32 tokens);
/* Queue a message; type VD_AGENT_*, message of agent-messages.h. It goes out as tokens allow. */
void spice_main_agent_send(SpiceMainChannel *channel, guint32 type, const void *message);
void spice_main_agent_send_max_clipboard(SpiceMainChannel *channel);

/* --- main-monitors.c --- */
void spice_main_monitors_clear(SpiceMainChannel *channel);
/* Tell the agent soon; now: in the next turn of the main loop. */
void spice_main_monitors_schedule(SpiceMainChannel *channel, gboolean now);

G_END_DECLS
