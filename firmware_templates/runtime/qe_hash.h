/**
 * @file qe_hash.h
 * @brief The two checksums of the link: 32 bits of a layer's output, and the CRC of a frame.
 */
#ifndef QE_HASH_H
#define QE_HASH_H

#include <stdbool.h>
#include <stdint.h>

#define QE_HASH_FACTOR 0x9E3779B1u

static inline uint32_t qe_hash_rotated(uint32_t hash)
{
    return (hash >> 13) | (hash << 19);
}

/**
 * @brief One step of the layer hash; a bijection of @p hash and of @p word.
 */
static inline uint32_t qe_hash_step(uint32_t hash, uint32_t word)
{
    return (qe_hash_rotated(hash) ^ word) * QE_HASH_FACTOR;
}

/**
 * @brief Layer hash of a tensor: the same number on every machine.
 *
 * @param data   Any alignment; NULL only with 0 bytes.
 * @param bytes  Any number.
 * @return       The hash over little-endian words, the last one padded with zero bytes.
 */
uint32_t qe_hash(const void *data, uint32_t bytes);

/**
 * @brief The same hash of a tensor that comes in pieces, in order.
 *
 * @param hash   Bytes of the whole tensor at first, then what the piece before returned.
 * @param data   Any alignment.
 * @param bytes  Of this piece.
 * @param at     Bytes of all pieces before.
 * @param last   This is the last piece: what it returns is the tensor's hash.
 */
uint32_t qe_hash_more(uint32_t hash, const void *data, uint32_t bytes, uint32_t at, bool last);

/**
 * @brief Add one byte to a CRC-32 (zlib's, without its final inversion).
 *
 * @param crc  0xFFFFFFFF at the start; invert the last value.
 */
uint32_t qe_crc32(uint32_t crc, uint8_t byte);

#endif /* QE_HASH_H */
