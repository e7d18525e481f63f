// SPDX-License-Identifier: MIT
// Memory operations that the inline path cannot finish: soft-TLB misses, devices, page crossings, stores to pages with
// translated code, faults. Both engines come here.
//
// Before a fault is raised, the guest's state is put back to what it was before the instruction: cpu->slow_frame and
// cpu->slow_site (or the interpreter's record) say where every newer value is.
#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/eval.h"
#include "tcg/exec/private.h"

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
        case TCG_SITE_OP:
            keeps[i] = !ir_eval_snapshot(e->value & 0xff, (enum ir_type)(e->value >> 8), &values[i - IR_SNAPSHOT_OPERANDS],
                                         &values[i]);
            continue;
        default:
            from = (const uint8_t *)site + e->value;
        }
        memcpy(&values[i], from, e->bytes);
    }
    for (unsigned i = 0; i < site->entry_count; i++) {
        const struct tcg_site_entry *e = &site->entries[i];
        if (e->slot != IR_SNAPSHOT_OPERAND && !keeps[i])
            memcpy((uint8_t *)cpu + cpu->guest->slots[e->slot].offset, &values[i], e->bytes);
    }
    cpu->pc_offset = (uint32_t)site->pc_offset;
}

static void restore_state(struct tcg_cpu *cpu)
{
    if (cpu->slow_frame)
        restore_from_dump(cpu, cpu->slow_frame);
    else if (cpu->restore)
        cpu->restore(cpu);
    // Once: what the guest changes while it takes the exception stays.
    cpu->slow_frame = NULL;
}

// --- code that changes itself ---

// The offset in its page of the instruction that makes the access.
static uint32_t current_pc_offset(struct tcg_cpu *cpu)
{
    if (cpu->slow_frame)
        return (uint32_t)backend_dump_site(cpu->slow_frame, cpu->engine->meta)->pc_offset;
    if (cpu->restore)
        cpu->restore(cpu); // only brings forward what the block writes later
    return cpu->pc_offset;
}

// Before a store: when it changes instructions of the block that it is in, the guest does it again, alone.
static void check_own_code(struct tcg_cpu *cpu, const struct tlb_place *p, unsigned size)
{
    if (!(p->tag & TLB_TAG_CODE) || !p->host || !cpu->guest->stored_into_own_block)
        return;
    uint64_t offset = (uint64_t)(p->host - cpu->engine->ram->host);
    if (!cache_has_block_around(cpu, offset, size, current_pc_offset(cpu)))
        return;
    restore_state(cpu);
    cpu->guest->stored_into_own_block(cpu);
    tcg_leave(cpu);
}

static _Noreturn void fault(struct tcg_cpu *cpu, const struct tlb_fault *f, unsigned mmu_index, unsigned size_log2)
{
    restore_state(cpu);
    cpu->guest->raise_fault(cpu, f, mmu_index, size_log2);
    tcg_leave(cpu);
}

static _Noreturn void bus_error(struct tcg_cpu *cpu, uint64_t gva, uint64_t gpa, enum tlb_access access,
                                unsigned mmu_index)
{
    restore_state(cpu);
    cpu->guest->raise_bus_error(cpu, gva, gpa, access, mmu_index);
    tcg_leave(cpu);
}

static _Noreturn void misaligned(struct tcg_cpu *cpu, uint64_t gva, enum tlb_access access, unsigned mmu_index)
{
    restore_state(cpu);
    cpu->guest->raise_alignment(cpu, gva, access, mmu_index);
    tcg_leave(cpu);
}

_Noreturn void slow_raise(struct tcg_cpu *cpu, uint32_t code)
{
    restore_state(cpu);
    cpu->guest->raise(cpu, code);
    tcg_leave(cpu);
}

// --- one access within a page ---

static struct tlb_place place_of(struct tcg_cpu *cpu, uint64_t gva, unsigned size_log2, enum tlb_access access,
                                 unsigned mmu_index)
{
    struct tlb_fault f = {0};
    struct tlb_place p;
    bool bus;
    if (tlb_lookup(cpu, gva, access, mmu_index, false, &p, &f, &bus))
        return p;
    if (bus)
        bus_error(cpu, gva, f.gpa, access, mmu_index);
    fault(cpu, &f, mmu_index, size_log2);
}

static void check_watched(struct tcg_cpu *cpu, uint64_t tag, uint64_t gva, unsigned size, enum tlb_access access)
{
    if (!(tag & TLB_TAG_WATCHED) || !cpu->guest->watched(cpu, gva, size, access))
        return;
    restore_state(cpu);
    cpu->guest->stored_into_own_block(cpu);
    tcg_leave(cpu);
}

