// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/dataset_yaml.h"

#include "headroom/config/yaml_tree.h"
#include "headroom/core/error.h"
#include "headroom/core/strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>

namespace headroom {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaxClasses = 100'000;
constexpr std::array<std::string_view, 10> kReadKeys = {
    "train", "val", "validation", "test", "minival", "path", "names", "nc", "channels", "download"};

bool Exists(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

bool IsYaml(const fs::path& path) {
  const std::string extension = ToLower(path.extension().string());
  return extension == ".yaml" || extension == ".yml";
}

// The YAML file of a folder: data.yaml, or the only one there is.
fs::path YamlInFolder(const fs::path& folder) {
  if (Exists(folder / "data.yaml")) return folder / "data.yaml";
  std::vector<fs::path> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (IsYaml(entry.path())) found.push_back(entry.path());
  }
  if (found.size() == 1) return found.front();
  throw ConfigError(
      fmt::format("data={}: the folder holds {}; name the YAML file itself, or call it data.yaml",
                  folder.string(), found.empty() ? "no data.yaml" : "several YAML files"));
}

fs::path FindDataFile(const std::string& data, const fs::path& working_folder,
                      const fs::path& datasets_dir) {
  for (const fs::path& base : {working_folder, datasets_dir}) {
    const fs::path candidate = fs::absolute(base / data).lexically_normal();
    std::error_code ignored;
    if (fs::is_directory(candidate, ignored)) return YamlInFolder(candidate);
    if (!Exists(candidate)) continue;
    if (IsYaml(candidate)) return candidate;
    throw ConfigError(fmt::format(
        "data={}: a YAML file or the folder of one is needed; for example data=data.yaml", data));
  }
  throw ConfigError(
      fmt::format("data={}: there is no such file in {} or {}. Data sets are not fetched: name the "
                  "YAML file that says where "
                  "yours is",
                  data, working_folder.string(), datasets_dir.string()));
}

class DatasetReader {
 public:
  DatasetReader(const fs::path& file, const fs::path& working_folder, const fs::path& datasets_dir)
      : working_folder_(working_folder), datasets_dir_(datasets_dir) {
    config_.file = file.string();
  }

  DatasetConfig Read() {
    tree_ = ReadYaml(config_.file);
    if (!tree_.IsDict()) Fail(tree_, "`train:`, `val:` and `names:` are needed, one a line");
    ReadClasses();
    ReadRoot();
    config_.train = ReadSplit("train");
    config_.val = ReadSplit(tree_.Find("val") == nullptr ? "validation" : "val");
    config_.test = ReadSplit("test");
    config_.minival = ReadSplit("minival");
    if (config_.train.empty() && config_.val.empty() && config_.test.empty()) {
      Fail(tree_,
           "no images are named; add for example `train: images/train` and `val: images/val`");
    }
    ReadChannels();
    for (const auto& [key, node] : tree_.entries) {
      if (std::find(kReadKeys.begin(), kReadKeys.end(), key) == kReadKeys.end())
        config_.other_keys.emplace_back(key, node.line);
    }
    if (const YamlTree* download = tree_.Find("download");
        download != nullptr && download->IsScalar()) {
      config_.download = download->text;
    }
    return std::move(config_);
  }

 private:
  [[noreturn]] void Fail(const YamlTree& node, const std::string& text) const {
    throw ConfigError(fmt::format("{}:{}: {}", config_.file, node.line, text));
  }

  // A whole number, also as "3" or 3.0.
  [[nodiscard]] std::optional<std::int64_t> Whole(const YamlTree& node) const {
    const OptionValue number =
        node.IsScalar() ? OptionValue::Parse(Trim(node.text)) : OptionValue();
    if (!number.is_number() || number.AsDouble() != std::floor(number.AsDouble()) ||
        std::abs(number.AsDouble()) > 1e9) {
      return std::nullopt;
    }
    return static_cast<std::int64_t>(number.AsDouble());
  }

