/**
 * @file virt_port.c
 * @brief The link on QEMU's RISC-V `virt` machine: 16550 UART, and the core's instruction counter.
 */
#include "qe_port.h"

#include "board.h"

/* Registers of the 16550, by offset. */
enum { DATA = 0, INTERRUPTS = 1, FIFO = 2, LINE = 3, STATUS = 5 };
#define FIFO_ENABLE_RESET_TRIGGER_14 0xC7u
#define LINE_8N1 3u
#define STATUS_RECEIVED 1u
#define STATUS_CAN_SEND 0x20u

#ifndef BOARD_COUNTER
#define BOARD_COUNTER "minstret" /* a chip defines "mcycle" */
#endif

#define UART_INTERRUPT 10u
#define PLIC 0x0C000000u
#define PLIC_ENABLE 0x2000u
#define PLIC_THRESHOLD 0x200000u
#define PLIC_CLAIM 0x200004u
#define MIE_EXTERNAL (1ul << 11)

static volatile uint8_t *const uart = (volatile uint8_t *)BOARD_UART;

static volatile uint32_t *plic(uint32_t offset)
{
    return (volatile uint32_t *)(uintptr_t)(PLIC + offset);
}

void qe_port_init(void)
{
    uart[LINE] = LINE_8N1;
    uart[FIFO] = FIFO_ENABLE_RESET_TRIGGER_14;
    uart[INTERRUPTS] = 1; /* on reception */
    *plic(4u * UART_INTERRUPT) = 1;
    *plic(PLIC_ENABLE) = 1u << UART_INTERRUPT;
    *plic(PLIC_THRESHOLD) = 0;
    /* With interrupts masked a pending one still ends WFI, and no handler runs. */
    __asm__ volatile(CSR("csrci mstatus, 8\n csrs mie, %0") : : "r"(MIE_EXTERNAL));
}

uint32_t qe_port_read(uint8_t *buffer, uint32_t capacity)
{
    uint32_t count = 0;

    while ((uart[STATUS] & STATUS_RECEIVED) == 0) {
        uint32_t source;
        __asm__ volatile("wfi" : : : "memory");
        source = *plic(PLIC_CLAIM);
        if (source != 0) {
            *plic(PLIC_CLAIM) = source;
        }
    }
    while (count < capacity && (uart[STATUS] & STATUS_RECEIVED) != 0) {
        buffer[count++] = uart[DATA];
    }
    return count;
}

void qe_port_write(const uint8_t *data, uint32_t count)
{
    for (uint32_t i = 0; i < count; ++i) {
        while ((uart[STATUS] & STATUS_CAN_SEND) == 0) {
        }
        uart[DATA] = data[i];
    }
}

uint32_t qe_port_count(void)
{
    unsigned long counted;

    __asm__ volatile(CSR("csrr %0, " BOARD_COUNTER) : "=r"(counted));
    return (uint32_t)counted;
}
