// SPDX-License-Identifier: MIT
// The accelerator `kvm`: guests of the host's own architecture run on the host's processors, by Linux's KVM.
#pragma once

#include "hw/core/accel.h"
#include "hw/core/kvm-guest.h"

extern const struct accel_ops kvm_accel_ops;

// Free with its ops' destroy. Whether the host has KVM is seen by its init. `irqchip` is which of the board's interrupt
// controllers the kernel is to be; where it cannot be, init fails.
struct accel *kvm_accel_create(enum kvm_irqchip_mode irqchip);
