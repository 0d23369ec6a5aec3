// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * SysFlow capture module: the device /dev/sysflow (see device.h).
 *
 * One capture at a time. Its states only go forward, but for START and STOP,
 * which alternate:
 *
 *	closed -> opened -> (SETUP) stopped <-> running -> (release) closed
 *
 * The parameter "capture" is a switch outside of them: writing 0 stops what is
 * running and keeps it from being started.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include <sysflow/layout.h>

#include "internal.h"

enum sf_state {
	SF_CLOSED,
	SF_OPENED,
	SF_STOPPED,
	SF_RUNNING,
};

struct sf_session sf_session __read_mostly;

static enum sf_state sf_state;
static DEFINE_MUTEX(sf_lock);	/* sf_state, the switch, and their changes */
static bool sf_capture = true;	/* the switch: SF_MODULE_SWITCH */
static bool sf_cut;	/* it ended the capture that is open */
static u32 sf_offs;	/* times that it was switched off */
static DECLARE_WAIT_QUEUE_HEAD(sf_readers);

void sf_wake_sleepers(void)
{
	wake_up_interruptible(&sf_readers);
}

static int sf_open(struct inode *inode, struct file *file)
{
	int err = -EBUSY;

	mutex_lock(&sf_lock);
	if (sf_state == SF_CLOSED) {
		sf_session.owner = current->tgid;
		get_random_bytes(&sf_session.key, sizeof(sf_session.key));
		sf_state = SF_OPENED;
		err = 0;
	}
	mutex_unlock(&sf_lock);
	return err ?: nonseekable_open(inode, file);
}

/* The last user of the file is gone: a close, an exit, a kill -9. */
static int sf_release(struct inode *inode, struct file *file)
{
	mutex_lock(&sf_lock);
	if (sf_state == SF_RUNNING)
		sf_probes_detach();
	sf_select_reset();
	sf_rings_destroy();
	sf_cut = false;
	sf_state = SF_CLOSED;
	mutex_unlock(&sf_lock);
	return 0;
}

static long sf_ioc_info(void __user *arg)
{
	struct sf_info info = {
		.api_version = SF_API_VERSION,
		.schema_version = SF_SCHEMA_VERSION,
		.nr_cpus = nr_cpu_ids,
		.record_max = SF_RECORD_MAX,
		.ring_size = sf_session.ring_size,
		.state = (sf_capture ? 0 : SF_STATE_OFF) |
			 (sf_cut ? SF_STATE_CUT : 0),
		.offs = sf_offs,
	};

	if (info.ring_size)
		info.stride = SF_RING_STRIDE(info.ring_size);
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static long sf_ioc_setup(const void __user *arg)
{
	struct sf_setup setup;
	long err;

	if (copy_from_user(&setup, arg, sizeof(setup)))
		return -EFAULT;
	/* Reserved room must be zero, so that it can get a meaning. */
	if (memchr_inv(setup.pad, 0, sizeof(setup.pad)))
		return -EINVAL;
	if (sf_state != SF_OPENED)
		return -EBUSY;
	err = sf_rings_create(setup.ring_size);
	if (!err)
		sf_state = SF_STOPPED;
	return err;
}

static long sf_ioc_select(const void __user *arg)
{
	struct sf_selection *sel = memdup_user(arg, sizeof(*sel));
	long err;

	if (IS_ERR(sel))
		return PTR_ERR(sel);
	err = sf_select(sel);
	kfree(sel);
	return err;
}

static long sf_ioc_start(void)
{
	long err;

	if (!sf_capture)
		return -ESHUTDOWN;
	if (sf_state == SF_RUNNING)
		return -EALREADY;
	if (sf_state != SF_STOPPED)
		return -EINVAL;
	sf_rings_forget_described();
	err = sf_probes_attach();
	if (!err) {
		sf_state = SF_RUNNING;
		sf_cut = false;
	}
	return err;
}

static long sf_ioc_stop(void)
{
	if (sf_state == SF_RUNNING) {
		sf_probes_detach();
		sf_rings_quiesce();
		sf_state = SF_STOPPED;
	}
	return 0;
}

/* The switch, by sysfs or at load time. */
static int sf_set_capture(const char *text, const struct kernel_param *param)
{
	bool on;
	int err = kstrtobool(text, &on);

	if (err)
		return err;
	mutex_lock(&sf_lock);
	if (sf_capture && !on) {
		sf_offs++;
		sf_cut |= sf_state == SF_RUNNING;
		sf_ioc_stop();
	}
	if (sf_capture != on)
		pr_info("capture switched %s\n", on ? "on" : "off");
	sf_capture = on;
	mutex_unlock(&sf_lock);
	sf_wake_sleepers();
	return 0;
}

static const struct kernel_param_ops sf_capture_ops = {
	.set = sf_set_capture,
	.get = param_get_bool,
};

module_param_cb(capture, &sf_capture_ops, &sf_capture, 0644);
MODULE_PARM_DESC(capture, "0 stops every capture at once and keeps new ones from starting");

static long sf_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	long err;

	mutex_lock(&sf_lock);
	switch (cmd) {
	case SF_IOC_INFO:
		err = sf_ioc_info((void __user *)arg);
		break;
	case SF_IOC_SETUP:
		err = sf_ioc_setup((const void __user *)arg);
		break;
	case SF_IOC_START:
		err = sf_ioc_start();
		break;
	case SF_IOC_SELECT:
		err = sf_ioc_select((void __user *)arg);
		break;
	case SF_IOC_STOP:
		err = sf_ioc_stop();
		break;
	default:
		err = -ENOTTY;
	}
	mutex_unlock(&sf_lock);
	return err;
}

