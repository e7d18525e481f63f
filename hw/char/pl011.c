// SPDX-License-Identifier: MIT
// PL011. The transmit FIFO empties into the backend as soon as that takes bytes, so it has contents only
// while the host's side is blocked; the receive FIFO holds what the guest has not read.
#include "hw/char/pl011.h"

#include <errno.h>
#include <string.h>

#include "hw/core/chardev.h"
#include "hw/core/machine.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

enum { FIFO_SIZE = 16, REGISTERS_SIZE = 0x1000 };

enum pl011_register {
    UARTDR = 0x000,
    UARTRSR = 0x004,
    UARTFR = 0x018,
    UARTILPR = 0x020,
    UARTIBRD = 0x024,
    UARTFBRD = 0x028,
    UARTLCR_H = 0x02c,
    UARTCR = 0x030,
    UARTIFLS = 0x034,
    UARTIMSC = 0x038,
    UARTRIS = 0x03c,
    UARTMIS = 0x040,
    UARTICR = 0x044,
    UARTDMACR = 0x048,
    UARTIDREGS = 0xfe0,
};

#define FR_CTS BIT32(0)
#define FR_DSR BIT32(1)
#define FR_DCD BIT32(2)
#define FR_BUSY BIT32(3)
#define FR_RXFE BIT32(4)
#define FR_TXFF BIT32(5)
#define FR_RXFF BIT32(6)
#define FR_TXFE BIT32(7)

#define LCR_BRK BIT32(0)
#define LCR_FEN BIT32(4)
#define CR_UARTEN BIT32(0)
#define CR_LBE BIT32(7)
#define CR_TXE BIT32(8)
#define CR_RXE BIT32(9)

#define INT_RX BIT32(4)
#define INT_TX BIT32(5)
#define INT_RT BIT32(6) // characters wait below the trigger level
#define INT_BE BIT32(9)
#define INT_OE BIT32(10)
#define INT_ALL 0x7ffu
#define DR_BE BIT32(10)
#define DR_OE BIT32(11)

struct pl011 {
    struct device device;
    struct chardev *chardev;
    uint64_t base;
    struct irq_line irq;
    struct mem_region *region;

    uint32_t ilpr, ibrd, fbrd, lcr, cr, ifls, imsc, ris, dmacr, rsr;
    uint16_t rx[FIFO_SIZE]; // with error bits as in UARTDR
    uint8_t tx[FIFO_SIZE];
    uint32_t rx_first, rx_count, tx_count;
};

static void update_irq(struct pl011 *uart)
{
    irq_set(&uart->irq, (uart->ris & uart->imsc) != 0);
}

static unsigned fifo_depth(const struct pl011 *uart)
{
    return uart->lcr & LCR_FEN ? FIFO_SIZE : 1;
}

// Fill level of the receive FIFO at which UARTRXINTR rises: 1/8, 1/4, 1/2, 3/4, 7/8.
static unsigned rx_trigger(const struct pl011 *uart)
{
    static const uint8_t levels[8] = {2, 4, 8, 12, 14, 14, 14, 14};
    return uart->lcr & LCR_FEN ? levels[extract32(uart->ifls, 3, 3)] : 1;
}

static uint32_t flags(const struct pl011 *uart)
{
    return FR_CTS | FR_DSR | FR_DCD | (uart->rx_count == 0 ? FR_RXFE : 0) |
           (uart->rx_count >= fifo_depth(uart) ? FR_RXFF : 0) | (uart->tx_count == 0 ? FR_TXFE : FR_BUSY) |
           (uart->tx_count >= fifo_depth(uart) ? FR_TXFF : 0);
}

static void put_rx(struct pl011 *uart, uint16_t value)
{
    if (uart->rx_count >= fifo_depth(uart)) {
        uart->rx[(uart->rx_first + uart->rx_count - 1) % FIFO_SIZE] |= DR_OE;
        uart->ris |= INT_OE;
        return;
    }
    uart->rx[(uart->rx_first + uart->rx_count++) % FIFO_SIZE] = value;
    // The receive timeout is 32 bit times without traffic, which at our speed is now.
    uart->ris |= INT_RT;
    if (uart->rx_count >= rx_trigger(uart))
        uart->ris |= INT_RX;
}

