/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random valid agent messages, for tests and fuzzing. */
#ifndef AGENT_RANDOM_H
#define AGENT_RANDOM_H

#include "wire/random.h"

/* A valid message of the type at 'index' of agent_message_infos(). */
const void *agent_random_message(WireRandom *random, size_t index, uint32_t session);

#endif
