/**
 * @file board.h
 * @brief Addresses of the MPS2 board with FPGA image AN505, as the secure world sees them.
 */
#ifndef BOARD_H
#define BOARD_H

#define BOARD_UART 0x50200000u
#define BOARD_UART_CLOCK 20000000u
#define BOARD_UART_RX_IRQ 32u
#define BOARD_BAUD 115200u
#define BOARD_TIMER 0x50000000u

#include "cmsdk_timer.h"

#endif /* BOARD_H */
