"""PDFs for tests, written by hand."""

import io
import zlib


def pdf(*texts: str, stream: bytes | None = None) -> bytes:
    """A page for each text; `stream` is what stands on the last page instead, packed already."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    pages = []
    for number, text in enumerate(texts):
        drawn = (
            zlib.compress(f"BT /F1 12 Tf 20 100 Td ({text}) Tj ET".encode()) if text else zlib.compress(b" ")
        )
        if stream is not None and number == len(texts) - 1:
            drawn = stream
        objects.append(b"<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>" % len(objects)
        )
        pages.append(len(objects))
    kids = b" ".join(b"%d 0 R" % page for page in pages)
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(pages), kids)
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def bomb() -> bytes:
    """A page that inflates to 256 MiB out of 256 KiB."""
    packer = zlib.compressobj(9)
    piece = b" " * (1 << 20)
    return pdf("x", stream=b"".join(packer.compress(piece) for _ in range(256)) + packer.flush())


def encrypted(password: str, algorithm: str) -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(PdfReader(io.BytesIO(pdf("Secret."))))
    writer.encrypt(password, "owner", algorithm=algorithm)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
