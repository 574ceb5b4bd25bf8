// SPDX-License-Identifier: Apache-2.0
// A whole run, and a validation, when memory is refused once at any place.
#include "headroom/core/file.h"
#include "headroom/evaluate/model_detector.h"
#include "headroom/evaluate/validation_settings.h"
#include "headroom/interop/ultralytics_checkpoint.h"
#include "headroom/testing/synthetic_dataset.h"
#include "headroom/testing/temp_dir.h"
#include "headroom/testing/tiny_model.h"
#include "headroom/train/failing_memory.h"
#include "headroom/train/run_setup.h"
#include "headroom/train/trainer.h"
#include "headroom/train/validation_losses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace headroom {
namespace {

using testing::FailingBudget;
using testing::FailingCache;
using testing::SyntheticDataset;
using testing::TempDir;

namespace fs = std::filesystem;

// All of them with HEADROOM_EXHAUSTIVE=1, else about so many, evenly spread.
std::uint64_t StrideOver(std::uint64_t count, std::uint64_t tried) {
  return std::getenv("HEADROOM_EXHAUSTIVE") != nullptr ? 1 : 1 + count / tried;
}

struct Messages : TrainObserver {
  void OnMessage(const std::string& text) override { all += text + "\n"; }
  void OnEpochEnd(const EpochEvent& event) override { epochs.push_back(event); }
  std::string all;
  std::vector<EpochEvent> epochs;
};

// What a run leaves, as far as it does not tell the time.
struct Left {
  std::vector<double> figures;  // Losses and metrics of every epoch.
  std::vector<std::byte> weights;
  std::string messages;
  friend bool operator==(const Left& a, const Left& b) {
    return a.figures == b.figures && a.weights == b.weights;
  }
};

class RunFailure : public ::testing::Test {
 protected:
  RunFailure()
      : data_(dir_.path() / "data", {.train_images = 8,
                                     .val_images = 4,
                                     .height = 64,
                                     .width = 64,
                                     .num_classes = 3,
                                     .min_boxes = 1,
                                     .max_boxes = 3}) {
    WriteFileAtomic(dir_.path() / "tiny.yaml",
                    [](FileWriter& writer) { writer.Write(testing::kTinyModelYaml); });
    (void)FailingCache();
  }

  Left Train() {
    const std::vector<Override> typed = {
        {"model", OptionValue((dir_.path() / "tiny.yaml").string())},
        {"data", OptionValue(data_.yaml().string())},
        {"imgsz", OptionValue(std::int64_t{64})},
        {"batch", OptionValue(std::int64_t{4})},
        {"workers", OptionValue(std::int64_t{0})},
        {"epochs", OptionValue(std::int64_t{2})},
        {"device", OptionValue("cpu")},
        {"amp", OptionValue(false)},
        {"plots", OptionValue(false)},
        {"verbose", OptionValue(false)},
        {"project", OptionValue((dir_.path() / "runs").string())}};
    Settings settings;
    settings.datasets_dir = dir_.path();
    Messages told;
    Trainer trainer(Options::From(OptionSet(typed), typed), settings, FailingBudget(), told, {});
    const TrainOutcome outcome = trainer.Run();
    Left left{.messages = told.all};
    for (const EpochEvent& epoch : told.epochs) {
      for (const auto& items : {epoch.train_items, epoch.val_items})
        left.figures.insert(left.figures.end(), items.begin(), items.end());
      left.figures.push_back(epoch.metrics.map50_95);
    }
    Result<CheckpointContents> best = ReadCheckpoint(outcome.folder / "weights" / "best.pt");
    EXPECT_TRUE(static_cast<bool>(best)) << told.all;
    if (!best) return left;
    for (const CheckpointTensor& tensor : best->tensors) {
      const auto bytes = tensor.data.bytes();
      left.weights.insert(left.weights.end(), bytes.begin(), bytes.end());
    }
    return left;
  }

