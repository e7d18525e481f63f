// SPDX-License-Identifier: MIT
// Guest memory: the inline soft-TLB probe, the access, and the description of the slow path.
//
// The probe computes the table index from the first byte and compares the tag with the page of the last one, so that
// an access across pages never matches:
//     lea   t, [addr + off]        shr t, 7        and t, (entries - 1) << 5
//     lea   u, [addr + off + size - 1]             and u, -4096
//     cmp   u, [r15 + t + tag]     jne slow
//     mov   t, [r15 + t + addend]
// With a required alignment the low bits of the address stay in u instead, and a misaligned one does not match.
#include "tcg/base/bits.h"
#include "tcg/host-x86-64/lower-memory.h"
#include "tcg/ir-private.h"

// Leaves host minus guest address in `t`. Returns the jump taken on a miss, when t and u are what lower_second takes.
static uint8_t *emit_check(struct lower *l, unsigned address, struct ir_mem mem, bool write, unsigned t, unsigned u)
{
    struct x86_code *c = &l->c;
    int32_t tag = lower_tag_offset(mem.mmu_index, write), addend = lower_addend_offset(mem.mmu_index);
    if (mem.offset)
        x86_lea(c, false, t, x86_at(address, mem.offset));
    else
        x86_mov_rr(c, false, t, address);
    x86_shift_ri(c, X86_SHR, false, t, 12 - BACKEND_TLB_ENTRY_LOG2);
    x86_alu_ri(c, X86_AND, false, t, ((1 << BACKEND_TLB_LOG2) - 1) << BACKEND_TLB_ENTRY_LOG2);
    int32_t reach = mem.offset + (mem.align_log2 ? 0 : (1 << mem.size_log2) - 1);
    // An alignment less than the size still may cross; such accesses take the slow path at the last bytes of a page.
    if (mem.align_log2 && mem.align_log2 < mem.size_log2)
        reach = mem.offset + (1 << mem.size_log2) - (1 << mem.align_log2);
    if (reach)
        x86_lea(c, true, u, x86_at(address, reach));
    else
        x86_mov_rr(c, true, u, address);
    x86_alu_ri(c, X86_AND, true, u, -4096 | (int32_t)((1u << mem.align_log2) - 1));
    x86_rm(c, 0x3b | X86_W, u, x86_at_index(TLB_REG, t, 0, tag));
    uint8_t *miss = x86_jcc(c, X86_NE);
    x86_load(c, true, t, x86_at_index(TLB_REG, t, 0, addend));
    return miss;
}

// Of a check that ends here with the addend in `t`.
static struct second_check second_check(const struct x86_code *c, unsigned t, unsigned u, unsigned mmu_index, bool write)
{
    return (struct second_check){.found = c->p, .t = (uint8_t)t, .u = (uint8_t)u, .result = (uint8_t)t,
                                 .mmu_index = (uint8_t)mmu_index, .write = write};
}

struct checked lower_check(struct lower *l, unsigned address, struct ir_mem mem, bool write)
{
    struct checked p = {.host = ra_temp(&l->ra, IR_I64), .spare = ra_temp(&l->ra, IR_I64)};
    p.slow.from = emit_check(l, address, mem, write, p.host, p.spare);
    p.slow.second = second_check(&l->c, p.host, p.spare, mem.mmu_index, write);
    return p;
}

static bool is_small(const struct ir_const *constant)
{
    return constant->lo <= UINT16_MAX && !constant->hi;
}

_Static_assert((int)FRAME_BYTES <= UINT16_MAX && (int)IR_MAX_SLOTS <= UINT8_MAX + 1, "values of sites have 16 bits, slots 8");

