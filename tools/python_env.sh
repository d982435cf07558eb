# A Python environment for tests and demos, in build/. Sourced by ./do.
# SPDX-License-Identifier: Apache-2.0

# python_env DIR REQUIREMENTS...: makes it, or anew after a change of the files or of Python.
python_env() {
  local dir=$1 file stamp words=()
  shift
  stamp=$({ python3 --version && cat "$@"; } | sha256sum)
  if [ "$(cat "$dir/made-of" 2>/dev/null)" = "$stamp" ]; then return; fi
  for file in "$@"; do words+=(-r "$file"); done
  echo "installing $* into $dir"
  rm -rf "$dir"
  python3 -m venv "$dir"
  # With `wheel`, pip says nothing of how an old package of the list is built.
  "$dir/bin/pip" install --quiet --disable-pip-version-check wheel
  "$dir/bin/pip" install --quiet --disable-pip-version-check "${words[@]}"
  echo "$stamp" >"$dir/made-of"
}

# With the callbacks that ours is compared with.
demo_env() {
  python_env build/venv-demo tests/python/requirements.txt python/demo/requirements.txt
}
