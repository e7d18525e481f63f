// SPDX-License-Identifier: MIT
// A KVM for aarch64 that runs no guest code: preloaded, it answers the program's calls from tables, checks that they come in an
// order that a kernel takes, and plays what a guest would do. For tests of the program's side on hosts without it.
//
//   FAKE_KVM_PLAY     what processor 0 does, step after step, separated by commas:
//       say:TEXT      stores TEXT to the serial port's data register
//       poke:ADDRESS=VALUE
//                     stores a word to a device
//       set:ID=VALUE  the register becomes that, as if by guest code
//       expect:ID=VALUE
//                     the program ends here with status 99 unless the register has that value
//       on:NUMBER     switches another processor on, at the address 0x1234
//       power:NUMBER=STATE
//                     the program ends here with status 99 unless that processor's state (KVM_MP_STATE_...) is that
//       off reset crash nisv   the exits of that name
//       wait          until the program has stopped it and handed its state back
//   FAKE_KVM_WITHOUT  what the host has not: gicv2 gicv3 its regions
//   FAKE_KVM_BITS     of guest physical addresses (48)
//   FAKE_KVM_FIXED_ID bits, in hexadecimal, of identification registers that cannot be written
//   FAKE_KVM_RIGID    the id of a register that takes no other value any more
//   FAKE_KVM_SVE      if it is set, processors have scalable vectors
//   FAKE_KVM_LOG      a file for one line a call that tests look at
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { MOST_FDS = 256, MOST_VALUES = 60000, MOST_CPUS = 512, RUN_BYTES = 8192, REGISTER_BYTES = 256, SERIAL = 0x09000000 };
enum kind { NOTHING, HOST, MACHINE, CPU, DEVICE };

struct value {
    int fd;
    uint32_t group; // of a device; 0 for registers
    uint64_t id;
    uint8_t bytes[REGISTER_BYTES];
};

static struct {
    enum kind kind;
    unsigned number; // of a CPU; type of a device
    bool started;    // CTRL_INIT; a CPU's vectors
} fds[MOST_FDS];
static struct value *values;
static unsigned value_count, cpu_count, step;
static uint32_t power[MOST_CPUS]; // KVM_MP_STATE
static bool has_run, handed_back; // anything; the pc since processor 0 last waited
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void note(const char *format, ...)
{
    const char *name = getenv("FAKE_KVM_LOG");
    FILE *out = name ? fopen(name, "a") : NULL;
    va_list list;
    if (!out)
        return;
    va_start(list, format);
    vfprintf(out, format, list);
    va_end(list);
    fclose(out);
}

static bool without(const char *what)
{
    const char *list = getenv("FAKE_KVM_WITHOUT");
    return list && strstr(list, what);
}

static int make_fd(const char *name, enum kind kind, unsigned number, off_t bytes)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0 || fd >= MOST_FDS || ftruncate(fd, bytes))
        abort();
    fds[fd].kind = kind;
    fds[fd].number = number;
    fds[fd].started = false;
    return fd;
}

static struct value *find(int fd, uint32_t group, uint64_t id, bool make)
{
    for (unsigned i = 0; i < value_count; i++)
        if (values[i].fd == fd && values[i].group == group && values[i].id == id)
            return &values[i];
    if (!make)
        return NULL;
    if (!values)
        values = calloc(MOST_VALUES, sizeof(*values));
    if (value_count == MOST_VALUES)
        abort();
    values[value_count] = (struct value){.fd = fd, .group = group, .id = id};
    return &values[value_count++];
}

static int refuse(int reason)
{
    errno = reason;
    return -1;
}

// --- processors ---

static size_t bytes_of(uint64_t id)
{
    return (size_t)1 << (id >> 52 & 15);
}

