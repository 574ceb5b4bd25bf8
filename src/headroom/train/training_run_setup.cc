// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/run_folder.h"
#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/core/shell_quote.h"
#include "headroom/device/out_of_memory.h"
#include "headroom/monitor/last_state.h"
#include "headroom/train/reference_resume.h"
#include "headroom/train/run_room.h"
#include "headroom/train/training_run.h"
#include "headroom/train/tried_advice.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace headroom {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

}  // namespace

TrainOutcome TrainingRun::Run() {
  try {
    SetUp();
    return Train();
  } catch (const std::exception& failure) {
    EndWithError(failure);
    throw;
  }
}

void TrainingRun::SetUp() {
  ReadResume();
  setup.SetUpDevice();
  ClaimFolder();
  setup.ReadDataset();
  try {
    WithMemory("building the model", [this] { setup.BuildNetwork(); });
    WithMemory("reading the data", [this] { SetUpData(); });
    WithMemory("measuring a step", [this] { setup.MeasureProcess(); });
    Plan();
  } catch (const BudgetError& refusal) {
    RefuseTraining(setup, refusal);
  }
  PublishPlan();
  WithMemory("making the step", [this] { SetUpStep(); });
  WithMemory("making the optimizer", [this] { SetUpOptimizer(); });
  WithMemory("reading the checkpoint", [this] { Restore(); });
  CheckRoomForCheckpoints();
  WarmUp();
  Announce();
}

TrainOutcome TrainingRun::Train() {
  bool finished = true;
  for (; position.epoch < epochs && !ends_early; ++position.epoch) {
    if (!RunEpoch()) {
      finished = false;
      break;
    }
    if (ends_early) break;
  }
  return Finish(finished);
}

void TrainingRun::ReadResume() {
  if (!options.resume) return;
  const std::string path = options.resume_file.empty() ? options.model : options.resume_file;
  Result<CheckpointContents> file = ReadCheckpoint(path);
  if (!file) throw ConfigError(fmt::format("resume: {}", file.error()));
  if (!CanBeResumed(*file)) {
    throw ConfigError(
        fmt::format("{} is a finished checkpoint; nothing is left to resume. Start a "
                    "new training with model={} instead",
                    path, path));
  }
  // What was chosen from the memory of then (batch=0.7) is not chosen again.
  if (const std::optional<int> stored = BatchOf(*file); stored && !options.IsTyped("batch"))
    options.batch = *stored;
  // Nor what amp=True meant on the processor of then.
  if (!options.IsTyped("amp")) setup.kept_precision = PrecisionOf(*file);
  resume_path = fs::absolute(path);
  // Read again when its state is taken: what is held while the process is measured counts as its
  // own for the whole run.
  resumed_momentum = OptimizerMomentumOf(*file);
}

void TrainingRun::SetUpData() {
  setup.ReadData();
  epochs = options.epochs;
}

void TrainingRun::Plan() {
  if (cut_budget) LeaveUnplanned();
  RunChoice choice = setup.Choose(options, setup.Limits());
  batch = choice.batch.images;
  if (!choice.batch.why.empty()) observer.OnMessage(choice.batch.why);
  const auto images = static_cast<std::int64_t>(setup.train_index->size());
  batches = (images + batch - 1) / batch;
  optimizer_choice = choice.optimizer;
  optimizer_choice.momentum = resumed_momentum.value_or(optimizer_choice.momentum);
  adaptation.emplace(setup, optimizer_choice.kind, choice.wanted);
  CutBudget();
  fitted = adaptation->FitFirst();
  observer.OnMessage("\nMemory plan: " + Describe(adaptation->subject(), adaptation->now()));
  for (const std::string& line : fitted) observer.OnMessage("  to fit the limit: " + line);
  if (!options.verbose) return;
  observer.OnMessage(FormatPlan(adaptation->plan(), setup.Limits()));
  observer.OnMessage(ExplainReferenceFor(adaptation->subject(), adaptation->now(), CoresOfMachine(),
                                         setup.device.is_cuda() ? 1 : 0, setup.machine_limit));
}

void TrainingRun::LeaveUnplanned() {
  setup.unplanned = watch->Lesson().unplanned;
  const auto most = std::max_element(setup.unplanned.begin(), setup.unplanned.end());
  if (*most == Bytes()) return;
  observer.OnMessage(fmt::format(
      "The plan leaves {} free for what the killed run held beyond its own in {} (in the row "
      "runtime); memory= on a resume that follows no kill plans without",
      ToString(*most), Name(static_cast<PlanPhase>(most - setup.unplanned.begin()))));
}

void TrainingRun::CutBudget() {
  if (!cut_budget) return;
  const Bytes smallest = adaptation->SmallestPeak();
  const Bytes limit = std::max(*cut_budget, smallest);
  if (limit >= budget.limit()) return;
  budget.SetLimit(limit, fmt::format("cut after the kill{}; {} before",
                                     limit == smallest ? " to what the smallest settings need" : "",
                                     ToString(budget.limit())));
}

