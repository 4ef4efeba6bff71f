#!/bin/sh
# Makes every generated example and test model again and compares it with the committed bytes.
#
# Usage: examples/check.sh [--write]
#   --write  put the new files in place of the committed ones instead of comparing
#
# Exit: 0 all the same, 1 something differs (each file is named), 2 the check could not run.
# PYTHON names the CPython 3.11 to use; without it /usr/bin/python3, as Debian 12 has it.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
python=${PYTHON:-/usr/bin/python3}
requirements=$root/examples/requirements.txt
venv=$root/build/examples-venv
write=no

case $#:${1-} in
  0:) ;;
  1:--write) write=yes ;;
  *) echo "usage: examples/check.sh [--write]" >&2; exit 2 ;;
esac

cannot_run() {
  echo "examples/check.sh: $1" >&2
  exit 2
}

# The venv is kept between runs; its stamp is the list that it was installed from.
install_packages() {
  cmp -s "$requirements" "$venv/installed.txt" && return
  "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' ||
    cannot_run "$python is not CPython 3.11, which the pinned wheels are for; set PYTHON"
  rm -rf "$venv"
  "$python" -m venv "$venv" || cannot_run "no venv: install python3-venv"
  "$venv/bin/pip" --quiet --disable-pip-version-check install \
    --require-hashes --only-binary=:all: -r "$requirements" ||
    cannot_run "the pinned packages could not be installed"
  cp "$requirements" "$venv/installed.txt"
}

# compare NEW OLD LABEL: both ways, so that a file which nothing makes any more is found as well.
compare() {
  for new in "$1"/*; do
    name=${new##*/}
    if [ ! -f "$2/$name" ]; then
      echo "not committed: $3/$name"
    elif ! cmp -s "$new" "$2/$name"; then
      echo "differs: $3/$name"
    fi
  done
  for old in "$2"/*.onnx "$2"/*.json; do
    name=${old##*/}
    if [ -f "$old" ] && [ ! -f "$1/$name" ]; then
      echo "not made by any script: $3/$name"
    fi
  done
}

mkdir -p "$root/build"
install_packages
made=$(mktemp -d "$root/build/examples-made.XXXXXX")
trap 'rm -rf "$made"' EXIT
trap 'exit 2' HUP INT TERM

"$venv/bin/python" "$root/examples/train.py" "$made/examples" || cannot_run "train.py failed"
"$venv/bin/python" "$root/examples/make_test_models.py" "$made/models" ||
  cannot_run "make_test_models.py failed"

if [ "$write" = yes ]; then
  cp "$made/examples"/* "$root/examples/"
  cp "$made/models"/* "$root/tests/data/models/"
  echo "written: examples/, tests/data/models/"
  exit 0
fi

findings=$(
  compare "$made/examples" "$root/examples" examples
  compare "$made/models" "$root/tests/data/models" tests/data/models
)
if [ -n "$findings" ]; then
  printf '%s\n' "$findings" >&2
  exit 1
fi
echo "examples: $(find "$made" -type f | wc -l) files, byte for byte as committed"
