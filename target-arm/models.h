// SPDX-License-Identifier: MIT
// CPU models: identification registers, and from them the features.
#pragma once

#include <stdbool.h>

#include "target-arm/cpu.h"
#include "tcg/base/error.h"

// Fills in cpu->model, id, features, pa_bits and pauth_algorithm from "NAME[,setting=value]..." and cpu->config. Negative
// errno with a message. Under KVM, cpu->wishes says the rest, and the registers are as in the host's processor where the model is
// "host" or "max".
int arm_model_apply(struct arm_cpu *cpu, const char *text, bool kvm, struct error *error);

// The features that these registers advertise.
uint64_t arm_features_of(const struct arm_id *id);
// What follows from cpu->id.
void arm_model_identified(struct arm_cpu *cpu);
const char *arm_model_name(const struct arm_cpu *cpu);
