"""Four seamless textures, 256 by 256 pixels: sums of waves and of wrapped noise, in few greys."""

import math
import random

import png

SIZE = 256


def wrapped_noise(seed: int, cells: int):
    """Smooth noise between lattice points that repeats after SIZE pixels."""
    dice = random.Random(seed)
    lattice = [[dice.random() for _ in range(cells)] for _ in range(cells)]

    def at(x: float, y: float) -> float:
        u, v = x / SIZE * cells, y / SIZE * cells
        i, j = int(u) % cells, int(v) % cells
        s, t = (part * part * (3 - 2 * part) for part in (u % 1, v % 1))
        k, m = (i + 1) % cells, (j + 1) % cells
        top = lattice[j][i] + (lattice[j][k] - lattice[j][i]) * s
        bottom = lattice[m][i] + (lattice[m][k] - lattice[m][i]) * s
        return top + (bottom - top) * t

    return at


def turbulence(seed: int):
    layers = [(wrapped_noise(seed + n, 4 << n), 0.5**n) for n in range(5)]
    return lambda x, y: sum(layer(x, y) * share for layer, share in layers) / 1.9375


def graded(dark: str, light: str, level):
    """Between two colours in 24 steps, which also keeps the file small."""
    a, b = png.colour(dark), png.colour(light)
    return lambda x, y: png.mix(a, b, round(level(x, y) * 24) / 24)


def make():
    rough, soft, fine = turbulence(3), turbulence(17), turbulence(29)

    def wave(x: float, turns: int) -> float:
        return 0.5 + 0.5 * math.sin(2 * math.pi * turns * x / SIZE)

    for name, dark, light, level in [
        ("slate.png", "#2c3338", "#59636b", lambda x, y: rough(x, y)),
        ("paper.png", "#e6dfd0", "#f7f2e6", lambda x, y: soft(x, y)),
        ("linen.png", "#a39a86", "#d5ccb8", lambda x, y: (wave(x, 48) + wave(y, 48)) / 3 + fine(x, y) / 3),
        ("sand.png", "#c4a77d", "#ead7b0", lambda x, y: wave(y + 14 * soft(x, y), 9) * 0.6 + fine(x, y) * 0.4),
    ]:
        yield name, png.encode(SIZE, SIZE, graded(dark, light, level))
