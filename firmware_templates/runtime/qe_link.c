/**
 * @file qe_link.c
 * @brief See qe_link.h and docs/protocol.md.
 */
#include "qe_link.h"

#include <stdbool.h>
#include <string.h>

#include "qe_hash.h"

#define HASHES_TICKS_STRESS 7u /* capabilities of every firmware */
#define BIG_ENDIAN 8u
#define HEADER_BYTES 8u
#define CRC_BYTES 4u
#define BLOCK_BYTES 254u /* longest run of non-zero bytes in COBS */
#define SHORTEST_ANSWER 64u
#define NO_STEP 0xFFFFFFFFu
#define NO_LAYER 0xFFFFFFFFu
#define PAINT 0xC5u
#define PAINTERS_FRAME 64u /* more than the painting function itself keeps on the stack */

enum request { HELLO = 0x81, DESCRIBE, INFER, RESET, PING, SETUP };
enum answer { INFO = 0xC1, MODEL, RESULT, DONE, PONG, TENSOR, ERROR = 0xCF };
enum code {
    BAD_REQUEST = 1,
    BAD_SESSION,
    BAD_MODEL,
    BAD_RANGE,
    BAD_GAP,
    BAD_ORDER,
    FAILED,
    BAD_LAYERS
};
enum infer_flag { ORDERED = 1, TICKS = 2, FETCH = 4 };

typedef char assert_frame_bytes[QE_LINK_FRAME_BYTES >= 64 && QE_LINK_FRAME_BYTES <= 65000 ? 1 : -1];
typedef char assert_max_layers[QE_LINK_MAX_LAYERS >= 1 && QE_LINK_MAX_LAYERS <= 65535 ? 1 : -1];

static const uint8_t delimiter = 0;

/* A request that passed its CRC: fields are taken off the front. */
typedef struct {
    const uint8_t *at;
    uint32_t left;
    uint8_t type, model;
    uint16_t sequence;
    uint32_t session;
} request;

static struct {
    const qe_link_config *config;
    uint32_t session; /* 0: none since the start */
    uint32_t previous_session;
    uint32_t damaged; /* frames forgotten */

    /* The frame that is coming in, as COBS is undone. */
    uint8_t frame[QE_LINK_FRAME_BYTES + CRC_BYTES];
    uint32_t frame_length;
    uint8_t run_left;  /* bytes until the next code byte */
    bool zero_follows; /* the run that ends stands for a zero byte */
    bool broken;

    /* The frame that is going out, one COBS block at a time. */
    uint8_t block[1 + BLOCK_BYTES];
    uint8_t block_length;
    uint32_t crc;
    uint16_t sequence; /* of the request that is being answered */
    uint32_t longest;  /* largest body of an answer in pieces */
    uint8_t model_index;

    /* The sample. */
    const qe_model *model; /* owner of the arena, initialized; or NULL */
    uint32_t input_bytes;
    uint32_t sample, filled;
    uint32_t row_filled; /* of an input that is pushed: the row that is coming in */
    uint8_t flags;
    bool has_record; /* the arena still holds the outputs of `sample` */
    uint16_t run;    /* number of the run that they come from */
    uint32_t next_step, reset_number;

    /* What was seen of its run. */
    bool running;
    uint32_t input_hash, mark;
    uint64_t ticks;
    uint32_t hashes[QE_LINK_MAX_LAYERS];
    uint32_t layer_ticks[QE_LINK_MAX_LAYERS];
    uint32_t fetch_layer, fetch_first, fetch_count;
    uintptr_t paint_begin, paint_end; /* of the stack below the run */
    uint32_t stack_bytes;
    uint32_t guard_layer, guard_at; /* the first layer that left the arena, and where */

    /* SETUP. */
    bool stress;
    uint8_t fill;
    uint32_t shift;
} link;

/* ---- sending ------------------------------------------------------------------------------ */

static void flush_block(bool full)
{
    static const uint8_t full_code = 0xFF;

    link.block[0] = full ? full_code : (uint8_t)(link.block_length + 1u);
    link.config->write(link.block, link.block_length + 1u);
    link.block_length = 0;
}

static void send_raw(uint8_t byte)
{
    if (byte == 0) {
        flush_block(false);
        return;
    }
    link.block[1u + link.block_length++] = byte;
    if (link.block_length == BLOCK_BYTES) {
        flush_block(true);
    }
}

static void put8(uint32_t value)
{
    link.crc = qe_crc32(link.crc, (uint8_t)value);
    send_raw((uint8_t)value);
}

