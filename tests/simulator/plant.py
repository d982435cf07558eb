"""Plants a fault: writes a source file again with pieces of it replaced.

    plant.py ROOT SOURCE TREE OUTPUT [OLD NEW]...

Each OLD must stand in SOURCE once, so that a fault which the source has outgrown is noticed. The
file is also put into TREE under the path that it has below ROOT, where includes find a header.
SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import sys


def main(root, source, tree, output, *pieces):
    text = pathlib.Path(source).read_text()
    for old, new in zip(pieces[::2], pieces[1::2], strict=True):
        if text.count(old) != 1:
            sys.exit(f"{source}: this, which the planted fault replaces, is not there once:\n{old}")
        text = text.replace(old, new)
    path = pathlib.Path(source).resolve().relative_to(pathlib.Path(root).resolve())
    place = pathlib.Path(tree) / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    pathlib.Path(output).write_text(text)


main(*sys.argv[1:])
