// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/command_line.h"
#include "headroom/config/device_choice.h"
#include "headroom/config/option_set.h"
#include "headroom/config/override.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headroom {

enum class CacheKind : std::uint8_t { kNone, kRam, kDisk };
// What amp= asks for. kAuto is True: 16 bits where the processor multiplies them natively.
enum class Precision : std::uint8_t { kAuto, kFloat32, kBFloat16 };

// How much of a split is used: the first so many images of its sorted list.
struct SplitShare {
  double ratio = 1;        // In [0, 1]; 1 where a count is given.
  std::int64_t count = 0;  // 0: by ratio.
};

// The options of one command, checked and typed. The table (option_table.h) says what each means.
// A value: copy it freely.
struct Options {
  // Checks every value of the set and types it. Throws ConfigError with one line for each wrong
  // one: the value, what is allowed, an example. `typed` is what the user has set himself.
  [[nodiscard]] static Options From(OptionSet set, std::span<const Override> typed);
  // The overrides over the defaults.
  [[nodiscard]] static Options FromOverrides(std::span<const Override> overrides);
  // The same with the command's task and mode.
  [[nodiscard]] static Options FromCommand(const ParsedCommand& command);

  // How much of a split ("train", "val", "test") is used.
  [[nodiscard]] SplitShare ShareOf(std::string_view part) const;
  // What the user set, as opposed to a default.
  [[nodiscard]] bool IsTyped(std::string_view option) const;

  OptionSet set;                      // The same values untyped, checked.
  std::vector<std::string> typed;     // Names of what the user set.
  std::vector<std::string> warnings;  // What was read otherwise than typed, for the user.

  // Run. Empty texts: not given.
  std::string task = "detect";
  std::string mode = "train";
  std::string model;
  std::string data;
  std::string device;  // Canonical: "", "cpu", "0", "0,1", "mps"; "-1" is any idle GPU.
  DeviceChoice device_choice;
  int workers = 8;             // -1 adapts.
  bool workers_typed = false;  // Not typed: at most the cores there are.
  std::string project;
  std::string name;
  bool exist_ok = false;
  bool verbose = true;
  std::string ops = "auto";       // reference, fused, auto.
  std::string progress = "auto";  // auto, json.
  bool tensorboard = false;

  // Training
  int epochs = 100;
  std::optional<double> time_hours;
  int patience = 100;      // Epochs; 0 never stops.
  double batch = 16;       // Images; -1 or a share below 1: chosen by the plan.
  int image_height = 640;  // Multiples of 32.
  int image_width = 640;
  bool save = true;
  int save_period = -1;  // Epochs; below 1 never.
  CacheKind cache = CacheKind::kNone;
  bool pretrained = true;
  std::string pretrained_file;
  bool cls_remap = true;
  std::string optimizer = "auto";  // Or the name as the reference spells it.
  std::uint64_t seed = 0;
  bool deterministic = true;
  bool single_cls = false;
  bool rect = false;
  bool cos_lr = false;
  int close_mosaic = 10;  // Last epochs; 0 never.
  bool resume = false;
  std::string resume_file;
  Precision amp = Precision::kAuto;
  SplitShare train_share;  // fraction=
  SplitShare val_share;
  SplitShare test_share;
  int freeze_count = 0;             // Layers 0 .. freeze_count-1,
  std::vector<std::string> freeze;  // and these: layer numbers or parts of parameter names.
  double multi_scale = 0;           // Share of imgsz.
  double lr0 = 0.01;
  double lrf = 0.01;
  double momentum = 0.937;
  double weight_decay = 0.0005;
  double warmup_epochs = 3;
  double warmup_momentum = 0.8;
  double warmup_bias_lr = 0.1;
  int nbs = 64;
  bool plots = true;

  // Loss gains
  double box = 7.5;
  double cls = 0.5;
  double cls_pw = 0;
  double dfl = 1.5;

  // Augmentation: largest changes, and chances
  double hsv_h = 0.015;
  double hsv_s = 0.7;
  double hsv_v = 0.4;
  double degrees = 0;
  double translate = 0.1;
  double scale_min = 0.5;  // Zoom factors.
  double scale_max = 1.5;
  double shear = 0;
  double perspective = 0;
  double flipud = 0;
  double fliplr = 0.5;
  double bgr = 0;
  double mosaic = 1;
  double mixup = 0;
  double cutmix = 0;
  double copy_paste = 0;
  bool copy_paste_mixup = false;  // copy_paste_mode=mixup.

  // Validation and prediction
  bool val = true;
  std::string split = "val";
  bool save_json = false;
  std::optional<double> conf;  // None: 0.25 in predict, 0.001 in val.
  double iou = 0.7;
  int max_det = 300;
  std::optional<bool> nms;
  bool half = false;  // quantize=16.
  bool agnostic_nms = false;
  std::vector<int> classes;  // Sorted; empty: all.
  std::vector<std::string> sources;
  int vid_stride = 1;
  bool save_frames = false;
  bool save_txt = false;
  bool save_conf = false;
  bool save_crop = false;
  bool show_labels = true;
  bool show_conf = true;
  bool show_boxes = true;
  std::optional<int> line_width;

  // Export
  std::string format = "torchscript";
  bool dynamic = false;
  std::optional<int> opset;

  // Memory. Sizes as typed: "6G", or a share "0.5"; none: the default share.
  std::optional<std::string> memory;
  std::optional<std::string> vram;
  std::optional<std::string> ram;  // Plan for a host of this size.
  std::optional<int> microbatch;   // None: chosen by the plan.
  std::string recompute = "auto";  // none, activations, blocks, auto.
};

}  // namespace headroom
