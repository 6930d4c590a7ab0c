/**
 * @file simavr_runner.c
 * @brief Run an AVR firmware in libsimavr, its USART0 on standard input and output.
 *
 *     simavr_runner MCU FREQUENCY_HZ FIRMWARE.elf
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>

#define STEPS 2000     /* instructions between two looks at the host */
#define IDLE_ROUNDS 50 /* rounds without traffic after which waiting costs nobody anything */

static uint8_t sent[4096];
static size_t sent_count;
static bool can_receive = true;

static void flush(void)
{
    size_t done = 0;

    while (done < sent_count) {
        ssize_t count = write(STDOUT_FILENO, sent + done, sent_count - done);
        if (count > 0) {
            done += (size_t)count;
        } else if (errno == EAGAIN) {
            struct pollfd wait = {.fd = STDOUT_FILENO, .events = POLLOUT};
            (void)poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            exit(EXIT_FAILURE);
        }
    }
    sent_count = 0;
}

static void on_output(avr_irq_t *irq, uint32_t value, void *unused)
{
    (void)irq;
    (void)unused;
    sent[sent_count++] = (uint8_t)value;
    if (sent_count == sizeof sent) {
        flush();
    }
}

/* The USART says when its queue is full, and when it has room again. */
static void on_room(avr_irq_t *irq, uint32_t value, void *room)
{
    (void)irq;
    (void)value;
    can_receive = room != NULL;
}

static avr_t *start(const char *mcu, const char *frequency, const char *path)
{
    static elf_firmware_t firmware;
    avr_t *avr = avr_make_mcu_by_name(mcu);
    uint32_t flags = 0;

    if (avr == NULL || elf_read_firmware(path, &firmware) != 0) {
        fprintf(stderr, "simavr_runner: cannot run %s on %s\n", path, mcu);
        exit(EXIT_FAILURE);
    }
    firmware.frequency = (uint32_t)strtoul(frequency, NULL, 10);
    avr_init(avr);
    avr_load_firmware(avr, &firmware);
    (void)avr_ioctl(avr, AVR_IOCTL_UART_GET_FLAGS('0'), &flags);
    flags &= ~(uint32_t)(AVR_UART_FLAG_STDIO | AVR_UART_FLAG_POLL_SLEEP);
    (void)avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT),
                            on_output, NULL);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XON),
                            on_room, &can_receive);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XOFF),
                            on_room, NULL);
    return avr;
}

int main(int argc, char **argv)
{
    uint8_t received[4096];
    ssize_t count = 0, used = 0;
    unsigned int idle = 0;
    avr_irq_t *input;
    avr_t *avr;

    if (argc != 4) {
        fputs("simavr_runner MCU FREQUENCY_HZ FIRMWARE.elf\n", stderr);
        return EXIT_FAILURE;
    }
    avr = start(argv[1], argv[2], argv[3]);
    input = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
    (void)fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    for (;;) {
        bool traffic = false;
        for (int step = 0; step < STEPS; ++step) {
            int state = avr_run(avr);
            if (state == cpu_Done || state == cpu_Crashed) {
                flush();
                return state == cpu_Crashed ? EXIT_FAILURE : EXIT_SUCCESS;
            }
            if (can_receive && used < count) {
                avr_raise_irq(input, received[used++]);
                traffic = true;
            }
        }
        traffic = traffic || sent_count > 0;
        flush();
        if (used == count) {
            count = read(STDIN_FILENO, received, sizeof received);
            used = 0;
            if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
                return EXIT_SUCCESS; /* the host is gone */
            }
            count = count < 0 ? 0 : count;
        }
        idle = traffic || count > 0 ? 0 : idle + 1;
        if (idle > IDLE_ROUNDS) { /* the firmware waits too, in a loop */
            struct pollfd wait = {.fd = STDIN_FILENO, .events = POLLIN};
            (void)poll(&wait, 1, 1);
        }
    }
}
