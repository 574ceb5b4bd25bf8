// SPDX-License-Identifier: Apache-2.0
// For the tests of this module: row tensors that notice every access outside their channels, and a
// loop over the instruction sets.
#pragma once

#include "headroom/core/check.h"
#include "headroom/core/rng.h"
#include "headroom/kernels/row_tensor.h"
#include "headroom/kernels/simd_target.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <vector>

namespace headroom::testing {

inline const char* Name(ElementType type) {
  return type == ElementType::kFloat32 ? "fp32" : "bf16";
}

// Bytes whose last one is followed by a page that may not be touched.
class GuardedBytes {
 public:
  explicit GuardedBytes(std::size_t bytes) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    mapped_ = (bytes + page - 1) / page * page + page;
    base_ = static_cast<char*>(
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    HEADROOM_CHECK(base_ != MAP_FAILED, "mmap");
    HEADROOM_CHECK(mprotect(base_ + mapped_ - page, page, PROT_NONE) == 0, "mprotect");
    data_ = base_ + mapped_ - page - bytes;
  }
  ~GuardedBytes() {
    if (base_ != nullptr) munmap(base_, mapped_);
  }
  GuardedBytes(GuardedBytes&& other) noexcept
      : mapped_(other.mapped_), base_(other.base_), data_(other.data_) {
    other.base_ = nullptr;
  }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;
  GuardedBytes& operator=(GuardedBytes&&) = delete;
  [[nodiscard]] char* data() const { return data_; }

 private:
  std::size_t mapped_;
  char* base_;
  char* data_;
};

// At the end of guarded memory: a read or write past it ends the test.
class GuardedFloats {
 public:
  explicit GuardedFloats(const std::vector<float>& values) : bytes_(values.size() * sizeof(float)) {
    std::memcpy(bytes_.data(), values.data(), values.size() * sizeof(float));
  }
  [[nodiscard]] float* data() const { return reinterpret_cast<float*>(bytes_.data()); }

 private:
  GuardedBytes bytes_;
};

// rows x channels at the end of guarded memory. With gaps, the rows are a slice of wider ones,
// whose other elements hold a signalling pattern; ExpectGapsUntouched finds writes to them, and a
// kernel that computed with them would give NaN.
class TestRows {
 public:
  enum class Gaps { kNo, kYes };

  TestRows(std::int64_t rows, std::int64_t channels, ElementType type, Gaps gaps)
      : rows_(rows),
        channels_(channels),
        stride_(gaps == Gaps::kYes ? channels + 5 : channels),
        type_(type),
        bytes_(static_cast<std::size_t>(Elements() * ElementBytes(type))) {
    for (std::int64_t i = 0; i < Elements(); ++i) Write(i, kGap);
  }

  [[nodiscard]] RowTensor view() const { return {bytes_.data(), stride_, type_}; }
  // NOLINTBEGIN(google-explicit-constructor): the same rows
  operator RowTensor() const { return view(); }
  operator ConstRowTensor() const { return view(); }
  // NOLINTEND(google-explicit-constructor)
  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] std::int64_t channels() const { return channels_; }

