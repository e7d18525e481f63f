// SPDX-License-Identifier: MIT
// 64-bit little-endian ELF programs as kernels or firmware.
#pragma once

#include <stdint.h>

#include "tcg/base/error.h"

enum { ELF_MAX_SEGMENTS = 64 };

struct elf_segment {
    uint64_t gpa;
    uint64_t file_offset, file_bytes; // inside the file, checked
    uint64_t memory_bytes;            // the rest is zero
};

struct elf_program {
    uint64_t entry; // as a physical address
    struct elf_segment segments[ELF_MAX_SEGMENTS];
    unsigned segment_count;
};

// Reads the headers of a file of `size` bytes. -EINVAL with a message for anything out of bounds.
int elf_parse(const uint8_t *data, uint64_t size, struct elf_program *program, struct error *error);
