/*
 * Feed the link random and nearly right frames: link_fuzz SEED FRAMES. Build it with sanitizers.
 *
 * Right frames are made without the link's own code; answers are thrown away, but each must be made
 * of whole frames with a delimiter at the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qe_link.h"

#define MOST 1400u

static uint64_t state;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 33) % below;
}

/* ---- a model that touches all of its arena ------------------------------------------------ */

#define ARENA 600u

static uint8_t *base;
static uint32_t runs;

static qe_status start(void *arena, uint32_t bytes)
{
    if (arena == NULL || bytes < ARENA || (uintptr_t)arena % QE_ARENA_ALIGNMENT != 0) {
        return QE_ERR_ARENA;
    }
    base = (uint8_t *)arena;
    return QE_OK;
}

static qe_status invoke(void)
{
    runs++;
    if (base == NULL || base[0] == 0xEE) {
        return QE_ERR_STATE;
    }
    for (uint32_t i = 0; i < ARENA; i++) {
        base[i] = (uint8_t)(base[i] + i);
    }
    QE_LAYER_DONE(0, base, 7);
    QE_LAYER_DONE(1, base + 1, 599);
    QE_LAYER_DONE(70000, base, 1);
    return QE_OK;
}

static void reset(void)
{
    base[599] = 3;
}

static uint32_t row;

static void *input_row(void)
{
    return base + 8 * (row % 3);
}

static qe_status push_row(void)
{
    if (row >= 9) {
        return QE_ERR_STATE;
    }
    QE_LAYER_ROW(0, input_row(), 7, row, 9);
    QE_LAYER_ROW(1, NULL, 0, row, 9);
    if (++row < 9) {
        return QE_MORE;
    }
    row = 0;
    runs++;
    return QE_OK;
}

static void first_row(void)
{
    row = 0;
}

static const qe_buffer pushed_in = {0, 63}, pushed_out = {30, 40};
static const qe_model pushed = {"pushed",  {5},        ARENA,       1,        1,
                                2,         &pushed_in, &pushed_out, start,    NULL,
                                first_row, "",         input_row,   push_row, 7};
static const qe_buffer two_in[] = {{1, 33}, {100, 200}}, two_out[] = {{0, 1}, {1, 599}};
static const qe_buffer one_in = {0, 5}, one_out = {0, 600};
static const qe_model two = {"two", {2},    ARENA, 2,  2,    2,    two_in, two_out,
                             start, invoke, reset, "", NULL, NULL, 0};
static const qe_model one = {"one", {1},    ARENA, 1,  1,    2,    &one_in, &one_out,
                             start, invoke, reset, "", NULL, NULL, 0};
static const qe_model big = {"big", {3},    5000,  1,  1,    2,    &one_in, &one_out,
                             start, invoke, reset, "", NULL, NULL, 0};
static const qe_model deep = {"deep",  {4},      ARENA, 1,      1,     QE_LINK_MAX_LAYERS + 1,
                              &one_in, &one_out, start, invoke, reset, "",
                              NULL,    NULL,     0};
static const qe_model *const models[] = {&two, &one, &big, &deep, &pushed};

/* ---- the line ----------------------------------------------------------------------------- */

static uint32_t frames_out, bytes_since_delimiter;

static void sink(const uint8_t *data, uint32_t count)
{
    for (; count > 0; count--, data++) {
        bytes_since_delimiter++;
        if (*data == 0) {
            frames_out++;
            bytes_since_delimiter = 0;
        }
    }
}

static uint32_t tick(void)
{
    return draw(0xFFFFFFFFu);
}

/* ---- frames ------------------------------------------------------------------------------- */

static uint32_t crc_of(const uint8_t *data, uint32_t count)
{
    uint32_t crc = 0xFFFFFFFFu;
    for (; count > 0; count--) {
        crc ^= *data++;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
        }
    }
    return ~crc;
}

static uint32_t little(uint8_t *out, uint32_t value, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        out[i] = (uint8_t)(value >> (8 * i));
    }
    return bytes;
}

static uint32_t some_number(void)
{
    static const uint32_t limits[] = {0, 1, 4, 5, 32, 33, 233, 599, 600, 0x7FFFFFFF, 0xFFFFFFFF};
    return draw(3) == 0 ? draw(0xFFFFFFFFu) : draw(2) ? limits[draw(11)] : draw(300);
}

