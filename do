#!/usr/bin/env bash
# Everything a person does with this project, one verb each. `./do help` lists them.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
start=$PWD
cd "$(dirname "$(readlink -f "$0")")"
. tools/setup.sh
. tools/build.sh
. tools/python_env.sh

usage() {
  cat <<'END'
usage: ./do VERB [OPTION...]

  build                           set up what is missing, build plugin, command and example tuner
  demo [--dir DIR]                build, then record a search, kill it, resume it, look at it
  test [--long] [SUITE...]        build and run every test, again under sanitizers
                                  suites: unit abi record crash cli python aim tidy fuzz asan
                                  tsan command; in a long run a test that this machine cannot
                                  do has failed, but with --allow-not-run
  fuzz [--seconds N] [TARGET...]  build the fuzz harnesses for libFuzzer and run them;
                                  --goal S --minutes M evens out the CPU time that each has had;
                                  --merge grows the tests' corpus, --ledger adds up all runs
  ray-demo [--dir DIR]            tune with Ray, AimLoggerCallback and AimlogCallback side by side
  bench [--quick] [--json]        build and run the benchmarks; --page [NOTE] writes
                                  docs/benchmarks.md from the numbers
  wheel [PYTHON]                  build the wheel of the Python package, and try it out
  format [--check]                lay out all C and C++ sources with clang-format
  tidy                            run clang-tidy over all sources
  clean                           remove everything that was built
  help                            show this

Everything built goes to build/. On Debian and Ubuntu missing packages are installed with apt;
elsewhere the script says what is missing and goes on with what is there.
END
}

# The path of a file that somebody named from where they stand.
from_start() { (cd "$start" && realpath -ms "$1"); }

# Whether these words for `./do test` choose suites that need the real Ray, Optuna and Aim.
needs_python_env() {
  local word chosen=
  for word in "$@"; do
    if [ "$word" = python ] || [ "$word" = aim ]; then return 0; fi
    if [ "${word#-}" = "$word" ]; then chosen=yes; fi
  done
  [ -z "$chosen" ]
}

do_build() {
  set_up build
  build_release
  echo "plugin:  $release/plugin/adapter/libaimlog.so"
  echo "command: $release/cli/aimlog"
  echo "tuner:   $release/host-example/tuner"
}

do_demo() {
  set_up build
  build_release
  if [ "${1:-}" = --dir ]; then
    set -- --dir "$(from_start "$2")" "${@:3}"
  fi
  exec tools/demo.sh "$release" "$@"
}

do_ray_demo() {
  local dir=build/ray-demo
  if [ "${1:-}" = --dir ]; then
    dir=$(from_start "$2")
    shift 2
  fi
  set_up build python
  demo_env
  build_release
  # The folder may be from before Python's headers were there.
  meson configure "$release" -Dpython=enabled
  ninja -C "$release" --quiet python-package
  PYTHONPATH=$release/python exec build/venv-demo/bin/python python/demo/ray_demo.py "$dir" "$@"
}

do_test() {
  set_up build python test
  local long=
  case " $* " in *" --long "*) long=yes ;; esac
  if needs_python_env "$@"; then
    python_env build/venv tests/python/requirements.txt tests/aim/requirements.txt
    if [ -n "$long" ]; then
      python_env build/venv-oldest-ray tests/python/requirements-oldest-ray.txt
      export AIMLOG_OLDEST_RAY_PYTHON=$PWD/build/venv-oldest-ray/bin/python
    fi
  fi
  if [ -n "$long" ]; then set_up pages power; fi
  exec python3 tools/run_tests.py "$@"
}

do_fuzz() {
  set_up build test
  exec python3 tools/fuzz.py "$@"
}

do_bench() {
  # Standard output is the benchmarks' alone.
  set_up build python test bench >&2
  python_env build/venv-bench tests/python/requirements.txt python/demo/requirements.txt \
    tests/bench/requirements.txt >&2
  exec tools/bench.sh "$@"
}

do_wheel() {
  set_up build python
  # A name without a slash is looked up on PATH.
  case ${1:-} in */*) set -- "$(from_start "$1")" ;; esac
  exec tools/wheel.sh "$@"
}

do_format() {
  set_up test
  exec python3 tests/tidy/check_format.py "${1:---fix}"
}

do_tidy() {
  set_up build test bench
  # Only configured: how each file is compiled is all that is asked.
  configure build/tidy -Dbenchmarks=true
  exec python3 tests/tidy/check_clang_tidy.py build/tidy --all
}

do_clean() {
  rm -rf build
}

verb=${1:-help}
shift || true
case $verb in
  build | demo | test | fuzz | bench | wheel | format | tidy | clean) "do_$verb" "$@" ;;
  ray-demo) do_ray_demo "$@" ;;
  help | -h | --help) usage ;;
  *)
    echo "./do: unknown verb '$verb'" >&2
    usage >&2
    exit 2
    ;;
esac
