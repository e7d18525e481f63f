// SPDX-License-Identifier: MIT
// x87 instructions and state images.

#include "target-x86/translate.h"

bool x86_tr_x87(struct x86_translator *x, const struct x86_decoded *in)
{
    (void)in;
    return tx_ud(x);
}

bool x86_tr_x87_wait(struct x86_translator *x, const struct x86_decoded *in)
{
    (void)in;
    if (tx_flag(x, X86_BF_FPU_MP) && tx_flag(x, X86_BF_FPU_TS))
        return tx_raise(x, X86_NM);
    return true;
}

bool x86_tr_fxsave(struct x86_translator *x, const struct x86_decoded *in)
{
    (void)in;
    return tx_ud(x);
}

bool x86_tr_xsave(struct x86_translator *x, const struct x86_decoded *in)
{
    (void)in;
    return tx_ud(x);
}

bool x86_tr_mxcsr(struct x86_translator *x, const struct x86_decoded *in)
{
    (void)in;
    return tx_ud(x);
}