static void put16(uint32_t value)
{
    put8(value & 0xFFu);
    put8((value >> 8) & 0xFFu);
}

static void put32(uint32_t value)
{
    put16(value & 0xFFFFu);
    put16(value >> 16);
}

static void put_bytes(const uint8_t *data, uint32_t count)
{
    for (; count > 0; count--) {
        put8(*data++);
    }
}

static void put_text(const char *text)
{
    size_t length = text != NULL ? strlen(text) : 0;

    if (length > 255) {
        length = 255;
    }
    put8((uint32_t)length);
    for (; length > 0; length--) {
        put8((uint8_t)*text++);
    }
}

static void begin_frame(enum answer type)
{
    link.crc = 0xFFFFFFFFu;
    link.block_length = 0;
    put8((uint32_t)type);
    put8(link.model_index);
    put16(link.sequence);
    put32(link.session);
}

static void end_frame(void)
{
    uint32_t crc = ~link.crc;
    uint32_t i;

    for (i = 0; i < CRC_BYTES; i++, crc >>= 8) {
        send_raw((uint8_t)(crc & 0xFFu));
    }
    flush_block(false);
    link.config->write(&delimiter, 1);
}

static void answer(enum answer type, uint32_t value)
{
    begin_frame(type);
    put32(value);
    end_frame();
}

static void refuse(enum code code, uint32_t detail)
{
    begin_frame(ERROR);
    put8((uint32_t)code);
    put32(detail);
    end_frame();
}

/* ---- observing a run ---------------------------------------------------------------------- */

static uint32_t now(void)
{
    return link.config->count != NULL ? link.config->count() : 0;
}

static uint8_t *arena(void)
{
    return (uint8_t *)link.config->arena + link.shift;
}

static uint8_t guard_value(void)
{
    return (uint8_t)(link.fill ^ 0xA5u);
}

/* Has a byte of the application's buffer in [from, end) lost its guard value? */
static bool is_damaged(uint32_t from, uint32_t end)
{
    const uint8_t *buffer = (const uint8_t *)link.config->arena;

    while (from < end && buffer[from] == guard_value()) {
        from++;
    }
    link.guard_at = from - link.shift;
    return from < end;
}

/* Under stress everything of the application's buffer that is not the model's guards it. */
static void check_guards(uint32_t layer)
{
    if (link.stress && link.guard_layer == NO_LAYER &&
        (is_damaged(0, link.shift) ||
         is_damaged(link.shift + link.model->arena_bytes, link.config->arena_bytes))) {
        link.guard_layer = layer;
    }
}

/* Fill the free stack below the caller with a pattern; a run that follows leaves its mark. */
static void paint_stack(void)
{
    volatile uint8_t here = 0;
    uintptr_t lowest = (uintptr_t)link.config->stack_low;
    uintptr_t at;

    link.paint_begin = link.paint_end = (uintptr_t)&here + 1u;
    if (lowest == 0 || lowest >= link.paint_end) {
        return; /* not known, or not the stack that this runs on */
    }
    if (link.paint_end - lowest > QE_LINK_STACK_BYTES) {
        lowest = link.paint_end - QE_LINK_STACK_BYTES;
    }
    link.paint_begin = lowest;
    for (at = lowest; at < link.paint_end - PAINTERS_FRAME; at++) {
        *(volatile uint8_t *)at = PAINT;
    }
}

/* Bytes of stack below the painter's caller that are no longer paint. */
static uint32_t stack_used(void)
{
    uintptr_t at = link.paint_begin;

    while (at < link.paint_end && *(const volatile uint8_t *)at == PAINT) {
        at++;
    }
    return (uint32_t)(link.paint_end - at);
}

/* Send what was asked for of bytes that lie at `from` in a layer's output of `total` bytes; needs
 * no memory of its own. */
static void send_tensor(const uint8_t *data, uint32_t from, uint32_t bytes, uint32_t total)
{
    const uint32_t room = link.longest - HEADER_BYTES - 12u;
    uint32_t at = link.fetch_first < total ? link.fetch_first : total;
    uint32_t end = link.fetch_count < total - at ? at + link.fetch_count : total;
    const uint32_t behind = from + bytes;
    bool first = at == end && from == 0; /* that nothing was asked for is told as well */

    at = at > from ? at : from;
    end = end < behind ? end : behind;
    for (; at < end || first; first = false) {
        uint32_t left = at < end ? end - at : 0;
        uint32_t piece = left < room ? left : room;
        begin_frame(TENSOR);
        put32(link.sample);
        put32(total);
        put32(at);
        put_bytes(piece > 0 ? data + (at - from) : data, piece);
        end_frame();
        at += piece;
    }
}

