// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/exported_detector.h"

#include "headroom/core/check.h"
#include "headroom/core/error.h"
#include "headroom/deploy/onnx_runner.h"
#include "headroom/deploy/torchscript_runner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

namespace headroom {
namespace {

// Packed bytes [H, W, 3] to planes [3, H, W] in [0, 1].
void ToPlanes(std::span<const std::uint8_t> pixels, float* planes) {
  const std::size_t area = pixels.size() / 3;
  constexpr float kScale = 1.0F / 255;
  for (std::size_t i = 0; i < area; ++i) {
    for (std::size_t c = 0; c < 3; ++c)
      planes[c * area + i] = static_cast<float>(pixels[3 * i + c]) * kScale;
  }
}

}  // namespace

ExportedDetector::ExportedDetector(DetectorFacts facts, std::string file,
                                   std::unique_ptr<NetworkRunner> runner,
                                   const DetectorOptions& options, Budget* budget)
    : facts_(std::move(facts)),
      file_(std::move(file)),
      budget_(budget),
      runner_(std::move(runner)),
      selector_(options, static_cast<int>(facts_.names.size()), facts_.end_to_end, budget) {}

std::span<std::uint8_t> ExportedDetector::Prepare(int images, ImageSize size) {
  HEADROOM_CHECK(!facts_.fixed_size || (size == facts_.image_size && images <= facts_.batch),
                 "a network of fixed size was given another one");
  images_ = facts_.fixed_size ? facts_.batch : images;
  size_ = size;
  const std::size_t bytes = size.PixelBytes().count();
  ReserveInput(bytes * static_cast<std::size_t>(images_));
  pixels_.resize(bytes * static_cast<std::size_t>(images_));
  return std::span(pixels_).first(bytes * static_cast<std::size_t>(images));
}

void ExportedDetector::ReserveInput(std::size_t values) {
  if (budget_ == nullptr) return;
  const Bytes need = Bytes::Of(values, sizeof(std::uint8_t) + sizeof(float));
  if (input_bytes_.empty()) {
    input_bytes_ = Reservation(*budget_, MemoryTag::kBatches, need);
  } else if (need > input_bytes_.bytes()) {
    input_bytes_.Resize(need);
  }
}

void ExportedDetector::Run() {
  const std::size_t bytes = size_.PixelBytes().count();
  input_.resize(pixels_.size());
  for (std::size_t i = 0; i < pixels_.size(); i += bytes)
    ToPlanes(std::span(pixels_).subspan(i, bytes), input_.data() + i);
  output_ = runner_->Run(input_.data(), images_, size_);
  CheckOutput();
}

void ExportedDetector::CheckOutput() const {
  const std::vector<std::int64_t>& shape = output_.shape;
  const auto channels = static_cast<std::int64_t>(4 + facts_.names.size());
  const bool fits = shape.size() == 3 && shape[0] == images_ &&
                    (facts_.end_to_end ? shape[2] == 6 : shape[1] == channels);
  if (fits) return;
  throw DataError(
      fmt::format("{} gives an output of shape [{}], but its metadata ({} classes) means {}; "
                  "export it anew with `yolo export`",
                  file_, fmt::join(shape, ", "), facts_.names.size(),
                  facts_.end_to_end ? "[batch, detections, 6]"
                                    : fmt::format("[batch, {}, anchors]", channels)));
}

std::span<const Detection> ExportedDetector::Detections(int image) {
  const auto per_image = static_cast<std::size_t>(output_.shape[1] * output_.shape[2]);
  const float* data = output_.data + static_cast<std::size_t>(image) * per_image;
  if (facts_.end_to_end) return selector_.Select(std::span(data, per_image));
  const auto anchors = static_cast<std::size_t>(output_.shape[2]);
  return selector_.Select(DecodedView{.data = data,
                                      .channel_stride = anchors,
                                      .anchor_stride = 1,
                                      .anchor_count = anchors,
                                      .class_count = static_cast<int>(facts_.names.size())});
}

bool IsExportedModel(const std::filesystem::path& path) {
  return path.extension() == ".onnx" || path.extension() == ".torchscript";
}

OpenedNetwork OpenExportedNetwork(const std::filesystem::path& path, int threads, Budget* budget) {
  return path.extension() == ".onnx" ? OpenOnnx(path, threads, budget) : OpenTorchScript(path);
}

std::unique_ptr<Detector> OpenExportedModel(const std::filesystem::path& path, int threads,
                                            const DetectorOptions& options, Budget* budget) {
  OpenedNetwork network = OpenExportedNetwork(path, threads, budget);
  return std::make_unique<ExportedDetector>(std::move(network.facts), path.string(),
                                            std::move(network.runner), options, budget);
}

}  // namespace headroom
