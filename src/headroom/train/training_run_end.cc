// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/error.h"
#include "headroom/train/model_files.h"
#include "headroom/train/training_run.h"

#include <fmt/format.h>

#include <algorithm>

namespace headroom {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

}  // namespace

void TrainingRun::SaveEpoch(int epoch, bool best, const DetectionMetrics& metrics) {
  if (!options.save) return;
  Save("last.pt", metrics);
  if (best) files->CopyLast("best.pt");
  if (options.save_period > 0 && epoch % options.save_period == 0)
    files->CopyLast(fmt::format("epoch{}.pt", epoch));
}

void TrainingRun::Save(const std::string& file, const DetectionMetrics& metrics) {
  Report(PlanPhase::kSave, false);
  RunPosition now = position;
  now.seconds = Elapsed();
  files->Save(file, Parts(), now, metrics);
  saved_at = Clock::now();
}

TrainOutcome TrainingRun::Finish(bool finished) {
  loading.reset();
  const fs::path& folder = files->folder();
  if (!finished) {
    End(RunEnd::kFinished);
    SayMemory();
    observer.OnMessage(fmt::format("Interrupted. Continue with: {}", ResumeCommand()));
    return {folder, true, files->cannot_write()};
  }
  observer.OnMessage(fmt::format("\n{} epochs completed in {:.3f} hours.",
                                 std::min(position.epoch + 1, epochs), Elapsed() / 3600));
  GiveBackFreeBlocks();
  files->Strip();
  ValidateBest();
  End(RunEnd::kFinished);
  observer.OnMessage(fmt::format("Results saved to {}", folder.string()));
  SayMemory();
  const std::string summary = watch->SummaryLine();
  watch.reset();         // Writes what is left of memory.csv.
  GiveBackFreeBlocks();  // Room for the charts.
  observer.OnRunEnd(summary);
  observer.OnMessage(fmt::format("Train on with: yolo detect train model={} data={}",
                                 files->Weights("last.pt").string(), options.data));
  return {folder, false, files->cannot_write()};
}

void TrainingRun::End(RunEnd end) {
  ended = end;
  RunState state;
  state.end = end;
  state.epoch = std::min(position.epoch + 1, epochs);
  state.epochs = epochs;
  watch->UpdateAndSync(state);
}

void TrainingRun::SayMemory() {
  observer.OnMessage(watch->SummaryLine());
  observer.OnMessage(fmt::format("Memory: planned peak {}, actual peak {}, limit {} ({})",
                                 ToString(adaptation->plan().Peak(MemoryPlace::kHost)),
                                 ToString(watch->Summary().peak_rss), ToString(budget.limit()),
                                 budget.origin()));
}

void TrainingRun::ValidateBest() {
  const fs::path best = files->Weights("best.pt");
  if (!fs::exists(best)) return;
  Result<CheckpointContents> file = ReadCheckpoint(best);
  if (!file) throw DataError(file.error());
  observer.OnMessage(fmt::format("\nValidating {}...", best.string()));
  CopyWeights(*file, setup.loaded.model);
  Validator validator = MakeValidator();
  std::int64_t done = 0;
  const auto on_image = [&](const ImageDetections& image) {
    observer.OnValidatedPicture(
        {done / (2 * batch), done % (2 * batch), image.sample, image.detections});
    ++done;
  };
  const ValidationResult result = validator.Run(nullptr, on_image, {}, {});
  observer.OnValidationEnd({result.metrics, validator.confusion()});
  observer.OnMessage(ValidationHeader());
  observer.OnMessage(ValidationSummaryRow(result.metrics));
  if (options.verbose && setup.names.size() > 1) {
    for (const std::string& row : ValidationClassRows(result.metrics, setup.names))
      observer.OnMessage(row);
  }
  observer.OnMessage(ValidationSpeedLine(result.speed));
}

}  // namespace headroom
