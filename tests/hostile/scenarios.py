# SPDX-License-Identifier: Apache-2.0
"""The table: what is tried, and what must hold. Data only; a row is (name, what it is about, limit,
data, command, options, disturbance, what must hold, the runs that follow). What must hold of every
run is predicates.ALWAYS.

What it is about: F, S and D with a number are findings of a hostile round that broke earlier
programs; "held" is what did not break."""

import collections

from disturbances import *
from limits import Limit
from predicates import *

Step = collections.namedtuple("Step", "command options disturb holds before limit dies")
Scenario = collections.namedtuple("Scenario", "name finding limit data steps seconds needs")


def step(command, options="", disturb=(), holds=(), before=(), limit=None, dies=False):
    """`limit`: a fresh group, as a container that was started again has. `before`: acts on the
    scenario's files between two runs. `dies`: the kernel is meant to kill it."""
    return Step(command, options, disturb, holds, before, limit, dies)


def row(name, finding, limit, data, command, options="", disturb=(), holds=(), then=(), seconds=5,
        needs=None, before=(), dies=False):
    first = step(command, options, disturb, holds, before, dies=dies)
    return Scenario(name, finding, limit, data, (first, *then), seconds, needs)


FAST = "plots=False warmup_epochs=0 close_mosaic=0 workers=2 "
TINY = FAST + "model={tiny} amp=False imgsz=160 batch=4 "
NANO = FAST + "model=yolo11n.yaml amp=False imgsz=160 batch=16 "
NANO26 = FAST + "model=yolo26n.yaml amp=False imgsz=160 batch=16 "
ENDLESS = "epochs=1000 patience=0 "  # For runs that are ended from outside and not resumed.
SOME = "epochs=6 "  # For those that are killed early and resumed.
LIMIT_NAMED = r"RLIMIT_\w+|ulimit -[vdu]|pids|threads?\b"


def group(mib):
    return Limit(memory=mib)


def decode(name, mib, data, options=""):
    """Training with a picture that is hard to decode: it fits, or is refused with a message."""
    return row(f"f1-train-{name}", "F1", group(mib), data, "train", TINY + "epochs=1 " + options,
               holds=[exits(0, 4)], seconds=8)


def killed_in(name, when, seconds=10, options="epochs=2 "):
    """kill -9 in a phase; resumed, and as if nothing had been."""
    return row(f"held-kill-9-{name}", "held", group(1024), "forty", "train", NANO + options,
               [kill(when)], [exits(-9)], [step("resume", holds=[
                   exits(0), never_says("killed by the kernel"), as_undisturbed,
                   weights("last.pt", "best.pt")])], seconds=seconds)


def ulimits(name, limit, seconds=3, options=""):
    """Trains, or is refused with the limit's name."""
    return row(f"f5-{name}", "F5", limit, "few", "train", TINY + "epochs=2 " + options,
               holds=[exits(0, 4), refusal_says(LIMIT_NAMED)], seconds=seconds)


def refused_split(name, data, says_also):
    return row(f"d1-{name}", "D1", Limit(), data, "train", TINY + "epochs=1",
               holds=[exits(2), says(r"\bval\b"), says(says_also), nothing_written("**/*.pt")],
               seconds=1)


