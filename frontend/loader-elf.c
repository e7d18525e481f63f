// SPDX-License-Identifier: MIT
// ELF programs go where their physical addresses say, in RAM or flash.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/elf.h"
#include "frontend/loader-private.h"
#include "hw/core/machine.h"
#include "tcg/base/bits.h"

int load_elf_segments(struct machine *machine, const uint8_t *data, uint64_t size, struct error *error)
{
    struct elf_program program;
    int status = elf_parse(data, size, &program, error);
    if (status)
        return status;
    uint64_t lowest = UINT64_MAX, highest = 0;
    for (unsigned i = 0; i < program.segment_count; i++) {
        const struct elf_segment *segment = &program.segments[i];
        // All of it is written at each reset, the zeroes at the end too.
        if (segment->memory_bytes > machine->ram_size)
            return loader_no_room(machine, segment->memory_bytes, error);
        uint8_t *copy = calloc(1, segment->memory_bytes);
        if (!copy)
            return error_set(error, ENOMEM, "no memory for it");
        memcpy(copy, data + segment->file_offset, segment->file_bytes);
        if ((status = machine_add_blob(machine, "kernel", segment->gpa, copy, segment->memory_bytes, error)))
            return status;
        if (segment->gpa < lowest)
            lowest = segment->gpa;
        if (segment->gpa + segment->memory_bytes > highest)
            highest = segment->gpa + segment->memory_bytes;
    }
    machine->boot.entry = program.entry;
    machine->boot.kernel_start = lowest;
    machine->boot.kernel_end = highest;
    return 0;
}

int load_elf(struct machine *machine, const uint8_t *data, uint64_t size, struct error *error)
{
    machine->boot.direct = true;
    return load_elf_segments(machine, data, size, error);
}

uint64_t loader_next_place(const struct machine *machine)
{
    return round_up(machine->boot.kernel_end, 4096);
}

int loader_place_behind(struct machine *machine, const char *name, uint8_t *data, uint64_t size, uint64_t *gpa,
                        struct error *error)
{
    *gpa = loader_next_place(machine);
    machine->boot.kernel_end = *gpa + size;
    return machine_add_blob(machine, name, *gpa, data, size, error);
}
