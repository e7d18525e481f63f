// SPDX-License-Identifier: MIT
// The machine that agent expressions run on: a stack of 64-bit integers. What only tracepoints need is not there, nor is
// floating point, which GDB does not make.
#include "frontend/gdb-agent.h"

#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum { STACK = 64, STEPS = 10000 };

// GDB manual, F.2
enum op {
    OP_ADD = 0x02, OP_SUB = 0x03, OP_MUL = 0x04, OP_DIV_SIGNED = 0x05, OP_DIV_UNSIGNED = 0x06, OP_REM_SIGNED = 0x07,
    OP_REM_UNSIGNED = 0x08, OP_LSH = 0x09, OP_RSH_SIGNED = 0x0a, OP_RSH_UNSIGNED = 0x0b, OP_LOG_NOT = 0x0e,
    OP_BIT_AND = 0x0f, OP_BIT_OR = 0x10, OP_BIT_XOR = 0x11, OP_BIT_NOT = 0x12, OP_EQUAL = 0x13, OP_LESS_SIGNED = 0x14,
    OP_LESS_UNSIGNED = 0x15, OP_EXT = 0x16, OP_REF8 = 0x17, OP_REF16 = 0x18, OP_REF32 = 0x19, OP_REF64 = 0x1a,
    OP_IF_GOTO = 0x20, OP_GOTO = 0x21, OP_CONST8 = 0x22, OP_CONST16 = 0x23, OP_CONST32 = 0x24, OP_CONST64 = 0x25,
    OP_REG = 0x26, OP_END = 0x27, OP_DUP = 0x28, OP_POP = 0x29, OP_ZERO_EXT = 0x2a, OP_SWAP = 0x2b, OP_PICK = 0x32,
    OP_ROT = 0x33,
};

struct run {
    const uint8_t *code;
    size_t length, pc;
    uint64_t stack[STACK];
    unsigned depth;
    const struct gdb_agent_access *access;
    bool failed;
};

static void push(struct run *r, uint64_t value)
{
    if (r->depth == STACK)
        r->failed = true;
    else
        r->stack[r->depth++] = value;
}

static uint64_t pop(struct run *r)
{
    if (r->depth)
        return r->stack[--r->depth];
    r->failed = true;
    return 0;
}

// An operand in the code, big-endian.
static uint64_t operand(struct run *r, unsigned bytes)
{
    uint64_t value = 0;
    if (r->length - r->pc < bytes) {
        r->failed = true;
        return 0;
    }
    while (bytes--)
        value = value << 8 | r->code[r->pc++];
    return value;
}

static void refer(struct run *r, unsigned bytes)
{
    uint8_t memory[8] = {0};
    uint64_t address = pop(r);
    if (!r->failed && !r->access->read_memory(r->access->opaque, address, memory, bytes))
        r->failed = true;
    push(r, load_le64(memory));
}

static void refer_register(struct run *r)
{
    uint64_t value = 0;
    unsigned number = (unsigned)operand(r, 2);
    if (!r->failed && !r->access->read_register(r->access->opaque, number, &value))
        r->failed = true;
    push(r, value);
}

static uint64_t divide(struct run *r, enum op op, uint64_t a, uint64_t b)
{
    bool is_signed = op == OP_DIV_SIGNED || op == OP_REM_SIGNED;
    if (!b) {
        r->failed = true;
        return 0;
    }
    if (is_signed && b == ~UINT64_C(0)) // the smallest number has no negative
        return op == OP_DIV_SIGNED ? -a : 0;
    switch (op) {
    case OP_DIV_SIGNED:
        return (uint64_t)((int64_t)a / (int64_t)b);
    case OP_DIV_UNSIGNED:
        return a / b;
    case OP_REM_SIGNED:
        return (uint64_t)((int64_t)a % (int64_t)b);
    default:
        return a % b;
    }
}

static uint64_t shift(enum op op, uint64_t a, uint64_t b)
{
    if (op == OP_RSH_SIGNED)
        return (uint64_t)((int64_t)a >> (b < 64 ? b : 63));
    if (b >= 64)
        return 0;
    return op == OP_LSH ? a << b : a >> b;
}

