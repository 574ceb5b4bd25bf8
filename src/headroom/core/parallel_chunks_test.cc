// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/parallel_chunks.h"

#include "headroom/core/error.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace headroom {
namespace {

TEST(ParallelChunks, DoesEveryItemOnceAndReportsTheEnd) {
  std::vector<std::atomic<int>> visits(1003);
  std::size_t reported = 0;
  const ParallelChunksOptions options{.count = visits.size(),
                                      .chunk_size = 10,
                                      .threads = 4,
                                      .stop = {},
                                      .on_progress = [&](std::size_t done) { reported = done; }};
  ParallelChunks(options, [&](int worker, std::size_t begin, std::size_t end) {
    EXPECT_LT(worker, 4);
    for (std::size_t i = begin; i < end; ++i) ++visits[i];
  });
  for (const auto& count : visits) EXPECT_EQ(count, 1);
  EXPECT_EQ(reported, visits.size());
}

TEST(ParallelChunks, RethrowsWhatAWorkerThrew) {
  const ParallelChunksOptions options{
      .count = 100, .chunk_size = 1, .threads = 3, .stop = {}, .on_progress = {}};
  EXPECT_THROW(ParallelChunks(options,
                              [](int, std::size_t begin, std::size_t) {
                                if (begin == 20) throw std::runtime_error("item 20");
                              }),
               std::runtime_error);
}

TEST(ParallelChunks, StopsBetweenChunks) {
  std::stop_source source;
  std::atomic<int> done{0};
  const ParallelChunksOptions options{
      .count = 1000, .chunk_size = 1, .threads = 2, .stop = source.get_token(), .on_progress = {}};
  try {
    ParallelChunks(options, [&](int, std::size_t, std::size_t) {
      if (++done == 5) source.request_stop();
    });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kInterrupted);
  }
  EXPECT_LT(done, 1000);
}

TEST(ParallelChunks, WhereNoThreadStartsThisOneWorks) {
  const pid_t child = ::fork();
  if (child == 0) {
    // No room for a stack, and none of those that earlier threads have left is large enough.
    pthread_attr_t large;
    if (::pthread_attr_init(&large) != 0 || ::pthread_attr_setstacksize(&large, 1U << 28) != 0 ||
        ::pthread_setattr_default_np(&large) != 0)
      ::_exit(2);
    const rlimit none{1 << 20, 1 << 20};
    if (::setrlimit(RLIMIT_AS, &none) != 0) ::_exit(2);
    std::atomic<int> done{0};
    ParallelChunks({.count = 100, .chunk_size = 1, .threads = 4, .stop = {}, .on_progress = {}},
                   [&](int worker, std::size_t, std::size_t) { done += worker == 0 ? 1 : 1000; });
    ::_exit(done == 100 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(ParallelChunks, NothingToDoStartsNoThread) {
  const ParallelChunksOptions options{
      .count = 0, .chunk_size = 8, .threads = 4, .stop = {}, .on_progress = {}};
  EXPECT_EQ(ThreadsFor(options), 0);
  ParallelChunks(options, [](int, std::size_t, std::size_t) { FAIL(); });
}

}  // namespace
}  // namespace headroom
