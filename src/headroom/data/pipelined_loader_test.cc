// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/pipelined_loader.h"

#include "headroom/core/error.h"
#include "headroom/data/simple_loader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>

namespace headroom {
namespace {

// What a test may hold up or break.
struct Script {
  std::int64_t size = 100;
  std::atomic<std::int64_t> fail_make{-1};    // Position that throws in Make,
  std::atomic<std::int64_t> fail_before{-1};  // and in BeforeMake.
  std::atomic<std::int64_t> made{0};
  std::atomic<int> scratches{0};
  std::atomic<bool> mosaic_closed{false};

  // Makers wait here while it is shut.
  void WaitAtGate() {
    std::unique_lock lock(mutex);
    ++waiting;
    changed.notify_all();
    changed.wait(lock, [this] { return open; });
    --waiting;
  }
  void Shut() { Set(false); }
  void Open() { Set(true); }
  void WaitForMakers(int count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return waiting >= count; });
  }

 private:
  void Set(bool value) {
    std::lock_guard lock(mutex);
    open = value;
    changed.notify_all();
  }
  std::mutex mutex;
  std::condition_variable changed;
  bool open = true;
  int waiting = 0;
};

// Samples whose pixels say which (epoch, position) they are.
class ScriptedSource : public SampleSource {
 public:
  explicit ScriptedSource(Script& script) : script_(script) {}
  [[nodiscard]] std::int64_t size() const override { return script_.size; }
  [[nodiscard]] Bytes max_sample_bytes() const override { return ImageSize{4, 4}.PixelBytes(); }
  [[nodiscard]] Bytes worker_bytes() const override { return Bytes(1000); }
  [[nodiscard]] std::string ExplainWorker() const override { return ". It is a.png"; }
  [[nodiscard]] std::unique_ptr<Scratch> MakeScratch() override {
    ++script_.scratches;
    return std::make_unique<Scratch>();
  }
  void StartEpoch(int epoch, std::int64_t first_position) override {
    epoch_ = epoch;
    expected_ = first_position;
  }
  void CloseMosaic() override { script_.mosaic_closed = true; }
  void BeforeMake(std::int64_t position) override {
    EXPECT_EQ(position, expected_++);
    if (position == script_.fail_before) throw DataError("before");
  }
  void Make(std::int64_t position, Scratch& /*scratch*/, SampleSlot* slot) override {
    script_.WaitAtGate();
    if (position == script_.fail_make) throw DataError("make");
    const MutableImageView out = slot->Shape({4, 4});
    std::fill_n(out.data, 48, Value(epoch_, position));
    slot->labels.assign(static_cast<std::size_t>(position % 5), LabelBox{});
    slot->sample.labels = slot->labels;
    slot->sample.image_index = static_cast<std::uint32_t>(position);
    ++script_.made;
  }
  static std::uint8_t Value(int epoch, std::int64_t position) {
    return static_cast<std::uint8_t>(epoch * 31 + position);
  }

 private:
  Script& script_;
  int epoch_ = 0;
  std::int64_t expected_ = 0;
};

PipelinedLoader MakeLoader(Script& script, int workers, int in_flight = 4, int prefetch = 4) {
  return {std::make_unique<ScriptedSource>(script),
          {.workers = workers, .max_in_flight = in_flight, .prefetch = prefetch},
          nullptr};
}

void ExpectSample(const Sample& sample, int epoch, std::int64_t position) {
  EXPECT_EQ(sample.image_index, position);
  EXPECT_EQ(sample.pixels.size(), 48U);
  EXPECT_EQ(sample.pixels[47], ScriptedSource::Value(epoch, position));
  EXPECT_EQ(sample.labels.size(), static_cast<std::size_t>(position % 5));
}

TEST(PipelinedLoader, DeliversEveryPositionInOrder) {
  for (const int workers : {0, 1, 2, 12}) {
    Script script;
    PipelinedLoader loader = MakeLoader(script, workers);
    for (int epoch = 0; epoch < 3; ++epoch) {
      loader.StartEpoch(epoch, 0);
      for (std::int64_t p = 0; p < 100; ++p) {
        ExpectSample(loader.Get(p), epoch, p);
        loader.Acknowledge(p + 1);
      }
    }
    EXPECT_EQ(script.made, 300);
  }
}

TEST(PipelinedLoader, WhatIsNotAcknowledgedCanBeReadAgain) {
  Script script;
  PipelinedLoader loader = MakeLoader(script, 3);
  loader.StartEpoch(0, 0);
  for (std::int64_t first = 0; first < 100; first += 4) {
    for (int round = 0; round < 3; ++round) {
      for (std::int64_t p = first; p < first + 4; ++p) ExpectSample(loader.Get(p), 0, p);
    }
    loader.Acknowledge(first + 4);
  }
  EXPECT_EQ(script.made, 100);
}

