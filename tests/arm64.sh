#!/usr/bin/env bash
# The whole library for arm64, on another machine: cross-compiled with Debian's packages of that architecture, which
# come to build/arm64 alone, and its tests of files and of the public interface run by qemu. It takes long, so
# tests/run.sh has only the scanner's (tests/arm64/).
#
#   tests/arm64.sh [REGEX]       the tests of these names; else unit.*, api.* and fuzz.*
#
# It needs gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, qemu-user, cmake, ninja-build and pkg-config, and apt-get to
# download with; nothing is installed. S3, Azure, PostgreSQL and ISA-L are left out. A test is given ten times as long.
set -euo pipefail
cd "$(dirname "$0")/.."
tests=${1:-^(unit|api|fuzz)[.]}
work=$PWD/build/arm64
root=$work/root
libraries=$root/usr/lib/aarch64-linux-gnu
packages="libssl-dev libssl3 libsqlite3-dev libsqlite3-0 zlib1g-dev zlib1g libyajl-dev libyajl2 libcmocka-dev libcmocka0"

# Packages of arm64 with lists of their own: those of the machine stay as they are.
download() {
  local apt="$work/apt" options
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/debs" "$root"
  : >"$apt/status"
  options=(-q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o "Dir::State::status=$apt/status"
    -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update
  # shellcheck disable=SC2086 # a list of words
  (cd "$apt/debs" && apt-get "${options[@]}" download $packages)
  for deb in "$apt"/debs/*.deb; do dpkg-deb -x "$deb" "$root"; done
  touch "$work/downloaded"
}

[ -e "$work/downloaded" ] || download

cat >"$work/toolchain.cmake" <<END
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH $root)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_C_FLAGS_INIT "-isystem $root/usr/include/aarch64-linux-gnu")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,-rpath-link,$libraries")
set(CMAKE_CROSSCOMPILING_EMULATOR "qemu-aarch64;-L;/usr/aarch64-linux-gnu;-E;LD_LIBRARY_PATH=$libraries")
END
export PKG_CONFIG_LIBDIR=$libraries/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root
cmake -G Ninja -S . -B "$work/build" -DCMAKE_TOOLCHAIN_FILE="$work/toolchain.cmake" -DCMAKE_BUILD_TYPE=Release \
  -DFHX_WITH_S3=OFF -DFHX_WITH_AZURE=OFF -DFHX_WITH_POSTGRES=OFF -DFHX_WITH_ISAL=OFF -DFHX_WERROR=OFF
cmake --build "$work/build"
FHX_QUICK=1 ctest --test-dir "$work/build" --output-on-failure -j "$(nproc)" -R "$tests"
