// SPDX-License-Identifier: Apache-2.0
// Speed and memory of the training loader, in one process, apart from any training.
//   headroom_loader_bench images=FOLDER [imgsz=640] [batch=16] [workers=1] [epochs=3] [copies=1]
//     [budget=300M] [pool=400M] [cache=ram] [hold=BATCH] [classes=0] [dump=FILE.png]
// dump: draws the first 8 samples with their boxes into one picture, to be looked at, and ends.
// hold: images that the consumer keeps before it acknowledges them. copies: every image of the
// folder counts that often (symbolic links in a temporary folder), so that pools fill.
// Prints a line an epoch: images/s by wall time and by processor time (what one core would do),
// resident bytes now and at the peak.
#include "headroom/data/pipelined_loader.h"
#include "headroom/data/ram_image_cache.h"
#include "headroom/data/training_source.h"

#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>

namespace headroom {
namespace {

double MibOf(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(key, 0) == 0) return std::stod(line.substr(key.size() + 1)) / 1024;
  }
  return 0;
}

double ProcessorSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

using Arguments = std::map<std::string, std::string>;

int Int(const Arguments& arguments, const std::string& key, int otherwise) {
  const auto found = arguments.find(key);
  return found == arguments.end() ? otherwise : std::stoi(found->second);
}

Bytes Size(const Arguments& arguments, const std::string& key, Bytes otherwise) {
  const auto found = arguments.find(key);
  return found == arguments.end() ? otherwise : ParseBytes(found->second).value();
}

// Links to every image and label file, `copies` times.
std::filesystem::path Multiply(const std::filesystem::path& images, int copies) {
  namespace fs = std::filesystem;
  const fs::path labels = images.parent_path().parent_path() / "labels" / images.filename();
  const fs::path root = fs::temp_directory_path() / fmt::format("headroom_loader_bench_{}x{}",
                                                                images.filename().string(), copies);
  fs::create_directories(root / "images/train");
  fs::create_directories(root / "labels/train");
  for (const auto& entry : fs::directory_iterator(images)) {
    for (int i = 0; i < copies; ++i) {
      const std::string stem = fmt::format("{}_{}", entry.path().stem().string(), i);
      const fs::path image = root / "images/train" / (stem + entry.path().extension().string());
      const fs::path label = root / "labels/train" / (stem + ".txt");
      if (!fs::exists(image)) fs::create_hard_link(entry.path(), image);
      const fs::path source = labels / (entry.path().stem().string() + ".txt");
      if (!fs::exists(label) && fs::exists(source)) fs::create_hard_link(source, label);
    }
  }
  return root / "images/train";
}

void Dump(Loader& loader, const std::string& path) {
  constexpr int kColumns = 4;
  constexpr int kShown = 8;
  const cv::Scalar colours[] = {{0, 255, 0}, {0, 0, 255}, {255, 128, 0}};
  loader.StartEpoch(0, 0);
  cv::Mat sheet;
  for (int p = 0; p < kShown; ++p) {
    const Sample& sample = loader.Get(p);
    cv::Mat picture(sample.height, sample.width, CV_8UC3);
    std::copy(sample.pixels.begin(), sample.pixels.end(), picture.data);
    cv::cvtColor(picture, picture, cv::COLOR_RGB2BGR);
    for (const LabelBox& label : sample.labels) {
      const Xyxy b = ToXyxy(label.box);
      const auto point = [&](float x, float y) {
        return cv::Point2f(x * static_cast<float>(sample.width),
                           y * static_cast<float>(sample.height));
      };
      cv::rectangle(picture, point(b.x1, b.y1), point(b.x2, b.y2), colours[label.class_id % 3], 2);
    }
    if (sheet.empty())
      sheet.create(picture.rows * kShown / kColumns, picture.cols * kColumns, CV_8UC3);
    picture.copyTo(sheet(
        {p % kColumns * picture.cols, p / kColumns * picture.rows, picture.cols, picture.rows}));
    loader.Acknowledge(p + 1);
  }
  cv::imwrite(path, sheet);
}

