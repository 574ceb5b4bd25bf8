// SPDX-License-Identifier: Apache-2.0
#include "headroom/train/class_remap.h"

#include "headroom/core/strings.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace headroom {
namespace {

std::string Key(const std::string& name) {
  std::string key(Trim(name));
  for (char& c : key) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return key;
}

bool IsPlaceholder(const std::string& key) {
  return std::all_of(key.begin(), key.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

// Pairs (row of the model, row of the file).
using RowPairs = std::vector<std::pair<std::int64_t, std::int64_t>>;

RowPairs MatchNames(const std::vector<std::string>& to, const std::vector<std::string>& from) {
  RowPairs pairs;
  for (std::size_t i = 0; i < to.size(); ++i) {
    const std::string key = Key(to[i]);
    if (key.empty() || IsPlaceholder(key)) continue;
    const auto found = std::find_if(from.begin(), from.end(),
                                    [&](const std::string& name) { return Key(name) == key; });
    if (found != from.end()) pairs.emplace_back(i, found - from.begin());
  }
  return pairs;
}

// Of `model.N.cv3.L.2` or `model.N.one2one_cv3.L.2`.
bool IsClassOutput(const std::string& name) {
  return name.find("cv3.") != std::string::npos &&
         (name.ends_with(".2.weight") || name.ends_with(".2.bias"));
}

void CopyRows(const TensorData& from, const RowPairs& rows, const at::Tensor& to) {
  std::vector<std::int64_t> shape = to.sizes().vec();
  shape[0] = from.shape()[0];
  if (from.shape() != shape) return;  // Another width: nothing of it fits.
  at::Tensor source = at::empty(shape, at::kFloat);
  CopyAsFloat(from, {source.mutable_data_ptr<float>(), static_cast<std::size_t>(source.numel())});
  for (const auto& [target, origin] : rows) to[target].copy_(source[origin]);
}

}  // namespace

int RemapClassRows(const CheckpointContents& file, const std::vector<std::string>& names,
                   Model& model) {
  if (file.names.empty() || file.names == names) return -1;
  const RowPairs rows = MatchNames(names, file.names);
  ParameterStore& store = *model.parameters;
  for (const ParameterStore::Entry& entry : store.entries()) {
    if (entry.kind != ParameterStore::EntryKind::kParameter || !IsClassOutput(entry.name)) continue;
    const CheckpointTensor* found = file.Find(entry.name);
    if (found != nullptr && !found->data.shape().empty())
      CopyRows(found->data, rows, store.value(entry.index));
  }
  store.RefreshCompute();
  return static_cast<int>(rows.size());
}

}  // namespace headroom