void TrainingRun::ClaimFolder() {
  const std::optional<fs::path> run =
      resume_path.empty() ? std::nullopt : RunOfCheckpoint(resume_path);
  const fs::path folder = run ? *run
                              : ClaimRunFolder({.runs_dir = setup.settings.runs_dir,
                                                .mode = "train",
                                                .project = options.project,
                                                .name = options.name,
                                                .exist_ok = options.exist_ok},
                                               true);
  if (!lock) {
    lock = LockRunFolder(
        folder, run ? "start a new run without resume=True" : "give this run another name=");
  }
  folder_is_new = !run && !options.exist_ok;
  files.emplace(folder, observer);
  files->on_out_of_memory = [this] { setup.GiveBackFreeBlocks(); };
  files->Prepare();
  if (!run && !resume_path.empty()) AdoptCheckpoint();
  if (!run) WriteOptions();
  watch = std::make_unique<RunWatch>(folder, ResumeCommand(), budget, std::move(setup.gpu),
                                     setup.device.index());
}

void TrainingRun::AdoptCheckpoint() {
  files->Adopt(resume_path);
  observer.OnMessage(fmt::format(
      "{} lies in no run's folder: a copy of it goes on in {}; best.pt there will be of an epoch "
      "from now on that is better than those before",
      resume_path.string(), files->folder().string()));
  resume_path = files->Weights("last.pt");
  options.model = options.resume_file = resume_path.string();
  options.set.Set("model", OptionValue(options.model));
  options.set.Set("resume", OptionValue(options.resume_file));
}

void TrainingRun::WriteOptions() {
  const fs::path& folder = files->folder();
  options.set.Set("name", OptionValue(folder.filename().string()));
  WriteFileAtomic(folder / "args.yaml", options.set.ArgsYaml(folder.string()));
  fs::remove(folder / "memory.csv");  // Of a run before this one (exist_ok=True).
  WriteFileAtomic(folder / "headroom.yaml", options.set.HeadroomYaml());
}

void TrainingRun::CheckRoomForCheckpoints() {
  const fs::path weights = files->folder() / "weights";
  CheckpointFiles checkpoints{.each = CheckpointFileSize(Parts())};
  if (options.save_period > 0)
    checkpoints.count +=
        static_cast<std::uint64_t>(std::max(0, epochs - position.epoch) / options.save_period);
  for (const char* name : {"last.pt", "best.pt"}) {
    std::error_code ignored;
    const fs::path file = weights / name;
    if (fs::is_regular_file(file, ignored)) checkpoints.there += Bytes(fs::file_size(file));
  }
  const std::string warning = CheckFileRoom(weights, checkpoints, FindFileRoom(weights));
  if (!warning.empty()) observer.OnMessage(warning);
}

void TrainingRun::PublishPlan() {
  const fs::path& folder = files->folder();
  const std::vector<std::pair<std::string, OptionValue>> resolved = {
      {"threads", OptionValue(std::int64_t{setup.cores()})},
      {"precision", OptionValue(PrecisionName(setup.activation))},
      {"batch_images", OptionValue(std::int64_t{batch})},
      {"micro_batch_images", OptionValue(adaptation->now().micro_batch)}};
  WriteFileAtomic(folder / "headroom.yaml", options.set.HeadroomYaml(resolved));
  WriteFileAtomic(folder / "memory_plan.json",
                  PlanToJson(adaptation->plan(), adaptation->limits()));
  published = true;
  observer.OnRunStart(
      {folder, &options, setup.names, &*setup.train_index, &*setup.val_index, fitted});
  watch->KeepAbove(adaptation->SmallestPeak(), adaptation->plan().Totals(MemoryPlace::kHost));
}

std::string TrainingRun::ResumeCommand() const {
  return fmt::format("yolo detect train model={} resume=True",
                     ShellQuote(files->Weights("last.pt").string()));
}

void TrainingRun::SetUpStep() {
  const TrainSettings& now = adaptation->now();
  step = std::make_unique<BatchStep>(setup.loaded.model, *setup.executor, *setup.loss,
                                     BatchStepOptions{.micro_batch = now.micro_batch,
                                                      .activation = setup.activation,
                                                      .recompute = now.recompute,
                                                      .trained_layers = setup.trained_layers});
  step->on_out_of_memory = [this](const std::string& what, int failures) {
    return MakeRoom(what, failures);
  };
  step->between_micro_batches = [this] { GrowWithinBatch(); };
  // A step may take longer than others need to fill the limit: it is broken off and run again.
  setup.executor->after_instruction = [this](const Instruction&) {
    if (watch->TakeUrgency()) throw BrokenOff("others take memory faster than a step ends");
  };
  loading.emplace(options, *setup.train_index, setup.cores(), budget, observer);
}

