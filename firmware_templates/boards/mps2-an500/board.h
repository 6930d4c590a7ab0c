/**
 * @file board.h
 * @brief Addresses of the MPS2 board with FPGA image AN500.
 */
#ifndef BOARD_H
#define BOARD_H

#define BOARD_UART 0x40004000u
#define BOARD_UART_CLOCK 25000000u
#define BOARD_UART_RX_IRQ 0u
#define BOARD_BAUD 115200u
#define BOARD_TIMER 0x40000000u

#include "cmsdk_timer.h"

#endif /* BOARD_H */
