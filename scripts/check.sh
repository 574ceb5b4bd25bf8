#!/usr/bin/env bash
# The checks, by name; `all` is what CI runs. Cheap ones first.
set -euo pipefail
cd "$(dirname "$0")/.."

sources() { git ls-files 'src/*.h' 'src/*.cc' 'tests/*.h' 'tests/*.cc' 'benchmarks/*.h' 'benchmarks/*.cc'; }

check_format() {
  sources | xargs clang-format-19 --dry-run --Werror
}

check_layers() { python3 scripts/check_layers.py; }

# Headers under 250 lines, sources under 600, tests under 800.
check_sizes() {
  local failed=0 file lines limit
  while read -r file; do
    lines=$(wc -l <"$file")
    case $file in
      *_test.cc | tests/*) limit=800 ;;
      *.h) limit=250 ;;
      *) limit=600 ;;
    esac
    if ((lines > limit)); then
      echo "$file has $lines lines, more than $limit: split it by concept"
      failed=1
    fi
  done < <(sources)
  return $failed
}

check_build() {
  cmake --preset release >/dev/null
  cmake --build --preset release -j "$(nproc)"
}

# One test at a time: some measure memory, and operations use every core.
check_test() { ctest --preset release --timeout 900; }

# The torch-free modules under a sanitizer.
check_sanitizer() {
  cmake --preset "$1" >/dev/null
  cmake --build --preset "$1" -j "$(nproc)"
  ctest --preset "$1" --timeout 900 -j 2
}

# Every scenario under real limits, or those whose names begin like the arguments.
check_hostile() {
  local chosen=("$@")
  [[ ${#chosen[@]} -eq 0 ]] && chosen=(--all)
  python3 tests/hostile/run.py build/release/bin/yolo samples/bccd "${chosen[@]}"
}

check_tidy() {
  cmake --preset tidy >/dev/null
  git diff --name-only --diff-filter=d "${1:-HEAD~1}" -- 'src/*.cc' | xargs -r clang-tidy-19 -p build/tidy --quiet
}

run_all() {
  scripts/install_deps.sh --tools
  check_format
  check_layers
  check_sizes
  check_build
  check_test
}

case ${1:-all} in
  format) check_format ;;
  layers) check_layers ;;
  sizes) check_sizes ;;
  build) scripts/install_deps.sh && check_build ;;
  test) scripts/install_deps.sh && check_build && check_test ;;
  asan | tsan) check_sanitizer "$1" ;;
  tidy) check_tidy "${2:-}" ;;
  hostile) scripts/install_deps.sh && check_build && check_hostile "${@:2}" ;;
  all) run_all ;;
  *) echo "usage: scripts/check.sh format|layers|sizes|build|test|asan|tsan|tidy|hostile [NAME...]|all" >&2; exit 2 ;;
esac
