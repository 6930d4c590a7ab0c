/**
 * @file board.h
 * @brief Addresses of the MPS3 board with FPGA image AN547, as the secure world sees them.
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

#define BOARD_UART 0x59303000u
#define BOARD_UART_CLOCK 25000000u
#define BOARD_UART_RX_IRQ 33u
#define BOARD_BAUD 115200u

/* The system counter of the SSE-300, 64 bits: control, status, count, ... */
#define BOARD_SYSTEM_COUNTER 0x58100000u

static inline void board_counter_start(void)
{
    ((volatile uint32_t *)BOARD_SYSTEM_COUNTER)[0] = 1;
}

static inline uint32_t board_counter_read(void)
{
    return ((volatile uint32_t *)BOARD_SYSTEM_COUNTER)[2];
}

#endif /* BOARD_H */
