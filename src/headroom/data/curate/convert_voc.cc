// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/core/strings.h"
#include "headroom/data/curate/convert_dataset.h"
#include "headroom/data/curate/dataset_writer.h"
#include "headroom/data/curate/xml_tree.h"
#include "headroom/image/image_info.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <system_error>

namespace headroom {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kMaxMessages = 20;

// One annotation file, class by name.
struct VocImage {
  std::string stem;
  fs::path source;
  std::vector<std::pair<std::string, Xywh>> boxes;
};

std::optional<double> NumberOf(const XmlElement& element, std::string_view child) {
  double value = 0;
  if (!ParseDouble(element.TextOf(child), &value)) return std::nullopt;
  return value;
}

class VocConverter {
 public:
  VocConverter(const fs::path& src, const fs::path& dst) : src_(src), writer_(dst) {
    annotations_ = fs::is_directory(src / "Annotations") ? src / "Annotations" : src;
  }

  ConvertReport Run(const std::function<void(std::int64_t)>& on_image) {
    std::vector<std::string> stems = Stems();
    std::vector<VocImage> images;
    std::set<std::string> names;
    for (const std::string& stem : stems) {
      std::optional<VocImage> image = Read(stem);
      if (!image) continue;
      for (const auto& [name, box] : image->boxes) names.insert(name);
      images.push_back(std::move(*image));
    }
    if (images.empty())
      throw DataError(fmt::format(
          "src={}: {} annotation files, but none with its image; images "
          "are looked for in JPEGImages/ and beside the .xml files{}",
          src_.string(), stems.size(), report_.messages.empty() ? "" : ". " + report_.messages[0]));
    report_.names.assign(names.begin(), names.end());
    const std::map<std::string, std::string> splits = Splits();
    std::int64_t written = 0;
    for (const VocImage& image : images) {
      const auto split = splits.find(image.stem);
      Write(image, split == splits.end() ? "train" : split->second);
      if (on_image) on_image(++written);
    }
    writer_.Finish(report_.names);
    report_.images = writer_.counts();
    return std::move(report_);
  }

 private:
  std::vector<std::string> Stems() const {
    std::vector<std::string> stems;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(annotations_, error)) {
      if (entry.path().extension() == ".xml") stems.push_back(entry.path().stem().string());
    }
    std::sort(stems.begin(), stems.end());
    if (stems.empty())
      throw DataError(
          fmt::format("src={}: no .xml file in {}", src_.string(), annotations_.string()));
    return stems;
  }

  // Stem to split, of ImageSets/Main.
  std::map<std::string, std::string> Splits() const {
    std::map<std::string, std::string> splits;
    for (const char* split : {"train", "val", "test"}) {
      const Result<std::string> text =
          ReadFile(src_ / "ImageSets" / "Main" / (std::string(split) + ".txt"));
      if (!text) continue;
      for (const std::string_view line : Split(*text, '\n')) {
        const std::string_view word = Trim(line);
        if (!word.empty()) splits.emplace(word.substr(0, word.find(' ')), split);
      }
    }
    return splits;
  }

  std::optional<fs::path> FindImage(const std::string& stem, const std::string& file_name) const {
    std::vector<std::string> names;
    if (StaysInside(file_name)) names.push_back(file_name);
    for (const std::string_view suffix : ImageSuffixes())
      names.push_back(fmt::format("{}.{}", stem, suffix));
    for (const fs::path& folder : {src_ / "JPEGImages", src_ / "images", annotations_, src_}) {
      for (const std::string& name : names) {
        std::error_code error;
        if (HasImageSuffix(name) && fs::is_regular_file(folder / name, error)) return folder / name;
      }
    }
    return std::nullopt;
  }

  std::optional<VocImage> Read(const std::string& stem) {
    const fs::path file = annotations_ / (stem + ".xml");
    const Result<std::string> text = ReadFile(file);
    const Result<XmlElement> root =
        text ? ParseXml(*text) : Result<XmlElement>(Failure{text.error()});
    if (!root) {
      ++report_.missing_images;
      Tell(fmt::format("{}: {}", file.string(), root.error()));
      return std::nullopt;
    }
    VocImage image{.stem = stem, .source = {}, .boxes = {}};
    const std::optional<fs::path> source = FindImage(stem, root->TextOf("filename"));
    const Result<ImageInfo> info = source ? ReadImageInfo(source->string())
                                          : Result<ImageInfo>(Failure{"its image is missing"});
    if (!info) {
      ++report_.missing_images;
      Tell(fmt::format("{}: {}", file.string(), info.error()));
      return std::nullopt;
    }
    image.source = *source;
    ReadBoxes(*root, info->size, &image);
    return image;
  }

  // Pixels count from 1 in VOC. The file's own size wins over what the annotation says.
  void ReadBoxes(const XmlElement& root, ImageSize size, VocImage* image) {
    for (const XmlElement& object : root.children) {
      if (object.name != "object") continue;
      const XmlElement* box = object.Find("bndbox");
      const std::string name = object.TextOf("name");
      Xywh normalized;
      const bool good = box != nullptr && !name.empty() && object.TextOf("difficult") != "1" &&
                        Normalize(*box, size, &normalized);
      if (good) {
        image->boxes.emplace_back(name, normalized);
      } else {
        ++report_.skipped_boxes;
      }
    }
  }

  static bool Normalize(const XmlElement& box, ImageSize size, Xywh* normalized) {
    const auto x1 = NumberOf(box, "xmin");
    const auto y1 = NumberOf(box, "ymin");
    const auto x2 = NumberOf(box, "xmax");
    const auto y2 = NumberOf(box, "ymax");
    if (!x1 || !y1 || !x2 || !y2) return false;
    const Xyxy pixels{static_cast<float>(*x1 - 1), static_cast<float>(*y1 - 1),
                      static_cast<float>(*x2 - 1), static_cast<float>(*y2 - 1)};
    return NormalizeBox(pixels, size.width, size.height, normalized);
  }

  void Write(const VocImage& image, const std::string& split) {
    std::string labels;
    for (const auto& [name, box] : image.boxes) {
      const auto found = std::lower_bound(report_.names.begin(), report_.names.end(), name);
      labels += LabelLine(static_cast<std::int32_t>(found - report_.names.begin()), box);
      ++report_.boxes;
    }
    writer_.AddImage(split, image.source, image.stem + ToLower(image.source.extension().string()),
                     labels);
  }

  void Tell(const std::string& message) {
    if (report_.messages.size() < kMaxMessages) report_.messages.push_back(message);
  }

  fs::path src_;
  fs::path annotations_;
  DatasetWriter writer_;
  ConvertReport report_;
};

}  // namespace

ConvertReport ConvertVoc(const fs::path& src, const fs::path& dst,
                         const std::function<void(std::int64_t)>& on_image) {
  if (!fs::is_directory(src))
    throw DataError(
        fmt::format("src={} is no folder; name the folder that has Annotations/", src.string()));
  return VocConverter(src, dst).Run(on_image);
}

}  // namespace headroom
