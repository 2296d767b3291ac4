"""A calm picture for each product, 640 by 400: a ground, a few shapes, three or four colours."""

import math
import random

import bells
import png
import tides

WIDTH, HEIGHT = 640, 400


def ground(top: str, bottom: str):
    a, b = png.colour(top), png.colour(bottom)
    return lambda _x, y: png.mix(a, b, y / HEIGHT)


def paint(base, shapes):
    """Shapes over a ground: each a colour and the distance of a place to its edge."""
    shapes = [(png.colour(colour), distance, share) for colour, distance, share in shapes]

    def at(x: float, y: float):
        colour = base(x, y)
        for own, distance, share in shapes:
            covered = png.cover(distance(x, y)) * share
            if covered > 0:
                colour = png.mix(colour, own, covered)
        return colour

    return at


def box(left: float, top: float, right: float, bottom: float, round_: float = 0):
    cx, cy = (left + right) / 2, (top + bottom) / 2
    w, h = (right - left) / 2 - round_, (bottom - top) / 2 - round_

    def distance(x: float, y: float) -> float:
        dx, dy = abs(x - cx) - w, abs(y - cy) - h
        return math.hypot(max(dx, 0), max(dy, 0)) + min(max(dx, dy), 0) - round_

    return distance


def disc(cx: float, cy: float, radius: float):
    return lambda x, y: math.hypot(x - cx, y - cy) - radius


def ring(cx: float, cy: float, radius: float, half: float):
    return lambda x, y: abs(math.hypot(x - cx, y - cy) - radius) - half


def below(curve):
    """What lies below a curve; its slope is small enough to take the height for the distance."""
    return lambda x, y: curve(x) - y


def sea(level: float, reach: float, from_hour: float, hours: float):
    return below(lambda x: level - reach * (tides.height(from_hour + x / WIDTH * hours) - tides.MEAN))


def tallow():
    heights = [60, 150, 96, 210, 132, 252, 176, 118]
    bars = [
        ("#f2b757", box(96 + 58 * at, 330 - height, 134 + 58 * at, 330, 6), 1 if at == 5 else 0.75)
        for at, height in enumerate(heights)
    ]
    return paint(ground("#20262f", "#2d3744"), bars + [("#8a97a8", box(80, 336, 560, 338), 1)])


def tide_year():
    return paint(
        ground("#dfe9ec", "#f4efe4"),
        [
            ("#f0d9a8", disc(492, 104, 44), 1),
            ("#8fb7c4", sea(220, 34, 0, 42), 0.55),
            ("#5b93a8", sea(262, 34, 30, 42), 0.7),
            ("#2f6680", sea(312, 34, 61, 42), 0.85),
        ],
    )


def tide_day():
    marks = [("#2f6680", disc(120 + 133 * at, 300 if at % 2 else 132, 11), 1) for at in range(4)]
    curve = lambda x: 216 - 84 * math.cos((x - 120) / 133 * math.pi)
    line = ("#5b93a8", lambda x, y: abs(curve(x) - y) / math.hypot(1, 2) - 1.5, 1)
    return paint(ground("#f8f5ec", "#efe8d8"), [line, *marks])


def percussion():
    bowl = [("#f4e3c8", ring(320, 214, 42 + 31 * at, 2.2), 0.95 - 0.17 * at) for at in range(5)]
    return paint(ground("#5a2f3c", "#8a4a4a"), [*bowl, ("#f4e3c8", disc(320, 214, 17), 1)])


def textures():
    tiles = [
        ("#4b555c", box(150, 90, 330, 270, 10), 1),
        ("#c9b189", box(236, 138, 416, 318, 10), 1),
        ("#f4eee0", box(322, 82, 502, 262, 10), 1),
    ]
    return paint(ground("#a9b3a6", "#c6c9b8"), tiles)


