// SPDX-License-Identifier: MIT
// The IR builder's accesses to guest memory: those off one base that are near each other share a check, and so do those of
// a table with a small index.
#include "tcg/builder-private.h"

#include "tcg/base/bits.h"
#include "tcg/ir-private.h"

void ir_builder_forget_groups(struct ir_builder *b)
{
    b->group_count = b->next_group = 0;
}

// So that neighbours are recognised. A sum that
// passes 2^32 misses the inline check, which does not cut it, so large constants stay part of an i32.
void ir_builder_split_address(const struct ir_region *r, ir_ref *address, struct ir_mem *mem)
{
    bool narrow = ir_type_of(r, *address) == IR_I32;
    int64_t limit = narrow ? 1 << 15 : 1 << 30;
    while (!ir_is_const(*address)) {
        const struct ir_ins *ins = &r->ins[*address];
        if (ins->op != IR_ADD || !ir_is_const(ins->arg[1]))
            return;
        uint64_t constant = ir_const(r, ins->arg[1])->lo;
        int64_t sum = mem->offset + (narrow ? (int32_t)constant : (int64_t)constant);
        if (sum < -limit || sum > limit)
            return;
        mem->offset = (int32_t)sum;
        *address = ins->arg[0];
    }
}

// The bytes that the group's accesses reach, and whether one is a store.
static void reach(const struct ir_region *r, const struct ir_access_group *g, int32_t *lo, int32_t *hi, bool *written)
{
    const struct ir_ins *probe = &r->ins[g->place];
    bool shared = probe->op == IR_PROBE;
    *lo = shared ? (int32_t)(uint32_t)probe->imm : g->lo;
    *hi = shared ? (int32_t)(uint32_t)(probe->imm >> 32) : g->hi;
    *written = shared ? probe->aux & 1 : g->first < r->ins_count && r->ins[g->first].op == IR_ST;
}

// The smallest range that has both.
static struct ir_range both(const struct ir_range *range, int32_t lo, int32_t hi)
{
    return (struct ir_range){.base = range->base, .lo = lo < range->lo ? lo : range->lo, .hi = hi > range->hi ? hi : range->hi};
}

static struct ir_access_group *find_group(struct ir_builder *b, const struct ir_range *range, unsigned mmu_index)
{
    int32_t lo, hi;
    bool written;
    for (unsigned i = 0; i < b->group_count; i++) {
        struct ir_access_group *g = &b->groups[i];
        if (g->base != range->base || g->mmu_index != mmu_index)
            continue;
        reach(b->region, g, &lo, &hi, &written);
        struct ir_range all = both(range, lo, hi);
        if (all.lo == lo && all.hi == hi)
            return g;
        if (all.hi - all.lo <= IR_ACCESS_REACH && !((g->indexed || range->indexed) && ir_range_may_cross(b, &all)))
            return g;
    }
    return NULL;
}

static struct ir_access_group *open_group(struct ir_builder *b, const struct ir_range *range, unsigned mmu_index)
{
    struct ir_ins nop;
    ir_make_nop(&nop);
    ir_builder_append(b, &nop);
    struct ir_access_group *g = &b->groups[b->next_group];
    b->next_group = (b->next_group + 1) % IR_ACCESS_GROUPS;
    if (b->group_count < IR_ACCESS_GROUPS)
        b->group_count++;
    *g = (struct ir_access_group){.base = range->base, .place = b->region->ins_count - 1, .first = b->region->ins_count,
                                  .lo = range->lo, .hi = range->hi, .mmu_index = (uint8_t)mmu_index};
    return g;
}

// The access joins the group: the NOP before the first one becomes a check for all of them.
static void join_group(struct ir_builder *b, struct ir_access_group *g, const struct ir_range *range, bool write)
{
    struct ir_region *r = b->region;
    int32_t lo, hi;
    bool written = false;
    reach(r, g, &lo, &hi, &written);
    struct ir_ins *first = &r->ins[g->first];
    if (g->first < r->ins_count && (first->op == IR_LD || first->op == IR_ST)) {
        bool is_load = first->op == IR_LD;
        first->op = is_load ? IR_LDP : IR_STP;
        first->arg[is_load ? 1 : 2] = g->place;
    }
    struct ir_range all = both(range, lo, hi);
    g->indexed |= range->indexed;
    r->ins[g->place] = (struct ir_ins){.op = IR_PROBE, .type = IR_I64,
                                       .aux = (uint8_t)(g->mmu_index << 1 | (written || write)),
                                       .arg = {g->base, IR_NONE, IR_NONE, IR_NONE},
                                       .imm = (uint32_t)all.lo | (uint64_t)(uint32_t)all.hi << 32};
}

