// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/tensorboard_observer.h"

#include <fmt/format.h>

#include <chrono>

namespace headroom {
namespace {

double WallTime() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

void TensorboardObserver::OnRunStart(const RunStart& run) {
  file_ = std::make_unique<EventFileWriter>(run.folder, WallTime());
}

void TensorboardObserver::OnEpochStart(int /*epoch*/, std::span<const std::string> losses) {
  losses_.assign(losses.begin(), losses.end());
}

void TensorboardObserver::OnEpochEnd(const EpochEvent& event) {
  if (!file_) return;
  const double now = WallTime();
  const auto add = [&](const std::string& tag, double value) {
    file_->AddScalar(tag, event.epoch + 1, value, now);
  };
  const auto add_losses = [&](const std::string& split, const LossItems& items) {
    for (std::size_t i = 0; i < items.size(); ++i) add(split + losses_[i], items[i]);
  };
  add_losses("train/", event.train_items);
  for (std::size_t i = 0; i < event.lr.size(); ++i) add(fmt::format("lr/pg{}", i), event.lr[i]);
  if (event.validated) {
    add_losses("val/", event.val_items);
    add("metrics/precision(B)", event.metrics.precision);
    add("metrics/recall(B)", event.metrics.recall);
    add("metrics/mAP50(B)", event.metrics.map50);
    add("metrics/mAP50-95(B)", event.metrics.map50_95);
  }
  file_->Flush();
}

}  // namespace headroom
