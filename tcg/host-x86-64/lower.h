// SPDX-License-Identifier: MIT
// What the files of the x86-64 backend share.
//
// Registers: RBP the state structure, R15 the current soft-TLB context, RSP the spill frame; XMM15 breaks cycles.
// Everything else is allocatable. Helpers are called by the System V ABI.
//
// Frame, from RSP up: spill slots (FRAME_BYTES), then what backend_enter saved.
#pragma once

#include "tcg/backend.h"
#include "tcg/host-x86-64/encode.h"
#include "tcg/regalloc/alloc.h"

enum {
    STATE_REG = RBP,
    TLB_REG = R15,
    FRAME_BYTES = 2048,
    CALLER_SAVED = 0xffff0000u | 1u << RAX | 1u << RCX | 1u << RDX | 1u << RSI | 1u << RDI | 1u << R8 | 1u << R9 |
                   1u << R10 | 1u << R11,
};

enum x86_feature {
    X86_FEATURE_AVX2 = 1 << 0, // and AVX, FMA, F16C, and all of SSE
    X86_FEATURE_BMI = 1 << 1,  // BMI1, BMI2, LZCNT
    X86_FEATURE_SSE41 = 1 << 2, // and SSSE3, SSE4.2, POPCNT
};

struct lower;
struct cold_path;

enum { RETRY_SIZES = 5 };

struct backend {
    struct backend_layout layout;
    uint32_t features;
    ptrdiff_t exec_delta;
    const uint8_t *second_stub[BACKEND_TLB_TABLES][2]; // by mmu index, for loads and for stores
    const uint8_t *retry_stub[2][BACKEND_TLB_TABLES][2][RETRY_SIZES]; // of RAX, RCX; and by the log2 of the size
    const uint8_t *enter, *slow_stub, *exit_poll, *exit_loop_pc, *exit_lookup_pc, *exit_link, *exit_hot, *slow_stub_end, *stubs_end;
    struct ra_host ra_host;
    uint8_t pool_use[IR_OP_COUNT]; // lower_pool_use
};

// What a failed inline check left, for the second level.
struct second_check {
    const uint8_t *found; // where the access goes on; NULL: there was no check
    uint8_t t, u;         // registers: table offset, page
    uint8_t result;       // one of the two, for the addend
    uint8_t mmu_index;
    bool write;
};

// A memory operation's way out, emitted behind the region.
struct slow_path {
    uint8_t *from; // the jump to it
    uint8_t *back; // where it returns to
    uint32_t site; // offset in the meta buffer
    struct second_check second;
    // Of an access whose shared check failed: by a check of its own first.
    bool retry, store;
    uint8_t type, address, data; // registers of the address and the value
    struct ir_mem mem;
};

// Other code that is laid out behind the region.
struct cold_path {
    uint8_t *from;
    void (*emit)(struct lower *l, struct cold_path *path);
    uint8_t *back;
    uint64_t data[4];
};

struct jump_fixup {
    uint8_t *place;
    uint32_t block;
};

struct lower {
    struct backend *backend;
    struct x86_code c;
    struct ra ra;
    struct ir_region *region;
    struct backend_buffers *buffers;
    bool meta_full;
    bool avx2, bmi, sse41;
    uint32_t next_block; // laid out next, IR_NONE for none
    // What the host's carry flag holds before the instruction at hand, and behind it: that value, and the carry out of that
    // ADD, ADDC, SUB or SUBB (of another operation: nothing). IR_NONE: nothing known.
    struct lower_carry {
        ir_ref value, sum;
    } carry_in, carry_out;
    uint32_t carry_until; // sums before that one stay out of the carry flag
    uint8_t *zero_upper; // by instruction: the upper half of an i32's register must be zero
    const uint8_t **labels;
    struct jump_fixup *fixups;
    uint32_t fixup_count, fixup_capacity;
    struct slow_path *slow;
    uint32_t slow_count, slow_capacity;
    struct cold_path *cold;
    uint32_t cold_count, cold_capacity;
    struct tcg_exit *exits;
    uint8_t *pool, *pool_next; // 16-byte constants, below the code of the region
};

