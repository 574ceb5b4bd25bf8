// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/checkpoint.h"

#include "headroom/config/option_table.h"
#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/core/version.h"
#include "headroom/interop/optimizer_state.h"
#include "headroom/interop/torch_archive.h"
#include "headroom/train/model_files.h"
#include "headroom/train/reference_resume.h"
#include "headroom/train/run_setup.h"

#include <ATen/ATen.h>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <deque>
#include <utility>

namespace headroom {
namespace {

constexpr std::int64_t kFormat = 1;

OptionValue ValueOf(const PickleNode& node) {
  if (node.IsNone()) return {};
  if (const bool* flag = node.As<bool>()) return *flag;
  if (const std::string* text = node.Text()) return *text;
  if (const double* real = node.As<double>()) return *real;
  if (const auto integer = node.Int()) return *integer;
  OptionValue::List list;
  for (const PickleNode* item : node.Items()) list.push_back(ValueOf(*item));
  return list;
}

PickleNode* TrainArgs(PickleHeap& heap, const Options& options) {
  PickleNode* args = heap.Dict();
  for (const auto& [name, value] : options.set.ReferenceItems()) {
    // The reference stops at words for amp on a CPU.
    const bool amp = name == "amp" && !value.is_bool();
    heap.Set(args, name,
             amp ? heap.Bool(options.amp != Precision::kFloat32) : ValueNode(heap, value));
  }
  return args;
}

PickleNode* OwnArgs(PickleHeap& heap, const Options& options) {
  PickleNode* args = heap.Dict();
  for (const OptionInfo& option : OptionTable()) {
    if (option.owner == OptionOwner::kOurs || option.name == "amp")
      heap.Set(args, option.name, ValueNode(heap, options.set.Get(option.name)));
  }
  return args;
}

PickleNode* Metrics(PickleHeap& heap, const DetectionMetrics& metrics) {
  PickleNode* node = heap.Dict();
  heap.Set(node, "metrics/precision(B)", heap.Float(metrics.precision));
  heap.Set(node, "metrics/recall(B)", heap.Float(metrics.recall));
  heap.Set(node, "metrics/mAP50(B)", heap.Float(metrics.map50));
  heap.Set(node, "metrics/mAP50-95(B)", heap.Float(metrics.map50_95));
  heap.Set(node, "fitness", heap.Float(metrics.fitness()));
  return node;
}

PickleNode* Results(PickleHeap& heap, const ResultsCsv& results) {
  PickleNode* node = heap.Dict();
  for (std::size_t c = 0; c < results.columns().size(); ++c) {
    PickleItems column;
    for (const auto& row : results.rows()) column.push_back(heap.Float(row[c]));
    heap.Set(node, results.columns()[c], heap.List(std::move(column)));
  }
  return node;
}

PickleNode* Sums(PickleHeap& heap, const LossSums& sums) {
  return heap.List({heap.Float(sums.box), heap.Float(sums.classification),
                    heap.Float(sums.distance), heap.Float(sums.target_scores)});
}

LossSums SumsOf(const PickleNode* node) {
  LossSums sums;
  if (node == nullptr || node->Items().size() != 4) return sums;
  const auto number = [&](std::size_t i) { return node->Items()[i]->Number().value_or(0); };
  return {number(0), number(1), number(2), number(3)};
}

// The flat arrays of a run where a pickle can read them: themselves on a CPU, else copies.
class HostArrays {
 public:
  explicit HostArrays(Optimizer& optimizer) {
    for (const Optimizer::State& state : optimizer.states())
      states_.push_back({state.name, state.values.cpu()});
  }
  [[nodiscard]] const std::vector<Optimizer::State>& states() const { return states_; }
  const at::Tensor& Of(const at::Tensor& flat) { return kept_.emplace_back(flat.cpu()); }

