#!/usr/bin/env bash
# Installs the Debian packages that Podium is built and tested with, as far as they are missing.
#
#   tools/install_deps.sh           what ./run and ./test need
#   tools/install_deps.sh --bench   and what bench/run measures with and against
#   tools/install_deps.sh --list    the names, instead of installing
#
# Starts from a Debian 12 that has a shell, git and root. A second run only asks dpkg and ends.
# Never libboost-dev: that is Boost 1.74, which conflicts with the 1.81 that we build with.
set -euo pipefail

kPackages=(
  # compiler and build
  clang-19 lld-19 llvm-19 libclang-rt-19-dev clang-tidy-19 clang-format-19
  ccache cmake ninja-build pkgconf git ca-certificates debian-archive-keyring
  python3 python3-venv python3-pip
  # libraries
  libboost1.81-dev libcli11-dev libexpected-dev libfmt-dev libsimdjson-dev libspdlog-dev
  libmimalloc-dev libpq-dev libsqlite3-dev libssl-dev libxxhash-dev libyaml-cpp-dev
  nlohmann-json3-dev zlib1g-dev
  # tests (a PostgreSQL that they start themselves; g++ with its binutils: libpodium's headers and
  # symbols are for other compilers too)
  libgtest-dev libgmock-dev g++ postgresql-15
)

# The web server and the load generator that Podium is measured against, and what counts.
readonly kBenchPackages=(haproxy libbenchmark-dev nginx-light strace wrk)

if [[ ${1:-} == --bench ]]; then
  kPackages+=("${kBenchPackages[@]}")
fi
if [[ ${1:-} == --list ]]; then
  printf '%s\n' "${kPackages[@]}"
  exit 0
fi

Fail() {
  printf 'install_deps: %s\n' "$1" >&2
  exit 1
}

command -v dpkg-query >/dev/null || Fail "dpkg is missing: this script knows Debian 12 only"

installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${kPackages[@]}" 2>/dev/null |
  sed -n 's/^installed //p' || true)
missing=()
for package in "${kPackages[@]}"; do
  grep -qxF "$package" <<<"$installed" || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

[[ $(id -u) == 0 ]] ||
  Fail "root is needed: apt-get install --no-install-recommends ${missing[*]}"

export DEBIAN_FRONTEND=noninteractive
readonly kApt=(apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
Install() { "${kApt[@]}" install --no-install-recommends "${missing[@]}"; }

echo "Installing ${#missing[@]} packages: ${missing[*]}"
# The machine's package lists may be absent or old, and then names or versions are not found.
if ! Install; then
  "${kApt[@]}" update || Fail "apt-get update failed (is the network there?)"
  Install || Fail "apt-get could not install: ${missing[*]}"
fi
