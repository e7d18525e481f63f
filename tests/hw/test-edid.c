// SPDX-License-Identifier: MIT
// EDID, decoded again after VESA's tables; and looked at by edid-decode where that is installed.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hw/display/edid.h"
#include "tcg/base/endian.h"

static uint8_t edid[EDID_BYTES];

static void build(unsigned width, unsigned height)
{
    struct edid_info info = {.width = width, .height = height, .name = "Screen", .serial = "12345678901234567890"};
    memset(edid, 0xee, sizeof(edid));
    edid_build(&info, edid);
    for (unsigned block = 0; block < 2; block++) {
        uint8_t sum = 0;
        for (unsigned i = 0; i < EDID_BLOCK_BYTES; i++)
            sum = (uint8_t)(sum + edid[block * EDID_BLOCK_BYTES + i]);
        cr_assert_eq(sum, 0, "checksum of block %u", block);
    }
}

struct mode {
    unsigned width, height, h_blank, v_blank, clock_10khz, width_mm, height_mm;
};

// EDID 1.4, table 3.21.
static struct mode detailed(const uint8_t *at)
{
    return (struct mode){.clock_10khz = load_le16(at),
                         .width = at[2] | (at[4] & 0xf0u) << 4,
                         .h_blank = at[3] | (at[4] & 0x0fu) << 8,
                         .height = at[5] | (at[7] & 0xf0u) << 4,
                         .v_blank = at[6] | (at[7] & 0x0fu) << 8,
                         .width_mm = at[12] | (at[14] & 0xf0u) << 4,
                         .height_mm = at[13] | (at[14] & 0x0fu) << 8};
}

static double refresh_of(struct mode m)
{
    return m.clock_10khz * 1e4 / (m.width + m.h_blank) / (m.height + m.v_blank);
}

static void expect_60_hz(struct mode m)
{
    cr_assert(refresh_of(m) > 59 && refresh_of(m) <= 60.01, "%ux%u: %f Hz", m.width, m.height, refresh_of(m));
}

static bool has_standard(unsigned width, unsigned aspect)
{
    for (unsigned i = 0; i < 8; i++)
        if (edid[38 + 2 * i] == width / 8 - 31 && edid[39 + 2 * i] >> 6 == aspect)
            return true;
    return false;
}

Test(edid, says_what_it_was_told)
{
    static const uint8_t header[] = {0, 255, 255, 255, 255, 255, 255, 0};
    build(1280, 800);
    cr_assert_eq(memcmp(edid, header, 8), 0);
    uint16_t maker = load_be16(edid + 8);
    cr_assert(('@' + (maker >> 10)) == 'L' && ('@' + (maker >> 5 & 31)) == 'Y' && ('@' + (maker & 31)) == 'R');
    cr_assert(edid[18] == 1 && edid[19] == 4 && edid[126] == 1);
    struct mode m = detailed(edid + 54);
    cr_assert(m.width == 1280 && m.height == 800);
    // VESA's own numbers for this size (DMT 0x1b): 71 MHz, 1440 by 823.
    cr_assert(m.clock_10khz == 7100 && m.h_blank == 160 && m.v_blank == 23);
    expect_60_hz(m);
    cr_assert(m.width_mm == 325 && m.height_mm == 203, "100 dpi");
    cr_assert(edid[21] == 33 && edid[22] == 20);
    cr_assert(edid[54 + 18 + 3] == 0xfd && edid[54 + 36 + 3] == 0xfc && edid[54 + 54 + 3] == 0xff);
    cr_assert_eq(memcmp(edid + 54 + 36 + 5, "Screen\n      ", 13), 0);
    cr_assert_eq(memcmp(edid + 54 + 54 + 5, "1234567890123", 13), 0);
    cr_assert_eq(edid[128], 2);
    unsigned modes = 0;
    for (unsigned at = 128 + edid[130]; at + 18 <= 255 && load_le16(edid + at); at += 18, modes++)
        expect_60_hz(detailed(edid + at));
    cr_assert_gt(modes, 3);
}

Test(edid, offers_no_more_than_the_maximum)
{
    struct edid_info info = {.width = 800, .height = 600, .max_width = 1600, .max_height = 900};
    edid_build(&info, edid);
    cr_assert(edid[35] == 0x21 && edid[36] == 0x08, "640x480, 800x600, 1024x768");
    cr_assert(has_standard(1280, 3) && has_standard(1440, 0) && !has_standard(1280, 2) && !has_standard(1920, 3));
    cr_assert_eq(detailed(edid + 128 + edid[130]).width, 1600);
    info.max_width = 640;
    edid_build(&info, edid);
    cr_assert(edid[35] == 0x20 && edid[36] == 0);
    cr_assert_eq(load_le16(edid + 38), 0x0101);
    cr_assert_eq(load_le16(edid + 128 + edid[130]), 0);
}

// DisplayID 1.3, 4.4.1.
static struct mode display_id_timing(const uint8_t *at)
{
    return (struct mode){.clock_10khz = (load_le16(at) | (unsigned)at[2] << 16) + 1,
                         .width = load_le16(at + 4) + 1u,
                         .h_blank = load_le16(at + 6) + 1u,
                         .height = load_le16(at + 12) + 1u,
                         .v_blank = load_le16(at + 14) + 1u};
}

Test(edid, large_modes_are_in_a_display_id)
{
    build(5120, 2880);
    struct mode first = detailed(edid + 54);
    cr_assert(first.width == 2560 && first.height == 1440);
    cr_assert_eq(edid[128], 0x70);
    uint8_t sum = 0;
    for (unsigned i = 1; i <= edid[130] + 5u; i++)
        sum = (uint8_t)(sum + edid[128 + i]);
    cr_assert_eq(sum, 0, "the section's own checksum");
    cr_assert(edid[133] == 3 && edid[135] == 20, "one timing of type I");
    cr_assert(edid[139] >> 7, "preferred");
    struct mode m = display_id_timing(edid + 136);
    cr_assert(m.width == 5120 && m.height == 2880);
    expect_60_hz(m);
    build(3840, 2160);
    cr_assert(edid[128] == 2 && detailed(edid + 54).width == 3840);
    build(4095, 4095); // the clock is what does not fit
    cr_assert_eq(edid[128], 0x70);
}

Test(edid, any_size_gives_something)
{
    static const unsigned sides[] = {0, 1, 7, 4095, 4096, 16384, 0x7fffffff, 0xffffffff};
    for (unsigned i = 0; i < 64; i++) {
        build(sides[i % 8], sides[i / 8]);
        struct mode m = detailed(edid + 54);
        cr_assert(m.clock_10khz && m.width && m.height);
    }
}

// Whether edid-decode, called with an option or two, is content.
static bool decodes(unsigned width, unsigned height, const char *command)
{
    char line[200];
    build(width, height);
    snprintf(line, sizeof(line), "edid-decode --skip-hex-dump %s >&2", command);
    FILE *pipe = popen(line, "w");
    cr_assert(pipe && fwrite(edid, sizeof(edid), 1, pipe) == 1);
    return pclose(pipe) == 0;
}

Test(edid, conforms)
{
    if (access("/usr/bin/edid-decode", X_OK))
        cr_skip_test("no edid-decode");
    cr_assert(decodes(1280, 800, "--check"));
    cr_assert(decodes(1920, 1080, "--check"));
    cr_assert(decodes(3840, 2160, "--check"));
    cr_assert(decodes(1000, 777, "--check"));
    cr_assert(decodes(5120, 2880, "| grep '5120x2880 *59.99.*preferred'"));
}
