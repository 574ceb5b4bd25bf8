// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/nn/module_row.h"
#include "headroom/nn/network_builder.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace headroom {

// Values of one detection head: per level a box map [4 * reg_max] and a class map [nc].
struct HeadValues {
  std::vector<ValueId> boxes;
  std::vector<ValueId> classes;
};

// The detection head: a box branch (cv2) and a class branch (cv3) on every level; with `end2end` a
// second pair (one2one_cv2, one2one_cv3) on detached features.
class DetectHead {
 public:
  struct Options {
    std::int64_t classes = 80;
    std::int64_t reg_max = 16;
    bool end2end = false;
    bool depthwise_classes = true;  // YOLO11 and later; YOLOv8 has plain convolutions.
    // Hidden width of the class branch; derived from the class count where absent. A fine-tuned
    // model keeps the width of the file that it came from.
    std::optional<std::int64_t> class_width;
  };
  DetectHead(NetworkBuilder& builder, const std::string& name,
             const std::vector<std::int64_t>& level_channels, const Options& options);

  // One-to-many maps.
  [[nodiscard]] HeadValues Wire(NetworkBuilder& builder, const std::vector<ValueId>& levels) const;
  // One-to-one maps; only with end2end.
  [[nodiscard]] HeadValues WireOneToOne(NetworkBuilder& builder,
                                        const std::vector<ValueId>& levels) const;

  // Biases of the last convolutions, per level: for initialisation.
  [[nodiscard]] std::vector<int> BoxBiases() const;
  [[nodiscard]] std::vector<int> ClassBiases() const;

 private:
  void RecordHead(NetworkBuilder& builder, const std::string& name, std::int64_t levels) const;
  // Conv blocks, then a biased convolution.
  struct Branch {
    std::vector<ConvBlock> blocks;
    BiasedConv last;
  };
  struct Pair {
    std::vector<Branch> boxes;
    std::vector<Branch> classes;
  };
  [[nodiscard]] Pair Declare(NetworkBuilder& builder, const std::string& box_name,
                             const std::string& class_name,
                             const std::vector<std::int64_t>& level_channels) const;
  [[nodiscard]] Branch DeclareBox(NetworkBuilder& builder, const std::string& name, std::int64_t in,
                                  std::int64_t width) const;
  [[nodiscard]] Branch DeclareClass(NetworkBuilder& builder, const std::string& name,
                                    std::int64_t in, std::int64_t width) const;
  [[nodiscard]] static HeadValues WirePair(NetworkBuilder& builder, const Pair& pair,
                                           const std::vector<ValueId>& levels, bool detach);

  Options options_;
  Pair one_to_many_;
  std::optional<Pair> one_to_one_;
};

extern const ModuleRow kDetectRow;

}  // namespace headroom