static void check_device_alignment(struct tcg_cpu *cpu, uint64_t tag, uint64_t gva, unsigned size,
                                   enum tlb_access access, unsigned mmu_index)
{
    if ((tag & TLB_TAG_DEVICE) && (gva & (size - 1)) && is_power_of_two(size))
        misaligned(cpu, gva, access, mmu_index);
}

// Aligned words are read and written whole, as the inline path does: other vCPUs may do the same.
static void ram_read(void *out, const uint8_t *host, unsigned size)
{
    uintptr_t at = (uintptr_t)host;
    if (size == 8 && !(at & 7))
        store_le64(out, __atomic_load_n((const uint64_t *)(const void *)host, __ATOMIC_RELAXED));
    else if (size == 4 && !(at & 3))
        store_le32(out, __atomic_load_n((const uint32_t *)(const void *)host, __ATOMIC_RELAXED));
    else if (size == 2 && !(at & 1))
        store_le16(out, __atomic_load_n((const uint16_t *)(const void *)host, __ATOMIC_RELAXED));
    else
        memcpy(out, host, size);
}

static void ram_write(uint8_t *host, const void *in, unsigned size)
{
    uintptr_t at = (uintptr_t)host;
    if (size == 8 && !(at & 7))
        __atomic_store_n((uint64_t *)(void *)host, load_le64(in), __ATOMIC_RELAXED);
    else if (size == 4 && !(at & 3))
        __atomic_store_n((uint32_t *)(void *)host, load_le32(in), __ATOMIC_RELAXED);
    else if (size == 2 && !(at & 1))
        __atomic_store_n((uint16_t *)(void *)host, load_le16(in), __ATOMIC_RELAXED);
    else
        memcpy(host, in, size);
}

static void read_piece(struct tcg_cpu *cpu, uint64_t gva, unsigned size, unsigned mmu_index, uint8_t *out)
{
    struct tlb_place p = place_of(cpu, gva, ctz32(size), TLB_READ, mmu_index);
    check_device_alignment(cpu, p.tag, gva, size, TLB_READ, mmu_index);
    check_watched(cpu, p.tag, gva, size, TLB_READ);
    if (p.host) {
        ram_read(out, p.host, size);
        return;
    }
    uint64_t gpa = p.gpa;
    struct mem_requester who = {.cpu = (uint16_t)cpu->vcpu.index};
    for (unsigned done = 0; done < size;) {
        unsigned part = size - done >= 8 ? 8 : is_power_of_two(size - done) ? size - done : 1;
        uint64_t value;
        if (memory_map_read(cpu->memory, who, gpa + done, part, &value) != MEM_OK) {
            if (!cpu->guest->open_bus)
                bus_error(cpu, gva + done, gpa + done, TLB_READ, mmu_index);
            value = ~UINT64_C(0);
        }
        store_le(out + done, part, value);
        done += part;
    }
}

static void write_piece(struct tcg_cpu *cpu, uint64_t gva, unsigned size, unsigned mmu_index, const uint8_t *in)
{
    struct tlb_place p = place_of(cpu, gva, ctz32(size), TLB_WRITE, mmu_index);
    check_device_alignment(cpu, p.tag, gva, size, TLB_WRITE, mmu_index);
    if (p.host) {
        ram_write(p.host, in, size);
        if (p.tag & TLB_TAG_CODE)
            tcg_wrote_code_page(cpu, p.entry, p.host, size);
        return;
    }
    uint64_t gpa = p.gpa;
    struct mem_requester who = {.cpu = (uint16_t)cpu->vcpu.index};
    for (unsigned done = 0; done < size;) {
        unsigned part = size - done >= 8 ? 8 : is_power_of_two(size - done) ? size - done : 1;
        if (memory_map_write(cpu->memory, who, gpa + done, part, load_le(in + done, part)) != MEM_OK &&
            !cpu->guest->open_bus)
            bus_error(cpu, gva + done, gpa + done, TLB_WRITE, mmu_index);
        done += part;
    }
}

