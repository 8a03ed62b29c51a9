/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Virtual devices of every kind that do nothing, and count what they are asked. */
#ifndef TESTS_SERVER_STILL_DEVICES_H
#define TESTS_SERVER_STILL_DEVICES_H

#include "support/still-inputs.h"

/* ---- A QXL device without commands ---- */

typedef struct Device {
    QXLInstance qxl;
    int attached, level;
    int n_capabilities; /* set_client_capabilities calls; atomic */
    int n_polls;        /* get_command calls; atomic */
    int completed;      /* atomic: the last cookie */
} Device;

static void attached_worker(QXLInstance *qxl)
{
    ((Device *)qxl)->attached++;
    /* The worker serves calls already. */
    spice_qxl_add_memslot(qxl, &(QXLDevMemSlot){.virt_end = ~(uintptr_t)0});
}

static void set_compression_level(QXLInstance *qxl, int level)
{
    ((Device *)qxl)->level = level;
}

static void get_init_info(QXLInstance *qxl, QXLDevInitInfo *info)
{
    *info = (QXLDevInitInfo){2, 8, 8, 8, 16 << 20, 0, 64};
}

static int get_command(QXLInstance *qxl, struct QXLCommandExt *command)
{
    g_atomic_int_inc(&((Device *)qxl)->n_polls);
    return 0;
}

static int request_notification(QXLInstance *qxl)
{
    return 1;
}

static void release_resource(QXLInstance *qxl, struct QXLReleaseInfoExt info)
{
}

static int get_cursor_command(QXLInstance *qxl, struct QXLCommandExt *command)
{
    return 0;
}

static void notify_update(QXLInstance *qxl, uint32_t id)
{
}

static int flush_resources(QXLInstance *qxl)
{
    return 0;
}

static void async_complete(QXLInstance *qxl, uint64_t cookie)
{
    g_atomic_int_set(&((Device *)qxl)->completed, (int)cookie);
}

static void update_area_complete(QXLInstance *qxl, uint32_t surface, struct QXLRect *rects,
                                 uint32_t n)
{
}

static void set_client_capabilities(QXLInstance *qxl, uint8_t present, uint8_t caps[58])
{
    g_atomic_int_inc(&((Device *)qxl)->n_capabilities);
}

static const QXLInterface qxl_interface = {
    .base = {SPICE_INTERFACE_QXL, "no commands", SPICE_INTERFACE_QXL_MAJOR,
             SPICE_INTERFACE_QXL_MINOR},
    .attached_worker = attached_worker,
    .set_compression_level = set_compression_level,
    .get_init_info = get_init_info,
    .get_command = get_command,
    .req_cmd_notification = request_notification,
    .release_resource = release_resource,
    .get_cursor_command = get_cursor_command,
    .req_cursor_notification = request_notification,
    .notify_update = notify_update,
    .flush_resources = flush_resources,
    .async_complete = async_complete,
    .update_area_complete = update_area_complete,
    .set_client_capabilities = set_client_capabilities,
};

static Device device_with_id(int id)
{
    return (Device){.qxl = {.base.sif = &qxl_interface.base, .id = id}, .level = -1};
}

/* ---- Other interfaces ---- */

static int device_write(SpiceCharDeviceInstance *device, const uint8_t *data, int size)
{
    return size;
}

static int device_read(SpiceCharDeviceInstance *device, uint8_t *data, int size)
{
    return 0;
}

static int connect_complete, end_complete;

static void migrate_connect_complete(SpiceMigrateInstance *instance)
{
    connect_complete++;
}

static void migrate_end_complete(SpiceMigrateInstance *instance)
{
    end_complete++;
}

static const SpiceCharDeviceInterface device_interface = {
    .base = {SPICE_INTERFACE_CHAR_DEVICE, "device", 1, 3},
    .write = device_write,
    .read = device_read,
};
static const SpiceMigrateInterface migrate_interface = {
    {SPICE_INTERFACE_MIGRATION, "migration", 1, 1}, migrate_connect_complete, migrate_end_complete};
static const SpicePlaybackInterface playback_interface = {{SPICE_INTERFACE_PLAYBACK, "out", 1, 3}};
static const SpiceRecordInterface record_interface = {{SPICE_INTERFACE_RECORD, "in", 2, 3}};

#endif
