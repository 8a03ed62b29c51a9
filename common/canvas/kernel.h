/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How row loops are compiled: once for every CPU and once for those with AVX2, chosen when the
 * program is loaded. */
#ifndef CANVAS_KERNEL_H
#define CANVAS_KERNEL_H

/* Not under the sanitizers, whose start-up comes after the choice, nor with compilers that can't.
 */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__OPTIMIZE__)
#define CANVAS_KERNEL __attribute__((target_clones("avx2", "default")))
#define CANVAS_HAVE_AVX2 1
#else
#define CANVAS_KERNEL
#endif

#endif