// After a store to a page with translated code: what it hit is discarded, and the page is fast again if nothing is left.
void tcg_wrote_code_page(struct tcg_cpu *cpu, struct backend_tlb_entry *e, uint8_t *host, uint64_t size)
{
    struct guest_ram *ram = cpu->engine->ram;
    uint64_t offset = (uint64_t)(host - ram->host);
    guest_ram_wrote(ram, offset, size);
    struct tlb_state *t = cpu->tlb;
    pthread_spin_lock(&t->lock);
    if (!(e->write_tag & TLB_TAG_INVALID) && tlb_stores_unseen(&ram->page_flags[offset >> TLB_PAGE_BITS]))
        __atomic_store_n(&e->write_tag, e->write_tag & ~(uint64_t)TLB_TAG_CODE, __ATOMIC_RELAXED);
    pthread_spin_unlock(&t->lock);
}

static unsigned bytes_in_page(uint64_t gva, unsigned size)
{
    uint64_t room = TLB_PAGE_SIZE - (gva & (TLB_PAGE_SIZE - 1));
    return size <= room ? size : (unsigned)room;
}

static void read_bytes(struct tcg_cpu *cpu, uint64_t gva, unsigned size, unsigned mmu_index, uint8_t *out)
{
    unsigned first = bytes_in_page(gva, size);
    if (first < size) {
        // Both pages before any side effect, in order.
        place_of(cpu, gva, ctz32(size), TLB_READ, mmu_index);
        place_of(cpu, gva + first, ctz32(size), TLB_READ, mmu_index);
    }
    read_piece(cpu, gva, first, mmu_index, out);
    if (first < size)
        read_piece(cpu, gva + first, size - first, mmu_index, out + first);
}

