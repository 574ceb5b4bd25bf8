// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string_view>

namespace headroom {

// Under which name a file is written before it is renamed to `path`; another one each time.
[[nodiscard]] std::filesystem::path TemporaryName(const std::filesystem::path& path);

// Makes a temporary file in the folder, writes and syncs it and removes it: throws WriteError, as
// the first real file would.
void TryToWriteIn(const std::filesystem::path& folder);

// Removes what a kill has left in the folder: temporary files that were to be files whose names end
// so ("": all). For who knows that nobody writes there now. How many there were.
int RemoveTemporaries(const std::filesystem::path& folder, std::string_view suffix);

}  // namespace headroom
