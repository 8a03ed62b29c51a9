/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attaching playback and record instances. */
#ifndef SERVER_SOUND_H
#define SERVER_SOUND_H

#include "server.h"

void sound_add_playback(SpiceServer *server, SpicePlaybackInstance *playback);
void sound_add_record(SpiceServer *server, SpiceRecordInstance *record);
/* False: it isn't attached. */
bool sound_remove_playback(SpicePlaybackInstance *playback);
bool sound_remove_record(SpiceRecordInstance *record);
void sound_remove_all(SpiceServer *server);

#endif
