// SPDX-License-Identifier: MIT
// Operations that are an x86-64 host's own instructions have no meaning on other hosts.
#include "tcg/eval.h"

bool ir_eval_host(const struct ir_eval_op *eval, union ir_value *result, const union ir_value *a, const union ir_value *b,
                  const union ir_value *c, const union ir_value *stub)
{
    (void)eval;
    (void)result;
    (void)a;
    (void)b;
    (void)c;
    (void)stub;
    return false;
}

bool ir_eval_x87(const struct ir_eval_op *eval, union ir_value *result, const union ir_value *a, const union ir_value *b)
{
    (void)eval;
    (void)result;
    (void)a;
    (void)b;
    return false;
}