// Whether its instructions leave the carry flag as it is.
bool lower_keeps_carry(const struct lower *l, uint32_t index);
// Whether the carry flag holds that comparison's result; lower_define_carry: it does, behind this instruction, its own.
bool lower_is_carry_held(const struct lower *l, const struct ir_ins *setcond);
void lower_define_carry(struct lower *l, uint32_t index);
// Whether it is a MUL of which both halves are made at once.
bool lower_is_wide_product(const struct lower *l, uint32_t index);
// Each returns false when the operation is not its own.
bool lower_int(struct lower *l, uint32_t index);
bool lower_carry(struct lower *l, uint32_t index);
bool lower_control(struct lower *l, uint32_t index);
bool lower_memory(struct lower *l, uint32_t index);
bool lower_vector(struct lower *l, uint32_t index);
bool lower_vector_composed(struct lower *l, uint32_t index);
bool lower_fp(struct lower *l, uint32_t index);
bool lower_host_op(struct lower *l, uint32_t index);
bool lower_x87(struct lower *l, uint32_t index);
// Calls ir_eval for anything else.
void lower_eval(struct lower *l, uint32_t index);
void lower_call(struct lower *l, uint32_t index);
// What is at the start of the code buffer; fills in where in `b`.
void emit_stubs(struct backend *b, struct x86_code *c, const uint8_t *meta_base);
// The stubs for the second level of the soft TLB; goes to `found` on a hit there, else falls through with t and u as they
// were (but for the result's register).
void emit_second_stubs(struct backend *b, struct x86_code *c);
void lower_second(struct lower *l, const struct second_check *check);
// The retry of a slow path; falls through when its check fails too.
void lower_retry(struct lower *l, const struct slow_path *slow);

// Compares two integers and returns the host condition.
enum x86_cc lower_compare(struct lower *l, enum ir_cond cond, enum ir_type type, ir_ref a, ir_ref b);
// An integer constant that fits a sign-extended 32-bit immediate of an operation of that type.
bool lower_imm32(const struct lower *l, ir_ref ref, int32_t *imm);
// The second operand of such an operation: in a register unless it will be an immediate, then the one or the other.
unsigned lower_use_unless_imm(struct lower *l, ir_ref b);
void lower_alu_operand(struct lower *l, enum x86_alu op, bool w, unsigned dst, ir_ref b, unsigned b_reg);
struct x86_mem lower_place(const struct lower *l, enum ra_mem_kind kind, int32_t where);
// A 16-byte constant of the region's pool, addressed rip-relatively.
struct x86_mem lower_constant(struct lower *l, uint64_t lo, uint64_t hi);
// How many constants of its own the lowering of an operation may put there.
unsigned lower_pool_use(unsigned op);
unsigned lower_composed_pool_use(unsigned op); // part of it
// Memory in the meta buffer; NULL (and meta_full) when there is none.
void *lower_meta(struct lower *l, size_t bytes);
// A call of one of the stubs that leave, with what they find behind it.
void lower_leave(struct lower *l, const uint8_t *stub, uint32_t more);
struct cold_path *lower_cold(struct lower *l);
// Vector operation dst = a op b in three-operand form, for hosts with and without AVX. `opcode` as in encode.h; the
// result register is defined. `over` is an operand index whose register the result may take (SSE form needs 0).
void lower_vec_binary(struct lower *l, uint32_t index, uint32_t opcode, ir_ref a, ir_ref b, bool commutes);
void lower_vec_unary(struct lower *l, uint32_t index, uint32_t opcode, ir_ref a);
// As above on registers: dst must not be b without AVX.
void emit_vec3(struct lower *l, uint32_t opcode, unsigned dst, unsigned a, unsigned b);
void emit_vec3_mem(struct lower *l, uint32_t opcode, unsigned dst, unsigned a, struct x86_mem m);
void emit_vec2(struct lower *l, uint32_t opcode, unsigned dst, unsigned src);
void emit_vec_shift(struct lower *l, uint32_t opcode, unsigned digit, unsigned dst, unsigned src, unsigned count);
void emit_vec_imm(struct lower *l, uint32_t opcode, unsigned dst, unsigned a, unsigned b, unsigned imm); // three operands
void emit_vec2_imm(struct lower *l, uint32_t opcode, unsigned dst, unsigned src, unsigned imm);
void emit_vec_move(struct lower *l, unsigned dst, unsigned src);
void emit_vec_load(struct lower *l, unsigned dst, struct x86_mem m);
void emit_vec_store(struct lower *l, unsigned src, struct x86_mem m);
