/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* spice_server_add_interface() and _remove_interface(): which kinds there are, and which versions
 * of them.  docs/spec/server-api.md 4.1, 4.2 */
#include <string.h>

#include "main/char-device.h"
#include "main/inputs.h"
#include "migration.h"
#include "options.h"
#include "sound.h"
#include "worker/worker.h"

typedef enum Kind {
    KIND_KEYBOARD,
    KIND_MOUSE,
    KIND_TABLET,
    KIND_QXL,
    KIND_PLAYBACK,
    KIND_RECORD,
    KIND_CHAR_DEVICE,
    KIND_MIGRATION,
    KIND_UNKNOWN,
} Kind;

static const struct {
    const char *type;
    uint32_t major, minor;
} known[] = {
    [KIND_KEYBOARD] = {SPICE_INTERFACE_KEYBOARD, SPICE_INTERFACE_KEYBOARD_MAJOR,
                       SPICE_INTERFACE_KEYBOARD_MINOR},
    [KIND_MOUSE] = {SPICE_INTERFACE_MOUSE, SPICE_INTERFACE_MOUSE_MAJOR,
                    SPICE_INTERFACE_MOUSE_MINOR},
    [KIND_TABLET] = {SPICE_INTERFACE_TABLET, SPICE_INTERFACE_TABLET_MAJOR,
                     SPICE_INTERFACE_TABLET_MINOR},
    [KIND_QXL] = {SPICE_INTERFACE_QXL, SPICE_INTERFACE_QXL_MAJOR, SPICE_INTERFACE_QXL_MINOR},
    [KIND_PLAYBACK] = {SPICE_INTERFACE_PLAYBACK, SPICE_INTERFACE_PLAYBACK_MAJOR,
                       SPICE_INTERFACE_PLAYBACK_MINOR},
    [KIND_RECORD] = {SPICE_INTERFACE_RECORD, SPICE_INTERFACE_RECORD_MAJOR,
                     SPICE_INTERFACE_RECORD_MINOR},
    [KIND_CHAR_DEVICE] = {SPICE_INTERFACE_CHAR_DEVICE, SPICE_INTERFACE_CHAR_DEVICE_MAJOR,
                          SPICE_INTERFACE_CHAR_DEVICE_MINOR},
    [KIND_MIGRATION] = {SPICE_INTERFACE_MIGRATION, SPICE_INTERFACE_MIGRATION_MAJOR,
                        SPICE_INTERFACE_MIGRATION_MINOR},
};

static Kind kind_of(const SpiceBaseInterface *interface)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(known); i++) {
        if (interface->type && strcmp(interface->type, known[i].type) == 0)
            return i;
    }
    return KIND_UNKNOWN;
}

static bool add_qxl(SpiceServer *s, QXLInstance *qxl)
{
    const QXLInterface *interface = (const QXLInterface *)qxl->base.sif;

    if (qxl->id < 0) {
        log_warning("the id of a QXL device is negative");
        return false;
    }
    if (!worker_add(s, qxl))
        return false;
    if (interface->set_compression_level)
        interface->set_compression_level(qxl, options_compression_level(&s->options));
    /* The rule counts devices. */
    server_update_mouse_mode(s);
    return true;
}

static bool remove_qxl(QXLInstance *qxl)
{
    Worker *worker = qxl->st ? worker_of(qxl) : NULL;

    if (!worker)
        return false;

    SpiceServer *s = worker_server(worker);

    worker_remove(worker);
    server_update_mouse_mode(s);
    return true;
}

int spice_server_add_interface(SpiceServer *s, SpiceBaseInstance *sin)
{
    REQUIRE(s && sin && sin->sif, -1);
    REQUIRE(s->core, -1); /* after spice_server_init() */

    Kind kind = kind_of(sin->sif);
    bool added = true;

    if (kind == KIND_UNKNOWN) {
        log_warning("an interface of unknown type \"%.32s\" is ignored",
                    sin->sif->type ? sin->sif->type : "(none)");
        return 0;
    }
    if (sin->sif->major_version != known[kind].major ||
        sin->sif->minor_version > known[kind].minor) {
        log_warning("unsupported version %u.%u of interface \"%s\"", sin->sif->major_version,
                    sin->sif->minor_version, known[kind].type);
        return -1;
    }
    switch (kind) {
    case KIND_KEYBOARD:
        added = inputs_add_keyboard(s->inputs, (SpiceKbdInstance *)sin);
        break;
    case KIND_MOUSE:
        added = inputs_add_mouse(s->inputs, (SpiceMouseInstance *)sin);
        break;
    case KIND_TABLET:
        added = inputs_add_tablet(s->inputs, (SpiceTabletInstance *)sin);
        break;
    case KIND_QXL:
        added = add_qxl(s, (QXLInstance *)sin);
        break;
    case KIND_PLAYBACK:
        sound_add_playback(s, (SpicePlaybackInstance *)sin);
        break;
    case KIND_RECORD:
        sound_add_record(s, (SpiceRecordInstance *)sin);
        break;
    case KIND_CHAR_DEVICE:
        /* 0 in any case: applications have never been told, and go on without the device. */
        char_device_attach(s, (SpiceCharDeviceInstance *)sin);
        return 0;
    case KIND_MIGRATION:
        added = migration_attach(s, (SpiceMigrateInstance *)sin);
        break;
    case KIND_UNKNOWN:
        break;
    }
    if (!added)
        log_warning("this \"%s\" can't be attached: there is one already", known[kind].type);
    return added ? 0 : -1;
}

int spice_server_remove_interface(SpiceBaseInstance *sin)
{
    REQUIRE(sin && sin->sif, -1);

    bool removed = false;

    switch (kind_of(sin->sif)) {
    case KIND_TABLET:
        removed = inputs_remove_tablet((SpiceTabletInstance *)sin);
        break;
    case KIND_QXL:
        removed = remove_qxl((QXLInstance *)sin);
        break;
    case KIND_PLAYBACK:
        removed = sound_remove_playback((SpicePlaybackInstance *)sin);
        break;
    case KIND_RECORD:
        removed = sound_remove_record((SpiceRecordInstance *)sin);
        break;
    case KIND_CHAR_DEVICE:
        removed = char_device_detach((SpiceCharDeviceInstance *)sin);
        break;
    case KIND_KEYBOARD:
    case KIND_MOUSE:
    case KIND_MIGRATION:
    case KIND_UNKNOWN:
        log_warning("an interface \"%.32s\" can't be removed",
                    sin->sif->type ? sin->sif->type : "(none)");
        return -1;
    }
    if (!removed)
        log_warning("this \"%s\" isn't attached", sin->sif->type);
    return removed ? 0 : -1;
}
