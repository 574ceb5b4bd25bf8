// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/options.h"

#include "headroom/config/command_line.h"
#include "headroom/config/option_table.h"
#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/core/strings.h"
#include "headroom/testing/shared_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Options OptionsOf(std::vector<std::string> words) {
  words.insert(words.begin(), {"train", "data=d.yaml", "model=yolo11n.yaml"});
  return Options::FromCommand(ParseCommandLine(words));
}

TEST(ArgsYaml, EqualsWhatTheReferenceWroteForTheSameCommand) {
  HEADROOM_NEEDS_SHARED("reference-run/yolo11n-bccd/args.yaml");
  const auto file = testing::SharedFile("reference-run/yolo11n-bccd/args.yaml");
  const Options options = Options::FromCommand(ParseCommandLine(std::vector<std::string>{
      "detect", "train", "model=yolo11n.yaml", "data=../shared/data/bccd/data.yaml", "epochs=60",
      "imgsz=320", "batch=16", "seed=0", "device=cpu", "name=y11"}));
  EXPECT_EQ(options.set.ArgsYaml("runs/detect/train"), *ReadFile(file));
}

TEST(ArgsYaml, WritesDeviceAndAmpAsTheReferenceReadsThem) {
  const std::string text =
      OptionsOf({"amp=bf16", "memory=6G", "classes=0,2", "lr0=1e-5"}).set.ArgsYaml("s");
  EXPECT_THAT(text, AllOf(HasSubstr("\ndevice: ''\n"), HasSubstr("\namp: true\n"),
                          HasSubstr("\nclasses:\n- 0\n- 2\n"), HasSubstr("\nlr0: 1.0e-05\n"),
                          Not(HasSubstr("memory:")), Not(HasSubstr("microbatch:"))));
  EXPECT_THAT(OptionsOf({"device=cuda:0"}).set.ArgsYaml("s"), HasSubstr("\ndevice: '0'\n"));
  EXPECT_THAT(OptionsOf({"amp=fp32"}).set.ArgsYaml("s"), HasSubstr("\namp: false\n"));
}

TEST(HeadroomYaml, HoldsOurOptionsAndWhatWasResolved) {
  const std::vector<std::pair<std::string, OptionValue>> resolved = {{"threads", 2},
                                                                     {"precision", "bf16"}};
  const std::string text = OptionsOf({"memory=6G", "amp=bf16"}).set.HeadroomYaml(resolved);
  EXPECT_THAT(text, AllOf(HasSubstr("memory: 6G\n"), HasSubstr("microbatch: auto\n"),
                          HasSubstr("amp: bf16\n"), HasSubstr("threads: 2\nprecision: bf16\n"),
                          Not(HasSubstr("epochs"))));
}

TEST(Options, DefaultsAreThoseOfTheTable) {
  const Options table = Options::FromOverrides({});
  const Options fields;
  EXPECT_EQ(table.epochs, fields.epochs);
  EXPECT_EQ(table.batch, fields.batch);
  EXPECT_EQ(table.workers, fields.workers);
  EXPECT_EQ(table.optimizer, fields.optimizer);
  EXPECT_EQ(table.pretrained, fields.pretrained);
  EXPECT_EQ(table.image_width, fields.image_width);
  EXPECT_EQ(table.warmup_bias_lr, fields.warmup_bias_lr);
  EXPECT_EQ(table.scale_max, fields.scale_max);
  EXPECT_EQ(table.mosaic, fields.mosaic);
  EXPECT_EQ(table.iou, fields.iou);
  EXPECT_EQ(table.format, fields.format);
  EXPECT_EQ(table.recompute, fields.recompute);
  EXPECT_EQ(table.split, fields.split);
  EXPECT_FALSE(table.microbatch.has_value());
  EXPECT_FALSE(table.conf.has_value());
  EXPECT_TRUE(table.device.empty());
  EXPECT_TRUE(table.typed.empty());
}

TEST(Options, ValuesAreTyped) {
  const Options options = OptionsOf(
      {"batch=0.7", "imgsz=320", "cache=disk", "workers=12", "freeze=[0,23.cv2]", "classes=[5,0]",
       "scale=0.8,1.2", "fraction=[0.5,300]", "amp=bf16", "time=1.5", "pretrained=w.pt",
       "microbatch=4", "nms=False", "memory=0.5", "half", "device=0,1"});
  EXPECT_EQ(options.batch, 0.7);
  EXPECT_EQ(options.image_height, 320);
  EXPECT_EQ(options.cache, CacheKind::kDisk);
  EXPECT_TRUE(options.workers_typed);
  EXPECT_THAT(options.freeze, ElementsAre("0", "23.cv2"));
  EXPECT_EQ(options.freeze_count, 0);
  EXPECT_THAT(options.classes, ElementsAre(0, 5));
  EXPECT_EQ(options.scale_min, 0.8);
  EXPECT_EQ(options.ShareOf("train").ratio, 0.5);
  EXPECT_EQ(options.ShareOf("val").count, 300);
  EXPECT_EQ(options.amp, Precision::kBFloat16);
  EXPECT_EQ(options.time_hours, 1.5);
  EXPECT_EQ(options.pretrained_file, "w.pt");
  EXPECT_EQ(options.microbatch, 4);
  EXPECT_EQ(options.nms, false);
  EXPECT_EQ(options.memory, "0.5");
  EXPECT_FALSE(options.vram.has_value());
  EXPECT_TRUE(options.half);
  EXPECT_EQ(options.device, "0,1");
  EXPECT_THAT(options.device_choice.indices, ElementsAre(0, 1));
}

