/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public headers as an application sees them: compiled as C89 with stdint.h and as C++, with
 * the size and the offsets of every structure (x86-64). docs/spec/server-api.md 1, 3 */
#include <spice.h>
#include <spice.h> /* again: guarded */

#include <stddef.h>
#include <stdio.h>

#ifdef SPICE_H_INSIDE
#error "SPICE_H_INSIDE is left defined"
#endif
#if SPICE_SERVER_VERSION != 0x000f01
#error "another version"
#endif

#ifdef __cplusplus
#define CHECK(name, condition) static_assert(condition, #name)
#else
#define CHECK(name, condition) typedef char check_##name[(condition) ? 1 : -1]
#endif
#define SIZE(type, size) CHECK(type##_size, sizeof(type) == (size))
#define AT(type, field, offset) CHECK(type##_##field, offsetof(type, field) == (offset))
#define INSTANCE(type) \
    SIZE(type, 16);    \
    AT(type, base, 0); \
    AT(type, st, 8)

SIZE(SpiceBaseInterface, 24);
AT(SpiceBaseInterface, type, 0);
AT(SpiceBaseInterface, description, 8);
AT(SpiceBaseInterface, major_version, 16);
AT(SpiceBaseInterface, minor_version, 20);
SIZE(SpiceBaseInstance, 8);
AT(SpiceBaseInstance, sif, 0);

SIZE(SpiceCoreInterface, 88);
AT(SpiceCoreInterface, timer_add, 24);
AT(SpiceCoreInterface, timer_start, 32);
AT(SpiceCoreInterface, timer_cancel, 40);
AT(SpiceCoreInterface, timer_remove, 48);
AT(SpiceCoreInterface, watch_add, 56);
AT(SpiceCoreInterface, watch_update_mask, 64);
AT(SpiceCoreInterface, watch_remove, 72);
AT(SpiceCoreInterface, channel_event, 80);

SIZE(SpiceChannelEventInfo, 320);
AT(SpiceChannelEventInfo, connection_id, 0);
AT(SpiceChannelEventInfo, type, 4);
AT(SpiceChannelEventInfo, id, 8);
AT(SpiceChannelEventInfo, flags, 12);
AT(SpiceChannelEventInfo, laddr, 16);
AT(SpiceChannelEventInfo, paddr, 32);
AT(SpiceChannelEventInfo, llen, 48);
AT(SpiceChannelEventInfo, plen, 52);
AT(SpiceChannelEventInfo, laddr_ext, 56);
AT(SpiceChannelEventInfo, paddr_ext, 184);
AT(SpiceChannelEventInfo, llen_ext, 312);
AT(SpiceChannelEventInfo, plen_ext, 316);

SIZE(QXLInterface, 144);
AT(QXLInterface, attached_worker, 24);
AT(QXLInterface, attache_worker, 24);
AT(QXLInterface, set_compression_level, 32);
AT(QXLInterface, set_mm_time, 40);
AT(QXLInterface, get_init_info, 48);
AT(QXLInterface, get_command, 56);
AT(QXLInterface, req_cmd_notification, 64);
AT(QXLInterface, release_resource, 72);
AT(QXLInterface, get_cursor_command, 80);
AT(QXLInterface, req_cursor_notification, 88);
AT(QXLInterface, notify_update, 96);
AT(QXLInterface, flush_resources, 104);
AT(QXLInterface, async_complete, 112);
AT(QXLInterface, update_area_complete, 120);
AT(QXLInterface, set_client_capabilities, 128);
AT(QXLInterface, client_monitors_config, 136);
CHECK(capabilities, SPICE_CAPABILITIES_SIZE == 58);

SIZE(QXLInstance, 24);
AT(QXLInstance, base, 0);
AT(QXLInstance, id, 8);
AT(QXLInstance, st, 16);
SIZE(QXLDevInitInfo, 24);
AT(QXLDevInitInfo, num_memslots_groups, 0);
AT(QXLDevInitInfo, num_memslots, 4);
AT(QXLDevInitInfo, memslot_gen_bits, 8);
AT(QXLDevInitInfo, memslot_id_bits, 9);
AT(QXLDevInitInfo, qxl_ram_size, 12);
AT(QXLDevInitInfo, internal_groupslot_id, 16);
AT(QXLDevInitInfo, n_surfaces, 20);
SIZE(QXLDevMemSlot, 48);
AT(QXLDevMemSlot, slot_group_id, 0);
AT(QXLDevMemSlot, slot_id, 4);
AT(QXLDevMemSlot, generation, 8);
AT(QXLDevMemSlot, virt_start, 16);
AT(QXLDevMemSlot, virt_end, 24);
AT(QXLDevMemSlot, addr_delta, 32);
AT(QXLDevMemSlot, qxl_ram_size, 40);
SIZE(QXLDevSurfaceCreate, 48);
AT(QXLDevSurfaceCreate, width, 0);
AT(QXLDevSurfaceCreate, height, 4);
AT(QXLDevSurfaceCreate, stride, 8);
AT(QXLDevSurfaceCreate, format, 12);
AT(QXLDevSurfaceCreate, position, 16);
AT(QXLDevSurfaceCreate, mouse_mode, 20);
AT(QXLDevSurfaceCreate, flags, 24);
AT(QXLDevSurfaceCreate, type, 28);
AT(QXLDevSurfaceCreate, mem, 32);
AT(QXLDevSurfaceCreate, group_id, 40);

