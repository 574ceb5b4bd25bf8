// SPDX-License-Identifier: Apache-2.0
// Private to plot/: the style sheet of report.html.
#pragma once

#include <string_view>

namespace headroom::internal {

inline constexpr std::string_view kReportStyle = R"css(
:root { color-scheme: light dark; --ink: #1f2328; --muted: #626a73; --grid: #dde1e6; --paper: #fff;
  --page: #f6f7f9; --card: #fff; --line: #d5dae0; --accent: #0072b2; --best: #e3f1fa; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ee; --muted: #9aa4b0; --grid: #343b45; --paper: #1b1f26; --page: #12151a;
    --card: #1b1f26; --line: #343b45; --accent: #56b4e9; --best: #16344a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, "DejaVu Sans", Verdana, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 24px 20px 60px; }
h1 { font-size: 26px; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 34px 0 10px; }
h3 { font-size: 15px; margin: 0 0 8px; }
p { margin: 4px 0; }
.muted, figcaption { color: var(--muted); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 14px;
  margin: 0 0 14px; }
.headline { display: grid; gap: 10px; margin: 18px 0 0;
  grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); }
.headline .card { margin: 0; }
.headline b { display: block; font-size: 23px; line-height: 1.2; overflow-wrap: anywhere; }
.headline span { color: var(--muted); font-size: 13px; }
nav { margin: 14px 0 0; font-size: 14px; }
nav a { margin-right: 16px; }
a { color: var(--accent); }
figure { margin: 0 0 14px; }
figure svg, figure img { display: block; max-width: 100%; height: auto; margin: 0 auto; }
figcaption { font-size: 13px; margin-top: 6px; overflow-wrap: anywhere; }
.pictures { display: grid; gap: 14px; grid-template-columns: repeat(auto-fit, minmax(340px, 1fr)); }
.scroll { overflow: auto; max-height: 480px; }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 9px; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; overflow-wrap: break-word; }
thead th { position: sticky; top: 0; background: var(--card); white-space: nowrap; }
.n { text-align: right; white-space: nowrap; }
tr.best td { background: var(--best); font-weight: 600; }
tr.total td { font-weight: 600; }
.facts { columns: 2 380px; column-gap: 28px; margin: 0; }
.facts div { display: flex; gap: 12px; break-inside: avoid; border-bottom: 1px solid var(--line);
  padding: 3px 0; font-size: 13px; }
.facts dt { flex: 0 0 38%; color: var(--muted); overflow-wrap: anywhere; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.bar { position: relative; width: clamp(70px, 18vw, 220px); height: 12px; background: var(--grid); border-radius: 2px; }
.bar i { position: absolute; left: 0; top: 0; height: 100%; background: var(--accent);
  border-radius: 2px; }
.bar u { position: absolute; left: 0; top: -2px; height: 16px; border-right: 2px solid var(--ink); }
.fill-ink { fill: var(--ink); } .stroke-ink { stroke: var(--ink); }
.fill-muted { fill: var(--muted); } .stroke-muted { stroke: var(--muted); }
.fill-grid { fill: var(--grid); } .stroke-grid { stroke: var(--grid); }
.fill-accent { fill: var(--accent); } .stroke-accent { stroke: var(--accent); }
.fill-paper { fill: var(--paper); } .stroke-paper { stroke: var(--paper); }
/* Letters of a chart that is shrunk to a phone cannot be read: it is moved under the finger. */
@media screen and (max-width: 700px) {
  .chart { overflow-x: auto; }
  .chart svg { max-width: none; width: 780px; }
  .chart figcaption { position: sticky; left: 0; }
  .pictures { grid-template-columns: 1fr; } }
@media print {
  :root { color-scheme: light; --ink: #000; --muted: #444; --grid: #ddd; --paper: #fff;
    --page: #fff; --card: #fff; --line: #bbb; --accent: #0072b2; --best: #eef6fb; }
  body { font-size: 11px; }
  main { max-width: none; padding: 0; }
  nav { display: none; }
  .facts { columns: 3 170px; }
  .facts div { font-size: 9px; padding: 1px 0; }
  .scroll { overflow: visible; max-height: none; }
  .card { border: none; padding: 0; }
  .chart svg { max-height: 122mm; width: auto; }
  figure, tr, .facts div { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  thead th { position: static; }
  table { font-size: 8.5px; }
  th, td { padding: 2px 4px; }
  .bar, .bar i, tr.best td { print-color-adjust: exact; }
}
)css";

}  // namespace headroom::internal
