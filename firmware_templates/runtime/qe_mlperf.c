/**
 * @file qe_mlperf.c
 * @brief See qe_mlperf.h.
 */
#include "qe_mlperf.h"

#include <stdbool.h>
#include <string.h>

#define COMMAND_BYTES 80u
#define DEFAULT_WARMUPS 10u

static struct {
    const qe_mlperf_config *config;
    char command[COMMAND_BYTES + 1];
    uint32_t length;
    bool text; /* nothing but printable bytes since the last command or frame */
    uint32_t expected, loaded;
    uint64_t ticks;
    uint32_t last_count;
    bool has_results;
} runner;

/* ---- sending ------------------------------------------------------------------------------ */

static void say(const char *text)
{
    runner.config->write((const uint8_t *)text, (uint32_t)strlen(text));
}

static void say_line(const char *text)
{
    say(text);
    say("\r\n");
}

static void say_number(uint64_t value)
{
    char digits[21];
    char *at = digits + sizeof digits - 1;

    *at = '\0';
    do {
        *--at = (char)('0' + (int)(value % 10u));
        value /= 10u;
    } while (value > 0);
    say(at);
}

/* A number with three decimals, rounded; results are small, so 32 bits hold it. */
static void say_real(float value)
{
    uint32_t thousandths;

    if (value < 0.0f) {
        say("-");
        value = -value;
    }
    thousandths = value < 4.0e6f ? (uint32_t)(value * 1000.0f + 0.5f) : 4000000000u;
    say_number(thousandths / 1000u);
    say(".");
    say(thousandths % 1000u < 100u ? (thousandths % 1000u < 10u ? "00" : "0") : "");
    say_number(thousandths % 1000u);
}

/* ---- time --------------------------------------------------------------------------------- */

/* Called often enough that the counter wraps at most once in between. */
static void keep_time(void)
{
    uint32_t now = runner.config->count();

    runner.ticks += now - runner.last_count;
    runner.last_count = now;
}

static void say_lap(void)
{
    uint64_t per_second = runner.config->ticks_per_second;

    keep_time();
    say("m-lap-us-");
    say_number(runner.ticks / per_second * 1000000u +
               runner.ticks % per_second * 1000000u / per_second);
    say("\r\n");
}

/* ---- the model ---------------------------------------------------------------------------- */

static uint8_t *place(const qe_buffer *buffer)
{
    return (uint8_t *)runner.config->arena + buffer->offset;
}

