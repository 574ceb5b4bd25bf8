// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/options.h"

#include "headroom/config/option_table.h"
#include "headroom/core/check.h"
#include "headroom/core/error.h"
#include "headroom/core/strings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace headroom {
namespace {

[[noreturn]] void Refuse(const char* name, const OptionValue& value, const char* allowed) {
  throw ConfigError(fmt::format("{}={} is not allowed: {}", name, value.ToText(), allowed));
}

int ImageSide(const OptionValue& value) {
  constexpr const char* kAllowed =
      "imgsz is a number of pixels, at least 32, or height,width; for example imgsz=640";
  if (!value.is_int() || value.AsInt() < 1 || value.AsInt() > 32768)
    Refuse("imgsz", value, kAllowed);
  return static_cast<int>((std::max<std::int64_t>(value.AsInt(), 32) + 31) / 32 * 32);
}

void ReadImageSize(const OptionValue& value, Options* options) {
  if (!value.is_list()) {
    options->image_height = options->image_width = ImageSide(value);
    return;
  }
  if (value.AsList().empty() || value.AsList().size() > 2)
    Refuse("imgsz", value, "one size, or height,width");
  options->image_height = ImageSide(value.AsList().front());
  options->image_width = ImageSide(value.AsList().back());
}

double ReadBatch(const OptionValue& value) {
  const double batch = value.AsDouble();
  const bool automatic = batch == -1 || (batch > 0 && batch < 1);
  if (!automatic && (batch < 1 || batch != std::floor(batch))) {
    Refuse("batch", value,
           "batch is a whole number of images from 1 up, -1 (chosen for the machine) or a share "
           "between 0 and 1");
  }
  return batch;
}

CacheKind ReadCache(const OptionValue& value) {
  if (value.is_null() || (value.is_bool() && !value.AsBool())) return CacheKind::kNone;
  if (value.is_bool()) return CacheKind::kRam;
  const std::string text = ToLower(value.ToText());
  if (text == "ram") return CacheKind::kRam;
  if (text == "disk") return CacheKind::kDisk;
  Refuse("cache", value, "cache is ram, disk or False");
}

std::string ReadDevice(const OptionValue& value) {
  if (value.is_null()) return "";
  if (value.is_list()) {
    std::string joined;
    for (const OptionValue& item : value.AsList())
      joined += (joined.empty() ? "" : ",") + item.ToText();
    return joined;
  }
  std::string text = ToLower(value.ToText());
  for (const char* prefix : {"cuda:", "gpu:"}) {
    if (text.starts_with(prefix)) text = text.substr(std::string_view(prefix).size());
  }
  return text == "cuda" ? "0" : text;
}

Precision ReadAmp(const OptionValue& value) {
  if (value.is_bool()) return value.AsBool() ? Precision::kAuto : Precision::kFloat32;
  const std::string text = ToLower(value.ToText());
  if (text == "bf16") return Precision::kBFloat16;
  if (text == "fp32") return Precision::kFloat32;
  if (text == "fp16") Refuse("amp", value, "fp16 needs a GPU; on a CPU use amp=bf16");
  Refuse("amp", value, "amp is True, False, bf16 or fp32");
}

void ReadFraction(const OptionValue& value, Options* options) {
  constexpr const char* kAllowed =
      "fraction is a share above 0 and at most 1, or a number of images";
  const OptionValue& train =
      value.is_list() && !value.AsList().empty() ? value.AsList().front() : value;
  if (!train.is_number() || train.AsDouble() <= 0) Refuse("fraction", value, kAllowed);
  options->fraction_ratio = 1;
  options->fraction_count = 0;
  if (train.AsDouble() <= 1) {
    options->fraction_ratio = train.AsDouble();
  } else if (train.is_int()) {
    options->fraction_count = train.AsInt();
  } else {
    Refuse("fraction", value, kAllowed);
  }
}

void ReadFreeze(const OptionValue& value, Options* options) {
  options->freeze_count = 0;
  if (value.is_null()) return;
  if (value.is_int() && value.AsInt() >= 0) {
    options->freeze_count = static_cast<int>(value.AsInt());
  } else if (value.is_list()) {
    for (const OptionValue& item : value.AsList()) options->freeze.push_back(item.ToText());
  } else {
    Refuse("freeze", value, "freeze is a number of layers or a list of layers");
  }
}

std::vector<int> ReadClasses(const OptionValue& value) {
  std::vector<int> classes;
  if (value.is_null()) return classes;
  const OptionValue::List list = value.is_list() ? value.AsList() : OptionValue::List{value};
  for (const OptionValue& item : list) {
    if (!item.is_int() || item.AsInt() < 0)
      Refuse("classes", value, "classes is a class number or a list of them, from 0 up");
    classes.push_back(static_cast<int>(item.AsInt()));
  }
  std::sort(classes.begin(), classes.end());
  return classes;
}

void ReadScale(const OptionValue& value, Options* options) {
  if (value.is_number() && value.AsDouble() >= 0 && value.AsDouble() <= 1) {
    options->scale_min = 1 - value.AsDouble();
    options->scale_max = 1 + value.AsDouble();
  } else if (value.is_list() && value.AsList().size() == 2 && value.AsList()[0].is_number() &&
             value.AsList()[1].is_number() && value.AsList()[0].AsDouble() > 0 &&
             value.AsList()[0].AsDouble() <= value.AsList()[1].AsDouble()) {
    options->scale_min = value.AsList()[0].AsDouble();
    options->scale_max = value.AsList()[1].AsDouble();
  } else {
    Refuse("scale", value, "scale is a number from 0 to 1 or min,max");
  }
}

void ReadPathOrSwitch(const OptionValue& value, bool* on, std::string* file) {
  *on = value.is_string() ? !value.AsString().empty() : value.is_bool() && value.AsBool();
  if (value.is_string()) *file = value.AsString();
}

std::string OneOf(const OptionSet& set, const char* name,
                  std::initializer_list<std::string_view> allowed) {
  const std::string text = set.Get(name).ToText();
  for (const std::string_view word : allowed) {
    if (ToLower(text) == ToLower(word)) return std::string(word);
  }
  Refuse(name, set.Get(name),
         fmt::format("{} is one of {}", name, fmt::join(allowed, ", ")).c_str());
}

}  // namespace