  TempDir dir_;
  SyntheticDataset data_;
};

TEST_F(RunFailure, AnyTensorOfARunMayBeRefusedOnce) {
  (void)Train();  // What is made once in a process is there now.
  const std::uint64_t before = FailingCache().Read().allocations;
  const Left expected = Train();
  const std::uint64_t count = FailingCache().Read().allocations - before;
  ASSERT_GT(count, 100U);
  RecordProperty("allocations", static_cast<int>(count));
  for (std::uint64_t k = 1; k <= count; k += StrideOver(count, 40)) {
    FailingCache().FailAfter(k);
    const Left left = Train();
    FailingCache().FailAfter(0);
    ASSERT_TRUE(left == expected) << "allocation " << k << " of " << count << left.messages;
  }
}

TEST_F(RunFailure, AnyChargeOfARunMayBeRefusedOnce) {
  (void)Train();
  const std::uint64_t before = FailingBudget().charges();
  const Left expected = Train();
  const std::uint64_t count = FailingBudget().charges() - before;
  ASSERT_GT(count, 5U);
  RecordProperty("charges", static_cast<int>(count));
  for (std::uint64_t k = 1; k <= count; k += StrideOver(count, 40)) {
    FailingBudget().FailAfter(k);
    const Left left = Train();
    FailingBudget().FailAfter(0);
    ASSERT_TRUE(left == expected) << "charge " << k << " of " << count << left.messages;
  }
}

// A model with its data, validated again and again.
class ValidationFailure : public RunFailure {
 protected:
  struct Measured {
    LossItems losses;
    std::vector<double> figures;
    std::vector<float> matrix;
    int failures = 0;
  };

  Measured MeasureTiny() {
    Options options = Options::From(OptionSet(), {});
    options.data = data_.yaml().string();
    const DatasetConfig config = ReadDatasetYaml(options.data, dir_.path());
    const DatasetIndex index = BuildIndex(config, "val", options, &FailingBudget());
    Model model =
        BuildModel(ReadModelYaml((dir_.path() / "tiny.yaml").string()), {.classes = 3}, at::kCPU);
    model.parameters->Allocate(at::kCPU, Element::kFloat32, false);
    InitializeParameters(model, 3);
    Executor executor(*model.graph, *model.parameters, at::kCPU);
    HeadLoss loss(model, options, {}, at::kCPU);
    const ModelDetectorOptions all_heads{.all_heads = true};
    ModelDetector detector(model, executor, {"a", "b", "c"}, all_heads,
                           DetectorOptionsForValidation(options, index), &FailingBudget());
    Measured measured;
    ValidationEvents events;
    events.on_out_of_memory = [&](const std::string&, int) {
      ++measured.failures;
      executor.Unload();
      return true;
    };
    ValidationLosses losses(loss, executor);
    ValidationOptions how = ValidationOptionsOf(options, index);
    how.image_size = 64;
    how.batch = 4;
    how.at_once = 2;
    arm();
    const Validation result = Validate(detector, index, how, events, &FailingBudget(), &losses);
    disarm();
    measured.losses = losses.Mean();
    measured.figures = {result.metrics.precision, result.metrics.recall, result.metrics.map50,
                        result.metrics.map50_95, static_cast<double>(result.metrics.instances)};
    measured.matrix = result.confusion.NormalizedByTruth();
    return measured;
  }

  // Around what is measured: the model is made undisturbed.
  std::function<void()> arm = [] {}, disarm = [] {};
};

TEST_F(ValidationFailure, AnyTensorOfItMayBeRefusedOnceOrTwice) {
  std::uint64_t before = 0, count = 0;
  arm = [&] { before = FailingCache().Read().allocations; };
  disarm = [&] { count = FailingCache().Read().allocations - before; };
  const Measured expected = MeasureTiny();
  ASSERT_GT(count, 10U);
  RecordProperty("allocations", static_cast<int>(count));
  disarm = [] { FailingCache().FailAfter(0); };
  for (std::uint64_t k = 1; k <= count; k += StrideOver(count, 200)) {
    arm = [&] { FailingCache().FailAfter(k); };
    const Measured got = MeasureTiny();
    ASSERT_EQ(got.failures, 1) << "allocation " << k << " of " << count;
    ASSERT_EQ(got.losses, expected.losses) << "allocation " << k;
    ASSERT_EQ(got.figures, expected.figures) << "allocation " << k;
    ASSERT_EQ(got.matrix, expected.matrix) << "allocation " << k;
  }
}

TEST_F(ValidationFailure, SoMayItsLoaderAndItsRecords) {
  std::uint64_t before = 0, count = 0;
  arm = [&] { before = FailingBudget().charges(); };
  disarm = [&] { count = FailingBudget().charges() - before; };
  const Measured expected = MeasureTiny();
  ASSERT_GT(count, 1U);
  disarm = [] { FailingBudget().FailAfter(0); };
  for (std::uint64_t k = 1; k <= count; ++k) {
    arm = [&] { FailingBudget().FailAfter(k); };
    const Measured got = MeasureTiny();
    ASSERT_EQ(got.losses, expected.losses) << "charge " << k;
    ASSERT_EQ(got.figures, expected.figures) << "charge " << k;
  }
}

}  // namespace
}  // namespace headroom
