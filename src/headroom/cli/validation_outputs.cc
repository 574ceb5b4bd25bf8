// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/validation_outputs.h"

#include "headroom/device/out_of_memory.h"

#include <fmt/format.h>

#include <span>
#include <system_error>
#include <utility>

namespace headroom {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLabelFolder = "labels";

bool IsThere(const RunFolderRequest& request) {
  std::error_code error;
  return request.exist_ok && fs::exists(ChooseRunFolder(request), error);
}

RunFolderRequest FolderRequest(const Options& options, const Settings& settings) {
  return {.runs_dir = settings.runs_dir,
          .mode = "val",
          .project = options.project,
          .name = options.name,
          .exist_ok = options.exist_ok};
}

}  // namespace

ValidationFolder::ValidationFolder(const RunFolderRequest& request)
    : was_there_(IsThere(request)), path_(ClaimRunFolder(request, false)) {}

ValidationFolder::~ValidationFolder() {
  if (was_there_) return;
  std::error_code not_empty;
  fs::remove(path_ / kLabelFolder, not_empty);
  fs::remove(path_, not_empty);
}

bool ValidationFolder::HoldsFiles() const {
  std::error_code error;
  return !fs::is_empty(path_, error) && !error;
}

ValidationOutputs::ValidationOutputs(const Options& options, const Settings& settings,
                                     const std::vector<std::string>& names,
                                     const DatasetIndex& index, Budget& budget,
                                     TrainObserver& messages)
    : folder_(FolderRequest(options, settings)),
      index_(index),
      batch_(ValidationBatch(options)),
      wants_json_(options.save_json),
      drawings_(budget, messages) {
  if (options.save_txt) {
    labels_.emplace(LabelFiles(folder_.path() / kLabelFolder,
                               options.save_conf ? WithConfidence::kYes : WithConfidence::kNo),
                    index, &budget);
  }
  if (options.plots) plots_.emplace(drawings_, folder_.path(), names, index);
}

void ValidationOutputs::During(const std::function<void(const ReceiveDetections&)>& validate) {
  const auto path = wants_json_ ? folder_.path() / "predictions.json" : fs::path();
  WritePredictionsJson(path, index_, [&](const ReceiveDetections& json) {
    validate([&](std::uint32_t image, std::span<const Detection> found, const Sample& sample) {
      ValidatedPicture picture =
          ValidatedPicture::After(seen_, batch_, static_cast<std::int64_t>(index_.size()));
      picture.sample = &sample;
      picture.detections = found;
      if (plots_) plots_->Add(picture);
      ++seen_;
      if (labels_) labels_->Write(image, found, sample);
      if (json) json(image, found, sample);
    });
  });
}

void ValidationOutputs::Finish(const DetectionMetrics& metrics, const ConfusionMatrix& confusion) {
  if (!plots_) return;
  drawings_.StartEnd();
  plots_->Finish(metrics, confusion);
  plots_->DrawCharts();
  drawings_.SayLeftOut();
}

std::vector<std::string> ValidationOutputs::Summary() const {
  if (!folder_.HoldsFiles()) return {};
  std::vector<std::string> lines = {fmt::format("Results saved to {}", folder_.path().string())};
  if (labels_) {
    if (const auto labels = labels_->files().Summary()) lines.push_back(*labels);
  }
  return lines;
}

int ValidationBatch(const Options& options) {
  return options.batch >= 1 && options.IsTyped("batch") ? static_cast<int>(options.batch) : 16;
}

void MakeRoomForValidation(const std::string& what, Budget& budget, TrainObserver& messages) {
  (void)budget.Reclaim(budget.ledger().Read().row(MemoryTag::kFreeBlocks).now, ReclaimTime::kNow,
                       ReclaimOrder::kFreeBlocks);
  messages.OnMessage(
      fmt::format("Memory: {}; the same images are run again, fewer at once", BeforeDetails(what)));
}

}  // namespace headroom