static const struct {
    uint64_t id, value;
} made_with[] = {
    {ARM64_SYS_REG(3, 0, 0, 0, 0), 0x410fd0c1},          // MIDR_EL1
    {ARM64_SYS_REG(3, 0, 0, 4, 0), 0x1101000011111112},  // ID_AA64PFR0_EL1
    {ARM64_SYS_REG(3, 0, 0, 4, 1), 0x22},
    {ARM64_SYS_REG(3, 0, 0, 5, 0), 0x10305408},          // ID_AA64DFR0_EL1
    {ARM64_SYS_REG(3, 0, 0, 6, 0), 0x1021111110212120},  // ID_AA64ISAR0_EL1
    {ARM64_SYS_REG(3, 0, 0, 6, 1), 0x0011100011211052},
    {ARM64_SYS_REG(3, 0, 0, 7, 0), 0x0000022200101125},  // ID_AA64MMFR0_EL1
    {ARM64_SYS_REG(3, 0, 0, 7, 1), 0x10312122},
    {ARM64_SYS_REG(3, 0, 1, 0, 0), 0xc50078},            // SCTLR_EL1
    {ARM64_SYS_REG(3, 0, 1, 0, 1), 0xac71},              // ACTLR_EL1
    {ARM64_SYS_REG(3, 0, 2, 0, 0), 0x1de7ec7edbadc0de},  // TTBR0_EL1
    {ARM64_SYS_REG(3, 0, 2, 0, 3), 0x7c2},               // TCR2_EL1
    {ARM64_SYS_REG(3, 3, 9, 12, 0), 0x41033040},         // PMCR_EL0
    {ARM64_SYS_REG(3, 3, 13, 0, 2), 0},                  // TPIDR_EL0
    {KVM_REG_ARM_TIMER_CTL, 0},
    {KVM_REG_ARM_TIMER_CVAL, 0},
    {KVM_REG_ARM_TIMER_CNT, 1000},
    {KVM_REG_ARM_PSCI_VERSION, 0x10001},
};

#define CORE(size, name) (KVM_REG_ARM64 | KVM_REG_SIZE_##size | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(name))

static bool is_identity(uint64_t id)
{
    return (id & KVM_REG_ARM_COPROC_MASK) == KVM_REG_ARM64_SYSREG && (id >> 14 & 3) == 3 && !(id >> 7 & 15) && (id >> 11 & 7) != 2;
}

static void power_up(int fd)
{
    struct value *v;
    for (unsigned n = 0; n < 31; n++)
        memset(find(fd, 0, CORE(U64, regs.regs[0]) + n * 2, true)->bytes, 0, 8);
    const uint64_t core[] = {CORE(U64, regs.sp), CORE(U64, regs.pc), CORE(U64, sp_el1), CORE(U64, elr_el1), CORE(U64, spsr[0])};
    for (unsigned n = 0; n < sizeof(core) / sizeof(core[0]); n++)
        memset(find(fd, 0, core[n], true)->bytes, 0, 8);
    uint64_t pstate = 0x3c5;
    memcpy(find(fd, 0, CORE(U64, regs.pstate), true)->bytes, &pstate, 8);
    for (unsigned n = 0; n < 32; n++)
        memset(find(fd, 0, getenv("FAKE_KVM_SVE") ? KVM_REG_ARM64_SVE_ZREG(n, 0) : CORE(U128, fp_regs.vregs[0]) + n * 4, true)->bytes, 0,
               REGISTER_BYTES);
    if (getenv("FAKE_KVM_SVE"))
        memset(find(fd, 0, KVM_REG_ARM64_SVE_PREG(0, 0), true)->bytes, 0, REGISTER_BYTES);
    memset(find(fd, 0, CORE(U32, fp_regs.fpsr), true)->bytes, 0, 4);
    memset(find(fd, 0, CORE(U32, fp_regs.fpcr), true)->bytes, 0, 4);
    for (unsigned n = 0; n < sizeof(made_with) / sizeof(made_with[0]); n++)
        if (!find(fd, 0, made_with[n].id, false) || (!is_identity(made_with[n].id) && made_with[n].id != KVM_REG_ARM_TIMER_CNT))
            memcpy(find(fd, 0, made_with[n].id, true)->bytes, &made_with[n].value, 8);
    uint64_t mpidr = UINT64_C(1) << 31 | (fds[fd].number & 15) | (fds[fd].number >> 4) << 8;
    v = find(fd, 0, ARM64_SYS_REG(3, 0, 0, 0, 5), true);
    memcpy(v->bytes, &mpidr, 8);
}

