"""Makes the seeds in corpus/. Needs numpy, opencv-python-headless and pyarrow."""
import gzip
import hashlib
import io
import json
import struct
import tarfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CORPUS = Path(__file__).parent / "corpus"


def put(target, name, data):
    (CORPUS / target).mkdir(parents=True, exist_ok=True)
    (CORPUS / target / name).write_bytes(data)


def saved(save, *args, **kwargs):
    out = io.BytesIO()
    save(out, *args, **kwargs)
    return out.getvalue()


def archive(method):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        z.writestr("a/b.txt", "hello")
        z.writestr("c", bytes(500))
    return out.getvalue()


idx = struct.pack(">4I", 0x803, 3, 2, 2) + bytes(range(12))
put("idx", "plain", idx)
put("idx", "packed", gzip.compress(idx, mtime=0))
put("cifar", "record", bytes([3]) + bytes(3072))
put("cifar", "fine", bytes([3, 70]) + bytes(3072))
put("zip", "stored", archive(zipfile.ZIP_STORED))
put("zip", "deflated", archive(zipfile.ZIP_DEFLATED))
for name, kind in [("ustar", tarfile.USTAR_FORMAT), ("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)]:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as tar:
        for member in ["a.txt", ("d/" * 45 if name == "ustar" else "d/" * 60) + "long"]:
            info = tarfile.TarInfo(member)
            info.size = 5
            tar.addfile(info, io.BytesIO(b"hello"))
    put("tar", name, out.getvalue()[:3072])
for kind in ["u1", "<i8", "<i4", "<u2", "<f8"]:
    put("npy", kind.strip("<"), saved(np.save, np.arange(6).reshape(2, 3).astype(kind)))
for kind in ["f4", ">i8", "S3", ">U3"]:
    put("npy", kind.replace(">", "big-"), saved(np.save, np.arange(6).reshape(2, 3).astype(kind)))
put("npy", "fortran", saved(np.save, np.asfortranarray(np.arange(6, dtype="i2").reshape(2, 3))))
put("npy", "version-2", saved(np.lib.format.write_array, np.arange(3), version=(2, 0)))
nested = "{'descr': '|u1', 'fortran_order': False, 'shape': " + "(1, " * 32 + "1" + ")" * 32 + "}\n"
put("npy", "nested", b"\x93NUMPY\x01\0" + struct.pack("<H", len(nested)) + nested.encode())
put("npy", "objects", saved(np.save, np.array([{}], dtype=object), allow_pickle=True))
for name, save in [("stored", np.savez), ("deflated", np.savez_compressed)]:
    put("npz", name, saved(save, data=np.zeros((2, 768), np.uint8), labels=np.array([1, 1000]), mean=np.zeros(3)))
names, steps = np.array([b"adam_lr_-3.00", b"adam_lr_-2.00"]), np.array([0, 200, 400])
for name, kind in [("single", "f4"), ("half", "f2"), ("double", "f8")]:
    losses = np.linspace(2, 1, 2 * 2 * 3 * 4).reshape(2, 2, 3, 4).astype(kind)
    save = np.savez if kind == "f4" else np.savez_compressed
    put("released_npz", name, saved(save, optimizers=names, xs=steps, ys=losses))
picture = (np.arange(8 * 6 * 3) * 7 % 256).astype(np.uint8).reshape(8, 6, 3)
for kind in ["png", "jpg", "bmp", "tiff"]:
    put("picture", kind, cv2.imencode("." + kind, picture)[1].tobytes())
put("picture", "grey.png", cv2.imencode(".png", picture[:, :, 0])[1].tobytes())
gif = "47494638396103000300800100ffffff00000021f90401000001002c0000000003000300000204448c8905003b"
put("picture", "gif", bytes.fromhex(gif))
# Formats of prepared copies: versions, fields and the recipe are those of datasets/src/prepared.
recipe = "2 cifar10 Cifar10 32×32×3 10 SourceSizes { train: 50000, validation: None, test: Some(10000) } HeldOut { sampled: 5000, fixed: 3000 }"


def sha256(contents):
    return hashlib.sha256(contents).digest()


def sealed(magic, version, fields, payload, behind=b""):
    header = magic + struct.pack("<I", version) + fields.ljust(188, b"\0") + sha256(payload)
    return header + sha256(header) + payload + behind


payload = bytes(3 * 3072) + struct.pack("<3H", 1, 2, 3)
fields = struct.pack("<5I", 1, 32, 32, 3, 10) + struct.pack("<5Q", 2, 2**64 - 1, 1, 1, 1) + sha256(recipe.encode())
put("prepared", "three", sealed(b"TSKSIMG\0", 3, fields, payload))
payload, notes = struct.pack("<3H2x4Q", 1, 2, 256, 1, 1, 2, 3) + bytes([0, 1, 1, 0]), b"a note"
fields = struct.pack("<I", 1) + struct.pack("<7Q", 257, 3, 4, 3, 4, 6, 0) + sha256(b"imdb_reviews/bytes") + sha256(notes)
put("prepared", "tokens", sealed(b"TSKSTXT\0", 5, fields, payload, notes))
pictures = [{"bytes": cv2.imencode(".png", picture)[1].tobytes(), "path": "x.png"}] * 2
for codec in ["snappy", "zstd", "none"]:
    table = pa.table({"img": pictures, "label": pa.array([1, 2], pa.int64())})
    put("hub_parquet", codec, saved(lambda out: pq.write_table(table, out, compression=codec)))
words = ["the_", "a", "s_", "ing_", "и"]
vocabulary = "### SubwordTextEncoder\n### Metadata: {}\n" + "".join(f"'{w}'\n" for w in words)
put("vocabulary", "small", vocabulary.encode())
review = json.dumps({"overall": 5.0, "reviewText": "Good."}) + "\n" + json.dumps({"rating": 2, "text": "Bad."}) + "\n"
put("amazon", "lines.json", review.encode())
put("amazon", "packed", gzip.compress(review.encode(), mtime=0))
columns = "marketplace customer_id review_id product_id product_parent product_title product_category star_rating helpful_votes total_votes vine verified_purchase review_headline review_body review_date".split()
row = "US 1 R1 B1 2 Title Books 5 0 0 N Y Head Body 2015-08-31".split()
put("amazon", "tsv", ("\t".join(columns) + "\n" + "\t".join(row) + "\n").encode())
article = '<doc id="12" url="http://x" title="A">\nA\n\nA paragraph of text.\n</doc>\n'
put("wikipedia", "article", article.encode())
