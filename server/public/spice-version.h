/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The version of libspice-server's interface that these headers describe. */
#ifndef SPICE_VERSION_H_
#define SPICE_VERSION_H_

#if !defined(SPICE_H_INSIDE) && !defined(SPICE_SERVER_INTERNAL)
#error "Only spice.h can be included directly."
#endif

/* 0xMMmmuu: major, minor, micro. docs/spec/server-api.md 1 */
#define SPICE_SERVER_VERSION 0x000f01

#endif /* SPICE_VERSION_H_ */