 private:
  std::vector<Optimizer::State> states_;
  std::deque<at::Tensor> kept_;
};

// Where a resumed run finds the file when it starts in another folder; empty for a name that is
// looked up elsewhere.
std::string AbsoluteFile(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error) ? std::filesystem::absolute(path).string() : "";
}

PickleNode* OwnEntry(PickleHeap& heap, const CheckpointParts& parts, const RunPosition& position,
                     HostArrays& arrays) {
  const auto flat = [&](const at::Tensor& values) { return FlatNode(heap, arrays.Of(values)); };
  PickleNode* own = heap.Dict();
  heap.Set(own, "format", heap.Int(kFormat));
  heap.Set(own, "version", heap.Text(kProgramVersion));
  heap.Set(own, "options", OwnArgs(heap, parts.options));
  heap.Set(own, "precision", heap.Text(PrecisionName(parts.step.options().activation)));
  heap.Set(own, "data_file", heap.Text(AbsoluteFile(parts.options.data)));
  heap.Set(own, "epoch", heap.Int(position.epoch));
  heap.Set(own, "next_batch", heap.Int(position.next_batch));
  heap.Set(own, "last_step", heap.Int(position.last_step));
  heap.Set(own, "seconds", heap.Float(position.seconds));
  PickleItems items;
  for (const double item : position.epoch_items) items.push_back(heap.Float(item));
  heap.Set(own, "epoch_items", heap.List(std::move(items)));
  heap.Set(own, "batch", heap.Int(position.batch));
  heap.Set(own, "batches", heap.Int(position.batches));
  heap.Set(own, "epochs", heap.Int(position.epochs));
  heap.Set(own, "best", heap.Int(position.best ? 1 : 0));
  heap.Set(own, "previous_one_to_many", Sums(heap, parts.step.previous().one_to_many));
  heap.Set(own, "previous_one_to_one", Sums(heap, parts.step.previous().one_to_one));
  heap.Set(own, "batches_tracked", heap.Int(parts.model.parameters->batches_tracked));
  heap.Set(own, "results", heap.Text(parts.results.Text()));
  heap.Set(own, "values", flat(parts.model.parameters->values));
  heap.Set(own, "running", flat(parts.model.parameters->running));
  heap.Set(own, "ema_values", flat(parts.ema.values));
  heap.Set(own, "ema_running", flat(parts.ema.running));
  heap.Set(own, "pending", flat(parts.step.pending()));
  heap.Set(own, "optimizer", heap.Text(Name(parts.optimizer.kind())));
  heap.Set(own, "optimizer_momentum", heap.Float(parts.optimizer_momentum));
  heap.Set(own, "optimizer_steps", heap.Int(parts.optimizer.step_count()));
  heap.Set(own, "momentum_product", heap.Float(parts.optimizer.momentum_product));
  for (const Optimizer::State& state : arrays.states())
    heap.Set(own, "state_" + state.name, FlatNode(heap, state.values));
  return own;
}

std::string Now() {
  const std::time_t now = std::time(nullptr);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}+00:00", fmt::gmtime(now));
}

}  // namespace

void SaveCheckpoint(const std::filesystem::path& path, const CheckpointParts& parts,
                    const RunPosition& position, const DetectionMetrics& metrics) {
  PickleHeap heap;
  const NamedTensors tensors(*parts.model.parameters, parts.ema.values, parts.ema.running);
  CheckpointSpec spec{.form = CheckpointForm::kInTraining};
  spec.network.yaml = YamlNode(heap, parts.model);
  spec.network.layers = parts.model.modules.Find("model");
  spec.network.names = parts.names;
  spec.network.strides.assign(parts.model.strides.begin(), parts.model.strides.end());
  spec.network.args = TrainArgs(heap, parts.options);
  spec.epoch = position.epoch - 1;  // The last complete one.
  spec.best_fitness = parts.stopper.best_fitness;
  spec.stopper = {parts.stopper.best_fitness, parts.stopper.best_epoch};
  spec.updates = parts.ema.updates();
  spec.train_args = TrainArgs(heap, parts.options);
  spec.train_metrics = Metrics(heap, metrics);
  spec.train_results = Results(heap, parts.results);
  spec.date = Now();
  HostArrays arrays(parts.optimizer);
  spec.optimizer = MakeReferenceOptimizer(heap, parts.optimizer, arrays.states(),
                                          *parts.model.parameters, parts.rates);
  spec.headroom = OwnEntry(heap, parts, position, arrays);
  Result<PickleNode*> root = MakeCheckpoint(heap, spec, tensors.by_name());
  if (!root) throw InternalError(fmt::format("checkpoint: {}", root.error()));
  WriteFileAtomic(path, [&](FileWriter& writer) { WriteTorchArchive(writer, **root); });
}

