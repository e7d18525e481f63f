// SPDX-License-Identifier: MIT
// Loops that stand both in the bench's work list (work-integer.c) and in the program that instructions are counted of
// (count/items.c), which run them on data of their own: everyday C for a guest of any width, without a C library.
#pragma once
#include "tests/bench/work.h"

// For qsort() and its like.
static inline int loop_compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

struct loop_slot {
    uint32_t key, value;
};

// Open addressing with linear probing in 1 << log2 slots, all zeros before round 0, which inserts keys in half of them; later
// rounds look for keys of which half are there. One visit, of as many as there are keys, from 1: the value that it leaves.
static inline uint32_t loop_hash_visit(struct loop_slot *table, unsigned log2, uint32_t round, uint32_t i)
{
    uint32_t slots = UINT32_C(1) << log2, key = round == 0 ? i * 2 : i + slots / 4, at = key * 2654435769u >> (32 - log2);
    while (table[at].key && table[at].key != key)
        at = (at + 1) & (slots - 1);
    if (round == 0)
        table[at].key = key;
    if (table[at].key)
        table[at].value += i;
    return table[at].value;
}

// CRC-32 with a table, which it makes, of `bytes` bytes that count up.
static inline uint32_t loop_crc(uint32_t table[256], uint32_t bytes)
{
    uint32_t c = ~0u;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t r = i;
        for (unsigned k = 0; k < 8; k++)
            r = r & 1 ? r >> 1 ^ 0xedb88320 : r >> 1;
        table[i] = r;
    }
    for (uint32_t i = 0; i < bytes; i++)
        c = table[(c ^ i) & 255] ^ c >> 8;
    return c;
}

// A stack machine: an instruction is an opcode byte and an operand byte. PUSH 255 pushes -1.
enum loop_bytecode { LOAD, STORE, PUSH, ADD, MUL, XOR, SHR, JNZ, HALT, AND };

static inline void loop_interpret(const uint8_t *code, uint32_t *variables)
{
    uint32_t stack[8], *sp = stack;
    for (const uint8_t *pc = code;;) {
        uint32_t operand = pc[1];
        switch ((enum loop_bytecode)*pc) {
        case LOAD:
            *sp++ = variables[operand];
            break;
        case STORE:
            variables[operand] = *--sp;
            break;
        case PUSH:
            *sp++ = operand == 255 ? ~0u : operand;
            break;
        case ADD:
            sp--;
            sp[-1] += sp[0];
            break;
        case MUL:
            sp--;
            sp[-1] *= sp[0];
            break;
        case XOR:
            sp--;
            sp[-1] ^= sp[0];
            break;
        case SHR:
            sp--;
            sp[-1] >>= sp[0];
            break;
        case AND:
            sp--;
            sp[-1] &= sp[0];
            break;
        case JNZ:
            if (*--sp) {
                pc = code + operand;
                continue;
            }
            break;
        case HALT:
            return;
        }
        pc += 2;
    }
}
