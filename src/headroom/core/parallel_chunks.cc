// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/parallel_chunks.h"

#include "headroom/core/error.h"
#include "headroom/core/mutex.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace headroom {
namespace {

int UsableCores() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(CPU_COUNT(&set), 1);
  return static_cast<int>(std::max(std::thread::hardware_concurrency(), 1U));
}

std::size_t ChunkCount(const ParallelChunksOptions& options) {
  const std::size_t size = std::max<std::size_t>(options.chunk_size, 1);
  return (options.count + size - 1) / size;
}

using Work = std::function<void(int, std::size_t, std::size_t)>;

// One call's state, shared by its threads.
class Loop {
 public:
  Loop(const ParallelChunksOptions& options, const Work& work)
      : options_(options), work_(work), chunk_size_(std::max<std::size_t>(options.chunk_size, 1)) {}

  void Run(int thread_count) {
    {
      MutexLock lock(mutex_);
      running_ = thread_count;
    }
    std::vector<std::jthread> threads;
    try {
      for (int i = 0; i < thread_count; ++i) threads.emplace_back([this, i] { RunWorker(i); });
    } catch (const std::system_error&) {
      // The system starts no more of them: fewer do the work, at worst this one.
      const int started = static_cast<int>(threads.size());
      AddRunning(started + 1 - thread_count);
      RunWorker(started);
    }
    while (WaitAWhile()) ReportProgress();
    threads.clear();
    MutexLock lock(mutex_);
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void RunWorker(int worker) {
    try {
      while (!failed_.load() && !options_.stop.stop_requested()) {
        const std::size_t begin = next_.fetch_add(chunk_size_);
        if (begin >= options_.count) break;
        const std::size_t end = std::min(begin + chunk_size_, options_.count);
        work_(worker, begin, end);
        done_.fetch_add(end - begin);
      }
    } catch (...) {
      Fail(std::current_exception());
    }
    AddRunning(-1);
  }

  void AddRunning(int workers) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    running_ += workers;
    changed_.notify_all();
  }

  // False when no worker is left.
  bool WaitAWhile() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (running_ > 0) changed_.wait_for(mutex_, std::chrono::milliseconds(100));
    return running_ > 0;
  }

  void ReportProgress() {
    if (!options_.on_progress || failed_.load()) return;
    try {
      options_.on_progress(done_.load());
    } catch (...) {
      Fail(std::current_exception());
    }
  }

  void Fail(std::exception_ptr error) EXCLUDES(mutex_) {
    failed_.store(true);
    MutexLock lock(mutex_);
    if (!error_) error_ = std::move(error);
  }

  const ParallelChunksOptions& options_;
  const Work& work_;
  const std::size_t chunk_size_;
  std::atomic<std::size_t> next_{0};
  std::atomic<std::size_t> done_{0};
  std::atomic<bool> failed_{false};
  Mutex mutex_;
  CondVar changed_;
  int running_ GUARDED_BY(mutex_) = 0;
  std::exception_ptr error_ GUARDED_BY(mutex_);
};

}  // namespace

int ThreadsFor(const ParallelChunksOptions& options) {
  const int wanted = options.threads > 0 ? options.threads : UsableCores();
  return static_cast<int>(
      std::min<std::size_t>(static_cast<std::size_t>(wanted), ChunkCount(options)));
}

void ParallelChunks(const ParallelChunksOptions& options, const Work& work) {
  Loop(options, work).Run(ThreadsFor(options));
  if (options.stop.stop_requested()) throw Error(ExitCode::kInterrupted, "interrupted");
  if (options.on_progress) options.on_progress(options.count);
}

}  // namespace headroom
