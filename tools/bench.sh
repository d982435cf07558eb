#!/usr/bin/env bash
# Builds and runs the benchmarks: each number stands beside a reference measured in the same run.
# usage: bench.sh [--quick] [--json] [--page [NOTE]]
# With --json, standard output is one object a line and nothing else. --page writes
# docs/benchmarks.md and its pictures from this run, with NOTE about the machine.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
. tools/build.sh

options=()
page=
note=
while [ $# -gt 0 ]; do
  case $1 in
    --quick | --json) options+=("$1") ;;
    --page)
      page=yes
      if [ $# -gt 1 ] && [ "${2#--}" = "$2" ]; then
        note=$2
        shift
      fi
      ;;
    *)
      echo "bench: unknown option $1" >&2
      exit 2
      ;;
  esac
  shift
done
if [ -n "$page" ]; then options+=(--json); fi

build=$PWD/build/bench
python=$PWD/build/venv-bench/bin/python
export PYTHONPATH=$build/python:$PWD/tests/bench
configure "$build" -Dbuildtype=release -Dbenchmarks=true -Dhost_example=false -Dpython=enabled >&2
meson configure "$build" -Dcli=true >&2
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
idle_plugin=abi/examples/minimal/tuner_best.so
targets=(python-package cli/aimlog tests/bench/fill_repo "$idle_plugin")
for program in "${programs[@]}"; do
  read -ra words <<<"$program"
  # The program, and the plugins that it is given.
  targets+=("${words[@]#"$build/"}")
done
ninja -C "$build" --quiet "${targets[@]}" >&2

failed=0
# The benchmarks after one that fails are still of use.
measure() {
  local begin=$SECONDS
  "$@" "${options[@]}" || {
    echo "bench: it failed: $*" >&2
    failed=1
  }
  echo "bench: $((SECONDS - begin)) s for ${*##*/}" >&2
}
measure_all() {
  local program words plugin=$build/plugin/adapter/libaimlog.so
  for program in "${programs[@]}"; do
    read -ra words <<<"$program"
    # Meson's paths begin there.
    pushd "$build" >/dev/null
    measure "${words[@]}"
    popd >/dev/null
  done
  measure "$python" tests/bench/command_bench.py --command "$build/cli/aimlog" \
    --plugin "$plugin" --fill "$build/tests/bench/fill_repo"
  measure "$python" tests/bench/live_bench.py --plugin "$plugin" \
    --trials-bench "$build/tests/bench/trials_bench"
  measure "$python" tests/bench/sizes_bench.py --plugin "$plugin" \
    --fill "$build/tests/bench/fill_repo" --codec-bench "$build/tests/bench/codec_bench" \
    --demo python/demo/ray_demo.py
  measure "$python" python/bench/callbacks_bench.py
  measure "$python" python/bench/stages_bench.py --idle-plugin "$build/$idle_plugin"
  measure "$python" python/bench/read_series.py
}
if [ -n "$page" ]; then
  measure_all >build/bench.jsonl
  "$python" tools/bench_page.py build/bench.jsonl --note "$note"
else
  measure_all
fi
exit "$failed"
