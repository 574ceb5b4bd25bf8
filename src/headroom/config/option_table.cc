// SPDX-License-Identifier: Apache-2.0
#include "headroom/config/option_table.h"

#include <algorithm>

namespace headroom {
namespace {

using T = OptionType;
using G = OptionGroup;

constexpr std::string_view kSegmentation = "it belongs to segmentation";
constexpr std::string_view kPose = "it belongs to pose estimation";
constexpr std::string_view kOriented = "it belongs to oriented boxes";
constexpr std::string_view kClassification = "it belongs to classification";
constexpr std::string_view kDepth = "it belongs to depth estimation";
constexpr std::string_view kDistillation = "distillation is not part of this program";

// Lets a row say in words only what is special to it.
struct Row : OptionInfo {
  constexpr Row(std::string_view its_name, T its_type, std::string_view its_initial, G its_group,
                std::string_view its_help) {
    name = its_name;
    type = its_type;
    initial = its_initial;
    group = its_group;
    help = its_help;
  }
  constexpr Row AtLeast(double least) const { return Range(least, maximum); }
  constexpr Row Above0() const { return AtLeast(std::numeric_limits<double>::min()); }
  constexpr Row Range(double least, double most) const {
    Row row = *this;
    row.minimum = least;
    row.maximum = most;
    return row;
  }
  constexpr Row Of(std::string_view its_choices) const {
    Row row = *this;
    row.choices = its_choices;
    return row;
  }
  constexpr Row In(std::string_view its_unit) const {
    Row row = *this;
    row.unit = its_unit;
    return row;
  }
  constexpr Row Unused(std::string_view because) const {
    Row row = *this;
    row.owner = OptionOwner::kOtherTask;
    row.unused = because;
    return row;
  }
  constexpr Row OnResume() const {
    Row row = *this;
    row.on_resume = true;
    return row;
  }
  constexpr Row Ours() const {
    Row row = OnResume();
    row.owner = OptionOwner::kOurs;
    return row;
  }
  constexpr Row MaybeNull() const {
    Row row = *this;
    row.maybe_null = true;
    return row;
  }
};

// The order is that of the reference's args.yaml; its keys, defaults and types are those
// of 8.4.190.
constexpr OptionInfo kTable[] = {
    Row("task", T::kOneOf, "detect", G::kRun, "what the model does").Of("detect"),
    Row("mode", T::kOneOf, "train", G::kRun, "what to do").Of("train|val|predict|export"),
    Row("model", T::kText, "None", G::kRun,
        "weights (.pt, .onnx, .torchscript) or a model YAML to build from"),
    Row("data", T::kText, "None", G::kRun,
        "data set: its YAML file, or the folder that holds data.yaml")
        .OnResume(),
    Row("epochs", T::kInt, "100", G::kTrain, "passes over the training images")
        .AtLeast(1)
        .In("epochs"),
    Row("time", T::kNumber, "None", G::kTrain, "longest training time; overrides epochs")
        .Above0()
        .In("hours")
        .OnResume(),
    Row("patience", T::kInt, "100", G::kTrain,
        "stop after so many epochs without a better result; 0 never stops")
        .AtLeast(0)
        .In("epochs")
        .OnResume(),
    Row("batch", T::kBatch, "16", G::kTrain,
        "images a step; -1 chooses, 0.7 fills that share of the memory budget")
        .In("images")
        .OnResume(),
    Row("imgsz", T::kImageSize, "640", G::kTrain,
        "side of the square that images are fitted into; height,width for predict and export")
        .Range(1, 32768)
        .In("pixels")
        .OnResume(),
    Row("save", T::kBool, "True", G::kTrain, "write checkpoints, and in predict the pictures"),
    Row("save_period", T::kInt, "-1", G::kTrain,
        "keep a checkpoint every so many epochs; below 1 never")
        .In("epochs")
        .OnResume(),
    Row("cache", T::kCache, "False", G::kTrain,
        "keep decoded images: ram as the memory budget allows, disk in one file")
        .OnResume()
        .MaybeNull(),
    Row("device", T::kDevice, "None", G::kRun,
        "where to compute: cpu, 0, cuda:0, mps; None takes the GPU if there is one")
        .OnResume(),
    Row("workers", T::kInt, "8", G::kTrain,
        "threads that decode and augment; -1 adapts; not typed: at most the cores there are")
        .AtLeast(-1)
        .In("threads")
        .OnResume(),
    Row("project", T::kText, "None", G::kRun,
        "folder that holds the run folders; a relative one lies under <runs_dir>/<task>"),
    Row("name", T::kText, "None", G::kRun, "name of the run folder; None takes the mode"),
    Row("exist_ok", T::kBool, "False", G::kRun, "write into the run folder although it exists"),
    Row("pretrained", T::kBoolOrText, "True", G::kTrain,
        "False starts from random weights, a file from its weights")
        .MaybeNull(),
    Row("cls_remap", T::kBool, "True", G::kTrain,
        "carry class rows over by class name when the classes differ"),
    Row("optimizer", T::kOneOf, "auto", G::kTrain, "how weights are updated")
        .Of("auto|SGD|Adam|AdamW|Adamax|NAdam|RAdam|RMSProp|MuSGD"),
    Row("verbose", T::kBool, "True", G::kRun, "print per-class results and details"),
    Row("seed", T::kInt, "0", G::kTrain, "start of every random stream").AtLeast(0),
    Row("deterministic", T::kBool, "True", G::kTrain, "the same results again (always so here)"),
    Row("single_cls", T::kBool, "False", G::kTrain, "treat all labels as one class, \"item\""),
    Row("rect", T::kBool, "False", G::kTrain, "batches of one aspect ratio with the least padding"),
    Row("cos_lr", T::kBool, "False", G::kTrain, "cosine learning-rate schedule"),
    Row("close_mosaic", T::kInt, "10", G::kTrain, "train the last epochs without mosaic")
        .AtLeast(0)
        .In("epochs")
        .OnResume(),
    Row("resume", T::kBoolOrText, "False", G::kTrain,
        "continue an interrupted training: True, or its last.pt")
        .MaybeNull(),
    Row("amp", T::kAmp, "True", G::kTrain,
        "16-bit storage: True where the processor computes it natively, bf16 by hand, False for "
        "fp32")
        .OnResume(),
    Row("fraction", T::kFraction, "1.0", G::kTrain,
        "share or count of the images to use; a list names train, val, test"),
    Row("profile", T::kBool, "False", G::kTrain, "profile exported formats")
        .Unused("the profiler is reached by other means"),
    Row("freeze", T::kFreeze, "None", G::kTrain,
        "layers that are not trained: the first n, or a list of indices and names")
        .OnResume(),
    Row("multi_scale", T::kShareOrTrue, "0.0", G::kTrain,
        "vary the image size of each batch by up to this share")
        .Range(0, 1),
    Row("compile", T::kBoolOrText, "False", G::kRun, "graph compilation")
        .Unused("the network is planned ahead of time as it is"),
    Row("channels_last", T::kBool, "None", G::kRun, "memory layout")
        .Unused("channels-last is the only layout here"),
    Row("overlap_mask", T::kBool, "True", G::kTrain, "join masks").Unused(kSegmentation),
    Row("mask_ratio", T::kInt, "4", G::kTrain, "mask downsampling")
        .AtLeast(1)
        .Unused(kSegmentation),
    Row("dropout", T::kNumber, "0.0", G::kTrain, "classifier dropout")
        .Range(0, 1)
        .Unused(kClassification),
    Row("val", T::kBool, "True", G::kVal, "validate after each epoch").OnResume(),
    Row("split", T::kOneOf, "val", G::kVal, "which images to validate on")
        .Of("train|val|test|minival"),
    Row("save_json", T::kBool, "False", G::kVal, "write predictions.json in COCO form"),
    Row("conf", T::kNumber, "None", G::kVal,
        "least score of a detection; None: 0.25 in predict, 0.001 in val")
        .Range(0, 1),
    Row("iou", T::kNumber, "0.7", G::kVal, "overlap above which NMS drops the weaker box")
        .Range(0, 1),
    Row("max_det", T::kInt, "300", G::kVal, "most detections an image").AtLeast(1).In("boxes"),
    Row("quantize", T::kQuantize, "None", G::kVal, "16 computes and exports in fp16"),
    Row("dnn", T::kBool, "False", G::kPredict, "run ONNX files with OpenCV")
        .Unused("ONNX files are always run with OpenCV"),
    Row("plots", T::kBool, "True", G::kTrain,
        "draw curves, confusion matrix, sample batches and memory, and report.html of them all")
        .OnResume(),
    Row("nms", T::kBool, "None", G::kVal,
        "False uses the head without NMS where the model has one; True puts NMS into an export"),
    Row("source", T::kSources, "None", G::kPredict, "image, video, folder, pattern or list file"),
    Row("vid_stride", T::kInt, "1", G::kPredict, "use every n-th frame of a video")
        .AtLeast(1)
        .In("frames"),
    Row("stream_buffer", T::kBool, "False", G::kPredict, "queue all frames of a stream")
        .Unused("streams are not read"),
    Row("visualize", T::kBool, "False", G::kPredict, "write feature maps")
        .Unused("feature maps are not written"),
    Row("augment", T::kBool, "False", G::kPredict, "test-time augmentation")
        .Unused("test-time augmentation is not part of this program"),
    Row("agnostic_nms", T::kBool, "False", G::kPredict, "NMS across classes"),
    Row("classes", T::kClasses, "None", G::kPredict, "use these classes only").AtLeast(0),
    Row("retina_masks", T::kBool, "False", G::kPredict, "full-size masks").Unused(kSegmentation),
    Row("embed", T::kSources, "None", G::kPredict, "return embeddings")
        .Unused("embeddings are not written"),
    Row("show", T::kBool, "False", G::kPredict, "open a window")
        .Unused("no windows are opened; look at the saved pictures"),
    Row("save_frames", T::kBool, "False", G::kPredict, "save each frame of a video as a picture"),
    Row("save_txt", T::kBool, "False", G::kPredict, "write detections as label files"),
    Row("save_conf", T::kBool, "False", G::kPredict, "add the score to each line of save_txt"),
    Row("save_crop", T::kBool, "False", G::kPredict, "save the cut-out of each detection"),
    Row("show_labels", T::kBool, "True", G::kPredict, "write the class on each drawn box"),
    Row("show_conf", T::kBool, "True", G::kPredict, "write the score on each drawn box"),
    Row("show_boxes", T::kBool, "True", G::kPredict, "draw the boxes"),
    Row("line_width", T::kInt, "None", G::kPredict, "width of drawn lines; None fits the image")
        .AtLeast(1)
        .In("pixels"),
    Row("format", T::kOneOf, "torchscript", G::kExport, "kind of file to write")
        .Of("torchscript|onnx"),
    Row("optimize", T::kBool, "False", G::kExport, "optimise TorchScript for mobile")
        .Unused("TorchScript files are written as they are"),
    Row("dynamic", T::kBool, "False", G::kExport, "leave batch and image size open"),
    Row("simplify", T::kBool, "True", G::kExport, "simplify the ONNX graph")
        .Unused("the graph is written in its simplest form"),
    Row("opset", T::kInt, "None", G::kExport, "ONNX operator set; None takes 12").AtLeast(1),
    Row("workspace", T::kNumber, "None", G::kExport, "TensorRT workspace")
        .AtLeast(0)
        .In("GiB")
        .Unused("TensorRT is not an export format here"),
    Row("lr0", T::kNumber, "0.01", G::kTrain,
        "learning rate after the warm-up (not with optimizer=auto)")
        .Range(0, 1),
    Row("lrf", T::kNumber, "0.01", G::kTrain, "last learning rate as a share of lr0").Range(0, 1),
    Row("momentum", T::kNumber, "0.937", G::kTrain,
        "momentum of SGD, first beta of Adam (not with optimizer=auto)")
        .Range(0, 1),
    Row("weight_decay", T::kNumber, "0.0005", G::kTrain, "L2 decay, at a batch of nbs").Range(0, 1),
    Row("warmup_epochs", T::kNumber, "3.0", G::kTrain, "epochs in which rates and momentum ramp up")
        .AtLeast(0)
        .In("epochs"),
    Row("warmup_momentum", T::kNumber, "0.8", G::kTrain, "momentum at the start of the warm-up")
        .Range(0, 1),
    Row("warmup_bias_lr", T::kNumber, "0.1", G::kTrain,
        "learning rate of biases at the start of the warm-up")
        .Range(0, 1),
    Row("distill_model", T::kText, "None", G::kTrain, "teacher").Unused(kDistillation),
    Row("dis", T::kNumber, "6.0", G::kLoss, "distillation gain").AtLeast(0).Unused(kDistillation),
    Row("box", T::kNumber, "7.5", G::kLoss, "gain of the box loss").AtLeast(0),
    Row("cls", T::kNumber, "0.5", G::kLoss, "gain of the class loss").AtLeast(0),
    Row("cls_pw", T::kNumber, "0.0", G::kLoss,
        "power of the class weights by inverse frequency; 0 weighs all alike")
        .Range(0, 1),
    Row("dfl", T::kNumber, "1.5", G::kLoss, "gain of the distribution loss (L1 in YOLO26)")
        .AtLeast(0),
    Row("pose", T::kNumber, "12.0", G::kLoss, "pose gain").AtLeast(0).Unused(kPose),
    Row("kobj", T::kNumber, "1.0", G::kLoss, "keypoint gain").AtLeast(0).Unused(kPose),
    Row("rle", T::kNumber, "1.0", G::kLoss, "keypoint likelihood gain").AtLeast(0).Unused(kPose),
    Row("angle", T::kNumber, "1.0", G::kLoss, "angle gain").AtLeast(0).Unused(kOriented),
    Row("dlog", T::kNumber, "1.0", G::kLoss, "depth gain").AtLeast(0).Unused(kDepth),
    Row("dgrad", T::kNumber, "0.5", G::kLoss, "depth gradient gain").AtLeast(0).Unused(kDepth),
    Row("dlam", T::kNumber, "1.0", G::kLoss, "depth balance").AtLeast(0).Unused(kDepth),
    Row("nbs", T::kInt, "64", G::kTrain, "nominal batch: gradients are accumulated up to it")
        .AtLeast(1)
        .In("images"),
    Row("hsv_h", T::kNumber, "0.015", G::kAugment, "largest change of hue").Range(0, 1),
    Row("hsv_s", T::kNumber, "0.7", G::kAugment, "largest change of saturation").Range(0, 1),
    Row("hsv_v", T::kNumber, "0.4", G::kAugment, "largest change of brightness").Range(0, 1),
    Row("degrees", T::kNumber, "0.0", G::kAugment, "largest rotation")
        .Range(-360, 360)
        .In("degrees"),
    Row("translate", T::kNumber, "0.1", G::kAugment, "largest shift as a share of the side")
        .Range(0, 1),
    Row("scale", T::kZoom, "0.5", G::kAugment,
        "largest zoom in or out; a pair is the zoom range itself"),
    Row("shear", T::kNumber, "0.0", G::kAugment, "largest shear").Range(-360, 360).In("degrees"),
    Row("perspective", T::kNumber, "0.0", G::kAugment, "largest perspective; 0.001 is much")
        .Range(0, 1),
    Row("flipud", T::kNumber, "0.0", G::kAugment, "chance of a flip upside down").Range(0, 1),
    Row("fliplr", T::kNumber, "0.5", G::kAugment, "chance of a flip left to right").Range(0, 1),
    Row("bgr", T::kNumber, "0.0", G::kAugment, "chance of swapped colour channels").Range(0, 1),
    Row("mosaic", T::kNumber, "1.0", G::kAugment, "chance of a mosaic of four images").Range(0, 1),
    Row("mixup", T::kNumber, "0.0", G::kAugment, "chance of mixing two images").Range(0, 1),
    Row("cutmix", T::kNumber, "0.0", G::kAugment, "chance of pasting a part of another image")
        .Range(0, 1),
    Row("copy_paste", T::kNumber, "0.0", G::kAugment,
        "chance of pasting an object (polygon labels)")
        .Range(0, 1),
    Row("copy_paste_mode", T::kOneOf, "flip", G::kAugment, "where pasted objects come from")
        .Of("flip|mixup"),
    Row("auto_augment", T::kWord, "randaugment", G::kAugment, "policy")
        .Unused(kClassification)
        .MaybeNull(),
    Row("erasing", T::kNumber, "0.4", G::kAugment, "chance of erasing")
        .Range(0, 1)
        .Unused(kClassification),
    Row("cfg", T::kText, "None", G::kRun, "YAML file of options; words on the line win"),
    Row("tracker", T::kText, "tracktrack.yaml", G::kPredict, "tracker")
        .Unused("it belongs to tracking"),
    Row("memory", T::kMemory, "0.8", G::kMemory,
        "host memory budget: 6G, or a share of what the machine and its cgroup allow")
        .Ours(),
    Row("vram", T::kMemory, "0.85", G::kMemory,
        "device memory budget: 10G, or a share of what is free on the device")
        .Ours(),
    Row("ram", T::kMemory, "None", G::kMemory,
        "plan for a host with this much memory instead of this one (yolo memory plan)")
        .Ours(),
    Row("microbatch", T::kMicrobatch, "auto", G::kMemory,
        "most images that go through the network at once; the batch stays what it is")
        .AtLeast(1)
        .In("images")
        .Ours(),
    Row("recompute", T::kOneOf, "auto", G::kMemory,
        "compute activations again in the backward pass instead of keeping them")
        .Of("none|activations|blocks|auto")
        .Ours(),
    Row("ops", T::kOneOf, "auto", G::kRun,
        "implementation of the operations: plain, or fused for the CPU")
        .Of("reference|fused|auto")
        .Ours(),
    Row("progress", T::kOneOf, "auto", G::kRun,
        "progress as a bar or lines, or as JSON lines for programs")
        .Of("auto|json")
        .Ours(),
    Row("tensorboard", T::kBool, "False", G::kRun, "write TensorBoard event files").Ours(),
};

}  // namespace

std::span<const OptionInfo> OptionTable() { return kTable; }

const OptionInfo* FindOption(std::string_view name) {
  const auto* found = std::find_if(std::begin(kTable), std::end(kTable),
                                   [&](const OptionInfo& option) { return option.name == name; });
  return found == std::end(kTable) ? nullptr : found;
}

std::string_view GroupTitle(OptionGroup group) {
  switch (group) {
    case OptionGroup::kRun:
      return "Run";
    case OptionGroup::kTrain:
      return "Training";
    case OptionGroup::kVal:
      return "Validation";
    case OptionGroup::kPredict:
      return "Prediction";
    case OptionGroup::kExport:
      return "Export";
    case OptionGroup::kLoss:
      return "Loss";
    case OptionGroup::kAugment:
      return "Augmentation";
    case OptionGroup::kMemory:
      return "Memory";
  }
  return "";
}

}  // namespace headroom