OptionSet::OptionSet() {
  for (const OptionInfo& option : OptionTable()) values_.push_back(option.default_value);
}

OptionSet::OptionSet(std::span<const Override> overrides) : OptionSet() {
  for (const Override& override : overrides) Set(override.key, override.value);
}

const OptionValue& OptionSet::Get(std::string_view name) const {
  const OptionInfo* option = FindOption(name);
  HEADROOM_CHECK(option != nullptr, fmt::format("no option {}", name));
  return values_[static_cast<std::size_t>(option - OptionTable().data())];
}

void OptionSet::Set(std::string_view name, OptionValue value) {
  const OptionInfo* option = FindOption(name);
  HEADROOM_CHECK(option != nullptr, fmt::format("no option {}", name));
  values_[static_cast<std::size_t>(option - OptionTable().data())] = std::move(value);
}

std::vector<std::pair<std::string, OptionValue>> OptionSet::ReferenceItems() const {
  std::vector<std::pair<std::string, OptionValue>> items;
  for (const OptionInfo& option : OptionTable()) {
    if (option.owner != OptionOwner::kOurs) items.emplace_back(option.name, Get(option.name));
  }
  return items;
}

std::string OptionSet::ArgsYaml(const std::string& save_dir) const {
  std::string text;
  for (const auto& [name, value] : ReferenceItems()) {
    const std::string yaml = name == "device" && value.is_null() ? "''" : value.ToYaml();
    text += fmt::format("{}:{}{}\n", name, yaml.starts_with('\n') ? "" : " ", yaml);
  }
  return text + fmt::format("save_dir: {}\n", OptionValue(save_dir).ToYaml());
}

std::string OptionSet::HeadroomYaml() const {
  std::string text;
  for (const OptionInfo& option : OptionTable()) {
    if (option.owner == OptionOwner::kOurs)
      text += fmt::format("{}: {}\n", option.name, Get(option.name).ToYaml());
  }
  return text;
}

