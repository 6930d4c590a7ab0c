/**
 * @file board.h
 * @brief System calls of Linux on 32-bit Arm.
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

static inline long board_system_call(long number, long a, long b, long c)
{
    register long r0 __asm__("r0") = a;
    register long r1 __asm__("r1") = b;
    register long r2 __asm__("r2") = c;
    register long r7 __asm__("r7") = number;
    __asm__ volatile("svc #0" : "+r"(r0) : "r"(r1), "r"(r2), "r"(r7) : "memory");
    return r0;
}

static inline long board_read(int file, void *buffer, uint32_t bytes)
{
    return board_system_call(3, file, (long)buffer, (long)bytes);
}

static inline long board_write(int file, const void *buffer, uint32_t bytes)
{
    return board_system_call(4, file, (long)buffer, (long)bytes);
}

__attribute__((noreturn)) static inline void board_exit(int status)
{
    for (;;) {
        (void)board_system_call(248, status, 0, 0);
    }
}

#endif /* BOARD_H */