static void write_bytes(struct tcg_cpu *cpu, uint64_t gva, unsigned size, unsigned mmu_index, const uint8_t *in)
{
    unsigned first = bytes_in_page(gva, size);
    struct tlb_place at = place_of(cpu, gva, ctz32(size), TLB_WRITE, mmu_index);
    check_own_code(cpu, &at, first);
    if (first < size) {
        struct tlb_place p = place_of(cpu, gva + first, ctz32(size), TLB_WRITE, mmu_index);
        check_own_code(cpu, &p, size - first);
        check_watched(cpu, p.tag, gva + first, size - first, TLB_WRITE);
    }
    check_watched(cpu, at.tag, gva, first, TLB_WRITE);
    write_piece(cpu, gva, first, mmu_index, in);
    if (first < size)
        write_piece(cpu, gva + first, size - first, mmu_index, in + first);
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

static uint64_t combine(enum ir_atomic kind, unsigned bits, uint64_t old, uint64_t operand)
{
    int64_t so = sextract64(old, 0, bits), sn = sextract64(operand, 0, bits);
    uint64_t uo = extract64(old, 0, bits), un = extract64(operand, 0, bits);
    switch (kind) {
    case IR_ATOMIC_XCHG:
        return operand;
    case IR_ATOMIC_ADD:
        return old + operand;
    case IR_ATOMIC_AND:
        return old & operand;
    case IR_ATOMIC_OR:
        return old | operand;
    case IR_ATOMIC_XOR:
        return old ^ operand;
    case IR_ATOMIC_SMIN:
        return so < sn ? old : operand;
    case IR_ATOMIC_SMAX:
        return so > sn ? old : operand;
    case IR_ATOMIC_UMIN:
        return uo < un ? old : operand;
    default:
        return uo > un ? old : operand;
    }
}

// Compare and swap of `size` bytes; *expected becomes what was there. Host byte order.
static bool host_cas(void *host, unsigned size, uint64_t *expected, uint64_t desired)
{
    switch (size) {
    case 1: {
        uint8_t e = (uint8_t)*expected;
        bool ok = __atomic_compare_exchange_n((uint8_t *)host, &e, (uint8_t)desired, false, __ATOMIC_SEQ_CST,
                                              __ATOMIC_SEQ_CST);
        *expected = e;
        return ok;
    }
    case 2: {
        uint16_t e = (uint16_t)*expected;
        bool ok = __atomic_compare_exchange_n((uint16_t *)host, &e, (uint16_t)desired, false, __ATOMIC_SEQ_CST,
                                              __ATOMIC_SEQ_CST);
        *expected = e;
        return ok;
    }
    case 4: {
        uint32_t e = (uint32_t)*expected;
        bool ok = __atomic_compare_exchange_n((uint32_t *)host, &e, (uint32_t)desired, false, __ATOMIC_SEQ_CST,
                                              __ATOMIC_SEQ_CST);
        *expected = e;
        return ok;
    }
    default:
        return __atomic_compare_exchange_n((uint64_t *)host, expected, desired, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST);
    }
}

static uint64_t swap_if(uint64_t value, unsigned size, bool swap)
{
    if (!swap)
        return value;
    return __builtin_bswap64(value) >> (64 - 8 * size);
}

static uint64_t atomic_result(const struct slow_request *r, uint64_t old, uint64_t operand)
{
    unsigned size = 1u << r->mem.size_log2, bits = size * 8;
    if (r->op == IR_CAS)
        return old == operand ? load_le(r->data2, size) : old;
    return extract64(combine(r->aux, bits, old, operand), 0, bits);
}

// Where the host has no locked operation: across pages and on devices, piece by piece with every other vCPU held off.
static uint64_t split_atomic(struct tcg_cpu *cpu, const struct slow_request *r)
{
    unsigned size = 1u << r->mem.size_log2, index = r->mem.mmu_index, first = bytes_in_page(r->address, size);
    uint8_t bytes[8];
    struct tlb_place p = place_of(cpu, r->address, r->mem.size_log2, TLB_WRITE, index);
    check_own_code(cpu, &p, first);
    if (first < size) {
        p = place_of(cpu, r->address + first, r->mem.size_log2, TLB_WRITE, index);
        check_own_code(cpu, &p, size - first);
    }
    if (!cpu->others_stopped)
        restore_state(cpu);
    tcg_do_alone(cpu);
    read_piece(cpu, r->address, first, index, bytes);
    if (first < size)
        read_piece(cpu, r->address + first, size - first, index, bytes + first);
    uint64_t old = load_le(bytes, size);
    store_le(bytes, size, atomic_result(r, old, load_le(r->data, size)));
    write_piece(cpu, r->address, first, index, bytes);
    if (first < size)
        write_piece(cpu, r->address + first, size - first, index, bytes + first);
    return old;
}

// A read-modify-write. x86 hosts do locked operations across any boundary but a page's; what is not aligned within a
// page is left to them.
static uint64_t atomic_operation(struct tcg_cpu *cpu, const struct slow_request *r)
{
    unsigned size = 1u << r->mem.size_log2, bits = size * 8;
    if (bytes_in_page(r->address, size) < size) {
        if (cpu->guest->atomics_anywhere)
            return split_atomic(cpu, r);
        misaligned(cpu, r->address, TLB_WRITE, r->mem.mmu_index);
    }
    struct tlb_place p = place_of(cpu, r->address, r->mem.size_log2, TLB_WRITE, r->mem.mmu_index);
    check_device_alignment(cpu, p.tag, r->address, size, TLB_WRITE, r->mem.mmu_index);
    check_watched(cpu, p.tag, r->address, size, TLB_WRITE);
    uint8_t *host = p.host;
    if (!host) {
        if (cpu->guest->atomics_anywhere)
            return split_atomic(cpu, r);
        bus_error(cpu, r->address, p.gpa, TLB_WRITE, r->mem.mmu_index);
    }
    check_own_code(cpu, &p, size);
    bool swap = r->mem.big_endian;
    uint64_t operand = load_le(r->data, size), old, stored = 0;
    if (r->op == IR_CAS) {
        stored = swap_if(operand, size, swap);
        host_cas(host, size, &stored, swap_if(load_le(r->data2, size), size, swap));
        old = swap_if(stored, size, swap);
    } else {
        uint8_t bytes[8];
        ram_read(bytes, host, size);
        stored = load_le(bytes, size);
        do {
            old = swap_if(stored, size, swap);
        } while (!host_cas(host, size, &stored,
                           swap_if(extract64(combine(r->aux, bits, old, operand), 0, bits), size, swap)));
    }
    if (p.tag & TLB_TAG_CODE)
        tcg_wrote_code_page(cpu, p.entry, host, size);
    return old;
}

void slow_perform(struct tcg_cpu *cpu, const struct slow_request *r)
{
    unsigned size = 1u << r->mem.size_log2;
    uint8_t bytes[16] = {0};
    bool is_load = r->op == IR_LD || r->op == IR_LDP;
    if (r->mem.align_log2 && (r->address & (BIT32(r->mem.align_log2) - 1)))
        misaligned(cpu, r->address, is_load ? TLB_READ : TLB_WRITE, r->mem.mmu_index);
    switch ((enum ir_op)r->op) {
    case IR_LD:
    case IR_LDP:
        read_bytes(cpu, r->address, size, r->mem.mmu_index, bytes);
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
        write_bytes(cpu, r->address, size, r->mem.mmu_index, bytes);
        break;
    default:
        memset(r->result, 0, 16);
        store_le64(r->result, atomic_operation(cpu, r));
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

// --- accesses by helpers ---

// The host's address of an access that the soft TLB has as one to plain memory, with nobody to be told; else NULL.
static uint8_t *at_hand(struct tcg_cpu *cpu, uint64_t gva, unsigned size, enum tlb_access access, unsigned mmu_index)
{
    const struct backend_tlb *tlb = &cpu->tlb->current->tlb;
    const struct backend_tlb_entry *e = &tlb->tables[mmu_index][gva >> TLB_PAGE_BITS & (TLB_ENTRIES - 1)];
    bool there = tlb_entry_tag(e, access) == (gva & -(uint64_t)TLB_PAGE_SIZE) && bytes_in_page(gva, size) == size;
    return there ? (uint8_t *)(uintptr_t)(gva + e->addend) : NULL;
}

uint64_t tlb_load(struct tcg_cpu *cpu, uint64_t gva, unsigned size, unsigned mmu_index)
{
    uint8_t bytes[16] = {0};
    const uint8_t *host = at_hand(cpu, gva, size, TLB_READ, mmu_index);
    if (host)
        ram_read(bytes, host, size);
    else
        read_bytes(cpu, gva, size, mmu_index, bytes);
    return load_le64(bytes);
}

void tlb_store(struct tcg_cpu *cpu, uint64_t gva, unsigned size, uint64_t value, unsigned mmu_index)
{
    uint8_t bytes[16] = {0};
    store_le64(bytes, value);
    uint8_t *host = at_hand(cpu, gva, size, TLB_WRITE, mmu_index);
    if (host)
        ram_write(host, bytes, size);
    else
        write_bytes(cpu, gva, size, mmu_index, bytes);
}

// The next piece of an access to `left` bytes: a page at once where that is plain memory, which is then at *host.
static unsigned next_piece(struct tcg_cpu *cpu, uint64_t gva, unsigned left, enum tlb_access access, unsigned mmu_index,
                           uint8_t **host)
{
    unsigned in_page = bytes_in_page(gva, left);
    place_of(cpu, gva, 0, access, mmu_index);
    *host = at_hand(cpu, gva, in_page, access, mmu_index);
    if (*host)
        return in_page;
    return in_page >= 8 ? 8 : is_power_of_two(in_page) ? in_page : 1;
}

void tlb_load_bytes(struct tcg_cpu *cpu, uint64_t gva, void *out, unsigned size, unsigned mmu_index)
{
    for (unsigned done = 0, part; done < size; done += part) {
        uint8_t *host, *to = (uint8_t *)out + done;
        part = next_piece(cpu, gva + done, size - done, TLB_READ, mmu_index, &host);
        if (host)
            memcpy(to, host, part);
        else
            store_le(to, part, tlb_load(cpu, gva + done, part, mmu_index));
    }
}

void tlb_store_bytes(struct tcg_cpu *cpu, uint64_t gva, const void *in, unsigned size, unsigned mmu_index)
{
    for (unsigned first = bytes_in_page(gva, size); first < size; first += bytes_in_page(gva + first, size - first))
        place_of(cpu, gva + first, 0, TLB_WRITE, mmu_index);
    for (unsigned done = 0, part; done < size; done += part) {
        uint8_t *host;
        const uint8_t *from = (const uint8_t *)in + done;
        part = next_piece(cpu, gva + done, size - done, TLB_WRITE, mmu_index, &host);
        if (host)
            memcpy(host, from, part);
        else
            tlb_store(cpu, gva + done, part, load_le(from, part), mmu_index);
    }
}

void *tlb_host(struct tcg_cpu *cpu, uint64_t gva, enum tlb_access access, unsigned mmu_index, bool probe)
{
    struct tlb_fault f = {0};
    bool bus;
    struct tlb_place p;
    if (!tlb_lookup(cpu, gva, access, mmu_index, probe, &p, &f, &bus)) {
        if (probe)
            return NULL;
        if (bus)
            bus_error(cpu, gva, f.gpa, access, mmu_index);
        fault(cpu, &f, mmu_index, 0);
    }
    if (p.tag & TLB_TAG_WATCHED)
        return NULL;
    if (p.host && access == TLB_WRITE && (p.tag & TLB_TAG_CODE)) {
        uint8_t *page = (uint8_t *)((uintptr_t)p.host & -(uintptr_t)TLB_PAGE_SIZE);
        tcg_wrote_code_page(cpu, p.entry, page, TLB_PAGE_SIZE);
    }
    return p.host;
}
