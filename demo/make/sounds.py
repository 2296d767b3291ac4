"""Percussion, synthesized: six strokes as WAV, 44.1 kHz, 16 bit, mono."""

import math
import random
import struct

RATE = 44100


def wav(samples: list[float]) -> bytes:
    peak = max(abs(sample) for sample in samples)
    data = b"".join(struct.pack("<h", round(sample / peak * 29000)) for sample in samples)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, RATE * 2, 2, 16)
    return (
        struct.pack("<4sI4s", b"RIFF", 36 + len(data), b"WAVE")
        + form
        + struct.pack("<4sI", b"data", len(data))
        + data
    )


def times(seconds: float):
    return (at / RATE for at in range(int(seconds * RATE)))


def attack(t: float) -> float:
    """A millisecond of rise: without it every stroke begins with a click."""
    return min(1.0, t / 0.001)


def modes(seconds: float, partials: list[tuple[float, float, float]]) -> list[float]:
    """A struck body: partials of frequency, strength and decay per second."""
    return [
        attack(t) * sum(a * math.exp(-d * t) * math.sin(2 * math.pi * f * t) for f, a, d in partials)
        for t in times(seconds)
    ]


def kick() -> list[float]:
    def phase(t: float) -> float:
        # The pitch falls from 160 to 48 Hz: the integral of the frequency.
        return 48 * t + (160 - 48) / 28 * (1 - math.exp(-28 * t))

    return [attack(t) * math.exp(-7 * t) * math.sin(2 * math.pi * phase(t)) for t in times(0.55)]


def noise(seed: int, seconds: float, decay: float, smooth: float) -> list[float]:
    """Noise through a one-pole high-pass: the larger `smooth`, the brighter."""
    dice, last, out = random.Random(seed), 0.0, []
    for t in times(seconds):
        sample = dice.uniform(-1, 1)
        last += (1 - smooth) * (sample - last)
        out.append(attack(t) * math.exp(-decay * t) * (sample - last))
    return out


def snare() -> list[float]:
    body = modes(0.35, [(186, 0.8, 19), (331, 0.4, 24)])
    return [a + 0.55 * b for a, b in zip(body, noise(7, 0.35, 15, 0.5))]


def make():
    for name, samples in [
        ("kick.wav", kick()),
        ("snare.wav", snare()),
        ("shaker.wav", noise(11, 0.22, 26, 0.1)),
        ("woodblock.wav", modes(0.28, [(880, 1, 34), (1420, 0.6, 41), (2310, 0.3, 60)])),
        ("glass.wav", modes(0.9, [(1244, 1, 5), (2977, 0.5, 8), (5120, 0.3, 12), (7411, 0.1, 18)])),
        ("bowl.wav", modes(1.4, [(311, 1, 2.2), (829, 0.6, 2.9), (1514, 0.35, 4), (2390, 0.2, 6)])),
    ]:
        yield name, wav(samples)
