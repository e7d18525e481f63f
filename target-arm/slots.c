// SPDX-License-Identifier: MIT
// The table of state slots.

#include "target-arm/slots.h"

#include "target-arm/cpu.h"

#define AT(field) (int32_t) offsetof(struct arm_cpu, field)
#define X(n) [SLOT_X0 + n] = {"x" #n, AT(x[n]), IR_I64, false}
#define V(n) [SLOT_V0 + n] = {"v" #n, AT(v[n]), IR_V128, false}

const struct ir_slot arm_slots[SLOT_COUNT] = {
    [SLOT_PC_PAGE] = {"pc_page", AT(tcg.pc_page), IR_I64, false},
    [SLOT_PC_OFFSET] = {"pc_offset", AT(tcg.pc_offset), IR_I32, false},
    [SLOT_EXIT_REQUEST] = {"exit_request", AT(tcg.vcpu.exit_request), IR_I32, false},
    X(0), X(1), X(2), X(3), X(4), X(5), X(6), X(7), X(8), X(9), X(10), X(11), X(12), X(13), X(14), X(15),
    X(16), X(17), X(18), X(19), X(20), X(21), X(22), X(23), X(24), X(25), X(26), X(27), X(28), X(29), X(30),
    [SLOT_SP] = {"sp", AT(sp), IR_I64, false},
    [SLOT_NZCV] = {"nzcv", AT(nzcv), IR_I32, false},
    [SLOT_DAIF] = {"daif", AT(daif), IR_I32, false},
    [SLOT_BTYPE] = {"btype", AT(btype), IR_I32, false},
    [SLOT_EXCL_ADDRESS] = {"excl_address", AT(excl_address), IR_I64, false},
    [SLOT_EXCL_LO] = {"excl_lo", AT(excl_lo), IR_I64, false},
    [SLOT_EXCL_HI] = {"excl_hi", AT(excl_hi), IR_I64, false},
    [SLOT_QC] = {"qc", AT(qc), IR_V128, false},
    [SLOT_TPIDR_EL0] = {"tpidr_el0", AT(tpidr_el0), IR_I64, false},
    [SLOT_TPIDRRO_EL0] = {"tpidrro_el0", AT(tpidrro_el0), IR_I64, false},
    [SLOT_SP_EL0] = {"sp_el0", AT(sp_el[0]), IR_I64, false},
    [SLOT_TPIDR_EL1] = {"tpidr_el1", AT(tpidr_el[1]), IR_I64, false},
    [SLOT_ELR_EL1] = {"elr_el1", AT(elr_el[1]), IR_I64, false},
    [SLOT_SPSR_EL1] = {"spsr_el1", AT(spsr_el[1]), IR_I64, false},
    [SLOT_ESR_EL1] = {"esr_el1", AT(esr_el[1]), IR_I64, false},
    [SLOT_FAR_EL1] = {"far_el1", AT(far_el[1]), IR_I64, false},
    [SLOT_VBAR_EL1] = {"vbar_el1", AT(vbar_el[1]), IR_I64, false},
    V(0), V(1), V(2), V(3), V(4), V(5), V(6), V(7), V(8), V(9), V(10), V(11), V(12), V(13), V(14), V(15),
    V(16), V(17), V(18), V(19), V(20), V(21), V(22), V(23), V(24), V(25), V(26), V(27), V(28), V(29), V(30), V(31),
};

#undef AT
#undef X
#undef V

_Static_assert(offsetof(struct arm_cpu, tcg) == 0, "engines see the guest state as a struct tcg_cpu");
_Static_assert(offsetof(struct arm_cpu, v) % 16 == 0, "vectors are loaded by aligned moves");

int arm_slot_at(int32_t offset)
{
    for (int slot = SLOT_X0; slot < SLOT_COUNT; slot++)
        if (arm_slots[slot].offset == offset)
            return slot;
    return -1;
}
