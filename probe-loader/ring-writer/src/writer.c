// SPDX-License-Identifier: Apache-2.0
/*
 * The ring writer of driver/include/sysflow/ring_write.h as ordinary
 * functions, for callers that are not C. The base address points to the
 * memory that ring.h describes.
 */
#include <string.h>
#include <sysflow/layout.h>
#include <sysflow/ring_write.h>

static struct sf_ring at(unsigned char *base, __u64 size)
{
	struct sf_ring ring = {
		.prod = (struct sf_ring_prod *)base,
		.cons = (struct sf_ring_cons *)(base + SF_RING_CONS),
		.data = base + SF_RING_DATA,
		.size = size,
	};
	return ring;
}

void sfw_init(unsigned char *base, __u64 size, __u32 cpu, __u32 nr_cpus)
{
	sf_ring_init((struct sf_ring_prod *)base, size, cpu, nr_cpus);
}

/*
 * One probe run: writes the record, whose header gives ts, pid, tid, len, op
 * and flags; seq is set here. Returns 1 when it was delivered, 0 when it was
 * counted as lost.
 */
int sfw_put(unsigned char *base, __u64 size, const struct sf_hdr *rec)
{
	struct sf_ring ring = at(base, size);
	__u32 cls = SF_OP_CLASS(rec->op);
	struct sf_hdr *out;

	if (!sf_ring_begin(ring.prod, cls))
		return 0;
	out = sf_ring_reserve(&ring, cls, rec->len);
	if (out) {
		memcpy(out, rec, rec->len);
		sf_ring_stamp(ring.prod, out, rec->ts, rec->pid, rec->tid,
			      rec->len, rec->op, rec->flags);
		sf_ring_commit(&ring, cls, rec->len);
	}
	sf_ring_end(ring.prod);
	return out != NULL;
}

/* A probe that is held up: it has begun, and does not go on until it ends. */
void sfw_hold(unsigned char *base, __u64 size, int held)
{
	struct sf_ring ring = at(base, size);

	if (held)
		SF_WRITE(ring.prod->writing, 1);
	else
		sf_ring_end(ring.prod);
}

int sfw_wants_wakeup(unsigned char *base, __u64 size)
{
	struct sf_ring ring = at(base, size);

	return sf_ring_wants_wakeup(&ring);
}
