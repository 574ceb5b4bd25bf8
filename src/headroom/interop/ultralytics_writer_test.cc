// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/ultralytics_writer.h"

#include "headroom/interop/torch_archive.h"
#include "headroom/testing/shared_files.h"
#include "headroom/testing/temp_dir.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace headroom {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::SharedFile;
using testing::TempDir;

// A copy of a read value in another heap, the way a caller builds its own.
PickleNode* Copy(PickleHeap& heap, const PickleNode& node) {
  if (const std::string* text = node.Text()) return heap.Text(*text);
  if (const auto* flag = node.As<bool>()) return heap.Bool(*flag);
  if (const auto* real = node.As<double>()) return heap.Float(*real);
  if (const auto integer = node.Int()) return heap.Int(*integer);
  if (const auto* dict = node.As<PickleDict>()) {
    PickleNode* copy = heap.Dict();
    for (const auto& [key, value] : dict->items) {
      copy->As<PickleDict>()->items.emplace_back(Copy(heap, *key), Copy(heap, *value));
    }
    return copy;
  }
  if (const PickleTensor* tensor = node.Tensor())
    return heap.New(std::make_unique<PickleTensor>(*tensor));
  if (node.As<PickleList>() == nullptr && node.As<PickleTuple>() == nullptr) return heap.None();
  PickleNode* copy = heap.List();
  for (const PickleNode* item : node.Items())
    copy->As<PickleList>()->items.push_back(Copy(heap, *item));
  return node.As<PickleTuple>() != nullptr ? heap.Tuple(copy->As<PickleList>()->items) : copy;
}

// Reads a file of the reference, writes it again with our own code.
class Rewriter {
 public:
  explicit Rewriter(const std::string& relative) : contents_(Read(SharedFile(relative))) {
    for (const CheckpointTensor& tensor : contents_.tensors)
      tensors_.emplace(tensor.name, &tensor.data);
    spec_.network.yaml = Copy(heap_, *contents_.yaml);
    spec_.network.layers = contents_.modules->Find("model");
    spec_.network.names = contents_.names;
    spec_.network.strides = contents_.strides;
    spec_.network.args = Copy(heap_, *contents_.train_args);
    spec_.train_args = spec_.network.args;
    spec_.train_metrics = CopyOrNull(contents_.train_metrics);
    spec_.train_results = CopyOrNull(contents_.train_results);
    spec_.date = contents_.date;
    if (!contents_.in_training) return;
    spec_.form = CheckpointForm::kInTraining;
    spec_.epoch = contents_.epoch;
    spec_.best_fitness = contents_.best_fitness;
    spec_.stopper = contents_.stopper.value_or(StopperState{});
    spec_.updates = contents_.updates;
    spec_.optimizer = CopyOrNull(contents_.optimizer);
  }

  static CheckpointContents Read(const std::filesystem::path& path) {
    auto contents = ReadCheckpoint(path);
    if (!contents) throw std::runtime_error(contents.error());
    return std::move(*contents);
  }

  CheckpointContents Write(const std::filesystem::path& path) {
    const auto root = MakeCheckpoint(heap_, spec_, tensors_);
    if (!root) throw std::runtime_error(root.error());
    WriteFileAtomic(path, [&](FileWriter& file) { WriteTorchArchive(file, **root); });
    return Read(path);
  }

  PickleNode* CopyOrNull(const PickleNode* node) {
    return node != nullptr ? Copy(heap_, *node) : nullptr;
  }

  CheckpointContents contents_;
  PickleHeap heap_;
  TensorsByName tensors_;
  CheckpointSpec spec_;
};

void ExpectEqualTensors(const CheckpointContents& a, const CheckpointContents& b) {
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    ASSERT_EQ(a.tensors[i].name, b.tensors[i].name);
    EXPECT_EQ(a.tensors[i].is_parameter, b.tensors[i].is_parameter) << a.tensors[i].name;
    EXPECT_EQ(a.tensors[i].data.type(), b.tensors[i].data.type()) << a.tensors[i].name;
    ASSERT_EQ(a.tensors[i].data.shape(), b.tensors[i].data.shape());
    ASSERT_EQ(AsFloats(a.tensors[i].data), AsFloats(b.tensors[i].data)) << a.tensors[i].name;
  }
}

