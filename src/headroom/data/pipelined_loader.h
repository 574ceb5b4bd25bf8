// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/mutex.h"
#include "headroom/data/loader.h"
#include "headroom/data/page_slots.h"
#include "headroom/data/sample_source.h"
#include "headroom/memory/budget.h"
#include "headroom/memory/memory_need.h"
#include "headroom/memory/reservation.h"

#include <cstdint>
#include <exception>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>

namespace headroom {

struct LoaderOptions {
  int workers = 8;         // Threads that decode and augment; 0: the calling thread does.
  int max_in_flight = 16;  // Images that the consumer may hold: the largest micro-batch at least.
  int prefetch = 0;        // Images made ahead of those; 0: PrefetchFor(workers).

  [[nodiscard]] int ring_images() const;
};

// Enough that a worker's slow image does not stop the others: 4 a worker, 16 at least.
[[nodiscard]] int PrefetchFor(int workers);

struct LoaderStatistics {
  std::int64_t delivered = 0;        // Images that Get returned, replays included.
  std::int64_t waits = 0;            // How often the consumer had to wait,
  double consumer_wait_s = 0;        // and how long.
  std::int64_t ring_full_waits = 0;  // How often a worker had to wait for the consumer.
};

// Worker threads fill a ring of reusable slots in order of positions; the consumer takes them in
// order and gives them back by acknowledging. Nothing is allocated per sample once every buffer has
// met its largest image. Workers block when the ring is full. A failure is rethrown by Get of the
// position that failed (asked for once more, that position is made again), so what was delivered
// before does not depend on timing. Stopping takes at most the time of one sample.
class PipelinedLoader : public Loader {
 public:
  // Reserves the ring (kBatches) and every worker's scratch (kDecode). Throws BudgetError when they
  // do not fit. The budget may be null and must outlive it.
  PipelinedLoader(std::unique_ptr<SampleSource> source, const LoaderOptions& options,
                  Budget* budget);
  ~PipelinedLoader() override;

  [[nodiscard]] std::int64_t size() const override { return source_->size(); }
  void StartEpoch(int epoch, std::int64_t first_position) override EXCLUDES(mutex_);
  const Sample& Get(std::int64_t position) override EXCLUDES(mutex_);
  void Acknowledge(std::int64_t position) override EXCLUDES(mutex_);
  [[nodiscard]] int max_in_flight() const override { return options_.max_in_flight; }
  void CloseMosaic() override EXCLUDES(mutex_);

  // Another number of workers from now on, from the consumer's thread. Returns what it became: less
  // than asked when the budget has no room for another scratch.
  int SetWorkers(int workers) EXCLUDES(mutex_);
  [[nodiscard]] int workers() const { return static_cast<int>(workers_.size()); }
  [[nodiscard]] LoaderStatistics statistics() const EXCLUDES(mutex_);
  [[nodiscard]] SampleSource& source() { return *source_; }

 private:
  enum class State : std::uint8_t { kEmpty, kMaking, kReady, kFailed };
  struct Place {
    State state = State::kEmpty;
    std::exception_ptr failure;
    bool prepared = false;  // BeforeMake has succeeded.
    bool reported = false;  // Get has thrown it: asked for again, it is made again.
    SampleSlot slot;
  };
  struct Worker {
    Reservation reservation;
    std::unique_ptr<SampleSource::Scratch> scratch;
    std::jthread thread;  // Last: joined before its scratch goes.
  };

  void Work(const std::stop_token& stop, SampleSource::Scratch& scratch) EXCLUDES(mutex_);
  [[nodiscard]] bool MayStart() const REQUIRES(mutex_);
  // Claims the next position and makes it.
  void MakeNext(SampleSource::Scratch& scratch) REQUIRES(mutex_);
  // Makes a position, unlocked meanwhile; with a failure it only notes that.
  void Make(std::int64_t position, std::exception_ptr failure, SampleSource::Scratch& scratch)
      REQUIRES(mutex_);
  void MakeAgain(std::int64_t position, Place& place) REQUIRES(mutex_);
  void Pause() REQUIRES(mutex_);
  [[nodiscard]] Place& PlaceOf(std::int64_t position);
  // The consumer's, where there are no workers. Reserved like theirs; throws BudgetError.
  [[nodiscard]] SampleSource::Scratch& OwnScratch();

  const LoaderOptions options_;
  std::unique_ptr<SampleSource> source_;
  Budget* const budget_;
  Reservation ring_reservation_;
  PageSlots pixels_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<Place> ring_;  // States guarded by mutex_; a slot belongs to whoever its state says.
  bool running_ GUARDED_BY(mutex_) = false;
  bool close_mosaic_ GUARDED_BY(mutex_) = false;
  std::int64_t next_ GUARDED_BY(mutex_) = 0;
  std::int64_t acknowledged_ GUARDED_BY(mutex_) = 0;
  std::int64_t again_ GUARDED_BY(mutex_) = -1;  // A failed position that a worker is to make again.
  int making_ GUARDED_BY(mutex_) = 0;
  LoaderStatistics statistics_ GUARDED_BY(mutex_);
  Reservation own_reservation_;
  std::unique_ptr<SampleSource::Scratch> own_scratch_;  // With no workers.
  std::vector<std::unique_ptr<Worker>> workers_;        // The consumer's thread only. Dies first.
};

// Host bytes of the loader: ring, and `worker_bytes` (SampleSource::worker_bytes) for each worker.
[[nodiscard]] MemoryNeed EstimateMemory(const LoaderOptions& options, Bytes sample_bytes,
                                        Bytes worker_bytes);

}  // namespace headroom
