/**
 * @file port.c
 * @brief The link on an ATmega2560 at 16 MHz: USART0, and Timer 1 counting cycles.
 */
#include "qe_port.h"

#include <avr/interrupt.h>
#include <avr/io.h>

static volatile uint16_t overflows; /* of Timer 1: the upper half of the counter */

ISR(TIMER1_OVF_vect)
{
    ++overflows;
}

void qe_port_init(void)
{
    UBRR0 = 0; /* 2 Mbaud */
    UCSR0A = _BV(U2X0);
    UCSR0B = _BV(RXEN0) | _BV(TXEN0);
    UCSR0C = _BV(UCSZ01) | _BV(UCSZ00); /* 8N1 */
    TCCR1A = 0;
    TCCR1B = _BV(CS10); /* every cycle */
    TIMSK1 = _BV(TOIE1);
    sei();
}

uint32_t qe_port_read(uint8_t *buffer, uint32_t capacity)
{
    uint32_t count = 0;

    while ((UCSR0A & _BV(RXC0)) == 0) {
    }
    while (count < capacity && (UCSR0A & _BV(RXC0)) != 0) {
        buffer[count++] = UDR0;
    }
    return count;
}

void qe_port_write(const uint8_t *data, uint32_t count)
{
    for (uint32_t i = 0; i < count; ++i) {
        while ((UCSR0A & _BV(UDRE0)) == 0) {
        }
        UDR0 = data[i];
    }
}

uint32_t qe_port_count(void)
{
    uint8_t status = SREG;
    uint16_t low, high;

    cli();
    low = TCNT1;
    high = overflows;
    if ((TIFR1 & _BV(TOV1)) != 0 && low < 0x8000u) {
        ++high; /* it has just wrapped, and the interrupt waits */
    }
    SREG = status;
    return ((uint32_t)high << 16) | low;
}
