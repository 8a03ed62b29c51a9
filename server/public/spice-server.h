/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The server object: its life, its options, and the devices attached to it. Functions that give an
 * int return 0 for success and -1 for failure, unless they say otherwise.
 * docs/spec/server-api.md 2.1, 4, 7 */
#ifndef SPICE_SERVER_H_
#define SPICE_SERVER_H_

#if !defined(SPICE_H_INSIDE) && !defined(SPICE_SERVER_INTERNAL)
#error "Only spice.h can be included directly."
#endif

#include "spice-core.h"

SPICE_BEGIN_DECLS

/* Old releases could be told to keep to what an older peer understands. Only 0_6 is left. */
typedef enum {
    SPICE_COMPAT_VERSION_0_4 = 0,
    SPICE_COMPAT_VERSION_0_6 = 1,
} spice_compat_version_t;

#define SPICE_COMPAT_VERSION_CURRENT SPICE_COMPAT_VERSION_0_6

spice_compat_version_t spice_get_current_compat_version(void);

/* ---- Life (4.4) ---- */

typedef struct RedsState SpiceServer;

/* A server with every option at its default: no listener, tickets required and none set. */
SpiceServer *spice_server_new(void);
/* Open the listeners and start to serve. core is kept. -1: the core interface is not one of ours, a
 * port can't be bound, a TLS file can't be used, or it was called before with success; the server
 * may be destroyed, or init be tried again after other options were set. */
int spice_server_init(SpiceServer *s, SpiceCoreInterface *core);
/* Disconnect everybody, stop the workers, detach what is attached, free the server. Valid in every
 * state; NULL is fine. Callbacks may come inside, none afterwards. */
void spice_server_destroy(SpiceServer *s);

/* ---- Listening (7.1): before init ---- */

#define SPICE_ADDR_FLAG_IPV4_ONLY (1 << 0)
#define SPICE_ADDR_FLAG_IPV6_ONLY (1 << 1)
#define SPICE_ADDR_FLAG_UNIX_ONLY (1 << 2)

/* Only SPICE_COMPAT_VERSION_CURRENT is accepted. */
int spice_server_set_compat_version(SpiceServer *s, spice_compat_version_t version);
/* TCP port for plain connections, 0 to 65535; 0: one that is free. Without this call there is no
 * plain listener. */
int spice_server_set_port(SpiceServer *s, int port);
/* Address to listen on: a host name or number (NULL or "": all), or with UNIX_ONLY the path of a
 * socket ('@' first: in the abstract namespace). flags: one of SPICE_ADDR_FLAG_*, or 0 for no
 * change. At most 255 bytes count. */
void spice_server_set_addr(SpiceServer *s, const char *addr, int flags);
/* A socket that listens already; served besides the others, never closed by the library. */
int spice_server_set_listen_socket_fd(SpiceServer *s, int listen_fd) SPICE_GNUC_DEPRECATED;
/* Not 0: exit(0) when a client leaves. */
int spice_server_set_exit_on_disconnect(SpiceServer *s, int flag);

/* ---- Who may connect (7.2, 7.3): any time, for connections made later ---- */

/* No password is asked for. */
int spice_server_set_noauth(SpiceServer *s);
/* SASL instead of tickets. */
int spice_server_set_sasl(SpiceServer *s, int enabled);
/* Name of the SASL configuration; NULL: "spice". Read by init. */
int spice_server_set_sasl_appname(SpiceServer *s, const char *appname);
/* The password, at most 60 bytes, for 'lifetime' seconds (0: for ever; negative: expired). NULL:
 * nobody gets in, until there is another. If a client is connected: fail_if_connected gives -1 and
 * changes nothing, disconnect_if_connected disconnects it first; who came in while no password was
 * asked for is disconnected in any case. -1 without any change for a password that is too long. */
int spice_server_set_ticket(SpiceServer *s, const char *passwd, int lifetime, int fail_if_connected,
                            int disconnect_if_connected);
/* A TLS listener on a port from 1 to 65535. PEM files, opened by init: authorities, the certificate
 * chain, its key; password of the key, Diffie-Hellman parameters and the cipher list of TLS 1.2 may
 * be NULL. */
int spice_server_set_tls(SpiceServer *s, int port, const char *ca_cert_file, const char *certs_file,
                         const char *private_key_file, const char *key_passwd,
                         const char *dh_key_file, const char *ciphersuite);

/* Serve a connected stream socket, as if it had been accepted. The socket is the library's when 0
 * is returned, else still the caller's. skip_auth: no password is needed. */
int spice_server_add_client(SpiceServer *s, int socket, int skip_auth);
int spice_server_add_ssl_client(SpiceServer *s, int socket, int skip_auth);

/* ---- Devices (4.1, 4.2): after init ---- */

/* Attach a device: an instance whose interface is known by its type. 0 also for types that are
 * unknown (nothing happens). -1: another version, a second one of what there can be only one of, or
 * an id that is in use. */
int spice_server_add_interface(SpiceServer *s, SpiceBaseInstance *sin);
/* Detach it; afterwards the application may free it. -1 for what isn't attached, and for keyboard,
 * mouse and migration, which stay. For a QXL device the call returns when its worker has ended. */
int spice_server_remove_interface(SpiceBaseInstance *sin);

/* ---- Images, video, sound (7.4): any time ---- */

