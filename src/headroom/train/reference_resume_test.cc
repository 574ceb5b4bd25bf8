// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/reference_resume.h"

#include "headroom/core/error.h"
#include "headroom/interop/optimizer_state.h"
#include "headroom/testing/shared_files.h"
#include "headroom/testing/temp_dir.h"
#include "headroom/train/model_files.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <optional>
#include <set>
#include <string>

namespace headroom {
namespace {

using testing::SharedFile;
using testing::TempDir;

// Parts of a run that fit a file.
struct RunParts {
  RunParts(const CheckpointContents& file, OptimizerKind kind)
      : model(BuildModel(ConfigOf(file, "test.pt"),
                         {.classes = file.class_count, .class_width = ClassWidthOf(file)},
                         at::kCPU)) {
    model.parameters->Allocate(at::kCPU, Element::kFloat32, true);
    InitializeParameters(model, 0);
    executor.emplace(*model.graph, *model.parameters, at::kCPU);
    loss.emplace(model, options, std::vector<float>{}, at::kCPU);
    step.emplace(model, *executor, *loss, BatchStepOptions{});
    optimizer = MakeOptimizer(kind, model.parameters->parameters(), model.parameters->value_count(),
                              at::kCPU);
    ema.emplace(*model.parameters);
    results.emplace(loss->names(), optimizer->groups().groups.size());
  }
  [[nodiscard]] CheckpointParts Parts() {
    return {model,
            *ema,
            *optimizer,
            *step,
            stopper,
            *results,
            options,
            names,
            {std::vector<GroupStep>(optimizer->groups().groups.size(), GroupStep{0.005, 0.9, 0}),
             0.01}};
  }
  // State `name` of a parameter, in the order of its shape.
  [[nodiscard]] at::Tensor State(const std::string& name, const std::string& parameter) {
    for (const Optimizer::State& state : optimizer->states()) {
      if (state.name != name) continue;
      for (std::size_t i = 0; i < model.parameters->parameters().size(); ++i) {
        if (model.parameters->parameters()[i].name == parameter)
          return model.parameters->ViewIn(state.values, static_cast<int>(i)).flatten();
      }
    }
    return {};
  }

