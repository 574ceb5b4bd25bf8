// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace headroom {

// XXH64 (Collet, "xxHash fast digest algorithm", version 0.1.1): 10 GB/s or so, for finding damage
// in our own files. Not a defence against forgery.
[[nodiscard]] std::uint64_t Checksum64(const void* data, std::size_t size, std::uint64_t seed = 0);

}  // namespace headroom
