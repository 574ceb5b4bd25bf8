// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/train/observer.h"

#include <algorithm>
#include <vector>

namespace headroom {

// Passes every event on to several observers, in their order. Does not own them.
class ObserverList : public TrainObserver {
 public:
  void Add(TrainObserver& observer) { observers_.push_back(&observer); }

  void OnMessage(const std::string& text) override {
    for (TrainObserver* one : observers_) one->OnMessage(text);
  }
  void OnAdaptation(const std::string& text) override {
    for (TrainObserver* one : observers_) one->OnAdaptation(text);
  }
  void OnRunStart(const RunStart& run) override {
    for (TrainObserver* one : observers_) one->OnRunStart(run);
  }
  bool WantsPictures(int epoch, std::int64_t iteration) override {
    return std::any_of(observers_.begin(), observers_.end(),
                       [&](TrainObserver* one) { return one->WantsPictures(epoch, iteration); });
  }
  void OnBatchPictures(const BatchPictures& pictures) override {
    for (TrainObserver* one : observers_) {
      if (one->WantsPictures(pictures.epoch, pictures.iteration)) one->OnBatchPictures(pictures);
    }
  }
  void OnEpochStart(int epoch, std::span<const std::string> losses) override {
    for (TrainObserver* one : observers_) one->OnEpochStart(epoch, losses);
  }
  void OnBatch(const BatchEvent& event) override {
    for (TrainObserver* one : observers_) one->OnBatch(event);
  }
  void OnValidationProgress(std::int64_t done, std::int64_t all) override {
    for (TrainObserver* one : observers_) one->OnValidationProgress(done, all);
  }
  void OnEpochEnd(const EpochEvent& event) override {
    for (TrainObserver* one : observers_) one->OnEpochEnd(event);
  }
  void OnValidatedPicture(const ValidatedPicture& picture) override {
    for (TrainObserver* one : observers_) one->OnValidatedPicture(picture);
  }
  void OnValidationEnd(const ValidationEnd& end) override {
    for (TrainObserver* one : observers_) one->OnValidationEnd(end);
  }
  void OnRunEnd(const std::string& memory_summary) override {
    for (TrainObserver* one : observers_) one->OnRunEnd(memory_summary);
  }

 private:
  std::vector<TrainObserver*> observers_;
};

}  // namespace headroom
