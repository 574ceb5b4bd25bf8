// SPDX-License-Identifier: Apache-2.0
#include "headroom/data/pipelined_loader.h"

#include "headroom/core/check.h"
#include "headroom/core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

namespace headroom {

int PrefetchFor(int workers) { return std::max(16, 4 * workers); }

int LoaderOptions::ring_images() const {
  return max_in_flight + (prefetch > 0 ? prefetch : PrefetchFor(workers));
}

PipelinedLoader::PipelinedLoader(std::unique_ptr<SampleSource> source, const LoaderOptions& options,
                                 Budget* budget)
    : options_(options),
      source_(std::move(source)),
      budget_(budget),
      ring_reservation_(
          budget == nullptr
              ? Reservation()
              : Reservation(*budget, MemoryTag::kBatches,
                            EstimateMemory(options, source_->max_sample_bytes(), Bytes())
                                .row(MemoryTag::kBatches)
                                .bytes)),
      pixels_(static_cast<std::size_t>(options.ring_images()), source_->max_sample_bytes()),
      ring_(pixels_.count()) {
  HEADROOM_CHECK(options.workers >= 0 && options.max_in_flight > 0, "loader options");
  const std::size_t bytes = source_->max_sample_bytes().count();
  for (std::size_t i = 0; i < ring_.size(); ++i) ring_[i].slot.pixels = {pixels_.Slot(i), bytes};
  if (options.workers == 0) (void)OwnScratch();
  const int least = std::min(options.workers, 1);
  // Asked twice: a refusal may be over.
  if (SetWorkers(options.workers) < least && SetWorkers(options.workers) < least) {
    throw BudgetError(budget_->Explain(MemoryTag::kDecode, source_->worker_bytes()) +
                      source_->ExplainWorker());
  }
}

PipelinedLoader::~PipelinedLoader() {
  {
    MutexLock lock(mutex_);
    running_ = false;
  }
  SetWorkers(0);
}

SampleSource::Scratch& PipelinedLoader::OwnScratch() {
  if (!own_scratch_) {
    if (budget_ != nullptr) {
      own_reservation_ = Reservation::Try(*budget_, MemoryTag::kDecode, source_->worker_bytes());
      if (own_reservation_.empty()) {
        throw BudgetError(budget_->Explain(MemoryTag::kDecode, source_->worker_bytes()) +
                          source_->ExplainWorker());
      }
    }
    own_scratch_ = source_->MakeScratch();
  }
  return *own_scratch_;
}

PipelinedLoader::Place& PipelinedLoader::PlaceOf(std::int64_t position) {
  return ring_[static_cast<std::size_t>(position) % ring_.size()];
}

int PipelinedLoader::SetWorkers(int workers) {
  const auto wanted = static_cast<std::size_t>(std::max(workers, 0));
  for (std::size_t i = wanted; i < workers_.size(); ++i) workers_[i]->thread.request_stop();
  if (workers_.size() > wanted) workers_.resize(wanted);  // Joins.
  if (wanted > 0) {
    own_scratch_.reset();
    own_reservation_.Reset();
  }
  while (workers_.size() < wanted) {
    auto worker = std::make_unique<Worker>();
    if (budget_ != nullptr) {
      worker->reservation = Reservation::Try(*budget_, MemoryTag::kDecode, source_->worker_bytes());
      if (worker->reservation.empty()) break;
    }
    worker->scratch = source_->MakeScratch();
    try {
      worker->thread = std::jthread([this, &scratch = *worker->scratch](
                                        const std::stop_token& stop) { Work(stop, scratch); });
    } catch (const std::system_error&) {
      // The system starts no more threads: those that there are do the work.
      if (workers_.empty()) throw;
      break;
    }
    workers_.push_back(std::move(worker));
  }
  return this->workers();
}

bool PipelinedLoader::MayStart() const {
  if (again_ >= 0) return true;
  return running_ && next_ < source_->size() &&
         next_ < acknowledged_ + static_cast<std::int64_t>(ring_.size());
}

void PipelinedLoader::Work(const std::stop_token& stop, SampleSource::Scratch& scratch) {
  MutexLock lock(mutex_);
  while (true) {
    if (running_ && next_ < source_->size() && !MayStart()) ++statistics_.ring_full_waits;
    changed_.wait(mutex_, stop, [this] { return MayStart(); });
    if (stop.stop_requested()) return;
    if (again_ >= 0) {
      Make(std::exchange(again_, -1), nullptr, scratch);
    } else {
      MakeNext(scratch);
    }
  }
}

void PipelinedLoader::MakeNext(SampleSource::Scratch& scratch) {
  const std::int64_t position = next_++;
  Place& place = PlaceOf(position);
  std::exception_ptr failure;
  try {
    place.prepared = false;
    source_->BeforeMake(position);
    place.prepared = true;
  } catch (...) {
    failure = std::current_exception();
  }
  place.reported = false;
  Make(position, failure, scratch);
}

void PipelinedLoader::Make(std::int64_t position, std::exception_ptr failure,
                           SampleSource::Scratch& scratch) {
  Place& place = PlaceOf(position);
  place.state = State::kMaking;
  ++making_;
  mutex_.unlock();
  try {
    if (!failure) source_->Make(position, scratch, &place.slot);
  } catch (...) {
    failure = std::current_exception();
  }
  mutex_.lock();
  place.failure = failure;
  place.state = failure ? State::kFailed : State::kReady;
  --making_;
  changed_.notify_all();
}

// A failure for lack of memory may be over. By a worker, whose scratch is there already.
void PipelinedLoader::MakeAgain(std::int64_t position, Place& place) {
  if (workers_.empty()) return Make(position, nullptr, OwnScratch());
  place.state = State::kMaking;
  again_ = position;
  changed_.notify_all();
  while (place.state == State::kMaking) changed_.wait(mutex_);
}

void PipelinedLoader::Pause() {
  running_ = false;
  while (making_ > 0) changed_.wait(mutex_);
}

void PipelinedLoader::StartEpoch(int epoch, std::int64_t first_position) {
  MutexLock lock(mutex_);
  Pause();
  for (Place& place : ring_) {
    place.state = State::kEmpty;
    place.failure = nullptr;
  }
  if (std::exchange(close_mosaic_, false)) source_->CloseMosaic();
  source_->StartEpoch(epoch, first_position);
  next_ = first_position;
  acknowledged_ = first_position;
  running_ = true;
  changed_.notify_all();
}

const Sample& PipelinedLoader::Get(std::int64_t position) {
  MutexLock lock(mutex_);
  HEADROOM_CHECK(running_ && position >= acknowledged_ &&
                     position < acknowledged_ + options_.max_in_flight &&
                     position < source_->size(),
                 fmt::format("position {} while {} is acknowledged", position, acknowledged_));
  Place& place = PlaceOf(position);
  const auto done = [&] {
    return position < next_ && (place.state == State::kReady || place.state == State::kFailed);
  };
  if (!done() && workers_.empty()) {
    SampleSource::Scratch& scratch = OwnScratch();
    while (!done()) MakeNext(scratch);
  }
  if (!done()) {
    const auto start = std::chrono::steady_clock::now();
    while (!done()) changed_.wait(mutex_);
    ++statistics_.waits;
    statistics_.consumer_wait_s +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  if (place.failure) {
    // BeforeMake is called once a position, whatever comes of it.
    if (!std::exchange(place.reported, true) || !place.prepared)
      std::rethrow_exception(place.failure);
    MakeAgain(position, place);
    if (place.failure) std::rethrow_exception(place.failure);
  }
  ++statistics_.delivered;
  return place.slot.sample;
}

void PipelinedLoader::Acknowledge(std::int64_t position) {
  MutexLock lock(mutex_);
  HEADROOM_CHECK(position >= acknowledged_ && position <= next_,
                 fmt::format("position {} is acknowledged after {}", position, acknowledged_));
  for (std::int64_t p = acknowledged_; p < position; ++p) PlaceOf(p).state = State::kEmpty;
  acknowledged_ = position;
  changed_.notify_all();
}

void PipelinedLoader::CloseMosaic() {
  MutexLock lock(mutex_);
  close_mosaic_ = true;
}

LoaderStatistics PipelinedLoader::statistics() const {
  MutexLock lock(mutex_);
  return statistics_;
}

MemoryNeed EstimateMemory(const LoaderOptions& options, Bytes sample_bytes, Bytes worker_bytes) {
  MemoryNeed need(MemoryTag::kBatches, static_cast<std::uint64_t>(options.ring_images()) *
                                           PageSlots::PageBytes(sample_bytes));
  return need.Add(MemoryTag::kDecode,
                  static_cast<std::uint64_t>(std::max(options.workers, 1)) * worker_bytes,
                  NeedBasis::kMeasured);
}

}  // namespace headroom
