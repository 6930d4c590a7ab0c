// UNIDIRECTIONAL_SEQUENCE_LSTM: a block for each sample, step after step.

namespace qe
{

struct Gate {
    const int8_t *input_weights;     // [cell][feature]
    const int8_t *recurrent_weights; // [cell][cell]
    const long long *bias;
    Requantization by_input, by_hidden;
};

struct Lstm {
    int sequences, steps, features, cells;
    int sequence_stride, step_stride; // of the input, in rows of features
    Gate gates[4];                    // input, forget, cell, output
    const uint16_t *table;
    Requantization forget, update, emit;
    int tanh_multiplier, tanh_shift;
    int cell_clip;
    int input_zero_point, hidden_zero_point;
};

template <class T>
__device__ inline int gate_sum(const Lstm &p, const Gate &gate, int cell, const T *x,
                               const T *hidden)
{
    int64_t from_input = gate.bias[cell], from_hidden = 0;
    for (int i = 0; i < p.features; i++) {
        from_input += (x[i] - p.input_zero_point) * gate.input_weights[cell * p.features + i];
    }
    for (int i = 0; i < p.cells; i++) {
        from_hidden +=
            (hidden[i] - p.hidden_zero_point) * gate.recurrent_weights[cell * p.cells + i];
    }
    return saturate16(saturate16(requantize(from_input, gate.by_input, 0)) +
                      saturate16(requantize(from_hidden, gate.by_hidden, 0)));
}

// The cell's value after a step; its hidden value goes to `y`.
template <class T>
__device__ inline int lstm_cell(const Lstm &p, int cell, int before, const T *x, const T *hidden,
                                T *y)
{
    const int MULTIPLIER = 3, SHIFT = 0; // gates count in steps of 2**-12
    int update =
        logistic_int16(gate_sum(p, p.gates[0], cell, x, hidden), MULTIPLIER, SHIFT, p.table);
    int keep = logistic_int16(gate_sum(p, p.gates[1], cell, x, hidden), MULTIPLIER, SHIFT, p.table);
    int proposal = tanh_int16(gate_sum(p, p.gates[2], cell, x, hidden), MULTIPLIER, SHIFT, p.table);
    int emit = logistic_int16(gate_sum(p, p.gates[3], cell, x, hidden), MULTIPLIER, SHIFT, p.table);
    int kept = saturate16(requantize(keep * before, p.forget, 0));
    int added = saturate16(requantize(update * proposal, p.update, 0));
    int after = min(max(saturate16(kept + added), -p.cell_clip), p.cell_clip);
    int squashed = tanh_int16(after, p.tanh_multiplier, p.tanh_shift, p.table);
    int64_t h = static_cast<int64_t>(requantize(squashed * emit, p.emit, 0)) + p.hidden_zero_point;
    const int64_t LIMIT = 1ll << (8 * sizeof(T) - 1);
    y[cell] = narrow<T>(h, -LIMIT, LIMIT - 1);
    return after;
}

// The hidden state before a step is the output of the step before.
template <class T> __device__ inline void lstm(const Step &step, const Work &work)
{
    const Lstm &p = params<Lstm>(step);
    int states = p.sequences * p.cells;
    for (int sample = static_cast<int>(work.block); sample < work.batch;
         sample += static_cast<int>(work.blocks)) {
        const T *x = input<T>(step, 0, work, sample);
        const T *hidden = input<T>(step, 1, work, sample);
        const int16_t *cell_before = input<int16_t>(step, 2, work, sample);
        T *y = output<T>(step, 0, work, sample);
        T *hidden_after = output<T>(step, 1, work, sample);
        int16_t *cell_after = output<int16_t>(step, 2, work, sample);
        for (int t = 0; t < p.steps; t++) {
            for (int i = threadIdx.x; i < states; i += blockDim.x) {
                int sequence = i / p.cells, cell = i - sequence * p.cells;
                int row = sequence * p.sequence_stride + t * p.step_stride;
                const T *before =
                    t ? y + (row - p.step_stride) * p.cells : hidden + sequence * p.cells;
                cell_after[i] = static_cast<int16_t>(
                    lstm_cell(p, cell, t ? cell_after[i] : cell_before[i], x + row * p.features,
                              before, y + row * p.cells));
            }
            __syncthreads();
        }
        for (int i = threadIdx.x; i < states; i += blockDim.x) {
            int sequence = i / p.cells, cell = i - sequence * p.cells;
            int row = sequence * p.sequence_stride + (p.steps - 1) * p.step_stride;
            hidden_after[i] = y[row * p.cells + cell];
        }
    }
}

} // namespace qe

QE_KERNEL(lstm_int8, lstm<int8_t>)
QE_KERNEL(lstm_int16, lstm<int16_t>)
