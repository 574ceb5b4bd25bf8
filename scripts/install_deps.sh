#!/usr/bin/env bash
# Installs what a fresh Debian 12 machine lacks: packages, and LibTorch from its Python wheel into
# .deps (which git ignores). Skipped when nothing changed. A LibTorch of your own: set LIBTORCH.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly TORCH_VERSION=2.13.0
readonly PACKAGES=(
  g++ cmake ninja-build pkg-config ccache lld git python3 python3-venv
  libopencv-dev libturbojpeg0-dev libhwy-dev libyaml-cpp-dev libfmt-dev nlohmann-json3-dev
  libcairo2-dev libpango1.0-dev libfontconfig-dev fonts-dejavu-core libcurl4-openssl-dev zlib1g-dev
  libgtest-dev libgmock-dev libbenchmark-dev)
# For scripts/check.sh format, tidy and fuzz; the browser for the test of report.html.
readonly TOOL_PACKAGES=(clang-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev chromium chromium-driver)

as_root() { if [[ $(id -u) -eq 0 ]]; then "$@"; else sudo "$@"; fi; }

missing_packages() {
  local name
  for name in "$@"; do
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || echo "$name"
  done
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [[ ${#missing[@]} -eq 0 ]] && return
  echo "Installing ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

install_libtorch() {
  [[ -n ${LIBTORCH:-} ]] && { echo "Using LibTorch in $LIBTORCH"; return; }
  local stamp=.deps/torch-$TORCH_VERSION
  [[ -e $stamp ]] && return
  echo "Fetching LibTorch $TORCH_VERSION"
  mkdir -p .deps
  rm -rf .deps/python
  python3 -m venv .deps/python
  # With its dependencies: a CUDA wheel does not load without them.
  .deps/python/bin/pip install --quiet --disable-pip-version-check "torch==$TORCH_VERSION"
  touch "$stamp"
}

install_packages "${PACKAGES[@]}"
[[ ${1:-} == --tools ]] && install_packages "${TOOL_PACKAGES[@]}"
install_libtorch