/*
 * Not under sf_lock: mmap_lock is held here, and copy_to_user() under sf_lock
 * takes it. Rings are made once, before ring_size is set, and unmade when no
 * mapping is left nor can be made.
 */
static int sf_mmap(struct file *file, struct vm_area_struct *vma)
{
	return sf_rings_map(vma);
}

static __poll_t sf_poll(struct file *file, poll_table *wait)
{
	poll_wait(file, &sf_readers, wait);
	/* Pairs with the release in sf_rings_create(). */
	if (!smp_load_acquire(&sf_session.ring_size))
		return EPOLLERR;
	return sf_rings_wake_due() || READ_ONCE(sf_cut) ?
	       EPOLLIN | EPOLLRDNORM : 0;
}

static const struct file_operations sf_fops = {
	.owner = THIS_MODULE,
	.open = sf_open,
	.release = sf_release,
	.unlocked_ioctl = sf_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = sf_mmap,
	.poll = sf_poll,
};

static struct miscdevice sf_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = SF_MODULE,
	.fops = &sf_fops,
	.mode = 0600,
};

static int __init sf_init(void)
{
	int err;

	/* The reader counts rings 0 .. nr_cpus - 1. */
	if (num_possible_cpus() != nr_cpu_ids) {
		pr_err("the numbers of possible CPUs have holes, not supported\n");
		return -EOPNOTSUPP;
	}
	err = sf_path_verify();
	if (err)
		return err;
	err = sf_probes_find();
	if (err)
		return err;
	sf_netlink_verify();
	sf_rings_init();
	err = misc_register(&sf_misc);
	if (err) {
		pr_err("cannot register %s: error %d\n", SF_DEVICE, err);
		return err;
	}
	pr_info("loaded, api %u.%u, schema %u.%u\n", SF_API_VERSION >> 16,
		SF_API_VERSION & 0xffff, SF_SCHEMA_VERSION >> 16,
		SF_SCHEMA_VERSION & 0xffff);
	return 0;
}

/* No capture is open: an open device holds the module. */
static void __exit sf_exit(void)
{
	misc_deregister(&sf_misc);
}

module_init(sf_init);
module_exit(sf_exit);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_AUTHOR("The SysFlow project");
MODULE_DESCRIPTION("SysFlow system call capture");
MODULE_VERSION("0.1.0");
