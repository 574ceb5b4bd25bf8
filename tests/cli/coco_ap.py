# SPDX-License-Identifier: Apache-2.0
"""COCO's average precision from predictions.json and label files, computed apart from the program.

Its definition: detections in order of score take the best free label of their class with an IoU of at least the
threshold; AP is the mean over 101 recalls of the best precision at that recall or more.
"""

import collections


def read_labels(images, labels, size):
    """Boxes x1 y1 x2 y2 in pixels by (image name without suffix, class from 1); every image has that size."""
    width, height = size
    truth = collections.defaultdict(list)
    for image in images.iterdir():
        path = labels / f"{image.stem}.txt"
        for line in path.read_text().splitlines() if path.exists() else []:
            class_id, x, y, w, h = (float(word) for word in line.split())
            truth[image.stem, int(class_id) + 1].append([(x - w / 2) * width, (y - h / 2) * height,
                                                         (x + w / 2) * width, (y + h / 2) * height])
    return truth


def overlap(a, b):
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0
    area = lambda box: (box[2] - box[0]) * (box[3] - box[1])
    return w * h / (area(a) + area(b) - w * h)


def average_precision(predictions, truth, class_id, threshold):
    ranked = sorted((p for p in predictions if p["category_id"] == class_id), key=lambda p: -p["score"])
    labels = sum(len(boxes) for (_, label_class), boxes in truth.items() if label_class == class_id)
    taken, hits, curve = set(), 0, []
    for rank, prediction in enumerate(ranked, 1):
        x, y, w, h = prediction["bbox"]
        image = str(prediction["image_id"])
        candidates = [(overlap([x, y, x + w, y + h], box), i)
                      for i, box in enumerate(truth.get((image, class_id), [])) if (image, i) not in taken]
        best, which = max(candidates, default=(0, None))
        if which is not None and best >= threshold:
            taken.add((image, which))
            hits += 1
        curve.append((hits / labels, hits / rank))
    for i in range(len(curve) - 2, -1, -1):
        curve[i] = curve[i][0], max(curve[i][1], curve[i + 1][1])
    total = 0
    for step in range(101):
        total += next((precision for recall, precision in curve if recall >= step / 100 - 1e-12), 0)
    return total / 101


def mean_average_precision(predictions, truth, thresholds):
    classes = sorted({class_id for _, class_id in truth})
    values = [average_precision(predictions, truth, class_id, t) for class_id in classes for t in thresholds]
    return sum(values) / len(values)
