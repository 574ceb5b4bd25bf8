// SPDX-License-Identifier: Apache-2.0
#include "headroom/plot/report.h"

#include "headroom/core/file.h"
#include "headroom/plot/base64.h"
#include "headroom/plot/report_style.h"
#include "headroom/plot/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace headroom {
namespace {

// The largest figure as SVG: measured on a confusion matrix of 95 classes, the largest of ours.
constexpr Bytes kLargestSvg = Bytes::MiB(2);

class Page {
 public:
  Page(const ReportData& data, const std::function<void(std::string_view)>& write)
      : data_(data), write_(write) {}

  void Render() {
    Head();
    Headline();
    Navigation();
    Figures();
    Pictures();
    Memory();
    Adaptations();
    Epochs();
    FactSection("arguments", "Arguments", data_.arguments);
    FactSection("environment", "Environment", data_.environment);
    write_("</main>\n</body>\n</html>\n");
  }

 private:
  template <typename... Values>
  void Print(fmt::format_string<Values...> text, Values&&... values) {
    write_(fmt::format(text, std::forward<Values>(values)...));
  }

  void Head() {
    const std::string title = EscapeXml(data_.title);
    write_("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    write_(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
        "img-src data:; style-src 'unsafe-inline'\">\n");
    write_("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    Print("<title>{}</title>\n<style>", title);
    write_(internal::kReportStyle);
    Print("</style>\n</head>\n<body>\n<main>\n<h1>{}</h1>\n", title);
    if (!data_.subtitle.empty()) Print("<p class=\"muted\">{}</p>\n", EscapeXml(data_.subtitle));
  }

  void Headline() {
    if (data_.headline.empty()) return;
    write_("<div class=\"headline\">\n");
    for (const auto& [name, value] : data_.headline) {
      Print("<div class=\"card\"><b>{}</b><span>{}</span></div>\n", EscapeXml(value),
            EscapeXml(name));
    }
    write_("</div>\n");
  }

  void Navigation() {
    write_("<nav>");
    const auto link = [&](bool present, const char* id, const char* name) {
      if (present) Print("<a href=\"#{}\">{}</a> ", id, name);
    };
    link(!data_.figures.empty(), "charts", "Charts");
    link(!data_.pictures.empty(), "pictures", "Pictures");
    link(!data_.plans.empty(), "memory", "Memory");
    link(HasAdaptations(), "adaptations", "Adaptations");
    link(!data_.epochs.rows.empty(), "epochs", "Epochs");
    link(!data_.arguments.empty(), "arguments", "Arguments");
    link(!data_.environment.empty(), "environment", "Environment");
    write_("</nav>\n");
  }

  void Section(const char* id, const char* title) { Print("<h2 id=\"{}\">{}</h2>\n", id, title); }

  void Figures() {
    if (data_.figures.empty()) return;
    Section("charts", "Charts");
    for (const Figure& figure : data_.figures) {
      write_("<figure class=\"card chart\">\n");
      write_(RenderSvg(figure));
      Print("<figcaption>{}</figcaption></figure>\n", EscapeXml(figure.title));
    }
  }

  void Pictures() {
    if (data_.pictures.empty()) return;
    Section("pictures", "Pictures");
    write_("<div class=\"pictures\">\n");
    for (const ReportData::Picture& picture : data_.pictures) {
      const std::string caption = EscapeXml(picture.caption);
      Print("<figure class=\"card\"><img alt=\"{}\" src=\"data:image/jpeg;base64,", caption);
      write_(EncodeBase64(picture.jpeg));
      Print("\"><figcaption>{}</figcaption></figure>\n", caption);
    }
    write_("</div>\n");
  }

  void Memory() {
    if (data_.plans.empty()) return;
    Section("memory", "Memory: planned and measured");
    for (const ReportData::Plan& plan : data_.plans) {
      Print("<div class=\"card\"><h3>{}</h3>\n", EscapeXml(plan.title));
      if (plan.limit) {
        const std::string origin =
            plan.limit_origin.empty() ? "" : fmt::format(" ({})", EscapeXml(plan.limit_origin));
        Print("<p>Limit {}{}</p>\n", ToString(*plan.limit), origin);
      }
      write_(
          "<div class=\"scroll\"><table><thead><tr><th>Part</th><th class=\"n\">Planned</th>"
          "<th class=\"n\">Measured peak</th><th></th><th>Known as</th></tr></thead><tbody>\n");
      Bytes largest(1);
      for (const ReportData::PlanRow& row : plan.rows) largest = std::max(largest, Larger(row));
      for (const ReportData::PlanRow& row : plan.rows) PlanLine(row, largest, "");
      if (plan.total) PlanLine(*plan.total, Larger(*plan.total), " class=\"total\"");
      write_(
          "</tbody></table></div>\n<p class=\"muted\">Bars: planned; mark: measured.</p></div>\n");
    }
  }

  static Bytes Larger(const ReportData::PlanRow& row) {
    return std::max(row.planned, row.measured.value_or(Bytes()));
  }

  static double Percent(Bytes part, Bytes whole) {
    if (whole == Bytes()) return 0;
    return 100.0 * static_cast<double>(part.count()) / static_cast<double>(whole.count());
  }

  void PlanLine(const ReportData::PlanRow& row, Bytes largest, const char* attribute) {
    std::string mark;
    if (row.measured) {
      mark = fmt::format("<u style=\"width:{:.1f}%\"></u>", Percent(*row.measured, largest));
    }
    Print(
        "<tr{}><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td><div class=\"bar\">"
        "<i style=\"width:{:.1f}%\"></i>{}</div></td><td>{}</td></tr>\n",
        attribute, EscapeXml(row.name), ToString(row.planned),
        row.measured ? ToString(*row.measured) : "", Percent(row.planned, largest), mark,
        EscapeXml(row.basis));
  }

  [[nodiscard]] bool HasAdaptations() const {
    return !data_.adaptations.empty() || !data_.no_adaptations.empty();
  }

  void Adaptations() {
    if (!HasAdaptations()) return;
    Section("adaptations", "Adaptations");
    if (data_.adaptations.empty()) {
      Print("<p class=\"card\">{}</p>\n", EscapeXml(data_.no_adaptations));
      return;
    }
    write_(
        "<div class=\"card scroll\"><table><thead><tr><th>When</th><th>What</th><th>Why</th></tr>"
        "</thead><tbody>\n");
    for (const ReportData::Adaptation& adaptation : data_.adaptations) {
      Print("<tr><td>{}</td><td>{}</td><td>{}</td></tr>\n", EscapeXml(adaptation.when),
            EscapeXml(adaptation.what), EscapeXml(adaptation.why));
    }
    write_("</tbody></table></div>\n");
  }

  void Epochs() {
    if (data_.epochs.rows.empty()) return;
    Section("epochs", "Epochs");
    write_("<div class=\"card scroll\"><table><thead><tr>");
    for (const std::string& column : data_.epochs.columns) {
      Print("<th class=\"n\">{}</th>", EscapeXml(column));
    }
    write_("</tr></thead><tbody>\n");
    for (std::size_t i = 0; i < data_.epochs.rows.size(); ++i) {
      std::string line = data_.epochs.best_row == i ? "<tr class=\"best\">" : "<tr>";
      for (const double value : data_.epochs.rows[i]) {
        const std::string text = std::isnan(value) ? "" : fmt::format("{:.5g}", value);
        line += fmt::format("<td class=\"n\">{}</td>", text);
      }
      write_(line + "</tr>\n");
    }
    write_("</tbody></table></div>\n");
    if (data_.epochs.best_row) {
      write_("<p class=\"muted\">The shaded row is the best epoch.</p>\n");
    }
  }

  void FactSection(const char* id, const char* title, const ReportData::Facts& facts) {
    if (facts.empty()) return;
    Section(id, title);
    write_("<dl class=\"card facts\">\n");
    for (const auto& [name, value] : facts) {
      Print("<div><dt>{}</dt><dd>{}</dd></div>\n", EscapeXml(name), EscapeXml(value));
    }
    write_("</dl>\n");
  }

  const ReportData& data_;
  const std::function<void(std::string_view)>& write_;
};

}  // namespace

void RenderReport(const ReportData& data, const std::function<void(std::string_view)>& write) {
  Page(data, write).Render();
}

std::string RenderReport(const ReportData& data) {
  std::string page;
  RenderReport(data, [&page](std::string_view part) { page += part; });
  return page;
}

void WriteReport(const std::filesystem::path& path, const ReportData& data) {
  WriteFileAtomic(path, [&](FileWriter& file) {
    RenderReport(data, [&file](std::string_view part) { file.Write(part); });
  });
}

MemoryNeed EstimateMemory(const ReportData& data) {
  std::size_t largest = 0;
  for (const ReportData::Picture& picture : data.pictures) {
    largest = std::max(largest, (picture.jpeg.size() + 2) / 3 * 4);
  }
  MemoryNeed need(MemoryTag::kPlots, Bytes(largest));
  need.Add(MemoryTag::kPlots, kLargestSvg, NeedBasis::kAssumed);
  return need;
}

}  // namespace headroom
