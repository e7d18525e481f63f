// SPDX-License-Identifier: MIT
#include "has-kvm.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool has_kvm(void)
{
    int host = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm = host < 0 ? -1 : ioctl(host, KVM_CREATE_VM, 0);
    if (vm < 0)
        perror("no KVM: /dev/kvm");
    if (vm >= 0)
        close(vm);
    if (host >= 0)
        close(host);
    return vm >= 0;
}