void TrainingRun::SetUpOptimizer() {
  const OptimizerChoice& choice = optimizer_choice;
  if (options.optimizer == "auto") {
    options.set.Set("optimizer", OptionValue(std::string(Name(choice.kind))));
    options.set.Set("lr0", OptionValue(choice.lr));
    options.set.Set("warmup_bias_lr", OptionValue(0.0));
  }
  const bool has_momentum = choice.kind == OptimizerKind::kSgd ||
                            choice.kind == OptimizerKind::kRmsProp ||
                            choice.kind == OptimizerKind::kMuSgd;
  schedule.emplace(ScheduleOptions{.epochs = epochs,
                                   .batches = batches,
                                   .batch = batch,
                                   .nominal_batch = options.nbs,
                                   .lr = choice.lr,
                                   .final_share = options.lrf,
                                   .cosine = options.cos_lr,
                                   .momentum = options.momentum,
                                   .warms_momentum = has_momentum,
                                   .optimizer_momentum = choice.momentum,
                                   .warmup_epochs = options.warmup_epochs,
                                   .warmup_momentum = options.warmup_momentum,
                                   .warmup_bias_lr = choice.warmup_bias_lr});
  ParameterStore& store = *setup.loaded.model.parameters;
  optimizer = MakeOptimizer(choice.kind, store.parameters(), store.value_count(), setup.device);
  ema = std::make_unique<Ema>(store);
  stopper = std::make_unique<EarlyStopping>(options.patience);
  results = std::make_unique<ResultsCsv>(setup.loss->names(), optimizer->groups().groups.size());
  observer.OnMessage(fmt::format("optimizer: {}(lr={}, momentum={}) with {} parameter groups",
                                 Name(choice.kind), choice.lr, choice.momentum,
                                 optimizer->groups().groups.size()));
}

void TrainingRun::Restore() {
  if (resume_path.empty()) return;
  const Result<CheckpointContents> file = ReadCheckpoint(resume_path);
  if (!file) throw DataError(file.error());
  position = RestoreCheckpoint(*file, Parts());
  RestoreCounts();
  files->WriteText("results.csv", results->Text());
  // A run that was killed after its last epoch has only its end left.
  ends_early = position.next_batch == 0 && position.epoch > 0 &&
               (stopper->Stops(position.epoch - 1) ||
                (options.time_hours && position.seconds > *options.time_hours * 3600));
  observer.OnMessage(fmt::format("Resuming {} from epoch {}, batch {}", files->folder().string(),
                                 position.epoch + 1, position.next_batch));
  // A kill may have come between last.pt and its copies.
  if (position.next_batch == 0 && position.epoch > 0)
    files->CopyEpoch(position.epoch - 1, position.best, options.save_period);
}

void TrainingRun::RestoreCounts() {
  const RunPosition stored = position;
  position = InBatchesOf(stored, batch, batches);
  if (stored.batch > 0 && stored.batch != batch) {
    observer.OnMessage(fmt::format("batch={} (it was {}): going on at batch {} of {}", batch,
                                   stored.batch, position.next_batch, batches));
  }
  if (!options.time_hours) return;
  if (options.IsTyped("time") && position.epoch > 0) {
    epochs = EpochsWithin(*options.time_hours * 3600, position.seconds, position.epoch);
  } else if (position.epochs > 0) {
    epochs = position.epochs;
  }
  schedule->set_epochs(epochs);
}

void TrainingRun::WarmUp() {
  const PlanSubject subject = adaptation->subject();
  for (int failures = 0;;) {
    try {
      step->WarmUp(std::min<std::int64_t>(step->options().micro_batch, batch),
                   subject.LargestExtent(), subject.MostBoxes());
      break;
    } catch (const std::exception& failure) {
      const std::optional<std::string> what = OutOfMemoryText(failure);
      if (!what || !MakeRoom(*what, ++failures)) throw;
    }
  }
  MakeLoader();
}

void TrainingRun::Announce() {
  const fs::path& folder = files->folder();
  observer.OnMessage(fmt::format("Using {} train, {} val images at imgsz={}",
                                 setup.train_index->size(), setup.val_index->size(),
                                 options.image_width));
  observer.OnMessage(fmt::format("Using {} dataloader workers", loading->loader().workers()));
  observer.OnMessage(fmt::format("Logging results to {}", folder.string()));
  if (position.epoch >= epochs || ends_early) {
    observer.OnMessage("All epochs were trained; the run's end is made up for");
  } else {
    observer.OnMessage(fmt::format("Starting training for {} epochs...", epochs));
  }
  started = Clock::now();
  saved_at = started;
  adapted_at = started;
}

void TrainingRun::EndWithError(const std::exception& failure) {
  if (!files) return;
  if (published || !folder_is_new) {
    const auto* known = dynamic_cast<const Error*>(&failure);
    const ExitCode code = known != nullptr           ? known->code()
                          : OutOfMemoryText(failure) ? ExitCode::kMemory
                                                     : ExitCode::kInternal;
    if (watch) watch->End(RunEnd::kFailed, static_cast<int>(code));
    return;
  }
  watch.reset();
  const fs::path folder = files->folder();
  std::error_code ignored;
  if (options.resume) fs::remove(files->Weights("last.pt"), ignored);  // A copy.
  for (const char* name : {"args.yaml", "headroom.yaml", "memory.csv", kLastStateName, "weights"})
    fs::remove(folder / name, ignored);
  lock.reset();
  fs::remove(folder, ignored);  // Only when nothing else is in it.
}

}  // namespace headroom
