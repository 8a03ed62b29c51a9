/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every interface begins with, and the core interface: the application's main loop, lent to
 * the library. docs/spec/server-api.md 3, 4, 5 */
#ifndef SPICE_CORE_H_
#define SPICE_CORE_H_

#if !defined(SPICE_H_INSIDE) && !defined(SPICE_SERVER_INTERNAL)
#error "Only spice.h can be included directly."
#endif

#include <stdint.h>
#ifndef _WIN32
#include <sys/socket.h>
#else
#include <winsock2.h>
#include <windows.h>
typedef int socklen_t;
#endif
#include <spice/qxl_dev.h>
#include <spice/vd_agent.h>
#include <spice/macros.h>

/* The library itself uses what it deprecates. */
#ifdef SPICE_SERVER_INTERNAL
#undef SPICE_GNUC_DEPRECATED
#define SPICE_GNUC_DEPRECATED
#endif

/* ---- Interfaces and instances ---- */

typedef struct SpiceBaseInterface SpiceBaseInterface;
typedef struct SpiceBaseInstance SpiceBaseInstance;

/* An interface is a table of callbacks. type says which one it is (SPICE_INTERFACE_*); the version
 * says how many of its members exist: major must be the library's, minor at most the library's. */
struct SpiceBaseInterface {
    const char *type;
    const char *description;
    uint32_t major_version;
    uint32_t minor_version;
};

/* An instance is one device of an interface. Derived instances have a member st: the library writes
 * it, non-NULL while the device is attached, and the application leaves it alone. */
struct SpiceBaseInstance {
    const SpiceBaseInterface *sif;
};

/* ---- The core interface ---- */

#define SPICE_INTERFACE_CORE "core"
#define SPICE_INTERFACE_CORE_MAJOR 1
#define SPICE_INTERFACE_CORE_MINOR 3
typedef struct SpiceCoreInterface SpiceCoreInterface;

/* Bits of event masks. */
#define SPICE_WATCH_EVENT_READ (1 << 0)
#define SPICE_WATCH_EVENT_WRITE (1 << 1)

/* What channel_event() tells about a connection: accepted; authenticated and running; closed. Each
 * accepted socket gives CONNECTED once and DISCONNECTED once, and INITIALIZED between them if it
 * was admitted. */
#define SPICE_CHANNEL_EVENT_CONNECTED 1
#define SPICE_CHANNEL_EVENT_INITIALIZED 2
#define SPICE_CHANNEL_EVENT_DISCONNECTED 3

/* flags of SpiceChannelEventInfo: the connection is encrypted; the *_ext members are filled in
 * (always). */
#define SPICE_CHANNEL_EVENT_FLAG_TLS (1 << 0)
#define SPICE_CHANNEL_EVENT_FLAG_ADDR_EXT (1 << 1)

typedef struct SpiceWatch SpiceWatch; /* the application's own type */
typedef void (*SpiceWatchFunc)(int fd, int event, void *opaque);

typedef struct SpiceTimer SpiceTimer; /* the application's own type */
typedef void (*SpiceTimerFunc)(void *opaque);

/* One connection. The same structure comes with all events of a connection; it is the library's,
 * and valid until the callback for DISCONNECTED returns. */
typedef struct SpiceChannelEventInfo {
    int connection_id; /* of the client's session; 0 before INITIALIZED, as are type and id */
    int type;          /* SPICE_CHANNEL_* */
    int id;
    int flags;
    /* The first 16 bytes of the addresses below: too short for IPv6. */
    struct sockaddr laddr SPICE_GNUC_DEPRECATED;
    struct sockaddr paddr SPICE_GNUC_DEPRECATED;
    socklen_t llen SPICE_GNUC_DEPRECATED;
    socklen_t plen SPICE_GNUC_DEPRECATED;
    /* The local and the peer's address; a length of 0: unknown. */
    struct sockaddr_storage laddr_ext;
    struct sockaddr_storage paddr_ext;
    socklen_t llen_ext, plen_ext;
} SpiceChannelEventInfo;

/* Kept by pointer from spice_server_init() until spice_server_destroy(). All its functions are
 * called with the application's lock held, most of them on the main thread. */
struct SpiceCoreInterface {
    SpiceBaseInterface base;

    /* A timer that isn't running. NULL: none is to be had. */
    SpiceTimer *(*timer_add)(SpiceTimerFunc func, void *opaque);
    /* Call func once, after ms milliseconds; a deadline that was set before is forgotten. */
    void (*timer_start)(SpiceTimer *timer, uint32_t ms);
    void (*timer_cancel)(SpiceTimer *timer);
    /* func is not called any more. May come from inside func. */
    void (*timer_remove)(SpiceTimer *timer);

    /* Call func while the descriptor is readable or writable, as the mask asks; errors and hang-ups
     * count as readable. NULL: refused. The mask isn't 0 here, but may be later: nothing is watched
     * then. */
    SpiceWatch *(*watch_add)(int fd, int event_mask, SpiceWatchFunc func, void *opaque);
    void (*watch_update_mask)(SpiceWatch *watch, int event_mask);
    /* func is not called any more. May come from inside func. */
    void (*watch_remove)(SpiceWatch *watch);

    /* SPICE_CHANNEL_EVENT_*, on the main thread. Since 1.3; may be NULL. */
    void (*channel_event)(int event, SpiceChannelEventInfo *info);
};

#endif /* SPICE_CORE_H_ */
