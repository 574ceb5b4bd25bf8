// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/onnx_summary.h"

#include "headroom/core/file.h"
#include "headroom/core/rng.h"
#include "headroom/interop/onnx_writer.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace headroom {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

std::string SmallFile(DataType type, const std::vector<OnnxNode>& more = {}) {
  const testing::TempDir dir;
  const TensorData weight =
      ConvertTo(TensorData::FromFloats({2}, std::array{1.0F, 2.0F}), DataType::kFloat32);
  const TensorData half = ConvertTo(weight, DataType::kFloat16);
  OnnxModel model;
  model.nodes = {{"Mul", "a", {"x", "w"}, {"y"}, {}}, {"TopK", "b", {"y", "w"}, {"z"}, {}}};
  model.nodes.insert(model.nodes.end(), more.begin(), more.end());
  model.initializers = {{"w", type == DataType::kFloat16 ? &half : &weight}};
  model.metadata = {{"stride", "32"}, {"names", "{0: 'cell'}"}};
  WriteFileAtomic(dir.path() / "a.onnx", [&](FileWriter& file) { WriteOnnx(file, model); });
  return *ReadFile(dir.path() / "a.onnx");
}

Result<OnnxSummary> Summarize(const std::string& file) {
  return SummarizeOnnx(std::as_bytes(std::span(file)));
}

TEST(SummarizeOnnx, FindsMetadataAndOperators) {
  const Result<OnnxSummary> summary = Summarize(SmallFile(DataType::kFloat32));
  ASSERT_TRUE(summary.ok());
  EXPECT_THAT(summary->metadata, ElementsAre(Pair("stride", "32"), Pair("names", "{0: 'cell'}")));
  EXPECT_THAT(summary->operators, ElementsAre("Mul", "TopK"));
  EXPECT_FALSE(summary->half);
}

TEST(SummarizeOnnx, SeesHalfPrecision) {
  EXPECT_TRUE(Summarize(SmallFile(DataType::kFloat16))->half);
}

TEST(SummarizeOnnx, SeesSizesOfASplitThatAreAnInput) {
  const OnnxNode by_input = {"Split", "c", {"z", "w"}, {"u", "v"}, {}};
  const OnnxNode by_attribute = {"Split", "c", {"z"}, {"u", "v"}, {}};
  EXPECT_TRUE(Summarize(SmallFile(DataType::kFloat32, {by_input}))->split_by_input);
  EXPECT_FALSE(Summarize(SmallFile(DataType::kFloat32, {by_attribute}))->split_by_input);
}

TEST(SummarizeOnnx, RefusesWhatIsCutOrSomethingElse) {
  const std::string file = SmallFile(DataType::kFloat32);
  EXPECT_FALSE(Summarize("").ok());
  EXPECT_FALSE(Summarize("this is a text file").ok());
  EXPECT_FALSE(Summarize(file.substr(0, file.size() - 3)).ok());
}

TEST(SummarizeOnnx, SurvivesRandomBytes) {
  Rng rng(5);
  const std::string file = SmallFile(DataType::kFloat32);
  for (int i = 0; i < 2000; ++i) {
    std::string broken = file;
    for (int k = 0; k < 3; ++k)
      broken[static_cast<std::size_t>(rng.Uniform(0, static_cast<double>(file.size())))] =
          static_cast<char>(rng.Uniform(0, 256));
    (void)Summarize(broken);
  }
}

}  // namespace
}  // namespace headroom
