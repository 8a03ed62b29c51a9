/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The QXL display device: the application brings the guest's drawing commands, the library shows
 * them. Each instance has a worker thread, which calls back without the application's lock.
 * docs/spec/server-api.md 6, 11 */
#ifndef SPICE_QXL_H_
#define SPICE_QXL_H_

#if !defined(SPICE_H_INSIDE) && !defined(SPICE_SERVER_INTERNAL)
#error "Only spice.h can be included directly."
#endif

#include "spice-core.h"

SPICE_BEGIN_DECLS

/* Bytes of the clients' capabilities in the device's ROM: 58. */
#ifndef SPICE_CAPABILITIES_SIZE
#define SPICE_CAPABILITIES_SIZE (sizeof(((QXLRom *)0)->client_capabilities))
#endif

#define SPICE_INTERFACE_QXL "qxl"
#define SPICE_INTERFACE_QXL_MAJOR 3
#define SPICE_INTERFACE_QXL_MINOR 3

typedef struct QXLInterface QXLInterface;
typedef struct QXLInstance QXLInstance;
typedef struct QXLState QXLState;
typedef struct QXLWorker QXLWorker;
typedef struct QXLDevMemSlot QXLDevMemSlot;
typedef struct QXLDevSurfaceCreate QXLDevSurfaceCreate;

/* ---- Calls of the device ----
 * They take effect in the order in which they were made. Those without a cookie return when it is
 * done, except wakeup, oom, del_memslot, reset_memslots and driver_unload, which don't wait. Those
 * with one return at once; async_complete() brings the cookie back. */

/* There are commands, after req_*_notification() said that it will tell. From any thread, without a
 * lock. */
void spice_qxl_wakeup(QXLInstance *instance);
/* The guest has no memory left: give back what can be given. From any thread, without a lock. */
void spice_qxl_oom(QXLInstance *instance);
/* One device's half of spice_server_vm_start() and _vm_stop(). */
void spice_qxl_start(QXLInstance *instance) SPICE_GNUC_DEPRECATED;
void spice_qxl_stop(QXLInstance *instance) SPICE_GNUC_DEPRECATED;
/* Draw all commands up to now that touch the area of the surface to the guest's memory.
 * dirty_rects: takes up to num_dirty_rects rectangles of what has changed since the last time that
 * clear_dirty_region was not 0; unused ones are empty. */
void spice_qxl_update_area(QXLInstance *instance, uint32_t surface_id, struct QXLRect *area,
                           struct QXLRect *dirty_rects, uint32_t num_dirty_rects,
                           uint32_t clear_dirty_region);
/* Memory that guest addresses may name. Copied. */
void spice_qxl_add_memslot(QXLInstance *instance, QXLDevMemSlot *slot);
void spice_qxl_del_memslot(QXLInstance *instance, uint32_t slot_group_id, uint32_t slot_id);
void spice_qxl_reset_memslots(QXLInstance *instance);
/* All surfaces vanish, also the primary one. */
void spice_qxl_destroy_surfaces(QXLInstance *instance);
void spice_qxl_destroy_primary_surface(QXLInstance *instance, uint32_t surface_id);
/* The surface that is the screen; id 0. Copied. */
void spice_qxl_create_primary_surface(QXLInstance *instance, uint32_t surface_id,
                                      QXLDevSurfaceCreate *surface);
/* Clients forget the images that they keep. */
void spice_qxl_reset_image_cache(QXLInstance *instance);
void spice_qxl_reset_cursor(QXLInstance *instance);
void spice_qxl_destroy_surface_wait(QXLInstance *instance, uint32_t surface_id);
/* Commands that made the state of a saved machine: surfaces and cursor. */
void spice_qxl_loadvm_commands(QXLInstance *instance, struct QXLCommandExt *ext, uint32_t count);

/* update_area_complete() brings the rectangles, before async_complete(). */
void spice_qxl_update_area_async(QXLInstance *instance, uint32_t surface_id, QXLRect *qxl_area,
                                 uint32_t clear_dirty_region, uint64_t cookie);
void spice_qxl_add_memslot_async(QXLInstance *instance, QXLDevMemSlot *slot, uint64_t cookie);
void spice_qxl_destroy_surfaces_async(QXLInstance *instance, uint64_t cookie);
void spice_qxl_destroy_primary_surface_async(QXLInstance *instance, uint32_t surface_id,
                                             uint64_t cookie);
void spice_qxl_create_primary_surface_async(QXLInstance *instance, uint32_t surface_id,
                                            QXLDevSurfaceCreate *surface, uint64_t cookie);
void spice_qxl_destroy_surface_async(QXLInstance *instance, uint32_t surface_id, uint64_t cookie);
/* Everything is drawn to guest memory and every command released. */
void spice_qxl_flush_surfaces_async(QXLInstance *instance, uint64_t cookie);
/* Guest address and slot group of a QXLMonitorsConfig. */
void spice_qxl_monitors_config_async(QXLInstance *instance, QXLPHYSICAL monitors_config,
                                     int group_id, uint64_t cookie);
/* The guest's driver is gone: its monitors and resolution are the device's own again. */
void spice_qxl_driver_unload(QXLInstance *instance);
/* How many monitors the device has; spice_qxl_set_device_info() tells more. */
void spice_qxl_set_max_monitors(QXLInstance *instance,
                                unsigned int max_monitors) SPICE_GNUC_DEPRECATED;

