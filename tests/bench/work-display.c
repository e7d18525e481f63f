// SPDX-License-Identifier: MIT
// work-display SECONDS: changes every pixel of /dev/fb0 sixty times a second, and says how often it could.
#include <fcntl.h>
#include <linux/fb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

enum { FRAMES_PER_SECOND = 60, SECOND_NS = 1000000000 };

static void draw(uint32_t *pixels, size_t count, uint32_t frame)
{
    for (size_t i = 0; i < count; i++)
        pixels[i] = (uint32_t)i * 3 + frame * 0x010203;
}

int main(int argc, char **argv)
{
    struct fb_fix_screeninfo fixed;
    struct fb_var_screeninfo screen;
    struct timespec next;
    int fd = open("/dev/fb0", O_RDWR);
    if (argc != 2 || fd < 0 || ioctl(fd, FBIOGET_FSCREENINFO, &fixed) || ioctl(fd, FBIOGET_VSCREENINFO, &screen)) {
        perror("work-display: /dev/fb0");
        return 1;
    }
    size_t bytes = (size_t)fixed.line_length * screen.yres;
    uint32_t *pixels = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (pixels == MAP_FAILED) {
        perror("work-display: mmap");
        return 1;
    }
    uint32_t frames = (uint32_t)atoi(argv[1]) * FRAMES_PER_SECOND, late = 0;
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (uint32_t frame = 0; frame < frames; frame++) {
        struct timespec now;
        draw(pixels, bytes / sizeof(uint32_t), frame);
        next.tv_nsec += SECOND_NS / FRAMES_PER_SECOND;
        if (next.tv_nsec >= SECOND_NS) {
            next.tv_nsec -= SECOND_NS;
            next.tv_sec++;
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
        late += now.tv_sec > next.tv_sec || (now.tv_sec == next.tv_sec && now.tv_nsec > next.tv_nsec);
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
    printf("%ux%u: %u frames, %u late\n", screen.xres, screen.yres, frames, late);
    return 0;
}
