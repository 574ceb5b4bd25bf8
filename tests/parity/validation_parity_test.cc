// SPDX-License-Identifier: Apache-2.0
// The reference's trained models on real photographs: our validation gives its figures.
#include "headroom/testing/shared_files.h"
#include "headroom/train/run_setup.h"
#include "headroom/train/validator.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <string>

namespace headroom {
namespace {

using testing::SharedFile;

constexpr double kMapTolerance = 0.002;
constexpr double kRateTolerance = 0.005;  // Precision and recall.

struct Setting {
  const char* name;  // In metrics.json.
  int image_size = 320;
  bool rect = true;
  bool single_class = false;
  const char* split = "val";
  float confidence = 0.001F;
  float iou = 0.7F;
  bool end_to_end = false;
};

struct Case {
  const char* run;
  bool from_yaml;  // model=YAML pretrained=best-weights-fp32.pt instead of model=best.pt.
  Setting setting;
};

std::string NameOf(const ::testing::TestParamInfo<Case>& info) {
  const std::string run = info.param.run;
  return run.substr(0, run.find('-')) + "_" + info.param.setting.name +
         (info.param.from_yaml ? "_from_yaml" : "");
}

Options OptionsFor(const Case& c) {
  const std::string folder = SharedFile(std::string("reference-run/") + c.run);
  const std::string run = c.run;
  std::vector<Override> typed = {{"model", OptionValue(folder + "/best.pt")}};
  if (c.from_yaml) {
    typed = {{"model", OptionValue(run.substr(0, run.find('-')) + ".yaml")},
             {"pretrained", OptionValue(folder + "/best-weights-fp32.pt")}};
  }
  typed.push_back({"single_cls", OptionValue(c.setting.single_class)});
  OptionSet set(typed);
  return Options::From(std::move(set), typed);
}

DetectionMetrics Validate(const Case& c) {
  const Setting& s = c.setting;
  const Options options = OptionsFor(c);
  const DatasetConfig data = ReadDatasetYaml(SharedFile("data/bccd/data.yaml"), "datasets");
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::GiB(16), "test", ledger);
  DatasetIndexOptions index_options{.split = s.split,
                                    .sources = data.Split(s.split),
                                    .num_classes = data.classes(),
                                    .use_cache = false};
  index_options.filter.single_class = s.single_class;
  const DatasetIndex index = DatasetIndex::Build(index_options);
  LoadedModel loaded =
      LoadForValidation(options, data.classes(), Settings(), at::kCPU, Element::kFloat32);
  Executor executor(*loaded.model.graph, *loaded.model.parameters, at::kCPU);
  Validator validator(loaded.model, executor, index,
                      {.image_size = s.image_size,
                       .rect = s.rect,
                       .confidence = s.confidence,
                       .iou = s.iou,
                       .agnostic = s.single_class,
                       .single_class = s.single_class,
                       .end_to_end = s.end_to_end},
                      &budget);
  return validator.Run(nullptr, {}, {}, {}).metrics;
}

void ExpectRow(const nlohmann::json& expected, double precision, double recall, double map50,
               double map50_95) {
  EXPECT_NEAR(precision, expected[0].get<double>(), kRateTolerance);
  EXPECT_NEAR(recall, expected[1].get<double>(), kRateTolerance);
  EXPECT_NEAR(map50, expected[2].get<double>(), kMapTolerance);
  EXPECT_NEAR(map50_95, expected[3].get<double>(), kMapTolerance);
}

class ValidationParity : public ::testing::TestWithParam<Case> {};

TEST_P(ValidationParity, GivesTheReferencesFigures) {
  const Case& c = GetParam();
  const std::string folder = std::string("reference-run/") + c.run;
  HEADROOM_NEEDS_SHARED(folder + "/metrics.json");
  HEADROOM_NEEDS_SHARED("data/bccd/data.yaml");
  std::ifstream file(SharedFile(folder + "/metrics.json"));
  const nlohmann::json expected = nlohmann::json::parse(file).at(c.setting.name);
  const DetectionMetrics metrics = Validate(c);
  {
    SCOPED_TRACE("all");
    ExpectRow(expected.at("all"), metrics.precision, metrics.recall, metrics.map50,
              metrics.map50_95);
  }
  const char* const names[] = {"RBC", "WBC", "Platelets"};
  ASSERT_EQ(metrics.classes.size(), expected.size() - 1);
  for (const ClassMetrics& row : metrics.classes) {
    SCOPED_TRACE(names[row.class_id]);
    ExpectRow(expected.at(names[row.class_id]), row.precision, row.recall, row.map50(),
              row.map50_95());
  }
}

constexpr Setting kRect{.name = "val_320"};
constexpr Setting kLarge{.name = "val_640", .image_size = 640};
constexpr Setting kSquare{.name = "val_320_square", .rect = false};
constexpr Setting kSingleClass{.name = "val_320_single_cls", .single_class = true};
constexpr Setting kTrainSplit{.name = "train_split_320", .split = "train"};
constexpr Setting kStrict{.name = "val_320_conf25_iou45", .confidence = 0.25F, .iou = 0.45F};
constexpr Setting kNmsFree{.name = "val_320_nms_false", .end_to_end = true};

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const char* run : {"yolo11n-bccd", "yolo26n-bccd"}) {
    cases.push_back({run, true, kRect});
    for (const Setting& setting : {kRect, kLarge, kSquare, kSingleClass, kTrainSplit, kStrict})
      cases.push_back({run, false, setting});
  }
  cases.push_back({"yolo26n-bccd", false, kNmsFree});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Bccd, ValidationParity, ::testing::ValuesIn(Cases()), NameOf);

}  // namespace
}  // namespace headroom
