/* Runs packed layers with the vectorized host kernels of whatever machine it is compiled for.
 *
 * Standard input: layers as tests/support/packed_layers.py writes them. Standard output: what the
 * kernels write; all memory ends at a page that nobody may touch. With an argument: whether the
 * instruction set of that name is supported here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../cython_src/simd/simd.h"

enum { ALIGNMENT = 64, SLACK = 256, PAGE = 65536 }; /* PAGE: the largest there is, or more */

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

static size_t pages(size_t bytes)
{
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

/* Zeroed memory, aligned to `alignment`, that ends where a page begins which nobody may touch. */
static char *fenced(size_t bytes, size_t alignment)
{
    const size_t size = (bytes + alignment - 1) / alignment * alignment;
    char *const start =
        mmap(NULL, pages(size) + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED || mprotect(start + pages(size), PAGE, PROT_NONE) != 0) {
        stop("no memory");
    }
    return start + pages(size) - size;
}

static void give_back(char *memory, size_t bytes, size_t alignment)
{
    const size_t size = (bytes + alignment - 1) / alignment * alignment;
    munmap(memory + size - pages(size), pages(size) + PAGE);
}

/* Filled from standard input; vector loads may look a little further. */
static char *read_bytes(int64_t count)
{
    char *bytes = fenced((size_t)count + SLACK, ALIGNMENT);
    if (fread(bytes, 1, (size_t)count, stdin) != (size_t)count) {
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
        char *output = fenced((size_t)job.output_bytes, 1);
        char *scratch = fenced((size_t)job.scratch_bytes, ALIGNMENT);
        run(&job, isa, image + job.layer_at, inputs, output, scratch);
        fwrite(output, 1, (size_t)job.output_bytes, stdout);
        give_back(scratch, (size_t)job.scratch_bytes, ALIGNMENT);
        give_back(output, (size_t)job.output_bytes, 1);
        give_back(x2, (size_t)job.input_bytes[1] + SLACK, ALIGNMENT);
        give_back(x1, (size_t)job.input_bytes[0] + SLACK, ALIGNMENT);
        give_back(image, (size_t)job.image_bytes + SLACK, ALIGNMENT);
    }
    return fflush(stdout) != 0;
}
