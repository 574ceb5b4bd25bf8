// SPDX-License-Identifier: Apache-2.0
// Against what the reference recorded of its own models on real pictures.
#include "headroom/core/file.h"
#include "headroom/deploy/export_test_data.h"
#include "headroom/deploy/exported_detector.h"
#include "headroom/deploy/onnx_export.h"
#include "headroom/deploy/predictor.h"
#include "headroom/deploy/torchscript_export.h"
#include "headroom/detect/map_boxes.h"
#include "headroom/evaluate/model_detector.h"
#include "headroom/evaluate/validation.h"
#include "headroom/metrics/coco_json.h"
#include "headroom/testing/shared_files.h"
#include "headroom/testing/temp_dir.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

namespace headroom {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

const std::vector<std::string> kNames = {"RBC", "WBC", "Platelets"};
constexpr DetectorOptions kValidation = {.confidence = 0.001F, .labels = LabelsPerAnchor::kAll};

Json ReadJson(const fs::path& path) { return Json::parse(*ReadFile(path)); }

fs::path RunFile(const std::string& model, const char* file) {
  return testing::SharedFile("reference-run") / (model + "-bccd") / file;
}

// The index of the val split; nothing is written beside the labels.
const DatasetIndex& ValIndex() {
  static const DatasetIndex index =
      DatasetIndex::Build({.split = "val",
                           .sources = {testing::SharedFile("data/bccd/images/val").string()},
                           .num_classes = 3,
                           .use_cache = false});
  return index;
}

Validation Validate(Detector& detector, const DetectedImage& on_image = {}) {
  return Validate(detector, ValIndex(), {.image_size = 320}, {.on_image = on_image}, nullptr);
}

// A model's own detector, with its executor.
struct OwnDetector {
  OwnDetector(Model& model, bool one_to_one, const DetectorOptions& options)
      : executor(*model.graph, *model.parameters, at::kCPU),
        detector(model, executor, kNames, {.one_to_one = one_to_one}, options) {}
  Executor executor;
  ModelDetector detector;
};

void ExpectMetrics(const DetectionMetrics& metrics, const Json& expected) {
  EXPECT_NEAR(metrics.precision, expected[0], 0.002);
  EXPECT_NEAR(metrics.recall, expected[1], 0.002);
  EXPECT_NEAR(metrics.map50, expected[2], 0.002);
  EXPECT_NEAR(metrics.map50_95, expected[3], 0.002);
}

class ReferenceRun : public ::testing::TestWithParam<const char*> {};

TEST_P(ReferenceRun, PredictsWhatTheReferencePredicts) {
  HEADROOM_NEEDS_SHARED("reference-run");
  HEADROOM_NEEDS_SHARED("data/bccd");
  Model model = testing::ReferenceModel(GetParam());
  OwnDetector own(model, false, {});
  const Json expected = ReadJson(RunFile(GetParam(), "predict_320.json"))["detections"];
  MediaList media;
  for (const auto& [name, rows] : expected.items())
    media.images.Append((testing::SharedFile("data/bccd/images/val") / name).string());
  const auto compare = [&](const PredictedFrame& predicted) {
    const Json& rows = expected[fs::path(predicted.frame.path).filename().string()];
    ASSERT_EQ(predicted.detections.size(), rows.size()) << predicted.frame.path;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Detection& found = predicted.detections[i];
      EXPECT_NEAR(found.box.x1, rows[i][0], 0.5);
      EXPECT_NEAR(found.box.y1, rows[i][1], 0.5);
      EXPECT_NEAR(found.box.x2, rows[i][2], 0.5);
      EXPECT_NEAR(found.box.y2, rows[i][3], 0.5);
      EXPECT_NEAR(found.confidence, rows[i][4], 0.005);
      EXPECT_EQ(found.class_id, rows[i][5]);
    }
  };
  const PredictionTimes times =
      Predictor(own.detector, {.image_size = {320, 320}}).Run(media, compare, {});
  EXPECT_EQ(times.images, 8);
}

