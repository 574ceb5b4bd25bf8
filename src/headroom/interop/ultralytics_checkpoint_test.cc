// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/ultralytics_checkpoint.h"

#include "headroom/core/file.h"
#include "headroom/interop/optimizer_state.h"
#include "headroom/testing/shared_files.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace headroom {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::SharedFile;
using testing::TempDir;

CheckpointContents Read(const std::string& relative) {
  auto contents = ReadCheckpoint(SharedFile(relative));
  if (!contents) throw std::runtime_error(contents.error());
  return std::move(*contents);
}

struct ReferenceFile {
  const char* path;
  std::size_t tensors;
  std::int64_t classes;
  std::int64_t reg_max;
  bool in_training;
};

void PrintTo(const ReferenceFile& file, std::ostream* out) { *out << file.path; }

class ReferenceFiles : public ::testing::TestWithParam<ReferenceFile> {};

TEST_P(ReferenceFiles, AreReadWithTheirFacts) {
  const auto& expected = GetParam();
  HEADROOM_NEEDS_SHARED(expected.path);
  const CheckpointContents contents = Read(expected.path);
  EXPECT_EQ(contents.kind, CheckpointKind::kUltralytics);
  EXPECT_EQ(contents.tensors.size(), expected.tensors);
  EXPECT_EQ(contents.class_count, expected.classes);
  EXPECT_EQ(contents.names.size(), static_cast<std::size_t>(expected.classes));
  EXPECT_EQ(contents.head.class_count, expected.classes);
  EXPECT_EQ(contents.head.reg_max, expected.reg_max);
  EXPECT_EQ(contents.head.layer, 23);
  EXPECT_EQ(contents.head.has_one_to_one, expected.reg_max == 1);
  EXPECT_EQ(contents.in_training, expected.in_training);
  EXPECT_EQ(contents.task, "detect");
  EXPECT_THAT(contents.strides, ElementsAre(8, 16, 32));
  ASSERT_NE(contents.modules, nullptr);
  const auto is_linear = [&](const char* conv) {
    const ModuleTree* act = contents.modules->Find(std::string(conv) + ".act");
    return act != nullptr && act->type == "torch.nn.modules.linear.Identity";
  };
  EXPECT_EQ(is_linear("model.9.cv1"), expected.reg_max == 1);
  EXPECT_TRUE(is_linear("model.10.m.0.attn.qkv"));
  EXPECT_EQ(*contents.modules->Find("model.0.conv")->Attribute("padding"),
            (OptionValue::List{1, 1}));
  EXPECT_EQ(*contents.modules->Find("model.0.bn")->Attribute("eps"), OptionValue(1e-3));
  EXPECT_EQ(contents.tensors.front().name, "model.0.conv.weight");
  ASSERT_NE(contents.yaml, nullptr);
  EXPECT_EQ(contents.yaml->Find("backbone")->Items().size(), 11U);
  ASSERT_NE(contents.train_args, nullptr);
  EXPECT_EQ(*contents.train_args->Find("task")->Text(), "detect");
}

constexpr ReferenceFile kReferenceFiles[] = {
    {"reference-run/files/yolo11n-8.3-stripped.pt", 499, 3, 16, false},
    {"reference-run/files/yolo11n-8.3-in-training.pt", 499, 3, 16, true},
    {"reference-run/files/yolo11n-80class-random.pt", 499, 80, 16, false},
    {"reference-run/files/yolo11n-8.4-in-training.pt", 499, 3, 16, true},
    {"reference-run/files/yolo11n-8.4-finetuned-80to3.pt", 499, 3, 16, false},
    {"reference-run/files/yolo26n-8.4-musgd-in-training.pt", 708, 3, 1, true},
    {"reference-run/files/yolo26n-8.4-single-cls-nms-free.pt", 708, 1, 1, false},
    {"reference-run/yolo11n-bccd/best.pt", 499, 3, 16, false},
    {"reference-run/yolo26n-bccd/best.pt", 708, 3, 1, false},
};
INSTANTIATE_TEST_SUITE_P(All, ReferenceFiles, ::testing::ValuesIn(kReferenceFiles));