// Writes the description of where everything is when the access leaves.
struct tcg_site *lower_site(struct lower *l, const struct ir_ins *ins, unsigned address)
{
    const struct ir_snapshot *s = &l->region->snapshots[ins->snapshot - 1];
    unsigned wide = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        ir_ref value = l->region->snapshot_entries[s->first + i].value;
        wide += ir_is_const(value) && !is_small(ir_const(l->region, value));
    }
    size_t fixed = sizeof(struct tcg_site) + s->count * sizeof(struct tcg_site_entry);
    struct tcg_site *site = lower_meta(l, fixed + wide * 16);
    if (!site)
        return NULL;
    *site = (struct tcg_site){.mem = ins->imm, .op = ins->op, .type = ins->type, .aux = ins->aux,
                              .address_reg = (uint8_t)address, .data_reg = TCG_SITE_NO_REG,
                              .data2_reg = TCG_SITE_NO_REG, .result_reg = TCG_SITE_NO_REG, .entry_count = (uint8_t)s->count,
                              .pc_offset = s->pc_offset};
    uint8_t *pool = (uint8_t *)site + fixed;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct ir_snapshot_entry *e = &l->region->snapshot_entries[s->first + i];
        struct tcg_site_entry *out = &site->entries[i];
        *out = (struct tcg_site_entry){.slot = (uint8_t)e->slot, .operand = e->slot == IR_SNAPSHOT_OPERAND};
        if (e->value == IR_NONE) {
            out->kind = TCG_SITE_OP;
            out->bytes_log2 = ctz32(ir_type_bytes(l->region->slots[e->slot].type)) & 15;
            out->value = (uint16_t)(e->op | e->type << 8);
            continue;
        }
        struct ra_location at = ra_locate(&l->ra, e->value);
        out->bytes_log2 = ctz32(ir_type_bytes(ir_type_of(l->region, e->value))) & 15;
        switch (at.kind) {
        case RA_AT_REG:
            out->kind = TCG_SITE_REG;
            out->value = (uint16_t)at.reg;
            break;
        case RA_AT_FRAME:
        case RA_AT_STATE:
            out->kind = at.kind == RA_AT_FRAME ? TCG_SITE_FRAME : TCG_SITE_STATE;
            out->value = (uint16_t)at.where;
            break;
        case RA_AT_CONST:
            if (is_small(at.constant)) {
                out->kind = TCG_SITE_SMALL;
                out->value = (uint16_t)at.constant->lo;
                break;
            }
            out->kind = TCG_SITE_POOL;
            out->value = (uint16_t)(pool - (uint8_t *)site);
            memcpy(pool, &at.constant->lo, 8);
            memcpy(pool + 8, &at.constant->hi, 8);
            pool += 16;
            break;
        }
    }
    return site;
}

void lower_slow(struct lower *l, struct slow_path slow, const struct tcg_site *site)
{
    slow.back = l->c.p;
    slow.site = site ? (uint32_t)((const uint8_t *)site - l->buffers->meta_base) : 0;
    l->slow = ir_grow(l->region->arena, l->slow, &l->slow_capacity, l->slow_count, sizeof(*l->slow));
    l->slow[l->slow_count++] = slow;
}

static void lower_raise_if(struct lower *l, const struct ir_ins *ins)
{
    enum x86_cc cc = lower_compare(l, ins->aux, ins->type, ins->arg[0], ins->arg[1]);
    struct slow_path slow = {.from = x86_jcc(&l->c, cc)};
    lower_slow(l, slow, lower_site(l, ins, X86_NO_REG));
}

static bool is_vector_type(enum ir_type type)
{
    return !ir_type_is_int(type);
}

void lower_int_load(struct lower *l, unsigned dst, struct ir_mem mem, bool wide, struct x86_mem at)
{
    static const uint32_t zero_extend[] = {0xb6 | X86_0F, 0xb7 | X86_0F, 0x8b, 0x8b | X86_W};
    static const uint32_t sign_extend[] = {0xbe | X86_0F, 0xbf | X86_0F, 0x63 | X86_W, 0x8b | X86_W};
    uint32_t opcode = zero_extend[mem.size_log2];
    if (mem.sign_extend && !mem.big_endian && (wide || mem.size_log2 < 2))
        opcode = sign_extend[mem.size_log2] | x86_w(wide);
    x86_rm(&l->c, opcode, dst, at);
}

