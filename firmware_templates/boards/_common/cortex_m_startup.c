/**
 * @file cortex_m_startup.c
 * @brief From reset to main() on any Cortex-M: vectors, FPU, initialized and zeroed data.
 */
#include <stdint.h>

extern uint32_t ld_data_load[], ld_data_start[], ld_data_end[]; /* symbols of cortex_m.ld */
extern uint32_t ld_bss_start[], ld_bss_end[], ld_stack_top[];

int main(void);
void Reset_Handler(void);

/**
 * Any fault or unexpected interrupt ends here. Under a debugger or emulator with semihosting the
 * request SYS_EXIT ends the session as "run-time error", so a host sees a crash and not a silence;
 * on a bare chip the core locks up.
 */
static void crash(void)
{
    register uint32_t operation __asm__("r0") = 0x18; /* SYS_EXIT */
    register uint32_t reason __asm__("r1") = 0x20023; /* ADP_Stopped_RunTimeErrorUnknown */
    __asm__ volatile("bkpt 0xab" : : "r"(operation), "r"(reason) : "memory");
    for (;;) {
    }
}

static void enable_fpu(void)
{
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    volatile uint32_t *cpacr = (volatile uint32_t *)0xE000ED88u;
    *cpacr |= 0xFu << 20; /* full access to CP10 and CP11 */
    __asm__ volatile("dsb\n isb" : : : "memory");
#endif
}

void Reset_Handler(void)
{
    const uint32_t *from = ld_data_load;

    enable_fpu();
    for (uint32_t *to = ld_data_start; to != ld_data_end; ++to) {
        *to = *from++;
    }
    for (uint32_t *to = ld_bss_start; to != ld_bss_end; ++to) {
        *to = 0;
    }
    (void)main();
    for (;;) {
    }
}

typedef union {
    uint32_t *stack_top;
    void (*handler)(void);
} vector;

/* Those of the architecture: the port waits with interrupts masked, no others are taken. */
/* clang-format off */
__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    [0] = {.stack_top = ld_stack_top},
    [1] = {.handler = Reset_Handler},
    [2] = {.handler = crash}, /* NMI */
    [3] = {.handler = crash}, /* HardFault; the configurable faults escalate to it */
    [11] = {.handler = crash}, /* SVCall */
    [14] = {.handler = crash}, /* PendSV */
    [15] = {.handler = crash}, /* SysTick */
};
/* clang-format on */
