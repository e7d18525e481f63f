// SPDX-License-Identifier: MIT
// print-view MODEL MODE: what a debugger is told of the registers that code of a mode (0, 1 or 2) has, as GDB's XML.
#include <stdio.h>
#include <stdlib.h>

#include "x86-machine.h"

static void print_register(const struct debug_register *reg)
{
    printf("<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"", reg->name, reg->bits, reg->type ? reg->type : "int");
    if (reg->group)
        printf(" group=\"%s\"", reg->group);
    puts("/>");
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    struct x86_machine *m = x86_machine_create("interp", argv[1], 0);
    const struct vcpu *vcpu = &m->cpu->tcg.vcpu;
    unsigned mode = (unsigned)atoi(argv[2]);
    if (mode >= vcpu->ops->debug->mode_count(vcpu))
        return 2;
    const struct debug_view *view = vcpu->ops->debug->view(vcpu, mode);
    printf("<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target><architecture>%s</architecture><osabi>none</osabi>\n",
           view->architecture);
    for (unsigned i = 0; i < view->feature_count; i++) {
        const struct debug_feature *f = &view->features[i];
        printf("<feature name=\"%s\">\n%s\n", f->name, f->types ? f->types : "");
        for (unsigned n = 0; n < f->count; n++)
            print_register(&f->registers[n]);
        puts("</feature>");
    }
    puts("</target>");
    x86_machine_destroy(m);
    return 0;
}
