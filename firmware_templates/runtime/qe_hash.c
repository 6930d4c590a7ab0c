/**
 * @file qe_hash.c
 * @brief See qe_hash.h.
 */
#include "qe_hash.h"

#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define WORDS_ARE_LITTLE_ENDIAN 1
#else
#define WORDS_ARE_LITTLE_ENDIAN 0
#endif

static uint32_t word_of(const uint8_t *p)
{
    return p[0] | ((uint32_t)p[1] << 8) | ((uint32_t)p[2] << 16) | ((uint32_t)p[3] << 24);
}

/* Whole words at an aligned address: the compiler turns the copy into one load. */
static uint32_t hash_aligned(uint32_t hash, const uint8_t *data, uint32_t words)
{
#if defined(__GNUC__)
    data = (const uint8_t *)__builtin_assume_aligned(data, 4);
#endif
    for (; words >= 4; words -= 4, data += 16) {
        uint32_t w[4];
        memcpy(w, data, sizeof w);
        hash = qe_hash_step(hash, w[0]);
        hash = qe_hash_step(hash, w[1]);
        hash = qe_hash_step(hash, w[2]);
        hash = qe_hash_step(hash, w[3]);
    }
    for (; words > 0; words--, data += 4) {
        uint32_t w;
        memcpy(&w, data, sizeof w);
        hash = qe_hash_step(hash, w);
    }
    return hash;
}

uint32_t qe_hash(const void *data, uint32_t bytes)
{
    const uint8_t *p = (const uint8_t *)data;
    uint32_t hash = bytes;
    uint32_t words = bytes / 4;
    uint8_t tail[4] = {0, 0, 0, 0};

    if (WORDS_ARE_LITTLE_ENDIAN && (uintptr_t)p % 4 == 0) {
        hash = hash_aligned(hash, p, words);
        p += 4 * words;
    } else {
        for (; words > 0; words--, p += 4) {
            hash = qe_hash_step(hash, word_of(p));
        }
    }
    if (bytes % 4 == 0) {
        return hash;
    }
    memcpy(tail, p, bytes % 4);
    return qe_hash_step(hash, word_of(tail));
}

uint32_t qe_hash_more(uint32_t hash, const void *data, uint32_t bytes, uint32_t at, bool last)
{
    const uint8_t *p = (const uint8_t *)data;

    /* A step in four parts: a word that is not complete yet waits in the hash. */
    for (; bytes > 0; bytes--, at++) {
        if (at % 4 == 0) {
            hash = qe_hash_rotated(hash);
        }
        hash ^= (uint32_t)*p++ << (8u * (at % 4));
        if (at % 4 == 3 || (last && bytes == 1)) {
            hash *= QE_HASH_FACTOR;
        }
    }
    return hash;
}

uint32_t qe_crc32(uint32_t crc, uint8_t byte)
{
    /* Two steps of four bits: 64 bytes of table instead of a kilobyte. */
    static const uint32_t table[16] = {
        0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u,
        0x4DB26158u, 0x5005713Cu, 0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
        0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
    };

    crc ^= byte;
    crc = (crc >> 4) ^ table[crc & 15u];
    return (crc >> 4) ^ table[crc & 15u];
}