DECODING = [
    decode("png-200-megapixels", 1280, "png_200mp"),
    decode("png-16-bit", 1024, "png16_100mp"),
    decode("png-rgba", 1024, "rgba_100mp"),
    decode("png-interlaced", 1024, "interlaced_100mp"),
    decode("webp", 3072, "webp_200mp"),
    decode("cmyk-jpeg", 1024, "cmyk_100mp"),
    decode("progressive-jpeg", 1024, "progressive_100mp"),
    decode("turned-jpeg", 1024, "turned_100mp"),
    decode("bmp", 1200, "bmp_100mp"),
    decode("tiff-16-bit", 2200, "tiff16_100mp"),
    decode("every-kind", 450, "every_kind_2mp", "workers=8"),
    *(row(f"f1-train-{kind}-refused", "F1", group(600), data, "train", TINY + "epochs=1",
          holds=[refuses()], seconds=2)
      for kind, data in (("png", "png_200mp"), ("webp", "webp_200mp"), ("tiff", "tiff16_100mp"))),
    # Named and left out, or refused.
    *(row(f"f1-train-{name.replace('_', '-')}", "F1", group(700), name, "train", TINY + "epochs=1",
          holds=[exits(0, 4), says("large|memory=")], seconds=2)
      for name in ("jpeg_bomb", "png_bomb")),
    row("f1-twelve-pngs-16-workers", "F1", group(1400), "twelve_png_24mp", "train",
        TINY + "batch=16 workers=16 epochs=2", holds=[exits(0, 4)], seconds=15),
    row("f1-twelve-pngs-12-workers", "F1", group(1300), "twelve_png_24mp", "train",
        TINY + "batch=16 workers=12 epochs=2", holds=[exits(0, 4)], seconds=15),
    row("f1-three-resumes", "F1", group(1280), "png_200mp", "train", TINY + "epochs=4",
        [kill(stepping)], [exits(-9, 4)],
        [step("resume", disturb=[kill(stepping)], holds=[exits(-9)]),
         step("resume", disturb=[kill(stepping)], holds=[exits(-9)]),
         step("resume", holds=[exits(0, 4)])], seconds=30),
    row("f1-val-png-200-megapixels", "F1", group(1050), "png_200mp_val", "val",
        "model={weights} imgsz=160 batch=4 plots=False", holds=[exits(0, 4), refusal_says("large")],
        seconds=5),
    row("f1-val-every-kind", "F1", group(500), "every_kind_12mp", "val",
        "model={weights} imgsz=160 batch=4 plots=False", holds=[exits(0, 4)], seconds=8),
    row("f1-predict-every-kind", "F1", group(600), "every_kind_12mp", "predict",
        "model={weights} imgsz=160 source={data}/images/train save=False", holds=[exits(0, 4)],
        seconds=8),
    row("f1-predict-bomb", "F1", group(500), "jpeg_bomb", "predict",
        "model={weights} imgsz=160 source={data}/images/train save=False",
        holds=[exits(0, 3, 4), says("large.jpg")], seconds=4),
    row("f1-after-a-kill-for-memory", "F1", group(900), "few", "train", NANO + "epochs=3",
        [die_for_a_neighbour(800, saved)], [exits(-9)],
        [step("memory explain {run}", holds=[exits(0), says("killed by the kernel for memory")]),
         step("resume", holds=[exits(0), planned_within(0.8 * 0.8 * 900)])],
        seconds=15, dies=True),
]

CHANGING_FILES = [
    row("f4-replaced-by-png-200-megapixels", "F4", group(1024), "hundred", "train", TINY + ENDLESS,
        [replace_pictures("png", 20000, 10000), wait_for(in_epoch(3)), interrupt()],
        [exits(130), named_once, weights("last.pt")], seconds=12),
    row("f4-replaced-by-progressive-24-megapixels", "F4", group(420), "hundred", "train",
        TINY + ENDLESS + "workers=4",
        [replace_pictures("progressive", 6000, 4000), wait_for(in_epoch(3)), interrupt()],
        [exits(130), named_once, weights("last.pt")], seconds=10),
    row("f4-replaced-by-smaller", "F4", group(500), "hundred", "train", TINY + ENDLESS,
        [replace_pictures("png", 320, 200), wait_for(in_epoch(3)), interrupt()],
        [exits(130), named_once], seconds=7),
    row("f4-replaced-and-validated", "F4", group(1024), "hundred", "train", TINY + ENDLESS,
        [replace_pictures("png", 20000, 10000, split="val"), wait_for(in_epoch(3)), interrupt()],
        [exits(130), named_once], seconds=12),
    row("f4-deleted", "F4", group(500), "hundred", "train", TINY + ENDLESS,
        [delete_pictures(), wait_for(in_epoch(3)), interrupt()], [exits(130), named_once],
        seconds=7),
    row("f4-cut-short", "F4", group(500), "hundred", "train", TINY + ENDLESS,
        [cut_pictures(), wait_for(in_epoch(3)), interrupt()], [exits(130), named_once],
        seconds=7),
]

