// SPDX-License-Identifier: MIT
// Mouse and fingers. A guest with a tablet gets positions, and the pointer is free. Others get motion, and only while they hold
// the pointer: a click into the picture gives it to them.
#include "hw/core/machine.h"
#include "ui/sdl-private.h"

bool sdl_pointer_is_absolute(struct sdl *sdl)
{
    sdl_lock(sdl);
    bool absolute = input_has_position(sdl->machine);
    sdl_unlock(sdl);
    return absolute;
}

static bool is_terminal(struct sdl *sdl)
{
    return display_is_terminal(sdl_display(sdl));
}

void sdl_set_grab(struct sdl *sdl, bool on)
{
    sdl_lock(sdl);
    on = on && !is_terminal(sdl);
    sdl_unlock(sdl);
    if (on == sdl->grabbed)
        return;
    sdl->grabbed = on;
    SDL_SetRelativeMouseMode(on ? SDL_TRUE : SDL_FALSE);
    SDL_SetWindowKeyboardGrab(sdl->window, on || sdl->full_screen ? SDL_TRUE : SDL_FALSE);
    sdl->redraw = true;
    sdl_cursor_update(sdl);
    sdl_window_update_title(sdl);
}

void sdl_pointer_flush(struct sdl *sdl)
{
    struct sdl_pointer *p = &sdl->pointer;
    if (!p->pending)
        return;
    p->pending = false;
    sdl_lock(sdl);
    if (is_terminal(sdl)) {
        if (p->wheel.up && sdl_display(sdl)->ops->scroll)
            sdl_display(sdl)->ops->scroll(sdl_display(sdl)->opaque, 3 * p->wheel.up);
    } else if (!sdl->grabbed && input_has_position(sdl->machine) && sdl->shown) {
        input_send_position(sdl->machine, input_position_of((unsigned)p->x, sdl->shown->width),
                            input_position_of((unsigned)p->y, sdl->shown->height), p->wheel, p->buttons);
    } else if (sdl->grabbed) {
        input_send_motion(sdl->machine, p->dx, p->dy, p->wheel, p->buttons);
    }
    sdl_unlock(sdl);
    p->dx = p->dy = 0;
    p->wheel = (struct input_wheel){0, 0};
}

void sdl_pointer_release(struct sdl *sdl)
{
    struct sdl_pointer *p = &sdl->pointer;
    if (p->buttons) {
        p->buttons = 0;
        p->pending = true;
        sdl_pointer_flush(sdl);
    }
    sdl_lock(sdl);
    for (unsigned slot = 0; slot < INPUT_TOUCH_SLOTS; slot++)
        if (p->touching >> slot & 1)
            input_send_touch(sdl->machine, slot, 0, 0, false);
    sdl_unlock(sdl);
    p->touching = 0;
}

void sdl_motion_event(struct sdl *sdl, const SDL_MouseMotionEvent *event)
{
    struct sdl_pointer *p = &sdl->pointer;
    SDL_Point at = sdl_window_to_picture(sdl, (float)event->x, (float)event->y);
    if (event->which == SDL_TOUCH_MOUSEID && p->touching)
        return;
    p->x = at.x;
    p->y = at.y;
    p->dx += event->xrel;
    p->dy += event->yrel;
    p->pending = true;
}

void sdl_button_event(struct sdl *sdl, const SDL_MouseButtonEvent *event)
{
    static const uint8_t buttons[] = {[SDL_BUTTON_LEFT] = 1 << INPUT_BUTTON_LEFT,
                                      [SDL_BUTTON_MIDDLE] = 1 << INPUT_BUTTON_MIDDLE,
                                      [SDL_BUTTON_RIGHT] = 1 << INPUT_BUTTON_RIGHT,
                                      [SDL_BUTTON_X1] = 1 << INPUT_BUTTON_SIDE,
                                      [SDL_BUTTON_X2] = 1 << INPUT_BUTTON_EXTRA};
    struct sdl_pointer *p = &sdl->pointer;
    bool down = event->type == SDL_MOUSEBUTTONDOWN;
    if (event->button >= sizeof(buttons) || (event->which == SDL_TOUCH_MOUSEID && p->touching))
        return;
    if (!sdl->grabbed && !sdl_pointer_is_absolute(sdl)) {
        // The click that takes the pointer is not the guest's.
        if (down && event->button == SDL_BUTTON_LEFT)
            sdl_set_grab(sdl, true);
        return;
    }
    SDL_Point at = sdl_window_to_picture(sdl, (float)event->x, (float)event->y);
    p->x = at.x;
    p->y = at.y;
    p->buttons = down ? p->buttons | buttons[event->button] : p->buttons & ~(unsigned)buttons[event->button];
    p->pending = true;
    sdl_pointer_flush(sdl);
}

void sdl_wheel_event(struct sdl *sdl, const SDL_MouseWheelEvent *event)
{
    int sign = event->direction == SDL_MOUSEWHEEL_FLIPPED ? -1 : 1;
    sdl->pointer.wheel.up += sign * event->y;
    sdl->pointer.wheel.right += sign * event->x;
    sdl->pointer.pending = true;
    sdl_pointer_flush(sdl);
}

// The slot of a finger, a new one for a finger that comes; -1: there is none.
static int slot_of(struct sdl_pointer *p, SDL_FingerID finger, bool comes)
{
    for (int slot = 0; slot < INPUT_TOUCH_SLOTS; slot++)
        if ((p->touching >> slot & 1) && p->fingers[slot] == finger)
            return slot;
    for (int slot = 0; comes && slot < INPUT_TOUCH_SLOTS; slot++)
        if (!(p->touching >> slot & 1)) {
            p->fingers[slot] = finger;
            p->touching |= 1u << slot;
            return slot;
        }
    return -1;
}

void sdl_finger_event(struct sdl *sdl, const SDL_TouchFingerEvent *event)
{
    int width, height;
    SDL_GetWindowSize(sdl->window, &width, &height);
    sdl_lock(sdl);
    bool listens = input_has_touch(sdl->machine) && !is_terminal(sdl);
    sdl_unlock(sdl);
    int slot = slot_of(&sdl->pointer, event->fingerId, event->type == SDL_FINGERDOWN && listens);
    if (slot < 0 || !sdl->shown)
        return;
    SDL_Point at = sdl_window_to_picture(sdl, event->x * (float)width, event->y * (float)height);
    bool down = event->type != SDL_FINGERUP;
    if (!down)
        sdl->pointer.touching &= ~(1u << slot);
    sdl_lock(sdl);
    input_send_touch(sdl->machine, (unsigned)slot, input_position_of((unsigned)at.x, sdl->shown->width),
                     input_position_of((unsigned)at.y, sdl->shown->height), down);
    sdl_unlock(sdl);
}
