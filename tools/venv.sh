#!/usr/bin/env bash
# Makes build/venv and prints its interpreter. With REQUIREMENTS (a file), installs those as well.
#
# Everything of ours that needs Python packages runs in this environment: pip refuses to write into
# the system's (PEP 668), and another interpreter that comes first on PATH may lack what the
# distribution's has. Does nothing when the same requirements are in already.
#
#   tools/venv.sh [REQUIREMENTS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly kVenv=build/venv

if [[ ! -f $kVenv/complete ]]; then
  rm -rf "$kVenv"
  mkdir -p build
  /usr/bin/python3 -m venv "$kVenv" >&2
  touch "$kVenv/complete"
fi
if [[ $# -gt 0 ]]; then
  stamp=$kVenv/$(sha256sum "$1" | cut -c1-32).installed
  if [[ ! -f $stamp ]]; then
    "$kVenv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
      --only-binary=:all: --require-hashes -r "$1" >&2
    rm -f "$kVenv"/*.installed
    touch "$stamp"
  fi
fi
echo "$PWD/$kVenv/bin/python"
