// SPDX-License-Identifier: Apache-2.0
// What rows and checkpoints may say of modules, and how the rest is refused.
#include "headroom/core/error.h"
#include "headroom/nn/model.h"
#include "headroom/nn/module_row.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Model Build(const ModelConfig& config) { return BuildModel(config, {.classes = 2}, at::kCPU); }

std::string Text(const std::string& row, const std::string& top = "") {
  return "nc: 2\n" + top + "backbone:\n  - [-1, 1, Conv, [16, 3, 2]]\n  - " + row +
         "\nhead:\n  - [[1], 1, Detect, [nc]]\n";
}

std::string ErrorOf(const std::string& text) {
  try {
    (void)Build(ParseModelYaml(text, "mine.yaml"));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

const ConvBnActSpec& SpecOf(const Model& model, const std::string& name) {
  for (const Node& node : model.graph->nodes()) {
    if (node.name == name) return dynamic_cast<const ConvBnAct&>(*node.operation).spec();
  }
  throw std::runtime_error("no node " + name);
}

struct Refused {
  const char* row;
  const char* names;  // What the message must name beside file, line and layer.
};
class RefusedRows : public ::testing::TestWithParam<Refused> {};

TEST_P(RefusedRows, AreNamedWithFileLineLayerAndArgument) {
  const std::string error = ErrorOf(Text(GetParam().row));
  EXPECT_THAT(error, HasSubstr("mine.yaml:4: layer 1 ("));
  EXPECT_THAT(error, HasSubstr(GetParam().names));
}

INSTANTIATE_TEST_SUITE_P(
    All, RefusedRows,
    ::testing::Values(
        Refused{"[-1, 1, Conv, []]", "0 arguments, but Conv takes 1 to 7"},
        Refused{"[-1, 1, Conv, [16, 3, 1, 1, 1, 1, True, 9]]", "8 arguments"},
        Refused{"[-1, 1, Conv, [16, 3, 1, same]]",
                "argument 4 (padding) must be None or a whole number from 0 to 1024, not same"},
        Refused{"[-1, 1, Conv, [16, 3, 1, True]]", "argument 4 (padding)"},
        Refused{"[-1, 1, Conv, [16, 3, 1, [1, 2]]]", "argument 4 (padding)"},
        Refused{"[-1, 1, Conv, [16, 3, 1, -1]]", "argument 4 (padding)"},
        Refused{"[-1, 1, Conv, [16, [3, 5]]]", "argument 2 (kernel)"},
        Refused{"[-1, 1, Conv, [16, 3.0]]", "argument 2 (kernel)"},
        Refused{"[-1, 1, Conv, [16, 3, 0]]", "argument 3 (stride)"},
        Refused{"[-1, 1, Conv, [16, 3, 1, None, 3]]", "groups 3 do not divide"},
        Refused{"[-1, 1, Conv, [16, 3, 1, None, 1, 0]]", "argument 6 (dilation)"},
        Refused{"[-1, 1, Conv, [16, 3, 1, None, 1, 1, nn.ReLU()]]", "argument 7 (activation)"},
        Refused{"[-1, 1, Conv, [16, 3, 1, None, 1, 1, 1]]", "argument 7 (activation)"},
        Refused{"[-1, 1, Conv, [0]]", "argument 1 (channels)"},
        Refused{"[-1, 1, Conv, [many]]", "argument 1 (channels)"},
        Refused{"[[-1, 0], 1, Conv, [16]]", "it reads 2 layers, but Conv takes one"},
        Refused{"[-1, 1, Conv, [16, 400, 1, 0]]", "nothing is left of a map"},
        Refused{"[-1, 1, DWConv, [16, 3, 1, None]]", "argument 4 (dilation)"},
        Refused{"[-1, 1, DWConv, [16, 3, 1, 1, 0]]", "argument 5 (activation)"},
        Refused{"[-1, 1, Bottleneck, [16, 1]]", "argument 2 (shortcut) must be True or False"},
        Refused{"[-1, 1, Bottleneck, [16, True, 3]]", "groups 3 do not divide"},
        Refused{"[-1, 1, Bottleneck, [16, True, 1, 3]]", "argument 4 (kernels)"},
        Refused{"[-1, 1, Bottleneck, [16, True, 1, [[3, 5], 3]]]", "argument 4 (kernels)"},
        Refused{"[-1, 1, Bottleneck, [16, True, 1, [2, 3]]]", "its shortcut adds a map of"},
        Refused{"[-1, 1, Bottleneck, [16, True, 1, [3, 3], 0.01]]", "leaves no channel"},
        Refused{"[-1, 1, C2f, [16, True, 1, 0]]", "argument 4 (expansion)"},
        Refused{"[-1, 1, C2f, [16, True, 1, 0.5, 2]]", "5 arguments, but C2f takes 1 to 4"},
        Refused{"[-1, 1, C2, [16, 0.5]]", "argument 2 (shortcut)"},
        Refused{"[-1, 1, C3, [16, True, half]]", "argument 3 (groups)"},
        Refused{"[-1, 1, C3k, [16, True, 1, 0.5, [3, 5]]]", "argument 5 (kernel)"},
        Refused{"[-1, 1, C3k2, [16, True, 0.5, False, 3]]", "groups 3 do not divide"},
        Refused{"[-1, 1, C3k2, [16, yes it is]]", "argument 2 (c3k)"},
        Refused{"[-1, 1, SPPF, [16, 4]]", "argument 2 (kernel) must be odd"},
        Refused{"[-1, 1, SPPF, [16, 5, 0]]", "argument 3 (pools)"},
        Refused{"[-1, 1, C2PSA, [32]]", "C2PSA keeps its width"},
        Refused{"[-1, 1, nn.Upsample, [64, 2]]", "argument 1 (size) must be None"},
        Refused{"[-1, 1, nn.Upsample, [None, 3]]", "argument 2 (factor) must be 2"},
        Refused{"[-1, 1, nn.Upsample, [None, 2, bilinear]]", "argument 3 (mode)"},
        Refused{"[-1, 1, nn.Upsample, [None, 2, nearest, True]]", "argument 4 (align_corners)"},
        Refused{"[[-1, 0], 1, Concat, [2]]", "argument 1 (dimension)"},
        Refused{"[[-1, 0], 3, Concat, [1]]", "repeats 3"},
        Refused{"[-1, 1, Detect, [nc]]", "Detect must be the last layer, once"},
        Refused{"[-1, 1, Focus, [16]]", "module 'Focus' is not known; known are Bottleneck, C2,"}));

TEST(RefusedRowsOfTheHead, AreNamed) {
  const auto head = [](const std::string& row) {
    return ErrorOf("nc: 2\nbackbone:\n  - [-1, 1, Conv, [16, 3, 2]]\nhead:\n  - " + row + "\n");
  };
  EXPECT_THAT(head("[[0], 1, Detect, [7]]"), HasSubstr("argument 1 (classes) must be nc"));
  EXPECT_THAT(head("[[0], 1, Detect, [nc, 8]]"), HasSubstr("2 arguments, but Detect takes 1"));
  EXPECT_THAT(head("[[0], 2, Detect, [nc]]"), HasSubstr("repeats 2: a Detect stands once"));
  EXPECT_EQ(head("[[0], 1, Detect, [2]]"), "no error");
}

TEST(RefusedMaps, AreNamedByTheLayerWhereTheyMeet) {
  const std::string text =
      "nc: 2\nbackbone:\n  - [-1, 1, Conv, [16, 3, 2]]\n  - [-1, 1, Conv, [16, 3, 1, 0]]\n"
      "  - [[-1, 0], 1, Concat, [1]]\nhead:\n  - [[2], 1, Detect, [nc]]\n";
  EXPECT_THAT(ErrorOf(text), AllOf(HasSubstr("mine.yaml:5: layer 2 (Concat)"),
                                   HasSubstr("it joins maps of 126 x 126 and 128 x 128")));
  EXPECT_THAT(ErrorOf(Text("[-1, 1, Conv, [16, 3, 1, 0]]")),
              AllOf(HasSubstr("layer 2 (Detect)"), HasSubstr("no whole stride")));
}

TEST(RowsOfACheckpoint, AreNamedByFileAndLayer) {
  ModelConfig config = ParseModelYaml(Text("[-1, 1, Conv, [16, 3, 1, same]]"), "mine.yaml");
  config.source = "runs/best.pt";
  for (ModelLayer& layer : config.layers) layer.line = 0;
  try {
    (void)Build(config);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("runs/best.pt: layer 1 (Conv): argument 4 (padding)"));
  }
}

// A model built again from the modules that it recorded, after `change`.
class FileModules : public ::testing::Test {
 protected:
  FileModules() {
    config_.source = "best.pt";
    modules_ = Build(config_).modules;
  }

  Model Rebuild() {
    config_.modules = std::make_shared<ModuleTree>(modules_);
    return Build(config_);
  }
  std::string Error() {
    try {
      (void)Rebuild();
    } catch (const DataError& error) {
      return error.what();
    }
    return "no error";
  }
  ModuleTree& At(const std::string& name) { return modules_.At(name, kSequentialType); }

  ModelConfig config_ = ParseModelYaml(Text("[-1, 1, C3k2, [16, True]]"), "mine.yaml");
  ModuleTree modules_;
};

TEST_F(FileModules, GiveTheSameModelUnchanged) {
  const Model model = Rebuild();
  EXPECT_EQ(model.parameters->entries().size(), Build(config_).parameters->entries().size());
  EXPECT_EQ(model.config.modules, nullptr);
}

TEST_F(FileModules, WinOverRowsWhereAConvolutionSaysMore) {
  At("model.0.conv").Set("kernel_size", OptionValue::List{4, 4});
  At("model.0.conv").Set("dilation", OptionValue::List{2, 2});
  At("model.0.conv").Set("padding", OptionValue::List{3, 3});
  At("model.1.cv1.conv").Set("groups", 4);
  At("model.1.cv1.bn").Set("eps", 1e-5).Set("momentum", 0.1);
  At("model.1.cv2.act") = {.type = "torch.nn.modules.activation.LeakyReLU",
                           .attributes = {{"negative_slope", 0.2}, {"inplace", true}}};
  const Model model = Rebuild();
  const ConvBnActSpec& stem = SpecOf(model, "model.0");
  EXPECT_EQ(stem.convolution.kernel, 4);
  EXPECT_EQ(stem.convolution.dilation, 2);
  EXPECT_EQ(stem.convolution.padding(), 3);
  EXPECT_EQ(SpecOf(model, "model.1.cv1").convolution.groups, 4);
  EXPECT_EQ(SpecOf(model, "model.1.cv1").norm_epsilon, 1e-5);
  EXPECT_EQ(SpecOf(model, "model.1.cv1").norm_momentum, 0.1);
  EXPECT_EQ(SpecOf(model, "model.1.cv2").activation, Activation::kLeakyRelu);
  EXPECT_EQ(SpecOf(model, "model.1.cv2").negative_slope, 0.2);
  // And are recorded, so that they are in the next checkpoint.
  EXPECT_EQ(*model.modules.Find("model.1.cv1.bn")->Attribute("eps"), OptionValue(1e-5));
  EXPECT_EQ(*model.modules.Find("model.0.conv")->Attribute("padding"), (OptionValue::List{3, 3}));
}

TEST_F(FileModules, OfOtherKindsAreRefusedByName) {
  const auto after = [this](const auto& change) {
    const ModuleTree kept = modules_;
    change();
    std::string error = Error();
    modules_ = kept;
    EXPECT_THAT(error, HasSubstr("best.pt: "));
    return error;
  };
  EXPECT_THAT(after([&] { At("model.0.conv").Set("padding_mode", "reflect"); }),
              HasSubstr("model.0.conv.padding_mode is reflect; known is zeros"));
  EXPECT_THAT(after([&] { At("model.0.conv").Set("padding", "same"); }),
              HasSubstr("model.0.conv.padding is same"));
  EXPECT_THAT(after([&] { At("model.0.conv").Set("stride", OptionValue::List{2, 1}); }),
              HasSubstr("model.0.conv.stride is [2, 1]"));
  EXPECT_THAT(after([&] { At("model.0.bn").Set("momentum", {}); }),
              HasSubstr("model.0.bn.momentum is None"));
  EXPECT_THAT(after([&] { At("model.0.bn").Set("track_running_stats", false); }),
              HasSubstr("track_running_stats is False"));
  EXPECT_THAT(after([&] { At("model.0.act").type = "torch.nn.modules.activation.Mish"; }),
              HasSubstr("model.0.act is a torch.nn.modules.activation.Mish; known are nn.SiLU()"));
  EXPECT_THAT(after([&] { At("model.0.conv").parameters[1].second = true; }),
              HasSubstr("model.0.conv: its parameter 'bias' is not known"));
  EXPECT_THAT(after([&] { At("model.0.conv").Set("weight_scale", 3); }),
              HasSubstr("its attribute weight_scale = 3 is not known"));
  EXPECT_THAT(after([&] { At("model.0").opaque.emplace_back("prune"); }),
              HasSubstr("model.0: its attribute prune is not known"));
  EXPECT_THAT(after([&] { At("model.1.m.0.m.0").Set("add", false); }),
              HasSubstr("model.1.m.0.m.0.add is False; known is True for such a row"));
  EXPECT_THAT(after([&] { At("model.1").type = "ultralytics.nn.modules.block.C2fCIB"; }),
              HasSubstr("model.1: it is a ultralytics.nn.modules.block.C2fCIB"));
  EXPECT_THAT(after([&] { At("model.1.extra"); }), HasSubstr("model.1.extra"));
  EXPECT_THAT(after([&] { At("model.0").children.erase(At("model.0").children.begin() + 1); }),
              HasSubstr("there is no module model.0.bn; a fused network"));
}

TEST_F(FileModules, MayDifferInWhatTheTensorsSayToo) {
  At("model.2").Set("nc", 80).Set("no", 144).Set("anchors", 3).Set("legacy", true);
  At("model.0").Set("np", 5).Set("i", 9);
  EXPECT_EQ(Error(), "no error");
}

}  // namespace
}  // namespace headroom