KILLS = [
    row("f2-oom-kill-elsewhere-group-gone", "F2", group(1024), "forty", "train", NANO + SOME,
        [kill(saved)], [exits(-9)],
        [step("resume", before=[oom_kill_elsewhere], limit=group(1024),
              holds=[exits(0), never_says("killed by the kernel for memory"),
                     planned_with_at_least(0.79 * 1024)])], seconds=12),
    row("f2-oom-kill-elsewhere-larger-group", "F2", group(700), "forty", "train", NANO + SOME,
        [kill(saved)], [exits(-9)],
        [step("resume", "", [kill(in_epoch(3))], [exits(-9)],
              before=[oom_kill_elsewhere], limit=group(2048)),
         step("resume", limit=group(2048),
              holds=[exits(0), planned_with_at_least(0.79 * 2048)])], seconds=18),
    row("f2-oom-kill-elsewhere-group-stays", "F2", group(1024), "forty", "train", NANO + SOME,
        [kill(saved)], [exits(-9)],
        [step("resume", before=[oom_kill_elsewhere],
              holds=[exits(0), never_says("killed by the kernel for memory"),
                     planned_with_at_least(0.79 * 1024)])], seconds=12),
    row("f12-killed-while-writing", "F12", group(1024), "few", "train", NANO + "batch=8 " + SOME,
        [kill(writing)], [exits(-9)],
        [step("resume", holds=[exits(0)])], seconds=10),
    row("f12-temporary-file-of-a-kill", "F12", group(1024), "few", "train", NANO + "epochs=3",
        [kill(saved)], [exits(-9)],
        [step("resume", before=[leave_temporary_file], holds=[exits(0)])], seconds=6),
    row("f14-explained-figure-is-used", "F14", group(900), "few", "train", NANO + "epochs=3",
        [die_for_a_neighbour(800, saved)], [exits(-9)],
        [step("memory explain {run}", holds=[exits(0)]),
         step("resume", holds=[exits(0), explained_figure_is_used])],
        seconds=15, dies=True),
    killed_in("planning", planning),
    killed_in("planned", planned),
    killed_in("first-epoch", stepping),
    killed_in("second-epoch", in_epoch(2)),
    killed_in("validating", in_phase("validation")),
    killed_in("saving", in_phase("save")),
    killed_in("saved", saved),
    killed_in("ending", in_phase("end")),
    row("held-terminated", "held", group(1024), "forty", "train", NANO + "epochs=2",
        [terminate(in_epoch(2))], [exits(130), weights("last.pt"), says("resume=True")],
        [step("resume", holds=[exits(0), as_undisturbed])], seconds=8),
    row("held-hang-up", "held", group(1024), "forty", "train", NANO + "epochs=2",
        [hang_up(stepping)], [exits(130), weights("last.pt")],
        [step("resume", holds=[exits(0), as_undisturbed])], seconds=8),
    row("held-stopped-and-continued", "held", group(1024), "forty", "train", NANO + "epochs=3",
        [stop_and_continue(4)], [exits(0), no_adaptation, epochs(3)], seconds=12),
    row("held-resumed-in-a-smaller-group", "held", group(1500), "forty", "train",
        NANO + "batch=32 imgsz=256 " + SOME, [kill(saved)], [exits(-9)],
        [step("resume", limit=group(500), holds=[exits(0), planned_within(400)])],
        seconds=15),
    row("held-resumed-in-a-larger-group", "held", group(500), "forty", "train",
        NANO + "batch=32 imgsz=256 " + SOME, [kill(saved)], [exits(-9)],
        [step("resume", limit=group(2048),
              holds=[exits(0), planned_with_at_least(1600),
                     never_says("Memory plan: batch 32 in")])],
        seconds=15),
]