  [[nodiscard]] double At(std::int64_t row, std::int64_t channel) const {
    const std::int64_t i = row * stride_ + channel;
    if (type_ == ElementType::kFloat32) return static_cast<double>(Read<float>(i));
    return static_cast<double>(ToFloat(Read<BFloat16>(i)));
  }
  void Set(std::int64_t row, std::int64_t channel, double value) {
    Write(row * stride_ + channel, static_cast<float>(value));
  }
  void FillNormal(Rng rng, double mean = 0, double deviation = 1) {
    ForEach([&](std::int64_t r, std::int64_t c) { Set(r, c, mean + deviation * rng.Normal()); });
  }
  void CopyFrom(const TestRows& other) {
    ForEach([&](std::int64_t r, std::int64_t c) { Set(r, c, other.At(r, c)); });
  }
  void ForEach(const std::function<void(std::int64_t, std::int64_t)>& visit) const {
    for (std::int64_t r = 0; r < rows_; ++r) {
      for (std::int64_t c = 0; c < channels_; ++c) visit(r, c);
    }
  }
  void ExpectGapsUntouched() const {
    for (std::int64_t i = 0; i < Elements(); ++i) {
      ASSERT_TRUE(i % stride_ < channels_ || IsGap(i)) << "element " << i;
    }
  }
  // Relative to 1 + |expected|; a bf16 result may also be off by its rounding.
  void ExpectNear(const std::function<double(std::int64_t, std::int64_t)>& expected,
                  double tolerance) const {
    const double rounding = type_ == ElementType::kBFloat16 ? 1.0 / 256 : 0;
    ForEach([&](std::int64_t r, std::int64_t c) {
      const double e = expected(r, c);
      const double bound = tolerance * (1 + std::abs(e)) + rounding * std::abs(e);
      ASSERT_NEAR(At(r, c), e, bound) << "row " << r << " channel " << c << " of " << channels_;
    });
    ExpectGapsUntouched();
  }

 private:
  static constexpr float kGap = -1.5e30f;

  [[nodiscard]] std::int64_t Elements() const {
    return rows_ == 0 ? 0 : (rows_ - 1) * stride_ + channels_;
  }
  template <class T>
  [[nodiscard]] T Read(std::int64_t i) const {
    T value;
    std::memcpy(&value, bytes_.data() + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
    return value;
  }
  void Write(std::int64_t i, float value) {
    if (type_ == ElementType::kFloat32) {
      std::memcpy(bytes_.data() + i * 4, &value, 4);
    } else {
      const BFloat16 half = ToBFloat16(value);
      std::memcpy(bytes_.data() + i * 2, &half, 2);
    }
  }
  [[nodiscard]] bool IsGap(std::int64_t i) const {
    return type_ == ElementType::kFloat32 ? Read<float>(i) == kGap
                                          : Read<BFloat16>(i) == ToBFloat16(kGap);
  }

  std::int64_t rows_;
  std::int64_t channels_;
  std::int64_t stride_;
  ElementType type_;
  GuardedBytes bytes_;
};

// Runs the body once for every instruction set of this processor.
inline void ForEachTarget(const std::function<void()>& body) {
  for (const SimdTarget& target : SimdTargets()) {
    SCOPED_TRACE(target.name);
    UseSimdTarget(target);
    body();
  }
  UseBestSimdTarget();
}

// One way in which a kernel may be called.
struct RowCase {
  std::int64_t rows;
  std::int64_t channels;
  ElementType input;
  ElementType output;
  TestRows::Gaps gaps;
};

// Widths around every vector length, with and without gaps, in all pairs of types; every target.
inline void ForEachRowCase(const std::function<void(const RowCase&)>& body) {
  constexpr auto kFloat = ElementType::kFloat32;
  constexpr auto kHalf = ElementType::kBFloat16;
  ForEachTarget([&] {
    for (const std::int64_t channels : {1, 3, 8, 12, 16, 24, 80, 95, 600}) {
      for (const auto& [input, output] : {std::pair{kFloat, kFloat}, std::pair{kHalf, kHalf},
                                          std::pair{kHalf, kFloat}, std::pair{kFloat, kHalf}}) {
        for (const auto gaps : {TestRows::Gaps::kNo, TestRows::Gaps::kYes}) {
          const std::int64_t rows = channels < 24 ? 203 : 41;
          SCOPED_TRACE(::testing::Message() << channels << " channels, " << Name(input) << " to "
                                            << Name(output) << ", gaps " << static_cast<int>(gaps));
          body({rows, channels, input, output, gaps});
          if (::testing::Test::HasFatalFailure()) return;
        }
      }
    }
  });
}

inline std::vector<float> NormalFloats(Rng rng, std::int64_t count, double mean = 0,
                                       double deviation = 1) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& v : values) v = static_cast<float>(mean + deviation * rng.Normal());
  return values;
}

}  // namespace headroom::testing
