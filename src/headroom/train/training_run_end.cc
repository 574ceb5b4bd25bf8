// SPDX-License-Identifier: Apache-2.0
#include "headroom/core/error.h"
#include "headroom/core/shell_quote.h"
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

void TrainingRun::SaveEpoch(int epoch, const DetectionMetrics& metrics) {
  Save("last.pt", metrics);
  files->CopyEpoch(epoch, position.best, options.save_period);
}

void TrainingRun::Save(const std::string& file, const DetectionMetrics& metrics) {
  Report(PlanPhase::kSave, false);
  RunPosition now = position;
  now.seconds = Elapsed();
  now.batch = batch;
  now.batches = batches;
  now.epochs = epochs;
  files->Save(file, Parts(), now, metrics);
  saved_at = Clock::now();
}

// last.pt stays one that can be resumed until all else is done: a run that is killed while it ends
// is resumed to its end.
TrainOutcome TrainingRun::Finish(bool finished) {
  loading.reset();
  SayActs();
  const fs::path& folder = files->folder();
  if (!finished) {
    watch->End(RunEnd::kFinished, 0);
    SayMemory();
    observer.OnMessage(fmt::format("Interrupted. Continue with: {}", ResumeCommand()));
    return {folder, true, files->cannot_write()};
  }
  observer.OnMessage(fmt::format("\n{} epochs completed in {:.3f} hours.",
                                 std::min(position.epoch + 1, epochs), Elapsed() / 3600));
  setup.GiveBackFreeBlocks();
  Report(PlanPhase::kEnd, true);
  WithMemory("stripping best.pt", [this] { files->Strip("best.pt"); });
  ValidateBest();
  observer.OnMessage(fmt::format("Results saved to {}", folder.string()));
  const std::string summary = watch->SummaryLine();
  watch->StopSampling();  // memory.csv is complete.
  SayActs();
  setup.GiveBackFreeBlocks();  // Room for the charts.
  observer.OnRunEnd(summary);
  WithMemory("stripping last.pt", [this] { files->Strip("last.pt"); });
  watch->End(RunEnd::kFinished, 0);
  SayMemory();
  if (fs::exists(files->Weights("last.pt"))) {
    observer.OnMessage(fmt::format("Train on with: yolo detect train model={} data={}",
                                   ShellQuote(files->Weights("last.pt").string()),
                                   ShellQuote(options.data)));
  }
  return {folder, false, files->cannot_write()};
}

void TrainingRun::SayMemory() {
  watch->CountPeak();
  observer.OnMessage(watch->SummaryLine());
  const Bytes last = adaptation->plan().Peak(MemoryPlace::kHost);
  std::string planned = ToString(adaptation->largest_peak());
  if (last != adaptation->largest_peak()) planned += fmt::format(" ({} at last)", ToString(last));
  std::string actual = ToString(watch->Summary().peak_rss);
  if (const Bytes given = watch->GivenBack(); given > Bytes())
    actual += fmt::format(", gave back {}", ToString(given));
  observer.OnMessage(fmt::format("Memory: planned peak {}, actual peak {}, limit {} ({})", planned,
                                 actual, ToString(budget.limit()), budget.origin()));
}

void TrainingRun::ValidateBest() {
  const fs::path best = files->Weights("best.pt");
  if (!fs::exists(best)) return;
  observer.OnMessage(fmt::format("\nValidating {}...", best.string()));
  WithMemory("reading best.pt", [&] {
    Result<CheckpointContents> file = ReadCheckpoint(best);
    if (!file) throw DataError(file.error());
    CopyWeights(*file, setup.loaded.model);
  });
  observer.OnMessage(SummaryLine(setup.loaded.model, ModelForm::kFused));
  const std::int64_t nominal = 2 * std::int64_t{batch};
  const auto images = static_cast<std::int64_t>(setup.val_index->size());
  std::int64_t done = 0;
  ValidationEvents events;
  events.on_image = [&](std::uint32_t, std::span<const Detection> found, const Sample& sample) {
    ValidatedPicture picture = ValidatedPicture::After(done, nominal, images);
    picture.sample = &sample;
    picture.detections = found;
    observer.OnValidatedPicture(picture);
    ++done;
  };
  const Validation result = ValidateModel(std::move(events), nullptr);
  observer.OnValidationEnd({result.metrics, result.confusion});
  observer.OnMessage(ValidationHeader());
  observer.OnMessage(ValidationSummaryRow(result.metrics));
  if (options.verbose && setup.names.size() > 1) {
    for (const std::string& row : ValidationClassRows(result.metrics, setup.names))
      observer.OnMessage(row);
  }
  observer.OnMessage(ValidationSpeedLine(result.speed));
}

}  // namespace headroom