OTHERS = [
    row("f3-regrown-under-host-pressure", "F3", group(1500), "hundred", "train",
        NANO + "imgsz=320 batch=40 " + ENDLESS,
        [thrash_elsewhere(150), neighbour(100, 800), wait_for(logged("there was room"), 120),
         interrupt()], [exits(130), regrown], seconds=75),
    row("held-regrown", "held", group(1500), "hundred", "train",
        NANO + "imgsz=320 batch=40 " + ENDLESS,
        [neighbour(100, 800), wait_for(logged("there was room"), 120), interrupt()],
        [exits(130), regrown], seconds=60),
    row("f7-limit-lowered-at-one-stroke", "F7", group(2048), "forty", "train",
        NANO + "imgsz=320 " + ENDLESS, [limit_to(900, after(3)), pause(12), interrupt()],
        [exits(130), budget_at_least(0.95 * 0.8 * 900)], seconds=22),
    row("f7-one-neighbour-at-once", "F7", group(1024), "forty", "train", NANO + ENDLESS,
        # It takes a second where pages come slowly; while it goes on it may be taken for a rate.
        [sudden_neighbour(350, after(3), hold_s=18), interrupt(at_once)],
        [exits(130), budget_at_last(0.95 * 0.8 * (1024 - 334))], seconds=26),
    row("f9-own-checkpoints", "F9", group(500), "few", "train", NANO + "batch=8 epochs=8",
        holds=[exits(0), no_adaptation, epochs(8)], seconds=14),
    row("f9-large-checkpoints", "F9", group(800), "few", "train",
        NANO + "model=yolo11s.yaml imgsz=64 batch=4 epochs=4 save_period=1",
        holds=[exits(0), no_adaptation, files("run/weights/epoch*.pt", 4)], seconds=18),
    row("f10-summary-after-a-cut", "F10", group(1500), "forty", "train",
        NANO + "imgsz=320 batch=40 epochs=3", [neighbour(200, 900, 1)],
        [exits(0), adapted, says_planned_above_actual], seconds=40),
    row("f6-two-resumes", "F6", group(2048), "forty", "train", NANO + "epochs=5",
        [kill(in_epoch(2))], [exits(-9)],
        [step("resume", disturb=[twin("resume")] * 3, holds=[one_goes_on, epochs(5)])],
        seconds=10),
    row("f6-two-new-runs", "F6", group(2048), "forty", "train", NANO + "epochs=3",
        [twin("train", NANO + "epochs=3")] * 3, [one_goes_on, epochs(3)], seconds=8),
    row("f6-resume-of-a-living-run", "F6", group(2048), "forty", "train", TINY + ENDLESS,
        [wait_for(saved), twin("resume"), wait_for(twin_over), interrupt()],
        [exits(130), second_exits(2)], seconds=10),
    row("held-two-runs-in-one-group", "held", group(1024), "forty", "train", NANO + "epochs=3",
        [twin("train", NANO + "epochs=3", "other")], [both_done], seconds=20),
    row("held-limit-lowered-evenly", "held", group(1500), "forty", "train",
        NANO + "imgsz=320 batch=24 " + ENDLESS, [limit_to(700, seconds=8), pause(4), interrupt()],
        [exits(130), adapted], seconds=30),
    row("held-limit-lowered-and-raised", "held", group(1024), "forty", "train", NANO + ENDLESS,
        [limit_to(600, seconds=3), pause(2), limit_to(1024, at_once), pause(2), interrupt()],
        [exits(130)], seconds=16),
    row("held-neighbour-100-mb-a-second", "held", group(1500), "hundred", "train",
        NANO + "imgsz=320 batch=40 " + ENDLESS, [neighbour(100, 900), interrupt()],
        [exits(130), adapted], seconds=30),
    row("held-neighbour-400-mb-a-second", "held", group(1500), "hundred", "train",
        NANO + "imgsz=320 batch=40 " + ENDLESS, [neighbour(400, 900), interrupt()],
        [exits(130), adapted], seconds=25),
    row("f9-page-cache-of-others", "F9", group(500), "forty", "train", NANO + ENDLESS,
        [page_cache(1500), interrupt()], [exits(130), no_adaptation], seconds=14),
    row("held-tmpfs", "held", group(1024), "forty", "train", NANO + "imgsz=256 batch=32 " + ENDLESS,
        [tmpfs(400), interrupt()], [exits(130), adapted], seconds=20),
]

