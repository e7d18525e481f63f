// SPDX-License-Identifier: MIT
// Random regions end in the same state under the interpreter and as host code, with every set of host features.
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "random-region.h"
#include "tcg/backend.h"
#include "tcg/base/exec-memory.h"
#include "tcg/base/log.h"
#include "tcg/fp-flags.h"
#include "tcg/host-op.h"
#include "tcg/exec/private.h"
#include "tcg/opt.h"

enum { CODE_BYTES = 1 << 20, STUB_BYTES = 1 << 12 };

static uint8_t meta[1 << 20] __attribute__((aligned(16)));

struct rig {
    struct exec_memory memory;
    struct backend_buffers buffers, fresh;
    struct backend *backend;
    struct arena arena;
};

static void raise_exception(struct tcg_cpu *cpu, uint32_t code)
{
    ((struct test_state *)cpu)->raised = code + UINT64_C(1);
}

static struct tcg_engine engine = {.meta = meta};
static const struct guest_ops guest = {.slots = test_slots, .raise = raise_exception};

static void rig_open(struct rig *rig, uint32_t features)
{
    struct error error;
    memset(rig, 0, sizeof(*rig));
    cr_assert_eq(exec_memory_create(&rig->memory, CODE_BYTES, &error), 0, "%s", error.text);
    rig->buffers = (struct backend_buffers){.code = rig->memory.write, .code_end = rig->memory.write + CODE_BYTES - STUB_BYTES,
                                            .meta_base = meta, .meta = meta + 16, .meta_end = meta + sizeof(meta),
                                            .exec_delta = rig->memory.exec - rig->memory.write};
    struct backend_layout layout = tcg_backend_layout(slow_access);
    rig->backend = backend_create(&layout, &rig->buffers, features);
    rig->fresh = rig->buffers;
}

static void rig_close(struct rig *rig)
{
    backend_destroy(rig->backend);
    exec_memory_destroy(&rig->memory);
    arena_free(&rig->arena);
}

static void random_state(struct test_state *s, uint64_t seed)
{
    memset(s, 0, sizeof(*s));
    for (unsigned i = 0; i < TEST_INTS; i++)
        s->x[i] = random_value(&seed);
    for (unsigned i = 0; i < TEST_WORDS; i++)
        s->w[i] = (uint32_t)random_value(&seed);
    for (unsigned i = 0; i < TEST_VECTORS; i++)
        for (unsigned k = 0; k < 2; k++) {
            uint64_t value = random_value(&seed);
            memcpy(&s->v[i][k * 8], &value, 8);
        }
    s->cpu.pc_page = 0x40001000;
    s->cpu.engine = &engine;
    s->cpu.guest = &guest;
}

// As run() calls the engines: an exception comes back here.
static bool run_interp(struct test_state *s, struct tcg_block *block)
{
    struct tcg_exit *link = NULL;
    return setjmp(s->cpu.leave) || interp_enter(&s->cpu, block, &link) == BACKEND_EXIT_LOOKUP;
}

static bool run_code(struct test_state *s, const struct rig *rig, const struct backend_code *code)
{
    struct tcg_exit *link = NULL;
    return setjmp(s->cpu.leave) ||
           backend_enter(rig->backend, s, code->entry + rig->buffers.exec_delta, &link) == BACKEND_EXIT_LINK;
}

