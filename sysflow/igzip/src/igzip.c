// SPDX-License-Identifier: Apache-2.0
/*
 * Raw deflate of whole buffers at level 1 of ISA-L (isa-l/igzip_lib.h). The
 * types of that library are large and differ from version to version, so that
 * their size is the compiler's business here and not of the Rust side.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <isa-l/igzip_lib.h>

struct igzip {
	struct isal_zstream stream;
	uint8_t room[ISAL_DEF_LVL1_DEFAULT];
};

/* NULL: there is no memory. */
struct igzip *igzip_new(void)
{
	/* A stateless stream begins anew with every buffer: nothing to set up. */
	return malloc(sizeof(struct igzip));
}

void igzip_free(struct igzip *igzip)
{
	free(igzip);
}

/* Bytes of the result, or 0 if there is not enough room for it. */
size_t igzip_deflate(struct igzip *igzip, const uint8_t *data, uint32_t len, uint8_t *out,
		     uint32_t room)
{
	struct isal_zstream *stream = &igzip->stream;

	isal_deflate_stateless_init(stream);
	stream->level = 1;
	stream->level_buf = igzip->room;
	stream->level_buf_size = sizeof(igzip->room);
	stream->gzip_flag = IGZIP_DEFLATE;
	stream->flush = NO_FLUSH;
	stream->end_of_stream = 1;
	/* It is only read. */
	stream->next_in = (uint8_t *)data;
	stream->avail_in = len;
	stream->next_out = out;
	stream->avail_out = room;
	if (isal_deflate_stateless(stream) != COMP_OK)
		return 0;
	return stream->total_out;
}
