// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/command_line.h"

#include "headroom/core/error.h"
#include "headroom/core/rng.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace headroom {
namespace {

using List = OptionValue::List;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using Words = std::vector<std::string>;

ParsedCommand Parse(const Words& words) { return ParseCommandLine(words); }

// A training with what is needed, and these words.
ParsedCommand Train(Words words) {
  words.insert(words.begin(), {"train", "data=d.yaml", "model=m.yaml"});
  return Parse(words);
}

std::string ErrorOf(const Words& words) {
  try {
    (void)Parse(words);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

OptionValue ValueOf(const ParsedCommand& command, const std::string& key) {
  const OptionValue* value = command.Find(key);
  return value == nullptr ? OptionValue("absent") : *value;
}

TEST(CommandLine, WordOrderIsFree) {
  const ParsedCommand a = Parse({"detect", "train", "data=d.yaml", "model=m.yaml", "epochs=3"});
  const ParsedCommand b = Parse({"epochs=3", "model=m.yaml", "train", "data=d.yaml"});
  for (const ParsedCommand& command : {a, b}) {
    EXPECT_EQ(command.task, "detect");
    EXPECT_EQ(command.mode, "train");
    EXPECT_EQ(ValueOf(command, "epochs"), OptionValue(3));
    EXPECT_THAT(command.warnings, IsEmpty());
    EXPECT_EQ(command.special, "");
    EXPECT_EQ(command.Find("mode"), nullptr);
    EXPECT_EQ(command.overrides.size(), 3U);
  }
}

TEST(CommandLine, EqualsSignsMayStandApart) {
  const ParsedCommand command = Train({"epochs", "=", "5", "cos_lr", "lr0", "=0.2", "lrf=", "0.3"});
  EXPECT_EQ(ValueOf(command, "epochs"), OptionValue(5));
  EXPECT_EQ(ValueOf(command, "lr0"), OptionValue(0.2));
  EXPECT_EQ(ValueOf(command, "lrf"), OptionValue(0.3));
  EXPECT_EQ(ValueOf(command, "cos_lr"), OptionValue(true));
}

TEST(CommandLine, BracketsJoinWords) {
  EXPECT_EQ(ValueOf(Train({"classes=[0,", "2]"}), "classes"), OptionValue(List{0, 2}));
  EXPECT_EQ(ValueOf(Train({"classes", "=", "[0,", "2", ",", "5]"}), "classes"),
            OptionValue(List{0, 2, 5}));
  EXPECT_THAT(ErrorOf({"train", "classes=[0,", "2"}), HasSubstr("no partner"));
  EXPECT_THAT(ErrorOf({"train", "cache=a]"}), HasSubstr("no partner"));
}

TEST(CommandLine, DashesAndCommasAreMendedWithAWarning) {
  const ParsedCommand command = Train({"--cos_lr=True,"});
  EXPECT_EQ(ValueOf(command, "cos_lr"), OptionValue(true));
  EXPECT_THAT(command.warnings, ElementsAre(HasSubstr("leading dashes"), HasSubstr("comma")));
  EXPECT_THAT(ErrorOf({"train", "-epochs=3"}), HasSubstr("epochs=100"));
}

TEST(CommandLine, TheLastWordOfAKeyWins) {
  const ParsedCommand command = Train({"epochs=3", "epochs=4"});
  EXPECT_EQ(ValueOf(command, "epochs"), OptionValue(4));
  EXPECT_EQ(Parse({"val", "mode=train", "data=d", "model=m"}).mode, "train");
}

TEST(CommandLine, NamesOfFoldersAreNeverConverted) {
  const ParsedCommand command = Train({"name=0x10", "project=3"});
  EXPECT_EQ(ValueOf(command, "name"), OptionValue("0x10"));
  EXPECT_EQ(ValueOf(command, "project"), OptionValue("3"));
  EXPECT_TRUE(ValueOf(Train({"name=none"}), "name").is_null());
}

TEST(CommandLine, UnknownNamesAreListedWithTheNearest) {
  const std::string error = ErrorOf({"train", "data=d", "epoch=3", "lr=1", "foo"});
  EXPECT_THAT(error,
              AllOf(HasSubstr("'epoch' is not an option; the nearest are epochs=100"),
                    HasSubstr("'lr'"), HasSubstr("lr0=0.01"), HasSubstr("'foo' is not an option")));
  EXPECT_THAT(ErrorOf({"train", "datta=d"}), HasSubstr("the nearest are data="));
  EXPECT_THAT(ErrorOf({"train", "datta=d"}), Not(HasSubstr("data=, data")));
  EXPECT_THAT(ErrorOf({"trian", "data=d"}), HasSubstr("train"));
  EXPECT_THAT(ErrorOf({"train", "best.pt"}), HasSubstr("did you mean model=best.pt?"));
  EXPECT_THAT(ErrorOf({"train", "bccd.yaml"}), HasSubstr("did you mean data=bccd.yaml"));
  EXPECT_THAT(ErrorOf({"train", "EPOCHS=3", "data=d"}), HasSubstr("'EPOCHS' is not an option"));
}

TEST(CommandLine, ValuesThatAreMissingAreAskedFor) {
  EXPECT_THAT(ErrorOf({"train", "epochs"}),
              AllOf(HasSubstr("epochs needs a value"), HasSubstr("epochs=100")));
  EXPECT_THAT(ErrorOf({"train", "data=d", "epochs="}), HasSubstr("epochs= has no value"));
  EXPECT_THAT(ErrorOf({"=3"}), HasSubstr("name before ="));
}

TEST(CommandLine, OtherTasksAndModesAreRefusedByName) {
  EXPECT_THAT(ErrorOf({"segment", "train"}), HasSubstr("the only task is detect"));
  EXPECT_THAT(ErrorOf({"task=pose", "train", "data=d"}), HasSubstr("the only task is detect"));
  EXPECT_THAT(ErrorOf({"track", "source=a"}), HasSubstr("not part of this program"));
  EXPECT_THAT(ErrorOf({"mode=banana", "data=d"}), HasSubstr("train, val, predict or export"));
  EXPECT_THAT(ErrorOf({"login"}), HasSubstr("not part of this program"));
}

TEST(CommandLine, SpecialWordsEndTheParsing) {
  EXPECT_EQ(Parse({}).special, "help");
  EXPECT_EQ(Parse({"-h"}).special, "help");
  EXPECT_EQ(Parse({"--help"}).special, "help");
  EXPECT_EQ(Parse({"-v"}).special, "version");
  EXPECT_EQ(Parse({"check"}).special, "checks");
  EXPECT_EQ(Parse({"--settings"}).special, "settings");
  EXPECT_EQ(Parse({"cfg"}).special, "cfg");
  EXPECT_EQ(Parse({"copy-cfg"}).special, "copy-cfg");
  EXPECT_EQ(Parse({"help"}).mode, "");
  const ParsedCommand help = Parse({"help", "train"});
  EXPECT_EQ(help.special, "help");
  EXPECT_THAT(help.arguments, ElementsAre("train"));
  EXPECT_THAT(Parse({"train", "help"}).arguments, ElementsAre("train"));
}

TEST(CommandLine, HelpIsAskedForAnywhere) {
  const std::vector<std::pair<Words, Words>> cases = {
      {{"train", "--help"}, {"train"}},
      {{"detect", "val", "epochs=3", "-h"}, {"detect", "val", "epochs=3"}},
      {{"memory", "plan", "--help"}, {"memory", "plan"}},
      {{"memory", "--help", "plan"}, {"memory", "plan"}},
      {{"data", "help"}, {"data"}},
      {{"help", "memory", "explain"}, {"memory", "explain"}},
      {{"checks", "--help"}, {"checks"}},
      {{"--help", "settings"}, {"settings"}},
  };
  for (const auto& [words, topic] : cases) {
    const ParsedCommand help = Parse(words);
    EXPECT_EQ(help.special, "help");
    EXPECT_EQ(help.arguments, topic);
  }
}

TEST(CommandLine, WordsThatNothingWouldReadAreRefused) {
  EXPECT_THAT(ErrorOf({"checks", "foo"}), HasSubstr("`yolo checks` takes no other words; left "
                                                    "over: foo"));
  EXPECT_THAT(ErrorOf({"version", "foo=1"}), HasSubstr("left over: foo=1"));
  EXPECT_THAT(ErrorOf({"cfg", "my.yaml"}), HasSubstr("yolo detect train cfg=FILE.yaml"));
  EXPECT_THAT(ErrorOf({"copy-cfg", "x"}), HasSubstr("takes no other words"));
  EXPECT_THAT(Parse({"settings", "runs_dir", "=", "x"}).arguments, ElementsAre("runs_dir=x"));
}

TEST(CommandLine, AnUnknownOptionIsSentToTheHelpOfItsMode) {
  EXPECT_THAT(ErrorOf({"export", "foo=1"}), HasSubstr("`yolo help export` lists the options."));
  EXPECT_THAT(ErrorOf({"foo=1"}), HasSubstr("`yolo help train` lists"));
  EXPECT_THAT(ErrorOf({"mode=x", "foo=1"}), HasSubstr("`yolo help train` lists"));
}

TEST(CommandLine, OwnCommandsKeepTheirWordsUntouched) {
  const ParsedCommand command = Parse({"memory", "plan", "--json", "batch=[1,", "x"});
  EXPECT_EQ(command.special, "memory");
  EXPECT_THAT(command.arguments, ElementsAre("plan", "--json", "batch=[1,", "x"));
  EXPECT_EQ(Parse({"monitor"}).special, "monitor");
  EXPECT_EQ(Parse({"data", "check", "data=d.yaml"}).special, "data");
  EXPECT_EQ(Parse({"data", "=", "d.yaml", "train", "model=m"}).special, "");
}

TEST(CommandLine, RunArgumentsNeedNothingAndHaveNoSpecialWords) {
  const ParsedCommand command =
      ParseRunArguments(Words{"batch=64", "ram=31G", "vram=24G", "device=0"});
  EXPECT_EQ(ValueOf(command, "ram"), OptionValue("31G"));
  EXPECT_EQ(ValueOf(command, "device"), OptionValue(0));
  EXPECT_EQ(ValueOf(command, "model"), OptionValue("absent"));
  EXPECT_THAT(command.warnings, IsEmpty());
}

TEST(CommandLine, DefaultsAreFilledAndSaid) {
  const ParsedCommand command = Parse({"data=d.yaml"});
  EXPECT_EQ(command.mode, "train");
  EXPECT_EQ(ValueOf(command, "model"), OptionValue("yolo26n.pt"));
  EXPECT_THAT(command.warnings, ElementsAre(HasSubstr("no mode"), HasSubstr("yolo26n.pt")));
  EXPECT_THAT(ErrorOf({"detect", "train"}), HasSubstr("yolo detect train data=data.yaml"));
  EXPECT_THAT(ErrorOf({"predict", "model=m.pt"}), HasSubstr("source= is missing"));
  EXPECT_EQ(ErrorOf({"val", "model=best.pt"}), "no error");  // The checkpoint names its data.
  EXPECT_EQ(ErrorOf({"train", "resume", "model=last.pt"}), "no error");
  EXPECT_EQ(ErrorOf({"train", "resume=last.pt"}), "no error");
  EXPECT_THAT(ErrorOf({"train", "resume=False"}), HasSubstr("data= is missing"));
}

TEST(CommandLine, OldNamesBecomeTodaysWithAWarning) {
  const ParsedCommand command =
      Train({"half", "hide_labels=True", "line_thickness=2", "label_smoothing=0.1", "boxes=False"});
  EXPECT_EQ(ValueOf(command, "quantize"), OptionValue(16));
  EXPECT_EQ(ValueOf(command, "show_labels"), OptionValue(false));
  EXPECT_EQ(ValueOf(command, "show_boxes"), OptionValue(false));
  EXPECT_EQ(ValueOf(command, "line_width"), OptionValue(2));
  EXPECT_THAT(command.warnings, Contains(HasSubstr("label_smoothing no longer exists")));
  EXPECT_EQ(command.Find("half"), nullptr);
}

TEST(CommandLine, OldNamesYieldAsInTheReference) {
  EXPECT_EQ(ValueOf(Train({"half=True", "int8=True"}), "quantize"), OptionValue(8));
  EXPECT_EQ(ValueOf(Train({"half=True", "quantize=8"}), "quantize"), OptionValue(8));
  EXPECT_EQ(ValueOf(Train({"half=False"}), "quantize"), OptionValue("absent"));
  EXPECT_EQ(ValueOf(Train({"end2end=True"}), "nms"), OptionValue(false));
  EXPECT_EQ(ValueOf(Train({"nms", "end2end"}), "nms"), OptionValue(false));
  EXPECT_EQ(ValueOf(Train({"end2end=False"}), "nms"), OptionValue("absent"));
}

TEST(CommandLine, OptionsWithoutEffectAreSaid) {
  EXPECT_THAT(Train({"pose=3"}).warnings,
              ElementsAre(AllOf(HasSubstr("pose"), HasSubstr("no effect"))));
  EXPECT_THAT(Train({"pose=12.0", "overlap_mask=True"}).warnings, IsEmpty());
}

TEST(CommandLine, WordsWinOverAConfigurationFileWhereverTheyStand) {
  const testing::TempDir folder;
  const std::string file = (folder.path() / "c.yaml").string();
  std::ofstream(file)
      << "lr0: 1e-3\nepochs: 7\nclasses: [0, 2]\nsave_dir: x\nname: 5\nhalf: true\n";
  const ParsedCommand command = Train({"epochs=3", "cfg=" + file});
  EXPECT_EQ(ValueOf(command, "epochs"), OptionValue(3));
  EXPECT_EQ(ValueOf(command, "lr0"), OptionValue(0.001));
  EXPECT_EQ(ValueOf(command, "classes"), OptionValue(List{0, 2}));
  EXPECT_EQ(ValueOf(command, "quantize"), OptionValue(16));
  EXPECT_EQ(command.Find("save_dir"), nullptr);
  EXPECT_EQ(command.Find("cfg"), nullptr);
}

TEST(CommandLine, MistakesInAConfigurationFileAreNamedWithTheirLine) {
  const testing::TempDir folder;
  const std::string file = (folder.path() / "c.yaml").string();
  std::ofstream(file) << "lr0: 0.1\nepochz: 7\n";
  EXPECT_THAT(ErrorOf({"train", "data=d", "cfg=" + file}),
              HasSubstr("c.yaml:2: 'epochz' is not an option; the nearest are epochs=100"));
  EXPECT_THAT(ErrorOf({"train", "data=d", "cfg=nowhere.yaml"}), HasSubstr("nowhere.yaml"));
}

TEST(CommandLine, RandomWordsNeverDoMoreThanFail) {
  const std::string letters = "=[](),'\"\\ -+.0eEx_aN:lt\t\n";
  Rng rng(7);
  for (int round = 0; round < 20'000; ++round) {
    Words words;
    for (std::int64_t n = rng.Integer(0, 4); n > 0; --n) {
      std::string word = rng.Chance(0.5) ? "imgsz=" : "";
      for (std::int64_t i = rng.Integer(0, 9); i > 0; --i)
        word += letters[rng.Below(letters.size())];
      words.push_back(word);
    }
    (void)ErrorOf(words);
  }
}

}  // namespace
}  // namespace headroom
