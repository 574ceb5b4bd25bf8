// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/graph/graph.h"
#include "headroom/graph/operation.h"
#include "headroom/graph/parameter_store.h"

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

namespace headroom::testing {

// What LibTorch's autograd computes for a graph: every operation written once more with
// differentiable ATen operations, no plan, no buffers.
struct OracleResult {
  std::vector<at::Tensor> outputs;  // In the order of Graph::outputs().
  std::map<std::string, at::Tensor>
      grads;                       // By parameter name, of sum_i <outputs_i, output_grads_i>.
  std::vector<at::Tensor> values;  // By value id.
};
OracleResult RunOracle(const Graph& graph, const ParameterStore& parameters,
                       const at::Tensor& image, NormMode norm,
                       const std::vector<at::Tensor>& output_grads);

}  // namespace headroom::testing
