// SPDX-License-Identifier: MIT
// 16550A. LSR holds only the bits that are events (errors); those that describe the FIFOs are computed.
#include "hw/char/uart16550.h"

#include <errno.h>
#include <string.h>

#include "hw/core/chardev.h"
#include "hw/core/machine.h"
#include "tcg/base/bits.h"

enum { RBR_THR, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };
enum { IER_RDI = 0x01, IER_THRI = 0x02, IER_RLSI = 0x04, IER_MSI = 0x08, IER_ALL = 0x0f };
enum {
    IIR_NONE = 0x01,
    IIR_MODEM = 0x00,
    IIR_THR_EMPTY = 0x02,
    IIR_RX_DATA = 0x04,
    IIR_RX_TIMEOUT = 0x0c,
    IIR_LINE_STATUS = 0x06,
    IIR_FIFOS = 0xc0,
};
enum { FCR_ENABLE = 0x01, FCR_CLEAR_RX = 0x02, FCR_CLEAR_TX = 0x04, FCR_KEPT = 0xc9 };
enum { LCR_STOP_BITS = 0x04, LCR_PARITY = 0x08, LCR_DLAB = 0x80 };
enum { MCR_DTR = 0x01, MCR_RTS = 0x02, MCR_OUT1 = 0x04, MCR_OUT2 = 0x08, MCR_LOOP = 0x10, MCR_ALL = 0x1f };
enum {
    LSR_DR = 0x01,
    LSR_OE = 0x02,
    LSR_BI = 0x10,
    LSR_ERRORS = 0x1e,
    LSR_THRE = 0x20,
    LSR_TEMT = 0x40,
    LSR_FIFO_ERROR = 0x80
};
enum { MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_RI = 0x40, MSR_DCD = 0x80, MSR_TERI = 0x04, MSR_DELTAS = 0x0f };

enum { CLOCK_DIVIDED_HZ = 115200, TIMEOUT_CHARACTERS = 4 };

static bool fifos(const struct uart16550 *uart)
{
    return uart->fcr & FCR_ENABLE;
}

static unsigned depth(const struct uart16550 *uart)
{
    return fifos(uart) ? UART16550_FIFO : 1;
}

static unsigned rx_trigger(const struct uart16550 *uart)
{
    static const uint8_t levels[4] = {1, 4, 8, 14};
    return fifos(uart) ? levels[uart->fcr >> 6] : 1;
}

static uint8_t interrupt_id(const struct uart16550 *uart)
{
    if ((uart->ier & IER_RLSI) && (uart->lsr & LSR_ERRORS))
        return IIR_LINE_STATUS;
    if ((uart->ier & IER_RDI) && uart->rx_count >= rx_trigger(uart))
        return IIR_RX_DATA;
    if ((uart->ier & IER_RDI) && uart->timeout_pending)
        return IIR_RX_TIMEOUT;
    if ((uart->ier & IER_THRI) && uart->thr_empty_pending)
        return IIR_THR_EMPTY;
    if ((uart->ier & IER_MSI) && (uart->msr & MSR_DELTAS))
        return IIR_MODEM;
    return IIR_NONE;
}

static void update_irq(struct uart16550 *uart)
{
    irq_set(&uart->irq, interrupt_id(uart) != IIR_NONE);
}

static uint64_t character_ns(const struct uart16550 *uart)
{
    unsigned bits =
        1 + 5 + (uart->lcr & 3) + (uart->lcr & LCR_PARITY ? 1 : 0) + (uart->lcr & LCR_STOP_BITS ? 2 : 1);
    return bits * (uart->divisor ? uart->divisor : UINT64_C(1)) * NS_PER_SECOND / CLOCK_DIVIDED_HZ;
}

// The timeout starts over with each character that comes or is read.
static void restart_timeout(struct uart16550 *uart)
{
    uart->timeout_pending = false;
    if (fifos(uart) && uart->rx_count)
        event_set(&uart->timeout,
                  clock_now_ns(uart->timeout.clock) + TIMEOUT_CHARACTERS * character_ns(uart));
    else
        event_cancel(&uart->timeout);
}

static void timeout_fired(void *opaque, uint64_t late_ns)
{
    (void)late_ns;
    struct uart16550 *uart = opaque;
    uart->timeout_pending = uart->rx_count > 0;
    update_irq(uart);
}

// Errors show in LSR when their character gets to the front.
static void show_errors(struct uart16550 *uart)
{
    if (uart->rx_count) {
        uart->lsr |= uart->rx[uart->rx_first] >> 8;
        uart->rx[uart->rx_first] &= 0xff;
    }
}

