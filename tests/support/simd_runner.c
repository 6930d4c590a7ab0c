/* Runs packed layers with the vectorized host kernels of whatever machine it is compiled for.
 *
 * Standard input: layers as tests/support/packed_layers.py writes them. Standard output: what the
 * kernels write. With an argument: whether the instruction set of that name is supported here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../cython_src/simd/simd.h"

enum { SUMS, WORD_SUMS, DEPTHWISE, WORD_DEPTHWISE, AVERAGE, MAX, ADD, MUL };

typedef struct {
    char name[16];
    int64_t kind, batch, parts;
    int64_t image_bytes, layer_at, pointers; /* memory of the layer, and how many pointers it has */
    int64_t input_bytes[2], output_bytes, scratch_bytes;
} header;

static void stop(const char *why)
{
    fprintf(stderr, "simd_runner: %s\n", why);
    exit(1);
}

/* Zeroed memory, filled from standard input; vector loads may look a little further. */
static char *read_bytes(int64_t count)
{
    char *bytes = aligned_alloc(64, ((size_t)count + 256 + 63) / 64 * 64);
    if (bytes == NULL || fread(bytes, 1, (size_t)count, stdin) != (size_t)count) {
        stop("input ends early");
    }
    return bytes;
}

/* Pointers come as places in the image; each entry says where one is. */
static void relocate(char *image, int64_t pointers)
{
    for (int64_t i = 0; i < pointers; i++) {
        int64_t at;
        if (fread(&at, sizeof at, 1, stdin) != 1) {
            stop("input ends early");
        }
        int64_t place;
        memcpy(&place, image + at, sizeof place);
        char *const pointer = image + place;
        memcpy(image + at, &pointer, sizeof pointer);
    }
}

static const qh_isa *find(const char *name)
{
    for (int i = 0; qh_isas[i] != NULL; i++) {
        if (strcmp(qh_isas[i]->name, name) == 0) {
            return qh_isas[i];
        }
    }
    return NULL;
}

static void run(const header *job, const qh_isa *isa, const void *layer, const void **inputs,
                void *output, void *scratch)
{
    qh_kernel *const kernels[] = {isa->sums,         isa->words->sums,
                                  isa->depthwise,    isa->words->depthwise,
                                  isa->average_pool, isa->max_pool};
    qh_part_kernel *const part_kernels[] = {isa->sums_part,         isa->words->sums_part,
                                            isa->depthwise_part,    isa->words->depthwise_part,
                                            isa->average_pool_part, isa->max_pool_part};
    if (job->kind == ADD || job->kind == MUL) {
        qh_row *const row = job->kind == ADD ? isa->add : isa->mul;
        row(layer, inputs[0], job->input_bytes[0] > 1, inputs[1], job->input_bytes[1] > 1, output,
            (ptrdiff_t)job->output_bytes);
    } else if (job->parts > 1) {
        for (int64_t part = 0; part < job->parts; part++) {
            part_kernels[job->kind](layer, inputs, &output, scratch, (ptrdiff_t)part,
                                    (ptrdiff_t)job->parts);
        }
    } else {
        kernels[job->kind](layer, inputs, &output, scratch, (ptrdiff_t)job->batch);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        const qh_isa *isa = find(argv[1]);
        return puts(isa != NULL && isa->supported() ? "yes" : "no") < 0;
    }
    header job;
    while (fread(&job, sizeof job, 1, stdin) == 1) {
        const qh_isa *isa = find(job.name);
        if (isa == NULL || !isa->supported()) {
            stop("this instruction set is not supported here");
        }
        char *image = read_bytes(job.image_bytes);
        relocate(image, job.pointers);
        char *const x1 = read_bytes(job.input_bytes[0]), *const x2 = read_bytes(job.input_bytes[1]);
        const void *inputs[] = {x1, x2};
        char *output = malloc((size_t)job.output_bytes);
        char *scratch = aligned_alloc(64, ((size_t)job.scratch_bytes + 64) / 64 * 64);
        if (output == NULL || scratch == NULL) {
            stop("no memory");
        }
        run(&job, isa, image + job.layer_at, inputs, output, scratch);
        fwrite(output, 1, (size_t)job.output_bytes, stdout);
        free(scratch);
        free(output);
        free(x2);
        free(x1);
        free(image);
    }
    return fflush(stdout) != 0;
}
