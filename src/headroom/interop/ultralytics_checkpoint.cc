// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/ultralytics_checkpoint.h"

#include "headroom/interop/module_walk.h"
#include "headroom/interop/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace headroom {
namespace {

constexpr std::int64_t kMostClasses = 100'000;

bool IsModule(const PickleNode* node) {
  return node != nullptr && node->As<PickleObject>() != nullptr &&
         node->Find("_modules") != nullptr;
}

// A dict whose values are all tensors.
bool IsStateDict(const PickleNode* node) {
  const auto* dict = node != nullptr ? node->As<PickleDict>() : nullptr;
  if (dict == nullptr || dict->items.empty()) return false;
  return std::ranges::all_of(dict->items, [](const auto& item) {
    return item.first->Text() != nullptr && item.second->Tensor() != nullptr;
  });
}

std::string TextOf(const PickleNode* node) {
  return node != nullptr && node->Text() != nullptr ? *node->Text() : std::string();
}

std::int64_t IntOf(const PickleNode* node, std::int64_t otherwise) {
  return node != nullptr ? node->Int().value_or(otherwise) : otherwise;
}

// A non-empty dict, or null.
const PickleNode* DictOf(const PickleNode* node) {
  return node != nullptr && node->As<PickleDict>() != nullptr && node->Truthy() ? node : nullptr;
}

std::vector<float> FloatsOf(const PickleNode* node) {
  constexpr std::int64_t kMostLevels = 16;
  const PickleTensor* tensor = node != nullptr ? node->Tensor() : nullptr;
  if (tensor == nullptr || ElementCount(tensor->shape).value_or(kMostLevels + 1) > kMostLevels)
    return {};
  return AsFloats(Contiguous(*tensor));
}

// {0: "a", 1: "b"} or ["a", "b"]; a class without a name gets "class<i>".
std::vector<std::string> NamesOf(const PickleNode* node) {
  std::vector<std::string> names;
  if (node == nullptr) return names;
  const auto set = [&names](std::int64_t index, const PickleNode* text) {
    if (index < 0 || index >= kMostClasses || text->Text() == nullptr) return;
    const auto at = static_cast<std::size_t>(index);
    while (names.size() <= at) names.push_back(fmt::format("class{}", names.size()));
    names[at] = *text->Text();
  };
  if (const auto* dict = node->As<PickleDict>()) {
    for (const auto& [key, value] : dict->items) set(key->Int().value_or(-1), value);
  }
  std::int64_t index = 0;
  for (const PickleNode* item : node->Items()) set(index++, item);
  return names;
}

std::string TaskOf(const PickleNode& model, const PickleNode* train_args) {
  constexpr std::pair<std::string_view, std::string_view> kTasks[] = {
      {"DetectionModel", "detect"},
      {"SegmentationModel", "segment"},
      {"PoseModel", "pose"},
      {"OBBModel", "obb"},
      {"ClassificationModel", "classify"}};
  const auto at = std::ranges::find(kTasks, model.KindName(),
                                    &std::pair<std::string_view, std::string_view>::first);
  if (at != std::end(kTasks)) return std::string(at->second);
  const std::string task = train_args != nullptr ? TextOf(train_args->Find("task")) : "";
  return task.empty() ? "detect" : task;
}

HeadFacts HeadOf(const PickleNode& model) {
  HeadFacts facts;
  const PickleNode* layers = model.Find({"_modules", "model", "_modules"});
  const auto* items = layers != nullptr ? layers->As<PickleDict>() : nullptr;
  if (items == nullptr || items->items.empty()) return facts;
  const auto& [key, head] = items->items.back();
  if (head->KindName() != "Detect") return facts;
  const std::string index = TextOf(key);
  std::from_chars(index.data(), index.data() + index.size(), facts.layer);
  facts.class_count = IntOf(head->Find("nc"), 0);
  facts.reg_max = IntOf(head->Find("reg_max"), 0);
  facts.strides = FloatsOf(head->Find("stride"));
  facts.max_det = IntOf(head->Find("max_det"), 0);
  const PickleNode* one_to_one = head->Find({"_modules", "one2one_cv2"});
  facts.has_one_to_one = one_to_one != nullptr && !one_to_one->IsNone();
  const PickleNode* chosen = head->Find("_end2end");
  if (chosen == nullptr) chosen = head->Find("end2end");
  facts.uses_one_to_one = facts.has_one_to_one && chosen != nullptr && chosen->Truthy();
  return facts;
}

// Copies of tensors that are not row-major are bounded by the file: hostile files name one storage
// again and again.
class Collector {
 public:
  Collector(CheckpointContents& contents, std::uint64_t file_size)
      : contents_(contents), left_(2 * file_size + 4096) {}

  Status Add(std::string name, const PickleTensor& tensor, bool is_parameter) {
    const auto size = static_cast<std::uint64_t>(ElementCount(tensor.shape).value_or(0)) *
                      ElementSize(tensor.storage.type);
    if (size > left_) return Failure{"its tensors are larger than the file"};
    left_ -= size;
    contents_.tensors.push_back({std::move(name), Contiguous(tensor), is_parameter});
    return Unit{};
  }

