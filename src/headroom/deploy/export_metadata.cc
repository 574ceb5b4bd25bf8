// SPDX-License-Identifier: Apache-2.0
#include "headroom/deploy/export_metadata.h"

#include "headroom/core/strings.h"
#include "headroom/deploy/python_dict.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <optional>

namespace headroom {
namespace {

using Json = nlohmann::ordered_json;
using Properties = std::vector<std::pair<std::string, std::string>>;

std::string Now() {
  return fmt::format(
      "{:%Y-%m-%dT%H:%M:%S}+00:00",
      fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

Json Arguments(const ExportOptions& options) {
  const NetworkForm& form = options.form;
  Json nms = nullptr;
  if (form.output == ExportOutput::kSuppressed) nms = true;
  if (form.output == ExportOutput::kEndToEnd) nms = false;
  Json quantize = nullptr;
  if (options.precision == ExportPrecision::kFloat16) quantize = 16;
  return {{"batch", form.images},
          {"quantize", quantize},
          {"nms", nms},
          {"dynamic", form.dynamic},
          {"opset", options.opset}};
}

Json Metadata(const ExportOptions& options, const Model& model) {
  Json names = Json::object();
  for (std::size_t i = 0; i < options.names.size(); ++i)
    names[std::to_string(i)] = options.names[i];
  return {{"description", options.description},
          {"author", "Headroom"},
          {"date", Now()},
          {"version", options.version},
          {"license", "that of the weights and of the training data"},
          {"docs", ""},
          {"stride", *std::max_element(model.strides.begin(), model.strides.end())},
          {"task", "detect"},
          {"head", "Detect"},
          {"batch", options.form.images},
          {"imgsz", {options.form.extent.height, options.form.extent.width}},
          {"names", names},
          {"args", Arguments(options)},
          {"channels", 3},
          {"end2end", options.form.output == ExportOutput::kEndToEnd}};
}

// Python's str() of a value; repr() inside containers. `integer_keys`: of a dict.
std::string PythonText(const Json& value, bool nested, bool integer_keys) {
  if (value.is_null()) return "None";
  if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
  if (value.is_string())
    return nested ? PythonQuoted(value.get<std::string>()) : value.get<std::string>();
  if (!value.is_structured()) return value.dump();
  std::string text;
  for (const auto& [key, item] : value.items()) {
    if (!text.empty()) text += ", ";
    if (value.is_object()) text += (integer_keys ? key : PythonQuoted(key)) + ": ";
    text += PythonText(item, true, false);
  }
  return value.is_object() ? "{" + text + "}" : "[" + text + "]";
}

const std::string* Find(const Properties& properties, std::string_view key) {
  for (const auto& [name, value] : properties) {
    if (name == key) return &value;
  }
  return nullptr;
}

Failure Missing(std::string_view key, std::string_view found) {
  return {
      fmt::format("the model's metadata has {} for '{}'; models exported by `yolo export` have "
                  "stride, task, batch, imgsz and names",
                  found.empty() ? "nothing" : fmt::format("'{}'", found), key)};
}

// Keys of args and end2end that tell what the network's rows are.
void ReadArguments(const Properties& properties, DetectorFacts* facts) {
  const std::string* end_to_end = Find(properties, "end2end");
  facts->end_to_end = end_to_end != nullptr && ToLower(*end_to_end) == "true";
  const std::string* arguments = Find(properties, "args");
  if (arguments == nullptr) return;
  const PythonDict dict = ParsePythonDict(*arguments).value_or(PythonDict{});
  for (const auto& [key, value] : dict) {
    if (key == "nms" && value == "True") facts->end_to_end = true;
    if (key == "dynamic" && value == "True") facts->fixed_size = false;
  }
}

}  // namespace

Properties MetadataProperties(const ExportOptions& options, const Model& model) {
  Properties properties;
  const Json metadata = Metadata(options, model);
  for (const auto& [key, value] : metadata.items())
    properties.emplace_back(key, PythonText(value, false, key == "names"));
  return properties;
}

std::string MetadataJson(const ExportOptions& options, const Model& model) {
  return Metadata(options, model).dump();
}

Result<DetectorFacts> ReadMetadata(const Properties& properties) {
  DetectorFacts facts;
  for (const char* key : {"stride", "task", "batch", "imgsz", "names"}) {
    if (Find(properties, key) == nullptr) return Missing(key, "");
  }
  if (const std::string& task = *Find(properties, "task"); task != "detect")
    return Failure{fmt::format("the model is for the task '{}'; this program does 'detect'", task)};
  std::int64_t stride = 0;
  std::int64_t batch = 0;
  if (!ParseInt(*Find(properties, "stride"), &stride) || stride < 1 || stride > 1024)
    return Missing("stride", *Find(properties, "stride"));
  if (!ParseInt(*Find(properties, "batch"), &batch) || batch < 1 || batch > 65536)
    return Missing("batch", *Find(properties, "batch"));
  const std::optional<std::vector<std::int64_t>> size = ParsePythonInts(*Find(properties, "imgsz"));
  if (!size || size->size() != 2 || std::min((*size)[0], (*size)[1]) < 1 ||
      std::max((*size)[0], (*size)[1]) > 65536)
    return Missing("imgsz", *Find(properties, "imgsz"));
  const std::optional<PythonDict> names = ParsePythonDict(*Find(properties, "names"));
  if (!names || names->empty()) return Missing("names", *Find(properties, "names"));
  for (const auto& [key, value] : *names) {
    if (key != std::to_string(facts.names.size()))
      return Missing("names", *Find(properties, "names"));
    facts.names.push_back(value);
  }
  facts.stride = static_cast<int>(stride);
  facts.batch = static_cast<int>(batch);
  facts.image_size = {static_cast<int>((*size)[0]), static_cast<int>((*size)[1])};
  ReadArguments(properties, &facts);
  return facts;
}

Result<DetectorFacts> ReadMetadataJson(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return Failure{"config.txt in the model is no JSON object"};
  Properties properties;
  for (const auto& [key, value] : json.items())
    properties.emplace_back(key, PythonText(value, false, key == "names"));
  return ReadMetadata(properties);
}

}  // namespace headroom