TEST(PipelinedLoader, NeverRunsAheadOfItsRing) {
  Script script;
  PipelinedLoader loader = MakeLoader(script, 4, 4, 3);
  loader.StartEpoch(0, 0);
  for (std::int64_t p = 0; p < 4; ++p) (void)loader.Get(p);
  for (int i = 0; i < 100 && script.made < 7; ++i) std::this_thread::yield();
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  EXPECT_LE(script.made, 7);
}

TEST(PipelinedLoader, AFullRingDoesNotStopTheDestructor) {
  Script script;
  PipelinedLoader loader = MakeLoader(script, 4, 4, 3);
  loader.StartEpoch(0, 0);
  while (script.made < 7) std::this_thread::yield();
}

TEST(PipelinedLoader, StopsWhileEveryWorkerIsInTheMiddleOfASample) {
  Script script;
  script.Shut();
  std::jthread opener;
  {
    PipelinedLoader loader = MakeLoader(script, 3, 4, 4);
    loader.StartEpoch(0, 0);
    script.WaitForMakers(3);
    opener = std::jthread([&] { script.Open(); });
  }
  EXPECT_LE(script.made, 8);
}

TEST(PipelinedLoader, StopsBeforeAnEpochAndAfterOne) {
  Script script;
  {
    PipelinedLoader loader = MakeLoader(script, 3);
  }
  PipelinedLoader loader = MakeLoader(script, 3);
  loader.StartEpoch(0, 96);
  for (std::int64_t p = 96; p < 100; ++p) ExpectSample(loader.Get(p), 0, p);
  loader.Acknowledge(100);
}

TEST(PipelinedLoader, ARestartDropsWhatWasInFlight) {
  Script script;
  PipelinedLoader loader = MakeLoader(script, 3);
  loader.StartEpoch(0, 0);
  ExpectSample(loader.Get(2), 0, 2);
  loader.StartEpoch(1, 50);
  ExpectSample(loader.Get(50), 1, 50);
  loader.StartEpoch(1, 7);
  ExpectSample(loader.Get(7), 1, 7);
}

TEST(PipelinedLoader, AFailureComesWithItsPosition) {
  for (const bool early : {false, true}) {
    for (const int workers : {0, 1, 4}) {
      Script script;
      (early ? script.fail_before : script.fail_make) = 20;
      PipelinedLoader loader = MakeLoader(script, workers);
      loader.StartEpoch(0, 0);
      for (std::int64_t p = 0; p < 20; ++p) {
        ExpectSample(loader.Get(p), 0, p);
        loader.Acknowledge(p + 1);
      }
      EXPECT_THROW((void)loader.Get(20), DataError);
      EXPECT_THROW((void)loader.Get(20), DataError);  // Again, for whoever asks again.
      script.fail_before = -1;
      script.fail_make = -1;
      loader.StartEpoch(1, 0);
      ExpectSample(loader.Get(0), 1, 0);
    }
  }
}

TEST(PipelinedLoader, WorkersChangeWhileItRuns) {
  Script script;
  script.size = 1000;
  PipelinedLoader loader = MakeLoader(script, 1, 4, 20);
  loader.StartEpoch(0, 0);
  for (std::int64_t p = 0; p < 1000; ++p) {
    const int wanted = static_cast<int>(p / 50 % 6);
    if (p % 50 == 0) {
      ASSERT_EQ(loader.SetWorkers(wanted), wanted);
    }
    ExpectSample(loader.Get(p), 0, p);
    loader.Acknowledge(p + 1);
  }
  EXPECT_EQ(script.made, 1000);
}

TEST(PipelinedLoader, ReservesItsRingAndItsWorkers) {
  Script script;
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::MiB(1), "test", ledger);
  const LoaderOptions options{.workers = 3, .max_in_flight = 4, .prefetch = 4};
  {
    PipelinedLoader loader(std::make_unique<ScriptedSource>(script), options, &budget);
    EXPECT_EQ(budget.used(), EstimateMemory(options, Bytes(48), Bytes(1000)).Total());
    loader.SetWorkers(1);
    EXPECT_EQ(budget.used(), EstimateMemory({.workers = 1, .max_in_flight = 4, .prefetch = 4},
                                            Bytes(48), Bytes(1000))
                                 .Total());
  }
  EXPECT_EQ(budget.used(), Bytes());
}