static void put_rx(struct uart16550 *uart, uint16_t value)
{
    if (uart->rx_count >= depth(uart)) {
        uart->lsr |= LSR_OE;
        if (!fifos(uart)) // the receive buffer is overwritten, a FIFO is not
            uart->rx[uart->rx_first] = value;
    } else {
        uart->rx[(uart->rx_first + uart->rx_count++) % UART16550_FIFO] = value;
    }
    show_errors(uart);
    restart_timeout(uart);
}

static uint8_t take_rx(struct uart16550 *uart)
{
    if (!uart->rx_count)
        return 0;
    uint8_t value = (uint8_t)uart->rx[uart->rx_first];
    uart->rx_first = (uart->rx_first + 1) % UART16550_FIFO;
    uart->rx_count--;
    show_errors(uart);
    restart_timeout(uart);
    update_irq(uart);
    if (!(uart->mcr & MCR_LOOP))
        chardev_resume_input(uart->chardev);
    return value;
}

static void clear_rx(struct uart16550 *uart)
{
    uart->rx_first = uart->rx_count = 0;
    restart_timeout(uart);
}

static void flush_tx(struct uart16550 *uart)
{
    size_t sent = chardev_write(uart->chardev, uart->tx, uart->tx_count);
    uart->tx_count -= (uint32_t)sent;
    memmove(uart->tx, uart->tx + sent, uart->tx_count);
    if (!uart->tx_count)
        uart->thr_empty_pending = true;
}

static void transmit(struct uart16550 *uart, uint8_t value)
{
    uart->thr_empty_pending = false;
    if (uart->mcr & MCR_LOOP) {
        put_rx(uart, value);
        uart->thr_empty_pending = true;
    } else {
        // What does not fit replaces the last one, as in a holding register that is written too early.
        if (uart->tx_count >= depth(uart))
            uart->tx_count = depth(uart) - 1;
        uart->tx[uart->tx_count++] = value;
        flush_tx(uart);
    }
    update_irq(uart);
}

static uint8_t modem_inputs(const struct uart16550 *uart)
{
    if (!(uart->mcr & MCR_LOOP))
        return MSR_CTS | MSR_DSR | MSR_DCD;
    return (uint8_t)((uart->mcr & MCR_RTS ? MSR_CTS : 0) | (uart->mcr & MCR_DTR ? MSR_DSR : 0) |
                     (uart->mcr & MCR_OUT1 ? MSR_RI : 0) | (uart->mcr & MCR_OUT2 ? MSR_DCD : 0));
}

static void update_modem(struct uart16550 *uart)
{
    uint8_t now = modem_inputs(uart), changed = (uart->msr ^ now) & 0xf0;
    // The ring indicator counts when it ends.
    uint8_t deltas = (uint8_t)(changed >> 4 & ~MSR_TERI) | ((changed & uart->msr & MSR_RI) ? MSR_TERI : 0);
    uart->msr = now | (uart->msr & MSR_DELTAS) | deltas;
}

static uint8_t line_status(struct uart16550 *uart)
{
    uint8_t value = uart->lsr | (uart->rx_count ? LSR_DR : 0) | (uart->tx_count ? 0 : LSR_THRE | LSR_TEMT);
    for (unsigned i = 0; fifos(uart) && i < uart->rx_count; i++)
        if (uart->rx[(uart->rx_first + i) % UART16550_FIFO] >> 8)
            value |= LSR_FIFO_ERROR;
    uart->lsr = 0;
    update_irq(uart);
    return value;
}

static uint8_t read_iir(struct uart16550 *uart)
{
    uint8_t id = interrupt_id(uart);
    if (id == IIR_THR_EMPTY) {
        uart->thr_empty_pending = false;
        update_irq(uart);
    }
    return id | (fifos(uart) ? IIR_FIFOS : 0);
}

uint8_t uart16550_read(struct uart16550 *uart, unsigned offset)
{
    bool dlab = uart->lcr & LCR_DLAB;
    uint8_t value;
    switch (offset) {
    case RBR_THR:
        return dlab ? (uint8_t)uart->divisor : take_rx(uart);
    case IER:
        return dlab ? (uint8_t)(uart->divisor >> 8) : uart->ier;
    case IIR_FCR:
        return read_iir(uart);
    case LCR:
        return uart->lcr;
    case MCR:
        return uart->mcr;
    case LSR:
        return line_status(uart);
    case MSR:
        value = uart->msr;
        uart->msr &= ~MSR_DELTAS & 0xff;
        update_irq(uart);
        return value;
    default:
        return uart->scr;
    }
}

static void write_fcr(struct uart16550 *uart, uint8_t value)
{
    bool toggled = (uart->fcr ^ value) & FCR_ENABLE;
    uart->fcr = value & FCR_ENABLE ? value & FCR_KEPT : 0;
    if (toggled || (value & FCR_CLEAR_RX))
        clear_rx(uart);
    if ((toggled || (value & FCR_CLEAR_TX)) && uart->tx_count) {
        uart->tx_count = 0;
        uart->thr_empty_pending = true;
    }
    chardev_resume_input(uart->chardev);
}

