/**
 * @file board.h
 * @brief The BBC micro:bit: how its nRF51822 is wired to the USB interface.
 */
#ifndef BOARD_H
#define BOARD_H

#define BOARD_PIN_TX 24u
#define BOARD_PIN_RX 25u

#endif /* BOARD_H */
