/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Numbers of system calls that are newer than the oldest headers which the
 * drivers are built with. From 424 on a call has the same number on every
 * machine (include/uapi/asm-generic/unistd.h).
 */
#ifndef SYSFLOW_NUMBERS_H
#define SYSFLOW_NUMBERS_H

#ifndef __NR_memfd_secret
#define __NR_memfd_secret	447
#endif
#ifndef __NR_fchmodat2
#define __NR_fchmodat2		452
#endif
#ifndef __NR_setxattrat
#define __NR_setxattrat		463
#endif
#ifndef __NR_removexattrat
#define __NR_removexattrat	466
#endif
#ifndef __NR_open_tree_attr
#define __NR_open_tree_attr	467
#endif
#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset	444
#endif

#endif /* SYSFLOW_NUMBERS_H */
