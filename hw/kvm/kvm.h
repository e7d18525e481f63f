// SPDX-License-Identifier: MIT
// The accelerator `kvm`: guests of the host's own architecture run on the host's processors, by Linux's KVM. Devices, interrupt
// controllers among them, are those of the other engines.
#pragma once

#include "hw/core/accel.h"

extern const struct accel_ops kvm_accel_ops;

// Free with its ops' destroy. Whether the host has KVM is seen by its init.
struct accel *kvm_accel_create(void);
