// SPDX-License-Identifier: MIT
// x87 instructions while all exceptions are masked: the instruction itself on the host's x87, which holds the guest's state
// then (fpu.h). Stack faults, tags, condition codes and roundings are right by construction. What is left to do is memory,
// EFLAGS, and the last instruction pointer.

#include "target-x86/fpu.h"
#include "target-x86/translate.h"
#include "target-x86/x87.h"
#include "tcg/host-x87.h"

static ir_ref emit(struct x86_translator *x, enum ir_type type, struct host_x87 op, ir_ref a, ir_ref b)
{
    return ir_emit(x->b, IR_X87, type, 0, a, b, IR_NONE, host_x87_pack(op));
}

static ir_ref emit0(struct x86_translator *x, enum ir_type type, struct host_x87 op)
{
    return emit(x, type, op, tx_i32(x, 0), tx_i32(x, 0));
}

// The state goes elsewhere before the first instruction of a block that needs it there, and the block is entered again.
void tx_x87_place(struct x86_translator *x, enum x86_fpu_place place, const struct ir_helper *helper)
{
    if (x->notes.x87 & place)
        return;
    x->notes.x87 = place;
    if (tx_stands_alone(x) || tx_flag(x, X86_BF_BREAKPOINTS)) {
        tx_call0(x, helper);
        return;
    }
    uint32_t move = ir_new_side(x->b), good = ir_new_side(x->b);
    x->b->region->blocks[move].cold = true;
    ir_brcond(x->b, IR_TSTEQ, ir_get(x->b, SLOT_X87_PLACE), tx_i32(x, place), move, good);
    ir_begin_block(x->b, move);
    tx_call0(x, helper);
    ir_exit_indirect(x->b, ir_pc_plus(x->b, x->pc));
    ir_begin_block(x->b, good);
}

static void make_live(struct x86_translator *x)
{
    tx_x87_place(x, X87_IN_HOST, &x86_helper_x87_load);
}

// Leaves the last instruction's pointer and opcode, as little of them as can be had for constants.
static void note_instruction(struct x86_translator *x, const struct x86_decoded *in)
{
    struct ir_builder *b = x->b;
    uint32_t note = ((in->opcode & 7u) << 8 | in->modrm) << X87_NOTE_OPCODE | (uint32_t)x->pc << X87_NOTE_OFFSET |
                    (uint32_t)(x->mode == 2) << X87_NOTE_WIDE | UINT32_C(1) << X87_NOTE_VALID;
    ir_ref page = ir_get(b, SLOT_PC_PAGE);
    if (x->mode != 2 && !tx_flag(x, X86_BF_CS_ZERO))
        page = ir_sub(b, page, ir_get(b, SLOT_SEG_BASE + X86_CS));
    ir_set(b, SLOT_X87_NOTE, tx_i32(x, note));
    ir_set(b, SLOT_X87_NOTE_PAGE, page);
    ir_set(b, SLOT_X87_CS, ir_get(b, SLOT_SELECTOR + X86_CS));
}

// --- registers -----------------------------------------------------------------------------------------------------

// FCMOVcc: B, E, BE, U at DA, the opposite at DB.
static bool is_conditional_move(unsigned opcode, unsigned modrm)
{
    return (opcode == 0xda || opcode == 0xdb) && modrm < 0xe0;
}

static void conditional_move(struct x86_translator *x, const struct x86_decoded *in)
{
    enum { FCMOVNE_OPCODE = 0xdb, FCMOVNE = 0xc8 };
    static const uint8_t conditions[] = {2, 4, 6, 10};
    unsigned cc = conditions[in->modrm >> 3 & 3] | (in->opcode & 1u);
    struct host_x87 op = {.opcode = FCMOVNE_OPCODE, .modrm = (uint8_t)(FCMOVNE | (in->modrm & 7)), .cond = true};
    emit(x, IR_VOID, op, tx_setcond(x, IR_I32, cc), tx_i32(x, 0));
}

// FUCOMI, FCOMI, FUCOMIP, FCOMIP
static bool sets_flags(unsigned opcode, unsigned modrm)
{
    return (opcode == 0xdb || opcode == 0xdf) && modrm >= 0xe8 && modrm < 0xf8;
}

static bool in_registers(struct x86_translator *x, const struct x86_decoded *in)
{
    struct host_x87 op = {.opcode = in->opcode, .modrm = in->modrm};
    unsigned what = (unsigned)in->opcode << 8 | in->modrm;
    if (what == X87_FNINIT || what == X87_FNCLEX)
        return false;
    if (!x87_waits(in->opcode, in->modrm) && what != X87_FNSTSW_AX)
        return true;
    make_live(x);
    if (what == X87_FNSTSW_AX) {
        struct host_x87 to_memory = {.opcode = 0xdd, .modrm = 7 << 3, .out = 2};
        tx_set_gpr(x, X86_RAX, 1, emit0(x, IR_I32, to_memory));
        return true;
    }
    if (is_conditional_move(in->opcode, in->modrm)) {
        conditional_move(x, in);
    } else if (sets_flags(in->opcode, in->modrm)) {
        op.flags = true;
        tx_set_flags(x, emit0(x, IR_I32, op));
    } else {
        emit0(x, IR_VOID, op);
    }
    note_instruction(x, in);
    return true;
}

