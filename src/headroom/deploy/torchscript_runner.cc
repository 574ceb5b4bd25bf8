// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/torchscript_runner.h"

#include "headroom/core/error.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/csrc/jit/runtime/interpreter.h>
#include <torch/script.h>

#include <exception>
#include <new>
#include <string>
#include <utility>

namespace headroom {
namespace {

// The first line of what LibTorch says.
std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

// In a handler: a lack of memory, of the budget or of the system, says nothing of the file.
void RethrowLackOfMemory(const std::exception& caught) {
  if (dynamic_cast<const Error*>(&caught) != nullptr ||
      dynamic_cast<const std::bad_alloc*>(&caught) != nullptr ||
      dynamic_cast<const c10::OutOfMemoryError*>(&caught) != nullptr)
    throw;
}

class TorchScriptRunner : public NetworkRunner {
 public:
  TorchScriptRunner(torch::jit::Module module, std::string file)
      : module_(std::move(module)), file_(std::move(file)) {}

  Output Run(const float* pixels, int images, ImageSize size) override {
    const c10::InferenceMode mode;
    const at::Tensor input = at::from_blob(const_cast<float*>(pixels),  // It is only read.
                                           {images, 3, size.height, size.width}, at::kFloat);
    try {
      output_ = module_.forward({input}).toTensor().to(at::kCPU, at::kFloat).contiguous();
    } catch (const std::exception& error) {
      RethrowLackOfMemory(error);
      throw DataError(fmt::format("{} cannot be run on {} pictures of {}x{}: {}", file_, images,
                                  size.height, size.width, FirstLine(error.what())));
    }
    return {output_.const_data_ptr<float>(), output_.sizes().vec()};
  }

 private:
  torch::jit::Module module_;
  std::string file_;
  at::Tensor output_;
};

}  // namespace

OpenedNetwork OpenTorchScript(const std::filesystem::path& path) {
  torch::jit::ExtraFilesMap extra = {{"config.txt", ""}};
  torch::jit::Module module;
  try {
    module = torch::jit::load(path.string(), at::kCPU, extra);
  } catch (const std::exception& error) {
    RethrowLackOfMemory(error);
    throw DataError(
        fmt::format("{} is no TorchScript file: {}", path.string(), FirstLine(error.what())));
  }
  module.eval();
  // Else the interpreter rewrites a lack of memory into an error of the network.
  FLAGS_torch_jit_enable_rethrow_caught_exception = true;
  Result<DetectorFacts> facts = ReadMetadataJson(extra["config.txt"]);
  if (!facts) throw DataError(fmt::format("{}: {}", path.string(), facts.error()));
  return {std::move(*facts), std::make_unique<TorchScriptRunner>(module, path.string())};
}

}  // namespace headroom
