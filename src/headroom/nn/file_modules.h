// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headroom/config/module_tree.h"
#include "headroom/ops/conv_bn_act.h"

#include <string>

namespace headroom {

// Attributes of a checkpoint's modules, beside what the rows of its model say. `source`: the file,
// for errors. All throw DataError that names file, module, attribute, value and what is known.

// What the Conv block `block` says of its convolution (kernel, stride, padding, dilation, groups),
// batch-norm (eps, momentum) and activation, into the spec.
void ReadConvModule(const ModuleTree& block, const std::string& source, const std::string& name,
                    ConvBnActSpec* spec);

// Compares the modules that were built with the file's below `name`: classes, children, tensors by
// name, and every attribute but those that the tensors' shapes repeat or that only keep books. What
// the file has beyond that is not understood, and an error.
void CheckFileModules(const ModuleTree& built, const ModuleTree& file, const std::string& source,
                      const std::string& name);

}  // namespace headroom
