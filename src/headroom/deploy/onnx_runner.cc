// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/onnx_runner.h"

#include "headroom/core/error.h"
#include "headroom/core/mapped_file.h"
#include "headroom/deploy/onnx_summary.h"

#include <fmt/format.h>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/dnn.hpp>

#include <array>
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
      "by `yolo export model=<weights>.pt format=onnx` (without dynamic, quantize and nms); "
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

class OpenCvRunner : public NetworkRunner {
 public:
  OpenCvRunner(cv::dnn::Net net, std::filesystem::path file)
      : net_(std::move(net)), file_(std::move(file)) {}

  Output Run(const float* pixels, int images, ImageSize size) override {
    const std::array<int, 4> shape = {images, 3, size.height, size.width};
    // OpenCV has no constant header; it copies the blob.
    const cv::Mat input(4, shape.data(), CV_32F, const_cast<float*>(pixels));
    try {
      net_.setInput(input);
      output_ = net_.forward();
    } catch (const cv::Exception& error) {
      throw DataError(CannotRun(file_, BlamedNode(error.err)));
    }
    Output output{.data = output_.ptr<float>(), .shape = {}};
    for (int i = 0; i < output_.dims; ++i) output.shape.push_back(output_.size[i]);
    return output;
  }

 private:
  cv::dnn::Net net_;
  std::filesystem::path file_;
  cv::Mat output_;
};

// Throws for what OpenCV would fail at later, or give wrong numbers for.
void CheckOperators(const std::filesystem::path& path, const OnnxSummary& summary) {
  for (const char* op : kBeyondOpenCv) {
    if (summary.operators.contains(op))
      throw DataError(CannotRun(path, fmt::format("it has no operator {}", op)));
  }
  if (summary.half) throw DataError(CannotRun(path, "it does not compute in fp16"));
}

}  // namespace

OpenedNetwork OpenOnnx(const std::filesystem::path& path, int threads) {
  const Result<MappedFile> file = MappedFile::Open(path);
  if (!file) throw DataError(file.error());
  const Result<OnnxSummary> summary = SummarizeOnnx(file->bytes());
  if (!summary) throw DataError(fmt::format("{}: {}", path.string(), summary.error()));
  Result<DetectorFacts> facts = ReadMetadata(summary->metadata);
  if (!facts) throw DataError(fmt::format("{}: {}", path.string(), facts.error()));
  CheckOperators(path, *summary);
  if (!facts->fixed_size) throw DataError(CannotRun(path, "its shapes are free (dynamic=True)"));
  cv::setNumThreads(threads);
  cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  cv::redirectError([](int, const char*, const char*, const char*, int, void*) { return 0; });
  try {
    cv::dnn::Net net = cv::dnn::readNetFromONNX(reinterpret_cast<const char*>(file->bytes().data()),
                                                file->bytes().size());
    return {std::move(*facts), std::make_unique<OpenCvRunner>(std::move(net), path)};
  } catch (const cv::Exception& error) {
    throw DataError(CannotRun(path, BlamedNode(error.err)));
  }
}

}  // namespace headroom