TEST(PipelinedLoader, ReservesWhatTheConsumerDecodesWith) {
  Script script;
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes::MiB(1), "test", ledger);
  const LoaderOptions options{.workers = 0, .max_in_flight = 4, .prefetch = 4};
  const Bytes all = EstimateMemory(options, Bytes(48), Bytes(1000)).Total();
  PipelinedLoader loader(std::make_unique<ScriptedSource>(script), options, &budget);
  EXPECT_EQ(budget.used(), all);
  loader.StartEpoch(0, 0);
  ExpectSample(loader.Get(0), 0, 0);
  EXPECT_EQ(budget.used(), all);
  loader.SetWorkers(1);  // In its place.
  EXPECT_EQ(budget.used(), all);
}

TEST(PipelinedLoader, AFailedPositionIsMadeAgainWithTheWorkersScratch) {
  for (const int workers : {1, 4}) {
    Script script;
    Ledger ledger;
    Budget budget(MemoryPlace::kHost, Bytes::MiB(1), "test", ledger);
    PipelinedLoader loader(std::make_unique<ScriptedSource>(script),
                           {.workers = workers, .max_in_flight = 4, .prefetch = 4}, &budget);
    const Bytes held = budget.used();
    script.fail_make = 3;
    loader.StartEpoch(0, 0);
    EXPECT_THROW((void)loader.Get(3), DataError);
    script.fail_make = -1;
    ExpectSample(loader.Get(3), 0, 3);
    EXPECT_EQ(script.scratches, workers);
    EXPECT_EQ(budget.used(), held);
  }
}

TEST(PipelinedLoader, SaysWhatAsksForMoreThanThereIs) {
  Script script;
  Ledger ledger;
  Budget small(MemoryPlace::kHost, Bytes(8 * 4096), "test", ledger);
  for (const int workers : {0, 5}) {
    try {
      PipelinedLoader(std::make_unique<ScriptedSource>(script),
                      {.workers = workers, .max_in_flight = 4, .prefetch = 4}, &small);
      FAIL() << "it fits";
    } catch (const BudgetError& error) {
      EXPECT_TRUE(std::string(error.what()).ends_with(". It is a.png")) << error.what();
    }
  }
}

TEST(PipelinedLoader, StartsFewerWorkersWhenTheBudgetHasNoRoom) {
  Script script;
  Ledger ledger;
  Budget budget(MemoryPlace::kHost, Bytes(8 * 4096 + 2500), "test", ledger);
  PipelinedLoader loader(std::make_unique<ScriptedSource>(script),
                         {.workers = 5, .max_in_flight = 4, .prefetch = 4}, &budget);
  EXPECT_EQ(loader.workers(), 2);
  Budget small(MemoryPlace::kHost, Bytes(8 * 4096), "test", ledger);
  EXPECT_THROW(PipelinedLoader(std::make_unique<ScriptedSource>(script),
                               {.workers = 5, .max_in_flight = 4, .prefetch = 4}, &small),
               BudgetError);
}

TEST(PipelinedLoader, CountsWhatTheConsumerWaitedFor) {
  Script script;
  script.Shut();
  PipelinedLoader loader = MakeLoader(script, 1);
  loader.StartEpoch(0, 0);
  script.WaitForMakers(1);
  std::jthread opener([&] { script.Open(); });
  (void)loader.Get(0);
  EXPECT_EQ(loader.statistics().delivered, 1);
  EXPECT_LE(loader.statistics().waits, 1);
}

TEST(PipelinedLoader, MosaicClosesWithTheNextEpoch) {
  Script script;
  PipelinedLoader loader = MakeLoader(script, 2);
  loader.StartEpoch(0, 0);
  loader.CloseMosaic();
  EXPECT_FALSE(script.mosaic_closed);
  loader.StartEpoch(1, 0);
  EXPECT_TRUE(script.mosaic_closed);
}

TEST(PipelinedLoader, AWrongPositionIsABugOfTheCaller) {
  Script script;
  PipelinedLoader loader = MakeLoader(script, 1);
  EXPECT_THROW((void)loader.Get(0), InternalError);  // No epoch yet.
  loader.StartEpoch(0, 10);
  EXPECT_THROW((void)loader.Get(9), InternalError);
  EXPECT_THROW((void)loader.Get(14), InternalError);
}

TEST(SimpleLoader, MakesAPositionOnceUntilItIsAcknowledged) {
  Script script;
  SimpleLoader loader(std::make_unique<ScriptedSource>(script), 4);
  loader.StartEpoch(0, 0);
  ExpectSample(loader.Get(0), 0, 0);
  ExpectSample(loader.Get(0), 0, 0);
  EXPECT_EQ(script.made, 1);
  loader.Acknowledge(1);
  ExpectSample(loader.Get(1), 0, 1);
  EXPECT_THROW((void)loader.Get(0), InternalError);
}

}  // namespace
}  // namespace headroom
