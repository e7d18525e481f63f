// SPDX-License-Identifier: MIT
// Another implementation to compare with: qemu-aarch64, which runs a user program.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct qemu_program {
    uint64_t code_at, entry, data_at; // addresses of whole pages, but for the entry
    const uint32_t *code;
    unsigned code_words;
    const void *data;
    uint64_t data_bytes;
};

// Whether there is one.
bool qemu_user_exists(void);
// Runs the program, which writes as many bytes as it has data to its standard output, into `out`. False when it does not.
bool qemu_user_run(const struct qemu_program *p, void *out);