// What the reference keeps of past validations and moves, and what its loader sets anew.
bool IsBookkeeping(std::string_view name) {
  constexpr std::string_view kNames[] = {"anchors", "strides",  "shape",        "pt_path",
                                         "end2end", "training", "agnostic_nms", "inplace"};
  return std::ranges::find(kNames, name) != std::end(kNames);
}

// Every field of every module that the reference wrote is in ours with an equal value, and the
// classes are the same.
void ExpectSameModule(const PickleNode& reference, const PickleNode& ours,
                      const std::string& where) {
  EXPECT_EQ(reference.As<PickleObject>()->type, ours.As<PickleObject>()->type) << where;
  for (const auto& [key, value] : reference.Fields()->items) {
    const std::string& name = *key->Text();
    // A fine-tuned head keeps the parameter count that it had before it was rebuilt.
    if (IsBookkeeping(name) || (name == "np" && reference.KindName() == "Detect")) continue;
    const PickleNode* own = ours.Find(name);
    ASSERT_NE(own, nullptr) << where << "." << name;
    EXPECT_EQ(value->Number(), own->Number()) << where << "." << name;
    EXPECT_EQ(value->Text() != nullptr ? *value->Text() : "",
              own->Text() != nullptr ? *own->Text() : "")
        << where;
    ASSERT_EQ(value->Items().size(), own->Items().size()) << where << "." << name;
    for (std::size_t i = 0; i < value->Items().size(); ++i) {
      EXPECT_EQ(value->Items()[i]->Int(), own->Items()[i]->Int()) << where << "." << name;
    }
  }
  for (const auto& [key, child] : reference.Find("_modules")->As<PickleDict>()->items) {
    const PickleNode* own = ours.Find("_modules")->Find(*key->Text());
    ASSERT_NE(own, nullptr) << where << "." << *key->Text();
    ExpectSameModule(*child, *own, where + "." + *key->Text());
  }
}

const PickleNode& Network(const CheckpointContents& contents) {
  const PickleNode& root = contents.archive->root();
  return root.Find("ema")->Truthy() ? *root.Find("ema") : *root.Find("model");
}

class Rewritten : public ::testing::TestWithParam<const char*> {};

TEST_P(Rewritten, EqualsWhatTheReferenceWrote) {
  HEADROOM_NEEDS_SHARED(GetParam());
  const TempDir dir;
  Rewriter rewriter(GetParam());
  const CheckpointContents ours = rewriter.Write(dir.path() / "ours.pt");
  const CheckpointContents& reference = rewriter.contents_;
  ExpectEqualTensors(reference, ours);
  ExpectSameModule(Network(reference), Network(ours), "model");
  EXPECT_EQ(ours.names, reference.names);
  EXPECT_EQ(ours.strides, reference.strides);
  EXPECT_EQ(ours.epoch, reference.epoch);
  EXPECT_EQ(ours.updates, reference.updates);
  EXPECT_EQ(ours.in_training, reference.in_training);
  EXPECT_EQ(ours.head.uses_one_to_one, reference.head.uses_one_to_one);
  EXPECT_EQ(ours.train_args->As<PickleDict>()->items.size(),
            reference.train_args->As<PickleDict>()->items.size());
}

INSTANTIATE_TEST_SUITE_P(All, Rewritten,
                         ::testing::Values("reference-run/files/yolo11n-8.3-stripped.pt",
                                           "reference-run/files/yolo11n-80class-random.pt",
                                           "reference-run/files/yolo11n-8.4-finetuned-80to3.pt",
                                           "reference-run/files/yolo11n-8.4-in-training.pt",
                                           "reference-run/files/yolo26n-8.4-musgd-in-training.pt",
                                           "reference-run/files/yolo26n-8.4-single-cls-nms-free.pt",
                                           "reference-run/yolo11n-bccd/best.pt",
                                           "reference-run/yolo26n-bccd/best.pt"));

