// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/option_table.h"

#include "headroom/core/error.h"

#include <fmt/format.h>

#include <cmath>
#include <vector>

namespace headroom {
namespace {

using enum OptionType;
constexpr auto kOther = OptionOwner::kOtherTask;
constexpr auto kOurs = OptionOwner::kOurs;
constexpr auto kRef = OptionOwner::kReference;

const std::vector<OptionInfo>& Table() {
  static const std::vector<OptionInfo> table = {
      {"task", kText, "detect", "task: detect"},
      {"mode", kText, "train", "mode: train, val, predict or export"},
      {"model", kText, {}, "weights (.pt) or architecture (.yaml)"},
      {"data", kAny, {}, "data.yaml that names the images and classes"},
      {"epochs", kInt, 100, "epochs to train", kRef, 1},
      {"time", kNumber, {}, "hours to train; overrides epochs"},
      {"patience", kInt, 100, "epochs without improvement before stopping; 0: never stop", kRef, 0},
      {"batch", kNumber, 16,
       "images a batch; -1: chosen for the machine; 0.7: share of the memory budget"},
      {"imgsz", kAny, 640, "image size in pixels, rounded up to a multiple of 32"},
      {"save", kBool, true, "write checkpoints and predictions"},
      {"save_period", kInt, -1, "also keep a checkpoint every k epochs; below 1: never"},
      {"cache", kAny, false, "keep decoded images: ram, disk or False"},
      {"device", kAny, {}, "cpu, 0, cuda:0 or mps"},
      {"workers", kInt, 8, "loader threads; -1: chosen for the machine", kRef, -1},
      {"project", kText, {}, "parent folder of the run"},
      {"name", kText, {}, "name of the run's folder"},
      {"exist_ok", kBool, false, "write into an existing run folder"},
      {"pretrained", kAny, true, "start from the model's weights, or a file with weights"},
      {"cls_remap", kBool, true, "carry class weights over by class name"},
      {"optimizer", kText, "auto",
       "SGD, Adam, AdamW, Adamax, NAdam, RAdam, RMSProp, MuSGD or auto"},
      {"verbose", kBool, true, "print details"},
      {"seed", kInt, 0, "random seed", kRef, 0},
      {"deterministic", kBool, true, "deterministic operations (always, on a CPU)"},
      {"single_cls", kBool, false, "treat all classes as one"},
      {"rect", kBool, false, "rectangular training batches"},
      {"cos_lr", kBool, false, "cosine learning-rate schedule"},
      {"close_mosaic", kInt, 10, "last epochs without mosaic; 0: never close it", kRef, 0},
      {"resume", kAny, false, "continue an interrupted run"},
      {"amp", kAny, true, "mixed precision: True, False, bf16 or fp32"},
      {"fraction", kAny, 1.0, "share (0, 1] or number of training images used"},
      {"profile", kBool, false, "time exported models", kOther},
      {"freeze", kAny, {}, "layers not trained: a count or a list"},
      {"multi_scale", kFraction, 0.0, "vary the image size by this share of imgsz"},
      {"compile", kAny, false, "torch.compile", kOther},
      {"channels_last", kAny, {}, "memory layout; always channels last here", kOther},
      {"overlap_mask", kBool, true, "segmentation", kOther},
      {"mask_ratio", kInt, 4, "segmentation", kOther, 1},
      {"dropout", kFraction, 0.0, "classification", kOther},
      {"val", kBool, true, "validate after each epoch"},
      {"split", kText, "val", "split to validate: val, test or train"},
      {"save_json", kBool, false, "write predictions.json in COCO form"},
      {"conf", kFraction, {}, "confidence threshold (0.25 for predict, 0.001 for val)"},
      {"iou", kFraction, 0.7, "overlap above which NMS drops a box"},
      {"max_det", kInt, 300, "detections an image", kRef, 1},
      {"quantize", kAny, {}, "16: half precision for val, predict, export"},
      {"dnn", kBool, false, "run ONNX with OpenCV"},
      {"plots", kBool, true, "draw charts and pictures"},
      {"nms", kAny, {}, "False: end-to-end head without NMS (YOLO26)"},
      {"source", kText, {}, "images or videos to predict"},
      {"vid_stride", kInt, 1, "video frame step", kRef, 1},
      {"stream_buffer", kBool, false, "queue all stream frames", kOther},
      {"visualize", kBool, false, "dump feature maps", kOther},
      {"augment", kBool, false, "test-time augmentation", kOther},
      {"agnostic_nms", kBool, false, "NMS ignores classes"},
      {"classes", kAny, {}, "class or list of classes to keep"},
      {"retina_masks", kBool, false, "segmentation", kOther},
      {"embed", kAny, {}, "return layer embeddings", kOther},
      {"show", kBool, false, "show predictions in a window", kOther},
      {"save_frames", kBool, false, "save video frames"},
      {"save_txt", kBool, false, "write predictions as label files"},
      {"save_conf", kBool, false, "with confidences"},
      {"save_crop", kBool, false, "write cropped detections"},
      {"show_labels", kBool, true, "draw class names"},
      {"show_conf", kBool, true, "draw confidences"},
      {"show_boxes", kBool, true, "draw boxes"},
      {"line_width", kInt, {}, "line width in pixels; by image size where absent", kRef, 1},
      {"format", kText, "torchscript", "export format: onnx or torchscript"},
      {"optimize", kBool, false, "export switch", kOther},
      {"dynamic", kBool, false, "export with free batch and image size"},
      {"simplify", kBool, true, "simplify the ONNX graph"},
      {"opset", kInt, {}, "ONNX opset"},
      {"workspace", kNumber, {}, "TensorRT GiB", kOther},
      {"lr0", kFraction, 0.01, "initial learning rate"},
      {"lrf", kFraction, 0.01, "final learning rate as a share of lr0"},
      {"momentum", kFraction, 0.937, "SGD momentum, Adam beta1"},
      {"weight_decay", kFraction, 0.0005, "weight decay at the nominal batch"},
      {"warmup_epochs", kNumber, 3.0, "warm-up length in epochs", kRef, 0},
      {"warmup_momentum", kFraction, 0.8, "momentum at the start of warm-up"},
      {"warmup_bias_lr", kFraction, 0.1, "bias learning rate at the start of warm-up"},
      {"distill_model", kAny, {}, "teacher model", kOther},
      {"dis", kNumber, 6.0, "distillation gain", kOther},
      {"box", kNumber, 7.5, "box loss gain"},
      {"cls", kNumber, 0.5, "class loss gain"},
      {"cls_pw", kFraction, 0.0, "weight of rare classes: count^-p"},
      {"dfl", kNumber, 1.5, "distribution focal loss gain"},
      {"pose", kNumber, 12.0, "pose", kOther},
      {"kobj", kNumber, 1.0, "pose", kOther},
      {"rle", kNumber, 1.0, "pose", kOther},
      {"angle", kNumber, 1.0, "oriented boxes", kOther},
      {"dlog", kNumber, 1.0, "depth", kOther},
      {"dgrad", kNumber, 0.5, "depth", kOther},
      {"dlam", kNumber, 1.0, "depth", kOther},
      {"nbs", kInt, 64, "nominal batch: gradients accumulate up to it", kRef, 1},
      {"hsv_h", kFraction, 0.015, "hue jitter, share of the circle"},
      {"hsv_s", kFraction, 0.7, "saturation jitter"},
      {"hsv_v", kFraction, 0.4, "brightness jitter"},
      {"degrees", kNumber, 0.0, "rotation range in degrees"},
      {"translate", kFraction, 0.1, "shift range, share of the image"},
      {"scale", kAny, 0.5, "zoom range: gain or (min, max)"},
      {"shear", kNumber, 0.0, "shear range in degrees"},
      {"perspective", kFraction, 0.0, "perspective range (at most 0.001 as a rule)"},
      {"flipud", kFraction, 0.0, "probability of a vertical flip"},
      {"fliplr", kFraction, 0.5, "probability of a horizontal flip"},
      {"bgr", kFraction, 0.0, "probability of swapped colour channels"},
      {"mosaic", kFraction, 1.0, "probability of a mosaic of four images"},
      {"mixup", kFraction, 0.0, "probability of mixup"},
      {"cutmix", kFraction, 0.0, "probability of cutmix"},
      {"copy_paste", kFraction, 0.0, "probability of pasting polygons"},
      {"copy_paste_mode", kText, "flip", "flip or mixup"},
      {"auto_augment", kText, "randaugment", "classification", kOther},
      {"erasing", kFraction, 0.4, "classification", kOther},
      {"cfg", kText, {}, "YAML file with options"},
      {"tracker", kText, "tracktrack.yaml", "tracking", kOther},
      {"memory", kAny, {}, "host memory budget: 6G, or a share of what is free (0.8)", kOurs},
      {"vram", kAny, {}, "device memory budget: 20G, or a share (0.85)", kOurs},
      {"microbatch", kInt, {}, "images that go through the network at once", kOurs, 1},
      {"ops", kText, "auto", "operations: auto, fused or reference", kOurs},
      {"recompute", kText, "auto", "computed again in backward: none, activations, blocks or auto",
       kOurs},
      {"progress", kText, "auto", "progress output: auto or json", kOurs},
      {"tensorboard", kBool, false, "write TensorBoard event files", kOurs},
  };
  return table;
}

const char* TypeText(OptionType type) {
  switch (type) {
    case kText:
      return "text";
    case kBool:
      return "True or False";
    case kInt:
      return "a whole number";
    case kNumber:
      return "a number";
    case kFraction:
      return "a number from 0 to 1";
    case kAny:
      return "any value";
  }
  return "";
}

[[noreturn]] void Refuse(const OptionInfo& option, const OptionValue& value) {
  std::string allowed = TypeText(option.type);
  if (option.minimum) allowed += fmt::format(", at least {:g}", *option.minimum);
  if (option.maximum) allowed += fmt::format(", at most {:g}", *option.maximum);
  throw ConfigError(fmt::format("{}={} is not allowed: {} is {} ({}); for example {}={}",
                                option.name, value.ToText(), option.name, allowed, option.help,
                                option.name, option.default_value.ToText()));
}

}  // namespace

std::span<const OptionInfo> OptionTable() { return Table(); }

const OptionInfo* FindOption(std::string_view name) {
  for (const OptionInfo& option : Table()) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

OptionValue CheckOption(const OptionInfo& option, OptionValue value) {
  if (value.is_null()) {
    const bool typed =
        option.type != kAny && !option.default_value.is_null() && option.name != "auto_augment";
    if (typed) Refuse(option, value);
    return value;
  }
  if (option.type == kInt && value.is_float() && std::floor(value.AsDouble()) == value.AsDouble() &&
      std::abs(value.AsDouble()) < 1e15) {
    value = OptionValue(static_cast<std::int64_t>(value.AsDouble()));
  }
  const bool fits = option.type == kAny || (option.type == kText && !value.is_list()) ||
                    (option.type == kBool && value.is_bool()) ||
                    (option.type == kInt && value.is_int()) ||
                    (option.type == kNumber && value.is_number()) ||
                    (option.type == kFraction &&
                     (value.is_number() || (option.name == "multi_scale" && value.is_bool())));
  if (!fits) Refuse(option, value);
  if (option.type == kText && !value.is_string()) return OptionValue(value.ToText());
  if (option.type == kFraction && value.is_bool()) return OptionValue(value.AsBool() ? 1.0 : 0.0);
  if (value.is_number()) {
    const double number = value.AsDouble();
    const bool outside = std::isnan(number) || (option.minimum && number < *option.minimum) ||
                         (option.maximum && number > *option.maximum) ||
                         (option.type == kFraction && (number < 0 || number > 1));
    if (outside) Refuse(option, value);
  }
  return value;
}

}  // namespace headroom