START = [
    ulimits("ulimit-v-700", Limit(address_space=700)),
    ulimits("ulimit-v-900", Limit(address_space=900)),
    ulimits("ulimit-v-1300", Limit(address_space=1300)),
    ulimits("ulimit-v-2000-many-workers", Limit(address_space=2000), options="workers=16 batch=16"),
    ulimits("ulimit-d-120", Limit(data=120)),
    ulimits("ulimit-d-200", Limit(data=200)),
    ulimits("ulimit-d-300-many-workers", Limit(data=300), options="workers=16 batch=16"),
    ulimits("threads-2", Limit(threads=2)),
    ulimits("threads-6-many-workers", Limit(threads=6), options="workers=16 batch=16"),
    ulimits("ulimit-u", Limit(processes=5), options="workers=16 batch=16"),
    row("f8-ulimit-f-checkpoint", "F8", Limit(file_size=1024), "few", "train",
        NANO + "batch=8 epochs=2", holds=[exits(6), says(r"ulimit -f|RLIMIT_FSIZE|File too large")],
        seconds=4),
    row("f8-ulimit-f-small", "F8", Limit(file_size=8), "few", "train", TINY + "epochs=2",
        holds=[exits(6), says(r"ulimit -f|RLIMIT_FSIZE|File too large")], seconds=3),
    row("f8-ulimit-f-export", "F8", Limit(file_size=200), "few", "export",
        "model={weights} format=onnx imgsz=160",
        holds=[exits(6), says(r"ulimit -f|RLIMIT_FSIZE|File too large")], seconds=3),
    row("f11-advice-is-enough", "F11", Limit(), "few", "train", NANO + "memory=150M epochs=1",
        holds=[refuses()],
        then=[step("train", NANO + "epochs=1 memory={advice}", holds=[exits(0)])], seconds=6),
    row("f11-advice-is-enough-yolo26n", "F11", group(2048), "few", "train",
        NANO26 + "imgsz=320 memory=200M epochs=1 plots=True", holds=[refuses()],
        then=[step("train", NANO26 + "imgsz=320 epochs=1 plots=True memory={advice}",
                   holds=[exits(0)])], seconds=12),
    row("f11-advice-with-a-large-picture", "F11", Limit(), "png_200mp", "train",
        TINY + "memory=400M epochs=1", holds=[refuses()],
        then=[step("train", TINY + "epochs=1 memory={advice}", holds=[exits(0)])], seconds=14),
    row("f13-predict-drawn-too-large", "F13", group(800), "rgba_100mp", "predict",
        "model={weights} imgsz=160 source={data}/images/train save=True",
        holds=[exits(4), says("large.png"), files("run/photo*.jpg", 16)], seconds=8),
    row("f13-predict-drawn-too-large-first", "F13", group(800), "bmp_100mp_first", "predict",
        "model={weights} imgsz=160 source={data}/images/train save=True",
        holds=[exits(4), says("a_large.bmp"), files("run/photo*.jpg", 16)], seconds=8),
    row("f14-memory-above-the-limit", "F14", group(700), "few", "train",
        NANO + "epochs=1 memory=64G", seconds=5,
        holds=[exits(0, 2, 4), says("700 MiB"), never_says("memory budget 64")]),
    row("f14-all-of-the-limit", "F14", group(700), "forty", "train",
        NANO + "imgsz=320 batch=64 epochs=1 memory=64G", holds=[exits(0, 2, 4)], seconds=12),
    row("f14-ram-1k", "F14", Limit(), "few", "memory plan data={data}/data.yaml ram=1K",
        "model=yolo11n.yaml", holds=[exits(2, 4), never_says("this machine's memory")], seconds=2),
    row("f14-advise-another-machine", "F14", Limit(), "few",
        "memory advise data={data}/data.yaml ram=1G", "model=yolo11n.yaml imgsz=320",
        holds=[exits(0), never_says("this machine's memory")], seconds=8),
    row("f14-explain-the-references-run", "F14", Limit(), "many", "memory explain {run}",
        before=[reference_run], holds=[exits(0), first_line_says(r"ram="),
                                       never_says("it would run in")], seconds=2),
    row("f14-explain-the-references-run-on-its-machine", "F14", Limit(), "many",
        "memory explain {run} ram=31G vram=24G", before=[reference_run],
        holds=[exits(0), says("killed")], seconds=2),
    row("s2-checkpoint-without-its-folder", "S2", Limit(), "forty", "train", NANO + "epochs=4",
        [kill(in_epoch(3))], [exits(-9)],
        [step("train model={runs}/copied/last.pt resume=True", before=[flatten_checkpoint],
              holds=[exits(0, 2), refused_or_complete, nothing_written("*.csv"),
                     nothing_written("*.yaml"), nothing_written("*.bin")])], seconds=6),
    refused_split("test-but-no-val", "test_but_no_val", "test"),
    refused_split("valid-for-val", "valid_for_val", "valid"),
    refused_split("no-val-at-all", "no_val_at_all", "data.yaml"),
]

