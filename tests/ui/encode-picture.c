// SPDX-License-Identifier: MIT
// Encodes pictures as the VNC server does, for test-vnc-encode: for each that comes from standard input an
// update goes to standard output, and before it how long it is and how many nanoseconds it took.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hw/core/surface.h"
#include "ui/vnc-private.h"

struct picture {
    uint32_t width, height;
    struct display_rect rect; // what is encoded of it
    int32_t encoding, level;
    uint8_t format[VNC_FORMAT_BYTES];
};

static uint64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool encode(const struct picture *picture, struct vnc_frame *frame)
{
    frame->surface = surface_create(picture->width, picture->height);
    frame->damage = (struct display_damage){1, {picture->rect}};
    frame->encoding = (enum vnc_encoding)picture->encoding;
    frame->level = picture->level;
    if (!frame->surface || !vnc_format_parse(&frame->format, picture->format))
        return false;
    size_t pixels = (size_t)picture->width * picture->height;
    if (fread(surface_line(frame->surface, 0), sizeof(uint32_t), pixels, stdin) != pixels)
        return false;
    uint64_t before = cpu_ns();
    vnc_encode_frame(frame);
    uint64_t head[2] = {frame->out.length, cpu_ns() - before};
    bool good = !frame->out.failed && fwrite(head, sizeof(head), 1, stdout) == 1 &&
                fwrite(frame->out.data, frame->out.length, 1, stdout) == 1 && !fflush(stdout);
    surface_drop(frame->surface);
    frame->out.length = 0;
    return good;
}

int main(void)
{
    struct vnc_frame frame = {.level = 1};
    struct picture picture;
    while (fread(&picture, sizeof(picture), 1, stdin) == 1)
        if (!encode(&picture, &frame))
            return EXIT_FAILURE;
    vnc_frame_end(&frame);
    return EXIT_SUCCESS;
}
