// SPDX-License-Identifier: MIT
// Memory operations that the inline path cannot finish: soft-TLB misses, devices, page crossings, stores to pages with
// translated code, faults. Both engines come here; slow-memory.c and slow-atomic.c do the work.
//
// Before a fault is raised, the guest's state is put back to what it was before the instruction: the site of
// cpu->slow_frame (or the interpreter's cpu->restore) says where every newer value is.
#include "tcg/exec/slow.h"

#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/eval.h"

static void *dumped(void *dump, unsigned reg)
{
    return backend_reg_is_vector(reg) ? backend_dump_vector(dump, reg) : (void *)backend_dump_int(dump, reg);
}

// --- leaving ---

static void restore_from_dump(struct tcg_cpu *cpu, void *dump)
{
    const struct tcg_site *site = backend_dump_site(dump, cpu->engine->meta);
    union ir_value values[256];
    bool keeps[256] = {false};
    // Gathered first: a value may still lie in another slot's memory.
    for (unsigned i = 0; i < site->entry_count; i++) {
        const struct tcg_site_entry *e = &site->entries[i];
        const void *from = NULL;
        values[i] = (union ir_value){.u64 = {0}};
        switch ((enum tcg_site_kind)e->kind) {
        case TCG_SITE_REG:
            from = dumped(dump, (unsigned)e->value);
            break;
        case TCG_SITE_FRAME:
            from = backend_dump_frame(dump) + e->value;
            break;
        case TCG_SITE_STATE:
            from = (uint8_t *)cpu + cpu->guest->slots[e->value].offset;
            break;
        case TCG_SITE_SMALL:
            values[i].u64[0] = e->value;
            continue;
        case TCG_SITE_OP:
            keeps[i] = !ir_eval_snapshot(e->value & 0xff, (enum ir_type)(e->value >> 8), &values[i - IR_SNAPSHOT_OPERANDS],
                                         &values[i]);
            continue;
        default:
            from = (const uint8_t *)site + e->value;
        }
        memcpy(&values[i], from, (size_t)1 << e->bytes_log2);
    }
    for (unsigned i = 0; i < site->entry_count; i++) {
        const struct tcg_site_entry *e = &site->entries[i];
        if (!e->operand && !keeps[i])
            memcpy((uint8_t *)cpu + cpu->guest->slots[e->slot].offset, &values[i], (size_t)1 << e->bytes_log2);
    }
    cpu->pc_offset = (uint32_t)site->pc_offset;
}

void slow_restore_state(struct tcg_cpu *cpu)
{
    if (cpu->slow_frame)
        restore_from_dump(cpu, cpu->slow_frame);
    else if (cpu->restore)
        cpu->restore(cpu);
    // Once: what the guest changes while it takes the exception stays.
    cpu->slow_frame = NULL;
}

_Noreturn void slow_fault(struct tcg_cpu *cpu, const struct tlb_fault *f, unsigned mmu_index, unsigned size_log2)
{
    slow_restore_state(cpu);
    cpu->guest->raise_fault(cpu, f, mmu_index, size_log2);
    tcg_leave(cpu);
}

_Noreturn void slow_bus_error(struct tcg_cpu *cpu, uint64_t gva, uint64_t gpa, enum tlb_access access,
                              unsigned mmu_index)
{
    slow_restore_state(cpu);
    cpu->guest->raise_bus_error(cpu, gva, gpa, access, mmu_index);
    tcg_leave(cpu);
}

_Noreturn void slow_misaligned(struct tcg_cpu *cpu, uint64_t gva, enum tlb_access access, unsigned mmu_index)
{
    slow_restore_state(cpu);
    cpu->guest->raise_alignment(cpu, gva, access, mmu_index);
    tcg_leave(cpu);
}

_Noreturn void slow_raise(struct tcg_cpu *cpu, uint32_t code)
{
    slow_restore_state(cpu);
    cpu->guest->raise(cpu, code);
    tcg_leave(cpu);
}

// The offset in its page of the instruction that makes the access.
static uint32_t current_pc_offset(struct tcg_cpu *cpu)
{
    if (cpu->slow_frame)
        return (uint32_t)backend_dump_site(cpu->slow_frame, cpu->engine->meta)->pc_offset;
    if (cpu->restore)
        cpu->restore(cpu); // only brings forward what the block writes later
    return cpu->pc_offset;
}

// The instruction is done again, by itself or as a debugger wants it.
static _Noreturn void leave_to_do_again(struct tcg_cpu *cpu, bool alone)
{
    slow_restore_state(cpu);
    if (alone)
        cpu->guest->stored_into_own_block(cpu);
    cpu->single_begun = false;
    tcg_leave(cpu);
}