// Swaps the bytes of a value just loaded, then extends it.
static void emit_swap(struct lower *l, unsigned reg, struct ir_mem mem, bool is_load, bool wide)
{
    if (mem.size_log2 == 0)
        return;
    bool w = mem.size_log2 == 3;
    if (mem.size_log2 == 1) {
        x86_rr(&l->c, 0xc1 | X86_66, X86_ROL, reg);
        x86_byte(&l->c, 8);
    } else {
        unsigned rex = (w ? 8 : 0) | (reg >> 3 & 1);
        if (rex)
            x86_byte(&l->c, 0x40 | rex);
        x86_byte(&l->c, 0x0f);
        x86_byte(&l->c, 0xc8 | (reg & 7));
    }
    if (!is_load || !mem.sign_extend)
        return;
    if (mem.size_log2 == 1)
        x86_rr(&l->c, 0xbf | X86_0F | x86_w(wide), reg, reg);
    else if (mem.size_log2 == 2 && wide)
        x86_rr(&l->c, 0x63 | X86_W, reg, reg);
}

static void emit_vector_load(struct lower *l, unsigned dst, struct ir_mem mem, struct x86_mem at)
{
    if (mem.size_log2 == 4)
        emit_vec_load(l, dst, at);
    else if (l->avx2)
        x86_vex_rm(&l->c, mem.size_log2 == 3 ? 0x7e | X86_0F | X86_F3 : 0x6e | X86_0F | X86_66, false, dst, X86_NO_REG,
                   at, 0);
    else
        x86_rm(&l->c, mem.size_log2 == 3 ? 0x7e | X86_0F | X86_F3 : 0x6e | X86_0F | X86_66, dst, at);
}

static void emit_vector_store(struct lower *l, unsigned src, struct ir_mem mem, struct x86_mem at)
{
    if (mem.size_log2 == 4)
        emit_vec_store(l, src, at);
    else if (l->avx2)
        x86_vex_rm(&l->c, mem.size_log2 == 3 ? 0xd6 | X86_0F | X86_66 : 0x7e | X86_0F | X86_66, false, src, X86_NO_REG,
                   at, 0);
    else
        x86_rm(&l->c, mem.size_log2 == 3 ? 0xd6 | X86_0F | X86_66 : 0x7e | X86_0F | X86_66, src, at);
}

// What the inline path cannot do: goes straight to the slow path.
static bool only_slow(struct ir_mem mem, enum ir_type type)
{
    return is_vector_type(type) && (mem.big_endian || mem.size_log2 < 2);
}

void lower_only_slow(struct lower *l, struct slow_path *slow)
{
    slow->from = x86_jmp(&l->c);
}

// A range of more bytes lies across two pages often enough to look at that first: nothing is found for such a one.
enum { FEW_CROSS = 256 };

// Of a shared check that failed: data has the registers of the result and of the table offset, its `aux`, and how many bytes
// it is for.
static void emit_probe_miss(struct lower *l, struct cold_path *path)
{
    unsigned reg = (unsigned)path->data[0], aux = (unsigned)path->data[2];
    struct second_check second = {.found = path->back, .t = (uint8_t)path->data[1], .u = (uint8_t)reg, .result = (uint8_t)reg,
                                  .mmu_index = (uint8_t)(aux >> 1), .write = aux & 1};
    x86_patch(path->from, l->c.p);
    uint8_t *crosses = NULL;
    if (path->data[3] > FEW_CROSS) {
        x86_push(&l->c, reg);
        x86_shift_ri(&l->c, X86_SHR, false, reg, 12 - BACKEND_TLB_ENTRY_LOG2);
        x86_alu_ri(&l->c, X86_AND, false, reg, ((1 << BACKEND_TLB_LOG2) - 1) << BACKEND_TLB_ENTRY_LOG2);
        x86_alu_rr(&l->c, X86_CMP, false, reg, second.t);
        x86_pop(&l->c, reg);
        crosses = x86_jcc(&l->c, X86_NE);
    }
    lower_second(l, &second);
    if (crosses)
        x86_patch(crosses, l->c.p);
    x86_alu_rr(&l->c, X86_XOR, false, reg, reg);
    x86_jmp_to(&l->c, path->back);
}

