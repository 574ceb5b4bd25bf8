// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/network_description.h"

#include "headroom/core/check.h"
#include "headroom/interop/block_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace headroom {
namespace {

// One row of the YAML.
struct Row {
  std::int64_t index = 0;
  PickleNode* from = nullptr;
  std::int64_t repeats = 1;
  std::string module;
  std::span<PickleNode* const> args;

  [[nodiscard]] std::int64_t Int(std::size_t at, std::int64_t otherwise) const {
    return at < args.size() ? args[at]->Int().value_or(otherwise) : otherwise;
  }
  [[nodiscard]] bool Flag(std::size_t at, bool otherwise) const {
    return Int(at, otherwise ? 1 : 0) != 0;
  }
  // Absolute indices of the layers that it reads; -1 for the image.
  [[nodiscard]] std::vector<std::int64_t> Sources() const {
    std::vector<std::int64_t> sources;
    const auto add = [&](const PickleNode& node) {
      const std::int64_t source = node.Int().value_or(-1);
      sources.push_back(source < 0 ? index + source : source);
    };
    if (from->Int()) add(*from);
    for (const PickleNode* item : from->Items()) add(*item);
    return sources;
  }
  [[nodiscard]] Failure Bad(std::string_view what) const {
    return Failure{fmt::format("layer {} ({}): {}", index, module, what)};
  }
};

Result<std::vector<Row>> ReadRows(const PickleNode& yaml) {
  std::vector<Row> rows;
  for (const char* part : {"backbone", "head"}) {
    const PickleNode* list = yaml.Find(part);
    if (list == nullptr) return Failure{fmt::format("the model YAML has no {}", part)};
    for (const PickleNode* item : list->Items()) {
      const auto fields = item->Items();
      if (fields.size() != 4 || fields[2]->Text() == nullptr) {
        return Failure{fmt::format(
            "layer {} of the model YAML is not [from, repeats, module, args]", rows.size())};
      }
      Row row;
      row.index = static_cast<std::int64_t>(rows.size());
      row.from = fields[0];
      row.repeats = fields[1]->Int().value_or(1);
      row.module = *fields[2]->Text();
      row.args = fields[3]->Items();
      rows.push_back(row);
    }
  }
  return rows;
}

TensorData FloatTensor(const std::vector<float>& values) {
  return TensorData::FromFloats({static_cast<std::int64_t>(values.size())}, values);
}

// The layers that some row names, other than by -1: their outputs are kept.
std::vector<std::int64_t> SavedOutputs(const std::vector<Row>& rows) {
  std::set<std::int64_t> saved;
  for (const Row& row : rows) {
    const std::vector<std::int64_t> sources = row.Sources();
    const auto items = row.from->Items();
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const PickleNode& written = items.empty() ? *row.from : *items[i];
      if (written.Int() != -1 && sources[i] >= 0) saved.insert(sources[i]);
    }
  }
  return {saved.begin(), saved.end()};
}

// Detect: box branch cv2, class branch cv3, and their one-to-one twins where there are tensors.
class HeadBuilder {
 public:
  HeadBuilder(const BlockBuilder& blocks, std::string prefix)
      : blocks_(blocks), prefix_(std::move(prefix)) {}

  ModuleDescription Build(const NetworkFacts& facts) const {
    PickleHeap& heap = blocks_.heap();
    ModuleDescription head;
    head.module = "ultralytics.nn.modules.head";
    head.name = "Detect";
    head.children = {{"cv2", Branch("cv2")}, {"cv3", Branch("cv3")}};
    const std::int64_t levels = static_cast<std::int64_t>(head.children[0].module.children.size());
    const std::int64_t classes = blocks_.Tensor(prefix_ + "cv3.0.2.weight").shape()[0];
    const std::int64_t reg_max = blocks_.Tensor(prefix_ + "cv2.0.2.weight").shape()[0] / 4;
    head.children.emplace_back("dfl", Dfl(reg_max));
    if (Has("one2one_cv2")) {
      head.children.emplace_back("one2one_cv2", Branch("one2one_cv2"));
      head.children.emplace_back("one2one_cv3", Branch("one2one_cv3"));
    }
    head.fields = {{"nc", heap.Int(classes)},
                   {"nl", heap.Int(levels)},
                   {"reg_max", heap.Int(reg_max)},
                   {"no", heap.Int(classes + 4 * reg_max)},
                   {"stride", heap.Tensor(FloatTensor(facts.strides))},
                   {"inplace", heap.Bool(true)},
                   {"max_det", heap.Int(facts.max_det)},
                   {"_end2end", heap.Bool(facts.uses_one_to_one)}};
    return head;
  }

 private:
  [[nodiscard]] bool Has(const std::string& branch) const {
    return blocks_.Has(prefix_ + branch + ".0.2.weight");
  }

