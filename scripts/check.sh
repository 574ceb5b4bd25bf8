#!/usr/bin/env bash
# The checks, by name; `all` is what CI runs. Cheap ones first. What is checked of a change only is compared with
# CHECK_BASE (default: the commit before).
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

# The unit tests but those that train or export models, each module's in one process.
check_fast() {
  local failed=0 program
  for program in build/release/bin/headroom_*_test; do
    case $program in *_train_test | *_deploy_test | *_parity_test) continue ;; esac
    OMP_WAIT_POLICY=passive "$program" --gtest_brief=1 || failed=1
  done
  return $failed
}

# asan: AddressSanitizer and UBSan over all unit tests; tsan: the torch-free modules, where all threads are started.
check_sanitizer() {
  cmake --preset "$1" >/dev/null
  cmake --build --preset "$1" -j "$(nproc)"
  ctest --preset "$1" -L unit --timeout 1800 -j 2
}

# Every scenario under real limits, or those whose names begin like the arguments.
check_hostile() {
  local chosen=("$@")
  [[ ${#chosen[@]} -eq 0 ]] && chosen=(--all)
  python3 tests/hostile/run.py build/release/bin/yolo samples/bccd "${chosen[@]}"
}

# Each target on its seeds and on what earlier runs found (build/fuzz/corpus), for so many inputs.
check_fuzz() {
  local runs=${1:-100000} program name corpus seeds
  cmake --preset fuzz >/dev/null
  cmake --build --preset fuzz -j "$(nproc)"
  for program in build/fuzz/bin/headroom_*_fuzz; do
    name=${program##*/headroom_} name=${name%_fuzz} corpus=build/fuzz/corpus/$name
    mkdir -p "$corpus"
    mapfile -t seeds < <(compgen -G "src/headroom/*/fuzz/seeds/$name")
    echo "$name: $runs inputs"
    "$program" -runs="$runs" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix=build/fuzz/ "$corpus" "${seeds[@]}" 2>"build/fuzz/$name.log" || {
      tail -40 "build/fuzz/$name.log"
      return 1
    }
    grep -E "stat::number_of_executed_units|stat::average_exec" "build/fuzz/$name.log"
  done
}

check_coverage() {
  cmake --preset coverage >/dev/null
  cmake --build --preset coverage -j "$(nproc)"
  find build/coverage -name '*.gcda' -delete
  ctest --preset coverage --timeout 1800
  python3 scripts/coverage.py build/coverage
}

# Into `files`: the paths of these patterns that changed since CHECK_BASE.
find_changed() {
  local base=${CHECK_BASE:-HEAD~1}
  files=()
  if ! git rev-parse --quiet --verify "$base^{commit}" >/dev/null; then
    if [[ $(git rev-parse --is-shallow-repository) == true ]]; then
      echo "this clone is shallow and has no $base: what changed is not known, so this is not checked here"
      return 0
    fi
    echo "CHECK_BASE=$base is no commit here" >&2
    return 1
  fi
  mapfile -t files < <(git diff --name-only --diff-filter=d "$base" -- "$@")
}

# all or changed. Needs a configured build: its flags and its generated headers.
check_headers() {
  local files=()
  if [[ $1 == changed ]]; then
    find_changed '*.h'
    ((${#files[@]})) || return 0
  fi
  python3 scripts/check_headers.py build/release "${files[@]}"
}

# all or changed: sources, and those that are named like a header.
check_tidy() {
  local files=() generated
  if [[ $1 == changed ]]; then
    find_changed 'src/*.cc' 'src/*.h'
    files=("${files[@]/%.h/.cc}")
  else
    mapfile -t files < <(git ls-files 'src/*.cc')
  fi
  ((${#files[@]})) || return 0
  cmake --preset tidy >/dev/null
  generated=$(ninja -C build/tidy -t targets all | grep -oE '^src/[^:]*\.h(xx\.pch)?:' | tr -d :)
  # shellcheck disable=SC2086  # One target a word.
  cmake --build --preset tidy --target $generated >/dev/null
  python3 scripts/tidy.py build/tidy "${files[@]}"
}

run_all() {
  scripts/install_deps.sh --tools
  check_format
  check_layers
  check_sizes
  check_build
  check_headers changed
  check_tidy changed
  check_test
}

case ${1:-all} in
  format) check_format ;;
  layers) check_layers ;;
  sizes) check_sizes ;;
  build) scripts/install_deps.sh && check_build ;;
  test) scripts/install_deps.sh && check_build && check_test ;;
  fast) check_build && check_fast ;;
  asan | tsan) check_sanitizer "$1" ;;
  fuzz) check_fuzz "${2:-}" ;;
  coverage) check_coverage ;;
  hostile) scripts/install_deps.sh && check_build && check_hostile "${@:2}" ;;
  headers | tidy) "check_$1" "${2:-all}" ;;
  all) run_all ;;
  *)
    echo "usage: scripts/check.sh format|layers|sizes|build|test|fast|asan|tsan|fuzz [RUNS]|hostile [NAME...]|coverage|headers [changed]|tidy [changed]|all" >&2
    exit 2
    ;;
esac
