#!/usr/bin/env bash
# Records a real search, kills the tuner in the middle, resumes it, and looks at what is there.
# usage: demo.sh BUILD_FOLDER [--dir DIR]
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

build=$PWD/$1
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

finished_runs() {
  aimlog ls --json --status completed --limit 0 2>/dev/null | grep -c '"run"' || true
}

say "A search of 40 trials on handwritten digits; the plugin records it into $dir"
"${search[@]}" --throttle-ms 4 --quiet &
pid=$!
# Killed once some runs are through, so that there are ended and broken ones to see.
for _ in $(seq 300); do
  if [ "$(finished_runs)" -ge 5 ] || ! kill -0 "$pid" 2>/dev/null; then break; fi
  sleep 0.1
done
kill -9 "$pid"
wait "$pid" 2>/dev/null || true

say "kill -9 in the middle: the runs that were under way have crashed"
show aimlog ls --limit 12 || true

say "The same job, resumed: the same runs go on"
"${search[@]}" --resume
show aimlog ls --limit 12 --sort last:accuracy:desc
show aimlog best --metric loss --mode min
show aimlog plot loss best:loss

say "The repo is $dir/.aimlog. Look around:"
echo "    export PATH=$build/cli:\$PATH AIMLOG_REPO=$dir"
echo "    aimlog --help"
