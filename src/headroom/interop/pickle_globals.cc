// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/pickle_globals.h"

#include "headroom/core/check.h"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

namespace headroom {
namespace {

using Role = GlobalRole;

constexpr std::array kFixed = {
    KnownGlobal{"collections", "OrderedDict", Role::kOrderedDict},
    KnownGlobal{"collections", "defaultdict", Role::kOrderedDict},
    KnownGlobal{"__builtin__", "set", Role::kSet},
    KnownGlobal{"builtins", "set", Role::kSet},
    KnownGlobal{"__builtin__", "frozenset", Role::kSet},
    KnownGlobal{"builtins", "frozenset", Role::kSet},
    KnownGlobal{"__builtin__", "dict", Role::kIgnored},
    KnownGlobal{"builtins", "dict", Role::kIgnored},
    KnownGlobal{"__builtin__", "list", Role::kIgnored},
    KnownGlobal{"builtins", "list", Role::kIgnored},
    KnownGlobal{"__builtin__", "int", Role::kIgnored},
    KnownGlobal{"builtins", "int", Role::kIgnored},
    KnownGlobal{"__builtin__", "slice", Role::kClass},
    KnownGlobal{"builtins", "slice", Role::kClass},
    KnownGlobal{"_codecs", "encode", Role::kBytes},
    KnownGlobal{"pathlib", "PosixPath", Role::kClass},
    KnownGlobal{"pathlib", "WindowsPath", Role::kClass},
    KnownGlobal{"pathlib", "PurePosixPath", Role::kClass},
    KnownGlobal{"types", "SimpleNamespace", Role::kClass},
    KnownGlobal{"numpy", "dtype", Role::kClass},
    KnownGlobal{"numpy.core.multiarray", "scalar", Role::kNumpyScalar},
    KnownGlobal{"numpy._core.multiarray", "scalar", Role::kNumpyScalar},
    KnownGlobal{"torch", "Size", Role::kTuple},
    KnownGlobal{"torch", "device", Role::kClass},
    KnownGlobal{"torch", "float16", Role::kIgnored},
    KnownGlobal{"torch", "bfloat16", Role::kIgnored},
    KnownGlobal{"torch", "float32", Role::kIgnored},
    KnownGlobal{"torch", "float64", Role::kIgnored},
    KnownGlobal{"torch", "int64", Role::kIgnored},
    KnownGlobal{"torch._utils", "_rebuild_tensor", Role::kTensor},
    KnownGlobal{"torch._utils", "_rebuild_tensor_v2", Role::kTensor},
    KnownGlobal{"torch._utils", "_rebuild_parameter", Role::kParameter},
    KnownGlobal{"torch", "HalfStorage", Role::kStorage, DataType::kFloat16},
    KnownGlobal{"torch", "BFloat16Storage", Role::kStorage, DataType::kBFloat16},
    KnownGlobal{"torch", "FloatStorage", Role::kStorage, DataType::kFloat32},
    KnownGlobal{"torch", "DoubleStorage", Role::kStorage, DataType::kFloat64},
    KnownGlobal{"torch", "LongStorage", Role::kStorage, DataType::kInt64},
    KnownGlobal{"torch", "IntStorage", Role::kStorage, DataType::kInt32},
    KnownGlobal{"torch", "ShortStorage", Role::kStorage, DataType::kInt16},
    KnownGlobal{"torch", "CharStorage", Role::kStorage, DataType::kInt8},
    KnownGlobal{"torch", "ByteStorage", Role::kStorage, DataType::kUInt8},
    KnownGlobal{"torch", "BoolStorage", Role::kStorage, DataType::kBool},
};

// Classes whose instances are kept as they are: any of these modules with any of these names.
struct ClassFamily {
  std::span<const std::string_view> modules;
  std::span<const std::string_view> names;
};

constexpr std::string_view kTorchModules[] = {
    "torch.nn.modules.activation", "torch.nn.modules.batchnorm", "torch.nn.modules.container",
    "torch.nn.modules.conv",       "torch.nn.modules.dropout",   "torch.nn.modules.flatten",
    "torch.nn.modules.linear",     "torch.nn.modules.loss",      "torch.nn.modules.normalization",
    "torch.nn.modules.padding",    "torch.nn.modules.pooling",   "torch.nn.modules.upsampling",
};
constexpr std::string_view kTorchNames[] = {
    "AdaptiveAvgPool2d",
    "AvgPool2d",
    "BatchNorm2d",
    "BCEWithLogitsLoss",
    "Conv2d",
    "ConvTranspose2d",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "GELU",
    "Hardswish",
    "Identity",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "MaxPool2d",
    "Mish",
    "ModuleList",
    "MultiheadAttention",
    "NonDynamicallyQuantizableLinear",
    "ReLU",
    "ReLU6",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Tanh",
    "Upsample",
    "ZeroPad2d",
};

constexpr std::string_view kLayerModules[] = {
    "ultralytics.nn.modules",       "ultralytics.nn.modules.activation",
    "ultralytics.nn.modules.block", "ultralytics.nn.modules.conv",
    "ultralytics.nn.modules.head",  "ultralytics.nn.modules.transformer",
    "ultralytics.yolo.nn.modules",  "ultralytics.nn.common",
};
constexpr std::string_view kLayerNames[] = {
    "A2C2f",
    "AAttn",
    "ABlock",
    "ADown",
    "AIFI",
    "AConv",
    "Attention",
    "BNContrastiveHead",
    "BiFPN",
    "Bottleneck",
    "BottleneckCSP",
    "C1",
    "C2",
    "C2PSA",
    "C2f",
    "C2fAttn",
    "C2fCIB",
    "C2fPSA",
    "C3",
    "C3Ghost",
    "C3TR",
    "C3f",
    "C3k",
    "C3k2",
    "C3x",
    "CBAM",
    "CBFuse",
    "CBLinear",
    "CIB",
    "ChannelAttention",
    "Classify",
    "Concat",
    "ContrastiveHead",
    "Conv",
    "Conv2",
    "ConvTranspose",
    "DFL",
    "DWConv",
    "DWConvTranspose2d",
    "Detect",
    "ELAN1",
    "Focus",
    "GhostBottleneck",
    "GhostConv",
    "HGBlock",
    "HGStem",
    "ImagePoolingAttn",
    "Index",
    "LightConv",
    "MaxSigmoidAttnBlock",
    "OBB",
    "PSA",
    "PSABlock",
    "Pose",
    "Proto",
    "RTDETRDecoder",
    "RepC3",
    "RepConv",
    "RepNCSPELAN4",
    "RepVGGDW",
    "ResNetBlock",
    "ResNetLayer",
    "SCDown",
    "SPP",
    "SPPELAN",
    "SPPF",
    "Segment",
    "SpatialAttention",
    "TorchVision",
    "WorldDetect",
    "v10Detect",
};

constexpr std::string_view kModelModules[] = {"ultralytics.nn.tasks",
                                              "ultralytics.yolo.engine.model"};
constexpr std::string_view kModelNames[] = {
    "ClassificationModel",  "DetectionModel",    "Ensemble",   "OBBModel",   "PoseModel",
    "RTDETRDetectionModel", "SegmentationModel", "WorldModel", "YOLOEModel",
};

constexpr std::string_view kUtilModules[] = {
    "ultralytics.utils",
    "ultralytics.utils.loss",
    "ultralytics.utils.tal",
    "ultralytics.yolo.utils",
    "ultralytics.yolo.utils.loss",
    "ultralytics.yolo.utils.tal",
    "ultralytics.yolo.v8.detect.train",
};
constexpr std::string_view kUtilNames[] = {
    "BboxLoss",
    "DFLoss",
    "E2EDetectLoss",
    "IterableSimpleNamespace",
    "Loss",
    "TaskAlignedAssigner",
    "v8DetectionLoss",
};

constexpr std::array kFamilies = {
    ClassFamily{kTorchModules, kTorchNames},
    ClassFamily{kLayerModules, kLayerNames},
    ClassFamily{kModelModules, kModelNames},
    ClassFamily{kUtilModules, kUtilNames},
};

// All pairs of all families, sorted; about a thousand entries of static text.
std::vector<KnownGlobal> BuildTable() {
  std::vector<KnownGlobal> table(kFixed.begin(), kFixed.end());
  for (const ClassFamily& family : kFamilies) {
    for (const std::string_view module : family.modules) {
      for (const std::string_view name : family.names)
        table.push_back({module, name, Role::kClass});
    }
  }
  std::ranges::sort(table, [](const KnownGlobal& a, const KnownGlobal& b) {
    return std::pair(a.module, a.name) < std::pair(b.module, b.name);
  });
  return table;
}

}  // namespace

const KnownGlobal* FindGlobal(std::string_view module, std::string_view name) {
  static const std::vector<KnownGlobal> table = BuildTable();
  const auto key = [](const KnownGlobal& global) { return std::pair(global.module, global.name); };
  const auto at = std::ranges::lower_bound(table, std::pair(module, name), {}, key);
  return at != table.end() && key(*at) == std::pair(module, name) ? &*at : nullptr;
}

const KnownGlobal& StorageGlobal(DataType type) {
  const auto matches = [type](const KnownGlobal& global) {
    return global.role == Role::kStorage && global.type == type;
  };
  const auto at = std::ranges::find_if(kFixed, matches);
  HEADROOM_CHECK(at != kFixed.end(), "every data type has a storage class");
  return *at;
}

}  // namespace headroom
