// A whole network in one launch: a block takes a sample through all layers. Its activations never
// leave the block's shared memory; weights come from the caches.

namespace qe
{

// The kernels that such a network may consist of. Of the others, those with 16-bit sums would cost
// all networks registers, and the rest is too rare.
enum Kernel {
    NOT_IN_NETWORKS,
    conv_matrix_,
    depthwise_quads_,
    depthwise_direct_int8_,
    add_int8_,
    mul_int8_,
    average_pool_int8_,
    max_pool_int8_,
    mean_int8_,
    lookup_int8_,
    softmax_int8_,
    quantize_int8_int8_,
    quantize_int8_uint8_,
    concatenation_1_,
    move_1_,
};

#define QE_CASE(name)                                                                              \
    case name##_:                                                                                  \
        name(step, work);                                                                          \
        break;

__device__ inline void run(const Step &step, const Work &work)
{
    switch (step.kernel) {
        QE_CASE(conv_matrix)
        QE_CASE(depthwise_quads)
        QE_CASE(depthwise_direct_int8)
        QE_CASE(add_int8)
        QE_CASE(mul_int8)
        QE_CASE(average_pool_int8)
        QE_CASE(max_pool_int8)
        QE_CASE(mean_int8)
        QE_CASE(lookup_int8)
        QE_CASE(softmax_int8)
        QE_CASE(quantize_int8_int8)
        QE_CASE(quantize_int8_uint8)
        QE_CASE(concatenation_1)
        QE_CASE(move_1)
    }
}

} // namespace qe

// Samples of a network with state are successive steps: its one block takes them in order.
extern "C" __global__ void __launch_bounds__(qe::THREADS)
    qe_network(const qe::Step *steps, int count, int first, int batch)
{
    QE_DYNAMIC_SHARED(shared);
    for (int sample = first + blockIdx.x; sample < first + batch; sample += gridDim.x) {
        qe::Work work = qe::work_of_block(sample, shared);
        for (int i = 0; i < count; i++) {
            qe::run(steps[i], work);
            __syncthreads();
        }
    }
}
