// SPDX-License-Identifier: Apache-2.0
#include "headroom/monitor/runtime_reservation.h"

#include "headroom/core/error.h"

#include <gmock/gmock.h>

#include <cstddef>
#include <cstring>
#include <memory>

namespace headroom {
namespace {

using ::testing::HasSubstr;

std::unique_ptr<std::byte[]> Touch(Bytes bytes) {
  auto block = std::make_unique<std::byte[]>(bytes.count());
  std::memset(block.get(), 1, bytes.count());
  return block;
}

TEST(RuntimeReservation, CountsWhatNoRowNames) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's shadow memory is resident, too";
#endif
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::GiB(64), "test", ledger);
  RuntimeReservation runtime(budget);
  const Bytes before = runtime.bytes();
  EXPECT_GT(before, Bytes::MiB(1));
  {
    // Named by a row of its own: the same bytes are not counted twice.
    const Reservation named(budget, MemoryTag::kPlots, Bytes::MiB(64));
    const auto block = Touch(Bytes::MiB(64));
    runtime.Update();
    EXPECT_LT(runtime.bytes(), before + Bytes::MiB(16));
  }
  const auto block = Touch(Bytes::MiB(64));
  runtime.Update();
  EXPECT_GT(runtime.bytes(), before + Bytes::MiB(48));
}

TEST(RuntimeReservation, EndsWhatHoldsMoreThanTheBudget) {
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::GiB(64), "test", ledger);
  RuntimeReservation runtime(budget);
  budget.SetLimit(budget.used() + Bytes::MiB(32), "memory=32M");
  runtime.Update();
  const auto block = Touch(Bytes::MiB(128));
  try {
    runtime.Update();
    FAIL() << "it went on";
  } catch (const BudgetError& error) {
    EXPECT_THAT(error.what(), HasSubstr("runtime"));
    EXPECT_THAT(error.what(), HasSubstr("memory=32M"));
  }
}

}  // namespace
}  // namespace headroom