/* A body that makes some sense. */
static uint32_t make_body(uint8_t *body)
{
    static uint32_t filled, sample;
    uint32_t n = 0;
    uint32_t type = 0x81u + draw(7);
    uint32_t model = draw(4) ? draw(3) : draw(5);
    uint32_t total = model == 0 ? 233 : model == 1 ? 5 : 63;

    if (model == 2 && draw(8)) {
        model = 4;
    }
    if (draw(2)) {
        type = 0x83;
    }
    n += little(body + n, draw(20) ? type : draw(256), 1);
    n += little(body + n, draw(20) ? model : draw(256), 1);
    n += little(body + n, draw(65536), 2);
    n += little(body + n, draw(30) ? 1 : draw(3), 4);
    if (type == 0x83) {
        uint32_t flags = draw(8) ? draw(8) : draw(256);
        uint32_t offset = draw(8) && filled <= total ? filled : some_number();
        uint32_t data = draw(8) == 0 ? draw(1200) : offset > total ? draw(9) : total - offset;
        if (draw(3) == 0) {
            data = draw(data + 1);
        }
        if (draw(3) == 0) {
            sample++;
            offset = 0;
        }
        n += little(body + n, flags, 1);
        n += little(body + n, draw(8) ? sample : some_number(), 4);
        n += little(body + n, offset, 4);
        n += little(body + n, some_number(), 2);
        if ((flags & 4) != 0) {
            n += little(body + n, draw(4), 2);
            n += little(body + n, some_number(), 4);
            n += little(body + n, some_number(), 4);
        }
        for (uint32_t i = 0; i < data; i++) {
            body[n++] = (uint8_t)draw(256);
        }
        filled = offset + data >= total ? 0 : offset + data;
    } else {
        for (uint32_t fields = draw(6); fields > 0; fields--) {
            n += little(body + n, some_number(), 1);
        }
    }
    return n;
}

static uint32_t encode(const uint8_t *content, uint32_t count, uint8_t *out)
{
    uint32_t code_at = 0;
    uint32_t n = 1;

    out[0] = 1;
    for (uint32_t i = 0; i < count; i++) {
        if (content[i] != 0) {
            out[n++] = content[i];
            out[code_at]++;
        }
        if (content[i] == 0 || out[code_at] == 0xFF) {
            code_at = n;
            out[n++] = 1;
        }
    }
    out[n++] = 0;
    return n;
}

static uint32_t make_frame(uint8_t *out)
{
    uint8_t content[MOST];
    uint32_t n;

    if (draw(10) == 0) { /* noise, long or short */
        n = draw(3) ? draw(60) : draw(MOST);
        for (uint32_t i = 0; i < n; i++) {
            out[i] = (uint8_t)draw(256);
        }
        return n;
    }
    n = make_body(content);
    n += little(content + n, crc_of(content, n), 4);
    n = encode(content, n, out);
    for (uint32_t hits = draw(8) ? 0 : 1 + draw(4); hits > 0; hits--) {
        out[draw(n)] ^= (uint8_t)(1u << draw(8));
    }
    if (draw(20) == 0) {
        n = draw(n);
    }
    return n;
}

int main(int argc, char **argv)
{
    static uint8_t frame[2 * MOST];
    uint32_t arena_bytes = 640;
    uint8_t *arena = malloc(arena_bytes);
    qe_link_config config = {"fuzz", models, 5, NULL, 640, NULL, 100, "ticks", 1, 1, sink, tick};
    unsigned long frames = argc == 3 ? strtoul(argv[2], NULL, 10) : 1000;

    state = argc == 3 ? strtoull(argv[1], NULL, 10) * 2654435761u + 88172645463325252u : 1;
    config.arena = arena;
    qe_link_init(&config);
    for (unsigned long i = 0; i < frames; i++) {
        uint32_t n = make_frame(frame);
        uint8_t *exact = malloc(n + 1); /* so that reading beyond it is seen */
        memcpy(exact, frame, n);
        for (uint32_t at = 0; at < n;) {
            uint32_t part = 1 + draw(n - at);
            qe_link_feed(exact + at, part);
            at += part;
        }
        free(exact);
        if (bytes_since_delimiter != 0) {
            fprintf(stderr, "an answer without its end\n");
            return 1;
        }
        if (draw(5000) == 0) {
            qe_link_init(&config);
        }
    }
    free(arena);
    printf("%lu frames, %u runs, %u answers\n", frames, (unsigned)runs, (unsigned)frames_out);
    return 0;
}