SIZE(SpiceCharDeviceInterface, 64);
AT(SpiceCharDeviceInterface, state, 24);
AT(SpiceCharDeviceInterface, write, 32);
AT(SpiceCharDeviceInterface, read, 40);
AT(SpiceCharDeviceInterface, event, 48);
AT(SpiceCharDeviceInterface, flags, 56);
SIZE(SpiceCharDeviceInstance, 32);
AT(SpiceCharDeviceInstance, subtype, 8);
AT(SpiceCharDeviceInstance, st, 16);
AT(SpiceCharDeviceInstance, portname, 24);

SIZE(SpiceKbdInterface, 40);
AT(SpiceKbdInterface, push_scan_freg, 24);
AT(SpiceKbdInterface, get_leds, 32);
SIZE(SpiceMouseInterface, 40);
AT(SpiceMouseInterface, motion, 24);
AT(SpiceMouseInterface, buttons, 32);
SIZE(SpiceTabletInterface, 56);
AT(SpiceTabletInterface, set_logical_size, 24);
AT(SpiceTabletInterface, position, 32);
AT(SpiceTabletInterface, wheel, 40);
AT(SpiceTabletInterface, buttons, 48);
SIZE(SpiceMigrateInterface, 40);
AT(SpiceMigrateInterface, migrate_connect_complete, 24);
AT(SpiceMigrateInterface, migrate_end_complete, 32);
SIZE(SpicePlaybackInterface, 24);
SIZE(SpiceRecordInterface, 24);
INSTANCE(SpiceKbdInstance);
INSTANCE(SpiceMouseInstance);
INSTANCE(SpiceTabletInstance);
INSTANCE(SpicePlaybackInstance);
INSTANCE(SpiceRecordInstance);
INSTANCE(SpiceMigrateInstance);

SIZE(QXLCommand, 16);
SIZE(QXLCommandExt, 24);
AT(QXLCommandExt, group_id, 16);
AT(QXLCommandExt, flags, 20);
SIZE(QXLReleaseInfoExt, 16);
AT(QXLReleaseInfoExt, group_id, 8);
SIZE(QXLRect, 16);
AT(QXLRect, top, 0);
AT(QXLRect, left, 4);
AT(QXLRect, bottom, 8);
AT(QXLRect, right, 12);

/* Names and values that source code uses. */
CHECK(server_tag, sizeof(struct RedsState *) == sizeof(SpiceServer *));
CHECK(compression_alias, SPICE_IMAGE_COMPRESS_LZ4 == 7 && SPICE_IMAGE_COMPRESS_AUTO_GLZ == 2);
CHECK(compression_type, sizeof(spice_image_compression_t) == sizeof(SpiceImageCompression));
CHECK(wan, SPICE_WAN_COMPRESSION_NEVER == 3);
CHECK(video, SPICE_STREAM_VIDEO_FILTER == 3 && SPICE_STREAMING_GSTREAMER == 2);
CHECK(security, SPICE_CHANNEL_SECURITY_NONE == 1 && SPICE_CHANNEL_SECURITY_SSL == 2);
CHECK(address, SPICE_ADDR_FLAG_IPV4_ONLY == 1 && SPICE_ADDR_FLAG_UNIX_ONLY == 4);
CHECK(audio, SPICE_INTERFACE_PLAYBACK_FREQ == 44100 && SPICE_INTERFACE_RECORD_FMT == 1);
CHECK(compat, SPICE_COMPAT_VERSION_CURRENT == 1);
CHECK(watch, SPICE_WATCH_EVENT_READ == 1 && SPICE_WATCH_EVENT_WRITE == 2);

int main(void)
{
    /* The compiler has checked the rest. */
    int n = SPICE_INTERFACE_CORE_MINOR == 3 && SPICE_INTERFACE_QXL_MINOR == 3 &&
            SPICE_INTERFACE_RECORD_MAJOR == 2 && SPICE_INTERFACE_CHAR_DEVICE_MINOR == 3;

    printf("%sok 1 - layout, names and versions\n1..1\n", n ? "" : "not ");
    return !n;
}
