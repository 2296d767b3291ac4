"""A short book, as EPUB 3 and as PDF, from one text."""

import epub
import pathlib

import pdf

TITLE = "Reading the Tide"
SUBTITLE = "How a tide table is made, and how to use one"


def chapters() -> list[tuple[str, list[str]]]:
    """Titles with their paragraphs, from the Markdown beside this file."""
    text = (pathlib.Path(__file__).parent / "reading-the-tide.md").read_text()
    out = []
    for part in text.split("\n## ")[1:]:
        title, _, body = part.partition("\n")
        paragraphs = [" ".join(block.split()) for block in body.strip().split("\n\n")]
        out.append((title.strip(), paragraphs))
    return out


def make():
    yield "reading-the-tide.epub", epub.make(TITLE, SUBTITLE, chapters())
    yield "reading-the-tide.pdf", pdf.make(TITLE, SUBTITLE, chapters())
