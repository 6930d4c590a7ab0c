/**
 * @file cycle_counter.h
 * @brief Cycles of a Cortex-M: DWT's counter where it counts, else SysTick.
 *
 * Cores without DWT, locked chips and emulators have a register that reads 0 or stands still: it is
 * watched for a moment first. SysTick has 24 bits and is widened here: two reads must be less than
 * 16.7 million cycles apart. On a core with a PMU (Cortex-M55) DWT's counter is the PMU's.
 */
#ifndef CYCLE_COUNTER_H
#define CYCLE_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#define COUNTER_DEMCR (*(volatile uint32_t *)0xE000EDFCu)
#define COUNTER_DWT_CONTROL (*(volatile uint32_t *)0xE0001000u)
#define COUNTER_DWT_CYCLES (*(volatile uint32_t *)0xE0001004u)
#define COUNTER_SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010u)
#define COUNTER_SYSTICK_RELOAD (*(volatile uint32_t *)0xE000E014u)
#define COUNTER_SYSTICK_VALUE (*(volatile uint32_t *)0xE000E018u)
#define COUNTER_SYSTICK_MASK 0xFFFFFFu

static struct {
    bool has_dwt;
    uint32_t last, total; /* of SysTick, which counts down */
} counter;

static inline bool counter_starts_dwt(void)
{
#if defined(__ARM_ARCH_6M__)
    return false; /* has no cycle counter in its DWT */
#else
    uint32_t before;

    COUNTER_DEMCR |= 1u << 24; /* trace on */
    COUNTER_DWT_CONTROL |= 1u;
    before = COUNTER_DWT_CYCLES;
    for (volatile int wait = 0; wait < 8; ++wait) {
    }
    return COUNTER_DWT_CYCLES != before;
#endif
}

static inline void board_counter_start(void)
{
    counter.has_dwt = counter_starts_dwt();
    if (!counter.has_dwt) {
        COUNTER_SYSTICK_RELOAD = COUNTER_SYSTICK_MASK;
        COUNTER_SYSTICK_VALUE = 0;
        COUNTER_SYSTICK_CONTROL = 5u; /* on, at the core's clock, without interrupts */
        counter.last = COUNTER_SYSTICK_VALUE;
        counter.total = 0;
    }
}

static inline uint32_t board_counter_read(void)
{
    uint32_t value;

    if (counter.has_dwt) {
        return COUNTER_DWT_CYCLES;
    }
    value = COUNTER_SYSTICK_VALUE;
    counter.total += (counter.last - value) & COUNTER_SYSTICK_MASK;
    counter.last = value;
    return counter.total;
}

#endif /* CYCLE_COUNTER_H */
