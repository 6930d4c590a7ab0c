/**
 * @file cmsdk_timer.h
 * @brief The 32-bit CMSDK timer at BOARD_TIMER as a free-running counter of clock ticks.
 */
#ifndef CMSDK_TIMER_H
#define CMSDK_TIMER_H

#include <stdint.h>

typedef struct {
    volatile uint32_t control;
    volatile uint32_t value; /* counts down */
    volatile uint32_t reload;
} cmsdk_timer;

static inline void board_counter_start(void)
{
    cmsdk_timer *timer = (cmsdk_timer *)BOARD_TIMER;
    timer->reload = UINT32_MAX;
    timer->value = UINT32_MAX;
    timer->control = 1;
}

static inline uint32_t board_counter_read(void)
{
    return UINT32_MAX - ((cmsdk_timer *)BOARD_TIMER)->value;
}

#endif /* CMSDK_TIMER_H */
