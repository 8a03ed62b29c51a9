/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* spice_replay_*(): reads a recording and plays it into a device of the caller
 * (docs/spec/server-display.md 22.5). Uses public calls only.
 *
 * A recording is hostile input: what it makes us allocate is bounded, and after the first error
 * there are no more commands. */
#include <pthread.h>
#include <spice.h>
#include <string.h>

#include "record/tokens.h"
#include "log.h"

#define NO_SURFACE UINT32_MAX

/* Surfaces without content take no bytes in the file; so much may they all take in memory. */
#define UNBACKED_LIMIT ((size_t)1 << 29)

typedef enum { SURFACE_FREE, SURFACE_ALIVE, SURFACE_DYING } SurfaceState;

/* A command that the player has. Its public part comes first: the player gets its address. */
typedef struct ReplayCommand {
    QXLCommandExt ext;
    struct ReplayCommand *next, *previous;
    RecordBlock *blocks;
    size_t unbacked;
    uint32_t destroys; /* the surface whose number becomes free with this command, or NO_SURFACE */
} ReplayCommand;

struct SpiceReplay {
    /* only used by the thread that reads */
    Record record;
    GHashTable *numbers; /* the recording's surface numbers to ours, +1 */
    RecordBlock *primary;

    /* shared with the threads that free */
    pthread_mutex_t lock;
    pthread_cond_t surface_freed;
    ReplayCommand *commands; /* all that were not freed */
    size_t unbacked;         /* their sum */
    uint32_t n_surfaces;
    uint8_t *surfaces; /* SurfaceState of each of our numbers */
    uint32_t n_dying;
};

/* ---- surfaces ------------------------------------------------------------------------------ */

static uint32_t known_number(SpiceReplay *replay, uint32_t recorded)
{
    gpointer found = g_hash_table_lookup(replay->numbers, GUINT_TO_POINTER(recorded));

    return found ? GPOINTER_TO_UINT(found) - 1 : NO_SURFACE;
}

static uint32_t map_surface(void *context, uint32_t recorded)
{
    SpiceReplay *replay = context;
    uint32_t number = recorded ? known_number(replay, recorded) : 0;

    if (number == NO_SURFACE) {
        log_warning("the recording uses surface %u before it creates it", recorded);
        number = 0;
    }
    return number;
}

/* The lowest free number. Waits while the player has commands whose release frees one. */
static uint32_t take_number(SpiceReplay *replay)
{
    uint32_t number = NO_SURFACE;

    pthread_mutex_lock(&replay->lock);
    for (;;) {
        uint8_t *free = replay->n_surfaces > 1
                            ? memchr(replay->surfaces + 1, SURFACE_FREE, replay->n_surfaces - 1)
                            : NULL;

        if (free) {
            *free = SURFACE_ALIVE;
            number = (uint32_t)(free - replay->surfaces);
            break;
        }
        if (!replay->n_dying)
            break;
        pthread_cond_wait(&replay->surface_freed, &replay->lock);
    }
    pthread_mutex_unlock(&replay->lock);
    return number;
}

/* Give the surface of this command our number. False: it is to be left out. */
static bool renumber(SpiceReplay *replay, ReplayCommand *command)
{
    QXLSurfaceCmd *surface = (QXLSurfaceCmd *)(uintptr_t)command->ext.cmd.data;
    uint32_t recorded = surface->surface_id;

    if (recorded == 0)
        return true;
    if (surface->type == QXL_SURFACE_CMD_CREATE) {
        surface->surface_id = take_number(replay);
        if (surface->surface_id == NO_SURFACE) {
            record_fail(&replay->record, "it has more surfaces at a time than the player");
            return false;
        }
        g_hash_table_insert(replay->numbers, GUINT_TO_POINTER(recorded),
                            GUINT_TO_POINTER(surface->surface_id + 1));
    } else {
        surface->surface_id = known_number(replay, recorded);
        if (surface->surface_id == NO_SURFACE) {
            /* number 0 would stand for the primary surface here */
            log_warning("the recording destroys surface %u before it creates it", recorded);
            return false;
        }
        g_hash_table_remove(replay->numbers, GUINT_TO_POINTER(recorded));
        command->destroys = surface->surface_id;
        pthread_mutex_lock(&replay->lock);
        replay->surfaces[command->destroys] = SURFACE_DYING;
        replay->n_dying++;
        pthread_mutex_unlock(&replay->lock);
    }
    return true;
}

/* ---- events ------------------------------------------------------------------------------- */

static void destroy_primary(SpiceReplay *replay, QXLInstance *instance)
{
    if (!replay->primary)
        return;
    spice_qxl_destroy_primary_surface(instance, 0);
    record_free_blocks(replay->primary);
    replay->primary = NULL;
}

static void create_primary(SpiceReplay *replay, QXLInstance *instance)
{
    QXLDevSurfaceCreate create = {0};
    const uint8_t *data;

    record_primary(&replay->record, &create, &data);
    if (!record_ok(&replay->record) || !data)
        return;
    if (replay->primary) {
        log_warning("the recording creates a primary surface while there is one");
        destroy_primary(replay, instance);
    }
    replay->primary = g_steal_pointer(&replay->record.blocks);
    create.mem = (uintptr_t)data;
    create.group_id = 0;
    spice_qxl_create_primary_surface(instance, 0, &create);
}

static void destroy_surfaces(SpiceReplay *replay, QXLInstance *instance)
{
    spice_qxl_destroy_surfaces(instance);
    record_free_blocks(replay->primary);
    replay->primary = NULL;
    g_hash_table_remove_all(replay->numbers);
    pthread_mutex_lock(&replay->lock);
    for (uint32_t i = 1; i < replay->n_surfaces; i++)
        if (replay->surfaces[i] == SURFACE_ALIVE)
            replay->surfaces[i] = SURFACE_FREE;
    pthread_mutex_unlock(&replay->lock);
}