// The check that several accesses share: as emit_probe, but a miss gives 0.
static void lower_probe(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    struct x86_code *c = &l->c;
    int32_t lo = (int32_t)(uint32_t)ins->imm, hi = (int32_t)(uint32_t)(ins->imm >> 32);
    int32_t tag = lower_tag_offset(ins->aux >> 1, ins->aux & 1);
    unsigned address = ra_use(&l->ra, ins->arg[0]), t = ra_temp(&l->ra, IR_I64), dst = ra_def(&l->ra, index);
    x86_lea(c, false, t, x86_at(address, lo));
    x86_shift_ri(c, X86_SHR, false, t, 12 - BACKEND_TLB_ENTRY_LOG2);
    x86_alu_ri(c, X86_AND, false, t, ((1 << BACKEND_TLB_LOG2) - 1) << BACKEND_TLB_ENTRY_LOG2);
    x86_lea(c, true, dst, x86_at(address, hi - 1));
    x86_alu_ri(c, X86_AND, true, dst, -4096);
    x86_rm(c, 0x3b | X86_W, dst, x86_at_index(TLB_REG, t, 0, tag));
    uint8_t *miss = x86_jcc(c, X86_NE);
    x86_load(c, true, dst, x86_at_index(TLB_REG, t, 0, lower_addend_offset(ins->aux >> 1)));
    struct cold_path *path = lower_cold(l);
    *path = (struct cold_path){.from = miss, .emit = emit_probe_miss, .back = c->p, .data = {dst, t, ins->aux, (uint64_t)(hi - lo)}};
}

// A probed access has its host offset in a register already, or 0 there.
static struct checked use_probe(struct lower *l, ir_ref ref)
{
    struct checked p = {.host = ra_use(&l->ra, ref), .spare = X86_NO_REG};
    x86_test_rr(&l->c, true, p.host, p.host);
    p.slow.from = x86_jcc(&l->c, X86_E);
    return p;
}

static void emit_load(struct lower *l, unsigned dst, enum ir_type type, struct ir_mem mem, struct x86_mem at)
{
    if (is_vector_type(type)) {
        emit_vector_load(l, dst, mem, at);
        return;
    }
    lower_int_load(l, dst, mem, type == IR_I64, at);
    if (mem.big_endian)
        emit_swap(l, dst, mem, true, type == IR_I64);
}

// A value in the guest's byte order.
static void emit_store(struct lower *l, unsigned src, enum ir_type type, struct ir_mem mem, struct x86_mem at)
{
    static const uint32_t opcodes[] = {0x88 | X86_BYTE, 0x89 | X86_66, 0x89, 0x89 | X86_W};
    if (is_vector_type(type))
        emit_vector_store(l, src, mem, at);
    else
        x86_rm(&l->c, opcodes[mem.size_log2], src, at);
}

static void set_retry(struct slow_path *slow, const struct ir_ins *ins, unsigned address, unsigned data)
{
    slow->retry = !ir_mem_unpack(ins->imm).align_log2;
    slow->store = ins->op == IR_STP;
    slow->type = ins->type;
    slow->address = (uint8_t)address;
    slow->data = (uint8_t)data;
    slow->mem = ir_mem_unpack(ins->imm);
}

void lower_retry(struct lower *l, const struct slow_path *slow)
{
    struct x86_code *c = &l->c;
    unsigned second_choice = slow->data == RAX, t = second_choice ? RCX : RAX;
    x86_push(c, t);
    x86_lea(c, true, t, x86_at(slow->address, slow->mem.offset));
    x86_call_to(c, l->backend->retry_stub[second_choice][slow->mem.mmu_index][slow->store][slow->mem.size_log2]);
    uint8_t *miss = x86_jcc(c, X86_NE);
    if (slow->store)
        emit_store(l, slow->data, slow->type, slow->mem, x86_at(t, 0));
    else
        emit_load(l, slow->data, slow->type, slow->mem, x86_at(t, 0));
    x86_pop(c, t);
    x86_jmp_to(c, slow->back);
    x86_patch(miss, c->p);
    x86_pop(c, t);
}

