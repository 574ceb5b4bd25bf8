// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/effective_limit.h"

#include "headroom/core/strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace headroom {
namespace {

// What is mapped beside what is held, as long as a process grows: stacks of threads, a heap of the
// C library (64 MiB of address space, of which only what is used is writable), ends of segments.
constexpr Bytes kMappedAddresses = Bytes::MiB(96);
constexpr Bytes kMappedData = Bytes::MiB(64);

// Of a limit on what is mapped, what may be held.
Bytes HeldWithin(Bytes limit, Bytes mapped, Bytes beside, Bytes held) {
  return limit == Bytes::Max() ? limit : SaturatingSub(limit, mapped + beside) + held;
}

}  // namespace

LimitWatch::LimitWatch(const SystemRoot& root, const ResourceLimits& rlimits)
    : memory_(root), rlimits_(rlimits), buffer_(kPollBufferSize) {
  for (const CgroupNode& node : FindCgroups(root).memory) groups_.emplace_back(node);
  usages_.resize(groups_.size());
  limits_.resize(kFirstGroup + groups_.size(), Bytes::Max());
}

LimitWatch::Reading LimitWatch::Read() {
  Reading reading;
  reading.process = memory_.ReadProcess();
  reading.host = memory_.ReadHost();
  for (std::size_t i = 0; i < groups_.size(); ++i) usages_[i] = groups_[i].Read(buffer_);
  // What we have taken meanwhile, on cores that others want too, is nobody else's.
  const ProcessMemory after = memory_.ReadProcess();
  if (after.rss_anon > reading.process.rss_anon) reading.process = after;
  const Bytes ours = reading.process.rss_anon;
  // Without /proc/meminfo there is nothing to say.
  limits_[0] = reading.host.total == Bytes() ? Bytes::Max() : reading.host.available + ours;
  limits_[1] =
      HeldWithin(rlimits_.address_space, reading.process.virtual_size, kMappedAddresses, ours);
  limits_[2] = HeldWithin(rlimits_.data, reading.process.data_size, kMappedData, ours);
  Bytes tightest = Bytes::Max();
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const CgroupMemory::Usage& usage = usages_[i];
    Bytes& limit = limits_[kFirstGroup + i] = usage.Tightest();
    if (limit == Bytes::Max()) continue;
    const Bytes others = SaturatingSub(usage.Held(), ours);
    limit = SaturatingSub(limit, others);
    if (limit >= tightest) continue;
    tightest = limit;
    reading.cgroup_limit = usage.Tightest();
    reading.cgroup_used = usage.used;
  }
  const auto smallest = std::min_element(limits_.begin(), limits_.end());
  reading.limit = *smallest;
  reading.source = static_cast<std::size_t>(smallest - limits_.begin());
  if (reading.source >= kFirstGroup) {
    const CgroupMemory::Usage& usage = usages_[reading.source - kFirstGroup];
    reading.set = usage.Tightest();
    reading.dirty = usage.dirty;
  }
  last_ = reading;
  return reading;
}

std::string LimitWatch::Describe(std::size_t source) const {
  switch (source) {
    case 0:
      return fmt::format("MemAvailable of /proc/meminfo ({}) and the {} held already",
                         ToString(last_.host.available), ToString(last_.process.rss_anon));
    case 1:
      return fmt::format("RLIMIT_AS ({}, of which {} is mapped; see ulimit -v)",
                         ToString(rlimits_.address_space), ToString(last_.process.virtual_size));
    case 2:
      return fmt::format("RLIMIT_DATA ({}, of which {} is mapped; see ulimit -d)",
                         ToString(rlimits_.data), ToString(last_.process.data_size));
    default:
      break;
  }
  const CgroupMemory::Usage& usage = usages_.at(source - kFirstGroup);
  const Bytes others = SaturatingSub(usage.Held(), last_.process.rss_anon);
  return fmt::format("{} ({}, others in it hold {})", groups_[source - kFirstGroup].Origin(usage),
                     ToString(usage.Tightest()), ToString(others));
}

std::vector<MemoryLimit> LimitWatch::All() const {
  std::vector<MemoryLimit> all;
  for (std::size_t i = 0; i < limits_.size(); ++i) {
    if (limits_[i] != Bytes::Max()) all.push_back({limits_[i], Describe(i)});
  }
  std::sort(all.begin(), all.end(), [](const MemoryLimit& a, const MemoryLimit& b) {
    return std::tie(a.bytes, a.origin) < std::tie(b.bytes, b.origin);
  });
  return all;
}

std::optional<std::uint64_t> LimitWatch::OomKills() {
  for (const CgroupMemory& group : groups_) {
    if (const auto kills = group.OomKills(buffer_)) return kills;
  }
  return std::nullopt;
}

EffectiveLimit FindEffectiveLimit(const SystemRoot& root, const ResourceLimits& rlimits) {
  LimitWatch watch(root, rlimits);
  static_cast<void>(watch.Read());
  EffectiveLimit limit;
  limit.all = watch.All();
  limit.smallest =
      limit.all.empty() ? MemoryLimit{Bytes::Max(), "no limit was found"} : limit.all.front();
  return limit;
}

Result<MemoryLimit> BudgetFromOption(std::optional<std::string_view> option,
                                     const MemoryLimit& limit, std::string_view name,
                                     double usual) {
  const auto part_of = [&](double fraction) {
    const Bytes bytes = limit.bytes == Bytes::Max() ? limit.bytes : Scale(limit.bytes, fraction);
    return MemoryLimit{bytes, fmt::format("{:.3g} % of {}", fraction * 100, limit.origin)};
  };
  const std::string_view text = option ? Trim(*option) : "";
  if (text.empty()) return part_of(usual);
  const auto failure = [&] {
    return Failure{
        fmt::format("{}={} is no budget; write a part of what there is ({}=0.8, at most 1) or an "
                    "amount ({}=6G)",
                    name, text, name, name)};
  };
  double number = 0;
  const bool percent = text.ends_with('%');
  if (ParseDouble(percent ? text.substr(0, text.size() - 1) : text, &number) &&
      (percent || number <= 1)) {
    const double fraction = percent ? number / 100 : number;
    if (!(fraction > 0 && fraction <= 1)) return failure();
    return part_of(fraction);
  }
  const Result<Bytes> amount = ParseBytes(text);
  if (!amount || *amount == Bytes()) return failure();
  if (*amount <= limit.bytes) return MemoryLimit{*amount, fmt::format("{}={}", name, text)};
  // Meant for another machine, or a mistake: all of it would leave nothing for anybody else.
  MemoryLimit part = part_of(usual);
  part.origin +=
      fmt::format(", since {}={} is more than there is: {}", name, text, ToString(limit.bytes));
  return part;
}

}  // namespace headroom
