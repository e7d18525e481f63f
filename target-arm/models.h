// SPDX-License-Identifier: MIT
// CPU models: identification registers, and from them the features.
#pragma once

#include "target-arm/cpu.h"
#include "tcg/base/error.h"

// Fills in cpu->model, id, features, pa_bits and pauth_algorithm from "NAME[,setting=value]..." and cpu->config. Negative
// errno with a message.
int arm_model_apply(struct arm_cpu *cpu, const char *text, struct error *error);

// The features that these registers advertise.
uint64_t arm_features_of(const struct arm_id *id);