// Before a store: when it changes instructions of the block that it is in, the guest does it again, alone.
void slow_check_own_code(struct tcg_cpu *cpu, const struct tlb_place *p, unsigned size)
{
    if (!(p->tag & TLB_TAG_CODE) || !p->host || !cpu->guest->stored_into_own_block)
        return;
    uint64_t offset = (uint64_t)(p->host - cpu->engine->ram->host);
    if (!cache_has_block_around(cpu, offset, size, current_pc_offset(cpu)))
        return;
    leave_to_do_again(cpu, true);
}

void slow_check_watched(struct tcg_cpu *cpu, uint64_t tag, uint64_t gva, unsigned size, enum tlb_access access)
{
    if (!(tag & TLB_TAG_WATCHED))
        return;
    if (cpu->guest->watched && cpu->guest->watched(cpu, gva, size, access))
        leave_to_do_again(cpu, true);
    if (stops_watch(cpu, gva, size, access))
        leave_to_do_again(cpu, false);
}

void slow_check_device_alignment(struct tcg_cpu *cpu, uint64_t tag, uint64_t gva, unsigned size, enum tlb_access access,
                                 unsigned mmu_index)
{
    if ((tag & TLB_TAG_DEVICE) && (gva & (size - 1)) && is_power_of_two(size))
        slow_misaligned(cpu, gva, access, mmu_index);
}

// --- operations ---

static void reverse_bytes(uint8_t *bytes, unsigned size)
{
    for (unsigned i = 0; i < size / 2; i++) {
        uint8_t t = bytes[i];
        bytes[i] = bytes[size - 1 - i];
        bytes[size - 1 - i] = t;
    }
}

static uint64_t extended(uint64_t value, const struct slow_request *r)
{
    unsigned bits = 8u << r->mem.size_log2;
    if (r->mem.sign_extend && bits < 64)
        value = (uint64_t)sextract64(value, 0, bits);
    return r->type == IR_I32 ? (uint32_t)value : value;
}

void slow_perform(struct tcg_cpu *cpu, const struct slow_request *r)
{
    unsigned size = 1u << r->mem.size_log2;
    uint8_t bytes[16] = {0};
    bool is_load = r->op == IR_LD || r->op == IR_LDP;
    if (r->mem.align_log2 && (r->address & (BIT32(r->mem.align_log2) - 1)))
        slow_misaligned(cpu, r->address, is_load ? TLB_READ : TLB_WRITE, r->mem.mmu_index);
    switch ((enum ir_op)r->op) {
    case IR_LD:
    case IR_LDP:
        slow_read_bytes(cpu, r->address, size, r->mem.mmu_index, bytes);
        if (r->mem.big_endian)
            reverse_bytes(bytes, size);
        memset(r->result, 0, 16);
        if (ir_type_is_int(r->type))
            store_le64(r->result, extended(load_le64(bytes), r));
        else
            memcpy(r->result, bytes, 16);
        break;
    case IR_ST:
    case IR_STP:
        memcpy(bytes, r->data, size);
        if (r->mem.big_endian)
            reverse_bytes(bytes, size);
        slow_write_bytes(cpu, r->address, size, r->mem.mmu_index, bytes);
        break;
    default:
        memset(r->result, 0, 16);
        store_le64(r->result, slow_atomic(cpu, r));
    }
}

// Called from translated code by the slow path's stub.
void slow_access(void *state, void *dump)
{
    struct tcg_cpu *cpu = state;
    const struct tcg_site *site = backend_dump_site(dump, cpu->engine->meta);
    uint8_t result[16];
    cpu->slow_frame = dump;
    if (site->op == IR_RAISE_IF)
        slow_raise(cpu, (uint32_t)site->mem);
    struct slow_request r = {.op = site->op, .type = site->type, .aux = site->aux, .mem = ir_mem_unpack(site->mem),
                             .result = result};
    r.address = slow_address(*backend_dump_int(dump, site->address_reg), r.mem);
    if (site->data_reg != TCG_SITE_NO_REG)
        r.data = dumped(dump, site->data_reg);
    if (site->data2_reg != TCG_SITE_NO_REG)
        r.data2 = dumped(dump, site->data2_reg);
    slow_perform(cpu, &r);
    cpu->slow_frame = NULL;
    if (site->result_reg != TCG_SITE_NO_REG)
        memcpy(dumped(dump, site->result_reg), result, backend_reg_is_vector(site->result_reg) ? 16 : 8);
}