typedef SpiceImageCompression spice_image_compression_t;
#define SPICE_IMAGE_COMPRESS_INVALID SPICE_IMAGE_COMPRESSION_INVALID
#define SPICE_IMAGE_COMPRESS_OFF SPICE_IMAGE_COMPRESSION_OFF
#define SPICE_IMAGE_COMPRESS_AUTO_GLZ SPICE_IMAGE_COMPRESSION_AUTO_GLZ
#define SPICE_IMAGE_COMPRESS_AUTO_LZ SPICE_IMAGE_COMPRESSION_AUTO_LZ
#define SPICE_IMAGE_COMPRESS_QUIC SPICE_IMAGE_COMPRESSION_QUIC
#define SPICE_IMAGE_COMPRESS_GLZ SPICE_IMAGE_COMPRESSION_GLZ
#define SPICE_IMAGE_COMPRESS_LZ SPICE_IMAGE_COMPRESSION_LZ
#define SPICE_IMAGE_COMPRESS_LZ4 SPICE_IMAGE_COMPRESSION_LZ4

/* How images are coded for clients that have not asked for something else. Returns 0; what is
 * unknown is ignored. */
int spice_server_set_image_compression(SpiceServer *s, SpiceImageCompression comp);
SpiceImageCompression spice_server_get_image_compression(SpiceServer *s);

/* AUTO: on slow links. */
typedef enum {
    SPICE_WAN_COMPRESSION_INVALID,
    SPICE_WAN_COMPRESSION_AUTO,
    SPICE_WAN_COMPRESSION_ALWAYS,
    SPICE_WAN_COMPRESSION_NEVER,
} spice_wan_compression_t;

/* Lossy images, and zlib over GLZ; read when a display channel connects. -1 for INVALID. */
int spice_server_set_jpeg_compression(SpiceServer *s, spice_wan_compression_t comp);
int spice_server_set_zlib_glz_compression(SpiceServer *s, spice_wan_compression_t comp);

#define SPICE_CHANNEL_SECURITY_NONE (1 << 0)
#define SPICE_CHANNEL_SECURITY_SSL (1 << 1)

/* What connections of a kind of channel must be: plain, TLS, or either (both bits). channel:
 * "main", "display", "inputs", "cursor", "playback", "record", "tunnel", "smartcard", "usbredir",
 * "port", "webdav"; NULL: all others. -1 for other names. For connections made later. */
int spice_server_set_channel_security(SpiceServer *s, const char *channel, int security);

/* Has no effect; "sw" is the only name. */
int spice_server_add_renderer(SpiceServer *s, const char *name) SPICE_GNUC_DEPRECATED;

enum {
    SPICE_STREAM_VIDEO_INVALID,
    SPICE_STREAM_VIDEO_OFF,
    SPICE_STREAM_VIDEO_ALL,
    SPICE_STREAM_VIDEO_FILTER
};

/* Which moving regions become video streams: SPICE_STREAM_VIDEO_*. This version makes none: motion
 * goes as images. OFF counts for QXLInterface.set_compression_level() only. */
int spice_server_set_streaming_video(SpiceServer *s, int value);

enum { SPICE_STREAMING_INVALID, SPICE_STREAMING_SPICE, SPICE_STREAMING_GSTREAMER };

/* Pairs "encoder:codec" joined by ';', the best first, or "auto". Encoders: spice, gstreamer;
 * codecs: mjpeg, vp8, vp9, h264. What isn't understood is left out with a warning; -1: nothing was.
 */
int spice_server_set_video_codecs(SpiceServer *s, const char *video_codecs);
/* The list in force, to be given back to spice_server_free_video_codecs(). "" before init if none
 * was set. */
const char *spice_server_get_video_codecs(SpiceServer *s);
void spice_server_free_video_codecs(SpiceServer *s, const char *video_codecs);

/* May sound be compressed? Kept, without effect as long as there is no sound channel. */
int spice_server_set_playback_compression(SpiceServer *s, int enable);

/* ---- The guest's agent (7.5): any time ---- */

/* May the agent place the pointer? Clipboard, and files, may pass? */
int spice_server_set_agent_mouse(SpiceServer *s, int enable);
int spice_server_set_agent_copypaste(SpiceServer *s, int enable);
int spice_server_set_agent_file_xfer(SpiceServer *s, int enable);

/* ---- Questions, names, the machine's state (7.5) ---- */

/* Kept for old programs: always -1. */
int spice_server_get_sock_info(SpiceServer *s, struct sockaddr *sa,
                               socklen_t *salen) SPICE_GNUC_DEPRECATED;
int spice_server_get_peer_info(SpiceServer *s, struct sockaddr *sa,
                               socklen_t *salen) SPICE_GNUC_DEPRECATED;

/* 1: the pointer is relative; 0: the client places it, or there is no server yet. */
int spice_server_is_server_mouse(SpiceServer *s);

/* The machine's name and UUID, for clients that connect later. NULL name: none. */
void spice_server_set_name(SpiceServer *s, const char *name);
void spice_server_set_uuid(SpiceServer *s, const uint8_t uuid[16]);

/* The machine runs, or has stopped: when spice_server_vm_stop() has returned, no command of a QXL
 * device is taken any more, and the pixels in its memory are complete. Before the first start
 * nothing is drawn. */
void spice_server_vm_start(SpiceServer *s);
void spice_server_vm_stop(SpiceServer *s);

/* Clients that are connected now. */
int spice_server_get_num_clients(SpiceServer *s) SPICE_GNUC_DEPRECATED;

SPICE_END_DECLS

#endif /* SPICE_SERVER_H_ */