static void write_ier(struct uart16550 *uart, uint8_t value)
{
    // Enabling the interrupt while the register is empty raises it.
    if ((value & ~uart->ier & IER_THRI) && !uart->tx_count)
        uart->thr_empty_pending = true;
    uart->ier = value & IER_ALL;
}

void uart16550_write(struct uart16550 *uart, unsigned offset, uint8_t value)
{
    bool dlab = uart->lcr & LCR_DLAB;
    switch (offset) {
    case RBR_THR:
        if (!dlab) {
            transmit(uart, value);
            return;
        }
        uart->divisor = (uint16_t)((uart->divisor & 0xff00) | value);
        break;
    case IER:
        if (dlab)
            uart->divisor = (uint16_t)((uart->divisor & 0xff) | value << 8);
        else
            write_ier(uart, value);
        break;
    case IIR_FCR:
        write_fcr(uart, value);
        break;
    case LCR:
        uart->lcr = value;
        break;
    case MCR:
        uart->mcr = value & MCR_ALL;
        update_modem(uart);
        if (!(value & MCR_LOOP))
            chardev_resume_input(uart->chardev);
        break;
    case SCR:
        uart->scr = value;
        break;
    default: // LSR and MSR are for reading
        return;
    }
    update_irq(uart);
}

static size_t front_room(void *opaque)
{
    struct uart16550 *uart = opaque;
    return uart->mcr & MCR_LOOP || uart->rx_count > depth(uart) ? 0 : depth(uart) - uart->rx_count;
}

static void front_receive(void *opaque, const uint8_t *data, size_t length)
{
    struct uart16550 *uart = opaque;
    for (size_t i = 0; i < length; i++)
        put_rx(uart, data[i]);
    update_irq(uart);
}

static void front_event(void *opaque, enum chardev_event event)
{
    struct uart16550 *uart = opaque;
    if (event != CHARDEV_BREAK || (uart->mcr & MCR_LOOP))
        return;
    put_rx(uart, LSR_BI << 8);
    update_irq(uart);
}

static void front_writable(void *opaque)
{
    struct uart16550 *uart = opaque;
    if (uart->tx_count)
        flush_tx(uart);
    update_irq(uart);
}

static const struct chardev_front front = {front_room, front_receive, front_event, front_writable};

int uart16550_start(struct uart16550 *uart, struct machine *machine, struct error *error)
{
    event_init(&uart->timeout, machine->clock, timeout_fired, uart);
    if (chardev_attach(uart->chardev, &front, uart))
        return error_set(error, EBUSY, "serial port: chardev '%s' is used by another device",
                         uart->chardev->id);
    return 0;
}

void uart16550_stop(struct uart16550 *uart)
{
    event_cancel(&uart->timeout);
    chardev_attach(uart->chardev, NULL, NULL);
}

void uart16550_reset(struct uart16550 *uart)
{
    uart->ier = uart->fcr = uart->lcr = uart->mcr = uart->lsr = uart->scr = 0;
    uart->msr = modem_inputs(uart);
    uart->divisor = 12; // 9600 baud
    uart->thr_empty_pending = false;
    uart->tx_count = 0;
    clear_rx(uart);
    update_irq(uart);
}

void uart16550_state_loaded(struct uart16550 *uart)
{
    uart->rx_first %= UART16550_FIFO;
    uart->rx_count = uart->rx_count > UART16550_FIFO ? UART16550_FIFO : uart->rx_count;
    uart->tx_count = uart->tx_count > UART16550_FIFO ? UART16550_FIFO : uart->tx_count;
    if (!uart->timeout_pending)
        restart_timeout(uart);
    update_irq(uart);
}

const struct state_field uart16550_state[] = {
    STATE_FIELD(uart16550, U8, ier),
    STATE_FIELD(uart16550, U8, fcr),
    STATE_FIELD(uart16550, U8, lcr),
    STATE_FIELD(uart16550, U8, mcr),
    STATE_FIELD(uart16550, U8, lsr),
    STATE_FIELD(uart16550, U8, msr),
    STATE_FIELD(uart16550, U8, scr),
    STATE_FIELD(uart16550, U16, divisor),
    STATE_FIELD(uart16550, BOOL, thr_empty_pending),
    STATE_FIELD(uart16550, BOOL, timeout_pending),
    STATE_ARRAY(uart16550, U16, rx),
    STATE_ARRAY(uart16550, U8, tx),
    STATE_FIELD(uart16550, U32, rx_first),
    STATE_FIELD(uart16550, U32, rx_count),
    STATE_FIELD(uart16550, U32, tx_count),
    STATE_END,
};