  void ReadClasses() {
    const YamlTree* nc = tree_.Find("nc");
    const YamlTree* names = tree_.Find("names");
    if (nc != nullptr && nc->IsNull()) nc = nullptr;
    if (names != nullptr && names->IsNull()) names = nullptr;
    if (nc == nullptr && names == nullptr) {
      Fail(tree_, "the classes are missing; add for example `names: [cat, dog]`");
    }
    if (names != nullptr) ReadNames(*names);
    if (nc == nullptr) return;
    const auto count = Whole(*nc);
    if (!count || *count < 1 || *count > kMaxClasses) {
      Fail(*nc, fmt::format("nc: {}: a number of classes from 1 to {} is needed", nc->text,
                            kMaxClasses));
    }
    if (names != nullptr && static_cast<std::size_t>(*count) != config_.names.size()) {
      Fail(*nc,
           fmt::format("nc is {}, but names (line {}) has {} entries; make them agree, or drop nc",
                       *count, names->line, config_.names.size()));
    }
    for (auto i = config_.names.size(); i < static_cast<std::size_t>(*count); ++i) {
      config_.names.push_back(fmt::format("class_{}", i));
    }
  }

  void ReadNames(const YamlTree& names) {
    if (names.IsScalar())
      Fail(names, fmt::format("names: {}: a list is needed, for example [cat, dog]", names.text));
    const std::size_t count = names.items.size() + names.entries.size();
    if (count == 0 || count > static_cast<std::size_t>(kMaxClasses)) {
      Fail(names,
           fmt::format("names has {} entries; from 1 to {} are possible", count, kMaxClasses));
    }
    for (const YamlTree& item : names.items) config_.names.push_back(Name(item));
    if (!names.IsDict()) return;
    std::vector<std::optional<std::string>> by_index(count);
    for (const auto& [key, node] : names.entries) {
      std::int64_t index = -1;
      if (!ParseInt(key, &index))
        Fail(node, fmt::format("names: the key '{}' is no class number", key));
      if (index < 0 || static_cast<std::size_t>(index) >= count) {
        Fail(node,
             fmt::format("names: class {} among {} names; the numbers must be 0 to {}, each once",
                         index, count, count - 1));
      }
      auto& slot = by_index[static_cast<std::size_t>(index)];
      if (slot) Fail(node, fmt::format("names: class {} is named twice", index));
      slot = Name(node);
    }
    for (const auto& name : by_index) config_.names.push_back(*name);
  }

  [[nodiscard]] std::string Name(const YamlTree& node) const {
    if (!node.IsScalar()) Fail(node, "names: a class needs one text as its name");
    return node.text;
  }

  // True when every split is an absolute path, so that the root does not matter.
  [[nodiscard]] bool SplitsAreAbsolute() const {
    bool absolute = true;
    for (const char* key : {"train", "val", "validation", "test", "minival"}) {
      const YamlTree* node = tree_.Find(key);
      if (node == nullptr || node->IsNull()) continue;
      if (node->IsScalar()) absolute = absolute && fs::path(node->text).is_absolute();
      for (const YamlTree& item : node->items)
        absolute = absolute && fs::path(item.text).is_absolute();
    }
    return absolute;
  }

  void ReadRoot() {
    const fs::path folder = fs::path(config_.file).parent_path();
    const YamlTree* node = tree_.Find("path");
    config_.root = folder;
    if (node == nullptr || node->IsNull()) return;
    if (!node->value.is_string())
      Fail(*node, "path: one text is needed, the folder of the data set");
    const fs::path typed(node->text);
    if (typed.is_absolute()) {
      config_.root = typed.lexically_normal();
      return;
    }
    std::string tried;
    for (const fs::path& base : {folder, working_folder_, datasets_dir_}) {
      const fs::path candidate = fs::absolute(base / typed).lexically_normal();
      if (Exists(candidate)) {
        config_.root = candidate;
        return;
      }
      tried += fmt::format("\n  {}", candidate.string());
    }
    if (SplitsAreAbsolute()) return;
    Fail(*node, fmt::format("path: {} does not exist; looked for{}\nWrite the absolute path of the "
                            "data set, or drop the "
                            "line when it lies beside this file{}",
                            node->text, tried, DownloadHint()));
  }

