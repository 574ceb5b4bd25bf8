// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>

// Clang's -Wthread-safety needs annotated locks; libstdc++'s are not.
#if defined(__clang__)
#define HEADROOM_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define HEADROOM_THREAD_ATTRIBUTE(x)
#endif
#define GUARDED_BY(mutex) HEADROOM_THREAD_ATTRIBUTE(guarded_by(mutex))
#define REQUIRES(mutex) HEADROOM_THREAD_ATTRIBUTE(requires_capability(mutex))
#define EXCLUDES(mutex) HEADROOM_THREAD_ATTRIBUTE(locks_excluded(mutex))

namespace headroom {

class HEADROOM_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() HEADROOM_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() HEADROOM_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class HEADROOM_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) HEADROOM_THREAD_ATTRIBUTE(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() HEADROOM_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits on a Mutex that the caller holds through a MutexLock.
using CondVar = std::condition_variable_any;

}  // namespace headroom
