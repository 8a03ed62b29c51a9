#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the seeds of the LZ family's fuzz targets from tests/vectors/lz: small streams of every kind, good and bad."""
import hashlib
import json
import pathlib
import struct
import zlib

here = pathlib.Path(__file__).resolve().parent
vectors = here.parent / "vectors" / "lz"
index = json.loads((vectors / "index.json").read_text())
streams = (vectors / index["streams"]).read_bytes()
expects = (vectors / index["expect"]).read_bytes()


def stream(place):
    return streams[place["offset"]:place["offset"] + place["size"]]


def expect(place):
    return zlib.decompress(expects[place["offset"]:place["offset"] + place["zsize"]])


def write(target, seed):
    folder = here / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha256(seed).hexdigest()[:12]).write_bytes(seed)


def few(entries, limit, size):
    """Every so many of the entries whose stream isn't larger than size."""
    entries = [e for e in entries if e["stream"]["size"] <= size]
    return entries[::max(1, len(entries) // limit)]


by_codec = {}
for entry in index["vectors"]:
    by_codec.setdefault(entry["codec"], []).append(entry)

for kind in range(1, 12):
    for entry in few([e for e in by_codec["lz"] if e["lz_type"] == kind], 4, 300):
        write("lz", stream(entry["stream"]))
for entry in few(by_codec["bad-lz"], 20, 300):
    write("lz", stream(entry["stream"]))
for entry in by_codec["glz"]:
    images = [stream(i["stream"]) for i in entry["images"] if i["image_type"] == "GLZ_RGB"][:6]
    write("glz", b"".join(struct.pack("<H", len(i)) + i for i in images if len(i) < 2000))
for entry in by_codec["bad-glz"]:
    images = [stream(i) for i in entry.get("context", [])] + [stream(entry["stream"])]
    write("glz", b"".join(struct.pack("<H", len(i)) + i for i in images))
for entry in by_codec["glz"]:
    for image in [i for i in entry["images"] if i["image_type"] != "GLZ_RGB" and i["head_distance"] < 3][:4]:
        write("zlib-glz", struct.pack("<BBI", image["width"] % 256, image["height"] % 256, image["glz_data_size"])
              + stream(image["stream"]))
    image = entry["images"][0]
    if image["stream"]["size"] < 1000 and image["image_type"] == "GLZ_RGB":
        write("zlib-glz", struct.pack("<BBI", image["width"] % 256, image["height"] % 256, 0) + stream(image["stream"]))
for entry in by_codec["bad-zlib_glz"]:
    write("zlib-glz", struct.pack("<BBI", entry["width"], entry["height"], entry["glz_data_size"])
          + stream(entry["stream"]))
for entry in few(by_codec["lz4"], 12, 1200) + by_codec["bad-lz4"]:
    write("lz4", struct.pack("<BB", entry["width"], entry["height"]) + stream(entry["stream"]))
for entry in few(by_codec["jpeg"], 6, 1500):
    write("jpeg", stream(entry["stream"]))
for frame in by_codec["mjpeg"][0]["frames"][:3]:
    write("jpeg", stream(frame["stream"]))
for entry in few(by_codec["jpeg_alpha"], 4, 1500) + by_codec["bad-jpeg_alpha"]:
    write("jpeg-alpha", struct.pack("<BI", entry["flags"], entry["jpeg_size"]) + stream(entry["stream"]))
for number, entry in enumerate(few([e for e in by_codec["lz"] if e["expect"]["size"] <= 2000], 40, 1000)):
    write("lz-roundtrip", bytes([number % 8, max(0, entry["width"] - 1) % 256]) + expect(entry["expect"]))
