// SPDX-License-Identifier: MIT
// Evaluation of fp operations: none yet.
#include "tcg/eval.h"

bool ir_eval_fp(const struct ir_eval_op *eval, union ir_value *result, const union ir_value *a,
                    const union ir_value *b, const union ir_value *c)
{
    (void)eval, (void)result, (void)a, (void)b, (void)c;
    return false;
}