  [[nodiscard]] std::string DownloadHint() const {
    const YamlTree* download = tree_.Find("download");
    if (download == nullptr || download->IsNull()) return "";
    return fmt::format(". The `download:` on line {} is never fetched or run; do that yourself",
                       download->line);
  }

  std::vector<std::string> ReadSplit(const std::string& key) {
    std::vector<std::string> places;
    const YamlTree* node = tree_.Find(key);
    if (node == nullptr || node->IsNull()) return places;
    if (node->IsDict())
      Fail(*node, fmt::format("{}: a folder, a list file or a list of these is needed", key));
    if (node->IsScalar()) places.push_back(Place(*node, key));
    for (const YamlTree& item : node->items) places.push_back(Place(item, key));
    return places;
  }

  [[nodiscard]] std::string Place(const YamlTree& node, const std::string& key) const {
    if (!node.IsScalar() || !node.value.is_string() || node.text.empty()) {
      Fail(node, fmt::format("{}: a text is needed, for example images/{}", key, key));
    }
    fs::path place = (config_.root / node.text).lexically_normal();
    // Some exporters write ../train/images and mean train/images.
    if (!Exists(place) && node.text.starts_with("../")) {
      const fs::path inside = (config_.root / node.text.substr(3)).lexically_normal();
      if (Exists(inside)) place = inside;
    }
    return place.string();
  }

  void ReadChannels() {
    const YamlTree* node = tree_.Find("channels");
    if (node == nullptr || node->IsNull() || Whole(*node) == 3) return;
    Fail(*node, fmt::format("channels: {}: images are read as colour, 3 channels; drop the line",
                            node->text));
  }

  DatasetConfig config_;
  YamlTree tree_;
  const fs::path& working_folder_;
  const fs::path& datasets_dir_;
};

// `valid: ...` where `val:` is missing; empty where no key resembles the split.
std::string NearKeyText(const DatasetConfig& config, const std::string& split) {
  for (const auto& [key, line] : config.other_keys) {
    const std::string lower = ToLower(key);
    if (!lower.starts_with(split) && Nearest(split, std::array{lower}).empty()) continue;
    return fmt::format("line {} has `{}:`, is `{}:` meant?", line, key, split);
  }
  return {};
}

[[noreturn]] void FailWithoutSplit(const DatasetConfig& config, const std::string& split) {
  std::string hint = NearKeyText(config, split);
  if (hint.empty()) hint = fmt::format("add it, for example `{}: images/{}`", split, split);
  if (split == "val" && !config.test.empty())
    hint += "; `test:` does not stand in for it, since the best weights are chosen on val";
  throw ConfigError(fmt::format("{}: there is no `{}:`; {}", config.file, split, hint));
}

}  // namespace

const std::vector<std::string>& DatasetConfig::Split(const std::string& split) const {
  const auto& places = split == "train"     ? train
                       : split == "minival" ? minival
                       : split == "test"    ? test
                                            : val;
  if (places.empty()) FailWithoutSplit(*this, split);
  for (const std::string& place : places) {
    if (Exists(place)) continue;
    const char* hint = download.empty()
                           ? ""
                           : "; the file's `download:` is never fetched or run, do that yourself";
    throw DataError(fmt::format(
        "{}: the {} images are missing: {} does not exist (the data set's root is {}){}", file,
        split, place, root.string(), hint));
  }
  return places;
}

DatasetConfig ReadDatasetYaml(const std::string& data, const fs::path& datasets_dir) {
  const fs::path working_folder = fs::current_path();
  return DatasetReader(FindDataFile(data, working_folder, datasets_dir), working_folder,
                       datasets_dir)
      .Read();
}

}  // namespace headroom
