// SPDX-License-Identifier: MIT
// The lookup tables for code: one for each address space and set of modes used lately, from a guest address to host code.
// They share the life of the soft TLB and its lock. Behind the entries that translated code probes lie more, found by another
// hash, for what made room there: the stub through which a failed probe leaves looks there.
#include <string.h>

#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/exec/private.h"

// An address that is never looked up in this entry: its own index is another one.
static uint64_t no_pc(unsigned i)
{
    if (i >= 1u << BACKEND_JUMP_LOG2)
        return i == backend_jump_second_index(0) ? 4 : 0;
    return (i ^ 1) & (TLB_PAGE_SIZE - 1);
}

static void clear_jump_entry(struct code_context *c, unsigned i)
{
    __atomic_store_n(&c->table[i].pc, no_pc(i), __ATOMIC_RELAXED);
}

static void set_jump_entry(struct code_context *c, unsigned i, uint64_t pc, void *code)
{
    c->used[i / 64] |= BIT64(i % 64);
    clear_jump_entry(c, i);
    c->table[i].code = code;
    __atomic_store_n(&c->table[i].pc, pc, __ATOMIC_RELEASE);
}

static void clear_table(struct code_context *c)
{
    for (unsigned i = 0; i < ARRAY_SIZE(c->used); i++) {
        for (uint64_t bits = c->used[i]; bits; bits &= bits - 1)
            clear_jump_entry(c, i * 64 + ctz64(bits));
        c->used[i] = 0;
    }
    memset(c->filter, 0, sizeof(c->filter));
    c->first = ~UINT64_C(0);
    c->last = 0;
}

static struct code_context *new_table(void)
{
    struct code_context *c = ALLOC(struct code_context);
    for (unsigned i = 0; i < JUMP_ENTRIES; i++)
        clear_jump_entry(c, i);
    return c;
}

static unsigned filter_bit(uint64_t page_number)
{
    return (unsigned)((page_number * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - CODE_FILTER_LOG2));
}

static void use(struct tcg_cpu *cpu, struct code_context *c)
{
    c->last_used = ++cpu->tlb->clock;
    cpu->code_context = c;
    cpu->jump_table = c->table;
}

void code_table_select(struct tcg_cpu *cpu, uint64_t space, uint64_t flags)
{
    struct tlb_state *t = cpu->tlb;
    struct code_context *c = cpu->code_context;
    if (c && c->space == space && c->flags == flags)
        return;
    // Guests go back and forth between a few.
    uint64_t hash = (space ^ flags) * UINT64_C(0x9e3779b97f4a7c15);
    struct code_context **recent = &t->recent_code[(hash >> 40) % RECENT_CODE];
    c = *recent;
    if (c && c->space == space && c->flags == flags) {
        use(cpu, c);
        return;
    }
    unsigned oldest = 0;
    for (unsigned i = 0; i < CODE_CONTEXTS; i++) {
        c = t->code_contexts[i];
        if (!c) {
            oldest = i;
            break;
        }
        if (c->space == space && c->flags == flags) {
            *recent = c;
            use(cpu, c);
            return;
        }
        if (c->last_used < t->code_contexts[oldest]->last_used)
            oldest = i;
    }
    pthread_spin_lock(&t->lock);
    c = t->code_contexts[oldest];
    if (!c)
        c = t->code_contexts[oldest] = new_table();
    clear_table(c);
    c->space = space;
    c->flags = flags;
    pthread_spin_unlock(&t->lock);
    *recent = c;
    use(cpu, c);
}

void code_table_insert(struct tcg_cpu *cpu, uint64_t pc, void *code, uint64_t flushes)
{
    struct code_context *c = cpu->code_context;
    unsigned index = backend_jump_index(pc);
    struct backend_jump_entry *e = &c->table[index];
    unsigned bit = filter_bit(pc >> TLB_PAGE_BITS);
    pthread_spin_lock(&cpu->tlb->lock);
    if (cpu->tlb->flushes == flushes) {
        c->filter[bit / 64] |= BIT64(bit % 64);
        c->first = pc < c->first ? pc : c->first;
        c->last = pc > c->last ? pc : c->last;
        if (e->pc != no_pc(index) && e->pc != pc)
            set_jump_entry(c, backend_jump_second_index(e->pc), e->pc, e->code);
        set_jump_entry(c, index, pc, code);
    }
    pthread_spin_unlock(&cpu->tlb->lock);
}

void code_tables_clear_locked(struct tlb_state *t, bool all, uint64_t space)
{
    for (unsigned i = 0; i < CODE_CONTEXTS; i++)
        if (t->code_contexts[i] && (all || t->code_contexts[i]->space == space))
            clear_table(t->code_contexts[i]);
}

void code_tables_clear(struct tcg_cpu *cpu)
{
    pthread_spin_lock(&cpu->tlb->lock);
    code_tables_clear_locked(cpu->tlb, true, 0);
    pthread_spin_unlock(&cpu->tlb->lock);
}

// Removes the entries of one page from a table.
static void clear_table_page(struct code_context *c, uint64_t page)
{
    unsigned bit = filter_bit(page >> TLB_PAGE_BITS);
    if (!(c->filter[bit / 64] >> (bit % 64) & 1))
        return;
    for (unsigned w = 0; w < ARRAY_SIZE(c->used); w++) {
        // The first entries are near that of the page's first byte.
        if (w * 64 < 1u << BACKEND_JUMP_LOG2 && (w * 64 ^ backend_jump_index(page)) >= TLB_PAGE_SIZE)
            continue;
        for (uint64_t bits = c->used[w]; bits; bits &= bits - 1) {
            unsigned i = w * 64 + ctz64(bits);
            if ((c->table[i].pc & -(uint64_t)TLB_PAGE_SIZE) != page)
                continue;
            clear_jump_entry(c, i);
            c->used[w] &= ~(bits & -bits);
        }
    }
}

// The same for all pages of a range.
static void clear_table_range(struct code_context *c, const struct range_flush *r)
{
    for (unsigned w = 0; w < ARRAY_SIZE(c->used); w++) {
        for (uint64_t bits = c->used[w]; bits; bits &= bits - 1) {
            unsigned i = w * 64 + ctz64(bits);
            if ((c->table[i].pc & r->ignore) - r->first >= r->size)
                continue;
            clear_jump_entry(c, i);
            c->used[w] &= ~(bits & -bits);
        }
    }
}

void code_tables_clear_range(struct tlb_state *t, const struct range_flush *r)
{
    bool many = r->size > 32 * TLB_PAGE_SIZE;
    for (unsigned i = 0; i < CODE_CONTEXTS; i++) {
        struct code_context *c = t->code_contexts[i];
        if (!c || !(r->all_keys || c->space == r->key || c->space == 0))
            continue;
        // A process's memory has nothing to do with the code of the kernel. (Where addresses wrap, first is above last.)
        uint64_t first = c->first & r->ignore, last = c->last & r->ignore;
        if (first <= last && (last < r->first || (first > r->first && first - r->first >= r->size)))
            continue;
        if (many) {
            clear_table_range(c, r);
            continue;
        }
        for (uint64_t page = r->first; page < r->first + r->size; page += TLB_PAGE_SIZE) {
            clear_table_page(c, page);
            if (~r->ignore)
                clear_table_page(c, page | ~r->ignore);
        }
    }
}
