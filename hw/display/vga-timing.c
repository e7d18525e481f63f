// SPDX-License-Identifier: MIT
// The beam. Nothing is drawn by it: it is where it would be at the machine's time, so that programs that wait for
// retrace run at the pace of their mode, and what they change then is shown together.
//
// Software polls the status register, and may be kept from it for longer than a retrace lasts. So retrace lasts from
// its start to the end of the frame, and one that has come and gone since the register was read last is shown by the
// next read. While time stands still (a debugger steps the processor) each read says something else, so that no such
// loop is endless.
#include "hw/display/vga-internal.h"

struct beam {
    uint64_t line_ns, frame_ns, retrace_at_ns, blank_at_ns; // of a frame; blank_at_ns: of a line
    unsigned display_lines;
};

static unsigned ten_bits(const struct vga *vga, unsigned low, unsigned bit8, unsigned bit9)
{
    unsigned overflow = vga->crtc[CRTC_OVERFLOW];
    return vga->crtc[low] | (overflow >> bit8 & 1) << 8 | (overflow >> bit9 & 1) << 9;
}

static unsigned line_factor(const struct vga *vga)
{
    return vga->crtc[CRTC_MODE] & CRTC_MODE_HALF_LINES ? 2 : 1;
}

unsigned vga_display_lines(const struct vga *vga)
{
    return (ten_bits(vga, CRTC_V_DISPLAY_END, 1, 6) + 1) * line_factor(vga);
}

static struct beam beam_of(const struct vga *vga)
{
    enum { FRAME_MIN_NS = 5000000, FRAME_MAX_NS = 50000000 };
    // 640x480 at 60 Hz: for large modes, whose timing is in no register, and where registers make none that a monitor
    // would show.
    static const struct beam usual = {31746, 525 * 31746, 490 * 31746, 25396, 480};
    static const uint32_t clocks_khz[4] = {25175, 28322, 25175, 25175};
    if (vbe_on(vga))
        return usual;
    unsigned dots = vga->sequencer[SEQ_CLOCKING] & SEQ_EIGHT_DOTS ? 8 : 9;
    if (vga->sequencer[SEQ_CLOCKING] & SEQ_HALF_CLOCK)
        dots *= 2;
    unsigned factor = line_factor(vga), lines = (ten_bits(vga, CRTC_V_TOTAL, 0, 5) + 2) * factor;
    uint64_t khz = clocks_khz[vga->misc >> 2 & 3];
    struct beam beam = {.line_ns = (vga->crtc[CRTC_TOTAL] + 5u) * dots * UINT64_C(1000000) / khz,
                        .blank_at_ns = (vga->crtc[CRTC_DISPLAY_END] + 1u) * dots * UINT64_C(1000000) / khz,
                        .display_lines = vga_display_lines(vga)};
    beam.frame_ns = lines * beam.line_ns;
    beam.retrace_at_ns = ten_bits(vga, CRTC_V_RETRACE_START, 2, 7) * factor * beam.line_ns;
    bool fine = beam.frame_ns >= FRAME_MIN_NS && beam.frame_ns <= FRAME_MAX_NS && beam.retrace_at_ns < beam.frame_ns;
    return fine ? beam : usual;
}

// Starts of vertical retraces from the beginning of time.
static uint64_t retraces(const struct beam *beam, uint64_t ns)
{
    return (ns + beam->frame_ns - beam->retrace_at_ns) / beam->frame_ns;
}

uint64_t vga_frames(const struct vga *vga)
{
    struct beam beam = beam_of(vga);
    return retraces(&beam, clock_now_ns(vga->clock));
}

uint8_t vga_status(struct vga *vga)
{
    enum { BOTH = STATUS_DISPLAY_DISABLED | STATUS_RETRACE };
    uint64_t now = clock_now_ns(vga->clock), before = vga->status_read_ns;
    struct beam beam = beam_of(vga);
    uint64_t in_frame = now % beam.frame_ns, in_line = in_frame % beam.line_ns;
    vga->status_read_ns = now;
    if (now == before)
        vga->status ^= BOTH;
    else if (in_frame >= beam.retrace_at_ns || retraces(&beam, now) != retraces(&beam, before))
        vga->status = BOTH;
    else if (in_frame / beam.line_ns >= beam.display_lines || in_line >= beam.blank_at_ns)
        vga->status = STATUS_DISPLAY_DISABLED;
    else
        vga->status = 0;
    return vga->status;
}

static uint16_t start_register(const struct vga *vga)
{
    return (uint16_t)(vga->crtc[CRTC_START_HIGH] << 8 | vga->crtc[CRTC_START_LOW]);
}

// The hardware takes the start address when vertical retrace starts: until then, software can write both halves of it,
// and what belongs to it (panning) behind it.
uint16_t vga_start_address(const struct vga *vga)
{
    struct beam beam = beam_of(vga);
    bool taken = retraces(&beam, clock_now_ns(vga->clock)) != retraces(&beam, vga->start_written_ns);
    return taken ? start_register(vga) : vga->start_shown;
}

void vga_start_address_changes(struct vga *vga)
{
    vga->start_shown = vga_start_address(vga);
    vga->start_written_ns = clock_now_ns(vga->clock);
}
