/**
 * @file cmsdk_port.c
 * @brief The link on Arm's MPS boards: CMSDK UART, addresses and counter from board.h.
 */
#include "qe_port.h"

#include "board.h"

typedef struct {
    volatile uint32_t data;
    volatile uint32_t state;
    volatile uint32_t control;
    volatile uint32_t interrupt; /* write one to clear */
    volatile uint32_t baud_divisor;
} cmsdk_uart;

#define STATE_TX_FULL (1u << 0)
#define STATE_RX_FULL (1u << 1)
#define CONTROL_TX (1u << 0)
#define CONTROL_RX (1u << 1)
#define CONTROL_RX_INTERRUPT (1u << 3)
#define INTERRUPT_RX (1u << 1)

static cmsdk_uart *const uart = (cmsdk_uart *)BOARD_UART;
static volatile uint32_t *const nvic_enable = (volatile uint32_t *)0xE000E100u;
static volatile uint32_t *const nvic_clear_pending = (volatile uint32_t *)0xE000E280u;

void qe_port_init(void)
{
    /* With interrupts masked a pending one still ends WFI, and no handler runs. */
    __asm__ volatile("cpsid i" : : : "memory");
    uart->baud_divisor = BOARD_UART_CLOCK / BOARD_BAUD;
    uart->control = CONTROL_TX | CONTROL_RX | CONTROL_RX_INTERRUPT;
    nvic_enable[BOARD_UART_RX_IRQ / 32] = 1u << (BOARD_UART_RX_IRQ % 32);
    board_counter_start();
}

uint32_t qe_port_read(uint8_t *buffer, uint32_t capacity)
{
    (void)capacity; /* the receiver holds one byte */
    while ((uart->state & STATE_RX_FULL) == 0) {
        __asm__ volatile("dsb\n wfi" : : : "memory");
    }
    /* Clear both flags while the receiver is still full: the next byte raises them again. */
    uart->interrupt = INTERRUPT_RX;
    nvic_clear_pending[BOARD_UART_RX_IRQ / 32] = 1u << (BOARD_UART_RX_IRQ % 32);
    buffer[0] = (uint8_t)uart->data;
    return 1;
}

void qe_port_write(const uint8_t *data, uint32_t count)
{
    for (uint32_t i = 0; i < count; ++i) {
        while ((uart->state & STATE_TX_FULL) != 0) {
        }
        uart->data = data[i];
    }
}

uint32_t qe_port_count(void)
{
    return board_counter_read();
}
