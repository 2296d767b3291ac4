"""What the demo's second vendor sells: bells and signals as WAV, 22.05 kHz, 16 bit, mono; and bells that change places."""

import csv
import io
import math
import random
import struct

RATE = 22050

# A bell's partials over its strike note: how far, how strong, how fast they fade.
BELL = [(0.5, 0.5, 0.9), (1, 1, 1.6), (1.2, 0.7, 1.9), (1.5, 0.4, 2.6), (2, 0.8, 2.8), (2.67, 0.3, 4), (4.2, 0.15, 7)]


def wav(samples: list[float]) -> bytes:
    peak = max(abs(sample) for sample in samples)
    data = b"".join(struct.pack("<h", round(sample / peak * 27000)) for sample in samples)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, RATE * 2, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", 36 + len(data), b"WAVE") + form + struct.pack("<4sI", b"data", len(data)) + data


def times(seconds: float):
    return (at / RATE for at in range(int(seconds * RATE)))


def stroke(note: float, seconds: float) -> list[float]:
    """A stroke that fades, and is let out before it ends so that it does not click."""

    def at(t: float) -> float:
        edge = min(1.0, t / 0.002, (seconds - t) / 0.05)
        return edge * sum(a * math.exp(-d * t) * math.sin(2 * math.pi * note * f * t) for f, a, d in BELL)

    return [at(t) for t in times(seconds)]


def together(seconds: float, strokes: list[tuple[float, float, float]]) -> list[float]:
    """Strokes over each other: when, on which note, how strong."""
    out = [0.0] * int(seconds * RATE)
    for when, note, strength in strokes:
        first = int(when * RATE)
        for at, sample in enumerate(stroke(note, seconds - when)):
            out[first + at] += strength * sample
    return out


def eight_bells() -> list[float]:
    """The end of a watch: four pairs."""
    return together(4, [(0.85 * pair + 0.3 * second, 640, 1) for pair in range(4) for second in range(2)])


def buoy() -> list[float]:
    """A bell with four clappers that the swell moves: no two strokes alike."""
    dice = random.Random(23)
    return together(2.6, [(0.05 + 0.36 * at + 0.2 * dice.random(), 410, 0.4 + 0.6 * dice.random()) for at in range(6)])


def horn() -> list[float]:
    """A reed of many partials, which falls at its end as a diaphone does."""
    out, phase = [], 0.0
    for t in times(2):
        phase += 2 * math.pi * (180 - 70 * min(1.0, max(0.0, (t - 1.5) / 0.2))) / RATE
        edge = min(1.0, t / 0.08, (2 - t) / 0.1)
        out.append(edge * sum(math.sin(phase * n) / n for n in range(1, 12)))
    return out


def rows(lead: list[str], ends: str, bells: int):
    """The rows of a method from its place notation, from rounds to rounds: `x` crosses all, digits say who stays."""
    rounds = list(range(1, bells + 1))
    row, at = rounds[:], 0
    yield row
    while True:
        change = ends if at % len(lead) == len(lead) - 1 else lead[at % len(lead)]
        stay = [] if change == "x" else [int(digit) for digit in change]
        row, place = row[:], 1
        while place < bells:
            if place in stay:
                place += 1
            else:
                row[place - 1], row[place] = row[place], row[place - 1]
                place += 2
        yield row
        at += 1
        if row == rounds:
            return


def table(found) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for at, row in enumerate(found):
        if at == 0:
            writer.writerow(["row", *(f"place {place}" for place in range(1, len(row) + 1))])
        writer.writerow([at, *row])
    return out.getvalue().encode()


def midi(found) -> bytes:
    """Standard MIDI, one track: tubular bells, the treble highest; at each second row a breath, as ringers do."""
    notes = [81, 79, 77, 76, 74, 72]
    beat, wait = 120, 0
    track = bytearray(b"\x00\xff\x51\x03\x07\xa1\x20" + b"\x00\xc0\x0e")

    def later(ticks: int) -> bytes:
        return bytes([0x80 | ticks >> 7, ticks & 0x7F]) if ticks > 0x7F else bytes([ticks])

    for at, row in enumerate(found):
        for bell in row:
            note = notes[bell - 1]
            track += later(wait) + bytes([0x90, note, 96]) + later(beat) + bytes([0x80, note, 0])
            wait = 0
        if at % 2:
            wait = beat
    track += later(2 * beat) + b"\xff\x2f\x00"
    head = struct.pack(">4sIHHH", b"MThd", 6, 0, 1, 240)
    return head + struct.pack(">4sI", b"MTrk", len(track)) + bytes(track)


def make():
    for name, samples in [("one-stroke", stroke(640, 1.6)), ("eight-bells", eight_bells())]:
        yield f"ships-bells/{name}.wav", wav(samples)
    for name, samples in [("horn", horn()), ("bell-buoy", buoy())]:
        yield f"fog-signals/{name}.wav", wav(samples)
    hunt = list(rows(["x", "16"] * 6, "16", 6))
    bob = list(rows(["x", "16"] * 6, "12", 6))
    assert (len(hunt), len(bob)) == (13, 61), "the methods come round"
    yield "ringing/plain-hunt-minor.csv", table(hunt)
    yield "ringing/plain-bob-minor.csv", table(bob)
    yield "ringing/plain-bob-minor.mid", midi(bob)
