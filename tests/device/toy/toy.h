/** @file toy.h  A model small enough to check by eye: output = (input + 1) * 2, in two layers. */
#ifndef TOY_H
#define TOY_H

#include "qe_model.h"

#define TOY_ARENA_BYTES 16u

extern const qe_model toy_model;

qe_status toy_init(void *memory, uint32_t bytes);
qe_status toy_invoke(void);

#endif