static uint32_t take_rx(struct pl011 *uart)
{
    if (!uart->rx_count)
        return 0;
    uint32_t value = uart->rx[uart->rx_first];
    uart->rx_first = (uart->rx_first + 1) % FIFO_SIZE;
    uart->rx_count--;
    uart->rsr = value >> 8 & 0xf;
    if (uart->rx_count < rx_trigger(uart))
        uart->ris &= ~INT_RX;
    if (!uart->rx_count)
        uart->ris &= ~INT_RT;
    update_irq(uart);
    chardev_resume_input(uart->chardev);
    return value;
}

static void flush_tx(struct pl011 *uart)
{
    size_t sent = chardev_write(uart->chardev, uart->tx, uart->tx_count);
    if (!sent)
        return;
    uart->tx_count -= (uint32_t)sent;
    memmove(uart->tx, uart->tx + sent, uart->tx_count);
    if (uart->tx_count <= fifo_depth(uart) / 2)
        uart->ris |= INT_TX;
}

static void transmit(struct pl011 *uart, uint8_t value)
{
    if (uart->cr & CR_LBE) {
        put_rx(uart, value);
        uart->ris |= INT_TX;
    } else if (uart->tx_count < fifo_depth(uart)) {
        uart->ris &= ~INT_TX;
        uart->tx[uart->tx_count++] = value;
        flush_tx(uart);
    }
    update_irq(uart);
}

