/**
 * @file qe_link.h
 * @brief The device's end of the verification link (docs/protocol.md): bytes in, bytes out.
 *
 * One per firmware. No heap, no blocking call of its own, no writable memory but one context of
 * about QE_LINK_FRAME_BYTES + 8 * QE_LINK_MAX_LAYERS + 400 bytes. Any bytes may be fed to it.
 */
#ifndef QE_LINK_H
#define QE_LINK_H

#include "qe_model.h"

/** Version of docs/protocol.md. */
#ifndef QE_LINK_VERSION
#define QE_LINK_VERSION 2u
#endif

/** Largest frame body in bytes, 64 to 65000; an input that is longer comes in pieces. */
#ifndef QE_LINK_FRAME_BYTES
#define QE_LINK_FRAME_BYTES 1040
#endif

/** Layers that a model may have, 1 to 65535; eight bytes of RAM each. */
#ifndef QE_LINK_MAX_LAYERS
#define QE_LINK_MAX_LAYERS 128
#endif

/** Bytes of stack below a run that are watched, where `stack_low` is known. */
#ifndef QE_LINK_STACK_BYTES
#define QE_LINK_STACK_BYTES 4096u
#endif

/** What the application lends to the link; all of it lives as long as the link. */
typedef struct {
    const char *firmware;          /**< Name and version, for people; shorter than 256 bytes. */
    const qe_model *const *models; /**< [model_count] */
    uint8_t model_count;           /**< >= 1 */
    void *arena;                   /**< Serves one model at a time; QE_ARENA_ALIGNMENT. */
    uint32_t arena_bytes;          /**< What a model leaves of it becomes guard bytes. */
    void *stack_low;               /**< Where the stack must end; NULL: it is not watched. */
    uint32_t window;               /**< Bytes that the receive buffer holds during an inference. */
    const char *counter_unit;      /**< "cycles", "instructions", ...; "" without a counter. */
    uint32_t counter_numerator;    /**< Units = ticks * numerator / denominator. */
    uint32_t counter_denominator;  /**< >= 1 */
    /** Send bytes; returns when they are handed over. */
    void (*write)(const uint8_t *data, uint32_t count);
    /** Free-running counter, wrapping at 2^32; NULL without one. */
    uint32_t (*count)(void);
} qe_link_config;

/** @brief Start, or start again. @p config is kept. */
void qe_link_init(const qe_link_config *config);

/**
 * @brief Take bytes that came from the host; run and answer what they ask for.
 *
 * Returns when everything complete has been answered: an inference runs inside this call.
 */
void qe_link_feed(const uint8_t *bytes, uint32_t count);

/** @brief Somebody else has used the arena: the link starts its model again. */
void qe_link_forget(void);

#endif /* QE_LINK_H */
