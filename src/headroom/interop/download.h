// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/file.h"
#include "headroom/core/result.h"

#include <cstdint>
#include <string>

namespace headroom {

struct DownloadOptions {
  int connect_timeout_s = 10;
  // Below 1 kB/s for so long, the transfer is given up.
  int stall_timeout_s = 30;
  std::uint64_t largest = std::uint64_t{2} << 30;
};

// Fetches an address (https, http; file is for tests) into an open file as the bytes come,
// following redirects to https and http only. Fails when the server does not answer with success,
// the transfer stalls or is shorter than announced, or more than `largest` bytes come; the reason
// is libcurl's. What was written so far is then worthless. Throws WriteError when the file cannot
// take it. Not to be called from several threads at once for the first time (libcurl's global
// state).
[[nodiscard]] Status Download(const std::string& url, FileWriter& file,
                              const DownloadOptions& options = {});

}  // namespace headroom
