// SPDX-License-Identifier: MIT
// The images of a machine's UEFI firmware (uefi-images.h). On the I/O thread, with all vCPUs out of run().
#pragma once

#include <stdint.h>

#include "frontend/uefi-images.h"

struct machine;

// NULL: no firmware tells of them. Free with uefi_images_destroy.
struct uefi_images *guest_uefi_find(struct machine *machine, enum uefi_effort effort);
uint32_t guest_uefi_state(struct machine *machine, uint64_t system_table); // see uefi_images_state
