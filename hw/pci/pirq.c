// SPDX-License-Identifier: MIT
#include "hw/pci/pirq.h"

#include "tcg/base/bits.h"

// Interrupts of the timer, the keyboard, the second controller, the clock and the coprocessor cannot be
// chosen.
enum { ROUTABLE = 0xdef8 };

void pirq_update(struct pirq_router *router, const uint8_t *routes, unsigned count)
{
    uint16_t driven = 0;
    for (unsigned i = 0; i < count; i++)
        if ((router->levels >> i & 1) && !(routes[i] & PIRQ_DISABLED))
            driven |= (uint16_t)(1u << (routes[i] & 15));
    driven &= ROUTABLE;
    uint16_t changed = driven ^ router->driven;
    router->driven = driven;
    for (unsigned irq = 0; irq < PIRQ_ISA_IRQS; irq++)
        if (changed >> irq & 1)
            irq_set(&router->isa_irqs[irq], driven >> irq & 1);
}
