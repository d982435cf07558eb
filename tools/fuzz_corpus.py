"""What fuzzing begins with: for each harness a folder of inputs with names, made by hand or from a
finding, and a pack of those that an engine found to reach something new.

A pack holds of each input its size in 4 bytes, little-endian, and its bytes.
SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import shutil
import struct

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPUS = ROOT / "tests/fuzz/corpus"


def named(target):
    """The folders of inputs with names."""
    folders = [CORPUS / target]
    if target == "yaml":
        folders.append(ROOT / "tests/unit/config/bad")
    return [folder for folder in folders if folder.is_dir()]


def unpack(target, folder):
    """Each input of the target's pack as a file of `folder`, which is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pack = CORPUS / f"{target}.pack"
    rest = pack.read_bytes() if pack.exists() else b""
    number = 0
    while rest:
        (size,) = struct.unpack_from("<I", rest)
        if len(rest) < 4 + size:
            raise ValueError(f"{pack} is cut short")
        (folder / f"{number:05}").write_bytes(rest[4 : 4 + size])
        rest = rest[4 + size :]
        number += 1
    return folder


def pack(target, folder):
    """Makes the pack of what the folder holds and no named input is. Returns number and bytes."""
    known = {file.read_bytes() for part in named(target) for file in part.iterdir()}
    inputs = {file.read_bytes() for file in folder.iterdir()} - known
    ordered = sorted(inputs, key=lambda each: (len(each), each))
    packed = b"".join(struct.pack("<I", len(each)) + each for each in ordered)
    (CORPUS / f"{target}.pack").write_bytes(packed)
    return len(ordered), len(packed)
