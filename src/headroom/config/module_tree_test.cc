// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/module_tree.h"

#include "headroom/config/activation_name.h"

#include <gtest/gtest.h>

namespace headroom {
namespace {

TEST(ModuleTree, IsMadeAndFoundByDottedPaths) {
  ModuleTree tree{.type = "Root"};
  tree.At("a.b", "Between").Set("x", 1).Set("y", "text").Set("x", 2);
  tree.At("a.c", "Between");
  ASSERT_NE(tree.Find("a"), nullptr);
  EXPECT_EQ(tree.Find("a")->type, "Between");
  EXPECT_EQ(tree.Find("a")->children.size(), 2U);
  EXPECT_EQ(*tree.Find("a.b")->Attribute("x"), OptionValue(2));
  EXPECT_EQ(tree.Find("a.b")->attributes.size(), 2U);
  EXPECT_EQ(tree.Find("a.b")->Attribute("z"), nullptr);
  EXPECT_EQ(tree.Find("a.d"), nullptr);
  EXPECT_EQ(tree.Find(""), &tree);
}

TEST(ParseActivation, KnowsCallsOfTorchsClasses) {
  EXPECT_EQ(ParseActivation("nn.SiLU()"), (ActivationName{"SiLU"}));
  EXPECT_EQ(ParseActivation(" torch.nn.ReLU(inplace=True) "), (ActivationName{"ReLU"}));
  EXPECT_EQ(ParseActivation("nn.ReLU(True)"), (ActivationName{"ReLU"}));
  EXPECT_EQ(ParseActivation("nn.LeakyReLU()"), (ActivationName{"LeakyReLU", 0.01}));
  EXPECT_EQ(ParseActivation("nn.LeakyReLU(0.1, True)"), (ActivationName{"LeakyReLU", 0.1}));
  EXPECT_EQ(ParseActivation("nn.LeakyReLU(inplace=False, negative_slope=2e-1)"),
            (ActivationName{"LeakyReLU", 0.2}));
  EXPECT_EQ(ParseActivation("nn.Identity()"), (ActivationName{"Identity"}));
}

TEST(ParseActivation, RefusesWhatItDoesNotKnow) {
  for (const char* text :
       {"", "SiLU", "nn.SiLU", "nn.Mish()", "nn.ReLU(0.1)", "nn.LeakyReLU(steep)",
        "nn.LeakyReLU(0.1, 0.2)", "nn.LeakyReLU(slope=1)", "nn.ReLU(inplace=True, 3)",
        "nn.Identity(True)", "nn.SiLU();nn.ReLU()", "os.system('x')", "nn.LeakyReLU(nan)"}) {
    EXPECT_FALSE(ParseActivation(text)) << text;
  }
}

}  // namespace
}  // namespace headroom
