// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/onnx_runner.h"

#include "headroom/core/error.h"
#include "headroom/core/mapped_file.h"
#include "headroom/deploy/onnx_summary.h"
#include "headroom/memory/reservation.h"

#include <fmt/format.h>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/dnn.hpp>

#include <array>
#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace headroom {
namespace {

// Operators that our exports may have and OpenCV 4.6 has not.
constexpr std::array kBeyondOpenCv = {"NonMaxSuppression", "TopK",   "GatherElements", "GatherND",
                                      "ScatterND",         "CumSum", "ArgMax"};

std::string CannotRun(const std::filesystem::path& path, const std::string& why) {
  return fmt::format(
      "{} cannot be run by OpenCV, which this program uses for ONNX: {}. A file that works is made "
      "by `yolo export model=<weights>.pt format=onnx` (without dynamic, quantize, nms and opset); "
      "format=torchscript works with all of them",
      path.string(), why);
}

// OpenCV names the node that it cannot read: "... [Split@ai.onnx]:(onnx_node!/model.10/Split) ...".
std::string BlamedNode(const std::string& text) {
  const std::size_t begin = text.find("Node [");
  const std::size_t at = text.find('@', begin);
  const std::size_t name = text.find("onnx_node!", begin);
  if (begin == std::string::npos || at == std::string::npos || name == std::string::npos)
    return text.substr(0, text.find('\n'));
  const std::size_t name_begin = name + std::string_view("onnx_node!").size();
  return fmt::format("it cannot read the operator {} ({})", text.substr(begin + 6, at - begin - 6),
                     text.substr(name_begin, text.find(')', name) - name_begin));
}

// Assumed of OpenCV 4.6: while it reads a file it holds the parsed file, the tensors made of it and
// the layers' own copies; then the last two.
constexpr std::uint64_t kCopiesReading = 3;
constexpr std::uint64_t kCopiesKept = 2;

// It can only tell the sum of all layers' outputs, but gives the memory of those that nobody reads
// any more to others: YOLO11n and YOLO26n from 320 to 1280 px held 10 to 12 % of the sum at once.
Bytes LayerBytes(Bytes all_outputs) { return Bytes(all_outputs.count() * 2 / 15); }

// OpenCV's exception as ours. A lack of memory says nothing of the file.
[[noreturn]] void Translate(const cv::Exception& error, const std::filesystem::path& file) {
  if (error.code == cv::Error::StsNoMem) throw std::bad_alloc();
  throw DataError(CannotRun(file, BlamedNode(error.err)));
}

class OpenCvRunner : public NetworkRunner {
 public:
  OpenCvRunner(cv::dnn::Net net, std::filesystem::path file, Reservation weights, Budget* budget)
      : net_(std::move(net)),
        file_(std::move(file)),
        weights_(std::move(weights)),
        budget_(budget) {}

  Output Run(const float* pixels, int images, ImageSize size) override {
    const std::array<int, 4> shape = {images, 3, size.height, size.width};
    // OpenCV has no constant header; it copies the blob.
    const cv::Mat input(4, shape.data(), CV_32F, const_cast<float*>(pixels));
    try {
      ReserveLayers({shape.begin(), shape.end()});
      net_.setInput(input);
      output_ = net_.forward();
    } catch (const cv::Exception& error) {
      Translate(error, file_);
    }
    Output output{.data = output_.ptr<float>(), .shape = {}};
    for (int i = 0; i < output_.dims; ++i) output.shape.push_back(output_.size[i]);
    return output;
  }

 private:
  // Once: the shape is fixed.
  void ReserveLayers(const cv::dnn::MatShape& shape) {
    if (budget_ == nullptr || !layers_.empty()) return;
    std::size_t weights = 0;
    std::size_t outputs = 0;
    net_.getMemoryConsumption(shape, weights, outputs);
    layers_ = Reservation(*budget_, MemoryTag::kActivations, LayerBytes(Bytes(outputs)));
  }

  cv::dnn::Net net_;
  std::filesystem::path file_;
  Reservation weights_;
  Reservation layers_;
  Budget* const budget_;
  cv::Mat output_;
};

// An ONNX file, mapped, with what it says of itself.
struct OnnxFile {
  MappedFile file;
  OnnxSummary summary;
  DetectorFacts facts;
};

OnnxFile ReadOnnx(const std::filesystem::path& path) {
  Result<MappedFile> file = MappedFile::Open(path);
  if (!file) throw DataError(file.error());
  Result<OnnxSummary> summary = SummarizeOnnx(file->bytes());
  if (!summary) throw DataError(fmt::format("{}: {}", path.string(), summary.error()));
  Result<DetectorFacts> facts = ReadMetadata(summary->metadata);
  if (!facts) throw DataError(fmt::format("{}: {}", path.string(), facts.error()));
  return {std::move(*file), std::move(*summary), std::move(*facts)};
}

// What OpenCV would fail at later, or give wrong numbers for.
std::optional<std::string> FindObstacle(const OnnxFile& onnx) {
  if (!onnx.facts.fixed_size) return "it needs fixed shapes (the file has dynamic=True)";
  for (const char* op : kBeyondOpenCv) {
    if (onnx.summary.operators.contains(op)) return fmt::format("it has no operator {}", op);
  }
  if (onnx.summary.half) return "it does not compute in fp16";
  if (onnx.summary.split_by_input)
    return "it cannot read the operator Split of opset 13 and later (opset=12 is for it)";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> WhyOpenCvCannotRun(const std::filesystem::path& path) {
  return FindObstacle(ReadOnnx(path));
}

OpenedNetwork OpenOnnx(const std::filesystem::path& path, int threads, Budget* budget) {
  OnnxFile onnx = ReadOnnx(path);
  if (const auto obstacle = FindObstacle(onnx)) throw DataError(CannotRun(path, *obstacle));
  cv::setNumThreads(threads);
  cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  cv::redirectError([](int, const char*, const char*, const char*, int, void*) { return 0; });
  const std::span<const std::byte> bytes = onnx.file.bytes();
  const Bytes size(bytes.size());
  Reservation weights;
  if (budget != nullptr) weights = Reservation(*budget, MemoryTag::kWeights, size * kCopiesReading);
  try {
    cv::dnn::Net net =
        cv::dnn::readNetFromONNX(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (budget != nullptr) weights.Resize(size * kCopiesKept);
    return {std::move(onnx.facts),
            std::make_unique<OpenCvRunner>(std::move(net), path, std::move(weights), budget)};
  } catch (const cv::Exception& error) {
    Translate(error, path);
  }
}

}  // namespace headroom