void qe_layer_row(uint32_t layer, const void *data, uint32_t bytes, uint32_t row, uint32_t rows)
{
    uint32_t spent = now() - link.mark;

    if (!link.running) {
        return;
    }
    link.ticks += spent;
    if (layer < QE_LINK_MAX_LAYERS) {
        link.layer_ticks[layer] += spent;
        if (bytes > 0) {
            uint32_t hash = row == 0 ? bytes * rows : link.hashes[layer];
            link.hashes[layer] =
                rows == 1 ? qe_hash(data, bytes)
                          : qe_hash_more(hash, data, bytes, row * bytes, row + 1 == rows);
        }
        if (bytes > 0 && (link.flags & FETCH) != 0 && layer == link.fetch_layer) {
            send_tensor((const uint8_t *)data, row * bytes, bytes, bytes * rows);
        }
    }
    if (row + 1 == rows) {
        check_guards(layer);
    }
    link.mark = now();
}

void qe_layer_done(uint32_t layer, const void *data, uint32_t bytes)
{
    qe_layer_row(layer, data, bytes, 0, 1);
}

/* ---- the model ---------------------------------------------------------------------------- */

static bool start_model(const qe_model *model)
{
    qe_status status;

    link.model = NULL;
    link.has_record = false;
    link.filled = 0;
    link.next_step = NO_STEP;
    if (model->layer_count > QE_LINK_MAX_LAYERS) {
        refuse(BAD_LAYERS, QE_LINK_MAX_LAYERS);
        return false;
    }
    if (link.config->arena_bytes - link.shift < model->arena_bytes) {
        refuse(FAILED, (uint32_t)QE_ERR_ARENA);
        return false;
    }
    if (link.stress) {
        memset(link.config->arena, (int)guard_value(), (size_t)link.config->arena_bytes);
        memset(arena(), link.fill, (size_t)model->arena_bytes);
    }
    status = model->init(arena(), link.config->arena_bytes - link.shift);
    if (status != QE_OK) {
        refuse(FAILED, (uint32_t)status);
        return false;
    }
    link.model = model;
    return true;
}

/* ---- requests ----------------------------------------------------------------------------- */

static uint32_t take(request *r, uint32_t bytes)
{
    uint32_t value = 0;
    uint32_t i;

    for (i = 0; i < bytes; i++) {
        value |= (uint32_t)*r->at++ << (8u * i);
    }
    r->left -= bytes;
    return value;
}

static uint32_t clamp(uint32_t value, uint32_t low, uint32_t high)
{
    return value < low ? low : value > high ? high : value;
}

static uint32_t sum_bytes(const qe_buffer *buffers, uint32_t count)
{
    uint32_t sum = 0;

    for (; count > 0; count--) {
        sum += buffers++->bytes;
    }
    return sum;
}

static uint32_t capabilities(void)
{
    static const uint16_t one = 1;

    return HASHES_TICKS_STRESS | (*(const uint8_t *)&one == 0 ? BIG_ENDIAN : 0u);
}

static void on_hello(const request *r)
{
    const qe_link_config *config = link.config;

    if (r->left < 2 || r->session == 0) {
        refuse(BAD_REQUEST, r->type);
        return;
    }
    if (r->session == link.previous_session) {
        refuse(BAD_SESSION, QE_LINK_VERSION); /* a late copy of the HELLO before the last */
        return;
    }
    if (r->session != link.session) {
        link.previous_session = link.session;
        link.session = r->session;
        link.damaged = 0;
        link.model = NULL;
        link.stress = false;
        link.shift = 0;
    }
    begin_frame(INFO);
    put16(QE_LINK_VERSION);
    put16(QE_LINK_FRAME_BYTES);
    put32(config->window);
    put32(capabilities());
    put32(config->counter_numerator);
    put32(config->counter_denominator);
    put8(config->model_count);
    put_text(config->count != NULL ? config->counter_unit : "");
    put_text(config->firmware);
    end_frame();
}