def book():
    lines = [
        ("#b8ad98", box(246, 146 + 22 * at, 394 if at % 4 else 340, 149 + 22 * at), 1) for at in range(9)
    ]
    page = [("#2b3a4a", box(222, 76, 428, 356, 4), 0.25), ("#fbf8f0", box(214, 66, 420, 346, 4), 1)]
    title = [("#2f6680", box(246, 98, 352, 108), 1)]
    return paint(ground("#7f96a0", "#a9bcc0"), [*page, *title, *lines])


def report():
    compass = [("#e9dcc0", ring(320, 200, 118, 2), 1), ("#e9dcc0", ring(320, 200, 104, 0.8), 0.8)]
    north = lambda x, y: max(abs(x - 320) - (y - 108) * 0.19, y - 200)
    south = lambda x, y: max(abs(x - 320) - (292 - y) * 0.19, 200 - y)
    needle = [("#d9694f", north, 1), ("#e9dcc0", south, 0.85), ("#24404e", disc(320, 200, 7), 1)]
    return paint(ground("#24404e", "#34586a"), compass + needle)


def noise():
    dice = random.Random(5)
    reaches = [12 + 88 * dice.random() for _ in range(51)]
    bars = [
        ("#cfd8e3", box(67 + 10 * at, 200 - reach, 72 + 10 * at, 200 + reach, 2.5), 0.85)
        for at, reach in enumerate(reaches)
    ]
    return paint(ground("#3a4152", "#515a70"), bars)


def ships_bell():
    bell = lambda x, y: max(abs(x - 320) - 46 - 74 * max(0, (y - 120) / 170) ** 3, 112 - y, y - 286)
    rim = ("#8a6420", box(196, 280, 444, 296, 8), 1)
    clapper = ("#5b4316", disc(320, 308, 17), 1)
    hook = ("#8a6420", ring(320, 94, 20, 5), 1)
    return paint(ground("#14303f", "#275468"), [hook, clapper, ("#d9a441", bell, 1), rim])


def fog():
    banks = [("#e6ebec", sea(150 + 62 * at, 12, 7 * at, 26), 0.32) for at in range(5)]
    light = [("#f6d98a", disc(452, 118, 60), 0.25), ("#f6d98a", disc(452, 118, 26), 0.9)]
    tower = [("#4a5660", box(436, 134, 468, 400, 3), 1)]
    return paint(ground("#8fa0a8", "#c3cdd0"), [*tower, *light, *banks])


def ringing():
    found = list(bells.rows(["x", "16"] * 6, "12", 6))[:25]
    colours = ["#d9694f", "#7d8f9c", "#93a4b0", "#2f6680", "#93a4b0", "#7d8f9c"]

    def path(bell: int):
        places = [(70 + 500 * at / 24, 96 + 42 * row.index(bell)) for at, row in enumerate(found)]

        def distance(x: float, y: float) -> float:
            at = min(max(int((x - 70) / 500 * 24), 0), 23)
            (x0, y0), (x1, y1) = places[at], places[at + 1]
            share = min(max((x - x0) / (x1 - x0), 0), 1)
            slope = math.hypot(1, (y1 - y0) / (x1 - x0))
            outside = max(70 - x, x - 570, 0)
            half = 2.6 if bell in (1, 4) else 1
            return max(abs(y - y0 - share * (y1 - y0)) / slope - half, outside - half)

        return distance

    order = [2, 3, 5, 6, 4, 1]
    return paint(ground("#f8f5ec", "#e9e2d2"), [(colours[bell - 1], path(bell), 1) for bell in order])


def make_belle():
    for name, picture in [("ships-bells", ships_bell), ("fog-signals", fog), ("plain-bob-minor", ringing)]:
        yield f"{name}.png", png.encode(WIDTH, HEIGHT, picture())


def make():
    for name, picture in [
        ("tallow", tallow), ("tides", tide_year), ("tide-of-the-day", tide_day),
        ("percussion", percussion), ("textures", textures), ("reading-the-tide", book),
        ("harbour-report", report), ("white-noise", noise),
    ]:
        yield f"{name}.png", png.encode(WIDTH, HEIGHT, picture())
