// SPDX-License-Identifier: MIT
// CPU models by name.
#pragma once

#include "target-x86/cpu.h"

struct error;

struct x86_model {
    const char *name, *help;
    const char *vendor; // 12 characters
    unsigned family, model, stepping;
    const char *brand;
    const char *features; // names, by spaces
    unsigned level, extended_level;
    bool is_host; // filled in from the host's processor under KVM, and there alone
};

static inline bool x86_model_is_intel(const struct x86_model *model)
{
    return model->vendor[0] == 'G';
}

// Sets features and identification from "model,+feature,-feature,feature=on". Negative errno with a message.
int x86_model_apply(struct x86_cpu *cpu, const char *text, struct error *error);