static int list_registers(int fd, struct kvm_reg_list *list)
{
    uint64_t room = list->n;
    list->n = 0;
    for (unsigned i = 0; i < value_count; i++)
        if (values[i].fd == fd && list->n++ < room)
            list->reg[list->n - 1] = values[i].id;
    return list->n > room ? refuse(E2BIG) : 0;
}

static bool changes_fixed_bits(const void *to, const void *from)
{
    const char *text = getenv("FAKE_KVM_FIXED_ID");
    uint64_t a, b, fixed = has_run ? UINT64_MAX : text ? strtoull(text, NULL, 16) : 0;
    memcpy(&a, to, sizeof(a));
    memcpy(&b, from, sizeof(b));
    return (a ^ b) & fixed;
}

static int access_register(int fd, bool write, const struct kvm_one_reg *reg)
{
    struct value *v = find(fd, 0, reg->id, false);
    void *data = (void *)(uintptr_t)reg->addr;
    if (!v)
        return refuse(ENOENT);
    if (!write) {
        memcpy(data, v->bytes, bytes_of(reg->id));
        return 0;
    }
    if (is_identity(reg->id) && changes_fixed_bits(data, v->bytes))
        return refuse(EINVAL);
    const char *rigid = getenv("FAKE_KVM_RIGID");
    if (rigid && reg->id == strtoull(rigid, NULL, 16) && (has_run || memcmp(data, v->bytes, 8)))
        return refuse(EINVAL);
    if (reg->id == KVM_REG_ARM_TIMER_CNT)
        note("counter set\n");
    handed_back |= fds[fd].number == 0 && reg->id == CORE(U64, regs.pc);
    memcpy(v->bytes, data, bytes_of(reg->id));
    return 0;
}

static int leave(struct kvm_run *run, uint32_t reason)
{
    run->exit_reason = reason;
    return 0;
}

static int system_event(struct kvm_run *run, uint32_t type)
{
    for (unsigned i = 0; i < MOST_CPUS; i++)
        power[i] = KVM_MP_STATE_STOPPED;
    run->system_event.type = type;
    return leave(run, KVM_EXIT_SYSTEM_EVENT);
}

static int wait_for_signal(void)
{
    struct timespec moment = {.tv_nsec = 20000000};
    pthread_mutex_unlock(&lock);
    nanosleep(&moment, NULL);
    pthread_mutex_lock(&lock);
    return refuse(EINTR);
}

static int store(struct kvm_run *run, uint64_t address, uint32_t value, unsigned bytes)
{
    run->mmio.phys_addr = address;
    run->mmio.len = bytes;
    run->mmio.is_write = 1;
    memcpy(run->mmio.data, &value, 4);
    return leave(run, KVM_EXIT_MMIO);
}

static void give_up(const char *format, unsigned long long a, unsigned long long b)
{
    fputs("fake-kvm: ", stderr);
    fprintf(stderr, format, a, b);
    _exit(99);
}

static void switch_on(unsigned number)
{
    uint64_t entry = 0x1234;
    for (int fd = 0; fd < MOST_FDS; fd++)
        if (fds[fd].kind == CPU && fds[fd].number == number) {
            power_up(fd);
            memcpy(find(fd, 0, CORE(U64, regs.pc), true)->bytes, &entry, 8);
        }
    power[number] = KVM_MP_STATE_RUNNABLE;
}

static void check(int fd, uint64_t id, uint64_t wanted)
{
    struct value *v = find(fd, 0, id, false);
    uint64_t value = 0;
    if (v)
        memcpy(&value, v->bytes, bytes_of(id) < 8 ? bytes_of(id) : 8);
    if (!v || value != wanted)
        give_up("register 0x%llx is 0x%llx\n", id, value);
}

