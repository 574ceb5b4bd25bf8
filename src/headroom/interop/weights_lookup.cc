// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/weights_lookup.h"

#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/core/log.h"
#include "headroom/interop/ultralytics_checkpoint.h"

#include <fmt/format.h>

#include <algorithm>

namespace headroom {
namespace {

namespace fs = std::filesystem;

bool IsFile(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

// "yolo11n" of "yolo11n.pt".
std::string Stem(const std::string& name) { return fs::path(name).stem().string(); }

Status Fetch(const std::string& url, const fs::path& target, const DownloadOptions& options) {
  std::error_code error;
  fs::create_directories(target.parent_path(), error);
  if (error)
    throw WriteError(fmt::format("cannot make the folder {}: {}", target.parent_path().string(),
                                 error.message()));
  // A name of its own until the contents are checked.
  const fs::path arrived =
      target.parent_path() / fmt::format(".{}.arrived", target.filename().string());
  Status done = Unit{};
  try {
    WriteFileAtomic(arrived, [&](FileWriter& file) {
      done = Download(url, file, options);
      if (!done) throw DataError(done.error());
    });
  } catch (const DataError&) {
    return done;
  }
  const auto contents = ReadCheckpoint(arrived);
  if (!contents) {
    fs::remove(arrived, error);
    return Failure{fmt::format("what came is no weights file: {}", contents.error())};
  }
  fs::rename(arrived, target, error);
  if (error) throw WriteError(fmt::format("cannot write {}: {}", target.string(), error.message()));
  return Unit{};
}

}  // namespace

bool IsPublishedWeights(std::string_view file_name) {
  constexpr std::string_view kFamilies[] = {"yolo11", "yolov8", "yolo26"};
  return std::ranges::any_of(kFamilies, [&](std::string_view family) {
    if (!file_name.starts_with(family)) return false;
    const std::string_view rest = file_name.substr(family.size());
    return rest.size() == 4 && std::string_view("nsmlx").find(rest[0]) != std::string_view::npos &&
           rest.substr(1) == ".pt";
  });
}

fs::path FindWeights(const std::string& name, const WeightsLookupOptions& options) {
  const fs::path asked = options.working_folder / name;
  if (IsFile(asked)) return asked;
  const std::string file_name = fs::path(name).filename().string();
  const fs::path kept = options.weights_folder / file_name;
  if (IsFile(kept)) return kept;
  if (!IsPublishedWeights(file_name)) {
    throw ConfigError(fmt::format(
        "no weights file {}: looked for {} and {}. Give the path of a .pt or .safetensors file",
        name, asked.string(), kept.string()));
  }
  const std::string url = options.release_url + file_name;
  LogInfo(fmt::format("Downloading {} to {}", url, kept.string()));
  if (const Status fetched = Fetch(url, kept, options.download); !fetched) {
    throw ConfigError(fmt::format(
        "{} is neither in {} nor in {}, and {} could not be fetched: {}. Put the file into "
        "either folder by hand, or train from scratch with model={}.yaml",
        file_name, options.working_folder.string(), options.weights_folder.string(), url,
        fetched.error(), Stem(file_name)));
  }
  return kept;
}

}  // namespace headroom
