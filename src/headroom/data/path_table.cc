// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/path_table.h"

#include "headroom/core/check.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace headroom {
namespace {

// Compares a1 + a2 with b1 + b2 without joining them.
int CompareJoined(std::string_view a1, std::string_view a2, std::string_view b1,
                  std::string_view b2) {
  while (true) {
    if (a1.empty()) std::swap(a1, a2);
    if (b1.empty()) std::swap(b1, b2);
    if (a1.empty() || b1.empty())
      return static_cast<int>(!a1.empty()) - static_cast<int>(!b1.empty());
    const std::size_t common = std::min(a1.size(), b1.size());
    if (const int order = a1.substr(0, common).compare(b1.substr(0, common)); order != 0)
      return order;
    a1.remove_prefix(common);
    b1.remove_prefix(common);
  }
}

}  // namespace

void PathTable::AppendName(std::string_view name) {
  names_ += name;
  HEADROOM_CHECK(names_.size() <= std::numeric_limits<std::uint32_t>::max(), "4 GiB of file names");
  name_begin_.push_back(static_cast<std::uint32_t>(names_.size()));
}

void PathTable::Append(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  const std::size_t folder_length = slash == std::string_view::npos ? 0 : slash + 1;
  const std::string_view folder = path.substr(0, folder_length);
  // Lists run through a folder before they leave it.
  if (folder_of_.empty() || folders_[folder_of_.back()] != folder) {
    const auto [entry, is_new] =
        folder_ids_.try_emplace(std::string(folder), static_cast<std::uint32_t>(folders_.size()));
    if (is_new) folders_.emplace_back(folder);
    folder_of_.push_back(entry->second);
  } else {
    folder_of_.push_back(folder_of_.back());
  }
  AppendName(path.substr(folder_length));
}

bool PathTable::Less(std::uint32_t a, std::uint32_t b) const {
  const int order =
      folder_of_[a] == folder_of_[b]
          ? NameOf(a).compare(NameOf(b))
          : CompareJoined(folders_[folder_of_[a]], NameOf(a), folders_[folder_of_[b]], NameOf(b));
  return order != 0 ? order < 0 : a < b;
}

void PathTable::Sort() {
  // By index where equal, which makes it stable.
  std::vector<std::uint32_t> order(size());
  std::iota(order.begin(), order.end(), 0U);
  const auto less = [this](std::uint32_t a, std::uint32_t b) { return Less(a, b); };
  if (std::is_sorted(order.begin(), order.end(), less)) return;
  std::sort(order.begin(), order.end(), less);
  std::vector<std::uint32_t> folder_of;
  folder_of.reserve(size());
  for (const std::uint32_t i : order) folder_of.push_back(folder_of_[i]);
  std::string names;
  names.reserve(names_.size());
  std::vector<std::uint32_t> name_begin{0};
  name_begin.reserve(size() + 1);
  for (const std::uint32_t i : order) {
    names += NameOf(i);
    name_begin.push_back(static_cast<std::uint32_t>(names.size()));
  }
  folder_of_ = std::move(folder_of);
  names_ = std::move(names);
  name_begin_ = std::move(name_begin);
}

void PathTable::Truncate(std::size_t n) {
  if (n >= size()) return;
  folder_of_.resize(n);
  name_begin_.resize(n + 1);
  names_.resize(name_begin_.back());
}

void PathTable::Keep(const std::vector<bool>& keep) {
  HEADROOM_CHECK(keep.size() == size(), "one flag a path");
  std::size_t kept = 0;
  std::uint32_t end = 0;
  for (std::size_t i = 0; i < keep.size(); ++i) {
    if (!keep[i]) continue;
    const std::uint32_t begin = name_begin_[i];
    const std::uint32_t length = name_begin_[i + 1] - begin;
    std::copy_n(names_.begin() + begin, length, names_.begin() + end);
    folder_of_[kept] = folder_of_[i];
    name_begin_[kept] = end;  // At or before i: what is still to be read is not touched.
    end += length;
    ++kept;
  }
  folder_of_.resize(kept);
  name_begin_.resize(kept + 1);
  name_begin_[kept] = end;
  names_.resize(end);
}

void PathTable::ShrinkToFit() {
  folder_ids_ = {};
  folders_.shrink_to_fit();
  folder_of_.shrink_to_fit();
  name_begin_.shrink_to_fit();
  names_.shrink_to_fit();
}

std::string_view PathTable::NameOf(std::size_t i) const {
  return std::string_view(names_).substr(name_begin_[i], name_begin_[i + 1] - name_begin_[i]);
}

std::string PathTable::Path(std::size_t i) const {
  std::string path;
  CopyPath(i, &path);
  return path;
}

void PathTable::CopyPath(std::size_t i, std::string* path) const {
  *path = folders_[folder_of_[i]];
  *path += NameOf(i);
}

Bytes PathTable::NumBytes() const {
  std::uint64_t bytes = names_.capacity() + folders_.capacity() * sizeof(std::string) +
                        (folder_of_.capacity() + name_begin_.capacity()) * sizeof(std::uint32_t);
  for (const std::string& folder : folders_) bytes += folder.capacity();
  return Bytes(bytes);
}

Bytes PathTable::EstimateBytes(std::uint64_t n, std::uint64_t mean_name_length,
                               std::uint64_t folders) {
  constexpr std::uint64_t kMeanFolderLength = 64;
  return Bytes::Of(n, mean_name_length + 2 * sizeof(std::uint32_t)) + Bytes(sizeof(std::uint32_t)) +
         Bytes::Of(folders, sizeof(std::string) + kMeanFolderLength);
}

}  // namespace headroom