static void on_describe(const qe_model *model)
{
    uint32_t i;

    begin_frame(MODEL);
    put_bytes(model->hash, sizeof model->hash);
    put32(model->arena_bytes);
    put16(model->layer_count);
    put16(model->input_count);
    put16(model->output_count);
    for (i = 0; i < model->input_count; i++) {
        put32(model->inputs[i].bytes);
    }
    for (i = 0; i < model->output_count; i++) {
        put32(model->outputs[i].bytes);
    }
    put_text(model->name);
    put_text(model->export_id);
    end_frame();
}

/* The record of the last run, byte by byte: most of it is not laid out anywhere. */
typedef struct {
    uint32_t at, piece_end;
} record;

static void record_bytes(record *out, const uint8_t *data, uint32_t count)
{
    const uint32_t room = link.longest - HEADER_BYTES - 10u;

    for (; count > 0; count--, out->at++) {
        if (out->at == out->piece_end) {
            if (out->at > 0) {
                end_frame();
            }
            begin_frame(RESULT);
            put32(link.sample);
            put16(link.run);
            put32(out->at);
            out->piece_end += room;
        }
        put8(*data++);
    }
}

static void record_word(record *out, uint32_t value)
{
    uint8_t bytes[4];
    uint32_t i;

    for (i = 0; i < 4; i++, value >>= 8) {
        bytes[i] = (uint8_t)(value & 0xFFu);
    }
    record_bytes(out, bytes, 4);
}

static void send_record(void)
{
    record out = {0, 0};
    uint32_t i;

    record_word(&out, link.input_hash);
    record_word(&out, (uint32_t)(link.ticks & 0xFFFFFFFFu));
    record_word(&out, (uint32_t)(link.ticks >> 32));
    record_word(&out, link.stack_bytes);
    record_word(&out, link.guard_layer);
    record_word(&out, link.guard_at);
    for (i = 0; i < link.model->layer_count; i++) {
        record_word(&out, link.hashes[i]);
    }
    for (i = 0; i < link.model->layer_count && (link.flags & TICKS) != 0; i++) {
        record_word(&out, link.layer_ticks[i]);
    }
    for (i = 0; i < link.model->output_count; i++) {
        const qe_buffer *output = &link.model->outputs[i];
        record_bytes(&out, arena() + output->offset, output->bytes);
    }
    end_frame();
}

static uint32_t hash_inputs(void)
{
    uint32_t hash = 0;
    uint32_t i;

    for (i = 0; i < link.model->input_count; i++) {
        const qe_buffer *input = &link.model->inputs[i];
        hash = qe_hash_step(hash, qe_hash(arena() + input->offset, input->bytes));
    }
    return hash;
}

/* From here on the sample's run is observed. */
static void begin_run(void)
{
    if ((link.flags & ORDERED) != 0) {
        link.next_step++;
    } else {
        link.model->reset();
        link.next_step = NO_STEP;
    }
    link.run++;
    memset(link.hashes, 0, sizeof link.hashes);
    memset(link.layer_ticks, 0, sizeof link.layer_ticks);
    link.ticks = 0;
    link.stack_bytes = 0;
    link.row_filled = 0;
    link.guard_layer = NO_LAYER;
}

/* Let the model compute, or a part of it. */
static qe_status observe(qe_status (*compute)(void))
{
    qe_status status;
    uint32_t stack;

    link.running = true;
    paint_stack();
    link.mark = now();
    status = compute();
    link.ticks += now() - link.mark;
    stack = stack_used();
    link.stack_bytes = stack > link.stack_bytes ? stack : link.stack_bytes;
    link.running = false;
    return status;
}

static void end_run(qe_status status)
{
    check_guards(link.model->layer_count);
    link.filled = 0; /* the run has used the input up */
    if (status != QE_OK) {
        link.next_step = NO_STEP;
        refuse(FAILED, (uint32_t)status);
    } else {
        link.has_record = true;
        send_record();
    }
}

static void run_sample(void)
{
    begin_run();
    link.input_hash = hash_inputs();
    end_run(observe(link.model->invoke));
}

/* Copy a piece of the inputs, which lie one behind the other on the line, to their places. */
static void store_input(const uint8_t *data, uint32_t offset, uint32_t count)
{
    const qe_buffer *input = link.model->inputs;

    for (; count > 0; input++) {
        if (offset >= input->bytes) {
            offset -= input->bytes;
            continue;
        }
        uint32_t piece = input->bytes - offset < count ? input->bytes - offset : count;
        memcpy(arena() + input->offset + offset, data, (size_t)piece);
        data += piece;
        count -= piece;
        offset = 0;
    }
}

