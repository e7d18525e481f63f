// SPDX-License-Identifier: MIT
// Random values, registers and instructions for the comparison with the host.
#pragma once

#include "tests/base/random.h"
#include "x86-compare.h"

// Often an edge case.
uint64_t random_value(void);
// Fills all registers and the data.
void random_registers(struct test *t, bool wide);

// One of all the rows, and its map.
const struct x86_row *random_row(unsigned *map);
// Whether a row's name is in a list that ends with NULL.
bool named(const struct x86_row *row, const char *const *list);
// Whether to write the row with VEX; a choice where it can be either.
bool random_form_is_vex(const struct x86_row *row);
// Writes the row's bytes, from the prefix it must have on: at random what it leaves open, `modrm` as far as it allows that,
// and 14 random bytes behind.
uint8_t *put_row(uint8_t *p, const struct x86_row *row, unsigned map, bool vex, bool wide, uint8_t modrm);
