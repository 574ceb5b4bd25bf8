// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/options.h"

#include "headroom/config/option_table.h"
#include "headroom/core/error.h"
#include "headroom/core/strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace headroom {
namespace {

constexpr int kStride = 32;  // Of the coarsest map: image sides are multiples of it.

// Typed reads of checked values.
class Reader {
 public:
  explicit Reader(const OptionSet& set) : set_(set) {}

  [[nodiscard]] const OptionValue& Value(std::string_view name) const { return set_.Get(name); }
  void Read(std::string_view name, bool* field) const { *field = Value(name).AsBool(); }
  void Read(std::string_view name, int* field) const {
    *field = static_cast<int>(Value(name).AsInt());
  }
  void Read(std::string_view name, double* field) const { *field = Value(name).AsDouble(); }
  void Read(std::string_view name, std::string* field) const {
    *field = Value(name).is_null() ? std::string() : Value(name).ToText();
  }
  template <typename T>
  void Read(std::string_view name, std::optional<T>* field) const {
    field->reset();
    if (!Value(name).is_null()) Read(name, &field->emplace());
  }
  // A yes or no, or a file, which is a yes.
  void ReadFile(std::string_view name, bool* wanted, std::string* file) const {
    const OptionValue& value = Value(name);
    *wanted = value.is_string() ? !value.AsString().empty() : value.is_bool() && value.AsBool();
    *file = value.is_string() ? value.AsString() : "";
  }

