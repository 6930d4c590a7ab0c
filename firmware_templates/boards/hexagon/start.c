/**
 * @file start.c
 * @brief Entry point; Linux has set up the stack, vectors want it aligned to 128 bytes.
 */
void start(void);
void board_main(void);

__attribute__((naked)) void start(void)
{
    __asm__ volatile("{ r29 = and(r29, #-128) }\n"
                     "jump board_main");
}
