/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The version of the programming interface, for checks at compile time. */
#ifndef SPICE_CLIENT_VERSION_H
#define SPICE_CLIENT_VERSION_H

#if !defined(__SPICE_CLIENT_H_INSIDE__) && !defined(SPICE_COMPILATION)
#warning "Only <spice-client.h> can be included directly"
#endif

/**
 * SECTION:spice-version
 * @short_description: checks of the version when an application is compiled
 * @title: Version
 * @include: spice-version.h
 *
 * The version of the interface that this library offers: applications written for the
 * deployed library of the same version build and run unchanged.
 */

/**
 * SPICE_GTK_MAJOR_VERSION:
 *
 * The first number of the interface version.
 *
 * Since: 0.24
 */
#define SPICE_GTK_MAJOR_VERSION (0)

/**
 * SPICE_GTK_MINOR_VERSION:
 *
 * The second number of the interface version.
 *
 * Since: 0.24
 */
#define SPICE_GTK_MINOR_VERSION (42)

/**
 * SPICE_GTK_MICRO_VERSION:
 *
 * The third number of the interface version.
 *
 * Since: 0.24
 */
#define SPICE_GTK_MICRO_VERSION (0)

/**
 * SPICE_GTK_CHECK_VERSION:
 * @major: required first number
 * @minor: required second number
 * @micro: required third number
 *
 * Whether the interface is at least of the given version.
 *
 * Since: 0.24
 */
#define SPICE_GTK_CHECK_VERSION(major, minor, micro)                              \
    (SPICE_GTK_MAJOR_VERSION > (major) ||                                         \
     (SPICE_GTK_MAJOR_VERSION == (major) && SPICE_GTK_MINOR_VERSION > (minor)) || \
     (SPICE_GTK_MAJOR_VERSION == (major) && SPICE_GTK_MINOR_VERSION == (minor) && \
      SPICE_GTK_MICRO_VERSION >= (micro)))

#endif