static void lower_load(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    struct ir_mem mem = ir_mem_unpack(ins->imm);
    unsigned address = ra_use(&l->ra, ins->arg[0]);
    if (only_slow(mem, ins->type)) {
        struct slow_path slow = {.retry = false};
        unsigned dst = ra_def(&l->ra, index);
        struct tcg_site *site = lower_site(l, ins, address);
        lower_only_slow(l, &slow);
        if (site)
            site->result_reg = (uint8_t)dst;
        lower_slow(l, slow, site);
        return;
    }
    // Nothing may be spilled between the jump to the slow path and the place it returns to.
    bool probed = ins->op == IR_LDP;
    if (probed)
        ra_use(&l->ra, ins->arg[1]);
    unsigned dst = is_vector_type(ins->type) || probed ? ra_def(&l->ra, index) : X86_NO_REG;
    struct checked p = probed ? use_probe(l, ins->arg[1]) : lower_check(l, address, mem, false);
    struct tcg_site *site = lower_site(l, ins, address);
    struct x86_mem at = x86_at_index(address, p.host, 0, mem.offset);
    if (!is_vector_type(ins->type) && !probed) {
        dst = p.spare;
        ra_def_in(&l->ra, index, dst);
    }
    emit_load(l, dst, ins->type, mem, at);
    if (site)
        site->result_reg = (uint8_t)dst;
    if (probed)
        set_retry(&p.slow, ins, address, dst);
    lower_slow(l, p.slow, site);
}

static void lower_store(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    struct ir_mem mem = ir_mem_unpack(ins->imm);
    unsigned address = ra_use(&l->ra, ins->arg[0]);
    // The slow path reads the value from a register, so even a constant has one.
    unsigned value = ra_use(&l->ra, ins->arg[1]);
    if (only_slow(mem, ins->type)) {
        struct slow_path slow = {.retry = false};
        struct tcg_site *site = lower_site(l, ins, address);
        if (site)
            site->data_reg = (uint8_t)value;
        lower_only_slow(l, &slow);
        lower_slow(l, slow, site);
        return;
    }
    bool swaps = mem.big_endian && mem.size_log2;
    unsigned swapped = swaps ? ra_temp(&l->ra, IR_I64) : X86_NO_REG;
    struct checked p = ins->op == IR_STP ? use_probe(l, ins->arg[2]) : lower_check(l, address, mem, true);
    struct tcg_site *site = lower_site(l, ins, address);
    if (site)
        site->data_reg = (uint8_t)value;
    struct x86_mem at = x86_at_index(address, p.host, 0, mem.offset);
    if (swaps) {
        x86_mov_rr(&l->c, true, swapped, value);
        emit_swap(l, swapped, mem, false, false);
    }
    emit_store(l, swaps ? swapped : value, ins->type, mem, at);
    if (ins->op == IR_STP && !swaps)
        set_retry(&p.slow, ins, address, value);
    lower_slow(l, p.slow, site);
}

static void lower_sure(struct lower *l, uint32_t index)
{
    const struct ir_ins *ins = &l->region->ins[index];
    struct ir_mem mem = ir_mem_unpack(ins->imm);
    bool store = ins->op == IR_STS;
    unsigned address = ra_use(&l->ra, ins->arg[0]), host = ra_use(&l->ra, ins->arg[store ? 2 : 1]);
    struct x86_mem at = x86_at_index(address, host, 0, mem.offset);
    if (store)
        emit_store(l, ra_use(&l->ra, ins->arg[1]), ins->type, mem, at);
    else
        emit_load(l, ra_def(&l->ra, index), ins->type, mem, at);
}

bool lower_memory(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    switch ((enum ir_op)ins->op) {
    case IR_PROBE:
        lower_probe(l, index);
        return true;
    case IR_LD:
    case IR_LDP:
        lower_load(l, index);
        return true;
    case IR_ST:
    case IR_STP:
        lower_store(l, index);
        return true;
    case IR_LDS:
    case IR_STS:
        lower_sure(l, index);
        return true;
    case IR_CAS:
        lower_cas(l, index);
        return true;
    case IR_ATOMIC:
        lower_atomic(l, index);
        return true;
    case IR_RAISE_IF:
        lower_raise_if(l, ins);
        return true;
    case IR_FENCE:
        // x86 orders everything but a store before a later load (SDM volume 3, 8.2); a locked operation does that.
        if (ins->aux == IR_FENCE_ALL) {
            x86_rm_tail(&l->c, 0x83 | X86_NEEDS_LOCK, X86_OR, x86_at(RSP, -8), 1);
            x86_byte(&l->c, 0);
        }
        return true;
    default:
        return false;
    }
}
