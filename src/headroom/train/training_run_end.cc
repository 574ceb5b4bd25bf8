// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/error.h"
#include "headroom/nn/model_summary.h"
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

void TrainingRun::CompleteCopies() {
  if (!options.save || position.next_batch != 0 || position.epoch == 0) return;
  const int epoch = position.epoch - 1;
  // Whatever its fitness, the first epoch is the best so far.
  const bool best = epoch == 0 || (stopper->best_fitness > 0 && stopper->best_epoch == epoch);
  if (!options.val || best) files->CopyLast("best.pt");
  if (options.save_period > 0 && position.epoch % options.save_period == 0)
    files->CopyLast(fmt::format("epoch{}.pt", position.epoch));
}

// last.pt stays one that can be resumed until all else is done: a run that is killed while it ends
// is resumed to its end.
TrainOutcome TrainingRun::Finish(bool finished) {
  loading.reset();
  const fs::path& folder = files->folder();
  if (!finished) {
    watch->End(RunEnd::kFinished, 0);
    SayMemory();
    observer.OnMessage(fmt::format("Interrupted. Continue with: {}", ResumeCommand()));
    return {folder, true, files->cannot_write()};
  }
  observer.OnMessage(fmt::format("\n{} epochs completed in {:.3f} hours.",
                                 std::min(position.epoch + 1, epochs), Elapsed() / 3600));
  GiveBackFreeBlocks();
  WithMemory("stripping best.pt", [this] { files->Strip("best.pt"); });
  ValidateBest();
  observer.OnMessage(fmt::format("Results saved to {}", folder.string()));
  SayMemory();
  const std::string summary = watch->SummaryLine();
  watch->StopSampling();  // memory.csv is complete.
  GiveBackFreeBlocks();   // Room for the charts.
  observer.OnRunEnd(summary);
  WithMemory("stripping last.pt", [this] { files->Strip("last.pt"); });
  watch->End(RunEnd::kFinished, 0);
  observer.OnMessage(fmt::format("Train on with: yolo detect train model={} data={}",
                                 files->Weights("last.pt").string(), options.data));
  return {folder, false, files->cannot_write()};
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
  observer.OnMessage(fmt::format("\nValidating {}...", best.string()));
  Report(PlanPhase::kValidation, true);
  WithMemory("reading best.pt", [&] {
    Result<CheckpointContents> file = ReadCheckpoint(best);
    if (!file) throw DataError(file.error());
    CopyWeights(*file, setup.loaded.model);
  });
  observer.OnMessage(SummaryLine(setup.loaded.model, ModelForm::kFused));
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
