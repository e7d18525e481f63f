// SPDX-License-Identifier: MIT
#include "host-oracle.h"

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "tcg/host-op.h"

// The extended state behind the 512 bytes of FXSAVE: 64 of header, then the upper halves of YMM.
enum { XSAVE_HEADER = 512, XSAVE_YMMH = 576, CS_32 = 0x23, CS_64 = 0x33, DS_USER = 0x2b };

static struct {
    struct oracle_state *state;
    bool wide, running;
    uint64_t code, code_bytes, data, data_bytes;
} oracle;

static const int greg_of[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static ucontext_t saved;
static uint8_t saved_fp[4096];

// Everything but the test's own values: where to come back to.
static void save_home(const ucontext_t *uc)
{
    memcpy(saved.uc_mcontext.gregs, uc->uc_mcontext.gregs, sizeof(saved.uc_mcontext.gregs));
    memcpy(saved_fp, uc->uc_mcontext.fpregs, 512);
}

static void load_case(ucontext_t *uc)
{
    const struct oracle_state *s = oracle.state;
    greg_t *g = uc->uc_mcontext.gregs;
    uint8_t *fp = (uint8_t *)uc->uc_mcontext.fpregs;
    for (unsigned n = 0; n < 16; n++)
        g[greg_of[n]] = (greg_t)s->gpr[n];
    g[REG_RIP] = (greg_t)s->rip;
    g[REG_EFL] = (greg_t)s->flags;
    uint64_t segments = (uint64_t)g[REG_CSGSFS];
    g[REG_CSGSFS] = (greg_t)((segments & ~UINT64_C(0xffff)) | (oracle.wide ? CS_64 : CS_32));
    memcpy(fp, &s->control, 2);
    memcpy(fp + 2, &s->status, 2);
    fp[4] = (uint8_t)s->tags;
    fp[5] = 0;
    memcpy(fp + 24, &s->mxcsr, 4);
    memcpy(fp + 32, s->st, sizeof(s->st));
    memcpy(fp + 160, s->xmm, sizeof(s->xmm));
    if (!host_has_avx())
        return;
    memcpy(fp + XSAVE_YMMH, s->ymmh, sizeof(s->ymmh));
    uint64_t present;
    memcpy(&present, fp + XSAVE_HEADER, 8);
    present |= 7;
    memcpy(fp + XSAVE_HEADER, &present, 8);
}

static void store_case(const ucontext_t *uc, const siginfo_t *info)
{
    struct oracle_state *s = oracle.state;
    const greg_t *g = uc->uc_mcontext.gregs;
    const uint8_t *fp = (const uint8_t *)uc->uc_mcontext.fpregs;
    for (unsigned n = 0; n < 16; n++)
        s->gpr[n] = (uint64_t)g[greg_of[n]];
    s->rip = (uint64_t)g[REG_RIP];
    s->flags = (uint64_t)g[REG_EFL];
    s->vector = (unsigned)g[REG_TRAPNO];
    s->address = (uint64_t)(uintptr_t)info->si_addr;
    memcpy(&s->control, fp, 2);
    memcpy(&s->status, fp + 2, 2);
    s->tags = fp[4];
    memcpy(&s->mxcsr, fp + 24, 4);
    memcpy(s->st, fp + 32, sizeof(s->st));
    memcpy(s->xmm, fp + 160, sizeof(s->xmm));
    uint64_t present = 0;
    if (host_has_avx())
        memcpy(&present, fp + XSAVE_HEADER, 8);
    if (present & 4)
        memcpy(s->ymmh, fp + XSAVE_YMMH, sizeof(s->ymmh));
    else
        memset(s->ymmh, 0, sizeof(s->ymmh));
    // The end is an HLT, which is not for users.
    if (s->vector == 13 && *(const uint8_t *)(uintptr_t)s->rip == 0xf4)
        s->vector = ORACLE_END;
}

static void handler(int signal_number, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)signal_number;
    if (!oracle.running) {
        // The UD2 of oracle_run: go where the case is.
        oracle.running = true;
        save_home(uc);
        load_case(uc);
        return;
    }
    store_case(uc, info);
    oracle.running = false;
    memcpy(uc->uc_mcontext.gregs, saved.uc_mcontext.gregs, sizeof(saved.uc_mcontext.gregs));
    memcpy(uc->uc_mcontext.fpregs, saved_fp, 512);
    uc->uc_mcontext.gregs[REG_RIP] += 2;
}

bool oracle_init(uint64_t code, uint64_t code_bytes, uint64_t data, uint64_t data_bytes)
{
    static uint8_t stack[1 << 16];
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    void *c = mmap((void *)(uintptr_t)code, code_bytes, PROT_READ | PROT_WRITE | PROT_EXEC, flags, -1, 0);
    void *d = mmap((void *)(uintptr_t)data, data_bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    if (c == MAP_FAILED || d == MAP_FAILED || sigaltstack(&alternate, NULL))
        return false;
    for (unsigned i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        sigaction(signals[i], &action, NULL);
    oracle.code = code;
    oracle.code_bytes = code_bytes;
    oracle.data = data;
    oracle.data_bytes = data_bytes;
    // 32-bit code needs data segments, which 64-bit code does not look at.
    __asm__ volatile("mov %0, %%ds; mov %0, %%es" : : "r"(DS_USER));
    return true;
}

void oracle_run(struct oracle_state *state, bool wide)
{
    oracle.state = state;
    oracle.wide = wide;
    oracle.running = false;
    __asm__ volatile("ud2" : : : "memory", "cc");
}

bool oracle_has_other(uint64_t address)
{
    unsigned char there;
    uint64_t page = address & ~UINT64_C(0xfff);
    if (page - oracle.code < oracle.code_bytes || page - oracle.data < oracle.data_bytes)
        return false;
    return !mincore((void *)(uintptr_t)page, 1, &there);
}
