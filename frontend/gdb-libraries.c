// SPDX-License-Identifier: MIT
// What the guest has loaded beside its kernel, as shared libraries (GDB manual, G.2): images of UEFI firmware, and modules of the
// kernel. The peer is told of a change at a stop, before that; of a module before it starts (gdb-modules.c).
//
// A library is a file that the peer opens here (gdb-files.c): if an image names the ELF file that it was made of, and this host
// has it, that one, so that who has built the firmware has its symbols at once; else one that is made here. The guest chooses
// the name, so it opens nothing that is no ELF file and not called .dll or .debug, and what is read goes to the debugger alone.
// The peer is told where an ELF file's first segment is. It would take addresses of sections too, but only of exactly those that
// are in the file, which have other names and numbers than those of a PE image or a loaded module.
#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/file.h"
#include "frontend/gdb-private.h"
#include "frontend/guest-kernel.h"
#include "frontend/guest-uefi.h"
#include "tcg/base/alloc.h"
#include "tcg/base/endian.h"

enum { MOST_LIBRARIES = 512, HEADERS_BYTES = 4096 };

struct gdb_library {
    struct gdb_program *program; // with no data where it is a file of this host's
    uint64_t address;            // of its first segment
};

struct gdb_libraries {
    struct gdb_library *items;
    unsigned count;
    uint32_t state;        // of the guest's when it was made; 0: empty
    uint64_t system_table; // of the firmware; 0: not known
    char *document;
};

static void release_items(struct gdb_libraries *l)
{
    for (unsigned i = 0; i < l->count; i++)
        gdb_program_release(l->items[i].program);
    free(l->items);
    l->items = NULL;
    l->count = 0;
    l->state = 0;
}

static void begin(struct gdb *gdb)
{
    if (!gdb->libraries)
        gdb->libraries = ALLOC(struct gdb_libraries);
}

void gdb_forget_libraries(struct gdb *gdb)
{
    if (gdb->libraries)
        release_items(gdb->libraries);
}

void gdb_end_libraries(struct gdb *gdb)
{
    if (!gdb->libraries)
        return;
    release_items(gdb->libraries);
    free(gdb->libraries->document);
    free(gdb->libraries);
    gdb->libraries = NULL;
}

// --- what is loaded ------------------------------------------------------------------------------------------------

// With all vCPUs out of run().
static uint32_t current_state(struct gdb *gdb)
{
    struct gdb_libraries *l = gdb->libraries;
    uint32_t state = l->system_table ? guest_uefi_state(gdb->machine, l->system_table) : 0;
    const struct kernel_info *kernel = gdb->kernel ? guest_kernel_known(gdb->kernel) : NULL;
    if (kernel ? !gdb_sees_kernel(gdb, kernel) : !gdb_in_widest_mode(gdb))
        return 0; // the peer refuses files that are not of the registers that it sees
    if (!state) {
        struct uefi_images *images = guest_uefi_find(gdb->machine, UEFI_QUICK);
        l->system_table = images ? images->system_table : 0;
        state = images ? images->state : 0;
        uefi_images_destroy(images);
    }
    if (kernel && kernel->module_count)
        state += 1 + (uint32_t)guest_kernel_modules_generation(gdb->kernel) * 2654435761;
    return state;
}

// --- files ---------------------------------------------------------------------------------------------------------

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length > end_length && !strcmp(text + length - end_length, end);
}

static bool may_be_opened(const char *path)
{
    return *path == '/' && (ends_with(path, ".dll") || ends_with(path, ".debug")) && !strstr(path, "/../");
}

// Where the first segment of this host's ELF file was linked. False: there is no such file.
static bool find_segment(const char *path, bool wide, uint64_t *address)
{
    uint8_t data[HEADERS_BYTES] = {0};
    uint64_t size, total;
    if (!may_be_opened(path) || file_peek("symbols", path, data, sizeof(data), &size, &total, NULL) ||
        memcmp(data, ELFMAG, SELFMAG) || data[EI_CLASS] != (wide ? ELFCLASS64 : ELFCLASS32) || data[EI_DATA] != ELFDATA2LSB)
        return false;
    uint64_t at = wide ? load_le64(data + offsetof(Elf64_Ehdr, e_phoff)) : load_le32(data + offsetof(Elf32_Ehdr, e_phoff));
    unsigned count = load_le16(data + (wide ? offsetof(Elf64_Ehdr, e_phnum) : offsetof(Elf32_Ehdr, e_phnum)));
    size_t row = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    for (unsigned i = 0; i < count && at < size && size - at >= row; i++, at += row) {
        if (load_le32(data + at) != PT_LOAD)
            continue;
        *address = wide ? load_le64(data + at + offsetof(Elf64_Phdr, p_vaddr)) : load_le32(data + at + offsetof(Elf32_Phdr, p_vaddr));
        return true;
    }
    return false;
}

static void add(struct gdb_libraries *l, char *name, uint8_t *data, size_t size, uint64_t address)
{
    l->items = alloc_resize(l->items, l->count + 1, sizeof(*l->items));
    l->items[l->count++] = (struct gdb_library){gdb_program_create(name, data, size), address};
}

static void add_made(struct gdb_libraries *l, char *name, const struct kernel_info *info)
{
    size_t size = 0;
    uint8_t *data = kernel_make_elf(info, &size);
    if (data)
        add(l, name, data, size, info->text);
    else
        free(name);
}

static const struct gdb_library *find(const struct gdb_libraries *l, const char *name)
{
    for (unsigned i = 0; i < l->count; i++)
        if (!strcmp(l->items[i].program->name, name))
            return &l->items[i];
    return NULL;
}