static void check_seed(struct rig *rig, struct random_options options)
{
    struct ir_region region;
    struct test_state by_interp, by_code;
    arena_reset(&rig->arena);
    ir_region_init(&region, &rig->arena, test_slots, test_slot_count);
    region.fp = (struct ir_fp_rules){.nan_arm = true, .tiny_before = true};
    random_region(&region, &options);
    const char *message = ir_verify(&region);
    cr_assert_null(message, "seed %#lx: %s", options.seed, message);

    random_state(&by_interp, options.seed * 7);
    random_state(&by_code, options.seed * 7);
    struct tcg_block block = {.ir = &region};
    fp_env_set_flags(0);
    bool left = run_interp(&by_interp, &block);
    unsigned interp_flags = fp_env_flags();

    // Half of them as they are: a backend must cope with dead code, and the pass must keep all that counts.
    if (options.seed & 1)
        ir_opt_dce(&region);
    message = ir_verify(&region);
    cr_assert_null(message, "seed %#lx: after the passes: %s", options.seed, message);
    struct backend_code code = {0};
    rig->buffers = rig->fresh;
    int result = backend_compile(rig->backend, &region, 0, &rig->buffers, &code);
    cr_assert_eq(result, 0, "seed %#lx: compile %d", options.seed, result);
    fp_env_set_flags(0);
    left &= run_code(&by_code, rig, &code);
    unsigned code_flags = fp_env_flags();
    bool same = left && by_code.cpu.pc_offset == by_interp.cpu.pc_offset &&
                interp_flags == code_flags &&
                !memcmp(&by_code.x, &by_interp.x, sizeof(by_code) - offsetof(struct test_state, x));
    if (!same) {
        ir_dump(&region, stderr);
        for (unsigned i = IR_SLOT_FIRST_GUEST; i < test_slot_count; i++) {
            const uint8_t *a = (const uint8_t *)&by_interp + test_slots[i].offset;
            const uint8_t *b = (const uint8_t *)&by_code + test_slots[i].offset;
            if (memcmp(a, b, ir_type_bytes(test_slots[i].type))) {
                fprintf(stderr, "%s: interp ", test_slots[i].name);
                for (unsigned k = ir_type_bytes(test_slots[i].type); k-- > 0;)
                    fprintf(stderr, "%02x", a[k]);
                fprintf(stderr, " code ");
                for (unsigned k = ir_type_bytes(test_slots[i].type); k-- > 0;)
                    fprintf(stderr, "%02x", b[k]);
                fputc('\n', stderr);
            }
        }
        fprintf(stderr, "pc offset %#x, %#x; FP flags %#x, %#x\n", by_interp.cpu.pc_offset, by_code.cpu.pc_offset,
                interp_flags, code_flags);
    }
    cr_assert(same, "seed %#lx length %u: the engines differ", options.seed, options.length);
}

static void check_many(struct random_options options, unsigned count)
{
    static const uint32_t feature_sets[] = {~0u, 4, 2, 0};
    for (unsigned f = 0; f < 4; f++) {
        struct rig rig;
        rig_open(&rig, feature_sets[f]);
        for (unsigned i = 0; i < count; i++) {
            options.seed = i + 1;
            options.length = 4 + i % 60;
            if (options.host_ops)
                options.stubs = rig.memory.write + CODE_BYTES - STUB_BYTES;
            options.stubs_exec_delta = rig.memory.exec - rig.memory.write;
            check_seed(&rig, options);
        }
        rig_close(&rig);
    }
}

Test(ir_random, integers)
{
    check_many((struct random_options){.calls = false}, 3000);
}

Test(ir_random, integers_with_calls)
{
    check_many((struct random_options){.calls = true}, 3000);
}

Test(ir_random, branches_and_loops)
{
    check_many((struct random_options){.calls = true, .branches = true}, 3000);
}

Test(ir_random, vectors)
{
    check_many((struct random_options){.calls = true, .branches = true, .vectors = true}, 3000);
}

Test(ir_random, floating_point)
{
    check_many((struct random_options){.calls = true, .branches = true, .vectors = true, .floats = true}, 3000);
}

Test(ir_random, host_operations)
{
    if (!host_has_avx())
        cr_skip_test("the host has no AVX");
    check_many((struct random_options){.calls = true, .branches = true, .vectors = true, .host_ops = true}, 3000);
}

Test(ir_random, exceptions)
{
    check_many((struct random_options){.calls = true, .branches = true, .vectors = true, .raises = true}, 3000);
}
