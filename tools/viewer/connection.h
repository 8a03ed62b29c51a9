/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One connection to a server: the session, its channels, and a widget for each monitor of the
 * guest. Main thread only. */
#ifndef VIEWER_CONNECTION_H
#define VIEWER_CONNECTION_H

#include <spice-client-gtk.h>
#include "shared/failure.h"

typedef struct ViewerConnection ViewerConnection;

/* A monitor of the guest. Belongs to its connection; gone is called before it is freed. */
typedef struct ViewerDisplay {
    ViewerConnection *connection;
    SpiceChannel *channel;
    SpiceDisplay *widget; /* the connection holds a reference */
    int channel_id, monitor_id;
    int number; /* what the guest calls it in messages: the channel's id if not 0, else the
                   monitor's */
    int x, y, width, height; /* in the guest's desktop; 0 x 0 while the monitor is off */
    gboolean ready;          /* there is a picture to show */
} ViewerDisplay;

/* What a connection tells its owner. Calls may free the connection, except in display_gone. */
typedef struct ViewerConnectionEvents {
    void (*opened)(gpointer owner); /* the server has accepted us */
    void (*named)(gpointer owner);  /* the guest's name or UUID is known */
    void (*display_changed)(gpointer owner, ViewerDisplay *display); /* ready or size has changed */
    void (*display_gone)(gpointer owner, ViewerDisplay *display);
    /* The server wants credentials. Answer with viewer_connection_authenticate() or by freeing the
     * connection. */
    void (*need_password)(gpointer owner, gboolean user_name_too, gboolean for_proxy,
                          const char *error);
    void (*agent_changed)(gpointer owner);
    void (*ended)(gpointer owner, const Failure *failure); /* failed, or lost */
} ViewerConnectionEvents;

/* Takes a reference to the session, whose address is set. Nothing happens before start. */
ViewerConnection *viewer_connection_new(SpiceSession *session, const ViewerConnectionEvents *events,
                                        gpointer owner);
void viewer_connection_start(ViewerConnection *connection);
void viewer_connection_authenticate(ViewerConnection *connection, const char *user_name,
                                    const char *password);
/* Disconnects and frees. */
void viewer_connection_free(ViewerConnection *connection);

SpiceSession *viewer_connection_session(ViewerConnection *connection);
SpiceMainChannel *
viewer_connection_main(ViewerConnection *connection);                /* NULL before it is there */
GPtrArray *viewer_connection_displays(ViewerConnection *connection); /* of ViewerDisplay */
gboolean viewer_connection_is_open(ViewerConnection *connection);
const char *
viewer_connection_name(ViewerConnection *connection); /* the guest's; NULL while unknown */
/* The guest's UUID as text; NULL while there is none. */
char *viewer_connection_uuid(ViewerConnection *connection);

#endif