static void run_event(SpiceReplay *replay, QXLInstance *instance, uint32_t type)
{
    switch (type) {
    case RECORD_CREATE_PRIMARY:
    case RECORD_CREATE_PRIMARY_ASYNC:
        create_primary(replay, instance);
        break;
    case RECORD_DESTROY_PRIMARY:
        destroy_primary(replay, instance);
        break;
    case RECORD_DESTROY_SURFACES:
        destroy_surfaces(replay, instance);
        break;
    default:
        break; /* what the device did with others shows in the commands */
    }
}

/* ---- commands ----------------------------------------------------------------------------- */

static void unlink_command(SpiceReplay *replay, ReplayCommand *command)
{
    if (command->previous)
        command->previous->next = command->next;
    else
        replay->commands = command->next;
    if (command->next)
        command->next->previous = command->previous;
    replay->unbacked -= command->unbacked;
    if (command->destroys != NO_SURFACE) {
        replay->surfaces[command->destroys] = SURFACE_FREE;
        replay->n_dying--;
        pthread_cond_broadcast(&replay->surface_freed);
    }
}

static void free_command(ReplayCommand *command)
{
    record_free_blocks(command->blocks);
    g_free(command);
}

static ReplayCommand *read_command(SpiceReplay *replay, uint32_t type)
{
    Record *record = &replay->record;
    QXLPHYSICAL data = record_command(record, type, 0, false);

    if (!record_ok(record))
        return NULL;
    ReplayCommand *command = g_new0(ReplayCommand, 1);

    command->ext.cmd.type = type;
    command->ext.cmd.data = data;
    command->blocks = g_steal_pointer(&record->blocks);
    command->unbacked = record->unbacked;
    command->destroys = NO_SURFACE;
    if (data) /* every command starts with it */
        ((QXLReleaseInfo *)(uintptr_t)data)->id = (uintptr_t)command;
    pthread_mutex_lock(&replay->lock);
    command->next = replay->commands;
    if (command->next)
        command->next->previous = command;
    replay->commands = command;
    replay->unbacked += command->unbacked;
    pthread_mutex_unlock(&replay->lock);
    if (type == QXL_CMD_SURFACE && !renumber(replay, command)) {
        spice_replay_free_cmd(replay, &command->ext);
        return NULL;
    }
    return command;
}

/* Budgets are for one item. */
static void begin_item(SpiceReplay *replay)
{
    Record *record = &replay->record;

    record->budget = RECORD_MEMORY_LIMIT;
    record->unbacked = 0;
    pthread_mutex_lock(&replay->lock);
    record->unbacked_limit = UNBACKED_LIMIT - MIN(UNBACKED_LIMIT, replay->unbacked);
    pthread_mutex_unlock(&replay->lock);
}

QXLCommandExt *spice_replay_next_cmd(SpiceReplay *replay, QXLInstance *instance)
{
    uint64_t counter, time;
    uint32_t what, type;
    ReplayCommand *command = NULL;

    if (!replay || !instance)
        return NULL;
    bool was_ok = record_ok(&replay->record);

    while (!command) {
        begin_item(replay);
        if (!record_item(&replay->record, &counter, &what, &type, &time))
            break;
        if (what == RECORD_IS_COMMAND)
            command = read_command(replay, type);
        else if (what == RECORD_IS_EVENT)
            run_event(replay, instance, type);
        else
            record_fail(&replay->record, "an event is of an unknown kind");
        if (!record_ok(&replay->record))
            break;
    }
    if (was_ok && !record_ok(&replay->record))
        log_warning("the recording is damaged: %s", replay->record.error);
    record_free_blocks(g_steal_pointer(&replay->record.blocks));
    return command ? &command->ext : NULL;
}

void spice_replay_free_cmd(SpiceReplay *replay, QXLCommandExt *cmd)
{
    void *address = cmd; /* its public part comes first */
    ReplayCommand *command = address;

    if (!replay || !command)
        return;
    pthread_mutex_lock(&replay->lock);
    unlink_command(replay, command);
    pthread_mutex_unlock(&replay->lock);
    free_command(command);
}

void spice_replay_free(SpiceReplay *replay)
{
    if (!replay)
        return;
    while (replay->commands)
        spice_replay_free_cmd(replay, &replay->commands->ext);
    record_free_blocks(replay->primary);
    g_hash_table_destroy(replay->numbers);
    pthread_mutex_destroy(&replay->lock);
    pthread_cond_destroy(&replay->surface_freed);
    g_free(replay->surfaces);
    fclose(replay->record.file);
    g_free(replay);
}

SpiceReplay *spice_replay_new(FILE *file, int nsurfaces)
{
    if (!file)
        return NULL;
    SpiceReplay *replay = g_new0(SpiceReplay, 1);

    record_reader(&replay->record, file);
    record_file_header(&replay->record);
    replay->surfaces = nsurfaces > 0 ? g_try_malloc0((gsize)nsurfaces) : NULL;
    if (!record_ok(&replay->record) || (nsurfaces > 0 && !replay->surfaces)) {
        g_free(replay->surfaces);
        g_free(replay); /* the file stays the caller's */
        return NULL;
    }
    replay->n_surfaces = (uint32_t)MAX(nsurfaces, 0);
    replay->record.map_surface = map_surface;
    replay->record.map_context = replay;
    replay->numbers = g_hash_table_new(NULL, NULL);
    pthread_mutex_init(&replay->lock, NULL);
    pthread_cond_init(&replay->surface_freed, NULL);
    return replay;
}
