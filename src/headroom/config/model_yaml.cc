// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/model_yaml.h"

#include "headroom/config/built_in_models.h"
#include "headroom/config/yaml_file.h"
#include "headroom/core/error.h"
#include "headroom/core/file.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <regex>

namespace headroom {
namespace {

namespace fs = std::filesystem;

// "yolo11s" -> "s": a letter after the family's number. Empty where there is none.
std::string ScaleLetter(const std::string& stem) {
  static const std::regex pattern("yolov?\\d+([nsmlx])([^a-z].*)?$");
  std::smatch match;
  return std::regex_search(stem, match, pattern) ? match[1].str() : "";
}

std::string WithoutScale(const std::string& stem) {
  static const std::regex pattern("(yolov?\\d+)[nsmlx]");
  return std::regex_replace(stem, pattern, "$1", std::regex_constants::format_first_only);
}

class Parser {
 public:
  Parser(const std::string& text, const std::string& name)
      : name_(name), root_(ParseYaml(text, name)) {}

  ModelConfig Run() {
    if (!root_.IsMap() || !root_["backbone"] || !root_["head"]) {
      throw ConfigError(
          fmt::format("{}: no model: it must have the keys backbone and head", name_));
    }
    ModelConfig config{.file = name_};
    if (root_["nc"]) config.classes = root_["nc"].as<int>();
    if (root_["reg_max"]) config.reg_max = root_["reg_max"].as<std::int64_t>();
    if (root_["end2end"]) config.end2end = ToOptionValue(root_["end2end"]) == OptionValue(true);
    ReadScales(&config);
    for (const YAML::Node& row : root_["backbone"]) config.layers.push_back(ReadLayer(row));
    config.backbone_layers = config.layers.size();
    for (const YAML::Node& row : root_["head"]) config.layers.push_back(ReadLayer(row));
    return config;
  }

 private:
  void ReadScales(ModelConfig* config) const {
    if (root_["depth_multiple"]) config->depth = root_["depth_multiple"].as<double>();
    if (root_["width_multiple"]) config->width = root_["width_multiple"].as<double>();
    const YAML::Node scales = root_["scales"];
    if (!scales) return;
    std::string first;
    for (const auto& entry : scales) {
      const std::string letter = entry.first.Scalar();
      if (first.empty()) first = letter;
      if (!entry.second.IsSequence() || entry.second.size() != 3)
        throw ConfigError(At(entry.first) + ": a scale is [depth, width, max_channels]");
      config->scales[letter] = {entry.second[0].as<double>(), entry.second[1].as<double>(),
                                entry.second[2].as<std::int64_t>()};
    }
    config->scale = ScaleLetter(fs::path(name_).stem().string());
    if (config->scale.empty() && root_["scale"]) config->scale = root_["scale"].Scalar();
    if (config->scale.empty()) config->scale = first;
    const auto found = config->scales.find(config->scale);
    if (found == config->scales.end())
      throw ConfigError(fmt::format("{}: no scale '{}'", name_, config->scale));
    config->depth = found->second.depth;
    config->width = found->second.width;
    config->max_channels = found->second.max_channels;
  }

  ModelLayer ReadLayer(const YAML::Node& row) const {
    if (!row.IsSequence() || row.size() != 4 || !row[3].IsSequence())
      throw ConfigError(At(row) + ": a layer is [from, repeats, module, [arguments]]");
    ModelLayer layer{
        .repeats = row[1].as<int>(), .module = row[2].Scalar(), .line = row.Mark().line + 1};
    if (row[0].IsSequence()) {
      for (const YAML::Node& from : row[0]) layer.from.push_back(from.as<int>());
    } else {
      layer.from.push_back(row[0].as<int>());
    }
    for (const YAML::Node& argument : row[3]) layer.args.push_back(ToOptionValue(argument));
    return layer;
  }

  std::string At(const YAML::Node& node) const {
    return fmt::format("{}:{}", name_, node.Mark().line + 1);
  }

  std::string name_;
  YAML::Node root_;
};

}  // namespace

std::string ModelConfig::Name() const { return fs::path(file).stem().string(); }

ModelConfig ParseModelYaml(const std::string& text, const std::string& name) {
  try {
    return Parser(text, name).Run();
  } catch (const YAML::Exception& error) {
    throw ConfigError(fmt::format("{}:{}: {}", name, error.mark.line + 1, error.msg));
  }
}

std::vector<std::string> BuiltInModels() {
  std::vector<std::string> names;
  for (const BuiltInModel& model : kBuiltInModels) names.emplace_back(model.name);
  return names;
}

ModelConfig ReadModelYaml(const std::string& name) {
  const fs::path path = name;
  const std::string unscaled = WithoutScale(path.stem().string()) + ".yaml";
  for (const fs::path& local : {path, path.parent_path() / unscaled}) {
    if (!fs::is_regular_file(local)) continue;
    Result<std::string> text = ReadFile(local);
    if (!text) throw ConfigError(text.error());
    return ParseModelYaml(*text, name);
  }
  for (const BuiltInModel& model : kBuiltInModels) {
    if (unscaled == model.name)
      return ParseModelYaml(std::string(model.text), path.filename().string());
  }
  std::string known;
  for (const std::string& built_in : BuiltInModels())
    known += (known.empty() ? "" : ", ") + built_in;
  throw ConfigError(
      fmt::format("model={} is neither a file nor a built-in model; built in are {} with a size "
                  "letter n, s, m, l or x (yolo11n.yaml)",
                  name, known));
}

std::int64_t ScaledChannels(std::int64_t channels, const ModelConfig& config) {
  const double wanted = static_cast<double>(std::min(channels, config.max_channels)) * config.width;
  return static_cast<std::int64_t>(std::ceil(wanted / 8)) * 8;
}

int ScaledRepeats(int repeats, double depth) {
  if (repeats <= 1) return repeats;
  return std::max(static_cast<int>(std::nearbyint(repeats * depth)), 1);
}

}  // namespace headroom
