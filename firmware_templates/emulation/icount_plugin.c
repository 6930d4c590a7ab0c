/**
 * @file icount_plugin.c
 * @brief QEMU plugin: how often each instruction of a firmware runs during an inference, per layer.
 *
 * The firmware is not changed: QEMU translates an addition into every counted instruction.
 * Arguments, addresses in hexadecimal:
 *
 *     code=FIRST-END      what to count
 *     invoke=FIRST-END    a model's `_invoke` or `_push_row` function, or one that calls
 *                         qe_layer_done for it; may be given several times
 *     done=ADDRESS        entry of qe_layer_done or qe_layer_row; may be given twice
 *     send=ADDRESS        entry of qe_port_write
 *     begin=ADDRESS       entry of qe_rows_begin, if there is one
 *     out=FILE            where the counts go
 *
 * A layer is what runs between entering `_invoke`, or returning into it from qe_layer_done, and the
 * next entry of qe_layer_done, whose own work is not counted. A layer that runs row by row has a
 * stretch for each of its steps; what `_push_row` does behind the last step of a row is left out.
 * An inference is over when its result is sent; while its rows are pushed, answers are sent before:
 * it is the result that follows qe_rows_begin, which makes the model ready for the next inference.
 * The file gets, for each layer, a line "layer" and lines "ADDRESS COUNT TAKEN": how often the
 * instruction ran, and how often the one behind it in memory did not run next. Then "rest" with
 * what `_invoke` did after its last layer; then "end".
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is used of QEMU's plugin interface, version 1. */
typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t; /* not read */
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*translated)(qemu_plugin_id_t id, struct qemu_plugin_tb *block);
typedef void (*executed)(unsigned int cpu, void *data);
enum { NO_REGISTERS = 0, ADD_U64 = 0 };
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated callback);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, executed, int flags,
                                            void *data);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, int operation,
                                                void *counter, uint64_t addend);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, executed, int flags, void *data);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t, const qemu_info_t *, int argc, char **argv);

#define MAX_INVOKES 32
#define MAX_DONE 2

typedef struct {
    uint64_t first, end;
} range;

static range code, invokes[MAX_INVOKES];
static size_t invoke_count;
static uint64_t done_addresses[MAX_DONE], send_address, begin_address;
static size_t done_count;
static FILE *out;

typedef struct {
    uint64_t executed, taken;
} counter;

static counter *counts; /* one for each address of `code` */
static counter *before; /* their values when the current stretch began */

/* A run of instructions that QEMU executes as one. */
typedef struct {
    uint64_t start, last, end; /* addresses of the first and last instruction, and behind it */
} block;

static const block *previous; /* that ran */

/* IDLE: outside of any inference. RUNNING: in a layer. PAUSED: in qe_layer_done. */
static enum { IDLE, RUNNING, PAUSED } state;
static const range *running; /* the `_invoke` of this inference */
static bool whole;           /* what is sent next is its result */

static bool within(const range *r, uint64_t address)
{
    return r->first <= address && address < r->end;
}

static const range *invoke_around(uint64_t address)
{
    for (size_t i = 0; i < invoke_count; ++i) {
        if (within(&invokes[i], address)) {
            return &invokes[i];
        }
    }
    return NULL;
}

static void begin_stretch(void)
{
    memcpy(before, counts, (size_t)(code.end - code.first) * sizeof *counts);
    state = RUNNING;
}

static void end_stretch(const char *title, const range *only)
{
    fprintf(out, "%s\n", title);
    for (uint64_t address = only->first; address < only->end; ++address) {
        const counter *now = &counts[address - code.first], *then = &before[address - code.first];
        if (now->executed != then->executed) {
            fprintf(out, "%" PRIx64 " %" PRIu64 " %" PRIu64 "\n", address,
                    now->executed - then->executed, now->taken - then->taken);
        }
    }
}

static void on_layer_done(unsigned int cpu, void *unused)
{
    (void)cpu;
    (void)unused;
    if (state == RUNNING) {
        end_stretch("layer", &code);
        state = PAUSED;
    }
}

