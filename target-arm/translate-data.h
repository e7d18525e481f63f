// SPDX-License-Identifier: MIT
// Shared by the data processing translators, and decode helpers that tests look at.
#pragma once

#include "target-arm/translate.h"

// The sum or difference; sets NZCV from it.
ir_ref a64_add_sub_flags(struct a64 *a, ir_ref n, ir_ref m, bool subtract);

// DecodeBitMasks for logical immediates. False for reserved ones. `width` is 32 or 64.
bool a64_decode_bit_masks(unsigned n, unsigned imms, unsigned immr, unsigned width, uint64_t *mask);

// ExtendReg without the shift: option is UXTB, UXTH, UXTW, UXTX, SXTB, ... ; the result has `type`.
ir_ref a64_extend(struct a64 *a, enum ir_type type, unsigned m, unsigned option);