class ReferenceWeights : public ::testing::TestWithParam<const char*> {};

TEST_P(ReferenceWeights, EqualTheSameWeightsAsPlainTensors) {
  const std::string folder = std::string("reference-run/") + GetParam();
  HEADROOM_NEEDS_SHARED(folder + "/best.pt");
  const CheckpointContents network = Read(folder + "/best.pt");
  const CheckpointContents plain = Read(folder + "/best-weights-fp32.pt");
  EXPECT_EQ(plain.kind, CheckpointKind::kStateDict);
  ASSERT_EQ(network.tensors.size(), plain.tensors.size());
  for (std::size_t i = 0; i < plain.tensors.size(); ++i) {
    ASSERT_EQ(network.tensors[i].name, plain.tensors[i].name);
    ASSERT_EQ(network.tensors[i].data.shape(), plain.tensors[i].data.shape());
    ASSERT_EQ(AsFloats(network.tensors[i].data), AsFloats(plain.tensors[i].data))
        << plain.tensors[i].name;
  }
}
INSTANTIATE_TEST_SUITE_P(All, ReferenceWeights, ::testing::Values("yolo11n-bccd", "yolo26n-bccd"));

TEST(ReadCheckpoint, GivesTheTrainingState) {
  HEADROOM_NEEDS_SHARED("reference-run/files/yolo11n-8.4-in-training.pt");
  const CheckpointContents contents = Read("reference-run/files/yolo11n-8.4-in-training.pt");
  EXPECT_EQ(contents.epoch, 0);
  EXPECT_EQ(contents.updates, 2);
  EXPECT_EQ(contents.best_fitness, 0.0);
  ASSERT_TRUE(contents.stopper.has_value());
  EXPECT_EQ(contents.stopper->best_epoch, 1);
  EXPECT_EQ(contents.version, "8.4.190");
  EXPECT_THAT(contents.names, ElementsAre("RBC", "WBC", "Platelets"));
  ASSERT_NE(contents.train_metrics, nullptr);
  EXPECT_DOUBLE_EQ(*contents.train_metrics->Find("val/box_loss")->Number(), 6.43037);

  const auto optimizer = ReadOptimizerState(*contents.optimizer);
  ASSERT_TRUE(optimizer.ok()) << optimizer.error();
  ASSERT_EQ(optimizer->groups.size(), 3U);
  EXPECT_EQ(*optimizer->groups[0].Find("param_group")->Text(), "weight");
  EXPECT_EQ(optimizer->groups[0].parameters.size(), 88U);
  ASSERT_EQ(optimizer->slots.size(), 255U);
  const OptimizerSlot& slot = optimizer->slots[0];
  ASSERT_EQ(slot.tensors.size(), 3U);
  EXPECT_EQ(slot.tensors[1].first, "exp_avg");
  EXPECT_EQ(slot.tensors[1].second.shape(), (TensorShape{16, 3, 3, 3}));
}

TEST(ReadCheckpoint, KnowsTheEndToEndHeadThatWasChosen) {
  HEADROOM_NEEDS_SHARED("reference-run/files/yolo26n-8.4-single-cls-nms-free.pt");
  const CheckpointContents contents =
      Read("reference-run/files/yolo26n-8.4-single-cls-nms-free.pt");
  EXPECT_TRUE(contents.head.has_one_to_one);
  EXPECT_TRUE(contents.head.uses_one_to_one);
}

TEST(ReadCheckpoint, NamesThePathAndTheNextStep) {
  const TempDir dir;
  WriteFileAtomic(dir.path() / "a.pt", "<html>not found</html>");
  const auto contents = ReadCheckpoint(dir.path() / "a.pt");
  ASSERT_FALSE(contents.ok());
  EXPECT_THAT(contents.error(), HasSubstr("a.pt"));
  EXPECT_THAT(contents.error(), HasSubstr("Give a .pt"));
}

}  // namespace
}  // namespace headroom