TEST_P(ReferenceRun, ValidatesEveryFormatAsTheReferenceDoes) {
  HEADROOM_NEEDS_SHARED("reference-run");
  HEADROOM_NEEDS_SHARED("data/bccd");
  const testing::TempDir dir;
  const Json expected = ReadJson(RunFile(GetParam(), "metrics.json"));
  Model model = testing::ReferenceModel(GetParam());
  OwnDetector own(model, false, kValidation);
  ExpectMetrics(Validate(own.detector).metrics, expected["val_320"]["all"]);
  ExportOptions options = testing::OptionsFor(model, 1, 320, 320);
  options.names = kNames;
  ExportOnnx(dir.path() / "a.onnx", model, options);
  options.form.images = 4;  // 72 images in batches that do not all fill up.
  ExportTorchScript(dir.path() / "a.torchscript", model, options);
  for (const char* file : {"a.onnx", "a.torchscript"}) {
    const auto exported = OpenExportedModel(dir.path() / file, 2, kValidation);
    ExpectMetrics(Validate(*exported).metrics, expected["val_320_square"]["all"]);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, ReferenceRun, ::testing::Values("yolo11n", "yolo26n"));

TEST(ReferenceRunEndToEnd, ValidatesTheOneToOneHeadAsTheReferenceDoes) {
  HEADROOM_NEEDS_SHARED("reference-run");
  HEADROOM_NEEDS_SHARED("data/bccd");
  const testing::TempDir dir;
  const Json expected = ReadJson(RunFile("yolo26n", "metrics.json"))["val_320_nms_false"]["all"];
  Model model = testing::ReferenceModel("yolo26n");
  OwnDetector own(model, true, kValidation);
  const DetectionMetrics of_own = Validate(own.detector).metrics;
  ExpectMetrics(of_own, expected);
  ExportOptions options = testing::OptionsFor(model, 1, 320, 320);
  options.names = kNames;
  options.form.output = ExportOutput::kEndToEnd;
  ExportTorchScript(dir.path() / "a.torchscript", model, options);
  const auto exported = OpenExportedModel(dir.path() / "a.torchscript", 2, kValidation);
  EXPECT_TRUE(exported->facts().end_to_end);
  EXPECT_GT(Validate(*exported).metrics.map50, 0.75);  // Square pictures: other figures.
}

// --- Average precision, computed apart from metrics/.

struct Truth {
  Xyxy box;
  bool taken = false;
};
// By image stem and class.
using Truths = std::map<std::string, std::map<int, std::vector<Truth>>>;

struct Claim {
  std::string image;
  int class_id = 0;
  double score = 0;
  Xyxy box;
};

double OverlapOf(const Xyxy& a, const Xyxy& b) {
  const double w = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
  const double h = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  return w <= 0 || h <= 0 ? 0 : w * h / (a.area() + b.area() - w * h);
}

// COCO's definition: the mean over 101 recalls of the best precision at that recall or more.
double AveragePrecisionOf(const std::vector<Claim>& claims, Truths truths, int class_id,
                          double threshold) {
  std::vector<const Claim*> ranked;
  for (const Claim& claim : claims) {
    if (claim.class_id == class_id) ranked.push_back(&claim);
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const Claim* a, const Claim* b) { return a->score > b->score; });
  double labels = 0;
  for (auto& [stem, classes] : truths) labels += static_cast<double>(classes[class_id].size());
  std::vector<std::pair<double, double>> curve;  // Recall, precision.
  double hits = 0;
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    Truth* best = nullptr;
    double best_overlap = threshold;
    for (Truth& truth : truths[ranked[i]->image][class_id]) {
      const double overlap = OverlapOf(truth.box, ranked[i]->box);
      if (truth.taken || overlap < best_overlap) continue;
      best = &truth;
      best_overlap = overlap;
    }
    if (best != nullptr) {
      best->taken = true;
      ++hits;
    }
    curve.emplace_back(hits / labels, hits / static_cast<double>(i + 1));
  }
  double sum = 0;
  for (int k = 0; k <= 100; ++k) {
    double best = 0;
    for (const auto& [recall, precision] : curve) {
      if (recall >= k / 100.0 - 1e-12) best = std::max(best, precision);
    }
    sum += best;
  }
  return sum / 101;
}

