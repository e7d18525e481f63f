// SPDX-License-Identifier: MIT
// Messages (hw/core/message.h) on their way to interrupt controllers that are the kernel's. Each can go by a call, KVM_SIGNAL_MSI.
// A notifier that has often sent the same message gets an interrupt input that leads to it (hw/core/kvm-routes.h) and an eventfd in
// front of that (KVM_IRQFD), to which the message is written from then on. Another message goes by calls again, until it has been
// sent as often. So masks and vectors cost nothing when they are written, and a guest that moves its messages all the time does
// not have us change the table each time, for which the kernel takes 10 to 30 us, and on a busy host 300. Whoever gets no input,
// because there are no more or the host does not want to, goes on with calls.
//
// It does not make anything faster: from pci_msix_notify to the APIC, a message takes a sixth longer by an eventfd than by a call
// (x86-messages on figures). But whoever has the descriptor can signal without our locks, and need not know what the message is or
// that it moves: threads, other programs, the kernel's own devices. None of ours does yet, since requests end in the used ring, under
// the device lock.
//
// Lines (INTx, virtio-mmio, GICv2m's) stay with KVM_IRQ_LINE. An eventfd makes an edge. For a level it takes a second one, from
// which we learn at the end of each interrupt that the kernel has let go of the line (KVM_IRQFD_FLAG_RESAMPLE), and then look
// whether it is to be raised again. Drivers read the interrupt status each time, which stops the processor anyway and lets go of
// the line.
#pragma once

#include <stdio.h>

#include "hw/core/kvm-guest.h"

struct kvm_messages;
struct kvm_msi;
struct message_notifier;

// Of a virtual machine with routes, once its interrupt controllers are made.
struct kvm_messages *kvm_messages_create(const struct kvm_vm *vm);
// When all notifiers are released.
void kvm_messages_destroy(struct kvm_messages *messages);
// Carries a message out, which the guest may have made nonsense. Without a notifier (NULL): any thread.
void kvm_messages_send(struct kvm_messages *messages, const struct kvm_msi *msi, struct message_notifier *notifier);
// For the monitor.
void kvm_messages_print(const struct kvm_messages *messages, FILE *out);
