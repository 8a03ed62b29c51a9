/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rooms around the worker, made of notes: views without clients, and channels whose messages stay
 * in the test. So a worker can be tested alone, with the real truth behind it. */
#ifndef TESTS_SERVER_FAKE_ROOMS_H
#define TESTS_SERVER_FAKE_ROOMS_H

#include "channel/channel.h"
#include "server.h"
#include "worker/worker.h"

/* A server with a loop of its own and nothing else; the worker's part of one. */
struct RedsState *fake_server_new(void);
void fake_server_free(struct RedsState *server);
/* Run what was posted to the main loop. */
void fake_server_run(struct RedsState *server);

/* With real rooms (real-rooms.c): clients come, and take what is sent whenever fake_server_run() is
 * called. What they got that isn't a message, or that they were closed, is counted. */
void rooms_connect(struct RedsState *server);
extern const bool rooms_have_logs; /* of the views: only the notes have */
extern unsigned rooms_bad_messages, rooms_messages;
extern unsigned rooms_drawings[400]; /* messages by type, of the displays */

/* What the views were told, as words: "create 0;mark;..." Drawings are "draw TYPE;". */
char *fake_views_take_log(void);
extern WireRect fake_views_box; /* of the last drawing, when none is under way */
/* Clients of the display: their number and what they can; the worker is told of the change from its
 * own loop. */
void fake_views_set_clients(unsigned n, uint8_t caps);
void fake_views_announce(void);
extern int fake_mouse_updates; /* atomic */

/* A client of the cursor channel: attached on the channel's loop. Its messages as words. */
void fake_cursor_connect(void);
void fake_cursor_set_room(size_t room);
char *fake_cursor_take_log(void);
extern uint16_t fake_cursor_hot_spot[2]; /* of the last shape; when no message is under way */
const ChannelClass *fake_cursor_class(void);

#endif
