// SPDX-License-Identifier: MIT
// Functions that rows of sysreg.inc name and that live outside sysreg.c.
#pragma once

#include "target-arm/sysreg.h"

// timer.c
enum { ARM_TIMER_HZ = 62500000 };
arm_sysreg_write_fn arm_timer_write_cntfrq, arm_timer_write_cntvoff, arm_timer_write_tval, arm_timer_write_ctl,
    arm_timer_write_cval;
arm_sysreg_read_fn arm_timer_read_cntpct, arm_timer_read_cntvct, arm_timer_read_tval, arm_timer_read_ctl,
    arm_timer_read_cval;
arm_sysreg_trap_fn arm_timer_trap_cntfrq, arm_timer_trap_cntpct, arm_timer_trap_cntvct, arm_timer_trap_cntp,
    arm_timer_trap_cntv;

// pmu.c
arm_sysreg_read_fn arm_pmu_read_pmcr, arm_pmu_read_pmccntr, arm_pmu_read_pmxevtyper;
arm_sysreg_write_fn arm_pmu_write_pmcr, arm_pmu_write_pmcntenset, arm_pmu_write_pmcntenclr, arm_pmu_write_pmccntr,
    arm_pmu_write_pmxevtyper;
arm_sysreg_trap_fn arm_pmu_trap;

// maintenance.c
arm_sysreg_write_fn arm_tlbi_vmalle1, arm_tlbi_aside1, arm_tlbi_va, arm_tlbi_range, arm_tlbi_regime, arm_tlbi_all;
arm_sysreg_write_fn arm_write_at, arm_write_ic_ivau, arm_write_dc, arm_write_dc_ivac;