int Run(const Arguments& arguments) {
  const int batch = Int(arguments, "batch", 16);
  const int hold = Int(arguments, "hold", batch);
  std::filesystem::path images = std::filesystem::absolute(arguments.at("images"));
  const int copies = Int(arguments, "copies", 1);
  if (copies > 1) images = Multiply(images, copies);

  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Size(arguments, "budget", Bytes::GiB(64)), "budget=", ledger);
  DatasetIndexOptions index_options;
  index_options.sources = {images.string()};
  index_options.num_classes = Int(arguments, "classes", 0);
  index_options.budget = &budget;
  const DatasetIndex index = DatasetIndex::Build(index_options);
  std::unique_ptr<RamImageCache> cache;
  if (arguments.contains("cache")) {
    RamImageCacheOptions cache_options;
    cache_options.images = index.size();
    cache = std::make_unique<RamImageCache>(cache_options, budget);
  }
  TrainingSourceOptions options;
  options.image_size = Int(arguments, "imgsz", 640);
  options.batch = batch;
  options.pool_limit = Size(arguments, "pool", Bytes::MiB(400));
  LoaderOptions loader_options;
  loader_options.workers = Int(arguments, "workers", 1);
  loader_options.max_in_flight = hold;
  // The ring and the workers are needed; the pool takes what they leave.
  const MemoryNeed need =
      EstimateMemory(loader_options, ImageSize{options.image_size, options.image_size}.PixelBytes(),
                     EstimateWorkerMemory(options, index).Total());
  options.pool_limit =
      std::min(options.pool_limit, SaturatingSub(budget.available(), need.Total()));
  auto source_owner = std::make_unique<TrainingSource>(options, index, cache.get(), &budget);
  TrainingSource& source = *source_owner;
  PipelinedLoader loader(std::move(source_owner), loader_options, &budget);
  fmt::print("{} images, {} workers, batch {}, hold {}, pool limit {}, planned {}\n", index.size(),
             loader.workers(), batch, hold,
             ToString(source.pool() ? source.pool()->limit() : Bytes()), ToString(budget.used()));

  if (arguments.contains("dump")) {
    Dump(loader, arguments.at("dump"));
    return 0;
  }
  for (int epoch = 0; epoch < Int(arguments, "epochs", 3); ++epoch) {
    const double processor = ProcessorSeconds();
    const auto start = std::chrono::steady_clock::now();
    loader.StartEpoch(epoch, 0);
    std::uint64_t boxes = 0;
    for (std::int64_t p = 0; p < loader.size(); ++p) {
      boxes += loader.Get(p).labels.size();
      if ((p + 1) % hold == 0) loader.Acknowledge(p + 1);
    }
    const double wall =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const auto count = static_cast<double>(loader.size());
    const ImagePool::Statistics pool =
        source.pool() ? source.pool()->statistics() : ImagePool::Statistics{};
    fmt::print(
        "epoch {}: {:.0f} images/s, {:.0f} a core; {:.1f} boxes an image; pool hits {} misses {}; "
        "VmRSS {:.0f} MiB, VmHWM {:.0f} MiB\n",
        epoch, count / wall, count / (ProcessorSeconds() - processor),
        static_cast<double>(boxes) / count, pool.hits, pool.misses, MibOf("VmRSS:"),
        MibOf("VmHWM:"));
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace headroom

int main(int argc, char** argv) {
  headroom::Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto equals = argument.find('=');
    arguments[argument.substr(0, equals)] =
        equals == std::string::npos ? "" : argument.substr(equals + 1);
  }
  if (!arguments.contains("images")) {
    fmt::print(
        stderr,
        "usage: headroom_loader_bench images=FOLDER [key=value ...]; see the top of its source\n");
    return 2;
  }
  return headroom::Run(arguments);
}
