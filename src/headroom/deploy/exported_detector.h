// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/deploy/network_runner.h"
#include "headroom/evaluate/detection_selector.h"
#include "headroom/evaluate/detector.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/reservation.h"

#include <filesystem>
#include <memory>
#include <string>

namespace headroom {

// A detector that was exported, by us or by the reference: its network gives predictions that are
// decoded, or rows that are final (facts().end_to_end).
class ExportedDetector : public Detector {
 public:
  ExportedDetector(DetectorFacts facts, std::string file, std::unique_ptr<NetworkRunner> runner,
                   const DetectorOptions& options, Budget* budget);

  [[nodiscard]] const DetectorFacts& facts() const override { return facts_; }
  std::span<std::uint8_t> Prepare(int images, ImageSize size) override;
  void Run() override;
  std::span<const Detection> Detections(int image) override;

 private:
  void ReserveInput(std::size_t values);
  void CheckOutput() const;

  DetectorFacts facts_;
  std::string file_;
  Budget* const budget_;
  Reservation input_bytes_;  // Of pixels_ and input_.
  std::unique_ptr<NetworkRunner> runner_;
  DetectionSelector selector_;
  ImageSize size_;
  int images_ = 0;  // As the network takes them: facts_.batch where the size is fixed.
  std::vector<std::uint8_t> pixels_;
  std::vector<float> input_;
  NetworkRunner::Output output_;
};

// Whether the file's suffix is that of an exported format: .onnx, .torchscript.
[[nodiscard]] bool IsExportedModel(const std::filesystem::path& path);

// Opens either, to be made a detector of. Budget and errors as below.
[[nodiscard]] OpenedNetwork OpenExportedNetwork(const std::filesystem::path& path, int threads,
                                                Budget* budget);

// The detector of either. ONNX runs in OpenCV's DNN with so many threads, TorchScript in LibTorch.
// The budget (may be null) must outlive the detector. Throws BudgetError, and DataError that names
// the file, what is wrong with it and what to do.
[[nodiscard]] std::unique_ptr<Detector> OpenExportedModel(const std::filesystem::path& path,
                                                          int threads,
                                                          const DetectorOptions& options,
                                                          Budget* budget = nullptr);

}  // namespace headroom
