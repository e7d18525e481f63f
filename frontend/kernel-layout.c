// SPDX-License-Identifier: MIT
// How a kernel's structures look, by its own description of them (CONFIG_DEBUG_INFO_BTF), and reading them.
#include "frontend/kernel-private.h"

#include <stdlib.h>
#include <string.h>

#include "frontend/kernel-btf.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

static const struct {
    const char *structure, *member;
} fields[KERNEL_FIELDS] = {
    [MODULE_LIST] = {"module", "list"},
    [MODULE_NAME] = {"module", "name"},
    [MODULE_SELF] = {"module", "mkobj.mod"},
    [MODULE_KALLSYMS] = {"module", "kallsyms"},
    [MODULE_SECTIONS] = {"module", "sect_attrs"},
    [MODULE_CORE] = {"module", "core_layout.base"},
    [MODULE_CORE_BYTES] = {"module", "core_layout.size"},
    [MODULE_CORE_TEXT] = {"module", "core_layout.text_size"},
    [MODULE_INIT] = {"module", "init_layout.base"},
    [MODULE_INIT_BYTES] = {"module", "init_layout.size"},
    [MODULE_INIT_TEXT] = {"module", "init_layout.text_size"},
    [MODULE_MEM] = {"module", "mem.base"},
    [MODULE_MEM_BYTES] = {"module", "mem.size"},
    [KALLSYMS_SYMTAB] = {"mod_kallsyms", "symtab"},
    [KALLSYMS_NUM_SYMTAB] = {"mod_kallsyms", "num_symtab"},
    [KALLSYMS_STRTAB] = {"mod_kallsyms", "strtab"},
    [KALLSYMS_TYPETAB] = {"mod_kallsyms", "typetab"},
    [SECTIONS_COUNT] = {"module_sect_attrs", "nsections"},
    [SECTIONS_FIRST] = {"module_sect_attrs", "attrs"},
    [SECTION_NAME] = {"module_sect_attr", "battr.attr.name"},
    [SECTION_ADDRESS] = {"module_sect_attr", "address"},
    [TASK_PID] = {"task_struct", "pid"},
    [TASK_COMM] = {"task_struct", "comm"},
    [TASK_STACK] = {"task_struct", "stack"},
    [TASK_TASKS] = {"task_struct", "tasks"},
    [TASK_SIGNAL] = {"task_struct", "signal"},
    [TASK_THREAD_NODE] = {"task_struct", "thread_node"},
    [SIGNAL_THREADS] = {"signal_struct", "thread_head"},
    [RQ_CURR] = {"rq", "curr"},
};

static void read_fields(struct kernel_layout *layout, const struct kernel_btf *btf)
{
    const char *last = "";
    uint32_t structure = 0;
    for (unsigned i = 0; i < KERNEL_FIELDS; i++) {
        if (strcmp(fields[i].structure, last))
            structure = kernel_btf_struct(btf, last = fields[i].structure);
        if (!structure || !kernel_btf_member(btf, structure, fields[i].member, &layout->fields[i]))
            layout->fields[i] = KERNEL_NO_FIELD;
    }
    layout->memory_bytes = kernel_btf_size(btf, kernel_btf_struct(btf, "module_memory"));
    layout->section_bytes = kernel_btf_size(btf, kernel_btf_struct(btf, "module_sect_attr"));
}

static void find_description(struct kernel_layout *layout, const uint8_t *at, const uint8_t *end)
{
    // Without the zeroes at its end, which would be found in every piece of memory that is empty.
    enum { MAGIC_BYTES = 5, MOST_TRIES = 64 };
    static const char magic[] = "\x9f\xeb\1\0\x18";
    struct kernel_btf btf;
    for (unsigned i = 0; i < MOST_TRIES && (at = memmem(at, (size_t)(end - at), magic, MAGIC_BYTES)); i++, at++)
        if (kernel_btf_open(&btf, at, (size_t)(end - at))) {
            read_fields(layout, &btf);
            kernel_btf_close(&btf);
            return;
        }
}

bool kernel_layout_read(struct kernel_image *image, struct kernel_info *kernel, size_t from)
{
    struct kernel_layout *layout = kernel->layout = ALLOC(struct kernel_layout);
    *layout = (struct kernel_layout){.gva = image->gva, .gpa = image->gpa, .size = image->size};
    for (unsigned i = 0; i < KERNEL_FIELDS; i++)
        layout->fields[i] = KERNEL_NO_FIELD;
    if (!kernel_image_load(image, kernel->end - image->gva))
        return false;
    if (from < image->loaded)
        find_description(layout, image->bytes + from, image->bytes + image->loaded);
    if (layout->fields[TASK_COMM] == KERNEL_NO_FIELD)
        kernel_tasks_guess(image, kernel);
    return true;
}

bool kernel_has_fields(const struct kernel_info *kernel, const enum kernel_field *wanted, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (kernel->layout->fields[wanted[i]] == KERNEL_NO_FIELD)
            return false;
    return true;
}

// --- reading ---

bool kernel_read(const struct kernel_info *kernel, const struct kernel_memory *memory, uint64_t gva, void *out, size_t bytes)
{
    enum { PAGE = 4096 };
    const struct kernel_layout *layout = kernel->layout;
    if (range_inside(gva - layout->gva, bytes, layout->size))
        return memory->read_physical(memory->opaque, gva - layout->gva + layout->gpa, out, bytes);
    for (uint8_t *to = out; bytes;) {
        size_t here = PAGE - (gva & (PAGE - 1));
        uint64_t gpa;
        here = here < bytes ? here : bytes;
        if (!kernel_translate(memory, gva, &gpa) || !memory->read_physical(memory->opaque, gpa, to, here))
            return false;
        gva += here;
        to += here;
        bytes -= here;
    }
    return true;
}

bool kernel_read_word(const struct kernel_info *kernel, const struct kernel_memory *memory, uint64_t gva, uint64_t *value)
{
    uint8_t bytes[8];
    if (!kernel_read(kernel, memory, gva, bytes, kernel_word(kernel->arch)))
        return false;
    *value = load_le(bytes, kernel_word(kernel->arch));
    return true;
}

bool kernel_read_text(const struct kernel_info *kernel, const struct kernel_memory *memory, uint64_t gva, char *out,
                      size_t size)
{
    enum { STEP = 16 };
    for (size_t at = 0; at < size;) {
        size_t here = STEP - ((gva + at) & (STEP - 1));
        here = here < size - at ? here : size - at;
        if (!kernel_read(kernel, memory, gva + at, out + at, here))
            return false;
        for (size_t end = at + here; at < end; at++) {
            if (!out[at])
                return true;
            if (out[at] < ' ' || out[at] > '~')
                return false;
        }
    }
    out[size - 1] = 0;
    return true;
}
