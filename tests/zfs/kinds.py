"""kinds.py OBJECTS DIRECTORY: one file of each kind whose zeros `safecp --scan` can judge, some 700 KiB to 1.3 MiB long, for job 11.

What is packed is made by Python's own modules, by gcc, ar and git; OBJECTS are the files that job 3 links. A kind whose tool is missing
is left out, and said.
"""

import bz2
import gzip
import lzma
import os
import pathlib
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib

SIZE = 1 << 20
CHANCE = random.Random(15933)


def noise(size=SIZE):
    return CHANCE.randbytes(size)


def words(size=SIZE):
    """Text that packs to about a half."""
    return "".join(CHANCE.choice("etaoin shrdlu cmfwyp vbgkjq xz 0123456789\n") for _ in range(size)).encode()


def png(width=640, height=540):
    """Colours by chance, so that the file is as large as they are."""
    rows = b"".join(b"\0" + noise(3 * width) for _ in range(height))

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = zlib.compress(rows)
    data = b"".join(chunk(b"IDAT", packed[at : at + 8192]) for at in range(0, len(packed), 8192))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def pdf():
    """One page, and an image in a stream of zlib."""
    image = zlib.compress(noise())
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Resources << /XObject << /I 4 0 R >> >> >>",
        b"<< /Type /XObject /Subtype /Image /Width 1024 /Height 1024 /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode"
        + b" /Length %d >>\nstream\n" % len(image) + image + b"\nendstream",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table = b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + table + b"trailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(out)


def make_zip(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(8):
            archive.writestr(f"text{number}", words(SIZE // 4))


def make_sqlite(path):
    base = sqlite3.connect(path)
    base.execute("create table t (number integer primary key, text text)")
    for number in range(1500):
        base.execute("insert into t values (?, ?)", (number, words(600).decode()))
    base.commit()
    base.close()


def make_pack(path):
    with tempfile.TemporaryDirectory() as place:

        def git(*arguments):
            identity = ["-c", "user.name=x", "-c", "user.email=x@x", "-c", "gc.auto=0"]
            subprocess.run(["git", "-C", place, *identity, *arguments], check=True, capture_output=True)

        git("init")
        for number in range(12):
            pathlib.Path(place, f"file{number}").write_bytes(noise(SIZE // 12))
        git("add", ".")
        git("commit", "-m", "files")
        git("repack", "-a", "-d")
        (pack,) = pathlib.Path(place, ".git/objects/pack").glob("*.pack")
        shutil.copyfile(pack, path)


def make_archive(path):
    subprocess.run(["ar", "cr", path, *sorted(pathlib.Path(objects).glob("part.[12].o"))], check=True)


def make_program(path):
    """A program with symbols, debug information and code enough for some records."""
    source = "".join(
        f"int f{n}(int a, int b) {{ int c = a * {n + 3} + b; for (int i = 0; i < b; i++) c ^= c << {n % 13 + 1} ^ i * {n}; return c; }}\n"
        for n in range(3000)
    )
    source += "int main(int n, char **v) { return f1(n, 2) & 1; }\n"
    subprocess.run(["gcc", "-g", "-O1", "-x", "c", "-o", path, "-"], input=source.encode(), check=True)


def pack_with(*command):
    return lambda path: pathlib.Path(path).write_bytes(
        subprocess.run(command, input=words(2 * SIZE), check=True, capture_output=True).stdout
    )


KINDS = {
    "program": make_program,
    "library.a": make_archive,
    "archive.zip": make_zip,
    "packed.gz": lambda path: pathlib.Path(path).write_bytes(gzip.compress(words(2 * SIZE))),
    "packed.xz": lambda path: pathlib.Path(path).write_bytes(lzma.compress(words(2 * SIZE))),
    "packed.bz2": lambda path: pathlib.Path(path).write_bytes(bz2.compress(words(2 * SIZE))),
    "packed.zst": pack_with("zstd", "-c"),
    "picture.png": lambda path: pathlib.Path(path).write_bytes(png()),
    "paper.pdf": lambda path: pathlib.Path(path).write_bytes(pdf()),
    "base.sqlite": make_sqlite,
    "objects.pack": make_pack,
}

objects, directory = sys.argv[1:]
os.makedirs(directory, exist_ok=True)
for name, make in KINDS.items():
    try:
        make(os.path.join(directory, name))
    except FileNotFoundError as error:
        print(f"left out: {name}: {error.filename} is missing")
