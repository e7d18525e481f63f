// SPDX-License-Identifier: MIT
// The QARMA-64 block cipher as pointer authentication uses it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Encrypts `data` with `tweak` under the 128-bit key k0:k1: 5 rounds and S-box sigma 2 (QARMA5), or with `short_form` 3
// rounds and S-box sigma 1 (QARMA3).
uint64_t qarma64(uint64_t data, uint64_t tweak, uint64_t k0, uint64_t k1, bool short_form);
