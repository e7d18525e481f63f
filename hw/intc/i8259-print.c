// SPDX-License-Identifier: MIT
// 8259A pair: registers, and each input that is not masked, requested or served.
#include "hw/intc/i8259-internal.h"

static const char *state_of(const struct i8259 *pic, const struct i8259_chip *chip, unsigned input)
{
    bool requested = i8259_requests(pic, chip) >> input & 1, served = chip->isr >> input & 1;
    if (served)
        return requested ? "in service until EOI, requested again" : "in service until EOI";
    if (!requested)
        return chip->line >> input & 1 ? "idle, the edge has been taken" : "idle";
    if (chip->imr >> input & 1)
        return "masked";
    return i8259_wanted(pic, chip) == (int)input ? "signalled as INT" : "behind one that comes first or is in service";
}

static void print_chip(const struct i8259 *pic, unsigned index, FILE *out)
{
    const struct i8259_chip *chip = &pic->chips[index];
    fprintf(out,
            "8259 %s: vectors from 0x%02x, IRR 0x%02x, ISR 0x%02x, IMR 0x%02x, ELCR 0x%02x, lowest priority: input "
            "%u%s%s%s%s, INT %s\n",
            index ? "second" : "first", chip->vector_base, i8259_requests(pic, chip), chip->isr, chip->imr, chip->elcr,
            chip->lowest, chip->auto_eoi ? ", automatic EOI" : "", chip->special_mask ? ", special mask mode" : "",
            chip->fully_nested ? ", special fully nested" : "", chip->expect ? ", in the middle of its initialisation" : "",
            i8259_wanted(pic, chip) == I8259_NONE ? "low" : "high");
    for (unsigned input = 0; input < 8; input++) {
        uint8_t bit = (uint8_t)(1 << input);
        if (!((i8259_requests(pic, chip) | chip->isr | chip->line | (uint8_t)~chip->imr) & bit))
            continue;
        bool cascade = !index && input == I8259_CASCADE;
        fprintf(out, "  IRQ %-2u %-7s %-5s line %-4s  %s\n", index * 8 + input, cascade ? "cascade" : "",
                chip->elcr & bit ? "level" : "edge", chip->line & bit ? "high" : "low", state_of(pic, chip, input));
    }
}

void i8259_print_irq(struct device *device, FILE *out)
{
    struct i8259 *pic = (struct i8259 *)device;
    pthread_mutex_lock(&pic->lock);
    print_chip(pic, 0, out);
    print_chip(pic, 1, out);
    pthread_mutex_unlock(&pic->lock);
}
