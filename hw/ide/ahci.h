// SPDX-License-Identifier: MIT
// The SATA host of the ICH9 in AHCI mode (Serial ATA AHCI 1.3; 8086:2922): six ports, buses "ide.0" to
// "ide.5", with one drive each. Left out: port multipliers, command completion coalescing, power states,
// legacy mode.
#pragma once

#include "hw/core/device.h"

extern const struct device_type ich9_ahci_type; // "ich9-ahci"
