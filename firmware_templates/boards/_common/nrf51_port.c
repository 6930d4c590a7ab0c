/**
 * @file nrf51_port.c
 * @brief The link on Nordic's nRF51: UART0 and, as counter, TIMER0 at 16 MHz.
 */
#include "qe_port.h"

#include "board.h"

/* Registers by their offset: the peripherals are sparse. */
#define UART 0x40002000u
#define UART_START_RX 0x000u
#define UART_START_TX 0x008u
#define UART_RX_READY 0x108u
#define UART_TX_READY 0x11Cu
#define UART_INTERRUPT_SET 0x304u
#define UART_ENABLE 0x500u
#define UART_PIN_TX 0x50Cu
#define UART_PIN_RX 0x514u
#define UART_RX 0x518u
#define UART_TX 0x51Cu
#define UART_BAUD 0x524u

#define TIMER 0x40008000u
#define TIMER_START 0x000u
#define TIMER_CLEAR 0x00Cu
#define TIMER_CAPTURE 0x040u
#define TIMER_WIDTH 0x508u
#define TIMER_PRESCALER 0x510u
#define TIMER_CAPTURED 0x540u

#define NVIC_ENABLE 0xE000E100u
#define NVIC_CLEAR_PENDING 0xE000E280u
#define UART_IRQ (1u << 2)

static volatile uint32_t *reg(uint32_t address)
{
    return (volatile uint32_t *)address;
}

void qe_port_init(void)
{
    /* With interrupts masked a pending one still ends WFI, and no handler runs. */
    __asm__ volatile("cpsid i" : : : "memory");
    *reg(UART + UART_PIN_TX) = BOARD_PIN_TX;
    *reg(UART + UART_PIN_RX) = BOARD_PIN_RX;
    *reg(UART + UART_BAUD) = 0x01D7E000u; /* 115200 */
    *reg(UART + UART_ENABLE) = 4;
    *reg(UART + UART_INTERRUPT_SET) = 1u << 2; /* on RX_READY */
    *reg(UART + UART_START_TX) = 1;
    *reg(UART + UART_START_RX) = 1;
    *reg(NVIC_ENABLE) = UART_IRQ;
    *reg(TIMER + TIMER_WIDTH) = 3;     /* 32 bits */
    *reg(TIMER + TIMER_PRESCALER) = 0; /* 16 MHz */
    *reg(TIMER + TIMER_CLEAR) = 1;
    *reg(TIMER + TIMER_START) = 1;
}

uint32_t qe_port_read(uint8_t *buffer, uint32_t capacity)
{
    uint32_t count = 0;

    while (*reg(UART + UART_RX_READY) == 0) {
        __asm__ volatile("dsb\n wfi" : : : "memory");
    }
    /* Reading takes a byte off the queue of six; the event comes again for the next one. */
    while (count < capacity && *reg(UART + UART_RX_READY) != 0) {
        *reg(UART + UART_RX_READY) = 0;
        buffer[count++] = (uint8_t)*reg(UART + UART_RX);
    }
    *reg(NVIC_CLEAR_PENDING) = UART_IRQ;
    return count;
}

void qe_port_write(const uint8_t *data, uint32_t count)
{
    for (uint32_t i = 0; i < count; ++i) {
        *reg(UART + UART_TX_READY) = 0;
        *reg(UART + UART_TX) = data[i];
        while (*reg(UART + UART_TX_READY) == 0) {
        }
    }
}

uint32_t qe_port_count(void)
{
    *reg(TIMER + TIMER_CAPTURE) = 1;
    return *reg(TIMER + TIMER_CAPTURED);
}