// One step; `say` takes one for each letter.
static int play(int fd, struct kvm_run *run)
{
    static unsigned letter;
    const char *text = getenv("FAKE_KVM_PLAY");
    for (unsigned n = 0; text && n < step; n++)
        text = strchr(text, ',') ? strchr(text, ',') + 1 : NULL;
    static bool waits;
    if (text && !strncmp(text, "wait", 4) && waits && handed_back) {
        waits = false;
        step++;
        return play(fd, run);
    }
    if (!text || !strncmp(text, "wait", 4)) {
        handed_back &= waits;
        waits = text != NULL;
        return wait_for_signal();
    }
    char *end;
    if (!strncmp(text, "say:", 4)) {
        char c = text[4 + letter++];
        if (c && c != ',')
            return store(run, SERIAL, (uint8_t)c, 1);
        letter = 0;
        step++;
        return play(fd, run);
    }
    step++;
    if (!strncmp(text, "set:", 4) || !strncmp(text, "expect:", 7)) {
        uint64_t id = strtoull(strchr(text, ':') + 1, &end, 16), value = strtoull(end + 1, NULL, 16);
        if (text[0] == 'e')
            check(fd, id, value);
        else
            memcpy(find(fd, 0, id, true)->bytes, &value, bytes_of(id) < 8 ? bytes_of(id) : 8);
        return play(fd, run);
    }
    if (!strncmp(text, "on:", 3) || !strncmp(text, "power:", 6)) {
        unsigned number = (unsigned)strtoul(strchr(text, ':') + 1, &end, 10) % MOST_CPUS;
        if (text[0] == 'o')
            switch_on(number);
        else if (power[number] != strtoul(end + 1, NULL, 10))
            give_up("processor %llu has state %llu\n", number, power[number]);
        return play(fd, run);
    }
    if (!strncmp(text, "poke:", 5)) {
        uint64_t address = strtoull(strchr(text, ':') + 1, &end, 16);
        return store(run, address, (uint32_t)strtoul(end + 1, NULL, 16), 4);
    }
    if (!strncmp(text, "off", 3))
        return system_event(run, KVM_SYSTEM_EVENT_SHUTDOWN);
    if (!strncmp(text, "reset", 5))
        return system_event(run, KVM_SYSTEM_EVENT_RESET);
    if (!strncmp(text, "crash", 5))
        return system_event(run, KVM_SYSTEM_EVENT_CRASH);
    run->arm_nisv.esr_iss = 0x47;
    run->arm_nisv.fault_ipa = SERIAL + 0x18;
    return leave(run, KVM_EXIT_ARM_NISV);
}

