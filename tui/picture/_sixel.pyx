# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Sixel body encoder. It lets go of the interpreter lock while it works, so pictures are encoded beside the event loop."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint32_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset

DEF COLORS = 256
DEF BAND = 6
DEF NUMBERS = 10000


ctypedef struct Open:
    int count
    int last

cdef uint8_t digits[NUMBERS * 4]
cdef uint8_t lengths[NUMBERS]

for _number in range(NUMBERS):
    _text = b"%d" % _number
    lengths[_number] = len(_text)
    for _place in range(len(_text)):
        digits[_number * 4 + _place] = _text[_place]


cdef inline uint8_t* put_number(uint8_t* out, int n) noexcept nogil:
    """Under NUMBERS; touches four bytes, whatever the number's length."""
    memcpy(out, digits + n * 4, 4)
    return out + lengths[n]


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


cdef uint8_t* put_columns(uint8_t* out, const uint32_t* columns, int count) noexcept nogil:
    """One colour's columns of a band, each x << 8 | sixel: gaps as blank runs, equal neighbours as one run."""
    cdef int x = 0, i = 0, k, at
    while i < count:
        at = columns[i] >> 8
        if at > x:
            out = put_run(out, at - x, 63)
        k = i + 1
        while k < count and columns[k] == columns[k - 1] + 256:
            k += 1
        out = put_run(out, k - i, <uint8_t>(63 + (columns[i] & 255)))
        x = at + (k - i)
        i = k
    return out


def count_colors(const uint8_t[:, ::1] indexes):
    """How many px each of 256 palette rows has, as uint32."""
    cdef uint32_t counts[4][COLORS]  # neighbours are often alike: four counts, so that none waits for the one before
    cdef Py_ssize_t n, count = indexes.shape[0] * indexes.shape[1]
    cdef const uint8_t* index = &indexes[0, 0]
    with nogil:
        memset(counts, 0, sizeof(counts))
        for n in range(0, count - 3, 4):
            counts[0][index[n]] += 1
            counts[1][index[n + 1]] += 1
            counts[2][index[n + 2]] += 1
            counts[3][index[n + 3]] += 1
        for n in range(count - count % 4, count):
            counts[0][index[n]] += 1
        for n in range(COLORS):
            counts[0][n] += counts[1][n] + counts[2][n] + counts[3][n]
    return PyBytes_FromStringAndSize(<char*>counts, sizeof(counts[0]))


def encode_body(const uint8_t[:, ::1] indexes, const uint8_t[::1] numbers):
    """uint8 (H, W) palette rows as sixel data without the DCS around it; `numbers`, uint8 (256,), says which number each row has.

    In each band the commonest colour is painted first as one solid run; the others are painted over it.
    """
    if indexes.shape[1] >= NUMBERS:
        raise ValueError(f"a sixel picture is narrower than {NUMBERS} px")
    cdef int height = <int>indexes.shape[0], width = <int>indexes.shape[1]
    cdef int bands = (height + BAND - 1) // BAND
    cdef int band, row, x, color, rows, n, commonest, y
    cdef bint first
    cdef size_t used, band_room = <size_t>width * BAND * 7 + COLORS * 16
    cdef size_t room = <size_t>width * height * 2 + band_room + 64
    cdef uint32_t* columns = <uint32_t*>malloc(COLORS * <size_t>width * sizeof(uint32_t))
    cdef uint8_t* start = <uint8_t*>malloc(room)
    cdef uint8_t* grown
    cdef uint8_t* out = start
    cdef Open opened[COLORS]
    cdef Open* here
    cdef const uint8_t* index
    cdef bint failed = columns == NULL or start == NULL
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
                    opened[color].count = 0
                    opened[color].last = -1
                for x in range(width):
                    index = &indexes[y, x]
                    for row in range(rows):
                        color = index[0]
                        index += width
                        here = &opened[color]
                        n = here.count
                        if here.last == x:
                            columns[<size_t>color * width + n - 1] |= <uint32_t>1 << row
                        else:
                            columns[<size_t>color * width + n] = <uint32_t>x << 8 | <uint32_t>1 << row
                            here.count = n + 1
                            here.last = x
                commonest = 0
                for color in range(COLORS):
                    if opened[color].count > opened[commonest].count:
                        commonest = color
                out = put_color(out, numbers[commonest])
                out = put_run(out, width, <uint8_t>(63 + (1 << rows) - 1))
                for color in range(COLORS):
                    if opened[color].count == 0 or color == commonest:
                        continue
                    out[0] = 36  # '$': back to the band's left edge
                    out = put_color(out + 1, numbers[color])
                    out = put_columns(out, columns + <size_t>color * width, opened[color].count)
                if band < bands - 1:
                    out[0] = 45  # '-': next band
                    out += 1
    try:
        if failed:
            raise MemoryError("no memory for a sixel picture")
        return PyBytes_FromStringAndSize(<char*>start, out - start)
    finally:
        free(columns)
        free(start)
