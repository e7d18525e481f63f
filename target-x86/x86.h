// SPDX-License-Identifier: MIT
// The x86 processor family as the rest of the program sees it.
#pragma once

#include <stdio.h>

struct cpu_factory;

// Makes CPUs of the machines of architecture "x86_64" and "i386". The model is a name from x86_cpu_models, with features
// behind commas ("qemu64,+avx,-pcid"); the config is a struct x86_cpu_config.
extern const struct cpu_factory x86_cpu_factory;

// Names, ended by NULL, and "  name  help" lines, then the features.
extern const char *const x86_cpu_models[];
void x86_cpu_print_models(FILE *out);
