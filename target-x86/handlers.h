// SPDX-License-Identifier: MIT
// The translators that rows name, and the arguments that rows give them.
#pragma once

#include "target-x86/decode.h"
#include "tcg/ir.h"

enum x86_alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP, ALU_TEST };
enum x86_bcd { BCD_DAA, BCD_DAS, BCD_AAA, BCD_AAS, BCD_AAM, BCD_AAD };
enum x86_shift { SHIFT_ROL, SHIFT_ROR, SHIFT_RCL, SHIFT_RCR, SHIFT_SHL, SHIFT_SHR, SHIFT_SAR };
enum x86_string { STRING_MOVS, STRING_CMPS, STRING_STOS, STRING_LODS, STRING_SCAS, STRING_INS, STRING_OUTS };
enum x86_bit { BIT_BT, BIT_BTS, BIT_BTR, BIT_BTC };
enum x86_scan { SCAN_BSF, SCAN_BSR, SCAN_TZCNT, SCAN_LZCNT };
enum x86_bls { BLS_BLSR, BLS_BLSMSK, BLS_BLSI };
enum x86_xsave { XSAVE_XSAVE, XSAVE_XRSTOR, XSAVE_XSAVEOPT, XSAVE_XSAVEC };

#define HANDLER(name) x86_handler x86_tr_##name;
#include "target-x86/handlers.inc"
#undef HANDLER
