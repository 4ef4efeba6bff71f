#!/usr/bin/env bash
# Configures build/PRESET when that is needed: tools/configure.sh PRESET
#
# Ninja runs CMake again by itself when a CMakeLists.txt changes, but not when the presets do, nor
# when the tree has been moved since.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly kBuild=build/$1

if [[ -f $kBuild/build.ninja && $kBuild/build.ninja -nt CMakePresets.json ]] &&
  grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$kBuild/CMakeCache.txt"; then
  exit 0
fi
rm -rf "$kBuild/CMakeCache.txt" "$kBuild/CMakeFiles/"[0-9]*
cmake --preset "$1"
# CMake leaves an unchanged build.ninja untouched, and then it would look old for ever.
touch "$kBuild/build.ninja"