 private:
  CheckpointContents& contents_;
  std::uint64_t left_;
};

Status ReadModule(const PickleNode& model, CheckpointContents* contents) {
  auto walked = WalkModule(model);
  if (!walked) return Failure{walked.error()};
  Collector collector(*contents, contents->archive->file_size());
  for (const ModuleTensor& item : walked->tensors) {
    if (Status added = collector.Add(item.name, *item.tensor, item.is_parameter); !added)
      return added;
  }
  contents->modules = std::make_shared<const ModuleTree>(std::move(walked->tree));
  contents->yaml = DictOf(model.Find("yaml"));
  contents->names = NamesOf(model.Find("names"));
  contents->head = HeadOf(model);
  contents->strides = FloatsOf(model.Find("stride"));
  if (contents->strides.empty()) contents->strides = contents->head.strides;
  const PickleNode* yaml_classes = contents->yaml != nullptr ? contents->yaml->Find("nc") : nullptr;
  contents->class_count = IntOf(model.Find("nc"), IntOf(yaml_classes, contents->head.class_count));
  contents->task = TaskOf(model, contents->train_args);
  return Unit{};
}

Status ReadStateDict(const PickleNode& dict, CheckpointContents* contents) {
  contents->kind = CheckpointKind::kStateDict;
  Collector collector(*contents, contents->archive->file_size());
  for (const auto& [key, value] : dict.As<PickleDict>()->items) {
    const PickleTensor& tensor = *value->Tensor();
    if (Status added = collector.Add(*key->Text(), tensor, tensor.is_parameter); !added)
      return added;
  }
  return Unit{};
}

void ReadEntries(const PickleNode& root, CheckpointContents* contents) {
  contents->epoch = IntOf(root.Find("epoch"), -1);
  contents->updates = IntOf(root.Find("updates"), 0);
  if (const PickleNode* fitness = root.Find("best_fitness"))
    contents->best_fitness = fitness->Number();
  if (const PickleNode* stopper = DictOf(root.Find("stopper"))) {
    const PickleNode* fitness = stopper->Find("best_fitness");
    contents->stopper = StopperState{fitness != nullptr ? fitness->Number().value_or(0) : 0,
                                     IntOf(stopper->Find("best_epoch"), 0)};
  }
  contents->date = TextOf(root.Find("date"));
  contents->version = TextOf(root.Find("version"));
  contents->train_args = DictOf(root.Find("train_args"));
  contents->train_metrics = DictOf(root.Find("train_metrics"));
  contents->train_results = DictOf(root.Find("train_results"));
  contents->optimizer = DictOf(root.Find("optimizer"));
  contents->headroom = DictOf(root.Find("headroom"));
  contents->in_training = contents->optimizer != nullptr;
}

std::string KeysOf(const PickleNode& root) {
  constexpr std::size_t kShown = 8;
  const auto* dict = root.As<PickleDict>();
  std::vector<std::string> keys;
  for (std::size_t i = 0; dict != nullptr && i < std::min(kShown, dict->items.size()); ++i) {
    keys.push_back(TextOf(dict->items[i].first).substr(0, 40));
  }
  return fmt::format("{} {}", root.KindName(), fmt::join(keys, ", "));
}

Status ReadRoot(const PickleNode& root, CheckpointContents* contents) {
  if (IsModule(&root)) {
    contents->kind = CheckpointKind::kModule;
    return ReadModule(root, contents);
  }
  if (IsStateDict(&root)) return ReadStateDict(root, contents);
  const PickleNode* ema = root.Find("ema");
  const PickleNode* model = ema != nullptr && ema->Truthy() ? ema : root.Find("model");
  if (root.As<PickleDict>() != nullptr) ReadEntries(root, contents);
  if (IsModule(model)) {
    contents->kind = CheckpointKind::kUltralytics;
    return ReadModule(*model, contents);
  }
  if (model == nullptr) model = root.Find("state_dict");
  if (IsStateDict(model)) return ReadStateDict(*model, contents);
  return Failure{fmt::format("it holds no network and no named tensors, but a {}", KeysOf(root))};
}

Result<CheckpointContents> ReadTorch(Result<TorchArchive> archive) {
  if (!archive) return Failure{archive.error()};
  CheckpointContents contents;
  contents.archive = std::make_unique<TorchArchive>(std::move(*archive));
  if (Status read = ReadRoot(contents.archive->root(), &contents); !read)
    return Failure{read.error()};
  return contents;
}

}  // namespace

const CheckpointTensor* CheckpointContents::Find(std::string_view name) const {
  const auto at = std::ranges::find(tensors, name, &CheckpointTensor::name);
  return at != tensors.end() ? &*at : nullptr;
}

Result<CheckpointContents> ParseCheckpoint(std::span<const std::byte> file, ReleaseBytes release) {
  if (LooksLikeZip(file) || !LooksLikeSafetensors(file))
    return ReadTorch(TorchArchive::Parse(file, std::move(release)));
  auto read = ReadSafetensors(file);
  if (!read) return Failure{read.error()};
  CheckpointContents contents;
  contents.kind = CheckpointKind::kSafetensors;
  for (auto& [name, tensor] : read->tensors)
    contents.tensors.push_back({name, std::move(tensor), false});
  return contents;
}

Result<CheckpointContents> ReadCheckpoint(const std::filesystem::path& path) {
  auto file = MappedFile::Open(path);
  if (!file) return Failure{file.error()};
  auto contents = ParseCheckpoint(file->bytes(), MappedFile::Release);
  if (!contents) {
    return Failure{fmt::format(
        "{} is not a usable weights file: {}. Give a .pt of Ultralytics 8.0 or newer or of "
        "Headroom, a saved state dict, or .safetensors",
        path.string(), contents.error())};
  }
  contents->file = std::move(*file);
  return contents;
}

}  // namespace headroom