  [[nodiscard]] ModuleDescription Branch(const std::string& name) const {
    ModuleDescription branch = BlockBuilder::Container("ModuleList");
    for (std::size_t i = 0;; ++i) {
      const std::string level = fmt::format("{}{}.{}.", prefix_, name, i);
      if (!blocks_.Has(level + "2.weight")) return branch;
      ModuleDescription steps = BlockBuilder::Container("Sequential");
      steps.children = {{"0", Step(level + "0.")},
                        {"1", Step(level + "1.")},
                        {"2", blocks_.Conv2d(level + "2.")}};
      branch.children.emplace_back(std::to_string(i), std::move(steps));
    }
  }

  // A Conv, or the depth-wise pair of YOLO11's class branch.
  [[nodiscard]] ModuleDescription Step(const std::string& prefix) const {
    if (blocks_.Has(prefix + "conv.weight")) return blocks_.Conv(prefix);
    ModuleDescription pair = BlockBuilder::Container("Sequential");
    pair.children = {{"0", blocks_.DwConv(prefix + "0.")}, {"1", blocks_.Conv(prefix + "1.")}};
    return pair;
  }

  [[nodiscard]] ModuleDescription Dfl(std::int64_t reg_max) const {
    ModuleDescription dfl;
    if (!blocks_.Has(prefix_ + "dfl.conv.weight")) {
      dfl.module = "torch.nn.modules.linear";
      dfl.name = "Identity";
      return dfl;
    }
    dfl.module = "ultralytics.nn.modules.block";
    dfl.name = "DFL";
    dfl.children = {{"conv", blocks_.Conv2d(prefix_ + "dfl.conv.")}};
    dfl.fields = {{"c1", blocks_.heap().Int(reg_max)}};
    return dfl;
  }

  const BlockBuilder& blocks_;
  std::string prefix_;
};

class NetworkBuilder {
 public:
  NetworkBuilder(PickleHeap& heap, const NetworkFacts& facts, const TensorsByName& tensors)
      : heap_(heap), facts_(facts), blocks_(heap, tensors) {}

  Result<ModuleDescription> Build() {
    const auto rows = ReadRows(*facts_.yaml);
    if (!rows) return Failure{rows.error()};
    ModuleDescription layers = BlockBuilder::Container("Sequential");
    for (const Row& row : *rows) {
      auto layer = Layer(row);
      if (!layer) return Failure{layer.error()};
      AddLayerFields(row, &*layer);
      layers.children.emplace_back(std::to_string(row.index), std::move(*layer));
    }
    return Model(*rows, std::move(layers));
  }

 private:
  [[nodiscard]] std::int64_t InputWidth(const Row& row) const {
    const std::int64_t source = row.Sources().at(0);
    return source < 0 ? 3 : widths_.at(static_cast<std::size_t>(source));
  }

  Result<ModuleDescription> Layer(const Row& row) {
    const std::string prefix = fmt::format("model.{}.", row.index);
    for (const std::int64_t source : row.Sources()) {
      if (source >= row.index || source < -1)
        return row.Bad("it reads a layer that is not before it");
    }
    if (row.Sources().empty()) return row.Bad("it reads nothing");
    if (row.module == "Concat") return Concat(row);
    if (row.module == "nn.Upsample") return Upsample(row);
    if (row.module == "Detect") {
      widths_.push_back(0);
      return HeadBuilder(blocks_, prefix).Build(facts_);
    }
    // A plain layer repeated stands in a Sequential.
    const bool stacked =
        !blocks_.Has(prefix + "conv.weight") && blocks_.Has(prefix + "0.conv.weight");
    if (stacked) return Stack(row, prefix);
    return Block(row, prefix);
  }

  Result<ModuleDescription> Block(const Row& row, const std::string& prefix) {
    const std::int64_t input = InputWidth(row);
    const std::string_view last = row.module == "C3" ? "cv3." : "cv2.";
    if (row.module == "Conv" || row.module == "DWConv") return Conv(row, prefix, input);
    const auto known = {"C2f", "C3", "C3k2", "SPPF", "C2PSA"};
    if (std::ranges::find(known, row.module) == known.end()) {
      return row.Bad(
          "it cannot be written to a .pt; Conv, DWConv, C2f, C3, C3k2, SPPF, C2PSA, nn.Upsample, "
          "Concat "
          "and Detect can");
    }
    const std::int64_t output = blocks_.Width(prefix + std::string(last));
    widths_.push_back(output);
    if (row.module == "C2f") return blocks_.C2f(prefix, row.Flag(1, false));
    if (row.module == "C3") return blocks_.C3(prefix, "C3", row.Flag(1, true));
    if (row.module == "C3k2") return blocks_.C3k2(prefix, row.Flag(5, true));
    if (row.module == "C2PSA") return blocks_.C2psa(prefix);
    // An SPPF of YOLO26 names more than its kernel, and then its first convolution is linear.
    const Activation first = row.args.size() > 2 ? Activation::kNone : Activation::kSilu;
    return blocks_.Sppf(prefix, row.Int(1, 5), row.Int(2, 3), row.Flag(3, false) && input == output,
                        first);
  }