Bytes CheckpointFileSize(const CheckpointParts& parts) {
  const auto count = [](const at::Tensor& flat) {
    return static_cast<std::uint64_t>(flat.numel());
  };
  const std::uint64_t averaged = count(parts.ema.values) + count(parts.ema.running);
  std::uint64_t flat = averaged + count(parts.model.parameters->values) +
                       count(parts.model.parameters->running) + count(parts.step.pending());
  for (const Optimizer::State& state : parts.optimizer.states()) flat += count(state.values);
  // The average once more in fp16, as the reference reads it.
  return Bytes::Of(flat, sizeof(float)) + Bytes::Of(averaged, 2);
}

RunPosition RestoreCheckpoint(const CheckpointContents& file, const CheckpointParts& parts) {
  const PickleNode* own = file.headroom;
  if (own == nullptr) {
    if (CanBeResumed(file)) return RestoreReferenceCheckpoint(file, parts);
    throw DataError(
        "the checkpoint holds no run that can be continued exactly; start a new training with "
        "model=FILE");
  }
  const auto number = [&](const char* key) {
    const PickleNode* node = own->Find(key);
    return node == nullptr ? 0.0 : node->Number().value_or(0);
  };
  const auto read = [&](const std::string& name, at::Tensor& flat) {
    const bool fits = ReadFlat(own->Find(name), flat);
    file.ReleasePages();
    return fits;
  };
  bool whole = read("values", parts.model.parameters->values) &&
               read("running", parts.model.parameters->running) &&
               read("ema_values", parts.ema.values) && read("ema_running", parts.ema.running) &&
               read("pending", parts.step.pending());
  for (Optimizer::State& state : parts.optimizer.states())
    whole = whole && read("state_" + state.name, state.values);
  if (!whole)
    throw DataError(
        "the checkpoint's state does not fit its model: model, optimizer or data set changed");
  parts.model.parameters->RefreshCompute();
  parts.model.parameters->batches_tracked = static_cast<std::int64_t>(number("batches_tracked"));
  parts.optimizer.set_step_count(static_cast<std::int64_t>(number("optimizer_steps")));
  parts.optimizer.momentum_product = number("momentum_product");
  parts.ema.set_updates(file.updates);
  if (file.stopper) {
    parts.stopper.best_fitness = file.stopper->best_fitness;
    parts.stopper.best_epoch = static_cast<int>(file.stopper->best_epoch);
  }
  parts.step.previous() = {SumsOf(own->Find("previous_one_to_many")),
                           SumsOf(own->Find("previous_one_to_one"))};
  RunPosition position{.epoch = static_cast<int>(number("epoch")),
                       .next_batch = static_cast<std::int64_t>(number("next_batch")),
                       .last_step = static_cast<std::int64_t>(number("last_step")),
                       .seconds = number("seconds"),
                       .batch = static_cast<int>(number("batch")),
                       .batches = static_cast<std::int64_t>(number("batches")),
                       .epochs = static_cast<int>(number("epochs")),
                       .best = number("best") != 0};
  if (const PickleNode* items = own->Find("epoch_items"); items != nullptr) {
    position.epoch_items = LossItems(items->Items().size());
    double* to = position.epoch_items.begin();
    for (std::size_t i = 0; i < position.epoch_items.size(); ++i)
      to[i] = items->Items()[i]->Number().value_or(0);
  }
  const PickleNode* results = own->Find("results");
  if (results != nullptr && results->Text() != nullptr)
    parts.results.Restore(*results->Text(), position.epoch);
  return position;
}

std::optional<int> BatchOf(const CheckpointContents& file) {
  const PickleNode* batch = file.headroom == nullptr ? nullptr : file.headroom->Find("batch");
  const std::optional<double> images = batch == nullptr ? std::nullopt : batch->Number();
  if (!images || *images < 1) return std::nullopt;
  return static_cast<int>(*images);
}

