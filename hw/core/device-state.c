// SPDX-License-Identifier: MIT
// Walks state tables.
#include <inttypes.h>
#include <string.h>

#include "hw/core/device.h"
#include "tcg/base/endian.h"

static const unsigned kind_bytes[] = {
    [STATE_U8] = 1, [STATE_U16] = 2, [STATE_U32] = 4, [STATE_U64] = 8, [STATE_BOOL] = 1,
};

enum { PATH_SIZE = 160 };

static void visit_fields(const struct state_field *fields, char *object, char *path, state_visit_fn *visit,
                         void *opaque)
{
    size_t prefix = strlen(path);
    for (const struct state_field *field = fields; field && field->name; field++) {
        char *first = object + field->offset;
        if (field->indirect)
            memcpy(&first, object + field->offset, sizeof(first));
        uint32_t count = field->count;
        if (field->count_offset)
            memcpy(&count, object + field->count_offset, sizeof(count));
        bool array = field->indirect || field->count != 1;
        for (uint32_t i = 0; first && i < count; i++) {
            char *element = first + i * field->stride;
            int n = snprintf(path + prefix, PATH_SIZE - prefix, array ? "%s%s[%u]" : "%s%s",
                             prefix ? "." : "", field->name, i);
            if (n < 0 || (size_t)n >= PATH_SIZE - prefix)
                continue;
            if (field->kind == STATE_STRUCT)
                visit_fields(field->fields, element, path, visit, opaque);
            else
                visit(opaque, path, field->kind, element, kind_bytes[field->kind]);
        }
        path[prefix] = '\0';
    }
}

void state_visit(const struct state_field *fields, void *object, state_visit_fn *visit, void *opaque)
{
    char path[PATH_SIZE] = "";
    visit_fields(fields, object, path, visit, opaque);
}

static void print_leaf(void *opaque, const char *path, enum state_kind kind, void *data, unsigned size)
{
    (void)kind;
    uint64_t value = load_le(data, size);
    if (value)
        fprintf(opaque, "  %s=0x%" PRIx64 "\n", path, value);
}

void device_print_state(struct device *device, FILE *out)
{
    if (device->type->fetch_state)
        device->type->fetch_state(device);
    state_visit(device->type->state, device, print_leaf, out);
}

void device_print_irq(struct device *device, FILE *out)
{
    if (!device->type->print_irq)
        return;
    if (device->type->fetch_state)
        device->type->fetch_state(device);
    device->type->print_irq(device, out);
}
