// SPDX-License-Identifier: GPL-2.0-or-later
// Writes a chart with a logarithmic scale as one self-contained file, for light and dark pages.
#include <math.h>
#include <string.h>

#include "cli/bench/bench.h"

enum {
	WIDTH = 860,
	LEFT = 190,  // where bars begin
	RIGHT = 740, // where bars end at most; the figures come after them
	ROW = 20,
	HEAD = 44, // height of a workload's heading
	TOP = 16,
	DECADES_MAX = 12,
};

static const char style[] =
	"text{font:12px system-ui,sans-serif;fill:#24292f}"
	".head{font-weight:600;font-size:14px}.grid{stroke:#d0d7de}.tick{fill:#57606a;font-size:11px}"
	".untraced{fill:#8c959f}.floor{fill:#bf8700}.ebpf{fill:#1a7f37}.ptrace{fill:#0969da}.peer{fill:#cf222e}"
	"@media(prefers-color-scheme:dark){text{fill:#e6edf3}.grid{stroke:#30363d}.tick{fill:#8b949e}"
	".untraced{fill:#6e7681}.floor{fill:#d29922}.ebpf{fill:#3fb950}.ptrace{fill:#58a6ff}.peer{fill:#f85149}}";

static bool is_shown(const struct bench *bench, const struct bench_row *row)
{
	return !isnan(bench_median(row->ns, bench->rounds));
}

static double place(double ns, int decades)
{
	double at = ns > 1 ? log10(ns) / decades : 0;
	return LEFT + (RIGHT - LEFT) * at;
}

static void write_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '&')
			fputs("&amp;", out);
		else
			fputc((unsigned char)*text < ' ' || (unsigned char)*text > '~' ? '?'
										       : *text,
			      out);
	}
}

static void write_figure(FILE *out, double ns)
{
	if (ns < 1000)
		fprintf(out, "%.3g ns", ns);
	else if (ns < 1e6)
		fprintf(out, "%.3g µs", ns / 1e3);
	else
		fprintf(out, "%.3g ms", ns / 1e6);
}

static void write_bar(const struct bench *bench, const struct bench_row *row, int y, int decades,
		      FILE *out)
{
	static const char *const classes[] = {"untraced", "floor", "ebpf", "ptrace", "peer"};
	double ns = bench_median(row->ns, bench->rounds), end = place(ns, decades);
	fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", LEFT - 8, y + 13);
	write_escaped(out, row->name);
	fprintf(out,
		"</text><rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"2\"/>"
		"<text x=\"%.1f\" y=\"%d\">",
		classes[row->kind], LEFT, y + 3, fmax(end - LEFT, 2), ROW - 6, end + 6, y + 13);
	write_figure(out, ns);
	fprintf(out, "%s</text>\n", row->survived ? "" : " (killed the program)");
}

static void write_grid(int top, int bottom, int decades, FILE *out)
{
	static const char *const names[DECADES_MAX + 1] = {"1 ns",   "10 ns",  "100 ns", "1 µs",
							   "10 µs",  "100 µs", "1 ms",	 "10 ms",
							   "100 ms", "1 s",    "10 s"};
	for (int i = 0; i <= decades; i++) {
		double x = LEFT + (double)(RIGHT - LEFT) * i / decades;
		fprintf(out,
			"<line class=\"grid\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>"
			"<text class=\"tick\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
			x, top, x, bottom, x, top - 4, names[i] ? names[i] : "");
	}
}

static size_t rows_of(const struct bench *bench, size_t first, size_t *end)
{
	size_t num = 0, i = first;
	for (; i < bench->num_rows && !strcmp(bench->rows[i].workload, bench->rows[first].workload);
	     i++)
		num += is_shown(bench, &bench->rows[i]);
	*end = i;
	return num;
}

static void write_chart(const struct bench *bench, int decades, int height, FILE *out)
{
	fprintf(out,
		"<svg xmlns=\"http:%s\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" "
		"aria-label=\"What a traced call costs\"><style>%s</style>\n",
		"//www.w3.org/2000/svg", WIDTH, height, WIDTH, height, style);
	int y = TOP;
	for (size_t first = 0, end; first < bench->num_rows; first = end) {
		size_t num = rows_of(bench, first, &end);
		fprintf(out, "<text class=\"head\" x=\"8\" y=\"%d\">", y + 12);
		write_escaped(out, bench->rows[first].workload);
		fputs("</text>\n", out);
		y += HEAD - 8;
		write_grid(y, y + ROW * (int)num, decades, out);
		for (size_t i = first; i < end; i++) {
			if (!is_shown(bench, &bench->rows[i]))
				continue;
			write_bar(bench, &bench->rows[i], y, decades, out);
			y += ROW;
		}
		y += 8;
	}
	fputs("</svg>\n", out);
}

void bench_print_svg(const struct bench *bench, FILE *out)
{
	double most = 10;
	int height = TOP;
	for (size_t i = 0; i < bench->num_rows; i++)
		if (is_shown(bench, &bench->rows[i]))
			most = fmax(most, bench_median(bench->rows[i].ns, bench->rounds));
	for (size_t first = 0, end; first < bench->num_rows; first = end)
		height += HEAD + ROW * (int)rows_of(bench, first, &end);
	int decades = (int)ceil(log10(most));
	write_chart(bench, decades < DECADES_MAX ? decades : DECADES_MAX, height, out);
}
