// SPDX-License-Identifier: Apache-2.0
// What our checkpoints say of a network's modules, beside what the reference says of the same one.
#include "headroom/interop/torch_archive.h"
#include "headroom/testing/shared_files.h"
#include "headroom/testing/temp_dir.h"
#include "headroom/train/model_files.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace headroom {
namespace {

using testing::SharedFile;
using testing::TempDir;

CheckpointContents Read(const std::filesystem::path& path) {
  auto contents = ReadCheckpoint(path);
  if (!contents) throw std::runtime_error(contents.error());
  return std::move(*contents);
}

// What the reference keeps of past validations and moves, and what its loader sets anew.
bool IsBookkeeping(std::string_view name) {
  constexpr std::string_view kNames[] = {"anchors", "strides",  "shape",        "pt_path", "np",
                                         "end2end", "_end2end", "agnostic_nms", "inplace"};
  return std::ranges::find(kNames, name) != std::end(kNames);
}

// Everything that the reference's module says is in ours with an equal value, in the same order of
// children.
void ExpectSameModule(const ModuleTree& reference, const ModuleTree& ours,
                      const std::string& where) {
  SCOPED_TRACE(where);
  EXPECT_EQ(reference.type, ours.type);
  EXPECT_EQ(reference.parameters, ours.parameters);
  EXPECT_EQ(reference.buffers, ours.buffers);
  for (const auto& [name, value] : reference.attributes) {
    if (IsBookkeeping(name)) continue;
    const OptionValue* own = ours.Attribute(name);
    ASSERT_NE(own, nullptr) << name;
    EXPECT_EQ(value.ToText(), own->ToText()) << name;
  }
  for (const auto& [name, values] : reference.tensor_attributes) {
    if (IsBookkeeping(name)) continue;
    EXPECT_EQ(ours.tensor_attributes.at(0).second, values) << name;
  }
  ASSERT_EQ(reference.children.size(), ours.children.size());
  for (std::size_t i = 0; i < ours.children.size(); ++i) {
    ASSERT_EQ(reference.children[i].name, ours.children[i].name);
    ExpectSameModule(reference.children[i].module, ours.children[i].module,
                     where + '.' + ours.children[i].name);
  }
}

class ReferenceModules : public ::testing::TestWithParam<const char*> {};

TEST_P(ReferenceModules, AreBuiltAndWrittenAgain) {
  HEADROOM_NEEDS_SHARED(GetParam());
  const CheckpointContents reference = Read(SharedFile(GetParam()));
  Model model = BuildModel(
      ConfigOf(reference, GetParam()),
      {.classes = ClassCountOf(reference), .class_width = ClassWidthOf(reference)}, at::kCPU);
  model.parameters->Allocate(at::kCPU, Element::kFloat32, false);
  const Transfer transfer = CopyWeights(reference, model);
  EXPECT_EQ(transfer.copied, transfer.all);

  PickleHeap heap;
  const NamedTensors tensors(*model.parameters, model.parameters->values,
                             model.parameters->running);
  CheckpointSpec spec;
  spec.network = {.yaml = YamlNode(heap, model),
                  .layers = model.modules.Find("model"),
                  .names = reference.names,
                  .strides = {8, 16, 32}};
  const auto root = MakeCheckpoint(heap, spec, tensors.by_name());
  ASSERT_TRUE(root.ok()) << root.error();
  const TempDir dir;
  WriteFileAtomic(dir.path() / "ours.pt",
                  [&](FileWriter& file) { WriteTorchArchive(file, **root); });
  const CheckpointContents ours = Read(dir.path() / "ours.pt");
  ExpectSameModule(*reference.modules->Find("model"), *ours.modules->Find("model"), "model");
  ASSERT_EQ(ours.tensors.size(), reference.tensors.size());
  for (std::size_t i = 0; i < ours.tensors.size(); ++i)
    EXPECT_EQ(ours.tensors[i].name, reference.tensors[i].name);
}

INSTANTIATE_TEST_SUITE_P(All, ReferenceModules,
                         ::testing::Values("reference-run/files/yolo11n-8.3-stripped.pt",
                                           "reference-run/files/yolo11n-8.3-in-training.pt",
                                           "reference-run/files/yolo11n-80class-random.pt",
                                           "reference-run/files/yolo11n-8.4-finetuned-80to3.pt",
                                           "reference-run/files/yolo11n-8.4-in-training.pt",
                                           "reference-run/files/yolo26n-8.4-musgd-in-training.pt",
                                           "reference-run/files/yolo26n-8.4-single-cls-nms-free.pt",
                                           "reference-run/yolo11n-bccd/best.pt",
                                           "reference-run/yolo26n-bccd/best.pt"));

}  // namespace
}  // namespace headroom
