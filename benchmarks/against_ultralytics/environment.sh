#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the virtual environment in which the reference runs, outside the tree, all versions pinned, and
# prints its Python. Nothing of it is needed to build or use Headroom.
#   PYTHON=$(benchmarks/against_ultralytics/environment.sh [FOLDER])
set -euo pipefail

readonly folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/headroom/ultralytics-8.4.190}
readonly python=$folder/bin/python

if [[ ! -e $folder/complete ]]; then
  python3 -m venv "$folder" >&2
  # The headless OpenCV: the other one wants a display's libraries.
  "$folder/bin/pip" install --quiet --disable-pip-version-check \
    torch==2.14.1 ultralytics==8.4.190 onnx==1.23.2 onnxruntime==1.32.0 pycocotools==2.0.11 >&2
  touch "$folder/complete"
fi
echo "$python"