std::vector<Claim> ReadPredictions(const fs::path& path) {
  std::vector<Claim> claims;
  for (const Json& one : ReadJson(path)) {
    const std::vector<float> b = one["bbox"];
    claims.push_back({one["image_id"],
                      one["category_id"].get<int>() - 1,
                      one["score"],
                      {b[0], b[1], b[0] + b[2], b[1] + b[3]}});
  }
  return claims;
}

// One validation of yolo11n: its figures, its predictions.json, and what both came from.
struct Recorded {
  Recorded() {
    Model model = testing::ReferenceModel("yolo11n");
    OwnDetector own(model, false, kValidation);
    WriteFileAtomic(json(), [&](FileWriter& file) {
      CocoJsonWriter writer(file);
      metrics = Validate(own.detector, [&](std::uint32_t image, std::span<const Detection> found,
                                           const Sample& sample) {
                  Note(image, found, sample, &writer);
                }).metrics;
      writer.Finish();
    });
  }
  void Note(std::uint32_t image, std::span<const Detection> found, const Sample& sample,
            CocoJsonWriter* writer) {
    const std::string path = ValIndex().ImagePath(image);
    const std::string stem = fs::path(path).stem();
    const auto boxed = [](const Xywh& box, int width, int height) {
      const auto w = static_cast<float>(width);
      const auto h = static_cast<float>(height);
      const Xyxy b = ToXyxy(box);
      return Truth{{b.x1 * w, b.y1 * h, b.x2 * w, b.y2 * h}};
    };
    for (const LabelBox& label : sample.labels)
      in_network[stem][label.class_id].push_back(boxed(label.box, sample.width, sample.height));
    const ImageSize size = ValIndex().image_size(image);
    ValIndex().labels().ForEach(image, [&](int id, const Xywh& box, const auto&) {
      in_picture[stem][id].push_back(boxed(box, size.width, size.height));
    });
    std::vector<Detection> mapped(found.begin(), found.end());
    for (const Detection& d : mapped) claims.push_back({stem, d.class_id, d.confidence, d.box});
    const LetterboxGeometry& g = sample.geometry;
    MapToSource(mapped, {g.source_width, g.source_height, g.scale_x, g.scale_y, g.pad_x, g.pad_y});
    writer->AddImage(path, mapped);
  }
  [[nodiscard]] fs::path json() const { return dir.path() / "predictions.json"; }

  testing::TempDir dir;
  DetectionMetrics metrics;
  std::vector<Claim> claims;  // Network pixels.
  Truths in_network;
  Truths in_picture;
};

TEST(AveragePrecisionByCoco, IsWhatValidationReports) {
  HEADROOM_NEEDS_SHARED("reference-run");
  HEADROOM_NEEDS_SHARED("data/bccd");
  const Recorded run;
  for (const ClassMetrics& of_class : run.metrics.classes) {
    for (const int t : {0, 5, 9}) {
      // The rules differ in how the curve is sampled between two recalls.
      EXPECT_NEAR(AveragePrecisionOf(run.claims, run.in_network, of_class.class_id, 0.5 + 0.05 * t),
                  of_class.average_precision[static_cast<std::size_t>(t)], 0.008);
    }
  }
}

TEST(AveragePrecisionByCoco, OfPredictionsJsonIsThatOfTheReferencesFile) {
  HEADROOM_NEEDS_SHARED("reference-run");
  HEADROOM_NEEDS_SHARED("data/bccd");
  const Recorded run;
  const std::vector<Claim> ours = ReadPredictions(run.json());
  const std::vector<Claim> reference =
      ReadPredictions(RunFile("yolo11n", "predictions_val_320.json"));
  EXPECT_NEAR(static_cast<double>(ours.size()), static_cast<double>(reference.size()), 5);
  for (int class_id = 0; class_id < 3; ++class_id) {
    for (const double threshold : {0.5, 0.75, 0.95}) {
      EXPECT_NEAR(AveragePrecisionOf(ours, run.in_picture, class_id, threshold),
                  AveragePrecisionOf(reference, run.in_picture, class_id, threshold), 0.002);
    }
  }
}

}  // namespace
}  // namespace headroom