static bool same_value(const struct ir_region *r, ir_ref a, ir_ref c)
{
    if (a == c || ir_is_const(a) || ir_is_const(c))
        return a == c;
    const struct ir_ins *x = &r->ins[a], *y = &r->ins[c];
    return (ir_ops[x->op].properties & IR_PROP_PURE) && x->op == y->op && x->type == y->type && x->imm == y->imm &&
           x->arg[0] == y->arg[0] && x->arg[1] == y->arg[1] && ir_ops[x->op].operand_count == 2;
}

static bool may_share(struct ir_mem mem)
{
    return !mem.align_log2 && !mem.ordered;
}

static const struct ir_sure *find_sure(const struct ir_builder *b, ir_ref base, struct ir_mem mem, bool write)
{
    if (!may_share(mem))
        return NULL;
    for (unsigned i = 0; i < b->sure_count; i++) {
        const struct ir_sure *s = &b->sure[i];
        if (s->mmu_index == mem.mmu_index && s->lo <= mem.offset && mem.offset + (1 << mem.size_log2) <= s->hi &&
            (s->written || !write) && same_value(b->region, s->base, base))
            return s;
    }
    return NULL;
}

bool ir_builder_is_aligned(const struct ir_builder *b, ir_ref address, uint64_t mask)
{
    struct ir_mem mem = {.offset = 0};
    ir_builder_split_address(b->region, &address, &mem);
    for (unsigned i = 0; i < b->sure_count; i++)
        if (!(mask & ~(uint64_t)b->sure[i].aligned) &&
            !((uint32_t)mem.offset & mask) && same_value(b->region, b->sure[i].base, address))
            return true;
    return false;
}

// The group whose check the access is to use, or NULL.
static struct ir_access_group *share_check(struct ir_builder *b, ir_ref address, struct ir_mem mem, bool write)
{
    if (!may_share(mem))
        return NULL;
    struct ir_range range = ir_range_of(b, address, mem);
    struct ir_access_group *g = find_group(b, &range, mem.mmu_index);
    if (!g) {
        g = open_group(b, &range, mem.mmu_index);
        if (!range.indexed)
            return NULL;
        // Even for one access: its check need not wait for the index.
    }
    join_group(b, g, &range, write);
    return g;
}

ir_ref ir_load(struct ir_builder *b, enum ir_type type, ir_ref address, struct ir_mem mem)
{
    ir_builder_split_address(b->region, &address, &mem);
    const struct ir_sure *sure = find_sure(b, address, mem, false);
    if (sure)
        return ir_emit(b, IR_LDS, type, 0, address, sure->addend, IR_NONE, ir_mem_pack(mem));
    struct ir_access_group *g = share_check(b, address, mem, false);
    if (g)
        return ir_emit(b, IR_LDP, type, 0, address, g->place, IR_NONE, ir_mem_pack(mem));
    return ir_emit(b, IR_LD, type, 0, address, IR_NONE, IR_NONE, ir_mem_pack(mem));
}

void ir_store(struct ir_builder *b, ir_ref value, ir_ref address, struct ir_mem mem)
{
    enum ir_type type = ir_type_of(b->region, value);
    ir_builder_split_address(b->region, &address, &mem);
    const struct ir_sure *sure = find_sure(b, address, mem, true);
    struct ir_access_group *g = sure ? NULL : share_check(b, address, mem, true);
    if (sure)
        ir_emit(b, IR_STS, type, 0, address, value, sure->addend, ir_mem_pack(mem));
    else if (g)
        ir_emit(b, IR_STP, type, 0, address, value, g->place, ir_mem_pack(mem));
    else
        ir_emit(b, IR_ST, type, 0, address, value, IR_NONE, ir_mem_pack(mem));
}

ir_ref ir_cas(struct ir_builder *b, ir_ref address, ir_ref expected, ir_ref desired, struct ir_mem mem)
{
    return ir_emit(b, IR_CAS, ir_type_of(b->region, expected), 0, address, expected, desired, ir_mem_pack(mem));
}

ir_ref ir_atomic(struct ir_builder *b, enum ir_atomic kind, ir_ref address, ir_ref operand, struct ir_mem mem)
{
    return ir_emit(b, IR_ATOMIC, ir_type_of(b->region, operand), kind, address, operand, IR_NONE, ir_mem_pack(mem));
}

void ir_fence(struct ir_builder *b, enum ir_fence kind)
{
    ir_emit(b, IR_FENCE, IR_VOID, kind, IR_NONE, IR_NONE, IR_NONE, 0);
}
