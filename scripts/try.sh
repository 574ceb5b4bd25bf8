#!/usr/bin/env bash
# From nothing to a trained detector: installs what is missing, builds, trains on the sample photographs
# in samples/bccd and shows the result. A few minutes after the build; EPOCHS=n trains longer.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install_deps.sh
cmake --preset release >/dev/null
cmake --build --preset release -j "$(nproc)" --target yolo
build/release/bin/yolo detect train data=samples/bccd/data.yaml model=yolo11n.yaml \
  epochs="${EPOCHS:-30}" imgsz=320 batch=8 workers=2 close_mosaic=0 mosaic=0 name=try