/* A piece of an input that is pushed row by row: each row runs what it makes possible. */
static qe_status push_input(const uint8_t *data, uint32_t offset, uint32_t count)
{
    const qe_model *model = link.model;
    const uint32_t known = link.filled - offset; /* a repetition: these rows are gone */
    qe_status status = QE_MORE;

    if (count <= known) {
        return status;
    }
    data += known;
    count -= known;
    while (count > 0 && status == QE_MORE) {
        uint32_t at = link.row_filled;
        uint32_t left = model->row_bytes - at;
        uint32_t piece = left < count ? left : count;
        uint8_t *row = model->input_row();
        memcpy(row + at, data, (size_t)piece);
        data += piece;
        count -= piece;
        link.filled += piece;
        link.row_filled += piece;
        if (piece == left) {
            link.row_filled = 0;
            link.input_hash =
                qe_hash_more(link.input_hash, row, model->row_bytes, link.filled - model->row_bytes,
                             link.filled == model->inputs[0].bytes);
            status = observe(model->push_row);
        }
    }
    return status;
}

/* Begin a sample with its first piece; false if it was refused. */
static bool begin_sample(const request *r, uint8_t flags, uint32_t sample)
{
    const qe_model *model = link.config->models[r->model];

    if ((flags & ORDERED) != 0) {
        if (link.model != model || link.next_step != sample) {
            refuse(BAD_ORDER, link.model == model ? link.next_step : NO_STEP);
            return false;
        }
    } else if ((link.model != model || link.stress) && !start_model(model)) {
        return false;
    }
    link.has_record = false;
    link.flags = flags;
    link.sample = sample;
    link.filled = 0;
    if (model->push_row != NULL) {
        begin_run();
        model->reset(); /* rows of a sample that was given up */
        link.input_hash = model->inputs[0].bytes;
    }
    return true;
}

/* A piece of the sample that ran last: its record still stands. */
static bool is_duplicate(const qe_model *model, uint8_t flags, uint32_t sample)
{
    return link.has_record && model == link.model && sample == link.sample && flags == link.flags;
}

/* Is there a sample that takes a piece at `offset`? The first piece begins one. */
static bool accepts(const request *r, uint8_t flags, uint32_t sample, uint32_t offset)
{
    bool known =
        link.config->models[r->model] == link.model && sample == link.sample && flags == link.flags;
    uint32_t expected = known ? link.filled : 0;

    if (offset == 0 && expected == 0) {
        return begin_sample(r, flags, sample);
    }
    if (offset > expected) {
        refuse(BAD_GAP, expected);
        return false;
    }
    return true;
}

static void on_infer(request *r)
{
    const qe_model *model = link.config->models[r->model];
    const uint32_t total = sum_bytes(model->inputs, model->input_count);
    uint32_t sample, offset, end;
    uint8_t flags;

    if (r->left < 11 || (r->left < 21 && (r->at[0] & FETCH) != 0)) {
        refuse(BAD_REQUEST, r->type);
        return;
    }
    flags = (uint8_t)take(r, 1);
    sample = take(r, 4);
    offset = take(r, 4);
    link.longest = clamp(take(r, 2), SHORTEST_ANSWER, QE_LINK_FRAME_BYTES);
    if ((flags & FETCH) != 0) {
        link.fetch_layer = take(r, 2);
        link.fetch_first = take(r, 4);
        link.fetch_count = take(r, 4);
    }
    if (offset > total || r->left > total - offset) {
        refuse(BAD_RANGE, total);
        return;
    }
    end = offset + r->left;
    if (is_duplicate(model, flags, sample)) {
        if (end == total) {
            send_record();
        } else {
            answer(DONE, end);
        }
        return;
    }
    if (!accepts(r, flags, sample, offset)) {
        return;
    }
    if (model->push_row != NULL) {
        qe_status status = push_input(r->at, offset, r->left);
        if (status == QE_MORE) {
            answer(DONE, link.filled);
        } else {
            link.input_hash = qe_hash_step(0, link.input_hash);
            end_run(status);
        }
        return;
    }
    store_input(r->at, offset, r->left);
    link.filled = end > link.filled ? end : link.filled;
    if (link.filled == total) {
        run_sample();
    } else {
        answer(DONE, link.filled);
    }
}