static float float_at(uint32_t index)
{
    const uint8_t *p = runner.config->data + 4u * index;
    uint32_t bits = p[0] | ((uint32_t)p[1] << 8) | ((uint32_t)p[2] << 16) | ((uint32_t)p[3] << 24);
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static int8_t quantized(float value)
{
    float steps = value / runner.config->input_scale + (float)runner.config->input_zero_point;

    if (!(steps > -128.0f)) { /* not a number as well */
        return -128;
    }
    if (steps >= 127.0f) {
        return 127;
    }
    return (int8_t)(int32_t)(steps < 0.0f ? steps - 0.5f : steps + 0.5f);
}

static void load_input(void)
{
    const qe_mlperf_config *config = runner.config;
    uint8_t *input = place(&config->model->inputs[0]);
    uint32_t i;

    for (i = 0; i < config->model->inputs[0].bytes; i++) {
        if (config->kind == QE_MLPERF_AUTOENCODER) {
            input[i] = (uint8_t)quantized(float_at(i));
        } else if (config->kind == QE_MLPERF_UNSIGNED) {
            input[i] = (uint8_t)(config->data[i] ^ 0x80u);
        } else {
            input[i] = config->data[i];
        }
    }
}

static bool run(void)
{
    load_input();
    keep_time();
    if (runner.config->model->invoke() != QE_OK) {
        return false;
    }
    keep_time();
    return true;
}

static float output_at(uint32_t index)
{
    const int8_t *output = (const int8_t *)place(&runner.config->model->outputs[0]);

    return runner.config->output_scale *
           (float)((int32_t)output[index] - runner.config->output_zero_point);
}

static void say_results(void)
{
    uint32_t count = runner.config->model->outputs[0].bytes;
    float sum = 0.0f;
    uint32_t i;

    say("m-results-[");
    for (i = 0; i < count; i++) {
        if (runner.config->kind == QE_MLPERF_AUTOENCODER) {
            float difference = output_at(i) - float_at(i);
            sum += difference * difference;
        } else {
            say(i > 0 ? "," : "");
            say_real(output_at(i));
        }
    }
    if (runner.config->kind == QE_MLPERF_AUTOENCODER) {
        say_real(sum / (float)count);
    }
    say_line("]");
}

/* ---- commands ----------------------------------------------------------------------------- */

/* A decimal number at the start of a word; `otherwise` if there is none. */
static uint32_t number_of(const char *word, uint32_t otherwise)
{
    uint32_t value = 0;

    if (*word < '0' || *word > '9') {
        return otherwise;
    }
    for (; *word >= '0' && *word <= '9' && value < 100000000u; word++) {
        value = 10u * value + (uint32_t)(*word - '0');
    }
    return value;
}

static const char *next_word(const char *text)
{
    while (*text != '\0' && *text != ' ') {
        text++;
    }
    while (*text == ' ') {
        text++;
    }
    return text;
}

static bool starts(const char *text, const char *word)
{
    size_t length = strlen(word);

    return strncmp(text, word, length) == 0 && (text[length] == ' ' || text[length] == '\0');
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static void on_load(const char *word)
{
    uint32_t bytes = number_of(word, 0);

    if (bytes == 0 || bytes > runner.config->data_bytes) {
        say_line("e-[Invalid number of bytes]");
        return;
    }
    runner.expected = bytes;
    runner.loaded = 0;
    say("m-[Expecting ");
    say_number(bytes);
    say_line(" bytes]");
}

static void on_data(const char *hex)
{
    for (; *hex != '\0' && *hex != ' '; hex += 2) {
        int high = hex_digit(hex[0]);
        int low = high < 0 ? -1 : hex_digit(hex[1]);
        if (low < 0 || runner.loaded >= runner.expected) {
            say_line("e-[Invalid data]");
            return;
        }
        runner.config->data[runner.loaded++] = (uint8_t)(16 * high + low);
    }
    if (runner.loaded == runner.expected) {
        say_line("m-load-done");
    }
}

static void on_print(void)
{
    static const char digits[] = "0123456789ABCDEF";
    char pair[4] = {0, 0, '-', '\0'};
    uint32_t i;

    say("m-buffer-");
    for (i = 0; i < runner.loaded; i++) {
        pair[0] = digits[runner.config->data[i] >> 4];
        pair[1] = digits[runner.config->data[i] & 15u];
        pair[2] = i + 1 < runner.loaded ? '-' : '\0';
        say(pair);
    }
    say("\r\n");
}

static void on_db(const char *word)
{
    if (starts(word, "load")) {
        on_load(next_word(word));
    } else if (starts(word, "print")) {
        on_print();
    } else {
        on_data(word);
    }
}

static bool run_many(uint32_t count)
{
    for (; count > 0; count--) {
        if (!run()) {
            say_line("e-[Inference failed]");
            return false;
        }
    }
    return true;
}

static void on_infer(const char *words)
{
    const qe_mlperf_config *config = runner.config;
    uint32_t count = number_of(words, 1);
    uint32_t warmups = number_of(next_word(words), DEFAULT_WARMUPS);

    config->take_over();
    if (config->model->init(config->arena, config->arena_bytes) != QE_OK) {
        say_line("e-[Arena too small]");
        return;
    }
    say("m-warmup-start-");
    say_number(warmups);
    say("\r\n");
    if (!run_many(warmups)) {
        return;
    }
    say_line("m-warmup-done");
    say("m-infer-start-");
    say_number(count);
    say("\r\n");
    say_lap();
    if (!run_many(count)) {
        return;
    }
    say_lap();
    say_line("m-infer-done");
    runner.has_results = count + warmups > 0;
    say_results();
}

static void obey(const char *command)
{
    if (starts(command, "name")) {
        say("m-name-dut-[");
        say(runner.config->vendor);
        say_line("]");
    } else if (starts(command, "profile")) {
        say_line("m-profile-[ULPMark for tinyML Firmware V0.0.1]");
        say("m-model-[");
        say(runner.config->model_id);
        say_line("]");
    } else if (starts(command, "timestamp")) {
        say_lap();
    } else if (starts(command, "db")) {
        on_db(next_word(command));
    } else if (starts(command, "infer")) {
        on_infer(next_word(command));
    } else if (starts(command, "results") && runner.has_results) {
        say_results();
    } else if (starts(command, "help")) {
        say_line("name profile timestamp db infer results help");
    } else {
        say("e-[Unknown command: ");
        say(command);
        say_line("]");
    }
    say_line("m-ready");
}

void qe_mlperf_init(const qe_mlperf_config *config)
{
    memset(&runner, 0, sizeof runner);
    runner.config = config;
    runner.text = true;
    runner.last_count = config->count();
    say_line("m-timestamp-mode-performance");
    say_lap();
    say_line("m-init-done");
    say_line("m-ready");
    config->write((const uint8_t *)"", 1); /* a delimiter: what the link says next stands alone */
}

void qe_mlperf_feed(const uint8_t *bytes, uint32_t count)
{
    for (; count > 0; count--, bytes++) {
        char c = (char)*bytes;
        if (*bytes == 0) { /* the end of a frame of the link */
            runner.text = true;
            runner.length = 0;
        } else if (c == '%' && runner.text) {
            runner.command[runner.length] = '\0';
            runner.length = 0;
            obey(runner.command);
        } else if (c == '\r' || c == '\n') {
            continue;
        } else if (c >= ' ' && c <= '~' && runner.length < COMMAND_BYTES && runner.text) {
            runner.command[runner.length++] = c;
        } else {
            runner.text = false;
        }
    }
}
