// SPDX-License-Identifier: MIT
// Passes over a built region, a file each. They change it in place and leave it valid for ir_verify. Any thread; the
// region is the caller's. Constants fold while the region is built (fold.c).
#pragma once

#include "tcg/ir.h"

// Dead code elimination: drops what has no effect and whose value is not needed.
void ir_opt_dce(struct ir_region *region);
