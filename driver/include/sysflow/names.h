/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * The system calls that are told by names (sf_rec_path): a row per call says
 * which of its arguments is what. Included by syscalls.h, which makes each a row
 * of kind NAMES, and where the table of struct sf_names_row is made.
 *
 *   dir, name	for each of the two paths: numbers of the arguments that are
 *		its directory descriptor and its name. _ for dir: the working
 *		directory. _ for name: dir is the object itself. Both _: the
 *		call has no such path.
 *   flags	argument number of the call's flags, or _
 *   n0, n1	argument numbers of sf_rec_path.arg, or _
 *   bits	SF_NAMES_*, see names_row.h
 */
#ifndef SF_NAMES
#error "define SF_NAMES(name, op, dir0, name0, dir1, name1, flags, n0, n1, bits)"
#endif

#define _	SF_ARG_NONE

/*	 call		op		path 0	path 1	flags, n0, n1, bits */
SF_NAMES(chdir,		CHDIR,		_, 0,	_, _,	_, _, _, 0)
SF_NAMES(fchdir,	CHDIR,		0, _,	_, _,	_, _, _, 0)
SF_NAMES(chroot,	CHROOT,		_, 0,	_, _,	_, _, _, 0)

SF_NAMES(mkdir,		MKDIR,		_, 0,	_, _,	_, 1, _, 0)
SF_NAMES(mkdirat,	MKDIR,		0, 1,	_, _,	_, 2, _, 0)
SF_NAMES(mknod,		MKNOD,		_, 0,	_, _,	_, 1, 2, 0)
SF_NAMES(mknodat,	MKNOD,		0, 1,	_, _,	_, 2, 3, 0)
SF_NAMES(rmdir,		RMDIR,		_, 0,	_, _,	_, _, _, 0)
SF_NAMES(unlink,	UNLINK,		_, 0,	_, _,	_, _, _, 0)
SF_NAMES(unlinkat,	UNLINK,		0, 1,	_, _,	2, _, _, SF_NAMES_REMOVEDIR)
SF_NAMES(link,		LINK,		_, 0,	_, 1,	_, _, _, 0)
SF_NAMES(linkat,	LINK,		0, 1,	2, 3,	4, _, _, 0)
SF_NAMES(symlink,	SYMLINK,	_, 0,	_, 1,	_, _, _, SF_NAMES_TEXT0)
SF_NAMES(symlinkat,	SYMLINK,	_, 0,	1, 2,	_, _, _, SF_NAMES_TEXT0)
SF_NAMES(rename,	RENAME,		_, 0,	_, 1,	_, _, _, 0)
SF_NAMES(renameat,	RENAME,		0, 1,	2, 3,	_, _, _, 0)
SF_NAMES(renameat2,	RENAME,		0, 1,	2, 3,	4, _, _, 0)

SF_NAMES(chmod,		CHMOD,		_, 0,	_, _,	_, 1, _, 0)
SF_NAMES(fchmod,	CHMOD,		0, _,	_, _,	_, 1, _, 0)
SF_NAMES(fchmodat,	CHMOD,		0, 1,	_, _,	_, 2, _, 0)
SF_NAMES(fchmodat2,	CHMOD,		0, 1,	_, _,	3, 2, _, 0)
SF_NAMES(chown,		CHOWN,		_, 0,	_, _,	_, 1, 2, 0)
SF_NAMES(fchown,	CHOWN,		0, _,	_, _,	_, 1, 2, 0)
SF_NAMES(lchown,	CHOWN,		_, 0,	_, _,	_, 1, 2, SF_NAMES_NOFOLLOW)
SF_NAMES(fchownat,	CHOWN,		0, 1,	_, _,	4, 2, 3, 0)
SF_NAMES(truncate,	TRUNCATE,	_, 0,	_, _,	_, 1, _, SF_NAMES_WIDE)
SF_NAMES(ftruncate,	TRUNCATE,	0, _,	_, _,	_, 1, _, SF_NAMES_WIDE)

SF_NAMES(mount,		MOUNT,		_, 1,	_, 0,	3, _, _, SF_NAMES_TEXT1)
SF_NAMES(move_mount,	MOUNT,		2, 3,	0, 1,	4, _, _, 0)
SF_NAMES(umount2,	UMOUNT,		_, 0,	_, _,	1, _, _, 0)
SF_NAMES(pivot_root,	PIVOT_ROOT,	_, 0,	_, 1,	_, _, _, 0)

SF_NAMES(setxattr,	SETXATTR,	_, 0,	_, 1,	4, 3, _,
	 SF_NAMES_TEXT1 | SF_NAMES_WIDE)
SF_NAMES(lsetxattr,	SETXATTR,	_, 0,	_, 1,	4, 3, _,
	 SF_NAMES_TEXT1 | SF_NAMES_WIDE | SF_NAMES_NOFOLLOW)
SF_NAMES(fsetxattr,	SETXATTR,	0, _,	_, 1,	4, 3, _,
	 SF_NAMES_TEXT1 | SF_NAMES_WIDE)
SF_NAMES(setxattrat,	SETXATTR,	0, 1,	_, 3,	2, _, _, SF_NAMES_TEXT1)
SF_NAMES(removexattr,	REMOVEXATTR,	_, 0,	_, 1,	_, _, _, SF_NAMES_TEXT1)
SF_NAMES(lremovexattr,	REMOVEXATTR,	_, 0,	_, 1,	_, _, _,
	 SF_NAMES_TEXT1 | SF_NAMES_NOFOLLOW)
SF_NAMES(fremovexattr,	REMOVEXATTR,	0, _,	_, 1,	_, _, _, SF_NAMES_TEXT1)
SF_NAMES(removexattrat,	REMOVEXATTR,	0, 1,	_, 3,	2, _, _, SF_NAMES_TEXT1)

#undef _
#undef SF_NAMES
