// SPDX-License-Identifier: Apache-2.0
#include "headroom/nn/upsample.h"

namespace headroom {
namespace {

constexpr std::string_view kType = "torch.nn.modules.upsampling.Upsample";
constexpr std::string_view kArguments[] = {"size", "factor", "mode", "align_corners",
                                           "recompute_factor"};

ValueId Build(const LayerContext& context, const std::string& name, ValueId x) {
  const LayerArguments& a = context.arguments;
  if (a.Has(0) && !a.layer.args[0].is_null()) a.Wrong(0, "None: the factor gives the size");
  if (!a.Has(1) || !a.layer.args[1].is_number() || a.layer.args[1].AsDouble() != 2) a.Wrong(1, "2");
  if (a.Text(2, "nearest") != "nearest") a.Wrong(2, "'nearest'");
  for (const std::size_t i : {3, 4}) {
    if (a.Has(i) && !a.layer.args[i].is_null()) a.Wrong(i, "None");
  }
  context.builder.Record(name, kType)
      .Set("name", "Upsample")
      .Set("size", {})
      .Set("scale_factor", 2.0)
      .Set("mode", "nearest")
      .Set("align_corners", {})
      .Set("recompute_scale_factor", {});
  return context.builder.Upsample(x, name);
}

}  // namespace

constexpr ModuleRow kUpsampleRow{
    .word = "nn.Upsample", .type = kType, .arguments = kArguments, .needed = 2, .build = Build};

}  // namespace headroom
