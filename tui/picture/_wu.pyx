# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""A picture in few colours of its own, chosen so that each split of the colour cube takes most of the variance away.

Source: X. Wu, Efficient statistical computations for optimal color quantization, in Graphics Gems II (1991). It lets go
of the interpreter lock while it works.
"""

from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport calloc, free

import numpy as np

DEF SIDE = 33
DEF CELLS = 35937  # SIDE ** 3; the planes at 0 are empty, so that a box's sum is eight look-ups
DEF MOST = 256
DEF ENOUGH = 200000

ctypedef struct Moments:
    int64_t n
    int64_t red
    int64_t green
    int64_t blue
    int64_t square

ctypedef struct Box:
    int low[3]
    int high[3]
    double variance


cdef inline int at(int red, int green, int blue) noexcept nogil:
    return (red * SIDE + green) * SIDE + blue


cdef inline void add(Moments* out, const Moments* m, int sign) noexcept nogil:
    out.n += sign * m.n
    out.red += sign * m.red
    out.green += sign * m.green
    out.blue += sign * m.blue
    out.square += sign * m.square


cdef Moments total(const Moments* m, const int* low, const int* high) noexcept nogil:
    """Moments of the colours in a box, by inclusion and exclusion; `low` is outside of it, `high` inside."""
    cdef Moments out
    out.n = out.red = out.green = out.blue = out.square = 0
    add(&out, m + at(high[0], high[1], high[2]), 1)
    add(&out, m + at(high[0], high[1], low[2]), -1)
    add(&out, m + at(high[0], low[1], high[2]), -1)
    add(&out, m + at(high[0], low[1], low[2]), 1)
    add(&out, m + at(low[0], high[1], high[2]), -1)
    add(&out, m + at(low[0], high[1], low[2]), 1)
    add(&out, m + at(low[0], low[1], high[2]), 1)
    add(&out, m + at(low[0], low[1], low[2]), -1)
    return out


cdef inline double explained(const Moments* m) noexcept nogil:
    if m.n == 0:
        return 0.0
    return (<double>m.red * m.red + <double>m.green * m.green + <double>m.blue * m.blue) / m.n


cdef void measure(const Moments* m, Box* box) noexcept nogil:
    cdef Moments whole = total(m, box.low, box.high)
    box.variance = <double>whole.square - explained(&whole)


cdef bint split(const Moments* m, Box* box, Box* other) noexcept nogil:
    """Cut a box where its halves explain most; False where all of its colours lie in one cell."""
    cdef Moments whole = total(m, box.low, box.high), lower, upper
    cdef int axis, place, best_axis = -1, best_place = 0
    cdef int high[3]
    cdef double gain, best = 0.0
    for axis in range(3):
        for place in range(box.low[axis] + 1, box.high[axis]):
            high[0], high[1], high[2] = box.high[0], box.high[1], box.high[2]
            high[axis] = place
            lower = total(m, box.low, high)
            if lower.n == 0:
                continue
            if lower.n == whole.n:
                break
            upper = whole
            add(&upper, &lower, -1)
            gain = explained(&lower) + explained(&upper)
            if gain > best:
                best, best_axis, best_place = gain, axis, place
    if best_axis < 0:
        return False
    other[0] = box[0]
    box.high[best_axis] = best_place
    other.low[best_axis] = best_place
    measure(m, box)
    measure(m, other)
    return True


cdef void count(const uint8_t* pixels, Moments* m, Py_ssize_t rows, Py_ssize_t width, Py_ssize_t step) noexcept nogil:
    """Moments of each cell of 8 values a side, of every `step`-th row."""
    cdef Py_ssize_t row, x
    cdef const uint8_t* pixel
    cdef Moments* cell
    cdef int red, green, blue
    row = 0
    while row < rows:
        pixel = pixels + row * width * 3
        for x in range(width):
            red, green, blue = pixel[0], pixel[1], pixel[2]
            cell = m + at((red >> 3) + 1, (green >> 3) + 1, (blue >> 3) + 1)
            cell.n += 1
            cell.red += red
            cell.green += green
            cell.blue += blue
            pixel += 3
        row += step


cdef void accumulate(Moments* m) noexcept nogil:
    """From moments of cells to moments of all cells up to each."""
    cdef int red, green, blue
    cdef Moments* cell
    cdef Moments line
    cdef Moments area[SIDE]
    for red in range(1, SIDE):
        for blue in range(SIDE):
            area[blue].n = area[blue].red = area[blue].green = area[blue].blue = area[blue].square = 0
        for green in range(1, SIDE):
            line.n = line.red = line.green = line.blue = line.square = 0
            for blue in range(1, SIDE):
                cell = m + at(red, green, blue)
                cell.square = <int64_t>explained(cell)  # as if all of a cell's pixels had its mean colour
                add(&line, cell, 1)
                add(&area[blue], &line, 1)
                m[at(red, green, blue)] = m[at(red - 1, green, blue)]
                add(m + at(red, green, blue), &area[blue], 1)


cdef int choose(const Moments* m, Box* boxes, int colors) noexcept nogil:
    """Split the box of the largest variance until there are enough; returns how many."""
    cdef int found = 1, n, largest, axis
    for axis in range(3):
        boxes[0].low[axis], boxes[0].high[axis] = 0, SIDE - 1
    measure(m, boxes)
    while found < colors:
        largest = 0
        for n in range(1, found):
            if boxes[n].variance > boxes[largest].variance:
                largest = n
        if boxes[largest].variance <= 0.0:
            break
        if split(m, boxes + largest, boxes + found):
            found += 1
        else:
            boxes[largest].variance = 0.0
    return found


cdef void paint(const Moments* m, const Box* boxes, int found, uint8_t* palette, uint8_t* table) noexcept nogil:
    """Each box's mean colour, and which box each cell of 8 values a side belongs to."""
    cdef Moments whole
    cdef int n, red, green, blue
    for n in range(found):
        whole = total(m, boxes[n].low, boxes[n].high)
        if whole.n > 0:
            palette[n * 3] = <uint8_t>((whole.red + whole.n // 2) // whole.n)
            palette[n * 3 + 1] = <uint8_t>((whole.green + whole.n // 2) // whole.n)
            palette[n * 3 + 2] = <uint8_t>((whole.blue + whole.n // 2) // whole.n)
        for red in range(boxes[n].low[0], boxes[n].high[0]):
            for green in range(boxes[n].low[1], boxes[n].high[1]):
                for blue in range(boxes[n].low[2], boxes[n].high[2]):
                    table[(red << 10) | (green << 5) | blue] = <uint8_t>n


def quantize(const uint8_t[:, :, ::1] pixels, int colors):
    """uint8 (H, W, 3) in at most `colors` (2 to 256) colours: uint8 (H, W) rows of the palette, uint8 (N, 3) palette."""
    cdef Py_ssize_t rows = pixels.shape[0], width = pixels.shape[1], n
    cdef Py_ssize_t step = 1 + rows * width // ENOUGH  # a part of a large picture's rows tells as much
    cdef Moments* moments = <Moments*>calloc(CELLS, sizeof(Moments))
    cdef Box boxes[MOST]
    cdef uint8_t table[32768]
    cdef int found
    if moments == NULL:
        raise MemoryError("no memory for a picture's colours")
    indexes_array = np.empty((rows, width), dtype=np.uint8)
    palette_array = np.zeros((MOST, 3), dtype=np.uint8)
    cdef uint8_t[:, ::1] indexes = indexes_array
    cdef uint8_t[:, ::1] palette = palette_array
    cdef const uint8_t* pixel = &pixels[0, 0, 0]
    cdef uint8_t* out = &indexes[0, 0]
    with nogil:
        count(pixel, moments, rows, width, step)
        accumulate(moments)
        found = choose(moments, boxes, min(colors, MOST))
        paint(moments, boxes, found, &palette[0, 0], table)
        for n in range(rows * width):
            out[n] = table[((pixel[0] >> 3) << 10) | ((pixel[1] >> 3) << 5) | (pixel[2] >> 3)]
            pixel += 3
    free(moments)
    return indexes_array, palette_array[:found]
