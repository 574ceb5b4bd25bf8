// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/model_yaml.h"

#include "headroom/config/built_in_models.h"
#include "headroom/config/model_family.h"
#include "headroom/config/yaml_tree.h"
#include "headroom/core/error.h"
#include "headroom/core/strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

namespace headroom {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaxClasses = 100'000;
constexpr std::int64_t kMaxRepeats = 1000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Position of the size letter in a stem: yolo11s, my-yolov8x-p2; npos where there is none. It
// follows the family's number and no letter follows it.
std::size_t SizeLetterAt(std::string_view stem) {
  for (auto start = stem.find("yolo"); start != std::string_view::npos;
       start = stem.find("yolo", start + 1)) {
    std::size_t at = start + 4;
    if (at < stem.size() && stem[at] == 'v') ++at;
    const std::size_t digits = at;
    while (at < stem.size() && IsDigit(stem[at])) ++at;
    const bool is_size = at > digits && at < stem.size() &&
                         std::string_view("nsmlx").find(stem[at]) != std::string_view::npos;
    if (is_size && (at + 1 == stem.size() || !IsLetter(stem[at + 1]))) return at;
  }
  return std::string_view::npos;
}

std::string SizeLetter(const std::string& stem) {
  const auto at = SizeLetterAt(stem);
  return at == std::string_view::npos ? "" : stem.substr(at, 1);
}

std::string WithoutSizeLetter(std::string stem) {
  if (const auto at = SizeLetterAt(stem); at != std::string::npos) stem.erase(at, 1);
  return stem;
}

class ModelParser {
 public:
  ModelParser(const std::string& text, const std::string& name) : tree_(ParseYaml(text, name)) {
    config_.file = name;
    config_.source = name;
  }

  ModelConfig Parse() {
    if (!tree_.IsDict() || tree_.Find("backbone") == nullptr || tree_.Find("head") == nullptr) {
      Fail(tree_, "this is no model: the keys `backbone:` and `head:` are needed");
    }
    config_.classes = static_cast<int>(Whole("nc", 1, kMaxClasses, 80));
    config_.reg_max = Whole("reg_max", 1, 1024, 16);
    if (const YamlTree* node = tree_.Find("end2end"); node != nullptr && !node->IsNull()) {
      if (!node->value.is_bool())
        Fail(*node, fmt::format("end2end: {}: True or False is needed", node->text));
      config_.end2end = node->value.AsBool();
    }
    ReadActivation();
    CheckImageChannels();
    ReadScales();
    ReadLayers("backbone");
    config_.backbone_layers = config_.layers.size();
    ReadLayers("head");
    if (config_.layers.empty()) Fail(tree_, "the model has no layers");
    return std::move(config_);
  }

 private:
  [[noreturn]] void Fail(const YamlTree& node, const std::string& text) const {
    throw ConfigError(fmt::format("{}:{}: {}", config_.file, node.line, text));
  }

  // A whole number that may also be written as "80" or 80.0.
  [[nodiscard]] std::int64_t Whole(const char* key, std::int64_t least, std::int64_t most,
                                   std::int64_t otherwise) const {
    const YamlTree* node = tree_.Find(key);
    return node == nullptr || node->IsNull() ? otherwise : WholeOf(*node, key, least, most);
  }

  [[nodiscard]] std::int64_t WholeOf(const YamlTree& node, std::string_view what,
                                     std::int64_t least, std::int64_t most) const {
    const OptionValue value = node.IsScalar() ? OptionValue::Parse(node.text) : OptionValue();
    const double number = value.is_number() ? value.AsDouble() : NAN;
    if (!(number >= static_cast<double>(least) && number <= static_cast<double>(most)) ||
        number != std::floor(number)) {
      Fail(node, fmt::format("{}: '{}' where a whole number from {} to {} is needed", what,
                             node.text, least, most));
    }
    return static_cast<std::int64_t>(number);
  }

  [[nodiscard]] double Factor(const YamlTree& node, std::string_view what) const {
    const bool allowed =
        node.value.is_number() && node.value.AsDouble() > 0 && node.value.AsDouble() <= 100;
    if (!allowed)
      Fail(node, fmt::format("{}: '{}' where a number above 0 is needed", what, node.text));
    return node.value.AsDouble();
  }

  void ReadActivation() {
    const YamlTree* node = tree_.Find("activation");
    if (node == nullptr || node->IsNull()) return;
    if (!node->IsScalar() || !ParseActivation(node->text)) {
      Fail(*node, fmt::format("activation: '{}' is not known; known are {}", node->text,
                              kActivationsKnown));
    }
    config_.activation = node->text;
  }

