// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/error.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/memory_need.h"
#include "headroom/memory/reservation.h"
#include "headroom/memory/tag_scope.h"

#include <gmock/gmock.h>

#include <thread>
#include <vector>

namespace headroom {
namespace {

using ::testing::HasSubstr;

class BudgetTest : public ::testing::Test {
 protected:
  Ledger ledger_;
  Budget budget_{MemoryPlace::kHost, Bytes(100), "a test's limit", ledger_};
};

TEST_F(BudgetTest, ReservationsNeverExceedTheLimit) {
  Reservation a(budget_, MemoryTag::kBatches, Bytes(60));
  EXPECT_TRUE(Reservation::Try(budget_, MemoryTag::kPlots, Bytes(41)).empty());
  EXPECT_THROW(Reservation(budget_, MemoryTag::kPlots, Bytes(41)), BudgetError);
  EXPECT_THROW(a.Resize(Bytes(101)), BudgetError);
  EXPECT_EQ(budget_.used(), Bytes(60));
  a.Resize(Bytes(10));
  EXPECT_FALSE(a.TryResize(Bytes(101)));
  EXPECT_EQ(a.bytes(), Bytes(10)) << "unchanged";
  const Reservation b(budget_, MemoryTag::kPlots, Bytes(90));
  EXPECT_EQ(budget_.available(), Bytes(0));
  EXPECT_EQ(ledger_.Read().row(MemoryTag::kBatches).peak, Bytes(60));
}

TEST_F(BudgetTest, MoveKeepsTheBytesOnce) {
  Reservation a(budget_, MemoryTag::kBatches, Bytes(60));
  Reservation b = std::move(a);
  Reservation c;
  c = std::move(b);
  EXPECT_EQ(c.bytes(), Bytes(60));
  EXPECT_EQ(budget_.used(), Bytes(60));
  c.Reset();
  EXPECT_EQ(budget_.used(), Bytes(0));
}

TEST_F(BudgetTest, TheErrorNamesAskedHeldLimitOriginAndOption) {
  const Reservation a(budget_, MemoryTag::kImageCache, Bytes(60));
  try {
    const Reservation b(budget_, MemoryTag::kPlots, Bytes(50));
    FAIL();
  } catch (const BudgetError& error) {
    EXPECT_THAT(error.what(), HasSubstr("plots asked for 50 B"));
    EXPECT_THAT(error.what(), HasSubstr("image cache 60 B"));
    EXPECT_THAT(error.what(), HasSubstr("limit of 100 B"));
    EXPECT_THAT(error.what(), HasSubstr("a test's limit"));
    EXPECT_THAT(error.what(), HasSubstr("memory="));
  }
}

class FakeHolder : public Reclaimable {
 public:
  FakeHolder(Budget& budget, ReclaimOrder order, Bytes bytes)
      : order_(order), held_(budget, MemoryTag::kImageCache, bytes), budget_(budget) {
    budget_.Register(*this);
  }
  ~FakeHolder() override { budget_.Unregister(*this); }
  [[nodiscard]] std::string_view name() const override { return "fake"; }
  [[nodiscard]] ReclaimOrder order() const override { return order_; }
  Bytes Release(Bytes wanted, ReclaimTime /*time*/) override {
    const Bytes given = std::min(wanted, held_.bytes());
    held_.Resize(held_.bytes() - given);
    return given;
  }
  [[nodiscard]] Bytes held() const { return held_.bytes(); }

 private:
  ReclaimOrder order_;
  Reservation held_;
  Budget& budget_;
};

TEST_F(BudgetTest, HoldersAreAskedInTheOrderOfLeastHarm) {
  FakeHolder pool(budget_, ReclaimOrder::kMosaicPool, Bytes(40));
  FakeHolder cache(budget_, ReclaimOrder::kImageCache, Bytes(40));
  const Reservation a(budget_, MemoryTag::kBatches, Bytes(30));
  EXPECT_EQ(cache.held(), Bytes(30));
  EXPECT_EQ(pool.held(), Bytes(40));
  const Reservation b(budget_, MemoryTag::kBatches, Bytes(50));
  EXPECT_EQ(cache.held(), Bytes(0));
  EXPECT_EQ(pool.held(), Bytes(20));
}

TEST_F(BudgetTest, ConcurrentChargesKeepTheLimit) {
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < 2000; ++i) {
        const Reservation r = Reservation::Try(budget_, MemoryTag::kDecode, Bytes(40));
        EXPECT_LE(budget_.used(), Bytes(100));
      }
    });
  }
  threads.clear();
  EXPECT_EQ(budget_.used(), Bytes(0));
  EXPECT_LE(ledger_.Read().total().peak, Bytes(100));
}

TEST(MemoryNeed, AddsWhatIsHeldTogetherAndTakesTheMaximumOfWhatIsNot) {
  const MemoryNeed train(MemoryTag::kActivations, Bytes(100));
  MemoryNeed validation(MemoryTag::kActivations, Bytes(30), NeedBasis::kMeasured);
  validation.Add(MemoryTag::kValidation, Bytes(5));
  EXPECT_EQ((train + validation).Total(), Bytes(135));
  const MemoryNeed either = MemoryNeed::Max(train, validation);
  EXPECT_EQ(either.Total(), Bytes(105));
  EXPECT_EQ(either.row(MemoryTag::kActivations).basis, NeedBasis::kMeasured);
}

TEST(TagScope, NestsAndRestores) {
  EXPECT_EQ(TagScope::Current(), MemoryTag::kOther);
  const TagScope outer(MemoryTag::kWeights);
  {
    const TagScope inner(MemoryTag::kEma);
    EXPECT_EQ(TagScope::Current(), MemoryTag::kEma);
  }
  EXPECT_EQ(TagScope::Current(), MemoryTag::kWeights);
}

}  // namespace
}  // namespace headroom
