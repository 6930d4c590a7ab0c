/**
 * @file start.c
 * @brief Entry point; Linux has set up the stack.
 */
void start(void);
void board_main(void);

__attribute__((naked)) void start(void)
{
    __asm__ volatile("b board_main");
}
