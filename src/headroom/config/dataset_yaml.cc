// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/dataset_yaml.h"

#include "headroom/config/yaml_file.h"
#include "headroom/core/error.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <map>

namespace headroom {
namespace {

namespace fs = std::filesystem;

class Reader {
 public:
  Reader(const std::string& file, const fs::path& datasets_dir)
      : file_(file), datasets_dir_(datasets_dir), root_(LoadYaml(file)) {}

  DatasetConfig Run() {
    if (!root_.IsMap())
      throw ConfigError(
          fmt::format("{}: no data set: it must have the keys train, val and names", file_));
    DatasetConfig config{.file = file_};
    config.root = FindRoot();
    config.names = ReadNames();
    config.train = ReadSplit(config.root, "train");
    config.val = ReadSplit(config.root, root_["val"] ? "val" : "validation");
    config.test = ReadSplit(config.root, "test");
    for (const char* key : {"train", "val"}) {
      const auto& split = key == std::string("train") ? config.train : config.val;
      if (split.empty() && !(key == std::string("val") && !config.test.empty())) {
        throw ConfigError(
            fmt::format("{}: the key '{}' is missing; name a folder of images or a list file, for "
                        "example {}: images/{}",
                        file_, key, key, key));
      }
    }
    return config;
  }

 private:
  [[nodiscard]] std::string At(const YAML::Node& node) const {
    return fmt::format("{}:{}", file_, node.Mark().line + 1);
  }

  fs::path FindRoot() const {
    const fs::path folder = fs::absolute(fs::path(file_)).parent_path();
    const YAML::Node node = root_["path"];
    if (!node || node.IsNull()) return folder;
    if (!node.IsScalar()) throw ConfigError(At(node) + ": path must be a folder's name");
    const fs::path path = node.Scalar();
    if (path.is_absolute()) {
      if (!fs::exists(path))
        throw ConfigError(
            fmt::format("{}: path {} does not exist{}", At(node), path.string(), DownloadHint()));
      return path;
    }
    const std::vector<fs::path> tried = {folder / path, fs::current_path() / path,
                                         datasets_dir_ / path};
    for (const fs::path& candidate : tried) {
      if (fs::exists(candidate)) return candidate.lexically_normal();
    }
    throw ConfigError(
        fmt::format("{}: path '{}' was found in none of {} (the YAML's folder), {} (the working "
                    "folder) and {} (datasets_dir of the settings){}",
                    At(node), path.string(), tried[0].string(), tried[1].string(),
                    tried[2].string(), DownloadHint()));
  }

  std::string DownloadHint() const {
    if (!root_["download"]) return "";
    return ". The file has a `download:` entry, which is never executed: fetch the data yourself "
           "and correct `path:`";
  }

  std::vector<std::string> ReadSplit(const fs::path& root, const std::string& key) const {
    const YAML::Node node = root_[key];
    std::vector<std::string> sources;
    if (!node || node.IsNull()) return sources;
    const auto add = [&](const YAML::Node& item) {
      if (!item.IsScalar())
        throw ConfigError(fmt::format("{}: {} must be a path or a list of paths", At(item), key));
      sources.push_back(Resolve(root, item, key).string());
    };
    if (node.IsSequence()) {
      for (const YAML::Node& item : node) add(item);
    } else {
      add(node);
    }
    return sources;
  }

  fs::path Resolve(const fs::path& root, const YAML::Node& item, const std::string& key) const {
    const std::string text = item.Scalar();
    const fs::path path = (root / text).lexically_normal();
    if (fs::exists(path)) return path;
    // Exports of some labelling tools write ../train although the folder is beside the YAML.
    if (text.starts_with("../") && fs::exists(root / text.substr(3)))
      return (root / text.substr(3)).lexically_normal();
    throw ConfigError(
        fmt::format("{}: {}: {} does not exist{}", At(item), key, path.string(), DownloadHint()));
  }

  std::vector<std::string> ReadNames() const {
    const YAML::Node names = root_["names"];
    const int count = ReadCount();
    std::vector<std::string> result;
    if (!names || names.IsNull()) {
      if (count < 0)
        throw ConfigError(
            fmt::format("{}: neither names nor nc is given; write names: [first, second] ", file_));
      for (int i = 0; i < count; ++i) result.push_back(fmt::format("class_{}", i));
      return result;
    }
    if (names.IsSequence()) {
      for (const YAML::Node& name : names) result.push_back(name.as<std::string>());
    } else if (names.IsMap()) {
      result = NamesFromMap(names);
    } else {
      throw ConfigError(At(names) + ": names must be a list or a map from class number to name");
    }
    if (count >= 0 && count != static_cast<int>(result.size())) {
      throw ConfigError(
          fmt::format("{}: nc is {} but names has {} entries; make them agree or leave nc out",
                      At(names), count, result.size()));
    }
    if (result.empty())
      throw ConfigError(At(names) + ": names is empty; a detector needs at least one class");
    return result;
  }

  std::vector<std::string> NamesFromMap(const YAML::Node& names) const {
    std::map<int, std::string> by_class;
    for (const auto& entry : names) {
      const OptionValue key = OptionValue::Parse(entry.first.Scalar());
      if (!key.is_int() || key.AsInt() < 0)
        throw ConfigError(
            fmt::format("{}: '{}' is no class number", At(entry.first), entry.first.Scalar()));
      by_class[static_cast<int>(key.AsInt())] = entry.second.as<std::string>();
    }
    std::vector<std::string> result;
    for (const auto& [id, name] : by_class) {
      if (id != static_cast<int>(result.size())) {
        throw ConfigError(fmt::format("{}: {} classes must be numbered 0 to {}, but {} is missing",
                                      At(names), by_class.size(), by_class.size() - 1,
                                      result.size()));
      }
      result.push_back(name);
    }
    return result;
  }

  int ReadCount() const {
    const YAML::Node node = root_["nc"];
    if (!node || node.IsNull()) return -1;
    const OptionValue value =
        node.IsScalar() ? OptionValue::Parse(node.Scalar()) : OptionValue("a list");
    const bool whole =
        value.is_int() ||
        (value.is_float() &&
         value.AsDouble() == static_cast<double>(static_cast<int>(value.AsDouble())));
    if (!whole || value.AsDouble() < 1 || value.AsDouble() > 100000) {
      throw ConfigError(
          fmt::format("{}: nc '{}' is no number of classes; it must be a whole number from 1 up",
                      At(node), value.ToText()));
    }
    return static_cast<int>(value.AsDouble());
  }

  std::string file_;
  fs::path datasets_dir_;
  YAML::Node root_;
};

}  // namespace

const std::vector<std::string>& DatasetConfig::Split(const std::string& split) const {
  const std::vector<std::string>& sources = split == "train"  ? train
                                            : split == "test" ? test
                                            : val.empty()     ? test
                                                              : val;
  if (sources.empty())
    throw ConfigError(fmt::format(
        "{}: no images are named for split '{}'; add the key '{}' or choose another split=", file,
        split, split));
  return sources;
}

DatasetConfig ReadDatasetYaml(const std::string& data, const fs::path& datasets_dir) {
  std::string file = data;
  if (fs::is_directory(file)) file = (fs::path(file) / "data.yaml").string();
  if (!fs::exists(file)) {
    throw ConfigError(fmt::format(
        "data={} does not exist; name a data.yaml with the keys train, val and names", file));
  }
  return Reader(file, datasets_dir).Run();
}

}  // namespace headroom
