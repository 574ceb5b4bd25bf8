// SPDX-License-Identifier: Apache-2.0
#include "headroom/interop/onnx_writer.h"

#include "headroom/testing/temp_dir.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>

namespace headroom {
namespace {

std::string Written(const OnnxModel& model) {
  const testing::TempDir dir;
  WriteFileAtomic(dir.path() / "a.onnx", [&](FileWriter& file) { WriteOnnx(file, model); });
  return *ReadFile(dir.path() / "a.onnx");
}

// y = reshape(x * scale, [1, -1]), with one attribute of each kind on a node that only carries
// them.
struct SmallModel {
  SmallModel() {
    model.nodes = {{"Mul", "mul", {"x", "scale"}, {"scaled"}, {}},
                   {"Reshape", "reshape", {"scaled", "target"}, {"y"}, {}}};
    model.initializers = {{"scale", &scale}, {"target", &target}};
    model.inputs = {{"x", DataType::kFloat32, {std::string("batch"), 2}}};
    model.outputs = {{"y", DataType::kFloat32, {1, std::string("n")}}};
    model.metadata = {{"stride", "32"}, {"names", "{0: 'cell'}"}};
  }

  TensorData scale = TensorData::FromFloats({2}, std::array{2.0F, 10.0F});
  TensorData target = TensorData::FromInts({2}, std::array<std::int64_t, 2>{1, -1});
  OnnxModel model;
};

TEST(WriteOnnx, WritesTheWireFormat) {
  OnnxModel model;
  model.ir_version = 8;
  model.opset = 300;
  model.producer_name = "p";
  model.graph_name = "g";
  model.nodes = {{"Op", "n", {"a"}, {"b"}, {{"axis", std::int64_t{-1}}}}};
  using namespace std::string_literals;
  const std::string attribute =
      "\x0a\x04"
      "axis\x18" +
      std::string(9, '\xff') + "\x01\xa0\x01\x02"s;
  const std::string node =
      "\x0a\x01"
      "a\x12\x01"
      "b\x1a\x01"
      "n\x22\x02Op\x2a" +
      std::string(1, static_cast<char>(attribute.size())) + attribute;
  const std::string graph = "\x0a"s + static_cast<char>(node.size()) + node + "\x12\x01g";
  const std::string expected = "\x08\x08\x12\x01p\x1a\0"s + "\x3a" +
                               static_cast<char>(graph.size()) + graph +
                               "\x42\x05\x0a\0\x10\xac\x02"s;
  EXPECT_EQ(Written(model), expected);
}

TEST(WriteOnnx, KeepsPayloadsInTheirPlaces) {
  const SmallModel small;
  const std::string file = Written(small.model);
  const auto bytes = small.scale.bytes();
  const std::string payload(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  EXPECT_NE(file.find("scale\x4a\x08" + payload), std::string::npos);
}

// With an interpreter that has onnx and onnxruntime.
TEST(WriteOnnx, PassesTheCheckerAndRuns) {
  const char* python = std::getenv("HEADROOM_ULTRALYTICS_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "HEADROOM_ULTRALYTICS_PYTHON names no interpreter";
  const testing::TempDir dir;
  const SmallModel small;
  WriteFileAtomic(dir.path() / "a.onnx", [&](FileWriter& file) { WriteOnnx(file, small.model); });
  const std::string script =
      "import onnx, onnxruntime, numpy, sys; m = onnx.load(sys.argv[1]); "
      "onnx.checker.check_model(m, full_check=True); "
      "assert {p.key: p.value for p in m.metadata_props} == {'stride': '32', 'names': '{0: "
      "\\'cell\\'}'}; "
      "s = onnxruntime.InferenceSession(sys.argv[1]); "
      "y = s.run(None, {'x': numpy.array([[1, 2], [3, 4]], dtype='float32')})[0]; "
      "assert y.tolist() == [[2, 20, 6, 40]], y";
  EXPECT_EQ(
      std::system(
          fmt::format("{} -c \"{}\" {}", python, script, (dir.path() / "a.onnx").string()).c_str()),
      0);
}

}  // namespace
}  // namespace headroom
