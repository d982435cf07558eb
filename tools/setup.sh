# What must be installed, and how to get it. Sourced by ./do.
# SPDX-License-Identifier: Apache-2.0

# One line a need: for whom, how to see that it is there (a program, pc:NAME for pkg-config, or a
# case of its own below), and the Debian packages that bring it; the first that exists is taken.
needs='
build g++                 g++
build meson               meson
build ninja               ninja-build
build pkg-config          pkg-config
build objcopy             binutils
build pc:yaml-cpp         libyaml-cpp-dev
build pc:lmdb             liblmdb-dev
build pc:libzstd          libzstd-dev
build pc:libxxhash        libxxhash-dev
build pc:spdlog           libspdlog-dev
build pc:CLI11            libcli11-dev
build pc:nlohmann_json    nlohmann-json3-dev
build pc:re2              libre2-dev
build pc:rocksdb          librocksdb-dev
build pc:sqlite3          libsqlite3-dev
build boost               libboost-filesystem-dev
python pc:python3         python3-dev
python venv               python3-venv
test  pc:catch2           catch2
test  python3             python3
test  clang++-14          clang-14 clang
test  libfuzzer           libclang-rt-14-dev libclang-rt-dev
test  clang-format-14     clang-format-14 clang-format
test  clang-tidy-14       clang-tidy-14 clang-tidy
test  strace              strace
test  readelf             binutils
pages browser             chromium chromium-browser
power qemu-storage-daemon qemu-system-common
power mkfs.ext4           e2fsprogs
power mkfs.xfs            xfsprogs
power losetup             mount util-linux
bench pc:benchmark        libbenchmark-dev
'

is_root() { [ "$(id -u)" = 0 ]; }

# Prints the packages for the given groups that dpkg does not have.
missing_packages() {
  local group check packages package found
  while read -r group check packages; do
    case " $* " in *" $group "*) ;; *) continue ;; esac
    found=
    for package in $packages; do
      if dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed'; then
        found=yes
      fi
    done
    if [ -z "$found" ]; then echo "$packages"; fi
  done <<<"$needs"
}

# What cannot be installed is named, and the caller goes on: it may be there without a package, or
# not be needed.
install_packages() {
  local as_root=() wanted=() line package
  if ! is_root; then
    if ! command -v sudo >/dev/null; then
      echo "these packages are missing, and there is no sudo to install them:" "$@" >&2
      return 0
    fi
    as_root=(sudo)
  fi
  echo "installing with apt:" "$@"
  # It also fails where one of many sources does; what the others have is still to be had.
  "${as_root[@]}" apt-get update -qq || echo "apt-get update failed" >&2
  for line in "$@"; do
    for package in $line; do
      if apt-cache show "$package" >/dev/null 2>&1; then
        wanted+=("$package")
        break
      fi
    done
  done
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
    --no-install-recommends "${wanted[@]}" >/dev/null; then
    echo "these packages are missing, and apt could not install them:" "$@" >&2
  fi
}

# Without apt: names what is missing. Libraries may still come from subprojects/, programs not.
report_missing() {
  local group check packages missing_program=
  while read -r group check packages; do
    case " $* " in *" $group "*) ;; *) continue ;; esac
    case $check in
      pc:*)
        pkg-config --exists "${check#pc:}" 2>/dev/null ||
          echo "missing: ${check#pc:} (Debian calls it ${packages%% *}); trying subprojects/" >&2
        ;;
      boost)
        echo '#include <boost/dll/shared_library.hpp>' | g++ -E -x c++ - >/dev/null 2>&1 ||
          echo "missing: Boost.DLL and Boost.Filesystem" >&2
        ;;
      browser)
        command -v chromium google-chrome >/dev/null ||
          echo "missing: a browser, chromium or google-chrome" >&2
        ;;
      libfuzzer)
        echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }' |
          clang++ -fsanitize=fuzzer -x c++ - -o /dev/null 2>/dev/null ||
          echo "missing: libFuzzer, which comes with clang's run-time library" >&2
        ;;
      venv)
        if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
          echo "missing: Python's venv and ensurepip" >&2
          missing_program=yes
        fi
        ;;
      *)
        if ! command -v "$check" >/dev/null && ! command -v "${check%-14}" >/dev/null; then
          echo "missing: the program $check" >&2
          missing_program=yes
        fi
        ;;
    esac
  done <<<"$needs"
  if [ -n "$missing_program" ]; then exit 1; fi
}

# set_up GROUP...: brings everything that these groups need, or tells the reader what is missing.
set_up() {
  if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
    local lines=()
    mapfile -t lines < <(missing_packages "$@")
    if [ "${#lines[@]}" -gt 0 ]; then install_packages "${lines[@]}"; fi
  else
    report_missing "$@"
  fi
}
