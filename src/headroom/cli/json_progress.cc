// SPDX-License-Identifier: Apache-2.0
#include "headroom/cli/json_progress.h"

#include "headroom/core/strings.h"

#include <nlohmann/json.hpp>

#include <cstdio>

namespace headroom {
namespace {

using Json = nlohmann::ordered_json;

void Print(const Json& object) {
  // A path may be no valid UTF-8: its bytes are replaced, the line is still JSON.
  std::puts(object.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
  std::fflush(stdout);
}

Json Losses(const LossItems& items, const std::vector<std::string>& names) {
  Json losses = Json::object();
  for (std::size_t i = 0; i < items.size(); ++i) losses[names[i]] = items[i];
  return losses;
}

}  // namespace

void JsonProgress::OnMessage(const std::string& text) {
  for (const std::string_view line : Split(text, '\n')) {
    if (!line.empty()) Print({{"event", "message"}, {"text", std::string(line)}});
  }
}

void JsonProgress::OnAdaptation(const std::string& text) {
  Print({{"event", "adaptation"}, {"text", text}});
}

void JsonProgress::OnRunStart(const RunStart& run) {
  folder_ = run.folder.string();
  Print({{"event", "start"}, {"folder", folder_}});
}

void JsonProgress::OnEpochStart(int epoch, std::span<const std::string> losses) {
  losses_.assign(losses.begin(), losses.end());
  Print({{"event", "epoch_start"}, {"epoch", epoch + 1}});
}

void JsonProgress::OnBatch(const BatchEvent& event) {
  Json json = {{"event", "batch"},
               {"epoch", event.epoch + 1},
               {"epochs", event.epochs},
               {"batch", event.batch + 1},
               {"batches", event.batches},
               {"losses", Losses(event.mean_items, losses_)},
               {"instances", event.instances},
               {"image_size", event.image_width},
               {"images_per_second", event.images_per_second},
               {"host_used_bytes", event.host_used.count()},
               {"host_limit_bytes", event.host_limit.count()}};
  if (event.device_limit > Bytes()) {
    json["device_used_bytes"] = event.device_used.count();
    json["device_limit_bytes"] = event.device_limit.count();
  }
  Print(json);
}

void JsonProgress::OnValidationProgress(std::int64_t done, std::int64_t all) {
  Print({{"event", "validation"}, {"done", done}, {"all", all}});
}

void JsonProgress::OnEpochEnd(const EpochEvent& event) {
  Json json = {{"event", "epoch"},
               {"epoch", event.epoch + 1},
               {"seconds", event.seconds},
               {"train_losses", Losses(event.train_items, losses_)},
               {"learning_rates", event.lr}};
  if (event.validated) {
    json["val_losses"] = Losses(event.val_items, losses_);
    json["metrics"] = {{"precision", event.metrics.precision},
                       {"recall", event.metrics.recall},
                       {"mAP50", event.metrics.map50},
                       {"mAP50-95", event.metrics.map50_95}};
  }
  Print(json);
}

void JsonProgress::OnRunEnd(const std::string& memory_summary) {
  Print({{"event", "end"}, {"folder", folder_}, {"memory", memory_summary}});
}

}  // namespace headroom
