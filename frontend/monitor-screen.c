// SPDX-License-Identifier: MIT
// What the monitor tells of displays: screendump, info displays, info screen.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/guest-state.h"
#include "frontend/keyval.h"
#include "frontend/monitor-private.h"
#include "hw/core/display.h"
#include "hw/core/surface.h"
#include "tcg/base/alloc.h"
#include "ui/font.h"
#include "ui/picture.h"
#include "ui/ui.h"

enum { WORDS_MAX = 8, STATE_TEXT_BYTES = 1024 };

// --- words of a line, in quotes when there are blanks in them ---

struct words {
    unsigned count;
    char *list[WORDS_MAX];
};

// One word, which ends up at the start of `*rest`, without its quotes. NULL: a quote is not closed.
static char *cut_word(char **rest)
{
    char *word = *rest, *in = word, *out = word;
    bool quoted = false;
    for (; *in && (quoted || (*in != ' ' && *in != '\t')); in++) {
        if (*in == '"')
            quoted = !quoted;
        else if (*in == '\\' && quoted && in[1])
            *out++ = *++in;
        else
            *out++ = *in;
    }
    in += strspn(in, " \t");
    *out = 0;
    *rest = in;
    return quoted ? NULL : word;
}

// False: a message was given.
static bool split_words(struct monitor *monitor, char *line, struct words *words)
{
    while (*line) {
        char *word = cut_word(&line);
        if (!word || words->count == WORDS_MAX) {
            fprintf(monitor->out, word ? "too many words\n" : "a quote is not closed\n");
            return false;
        }
        words->list[words->count++] = word;
    }
    return true;
}

// --- screendump ---

struct dump {
    const char *file, *format, *display, *head;
};

// False: a message was given.
static bool parse_dump(struct monitor *monitor, const struct words *words, struct dump *dump)
{
    const char **places[] = {&dump->file, &dump->display, &dump->head};
    unsigned place = 0;
    for (unsigned i = 0; i < words->count; i++) {
        const char *word = words->list[i], **option = NULL;
        if (!strcmp(word, "-f"))
            option = &dump->format;
        else if (!strcmp(word, "-d"))
            option = &dump->display;
        else if (word[0] == '-' && word[1]) {
            fprintf(monitor->out, "'%s' is not understood; screendump [-f png|ppm] [-d DISPLAY] FILE\n", word);
            return false;
        }
        if (option ? i + 1 == words->count : place == 3) {
            fprintf(monitor->out, option ? "'%s' needs a value\n" : "'%s' is one word too many\n", word);
            return false;
        }
        *(option ? option : places[place++]) = option ? words->list[++i] : word;
    }
    if (!dump->file)
        fprintf(monitor->out, "screendump [-f png|ppm] [-d DISPLAY] FILE\n");
    return dump->file;
}

static bool parse_format(struct monitor *monitor, const struct dump *dump, enum picture_format *format)
{
    const char *end = strrchr(dump->file, '.');
    *format = end && !strcmp(end, ".png") ? PICTURE_PNG : PICTURE_PPM;
    if (dump->format && strcmp(dump->format, "png") && strcmp(dump->format, "ppm")) {
        fprintf(monitor->out, "'%s' is not a format; there are png and ppm\n", dump->format);
        return false;
    }
    if (dump->format)
        *format = dump->format[1] == 'n' ? PICTURE_PNG : PICTURE_PPM;
    return true;
}

static struct display *find_display(struct monitor *monitor, const char *name)
{
    struct display *display = monitor->machine->displays;
    while (display && strcmp(display->name, name))
        display = display->next;
    return display;
}

// The head of a device, as those are named that have several.
static struct display *find_head(struct monitor *monitor, const char *name, const char *head)
{
    char text[sizeof(((struct display *)NULL)->name) + 24];
    uint64_t number = 0;
    if (head && !parse_unsigned(head, &number))
        return NULL;
    snprintf(text, sizeof(text), number ? "%s.%llu" : "%s", name, (unsigned long long)number);
    return find_display(monitor, text);
}

// NULL: a message was given.
static struct display *choose_display(struct monitor *monitor, const struct dump *dump)
{
    struct display *display = dump->display ? find_head(monitor, dump->display, dump->head)
                                            : display_at(monitor->machine, ui_first_display(monitor->machine));
    if (display)
        return display;
    if (!monitor->machine->displays)
        fprintf(monitor->out, "this machine has no display\n");
    else
        fprintf(monitor->out, "there is no display '%s%s%s'; 'info displays' lists them\n", dump->display, dump->head ? " " : "",
                dump->head ? dump->head : "");
    return NULL;
}

