"""EPUB 3, by hand: a ZIP with fixed dates, so that the same book has the same bytes."""

import html
import io
import zipfile

CONTAINER = """<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="book/package.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""

STYLE = """body { font-family: serif; line-height: 1.45; margin: 5%; }
h1 { font-weight: normal; font-size: 1.6em; margin: 3em 0 1em; }
p { margin: 0; text-indent: 1.3em; text-align: justify; }
h1 + p, .subtitle { text-indent: 0; }
"""


def page(title: str, body: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" xml:lang="en">\n'
        f'<head><title>{html.escape(title)}</title><link rel="stylesheet" href="style.css"/></head>\n'
        f"<body>\n{body}</body>\n</html>\n"
    )


def package(title: str, names: list[str]) -> str:
    items = "".join(f'<item id="{n}" href="{n}.xhtml" media-type="application/xhtml+xml"/>\n' for n in names)
    spine = "".join(f'<itemref idref="{n}"/>\n' for n in names)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:uuid:6f1c1f0e-7d0b-4c53-9a53-5b0a3c1d2027</dc:identifier>
<dc:title>{html.escape(title)}</dc:title><dc:language>en</dc:language>
<dc:creator>Aurora Instruments</dc:creator><dc:rights>CC0 1.0</dc:rights>
<meta property="dcterms:modified">2026-11-22T12:00:00Z</meta>
</metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="style" href="style.css" media-type="text/css"/>
{items}</manifest>
<spine>
{spine}</spine>
</package>
"""


def make(title: str, subtitle: str, chapters: list[tuple[str, list[str]]]) -> bytes:
    names = ["title"] + [f"chapter-{number}" for number in range(1, len(chapters) + 1)]
    cover = f'<h1>{html.escape(title)}</h1>\n<p class="subtitle">{html.escape(subtitle)}</p>\n'
    files = {
        "META-INF/container.xml": CONTAINER,
        "book/package.opf": package(title, names),
        "book/style.css": STYLE,
        "book/title.xhtml": page(title, cover),
    }
    links = ""
    for name, (heading, paragraphs) in zip(names[1:], chapters):
        body = f"<h1>{html.escape(heading)}</h1>\n"
        body += "".join(f"<p>{html.escape(text)}</p>\n" for text in paragraphs)
        files[f"book/{name}.xhtml"] = page(heading, body)
        links += f'<li><a href="{name}.xhtml">{html.escape(heading)}</a></li>\n'
    files["book/nav.xhtml"] = page(title, f'<nav epub:type="toc"><ol>\n{links}</ol></nav>\n')
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as book:
        # First and uncompressed, by which a reader knows the format.
        add(book, "mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        for name, text in files.items():
            add(book, name, text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def add(book: zipfile.ZipFile, name: str, text: str, method: int) -> None:
    about = zipfile.ZipInfo(name, date_time=(2026, 11, 22, 12, 0, 0))
    about.compress_type = method
    book.writestr(about, text.encode())
