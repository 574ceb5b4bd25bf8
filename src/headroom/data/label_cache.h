// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/core/result.h"
#include "headroom/data/dataset_scan.h"

#include <functional>
#include <span>
#include <stop_token>
#include <string>

namespace headroom {

// The label cache: a DatasetScan in one binary file of our own, `<labels folder>.headroom`, never
// the reference's `.cache`. Versioned, with checksums; written by renaming, so it is whole or not
// there. 1,000,000 images with 5,000,000 boxes: 145 MB, loaded in a fraction of a second.

// Where the cache of these sources lies: beside the labels folder of the first. Lists get their
// stem added, since several lists may share a labels folder.
[[nodiscard]] std::string LabelCachePath(std::span<const std::string> sources,
                                         const PathTable& images);

// Throws WriteError.
void SaveLabelCache(const std::string& path, const DatasetScan& scan);

// Reads the file alone. Failure: missing, foreign, another version, truncated, damaged. `budget`,
// when given, is charged before anything is read.
[[nodiscard]] Result<DatasetScan> LoadLabelCache(const std::string& path, Budget* budget = nullptr);

// Does the cached scan begin with these images, and were its labels read with a class limit that
// gives the same result as this one? Failure says why not.
[[nodiscard]] Status CheckListed(const DatasetScan& cached, const PathTable& images,
                                 int num_classes);

// Are size and time of every source what they were? Looks at `cached`'s first `count` images, on
// all cores. Failure names the number and the first that changed.
[[nodiscard]] Status CheckSources(const DatasetScan& cached, std::size_t count, int threads,
                                  std::stop_token stop);

// Keeps the first images of a scan.
void TruncateScan(std::size_t count, DatasetScan* scan);

}  // namespace headroom