// What a window shows for a display that shows nothing. Without the device lock.
static struct surface *picture_of_state(struct machine *machine)
{
    char text[STATE_TEXT_BYTES] = "";
    struct font *font = font_create();
    guest_state_describe(machine, text, sizeof(text));
    struct surface *surface = picture_of_text(font, text);
    font_destroy(font);
    return surface;
}

// What it shows now, as a reference, NULL for nothing. A display that nobody watches does not know without being asked.
static struct surface *look(struct display *display)
{
    struct display_view view = {0};
    struct display_update update;
    display_attach(display, &view);
    display_take(&view, &update);
    display_detach(&view);
    display_cursor_drop(update.cursor);
    return update.surface;
}

// The machine goes on while the file is written: a vCPU may wait for the lock, and a disk may be slow.
static void dump_display(struct monitor *monitor, struct display *display, const char *file, enum picture_format format)
{
    struct error error;
    struct surface *surface = look(display);
    device_lock_release(&monitor->machine->lock);
    if (!surface)
        surface = picture_of_state(monitor->machine);
    if (!surface)
        fprintf(monitor->out, "no memory for the picture\n");
    else if (picture_write(surface, file, format, &error))
        fprintf(monitor->out, "%s\n", error.text);
    surface_drop(surface);
    device_lock_acquire(&monitor->machine->lock);
}

void monitor_screendump(struct monitor *monitor, const char *arguments)
{
    struct words words = {0};
    struct dump dump = {0};
    struct display *display;
    enum picture_format format;
    char *line = alloc_string(arguments);
    if (split_words(monitor, line, &words) && parse_dump(monitor, &words, &dump) && parse_format(monitor, &dump, &format) &&
        (display = choose_display(monitor, &dump)))
        dump_display(monitor, display, dump.file, format);
    free(line);
}

// --- info ---

static void print_display(FILE *out, struct display *display)
{
    struct surface *surface = look(display);
    fprintf(out, "%s: ", display->name);
    if (surface)
        fprintf(out, "%u x %u", surface->width, surface->height);
    else
        fprintf(out, "shows nothing");
    if (display->cursor)
        fprintf(out, ", cursor at %d, %d", display->cursor_x, display->cursor_y);
    fprintf(out, display->is_terminal ? ", terminal\n" : "\n");
    surface_drop(surface);
}

void monitor_info_displays(struct monitor *monitor, const char *arguments)
{
    (void)arguments;
    if (!monitor->machine->displays)
        fprintf(monitor->out, "none\n");
    for (struct display *display = monitor->machine->displays; display; display = display->next)
        print_display(monitor->out, display);
}

static void print_utf8(FILE *out, uint32_t code)
{
    if (code < 0x80)
        fputc((int)code, out);
    else if (code < 0x800)
        fprintf(out, "%c%c", 0xc0 | code >> 6, 0x80 | (code & 0x3f));
    else
        fprintf(out, "%c%c%c", 0xe0 | code >> 12, 0x80 | (code >> 6 & 0x3f), 0x80 | (code & 0x3f));
}

static void print_text(FILE *out, const struct display_text *text)
{
    for (unsigned row = 0; row < text->rows; row++) {
        const struct display_cell *cells = &text->cells[row * text->columns];
        unsigned end = text->columns;
        while (end && cells[end - 1].code == ' ')
            end--;
        for (unsigned i = 0; i < end; i++)
            if (cells[i].code) // not the right half of a wide one
                print_utf8(out, cells[i].code);
        fputc('\n', out);
    }
}

// The first display that has text, terminals apart.
void monitor_info_screen(struct monitor *monitor, const char *arguments)
{
    (void)arguments;
    struct display *display = monitor->machine->displays;
    bool any = display && !display->is_terminal;
    struct display_text *text = ALLOC(struct display_text);
    while (display && !display->is_terminal && !display_get_text(display, text))
        display = display->next;
    if (display && !display->is_terminal)
        print_text(monitor->out, text);
    else
        fputs(any ? "the screen is in a graphics mode\n" : "no screen\n", monitor->out);
    free(text);
}
