"""Brush strokes of Label Studio: the pixels of an RGBA picture, row by row, packed in bits.

Layout (the rle-pack of thi.ng/umbrella): 32 bits, how many values; 5 bits, the bits of a value less one; four times 4
bits, the bits of a run's length less one. Then packets: 1 bit, whether it repeats one value; 2 bits, which of the four
lengths it uses; that many bits, the count less one; and one value, or as many as were counted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from relata.errors import RelataError
from relata.images import LIMITS


def decode(packed: Sequence[int], width: int, height: int) -> npt.NDArray[np.bool_]:
    """The painted pixels, shape (height, width): those whose alpha is above 0.

    Raises:
        RelataError: if the bits end early, or are not as many pixels as the image has.
    """
    try:
        bits = np.unpackbits(np.array(packed, dtype=np.uint8))
    except (OverflowError, ValueError, TypeError) as error:
        raise RelataError(f"brush: the strokes are no list of bytes ({error}); export the file again") from error
    text = bits.astype("S1").tobytes().decode("ascii")
    place = 0

    def take(count: int) -> int:
        nonlocal place
        place += count
        if place > len(text):
            raise RelataError("brush: the strokes end in the middle; export the file again")
        return int(text[place - count : place], 2)

    if width * height > LIMITS.pixels:
        raise RelataError(f"brush: strokes on {width} x {height} pixels; images of up to {LIMITS.pixels} are read")
    total = take(32)
    if total != 4 * width * height:
        raise RelataError(f"brush: strokes of {total} values on an image of {width} x {height} pixels with four each")
    size = take(5) + 1
    lengths = [take(4) + 1 for _ in range(4)]
    values = np.zeros(total, dtype=np.uint32)
    done = 0
    while done < total:
        repeated = take(1)
        count = min(take(lengths[take(2)]) + 1, total - done)
        if repeated:
            values[done : done + count] = take(size)
        else:
            values[done : done + count] = [take(size) for _ in range(count)]
        done += count
    return values.reshape(height, width, 4)[..., 3] > 0
