/* Staging of activations, from `value` to `staged`.
 *
 * It goes forward: `stage_values` and `fill_values` may write up to a vector beyond their end,
 * where the next call, or slack, follows. */

/* Every `phases`-th pixel of a row. */
static inline __attribute__((always_inline)) void stage_pixels(staged *to, const value *from,
                                                               const ptrdiff_t channels,
                                                               ptrdiff_t phases, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i++, to += channels, from += phases * channels) {
        stage_values(to, from, channels);
    }
}

static void repeat_channels(const qh_staging *s, staged *to, const value *from, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i++, from += s->phases * s->channels) {
        for (ptrdiff_t c = 0; c < s->channels; c++, to += s->repeat) {
            fill_values(to, (staged)(from[c] + STAGED_OFFSET), s->repeat);
        }
    }
}

/* One row whose columns are staged by phase, or whose channels are repeated; returns its end. */
static staged *stage_row(const qh_staging *s, staged *to, const value *from, staged padding)
{
    const ptrdiff_t width = s->left + s->width + s->right, values = s->channels * s->repeat;
    for (ptrdiff_t phase = 0; phase < s->phases; phase++) {
        /* Of the columns of this phase, some lie left of the image, some in it, some right of it.
         */
        const ptrdiff_t all = (width - phase + s->phases - 1) / s->phases;
        ptrdiff_t left = (s->left - phase + s->phases - 1) / s->phases;
        ptrdiff_t inside = (s->left + s->width - phase + s->phases - 1) / s->phases;
        left = s->left > phase ? left : 0;
        inside = s->left + s->width > phase ? inside - left : 0;
        const value *first = from + (left * s->phases + phase - s->left) * s->channels;
        fill_values(to, padding, left * values);
        to += left * values;
        if (s->repeat > 1) {
            repeat_channels(s, to, first, inside);
        } else if (s->channels == 16) {
            stage_pixels(to, first, 16, s->phases, inside);
        } else if (s->channels == 32) {
            stage_pixels(to, first, 32, s->phases, inside);
        } else {
            stage_pixels(to, first, s->channels, s->phases, inside);
        }
        to += inside * values;
        fill_values(to, padding, (all - left - inside) * values);
        to += (all - left - inside) * values;
    }
    return to;
}

static void stage_image(const qh_staging *s, staged *to, const value *from)
{
    const staged padding = (staged)(s->zero_point + STAGED_OFFSET);
    const ptrdiff_t values = s->channels * s->repeat, row = s->width * s->channels;
    const ptrdiff_t pitch = (s->left + s->width + s->right) * values;
    if (s->repeat == 1 && s->phases == 1) {
        /* What pads a row on the right and the next one on the left lies together. */
        ptrdiff_t gap = s->top * pitch + s->left * values;
        for (ptrdiff_t y = 0; y < s->height; y++) {
            fill_values(to, padding, gap);
            to += gap;
            stage_values(to, from, row);
            to += row;
            from += row;
            gap = (s->left + s->right) * values;
        }
        fill_values(to, padding, s->right * values + s->bottom * pitch);
        return;
    }
    fill_values(to, padding, s->top * pitch);
    to += s->top * pitch;
    for (ptrdiff_t y = 0; y < s->height; y++) {
        to = stage_row(s, to, from, padding);
        from += row;
    }
    fill_values(to, padding, s->bottom * pitch);
}

/* Only the rows that 1x1 windows with a stride read. */
static void stage_some_rows(const qh_sums *layer, staged *to, const value *from)
{
    const ptrdiff_t row = layer->staging.width * layer->staging.channels;
    for (ptrdiff_t y = 0; y < layer->rows; y++) {
        stage_values(to, from, row);
        to += row;
        from += layer->stride_y * row;
    }
}
