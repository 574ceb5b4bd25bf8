// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/file_modules.h"

#include "headroom/core/error.h"
#include "headroom/nn/activation_module.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

namespace headroom {
namespace {

constexpr std::int64_t kLargest = 1 << 20;

std::string_view ClassName(const ModuleTree& module) {
  return std::string_view(module.type).substr(module.type.rfind('.') + 1);
}

// A value of a file's module that is not known. `name`: the module's.
DataError UnknownValue(const std::string& source, const std::string& name,
                       std::string_view attribute, const OptionValue& value,
                       std::string_view known) {
  return DataError(
      fmt::format("{}: {}.{} is {}; known is {}", source, name, attribute, value.ToText(), known));
}

DataError MissingModule(const std::string& source, const std::string& name) {
  return DataError(
      fmt::format("{}: there is no module {}{}", source, name,
                  name.ends_with(".bn")
                      ? "; a fused network has no batch-norms left: give the file before fuse()"
                      : ""));
}

// One module of a file, for reading attributes.
class FileModule {
 public:
  FileModule(const ModuleTree* module, const std::string& source, std::string name)
      : module_(module), source_(source), name_(std::move(name)) {
    if (module == nullptr) throw MissingModule(source, name_);
  }

  // Of a number, or of two equal ones.
  [[nodiscard]] std::int64_t Side(std::string_view attribute, std::int64_t least) const {
    const OptionValue value = Value(attribute);
    const OptionValue::List sides = value.Items();
    const bool square = !sides.empty() && sides.size() <= 2 && sides.front() == sides.back();
    if (!square || !sides[0].is_int() || sides[0].AsInt() < least || sides[0].AsInt() > kLargest)
      throw UnknownValue(source_, name_, attribute, value,
                         fmt::format("one whole number from {} on for both sides", least));
    return sides[0].AsInt();
  }

  [[nodiscard]] double Number(std::string_view attribute) const {
    const OptionValue value = Value(attribute);
    if (!value.is_number() || !(value.AsDouble() >= 0 && value.AsDouble() <= 1))
      throw UnknownValue(source_, name_, attribute, value, "a number from 0 to 1");
    return value.AsDouble();
  }

  [[nodiscard]] OptionValue Value(std::string_view attribute) const {
    const OptionValue* value = module_->Attribute(attribute);
    return value == nullptr ? OptionValue() : *value;
  }

 private:
  const ModuleTree* module_;
  const std::string& source_;
  std::string name_;
};

// What only keeps books, or what the shapes of the tensors say too.
bool IsBookkeeping(std::string_view attribute) {
  constexpr std::string_view kNames[] = {
      "np",     "i",      "f",       "type",    "in_channels",  "out_channels", "num_features",
      "nc",     "no",     "inplace", "anchors", "strides",      "shape",        "dynamic",
      "export", "format", "legacy",  "xyxy",    "agnostic_nms", "max_det",      "end2end"};
  return attribute.starts_with('_') || std::ranges::find(kNames, attribute) != std::end(kNames);
}

// Numbers of pickles and ours may come from other roundings of one formula.
bool AreEqual(const OptionValue& a, const OptionValue& b) {
  if (a.is_number() && b.is_number()) {
    const double scale = std::max(std::abs(a.AsDouble()), std::abs(b.AsDouble()));
    return std::abs(a.AsDouble() - b.AsDouble()) <= 1e-6 * scale;
  }
  if (!a.is_list() || !b.is_list()) return a.ToText() == b.ToText();
  return std::ranges::equal(a.AsList(), b.AsList(), AreEqual);
}

class Comparison {
 public:
  explicit Comparison(const std::string& source) : source_(source) {}

  // The module and all below it.
  void Check(const ModuleTree& built, const ModuleTree& file, const std::string& name) const {
    std::vector<Pair> left = {{&built, &file, name}};
    while (!left.empty()) {
      const Pair pair = std::move(left.back());
      left.pop_back();
      CheckOne(pair);
      AddChildren(pair, &left);
    }
  }

 private:
  struct Pair {
    const ModuleTree* built;
    const ModuleTree* file;
    std::string name;
  };

