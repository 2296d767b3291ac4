"""Makes the goods of demo/catalog that are generated: `python3 demo/make`.

Everything comes from formulas and fixed seeds, with the standard library alone, so that the same
bytes come out each time. The results are committed; run this only to change them.
"""

import pathlib

import book
import pictures
import sounds
import textures
import tides

CATALOG = pathlib.Path(__file__).resolve().parent.parent / "catalog"


def main() -> None:
    for folder, make in [
        ("files/tides", tides.make),
        ("files/percussion", sounds.make),
        ("files/textures", textures.make),
        ("files/book", book.make),
        ("pictures", pictures.make),
    ]:
        target = CATALOG / folder
        target.mkdir(parents=True, exist_ok=True)
        for name, data in make():
            (target / name).write_bytes(data)
            print(f"{len(data):9} {folder}/{name}")


main()
