/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * How the kernel module is driven: /dev/sysflow.
 *
 *   open      one capture at a time: EBUSY while another has it open. The
 *             opening thread group is never recorded.
 *   SF_IOC_INFO    versions and sizes; always allowed
 *   SF_IOC_SETUP   makes the rings; once per open. ENOMEM: all of them
 *             together would be more than a quarter of memory
 *   mmap      offset cpu * stride, length stride: read-only; a second mapping
 *             of the page at cpu * stride + SF_RING_CONS: read-write. Mappings
 *             are not inherited by fork
 *   SF_IOC_START   attaches the probes
 *   SF_IOC_SELECT  what is told (select.h): at any time, before the next START
 *             or at once; when it returns nothing is judged by an older one.
 *             ESRCH: a process is not there; EINVAL: nonsense. In both cases
 *             the older one stays
 *   SF_IOC_STOP    detaches them; when it returns, no probe runs
 *   poll      readable when a ring passed the reader's wake_at
 *   close     (also by kill -9) detaches; rings are freed when the last
 *             mapping is gone
 */
#ifndef SYSFLOW_DEVICE_H
#define SYSFLOW_DEVICE_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include "abi.h"
#include "select.h"

#define SF_DEVICE	"/dev/sysflow"
#define SF_MODULE	"sysflow"

/* This structure begins with the versions in every version of the API. */
struct sf_info {
	__u32 api_version;
	__u32 schema_version;
	__u32 nr_cpus;	/* possible CPUs: rings 0 .. nr_cpus - 1 */
	__u32 record_max;	/* SF_RECORD_MAX of the driver */
	__u64 ring_size;	/* bytes of data per ring; 0 before SETUP */
	__u64 stride;	/* from ring to ring in the mapping; 0 before SETUP */
	__u32 state;	/* SF_STATE_* */
	__u32 offs;	/* times that capture was switched off since the
			 * module was loaded */
	__u64 pad[3];
};

/* sf_info.state */
#define SF_STATE_OFF	0x1U	/* switched off: see SF_MODULE_SWITCH */
#define SF_STATE_CUT	0x2U	/* was switched off while this capture ran,
				 * which has not been started again since */

/* The switch: 0 detaches every probe at once, whoever captures, and keeps
 * SF_IOC_START from working (ESHUTDOWN) until it is 1 again. */
#define SF_MODULE_SWITCH	"/sys/module/" SF_MODULE "/parameters/capture"

struct sf_setup {
	__u64 ring_size;	/* bytes per CPU, a power of two,
				 * SF_RING_SIZE_MIN .. SF_RING_SIZE_MAX */
	__u64 pad[7];
};

SF_ASSERT_SIZE(sf_info, 64);
SF_ASSERT_SIZE(sf_setup, 64);

#define SF_IOC_MAGIC	0xF5
#define SF_IOC_INFO	_IOR(SF_IOC_MAGIC, 1, struct sf_info)
#define SF_IOC_SETUP	_IOW(SF_IOC_MAGIC, 2, struct sf_setup)
#define SF_IOC_START	_IO(SF_IOC_MAGIC, 3)
#define SF_IOC_STOP	_IO(SF_IOC_MAGIC, 4)
#define SF_IOC_SELECT	_IOW(SF_IOC_MAGIC, 5, struct sf_selection)

#endif /* SYSFLOW_DEVICE_H */