SETTINGS = [
    row("held-refused-150", "held", group(150), "few", "train", TINY + "epochs=1",
        holds=[refuses()], seconds=2),
    row("held-refused-300", "held", group(300), "few", "train", NANO + "imgsz=640 epochs=1",
        holds=[refuses()], seconds=3),
    row("held-refused-350-yolo26n", "held", group(350), "few", "train",
        NANO26 + "imgsz=640 epochs=1", holds=[refuses()], seconds=3),
    row("held-refused-700-huge-images", "held", group(700), "few", "train",
        NANO + "imgsz=2560 epochs=1", holds=[refuses()], seconds=5),
    row("held-small-group", "held", group(500), "forty", "train", NANO + "imgsz=320 epochs=2",
        holds=[exits(0), says("micro-batches"), epochs(2)], seconds=15),
    row("held-plots", "held", group(700), "forty", "train",
        NANO + "imgsz=320 epochs=2 plots=True", holds=[exits(0), files("run/results.png", 1)],
        seconds=18),
    row("held-yolo26n", "held", group(800), "forty", "train", NANO26 + "imgsz=320 epochs=1",
        holds=[exits(0)], seconds=12),
    row("held-bf16", "held", group(700), "forty", "train", NANO + "imgsz=320 amp=True epochs=1",
        holds=[exits(0), says("bf16")], seconds=8, needs="bf16"),
    row("held-bf16-yolo26n", "held", group(700), "forty", "train",
        NANO26 + "imgsz=320 amp=True epochs=1", holds=[exits(0), says("bf16")], seconds=10,
        needs="bf16"),
    row("held-cache-ram", "held", group(450), "forty", "train", NANO + "cache=ram epochs=3",
        holds=[exits(0), epochs(3)], seconds=10),
    row("held-cache-disk", "held", group(450), "forty", "train", NANO + "cache=disk epochs=2",
        holds=[exits(0), epochs(2)], seconds=9),
    row("held-multi-scale", "held", group(900), "forty", "train",
        NANO + "multi_scale=0.5 imgsz=256 epochs=2", holds=[exits(0)], seconds=14),
    row("held-recompute-none", "held", group(1400), "forty", "train",
        NANO + "imgsz=320 recompute=none epochs=1", holds=[exits(0)], seconds=10),
    row("held-recompute-blocks", "held", group(600), "forty", "train",
        NANO + "imgsz=320 recompute=blocks epochs=1", holds=[exits(0)], seconds=10),
    row("held-16-workers", "held", group(500), "forty", "train",
        NANO + "imgsz=256 workers=16 epochs=2", holds=[exits(0)], seconds=12),
    row("held-classes-95", "held", group(600), "classes95", "train", NANO + "imgsz=256 epochs=1",
        holds=[exits(0)], seconds=7),
    row("held-classes-95-single", "held", group(600), "classes95", "train",
        NANO + "imgsz=256 epochs=1 single_cls=True", holds=[exits(0)], seconds=7),
    row("held-crowded", "held", group(700), "crowded", "train",
        NANO + "imgsz=320 epochs=1 plots=True", holds=[exits(0), no_adaptation], seconds=14),
    row("held-crowded-single-cls-yolo26n", "held", group(700), "crowded", "train",
        NANO26 + "imgsz=256 epochs=1 single_cls=True", holds=[exits(0)], seconds=9),
    row("held-many-pictures", "held", group(600), "many", "train",
        NANO + "batch=133 workers=12 single_cls=True epochs=1 fraction=[300,40]",
        holds=[exits(0)], seconds=22),
    row("held-chosen-batch", "held", group(700), "forty", "train", NANO + "batch=-1 epochs=1",
        holds=[exits(0)], seconds=9),
    row("held-share-for-the-batch", "held", group(700), "forty", "train",
        NANO + "batch=0.6 epochs=1", holds=[exits(0)], seconds=9),
    row("held-rect", "held", group(600), "forty", "train", NANO + "rect=True imgsz=256 epochs=1",
        holds=[exits(0)], seconds=8),
    row("held-memory-share", "held", group(1024), "forty", "train",
        NANO + "imgsz=320 memory=0.4 epochs=1", holds=[exits(0), planned_within(0.4 * 1024)],
        seconds=10),
    row("held-val", "held", group(400), "every_kind_2mp", "val",
        "model={nano} imgsz=320 batch=16 plots=True", holds=[exits(0, 4)], seconds=8),
    row("held-val-crowded", "held", group(400), "crowded", "val",
        "model={nano} imgsz=320 batch=16 plots=True save_json=True", holds=[exits(0)], seconds=7),
    row("held-val-refused", "held", group(180), "few", "val", "model={nano} imgsz=1280 batch=16",
        holds=[exits(4), says("memory")], seconds=4),
    row("held-predict", "held", group(600), "forty", "predict",
        "model={nano} imgsz=640 batch=16 source={data}/images/train save_txt=True",
        holds=[exits(0), files("run/*.jpg", 40)], seconds=8),
    row("f9-predict-page-cache-of-others", "F9", group(400), "many", "predict",
        "model={nano} imgsz=160 source={data}/images/train save=False",
        [page_cache(800, when=at_once)], [exits(0)], seconds=15),
    row("held-export-onnx", "held", group(350), "few", "export",
        "model={nano} format=onnx imgsz=640", holds=[exits(0), says("onnx")], seconds=5),
    row("held-export-torchscript", "held", group(400), "few", "export",
        "model={nano} format=torchscript imgsz=640", holds=[exits(0)], seconds=5),
    row("held-export-refused", "held", group(130), "few", "export",
        "model={nano} format=onnx imgsz=640", holds=[exits(4), says("memory")], seconds=3),
    row("held-disk-full-at-the-start", "held", Limit(disk=1), "few", "train",
        NANO + "batch=8 epochs=2", holds=[exits(6), says("No space left|are free where")],
        seconds=5),
    row("held-disk-full-in-mid-run", "held", Limit(disk=120), "forty", "train",
        NANO + "epochs=3", [fill_disk(saved)],
        [exits(6), says("No space left"), weights("last.pt")], seconds=10),
    row("held-disk-full-then-freed", "held", Limit(disk=240), "few", "train",
        NANO + "batch=8 epochs=4", [fill_disk(in_epoch(2))], [exits(6), weights("last.pt")],
        [step("resume", before=[free_disk], holds=[exits(0), epochs(4)])], seconds=8),
]

TABLE = [*DECODING, *CHANGING_FILES, *KILLS, *OTHERS, *START, *SETTINGS]


def has_bf16():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return bool({"avx512_bf16", "amx_bf16"} & set(file.read().split()))


def missing(scenario):
    """Why it cannot be run here, or None."""
    if scenario.needs == "bf16" and not has_bf16():
        return "the processor does not multiply bf16"
    for limit in [scenario.limit, *(s.limit for s in scenario.steps if s.limit)]:
        if limit.missing():
            return limit.missing()
    return None
