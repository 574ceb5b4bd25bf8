// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/command_line.h"
#include "headroom/config/dataset_yaml.h"
#include "headroom/config/model_yaml.h"
#include "headroom/config/options.h"
#include "headroom/config/run_folder.h"
#include "headroom/core/error.h"
#include "headroom/core/file.h"
#include "headroom/testing/shared_files.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>

#include <filesystem>

namespace headroom {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::SharedFile;
using testing::TempDir;

ParsedCommand Parse(std::initializer_list<std::string> words) {
  return ParseCommandLine(std::vector<std::string>(words));
}

// The text of the ConfigError that the call ends with.
template <typename Call>
std::string ErrorOf(const Call& call) {
  try {
    call();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

TEST(OptionValue, ReadsPythonLiteralsAndNothingElse) {
  EXPECT_EQ(OptionValue::Parse("TRUE"), OptionValue(true));
  EXPECT_EQ(OptionValue::Parse("none"), OptionValue());
  EXPECT_EQ(OptionValue::Parse("0x10"), OptionValue(16));
  EXPECT_EQ(OptionValue::Parse("1_000"), OptionValue(1000));
  EXPECT_EQ(OptionValue::Parse("1e-3"), OptionValue(0.001));
  EXPECT_EQ(OptionValue::Parse("'7'"), OptionValue("7"));
  EXPECT_EQ(OptionValue::Parse("[0, 2]"), OptionValue(OptionValue::List{0, 2}));
  EXPECT_EQ(OptionValue::Parse("640,480"), OptionValue(OptionValue::List{640, 480}));
  for (const char* text : {"max", "1+1", "007", "1__0", "nan.pt", "a,b"}) {
    EXPECT_EQ(OptionValue::Parse(text), OptionValue(text));
  }
}

TEST(OptionValue, PrintsFloatsAsPythonDoes) {
  EXPECT_EQ(PythonFloat(1e-05), "1e-05");
  EXPECT_EQ(PythonFloat(0.01), "0.01");
  EXPECT_EQ(PythonFloat(3), "3.0");
}

TEST(CommandLine, WordOrderSpacesAndBareWordsAreFree) {
  const ParsedCommand command =
      Parse({"epochs", "=", "5", "train", "imgsz=", "320", "detect", "lr0", "=0.1", "cos_lr"});
  EXPECT_EQ(command.mode, "train");
  EXPECT_EQ(*command.Find("epochs"), OptionValue(5));
  EXPECT_EQ(*command.Find("imgsz"), OptionValue(320));
  EXPECT_EQ(*command.Find("lr0"), OptionValue(0.1));
  EXPECT_EQ(*command.Find("cos_lr"), OptionValue(true));
  EXPECT_EQ(*Parse({"classes=[0,", "2]"}).Find("classes"), OptionValue(OptionValue::List{0, 2}));
}

TEST(CommandLine, OldWordsAndDashesAreMendedWithAWarning) {
  const ParsedCommand command = Parse({"--epochs=3", "hide_labels=True", "batch=4,"});
  EXPECT_EQ(*command.Find("epochs"), OptionValue(3));
  EXPECT_EQ(*command.Find("show_labels"), OptionValue(false));
  EXPECT_EQ(*command.Find("batch"), OptionValue(4));
  EXPECT_EQ(command.warnings.size(), 3U);
  EXPECT_EQ(*Parse({"half=True"}).Find("quantize"), OptionValue(16));
}

TEST(CommandLine, MistakesAreNamedWithWhatIsAllowed) {
  EXPECT_THAT(ErrorOf([] { (void)Parse({"epoch=3", "zzz=1"}); }),
              ::testing::AllOf(HasSubstr("epochs=100"), HasSubstr("zzz")));
  EXPECT_THAT(ErrorOf([] { (void)Parse({"epochs=-1"}); }), HasSubstr("at least 1"));
  EXPECT_THAT(ErrorOf([] { (void)Parse({"lr0=nan"}); }), HasSubstr("lr0"));
  EXPECT_THAT(ErrorOf([] { (void)Parse({"epochs"}); }), HasSubstr("needs a value"));
  EXPECT_THAT(ErrorOf([] { (void)Parse({"epochs=None"}); }), HasSubstr("whole number"));
  EXPECT_THAT(ErrorOf([] { (void)Parse({"classes=[1"}); }), HasSubstr("]"));
  EXPECT_EQ(*Parse({"epochs=1e2"}).Find("epochs"), OptionValue(100));
}

TEST(CommandLine, WordsOnTheLineWinOverTheFile) {
  const TempDir dir;
  WriteFileAtomic(dir.path() / "a.yaml", "epochs: 7\nbatch: 2\n");
  const ParsedCommand command = Parse({"epochs=9", "cfg=" + (dir.path() / "a.yaml").string()});
  EXPECT_EQ(*command.Find("epochs"), OptionValue(9));
  EXPECT_EQ(*command.Find("batch"), OptionValue(2));
}

TEST(OptionSet, ArgsYamlIsTheReferencesFile) {
  HEADROOM_NEEDS_SHARED("reference-run/yolo11n-bccd/args.yaml");
  OptionSet set(Parse({"model=yolo11n.yaml", "data=../shared/data/bccd/data.yaml", "epochs=60",
                       "imgsz=320", "batch=16", "seed=0", "device=cpu", "name=y11"})
                    .overrides);
  EXPECT_EQ(set.ArgsYaml("runs/detect/train"),
            *ReadFile(SharedFile("reference-run/yolo11n-bccd/args.yaml")));
}

TEST(Options, ValuesThatOnlyTheirUseCanJudge) {
  const auto from = [](const char* word) {
    const ParsedCommand command = Parse({word});
    return Options::From(OptionSet(command.overrides), command.overrides);
  };
  EXPECT_EQ(from("imgsz=321").image_width, 352);
  EXPECT_EQ(from("device=cuda:0").device, "0");
  EXPECT_EQ(from("scale=0.25").scale_max, 1.25);
  EXPECT_EQ(from("cache=ram").cache, CacheKind::kRam);
  for (const char* bad : {"imgsz=0", "batch=0", "batch=2.5", "cache=tape", "amp=fp16", "fraction=0",
                          "optimizer=Lion", "freeze=-1"}) {
    EXPECT_NE(ErrorOf([&] { (void)from(bad); }), "no error") << bad;
  }
}

class DatasetYaml : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(dir_.path() / "images/train");
    std::filesystem::create_directories(dir_.path() / "images/val");
  }
  std::string Write(const std::string& text) {
    WriteFileAtomic(dir_.path() / "data.yaml", text);
    return (dir_.path() / "data.yaml").string();
  }
  TempDir dir_;
};

TEST_F(DatasetYaml, NamesComeAsListMapOrCount) {
  const std::string head = "train: images/train\nval: images/val\n";
  EXPECT_THAT(ReadDatasetYaml(Write(head + "names: [a, b]\n"), ".").names, ElementsAre("a", "b"));
  EXPECT_THAT(ReadDatasetYaml(Write(head + "names: {1: b, 0: a}\n"), ".").names,
              ElementsAre("a", "b"));
  EXPECT_THAT(ReadDatasetYaml(Write(head + "nc: \"2\"\n"), ".").names,
              ElementsAre("class_0", "class_1"));
}

TEST_F(DatasetYaml, MistakesAreNamedWithFileAndLine) {
  const std::string head = "train: images/train\nval: images/val\n";
  const auto error = [&](const std::string& text) {
    const std::string file = Write(text);
    return ErrorOf([&] { (void)ReadDatasetYaml(file, "/datasets"); });
  };
  EXPECT_THAT(error(head + "nc: 2\nnames: [a]\n"),
              ::testing::AllOf(HasSubstr("data.yaml:4"), HasSubstr("nc is 2")));
  EXPECT_THAT(error("names:\n\t0: a\n"),
              ::testing::AllOf(HasSubstr("data.yaml:2"), HasSubstr("tab")));
  EXPECT_THAT(error("train: nothing\nval: images/val\nnames: [a]\n"), HasSubstr("does not exist"));
  EXPECT_THAT(error("val: images/val\nnames: [a]\n"), HasSubstr("'train' is missing"));
  EXPECT_THAT(error(head), HasSubstr("neither names nor nc"));
  EXPECT_THAT(error(head + "path: nowhere\nnames: [a]\n"),
              ::testing::AllOf(HasSubstr("/datasets/nowhere"), HasSubstr(dir_.path().string())));
}

TEST(ModelYaml, TheSizeLetterPicksTheScale) {
  const ModelConfig config = ReadModelYaml("yolo11s.yaml");
  EXPECT_EQ(config.scale, "s");
  EXPECT_EQ(ScaledChannels(1024, config), 512);
  EXPECT_EQ(ReadModelYaml("yolov8x.yaml").scale, "x");
  EXPECT_EQ(ScaledRepeats(3, 0.5), 2);  // 1.5 rounds to even.
  EXPECT_EQ(ScaledRepeats(5, 0.5), 2);  // 2.5 too.
  EXPECT_THAT(ErrorOf([] { (void)ReadModelYaml("yolo99n.yaml"); }), HasSubstr("yolo11.yaml"));
}

TEST(RunFolder, CountsOnWhereTheNameIsTaken) {
  const TempDir dir;
  RunFolderRequest request{.runs_dir = dir.path()};
  EXPECT_EQ(ChooseRunFolder(request), dir.path() / "detect/train");
  CreateRunFolder(dir.path() / "detect/train", true);
  EXPECT_EQ(ChooseRunFolder(request), dir.path() / "detect/train-2");
  request.exist_ok = true;
  EXPECT_EQ(ChooseRunFolder(request), dir.path() / "detect/train");
  EXPECT_THROW(CreateRunFolder("/proc/nothing", false), WriteError);
}

}  // namespace
}  // namespace headroom
