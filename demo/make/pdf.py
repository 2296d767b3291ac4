"""PDF, by hand: justified text in Times, one of the fonts that every reader has."""

import zlib

# Widths of Times-Roman in thousandths of its size, from space to tilde.
WIDTHS = [
    250, 333, 408, 500, 500, 833, 778, 180, 333, 333, 500, 564, 250, 333, 250, 278,
    500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 278, 278, 564, 564, 564, 444,
    921, 722, 667, 667, 722, 611, 556, 722, 722, 333, 389, 722, 611, 889, 722, 722,
    556, 722, 667, 556, 611, 722, 722, 944, 722, 722, 611, 333, 278, 333, 469, 500,
    333, 444, 500, 444, 500, 444, 333, 500, 500, 278, 278, 500, 278, 778, 500, 500,
    500, 500, 333, 389, 278, 500, 500, 722, 500, 500, 444, 480, 200, 480, 541,
]  # fmt: skip

# A5, in points.
WIDTH, HEIGHT = 420, 595
LEFT, RIGHT, TOP, BOTTOM = 62, 358, 500, 80
SIZE, LEADING, INDENT = 10.5, 15, 15


def measure(text: str, size: float) -> float:
    return sum(WIDTHS[ord(letter) - 32] for letter in text) * size / 1000


def lines(text: str, first: float):
    """Breaks a paragraph: lists of words with the room they have, and whether the line is the last."""
    line, room = [], RIGHT - LEFT - first
    for word in text.split():
        if line and measure(" ".join([*line, word]), SIZE) > room:
            yield line, room, False
            line, room = [], RIGHT - LEFT
        line.append(word)
    yield line, room, True


class Pages:
    """Pages as lists of drawing commands."""

    def __init__(self) -> None:
        self.pages: list[list[str]] = []
        self.y = 0.0

    def turn(self) -> None:
        self.pages.append([])
        self.y = TOP
        if len(self.pages) > 1:
            number = str(len(self.pages))
            self.put((WIDTH - measure(number, 9)) / 2, 48, number, 9)

    def put(self, x: float, y: float, text: str, size: float, font: str = "R", stretch: float = 0) -> None:
        safe = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        self.pages[-1].append(f"BT /{font} {size} Tf {stretch:.3f} Tw {x:.2f} {y:.2f} Td ({safe}) Tj ET")

    def paragraph(self, text: str, first: float) -> None:
        for words, room, last in lines(text, first):
            if self.y < BOTTOM:
                self.turn()
            text = " ".join(words)
            spare = 0 if last or len(words) < 2 else (room - measure(text, SIZE)) / (len(words) - 1)
            self.put(RIGHT - room, self.y, text, SIZE, stretch=spare)
            self.y -= LEADING


def layout(title: str, subtitle: str, chapters: list[tuple[str, list[str]]]) -> list[str]:
    book = Pages()
    book.turn()
    book.put(LEFT, 390, title, 27)
    book.put(LEFT, 362, subtitle, 12, "I")
    book.put(LEFT, BOTTOM, "Aurora Instruments, 2026. CC0 1.0: no rights reserved.", 9)
    for heading, paragraphs in chapters:
        book.turn()
        book.y = TOP - 30
        book.put(LEFT, TOP, heading, 17)
        for number, text in enumerate(paragraphs):
            book.paragraph(text, INDENT if number else 0)
    return ["\n".join(page) for page in book.pages]


def make(title: str, subtitle: str, chapters: list[tuple[str, list[str]]]) -> bytes:
    pages = layout(title, subtitle, chapters)
    first = 6
    kids = " ".join(f"{first + 2 * at} 0 R" for at in range(len(pages)))
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (en) >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        (font % "Times-Roman").encode(),
        (font % "Times-Italic").encode(),
        f"<< /Title ({title}) /Author (Aurora Instruments) >>".encode(),
    ]
    for at, page in enumerate(pages):
        data = zlib.compress(page.encode("latin-1"), 9)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Contents {first + 2 * at + 1} 0 R "
            f"/Resources << /Font << /R 3 0 R /I 4 0 R >> >> >>".encode()
        )
        objects.append(
            f"<< /Length {len(data)} /Filter /FlateDecode >>\nstream\n".encode() + data + b"\nendstream"
        )
    return assemble(objects)


def assemble(objects: list[bytes]) -> bytes:
    out, places = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info 5 0 R >>\nstartxref\n{table}\n%%EOF\n".encode()
    return bytes(out)