/* The screen is a DMA buffer. fd becomes the library's in any case (-1: no picture). stride: bytes;
 * format: a DRM fourcc; y_0_top: not 0 if row 0 is the top one. */
void spice_qxl_gl_scanout(QXLInstance *qxl, int fd, uint32_t width, uint32_t height,
                          uint32_t stride, uint32_t format, int y_0_top);
/* That part of it has changed. This version shows clients no such pictures: the call completes at
 * once, inside. */
void spice_qxl_gl_draw_async(QXLInstance *qxl, uint32_t x, uint32_t y, uint32_t w, uint32_t h,
                             uint64_t cookie);

/* How the guest sees the device: its address ("pci/0000/02.0", copied, at most 255 bytes), and
 * which of its outputs are the monitors of this instance, from start on, count of them. For the
 * agent, when there are several devices. */
void spice_qxl_set_device_info(QXLInstance *instance, const char *device_address,
                               uint32_t device_display_id_start, uint32_t device_display_id_count);

/* ---- Structures ---- */

/* What the worker asks for when it begins. */
typedef struct QXLDevInitInfo {
    uint32_t num_memslots_groups;
    uint32_t num_memslots;    /* in each group */
    uint8_t memslot_gen_bits; /* of a guest address, behind those of the slot */
    uint8_t memslot_id_bits;  /* the highest bits of a guest address */
    uint32_t qxl_ram_size;    /* bytes */
    uint8_t internal_groupslot_id;
    uint32_t n_surfaces;
} QXLDevInitInfo;

struct QXLDevMemSlot {
    uint32_t slot_group_id;
    uint32_t slot_id;
    uint32_t generation;
    uintptr_t virt_start; /* the application's addresses of the slot: from start, before end */
    uintptr_t virt_end;
    uint64_t addr_delta; /* added to a guest address, without slot and generation, gives the
                            application's */
    uint32_t qxl_ram_size;
};

struct QXLDevSurfaceCreate {
    uint32_t width; /* pixels */
    uint32_t height;
    int32_t stride;  /* bytes; negative: the bottom row is first in memory */
    uint32_t format; /* SPICE_SURFACE_FMT_* */
    uint32_t position;
    uint32_t mouse_mode; /* not 0: a client may place the pointer */
    uint32_t flags;
    uint32_t type;
    uint64_t mem; /* guest address of the lowest byte */
    uint32_t group_id;
};

/* ---- Callbacks: on the worker's thread, without the application's lock, if not said otherwise
 * ---- */

struct QXLInterface {
    SpiceBaseInterface base;

    /* The device is attached: inside spice_server_add_interface(). May be NULL. */
    union {
        void (*attached_worker)(QXLInstance *qin);
        void (*attache_worker)(QXLInstance *qin, QXLWorker *qxl_worker) SPICE_GNUC_DEPRECATED;
    };
    /* 1 for QUIC without video streams, else 0: when the options change, and when the device is
     * attached. */
    void (*set_compression_level)(QXLInstance *qin, int level);
    /* Never called. */
    void (*set_mm_time)(QXLInstance *qin, uint32_t mm_time) SPICE_GNUC_DEPRECATED;

    /* Inside spice_server_add_interface(), and on the main thread later. */
    void (*get_init_info)(QXLInstance *qin, QXLDevInitInfo *info);

    /* Take the next drawing command: 1, or 0 if there is none. Its memory stays as it is until
     * release_resource(). */
    int (*get_command)(QXLInstance *qin, struct QXLCommandExt *cmd);
    /* There was none: 1 if spice_qxl_wakeup() will be called when there is one, 0 if one is there
     * by now. */
    int (*req_cmd_notification)(QXLInstance *qin);
    /* A command (of any ring) isn't needed any more: once for each. */
    void (*release_resource)(QXLInstance *qin, struct QXLReleaseInfoExt release_info);
    /* The same for cursor commands. */
    int (*get_cursor_command)(QXLInstance *qin, struct QXLCommandExt *cmd);
    int (*req_cursor_notification)(QXLInstance *qin);
    /* An update command of that id has been drawn. */
    void (*notify_update)(QXLInstance *qin, uint32_t update_id);
    /* Give back released commands to the guest now; not 0 if that made some free. */
    int (*flush_resources)(QXLInstance *qin);
    /* The call with that cookie is done. spice_qxl_gl_draw_async() may call it before it returns.
     */
    void (*async_complete)(QXLInstance *qin, uint64_t cookie);
    /* What spice_qxl_update_area_async() drew; valid during the call. */
    void (*update_area_complete)(QXLInstance *qin, uint32_t surface_id,
                                 struct QXLRect *updated_rects, uint32_t num_updated_rects);
    /* Is there a client, and what can all clients do: bits in the order of SPICE_DISPLAY_CAP_*.
     * Since 3.2; may be NULL. */
    void (*set_client_capabilities)(QXLInstance *qin, uint8_t client_present,
                                    uint8_t caps[SPICE_CAPABILITIES_SIZE]);
    /* A client wishes these monitors; on the main thread. 1: the guest takes it from here, 0: the
     * agent shall. NULL config: only the answer is wanted. Since 3.3; may be NULL. */
    int (*client_monitors_config)(QXLInstance *qin, VDAgentMonitorsConfig *monitors_config);
};

struct QXLInstance {
    SpiceBaseInstance base;
    int id; /* of the display channel, from 0; unique in a server */
    QXLState *st;
};

SPICE_END_DECLS

#endif /* SPICE_QXL_H_ */
