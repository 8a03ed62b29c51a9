/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Forward declarations that the public headers share. */
#ifndef SPICE_CLIENT_TYPES_H
#define SPICE_CLIENT_TYPES_H

#if !defined(__SPICE_CLIENT_H_INSIDE__) && !defined(SPICE_COMPILATION)
#warning "Only <spice-client.h> can be included directly"
#endif

G_BEGIN_DECLS

typedef struct _SpiceSession SpiceSession;
typedef struct _SpiceSessionClass SpiceSessionClass;
typedef struct _SpiceSessionPrivate SpiceSessionPrivate;

typedef struct _SpiceChannel SpiceChannel;
typedef struct _SpiceChannelClass SpiceChannelClass;
typedef struct _SpiceChannelPrivate SpiceChannelPrivate;

G_END_DECLS

#endif
