/**
 * @file riscv_startup.c
 * @brief From reset to main() on a RISC-V core in machine mode.
 */
#include <stdint.h>

#include "board.h"

extern uint32_t ld_data_load[], ld_data_start[], ld_data_end[]; /* symbols of riscv.ld */
extern uint32_t ld_bss_start[], ld_bss_end[];

int main(void);
void reset(void);
void start(void);

/* A trap is a bug: tell the host by ending the emulation. The address has its low bits clear. */
__attribute__((aligned(4), noreturn)) static void crash(void)
{
    board_exit(1);
    for (;;) {
    }
}

void start(void)
{
    const uint32_t *from = ld_data_load;

    for (uint32_t *to = ld_data_start; to != ld_data_end; ++to) {
        *to = *from++;
    }
    for (uint32_t *to = ld_bss_start; to != ld_bss_end; ++to) {
        *to = 0;
    }
    __asm__ volatile(CSR("csrw mtvec, %0") : : "r"(crash));
    (void)main();
    board_exit(0);
    for (;;) {
    }
}

/* There is no stack yet: no C but the jump. */
__attribute__((naked, section(".reset"), used)) void reset(void)
{
    __asm__ volatile(".option push\n"
                     ".option norelax\n"
                     "la gp, __global_pointer$\n"
                     ".option pop\n"
                     "la sp, ld_stack_top\n"
                     "j start\n");
}