 private:
  const OptionSet& set_;
};

int RoundedSide(std::int64_t side) {
  return static_cast<int>((std::max<std::int64_t>(side, kStride) + kStride - 1) / kStride *
                          kStride);
}

void ReadImageSize(const Reader& read, Options* options) {
  const OptionValue::List sides = read.Value("imgsz").Items();
  options->image_height = RoundedSide(sides.front().AsInt());
  options->image_width = RoundedSide(sides.back().AsInt());
  const std::string typed = read.Value("imgsz").ToText();
  const bool square = options->mode == "train" || options->mode == "val";
  if (square && options->image_height != options->image_width) {
    options->image_height = options->image_width =
        std::max(options->image_height, options->image_width);
    options->warnings.push_back(
        fmt::format("imgsz={}: {} takes one size; the longer side, {}, is used", typed,
                    options->mode, options->image_width));
  } else if (options->image_height != sides.front().AsInt() ||
             options->image_width != sides.back().AsInt()) {
    options->warnings.push_back(fmt::format("imgsz={} is no multiple of {}; {} x {} is used", typed,
                                            kStride, options->image_height, options->image_width));
  }
}

CacheKind ReadCache(const OptionValue& value) {
  if (value.is_string()) return value.AsString() == "disk" ? CacheKind::kDisk : CacheKind::kRam;
  return value.is_bool() && value.AsBool() ? CacheKind::kRam : CacheKind::kNone;
}

Precision ReadPrecision(const OptionValue& value) {
  if (value.is_bool()) return value.AsBool() ? Precision::kAuto : Precision::kFloat32;
  if (value.AsString() == "bf16") return Precision::kBFloat16;
  if (value.AsString() == "fp32") return Precision::kFloat32;
  throw ConfigError("amp=fp16: fp16 needs a GPU; for 16 bits on a processor use amp=bf16");
}

SplitShare ReadShare(const OptionValue& value) {
  if (value.AsDouble() > 1) return {.ratio = 1, .count = value.AsInt()};
  return {.ratio = value.AsDouble(), .count = 0};
}

void ReadFractions(const Reader& read, Options* options) {
  const OptionValue::List items = read.Value("fraction").Items();
  options->train_share = ReadShare(items[0]);
  if (items.size() > 1) options->val_share = ReadShare(items[1]);
  if (items.size() > 2) options->test_share = ReadShare(items[2]);
}

void ReadFreeze(const OptionValue& value, Options* options) {
  if (value.is_int()) {
    options->freeze_count = static_cast<int>(value.AsInt());
    return;
  }
  for (const OptionValue& item : value.Items()) options->freeze.push_back(item.ToText());
}

void ReadZoom(const OptionValue& value, Options* options) {
  options->scale_min = value.is_list() ? value.AsList()[0].AsDouble() : 1 - value.AsDouble();
  options->scale_max = value.is_list() ? value.AsList()[1].AsDouble() : 1 + value.AsDouble();
}

bool ReadHalf(const OptionValue& value) {
  const std::string text = value.ToText();
  if (value.is_null() || text == "32" || text == "w32a32") return false;
  if (text == "16" || text == "w16a16") return true;
  throw ConfigError(fmt::format(
      "quantize={}: 8-bit numbers are not part of this program; quantize=16 halves the file",
      text));
}

void ReadRun(const Reader& read, Options* options) {
  read.Read("task", &options->task);
  read.Read("mode", &options->mode);
  read.Read("model", &options->model);
  read.Read("data", &options->data);
  options->device_choice = *ParseDevice(read.Value("device"));
  options->device = options->device_choice.Canonical();
  read.Read("workers", &options->workers);
  // Of a resumed run or a cfg= file: what is not the default was set by hand.
  options->workers_typed = options->IsTyped("workers") || options->workers != Options().workers;
  read.Read("project", &options->project);
  read.Read("name", &options->name);
  read.Read("exist_ok", &options->exist_ok);
  read.Read("verbose", &options->verbose);
  read.Read("ops", &options->ops);
  read.Read("progress", &options->progress);
  read.Read("tensorboard", &options->tensorboard);
}

void ReadTraining(const Reader& read, Options* options) {
  read.Read("epochs", &options->epochs);
  read.Read("time", &options->time_hours);
  read.Read("patience", &options->patience);
  read.Read("batch", &options->batch);
  ReadImageSize(read, options);
  read.Read("save", &options->save);
  read.Read("save_period", &options->save_period);
  options->cache = ReadCache(read.Value("cache"));
  read.ReadFile("pretrained", &options->pretrained, &options->pretrained_file);
  read.Read("cls_remap", &options->cls_remap);
  read.Read("optimizer", &options->optimizer);
  options->seed = static_cast<std::uint64_t>(read.Value("seed").AsInt());
  read.Read("deterministic", &options->deterministic);
  read.Read("single_cls", &options->single_cls);
  read.Read("rect", &options->rect);
  read.Read("cos_lr", &options->cos_lr);
  read.Read("close_mosaic", &options->close_mosaic);
  read.ReadFile("resume", &options->resume, &options->resume_file);
  options->amp = ReadPrecision(read.Value("amp"));
  ReadFractions(read, options);
  ReadFreeze(read.Value("freeze"), options);
  read.Read("nbs", &options->nbs);
  read.Read("plots", &options->plots);
}

void ReadNumbers(const Reader& read, Options* options) {
  constexpr std::pair<std::string_view, double Options::*> kFields[] = {
      {"lr0", &Options::lr0},
      {"lrf", &Options::lrf},
      {"momentum", &Options::momentum},
      {"weight_decay", &Options::weight_decay},
      {"warmup_epochs", &Options::warmup_epochs},
      {"warmup_momentum", &Options::warmup_momentum},
      {"warmup_bias_lr", &Options::warmup_bias_lr},
      {"box", &Options::box},
      {"cls", &Options::cls},
      {"cls_pw", &Options::cls_pw},
      {"dfl", &Options::dfl},
      {"hsv_h", &Options::hsv_h},
      {"hsv_s", &Options::hsv_s},
      {"hsv_v", &Options::hsv_v},
      {"degrees", &Options::degrees},
      {"translate", &Options::translate},
      {"shear", &Options::shear},
      {"perspective", &Options::perspective},
      {"flipud", &Options::flipud},
      {"fliplr", &Options::fliplr},
      {"bgr", &Options::bgr},
      {"mosaic", &Options::mosaic},
      {"mixup", &Options::mixup},
      {"cutmix", &Options::cutmix},
      {"copy_paste", &Options::copy_paste},
      {"iou", &Options::iou},
      {"multi_scale", &Options::multi_scale},
  };
  for (const auto& [name, field] : kFields) read.Read(name, &(options->*field));
  ReadZoom(read.Value("scale"), options);
  options->copy_paste_mixup = read.Value("copy_paste_mode").AsString() == "mixup";
}

void ReadInference(const Reader& read, Options* options) {
  read.Read("val", &options->val);
  read.Read("split", &options->split);
  read.Read("save_json", &options->save_json);
  read.Read("conf", &options->conf);
  read.Read("max_det", &options->max_det);
  read.Read("nms", &options->nms);
  options->half = ReadHalf(read.Value("quantize"));
  read.Read("agnostic_nms", &options->agnostic_nms);
  for (const OptionValue& item : read.Value("classes").Items()) {
    options->classes.push_back(static_cast<int>(item.AsInt()));
  }
  std::sort(options->classes.begin(), options->classes.end());
  for (const OptionValue& source : read.Value("source").Items())
    options->sources.push_back(source.ToText());
  read.Read("vid_stride", &options->vid_stride);
  read.Read("save_frames", &options->save_frames);
  read.Read("save_txt", &options->save_txt);
  read.Read("save_conf", &options->save_conf);
  read.Read("save_crop", &options->save_crop);
  read.Read("show_labels", &options->show_labels);
  read.Read("show_conf", &options->show_conf);
  read.Read("show_boxes", &options->show_boxes);
  read.Read("line_width", &options->line_width);
  read.Read("format", &options->format);
  read.Read("dynamic", &options->dynamic);
  read.Read("opset", &options->opset);
}

void ReadMemory(const Reader& read, Options* options) {
  for (const auto& [name, field] :
       {std::pair("memory", &options->memory), std::pair("vram", &options->vram)}) {
    if (read.Value(name) != FindOption(name)->Default()) read.Read(name, field);
  }
  if (options->vram && options->device_choice.kind == DeviceChoice::Kind::kCpu) {
    options->warnings.push_back(fmt::format(
        "vram={} is ignored: device=cpu has no memory of its own; memory= bounds the host's",
        *options->vram));
  }
  read.Read("ram", &options->ram);
  if (read.Value("ram").is_float())
    throw ConfigError(fmt::format(
        "ram={}: no machine has so little memory; write how much it has, with its unit (ram=31G)",
        read.Value("ram").AsDouble()));
  options->microbatch.reset();
  if (read.Value("microbatch").is_int()) read.Read("microbatch", &options->microbatch);
  read.Read("recompute", &options->recompute);
}

// Every value in the form that the run uses. Throws ConfigError that lists all wrong ones.
OptionSet Checked(const OptionSet& set) {
  OptionSet checked;
  std::vector<std::string> wrong;
  for (const OptionInfo& option : OptionTable()) {
    Result<OptionValue> value = CheckOption(option, set.Get(option.name));
    if (value) {
      checked.Set(option.name, *std::move(value));
    } else {
      wrong.push_back(value.error());
    }
  }
  if (!wrong.empty()) throw ConfigError(Join(wrong, "\n"));
  return checked;
}

}  // namespace

Options Options::From(OptionSet set, std::span<const Override> typed) {
  Options options;
  options.set = Checked(set);
  for (const Override& option : typed) options.typed.push_back(option.key);
  const Reader read(options.set);
  ReadRun(read, &options);
  ReadTraining(read, &options);
  ReadNumbers(read, &options);
  ReadInference(read, &options);
  ReadMemory(read, &options);
  return options;
}

Options Options::FromOverrides(std::span<const Override> overrides) {
  return From(OptionSet(overrides), overrides);
}

Options Options::FromCommand(const ParsedCommand& command) {
  OptionSet set(command.overrides);
  set.Set("task", command.task);
  set.Set("mode", command.mode);
  return From(std::move(set), command.overrides);
}

SplitShare Options::ShareOf(std::string_view part) const {
  return part == "train" ? train_share : part == "val" ? val_share : test_share;
}

bool Options::IsTyped(std::string_view option) const {
  return std::find(typed.begin(), typed.end(), option) != typed.end();
}

}  // namespace headroom
