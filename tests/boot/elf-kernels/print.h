// SPDX-License-Identifier: MIT
// For the test kernels: text to the first serial port, and the end of the machine by the isa-debug-exit device at port 0xf4.
#pragma once

#include <stdint.h>

static inline void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static void print(const char *text)
{
    while (*text)
        out8(0x3f8, (uint8_t)*text++);
}

static void print_bytes(uintptr_t start, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        out8(0x3f8, ((const uint8_t *)start)[i]);
}

static void print_number(uint64_t value)
{
    print("0x");
    int shift = 60;
    while (shift && !(value >> shift))
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        out8(0x3f8, (uint8_t) "0123456789abcdef"[value >> shift & 15]);
}

static void field(const char *name, uint64_t value)
{
    print(name);
    print("=");
    print_number(value);
    print("\n");
}

// What a protocol says about the processor's state at the entry: protected, no paging, 4 GiB flat.
static void print_state(void)
{
    uint32_t cr0, flags, limit;
    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("pushf; pop %0" : "=r"(flags));
    __asm__ volatile("lsl %1, %0" : "=r"(limit) : "r"(0x10));
    field("paging", cr0 >> 31);
    field("protected", cr0 & 1);
    field("interrupts", flags >> 9 & 1);
    field("limit", limit);
}

static void finish(void)
{
    out8(0xf4, 0x10);
    for (;;)
        __asm__ volatile("hlt");
}
