// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/command_line.h"
#include "headroom/config/option_value.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace headroom {

// Every option of the table with its value, in the table's order: what args.yaml and train_args
// hold.
class OptionSet {
 public:
  OptionSet();
  explicit OptionSet(std::span<const Override> overrides);
  [[nodiscard]] const OptionValue& Get(std::string_view name) const;
  void Set(std::string_view name, OptionValue value);

  // The reference's keys in order, then save_dir: text of args.yaml.
  [[nodiscard]] std::string ArgsYaml(const std::string& save_dir) const;
  // Our own keys: text of headroom.yaml.
  [[nodiscard]] std::string HeadroomYaml() const;
  // The reference's keys only.
  [[nodiscard]] std::vector<std::pair<std::string, OptionValue>> ReferenceItems() const;

 private:
  std::vector<OptionValue> values_;
};

enum class CacheKind : std::uint8_t { kNone, kRam, kDisk };
enum class Precision : std::uint8_t { kAuto, kFloat32, kBFloat16 };

// The options of a command with their types. Defaults are the table's.
struct Options {
  OptionSet set;

  std::string model;
  std::string data;
  int epochs;
  std::optional<double> time_hours;
  int patience;
  double batch;  // Images; -1 or a fraction below 1: chosen by the plan.
  int image_height, image_width;
  bool save;
  int save_period;
  CacheKind cache;
  std::string device;  // Canonical: "", "cpu", "0", "mps".
  int workers;
  bool workers_typed;
  std::string project, name;
  bool exist_ok;
  bool pretrained;
  std::string pretrained_file;
  bool cls_remap;
  std::string optimizer;
  bool verbose;
  std::uint64_t seed;
  bool single_cls, rect, cos_lr;
  int close_mosaic;
  bool resume;
  std::string resume_file;
  Precision amp;
  double fraction_ratio;        // Of the train split; 1 when a count is given.
  std::int64_t fraction_count;  // 0: by ratio.
  int freeze_count;
  std::vector<std::string> freeze;  // Layer numbers or names.
  double multi_scale;
  bool val;
  std::string split;
  bool save_json;
  std::optional<double> conf;
  double iou;
  int max_det;
  bool plots;
  std::optional<bool> nms;
  bool agnostic_nms;
  std::vector<int> classes;
  double lr0, lrf, momentum, weight_decay, warmup_epochs, warmup_momentum, warmup_bias_lr;
  double box, cls, dfl, cls_pw;
  int nbs;
  double hsv_h, hsv_s, hsv_v, degrees, translate, scale_min, scale_max, shear, perspective;
  double flipud, fliplr, bgr, mosaic, mixup, cutmix, copy_paste;
  bool copy_paste_mixup;
  std::optional<std::string> memory, vram;
  std::optional<int> microbatch;
  std::string ops, recompute, progress;
  bool tensorboard;

  // Throws ConfigError for values that only their use can judge (imgsz, batch, device, cache, ...).
  [[nodiscard]] static Options From(OptionSet set, std::span<const Override> typed);
};

}  // namespace headroom
