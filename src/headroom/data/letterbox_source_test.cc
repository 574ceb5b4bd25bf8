// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/letterbox_source.h"

#include "headroom/data/pipelined_loader.h"
#include "headroom/testing/synthetic_dataset.h"
#include "headroom/testing/temp_dir.h"

#include <gtest/gtest.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <memory>

namespace headroom {
namespace {

struct Data {
  testing::TempDir folder;
  testing::SyntheticDataset files;
  DatasetIndex index;

  Data() : files(folder.path(), Options()), index(Build()) {}
  static testing::SyntheticDatasetOptions Options() {
    testing::SyntheticDatasetOptions options;
    options.val_images = 14;
    options.height = 150;
    options.width = 120;
    options.vary_sizes = true;
    options.suffixes = {"jpg", "png"};
    return options;
  }
  [[nodiscard]] DatasetIndex Build() const {
    DatasetIndexOptions options;
    options.sources = {files.images("val").string()};
    options.num_classes = 3;
    return DatasetIndex::Build(options);
  }
};

// imread, resize to long side s, centre on grey: the reference's way.
cv::Mat ByOpenCv(const std::string& path, int s, ImageSize canvas) {
  cv::Mat image = cv::imread(path);
  const double r = static_cast<double>(s) / std::max(image.rows, image.cols);
  const int width = std::min(static_cast<int>(std::ceil(image.cols * r)), s);
  const int height = std::min(static_cast<int>(std::ceil(image.rows * r)), s);
  if (r != 1) cv::resize(image, image, {width, height}, 0, 0, cv::INTER_LINEAR);
  const double dw = (canvas.width - width) / 2.0, dh = (canvas.height - height) / 2.0;
  cv::Mat out;
  cv::copyMakeBorder(image, out, static_cast<int>(std::round(dh - 0.1)),
                     static_cast<int>(std::round(dh + 0.1)), static_cast<int>(std::round(dw - 0.1)),
                     static_cast<int>(std::round(dw + 0.1)), cv::BORDER_CONSTANT, {114, 114, 114});
  cv::cvtColor(out, out, cv::COLOR_BGR2RGB);
  return out;
}

TEST(LetterboxSource, PixelsAndBoxesAreTheReferences) {
  const Data data;
  LetterboxSourceOptions options;
  options.image_size = 128;
  options.batch = 4;
  auto owned = std::make_unique<LetterboxSource>(options, data.index, nullptr);
  const LetterboxSource& source = *owned;
  PipelinedLoader loader(std::move(owned), {.workers = 2, .max_in_flight = 4}, nullptr);
  loader.StartEpoch(0, 0);
  for (std::int64_t p = 0; p < loader.size(); ++p) {
    const Sample& sample = loader.Get(p);
    const ImageSize shape = source.batches().ShapeOf(static_cast<std::size_t>(p));
    ASSERT_EQ((ImageSize{sample.height, sample.width}), shape);
    const cv::Mat expected = ByOpenCv(data.index.ImagePath(sample.image_index), 128, shape);
    EXPECT_TRUE(std::equal(sample.pixels.begin(), sample.pixels.end(), expected.datastart)) << p;
    // A label mapped by the geometry lies where the sample says.
    const LetterboxGeometry& g = sample.geometry;
    std::size_t k = 0;
    data.index.labels().ForEach(
        sample.image_index, [&](std::int32_t, const Xywh& b, LabelTable::Polygon) {
          ASSERT_LT(k, sample.labels.size());
          const Xywh& box = sample.labels[k++].box;
          EXPECT_NEAR(box.x * static_cast<float>(sample.width),
                      b.x * static_cast<float>(g.source_width) * g.scale_x + g.pad_x, 0.01);
          EXPECT_NEAR(box.h * static_cast<float>(sample.height),
                      b.h * static_cast<float>(g.source_height) * g.scale_y, 0.01);
        });
    EXPECT_EQ(k, sample.labels.size());
    loader.Acknowledge(p + 1);
  }
}

TEST(LetterboxSource, WithoutRectEveryCanvasIsSquareAndTheOrderIsTheList) {
  const Data data;
  LetterboxSourceOptions options;
  options.image_size = 128;
  options.rect = false;
  PipelinedLoader loader(std::make_unique<LetterboxSource>(options, data.index, nullptr),
                         {.workers = 2, .max_in_flight = 4}, nullptr);
  loader.StartEpoch(0, 0);
  for (std::int64_t p = 0; p < loader.size(); ++p) {
    const Sample& sample = loader.Get(p);
    EXPECT_EQ(sample.image_index, p);
    EXPECT_EQ(sample.height, 128);
    EXPECT_EQ(sample.width, 128);
    loader.Acknowledge(p + 1);
  }
}

}  // namespace
}  // namespace headroom