  TempDir dir;
  Options options = Options::From(OptionSet(), {});
  std::vector<std::string> names;
  Model model;
  std::optional<Executor> executor;
  std::optional<HeadLoss> loss;
  std::optional<BatchStep> step;
  std::unique_ptr<Optimizer> optimizer;
  std::optional<Ema> ema;
  EarlyStopping stopper{100};
  std::optional<ResultsCsv> results;
};

std::vector<float> SlotOf(const CheckpointContents& file, std::int64_t index,
                          const std::string& name) {
  const Result<OptimizerState> state = ReadOptimizerState(*file.optimizer);
  for (const OptimizerSlot& slot : state->slots) {
    if (slot.parameter != index) continue;
    for (const auto& [key, tensor] : slot.tensors) {
      if (key == name) return AsFloats(tensor);
    }
  }
  return {};
}

void ExpectState(RunParts& run, const std::string& state, const std::string& parameter,
                 const std::vector<float>& expected) {
  const at::Tensor ours = run.State(state, parameter);
  ASSERT_TRUE(ours.defined()) << state << " " << parameter;
  ASSERT_EQ(ours.numel(), static_cast<std::int64_t>(expected.size())) << parameter;
  const at::Tensor wanted = at::tensor(expected, at::kFloat);
  EXPECT_TRUE(at::equal(ours, wanted)) << state << " " << parameter;
  EXPECT_GT(wanted.norm().item<float>(), 0) << parameter;
}

CheckpointContents Read(const char* name) {
  Result<CheckpointContents> file =
      ReadCheckpoint(SharedFile(std::string("reference-run/files/") + name));
  EXPECT_TRUE(static_cast<bool>(file));
  return std::move(*file);
}

TEST(ReferenceResume, TakesTheStateOfMuSgdsEightGroups) {
  HEADROOM_NEEDS_SHARED("reference-run/files/yolo26n-8.4-musgd-in-training.pt");
  const CheckpointContents file = Read("yolo26n-8.4-musgd-in-training.pt");
  ASSERT_TRUE(CanBeResumed(file));
  RunParts run(file, OptimizerKind::kMuSgd);
  const RunPosition position = RestoreCheckpoint(file, run.Parts());
  EXPECT_EQ(position.epoch, 1);
  EXPECT_EQ(position.next_batch, 0);
  EXPECT_EQ(run.ema->updates(), file.updates);
  EXPECT_TRUE(at::equal(run.ema->values, run.model.parameters->values));
  // The groups: norms of the class branches 0-23, other norms 24-113, biases 114-143 and 144-239,
  // matrices 240-269 and 270-365.
  ExpectState(run, "momentum_buffer", "model.0.bn.weight", SlotOf(file, 24, "momentum_buffer"));
  ExpectState(run, "momentum_buffer", "model.0.bn.bias", SlotOf(file, 144, "momentum_buffer"));
  ExpectState(run, "momentum_buffer", "model.0.conv.weight", SlotOf(file, 270, "momentum_buffer"));
  ExpectState(run, "momentum_buffer_SGD", "model.0.conv.weight",
              SlotOf(file, 270, "momentum_buffer_SGD"));
  ExpectState(run, "momentum_buffer", "model.23.cv3.0.0.0.bn.weight",
              SlotOf(file, 0, "momentum_buffer"));
  ExpectState(run, "momentum_buffer_SGD", "model.23.one2one_cv2.2.2.weight",
              SlotOf(file, 365, "momentum_buffer_SGD"));
  ASSERT_EQ(run.results->rows().size(), 1U);
  EXPECT_NEAR(run.results->rows()[0][2], 6.05742, 1e-5);
}

TEST(ReferenceResume, TakesAdamWsMomentsAndStep) {
  HEADROOM_NEEDS_SHARED("reference-run/files/yolo11n-8.4-in-training.pt");
  const CheckpointContents file = Read("yolo11n-8.4-in-training.pt");
  RunParts run(file, OptimizerKind::kAdamW);
  EXPECT_EQ(RestoreCheckpoint(file, run.Parts()).epoch, 1);
  ExpectState(run, "exp_avg", "model.0.conv.weight", SlotOf(file, 0, "exp_avg"));
  ExpectState(run, "exp_avg_sq", "model.0.conv.weight", SlotOf(file, 0, "exp_avg_sq"));
  ExpectState(run, "exp_avg", "model.0.bn.weight", SlotOf(file, 88, "exp_avg"));
  ExpectState(run, "exp_avg", "model.0.bn.bias", SlotOf(file, 169, "exp_avg"));
  EXPECT_EQ(static_cast<float>(run.optimizer->step_count()), SlotOf(file, 0, "step").at(0));
}

std::set<std::string> OptionNames(const OptimizerGroup& group) {
  std::set<std::string> names;
  for (const auto& [name, value] : group.options) names.insert(name);
  return names;
}

// The state that we write for the reference is the one that it wrote itself.
void ExpectWrittenAsRead(const char* name, OptimizerKind kind, double initial_lr) {
  const CheckpointContents file = Read(name);
  RunParts run(file, kind);
  const RunPosition position = RestoreCheckpoint(file, run.Parts());
  CheckpointParts parts = run.Parts();
  parts.rates.initial_lr = initial_lr;
  SaveCheckpoint(run.dir.path() / "last.pt", parts, position, {});
  const auto size = static_cast<double>(std::filesystem::file_size(run.dir.path() / "last.pt"));
  const auto foretold = static_cast<double>(CheckpointFileSize(parts).count());
  EXPECT_LT(foretold, size);
  EXPECT_GT(foretold, 0.9 * size);
  const Result<CheckpointContents> again = ReadCheckpoint(run.dir.path() / "last.pt");
  ASSERT_TRUE(again) << again.error();
  const Result<OptimizerState> theirs = ReadOptimizerState(*file.optimizer);
  const Result<OptimizerState> ours = ReadOptimizerState(*again->optimizer);
  ASSERT_TRUE(theirs) << theirs.error();
  ASSERT_TRUE(ours) << ours.error();
  ASSERT_EQ(ours->groups.size(), theirs->groups.size());
  for (std::size_t g = 0; g < ours->groups.size(); ++g) {
    EXPECT_EQ(ours->groups[g].parameters, theirs->groups[g].parameters) << g;
    EXPECT_EQ(OptionNames(ours->groups[g]), OptionNames(theirs->groups[g])) << g;
    for (const auto& [option, value] : theirs->groups[g].options) {
      if (option == "lr" || option == "momentum" || option == "weight_decay" || option == "betas")
        continue;  // The schedule's.
      EXPECT_EQ(ours->groups[g].Find(option)->value().index(), value->value().index()) << option;
      if (const auto number = value->Number()) {
        EXPECT_DOUBLE_EQ(ours->groups[g].Find(option)->Number().value(), *number) << option;
      }
    }
  }
  ASSERT_EQ(ours->slots.size(), theirs->slots.size());
  for (std::size_t i = 0; i < ours->slots.size(); ++i) {
    const OptimizerSlot& slot = ours->slots[i];
    ASSERT_EQ(slot.parameter, theirs->slots[i].parameter);
    ASSERT_EQ(slot.tensors.size(), theirs->slots[i].tensors.size()) << slot.parameter;
    for (const auto& [key, tensor] : slot.tensors)
      EXPECT_EQ(AsFloats(tensor), SlotOf(file, slot.parameter, key)) << slot.parameter << key;
  }
}

TEST(ReferenceResume, AdamWsStateIsWrittenAsItWasRead) {
  HEADROOM_NEEDS_SHARED("reference-run/files/yolo11n-8.4-in-training.pt");
  ExpectWrittenAsRead("yolo11n-8.4-in-training.pt", OptimizerKind::kAdamW, 0.001429);
}

TEST(ReferenceResume, MuSgdsStateIsWrittenAsItWasRead) {
  HEADROOM_NEEDS_SHARED("reference-run/files/yolo26n-8.4-musgd-in-training.pt");
  ExpectWrittenAsRead("yolo26n-8.4-musgd-in-training.pt", OptimizerKind::kMuSgd, 0.01);
}

TEST(ReferenceResume, TakesTheGroupsOf83BiasesFirst) {
  HEADROOM_NEEDS_SHARED("reference-run/files/yolo11n-8.3-in-training.pt");
  const CheckpointContents file = Read("yolo11n-8.3-in-training.pt");
  RunParts run(file, OptimizerKind::kAdamW);
  EXPECT_EQ(RestoreCheckpoint(file, run.Parts()).epoch, 20);
  ExpectState(run, "exp_avg", "model.0.bn.bias", SlotOf(file, 0, "exp_avg"));
  ExpectState(run, "exp_avg", "model.0.conv.weight", SlotOf(file, 87, "exp_avg"));
  ExpectState(run, "exp_avg", "model.0.bn.weight", SlotOf(file, 175, "exp_avg"));
  EXPECT_NEAR(run.stopper.best_fitness, 0.41937, 1e-6);
}

TEST(ReferenceResume, SaysWhenTheOptimizerIsAnother) {
  HEADROOM_NEEDS_SHARED("reference-run/files/yolo26n-8.4-musgd-in-training.pt");
  const CheckpointContents file = Read("yolo26n-8.4-musgd-in-training.pt");
  RunParts run(file, OptimizerKind::kSgd);
  EXPECT_THROW(RestoreCheckpoint(file, run.Parts()), DataError);
}

TEST(ReferenceResume, AStrippedFileIsNoRun) {
  HEADROOM_NEEDS_SHARED("reference-run/files/yolo11n-8.3-stripped.pt");
  EXPECT_FALSE(CanBeResumed(Read("yolo11n-8.3-stripped.pt")));
}

}  // namespace
}  // namespace headroom
