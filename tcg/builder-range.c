// SPDX-License-Identifier: MIT
// What an access to guest memory may touch, for the builder to check at once: tables with a small index count as a whole.
#include "tcg/builder-private.h"

#include "tcg/base/bits.h"
#include "tcg/ir-private.h"

// Ranges of so few bytes are in one page mostly; in this many, when nothing is known of where they lie.
enum { SELDOM_CROSSES = 256 + 16 };

// The largest value that it can have, of what compilers index small tables with; else UINT32_MAX.
static uint32_t bound_of(const struct ir_region *r, ir_ref ref, unsigned depth)
{
    if (ir_is_const(ref) || !depth)
        return UINT32_MAX;
    const struct ir_ins *ins = &r->ins[ref];
    uint64_t c = ir_ops[ins->op].operand_count == 2 && ir_is_const(ins->arg[1]) ? ir_const(r, ins->arg[1])->lo : 0;
    uint64_t bound = UINT32_MAX;
    switch ((enum ir_op)ins->op) {
    case IR_ZEXT32:
        return bound_of(r, ins->arg[0], depth - 1);
    case IR_SHL:
        bound = c && c < 8 ? (uint64_t)bound_of(r, ins->arg[0], depth - 1) << c : bound;
        break;
    case IR_SHR:
        bound = c ? mask64((ins->type == IR_I64 ? 64 : 32) - (c & 63)) : bound;
        break;
    case IR_AND:
        bound = c ? c : bound;
        break;
    case IR_ZEXT8:
        bound = 0xff;
        break;
    case IR_EXTRACT:
        bound = mask64(ins->imm >> 8 & 0xff);
        break;
    case IR_LD:
    case IR_LDP: {
        struct ir_mem mem = ir_mem_unpack(ins->imm);
        bound = mem.size_log2 || mem.sign_extend ? bound : 0xff;
        break;
    }
    default:
        break;
    }
    return bound < UINT32_MAX ? (uint32_t)bound : UINT32_MAX;
}

struct ir_range ir_range_of(const struct ir_builder *b, ir_ref address, struct ir_mem mem)
{
    struct ir_range plain = {.base = address, .lo = mem.offset, .hi = mem.offset + (1 << mem.size_log2)};
    const struct ir_ins *sum = ir_is_const(address) ? NULL : &b->region->ins[address];
    if (!b->plan || !sum || (sum->op != IR_ADD && sum->op != IR_ADDSHL))
        return plain;
    unsigned shift = sum->op == IR_ADDSHL ? (unsigned)sum->imm : 0, index = 1;
    uint32_t bound = bound_of(b->region, sum->arg[1], 3);
    if (bound == UINT32_MAX && sum->op == IR_ADD) {
        index = 0;
        bound = bound_of(b->region, sum->arg[0], 3);
    }
    if (bound >= (uint32_t)IR_INDEX_REACH >> shift)
        return plain;
    struct ir_range range = {.base = sum->arg[1 - index], .indexed = true};
    ir_builder_split_address(b->region, &range.base, &mem);
    range.lo = mem.offset;
    range.hi = mem.offset + (int32_t)(bound << shift) + (1 << mem.size_log2);
    return ir_range_may_cross(b, &range) ? plain : range;
}

bool ir_range_may_cross(const struct ir_builder *b, const struct ir_range *range)
{
    const struct ir_region *r = b->region;
    const struct ir_ins *base = ir_is_const(range->base) ? NULL : &r->ins[range->base];
    uint64_t seen;
    if (!base || base->type != IR_I64)
        return range->hi - range->lo > SELDOM_CROSSES;
    if (base->op == IR_GETSLOT && base->imm == IR_SLOT_PC_PAGE)
        seen = 0;
    else if (r->seen && base->op == IR_GETSLOT)
        seen = r->seen[base->imm];
    else if (r->seen && base->op == IR_PARAM && base->imm)
        seen = r->seen[base->imm - 1];
    else
        return range->hi - range->lo > SELDOM_CROSSES;
    return (((seen + (uint64_t)range->lo) ^ (seen + (uint64_t)range->hi - 1)) & -UINT64_C(4096)) != 0;
}
