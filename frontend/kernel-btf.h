// SPDX-License-Identifier: MIT
// What a kernel says of its structures.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel_btf {
    const uint8_t *types, *strings;
    size_t strings_bytes;
    uint32_t *offsets; // of each type
    uint32_t count;
};

// Takes a description of at most `size` bytes, which stay where they are until it is closed. False where there is none.
bool kernel_btf_open(struct kernel_btf *btf, const uint8_t *data, size_t size);
void kernel_btf_close(struct kernel_btf *btf);
// The number of a structure, 0 where none has the name.
uint32_t kernel_btf_struct(const struct kernel_btf *btf, const char *name);
// Where "member" or "member.member" of it is, in bytes.
bool kernel_btf_member(const struct kernel_btf *btf, uint32_t structure, const char *path, uint32_t *offset);
uint32_t kernel_btf_size(const struct kernel_btf *btf, uint32_t structure);