static void on_send(unsigned int cpu, void *unused)
{
    (void)cpu;
    (void)unused;
    if (state == RUNNING && !whole) {
        state = PAUSED; /* until the next row */
    } else if (state == RUNNING) {
        end_stretch("rest", running);
        fputs("end\n", out);
        fflush(out);
        state = IDLE;
    }
}

static void on_begin(unsigned int cpu, void *unused)
{
    (void)cpu;
    (void)unused;
    whole = true;
}

/* Runs before each instruction of an `_invoke`, and counts it. */
static void on_invoke(unsigned int cpu, void *its_counter)
{
    counter *count = its_counter;
    uint64_t address = code.first + (uint64_t)(count - counts);

    (void)cpu;
    if (state == IDLE) {
        running = invoke_around(address);
        whole = begin_address == 0;
    }
    if (state != RUNNING || address == running->first) {
        begin_stretch();
    }
    ++count->executed;
}

/* Runs before the instructions of a block: was the one before it left by a jump? */
static void on_block(unsigned int cpu, void *its_block)
{
    const block *current = its_block;

    (void)cpu;
    if (previous != NULL && previous->end != current->start && within(&code, previous->last)) {
        ++counts[previous->last - code.first].taken;
    }
    previous = current;
}

static void watch_block(struct qemu_plugin_tb *tb)
{
    const struct qemu_plugin_insn *first = qemu_plugin_tb_get_insn(tb, 0);
    const struct qemu_plugin_insn *last =
        qemu_plugin_tb_get_insn(tb, qemu_plugin_tb_n_insns(tb) - 1);
    block *watched = malloc(sizeof *watched); /* QEMU never says that it is done with a block */

    if (watched != NULL) {
        watched->start = qemu_plugin_insn_vaddr(first);
        watched->last = qemu_plugin_insn_vaddr(last);
        watched->end = watched->last + qemu_plugin_insn_size(last);
        qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, NO_REGISTERS, watched);
    }
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    watch_block(tb);
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); ++i) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(tb, i);
        uint64_t address = qemu_plugin_insn_vaddr(instruction);
        counter *count = within(&code, address) ? &counts[address - code.first] : NULL;

        for (size_t k = 0; k < done_count; ++k) {
            if (address == done_addresses[k]) {
                qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_layer_done, NO_REGISTERS,
                                                       NULL);
            }
        }
        if (address == begin_address) {
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_begin, NO_REGISTERS, NULL);
        }
        if (address == send_address) {
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_send, NO_REGISTERS, NULL);
        }
        if (count != NULL && invoke_around(address) != NULL) {
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_invoke, NO_REGISTERS, count);
        } else if (count != NULL) {
            qemu_plugin_register_vcpu_insn_exec_inline(instruction, ADD_U64, &count->executed, 1);
        }
    }
}

static bool parse(const char *argument)
{
    range r = {0, 0};

    if (sscanf(argument, "code=%" SCNx64 "-%" SCNx64, &r.first, &r.end) == 2) {
        code = r;
    } else if (sscanf(argument, "invoke=%" SCNx64 "-%" SCNx64, &r.first, &r.end) == 2) {
        if (invoke_count == MAX_INVOKES) {
            return false;
        }
        invokes[invoke_count++] = r;
    } else if (sscanf(argument, "done=%" SCNx64, &r.first) == 1) {
        if (done_count == MAX_DONE) {
            return false;
        }
        done_addresses[done_count++] = r.first;
    } else if (sscanf(argument, "begin=%" SCNx64, &r.first) == 1) {
        begin_address = r.first;
    } else if (sscanf(argument, "send=%" SCNx64, &r.first) == 1) {
        send_address = r.first;
    } else if (strncmp(argument, "out=", 4) == 0) {
        out = fopen(argument + 4, "w");
    } else {
        return false;
    }
    return true;
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; ++i) {
        if (!parse(argv[i])) {
            fprintf(stderr, "icount_plugin: bad argument '%s'\n", argv[i]);
            return -1;
        }
    }
    if (out == NULL || code.end <= code.first) {
        fputs("icount_plugin: needs out= and code=\n", stderr);
        return -1;
    }
    counts = calloc((size_t)(code.end - code.first), sizeof *counts);
    before = calloc((size_t)(code.end - code.first), sizeof *before);
    if (counts == NULL || before == NULL) {
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    return 0;
}
