/**
 * @file qe_port.h
 * @brief All that a board does for the link: bytes in, bytes out, a counter.
 */
#ifndef QE_PORT_H
#define QE_PORT_H

#include <stdint.h>

/** @brief Set up the UART and the counter. Called once, first. */
void qe_port_init(void);

/**
 * @brief Wait for at least one byte from the host.
 *
 * @param buffer    Where to put the bytes.
 * @param capacity  >= 1
 * @return          Bytes read, 1 to @p capacity; 0 when the link is closed for good.
 */
uint32_t qe_port_read(uint8_t *buffer, uint32_t capacity);

/** @brief Send @p count bytes; returns when all are handed to the UART. */
void qe_port_write(const uint8_t *data, uint32_t count);

/** @brief Free-running counter, wrapping at 2^32; its unit is in the board's board.toml. */
uint32_t qe_port_count(void);

#endif /* QE_PORT_H */
