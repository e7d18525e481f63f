// SPDX-License-Identifier: MIT
// What holds for every image format: bounds and the read-only mark are checked before a format sees a
// request.
#include "hw/core/block.h"

#include <errno.h>

#include "tcg/base/bits.h"

int block_check(const struct block_backend *block, const struct block_request *request)
{
    if (request->op == BLOCK_FLUSH)
        return 0;
    if (!range_inside(request->offset, request->length, block->size))
        return -EIO;
    return block->readonly && request->op != BLOCK_READ ? -EROFS : 0;
}

void block_submit(struct block_backend *block, struct block_request *request)
{
    request->next = NULL;
    request->result = block_check(block, request);
    block->ops->submit(block, request);
}

void block_drain(struct block_backend *block)
{
    if (block)
        block->ops->drain(block);
}

void block_close(struct block_backend *block)
{
    if (!block)
        return;
    block->ops->drain(block);
    block->ops->close(block);
}
