// SPDX-License-Identifier: MIT
// Finding a kernel: a place where it may be, its table of symbols there, and from these where it is and which one.
#include "frontend/kernel-private.h"

#include <stdlib.h>
#include <string.h>

#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

char *kernel_names_add(struct kernel_info *kernel, size_t bytes)
{
    struct kernel_names *names = malloc(sizeof(*names) + bytes);
    if (!names)
        return NULL;
    names->next = kernel->names;
    names->bytes = bytes;
    kernel->names = names;
    return names->text;
}

// The names of one list stand in memory in the order of the list.
static int compare(const void *a, const void *b)
{
    const struct kernel_symbol *x = a, *y = b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return (x->name > y->name) - (x->name < y->name);
}

bool kernel_add_symbols(struct kernel_info *kernel, struct kernel_symbol *symbols, size_t count)
{
    struct kernel_symbol *all = malloc((kernel->symbol_count + count) * sizeof(*all));
    if (!all)
        return false;
    qsort(symbols, count, sizeof(*symbols), compare);
    for (size_t i = 0, old = 0, new = 0; i < kernel->symbol_count + count; i++) {
        bool take_old = new == count ||
                        (old < kernel->symbol_count && kernel->symbols[old].address <= symbols[new].address);
        all[i] = take_old ? kernel->symbols[old++] : symbols[new++];
    }
    free(kernel->symbols);
    kernel->symbols = all;
    kernel->symbol_count += count;
    return true;
}

void kernel_destroy(struct kernel_info *kernel)
{
    if (!kernel)
        return;
    while (kernel->names) {
        struct kernel_names *next = kernel->names->next;
        free(kernel->names);
        kernel->names = next;
    }
    kernel_modules_free(kernel);
    free(kernel->symbols);
    free(kernel->sections);
    free(kernel->layout);
    free(kernel);
}

const struct kernel_symbol *kernel_symbol(const struct kernel_info *kernel, const char *name)
{
    const struct kernel_symbol *found = NULL;
    for (size_t i = 0; i < kernel->symbol_count; i++)
        if (!strcmp(kernel->symbols[i].name, name) && (!found || found->module))
            found = &kernel->symbols[i];
    return found;
}

// --- where it is ---

static const struct kernel_symbol *first_symbol(const struct kernel_info *kernel)
{
    const struct kernel_symbol *text = kernel_symbol(kernel, "_text");
    return text ? text : kernel_symbol(kernel, "_stext");
}

// AArch64 kernels have a header of 4 or 64 KiB before what is in the table.
static uint64_t text_address(const struct kernel_info *kernel, const struct kernel_symbol *first)
{
    enum { HEAD_UNIT = 64 << 10 };
    if (kernel->arch == KERNEL_ARM64 && !strcmp(first->name, "_stext"))
        return (first->address - 1) & ~(uint64_t)(HEAD_UNIT - 1);
    return first->address;
}

static void move(struct kernel_info *kernel, uint64_t by)
{
    for (size_t i = 0; i < kernel->symbol_count; i++)
        kernel->symbols[i].address += by;
}

void kernel_include(struct kernel_info *kernel, uint64_t address)
{
    enum { PAGE = 4096 };
    uint64_t end = (address | (PAGE - 1)) + 1;
    if (end > kernel->end)
        kernel->end = end;
}

static bool place(struct kernel_info *kernel, struct kernel_image *image)
{
    const struct kernel_symbol *first = first_symbol(kernel), *end = kernel_symbol(kernel, "_end");
    if (!first)
        return false;
    uint64_t text = text_address(kernel, first), gpa = 0;
    bool mapped = kernel_translate(image->memory, first->address, &gpa);
    if (mapped && gpa - image->gpa < image->size) {
        image->gva = first->address - (gpa - image->gpa);
    } else if (!image->gva_known) {
        if (mapped)
            return false; // another copy of it
        image->gva = text;
    } else if (image->headed) {
        // An AArch64 kernel corrects its addresses only after a while.
        move(kernel, image->gva - text);
        text = image->gva;
    }
    image->gva_known = true;
    kernel->text = text;
    kernel->end = image->headed ? image->gva + image->size : end ? end->address : 0;
    if (!kernel->end)
        kernel_include(kernel, kernel->symbols[kernel->symbol_count - 1].address);
    return kernel_address(kernel->arch, text) && text - image->gva < image->size && kernel->end >= text &&
           kernel->end - image->gva <= image->size;
}

// --- which one it is ---

static const char BANNER[] = "Linux version ";

static bool is_printable(const uint8_t *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (text[i] < ' ' || text[i] > '~')
            return false;
    return true;
}

