/**
 * @file linux_port.c
 * @brief The link on a Linux process without a C library; board.h makes the system calls.
 */
#include "qe_port.h"

#include "board.h"

int main(void);

/* Called by the entry point, with a stack. */
__attribute__((noreturn)) void board_main(void)
{
    board_exit(main());
}

void qe_port_init(void)
{
}

uint32_t qe_port_read(uint8_t *buffer, uint32_t capacity)
{
    long count = board_read(0, buffer, capacity);

    return count > 0 ? (uint32_t)count : 0;
}

void qe_port_write(const uint8_t *data, uint32_t count)
{
    while (count > 0) {
        long written = board_write(1, data, count);
        if (written <= 0) {
            board_exit(1); /* nobody listens any more */
        }
        data += written;
        count -= (uint32_t)written;
    }
}

/* Nothing that a process could read counts instructions here; the emulator does. */
uint32_t qe_port_count(void)
{
    return 0;
}
