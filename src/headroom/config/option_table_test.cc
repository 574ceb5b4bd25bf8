// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/option_table.h"

#include "headroom/config/help_text.h"
#include "headroom/config/yaml_tree.h"
#include "headroom/core/error.h"
#include "headroom/core/strings.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>

namespace headroom {
namespace {

using List = OptionValue::List;
using ::testing::HasSubstr;

TEST(OptionTable, EveryDefaultPassesItsOwnCheck) {
  for (const OptionInfo& option : OptionTable()) {
    const Result<OptionValue> checked = CheckOption(option, option.Default());
    EXPECT_TRUE(checked.ok()) << (checked ? "" : checked.error());
  }
}

TEST(OptionTable, NamesAreUniqueAndEveryRowHasAMeaning) {
  std::set<std::string_view> names;
  for (const OptionInfo& option : OptionTable()) {
    EXPECT_TRUE(names.insert(option.name).second) << option.name;
    EXPECT_FALSE(option.help.empty()) << option.name;
    EXPECT_EQ(option.owner == OptionOwner::kOtherTask, !option.unused.empty()) << option.name;
  }
  EXPECT_EQ(FindOption("epoch"), nullptr);
}

struct Case {
  const char* name;
  const char* text;
  OptionValue value;  // As the run uses it.
};
class Allowed : public ::testing::TestWithParam<Case> {};
TEST_P(Allowed, IsTaken) {
  const auto& [name, text, value] = GetParam();
  const Result<OptionValue> checked = CheckOption(*FindOption(name), OptionValue::Parse(text));
  ASSERT_TRUE(checked.ok()) << checked.error();
  EXPECT_EQ(*checked, value) << name << "=" << text;
}
INSTANTIATE_TEST_SUITE_P(
    All, Allowed,
    ::testing::Values(
        Case{"epochs", "1e2", 100}, Case{"workers", "-1", -1}, Case{"batch", "-1", -1},
        Case{"batch", "0.7", 0.7}, Case{"batch", "8.0", 8},
        Case{"imgsz", "640,480", List{640, 480}}, Case{"imgsz", "[640]", List{640}},
        Case{"cache", "RAM", "ram"}, Case{"cache", "none", {}}, Case{"device", "cuda:0", "0"},
        Case{"device", "0,1", "0,1"}, Case{"device", "[0, 1]", "0,1"}, Case{"device", "CPU", "cpu"},
        Case{"device", "-1", "-1"}, Case{"device", "none", {}}, Case{"optimizer", "adamw", "AdamW"},
        Case{"amp", "bf16", "bf16"}, Case{"amp", "false", false}, Case{"fraction", "1", 1.0},
        Case{"fraction", "300", 300}, Case{"fraction", "[0.5,1,0]", List{0.5, 1.0, 0}},
        Case{"multi_scale", "True", 1.0}, Case{"scale", "0.5,1.5", List{0.5, 1.5}},
        Case{"freeze", "10", 10}, Case{"freeze", "[0,model.3]", List{0, "model.3"}},
        Case{"freeze", "23.cv2", "23.cv2"}, Case{"classes", "3", 3},
        Case{"classes", "(0,2)", List{0, 2}}, Case{"quantize", "fp16", 16},
        Case{"resume", "last.pt", "last.pt"}, Case{"pretrained", "False", false},
        Case{"conf", "none", {}}, Case{"opset", "12.0", 12}, Case{"memory", "6G", "6G"},
        Case{"memory", "0.8", 0.8}, Case{"vram", "800 MiB", "800 MiB"},
        Case{"microbatch", "auto", "auto"}, Case{"microbatch", "4", 4},
        Case{"recompute", "Blocks", "blocks"}, Case{"recompute", "none", "none"},
        Case{"recompute", "None", "none"}, Case{"recompute", "null", "none"},
        Case{"recompute", "'none'", "none"}, Case{"auto_augment", "none", {}},
        Case{"name", "3", "3"}, Case{"source", "0", 0}, Case{"mixup", "1", 1},
        Case{"nms", "True", true}));

struct Bad {
  const char* name;
  const char* text;
  const char* says;
};
class Refused : public ::testing::TestWithParam<Bad> {};
TEST_P(Refused, IsNamedWithWhatIsAllowedAndAnExample) {
  const auto& [name, text, says] = GetParam();
  const Result<OptionValue> checked = CheckOption(*FindOption(name), OptionValue::Parse(text));
  ASSERT_FALSE(checked.ok()) << name << "=" << text;
  EXPECT_THAT(checked.error(), HasSubstr(std::string(name) + "="));
  EXPECT_THAT(checked.error(), HasSubstr(says));
  EXPECT_THAT(checked.error(), HasSubstr("for example " + std::string(name) + "="));
}
INSTANTIATE_TEST_SUITE_P(
    All, Refused,
    ::testing::Values(
        Bad{"epochs", "-1", "a whole number of at least 1"}, Bad{"epochs", "0", "at least 1"},
        Bad{"epochs", "3.5", "epochs=3.5"}, Bad{"epochs", "none", "epochs=None"},
        Bad{"epochs", "True", "whole number"}, Bad{"epochs", "1e300", "whole number"},
        Bad{"imgsz", "0", "from 1 to 32768"}, Bad{"imgsz", "-32", "pixels"},
        Bad{"imgsz", "abc", "imgsz=abc"}, Bad{"imgsz", "[]", "imgsz=[]"},
        Bad{"imgsz", "1,2,3", "imgsz=[1, 2, 3]"}, Bad{"batch", "0", "at least 1, -1"},
        Bad{"batch", "-2", "batch=-2"}, Bad{"batch", "1.5", "batch=1.5"},
        Bad{"batch", "abc", "batch=abc"}, Bad{"momentum", "1.5", "from 0 to 1"},
        Bad{"momentum", "abc", "a number from 0 to 1"}, Bad{"lr0", "none", "lr0=None"},
        Bad{"cos_lr", "1", "True or False"}, Bad{"single_cls", "yes", "single_cls=yes"},
        Bad{"optimizer", "3", "AdamW"}, Bad{"optimizer", "lion", "MuSGD"}, Bad{"amp", "0", "bf16"},
        Bad{"amp", "fp8", "fp32"}, Bad{"multi_scale", "2", "from 0 to 1"},
        Bad{"scale", "-0.1", "pair"}, Bad{"scale", "2,1", "pair"},
        Bad{"fraction", "0", "share above 0"}, Bad{"fraction", "1.5", "count above 1"},
        Bad{"fraction", "[0.5,0]", "fraction="}, Bad{"quantize", "7", "w8a8"},
        Bad{"patience", "-1", "at least 0"}, Bad{"time", "0", "above 0"},
        Bad{"conf", "2", "from 0 to 1"}, Bad{"workers", "-2", "at least -1"},
        Bad{"classes", "a", "class number"}, Bad{"classes", "-1", "class number"},
        Bad{"freeze", "-1", "layers"}, Bad{"cache", "foo", "ram, disk or False"},
        Bad{"device", "gpu", "cpu, mps"}, Bad{"device", "0,0", "device=[0, 0]"},
        Bad{"device", "0.5", "cpu"}, Bad{"memory", "6", "size with its unit"},
        Bad{"memory", "0", "0.8"}, Bad{"memory", "1K", "6G"}, Bad{"memory", "lots", "6G"},
        Bad{"microbatch", "0", "auto"}, Bad{"recompute", "no", "none, activations, blocks or auto"},
        Bad{"progress", "none", "auto or json"},
        Bad{"mode", "banana", "train, val, predict or export"},
        Bad{"format", "engine", "torchscript or onnx"}, Bad{"compile", "none", "compile=None"},
        Bad{"data", "[1,2]", "one text"}, Bad{"degrees", "1e999", "degrees=inf"}));

std::string Help(const std::vector<std::string>& words) { return HelpFor(words); }

std::string HelpError(const std::vector<std::string>& words) {
  try {
    (void)HelpFor(words);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

bool Lists(const std::string& help, std::string_view option) {
  return help.find("\n  " + std::string(option) + "=") != std::string::npos;
}

std::size_t LongestLine(const std::string& text) {
  std::size_t longest = 0;
  for (const std::string_view line : Split(text, '\n')) longest = std::max(longest, line.size());
  return longest;
}

TEST(HelpText, ShowsEveryOptionWithDefaultUnitAndMeaning) {
  const std::string all = Help({"train"}) + Help({"val"}) + Help({"predict"}) + Help({"export"});
  for (const OptionInfo& option : OptionTable()) {
    EXPECT_THAT(all,
                HasSubstr("\n  " + std::string(option.name) + "=" + std::string(option.initial)));
  }
  EXPECT_THAT(Help({"train"}), HasSubstr("passes over the training images [epochs]"));
}

TEST(HelpText, IsOfTheCommandThatIsNamed) {
  const std::vector<std::pair<std::vector<std::string>, const char*>> kCases = {
      {{"train"}, "yolo detect train data=data.yaml model=yolo11n.yaml"},
      {{"detect", "val", "conf=0.5"}, "yolo detect val model=best.pt"},
      {{"predict"}, "yolo detect predict model=best.pt source=images/"},
      {{"export"}, "yolo detect export model=best.pt format=onnx"},
      {{"memory"}, "yolo memory explain [RUN FOLDER]"},
      {{"memory", "plan"}, "compare=batch,imgsz"},
      {{"memory", "advise"}, "yolo memory advise ARGUMENTS OF A TRAINING"},
      {{"memory", "explain", "runs/detect/train"}, "A run of Ultralytics is explained"},
      {{"monitor", "--once"}, "yolo monitor [RUN FOLDER] [--once] [--json]"},
      {{"data"}, "yolo data convert from=voc"},
      {{"data", "check"}, "--fix"},
      {{"data", "convert"}, "from=coco src=FOLDER_OR_JSON"},
      {{"settings"}, "yolo settings reset"},
      {{"setting"}, "yolo settings reset"},
      {{"cfg"}, "yolo cfg"},
      {{"copy-cfg"}, "default_copy.yaml"},
      {{"checks"}, "yolo checks"},
      {{"version"}, "yolo version"},
      {{}, "yolo help COMMAND"},
      {{"help"}, "yolo help COMMAND"},
  };
  for (const auto& [words, says] : kCases) {
    const std::string help = Help(words);
    EXPECT_THAT(help, HasSubstr(says));
    EXPECT_LE(LongestLine(help), 100U) << help;
    EXPECT_TRUE(help.ends_with('\n') && !help.ends_with("\n\n")) << help;
  }
}

TEST(HelpText, ListsOnlyWhatTheCommandReads) {
  EXPECT_TRUE(Lists(Help({"train"}), "epochs"));
  EXPECT_FALSE(Lists(Help({"train"}), "source"));
  EXPECT_FALSE(Lists(Help({"val"}), "epochs"));
  EXPECT_TRUE(Lists(Help({"val"}), "imgsz"));
  EXPECT_TRUE(Lists(Help({"predict"}), "source"));
  EXPECT_FALSE(Lists(Help({"predict"}), "mosaic"));
  EXPECT_TRUE(Lists(Help({"export"}), "format"));
  EXPECT_TRUE(Lists(Help({"memory", "plan"}), "ram"));
  EXPECT_FALSE(Lists(Help({"monitor"}), "epochs"));
}

TEST(HelpText, AnUnknownTopicIsAnErrorWithTheNearest) {
  EXPECT_THAT(HelpError({"trian"}), HasSubstr("no help on 'trian'; the nearest are train"));
  EXPECT_THAT(HelpError({"blah"}), HasSubstr("there is on train, val, predict, export, memory"));
  EXPECT_THAT(HelpError({"epochs"}), HasSubstr("it is an option"));
  EXPECT_THAT(HelpError({"memory", "plam"}), HasSubstr("there are plan, advise, explain"));
}

TEST(HelpText, TheDefaultsAreAValidConfigurationFile) {
  const YamlTree tree = ParseYaml(DefaultsYaml(), "default.yaml");
  ASSERT_EQ(tree.entries.size(), OptionTable().size());
  for (const OptionInfo& option : OptionTable())
    EXPECT_EQ(tree.Find(option.name)->ToValue(), option.Default()) << option.name;
}

TEST(HelpText, NamesTheExitCodesAndTheCommands) {
  EXPECT_THAT(HelpText(), HasSubstr("3 data"));
  for (const char* command : {"train", "val", "predict", "export", "memory plan", "memory advise",
                              "memory explain", "monitor", "data check", "data convert", "settings",
                              "cfg", "copy-cfg", "checks", "version", "help COMMAND"}) {
    EXPECT_TRUE(HelpText().find(fmt::format("yolo {} ", command)) != std::string::npos ||
                HelpText().find(fmt::format("yolo detect {} ", command)) != std::string::npos ||
                HelpText().find(fmt::format("yolo {}\n", command)) != std::string::npos)
        << command;
  }
  EXPECT_LE(LongestLine(HelpText()), 100U);
  EXPECT_THAT(MissingDataText("train"),
              HasSubstr("yolo detect train data=data.yaml model=yolo11n.yaml"));
}

}  // namespace
}  // namespace headroom
