/* Long short-term memory. Interface: qe_lstm.h. */
#include "qe_lstm.h"

#include <string.h>

#include "qe_elements.h"

static int32_t saturate(int32_t x)
{
    return qe_clamp(x, INT16_MIN, INT16_MAX);
}

/* What goes into a gate's sigmoid: two sums, each rounded by itself. */
static int32_t gate_input(const qe_lstm_params *p, const qe_lstm_gate *gate, const int8_t *x,
                          const int8_t *hidden, int32_t cell)
{
    const int32_t from_input = (int32_t)qe_dot(x, 0, gate->input_weights, cell * p->features,
                                               p->features, p->input_zero_point, 1, 8) +
                               gate->bias[cell];
    const int32_t from_hidden = (int32_t)qe_dot(hidden, 0, gate->recurrent_weights, cell * p->cells,
                                                p->cells, p->hidden_zero_point, 1, 8);
    return saturate(saturate(qe_rescale(from_input, &gate->input_scale)) +
                    saturate(qe_rescale(from_hidden, &gate->recurrent_scale)));
}

/* One step: `cell` is updated in place, the new hidden state goes to `output`. */
static void run_step(const qe_lstm_params *p, const int8_t *x, const int8_t *hidden, int16_t *cell,
                     int8_t *output)
{
    const qe_sigmoid_scale *scale = &p->gate_scale;
    for (int32_t i = 0; i < p->cells; ++i) {
        const int32_t update = qe_logistic(scale, gate_input(p, &p->input_gate, x, hidden, i));
        const int32_t keep = qe_logistic(scale, gate_input(p, &p->forget_gate, x, hidden, i));
        const int32_t proposal = qe_tanh(scale, gate_input(p, &p->cell_gate, x, hidden, i));
        const int32_t emit = qe_logistic(scale, gate_input(p, &p->output_gate, x, hidden, i));

        const int32_t kept = saturate(qe_rescale(keep * cell[i], &p->forget_scale));
        const int32_t added = saturate(qe_rescale(update * proposal, &p->update_scale));
        const int32_t c = qe_clamp(saturate(kept + added), -p->cell_clip, p->cell_clip);
        cell[i] = (int16_t)c;

        const int32_t h = qe_rescale(qe_tanh(&p->cell_scale, c) * emit, &p->hidden_scale);
        output[i] = (int8_t)qe_clamp_sum(h, p->hidden_zero_point, INT8_MIN, INT8_MAX);
    }
}

void qe_lstm(const qe_lstm_params *params, const int8_t *input, const int8_t *old_hidden,
             const int16_t *old_cell, int8_t *output, int8_t *new_hidden, int16_t *new_cell)
{
    const qe_lstm_params *p = params;
    for (int32_t n = 0; n < p->batch; ++n) {
        const int8_t *hidden = old_hidden + n * p->cells;
        int16_t *cell = new_cell + n * p->cells;
        for (int32_t i = 0; i < p->cells; ++i) {
            cell[i] = old_cell[n * p->cells + i];
        }
        for (int32_t step = 0; step < p->steps; ++step) {
            const int32_t row = n * p->batch_stride + step * p->step_stride;
            int8_t *y = output + row * p->cells;
            run_step(p, input + row * p->features, hidden, cell, y);
            hidden = y; /* the state of one step is the output of the one before */
        }
        memcpy(new_hidden + n * p->cells, hidden, (size_t)p->cells);
    }
}