  void CheckImageChannels() const {
    for (const char* key : {"ch", "channels"}) {
      const YamlTree* node = tree_.Find(key);
      if (node != nullptr && !node->IsNull() && node->value != OptionValue(3))
        Fail(*node, fmt::format("{}: '{}': images have 3 channels here", key, node->text));
    }
  }

  void ReadScales() {
    if (const YamlTree* node = tree_.Find("depth_multiple"))
      config_.depth = Factor(*node, "depth_multiple");
    if (const YamlTree* node = tree_.Find("width_multiple"))
      config_.width = Factor(*node, "width_multiple");
    const YamlTree* scales = tree_.Find("scales");
    if (scales == nullptr || scales->IsNull()) return;
    if (!scales->IsDict() || scales->entries.empty())
      Fail(*scales, "scales: `n: [depth, width, max_channels]` is needed");
    for (const auto& [letter, node] : scales->entries) {
      if (!node.IsList() || node.items.size() != 3)
        Fail(node, "a scale is [depth, width, max_channels]");
      config_.scales.emplace_back(
          letter, ModelScale{.depth = Factor(node.items[0], "depth"),
                             .width = Factor(node.items[1], "width"),
                             .max_channels = WholeOf(node.items[2], "max_channels", 1, 1 << 20)});
    }
    ChooseScale(*scales);
  }

  [[nodiscard]] const ModelScale* FindScale(const std::string& letter) const {
    for (const auto& [name, scale] : config_.scales) {
      if (name == letter) return &scale;
    }
    return nullptr;
  }

  // The size letter of the file's name, else `scale:` (checkpoints have it), else the first.
  void ChooseScale(const YamlTree& scales) {
    std::string letter = SizeLetter(fs::path(config_.file).stem().string());
    const YamlTree* own = tree_.Find("scale");
    if (own != nullptr && !own->text.empty() && FindScale(letter) == nullptr) letter = own->text;
    if (letter.empty()) {
      letter = config_.scales.front().first;
      config_.warnings.push_back(
          fmt::format("{}: the name has no size letter; scale '{}' is used", config_.file, letter));
    }
    const ModelScale* scale = FindScale(letter);
    if (scale == nullptr) {
      std::string known;
      for (const auto& [name, unused] : config_.scales)
        known += fmt::format("{}{}", known.empty() ? "" : ", ", name);
      Fail(scales, fmt::format("there is no scale '{}'; there are {}", letter, known));
    }
    config_.scale = letter;
    config_.depth = scale->depth;
    config_.width = scale->width;
    config_.max_channels = scale->max_channels;
  }

  void ReadLayers(const char* key) {
    const YamlTree& rows = *tree_.Find(key);
    if (!rows.IsList() && !rows.IsNull())
      Fail(rows, fmt::format("{}: a list of layers is needed", key));
    for (const YamlTree& row : rows.items) config_.layers.push_back(ReadLayer(row));
  }

  [[nodiscard]] ModelLayer ReadLayer(const YamlTree& row) const {
    if (!row.IsList() || row.items.size() != 4 || !row.items[2].IsScalar() ||
        !row.items[3].IsList()) {
      Fail(
          row,
          "a layer is [from, repeats, module, [arguments]], for example [-1, 1, Conv, [64, 3, 2]]");
    }
    ModelLayer layer;
    layer.line = row.line;
    layer.module = row.items[2].text;
    layer.repeats = static_cast<int>(WholeOf(row.items[1], "repeats", 1, kMaxRepeats));
    const YamlTree& from = row.items[0];
    const auto index = static_cast<std::int64_t>(config_.layers.size());
    const auto source = [&](const YamlTree& node) {
      return static_cast<int>(WholeOf(node, "from", -std::max<std::int64_t>(index, 1),
                                      std::max<std::int64_t>(index - 1, 0)));
    };
    if (from.IsList() && from.items.empty()) Fail(from, "from: at least one layer is needed");
    if (from.IsScalar()) layer.from.push_back(source(from));
    for (const YamlTree& item : from.items) layer.from.push_back(source(item));
    for (const YamlTree& argument : row.items[3].items) layer.args.push_back(Argument(argument));
    return layer;
  }

  static OptionValue Argument(const YamlTree& node) {
    if (node.IsScalar() && node.text == "None") return {};
    return node.ToValue();
  }

