/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SpiceMainChannel: session-wide matters, mouse mode and the guest agent. */
#ifndef SPICE_CLIENT_MAIN_CHANNEL_H
#define SPICE_CLIENT_MAIN_CHANNEL_H

#if !defined(__SPICE_CLIENT_H_INSIDE__) && !defined(SPICE_COMPILATION)
#warning "Only <spice-client.h> can be included directly"
#endif

#include "spice-client.h"

G_BEGIN_DECLS

#define SPICE_TYPE_MAIN_CHANNEL (spice_main_channel_get_type())
#define SPICE_MAIN_CHANNEL(obj) \
    (G_TYPE_CHECK_INSTANCE_CAST((obj), SPICE_TYPE_MAIN_CHANNEL, SpiceMainChannel))
#define SPICE_MAIN_CHANNEL_CLASS(klass) \
    (G_TYPE_CHECK_CLASS_CAST((klass), SPICE_TYPE_MAIN_CHANNEL, SpiceMainChannelClass))
#define SPICE_IS_MAIN_CHANNEL(obj) (G_TYPE_CHECK_INSTANCE_TYPE((obj), SPICE_TYPE_MAIN_CHANNEL))
#define SPICE_IS_MAIN_CHANNEL_CLASS(klass) \
    (G_TYPE_CHECK_CLASS_TYPE((klass), SPICE_TYPE_MAIN_CHANNEL))
#define SPICE_MAIN_CHANNEL_GET_CLASS(obj) \
    (G_TYPE_INSTANCE_GET_CLASS((obj), SPICE_TYPE_MAIN_CHANNEL, SpiceMainChannelClass))

typedef struct _SpiceMainChannel SpiceMainChannel;
typedef struct _SpiceMainChannelClass SpiceMainChannelClass;
typedef struct _SpiceMainChannelPrivate SpiceMainChannelPrivate;

/**
 * SpiceMainChannel:
 *
 * The main channel. The struct is opaque.
 */
struct _SpiceMainChannel {
    SpiceChannel parent;

    /*< private >*/
    SpiceMainChannelPrivate *priv;
};

/**
 * SpiceMainChannelClass:
 * @parent_class: the parent class
 * @mouse_update: class handler of #SpiceMainChannel::main-mouse-update
 * @agent_update: class handler of #SpiceMainChannel::main-agent-update
 *
 * The class of #SpiceMainChannel.
 */
struct _SpiceMainChannelClass {
    SpiceChannelClass parent_class;

    void (*mouse_update)(SpiceChannel *channel);
    void (*agent_update)(SpiceChannel *channel);

    /*< private >*/
};

GType spice_main_channel_get_type(void);

void spice_main_channel_update_display_mm(SpiceMainChannel *channel, int id, int width_mm,
                                          int height_mm, gboolean update);
void spice_main_channel_update_display(SpiceMainChannel *channel, int id, int x, int y, int width,
                                       int height, gboolean update);
void spice_main_channel_update_display_enabled(SpiceMainChannel *channel, int id, gboolean enabled,
                                               gboolean update);
gboolean spice_main_channel_send_monitor_config(SpiceMainChannel *channel);
gboolean spice_main_channel_agent_test_capability(SpiceMainChannel *channel, guint32 cap);
void spice_main_channel_request_mouse_mode(SpiceMainChannel *channel, int mode);

#ifndef SPICE_DISABLE_DEPRECATED
G_DEPRECATED_FOR(spice_main_channel_update_display)
void spice_main_set_display(SpiceMainChannel *channel, int id, int x, int y, int width, int height);
G_DEPRECATED_FOR(spice_main_channel_update_display)
void spice_main_update_display(SpiceMainChannel *channel, int id, int x, int y, int width,
                               int height, gboolean update);
G_DEPRECATED_FOR(spice_main_channel_update_display_enabled)
void spice_main_set_display_enabled(SpiceMainChannel *channel, int id, gboolean enabled);
G_DEPRECATED_FOR(spice_main_channel_update_display_enabled)
void spice_main_update_display_enabled(SpiceMainChannel *channel, int id, gboolean enabled,
                                       gboolean update);
G_DEPRECATED_FOR(spice_main_channel_send_monitor_config)
gboolean spice_main_send_monitor_config(SpiceMainChannel *channel);
G_DEPRECATED_FOR(spice_main_channel_agent_test_capability)
gboolean spice_main_agent_test_capability(SpiceMainChannel *channel, guint32 cap);
G_DEPRECATED_FOR(spice_main_channel_request_mouse_mode)
void spice_main_request_mouse_mode(SpiceMainChannel *channel, int mode);
#endif

G_END_DECLS

#endif
