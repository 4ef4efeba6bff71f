#!/usr/bin/env bash
# Brings the headers and the library of ONNX Runtime to build/ort: include/ and lib/.
#
# The distribution of our choice has no ONNX Runtime. Its successor ships the headers, and the
# library comes out of the Python wheel; neither is installed, so the system's package lists stay
# as they are. Both files are pinned by their SHA-256. The result appears whole or not at all:
# everything is put together in a temporary directory and then renamed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly kHeaders=libonnxruntime-dev
readonly kHeadersSha256=14f7d959d5deacbcf1504830d4189f91fc67382b399ed9ae9d3aa9c4050ced08
readonly kLibrary=libonnxruntime.so.1.23.2
readonly kTarget=${PODIUM_ORT_DIR:-build/ort}

Fail() {
  printf 'get_onnxruntime: %s\n' "$1" >&2
  exit 1
}

# The stamp is this script's own digest, so that a changed pin fetches again.
stamp=$(cat tools/get_onnxruntime.sh tools/onnxruntime.txt | sha256sum | cut -d' ' -f1)
if [[ -f $kTarget/stamp && $(<"$kTarget/stamp") == "$stamp" ]]; then
  exit 0
fi

[[ $(dpkg --print-architecture) == amd64 ]] ||
  Fail "only amd64 is supported: the pinned library exists for no other architecture of ours"

mkdir -p "$(dirname "$kTarget")"
work=$(mktemp -d "$(dirname "$kTarget")/ort.XXXXXX")
work=$(realpath "$work")
trap 'rm -rf "$work"' EXIT

# The headers, from the mirror that the machine already uses, with package lists of our own.
FetchHeaders() {
  local mirror
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
    grep -E '/debian/?$' | head -n1) || Fail "no Debian mirror in the package sources of apt"
  mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg arch=amd64]" \
    "$mirror trixie main" >"$work/apt/sources.list"
  local options=(
    -qq
    -o "Dir::Etc::sourcelist=$work/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
    -o "Dir::State::lists=$work/apt/lists" -o "Dir::Cache=$work/apt/cache"
    -o APT::Get::List-Cleanup=0 -o APT::Sandbox::User=root
    -o Acquire::Languages=none -o Acquire::Retries=3
  )
  (
    cd "$work/apt" && apt-get "${options[@]}" update &&
      apt-get "${options[@]}" download "$kHeaders"
  ) || Fail "cannot download $kHeaders from $mirror (is the network there?)"
  local deb
  deb=$(echo "$work"/apt/"$kHeaders"_*.deb)
  echo "$kHeadersSha256  $deb" | sha256sum --check --quiet ||
    Fail "$(basename "$deb") is not the pinned file: review the new one, then change the pin"
  dpkg-deb -x "$deb" "$work/tree"
  mkdir -p "$work/ort"
  mv "$work/tree/usr/include/onnxruntime" "$work/ort/include"
}

# The library, out of the wheel; pip checks the digest that tools/onnxruntime.txt pins.
FetchLibrary() {
  local python
  python=$(tools/venv.sh) || Fail "cannot make the Python environment"
  "$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --require-hashes -r tools/onnxruntime.txt -d "$work/wheel" ||
    Fail "cannot download the wheel of ONNX Runtime (network, or a digest that differs)"
  mkdir -p "$work/ort/lib"
  "$python" - "$work"/wheel/*.whl "onnxruntime/capi/$kLibrary" "$work/ort/lib/$kLibrary" <<'PY'
import shutil, sys, zipfile

wheel, member, target = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, open(target, "wb") as out:
    shutil.copyfileobj(source, out)
PY
  chmod 755 "$work/ort/lib/$kLibrary"
}

FetchHeaders
FetchLibrary
[[ -f $work/ort/include/onnxruntime_cxx_api.h ]] || Fail "the headers are not where they should be"
echo "$stamp" >"$work/ort/stamp"
rm -rf "$kTarget"
mv "$work/ort" "$kTarget"
