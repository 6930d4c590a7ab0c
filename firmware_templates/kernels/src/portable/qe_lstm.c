/* Long short-term memory. Interface: qe_lstm.h. */
#include "qe_lstm.h"

#include "qe_elements.h"

static int32_t saturate(int32_t x)
{
    return qe_clamp(x, INT16_MIN, INT16_MAX);
}

/* What goes into a gate's sigmoid: two sums, each rounded by itself. */
QE_TEMPLATE int32_t gate_input(const qe_lstm_params *p, const qe_lstm_gate *gate, const void *x,
                               int32_t x_at, const void *hidden, int32_t hidden_at, int32_t cell,
                               int32_t bytes)
{
    int64_t from_input = qe_dot(x, x_at, gate->input_weights, cell * p->features, p->features,
                                p->input_zero_point, bytes, 8);
    if (bytes > 1 && gate->bias_high != 0) {
        from_input += gate->bias_high[cell] * ((int64_t)1 << 32) + (uint32_t)gate->bias[cell];
    } else {
        from_input += gate->bias[cell];
    }
    const int64_t from_hidden = qe_dot(hidden, hidden_at, gate->recurrent_weights, cell * p->cells,
                                       p->cells, p->hidden_zero_point, bytes, 8);
    return saturate(saturate(qe_rescale(from_input, &gate->input_scale)) +
                    saturate(qe_rescale(from_hidden, &gate->recurrent_scale)));
}

/* One step: `cell` is updated in place, the new hidden state goes to `output`. */
QE_TEMPLATE void run_step(const qe_lstm_params *p, const void *x, int32_t x_at, const void *hidden,
                          int32_t hidden_at, int16_t *cell, void *output, int32_t y_at,
                          int32_t bytes)
{
    const qe_sigmoid_scale *scale = &p->gate_scale;
    const qe_lstm_gate *const gates[4] = {&p->input_gate, &p->forget_gate, &p->cell_gate,
                                          &p->output_gate};
    const int32_t low = (bytes == 1) ? INT8_MIN : INT16_MIN;
    for (int32_t i = 0; i < p->cells; ++i) {
        int32_t into[4];
        for (int32_t gate = 0; gate < 4; ++gate) {
            into[gate] = gate_input(p, gates[gate], x, x_at, hidden, hidden_at, i, bytes);
        }
        const int32_t update = qe_logistic(scale, into[0]);
        const int32_t keep = qe_logistic(scale, into[1]);
        const int32_t proposal = qe_tanh(scale, into[2]);
        const int32_t emit = qe_logistic(scale, into[3]);

        const int32_t kept = saturate(qe_rescale(keep * cell[i], &p->forget_scale));
        const int32_t added = saturate(qe_rescale(update * proposal, &p->update_scale));
        const int32_t c = qe_clamp(saturate(kept + added), -p->cell_clip, p->cell_clip);
        cell[i] = (int16_t)c;

        const int32_t h = qe_rescale(qe_tanh(&p->cell_scale, c) * emit, &p->hidden_scale);
        qe_store(output, y_at + i, qe_clamp_sum(h, p->hidden_zero_point, low, -1 - low), bytes);
    }
}

QE_TEMPLATE void lstm(const qe_lstm_params *p, const void *input, const void *old_hidden,
                      const int16_t *old_cell, void *output, void *new_hidden, int16_t *new_cell,
                      int32_t bytes)
{
    for (int32_t n = 0; n < p->batch; ++n) {
        const void *hidden = old_hidden;
        int32_t hidden_at = n * p->cells;
        int16_t *cell = new_cell + n * p->cells;
        for (int32_t i = 0; i < p->cells; ++i) {
            cell[i] = old_cell[n * p->cells + i];
        }
        for (int32_t step = 0; step < p->steps; ++step) {
            const int32_t row = n * p->batch_stride + step * p->step_stride;
            run_step(p, input, row * p->features, hidden, hidden_at, cell, output, row * p->cells,
                     bytes);
            hidden = output; /* the state of one step is the output of the one before */
            hidden_at = row * p->cells;
        }
        for (int32_t i = 0; i < p->cells; ++i) {
            qe_store(new_hidden, n * p->cells + i, qe_load(hidden, hidden_at + i, bytes), bytes);
        }
    }
}

void qe_lstm_s8(const qe_lstm_params *params, const int8_t *input, const int8_t *old_hidden,
                const int16_t *old_cell, int8_t *output, int8_t *new_hidden, int16_t *new_cell)
{
    lstm(params, input, old_hidden, old_cell, output, new_hidden, new_cell, 1);
}

void qe_lstm_s16(const qe_lstm_params *params, const int16_t *input, const int16_t *old_hidden,
                 const int16_t *old_cell, int16_t *output, int16_t *new_hidden, int16_t *new_cell)
{
    lstm(params, input, old_hidden, old_cell, output, new_hidden, new_cell, 2);
}
