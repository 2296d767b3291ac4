"""Makes the goods of demo/catalog and demo/belle that are generated: `python3 demo/make`.

Everything comes from formulas and fixed seeds, with the standard library alone, so that the same
bytes come out each time. The results are committed; run this only to change them.
"""

import pathlib

import bells
import book
import pictures
import sounds
import textures
import tides

DEMO = pathlib.Path(__file__).resolve().parent.parent


def main() -> None:
    for folder, make in [
        ("catalog/files/tides", tides.make),
        ("catalog/files/percussion", sounds.make),
        ("catalog/files/textures", textures.make),
        ("catalog/files/book", book.make),
        ("catalog/pictures", pictures.make),
        ("belle/files", bells.make),
        ("belle/pictures", pictures.make_belle),
    ]:
        for name, data in make():
            target = DEMO / folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            print(f"{len(data):9} {folder}/{name}")


main()
