// SPDX-License-Identifier: MIT
// guest-cursor: gives the first screen of /dev/dri/card0 a cursor of 64 by 64 pixels whose left half is opaque red and whose right
// half is green and half transparent, at 200, 150 and pointing with its pixel 5, 10. It stays until the program ends.
#include <libdrm/drm.h>
#include <libdrm/drm_mode.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SIDE = 64 };

static int failed(const char *what)
{
    perror(what);
    return 1;
}

int main(void)
{
    uint32_t crtcs[8];
    struct drm_mode_card_res resources = {.crtc_id_ptr = (uintptr_t)crtcs, .count_crtcs = 8};
    struct drm_mode_create_dumb create = {.width = SIDE, .height = SIDE, .bpp = 32};
    int card = open("/dev/dri/card0", O_RDWR);
    if (card < 0 || ioctl(card, DRM_IOCTL_MODE_GETRESOURCES, &resources) || !resources.count_crtcs)
        return failed("/dev/dri/card0");
    if (ioctl(card, DRM_IOCTL_MODE_CREATE_DUMB, &create))
        return failed("a buffer");
    struct drm_mode_map_dumb map = {.handle = create.handle};
    if (ioctl(card, DRM_IOCTL_MODE_MAP_DUMB, &map))
        return failed("its place");
    uint32_t *pixels = mmap(NULL, create.size, PROT_READ | PROT_WRITE, MAP_SHARED, card, (off_t)map.offset);
    if (pixels == MAP_FAILED)
        return failed("mmap");
    for (unsigned y = 0; y < SIDE; y++)
        for (unsigned x = 0; x < SIDE; x++)
            pixels[y * create.pitch / 4 + x] = x < SIDE / 2 ? 0xffff0000 : 0x80008000; // multiplied by alpha
    struct drm_mode_cursor2 cursor = {.flags = DRM_MODE_CURSOR_BO | DRM_MODE_CURSOR_MOVE, .crtc_id = crtcs[0], .x = 200, .y = 150,
                                      .width = SIDE, .height = SIDE, .handle = create.handle, .hot_x = 5, .hot_y = 10};
    if (ioctl(card, DRM_IOCTL_MODE_CURSOR2, &cursor))
        return failed("the cursor");
    puts("cursor is shown");
    fflush(stdout);
    pause();
    return 0;
}
