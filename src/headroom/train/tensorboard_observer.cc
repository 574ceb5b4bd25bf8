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

void TensorboardObserver::OnEpochStart(int /*epoch*/, const char* third_loss) {
  third_loss_ = third_loss;
}

void TensorboardObserver::OnEpochEnd(const EpochEvent& event) {
  if (!file_) return;
  const double now = WallTime();
  const auto add = [&](const std::string& tag, double value) {
    file_->AddScalar(tag, event.epoch + 1, value, now);
  };
  const std::string names[] = {"box_loss", "cls_loss", third_loss_};
  for (std::size_t i = 0; i < 3; ++i) add("train/" + names[i], event.train_items[i]);
  for (std::size_t i = 0; i < event.lr.size(); ++i) add(fmt::format("lr/pg{}", i), event.lr[i]);
  if (event.validated) {
    for (std::size_t i = 0; i < 3; ++i) add("val/" + names[i], event.val_items[i]);
    add("metrics/precision(B)", event.metrics.precision);
    add("metrics/recall(B)", event.metrics.recall);
    add("metrics/mAP50(B)", event.metrics.map50);
    add("metrics/mAP50-95(B)", event.metrics.map50_95);
  }
  file_->Flush();
}

}  // namespace headroom