  void CheckOne(const Pair& pair) const {
    if (ClassName(*pair.built) != ClassName(*pair.file)) {
      Fail(pair.name, fmt::format("it is a {}, but the model's rows give a {}", pair.file->type,
                                  pair.built->type));
    }
    CheckTensors(*pair.built, *pair.file, pair.name);
    CheckAttributes(*pair.built, *pair.file, pair.name);
  }

  void AddChildren(const Pair& pair, std::vector<Pair>* left) const {
    for (const ModuleTree::Child& child : pair.file->children) {
      const std::string name = pair.name + '.' + child.name;
      const ModuleTree* built = pair.built->Find(child.name);
      if (built == nullptr) Fail(name, fmt::format("a {} is not known here", child.module.type));
      left->push_back({built, &child.module, name});
    }
    for (const ModuleTree::Child& child : pair.built->children) {
      if (pair.file->Find(child.name) == nullptr)
        throw MissingModule(source_, pair.name + '.' + child.name);
    }
  }

  [[noreturn]] void Fail(const std::string& name, const std::string& text) const {
    throw DataError(fmt::format("{}: {}: {}", source_, name, text));
  }

  void CheckTensors(const ModuleTree& built, const ModuleTree& file,
                    const std::string& name) const {
    const auto has = [](const ModuleTree& module, std::string_view tensor) {
      return std::ranges::any_of(
          module.parameters, [&](const auto& one) { return one.first == tensor && one.second; });
    };
    for (const auto& [tensor, is_there] : file.parameters) {
      if (is_there && !has(built, tensor))
        Fail(name, fmt::format("its parameter '{}' is not known", tensor));
    }
    for (const auto& [tensor, is_there] : built.parameters) {
      if (is_there && !has(file, tensor))
        Fail(name, fmt::format("it has no parameter '{}'", tensor));
    }
    for (const std::string& tensor : file.buffers) {
      if (std::ranges::find(built.buffers, tensor) == built.buffers.end())
        Fail(name, fmt::format("its buffer '{}' is not known", tensor));
    }
  }

  void CheckAttributes(const ModuleTree& built, const ModuleTree& file,
                       const std::string& name) const {
    for (const auto& [attribute, value] : file.attributes) {
      if (IsBookkeeping(attribute)) continue;
      const OptionValue* ours = built.Attribute(attribute);
      if (ours == nullptr) {
        Fail(name, fmt::format("its attribute {} = {} is not known", attribute, value.ToText()));
      }
      if (!AreEqual(*ours, value)) {
        throw UnknownValue(source_, name, attribute, value,
                           fmt::format("{} for such a row", ours->ToText()));
      }
    }
    const auto is_known = [](std::string_view attribute) {
      return attribute == "stride" || IsBookkeeping(attribute);
    };
    for (const auto& [attribute, values] : file.tensor_attributes) {
      if (!is_known(attribute)) Fail(name, fmt::format("its attribute {} is not known", attribute));
    }
    for (const std::string& attribute : file.opaque) {
      if (!is_known(attribute)) Fail(name, fmt::format("its attribute {} is not known", attribute));
    }
  }

  const std::string& source_;
};

}  // namespace

void ReadConvModule(const ModuleTree& block, const std::string& source, const std::string& name,
                    ConvBnActSpec* spec) {
  const FileModule conv(block.Find("conv"), source, name + ".conv");
  ConvolutionSpec& convolution = spec->convolution;
  convolution.kernel = conv.Side("kernel_size", 1);
  convolution.stride = conv.Side("stride", 1);
  convolution.explicit_padding = conv.Side("padding", 0);
  convolution.dilation = conv.Side("dilation", 1);
  convolution.groups = conv.Side("groups", 1);
  const FileModule norm(block.Find("bn"), source, name + ".bn");
  spec->norm_epsilon = norm.Number("eps");
  spec->norm_momentum = norm.Number("momentum");
  const ModuleTree* act = block.Find("act");
  const FileModule activation(act, source, name + ".act");
  const auto choice = ReadActivationModule(*act);
  if (!choice) {
    throw DataError(fmt::format("{}: {}.act is a {}; known are {}", source, name, act->type,
                                kActivationsKnown));
  }
  spec->activation = choice->kind;
  spec->negative_slope = choice->negative_slope;
}

void CheckFileModules(const ModuleTree& built, const ModuleTree& file, const std::string& source,
                      const std::string& name) {
  Comparison(source).Check(built, file, name);
}

}  // namespace headroom
