// SPDX-License-Identifier: MIT
// Little-endian ELF programs of 32 or 64 bits as kernels or firmware.
#pragma once

#include <stdbool.h>
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
// A note of the program (PT_NOTE) by owner and type: its contents, inside the file.
bool elf_find_note(const uint8_t *data, uint64_t size, const char *owner, uint32_t type, const uint8_t **contents,
                   uint64_t *bytes);
// The same among notes that lie one behind the other.
bool elf_find_in_notes(const uint8_t *notes, uint64_t size, const char *owner, uint32_t type, const uint8_t **contents,
                       uint64_t *bytes);
