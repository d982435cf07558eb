#!/usr/bin/env bash
# Records a real search, kills the tuner in the middle, resumes it, and looks at what is there.
# usage: demo.sh BUILD_FOLDER [--dir DIR]
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

build=$(realpath "$1")
shift
dir=$PWD/build/demo
if [ "${1:-}" = --dir ]; then
  dir=$(realpath -m "$2")
  if [ -e "$dir" ] && [ -n "$(ls -A "$dir")" ]; then
    echo "demo: $dir is not empty" >&2
    exit 2
  fi
else
  rm -rf "$dir"
fi
mkdir -p "$dir"

tuner=$build/host-example/tuner
plugin=$build/plugin/adapter/libaimlog.so
PATH=$build/cli:$PATH
export AIMLOG_REPO=$dir

say() { printf '\n--- %s\n' "$*"; }
show() {
  printf '\n$ %s\n' "$*"
  "$@"
}

cat >"$dir/aimlog.yaml" <<'END'
repo: .
experiment: digits
tags: [demo]
END

search=("$tuner" --plugin "$plugin" --config "$dir/aimlog.yaml" --job-dir "$dir/job"
  --scheduler asha --samples 40 --workers 2 --epochs 12 --seed 7)

loss='loss{subset=val}'
accuracy='accuracy{subset=val}'
columns="id,trial,status,attempts,step,$loss.min,$accuracy.last"

runs() { aimlog ls --columns id --format csv 2>/dev/null | tail -n +2 | wc -l; }

say "A search of 40 trials on handwritten digits; the plugin records it into $dir"
"${search[@]}" --throttle-ms 6 --quiet &
pid=$!
# Killed once most trials have begun, so that there is something of every kind to see.
for _ in $(seq 300); do
  if [ "$(runs)" -ge 20 ] || ! kill -0 "$pid" 2>/dev/null; then break; fi
  sleep 0.1
done
if ! kill -9 "$pid" 2>/dev/null; then
  echo "demo: the tuner ended before it could be killed" >&2
  exit 1
fi
wait "$pid" 2>/dev/null || true

say "kill -9 in the middle: what was under way has crashed, nothing acknowledged is lost"
show aimlog ls --limit 8 --columns "$columns"

say "The same job, resumed: the same runs go on"
"${search[@]}" --resume
show aimlog ls --limit 12 --columns "$columns" --sort "$accuracy.last:desc"
show aimlog best --metric "$loss" --mode min
show aimlog plot "$loss" "best:$loss:min"

say "The repo is $dir/.aimlog. Look around:"
printf '    export PATH=%q:$PATH AIMLOG_REPO=%q\n' "$build/cli" "$dir"
echo "    aimlog --help"
