/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sound of the machine: the application's side. No channel is announced for it, so that there is
 * never a client: buffers are not to be had and nothing is recorded, and what the application sets
 * is kept.  docs/spec/server-api.md 18 */
#include "sound.h"

#include <string.h>

#include "options.h"

#define BEST_RATE 48000

/* Volume of a device, as it was set last. */
typedef struct Volume {
    uint8_t n;
    uint16_t channels[UINT8_MAX];
    bool mute;
} Volume;

typedef struct Sound {
    SpiceServer *server;
    bool active;
    uint32_t frequency; /* Hz, of the next start */
    Volume volume;
} Sound;

struct SpicePlaybackState {
    Sound sound;
};

struct SpiceRecordState {
    Sound sound;
};

static void sound_init(Sound *sound, SpiceServer *server)
{
    sound->server = server;
    sound->frequency = BEST_RATE;
}

static void set_volume(Sound *sound, uint8_t n, const uint16_t *channels)
{
    sound->volume.n = n;
    if (n)
        memcpy(sound->volume.channels, channels, n * sizeof(*channels));
}

/* ---- Attaching ---- */

void sound_add_playback(SpiceServer *server, SpicePlaybackInstance *playback)
{
    if (g_list_find(server->playbacks, playback))
        return; /* the same again */
    playback->st = g_new0(SpicePlaybackState, 1);
    sound_init(&playback->st->sound, server);
    server->playbacks = g_list_prepend(server->playbacks, playback);
}

bool sound_remove_playback(SpicePlaybackInstance *playback)
{
    if (!playback->st)
        return false;

    SpiceServer *server = playback->st->sound.server;

    server->playbacks = g_list_remove(server->playbacks, playback);
    g_clear_pointer(&playback->st, g_free);
    return true;
}

void sound_add_record(SpiceServer *server, SpiceRecordInstance *record)
{
    if (g_list_find(server->records, record))
        return; /* the same again */
    record->st = g_new0(SpiceRecordState, 1);
    sound_init(&record->st->sound, server);
    server->records = g_list_prepend(server->records, record);
}

bool sound_remove_record(SpiceRecordInstance *record)
{
    if (!record->st)
        return false;

    SpiceServer *server = record->st->sound.server;

    server->records = g_list_remove(server->records, record);
    g_clear_pointer(&record->st, g_free);
    return true;
}

void sound_remove_all(SpiceServer *server)
{
    while (server->playbacks)
        sound_remove_playback(server->playbacks->data);
    while (server->records)
        sound_remove_record(server->records->data);
}

/* ---- Playback ---- */

void spice_server_playback_start(SpicePlaybackInstance *sin)
{
    REQUIRE(sin && sin->st, );
    sin->st->sound.active = true;
}

void spice_server_playback_stop(SpicePlaybackInstance *sin)
{
    REQUIRE(sin && sin->st, );
    sin->st->sound.active = false;
}

void spice_server_playback_get_buffer(SpicePlaybackInstance *sin, uint32_t **samples,
                                      uint32_t *num_samples)
{
    REQUIRE(samples && num_samples, );
    *samples = NULL;
    *num_samples = 0;
    REQUIRE(sin && sin->st, );
}

void spice_server_playback_put_samples(SpicePlaybackInstance *sin, uint32_t *samples)
{
    /* None was lent. */
    REQUIRE(sin && sin->st, );
}

void spice_server_playback_set_volume(SpicePlaybackInstance *sin, uint8_t nchannels,
                                      uint16_t *volume)
{
    REQUIRE(sin && sin->st && (volume || nchannels == 0), );
    set_volume(&sin->st->sound, nchannels, volume);
}

void spice_server_playback_set_mute(SpicePlaybackInstance *sin, uint8_t mute)
{
    REQUIRE(sin && sin->st, );
    sin->st->sound.volume.mute = mute != 0;
}

uint32_t spice_server_get_best_playback_rate(SpicePlaybackInstance *sin)
{
    return BEST_RATE;
}

void spice_server_set_playback_rate(SpicePlaybackInstance *sin, uint32_t frequency)
{
    REQUIRE(sin && sin->st, );
    sin->st->sound.frequency = frequency;
}

/* ---- Recording ---- */

void spice_server_record_start(SpiceRecordInstance *sin)
{
    REQUIRE(sin && sin->st, );
    sin->st->sound.active = true;
}

void spice_server_record_stop(SpiceRecordInstance *sin)
{
    REQUIRE(sin && sin->st, );
    sin->st->sound.active = false;
}

uint32_t spice_server_record_get_samples(SpiceRecordInstance *sin, uint32_t *samples,
                                         uint32_t bufsize)
{
    REQUIRE(sin && sin->st, 0);
    return 0;
}

void spice_server_record_set_volume(SpiceRecordInstance *sin, uint8_t nchannels, uint16_t *volume)
{
    REQUIRE(sin && sin->st && (volume || nchannels == 0), );
    set_volume(&sin->st->sound, nchannels, volume);
}

void spice_server_record_set_mute(SpiceRecordInstance *sin, uint8_t mute)
{
    REQUIRE(sin && sin->st, );
    sin->st->sound.volume.mute = mute != 0;
}

uint32_t spice_server_get_best_record_rate(SpiceRecordInstance *sin)
{
    return BEST_RATE;
}

void spice_server_set_record_rate(SpiceRecordInstance *sin, uint32_t frequency)
{
    REQUIRE(sin && sin->st, );
    sin->st->sound.frequency = frequency;
}
