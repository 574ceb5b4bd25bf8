#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a test beside this file with the Python that has Ultralytics; 77 (skipped) without one.
set -euo pipefail
if [[ -z ${HEADROOM_ULTRALYTICS_PYTHON:-} ]]; then
  echo "HEADROOM_ULTRALYTICS_PYTHON is not set; benchmarks/against_ultralytics/environment.sh prints one" >&2
  exit 77
fi
exec "$HEADROOM_ULTRALYTICS_PYTHON" "$(dirname "$0")/$1" "${@:2}"
