/**
 * @file qe_number.h
 * @brief Element types of tensors that are converted.
 */
#ifndef QE_NUMBER_H
#define QE_NUMBER_H

#include "qe_types.h"

/** An integer element type. */
enum { QE_INT8 = 0, QE_UINT8 = 1, QE_INT16 = 2, QE_INT32 = 3 };

/** @brief Element @p index of an array of type @p type (QE_INT8, ...). */
static inline int32_t qe_number_load(const void *array, int32_t index, int32_t type)
{
    switch (type) {
    case QE_INT8:
        return ((const int8_t *)array)[index];
    case QE_UINT8:
        return ((const uint8_t *)array)[index];
    case QE_INT16:
        return ((const int16_t *)array)[index];
    default:
        return ((const int32_t *)array)[index];
    }
}

/** @brief Set element @p index of an array of type @p type to @p value, saturated. */
static inline void qe_number_store(void *array, int32_t index, int64_t value, int32_t type)
{
    static const int32_t lowest[4] = {INT8_MIN, 0, INT16_MIN, INT32_MIN};
    static const int32_t highest[4] = {INT8_MAX, UINT8_MAX, INT16_MAX, INT32_MAX};
    const int64_t floor = (value < lowest[type]) ? lowest[type] : value;
    const int32_t x = (int32_t)((floor > highest[type]) ? highest[type] : floor);
    switch (type) {
    case QE_INT8:
        ((int8_t *)array)[index] = (int8_t)x;
        break;
    case QE_UINT8:
        ((uint8_t *)array)[index] = (uint8_t)x;
        break;
    case QE_INT16:
        ((int16_t *)array)[index] = (int16_t)x;
        break;
    default:
        ((int32_t *)array)[index] = x;
        break;
    }
}

#endif /* QE_NUMBER_H */
