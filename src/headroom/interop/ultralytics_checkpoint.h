// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/module_tree.h"
#include "headroom/core/mapped_file.h"
#include "headroom/core/result.h"
#include "headroom/interop/pickle_value.h"
#include "headroom/interop/tensor_data.h"
#include "headroom/interop/torch_archive.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headroom {

enum class CheckpointKind : std::uint8_t {
  kUltralytics,  // A dict with `model` or `ema` holding a pickled network.
  kModule,       // A pickled network alone.
  kStateDict,    // Named tensors, as torch.save(model.state_dict()) writes them.
  kSafetensors,
};

struct CheckpointTensor {
  std::string name;  // State-dict name: "model.0.conv.weight".
  TensorData data;   // In the file's own type; a view of the file unless it lay in another order.
  bool is_parameter = false;
};

// What the pickled Detect module says; absent fields are 0 or empty.
struct HeadFacts {
  std::int64_t layer = -1;  // Its index among the network's layers.
  std::int64_t class_count = 0;
  std::int64_t reg_max = 0;
  std::vector<float> strides;
  std::int64_t max_det = 0;
  bool has_one_to_one = false;   // one2one_cv2 is there.
  bool uses_one_to_one = false;  // The end-to-end head is chosen (_end2end; end2end before 8.4).
};

struct StopperState {
  double best_fitness = 0;
  std::int64_t best_epoch = 0;
};

// What a weights file holds. Fields that the file does not have are empty, 0, or null. The nodes
// and tensors are views of the mapped file, which this object keeps. Move-only.
struct CheckpointContents {
  CheckpointKind kind = CheckpointKind::kStateDict;
  std::vector<CheckpointTensor> tensors;  // In state-dict order.
  std::string task;                       // "detect", "segment", ...
  std::vector<std::string> names;         // By class index.
  std::int64_t class_count = 0;
  std::vector<float> strides;
  HeadFacts head;
  // What the pickled network says of its modules; null without one.
  std::shared_ptr<const ModuleTree> modules;

  bool in_training = false;  // Not stripped: an optimizer state is there.
  std::int64_t epoch = -1;   // The last complete one, from 0.
  std::optional<double> best_fitness;
  std::optional<StopperState> stopper;
  std::int64_t updates = 0;  // Of the EMA.
  std::string date;
  std::string version;

  const PickleNode* yaml = nullptr;           // The model YAML as a dict.
  const PickleNode* train_args = nullptr;     // dict
  const PickleNode* train_metrics = nullptr;  // dict
  const PickleNode* train_results = nullptr;  // dict of lists: the columns of results.csv
  const PickleNode* optimizer = nullptr;      // {state, param_groups}: see optimizer_state.h
  const PickleNode* headroom = nullptr;       // Our own entry.

  MappedFile file;
  std::unique_ptr<TorchArchive> archive;

  // After reading tensors: the file's pages leave the process's resident size.
  void ReleasePages() const { MappedFile::Release(file.bytes()); }
  // Null when there is none.
  [[nodiscard]] const CheckpointTensor* Find(std::string_view name) const;
};

// Reads what Ultralytics 8.0 to 8.4 and we write (stripped or in training; `ema` wins over
// `model`), pickled modules, plain state dicts and safetensors, told apart by their contents. Never
// executes anything of the file; a hostile file gives a failure. The failure names the path, what
// is wrong and what to do. Extra memory: the pickle's values (15 MB for YOLO11x) and tensors that
// are not row-major; weights stay in the file, and its pages leave the resident size once their
// checksum is known.
[[nodiscard]] Result<CheckpointContents> ReadCheckpoint(const std::filesystem::path& path);
// The same of bytes that the caller keeps alive; the failure has no path. `release`: see
// zip_reader.h.
[[nodiscard]] Result<CheckpointContents> ParseCheckpoint(std::span<const std::byte> file,
                                                         ReleaseBytes release = {});

}  // namespace headroom