// --- memory --------------------------------------------------------------------------------------------------------

enum { LONG_PART = 8 }; // what of 10 bytes is accessed first

static unsigned log2_of(unsigned bytes)
{
    return bytes == 2 ? 1 : bytes == 4 ? 2 : 3;
}

static ir_ref second_part(struct x86_translator *x, ir_ref address)
{
    ir_ref second = ir_addi(x->b, address, LONG_PART);
    return x->mode == 2 ? second : tx_linear_type(x, ir_trunc(x->b, second));
}

static void by_helper(struct x86_translator *x, const struct x86_decoded *in, ir_ref address, ir_ref offset)
{
    uint32_t what = (uint32_t)in->opcode << 8 | in->modrm | x->mmu << 16 | (uint32_t)in->segment << 18;
    tx_call3(x, &x86_helper_x87_memory, tx_i32(x, what), address, offset);
}

static void load(struct x86_translator *x, const struct x86_decoded *in, struct host_x87 op, ir_ref address)
{
    ir_ref low = tx_load(x, address, log2_of(op.in)), high = tx_i32(x, 0);
    if (op.in > LONG_PART)
        high = tx_load(x, second_part(x, address), 1);
    emit(x, IR_VOID, op, low, high);
    note_instruction(x, in);
}

// The instruction goes on inline only where its store cannot fault: by then the host's x87 has changed.
static void store(struct x86_translator *x, const struct x86_decoded *in, struct host_x87 op, ir_ref address, ir_ref offset)
{
    struct ir_builder *b = x->b;
    ir_ref host = ir_emit(b, IR_PROBE, IR_I64, x->mmu << 1 | 1, address, IR_NONE, IR_NONE, (uint64_t)op.out << 32);
    uint32_t slow = ir_new_side(b), good = ir_new_side(b);
    b->region->blocks[slow].cold = true;
    ir_brcond(b, IR_EQ, host, tx_i64(x, 0), slow, good);
    ir_begin_block(b, slow);
    by_helper(x, in, address, offset);
    tx_exit_anew(x, x->next);
    ir_begin_block(b, good);
    enum ir_type type = op.out > LONG_PART ? IR_V128 : op.out == 8 ? IR_I64 : IR_I32;
    ir_ref value = emit0(x, type, op);
    struct ir_mem mem = {.size_log2 = (uint8_t)log2_of(op.out), .mmu_index = x->mmu};
    if (op.out > LONG_PART) {
        ir_ref high = ir_emit(b, IR_VGET, IR_I32, 1, value, IR_NONE, IR_NONE, LONG_PART / 2);
        struct ir_mem last = {.offset = LONG_PART, .size_log2 = 1, .mmu_index = x->mmu};
        ir_emit(b, IR_STP, IR_I32, 0, address, high, host, ir_mem_pack(last));
        value = ir_emit(b, IR_VGET, IR_I64, 3, value, IR_NONE, IR_NONE, 0);
    }
    ir_emit(b, IR_STP, ir_type_of(b->region, value), 0, address, value, host, ir_mem_pack(mem));
    note_instruction(x, in);
}

// FLDCW: leaves by the helper when an exception is not to be masked any more.
static void load_control(struct x86_translator *x, const struct x86_decoded *in, struct host_x87 op, ir_ref address)
{
    enum { MASKS = 0x3f };
    ir_ref value = tx_load(x, address, 1);
    uint32_t unmasks = ir_new_side(x->b), good = ir_new_side(x->b);
    x->b->region->blocks[unmasks].cold = true;
    ir_brcond(x->b, IR_NE, ir_andi(x->b, value, MASKS), tx_i32(x, MASKS), unmasks, good);
    ir_begin_block(x->b, unmasks);
    by_helper(x, in, address, tx_i64(x, 0));
    tx_exit_next_loop(x);
    ir_begin_block(x->b, good);
    emit(x, IR_VOID, op, value, tx_i32(x, 0));
}

static bool in_memory(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned reg = in->modrm >> 3 & 7;
    struct x87_operand o = x87_operand(in->opcode, reg);
    struct host_x87 op = {.opcode = in->opcode, .modrm = in->modrm, .in = o.store ? 0 : o.bytes, .out = o.store ? o.bytes : 0};
    bool control = x87_is_control(in->opcode, reg);
    if (o.store && !control && tx_flag(x, X86_BF_ALIGN))
        return false;
    make_live(x);
    ir_ref offset = tx_offset(x, in), address = tx_linear(x, in->segment, offset, o.bytes, o.store);
    if (control && o.store)
        tx_store(x, address, 1, emit0(x, IR_I32, op));
    else if (control)
        load_control(x, in, op, address);
    else if (o.store)
        store(x, in, op, address, offset);
    else
        load(x, in, op, address);
    if (!control) {
        ir_set(x->b, SLOT_X87_DP, ir_zext(x->b, offset));
        ir_set(x->b, SLOT_X87_DS, ir_get(x->b, SLOT_SELECTOR + in->segment));
    }
    return true;
}

bool tx_x87_inline(struct x86_translator *x, const struct x86_decoded *in)
{
    if (!tx_flag(x, X86_BF_X87_MASKED))
        return false;
    return in->mod == 3 ? in_registers(x, in) : in_memory(x, in);
}
