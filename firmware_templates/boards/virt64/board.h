/**
 * @file board.h
 * @brief Addresses of QEMU's RISC-V machine `virt`.
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

#define BOARD_UART 0x10000000u
#define BOARD_TEST_DEVICE 0x00100000u

/* Every core has the CSR instructions; naming them in -march would hide the compiler's libraries.
 */
#define CSR(instructions) ".option push\n.option arch, +zicsr\n" instructions "\n.option pop"

/* End the emulation; 0 is success. */
static inline void board_exit(uint32_t status)
{
    *(volatile uint32_t *)BOARD_TEST_DEVICE = status == 0 ? 0x5555u : (status << 16) | 0x3333u;
}

#endif /* BOARD_H */