static bool take_banner(struct kernel_info *kernel, const uint8_t *text, size_t bytes)
{
    enum { START_BYTES = sizeof(BANNER) - 1 };
    if (bytes <= START_BYTES || memcmp(text, BANNER, START_BYTES) || text[START_BYTES] < '0' || text[START_BYTES] > '9')
        return false;
    const uint8_t *end = memchr(text, '\n', bytes < sizeof(kernel->banner) ? bytes : sizeof(kernel->banner));
    if (!end || !is_printable(text, (size_t)(end - text)))
        return false;
    memcpy(kernel->banner, text, (size_t)(end - text));
    kernel->banner[end - text] = 0;
    size_t release = strcspn(kernel->banner + START_BYTES, " ");
    if (release >= sizeof(kernel->release))
        release = sizeof(kernel->release) - 1;
    kernel->release[release] = 0;
    memcpy(kernel->release, kernel->banner + START_BYTES, release);
    return true;
}

// Of the first of the linker's passes there may be another, without the number of the build ("#1").
static bool is_final(const char *banner)
{
    const char *number = strstr(banner, " #");
    return number && number[2] >= '0' && number[2] <= '9';
}

static bool read_banner(struct kernel_info *kernel, const struct kernel_image *image)
{
    const struct kernel_symbol *symbol = kernel_symbol(kernel, "linux_banner");
    size_t at;
    if (symbol && kernel_image_find(image, symbol->address, 1, &at) &&
        take_banner(kernel, image->bytes + at, image->loaded - at))
        return true;
    if (!kernel_image_find(image, kernel->text, 0, &at))
        return false;
    const uint8_t *from = image->bytes + at, *end = image->bytes + image->loaded, *found;
    struct kernel_symbol banner = {.name = "linux_banner", .type = 'R', .exported = true};
    while (!is_final(kernel->banner) && (found = memmem(from, (size_t)(end - from), BANNER, sizeof(BANNER) - 1))) {
        if (take_banner(kernel, found, (size_t)(end - found)))
            banner.address = image->gva + (uint64_t)(found - image->bytes);
        from = found + 1;
    }
    if (!banner.address)
        return false;
    kernel_include(kernel, banner.address);
    return kernel_add_symbols(kernel, &banner, 1);
}

// Not all kernels have the names of data.
static void read_build_id(struct kernel_info *kernel, struct kernel_image *image)
{
    const struct kernel_symbol *start = kernel_symbol(kernel, "__start_notes"), *end = kernel_symbol(kernel, "__stop_notes");
    size_t at;
    if (!kernel_image_load(image, kernel->end - image->gva))
        return;
    if (start && end && kernel_image_find(image, start->address, end->address - start->address, &at))
        kernel_parse_build_id(image->bytes + at, end->address - start->address, &kernel->build_id);
    else if (kernel_image_find(image, kernel->text, 0, &at))
        kernel_find_build_id(image->bytes + at, image->loaded - at, &kernel->build_id);
}

// --- how far it is from where it was linked ---

// An AArch64 kernel is linked where the modules' area ends, behind one for BPF in some versions (arch/arm64/include/asm/
// memory.h), and its size depends on the version, too: 0 where it is not known.
static uint64_t arm64_link_text(const char *release)
{
    char *end;
    unsigned long major = strtoul(release, &end, 10), minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
    if (major > 6 || (major == 6 && minor >= 5))
        return UINT64_C(0xffff800080000000);
    return major == 6 ? UINT64_C(0xffff800008000000) : 0;
}

static void set_link_text(struct kernel_info *kernel)
{
    switch (kernel->arch) {
    case KERNEL_ARM64:
        kernel->link_text = arm64_link_text(kernel->release);
        break;
    case KERNEL_X86_64:
        kernel->link_text = UINT64_C(0xffffffff81000000);
        break;
    case KERNEL_I386:
        kernel->link_text = 0xc1000000;
        break;
    }
    kernel->slide_known = kernel->link_text;
    kernel->slide = kernel->slide_known ? kernel->text - kernel->link_text : 0;
}

static bool read(struct kernel_info *kernel, struct kernel_image *image)
{
    size_t at;
    if (!kernel_kallsyms_read(image, kernel, &at) || !place(kernel, image) || !read_banner(kernel, image))
        return false;
    set_link_text(kernel);
    read_build_id(kernel, image);
    if (!kernel_symbol(kernel, "init_task"))
        kernel_exports_read(image, kernel, at);
    return kernel_layout_read(image, kernel, at);
}

struct kernel_info *kernel_find(const struct kernel_memory *memory)
{
    struct kernel_image places[KERNEL_MAX_PLACES];
    unsigned count = kernel_image_places(memory, places);
    for (unsigned i = 0; i < count; i++) {
        struct kernel_info *kernel = ALLOC(struct kernel_info);
        kernel->arch = memory->arch;
        bool found = read(kernel, &places[i]);
        kernel_image_free(&places[i]);
        if (found)
            return kernel;
        kernel_destroy(kernel);
    }
    return NULL;
}