Options Options::From(OptionSet set, std::span<const Override> typed) {
  Options o{};
  const auto text = [&](const char* name) {
    return set.Get(name).is_null() ? std::string() : set.Get(name).ToText();
  };
  const auto flag = [&](const char* name) { return set.Get(name).AsBool(); };
  const auto integer = [&](const char* name) { return static_cast<int>(set.Get(name).AsInt()); };
  const auto number = [&](const char* name) { return set.Get(name).AsDouble(); };
  o.model = text("model");
  o.data = text("data");
  o.epochs = integer("epochs");
  if (!set.Get("time").is_null()) o.time_hours = number("time");
  o.patience = integer("patience");
  o.batch = ReadBatch(set.Get("batch"));
  ReadImageSize(set.Get("imgsz"), &o);
  o.save = flag("save");
  o.save_period = integer("save_period");
  o.cache = ReadCache(set.Get("cache"));
  o.device = ReadDevice(set.Get("device"));
  o.workers = integer("workers");
  o.workers_typed = std::any_of(typed.begin(), typed.end(),
                                [](const Override& word) { return word.key == "workers"; });
  o.project = text("project");
  o.name = text("name");
  o.exist_ok = flag("exist_ok");
  ReadPathOrSwitch(set.Get("pretrained"), &o.pretrained, &o.pretrained_file);
  o.cls_remap = flag("cls_remap");
  o.optimizer =
      OneOf(set, "optimizer",
            {"auto", "SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSProp", "MuSGD"});
  o.verbose = flag("verbose");
  o.seed = static_cast<std::uint64_t>(set.Get("seed").AsInt());
  o.single_cls = flag("single_cls");
  o.rect = flag("rect");
  o.cos_lr = flag("cos_lr");
  o.close_mosaic = integer("close_mosaic");
  ReadPathOrSwitch(set.Get("resume"), &o.resume, &o.resume_file);
  o.amp = ReadAmp(set.Get("amp"));
  ReadFraction(set.Get("fraction"), &o);
  ReadFreeze(set.Get("freeze"), &o);
  o.multi_scale = number("multi_scale");
  o.val = flag("val");
  o.split = OneOf(set, "split", {"val", "test", "train"});
  o.save_json = flag("save_json");
  if (!set.Get("conf").is_null()) o.conf = number("conf");
  o.iou = number("iou");
  o.max_det = integer("max_det");
  o.plots = flag("plots");
  if (set.Get("nms").is_bool()) o.nms = flag("nms");
  o.agnostic_nms = flag("agnostic_nms");
  o.classes = ReadClasses(set.Get("classes"));
  o.lr0 = number("lr0");
  o.lrf = number("lrf");
  o.momentum = number("momentum");
  o.weight_decay = number("weight_decay");
  o.warmup_epochs = number("warmup_epochs");
  o.warmup_momentum = number("warmup_momentum");
  o.warmup_bias_lr = number("warmup_bias_lr");
  o.box = number("box");
  o.cls = number("cls");
  o.dfl = number("dfl");
  o.cls_pw = number("cls_pw");
  o.nbs = integer("nbs");
  o.hsv_h = number("hsv_h");
  o.hsv_s = number("hsv_s");
  o.hsv_v = number("hsv_v");
  o.degrees = number("degrees");
  o.translate = number("translate");
  ReadScale(set.Get("scale"), &o);
  o.shear = number("shear");
  o.perspective = number("perspective");
  o.flipud = number("flipud");
  o.fliplr = number("fliplr");
  o.bgr = number("bgr");
  o.mosaic = number("mosaic");
  o.mixup = number("mixup");
  o.cutmix = number("cutmix");
  o.copy_paste = number("copy_paste");
  o.copy_paste_mixup = OneOf(set, "copy_paste_mode", {"flip", "mixup"}) == "mixup";
  if (!set.Get("memory").is_null()) o.memory = text("memory");
  if (!set.Get("vram").is_null()) o.vram = text("vram");
  if (!set.Get("microbatch").is_null()) o.microbatch = integer("microbatch");
  o.ops = OneOf(set, "ops", {"auto", "fused", "reference"});
  o.recompute = OneOf(set, "recompute", {"auto", "none", "activations", "blocks"});
  o.progress = OneOf(set, "progress", {"auto", "json"});
  o.tensorboard = flag("tensorboard");
  set.Set("device", OptionValue(o.device));
  if (o.device.empty()) set.Set("device", OptionValue());
  o.set = std::move(set);
  return o;
}

}  // namespace headroom
