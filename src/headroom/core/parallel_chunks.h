// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>

namespace headroom {

struct ParallelChunksOptions {
  std::size_t count = 0;       // Items 0 .. count - 1,
  std::size_t chunk_size = 1;  // taken this many at a time.
  int threads = 0;             // 0: one a core that this process may use.
  std::stop_token stop;
  // Called from the calling thread about ten times a second with the items done, and at the end.
  std::function<void(std::size_t done)> on_progress;
};

// Runs work(worker, begin, end) for every chunk, each once, on threads that live only for this
// call; worker is in [0, threads used). Blocks until all are done. What a worker or the progress
// callback throws is rethrown here, after all threads have ended; a requested stop throws
// Error(kInterrupted).
void ParallelChunks(
    const ParallelChunksOptions& options,
    const std::function<void(int worker, std::size_t begin, std::size_t end)>& work);

// How many threads ParallelChunks takes: never more than there are chunks.
[[nodiscard]] int ThreadsFor(const ParallelChunksOptions& options);

}  // namespace headroom
