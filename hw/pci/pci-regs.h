// SPDX-License-Identifier: MIT
// Names of configuration space registers (PCI Local Bus Specification 3.0, chapter 6, and PCI Express 3.0,
// chapter 7).
#pragma once

enum pci_register {
    PCI_VENDOR_ID = 0x00,
    PCI_DEVICE_ID = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION_ID = 0x08,
    PCI_CLASS_PROG = 0x09, // three bytes: interface, subclass, class
    PCI_CACHE_LINE_SIZE = 0x0c,
    PCI_LATENCY_TIMER = 0x0d,
    PCI_HEADER_TYPE = 0x0e,
    PCI_BAR_0 = 0x10,
    PCI_PRIMARY_BUS = 0x18, // bridges from here
    PCI_SECONDARY_BUS = 0x19,
    PCI_SUBORDINATE_BUS = 0x1a,
    PCI_IO_BASE = 0x1c,
    PCI_IO_LIMIT = 0x1d,
    PCI_MEMORY_BASE = 0x20,
    PCI_BRIDGE_CONTROL = 0x3e,
    PCI_SUBSYSTEM_VENDOR_ID = 0x2c,
    PCI_SUBSYSTEM_ID = 0x2e,
    PCI_ROM_ADDRESS = 0x30,
    PCI_CAPABILITY_LIST = 0x34,
    PCI_INTERRUPT_LINE = 0x3c,
    PCI_INTERRUPT_PIN = 0x3d,
    PCI_CONFIG_HEADER_END = 0x40,
};

enum pci_command {
    PCI_COMMAND_IO = 1 << 0,
    PCI_COMMAND_MEMORY = 1 << 1,
    PCI_COMMAND_MASTER = 1 << 2,
    PCI_COMMAND_SERR = 1 << 8,
    PCI_COMMAND_INTX_DISABLE = 1 << 10,
};

enum pci_status {
    PCI_STATUS_INTERRUPT = 1 << 3,
    PCI_STATUS_CAP_LIST = 1 << 4,
    PCI_STATUS_FAST_BACK = 1 << 7,
    PCI_STATUS_DEVSEL_MEDIUM = 1 << 9,
    PCI_STATUS_ERRORS = 0xf900, // written with ones to clear
};

enum { PCI_HEADER_MULTIFUNCTION = 0x80, PCI_ROM_ENABLE = 1 };

enum pci_capability {
    PCI_CAP_ID_PM = 0x01,
    PCI_CAP_ID_MSI = 0x05,
    PCI_CAP_ID_VENDOR = 0x09,
    PCI_CAP_ID_EXPRESS = 0x10,
    PCI_CAP_ID_MSIX = 0x11,
    PCI_CAP_ID_SATA = 0x12,
};

enum pci_msi_register {
    PCI_MSI_CONTROL = 2,
    PCI_MSI_ADDRESS = 4,
    PCI_MSI_ADDRESS_HIGH = 8,
    PCI_MSI_DATA = 12, // with a 64-bit address
    PCI_MSI_MASK = 16,
    PCI_MSI_PENDING = 20,
    PCI_MSI_ENABLE = 1 << 0, // in the control register
    PCI_MSI_64BIT = 1 << 7,
    PCI_MSI_MASKABLE = 1 << 8,
};

enum pci_msix_register {
    PCI_MSIX_CONTROL = 2,
    PCI_MSIX_TABLE = 4,
    PCI_MSIX_PBA = 8,
    PCI_MSIX_FUNCTION_MASK = 1 << 14, // in the control register
    PCI_MSIX_ENABLE = 1 << 15,
};
