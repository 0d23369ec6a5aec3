/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * User memory, read from a probe: what is not present is not brought in.
 */
#ifndef SYSFLOW_USER_H
#define SYSFLOW_USER_H

#include <linux/uaccess.h>

/*
 * Copies up to n bytes and returns how many. raw_copy_from_user(), because
 * the checked variants look the destination up, on some versions under a lock
 * of the vmalloc area that the ring lies in; the bounds are the caller's.
 */
static inline u32 sf_user_copy(void *dst, unsigned long src, u32 n)
{
	const void __user *from = (const void __user *)src;
	unsigned long left;

	if (!access_ok(from, n))
		return 0;
	pagefault_disable();
	left = raw_copy_from_user(dst, from, n);
	pagefault_enable();
	return n - left;
}

/*
 * Copies a string without its terminator into dst, a kmalloc()ed buffer of
 * size bytes. Returns the length, less than size, and adds what befell it to
 * *flags.
 */
static inline u32 sf_user_string(char *dst, unsigned long src, u32 size,
				 u32 *flags)
{
	long n;

	pagefault_disable();
	n = strncpy_from_user(dst, (const char __user *)src, size);
	pagefault_enable();
	if (n < 0) {
		*flags |= SF_F_FAULT;
		return 0;
	}
	if (n < size)
		return n;
	*flags |= SF_F_CUT;
	return size - 1;	/* as with a terminator */
}

#endif /* SYSFLOW_USER_H */
