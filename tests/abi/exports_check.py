#!/usr/bin/env python3
"""What a plugin shows to the world: one function, nothing UNIQUE. Prints the libraries it needs.

usage: exports_check.py [--expect-fault TEXT] PLUGIN.so

With --expect-fault the run is good if the plugin is refused with that text: so bad modules are
shown to be caught. A missing tool is a failure, never a pass.
"""
import subprocess
import sys

ENTRY = "tuner_plugin_entry"


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def symbols(path):
    """(binding, name) of every symbol that the file defines and exports."""
    for line in output_of("readelf", "--dyn-syms", "--wide", path).splitlines():
        words = line.split()
        if len(words) >= 8 and words[0].rstrip(":").isdigit() and words[6] != "UND":
            yield words[4], words[7].split("@")[0]


def faults(path):
    exported = list(symbols(path))
    names = sorted(name for _, name in exported)
    if names != [ENTRY]:
        yield f"exports {', '.join(names) or 'nothing'} instead of {ENTRY} alone"
    # UNIQUE also counts where it is not exported: the linker would still mark the library.
    for line in output_of("readelf", "--syms", "--wide", path).splitlines():
        if " UNIQUE " in line:
            yield f"UNIQUE symbol {line.split()[-1]}: the library would never be unloaded"
    if "NODELETE" in output_of("readelf", "--dynamic", "--wide", path):
        yield "marked NODELETE: the library would never be unloaded"


def main(arguments):
    expected = None
    if arguments[:1] == ["--expect-fault"]:
        expected = arguments[1]
        arguments = arguments[2:]
    if len(arguments) != 1:
        print(__doc__)
        return 2
    found = list(faults(arguments[0]))
    for line in output_of("readelf", "--dynamic", "--wide", arguments[0]).splitlines():
        if "(NEEDED)" in line:
            print("needs", line.split("[")[-1].rstrip("]"))
    for fault in found:
        print("fault:", fault)
    if expected is not None:
        return 0 if any(expected in fault for fault in found) else 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
