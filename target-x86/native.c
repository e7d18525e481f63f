// SPDX-License-Identifier: MIT
// Stubs and the way into them (native.h). For x86-64 hosts.

#include "target-x86/native.h"

#include <assert.h>
#include <cpuid.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/base/exec-memory.h"

// All instructions with all their immediates are about 55000.
enum { STUB_BYTES = HOST_STUB_BYTES, STUBS = 1 << 17, HASH = STUBS * 2 };

struct x86_native {
    struct exec_memory memory;
    pthread_mutex_t lock; // of what follows: a vCPU's thread translates, and those that compile regions for it
    uint32_t count;
    uint32_t index[HASH]; // stub number + 1
};

struct x86_native *x86_native_create(struct error *error)
{
    struct x86_native *n = ALLOC(struct x86_native);
    if (exec_memory_create(&n->memory, (size_t)STUBS * STUB_BYTES, error) < 0) {
        free(n);
        return NULL;
    }
    pthread_mutex_init(&n->lock, NULL);
    return n;
}

void x86_native_destroy(struct x86_native *native)
{
    if (!native)
        return;
    exec_memory_destroy(&native->memory);
    pthread_mutex_destroy(&native->lock);
    free(native);
}

// --- encoding ------------------------------------------------------------------------------------------------------

static bool has_kind(const struct x86_row *row, unsigned kind)
{
    for (unsigned i = 0; i < 4; i++)
        if (row->forms[i] >> 4 == kind)
            return true;
    return false;
}

// W matters where a general register or an FMA's or permutation's element size hangs on it.
bool x86_native_wide(const struct x86_decoded *in)
{
    // PCMPESTRI and PCMPESTRM take lengths from general registers that they do not name.
    if (in->map == X86_MAP_0F3A && (in->opcode & 0xfe) == 0x60)
        return in->mode == 2 && (in->rex & 8);
    bool general = has_kind(in->row, KIND_G) || has_kind(in->row, KIND_E);
    if (in->vex)
        return in->vex_w && (in->mode == 2 || !general);
    for (unsigned i = 0; i < 4; i++)
        if (in->op[i].size == 3 && (in->op[i].kind == X86_ARG_GPR || (in->row->forms[i] >> 4) == KIND_E))
            return true;
    return false;
}

static uint8_t *put_prefixes(uint8_t *p, const struct x86_decoded *in)
{
    static const uint8_t pp_of_rep[] = {0, 1, 2, 3};
    bool w = x86_native_wide(in);
    unsigned prefix = in->rep == 0xf3 ? 2 : in->rep == 0xf2 ? 3 : in->opsize_prefix ? 1 : 0;
    if (in->vex) {
        unsigned vvvv = has_kind(in->row, KIND_H) ? 1 : 0;
        *p++ = 0xc4;
        *p++ = (uint8_t)(0xe0 | in->map);
        *p++ = (uint8_t)(w << 7 | (~vvvv & 15) << 3 | in->vex_l << 2 | pp_of_rep[prefix]);
        return p;
    }
    if (prefix)
        *p++ = prefix == 1 ? 0x66 : prefix == 2 ? 0xf3 : 0xf2;
    if (w)
        *p++ = 0x48;
    *p++ = 0x0f;
    if (in->map != X86_MAP_0F)
        *p++ = in->map == X86_MAP_0F38 ? 0x38 : 0x3a;
    return p;
}

static void encode(uint8_t *code, const struct x86_decoded *in)
{
    enum { MEMORY_AT_RDI = 7, REGISTER_2 = 0xc2, RET = 0xc3 };
    uint8_t *p = put_prefixes(code, in);
    *p++ = in->opcode;
    // An opcode extension stays; it is where a group's instruction is named.
    unsigned reg = in->row->match & X86_MATCH_REG ? in->modrm >> 3 & 7 : 0;
    *p++ = (uint8_t)(reg << 3 | (in->mod == 3 ? REGISTER_2 : MEMORY_AT_RDI));
    if (has_kind(in->row, KIND_L))
        *p++ = 3 << 4;
    else if (has_kind(in->row, KIND_I))
        *p++ = (uint8_t)in->imm;
    *p = RET;
}

static uint64_t place(struct x86_native *n, const uint8_t code[STUB_BYTES])
{
    uint64_t hash = (load_le64(code) * UINT64_C(0x9e3779b97f4a7c15)) ^ (load_le64(code + 8) * UINT64_C(0xc2b2ae3d27d4eb4f));
    uint32_t at = (uint32_t)(hash >> 40) & (HASH - 1);
    pthread_mutex_lock(&n->lock);
    while (n->index[at] && memcmp(n->memory.write + (size_t)(n->index[at] - 1) * STUB_BYTES, code, STUB_BYTES))
        at = (at + 1) & (HASH - 1);
    if (!n->index[at]) {
        assert(n->count < STUBS);
        memcpy(n->memory.write + (size_t)n->count * STUB_BYTES, code, STUB_BYTES);
        n->index[at] = ++n->count;
    }
    uint32_t number = n->index[at] - 1;
    pthread_mutex_unlock(&n->lock);
    return (uint64_t)(uintptr_t)(n->memory.exec + (size_t)number * STUB_BYTES);
}

uint64_t x86_native_stub(struct x86_native *n, const struct x86_decoded *in)
{
    uint8_t code[STUB_BYTES] = {0};
    encode(code, in);
    return place(n, code);
}

uint64_t x86_native_op(struct x86_native *n, struct host_op op)
{
    uint8_t code[STUB_BYTES];
    host_op_encode(op, host_has_avx(), code);
    return place(n, code);
}

// --- running -------------------------------------------------------------------------------------------------------

_Static_assert(offsetof(struct host_frame, mm) == 160, "as the code below has it");

void x86_native_enter_mmx(struct host_frame *frame, uint64_t stub);

__asm__(".pushsection .text\n"
        ".type x86_native_enter_mmx, @function\n"
        "x86_native_enter_mmx:\n"
        "    movq 160(%rdi), %mm0\n"
        "    movq 176(%rdi), %mm2\n"
        "    push %rdi\n"
        "    call host_frame_run\n"
        "    pop %rdi\n"
        "    movq %mm0, 160(%rdi)\n"
        "    movq %mm2, 176(%rdi)\n"
        "    emms\n"
        "    ret\n"
        ".size x86_native_enter_mmx, . - x86_native_enter_mmx\n"
        ".popsection\n");

void x86_native_run(struct host_frame *frame, uint64_t stub, bool mmx)
{
    if (mmx)
        x86_native_enter_mmx(frame, stub);
    else
        host_frame_run(frame, stub);
}

bool x86_native_has(enum x86_feature feature)
{
    uint32_t r[4] = {0}, word = feature >> 5;
    if (word == X86_WORD_BASE)
        return true;
    if (feature == X86_FEAT_AVX && !host_has_avx())
        return false;
    const struct x86_feature_place *place = &x86_feature_places[word];
    return __get_cpuid_count(place->leaf, place->subleaf, &r[0], &r[1], &r[2], &r[3]) && (r[place->reg] >> (feature & 31) & 1);
}
