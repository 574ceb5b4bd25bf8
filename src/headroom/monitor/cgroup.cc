// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/cgroup.h"

#include "headroom/core/file.h"
#include "headroom/core/strings.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

namespace headroom {
namespace {

struct Mount {
  std::string root;   // The part of the hierarchy that is mounted.
  std::string point;  // Where.
  bool v2 = false;
  std::string_view controllers;  // v1: the super options, "rw,memory".
};

// mountinfo writes blanks in paths as \040.
std::string Unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                               (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

// "31 23 0:28 /root /mount/point rw shared:1 - cgroup cgroup rw,memory" (proc(5)).
std::vector<Mount> ParseMounts(std::string_view text) {
  std::vector<Mount> mounts;
  for (const std::string_view line : Split(text, '\n')) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    const auto before = Split(line.substr(0, dash), ' ');
    const auto after = Split(line.substr(dash + 3), ' ');
    if (before.size() < 5 || after.size() < 3) continue;
    if (after[0] != "cgroup" && after[0] != "cgroup2") continue;
    mounts.push_back({Unescape(before[3]), Unescape(before[4]), after[0] == "cgroup2", after[2]});
  }
  return mounts;
}

bool HasWord(std::string_view list, std::string_view word) {
  const auto words = Split(list, ',');
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The group's folders below the mount point, leaf first. Where the mount shows another part of the
// hierarchy (a container without its own namespace), the mount point is the group.
std::vector<std::string> FoldersOf(const Mount& mount, std::string_view group) {
  const std::string root = mount.root == "/" ? "" : mount.root;
  std::string_view below = group;
  if (below.starts_with(root) && (below.size() == root.size() || below[root.size()] == '/')) {
    below.remove_prefix(root.size());
  } else {
    below = "";
  }
  if (below.find("..") != std::string_view::npos) below = "";
  std::vector<std::string> folders;
  while (!below.empty() && below != "/") {
    folders.push_back(mount.point + std::string(below));
    below = below.substr(0, below.rfind('/'));
  }
  folders.push_back(mount.point);
  return folders;
}

void Collect(const SystemRoot& root, const Mount& mount, std::string_view group,
             std::string_view file, std::vector<CgroupNode>& nodes) {
  const CgroupVersion version = mount.v2 ? CgroupVersion::kV2 : CgroupVersion::kV1;
  for (const std::string& folder : FoldersOf(mount, group)) {
    CgroupNode node{version, folder, root.At(folder)};
    std::error_code ignored;
    if (std::filesystem::exists(node.real / file, ignored)) nodes.push_back(std::move(node));
  }
}

// v1 prints "no limit" as the largest multiple of a page.
Bytes LimitOf(std::optional<std::uint64_t> value) {
  return value && *value < (std::uint64_t{1} << 62) ? Bytes(*value) : Bytes::Max();
}

Bytes BytesOf(std::optional<std::uint64_t> value) { return Bytes(value.value_or(0)); }

std::optional<double> QuotaOf(const CgroupNode& node) {
  std::array<char, 256> buffer;
  const auto read = [&](const char* file) { return PolledFile(node.real / file).Read(buffer); };
  std::optional<std::uint64_t> quota;
  std::optional<std::uint64_t> period;
  if (node.version == CgroupVersion::kV2) {
    const std::string_view text = read("cpu.max");  // "200000 100000" or "max 100000".
    quota = LeadingNumber(text);
    const std::size_t blank = text.find(' ');
    if (blank != std::string_view::npos) period = LeadingNumber(text.substr(blank));
  } else {
    quota = LeadingNumber(read("cpu.cfs_quota_us"));  // -1: none.
    period = LeadingNumber(read("cpu.cfs_period_us"));
  }
  if (!quota || !period || *period == 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

}  // namespace

CgroupMembership FindCgroups(const SystemRoot& root, std::string_view process) {
  CgroupMembership found;
  const auto mountinfo = ReadFile(root.At(fmt::format("/proc/{}/mountinfo", process)));
  const auto groups = ReadFile(root.At(fmt::format("/proc/{}/cgroup", process)));
  if (!mountinfo || !groups) return found;
  const std::vector<Mount> mounts = ParseMounts(*mountinfo);
  for (const std::string_view line : Split(*groups, '\n')) {
    // "4:memory:/job" for v1, "0::/job" for v2; the path may hold colons.
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string_view group = line.substr(second + 1);
    const auto collect = [&](bool v2, std::string_view controller, std::string_view file,
                             auto& nodes) {
      const auto mount = std::find_if(mounts.begin(), mounts.end(), [&](const Mount& m) {
        return m.v2 == v2 && (v2 || HasWord(m.controllers, controller));
      });
      if (mount != mounts.end()) Collect(root, *mount, group, file, nodes);
    };
    if (controllers.empty()) {
      collect(true, "", "memory.current", found.memory);
      collect(true, "", "cpu.max", found.cpu);
    }
    if (HasWord(controllers, "memory"))
      collect(false, "memory", "memory.usage_in_bytes", found.memory);
    if (HasWord(controllers, "cpu")) collect(false, "cpu", "cpu.cfs_quota_us", found.cpu);
  }
  return found;
}

std::optional<CgroupIdentity> IdentifyCgroup(const std::filesystem::path& real) {
  struct stat folder{};
  if (::stat(real.c_str(), &folder) != 0) return std::nullopt;
  return CgroupIdentity{folder.st_dev, folder.st_ino};
}

CgroupMemory::CgroupMemory(const CgroupNode& node) : node_(node), stat_(node.real / "memory.stat") {
  if (node.version == CgroupVersion::kV2) {
    limit_ = PolledFile(node.real / "memory.max");
    high_ = PolledFile(node.real / "memory.high");
    usage_ = PolledFile(node.real / "memory.current");
    events_ = PolledFile(node.real / "memory.events");
  } else {
    limit_ = PolledFile(node.real / "memory.limit_in_bytes");
    usage_ = PolledFile(node.real / "memory.usage_in_bytes");
    events_ = PolledFile(node.real / "memory.oom_control");
  }
}

CgroupMemory::Usage CgroupMemory::Read(std::span<char> buffer) const {
  Usage usage;
  usage.limit = LimitOf(LeadingNumber(limit_.Read(buffer)));
  usage.high = LimitOf(LeadingNumber(high_.Read(buffer)));
  usage.used = BytesOf(LeadingNumber(usage_.Read(buffer)));
  const std::string_view stat = stat_.Read(buffer);
  const bool v1 = node_.version == CgroupVersion::kV1;
  const auto number = [&](const char* v1_key, const char* v2_key) {
    return BytesOf(FindNumber(stat, v1 ? v1_key : v2_key));
  };
  // The file lists hold no shmem: that lies on the anonymous ones.
  const Bytes file =
      number("total_inactive_file", "inactive_file") + number("total_active_file", "active_file");
  // A page that is written again while it is on its way counts in both.
  usage.dirty = std::min(
      file, number("total_dirty", "file_dirty") + number("total_writeback", "file_writeback"));
  usage.reclaimable = file;
  // v1 counts directory entries and inodes, but not which of them can be dropped.
  if (!v1) usage.reclaimable += number("slab_reclaimable", "slab_reclaimable");
  if (v1) {
    const Bytes above = LimitOf(FindNumber(stat, "hierarchical_memory_limit"));
    usage.hierarchical = above < usage.limit;
    usage.limit = std::min(usage.limit, above);
  }
  return usage;
}

std::optional<std::uint64_t> CgroupMemory::OomKills(std::span<char> buffer) const {
  return FindNumber(events_.Read(buffer), "oom_kill");
}

std::string CgroupMemory::Origin(const Usage& usage) const {
  const char* file = "memory.max";
  if (node_.version == CgroupVersion::kV1) {
    file =
        usage.hierarchical ? "hierarchical_memory_limit in memory.stat" : "memory.limit_in_bytes";
  } else if (usage.high < usage.limit) {
    file = "memory.high";
  }
  return fmt::format("{} of {}", file, node_.path);
}

std::optional<CpuQuota> FindCpuQuota(const CgroupMembership& groups) {
  std::optional<CpuQuota> tightest;
  for (const CgroupNode& node : groups.cpu) {
    const std::optional<double> cores = QuotaOf(node);
    if (!cores || (tightest && tightest->cores <= *cores)) continue;
    const char* file = node.version == CgroupVersion::kV2 ? "cpu.max" : "cpu.cfs_quota_us";
    tightest = CpuQuota{*cores, fmt::format("{} of {}", file, node.path)};
  }
  return tightest;
}

}  // namespace headroom
