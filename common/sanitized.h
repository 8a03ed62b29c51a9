/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is this a build with the address sanitizer, of either compiler? Memory that is dealt out in slabs
 * or slices has to be single blocks then, so that it sees their bounds and their end. */
#ifndef SANITIZED_H
#define SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED_ADDRESS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED_ADDRESS 1
#endif
#endif
#ifndef SANITIZED_ADDRESS
#define SANITIZED_ADDRESS 0
#endif

#endif