static int run_cpu(int fd)
{
    struct kvm_run *run = mmap(NULL, RUN_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    unsigned number = fds[fd].number;
    int status;
    has_run = true;
    if (__atomic_load_n(&run->immediate_exit, __ATOMIC_SEQ_CST))
        status = refuse(EINTR);
    else if (power[number] == KVM_MP_STATE_STOPPED || number)
        status = wait_for_signal();
    else
        status = play(fd, run);
    munmap(run, RUN_BYTES);
    return status;
}

static int cpu_call(int fd, unsigned long request, void *argument)
{
    struct kvm_mp_state *state = argument;
    switch (request) {
    case KVM_ARM_VCPU_INIT:
        note("processor %u made with features 0x%x\n", fds[fd].number, ((struct kvm_vcpu_init *)argument)->features[0]);
        power_up(fd);
        power[fds[fd].number] = ((struct kvm_vcpu_init *)argument)->features[0] & 1 ? KVM_MP_STATE_STOPPED : KVM_MP_STATE_RUNNABLE;
        return 0;
    case KVM_ARM_VCPU_FINALIZE:
        fds[fd].started = *(int *)argument == KVM_ARM_VCPU_SVE;
        return 0;
    case KVM_GET_REG_LIST:
        return getenv("FAKE_KVM_SVE") && !fds[fd].started ? refuse(EPERM) : list_registers(fd, argument);
    case KVM_GET_ONE_REG:
    case KVM_SET_ONE_REG:
        return access_register(fd, request == KVM_SET_ONE_REG, argument);
    case KVM_GET_MP_STATE:
        state->mp_state = power[fds[fd].number];
        return 0;
    case KVM_SET_MP_STATE:
        power[fds[fd].number] = state->mp_state;
        return 0;
    case KVM_GET_VCPU_EVENTS:
        memset(argument, 0, sizeof(struct kvm_vcpu_events));
        return 0;
    case KVM_SET_VCPU_EVENTS:
    case KVM_SET_DEVICE_ATTR:
        return 0;
    case KVM_RUN:
        return run_cpu(fd);
    }
    return refuse(EINVAL);
}

// --- interrupt controllers ---

static size_t value_bytes(uint32_t group)
{
    return group == KVM_DEV_ARM_VGIC_GRP_ADDR || group == KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS || group == KVM_DEV_ARM_VGIC_GRP_ITS_REGS ? 8
                                                                                                                                  : 4;
}

// Registers that set and clear bits share a value, which ISxxx names.
static uint64_t canonical(uint64_t attribute, bool *clears)
{
    uint64_t low = attribute & 0xffff;
    *clears = (low >= 0x180 && low < 0x200) || (low >= 0x380 && low < 0x400);
    return *clears ? attribute - 0x80 : attribute;
}

static int device_call(int fd, unsigned long request, const struct kvm_device_attr *attr)
{
    uint32_t group = attr->group;
    bool clears = false, registers = group == KVM_DEV_ARM_VGIC_GRP_DIST_REGS || group == KVM_DEV_ARM_VGIC_GRP_REDIST_REGS;
    uint64_t attribute = registers ? canonical(attr->attr, &clears) : attr->attr;
    void *data = (void *)(uintptr_t)attr->addr;
    if (request == KVM_HAS_DEVICE_ATTR)
        return group == KVM_DEV_ARM_VGIC_GRP_ADDR && attribute == KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION && without("regions") ? refuse(ENXIO)
                                                                                                                          : 0;
    if (group == KVM_DEV_ARM_VGIC_GRP_CTRL) {
        note("device %u control %llu\n", fds[fd].number, (unsigned long long)attribute);
        fds[fd].started |= attribute == KVM_DEV_ARM_VGIC_CTRL_INIT;
        return cpu_count ? 0 : refuse(ENODEV);
    }
    bool configures = group == KVM_DEV_ARM_VGIC_GRP_ADDR || group == KVM_DEV_ARM_VGIC_GRP_NR_IRQS;
    if (!configures && !fds[fd].started)
        return refuse(EBUSY);
    if (configures && fds[fd].started)
        return refuse(EBUSY);
    struct value *v = find(fd, group + 1, attribute, true);
    if (request == KVM_GET_DEVICE_ATTR)
        memcpy(data, v->bytes, value_bytes(group));
    else if (registers && (clears || attribute % 0x10000 / 0x80 == 2 || attribute % 0x10000 / 0x80 == 6))
        for (unsigned n = 0; n < 4; n++)
            v->bytes[n] = clears ? v->bytes[n] & ~((uint8_t *)data)[n] : v->bytes[n] | ((uint8_t *)data)[n];
    else
        memcpy(v->bytes, data, value_bytes(group));
    if (configures)
        note("device %u group %u attribute %llu value 0x%llx\n", fds[fd].number, group, (unsigned long long)attribute,
             (unsigned long long)(value_bytes(group) == 8 ? *(uint64_t *)data : *(uint32_t *)data));
    return 0;
}

// --- the machine and the host ---

static int create_device(struct kvm_create_device *create)
{
    const char *name = create->type == KVM_DEV_TYPE_ARM_VGIC_V2 ? "gicv2" : create->type == KVM_DEV_TYPE_ARM_VGIC_V3 ? "gicv3" : "its";
    if (without(name))
        return refuse(ENODEV);
    if (!(create->flags & KVM_CREATE_DEVICE_TEST))
        create->fd = (uint32_t)make_fd(name, DEVICE, create->type, 0);
    return 0;
}

static int capability(unsigned long which)
{
    const char *bits = getenv("FAKE_KVM_BITS");
    switch (which) {
    case KVM_CAP_USER_MEMORY: case KVM_CAP_IMMEDIATE_EXIT: case KVM_CAP_READONLY_MEM: case KVM_CAP_MP_STATE: case KVM_CAP_ONE_REG:
    case KVM_CAP_ARM_PSCI_0_2: case KVM_CAP_DEVICE_CTRL: case KVM_CAP_VCPU_EVENTS: case KVM_CAP_ARM_PMU_V3:
    case KVM_CAP_VCPU_ATTRIBUTES: case KVM_CAP_ARM_NISV_TO_USER: case KVM_CAP_ARM_PTRAUTH_ADDRESS: case KVM_CAP_ARM_PTRAUTH_GENERIC:
        return 1;
    case KVM_CAP_ARM_SVE:
        return getenv("FAKE_KVM_SVE") != NULL;
    case KVM_CAP_NR_MEMSLOTS:
        return 512;
    case KVM_CAP_ARM_VM_IPA_SIZE:
        return bits ? atoi(bits) : 48;
    default:
        return 0;
    }
}

static int machine_call(unsigned long request, void *argument)
{
    const struct kvm_irq_level *line = argument;
    switch (request) {
    case KVM_CREATE_VCPU:
        cpu_count++;
        return make_fd("vcpu", CPU, (unsigned)(uintptr_t)argument, RUN_BYTES);
    case KVM_CREATE_DEVICE:
        return create_device(argument);
    case KVM_ARM_PREFERRED_TARGET:
        *(struct kvm_vcpu_init *)argument = (struct kvm_vcpu_init){.target = KVM_ARM_TARGET_GENERIC_V8};
        return 0;
    case KVM_IRQ_LINE:
        note("line 0x%x %u\n", line->irq, line->level);
        return 0;
    case KVM_SET_USER_MEMORY_REGION:
    case KVM_ENABLE_CAP:
    case KVM_SIGNAL_MSI:
        return 0;
    case KVM_CHECK_EXTENSION:
        return capability((unsigned long)argument);
    }
    return refuse(EINVAL);
}

static int host_call(unsigned long request, void *argument)
{
    switch (request) {
    case KVM_GET_API_VERSION:
        return KVM_API_VERSION;
    case KVM_CHECK_EXTENSION:
        return capability((unsigned long)argument);
    case KVM_GET_VCPU_MMAP_SIZE:
        return RUN_BYTES;
    case KVM_CREATE_VM:
        note("machine of type 0x%lx\n", (unsigned long)argument);
        return make_fd("vm", MACHINE, 0, 0);
    }
    return refuse(EINVAL);
}

int open(const char *name, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, int) : 0;
    va_end(list);
    if (!strcmp(name, "/dev/kvm"))
        return make_fd("kvm", HOST, 0, 0);
    int (*next)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    return next(name, flags, mode);
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    if (fd < 0 || fd >= MOST_FDS || fds[fd].kind == NOTHING) {
        int (*next)(int, unsigned long, ...) = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
        return next(fd, request, argument);
    }
    pthread_mutex_lock(&lock);
    int status = fds[fd].kind == HOST      ? host_call(request, argument)
                 : fds[fd].kind == MACHINE ? machine_call(request, argument)
                 : fds[fd].kind == CPU     ? cpu_call(fd, request, argument)
                                           : device_call(fd, request, argument);
    int reason = errno;
    pthread_mutex_unlock(&lock);
    errno = reason;
    return status;
}
