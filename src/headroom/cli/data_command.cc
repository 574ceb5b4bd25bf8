// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/commands.h"
#include "headroom/config/dataset_yaml.h"
#include "headroom/config/help_text.h"
#include "headroom/config/settings.h"
#include "headroom/config/word_merger.h"
#include "headroom/core/shell_quote.h"
#include "headroom/core/strings.h"
#include "headroom/data/curate/convert_dataset.h"
#include "headroom/data/curate/dataset_check.h"
#include "headroom/data/dataset_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <span>
#include <system_error>
#include <utility>

namespace headroom {
namespace {

namespace fs = std::filesystem;

// key=value words; a word without a value is a switch.
class DataArguments {
 public:
  DataArguments(const char* command, std::span<const std::string> words,
                std::span<const std::string> known)
      : usage_(UsageOf(command)) {
    for (const std::string& word : words) {
      const std::string plain = word.starts_with("--") ? word.substr(2) : word;
      const std::size_t equals = plain.find('=');
      const std::string key = plain.substr(0, equals);
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        throw ConfigError(
            fmt::format("'{}' is not known here; use {}\n{}", word, Join(known, ", "), usage_));
      }
      values_[key] = equals == std::string::npos ? "True" : plain.substr(equals + 1);
    }
  }
  [[nodiscard]] std::string Get(const std::string& key, const std::string& otherwise = "") const {
    const auto found = values_.find(key);
    return found == values_.end() ? otherwise : found->second;
  }
  [[nodiscard]] std::string Need(const std::string& key) const {
    const std::string value = Get(key);
    if (value.empty()) throw ConfigError(fmt::format("{}= is missing\n{}", key, usage_));
    return value;
  }

 private:
  std::string usage_;
  std::map<std::string, std::string> values_;
};

void PrintConversion(const ConvertReport& report, const std::string& dst) {
  for (const auto& [split, count] : report.images)
    std::printf("%s: %lld images\n", split.c_str(), static_cast<long long>(count));
  std::printf(
      "%lld boxes of %zu classes; %lld boxes skipped (crowds, difficult, empty), %lld images "
      "missing\n",
      static_cast<long long>(report.boxes), report.names.size(),
      static_cast<long long>(report.skipped_boxes), static_cast<long long>(report.missing_images));
  for (const std::string& message : report.messages) std::printf("WARNING %s\n", message.c_str());
  if (!report.images.contains("val"))
    std::printf("WARNING there is no val split: val is train in data.yaml\n");
  std::printf("Train with: yolo train %s\n", ShellQuote("data=" + dst + "/data.yaml").c_str());
}

ExitCode Convert(std::span<const std::string> words) {
  const std::vector<std::string> known = {"from", "src", "dst"};
  const DataArguments arguments("data convert", words, known);
  const std::string from = ToLower(arguments.Need("from"));
  const std::string src = arguments.Need("src");
  const std::string dst = arguments.Need("dst");
  std::error_code ignored;
  if (!fs::exists(src, ignored))
    throw ConfigError(fmt::format("src={}: there is no such file or folder", src));
  const auto progress = [](std::int64_t images) {
    if (images % 1000 == 0) std::fprintf(stderr, "%lld images\n", static_cast<long long>(images));
  };
  if (from == "coco") {
    PrintConversion(ConvertCoco(src, dst, progress), dst);
  } else if (from == "voc") {
    PrintConversion(ConvertVoc(src, dst, progress), dst);
  } else {
    throw ConfigError(
        fmt::format("from={} is not known; coco and voc are\n{}", from, UsageOf("data convert")));
  }
  return ExitCode::kDone;
}

// Throws what a training throws on a split without any box, or prints what it would warn of.
void CheckForTraining(const SplitSources& split, int num_classes) {
  const DatasetIndex index = DatasetIndex::Build({.split = split.name,
                                                  .sources = split.sources,
                                                  .num_classes = num_classes,
                                                  .needs_labels = split.name == "train",
                                                  .use_cache = false});
  if (!index.messages().empty()) std::printf("WARNING %s\n", index.messages().back().c_str());
}

ExitCode Check(std::span<const std::string> words) {
  const std::vector<std::string> known = {"data", "fix", "dst"};
  const DataArguments arguments("data check", words, known);
  const DatasetConfig data =
      ReadDatasetYaml(arguments.Need("data"), fs::absolute(ReadSettings().datasets_dir));
  DatasetCheckOptions options{.num_classes = data.classes(), .names = data.names};
  for (const auto& [name, sources] :
       {std::pair{"train", &data.train}, {"val", &data.val}, {"test", &data.test}}) {
    if (!sources->empty()) options.splits.push_back({name, *sources});
  }
  if (ToLower(arguments.Get("fix", "false")) == "true") {
    options.mended = arguments.Get("dst");
    if (options.mended.empty()) {
      options.mended = data.root;
      options.mended += "-mended";
    }
  }
  const DatasetReport report = CheckDataset(options);
  std::fputs(ReportText(report, data.names).c_str(), stdout);
  if (!options.mended.empty()) {
    std::printf("A copy without corrupt and doubled images is in %s\n", options.mended.c_str());
  }
  for (std::size_t i = 0; i < report.splits.size(); ++i) {
    const SplitSources& split = options.splits[i];
    if (report.splits[i].boxes == 0 && split.name != "test")
      CheckForTraining(split, data.classes());
  }
  // What a training would refuse.
  for (const char* split : {"train", "val"}) static_cast<void>(data.Split(split));
  return ExitCode::kDone;
}

}  // namespace

ExitCode RunData(const ParsedCommand& command) {
  const std::vector<std::string> merged = MergeWords(command.arguments);
  const std::span<const std::string> words = merged;
  if (!words.empty() && words[0] == "convert") return Convert(words.subspan(1));
  if (!words.empty() && words[0] == "check") return Check(words.subspan(1));
  throw ConfigError(fmt::format("`yolo data` does convert and check\n{}", UsageOf("data")));
}

}  // namespace headroom