// Its one symbol makes addresses readable: how far they are from its base.
static void add_image(struct gdb *gdb, const struct uefi_image *image, bool wide)
{
    const char *arch = gdb_cpu(gdb, 0)->ops->arch;
    struct kernel_symbol symbol = {.address = image->base, .name = image->name, .type = 'T'};
    struct kernel_info info = {.text = image->base, .end = image->base + image->bytes, .symbols = &symbol, .symbol_count = 1};
    char *name = image->path ? alloc_string(image->path) : alloc_format("/uefi/%s.efi", image->name);
    uint64_t linked;
    info.arch = !wide ? KERNEL_I386 : !strcmp(arch, "aarch64") ? KERNEL_ARM64 : KERNEL_X86_64;
    if (find(gdb->libraries, name))
        free(name); // loaded twice
    else if (image->path && find_segment(name, wide, &linked))
        add(gdb->libraries, name, NULL, 0, image->base + linked);
    else
        add_made(gdb->libraries, name, &info);
}

// Its memory is less when it has started. GDB takes notice of that by another name.
static void add_module(struct gdb *gdb, const struct kernel_info *kernel, unsigned number)
{
    const struct kernel_module *module = &kernel->modules[number];
    size_t size = 0;
    uint64_t address = 0;
    uint8_t *data = kernel_make_module_elf(kernel, number, &size, &address);
    char *name = alloc_format("/linux/%s%s.ko", module->starts ? "starting/" : "", module->name);
    if (data)
        add(gdb->libraries, name, data, size, address);
    else
        free(name);
}

struct gdb_program *gdb_open_library(struct gdb *gdb, const char *name)
{
    const struct gdb_library *library = gdb->libraries ? find(gdb->libraries, name) : NULL;
    if (library && library->program->data) {
        library->program->users++;
        return library->program;
    }
    // The file itself, or what has been split from it, whose name GDB has from there.
    if (!library && ends_with(name, ".debug")) {
        char *whole = alloc_format("%.*s.dll", (int)(strlen(name) - strlen(".debug")), name);
        library = gdb->libraries ? find(gdb->libraries, whole) : NULL;
        free(whole);
    }
    return library && !library->program->data && may_be_opened(name) ? gdb_program_open(name) : NULL;
}

// --- the list ------------------------------------------------------------------------------------------------------

static void fill(struct gdb *gdb)
{
    struct gdb_libraries *l = gdb->libraries;
    const struct kernel_info *kernel = gdb->kernel ? guest_kernel_known(gdb->kernel) : NULL;
    struct uefi_images *images = guest_uefi_find(gdb->machine, UEFI_QUICK);
    for (unsigned i = 0; images && i < images->count && l->count < MOST_LIBRARIES; i++)
        add_image(gdb, &images->images[i], images->wide);
    uefi_images_destroy(images);
    for (unsigned i = 0; kernel && i < kernel->module_count && l->count < MOST_LIBRARIES; i++)
        add_module(gdb, kernel, i);
}

// GDB leaves a library of the same name where it is.
static bool have_moved(const struct gdb_libraries *l, const struct gdb_libraries *old)
{
    for (unsigned i = 0; i < l->count; i++) {
        const struct gdb_library *same = find(old, l->items[i].program->name);
        if (same && same->address != l->items[i].address)
            return true;
    }
    return false;
}

static void update(struct gdb *gdb)
{
    struct gdb_libraries *l = gdb->libraries, old = *l;
    gdb_stop_vcpus(gdb);
    l->state = current_state(gdb);
    l->items = NULL;
    l->count = 0;
    if (l->state)
        fill(gdb);
    gdb_restart_vcpus(gdb);
    if (have_moved(l, &old))
        release_items(l); // none now, and then all
    release_items(&old);
}

static void put_escaped(const char *text, FILE *out)
{
    for (; *text; text++)
        if (strchr("&<>\"'", *text))
            fprintf(out, "&#%d;", *text);
        else
            fputc(*text, out);
}

static void make_document(struct gdb_libraries *l)
{
    size_t size;
    free(l->document);
    FILE *out = open_memstream(&l->document, &size);
    if (!out)
        abort();
    fputs("<library-list version=\"1.0\">", out);
    for (unsigned i = 0; i < l->count; i++) {
        fputs("<library name=\"", out);
        put_escaped(l->items[i].program->name, out);
        fprintf(out, "\"><segment address=\"0x%" PRIx64 "\"/></library>", l->items[i].address);
    }
    fputs("</library-list>", out);
    fclose(out);
}

// qXfer:libraries:read::OFFSET,LENGTH
void gdb_read_libraries(struct gdb *gdb, const char *range)
{
    begin(gdb);
    if (!strncmp(range, "0,", 2) || !gdb->libraries->document) {
        update(gdb);
        make_document(gdb->libraries);
    }
    gdb_put_piece(gdb, gdb->libraries->document, range);
}

static bool has_starting_module(const struct kernel_info *kernel)
{
    for (unsigned i = 0; kernel && i < kernel->module_count; i++)
        if (kernel->modules[i].starts)
            return true;
    return false;
}

bool gdb_libraries_changed(struct gdb *gdb, struct vcpu *cpu)
{
    if (!gdb->exec_events)
        return false; // it is not GDB, or an old one
    begin(gdb);
    gdb_stop_vcpus(gdb);
    if (gdb->modules_changed)
        gdb->modules_changed = has_starting_module(guest_kernel_find(gdb->kernel, cpu));
    uint32_t state = current_state(gdb);
    gdb_restart_vcpus(gdb);
    // Told once, whether or not the peer then reads the list.
    bool changed = state != gdb->libraries->state;
    gdb->libraries->state = state;
    return changed;
}