TEST(Options, VramWithoutADeviceIsSaidToBeIgnored) {
  EXPECT_THAT(OptionsOf({"device=cpu", "vram=8G"}).warnings,
              ElementsAre(HasSubstr("vram=8G is ignored: device=cpu")));
  EXPECT_THAT(OptionsOf({"device=0", "vram=8G"}).warnings, IsEmpty());
  EXPECT_THAT(OptionsOf({"device=cpu"}).warnings, IsEmpty());
}

// Elsewhere none means that nothing was said.
TEST(Options, RecomputeNoneIsAChoiceOfItsOwn) {
  for (const char* word : {"recompute=none", "recompute=None", "recompute=null"}) {
    const Options options = OptionsOf({word});
    EXPECT_EQ(options.recompute, "none") << word;
    EXPECT_THAT(options.set.HeadroomYaml(), HasSubstr("recompute: none")) << word;
  }
  EXPECT_EQ(OptionsOf({"epochs=1"}).recompute, "auto");
}

TEST(Options, FreezeAsANumberFreezesTheFirstLayers) {
  EXPECT_EQ(OptionsOf({"freeze=10"}).freeze_count, 10);
  EXPECT_THAT(OptionsOf({"freeze=10"}).freeze, IsEmpty());
  EXPECT_THAT(OptionsOf({"freeze=[10]"}).freeze, ElementsAre("10"));
}

TEST(Options, ImageSidesAreRoundedUpAndSaid) {
  const Options options = OptionsOf({"imgsz=330"});
  EXPECT_EQ(options.image_width, 352);
  EXPECT_THAT(options.warnings, ElementsAre(HasSubstr("352")));
  EXPECT_THAT(options.set.ArgsYaml("s"), HasSubstr("imgsz: 330\n"));
  const Options pair = OptionsOf({"imgsz=640,480"});
  EXPECT_EQ(pair.image_height, 640);
  EXPECT_EQ(pair.image_width, 640);
  EXPECT_THAT(pair.warnings, ElementsAre(HasSubstr("one size")));
  const Options predict = Options::FromCommand(ParseCommandLine(
      std::vector<std::string>{"predict", "model=m", "source=s", "imgsz=640,480"}));
  EXPECT_EQ(predict.image_height, 640);
  EXPECT_EQ(predict.image_width, 480);
}

TEST(Options, AllWrongValuesAreListedAtOnce) {
  try {
    (void)OptionsOf({"epochs=-1", "batch=0", "imgsz=0"});
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("epochs=-1"), HasSubstr("batch=0"), HasSubstr("imgsz=0")));
    EXPECT_EQ(error.code(), ExitCode::kUsage);
  }
}

TEST(Options, WhatIsNotBuiltInIsRefusedWithTheAlternative) {
  EXPECT_THROW((void)OptionsOf({"quantize=8"}), ConfigError);
  EXPECT_THROW((void)OptionsOf({"amp=fp16"}), ConfigError);
  EXPECT_THROW((void)OptionsOf({"ram=0.5"}), ConfigError);
}

TEST(OptionTable, OnResumeTheReferencesWordsAndOursMayChange) {
  std::vector<std::string> names;
  for (const OptionInfo& option : OptionTable()) {
    const bool ours = option.owner == OptionOwner::kOurs;
    EXPECT_TRUE(option.on_resume || !ours) << option.name;
    if (!ours && option.on_resume) names.emplace_back(option.name);
  }
  // amp is not among the reference's, but a run may go on where its precision is slow.
  EXPECT_THAT(names, ::testing::UnorderedElementsAre(
                         "imgsz", "batch", "device", "close_mosaic", "save_period", "workers",
                         "cache", "patience", "time", "freeze", "val", "plots", "data", "amp"));
}

TEST(OptionSet, AnUnknownNameIsOurBug) {
  EXPECT_THROW((void)OptionSet().Get("epoch"), InternalError);
}

}  // namespace
}  // namespace headroom