static uint64_t pl011_read(void *opaque, struct mmio_access access)
{
    struct pl011 *uart = opaque;
    // PIDR0-3 and CIDR0-3: PL011 revision 1p4.
    static const uint8_t ids[] = {0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    if (access.offset >= UARTIDREGS)
        return ids[(access.offset - UARTIDREGS) / 4];
    switch (access.offset) {
    case UARTDR:
        return take_rx(uart);
    case UARTRSR:
        return uart->rsr;
    case UARTFR:
        return flags(uart);
    case UARTILPR:
        return uart->ilpr;
    case UARTIBRD:
        return uart->ibrd;
    case UARTFBRD:
        return uart->fbrd;
    case UARTLCR_H:
        return uart->lcr;
    case UARTCR:
        return uart->cr;
    case UARTIFLS:
        return uart->ifls;
    case UARTIMSC:
        return uart->imsc;
    case UARTRIS:
        return uart->ris;
    case UARTMIS:
        return uart->ris & uart->imsc;
    case UARTDMACR:
        return uart->dmacr;
    }
    log_printf(LOG_GUEST_ERRORS, "pl011: read of register 0x%x\n", (unsigned)access.offset);
    return 0;
}

static void write_line_control(struct pl011 *uart, uint32_t value)
{
    // Turning the FIFOs on or off flushes them.
    if ((uart->lcr ^ value) & LCR_FEN) {
        uart->rx_count = uart->rx_first = uart->tx_count = 0;
        uart->ris &= ~(INT_RX | INT_RT);
    }
    if (((uart->lcr ^ value) & value & LCR_BRK) && (uart->cr & CR_LBE)) {
        put_rx(uart, DR_BE);
        uart->ris |= INT_BE;
    }
    uart->lcr = value & 0xff;
}

static void pl011_write(void *opaque, struct mmio_access access, uint64_t wide)
{
    struct pl011 *uart = opaque;
    uint32_t value = (uint32_t)wide;
    switch (access.offset) {
    case UARTDR:
        transmit(uart, (uint8_t)value);
        return;
    case UARTRSR:
        uart->rsr = 0;
        return;
    case UARTILPR:
        uart->ilpr = value & 0xff;
        return;
    case UARTIBRD:
        uart->ibrd = value & 0xffff;
        return;
    case UARTFBRD:
        uart->fbrd = value & 0x3f;
        return;
    case UARTLCR_H:
        write_line_control(uart, value);
        break;
    case UARTCR:
        uart->cr = value & 0xff87;
        chardev_resume_input(uart->chardev);
        break;
    case UARTIFLS:
        uart->ifls = value & 0x3f;
        break;
    case UARTIMSC:
        uart->imsc = value & INT_ALL;
        break;
    case UARTICR:
        uart->ris &= ~value;
        break;
    case UARTDMACR:
        uart->dmacr = value & 7;
        if (value & 3)
            log_printf(LOG_UNIMP, "pl011: DMA is not there\n");
        return;
    default:
        log_printf(LOG_GUEST_ERRORS, "pl011: write of register 0x%x\n", (unsigned)access.offset);
        return;
    }
    update_irq(uart);
}

static const struct mmio_ops pl011_ops = {pl011_read, pl011_write, 4, 4, false};

static bool receiving(const struct pl011 *uart)
{
    // Guests that never program the control register (early consoles) still get input.
    return !(uart->cr & CR_LBE);
}

static size_t front_room(void *opaque)
{
    struct pl011 *uart = opaque;
    unsigned depth = fifo_depth(uart);
    return receiving(uart) && uart->rx_count < depth ? depth - uart->rx_count : 0;
}

static void front_receive(void *opaque, const uint8_t *data, size_t length)
{
    struct pl011 *uart = opaque;
    for (size_t i = 0; i < length; i++)
        put_rx(uart, data[i]);
    update_irq(uart);
}

static void front_event(void *opaque, enum chardev_event event)
{
    struct pl011 *uart = opaque;
    if (event != CHARDEV_BREAK || !receiving(uart))
        return;
    put_rx(uart, DR_BE);
    uart->ris |= INT_BE;
    update_irq(uart);
}

static void front_writable(void *opaque)
{
    struct pl011 *uart = opaque;
    flush_tx(uart);
    update_irq(uart);
}

static const struct chardev_front front = {front_room, front_receive, front_event, front_writable};

void pl011_wire(struct device *device, uint64_t base, struct irq_line irq)
{
    struct pl011 *uart = (struct pl011 *)device;
    uart->base = base;
    uart->irq = irq;
}

void pl011_connect(struct device *device, struct chardev *chardev)
{
    ((struct pl011 *)device)->chardev = chardev;
}

static int pl011_realize(struct device *device, struct error *error)
{
    struct pl011 *uart = (struct pl011 *)device;
    if (chardev_attach(uart->chardev, &front, uart))
        return error_set(error, EBUSY, "device 'pl011': chardev '%s' is used by another device",
                         uart->chardev->id);
    struct mem_region_desc desc = {.name = "pl011",
                                   .base = uart->base,
                                   .size = REGISTERS_SIZE,
                                   .kind = MEM_MMIO,
                                   .ops = &pl011_ops,
                                   .opaque = uart};
    uart->region = memory_map_add(device->machine->map, desc, error);
    return uart->region ? 0 : -EINVAL;
}

static void pl011_unrealize(struct device *device)
{
    struct pl011 *uart = (struct pl011 *)device;
    chardev_attach(uart->chardev, NULL, NULL);
    memory_map_remove(device->machine->map, uart->region);
}

static void pl011_reset(struct device *device)
{
    struct pl011 *uart = (struct pl011 *)device;
    uart->ilpr = uart->ibrd = uart->fbrd = uart->lcr = uart->imsc = uart->ris = uart->dmacr = uart->rsr = 0;
    uart->cr = CR_TXE | CR_RXE;
    uart->ifls = 0x12;
    uart->rx_first = uart->rx_count = uart->tx_count = 0;
    update_irq(uart);
}

static void pl011_state_loaded(struct device *device)
{
    struct pl011 *uart = (struct pl011 *)device;
    uart->rx_first %= FIFO_SIZE;
    uart->rx_count = uart->rx_count > FIFO_SIZE ? FIFO_SIZE : uart->rx_count;
    uart->tx_count = uart->tx_count > FIFO_SIZE ? FIFO_SIZE : uart->tx_count;
    update_irq(uart);
}

static const struct property pl011_properties[] = {
    {"chardev", PROPERTY_CHARDEV, offsetof(struct pl011, chardev), NULL, "the other end of the line", NULL},
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

static const struct state_field pl011_state[] = {
    STATE_FIELD(pl011, U32, ilpr),     STATE_FIELD(pl011, U32, ibrd),
    STATE_FIELD(pl011, U32, fbrd),     STATE_FIELD(pl011, U32, lcr),
    STATE_FIELD(pl011, U32, cr),       STATE_FIELD(pl011, U32, ifls),
    STATE_FIELD(pl011, U32, imsc),     STATE_FIELD(pl011, U32, ris),
    STATE_FIELD(pl011, U32, dmacr),    STATE_FIELD(pl011, U32, rsr),
    STATE_ARRAY(pl011, U16, rx),       STATE_ARRAY(pl011, U8, tx),
    STATE_FIELD(pl011, U32, rx_first), STATE_FIELD(pl011, U32, rx_count),
    STATE_FIELD(pl011, U32, tx_count), STATE_END,
};

const struct device_type pl011_type = {
    .name = "pl011",
    .help = "Arm PrimeCell UART (PL011)",
    .instance_size = sizeof(struct pl011),
    .properties = pl011_properties,
    .state = pl011_state,
    .realize = pl011_realize,
    .unrealize = pl011_unrealize,
    .reset = pl011_reset,
    .state_loaded = pl011_state_loaded,
};