static void on_reset(request *r, const qe_model *model)
{
    uint32_t number;

    if (r->left < 4) {
        refuse(BAD_REQUEST, r->type);
        return;
    }
    number = take(r, 4);
    if (number == link.reset_number && link.model == model && link.next_step != NO_STEP) {
        answer(DONE, 0); /* a duplicate: the steps since then stand */
        return;
    }
    if (link.model != model || link.stress) {
        if (!start_model(model)) {
            return;
        }
    }
    model->reset();
    link.has_record = false;
    link.filled = 0;
    link.next_step = 0;
    link.reset_number = number;
    answer(DONE, 0);
}

static void on_setup(request *r, const qe_model *model)
{
    uint32_t stress, fill, shift;

    if (r->left < 4) {
        refuse(BAD_REQUEST, r->type);
        return;
    }
    stress = take(r, 1);
    fill = take(r, 1);
    shift = take(r, 2);
    if (link.config->arena_bytes < model->arena_bytes ||
        shift > link.config->arena_bytes - model->arena_bytes || shift % QE_ARENA_ALIGNMENT != 0) {
        refuse(BAD_RANGE, link.config->arena_bytes - model->arena_bytes);
        return;
    }
    link.stress = stress != 0;
    link.fill = (uint8_t)fill;
    link.shift = shift;
    link.model = NULL;
    link.has_record = false;
    answer(DONE, 0);
}

/* The body in link.frame has passed its CRC. */
static void dispatch(uint32_t length)
{
    request r = {link.frame, length, 0, 0, 0, 0};

    r.type = (uint8_t)take(&r, 1);
    r.model = (uint8_t)take(&r, 1);
    r.sequence = (uint16_t)take(&r, 2);
    r.session = take(&r, 4);
    link.sequence = r.sequence;
    link.model_index = r.model;
    if (r.type == HELLO) {
        on_hello(&r);
    } else if (link.session == 0 || r.session != link.session) {
        refuse(BAD_SESSION, QE_LINK_VERSION);
    } else if (r.type == PING) {
        link.config->write(&delimiter, 1); /* in case the one of the frame before was lost */
        answer(PONG, link.damaged);
    } else if (r.type < DESCRIBE || r.type > SETUP) {
        refuse(BAD_REQUEST, r.type);
    } else if (r.model >= link.config->model_count) {
        refuse(BAD_MODEL, link.config->model_count);
    } else if (r.type == DESCRIBE) {
        on_describe(link.config->models[r.model]);
    } else if (r.type == INFER) {
        on_infer(&r);
    } else if (r.type == RESET) {
        on_reset(&r, link.config->models[r.model]);
    } else {
        on_setup(&r, link.config->models[r.model]);
    }
}

/* ---- receiving ---------------------------------------------------------------------------- */

static void keep(uint8_t byte)
{
    if (link.frame_length < sizeof link.frame) {
        link.frame[link.frame_length++] = byte;
    } else {
        link.broken = true;
    }
}

static bool crc_is_right(void)
{
    uint32_t crc = 0xFFFFFFFFu;
    uint32_t i;

    for (i = 0; i < link.frame_length; i++) {
        crc = qe_crc32(crc, link.frame[i]);
    }
    return crc == 0xDEBB20E3u; /* what remains of any body followed by its own CRC */
}

static void begin_receiving(void)
{
    link.frame_length = 0;
    link.run_left = 0;
    link.zero_follows = false;
    link.broken = false;
}

static void end_of_frame(void)
{
    bool whole = !link.broken && link.run_left == 0 &&
                 link.frame_length >= HEADER_BYTES + CRC_BYTES && crc_is_right();
    bool empty = link.frame_length == 0 && link.run_left == 0 && !link.zero_follows;
    uint32_t length = link.frame_length;

    begin_receiving();
    if (whole) {
        dispatch(length - CRC_BYTES);
    } else if (!empty) {
        link.damaged++;
    }
}

void qe_link_init(const qe_link_config *config)
{
    memset(&link, 0, sizeof link);
    link.config = config;
}

void qe_link_forget(void)
{
    link.model = NULL;
    link.has_record = false;
    link.filled = 0;
}

void qe_link_feed(const uint8_t *bytes, uint32_t count)
{
    for (; count > 0; count--, bytes++) {
        uint8_t byte = *bytes;
        if (byte == 0) {
            end_of_frame();
        } else if (link.run_left > 0) {
            link.run_left--;
            keep(byte);
        } else {
            if (link.zero_follows) {
                keep(0);
            }
            link.run_left = (uint8_t)(byte - 1u);
            link.zero_follows = byte != 0xFF;
        }
    }
}
