// SPDX-License-Identifier: Apache-2.0
// The reference's trained models on real photographs: our validation gives its figures.
#include "headroom/detect/map_boxes.h"
#include "headroom/evaluate/model_detector.h"
#include "headroom/evaluate/validation.h"
#include "headroom/testing/shared_files.h"
#include "headroom/train/run_setup.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace headroom {
namespace {

using testing::SharedFile;

constexpr double kMapTolerance = 0.002;   // Measured: 4e-5 at most.
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

using OnImage = std::function<void(const std::string& path, std::span<const Detection> found,
                                   const Sample& sample)>;

DetectionMetrics Validate(const Case& c, const OnImage& on_image = {}) {
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
  LoadedModel loaded = LoadForValidation(options, Settings(), at::kCPU, Element::kFloat32);
  Executor executor(*loaded.model.graph, *loaded.model.parameters, at::kCPU);
  const int most = MaxDetections(index, 300);
  ModelDetector detector(loaded.model, executor, data.names, {.one_to_one = s.end_to_end},
                         {.confidence = s.confidence,
                          .iou = s.iou,
                          .max_detections = most,
                          .labels = LabelsPerAnchor::kAll,
                          .agnostic = s.single_class},
                         &budget);
  ValidationEvents events;
  if (on_image) {
    events.on_image = [&](std::uint32_t image, std::span<const Detection> found,
                          const Sample& sample) {
      on_image(index.ImagePath(image), found, sample);
    };
  }
  const ValidationOptions how{.image_size = s.image_size,
                              .rect = s.rect,
                              .max_detections = most,
                              .single_class = s.single_class};
  return headroom::Validate(detector, index, how, events, &budget).metrics;
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

// Predictions of one file of the reference: by image, in its order.
std::map<std::string, std::vector<nlohmann::json>> RecordedPredictions(const std::string& run) {
  std::ifstream file(SharedFile("reference-run/" + run + "/predictions_val_320.json"));
  std::map<std::string, std::vector<nlohmann::json>> by_image;
  for (const nlohmann::json& row : nlohmann::json::parse(file))
    by_image[row.at("file_name").get<std::string>()].push_back(row);
  return by_image;
}

bool IsSame(const Detection& ours, const nlohmann::json& theirs) {
  const nlohmann::json& box = theirs.at("bbox");  // Left, top, width, height.
  const auto near = [&](int i, float value) {
    return std::abs(box[static_cast<std::size_t>(i)].get<float>() - value) < 0.05F;
  };
  return theirs.at("category_id").get<int>() == ours.class_id + 1 &&
         std::abs(theirs.at("score").get<float>() - ours.confidence) < 1e-4F &&
         near(0, ours.box.x1) && near(1, ours.box.y1) && near(2, ours.box.width()) &&
         near(3, ours.box.height());
}

class PredictionParity : public ::testing::TestWithParam<const char*> {};

TEST_P(PredictionParity, DetectionsAreTheReferencesInPixelsOfTheSource) {
  const std::string run = GetParam();
  HEADROOM_NEEDS_SHARED("reference-run/" + run + "/predictions_val_320.json");
  HEADROOM_NEEDS_SHARED("data/bccd/data.yaml");
  const auto expected = RecordedPredictions(run);
  std::size_t all = 0, found = 0, ours_count = 0;
  std::vector<Detection> mapped;
  const auto compare = [&](const std::string& path, std::span<const Detection> detections,
                           const Sample& sample) {
    mapped.assign(detections.begin(), detections.end());
    const LetterboxGeometry& g = sample.geometry;
    MapToSource(mapped, {g.source_width, g.source_height, g.scale_x, g.scale_y, g.pad_x, g.pad_y});
    ours_count += mapped.size();
    const auto rows = expected.find(std::filesystem::path(path).filename().string());
    ASSERT_NE(rows, expected.end()) << path;
    for (const nlohmann::json& row : rows->second) {
      ++all;
      const auto same = [&](const Detection& ours) { return IsSame(ours, row); };
      if (std::any_of(mapped.begin(), mapped.end(), same)) ++found;
    }
  };
  Validate({GetParam(), false, {.name = "val_320"}}, compare);
  EXPECT_GT(all, 5000U);
  // Near the overlap and confidence limits rounding may decide.
  EXPECT_GT(static_cast<double>(found), 0.999 * static_cast<double>(all));
  EXPECT_NEAR(static_cast<double>(ours_count) / static_cast<double>(all), 1, 0.001);
}

INSTANTIATE_TEST_SUITE_P(Bccd, PredictionParity, ::testing::Values("yolo11n-bccd", "yolo26n-bccd"));

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