std::optional<Element> PrecisionOf(const CheckpointContents& file) {
  const PickleNode* precision =
      file.headroom == nullptr ? nullptr : file.headroom->Find("precision");
  if (precision == nullptr || precision->Text() == nullptr) return std::nullopt;
  return ParsePrecision(*precision->Text());
}

std::optional<double> OptimizerMomentumOf(const CheckpointContents& file) {
  const PickleNode* own =
      file.headroom == nullptr ? nullptr : file.headroom->Find("optimizer_momentum");
  if (own != nullptr) return own->Number();
  if (file.optimizer == nullptr) return std::nullopt;
  // The reference's: the Adam family keeps it as the first of two; SGD's own is on its way to the
  // option's while the run warms up.
  const Result<OptimizerState> state = ReadOptimizerState(*file.optimizer);
  if (!state || state->groups.empty()) return std::nullopt;
  const PickleNode* betas = state->groups.front().Find("betas");
  if (betas == nullptr || betas->Items().empty()) return std::nullopt;
  return betas->Items().front()->Number();
}

OptionSet OptionsOf(const CheckpointContents& file) {
  OptionSet set;
  const auto take = [&](const PickleNode* node) {
    if (node == nullptr || node->Fields() == nullptr) return;
    for (const auto& [key, value] : node->Fields()->items) {
      if (key->Text() != nullptr && FindOption(*key->Text()) != nullptr)
        set.Set(*key->Text(), ValueOf(*value));
    }
  };
  take(file.train_args);
  if (file.headroom == nullptr) return set;
  take(file.headroom->Find("options"));
  const PickleNode* data = file.headroom->Find("data_file");
  if (data != nullptr && data->Text() != nullptr && !data->Text()->empty() &&
      AbsoluteFile(set.Get("data").ToText()).empty())
    set.Set("data", OptionValue(*data->Text()));
  return set;
}

namespace {

PickleNode* CopyNode(PickleHeap& heap, const PickleNode* node) {
  if (node == nullptr) return nullptr;
  if (node->Fields() != nullptr) {
    PickleNode* copy = heap.Dict();
    for (const auto& [key, value] : node->Fields()->items) {
      if (key->Text() != nullptr) heap.Set(copy, *key->Text(), CopyNode(heap, value));
    }
    return copy;
  }
  return ValueNode(heap, ValueOf(*node));
}

}  // namespace

std::uint64_t StripCheckpoint(const std::filesystem::path& path) {
  Result<CheckpointContents> file = ReadCheckpoint(path);
  if (!file) throw DataError(file.error());
  PickleHeap heap;
  TensorsByName tensors;
  for (const CheckpointTensor& tensor : file->tensors) tensors.emplace(tensor.name, &tensor.data);
  CheckpointSpec spec{.form = CheckpointForm::kStripped};
  spec.network.yaml = CopyNode(heap, file->yaml);
  spec.network.layers = file->modules != nullptr ? file->modules->Find("model") : nullptr;
  if (spec.network.layers == nullptr)
    throw DataError(path.string() + " holds no network; it cannot be stripped");
  spec.network.names = file->names;
  spec.network.strides = file->strides;
  spec.network.args = CopyNode(heap, file->train_args);
  spec.train_args = CopyNode(heap, file->train_args);
  spec.train_metrics = CopyNode(heap, file->train_metrics);
  spec.train_results = CopyNode(heap, file->train_results);
  spec.date = file->date;
  // Who wrote it; of the run nothing is left.
  spec.headroom = heap.Dict();
  heap.Set(spec.headroom, "version", heap.Text(kProgramVersion));
  Result<PickleNode*> root = MakeCheckpoint(heap, spec, tensors);
  if (!root) throw InternalError(fmt::format("checkpoint: {}", root.error()));
  WriteFileAtomic(path, [&](FileWriter& writer) { WriteTorchArchive(writer, **root); });
  return std::filesystem::file_size(path);
}

}  // namespace headroom
