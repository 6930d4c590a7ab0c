/**
 * @file posix_port.c
 * @brief The link on a POSIX process: standard input and output, a file, a pipe or a terminal.
 */
#define _POSIX_C_SOURCE 200809L /* NOLINT: asks for clock_gettime() under -std=c99 */
#include "qe_port.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

void qe_port_init(void)
{
}

uint32_t qe_port_read(uint8_t *buffer, uint32_t capacity)
{
    ssize_t count;

    do {
        count = read(STDIN_FILENO, buffer, capacity);
    } while (count < 0 && errno == EINTR);
    return count > 0 ? (uint32_t)count : 0; /* a terminal whose other end is gone reports EIO */
}

void qe_port_write(const uint8_t *data, uint32_t count)
{
    while (count > 0) {
        ssize_t written = write(STDOUT_FILENO, data, count);
        if (written < 0 && errno != EINTR) {
            exit(EXIT_FAILURE); /* nobody listens any more */
        }
        if (written > 0) {
            data += written;
            count -= (uint32_t)written;
        }
    }
}

uint32_t qe_port_count(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
}