static void binary(struct run *r, enum op op)
{
    uint64_t b = pop(r), a = pop(r);
    switch (op) {
    case OP_ADD:
        push(r, a + b);
        break;
    case OP_SUB:
        push(r, a - b);
        break;
    case OP_MUL:
        push(r, a * b);
        break;
    case OP_LSH:
    case OP_RSH_SIGNED:
    case OP_RSH_UNSIGNED:
        push(r, shift(op, a, b));
        break;
    case OP_BIT_AND:
        push(r, a & b);
        break;
    case OP_BIT_OR:
        push(r, a | b);
        break;
    case OP_BIT_XOR:
        push(r, a ^ b);
        break;
    case OP_EQUAL:
        push(r, a == b);
        break;
    case OP_LESS_SIGNED:
        push(r, (int64_t)a < (int64_t)b);
        break;
    case OP_LESS_UNSIGNED:
        push(r, a < b);
        break;
    default:
        push(r, divide(r, op, a, b));
    }
}

static void extend(struct run *r, bool is_signed)
{
    unsigned bits = (unsigned)operand(r, 1);
    uint64_t value = pop(r);
    if (bits && bits < 64)
        value = is_signed ? (uint64_t)sextract64(value, 0, bits) : value & mask64(bits);
    push(r, value);
}

static void arrange(struct run *r, enum op op)
{
    uint64_t c = pop(r), b, a;
    switch (op) {
    case OP_DUP:
        push(r, c);
        push(r, c);
        break;
    case OP_SWAP:
        b = pop(r);
        push(r, c);
        push(r, b);
        break;
    default: // OP_ROT
        b = pop(r);
        a = pop(r);
        push(r, c);
        push(r, a);
        push(r, b);
    }
}

static void pick(struct run *r)
{
    unsigned n = (unsigned)operand(r, 1);
    if (n >= r->depth)
        r->failed = true;
    else
        push(r, r->stack[r->depth - 1 - n]);
}

static void execute(struct run *r, enum op op)
{
    uint64_t target;
    switch (op) {
    case OP_LOG_NOT:
        push(r, !pop(r));
        break;
    case OP_BIT_NOT:
        push(r, ~pop(r));
        break;
    case OP_EXT:
    case OP_ZERO_EXT:
        extend(r, op == OP_EXT);
        break;
    case OP_REF8:
    case OP_REF16:
    case OP_REF32:
    case OP_REF64:
        refer(r, 1u << (op - OP_REF8));
        break;
    case OP_CONST8:
    case OP_CONST16:
    case OP_CONST32:
    case OP_CONST64:
        push(r, operand(r, 1u << (op - OP_CONST8)));
        break;
    case OP_REG:
        refer_register(r);
        break;
    case OP_IF_GOTO:
        target = operand(r, 2);
        if (pop(r))
            r->pc = (size_t)target;
        break;
    case OP_GOTO:
        r->pc = (size_t)operand(r, 2);
        break;
    case OP_DUP:
    case OP_SWAP:
    case OP_ROT:
        arrange(r, op);
        break;
    case OP_POP:
        pop(r);
        break;
    case OP_PICK:
        pick(r);
        break;
    default:
        if ((op >= OP_ADD && op <= OP_RSH_UNSIGNED) || (op >= OP_BIT_AND && op <= OP_LESS_UNSIGNED))
            binary(r, op);
        else
            r->failed = true;
    }
}

bool gdb_agent_evaluate(const uint8_t *code, size_t length, const struct gdb_agent_access *access, uint64_t *value)
{
    struct run r = {.code = code, .length = length, .access = access};
    for (unsigned step = 0; step < STEPS && !r.failed && r.pc < length; step++) {
        enum op op = code[r.pc++];
        if (op == OP_END) {
            *value = pop(&r);
            return !r.failed;
        }
        execute(&r, op);
    }
    return false;
}