// Runs check_in_ultralytics.py with the interpreter that the environment names.
class InUltralytics : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* python = std::getenv("HEADROOM_ULTRALYTICS_PYTHON");
    if (python == nullptr) GTEST_SKIP() << "HEADROOM_ULTRALYTICS_PYTHON names no interpreter";
    python_ = python;
  }

  // Gives the script's exit status; its last lines are in the test's output.
  [[nodiscard]] int Run(const std::string& arguments) const {
    const std::string command = fmt::format(
        "cd {} && YOLO_CONFIG_DIR=. PYTHONPATH= {} {}/src/headroom/interop/check_in_ultralytics.py "
        "{} > log 2>&1; "
        "status=$?; tail -n 12 log; exit $status",
        dir_.path().string(), python_, HEADROOM_SOURCE_DIR, arguments);
    return std::system(command.c_str());
  }

  TempDir dir_;
  std::string python_;
};

class RewrittenInUltralytics : public InUltralytics,
                               public ::testing::WithParamInterface<const char*> {};

TEST_P(RewrittenInUltralytics, DetectsAndValidatesAsTheOriginal) {
  HEADROOM_NEEDS_SHARED(GetParam());
  Rewriter(GetParam()).Write(dir_.path() / "ours.pt");
  // The reference writes its label cache beside the labels.
  std::filesystem::copy(SharedFile("data/bccd"), dir_.path() / "bccd",
                        std::filesystem::copy_options::recursive);
  std::filesystem::permissions(dir_.path() / "bccd/labels", std::filesystem::perms::owner_all);
  const int status =
      Run(fmt::format("same ours.pt {} bccd/data.yaml", SharedFile(GetParam()).string()));
  EXPECT_EQ(status, 0);
}
INSTANTIATE_TEST_SUITE_P(All, RewrittenInUltralytics,
                         ::testing::Values("reference-run/yolo11n-bccd/best.pt",
                                           "reference-run/yolo26n-bccd/best.pt"));

class ResumedInUltralytics : public InUltralytics,
                             public ::testing::WithParamInterface<const char*> {};

TEST_P(ResumedInUltralytics, TrainsToItsLastEpoch) {
  HEADROOM_NEEDS_SHARED(GetParam());
  std::filesystem::copy(SharedFile("data/bccd"), dir_.path() / "bccd",
                        std::filesystem::copy_options::recursive);
  std::filesystem::permissions(dir_.path() / "bccd/labels", std::filesystem::perms::owner_all);
  Rewriter rewriter(GetParam());
  PickleHeap& heap = rewriter.heap_;
  const std::string weights = dir_.path() / "run/weights";
  std::filesystem::create_directories(weights);
  heap.Set(rewriter.spec_.train_args, "data", heap.Text((dir_.path() / "bccd/data.yaml").string()));
  heap.Set(rewriter.spec_.train_args, "project", heap.Text(dir_.path().string()));
  heap.Set(rewriter.spec_.train_args, "name", heap.Text("run"));
  heap.Set(rewriter.spec_.train_args, "save_dir", heap.Text((dir_.path() / "run").string()));
  heap.Set(rewriter.spec_.train_args, "imgsz", heap.Int(64));
  heap.Set(rewriter.spec_.train_args, "plots", heap.Bool(false));
  PickleNode* headroom = heap.Dict();
  heap.Set(headroom, "raw", heap.Tensor(TensorData::FromFloats({2}, std::array{1.0F, 2.0F})));
  heap.Set(headroom, "random", heap.Bytes("\x80\xff\x01z"));
  rewriter.spec_.headroom = headroom;
  rewriter.Write(weights + "/last.pt");
  EXPECT_EQ(Run("resume run/weights/last.pt"), 0);
  EXPECT_EQ(Run("export run/weights/last.pt"), 0);
}
INSTANTIATE_TEST_SUITE_P(All, ResumedInUltralytics,
                         ::testing::Values("reference-run/files/yolo11n-8.4-in-training.pt",
                                           "reference-run/files/yolo26n-8.4-musgd-in-training.pt"));

}  // namespace
}  // namespace headroom
