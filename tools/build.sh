# Build folders. Sourced by ./do. Meson takes ccache by itself where there is one.
# SPDX-License-Identifier: Apache-2.0

release=build/release
# What people use, optimized, without tests; no debug information, which would take a third of the
# time.
release_options=(-Doptimization=2 -Ddebug=false -Dtests=false)

# configure DIR [MESON OPTION...]: makes the folder once; Meson itself notices later changes.
configure() {
  local dir=$1
  shift
  if [ -e "$dir/build.ninja" ]; then return; fi
  mkdir -p build
  meson setup "$dir" "$@" >"build/setup.log" || {
    tail -n 40 build/setup.log >&2
    return 1
  }
}

build_release() {
  configure "$release" "${release_options[@]}"
  ninja -C "$release" --quiet
}
