"""PNG from a function of the place, with smooth edges."""

import struct
import zlib

Colour = tuple[float, float, float]


def chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def encode(width: int, height: int, colour) -> bytes:
    """`colour(x, y)` gives red, green and blue from 0 to 255 at the middle of a pixel."""
    rows = []
    above = bytes(width * 3)
    for y in range(height):
        row = bytearray()
        for x in range(width):
            row += bytes(min(255, max(0, round(part))) for part in colour(x + 0.5, y + 0.5))
        # Filter "up": neighbouring rows of calm pictures are nearly the same.
        rows.append(b"\x02" + bytes((here - over) & 255 for here, over in zip(row, above)))
        above = bytes(row)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"".join(rows), 9))
        + chunk(b"IEND", b"")
    )


def colour(text: str) -> Colour:
    """`#rrggbb`."""
    return tuple(int(text[at : at + 2], 16) for at in (1, 3, 5))


def mix(a: Colour, b: Colour, share: float) -> Colour:
    share = min(1.0, max(0.0, share))
    return tuple(one + (other - one) * share for one, other in zip(a, b))


def cover(distance: float) -> float:
    """How much of a pixel lies inside an edge that is `distance` pixels away (inside: below zero)."""
    return min(1.0, max(0.0, 0.5 - distance))
