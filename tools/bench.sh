#!/usr/bin/env bash
# Builds and runs the benchmarks; numbers are ratios against a floor measured in the same run.
# usage: bench.sh [--quick] [--json]
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
. tools/build.sh

options=()
python_options=()
read_options=()
while [ $# -gt 0 ]; do
  case $1 in
    --quick)
      options+=(--benchmark_min_time=0.05)
      python_options+=(--quick)
      read_options+=(--points 1000000)
      ;;
    --json)
      options+=(--benchmark_format=json)
      python_options+=(--json)
      ;;
    *)
      echo "bench: unknown option $1" >&2
      exit 2
      ;;
  esac
  shift
done

build=build/bench
configure "$build" -Dbuildtype=release -Dbenchmarks=true -Dcli=false -Dhost_example=false \
  -Dpython=enabled
# Meson knows which programs are benchmarks.
meson introspect "$build" --benchmarks >build/benchmarks.json
mapfile -t programs < <(python3 -c '
import json
for one in json.load(open("build/benchmarks.json")):
    print(" ".join(one["cmd"]))')
if [ "${#programs[@]}" = 0 ]; then
  echo "bench: no benchmark is built here" >&2
  exit 1
fi
for program in "${programs[@]}"; do
  read -ra words <<<"$program"
  # The program, and the plugins that it is given.
  ninja -C "$build" --quiet "${words[@]#"$PWD/$build/"}" >&2
  (cd "$build" && "${words[@]}" "${options[@]}")
done
ninja -C "$build" --quiet python-package >&2
PYTHONPATH=$build/python build/venv-demo/bin/python python/bench/callbacks_bench.py \
  "${python_options[@]}"
PYTHONPATH=$build/python build/venv-demo/bin/python python/bench/read_series.py \
  "${read_options[@]}"
