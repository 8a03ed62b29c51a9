/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* spice_qxl_*() that only write down their calls. */
#include "server/record-device.h"

GString *record_device_calls;
void (*record_device_created)(const QXLDevSurfaceCreate *create);

static void note(const char *call)
{
    if (!record_device_calls)
        record_device_calls = g_string_new(NULL);
    g_string_append(record_device_calls, call);
}

void spice_qxl_create_primary_surface(QXLInstance *instance, uint32_t surface_id,
                                      QXLDevSurfaceCreate *surface)
{
    g_autofree char *call = g_strdup_printf("create %ux%u;", surface->width, surface->height);

    note(call);
    if (record_device_created)
        record_device_created(surface);
}

void spice_qxl_destroy_primary_surface(QXLInstance *instance, uint32_t surface_id)
{
    note("destroy;");
}

void spice_qxl_destroy_surfaces(QXLInstance *instance)
{
    note("destroy-all;");
}