  Result<ModuleDescription> Conv(const Row& row, const std::string& prefix, std::int64_t input) {
    const TensorData& weight = blocks_.Tensor(prefix + "conv.weight");
    widths_.push_back(weight.shape()[0]);
    ModuleDescription conv = blocks_.Conv(prefix, Activation::kSilu, row.Int(2, 1),
                                          std::max<std::int64_t>(input / weight.shape()[1], 1));
    if (row.module == "DWConv") conv.name = "DWConv";
    return conv;
  }

  Result<ModuleDescription> Stack(const Row& row, const std::string& prefix) {
    ModuleDescription stack = BlockBuilder::Container("Sequential");
    std::int64_t input = InputWidth(row);
    for (std::int64_t i = 0;; ++i) {
      const std::string name = fmt::format("{}{}.", prefix, i);
      if (!blocks_.Has(name + "conv.weight")) return stack;
      auto conv = Conv(row, name, input);
      if (!conv) return conv;
      input = widths_.back();
      // Only the last one's width is the layer's.
      if (i > 0) widths_.erase(widths_.end() - 2);
      stack.children.emplace_back(std::to_string(i), std::move(*conv));
    }
  }

  Result<ModuleDescription> Concat(const Row& row) {
    std::int64_t width = 0;
    for (const std::int64_t source : row.Sources())
      width += source < 0 ? 3 : widths_.at(static_cast<std::size_t>(source));
    widths_.push_back(width);
    ModuleDescription concat;
    concat.module = "ultralytics.nn.modules.conv";
    concat.name = "Concat";
    concat.fields = {{"d", heap_.Int(row.Int(0, 1))}};
    return concat;
  }

  Result<ModuleDescription> Upsample(const Row& row) {
    widths_.push_back(InputWidth(row));
    ModuleDescription upsample;
    upsample.module = "torch.nn.modules.upsampling";
    upsample.name = "Upsample";
    upsample.fields = {{"name", heap_.Text("Upsample")},
                       {"size", heap_.None()},
                       {"scale_factor", heap_.Float(static_cast<double>(row.Int(1, 2)))},
                       {"mode", heap_.Text("nearest")},
                       {"align_corners", heap_.None()},
                       {"recompute_scale_factor", heap_.None()}};
    return upsample;
  }

  void AddLayerFields(const Row& row, ModuleDescription* layer) {
    layer->fields.emplace_back("np", heap_.Int(layer->ParameterCount()));
    layer->fields.emplace_back("i", heap_.Int(row.index));
    layer->fields.emplace_back("f", row.from);
    layer->fields.emplace_back("type",
                               heap_.Text(fmt::format("{}.{}", layer->module, layer->name)));
  }

  ModuleDescription Model(const std::vector<Row>& rows, ModuleDescription layers) {
    PickleNode* names = heap_.Dict();
    for (std::size_t i = 0; i < facts_.names.size(); ++i) {
      PickleNode* key = heap_.Int(static_cast<std::int64_t>(i));
      names->As<PickleDict>()->items.emplace_back(key, heap_.Text(facts_.names[i]));
    }
    ModuleDescription model;
    model.module = "ultralytics.nn.tasks";
    model.name = "DetectionModel";
    model.children = {{"model", std::move(layers)}};
    model.fields = {{"yaml", facts_.yaml},
                    {"save", heap_.IntList(SavedOutputs(rows))},
                    {"names", names},
                    {"inplace", heap_.Bool(true)},
                    {"stride", heap_.Tensor(FloatTensor(facts_.strides))},
                    {"nc", heap_.Int(static_cast<std::int64_t>(facts_.names.size()))},
                    {"args", facts_.args != nullptr ? facts_.args : heap_.Dict()},
                    {"criterion", heap_.None()}};
    return model;
  }

  PickleHeap& heap_;
  const NetworkFacts& facts_;
  BlockBuilder blocks_;
  std::vector<std::int64_t> widths_;  // Output channels of the layers so far.
};

}  // namespace

Result<ModuleDescription> DescribeDetectionModel(PickleHeap& heap, const NetworkFacts& facts,
                                                 const TensorsByName& tensors) {
  HEADROOM_CHECK(facts.yaml != nullptr, "a network description needs the model YAML");
  return NetworkBuilder(heap, facts, tensors).Build();
}

}  // namespace headroom
