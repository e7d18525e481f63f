// SPDX-License-Identifier: MIT
// Bits of system registers, with the manual's names.
#pragma once

#include "tcg/base/bits.h"

// SPSR_ELx, bit numbers
enum {
    SPSR_BTYPE = 10,
    SPSR_SSBS = 12,
    SPSR_IL = 20,
    SPSR_SS = 21,
    SPSR_PAN = 22,
    SPSR_UAO = 23,
    SPSR_DIT = 24,
};

// SCTLR_ELx
#define SCTLR_M BIT64(0)
#define SCTLR_A BIT64(1)
#define SCTLR_C BIT64(2)
#define SCTLR_SA BIT64(3)
#define SCTLR_SA0 BIT64(4)
#define SCTLR_UMA BIT64(9)
#define SCTLR_I BIT64(12)
#define SCTLR_ENDB BIT64(13)
#define SCTLR_DZE BIT64(14)
#define SCTLR_UCT BIT64(15)
#define SCTLR_NTWI BIT64(16)
#define SCTLR_NTWE BIT64(18)
#define SCTLR_WXN BIT64(19)
#define SCTLR_SPAN BIT64(23)
#define SCTLR_E0E BIT64(24)
#define SCTLR_EE BIT64(25)
#define SCTLR_UCI BIT64(26)
#define SCTLR_ENDA BIT64(27)
#define SCTLR_ENIB BIT64(30)
#define SCTLR_ENIA BIT64(31)
#define SCTLR_BT0 BIT64(35) // EL1 for EL0; for itself BT1
#define SCTLR_BT1 BIT64(36)
#define SCTLR_DSSBS BIT64(44)
#define SCTLR_EPAN BIT64(57)

// HCR_EL2
#define HCR_VM BIT64(0)
#define HCR_PTW BIT64(2)
#define HCR_FMO BIT64(3)
#define HCR_IMO BIT64(4)
#define HCR_AMO BIT64(5)
#define HCR_VF BIT64(6)
#define HCR_VI BIT64(7)
#define HCR_DC BIT64(12)
#define HCR_TWI BIT64(13)
#define HCR_TWE BIT64(14)
#define HCR_TSC BIT64(19)
#define HCR_TVM BIT64(26)
#define HCR_TGE BIT64(27)
#define HCR_HCD BIT64(29)
#define HCR_TRVM BIT64(30)
#define HCR_RW BIT64(31)
#define HCR_E2H BIT64(34)
#define HCR_APK BIT64(40)
#define HCR_API BIT64(41)

// SCR_EL3
#define SCR_NS BIT64(0)
#define SCR_IRQ BIT64(1)
#define SCR_FIQ BIT64(2)
#define SCR_EA BIT64(3)
#define SCR_SMD BIT64(7)
#define SCR_HCE BIT64(8)
#define SCR_RW BIT64(10)
#define SCR_APK BIT64(16)
#define SCR_API BIT64(17)

// TCR_EL1 and its likes
#define TCR_EPD0 BIT64(7)
#define TCR_A1 BIT64(22)
#define TCR_EPD1 BIT64(23)
#define TCR_AS BIT64(36)
#define TCR_TBI0 BIT64(37)
#define TCR_TBI1 BIT64(38)
#define TCR_HA BIT64(39)
#define TCR_HD BIT64(40)
#define TCR_HPD0 BIT64(41)
#define TCR_HPD1 BIT64(42)
#define TCR_TBID0 BIT64(51)
#define TCR_TBID1 BIT64(52)
#define TCR_E0PD0 BIT64(55)
#define TCR_E0PD1 BIT64(56)
#define TCR_DS BIT64(59)
// of the layout with one range (TCR_EL2 without E2H, TCR_EL3)
#define TCR2_TBI BIT64(20)
#define TCR2_HA BIT64(21)
#define TCR2_HD BIT64(22)
#define TCR2_HPD BIT64(24)
#define TCR2_TBID BIT64(29)
#define TCR2_DS BIT64(32)

// debug
#define MDSCR_SS BIT64(0)
#define MDSCR_TDCC BIT64(12)
#define MDSCR_KDE BIT64(13)
#define MDSCR_MDE BIT64(15)
#define MDCR_EL2_TDE BIT64(8)
#define OSLSR_OSLK BIT64(1)

// CPACR_EL1, CPTR_ELx
enum { CPACR_FPEN = 20 };
#define CPTR_TFP BIT64(10)
#define CPTR_TCPAC BIT64(31)

// FPCR
#define FPCR_FZ16 BIT64(19)
#define FPCR_FZ BIT64(24)
#define FPCR_DN BIT64(25)
#define FPCR_AHP BIT64(26)
enum { FPCR_RMODE = 22 };
