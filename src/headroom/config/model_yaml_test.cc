// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/model_yaml.h"

#include "headroom/config/yaml_text.h"
#include "headroom/core/error.h"
#include "headroom/testing/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace headroom {
namespace {

using List = OptionValue::List;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kTiny =
    "nc: 2\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2]]\n  - [-1, 2, C3k2, [16, False, 0.25]]\nhead:\n"
    "  - [[1, -1], 1, Detect, [nc]]\n";

std::string ErrorOf(const std::string& text, const std::string& name = "m.yaml") {
  try {
    (void)ParseModelYaml(text, name);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

TEST(ModelYaml, RowsAreReadWithTheirLines) {
  const ModelConfig config = ParseModelYaml(kTiny, "m.yaml");
  EXPECT_EQ(config.classes, 2);
  EXPECT_EQ(config.scale, "");
  EXPECT_EQ(config.reg_max, 16);
  ASSERT_THAT(config.layers, SizeIs(3));
  EXPECT_EQ(config.backbone_layers, 2U);
  EXPECT_EQ(config.layers[1].line, 4);
  EXPECT_EQ(config.layers[1].repeats, 2);
  EXPECT_THAT(config.layers[1].args, ElementsAre(16, false, 0.25));
  EXPECT_THAT(config.layers[2].from, ElementsAre(1, -1));
  EXPECT_THAT(config.layers[2].args, ElementsAre("nc"));
}

struct Family {
  const char* name;
  double depth;
  double width;
  std::int64_t max_channels;
  std::size_t layers;
  std::size_t backbone;
};
class BuiltIn : public ::testing::TestWithParam<Family> {};
TEST_P(BuiltIn, HasTheReferencesScaleAndLayers) {
  const Family& family = GetParam();
  const ModelConfig config = ReadModelYaml(family.name);
  EXPECT_EQ(config.file, family.name);
  EXPECT_EQ(config.depth, family.depth);
  EXPECT_EQ(config.width, family.width);
  EXPECT_EQ(config.max_channels, family.max_channels);
  EXPECT_EQ(config.layers.size(), family.layers);
  EXPECT_EQ(config.backbone_layers, family.backbone);
  EXPECT_EQ(config.layers.back().module, "Detect");
  EXPECT_THAT(config.warnings, IsEmpty());
}
INSTANTIATE_TEST_SUITE_P(All, BuiltIn,
                         ::testing::Values(Family{"yolo11n.yaml", .5, .25, 1024, 24, 11},
                                           Family{"yolo11s.yaml", .5, .5, 1024, 24, 11},
                                           Family{"yolo11m.yaml", .5, 1, 512, 24, 11},
                                           Family{"yolo11l.yaml", 1, 1, 512, 24, 11},
                                           Family{"yolo11x.yaml", 1, 1.5, 512, 24, 11},
                                           Family{"yolov8n.yaml", .33, .25, 1024, 23, 10},
                                           Family{"yolov8s.yaml", .33, .5, 1024, 23, 10},
                                           Family{"yolov8m.yaml", .67, .75, 768, 23, 10},
                                           Family{"yolov8l.yaml", 1, 1, 512, 23, 10},
                                           Family{"yolov8x.yaml", 1, 1.25, 512, 23, 10},
                                           Family{"yolo26n.yaml", .5, .25, 1024, 24, 11},
                                           Family{"yolo26x.yaml", 1, 1.5, 512, 24, 11}));

// Output channels of each layer whose first argument is a channel count, as the reference builds
// it.
std::vector<std::int64_t> Channels(const ModelConfig& config) {
  std::vector<std::int64_t> channels;
  for (const ModelLayer& layer : config.layers) {
    if (layer.module != "Concat" && layer.module != "nn.Upsample" && layer.module != "Detect") {
      channels.push_back(ScaledChannels(layer.args[0].AsInt(), config));
    }
  }
  return channels;
}

TEST(ModelYaml, ChannelsAreScaledAsInTheReference) {
  EXPECT_THAT(
      Channels(ReadModelYaml("yolo11n.yaml")),
      ElementsAre(16, 32, 64, 64, 128, 128, 128, 256, 256, 256, 256, 128, 64, 64, 128, 128, 256));
  EXPECT_THAT(Channels(ReadModelYaml("yolo11x.yaml")),
              ElementsAre(96, 192, 384, 384, 768, 768, 768, 768, 768, 768, 768, 768, 384, 384, 768,
                          768, 768));
  EXPECT_THAT(
      Channels(ReadModelYaml("yolov8m.yaml")),
      ElementsAre(48, 96, 96, 192, 192, 384, 384, 576, 576, 576, 384, 192, 192, 384, 384, 576));
}

TEST(ModelYaml, RepeatsRoundHalvesToEven) {
  EXPECT_EQ(ScaledRepeats(1, 0.33), 1);
  EXPECT_EQ(ScaledRepeats(2, 0.5), 1);
  EXPECT_EQ(ScaledRepeats(3, 0.5), 2);
  EXPECT_EQ(ScaledRepeats(5, 0.5), 2);
  EXPECT_EQ(ScaledRepeats(3, 0.33), 1);
  EXPECT_EQ(ScaledRepeats(6, 0.67), 4);
  EXPECT_EQ(ScaledRepeats(2, 0.1), 1);
}

TEST(ModelYaml, Yolo26HasTwoHeadsAndNoDistribution) {
  const ModelConfig config = ReadModelYaml("yolo26n.yaml");
  EXPECT_TRUE(config.end2end);
  EXPECT_EQ(config.reg_max, 1);
  EXPECT_THAT(config.layers[9].args, ElementsAre(1024, 5, 3, true));
  EXPECT_THAT(config.layers[22].args, ElementsAre(1024, true, 0.5, true));
  EXPECT_EQ(config.layers[22].repeats, 1);
}

TEST(ModelYaml, TheStoredDictIsTheReferences) {
  ModelConfig config = ReadModelYaml("yolo11n.yaml");
  config.classes = 3;
  const OptionValue dict = ModelDict(config);
  std::vector<std::string> keys;
  for (const auto& [key, value] : dict.AsDict()) keys.push_back(key);
  EXPECT_THAT(keys,
              ElementsAre("nc", "scales", "backbone", "head", "scale", "yaml_file", "channels"));
  EXPECT_EQ(dict.ToText().substr(0, 83),
            "{'nc': 3, 'scales': {'n': [0.5, 0.25, 1024], 's': [0.5, 0.5, 1024], 'm': [0.5, 1.0,");
  EXPECT_THAT(dict.Find("head")->ToText(),
              HasSubstr("[[-1, 1, 'nn.Upsample', [None, 2, 'nearest']], [[-1, 6], 1, 'Concat', "
                        "[1]], [-1, 2, 'C3k2', [512, False]]"));
  EXPECT_THAT(dict.Find("head")->ToText(), HasSubstr("[[16, 19, 22], 1, 'Detect', ['nc']]]"));
}

TEST(ModelYaml, TextAndDictParseBackToTheSameModel) {
  for (const char* name : {"yolo11s.yaml", "yolov8x.yaml", "yolo26m.yaml"}) {
    const ModelConfig config = ReadModelYaml(name);
    for (const std::string& text : {ModelYamlText(config), ToYaml(ModelDict(config))}) {
      // The size is taken from the file itself when the name does not tell.
      const ModelConfig again = ParseModelYaml(text, "best.pt");
      EXPECT_EQ(again.scale, config.scale);
      EXPECT_EQ(again.end2end, config.end2end);
      EXPECT_EQ(again.backbone_layers, config.backbone_layers);
      EXPECT_THAT(again.warnings, IsEmpty());
      ModelConfig renamed = again;
      renamed.file = config.file;
      EXPECT_EQ(ModelDict(renamed), ModelDict(config));
    }
  }
}

TEST(ModelYaml, FactorsWithoutScalesAndTheActivationAreStoredToo) {
  const std::string text =
      "activation: nn.LeakyReLU(0.1)\ndepth_multiple: 0.33\nwidth_multiple: 0.25\n" +
      std::string(kTiny);
  const ModelConfig config = ParseModelYaml(text, "m.yaml");
  const ModelConfig again = ParseModelYaml(ToYaml(ModelDict(config)), "best.pt");
  EXPECT_EQ(again.depth, 0.33);
  EXPECT_EQ(again.width, 0.25);
  EXPECT_EQ(again.activation, "nn.LeakyReLU(0.1)");
  EXPECT_EQ(again.scale, "");
}

TEST(ModelYaml, ErrorsNameAFilesLineOrACheckpointsLayer) {
  ModelConfig config = ParseModelYaml(kTiny, "m.yaml");
  EXPECT_EQ(config.Where(1), "m.yaml:4: layer 1 (C3k2)");
  config.source = "best.pt";
  config.layers[1].line = 0;
  EXPECT_EQ(config.Where(1), "best.pt: layer 1 (C3k2)");
}

TEST(ModelYaml, ALocalFileWinsOverTheBuiltInOne) {
  const testing::TempDir folder;
  const std::string exact = (folder.path() / "yolo11s.yaml").string();
  std::ofstream(folder.path() / "yolo11.yaml") << "scales: {n: [1, 1, 8], s: [1, 2, 8]}\n" << kTiny;
  EXPECT_EQ(ReadModelYaml(exact).width, 2);
  EXPECT_EQ(ReadModelYaml((folder.path() / "yolo11n.yaml").string()).width, 1);
  std::ofstream(exact) << "scales: {s: [1, 3, 8]}\n" << kTiny;
  EXPECT_EQ(ReadModelYaml(exact).width, 3);
}

TEST(ModelYaml, TheSizeIsReadFromTheName) {
  const std::string text = std::string("scales: {n: [1, 1, 8], x: [1, 2, 8]}\n") + kTiny;
  EXPECT_EQ(ParseModelYaml(text, "my-yolo11x-p2.yaml").scale, "x");
  EXPECT_EQ(ParseModelYaml(text, "yolov8x_coins.yaml").scale, "x");
  EXPECT_EQ(ParseModelYaml(text, "yolo11xylophone.yaml").scale, "n");
  const ModelConfig config = ParseModelYaml(text, "mine.yaml");
  EXPECT_EQ(config.scale, "n");
  EXPECT_THAT(config.warnings, ElementsAre(HasSubstr("no size letter")));
  EXPECT_THAT(ErrorOf(text, "yolo11m.yaml"), HasSubstr("there is no scale 'm'; there are n, x"));
  EXPECT_EQ(ParseModelYaml(text, "a/yolo11x.yaml").Name(), "yolo11x");
}

TEST(ModelYaml, AMissingFileNamesTheBuiltInOnes) {
  try {
    (void)ReadModelYaml("yolo99n.yaml");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("yolo11.yaml"), HasSubstr("yolo26.yaml"),
                                    HasSubstr("yolov8.yaml")));
  }
}

TEST(ModelYaml, MistakesAreNamedWithFileAndLine) {
  EXPECT_THAT(ErrorOf("nc: 2\n"), HasSubstr("m.yaml:1: this is no model"));
  EXPECT_THAT(ErrorOf("backbone:\n  - [-1, 1, Conv]\nhead: []\n"),
              HasSubstr("m.yaml:2: a layer is"));
  EXPECT_THAT(ErrorOf("backbone:\n  - [-1, 0, Conv, [1]]\nhead: []\n"),
              HasSubstr("m.yaml:2: repeats"));
  EXPECT_THAT(ErrorOf("backbone:\n  - [-1, 1, Conv, [1]]\n  - [4, 1, Conv, [1]]\nhead: []\n"),
              HasSubstr("m.yaml:3: from: '4' where a whole number from -1 to 0"));
  EXPECT_THAT(ErrorOf("backbone:\n  - [x, 1, Conv, [1]]\nhead: []\n"), HasSubstr("from: 'x'"));
  EXPECT_THAT(ErrorOf("nc: many\nbackbone: []\nhead: []\n"), HasSubstr("m.yaml:1: nc: 'many'"));
  EXPECT_THAT(ErrorOf("scales: {n: [1, 2]}\nbackbone: []\nhead: []\n"), HasSubstr("a scale is"));
  EXPECT_THAT(ErrorOf("scales: {n: [1, 0, 3]}\nbackbone: []\nhead: []\n"), HasSubstr("width: '0'"));
  EXPECT_THAT(ErrorOf("nc: 2\nactivation: nn.Mish()\nbackbone: []\nhead: []\n"),
              HasSubstr("m.yaml:2: activation: 'nn.Mish()' is not known; known are nn.SiLU()"));
  EXPECT_THAT(ErrorOf("activation: [nn.ReLU()]\nbackbone: []\nhead: []\n"),
              HasSubstr("m.yaml:1: activation"));
  EXPECT_THAT(ErrorOf("ch: 4\nbackbone: []\nhead: []\n"),
              HasSubstr("m.yaml:1: ch: '4': images have 3 channels"));
  EXPECT_THAT(ErrorOf("backbone: []\nhead: []\n"), HasSubstr("no layers"));
}

}  // namespace
}  // namespace headroom
