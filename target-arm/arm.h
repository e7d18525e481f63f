// SPDX-License-Identifier: MIT
// The Arm processor family as the rest of the program sees it.
#pragma once

#include <stdio.h>

struct cpu_factory;

// Makes CPUs of the machines of architecture "aarch64". The model is a name from arm_cpu_models, with settings
// behind commas ("max,pauth-impdef=off"); the config is a struct arm_cpu_config.
extern const struct cpu_factory arm_cpu_factory;

// Names, ended by NULL, and "  name  help" lines, then the settings.
extern const char *const arm_cpu_models[];
void arm_cpu_print_models(FILE *out);
