// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/concat.h"

namespace headroom {
namespace {

constexpr std::string_view kType = "ultralytics.nn.modules.conv.Concat";
constexpr std::string_view kArguments[] = {"dimension"};

ValueId Build(const LayerContext& context, const std::string& name, ValueId /*x*/) {
  if (context.arguments.Int(0, 1, {}) != 1) context.arguments.Wrong(0, "1 (the channels)");
  context.builder.Record(name, kType).Set("d", 1);
  return context.builder.graph().Concat(context.arguments.inputs);
}

}  // namespace

constexpr ModuleRow kConcatRow{.word = "Concat",
                               .type = kType,
                               .arguments = kArguments,
                               .needed = 0,
                               .repeats = Repeats::kOnce,
                               .inputs = Inputs::kMany,
                               .build = Build};

}  // namespace headroom
