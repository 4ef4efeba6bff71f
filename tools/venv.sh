#!/usr/bin/env bash
# Makes build/venv, or the folder VENV, and prints its interpreter. With REQUIREMENTS (a file),
# installs those as well.
#
# Everything of ours that needs Python packages runs in this environment: pip refuses to write into
# the system's (PEP 668), and another interpreter that comes first on PATH may lack what the
# distribution's has. Does nothing when the same requirements are in already.
#
#   tools/venv.sh [REQUIREMENTS [VENV]]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly venv=${2:-build/venv}

if [[ ! -f $venv/complete ]]; then
  rm -rf "$venv"
  mkdir -p "$(dirname "$venv")"
  /usr/bin/python3 -m venv "$venv" >&2
  touch "$venv/complete"
fi
if [[ $# -gt 0 ]]; then
  stamp=$venv/$(sha256sum "$1" | cut -c1-32).installed
  if [[ ! -f $stamp ]]; then
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
      --only-binary=:all: --require-hashes -r "$1" >&2
    rm -f "$venv"/*.installed
    touch "$stamp"
  fi
fi
echo "$PWD/$venv/bin/python"
