# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Sixel body encoder. It lets go of the interpreter lock while it works, so pictures are encoded beside the event loop."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset

DEF COLORS = 256
DEF BAND = 6


cdef inline uint8_t* put_number(uint8_t* out, int n) noexcept nogil:
    cdef uint8_t digits[6]
    cdef int count = 0
    while True:
        digits[count] = <uint8_t>(48 + n % 10)
        count += 1
        n = n // 10
        if n == 0:
            break
    while count > 0:
        count -= 1
        out[0] = digits[count]
        out += 1
    return out


cdef inline uint8_t* put_run(uint8_t* out, int length, uint8_t sixel) noexcept nogil:
    cdef int i
    if length > 3:
        out[0] = 33  # '!': repeat
        out = put_number(out + 1, length)
        out[0] = sixel
        return out + 1
    for i in range(length):
        out[i] = sixel
    return out + length


cdef inline uint8_t* put_color(uint8_t* out, int color) noexcept nogil:
    out[0] = 35  # '#': choose a colour
    return put_number(out + 1, color)


cdef uint8_t* put_columns(
    uint8_t* out, const uint16_t* columns, const uint8_t* sixels, int count
) noexcept nogil:
    """One colour's sixels of a band: gaps as blank runs, equal neighbours as one run."""
    cdef int x = 0, i = 0, k
    while i < count:
        if columns[i] > x:
            out = put_run(out, columns[i] - x, 63)
        k = i + 1
        while k < count and sixels[k] == sixels[i] and columns[k] == columns[i] + (k - i):
            k += 1
        out = put_run(out, k - i, <uint8_t>(63 + sixels[i]))
        x = columns[i] + (k - i)
        i = k
    return out


def count_colors(const uint8_t[:, ::1] indexes):
    """How many px each of 256 palette rows has, as uint32."""
    cdef uint32_t counts[COLORS]
    cdef Py_ssize_t n, count = indexes.shape[0] * indexes.shape[1]
    cdef const uint8_t* index = &indexes[0, 0]
    with nogil:
        memset(counts, 0, sizeof(counts))
        for n in range(count):
            counts[index[n]] += 1
    return PyBytes_FromStringAndSize(<char*>counts, sizeof(counts))


def encode_body(const uint8_t[:, ::1] indexes):
    """uint8 (H, W) palette rows as sixel data without the DCS around it.

    In each band the commonest colour is painted first as one solid run; the others are painted over it.
    """
    cdef int height = <int>indexes.shape[0], width = <int>indexes.shape[1]
    cdef int bands = (height + BAND - 1) // BAND
    cdef int band, row, x, color, rows, n, commonest, y
    cdef bint first
    cdef size_t used, band_room = <size_t>width * BAND * 7 + COLORS * 16
    cdef size_t room = <size_t>width * height * 2 + band_room + 64
    cdef uint16_t* columns = <uint16_t*>malloc(COLORS * <size_t>width * sizeof(uint16_t))
    cdef uint8_t* sixels = <uint8_t*>malloc(COLORS * <size_t>width)
    cdef uint8_t* start = <uint8_t*>malloc(room)
    cdef uint8_t* grown
    cdef uint8_t* out = start
    cdef int count[COLORS]
    cdef int last[COLORS]
    cdef bint failed = columns == NULL or sixels == NULL or start == NULL
    if not failed:
        with nogil:
            for band in range(bands):
                used = out - start
                if used + band_room > room:
                    room = room * 2 + band_room
                    grown = <uint8_t*>realloc(start, room)
                    if grown == NULL:
                        failed = True
                        break
                    start = grown
                    out = start + used
                y = band * BAND
                rows = BAND if y + BAND <= height else height - y
                for color in range(COLORS):
                    count[color] = 0
                    last[color] = -1
                for x in range(width):
                    for row in range(rows):
                        color = indexes[y + row, x]
                        n = count[color]
                        if last[color] == x:
                            sixels[<size_t>color * width + n - 1] |= <uint8_t>(1 << row)
                        else:
                            columns[<size_t>color * width + n] = <uint16_t>x
                            sixels[<size_t>color * width + n] = <uint8_t>(1 << row)
                            count[color] = n + 1
                            last[color] = x
                commonest = 0
                for color in range(COLORS):
                    if count[color] > count[commonest]:
                        commonest = color
                out = put_color(out, commonest)
                out = put_run(out, width, <uint8_t>(63 + (1 << rows) - 1))
                for color in range(COLORS):
                    if count[color] == 0 or color == commonest:
                        continue
                    out[0] = 36  # '$': back to the band's left edge
                    out = put_color(out + 1, color)
                    out = put_columns(
                        out, columns + <size_t>color * width, sixels + <size_t>color * width, count[color]
                    )
                if band < bands - 1:
                    out[0] = 45  # '-': next band
                    out += 1
    try:
        if failed:
            raise MemoryError("no memory for a sixel picture")
        return PyBytes_FromStringAndSize(<char*>start, out - start)
    finally:
        free(columns)
        free(sixels)
        free(start)