  YamlTree tree_;
  ModelConfig config_;
};

OptionValue LayerRow(const ModelLayer& layer) {
  OptionValue::List from(layer.from.begin(), layer.from.end());
  return OptionValue::List{from.size() == 1 ? from[0] : OptionValue(from), layer.repeats,
                           layer.module, layer.args};
}

// One line of YAML in flow style.
std::string Flow(const OptionValue& value) {
  if (value.is_list()) {
    std::string text;
    for (const OptionValue& item : value.AsList())
      text += fmt::format("{}{}", text.empty() ? "" : ", ", Flow(item));
    return fmt::format("[{}]", text);
  }
  if (!value.is_string()) return value.is_null() ? "null" : value.ToText();
  const std::string& text = value.AsString();
  const bool plain =
      !text.empty() && IsLetter(text[0]) && std::all_of(text.begin(), text.end(), [](char c) {
        return IsLetter(c) || IsDigit(c) || c == '.' || c == '_';
      });
  if (plain && (text == "None" || ParseYaml(text, "").value.is_string())) return text;
  std::string quoted(1, '\'');
  for (const char c : text) quoted.append(c == '\'' ? 2 : 1, c);
  return quoted + '\'';
}

}  // namespace

std::string ModelConfig::Name() const { return fs::path(file).stem().string(); }

std::string ModelConfig::Where(std::size_t layer) const {
  const ModelLayer& row = layers[layer];
  const std::string line = row.line > 0 ? fmt::format(":{}", row.line) : "";
  return fmt::format("{}{}: layer {} ({})", source, line, layer, row.module);
}

ModelConfig ParseModelYaml(const std::string& text, const std::string& name) {
  return ModelParser(text, name).Parse();
}

std::vector<std::string> BuiltInModels() {
  std::vector<std::string> names;
  for (const BuiltInModel& model : kBuiltInModels) names.emplace_back(model.name);
  return names;
}

ModelConfig ReadModelYaml(const std::string& name) {
  const fs::path path = name;
  const std::string family = WithoutSizeLetter(path.stem().string()) + ".yaml";
  for (const fs::path& local : {path, path.parent_path() / family}) {
    std::error_code ignored;
    if (!fs::is_regular_file(local, ignored)) continue;
    return ParseModelYaml(ReadText(local), path == local ? name : path.filename().string());
  }
  for (const BuiltInModel& model : kBuiltInModels) {
    if (family == model.name) {
      return ParseModelYaml(CustomaryModelYaml(std::string(model.text), family),
                            path.filename().string());
    }
  }
  throw ConfigError(fmt::format(
      "model={}: there is no such file; built in are {}, with a size letter n, s, m, l or x "
      "in the name: yolo11n.yaml",
      name, Join(BuiltInModels(), ", ")));
}

OptionValue::Dict ModelDict(const ModelConfig& config) {
  OptionValue::Dict dict;
  dict.emplace_back("nc", config.classes);
  if (config.end2end) dict.emplace_back("end2end", true);
  if (config.reg_max != 16) dict.emplace_back("reg_max", config.reg_max);
  if (!config.activation.empty()) dict.emplace_back("activation", config.activation);
  OptionValue::Dict scales;
  for (const auto& [letter, scale] : config.scales) {
    scales.emplace_back(letter, OptionValue::List{scale.depth, scale.width, scale.max_channels});
  }
  if (!scales.empty()) dict.emplace_back("scales", std::move(scales));
  // A file without scales has its factors beside them.
  if (config.scales.empty() && config.depth != 1) dict.emplace_back("depth_multiple", config.depth);
  if (config.scales.empty() && config.width != 1) dict.emplace_back("width_multiple", config.width);
  OptionValue::List parts[2];
  for (std::size_t i = 0; i < config.layers.size(); ++i) {
    parts[i < config.backbone_layers ? 0 : 1].push_back(LayerRow(config.layers[i]));
  }
  dict.emplace_back("backbone", std::move(parts[0]));
  dict.emplace_back("head", std::move(parts[1]));
  if (!config.scale.empty()) dict.emplace_back("scale", config.scale);
  dict.emplace_back("yaml_file", config.file);
  dict.emplace_back("channels", 3);
  return dict;
}

std::string ModelYamlText(const ModelConfig& config) {
  std::string text;
  for (const auto& [key, value] : ModelDict(config)) {
    text += fmt::format("{}:", key);
    if (value.is_dict()) {
      for (const auto& [name, item] : value.AsDict())
        text += fmt::format("\n  {}: {}", name, Flow(item));
    } else if (value.is_list()) {
      for (const OptionValue& row : value.AsList()) text += fmt::format("\n  - {}", Flow(row));
    } else {
      text += fmt::format(" {}", Flow(value));
    }
    text += '\n';
  }
  return text;
}

std::int64_t ScaledChannels(std::int64_t channels, const ModelConfig& config) {
  const double wanted = static_cast<double>(std::min(channels, config.max_channels)) * config.width;
  return static_cast<std::int64_t>(std::ceil(wanted / 8)) * 8;
}

int ScaledRepeats(int repeats, double depth) {
  if (repeats <= 1) return repeats;
  // nearbyint rounds halves to even in the default mode.
  return std::max(static_cast<int>(std::nearbyint(repeats * depth)), 1);
}

}  // namespace headroom
